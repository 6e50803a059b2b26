//! The interfaces of the system and their addresses.
//!
//! [`InterfaceTable`] is a value: comparing and reading it touches nothing. It is filled from a
//! netlink dump, and [`Monitor`] keeps it up to date from the kernel's notifications. When the
//! kernel had to drop notifications, or a dump was disturbed by a change, everything is read again,
//! so the table converges on the truth.
//!
//! Not here: which interfaces are served (see [`crate::plan`]).

mod monitor;
mod netlink;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use util::link::{InterfaceIndex, LinkAddress};

pub use monitor::Monitor;

/// An IPv4 address of an interface with its prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Network {
    /// The interface's own address.
    pub address: Ipv4Addr,
    /// Length of the prefix that is on the link.
    pub prefix_len: u8,
}

impl Ipv4Network {
    /// The subnet's directed broadcast address, where there is one.
    #[must_use]
    pub fn broadcast(&self) -> Option<Ipv4Addr> {
        let host_bits = u32::MAX.checked_shr(u32::from(self.prefix_len)).unwrap_or(0);
        (self.prefix_len <= 30).then(|| Ipv4Addr::from(u32::from(self.address) | host_bits))
    }
}

/// An IPv6 address of an interface with its prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Network {
    /// The interface's own address.
    pub address: Ipv6Addr,
    /// Length of the prefix that is on the link.
    pub prefix_len: u8,
    /// Whether the address is valid on the link only.
    pub is_link_local: bool,
    /// Whether the address cannot be used (yet): duplicate detection is under way or has failed.
    pub is_tentative: bool,
}

/// One interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its number.
    pub index: InterfaceIndex,
    /// Its name at the moment.
    pub name: String,
    /// Whether it is switched on.
    pub is_up: bool,
    /// Whether it has a carrier.
    pub is_running: bool,
    /// Whether it is a loopback interface.
    pub is_loopback: bool,
    /// Whether its frames are Ethernet frames.
    pub is_ethernet: bool,
    /// Its link-layer address, when it has one of Ethernet's length.
    pub link_address: Option<LinkAddress>,
    /// Its IPv4 addresses, primary ones first, as the kernel lists them.
    pub ipv4: Vec<Ipv4Network>,
    /// Its IPv6 addresses in ascending order; the kernel lists them in one that depends on the past.
    pub ipv6: Vec<Ipv6Network>,
}

/// All interfaces, by index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceTable {
    interfaces: Vec<Interface>,
}

impl InterfaceTable {
    /// Reads the table from the system.
    ///
    /// # Errors
    /// When the kernel cannot be asked.
    pub fn read() -> io::Result<Self> {
        netlink::dump()
    }

    /// Makes a table of given interfaces, for tests and simulations.
    #[must_use]
    pub fn from_interfaces(mut interfaces: Vec<Interface>) -> Self {
        interfaces.sort_by_key(|interface| interface.index);
        Self { interfaces }
    }

    /// The interfaces in the order of their index.
    #[must_use]
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// The interface of that name.
    #[must_use]
    pub fn by_name(&self, name: &str) -> Option<&Interface> {
        self.interfaces.iter().find(|interface| interface.name == name)
    }

    fn position(&self, index: InterfaceIndex) -> Result<usize, usize> {
        self.interfaces.binary_search_by_key(&index, |interface| interface.index)
    }

    /// Enters one notification; true when it changed something.
    fn apply(&mut self, change: netlink::Change) -> bool {
        use netlink::Change;
        match change {
            Change::Link(link) => self.enter_link(link),
            Change::LinkGone(index) => match self.position(index) {
                Ok(at) => {
                    self.interfaces.remove(at);
                    true
                }
                Err(_) => false,
            },
            Change::Ipv4(index, network) => self.edit(index, |interface| {
                put(&mut interface.ipv4, network, |old| old.address == network.address)
            }),
            Change::Ipv4Gone(index, network) => self.edit(index, |interface| {
                remove(&mut interface.ipv4, |old| old.address == network.address)
            }),
            Change::Ipv6(index, network) => self.edit(index, |interface| {
                let is_changed =
                    put(&mut interface.ipv6, network, |old| old.address == network.address);
                interface.ipv6.sort_unstable_by_key(|own| own.address);
                is_changed
            }),
            Change::Ipv6Gone(index, network) => self.edit(index, |interface| {
                remove(&mut interface.ipv6, |old| old.address == network.address)
            }),
        }
    }

    /// Enters the properties of a link and keeps the addresses that are known.
    fn enter_link(&mut self, mut link: Interface) -> bool {
        match self.position(link.index) {
            Ok(at) => {
                let Some(old) = self.interfaces.get_mut(at) else { return false };
                link.ipv4 = std::mem::take(&mut old.ipv4);
                link.ipv6 = std::mem::take(&mut old.ipv6);
                let before = std::mem::replace(old, link);
                (&before.name, before.is_up, before.is_running, before.link_address)
                    != (&old.name, old.is_up, old.is_running, old.link_address)
            }
            Err(at) => {
                self.interfaces.insert(at, link);
                true
            }
        }
    }

    fn edit(&mut self, index: InterfaceIndex, edit: impl FnOnce(&mut Interface) -> bool) -> bool {
        // An address of an unknown link: the link is gone already, or its own notification follows
        // with a dump.
        let Ok(at) = self.position(index) else { return false };
        self.interfaces.get_mut(at).is_some_and(edit)
    }
}

/// Replaces the element that `same` finds, or appends one; true when that made a difference.
fn put<T: PartialEq + Copy>(list: &mut Vec<T>, value: T, same: impl Fn(&T) -> bool) -> bool {
    match list.iter_mut().find(|old| same(old)) {
        Some(old) if *old == value => false,
        Some(old) => {
            *old = value;
            true
        }
        None => {
            list.push(value);
            true
        }
    }
}

/// Removes the elements that `same` finds; true when there was one.
fn remove<T>(list: &mut Vec<T>, same: impl Fn(&T) -> bool) -> bool {
    let before = list.len();
    list.retain(|old| !same(old));
    list.len() != before
}
