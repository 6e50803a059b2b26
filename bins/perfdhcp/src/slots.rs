//! The table of exchanges in progress, with the timers of their answers.
//!
//! The table has a fixed number of slots. A transaction id is the number of a slot in its low bits and a count of that
//! slot's uses above, so an answer finds its exchange without a search, and one that comes late is recognised as long
//! as the count has not come round. Free slots are a queue: a slot rests as long as possible before it is used again.
//!
//! Timers are a wheel of `BUCKETS` lists through the slots, one per tick of 2^20 ns (about a millisecond). Setting
//! and clearing one is a few writes. A timer beyond one turn of the wheel stays in its list and is looked at once per
//! turn. Nothing here allocates after [`Slots::new`], whatever is lost and however long it runs.

/// Number of a slot.
pub type SlotIndex = u32;

/// Lists of the wheel: a turn takes 4.3 s.
const BUCKETS: usize = 4096;
/// Bits of a tick's length in nanoseconds.
const TICK_BITS: u32 = 20;
/// No slot.
const NONE: u32 = u32::MAX;

/// One exchange in progress, or what is remembered of the last one.
#[derive(Clone, Copy, Debug)]
struct Slot<T> {
    xid: u32,
    deadline_ns: u64,
    /// Neighbours in the list of its timer, or in the queue of free slots (`next`).
    previous: u32,
    next: u32,
    /// List of its timer; `NONE` when none is set.
    bucket: u32,
    is_taken: bool,
    value: T,
}

/// How a transaction id relates to the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It belongs to the exchange in progress in this slot.
    Current(SlotIndex),
    /// It belongs to the exchange that ended last in this slot.
    Ended(SlotIndex),
    /// It belongs to one that was in this slot some time ago.
    Earlier(SlotIndex),
    /// It was never sent.
    Foreign,
}

/// The table of exchanges; `T` is what each exchange carries.
#[derive(Debug)]
pub struct Slots<T> {
    slots: Box<[Slot<T>]>,
    heads: Box<[u32]>,
    /// The tick up to which timers have been looked at.
    tick: u64,
    free_first: u32,
    free_last: u32,
    free: u32,
    slot_bits: u32,
    xid_mask: u32,
}

impl<T: Copy> Slots<T> {
    /// A table of `count` slots (rounded up to a power of two), for transaction ids of `xid_bits` bits.
    ///
    /// At least six bits of the id stay for the count of uses: a table is smaller than asked for if need be.
    #[must_use]
    pub fn new(count: usize, xid_bits: u32, value: T) -> Self {
        let slot_bits = count.max(2).next_power_of_two().ilog2().min(xid_bits - USE_BITS_MIN);
        let count = 1u32 << slot_bits;
        let slot = |at: u32| Slot {
            xid: at,
            deadline_ns: 0,
            previous: NONE,
            next: if at + 1 == count { NONE } else { at + 1 },
            bucket: NONE,
            is_taken: false,
            value,
        };
        Self {
            slots: (0..count).map(slot).collect(),
            heads: vec![NONE; BUCKETS].into_boxed_slice(),
            tick: 0,
            free_first: 0,
            free_last: count - 1,
            free: count,
            slot_bits,
            xid_mask: if xid_bits >= 32 { u32::MAX } else { (1 << xid_bits) - 1 },
        }
    }

    /// Takes the slot that has been free for the longest time, under a new transaction id.
    pub fn take(&mut self, value: T) -> Option<SlotIndex> {
        let at = self.free_first;
        let slot = self.slots.get_mut(at as usize)?;
        self.free_first = slot.next;
        if self.free_first == NONE {
            self.free_last = NONE;
        }
        self.free -= 1;
        slot.is_taken = true;
        slot.value = value;
        self.renew_xid(at);
        Some(at)
    }

    /// Gives the exchange of a slot the next transaction id.
    pub fn renew_xid(&mut self, at: SlotIndex) {
        let (step, mask) = (1u32 << self.slot_bits, self.xid_mask);
        if let Some(slot) = self.slots.get_mut(at as usize) {
            slot.xid = slot.xid.wrapping_add(step) & mask;
        }
    }

    /// Ends the exchange of a slot; `value` is remembered until the slot is taken again.
    pub fn release(&mut self, at: SlotIndex, value: T) {
        self.clear_timer(at);
        let Some(slot) = self.slots.get_mut(at as usize).filter(|slot| slot.is_taken) else {
            return;
        };
        slot.is_taken = false;
        slot.value = value;
        slot.next = NONE;
        match self.slots.get_mut(self.free_last as usize) {
            Some(last) => last.next = at,
            None => self.free_first = at,
        }
        self.free_last = at;
        self.free += 1;
    }

    /// Sets the timer of a slot.
    pub fn set_timer(&mut self, at: SlotIndex, deadline_ns: u64) {
        self.clear_timer(at);
        // A deadline that has passed is found at the next look.
        let tick = (deadline_ns >> TICK_BITS).max(self.tick + 1);
        let bucket = tick as usize % BUCKETS;
        let head = self.heads.get(bucket).copied().unwrap_or(NONE);
        let Some(slot) = self.slots.get_mut(at as usize) else { return };
        slot.deadline_ns = deadline_ns;
        slot.bucket = bucket as u32;
        slot.previous = NONE;
        slot.next = head;
        if let Some(second) = self.slots.get_mut(head as usize) {
            second.previous = at;
        }
        self.set_head(bucket, at);
    }

    /// Clears the timer of a slot, if one is set.
    pub fn clear_timer(&mut self, at: SlotIndex) {
        let Some(slot) = self.slots.get_mut(at as usize).filter(|slot| slot.bucket != NONE) else {
            return;
        };
        let (previous, next, bucket) = (slot.previous, slot.next, slot.bucket as usize);
        slot.bucket = NONE;
        match self.slots.get_mut(previous as usize) {
            Some(before) => before.next = next,
            None => self.set_head(bucket, next),
        }
        if let Some(after) = self.slots.get_mut(next as usize) {
            after.previous = previous;
        }
    }

    /// Takes a timer out that has run off at `now_ns`; its slot stays taken. `None` when there is no more.
    ///
    /// A timer is found up to one tick after its deadline.
    pub fn expired(&mut self, now_ns: u64) -> Option<SlotIndex> {
        let last = now_ns >> TICK_BITS;
        // After a pause longer than a turn, one turn looks at every list.
        self.tick = self.tick.max(last.saturating_sub(BUCKETS as u64));
        while self.tick < last {
            let mut at = self.heads.get(self.tick as usize % BUCKETS).copied().unwrap_or(NONE);
            while let Some(slot) = self.slots.get(at as usize) {
                if slot.deadline_ns <= now_ns {
                    self.clear_timer(at);
                    return Some(at);
                }
                at = slot.next;
            }
            self.tick += 1;
        }
        None
    }

    /// Looks a transaction id up.
    #[must_use]
    pub fn find(&self, xid: u32) -> Found {
        let at = xid & ((1 << self.slot_bits) - 1);
        let Some(slot) = self.slots.get(at as usize).filter(|_| xid <= self.xid_mask) else {
            return Found::Foreign;
        };
        let behind = (slot.xid.wrapping_sub(xid) & self.xid_mask) >> self.slot_bits;
        let uses = slot.xid >> self.slot_bits;
        match behind {
            0 if slot.is_taken => Found::Current(at),
            0 if uses > 0 => Found::Ended(at),
            1..EARLIER_MAX if behind < uses => Found::Earlier(at),
            _ => Found::Foreign,
        }
    }

    /// What the exchange of a slot carries.
    #[must_use]
    pub fn value(&self, at: SlotIndex) -> Option<&T> {
        self.slots.get(at as usize).map(|slot| &slot.value)
    }

    /// As [`Self::value`], to be changed.
    pub fn value_mut(&mut self, at: SlotIndex) -> Option<&mut T> {
        self.slots.get_mut(at as usize).map(|slot| &mut slot.value)
    }

    /// The transaction id of a slot.
    #[must_use]
    pub fn xid(&self, at: SlotIndex) -> u32 {
        self.slots.get(at as usize).map_or(0, |slot| slot.xid)
    }

    /// The exchanges in progress.
    pub fn taken(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().filter(|slot| slot.is_taken).map(|slot| &slot.value)
    }

    /// Number of exchanges in progress.
    #[must_use]
    pub fn taken_count(&self) -> u32 {
        self.capacity() - self.free
    }

    /// Number of slots.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        1 << self.slot_bits
    }

    fn set_head(&mut self, bucket: usize, at: u32) {
        if let Some(head) = self.heads.get_mut(bucket) {
            *head = at;
        }
    }
}

/// Least bits of a transaction id for the count of uses.
const USE_BITS_MIN: u32 = 6;
/// So many uses back an answer counts as late; before that it cannot be told from a foreign one.
const EARLIER_MAX: u32 = 16;

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Found, Slots, TICK_BITS};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const TICK: u64 = 1 << TICK_BITS;

    fn expired(slots: &mut Slots<u8>, now_ns: u64) -> Vec<u32> {
        let mut all: Vec<u32> = std::iter::from_fn(|| slots.expired(now_ns)).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn slots_rest_before_they_are_used_again() {
        let mut slots = Slots::new(4, 24, 0);
        let taken: Vec<_> = (0..4).map(|n| slots.take(n).unwrap()).collect();
        assert_eq!((taken, slots.take(9)), (vec![0, 1, 2, 3], None));
        slots.release(2, 7);
        slots.release(0, 8);
        slots.release(0, 8);
        assert_eq!((slots.taken_count(), slots.take(1), slots.take(1)), (2, Some(2), Some(0)));
        assert_eq!(slots.take(1), None);
    }

    #[test]
    fn answers_are_told_apart_by_their_transaction_id() {
        let mut slots = Slots::new(16, 24, 0);
        assert_eq!(slots.find(0), Found::Foreign, "nothing was sent yet");
        let at = slots.take(5).unwrap();
        let first = slots.xid(at);
        assert_eq!(slots.find(first), Found::Current(at));
        slots.renew_xid(at);
        assert_eq!(slots.find(first), Found::Earlier(at));
        let second = slots.xid(at);
        slots.release(at, 6);
        assert_eq!((slots.find(second), slots.value(at)), (Found::Ended(at), Some(&6)));
        for foreign in [second + 16, 0x00ff_fff0, u32::MAX, 3] {
            assert_eq!(slots.find(foreign), Found::Foreign, "{foreign:#x}");
        }
    }

    #[test]
    fn tables_leave_bits_for_the_count_of_uses() {
        assert_eq!(Slots::new(1 << 20, 24, ()).capacity(), 1 << 18);
        assert_eq!(Slots::new(1000, 32, ()).capacity(), 1024);
        let mut slots = Slots::new(1 << 18, 24, ());
        let at = slots.take(()).unwrap();
        for _ in 0..1000 {
            slots.renew_xid(at);
            assert_eq!(slots.find(slots.xid(at)), Found::Current(at));
        }
    }

    #[test]
    fn timers_beyond_a_turn_wait_for_theirs() {
        let mut slots = Slots::new(4, 24, 0);
        let (near, far) = (slots.take(0).unwrap(), slots.take(0).unwrap());
        let turn = BUCKETS as u64 * TICK;
        slots.set_timer(near, 5 * TICK);
        slots.set_timer(far, 5 * TICK + 3 * turn);
        assert_eq!(expired(&mut slots, 4 * TICK), [0u32; 0]);
        assert_eq!(expired(&mut slots, 7 * TICK), [near]);
        assert_eq!(expired(&mut slots, 2 * turn + 7 * TICK), [0u32; 0]);
        assert_eq!(expired(&mut slots, 9 * turn), [far]);
    }

    #[test]
    fn passed_deadlines_are_found_at_the_next_look() {
        let mut slots = Slots::new(4, 24, 0);
        assert_eq!(expired(&mut slots, 100 * TICK), [0u32; 0]);
        let at = slots.take(0).unwrap();
        slots.set_timer(at, TICK);
        assert_eq!(expired(&mut slots, 103 * TICK), [at]);
    }

    proptest! {
        /// Against a plain map of deadlines, with releases and timers set anew in between.
        #[test]
        fn the_wheel_agrees_with_a_map(
            steps in prop::collection::vec((0u32..8, 0u64..12_000, any::<bool>()), 1..200)
        ) {
            let mut slots = Slots::new(8, 24, 0u8);
            let mut model = BTreeMap::new();
            for _ in 0..8 {
                slots.take(0);
            }
            let mut now = 0;
            for (at, distance, set) in steps {
                if set {
                    slots.set_timer(at, now + distance * TICK);
                    model.insert(at, now + distance * TICK);
                } else {
                    slots.clear_timer(at);
                    model.remove(&at);
                }
                now += distance / 2 * TICK;
                // Two ticks of tolerance: a list is looked at when its tick is over.
                for at in expired(&mut slots, now) {
                    let deadline = model.remove(&at);
                    prop_assert!(deadline.is_some_and(|deadline| deadline <= now));
                }
                for (at, deadline) in &model {
                    prop_assert!(deadline + 2 * TICK > now, "{at} was forgotten");
                }
            }
        }
    }
}
