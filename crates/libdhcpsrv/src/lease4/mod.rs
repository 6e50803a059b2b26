//! The DHCPv4 lease store: every lease in memory, found by address or by client, written to the journal as it changes.
//!
//! [`LeaseStore4`] is shared by all workers. It decides nothing about who gets which address; it says what is there
//! ([`Lease4View`]) and changes it only if it still is what the decision was based on ([`Expect`]). A change appends
//! its row to the journal queue before it becomes visible; when the queue refuses, nothing has changed.
//!
//! Parts: `record` is the fixed-size form of a lease in a shard's slab, `client_index` leads from a client to
//! addresses, `calendar` orders leases by expiry, `shard` ties a slab to its calendar and to the free addresses of
//! [`crate::free::PoolSet`], `store` has lookups and changes, `expiry` the life after the lifetime, [`csv4`] the rows
//! of the lease file and [`load`] the way back from them.
//!
//! Behaviour follows Kea's memfile back-end: same columns, same meaning of rows; a lease is expired when
//! `cltt + valid_lifetime < now`, and a lifetime of 0xffffffff never ends.

mod calendar;
mod client_index;
pub mod csv4;
mod expiry;
pub mod load;
mod record;
mod shard;
mod store;

#[cfg(test)]
mod file_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use util::journal::{JournalError, JournalPosition};

use crate::free::PoolIndex;

pub use expiry::{ReclaimLimits, Reclaimed, Ticked};
pub use load::{FileReport, Loader4};
pub use store::LeaseStore4;

/// A lifetime that never ends.
pub const INFINITE: u32 = u32::MAX;
/// The longest hardware address that is stored.
pub const HW_LEN_MAX: usize = 20;
/// The longest client identifier that is stored.
pub const CLIENT_ID_LEN_MAX: usize = 255;
/// Hardware type of a lease whose file row does not tell it; equal to every other type.
pub const HW_TYPE_UNKNOWN: u8 = 0;

/// Identifier of a subnet (`id`), as in the lease file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubnetId(pub u32);

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

/// State of a lease, numbered as in the lease file.
///
/// ```text
///            decline                 probation ends
///  Default ----------> Declined ----------------------> (deleted)
///    |  ^
///    |  | the client returns
///    v  |
///  ExpiredReclaimed / Released ----- hold time ends ---> (deleted)
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LeaseState {
    /// Active, or expired and not yet reclaimed.
    #[default]
    Default = 0,
    /// Quarantined: somebody else answers at this address.
    Declined = 1,
    /// Expired and cleaned up; kept so that the client may get the address again.
    ExpiredReclaimed = 2,
    /// Given back and kept like a reclaimed one.
    Released = 3,
    /// Registered by its owner; not used by DHCPv4, but lease files may hold it.
    Registered = 4,
}

impl LeaseState {
    /// The state with this number in the lease file.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Default),
            1 => Some(Self::Declined),
            2 => Some(Self::ExpiredReclaimed),
            3 => Some(Self::Released),
            4 => Some(Self::Registered),
            _ => None,
        }
    }

    /// Whether an unexpired lease in this state keeps its address from others.
    #[must_use]
    pub const fn holds_address(self) -> bool {
        matches!(self, Self::Default | Self::Declined | Self::Registered)
    }
}

/// Whose lease a view shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// It belongs to the client that asks.
    Mine,
    /// It belongs to another client, or to nobody (declined).
    Other,
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

/// Names one state of one lease in one store. The default names none.
///
/// It holds where the record is, so that a commit finds it without a lookup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    slot: u32,
    change: u32,
}

impl Lease4View {
    /// Whether the lifetime is over at `now_s` (wall clock): strictly after its last second.
    #[must_use]
    pub fn is_expired(&self, now_s: i64) -> bool {
        let ends = self.cltt.saturating_add(i64::from(self.valid_lifetime));
        self.valid_lifetime != INFINITE && ends < now_s
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

/// What a decision was based on: the change is made only if this still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The store has no record for the address, not even an expired one.
    Absent,
    /// The record for the address is the one that a view with this `version` showed.
    Unchanged(Version),
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
    /// What the address must look like for the change to be made.
    pub expect: Expect,
    /// Another address that `client` gives up with this change. Its lease is deleted in the same step if it still
    /// belongs to `client`, and left alone otherwise.
    pub replaces: Option<Ipv4Addr>,
}

/// Why a change was not made; the store is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The lease is not what the decision was based on.
    #[error("the lease has changed in the meantime")]
    Conflict,
    /// The row could not be journaled.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// One more or one less lease of a subnet in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delta {
    /// The subnet.
    pub subnet_id: SubnetId,
    /// `pool-id` of the lease.
    pub pool_id: u32,
    /// The state that is counted.
    pub state: LeaseState,
    /// +1 or -1.
    pub by: i8,
}

/// How one change alters the counts of leases by subnet and state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deltas {
    deltas: [Option<Delta>; 3],
}

impl Deltas {
    /// The single steps.
    pub fn iter(&self) -> impl Iterator<Item = Delta> {
        self.deltas.iter().flatten().copied()
    }

    pub(crate) fn push(&mut self, delta: Delta) {
        if let Some(place) = self.deltas.iter_mut().find(|place| place.is_none()) {
            *place = Some(delta);
        }
    }
}

/// A change that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Journal position by which the durability of the change is known; 0 without a journal.
    pub position: JournalPosition,
    /// How the counts change.
    pub deltas: Deltas,
    /// Whether the lease named by [`Change4::replaces`] was deleted.
    pub replaced: bool,
}
