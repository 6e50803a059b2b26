//! The table `lease6`.

use std::net::Ipv6Addr;

use database::{Row6, RowFault, Wanted};
use libdhcpsrv::lease::{LeaseType, SubnetId};
use libdhcpsrv::lease6::{DUID_LEN_MAX, HW_LEN_MAX, Lease6, V6};
use mysql::Value;

use crate::family::{Family, Search};
use crate::schema::{AddressForm, Table};
use crate::session::repeated;
use crate::text;
use crate::value::{bytes, bytes_or_null, lifetime, number};

const COLUMNS: [&str; 16] = [
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
    "hwtype",
    "hwaddr_source",
    "state",
];

impl Family for V6 {
    const TABLE: &'static str = "lease6";
    const NEEDED: &'static [&'static str] = &COLUMNS;

    fn columns(table: &Table) -> Vec<&'static str> {
        let more = ["user_context", "pool_id"].into_iter().filter(|name| table.has(name));
        COLUMNS.into_iter().chain(more).collect()
    }

    fn has_text_keys(table: &Table) -> bool {
        table.address_form() == AddressForm::Text
    }

    fn stored_key(table: &Table, address: Ipv6Addr) -> Value {
        Value::Bytes(match table.address_form() {
            AddressForm::Text => address.to_string().into_bytes(),
            AddressForm::Binary => address.octets().to_vec(),
        })
    }

    fn address_of(table: &Table, key: &Value) -> Option<Ipv6Addr> {
        let Value::Bytes(bytes) = key else { return None };
        match table.address_form() {
            AddressForm::Text => std::str::from_utf8(bytes).ok()?.parse().ok(),
            AddressForm::Binary => <[u8; 16]>::try_from(bytes.as_slice()).ok().map(Ipv6Addr::from),
        }
    }

    fn fits_identifiers(table: &Table, lease: &Lease6) -> Result<(), &'static str> {
        if lease.hw.len() > HW_LEN_MAX.min(table.len_max("hwaddr")) {
            return Err("its hardware address is too long");
        }
        if lease.duid.len() > DUID_LEN_MAX.min(table.len_max("duid")) {
            return Err("its DUID is too long for the column");
        }
        Ok(())
    }

    fn store(table: &Table, lease: &Lease6) -> Result<Vec<Value>, &'static str> {
        Self::fits(table, lease)?;
        let state = table.stored_state(lease.state);
        let (valid_lifetime, expire) = lifetime(lease.cltt, lease.valid_lifetime, table.time_max)?;
        let hostname = text::store_hostname(
            &lease.hostname,
            table.charset("hostname"),
            table.len_max("hostname"),
        );
        // What belongs to a hardware address is absent without one.
        let of_hw = |value: u32| {
            if lease.hw.is_empty() { Value::NULL } else { Value::UInt(value.into()) }
        };
        let source = if table.has_hw_source(lease.hw_source) { lease.hw_source } else { 0 };
        let mut values = vec![
            Self::stored_key(table, lease.address),
            Value::Bytes(lease.duid.clone()),
            Value::UInt(valid_lifetime.into()),
            Value::Int(expire),
            Value::UInt(lease.subnet_id.0.into()),
            Value::UInt(lease.preferred_lifetime.into()),
            Value::UInt(lease.lease_type as u64),
            Value::UInt(lease.iaid.into()),
            Value::UInt(lease.prefix_len.into()),
            Value::Int(lease.fqdn_fwd.into()),
            Value::Int(lease.fqdn_rev.into()),
            Value::Bytes(hostname.into_owned()),
            bytes_or_null(&lease.hw),
            of_hw(lease.hw_type.into()),
            of_hw(source),
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

    fn hostname(lease: &Lease6) -> &[u8] {
        &lease.hostname
    }

    fn load(table: &Table, row: Vec<Value>) -> Result<Lease6, RowFault> {
        let mut cells = row.into_iter();
        let mut next = || cells.next().unwrap_or(Value::NULL);
        let row = Row6 {
            address: Self::address_of(table, &next()),
            duid: bytes(next()),
            valid_lifetime: number(&next()),
            expire: number(&next()),
            subnet_id: number(&next()),
            pref_lifetime: number(&next()),
            lease_type: number(&next()),
            iaid: number(&next()),
            prefix_len: number(&next()),
            fqdn_fwd: number(&next()).map(|flag| flag != 0),
            fqdn_rev: number(&next()).map(|flag| flag != 0),
            hostname: bytes(next()).map(text::load_hostname),
            hwaddr: bytes(next()),
            hwtype: number(&next()),
            hwaddr_source: number(&next()),
            state: number(&next()),
            user_context: table.has("user_context").then(&mut next).and_then(bytes),
            pool_id: table.has("pool_id").then(&mut next).as_ref().and_then(number),
        };
        Lease6::try_from(row)
    }

    fn is_same(left: &Lease6, right: &Lease6) -> bool {
        left.address == right.address
            && left.prefix_len == right.prefix_len
            && left.lease_type == right.lease_type
            && left.duid == right.duid
            && left.iaid == right.iaid
            && left.hw_type == right.hw_type
            && left.hw_source == right.hw_source
            && left.hw == right.hw
            && left.valid_lifetime == right.valid_lifetime
            && left.preferred_lifetime == right.preferred_lifetime
            && left.cltt == right.cltt
            && left.subnet_id == right.subnet_id
            && left.fqdn_fwd == right.fqdn_fwd
            && left.fqdn_rev == right.fqdn_rev
            && left.state == right.state
            && left.pool_id == right.pool_id
    }

    fn ends(address: Ipv6Addr, lease_type: LeaseType, prefix_len: u8) -> (u128, u128) {
        let first = u128::from(address);
        let behind = match lease_type {
            LeaseType::Pd => u128::MAX.checked_shr(prefix_len.into()).unwrap_or(0),
            LeaseType::Na | LeaseType::Ta => 0,
        };
        (first, first | behind)
    }

    fn searches(table: &Table) -> Vec<Search<Self>> {
        let is_meant: fn(&Wanted<Self>, &Lease6) -> bool = |wanted, lease| {
            wanted.client.iaid == lease.iaid && wanted.client.lease_type == lease.lease_type
        };
        let wanted_id: fn(&Wanted<Self>) -> &[u8] = |wanted| &wanted.client.duid;
        let lease_id: fn(&Lease6) -> &[u8] = |lease| &lease.duid;
        // Clients that were copied have the DUID of the original.
        let narrower = "AND iaid = ? AND lease_type = ?";
        let narrower_values: fn(&Wanted<Self>) -> Vec<Value> = |wanted| {
            let client = &wanted.client;
            vec![Value::UInt(client.iaid.into()), Value::UInt(client.lease_type as u64)]
        };
        let name = "find by DUID";
        if table.has_index("duid") {
            return vec![Search {
                name,
                condition: |count| format!("duid IN ({})", repeated("?", count)),
                hint: table.hint("duid"),
                values: |wanted| {
                    let duid = &wanted.client.duid;
                    (!duid.is_empty()).then(|| vec![Value::Bytes(duid.clone())])
                },
                narrower,
                narrower_values,
                is_meant,
                wanted_id,
                lease_id,
            }];
        }
        // The index of Kea 1.1's tables begins with the IAID, which many clients share.
        vec![Search {
            name,
            condition: |count| {
                vec!["(iaid = ? AND subnet_id = ? AND duid = ?)"; count].join(" OR ")
            },
            hint: String::new(),
            values: |wanted| {
                let client = &wanted.client;
                (!client.duid.is_empty()).then(|| {
                    vec![
                        Value::UInt(client.iaid.into()),
                        Value::UInt(wanted.subnet.0.into()),
                        Value::Bytes(client.duid.clone()),
                    ]
                })
            },
            narrower,
            narrower_values,
            is_meant,
            wanted_id,
            lease_id,
        }]
    }

    fn subnet(lease: &Lease6) -> SubnetId {
        lease.subnet_id
    }

    fn has_context(lease: &Lease6) -> bool {
        !lease.user_context.is_empty()
    }
}
