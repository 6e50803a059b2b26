//! What is different between leases of DHCPv4 and DHCPv6.

use database::{RowFault, Wanted};
use libdhcpsrv::lease::{AddressOf, LeaseKind, LeaseState, LeaseType, SubnetId};
use mysql::Value;

use crate::schema::Table;
use crate::text;
use crate::value::lifetime;

/// What the tables of the two protocols differ in.
pub(crate) trait Family: LeaseKind {
    /// Name of the table.
    const TABLE: &'static str;
    /// Columns that must exist.
    const NEEDED: &'static [&'static str];

    /// The columns that are read and written, `address` first, `expire` among them.
    fn columns(table: &Table) -> Vec<&'static str>;

    /// Whether parameters are texts in the character set of the connection; otherwise they are bytes.
    fn has_text_keys(table: &Table) -> bool;

    /// An address as its column holds it.
    fn stored_key(table: &Table, address: AddressOf<Self>) -> Value;

    /// What [`Family::stored_key`] was given.
    fn address_of(table: &Table, key: &Value) -> Option<AddressOf<Self>>;

    /// Whether the table can hold what a lease has of its client.
    ///
    /// # Errors
    /// What does not fit.
    fn fits_identifiers(table: &Table, lease: &Self::Lease) -> Result<(), &'static str>;

    /// Whether the table can hold all of a lease but its host name.
    ///
    /// # Errors
    /// What does not fit.
    fn fits(table: &Table, lease: &Self::Lease) -> Result<(), &'static str> {
        Self::fits_identifiers(table, lease)?;
        let lease = Self::contents_of(lease);
        if lease.state == LeaseState::Registered && !table.has_state(lease.state as u64) {
            return Err("the tables do not know that a lease is registered");
        }
        lifetime(lease.cltt, lease.valid_lifetime, table.time_max)?;
        if !lease.user_context.is_empty() && table.has("user_context") {
            let context = text::store_json(lease.user_context, table.charset("user_context"));
            if context.len() > table.len_max("user_context") {
                return Err("its user context is too long");
            }
        }
        Ok(())
    }

    /// The values of a lease, in the order of the columns. A host name that is too long is cut: what is there is compared
    /// without it, and what is to be stored is asked for [`Family::fits_hostname`] before.
    ///
    /// # Errors
    /// What does not fit.
    fn store(table: &Table, lease: &Self::Lease) -> Result<Vec<Value>, &'static str>;

    /// Whether the table can hold the host name of a lease as it is.
    ///
    /// # Errors
    /// When it does not fit.
    fn fits_hostname(table: &Table, lease: &Self::Lease) -> Result<(), &'static str> {
        let (charset, len_max) = (table.charset("hostname"), table.len_max("hostname"));
        match text::fits_hostname(Self::hostname(lease), charset, len_max) {
            true => Ok(()),
            false => Err("its host name is too long for the column"),
        }
    }

    fn hostname(lease: &Self::Lease) -> &[u8];

    /// The lease of a row.
    ///
    /// # Errors
    /// What no server would have written.
    fn load(table: &Table, row: Vec<Value>) -> Result<Self::Lease, RowFault>;

    /// Whether two leases are the same in everything that a change depends on.
    fn is_same(left: &Self::Lease, right: &Self::Lease) -> bool;

    /// First and last address of a lease.
    fn ends(
        address: AddressOf<Self>,
        lease_type: LeaseType,
        prefix_len: u8,
    ) -> (Self::Number, Self::Number);

    /// How clients are looked for.
    fn searches(table: &Table) -> Vec<Search<Self>>;

    /// The subnet of a lease.
    fn subnet(lease: &Self::Lease) -> SubnetId;

    /// Whether a lease has a user context.
    fn has_context(lease: &Self::Lease) -> bool;
}

/// A way to look for clients: one statement.
pub(crate) struct Search<K: LeaseKind> {
    /// Name of the statement.
    pub(crate) name: &'static str,
    /// The condition for so many clients; its parameters are those of `values` for each of them.
    pub(crate) condition: fn(count: usize) -> String,
    /// The index to use, as `FORCE INDEX`, or nothing.
    pub(crate) hint: String,
    /// What one client is asked for by; none if this is no way to look for it.
    pub(crate) values: fn(&Wanted<K>) -> Option<Vec<Value>>,
    /// What else the leases of one client meet, of many that have the same identifier: an `AND`, or nothing.
    pub(crate) narrower: &'static str,
    /// Its parameters.
    pub(crate) narrower_values: fn(&Wanted<K>) -> Vec<Value>,
    /// Whether a lease that was found may be the client's.
    pub(crate) is_meant: fn(&Wanted<K>, &K::Lease) -> bool,
    /// What is the same in the client and its leases, for a table.
    pub(crate) wanted_id: fn(&Wanted<K>) -> &[u8],
    /// The same of a lease.
    pub(crate) lease_id: fn(&K::Lease) -> &[u8],
}
