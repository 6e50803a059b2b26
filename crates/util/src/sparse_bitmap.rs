//! A bitmap of any size up to 2^64 - 1 bits whose memory is proportional to what is set.
//!
//! It is the [`crate::bitmap`] of pools that no machine could hold: words of level 0 exist only where a bit is set,
//! words of a higher level only where everything below one of their bits is set. A bit of a higher level means
//! "completely full below", so the next clear bit is found by climbing until a word has room and going down
//! again: as many look-ups as there are levels, eleven at most, whatever is set.
//!
//! It is not atomic: its owner holds a lock, which can be a leaf.

use std::collections::BTreeMap;

const WORD_BITS: u64 = 64;
const ALL: u64 = u64::MAX;

/// A fixed number of bits, most of them clear or in full runs.
#[derive(Clone, Debug)]
pub struct SparseBitmap {
    levels: Vec<Level>,
}

/// Words of one level that are not 0, by their place.
#[derive(Clone, Debug)]
struct Level {
    /// Bits of the level.
    len: u64,
    words: BTreeMap<u64, u64>,
}

impl Level {
    fn word(&self, index: u64) -> u64 {
        self.words.get(&index).copied().unwrap_or(0)
    }

    /// The bits that a word has: all, but for the last word.
    fn mask(&self, index: u64) -> u64 {
        match self.len.saturating_sub(index.saturating_mul(WORD_BITS)) {
            WORD_BITS.. => ALL,
            within => !(ALL << within),
        }
    }

    fn is_full(&self, index: u64) -> bool {
        self.word(index) == self.mask(index)
    }

    /// Clear bits of a word.
    fn free(&self, index: u64) -> u64 {
        !self.word(index) & self.mask(index)
    }
}

impl SparseBitmap {
    /// Makes a map of `len` clear bits.
    #[must_use]
    pub fn new(len: u64) -> Self {
        let mut levels = vec![Level { len, words: BTreeMap::new() }];
        let mut len = len;
        while len > WORD_BITS {
            len = len.div_ceil(WORD_BITS);
            levels.push(Level { len, words: BTreeMap::new() });
        }
        Self { levels }
    }

    /// Sets a bit and returns whether it was clear. Bits behind the end do not exist.
    pub fn set(&mut self, bit: u64) -> bool {
        if self.is_set(bit) {
            return false;
        }
        let mut bit = bit;
        for level in &mut self.levels {
            let index = bit / WORD_BITS;
            *level.words.entry(index).or_insert(0) |= 1 << (bit % WORD_BITS);
            if !level.is_full(index) {
                break;
            }
            bit = index;
        }
        true
    }

    /// Clears a bit and returns whether it was set.
    pub fn clear(&mut self, bit: u64) -> bool {
        if bit >= self.len() || !self.is_set(bit) {
            return false;
        }
        let mut bit = bit;
        for level in &mut self.levels {
            let index = bit / WORD_BITS;
            let was_full = level.is_full(index);
            let left = level.word(index) & !(1 << (bit % WORD_BITS));
            if left == 0 {
                level.words.remove(&index);
            } else {
                level.words.insert(index, left);
            }
            if !was_full {
                break;
            }
            bit = index;
        }
        true
    }

    /// Number of bits.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.levels.first().map_or(0, |level| level.len)
    }

    /// Whether the map has no bits at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the bit is set; bits behind the end are.
    #[must_use]
    pub fn is_set(&self, bit: u64) -> bool {
        let word = self.levels.first().map_or(0, |level| level.word(bit / WORD_BITS));
        bit >= self.len() || word & 1 << (bit % WORD_BITS) != 0
    }

    /// Whether a bit from `first` to `last` is set.
    #[must_use]
    pub fn any_set(&self, first: u64, last: u64) -> bool {
        let Some(level) = self.levels.first().filter(|_| first <= last) else { return false };
        // Words between the ends are not 0, so this looks at three of them at most.
        level.words.range(first / WORD_BITS..=last / WORD_BITS).any(|(&index, &word)| {
            let from = if index == first / WORD_BITS { ALL << (first % WORD_BITS) } else { ALL };
            let below = WORD_BITS - 1 - last % WORD_BITS;
            let to = if index == last / WORD_BITS { ALL >> below } else { ALL };
            word & from & to != 0
        })
    }

    /// The first clear bit at or behind `from`.
    #[must_use]
    pub fn next_clear(&self, from: u64) -> Option<u64> {
        let mut bit = from;
        for (height, level) in self.levels.iter().enumerate() {
            if bit >= level.len {
                return None;
            }
            let free = level.free(bit / WORD_BITS) & (ALL << (bit % WORD_BITS));
            if free != 0 {
                bit = bit / WORD_BITS * WORD_BITS + u64::from(free.trailing_zeros());
                let below = self.levels.get(..height).unwrap_or_default().iter().rev();
                return Some(below.fold(bit, |bit, level| {
                    bit * WORD_BITS + u64::from(level.free(bit).trailing_zeros())
                }));
            }
            bit = bit / WORD_BITS + 1;
        }
        None
    }

    /// Number of bits that are set.
    #[must_use]
    pub fn count(&self) -> u64 {
        let words = self.levels.first().map(|level| level.words.values());
        words.into_iter().flatten().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Words that are held in memory, for tests and reports.
    #[must_use]
    pub fn words(&self) -> usize {
        self.levels.iter().map(|level| level.words.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_around_word_borders_end_where_they_should() {
        for len in [0, 1, 63, 64, 65, 4095, 4096, 4097, 262_144, 262_145] {
            let mut map = SparseBitmap::new(len);
            assert_eq!(map.next_clear(0), (len > 0).then_some(0), "{len}");
            assert_eq!(map.next_clear(len), None, "{len}");
            for bit in 0..len {
                assert!(map.set(bit) && !map.set(bit));
            }
            assert_eq!(map.next_clear(0), None, "{len}");
            if let Some(last) = len.checked_sub(1) {
                assert!(map.clear(last) && !map.clear(last));
                assert_eq!(map.next_clear(0), Some(last));
            }
            assert!(!map.clear(len) && !map.set(len + 64));
        }
    }

    #[test]
    fn the_largest_map_ends_where_it_should() {
        let mut map = SparseBitmap::new(u64::MAX);
        let last = u64::MAX - 1;
        assert_eq!(map.next_clear(last), Some(last));
        assert!(map.set(last) && map.is_set(u64::MAX));
        assert_eq!((map.next_clear(last), map.next_clear(u64::MAX)), (None, None));
        assert!(map.any_set(5, u64::MAX) && !map.any_set(0, last - 1));
        assert!(map.clear(last) && !map.clear(u64::MAX));
        assert_eq!(map.words(), 0);
    }

    #[test]
    fn full_runs_are_jumped_over_and_cost_little() {
        let mut map = SparseBitmap::new(1 << 40);
        let first = 1 << 39;
        for bit in first..first + 262_144 {
            map.set(bit);
        }
        assert_eq!(map.next_clear(first), Some(first + 262_144));
        assert_eq!(map.next_clear(first - 1), Some(first - 1));
        assert_eq!(map.words(), 4096 + 64 + 1 + 1);
        for bit in first..first + 262_144 {
            map.clear(bit);
        }
        assert_eq!(map.words(), 0);
    }

    proptest! {
        #[test]
        fn search_equals_a_scan(
            len in prop_oneof![1_u64..300, 1_u64..9000],
            ranges in prop::collection::vec((0_u64..9000, 1_u64..5000, any::<bool>()), 1..12),
            probes in prop::collection::vec((0_u64..9100, 0_u64..300), 1..20),
        ) {
            let mut map = SparseBitmap::new(len);
            let mut model = vec![false; len as usize];
            for (start, count, value) in ranges {
                for bit in start..(start + count).min(len) {
                    let changed = if value { map.set(bit) } else { map.clear(bit) };
                    prop_assert_eq!(changed, model[bit as usize] != value);
                    model[bit as usize] = value;
                }
            }
            for (from, more) in probes {
                let expected = (from..len).find(|&bit| !model[bit as usize]);
                prop_assert_eq!(map.next_clear(from), expected);
                let any = (from..=from + more).any(|bit| model.get(bit as usize) == Some(&true));
                prop_assert_eq!(map.any_set(from, from + more), any);
            }
        }
    }
}
