//! The table `lease4`.

use std::net::Ipv4Addr;

use database::{Row4, RowFault, Wanted};
use libdhcpsrv::lease::{LeaseType, SubnetId};
use libdhcpsrv::lease4::{HW_LEN_MAX, Lease4, V4};
use mysql::Value;

use crate::family::{Family, Search};
use crate::schema::Table;
use crate::session::repeated;
use crate::text;
use crate::value::{bytes, bytes_or_null, lifetime, number};

const COLUMNS: [&str; 10] = [
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
];

impl Family for V4 {
    const TABLE: &'static str = "lease4";
    const NEEDED: &'static [&'static str] = &COLUMNS;

    fn columns(table: &Table) -> Vec<&'static str> {
        let more = ["user_context", "pool_id"].into_iter().filter(|name| table.has(name));
        COLUMNS.into_iter().chain(more).collect()
    }

    fn has_text_keys(_: &Table) -> bool {
        false
    }

    fn stored_key(_: &Table, address: Ipv4Addr) -> Value {
        Value::UInt(u32::from(address).into())
    }

    fn address_of(_: &Table, key: &Value) -> Option<Ipv4Addr> {
        number(key).and_then(|number| u32::try_from(number).ok()).map(Ipv4Addr::from)
    }

    fn fits_identifiers(table: &Table, lease: &Lease4) -> Result<(), &'static str> {
        if lease.hw.len() > HW_LEN_MAX.min(table.len_max("hwaddr")) {
            return Err("its hardware address is too long");
        }
        if lease.client_id.len() > table.len_max("client_id") {
            return Err("its client identifier is too long for the column");
        }
        Ok(())
    }

    fn store(table: &Table, lease: &Lease4) -> Result<Vec<Value>, &'static str> {
        Self::fits(table, lease)?;
        let state = table.stored_state(lease.state);
        let (valid_lifetime, expire) = lifetime(lease.cltt, lease.valid_lifetime, table.time_max)?;
        let hostname = text::store_hostname(
            &lease.hostname,
            table.charset("hostname"),
            table.len_max("hostname"),
        );
        let mut values = vec![
            Self::stored_key(table, lease.address),
            bytes_or_null(&lease.hw),
            bytes_or_null(&lease.client_id),
            Value::UInt(valid_lifetime.into()),
            Value::Int(expire),
            Value::UInt(lease.subnet_id.0.into()),
            Value::Int(lease.fqdn_fwd.into()),
            Value::Int(lease.fqdn_rev.into()),
            Value::Bytes(hostname.into_owned()),
            Value::UInt(state as u64),
        ];
        if table.has("user_context") {
            let context = text::store_json(&lease.user_context, table.charset("user_context"));
            values.push(bytes_or_null(&context));
        }
        if table.has("pool_id") {
            values.push(Value::UInt(lease.pool_id.into()));
        }
        Ok(values)
    }

    fn hostname(lease: &Lease4) -> &[u8] {
        &lease.hostname
    }

    fn load(table: &Table, row: Vec<Value>) -> Result<Lease4, RowFault> {
        let mut cells = row.into_iter();
        let mut next = || cells.next().unwrap_or(Value::NULL);
        let row = Row4 {
            address: number(&next()),
            hwaddr: bytes(next()),
            client_id: bytes(next()),
            valid_lifetime: number(&next()),
            expire: number(&next()),
            subnet_id: number(&next()),
            fqdn_fwd: number(&next()).map(|flag| flag != 0),
            fqdn_rev: number(&next()).map(|flag| flag != 0),
            hostname: bytes(next()).map(text::load_hostname),
            state: number(&next()),
            user_context: table.has("user_context").then(&mut next).and_then(bytes),
            pool_id: table.has("pool_id").then(&mut next).as_ref().and_then(number),
        };
        Lease4::try_from(row)
    }

    fn is_same(left: &Lease4, right: &Lease4) -> bool {
        left.address == right.address
            && left.hw == right.hw
            && left.client_id == right.client_id
            && left.valid_lifetime == right.valid_lifetime
            && left.cltt == right.cltt
            && left.subnet_id == right.subnet_id
            && left.fqdn_fwd == right.fqdn_fwd
            && left.fqdn_rev == right.fqdn_rev
            && left.state == right.state
            && left.pool_id == right.pool_id
    }

    fn ends(address: Ipv4Addr, _: LeaseType, _: u8) -> (u32, u32) {
        (address.into(), address.into())
    }

    fn searches(table: &Table) -> Vec<Search<Self>> {
        let by_hwaddr = |name, condition, values, is_meant| Search {
            name,
            condition,
            hint: table.hint("hwaddr"),
            values,
            narrower: "",
            narrower_values: |_| Vec::new(),
            is_meant,
            wanted_id: |wanted: &Wanted<Self>| &wanted.client.hw,
            lease_id: |lease: &Lease4| &lease.hw,
        };
        vec![
            Search {
                name: "find by client identifier",
                condition: |count| format!("client_id IN ({})", repeated("?", count)),
                hint: table.hint("client_id"),
                values: |wanted| some_bytes(&wanted.client.client_id),
                narrower: "",
                narrower_values: |_| Vec::new(),
                is_meant: |_, _| true,
                wanted_id: |wanted| &wanted.client.client_id,
                lease_id: |lease| &lease.client_id,
            },
            by_hwaddr(
                "find by hardware address",
                |count| {
                    let marks = repeated("?", count);
                    format!("hwaddr IN ({marks}) AND (client_id IS NULL OR client_id = '')")
                },
                |wanted| {
                    if wanted.client.client_id.is_empty() {
                        return None;
                    }
                    some_bytes(&wanted.client.hw)
                },
                |_, lease| lease.client_id.is_empty(),
            ),
            by_hwaddr(
                "find by hardware address alone",
                |count| format!("hwaddr IN ({})", repeated("?", count)),
                |wanted| {
                    if !wanted.client.client_id.is_empty() {
                        return None;
                    }
                    some_bytes(&wanted.client.hw)
                },
                |_, _| true,
            ),
        ]
    }

    fn subnet(lease: &Lease4) -> SubnetId {
        lease.subnet_id
    }

    fn has_context(lease: &Lease4) -> bool {
        !lease.user_context.is_empty()
    }
}

fn some_bytes(bytes: &[u8]) -> Option<Vec<Value>> {
    (!bytes.is_empty()).then(|| vec![Value::Bytes(bytes.to_vec())])
}
