//! The DHCPv4 allocation engine: which address a client is offered or granted.
//!
//! It decides about addresses and leases only; messages, options and NAK rules belong to the server. It asks the
//! store through a [`Session4`], so the same code serves memory and databases.
//!
//! Order for an offer: the address that is reserved for the client, its own lease, the address it asks for, a free
//! address. A grant follows the requested address strictly and refuses what it cannot give. An address that is reserved
//! for others is neither offered nor granted, not even to who has the lease of it; a client whose reserved address is
//! free must move there, and one whose reserved address somebody else has gets another one meanwhile. Two requests that
//! race for one address are decided by the store: the loser sees a conflict and decides again on what is there then.
//!
//! A client of a shared network may get any of this in any of its subnets that serve the client, its candidates, and
//! each rule is applied to all of them before the next one is. Pools that do not serve the client are not there for it,
//! but for what is reserved: a lease in one of them is given up when the client asks for it.
//! Kea: `AllocEngine::discoverLease4`, `requestLease4`; RFC 2131 section 4.3.

mod notes;
mod site;
#[cfg(test)]
mod tests;

pub use site::{Candidate4, Query4};

use std::net::Ipv4Addr;

use crate::config::{Aged, Allocator, remaining};
use crate::explain;
use crate::explain::Topic;
use crate::hosts::Holder;
use crate::lease4::{Change4, CommitError, Expect, INFINITE, Lease4View, LeaseState, Ownership};
use crate::names::NameBuffer;
use crate::session::{Parked, Session4};
use util::Now;

use self::notes::{Leased, explain_pools, explain_times};
use self::site::{Site, lifetimes};

/// How often a decision is made anew after a conflict before the query is given up.
const CONFLICTS_MAX: usize = 8;
/// Proposals of one pool that are passed over because they are reserved.
const PICKS_MAX: usize = 64;
/// Of these, those that are made by chance where the allocator works so.
const RANDOM_PICKS_MAX: usize = 8;
/// Proposals of one pool that turn out to be leased by another server before chance is to find what is not.
const TAKEN_MAX: usize = 4;

/// Result of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted4 {
    /// The lease is the client's from now on.
    Lease {
        /// Its address.
        address: Ipv4Addr,
        /// The subnet that it is of.
        at: Candidate4,
        /// Seconds that it is the client's.
        valid_lifetime: u32,
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
    /// The same lease, which is young enough to stay as it is.
    Cached,
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
    /// It lies in a pool that does not serve the client.
    NotServed,
    /// It is reserved for another client.
    Reserved,
    /// It is reserved for this client, but another one holds an active lease on it.
    ReservedInUse,
    /// Another address is reserved for the client, and it is free.
    ReservedElsewhere,
}

impl std::fmt::Display for Refusal4 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::InUse => "the requested address is leased to another client",
            Self::OutsidePools => "the requested address is in no pool of the subnet",
            Self::NotServed => "the requested address is in a pool that does not serve the client",
            Self::Reserved => "the requested address is reserved for another client",
            Self::ReservedInUse => {
                "the address reserved for the client is leased to another client"
            }
            Self::ReservedElsewhere => "another address is reserved for the client",
        })
    }
}

/// What can be offered to a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offered4 {
    /// The address, and the subnet that it is of; none when none is free.
    pub address: Option<(Ipv4Addr, Candidate4)>,
    /// The address that is reserved for the client, when it cannot have it now.
    pub conflict: Option<Ipv4Addr>,
    /// Lease time in seconds.
    pub valid_lifetime: u32,
    /// Journal position that makes the offer durable; 0 when it is not stored.
    pub position: u64,
    /// Whether the lease time is what is left of a lease that is young enough to stay as it is.
    pub is_cached: bool,
}

/// An address that can be offered, before it is settled for how long.
#[derive(Clone, Copy, Debug, Default)]
struct Proposal<'a> {
    address: Option<(Site<'a>, Ipv4Addr)>,
    conflict: Option<Ipv4Addr>,
    /// What is there, if the client has it already.
    own: Option<Lease4View>,
}

/// Chooses an address to offer. It is stored only where `offer-lifetime` says so.
///
/// # Errors
/// [`Parked`] when the store answers later.
pub fn offer(
    session: &mut Session4<'_>,
    query: &Query4<'_>,
) -> Result<Result<Offered4, CommitError>, Parked> {
    for _ in 0..CONFLICTS_MAX {
        match offer_once(session, query)? {
            Err(CommitError::Conflict) => {}
            offered => return Ok(offered),
        }
    }
    Ok(Err(CommitError::Conflict))
}

fn offer_once(
    session: &mut Session4<'_>,
    query: &Query4<'_>,
) -> Result<Result<Offered4, CommitError>, Parked> {
    let Proposal { address, conflict, own } = propose(session, query)?;
    let nothing = Offered4 { conflict, ..Offered4::default() };
    let Some((site, address)) = address else { return Ok(Ok(nothing)) };
    let valid_lifetime = lifetime(session, query, &site, address, own.as_ref());
    let offered = Offered4 { address: Some((address, site.candidate)), valid_lifetime, ..nothing };
    let of_subnet = site.subnet.lease_rules.offer_lifetime;
    let seconds = query.class_offer_lifetime.unwrap_or(of_subnet);
    let now_s = session.now().wall_s;
    let outlasts = |own: &Lease4View| aged(own).remaining(now_s) > seconds;
    let mut name = NameBuffer::new();
    if seconds > 0 && !own.as_ref().is_some_and(outlasts) {
        let (_, there) = session.find(site.client(), site.subnet_id(), Some(address))?;
        // Its own may have been over, and another client's by now.
        let is_own = there.is_some_and(|there| site.is_own(&there));
        if !is_own && !is_available(there.as_ref(), session.now()) {
            return Ok(Err(CommitError::Conflict));
        }
        site.candidate.name(query.config, query.hosts, query.hostname, address, &mut name);
        let change = change_of(&site, &name, address, there.as_ref());
        let stored = session.commit(Change4 { valid_lifetime: seconds, ..change })?;
        return Ok(stored.map(|stored| Offered4 { position: stored.position, ..offered }));
    }
    let Some(own) = &own else { return Ok(Ok(offered)) };
    let Some(left) = left_of_young(session.now(), &site, own, valid_lifetime) else {
        return Ok(Ok(offered));
    };
    site.candidate.name(query.config, query.hosts, query.hostname, address, &mut name);
    let change = Change4 { valid_lifetime, ..change_of(&site, &name, address, Some(own)) };
    Ok(session.same(change)?.map(|position| match position {
        Some(_) => Offered4 { valid_lifetime: left, is_cached: true, ..offered },
        None => offered,
    }))
}

/// Chooses an address to offer.
fn propose<'a>(session: &mut Session4<'_>, query: &'a Query4<'a>) -> Result<Proposal<'a>, Parked> {
    let (now, say) = (session.now(), session.explanation());
    let Some(first) = query.site(0) else {
        explain!(say, Topic::Lease, "no subnet serves the client");
        return Ok(Proposal::default());
    };
    let mut conflict = None;
    let mut own_known = None;
    if let Some(reserved) = query.reserved {
        let (own, there) = session.find(first.client(), first.subnet_id(), Some(reserved))?;
        let is_mine = there.is_some_and(|there| first.is_own(&there));
        let leased = Leased(there.as_ref(), now);
        if is_mine || is_available(there.as_ref(), now) {
            explain!(say, Topic::Lease, "reserved\t{reserved}\ttaken: {leased}");
            let own = there.filter(|_| is_mine);
            return Ok(Proposal { address: Some((first, reserved)), conflict: None, own });
        }
        explain!(say, Topic::Lease, "reserved\t{reserved}\tnot now: {leased}");
        conflict = Some(reserved);
        own_known = Some(own);
    }
    let found = |site, address, own| Ok(Proposal { address: Some((site, address)), conflict, own });
    let place = |address: Ipv4Addr| Some((query.site_of(address)?, address));
    let hint = query.requested.or(query.recent_offer).and_then(place);
    let kind = if query.requested.is_some() { "requested" } else { "offered before" };
    if let (Some(wish), None) = (query.requested.or(query.recent_offer), hint) {
        explain!(say, Topic::Lease, "{kind}\t{wish}\tin no pool that serves the client");
    }
    if hint.is_none() {
        pick_ahead(session, &first);
    }
    let mut at_hint = None;
    for site in query.sites_from(hint.map_or(0, |(site, _)| site.nth)) {
        let wish = hint.filter(|(of, _)| of.nth == site.nth).map(|(_, address)| address);
        let own = match (own_known, wish) {
            (Some(own), None) if site.nth == first.nth => own,
            _ => {
                let (own, there) = session.find(site.client(), site.subnet_id(), wish)?;
                at_hint = at_hint.or(there);
                own
            }
        };
        match &own {
            None => explain!(say, Topic::Lease, "own lease\t-\tnone in subnet {}", site.subnet),
            Some(own) if !site.permits(own.address) => {
                let address = own.address;
                explain!(
                    say,
                    Topic::Lease,
                    "own lease\t{address}\tin no pool that serves the client"
                );
            }
            Some(_) => {}
        }
        if let Some(own) = own.filter(|own| site.permits(own.address))
            && !is_reserved_for_others(session, query, &site, own.address)?
        {
            let (address, leased) = (own.address, Leased(Some(&own), now));
            explain!(say, Topic::Lease, "own lease\t{address}\ttaken: {leased}");
            return found(site, own.address, Some(own));
        }
    }
    if let Some((_, wish)) = hint.filter(|_| !is_available(at_hint.as_ref(), now)) {
        let leased = Leased(at_hint.as_ref(), now);
        explain!(say, Topic::Lease, "{kind}\t{wish}\t{leased}");
    }
    if let Some((site, hint)) = hint.filter(|_| is_available(at_hint.as_ref(), now))
        && !is_reserved_for_others(session, query, &site, hint)?
    {
        let leased = Leased(at_hint.as_ref(), now);
        explain!(say, Topic::Lease, "{kind}\t{hint}\ttaken: {leased}");
        return found(site, hint, None);
    }
    // A wish that cannot be granted must not hide the address that was offered before.
    let hint = hint.map(|(_, address)| address);
    let recent = query.recent_offer.filter(|&recent| hint != Some(recent)).and_then(place);
    if let Some((site, recent)) = recent {
        let (_, at_recent) = session.find(site.client(), site.subnet_id(), Some(recent))?;
        let leased = Leased(at_recent.as_ref(), now);
        if !is_available(at_recent.as_ref(), now) {
            explain!(say, Topic::Lease, "offered before\t{recent}\t{leased}");
        } else if !is_reserved_for_others(session, query, &site, recent)? {
            explain!(say, Topic::Lease, "offered before\t{recent}\ttaken: {leased}");
            return found(site, recent, None);
        }
    }
    let picked = pick(session, query)?.map(|picked| (picked.site, picked.address));
    Ok(Proposal { address: picked, conflict, own: None })
}

/// Grants the requested address, or any free one when the client names none.
///
/// # Errors
/// [`Parked`] when the store answers later.
pub fn grant(session: &mut Session4<'_>, query: &Query4<'_>) -> Result<Granted4, Parked> {
    grant_known(session, query, None)
}

/// The same for a client of which it is known, from this exchange, that it has a lease on the requested address.
///
/// # Errors
/// [`Parked`] when the store answers later.
pub fn grant_known(
    session: &mut Session4<'_>,
    query: &Query4<'_>,
    mut known: Option<Lease4View>,
) -> Result<Granted4, Parked> {
    for _ in 0..CONFLICTS_MAX {
        match grant_once(session, query, known.take())? {
            Granted4::NotStored(CommitError::Conflict) => {}
            granted => return Ok(granted),
        }
    }
    Ok(Granted4::NotStored(CommitError::Conflict))
}

fn grant_once(
    session: &mut Session4<'_>,
    query: &Query4<'_>,
    known: Option<Lease4View>,
) -> Result<Granted4, Parked> {
    let (now, say) = (session.now(), session.explanation());
    let Some(first) = query.site(0) else {
        explain!(say, Topic::Lease, "no subnet serves the client");
        return Ok(Granted4::Exhausted);
    };
    let reserved = query.reserved;
    let asked = query.requested.or(reserved);
    // A lone candidate decides about whatever is asked for.
    let has_choice = asked != reserved && query.candidates.len() > 1;
    let home = asked.filter(|_| has_choice).and_then(|asked| home_of(query, asked));
    let home = home.unwrap_or(first);
    if asked.is_none() {
        pick_ahead(session, &first);
    }
    let known = known.filter(|own| {
        Some(own.address) == asked
            && own.subnet_id == home.subnet_id()
            && own.owner == Ownership::Mine
    });
    let (own, at_asked) = match known {
        Some(own) => (Some((home, own)), known),
        None => find_own(session, query, home.nth, asked)?,
    };
    let kept = own.filter(|(site, own)| asked.is_none() && site.permits(own.address));
    let may_keep = match kept {
        Some((site, own)) => !is_reserved_for_others(session, query, &site, own.address)?,
        None => false,
    };
    let (site, address, looked) = match (asked, kept) {
        (Some(asked), _) => (home, asked, Some(at_asked)),
        (None, Some((site, own))) if may_keep => (site, own.address, Some(Some(own))),
        (None, _) => match pick(session, query)? {
            Some(Picked { site, address, looked }) => (site, address, looked),
            None => return Ok(Granted4::Exhausted),
        },
    };
    let own = own.map(|(_, own)| own);
    match &own {
        Some(own) => {
            let (address, leased) = (own.address, Leased(Some(own), now));
            explain!(say, Topic::Lease, "own lease\t{address}\t{leased}");
        }
        None => explain!(say, Topic::Lease, "own lease\t-\tnone"),
    }
    if let Some(reserved) = reserved {
        explain!(say, Topic::Lease, "reserved\t{reserved}\tfor this client");
    }
    let there = match looked {
        Some(there) => there,
        None => session.find(site.client(), site.subnet_id(), Some(address))?.1,
    };
    let refusal = match asked {
        Some(asked) if reserved != Some(asked) => {
            refusal_of_reservations(session, query, &site, asked)?
        }
        _ => None,
    };
    let kind = if query.requested.is_some() { "requested" } else { "chosen" };
    if let Some(refusal) = refusal {
        explain!(say, Topic::Lease, "{kind}\t{address}\trefused: {refusal}");
        return Ok(Granted4::Refused(refusal));
    }
    let renewed = there.filter(|there| site.is_own(there));
    if renewed.is_none() && !is_available(there.as_ref(), now) {
        let is_reserved = reserved == Some(address);
        let refusal = if is_reserved { Refusal4::ReservedInUse } else { Refusal4::InUse };
        let leased = Leased(there.as_ref(), now);
        explain!(say, Topic::Lease, "{kind}\t{address}\trefused: {leased}");
        return Ok(Granted4::Refused(refusal));
    }
    if !site.permits(address) && reserved != Some(address) {
        let is_in_pool = site.pool_of(address).is_some();
        let refusal = if is_in_pool { Refusal4::NotServed } else { Refusal4::OutsidePools };
        explain!(say, Topic::Lease, "{kind}\t{address}\trefused: {refusal}");
        return Ok(Granted4::Refused(refusal));
    }
    explain!(say, Topic::Lease, "{kind}\t{address}\tgiven: {}", Leased(there.as_ref(), now));
    let old = own.map(|own| own.address).filter(|&old| old != address);
    if let Some(old) = old {
        explain!(say, Topic::Lease, "given up\t{old}\tthe lease on it ends");
    }
    let valid_lifetime = lifetime(session, query, &site, address, renewed.as_ref());
    let mut name = NameBuffer::new();
    site.candidate.name(query.config, query.hosts, query.hostname, address, &mut name);
    let change = change_of(&site, &name, address, there.as_ref());
    let change = Change4 { valid_lifetime, replaces: old, ..change };
    let granted = |valid_lifetime, position, before| Granted4::Lease {
        address,
        at: site.candidate,
        valid_lifetime,
        position,
        before,
    };
    if let (Some(own), None) = (&renewed, old)
        && let Some(left) = left_of_young(now, &site, own, valid_lifetime)
    {
        match session.same(change)? {
            Ok(Some(position)) => {
                let why = "the lease is young (cache-threshold)";
                explain!(say, Topic::Lease, "kept as it is\t{address}\t{why}");
                return Ok(granted(left, position, Before4::Cached));
            }
            Ok(None) => {}
            Err(error) => return Ok(Granted4::NotStored(error)),
        }
    }
    let before = match (old, renewed) {
        (Some(old), _) => Before4::Moved(old),
        (None, Some(_)) => Before4::Same,
        (None, None) => Before4::Nothing,
    };
    Ok(match session.commit(change)? {
        Ok(stored) => granted(valid_lifetime, stored.position, before),
        Err(error) => {
            explain!(say, Topic::Lease, "not stored\t{address}\t{error}");
            Granted4::NotStored(error)
        }
    })
}

/// The candidate that decides about an address that a client asks for.
fn home_of<'a>(query: &'a Query4<'a>, asked: Ipv4Addr) -> Option<Site<'a>> {
    let around = || query.sites_from(0).find(|site| site.subnet.contains(asked));
    query.site_of(asked).or_else(around)
}

/// A client's lease and the candidate that it is of, looked for from one candidate on.
type Own<'a> = Option<(Site<'a>, Lease4View)>;

/// Looks for a lease of the client, from one candidate on, and for the lease on an address of that candidate.
fn find_own<'a>(
    session: &mut Session4<'_>,
    query: &'a Query4<'a>,
    home: usize,
    asked: Option<Ipv4Addr>,
) -> Result<(Own<'a>, Option<Lease4View>), Parked> {
    let mut at_asked = None;
    for site in query.sites_from(home) {
        let asked = asked.filter(|_| site.nth == home);
        let (own, there) = session.find(site.client(), site.subnet_id(), asked)?;
        at_asked = at_asked.or(there);
        if let Some(own) = own {
            return Ok((Some((site, own)), at_asked));
        }
    }
    Ok((None, at_asked))
}

/// The lease that a client gets under a name; `there` is what its address has now.
fn change_of<'a>(
    site: &Site<'a>,
    hostname: &'a [u8],
    address: Ipv4Addr,
    there: Option<&Lease4View>,
) -> Change4<'a> {
    let pool = site.pool_of(address);
    Change4 {
        address,
        client: site.client(),
        subnet_id: site.subnet_id(),
        pool_id: pool.map_or(0, |(_, pool)| pool.id),
        pool: pool.map(|(index, _)| index),
        valid_lifetime: 0,
        state: LeaseState::Default,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname,
        user_context: site.context(),
        keeps_context: true,
        expect: Expect::from(there),
        replaces: None,
    }
}

/// The lease time for an address, which may be the client's own already: where addresses run short the shortest one, but
/// not less than what is left.
fn lifetime(
    session: &mut Session4<'_>,
    query: &Query4<'_>,
    site: &Site<'_>,
    address: Ipv4Addr,
    own: Option<&Lease4View>,
) -> u32 {
    let rules = &site.subnet.lease_rules;
    let (usual, shortest) = lifetimes(query, &site.subnet.timers);
    if let Some(explanation) = session.explanation() {
        explain_times(explanation, query, site);
    }
    let threshold = rules.crowded_from(rules.allocator).filter(|_| site.permits(address));
    let Some(threshold) = threshold else { return usual };
    let unit = (address.into(), address.into());
    let sizes = site.pools_from(0).map(|(index, pool)| {
        let size = u128::from(pool.last - pool.first) + 1;
        (index, size)
    });
    if !session.is_crowded(sizes, unit, threshold) {
        return usual;
    }
    explain!(
        session.explanation(),
        Topic::Lease,
        "lease time\t-\taddresses run short (adaptive-lease-time-threshold): the shortest one"
    );
    let now_s = session.now().wall_s;
    shortest.max(own.map_or(0, |own| aged(own).remaining(now_s)))
}

/// What is left, in seconds, of a lease that may stay as it is because it is young, provided that renewing it would alter
/// nothing but the time. An infinite lease is always young.
#[inline]
fn left_of_young(now: Now, site: &Site<'_>, own: &Lease4View, lifetime: u32) -> Option<u32> {
    if lifetime != own.valid_lifetime {
        return None;
    }
    let age = match lifetime {
        INFINITE if own.state == LeaseState::Default => 0,
        _ => site.subnet.lease_rules.cache.age(aged(own), lifetime, now.wall_s)?,
    };
    Some(remaining(lifetime, age))
}

fn aged(lease: &Lease4View) -> Aged {
    let Lease4View { state, cltt, valid_lifetime, .. } = *lease;
    Aged { state, cltt, valid_lifetime }
}

/// Whether an address can be given to a client that does not hold it in this subnet.
fn is_available(lease: Option<&Lease4View>, now: Now) -> bool {
    lease.is_none_or(|lease| {
        let own = lease.owner == Ownership::Mine && lease.state == LeaseState::Default;
        own || lease.is_available(now.wall_s)
    })
}

/// Why a client cannot have an address that it asks for and that is not reserved for it, because of what is reserved.
fn refusal_of_reservations(
    session: &mut Session4<'_>,
    query: &Query4<'_>,
    site: &Site<'_>,
    asked: Ipv4Addr,
) -> Result<Option<Refusal4>, Parked> {
    if is_reserved_for_others(session, query, site, asked)? {
        return Ok(Some(Refusal4::Reserved));
    }
    let (Some(reserved), Some(first)) = (query.reserved, query.site(0)) else { return Ok(None) };
    let (_, there) = session.find(first.client(), first.subnet_id(), Some(reserved))?;
    let is_mine = there.is_some_and(|there| first.is_own(&there));
    let must_move = is_mine || is_available(there.as_ref(), session.now());
    Ok(must_move.then_some(Refusal4::ReservedElsewhere))
}

/// Whether an address is reserved, and not for this client.
fn is_reserved_for_others(
    session: &mut Session4<'_>,
    query: &Query4<'_>,
    site: &Site<'_>,
    address: Ipv4Addr,
) -> Result<bool, Parked> {
    if !session.has_hosts() {
        return Ok(false);
    }
    let pool = site.pool_of(address).map(|(index, _)| index);
    let rules = site.subnet.reservations;
    let mut places = rules.places(site.subnet_id());
    if rules.out_of_pool() && pool.is_some() {
        places.subnet = None;
    }
    let resource = (address, Ipv4Addr::BITS as u8);
    let is_reserved = session.holder(places, resource, pool, query.identifiers)? == Holder::Other;
    if is_reserved {
        let say = session.explanation();
        explain!(say, Topic::Lease, "passed over\t{address}\treserved for another client");
    }
    Ok(is_reserved)
}

/// Picks an address of a subnet ahead, where what is picked must be looked up, as [`pick_in`] will pick.
fn pick_ahead(session: &mut Session4<'_>, site: &Site<'_>) {
    if !session.is_shared() {
        return;
    }
    let is_random = site.subnet.lease_rules.allocator == Allocator::Random;
    let first_pool = first_pool(session, site);
    let _ = site.pools_from(first_pool).any(|(pool, _)| session.pick_ahead(pool, is_random));
}

/// What is stored for an address, if that was looked at.
type Looked = Option<Option<Lease4View>>;

/// A free address.
struct Picked<'a> {
    site: Site<'a>,
    address: Ipv4Addr,
    looked: Looked,
}

/// A free address that is not reserved, of the first candidate that has one.
fn pick<'a>(
    session: &mut Session4<'_>,
    query: &'a Query4<'a>,
) -> Result<Option<Picked<'a>>, Parked> {
    for site in query.sites_from(0) {
        if let Some((address, looked)) = pick_in(session, query, &site)? {
            return Ok(Some(Picked { site, address, looked }));
        }
    }
    Ok(None)
}

/// Where the search for a free address begins: with the first pool of the file, or where chance is at work any one.
fn first_pool(session: &mut Session4<'_>, site: &Site<'_>) -> usize {
    let count = site.pool_count();
    match site.subnet.lease_rules.allocator {
        Allocator::Random | Allocator::FreeLeaseQueue if count > 1 => session.first_of(count),
        _ => 0,
    }
}

/// A free address of a subnet's pools that is not reserved, and what is stored for it if that was looked at. The pools are
/// tried in their order, from the one on from which something was picked ahead.
fn pick_in(
    session: &mut Session4<'_>,
    query: &Query4<'_>,
    site: &Site<'_>,
) -> Result<Option<(Ipv4Addr, Looked)>, Parked> {
    let (allocator, say) = (site.subnet.lease_rules.allocator, session.explanation());
    if let Some(explanation) = say {
        explain_pools(explanation, query, site);
    }
    let ahead = session.ahead().and_then(|ahead| site.nth_of(ahead));
    let first_pool = match ahead {
        Some(ahead) => ahead,
        None => first_pool(session, site),
    };
    for (pool, range) in site.pools_from(first_pool) {
        let (mut first, mut taken) = (None, 0);
        for turn in 0..PICKS_MAX {
            let is_random = allocator == Allocator::Random && turn < RANDOM_PICKS_MAX;
            let is_random = is_random || taken > TAKEN_MAX;
            if taken > 0 && session.is_spent() {
                return Ok(None);
            }
            let Some(free) = session.pick(pool, is_random) else {
                session.note_exhausted();
                break;
            };
            if first == Some(free) {
                // Once round: all that is free is reserved.
                break;
            }
            first = first.or(Some(free).filter(|_| !is_random));
            let mut looked = None;
            if session.is_shared() {
                let there = session.get(site.client(), free)?;
                if !is_available(there.as_ref(), session.now()) {
                    explain!(say, Topic::Lease, "free\t{free}\tleased by another server");
                    taken += 1;
                    continue;
                }
                looked = Some(there);
            }
            // The pools know what the configuration reserves, but not what other sources of hosts do.
            if !is_reserved_for_others(session, query, site, free)? {
                explain!(say, Topic::Lease, "free\t{free}\ttaken: from pool {range}");
                return Ok(Some((free, looked)));
            }
        }
        explain!(say, Topic::Lease, "free\t-\tnone in pool {range}");
    }
    Ok(None)
}
