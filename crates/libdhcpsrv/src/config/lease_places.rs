//! Which subnet a stored lease belongs to, for the check of leases that are loaded (`lease-checks`).
//!
//! A lease is in its place when its subnet is configured and has its address; else it belongs to the subnet that has the
//! address, if there is one. Kea: `SanityChecker`.

use std::collections::HashMap;

use super::{Address, LeaseChecks, PrefixIndex, Span};
use crate::lease::SubnetId;

/// Where leases belong in a configuration.
#[derive(Debug)]
pub struct LeasePlaces<'a, A: Address> {
    checks: LeaseChecks,
    by_address: &'a PrefixIndex<A>,
    ids: Vec<SubnetId>,
    spans: HashMap<SubnetId, Span<A>>,
}

/// What is to be done with a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseVerdict {
    /// It is in its place, or nobody cares.
    Fits,
    /// It stays, though it belongs to this subnet, or to none.
    Warn(Option<SubnetId>),
    /// It gets this subnet.
    Move(SubnetId),
    /// It is dropped, though it belongs to this subnet, or because it belongs to none.
    Drop(Option<SubnetId>),
}

impl<'a, A: Address> LeasePlaces<'a, A> {
    /// Prepares the check for subnets, each with its id and addresses, in the order of the index.
    pub(crate) fn new(
        checks: LeaseChecks,
        by_address: &'a PrefixIndex<A>,
        subnets: impl Iterator<Item = (SubnetId, Span<A>)>,
    ) -> Self {
        let (mut ids, mut spans) = (Vec::new(), HashMap::new());
        for (id, span) in subnets {
            ids.push(id);
            spans.insert(id, span);
        }
        Self { checks, by_address, ids, spans }
    }

    /// Judges a lease of a subnet on an address.
    #[must_use]
    pub fn judge(&self, subnet: SubnetId, address: A) -> LeaseVerdict {
        let has_address = |span: &Span<A>| (span.first..=span.last).contains(&address);
        let checks = self.checks;
        if checks == LeaseChecks::None || self.spans.get(&subnet).is_some_and(has_address) {
            return LeaseVerdict::Fits;
        }
        let right = self.by_address.find(address);
        let right = right.and_then(|index| self.ids.get(index.0 as usize)).copied();
        match (checks, right) {
            (LeaseChecks::Fix | LeaseChecks::FixDel, Some(right)) => LeaseVerdict::Move(right),
            (LeaseChecks::Del, _) | (LeaseChecks::FixDel, None) => LeaseVerdict::Drop(right),
            (LeaseChecks::None, _) => LeaseVerdict::Fits,
            (LeaseChecks::Fix, None) | (LeaseChecks::Warn, _) => LeaseVerdict::Warn(right),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn leases_are_judged_by_id_and_address() {
        let net = |third: u8| Span {
            first: Ipv4Addr::new(192, 0, third, 0),
            last: Ipv4Addr::new(192, 0, third, 255),
        };
        let index = PrefixIndex::new(&[net(2), net(3)]);
        let subnets = [(SubnetId(20), net(2)), (SubnetId(30), net(3))];
        let judge = |checks, id, third| {
            let places = LeasePlaces::new(checks, &index, subnets.into_iter());
            places.judge(SubnetId(id), Ipv4Addr::new(192, 0, third, 7))
        };
        use LeaseVerdict::{Drop, Fits, Move, Warn};
        let right = Some(SubnetId(30));
        for (checks, of_other, of_none) in [
            (LeaseChecks::None, Fits, Fits),
            (LeaseChecks::Warn, Warn(right), Warn(None)),
            (LeaseChecks::Fix, Move(SubnetId(30)), Warn(None)),
            (LeaseChecks::FixDel, Move(SubnetId(30)), Drop(None)),
            (LeaseChecks::Del, Drop(right), Drop(None)),
        ] {
            assert_eq!(judge(checks, 20, 2), Fits);
            assert_eq!([judge(checks, 20, 3), judge(checks, 99, 3)], [of_other; 2], "{checks:?}");
            assert_eq!(judge(checks, 20, 9), of_none, "{checks:?}");
        }
    }
}
