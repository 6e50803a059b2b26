//! From a client in a subnet to its leases.
//!
//! Entries are eight bytes: a 32-bit fingerprint of (subnet, what identifies the client) and the place of a record. What
//! they say is a hint: the record decides, and the caller compares it. Which keys a lease is entered under, two at most,
//! is a matter of its kind; a tag keeps keys of different sorts apart.
//!
//! Sharded by key; each shard has its own lock, which is a leaf: nothing else is locked while it is held, and it never
//! leaves this file. Equal keys beyond [`EQUAL_MAX`] are not entered, which bounds every step; only clients that
//! are told apart by nothing lose by it.

use std::hash::Hasher;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;
use parking_lot::Mutex;
use util::line_table::LineTable;

/// Entries with the same fingerprint that the index keeps.
pub(crate) const EQUAL_MAX: usize = 32;

const SHARDS: usize = 64;

/// The place of a record: number of its shard and slot in the shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    /// Bits of the slot: a shard has at most a 64th of all IPv4 addresses, or as many of the others.
    const SLOT_BITS: u32 = 26;

    pub(super) const fn new(shard: usize, slot: u32) -> Self {
        Self((shard as u32) << Self::SLOT_BITS | slot)
    }

    pub(super) const fn shard(self) -> usize {
        (self.0 >> Self::SLOT_BITS) as usize
    }

    pub(super) const fn slot(self) -> u32 {
        self.0 & ((1 << Self::SLOT_BITS) - 1)
    }
}

/// A hashed key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash {
    shard: usize,
    fingerprint: u32,
}

#[derive(Debug)]
#[repr(align(64))]
struct Shard(Mutex<LineTable>);

/// Entries to be made at once.
#[derive(Debug)]
pub(super) struct Batch {
    shards: Vec<Vec<(u32, Place)>>,
}

impl Batch {
    pub(super) fn push(&mut self, key: KeyHash, place: Place) {
        if let Some(entries) = self.shards.get_mut(key.shard) {
            entries.push((key.fingerprint, place));
        }
    }
}

/// The index of all clients.
#[derive(Debug)]
pub struct ClientIndex {
    shards: Box<[Shard]>,
    seed: SharedSeed,
}

impl ClientIndex {
    pub(super) fn new(seed: u64) -> Self {
        let shards = (0..SHARDS).map(|_| Shard(Mutex::new(LineTable::new()))).collect();
        Self { shards, seed: SharedSeed::from_u64(seed) }
    }

    /// Hashes an identifier; `None` when it is empty, which identifies nobody. `tag` tells keys of different sorts and
    /// subnets apart.
    #[inline]
    pub(crate) fn hash(&self, tag: u64, identifier: &[u8]) -> Option<KeyHash> {
        if identifier.is_empty() {
            return None;
        }
        let mut hasher = FoldHasher::with_seed(tag, &self.seed);
        hasher.write(identifier);
        let hash = hasher.finish();
        Some(KeyHash { shard: (hash >> 58) as usize, fingerprint: hash as u32 })
    }

    /// The first lease entered under a key.
    pub(super) fn first(&self, key: KeyHash) -> Option<Place> {
        self.shards[key.shard].0.lock().first(key.fingerprint).map(Place)
    }

    /// Copies the leases entered under a key and returns how many there are.
    pub(super) fn all(&self, key: KeyHash, into: &mut [Place; EQUAL_MAX]) -> usize {
        let table = self.shards[key.shard].0.lock();
        let places = table.values(key.fingerprint).map(Place);
        into.iter_mut().zip(places).map(|(target, place)| *target = place).count()
    }

    /// Enters a lease; returns whether there was room among the equal ones.
    pub(super) fn insert(&self, key: KeyHash, place: Place) -> bool {
        let mut table = self.shards[key.shard].0.lock();
        // Most keys are new: one look tells.
        let is_known = table.first(key.fingerprint).is_some();
        if is_known && table.values(key.fingerprint).count() >= EQUAL_MAX {
            return false;
        }
        table.insert(key.fingerprint, place.0);
        true
    }

    /// Removes a lease that was entered under a key.
    pub(super) fn remove(&self, key: KeyHash, place: Place) {
        self.shards[key.shard].0.lock().remove(key.fingerprint, place.0);
    }

    /// Starts to gather the entries of about `leases` leases.
    pub(super) fn batch(&self, leases: usize) -> Batch {
        // A sixteenth more, because keys do not spread evenly.
        let share = 2 * leases / SHARDS + leases / (SHARDS * 8);
        Batch { shards: (0..SHARDS).map(|_| Vec::with_capacity(share)).collect() }
    }

    /// Enters a batch, shard by shard, so that each table stays in the cache; returns what found no room among equals.
    pub(super) fn insert_all(&self, batch: Batch) -> Vec<(KeyHash, Place)> {
        let mut refused = Vec::new();
        for (shard, entries) in batch.shards.into_iter().enumerate() {
            self.shards[shard].0.lock().reserve(entries.len());
            for (fingerprint, place) in entries {
                let key = KeyHash { shard, fingerprint };
                if !self.insert(key, place) {
                    refused.push((key, place));
                }
            }
        }
        refused
    }

    /// Number of entries.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.0.lock().len()).sum()
    }
}
