//! What is reserved for a client and for others, in the decisions about one association.
//!
//! Each association of a client gets one of the things that are reserved for it, in the order of the file: one that it
//! has already, else the first that no other association of the message has and nobody has leased.

use super::notes::Leased;
use super::{
    Bound6, LEASES_MAX, Place, Query6, Resource6, Sink6, Withdrawal6, change_of, is_free, is_lost,
    resource_of, times,
};
use crate::explain;
use crate::explain::Topic;
use crate::hosts::Holder;
use crate::lease::{CommitError, Nth};
use crate::lease6::{Lease6View, V6};
use crate::session::{Parked, Session6};

/// Offers what is reserved for the client: what the association has of it, else the first that it can get.
pub(super) fn offer_reserved(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    sink: &mut dyn Sink6,
) -> Result<bool, Parked> {
    if !query.has_host() {
        return Ok(false);
    }
    let mut kept = false;
    for place in query.places().filter(has_reserved) {
        for nth in 0..LEASES_MAX {
            let found = session.find_nth(query.client, place.subnet_id(), nth)?;
            let Some(own) = found.own else { break };
            let resource = resource_of(&own);
            if place.is_reserved_for_client(resource)
                && !sink.is_given(resource)
                && !is_lost(session, &own)
            {
                let leased = Leased(Some(&own), session.now());
                explain!(session.explanation(), Topic::Lease, "  reserved\t{resource}\t{leased}");
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
    let free = free_reserved(session, query, sink)?;
    let Some((place, resource, _)) = free else { return Ok(false) };
    let times = times(session, &place, resource, None);
    sink.take(Bound6::Reserved(resource), place.terms(resource, times));
    Ok(true)
}

/// Whether something is reserved for the client in a subnet.
fn has_reserved(place: &Place<'_>) -> bool {
    place.reserved().next().is_some()
}

/// The first resource reserved for the client that the association can get, and what is there. What is reserved in
/// subnets comes before what is reserved everywhere.
fn free_reserved<'q>(
    session: &mut Session6<'_>,
    query: &'q Query6<'_>,
    sink: &dyn Sink6,
) -> Result<Option<(Place<'q>, Resource6, Option<Lease6View>)>, Parked> {
    for is_global in [false, true] {
        let is_of_kind =
            |place: &Place<'_>| place.host.is_some_and(|host| host.is_global() == is_global);
        for place in query.places().filter(is_of_kind) {
            for reserved in place.reserved() {
                if sink.is_given(reserved) {
                    continue;
                }
                let wish = Some(reserved.address);
                let (_, there) = session.find(query.client, place.subnet_id(), wish)?;
                let (now, say) = (session.now(), session.explanation());
                let leased = Leased(there.as_ref(), now);
                let is_free = is_free(session, reserved, there.as_ref(), now);
                let fate = if is_free { "taken" } else { "not now" };
                explain!(say, Topic::Lease, "  reserved\t{reserved}\t{fate}: {leased}");
                if is_free {
                    return Ok(Some((place, reserved, there)));
                }
            }
        }
    }
    Ok(None)
}

/// What came of giving an association something that is reserved for the client.
pub(super) enum Reserved6 {
    /// It has something of it already.
    Held,
    /// It has got this just now, durable at this journal position.
    Given(Resource6, u64),
    /// There is nothing of it to be had.
    None,
    /// It could not be stored.
    NotStored(CommitError),
}

/// Gives an association something that is reserved for the client, unless it has some of it. `first` is its first lease
/// in the first subnet, also afterwards.
pub(super) fn grant_reserved(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    sink: &mut dyn Sink6,
    first: &mut Nth<V6>,
) -> Result<Reserved6, Parked> {
    if !query.has_host() {
        return Ok(Reserved6::None);
    }
    let mut is_any = false;
    for (turn, place) in query.places().enumerate().filter(|(_, place)| has_reserved(place)) {
        is_any = true;
        let mut found = match turn {
            0 => *first,
            _ => session.find_nth(query.client, place.subnet_id(), 0)?,
        };
        for nth in 1..=LEASES_MAX {
            let Some(own) = found.own else { break };
            if place.is_reserved_for_client(resource_of(&own)) && !is_lost(session, &own) {
                return Ok(Reserved6::Held);
            }
            if !found.more || nth == LEASES_MAX {
                break;
            }
            found = session.find_nth(query.client, place.subnet_id(), nth)?;
        }
    }
    if !is_any {
        return Ok(Reserved6::None);
    }
    let Some((place, resource, there)) = free_reserved(session, query, sink)? else {
        return Ok(Reserved6::None);
    };
    let times = times(session, &place, resource, None);
    let change = change_of(&place, resource, times, there.as_ref());
    Ok(match session.commit(change)? {
        Ok(stored) => {
            sink.take(Bound6::Reserved(resource), place.terms(resource, times));
            if let Some(place) = query.places().next() {
                *first = session.find_nth(query.client, place.subnet_id(), 0)?;
            }
            Reserved6::Given(resource, stored.position)
        }
        Err(error) => Reserved6::NotStored(error),
    })
}

/// Why an association cannot keep what it has in a subnet. `has_reserved` tells that it has something that is reserved
/// for it.
pub(super) fn withdrawal(
    session: &mut Session6<'_>,
    place: &Place<'_>,
    own: &Lease6View,
    has_reserved: bool,
) -> Result<Option<Withdrawal6>, Parked> {
    let resource = resource_of(own);
    if is_lost(session, own) {
        return Ok(Some(Withdrawal6::Taken));
    }
    if place.is_reserved_for_client(resource) {
        return Ok(None);
    }
    Ok(if is_reserved_for_others(session, place, resource)? {
        Some(Withdrawal6::Reserved)
    } else if !place.gives(resource) {
        let is_in_pool = place.pool_of(resource).is_some();
        Some(if is_in_pool { Withdrawal6::NotServed } else { Withdrawal6::OutsidePools })
    } else if has_reserved {
        Some(Withdrawal6::Replaced)
    } else {
        None
    })
}

/// Whether a resource is reserved in a subnet, and not for this client, or overlaps in a pool what is.
pub(super) fn is_reserved_for_others(
    session: &mut Session6<'_>,
    place: &Place<'_>,
    resource: Resource6,
) -> Result<bool, Parked> {
    if !session.has_hosts() {
        return Ok(false);
    }
    let pool = place.pool_of(resource).map(|(nth, _)| place.pool_index(nth));
    let rules = place.subnet.reservations;
    let mut places = rules.places(place.subnet_id());
    if rules.out_of_pool() && place.touches_pool(resource) {
        places.subnet = None;
    }
    let exactly = (resource.address, resource.prefix_len);
    let holder = session.holder(places, exactly, pool, place.query.identifiers)?;
    if holder == Holder::Other {
        let why = "reserved for another client";
        explain!(session.explanation(), Topic::Lease, "  passed over\t{resource}\t{why}");
    }
    Ok(holder == Holder::Other)
}
