//! Which sockets ought to exist.
//!
//! A [`Plan`] is the configuration's wish (`interfaces-config`); [`desired`] compares it with the
//! system's interfaces and lists the sockets for now. An interface that is missing, down or without
//! address is no error: it is served when that changes. [`Plan::problems`] names such things for a
//! warning.
//!
//! IPv4 sockets of one Ethernet interface in raw mode: one packet socket that sees broadcasts and
//! datagrams for each served address, and per address a UDP socket that throws away what it
//! receives (it keeps the kernel from answering "port unreachable") and sends what the kernel shall
//! route. Loopback and other interfaces without Ethernet framing get the sockets of UDP mode: per
//! address one for datagrams to it, and per interface one for each broadcast address.
//!
//! IPv6 sockets of one interface: one for each link-local address, one for the multicast group of
//! all servers and relays (RFC 8415 section 7.1), and one for each other address that is given. An
//! interface that is given by address only is served as a whole nevertheless, as in Kea. Addresses
//! that duplicate detection has not confirmed do not count.

mod endpoint;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

pub(crate) use endpoint::scope_of;
pub use endpoint::{Endpoint, Socket, desired};

use crate::interfaces::{Interface, InterfaceTable};

/// Address family of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// How queries are received (`dhcp-socket-type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SocketKind {
    /// Packet sockets: clients without an address can be answered.
    #[default]
    Raw,
    /// UDP sockets.
    Udp,
}

/// One element of `interfaces`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InterfaceSpec {
    /// `"*"`: all interfaces but loopback.
    All,
    /// `"eth0/192.0.2.1"`: one address of an interface; with IPv6, in addition to its link-local ones.
    Address {
        /// Name of the interface.
        name: String,
        /// The address served.
        address: IpAddr,
    },
    /// `"eth0"`: all addresses of an interface; with IPv6, all link-local ones.
    Named(String),
}

/// Why an element of `interfaces` is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InterfaceSpecError {
    /// There is nothing behind the slash, or something that is no address.
    #[error("'{text}' is not an address of the server's family, in interface '{name}/{text}'")]
    Address {
        /// The interface named.
        name: String,
        /// What stands for the address.
        text: String,
    },
    /// There is no name.
    #[error("the name of an interface is empty")]
    EmptyName,
    /// `*` with an address.
    #[error("'*' cannot be combined with an address")]
    WildcardAddress,
}

impl InterfaceSpec {
    /// Reads `*`, `name` or `name/address`; blanks around the parts are ignored.
    ///
    /// # Errors
    /// As [`InterfaceSpecError`] says.
    pub fn parse(text: &str, family: Family) -> Result<Self, InterfaceSpecError> {
        let (name, address) = match text.split_once('/') {
            Some((name, address)) => (name.trim(), Some(address.trim())),
            None => (text.trim(), None),
        };
        match (name, address) {
            ("", _) => Err(InterfaceSpecError::EmptyName),
            ("*", None) => Ok(Self::All),
            ("*", Some(_)) => Err(InterfaceSpecError::WildcardAddress),
            (name, None) => Ok(Self::Named(name.to_owned())),
            (name, Some(text)) => match text.parse::<IpAddr>() {
                Ok(address) if address.is_ipv4() == (family == Family::V4) => {
                    Ok(Self::Address { name: name.to_owned(), address })
                }
                _ => Err(InterfaceSpecError::Address {
                    name: name.to_owned(),
                    text: text.to_owned(),
                }),
            },
        }
    }

    /// Whether the interface is meant, for at least one of its addresses.
    fn names(&self, interface: &Interface) -> bool {
        match self {
            Self::All => !interface.is_loopback,
            Self::Address { name, .. } | Self::Named(name) => *name == interface.name,
        }
    }

    /// Whether the address of the interface is meant.
    fn covers(&self, interface: &Interface, candidate: IpAddr) -> bool {
        match self {
            Self::All | Self::Named(_) => self.names(interface),
            Self::Address { address, .. } => self.names(interface) && *address == candidate,
        }
    }
}

/// Why elements of `interfaces` do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// An interface is given as a whole and by address.
    #[error("interface '{0}' is given both as a whole and by address")]
    NameAndAddress(String),
    /// A multicast address is given: nothing can be sent from it.
    #[error("address {address} of interface '{name}' is a multicast address")]
    Multicast {
        /// The interface.
        name: String,
        /// The address.
        address: IpAddr,
    },
    /// The same address of an interface is given twice.
    #[error("address {address} of interface '{name}' is given twice")]
    RepeatedAddress {
        /// The interface.
        name: String,
        /// The address.
        address: IpAddr,
    },
    /// The same interface is given twice.
    #[error("interface '{0}' is given twice")]
    RepeatedName(String),
    /// `*` is given twice.
    #[error("'*' is given twice")]
    RepeatedWildcard,
}

/// Something that keeps a part of the plan from being served at the moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanProblem {
    /// The interface does not have that address.
    #[error("interface {name} has no address {address}")]
    AddressMissing {
        /// The interface.
        name: String,
        /// The address.
        address: IpAddr,
    },
    /// The address may belong to another host as well: duplicate detection is under way or failed.
    #[error("address {address} of interface {name} is tentative or a duplicate")]
    AddressTentative {
        /// The interface.
        name: String,
        /// The address.
        address: IpAddr,
    },
    /// The interface is switched off.
    #[error("interface {0} is down")]
    Down(String),
    /// A link-local address is given, which is served without that and on its link only.
    #[error("address {address} of interface {name} is link-local and served anyway")]
    LinkLocal {
        /// The interface.
        name: String,
        /// The address.
        address: IpAddr,
    },
    /// No interface has that name.
    #[error("interface {0} does not exist")]
    Missing(String),
    /// The interface has no address of the plan's family; with IPv6, no link-local one that is confirmed.
    #[error("interface {0} has no usable address")]
    NoAddress(String),
    /// The interface has no carrier; its sockets are open nevertheless.
    #[error("interface {0} is not running")]
    NotRunning(String),
}

/// What shall be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    specs: Vec<InterfaceSpec>,
    family: Family,
    kind: SocketKind,
    port: u16,
    uses_routing: bool,
}

impl Plan {
    /// Joins elements of `interfaces` into a plan for IPv4; `port` is the server's own port.
    ///
    /// # Errors
    /// When two elements do not go together.
    pub fn new4(specs: Vec<InterfaceSpec>, kind: SocketKind, port: u16) -> Result<Self, PlanError> {
        Self { specs, family: Family::V4, kind, port, uses_routing: false }.check()
    }

    /// Joins elements of `interfaces` into a plan for IPv6; `port` is the server's own port.
    ///
    /// # Errors
    /// When two elements do not go together, or one gives a multicast address.
    pub fn new6(specs: Vec<InterfaceSpec>, port: u16) -> Result<Self, PlanError> {
        Self { specs, family: Family::V6, kind: SocketKind::Udp, port, uses_routing: false }.check()
    }

    /// Says whether what can be routed always is, instead of leaving as a frame to where the query came from where
    /// that is cheaper.
    #[must_use]
    pub fn with_routing(self, uses_routing: bool) -> Self {
        Self { uses_routing, ..self }
    }

    fn check(self) -> Result<Self, PlanError> {
        for (at, spec) in self.specs.iter().enumerate() {
            if let InterfaceSpec::Address { name, address } = spec
                && self.family == Family::V6
                && address.is_multicast()
            {
                return Err(PlanError::Multicast { name: name.clone(), address: *address });
            }
            for earlier in self.specs.iter().take(at) {
                check_pair(earlier, spec, self.family)?;
            }
        }
        Ok(self)
    }

    /// The elements of `interfaces`.
    #[must_use]
    pub fn specs(&self) -> &[InterfaceSpec] {
        &self.specs
    }

    /// The address family served.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// Whether what can be routed always is.
    #[must_use]
    pub fn uses_routing(&self) -> bool {
        self.uses_routing
    }

    /// How queries are received.
    #[must_use]
    pub fn kind(&self) -> SocketKind {
        self.kind
    }

    /// The server's own port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the plan serves the address of the interface.
    #[must_use]
    pub fn covers(&self, interface: &Interface, address: IpAddr) -> bool {
        self.specs.iter().any(|spec| match (address, spec) {
            (IpAddr::V4(_), _) => spec.covers(interface, address),
            (IpAddr::V6(own), _) if own.is_unicast_link_local() => spec.names(interface),
            (IpAddr::V6(_), InterfaceSpec::Address { .. }) => spec.covers(interface, address),
            (IpAddr::V6(_), InterfaceSpec::All | InterfaceSpec::Named(_)) => false,
        })
    }

    /// What of the plan cannot be served with these interfaces, or is not as it looks.
    #[must_use]
    pub fn problems(&self, table: &InterfaceTable) -> Vec<PlanProblem> {
        let mut problems = Vec::new();
        for spec in &self.specs {
            match spec {
                InterfaceSpec::All => {
                    let all = table.interfaces().iter().filter(|interface| spec.names(interface));
                    let family = self.family;
                    problems.extend(all.filter_map(|interface| state_problem(interface, family)));
                }
                InterfaceSpec::Named(name) => match table.by_name(name) {
                    None => problems.push(PlanProblem::Missing(name.clone())),
                    Some(interface) => problems.extend(state_problem(interface, self.family)),
                },
                InterfaceSpec::Address { name, address } => match table.by_name(name) {
                    None => problems.push(PlanProblem::Missing(name.clone())),
                    Some(interface) => problems.extend(address_problem(interface, *address)),
                },
            }
        }
        problems
    }
}

fn check_pair(
    first: &InterfaceSpec,
    second: &InterfaceSpec,
    family: Family,
) -> Result<(), PlanError> {
    use InterfaceSpec::{Address, All, Named};
    match (first, second) {
        (All, All) => Err(PlanError::RepeatedWildcard),
        (Named(a), Named(b)) if a == b => Err(PlanError::RepeatedName(a.clone())),
        (Named(a), Address { name: b, .. }) | (Address { name: a, .. }, Named(b))
            if a == b && family == Family::V4 =>
        {
            Err(PlanError::NameAndAddress(a.clone()))
        }
        (Address { .. }, Address { name, address }) if first == second => {
            Err(PlanError::RepeatedAddress { name: name.clone(), address: *address })
        }
        (All | Named(_) | Address { .. }, _) => Ok(()),
    }
}

/// What is wrong with an address that is given, or else with its interface.
fn address_problem(interface: &Interface, address: IpAddr) -> Option<PlanProblem> {
    let name = interface.name.clone();
    match address {
        IpAddr::V4(own) if !interface.ipv4.iter().any(|network| network.address == own) => {
            Some(PlanProblem::AddressMissing { name, address })
        }
        IpAddr::V4(_) => state_problem(interface, Family::V4),
        IpAddr::V6(own) => match interface.ipv6.iter().find(|network| network.address == own) {
            None => Some(PlanProblem::AddressMissing { name, address }),
            Some(_) if !interface.is_up => Some(PlanProblem::Down(name)),
            Some(network) if network.is_tentative => {
                Some(PlanProblem::AddressTentative { name, address })
            }
            Some(_) if own.is_unicast_link_local() => {
                Some(PlanProblem::LinkLocal { name, address })
            }
            Some(_) if !interface.is_running => Some(PlanProblem::NotRunning(name)),
            Some(_) => None,
        },
    }
}

fn state_problem(interface: &Interface, family: Family) -> Option<PlanProblem> {
    let has_addresses = match family {
        Family::V4 => !interface.ipv4.is_empty(),
        Family::V6 => interface.ipv6.iter().any(|own| own.is_link_local && !own.is_tentative),
    };
    let name = interface.name.clone();
    match interface {
        Interface { is_up: false, .. } => Some(PlanProblem::Down(name)),
        _ if !has_addresses => Some(PlanProblem::NoAddress(name)),
        Interface { is_running: false, .. } => Some(PlanProblem::NotRunning(name)),
        _ => None,
    }
}
