//! Host reservations: what the operator has set aside for certain clients.
//!
//! One mechanism for both protocols. A host is known by one identifier, in a subnet or everywhere; it has addresses and
//! prefixes, a host name, options and classes. [`Hosts`] is the compiled table of those in the configuration; it leads
//! from an identifier to its host and from an address or prefix to the hosts that it is reserved for, each by one look
//! into a hash table and without allocating.
//!
//! Deciding code asks through its [`crate::session::Session`], which asks a [`HostSource`]: the configuration answers at
//! once, a database may answer later. It decides nothing about leases; that is up to the allocation engines.
//! [`JoinedHosts`] joins the configuration with its [`HostDatabases`]: in each place the configuration counts first, and
//! databases are asked only about whom it does not know there. Their questions leave by the worker's [`HostDesk`], and
//! what an exchange is told stays with it as [`LearnedHosts`].
//!
//! Kea: `CfgHosts`, `HostMgr`; order of identifiers as in `host-reservation-identifiers`.

mod cache;
mod desk;
mod identifier;
mod index;
mod join;
mod known;
#[cfg(test)]
mod late_tests;
mod learned;
mod pending;
mod stored;
mod table;
#[cfg(test)]
mod tests;

pub use cache::{CacheFigures, CacheLimits};
pub(crate) use desk::Settled;
pub use desk::{
    HostDatabases, HostDesk, HostQuery, HostReply, HostRequest, HostsUnknown, OwnedIdentifier,
    is_host_ticket,
};
pub use identifier::{Identifier, IdentifierKind, IdentifierList, IdentifierOrder, KindSet};
pub use join::JoinedHosts;
pub use known::Seeker;
pub use learned::{HostView, LearnedHosts};
pub use stored::{HostFault, HostTerms, RawHost, RawOption, StoredHost};
pub use table::{BootFields, Extras, Host, Hosts, HostsBuilder, NewHost, Resource};

use libdhcp::{OptionSet, OptionSet6, OptionSetForm};

use crate::lease::{AddressOf, LeaseKind, SubnetId};
use crate::lease4::V4;
use crate::lease6::V6;
use crate::session::Submitted;

/// The hosts of a DHCPv4 configuration.
pub type Hosts4 = Hosts<V4>;
/// The hosts of a DHCPv6 configuration.
pub type Hosts6 = Hosts<V6>;
/// A host of DHCPv4.
pub type Host4<'t> = Host<'t, V4>;
/// A host of DHCPv6.
pub type Host6<'t> = Host<'t, V6>;

/// The subnet of hosts that are known everywhere; no real subnet has this number.
pub const GLOBAL: SubnetId = SubnetId(0);

/// What the hosts of one protocol have beyond its leases.
pub trait HostKind: LeaseKind {
    /// Their options.
    type Options: OptionSetForm + Send + Sync + 'static;
}

impl HostKind for V4 {
    type Options = OptionSet;
}

impl HostKind for V6 {
    type Options = OptionSet6;
}

/// Names a host within its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u32);

/// Which reservations count in a subnet: `reservations-global`, `-in-subnet`, `-out-of-pool`, a bit for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReservationRules(u8);

impl Default for ReservationRules {
    fn default() -> Self {
        Self::new([false, true, false])
    }
}

impl ReservationRules {
    /// Takes the three flags in their order.
    #[must_use]
    pub const fn new([global, in_subnet, out_of_pool]: [bool; 3]) -> Self {
        Self(global as u8 | (in_subnet as u8) << 1 | (out_of_pool as u8) << 2)
    }

    /// The three flags in their order.
    #[must_use]
    pub const fn flags(self) -> [bool; 3] {
        [self.global(), self.in_subnet(), self.out_of_pool()]
    }

    /// Whether the global reservations count.
    #[must_use]
    pub const fn global(self) -> bool {
        self.0 & 1 != 0
    }

    /// Whether those of the subnet count.
    #[must_use]
    pub const fn in_subnet(self) -> bool {
        self.0 & 2 != 0
    }

    /// Whether only those of the subnet's count that lie in none of its pools: what is in a pool is reserved for nobody.
    #[must_use]
    pub const fn out_of_pool(self) -> bool {
        self.0 & 4 != 0
    }

    /// Where the hosts of clients of a subnet are looked for.
    #[must_use]
    pub fn places(self, subnet: SubnetId) -> Places {
        Places { subnet: self.in_subnet().then_some(subnet), global: self.global() }
    }

    /// Whether an address or prefix of a host counts as reserved; `in_pool` says whether it lies in a pool of the
    /// subnet.
    #[must_use]
    pub fn reserves(self, host_subnet: SubnetId, in_pool: bool) -> bool {
        match host_subnet {
            GLOBAL => self.global(),
            _ => self.in_subnet() && !(self.out_of_pool() && in_pool),
        }
    }
}

/// Where hosts are looked for: first in a subnet, then among the global ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// The subnet, unless its own reservations do not count.
    pub subnet: Option<SubnetId>,
    /// Whether global reservations count.
    pub global: bool,
}

impl Places {
    /// One of them.
    #[must_use]
    pub fn only(place: SubnetId) -> Self {
        match place {
            GLOBAL => Self { subnet: None, global: true },
            _ => Self { subnet: Some(place), global: false },
        }
    }

    /// All of them in order.
    pub fn iter(self) -> impl Iterator<Item = SubnetId> {
        self.subnet.into_iter().chain(self.global.then_some(GLOBAL))
    }
}

/// A question about hosts.
#[derive(Clone, Copy, Debug)]
pub enum HostQuestion<'a, K: LeaseKind> {
    /// The host of a client: of the first place that has one, by the first identifier that has one there.
    Of {
        /// Where to look.
        places: Places,
        /// How the client is known, in this order.
        identifiers: &'a [Identifier<'a>],
    },
    /// For whom exactly this address or prefix is reserved.
    Holder {
        /// Where to look.
        places: Places,
        /// The address, or the first one of the prefix.
        address: AddressOf<K>,
        /// Length of the prefix; that of the family for an address.
        prefix_len: u8,
        /// How the client is known that would like to have it.
        identifiers: &'a [Identifier<'a>],
    },
}

/// For whom an address or prefix is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// For the client that asks, perhaps among others.
    Client,
    /// For nobody.
    Nobody,
    /// For other clients alone.
    Other,
}

/// Where hosts come from, as the session sees it.
pub trait HostSource<K: HostKind> {
    /// The kinds of identifiers that hosts are known by; others need not be looked for.
    fn kinds(&self) -> KindSet;

    /// The table that this is, if it is one: its answers are always the same during an exchange and need not be
    /// remembered, and the pools know all that is reserved in them.
    fn as_table(&self) -> Option<&Hosts<K>> {
        None
    }

    /// Hears of places that will be asked about for the client of the next question: a source that must wait can ask
    /// about all of them at once.
    fn foresee(&self, places: &mut dyn Iterator<Item = SubnetId>) {
        let _ = places;
    }

    /// Takes one question; the answer is [`crate::session::Answer::Host`] or [`crate::session::Answer::Holder`].
    fn submit(&self, question: &HostQuestion<'_, K>) -> Submitted<K>;

    /// The host of an answer, which stays as long as the exchange that asked.
    fn host(&self, id: HostId) -> Option<Host<'_, K>>;
}
