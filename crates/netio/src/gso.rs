//! Runs of datagrams that go to the kernel as one, for segmentation there (UDP_SEGMENT).
//!
//! Sending costs per call of the network stack, not per datagram: a run of 64 equal replies to one
//! relay costs little more than one. A run has one destination and one length; only its last
//! datagram may be shorter. The order of datagrams to one destination is kept, that of different
//! destinations is not.
//!
//! Pure and of no address family.

use std::ops::Range;

/// Most datagrams in a run: the limit of all kernels that know UDP_SEGMENT.
pub(crate) const RUN_MAX: usize = 64;
/// Most bytes of payload in a run; an IP packet has 65,535 with its headers.
const RUN_BYTES_MAX: usize = 65_000;
/// Longer datagrams are sent alone: they might have to be fragmented, which is not for segments.
const SEGMENT_MAX: usize = 1472;

/// One datagram as the planner sees it. `K` stands for socket, destination and what else must be
/// equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item<K> {
    pub(crate) key: K,
    /// Length of the payload.
    pub(crate) len: u32,
    /// The caller's number of the datagram.
    pub(crate) entry: u16,
}

/// A run: places in the reordered items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) items: Range<usize>,
}

/// Sorts `items` into runs, in place; `runs` is overwritten.
pub(crate) fn plan_runs<K: PartialEq + Copy>(items: &mut [Item<K>], runs: &mut Vec<Run>) {
    runs.clear();
    let mut start = 0;
    while let Some(first) = items.get(start).copied() {
        let mut end = start + 1;
        let mut bytes = first.len as usize;
        let mut at = end;
        let is_open = |count: usize, bytes: usize| count < RUN_MAX && bytes < RUN_BYTES_MAX;
        while first.len as usize <= SEGMENT_MAX && is_open(end - start, bytes) {
            let Some(offset) = items[at..].iter().position(|item| item.key == first.key) else {
                break;
            };
            at += offset;
            let item = items[at];
            bytes += item.len as usize;
            if item.len > first.len || bytes > RUN_BYTES_MAX {
                break;
            }
            // What lies between keeps its order, one place further back.
            items[end..=at].rotate_right(1);
            end += 1;
            at += 1;
            if item.len < first.len {
                break;
            }
        }
        runs.push(Run { items: start..end });
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of (key, len) pairs as lists of entry numbers.
    fn runs(pairs: &[(char, u32)]) -> Vec<Vec<u16>> {
        let mut items: Vec<_> = pairs
            .iter()
            .enumerate()
            .map(|(entry, (key, len))| Item { key: *key, len: *len, entry: entry as u16 })
            .collect();
        let mut runs = Vec::new();
        plan_runs(&mut items, &mut runs);
        let entries = |run: &Run| items[run.items.clone()].iter().map(|item| item.entry).collect();
        runs.iter().map(entries).collect()
    }

    #[test]
    fn equal_replies_to_one_destination_are_one_run() {
        assert_eq!(runs(&[('a', 300); 64]), [(0..64).collect::<Vec<_>>()]);
        assert_eq!(runs(&[('a', 300); 65]), [(0..64).collect::<Vec<_>>(), vec![64]]);
        assert!(runs(&[]).is_empty());
    }

    #[test]
    fn destinations_are_gathered_and_keep_their_order() {
        let mixed = [('a', 300), ('b', 300), ('a', 300), ('c', 9), ('b', 300), ('a', 300)];
        assert_eq!(runs(&mixed), [vec![0, 2, 5], vec![1, 4], vec![3]]);
    }

    #[test]
    fn a_shorter_one_ends_a_run_and_a_longer_one_begins_the_next() {
        let lengths = [('a', 300), ('a', 280), ('a', 300), ('a', 301), ('a', 301), ('a', 5)];
        assert_eq!(runs(&lengths), [vec![0, 1], vec![2], vec![3, 4, 5]]);
    }

    #[test]
    fn long_datagrams_and_long_runs_are_limited() {
        assert_eq!(runs(&[('a', 1473); 2]), [[0], [1]]);
        let long = runs(&[('a', 1472); 60]);
        assert_eq!((long.len(), long[0].len()), (2, 44));
    }
}
