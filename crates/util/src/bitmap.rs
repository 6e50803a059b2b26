//! A bitmap with summaries: the next clear bit is found in a few word reads, however full the map is.
//!
//! Level 0 has one bit per item. A bit of a higher level tells that the whole word below it is set, until one word
//! covers everything: 16 million items need four levels, which lie one behind the other in one allocation. Up to 256
//! items have no summaries and no allocation: their four words lie in the map itself, next to what its owner keeps
//! beside it.
//!
//! Words are atomic and nothing is locked. A summary may lag behind its word while another thread is between two
//! steps; a search that meets such a word goes on behind it, and the thread that changed the word corrects the
//! summary before it returns.
//!
//! Bits behind the end are set once and for all, so that a search never returns them.

use std::sync::atomic::{AtomicU64, Ordering};

const WORD_BITS: u64 = 64;
const FULL: u64 = u64::MAX;
/// Words of a map without summaries.
const FEW_WORDS: usize = 4;
const FEW_LEN_MAX: u64 = FEW_WORDS as u64 * WORD_BITS;

/// A fixed number of bits that many threads set, clear and search. It takes 40 bytes.
#[derive(Debug)]
pub struct AtomicBitmap(Words);

#[derive(Debug)]
enum Words {
    /// All words of a small map.
    Few { len: u16, words: [AtomicU64; FEW_WORDS] },
    /// The level of the items, the summary of its words, and so on to the single word on top.
    Many { len: u64, words: Box<[AtomicU64]> },
}

impl AtomicBitmap {
    /// Makes a map of `len` clear bits.
    #[must_use]
    pub fn new(len: u64) -> Self {
        if let Some(len) = u16::try_from(len).ok().filter(|&len| u64::from(len) <= FEW_LEN_MAX) {
            let words = std::array::from_fn(|word| AtomicU64::new(fresh(word as u64, len.into())));
            return Self(Words::Few { len, words });
        }
        let mut words = Vec::new();
        let mut bits = len;
        loop {
            let count = words_of(bits);
            words.extend((0..count).map(|word| AtomicU64::new(fresh(word, bits))));
            if count == 1 {
                return Self(Words::Many { len, words: words.into() });
            }
            bits = count;
        }
    }

    /// Number of bits.
    #[must_use]
    #[inline]
    pub fn len(&self) -> u64 {
        match self.0 {
            Words::Few { len, .. } => u64::from(len),
            Words::Many { len, .. } => len,
        }
    }

    /// Whether the map has no bits at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the bit is set; bits behind the end are.
    #[must_use]
    pub fn is_set(&self, bit: u64) -> bool {
        self.item_word(bit)
            .is_none_or(|word| word.load(Ordering::Relaxed) & (1 << (bit % WORD_BITS)) != 0)
    }

    /// Whether a bit from `first` to `last` is set. It reads every word in between: for the few bits that one lease
    /// can cover.
    #[must_use]
    pub fn any_set(&self, first: u64, last: u64) -> bool {
        let Some(end) = self.len().checked_sub(1) else { return false };
        let last = last.min(end);
        (first / WORD_BITS..=last / WORD_BITS).any(|index| {
            let from = if index == first / WORD_BITS { FULL << (first % WORD_BITS) } else { FULL };
            let below = WORD_BITS - 1 - last % WORD_BITS;
            let to = if index == last / WORD_BITS { FULL >> below } else { FULL };
            let word = self.item_word(index * WORD_BITS);
            first <= last && word.is_some_and(|word| word.load(Ordering::Relaxed) & from & to != 0)
        })
    }

    /// Sets a bit and returns whether it was clear.
    pub fn set(&self, bit: u64) -> bool {
        let Some(word) = self.item_word(bit) else { return false };
        let mask = 1 << (bit % WORD_BITS);
        let before = word.fetch_or(mask, Ordering::SeqCst);
        if before | mask == FULL && before != FULL {
            self.summarize(bit / WORD_BITS);
        }
        before & mask == 0
    }

    /// Clears a bit and returns whether it was set; bits behind the end stay.
    pub fn clear(&self, bit: u64) -> bool {
        let Some(word) = self.item_word(bit) else { return false };
        let mask = 1 << (bit % WORD_BITS);
        let before = word.fetch_and(!mask, Ordering::SeqCst);
        if before == FULL {
            self.summarize(bit / WORD_BITS);
        }
        before & mask != 0
    }

    /// Clears all bits and returns how many were set. What others set meanwhile may be lost.
    pub fn clear_all(&self) -> u64 {
        let words = self.len().div_ceil(WORD_BITS);
        let clear_word = |index: u64| {
            let first = index * WORD_BITS;
            let Some(word) = self.item_word(first) else { return 0 };
            let before = word.swap(fresh(index, self.len()), Ordering::SeqCst);
            if before == FULL {
                self.summarize(index);
            }
            u64::from((before & !fresh(index, self.len())).count_ones())
        };
        (0..words).map(clear_word).sum()
    }

    /// The first clear bit at or behind `from`.
    #[must_use]
    pub fn next_clear(&self, from: u64) -> Option<u64> {
        let many = match &self.0 {
            Words::Few { words, .. } => return next_clear_of(words, from),
            Words::Many { len, words } => Levels { bits: *len, words },
        };
        let mut from = from;
        loop {
            let (mut level, mut bit) = many.climb(from)?;
            loop {
                if level == 0 {
                    return Some(bit);
                }
                level -= 1;
                let free = !many.level(level).get(bit as usize)?.load(Ordering::Relaxed);
                if free == 0 {
                    // The summary lags behind: nothing is free below this word.
                    from = (bit + 1) << (6 * (level + 1));
                    break;
                }
                bit = bit * WORD_BITS + u64::from(free.trailing_zeros());
            }
        }
    }

    /// The word of an item; none behind the end.
    #[inline]
    fn item_word(&self, bit: u64) -> Option<&AtomicU64> {
        let words = match &self.0 {
            Words::Few { words, .. } => &words[..],
            Words::Many { words, .. } => words,
        };
        words.get((bit / WORD_BITS) as usize).filter(|_| bit < self.len())
    }

    /// Makes the summaries above word `index` of level 0 agree with it.
    fn summarize(&self, index: u64) {
        let Words::Many { len, words } = &self.0 else { return };
        let mut levels = Levels { bits: *len, words };
        let mut index = index;
        while let Some(summary) = levels.summary() {
            let (Some(below), Some(above)) = (levels.word(index), summary.word(index / WORD_BITS))
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
            levels = summary;
        }
    }
}

/// A level of a large map with all above it.
#[derive(Clone, Copy)]
struct Levels<'a> {
    /// Bits of the lowest of them.
    bits: u64,
    words: &'a [AtomicU64],
}

impl<'a> Levels<'a> {
    /// The levels above the lowest one.
    fn summary(self) -> Option<Self> {
        let count = words_of(self.bits);
        let words = self.words.get(count as usize..).filter(|_| count > 1)?;
        Some(Self { bits: count, words })
    }

    /// A word of the lowest level.
    fn word(self, index: u64) -> Option<&'a AtomicU64> {
        self.words.get(index as usize).filter(|_| index < words_of(self.bits))
    }

    /// The words of the level that lies so many levels above the lowest.
    fn level(self, above: usize) -> &'a [AtomicU64] {
        let mut levels = self;
        for _ in 0..above {
            match levels.summary() {
                Some(summary) => levels = summary,
                None => return &[],
            }
        }
        levels.words.get(..words_of(levels.bits) as usize).unwrap_or_default()
    }

    /// The lowest level, and the bit in it, whose word has a clear bit at or behind `from`.
    fn climb(self, from: u64) -> Option<(usize, u64)> {
        let mut levels = self;
        let mut bit = from;
        for level in 0.. {
            let word = levels.word(bit / WORD_BITS)?.load(Ordering::Relaxed);
            let free = !word & (FULL << (bit % WORD_BITS));
            if free != 0 {
                let first = u64::from(free.trailing_zeros());
                return Some((level, bit / WORD_BITS * WORD_BITS + first));
            }
            bit = bit / WORD_BITS + 1;
            levels = levels.summary()?;
        }
        None
    }
}

/// The first clear bit at or behind `from`, word by word.
fn next_clear_of(words: &[AtomicU64], from: u64) -> Option<u64> {
    let mut mask = FULL << (from % WORD_BITS);
    for index in from / WORD_BITS..words.len() as u64 {
        let free = !words.get(index as usize)?.load(Ordering::Relaxed) & mask;
        if free != 0 {
            return Some(index * WORD_BITS + u64::from(free.trailing_zeros()));
        }
        mask = FULL;
    }
    None
}

/// Words that a level of so many bits has.
const fn words_of(bits: u64) -> u64 {
    let words = bits.div_ceil(WORD_BITS);
    if words == 0 { 1 } else { words }
}

/// A word of a new level: its bits at or behind the end are set.
const fn fresh(index: u64, bits: u64) -> u64 {
    match bits.saturating_sub(index * WORD_BITS) {
        WORD_BITS.. => 0,
        within => FULL << within,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sizes_around_word_borders_end_where_they_should() {
        for len in [0, 1, 63, 64, 65, 255, 256, 257, 4095, 4096, 4097, 262_144, 262_145] {
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
            assert_eq!(map.set(len.saturating_sub(1)), len > 0);
            assert_eq!((map.clear_all(), map.clear_all()), (len, 0));
            assert_eq!(map.next_clear(0), (len > 0).then_some(0), "{len}");
            assert_eq!(map.next_clear(len), None, "{len}");
        }
    }

    #[test]
    fn a_map_lies_in_its_owners_line() {
        assert_eq!(size_of::<AtomicBitmap>(), 40);
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
            len in prop_oneof![1_u64..300, 1_u64..9000],
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
                let last = from + 100;
                let any = (from..=last).any(|bit| model.get(bit as usize) == Some(&true));
                prop_assert_eq!(map.any_set(from, last), any);
            }
        }
    }
}
