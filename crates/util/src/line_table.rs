//! A hash table of pairs of 32-bit numbers that touches one cache line per lookup, most of the time.
//!
//! For indexes that outgrow the caches: a table with separate control bytes reads two lines for what it finds, this
//! one reads the line that the tag names, and rarely the next. A line holds eight pairs. A tag is a hash, well mixed
//! and secret if others choose the keys; equal tags may occur any number of times, and all of them are in the lines
//! from their home on, up to the first line that is not full. Removal moves later pairs up to keep it so.

/// Pairs in a line of 64 bytes.
const LINE_LEN: usize = 8;
/// Out of eight places six are filled before the table doubles.
const FILL_MAX: usize = 6;

/// Value of a free place.
const FREE: u32 = u32::MAX;

/// Eight pairs; the free places are the last ones.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line {
    tags: [u32; LINE_LEN],
    values: [u32; LINE_LEN],
}

const EMPTY: Line = Line { tags: [0; LINE_LEN], values: [FREE; LINE_LEN] };

impl Line {
    fn is_full(&self) -> bool {
        self.values[LINE_LEN - 1] != FREE
    }

    /// A bit for each place that holds the tag.
    fn places(&self, tag: u32) -> u32 {
        let mut places = 0;
        for place in 0..LINE_LEN {
            let same = self.tags[place] == tag && self.values[place] != FREE;
            places |= u32::from(same) << place;
        }
        places
    }

    fn pairs(&self) -> impl Iterator<Item = (u32, u32)> {
        let pairs = self.tags.into_iter().zip(self.values);
        pairs.take_while(|(_, value)| *value != FREE)
    }

    /// Adds a pair if there is room.
    fn push(&mut self, tag: u32, value: u32) -> bool {
        let Some(place) = self.values.iter().position(|value| *value == FREE) else { return false };
        self.tags[place] = tag;
        self.values[place] = value;
        true
    }

    /// Takes a pair out; the last one moves into its place.
    fn take(&mut self, place: usize) -> (u32, u32) {
        let pair = (self.tags[place], self.values[place]);
        let behind = self.values.iter().position(|value| *value == FREE).unwrap_or(LINE_LEN);
        let last = behind.saturating_sub(1).max(place);
        self.tags[place] = self.tags[last];
        self.values[place] = self.values[last];
        self.values[last] = FREE;
        pair
    }
}

/// Values by tag; every value but `u32::MAX` can be stored.
#[derive(Clone, Debug, Default)]
pub struct LineTable {
    /// A power of two, or none.
    lines: Vec<Line>,
    len: usize,
}

impl LineTable {
    /// Makes an empty table, which takes no memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { lines: Vec::new(), len: 0 }
    }

    /// Adds a pair, also when the same is there already.
    pub fn insert(&mut self, tag: u32, value: u32) {
        debug_assert_ne!(value, FREE);
        if self.len >= self.lines.len() * FILL_MAX {
            self.resize(self.len + 1);
        }
        self.place(tag, value);
        self.len += 1;
    }

    /// Removes one pair and returns whether it was there.
    pub fn remove(&mut self, tag: u32, value: u32) -> bool {
        let Some((mut hole, place)) = self.find_pair(tag, value) else { return false };
        self.len -= 1;
        let mut was_full = self.lines[hole].is_full();
        self.lines[hole].take(place);
        let mut line = hole;
        // A pair that found this line full lies behind it, with nothing but full lines in between.
        while was_full {
            line = self.behind(line);
            if line == hole {
                break;
            }
            let distance = self.distance(hole, line);
            let came_by = |(tag, _)| self.distance(self.home(tag), line) >= distance;
            let moved = self.lines[line].pairs().position(came_by);
            was_full = self.lines[line].is_full();
            if let Some(place) = moved {
                let (tag, value) = self.lines[line].take(place);
                self.lines[hole].push(tag, value);
                hole = line;
            }
        }
        true
    }

    /// Makes room for `additional` more pairs.
    pub fn reserve(&mut self, additional: usize) {
        let wanted = self.len + additional;
        if wanted > self.lines.len() * FILL_MAX {
            self.resize(wanted);
        }
    }

    /// The values of a tag, in no order.
    pub fn values(&self, tag: u32) -> impl Iterator<Item = u32> {
        self.run(tag).flat_map(move |line| {
            let places = line.places(tag);
            let equal = (0..LINE_LEN).filter(move |place| places & 1 << place != 0);
            equal.map(|place| line.values[place])
        })
    }

    /// One value of a tag.
    #[must_use]
    pub fn first(&self, tag: u32) -> Option<u32> {
        let mut index = self.home(tag);
        for _ in 0..self.lines.len() {
            let line = &self.lines[index];
            let places = line.places(tag);
            if places != 0 {
                return Some(line.values[places.trailing_zeros() as usize % LINE_LEN]);
            }
            if !line.is_full() {
                return None;
            }
            index = self.behind(index);
        }
        None
    }

    /// All pairs, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> {
        self.lines.iter().flat_map(Line::pairs)
    }

    /// Number of pairs.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no pair.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The lines that may hold a tag: from its home to the first that is not full.
    fn run(&self, tag: u32) -> impl Iterator<Item = &Line> {
        let home = self.home(tag);
        let (behind, before) = (self.lines.get(home..), self.lines.get(..home));
        let lines = behind.unwrap_or_default().iter().chain(before.unwrap_or_default());
        let mut ends = false;
        lines.take_while(move |line| !std::mem::replace(&mut ends, !line.is_full()))
    }

    fn find_pair(&self, tag: u32, value: u32) -> Option<(usize, usize)> {
        let mut index = self.home(tag);
        for _ in 0..self.lines.len() {
            let line = &self.lines[index];
            if let Some(place) = line.pairs().position(|pair| pair == (tag, value)) {
                return Some((index, place));
            }
            if !line.is_full() {
                return None;
            }
            index = self.behind(index);
        }
        None
    }

    /// Stores a pair in the first line with room; there is one.
    fn place(&mut self, tag: u32, value: u32) {
        let mut index = self.home(tag);
        while !self.lines[index].push(tag, value) {
            index = self.behind(index);
        }
    }

    /// The line after another, around the end.
    fn behind(&self, index: usize) -> usize {
        (index + 1) & (self.lines.len() - 1)
    }

    /// The line in which a tag is looked for first: its highest bits.
    fn home(&self, tag: u32) -> usize {
        ((u64::from(tag) * self.lines.len() as u64) >> 32) as usize
    }

    /// Lines from one to another, around the end.
    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.lines.len() - 1)
    }

    /// Makes the table large enough for `wanted` pairs.
    fn resize(&mut self, wanted: usize) {
        let lines = wanted.div_ceil(FILL_MAX).next_power_of_two();
        let old = std::mem::replace(&mut self.lines, vec![EMPTY; lines]);
        for (tag, value) in old.iter().flat_map(Line::pairs) {
            self.place(tag, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_empty_table_finds_and_removes_nothing() {
        let mut table = LineTable::new();
        assert_eq!(table.first(7), None);
        assert!(!table.remove(7, 7) && table.is_empty());
    }

    #[test]
    fn many_equal_tags_are_all_kept() {
        for tag in [0, u32::MAX] {
            let mut table = LineTable::new();
            (0..100).for_each(|value| table.insert(tag, value));
            let mut values: Vec<u32> = table.values(tag).collect();
            values.sort_unstable();
            assert!(values.into_iter().eq(0..100));
            assert!((0..100).all(|value| table.remove(tag, value)));
            assert!(table.is_empty() && table.first(tag).is_none());
        }
    }

    #[test]
    fn a_million_tags_are_found() {
        let mut table = LineTable::new();
        let tag = |number: u32| number.wrapping_mul(0x9e37_79b1);
        table.reserve(1000);
        (0..1_000_000).for_each(|number| table.insert(tag(number), number));
        assert_eq!(table.len(), 1_000_000);
        assert!((0..1_000_000).all(|number| table.first(tag(number)) == Some(number)));
    }

    proptest! {
        #[test]
        fn any_sequence_agrees_with_a_list(
            steps in prop::collection::vec((any::<bool>(), 0..24_u32, 0..4_u32), 1..400),
        ) {
            let mut table = LineTable::new();
            let mut model: Vec<(u32, u32)> = Vec::new();
            for (inserts, tag, value) in steps {
                // Neighbouring homes, the last ones included, so that runs meet and go around the end.
                let tag = tag.wrapping_sub(12).wrapping_mul(0x0400_0000);
                if inserts {
                    table.insert(tag, value);
                    model.push((tag, value));
                } else {
                    let at = model.iter().position(|pair| *pair == (tag, value));
                    prop_assert_eq!(table.remove(tag, value), at.is_some());
                    at.map(|at| model.swap_remove(at));
                }
                prop_assert_eq!(table.len(), model.len());
                for tag in (0..24_u32).map(|tag| tag.wrapping_sub(12).wrapping_mul(0x0400_0000)) {
                    let mut values: Vec<u32> = table.values(tag).collect();
                    let mut expected: Vec<u32> =
                        model.iter().filter(|pair| pair.0 == tag).map(|pair| pair.1).collect();
                    values.sort_unstable();
                    expected.sort_unstable();
                    prop_assert_eq!(values, expected);
                }
            }
        }
    }
}
