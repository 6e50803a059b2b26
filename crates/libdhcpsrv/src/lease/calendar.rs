//! The order of expiry: lists of records through the slab, in a wheel of wheels.
//!
//! Seven wheels of 64 lists each cover 42 bits of seconds. A lease is in the list of the highest 6-bit digit in which
//! its time differs from the calendar's, so inserting and removing cost the same for every lifetime; on the way to
//! its time a lease moves down at most six times. A renewal moves nothing: the lease stays where it is, and when its
//! turn comes its real time is looked at and it is filed again. Two more lists hold what has expired, in order of
//! expiry, and what is kept after that.
//!
//! All lists are circular and doubly linked. Every step is bounded, so that a tick can stop and go on later.

use super::kind::LeaseKind;
use super::record::{NIL, Slab};

/// Digits of 6 bits that a time has.
const WHEELS: usize = 7;
const LISTS_PER_WHEEL: usize = 64;
/// Expired leases that wait for reclamation, in order of expiry.
pub(super) const EXPIRED: u16 = (WHEELS * LISTS_PER_WHEEL) as u16;
/// Reclaimed and released leases, in the order in which they became so.
pub(super) const KEPT: u16 = EXPIRED + 1;
/// In no list: the lease never ends.
pub(super) const NOWHERE: u16 = EXPIRED + 2;

/// A clock that went back by more than this many seconds makes the calendar start anew.
const BACKWARD_MAX_S: i64 = 60;

/// Heads of the lists of one shard.
#[derive(Debug)]
pub(super) struct Calendar {
    /// All lists before this second are empty.
    time: i64,
    /// For each wheel, which lists hold something.
    occupied: [u64; WHEELS],
    heads: Box<[u32]>,
    /// Records in the wheels.
    waiting: usize,
}

impl Calendar {
    pub(super) fn new() -> Self {
        let heads = vec![NIL; usize::from(NOWHERE)].into();
        Self { time: 0, occupied: [0; WHEELS], heads, waiting: 0 }
    }

    /// Begins at `now_s`; nothing is filed yet.
    pub(super) fn start(&mut self, now_s: i64) {
        debug_assert_eq!(self.waiting, 0);
        self.time = now_s;
    }

    /// Files a record by the time of its expiry.
    pub(super) fn insert<K: LeaseKind>(&mut self, slab: &mut Slab<K>, slot: u32) {
        let Some(expires_at) = slab[slot].expires_at() else {
            slab[slot].place = NOWHERE;
            return;
        };
        if self.waiting == 0 {
            // Nothing depends on the calendar's time: begin close to what comes, so that it moves down less often.
            self.time = self.time.max(slab[slot].cltt().min(expires_at));
        }
        let fire = expires_at.max(self.time);
        let differing = (fire ^ self.time) as u64 | 1;
        let wheel = ((63 - differing.leading_zeros() as usize) / 6).min(WHEELS - 1);
        let list = (fire >> (6 * wheel)) as usize % LISTS_PER_WHEEL;
        self.occupied[wheel] |= 1 << list;
        self.waiting += 1;
        self.push_back(slab, slot, (wheel * LISTS_PER_WHEEL + list) as u16);
    }

    /// Appends a record to [`EXPIRED`] or [`KEPT`].
    pub(super) fn append<K: LeaseKind>(&mut self, slab: &mut Slab<K>, slot: u32, place: u16) {
        self.push_back(slab, slot, place);
    }

    /// Takes a record out of its list.
    pub(super) fn remove<K: LeaseKind>(&mut self, slab: &mut Slab<K>, slot: u32) {
        let (place, next, prev) = {
            let record = &mut slab[slot];
            (std::mem::replace(&mut record.place, NOWHERE), record.next, record.prev)
        };
        let Some(head) = self.heads.get_mut(usize::from(place)) else { return };
        if next == slot {
            *head = NIL;
        } else {
            slab[prev].next = next;
            slab[next].prev = prev;
            if *head == slot {
                *head = next;
            }
        }
        let emptied = *head == NIL;
        if place < EXPIRED {
            self.waiting -= 1;
            let wheel = usize::from(place) / LISTS_PER_WHEEL;
            if emptied {
                self.occupied[wheel] &= !(1 << (usize::from(place) % LISTS_PER_WHEEL));
            }
        }
    }

    /// The first record of [`EXPIRED`] or [`KEPT`].
    pub(super) fn first(&self, place: u16) -> Option<u32> {
        self.heads.get(usize::from(place)).copied().filter(|&slot| slot != NIL)
    }

    /// Number of records in a list.
    pub(super) fn count<K: LeaseKind>(&self, slab: &Slab<K>, place: u16) -> usize {
        let Some(first) = self.first(place) else { return 0 };
        let mut count = 1;
        let mut slot = slab[first].next;
        while slot != first {
            count += 1;
            slot = slab[slot].next;
        }
        count
    }

    /// The next record whose turn has come by `now_s`, taken out of its list. It may have been renewed since it was
    /// filed. Refiles at most `budget` records on the way and subtracts them from it; `None` when it is used up or
    /// when no turn has come.
    pub(super) fn next_due<K: LeaseKind>(
        &mut self,
        slab: &mut Slab<K>,
        now_s: i64,
        budget: &mut usize,
    ) -> Option<u32> {
        if now_s + BACKWARD_MAX_S < self.time {
            self.restart(slab, now_s);
        }
        while *budget > 0 && self.time <= now_s {
            if let Some(wheel) = (1..WHEELS).rev().find(|&wheel| self.has_current(wheel)) {
                self.refile_one(slab, wheel);
                *budget -= 1;
                continue;
            }
            if self.has_current(0) {
                let slot = self.heads[self.current(0)];
                self.remove(slab, slot);
                *budget -= 1;
                return Some(slot);
            }
            match self.next_time().filter(|&time| time <= now_s) {
                Some(time) => self.time = time,
                // Nothing is due up to the end of `now_s`, and what comes in later is filed relative to it.
                None if self.time == now_s => return None,
                None => self.time = now_s,
            }
        }
        None
    }

    /// The start of the first list after the calendar's time that holds something.
    fn next_time(&self) -> Option<i64> {
        (0..WHEELS).find_map(|wheel| {
            let shift = 6 * wheel;
            let digit = (self.time >> shift) as u32 % LISTS_PER_WHEEL as u32;
            let later = self.occupied[wheel] & (!0_u64).checked_shl(digit + 1).unwrap_or(0);
            (later != 0).then(|| {
                let list = i64::from(later.trailing_zeros());
                (self.time >> (shift + 6) << 6 | list) << shift
            })
        })
    }

    /// Moves one record of the wheel's current list to where it belongs now.
    fn refile_one<K: LeaseKind>(&mut self, slab: &mut Slab<K>, wheel: usize) {
        let slot = self.heads[self.current(wheel)];
        self.remove(slab, slot);
        self.waiting += 1;
        self.insert(slab, slot);
        self.waiting -= 1;
    }

    /// Files everything anew because the clock was set back.
    fn restart<K: LeaseKind>(&mut self, slab: &mut Slab<K>, now_s: i64) {
        let mut slots = Vec::with_capacity(self.waiting);
        for place in 0..usize::from(EXPIRED) {
            while self.heads[place] != NIL {
                let slot = self.heads[place];
                self.remove(slab, slot);
                slots.push(slot);
            }
        }
        self.time = now_s;
        // Keeps `insert` from choosing a time of its own.
        self.waiting = 1;
        for slot in slots {
            self.insert(slab, slot);
        }
        self.waiting -= 1;
    }

    /// Index of the list that holds the calendar's time in a wheel.
    fn current(&self, wheel: usize) -> usize {
        wheel * LISTS_PER_WHEEL + (self.time >> (6 * wheel)) as usize % LISTS_PER_WHEEL
    }

    fn has_current(&self, wheel: usize) -> bool {
        self.heads[self.current(wheel)] != NIL
    }

    fn push_back<K: LeaseKind>(&mut self, slab: &mut Slab<K>, slot: u32, place: u16) {
        let head = &mut self.heads[usize::from(place)];
        slab[slot].place = place;
        if *head == NIL {
            *head = slot;
            slab[slot].next = slot;
            slab[slot].prev = slot;
            return;
        }
        let (first, last) = (*head, slab[*head].prev);
        slab[slot].next = first;
        slab[slot].prev = last;
        slab[last].next = slot;
        slab[first].prev = slot;
    }
}
