//! The DHCPv6 allocation engine: which addresses and prefixes an identity association is offered or granted.
//!
//! It decides about one association (IA_NA or IA_PD) of a message at a time; messages, status codes and options
//! belong to the server. It asks the store through a [`Session6`], so the same code serves memory and databases.
//!
//! An association keeps what it has as long as that lies in a pool that serves the client; what does not is withdrawn, and
//! so is a former lease that overlaps what somebody else has got meanwhile. One that has nothing gets one address or prefix:
//! the one it asks for, the one it was offered a moment ago, or the next free one. What is reserved for the client comes
//! before all of that: an association gets one thing that is reserved, in or outside the pools, and gives up what it has
//! else; what is reserved for others is withdrawn and never given.
//! Prefixes of the length that the client asks for are preferred (RFC 8168), then larger ones, then smaller.
//! All subnets of a shared network come into question, one after the other in each of these steps: see [`Candidate6`].
//! Two requests that race for one address are decided by the store: the loser sees a conflict and decides again.
//! Kea: `AllocEngine::allocateLeases6`, `renewLeases6`; RFC 8415 section 18.3.

mod notes;
mod pick;
mod place;
mod reserved;

use std::net::Ipv6Addr;

use util::Now;

pub use self::place::{Candidate6, Query6, Terms6, Times6, Wanted6};

use self::notes::{Leased, explain_times};
use self::pick::{Picked, pick, pick_ahead};
use self::place::Place;
use self::reserved::{
    Reserved6, grant_reserved, is_reserved_for_others, offer_reserved, withdrawal,
};
use crate::config::{Aged, remaining};
use crate::explain;
use crate::explain::Topic;
use crate::lease::{CommitError, Expect, LeaseState, LeaseType, Nth, Ownership};
use crate::lease6::{Change6, Lease6View, V6};
use crate::session::{Parked, Session6};

/// How often a decision is made anew after a conflict before the association is given up.
const CONFLICTS_MAX: usize = 8;
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

/// An address or a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource6 {
    /// The address, or the first one of the prefix.
    pub address: Ipv6Addr,
    /// 128 for an address.
    pub prefix_len: u8,
}

impl std::fmt::Display for Resource6 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.prefix_len {
            128 => self.address.fmt(f),
            len => write!(f, "{}/{len}", self.address),
        }
    }
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
    /// The subnet or the pool where it lies does not serve the client.
    NotServed,
    /// No pool of its subnet has it.
    OutsidePools,
    /// The association got what is reserved for the client instead.
    Replaced,
    /// It is reserved for another client.
    Reserved,
    /// It had ended, and somebody else has got some of it meanwhile.
    Taken,
}

impl std::fmt::Display for Withdrawal6 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotServed => "its subnet or pool does not serve the client",
            Self::OutsidePools => "it is in no pool of the subnet",
            Self::Replaced => "what is reserved for the client takes its place",
            Self::Reserved => "it is reserved for another client",
            Self::Taken => "it had ended, and another client has got some of it",
        })
    }
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
    /// Takes one resource, and what goes with it.
    fn take(&mut self, bound: Bound6, terms: Terms6);
    /// Whether a resource is promised to another association of the same message.
    fn is_given(&self, resource: Resource6) -> bool;
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
    let say = session.explanation();
    let named = query.named();
    let kind = if named.is_some() { "requested" } else { "offered before" };
    if let (Some(wish), None) = (query.hint.filter(|hint| !hint.address.is_unspecified()), named) {
        let wish = Resource6 { address: wish.address, prefix_len: wish.prefix_len };
        explain!(say, Topic::Lease, "  requested\t{wish}\tin no pool that serves the client");
    }
    let hint = named.or_else(|| query.recent());
    if hint.is_none() {
        pick_ahead(session, query);
    }
    let mut at_hint = None;
    let mut kept = false;
    for (turn, place) in query.places().enumerate() {
        for nth in 0..LEASES_MAX {
            let is_first = turn == 0 && nth == 0;
            let wish = hint.filter(|_| is_first).map(|(_, hint)| hint.address);
            let (found, at_wish) = session.look_for(query.client, place.subnet_id(), nth, wish)?;
            at_hint = at_hint.or(at_wish);
            let Some(own) = found.own else {
                if nth == 0 {
                    let subnet = place.subnet;
                    explain!(say, Topic::Lease, "  own lease\t-\tnone in subnet {subnet}");
                }
                break;
            };
            let resource = resource_of(&own);
            let is_kept = place.gives(resource) && !is_lost(session, &own);
            let leased = Leased(Some(&own), session.now());
            explain!(say, Topic::Lease, "  own lease\t{resource}\t{leased}");
            if !is_kept {
                let why = "in no pool that serves the client, or somebody else's by now";
                explain!(say, Topic::Lease, "  passed over\t{resource}\t{why}");
            }
            if is_kept
                && !sink.is_given(resource)
                && !is_reserved_for_others(session, &place, resource)?
            {
                let times = times(session, &place, resource, Some(&own));
                sink.take(Bound6::Kept(resource), place.terms(resource, times));
                kept = true;
            }
            if !found.more {
                break;
            }
        }
    }
    if kept {
        return Ok(true);
    }
    let now = session.now();
    if let Some((_, hint)) = &hint {
        let leased = Leased(at_hint.as_ref(), now);
        explain!(say, Topic::Lease, "  {kind}\t{hint}\t{leased}");
    }
    if let Some((place, hint)) = hint
        && is_free(session, hint, at_hint.as_ref(), now)
        && !sink.is_given(hint)
        && !is_reserved_for_others(session, &place, hint)?
    {
        explain!(say, Topic::Lease, "  taken\t{hint}\tas {kind}");
        take_new(session, &place, hint, sink);
        return Ok(true);
    }
    // A wish that cannot be granted must not hide what was offered before.
    let hint = hint.map(|(_, hint)| hint);
    if let Some((place, recent)) = query.recent().filter(|&(_, recent)| hint != Some(recent)) {
        let wish = Some(recent.address);
        let (_, there) = session.find(query.client, place.subnet_id(), wish)?;
        let leased = Leased(there.as_ref(), now);
        explain!(say, Topic::Lease, "  offered before\t{recent}\t{leased}");
        if is_free(session, recent, there.as_ref(), now)
            && !sink.is_given(recent)
            && !is_reserved_for_others(session, &place, recent)?
        {
            explain!(say, Topic::Lease, "  taken\t{recent}\tas offered before");
            take_new(session, &place, recent, sink);
            return Ok(true);
        }
    }
    match pick(session, query, sink)? {
        Some(Picked { place, resource, .. }) => take_new(session, &place, resource, sink),
        None => return Ok(false),
    }
    Ok(true)
}

fn take_new(
    session: &mut Session6<'_>,
    place: &Place<'_>,
    resource: Resource6,
    sink: &mut dyn Sink6,
) {
    let times = times(session, place, resource, None);
    sink.take(Bound6::New(resource), place.terms(resource, times));
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
    let wish = named.map(|(_, named)| named.address);
    let mut places = query.places();
    let say = session.explanation();
    let Some(mut place) = places.next() else {
        explain!(say, Topic::Lease, "  no subnet comes into question");
        return Ok(Granted6::Exhausted { position: *position });
    };
    if wish.is_none() {
        pick_ahead(session, query);
    }
    let (mut found, at_named) = session.look_for(query.client, place.subnet_id(), 0, wish)?;
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
    loop {
        let settled = settle(session, &place, sink, (given, has_reserved), found, position)?;
        match settled {
            Ok(count) => kept += count,
            Err(error) => return Ok(Granted6::NotStored(error)),
        }
        let Some(next) = places.next() else { break };
        place = next;
        found = session.find_nth(query.client, place.subnet_id(), 0)?;
    }
    if kept > 0 {
        return Ok(Granted6::Bound { position: *position });
    }
    grant_new(session, query, sink, (named, at_named), *position)
}

/// Renews what an association has in a subnet, and withdraws what it cannot keep. `found` is its first lease there,
/// `given` what it has got just now. Returns how much it has kept.
fn settle(
    session: &mut Session6<'_>,
    place: &Place<'_>,
    sink: &mut dyn Sink6,
    (given, has_reserved): (Option<Resource6>, bool),
    mut found: Nth<V6>,
    position: &mut u64,
) -> Result<Result<u32, CommitError>, Parked> {
    let client = place.query.client;
    let mut kept = 0;
    // Withdrawn leases leave the order, so those behind them move up.
    let mut nth = 0;
    for turn in 0..LEASES_MAX {
        if turn > 0 {
            found = session.find_nth(client, place.subnet_id(), nth)?;
        }
        let say = session.explanation();
        let Some(own) = found.own else {
            if turn == 0 {
                let subnet = place.subnet;
                explain!(say, Topic::Lease, "  own lease\t-\tnone in subnet {subnet}");
            }
            break;
        };
        let resource = resource_of(&own);
        let leased = Leased(Some(&own), session.now());
        explain!(say, Topic::Lease, "  own lease\t{resource}\t{leased}");
        let step = if given == Some(resource) {
            nth += 1;
            None
        } else if let Some(why) = withdrawal(session, place, &own, has_reserved)? {
            explain!(say, Topic::Lease, "  withdrawn\t{resource}\t{why}");
            let expect = Expect::Unchanged(own.version);
            let deleted = session.delete(own.address, expect)?;
            let (bound, times) = (Bound6::Withdrawn(resource, why), Times6::default());
            Some(deleted.map(|stored| Step6 { position: stored.position, bound, times }))
        } else {
            nth += 1;
            Some(renew(session, place, resource, &own)?)
        };
        match step.transpose() {
            Ok(None) => {}
            Ok(Some(Step6 { position: at, bound, times })) => {
                *position = (*position).max(at);
                kept += u32::from(!matches!(bound, Bound6::Withdrawn(..)));
                sink.take(bound, place.terms(resource, times));
            }
            Err(error) => return Ok(Err(error)),
        }
        if !found.more {
            break;
        }
    }
    Ok(Ok(kept))
}

/// Gives something to an association that has nothing: what it names and what is there, or the next free resource.
/// `position` is that of what was taken away from it.
fn grant_new(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    sink: &mut dyn Sink6,
    (named, at_named): (Option<(Place<'_>, Resource6)>, Option<Lease6View>),
    position: u64,
) -> Result<Granted6, Parked> {
    let (now, say) = (session.now(), session.explanation());
    match &named {
        Some((_, named)) => {
            let leased = Leased(at_named.as_ref(), now);
            explain!(say, Topic::Lease, "  requested\t{named}\t{leased}");
        }
        None => {
            if let Some(hint) = query.hint.filter(|hint| !hint.address.is_unspecified()) {
                let wish = Resource6 { address: hint.address, prefix_len: hint.prefix_len };
                let why = "in no pool that serves the client";
                explain!(say, Topic::Lease, "  requested\t{wish}\t{why}");
            }
        }
    }
    let chosen = match named {
        Some((place, named))
            if is_free(session, named, at_named.as_ref(), now)
                && !is_reserved_for_others(session, &place, named)? =>
        {
            explain!(say, Topic::Lease, "  taken\t{named}\tas requested");
            Some((place, named, at_named))
        }
        _ => None,
    };
    let (place, resource, there) = match chosen {
        Some(chosen) => chosen,
        None => {
            let picked = pick(session, query, sink)?;
            let Some(Picked { place, resource: free, looked }) = picked else {
                return Ok(Granted6::Exhausted { position });
            };
            let wish = Some(free.address);
            let there = match looked {
                Some(there) => there,
                None => session.find(query.client, place.subnet_id(), wish)?.1,
            };
            if !there.is_none_or(|there| is_available(&there, now)) {
                // Somebody else was quicker.
                return Ok(Granted6::NotStored(CommitError::Conflict));
            }
            (place, free, there)
        }
    };
    let times = times(session, &place, resource, None);
    let change = change_of(&place, resource, times, there.as_ref());
    Ok(match session.commit(change)? {
        Ok(stored) => {
            sink.take(Bound6::New(resource), place.terms(resource, times));
            Granted6::Bound { position: position.max(stored.position) }
        }
        Err(error) => {
            explain!(say, Topic::Lease, "  not stored\t{resource}\t{error}");
            Granted6::NotStored(error)
        }
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
    place: &Place<'_>,
    resource: Resource6,
    own: &Lease6View,
) -> Result<Result<Step6, CommitError>, Parked> {
    let times = times(session, place, resource, Some(own));
    let change = change_of(place, resource, times, Some(own));
    match cached(session, place, own, change)? {
        Ok(Some((times, position))) => {
            let why = "the lease is young (cache-threshold)";
            explain!(session.explanation(), Topic::Lease, "  kept as it is\t{resource}\t{why}");
            return Ok(Ok(Step6 { position, bound: Bound6::Cached(resource), times }));
        }
        Ok(None) => {}
        Err(error) => return Ok(Err(error)),
    }
    let stored = session.commit(change)?;
    let bound = Bound6::Kept(resource);
    Ok(stored.map(|stored| Step6 { position: stored.position, bound, times }))
}

/// What is left of a lease that stays as it is because it is young and `change` would alter nothing but the time; and the
/// journal position that makes it durable.
fn cached(
    session: &mut Session6<'_>,
    place: &Place<'_>,
    own: &Lease6View,
    change: Change6<'_>,
) -> Result<Result<Option<(Times6, u64)>, CommitError>, Parked> {
    let times = Times6 { preferred: change.preferred_lifetime, valid: change.valid_lifetime };
    if times != (Times6 { preferred: own.preferred_lifetime, valid: own.valid_lifetime }) {
        return Ok(Ok(None));
    }
    let cache = place.subnet.lease_rules.cache;
    let Some(age) = cache.age(aged(own), times.valid, session.now().wall_s) else {
        return Ok(Ok(None));
    };
    let left =
        Times6 { preferred: remaining(times.preferred, age), valid: remaining(times.valid, age) };
    if left.preferred == 0 && times.preferred > 0 {
        return Ok(Ok(None));
    }
    let position = session.same(change)?;
    Ok(position.map(|position| position.map(|position| (left, position))))
}

/// How long the association gets a resource, which may be its own already: where prefixes run short for the shortest
/// time, but not for less than what is left.
fn times(
    session: &mut Session6<'_>,
    place: &Place<'_>,
    resource: Resource6,
    own: Option<&Lease6View>,
) -> Times6 {
    if let Some(explanation) = session.explanation() {
        explain_times(explanation, place);
    }
    let is_prefix = place.query.client.lease_type == LeaseType::Pd;
    let threshold = place.subnet.lease_rules.crowded_from(place.allocator());
    let threshold = threshold.filter(|_| is_prefix && place.pool_of(resource).is_some());
    let Some(threshold) = threshold else { return place.usual_times() };
    let fitting = place.pools.iter().enumerate();
    let fitting = fitting.filter(|(_, pool)| pool.unit_len <= resource.prefix_len);
    let sizes =
        fitting.map(|(nth, pool)| (place.pool_index(nth), pool.last_index().saturating_add(1)));
    if !session.is_crowded(sizes, resource.ends(), threshold) {
        return place.usual_times();
    }
    let why = "prefixes run short (adaptive-lease-time-threshold): the shortest ones";
    explain!(session.explanation(), Topic::Lease, "  lifetimes\t-\t{why}");
    let now_s = session.now().wall_s;
    let valid_left = own.map_or(0, |own| aged(own).remaining(now_s));
    let of_preferred =
        |own: &Lease6View| Aged { valid_lifetime: own.preferred_lifetime, ..aged(own) };
    let preferred_left = match valid_left {
        0 => 0,
        _ => own.map_or(0, |own| of_preferred(own).remaining(now_s)),
    };
    let min = place.min_times();
    let valid = min.valid.max(valid_left);
    let preferred = min.preferred.max(preferred_left);
    Times6::new(Some(preferred), valid)
}

fn aged(lease: &Lease6View) -> Aged {
    let Lease6View { state, cltt, valid_lifetime, .. } = *lease;
    Aged { state, cltt, valid_lifetime }
}

fn change_of<'q>(
    place: &Place<'q>,
    resource: Resource6,
    times: Times6,
    there: Option<&Lease6View>,
) -> Change6<'q> {
    let query = place.query;
    let stores_info = place.subnet.lease_rules.stores_extended_info;
    let pool = place.pool_of(resource);
    Change6 {
        address: resource.address,
        prefix_len: resource.prefix_len,
        subnet_id: place.subnet_id(),
        pool_id: pool.map_or(0, |(_, pool)| pool.id),
        pool: pool.map(|(nth, _)| place.pool_index(nth)),
        client: query.client,
        hw: query.hardware,
        preferred_lifetime: times.preferred,
        valid_lifetime: times.valid,
        state: LeaseState::Default,
        fqdn_fwd: false,
        fqdn_rev: false,
        hostname: place.host.map_or(&[], |host| host.hostname),
        user_context: if stores_info { query.extended_info } else { &[] },
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
