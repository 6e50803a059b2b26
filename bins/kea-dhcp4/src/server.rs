//! The DHCPv4 server of one worker: a datagram in, replies out.
//!
//! No sockets, files, clocks or threads: everything arrives as an argument and leaves through the two outboxes of
//! [`Replies`]. Workers share the lease store, the client gate and the [`Runtime4`]; counters, offers and parked
//! exchanges are their own. Contract: feed one datagram with [`DhcpServer::receive`], or the answer of a store with
//! [`DhcpServer::resume`]; after a batch call [`DhcpServer::end_batch`]; send what the outboxes hold.
//!
//! Order for a datagram: parse, count, accept, enter the client gate, select the subnet, run the handler, write the
//! reply, leave the gate. See `doc/architecture.md` for the rest of the path.

mod report;

use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use kea_log::RateLimiter;
use libdhcp::ClientId;
use libdhcp::v4::{MalformedError, MessageType, SpanTable, View};
use libdhcpsrv::config4::{Config4, SubnetIndex};
use libdhcpsrv::deliveries::{Deliveries, Passage};
use libdhcpsrv::gate::Entered;
use libdhcpsrv::intake::{Intake, Progress, Shared};
use libdhcpsrv::lease4::V4;
use libdhcpsrv::links::Links;
use libdhcpsrv::offers::OfferTable;
use libdhcpsrv::server::DhcpServer;
use libdhcpsrv::session::{Answer4, Memo4, Parked, Session, Ticket};
use stats::{Packet4 as Packet, WorkerCounters4};
use util::link::{Inbound, Outbound, Replies};
use util::{Now, SplitMix};

use crate::handlers::{self, Answer, DropReason, Exchange, Outcome};
use crate::hosts::{self, HOSTNAME_MAX};
use crate::messages::{loggers::*, *};
use crate::query::Query;
use crate::reply::{self, Material};
use crate::runtime::Runtime4;
use crate::select::{self, Selector};

/// Lines about refused and dropped queries that may come at once, and the time after which one more may.
const EXPLAINED_BURST: u32 = 20;
const EXPLAINED_INTERVAL_NS: u64 = 200_000_000;
/// Bytes of the field `chaddr`; no hardware address is longer.
const CHADDR_LEN: usize = 16;

/// What the workers of one daemon have in common.
pub type Shared4 = Shared<V4>;

/// The server of one worker.
#[derive(Debug)]
pub struct Server4 {
    core: Core,
    runtime: Arc<Runtime4>,
}

/// The server without its configuration, which is lent to it for each datagram.
#[derive(Debug)]
struct Core {
    shared: Shared4,
    links: Arc<Links>,
    counters: WorkerCounters4,
    offers: OfferTable<Ipv4Addr>,
    deliveries: Deliveries,
    entropy: SplitMix,
    /// Lent to the view of the packet that is being processed.
    spans: Option<Box<SpanTable>>,
    memo: Memo4,
    intake: Intake<V4, Runtime4>,
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

impl Server4 {
    /// Makes the server of one worker; `seed` differs between workers.
    #[must_use]
    pub fn new(
        shared: Shared4,
        runtime: Arc<Runtime4>,
        counters: WorkerCounters4,
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
            memo: Memo4::default(),
            intake: Intake::default(),
            limiter: RateLimiter::new(EXPLAINED_BURST, EXPLAINED_INTERVAL_NS),
            passage: None,
            subnet: None,
        };
        Self { core, runtime }
    }

    /// The configuration in force.
    #[must_use]
    pub fn runtime(&self) -> &Arc<Runtime4> {
        &self.runtime
    }

    /// Packet counters of this worker.
    #[must_use]
    pub fn counters(&self) -> &WorkerCounters4 {
        &self.core.counters
    }

    /// Number of exchanges that wait for a store.
    #[must_use]
    pub fn parked_len(&self) -> usize {
        self.core.intake.parked_len()
    }
}

impl DhcpServer for Server4 {
    type Leases = V4;
    type Runtime = Runtime4;

    fn set_runtime(&mut self, runtime: Arc<Runtime4>) {
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
        answer: Answer4,
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
            DHCP4,
            DHCP4_PACKET_PROCESS_EXCEPTION,
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
            Some(MessageType::Offer) => self.core.counters.increment(Packet::OfferSent),
            Some(MessageType::Ack) => self.core.counters.increment(Packet::AckSent),
            Some(MessageType::Nak) => self.core.counters.increment(Packet::NakSent),
            _ => {}
        }
    }

    #[cold]
    fn sending_failed(&mut self, reply: &Outbound, error: &io::Error) {
        let link = self.core.links.name(reply.interface);
        kea_log::log!(PACKETS, DHCP4_PACKET_SEND_FAIL, reply.destination, link, error);
    }
}

impl Core {
    fn process(
        &mut self,
        input: &Inbound<'_>,
        runtime: &Arc<Runtime4>,
        now: Now,
        replies: &mut Replies,
        first_time: bool,
    ) -> Progress {
        // There is none only if the packet before has panicked.
        let mut spans = self.spans.take().unwrap_or_default();
        let progress = match View::parse(input.payload, &mut spans) {
            Ok(view) => self.accept(input, &view, runtime, now, replies, first_time),
            Err(error) => self.malformed(input, error),
        };
        self.spans = Some(spans);
        progress
    }

    #[cold]
    fn malformed(&mut self, input: &Inbound<'_>, error: MalformedError) -> Progress {
        self.counters.increment(Packet::ParseFailed);
        self.counters.increment(Packet::ReceiveDrop);
        let packet = format_args!("packet of {} bytes", input.payload.len());
        let link = self.links.name(input.interface);
        kea_log::log!(
            BAD_PACKETS,
            DHCP4_PACKET_DROP_0001,
            packet,
            "malformed",
            link,
            input.source,
            error
        );
        Progress::Done
    }

    fn accept(
        &mut self,
        input: &Inbound<'_>,
        view: &View<'_>,
        runtime: &Arc<Runtime4>,
        now: Now,
        replies: &mut Replies,
        first_time: bool,
    ) -> Progress {
        if first_time {
            let kind = view.message_type().ok().flatten();
            self.counters.increment(report::received_counter(kind));
            kea_log::log!(
                PACKETS,
                DHCP4_PACKET_RECEIVED,
                view.label(),
                kind.map_or("packet", MessageType::name),
                input.source,
                input.destination,
                self.links.name(input.interface)
            );
        }
        if let Err(reason) = self.check(input, view, &runtime.config) {
            self.dropped(input, view, reason, now);
            return Progress::Done;
        }
        // Before anything is asked: the answer to a question must never be left without an exchange.
        if self.intake.is_full() {
            self.dropped(input, view, DropReason::QueueFull, now);
            return Progress::Done;
        }
        let client = self.client_hash(view);
        let Some(entered) = self.shared.gate.enter(client) else {
            return self.defer(input, view, now, first_time);
        };
        self.note_passage(view, client, now);
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

    /// The rules that need neither subnet nor lease.
    fn check(
        &self,
        input: &Inbound<'_>,
        view: &View<'_>,
        config: &Config4,
    ) -> Result<(), DropReason> {
        use libdhcp::v4::{BOOTREQUEST, OptionError};
        if usize::from(view.raw_hlen()) > CHADDR_LEN {
            return Err(DropReason::Malformed);
        }
        if view.op() != BOOTREQUEST {
            return Err(DropReason::UnsupportedMessageType);
        }
        match view.message_type() {
            Ok(Some(
                MessageType::Discover
                | MessageType::Request
                | MessageType::Decline
                | MessageType::Release
                | MessageType::Inform,
            )) => {}
            Ok(Some(_)) => return Err(DropReason::UnsupportedMessageType),
            Ok(None) => return Err(DropReason::NoMessageType),
            Err(OptionError::UnknownMessageType { .. }) => {
                return Err(DropReason::UnknownMessageType);
            }
            Err(_) => return Err(DropReason::Malformed),
        }
        match view.server_identifier() {
            Ok(None) => {}
            Ok(Some(_)) if config.ignore_server_identifier => {}
            Ok(Some(id)) => {
                let ours = IpAddr::V4(id) == input.local
                    || self.links.is_own_address(id.into())
                    || config.server_identifiers.contains(&id);
                if !ours {
                    return Err(DropReason::ForeignServer);
                }
            }
            Err(_) => return Err(DropReason::Malformed),
        }
        let inform = matches!(view.message_type(), Ok(Some(MessageType::Inform)));
        let homeless = inform
            && !view.is_relayed()
            && view.ciaddr().is_unspecified()
            && input.source.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        if homeless { Err(DropReason::NoReturnAddress) } else { Ok(()) }
    }

    fn exchange(
        &mut self,
        input: &Inbound<'_>,
        view: &View<'_>,
        runtime: &Arc<Runtime4>,
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
        runtime: &Runtime4,
        now: Now,
        replies: &mut Replies,
    ) -> Run {
        let message_type = view.message_type().ok().flatten().unwrap_or(MessageType::Discover);
        let Ok(query) = Query::read(view, message_type) else {
            return Run::Finished(Outcome::Drop(DropReason::Malformed));
        };
        let config = &runtime.config;
        let selector = Selector {
            giaddr: if view.is_relayed() { query.giaddr } else { Ipv4Addr::UNSPECIFIED },
            ciaddr: query.ciaddr,
            link_selection: view.link_selection().ok().flatten(),
            subnet_selection: match view.relay_agent_information() {
                None => view.subnet_selection().ok().flatten(),
                Some(_) => None,
            },
            of_interface: self.links.find(input.interface, &config.by_interface),
        };
        let selected = select::select(config, input, &selector);
        match selected {
            Some((index, by)) => {
                let id = config.subnet(index).id;
                kea_log::log!(PACKETS, DHCP4_SUBNET_SELECTED, view.label(), id, by);
            }
            None => kea_log::log!(PACKETS, DHCP4_SUBNET_SELECTION_FAILED, view.label()),
        }
        let subnet = selected.map(|(index, _)| index);
        self.subnet = subnet;
        if subnet.is_none() && !view.is_relayed() && select::is_broadcast(input) {
            return Run::Finished(Outcome::Drop(DropReason::NoSubnet));
        }
        let offered_to = match message_type {
            MessageType::Discover => self.offer_hash(&query, config, subnet),
            _ => 0, // of no interest
        };
        let second = second_of(now);
        let Self { shared, entropy, memo, .. } = self;
        let mut session = Session::new(&*shared.store, &runtime.pools, entropy, memo, now)
            .with_hosts(&config.hosts);
        let known = match hosts::look_up(config, subnet, &query, &mut session) {
            Ok(known) => known,
            Err(Parked(ticket)) => return Run::Parked(ticket),
        };
        let mut hostname = [0; HOSTNAME_MAX];
        let hostname = hosts::name(&query, known.host, &mut hostname);
        let exchange = Exchange {
            query: &query,
            config,
            subnet,
            recent_offer: match message_type {
                MessageType::Discover => self.offers.recent(offered_to, second),
                _ => None,
            },
            hostname,
            host: known.host,
            identifiers: &known.identifiers,
        };
        let outcome = match handlers::handle(&exchange, &mut session) {
            Ok(outcome) => outcome,
            Err(Parked(ticket)) => return Run::Parked(ticket),
        };
        if message_type == MessageType::Request
            && query.server_identifier.is_none()
            && let Some(address) = query.requested_address
        {
            kea_log::log!(DHCP4, DHCP4_INIT_REBOOT, view.label(), address);
        }
        match outcome {
            Outcome::Reply(answer) => {
                if answer.message_type == MessageType::Offer {
                    self.offers.remember(offered_to, answer.yiaddr, second);
                }
                self.log_answer(&query, input, &answer, now);
                self.write(input, &query, runtime, &exchange, &answer, now, replies);
            }
            Outcome::Done(change) => {
                report::log_change(view, change, config.decline_probation_period)
            }
            Outcome::Drop(_) => {}
        }
        if let (Some(address), Some(index)) = (handlers::conflict(&exchange, &outcome), subnet) {
            self.warn_conflict(&query, runtime, config.subnet(index).id, address, now);
        }
        if report::is_exhausted(&outcome)
            && let Some(index) = subnet
        {
            self.warn_exhausted(&query, config.subnet(index).id, now);
        }
        Run::Finished(outcome)
    }

    fn write(
        &mut self,
        input: &Inbound<'_>,
        query: &Query<'_>,
        runtime: &Runtime4,
        exchange: &Exchange<'_>,
        answer: &Answer,
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
            subnet: exchange.subnet.map(|index| config.subnet(index)),
            always_send: runtime.always_send(exchange.subnet),
            host: exchange.host,
            answer,
            direct_response: runtime.direct_response(),
            alone,
        };
        let outbox = if answer.position == 0 { &mut replies.ready } else { &mut replies.held };
        let mut failure = None;
        outbox.push_with(|arena| match reply::write(&material, arena) {
            Ok(written) => {
                if written.left_out > 0 {
                    let label = query.view.label();
                    kea_log::log!(PACKETS, DHCP4_OPTIONS_LEFT_OUT, label, written.left_out);
                }
                let (kind, to) = (answer.message_type.name(), written.outbound.destination);
                let link = || self.links.name(input.interface);
                kea_log::log!(PACKETS, DHCP4_PACKET_SEND, query.view.label(), kind, to, link());
                Some(written.outbound)
            }
            Err(error) => {
                failure = Some(error);
                None
            }
        });
        if let Some(error) = failure {
            kea_log::log!(PACKETS, DHCP4_PACKET_PACK_FAIL, query.view.label(), error);
        }
    }

    /// Notes which query comes through which relay.
    fn note_passage(&mut self, view: &View<'_>, client: u64, now: Now) {
        self.passage = view.is_relayed().then(|| {
            let kind = view.message_type().ok().flatten().map_or(0, |kind| kind as u8);
            let mut hasher = self.shared.hasher.build_hasher();
            hasher.write_u64(client);
            hasher.write_u64(u64::from(view.xid()) << 8 | u64::from(kind));
            let query = hasher.finish();
            Passage { query, relay: self.shared.hasher.hash_one(u32::from(view.giaddr())) }
        });
        if let Some(passage) = self.passage {
            self.deliveries.asked(passage, second_of(now));
        }
    }

    /// Hash of who the client is, for the gate.
    fn client_hash(&self, view: &View<'_>) -> u64 {
        let mut hasher = self.shared.hasher.build_hasher();
        match view.client_identifier() {
            Ok(Some(id)) => hasher.write(ClientId::bytes(&id)),
            _ => hasher.write(view.chaddr()),
        }
        hasher.finish()
    }

    /// Hash of who the client is in its subnet, for the table of offers.
    fn offer_hash(&self, query: &Query<'_>, config: &Config4, subnet: Option<SubnetIndex>) -> u64 {
        let matches = subnet.is_none_or(|index| config.subnet(index).match_client_id);
        let key = query.client_key(matches);
        let mut hasher = self.shared.hasher.build_hasher();
        hasher.write(key.client_id.unwrap_or(key.hw));
        hasher.write_u32(subnet.map_or(u32::MAX, |index| index.0));
        hasher.finish()
    }
}

/// A monotonic second.
fn second_of(now: Now) -> u32 {
    (now.mono_ns / 1_000_000_000) as u32
}
