//! The DHCPv6 server of one worker: a datagram in, replies out.
//!
//! No sockets, files, clocks or threads: everything arrives as an argument and leaves through the two outboxes of
//! [`Replies`]. Workers share the lease store, the client gate and the [`Runtime6`]; counters, offers and parked
//! exchanges are their own. Contract: feed one datagram with [`DhcpServer::receive`], or the answer of a store with
//! [`DhcpServer::resume`]; after a batch call [`DhcpServer::end_batch`]; send what the outboxes hold.
//!
//! Order for a datagram: parse, count, check, enter the client gate, select the subnet, find the hardware address, run
//! the handler, write the reply, leave the gate. See `doc/architecture.md` for the rest of the path.

mod report;

use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::Ipv6Addr;
use std::sync::Arc;

use kea_log::RateLimiter;
use libdhcp::v6::{MessageType, SpanTable, View};
use libdhcpsrv::config::SubnetIndex;
use libdhcpsrv::deliveries::{Deliveries, Passage};
use libdhcpsrv::gate::Entered;
use libdhcpsrv::hosts::Host6;
use libdhcpsrv::intake::{Intake, Progress, Shared};
use libdhcpsrv::lease::LeaseType;
use libdhcpsrv::lease6::V6;
use libdhcpsrv::links::Links;
use libdhcpsrv::offers::OfferTable;
use libdhcpsrv::server::DhcpServer;
use libdhcpsrv::session::{Answer6, Memo6, Parked, Session6, Ticket};
use stats::{Packet6 as Packet, WorkerCounters6};
use util::link::{Inbound, Outbound, Replies};
use util::{Now, SplitMix};

use crate::draft::{Draft, Fate};
use crate::drop_reason::DropReason;
use crate::handlers::{self, Exchange, Outcome};
use crate::hardware;
use crate::hosts;
use crate::messages::{loggers::*, *};
use crate::query::Query;
use crate::reply::{self, Material};
use crate::runtime::Runtime6;
use crate::select;

/// Lines about dropped queries that may come at once, and the time after which one more may.
const EXPLAINED_BURST: u32 = 20;
const EXPLAINED_INTERVAL_NS: u64 = 200_000_000;

/// What the workers of one daemon have in common.
pub type Shared6 = Shared<V6>;

/// The server of one worker.
#[derive(Debug)]
pub struct Server6 {
    core: Core,
    runtime: Arc<Runtime6>,
}

/// The server without its configuration, which is lent to it for each datagram.
#[derive(Debug)]
struct Core {
    shared: Shared6,
    links: Arc<Links>,
    counters: WorkerCounters6,
    offers: OfferTable<Ipv6Addr>,
    deliveries: Deliveries,
    entropy: SplitMix,
    /// Lent to the view of the packet that is being processed.
    spans: Option<Box<SpanTable>>,
    memo: Memo6,
    draft: Draft,
    intake: Intake<V6, Runtime6>,
    limiter: RateLimiter,
    /// The query in progress, when it has come through a relay.
    passage: Option<Passage>,
    /// The subnet of the last exchange: where its changes most likely count.
    subnet: Option<SubnetIndex>,
}

/// One run of an exchange, as far as it came.
enum Run {
    /// It has come to its end.
    Finished(Outcome),
    /// It waits.
    Parked(Ticket),
}

impl Server6 {
    /// Makes the server of one worker; `seed` differs between workers.
    #[must_use]
    pub fn new(
        shared: Shared6,
        runtime: Arc<Runtime6>,
        counters: WorkerCounters6,
        seed: u64,
    ) -> Self {
        let core = Core {
            shared,
            links: Arc::default(),
            counters,
            offers: OfferTable::default(),
            deliveries: Deliveries::default(),
            entropy: SplitMix::new(seed),
            spans: Some(Box::default()),
            memo: Memo6::default(),
            draft: Draft::default(),
            intake: Intake::default(),
            limiter: RateLimiter::new(EXPLAINED_BURST, EXPLAINED_INTERVAL_NS),
            passage: None,
            subnet: None,
        };
        Self { core, runtime }
    }

    /// The configuration in force.
    #[must_use]
    pub fn runtime(&self) -> &Arc<Runtime6> {
        &self.runtime
    }

    /// Packet counters of this worker.
    #[must_use]
    pub fn counters(&self) -> &WorkerCounters6 {
        &self.core.counters
    }

    /// Number of exchanges that wait for a store.
    #[must_use]
    pub fn parked_len(&self) -> usize {
        self.core.intake.parked_len()
    }
}

impl DhcpServer for Server6 {
    type Leases = V6;
    type Runtime = Runtime6;

    fn set_runtime(&mut self, runtime: Arc<Runtime6>) {
        self.runtime = runtime;
    }

    fn set_links(&mut self, links: Arc<Links>) {
        self.core.links = links;
    }

    fn look(&self, payload: &[u8]) {
        self.runtime.fetch(payload);
    }

    fn receive(&mut self, input: Inbound<'_>, now: Now, replies: &mut Replies) -> Progress {
        self.core.counters.set_time(now);
        self.core.counters.increment(Packet::Received);
        self.core.process(&input, &self.runtime, now, replies, true)
    }

    fn resume(
        &mut self,
        ticket: Ticket,
        answer: Answer6,
        now: Now,
        replies: &mut Replies,
    ) -> Progress {
        let Some(mut exchange) = self.core.intake.unpark(ticket) else { return Progress::Done };
        exchange.memo.record(answer);
        std::mem::swap(&mut self.core.memo, &mut exchange.memo);
        let mut spans = self.core.spans.take().unwrap_or_default();
        let input = exchange.datagram.input();
        let progress = match View::parse(input.payload, &mut spans) {
            Ok(view) => {
                self.core.exchange(&input, &view, &exchange.runtime, exchange.entered, now, replies)
            }
            Err(_) => Progress::Done, // it was parsed before
        };
        // The figures are those of the configuration in force, whichever one the exchange began under.
        self.runtime.count(self.core.memo.changes(), None, now);
        self.core.spans = Some(spans);
        progress
    }

    fn end_batch(&mut self, now: Now, replies: &mut Replies) {
        for kept in self.core.intake.take_deferred() {
            self.core.process(&kept.input(), &self.runtime, now, replies, false);
        }
    }

    fn processing_failed(&mut self, input: &Inbound<'_>, reason: &str) {
        self.core.counters.increment(Packet::ReceiveDrop);
        self.core.counters.increment(Packet::ProcessingFailed);
        self.core.memo.clear();
        self.core.intake.abandon(&self.core.shared.gate);
        kea_log::log!(
            DHCP6,
            DHCP6_PACKET_PROCESS_EXCEPTION,
            input.payload.len(),
            input.source,
            reason
        );
    }

    fn malformed_frames(&mut self, count: u64) {
        self.core.counters.add(Packet::Received, count);
        self.core.counters.add(Packet::ParseFailed, count);
        self.core.counters.add(Packet::ReceiveDrop, count);
    }

    fn sent(&mut self, tag: u32) {
        self.core.counters.increment(Packet::Sent);
        match u8::try_from(tag).ok().and_then(MessageType::from_u8) {
            Some(MessageType::Advertise) => self.core.counters.increment(Packet::AdvertiseSent),
            Some(MessageType::Reply) => self.core.counters.increment(Packet::ReplySent),
            _ => {}
        }
    }

    #[cold]
    fn sending_failed(&mut self, reply: &Outbound, error: &io::Error) {
        let link = self.core.links.name(reply.interface);
        kea_log::log!(PACKETS, DHCP6_PACKET_SEND_FAIL, reply.destination, link, error);
    }
}

impl Core {
    fn process(
        &mut self,
        input: &Inbound<'_>,
        runtime: &Arc<Runtime6>,
        now: Now,
        replies: &mut Replies,
        first_time: bool,
    ) -> Progress {
        // There is none only if the packet before has panicked.
        let mut spans = self.spans.take().unwrap_or_default();
        let progress = match View::parse(input.payload, &mut spans) {
            Ok(view) => self.accept(input, &view, runtime, now, replies, first_time),
            Err(error) => self.malformed(input, error, now),
        };
        self.spans = Some(spans);
        progress
    }

    fn accept(
        &mut self,
        input: &Inbound<'_>,
        view: &View<'_>,
        runtime: &Arc<Runtime6>,
        now: Now,
        replies: &mut Replies,
        first_time: bool,
    ) -> Progress {
        if first_time {
            self.counters.increment(report::received_counter(view.message_type()));
            kea_log::log!(
                PACKETS,
                DHCP6_PACKET_RECEIVED,
                view.label(None),
                report::name_of(view),
                input.source,
                input.destination,
                self.links.name(input.interface)
            );
        }
        let query = match Query::read(view, input, &runtime.server_duid) {
            Ok(query) => query,
            Err(reason) => {
                self.dropped(input, view, reason, now);
                return Progress::Done;
            }
        };
        // Before anything is asked: the answer to a question must never be left without an exchange.
        if self.intake.is_full() {
            self.dropped(input, view, DropReason::QueueFull, now);
            return Progress::Done;
        }
        let client = self.client_hash(&query, input);
        let Some(entered) = self.shared.gate.enter(client) else {
            return self.defer(input, view, now, first_time);
        };
        self.note_passage(view, input, client, now);
        self.memo.clear();
        let progress = self.exchange(input, view, runtime, entered, now, replies);
        runtime.count(self.memo.changes(), self.subnet, now);
        progress
    }

    /// Keeps a packet whose client has another one in progress, once.
    #[cold]
    fn defer(
        &mut self,
        input: &Inbound<'_>,
        view: &View<'_>,
        now: Now,
        first_time: bool,
    ) -> Progress {
        if first_time && self.intake.defer(input) {
            return Progress::Deferred;
        }
        self.dropped(input, view, DropReason::Busy, now);
        Progress::Done
    }

    fn exchange(
        &mut self,
        input: &Inbound<'_>,
        view: &View<'_>,
        runtime: &Arc<Runtime6>,
        entered: Entered,
        now: Now,
        replies: &mut Replies,
    ) -> Progress {
        self.intake.begin(entered);
        let run = self.run(input, view, runtime, now, replies);
        self.intake.end();
        match run {
            Run::Finished(outcome) => {
                self.shared.gate.leave(entered);
                if let Outcome::Drop(reason) = outcome {
                    self.dropped(input, view, reason, now);
                }
                Progress::Done
            }
            Run::Parked(ticket) => {
                let memo = std::mem::take(&mut self.memo);
                self.intake.park(ticket, input, runtime.clone(), entered, memo)
            }
        }
    }

    /// Runs the deciding code with the answers known so far and, when it comes to an end, writes the reply.
    fn run(
        &mut self,
        input: &Inbound<'_>,
        view: &View<'_>,
        runtime: &Runtime6,
        now: Now,
        replies: &mut Replies,
    ) -> Run {
        let query = match Query::read(view, input, &runtime.server_duid) {
            Ok(query) => query,
            Err(reason) => return Run::Finished(Outcome::Drop(reason)),
        };
        let config = &runtime.config;
        let of_interface = self.links.find(input.interface, &config.by_interface);
        let selected = select::select(config, input, view, of_interface);
        match selected {
            Some((index, by)) => {
                let id = config.subnet(index).id;
                kea_log::log!(PACKETS, DHCP6_SUBNET_SELECTED, view.label(None), id, by);
            }
            None => kea_log::log!(PACKETS, DHCP6_SUBNET_SELECTION_FAILED, view.label(None)),
        }
        let subnet = selected.map(|(index, _)| index);
        self.subnet = subnet;
        let client = query.client_address(input);
        let hardware = hardware::find(&config.mac_sources, view, input, client);
        let second = second_of(now);
        let Self { shared, offers, entropy, memo, draft, .. } = self;
        let recent_offer = |lease_type, iaid| {
            offers.recent(offer_hash(shared, &query, lease_type, iaid, subnet), second)
        };
        let mut session = Session6::new(&*shared.store, &runtime.pools, entropy, memo, now)
            .with_hosts(&config.hosts);
        let known = match hosts::look_up(config, subnet, &query, &hardware, &mut session) {
            Ok(known) => known,
            Err(Parked(ticket)) => return Run::Parked(ticket),
        };
        let exchange = Exchange {
            query: &query,
            config,
            subnet,
            hardware: &hardware,
            host: known.host,
            identifiers: &known.identifiers,
            recent_offer: &recent_offer,
        };
        let outcome = match handlers::handle(&exchange, &mut session, draft) {
            Ok(outcome) => outcome,
            Err(Parked(ticket)) => return Run::Parked(ticket),
        };
        if outcome == Outcome::Reply {
            self.remember_offers(&query, subnet, second);
            self.log_answer(&query, input, &hardware, config, subnet, known.host, now);
            self.write(input, &query, runtime, subnet, known.host, now, replies);
        }
        Run::Finished(outcome)
    }

    /// Remembers what was advertised, so that a client that asks again is told the same.
    fn remember_offers(&mut self, query: &Query<'_>, subnet: Option<SubnetIndex>, second: u32) {
        if self.draft.message_type != MessageType::Advertise {
            return;
        }
        let Self { draft, shared, offers, .. } = self;
        for association in draft.associations() {
            let entry = draft.entries(association).iter().find(|entry| entry.fate == Fate::New);
            let Some(entry) = entry else { continue };
            let Some(lease_type) = handlers::lease_type_of(association.kind) else { continue };
            let hash = offer_hash(shared, query, lease_type, association.iaid, subnet);
            offers.remember(hash, entry.resource.address, second);
        }
    }

    fn write(
        &mut self,
        input: &Inbound<'_>,
        query: &Query<'_>,
        runtime: &Runtime6,
        subnet: Option<SubnetIndex>,
        host: Option<Host6<'_>>,
        now: Now,
        replies: &mut Replies,
    ) {
        let config = &runtime.config;
        let passage = self.passage.take();
        // Nothing is known of an exchange that has waited.
        let alone = passage.is_none_or(|it| self.deliveries.answered(it, second_of(now)));
        let material = Material {
            query,
            input,
            config,
            subnet: subnet.map(|index| config.subnet(index)),
            always_send: runtime.always_send(subnet),
            host,
            server_duid: &runtime.server_duid,
            draft: &self.draft,
            alone,
        };
        let outbox = if self.draft.position == 0 { &mut replies.ready } else { &mut replies.held };
        let mut failure = None;
        outbox.push_with(|arena| match reply::write(&material, arena) {
            Ok(outbound) => {
                let (kind, to) = (self.draft.message_type.name(), outbound.destination);
                let link = || self.links.name(input.interface);
                kea_log::log!(PACKETS, DHCP6_PACKET_SEND, query.view.label(None), kind, to, link());
                Some(outbound)
            }
            Err(error) => {
                failure = Some(error);
                None
            }
        });
        if let Some(error) = failure {
            kea_log::log!(PACKETS, DHCP6_PACK_FAIL, query.view.label(None), error);
        }
    }

    /// Notes which query comes through which relay.
    fn note_passage(&mut self, view: &View<'_>, input: &Inbound<'_>, client: u64, now: Now) {
        self.passage = view.is_relayed().then(|| {
            let [a, b, c] = view.transaction_id();
            let mut hasher = self.shared.hasher.build_hasher();
            hasher.write_u64(client);
            hasher.write_u32(u32::from_be_bytes([view.raw_message_type(), a, b, c]));
            let query = hasher.finish();
            Passage { query, relay: self.shared.hasher.hash_one(input.source.ip()) }
        });
        if let Some(passage) = self.passage {
            self.deliveries.asked(passage, second_of(now));
        }
    }

    /// Hash of who the client is, for the gate; a client without DUID is known by its address.
    fn client_hash(&self, query: &Query<'_>, input: &Inbound<'_>) -> u64 {
        let mut hasher = self.shared.hasher.build_hasher();
        match query.duid {
            Some(duid) => hasher.write(duid),
            None => hasher.write(&query.client_address(input).octets()),
        }
        hasher.finish()
    }
}

/// A monotonic second.
fn second_of(now: Now) -> u32 {
    (now.mono_ns / 1_000_000_000) as u32
}

/// Hash of an association in its subnet, for the table of offers.
fn offer_hash(
    shared: &Shared6,
    query: &Query<'_>,
    lease_type: LeaseType,
    iaid: u32,
    subnet: Option<SubnetIndex>,
) -> u64 {
    let mut hasher = shared.hasher.build_hasher();
    hasher.write(query.duid.unwrap_or_default());
    let subnet = subnet.map_or(u32::MAX, |index| index.0);
    hasher.write_u64(u64::from(subnet) << 32 | u64::from(iaid));
    hasher.write_u8(lease_type as u8);
    hasher.finish()
}
