//! What a worker has read a moment ago: the rows that its decisions are based on.

use foldhash::HashMap;

use crate::lease::{LeaseKind, Version};

/// Rows that are kept. An exchange reads a few, and some two thousand exchanges can be in progress.
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
    number: u32,
    lease: K::Lease,
}

impl<K: LeaseKind> Default for Seen<K> {
    fn default() -> Self {
        Self { rows: Vec::new(), next: 0, by_address: HashMap::default(), last: 0 }
    }
}

impl<K: LeaseKind> Seen<K> {
    /// Keeps a row.
    pub(super) fn insert(&mut self, lease: K::Lease) -> Version {
        // 0 is no version.
        self.last = self.last.checked_add(1).unwrap_or(1);
        let address: K::Number = K::address(&lease).into();
        let row = Row { number: self.last, lease };
        let slot = self.next as u32;
        if self.next < self.rows.len() {
            let old = std::mem::replace(&mut self.rows[self.next], row);
            let former: K::Number = K::address(&old.lease).into();
            if self.by_address.get(&former) == Some(&slot) {
                self.by_address.remove(&former);
            }
        } else {
            self.rows.push(row);
        }
        self.by_address.insert(address, slot);
        self.next = (self.next + 1) % KEPT;
        Version::new(slot, self.last)
    }

    /// The row of a version.
    pub(super) fn get(&self, version: Version) -> Option<&K::Lease> {
        let (slot, number) = version.numbers();
        let row = self.rows.get(slot as usize)?;
        (row.number == number).then_some(&row.lease)
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
        let versions: Vec<Version> = (0..KEPT as u32 + 2).map(|n| seen.insert(lease(n))).collect();
        assert_eq!(seen.get(versions[0]), None);
        assert_eq!(seen.get(versions[1]), None);
        assert_eq!(seen.get(versions[2]), Some(&lease(2)));
        assert_eq!(seen.get(Version::default()), None);
        assert_eq!((seen.latest(1), seen.latest(2)), (None, Some(&lease(2))));
        assert_eq!(seen.rows.len(), KEPT);
    }
}
