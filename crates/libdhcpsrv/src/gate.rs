//! One packet per client in progress.
//!
//! Workers share one gate. A worker enters with the hash of the client and leaves when the exchange is done; while
//! it is inside, a second packet of the same client is told to wait. Slots are few and found by hash; when all the
//! slots that a hash may use are taken by others, the packet passes unguarded: the store's compare-and-set decides
//! races correctly anyway, the gate only makes them rare.

use std::sync::atomic::{AtomicU64, Ordering};

/// Slots of the table; a power of two. With a database, four thousand exchanges of each worker may be inside.
const SLOTS: usize = 1 << 14;
/// Slots that one hash may use.
const PROBES: usize = 4;

/// The table of clients whose packets are being processed.
#[derive(Debug)]
pub struct ClientGate {
    slots: Box<[AtomicU64]>,
}

/// Proof that a client has been entered; given back with [`ClientGate::leave`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Entered(Option<u32>);

impl Default for ClientGate {
    fn default() -> Self {
        Self { slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect() }
    }
}

impl ClientGate {
    /// Enters the client with this hash; `None` when one of its packets is in progress.
    pub fn enter(&self, hash: u64) -> Option<Entered> {
        let hash = hash | 1; // 0 marks a free slot
        let mut free = None;
        for slot in slots(hash) {
            match self.slots[slot].load(Ordering::Relaxed) {
                held if held == hash => return None,
                0 if free.is_none() => free = Some(slot),
                _ => {}
            }
        }
        let Some(slot) = free else { return Some(Entered(None)) };
        match self.slots[slot].compare_exchange(0, hash, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => Some(Entered(Some(slot as u32))),
            Err(held) if held == hash => None,
            Err(_) => Some(Entered(None)),
        }
    }

    /// Whether a packet of the client with this hash is in progress, at this moment.
    #[must_use]
    pub fn is_inside(&self, hash: u64) -> bool {
        let hash = hash | 1;
        slots(hash).any(|slot| self.slots[slot].load(Ordering::Relaxed) == hash)
    }

    /// Number of clients inside; for checks.
    #[must_use]
    pub fn in_progress(&self) -> usize {
        self.slots.iter().filter(|slot| slot.load(Ordering::Relaxed) != 0).count()
    }

    /// Leaves what was entered.
    pub fn leave(&self, entered: Entered) {
        if let Some(slot) = entered.0.and_then(|slot| self.slots.get(slot as usize)) {
            slot.store(0, Ordering::Release);
        }
    }
}

/// The slots that a hash may use.
fn slots(hash: u64) -> impl Iterator<Item = usize> {
    (0..PROBES).map(move |probe| ((hash >> 8) as usize + probe) & (SLOTS - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_packet_of_a_client_waits_for_the_first() {
        let gate = ClientGate::default();
        let first = gate.enter(0xabcd).unwrap();
        assert_eq!(gate.enter(0xabcd), None);
        let other = gate.enter(0x1234_5678).unwrap();
        assert_eq!(gate.in_progress(), 2);
        assert!(gate.is_inside(0xabcd));
        gate.leave(first);
        assert!(!gate.is_inside(0xabcd));
        let again = gate.enter(0xabcd).unwrap();
        gate.leave(again);
        gate.leave(other);
        assert_eq!(gate.in_progress(), 0);
    }

    #[test]
    fn full_slots_let_others_pass() {
        let gate = ClientGate::default();
        let same_slots = |n: u64| 0xff00 | n << 32;
        let entered: Vec<_> = (0..=PROBES as u64).map(|n| gate.enter(same_slots(n))).collect();
        assert!(entered.iter().all(Option::is_some));
        assert_eq!(entered[PROBES], Some(Entered(None)));
    }
}
