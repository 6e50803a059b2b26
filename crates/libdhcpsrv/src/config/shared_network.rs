//! Shared networks, and what pools have beside their addresses: the same in both servers.

use std::ops::Range;
use std::sync::Arc;

use super::SubnetIndex;
use crate::classes::ClassPolicy;
use crate::names::NameRules;

/// Index of a shared network in those of its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkIndex(pub u32);

/// An entry of `shared-networks`: subnets on one link, any of which can serve its clients. `S` is a set of options.
#[derive(Debug)]
pub struct SharedNetwork<S> {
    /// `name`.
    pub name: Box<str>,
    /// Its subnets, which are neighbours.
    pub subnets: Range<u32>,
    /// Options of this scope: behind those of the subnet, before those of classes.
    pub options: Arc<S>,
    /// Whom it serves, and which classes it lets be evaluated late.
    pub classes: Option<Box<ClassPolicy>>,
}

impl<S> SharedNetwork<S> {
    /// Its subnets, beginning with one of them and going round.
    pub fn from(&self, start: SubnetIndex) -> impl Iterator<Item = SubnetIndex> + use<S> {
        let Range { start: first, end } = self.subnets;
        let start = start.0.clamp(first, end);
        (start..end).chain(first..start).map(SubnetIndex)
    }
}

/// What a pool has beside its addresses.
#[derive(Debug)]
pub struct PoolExtras<S> {
    /// Options of this scope: behind those of the host, before those of the subnet.
    pub options: Arc<S>,
    /// Whom it serves, and which classes it lets be evaluated late.
    pub classes: Option<Box<ClassPolicy>>,
    /// How clients are named, if not as in the subnet; of DHCPv4 alone.
    pub names: Option<Arc<NameRules>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_are_walked_round() {
        let network =
            SharedNetwork { name: "n".into(), subnets: 3..6, options: Arc::new(()), classes: None };
        let walk =
            |start| network.from(SubnetIndex(start)).map(|index| index.0).collect::<Vec<_>>();
        assert_eq!(walk(3), [3, 4, 5]);
        assert_eq!(walk(5), [5, 3, 4]);
    }
}
