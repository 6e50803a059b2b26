//! The DHCPv4 allocation engine: which address a client is offered or granted.
//!
//! It decides about addresses and leases only; messages, options and NAK rules belong to the server. It asks the
//! store through a [`Session`], so the same code serves memory and databases.
//!
//! Order for an offer: the client's own lease, the address it asks for, a free address. A grant follows the
//! requested address strictly and refuses what it cannot give. Two requests that race for one address are decided
//! by the store: the loser sees a conflict and decides again on what is there then.
//! Kea: `AllocEngine::discoverLease4`, `requestLease4`; RFC 2131 section 4.3.

use std::net::Ipv4Addr;

use crate::config4::{Pool4, Subnet4};
use crate::free::PoolIndex;
use crate::lease4::{
    Change4, ClientKey, CommitError, Expect, Lease4View, LeaseState, Ownership, SubnetId,
};
use crate::session::{Parked, Session};
use util::Now;

/// How often a decision is made anew after a conflict before the query is given up.
const CONFLICTS_MAX: usize = 8;

/// A client that asks for an address, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Query4<'a> {
    /// Whose leases count as its own.
    pub client: ClientKey<'a>,
    /// The selected subnet.
    pub subnet: &'a Subnet4,
    /// The subnet's pools.
    pub pools: &'a [Pool4],
    /// Address that the client asks for.
    pub requested: Option<Ipv4Addr>,
    /// An address that was offered to this client a moment ago: offered again if it is still free.
    pub recent_offer: Option<Ipv4Addr>,
    /// Lease time in seconds.
    pub valid_lifetime: u32,
    /// Host name to keep with the lease.
    pub hostname: &'a [u8],
}

impl Query4<'_> {
    /// Which of the subnet's pools an address lies in.
    fn pool_of(&self, address: Ipv4Addr) -> Option<usize> {
        self.pools.iter().position(|pool| pool.contains(address))
    }

    fn subnet_id(&self) -> SubnetId {
        SubnetId(self.subnet.id)
    }
}

/// Result of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted4 {
    /// The lease is the client's from now on.
    Lease {
        /// Its address.
        address: Ipv4Addr,
        /// Journal position that makes it durable.
        position: u64,
        /// What the client had before.
        before: Before4,
    },
    /// The client must not use the address that it asked for.
    Refused(Refusal4),
    /// No address is free.
    Exhausted,
    /// The lease could not be stored: no answer may be sent.
    NotStored(CommitError),
}

/// What a client had before it was granted a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before4 {
    /// No lease: this one is new.
    Nothing,
    /// The same lease, which is renewed.
    Same,
    /// A lease on another address of the subnet, which has ended now.
    Moved(Ipv4Addr),
}

/// Why an address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal4 {
    /// Another client holds an active lease on it.
    InUse,
    /// It lies in no pool of the subnet.
    OutsidePools,
}

impl std::fmt::Display for Refusal4 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::InUse => "the requested address is leased to another client",
            Self::OutsidePools => "the requested address is in no pool of the subnet",
        })
    }
}

/// Chooses an address to offer; nothing is stored.
///
/// # Errors
/// [`Parked`] when the store answers later.
pub fn offer(session: &mut Session<'_>, query: &Query4<'_>) -> Result<Option<Ipv4Addr>, Parked> {
    let now = session.now();
    let hint = query.requested.or(query.recent_offer).filter(|&a| query.pool_of(a).is_some());
    let (own, at_hint) = session.find(query.client, query.subnet_id(), hint)?;
    if let Some(own) = own.filter(|own| query.pool_of(own.address).is_some()) {
        return Ok(Some(own.address));
    }
    if let Some(hint) = hint.filter(|_| is_available(at_hint.as_ref(), now)) {
        return Ok(Some(hint));
    }
    // A wish that cannot be granted must not hide the address that was offered before.
    let recent = query.recent_offer.filter(|&a| hint != Some(a) && query.pool_of(a).is_some());
    if let Some(recent) = recent {
        let (_, at_recent) = session.find(query.client, query.subnet_id(), Some(recent))?;
        if is_available(at_recent.as_ref(), now) {
            return Ok(Some(recent));
        }
    }
    Ok(pick(session, query))
}

/// Grants the requested address, or any free one when the client names none.
///
/// # Errors
/// [`Parked`] when the store answers later.
pub fn grant(session: &mut Session<'_>, query: &Query4<'_>) -> Result<Granted4, Parked> {
    for _ in 0..CONFLICTS_MAX {
        match grant_once(session, query)? {
            Granted4::NotStored(CommitError::Conflict) => {}
            granted => return Ok(granted),
        }
    }
    Ok(Granted4::NotStored(CommitError::Conflict))
}

fn grant_once(session: &mut Session<'_>, query: &Query4<'_>) -> Result<Granted4, Parked> {
    let now = session.now();
    let (own, at_requested) = session.find(query.client, query.subnet_id(), query.requested)?;
    let address = match (query.requested, own) {
        (Some(requested), _) => requested,
        (None, Some(own)) if query.pool_of(own.address).is_some() => own.address,
        (None, _) => match pick(session, query) {
            Some(free) => free,
            None => return Ok(Granted4::Exhausted),
        },
    };
    let there = match query.requested {
        Some(_) => at_requested,
        None if own.is_some_and(|own| own.address == address) => own,
        None => session.find(query.client, query.subnet_id(), Some(address))?.1,
    };
    let renewed = there.filter(|there| is_own(there, query));
    if renewed.is_none() && !is_available(there.as_ref(), now) {
        return Ok(Granted4::Refused(Refusal4::InUse));
    }
    let Some(pool) = query.pool_of(address) else {
        return Ok(Granted4::Refused(Refusal4::OutsidePools));
    };
    let old = own.map(|own| own.address).filter(|&old| old != address);
    let change = Change4 {
        address,
        client: query.client,
        subnet_id: query.subnet_id(),
        pool_id: query.pools[pool].id,
        pool: Some(PoolIndex(query.subnet.pools.start + pool as u32)),
        valid_lifetime: query.valid_lifetime,
        state: LeaseState::Default,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: query.hostname,
        user_context: &[],
        expect: Expect::from(there.as_ref()),
        replaces: old,
    };
    Ok(match session.commit(change)? {
        Ok(stored) => Granted4::Lease {
            address,
            position: stored.position,
            before: match (old, renewed) {
                (Some(old), _) => Before4::Moved(old),
                (None, Some(_)) => Before4::Same,
                (None, None) => Before4::Nothing,
            },
        },
        Err(error) => Granted4::NotStored(error),
    })
}

/// Whether a lease is the client's own in this subnet.
fn is_own(lease: &Lease4View, query: &Query4<'_>) -> bool {
    lease.owner == Ownership::Mine
        && lease.subnet_id == query.subnet_id()
        && lease.state != LeaseState::Declined
}

/// Whether an address can be given to a client that does not hold it in this subnet.
fn is_available(lease: Option<&Lease4View>, now: Now) -> bool {
    lease.is_none_or(|lease| {
        let own = lease.owner == Ownership::Mine && lease.state == LeaseState::Default;
        own || lease.is_available(now.wall_s)
    })
}

/// The next free address of the subnet's pools, in the order of the file.
fn pick(session: &mut Session<'_>, query: &Query4<'_>) -> Option<Ipv4Addr> {
    query.subnet.pools.clone().find_map(|pool| session.pick(PoolIndex(pool), false))
}
