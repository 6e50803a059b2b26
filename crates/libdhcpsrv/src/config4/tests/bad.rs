//! Files that are refused or criticised: one row each, with what is said about it.

use std::fmt::Write;

use super::{read_file, read_members};

/// Members of `Dhcp4`.
const GLOBAL: [&str; 50] = [
    r#""valid-lifetme": 1"#,
    r#""valid-lifetime": "4000", "renew-timer": -1, "rebind-timer": 4294967296"#,
    r#""valid-lifetime": 10, "min-valid-lifetime": 20, "max-valid-lifetime": 5"#,
    r#""renew-timer": 3, "rebind-timer": 2"#,
    r#""calculate-tee-times": true, "t1-percent": 0.9"#,
    r#""t1-percent": 0, "t2-percent": 1.5"#,
    r#""next-server": "2001:db8::1""#,
    r#""next-server": 5, "echo-client-id": "yes", "match-client-id": 1"#,
    r#""server-hostname": "0123456789012345678901234567890123456789012345678901234567890123""#,
    r#""interfaces-config": { "interfaces": [ "", "eth0", "eth0", "eth1", "eth1/10.0.0.1" ] }"#,
    r#""interfaces-config": { "interfaces": [ "*", "*", "*/10.0.0.1", "eth0/", "eth0/::1" ] }"#,
    r#""interfaces-config": { "interfaces": [ "a/10.0.0.1", " a / 10.0.0.1", "a" ], "re-detct": 1 }"#,
    r#""interfaces-config": { "interfaces": "eth0", "dhcp-socket-type": "raws" }"#,
    r#""lease-database": { "type": "mysql", "host": "x" }"#,
    r#""lease-database": { "type": "mysql", "name": "", "connect-timeout": 0 }"#,
    r#""lease-database": { "type": "postgresql", "read-timeout": 5, "write-timeout": 5, "name": 5 }"#,
    r#""lease-database": { "type": "mysql", "name": "k", "tcp-user-timeout": 5, "readonly": true }"#,
    r#""lease-database": { "type": "mysql", "name": "k", "persist": false, "lfc-interval": 0, "durability": "kernel" }"#,
    r#""lease-database": { "type": "mysql", "name": "k", "password": 1234, "user": "a\u0000b", "on-fail": "exit" }"#,
    r#""lease-database": { "type": "mysql", "name": "k", "cert-file": "c", "cipher-list": "x", "ssl-mode": "prefer" }"#,
    r#""lease-database": { "type": "mysql", "name": "k", "key-file": "k", "password-file": "p", "contact-points": "x" }"#,
    r#""lease-database": { "type": "mysql", "name": "k", "max-reconnect-tries": 3, "cipher-list": "x" }"#,
    r#""lease-database": { "type": "cql", "keyspace": "keatest", "contact-points": "127.0.0.1" }"#,
    r#""lease-database": { "type": "memfile", "host": "h", "password": "p", "readonly": true, "connect-timeout": 0 }"#,
    r#""hosts-database": { "type": "memfile", "name": "x" }, "hosts-databases": [ { "type": "cql" }, { "type": "mysql" }, 7, {} ]"#,
    r#""hosts-database": {}, "hosts-databases": {}, "host-cache-size": -1, "host-cache-time": "5""#,
    r#""hosts-database": { "type": "mysql", "name": "x", "persist": true, "durability": "disk", "readonly": "yes" }"#,
    r#""lease-database": { "persist": "no", "lfc-interval": -1, "durability": "disc" }"#,
    r#""lease-database": { "type": "memfiel" }"#,
    r#""expired-leases-processing": { "reclaim-timer-wait-time": 65536, "max-reclaim-time": 10001 }"#,
    r#""multi-threading": { "thread-pool-size": -1, "enable-multi-threading": 1 }"#,
    r#""sanity-checks": { "lease-checks": "fixdel" }"#,
    r#""host-reservation-identifiers": [ "hw-addres", "duid", "duid", "auto" ]"#,
    r#""host-reservation-identifiers": []"#,
    r#""dhcp-ddns": { "enable-updates": true }, "ddns-replace-client-name": "always""#,
    r#""dhcp-ddns": { "server-ip": "127.0.0.1" }, "ddns-qualifying-suffix": "example.org""#,
    r#""allocator": "flq", "cache-threshold": 0.25, "offer-lifetime": 60, "dhcp4o6-port": 786"#,
    r#""hooks-libraries": [ { "library": "x" } ], "control-socket": { "socket-type": "unix" }"#,
    r#""client-classes": {}, "shared-networks": [ {} ]"#,
    r#""hosts-database": { "type": "mysql" }, "hosts-databases": [ {} ], "config-control": { "a": 1 }"#,
    r#""version": "1", "dhcp-queue-control": { "enable-queue": true }"#,
    r#""loggers": [ { "severity": "LOUD", "debuglevel": 100 } ]"#,
    r#""loggers": [ { "name": "", "sevrity": "INFO", "output_options": [ { "maxsize": -1 } ] } ]"#,
    r#""loggers": [ { "name": "a", "output_options": [ { "output": "", "maxsiz": 1 } ], "output-options": [] } ]"#,
    r#""option-def": [ { "name": "routers", "code": 3, "type": "uint8" } ]"#,
    r#""option-def": [ { "name": "a b", "code": 222, "type": "uint8" }, { "code": 1 } ]"#,
    r#""option-def": [ { "name": "a", "code": 255, "type": "uint8" }, { "name": "b", "code": 222, "type": "unit8" } ]"#,
    r#""option-def": [ { "name": "a", "code": 222, "type": "record", "record-types": "uint8" }, { "name": "b", "code": 223, "type": "string", "array": true } ]"#,
    r#""option-def": [ { "name": "a", "code": 222, "type": "uint8" }, { "name": "a", "code": 223, "type": "uint8" }, { "name": "b", "code": 222, "type": "uint8" } ]"#,
    r#""option-def": [ { "name": "a", "code": 222, "type": "empty", "encapsulate": "dhcp4" } ], "subnet4": {}"#,
];

/// Entries of `option-data`.
const OPTIONS: [&str; 24] = [
    r#"{}"#,
    r#"{ "name": "domain-name-server", "data": "192.0.2.1" }"#,
    r#"{ "name": "domain name", "data": "x" }"#,
    r#"{ "name": "routers", "code": 6, "data": "192.0.2.1" }"#,
    r#"{ "code": 0, "data": "00" }, { "code": 255 }, { "code": 256 }, { "code": "3" }"#,
    r#"{ "code": 254, "csv-format": true, "data": "00" }"#,
    r#"{ "code": 254, "data": "zz" }, { "code": 253, "data": 5 }"#,
    r#"{ "name": "routers", "data": "192.0.2.256" }"#,
    r#"{ "name": "routers", "csv-format": false, "data": "192.0.2.1" }"#,
    r#"{ "name": "boot-size", "data": "65536" }, { "name": "ip-forwarding", "data": "maybe" }"#,
    r#"{ "name": "domain-name", "data": "" }, { "name": "boot-size", "data": "x" }"#,
    r#"{ "name": "domain-name", "data": "a, b" }"#,
    r#"{ "name": "client-ndi", "data": "1, 2" }"#,
    r#"{ "name": "routers", "space": "dhcp6", "data": "192.0.2.1" }"#,
    r#"{ "code": 1, "space": "-x", "data": "00" }, { "name": "y", "space": "x", "data": "00" }"#,
    r#"{ "name": "dhcp-lease-time", "data": "5" }, { "code": 53, "data": "1" }"#,
    r#"{ "name": "routers", "data": "192.0.2.1", "client-classes": "a" }"#,
    r#"{ "name": "domain-name", "data": "a" }, { "name": "domain-name", "data": "b" }"#,
    r#"{ "code": 1, "space": "own", "data": "01", "client-classes": [ "a" ] }"#,
    r#"{ "name": "vivco-suboptions", "data": "9, 0561" }, { "name": "vivso-suboptions" }"#,
    r#"{ "name": "routers", "csv-format": false, "data": "c0000201 c0" }"#,
    r#"{ "name": "v4-dnr", "data": "1, a.example, 192.0.2.1, alpn=h2" }"#,
    r#"{ "name": "routers", "dta": "192.0.2.1" }"#,
    r#"{ "name": "routers", "always-send": "yes", "data": "1.1.1.1" }"#,
];

/// Entries of `subnet4`.
const SUBNETS: [&str; 21] = [
    r#"{ "id": 1 }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/33" }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/32" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.1/24" }"#,
    r#"{ "id": 4294967295, "subnet": "192.0.2.0/24" }, { "id": -1, "subnet": "192.0.3.0/24" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24" }, { "id": 1, "subnet": "192.0.3.0/24" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24" }, { "subnet": "192.0.3.0/24" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24" }, { "id": 2, "subnet": "192.0.2.9/24" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.9 - 192.0.2.1" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.9" }, { "pool": "192.0.2.0/33" }, {} ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.1.255 - 192.0.2.1" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.5-192.0.2.9" }, { "pool": "192.0.2.0/29" }, { "pool": "192.0.2.9/32" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.0/29", "poolid": 1, "option-data": [ {} ], "client-class": "a" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "relay": { "ip-address": "x", "ip-addresses": [ "192.0.2.1", "192.0.2.1" ] } }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "relay": { "ip-addres": "192.0.2.1" } }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "min-valid-lifetime": 1, "max-valid-lifetime": 2 }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "client-class": "a", "4o6-interface": "e" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "reservation-mode": "out-of-pools", "allocator": "random" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "calculate-tee-times": true, "t2-percent": 0.2, "interface": [] }"#,
    r#"7, { "id": "1", "subnet": 5, "subnt": 1 }"#,
];

/// Entries of `client-classes`.
const CLASSES: [&str; 18] = [
    r#"{}, { "name": "" }, { "name": 5, "tst": "x" }, 7"#,
    r#"{ "name": "a" }, { "name": "b", "test": "option[12].exists" }, { "name": "a" }"#,
    r#"{ "name": "a", "test": "option[12].exits" }"#,
    r#"{ "name": "a", "test": "option[60].hex = 'x'" }"#,
    r#"{ "name": "a", "test": "option[host-nam].exists" }, { "name": "b", "test": "" }"#,
    r#"{ "name": "a", "test": "option[60].hex" }, { "name": "b", "test": true }"#,
    r#"{ "name": "a", "test": "pkt6.msgtype == 1" }, { "name": "b", "test": "'a' ==\n  'b' and" }"#,
    r#"{ "name": "gold" }, { "name": "b", "test": "member('glod')" }, { "name": "c", "test": "member('c')" }"#,
    r#"{ "name": "b", "test": "member('later')" }, { "name": "later" }"#,
    r#"{ "name": "b", "test": "member('SPAWN_a_b') or member('DROP')" }"#,
    r#"{ "name": "a", "test": "option[12].exists", "template-test": "option[12].hex" }"#,
    r#"{ "name": "a", "template-test": "option[12].exists" }, { "name": "b", "template-test": "" }"#,
    r#"{ "name": "KNOWN", "test": "option[12].exists" }, { "name": "ALL", "template-test": "option[12].hex" }"#,
    r#"{ "name": "UNKNOWN", "only-in-additional-list": true }, { "name": "DROP", "only-if-required": true }"#,
    r#"{ "name": "a", "only-if-required": true, "only-in-additional-list": true }, { "name": "b", "only-in-additional-list": "yes" }"#,
    r#"{ "name": "a", "only-in-additional-list": true, "valid-lifetime": 5 }, { "name": "b", "offer-lifetime": 5, "min-valid-lifetime": 9, "max-valid-lifetime": 3 }"#,
    r#"{ "name": "a", "next-server": "255.255.255.255" }, { "name": "b", "next-server": "::1" }, { "name": "c", "preferred-lifetime": 5 }"#,
    r#"{ "name": "a", "option-def": [ { "name": "x", "code": 222, "type": "uint8" }, { "name": "y", "code": 225, "type": "unit8" }, { "name": "z", "code": 225, "type": "uint8" } ], "option-data": [ { "name": "x", "data": "x" } ] }"#,
];

/// Entries of `reservations`, in a subnet.
const HOSTS: [&str; 16] = [
    r#"{}"#,
    r#"{ "hw-address": "01:02" }, { "hostname": "x" }"#,
    r#"{ "hw-address": "01:02", "duid": "01", "hostname": "x" }"#,
    r#"{ "hw-address": "01:0g", "hostname": "x" }, { "client-id": "x", "hostname": "x" }"#,
    r#"{ "hw-address": "", "hostname": "x" }, { "client-id": "'a'", "hostname": "x" }"#,
    r#"{ "hw-address": "010203040506070809101112131415161718192021", "hostname": "x" }"#,
    r#"{ "hw-address": 5, "hostname": [ "x" ], "ip-addres": "192.0.2.1" }"#,
    r#"{ "duid": "01:02", "hostname": "x" }, { "duid": "0x0102", "hostname": "y" }"#,
    r#"{ "duid": "01", "ip-address": "192.0.2.256" }, { "duid": "02", "ip-address": "2001:db8::1" }"#,
    r#"{ "duid": "01", "ip-address": "0.0.0.0" }, { "duid": "02", "ip-address": "255.255.255.255" }"#,
    r#"{ "duid": "01", "ip-address": "192.0.3.1" }"#,
    r#"{ "duid": "01", "ip-address": "192.0.2.1" }, { "duid": "02", "ip-address": "192.0.2.1" }"#,
    r#"{ "duid": "01", "next-server": "x", "option-data": [ { "name": "routers", "data": "x" } ] }"#,
    r#"{ "duid": "01", "client-classes": [ "a", "", "a" ] }, { "duid": "02", "client-classes": [] }"#,
    r#"{ "duid": "01", "user-context": { "a": 1 }, "comment": "nothing" }"#,
    r#"7, { "duid": "01", "ip-addresses": [ "192.0.2.1" ] }"#,
];

/// Subnets with reservations, and the members of `Dhcp4` around them.
const MODES: [(&str, &str); 5] = [
    (r#""reservation-mode": "out-of-pool", "reservations-global": false"#, ""),
    (r#""reservation-mode": "disabled""#, ""),
    ("", r#""reservation-mode": "none", "ip-reservations-unique": "no""#),
    ("", r#""reservations-in-subnet": false, "reservations-global": 1"#),
    (
        r#""reservations-out-of-pool": true"#,
        r#""reservations": [ { "duid": "01", "hostname": "x" } ]"#,
    ),
];

/// Whole files.
const FILES: [&str; 8] = [
    r#"{ "Dhcp4": { "subnet4": [ 7, {} ], "option-data": [ 1, {} ], "option-def": [ [], {} ], "loggers": [ null, {} ] } }"#,
    "[]",
    "{}",
    r#"{ "dhcp4": {} }"#,
    r#"{ "Dhcp6": {}, "Logging": {} }"#,
    r#"{ "Dhcp4": [] }"#,
    r#"{ "Dhcp4": { "loggers": [] }, "Logging": { "logers": [], "loggers": [] }, "Other": 1 }"#,
    r#"{ "Dhcp4": { "valid-lifetime": 1, "valid-lifetime": 2, "renew-timer": x } }"#,
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
    for items in SUBNETS {
        add(items, read_members(&format!("\"subnet4\": [ {items} ]")).1);
    }
    for items in CLASSES {
        add(items, read_members(&format!("\"client-classes\": [ {items} ]")).1);
    }
    for items in HOSTS {
        add(items, read_members(&in_subnet("", &format!("\"reservations\": [ {items} ]"))).1);
    }
    for (members, global) in MODES {
        let host = r#""reservations": [ { "duid": "01", "ip-address": "192.0.2.7" } ]"#;
        let members = if members.is_empty() { host } else { &format!("{members}, {host}") };
        let source = in_subnet(global, members);
        add(&source, read_members(&source).1);
    }
    FILES.iter().for_each(|source| add(source, read_file(source).1));
    insta::assert_snapshot!(text);
}

/// A subnet with a pool and further members, after those of the global scope.
fn in_subnet(global: &str, members: &str) -> String {
    let global = if global.is_empty() { String::new() } else { format!("{global},\n") };
    format!(
        "{global}\"subnet4\": [ {{ \"id\": 1, \"subnet\": \"192.0.2.0/24\",\n\
         \"pools\": [ {{ \"pool\": \"192.0.2.0/28\" }} ],\n{members} }} ]"
    )
}

#[test]
fn a_file_with_an_error_gives_no_configuration() {
    let all = GLOBAL.iter().map(|members| read_members(members));
    for (config, findings) in all.chain(FILES.iter().map(|source| read_file(source))) {
        assert_eq!(config.is_none(), findings.contains(" error: "), "{findings}");
    }
}

#[test]
fn a_thousand_errors_are_told_and_the_rest_counted() {
    let subnet = r#"{ "id": 0, "subnet": "x", "pols": [], "valid-lifetime": -1 }"#;
    let subnets = vec![subnet; 500].join(",\n");
    let (config, findings) = read_members(&format!("\"subnet4\": [ {subnets} ]"));
    assert!(config.is_none());
    assert_eq!(findings.lines().filter(|line| line.contains(" error: ")).count(), 1000);
    assert!(findings.ends_with("500 more errors are not shown\n"), "{}", findings.len());
}

#[test]
fn clients_to_explain_are_digits() {
    let (config, findings) = read_members(r#""explain-clients": [ "02:0:0:0:0:01", "0xff" ]"#);
    assert_eq!(findings, "");
    let clients = config.expect("all is well").explained_clients;
    assert!(clients.contains(&[2, 0, 0, 0, 0, 1]) && clients.contains(&[0xff]));
    assert!(!clients.contains(&[2, 0, 0, 0, 0]) && !clients.is_empty());
    let (config, findings) = read_members(r#""explain-clients": [ "", "joe" ]"#);
    assert!(config.is_none());
    for expected in [
        "'explain-clients' must be hexadecimal digits, found ''",
        "'explain-clients' must be hexadecimal digits, found 'joe'",
        "write a hardware address, client identifier or DUID as '00:1a:2b:3c:4d:5e'",
    ] {
        assert!(findings.contains(expected), "{findings}");
    }
}
