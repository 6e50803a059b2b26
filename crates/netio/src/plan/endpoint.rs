//! From plan and interfaces to a list of sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use util::link::{InterfaceIndex, LinkAddress};

use super::{Family, Plan, SocketKind};
use crate::filter;
use crate::interfaces::{Interface, InterfaceTable, Ipv4Network};

/// One socket that ought to exist.
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
        let is_same = match (&self.socket, &other.socket) {
            // Its other addresses are for the answers of other sockets.
            (Socket::Multicast { group: one, .. }, Socket::Multicast { group: two, .. }) => {
                one == two
            }
            (one, two) => one == two,
        };
        self.interface == other.interface && is_same
    }

    /// The address that a warning should name.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        match &self.socket {
            Socket::Address { address, .. } => *address,
            Socket::Broadcast { local, .. } => IpAddr::V4(*local),
            Socket::Multicast { group, .. } => IpAddr::V6(*group),
            Socket::Packet { addresses, .. } => {
                let first = addresses.first().map(|network| network.address);
                IpAddr::V4(first.unwrap_or(Ipv4Addr::UNSPECIFIED))
            }
        }
    }
}

/// Kinds of sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socket {
    /// A UDP socket bound to an address of the interface.
    Address {
        /// The address.
        address: IpAddr,
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
    /// A UDP socket for datagrams to a multicast group that arrive on the interface.
    Multicast {
        /// The group, which the interface joins.
        group: Ipv6Addr,
        /// The interface's own address that stands for it in answers.
        local: Ipv6Addr,
        /// The same in answers to senders beyond the link; `local` unless another address is given.
        local_far: Ipv6Addr,
    },
    /// A packet socket on an Ethernet interface.
    Packet {
        /// The interface's link-layer address.
        link_address: LinkAddress,
        /// Its served addresses; the first one answers broadcasts.
        addresses: Vec<Ipv4Network>,
    },
}

impl Socket {
    pub(crate) fn is_multicast(&self) -> bool {
        matches!(self, Self::Multicast { .. })
    }

    pub(crate) fn is_packet(&self) -> bool {
        matches!(self, Self::Packet { .. })
    }

    /// Whether it is of use only while another socket owns the port of its address.
    pub(crate) fn is_dependent(&self) -> bool {
        self.is_multicast() || self.is_packet()
    }
}

/// The group of all DHCPv6 servers and relays of a link (RFC 8415 section 7.1).
const ALL_RELAYS_AND_SERVERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);

/// The sockets that ought to exist now: those bound to addresses first, each address once.
#[must_use]
pub fn desired(table: &InterfaceTable, plan: &Plan) -> Vec<Endpoint> {
    let mut by_address: Vec<Endpoint> = Vec::new();
    let mut others = Vec::new();
    for interface in table.interfaces().iter().filter(|interface| interface.is_up) {
        match plan.family {
            Family::V4 => add_ipv4(interface, plan, &mut by_address, &mut others),
            Family::V6 => add_ipv6(interface, plan, &mut by_address, &mut others),
        }
    }
    // The same address on two interfaces: the kernel has one port of it, unless it is link-local.
    let key = |endpoint: &mut Endpoint| {
        let address = endpoint.address();
        (address, scope_of(address, endpoint.interface))
    };
    by_address.sort_by_key(|endpoint| (endpoint.address(), endpoint.interface));
    by_address.dedup_by_key(key);
    by_address.append(&mut others);
    by_address
}

/// The number of the interface, without which an address means nothing; 0 for addresses that are
/// unique.
pub(crate) fn scope_of(address: IpAddr, interface: InterfaceIndex) -> u32 {
    match address {
        IpAddr::V6(address) if address.is_unicast_link_local() || address.is_multicast() => {
            interface.0
        }
        _ => 0,
    }
}

fn add_ipv4(
    interface: &Interface,
    plan: &Plan,
    by_address: &mut Vec<Endpoint>,
    others: &mut Vec<Endpoint>,
) {
    let served = interface.ipv4.iter().copied();
    let served: Vec<Ipv4Network> = served
        .filter(|own| plan.covers(interface, IpAddr::V4(own.address)))
        .take(filter::ADDRESSES_MAX / 2)
        .collect();
    let Some(first) = served.first() else { return };
    let endpoint = |socket| endpoint(interface, socket);
    let link_address = raw_link_address(interface, plan.kind);
    let receives = link_address.is_none();
    for own in &served {
        let address = IpAddr::V4(own.address);
        by_address.push(endpoint(Socket::Address { address, receives }));
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
        others
            .extend(sockets.map(|(address, local)| endpoint(Socket::Broadcast { address, local })));
    }
}

fn add_ipv6(
    interface: &Interface,
    plan: &Plan,
    by_address: &mut Vec<Endpoint>,
    others: &mut Vec<Endpoint>,
) {
    let (mut local, mut local_far) = (None, None);
    for own in interface.ipv6.iter().filter(|own| !own.is_tentative) {
        let address = IpAddr::V6(own.address);
        if !plan.covers(interface, address) {
            continue;
        }
        by_address.push(endpoint(interface, Socket::Address { address, receives: true }));
        match own.is_link_local {
            true => local = local.or(Some(own.address)),
            false => local_far = local_far.or(Some(own.address)),
        }
    }
    if let Some(local) = local {
        let (group, local_far) = (ALL_RELAYS_AND_SERVERS, local_far.unwrap_or(local));
        others.push(endpoint(interface, Socket::Multicast { group, local, local_far }));
    }
}

fn endpoint(interface: &Interface, socket: Socket) -> Endpoint {
    Endpoint { interface: interface.index, name: interface.name.clone(), socket }
}

/// The link-layer address of an interface that is served by a packet socket.
fn raw_link_address(interface: &Interface, kind: SocketKind) -> Option<LinkAddress> {
    let is_raw = kind == SocketKind::Raw && interface.is_ethernet && !interface.is_loopback;
    interface.link_address.filter(|_| is_raw)
}
