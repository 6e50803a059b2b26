//! What is done to a table by the clock: the ends of lifetimes are noticed, what is over is reclaimed. No threads and
//! no clocks here: whoever has them says what time it is.

use libdhcpsrv::lease::{Deltas, LeaseKind, LeaseState};
use libdhcpsrv::remote::{Hints, deltas_of, reclaimed};
use util::Now;

use crate::{DbError, LeaseConnection};

/// Shortest time between two looks at everything, in nanoseconds.
const RENEW_NS: u64 = 10_000_000_000;
/// The same after many looks in a row that have freed nothing; for a table in which less is held it is this much for
/// each lease, of which a look costs about a thousandth.
const RENEW_NS_MAX: u64 = 600_000_000_000;
const RENEW_NS_PER_LEASE: u64 = 1_000_000;
/// Longest gap of the ends of lifetimes that is made up for; behind a longer one everything is looked at.
const GAP_MAX_S: i64 = 3600;

/// A lease that has been reclaimed.
#[derive(Clone, Debug)]
pub struct ReclaimedLease<K: LeaseKind> {
    /// The lease as it was before.
    pub lease: K::Lease,
    /// Whether it was deleted rather than kept.
    pub deleted: bool,
    /// How the counts change.
    pub deltas: Deltas,
}

/// Keeps the marks of the pools up with a table that others change as well.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// Lifetimes that ended before have been seen.
    seen_to_s: i64,
    renewed_ns: u64,
    /// Time before everything is looked at again.
    interval_ns: u64,
    must_renew: bool,
}

impl Watch {
    /// Begins when everything has been looked at.
    #[must_use]
    pub const fn new(now: Now) -> Self {
        Self {
            seen_to_s: now.wall_s,
            renewed_ns: now.mono_ns,
            interval_ns: RENEW_NS,
            must_renew: false,
        }
    }

    /// Notices lifetimes that have ended, whoever gave them; or looks at everything, if a pool seemed to have nothing
    /// left (10 s after the last look, up to 10 min if it has read much and freed nothing). To be called every second. Returns whether it has looked at everything.
    ///
    /// # Errors
    /// [`DbError`]: the next call makes up for it.
    pub fn tick<K: LeaseKind>(
        &mut self,
        connection: &mut dyn LeaseConnection<K>,
        hints: &Hints<K>,
        now: Now,
    ) -> Result<bool, DbError> {
        let has_gap = now.wall_s - self.seen_to_s > GAP_MAX_S;
        if has_gap {
            self.interval_ns = RENEW_NS;
        }
        self.must_renew |= hints.take_exhausted() || has_gap;
        if self.must_renew && now.mono_ns.saturating_sub(self.renewed_ns) >= self.interval_ns {
            let mut held = Vec::new();
            connection.held(now.wall_s, &mut |first, last| held.push((first, last)))?;
            let has_freed = hints.renew(&held) > 0;
            let interval_ns = interval_ns(self.interval_ns, has_freed, held.len());
            *self = Self { interval_ns, ..Self::new(now) };
            return Ok(true);
        }
        // A clock that was set back looks at some ends again, which does no harm.
        let from_s = self.seen_to_s.min(now.wall_s);
        if from_s < now.wall_s {
            connection.ended(from_s, now.wall_s, &mut |first, last| hints.ended(first, last))?;
            self.seen_to_s = now.wall_s;
        }
        Ok(false)
    }
}

/// Time until the next look at everything, behind one that has found so many leases. A pool that is full asks for it all
/// the time. What others give back is not noticed otherwise, so it must not become long where a look is cheap.
fn interval_ns(former_ns: u64, has_freed: bool, held: usize) -> u64 {
    if has_freed {
        return RENEW_NS;
    }
    let longest = RENEW_NS_PER_LEASE.saturating_mul(held as u64);
    (former_ns * 2).min(longest.clamp(RENEW_NS, RENEW_NS_MAX))
}

/// Reclaims up to `limit` leases that are over at `now_s`, in one transaction; see [`reclaim_leases`]. Returns how many rows
/// were over, and those that nobody changed meanwhile.
///
/// # Errors
/// [`DbError`].
pub fn reclaim<K: LeaseKind>(
    connection: &mut dyn LeaseConnection<K>,
    now_s: i64,
    limit: usize,
    remove: bool,
) -> Result<(usize, Vec<ReclaimedLease<K>>), DbError> {
    let expired = connection.expired(now_s, 0, limit)?;
    Ok((expired.rows, reclaim_leases(connection, &expired.leases, remove)?))
}

/// Reclaims leases in one transaction; with `remove` they are deleted, as declined ones always are. Returns those that
/// nobody changed meanwhile.
///
/// # Errors
/// [`DbError`]: none of them has been reclaimed, if the connection was not lost.
pub fn reclaim_leases<K: LeaseKind>(
    connection: &mut dyn LeaseConnection<K>,
    leases: &[K::Lease],
    remove: bool,
) -> Result<Vec<ReclaimedLease<K>>, DbError> {
    let is_deleted =
        |lease: &&K::Lease| remove || K::contents_of(lease).state == LeaseState::Declined;
    let (delete, keep): (Vec<_>, Vec<_>) = leases.iter().partition(is_deleted);
    let new: Vec<K::Lease> = keep.iter().map(|lease| reclaimed::<K>(lease)).collect();
    connection.begin()?;
    let deleted = connection.delete(&delete)?;
    let pairs: Vec<_> = keep.iter().copied().zip(&new).collect();
    let kept = connection.update(&pairs)?;
    connection.commit()?;
    let deleted = delete.into_iter().zip(deleted).filter(|(_, done)| *done).map(|(lease, _)| {
        let deltas = deltas_of::<K>(Some(lease), None);
        ReclaimedLease { lease: lease.clone(), deleted: true, deltas }
    });
    let kept = keep.into_iter().zip(&new).zip(kept).filter(|(_, done)| *done);
    let kept = kept.map(|((lease, new), _)| {
        let deltas = deltas_of::<K>(Some(lease), Some(new));
        ReclaimedLease { lease: lease.clone(), deleted: false, deltas }
    });
    Ok(deleted.chain(kept).collect())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    use libdhcpsrv::free::{PoolRange, PoolSet4};
    use libdhcpsrv::lease4::{Lease4, V4};
    use libdhcpsrv::remote::RemoteStore;
    use libdhcpsrv::session::Store;

    use super::*;
    use crate::simulated::Table;

    const SECOND: u64 = 1_000_000_000;

    /// Those seconds in which everything is looked at; the pool is full all the time.
    fn looks(
        watch: &mut Watch,
        table: &Table<V4>,
        hints: &Arc<Hints<V4>>,
        seconds: &[u64],
    ) -> Vec<u64> {
        let store = RemoteStore::new(hints.clone());
        let mut connection = table.connect().unwrap();
        let mut ticks = |second: u64| {
            store.note_exhausted();
            watch.tick(&mut connection, hints, Now::from_secs(second)).unwrap()
        };
        seconds.iter().copied().filter(|second| ticks(*second)).collect()
    }

    #[test]
    fn full_pool_of_a_large_table_is_looked_at_less_often_until_something_is_free() {
        let (first, count) = (0x0a00_0000, 25_000);
        let address = |number: u32| Ipv4Addr::from(first + number);
        let (table, hints) = (Table::<V4>::default(), Arc::new(Hints::<V4>::default()));
        let lease = |number| Lease4 {
            address: address(number),
            hw: vec![1; 6],
            valid_lifetime: 100_000,
            cltt: 1,
            ..Lease4::default()
        };
        (0..count).for_each(|number| table.put(lease(number)));
        let last = address(count - 1);
        let range = PoolRange { first: address(0), last, skips_edges: false };
        let pools = Arc::new(PoolSet4::new([range]));
        hints.adopt(&pools, &[(first, first + count - 1)]);

        let mut watch = Watch::new(Now::from_secs(1000));
        let seconds = [1009, 1010, 1029, 1030, 1054, 1055, 1079];
        assert_eq!(looks(&mut watch, &table, &hints, &seconds), [1010, 1030, 1055]);
        // Others give one back, and somebody gets it.
        let mut other = table.connect().unwrap();
        other.delete(&[&lease(count - 1)]).unwrap();
        assert_eq!(looks(&mut watch, &table, &hints, &[1080]), [1080]);
        assert!(!pools.is_held(last));
        hints.adopt(&pools, &[(first, first + count - 1)]);
        other.insert(&[&lease(count - 1)]).unwrap();
        assert_eq!(looks(&mut watch, &table, &hints, &[1089, 1090, 1109]), [1090]);
    }

    #[test]
    fn interval_grows_as_far_as_a_look_costs() {
        for (former, has_freed, held, expected) in [
            (10, false, 0, 10),
            (10, false, 10_000, 10),
            (10, false, 15_000, 15),
            (10, false, 1_000_000, 20),
            (320, false, 1_000_000, 600),
            (600, false, 1_000_000, 600),
            (600, false, 50_000, 50),
            (600, true, 1_000_000, 10),
        ] {
            assert_eq!(interval_ns(former * SECOND, has_freed, held), expected * SECOND);
        }
    }
}
