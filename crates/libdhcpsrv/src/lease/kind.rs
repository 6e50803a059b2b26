//! What the two kinds of leases do not share: keys, contents, rows.
//!
//! Everything in [`super`] is written over a [`LeaseKind`] and compiled for each: [`crate::lease4::V4`] and
//! [`crate::lease6::V6`]. A kind says what a record holds beyond what all have ([`Contents`]), how a client is found
//! and recognised, and how a row looks. It has no behaviour in time: expiry, declined addresses, the journal and the
//! order of locks are the same for both.

use std::fmt::Debug;
use std::hash::{Hash, Hasher};

use super::client_index::{ClientIndex, KeyHash};
use super::row::{Header, RowError};
use super::{Expect, LeaseState, LeaseType, Ownership, SubnetId, Version};
use crate::free::{PoolAddress, PoolIndex};

/// The leases of one protocol. Implemented here for both; not meant to be implemented elsewhere.
pub trait LeaseKind: Copy + Debug + Default + Send + Sync + 'static {
    /// An address as a number.
    type Number: StoreAddress;
    /// What identifies a client.
    type Key<'a>: Copy + Debug + Default;
    /// The same, for whoever keeps it.
    type OwnedKey: Clone + Debug + Default + Eq + Hash + Send + 'static;
    /// A lease to be stored.
    type Change<'a>: Copy + Debug;
    /// A lease as the allocation engine sees it.
    type View: LeaseView<Self>;
    /// A whole lease, copied out of the store.
    type Lease: Clone + Debug + Default + Send + 'static;
    /// The contents of a row of the lease file.
    type Row<'a>: Copy + Debug;
    /// Buffers for reading rows.
    type RowBuffer: Debug + Default;
    /// The numbers that a record holds of this kind alone.
    type Own: Copy + Debug + Default + Send + Sync;
    /// A record's room for both identifiers, one behind the other.
    type Inline: AsRef<[u8]> + AsMut<[u8]> + Copy + Debug + Send + Sync;

    /// The header line of the files that are written, with its line end.
    const HEADER: &'static str;
    /// Names of the columns, in order.
    const COLUMNS: &'static [&'static str];
    /// Room for identifiers in which nothing is set.
    const INLINE: Self::Inline;
    /// Number of columns that every file must have.
    const COLUMNS_MIN: usize;
    /// Whether leases can cover more than one address, and so overlap.
    const HAS_PREFIXES: bool;
    /// Whether one client can have several leases in a subnet.
    const HAS_SEVERAL: bool;

    /// Copies what identifies a client, as far as it is stored.
    fn own_key(key: &Self::Key<'_>) -> Self::OwnedKey;

    /// What a copy identifies.
    fn key(owned: &Self::OwnedKey) -> Self::Key<'_>;

    /// Hashes what identifies a client, as far as it is stored.
    fn hash_key(key: &Self::Key<'_>, hasher: &mut impl Hasher);

    /// Whose a lease is.
    fn owner<'a>(lease: &Contents<'a, Self>) -> Self::Key<'a>;

    /// Tries the index keys under which a client's leases may be entered, best first, until one leads to something.
    fn look<R>(
        index: &ClientIndex,
        key: &Self::Key<'_>,
        subnet_id: u32,
        by: impl FnMut(KeyHash) -> Option<R>,
    ) -> Option<R>;

    /// The keys under which a lease is entered.
    fn index_keys(index: &ClientIndex, lease: &Contents<'_, Self>) -> [Option<KeyHash>; 2];

    /// Whose lease it is, from the client's point of view.
    fn ownership(key: &Self::Key<'_>, lease: &Contents<'_, Self>) -> Ownership;

    /// How well a lease of the client suits among several of its own in a subnet: the lowest is its lease.
    fn rank(key: &Self::Key<'_>, lease: &Contents<'_, Self>) -> u8;

    /// What is stored of a copied lease.
    fn contents_of(lease: &Self::Lease) -> Contents<'_, Self>;

    /// Whether a lease has the owner of another one, which gives it up.
    fn has_same_owner(new: &Contents<'_, Self>, old: &Contents<'_, Self>) -> bool;

    /// Whether a lease is among those that a command means by the client, whatever its subnet.
    fn is_of(row: &Self::Row<'_>, key: &Self::Key<'_>) -> bool;

    /// Whether two leases are entered under the same keys.
    fn has_same_keys(one: &Contents<'_, Self>, other: &Contents<'_, Self>) -> bool;

    /// Whether the numbers of two leases of one address are the same, as far as they are known.
    fn is_same_own(new: &Self::Own, old: &Self::Own) -> bool;

    /// First and last address that a lease covers.
    fn range(address: Self::Number, own: &Self::Own) -> (Self::Number, Self::Number);

    /// The type of a lease.
    fn lease_type(own: &Self::Own) -> LeaseType;

    /// What a change stores when it is made at `cltt`.
    fn contents<'a>(change: &Self::Change<'a>, cltt: i64) -> Contents<'a, Self>;

    /// What a change depends on.
    fn terms(change: &Self::Change<'_>) -> Terms<Self>;

    /// The change that quarantines a lease for some seconds.
    fn decline<'a>(lease: &'a Self::Lease, expect: Expect, probation_s: u32) -> Self::Change<'a>;

    /// What a lease shows to a client with an `owner`ship of it; `is_held` while the pools are marked for it.
    fn view(
        lease: &Contents<'_, Self>,
        owner: Ownership,
        is_held: bool,
        version: Version,
    ) -> Self::View;

    /// Copies a lease, reusing the buffers of `into`.
    fn copy_to(lease: &Contents<'_, Self>, into: &mut Self::Lease);

    /// A lease of nobody that keeps an address from everybody: where there is something that cannot be read.
    fn taken(address: AddressOf<Self>) -> Self::Lease;

    /// Address of a copied lease.
    fn address(lease: &Self::Lease) -> AddressOf<Self>;

    /// The row of a lease.
    fn row<'a>(lease: &Contents<'a, Self>) -> Self::Row<'a>;

    /// The lease of a row.
    fn from_row<'a>(row: &Self::Row<'a>) -> Contents<'a, Self>;

    /// Reads a row without its line end.
    ///
    /// # Errors
    /// See [`RowError`].
    fn read_row<'b>(
        buffer: &'b mut Self::RowBuffer,
        line: &[u8],
        header: Header,
    ) -> Result<Self::Row<'b>, RowError>;

    /// Appends a row with its line end.
    fn push_row(out: &mut Vec<u8>, row: &Self::Row<'_>);

    /// Appends the row that deletes a lease.
    fn push_deletion(out: &mut Vec<u8>, lease: &Contents<'_, Self>);
}

/// An address of a kind as the protocol code knows it.
pub type AddressOf<K> = <<K as LeaseKind>::Number as PoolAddress>::Address;

/// A number that leases are stored under.
pub trait StoreAddress: PoolAddress {
    /// Whether different addresses always have different tags.
    const HAS_UNIQUE_TAGS: bool;

    /// A hash for tables; the seed keeps clients from choosing neighbours.
    fn tag(self, seed: u64) -> u32;

    /// The part of the store for an address, out of `parts`: neighbours are in different ones.
    fn part(self, parts: usize) -> usize;
}

/// What the store reads of a view.
pub trait LeaseView<K: LeaseKind>: Copy + Debug + PartialEq + Send + Sync + 'static {
    /// The leased address, or the first of the prefix.
    fn address(&self) -> AddressOf<K>;

    /// Whose lease it is.
    fn owner(&self) -> Ownership;

    /// The subnet it was leased in.
    fn subnet_id(&self) -> SubnetId;
}

/// Everything that is stored of a lease, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'a, K: LeaseKind> {
    /// The address.
    pub address: K::Number,
    /// Both identifiers of the kind, within its limits.
    pub ids: [&'a [u8]; 2],
    /// The kind's own numbers.
    pub own: K::Own,
    /// Lifetime in seconds.
    pub valid_lifetime: u32,
    /// Client's last transaction time.
    pub cltt: i64,
    /// Subnet identifier.
    pub subnet_id: u32,
    /// Whether the forward DNS entry is the server's.
    pub fqdn_fwd: bool,
    /// Whether the reverse DNS entry is the server's.
    pub fqdn_rev: bool,
    /// State of the lease.
    pub state: LeaseState,
    /// Host name; empty for none.
    pub hostname: &'a [u8],
    /// User context; empty for none.
    pub user_context: &'a [u8],
    /// Pool identifier.
    pub pool_id: u32,
}

/// What a change depends on, beside what it stores.
#[derive(Clone, Copy, Debug)]
pub struct Terms<K: LeaseKind> {
    /// What must still hold.
    pub expect: Expect,
    /// The pool of the address.
    pub pool: Option<PoolIndex>,
    /// Another address whose lease ends with the change.
    pub replaces: Option<K::Number>,
    /// Whether the user context is merged into the one that the owner's lease has.
    pub keeps_context: bool,
}
