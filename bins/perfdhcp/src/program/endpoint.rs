//! From `-l` and the server's name to addresses, ports and interface.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs, UdpSocket};

use libdhcp::{v4, v6};
use netio::{ClientEndpoint, Interface, InterfaceTable};
use perfdhcp::options::{Family, Options, OptionsError};

/// Why there is no way to the server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    /// The interface has no address of the family.
    #[error("interface {name} has no {family} address")]
    NoAddress {
        /// The interface.
        name: String,
        /// The family.
        family: &'static str,
    },
    /// The interfaces cannot be read.
    #[error("the interfaces of the system cannot be read: {0}")]
    Interfaces(std::io::Error),
    /// A name that is no address of the family.
    #[error("{name} is no {family} address, and no name of one")]
    Name {
        /// The name.
        name: String,
        /// The family.
        family: &'static str,
    },
    /// Options that do not go together.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// No route.
    #[error("failed to connect to remote endpoint {remote}: {error}")]
    Route {
        /// The server.
        remote: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
}

/// Addresses of both sides.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Our address and port: that of the (nearest) relay.
    pub(crate) local: SocketAddr,
    /// The server's.
    pub(crate) remote: SocketAddr,
    /// The interface that `-l` names.
    pub(crate) interface: Option<String>,
    index: Option<u32>,
    listens_everywhere: bool,
    segments: bool,
}

impl Endpoint {
    /// Finds the addresses.
    pub(crate) fn find(options: &Options) -> Result<Self, EndpointError> {
        let table = InterfaceTable::read().map_err(EndpointError::Interfaces)?;
        let interface = options.local.as_deref().and_then(|name| table.by_name(name));
        if options.server.is_none() && interface.is_none() {
            options.check(false)?;
        }
        let index = interface.map(|interface| interface.index.0);
        let (local_port, remote_port) = ports(options);
        let server = server(options)?;
        let remote = socket_address(server, remote_port, index);
        let local = match (interface, &options.local) {
            (Some(interface), _) => own_address(interface, options, server)?,
            (None, Some(name)) => resolve(name, options.family)?,
            (None, None) => route(remote)?,
        };
        Ok(Self {
            local: socket_address(local, local_port, index),
            remote,
            interface: interface.map(|interface| interface.name.clone()),
            index,
            listens_everywhere: options.relay_list.is_some(),
            segments: options.segments,
        })
    }

    /// What to open.
    pub(crate) fn client_endpoint(&self) -> ClientEndpoint {
        let mut local = self.local;
        if self.listens_everywhere {
            local.set_ip(match local {
                SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            });
        }
        ClientEndpoint {
            local,
            remote: self.remote,
            interface: self.interface.clone(),
            interface_index: self.index,
            segments: self.segments,
        }
    }
}

fn ports(options: &Options) -> (u16, u16) {
    let (local, remote) = match options.family {
        Family::V4 => (v4::SERVER_PORT, v4::SERVER_PORT),
        Family::V6 if options.relays > 0 => (v6::SERVER_PORT, v6::SERVER_PORT),
        Family::V6 => (v6::CLIENT_PORT, v6::SERVER_PORT),
    };
    let or = |given: u16, default| if given == 0 { default } else { given };
    (or(options.local_port, local), or(options.remote_port, remote))
}

fn server(options: &Options) -> Result<IpAddr, EndpointError> {
    match (options.family, options.server.as_deref().unwrap_or("all")) {
        (Family::V4, "all") => Ok(Ipv4Addr::BROADCAST.into()),
        (Family::V6, "all") => Ok(v6::ALL_RELAY_AGENTS_AND_SERVERS.into()),
        (Family::V6, "servers") => Ok(v6::ALL_SERVERS.into()),
        (family, name) => resolve(name, family),
    }
}

fn resolve(name: &str, family: Family) -> Result<IpAddr, EndpointError> {
    let fits = |address: &IpAddr| address.is_ipv4() == (family == Family::V4);
    let bare = name.split('%').next().unwrap_or_default();
    let literal = bare.parse::<IpAddr>().ok();
    let found = match literal {
        Some(address) => Some(address).filter(fits),
        None => {
            let all = (name, 0).to_socket_addrs().into_iter().flatten();
            all.map(|address| address.ip()).find(fits)
        }
    };
    found.ok_or_else(|| EndpointError::Name { name: name.to_owned(), family: family_name(family) })
}

fn own_address(
    interface: &Interface,
    options: &Options,
    server: IpAddr,
) -> Result<IpAddr, EndpointError> {
    let usable = || interface.ipv6.iter().filter(|network| !network.is_tentative);
    let far = || usable().find(|network| !network.is_link_local);
    let near = || usable().find(|network| network.is_link_local);
    let address = match options.family {
        Family::V4 => interface.ipv4.first().map(|network| IpAddr::V4(network.address)),
        Family::V6 => {
            // A client asks from its link-local address, a relay from one that tells the link.
            let wants_far = options.relays > 0 || !is_of_link(server);
            let found = if wants_far { far().or_else(near) } else { near().or_else(far) };
            found.map(|network| IpAddr::V6(network.address))
        }
    };
    let family = family_name(options.family);
    address.ok_or_else(|| EndpointError::NoAddress { name: interface.name.clone(), family })
}

/// The address that the system would send from.
fn route(remote: SocketAddr) -> Result<IpAddr, EndpointError> {
    let any: SocketAddr = match remote {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let ask = || {
        let socket = UdpSocket::bind(any)?;
        socket.connect(remote)?;
        socket.local_addr().map(|address| address.ip())
    };
    ask().map_err(|error| EndpointError::Route { remote, error })
}

fn socket_address(address: IpAddr, port: u16, index: Option<u32>) -> SocketAddr {
    match address {
        IpAddr::V6(own) if is_of_link(address) => {
            SocketAddrV6::new(own, port, 0, index.unwrap_or(0)).into()
        }
        _ => SocketAddr::new(address, port),
    }
}

/// Whether an address means something on one link only.
fn is_of_link(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => {
            address.is_unicast_link_local()
                || (address.is_multicast() && address.segments()[0] & 0xf <= 5)
        }
    }
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}
