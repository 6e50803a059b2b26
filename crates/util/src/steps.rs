//! Sorted keys that are found at a cost which hardly grows with their number.
//!
//! A tree of tables leads to the few keys that can matter; those are halved. Each table cuts the distance from its lowest
//! to its highest key into steps, at most twice as many as it has keys, so that it is of use wherever they lie: addresses
//! of a network cluster below a prefix of any length, and two or three tables lead there. Where one step holds many keys
//! there is a table for them; it lies closer by half at least, so the tree is as deep as a key has bits at most.

use std::ops::Range;

use crate::number::AddressNumber;

/// Sorted keys with tables over them.
#[derive(Debug, Default)]
pub struct Steps<A = u32> {
    keys: Box<[A]>,
    /// The first one is the root.
    tables: Box<[Table<A>]>,
    /// Those of all tables.
    entries: Box<[Entry]>,
}

/// Spreads keys by their distance from the lowest.
#[derive(Clone, Copy, Debug)]
struct Table<A> {
    /// The lowest key.
    base: A,
    /// Bits of a distance that lie within a step.
    shift: u32,
    /// Its first entry.
    start: u32,
    /// Number of steps; there is one more entry.
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

impl<A: AddressNumber> Steps<A> {
    /// Takes keys in ascending order; equal ones are allowed.
    #[must_use]
    pub fn new(keys: Vec<A>) -> Self {
        debug_assert!(keys.is_sorted(), "keys are given in order");
        let (mut tables, mut entries) = (Vec::new(), Vec::new());
        add_table(&keys, 0..keys.len(), &mut tables, &mut entries);
        Self { keys: keys.into(), tables: tables.into(), entries: entries.into() }
    }

    /// How many keys are not above `value`.
    #[must_use]
    #[inline]
    pub fn up_to(&self, value: A) -> usize {
        let (mut from, mut to) = (0, self.keys.len());
        let mut next = self.tables.first();
        while let Some(table) = next {
            if value < table.base {
                return from;
            }
            let step = step_of(value, table.base, table.shift);
            if step >= u64::from(table.len) {
                return to;
            }
            let entries =
                self.entries.get(table.start as usize + step as usize..).unwrap_or_default();
            let [entry, behind, ..] = entries else { break };
            (from, to) = (entry.from as usize, behind.from as usize);
            next = self.tables.get(entry.table as usize);
        }
        let candidates = self.keys.get(from..to).unwrap_or_default();
        from + candidates.partition_point(|key| *key <= value)
    }
}

/// Adds the table over a range of the keys and those below it, if they are many; returns its number.
fn add_table<A: AddressNumber>(
    keys: &[A],
    range: Range<usize>,
    tables: &mut Vec<Table<A>>,
    entries: &mut Vec<Entry>,
) -> u32 {
    let own = keys.get(range.clone()).unwrap_or_default();
    let (Some(&first), Some(&last)) = (own.first(), own.last()) else { return NO_TABLE };
    if own.len() <= HALVED_MAX || first == last {
        return NO_TABLE;
    }
    let width = A::BITS - last.minus(first).leading_zeros();
    let bits = (own.len().ilog2() + 1).min(width).min(TABLE_BITS_MAX);
    let (number, start, base, shift) = (tables.len() as u32, entries.len(), first, width - bits);
    let len = step_of(last, base, shift) as u32 + 1;
    tables.push(Table { base, shift, start: start as u32, len });
    let mut from = range.start;
    for step in 0..u64::from(len) {
        entries.push(Entry { from: from as u32, table: NO_TABLE });
        let is_here = |key: &&A| step_of(**key, base, shift) == step;
        from += keys.get(from..range.end).unwrap_or_default().iter().take_while(is_here).count();
    }
    entries.push(Entry { from: range.end as u32, table: NO_TABLE });
    for entry in start..start + len as usize {
        let below = entries[entry].from as usize..entries[entry + 1].from as usize;
        entries[entry].table = add_table(keys, below, tables, entries);
    }
    number
}

/// The step of a value that is not below the base; above all steps when it is too far away for a number.
#[inline]
fn step_of<A: AddressNumber>(value: A, base: A, shift: u32) -> u64 {
    let step = value.minus(base).without_low(shift);
    if step.leading_zeros() + u64::BITS < A::BITS { u64::MAX } else { step.low64() }
}

#[cfg(test)]
mod tests {
    use super::Steps;
    use crate::number::AddressNumber;
    use proptest::prelude::*;

    fn agrees<A: AddressNumber>(mut keys: Vec<A>, values: &[A]) {
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
