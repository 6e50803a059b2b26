//! The table `lease4`.

use std::net::Ipv4Addr;

use database::{DbError, Row4, Wanted};
use libdhcpsrv::lease4::{HW_TYPE_UNKNOWN, Lease4, V4};

use crate::Row;
use crate::column::{Abilities, Array, Column, SAME_SECOND, Value, expire, present};
use crate::schema;
use crate::table::{Key, LeaseTable, NumberRange, Read, Unreadable};
use crate::value::{bytes, flag, number, seconds};

/// The table, as it is in one database.
pub(crate) struct Table4 {
    columns: Vec<Column<Lease4>>,
    selected: String,
    /// Whether the search indexes begin with the identifiers.
    has_client_indexes: bool,
}

type C = Column<Lease4>;

fn columns() -> Vec<C> {
    vec![
        C::int("address", |lease| Value::Int(u32::from(lease.address).into())),
        C::bytes("hwaddr", |lease| Value::Bytes(&lease.hw))
            .same("coalesce(l.hwaddr, '') = w.old_hwaddr"),
        C::bytes("client_id", |lease| Value::Bytes(&lease.client_id))
            .same("coalesce(l.client_id, '') = w.old_client_id"),
        C::int("valid_lifetime", |lease| Value::Int(lease.valid_lifetime.into()))
            .same("l.valid_lifetime IS NOT DISTINCT FROM w.old_valid_lifetime"),
        C::time("expire", |lease| Value::Time(expire(lease.cltt, lease.valid_lifetime)))
            .same(SAME_SECOND),
        C::int("subnet_id", |lease| Value::Int(lease.subnet_id.0.into()))
            .same("l.subnet_id IS NOT DISTINCT FROM w.old_subnet_id"),
        C::flag("fqdn_fwd", |lease| Value::Bool(lease.fqdn_fwd))
            .same("coalesce(l.fqdn_fwd, false) = w.old_fqdn_fwd"),
        C::flag("fqdn_rev", |lease| Value::Bool(lease.fqdn_rev))
            .same("coalesce(l.fqdn_rev, false) = w.old_fqdn_rev"),
        C::text("hostname", |lease| Value::Text(&lease.hostname)),
        C::int("state", |lease| Value::State(lease.state))
            .same("l.state IS NOT DISTINCT FROM w.old_state"),
        C::text("user_context", |lease| Value::Text(&lease.user_context)).optional(),
        C::int("pool_id", |lease| Value::Int(lease.pool_id.into()))
            .same("coalesce(l.pool_id, 0) = w.old_pool_id")
            .optional(),
    ]
}

impl LeaseTable for Table4 {
    type Kind = V4;

    const NAME: &'static str = "lease4";
    const FIND_PARAMETERS: usize = 7;

    fn new(table: &schema::Table) -> Result<Self, DbError> {
        let (columns, selected) = present(table, columns())?;
        Ok(Self {
            columns,
            selected,
            has_client_indexes: table.is_indexed("client_id") && table.is_indexed("hwaddr"),
        })
    }

    fn columns(&self) -> &[Column<Lease4>] {
        &self.columns
    }

    fn selected(&self) -> &str {
        &self.selected
    }

    fn lease(&self, row: &Row, first: usize) -> Read<V4> {
        let address = number(row, first);
        let read = Row4 {
            address,
            hwaddr: bytes(row, first + 1),
            client_id: bytes(row, first + 2),
            valid_lifetime: number(row, first + 3),
            expire: seconds(row, first + 4),
            subnet_id: number(row, first + 5),
            fqdn_fwd: flag(row, first + 6),
            fqdn_rev: flag(row, first + 7),
            hostname: bytes(row, first + 8),
            state: number(row, first + 9),
            user_context: bytes(row, first + 10),
            pool_id: number(row, first + 11),
        };
        Lease4::try_from(read).map_err(|fault| Unreadable { key: key(address), fault })
    }

    fn stored(&self, abilities: &Abilities, lease: &Lease4) -> Lease4 {
        let has_context = self.has("user_context");
        Lease4 {
            hw_type: HW_TYPE_UNKNOWN,
            hostname: abilities.text(&lease.hostname),
            state: abilities.state(lease.state),
            user_context: if has_context { abilities.text(&lease.user_context) } else { vec![] },
            pool_id: if self.has("pool_id") { lease.pool_id } else { 0 },
            ..lease.clone()
        }
    }

    fn find(&self) -> String {
        let Self { selected, .. } = self;
        // An index over the subnets must not be tried: there can be a million leases in one.
        let subnet = if self.has_client_indexes { "l.subnet_id + 0" } else { "l.subnet_id" };
        format!(
            "SELECT w.n, l.* FROM unnest($1::int4[], $2::bytea[], $3::int8[]) AS w(n, client_id, subnet_id) \
             CROSS JOIN LATERAL (SELECT {selected} FROM lease4 l \
             WHERE l.client_id = w.client_id AND {subnet} = w.subnet_id LIMIT 64) l \
             UNION ALL \
             SELECT w.n, l.* FROM unnest($4::int4[], $5::bytea[], $6::int8[], $7::bool[]) \
             AS w(n, hwaddr, subnet_id, is_nameless) \
             CROSS JOIN LATERAL (SELECT {selected} FROM lease4 l \
             WHERE l.hwaddr = w.hwaddr AND {subnet} = w.subnet_id \
             AND (w.is_nameless OR coalesce(l.client_id, '') = '') LIMIT 64) l"
        )
    }

    fn wanted<'a>(&self, _: &Abilities, wanted: &'a [Wanted<V4>]) -> Vec<Array<'a>> {
        let (mut by_id, mut by_hw) = ((vec![], vec![], vec![]), (vec![], vec![], vec![]));
        let mut is_nameless = Vec::new();
        for (at, Wanted { client, subnet }) in (0_i32..).zip(wanted) {
            if !client.client_id.is_empty() {
                by_id.0.push(at);
                by_id.1.push(client.client_id.as_slice());
                by_id.2.push(i64::from(subnet.0));
            }
            if !client.hw.is_empty() {
                by_hw.0.push(at);
                by_hw.1.push(client.hw.as_slice());
                by_hw.2.push(i64::from(subnet.0));
                is_nameless.push(client.client_id.is_empty());
            }
        }
        vec![
            Array::Index(by_id.0),
            Array::Bytes(by_id.1),
            Array::Int(by_id.2),
            Array::Index(by_hw.0),
            Array::Bytes(by_hw.1),
            Array::Int(by_hw.2),
            Array::Bool(is_nameless),
        ]
    }

    fn addresses<'a>(
        &self,
        _: &Abilities,
        addresses: impl ExactSizeIterator<Item = Ipv4Addr>,
    ) -> Array<'a> {
        Array::Int(addresses.map(|address| u32::from(address).into()).collect())
    }

    fn covered(&self) -> &'static str {
        "l.address"
    }

    fn range(&self, row: &Row) -> Option<NumberRange<V4>> {
        let address = u32::try_from(number(row, 0)?).ok()?;
        Some((address, address))
    }

    fn address(&self, row: &Row, index: usize) -> (Option<Ipv4Addr>, Key) {
        let number = number(row, index);
        let address = number.and_then(|number| u32::try_from(number).ok());
        (address.map(Ipv4Addr::from), key(number))
    }

    fn key(&self, address: Ipv4Addr) -> Key {
        Key::Number(u32::from(address).into())
    }

    fn lease_type(&self) -> &'static str {
        "0"
    }
}

fn key(address: Option<i64>) -> Key {
    address.map_or(Key::None, Key::Number)
}
