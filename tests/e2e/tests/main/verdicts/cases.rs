//! Configurations that have, or nearly have, a mistake which no change of a single value makes:
//! references, overlaps, repetitions, and data of options.

use e2e::mutants::Mutant;

/// Types of options, each as members of a definition.
const TYPES: [&str; 19] = [
    r#""type": "binary""#,
    r#""type": "boolean""#,
    r#""type": "empty""#,
    r#""type": "fqdn""#,
    r#""type": "int16""#,
    r#""type": "ipv4-address""#,
    r#""type": "ipv6-address""#,
    r#""type": "ipv6-prefix""#,
    r#""type": "psid""#,
    r#""type": "string""#,
    r#""type": "tuple""#,
    r#""type": "uint16""#,
    r#""type": "uint16", "array": true"#,
    r#""type": "fqdn", "array": true"#,
    r#""type": "ipv4-address", "array": true"#,
    r#""type": "tuple", "array": true"#,
    r#""type": "record", "record-types": "uint8, string""#,
    r#""type": "record", "record-types": "boolean, ipv4-address""#,
    r#""type": "record", "record-types": "uint8, uint16", "array": true"#,
];

/// Data of an option, as members of `option-data`.
const DATA: [&str; 20] = [
    r#""data": """#,
    r#""data": "-1""#,
    r#""data": "+1""#,
    r#""data": "7""#,
    r#""data": "0x7""#,
    r#""data": "256""#,
    r#""data": "true""#,
    r#""data": "192.0.2.1""#,
    r#""data": "192.0.2.256""#,
    r#""data": "2001:db8::1""#,
    r#""data": "2001:db8::/32""#,
    r#""data": "2001:db8::/129""#,
    r#""data": "3/4""#,
    r#""data": "a.example.org""#,
    r#""data": "a..b""#,
    r#""data": "1, 2""#,
    r#""data": "0102", "csv-format": false"#,
    r#""data": "", "csv-format": false"#,
    r#""data": "'x'", "csv-format": false"#,
    r#""csv-format": true"#,
];

/// Definitions of options.
const DEFINITIONS: [&str; 22] = [
    r#"{ "name": "a", "code": 222, "type": "uint8" }, { "name": "a", "code": 223, "type": "uint8" }"#,
    r#"{ "name": "a", "code": 222, "type": "uint8" }, { "name": "b", "code": 222, "type": "uint8" }"#,
    r#"{ "name": "a", "code": 222, "type": "uint8" }, { "name": "a", "code": 222, "type": "uint8", "space": "x" }"#,
    r#"{ "name": "a", "code": 222, "type": "unit8" }"#,
    r#"{ "name": "a", "code": 222, "type": "record" }"#,
    r#"{ "name": "a", "code": 222, "type": "record", "record-types": "" }"#,
    r#"{ "name": "a", "code": 222, "type": "record", "record-types": "uint8" }"#,
    r#"{ "name": "a", "code": 222, "type": "record", "record-types": "uint8, unit8" }"#,
    r#"{ "name": "a", "code": 222, "type": "record", "record-types": "string, uint8" }"#,
    r#"{ "name": "a", "code": 222, "type": "record", "record-types": "uint8, empty" }"#,
    r#"{ "name": "a", "code": 222, "type": "record", "record-types": "uint8, record" }"#,
    r#"{ "name": "a", "code": 222, "type": "uint8", "record-types": "uint8" }"#,
    r#"{ "name": "a", "code": 222, "type": "string", "array": true }"#,
    r#"{ "name": "a", "code": 222, "type": "binary", "array": true }"#,
    r#"{ "name": "a", "code": 222, "type": "empty", "array": true }"#,
    r#"{ "name": "a", "code": 222, "type": "boolean", "array": true }"#,
    r#"{ "name": "a", "code": 222, "type": "uint8", "array": true, "encapsulate": "x" }"#,
    r#"{ "name": "a", "code": 222, "type": "uint8", "encapsulate": "x" }"#,
    r#"{ "name": "a b", "code": 222, "type": "uint8" }"#,
    r#"{ "name": "-a", "code": 222, "type": "uint8" }"#,
    r#"{ "name": "a", "code": 222, "type": "uint8", "space": "x y" }"#,
    r#"{ "name": "a", "code": 222, "type": "uint8", "space": "x", "encapsulate": "x" }"#,
];

/// Members of `Dhcp4`.
const GLOBAL4: [&str; 35] = [
    r#""valid-lifetime": 10, "min-valid-lifetime": 20"#,
    r#""valid-lifetime": 10, "max-valid-lifetime": 5"#,
    r#""min-valid-lifetime": 10, "max-valid-lifetime": 5"#,
    r#""renew-timer": 3, "rebind-timer": 2"#,
    r#""renew-timer": 3, "rebind-timer": 2, "valid-lifetime": 1"#,
    r#""calculate-tee-times": true, "t1-percent": 0.9, "t2-percent": 0.8"#,
    r#""t1-percent": 0, "t2-percent": 1"#,
    r#""reservation-mode": "all", "reservations-global": true"#,
    r#""reservations-out-of-pool": true, "reservations-in-subnet": false"#,
    r#""host-reservation-identifiers": [ "auto" ]"#,
    r#""host-reservation-identifiers": [ "auto", "duid" ]"#,
    r#""host-reservation-identifiers": [ "duid", "duid" ]"#,
    r#""interfaces-config": { "interfaces": [ "lo", "lo" ] }"#,
    r#""interfaces-config": { "interfaces": [ "*", "lo" ] }"#,
    r#""interfaces-config": { "interfaces": [ "lo/127.0.0.1" ] }"#,
    r#""interfaces-config": { "interfaces": [ "lo/127.0.0.1", "lo/127.0.0.1" ] }"#,
    r#""interfaces-config": { "interfaces": [ "lo/::1" ] }"#,
    r#""interfaces-config": { "interfaces": [ "/127.0.0.1" ] }"#,
    r#""option-data": [ { "name": "routers", "data": "192.0.2.1" }, { "name": "routers", "data": "192.0.2.2" } ]"#,
    r#""option-data": [ { "name": "routers", "code": 6, "data": "192.0.2.1" } ]"#,
    r#""option-data": [ { "name": "routers", "space": "dhcp6", "data": "192.0.2.1" } ]"#,
    r#""option-data": [ { "name": "routers", "space": "nowhere", "data": "192.0.2.1" } ]"#,
    r#""option-data": [ { "name": "unknown-name", "data": "192.0.2.1" } ]"#,
    r#""option-data": [ { "code": 250, "data": "0102" } ]"#,
    r#""option-data": [ { "code": 250, "csv-format": true, "data": "0102" } ]"#,
    r#""option-data": [ { "code": 256, "data": "0102" } ]"#,
    r#""option-data": [ { "code": 0, "data": "0102" } ]"#,
    r#""option-data": [ { "code": 255, "data": "0102" } ]"#,
    r#""option-data": [ { "data": "0102" } ]"#,
    r#""option-def": [ { "name": "routers", "code": 3, "type": "uint8" } ]"#,
    r#""option-def": [ { "name": "domain-name", "code": 222, "type": "uint8" } ]"#,
    r#""option-def": [ { "name": "x", "code": 0, "type": "uint8" } ]"#,
    r#""option-def": [ { "name": "x", "code": 255, "type": "uint8" } ]"#,
    r#""option-def": [ { "name": "x", "code": 222, "type": "empty", "encapsulate": "dhcp4" } ]"#,
    r#""option-def": [ { "name": "x", "code": 1, "type": "uint8", "space": "dhcp6" } ]"#,
];

/// Entries of `subnet4`.
const SUBNETS4: [&str; 36] = [
    r#"{ "subnet": "192.0.2.0/24" }, { "subnet": "192.0.3.0/24" }"#,
    r#"{ "id": 0, "subnet": "192.0.2.0/24" }, { "id": 0, "subnet": "192.0.3.0/24" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24" }, { "id": 1, "subnet": "192.0.3.0/24" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24" }, { "subnet": "192.0.3.0/24" }"#,
    r#"{ "id": 4294967295, "subnet": "192.0.2.0/24" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24" }, { "id": 2, "subnet": "192.0.2.0/24" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24" }, { "id": 2, "subnet": "192.0.2.7/24" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24" }, { "id": 2, "subnet": "192.0.2.0/25" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/33" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/-1" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24x" }"#,
    r#"{ "id": 1, "subnet": "192.0.2/24" }"#,
    r#"{ "id": 1, "subnet": "0.0.0.0/0" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.1/32" }"#,
    r#"{ "id": 1, "subnet": "2001:db8::/32" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.9 - 192.0.2.1" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.9" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.9 - " } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.9-192.0.2.10-192.0.2.11" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.9-192.0.2.9" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.9/24" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.0/23" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.3.1-192.0.3.9" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.1.255-192.0.2.9" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.1-192.0.2.9" }, { "pool": "192.0.2.9-192.0.2.19" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.1-192.0.2.9" }, { "pool": "192.0.2.0/28" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "2001:db8::1-2001:db8::9" } ] }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "relay": { "ip-address": "192.0.2.1" } }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "relay": { "ip-address": "192.0.2.1", "ip-addresses": [ "192.0.2.2" ] } }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "relay": { "ip-addresses": [ "192.0.2.2", "192.0.2.2" ] } }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "relay": { "ip-addresses": [ "::1" ] } }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "interface": "nowhere0" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "reservation-mode": "out-of-pool" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24", "reservation-mode": "out-of-pools" }"#,
];

/// Entries of `reservations` of the subnet 192.0.2.0/24.
const HOSTS4: [&str; 30] = [
    r#"{ "ip-address": "192.0.2.9" }"#,
    r#"{ "hw-address": "01:02:03:04:05:06" }"#,
    r#"{ "hw-address": "01:02:03:04:05:06", "duid": "01", "ip-address": "192.0.2.9" }"#,
    r#"{ "hw-address": "01:02:03:04:05:0g", "ip-address": "192.0.2.9" }"#,
    r#"{ "hw-address": "01::03", "ip-address": "192.0.2.9" }"#,
    r#"{ "hw-address": "1:2:3:4:5:6", "ip-address": "192.0.2.9" }"#,
    r#"{ "hw-address": "010203040506", "ip-address": "192.0.2.9" }"#,
    r#"{ "hw-address": "'abcdef'", "ip-address": "192.0.2.9" }"#,
    r#"{ "hw-address": "01-02-03-04-05-06", "ip-address": "192.0.2.9" }"#,
    r#"{ "hw-address": "01 02 03 04 05 06", "ip-address": "192.0.2.9" }"#,
    r#"{ "hw-address": "0x010203040506", "ip-address": "192.0.2.9" }"#,
    r#"{ "hw-address": "01:02:03:04:05:06:07:08:09:10:11:12:13:14:15:16:17:18:19:20:21", "ip-address": "192.0.2.9" }"#,
    r#"{ "client-id": "01", "ip-address": "192.0.2.9" }"#,
    r#"{ "client-id": "''", "ip-address": "192.0.2.9" }"#,
    r#"{ "client-id": "'a'b'", "ip-address": "192.0.2.9" }"#,
    r#"{ "circuit-id": "'open", "ip-address": "192.0.2.9" }"#,
    r#"{ "duid": "01", "ip-address": "192.0.2.9" }"#,
    r#"{ "duid": "'ab'", "ip-address": "192.0.2.9" }"#,
    r#"{ "duid": "01:02:03", "ip-address": "0.0.0.0" }"#,
    r#"{ "duid": "01:02:03", "ip-address": "255.255.255.255" }"#,
    r#"{ "duid": "01:02:03", "ip-address": "192.0.3.9" }"#,
    r#"{ "duid": "01:02:03", "ip-address": "192.0.2.0" }"#,
    r#"{ "duid": "01:02:03", "ip-address": "2001:db8::1" }"#,
    r#"{ "duid": "01:02:03", "ip-address": "192.0.2.9" }, { "duid": "01:02:04", "ip-address": "192.0.2.9" }"#,
    r#"{ "duid": "01:02:03", "ip-address": "192.0.2.9" }, { "duid": "01:02:03", "ip-address": "192.0.2.8" }"#,
    r#"{ "hw-address": "01:02:03:04:05:06", "hostname": "a" }, { "hw-address": "010203040506", "hostname": "b" }"#,
    r#"{ "client-id": "01:02:03", "hostname": "a" }, { "client-id": "01:02:03", "hostname": "b" }"#,
    r#"{ "client-id": "01:02:03", "hostname": "a" }, { "circuit-id": "01:02:03", "hostname": "b" }"#,
    r#"{ "duid": "01:02:03", "hostname": "-" }"#,
    r#"{ "duid": "01:02:03", "client-classes": [ "" ] }"#,
];

/// Members of `Dhcp6`.
const GLOBAL6: [&str; 38] = [
    r#""valid-lifetime": 10, "min-valid-lifetime": 20"#,
    r#""valid-lifetime": 10, "max-valid-lifetime": 5"#,
    r#""preferred-lifetime": 10, "min-preferred-lifetime": 20"#,
    r#""preferred-lifetime": 10, "max-preferred-lifetime": 5"#,
    r#""preferred-lifetime": 10, "valid-lifetime": 5"#,
    r#""renew-timer": 3, "rebind-timer": 2"#,
    r#""calculate-tee-times": true, "t1-percent": 0.9, "t2-percent": 0.8"#,
    r#""reservation-mode": "all", "reservations-global": true"#,
    r#""host-reservation-identifiers": [ "auto" ]"#,
    r#""host-reservation-identifiers": [ "auto", "duid" ]"#,
    r#""host-reservation-identifiers": [ "client-id" ]"#,
    r#""interfaces-config": { "interfaces": [ "lo", "lo" ] }"#,
    r#""interfaces-config": { "interfaces": [ "*", "lo" ] }"#,
    r#""interfaces-config": { "interfaces": [ "lo/::1" ] }"#,
    r#""interfaces-config": { "interfaces": [ "lo/fe80::1" ] }"#,
    r#""interfaces-config": { "interfaces": [ "lo/127.0.0.1" ] }"#,
    r#""mac-sources": [ "duid", "duid" ]"#,
    r#""mac-sources": []"#,
    r#""relay-supplied-options": [ "65", "65" ]"#,
    r#""relay-supplied-options": [ "erp-local-domain-name" ]"#,
    r#""relay-supplied-options": [ "nothing" ]"#,
    r#""relay-supplied-options": [ "0" ]"#,
    r#""relay-supplied-options": [ "65536" ]"#,
    r#""server-id": { "type": "EN" }"#,
    r#""server-id": { "type": "EN", "enterprise-id": 7, "identifier": "0102" }"#,
    r#""server-id": { "type": "UUID", "identifier": "0102" }"#,
    r#""server-id": { "type": "LL", "htype": 65536 }"#,
    r#""server-id": { "type": "LL", "identifier": "x" }"#,
    r#""option-data": [ { "name": "dns-servers", "code": 7, "data": "2001:db8::1" } ]"#,
    r#""option-data": [ { "name": "dns-servers", "space": "dhcp4", "data": "2001:db8::1" } ]"#,
    r#""option-data": [ { "name": "unknown-name", "data": "2001:db8::1" } ]"#,
    r#""option-data": [ { "code": 0, "data": "0102" } ]"#,
    r#""option-data": [ { "code": 65535, "data": "0102" } ]"#,
    r#""option-data": [ { "code": 65536, "data": "0102" } ]"#,
    r#""option-data": [ { "code": 3, "data": "0102", "csv-format": false } ]"#,
    r#""option-def": [ { "name": "dns-servers", "code": 23, "type": "uint8" } ]"#,
    r#""option-def": [ { "name": "x", "code": 65536, "type": "uint8" } ]"#,
    r#""option-def": [ { "name": "x", "code": 222, "type": "empty", "encapsulate": "dhcp6" } ]"#,
];

/// Entries of `subnet6`.
const SUBNETS6: [&str; 40] = [
    r#"{ "subnet": "2001:db8:1::/64" }, { "subnet": "2001:db8:2::/64" }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64" }, { "id": 1, "subnet": "2001:db8:2::/64" }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64" }, { "id": 2, "subnet": "2001:db8:1::/64" }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64" }, { "id": 2, "subnet": "2001:db8:1::7/64" }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64" }, { "id": 2, "subnet": "2001:db8:1::/65" }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::" }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/129" }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::1/128" }"#,
    r#"{ "id": 1, "subnet": "::/0" }"#,
    r#"{ "id": 1, "subnet": "fe80::/64" }"#,
    r#"{ "id": 1, "subnet": "ff02::/64" }"#,
    r#"{ "id": 1, "subnet": "192.0.2.0/24" }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "interface": "lo", "interface-id": "x" }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "interface-id": "" }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pools": [ { "pool": "2001:db8:1::9 - 2001:db8:1::1" } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pools": [ { "pool": "2001:db8:1::9" } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pools": [ { "pool": "2001:db8:1::9/112" } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pools": [ { "pool": "2001:db8:1::/64" } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pools": [ { "pool": "2001:db8:1::/63" } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pools": [ { "pool": "2001:db8:2::/112" } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pools": [ { "pool": "2001:db8:1::/112" }, { "pool": "2001:db8:1::/120" } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pools": [ { "pool": "192.0.2.1-192.0.2.9" } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 48, "delegated-len": 40 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 48, "delegated-len": 48 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 0, "delegated-len": 48 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 128, "delegated-len": 128 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 129, "delegated-len": 129 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:8000::1", "prefix-len": 48, "delegated-len": 56 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:8000::/48", "prefix-len": 48, "delegated-len": 56 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 48, "delegated-len": 56 }, { "prefix": "2001:db8:8000::", "prefix-len": 56, "delegated-len": 64 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 48, "delegated-len": 56, "excluded-prefix": "2001:db8:9000::", "excluded-prefix-len": 64 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 48, "delegated-len": 56, "excluded-prefix": "2001:db8:8000::", "excluded-prefix-len": 56 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 48, "delegated-len": 56, "excluded-prefix": "2001:db8:8000::" } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 48, "delegated-len": 56, "excluded-prefix-len": 64 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 48, "delegated-len": 56, "excluded-prefix": "2001:db8:8000::1", "excluded-prefix-len": 64 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:1::", "prefix-len": 64, "delegated-len": 80 } ], "pools": [ { "pool": "2001:db8:1::/112" } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "fe80::", "prefix-len": 48, "delegated-len": 56 } ] }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "relay": { "ip-addresses": [ "192.0.2.2" ] } }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "relay": { "ip-address": "2001:db8::1", "ip-addresses": [ "2001:db8::2" ] } }"#,
    r#"{ "id": 1, "subnet": "2001:db8:1::/64", "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 48, "delegated-len": 56 } ], "pools": [ { "pool": "2001:db8:1::/112" } ], "rapid-commit": false }"#,
];

/// Entries of `reservations` of the subnet 2001:db8:1::/64.
const HOSTS6: [&str; 24] = [
    r#"{ "ip-addresses": [ "2001:db8:1::9" ] }"#,
    r#"{ "duid": "01:02:03" }"#,
    r#"{ "duid": "01:02:03", "hw-address": "01:02:03:04:05:06", "hostname": "a" }"#,
    r#"{ "duid": "01", "hostname": "a" }"#,
    r#"{ "duid": "01:0g:03", "hostname": "a" }"#,
    r#"{ "client-id": "01:02:03", "hostname": "a" }"#,
    r#"{ "duid": "01:02:03", "ip-addresses": [ "::" ] }"#,
    r#"{ "duid": "01:02:03", "ip-addresses": [ "fe80::1" ] }"#,
    r#"{ "duid": "01:02:03", "ip-addresses": [ "ff02::1" ] }"#,
    r#"{ "duid": "01:02:03", "ip-addresses": [ "2001:db8:9::9" ] }"#,
    r#"{ "duid": "01:02:03", "ip-addresses": [ "192.0.2.9" ] }"#,
    r#"{ "duid": "01:02:03", "ip-addresses": [ "2001:db8:1::9", "2001:db8:1::9" ] }"#,
    r#"{ "duid": "01:02:03", "ip-addresses": [ "2001:db8:1::9" ] }, { "duid": "01:02:04", "ip-addresses": [ "2001:db8:1::9" ] }"#,
    r#"{ "duid": "01:02:03", "ip-addresses": [ "2001:db8:1::9" ] }, { "duid": "01:02:03", "ip-addresses": [ "2001:db8:1::8" ] }"#,
    r#"{ "flex-id": "01:02:03", "hostname": "a" }, { "flex-id": "01:02:03", "hostname": "b" }"#,
    r#"{ "duid": "01:02:03", "prefixes": [ "2001:db8:a000::" ] }"#,
    r#"{ "duid": "01:02:03", "prefixes": [ "2001:db8:a000::/129" ] }"#,
    r#"{ "duid": "01:02:03", "prefixes": [ "2001:db8:a000::/0" ] }"#,
    r#"{ "duid": "01:02:03", "prefixes": [ "2001:db8:a000::1/56" ] }"#,
    r#"{ "duid": "01:02:03", "prefixes": [ "2001:db8:a000::/56", "2001:db8:a000::/56" ] }"#,
    r#"{ "duid": "01:02:03", "prefixes": [ "2001:db8:a000::/56" ] }, { "duid": "01:02:04", "prefixes": [ "2001:db8:a000::/56" ] }"#,
    r#"{ "duid": "01:02:03", "prefixes": [ "2001:db8:a000::/56" ] }, { "duid": "01:02:04", "prefixes": [ "2001:db8:a000::/64" ] }"#,
    r#"{ "duid": "01:02:03", "ip-address": "2001:db8:1::9" }"#,
    r#"{ "duid": "01:02:03", "next-server": "192.0.2.1", "hostname": "a" }"#,
];

/// Databases of leases and hosts.
const DATABASES: [&str; 21] = [
    r#""lease-database": { "type": "mysql", "name": "kea", "host": "", "port": 0, "user": "kea", "password": "" }"#,
    r#""lease-database": { "type": "postgresql", "name": "kea", "connect-timeout": 1, "on-fail": "serve-retry-exit" }"#,
    r#""lease-database": { "type": "mysql", "name": "kea", "persist": true, "lfc-interval": 5, "max-row-errors": 1 }"#,
    r#""lease-database": { "type": "mysql", "name": "kea", "max-reconnect-tries": 3, "reconnect-wait-time": 250 }"#,
    r#""lease-database": { "type": "mysql", "name": "kea", "trust-anchor": "a", "cert-file": "c", "key-file": "k", "cipher-list": "x" }"#,
    r#""lease-database": { "type": "memfile", "host": "localhost", "user": "kea", "password": "kea", "connect-timeout": 0 }"#,
    r#""lease-database": { "type": "mysql" }"#,
    r#""lease-database": { "type": "mysql", "name": "kea", "connect-timeout": 0 }"#,
    r#""lease-database": { "type": "mysql", "name": "kea", "cert-file": "c" }"#,
    r#""lease-database": { "type": "mysql", "name": "kea", "on-fail": "x" }"#,
    r#""lease-database": { "type": "mysql", "name": "kea", "port": 65536 }"#,
    r#""lease-database": { "type": "mysql", "name": "kea", "password": 7 }"#,
    r#""lease-database": { "type": "mysql", "name": "kea", "readonly": true }"#,
    r#""lease-database": { "type": "mysql", "name": "kea", "contact-points": "127.0.0.1" }"#,
    r#""lease-database": { "type": "cql", "keyspace": "keatest" }"#,
    r#""hosts-database": { "type": "mysql", "name": "a" }, "hosts-databases": [ { "type": "postgresql", "name": "b", "readonly": true } ]"#,
    r#""hosts-databases": [ { "type": "mysql", "name": "a", "persist": false, "lfc-interval": 2 }, { "type": "mysql", "name": "a" } ]"#,
    r#""hosts-databases": []"#,
    r#""hosts-database": {}"#,
    r#""hosts-database": { "name": "a" }"#,
    r#""hosts-database": { "type": "memfile", "name": "a" }"#,
];

/// The further files for `kea-dhcp4`.
pub(super) fn of4() -> Vec<Mutant> {
    let subnet = r#""id": 1, "subnet": "192.0.2.0/24""#;
    of("Dhcp4", "subnet4", &GLOBAL4, &SUBNETS4, (subnet, &HOSTS4), &["1", "3", "82"])
}

/// The further files for `kea-dhcp6`.
pub(super) fn of6() -> Vec<Mutant> {
    let subnet = r#""id": 1, "subnet": "2001:db8:1::/64""#;
    of("Dhcp6", "subnet6", &GLOBAL6, &SUBNETS6, (subnet, &HOSTS6), &["9", "23"])
}

fn of(
    entry: &str,
    subnets: &str,
    global: &[&str],
    subnet_lists: &[&str],
    (subnet, hosts): (&str, &[&str]),
    codes: &[&str],
) -> Vec<Mutant> {
    let mut files = Vec::new();
    let mut add = |name: &str, members: &str| {
        let text = format!("{{ \"{entry}\": {{\n{members}\n}} }}");
        files.push(Mutant { name: name.into(), text });
    };
    global.iter().chain(&DATABASES).for_each(|members| add(members, members));
    for list in subnet_lists {
        add(list, &format!("\"{subnets}\": [ {list} ]"));
    }
    for list in hosts {
        let members = format!("\"{subnets}\": [ {{ {subnet}, \"reservations\": [ {list} ] }} ]");
        add(list, &members);
    }
    for list in DEFINITIONS {
        add(list, &format!("\"option-def\": [ {list} ]"));
    }
    for kind in TYPES {
        let definition =
            format!("\"option-def\": [ {{ \"name\": \"it\", \"code\": 222, {kind} }} ]");
        for data in DATA {
            let option = format!("\"option-data\": [ {{ \"name\": \"it\", {data} }} ]");
            add(&format!("{kind}: {data}"), &format!("{definition},\n{option}"));
        }
    }
    for code in codes {
        for data in DATA {
            let option = format!("{{ \"code\": {code}, {data} }}");
            add(&option, &format!("\"option-data\": [ {option} ]"));
        }
    }
    files
}
