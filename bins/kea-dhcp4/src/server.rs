//! The DHCPv4 protocol as the engine runs it: which queries are admitted, and what becomes of them.
//!
//! See [`libdhcpsrv::engine`] for the way of a datagram. Here: the rules that need neither subnet nor lease, the
//! selection of the subnet, the handler, the reply.

mod decide;
mod notes;
mod received;
mod report;

use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use kea_log::Message;
use libdhcp::v4::{MalformedError, MessageType, SpanTable, View, code};
use libdhcpsrv::alloc4::{Before4, Candidate4};
use libdhcpsrv::classes::{ClassPolicy, Membership};
use libdhcpsrv::config4::{Config4, Pool4, Subnet4};
use libdhcpsrv::deliveries::Passage;
use libdhcpsrv::engine::{BasicCounters, Desk, Engine, Protocol};
use libdhcpsrv::explain;
use libdhcpsrv::explain::{ExplainedClients, Explanation, Topic};
use libdhcpsrv::hosts::LearnedHosts;
use libdhcpsrv::intake::Shared;
use libdhcpsrv::lease4::{SubnetId, V4};
use libdhcpsrv::names::{NameBuffer, Naming};
use libdhcpsrv::offers::OfferTable;
use libdhcpsrv::session::Parked;
use stats::{Lease4, Packet4 as Packet};
use util::Now;
use util::link::{Inbound, Outbound, Replies};

use self::decide::Decision;
use crate::classes::Classifier;
use crate::handlers::{Answer, DropReason, Outcome};
use crate::messages::{loggers::*, *};
use crate::query::Query;
use crate::reply::{self, Material};
use crate::runtime::Runtime4;
use crate::scopes::{ClassScopes, Scopes};

/// Bytes of the field `chaddr`; no hardware address is longer.
const CHADDR_LEN: usize = 16;

/// The DHCPv4 server of one worker.
pub type Server4 = Engine<Dhcp4>;
/// What the workers of one daemon have in common.
pub type Shared4 = Shared<V4>;
/// What a worker has at hand.
type Desk4 = Desk<Dhcp4>;

/// The DHCPv4 protocol, with what a worker remembers between packets.
#[derive(Debug, Default)]
pub struct Dhcp4 {
    offers: OfferTable<Ipv4Addr>,
    /// The classes of the query in progress.
    membership: Membership,
    /// Where its client may be served.
    candidates: Vec<Candidate4>,
    /// Room for the user context of the lease at hand.
    context: String,
}

impl Protocol for Dhcp4 {
    type Leases = V4;
    type Runtime = Runtime4;
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
    const EXPLAINED: &'static Message = &DHCP4_EXPLAIN;

    fn parse<'a>(payload: &'a [u8], spans: &'a mut SpanTable) -> Result<View<'a>, MalformedError> {
        View::parse(payload, spans)
    }

    fn received(desk: &mut Desk4, input: &Inbound<'_>, view: &View<'_>) {
        let kind = view.message_type().ok().flatten();
        desk.counters.increment(report::received_counter(kind));
        kea_log::log!(
            PACKETS,
            DHCP4_PACKET_RECEIVED,
            view.label(),
            kind.map_or("packet", MessageType::name),
            input.source,
            input.destination,
            desk.links.name(input.interface)
        );
    }

    fn admit<'q, 'p: 'q>(
        desk: &Desk4,
        input: &Inbound<'_>,
        view: &'q View<'p>,
        runtime: &Runtime4,
    ) -> Result<Query<'q>, DropReason> {
        let message_type = check(desk, input, view, &runtime.config)?;
        Query::read(view, message_type).map_err(|_| DropReason::Malformed)
    }

    fn client(desk: &Desk4, _: &Inbound<'_>, query: &Query<'_>) -> u64 {
        let mut hasher = desk.shared.hasher.build_hasher();
        hasher.write(query.client_identifier.unwrap_or(query.view.chaddr()));
        hasher.finish()
    }

    fn number(query: &Query<'_>) -> u64 {
        u64::from(query.view.xid()) << 8 | query.message_type as u64
    }

    fn passage(desk: &Desk4, _: &Inbound<'_>, query: &Query<'_>, client: u64) -> Option<Passage> {
        query.view.is_relayed().then(|| {
            let mut hasher = desk.shared.hasher.build_hasher();
            hasher.write_u64(client);
            hasher.write_u64(Self::number(query));
            let relay = desk.shared.hasher.hash_one(u32::from(query.giaddr));
            Passage { query: hasher.finish(), relay }
        })
    }

    fn run(
        &mut self,
        desk: &mut Desk4,
        input: &Inbound<'_>,
        query: &Query<'_>,
        runtime: &Runtime4,
        learned: &LearnedHosts<V4>,
        now: Now,
        replies: &mut Replies,
    ) -> Result<Option<DropReason>, Parked> {
        let (config, view) = (&runtime.config, query.view);
        let decision = self.decide(desk, input, query, runtime, learned, now)?;
        let Decision { outcome, selected, conflict, offered_to } = decision;
        if query.message_type == MessageType::Request
            && query.server_identifier.is_none()
            && let Some(address) = query.requested_address
        {
            kea_log::log!(DHCP4, DHCP4_INIT_REBOOT, view.label(), address);
        }
        match outcome {
            Outcome::Reply(answer) => {
                if answer.message_type == MessageType::Offer {
                    self.offers.remember(offered_to, answer.yiaddr, now.mono_s());
                }
                if let Some(at) = answer.at {
                    desk.subnet = Some(at.subnet);
                }
                report::log_answer(desk, query, input, &answer, now);
                if answer.before == Some(Before4::Cached)
                    && let Some(at) = answer.at
                {
                    let id = SubnetId(config.subnet(at.subnet).id);
                    runtime.tally.count_event(id, Lease4::LeaseReuses, now);
                }
                self.write(desk, input, query, runtime, learned, &answer, now, replies);
            }
            Outcome::Done(change) => {
                explain!(desk.explanation(), Topic::Answer, "none is due: {change}");
                report::log_change(view, change, config.decline_probation_period)
            }
            Outcome::Drop(_) => {}
        }
        if let Some((index, address)) = conflict {
            let id = config.subnet(index).id;
            runtime.tally.count_event(SubnetId(id), Lease4::ReservationConflicts, now);
            report::warn_conflict(desk, query, id, address, now);
        }
        if report::is_exhausted(&outcome)
            && let Some(selected) = selected
        {
            let subnet = config.subnet(selected.subnet);
            let id = SubnetId(subnet.id);
            for figure in self.failures(config, subnet) {
                runtime.tally.count_event(id, figure, now);
            }
            report::warn_exhausted(desk, query, subnet.id, now);
        }
        Ok(match outcome {
            Outcome::Drop(reason) => Some(reason),
            Outcome::Reply(_) | Outcome::Done(_) => None,
        })
    }

    fn is_from(clients: &ExplainedClients, _: &Inbound<'_>, view: &View<'_>) -> bool {
        received::is_from(clients, view)
    }

    fn explain_query(
        desk: &Desk4,
        input: &Inbound<'_>,
        view: &View<'_>,
        runtime: &Runtime4,
    ) -> Explanation {
        received::query(desk, input, view, &runtime.config)
    }

    #[cold]
    fn explain_malformed(desk: &mut Desk4, input: &Inbound<'_>, error: MalformedError, _: Now) {
        let packet = format_args!("packet of {} bytes", input.payload.len());
        let link = desk.links.name(input.interface);
        kea_log::log!(
            BAD_PACKETS,
            DHCP4_PACKET_DROP_0001,
            packet,
            "malformed",
            link,
            input.source,
            error
        );
    }

    #[cold]
    fn explain_drop(
        desk: &mut Desk4,
        input: &Inbound<'_>,
        view: &View<'_>,
        reason: DropReason,
        now: Now,
    ) {
        desk.counters.increment(report::dropped_counter(reason));
        let query = view.message_type().ok().flatten();
        let messages = [&DHCP4_QUERY_DROPPED, reason.message(query)];
        report::explain(desk, input, view, now, messages, &reason);
    }

    #[cold]
    fn log_failure(input: &Inbound<'_>, reason: &str) {
        let len = input.payload.len();
        kea_log::log!(DHCP4, DHCP4_PACKET_PROCESS_EXCEPTION, len, input.source, reason);
    }

    #[cold]
    fn log_send_failure(desk: &Desk4, reply: &Outbound, error: &io::Error) {
        let link = desk.links.name(reply.interface);
        kea_log::log!(PACKETS, DHCP4_PACKET_SEND_FAIL, reply.destination, link, error);
    }

    fn sent_counter(tag: u32) -> Option<Packet> {
        match u8::try_from(tag).ok().and_then(MessageType::from_u8)? {
            MessageType::Offer => Some(Packet::OfferSent),
            MessageType::Ack => Some(Packet::AckSent),
            MessageType::Nak => Some(Packet::NakSent),
            _ => None,
        }
    }
}

/// The rules that need neither subnet nor lease; returns the type of the message.
fn check(
    desk: &Desk4,
    input: &Inbound<'_>,
    view: &View<'_>,
    config: &Config4,
) -> Result<MessageType, DropReason> {
    use libdhcp::v4::{BOOTREQUEST, OptionError};
    if usize::from(view.raw_hlen()) > CHADDR_LEN {
        return Err(DropReason::Malformed);
    }
    if view.op() != BOOTREQUEST {
        return Err(DropReason::UnsupportedMessageType);
    }
    let message_type = match view.message_type() {
        Ok(Some(
            kind @ (MessageType::Discover
            | MessageType::Request
            | MessageType::Decline
            | MessageType::Release
            | MessageType::Inform),
        )) => kind,
        Ok(Some(_)) => return Err(DropReason::UnsupportedMessageType),
        Ok(None) => return Err(DropReason::NoMessageType),
        Err(OptionError::UnknownMessageType { .. }) => {
            return Err(DropReason::UnknownMessageType);
        }
        Err(_) => return Err(DropReason::Malformed),
    };
    match view.server_identifier() {
        Ok(None) => {}
        Ok(Some(_)) if config.ignore_server_identifier => {}
        Ok(Some(id)) => {
            //= RFC 5107 section 5: a relay may have the client take it for the server.
            let relay = view.relay_agent_information();
            let relay = relay.and_then(|all| all.sub_option(code::RAI_SERVER_ID_OVERRIDE));
            let ours = relay == Some(&id.octets()[..])
                || IpAddr::V4(id) == input.local
                || desk.links.is_own_address(id.into())
                || config.server_identifiers.binary_search(&id).is_ok();
            if !ours {
                return Err(DropReason::ForeignServer);
            }
        }
        Err(_) => return Err(DropReason::Malformed),
    }
    let homeless = message_type == MessageType::Inform
        && !view.is_relayed()
        && view.ciaddr().is_unspecified()
        && input.source.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    if homeless { Err(DropReason::NoReturnAddress) } else { Ok(message_type) }
}

impl Dhcp4 {
    /// What is counted when no address is found for the query in progress, of which this subnet was selected. As in Kea,
    /// every client belongs to classes: all are in `ALL`.
    #[cold]
    fn failures(&self, config: &Config4, subnet: &Subnet4) -> impl Iterator<Item = Lease4> + use<> {
        let serves = |pool: &Pool4| {
            let extras = pool.extras.as_deref();
            let policy = extras.and_then(|extras| extras.classes.as_deref());
            ClassPolicy::admits(policy, self.membership.set())
        };
        let has_pools =
            |at: &Candidate4| config.pools_of(config.subnet(at.subnet)).iter().any(serves);
        let no_pools = !self.candidates.iter().any(has_pools);
        let place = match subnet.network {
            Some(_) => Lease4::AllocationFailSharedNetwork,
            None => Lease4::AllocationFailSubnet,
        };
        let always = [Lease4::AllocationFail, place, Lease4::AllocationFailClasses];
        always.into_iter().chain(no_pools.then_some(Lease4::AllocationFailNoPools))
    }

    /// Writes the reply into the outbox where it waits for what it promises.
    #[allow(clippy::too_many_arguments, reason = "all that there is to a reply")]
    fn write(
        &mut self,
        desk: &mut Desk4,
        input: &Inbound<'_>,
        query: &Query<'_>,
        runtime: &Runtime4,
        learned: &LearnedHosts<V4>,
        answer: &Answer,
        now: Now,
        replies: &mut Replies,
    ) {
        let config = &runtime.config;
        let alone = desk.must_be_alone(now);
        let membership = &mut self.membership;
        let hosts = runtime.host_view(learned);
        let host = answer.at.and_then(|at| at.host(hosts));
        if let Some(at) = answer.at.filter(|_| answer.message_type != MessageType::Nak) {
            let Desk4 { links, limiter, explanation, .. } = &*desk;
            let (view, explanation) = (query.view, explanation.as_deref());
            let classifier = Classifier { config, links, input, view, explanation, limiter, now };
            classifier.finish(membership, at, host, answer.yiaddr, query.message_type);
        }
        let mut hostname = NameBuffer::new();
        let naming = answer.at.filter(|_| answer.lifetime.is_some()).map(|at| {
            let given = query.view.host_name().ok().flatten();
            at.name(config, hosts, given, answer.yiaddr, &mut hostname)
        });
        if let (Some(explanation), Some(naming)) = (desk.explanation(), naming) {
            notes::name(explanation, naming, &hostname, host);
        }
        let subnet = answer.at.map(|at| config.subnet(at.subnet));
        let pool = subnet.and_then(|subnet| config.extras_at(subnet, answer.yiaddr));
        let network = subnet.and_then(|subnet| config.network_of(subnet));
        let scopes = Scopes {
            host: host.map(|host| &*host.extras.options),
            pool: pool.map(|extras| &*extras.options),
            subnet: subnet.map(|subnet| &*subnet.options),
            network: network.map(|network| &*network.options),
            classes: ClassScopes { membership, classes: &config.classes },
            global: &config.options,
        };
        let material = Material {
            query,
            input,
            config,
            subnet,
            scopes,
            host,
            hostname: &hostname,
            is_name_unasked: naming == Some(Naming::Generated)
                || host.is_some_and(|host| !host.hostname.is_empty()),
            answer,
            direct_response: runtime.direct_response(),
            alone,
            explanation: desk.explanation(),
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
                let link = || desk.links.name(input.interface);
                if let Some(explanation) = desk.explanation() {
                    notes::answer(explanation, answer, &written.outbound, link());
                }
                kea_log::log!(PACKETS, DHCP4_PACKET_SEND, query.view.label(), kind, to, link());
                Some(written.outbound)
            }
            Err(error) => {
                failure = Some(error);
                None
            }
        });
        if let Some(error) = failure {
            explain!(desk.explanation(), Topic::Answer, "none: the reply cannot be built: {error}");
            let (label, now_ns) = (query.view.label(), now.mono_ns);
            kea_log::log_limited!(
                desk.limiter,
                now_ns,
                PACKETS,
                DHCP4_PACKET_PACK_FAIL,
                label,
                error
            );
        }
    }
}
