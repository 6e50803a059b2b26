//! A bitmap with summaries: the next clear bit is found in a few word reads, however full the map is.
//!
//! Level 0 has one bit per item. A bit of a higher level tells that the whole word below it is set, until one word
//! covers everything: 64 items need one level, 16 million need four. Words are atomic and nothing is locked. A
//! summary may lag behind its word while another thread is between two steps; a search that meets such a word
//! goes on behind it, and the thread that changed the word corrects the summary before it returns.
//!
//! Bits behind the end are set once and for all, so that a search never returns them.

use std::sync::atomic::{AtomicU64, Ordering};

const WORD_BITS: u64 = 64;
const FULL: u64 = u64::MAX;

/// A fixed number of bits that many threads set, clear and search.
#[derive(Debug)]
pub struct AtomicBitmap {
    /// From the level of the items to the single word on top.
    levels: Box<[Box<[AtomicU64]>]>,
    len: u64,
}

impl AtomicBitmap {
    /// Makes a map of `len` clear bits.
    #[must_use]
    pub fn new(len: u64) -> Self {
        let mut levels = Vec::new();
        let mut bits = len;
        loop {
            let words = bits.div_ceil(WORD_BITS).max(1);
            let level: Box<[AtomicU64]> = (0..words).map(|_| AtomicU64::new(0)).collect();
            let behind = bits - (words - 1) * WORD_BITS;
            if let Some(last) = level.last().filter(|_| behind < WORD_BITS) {
                last.store(FULL << behind, Ordering::Relaxed);
            }
            levels.push(level);
            if words == 1 {
                return Self { levels: levels.into(), len };
            }
            bits = words;
        }
    }

    /// Number of bits.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the map has no bits at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the bit is set; bits behind the end are.
    #[must_use]
    pub fn is_set(&self, bit: u64) -> bool {
        self.word(0, bit)
            .is_none_or(|word| word.load(Ordering::Relaxed) & (1 << (bit % WORD_BITS)) != 0)
    }

    /// Sets a bit and returns whether it was clear.
    pub fn set(&self, bit: u64) -> bool {
        let Some(word) = self.word(0, bit) else { return false };
        let mask = 1 << (bit % WORD_BITS);
        let before = word.fetch_or(mask, Ordering::SeqCst);
        if before | mask == FULL && before != FULL {
            self.summarize(bit / WORD_BITS);
        }
        before & mask == 0
    }

    /// Clears a bit and returns whether it was set; bits behind the end stay.
    pub fn clear(&self, bit: u64) -> bool {
        if bit >= self.len {
            return false;
        }
        let Some(word) = self.word(0, bit) else { return false };
        let mask = 1 << (bit % WORD_BITS);
        let before = word.fetch_and(!mask, Ordering::SeqCst);
        if before == FULL {
            self.summarize(bit / WORD_BITS);
        }
        before & mask != 0
    }

    /// The first clear bit at or behind `from`.
    #[must_use]
    pub fn next_clear(&self, from: u64) -> Option<u64> {
        let mut from = from;
        loop {
            let (mut level, mut bit) = self.climb(from)?;
            loop {
                if level == 0 {
                    return Some(bit);
                }
                level -= 1;
                let free = !self.levels[level].get(bit as usize)?.load(Ordering::Relaxed);
                if free == 0 {
                    // The summary lags behind: nothing is free below this word.
                    from = (bit + 1) << (6 * (level + 1));
                    break;
                }
                bit = bit * WORD_BITS + u64::from(free.trailing_zeros());
            }
        }
    }

    /// The lowest level, and the bit in it, whose word has a clear bit at or behind `from`.
    fn climb(&self, from: u64) -> Option<(usize, u64)> {
        let mut bit = from;
        for (level, words) in self.levels.iter().enumerate() {
            let word = words.get((bit / WORD_BITS) as usize)?.load(Ordering::Relaxed);
            let free = !word & (FULL << (bit % WORD_BITS));
            if free != 0 {
                return Some((
                    level,
                    bit / WORD_BITS * WORD_BITS + u64::from(free.trailing_zeros()),
                ));
            }
            bit = bit / WORD_BITS + 1;
        }
        None
    }

    /// Makes the summaries above word `index` of level 0 agree with it.
    fn summarize(&self, index: u64) {
        let mut index = index;
        for level in 1..self.levels.len() {
            let (Some(below), Some(above)) =
                (self.levels[level - 1].get(index as usize), self.word(level, index))
            else {
                return;
            };
            let mask = 1 << (index % WORD_BITS);
            let mut changed = false;
            loop {
                let full = below.load(Ordering::SeqCst) == FULL;
                let before = if full {
                    above.fetch_or(mask, Ordering::SeqCst)
                } else {
                    above.fetch_and(!mask, Ordering::SeqCst)
                };
                let after = if full { before | mask } else { before & !mask };
                changed |= (before == FULL) != (after == FULL);
                if (below.load(Ordering::SeqCst) == FULL) == full {
                    break;
                }
            }
            if !changed {
                return;
            }
            index /= WORD_BITS;
        }
    }

    fn word(&self, level: usize, bit: u64) -> Option<&AtomicU64> {
        self.levels.get(level)?.get((bit / WORD_BITS) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_around_word_borders_end_where_they_should() {
        for len in [0, 1, 63, 64, 65, 4095, 4096, 4097, 262_144, 262_145] {
            let map = AtomicBitmap::new(len);
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
    fn threads_leave_summaries_that_agree_with_the_bits() {
        let map = AtomicBitmap::new(64 * 64 * 2);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let map = &map;
                scope.spawn(move || {
                    for _ in 0..20 {
                        for bit in (thread..map.len()).step_by(4) {
                            map.set(bit);
                        }
                        for bit in (thread..map.len()).step_by(4) {
                            map.clear(bit);
                        }
                    }
                    for bit in (thread..map.len()).step_by(4).filter(|bit| bit % 4096 != 70) {
                        map.set(bit);
                    }
                });
            }
        });
        assert_eq!(map.next_clear(0), Some(70));
        assert_eq!(map.next_clear(71), Some(4166));
        assert_eq!(map.next_clear(4167), None);
        map.set(70);
        assert_eq!(map.next_clear(0), Some(4166));
    }

    proptest! {
        #[test]
        fn search_equals_a_scan(
            len in 1_u64..9000,
            ranges in prop::collection::vec((0_u64..9000, 1_u64..3000, any::<bool>()), 1..12),
            probes in prop::collection::vec(0_u64..9100, 1..20),
        ) {
            let map = AtomicBitmap::new(len);
            let mut model = vec![false; len as usize];
            for (start, count, value) in ranges {
                for bit in start..(start + count).min(len) {
                    let changed = if value { map.set(bit) } else { map.clear(bit) };
                    prop_assert_eq!(changed, model[bit as usize] != value);
                    model[bit as usize] = value;
                }
            }
            for from in probes {
                let expected = (from..len).find(|&bit| !model[bit as usize]);
                prop_assert_eq!(map.next_clear(from), expected);
            }
        }
    }
}
