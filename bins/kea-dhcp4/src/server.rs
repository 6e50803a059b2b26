//! The DHCPv4 server of one worker: a datagram in, replies out.
//!
//! No sockets, files, clocks or threads: everything arrives as an argument and leaves through the two outboxes of
//! [`Replies`]. Workers share the lease store, the client gate and the [`Runtime4`]; counters, offers and parked
//! exchanges are their own. Contract: feed one datagram with [`Server4::receive`], or the answer of a store with
//! [`Server4::resume`]; after a batch call [`Server4::end_batch`]; send what the outboxes hold.
//!
//! Order for a datagram: parse, count, accept, enter the client gate, select the subnet, run the handler, write the
//! reply, leave the gate. See `doc/architecture.md` for the rest of the path.

mod report;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use kea_log::RateLimiter;
use libdhcp::ClientId;
use libdhcp::v4::{MalformedError, MessageType, SpanTable, View};
use libdhcpsrv::config4::{Config4, SubnetIndex};
use libdhcpsrv::lease4::V4;
use libdhcpsrv::session::{Answer4, Memo4, Parked, Session, Store, Ticket};
use stats::{Packet4 as Packet, WorkerCounters};
use util::link::{Inbound, InterfaceIndex, Replies};
use util::{Now, SplitMix};

use crate::gate::{ClientGate, Entered};
use crate::handlers::{self, Answer, DropReason, Exchange, Outcome};
use crate::messages::{loggers::*, *};
use crate::offers::OfferTable;
use crate::query::Query;
use crate::reply::{self, Material};
use crate::runtime::{Links, Runtime4};
use crate::select::{self, Selector};

/// Exchanges that may wait for a store at the same time, per worker.
const PARKED_MAX: usize = 1024;
/// Packets that may wait for another one of the same client, per worker and batch.
const DEFERRED_MAX: usize = 64;
/// Lines about refused and dropped queries that may come at once, and the time after which one more may.
const EXPLAINED_BURST: u32 = 20;
const EXPLAINED_INTERVAL_NS: u64 = 200_000_000;
/// Bytes of the field `chaddr`; no hardware address is longer.
const CHADDR_LEN: usize = 16;
/// Longest host name that is kept with a lease.
const HOSTNAME_MAX: usize = 255;

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It has been dealt with.
    Done,
    /// It waits for the answer to this question.
    Waiting(Ticket),
    /// It waits for another packet of the same client, until the end of the batch.
    Deferred,
}

/// An exchange that waits for its store.
#[derive(Debug)]
struct ParkedExchange {
    datagram: Kept,
    runtime: Arc<Runtime4>,
    entered: Entered,
    memo: Memo4,
}

/// A datagram that outlives its receive buffer.
#[derive(Debug)]
struct Kept {
    payload: Box<[u8]>,
    input: Inbound<'static>,
}

impl Kept {
    #[cold]
    fn new(input: &Inbound<'_>) -> Self {
        Self { payload: input.payload.into(), input: Inbound { payload: &[], ..*input } }
    }

    fn input(&self) -> Inbound<'_> {
        Inbound { payload: &self.payload, ..self.input }
    }
}

/// What the workers of one daemon have in common.
#[derive(Clone)]
pub struct Shared4 {
    /// The lease store.
    pub store: Arc<dyn Store<V4>>,
    /// Clients whose packets are in progress.
    pub gate: Arc<ClientGate>,
    /// Hasher of client identities, seeded once per process because clients choose what is hashed.
    pub hasher: foldhash::fast::FixedState,
}

impl Shared4 {
    /// Puts a store behind a gate of its own; `seed` is the secret of the hasher.
    #[must_use]
    pub fn new(store: Arc<dyn Store<V4>>, seed: u64) -> Self {
        let hasher = foldhash::fast::FixedState::with_seed(seed);
        Self { store, gate: Arc::default(), hasher }
    }
}

impl std::fmt::Debug for Shared4 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared4").finish_non_exhaustive()
    }
}

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
    counters: WorkerCounters,
    offers: OfferTable,
    entropy: SplitMix,
    spans: SpanTable,
    memo: Memo4,
    parked: HashMap<Ticket, ParkedExchange>,
    deferred: Vec<Kept>,
    limiter: RateLimiter,
    /// The client whose packet is being processed, to be let go even when that panics.
    in_progress: Option<Entered>,
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
        counters: WorkerCounters,
        seed: u64,
    ) -> Self {
        let core = Core {
            shared,
            links: Arc::default(),
            counters,
            offers: OfferTable::default(),
            entropy: SplitMix::new(seed),
            spans: SpanTable::new(),
            memo: Memo4::default(),
            parked: HashMap::new(),
            deferred: Vec::with_capacity(DEFERRED_MAX),
            limiter: RateLimiter::new(EXPLAINED_BURST, EXPLAINED_INTERVAL_NS),
            in_progress: None,
            subnet: None,
        };
        Self { core, runtime }
    }

    /// Puts another configuration in force; exchanges that wait finish under the old one.
    pub fn set_runtime(&mut self, runtime: Arc<Runtime4>) {
        self.runtime = runtime;
    }

    /// Tells which interfaces there are.
    pub fn set_links(&mut self, links: Arc<Links>) {
        self.core.links = links;
    }

    /// The configuration in force.
    #[must_use]
    pub fn runtime(&self) -> &Arc<Runtime4> {
        &self.runtime
    }

    /// Packet counters of this worker.
    #[must_use]
    pub fn counters(&self) -> &WorkerCounters {
        &self.core.counters
    }

    /// Number of exchanges that wait for a store.
    #[must_use]
    pub fn parked_len(&self) -> usize {
        self.core.parked.len()
    }

    /// Sees the payload of a datagram that will be fed in a moment, in order to fetch what it needs from memory.
    pub fn look(&self, payload: &[u8]) {
        self.runtime.fetch(payload);
    }

    /// Feeds one datagram.
    pub fn receive(&mut self, input: Inbound<'_>, now: Now, replies: &mut Replies) -> Progress {
        self.core.counters.set_time(now);
        self.core.counters.increment(Packet::Received);
        self.core.process(&input, &self.runtime, now, replies, true)
    }

    /// Feeds the answer to a question that an exchange waits for; an unknown ticket is ignored.
    pub fn resume(
        &mut self,
        ticket: Ticket,
        answer: Answer4,
        now: Now,
        replies: &mut Replies,
    ) -> Progress {
        let Some(mut exchange) = self.core.parked.remove(&ticket) else { return Progress::Done };
        exchange.memo.record(answer);
        std::mem::swap(&mut self.core.memo, &mut exchange.memo);
        let mut spans = std::mem::take(&mut self.core.spans);
        let input = exchange.datagram.input();
        let progress = match View::parse(input.payload, &mut spans) {
            Ok(view) => {
                self.core.exchange(&input, &view, &exchange.runtime, exchange.entered, now, replies)
            }
            Err(_) => Progress::Done, // it was parsed before
        };
        // The figures are those of the configuration in force, whichever one the exchange began under.
        self.runtime.count(self.core.memo.changes(), None, now);
        self.core.spans = spans;
        progress
    }

    /// Ends a batch: packets that waited for another one of their client get their turn.
    pub fn end_batch(&mut self, now: Now, replies: &mut Replies) {
        if self.core.deferred.is_empty() {
            return;
        }
        for kept in std::mem::take(&mut self.core.deferred) {
            self.core.process(&kept.input(), &self.runtime, now, replies, false);
        }
    }

    /// Counts and logs a packet whose processing panicked.
    pub fn processing_failed(&mut self, input: &Inbound<'_>, reason: &str) {
        self.core.counters.increment(Packet::ReceiveDrop);
        self.core.counters.increment(Packet::ProcessingFailed);
        self.core.memo.clear();
        if let Some(entered) = self.core.in_progress.take() {
            self.core.shared.gate.leave(entered);
        }
        kea_log::log!(
            DHCP4,
            DHCP4_PACKET_PROCESS_EXCEPTION,
            input.payload.len(),
            input.source,
            reason
        );
    }

    /// Counts frames that are no datagrams.
    pub fn malformed_frames(&mut self, count: u64) {
        self.core.counters.add(Packet::Received, count);
        self.core.counters.add(Packet::ParseFailed, count);
        self.core.counters.add(Packet::ReceiveDrop, count);
    }

    /// Counts a reply that was sent; `tag` is its message type.
    pub fn sent(&mut self, tag: u32) {
        self.core.counters.increment(Packet::Sent);
        match u8::try_from(tag).ok().and_then(MessageType::from_u8) {
            Some(MessageType::Offer) => self.core.counters.increment(Packet::OfferSent),
            Some(MessageType::Ack) => self.core.counters.increment(Packet::AckSent),
            Some(MessageType::Nak) => self.core.counters.increment(Packet::NakSent),
            _ => {}
        }
    }

    /// Logs a reply that could not be sent.
    #[cold]
    pub fn sending_failed(&mut self, reply: &util::link::Outbound, error: &std::io::Error) {
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
        // The span table is lent to the view for the time of this packet.
        let mut spans = std::mem::take(&mut self.spans);
        let progress = match View::parse(input.payload, &mut spans) {
            Ok(view) => self.accept(input, &view, runtime, now, replies, first_time),
            Err(error) => self.malformed(input, error),
        };
        self.spans = spans;
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
        if self.parked.len() >= PARKED_MAX {
            self.dropped(input, view, DropReason::QueueFull, now);
            return Progress::Done;
        }
        let Some(entered) = self.shared.gate.enter(self.client_hash(view)) else {
            return self.defer(input, view, now, first_time);
        };
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
        if first_time && self.deferred.len() < DEFERRED_MAX {
            self.deferred.push(Kept::new(input));
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
                    || self.links.is_own_address(id)
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
        self.in_progress = Some(entered);
        let run = self.run(input, view, runtime, now, replies);
        self.in_progress = None;
        match run {
            Run::Finished(outcome) => {
                self.shared.gate.leave(entered);
                if let Outcome::Drop(reason) = outcome {
                    self.dropped(input, view, reason, now);
                }
                Progress::Done
            }
            Run::Parked(ticket) => self.park(input, runtime.clone(), entered, ticket),
        }
    }

    #[cold]
    fn park(
        &mut self,
        input: &Inbound<'_>,
        runtime: Arc<Runtime4>,
        entered: Entered,
        ticket: Ticket,
    ) -> Progress {
        let memo = std::mem::take(&mut self.memo);
        let datagram = Kept::new(input);
        self.parked.insert(ticket, ParkedExchange { datagram, runtime, entered, memo });
        Progress::Waiting(ticket)
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
            of_interface: self.links.subnet(input.interface, &runtime.config),
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
        let second = (now.mono_ns / 1_000_000_000) as u32;
        let mut hostname = [0; HOSTNAME_MAX];
        let hostname = host_name(view, &mut hostname);
        let exchange = Exchange {
            query: &query,
            config,
            subnet,
            recent_offer: match message_type {
                MessageType::Discover => self.offers.recent(offered_to, second),
                _ => None,
            },
            hostname,
        };
        let mut session = Session::new(
            &*self.shared.store,
            &runtime.pools,
            &mut self.entropy,
            &mut self.memo,
            now,
        );
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
                self.write(input, &query, runtime, &exchange, &answer, replies);
            }
            Outcome::Done(change) => {
                report::log_change(view, change, config.decline_probation_period)
            }
            Outcome::Drop(_) => {}
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
        replies: &mut Replies,
    ) {
        let config = &runtime.config;
        let material = Material {
            query,
            input,
            config,
            subnet: exchange.subnet.map(|index| config.subnet(index)),
            always_send: runtime.always_send(exchange.subnet),
            answer,
            direct_response: runtime.direct_response(),
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

/// The client's host name (option 12) in lower case and without a final NUL, in `buffer`.
fn host_name<'b>(view: &View<'_>, buffer: &'b mut [u8; HOSTNAME_MAX]) -> &'b [u8] {
    let Ok(Some(name)) = view.host_name() else { return &[] };
    let len = name.len().min(HOSTNAME_MAX);
    for (to, from) in buffer.iter_mut().zip(name) {
        *to = from.to_ascii_lowercase();
    }
    let name = &buffer[..len];
    let end = name.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    &name[..end]
}

impl Links {
    /// The subnet that names an interface as its own.
    fn subnet(&self, interface: InterfaceIndex, config: &Config4) -> Option<SubnetIndex> {
        if config.by_interface.is_empty() {
            return None;
        }
        config.by_interface.get(self.name(interface)).copied()
    }
}
