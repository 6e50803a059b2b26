//! A hash table from keys to numbers that is made once and only looked at from then on.
//!
//! It holds hashes and numbers; the keys lie elsewhere, and who looks compares them. Open addressing at most half full,
//! eight bytes a slot. Clients choose what is looked for and not what is entered, so all that they can meet are the runs
//! of slots that the entries make, which are short whatever is looked for.

/// The table.
#[derive(Debug, Default)]
pub(super) struct Index {
    slots: Box<[Slot]>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    /// [`EMPTY`] where there is none.
    number: u32,
}

const EMPTY: u32 = u32::MAX;

impl Index {
    /// Enters hashes with their numbers, which are below `u32::MAX`.
    pub(super) fn new(entries: impl ExactSizeIterator<Item = (u64, u32)>) -> Self {
        let count = entries.len();
        if count == 0 {
            return Self::default();
        }
        let empty = Slot { tag: 0, number: EMPTY };
        let mut slots = vec![empty; (count * 2).next_power_of_two()].into_boxed_slice();
        let mask = slots.len() - 1;
        for (hash, number) in entries {
            let mut at = place(hash) & mask;
            while slots[at].number != EMPTY {
                at = (at + 1) & mask;
            }
            slots[at] = Slot { tag: hash as u32, number };
        }
        Self { slots }
    }

    /// The number under a hash that `is_it` accepts.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = place(hash) & mask;
        // Half of the slots are empty.
        loop {
            let slot = self.slots[at];
            if slot.number == EMPTY {
                return None;
            }
            if slot.tag == hash as u32 && is_it(slot.number) {
                return Some(slot.number);
            }
            at = (at + 1) & mask;
        }
    }
}

/// Where the search begins: bits that the tag does not have.
const fn place(hash: u64) -> usize {
    (hash >> 32) as usize
}
