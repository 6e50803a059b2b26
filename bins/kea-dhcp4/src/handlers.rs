//! What is done with each kind of message: DISCOVER, REQUEST in its four states, DECLINE, RELEASE, INFORM.
//!
//! Handlers decide and ask the lease store through the session; they have no other effect, because they are run
//! again when the store answers late. What they decide is an [`Outcome`], which the server counts, logs and turns
//! into a reply. Rules: RFC 2131 section 4.3, ordered as in Kea.

use std::net::Ipv4Addr;

use libdhcp::v4::MessageType;
use libdhcpsrv::alloc4::{self, Before4, Granted4, Query4, Refusal4};
use libdhcpsrv::config4::{Config4, Subnet4, SubnetIndex};
use libdhcpsrv::hosts::{Host4, Identifier};
use libdhcpsrv::lease4::{
    Change4, ClientKey, CommitError, Expect, Lease4View, LeaseState, Ownership, SubnetId,
};
use libdhcpsrv::session::{Parked, Session4};

use kea_log::Message;

use crate::messages;
use crate::query::Query;

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
    /// A defect of this server: processing panicked.
    Internal,
}

impl NakReason {
    /// Kea's own message for the case.
    #[must_use]
    pub fn message(&self) -> &'static Message {
        match self {
            Self::NoSubnet => &messages::DHCP4_PACKET_NAK_0001,
            Self::WrongAddress | Self::UnknownClient => &messages::DHCP4_PACKET_NAK_0002,
            Self::Refused(_) | Self::Exhausted => &messages::DHCP4_PACKET_NAK_0004,
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
    /// The selected subnet.
    pub subnet: Option<SubnetIndex>,
    /// Address offered to this client a moment ago.
    pub recent_offer: Option<Ipv4Addr>,
    /// Host name to keep with a lease.
    pub hostname: &'a [u8],
    /// The client's host, if there is a reservation for it.
    pub host: Option<Host4<'a>>,
    /// What the client is known by among hosts.
    pub identifiers: &'a [Identifier<'a>],
}

impl<'a> Exchange<'a> {
    fn allocation(&self, subnet: &'a Subnet4, requested: Option<Ipv4Addr>) -> Query4<'a> {
        Query4 {
            client: self.query.client_key(subnet.match_client_id),
            subnet,
            pools: self.config.pools_of(subnet),
            requested,
            recent_offer: self.recent_offer,
            valid_lifetime: subnet.timers.lifetime(self.query.lease_time),
            hostname: self.hostname,
            host: self.host,
            identifiers: self.identifiers,
        }
    }
}

impl Exchange<'_> {
    /// `pool-id` of the pool that an address lies in.
    fn pool_id(&self, address: Ipv4Addr) -> u32 {
        let pools = self
            .config
            .by_address
            .find(address)
            .map(|index| self.config.pools_of(self.config.subnet(index)));
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
        MessageType::Inform => Ok(inform()),
        _ => Ok(Outcome::Drop(DropReason::UnsupportedMessageType)),
    }
}

fn discover(exchange: &Exchange<'_>, session: &mut Session4<'_>) -> Result<Outcome, Parked> {
    let query = exchange.query;
    if query.server_identifier.is_some() {
        return Ok(Outcome::Drop(DropReason::UnexpectedServerId));
    }
    let Some(index) = exchange.subnet else { return Ok(Outcome::Drop(DropReason::NoSubnet)) };
    let subnet = exchange.config.subnet(index);
    if !query.has_identity(subnet.match_client_id) {
        return Ok(Outcome::Drop(DropReason::NoIdentity));
    }
    let hint = query.requested_address.or(given(query.ciaddr));
    let allocation = exchange.allocation(subnet, hint);
    let offered = alloc4::offer(session, &allocation)?;
    Ok(match offered.address {
        Some(address) => Outcome::Reply(Answer {
            message_type: MessageType::Offer,
            yiaddr: address,
            lifetime: Some(allocation.valid_lifetime),
            position: 0,
            before: None,
            refusal: None,
            is_in_conflict: offered.conflict.is_some(),
        }),
        None if offered.conflict.is_some() => Outcome::Drop(DropReason::ReservedInUse),
        None => Outcome::Drop(DropReason::Exhausted),
    })
}

fn request(exchange: &Exchange<'_>, session: &mut Session4<'_>) -> Result<Outcome, Parked> {
    let query = exchange.query;
    let Some(index) = exchange.subnet else { return Ok(nak(NakReason::NoSubnet)) };
    let subnet = exchange.config.subnet(index);
    if !query.has_identity(subnet.match_client_id) {
        return Ok(Outcome::Drop(DropReason::NoIdentity));
    }
    let is_for_us = query.server_identifier.is_some();
    let key = query.client_key(subnet.match_client_id);
    if !is_for_us && query.requested_address.is_some() {
        let (own, _) = session.find(key, SubnetId(subnet.id), None)?;
        match own {
            None if subnet.authoritative => return Ok(nak(NakReason::UnknownClient)),
            None => return Ok(Outcome::Drop(DropReason::UnknownClient)),
            Some(own) if Some(own.address) != query.requested_address => {
                return Ok(nak(NakReason::WrongAddress));
            }
            Some(_) => {}
        }
    }
    let requested = query.requested_address.or(given(query.ciaddr));
    let allocation = exchange.allocation(subnet, requested);
    let granted = alloc4::grant(session, &allocation)?;
    // Perhaps another server with other pools has given it: only a server that is told to be the authority denies it.
    let is_of_another = granted == Granted4::Refused(Refusal4::OutsidePools)
        && !is_for_us
        && !subnet.authoritative
        && session.find(key, SubnetId(subnet.id), None)?.0.map(|own| own.address) != requested;
    if is_of_another {
        return Ok(Outcome::Drop(DropReason::UnknownClient));
    }
    Ok(match granted {
        Granted4::Lease { address, position, before } => Outcome::Reply(Answer {
            message_type: MessageType::Ack,
            yiaddr: address,
            lifetime: Some(allocation.valid_lifetime),
            position,
            before: Some(before),
            refusal: None,
            is_in_conflict: false,
        }),
        Granted4::Refused(refusal) => nak(NakReason::Refused(refusal)),
        Granted4::Exhausted => nak(NakReason::Exhausted),
        Granted4::NotStored(error) => Outcome::Drop(DropReason::NotStored(error)),
    })
}

fn release(exchange: &Exchange<'_>, session: &mut Session4<'_>) -> Result<Outcome, Parked> {
    let address = exchange.query.ciaddr;
    let lease = match own_lease(exchange, session, address)? {
        Ok(lease) => lease,
        Err(reason) => return Ok(Outcome::Drop(reason)),
    };
    Ok(match session.delete(address, Expect::Unchanged(lease.version))? {
        Ok(_) => Outcome::Done(Change::Released(address)),
        Err(error) => Outcome::Drop(DropReason::NotStored(error)),
    })
}

fn decline(exchange: &Exchange<'_>, session: &mut Session4<'_>) -> Result<Outcome, Parked> {
    let Some(address) = exchange.query.requested_address else {
        return Ok(Outcome::Drop(DropReason::NoDeclinedAddress));
    };
    let lease = match own_lease(exchange, session, address)? {
        Ok(lease) => lease,
        Err(reason) => return Ok(Outcome::Drop(reason)),
    };
    // The address belongs to nobody while it is kept back: neither client nor name stay with it.
    let change = Change4 {
        address,
        subnet_id: lease.subnet_id,
        pool_id: exchange.pool_id(address),
        pool: None,
        client: ClientKey::default(),
        valid_lifetime: exchange.config.decline_probation_period,
        state: LeaseState::Declined,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: &[],
        user_context: &[],
        expect: Expect::Unchanged(lease.version),
        replaces: None,
    };
    Ok(match session.commit(change)? {
        Ok(_) => Outcome::Done(Change::Declined(address)),
        Err(error) => Outcome::Drop(DropReason::NotStored(error)),
    })
}

/// The active lease on an address, if it is the client's.
fn own_lease(
    exchange: &Exchange<'_>,
    session: &mut Session4<'_>,
    address: Ipv4Addr,
) -> Result<Result<Lease4View, DropReason>, Parked> {
    let client: ClientKey<'_> = exchange.query.client_key(true);
    let Some(lease) = session.get(client, address)? else {
        return Ok(Err(DropReason::NoSuchLease));
    };
    Ok(match lease.state {
        _ if lease.owner != Ownership::Mine => Err(DropReason::NotTheOwner),
        LeaseState::Default => Ok(lease),
        _ => Err(DropReason::AlreadyEnded),
    })
}

fn inform() -> Outcome {
    Outcome::Reply(Answer {
        message_type: MessageType::Ack,
        yiaddr: Ipv4Addr::UNSPECIFIED,
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
    let host = exchange.host.filter(|_| is_in_conflict)?;
    host.resources.first().map(|resource| resource.address)
}

fn nak(reason: NakReason) -> Outcome {
    Outcome::Reply(Answer {
        message_type: MessageType::Nak,
        yiaddr: Ipv4Addr::UNSPECIFIED,
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
