//! What is done with each kind of message: DISCOVER, REQUEST in its four states, DECLINE, RELEASE, INFORM.
//!
//! Handlers decide and ask the lease store through the session; they have no other effect, because they are run
//! again when the store answers late. What they decide is an [`Outcome`], which the server counts, logs and turns
//! into a reply. Rules: RFC 2131 section 4.3, ordered as in Kea.

use std::net::Ipv4Addr;

use eval::ClassSet;
use libdhcp::v4::MessageType;
use libdhcpsrv::alloc4::{self, Before4, Candidate4, Granted4, Query4, Refusal4};
use libdhcpsrv::classes::{ClassTimes, special};
use libdhcpsrv::config4::Config4;
use libdhcpsrv::explain;
use libdhcpsrv::explain::{LeaseText, Topic};
use libdhcpsrv::hosts::{HostView, Identifier};
use libdhcpsrv::lease4::{
    Change4, ClientKey, CommitError, Expect, Lease4View, LeaseState, Ownership, SubnetId, V4,
};
use libdhcpsrv::session::{Parked, Session4};

use kea_log::Message;

use crate::messages;
use crate::query::Query;

/// How often a change is made anew after a conflict before it is given up.
const CONFLICTS_MAX: usize = 8;

/// What came of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answer it.
    Reply(Answer),
    /// It was carried out; no answer is due (RELEASE, DECLINE).
    Done(Change),
    /// It is not answered.
    Drop(DropReason),
}

/// The answer to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// OFFER, ACK or NAK.
    pub message_type: MessageType,
    /// Address given; 0.0.0.0 for a NAK and for INFORM.
    pub yiaddr: Ipv4Addr,
    /// The subnet that the answer is made for, with the client's host there: that of the address, else the selected one.
    pub at: Option<Candidate4>,
    /// Lease time in seconds; `None` for a NAK and for INFORM.
    pub lifetime: Option<u32>,
    /// Journal position that must be durable first; 0 for none.
    pub position: u64,
    /// What the client had before, for an ACK with a lease.
    pub before: Option<Before4>,
    /// Why a NAK is sent.
    pub refusal: Option<NakReason>,
    /// Whether another client has the address that is reserved for this one.
    pub is_in_conflict: bool,
}

/// A lease that ended or was quarantined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The client gave the address back.
    Released(Ipv4Addr),
    /// The client found the address in use.
    Declined(Ipv4Addr),
}

/// Why a NAK is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NakReason {
    /// No subnet is known for the client.
    NoSubnet,
    /// INIT-REBOOT for another address than the client's lease has.
    WrongAddress,
    /// INIT-REBOOT of a client without a lease, and the server is authoritative.
    UnknownClient,
    /// The requested address cannot be given.
    Refused(Refusal4),
    /// No address is free.
    Exhausted,
    /// The client is in class `REJECT`.
    Rejected,
}

/// Why a query is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// Not a DHCP message, or broken.
    Malformed,
    /// No option 53.
    NoMessageType,
    /// A type that is not in use.
    UnknownMessageType,
    /// A type that clients do not send to servers.
    UnsupportedMessageType,
    /// It is in class `DROP`.
    DropClass,
    /// It is in class `DROP` because of its global reservation, which was looked for early.
    DropClassEarly,
    /// It is in class `DROP` since it is known whether it has a reservation.
    DropClassLate,
    /// DISCOVER of a client in class `REJECT`.
    Rejected,
    /// A direct client on a link for which no subnet is configured.
    NoSubnet,
    /// Option 54 names another server.
    ForeignServer,
    /// INFORM without any address to answer to.
    NoReturnAddress,
    /// Option 54 where RFC 2131 forbids it.
    UnexpectedServerId,
    /// Neither a hardware address nor a client identifier.
    NoIdentity,
    /// DECLINE without option 50.
    NoDeclinedAddress,
    /// INIT-REBOOT of a client without a lease; another server may know it.
    UnknownClient,
    /// No address is free.
    Exhausted,
    /// Another client has the address that is reserved for this one, and no other is free.
    ReservedInUse,
    /// The address to release or decline is not leased.
    NoSuchLease,
    /// The address to release or decline is leased to somebody else.
    NotTheOwner,
    /// The lease to release has ended already.
    AlreadyEnded,
    /// The lease could not be stored.
    NotStored(CommitError),
    /// Another packet of the client is in progress.
    Busy,
    /// Too many exchanges wait.
    QueueFull,
    /// The lease database has not answered.
    Unanswered,
    /// A defect of this server: processing panicked.
    Internal,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Released(address) => write!(f, "the lease on {address} has ended"),
            Self::Declined(address) => write!(f, "{address} is kept back from now on"),
        }
    }
}

impl NakReason {
    /// Kea's own message for the case.
    #[must_use]
    pub fn message(&self) -> &'static Message {
        match self {
            Self::NoSubnet => &messages::DHCP4_PACKET_NAK_0001,
            Self::WrongAddress | Self::UnknownClient => &messages::DHCP4_PACKET_NAK_0002,
            Self::Refused(_) | Self::Exhausted => &messages::DHCP4_PACKET_NAK_0004,
            Self::Rejected => &messages::DHCP4_PACKET_NAK_0005,
        }
    }
}

impl DropReason {
    /// Kea's own message for the case, told apart by the kind of query where Kea does.
    #[must_use]
    pub fn message(&self, query: Option<MessageType>) -> &'static Message {
        match (self, query) {
            (Self::Malformed, _) => &messages::DHCP4_PACKET_DROP_0001,
            (Self::NoSubnet, _) => &messages::DHCP4_PACKET_DROP_0002,
            (Self::ForeignServer, _) => &messages::DHCP4_PACKET_DROP_0003,
            (Self::NoMessageType, _) => &messages::DHCP4_PACKET_DROP_0004,
            (Self::UnknownMessageType, _) => &messages::DHCP4_PACKET_DROP_0005,
            (Self::UnsupportedMessageType, _) => &messages::DHCP4_PACKET_DROP_0006,
            (Self::DropClass, _) => &messages::DHCP4_PACKET_DROP_0010,
            (Self::DropClassLate, _) => &messages::DHCP4_PACKET_DROP_0013,
            (Self::DropClassEarly, _) => &messages::DHCP4_PACKET_DROP_0014,
            (Self::Rejected, _) => &messages::DHCP4_PACKET_NAK_0005,
            (Self::Exhausted | Self::ReservedInUse, _) => &messages::DHCP4_PACKET_NAK_0003,
            (Self::NotTheOwner, Some(MessageType::Decline)) => {
                &messages::DHCP4_DECLINE_LEASE_MISMATCH
            }
            (Self::NoSuchLease | Self::AlreadyEnded, Some(MessageType::Decline)) => {
                &messages::DHCP4_DECLINE_LEASE_NOT_FOUND
            }
            (Self::NotTheOwner, _) => &messages::DHCP4_RELEASE_FAIL_WRONG_CLIENT,
            (Self::NoSuchLease | Self::AlreadyEnded, _) => &messages::DHCP4_RELEASE_FAIL_NO_LEASE,
            _ => &messages::DHCP4_PACKET_DROP_0007,
        }
    }
}

impl std::fmt::Display for NakReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoSubnet => f.write_str("no subnet is configured for this client"),
            Self::WrongAddress => f.write_str("the client's lease is on another address"),
            Self::UnknownClient => f.write_str("the client has no lease here"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Exhausted => f.write_str("no address is free in the subnet's pools"),
            Self::Rejected => f.write_str("the client is in class REJECT"),
        }
    }
}

impl std::fmt::Display for DropReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the packet is malformed",
            Self::NoMessageType => "the packet has no message type (option 53)",
            Self::UnknownMessageType => "the message type is not known",
            Self::UnsupportedMessageType => "the message type is not for servers",
            Self::DropClass => "it is in class DROP",
            Self::DropClassEarly => "it is in class DROP because of its global reservation",
            Self::DropClassLate => "it is in class DROP after its reservation was looked for",
            Self::Rejected => "the client is in class REJECT",
            Self::NoSubnet => "no subnet is configured for the client's link",
            Self::ForeignServer => "the server identifier (option 54) names another server",
            Self::NoReturnAddress => "the client has no address to answer to",
            Self::UnexpectedServerId => "the message must not have a server identifier (option 54)",
            Self::NoIdentity => "the client has neither a hardware address nor an identifier",
            Self::NoDeclinedAddress => "the message names no declined address (option 50)",
            Self::UnknownClient => "the client asks for an old address but has no lease here",
            Self::Exhausted => "no address is free in the subnet's pools",
            Self::ReservedInUse => {
                "the address reserved for the client is leased to another client, and no other is free"
            }
            Self::NoSuchLease => "the address is not leased",
            Self::NotTheOwner => "the address is leased to another client",
            Self::AlreadyEnded => "the lease has ended already",
            Self::NotStored(CommitError::Conflict) => "other clients took every address tried",
            Self::NotStored(_) => "the lease could not be stored",
            Self::Busy => "another packet of the client is in progress",
            Self::QueueFull => "too many packets wait for an answer of the lease store",
            Self::Unanswered => "the lease database has not answered",
            Self::Internal => "processing failed; this is a defect of the server",
        })
    }
}

/// Everything that a handler looks at.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The query.
    pub query: &'a Query<'a>,
    /// The configuration in force.
    pub config: &'a Config4,
    /// The hosts of the candidates.
    pub hosts: HostView<'a, V4>,
    /// The selected subnet, with the client's host there.
    pub selected: Option<Candidate4>,
    /// The subnets on its link that serve the client, in the order in which they are tried.
    pub candidates: &'a [Candidate4],
    /// The address that is reserved for the client; it belongs to the first candidate.
    pub reserved: Option<Ipv4Addr>,
    /// The classes of the client.
    pub classes: &'a ClassSet,
    /// Lease times that the classes give.
    pub class_times: ClassTimes,
    /// `offer-lifetime` of the classes.
    pub class_offer_lifetime: Option<u32>,
    /// Address offered to this client a moment ago.
    pub recent_offer: Option<Ipv4Addr>,
    /// What its relay says of it, as a user context to keep with a lease where that is wished; empty for nothing.
    pub extended_info: &'a [u8],
    /// What the client is known by among hosts.
    pub identifiers: &'a [Identifier<'a>],
}

impl<'a> Exchange<'a> {
    fn allocation(&self, requested: Option<Ipv4Addr>) -> Query4<'a> {
        Query4 {
            config: self.config,
            hosts: self.hosts,
            candidates: self.candidates,
            classes: self.classes,
            client: self.query.client_key(true),
            identifiers: self.identifiers,
            reserved: self.reserved,
            requested,
            recent_offer: self.recent_offer,
            extended_info: self.extended_info,
            wanted_lifetime: self.query.lease_time,
            class_times: self.class_times,
            class_offer_lifetime: self.class_offer_lifetime,
            hostname: self.query.view.host_name().ok().flatten(),
        }
    }
}

impl Exchange<'_> {
    /// `pool-id` of the pool of a subnet that an address lies in; subnets may overlap.
    fn pool_id(&self, subnet: SubnetId, address: Ipv4Addr) -> u32 {
        let config = self.config;
        let is_meant = |index| config.subnet(index).id == subnet.0;
        let index = config.by_address.find_serving(address, is_meant);
        let pools = index.map(|index| config.pools_of(config.subnet(index)));
        let pool = pools.unwrap_or_default().iter().find(|pool| pool.contains(address));
        pool.map_or(0, |pool| pool.id)
    }
}

/// Runs the handler of the query's type.
///
/// # Errors
/// [`Parked`] when the lease store answers later.
pub fn handle(exchange: &Exchange<'_>, session: &mut Session4<'_>) -> Result<Outcome, Parked> {
    match exchange.query.message_type {
        MessageType::Discover => discover(exchange, session),
        MessageType::Request => request(exchange, session),
        MessageType::Decline => decline(exchange, session),
        MessageType::Release => release(exchange, session),
        MessageType::Inform => Ok(inform(exchange)),
        _ => Ok(Outcome::Drop(DropReason::UnsupportedMessageType)),
    }
}

fn discover(exchange: &Exchange<'_>, session: &mut Session4<'_>) -> Result<Outcome, Parked> {
    let query = exchange.query;
    if query.server_identifier.is_some() {
        return Ok(Outcome::Drop(DropReason::UnexpectedServerId));
    }
    if exchange.classes.contains(special::REJECT) {
        return Ok(Outcome::Drop(DropReason::Rejected));
    }
    let Some(selected) = exchange.selected else { return Ok(Outcome::Drop(DropReason::NoSubnet)) };
    if !query.has_identity(exchange.config.subnet(selected.subnet).match_client_id) {
        return Ok(Outcome::Drop(DropReason::NoIdentity));
    }
    let hint = query.requested_address.or(given(query.ciaddr));
    let offered = match alloc4::offer(session, &exchange.allocation(hint))? {
        Ok(offered) => offered,
        Err(error) => return Ok(Outcome::Drop(DropReason::NotStored(error))),
    };
    Ok(match offered.address {
        Some((address, at)) => Outcome::Reply(Answer {
            message_type: MessageType::Offer,
            yiaddr: address,
            at: Some(at),
            lifetime: Some(offered.valid_lifetime),
            position: offered.position,
            before: offered.is_cached.then_some(Before4::Cached),
            refusal: None,
            is_in_conflict: offered.conflict.is_some(),
        }),
        None if offered.conflict.is_some() => Outcome::Drop(DropReason::ReservedInUse),
        None => Outcome::Drop(DropReason::Exhausted),
    })
}

fn request(exchange: &Exchange<'_>, session: &mut Session4<'_>) -> Result<Outcome, Parked> {
    let query = exchange.query;
    let nak = |reason| Ok(nak(exchange, reason));
    if exchange.classes.contains(special::REJECT) {
        return nak(NakReason::Rejected);
    }
    let Some(selected) = exchange.selected else { return nak(NakReason::NoSubnet) };
    let subnet = exchange.config.subnet(selected.subnet);
    if !query.has_identity(subnet.match_client_id) {
        return Ok(Outcome::Drop(DropReason::NoIdentity));
    }
    let mut remembered = None;
    if let (None, Some(address)) = (query.server_identifier, query.requested_address) {
        match memory_of(exchange, session, address)? {
            Memory::Right(own) => remembered = Some(own),
            Memory::Wrong => return nak(NakReason::WrongAddress),
            Memory::Nothing if subnet.authoritative => return nak(NakReason::UnknownClient),
            Memory::Nothing => return Ok(Outcome::Drop(DropReason::UnknownClient)),
        }
    }
    let requested = query.requested_address.or(given(query.ciaddr));
    match alloc4::grant_known(session, &exchange.allocation(requested), remembered)? {
        Granted4::Lease { address, at, valid_lifetime, position, before } => {
            Ok(Outcome::Reply(Answer {
                message_type: MessageType::Ack,
                yiaddr: address,
                at: Some(at),
                lifetime: Some(valid_lifetime),
                position,
                before: Some(before),
                refusal: None,
                is_in_conflict: false,
            }))
        }
        Granted4::Refused(Refusal4::OutsidePools)
            if query.server_identifier.is_none()
                && !subnet.authoritative
                && is_of_another_server(exchange, session, requested)? =>
        {
            Ok(Outcome::Drop(DropReason::UnknownClient))
        }
        Granted4::Refused(refusal) => nak(NakReason::Refused(refusal)),
        Granted4::Exhausted => nak(NakReason::Exhausted),
        Granted4::NotStored(error) => Ok(Outcome::Drop(DropReason::NotStored(error))),
    }
}

/// Whether another server of the link may have given an address: it is in no pool here, and the client has no lease on
/// it. Only a server that is told to be the authority denies such an address.
fn is_of_another_server(
    exchange: &Exchange<'_>,
    session: &mut Session4<'_>,
    address: Option<Ipv4Addr>,
) -> Result<bool, Parked> {
    let Some(address) = address else { return Ok(false) };
    let (config, candidates) = (exchange.config, exchange.candidates);
    let mut pools = candidates.iter().flat_map(|one| config.pools_of(config.subnet(one.subnet)));
    Ok(!pools.any(|pool| pool.contains(address))
        && !matches!(memory_of(exchange, session, address)?, Memory::Right(_)))
}

/// What leases say about the address that a client in INIT-REBOOT remembers.
enum Memory {
    /// Its lease is this one.
    Right(Lease4View),
    /// Its lease is on another address.
    Wrong,
    /// It has no lease on this link.
    Nothing,
}

fn memory_of(
    exchange: &Exchange<'_>,
    session: &mut Session4<'_>,
    address: Ipv4Addr,
) -> Result<Memory, Parked> {
    let mut memory = Memory::Nothing;
    for candidate in exchange.candidates {
        let subnet = exchange.config.subnet(candidate.subnet);
        let key = exchange.query.client_key(subnet.match_client_id);
        let (own, _) = session.find(key, SubnetId(subnet.id), None)?;
        match own {
            None => explain!(
                session.explanation(),
                Topic::Lease,
                "remembered\t{address}\tthe client has no lease in subnet {subnet}"
            ),
            Some(own) => explain!(
                session.explanation(),
                Topic::Lease,
                "remembered\t{address}\tthe client has a lease on {} in subnet {subnet}",
                own.address
            ),
        }
        match own {
            Some(own) if own.address == address => return Ok(Memory::Right(own)),
            Some(_) => memory = Memory::Wrong,
            None => {}
        }
    }
    Ok(memory)
}

fn release(exchange: &Exchange<'_>, session: &mut Session4<'_>) -> Result<Outcome, Parked> {
    let address = exchange.query.ciaddr;
    // A client does not repeat it, so that a conflict is looked into at once.
    for _ in 0..CONFLICTS_MAX {
        let lease = match own_lease(exchange, session, address)? {
            Ok(lease) => lease,
            Err(reason) => return Ok(Outcome::Drop(reason)),
        };
        match session.delete(address, Expect::Unchanged(lease.version))? {
            Ok(_) => return Ok(Outcome::Done(Change::Released(address))),
            Err(CommitError::Conflict) => {}
            Err(error) => return Ok(Outcome::Drop(DropReason::NotStored(error))),
        }
    }
    Ok(Outcome::Drop(DropReason::NotStored(CommitError::Conflict)))
}

fn decline(exchange: &Exchange<'_>, session: &mut Session4<'_>) -> Result<Outcome, Parked> {
    let Some(address) = exchange.query.requested_address else {
        return Ok(Outcome::Drop(DropReason::NoDeclinedAddress));
    };
    // A client does not repeat it, so that a conflict is looked into at once.
    for _ in 0..CONFLICTS_MAX {
        let lease = match own_lease(exchange, session, address)? {
            Ok(lease) => lease,
            Err(reason) => return Ok(Outcome::Drop(reason)),
        };
        match session.commit(kept_back(exchange, address, &lease))? {
            Ok(_) => return Ok(Outcome::Done(Change::Declined(address))),
            Err(CommitError::Conflict) => {}
            Err(error) => return Ok(Outcome::Drop(DropReason::NotStored(error))),
        }
    }
    Ok(Outcome::Drop(DropReason::NotStored(CommitError::Conflict)))
}

/// A lease as it is stored when its address has been declined.
fn kept_back<'a>(exchange: &Exchange<'_>, address: Ipv4Addr, lease: &Lease4View) -> Change4<'a> {
    // The address belongs to nobody while it is kept back: neither client nor name stay with it.
    Change4 {
        address,
        subnet_id: lease.subnet_id,
        pool_id: exchange.pool_id(lease.subnet_id, address),
        pool: None,
        client: ClientKey::default(),
        valid_lifetime: exchange.config.decline_probation_period,
        state: LeaseState::Declined,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: &[],
        user_context: &[],
        keeps_context: false,
        expect: Expect::Unchanged(lease.version),
        replaces: None,
    }
}

/// The active lease on an address, if it is the client's.
fn own_lease(
    exchange: &Exchange<'_>,
    session: &mut Session4<'_>,
    address: Ipv4Addr,
) -> Result<Result<Lease4View, DropReason>, Parked> {
    let client: ClientKey<'_> = exchange.query.client_key(true);
    let Some(lease) = session.get(client, address)? else {
        explain!(session.explanation(), Topic::Lease, "{address}\tnot leased");
        return Ok(Err(DropReason::NoSuchLease));
    };
    let Lease4View { owner, state, cltt, valid_lifetime, .. } = lease;
    let leased = LeaseText { owner, state, cltt, valid_lifetime, now_s: session.now().wall_s };
    explain!(session.explanation(), Topic::Lease, "{address}\t{leased}");
    Ok(match lease.state {
        _ if lease.owner != Ownership::Mine => Err(DropReason::NotTheOwner),
        LeaseState::Default => Ok(lease),
        _ => Err(DropReason::AlreadyEnded),
    })
}

fn inform(exchange: &Exchange<'_>) -> Outcome {
    Outcome::Reply(Answer {
        message_type: MessageType::Ack,
        yiaddr: Ipv4Addr::UNSPECIFIED,
        at: exchange.selected,
        lifetime: None,
        position: 0,
        before: None,
        refusal: None,
        is_in_conflict: false,
    })
}

/// The address that is reserved for the client, if another client has it.
#[must_use]
pub fn conflict(exchange: &Exchange<'_>, outcome: &Outcome) -> Option<Ipv4Addr> {
    let is_in_conflict = match outcome {
        Outcome::Reply(answer) => {
            answer.is_in_conflict
                || answer.refusal == Some(NakReason::Refused(Refusal4::ReservedInUse))
        }
        Outcome::Drop(reason) => *reason == DropReason::ReservedInUse,
        Outcome::Done(_) => false,
    };
    exchange.reserved.filter(|_| is_in_conflict)
}

fn nak(exchange: &Exchange<'_>, reason: NakReason) -> Outcome {
    Outcome::Reply(Answer {
        message_type: MessageType::Nak,
        yiaddr: Ipv4Addr::UNSPECIFIED,
        at: exchange.selected,
        lifetime: None,
        position: 0,
        before: None,
        refusal: Some(reason),
        is_in_conflict: false,
    })
}

fn given(address: Ipv4Addr) -> Option<Ipv4Addr> {
    (!address.is_unspecified()).then_some(address)
}
