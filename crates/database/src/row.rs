//! A row of a table of leases as a server told it: anything can be in it.

use std::net::{Ipv4Addr, Ipv6Addr};

use libdhcpsrv::lease::{HOSTNAME_LEN_MAX, INFINITE, LeaseState, LeaseType, SubnetId};
use libdhcpsrv::lease4::{self, HW_TYPE_UNKNOWN, Lease4};
use libdhcpsrv::lease6::{self, Lease6, NO_DUID};

/// What no server would have written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// A column has no value.
    #[error("column '{0}' is NULL")]
    Null(&'static str),
    /// A number is outside of its range.
    #[error("column '{column}' holds {value}, which is out of range")]
    Range {
        /// The column.
        column: &'static str,
        /// What is there.
        value: i64,
    },
    /// A value is longer than it may be.
    #[error("column '{column}' holds {len} bytes, at most {max} are possible")]
    TooLong {
        /// The column.
        column: &'static str,
        /// Its length.
        len: usize,
        /// The longest that is possible.
        max: usize,
    },
    /// A text is no address.
    #[error("column 'address' holds no IPv6 address")]
    Address,
    /// A lease names nobody.
    #[error("the lease has neither a hardware address nor a client identifier")]
    Nobody,
}

/// A row of `lease4`. Times are seconds since the epoch.
#[derive(Clone, Debug, Default)]
pub struct Row4 {
    /// `address`.
    pub address: Option<i64>,
    /// `hwaddr`.
    pub hwaddr: Option<Vec<u8>>,
    /// `client_id`.
    pub client_id: Option<Vec<u8>>,
    /// `valid_lifetime`.
    pub valid_lifetime: Option<i64>,
    /// `expire`.
    pub expire: Option<i64>,
    /// `subnet_id`.
    pub subnet_id: Option<i64>,
    /// `fqdn_fwd`.
    pub fqdn_fwd: Option<bool>,
    /// `fqdn_rev`.
    pub fqdn_rev: Option<bool>,
    /// `hostname`.
    pub hostname: Option<Vec<u8>>,
    /// `state`.
    pub state: Option<i64>,
    /// `user_context`; none where the table has no such column.
    pub user_context: Option<Vec<u8>>,
    /// `pool_id`; none where the table has no such column.
    pub pool_id: Option<i64>,
}

/// A row of `lease6`. Times are seconds since the epoch.
#[derive(Clone, Debug, Default)]
pub struct Row6 {
    /// `address`; none if the text is no address.
    pub address: Option<Ipv6Addr>,
    /// `duid`.
    pub duid: Option<Vec<u8>>,
    /// `valid_lifetime`.
    pub valid_lifetime: Option<i64>,
    /// `expire`.
    pub expire: Option<i64>,
    /// `subnet_id`.
    pub subnet_id: Option<i64>,
    /// `pref_lifetime`.
    pub pref_lifetime: Option<i64>,
    /// `lease_type`.
    pub lease_type: Option<i64>,
    /// `iaid`; negative where the table keeps it as a signed number of 32 bits.
    pub iaid: Option<i64>,
    /// `prefix_len`.
    pub prefix_len: Option<i64>,
    /// `fqdn_fwd`.
    pub fqdn_fwd: Option<bool>,
    /// `fqdn_rev`.
    pub fqdn_rev: Option<bool>,
    /// `hostname`.
    pub hostname: Option<Vec<u8>>,
    /// `hwaddr`.
    pub hwaddr: Option<Vec<u8>>,
    /// `hwtype`.
    pub hwtype: Option<i64>,
    /// `hwaddr_source`.
    pub hwaddr_source: Option<i64>,
    /// `state`.
    pub state: Option<i64>,
    /// `user_context`; none where the table has no such column.
    pub user_context: Option<Vec<u8>>,
    /// `pool_id`; none where the table has no such column.
    pub pool_id: Option<i64>,
}

fn number<T: TryFrom<i64>>(column: &'static str, value: Option<i64>) -> Result<T, RowFault> {
    let value = value.ok_or(RowFault::Null(column))?;
    T::try_from(value).map_err(|_| RowFault::Range { column, value })
}

fn number_or_0<T: TryFrom<i64> + Default>(
    column: &'static str,
    value: Option<i64>,
) -> Result<T, RowFault> {
    if value.is_none() { Ok(T::default()) } else { number(column, value) }
}

fn bytes(column: &'static str, value: Option<Vec<u8>>, max: usize) -> Result<Vec<u8>, RowFault> {
    let value = value.unwrap_or_default();
    match value.len() {
        len if len > max => Err(RowFault::TooLong { column, len, max }),
        _ => Ok(value),
    }
}

fn state(value: Option<i64>) -> Result<LeaseState, RowFault> {
    let number: u64 = number("state", value)?;
    let range = || RowFault::Range { column: "state", value: value.unwrap_or_default() };
    LeaseState::from_number(number).ok_or_else(range)
}

/// When the client was last heard of. The tables keep the end of a lifetime, and of an endless one its beginning.
fn cltt(expire: Option<i64>, valid_lifetime: u32) -> Result<i64, RowFault> {
    let expire = expire.ok_or(RowFault::Null("expire"))?;
    Ok(if valid_lifetime == INFINITE { expire } else { expire - i64::from(valid_lifetime) })
}

impl TryFrom<Row4> for Lease4 {
    type Error = RowFault;

    fn try_from(row: Row4) -> Result<Self, RowFault> {
        let address: u32 = number("address", row.address)?;
        let hw = bytes("hwaddr", row.hwaddr, lease4::HW_LEN_MAX)?;
        let client_id = bytes("client_id", row.client_id, lease4::CLIENT_ID_LEN_MAX)?;
        let state = state(row.state)?;
        if hw.is_empty() && client_id.is_empty() && state != LeaseState::Declined {
            return Err(RowFault::Nobody);
        }
        let valid_lifetime = number("valid_lifetime", row.valid_lifetime)?;
        Ok(Self {
            address: Ipv4Addr::from(address),
            hw_type: HW_TYPE_UNKNOWN,
            hw,
            client_id,
            valid_lifetime,
            cltt: cltt(row.expire, valid_lifetime)?,
            subnet_id: SubnetId(number("subnet_id", row.subnet_id)?),
            fqdn_fwd: row.fqdn_fwd.unwrap_or_default(),
            fqdn_rev: row.fqdn_rev.unwrap_or_default(),
            hostname: bytes("hostname", row.hostname, HOSTNAME_LEN_MAX)?,
            state,
            user_context: row.user_context.unwrap_or_default(),
            pool_id: number_or_0("pool_id", row.pool_id)?,
        })
    }
}

impl TryFrom<Row6> for Lease6 {
    type Error = RowFault;

    fn try_from(row: Row6) -> Result<Self, RowFault> {
        let lease_type: u64 = number("lease_type", row.lease_type)?;
        let type_range =
            || RowFault::Range { column: "lease_type", value: row.lease_type.unwrap_or_default() };
        let lease_type = LeaseType::from_number(lease_type).ok_or_else(type_range)?;
        let prefix_len: u8 = number("prefix_len", row.prefix_len)?;
        if prefix_len > 128 {
            return Err(RowFault::Range { column: "prefix_len", value: prefix_len.into() });
        }
        let iaid = row.iaid.ok_or(RowFault::Null("iaid"))?;
        let iaid = match (u32::try_from(iaid), i32::try_from(iaid)) {
            (Ok(iaid), _) => iaid,
            (_, Ok(signed)) => signed as u32,
            _ => return Err(RowFault::Range { column: "iaid", value: iaid }),
        };
        let duid = bytes("duid", row.duid, lease6::DUID_LEN_MAX)?;
        let duid = if duid.is_empty() { NO_DUID.to_vec() } else { duid };
        let valid_lifetime = number("valid_lifetime", row.valid_lifetime)?;
        let hw = bytes("hwaddr", row.hwaddr, lease6::HW_LEN_MAX)?;
        // They say nothing without an address, and are written then in several ways.
        let of_hw = |number: Option<i64>| number.filter(|_| !hw.is_empty());
        Ok(Self {
            address: row.address.ok_or(RowFault::Address)?,
            prefix_len: if lease_type == LeaseType::Pd { prefix_len } else { 128 },
            lease_type,
            duid,
            iaid,
            hw_type: number_or_0("hwtype", of_hw(row.hwtype))?,
            hw_source: number_or_0("hwaddr_source", of_hw(row.hwaddr_source))?,
            hw,
            valid_lifetime,
            preferred_lifetime: number_or_0("pref_lifetime", row.pref_lifetime)?,
            cltt: cltt(row.expire, valid_lifetime)?,
            subnet_id: SubnetId(number("subnet_id", row.subnet_id)?),
            fqdn_fwd: row.fqdn_fwd.unwrap_or_default(),
            fqdn_rev: row.fqdn_rev.unwrap_or_default(),
            hostname: bytes("hostname", row.hostname, HOSTNAME_LEN_MAX)?,
            state: state(row.state)?,
            user_context: row.user_context.unwrap_or_default(),
            pool_id: number_or_0("pool_id", row.pool_id)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_and_source_mean_nothing_without_a_hardware_address() {
        let row = |hwaddr: &[u8]| Row6 {
            address: Some("2001:db8::1".parse().unwrap()),
            duid: Some(vec![1, 2, 3]),
            valid_lifetime: Some(10),
            expire: Some(20),
            subnet_id: Some(1),
            lease_type: Some(0),
            iaid: Some(1),
            prefix_len: Some(128),
            hwaddr: Some(hwaddr.to_vec()),
            hwtype: Some(1),
            hwaddr_source: Some(2),
            state: Some(0),
            ..Row6::default()
        };
        let of_hw = |row| Lease6::try_from(row).map(|lease| (lease.hw_type, lease.hw_source));
        assert_eq!(of_hw(row(&[])).unwrap(), (0, 0));
        assert_eq!(of_hw(row(&[1; 6])).unwrap(), (1, 2));
    }
}
