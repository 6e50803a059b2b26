//! Addresses and prefixes as one kind of thing, and tables of them that know what overlaps.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address or a prefix, as a prefix of 128 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) first: u128,
    pub(crate) len: u8,
}

impl Span {
    /// The prefix of a length that holds an address.
    pub(crate) fn new(address: Ipv6Addr, len: u8) -> Self {
        Self { first: u128::from(address) & !host_mask(len), len }
    }

    pub(crate) fn address(self) -> Ipv6Addr {
        Ipv6Addr::from(self.first)
    }

    /// Last address.
    pub(crate) fn last(self) -> u128 {
        self.first | host_mask(self.len)
    }

    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.first <= other.last() && other.first <= self.last()
    }
}

impl From<Ipv4Addr> for Span {
    fn from(address: Ipv4Addr) -> Self {
        Self { first: u32::from(address).into(), len: 128 }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u32::try_from(self.first) {
            Ok(address) => Ipv4Addr::from(address).fmt(f),
            Err(_) => write!(f, "{}/{}", self.address(), self.len),
        }
    }
}

/// The bits behind a prefix.
fn host_mask(len: u8) -> u128 {
    u128::MAX.checked_shr(len.into()).unwrap_or(0)
}

/// A table by [`Span`].
#[derive(Debug)]
pub(crate) struct Spans<T> {
    by_span: BTreeMap<Span, T>,
    /// Lengths that have ever been in the table.
    lengths: BTreeSet<u8>,
}

impl<T> Default for Spans<T> {
    fn default() -> Self {
        Self { by_span: BTreeMap::new(), lengths: BTreeSet::new() }
    }
}

impl<T> Spans<T> {
    pub(crate) fn get(&self, span: Span) -> Option<&T> {
        self.by_span.get(&span)
    }

    pub(crate) fn get_mut(&mut self, span: Span) -> Option<&mut T> {
        self.by_span.get_mut(&span)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Span, &T)> {
        self.by_span.iter().map(|(&span, value)| (span, value))
    }

    pub(crate) fn insert(&mut self, span: Span, value: T) {
        self.lengths.insert(span.len);
        self.by_span.insert(span, value);
    }

    pub(crate) fn remove(&mut self, span: Span) -> Option<T> {
        self.by_span.remove(&span)
    }

    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(Span, &mut T) -> bool) {
        self.by_span.retain(|&span, value| keeps(span, value));
    }

    /// All entries that share an address with `span`: those around it, itself, and those within.
    pub(crate) fn overlapping(&self, span: Span) -> impl Iterator<Item = (Span, &T)> {
        let around = self.lengths.iter().filter(move |&&len| len < span.len);
        let around = around.filter_map(move |&len| {
            let outer = Span { first: span.first & !host_mask(len), len };
            // One that begins where `span` does is found among those within.
            let value = self.by_span.get(&outer).filter(|_| outer.first != span.first);
            value.map(|value| (outer, value))
        });
        let begin = Span { first: span.first, len: 0 };
        let end = Span { first: span.last(), len: 128 };
        let within = self.by_span.range(begin..=end).map(|(&span, value)| (span, value));
        around.chain(within)
    }
}

impl<T: Default> Spans<T> {
    /// The entry of a span, made when there is none.
    pub(crate) fn entry(&mut self, span: Span) -> &mut T {
        self.lengths.insert(span.len);
        self.by_span.entry(span).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_is_found_whatever_its_length() {
        let span = |text: &str, len| Span::new(text.parse().expect("an address"), len);
        let mut table = Spans::default();
        let known = [
            span("2001:db8::", 32),
            span("2001:db8:1::", 48),
            span("2001:db8:1:1::", 64),
            span("2001:db8:1:1::1", 128),
            span("2001:db8:2::", 48),
        ];
        for known in known {
            table.insert(known, ());
        }
        let found = |of: Span| table.overlapping(of).map(|(span, ())| span).collect::<Vec<_>>();
        assert_eq!(found(known[0]), known);
        assert_eq!(found(known[3]), [known[0], known[1], known[2], known[3]]);
        assert_eq!(found(span("2001:db8:2::5", 128)), [known[0], known[4]]);
        assert_eq!(found(span("2001:db9::", 32)), []);
        assert!(known[3].overlaps(known[1]) && !known[4].overlaps(known[1]));
    }
}
