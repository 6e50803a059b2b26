//! The interfaces as a server knows them: names, and the addresses that its sockets have.
//!
//! The daemon makes a new [`Links`] whenever the system's interfaces change and gives it to all workers.

use std::net::IpAddr;

use util::link::InterfaceIndex;

use crate::config::{SubnetIndex, SubnetsBy};

/// Interfaces and own addresses at one moment.
#[derive(Debug, Default)]
pub struct Links {
    names: Vec<(InterfaceIndex, Box<str>)>,
    addresses: Vec<IpAddr>,
}

impl Links {
    /// Takes the interfaces and the addresses of open sockets.
    #[must_use]
    pub fn new(mut names: Vec<(InterfaceIndex, Box<str>)>, mut addresses: Vec<IpAddr>) -> Self {
        names.sort_unstable();
        addresses.sort_unstable();
        addresses.dedup();
        Self { names, addresses }
    }

    /// Name of an interface; `?` for one that is gone.
    #[must_use]
    pub fn name(&self, index: InterfaceIndex) -> &str {
        match self.names.binary_search_by_key(&index, |(known, _)| *known) {
            Ok(at) => &self.names[at].1,
            Err(_) => "?",
        }
    }

    /// The first subnet that names an interface (`by_interface` of a configuration) and serves the client.
    #[must_use]
    pub fn find(
        &self,
        index: InterfaceIndex,
        by_name: &SubnetsBy<Box<str>>,
        serves: impl Fn(SubnetIndex) -> bool,
    ) -> Option<SubnetIndex> {
        if by_name.is_empty() {
            return None;
        }
        by_name.find(self.name(index), serves)
    }

    /// Whether one of our sockets has this address.
    #[must_use]
    pub fn is_own_address(&self, address: IpAddr) -> bool {
        self.addresses.binary_search(&address).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn interfaces_are_known_by_number_and_addresses_by_value() {
        let own = IpAddr::from(Ipv4Addr::new(192, 0, 2, 1));
        let names = vec![(InterfaceIndex(7), "wan".into()), (InterfaceIndex(2), "lan".into())];
        let links = Links::new(names, vec![own, own]);
        assert_eq!((links.name(InterfaceIndex(2)), links.name(InterfaceIndex(3))), ("lan", "?"));
        assert!(links.is_own_address(own));
        assert!(!links.is_own_address(Ipv4Addr::LOCALHOST.into()));
        let mut by_name = SubnetsBy::default();
        by_name.add("wan".into(), SubnetIndex(5));
        let find = |index, by_name| links.find(InterfaceIndex(index), by_name, |_| true);
        assert_eq!(find(7, &by_name), Some(SubnetIndex(5)));
        assert_eq!((find(2, &by_name), find(7, &SubnetsBy::default())), (None, None));
    }
}
