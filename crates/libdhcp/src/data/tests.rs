use proptest::prelude::*;

use super::{
    DataError, Universe, csv_surplus, encode_csv, encode_hex, format_option, split_csv, validate,
};
use crate::definition::{CustomDefinition, CustomShape, DataType, OptionDefinition};
use crate::option_defs;

fn standard(name: &str) -> &'static OptionDefinition {
    option_defs::by_name(Universe::V4, "dhcp4", name).unwrap()
}

fn custom(data_type: &str, record_types: &str, array: bool) -> OptionDefinition {
    let shape = CustomShape { array, record_types, encapsulates: "" };
    CustomDefinition::new("dhcp4", 224, "own", data_type, shape).unwrap().definition().clone()
}

fn v4(definition: &OptionDefinition, text: &str) -> Result<Vec<u8>, DataError> {
    encode_csv(definition, text, Universe::V4)
}

#[test]
fn standard_options_encode_and_come_back() {
    for (name, text, hex) in [
        ("routers", "192.0.2.1, 192.0.2.2", "c0000201c0000202"),
        ("domain-name", "example.org", "6578616d706c652e6f7267"),
        ("time-offset", "-3600", "fffff1f0"),
        ("ip-forwarding", "true", "01"),
        ("interface-mtu", "1492", "05d4"),
        ("client-ndi", "1, 2, 3", "010203"),
        ("slp-directory-agent", "true, 10.0.0.1, 10.0.0.2", "010a0000010a000002"),
        ("domain-search", "a.example., b.example.", "016107 6578616d706c6500 0162c002"),
        (
            "classless-static-route",
            "10.0.0.0/8 - 10.0.0.1, 0.0.0.0/0 - 10.0.0.2",
            "080a0a000001000a000002",
        ),
        ("v4-portparams", "4, 9/4", "04049000"),
        ("v4-sztp-redirect", "ab, c", "0261620163"),
        (
            "option-6rd",
            "8, 32, 2001:db8::, 192.0.2.1, 192.0.2.2",
            "082020010db8000000000000000000000000c0000201c0000202",
        ),
        ("v4-lost", "example.org.", "076578616d706c65036f726700"),
        ("vivco-suboptions", "4491, 0361", "0000118b0361"),
        ("vendor-encapsulated-options", "", ""),
    ] {
        check_round_trip(Universe::V4, standard(name), text, hex);
    }
}

fn check_round_trip(universe: Universe, definition: &OptionDefinition, text: &str, hex: &str) {
    let name = &definition.name;
    let bytes = encode_csv(definition, text, universe).unwrap();
    assert_eq!(bytes, encode_hex(hex).unwrap(), "{name}");
    validate(definition, &bytes, universe).unwrap();
    assert_eq!(format_option(Some(definition), &bytes, universe), text, "{name}");
}

//= RFC 3442, the table of "Classless Route Option Format"
#[test]
fn routes_have_only_the_bytes_that_matter() {
    let routes = [
        ("0.0.0.0/0", "00"),
        ("10.0.0.0/8", "080a"),
        ("10.0.0.0/24", "180a0000"),
        ("10.17.0.0/16", "100a11"),
        ("10.27.129.0/24", "180a1b81"),
        ("10.229.0.128/25", "190ae50080"),
        ("10.198.122.47/32", "200ac67a2f"),
    ];
    let text = routes.map(|(route, _)| format!("{route} - 10.0.0.1")).join(", ");
    let hex = routes.map(|(_, hex)| format!("{hex}0a000001")).join(" ");
    check_round_trip(Universe::V4, standard("classless-static-route"), &text, &hex);
}

#[test]
fn types_that_came_after_kea_1_1_are_known_where_they_are_used() {
    for (space, name, text, hex) in [
        ("dhcp4", "v6-only-preferred", "1800", "00000708"), // RFC 8925
        ("dhcp4", "v4-captive-portal", "https://a.example", "68747470733a2f2f612e6578616d706c65"),
        (
            "dhcp4",
            "rdnss-selection", // RFC 6731
            "1, 192.0.2.1, 192.0.2.2, a., b.",
            "01 c0000201 c0000202 016100 016200",
        ),
        ("dhcp4", "cablelabs-client-conf", "", ""),
        ("cablelabs-client-conf", "tsp-primary-server", "192.0.2.1", "c0000201"), // RFC 3495
        ("cablelabs-client-conf", "tsp-as-parameters", "1, 2, 3", "00000001 00000002 00000003"),
        ("cablelabs-client-conf", "tsp-realm", "A.EXAMPLE.", "0141074558414d504c4500"),
        ("cablelabs-client-conf", "kdc-server", "192.0.2.1, 192.0.2.2", "c0000201 c0000202"),
        (
            "dhcp4",
            "v4-dnr", // RFC 9463
            "1, a., 192.0.2.1, alpn=dot",
            "0013 0001 03 016100 04 c0000201 0001 0004 03646f74",
        ),
    ] {
        let definition = option_defs::by_name(Universe::V4, space, name).unwrap();
        check_round_trip(Universe::V4, definition, text, hex);
    }
}

#[test]
fn standard_v6_options_encode_and_come_back() {
    for (space, name, text, hex) in [
        (
            "dhcp6",
            "dns-servers",
            "2001:db8::1, ::1",
            "20010db8000000000000000000000001 00000000000000000000000000000001",
        ),
        (
            "dhcp6",
            "domain-search",
            "a.example., b.example.",
            "0161076578616d706c6500 0162076578616d706c6500",
        ),
        ("dhcp6", "preference", "255", "ff"),
        ("dhcp6", "client-arch-type", "7, 9", "0007 0009"),
        ("dhcp6", "nii", "1, 3, 16", "010310"),
        (
            "dhcp6",
            "bootfile-url",
            "tftp://[2001:db8::1]/x",
            "746674703a2f2f5b323030313a6462383a3a315d2f78",
        ),
        (
            "dhcp6",
            "bootfile-param",
            "root=/dev/sda2, quiet",
            "000e726f6f743d2f6465762f73646132 00057175696574",
        ),
        ("dhcp6", "v6-sztp-redirect", "ab, c", "00026162 000163"),
        ("dhcp6", "vendor-class", "4491, 00026162", "0000118b 00026162"),
        ("dhcp6", "geoconf-civic", "1, 2, 03", "01 0002 03"),
        ("dhcp6", "aftr-name", "aftr.example.", "0461667472076578616d706c6500"),
        ("dhcp6", "pd-exclude", "2001:db8:1::/48", "30 20010db80001"),
        (
            "dhcp6",
            "rdnss-selection",
            "2001:db8::1, 2, a., b.",
            "20010db8000000000000000000000001 02 016100 016200",
        ),
        ("dhcp6", "information-refresh-time", "86400", "00015180"),
        ("dhcp6", "rapid-commit", "", ""),
        (
            "s46-cont-mape-options",
            "s46-rule",
            "1, 16, 18, 192.0.2.0, 2001:db8::/40",
            "01 10 12 c0000200 2820010db800",
        ),
        ("s46-cont-mapt-options", "s46-dmr", "64:ff9b::/96", "60 0064ff9b0000000000000000"),
        ("s46-cont-lw-options", "s46-v4v6bind", "192.0.2.1, 2001:db8::/32", "c0000201 2020010db8"),
        ("s46-rule-options", "s46-portparams", "6, 1/8", "06 08 0100"),
        (
            "v6-ntp-server-suboptions",
            "ntp-server-fqdn",
            "ntp.example.",
            "036e7470076578616d706c6500",
        ),
        ("vendor-4491", "config-file", "modem.cfg", "6d6f64656d2e636667"),
        ("vendor-4491", "oro", "32, 33", "0020 0021"),
    ] {
        let definition = option_defs::by_name(Universe::V6, space, name).unwrap();
        check_round_trip(Universe::V6, definition, text, hex);
    }
}

#[test]
fn tuples_of_old_files_are_read_as_bytes() {
    let definition = option_defs::by_code(Universe::V6, "dhcp6", 60).unwrap();
    let encode = |text: &str| encode_csv(definition, text, Universe::V6).unwrap();
    assert_eq!(encode("000161 00026263"), b"\x00\x01a\x00\x02bc");
    assert_eq!(encode("a, bc"), b"\x00\x01a\x00\x02bc");
    // Digits that are no whole tuples are text.
    assert_eq!(encode("0002aa"), b"\x00\x060002aa");
    assert_eq!(encode("000161, 00"), b"\x00\x06000161\x00\x0200");
    assert_eq!(encode(""), b"");
}

#[test]
fn items_are_split_as_kea_does() {
    assert_eq!(split_csv(" a , ,b,, c\\,d ,"), ["a", "b", "c,d"]);
    assert_eq!(split_csv("a\\b"), ["a\\b"]);
    assert!(split_csv(" , ").is_empty());
    // A string ends at its first comma; the caller may warn.
    assert_eq!(v4(standard("host-name"), "one,two").unwrap(), b"one");
    assert_eq!(csv_surplus(standard("host-name"), "one,two"), 1);
    assert_eq!(v4(standard("host-name"), "one\\,two").unwrap(), b"one,two");
    assert_eq!(csv_surplus(standard("routers"), "10.0.0.1,10.0.0.2"), 0);
    assert_eq!(v4(standard("routers"), "").unwrap(), b"");
}

#[test]
fn wrong_values_say_what_was_expected() {
    let text = |name: &str, text: &str| v4(standard(name), text).unwrap_err().to_string();
    assert_eq!(
        text("routers", "10.0.0"),
        "expected an IPv4 address for type ipv4-address, found '10.0.0'"
    );
    assert_eq!(text("default-ip-ttl", "256"), "expected uint8 between 0 and 255, found 256");
    assert_eq!(text("default-ip-ttl", "0x100"), "expected uint8 between 0 and 255, found 256");
    for wrong in ["ten", "0x", "0x-1", "10h", "0x1g"] {
        let expected = "expected a decimal number, or a hexadecimal one with 0x, for type uint8";
        assert_eq!(text("default-ip-ttl", wrong), format!("{expected}, found '{wrong}'"));
    }
    assert_eq!(text("default-ip-ttl", ""), "expected a value of type uint8, found nothing");
    assert_eq!(text("client-ndi", "1,2"), "expected 3 comma separated fields, found 2");
    assert_eq!(
        text("ip-forwarding", "yes"),
        "expected true, false, 1 or 0 for type boolean, found 'yes'"
    );
    assert!(
        text("classless-static-route", "10.0.0.0/33 - 10.0.0.1")
            .contains("'prefix/length - router'")
    );
    assert!(text("v4-portparams", "1,16/4").contains("port set id"));
    assert!(text("v4-lost", "a..b").contains("a label is empty"));
}

#[test]
fn integers_may_be_hexadecimal() {
    assert_eq!(v4(standard("default-ip-ttl"), "0x1f").unwrap(), [0x1f]);
    assert_eq!(v4(standard("netbios-node-type"), "0X8").unwrap(), [8]);
    assert_eq!(v4(standard("client-ndi"), "0x1, 2, 0x03").unwrap(), [1, 2, 3]);
    assert_eq!(v4(standard("vivso-suboptions"), "0x0000118B").unwrap(), [0, 0, 0x11, 0x8b]);
}

#[test]
fn later_types_encode() {
    assert_eq!(
        v4(&custom("ipv6-prefix", "", false), "2001:db8::1/33").unwrap(),
        [33, 0x20, 1, 0xd, 0xb8, 0]
    );
    assert_eq!(v4(&custom("psid", "", false), "0/0").unwrap(), [0, 0, 0]);
    assert_eq!(v4(&custom("psid", "", false), "65535/16").unwrap(), [16, 255, 255]);
    assert_eq!(v4(&custom("tuple", "", false), "0x0102").unwrap(), [2, 1, 2]);
    assert_eq!(encode_csv(&custom("tuple", "", false), "ab", Universe::V6).unwrap(), b"\x00\x02ab");
    assert_eq!(v4(&custom("binary", "", false), "'a,b'").unwrap(), b"a,b");
    assert_eq!(v4(&custom("boolean", "", true), "TRUE,0,False,1").unwrap(), [1, 0, 0, 1]);
    assert_eq!(v4(&custom("record", "uint8,string", false), "1,x").unwrap(), b"\x01x");
    assert_eq!(v4(&custom("record", "uint8,uint16", true), "1,2,3").unwrap(), [1, 0, 2, 0, 3]);
}

#[test]
fn every_type_can_be_defined() {
    for (data_type, fields, array, text, hex) in [
        ("empty", "", false, "", ""),
        ("binary", "", false, "0a0b0c", "0a0b0c"),
        ("boolean", "", true, "true, false", "0100"),
        ("int8", "", true, "-1, 127", "ff7f"),
        ("int16", "", false, "-2", "fffe"),
        ("int32", "", false, "-2147483648", "80000000"),
        ("uint8", "", false, "255", "ff"),
        ("uint16", "", true, "1, 65535", "0001ffff"),
        ("uint32", "", false, "4294967295", "ffffffff"),
        ("ipv4-address", "", true, "192.0.2.1, 192.0.2.2", "c0000201c0000202"),
        ("ipv6-address", "", false, "::1", "00000000000000000000000000000001"),
        ("ipv6-prefix", "", true, "2001:db8::/32, ::/0", "2020010db800"),
        ("psid", "", true, "3/4, 0/0", "043000000000"),
        ("string", "", false, "a\\,b", "612c62"),
        ("tuple", "", true, "ab, 0x0001", "026162020001"),
        ("fqdn", "", true, "a., b.c.", "01610001620163 00"),
        ("record", "uint8, boolean, string", false, "1, true, x", "010178"),
        ("record", "fqdn, psid, ipv6-prefix", false, "a., 1/1, ff00::/8", "016100 018000 08ff"),
        ("record", "int16, tuple, ipv4-address", true, "1, t, 0.0.0.1, 0.0.0.2", {
            "0001 0174 00000001 00000002"
        }),
        ("record", "uint8, tuple", true, "1, a, b", "01 0161 0162"),
        ("record", "ipv6-address, binary", false, "::, 0102", {
            "00000000000000000000000000000000 0102"
        }),
    ] {
        check_round_trip(Universe::V4, &custom(data_type, fields, array), text, hex);
    }
}

#[test]
fn search_list_of_old_files_is_read_as_bytes() {
    let definition = standard("domain-search");
    assert_eq!(v4(definition, "03656e6700").unwrap(), b"\x03eng\x00");
    assert_eq!(v4(definition, "abcdef").unwrap(), b"\x06abcdef\x00");
}

#[test]
fn received_bytes_are_checked() {
    let check = |name: &str, bytes: &[u8]| validate(standard(name), bytes, Universe::V4).is_ok();
    assert!(check("routers", &[1, 2, 3, 4]) && !check("routers", &[1, 2, 3, 4, 5]));
    // Kea's list of addresses may be empty, that of numbers may not.
    assert!(check("routers", &[]) && check("time-offset", &[0, 0, 0, 0, 1]));
    assert!(!check("time-offset", &[0, 0, 0]) && !check("host-name", &[]));
    assert!(!check("ip-forwarding", &[2]) && check("subnet-mask", &[255, 0, 0, 0, 9]));
    assert!(!check("path-mtu-plateau-table", &[]) && !check("path-mtu-plateau-table", &[1]));
}

#[test]
fn text_that_says_nothing_or_half_a_byte_is_refused() {
    let refused = |data_type, array, text| v4(&custom(data_type, "", array), text).is_err();
    assert!(refused("empty", false, "x") && !refused("empty", false, ""));
    assert!(refused("binary", false, "123") && refused("binary", false, "0x7"));
    assert!(refused("binary", false, "1, 23") && !refused("binary", false, "0x1234"));
}

fn any_definition() -> impl Strategy<Value = OptionDefinition> {
    let field = prop::sample::select(DataType::ALL.to_vec());
    (field.clone(), prop::collection::vec(field, 2..5), any::<bool>()).prop_filter_map(
        "only valid shapes",
        |(data_type, fields, array)| {
            let record_types = match data_type {
                DataType::Record => {
                    fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(",")
                }
                _ => String::new(),
            };
            let shape = CustomShape { array, record_types: &record_types, encapsulates: "" };
            let custom = CustomDefinition::new("dhcp4", 224, "own", data_type.name(), shape);
            custom.ok().map(|custom| custom.definition().clone())
        },
    )
}

proptest! {
    #[test]
    fn any_text_is_encoded_or_refused(definition in any_definition(), text in ".{0,60}") {
        for universe in [Universe::V4, Universe::V6] {
            if let Ok(bytes) = encode_csv(&definition, &text, universe) {
                let _ = format_option(Some(&definition), &bytes, universe);
            }
        }
        let _ = encode_hex(&text);
    }

    #[test]
    fn any_bytes_are_shown(
        definition in any_definition(),
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        row in 0..125_usize,
    ) {
        for universe in [Universe::V4, Universe::V6] {
            let _ = format_option(Some(&definition), &bytes, universe);
            let _ = format_option(option_defs::of_space(universe, universe.top_space()).get(row), &bytes, universe);
        }
    }

    #[test]
    fn what_is_shown_encodes_to_the_same(
        definition in any_definition(),
        bytes in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        if validate(&definition, &bytes, Universe::V4).is_ok() {
            let shown = format_option(Some(&definition), &bytes, Universe::V4);
            // Values that text can not carry (blank strings, bits behind prefixes) may be refused
            // or cleared; what was encoded once must be stable.
            if let Ok(again) = v4(&definition, &shown) {
                let shown_again = format_option(Some(&definition), &again, Universe::V4);
                prop_assert_eq!(v4(&definition, &shown_again), Ok(again));
            }
        }
    }
}
