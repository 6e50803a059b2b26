//! One of the parts that the store is divided into by address.
//!
//! A shard owns its records, their order of expiry, and the marks of their addresses in the current pools; all of it
//! changes under the shard's lock, so that it always agrees. The one rule between them: an address is marked in the
//! pools if and only if its record is *held*, and a record is held while its state keeps the address and its
//! expiry has not been noticed.

use std::sync::Arc;

use util::line_table::LineTable;

use super::calendar::{Calendar, EXPIRED, KEPT};
use super::kind::{Contents, LeaseKind, StoreAddress};
use super::record::Slab;
use super::{Delta, Expect, SubnetId, Version};
use crate::free::{PoolIndex, PoolSet};

/// What came of [`Shard::claim`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// The lease is marked now.
    Made,
    /// Another lease covers some of it.
    Refused,
    /// The lease is marked already, or need not be.
    Unneeded,
}

/// The leases whose addresses fall into one shard.
#[derive(Debug)]
pub(super) struct Shard<K: LeaseKind> {
    pub(super) slab: Slab<K>,
    pub(super) calendar: Calendar,
    /// Slots by the tag of the address.
    by_address: LineTable,
    pools: Arc<PoolSet<K::Number>>,
    /// Rows of the change being made.
    pub(super) rows: Vec<u8>,
    /// Version of the last change; versions are unique within a shard.
    version: u32,
    seed: u64,
}

impl<K: LeaseKind> Shard<K> {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            slab: Slab::new(),
            calendar: Calendar::new(),
            by_address: LineTable::new(),
            pools: Arc::default(),
            rows: Vec::new(),
            version: 0,
            seed,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_address.len()
    }

    /// The slot of an address's record.
    pub(super) fn slot(&self, address: K::Number) -> Option<u32> {
        let tag = address.tag(self.seed);
        if K::Number::HAS_UNIQUE_TAGS {
            return self.by_address.first(tag);
        }
        self.by_address.values(tag).find(|&slot| self.slab[slot].address == address)
    }

    /// All slots in use.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> {
        self.slab.used()
    }

    /// Addresses of all records.
    pub(super) fn addresses(&self) -> impl Iterator<Item = K::Number> {
        self.slab.used().map(|slot| self.slab[slot].address)
    }

    /// The slot of an address's record, provided that it is what a decision was based on; the inner `None` is
    /// no record.
    pub(super) fn expected(&self, address: K::Number, expect: Expect) -> Option<Option<u32>> {
        match expect {
            Expect::Absent => self.slot(address).is_none().then_some(None),
            Expect::Unchanged(version) => {
                let record = self.slab.get(version.slot)?;
                let same = record.address == address && record.version == version.change;
                (same && version.change != 0).then_some(Some(version.slot))
            }
        }
    }

    /// What a client sees of a record.
    pub(super) fn view(&self, slot: u32, key: &K::Key<'_>) -> K::View {
        let lease = self.slab.contents(slot);
        let record = &self.slab[slot];
        let version = Version { slot, change: record.version };
        K::view(&lease, K::ownership(key, &lease), record.is_held(), version)
    }

    /// One lease more or less in the state that a record has.
    pub(super) fn delta(&self, slot: u32, by: i8) -> Delta {
        let record = &self.slab[slot];
        let (subnet_id, state) = (SubnetId(record.subnet_id), record.state());
        let lease_type = K::lease_type(&record.own);
        Delta { subnet_id, lease_type, pool_id: self.slab.pool_id(slot), state, by }
    }

    /// Appends the row that deletes a record to the rows of the change.
    pub(super) fn push_deletion(&self, slot: u32, rows: &mut Vec<u8>) {
        K::push_deletion(rows, &self.slab.contents(slot));
    }

    /// Marks the addresses of a lease that is to be stored in `slot`, or in a record yet to be made, unless another
    /// lease covers some of them.
    pub(super) fn claim(
        &mut self,
        slot: Option<u32>,
        lease: &Contents<'_, K>,
        pool: Option<PoolIndex>,
    ) -> Claim {
        if !K::HAS_PREFIXES || !lease.state.holds_address() {
            return Claim::Unneeded;
        }
        let (first, last) = K::range(lease.address, &lease.own);
        let held = slot.filter(|&slot| self.slab[slot].is_held());
        if held.is_some_and(|slot| self.slab[slot].range() == (first, last)) {
            return Claim::Unneeded;
        }
        // What it has of another length must not be in its own way.
        held.inspect(|&slot| self.set_held(slot, false, None));
        if self.pools.claim(first, last, pool) {
            return Claim::Made;
        }
        held.inspect(|&slot| self.set_held(slot, true, None));
        Claim::Refused
    }

    /// Takes the marks away that [`Self::claim`] has made for a lease that was not stored.
    pub(super) fn disclaim(&mut self, slot: Option<u32>, lease: &Contents<'_, K>) {
        let (first, last) = K::range(lease.address, &lease.own);
        self.pools.unhold(first, last, None);
        if let Some(slot) = slot {
            let keeps = self.slab[slot].place < EXPIRED && self.slab[slot].state().holds_address();
            self.set_held(slot, keeps, None);
        }
    }

    /// Makes a record for an address that has none. It is in no list and holds nothing yet, unless it is `claimed`.
    pub(super) fn insert(&mut self, lease: &Contents<'_, K>, claimed: bool) -> u32 {
        let slot = self.slab.allocate();
        self.slab.fill(slot, lease);
        self.slab[slot].set_held(claimed);
        self.slab[slot].place = super::calendar::NOWHERE;
        self.by_address.insert(lease.address.tag(self.seed), slot);
        self.touch(slot);
        slot
    }

    /// Replaces the contents of a record and files it where it belongs by its new time and state. `pool` is
    /// the one that its address probably lies in. With `claimed` its addresses are marked already.
    pub(super) fn update(
        &mut self,
        slot: u32,
        lease: &Contents<'_, K>,
        pool: Option<PoolIndex>,
        claimed: bool,
    ) {
        let before = self.slab[slot].expires_at();
        if self.slab[slot].range() != K::range(lease.address, &lease.own) {
            // What is marked is another prefix from now on.
            self.set_held(slot, false, None);
        }
        self.slab.fill(slot, lease);
        if claimed {
            self.slab[slot].set_held(true);
        }
        self.refile_within(slot, before, pool);
        self.touch(slot);
    }

    /// Deletes a record and frees its address.
    pub(super) fn remove(&mut self, slot: u32) {
        self.calendar.remove(&mut self.slab, slot);
        self.set_held(slot, false, None);
        let address = self.slab[slot].address;
        self.by_address.remove(address.tag(self.seed), slot);
        self.slab.release(slot);
    }

    /// Puts a record into the list that its state and time ask for, and marks its address accordingly.
    ///
    /// `before` is the time for which it was filed, when it is in a wheel: a later time leaves it there.
    pub(super) fn refile(&mut self, slot: u32, before: Option<i64>) {
        self.refile_within(slot, before, None);
    }

    /// As [`Self::refile`]; `pool` is the one that the address probably lies in.
    pub(super) fn refile_within(
        &mut self,
        slot: u32,
        before: Option<i64>,
        pool: Option<PoolIndex>,
    ) {
        let record = &self.slab[slot];
        let holds = record.state().holds_address();
        let stays = holds
            && record.place < EXPIRED
            && before.is_some_and(|before| record.expires_at().is_none_or(|after| after >= before));
        if !stays {
            self.calendar.remove(&mut self.slab, slot);
            if holds {
                self.calendar.insert(&mut self.slab, slot);
            } else {
                self.calendar.append(&mut self.slab, slot, KEPT);
            }
        }
        self.set_held(slot, holds, pool);
    }

    /// Turns an expired lease into one that is kept for its client.
    pub(super) fn reclaim(&mut self, slot: u32) {
        self.calendar.remove(&mut self.slab, slot);
        self.slab.set_reclaimed(slot);
        self.calendar.append(&mut self.slab, slot, KEPT);
        self.touch(slot);
    }

    /// Looks at leases whose turn has come: expired ones free their address and queue for reclamation.
    /// Returns how many expired, and whether the work for `now_s` is done.
    pub(super) fn expire(&mut self, now_s: i64, budget: &mut usize) -> (usize, bool) {
        let mut expired = 0;
        while let Some(slot) = self.calendar.next_due(&mut self.slab, now_s, budget) {
            if self.slab[slot].expires_at().is_some_and(|at| at <= now_s) {
                self.calendar.append(&mut self.slab, slot, EXPIRED);
                self.set_held(slot, false, None);
                expired += 1;
            } else {
                self.calendar.insert(&mut self.slab, slot);
            }
        }
        (expired, *budget > 0)
    }

    /// Marks the addresses of this shard in another set of pools and uses it from now on.
    ///
    /// Leases of a file may overlap, when the clock was set back after one had ended and before the server was started
    /// again. One of them is treated as over.
    pub(super) fn adopt(&mut self, pools: &Arc<PoolSet<K::Number>>) {
        let mut refused = Vec::new();
        for slot in self.slots() {
            let record = &self.slab[slot];
            if record.is_held() && !marks::<K>(pools, record.range()) {
                refused.push(slot);
            }
        }
        self.pools = Arc::clone(pools);
        for slot in refused {
            self.slab[slot].set_held(false);
            self.calendar.remove(&mut self.slab, slot);
            self.calendar.append(&mut self.slab, slot, EXPIRED);
        }
    }

    /// Lets a lease live again whose expiry was noticed before the clock was set back; false when somebody else has got
    /// some of it meanwhile.
    pub(super) fn revive(&mut self, slot: u32) -> bool {
        if !marks::<K>(&self.pools, self.slab[slot].range()) {
            return false;
        }
        self.slab[slot].set_held(true);
        self.refile(slot, None);
        true
    }

    /// Marks or frees the address of a record; `pool` is the one that it probably lies in.
    fn set_held(&mut self, slot: u32, held: bool, pool: Option<PoolIndex>) {
        let record = &mut self.slab[slot];
        if record.is_held() == held {
            return;
        }
        record.set_held(held);
        let (first, last) = record.range();
        if held {
            self.pools.hold(first, last, pool);
        } else {
            self.pools.unhold(first, last, pool);
        }
    }

    /// Files records that were loaded: expired ones in order, the rest by their time.
    pub(super) fn file_loaded(&mut self, now_s: i64) {
        let mut slots: Vec<(i64, u32)> = Vec::with_capacity(self.len());
        for slot in self.slots() {
            slots.push((self.slab[slot].expires_at().unwrap_or(i64::MAX), slot));
        }
        slots.sort_unstable();
        self.calendar.start(now_s);
        for (expires_at, slot) in slots {
            if !self.slab[slot].state().holds_address() {
                self.calendar.append(&mut self.slab, slot, KEPT);
            } else if expires_at <= now_s {
                self.calendar.append(&mut self.slab, slot, EXPIRED);
            } else {
                self.calendar.insert(&mut self.slab, slot);
                self.set_held(slot, true, None);
            }
        }
    }

    fn touch(&mut self, slot: u32) {
        // 0 is kept for "no version".
        self.version = self.version.checked_add(1).unwrap_or(1);
        self.slab[slot].version = self.version;
    }

    /// Whether everything agrees, for tests.
    #[cfg(test)]
    pub(super) fn check(&self) {
        assert_eq!(self.slots().count(), self.len());
        for slot in self.slots() {
            let record = &self.slab[slot];
            assert_eq!(self.slot(record.address), Some(slot));
            assert!(!record.is_held() || record.state().holds_address());
            assert_eq!(record.place == KEPT, !record.state().holds_address());
            let (first, last) = record.range();
            let is_inside = self.pools.pool_of(record.address.into()).is_some();
            assert!(!is_inside || !record.is_held() || self.pools.is_range_held(first, last));
        }
    }
}

/// Marks a lease in the pools; false when another one is in its way.
fn marks<K: LeaseKind>(pools: &PoolSet<K::Number>, (first, last): (K::Number, K::Number)) -> bool {
    if K::HAS_PREFIXES {
        return pools.claim(first, last, None);
    }
    pools.hold(first, last, None);
    true
}
