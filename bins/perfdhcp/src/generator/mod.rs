//! The generator: a state machine from (time, answers) to messages, without sockets and clocks.
//!
//! Feed it with [`Generator::poll`] when [`Generator::deadline_ns`] has come and with [`Generator::receive`] for every
//! datagram; each puts messages into an [`Outgoing`] batch that is to be sent before the next call. It runs as well
//! under virtual time: an hour takes seconds in a test.
//!
//! An exchange occupies a slot from its first message to its last answer, or until its patience ends:
//!
//! ```text
//! (arrival) -> First --offer--> Second --grant--> completed -> holders --+--> Renewal --grant--> holders
//!                 |               |                                     +--> Release
//!                 +--- patience --+---> given up (an avalanche sends again instead)
//! ```
//!
//! Memory is all taken at the start: slots for everything that can be in progress when nothing is answered, a bounded
//! table of holders, a bounded table of owners, a bounded series of points. Nothing is allocated per packet; what `-u`
//! and `-x` remember grows by doubling, up to its bound.
//!
//! Latency is measured from the moment when a message should have been sent: for the first message its place in the
//! row of arrivals, whether or not the generator was in time; for later ones the moment the answer before was read.

pub mod arrivals;
pub mod outgoing;
pub mod plan;

mod answer;
#[cfg(test)]
mod tests;

use util::{Entropy, SplitMix};

use crate::generator::arrivals::Arrivals;
use crate::generator::outgoing::Outgoing;
use crate::generator::plan::{DropsMax, Load, Plan, SECOND_NS, Spacing, Steps};
use crate::holders::{HOLDERS_MAX, Holder, Holders};
use crate::owners::Owners;
use crate::protocol::{Exchange, Protocol, Query};
use crate::record::Records;
use crate::series::Series;
use crate::slots::{SlotIndex, Slots};
use crate::statistics::{LATE_NS, Statistics};

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every client of an avalanche has been served.
    AllServed,
    /// Too many drops.
    Drops,
    /// Too great a share of drops.
    DropShare,
    /// Somebody asked for it.
    Interrupted,
    /// The time is over.
    Period,
    /// So many messages were sent as were asked for.
    Requests,
}

/// What an exchange in progress carries.
#[derive(Clone, Copy, Debug)]
struct Entry<L> {
    exchange: Exchange,
    client: u32,
    /// Number that picks its relay address.
    relay: u32,
    /// When the whole exchange should have begun.
    begun_ns: u64,
    /// When its last message should have been sent.
    intended_ns: u64,
    /// When its last message was sent first.
    sent_ns: u64,
    /// How often that message was sent again.
    resent: u32,
    lease: L,
    /// Whether it only warms the server up.
    is_preload: bool,
    /// Set when it has ended without an answer.
    is_given_up: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Running,
    Draining { until_ns: u64, ending: Ending },
    Ended(Ending),
}

/// The generator of one run.
#[derive(Debug)]
pub struct Generator<P: Protocol> {
    protocol: P,
    plan: Plan,
    state: State,
    slots: Slots<Entry<P::Lease>>,
    arrivals: Arrivals,
    renewals: Arrivals,
    releases: Arrivals,
    holders: Holders<P::Lease>,
    owners: Owners,
    entropy: SplitMix,
    statistics: Statistics,
    series: Series,
    records: Records<P::Lease>,
    first_server: Option<P::Lease>,
    /// Number of the next exchange.
    next: u64,
    preload_left: u64,
    start_ns: u64,
}

impl<P: Protocol> Generator<P> {
    /// A generator whose run begins at `now_ns`.
    #[must_use]
    pub fn new(protocol: P, plan: Plan, now_ns: u64) -> Self {
        let (rate, spacing) = match plan.load {
            Load::Open { rate, spacing } => (rate, spacing),
            Load::Closed { .. } | Load::Avalanche => (0.0, Spacing::Even),
        };
        let entry = Entry {
            exchange: Exchange::First,
            client: 0,
            relay: 0,
            begun_ns: 0,
            intended_ns: 0,
            sent_ns: 0,
            resent: 0,
            lease: P::Lease::default(),
            is_preload: false,
            is_given_up: false,
        };
        let holders_max = match plan.keep_holders {
            true => HOLDERS_MAX.min(plan.clients as usize),
            false => 0,
        };
        let mut statistics = Statistics::default();
        (statistics.start_ns, statistics.end_ns) = (now_ns, now_ns);
        Self {
            protocol,
            state: State::Running,
            slots: Slots::new(plan.slots(), P::XID_BITS, entry),
            arrivals: Arrivals::new(now_ns, rate, spacing),
            renewals: Arrivals::new(now_ns, plan.renew_rate, spacing),
            releases: Arrivals::new(now_ns, plan.release_rate, spacing),
            holders: Holders::new(holders_max),
            owners: Owners::default(),
            entropy: SplitMix::new(plan.seed),
            statistics,
            series: Series::new(now_ns),
            records: Records::new(plan.keep_times, plan.keep_leases),
            first_server: None,
            next: 0,
            preload_left: plan.preload,
            start_ns: now_ns,
            plan,
        }
    }

    /// Does what is due: gives up, sends again, begins exchanges, ends the run.
    ///
    /// Changes the deadline. When `out` is full, the rest follows at the next call.
    pub fn poll(&mut self, now_ns: u64, out: &mut Outgoing) {
        self.expire(now_ns, out);
        if self.state == State::Running {
            self.preload(now_ns, out);
            let end_ns = self.plan.limits.period_ns.map_or(u64::MAX, |period| {
                if self.plan.load == Load::Avalanche {
                    u64::MAX
                } else {
                    self.start_ns.saturating_add(period)
                }
            });
            self.begin_due(now_ns.min(end_ns.saturating_sub(1)), now_ns, out);
            if self.state == State::Running && now_ns >= end_ns {
                self.statistics.own.not_begun += self.arrivals.left_before(end_ns);
                self.drain(Ending::Period, now_ns);
                self.statistics.end_ns = end_ns;
            }
        }
        if now_ns >= self.series.due_ns() {
            self.series.sample(now_ns, self.series_counts());
        }
        if let State::Draining { until_ns, ending } = self.state
            && (self.slots.taken_count() == 0 || now_ns >= until_ns)
        {
            self.end(ending);
        }
    }

    /// Ends the run at once.
    pub fn stop(&mut self, now_ns: u64) {
        if !matches!(self.state, State::Ended(_)) {
            self.statistics.end_ns = self.statistics.end_ns.max(now_ns);
            self.end(Ending::Interrupted);
        }
    }

    /// Notes that the system refused to send messages of the last batch.
    pub fn send_failed(&mut self, messages: u64) {
        self.statistics.own.send_errors += messages;
    }

    /// When [`Self::poll`] is to be called next, at the latest; at once when the moment has passed.
    #[must_use]
    pub fn deadline_ns(&self, now_ns: u64) -> u64 {
        let mut deadline = self.series.due_ns();
        if self.slots.taken_count() > 0 {
            // The wheel's ticks are about a millisecond; waiting for two of them finds everything in time.
            deadline = deadline.min(now_ns + 2_000_000);
        }
        match self.state {
            State::Draining { until_ns, .. } => deadline.min(until_ns),
            State::Ended(_) => now_ns,
            State::Running if self.preload_left > 0 => now_ns,
            State::Running => {
                let room = match self.plan.load {
                    Load::Closed { window } => self.slots.taken_count() < window,
                    Load::Avalanche => self.statistics.begun < u64::from(self.plan.clients),
                    Load::Open { .. } => false,
                };
                let rows = [&self.arrivals, &self.renewals, &self.releases];
                let arrival = rows.iter().filter_map(|row| row.next_ns()).min();
                let period =
                    self.plan.limits.period_ns.map(|period| self.start_ns.saturating_add(period));
                let due = arrival.into_iter().chain(period).chain(room.then_some(now_ns)).min();
                deadline.min(due.unwrap_or(u64::MAX))
            }
        }
    }

    /// Why the run has ended; `None` while it goes on.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        match self.state {
            State::Ended(ending) => Some(ending),
            _ => None,
        }
    }

    /// What was counted until now.
    #[must_use]
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// The course of the run.
    #[must_use]
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// Times and leases that were kept for the report.
    #[must_use]
    pub fn records(&self) -> &Records<P::Lease> {
        &self.records
    }

    /// The protocol.
    #[must_use]
    pub fn protocol(&self) -> &P {
        &self.protocol
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The server that answered first.
    #[must_use]
    pub fn first_server(&self) -> Option<&P::Lease> {
        self.first_server.as_ref()
    }

    /// Exchanges in progress.
    #[must_use]
    pub fn in_progress(&self) -> u32 {
        self.slots.taken_count()
    }

    /// Slots that were taken at the start.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.slots.capacity()
    }

    /// Exchanges whose clients have been numbered.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        self.next
    }

    /// Handles timers that have run off.
    fn expire(&mut self, now_ns: u64, out: &mut Outgoing) {
        let is_avalanche = self.plan.load == Load::Avalanche;
        while !is_avalanche || out.room() > 0 {
            let Some(at) = self.slots.expired(now_ns) else { return };
            let Some(entry) = self.slots.value(at).copied() else { return };
            if is_avalanche && !entry.is_preload {
                self.send_again(at, entry, now_ns, out);
                continue;
            }
            self.slots.release(at, Entry { is_given_up: true, ..entry });
            if !entry.is_preload {
                self.give_up(entry);
            }
        }
    }

    fn give_up(&mut self, entry: Entry<P::Lease>) {
        let counts = self.statistics.of_mut(entry.exchange);
        counts.given_up += 1;
        let (given_up, decided) = (counts.given_up, counts.given_up + counts.received);
        if entry.exchange == Exchange::Renewal {
            let Entry { client, relay, lease, .. } = entry;
            self.holders.put(Holder { client, relay, lease });
        }
        let ending = match self.plan.limits.drops.get(entry.exchange.index()) {
            Some(Some(DropsMax::Count(max))) if given_up >= *max => Ending::Drops,
            Some(Some(DropsMax::Share(max)))
                if decided >= DECIDED_MIN && given_up as f64 > decided as f64 * max =>
            {
                Ending::DropShare
            }
            _ => return,
        };
        if self.state == State::Running {
            self.end(ending);
        }
    }

    /// Sends the message of an exchange of an avalanche again, after twice the time of the last wait.
    fn send_again(
        &mut self,
        at: SlotIndex,
        entry: Entry<P::Lease>,
        now_ns: u64,
        out: &mut Outgoing,
    ) {
        let resent = entry.resent + 1;
        if let Some(entry) = self.slots.value_mut(at) {
            entry.resent = resent;
        }
        self.statistics.of_mut(entry.exchange).resent += 1;
        self.write(at, now_ns, out);
        let patience = self.patience_ns(entry.exchange, resent);
        self.slots.set_timer(at, now_ns + patience);
    }

    /// Begins what is due at `now_ns`; `due_ns` is that, or the end of the run if that has passed.
    fn begin_due(&mut self, due_ns: u64, now_ns: u64, out: &mut Outgoing) {
        for _ in 0..self.plan.burst {
            // One place stays for a renewal and one for a release.
            if out.room() < 3 || self.state != State::Running {
                return;
            }
            let mut idle = true;
            if let Some(intended_ns) = self.renewals.next_ns().filter(|at| *at <= due_ns) {
                self.renewals.advance(&mut self.entropy);
                self.begin_renewal(Exchange::Renewal, intended_ns, now_ns, out);
                idle = false;
            }
            if let Some(intended_ns) = self.releases.next_ns().filter(|at| *at <= due_ns) {
                self.releases.advance(&mut self.entropy);
                self.begin_renewal(Exchange::Release, intended_ns, now_ns, out);
                idle = false;
            }
            let intended_ns = match self.plan.load {
                Load::Open { .. } => self.arrivals.next_ns().filter(|at| *at <= due_ns),
                Load::Closed { window } => {
                    (now_ns <= due_ns && self.slots.taken_count() < window).then_some(now_ns)
                }
                Load::Avalanche => {
                    (self.statistics.begun < u64::from(self.plan.clients)).then_some(self.start_ns)
                }
            };
            if let Some(intended_ns) = intended_ns {
                self.arrivals.advance(&mut self.entropy);
                self.begin(intended_ns, now_ns, out);
                idle = false;
            }
            if idle {
                return;
            }
        }
    }

    fn preload(&mut self, now_ns: u64, out: &mut Outgoing) {
        while self.preload_left > 0 && out.room() > 0 {
            self.preload_left -= 1;
            let Some(at) = self.take_slot(Exchange::First, now_ns, now_ns) else { return };
            if let Some(entry) = self.slots.value_mut(at) {
                entry.is_preload = true;
            }
            self.write(at, now_ns, out);
        }
    }

    /// Begins an exchange.
    fn begin(&mut self, intended_ns: u64, now_ns: u64, out: &mut Outgoing) {
        let Some(at) = self.take_slot(Exchange::First, intended_ns, now_ns) else { return };
        self.note_lateness(intended_ns, now_ns);
        self.write(at, now_ns, out);
        self.statistics.begun += 1;
        self.count_sent(Exchange::First, now_ns);
        if self.plan.load == Load::Avalanche
            && self.state == State::Running
            && self.statistics.begun >= u64::from(self.plan.clients)
        {
            self.drain(Ending::AllServed, now_ns);
        }
    }

    /// Counts a message of the first or second exchange, and ends the run when it was the last one.
    fn count_sent(&mut self, exchange: Exchange, now_ns: u64) {
        let counts = self.statistics.of_mut(exchange);
        counts.sent += 1;
        let limit = self.plan.limits.requests.get(exchange.index()).copied().flatten();
        if self.state == State::Running && limit.is_some_and(|limit| counts.sent >= limit) {
            self.drain(Ending::Requests, now_ns);
        }
    }

    /// Takes a slot for the next exchange, and sets its timer.
    fn take_slot(
        &mut self,
        exchange: Exchange,
        intended_ns: u64,
        now_ns: u64,
    ) -> Option<SlotIndex> {
        let number = self.next;
        let clients = u64::from(self.plan.clients.max(1));
        let turn =
            if self.plan.random_clients { self.entropy.below(clients) } else { number % clients };
        let entry = Entry {
            exchange,
            client: ((u64::from(self.plan.first_client) + turn) % clients) as u32,
            relay: (self.entropy.next_u64() >> 32) as u32,
            begun_ns: intended_ns,
            intended_ns,
            sent_ns: now_ns,
            resent: 0,
            lease: P::Lease::default(),
            is_preload: false,
            is_given_up: false,
        };
        let Some(at) = self.slots.take(entry) else {
            // Arrivals are lost; what does not begin by the clock begins later.
            let by_clock = matches!(self.plan.load, Load::Open { .. });
            self.statistics.own.no_slot += u64::from(by_clock);
            return None;
        };
        self.next += 1;
        let patience = self.patience_ns(exchange, 0);
        self.slots.set_timer(at, now_ns + patience);
        Some(at)
    }

    /// Begins a renewal or a release of a lease drawn at random.
    fn begin_renewal(
        &mut self,
        exchange: Exchange,
        intended_ns: u64,
        now_ns: u64,
        out: &mut Outgoing,
    ) {
        let Some(holder) = self.holders.take(&mut self.entropy) else {
            self.statistics.own.no_lease += 1;
            return;
        };
        let entry = Entry {
            exchange,
            client: holder.client,
            relay: holder.relay,
            begun_ns: intended_ns,
            intended_ns,
            sent_ns: now_ns,
            resent: 0,
            lease: holder.lease,
            is_preload: false,
            is_given_up: false,
        };
        let Some(at) = self.slots.take(entry) else {
            self.statistics.own.no_slot += 1;
            self.holders.put(holder);
            return;
        };
        self.note_lateness(intended_ns, now_ns);
        self.write(at, now_ns, out);
        self.statistics.of_mut(exchange).sent += 1;
        if exchange == Exchange::Release {
            for address in P::resources(&holder.lease).into_iter().flatten() {
                self.owners.give_back(address);
            }
            if !P::IS_RELEASE_ANSWERED {
                self.slots.release(at, entry);
                return;
            }
        }
        let patience = self.patience_ns(exchange, 0);
        self.slots.set_timer(at, now_ns + patience);
    }

    /// Writes the message of an exchange.
    fn write(&mut self, at: SlotIndex, now_ns: u64, out: &mut Outgoing) {
        let xid = self.slots.xid(at);
        let Some(entry) = self.slots.value(at) else { return };
        let elapsed_ns = match self.plan.waiting {
            _ if self.plan.load == Load::Avalanche => now_ns.saturating_sub(entry.sent_ns),
            Some(waiting) => {
                let since = now_ns.saturating_sub(self.start_ns + waiting.after_ns);
                if since < waiting.for_ns { since } else { 0 }
            }
            None => 0,
        };
        let query = Query {
            exchange: entry.exchange,
            xid,
            client: entry.client,
            relay: entry.relay,
            elapsed_cs: elapsed_ns / (SECOND_NS / 100),
            lease: &entry.lease,
        };
        if !out.push_with(|buffer| self.protocol.write(&query, buffer)) {
            self.statistics.own.send_errors += 1;
        }
    }

    fn patience_ns(&mut self, exchange: Exchange, resent: u32) -> u64 {
        if self.plan.load == Load::Avalanche {
            let base = SECOND_NS << resent.min(BACK_OFF_BITS_MAX);
            return base - SECOND_NS / 2 + self.entropy.below(SECOND_NS);
        }
        let [first, later] = self.plan.patience_ns;
        if exchange == Exchange::First { first } else { later }
    }

    fn note_lateness(&mut self, intended_ns: u64, now_ns: u64) {
        let late = now_ns.saturating_sub(intended_ns);
        self.statistics.own.lateness.record(late);
        if late > LATE_NS && self.plan.load != Load::Avalanche {
            self.statistics.own.sent_late += 1;
        }
    }

    /// Begins no more exchanges, and ends when those in progress have ended.
    fn drain(&mut self, ending: Ending, now_ns: u64) {
        let until_ns = match self.plan.limits.exit_wait_ns {
            Some(wait) if self.plan.load != Load::Avalanche => now_ns.saturating_add(wait),
            _ => u64::MAX,
        };
        self.state = State::Draining { until_ns, ending };
        // With an even load, the last exchange has its share of the time, too.
        let next_ns = self.arrivals.next_ns().unwrap_or(now_ns);
        self.statistics.end_ns = now_ns.max(next_ns);
    }

    fn end(&mut self, ending: Ending) {
        self.state = State::Ended(ending);
        for entry in self.slots.taken().filter(|entry| !entry.is_preload) {
            self.statistics.of_mut(entry.exchange).unanswered += 1;
        }
        self.series.finish(self.series_counts());
    }

    fn series_counts(&self) -> [u64; 3] {
        let dropped = Exchange::ALL.iter().map(|exchange| self.statistics.of(*exchange).given_up);
        [self.statistics.begun, self.statistics.completed, dropped.sum()]
    }

    /// Whether the first answer is the last one of an exchange.
    fn is_two_way(&self) -> bool {
        matches!(self.plan.steps, Steps::Two { .. })
    }
}

/// A share of drops is looked at when so many messages were answered or given up.
const DECIDED_MIN: u64 = 10;
/// An avalanche waits for 2^this seconds at most.
const BACK_OFF_BITS_MAX: u32 = 6;
