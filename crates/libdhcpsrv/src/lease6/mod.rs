//! DHCPv6 leases: what the lease store keeps of them.
//!
//! The store itself is [`crate::lease`]. Here are the identity of a client's association and the rule of ownership,
//! the view for the allocation engine, the changes, and in [`csv6`] the rows of the lease file.
//!
//! A lease is one address or one delegated prefix of an identity association. An association can have several. An
//! address, or the first address of a prefix, has one lease at most, whatever its type.

pub mod csv6;
mod kind;

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

use std::net::Ipv6Addr;

use crate::free::PoolIndex;
use crate::lease::is_expired;
use crate::lease::{
    Expect, LeaseState, LeaseStore, LeaseType, Loader, Ownership, SubnetId, Version,
};

pub use kind::V6;

/// All DHCPv6 leases of a server.
pub type LeaseStore6 = LeaseStore<V6>;
/// Fills a store from DHCPv6 lease files.
pub type Loader6<'a> = Loader<'a, V6>;
/// A DHCPv6 lease that has been reclaimed.
pub type Reclaimed6<'a> = crate::lease::Reclaimed<'a, V6>;

/// The longest DUID that is stored (RFC 8415 section 11.1: a type and 128 bytes).
pub const DUID_LEN_MAX: usize = 130;
/// The longest hardware address that is stored.
pub const HW_LEN_MAX: usize = 20;
/// The DUID of a declined lease, which identifies nobody.
pub const NO_DUID: &[u8] = &[0];

/// What identifies a client's association. Longer DUIDs than [`DUID_LEN_MAX`] are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientKey6<'a> {
    /// Type of the association.
    pub lease_type: LeaseType,
    /// The client. Empty, or [`NO_DUID`], is nobody.
    pub duid: &'a [u8],
    /// Which of the client's associations of this type.
    pub iaid: u32,
}

impl ClientKey6<'_> {
    /// Whose a lease of the association `other` is.
    #[must_use]
    pub fn ownership(&self, other: &ClientKey6<'_>) -> Ownership {
        let duid = self.duid();
        if duid.is_empty() || duid == NO_DUID || duid != other.duid() {
            Ownership::Other
        } else if self.iaid == other.iaid && self.lease_type == other.lease_type {
            Ownership::Mine
        } else {
            Ownership::SameClient
        }
    }

    /// The DUID as it is stored.
    pub(crate) fn duid(&self) -> &[u8] {
        self.duid.get(..DUID_LEN_MAX).unwrap_or(self.duid)
    }
}

/// What identifies a client's association, for whoever keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OwnedClientKey6 {
    /// Type of the association.
    pub lease_type: LeaseType,
    /// The client; empty for nobody.
    pub duid: Vec<u8>,
    /// Which of the client's associations of this type.
    pub iaid: u32,
}

/// A client's hardware address and how it is known. The default is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardwareSource6<'a> {
    /// Hardware type.
    pub hw_type: u16,
    /// Where the address comes from (1 raw, 2 link-local address, 4 DUID, 8 relay option, ...), numbered as in the
    /// lease file.
    pub source: u32,
    /// The address, at most [`HW_LEN_MAX`] bytes (the rest is cut); empty for none.
    pub hw: &'a [u8],
}

/// A lease as the allocation engine sees it: a small copy, true at the moment of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease6View {
    /// The leased address, or the first of the prefix.
    pub address: Ipv6Addr,
    /// Length of the prefix; 128 for an address.
    pub prefix_len: u8,
    /// Its type.
    pub lease_type: LeaseType,
    /// The subnet it was leased in.
    pub subnet_id: SubnetId,
    /// Its state.
    pub state: LeaseState,
    /// Client's last transaction time, seconds since the epoch.
    pub cltt: i64,
    /// Lifetime in seconds from `cltt` on; 0xffffffff never ends.
    pub valid_lifetime: u32,
    /// Preferred lifetime in seconds from `cltt` on.
    pub preferred_lifetime: u32,
    /// Whether it belongs to the association that asked.
    pub owner: Ownership,
    /// Whether the pools are marked for it. What an expired or reclaimed lease covers may be somebody else's.
    pub is_held: bool,
    /// Whether the server updated the client's forward DNS entry.
    pub fqdn_fwd: bool,
    /// Whether the server updated the reverse DNS entry.
    pub fqdn_rev: bool,
    /// Whether a host name is stored.
    pub has_hostname: bool,
    /// Changes with every change of the lease; see [`Expect::Unchanged`].
    pub version: Version,
}

impl Lease6View {
    /// Whether the lifetime is over at `now_s` (wall clock): strictly after its last second.
    #[must_use]
    pub fn is_expired(&self, now_s: i64) -> bool {
        is_expired(self.cltt, self.valid_lifetime, now_s)
    }

    /// Whether another client may get the address at `now_s`.
    #[must_use]
    pub fn is_available(&self, now_s: i64) -> bool {
        !self.state.holds_address() || self.is_expired(now_s)
    }
}

/// A whole lease, copied out of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease6 {
    /// The leased address, or the first of the prefix.
    pub address: Ipv6Addr,
    /// Length of the prefix; 128 for an address.
    pub prefix_len: u8,
    /// Its type.
    pub lease_type: LeaseType,
    /// The client; [`NO_DUID`] for a declined lease.
    pub duid: Vec<u8>,
    /// Which of the client's associations of this type.
    pub iaid: u32,
    /// Hardware type; 0 without a hardware address.
    pub hw_type: u16,
    /// Where the hardware address comes from, numbered as in the lease file.
    pub hw_source: u32,
    /// Hardware address; empty for none.
    pub hw: Vec<u8>,
    /// Lifetime in seconds from `cltt` on; 0xffffffff never ends.
    pub valid_lifetime: u32,
    /// Preferred lifetime in seconds from `cltt` on.
    pub preferred_lifetime: u32,
    /// Client's last transaction time, seconds since the epoch.
    pub cltt: i64,
    /// The subnet it was leased in.
    pub subnet_id: SubnetId,
    /// Whether the server updated the client's forward DNS entry.
    pub fqdn_fwd: bool,
    /// Whether the server updated the reverse DNS entry.
    pub fqdn_rev: bool,
    /// Host name; empty for none.
    pub hostname: Vec<u8>,
    /// Its state.
    pub state: LeaseState,
    /// User context as JSON text; empty for none.
    pub user_context: Vec<u8>,
    /// `pool-id` of its pool.
    pub pool_id: u32,
}

impl Default for Lease6 {
    fn default() -> Self {
        Self {
            address: Ipv6Addr::UNSPECIFIED,
            prefix_len: 128,
            lease_type: LeaseType::Na,
            duid: Vec::new(),
            iaid: 0,
            hw_type: 0,
            hw_source: 0,
            hw: Vec::new(),
            valid_lifetime: 0,
            preferred_lifetime: 0,
            cltt: 0,
            subnet_id: SubnetId(0),
            fqdn_fwd: false,
            fqdn_rev: false,
            hostname: Vec::new(),
            state: LeaseState::Default,
            user_context: Vec::new(),
            pool_id: 0,
        }
    }
}

impl From<Option<&Lease6View>> for Expect {
    fn from(view: Option<&Lease6View>) -> Self {
        view.map_or(Self::Absent, |view| Self::Unchanged(view.version))
    }
}

/// A lease to be stored: new, renewed, or taken over from an expired one. `cltt` becomes the time of the commit.
///
/// With state declined only address, type and IAID stay of the client: the DUID becomes [`NO_DUID`], and hardware
/// address, names and preferred lifetime are dropped.
#[derive(Clone, Copy, Debug)]
pub struct Change6<'a> {
    /// The leased address, or the first of the prefix; bits behind a prefix are cleared.
    pub address: Ipv6Addr,
    /// Length of the prefix; 128 for an address.
    pub prefix_len: u8,
    /// The subnet it is leased in.
    pub subnet_id: SubnetId,
    /// `pool-id` of the pool, 0 unless configured.
    pub pool_id: u32,
    /// The pool in the caller's [`crate::free::PoolSet6`] that it was chosen from; none when it was not. It saves a
    /// search and is checked: the store may have another set by now, and a change that would take what no pool gives out
    /// any more is a conflict.
    pub pool: Option<PoolIndex>,
    /// The new owner.
    pub client: ClientKey6<'a>,
    /// The client's hardware address.
    pub hw: HardwareSource6<'a>,
    /// Preferred lifetime in seconds.
    pub preferred_lifetime: u32,
    /// Lifetime in seconds; 0 is stored as 1, because a row with 0 means deletion.
    pub valid_lifetime: u32,
    /// The state to store.
    pub state: LeaseState,
    /// Whether the server updates the client's forward DNS entry.
    pub fqdn_fwd: bool,
    /// Whether the server updates the reverse DNS entry.
    pub fqdn_rev: bool,
    /// Host name, at most 255 bytes (the rest is cut); empty for none.
    pub hostname: &'a [u8],
    /// User context as JSON text; empty for none.
    pub user_context: &'a [u8],
    /// Whether it is merged into the one that the lease has, if it stays the client's, instead of replacing it.
    pub keeps_context: bool,
    /// What the address must look like for the change to be made.
    pub expect: Expect,
    /// Another address or prefix that `client` gives up with this change. Its lease is deleted in the same step if it
    /// still belongs to the same association, and left alone otherwise.
    pub replaces: Option<Ipv6Addr>,
}
