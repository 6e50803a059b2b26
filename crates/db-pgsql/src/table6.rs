//! The table `lease6`.

use std::net::{IpAddr, Ipv6Addr};

use database::{DbError, Row6, Wanted};
use libdhcpsrv::lease::LeaseType;
use libdhcpsrv::lease6::{Lease6, NO_DUID, V6};

use crate::Row;
use crate::column::{
    Abilities, Array, Column, Kind, SAME_SECOND, Value, address_text, expire, present,
};
use crate::schema;
use crate::table::{Key, LeaseTable, NumberRange, Read, Unreadable, lease_type};
use crate::value::{bytes, flag, number, seconds};

/// The table, as it is in one database.
pub(crate) struct Table6 {
    columns: Vec<Column<Lease6>>,
    selected: String,
    /// Whether addresses are of the type `inet`; texts otherwise.
    has_inet: bool,
    /// Whether a search index begins with the client.
    has_client_index: bool,
}

/// What is stored of a number of 16 bits without a sign, where tables keep one with a sign.
fn signed(number: u16) -> i64 {
    number.cast_signed().into()
}

/// The way back.
fn unsigned(number: i64) -> i64 {
    if (-0x8000..0).contains(&number) { number & 0xffff } else { number }
}

/// The DUID; nobody is a byte of 0.
fn duid(lease: &Lease6) -> &[u8] {
    if lease.duid.is_empty() { NO_DUID } else { &lease.duid }
}

type C = Column<Lease6>;

fn columns() -> Vec<C> {
    vec![
        C::text("address", |lease| Value::Ipv6(lease.address)),
        C::bytes("duid", |lease| Value::Bytes(duid(lease)))
            .same("coalesce(nullif(l.duid, ''), '\\x00') = w.old_duid"),
        C::int("valid_lifetime", |lease| Value::Int(lease.valid_lifetime.into()))
            .same("l.valid_lifetime IS NOT DISTINCT FROM w.old_valid_lifetime"),
        C::time("expire", |lease| Value::Time(expire(lease.cltt, lease.valid_lifetime)))
            .same(SAME_SECOND),
        C::int("subnet_id", |lease| Value::Int(lease.subnet_id.0.into()))
            .same("l.subnet_id IS NOT DISTINCT FROM w.old_subnet_id"),
        C::int("pref_lifetime", |lease| Value::Int(lease.preferred_lifetime.into()))
            .same("coalesce(l.pref_lifetime, 0) = w.old_pref_lifetime"),
        C::int("lease_type", |lease| Value::Int(lease.lease_type as i64))
            .same("l.lease_type IS NOT DISTINCT FROM w.old_lease_type"),
        C::int("iaid", |lease| Value::Iaid(lease.iaid))
            .same("l.iaid IS NOT DISTINCT FROM w.old_iaid"),
        // An address has 128, whatever is stored.
        C::int("prefix_len", |lease| Value::Int(lease.prefix_len.into()))
            .same("(w.old_lease_type <> 2 OR coalesce(l.prefix_len, -1) = w.old_prefix_len)"),
        C::flag("fqdn_fwd", |lease| Value::Bool(lease.fqdn_fwd))
            .same("coalesce(l.fqdn_fwd, false) = w.old_fqdn_fwd"),
        C::flag("fqdn_rev", |lease| Value::Bool(lease.fqdn_rev))
            .same("coalesce(l.fqdn_rev, false) = w.old_fqdn_rev"),
        C::text("hostname", |lease| Value::Text(&lease.hostname)),
        C::bytes("hwaddr", |lease| Value::Bytes(&lease.hw))
            .same("coalesce(l.hwaddr, '') = w.old_hwaddr"),
        // Type and source mean nothing without an address; Kea stores 0 then, and does not read NULL.
        C::int("hwtype", |lease| Value::Int(signed(lease.hw_type)))
            .stored("CASE WHEN w.hwaddr <> '' THEN w.hwtype ELSE 0 END")
            .same("(w.old_hwaddr = '' OR coalesce(l.hwtype, 0) = w.old_hwtype)"),
        C::int("hwaddr_source", |lease| Value::Int(signed(lease.hw_source as u16)))
            .stored("CASE WHEN w.hwaddr <> '' THEN w.hwaddr_source ELSE 0 END")
            .same("(w.old_hwaddr = '' OR coalesce(l.hwaddr_source, 0) = w.old_hwaddr_source)"),
        C::int("state", |lease| Value::State(lease.state))
            .same("l.state IS NOT DISTINCT FROM w.old_state"),
        C::text("user_context", |lease| Value::Text(&lease.user_context)).optional(),
        C::int("pool_id", |lease| Value::Int(lease.pool_id.into()))
            .same("coalesce(l.pool_id, 0) = w.old_pool_id")
            .optional(),
    ]
}

impl LeaseTable for Table6 {
    type Kind = V6;

    const NAME: &'static str = "lease6";
    const FIND_PARAMETERS: usize = 5;

    fn new(table: &schema::Table) -> Result<Self, DbError> {
        let mut all = columns();
        let has_inet = table.type_of("address") == Some("inet");
        if has_inet && let Some(address) = all.first_mut() {
            (address.kind, address.types) = (Kind::Inet, &["inet"]);
        }
        let (columns, selected) = present(table, all)?;
        Ok(Self { columns, selected, has_inet, has_client_index: table.is_indexed("duid") })
    }

    fn columns(&self) -> &[Column<Lease6>] {
        &self.columns
    }

    fn selected(&self) -> &str {
        &self.selected
    }

    fn lease(&self, row: &Row, first: usize) -> Read<V6> {
        let (address, key) = self.address(row, first);
        let read = Row6 {
            address,
            duid: bytes(row, first + 1),
            valid_lifetime: number(row, first + 2),
            expire: seconds(row, first + 3),
            subnet_id: number(row, first + 4),
            pref_lifetime: number(row, first + 5),
            lease_type: number(row, first + 6),
            iaid: number(row, first + 7),
            prefix_len: number(row, first + 8),
            fqdn_fwd: flag(row, first + 9),
            fqdn_rev: flag(row, first + 10),
            hostname: bytes(row, first + 11),
            hwaddr: bytes(row, first + 12),
            hwtype: number(row, first + 13).map(unsigned),
            hwaddr_source: number(row, first + 14).map(unsigned),
            state: number(row, first + 15),
            user_context: bytes(row, first + 16),
            pool_id: number(row, first + 17),
        };
        Lease6::try_from(read).map_err(|fault| Unreadable { key, fault })
    }

    fn stored(&self, abilities: &Abilities, lease: &Lease6) -> Lease6 {
        let (has_context, has_hw) = (self.has("user_context"), !lease.hw.is_empty());
        Lease6 {
            prefix_len: if lease.lease_type == LeaseType::Pd { lease.prefix_len } else { 128 },
            duid: duid(lease).to_vec(),
            hw_type: if has_hw { lease.hw_type } else { 0 },
            hw_source: if has_hw { u32::from(lease.hw_source as u16) } else { 0 },
            hostname: abilities.text(&lease.hostname),
            state: abilities.state(lease.state),
            user_context: if has_context { abilities.text(&lease.user_context) } else { vec![] },
            pool_id: if self.has("pool_id") { lease.pool_id } else { 0 },
            ..lease.clone()
        }
    }

    fn find(&self) -> String {
        let Self { selected, .. } = self;
        // Older tables have an index that begins with the association and the subnet. Newer ones have one that begins
        // with the client, and one of subnets, which must not be tried: there can be a million leases in one.
        let subnet = if self.has_client_index { "l.subnet_id + 0" } else { "l.subnet_id" };
        format!(
            "SELECT w.n, l.* \
             FROM unnest($1::int4[], $2::bytea[], $3::int8[], $4::int8[], $5::int8[]) \
             AS w(n, duid, iaid, lease_type, subnet_id) \
             CROSS JOIN LATERAL (SELECT {selected} FROM lease6 l \
             WHERE l.duid = w.duid AND l.iaid = w.iaid AND {subnet} = w.subnet_id \
             AND l.lease_type + 0 = w.lease_type LIMIT 64) l"
        )
    }

    fn wanted<'a>(&self, abilities: &Abilities, wanted: &'a [Wanted<V6>]) -> Vec<Array<'a>> {
        let is_somebody = |duid: &[u8]| !duid.is_empty() && duid != NO_DUID;
        let (mut at, mut duids, mut iaids) = (vec![], vec![], vec![]);
        let (mut types, mut subnets) = (vec![], vec![]);
        for (index, Wanted { client, subnet }) in (0_i32..).zip(wanted) {
            if is_somebody(&client.duid) {
                at.push(index);
                duids.push(client.duid.as_slice());
                iaids.push(abilities.iaid(client.iaid));
                types.push(client.lease_type as i64);
                subnets.push(subnet.0.into());
            }
        }
        vec![
            Array::Index(at),
            Array::Bytes(duids),
            Array::Int(iaids),
            Array::Int(types),
            Array::Int(subnets),
        ]
    }

    fn addresses<'a>(
        &self,
        abilities: &Abilities,
        addresses: impl ExactSizeIterator<Item = Ipv6Addr>,
    ) -> Array<'a> {
        let kind = if self.has_inet { Kind::Inet } else { Kind::Text };
        Array::gather(kind, abilities, addresses.map(Value::Ipv6))
    }

    fn covered(&self) -> &'static str {
        "l.address, l.lease_type, l.prefix_len"
    }

    fn range(&self, row: &Row) -> Option<NumberRange<V6>> {
        let address = u128::from(self.address(row, 0).0?);
        if lease_type(number(row, 1)?)? != LeaseType::Pd {
            return Some((address, address));
        }
        let prefix_len = u32::try_from(number(row, 2)?).ok().filter(|len| *len <= 128)?;
        Some((address, address | u128::MAX.checked_shr(prefix_len).unwrap_or(0)))
    }

    fn address(&self, row: &Row, index: usize) -> (Option<Ipv6Addr>, Key) {
        if self.has_inet {
            return match row.try_get::<_, Option<IpAddr>>(index) {
                Ok(Some(IpAddr::V6(address))) => (Some(address), Key::Inet(address.into())),
                Ok(Some(address)) => (None, Key::Inet(address)),
                _ => (None, Key::None),
            };
        }
        let Some(text) = bytes(row, index) else { return (None, Key::None) };
        let text = String::from_utf8_lossy(&text).into_owned();
        (text.parse().ok(), Key::Text(text))
    }

    fn key(&self, address: Ipv6Addr) -> Key {
        if self.has_inet { Key::Inet(address.into()) } else { Key::Text(address_text(address)) }
    }

    fn lease_type(&self) -> &'static str {
        "l.lease_type"
    }
}
