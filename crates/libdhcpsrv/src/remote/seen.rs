//! What a worker has read a moment ago: the rows that its decisions are based on.

use foldhash::HashMap;

use crate::lease::{LeaseKind, Version};

/// Rows that are kept. An exchange reads one or two, and four thousand exchanges can be in progress.
const KEPT: usize = 1 << 14;

/// The rows that were read last. The oldest one makes room; whoever still depends on that meets a conflict and reads
/// again.
#[derive(Debug)]
pub(super) struct Seen<K: LeaseKind> {
    rows: Vec<Row<K>>,
    next: usize,
    /// Where the last row of an address lies.
    by_address: HashMap<K::Number, u32>,
    /// Number of the last row.
    last: u32,
}

#[derive(Debug)]
struct Row<K: LeaseKind> {
    /// 0 once it has been taken out.
    number: u32,
    lease: K::Lease,
    /// Whether a second exchange is based on it.
    is_recalled: bool,
}

impl<K: LeaseKind> Default for Seen<K> {
    fn default() -> Self {
        Self { rows: Vec::new(), next: 0, by_address: HashMap::default(), last: 0 }
    }
}

impl<K: LeaseKind> Seen<K> {
    /// Keeps a row.
    pub(super) fn insert(&mut self, lease: K::Lease) -> (Version, &K::Lease) {
        // 0 is no version.
        self.last = self.last.checked_add(1).unwrap_or(1);
        let address: K::Number = K::address(&lease).into();
        let row = Row { number: self.last, lease, is_recalled: false };
        let (slot, place) = (self.next as u32, self.next);
        match self.rows.get_mut(place) {
            Some(room) => {
                let old = std::mem::replace(room, row);
                self.leave(slot, &old.lease);
            }
            None => self.rows.push(row),
        }
        self.by_address.insert(address, slot);
        self.next = (self.next + 1) % KEPT;
        (Version::new(slot, self.last), &self.rows[place].lease)
    }

    /// The row of a version.
    pub(super) fn get(&self, version: Version) -> Option<&K::Lease> {
        let (slot, number) = version.numbers();
        let row = self.rows.get(slot as usize)?;
        (row.number == number).then_some(&row.lease)
    }

    /// Takes out the row of a version, which names nothing any more.
    pub(super) fn take(&mut self, version: Version) -> Option<K::Lease> {
        let (slot, number) = version.numbers();
        let row = self.rows.get_mut(slot as usize).filter(|row| row.number == number)?;
        row.number = 0;
        let lease = std::mem::take(&mut row.lease);
        self.leave(slot, &lease);
        Some(lease)
    }

    /// The row of a version, on which another exchange is to be based than the one that has read it.
    pub(super) fn recall(&mut self, version: Version) -> Option<&K::Lease> {
        let (slot, number) = version.numbers();
        let row = self.rows.get_mut(slot as usize).filter(|row| row.number == number)?;
        row.is_recalled = true;
        Some(&row.lease)
    }

    /// Whether the row of a version was read by the exchange that depends on it.
    pub(super) fn is_fresh(&self, version: Version) -> bool {
        let row = self.rows.get(version.numbers().0 as usize);
        row.is_some_and(|row| !row.is_recalled)
    }

    fn leave(&mut self, slot: u32, lease: &K::Lease) {
        let former: K::Number = K::address(lease).into();
        if self.by_address.get(&former) == Some(&slot) {
            self.by_address.remove(&former);
        }
    }

    /// The row of an address that was read last.
    pub(super) fn latest(&self, address: K::Number) -> Option<&K::Lease> {
        let slot = *self.by_address.get(&address)?;
        self.rows.get(slot as usize).map(|row| &row.lease)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::lease4::{Lease4, V4};

    #[test]
    fn old_rows_make_room_and_their_versions_end() {
        let mut seen = Seen::<V4>::default();
        let lease = |number: u32| Lease4 { address: Ipv4Addr::from(number), ..Lease4::default() };
        let versions: Vec<Version> =
            (0..KEPT as u32 + 2).map(|n| seen.insert(lease(n)).0).collect();
        assert_eq!(seen.get(versions[0]), None);
        assert_eq!(seen.get(versions[1]), None);
        assert_eq!(seen.get(versions[2]), Some(&lease(2)));
        assert_eq!(seen.get(Version::default()), None);
        assert_eq!((seen.latest(1), seen.latest(2)), (None, Some(&lease(2))));
        assert_eq!(seen.rows.len(), KEPT);
    }

    #[test]
    fn row_that_is_taken_out_is_named_by_nothing() {
        let mut seen = Seen::<V4>::default();
        let lease = Lease4 { address: Ipv4Addr::from(7), ..Lease4::default() };
        let (first, _) = seen.insert(lease.clone());
        assert_eq!((seen.take(first), seen.take(first)), (Some(lease.clone()), None));
        assert_eq!((seen.get(first), seen.latest(7)), (None, None));
        let (second, _) = seen.insert(lease.clone());
        let (third, _) = seen.insert(lease.clone());
        assert!(seen.is_fresh(second) && seen.recall(second).is_some() && !seen.is_fresh(second));
        seen.take(second);
        assert_eq!((seen.latest(7), seen.get(third)), (Some(&lease), Some(&lease)));
    }
}
