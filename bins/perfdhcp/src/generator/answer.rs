//! What the generator makes of an answer.
//!
//! Every datagram ends as exactly one of: an answer in time, or one of the kinds of [`Oddities`]. Nothing that a server
//! sends ends a run.
//!
//! [`Oddities`]: crate::statistics::Oddities

use crate::generator::outgoing::Outgoing;
use crate::generator::{Entry, Generator, Load, State, Steps};
use crate::holders::Holder;
use crate::owners::Claim;
use crate::protocol::{Exchange, Protocol, Reply, ReplyKind, Unreadable};
use crate::slots::{Found, SlotIndex};

impl<P: Protocol> Generator<P> {
    /// Feeds one datagram; the next message of its exchange, if there is one, lands in `out`.
    ///
    /// Changes the deadline. `out` must have room for one message.
    pub fn receive(&mut self, datagram: &[u8], now_ns: u64, out: &mut Outgoing) {
        if matches!(self.state, State::Ended(_)) {
            return;
        }
        let oddities = &mut self.statistics.oddities;
        let reply = match self.protocol.read(datagram) {
            Ok(reply) => reply,
            Err(reason) => {
                match reason {
                    Unreadable::TooShort => oddities.too_short += 1,
                    Unreadable::NotFromServer => oddities.not_from_server += 1,
                    Unreadable::Garbage => oddities.garbage += 1,
                }
                return;
            }
        };
        let exchange = match reply.kind {
            ReplyKind::Offer => Exchange::First,
            _ => Exchange::Second,
        };
        match self.slots.find(reply.xid) {
            Found::Current(at) => self.answer(at, &reply, now_ns, out),
            Found::Ended(at) => {
                let Some(entry) = self.slots.value(at) else { return };
                if entry.is_preload {
                    return;
                }
                let exchange = entry.exchange;
                match entry.is_given_up {
                    true => oddities.late += 1,
                    false => oddities.duplicates += 1,
                }
                self.statistics.of_mut(exchange).orphans += 1;
            }
            Found::Earlier(_) => {
                // The slot no longer knows how that exchange ended.
                oddities.late += 1;
                self.statistics.of_mut(exchange).orphans += 1;
            }
            Found::Foreign => {
                oddities.foreign += 1;
                self.statistics.of_mut(exchange).orphans += 1;
            }
        }
    }

    /// An answer with the transaction id of an exchange in progress.
    fn answer(&mut self, at: SlotIndex, reply: &Reply<P::Lease>, now_ns: u64, out: &mut Outgoing) {
        let Some(entry) = self.slots.value(at).copied() else { return };
        let oddities = &mut self.statistics.oddities;
        let key = self.protocol.client_key(entry.client);
        if key.is_some_and(|key| key != reply.client_key) {
            oddities.wrong_client += 1;
            self.statistics.of_mut(entry.exchange).orphans += 1;
            return;
        }
        if entry.is_preload {
            self.slots.release(at, entry);
            return;
        }
        let wanted = match (entry.exchange, self.plan.steps) {
            (Exchange::First, Steps::Two { rapid_commit: true }) => ReplyKind::Final,
            (Exchange::First, _) => ReplyKind::Offer,
            _ => ReplyKind::Final,
        };
        match reply.kind {
            kind if kind == wanted => self.settle(at, entry, reply, now_ns, out),
            ReplyKind::Refusal if entry.exchange != Exchange::First => {
                oddities.refusals += 1;
                self.statistics.of_mut(entry.exchange).rejected += 1;
                self.count_received(&entry, now_ns);
                self.slots.release(at, entry);
            }
            ReplyKind::Offer if entry.exchange == Exchange::Second => {
                // Another server's offer, or the same once more.
                oddities.duplicates += 1;
                self.statistics.of_mut(Exchange::First).orphans += 1;
            }
            _ => {
                oddities.wrong_type += 1;
                self.statistics.of_mut(entry.exchange).orphans += 1;
            }
        }
    }

    /// The right kind of answer to the message of an exchange.
    fn settle(
        &mut self,
        at: SlotIndex,
        entry: Entry<P::Lease>,
        reply: &Reply<P::Lease>,
        now_ns: u64,
        out: &mut Outgoing,
    ) {
        self.count_received(&entry, now_ns);
        if entry.exchange == Exchange::Release {
            self.slots.release(at, entry);
            return;
        }
        if !reply.is_complete {
            self.statistics.oddities.incomplete += 1;
            self.statistics.of_mut(entry.exchange).rejected += 1;
            self.slots.release(at, entry);
            return;
        }
        let first_server = *self.first_server.get_or_insert(reply.lease);
        self.records.lease(entry.exchange, entry.client, &reply.lease);
        if entry.exchange == Exchange::First && !self.is_two_way() {
            self.go_on(at, reply, &first_server, now_ns, out);
            return;
        }
        if entry.exchange == Exchange::First {
            self.complete(&entry, now_ns);
            if self.plan.steps == (Steps::Two { rapid_commit: true }) {
                self.hold(&entry, &reply.lease);
            }
            self.slots.release(at, entry);
            return;
        }
        if !P::is_same(&entry.lease, &reply.lease) {
            self.statistics.oddities.changed += 1;
        }
        if entry.exchange == Exchange::Second {
            self.complete(&entry, now_ns);
        }
        self.hold(&entry, &reply.lease);
        self.slots.release(at, entry);
    }

    /// Sends the second message of an exchange.
    fn go_on(
        &mut self,
        at: SlotIndex,
        reply: &Reply<P::Lease>,
        first_server: &P::Lease,
        now_ns: u64,
        out: &mut Outgoing,
    ) {
        let mut lease = reply.lease;
        if self.plan.one_server {
            P::adopt_server(&mut lease, first_server);
        }
        if P::IS_XID_RENEWED {
            self.slots.renew_xid(at);
        }
        if let Some(entry) = self.slots.value_mut(at) {
            entry.exchange = Exchange::Second;
            entry.intended_ns = now_ns;
            entry.sent_ns = now_ns;
            entry.resent = 0;
            entry.lease = lease;
        }
        self.write(at, now_ns, out);
        let patience = self.patience_ns(Exchange::Second, 0);
        self.slots.set_timer(at, now_ns + patience);
        self.count_sent(Exchange::Second, now_ns);
    }

    /// Counts an answer in time with its delays.
    fn count_received(&mut self, entry: &Entry<P::Lease>, now_ns: u64) {
        let counts = self.statistics.of_mut(entry.exchange);
        counts.received += 1;
        counts.delay.record(now_ns.saturating_sub(entry.sent_ns));
        counts.latency.record(now_ns.saturating_sub(entry.intended_ns));
        self.records.time(entry.exchange, entry.sent_ns - self.start_ns, now_ns - self.start_ns);
    }

    /// Counts a whole exchange.
    fn complete(&mut self, entry: &Entry<P::Lease>, now_ns: u64) {
        self.statistics.completed += 1;
        let whole_ns = now_ns.saturating_sub(entry.begun_ns);
        self.statistics.whole.record(whole_ns);
        self.series.record(whole_ns);
        self.statistics.end_ns = match self.plan.load {
            // An avalanche ends with its last client, not with its last arrival.
            Load::Avalanche => now_ns,
            _ => self.statistics.end_ns.max(now_ns),
        };
    }

    /// Notes that a client holds a lease.
    fn hold(&mut self, entry: &Entry<P::Lease>, lease: &P::Lease) {
        if self.plan.check_unique {
            for address in P::resources(lease).into_iter().flatten() {
                match self.owners.claim(address, entry.client) {
                    Claim::Sole => {}
                    Claim::Shared(_) => {
                        self.statistics.oddities.shared += 1;
                        self.statistics.of_mut(entry.exchange).non_unique += 1;
                    }
                    Claim::Unknown => self.statistics.own.unchecked += 1,
                }
            }
        }
        if self.plan.keep_holders {
            let holder = Holder { client: entry.client, relay: entry.relay, lease: *lease };
            self.holders.put(holder);
        }
    }
}
