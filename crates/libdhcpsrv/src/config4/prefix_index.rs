//! From an address to the first subnet of the file that contains it, at a cost that does not grow with the file.
//!
//! Overlapping prefixes are flattened when the configuration is compiled: the address space becomes a sorted list
//! of disjoint segments, each owned by the subnet that comes first in the file among those that cover it. A lookup is
//! that of [`Steps`].

use super::SubnetIndex;
use std::net::Ipv4Addr;

use util::steps::Steps;

/// A compiled map from addresses to subnets.
#[derive(Debug, Default)]
pub struct PrefixIndex {
    /// First address of each segment; the first one is 0.
    starts: Steps,
    /// Owner of the segment at the same position.
    owners: Vec<Option<SubnetIndex>>,
}

impl PrefixIndex {
    /// Builds the index from (first address, last address) pairs in the order of the file.
    #[must_use]
    pub fn new(prefixes: &[(u32, u32)]) -> Self {
        let mut cuts: Vec<u32> = vec![0];
        for &(first, last) in prefixes {
            cuts.push(first);
            cuts.extend(last.checked_add(1));
        }
        cuts.sort_unstable();
        cuts.dedup();
        let owners = owners_of(&cuts, prefixes);
        let (mut starts, mut merged) = (Vec::new(), Vec::new());
        for (&start, &owner) in cuts.iter().zip(&owners) {
            if merged.last() != Some(&owner) {
                starts.push(start);
                merged.push(owner);
            }
        }
        Self { starts: Steps::new(starts), owners: merged }
    }

    /// The first subnet of the file that contains `address`.
    #[must_use]
    pub fn find(&self, address: Ipv4Addr) -> Option<SubnetIndex> {
        let segment = self.starts.up_to(address.into()).checked_sub(1)?;
        self.owners.get(segment).copied().flatten()
    }
}

/// Owner of each elementary segment: sweep over the cuts with the set of prefixes that are open.
fn owners_of(cuts: &[u32], prefixes: &[(u32, u32)]) -> Vec<Option<SubnetIndex>> {
    let mut openings: Vec<(u32, u32)> =
        prefixes.iter().enumerate().map(|(n, &(first, _))| (first, n as u32)).collect();
    openings.sort_unstable();
    let mut openings = openings.into_iter().peekable();
    // Smallest number on top; closed prefixes are taken off when they reach the top.
    let mut open = std::collections::BinaryHeap::new();
    cuts.iter()
        .map(|&cut| {
            while let Some((_, n)) = openings.next_if(|&(first, _)| first <= cut) {
                open.push(std::cmp::Reverse(n));
            }
            while open.peek().is_some_and(|n| prefixes[n.0 as usize].1 < cut) {
                open.pop();
            }
            open.peek().map(|n| SubnetIndex(n.0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(prefixes: &[(u32, u32)], address: u32) -> Option<SubnetIndex> {
        let hit = prefixes.iter().position(|&(first, last)| (first..=last).contains(&address));
        hit.map(|n| SubnetIndex(n as u32))
    }

    #[test]
    fn first_of_overlapping_subnets_wins() {
        let prefixes = [(0x0a00_0100, 0x0a00_01ff), (0x0a00_0000, 0x0aff_ffff), (0, u32::MAX)];
        let index = PrefixIndex::new(&prefixes);
        for address in [0, 0x0a00_0000, 0x0a00_0100, 0x0a00_01ff, 0x0a00_0200, u32::MAX] {
            assert_eq!(index.find(address.into()), naive(&prefixes, address), "{address:#x}");
        }
    }

    #[test]
    fn an_empty_index_finds_nothing() {
        assert_eq!(PrefixIndex::new(&[]).find(Ipv4Addr::new(192, 0, 2, 1)), None);
    }

    proptest! {
        #[test]
        fn agrees_with_the_search_in_file_order(
            raw in proptest::collection::vec((any::<u32>(), 0u32..=32), 0..40),
            probes in proptest::collection::vec(any::<u32>(), 50),
        ) {
            let prefixes: Vec<(u32, u32)> = raw.iter().map(|&(address, len)| {
                let mask = u32::MAX.checked_shl(32 - len).unwrap_or(0);
                (address & mask, address | !mask)
            }).collect();
            let index = PrefixIndex::new(&prefixes);
            let edges = prefixes.iter().flat_map(|&(first, last)| {
                [first, last, first.wrapping_sub(1), last.wrapping_add(1)]
            });
            for address in probes.iter().copied().chain(edges) {
                prop_assert_eq!(index.find(address.into()), naive(&prefixes, address));
            }
        }
    }
}
