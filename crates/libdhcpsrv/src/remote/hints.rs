//! What the pools know of leases that are kept elsewhere: hints.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use crate::free::{PoolIndex, PoolSet};
use crate::lease::{Contents, LeaseKind, is_expired};

/// The marks of the pools, shared by all workers. A mark may be missing or too many; none decides anything alone.
#[derive(Debug)]
pub struct Hints<K: LeaseKind> {
    pools: RwLock<Arc<PoolSet<K::Number>>>,
    /// Whether a pool seemed to have nothing left.
    exhausted: AtomicBool,
    seed: u64,
}

impl<K: LeaseKind> Default for Hints<K> {
    fn default() -> Self {
        Self::new(0)
    }
}

impl<K: LeaseKind> Hints<K> {
    /// Makes marks of nothing. `seed` is secret, because clients choose what is hashed with it.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { pools: RwLock::default(), exhausted: AtomicBool::new(false), seed }
    }

    /// The seed of hashes of clients.
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// Uses other pools from now on, in which `held` is marked: first and last address of each lease.
    pub fn adopt(&self, pools: &Arc<PoolSet<K::Number>>, held: &[(K::Number, K::Number)]) {
        for &(first, last) in held {
            pools.hold(first, last, None);
        }
        self.pools.write().clone_from(pools);
    }

    /// Makes the marks of pools in which nothing is free anew from what is held, all of it. What is marked meanwhile may be
    /// lost: these are hints. Returns how many units of these pools are free now.
    pub fn renew(&self, held: &[(K::Number, K::Number)]) -> u64 {
        let pools = self.pools.read().clone();
        let all = (0..pools.len() as u32).map(PoolIndex);
        let full: Vec<PoolIndex> = all.filter(|pool| pools.free_count(*pool) == 0).collect();
        pools.clear_full();
        for &(first, last) in held {
            // Marks of what is no unit are counted: one is enough.
            if !K::HAS_PREFIXES || !pools.is_range_held(first, last) {
                pools.hold(first, last, None);
            }
        }
        full.into_iter().map(|pool| pools.free_count(pool)).sum()
    }

    /// Takes note of a lifetime that has ended.
    pub fn ended(&self, first: K::Number, last: K::Number) {
        self.pools.read().unhold(first, last, None);
    }

    /// Whether a pool has seemed to have nothing left since the last call.
    pub fn take_exhausted(&self) -> bool {
        self.exhausted.swap(false, Ordering::Relaxed)
    }

    /// Takes note that nothing could be picked.
    pub(crate) fn note_exhausted(&self) {
        self.exhausted.store(true, Ordering::Relaxed);
    }

    /// Takes note of what was read or stored.
    pub(super) fn learn(&self, lease: &Contents<'_, K>, now_s: i64) {
        let (first, last) = K::range(lease.address, &lease.own);
        let pools = self.pools.read();
        match is_holding(lease, now_s) {
            // Marks of what is no unit are counted: one is enough.
            true if K::HAS_PREFIXES && pools.is_range_held(first, last) => {}
            true => pools.hold(first, last, None),
            false => pools.unhold(first, last, None),
        }
    }

    /// Takes note that there is no lease of this address.
    pub(super) fn learn_absence(&self, address: K::Number) {
        self.pools.read().unhold_unit_from(address);
    }

    /// Whether some of these addresses lie in a pool and are leased, as far as is known.
    pub(super) fn is_held(&self, first: K::Number, last: K::Number) -> bool {
        self.pools.read().is_range_held(first, last)
    }
}

/// Whether a lease keeps its address from others.
pub(super) fn is_holding<K: LeaseKind>(lease: &Contents<'_, K>, now_s: i64) -> bool {
    lease.state.holds_address() && !is_expired(lease.cltt, lease.valid_lifetime, now_s)
}
