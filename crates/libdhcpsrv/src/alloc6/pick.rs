//! The next free address or prefix of the pools that come into question.

use super::notes::explain_pools;
use super::place::{LengthRound, Place};
use super::reserved::is_reserved_for_others;
use super::{Query6, Resource6, Sink6};
use crate::config::Allocator;
use crate::explain;
use crate::explain::Topic;
use crate::lease6::Lease6View;
use crate::session::{Parked, Session6};

/// Proposals of one pool that are passed over because other associations of the message have them.
const PICKS_MAX: usize = 64;
/// Of these, those that are made by chance where the allocator works so.
const RANDOM_PICKS_MAX: usize = 8;
/// Proposals of one pool that turn out to be leased by another server before chance is to find what is not.
const TAKEN_MAX: usize = 4;

/// A free resource.
pub(super) struct Picked<'q> {
    pub(super) place: Place<'q>,
    pub(super) resource: Resource6,
    /// What is stored for its address, if that was looked at.
    pub(super) looked: Looked,
}

/// What is stored for an address, if that was looked at.
type Looked = Option<Option<Lease6View>>;

/// A free resource of the pools that serve the client that is not reserved: of the first subnet that has one of the
/// length that suits best.
pub(super) fn pick<'q>(
    session: &mut Session6<'_>,
    query: &'q Query6<'_>,
    sink: &dyn Sink6,
) -> Result<Option<Picked<'q>>, Parked> {
    if let Some(explanation) = session.explanation() {
        query.places().for_each(|place| explain_pools(explanation, &place));
    }
    for lengths in query.lengths() {
        for place in query.places().filter(|place| place.serves) {
            let picked = pick_in(session, &place, lengths, sink)?;
            if let Some((resource, looked)) = picked {
                return Ok(Some(Picked { place, resource, looked }));
            }
        }
    }
    Ok(None)
}

/// Picks what [`pick`] will most likely begin with, where it must be looked up.
pub(super) fn pick_ahead(session: &mut Session6<'_>, query: &Query6<'_>) {
    if !session.is_shared() || session.ahead().is_some() {
        return;
    }
    let place = query.places().find(|place| place.serves);
    let (Some(place), Some(lengths)) = (place, query.lengths().next()) else { return };
    let is_random = place.allocator() == Allocator::Random;
    let first_pool = first_pool(session, &place);
    let mut pools = place.pools_from(first_pool, lengths);
    let _ = pools.any(|(nth, _)| session.pick_ahead(place.pool_index(nth), is_random));
}

/// Where the search for something free begins: with the first pool of the file, or where chance is at work any one.
fn first_pool(session: &mut Session6<'_>, place: &Place<'_>) -> usize {
    let count = place.pools.len();
    match place.allocator() {
        Allocator::Random | Allocator::FreeLeaseQueue if count > 1 => session.first_of(count),
        _ => 0,
    }
}

/// The same as [`pick`] in one subnet. The pools that suit are tried in their order, from the one on from which something was
/// picked ahead.
fn pick_in(
    session: &mut Session6<'_>,
    place: &Place<'_>,
    lengths: LengthRound,
    sink: &dyn Sink6,
) -> Result<Option<(Resource6, Looked)>, Parked> {
    let (allocator, say) = (place.allocator(), session.explanation());
    let ahead = session.ahead().and_then(|ahead| place.nth_of(ahead));
    let first_pool = match ahead {
        Some(ahead) => ahead,
        None => first_pool(session, place),
    };
    for (nth, pool) in place.pools_from(first_pool, lengths) {
        let (mut first, mut taken) = (None, 0);
        for turn in 0..PICKS_MAX {
            let is_random = allocator == Allocator::Random && turn < RANDOM_PICKS_MAX;
            let is_random = is_random || taken > TAKEN_MAX;
            if taken > 0 && session.is_spent() {
                return Ok(None);
            }
            let Some(address) = session.pick(place.pool_index(nth), is_random) else {
                session.note_exhausted();
                break;
            };
            if first == Some(address) {
                // Once round: all that is free is promised.
                break;
            }
            first = first.or(Some(address).filter(|_| !is_random));
            let resource = Resource6 { address, prefix_len: pool.unit_len };
            let mut looked = None;
            if session.is_shared() {
                let there = session.get(place.query.client, resource.address)?;
                let now_s = session.now().wall_s;
                if there.is_some_and(|there| !there.is_available(now_s)) {
                    explain!(say, Topic::Lease, "  free\t{resource}\tleased by another server");
                    taken += 1;
                    continue;
                }
                looked = Some(there);
            }
            // What is promised to the other associations of the message may come first. The pools know what the
            // configuration reserves, but not what other sources of hosts do.
            if !sink.is_given(resource) && !is_reserved_for_others(session, place, resource)? {
                explain!(say, Topic::Lease, "  free\t{resource}\ttaken: from pool {pool}");
                return Ok(Some((resource, looked)));
            }
        }
        explain!(say, Topic::Lease, "  free\t-\tnone in pool {pool}");
    }
    Ok(None)
}
