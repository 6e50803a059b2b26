//! The rows of a DHCPv4 lease file.
//!
//! Twelve columns, as Kea writes them since schema 3.0; files with fewer (1.1 has ten) or more are read too, see
//! [`read_header`]. Numbers are decimal, identifiers colon-separated hexadecimal, `expire` is cltt plus lifetime as a
//! 64-bit number. Host name and user context are escaped ([`util::csv`]). A row with lifetime 0 deletes the address.
//!
//! Reading is lenient where Kea's own files need it: `hwaddr` may be empty for a declined lease or one with a client
//! identifier. Hardware types are not in the file.

use util::{csv, hex};

use super::{CLIENT_ID_LEN_MAX, HW_LEN_MAX, HW_TYPE_UNKNOWN};
use crate::lease::{LeaseState, row};

pub use crate::lease::row::{Conversion, Header, HeaderError, RowError, read_header};

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

/// The header of a file with the columns of today.
pub const CURRENT: Header = Header { columns: COLUMNS.len(), known: COLUMNS.len() };

/// The contents of one row, borrowed from a record or from the buffers of a [`RowBuffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Address in host order.
    pub address: u32,
    /// Hardware type; not in the file, so [`HW_TYPE_UNKNOWN`] when it was read from one.
    pub hw_type: u8,
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
    row::push_expire(out, row.cltt, row.valid_lifetime);
    out.push(b',');
    csv::push_decimal(out, u64::from(row.subnet_id));
    let (fwd, rev) = (row::digit(row.fqdn_fwd), row::digit(row.fqdn_rev));
    out.extend_from_slice(&[b',', fwd, b',', rev, b',']);
    csv::push_escaped(out, row.hostname);
    out.extend_from_slice(&[b',', b'0' + row.state as u8, b',']);
    csv::push_escaped(out, row.user_context);
    out.push(b',');
    csv::push_decimal(out, u64::from(row.pool_id));
    out.push(b'\n');
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
        let found = row::split(line, header, &mut fields)?;
        let [address, hw, client_id, valid, expire, subnet, fwd, rev, host, state, context, pool] =
            fields;
        let bad = |column| RowError::Value { column };
        let or_default = |text: &'static [u8], field, place: usize| {
            if found <= place { text } else { field }
        };
        let state = row::state(or_default(b"0", state, 9))?;
        let pool_id = row::number(or_default(b"0", pool, 11), "pool_id")?;
        let valid_lifetime = row::number(valid, "valid_lifetime")?;
        let expire = row::expire(expire)?;
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
            hw_type: HW_TYPE_UNKNOWN,
            hw: &self.hw[..hw_len],
            client_id: &self.client_id[..id_len],
            valid_lifetime,
            cltt: row::cltt(expire, valid_lifetime),
            subnet_id: row::number(subnet, "subnet_id")?,
            fqdn_fwd: row::flag(fwd, "fqdn_fwd")?,
            fqdn_rev: row::flag(rev, "fqdn_rev")?,
            hostname,
            state,
            user_context,
            pool_id,
        })
    }
}
