//! The DHCPv4 allocation engine: which address a client is offered or granted.
//!
//! It decides about addresses and leases only; messages, options and NAK rules belong to the server. It asks the
//! store through a [`Session4`], so the same code serves memory and databases.
//!
//! Order for an offer: the address that is reserved for the client, its own lease, the address it asks for, a free
//! address. A grant follows the requested address strictly and refuses what it cannot give. An address that is reserved
//! for others is neither offered nor granted, not even to who has the lease of it; a client whose reserved address is
//! free must move there, and one whose reserved address somebody else has gets another one meanwhile. Two requests that race for one address are decided
//! by the store: the loser sees a conflict and decides again on what is there then.
//! Kea: `AllocEngine::discoverLease4`, `requestLease4`; RFC 2131 section 4.3.

use std::net::Ipv4Addr;

use crate::config::{Aged, Allocator, remaining};
use crate::config4::{Pool4, Subnet4};
use crate::free::PoolIndex;
use crate::hosts::{Holder, Host4, Identifier};
use crate::lease4::{
    Change4, ClientKey, CommitError, Expect, INFINITE, Lease4View, LeaseState, Ownership, SubnetId,
};
use crate::names::NameBuffer;
use crate::session::{Parked, Session4};
use util::Now;

/// How often a decision is made anew after a conflict before the query is given up.
const CONFLICTS_MAX: usize = 8;
/// Proposals of one pool that are passed over because they are reserved.
const PICKS_MAX: usize = 64;
/// Of these, those that are made by chance where the allocator works so.
const RANDOM_PICKS_MAX: usize = 8;

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
    /// Lease time when addresses run short (`adaptive-lease-time-threshold`).
    pub min_lifetime: u32,
    /// Host name to keep with the lease, unless it is made from the address.
    pub hostname: &'a [u8],
    /// Whether it is made from the address.
    pub is_name_generated: bool,
    /// What relays say of it, as a user context to keep with the lease; empty for nothing.
    pub extended_info: &'a [u8],
    /// The client's host, if there is a reservation for it.
    pub host: Option<Host4<'a>>,
    /// What the client is known by among hosts.
    pub identifiers: &'a [Identifier<'a>],
}

impl Query4<'_> {
    /// Which of the subnet's pools an address lies in.
    fn pool_of(&self, address: Ipv4Addr) -> Option<usize> {
        self.pools.iter().position(|pool| pool.contains(address))
    }

    fn pool_index(&self, nth: usize) -> PoolIndex {
        PoolIndex(self.subnet.pools.start + nth as u32)
    }

    fn subnet_id(&self) -> SubnetId {
        SubnetId(self.subnet.id)
    }

    /// The host name to keep with a lease of an address.
    fn hostname<'b>(&'b self, address: Ipv4Addr, room: &'b mut NameBuffer) -> &'b [u8] {
        if !self.is_name_generated {
            return self.hostname;
        }
        self.subnet.lease_rules.names.generate(address, room);
        room
    }

    /// The units of the subnet's pools.
    fn pool_sizes(&self) -> impl Iterator<Item = (PoolIndex, u128)> {
        let sizes = self.pools.iter().map(|pool| u128::from(pool.last - pool.first) + 1);
        sizes.enumerate().map(|(nth, size)| (self.pool_index(nth), size))
    }

    /// The address that is reserved for the client, if it can be given in this subnet.
    fn reserved(&self) -> Option<Ipv4Addr> {
        let host = self.host?;
        let address = host.resources.first()?.address;
        let counts = || {
            let in_pool = self.pool_of(address).is_some();
            self.subnet.reservations.reserves(host.subnet, in_pool)
        };
        (self.subnet.contains(address) && counts()).then_some(address)
    }
}

/// Result of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted4 {
    /// The lease is the client's from now on.
    Lease {
        /// Its address.
        address: Ipv4Addr,
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
    /// The address; none when none is free.
    pub address: Option<Ipv4Addr>,
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
struct Proposal {
    address: Option<Ipv4Addr>,
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
    let Some(address) = address else { return Ok(Ok(nothing)) };
    let valid_lifetime = lifetime(session, query, address, own.as_ref());
    let offered = Offered4 { address: Some(address), valid_lifetime, ..nothing };
    let mut room = NameBuffer::new();
    let hostname = query.hostname(address, &mut room);
    let seconds = query.subnet.lease_rules.offer_lifetime;
    let now_s = session.now().wall_s;
    let outlasts = |own: &Lease4View| aged(own).remaining(now_s) > seconds;
    if seconds > 0 && !own.as_ref().is_some_and(outlasts) {
        let (_, there) = session.find(query.client, query.subnet_id(), Some(address))?;
        if own.is_none() && !is_available(there.as_ref(), session.now()) {
            return Ok(Err(CommitError::Conflict));
        }
        let change = change_of(query, address, there.as_ref(), hostname);
        let stored = session.commit(Change4 { valid_lifetime: seconds, ..change })?;
        return Ok(stored.map(|stored| Offered4 { position: stored.position, ..offered }));
    }
    let Some(own) = &own else { return Ok(Ok(offered)) };
    let change = Change4 { valid_lifetime, ..change_of(query, address, Some(own), hostname) };
    Ok(Ok(match cached(session, query, own, change)? {
        Some((valid_lifetime, _)) => Offered4 { valid_lifetime, is_cached: true, ..offered },
        None => offered,
    }))
}

/// Chooses an address to offer.
fn propose(session: &mut Session4<'_>, query: &Query4<'_>) -> Result<Proposal, Parked> {
    let now = session.now();
    let mut conflict = None;
    let mut own_known = None;
    if let Some(reserved) = query.reserved() {
        let (own, there) = session.find(query.client, query.subnet_id(), Some(reserved))?;
        let is_mine = there.is_some_and(|there| is_own(&there, query));
        if is_mine || is_available(there.as_ref(), now) {
            let own = there.filter(|_| is_mine);
            return Ok(Proposal { address: Some(reserved), conflict: None, own });
        }
        conflict = Some(reserved);
        own_known = Some(own);
    }
    let hint = query.requested.or(query.recent_offer).filter(|&a| query.pool_of(a).is_some());
    let (own, at_hint) = match (own_known, hint) {
        (Some(own), None) => (own, None),
        _ => session.find(query.client, query.subnet_id(), hint)?,
    };
    let found = |address, own| Ok(Proposal { address: Some(address), conflict, own });
    if let Some(own) = own.filter(|own| query.pool_of(own.address).is_some())
        && !is_reserved_for_others(session, query, own.address)?
    {
        return found(own.address, Some(own));
    }
    if let Some(hint) = hint.filter(|_| is_available(at_hint.as_ref(), now))
        && !is_reserved_for_others(session, query, hint)?
    {
        return found(hint, None);
    }
    // A wish that cannot be granted must not hide the address that was offered before.
    let recent = query.recent_offer.filter(|&a| hint != Some(a) && query.pool_of(a).is_some());
    if let Some(recent) = recent {
        let (_, at_recent) = session.find(query.client, query.subnet_id(), Some(recent))?;
        if is_available(at_recent.as_ref(), now) && !is_reserved_for_others(session, query, recent)?
        {
            return found(recent, None);
        }
    }
    Ok(Proposal { address: pick(session, query)?, conflict, own: None })
}

/// Grants the requested address, or any free one when the client names none.
///
/// # Errors
/// [`Parked`] when the store answers later.
pub fn grant(session: &mut Session4<'_>, query: &Query4<'_>) -> Result<Granted4, Parked> {
    for _ in 0..CONFLICTS_MAX {
        match grant_once(session, query)? {
            Granted4::NotStored(CommitError::Conflict) => {}
            granted => return Ok(granted),
        }
    }
    Ok(Granted4::NotStored(CommitError::Conflict))
}

fn grant_once(session: &mut Session4<'_>, query: &Query4<'_>) -> Result<Granted4, Parked> {
    let now = session.now();
    let reserved = query.reserved();
    let asked = query.requested.or(reserved);
    let (own, at_asked) = session.find(query.client, query.subnet_id(), asked)?;
    let may_keep = match own.filter(|own| asked.is_none() && query.pool_of(own.address).is_some()) {
        Some(own) => !is_reserved_for_others(session, query, own.address)?,
        None => false,
    };
    let address = match (asked, own) {
        (Some(asked), _) => asked,
        (None, Some(own)) if may_keep => own.address,
        (None, _) => match pick(session, query)? {
            Some(free) => free,
            None => return Ok(Granted4::Exhausted),
        },
    };
    let there = match asked {
        Some(_) => at_asked,
        None if own.is_some_and(|own| own.address == address) => own,
        None => session.find(query.client, query.subnet_id(), Some(address))?.1,
    };
    let refusal = match reserved {
        Some(reserved) if reserved == address => None,
        _ => refusal_of_reservations(session, query, asked, reserved)?,
    };
    if let Some(refusal) = refusal {
        return Ok(Granted4::Refused(refusal));
    }
    let renewed = there.filter(|there| is_own(there, query));
    if renewed.is_none() && !is_available(there.as_ref(), now) {
        let is_reserved = reserved == Some(address);
        let refusal = if is_reserved { Refusal4::ReservedInUse } else { Refusal4::InUse };
        return Ok(Granted4::Refused(refusal));
    }
    let pool = query.pool_of(address);
    if pool.is_none() && reserved != Some(address) {
        return Ok(Granted4::Refused(Refusal4::OutsidePools));
    }
    let old = own.map(|own| own.address).filter(|&old| old != address);
    let valid_lifetime = lifetime(session, query, address, renewed.as_ref());
    let mut room = NameBuffer::new();
    let hostname = query.hostname(address, &mut room);
    let change = Change4 {
        valid_lifetime,
        replaces: old,
        ..change_of(query, address, there.as_ref(), hostname)
    };
    if let (Some(own), None) = (&renewed, old)
        && let Some((valid_lifetime, position)) = cached(session, query, own, change)?
    {
        let before = Before4::Cached;
        return Ok(Granted4::Lease { address, valid_lifetime, position, before });
    }
    Ok(match session.commit(change)? {
        Ok(stored) => Granted4::Lease {
            address,
            valid_lifetime,
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

/// The lease that a client gets; `there` is what its address has now.
fn change_of<'a>(
    query: &Query4<'a>,
    address: Ipv4Addr,
    there: Option<&Lease4View>,
    hostname: &'a [u8],
) -> Change4<'a> {
    let pool = query.pool_of(address);
    Change4 {
        address,
        client: query.client,
        subnet_id: query.subnet_id(),
        pool_id: pool.map_or(0, |pool| query.pools[pool].id),
        pool: pool.map(|pool| query.pool_index(pool)),
        valid_lifetime: query.valid_lifetime,
        state: LeaseState::Default,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname,
        user_context: query.extended_info,
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
    address: Ipv4Addr,
    own: Option<&Lease4View>,
) -> u32 {
    let rules = &query.subnet.lease_rules;
    let threshold =
        rules.crowded_from(rules.allocator).filter(|_| query.pool_of(address).is_some());
    let Some(threshold) = threshold else { return query.valid_lifetime };
    let unit = (address.into(), address.into());
    if !session.is_crowded(query.pool_sizes(), unit, threshold) {
        return query.valid_lifetime;
    }
    let now_s = session.now().wall_s;
    query.min_lifetime.max(own.map_or(0, |own| aged(own).remaining(now_s)))
}

/// What is left, in seconds, of a lease that stays as it is because it is young and `change` would alter nothing but
/// the time; and the journal position that makes it durable. An infinite lease is always young.
fn cached(
    session: &mut Session4<'_>,
    query: &Query4<'_>,
    own: &Lease4View,
    change: Change4<'_>,
) -> Result<Option<(u32, u64)>, Parked> {
    let (lease, lifetime) = (aged(own), change.valid_lifetime);
    let age = match lifetime {
        INFINITE if lease.state == LeaseState::Default => Some(0),
        _ => query.subnet.lease_rules.cache.age(lease, lifetime, session.now().wall_s),
    };
    let Some(age) = age.filter(|_| lifetime == lease.valid_lifetime) else { return Ok(None) };
    Ok(session.same(change)?.map(|position| (remaining(lifetime, age), position)))
}

fn aged(lease: &Lease4View) -> Aged {
    let Lease4View { state, cltt, valid_lifetime, .. } = *lease;
    Aged { state, cltt, valid_lifetime }
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

/// Why a client cannot have an address that it asks for, because of what is reserved.
fn refusal_of_reservations(
    session: &mut Session4<'_>,
    query: &Query4<'_>,
    asked: Option<Ipv4Addr>,
    reserved: Option<Ipv4Addr>,
) -> Result<Option<Refusal4>, Parked> {
    let Some(asked) = asked else { return Ok(None) };
    if is_reserved_for_others(session, query, asked)? {
        return Ok(Some(Refusal4::Reserved));
    }
    let Some(reserved) = reserved else { return Ok(None) };
    let (_, there) = session.find(query.client, query.subnet_id(), Some(reserved))?;
    let is_mine = there.is_some_and(|there| is_own(&there, query));
    let must_move = is_mine || is_available(there.as_ref(), session.now());
    Ok(must_move.then_some(Refusal4::ReservedElsewhere))
}

/// Whether an address is reserved, and not for this client.
fn is_reserved_for_others(
    session: &mut Session4<'_>,
    query: &Query4<'_>,
    address: Ipv4Addr,
) -> Result<bool, Parked> {
    if !session.has_hosts() {
        return Ok(false);
    }
    let pool = query.pool_of(address).map(|nth| query.pool_index(nth));
    let rules = query.subnet.reservations;
    let mut places = rules.places(query.subnet_id());
    if rules.out_of_pool() && pool.is_some() {
        places.subnet = None;
    }
    let resource = (address, Ipv4Addr::BITS as u8);
    Ok(session.holder(places, resource, pool, query.identifiers)? == Holder::Other)
}

/// A free address of the subnet's pools that is not reserved. The pools are tried in the order of the file, but where
/// chance is at work from any one on.
fn pick(session: &mut Session4<'_>, query: &Query4<'_>) -> Result<Option<Ipv4Addr>, Parked> {
    let (pools, allocator) = (query.subnet.pools.clone(), query.subnet.lease_rules.allocator);
    let count = pools.len();
    let first_pool = match allocator {
        Allocator::Random | Allocator::FreeLeaseQueue if count > 1 => session.first_of(count),
        _ => 0,
    };
    for pool in pools.cycle().skip(first_pool).take(count) {
        let mut first = None;
        for turn in 0..PICKS_MAX {
            let is_random = allocator == Allocator::Random && turn < RANDOM_PICKS_MAX;
            let Some(free) = session.pick(PoolIndex(pool), is_random) else { break };
            if first == Some(free) {
                // Once round: all that is free is reserved.
                break;
            }
            first = first.or(Some(free).filter(|_| !is_random));
            // The pools know what the configuration reserves, but not what other sources of hosts do.
            if !is_reserved_for_others(session, query, free)? {
                return Ok(Some(free));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use cc::{Diagnostics, Document, NoIncludes};
    use util::SplitMix;
    use util::journal::{JournalError, JournalQueue};

    use super::*;
    use crate::config4::Config4;
    use crate::free::{PoolRange, PoolSet4};
    use crate::lease4::{LeaseStore4, V4};
    use crate::session::{Answer4, Memo, Question4, Session, Store, Submitted};

    const TEXT: &str = r#"{ "Dhcp4": { "cache-threshold": 0, "subnet4": [ { "id": 7, "subnet": "192.0.2.0/24",
        "pools": [ { "pool": "192.0.2.10 - 192.0.2.11" }, { "pool": "192.0.2.20 - 192.0.2.21" } ] } ] } }"#;
    const ME: ClientKey<'static> = ClientKey { hw_type: 1, hw: &[1; 6], client_id: Some(b"me") };
    const RIVAL: ClientKey<'static> = ClientKey { hw_type: 1, hw: &[2; 6], client_id: None };

    /// A store in which a rival takes the address just before each of the first commits.
    struct Contested {
        inner: Arc<LeaseStore4>,
        rivals: AtomicUsize,
    }

    impl Store<V4> for Contested {
        fn submit(&self, question: &Question4<'_>, now: Now) -> Submitted<V4> {
            if let Question4::Commit(change) = question
                && change.client == ME
                && self.rivals.load(Ordering::Relaxed) > 0
            {
                self.rivals.fetch_sub(1, Ordering::Relaxed);
                let seen = self.inner.get(change.address, &RIVAL);
                let rival = Change4 {
                    client: RIVAL,
                    expect: seen.as_ref().into(),
                    replaces: None,
                    ..*change
                };
                self.inner.commit(&rival, now).expect("the rival is quick");
            }
            self.inner.submit(question, now)
        }
    }

    struct Setup {
        config: Config4,
        pools: Arc<PoolSet4>,
        queue: Arc<JournalQueue>,
        store: Contested,
        now: Now,
    }

    impl Setup {
        fn new(rivals: usize) -> Self {
            let mut diagnostics = Diagnostics::new();
            let document = Document::parse(TEXT, "test", &mut NoIncludes, &mut diagnostics);
            let config = crate::config4::read(&document.unwrap(), 1, &mut diagnostics).unwrap();
            let ranges = config.pools.iter().map(|pool| PoolRange {
                first: pool.first.into(),
                last: pool.last.into(),
                skips_edges: false,
            });
            let pools = Arc::new(PoolSet4::new(ranges));
            let queue = Arc::new(JournalQueue::new(1 << 16));
            let inner = Arc::new(LeaseStore4::new(1, Some(queue.clone())));
            inner.adopt_pools(&pools);
            let store = Contested { inner, rivals: rivals.into() };
            Self { config, pools, queue, store, now: Now::from_secs(1_800_000_000) }
        }

        fn query(&self, client: ClientKey<'static>, requested: Option<u8>) -> Query4<'_> {
            let subnet = &self.config.subnets[0];
            Query4 {
                client,
                subnet,
                pools: self.config.pools_of(subnet),
                requested: requested.map(address),
                recent_offer: None,
                valid_lifetime: 100,
                min_lifetime: 100,
                hostname: &[],
                is_name_generated: false,
                extended_info: &[],
                host: None,
                identifiers: &[],
            }
        }

        fn run<T>(&self, work: impl FnOnce(&mut Session4<'_>) -> Result<T, Parked>) -> T {
            let (mut entropy, mut memo) = (SplitMix::new(1), Memo::default());
            let mut session =
                Session::new(&self.store, &self.pools, &mut entropy, &mut memo, self.now);
            work(&mut session).expect("memory answers at once")
        }

        fn grant(&self, client: ClientKey<'static>, requested: Option<u8>) -> Granted4 {
            self.run(|session| grant(session, &self.query(client, requested)))
        }

        fn offer(&self, query: &Query4<'_>) -> Option<u8> {
            self.run(|session| offer(session, query))
                .unwrap()
                .address
                .map(|address| address.octets()[3])
        }
    }

    fn address(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(192, 0, 2, last)
    }

    fn granted(granted: Granted4) -> Option<(u8, Before4)> {
        match granted {
            Granted4::Lease { address, before, .. } => Some((address.octets()[3], before)),
            _ => None,
        }
    }

    #[test]
    fn loser_of_a_race_for_an_address_is_refused() {
        let setup = Setup::new(1);
        assert_eq!(setup.grant(ME, Some(10)), Granted4::Refused(Refusal4::InUse));
        assert_eq!(setup.store.inner.len(), 1);
    }

    #[test]
    fn loser_of_a_race_for_any_address_gets_another() {
        let setup = Setup::new(2);
        assert_eq!(granted(setup.grant(ME, None)), Some((20, Before4::Nothing)));
    }

    /// A store in which every change comes too late.
    struct Stubborn(AtomicUsize);

    impl Store<V4> for Stubborn {
        fn submit(&self, question: &Question4<'_>, _: Now) -> Submitted<V4> {
            Submitted::Ready(match question {
                Question4::Commit(_) => {
                    self.0.fetch_add(1, Ordering::Relaxed);
                    Answer4::Done(Err(CommitError::Conflict))
                }
                _ => Answer4::Found { own: None, more: false, requested: None },
            })
        }
    }

    #[test]
    fn endless_conflicts_end() {
        let (setup, store) = (Setup::new(0), Stubborn(AtomicUsize::new(0)));
        let (mut entropy, mut memo) = (SplitMix::new(1), Memo::default());
        let mut session = Session::new(&store, &setup.pools, &mut entropy, &mut memo, setup.now);
        let granted = grant(&mut session, &setup.query(ME, Some(10)));
        assert_eq!(granted, Ok(Granted4::NotStored(CommitError::Conflict)));
        assert_eq!(store.0.load(Ordering::Relaxed), CONFLICTS_MAX);
    }

    #[test]
    fn refused_row_changes_nothing() {
        let setup = Setup::new(0);
        setup.queue.stall();
        let stalled = CommitError::Journal(JournalError::Stalled);
        assert_eq!(setup.grant(ME, Some(10)), Granted4::NotStored(stalled));
        assert!(setup.store.inner.is_empty() && !setup.pools.is_held(address(10)));
    }

    #[test]
    fn grant_tells_what_was_before() {
        let setup = Setup::new(0);
        assert_eq!(granted(setup.grant(ME, Some(21))), Some((21, Before4::Nothing)));
        assert_eq!(granted(setup.grant(ME, None)), Some((21, Before4::Same)));
        assert_eq!(granted(setup.grant(ME, Some(11))), Some((11, Before4::Moved(address(21)))));
        assert_eq!(setup.grant(ME, Some(15)), Granted4::Refused(Refusal4::OutsidePools));
        assert_eq!(setup.store.inner.len(), 1);
    }

    #[test]
    fn offer_prefers_own_lease_then_wish_then_recent_offer_then_any() {
        let setup = Setup::new(0);
        let query = setup.query(ME, Some(21));
        let recent = Query4 { recent_offer: Some(address(20)), ..query };
        assert_eq!(setup.offer(&recent), Some(21));
        assert_eq!(setup.offer(&Query4 { requested: Some(address(99)), ..recent }), Some(20));
        setup.grant(RIVAL, Some(21));
        assert_eq!(setup.offer(&recent), Some(20), "the wish is taken");
        assert_eq!(setup.offer(&query), Some(10));
        setup.grant(ME, Some(11));
        assert_eq!(setup.offer(&recent), Some(11));
    }

    #[test]
    fn pools_are_used_up_in_the_order_of_the_file() {
        let setup = Setup::new(0);
        let clients: [ClientKey<'static>; 5] = [&[1; 6], &[2; 6], &[3; 6], &[4; 6], &[5; 6]]
            .map(|hw| ClientKey { hw_type: 1, hw, client_id: None });
        let got = clients.map(|client| granted(setup.grant(client, None)).map(|(last, _)| last));
        assert_eq!(got, [Some(10), Some(11), Some(20), Some(21), None]);
    }
}
