//! What the commands must know of the leases of a protocol.

use database::{DbError, LeaseConnection, RowFault};
use libdhcpsrv::config::{SqlAccess, SqlKind};
use libdhcpsrv::lease::LeaseKind;

use crate::sql::Cell;

/// Which columns a table has beyond those that all versions have, and how it keeps addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// `user_context`.
    pub(crate) has_user_context: bool,
    /// `pool_id`.
    pub(crate) has_pool_id: bool,
    /// `state`.
    pub(crate) has_state: bool,
    /// `hwaddr`, `hwtype` and `hwaddr_source` of DHCPv6.
    pub(crate) has_hardware: bool,
    /// IPv6 addresses are no texts.
    pub(crate) has_binary_addresses: bool,
}

impl Shape {
    /// Reads the shape from the columns of a table.
    pub(crate) fn of(columns: &[(String, String)]) -> Self {
        let has = |name: &str| columns.iter().any(|(column, _)| column == name);
        let address = columns.iter().find(|(column, _)| column == "address");
        Self {
            has_user_context: has("user_context"),
            has_pool_id: has("pool_id"),
            has_state: has("state"),
            has_hardware: has("hwaddr"),
            has_binary_addresses: address
                .is_some_and(|(_, kind)| matches!(kind.as_str(), "binary" | "varbinary" | "inet")),
        }
    }
}

/// The leases of a protocol.
pub(crate) trait Kind: LeaseKind {
    /// 4 or 6.
    const FAMILY: u8;
    /// Name of the table.
    const TABLE: &'static str;

    /// The question for all rows, in the order of addresses, with cells as [`Self::read`] expects them.
    fn question(kind: SqlKind, shape: Shape) -> String;

    /// The address that a row has, for people.
    fn key_text(cells: &[Cell]) -> String;

    /// Reads a row of a kind of database.
    fn read(kind: SqlKind, cells: Vec<Cell>) -> Result<Self::Lease, RowFault>;

    /// What tables cannot hold of a lease.
    fn excess(lease: &Self::Lease) -> Option<RowFault>;

    /// When the client was last heard of.
    fn cltt(lease: &Self::Lease) -> i64;

    /// Whether two leases of an address are the same in what tables keep.
    fn is_same(one: &Self::Lease, other: &Self::Lease) -> bool;

    /// Appends a lease as a line of a dump, with or without the column `pool_id`.
    fn push_dump(out: &mut Vec<u8>, lease: &Self::Lease, has_pool_id: bool);

    /// Appends a lease as a row of a lease file.
    fn push_file_row(out: &mut Vec<u8>, lease: &Self::Lease);

    /// The statement that inserts a lease, for people to read.
    fn insertion(lease: &Self::Lease, kind: SqlKind) -> String;

    /// Opens the table.
    fn open(access: &SqlAccess) -> Result<Box<dyn LeaseConnection<Self>>, DbError>;
}

/// Columns that hold numbers.
pub(crate) fn number(cell: Option<&Cell>) -> Option<i64> {
    std::str::from_utf8(cell?.as_deref()?).ok()?.parse().ok()
}

/// Columns that hold 0 or 1.
pub(crate) fn flag(cell: Option<&Cell>) -> Option<bool> {
    number(cell).map(|number| number != 0)
}

/// Columns that are told in hexadecimal.
pub(crate) fn bytes(cell: Option<&Cell>) -> Option<Vec<u8>> {
    let text = cell?.as_deref()?;
    let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0) as u8;
    let pair = |pair: &[u8]| match pair {
        [high, low] => digit(high) << 4 | digit(low),
        _ => 0,
    };
    Some(text.chunks(2).map(pair).collect())
}

/// A host name that a kind of database has told in hexadecimal.
pub(crate) fn hostname(kind: SqlKind, cell: Option<&Cell>) -> Option<Vec<u8>> {
    let stored = bytes(cell);
    match kind {
        SqlKind::Mysql => stored.map(db_mysql::load_hostname),
        SqlKind::Postgresql => stored,
    }
}

/// How a kind of database is asked for a binary column in hexadecimal.
pub(crate) fn hex(kind: SqlKind, column: &str) -> String {
    match kind {
        SqlKind::Mysql => format!("HEX({column})"),
        SqlKind::Postgresql => format!("encode({column}, 'hex')"),
    }
}

/// The same for a column of text: its bytes, whatever they are.
pub(crate) fn text_hex(kind: SqlKind, column: &str) -> String {
    match kind {
        SqlKind::Mysql => format!("HEX(CONVERT({column} USING utf8mb4))"),
        // A text may not be read as bytes; but as bytes with escapes, of which it has none then.
        SqlKind::Postgresql => {
            format!(r"encode(decode(replace({column}, '\', '\\'), 'escape'), 'hex')")
        }
    }
}

/// The same for a time, in seconds since the epoch.
pub(crate) fn seconds(kind: SqlKind, column: &str) -> String {
    match kind {
        SqlKind::Mysql => format!("UNIX_TIMESTAMP({column})"),
        SqlKind::Postgresql => format!("extract(epoch FROM {column})::bigint"),
    }
}

/// The same for a flag.
pub(crate) fn flag_number(kind: SqlKind, column: &str) -> String {
    match kind {
        SqlKind::Mysql => column.to_owned(),
        SqlKind::Postgresql => format!("{column}::int"),
    }
}

/// A column if it is there.
pub(crate) fn if_there(is_there: bool, text: String) -> String {
    if is_there { text } else { "NULL".to_owned() }
}
