//! Configurations: a base for each family, into which the members of a group are put.

use e2e::family::Family;
use serde_json::{Map, Value, json};

/// The server's identifier of DHCPv6 (DUID-LL, RFC 8415 section 11.4).
pub const SERVER_DUID: [u8; 10] = [0, 3, 0, 1, 2, 0, 0, 0, 0, 1];

/// The configuration of a group as text; `extra` are members that only one of the servers needs.
///
/// A member that is `null` takes one of the base away. Without `subnet4` (`subnet6`) or `shared-networks` of its own, a group gets [`main_subnet`]. The
/// subnet of the markers is added always.
///
/// # Panics
/// When the members are no JSON.
pub fn text(family: Family, members: &str, extra: &[(&str, Value)]) -> String {
    let wanted: Map<String, Value> = serde_json::from_str(&format!("{{ {members} }}"))
        .unwrap_or_else(|error| panic!("configuration: {error}\n{members}"));
    let subnets = format!("subnet{}", family.digit());
    let mut all = base(family);
    if !wanted.contains_key("shared-networks") {
        all.insert(subnets.clone(), json!([main_subnet(family)]));
    }
    for (name, value) in wanted {
        match value {
            Value::Null => all.remove(&name),
            _ => all.insert(name, value),
        };
    }
    for (name, value) in extra {
        all.insert((*name).to_owned(), value.clone());
    }
    let list = all.entry(subnets).or_insert_with(|| json!([]));
    list.as_array_mut().expect("subnets are a list").push(marker_subnet(family));
    let mut top = Map::new();
    top.insert(format!("Dhcp{}", family.digit()), Value::Object(all));
    serde_json::to_string_pretty(&top).expect("JSON is written")
}

/// The subnet of groups that bring none: 192.0.2.10 - 192.0.2.200, or 2001:db8:1::10 -
/// 2001:db8:1::ffff and prefixes of 56 bits from 2001:db8:8000::/40.
pub fn main_subnet(family: Family) -> Value {
    match family {
        Family::V4 => json!({ "id": 1, "subnet": "192.0.2.0/24",
            "pools": [ { "pool": "192.0.2.10 - 192.0.2.200" } ] }),
        Family::V6 => json!({ "id": 1, "subnet": "2001:db8:1::/64", "interface": "srv0",
            "pools": [ { "pool": "2001:db8:1::10 - 2001:db8:1::ffff" } ],
            "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 40, "delegated-len": 56 } ] }),
    }
}

/// The subnet from which markers are answered.
fn marker_subnet(family: Family) -> Value {
    match family {
        Family::V4 => json!({ "id": 9999, "subnet": "203.0.113.0/24",
            "pools": [ { "pool": "203.0.113.10 - 203.0.113.10" } ] }),
        Family::V6 => json!({ "id": 9999, "subnet": "2001:db8:ffff::/64", "rapid-commit": true,
            "pools": [ { "pool": "2001:db8:ffff::10 - 2001:db8:ffff::10" } ] }),
    }
}

/// What all configurations of a family have in common.
fn base(family: Family) -> Map<String, Value> {
    let debug = std::env::var_os("DIFFERENTIAL_DEBUG").is_some();
    let mut base = json!({
        "interfaces-config": { "interfaces": ["srv0"] },
        "lease-database": { "type": "memfile", "persist": false },
        "multi-threading": { "enable-multi-threading": false },
        "valid-lifetime": 4000,
        "loggers": [ {
            "name": family.program_name(),
            "severity": if debug { "DEBUG" } else { "INFO" },
            "debuglevel": if debug { 99 } else { 0 },
            "output_options": [ { "output": "stdout" } ]
        } ]
    });
    if family == Family::V6 {
        base["preferred-lifetime"] = json!(3000);
        base["renew-timer"] = json!(1000);
        base["rebind-timer"] = json!(2000);
        base["server-id"] =
            json!({ "type": "LL", "identifier": "020000000001", "htype": 1, "persist": false });
    }
    match base {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_the_group_take_the_place_of_the_base() {
        let text = text(Family::V4, r#""valid-lifetime": 7"#, &[("authoritative", json!(true))]);
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read["Dhcp4"]["valid-lifetime"], 7);
        assert_eq!(read["Dhcp4"]["authoritative"], true);
        assert_eq!(read["Dhcp4"]["subnet4"].as_array().map(Vec::len), Some(2));
    }
}
