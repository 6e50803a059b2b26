//! The rows of a DHCPv6 lease file.
//!
//! Eighteen columns, as Kea writes them since schema 5.0; files with fewer (the oldest have twelve) or more are read
//! too, see [`read_header`]. Numbers are decimal, identifiers colon-separated hexadecimal, `expire` is cltt plus
//! lifetime as a 64-bit number. Host name and user context are escaped ([`util::csv`]). A row with lifetime 0 deletes
//! the address. `hwtype` and `hwaddr_source` are empty when `hwaddr` is.
//!
//! Reading is lenient where Kea's own files need it: a declined lease has the DUID `00`.

use util::{csv, hex};

use super::{DUID_LEN_MAX, HW_LEN_MAX, NO_DUID};
use crate::lease::{LeaseState, LeaseType, row};

pub use crate::lease::row::{Conversion, Header, HeaderError, RowError, read_header};

/// The header line of the files that are written.
pub const HEADER: &str = "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,\
                          fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context,hwtype,hwaddr_source,pool_id\n";

/// Names of the columns, in order.
pub const COLUMNS: [&str; 18] = [
    "address",
    "duid",
    "valid_lifetime",
    "expire",
    "subnet_id",
    "pref_lifetime",
    "lease_type",
    "iaid",
    "prefix_len",
    "fqdn_fwd",
    "fqdn_rev",
    "hostname",
    "hwaddr",
    "state",
    "user_context",
    "hwtype",
    "hwaddr_source",
    "pool_id",
];

/// Columns up to and including `hostname`: what every file must have.
pub const COLUMNS_MIN: usize = 12;

/// The header of a file with the columns of today.
pub const CURRENT: Header = Header { columns: COLUMNS.len(), known: COLUMNS.len() };

/// Values of the columns behind `hostname` in files that do not have them.
const DEFAULTS: [&[u8]; COLUMNS.len() - COLUMNS_MIN] = [b"", b"0", b"", b"", b"", b"0"];

/// Hardware type of an address whose row does not tell it: Ethernet.
const HW_TYPE_DEFAULT: u16 = 1;

/// The contents of one row, borrowed from a record or from the buffers of a [`RowBuffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Address, or first address of the prefix, as a number.
    pub address: u128,
    /// The client; [`NO_DUID`] for a declined lease.
    pub duid: &'a [u8],
    /// Lifetime in seconds; 0 deletes the address.
    pub valid_lifetime: u32,
    /// Client's last transaction time.
    pub cltt: i64,
    /// Subnet identifier.
    pub subnet_id: u32,
    /// Preferred lifetime in seconds.
    pub preferred_lifetime: u32,
    /// Type of the lease.
    pub lease_type: LeaseType,
    /// Which of the client's associations.
    pub iaid: u32,
    /// Length of the prefix; 128 for an address.
    pub prefix_len: u8,
    /// Whether the forward DNS entry is the server's.
    pub fqdn_fwd: bool,
    /// Whether the reverse DNS entry is the server's.
    pub fqdn_rev: bool,
    /// Host name without escapes; empty for none.
    pub hostname: &'a [u8],
    /// Hardware address; may be empty.
    pub hw: &'a [u8],
    /// State of the lease.
    pub state: LeaseState,
    /// User context without escapes; empty for none.
    pub user_context: &'a [u8],
    /// Hardware type; 0 without a hardware address.
    pub hw_type: u16,
    /// Where the hardware address comes from; 0 without one.
    pub hw_source: u32,
    /// Pool identifier.
    pub pool_id: u32,
}

/// Appends a row with its line end.
pub fn push_row(out: &mut Vec<u8>, row: &Row<'_>) {
    out.reserve(192 + 3 * row.duid.len() + 3 * row.hw.len() + row.hostname.len());
    let number = |out: &mut Vec<u8>, value: u64| {
        csv::push_decimal(out, value);
        out.push(b',');
    };
    csv::push_ipv6(out, row.address);
    out.push(b',');
    hex::push_colon_hex(out, row.duid);
    out.push(b',');
    number(out, row.valid_lifetime.into());
    row::push_expire(out, row.cltt, row.valid_lifetime);
    out.push(b',');
    number(out, row.subnet_id.into());
    number(out, row.preferred_lifetime.into());
    out.extend_from_slice(&[b'0' + row.lease_type as u8, b',']);
    number(out, row.iaid.into());
    number(out, row.prefix_len.into());
    let (fwd, rev) = (row::digit(row.fqdn_fwd), row::digit(row.fqdn_rev));
    out.extend_from_slice(&[fwd, b',', rev, b',']);
    csv::push_escaped(out, row.hostname);
    out.push(b',');
    hex::push_colon_hex(out, row.hw);
    out.extend_from_slice(&[b',', b'0' + row.state as u8, b',']);
    csv::push_escaped(out, row.user_context);
    out.push(b',');
    if row.hw.is_empty() {
        out.extend_from_slice(b",,");
    } else {
        number(out, row.hw_type.into());
        number(out, row.hw_source.into());
    }
    csv::push_decimal(out, row.pool_id.into());
    out.push(b'\n');
}

/// Buffers for the decoded columns of one row.
#[derive(Debug)]
pub struct RowBuffer {
    duid: [u8; DUID_LEN_MAX],
    hw: [u8; HW_LEN_MAX],
    text: Vec<u8>,
}

impl Default for RowBuffer {
    fn default() -> Self {
        Self { duid: [0; DUID_LEN_MAX], hw: [0; HW_LEN_MAX], text: Vec::new() }
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
        for (place, default) in DEFAULTS.iter().enumerate() {
            if found <= COLUMNS_MIN + place {
                fields[COLUMNS_MIN + place] = default;
            }
        }
        let [address, duid, valid, expire, subnet, preferred, lease_type, iaid, prefix_len, ..] =
            fields;
        let [.., fwd, rev, host, hw, state, context, hw_type, hw_source, pool] = fields;
        let bad = |column| RowError::Value { column };
        let valid_lifetime = row::number(valid, "valid_lifetime")?;
        let state = row::state(state)?;
        let duid_len = hex::parse_colon_hex(duid, &mut self.duid).ok_or(bad("duid"))?;
        let mut duid = &self.duid[..duid_len];
        if duid.is_empty() || duid == NO_DUID {
            if state != LeaseState::Declined && valid_lifetime != 0 {
                return Err(RowError::NoDuid);
            }
            duid = NO_DUID;
        }
        let hw_len = hex::parse_colon_hex(hw, &mut self.hw).ok_or(bad("hwaddr"))?;
        let number_or = |text: &[u8], default: u32, column| {
            if text.is_empty() { Ok(default) } else { row::number(text, column) }
        };
        let hw_type = number_or(hw_type, HW_TYPE_DEFAULT.into(), "hwtype")?;
        let hw_type = u16::try_from(hw_type).map_err(|_| bad("hwtype"))?;
        let hw_source = number_or(hw_source, 0, "hwaddr_source")?;
        let (lease_type, prefix_len) = lease_type_of(lease_type, prefix_len)?;
        self.text.clear();
        csv::push_unescaped(&mut self.text, host);
        let hostname_len = self.text.len();
        csv::push_unescaped(&mut self.text, context);
        let (hostname, user_context) = self.text.split_at(hostname_len);
        Ok(Row {
            address: csv::parse_ipv6(address).ok_or(bad("address"))?,
            duid,
            valid_lifetime,
            cltt: row::cltt(row::expire(expire)?, valid_lifetime),
            subnet_id: row::number(subnet, "subnet_id")?,
            preferred_lifetime: row::number(preferred, "pref_lifetime")?,
            lease_type,
            iaid: row::number(iaid, "iaid")?,
            prefix_len,
            fqdn_fwd: row::flag(fwd, "fqdn_fwd")?,
            fqdn_rev: row::flag(rev, "fqdn_rev")?,
            hostname,
            hw: &self.hw[..hw_len],
            state,
            user_context,
            hw_type: if hw_len == 0 { 0 } else { hw_type },
            hw_source: if hw_len == 0 { 0 } else { hw_source },
            pool_id: row::number(pool, "pool_id")?,
        })
    }
}

/// Reads type and prefix length, which belong together: an address has 128.
fn lease_type_of(lease_type: &[u8], prefix_len: &[u8]) -> Result<(LeaseType, u8), RowError> {
    let lease_type = csv::parse_decimal(lease_type)
        .and_then(LeaseType::from_number)
        .ok_or(RowError::Value { column: "lease_type" })?;
    let prefix_len: u8 = row::number(prefix_len, "prefix_len")?;
    if prefix_len > 128 {
        return Err(RowError::Value { column: "prefix_len" });
    }
    Ok((lease_type, if lease_type == LeaseType::Pd { prefix_len } else { 128 }))
}
