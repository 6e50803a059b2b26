//! From an address to the first subnet of the file that contains it, at a cost that does not grow with the file.
//!
//! Overlapping prefixes are flattened when the configuration is compiled: the address space becomes a sorted list
//! of disjoint segments, each owned by the subnet that comes first in the file among those that cover it. A lookup is
//! that of [`Steps`].

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use util::steps::Steps;

use super::{Address, Span, SubnetIndex};

/// A compiled map from addresses to subnets.
#[derive(Debug)]
pub struct PrefixIndex<A: Address> {
    /// First address of each segment; the first one is 0.
    starts: Steps<A::Bits>,
    /// Owner of the segment at the same position.
    owners: Vec<Option<SubnetIndex>>,
    /// For a subnet those behind it in the file that share addresses with it.
    behind: HashMap<SubnetIndex, Vec<(SubnetIndex, Span<A>)>>,
}

impl<A: Address> PrefixIndex<A> {
    /// Builds the index from the prefixes in the order of the file.
    #[must_use]
    pub fn new(prefixes: &[Span<A>]) -> Self {
        let mut cuts: Vec<A> = vec![A::from_wide(0)];
        for prefix in prefixes {
            cuts.push(prefix.first);
            cuts.extend(prefix.last.next());
        }
        cuts.sort_unstable();
        cuts.dedup();
        let owners = owners_of(&cuts, prefixes);
        let (mut starts, mut merged) = (Vec::new(), Vec::new());
        for (&start, &owner) in cuts.iter().zip(&owners) {
            if merged.last() != Some(&owner) {
                starts.push(start.into());
                merged.push(owner);
            }
        }
        Self { starts: Steps::new(starts), owners: merged, behind: behind(prefixes) }
    }

    /// The first subnet of the file that contains `address`.
    #[must_use]
    #[inline]
    pub fn find(&self, address: A) -> Option<SubnetIndex> {
        let segment = self.starts.up_to(address.into()).checked_sub(1)?;
        self.owners.get(segment).copied().flatten()
    }

    /// The first subnet of the file that contains `address` and serves the client.
    #[must_use]
    #[inline]
    pub fn find_serving(
        &self,
        address: A,
        serves: impl Fn(SubnetIndex) -> bool,
    ) -> Option<SubnetIndex> {
        let first = self.find(address)?;
        if serves(first) {
            return Some(first);
        }
        let further = self.behind.get(&first).into_iter().flatten();
        let one = Span { first: address, last: address };
        let mut further = further.filter(|(_, span)| span.covers(one)).map(|(subnet, _)| *subnet);
        further.find(|subnet| serves(*subnet))
    }
}

impl<A: Address> Default for PrefixIndex<A> {
    fn default() -> Self {
        Self::new(&[])
    }
}

/// Owner of each elementary segment: sweep over the cuts with the set of prefixes that are open.
fn owners_of<A: Address>(cuts: &[A], prefixes: &[Span<A>]) -> Vec<Option<SubnetIndex>> {
    let mut openings: Vec<(A, u32)> =
        prefixes.iter().enumerate().map(|(n, prefix)| (prefix.first, n as u32)).collect();
    openings.sort_unstable();
    let mut openings = openings.into_iter().peekable();
    // Smallest number on top; closed prefixes are taken off when they reach the top.
    let mut open = BinaryHeap::new();
    cuts.iter()
        .map(|&cut| {
            while let Some((_, n)) = openings.next_if(|&(first, _)| first <= cut) {
                open.push(Reverse(n));
            }
            while open.peek().is_some_and(|n| prefixes[n.0 as usize].last < cut) {
                open.pop();
            }
            open.peek().map(|n| SubnetIndex(n.0))
        })
        .collect()
}

/// For each prefix those behind it in the file that share addresses with it. Prefixes lie in each other or apart, so
/// those around a prefix are a stack when they are visited in the order of addresses, wide ones first.
fn behind<A: Address>(prefixes: &[Span<A>]) -> HashMap<SubnetIndex, Vec<(SubnetIndex, Span<A>)>> {
    let mut order: Vec<usize> = (0..prefixes.len()).collect();
    order.sort_unstable_by_key(|&n| (prefixes[n].first, Reverse(prefixes[n].last), n));
    let mut behind = HashMap::<_, Vec<_>>::new();
    let mut around: Vec<usize> = Vec::new();
    for n in order {
        let prefix = prefixes[n];
        while around.last().is_some_and(|&outer| prefixes[outer].last < prefix.first) {
            around.pop();
        }
        for &outer in &around {
            let (first, later) = (n.min(outer), n.max(outer));
            let entry = (SubnetIndex(later as u32), prefixes[later]);
            behind.entry(SubnetIndex(first as u32)).or_default().push(entry);
        }
        around.push(n);
    }
    for later in behind.values_mut() {
        later.sort_unstable_by_key(|(subnet, _)| *subnet);
    }
    behind
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::super::Prefix;
    use super::*;

    fn naive<A: Address>(prefixes: &[Span<A>], address: A) -> Option<SubnetIndex> {
        let hit = prefixes.iter().position(|span| (span.first..=span.last).contains(&address));
        hit.map(|n| SubnetIndex(n as u32))
    }

    /// Compares all addresses given and those around the ends of the prefixes.
    fn agrees<A: Address>(prefixes: &[(A, u8)], probes: &[A]) {
        let prefixes = prefixes.iter().map(|&(address, len)| Prefix { address, len }.span());
        let prefixes: Vec<Span<A>> = prefixes.collect();
        let index = PrefixIndex::new(&prefixes);
        let near = |end: A| [end.to_wide(), end.to_wide().wrapping_sub(1), end.to_wide() + 1];
        let edges = prefixes.iter().flat_map(|span| [near(span.first), near(span.last)]);
        let edges: Vec<A> = edges.flatten().map(A::from_wide).collect();
        for &address in probes.iter().chain(&edges) {
            assert_eq!(index.find(address), naive(&prefixes, address), "{address}");
            let serves = |subnet: SubnetIndex| subnet.0 % 3 == 2;
            let serving = prefixes
                .iter()
                .enumerate()
                .find(|(n, span)| n % 3 == 2 && (span.first..=span.last).contains(&address));
            let serving = serving.map(|(n, _)| SubnetIndex(n as u32));
            assert_eq!(index.find_serving(address, serves), serving, "{address}");
        }
    }

    #[test]
    fn first_of_overlapping_subnets_wins() {
        let prefixes = ["10.0.1.0/24", "10.0.0.0/8", "0.0.0.0/0"];
        let prefixes = prefixes.map(|text| Prefix::<Ipv4Addr>::parse(text).unwrap().span());
        let index = PrefixIndex::new(&prefixes);
        for address in [0, 0x0a00_0000, 0x0a00_0100, 0x0a00_01ff, 0x0a00_0200, u32::MAX] {
            let address = address.into();
            assert_eq!(index.find(address), naive(&prefixes, address), "{address}");
        }
    }

    #[test]
    fn an_empty_index_finds_nothing() {
        assert_eq!(PrefixIndex::new(&[]).find(Ipv4Addr::new(192, 0, 2, 1)), None);
        assert_eq!(PrefixIndex::<Ipv6Addr>::default().find(Ipv6Addr::UNSPECIFIED), None);
    }

    proptest! {
        #[test]
        fn agrees_with_the_search_in_file_order(
            prefixes in proptest::collection::vec((any::<u32>(), 0u8..=32), 0..40),
            probes in proptest::collection::vec(any::<u32>(), 50),
        ) {
            let prefixes: Vec<_> =
                prefixes.into_iter().map(|(address, len)| (address.into(), len)).collect();
            let probes: Vec<Ipv4Addr> = probes.into_iter().map(Ipv4Addr::from).collect();
            agrees(&prefixes, &probes);
        }

        #[test]
        fn agrees_with_the_search_among_nested_networks_of_one_site(
            prefixes in proptest::collection::vec((0u128..64, 32u8..=128), 0..60),
            probes in proptest::collection::vec(any::<u128>(), 20),
        ) {
            let at = |number: u128, len: u8| (0x2001_0db8 << 96) | number << (128 - len.max(34));
            let prefixes: Vec<_> =
                prefixes.into_iter().map(|(n, len)| (Ipv6Addr::from(at(n, len)), len)).collect();
            let probes: Vec<Ipv6Addr> = probes.into_iter().map(Ipv6Addr::from).collect();
            agrees(&prefixes, &probes);
        }
    }
}
