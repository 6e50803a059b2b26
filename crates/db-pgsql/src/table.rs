//! What the tables of DHCPv4 and DHCPv6 differ in, for statements that are alike.

use std::fmt::Display;

use database::{DbError, RowFault, Wanted};
use libdhcpsrv::lease::{AddressOf, LeaseKind, LeaseType};

use crate::column::{Abilities, Array, Column};
use crate::schema;
use crate::{Parameter, Row};

/// A table of leases.
pub(crate) trait LeaseTable: Sized + Send + 'static {
    /// What is in it.
    type Kind: LeaseKind;

    /// Its name.
    const NAME: &'static str;

    /// Looks whether the table has what is needed.
    fn new(table: &schema::Table) -> Result<Self, DbError>;

    /// The columns that are there, the address first.
    fn columns(&self) -> &[Column<<Self::Kind as LeaseKind>::Lease>];

    /// Expressions that are read, from `l`, whatever columns are there; the address first.
    fn selected(&self) -> &str;

    /// The expressions of [`selected`](Self::selected) in a row from `first` on, as a lease.
    fn lease(&self, row: &Row, first: usize) -> Read<Self::Kind>;

    /// What would be read of a lease after it was stored.
    fn stored(
        &self,
        abilities: &Abilities,
        lease: &<Self::Kind as LeaseKind>::Lease,
    ) -> <Self::Kind as LeaseKind>::Lease;

    /// Whether there is an optional column.
    fn has(&self, name: &str) -> bool {
        self.columns().iter().any(|column| column.name == name)
    }

    /// Text of the statement `find`, whose rows are an index in what was asked for, and a lease.
    fn find(&self) -> String;

    /// Number of its parameters.
    const FIND_PARAMETERS: usize;

    /// Its parameters, the leases of nobody left out.
    fn wanted<'a>(&self, abilities: &Abilities, wanted: &'a [Wanted<Self::Kind>])
    -> Vec<Array<'a>>;

    /// An address as an array of one column.
    fn addresses<'a>(
        &self,
        abilities: &Abilities,
        addresses: impl ExactSizeIterator<Item = AddressOf<Self::Kind>>,
    ) -> Array<'a>;

    /// Expressions, from `l`, that tell first and last address of a lease.
    fn covered(&self) -> &'static str;

    /// The expressions of [`covered`](Self::covered) in a row; none if it cannot be read.
    fn range(&self, row: &Row) -> Option<NumberRange<Self::Kind>>;

    /// The address in a column, and what the column shows of it.
    fn address(&self, row: &Row, index: usize) -> (Option<AddressOf<Self::Kind>>, Key);

    /// An address as the table has it.
    fn key(&self, address: AddressOf<Self::Kind>) -> Key;

    /// An expression, from `l`, for the type of a lease.
    fn lease_type(&self) -> &'static str;
}

/// First and last address.
pub(crate) type NumberRange<K> = (<K as LeaseKind>::Number, <K as LeaseKind>::Number);

/// A lease, or why a row is none.
pub(crate) type Read<K> = Result<<K as LeaseKind>::Lease, Unreadable>;

/// A row that is no lease.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// Its address, as far as it can be told.
    pub key: Key,
    /// What is wrong.
    pub fault: RowFault,
}

/// A value of the column `address`, in the form in which the table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Inet(std::net::IpAddr),
    None,
    Number(i64),
    Text(String),
}

impl Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::None => f.write_str("NULL"),
            Self::Number(number) => match u32::try_from(*number) {
                Ok(number) => std::net::Ipv4Addr::from(number).fmt(f),
                Err(_) => number.fmt(f),
            },
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl Key {
    /// The value as a parameter; NULL is behind nothing.
    pub(crate) fn parameter(&self) -> Parameter<'_> {
        match self {
            Self::Inet(address) => address,
            Self::None => &None::<i64>,
            Self::Number(number) => number,
            Self::Text(text) => text,
        }
    }
}

/// A type of a lease, by its number.
pub(crate) fn lease_type(number: i64) -> Option<LeaseType> {
    LeaseType::from_number(u64::try_from(number).ok()?)
}
