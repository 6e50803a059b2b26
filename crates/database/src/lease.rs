//! What a connection to a database does with leases.

use libdhcpsrv::lease::{AddressOf, LeaseKind, LeaseState, LeaseType, SubnetId};

use crate::DbError;

/// Version of the tables, as the table `schema_version` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaVersion {
    /// `version`.
    pub major: u32,
    /// `minor`.
    pub minor: u32,
}

impl std::fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A client whose leases in a subnet are looked for.
#[derive(Clone, Debug)]
pub struct Wanted<K: LeaseKind> {
    /// The client. DHCPv4: its client identifier, if it has one, and its hardware address, if it has one. DHCPv6: the
    /// type, DUID and IAID of the association.
    pub client: K::OwnedKey,
    /// The subnet.
    pub subnet: SubnetId,
}

/// Number of leases of a subnet, type, pool and state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// The subnet.
    pub subnet_id: SubnetId,
    /// The type; [`LeaseType::Na`] for DHCPv4.
    pub lease_type: LeaseType,
    /// The pool; 0 where the tables do not tell.
    pub pool_id: u32,
    /// The state.
    pub state: LeaseState,
    /// How many there are.
    pub count: u64,
}

/// Leases that are over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired<L> {
    /// How many rows there were, those that cannot be read among them.
    pub rows: usize,
    /// Those that can be read.
    pub leases: Vec<L>,
}

/// Some leases in their order, and from where to go on; nothing at the end.
pub type Page<K> = (Vec<<K as LeaseKind>::Lease>, Option<AddressOf<K>>);

/// One connection to a table of leases. Blocking; used by one thread at a time.
///
/// Contract:
/// - Slices hold at most a few thousand elements; an empty one does nothing. Each method is one statement, or one per
///   few hundred elements.
/// - Outside of [`begin`](Self::begin) and [`commit`](Self::commit) each statement is a transaction of its own, and what
///   it has changed is stored as durably as the server is configured to when the method returns.
/// - A change is made only if the row still is, in **every column that is known here** but `user_context` and
///   `hostname`, what `old` says (compare-and-set); absent and empty (NULL and `''`) are the same. The answer tells for
///   each element whether it was made, and is right whatever other servers do meanwhile. No address occurs twice in a
///   slice.
/// - A row that no server would have written (NULL where a value must be, an unknown state, an identifier that is too
///   long, ...) is reported in the log with its key and passed over by reads.
/// - A row that another transaction holds is waited for a second at most, and not at all by who is not patient
///   ([`set_patient`](Self::set_patient)). Then the statement fails with [`Fault::Locked`](crate::Fault::Locked), or says
///   of the row alone that it was not made.
/// - A lease that the table cannot hold ([`fits`](Self::fits)) is not made, and does not disturb others.
/// - Whatever comes from clients is bound to parameters, never part of the text of a statement.
/// - After an error with [`DbError::is_lost`] the connection is useless. After any other one an open transaction has been
///   rolled back.
pub trait LeaseConnection<K: LeaseKind>: Send {
    /// Finds the leases of clients. `each` gets the index in `wanted` and a lease that *may* be the client's: for DHCPv4
    /// those in the subnet with its client identifier, and those with its hardware address that either have no client
    /// identifier or are looked for by a client without one; for DHCPv6 those of subnet, type, DUID and IAID. In no
    /// particular order; whatever their state, expired or not. At most 64 leases for each client.
    ///
    /// # Errors
    /// [`DbError`].
    fn find(
        &mut self,
        wanted: &[Wanted<K>],
        each: &mut dyn FnMut(usize, K::Lease),
    ) -> Result<(), DbError>;

    /// Gets the leases of addresses; those that have none are left out. A row that cannot be read is told as a lease that
    /// keeps the address from everybody ([`LeaseKind::taken`]): it must not be taken for a free one.
    ///
    /// # Errors
    /// [`DbError`].
    fn get(
        &mut self,
        addresses: &[AddressOf<K>],
        each: &mut dyn FnMut(K::Lease),
    ) -> Result<(), DbError>;

    /// [`find`](Self::find) and [`get`](Self::get) at once: `own` gets what the first would tell, `at` what the second
    /// would.
    ///
    /// # Errors
    /// [`DbError`].
    fn look(
        &mut self,
        wanted: &[Wanted<K>],
        addresses: &[AddressOf<K>],
        own: &mut dyn FnMut(usize, K::Lease),
        at: &mut dyn FnMut(K::Lease),
    ) -> Result<(), DbError> {
        self.find(wanted, own)?;
        self.get(addresses, at)
    }

    /// Whether the table can hold a lease as it is; what it lacks without harm (the number of a pool, a user context,
    /// that a lease was given back and not reclaimed) is no reason against it.
    ///
    /// # Errors
    /// What does not fit.
    fn fits(&self, lease: &K::Lease) -> Result<(), String> {
        let _ = lease;
        Ok(())
    }

    /// What would be read of a lease after it was stored: tables may lack columns and states, and texts lose characters.
    fn stored(&self, lease: &K::Lease) -> K::Lease {
        lease.clone()
    }

    /// Says whether statements wait for rows that others hold; at first they do. Not within a transaction.
    ///
    /// # Errors
    /// [`DbError`].
    fn set_patient(&mut self, is_patient: bool) -> Result<(), DbError> {
        let _ = is_patient;
        Ok(())
    }

    /// Begins a transaction, at the isolation level READ COMMITTED.
    ///
    /// # Errors
    /// [`DbError`].
    fn begin(&mut self) -> Result<(), DbError>;

    /// Ends a transaction; what it has done is stored.
    ///
    /// # Errors
    /// [`DbError`]: it may be stored or not if the connection was lost.
    fn commit(&mut self) -> Result<(), DbError>;

    /// Ends a transaction; what it has done is undone.
    ///
    /// # Errors
    /// [`DbError`]: nobody knows what is open then.
    fn roll_back(&mut self) -> Result<(), DbError>;

    /// Inserts leases where there is no row, and says of each whether it was.
    ///
    /// # Errors
    /// [`DbError`].
    fn insert(&mut self, leases: &[&K::Lease]) -> Result<Vec<bool>, DbError>;

    /// Changes leases (old, new), whose addresses are the same, and says of each whether it was.
    ///
    /// # Errors
    /// [`DbError`].
    fn update(&mut self, leases: &[(&K::Lease, &K::Lease)]) -> Result<Vec<bool>, DbError>;

    /// Deletes leases, and says of each whether it was.
    ///
    /// # Errors
    /// [`DbError`].
    fn delete(&mut self, leases: &[&K::Lease]) -> Result<Vec<bool>, DbError>;

    /// Leases that are over at `now_s` (`cltt + valid_lifetime < now_s`, not infinite) and neither reclaimed nor
    /// released, oldest first, those that end in one second in an order that does not change; without the first `skip`
    /// rows.
    ///
    /// # Errors
    /// [`DbError`].
    fn expired(
        &mut self,
        now_s: i64,
        skip: usize,
        limit: usize,
    ) -> Result<Expired<K::Lease>, DbError>;

    /// Deletes reclaimed and released leases whose lifetime was over before `before_s`, up to `limit`; returns how many.
    ///
    /// # Errors
    /// [`DbError`].
    fn delete_reclaimed(&mut self, before_s: i64, limit: usize) -> Result<u64, DbError>;

    /// Addresses (first and last of each) whose lifetime ended from `from_s` on and before `to_s`, whatever their state
    /// but not infinite: they may be free now.
    ///
    /// # Errors
    /// [`DbError`].
    fn ended(
        &mut self,
        from_s: i64,
        to_s: i64,
        each: &mut dyn FnMut(K::Number, K::Number),
    ) -> Result<(), DbError>;

    /// Addresses (first and last of each) that are not free at `now_s`, all of them: state default, declined or
    /// registered, not over.
    ///
    /// # Errors
    /// [`DbError`].
    fn held(
        &mut self,
        now_s: i64,
        each: &mut dyn FnMut(K::Number, K::Number),
    ) -> Result<(), DbError>;

    /// Counts the leases, by looking at all of them.
    ///
    /// # Errors
    /// [`DbError`].
    fn count(&mut self) -> Result<Vec<Counted>, DbError>;

    /// Up to `limit` leases behind the address `after`, in the order of addresses (as numbers, or as the server orders
    /// them if it keeps texts: then too every lease comes exactly once in a walk). Unreadable rows are reported and
    /// passed over. Returns the leases and from where to go on; `None` at the end.
    ///
    /// # Errors
    /// [`DbError`].
    fn page(&mut self, after: Option<AddressOf<K>>, limit: usize) -> Result<Page<K>, DbError>;

    /// The version of the tables.
    fn schema_version(&self) -> SchemaVersion;
}
