//! One of the parts that the store is divided into by address.
//!
//! A shard owns its records, their order of expiry, and the marks of their addresses in the current pools; all of it
//! changes under the shard's lock, so that it always agrees. The one rule between them: an address is marked in the
//! pools if and only if its record is *held*, and a record is held while its state keeps the address and its
//! expiry has not been noticed.

use std::sync::Arc;

use util::line_table::LineTable;

use super::calendar::{Calendar, EXPIRED, KEPT};
use super::csv4::{self, Row};
use super::record::Slab;
use super::{ClientKey, Delta, Expect, Lease4View, Ownership, SubnetId, Version};
use crate::free::{PoolIndex, PoolSet};

/// The leases whose addresses fall into one shard.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) slab: Slab,
    pub(super) calendar: Calendar,
    /// Slots by the tag of the address; no two addresses have the same tag.
    by_address: LineTable,
    pools: Arc<PoolSet>,
    /// Rows of the change being made.
    pub(super) rows: Vec<u8>,
    /// Version of the last change; versions are unique within a shard.
    version: u32,
    seed: u64,
}

impl Shard {
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
    pub(super) fn slot(&self, address: u32) -> Option<u32> {
        self.by_address.first(self.tag(address))
    }

    /// All slots in use.
    pub(super) fn slots(&self) -> impl Iterator<Item = u32> {
        self.slab.used()
    }

    /// Addresses of all records.
    pub(super) fn addresses(&self) -> impl Iterator<Item = u32> {
        self.slab.used().map(|slot| self.slab[slot].address)
    }

    /// The slot of an address's record, provided that it is what a decision was based on; the inner `None` is
    /// no record.
    pub(super) fn expected(&self, address: u32, expect: Expect) -> Option<Option<u32>> {
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
    pub(super) fn view(&self, slot: u32, key: &ClientKey<'_>) -> Lease4View {
        let record = &self.slab[slot];
        let is_mine = key.owns(&self.slab.client(slot));
        Lease4View {
            address: record.address.into(),
            subnet_id: SubnetId(record.subnet_id),
            state: record.state(),
            cltt: record.cltt(),
            valid_lifetime: record.valid_lifetime,
            owner: if is_mine { Ownership::Mine } else { Ownership::Other },
            fqdn_fwd: record.fqdn_fwd(),
            fqdn_rev: record.fqdn_rev(),
            has_hostname: !self.slab.hostname(slot).is_empty(),
            version: Version { slot, change: record.version },
        }
    }

    /// One lease more or less in the state that a record has.
    pub(super) fn delta(&self, slot: u32, by: i8) -> Delta {
        let record = &self.slab[slot];
        let (subnet_id, state) = (SubnetId(record.subnet_id), record.state());
        Delta { subnet_id, pool_id: self.slab.pool_id(slot), state, by }
    }

    /// Appends the row that deletes a record to the rows of the change.
    pub(super) fn push_deletion(&self, slot: u32, rows: &mut Vec<u8>) {
        csv4::push_row(rows, &Row { valid_lifetime: 0, ..self.slab.row(slot) });
    }

    /// Makes a record for an address that has none. It is in no list and holds nothing yet.
    pub(super) fn insert(&mut self, address: u32, row: &Row<'_>, hw_type: u8) -> u32 {
        let slot = self.slab.allocate();
        self.slab.fill(slot, row, hw_type);
        self.slab[slot].place = super::calendar::NOWHERE;
        self.by_address.insert(self.tag(address), slot);
        self.touch(slot);
        slot
    }

    /// Replaces the contents of a record and files it where it belongs by its new time and state. `pool` is
    /// the one that its address probably lies in.
    pub(super) fn update(
        &mut self,
        slot: u32,
        row: &Row<'_>,
        hw_type: u8,
        pool: Option<PoolIndex>,
    ) {
        let before = self.slab[slot].expires_at();
        self.slab.fill(slot, row, hw_type);
        self.refile_within(slot, before, pool);
        self.touch(slot);
    }

    /// Deletes a record and frees its address.
    pub(super) fn remove(&mut self, slot: u32) {
        self.calendar.remove(&mut self.slab, slot);
        self.set_held(slot, false, None);
        let address = self.slab[slot].address;
        self.by_address.remove(self.tag(address), slot);
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
    pub(super) fn adopt(&mut self, pools: &Arc<PoolSet>) {
        for slot in self.slots() {
            let record = &self.slab[slot];
            if record.is_held() {
                pools.hold(record.address, None);
            }
        }
        self.pools = Arc::clone(pools);
    }

    /// Marks or frees the address of a record; `pool` is the one that it probably lies in.
    fn set_held(&mut self, slot: u32, held: bool, pool: Option<PoolIndex>) {
        let record = &mut self.slab[slot];
        if record.is_held() == held {
            return;
        }
        record.set_held(held);
        if held {
            self.pools.hold(record.address, pool);
        } else {
            self.pools.unhold(record.address);
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

    /// Mixes an address, one to one; the seed keeps clients from choosing neighbours.
    fn tag(&self, address: u32) -> u32 {
        let mixed = (address ^ self.seed as u32).wrapping_mul(0x9e37_79b1);
        let mixed = (mixed ^ mixed >> 15).wrapping_mul((self.seed >> 32) as u32 | 1);
        mixed ^ mixed >> 16
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
            if self.pools.pool_of(record.address.into()).is_some() {
                assert_eq!(self.pools.is_held(record.address.into()), record.is_held());
            }
        }
    }
}
