//! The lease store: every lease in memory, found by address or by client, written to the journal as it changes.
//!
//! [`LeaseStore`] is shared by all workers. It decides nothing about who gets which address; it says what is there (a
//! view) and changes it only if it still is what the decision was based on ([`Expect`]). A change appends its row to
//! the journal queue before it becomes visible; when the queue refuses, nothing has changed.
//!
//! It serves both protocols as one mechanism: what a lease of each consists of is its [`LeaseKind`], see
//! [`crate::lease4`] and [`crate::lease6`].
//!
//! Parts: `record` is the fixed-size form of a lease in a shard's slab, `client_index` leads from a client to
//! addresses, `calendar` orders leases by expiry, `shard` ties a slab to its calendar and to the free addresses of
//! [`crate::free::PoolSet`], `store` has lookups and changes, `expiry` the life after the lifetime, [`row`] what the
//! rows of the lease files have in common and [`load`] the way back from them.
//!
//! Behaviour follows Kea's memfile back-end: same columns, same meaning of rows; a lease is expired when
//! `cltt + valid_lifetime < now`, and a lifetime of 0xffffffff never ends.

mod calendar;
mod client_index;
mod expiry;
mod kind;
pub mod load;
mod record;
pub mod row;
mod shard;
mod store;

use util::journal::{JournalError, JournalPosition};

pub(crate) use client_index::{ClientIndex, KeyHash};
pub use expiry::{ReclaimLimits, Reclaimed, Ticked};
pub use kind::{AddressOf, Contents, LeaseKind, LeaseView, StoreAddress, Terms};
pub use load::{FileReport, Loader};
pub use store::is_same;
pub(crate) use store::merged_context;
#[cfg(test)]
pub(crate) use store::shard_of;
pub use store::{LEASES_PER_KEY_MAX, LeaseStore, Nth};

/// A lifetime that never ends.
pub const INFINITE: u32 = u32::MAX;
/// The longest host name that is stored.
pub const HOSTNAME_LEN_MAX: usize = 255;

/// Identifier of a subnet (`id`), as in the lease file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubnetId(pub u32);

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

/// Type of a lease, numbered as in the lease file. DHCPv4 has only one; its leases count as [`LeaseType::Na`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum LeaseType {
    /// A non-temporary address.
    #[default]
    Na = 0,
    /// A temporary address.
    Ta = 1,
    /// A delegated prefix.
    Pd = 2,
}

impl LeaseType {
    /// The type with this number in the lease file.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Na),
            1 => Some(Self::Ta),
            2 => Some(Self::Pd),
            _ => None,
        }
    }
}

/// Whose lease a view shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// It belongs to the client that asks.
    Mine,
    /// It belongs to the client that asks, but to another association (DHCPv6: another IAID or another type).
    SameClient,
    /// It belongs to another client, or to nobody (declined).
    Other,
}

/// Names one state of one lease in one store. The default names none.
///
/// It holds where the record is, so that a commit finds it without a lookup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    slot: u32,
    change: u32,
}

impl Version {
    /// The version that a keeper of leases numbers so; `change` is not 0.
    pub(crate) const fn new(slot: u32, change: u32) -> Self {
        Self { slot, change }
    }

    /// Both numbers.
    pub(crate) const fn numbers(self) -> (u32, u32) {
        (self.slot, self.change)
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

/// Number of leases by subnet, type, pool and state.
pub type Counts = std::collections::BTreeMap<(SubnetId, LeaseType, u32, LeaseState), u64>;

/// The leases that are stored, as a configuration that is put in force must know them.
pub trait StoredLeases<K: LeaseKind> {
    /// Marks in other pools what is leased, and uses these from now on.
    fn adopt_pools(&self, pools: &std::sync::Arc<crate::free::PoolSet<K::Number>>);

    /// Counts the leases.
    fn recount(&self) -> Counts;
}

impl<K: LeaseKind> StoredLeases<K> for LeaseStore<K> {
    fn adopt_pools(&self, pools: &std::sync::Arc<crate::free::PoolSet<K::Number>>) {
        self.adopt_pools(pools);
    }

    fn recount(&self) -> Counts {
        self.recount()
    }
}

/// Whether a lifetime is over at `now_s` (wall clock): strictly after its last second.
pub(crate) fn is_expired(cltt: i64, valid_lifetime: u32, now_s: i64) -> bool {
    let ends = cltt.saturating_add(i64::from(valid_lifetime));
    valid_lifetime != INFINITE && ends < now_s
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
    /// The type of the lease.
    pub lease_type: LeaseType,
    /// `pool-id` of the lease.
    pub pool_id: u32,
    /// The state that is counted.
    pub state: LeaseState,
    /// +1 or -1.
    pub by: i8,
}

/// How one change alters the counts of leases by subnet, type, pool and state.
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
    /// Whether the lease named by `replaces` was deleted.
    pub replaced: bool,
}
