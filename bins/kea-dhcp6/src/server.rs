//! The DHCPv6 protocol as the engine runs it: which queries are admitted, and what becomes of them.
//!
//! See [`libdhcpsrv::engine`] for the way of a datagram. Here: the hardware address, classes, subnet and hosts
//! (`subject`), the handler, what the answer's options are taken from (`place`), the reply.

mod notes;
mod place;
mod received;
mod report;
mod subject;

use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::Ipv6Addr;

use arrayvec::ArrayVec;
use kea_log::Message;
use libdhcp::HardwareAddress;
use libdhcp::OptionSet6;
use libdhcp::v6::{IaKind, MalformedError, MessageType, SpanTable, View};
use libdhcpsrv::alloc6::Candidate6;
use libdhcpsrv::classes::Membership;
use libdhcpsrv::config::SubnetIndex;
use libdhcpsrv::deliveries::Passage;
use libdhcpsrv::engine::{BasicCounters, Desk, Engine, Protocol};
use libdhcpsrv::explain;
use libdhcpsrv::explain::{ExplainedClients, Explanation, Topic};
use libdhcpsrv::extended_info;
use libdhcpsrv::hosts::LearnedHosts;
use libdhcpsrv::intake::Shared;
use libdhcpsrv::lease::{LeaseType, SubnetId};
use libdhcpsrv::lease6::V6;
use libdhcpsrv::offers::OfferTable;
use libdhcpsrv::session::{Parked, Session6};
use stats::{Lease6, Packet6 as Packet};
use util::Now;
use util::link::{Inbound, Outbound, Replies};

use self::place::{POOLS_MAX, Place};
use self::subject::Subject;
use crate::draft::{Draft, Fate};
use crate::drop_reason::DropReason;
use crate::handlers::{self, Exchange, Outcome};
use crate::hardware::{self, Hardware};
use crate::messages::{loggers::*, *};
use crate::query::Query;
use crate::reply::{self, Material};
use crate::runtime::Runtime6;
use crate::scopes::{ClassScopes, Scopes};

/// The DHCPv6 server of one worker.
pub type Server6 = Engine<Dhcp6>;
/// What the workers of one daemon have in common.
pub type Shared6 = Shared<V6>;
/// What a worker has at hand.
type Desk6 = Desk<Dhcp6>;

/// The DHCPv6 protocol, with what a worker remembers between packets.
#[derive(Debug, Default)]
pub struct Dhcp6 {
    offers: OfferTable<Ipv6Addr>,
    draft: Draft,
    /// The classes of the query in progress.
    membership: Membership,
    /// The subnets that come into question for it.
    candidates: Vec<Candidate6>,
    /// Room for the user context of the leases at hand.
    context: String,
}

impl Protocol for Dhcp6 {
    type Leases = V6;
    type Runtime = Runtime6;
    type Packet = Packet;
    type Spans = SpanTable;
    type View<'a> = View<'a>;
    type Query<'a> = Query<'a>;
    type Malformed = MalformedError;
    type Reason = DropReason;

    const COUNTERS: BasicCounters<Packet> = BasicCounters {
        received: Packet::Received,
        parse_failed: Packet::ParseFailed,
        dropped: Packet::ReceiveDrop,
        processing_failed: Packet::ProcessingFailed,
        sent: Packet::Sent,
    };
    const BUSY: DropReason = DropReason::Busy;
    const QUEUE_FULL: DropReason = DropReason::QueueFull;
    const UNANSWERED: DropReason = DropReason::Unanswered;
    const EXPLAINED: &'static Message = &DHCP6_EXPLAIN;

    fn parse<'a>(payload: &'a [u8], spans: &'a mut SpanTable) -> Result<View<'a>, MalformedError> {
        View::parse(payload, spans)
    }

    fn received(desk: &mut Desk6, input: &Inbound<'_>, view: &View<'_>) {
        desk.counters.increment(report::received_counter(view.message_type()));
        kea_log::log!(
            PACKETS,
            DHCP6_PACKET_RECEIVED,
            view.label(None),
            report::name_of(view),
            input.source,
            input.destination,
            desk.links.name(input.interface)
        );
    }

    fn admit<'q, 'p: 'q>(
        _: &Desk6,
        input: &Inbound<'_>,
        view: &'q View<'p>,
        runtime: &Runtime6,
    ) -> Result<Query<'q>, DropReason> {
        Query::read(view, input, &runtime.server_duid)
    }

    /// A client without DUID is known by its address.
    fn client(desk: &Desk6, input: &Inbound<'_>, query: &Query<'_>) -> u64 {
        let mut hasher = desk.shared.hasher.build_hasher();
        match query.duid {
            Some(duid) => hasher.write(duid),
            None => hasher.write(&query.client_address(input).octets()),
        }
        hasher.finish()
    }

    fn number(query: &Query<'_>) -> u64 {
        let [a, b, c] = query.view.transaction_id();
        u32::from_be_bytes([query.view.raw_message_type(), a, b, c]).into()
    }

    fn passage(
        desk: &Desk6,
        input: &Inbound<'_>,
        query: &Query<'_>,
        client: u64,
    ) -> Option<Passage> {
        let view = query.view;
        view.is_relayed().then(|| {
            let mut hasher = desk.shared.hasher.build_hasher();
            hasher.write_u64(client);
            hasher.write_u64(Self::number(query));
            let query = hasher.finish();
            Passage { query, relay: desk.shared.hasher.hash_one(input.source.ip()) }
        })
    }

    fn run(
        &mut self,
        desk: &mut Desk6,
        input: &Inbound<'_>,
        query: &Query<'_>,
        runtime: &Runtime6,
        learned: &LearnedHosts<V6>,
        now: Now,
        replies: &mut Replies,
    ) -> Result<Option<DropReason>, Parked> {
        let hardware = &hardware::find(&runtime.config.mac_sources, query, input);
        if let Some(address) = hardware.address() {
            explain!(desk.explanation(), Topic::Query, "hardware address\t{address} (mac-sources)");
        }
        let mut place = Place::default();
        let dropped =
            self.decide(desk, input, query, hardware, runtime, learned, &mut place, now)?;
        if dropped.is_some() {
            return Ok(dropped);
        }
        self.remember_offers(desk, query, now.mono_s());
        self.count_reuses(runtime, now);
        let Self { draft, membership, .. } = self;
        report::log_answer(desk, draft, &place, query, input, hardware, &runtime.config, now);
        write(desk, draft, &place, membership, input, query, runtime, now, replies);
        Ok(None)
    }

    fn is_from(clients: &ExplainedClients, input: &Inbound<'_>, view: &View<'_>) -> bool {
        received::is_from(clients, input, view)
    }

    fn explain_query(
        desk: &Desk6,
        input: &Inbound<'_>,
        view: &View<'_>,
        runtime: &Runtime6,
    ) -> Explanation {
        received::query(desk, input, view, &runtime.config)
    }

    #[cold]
    fn explain_malformed(desk: &mut Desk6, input: &Inbound<'_>, error: MalformedError, now: Now) {
        let packet = format_args!("packet of {} bytes", input.payload.len());
        let messages = [&DHCP6_QUERY_DROPPED, &DHCP6_PACKET_DROP_PARSE_FAIL];
        report::explain(desk, input, &packet, "message", &messages, &error, now);
    }

    #[cold]
    fn explain_drop(
        desk: &mut Desk6,
        input: &Inbound<'_>,
        view: &View<'_>,
        reason: DropReason,
        now: Now,
    ) {
        desk.counters.increment(reason.counter());
        let label = view.label(None::<HardwareAddress>);
        let messages = [&DHCP6_QUERY_DROPPED, reason.message()];
        report::explain(desk, input, &label, report::name_of(view), &messages, &reason, now);
    }

    #[cold]
    fn log_failure(input: &Inbound<'_>, reason: &str) {
        let len = input.payload.len();
        kea_log::log!(DHCP6, DHCP6_PACKET_PROCESS_EXCEPTION, len, input.source, reason);
    }

    #[cold]
    fn log_send_failure(desk: &Desk6, reply: &Outbound, error: &io::Error) {
        let link = desk.links.name(reply.interface);
        kea_log::log!(PACKETS, DHCP6_PACKET_SEND_FAIL, reply.destination, link, error);
    }

    fn sent_counter(tag: u32) -> Option<Packet> {
        match u8::try_from(tag).ok().and_then(MessageType::from_u8)? {
            MessageType::Advertise => Some(Packet::AdvertiseSent),
            MessageType::Reply => Some(Packet::ReplySent),
            _ => None,
        }
    }
}

impl Dhcp6 {
    /// Decides about the answer; it is in the draft then, and `place` is where the client got what it got. Returns why the
    /// query is not answered, if it is not.
    #[allow(clippy::too_many_arguments, reason = "all that there is to a decision")]
    fn decide<'r>(
        &mut self,
        desk: &mut Desk6,
        input: &Inbound<'_>,
        query: &Query<'_>,
        hardware: &Hardware,
        runtime: &'r Runtime6,
        learned: &'r LearnedHosts<V6>,
        place: &mut Place<'r>,
        now: Now,
    ) -> Result<Option<DropReason>, Parked> {
        let config = &runtime.config;
        let Desk { shared, entropy, memo, links, subnet, explanation, limiter, hosts, .. } = desk;
        let joined = runtime.hosts(hosts, learned, now);
        let hosts = runtime.host_view(learned);
        let say = explanation.as_deref();
        let Self { offers, draft, membership, candidates, context } = self;
        let mut session = Session6::new(&*shared.store, &runtime.pools, entropy, memo, now)
            .with_hosts(&joined)
            .taking_offer(query.message_type == MessageType::Request)
            .explained(say);
        let brake = (&*limiter, now);
        let subject = Subject::new(config, query, hardware, input, links, say, brake);
        let mut client = subject.client(&session, hosts);
        if let Some(reason) = subject.settle(&mut client, membership, candidates, &mut session)? {
            return Ok(Some(reason));
        }
        let selected = candidates.first().map(|candidate| candidate.subnet);
        *subnet = selected;
        let recent_offer = &|lease_type, iaid| {
            let hash = offer_hash(shared, query, lease_type, iaid, selected);
            offers.recent(hash, now.mono_s())
        };
        let is_stored = |candidate: &Candidate6| {
            config.subnet(candidate.subnet).lease_rules.stores_extended_info
        };
        let extended_info = if query.view.is_relayed() && candidates.iter().any(is_stored) {
            extended_info::write6(context, query.view);
            context.as_bytes()
        } else {
            &[]
        };
        let identifiers = client.identifiers();
        let exchange = Exchange {
            query,
            config,
            hosts,
            candidates,
            membership,
            hardware,
            extended_info,
            identifiers,
            recent_offer,
        };
        match handlers::handle(&exchange, &mut session, draft)? {
            Outcome::Drop(reason) => return Ok(Some(reason)),
            Outcome::Reply => {}
        }
        place.find(draft, candidates, runtime, hosts);
        subject.complete(membership, place);
        Ok(None)
    }

    /// Counts the leases that stay as they are because they are young.
    fn count_reuses(&self, runtime: &Runtime6, now: Now) {
        let Self { draft, candidates, .. } = self;
        for association in draft.associations() {
            let is_prefix = association.kind == IaKind::Pd;
            let figure = if is_prefix { Lease6::PdReuses } else { Lease6::NaReuses };
            for entry in draft.entries(association).iter().filter(|entry| entry.is_cached) {
                let candidate = entry.candidate.and_then(|number| candidates.get(number));
                if let Some(candidate) = candidate {
                    let subnet = SubnetId(runtime.config.subnet(candidate.subnet).id);
                    runtime.tally.count_event(subnet, figure, now);
                }
            }
        }
    }

    /// Remembers what was advertised, so that a client that asks again is told the same.
    fn remember_offers(&mut self, desk: &Desk6, query: &Query<'_>, second: u32) {
        let Self { draft, offers, .. } = self;
        if draft.message_type != MessageType::Advertise {
            return;
        }
        for association in draft.associations() {
            let entry = draft.entries(association).iter().find(|entry| entry.fate == Fate::New);
            let Some(entry) = entry else { continue };
            let Some(lease_type) = handlers::lease_type_of(association.kind) else { continue };
            let hash = offer_hash(&desk.shared, query, lease_type, association.iaid, desk.subnet);
            offers.remember(hash, entry.resource.address, second);
        }
    }
}

/// Writes the reply into the outbox where it waits for what it promises.
#[allow(clippy::too_many_arguments, reason = "all that there is to an answer")]
fn write(
    desk: &mut Desk6,
    draft: &Draft,
    place: &Place<'_>,
    membership: &Membership,
    input: &Inbound<'_>,
    query: &Query<'_>,
    runtime: &Runtime6,
    now: Now,
    replies: &mut Replies,
) {
    let config = &runtime.config;
    let pools: ArrayVec<&OptionSet6, POOLS_MAX> =
        place.extras.iter().map(|extras| &*extras.options).collect();
    let scopes = Scopes {
        host: place.host.map(|host| &*host.extras.options),
        pools: &pools,
        subnet: place.subnet.map(|subnet| &*subnet.options),
        network: place.network.map(|network| &*network.options),
        classes: ClassScopes { classes: &config.classes, membership },
        global: &config.options,
    };
    let alone = desk.must_be_alone(now);
    let (server_duid, explanation) = (&*runtime.server_duid, desk.explanation());
    let subnet = place.subnet;
    let material =
        Material { query, input, config, scopes, subnet, server_duid, draft, alone, explanation };
    let outbox = if draft.position == 0 { &mut replies.ready } else { &mut replies.held };
    let mut failure = None;
    outbox.push_with(|arena| match reply::write(&material, arena) {
        Ok(outbound) => {
            let (kind, to) = (draft.message_type.name(), outbound.destination);
            let link = || desk.links.name(input.interface);
            if let Some(explanation) = desk.explanation() {
                notes::answer(explanation, draft, &outbound, link());
            }
            kea_log::log!(PACKETS, DHCP6_PACKET_SEND, query.view.label(None), kind, to, link());
            Some(outbound)
        }
        Err(error) => {
            failure = Some(error);
            None
        }
    });
    if let Some(error) = failure {
        explain!(desk.explanation(), Topic::Answer, "none: the reply cannot be built: {error}");
        let (label, now_ns) = (query.view.label(None), now.mono_ns);
        kea_log::log_limited!(desk.limiter, now_ns, PACKETS, DHCP6_PACK_FAIL, label, error);
    }
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
