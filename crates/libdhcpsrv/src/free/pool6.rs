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
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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

    fn is_held(&self, first: u128, last: u128) -> bool {
        let (first, last) = (first.max(self.first), last.min(self.last));
        if first > last {
            return false;
        }
        let bit = |address: u128| {
            let unit = (address - self.first).checked_shr(self.unit_bits()).unwrap_or(0);
            u64::try_from(unit).unwrap_or(u64::MAX)
        };
        self.used.any_set(bit(first), bit(last)) || self.blocked(first, last).is_some()
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
        if !self.has_odd.load(Ordering::Acquire) {
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
