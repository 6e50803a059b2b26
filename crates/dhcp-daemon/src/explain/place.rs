//! Where a packet is taken to be received: an interface of the configuration, and the server's address on it.
//!
//! The system is asked first. A configuration that is explained on another machine than the one that it is for names
//! interfaces that are not there; then subnets that name the interface say which addresses are on it. Whatever is
//! assumed is told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libdhcpsrv::links::Links;
use netio::{Family, Interface, InterfaceSpec, InterfaceTable, Plan};
use util::link::InterfaceIndex;

use crate::service::links_of;

/// Address of an IPv6 interface of which nothing is known; every one has a link-local one.
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
/// Name of the interface when neither configuration nor system have any.
const NAMELESS: &str = "eth0";

/// Where packets are received.
#[derive(Debug)]
pub(crate) struct Place {
    /// Number of the interface.
    pub interface: InterfaceIndex,
    /// Its name.
    pub name: String,
    /// The server's address on it; unspecified when nothing is known of it.
    pub local: IpAddr,
    /// Interfaces and addresses of the server.
    pub links: Links,
    /// Why this interface, and where the address is from.
    pub reason: String,
}

/// What is known of interfaces.
pub(crate) struct Known<'a> {
    /// `--on`.
    pub on: Option<&'a InterfaceSpec>,
    /// The configured interfaces.
    pub plan: &'a Plan,
    /// The interfaces of the system.
    pub table: &'a InterfaceTable,
    /// An address that the server can have on an interface by what the subnets say.
    pub by_subnets: &'a dyn Fn(&str) -> Option<IpAddr>,
}

impl Place {
    /// Chooses the interface and the address.
    pub(crate) fn find(known: &Known<'_>) -> Self {
        let (name, given, mut reason) = interface(known);
        let interface = known.table.by_name(&name);
        let family = known.plan.family();
        let local = match (given, interface.and_then(|interface| address_of(interface, family))) {
            (Some(given), _) => given,
            (None, Some(own)) => own,
            (None, None) => {
                let place = if interface.is_some() {
                    "without address in this system"
                } else {
                    "not in this system"
                };
                let (local, how) = assumed(known, &name);
                reason = format!("{reason}; {place}: {how}");
                local
            }
        };
        let index = interface.map_or_else(|| free_index(known.table), |interface| interface.index);
        let (mut names, mut addresses) = links_of(known.table, known.plan);
        if interface.is_none() {
            names.push((index, name.as_str().into()));
        }
        addresses.push(local);
        Self { interface: index, name, local, links: Links::new(names, addresses), reason }
    }
}

/// The interface, the address that was given with it, and why it is this one.
fn interface(known: &Known<'_>) -> (String, Option<IpAddr>, String) {
    let of = |spec: &InterfaceSpec| match spec {
        InterfaceSpec::All => None,
        InterfaceSpec::Address { name, address } => Some((name.clone(), Some(*address))),
        InterfaceSpec::Named(name) => Some((name.clone(), None)),
    };
    if let Some((name, address)) = known.on.and_then(of) {
        return (name, address, "as told by --on".to_owned());
    }
    let mut configured = known.plan.specs().iter().filter_map(of);
    if let Some((name, address)) = configured.next() {
        let which = if configured.next().is_some() { "first" } else { "only" };
        let reason = format!("the {which} one configured");
        return (name, address, reason);
    }
    let family = known.plan.family();
    let mut usable = known.table.interfaces().iter().filter(|interface| {
        !interface.is_loopback && interface.is_up && address_of(interface, family).is_some()
    });
    match usable.next() {
        Some(interface) => {
            let reason = "the first one of this system".to_owned();
            (interface.name.clone(), None, reason)
        }
        None => (NAMELESS.to_owned(), None, "a name made up".to_owned()),
    }
}

/// The server's address on an interface of the system.
fn address_of(interface: &Interface, family: Family) -> Option<IpAddr> {
    match family {
        Family::V4 => interface.ipv4.first().map(|network| network.address.into()),
        Family::V6 => {
            let mut own = interface.ipv6.iter().filter(|network| network.is_link_local);
            own.next().map(|network| network.address.into())
        }
    }
}

/// The address on an interface that the system does not have, and how it was found.
fn assumed(known: &Known<'_>, name: &str) -> (IpAddr, &'static str) {
    match (known.plan.family(), (known.by_subnets)(name)) {
        (Family::V4, Some(address)) => (address, "address by the subnet that names it"),
        (Family::V4, None) => (Ipv4Addr::UNSPECIFIED.into(), "no address known, --on tells one"),
        (Family::V6, _) => (LINK_LOCAL.into(), "address assumed"),
    }
}

fn free_index(table: &InterfaceTable) -> InterfaceIndex {
    let last = table.interfaces().last().map_or(0, |interface| interface.index.0);
    InterfaceIndex(last.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use netio::{Ipv4Network, SocketKind};

    use super::*;

    fn interface(index: u32, name: &str, address: Option<[u8; 4]>) -> Interface {
        Interface {
            index: InterfaceIndex(index),
            name: name.to_owned(),
            is_up: true,
            is_running: true,
            is_loopback: name == "lo",
            is_ethernet: true,
            link_address: None,
            ipv4: address
                .map(|address| Ipv4Network { address: address.into(), prefix_len: 24 })
                .into_iter()
                .collect(),
            ipv6: Vec::new(),
        }
    }

    fn place(on: Option<&str>, configured: &[&str]) -> (String, String, String) {
        let spec = |text: &str| InterfaceSpec::parse(text, Family::V4).unwrap();
        let specs = configured.iter().map(|text| spec(text)).collect();
        let table = InterfaceTable::from_interfaces(vec![
            interface(1, "lo", Some([127, 0, 0, 1])),
            interface(2, "lan", Some([192, 0, 2, 1])),
            interface(3, "bare", None),
        ]);
        let on = on.map(spec);
        let by_subnets =
            |name: &str| (name == "far").then_some(IpAddr::from(Ipv4Addr::new(198, 51, 100, 1)));
        let known = Known {
            on: on.as_ref(),
            plan: &Plan::new4(specs, SocketKind::Raw, 67).unwrap(),
            table: &table,
            by_subnets: &by_subnets,
        };
        let place = Place::find(&known);
        assert_eq!(place.links.name(place.interface), place.name);
        assert!(place.links.is_own_address(place.local));
        (place.name, place.local.to_string(), place.reason)
    }

    #[test]
    fn interface_is_the_one_told_or_configured_or_there() {
        let find = |on, configured| {
            let (name, address, _) = place(on, configured);
            format!("{name} {address}")
        };
        assert_eq!(find(Some("lan/192.0.2.7"), &["far"]), "lan 192.0.2.7");
        assert_eq!(find(Some("lan"), &["far"]), "lan 192.0.2.1");
        assert_eq!(find(None, &["far", "lan"]), "far 198.51.100.1");
        assert_eq!(find(None, &["lan/192.0.2.9"]), "lan 192.0.2.9");
        assert_eq!(find(None, &["*"]), "lan 192.0.2.1", "neither loopback nor without address");
        assert_eq!(find(None, &[]), "lan 192.0.2.1");
        assert_eq!(find(None, &["gone"]), "gone 0.0.0.0");
    }

    #[test]
    fn assumptions_are_told() {
        let reason = |configured| place(None, configured).2;
        assert_eq!(reason(&["lan"]), "the only one configured");
        assert_eq!(
            reason(&["far", "lan"]),
            "the first one configured; not in this system: address by the subnet that names it"
        );
        assert_eq!(
            reason(&["bare"]),
            "the only one configured; without address in this system: no address known, --on tells one"
        );
        assert_eq!(reason(&["*"]), "the first one of this system");
    }
}
