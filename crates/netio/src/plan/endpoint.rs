//! From plan and interfaces to a list of sockets.

use std::net::{IpAddr, Ipv4Addr};

use util::link::{InterfaceIndex, LinkAddress};

use super::{Plan, SocketKind};
use crate::filter;
use crate::interfaces::{Interface, InterfaceTable, Ipv4Network};

/// One IPv4 socket that ought to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The interface it belongs to.
    pub interface: InterfaceIndex,
    /// Name of the interface at the moment; a socket outlives a change of it.
    pub name: String,
    /// The socket itself.
    pub socket: Socket,
}

impl Endpoint {
    /// Whether a socket made for one of the two serves the other as well.
    #[must_use]
    pub fn is_same_socket(&self, other: &Self) -> bool {
        self.interface == other.interface && self.socket == other.socket
    }

    /// The address that a warning should name.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        match &self.socket {
            Socket::Address { address, .. } => *address,
            Socket::Broadcast { local, .. } => *local,
            Socket::Packet { addresses, .. } => {
                addresses.first().map_or(Ipv4Addr::UNSPECIFIED, |network| network.address)
            }
        }
    }
}

/// Kinds of IPv4 sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socket {
    /// A UDP socket bound to an address of the interface.
    Address {
        /// The address.
        address: Ipv4Addr,
        /// Whether it receives; one that does not is there for sending, and to own the port.
        receives: bool,
    },
    /// A UDP socket for datagrams to a broadcast address that arrive on the interface.
    Broadcast {
        /// The broadcast address.
        address: Ipv4Addr,
        /// The interface's own address that stands for it in answers.
        local: Ipv4Addr,
    },
    /// A packet socket on an Ethernet interface.
    Packet {
        /// The interface's link-layer address.
        link_address: LinkAddress,
        /// Its served addresses; the first one answers broadcasts.
        addresses: Vec<Ipv4Network>,
    },
}

/// The sockets that ought to exist now: those bound to addresses first, each address once.
#[must_use]
pub fn desired(table: &InterfaceTable, plan: &Plan) -> Vec<Endpoint> {
    let mut by_address: Vec<Endpoint> = Vec::new();
    let mut others = Vec::new();
    for interface in table.interfaces().iter().filter(|interface| interface.is_up) {
        let served = interface.ipv4.iter().copied();
        let served: Vec<Ipv4Network> = served
            .filter(|own| plan.covers(interface, IpAddr::V4(own.address)))
            .take(filter::ADDRESSES_MAX / 2)
            .collect();
        let Some(first) = served.first() else { continue };
        let endpoint =
            |socket| Endpoint { interface: interface.index, name: interface.name.clone(), socket };
        let link_address = raw_link_address(interface, plan.kind);
        let receives = link_address.is_none();
        for own in &served {
            by_address.push(endpoint(Socket::Address { address: own.address, receives }));
        }
        if let Some(link_address) = link_address {
            others.push(endpoint(Socket::Packet { link_address, addresses: served }));
        } else {
            let mut broadcasts = vec![(Ipv4Addr::BROADCAST, first.address)];
            for own in &served {
                if let Some(address) = own.broadcast()
                    && !broadcasts.iter().any(|(known, _)| *known == address)
                    && address != own.address
                {
                    broadcasts.push((address, own.address));
                }
            }
            let sockets = broadcasts.into_iter();
            others.extend(
                sockets.map(|(address, local)| endpoint(Socket::Broadcast { address, local })),
            );
        }
    }
    // The same address on two interfaces: the kernel has one port of it.
    by_address.sort_by_key(Endpoint::address);
    by_address.dedup_by_key(|endpoint| endpoint.address());
    by_address.append(&mut others);
    by_address
}

/// The link-layer address of an interface that is served by a packet socket.
fn raw_link_address(interface: &Interface, kind: SocketKind) -> Option<LinkAddress> {
    let is_raw = kind == SocketKind::Raw && interface.is_ethernet && !interface.is_loopback;
    interface.link_address.filter(|_| is_raw)
}
