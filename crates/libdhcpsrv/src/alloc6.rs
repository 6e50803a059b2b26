//! The DHCPv6 allocation engine: which addresses and prefixes an identity association is offered or granted.
//!
//! It decides about one association (IA_NA or IA_PD) of a message at a time; messages, status codes and options
//! belong to the server. It asks the store through a [`Session6`], so the same code serves memory and databases.
//!
//! An association keeps what it has as long as that lies in a pool of the subnet; what does not is withdrawn, and so is
//! a former lease that overlaps what somebody else has got meanwhile. One that has nothing gets one address or prefix:
//! the one it asks for, the one it was offered a moment ago, or the next free one. What is reserved for the client comes
//! before all of that: an association gets one thing that is reserved, in or outside the pools, and gives up what it has
//! else; what is reserved for others is withdrawn and never given.
//! Prefixes of the length that the client asks for are preferred (RFC 8168), then larger ones, then smaller.
//! Two requests that race for one address are decided by the store: the loser sees a conflict and decides again.
//! Kea: `AllocEngine::allocateLeases6`, `renewLeases6`; RFC 8415 section 18.3.

mod reserved;

use std::net::Ipv6Addr;

use util::Now;

use self::reserved::{
    Reserved6, grant_reserved, is_reserved_for_others, offer_reserved, withdrawal,
};
use crate::config::{Aged, Allocator, remaining};
use crate::config6::{Pool6, Subnet6};
use crate::free::PoolIndex;
use crate::hosts::{Host6, Identifier};
use crate::lease::{CommitError, Expect, LeaseState, LeaseType, Ownership, SubnetId};
use crate::lease6::{Change6, ClientKey6, HardwareSource6, Lease6View};
use crate::session::{Parked, Session6};

/// How often a decision is made anew after a conflict before the association is given up.
const CONFLICTS_MAX: usize = 8;
/// Proposals of one pool that are passed over because other associations of the message have them.
const PICKS_MAX: usize = 64;
/// Of these, those that are made by chance where the allocator works so.
const RANDOM_PICKS_MAX: usize = 8;
/// Leases of one association that are looked at; further ones run out by themselves.
pub const LEASES_MAX: u32 = 16;

/// What a client would like to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint6 {
    /// The address or prefix; `::` when only the length matters.
    pub address: Ipv6Addr,
    /// 128 for an address; 0 when any prefix length will do.
    pub prefix_len: u8,
}

/// An association that asks for an address or a prefix, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Query6<'a> {
    /// Whose leases count as its own: type, DUID and IAID.
    pub client: ClientKey6<'a>,
    /// The selected subnet.
    pub subnet: &'a Subnet6,
    /// The subnet's pools of the lease type.
    pub pools: &'a [Pool6],
    /// Number of the first of `pools` in the set of all pools.
    pub first_pool: u32,
    /// What the client asks for.
    pub hint: Option<Hint6>,
    /// What was offered to this association a moment ago: offered again if it is still free.
    pub recent_offer: Option<Ipv6Addr>,
    /// How long the client gets a lease.
    pub times: Times6,
    /// The same when prefixes run short (`adaptive-lease-time-threshold`).
    pub min_times: Times6,
    /// Host name to keep with the lease.
    pub hostname: &'a [u8],
    /// Hardware address to keep with the lease.
    pub hardware: HardwareSource6<'a>,
    /// What relays say of it, as a user context to keep with the lease; empty for nothing.
    pub extended_info: &'a [u8],
    /// The client's host, if there is a reservation for it.
    pub host: Option<Host6<'a>>,
    /// What the client is known by among hosts.
    pub identifiers: &'a [Identifier<'a>],
}

/// Lifetimes of a lease in seconds; [`crate::lease::INFINITE`] never ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times6 {
    /// For so long it is preferred.
    pub preferred: u32,
    /// For so long it is valid.
    pub valid: u32,
}

/// An address or a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource6 {
    /// The address, or the first one of the prefix.
    pub address: Ipv6Addr,
    /// 128 for an address.
    pub prefix_len: u8,
}

impl Resource6 {
    /// First and last address as numbers.
    fn ends(self) -> (u128, u128) {
        let within = u128::MAX.checked_shr(self.prefix_len.into()).unwrap_or(0);
        (u128::from(self.address) & !within, u128::from(self.address) | within)
    }
}

/// A resource of an association, and how it stands after a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound6 {
    /// It was given to the association now.
    New(Resource6),
    /// The same, because it is reserved for the client.
    Reserved(Resource6),
    /// The association had it and keeps it.
    Kept(Resource6),
    /// The same, and its lease is young enough to stay as it is.
    Cached(Resource6),
    /// The association had it and has lost it.
    Withdrawn(Resource6, Withdrawal6),
}

/// Why an association loses what it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawal6 {
    /// No pool of the subnet has it.
    OutsidePools,
    /// The association got what is reserved for the client instead.
    Replaced,
    /// It is reserved for another client.
    Reserved,
    /// It had ended, and somebody else has got some of it meanwhile.
    Taken,
}

/// Result of a request for one association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted6 {
    /// The association has at least one lease from now on.
    Bound {
        /// Journal position that makes all of it durable.
        position: u64,
    },
    /// Nothing is free.
    Exhausted {
        /// Journal position of withdrawals; 0 when there were none.
        position: u64,
    },
    /// A lease could not be stored: no answer may be sent.
    NotStored(CommitError),
}

/// Hears what an association gets and loses; told again from the start when a decision is made anew.
pub trait Sink6 {
    /// Forgets what was told of this association.
    fn reset(&mut self);
    /// Takes one resource, and how long the association has it.
    fn take(&mut self, bound: Bound6, times: Times6);
    /// Whether a resource is promised to another association of the same message.
    fn is_given(&self, resource: Resource6) -> bool;
}

impl<'a> Query6<'a> {
    fn subnet_id(&self) -> SubnetId {
        SubnetId(self.subnet.id)
    }

    /// The pool that has a resource as one of its units, and its place among the pools.
    #[must_use]
    pub fn pool_of(&self, resource: Resource6) -> Option<(usize, &'a Pool6)> {
        let host_bits = u128::MAX.checked_shr(resource.prefix_len.into()).unwrap_or(0);
        let is_unit = |pool: &Pool6| {
            pool.unit_len == resource.prefix_len
                && pool.contains(resource.address)
                && u128::from(resource.address) & host_bits == 0
        };
        let mut pools = self.pools.iter().enumerate();
        pools.find(|(_, pool)| is_unit(pool))
    }

    fn pool_index(&self, nth: usize) -> PoolIndex {
        PoolIndex(self.first_pool + nth as u32)
    }

    /// What is reserved for the client and can be given to an association of this type in this subnet.
    fn reserved(&self) -> impl Iterator<Item = Resource6> {
        let is_prefix = self.client.lease_type == LeaseType::Pd;
        let rules = self.subnet.reservations;
        self.host.iter().flat_map(move |host| {
            let own = host.resources.iter().filter(move |own| own.is_prefix == is_prefix);
            let own = own.map(|own| Resource6 { address: own.address, prefix_len: own.prefix_len });
            own.filter(move |&own| {
                rules.reserves(host.subnet, self.touches_pool(own))
                    && (is_prefix || self.subnet.contains(own.address))
            })
        })
    }

    fn is_reserved_for_client(&self, resource: Resource6) -> bool {
        self.host.is_some() && self.reserved().any(|reserved| reserved == resource)
    }

    /// Whether a resource, or a part of it, lies in a pool of the subnet.
    fn touches_pool(&self, resource: Resource6) -> bool {
        let (first, last) = resource.ends();
        self.pools.iter().any(|pool| pool.first <= last && pool.end() >= first)
    }

    /// Length of a prefix that is asked for.
    fn wanted_len(&self) -> Option<u8> {
        let is_prefix = self.client.lease_type == LeaseType::Pd;
        self.hint.map(|hint| hint.prefix_len).filter(|&len| is_prefix && len != 0 && len != 128)
    }

    /// The resource that the client names, if a pool of the subnet has it.
    fn named(&self) -> Option<Resource6> {
        let hint = self.hint.filter(|hint| !hint.address.is_unspecified())?;
        let named = Resource6 { address: hint.address, prefix_len: hint.prefix_len };
        self.pool_of(named).map(|_| named)
    }

    /// The resource that was offered to the client, if a pool still has it.
    fn recent(&self) -> Option<Resource6> {
        let address = self.recent_offer?;
        let unit = |pool: &Pool6| Resource6 { address, prefix_len: pool.unit_len };
        let mut units = self.pools.iter().map(unit);
        units.find(|unit| self.pool_of(*unit).is_some())
    }

    /// How a free resource of its type is chosen.
    fn allocator(&self) -> Allocator {
        let rules = &self.subnet.lease_rules;
        if self.client.lease_type == LeaseType::Pd { rules.pd_allocator } else { rules.allocator }
    }

    /// The pools in the order in which they are tried: those of the length that the client wants, larger ones, smaller
    /// ones; of each from the pool number `first` on.
    fn pools_in_order(&self, first: usize) -> impl Iterator<Item = (usize, &'a Pool6)> + use<'a> {
        let wanted = self.wanted_len();
        let pools = self.pools;
        let fits = move |round: u8, pool: &Pool6| match (wanted, round) {
            (None, 0) => true,
            (None, _) => false,
            (Some(wanted), 0) => pool.unit_len == wanted,
            (Some(wanted), 1) => pool.unit_len < wanted,
            (Some(wanted), _) => pool.unit_len > wanted,
        };
        (0..3_u8).flat_map(move |round| {
            let all = pools.iter().enumerate().cycle().skip(first).take(pools.len());
            all.filter(move |(_, pool)| fits(round, pool))
        })
    }
}

/// Chooses what to offer to an association; nothing is stored. Tells `sink` of it and returns whether there was
/// anything.
///
/// # Errors
/// [`Parked`] when the store answers later.
pub fn offer(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    sink: &mut dyn Sink6,
) -> Result<bool, Parked> {
    sink.reset();
    if offer_reserved(session, query, sink)? {
        return Ok(true);
    }
    let hint = query.named().or(query.recent());
    let mut at_hint = None;
    let mut kept = false;
    for nth in 0..LEASES_MAX {
        let wish = hint.filter(|_| nth == 0).map(|hint| hint.address);
        let (found, at_wish) = session.look_for(query.client, query.subnet_id(), nth, wish)?;
        if nth == 0 {
            at_hint = at_wish;
        }
        let Some(own) = found.own else { break };
        let resource = resource_of(&own);
        let is_kept = query.pool_of(resource).is_some() && !is_lost(session, &own);
        if is_kept && !sink.is_given(resource) && !is_reserved_for_others(session, query, resource)?
        {
            let times = times(session, query, resource, Some(&own));
            sink.take(Bound6::Kept(resource), times);
            kept = true;
        }
        if !found.more {
            break;
        }
    }
    if kept {
        return Ok(true);
    }
    let now = session.now();
    if let Some(hint) = hint
        && is_free(session, hint, at_hint.as_ref(), now)
        && !sink.is_given(hint)
        && !is_reserved_for_others(session, query, hint)?
    {
        sink.take(Bound6::New(hint), times(session, query, hint, None));
        return Ok(true);
    }
    // A wish that cannot be granted must not hide what was offered before.
    if let Some(recent) = query.recent().filter(|&recent| hint != Some(recent)) {
        let wish = Some(recent.address);
        let (_, there) = session.find(query.client, query.subnet_id(), wish)?;
        if is_free(session, recent, there.as_ref(), now)
            && !sink.is_given(recent)
            && !is_reserved_for_others(session, query, recent)?
        {
            sink.take(Bound6::New(recent), times(session, query, recent, None));
            return Ok(true);
        }
    }
    match pick(session, query, sink)? {
        Some(free) => sink.take(Bound6::New(free), times(session, query, free, None)),
        None => return Ok(false),
    }
    Ok(true)
}

/// Renews what an association has, withdraws what it cannot keep, and gives it something if nothing is left.
///
/// # Errors
/// [`Parked`] when the store answers later.
pub fn grant(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    sink: &mut dyn Sink6,
) -> Result<Granted6, Parked> {
    // The answer waits for what any of the tries has stored.
    let mut position = 0;
    for _ in 0..CONFLICTS_MAX {
        sink.reset();
        match grant_once(session, query, sink, &mut position)? {
            Granted6::NotStored(CommitError::Conflict) => {}
            granted => return Ok(granted),
        }
    }
    Ok(Granted6::NotStored(CommitError::Conflict))
}

fn grant_once(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    sink: &mut dyn Sink6,
    position: &mut u64,
) -> Result<Granted6, Parked> {
    let named = query.named();
    let wish = named.map(|named| named.address);
    let (mut found, at_named) = session.look_for(query.client, query.subnet_id(), 0, wish)?;
    let reserved = grant_reserved(session, query, sink, &mut found)?;
    let (given, has_reserved) = match reserved {
        Reserved6::Held => (None, true),
        Reserved6::Given(resource, at) => {
            *position = (*position).max(at);
            (Some(resource), true)
        }
        Reserved6::None => (None, false),
        Reserved6::NotStored(error) => return Ok(Granted6::NotStored(error)),
    };
    let mut kept = u32::from(given.is_some());
    // Withdrawn leases leave the order, so those behind them move up.
    let mut nth = 0;
    for turn in 0..LEASES_MAX {
        if turn > 0 {
            found = session.find_nth(query.client, query.subnet_id(), nth)?;
        }
        let Some(own) = found.own else { break };
        let resource = resource_of(&own);
        let step = if given == Some(resource) {
            nth += 1;
            None
        } else if let Some(why) = withdrawal(session, query, &own, has_reserved)? {
            let expect = Expect::Unchanged(own.version);
            let deleted = session.delete(own.address, expect)?;
            let (bound, times) = (Bound6::Withdrawn(resource, why), Times6::default());
            Some(deleted.map(|stored| Step6 { position: stored.position, bound, times }))
        } else {
            nth += 1;
            Some(renew(session, query, resource, &own)?)
        };
        match step.transpose() {
            Ok(None) => {}
            Ok(Some(Step6 { position: at, bound, times })) => {
                *position = (*position).max(at);
                kept += u32::from(!matches!(bound, Bound6::Withdrawn(..)));
                sink.take(bound, times);
            }
            Err(error) => return Ok(Granted6::NotStored(error)),
        }
        if !found.more {
            break;
        }
    }
    if kept > 0 {
        return Ok(Granted6::Bound { position: *position });
    }
    grant_new(session, query, sink, (named, at_named), *position)
}

/// Gives something to an association that has nothing: what it names and what is there, or the next free resource.
/// `position` is that of what was taken away from it.
fn grant_new(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    sink: &mut dyn Sink6,
    (named, at_named): (Option<Resource6>, Option<Lease6View>),
    position: u64,
) -> Result<Granted6, Parked> {
    let now = session.now();
    let chosen = match named {
        Some(named)
            if is_free(session, named, at_named.as_ref(), now)
                && !is_reserved_for_others(session, query, named)? =>
        {
            Some((named, at_named))
        }
        _ => None,
    };
    let (resource, there) = match chosen {
        Some(chosen) => chosen,
        None => {
            let Some(free) = pick(session, query, sink)? else {
                return Ok(Granted6::Exhausted { position });
            };
            let wish = Some(free.address);
            let (_, there) = session.find(query.client, query.subnet_id(), wish)?;
            if !there.is_none_or(|there| is_available(&there, now)) {
                // Somebody else was quicker.
                return Ok(Granted6::NotStored(CommitError::Conflict));
            }
            (free, there)
        }
    };
    let times = times(session, query, resource, None);
    let change = change_of(query, resource, times, there.as_ref());
    Ok(match session.commit(change)? {
        Ok(stored) => {
            sink.take(Bound6::New(resource), times);
            Granted6::Bound { position: position.max(stored.position) }
        }
        Err(error) => Granted6::NotStored(error),
    })
}

/// What became of one lease of an association, and the journal position that makes it durable.
struct Step6 {
    position: u64,
    bound: Bound6,
    times: Times6,
}

/// Renews a lease of the association, or leaves it as it is if it is young; returns the journal position that makes it
/// durable.
fn renew(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    resource: Resource6,
    own: &Lease6View,
) -> Result<Result<Step6, CommitError>, Parked> {
    let times = times(session, query, resource, Some(own));
    let change = change_of(query, resource, times, Some(own));
    if let Some((times, position)) = cached(session, query, own, change)? {
        return Ok(Ok(Step6 { position, bound: Bound6::Cached(resource), times }));
    }
    let stored = session.commit(change)?;
    let bound = Bound6::Kept(resource);
    Ok(stored.map(|stored| Step6 { position: stored.position, bound, times }))
}

/// What is left of a lease that stays as it is because it is young and `change` would alter nothing but the time; and the
/// journal position that makes it durable.
fn cached(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    own: &Lease6View,
    change: Change6<'_>,
) -> Result<Option<(Times6, u64)>, Parked> {
    let times = Times6 { preferred: change.preferred_lifetime, valid: change.valid_lifetime };
    if times != (Times6 { preferred: own.preferred_lifetime, valid: own.valid_lifetime }) {
        return Ok(None);
    }
    let cache = query.subnet.lease_rules.cache;
    let Some(age) = cache.age(aged(own), times.valid, session.now().wall_s) else {
        return Ok(None);
    };
    let left =
        Times6 { preferred: remaining(times.preferred, age), valid: remaining(times.valid, age) };
    if left.preferred == 0 && times.preferred > 0 {
        return Ok(None);
    }
    Ok(session.same(change)?.map(|position| (left, position)))
}

/// How long the association gets a resource, which may be its own already: where prefixes run short for the shortest
/// time, but not for less than what is left.
fn times(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    resource: Resource6,
    own: Option<&Lease6View>,
) -> Times6 {
    let is_prefix = query.client.lease_type == LeaseType::Pd;
    let threshold = query.subnet.lease_rules.crowded_from(query.allocator());
    let threshold = threshold.filter(|_| is_prefix && query.pool_of(resource).is_some());
    let Some(threshold) = threshold else { return query.times };
    let fitting = query.pools.iter().enumerate();
    let fitting = fitting.filter(|(_, pool)| pool.unit_len <= resource.prefix_len);
    let sizes =
        fitting.map(|(nth, pool)| (query.pool_index(nth), pool.last_index().saturating_add(1)));
    if !session.is_crowded(sizes, resource.ends(), threshold) {
        return query.times;
    }
    let now_s = session.now().wall_s;
    let valid_left = own.map_or(0, |own| aged(own).remaining(now_s));
    let of_preferred =
        |own: &Lease6View| Aged { valid_lifetime: own.preferred_lifetime, ..aged(own) };
    let preferred_left = match valid_left {
        0 => 0,
        _ => own.map_or(0, |own| of_preferred(own).remaining(now_s)),
    };
    let valid = query.min_times.valid.max(valid_left);
    let preferred = query.min_times.preferred.max(preferred_left);
    Times6 { preferred: preferred.min(valid), valid }
}

fn aged(lease: &Lease6View) -> Aged {
    let Lease6View { state, cltt, valid_lifetime, .. } = *lease;
    Aged { state, cltt, valid_lifetime }
}

fn change_of<'a>(
    query: &Query6<'a>,
    resource: Resource6,
    times: Times6,
    there: Option<&Lease6View>,
) -> Change6<'a> {
    let pool = query.pool_of(resource);
    Change6 {
        address: resource.address,
        prefix_len: resource.prefix_len,
        subnet_id: query.subnet_id(),
        pool_id: pool.map_or(0, |(_, pool)| pool.id),
        pool: pool.map(|(nth, _)| query.pool_index(nth)),
        client: query.client,
        hw: query.hardware,
        preferred_lifetime: times.preferred,
        valid_lifetime: times.valid,
        state: LeaseState::Default,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: query.hostname,
        user_context: query.extended_info,
        keeps_context: true,
        expect: Expect::from(there),
        replaces: None,
    }
}

fn resource_of(lease: &Lease6View) -> Resource6 {
    Resource6 { address: lease.address, prefix_len: lease.prefix_len }
}

/// Whether a resource of the subnet's pools can be given to an association that does not hold it in this subnet.
fn is_free(
    session: &mut Session6<'_>,
    resource: Resource6,
    there: Option<&Lease6View>,
    now: Now,
) -> bool {
    let may_have = |there: &Lease6View| {
        let own = there.owner == Ownership::Mine && there.state == LeaseState::Default;
        own || is_available(there, now)
    };
    // Where no lease begins, or one that is over, a larger or smaller prefix may lie.
    let mut is_unmarked = || !is_held(session, resource);
    match there {
        None => is_unmarked(),
        // The marks are its own.
        Some(there) if there.is_held && there.prefix_len == resource.prefix_len => may_have(there),
        Some(there) => may_have(there) && is_unmarked(),
    }
}

/// Whether a former lease of the association is, in part, somebody else's by now.
fn is_lost(session: &mut Session6<'_>, own: &Lease6View) -> bool {
    !own.is_held && is_held(session, resource_of(own))
}

/// Whether some of a resource cannot be picked from the pools.
fn is_held(session: &mut Session6<'_>, resource: Resource6) -> bool {
    let within = u128::MAX.checked_shr(resource.prefix_len.into()).unwrap_or(0);
    let address = u128::from(resource.address);
    session.is_range_held(address & !within, address | within)
}

fn is_available(lease: &Lease6View, now: Now) -> bool {
    lease.is_available(now.wall_s)
}

/// A free resource of the subnet's pools that is not reserved. Of pools that suit equally those behind the first one
/// that chance names come first, where chance is at work.
fn pick(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    sink: &dyn Sink6,
) -> Result<Option<Resource6>, Parked> {
    let (count, allocator) = (query.pools.len(), query.allocator());
    let first_pool = match allocator {
        Allocator::Random | Allocator::FreeLeaseQueue if count > 1 => session.first_of(count),
        _ => 0,
    };
    for (nth, pool) in query.pools_in_order(first_pool) {
        let mut first = None;
        for turn in 0..PICKS_MAX {
            let is_random = allocator == Allocator::Random && turn < RANDOM_PICKS_MAX;
            let Some(address) = session.pick(query.pool_index(nth), is_random) else { break };
            if first == Some(address) {
                // Once round: all that is free is promised.
                break;
            }
            first = first.or(Some(address).filter(|_| !is_random));
            let resource = Resource6 { address, prefix_len: pool.unit_len };
            // What is promised to the other associations of the message may come first. The pools know what the
            // configuration reserves, but not what other sources of hosts do.
            if !sink.is_given(resource) && !is_reserved_for_others(session, query, resource)? {
                return Ok(Some(resource));
            }
        }
    }
    Ok(None)
}
