//! The rows of a DHCPv4 lease file.
//!
//! Twelve columns, as Kea writes them since schema 3.0; files with fewer (1.1 has ten) or more are read too, see
//! [`read_header`]. Numbers are decimal, identifiers colon-separated hexadecimal, `expire` is cltt plus lifetime as a
//! 64-bit number. Host name and user context are escaped ([`util::csv`]). A row with lifetime 0 deletes the address.
//!
//! Reading is lenient where Kea's own files need it: `hwaddr` may be empty for a declined lease or one with a client
//! identifier. Hardware types are not in the file.

use util::{csv, hex};

use super::{CLIENT_ID_LEN_MAX, HW_LEN_MAX, INFINITE, LeaseState};

/// The header line of the files that are written.
pub const HEADER: &str = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,\
                          user_context,pool_id\n";

/// Names of the columns, in order.
pub const COLUMNS: [&str; 12] = [
    "address",
    "hwaddr",
    "client_id",
    "valid_lifetime",
    "expire",
    "subnet_id",
    "fqdn_fwd",
    "fqdn_rev",
    "hostname",
    "state",
    "user_context",
    "pool_id",
];

/// Columns up to and including `hostname`: what every file must have.
pub const COLUMNS_MIN: usize = 9;

/// The contents of one row, borrowed from a record or from the buffers of a [`RowBuffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Address in host order.
    pub address: u32,
    /// Hardware address; may be empty.
    pub hw: &'a [u8],
    /// Client identifier; empty for none.
    pub client_id: &'a [u8],
    /// Lifetime in seconds; 0 deletes the address.
    pub valid_lifetime: u32,
    /// Client's last transaction time.
    pub cltt: i64,
    /// Subnet identifier.
    pub subnet_id: u32,
    /// Whether the forward DNS entry is the server's.
    pub fqdn_fwd: bool,
    /// Whether the reverse DNS entry is the server's.
    pub fqdn_rev: bool,
    /// Host name without escapes; empty for none.
    pub hostname: &'a [u8],
    /// State of the lease.
    pub state: LeaseState,
    /// User context without escapes; empty for none.
    pub user_context: &'a [u8],
    /// Pool identifier.
    pub pool_id: u32,
}

/// Appends a row with its line end.
pub fn push_row(out: &mut Vec<u8>, row: &Row<'_>) {
    out.reserve(128 + 3 * row.hw.len() + 3 * row.client_id.len() + row.hostname.len());
    csv::push_ipv4(out, row.address);
    out.push(b',');
    hex::push_colon_hex(out, row.hw);
    out.push(b',');
    hex::push_colon_hex(out, row.client_id);
    out.push(b',');
    csv::push_decimal(out, u64::from(row.valid_lifetime));
    out.push(b',');
    let expire = row.cltt.saturating_add(i64::from(row.valid_lifetime));
    csv::push_decimal(out, u64::try_from(expire).unwrap_or(0));
    out.push(b',');
    csv::push_decimal(out, u64::from(row.subnet_id));
    let digit = |on: bool| b'0' + u8::from(on);
    out.extend_from_slice(&[b',', digit(row.fqdn_fwd), b',', digit(row.fqdn_rev), b',']);
    csv::push_escaped(out, row.hostname);
    out.extend_from_slice(&[b',', b'0' + row.state as u8, b',']);
    csv::push_escaped(out, row.user_context);
    out.push(b',');
    csv::push_decimal(out, u64::from(row.pool_id));
    out.push(b'\n');
}

/// What the header line of a file tells about its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Number of columns that the header names.
    pub columns: usize,
}

impl Header {
    /// A header with the columns of today.
    pub const CURRENT: Self = Self { columns: COLUMNS.len() };

    /// Whether and how the rows must be converted, after which the file should be rewritten.
    #[must_use]
    pub fn conversion(self) -> Option<Conversion> {
        match self.columns.cmp(&COLUMNS.len()) {
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
        Ok(Header { columns: count })
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

/// Buffers for the decoded columns of one row.
#[derive(Debug)]
pub struct RowBuffer {
    hw: [u8; HW_LEN_MAX],
    client_id: [u8; CLIENT_ID_LEN_MAX],
    text: Vec<u8>,
}

impl Default for RowBuffer {
    fn default() -> Self {
        Self { hw: [0; HW_LEN_MAX], client_id: [0; CLIENT_ID_LEN_MAX], text: Vec::new() }
    }
}

impl RowBuffer {
    /// Reads a row (without its line end) of a file with `header`.
    ///
    /// # Errors
    /// See [`RowError`].
    pub fn read(&mut self, line: &[u8], header: Header) -> Result<Row<'_>, RowError> {
        let mut fields = [&b""[..]; COLUMNS.len()];
        let found = csv::split(line, &mut fields);
        let (min, max) = (header.columns.min(COLUMNS.len()), header.columns.max(COLUMNS.len()));
        if !(min..=max).contains(&found) {
            return Err(RowError::Columns { found, min, max });
        }
        let [address, hw, client_id, valid, expire, subnet, fwd, rev, host, state, context, pool] =
            fields;
        let bad = |column| RowError::Value { column };
        let number32 = |text, column| {
            csv::parse_decimal(text).and_then(|value| u32::try_from(value).ok()).ok_or(bad(column))
        };
        let or_default = |text: &'static [u8], field, place: usize| {
            if found <= place { text } else { field }
        };
        let state = csv::parse_decimal(or_default(b"0", state, 9))
            .and_then(LeaseState::from_number)
            .ok_or(bad("state"))?;
        let pool_id = number32(or_default(b"0", pool, 11), "pool_id")?;
        let valid_lifetime = number32(valid, "valid_lifetime")?;
        let expire = csv::parse_decimal(expire)
            .and_then(|expire| i64::try_from(expire).ok())
            .filter(|&expire| expire < 1 << 40)
            .ok_or(bad("expire"))?;
        let hw_len = hex::parse_colon_hex(hw, &mut self.hw).ok_or(bad("hwaddr"))?;
        let id_len =
            hex::parse_colon_hex(client_id, &mut self.client_id).ok_or(bad("client_id"))?;
        if hw_len + id_len == 0 && state != LeaseState::Declined && valid_lifetime != 0 {
            return Err(RowError::NoClient);
        }
        self.text.clear();
        csv::push_unescaped(&mut self.text, host);
        let hostname_len = self.text.len();
        csv::push_unescaped(&mut self.text, context);
        let (hostname, user_context) = self.text.split_at(hostname_len);
        Ok(Row {
            address: csv::parse_ipv4(address).ok_or(bad("address"))?,
            hw: &self.hw[..hw_len],
            client_id: &self.client_id[..id_len],
            valid_lifetime,
            cltt: cltt(expire, valid_lifetime),
            subnet_id: number32(subnet, "subnet_id")?,
            fqdn_fwd: flag(fwd).ok_or(bad("fqdn_fwd"))?,
            fqdn_rev: flag(rev).ok_or(bad("fqdn_rev"))?,
            hostname,
            state,
            user_context,
            pool_id,
        })
    }
}

/// The client's last transaction time. Some writers store infinite leases with `expire` = cltt.
fn cltt(expire: i64, valid_lifetime: u32) -> i64 {
    let cltt = expire - i64::from(valid_lifetime);
    if cltt < 0 && valid_lifetime == INFINITE { expire } else { cltt.max(0) }
}

fn flag(text: &[u8]) -> Option<bool> {
    match text {
        b"0" => Some(false),
        b"1" => Some(true),
        _ => None,
    }
}
