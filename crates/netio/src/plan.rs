//! Which sockets ought to exist.
//!
//! A [`Plan`] is the configuration's wish (`interfaces-config`); [`desired`] compares it with the
//! system's interfaces and lists the sockets for now. An interface that is missing, down or without
//! address is no error: it is served when that changes. [`Plan::problems`] names such things for a
//! warning.
//!
//! Sockets of one Ethernet interface in raw mode: one packet socket that sees broadcasts and
//! datagrams for each served address, and per address a UDP socket that throws away what it
//! receives (it keeps the kernel from answering "port unreachable") and sends what the kernel shall
//! route. Loopback and other interfaces without Ethernet framing get the sockets of UDP mode: per
//! address one for datagrams to it, and per interface one for each broadcast address.

mod endpoint;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

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
    /// `"eth0/192.0.2.1"`: one address of an interface.
    Address {
        /// Name of the interface.
        name: String,
        /// The address served.
        address: IpAddr,
    },
    /// `"eth0"`: all addresses of an interface.
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
    /// The interface is switched off.
    #[error("interface {0} is down")]
    Down(String),
    /// No interface has that name.
    #[error("interface {0} does not exist")]
    Missing(String),
    /// The interface has no address of the plan's family.
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
    kind: SocketKind,
    port: u16,
}

impl Plan {
    /// Joins elements of `interfaces` into a plan; `port` is the server's own port.
    ///
    /// # Errors
    /// When two elements do not go together.
    pub fn new(specs: Vec<InterfaceSpec>, kind: SocketKind, port: u16) -> Result<Self, PlanError> {
        for (at, spec) in specs.iter().enumerate() {
            for earlier in specs.iter().take(at) {
                check_pair(earlier, spec)?;
            }
        }
        Ok(Self { specs, kind, port })
    }

    /// The elements of `interfaces`.
    #[must_use]
    pub fn specs(&self) -> &[InterfaceSpec] {
        &self.specs
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
        self.specs.iter().any(|spec| spec.covers(interface, address))
    }

    /// What of the plan cannot be served with these interfaces.
    #[must_use]
    pub fn problems(&self, table: &InterfaceTable, family: Family) -> Vec<PlanProblem> {
        let mut problems = Vec::new();
        for spec in &self.specs {
            match spec {
                InterfaceSpec::All => {
                    let all = table.interfaces().iter().filter(|interface| spec.names(interface));
                    problems.extend(all.filter_map(|interface| state_problem(interface, family)));
                }
                InterfaceSpec::Named(name) => match table.by_name(name) {
                    None => problems.push(PlanProblem::Missing(name.clone())),
                    Some(interface) => problems.extend(state_problem(interface, family)),
                },
                InterfaceSpec::Address { name, address } => match table.by_name(name) {
                    None => problems.push(PlanProblem::Missing(name.clone())),
                    Some(interface) if !has_address(interface, *address) => {
                        let (name, address) = (name.clone(), *address);
                        problems.push(PlanProblem::AddressMissing { name, address });
                    }
                    Some(interface) => problems.extend(state_problem(interface, family)),
                },
            }
        }
        problems
    }
}

fn check_pair(first: &InterfaceSpec, second: &InterfaceSpec) -> Result<(), PlanError> {
    use InterfaceSpec::{Address, All, Named};
    match (first, second) {
        (All, All) => Err(PlanError::RepeatedWildcard),
        (Named(a), Named(b)) if a == b => Err(PlanError::RepeatedName(a.clone())),
        (Named(a), Address { name: b, .. }) | (Address { name: a, .. }, Named(b)) if a == b => {
            Err(PlanError::NameAndAddress(a.clone()))
        }
        (Address { .. }, Address { name, address }) if first == second => {
            Err(PlanError::RepeatedAddress { name: name.clone(), address: *address })
        }
        (All | Named(_) | Address { .. }, _) => Ok(()),
    }
}

fn has_address(interface: &Interface, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => interface.ipv4.iter().any(|own| own.address == address),
        IpAddr::V6(address) => interface.ipv6.iter().any(|own| own.address == address),
    }
}

fn state_problem(interface: &Interface, family: Family) -> Option<PlanProblem> {
    let has_addresses = match family {
        Family::V4 => !interface.ipv4.is_empty(),
        Family::V6 => interface.ipv6.iter().any(|own| !own.is_tentative),
    };
    let name = interface.name.clone();
    match interface {
        Interface { is_up: false, .. } => Some(PlanProblem::Down(name)),
        _ if !has_addresses => Some(PlanProblem::NoAddress(name)),
        Interface { is_running: false, .. } => Some(PlanProblem::NotRunning(name)),
        _ => None,
    }
}
