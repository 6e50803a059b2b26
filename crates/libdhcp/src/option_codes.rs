//! A set of one-byte option codes.
//!
//! 256 bits in four words: membership is one test, and iteration yields codes in ascending order,
//! which is the order in which options are sent.

/// A set of option codes 0..=255.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OptionCodes([u64; 4]);

impl OptionCodes {
    /// The empty set.
    pub const EMPTY: Self = Self([0; 4]);

    /// The set of the listed codes.
    #[must_use]
    pub const fn of(codes: &[u8]) -> Self {
        let mut words = [0; 4];
        let mut index = 0;
        while index < codes.len() {
            words[(codes[index] >> 6) as usize] |= 1 << (codes[index] & 63);
            index += 1;
        }
        Self(words)
    }

    /// Adds a code.
    #[inline]
    pub fn insert(&mut self, code: u8) {
        self.0[usize::from(code >> 6)] |= 1 << (code & 63);
    }

    /// Takes a code out.
    #[inline]
    pub fn remove(&mut self, code: u8) {
        self.0[usize::from(code >> 6)] &= !(1 << (code & 63));
    }

    /// Removes all codes.
    #[inline]
    pub fn clear(&mut self) {
        self.0 = [0; 4];
    }

    /// True when the code is in the set.
    #[must_use]
    #[inline]
    pub fn contains(&self, code: u8) -> bool {
        self.0[usize::from(code >> 6)] >> (code & 63) & 1 != 0
    }

    /// True when there is no code.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// Number of codes.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Codes that are in either set.
    #[must_use]
    #[inline]
    pub fn union(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    /// Codes that are in both sets.
    #[must_use]
    #[inline]
    pub fn intersection(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & other.0[word]))
    }

    /// Codes of this set that are not in `other`.
    #[must_use]
    #[inline]
    pub fn difference(self, other: Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & !other.0[word]))
    }

    /// Number of codes in the set that are below `code`.
    #[must_use]
    #[inline]
    pub fn rank(&self, code: u8) -> usize {
        let word = usize::from(code >> 6);
        let before: u32 = self.0.iter().take(word).map(|bits| bits.count_ones()).sum();
        before as usize + self.rank_in_word(code)
    }

    /// Number of codes in the set that are below `code` and share its word of 64 codes.
    #[inline]
    pub(crate) fn rank_in_word(&self, code: u8) -> usize {
        let below = self.0[usize::from(code >> 6)] & ((1 << (code & 63)) - 1);
        below.count_ones() as usize
    }

    /// The codes in ascending order.
    #[inline]
    pub fn iter(&self) -> OptionCodesIter {
        OptionCodesIter { words: self.0, word: 0 }
    }
}

impl IntoIterator for OptionCodes {
    type Item = u8;
    type IntoIter = OptionCodesIter;

    fn into_iter(self) -> OptionCodesIter {
        self.iter()
    }
}

impl FromIterator<u8> for OptionCodes {
    fn from_iter<I: IntoIterator<Item = u8>>(codes: I) -> Self {
        let mut set = Self::EMPTY;
        for code in codes {
            set.insert(code);
        }
        set
    }
}

/// Iterator over an [`OptionCodes`] set, ascending.
#[derive(Clone, Debug)]
pub struct OptionCodesIter {
    words: [u64; 4],
    word: usize,
}

impl Iterator for OptionCodesIter {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        while let Some(bits) = self.words.get_mut(self.word) {
            if *bits != 0 {
                let bit = bits.trailing_zeros();
                *bits &= *bits - 1;
                return Some((self.word as u32 * 64 + bit) as u8);
            }
            self.word += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::OptionCodes;

    #[test]
    fn iteration_is_ascending_and_complete() {
        let set: OptionCodes = [255, 0, 63, 64, 3, 128, 191].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 3, 63, 64, 128, 191, 255]);
        assert_eq!(set.len(), 7);
    }

    #[test]
    fn rank_counts_smaller_codes() {
        let set = OptionCodes::of(&[1, 3, 64, 200]);
        assert_eq!(
            [0, 1, 2, 3, 64, 65, 200, 255].map(|code| set.rank(code)),
            [0, 0, 1, 1, 2, 3, 3, 4]
        );
    }

    #[test]
    fn removal_difference_and_intersection() {
        let mut set = OptionCodes::of(&[1, 3, 70]);
        set.remove(3);
        assert!(!set.contains(3) && set.contains(70));
        assert_eq!(set.difference(OptionCodes::of(&[70])), OptionCodes::of(&[1]));
        assert_eq!(set.intersection(OptionCodes::of(&[70, 3])), OptionCodes::of(&[70]));
    }
}
