//! Free addresses: which addresses of the pools can be given to a client now.
//!
//! Each pool has a bitmap with summaries, so that the next free address costs a few word reads from an empty pool
//! to one with a single address left. A set bit means "not allocatable now": the address has an active or a declined
//! lease. Expiry clears the bit, whether or not the lease has been reclaimed. The bits belong to the lease store:
//! it sets and clears them under the lock of the lease's shard, and [`PoolSet::pick`] only looks. What it returns is
//! a proposal that the commit checks again.
//!
//! Pools may overlap (subnets of different prefix length may share addresses): a lease marks every pool that holds
//! its address.
//!
//! What a pool needs for that lies in one cache line, bitmap included up to 256 addresses, and who knows the pool of
//! an address says so when marking it: with ten thousand pools every line beyond that one is a miss.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use util::bitmap::AtomicBitmap;
use util::steps::Steps;

/// Index of a pool in a [`PoolSet`]: its place in the configuration's list of all pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolIndex(pub u32);

/// The addresses of one pool, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolRange {
    /// First address.
    pub first: Ipv4Addr,
    /// Last address; a pool that ends before it begins is empty.
    pub last: Ipv4Addr,
    /// Whether addresses that end in .0 or .255 are never picked.
    pub skips_edges: bool,
}

/// Where to begin the search for a free address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PickFrom {
    /// Behind the address that was picked last.
    Cursor,
    /// At the address that these random bits choose.
    Random(u64),
}

/// The free addresses of all pools of one configuration.
#[derive(Debug, Default)]
pub struct PoolSet {
    pools: Box<[FreePool]>,
    /// Pools ordered by their first address, for finding those that hold an address.
    by_first: Box<[Span]>,
    /// First addresses of `by_first`.
    firsts: Steps,
    /// Whether some address lies in more than one pool.
    overlaps: bool,
}

/// A pool's place in the address order.
#[derive(Clone, Copy, Debug)]
struct Span {
    first: u32,
    last: u32,
    /// The highest last address of this and all spans before it: where a walk back may stop.
    last_max: u32,
    pool: PoolIndex,
}

/// One cache line.
#[derive(Debug)]
#[repr(align(64))]
struct FreePool {
    used: AtomicBitmap,
    free: AtomicU64,
    first: u32,
    /// Behind the address that was picked last; round to the first when that was the last there is.
    cursor: AtomicU32,
    skips_edges: bool,
}

impl PoolSet {
    /// Makes a set in which every address is free; [`crate::lease4::LeaseStore4::adopt_pools`] marks the leases.
    #[must_use]
    pub fn new(ranges: impl IntoIterator<Item = PoolRange>) -> Self {
        let mut pools = Vec::new();
        let mut by_first = Vec::new();
        for range in ranges {
            let (first, last) = (u32::from(range.first), u32::from(range.last));
            if first <= last {
                let pool = PoolIndex(pools.len() as u32);
                by_first.push(Span { first, last, last_max: last, pool });
            }
            pools.push(FreePool::new(first, last, range.skips_edges));
        }
        by_first.sort_by_key(|span| (span.first, span.last));
        let mut last_max = None;
        let mut overlaps = false;
        for span in &mut by_first {
            overlaps |= last_max.is_some_and(|last_max| span.first <= last_max);
            span.last_max = last_max.map_or(span.last, |last_max| span.last.max(last_max));
            last_max = Some(span.last_max);
        }
        let firsts = Steps::new(by_first.iter().map(|span| span.first).collect());
        Self { pools: pools.into(), by_first: by_first.into(), firsts, overlaps }
    }

    /// Proposes a free address of a pool; `None` when all are taken or there is no such pool.
    ///
    /// Nothing is marked: two calls may propose the same address when the cursor has gone round in between.
    #[must_use]
    pub fn pick(&self, pool: PoolIndex, from: PickFrom) -> Option<Ipv4Addr> {
        let pool = self.pool(pool)?;
        let bit = match from {
            PickFrom::Cursor => pool.pick_at_cursor()?,
            PickFrom::Random(bits) => {
                let start = (u128::from(bits) * u128::from(pool.used.len())) >> 64;
                pool.pick_from(start as u64)?
            }
        };
        Some(Ipv4Addr::from(pool.first.wrapping_add(bit as u32)))
    }

    /// Number of addresses that can be picked from a pool.
    #[must_use]
    pub fn free_count(&self, pool: PoolIndex) -> u64 {
        self.pool(pool).map_or(0, |pool| pool.free.load(Ordering::Relaxed))
    }

    /// Number of pools.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pools.len()
    }

    /// Whether there is no pool.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pools.is_empty()
    }

    /// A pool that holds the address; of overlapping ones the one that begins last.
    #[must_use]
    pub fn pool_of(&self, address: Ipv4Addr) -> Option<PoolIndex> {
        self.spans_with(u32::from(address)).next().map(|span| span.pool)
    }

    /// Whether the address lies in a pool and cannot be picked now.
    #[must_use]
    pub fn is_held(&self, address: Ipv4Addr) -> bool {
        let address = u32::from(address);
        self.spans_with(address).any(|span| {
            self.pool(span.pool)
                .is_some_and(|pool| pool.used.is_set(u64::from(address - span.first)))
        })
    }

    /// Marks an address as not allocatable. `hint` is the pool that it probably lies in.
    pub(crate) fn hold(&self, address: u32, hint: Option<PoolIndex>) {
        if let Some(pool) = self.only_pool_of(address, hint) {
            pool.hold(address);
            return;
        }
        for span in self.spans_with(address) {
            if let Some(pool) = self.pool(span.pool) {
                pool.hold(address);
            }
        }
    }

    /// Marks an address as allocatable.
    pub(crate) fn unhold(&self, address: u32) {
        for span in self.spans_with(address) {
            if let Some(pool) = self.pool(span.pool)
                && !(pool.skips_edges && is_edge(address))
                && pool.used.clear(u64::from(address - span.first))
            {
                pool.free.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn pool(&self, index: PoolIndex) -> Option<&FreePool> {
        self.pools.get(index.0 as usize)
    }

    /// The pool of a hint, provided that it holds the address and no other pool can.
    fn only_pool_of(&self, address: u32, hint: Option<PoolIndex>) -> Option<&FreePool> {
        let pool = self.pool(hint.filter(|_| !self.overlaps)?)?;
        pool.contains(address).then_some(pool)
    }

    /// The pools that hold an address.
    fn spans_with(&self, address: u32) -> impl Iterator<Item = &Span> {
        let behind = self.firsts.up_to(address);
        let before = self.by_first.get(..behind).unwrap_or_default();
        let reach = before.iter().rev().take_while(move |span| span.last_max >= address);
        reach.filter(move |span| span.last >= address)
    }
}

impl FreePool {
    fn new(first: u32, last: u32, skips_edges: bool) -> Self {
        let size = if first <= last { u64::from(last - first) + 1 } else { 0 };
        let used = AtomicBitmap::new(size);
        let mut free = size;
        if skips_edges {
            let edges = (first >> 8..=last >> 8).flat_map(|block| [block << 8, block << 8 | 255]);
            for address in edges.filter(|address| (first..=last).contains(address)) {
                free -= u64::from(used.set(u64::from(address - first)));
            }
        }
        Self { used, free: free.into(), first, cursor: AtomicU32::new(0), skips_edges }
    }

    fn contains(&self, address: u32) -> bool {
        address >= self.first && u64::from(address - self.first) < self.used.len()
    }

    fn hold(&self, address: u32) {
        if self.used.set(u64::from(address.wrapping_sub(self.first))) {
            self.free.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn pick_from(&self, start: u64) -> Option<u64> {
        self.used.next_clear(start).or_else(|| self.used.next_clear(0))
    }

    /// Picks behind the cursor and moves it, so that workers that pick at once get different addresses.
    fn pick_at_cursor(&self) -> Option<u64> {
        let mut start = self.cursor.load(Ordering::Relaxed);
        loop {
            let bit = self.pick_from(u64::from(start))?;
            match self.cursor.compare_exchange_weak(
                start,
                (bit as u32).wrapping_add(1),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(bit),
                Err(moved) => start = moved,
            }
        }
    }
}

/// Whether an address ends in .0 or .255.
const fn is_edge(address: u32) -> bool {
    matches!(address as u8, 0 | 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: [u8; 4], last: [u8; 4]) -> PoolRange {
        PoolRange { first: first.into(), last: last.into(), skips_edges: false }
    }

    fn picks(set: &PoolSet, count: usize) -> Vec<u32> {
        let pick = || set.pick(PoolIndex(0), PickFrom::Cursor).map(u32::from);
        (0..count).map_while(|_| pick()).map(|address| address & 0xff).collect()
    }

    #[test]
    fn cursor_goes_round_over_free_addresses() {
        let set = PoolSet::new([range([192, 0, 2, 10], [192, 0, 2, 13])]);
        set.hold(0xc000_020b, None);
        assert_eq!(picks(&set, 5), [10, 12, 13, 10, 12]);
        assert_eq!(set.free_count(PoolIndex(0)), 3);
        set.unhold(0xc000_020b);
        assert_eq!(picks(&set, 3), [13, 10, 11]);
    }

    #[test]
    fn a_full_pool_and_a_missing_pool_give_nothing() {
        let set = PoolSet::new([
            range([10, 0, 0, 1], [10, 0, 0, 1]),
            range([10, 0, 0, 9], [10, 0, 0, 8]),
        ]);
        set.hold(0x0a00_0001, None);
        set.hold(0x0a00_0001, None);
        for pool in 0..3 {
            assert_eq!(set.pick(PoolIndex(pool), PickFrom::Cursor), None);
            assert_eq!(set.pick(PoolIndex(pool), PickFrom::Random(u64::MAX)), None);
            assert_eq!(set.free_count(PoolIndex(pool)), 0);
        }
    }

    #[test]
    fn edges_of_a_24_are_never_free_when_they_are_skipped() {
        let pool = PoolRange { skips_edges: true, ..range([10, 0, 0, 0], [10, 0, 1, 255]) };
        let set = PoolSet::new([pool]);
        assert_eq!(set.free_count(PoolIndex(0)), 508);
        set.hold(0x0a00_00ff, None);
        set.unhold(0x0a00_00ff);
        assert!(set.is_held(Ipv4Addr::new(10, 0, 0, 255)));
        let all = picks(&set, 508);
        assert!(!all.contains(&0) && !all.contains(&255));
    }

    #[test]
    fn overlapping_pools_are_all_marked() {
        let set = PoolSet::new([
            range([10, 0, 0, 0], [10, 0, 0, 255]),
            range([10, 0, 0, 16], [10, 0, 0, 31]),
            range([10, 0, 0, 64], [10, 0, 0, 79]),
        ]);
        set.hold(0x0a00_0010, None);
        set.hold(0x0a00_0050, None);
        let free = [0, 1, 2].map(|pool| set.free_count(PoolIndex(pool)));
        assert_eq!(free, [254, 15, 16]);
        assert!(set.is_held(Ipv4Addr::new(10, 0, 0, 16)));
        assert!(!set.is_held(Ipv4Addr::new(10, 0, 0, 17)));
        assert!(!set.is_held(Ipv4Addr::new(11, 0, 0, 0)));
        assert_eq!(set.pool_of(Ipv4Addr::new(10, 0, 0, 70)), Some(PoolIndex(2)));
        assert_eq!(set.pool_of(Ipv4Addr::new(10, 0, 1, 0)), None);
    }

    #[test]
    fn a_hint_counts_only_where_it_is_right() {
        let plain = PoolSet::new([
            range([10, 0, 0, 0], [10, 0, 0, 15]),
            range([10, 0, 0, 16], [10, 0, 0, 31]),
        ]);
        for (address, hint) in [(0x0a00_0000, 0), (0x0a00_0010, 0), (0x0a00_0011, 7)] {
            plain.hold(address, Some(PoolIndex(hint)));
            assert!(plain.is_held(address.into()));
        }
        plain.hold(0x0a00_0020, Some(PoolIndex(1)));
        plain.hold(0x09ff_ffff, Some(PoolIndex(0)));
        assert_eq!([0, 1].map(|pool| plain.free_count(PoolIndex(pool))), [15, 14]);

        let overlapping = PoolSet::new([
            range([10, 0, 0, 0], [10, 0, 0, 15]),
            range([10, 0, 0, 15], [10, 0, 0, 31]),
        ]);
        overlapping.hold(0x0a00_000f, Some(PoolIndex(0)));
        assert_eq!([0, 1].map(|pool| overlapping.free_count(PoolIndex(pool))), [15, 16]);
    }

    #[test]
    fn a_pool_is_one_line() {
        assert_eq!((size_of::<FreePool>(), align_of::<FreePool>()), (64, 64));
    }

    #[test]
    fn the_whole_address_space_may_be_walked_at_its_end() {
        let set = PoolSet::new([range([255, 255, 255, 0], [255, 255, 255, 255])]);
        set.hold(u32::MAX, None);
        assert_eq!(set.free_count(PoolIndex(0)), 255);
        assert_eq!(picks(&set, 256).len(), 256);
    }
}
