//! Selection of the subnet for a query.
//!
//! Pure lookup over the compiled configuration. A relayed query is matched by the interface-id that the relay nearest
//! to the client has added, then by that relay's link-address: first a subnet that names this relay, then the one that
//! contains the address. The link-address counted is that of the relay nearest to the client that has a usable one. A
//! direct query, and a relayed one without any usable link-address, is matched by the receiving interface, then by its
//! source address. Each of these takes the first subnet of the file that fits and serves the client. Cost is one prefix
//! lookup. Kea: `Dhcpv6Srv::selectSubnet`.

use std::net::{IpAddr, Ipv6Addr};

use libdhcp::v6::{Relay, View};
use libdhcpsrv::config::SubnetIndex;
use libdhcpsrv::config6::Config6;
use util::link::Inbound;

/// How the subnet was found; told to the operator in traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectedBy {
    /// The subnet names the receiving interface.
    Interface,
    /// The subnet names the interface-id of the relay.
    InterfaceId,
    /// The subnet contains the relay's link-address.
    LinkAddress,
    /// The subnet names the relay.
    Relay,
    /// The subnet contains the source address.
    SourceAddress,
}

impl std::fmt::Display for SelectedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Interface => "it names the interface",
            Self::InterfaceId => "it names the relay's interface-id",
            Self::LinkAddress => "by the relay's link-address",
            Self::Relay => "it names the relay",
            Self::SourceAddress => "by the source address",
        })
    }
}

/// Finds the subnet of a query among those that serve the client; `of_interface` is the one that names the receiving
/// interface.
#[must_use]
pub fn select(
    config: &Config6,
    input: &Inbound<'_>,
    view: &View<'_>,
    of_interface: Option<SubnetIndex>,
    serves: impl Fn(SubnetIndex) -> bool,
) -> Option<(SubnetIndex, SelectedBy)> {
    let containing =
        |address, by| config.by_address.find_serving(address, &serves).map(|subnet| (subnet, by));
    let mut links = view.relays().rev().map(|relay| relay.link_address());
    if let Some(link) = links.find(|address| is_usable(*address)) {
        let interface_id = view.nearest_client_relay().as_ref().and_then(Relay::interface_id);
        let named = interface_id.and_then(|id| config.by_interface_id.find(id, &serves));
        let named = named.map(|subnet| (subnet, SelectedBy::InterfaceId));
        let of_relay =
            || config.by_relay.find(&link, &serves).map(|subnet| (subnet, SelectedBy::Relay));
        return named.or_else(of_relay).or_else(|| containing(link, SelectedBy::LinkAddress));
    }
    let named = of_interface.map(|subnet| (subnet, SelectedBy::Interface));
    named.or_else(|| match input.source.ip() {
        IpAddr::V6(source) if is_usable(source) => containing(source, SelectedBy::SourceAddress),
        _ => None,
    })
}

/// Whether an address tells a link from others.
fn is_usable(address: Ipv6Addr) -> bool {
    !address.is_unspecified() && !address.is_unicast_link_local()
}
