//! Files that are refused or criticised: one row each, with what is said about it. What both servers
//! read alike is tested with `kea-dhcp4`; here are some rows of each part, and all of the others.

use std::fmt::Write;

use super::{read_file, read_members, subnet};

/// Members of `Dhcp6`.
const GLOBAL: [&str; 38] = [
    r#""preferred-lifetme": 1"#,
    r#""next-server": "2001:db8::1", "echo-client-id": true, "match-client-id": false"#,
    r#""preferred-lifetime": "4000", "renew-timer": -1, "rebind-timer": 4294967296"#,
    r#""valid-lifetime": 10, "preferred-lifetime": 11"#,
    r#""preferred-lifetime": 10, "min-preferred-lifetime": 20, "max-preferred-lifetime": 5"#,
    r#""min-preferred-lifetime": 20, "max-preferred-lifetime": 30"#,
    r#""renew-timer": 3, "rebind-timer": 2"#,
    r#""t1-percent": 0.9"#,
    r#""interfaces-config": { "interfaces": [ "", "eth0", "eth0", "eth1", "eth1/2001:db8::1" ] }"#,
    r#""interfaces-config": { "interfaces": [ "*", "*", "*/::1", "eth0/", "eth0/10.0.0.1" ] }"#,
    r#""interfaces-config": { "interfaces": [ "a/2001:db8::1", " a / 2001:DB8::1", "a/ff02::1:2", "a/::" ] }"#,
    r#""interfaces-config": { "dhcp-socket-type": "udp", "outbound-interface": "same-as-inbound" }"#,
    r#""lease-database": { "type": "mysql", "host": "x" }"#,
    r#""data-directory": 7"#,
    r#""mac-sources": [ "dui", "raw", "raw", "rfc6939", "client-link-addr-option", "ANY" ]"#,
    r#""mac-sources": "any""#,
    r#""mac-sources": [ 1, "any" ]"#,
    r#""relay-supplied-options": [ "-1", "65536", "dns-server", "", "0x20", "99999999999999999999" ]"#,
    r#""relay-supplied-options": [ 65 ]"#,
    r#""server-id": { "identifier": "01" }"#,
    r#""server-id": { "type": "llt", "identifier": "0g", "htype": 65536, "time": -1 }"#,
    r#""server-id": { "type": "EN", "htype": 1, "time": 1, "identifier": "'ab'", "enterprise-id": 4294967296 }"#,
    r#""server-id": { "type": "LL", "enterprise-id": 1, "time": 1, "persist": "no", "enterprize-id": 2 }"#,
    r#""server-id": { "type": "DUID-LL", "identifier": 1 }, "server-id ": {}"#,
    r#""host-reservation-identifiers": [ "circuit-id", "duid", "duid", "auto" ]"#,
    r#""dhcp-ddns": { "enable-updates": true }"#,
    r#""allocator": "flq", "pd-allocator": "random", "cache-threshold": 0.25, "dhcp4o6-port": 786"#,
    r#""offer-lifetime": 0, "authoritative": true, "stash-agent-options": false"#,
    r#""hooks-libraries": [ { "library": "x" } ], "control-socket": { "socket-type": "unix" }"#,
    r#""client-classes": [ { "name": "x" } ], "shared-networks": [ {} ]"#,
    r#""store-extended-info": true, "hosts-databases": [ {} ]"#,
    r#""compatibility": { "ignore-rai-link-selection": true }"#,
    r#""allow-address-registration": "no", "subnet4": []"#,
    r#""loggers": [ { "name": "", "sevrity": "INFO" } ]"#,
    r#""option-def": [ { "name": "dns-servers", "code": 23, "type": "uint8" } ]"#,
    r#""option-def": [ { "name": "a", "code": 65536, "type": "uint8" }, { "name": "b", "code": 0, "type": "uint8" } ]"#,
    r#""option-def": [ { "name": "a", "code": 1222, "type": "unit8", "space": "dhcp6" } ]"#,
    r#""option-def": [ { "name": "a", "code": 1222, "type": "uint8" }, { "name": "a", "code": 1223, "type": "uint8" } ], "subnet6": {}"#,
];

/// Entries of `option-data`.
const OPTIONS: [&str; 10] = [
    r#"{ "name": "dns-server", "data": "2001:db8::1" }"#,
    r#"{ "name": "dns-servers", "code": 24, "data": "2001:db8::1" }"#,
    r#"{ "code": 0, "data": "00" }, { "code": 65536 }, { "code": -1 }, { "code": "3" }"#,
    r#"{ "code": 1254, "csv-format": true, "data": "00" }, { "code": 1253, "data": "zz" }"#,
    r#"{ "name": "dns-servers", "data": "192.0.2.1" }"#,
    r#"{ "name": "routers", "space": "dhcp4", "data": "192.0.2.1" }"#,
    r#"{ "name": "preference", "data": "256" }, { "name": "preference", "data": "1, 2" }"#,
    r#"{ "code": 1, "space": "vendor-4294967296", "data": "00" }, { "name": "x", "space": "vendor-9" }"#,
    r#"{ "name": "serverid", "csv-format": false, "data": "01" }, { "code": 14, "csv-format": false }"#,
    r#"{ "name": "dns-servers", "data": "2001:db8::1", "client-classes": [ "a" ], "never-send": 1 }"#,
];

/// Entries of `subnet6`.
const SUBNETS: [&str; 26] = [
    r#"{ "id": 1 }"#,
    r#"{ "id": 1, "subnet": "2001:db8::" }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/129" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24" }"#,
    r#"{ "id": 1, "subnet": "2001:db8::1/64" }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64" }, { "id": 1, "subnet": "2001:db8:1::/64" }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64" }, { "id": 2, "subnet": "2001:db8:0:0:1::/64" }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64" }, { "subnet": "2001:db8:1::/64" }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "pools": [ { "pool": "2001:db8::9 - 2001:db8::1" } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "pools": [ { "pool": "2001:db8::9" }, { "pool": "2001:db8::/129" }, {} ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "pools": [ { "pool": "2001:db8::/63" }, { "pool": "::1 - ::2" } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "pools": [ { "pool": "2001:db8::5-2001:db8::9" }, { "pool": "2001:db8::/125" }, { "pool": "2001:db8::9/128" } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "pd-pools": [ {} ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "pd-pools": [ { "prefix": "3000::/32", "prefix-len": 0, "delegated-len": 129 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "pd-pools": [ { "prefix": "3000::", "prefix-len": 64, "delegated-len": 63 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "pd-pools": [ { "prefix": "10.0.0.0", "prefix-len": 8, "delegated-len": 64, "pool": "x" } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "pd-pools": [ { "prefix": "3000::", "prefix-len": 32, "delegated-len": 64, "excluded-prefix": "3000::", "excluded-prefix-len": 64 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "pd-pools": [ { "prefix": "3000::", "prefix-len": 32, "delegated-len": 64, "excluded-prefix": "3000:0:0:1::", "excluded-prefix-len": 72 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "pd-pools": [ { "prefix": "3000::", "prefix-len": 32, "delegated-len": 64, "excluded-prefix": "3000::" }, { "prefix": "3001::", "prefix-len": 32, "delegated-len": 64, "excluded-prefix-len": 72 }, { "prefix": "3002::", "prefix-len": 32, "delegated-len": 64, "excluded-prefix": "x", "excluded-prefix-len": 129 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "pools": [ { "pool": "2001:db8::/80" } ], "pd-pools": [ { "prefix": "2001:db8::", "prefix-len": 60, "delegated-len": 64 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "pd-pools": [ { "prefix": "3000::", "prefix-len": 32, "delegated-len": 64 } ] }, { "id": 2, "subnet": "2001:db9::/64", "pd-pools": [ { "prefix": "3000::", "prefix-len": 48, "delegated-len": 56 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "interface": "eth0", "interface-id": "port" }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "relay": { "ip-address": "10.0.0.1", "ip-addresses": [ "::1", "::1" ] } }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "preferred-lifetime": 7201 }, { "id": 2, "subnet": "2001:db9::/64", "valid-lifetime": 4, "min-preferred-lifetime": 5 }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/64", "rapid-commit": 1, "client-class": "a", "match-client-id": true }"#,
    r#"7, { "id": "1", "subnet": 5, "interface-id": 7, "pd-pools": [ [] ] }"#,
];

/// Entries of `reservations`, in a subnet.
const HOSTS: [&str; 14] = [
    r#"{}"#,
    r#"{ "duid": "01", "hw-address": "01", "hostname": "x" }"#,
    r#"{ "client-id": "01:02", "ip-address": "2001:db8::1" }"#,
    r#"{ "duid": "01", "ip-addresses": [ "192.0.2.1", "ff02::1", "::", 7 ] }"#,
    r#"{ "duid": "01", "ip-addresses": [ "2001:db8:1::1", "2001:db8::1", "2001:db8::1" ] }"#,
    r#"{ "duid": "01", "ip-addresses": [ "2001:db8::1" ] }, { "duid": "02", "ip-addresses": [ "2001:db8::1" ] }"#,
    r#"{ "duid": "01", "prefixes": [ "2001:db8::", "2001:db8::/129", "::/56", "ff00::/8", "x/56" ] }"#,
    r#"{ "duid": "01", "prefixes": [ "2001:db8::1/56" ] }"#,
    r#"{ "duid": "01", "prefixes": [ "2001:db8:8::/48" ] }, { "duid": "02", "prefixes": [ "2001:db8:8:8::/64" ] }"#,
    r#"{ "duid": "01", "prefixes": [ "2001:db8:8::/48" ] }, { "hw-address": "01", "prefixes": [ "2001:db8:8::/48" ] }"#,
    r#"{ "duid": "01", "prefixes": [ "2001:db8::/64" ] }, { "duid": "02", "ip-addresses": [ "2001:db8::5" ] }"#,
    r#"{ "duid": "01", "prefixes": [ "2001:db8:8::/48" ], "excluded-prefixes": [ "2001:db8:9::/64", "" ] }"#,
    r#"{ "duid": "01", "prefixes": [ "2001:db8:8::/48" ], "excluded-prefixes": [ "2001:db8:8::/48" ] }"#,
    r#"{ "duid": "01", "hostname": "x", "option-data": [ { "name": "dns-servers", "data": "x" } ], "next-server": "1" }"#,
];

/// Entries of `client-classes`.
const CLASSES: [&str; 4] = [
    r#"{ "name": "a", "test": "pkt4.mac == 0x01" }, { "name": "b", "test": "relay4[1].exists" }"#,
    r#"{ "name": "a", "preferred-lifetime": 5, "min-preferred-lifetime": 9 }"#,
    r#"{ "name": "a", "next-server": "192.0.2.1", "boot-file-name": "x", "offer-lifetime": 5 }"#,
    r#"{ "name": "a", "option-def": [ { "name": "x", "code": 1000, "type": "uint8" } ] }"#,
];

/// Whole files.
const FILES: [&str; 6] = [
    "{}",
    r#"{ "dhcp6": {} }"#,
    r#"{ "Dhcp4": {}, "Logging": {} }"#,
    r#"{ "Dhcp6": [] }"#,
    r#"{ "Dhcp6": { "loggers": [] }, "Logging": { "logers": [], "loggers": [] }, "Other": 1 }"#,
    r#"{ "Dhcp6": { "subnet6": [ 7, {} ], "option-data": [ 1, {} ], "option-def": [ [], {} ] } }"#,
];

#[test]
fn every_mistake_is_named_with_its_place_and_a_remedy() {
    let mut text = String::new();
    let mut add = |source: &str, findings: String| {
        writeln!(text, "{source}\n{findings}").expect("a string takes all text");
        assert!(!findings.is_empty(), "{source}");
    };
    GLOBAL.iter().for_each(|members| add(members, read_members(members).1));
    for items in OPTIONS {
        add(items, read_members(&format!("\"option-data\": [ {items} ]")).1);
    }
    for items in CLASSES {
        add(items, read_members(&format!("\"client-classes\": [ {items} ]")).1);
    }
    for items in SUBNETS {
        add(items, read_members(&format!("\"subnet6\": [ {items} ]")).1);
    }
    for items in HOSTS {
        add(items, read_members(&subnet(&format!("\"reservations\": [ {items} ]"))).1);
    }
    let in_pools = r#""reservations-out-of-pool": true, "pools": [ { "pool": "2001:db8::/64" } ],
        "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 40, "delegated-len": 56 } ],
        "reservations": [ { "duid": "01", "ip-addresses": [ "2001:db8::1", "2001:db8:0:1::1" ],
            "prefixes": [ "2001:db8:8000::/48", "2001:db8:9000::/48" ] } ]"#;
    add(in_pools, read_members(&subnet(in_pools)).1);
    FILES.iter().for_each(|source| add(source, read_file(source).1));
    insta::assert_snapshot!(text);
}

#[test]
fn a_file_with_an_error_gives_no_configuration() {
    let all = GLOBAL.iter().map(|members| read_members(members));
    for (config, findings) in all.chain(FILES.iter().map(|source| read_file(source))) {
        assert_eq!(config.is_none(), findings.contains(" error: "), "{findings}");
    }
}

#[test]
fn a_host_has_a_limited_number_of_resources_and_classes() {
    for (key, noun) in [("prefixes", "addresses and prefixes"), ("client-classes", "classes")] {
        for (count, fits) in [(256, true), (257, false)] {
            let item = |number| match key {
                "prefixes" => format!("\"2001:db8:{number:x}::/48\""),
                _ => format!("\"c{number}\""),
            };
            let items: Vec<String> = (1..=count).map(item).collect();
            let host = format!(r#"{{ "duid": "01", "{key}": [ {} ] }}"#, items.join(", "));
            let (config, findings) =
                read_members(&subnet(&format!("\"reservations\": [ {host} ]")));
            assert_eq!(config.is_some(), fits, "{count}: {findings}");
            assert_eq!(findings.contains(&format!("at most 256 {noun}")), !fits, "{findings}");
        }
    }
}
