//! What happens to leases after their lifetime.
//!
//! [`LeaseStore::expire_tick`] notices expiry: the address is free at once, the lease queues for reclamation.
//! [`LeaseStore::reclaim`] works that queue off, oldest first, as far as `expired-leases-processing` allows: a lease
//! becomes expired-reclaimed, so that its client may come back to it, or is deleted; a declined one is always
//! deleted. [`LeaseStore::flush_reclaimed`] deletes what has been kept long enough. Each call is bounded and goes
//! on where the one before stopped.

use util::Now;
use util::journal::JournalPosition;

use super::calendar::{EXPIRED, KEPT};
use super::kind::{Contents, LeaseKind};
use super::store::{LeaseStore, SHARDS};
use super::{CommitError, Deltas, LeaseState};

/// Entries of the calendar that one shard may handle before the next has its turn.
const TICK_SLICE: usize = 256;

/// What a tick did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticked {
    /// Leases whose expiry was noticed.
    pub expired: usize,
    /// Whether the budget was used up with work left for this second.
    pub more: bool,
}

/// Limits of one reclamation run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReclaimLimits {
    /// Most leases to handle; 0 for no limit.
    pub leases_max: u32,
    /// Whether leases are deleted instead of kept as expired-reclaimed.
    pub remove: bool,
}

/// A lease that has been reclaimed.
#[derive(Debug)]
pub struct Reclaimed<'a, K: LeaseKind> {
    /// The lease as it was before.
    pub lease: &'a K::Lease,
    /// Whether it was deleted rather than kept.
    pub deleted: bool,
    /// How the counts change.
    pub deltas: Deltas,
    /// Journal position of the change.
    pub position: JournalPosition,
}

impl<K: LeaseKind> LeaseStore<K> {
    /// Notices leases that have expired by `now`, handling about `budget` entries of the calendar at most.
    ///
    /// Call it every second or so; an address is not free for others before.
    pub fn expire_tick(&self, now: Now, budget: usize) -> Ticked {
        let mut ticked = Ticked { expired: 0, more: false };
        let mut left = budget;
        for index in 0..SHARDS {
            // The lock is given up between slices, so that no worker waits for long.
            loop {
                let mut slice = left.min(TICK_SLICE);
                let given = slice;
                let (expired, done) = self.lock(index).expire(now.wall_s, &mut slice);
                ticked.expired += expired;
                left -= given - slice;
                if done {
                    break;
                }
                if left == 0 {
                    return Ticked { more: true, ..ticked };
                }
            }
        }
        ticked
    }

    /// Reclaims leases whose expiry has been noticed, oldest first; `each` is told of every one, outside all locks.
    /// Stops when the limit is reached or `is_late` says so. Returns how many are left.
    ///
    /// # Errors
    /// [`CommitError::Journal`]: the run stopped early, and what was not told to `each` is as before.
    pub fn reclaim(
        &self,
        now: Now,
        limits: ReclaimLimits,
        is_late: &mut dyn FnMut() -> bool,
        each: &mut dyn FnMut(Reclaimed<'_, K>),
    ) -> Result<usize, CommitError> {
        let limit = if limits.leases_max == 0 { usize::MAX } else { limits.leases_max as usize };
        let mut heads = [None; SHARDS];
        for (index, head) in heads.iter_mut().enumerate() {
            *head = self.first_expired(index);
        }
        let mut lease = K::Lease::default();
        let mut done = 0;
        while done < limit {
            let oldest =
                heads.iter().enumerate().filter_map(|(index, head)| Some(((*head)?, index)));
            let Some((_, index)) = oldest.min() else { break };
            if is_late() {
                break;
            }
            if let Some(reclaimed) = self.reclaim_first(index, now, limits.remove, &mut lease)? {
                each(reclaimed);
                done += 1;
            }
            heads[index] = self.first_expired(index);
        }
        if heads.iter().all(Option::is_none) {
            return Ok(0);
        }
        let waiting = |index| {
            let shard = self.lock(index);
            shard.calendar.count(&shard.slab, EXPIRED)
        };
        Ok((0..SHARDS).map(waiting).sum())
    }

    /// Deletes reclaimed leases that expired more than `hold_s` seconds ago, `limit` at most; returns how many.
    ///
    /// # Errors
    /// [`CommitError::Journal`]: the run stopped early.
    pub fn flush_reclaimed(
        &self,
        now: Now,
        hold_s: u32,
        limit: usize,
        each: &mut dyn FnMut(Reclaimed<'_, K>),
    ) -> Result<usize, CommitError> {
        let mut done = 0;
        let mut lease = K::Lease::default();
        let horizon = now.wall_s.saturating_sub(i64::from(hold_s));
        for index in 0..SHARDS {
            while done < limit {
                let mut shard = self.lock(index);
                let Some(slot) = shard.calendar.first(KEPT) else { break };
                if shard.slab[slot].kept_since() > horizon {
                    break;
                }
                self.admit()?;
                K::copy_to(&shard.slab.contents(slot), &mut lease);
                let stored = self.delete_locked(&mut shard, slot)?;
                drop(shard);
                let (deltas, position) = (stored.deltas, stored.position);
                each(Reclaimed { lease: &lease, deleted: true, deltas, position });
                done += 1;
            }
        }
        Ok(done)
    }

    /// When the first lease of a shard's queue expired.
    fn first_expired(&self, index: usize) -> Option<i64> {
        let shard = self.lock(index);
        let slot = shard.calendar.first(EXPIRED)?;
        Some(shard.slab[slot].expires_at().unwrap_or(i64::MAX))
    }

    /// Reclaims the first lease of a shard's queue; `None` if it turns out not to be expired.
    fn reclaim_first<'a>(
        &self,
        index: usize,
        now: Now,
        remove: bool,
        lease: &'a mut K::Lease,
    ) -> Result<Option<Reclaimed<'a, K>>, CommitError> {
        self.admit()?;
        let mut shard = self.lock(index);
        let Some(slot) = shard.calendar.first(EXPIRED) else { return Ok(None) };
        let is_over = shard.slab[slot].expires_at().is_some_and(|at| at <= now.wall_s);
        // When the clock was set back, the lease lives again, unless somebody else has got some of it meanwhile.
        if !is_over && shard.revive(slot) {
            return Ok(None);
        }
        K::copy_to(&shard.slab.contents(slot), lease);
        let deleted = remove || shard.slab[slot].state() == LeaseState::Declined;
        if deleted {
            let stored = self.delete_locked(&mut shard, slot)?;
            let (deltas, position) = (stored.deltas, stored.position);
            return Ok(Some(Reclaimed { lease, deleted, deltas, position }));
        }
        let mut rows = std::mem::take(&mut shard.rows);
        rows.clear();
        let reclaimed = Contents {
            fqdn_fwd: false,
            fqdn_rev: false,
            hostname: &[],
            state: LeaseState::ExpiredReclaimed,
            ..shard.slab.contents(slot)
        };
        K::push_row(&mut rows, &K::row(&reclaimed));
        let appended = self.append(&rows);
        shard.rows = rows;
        let position = appended?;
        let mut deltas = Deltas::default();
        deltas.push(shard.delta(slot, -1));
        shard.reclaim(slot);
        deltas.push(shard.delta(slot, 1));
        Ok(Some(Reclaimed { lease, deleted, deltas, position }))
    }
}
