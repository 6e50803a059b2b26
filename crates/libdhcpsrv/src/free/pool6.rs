//! A pool of DHCPv6 addresses or prefixes, of any size.
//!
//! A unit is what one lease gets: an address, or a prefix of the pool's delegated length. Up to a million units have a
//! bitmap that is not locked, as in DHCPv4. Larger pools (a /64 of addresses, a /24 of /64 prefixes) have one that
//! holds only what is set, behind a lock that is a leaf. A pool with more than 2^64 - 1 units uses that many.
//!
//! A lease that is not exactly a unit (the delegated length was changed, or it came from a reservation) blocks every
//! unit that it overlaps: see [`super::odd`]. A search costs one step for each run of such leases that it meets, and
//! nothing as long as there are none.

use std::net::Ipv6Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

use parking_lot::Mutex;
use util::bitmap::AtomicBitmap;
use util::sparse_bitmap::SparseBitmap;

use super::odd::{Block, OddBlocks, host_mask};
use super::{Cursor, FreePool, PickFrom, PoolAddress, PoolSet6};

/// Units up to which a pool has a bitmap of all of them: 128 KiB.
const DENSE_UNITS_MAX: u64 = 1 << 20;

/// The units of one pool. What does not make a whole unit at either end is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolRange6 {
    /// First address.
    pub first: Ipv6Addr,
    /// Last address; a pool that ends before it begins is empty.
    pub last: Ipv6Addr,
    /// Prefix length of a unit: 128 for addresses, else the delegated length.
    pub unit_len: u8,
}

/// The marks of one pool.
#[derive(Debug)]
pub struct Pool6 {
    first: u128,
    last: u128,
    unit_len: u8,
    units: u64,
    used: Used,
    /// Units that no lease of exactly their size holds.
    free: AtomicU64,
    cursor: Cursor,
    /// Whether `odd` holds something.
    has_odd: AtomicBool,
    odd: Mutex<OddBlocks>,
}

/// One bit for each unit.
#[derive(Debug)]
enum Used {
    Dense(AtomicBitmap),
    Sparse(Mutex<SparseBitmap>),
}

impl PoolAddress for u128 {
    type Address = Ipv6Addr;
    type Range = PoolRange6;
    type Pool = Pool6;
}

impl PoolSet6 {
    /// Whether the address or prefix overlaps something in a pool that cannot be picked now.
    #[must_use]
    pub fn is_held(&self, address: Ipv6Addr, prefix_len: u8) -> bool {
        let block = Block::around(address.into(), prefix_len.min(128));
        self.is_range_held(block.first, block.last())
    }
}

impl FreePool<u128> for Pool6 {
    fn new(range: PoolRange6) -> Self {
        let (first, last) = Self::ends(&range);
        let unit_len = range.unit_len.min(128);
        let units = if first <= last {
            let beyond_first = (last - first).checked_shr(128 - u32::from(unit_len)).unwrap_or(0);
            u64::try_from(beyond_first).map_or(u64::MAX, |beyond| beyond.saturating_add(1))
        } else {
            0
        };
        let used = if units <= DENSE_UNITS_MAX {
            Used::Dense(AtomicBitmap::new(units))
        } else {
            Used::Sparse(Mutex::new(SparseBitmap::new(units)))
        };
        Self {
            first,
            last,
            unit_len,
            units,
            used,
            free: units.into(),
            cursor: Cursor::default(),
            has_odd: false.into(),
            odd: Mutex::new(OddBlocks::new(unit_len, (first, last))),
        }
    }

    fn ends(range: &PoolRange6) -> (u128, u128) {
        let within = host_mask(range.unit_len.min(128));
        let (first, last) = (u128::from(range.first), u128::from(range.last));
        let begins = first.checked_add(within).map(|first| first & !within);
        let ends =
            if last & within == within { Some(last) } else { (last & !within).checked_sub(1) };
        match (begins, ends) {
            (Some(first), Some(last)) if first <= last => (first, last),
            // No whole unit.
            _ => (1, 0),
        }
    }

    fn contains(&self, first: u128, last: u128) -> bool {
        first >= self.first && last <= self.last
    }

    fn is_unit(&self, first: u128, last: u128) -> bool {
        self.unit_of(first, last).is_some()
    }

    fn free(&self) -> u64 {
        let blocked = if self.has_odd.load(Ordering::Acquire) {
            u64::try_from(self.odd.lock().blocked_units()).unwrap_or(u64::MAX)
        } else {
            0
        };
        self.free.load(Ordering::Relaxed).saturating_sub(blocked)
    }

    fn hold(&self, first: u128, last: u128) {
        match self.unit_of(first, last) {
            Some(unit) => {
                if self.used.set(unit) {
                    self.free.fetch_sub(1, Ordering::Relaxed);
                }
            }
            None => {
                let mut odd = self.odd.lock();
                odd.add(Block::new(first, last));
                self.has_odd.store(true, Ordering::Release);
            }
        }
    }

    /// A unit and an odd lease that overlap are claimed in opposite orders: the one sets its bit and then looks whether
    /// there are odd leases, the other says so and then looks at the bits. So one of them sees the other.
    fn claim(&self, first: u128, last: u128) -> bool {
        if let Some(unit) = self.unit_of(first, last) {
            if !self.used.set(unit) {
                return false;
            }
            self.free.fetch_sub(1, Ordering::Relaxed);
            let is_free = self.blocked(first, last).is_none();
            if !is_free {
                self.unhold(first, last);
            }
            return is_free;
        }
        let mut odd = self.odd.lock();
        self.has_odd.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        // Two parts of one unit do not overlap.
        let block = Block::new(first, last);
        let is_free = !self.is_bit_set(first, last) && !odd.overlaps(block);
        if is_free {
            odd.add(block);
        }
        self.has_odd.store(!odd.is_empty(), Ordering::Release);
        is_free
    }

    fn is_held(&self, first: u128, last: u128) -> bool {
        self.is_bit_set(first, last) || self.blocked(first, last).is_some()
    }

    fn pick(&self, from: PickFrom) -> Option<u128> {
        let unit = self.cursor.pick(from, self.units, |start| self.next_free(start))?;
        Some(self.ends_of(unit).0)
    }

    fn unhold(&self, first: u128, last: u128) {
        match self.unit_of(first, last) {
            Some(unit) => {
                if self.used.clear(unit) {
                    self.free.fetch_add(1, Ordering::Relaxed);
                }
            }
            None => {
                let mut odd = self.odd.lock();
                odd.remove(Block::new(first, last));
                self.has_odd.store(!odd.is_empty(), Ordering::Release);
            }
        }
    }

    fn unit_from(&self, first: u128) -> Option<u128> {
        let last = first | host_mask(self.unit_len);
        self.unit_of(first, last).filter(|&unit| self.ends_of(unit) == (first, last)).map(|_| last)
    }

    fn clear(&self) {
        let cleared = match &self.used {
            Used::Dense(map) => map.clear_all(),
            Used::Sparse(map) => {
                let mut map = map.lock();
                std::mem::replace(&mut *map, SparseBitmap::new(self.units)).count()
            }
        };
        self.free.fetch_add(cleared, Ordering::Relaxed);
        let mut odd = self.odd.lock();
        *odd = OddBlocks::new(self.unit_len, (self.first, self.last));
        self.has_odd.store(false, Ordering::Release);
    }
}

impl Pool6 {
    const fn unit_bits(&self) -> u32 {
        128 - self.unit_len as u32
    }

    /// The unit that a lease is; none when it is larger or smaller, or outside.
    fn unit_of(&self, first: u128, last: u128) -> Option<u64> {
        if !self.contains(first, last) || last - first != host_mask(self.unit_len) {
            return None;
        }
        let unit = (first - self.first).checked_shr(self.unit_bits()).unwrap_or(0);
        u64::try_from(unit).ok().filter(|&unit| unit < self.units)
    }

    /// First and last address of a unit.
    fn ends_of(&self, unit: u64) -> (u128, u128) {
        let offset = u128::from(unit).checked_shl(self.unit_bits()).unwrap_or(0);
        let first = self.first.wrapping_add(offset);
        (first, first | host_mask(self.unit_len))
    }

    /// Whether a lease that is a unit holds some of these addresses.
    fn is_bit_set(&self, first: u128, last: u128) -> bool {
        let (first, last) = (first.max(self.first), last.min(self.last));
        if first > last {
            return false;
        }
        let bit = |address: u128| {
            let unit = (address - self.first).checked_shr(self.unit_bits()).unwrap_or(0);
            u64::try_from(unit).unwrap_or(u64::MAX)
        };
        self.used.any_set(bit(first), bit(last))
    }

    /// The first free unit from one on.
    fn next_free(&self, from: u64) -> Option<u64> {
        let mut from = from;
        loop {
            let unit = self.used.next_clear(from)?;
            let (first, last) = self.ends_of(unit);
            let Some(end) = self.blocked(first, last) else { return Some(unit) };
            let behind = (end - self.first).checked_shr(self.unit_bits()).unwrap_or(0);
            from = u64::try_from(behind).ok()?.checked_add(1)?;
        }
    }

    /// Last address of the run of odd leases that blocks some of these addresses.
    fn blocked(&self, first: u128, last: u128) -> Option<u128> {
        if !self.has_odd.load(Ordering::SeqCst) {
            return None;
        }
        self.odd.lock().blocked(first, last)
    }
}

impl Used {
    fn set(&self, unit: u64) -> bool {
        match self {
            Self::Dense(map) => map.set(unit),
            Self::Sparse(map) => map.lock().set(unit),
        }
    }

    fn clear(&self, unit: u64) -> bool {
        match self {
            Self::Dense(map) => map.clear(unit),
            Self::Sparse(map) => map.lock().clear(unit),
        }
    }

    fn any_set(&self, first: u64, last: u64) -> bool {
        match self {
            Self::Dense(map) => map.any_set(first, last),
            Self::Sparse(map) => map.lock().any_set(first, last),
        }
    }

    fn next_clear(&self, from: u64) -> Option<u64> {
        match self {
            Self::Dense(map) => map.next_clear(from),
            Self::Sparse(map) => map.lock().next_clear(from),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::free::PoolIndex;

    const BASE: u128 = 0x2001_0db8 << 96;

    fn range(first: u128, last: u128, unit_len: u8) -> PoolRange6 {
        PoolRange6 { first: first.into(), last: last.into(), unit_len }
    }

    /// A pool of prefixes: `pool_len` bits of [`BASE`] and units of `unit_len`.
    fn prefixes(pool_len: u8, unit_len: u8) -> PoolRange6 {
        range(BASE & !host_mask(pool_len), BASE | host_mask(pool_len), unit_len)
    }

    fn hold(set: &PoolSet6, address: u128, len: u8) {
        let block = Block::around(address, len);
        set.hold(block.first, block.last(), None);
    }

    fn unhold(set: &PoolSet6, address: u128, len: u8) {
        let block = Block::around(address, len);
        set.unhold(block.first, block.last(), None);
    }

    fn pick(set: &PoolSet6) -> Option<u128> {
        set.pick(PoolIndex(0), PickFrom::Cursor).map(u128::from)
    }

    #[test]
    fn cursor_goes_round_over_free_units_of_pools_of_any_size() {
        for (pool_len, unit_len) in [(62, 64), (40, 64), (126, 128), (64, 128), (0, 2)] {
            let set = PoolSet6::new([prefixes(pool_len, unit_len)]);
            let unit = host_mask(unit_len).wrapping_add(1);
            let first = BASE & !host_mask(pool_len);
            hold(&set, first + unit, unit_len);
            let picked: Vec<u128> = (0..3).filter_map(|_| pick(&set)).collect();
            assert_eq!(picked, [0, 2, 3].map(|number| first + number * unit), "{pool_len}");
        }
    }

    #[test]
    fn the_largest_pools_overflow_nothing() {
        for unit_len in [0, 1, 64, 65, 127, 128] {
            let set = PoolSet6::new([range(0, u128::MAX, unit_len)]);
            let units = 1_u128.checked_shl(unit_len.into()).map_or(u64::MAX.into(), |units| units);
            let units = u64::try_from(units).unwrap_or(u64::MAX);
            assert_eq!(set.free_count(PoolIndex(0)), units);
            assert_eq!(pick(&set), Some(0));
            let random = set.pick(PoolIndex(0), PickFrom::Random(u64::MAX)).map(u128::from);
            let expected = u128::from(units - 1).checked_shl(128 - u32::from(unit_len));
            assert_eq!(random, Some(expected.unwrap_or(0)));
            hold(&set, u128::MAX, unit_len);
            hold(&set, u128::MAX, 128);
            assert!(set.is_held(u128::MAX.into(), 128));
            hold(&set, 0, 0);
            assert_eq!((pick(&set), set.free_count(PoolIndex(0))), (None, 0));
        }
    }

    #[test]
    fn pools_without_a_whole_unit_are_empty() {
        for range in [
            range(BASE + 1, BASE, 128),
            range(BASE + 1, BASE + 255, 120),
            range(u128::MAX - 5, u128::MAX - 1, 126),
            range(u128::MAX, u128::MAX, 1),
            range(0, 0, 0),
        ] {
            let set = PoolSet6::new([range]);
            assert_eq!((set.free_count(PoolIndex(0)), pick(&set)), (0, None), "{range:?}");
            assert_eq!(set.pool_of(range.first), None);
        }
        let cut = PoolSet6::new([range(BASE + 1, BASE + 0x2ff, 120)]);
        assert_eq!((cut.free_count(PoolIndex(0)), pick(&cut)), (2, Some(BASE + 0x100)));
    }

    #[test]
    fn neighbours_of_another_length_are_jumped_over_at_once() {
        // The delegated length was 60 and is 56 now; a hundred thousand old leases lie behind each other.
        let set = PoolSet6::new([prefixes(32, 56)]);
        let step = 1 << 68;
        for number in 0..100_000 {
            hold(&set, BASE + number * step, 60);
        }
        assert_eq!(pick(&set), Some(BASE + 100_000 * step));
        assert_eq!(set.free_count(PoolIndex(0)), (1 << 24) - 100_000 / 16);
        unhold(&set, BASE + 17 * step, 60);
        assert!(set.is_held((BASE + 16 * step).into(), 56), "fifteen are left in the unit");
        for number in (16..32).filter(|&number| number != 17) {
            unhold(&set, BASE + number * step, 60);
        }
        assert_eq!(set.pick(PoolIndex(0), PickFrom::Random(0)), Some((BASE + 16 * step).into()));
    }

    #[test]
    fn addresses_in_a_pool_of_prefixes_block_their_prefix() {
        let set = PoolSet6::new([prefixes(62, 64), prefixes(120, 128)]);
        hold(&set, BASE + 3, 128);
        assert_eq!(pick(&set), Some(BASE + (1 << 64)));
        assert_eq!([0, 1].map(|pool| set.free_count(PoolIndex(pool))), [3, 255]);
        assert_eq!(set.pool_of((BASE + 300).into()), Some(PoolIndex(0)));
    }

    /// Blocks near the beginning and the end of a pool, of lengths around that of its units.
    fn blocks(pool_len: u8, unit_len: u8) -> impl Strategy<Value = Block> {
        let near = (any::<bool>(), 0..12_u128, any::<u128>());
        let len = pool_len.saturating_sub(1)..=(unit_len + 4).min(128);
        (near, prop_oneof![Just(unit_len), len]).prop_map(move |((at_end, units, low), len)| {
            let offset = units << (128 - unit_len) | low & host_mask(unit_len);
            let offset = offset & host_mask(pool_len);
            let last = BASE | host_mask(pool_len);
            Block::around(if at_end { last - offset } else { BASE + offset }, len)
        })
    }

    /// The first unit at or behind `from` that overlaps none of the leases, else the first from the beginning on.
    fn free_unit(pool: &Pool6, leases: &BTreeMap<u128, u8>, from: u64) -> Option<u128> {
        let is_free = |unit: &u64| {
            let (first, last) = pool.ends_of(*unit);
            leases.iter().all(|(&base, &len)| base > last || base | host_mask(len) < first)
        };
        // It is the first of all, or right behind a lease.
        let behind = leases.iter().filter(|&(&base, &len)| base | host_mask(len) >= pool.first);
        let behind = behind.map(|(base, &len)| {
            let distance = (base | host_mask(len)) - pool.first;
            u64::try_from(distance.checked_shr(pool.unit_bits()).unwrap_or(0)).unwrap_or(u64::MAX)
        });
        let mut candidates: Vec<u64> = behind.map(|unit| unit.saturating_add(1)).collect();
        candidates.extend([0, from]);
        candidates.retain(|unit| *unit < pool.units && is_free(unit));
        candidates.sort_unstable();
        let found = candidates.iter().find(|&&unit| unit >= from).or(candidates.first())?;
        Some(pool.ends_of(*found).0)
    }

    proptest! {
        #[test]
        fn no_picked_unit_overlaps_a_lease(
            (pool_len, unit_len, steps) in prop_oneof![Just((44_u8, 48_u8)), Just((32, 56)), Just((123, 128))]
                .prop_flat_map(|(pool_len, unit_len)| {
                    let steps = prop::collection::vec((blocks(pool_len, unit_len), 0..3_u8), 1..60);
                    (Just(pool_len), Just(unit_len), steps)
                }),
        ) {
            let set = PoolSet6::new([prefixes(pool_len, unit_len)]);
            let pool = &set.pools[0];
            let mut leases: BTreeMap<u128, u8> = BTreeMap::new();
            for (block, action) in steps {
                if let Some(len) = leases.remove(&block.first) {
                    unhold(&set, block.first, len);
                }
                if action > 0 {
                    hold(&set, block.first, block.len);
                    leases.insert(block.first, block.len);
                }
                let start = match action {
                    0 => 0,
                    1 => block.first.saturating_sub(BASE).checked_shr(pool.unit_bits()).unwrap_or(0) as u64,
                    _ => pool.units.saturating_sub(10),
                };
                let start = start.min(pool.units - 1);
                // Random bits that choose this unit.
                let bits = ((u128::from(start) << 64).div_ceil(u128::from(pool.units))) as u64;
                let picked = set.pick(PoolIndex(0), PickFrom::Random(bits)).map(u128::from);
                prop_assert_eq!(picked, free_unit(pool, &leases, start), "from {}", start);
                for probe in [block, Block::around(block.first, unit_len)] {
                    let inside = probe.last() >= pool.first && probe.first <= pool.last;
                    let overlaps = |(&base, &len): (&u128, &u8)| {
                        let last = base | host_mask(len);
                        let (from, to) = (probe.first.max(pool.first), probe.last().min(pool.last));
                        last >= from && base <= to
                    };
                    let held = set.is_held(probe.first.into(), probe.len);
                    // A unit with a smaller lease in it is held as a whole.
                    prop_assert!(!leases.iter().any(overlaps) || !inside || held);
                    if probe.len <= unit_len {
                        prop_assert_eq!(held, inside && leases.iter().any(overlaps));
                    }
                }
            }
            for (base, len) in std::mem::take(&mut leases) {
                unhold(&set, base, len);
            }
            prop_assert_eq!(set.free_count(PoolIndex(0)), pool.units);
            prop_assert_eq!(pool.blocked(0, u128::MAX), None);
        }
    }
}
