//! What the lease files of both kinds have in common: how headers and columns are read.
//!
//! The columns themselves are in [`crate::lease4::csv4`] and [`crate::lease6::csv6`].

use util::csv;

use super::{INFINITE, LeaseState};

/// What the header line of a file tells about its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Number of columns that the header names.
    pub columns: usize,
    /// Number of columns of today.
    pub known: usize,
}

impl Header {
    /// How many columns a row may have, at least and at most.
    #[must_use]
    pub fn row_columns(self) -> (usize, usize) {
        (self.columns.min(self.known), self.columns.max(self.known))
    }

    /// Whether and how the rows must be converted, after which the file should be rewritten.
    #[must_use]
    pub fn conversion(self) -> Option<Conversion> {
        match self.columns.cmp(&self.known) {
            std::cmp::Ordering::Less => Some(Conversion::Upgrade),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some(Conversion::Downgrade),
        }
    }
}

/// How rows of another schema become today's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// The file has columns that are not known; they are ignored. Worth a warning.
    Downgrade,
    /// The file lacks columns; they get their defaults.
    Upgrade,
}

/// Why a file's header cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Not even the oldest schema.
    #[error("header has only {valid} valid column(s)")]
    TooFew {
        /// Number of columns that are there.
        valid: usize,
    },
    /// A column has a foreign name.
    #[error("column {position} of the header is '{found}' where '{expected}' belongs")]
    WrongName {
        /// Place of the column, from 1.
        position: usize,
        /// The name that belongs there.
        expected: &'static str,
        /// The name that is there, at most 40 bytes of it.
        found: String,
    },
}

/// Checks a header line (without its line end) against the columns of a schema.
///
/// # Errors
/// See [`HeaderError`]; the file must not be used.
pub fn read_header(
    line: &[u8],
    columns: &[&'static str],
    columns_min: usize,
) -> Result<Header, HeaderError> {
    let mut count = 0;
    for (index, name) in line.split(|&byte| byte == b',').enumerate() {
        if let Some(&expected) = columns.get(index).filter(|expected| name != expected.as_bytes()) {
            let found = String::from_utf8_lossy(name.get(..40).unwrap_or(name)).into_owned();
            return Err(HeaderError::WrongName { position: index + 1, expected, found });
        }
        count = index + 1;
    }
    if count < columns_min {
        Err(HeaderError::TooFew { valid: count })
    } else {
        Ok(Header { columns: count, known: columns.len() })
    }
}

/// Why a row cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// More or fewer columns than the header allows.
    #[error("has {found} columns where {min} to {max} are expected")]
    Columns {
        /// Number of columns of the row.
        found: usize,
        /// Smallest allowed number.
        min: usize,
        /// Largest allowed number.
        max: usize,
    },
    /// No identifier at all, though the lease is not declined.
    #[error("has neither a hardware address nor a client identifier")]
    NoClient,
    /// No DUID, though the lease is not declined.
    #[error("has no DUID")]
    NoDuid,
    /// A line that cannot be a row.
    #[error("is longer than {max} bytes")]
    TooLong {
        /// The longest row that is read.
        max: usize,
    },
    /// A column that cannot be read.
    #[error("has an invalid value for '{column}'")]
    Value {
        /// Name of the column.
        column: &'static str,
    },
}

/// Splits a row of a file with `header` into the columns of today and returns how many it has. `fields` has a place
/// for each.
pub(crate) fn split<'a>(
    line: &'a [u8],
    header: Header,
    fields: &mut [&'a [u8]],
) -> Result<usize, RowError> {
    let found = csv::split(line, fields);
    let (min, max) = header.row_columns();
    if (min..=max).contains(&found) {
        Ok(found)
    } else {
        Err(RowError::Columns { found, min, max })
    }
}

/// Reads a number of up to 32 bits.
pub(crate) fn number<T: TryFrom<u64>>(text: &[u8], column: &'static str) -> Result<T, RowError> {
    let value = csv::parse_decimal(text).and_then(|value| T::try_from(value).ok());
    value.ok_or(RowError::Value { column })
}

/// Reads a state.
pub(crate) fn state(text: &[u8]) -> Result<LeaseState, RowError> {
    let state = csv::parse_decimal(text).and_then(LeaseState::from_number);
    state.ok_or(RowError::Value { column: "state" })
}

/// Reads the time of expiry.
pub(crate) fn expire(text: &[u8]) -> Result<i64, RowError> {
    let expire = csv::parse_decimal(text).and_then(|expire| i64::try_from(expire).ok());
    expire.filter(|&expire| expire < 1 << 40).ok_or(RowError::Value { column: "expire" })
}

/// The client's last transaction time. Some writers store infinite leases with `expire` = cltt.
pub(crate) fn cltt(expire: i64, valid_lifetime: u32) -> i64 {
    let cltt = expire - i64::from(valid_lifetime);
    if cltt < 0 && valid_lifetime == INFINITE { expire } else { cltt.max(0) }
}

/// Reads a flag.
pub(crate) fn flag(text: &[u8], column: &'static str) -> Result<bool, RowError> {
    match text {
        b"0" => Ok(false),
        b"1" => Ok(true),
        _ => Err(RowError::Value { column }),
    }
}

/// Appends the time of expiry.
pub(crate) fn push_expire(out: &mut Vec<u8>, cltt: i64, valid_lifetime: u32) {
    let expire = cltt.saturating_add(i64::from(valid_lifetime));
    csv::push_decimal(out, u64::try_from(expire).unwrap_or(0));
}

/// The digit of a flag.
pub(crate) const fn digit(on: bool) -> u8 {
    b'0' + on as u8
}
