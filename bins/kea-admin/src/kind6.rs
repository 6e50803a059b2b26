//! The leases of DHCPv6, for the commands.

use std::net::Ipv6Addr;

use database::{DbError, LeaseConnection, Row6, RowFault};
use libdhcpsrv::config::{SqlAccess, SqlKind};
use libdhcpsrv::lease6::csv6::{self, Row};
use libdhcpsrv::lease6::{Lease6, V6};
use util::csv as field;

use crate::kind::{self, Kind, Shape};
use crate::literal::Literal;
use crate::sql::Cell;
use crate::{csv, kind::number};

/// Bytes of a DUID that a table can hold.
const DUID_LEN_MAX: usize = 128;

impl Kind for V6 {
    const FAMILY: u8 = 6;
    const TABLE: &'static str = "lease6";

    fn question(kind: SqlKind, shape: Shape) -> String {
        let address = match (kind, shape.has_binary_addresses) {
            (SqlKind::Mysql, true) => "INET6_NTOA(address)",
            (SqlKind::Postgresql, true) => "host(address)",
            (_, false) => "address",
        };
        let hardware = |text: String| kind::if_there(shape.has_hardware, text);
        let columns = [
            address.to_owned(),
            kind::hex(kind, "duid"),
            "valid_lifetime".to_owned(),
            kind::seconds(kind, "expire"),
            "subnet_id".to_owned(),
            "pref_lifetime".to_owned(),
            "lease_type".to_owned(),
            "iaid".to_owned(),
            "prefix_len".to_owned(),
            kind::flag_number(kind, "fqdn_fwd"),
            kind::flag_number(kind, "fqdn_rev"),
            kind::text_hex(kind, "hostname"),
            hardware(kind::hex(kind, "hwaddr")),
            if shape.has_state { "state".to_owned() } else { "0".to_owned() },
            kind::if_there(shape.has_user_context, kind::text_hex(kind, "user_context")),
            hardware("hwtype".to_owned()),
            hardware("hwaddr_source".to_owned()),
            kind::if_there(shape.has_pool_id, "pool_id".to_owned()),
        ];
        format!("SELECT {} FROM lease6 ORDER BY lease6.address", columns.join(", "))
    }

    fn key_text(cells: &[Cell]) -> String {
        match cells.first().and_then(|cell| cell.as_deref()) {
            Some(text) => String::from_utf8_lossy(text).escape_debug().to_string(),
            None => "NULL".to_owned(),
        }
    }

    fn read(kind: SqlKind, cells: Vec<Cell>) -> Result<Lease6, RowFault> {
        let cell = |at| cells.get(at);
        let text = cell(0).and_then(|cell| std::str::from_utf8(cell.as_deref()?).ok());
        Lease6::try_from(Row6 {
            address: text.and_then(|text| text.parse::<Ipv6Addr>().ok()),
            duid: kind::bytes(cell(1)),
            valid_lifetime: number(cell(2)),
            expire: number(cell(3)),
            subnet_id: number(cell(4)),
            pref_lifetime: number(cell(5)),
            lease_type: number(cell(6)),
            iaid: number(cell(7)),
            prefix_len: number(cell(8)),
            fqdn_fwd: kind::flag(cell(9)),
            fqdn_rev: kind::flag(cell(10)),
            hostname: kind::hostname(kind, cell(11)),
            hwaddr: kind::bytes(cell(12)),
            state: number(cell(13)),
            user_context: kind::bytes(cell(14)),
            hwtype: number(cell(15)),
            hwaddr_source: number(cell(16)),
            pool_id: number(cell(17)),
        })
    }

    fn excess(lease: &Lease6) -> Option<RowFault> {
        let len = lease.duid.len();
        let max = DUID_LEN_MAX;
        (len > max).then_some(RowFault::TooLong { column: "duid", len, max })
    }

    fn cltt(lease: &Lease6) -> i64 {
        lease.cltt
    }

    fn is_same(one: &Lease6, other: &Lease6) -> bool {
        // Type and source of no hardware address mean nothing.
        let (hw_type, hw_source) = match other.hw.as_slice() {
            [] => (other.hw_type, other.hw_source),
            _ => (one.hw_type, one.hw_source),
        };
        Lease6 { pool_id: other.pool_id, hw_type, hw_source, ..one.clone() } == *other
    }

    fn push_dump(out: &mut Vec<u8>, lease: &Lease6, has_pool_id: bool) {
        field::push_ipv6(out, lease.address.into());
        csv::push_hex(out, &lease.duid);
        csv::push_number(out, lease.valid_lifetime.into());
        csv::push_number(out, csv::expire(lease.cltt, lease.valid_lifetime));
        csv::push_number(out, lease.subnet_id.0.into());
        csv::push_number(out, lease.preferred_lifetime.into());
        csv::push_number(out, lease.lease_type as u64);
        csv::push_number(out, lease.iaid.into());
        csv::push_number(out, lease.prefix_len.into());
        csv::push_number(out, lease.fqdn_fwd.into());
        csv::push_number(out, lease.fqdn_rev.into());
        csv::push_text(out, &lease.hostname);
        csv::push_hex(out, &lease.hw);
        csv::push_number(out, lease.state as u64);
        csv::push_text(out, &lease.user_context);
        // As Kea's servers store them where there is no hardware address: 0.
        csv::push_number(out, lease.hw_type.into());
        csv::push_number(out, lease.hw_source.into());
        if has_pool_id {
            csv::push_number(out, lease.pool_id.into());
        }
        out.push(b'\n');
    }

    fn push_file_row(out: &mut Vec<u8>, lease: &Lease6) {
        let row = Row {
            address: lease.address.into(),
            duid: &lease.duid,
            valid_lifetime: lease.valid_lifetime,
            cltt: lease.cltt,
            subnet_id: lease.subnet_id.0,
            preferred_lifetime: lease.preferred_lifetime,
            lease_type: lease.lease_type,
            iaid: lease.iaid,
            prefix_len: lease.prefix_len,
            fqdn_fwd: lease.fqdn_fwd,
            fqdn_rev: lease.fqdn_rev,
            hostname: &lease.hostname,
            hw: &lease.hw,
            state: lease.state,
            user_context: &lease.user_context,
            hw_type: lease.hw_type,
            hw_source: lease.hw_source,
            pool_id: lease.pool_id,
        };
        csv6::push_row(out, &row);
    }

    fn insertion(lease: &Lease6, kind: SqlKind) -> String {
        let literal = Literal(kind);
        let has_hw = !lease.hw.is_empty();
        let number_if = |is_there: bool, number: u32| {
            if is_there { number.to_string() } else { "NULL".to_owned() }
        };
        let values = [
            literal.text(lease.address.to_string().as_bytes()),
            literal.bytes(&lease.duid),
            lease.valid_lifetime.to_string(),
            literal.time(csv::expire(lease.cltt, lease.valid_lifetime)),
            lease.subnet_id.0.to_string(),
            lease.preferred_lifetime.to_string(),
            (lease.lease_type as u8).to_string(),
            literal.iaid(lease.iaid),
            lease.prefix_len.to_string(),
            literal.flag(lease.fqdn_fwd),
            literal.flag(lease.fqdn_rev),
            literal.text(&lease.hostname),
            literal.bytes(&lease.hw),
            (lease.state as u8).to_string(),
            literal.text(&lease.user_context),
            number_if(has_hw, lease.hw_type.into()),
            number_if(has_hw, lease.hw_source),
        ];
        format!(
            "INSERT INTO lease6 (address, duid, valid_lifetime, expire, subnet_id, pref_lifetime, lease_type, iaid, \
             prefix_len, fqdn_fwd, fqdn_rev, hostname, hwaddr, state, user_context, hwtype, hwaddr_source) \
             VALUES ({});",
            values.join(", ")
        )
    }

    fn open(access: &SqlAccess) -> Result<Box<dyn LeaseConnection<Self>>, DbError> {
        match access.kind {
            SqlKind::Mysql => db_mysql::open_leases6(access),
            SqlKind::Postgresql => db_pgsql::open_leases6(access),
        }
    }
}
