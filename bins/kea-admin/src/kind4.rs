//! The leases of DHCPv4, for the commands.

use std::net::Ipv4Addr;

use database::{DbError, LeaseConnection, Row4, RowFault};
use libdhcpsrv::config::{SqlAccess, SqlKind};
use libdhcpsrv::lease4::csv4::{self, Row};
use libdhcpsrv::lease4::{Lease4, V4};
use util::csv as field;

use crate::kind::{self, Kind, Shape};
use crate::literal::Literal;
use crate::sql::Cell;
use crate::{csv, kind::number};

/// Bytes of a client identifier that a table can hold.
const CLIENT_ID_LEN_MAX: usize = 128;

impl Kind for V4 {
    const FAMILY: u8 = 4;
    const TABLE: &'static str = "lease4";

    fn question(kind: SqlKind, shape: Shape) -> String {
        let columns = [
            "address".to_owned(),
            kind::hex(kind, "hwaddr"),
            kind::hex(kind, "client_id"),
            "valid_lifetime".to_owned(),
            kind::seconds(kind, "expire"),
            "subnet_id".to_owned(),
            kind::flag_number(kind, "fqdn_fwd"),
            kind::flag_number(kind, "fqdn_rev"),
            kind::text_hex(kind, "hostname"),
            if shape.has_state { "state".to_owned() } else { "0".to_owned() },
            kind::if_there(shape.has_user_context, kind::text_hex(kind, "user_context")),
            kind::if_there(shape.has_pool_id, "pool_id".to_owned()),
        ];
        format!("SELECT {} FROM lease4 ORDER BY lease4.address", columns.join(", "))
    }

    fn key_text(cells: &[Cell]) -> String {
        let number = number(cells.first());
        match number.and_then(|number| u32::try_from(number).ok()) {
            Some(address) => Ipv4Addr::from(address).to_string(),
            None => number.map_or("NULL".to_owned(), |number| number.to_string()),
        }
    }

    fn read(kind: SqlKind, cells: Vec<Cell>) -> Result<Lease4, RowFault> {
        let cell = |at| cells.get(at);
        Lease4::try_from(Row4 {
            address: number(cell(0)),
            hwaddr: kind::bytes(cell(1)),
            client_id: kind::bytes(cell(2)),
            valid_lifetime: number(cell(3)),
            expire: number(cell(4)),
            subnet_id: number(cell(5)),
            fqdn_fwd: kind::flag(cell(6)),
            fqdn_rev: kind::flag(cell(7)),
            hostname: kind::hostname(kind, cell(8)),
            state: number(cell(9)),
            user_context: kind::bytes(cell(10)),
            pool_id: number(cell(11)),
        })
    }

    fn excess(lease: &Lease4) -> Option<RowFault> {
        let len = lease.client_id.len();
        let max = CLIENT_ID_LEN_MAX;
        (len > max).then_some(RowFault::TooLong { column: "client_id", len, max })
    }

    fn cltt(lease: &Lease4) -> i64 {
        lease.cltt
    }

    fn is_same(one: &Lease4, other: &Lease4) -> bool {
        let kept = Lease4 { pool_id: other.pool_id, hw_type: other.hw_type, ..one.clone() };
        kept == *other
    }

    fn push_dump(out: &mut Vec<u8>, lease: &Lease4, has_pool_id: bool) {
        field::push_ipv4(out, lease.address.into());
        csv::push_hex(out, &lease.hw);
        csv::push_hex(out, &lease.client_id);
        csv::push_number(out, lease.valid_lifetime.into());
        csv::push_number(out, csv::expire(lease.cltt, lease.valid_lifetime));
        csv::push_number(out, lease.subnet_id.0.into());
        csv::push_number(out, lease.fqdn_fwd.into());
        csv::push_number(out, lease.fqdn_rev.into());
        csv::push_text(out, &lease.hostname);
        csv::push_number(out, lease.state as u64);
        csv::push_text(out, &lease.user_context);
        if has_pool_id {
            csv::push_number(out, lease.pool_id.into());
        }
        out.push(b'\n');
    }

    fn push_file_row(out: &mut Vec<u8>, lease: &Lease4) {
        let row = Row {
            address: lease.address.into(),
            hw_type: lease.hw_type,
            hw: &lease.hw,
            client_id: &lease.client_id,
            valid_lifetime: lease.valid_lifetime,
            cltt: lease.cltt,
            subnet_id: lease.subnet_id.0,
            fqdn_fwd: lease.fqdn_fwd,
            fqdn_rev: lease.fqdn_rev,
            hostname: &lease.hostname,
            state: lease.state,
            user_context: &lease.user_context,
            pool_id: lease.pool_id,
        };
        csv4::push_row(out, &row);
    }

    fn insertion(lease: &Lease4, kind: SqlKind) -> String {
        let literal = Literal(kind);
        let values = [
            u32::from(lease.address).to_string(),
            literal.bytes(&lease.hw),
            literal.bytes(&lease.client_id),
            lease.valid_lifetime.to_string(),
            literal.time(csv::expire(lease.cltt, lease.valid_lifetime)),
            lease.subnet_id.0.to_string(),
            literal.flag(lease.fqdn_fwd),
            literal.flag(lease.fqdn_rev),
            literal.text(&lease.hostname),
            (lease.state as u8).to_string(),
            literal.text(&lease.user_context),
        ];
        format!(
            "INSERT INTO lease4 (address, hwaddr, client_id, valid_lifetime, expire, subnet_id, fqdn_fwd, fqdn_rev, \
             hostname, state, user_context) VALUES ({});",
            values.join(", ")
        )
    }

    fn open(access: &SqlAccess) -> Result<Box<dyn LeaseConnection<Self>>, DbError> {
        match access.kind {
            SqlKind::Mysql => db_mysql::open_leases4(access),
            SqlKind::Postgresql => db_pgsql::open_leases4(access),
        }
    }
}
