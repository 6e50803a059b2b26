//! Options of DHCPv6: every type and form, and which are sent.

use differential::prelude::*;

pub(crate) fn groups() -> Vec<Group> {
    vec![
        standard(),
        defined(),
        encapsulated(),
        vendor(),
        vendor_configured(),
        request_list(),
        precedence(
            "options6: precedence of host, subnet and global",
            &["global", "subnet", "host"],
        ),
        precedence(
            "options6: precedence of all scopes",
            &["global", "class", "network", "subnet", "pool", "host"],
        ),
        prefix_pool_options(),
    ]
}

/// Every configurable standard option by itself: code, data.
const STANDARD: &[(u16, &str)] = &[
    (7, "200"),
    (12, "2001:db8::1"),
    (21, "sip.example.org, sip2.example.org"),
    (22, "2001:db8::2, 2001:db8::3"),
    (23, "2001:db8::53, 2001:db8::54"),
    (24, "example.org, example.com"),
    (27, "2001:db8::2"),
    (28, "2001:db8::2"),
    (29, "nis.example.org"),
    (30, "nisp.example.org"),
    (31, "2001:db8::123"),
    (32, "86400"),
    (33, "bcm.example.org"),
    (34, "2001:db8::2"),
    (36, "1, 2, 0A0B"),
    (40, "2001:db8::2"),
    (41, "EST5EDT"),
    (42, "America/New_York"),
    (51, "lost.example.org"),
    (52, "2001:db8::2"),
    (57, "access.example.org"),
    (58, "sip.example.org"),
    (59, "http://example.org/boot"),
    (61, "0, 7"),
    (62, "1, 2, 3"),
    (64, "aftr.example.org"),
    (65, "erp.example.org"),
    (82, "3600"),
    (83, "3600"),
    (88, "2001:db8::2"),
    (94, ""),
    (95, ""),
    (96, ""),
    (103, "https://example.org/portal"),
];

/// The option of a table row in configuration.
fn data(code: u16, data: &str) -> String {
    format!(r#"{{ "code": {code}, "data": "{data}" }}"#)
}

fn standard() -> Group {
    let options: Vec<_> = STANDARD.iter().map(|(code, text)| data(*code, text)).collect();
    let config = format!(r#""option-data": [ {} ]"#, options.join(", "));
    let cases = STANDARD.iter().map(|(code, _)| {
        case(format!("option {code}"))
            .send(solicit().own_na(1).oro(&[*code]))
            .send(information_request().oro(&[*code]))
    });
    Group::v6("options6: standard", config, cases.collect())
}

/// Definitions of the user: type, whether an array, record types, data.
const DEFINED: &[(&str, bool, &str, &str)] = &[
    ("empty", false, "", ""),
    ("binary", false, "", "0102AABBCC"),
    ("boolean", false, "", "true"),
    ("boolean", true, "", "true, false"),
    ("int8", true, "", "-128, 127"),
    ("int16", false, "", "-32768"),
    ("int32", false, "", "-2147483648"),
    ("uint8", true, "", "0, 1, 255"),
    ("uint16", false, "", "65535"),
    ("uint32", true, "", "0, 1, 4294967295"),
    ("ipv4-address", false, "", "10.1.2.3"),
    ("ipv4-address", true, "", "10.1.2.3, 10.1.2.4"),
    ("ipv6-address", true, "", "2001:db8::1, ::1"),
    ("ipv6-prefix", false, "", "2001:db8::/33"),
    ("ipv6-prefix", true, "", "2001:db8::/33, ::/0"),
    ("psid", false, "", "5/3"),
    ("string", false, "", "a text, with a comma"),
    ("fqdn", false, "", "host.example.org"),
    ("fqdn", true, "", "host.example.org, example.com"),
    ("tuple", false, "", "a tuple"),
    ("tuple", true, "", "one, two"),
    ("record", false, "uint8, uint16, uint32", "1, 2, 3"),
    ("record", false, "ipv6-address, fqdn, string", "2001:db8::1, example.org, a text"),
    ("record", true, "uint8, ipv6-address", "7, 2001:db8::1, 2001:db8::2"),
    ("record", false, "boolean, ipv6-prefix, psid, binary", "true, 2001:db8::/32, 1/4, 0A"),
];

fn defined() -> Group {
    let mut definitions = Vec::new();
    let mut values = Vec::new();
    let mut cases = Vec::new();
    for (number, (kind, array, record, value)) in DEFINED.iter().enumerate() {
        let code = 1000 + number as u16;
        definitions.push(format!(
            r#"{{ "name": "o{code}", "code": {code}, "type": "{kind}", "array": {array}, "record-types": "{record}" }}"#
        ));
        values.push(format!(r#"{{ "name": "o{code}", "data": "{value}" }}"#));
        let suffix = if *array { " array" } else { "" };
        let case =
            case(format!("{kind}{suffix} {record} {value}")).send(solicit().own_na(1).oro(&[code]));
        cases.push(match (*kind, array) {
            ("ipv4-address", true) => case.differs(
                "option",
                "the definition says which addresses they are; Kea 2.2 cannot send several of the other family",
            ),
            _ => case,
        });
    }
    for (number, text) in ["0102aaBB", "01 02 aa BB", "0x0102", "01:02:aa"].iter().enumerate() {
        let code = 2000 + number as u16;
        values.push(format!(r#"{{ "code": {code}, "csv-format": false, "data": "{text}" }}"#));
        cases.push(case(format!("hexadecimal {text}")).send(solicit().own_na(1).oro(&[code])));
    }
    values.push(format!(
        r#"{{ "code": 2010, "csv-format": false, "data": "{}" }}"#,
        "ab".repeat(600)
    ));
    cases.push(case("600 bytes").send(solicit().own_na(1).oro(&[2010])));
    let config = format!(
        r#""option-def": [ {} ], "option-data": [ {} ]"#,
        definitions.join(", "),
        values.join(", ")
    );
    Group::v6("options6: defined by the user", config, cases)
}

fn encapsulated() -> Group {
    let config = r#"
        "option-def": [
            { "name": "outer", "code": 1000, "type": "empty", "encapsulate": "inner" },
            { "name": "one", "code": 1, "type": "ipv6-address", "array": true, "space": "inner" },
            { "name": "two", "code": 2, "type": "empty", "encapsulate": "innermost", "space": "inner" },
            { "name": "deep", "code": 9, "type": "uint8", "space": "innermost" },
            { "name": "number", "code": 1001, "type": "uint16", "encapsulate": "behind" },
            { "name": "x", "code": 5, "type": "string", "space": "behind" } ],
        "option-data": [
            { "name": "outer" }, { "name": "one", "space": "inner", "data": "2001:db8::1, 2001:db8::2" },
            { "name": "two", "space": "inner" }, { "name": "deep", "space": "innermost", "data": "9" },
            { "name": "number", "data": "4660" }, { "name": "x", "space": "behind", "data": "text" },
            { "name": "s46-cont-mape" },
            { "name": "s46-rule", "space": "s46-cont-mape-options", "data": "128, 0, 24, 192.0.2.0, 2001:db8::/32" },
            { "name": "s46-br", "space": "s46-cont-mape-options", "data": "2001:db8:cafe::1" } ]"#;
    let asked = |name: &str, codes: &[u16]| case(name).send(solicit().own_na(1).oro(codes));
    let cases = vec![
        asked("two levels", &[1000]),
        asked("behind a number", &[1001]),
        asked("MAP-E", &[94]),
        asked("all", &[1001, 94, 1000]),
    ];
    Group::v6("options6: encapsulated", config, cases)
}

/// Option 17 or 16 of an enterprise.
fn vendor_block(enterprise: u32, data: &[u8]) -> Vec<u8> {
    [&enterprise.to_be_bytes()[..], data].concat()
}

/// The sub-option of a vendor's request list.
fn list(codes: &[u16]) -> Vec<u8> {
    let data: Vec<u8> = codes.iter().flat_map(|code| code.to_be_bytes()).collect();
    encode_options(&[(1, data)])
}

fn vendor() -> Group {
    let config = r#"
        "option-def": [
            { "name": "a", "code": 1, "type": "string", "space": "vendor-12345" },
            { "name": "c", "code": 300, "type": "ipv6-address", "space": "vendor-12345" } ],
        "option-data": [
            { "name": "tftp-servers", "space": "vendor-4491", "data": "2001:db8::69" },
            { "name": "config-file", "space": "vendor-4491", "data": "modem.cfg" },
            { "name": "a", "space": "vendor-12345", "data": "text" },
            { "name": "c", "space": "vendor-12345", "data": "2001:db8::1", "always-send": true } ]"#;
    let with = |code: u16, data: Vec<u8>| solicit().own_na(1).with(code, data);
    let cases = vec![
        case("one asked").send(with(17, vendor_block(4491, &list(&[32])))),
        case("two asked").send(with(17, vendor_block(4491, &list(&[32, 33])))),
        case("unknown asked").send(with(17, vendor_block(4491, &list(&[77])))),
        case("nothing asked").send(with(17, vendor_block(4491, &[]))),
        case("17 in the request list").send(with(17, vendor_block(4491, &list(&[32]))).oro(&[17])),
        case("17 in the request list alone").send(solicit().own_na(1).oro(&[17])),
        case("another vendor").send(with(17, vendor_block(9, &list(&[32])))),
        case("always sent").send(with(17, vendor_block(12345, &[]))),
        case("always sent and asked").send(with(17, vendor_block(12345, &list(&[300])))),
        case("always sent to a vendor's class").send(with(16, vendor_block(12345, b"\x00\x03abc"))),
        case("class of another vendor").send(with(16, vendor_block(9, b"\x00\x03abc"))),
        case("two vendors")
            .send(
                with(17, vendor_block(4491, &list(&[32])))
                    .with(17, vendor_block(12345, &list(&[300]))),
            )
            .differs(
                "option 00017",
                "RFC 8415 21.17: each vendor has an option of its own; Kea since 2.3 does so, too",
            ),
        case("request").send(request6().own_na(1).with(17, vendor_block(4491, &list(&[32, 33])))),
        case("renew")
            .send(request6().own_na(1))
            .send(renew().own_na(1).with(17, vendor_block(4491, &list(&[32, 33])))),
        case("information").send(information_request().with(17, vendor_block(4491, &list(&[33])))),
    ];
    Group::v6("options6: vendors", config, cases)
}

fn vendor_configured() -> Group {
    let config = r#""option-data": [
            { "name": "vendor-opts", "data": "4491", "always-send": true },
            { "name": "config-file", "space": "vendor-4491", "data": "modem.cfg" },
            { "name": "vendor-class", "csv-format": false, "data": "000030390003616263" } ]"#;
    let cases = vec![
        case("17 of nobody").send(solicit().own_na(1)),
        case("17 asked by nobody").send(solicit().own_na(1).oro(&[17])),
        case("16 asked").send(solicit().own_na(1).oro(&[16])),
        case("17 of the vendor")
            .send(solicit().own_na(1).with(17, vendor_block(4491, &list(&[33])))),
    ];
    Group::v6("options6: vendors as configured", config, cases).differs(
        "option 00017",
        "RFC 8415 21.17: what is configured for the vendor goes along with its number, which alone says nothing",
    )
}

fn request_list() -> Group {
    let config = r#""option-data": [
            { "code": 7, "data": "7" }, { "code": 23, "data": "2001:db8::53" }, { "code": 24, "data": "example.org" },
            { "code": 31, "data": "2001:db8::123", "always-send": true }, { "code": 32, "data": "77" },
            { "code": 82, "data": "100" } ]"#;
    let ask = |codes: &[u16]| solicit().own_na(1).oro(codes);
    let cases = vec![
        case("no list").send(solicit().own_na(1)),
        case("everything").send(ask(&(0..=200).collect::<Vec<u16>>())),
        case("twice the same").send(ask(&[23, 23])),
        case("descending").send(ask(&[32, 31, 24, 23, 7])),
        case("two lists").send(ask(&[23]).oro(&[24])),
        case("what is not configured").send(ask(&[21, 22])),
        case("server's own").send(ask(&[1, 2, 3, 5, 13, 25])),
        case("preference in a reply").send(request6().own_na(1).oro(&[7])),
        case("always sent in a reply").send(request6().own_na(1)),
        case("renew").send(request6().own_na(1)).send(renew().own_na(1).oro(&[23, 82])),
        case("rebind").send(request6().own_na(1)).send(rebind().own_na(1).oro(&[23])),
        case("confirm").send(confirm().own_na(1).oro(&[23])),
        case("release").send(request6().own_na(1)).send(release6().own_na(1).oro(&[23])),
        case("decline").send(request6().own_na(1)).send(decline6().own_na(1).oro(&[23])),
        case("information").send(information_request().oro(&[23, 32])),
        case("information without a list").send(information_request()),
        case("nothing to give").send(
            solicit().na_at(1, &["2001:db8:9::1"]).oro(&[23]).relay("2001:db8:77::1", "fe80::2"),
        ),
    ];
    Group::v6("options6: request list", config, cases)
}

/// One option for each set of scopes: the set's bits choose the option's code, the data tells the
/// scope.
fn precedence(name: &str, scopes: &[&str]) -> Group {
    let sets = 1..1usize << scopes.len();
    let code = |set: usize| 1000 + set as u16;
    let members = |scope: &str| -> String {
        let Some(bit) = scopes.iter().position(|other| *other == scope) else {
            return String::new();
        };
        let options = sets.clone().filter(|set| set >> bit & 1 == 1).map(|set| {
            format!(r#"{{ "code": {}, "csv-format": false, "data": "{bit:02x}" }}"#, code(set))
        });
        format!(r#""option-data": [ {} ]"#, options.collect::<Vec<_>>().join(", "))
    };
    let comma = |text: String| if text.is_empty() { text } else { format!(", {text}") };
    let subnet = format!(
        r#"{{ "id": 1, "subnet": "2001:db8:1::/64", "interface": "srv0",
            "pools": [ {{ "pool": "2001:db8:1::10 - 2001:db8:1::ffff" {} }} ],
            "reservations": [ {{ "duid": "00:03:00:01:02:00:00:00:aa:01", "hostname": "h" {} }} ] {} }}"#,
        comma(members("pool")),
        comma(members("host")),
        comma(members("subnet"))
    );
    let mut config = members("global");
    if scopes.contains(&"class") {
        config += &format!(
            r#", "client-classes": [ {{ "name": "one", "test": "option[1].hex == 0x0003000102000000aa01", {} }} ]"#,
            members("class")
        );
    }
    config += &if scopes.contains(&"network") {
        format!(
            r#", "shared-networks": [ {{ "name": "net", "interface": "srv0", "subnet6": [ {subnet} ], {} }} ]"#,
            members("network")
        )
    } else {
        format!(r#", "subnet6": [ {subnet} ]"#)
    };
    let cases = sets.map(|set| {
        let names: Vec<_> = scopes
            .iter()
            .enumerate()
            .filter(|(bit, _)| set >> bit & 1 == 1)
            .map(|(_, name)| *name)
            .collect();
        let ask = solicit().host(1).na_at(1, &["2001:db8:1::100"]).oro(&[code(set)]);
        case(names.join(", ")).send(ask)
    });
    Group::v6(name, config, cases.collect())
}

/// Options of pools of addresses and prefixes.
fn prefix_pool_options() -> Group {
    let config = r#""option-data": [ { "code": 23, "data": "2001:db8::1" } ],
        "subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64", "interface": "srv0",
            "option-data": [ { "code": 31, "data": "2001:db8::2" } ],
            "pools": [ { "pool": "2001:db8:1::10 - 2001:db8:1::ff", "option-data": [ { "code": 23, "data": "2001:db8::3" } ] },
                { "pool": "2001:db8:1::100 - 2001:db8:1::1ff" } ],
            "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 40, "delegated-len": 56,
                "option-data": [ { "code": 31, "data": "2001:db8::4" } ] } ] } ]"#;
    let oro = [23, 31];
    let cases = vec![
        case("pool with options").send(solicit().na_at(1, &["2001:db8:1::20"]).oro(&oro)),
        case("pool without options").send(solicit().na_at(1, &["2001:db8:1::120"]).oro(&oro)),
        case("prefix").send(solicit().own_pd(1).oro(&oro)),
        case("both").send(solicit().na_at(1, &["2001:db8:1::21"]).own_pd(2).oro(&oro)),
        case("information").send(information_request().oro(&oro)),
        case("granted").send(request6().na_at(1, &["2001:db8:1::22"]).own_pd(2).oro(&oro)),
    ];
    Group::v6("options6: of pools", config, cases)
}
