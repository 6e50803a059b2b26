//! Lookups and changes of the lease store.
//!
//! Records are divided into [`SHARDS`] by address, each behind its own lock, so that workers seldom meet. Order of
//! locking: address shards by ascending number (a change touches two at most), then one shard of the client index or
//! the journal queue, which are leaves. A lookup by client reads the index, lets go of it, and compares the record;
//! if that has changed in between it looks again.
//!
//! Warm costs: a lookup that finds nothing 30 ns, one that finds 60 ns, a new lease with its row 235 ns. No
//! allocation except when a table or the slab grows.

use std::collections::BinaryHeap;
use std::sync::Arc;

use arrayvec::ArrayVec;
use parking_lot::{Mutex, MutexGuard};
use util::Now;
use util::journal::{JournalPosition, JournalQueue};

use super::client_index::{ClientIndex, EQUAL_MAX, KeyHash, Place};
use super::kind::{AddressOf, Contents, LeaseKind, LeaseView, StoreAddress};
use super::shard::{Claim, Shard};
use super::{CommitError, Counts, Deltas, Expect, LeaseState, Ownership, Stored, SubnetId};
use crate::extended_info;
use crate::free::{PoolIndex, PoolSet};

/// Number of parts by address.
pub(super) const SHARDS: usize = 64;

/// Leases of one client in one subnet that are found by it.
pub const LEASES_PER_KEY_MAX: usize = EQUAL_MAX;

/// How often a lookup is repeated when records move under it.
const LOOKUPS_MAX: usize = 4;

/// A shard on its own cache lines.
#[derive(Debug)]
#[repr(align(128))]
struct Cell<K: LeaseKind>(Mutex<Shard<K>>);

/// All leases of a server; shared by its workers.
#[derive(Debug)]
pub struct LeaseStore<K: LeaseKind> {
    shards: Box<[Cell<K>]>,
    clients: ClientIndex,
    journal: Option<Arc<JournalQueue>>,
}

/// A client's lease, one of several.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nth<K: LeaseKind> {
    /// The lease.
    pub own: Option<K::View>,
    /// Whether there is one behind it.
    pub more: bool,
}

/// The locked shards of a change: that of its address, and that of the replaced lease when it is another one.
struct Locked<'a, K: LeaseKind> {
    main: MutexGuard<'a, Shard<K>>,
    other: Option<MutexGuard<'a, Shard<K>>>,
}

impl<K: LeaseKind> Locked<'_, K> {
    /// The shard of the replaced lease.
    fn replaced(&mut self) -> &mut Shard<K> {
        self.other.as_deref_mut().unwrap_or(&mut self.main)
    }
}

impl<K: LeaseKind> LeaseStore<K> {
    /// Makes an empty store. `seed` should be secret: it keeps clients from choosing identifiers that collide.
    /// Without a journal, leases are in memory only.
    #[must_use]
    pub fn new(seed: u64, journal: Option<Arc<JournalQueue>>) -> Self {
        let shards = (0..SHARDS).map(|_| Cell(Mutex::new(Shard::new(seed)))).collect();
        Self { shards, clients: ClientIndex::new(seed.rotate_left(32)), journal }
    }

    /// The client's lease in a subnet, in the ways that its kind knows to look for one. The lease may be expired or
    /// reclaimed. Of several leases it is the one with the lowest address.
    #[must_use]
    pub fn find(&self, key: &K::Key<'_>, subnet: SubnetId) -> Option<K::View> {
        if K::HAS_SEVERAL {
            return self.find_nth(key, subnet, 0).own;
        }
        K::look(&self.clients, key, subnet.0, |hash| self.find_by(hash, key, subnet))
    }

    /// The `nth` lease of the client in a subnet, from 0 on in the order of addresses, and whether there is a further
    /// one. A kind whose clients have one lease only knows that one.
    ///
    /// At most [`LEASES_PER_KEY_MAX`] leases of a client are found.
    #[must_use]
    pub fn find_nth(&self, key: &K::Key<'_>, subnet: SubnetId, nth: u32) -> Nth<K> {
        let none = Nth { own: None, more: false };
        if !K::HAS_SEVERAL {
            return if nth == 0 { Nth { own: self.find(key, subnet), ..none } } else { none };
        }
        let by = |hash| self.find_nth_by(hash, key, subnet, nth as usize);
        K::look(&self.clients, key, subnet.0, by).unwrap_or(none)
    }

    /// The lease of an address, whoever has it, as `key` sees it.
    #[must_use]
    pub fn get(&self, address: AddressOf<K>, key: &K::Key<'_>) -> Option<K::View> {
        let address = address.into();
        let shard = self.lock(shard_of(address));
        shard.slot(address).map(|slot| shard.view(slot, key))
    }

    /// A whole copy of the lease of an address.
    #[must_use]
    pub fn lease(&self, address: AddressOf<K>) -> Option<K::Lease> {
        let mut lease = K::Lease::default();
        self.lease_into(address, &mut lease).then_some(lease)
    }

    /// Copies the lease of an address into `lease`, reusing its buffers; returns whether there is one.
    pub fn lease_into(&self, address: AddressOf<K>, lease: &mut K::Lease) -> bool {
        let address = address.into();
        let shard = self.lock(shard_of(address));
        let slot = shard.slot(address);
        slot.inspect(|&slot| K::copy_to(&shard.slab.contents(slot), lease)).is_some()
    }

    /// Stores a lease. The journal has its row, and every index knows it, when this returns.
    ///
    /// # Errors
    /// [`CommitError`]; nothing has changed then.
    pub fn commit(&self, change: &K::Change<'_>, now: Now) -> Result<Stored, CommitError> {
        self.admit()?;
        let terms = K::terms(change);
        let lease = K::contents(change, now.wall_s);
        let address = lease.address;
        let replaces = terms.replaces.filter(|&old| old != address);
        let mut locked = self.lock_two(address, replaces);
        let slot = locked.main.expected(address, terms.expect).ok_or(CommitError::Conflict)?;
        let replaced = replaces.and_then(|old| {
            let shard = locked.replaced();
            let is_own = |slot| K::has_same_owner(&lease, &shard.slab.contents(slot));
            shard.slot(old).filter(|&slot| is_own(slot))
        });
        let old = slot.filter(|_| terms.keeps_context).map(|slot| locked.main.slab.contents(slot));
        let context = old.and_then(|old| merged_context(&old, &lease, terms.keeps_context));
        let user_context = context.as_deref().unwrap_or(lease.user_context);
        let lease = Contents { user_context, ..lease };
        let claim = locked.main.claim(slot, &lease, terms.pool);
        if claim == Claim::Refused {
            return Err(CommitError::Conflict);
        }
        let claimed = claim == Claim::Made;
        let position = match self.write(&mut locked, &lease, replaced) {
            Ok(position) => position,
            Err(error) => {
                if claimed {
                    locked.main.disclaim(slot, &lease);
                }
                return Err(error);
            }
        };
        let mut deltas = Deltas::default();
        if let Some(replaced) = replaced {
            let shard = locked.replaced();
            deltas.push(shard.delta(replaced, -1));
            self.remove(shard, replaced);
        }
        let shard = &mut *locked.main;
        let slot = match slot {
            Some(slot) => {
                deltas.push(shard.delta(slot, -1));
                self.update(shard, slot, &lease, terms.pool, claimed);
                slot
            }
            None => {
                let slot = shard.insert(&lease, claimed);
                self.enter(shard, slot, &lease);
                shard.refile_within(slot, None, terms.pool);
                slot
            }
        };
        deltas.push(shard.delta(slot, 1));
        Ok(Stored { position, deltas, replaced: replaced.is_some() })
    }

    /// Whether a change would alter nothing of a lease but its time; if so, the journal position that makes durable what
    /// is there, 0 when it is already.
    #[must_use]
    pub fn same(&self, change: &K::Change<'_>) -> Option<JournalPosition> {
        let (new, terms) = (K::contents(change, 0), K::terms(change));
        let shard = self.lock(shard_of(new.address));
        let slot = shard.expected(new.address, terms.expect).flatten()?;
        let old = shard.slab.contents(slot);
        let context = merged_context(&old, &new, terms.keeps_context);
        let user_context = context.as_deref().unwrap_or(new.user_context);
        let new = Contents { user_context, ..new };
        let is_same = is_same(&new, &shard.slab.contents(slot));
        drop(shard);
        let journal = self.journal.as_deref().filter(|journal| journal.has_uncommitted());
        is_same.then(|| journal.map_or(0, JournalQueue::appended))
    }

    /// Deletes a lease, as a release does.
    ///
    /// # Errors
    /// [`CommitError`]; nothing has changed then. A lease that is not there is a conflict.
    pub fn delete(&self, address: AddressOf<K>, expect: Expect) -> Result<Stored, CommitError> {
        self.admit()?;
        let address = address.into();
        let mut shard = self.lock(shard_of(address));
        let slot = shard.expected(address, expect).flatten().ok_or(CommitError::Conflict)?;
        self.delete_locked(&mut shard, slot)
    }

    /// Quarantines an address that a client has declined: nobody owns it until `probation_s` seconds have passed.
    ///
    /// # Errors
    /// [`CommitError`]; nothing has changed then. A lease that is not there is a conflict.
    pub fn decline(
        &self,
        address: AddressOf<K>,
        expect: Expect,
        probation_s: u32,
        now: Now,
    ) -> Result<Stored, CommitError> {
        let lease = self.lease(address).ok_or(CommitError::Conflict)?;
        let change = K::decline(&lease, expect, probation_s);
        self.commit(&change, now)
    }

    /// Uses another set of pools from now on: marks every active lease in it, shard by shard.
    ///
    /// Workers may go on meanwhile. One that still picks from the old set gets proposals that are out of date,
    /// which the commit refuses.
    pub fn adopt_pools(&self, pools: &Arc<PoolSet<K::Number>>) {
        for index in 0..SHARDS {
            self.lock(index).adopt(pools);
        }
    }

    /// Number of leases, in whatever state.
    #[must_use]
    pub fn len(&self) -> usize {
        (0..SHARDS).map(|index| self.lock(index).len()).sum()
    }

    /// Whether there is no lease.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Up to `limit` leases behind the address `after`, in the order of addresses. Goes through the whole store: for
    /// commands.
    #[must_use]
    pub fn page(&self, after: Option<AddressOf<K>>, limit: usize) -> Vec<K::Lease> {
        let after: Option<K::Number> = after.map(Into::into);
        let mut lowest = BinaryHeap::new();
        for index in 0..SHARDS {
            for address in self.lock(index).addresses() {
                let is_behind = after.is_none_or(|after| address > after);
                let is_low = || lowest.peek().is_none_or(|&highest| address < highest);
                if is_behind && (lowest.len() < limit || is_low()) {
                    lowest.push(address);
                    if lowest.len() > limit {
                        lowest.pop();
                    }
                }
            }
        }
        let addresses = lowest.into_sorted_vec();
        addresses.into_iter().filter_map(|address| self.lease(address.into())).collect()
    }

    /// All leases that `accepts` picks, in the order of addresses. Goes through the whole store: for commands.
    /// `accepts` runs under a lock and must not call the store.
    #[must_use]
    pub fn select(&self, mut accepts: impl FnMut(&K::Row<'_>) -> bool) -> Vec<K::Lease> {
        let mut leases = Vec::new();
        for index in 0..SHARDS {
            let shard = self.lock(index);
            for contents in shard.slots().map(|slot| shard.slab.contents(slot)) {
                if accepts(&K::row(&contents)) {
                    let mut lease = K::Lease::default();
                    K::copy_to(&contents, &mut lease);
                    leases.push(lease);
                }
            }
        }
        leases.sort_unstable_by_key(K::address);
        leases
    }

    /// All leases of a client over all subnets, as commands mean it: see the kind.
    #[must_use]
    pub fn leases_of(&self, key: &K::Key<'_>) -> Vec<K::Lease> {
        self.select(|row| K::is_of(row, key))
    }

    /// Counts the leases of each subnet by type, pool and state.
    #[must_use]
    pub fn recount(&self) -> Counts {
        let mut counts = Counts::new();
        for index in 0..SHARDS {
            let shard = self.lock(index);
            for slot in shard.slots() {
                let lease = shard.delta(slot, 1);
                let group = (lease.subnet_id, lease.lease_type, lease.pool_id, lease.state);
                *counts.entry(group).or_insert(0) += 1;
            }
        }
        counts
    }

    /// Writes all leases as rows of a lease file, in the order of addresses, in pieces of some 64 KiB.
    ///
    /// # Errors
    /// Whatever `write` returns; the rest is not written.
    pub fn export<E>(&self, mut write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<u64, E> {
        let mut addresses = Vec::with_capacity(self.len());
        for index in 0..SHARDS {
            addresses.extend(self.lock(index).addresses());
        }
        addresses.sort_unstable();
        let mut rows = Vec::with_capacity(1 << 16);
        let mut count = 0;
        for address in addresses {
            let shard = self.lock(shard_of(address));
            if let Some(slot) = shard.slot(address) {
                K::push_row(&mut rows, &K::row(&shard.slab.contents(slot)));
                count += 1;
            }
            drop(shard);
            if rows.len() > (1 << 16) - 2048 {
                write(&rows)?;
                rows.clear();
            }
        }
        write(&rows)?;
        Ok(count)
    }

    /// Locks a shard.
    pub(super) fn lock(&self, index: usize) -> MutexGuard<'_, Shard<K>> {
        self.shards[index].0.lock()
    }

    /// A shard that nobody else can see.
    pub(super) fn shard_mut(&mut self, index: usize) -> &mut Shard<K> {
        self.shards[index].0.get_mut()
    }

    /// The index of clients.
    pub(crate) fn clients(&self) -> &ClientIndex {
        &self.clients
    }

    /// Appends rows to the journal; position 0 without one.
    pub(super) fn append(&self, rows: &[u8]) -> Result<JournalPosition, CommitError> {
        match &self.journal {
            Some(journal) => Ok(journal.append(rows)?),
            None => Ok(0),
        }
    }

    /// Whether changes may be made now.
    pub(super) fn admit(&self) -> Result<(), CommitError> {
        Ok(self.journal.as_deref().map_or(Ok(()), JournalQueue::admit)?)
    }

    /// Deletes a record of a locked shard, journal first.
    pub(super) fn delete_locked(
        &self,
        shard: &mut Shard<K>,
        slot: u32,
    ) -> Result<Stored, CommitError> {
        let mut rows = std::mem::take(&mut shard.rows);
        rows.clear();
        shard.push_deletion(slot, &mut rows);
        let appended = self.append(&rows);
        shard.rows = rows;
        let position = appended?;
        let mut deltas = Deltas::default();
        deltas.push(shard.delta(slot, -1));
        self.remove(shard, slot);
        Ok(Stored { position, deltas, replaced: false })
    }

    /// Enters a record's client into the index.
    fn enter(&self, shard: &mut Shard<K>, slot: u32, lease: &Contents<'_, K>) {
        let place = Place::new(shard_of(lease.address), slot);
        let keys = K::index_keys(&self.clients, lease);
        let entered = keys.map(|key| key.is_some_and(|key| self.clients.insert(key, place)));
        shard.slab[slot].set_indexed(entered);
    }

    /// Takes a record's client out of the index.
    fn withdraw(&self, shard: &Shard<K>, slot: u32) {
        let lease = shard.slab.contents(slot);
        let place = Place::new(shard_of(lease.address), slot);
        let keys = K::index_keys(&self.clients, &lease);
        for (key, is_entered) in keys.into_iter().zip(shard.slab[slot].indexed()) {
            if let Some(key) = key.filter(|_| is_entered) {
                self.clients.remove(key, place);
            }
        }
    }

    fn remove(&self, shard: &mut Shard<K>, slot: u32) {
        self.withdraw(shard, slot);
        shard.remove(slot);
    }

    /// Replaces a record, and its index entries if its client or subnet changes.
    fn update(
        &self,
        shard: &mut Shard<K>,
        slot: u32,
        lease: &Contents<'_, K>,
        pool: Option<PoolIndex>,
        claimed: bool,
    ) {
        let stored = shard.slab.contents(slot);
        let same = stored.subnet_id == lease.subnet_id && K::has_same_keys(&stored, lease);
        if !same {
            self.withdraw(shard, slot);
        }
        shard.update(slot, lease, pool, claimed);
        if !same {
            self.enter(shard, slot, lease);
        }
    }

    /// Journals the row of a change, and the deletion of the lease that it replaces.
    fn write(
        &self,
        locked: &mut Locked<'_, K>,
        lease: &Contents<'_, K>,
        replaced: Option<u32>,
    ) -> Result<JournalPosition, CommitError> {
        if self.journal.is_none() {
            return Ok(0);
        }
        let mut rows = std::mem::take(&mut locked.main.rows);
        rows.clear();
        K::push_row(&mut rows, &K::row(lease));
        if let Some(slot) = replaced {
            locked.replaced().push_deletion(slot, &mut rows);
        }
        let position = self.append(&rows);
        locked.main.rows = rows;
        position
    }

    /// The lease under a key that belongs to the client.
    fn find_by(&self, hash: KeyHash, key: &K::Key<'_>, subnet: SubnetId) -> Option<K::View> {
        let first = self.clients.first(hash)?;
        if let Some(view) = self.mine(first, key, subnet) {
            return Some(view);
        }
        // The record has moved meanwhile, or another key has the same fingerprint.
        for _ in 0..LOOKUPS_MAX {
            let mut places = [Place::default(); EQUAL_MAX];
            let count = self.clients.all(hash, &mut places);
            let places = places.get(..count).unwrap_or_default();
            if places.is_empty() {
                return None;
            }
            let view = places.iter().find_map(|&place| self.mine(place, key, subnet));
            if view.is_some() {
                return view;
            }
        }
        None
    }

    /// The `nth` lease under a key that belongs to the client.
    fn find_nth_by(
        &self,
        hash: KeyHash,
        key: &K::Key<'_>,
        subnet: SubnetId,
        nth: usize,
    ) -> Option<Nth<K>> {
        for _ in 0..LOOKUPS_MAX {
            let mut places = [Place::default(); EQUAL_MAX];
            let count = self.clients.all(hash, &mut places);
            let places = places.get(..count).unwrap_or_default();
            let mut found: ArrayVec<K::View, EQUAL_MAX> = ArrayVec::new();
            found.extend(places.iter().filter_map(|&place| self.mine(place, key, subnet)));
            if found.is_empty() && !places.is_empty() {
                // The record has moved meanwhile, or another key has the same fingerprint.
                continue;
            }
            found.sort_unstable_by_key(LeaseView::address);
            return Some(Nth { own: found.get(nth).copied(), more: nth + 1 < found.len() });
        }
        None
    }

    /// The lease in a place if it belongs to the client and the subnet. A place that is free now belongs to nobody.
    fn mine(&self, place: Place, key: &K::Key<'_>, subnet: SubnetId) -> Option<K::View> {
        let shard = self.lock(place.shard());
        let view = shard.view(place.slot(), key);
        (view.owner() == Ownership::Mine && view.subnet_id() == subnet).then_some(view)
    }

    /// Locks the shards of one or two addresses in their order.
    fn lock_two(&self, address: K::Number, other: Option<K::Number>) -> Locked<'_, K> {
        let index = shard_of(address);
        match other.map(shard_of).filter(|&other| other != index) {
            None => Locked { main: self.lock(index), other: None },
            Some(other) if other < index => {
                let other = self.lock(other);
                Locked { main: self.lock(index), other: Some(other) }
            }
            Some(other) => {
                let main = self.lock(index);
                Locked { main, other: Some(self.lock(other)) }
            }
        }
    }
}

/// The user context of a lease that its owner keeps or has declined, with the new one merged into it; `None` when the new
/// one counts.
pub(crate) fn merged_context<K: LeaseKind>(
    old: &Contents<'_, K>,
    new: &Contents<'_, K>,
    keeps_context: bool,
) -> Option<Vec<u8>> {
    let is_its_own = || new.state == LeaseState::Declined || K::has_same_owner(new, old);
    let is_kept = keeps_context && !old.user_context.is_empty() && is_its_own();
    is_kept.then(|| extended_info::merge(old.user_context, new.user_context))
}

/// Whether two leases of one address differ in nothing but their time.
pub fn is_same<K: LeaseKind>(new: &Contents<'_, K>, old: &Contents<'_, K>) -> bool {
    new.ids == old.ids
        && K::is_same_own(&new.own, &old.own)
        && new.valid_lifetime == old.valid_lifetime
        && new.subnet_id == old.subnet_id
        && (new.fqdn_fwd, new.fqdn_rev) == (old.fqdn_fwd, old.fqdn_rev)
        && new.state == old.state
        && new.pool_id == old.pool_id
        && new.hostname == old.hostname
        && new.user_context == old.user_context
}

/// The shard of an address.
pub(crate) fn shard_of<A: StoreAddress>(address: A) -> usize {
    address.part(SHARDS)
}

#[cfg(test)]
impl<K: LeaseKind> LeaseStore<K> {
    /// Checks that everything in the store agrees.
    pub(crate) fn check(&self) {
        for index in 0..SHARDS {
            self.lock(index).check();
        }
    }
}
