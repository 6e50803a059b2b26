//! A pool of DHCPv4 addresses.
//!
//! What a pool needs lies in one cache line, bitmap included up to 256 addresses, and who knows the pool of an address
//! says so when marking it: with ten thousand pools every line beyond that one is a miss.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU64, Ordering};

use util::bitmap::AtomicBitmap;

use super::{Cursor, FreePool, PickFrom, PoolAddress, PoolIndex, PoolSet4};

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

/// One cache line.
#[derive(Debug)]
#[repr(align(64))]
pub struct Pool4 {
    used: AtomicBitmap,
    free: AtomicU64,
    cursor: Cursor,
    first: u32,
    skips_edges: bool,
}

impl PoolAddress for u32 {
    type Address = Ipv4Addr;
    type Range = PoolRange;
    type Pool = Pool4;
}

impl PoolSet4 {
    /// Whether the address lies in a pool and is leased now.
    #[must_use]
    pub fn is_held(&self, address: Ipv4Addr) -> bool {
        self.is_range_held(address.into(), address.into())
    }

    /// Whether the address is reserved in a pool.
    #[must_use]
    pub fn is_reserved(&self, pool: PoolIndex, address: Ipv4Addr) -> bool {
        self.is_range_reserved(pool, address.into(), address.into())
    }
}

impl FreePool<u32> for Pool4 {
    fn new(range: PoolRange) -> Self {
        let (first, last) = Self::ends(&range);
        let skips_edges = range.skips_edges;
        let size = if first <= last { u64::from(last - first) + 1 } else { 0 };
        let used = AtomicBitmap::new(size);
        let mut free = size;
        if skips_edges {
            let edges = (first >> 8..=last >> 8).flat_map(|block| [block << 8, block << 8 | 255]);
            for address in edges.filter(|address| (first..=last).contains(address)) {
                free -= u64::from(used.set(u64::from(address - first)));
            }
        }
        Self { used, free: free.into(), cursor: Cursor::default(), first, skips_edges }
    }

    fn ends(range: &PoolRange) -> (u32, u32) {
        (range.first.into(), range.last.into())
    }

    fn contains(&self, address: u32, _: u32) -> bool {
        address >= self.first && u64::from(address - self.first) < self.used.len()
    }

    fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }

    fn hold(&self, address: u32, _: u32) {
        if self.used.set(u64::from(address.wrapping_sub(self.first))) {
            self.free.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn is_held(&self, address: u32, _: u32) -> bool {
        self.used.is_set(u64::from(address.wrapping_sub(self.first)))
    }

    fn pick(&self, from: PickFrom) -> Option<u32> {
        let unit = self.cursor.pick(from, self.used.len(), |start| self.used.next_clear(start))?;
        Some(self.first.wrapping_add(unit as u32))
    }

    fn unhold(&self, address: u32, _: u32) {
        let is_kept = self.skips_edges && is_edge(address);
        if !is_kept && self.used.clear(u64::from(address.wrapping_sub(self.first))) {
            self.free.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn unit_from(&self, first: u32) -> Option<u32> {
        Some(first)
    }

    fn clear(&self) {
        let mut cleared = self.used.clear_all();
        if self.skips_edges {
            let last = self.first + (self.used.len().saturating_sub(1)) as u32;
            let edges = self.first >> 8..=last >> 8;
            let edges = edges.flat_map(|block| [block << 8, block << 8 | 255]);
            for edge in edges.filter(|edge| (self.first..=last).contains(edge)) {
                cleared -= u64::from(self.used.set(u64::from(edge - self.first)));
            }
        }
        self.free.fetch_add(cleared, Ordering::Relaxed);
    }
}

/// Whether an address ends in .0 or .255.
const fn is_edge(address: u32) -> bool {
    matches!(address as u8, 0 | 255)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::free::PoolSet4;

    fn range(first: [u8; 4], last: [u8; 4]) -> PoolRange {
        PoolRange { first: first.into(), last: last.into(), skips_edges: false }
    }

    fn hold(set: &PoolSet4, address: u32, hint: Option<PoolIndex>) {
        set.hold(address, address, hint);
    }

    fn picks(set: &PoolSet4, count: usize) -> Vec<u32> {
        let pick = || set.pick(PoolIndex(0), PickFrom::Cursor).map(u32::from);
        (0..count).map_while(|_| pick()).map(|address| address & 0xff).collect()
    }

    #[test]
    fn cursor_goes_round_over_free_addresses() {
        let set = PoolSet4::new([range([192, 0, 2, 10], [192, 0, 2, 13])]);
        hold(&set, 0xc000_020b, None);
        assert_eq!(picks(&set, 5), [10, 12, 13, 10, 12]);
        assert_eq!(set.free_count(PoolIndex(0)), 3);
        set.unhold(0xc000_020b, 0xc000_020b, None);
        assert_eq!(picks(&set, 3), [13, 10, 11]);
    }

    #[test]
    fn a_full_pool_and_a_missing_pool_give_nothing() {
        let set = PoolSet4::new([
            range([10, 0, 0, 1], [10, 0, 0, 1]),
            range([10, 0, 0, 9], [10, 0, 0, 8]),
        ]);
        hold(&set, 0x0a00_0001, None);
        hold(&set, 0x0a00_0001, None);
        for pool in 0..3 {
            assert_eq!(set.pick(PoolIndex(pool), PickFrom::Cursor), None);
            assert_eq!(set.pick(PoolIndex(pool), PickFrom::Random(u64::MAX)), None);
            assert_eq!(set.free_count(PoolIndex(pool)), 0);
        }
    }

    #[test]
    fn edges_of_a_24_are_never_free_when_they_are_skipped() {
        let pool = PoolRange { skips_edges: true, ..range([10, 0, 0, 0], [10, 0, 1, 255]) };
        let set = PoolSet4::new([pool]);
        assert_eq!(set.free_count(PoolIndex(0)), 508);
        hold(&set, 0x0a00_00ff, None);
        set.unhold(0x0a00_00ff, 0x0a00_00ff, None);
        assert!(set.is_held(Ipv4Addr::new(10, 0, 0, 255)));
        let all = picks(&set, 508);
        assert!(!all.contains(&0) && !all.contains(&255));
    }

    #[test]
    fn overlapping_pools_are_all_marked() {
        let set = PoolSet4::new([
            range([10, 0, 0, 0], [10, 0, 0, 255]),
            range([10, 0, 0, 16], [10, 0, 0, 31]),
            range([10, 0, 0, 64], [10, 0, 0, 79]),
        ]);
        hold(&set, 0x0a00_0010, None);
        hold(&set, 0x0a00_0050, None);
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
        let plain = PoolSet4::new([
            range([10, 0, 0, 0], [10, 0, 0, 15]),
            range([10, 0, 0, 16], [10, 0, 0, 31]),
        ]);
        for (address, hint) in [(0x0a00_0000, 0), (0x0a00_0010, 0), (0x0a00_0011, 7)] {
            hold(&plain, address, Some(PoolIndex(hint)));
            assert!(plain.is_held(address.into()));
        }
        hold(&plain, 0x0a00_0020, Some(PoolIndex(1)));
        hold(&plain, 0x09ff_ffff, Some(PoolIndex(0)));
        assert_eq!([0, 1].map(|pool| plain.free_count(PoolIndex(pool))), [15, 14]);

        let overlapping = PoolSet4::new([
            range([10, 0, 0, 0], [10, 0, 0, 15]),
            range([10, 0, 0, 15], [10, 0, 0, 31]),
        ]);
        hold(&overlapping, 0x0a00_000f, Some(PoolIndex(0)));
        assert_eq!([0, 1].map(|pool| overlapping.free_count(PoolIndex(pool))), [15, 16]);
    }

    #[test]
    fn a_pool_is_one_line() {
        assert_eq!((size_of::<Pool4>(), align_of::<Pool4>()), (64, 64));
    }

    #[test]
    fn the_whole_address_space_may_be_walked_at_its_end() {
        let set = PoolSet4::new([range([255, 255, 255, 0], [255, 255, 255, 255])]);
        hold(&set, u32::MAX, None);
        assert_eq!(set.free_count(PoolIndex(0)), 255);
        assert_eq!(picks(&set, 256).len(), 256);
    }

    #[test]
    fn reserved_ranges_are_found_whatever_lies_within_them() {
        let ranges = [range([10, 0, 0, 0], [10, 0, 0, 63])];
        let at = |last: u32| 0x0a00_0000 + last;
        let reserved = [(10, 30), (12, 12), (40, 40)].map(|(from, to)| (at(from), at(to), ()));
        let pools = PoolSet4::new(ranges).with_reserved(&ranges, reserved, |_, ()| true);
        let is_reserved = |from, to| pools.is_range_reserved(PoolIndex(0), at(from), at(to));
        for (from, to) in [(10, 10), (20, 20), (30, 35), (0, 10), (40, 40), (0, 63)] {
            assert!(is_reserved(from, to), "{from} {to}");
        }
        for (from, to) in [(0, 9), (31, 39), (41, 63)] {
            assert!(!is_reserved(from, to), "{from} {to}");
        }
        // A lease that has one of them leaves it reserved when it ends.
        pools.hold(at(40), at(40), None);
        pools.unhold(at(40), at(40), None);
        let picked: Vec<_> =
            (0..63).filter_map(|_| pools.pick(PoolIndex(0), PickFrom::Cursor)).collect();
        assert!(!picked.contains(&Ipv4Addr::new(10, 0, 0, 40)), "{picked:?}");
    }
}
