//! DHCPv4 leases: what the lease store keeps of them.
//!
//! The store itself is [`crate::lease`]. Here are the identifiers of a client and the rule of ownership, the
//! view for the allocation engine, the changes, and in [`csv4`] the rows of the lease file.

pub mod csv4;
mod kind;

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use crate::free::PoolIndex;
use crate::lease::is_expired;
use crate::lease::{LeaseStore, Loader};

pub use crate::lease::load;
pub use crate::lease::{
    CommitError, Delta, Deltas, Expect, FileReport, INFINITE, LeaseKind, LeaseState, LeaseType,
    Ownership, ReclaimLimits, Stored, SubnetId, Ticked, Version,
};
pub use kind::V4;

/// All DHCPv4 leases of a server.
pub type LeaseStore4 = LeaseStore<V4>;
/// Fills a store from DHCPv4 lease files.
pub type Loader4<'a> = Loader<'a, V4>;
/// A DHCPv4 lease that has been reclaimed.
pub type Reclaimed<'a> = crate::lease::Reclaimed<'a, V4>;

/// The longest hardware address that is stored.
pub const HW_LEN_MAX: usize = 20;
/// The longest client identifier that is stored.
pub const CLIENT_ID_LEN_MAX: usize = 255;
/// Hardware type of a lease whose file row does not tell it; equal to every other type.
pub const HW_TYPE_UNKNOWN: u8 = 0;

/// What identifies a client. Longer identifiers than the limits above are cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientKey<'a> {
    /// `htype`.
    pub hw_type: u8,
    /// The bytes of `chaddr` that `hlen` covers; may be empty.
    pub hw: &'a [u8],
    /// Option 61, unless absent or not to be used in the subnet (`match-client-id`). Empty means absent.
    pub client_id: Option<&'a [u8]>,
}

impl ClientKey<'_> {
    /// Whether a lease with the identifiers `other` belongs to this client.
    ///
    /// Client identifiers decide when both sides have one; hardware addresses otherwise.
    #[must_use]
    pub fn owns(&self, other: &ClientKey<'_>) -> bool {
        match (self.client_id(), other.client_id()) {
            ([_, ..], [_, ..]) => self.client_id() == other.client_id(),
            _ => {
                let same_type = self.hw_type == other.hw_type
                    || self.hw_type == HW_TYPE_UNKNOWN
                    || other.hw_type == HW_TYPE_UNKNOWN;
                !self.hw().is_empty() && self.hw() == other.hw() && same_type
            }
        }
    }

    /// The client identifier as it is stored; empty when absent.
    pub(crate) fn client_id(&self) -> &[u8] {
        let id = self.client_id.unwrap_or_default();
        id.get(..CLIENT_ID_LEN_MAX).unwrap_or(id)
    }

    /// The hardware address as it is stored.
    pub(crate) fn hw(&self) -> &[u8] {
        self.hw.get(..HW_LEN_MAX).unwrap_or(self.hw)
    }
}

/// What identifies a client, for whoever keeps it; an absent identifier is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OwnedClientKey {
    /// `htype`.
    pub hw_type: u8,
    /// Hardware address.
    pub hw: Vec<u8>,
    /// Client identifier.
    pub client_id: Vec<u8>,
}

/// A lease as the allocation engine sees it: a small copy, true at the moment of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease4View {
    /// The leased address.
    pub address: Ipv4Addr,
    /// The subnet it was leased in.
    pub subnet_id: SubnetId,
    /// Its state.
    pub state: LeaseState,
    /// Client's last transaction time, seconds since the epoch.
    pub cltt: i64,
    /// Lifetime in seconds from `cltt` on; 0xffffffff never ends.
    pub valid_lifetime: u32,
    /// Whether it belongs to the client that asked.
    pub owner: Ownership,
    /// Whether the server updated the client's forward DNS entry.
    pub fqdn_fwd: bool,
    /// Whether the server updated the reverse DNS entry.
    pub fqdn_rev: bool,
    /// Whether a host name is stored.
    pub has_hostname: bool,
    /// Changes with every change of the lease; see [`Expect::Unchanged`].
    pub version: Version,
}

impl Lease4View {
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
pub struct Lease4 {
    /// The leased address.
    pub address: Ipv4Addr,
    /// Hardware type; [`HW_TYPE_UNKNOWN`] for leases read from a file.
    pub hw_type: u8,
    /// Hardware address; empty for a declined lease.
    pub hw: Vec<u8>,
    /// Client identifier; empty when there is none.
    pub client_id: Vec<u8>,
    /// Lifetime in seconds from `cltt` on; 0xffffffff never ends.
    pub valid_lifetime: u32,
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

impl Default for Lease4 {
    fn default() -> Self {
        Self {
            address: Ipv4Addr::UNSPECIFIED,
            hw_type: HW_TYPE_UNKNOWN,
            hw: Vec::new(),
            client_id: Vec::new(),
            valid_lifetime: 0,
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

impl From<Option<&Lease4View>> for Expect {
    fn from(view: Option<&Lease4View>) -> Self {
        view.map_or(Self::Absent, |view| Self::Unchanged(view.version))
    }
}

/// A lease to be stored: new, renewed, or taken over from an expired one. `cltt` becomes the time of the commit.
#[derive(Clone, Copy, Debug)]
pub struct Change4<'a> {
    /// The leased address.
    pub address: Ipv4Addr,
    /// The subnet it is leased in.
    pub subnet_id: SubnetId,
    /// `pool-id` of the pool, 0 unless configured.
    pub pool_id: u32,
    /// The pool in the caller's [`crate::free::PoolSet`] that the address lies in, if the caller knows. It saves
    /// a search and is checked: the store may have another set by now.
    pub pool: Option<PoolIndex>,
    /// The new owner; the default (nobody) for a declined lease.
    pub client: ClientKey<'a>,
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
    /// Another address that `client` gives up with this change. Its lease is deleted in the same step if it still
    /// belongs to `client`, and left alone otherwise.
    pub replaces: Option<Ipv4Addr>,
}
