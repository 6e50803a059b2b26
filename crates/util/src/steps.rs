//! Sorted keys that are found at a cost which hardly grows with their number.
//!
//! A tree of tables leads to the few keys that can matter; those are halved. Each table spreads the keys below it by the
//! bits behind those that they have in common, so that it is of use wherever its keys lie: addresses of a network
//! cluster below a prefix of any length, and two or three tables take a lookup there. There are at most four entries for
//! a key in each level of tables, and a level takes one bit at least.

use std::ops::Range;

/// Sorted keys with tables over them.
#[derive(Debug, Default)]
pub struct Steps<K = u32> {
    keys: Box<[K]>,
    /// The first one is the root.
    tables: Box<[Table<K>]>,
    /// Those of all tables.
    entries: Box<[Entry]>,
}

/// What can be looked up: unsigned integers.
pub trait Key: Copy + Ord {
    /// Number of bits.
    const BITS: u32;

    /// The number of leading bits that are the same in both.
    fn common(self, other: Self) -> u32;

    /// The key with its lower bits cleared.
    fn truncated(self, bits: u32) -> Self;

    /// Bits of the distance from `base`, which is not above; the lower ones left out.
    fn steps_from(self, base: Self, bits: u32) -> Option<usize>;
}

macro_rules! keys {
    ($($integer:ty),*) => { $(
        impl Key for $integer {
            const BITS: u32 = Self::BITS;

            #[inline]
            fn common(self, other: Self) -> u32 {
                (self ^ other).leading_zeros()
            }

            #[inline]
            fn truncated(self, bits: u32) -> Self {
                self & Self::MAX.checked_shl(bits).unwrap_or(0)
            }

            #[inline]
            fn steps_from(self, base: Self, bits: u32) -> Option<usize> {
                usize::try_from(self.checked_sub(base)? >> bits).ok()
            }
        }
    )* };
}

keys!(u32, u128);

/// Spreads keys by some of their bits.
#[derive(Clone, Copy, Debug)]
struct Table<K> {
    /// What its keys have in common; the other bits are 0.
    base: K,
    /// Bits behind those that choose the entry.
    shift: u32,
    /// Its part of the entries, without the one behind the last.
    start: u32,
    len: u32,
}

/// The keys from this entry to the next.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Keys that are below.
    from: u32,
    /// The table over its own keys; [`NO_TABLE`] when they are few.
    table: u32,
}

const NO_TABLE: u32 = u32::MAX;
/// Keys up to which halving alone is as quick as a table.
const HALVED_MAX: usize = 8;
/// Bits by which one table spreads its keys.
const TABLE_BITS_MAX: u32 = 16;

impl<K: Key> Steps<K> {
    /// Takes keys in ascending order; equal ones are allowed.
    #[must_use]
    pub fn new(keys: Vec<K>) -> Self {
        debug_assert!(keys.is_sorted(), "keys are given in order");
        let (mut tables, mut entries) = (Vec::new(), Vec::new());
        add_table(&keys, 0..keys.len(), &mut tables, &mut entries);
        Self { keys: keys.into(), tables: tables.into(), entries: entries.into() }
    }

    /// How many keys are not above `value`.
    #[must_use]
    #[inline]
    pub fn up_to(&self, value: K) -> usize {
        let (mut from, mut to) = (0, self.keys.len());
        let mut next = self.tables.first();
        while let Some(table) = next {
            let steps = value.steps_from(table.base, table.shift);
            let Some(step) = steps.filter(|step| *step < table.len as usize) else {
                return if value < table.base { from } else { to };
            };
            let entries = self.entries.get(table.start as usize + step..).unwrap_or_default();
            let [entry, behind, ..] = entries else { break };
            (from, to) = (entry.from as usize, behind.from as usize);
            next = self.tables.get(entry.table as usize);
        }
        let candidates = self.keys.get(from..to).unwrap_or_default();
        from + candidates.partition_point(|key| *key <= value)
    }
}

/// Adds the table over a range of the keys and those below it, if they are many; returns its number.
fn add_table<K: Key>(
    keys: &[K],
    range: Range<usize>,
    tables: &mut Vec<Table<K>>,
    entries: &mut Vec<Entry>,
) -> u32 {
    let own = keys.get(range.clone()).unwrap_or_default();
    let (Some(&first), Some(&last)) = (own.first(), own.last()) else { return NO_TABLE };
    if own.len() <= HALVED_MAX || first == last {
        return NO_TABLE;
    }
    let rest = K::BITS - first.common(last);
    let bits = (own.len().ilog2() + 1).min(rest).min(TABLE_BITS_MAX);
    let (number, start, len) = (tables.len() as u32, entries.len(), 1_u32 << bits);
    let (base, shift) = (first.truncated(rest), rest - bits);
    tables.push(Table { base, shift, start: start as u32, len });
    let mut from = range.start;
    for step in 0..len as usize {
        entries.push(Entry { from: from as u32, table: NO_TABLE });
        let is_here = |key: &&K| key.steps_from(base, shift) == Some(step);
        from += keys.get(from..range.end).unwrap_or_default().iter().take_while(is_here).count();
    }
    entries.push(Entry { from: range.end as u32, table: NO_TABLE });
    for entry in start..start + len as usize {
        let below = entries[entry].from as usize..entries[entry + 1].from as usize;
        entries[entry].table = add_table(keys, below, tables, entries);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::{Key, Steps};
    use proptest::prelude::*;

    fn agrees<K: Key + std::fmt::Debug>(mut keys: Vec<K>, values: &[K]) {
        keys.sort_unstable();
        let steps = Steps::new(keys.clone());
        for value in values.iter().chain(&keys) {
            let expected = keys.iter().filter(|key| *key <= value).count();
            assert_eq!(steps.up_to(*value), expected, "{value:?} among {keys:?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_counting(
            mut keys in proptest::collection::vec(any::<u32>(), 0..80),
            close in proptest::collection::vec(0u32..0x3_0000, 0..80),
            probes in proptest::collection::vec(any::<u32>(), 20),
        ) {
            keys.extend(&close);
            let near = keys.iter().flat_map(|key| [key.wrapping_sub(1), key.wrapping_add(1)]);
            let values: Vec<u32> = near.chain(probes).collect();
            agrees(keys, &values);
        }

        #[test]
        fn agrees_with_counting_of_wide_keys_below_prefixes_of_any_length(
            keys in proptest::collection::vec((any::<u128>(), 0u32..128, 0u128..60), 0..160),
            probes in proptest::collection::vec(any::<u128>(), 20),
        ) {
            let site = 0x2001_0db8_u128 << 96;
            let keys = keys.iter().map(|&(any, shift, near)| match shift % 4 {
                0 => any,
                1 => any >> shift,
                2 => site | near << (shift / 2),
                _ => site | near << 64,
            });
            let keys: Vec<u128> = keys.collect();
            let near = keys.iter().flat_map(|key| [key.wrapping_sub(1), key.wrapping_add(1)]);
            let values: Vec<u128> = near.chain(probes).collect();
            agrees(keys, &values);
        }
    }

    #[test]
    fn keys_that_halve_the_space_again_and_again_are_found() {
        let keys: Vec<u128> = (0..128).map(|bit| 1 << bit).chain([0, u128::MAX]).collect();
        agrees(keys, &[3, u128::MAX - 1, u128::MAX >> 1]);
        agrees(vec![7_u32; 100], &[0, 6, 8, u32::MAX]);
    }

    #[test]
    fn many_networks_of_one_site_take_three_tables() {
        let mut keys: Vec<u128> = (0..10_000).map(|n| 0x2001_0db8_u128 << 96 | n << 64).collect();
        keys.insert(0, 0);
        keys.push(0xfd00 << 112);
        let steps = Steps::new(keys);
        assert!(steps.tables.len() <= 3, "{}", steps.tables.len());
        assert!(steps.entries.len() <= 3 * 20_000, "{}", steps.entries.len());
    }
}
