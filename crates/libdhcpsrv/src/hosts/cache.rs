//! What databases have told about hosts a moment ago, for all workers: hosts, and that there are none.
//!
//! An entry is the answer of all databases together to one question about one place (a subnet, or everywhere): whose host
//! a client is there, or for whom the addresses of a small block are reserved. It is true for a fixed time, so entries
//! grow old in the order in which they came, and the oldest ones go first when there are too many or they take too
//! much memory. Clients choose what is asked, so both are bounded. The locks are many, and held for a look or an entry.
//!
//! Kea: the hook library `host_cache`, which knows hosts alone and keeps them until it is told otherwise.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use util::Now;

use super::{HostKind, IdentifierKind, StoredHost};
use crate::lease::{AddressOf, LeaseKind};

const SHARDS: usize = 16;
/// What an entry takes beside its key and its hosts: its places in the map and the queue, and counts.
const OVERHEAD: usize = 128;

/// How much is remembered, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Number of entries; 0 remembers nothing.
    pub entries_max: usize,
    /// Bytes that they may take together.
    pub bytes_max: usize,
    /// Milliseconds for which an answer is taken for true; 0 remembers nothing.
    pub time_ms: u32,
}

/// An exchange asks more than once, and comes again in a moment (DISCOVER, REQUEST): two seconds spare a database most
/// questions, and whoever enters a reservation does not have to wait.
impl Default for CacheLimits {
    fn default() -> Self {
        Self { entries_max: 65_536, bytes_max: 32 << 20, time_ms: 2000 }
    }
}

/// What the cache holds and has been good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheFigures {
    /// Entries.
    pub entries: usize,
    /// Bytes that they take, roughly.
    pub bytes: usize,
    /// Questions that it has answered.
    pub hits: u64,
    /// Questions that it could not answer.
    pub misses: u64,
    /// Entries that had to go before their time.
    pub evicted: u64,
}

/// An answer of the databases.
#[derive(Clone, Debug)]
pub(super) enum Fact<K: HostKind> {
    /// The host of a client in a place.
    Host(Option<Arc<StoredHost<K>>>),
    /// What is reserved in a block of addresses in a place.
    Holdings(Arc<[StoredHolding<K>]>),
}

/// An address or prefix that is reserved, and for whom.
#[derive(Clone, Debug)]
pub(super) struct StoredHolding<K: LeaseKind> {
    pub(super) address: AddressOf<K>,
    pub(super) prefix_len: u8,
    pub(super) kind: IdentifierKind,
    pub(super) identifier: Box<[u8]>,
}

impl<K: HostKind> Fact<K> {
    fn size(&self) -> usize {
        match self {
            Self::Host(host) => host.as_ref().map_or(0, |host| host.size()),
            Self::Holdings(all) => {
                let texts: usize = all.iter().map(|holding| holding.identifier.len()).sum();
                size_of_val(&**all) + texts
            }
        }
    }
}

/// The cache.
#[derive(Debug)]
pub(super) struct HostCache<K: HostKind> {
    shards: Box<[Mutex<Shard<K>>]>,
    hasher: RandomState,
    entries_max: usize,
    bytes_max: usize,
    time_ns: u64,
}

#[derive(Debug)]
struct Shard<K: HostKind> {
    entries: HashMap<Arc<[u8]>, Entry<K>, RandomState>,
    /// The keys in the order in which they came, each with the number of its entry: a later one has taken the place
    /// of an earlier one.
    order: VecDeque<(u64, Arc<[u8]>)>,
    next: u64,
    figures: CacheFigures,
}

#[derive(Debug)]
struct Entry<K: HostKind> {
    fact: Fact<K>,
    number: u64,
    /// It counts before this moment.
    until_ns: u64,
    size: usize,
}

impl<K: HostKind> HostCache<K> {
    /// An empty cache.
    pub(super) fn new(limits: CacheLimits) -> Self {
        let CacheLimits { entries_max, bytes_max, time_ms } = limits;
        let is_on = entries_max > 0 && time_ms > 0;
        let hasher = RandomState::default();
        let shard = || {
            Mutex::new(Shard {
                entries: HashMap::with_hasher(hasher.clone()),
                order: VecDeque::new(),
                next: 0,
                figures: CacheFigures::default(),
            })
        };
        Self {
            shards: (0..if is_on { SHARDS } else { 0 }).map(|_| shard()).collect(),
            hasher,
            entries_max: entries_max.div_ceil(SHARDS),
            bytes_max: bytes_max / SHARDS,
            time_ns: u64::from(time_ms) * 1_000_000,
        }
    }

    /// What is remembered of the answer to a question.
    pub(super) fn get(&self, key: &[u8], now: Now) -> Option<Fact<K>> {
        let mut shard = self.shard(key)?.lock();
        let found = shard.entries.get(key).filter(|entry| now.mono_ns < entry.until_ns);
        let fact = found.map(|entry| entry.fact.clone());
        let figures = &mut shard.figures;
        *(if fact.is_some() { &mut figures.hits } else { &mut figures.misses }) += 1;
        fact
    }

    /// Remembers the answer to a question.
    pub(super) fn put(&self, key: &[u8], fact: Fact<K>, now: Now) {
        let size = OVERHEAD + key.len() + fact.size();
        let Some(shard) = self.shard(key).filter(|_| size <= self.bytes_max) else { return };
        let mut shard = shard.lock();
        let key: Arc<[u8]> = key.into();
        let number = shard.next;
        shard.next += 1;
        let until_ns = now.mono_ns.saturating_add(self.time_ns);
        let entry = Entry { fact, number, until_ns, size };
        if let Some(old) = shard.entries.insert(Arc::clone(&key), entry) {
            shard.figures.bytes -= old.size;
        }
        shard.figures.bytes += size;
        shard.order.push_back((number, key));
        shard.tidy(self.entries_max, self.bytes_max, now);
    }

    /// What it holds and has been good for.
    pub(super) fn figures(&self) -> CacheFigures {
        self.shards.iter().fold(CacheFigures::default(), |sum, shard| {
            let shard = shard.lock();
            let own = shard.figures;
            CacheFigures {
                entries: sum.entries + shard.entries.len(),
                bytes: sum.bytes + own.bytes,
                hits: sum.hits + own.hits,
                misses: sum.misses + own.misses,
                evicted: sum.evicted + own.evicted,
            }
        })
    }

    fn shard(&self, key: &[u8]) -> Option<&Mutex<Shard<K>>> {
        // The map within takes other bits.
        let number = self.hasher.hash_one(key) >> 48;
        self.shards.get(number as usize % SHARDS)
    }
}

impl<K: HostKind> Shard<K> {
    /// Lets go what is too old, and what is too much.
    fn tidy(&mut self, entries_max: usize, bytes_max: usize, now: Now) {
        while let Some((number, key)) = self.order.front() {
            let current = self.entries.get(key).filter(|entry| entry.number == *number);
            let is_too_much = self.entries.len() > entries_max
                || self.order.len() > 2 * entries_max
                || self.figures.bytes > bytes_max;
            match current {
                // Another one has taken its place.
                None => {}
                Some(entry) if entry.until_ns <= now.mono_ns => self.figures.bytes -= entry.size,
                Some(entry) if is_too_much => {
                    self.figures.bytes -= entry.size;
                    self.figures.evicted += 1;
                }
                Some(_) => return,
            }
            if current.is_some() {
                self.entries.remove(key);
            }
            self.order.pop_front();
        }
    }
}
