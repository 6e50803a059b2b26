//! Selection of the subnet for a query.
//!
//! Pure lookup over the compiled configuration. Relayed queries are matched by link selection (RFC 3527), then subnet
//! selection (RFC 3011), then the relay's address: first a subnet that names this relay,
//! then one that contains it. Direct queries are matched by ciaddr or source when they were sent to us alone, else
//! by the receiving interface: its subnet by name, or the subnet of its address. Each rule takes the first subnet of the
//! file that fits and serves clients in the query's classes. Cost is one prefix lookup.
//! Kea: `Dhcpv4Srv::selectSubnet`.

use std::net::{IpAddr, Ipv4Addr};

use libdhcpsrv::config4::{Config4, SubnetIndex};
use util::link::Inbound;

/// How the subnet was found; told to the operator in traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectedBy {
    /// Option 82.5.
    LinkSelection,
    /// Option 118.
    SubnetSelection,
    /// The subnet names the relay.
    Relay,
    /// The subnet contains the relay's address.
    RelayAddress,
    /// The subnet contains ciaddr.
    ClientAddress,
    /// The subnet contains the source address.
    SourceAddress,
    /// The subnet names the receiving interface.
    Interface,
    /// The subnet contains the receiving interface's address.
    InterfaceAddress,
}

impl std::fmt::Display for SelectedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::LinkSelection => "by link selection",
            Self::SubnetSelection => "by subnet selection",
            Self::Relay => "it names the relay",
            Self::RelayAddress => "by the relay's address",
            Self::ClientAddress => "by the client's address",
            Self::SourceAddress => "by the source address",
            Self::Interface => "it names the interface",
            Self::InterfaceAddress => "by the interface's address",
        })
    }
}

/// The fields of a query that decide.
#[derive(Clone, Copy, Debug)]
pub struct Selector {
    /// Relay address.
    pub giaddr: Ipv4Addr,
    /// Client's own address.
    pub ciaddr: Ipv4Addr,
    /// Option 82.5.
    pub link_selection: Option<Ipv4Addr>,
    /// Option 118.
    pub subnet_selection: Option<Ipv4Addr>,
    /// Subnet that names the receiving interface.
    pub of_interface: Option<SubnetIndex>,
}

/// Finds the subnet of a query among those that serve it.
#[must_use]
pub fn select(
    config: &Config4,
    input: &Inbound<'_>,
    selector: &Selector,
    serves: impl Fn(SubnetIndex) -> bool + Copy,
) -> Option<(SubnetIndex, SelectedBy)> {
    let containing =
        |address, by| config.by_address.find_serving(address, serves).map(|subnet| (subnet, by));
    let chosen = set(selector.link_selection)
        .filter(|_| !config.ignore_link_selection)
        .map(|address| (address, SelectedBy::LinkSelection))
        .or(set(selector.subnet_selection).map(|a| (a, SelectedBy::SubnetSelection)));
    if let Some((address, by)) = chosen {
        return containing(address, by);
    }
    if let Some(giaddr) = set(Some(selector.giaddr)) {
        let named = config.by_relay.find(&giaddr, serves).map(|subnet| (subnet, SelectedBy::Relay));
        return named.or_else(|| containing(giaddr, SelectedBy::RelayAddress));
    }
    if !is_broadcast(input) {
        if let Some(ciaddr) = set(Some(selector.ciaddr)) {
            return containing(ciaddr, SelectedBy::ClientAddress);
        }
        if let Some(source) = v4(input.source.ip()).and_then(|address| set(Some(address))) {
            return containing(source, SelectedBy::SourceAddress);
        }
    }
    let named = selector.of_interface.map(|subnet| (subnet, SelectedBy::Interface));
    named.or_else(|| containing(v4(input.local)?, SelectedBy::InterfaceAddress))
}

/// Whether the query was sent to everybody.
#[must_use]
pub fn is_broadcast(input: &Inbound<'_>) -> bool {
    input.destination == IpAddr::V4(Ipv4Addr::BROADCAST)
}

fn set(address: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
    address.filter(|address| !address.is_unspecified())
}

fn v4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}
