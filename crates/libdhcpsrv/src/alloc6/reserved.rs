//! What is reserved for a client and for others, in the decisions about one association.
//!
//! Each association of a client gets one of the things that are reserved for it, in the order of the file: one that it
//! has already, else the first that no other association of the message has and nobody has leased.

use super::{
    Bound6, LEASES_MAX, Query6, Resource6, Sink6, Withdrawal6, change_of, is_free, is_lost,
    resource_of, times,
};
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
    if query.reserved().next().is_none() {
        return Ok(false);
    }
    let mut kept = false;
    for nth in 0..LEASES_MAX {
        let found = session.find_nth(query.client, query.subnet_id(), nth)?;
        let Some(own) = found.own else { break };
        let resource = resource_of(&own);
        if query.is_reserved_for_client(resource)
            && !sink.is_given(resource)
            && !is_lost(session, &own)
        {
            sink.take(Bound6::Kept(resource), times(session, query, resource, Some(&own)));
            kept = true;
        }
        if !found.more {
            break;
        }
    }
    if kept {
        return Ok(true);
    }
    let free = free_reserved(session, query, sink)?;
    if let Some((resource, _)) = free {
        sink.take(Bound6::Reserved(resource), times(session, query, resource, None));
    }
    Ok(free.is_some())
}

/// The first resource reserved for the client that the association can get, and what is there.
fn free_reserved(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    sink: &dyn Sink6,
) -> Result<Option<(Resource6, Option<Lease6View>)>, Parked> {
    for reserved in query.reserved() {
        if sink.is_given(reserved) {
            continue;
        }
        let wish = Some(reserved.address);
        let (_, there) = session.find(query.client, query.subnet_id(), wish)?;
        if is_free(session, reserved, there.as_ref(), session.now()) {
            return Ok(Some((reserved, there)));
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

/// Gives an association something that is reserved for the client, unless it has some of it. `first` is its first lease,
/// also afterwards.
pub(super) fn grant_reserved(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    sink: &mut dyn Sink6,
    first: &mut Nth<V6>,
) -> Result<Reserved6, Parked> {
    if query.reserved().next().is_none() {
        return Ok(Reserved6::None);
    }
    let mut found = *first;
    for nth in 1..=LEASES_MAX {
        let Some(own) = found.own else { break };
        if query.is_reserved_for_client(resource_of(&own)) && !is_lost(session, &own) {
            return Ok(Reserved6::Held);
        }
        if !found.more || nth == LEASES_MAX {
            break;
        }
        found = session.find_nth(query.client, query.subnet_id(), nth)?;
    }
    let Some((resource, there)) = free_reserved(session, query, sink)? else {
        return Ok(Reserved6::None);
    };
    let times = times(session, query, resource, None);
    let change = change_of(query, resource, times, there.as_ref());
    Ok(match session.commit(change)? {
        Ok(stored) => {
            sink.take(Bound6::Reserved(resource), times);
            *first = session.find_nth(query.client, query.subnet_id(), 0)?;
            Reserved6::Given(resource, stored.position)
        }
        Err(error) => Reserved6::NotStored(error),
    })
}

/// Why an association cannot keep what it has. `has_reserved` tells that it has something that is reserved for it.
pub(super) fn withdrawal(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    own: &Lease6View,
    has_reserved: bool,
) -> Result<Option<Withdrawal6>, Parked> {
    let resource = resource_of(own);
    if is_lost(session, own) {
        return Ok(Some(Withdrawal6::Taken));
    }
    if query.is_reserved_for_client(resource) {
        return Ok(None);
    }
    Ok(if is_reserved_for_others(session, query, resource)? {
        Some(Withdrawal6::Reserved)
    } else if query.pool_of(resource).is_none() {
        Some(Withdrawal6::OutsidePools)
    } else if has_reserved {
        Some(Withdrawal6::Replaced)
    } else {
        None
    })
}

/// Whether a resource is reserved, and not for this client, or overlaps in a pool what is.
pub(super) fn is_reserved_for_others(
    session: &mut Session6<'_>,
    query: &Query6<'_>,
    resource: Resource6,
) -> Result<bool, Parked> {
    if !session.has_hosts() {
        return Ok(false);
    }
    let pool = query.pool_of(resource).map(|(nth, _)| query.pool_index(nth));
    let rules = query.subnet.reservations;
    let mut places = rules.places(query.subnet_id());
    if rules.out_of_pool() && query.touches_pool(resource) {
        places.subnet = None;
    }
    let exactly = (resource.address, resource.prefix_len);
    Ok(session.holder(places, exactly, pool, query.identifiers)? == Holder::Other)
}
