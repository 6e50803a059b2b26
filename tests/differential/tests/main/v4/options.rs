//! Options of DHCPv4: every type and form, and which are sent.

use differential::prelude::*;

pub(crate) fn groups() -> Vec<Group> {
    vec![
        standard(),
        defined(),
        raw(),
        long(),
        encapsulated(),
        encapsulated_by_scope(),
        vendor(),
        vendor_configured(),
        request_list(),
        by_message(),
        fields(),
        precedence_without_classes(),
        precedence_of_all(),
    ]
}

/// Every configurable standard option by itself: code, data.
const STANDARD: &[(u8, &str)] = &[
    (2, "-3600"),
    (3, "192.0.2.1, 192.0.2.2"),
    (4, "192.0.2.3"),
    (5, "192.0.2.3,192.0.2.4,192.0.2.5"),
    (6, "192.0.2.53"),
    (7, "192.0.2.3"),
    (8, "192.0.2.3"),
    (9, "192.0.2.3"),
    (10, "192.0.2.3"),
    (11, "192.0.2.3"),
    (13, "65535"),
    (14, "/dump"),
    (15, "example.org"),
    (16, "192.0.2.3"),
    (17, "/root"),
    (18, "/ext"),
    (19, "true"),
    (20, "false"),
    (21, "192.0.2.0,255.255.255.0"),
    (22, "1500"),
    (23, "64"),
    (24, "4294967295"),
    (25, "68,296,508"),
    (26, "1400"),
    (27, "1"),
    (28, "192.0.2.255"),
    (29, "0"),
    (30, "true"),
    (31, "true"),
    (32, "192.0.2.9"),
    (33, "10.0.0.1,192.0.2.1"),
    (34, "false"),
    (35, "60"),
    (36, "true"),
    (37, "255"),
    (38, "0"),
    (39, "true"),
    (40, "nis.example.org"),
    (41, "192.0.2.3"),
    (42, "192.0.2.3,192.0.2.4"),
    (44, "192.0.2.3"),
    (45, "192.0.2.3"),
    (46, "8"),
    (47, "scope"),
    (48, "192.0.2.3"),
    (49, "192.0.2.3"),
    (52, "3"),
    (56, "a text"),
    (57, "576"),
    (60, "vendor"),
    (62, "nwip.example.org"),
    (63, "0102AABB"),
    (64, "nisplus.example.org"),
    (65, "192.0.2.3"),
    (66, "tftp.example.org"),
    (67, "boot/pxe.0"),
    (68, "192.0.2.3"),
    (69, "192.0.2.3"),
    (70, "192.0.2.3"),
    (71, "192.0.2.3"),
    (72, "192.0.2.3"),
    (73, "192.0.2.3"),
    (74, "192.0.2.3"),
    (75, "192.0.2.3"),
    (76, "192.0.2.3"),
    (77, "0A0B"),
    (78, "true, 192.0.2.3, 192.0.2.4"),
    (79, "true, scope"),
    (85, "192.0.2.3"),
    (86, "tree"),
    (87, "context"),
    (88, "a.example.org, b.example.org"),
    (89, "192.0.2.3"),
    (90, "0102"),
    (91, "100"),
    (92, "192.0.2.3"),
    (93, "0, 7"),
    (94, "1, 2, 3"),
    (97, "0, 00112233"),
    (98, "http://example.org"),
    (99, "0011"),
    (100, "EST5EDT"),
    (101, "America/New_York"),
    (108, "1800"),
    (112, "192.0.2.3"),
    (113, "tag"),
    (114, "https://example.org/portal"),
    (116, "1"),
    (117, "6, 44"),
    (119, "example.org, example.com"),
    (136, "192.0.2.3"),
    (137, "lost.example.org"),
    (138, "192.0.2.3"),
    (141, "a.example.org, b.example.net"),
    (146, "1, 192.0.2.3, 192.0.2.4, example.org"),
    (159, "4, 5/3"),
    (212, "8, 32, 2001:db8::, 192.0.2.3, 192.0.2.4"),
    (213, "access.example.org"),
];

fn standard() -> Group {
    let options =
        STANDARD.iter().map(|(code, data)| format!(r#"{{ "code": {code}, "data": "{data}" }}"#));
    let config = format!(r#""option-data": [ {} ]"#, options.collect::<Vec<_>>().join(", "));
    let cases = STANDARD.iter().map(|(code, _)| {
        let case = case(format!("option {code}")).send(discover().wish().prl(&[*code]));
        match code {
            52 => case.differs("option 052", OVERLOAD),
            _ => case,
        }
    });
    Group::v4("options: standard", config, cases.collect())
}

/// Why a request for an address of no pool is refused.
pub(crate) const REFUSAL: &str = "RFC 2131 3.1 step 4: the selected server that cannot satisfy the request \
    says so; Kea is silent where the address is in no pool";

const VENDOR: &str = "RFC 3925 section 4: what is configured for the vendor goes along with its number, which alone \
    says nothing";

const VENDORS: &str = "RFC 3925: every vendor of the query counts, by its class or its options; newer Kea does so, too";

const OTHER_FAMILY: &str = "the definition says which addresses they are; Kea 2.2 cannot send several of the \
    other family";

const OVERLOAD: &str = "RFC 2132 9.3: overload tells that sname and file hold options, which they do not; \
    the server sets it itself when they do";

/// Definitions of the user: type, whether an array, record types, data.
const DEFINED: &[(&str, bool, &str, &str)] = &[
    ("empty", false, "", ""),
    ("binary", false, "", "0102AABBCC"),
    ("boolean", false, "", "true"),
    ("boolean", true, "", "true, false, 1, 0"),
    ("int8", false, "", "-128"),
    ("int8", true, "", "-128, 127"),
    ("int16", false, "", "-32768"),
    ("int16", true, "", "-32768, 32767"),
    ("int32", false, "", "-2147483648"),
    ("int32", true, "", "-2147483648, 2147483647"),
    ("uint8", false, "", "255"),
    ("uint8", true, "", "0, 1, 255"),
    ("uint16", false, "", "65535"),
    ("uint16", true, "", "0, 1, 65535"),
    ("uint32", false, "", "4294967295"),
    ("uint32", true, "", "0, 1, 4294967295"),
    ("ipv4-address", false, "", "10.1.2.3"),
    ("ipv4-address", true, "", "10.1.2.3, 10.1.2.4"),
    ("ipv6-address", false, "", "2001:db8::1"),
    ("ipv6-address", true, "", "2001:db8::1, ::1"),
    ("ipv6-prefix", false, "", "2001:db8::/33"),
    ("psid", false, "", "5/3"),
    ("psid", true, "", "5/3, 0/0, 4/6"),
    ("string", false, "", "a text, with a comma"),
    ("string", false, "", "a text\\\\, with a comma"),
    ("string", false, "", "  blanks around  "),
    ("fqdn", false, "", "host.example.org"),
    ("fqdn", false, "", "host.example.org."),
    ("fqdn", true, "", "host.example.org, example.com, org"),
    ("tuple", false, "", "a tuple"),
    ("tuple", true, "", "one, two, three"),
    ("record", false, "uint8, uint16, uint32", "1, 2, 3"),
    ("record", false, "ipv4-address, string", "10.1.2.3, a text"),
    ("record", false, "boolean, fqdn, binary", "true, example.org, 0A0B"),
    ("record", false, "ipv6-address, ipv6-prefix, psid", "2001:db8::1, 2001:db8::/32, 1/4"),
    ("record", true, "uint8, ipv4-address", "7, 10.1.2.3, 10.1.2.4"),
    ("record", true, "uint16, fqdn", "7, example.org, example.com"),
    ("record", false, "int8, int16, int32, tuple", "-1, -2, -3, text"),
];

/// Options for which neither server has a definition.
fn free_code(number: usize) -> u8 {
    let codes: Vec<u8> = (163..=211).chain(224..=254).collect();
    codes[number]
}

fn defined() -> Group {
    let mut definitions = Vec::new();
    let mut data = Vec::new();
    let mut cases = Vec::new();
    for (number, (kind, array, record, value)) in DEFINED.iter().enumerate() {
        let code = free_code(number);
        definitions.push(format!(
            r#"{{ "name": "o{code}", "code": {code}, "type": "{kind}", "array": {array}, "record-types": "{record}" }}"#
        ));
        data.push(format!(r#"{{ "name": "o{code}", "data": "{value}" }}"#));
        let suffix = if *array { " array" } else { "" };
        let case =
            case(format!("{kind}{suffix} {record} {value}")).send(discover().wish().prl(&[code]));
        cases.push(match (*kind, array) {
            ("ipv6-address", true) => case.differs("answer", OTHER_FAMILY),
            _ => case,
        });
    }
    let config = format!(
        r#""option-def": [ {} ], "option-data": [ {} ]"#,
        definitions.join(", "),
        data.join(", ")
    );
    Group::v4("options: defined by the user", config, cases)
}

/// Data given in hexadecimal and in other odd forms, with the option's code.
const RAW: &[(u8, &str, &str)] = &[
    (163, "plain", r#""csv-format": false, "data": "0102aaBB""#),
    (164, "with blanks", r#""csv-format": false, "data": "01 02 aa BB""#),
    (165, "with a prefix", r#""csv-format": false, "data": "0x0102aaBB""#),
    (166, "with colons", r#""csv-format": false, "data": "01:02:aa:BB""#),
    (167, "without data", r#""csv-format": false"#),
    (6, "standard option", r#""csv-format": false, "data": "C0000201C0000202""#),
    (15, "text", r#""csv-format": false, "data": "6578616d706c65""#),
    (121, "routes", r#""csv-format": false, "data": "18C00002C0000201""#),
    (119, "domains", r#""csv-format": false, "data": "076578616d706c65036f726700""#),
    (43, "vendor", r#""csv-format": false, "data": "0104AABBCCDD""#),
    (12, "host name", r#""data": "configured""#),
    (1, "mask", r#""data": "255.255.0.0""#),
    (51, "lease time", r#""data": "77""#),
    (58, "T1", r#""data": "78""#),
    (59, "T2", r#""data": "79""#),
    (28, "always", r#""data": "192.0.2.255", "always-send": true"#),
];

fn raw() -> Group {
    let data = RAW.iter().map(|(code, _, members)| format!(r#"{{ "code": {code}, {members} }}"#));
    let config = format!(r#""option-data": [ {} ]"#, data.collect::<Vec<_>>().join(", "));
    let cases = RAW.iter().map(|(code, name, _)| {
        case(format!("{name}, option {code}")).send(discover().wish().prl(&[*code]))
    });
    Group::v4("options: odd forms", config, cases.collect())
}

fn long() -> Group {
    let text = "0123456789".repeat(30);
    let addresses: Vec<_> = (0..70).map(|number| format!("10.0.0.{number}")).collect();
    let config = format!(
        r#""option-data": [
            {{ "code": 17, "data": "{text}" }},
            {{ "code": 42, "data": "{}" }},
            {{ "code": 163, "csv-format": false, "data": "{}" }},
            {{ "code": 164, "csv-format": false, "data": "{}" }} ]"#,
        addresses.join(","),
        "ab".repeat(255),
        "cd".repeat(256)
    );
    let ask = |codes: &[u8]| discover().wish().with(57, 1400u16.to_be_bytes()).prl(codes);
    let split =
        "RFC 3396 section 5: an option longer than 255 bytes is sent in parts; Kea 2.2 fails to";
    let cases = vec![
        case("text of 300 bytes").send(ask(&[17])),
        case("70 addresses").send(ask(&[42])).differs("answer", split),
        case("255 bytes").send(ask(&[163])),
        case("256 bytes").send(ask(&[164])),
        case("255 and 256 bytes").send(ask(&[163, 164])),
    ];
    Group::v4("options: longer than 255 bytes", config, cases)
}

fn encapsulated() -> Group {
    let config = r#"
        "option-def": [
            { "name": "a", "code": 1, "type": "uint32", "space": "vendor-encapsulated-options-space" },
            { "name": "b", "code": 2, "type": "string", "space": "vendor-encapsulated-options-space" },
            { "name": "outer", "code": 163, "type": "empty", "encapsulate": "inner" },
            { "name": "one", "code": 1, "type": "ipv4-address", "array": true, "space": "inner" },
            { "name": "two", "code": 2, "type": "empty", "encapsulate": "innermost", "space": "inner" },
            { "name": "deep", "code": 9, "type": "uint8", "space": "innermost" },
            { "name": "number", "code": 164, "type": "uint16", "encapsulate": "behind" },
            { "name": "x", "code": 5, "type": "string", "space": "behind" },
            { "name": "bare", "code": 165, "type": "empty", "encapsulate": "nothing" },
            { "name": "list", "code": 166, "type": "record", "record-types": "uint8, uint8", "encapsulate": "behind" }
        ],
        "option-data": [
            { "name": "vendor-encapsulated-options" },
            { "name": "a", "space": "vendor-encapsulated-options-space", "data": "305419896" },
            { "name": "b", "space": "vendor-encapsulated-options-space", "data": "text" },
            { "name": "outer" },
            { "name": "one", "space": "inner", "data": "10.0.0.1, 10.0.0.2" },
            { "name": "two", "space": "inner" },
            { "name": "deep", "space": "innermost", "data": "9" },
            { "name": "number", "data": "4660" },
            { "name": "x", "space": "behind", "data": "behind a number" },
            { "name": "bare" },
            { "name": "list", "data": "1, 2" }
        ]"#;
    let asked = |name: &str, code: u8| case(name).send(discover().wish().prl(&[code]));
    let cases = vec![
        asked("option 43", 43),
        asked("two levels", 163),
        asked("behind a number", 164),
        asked("nothing inside", 165),
        asked("behind a record", 166),
        case("all").send(discover().wish().prl(&[163, 43, 164, 165, 166])),
        case("43 with the vendor's class").send(discover().wish().with(60, *b"vendor").prl(&[43])),
        case("43 in the query").send(discover().wish().with(43, [1, 4, 0, 0, 0, 1]).prl(&[43])),
    ];
    Group::v4("options: encapsulated", config, cases)
}

fn encapsulated_by_scope() -> Group {
    let config = format!(
        r#"
        "option-def": [
            {{ "name": "outer", "code": 163, "type": "empty", "encapsulate": "inner" }},
            {{ "name": "other", "code": 164, "type": "empty", "encapsulate": "inner" }},
            {{ "name": "one", "code": 1, "type": "uint8", "space": "inner" }},
            {{ "name": "two", "code": 2, "type": "uint8", "space": "inner" }}
        ],
        "option-data": [
            {{ "name": "outer" }}, {{ "name": "one", "space": "inner", "data": "1" }}, {{ "name": "other" }}
        ], {}"#,
        subnet(
            r#""option-data": [ { "name": "two", "space": "inner", "data": "2" }, { "name": "other" } ]"#
        )
    );
    let asked = |name: &str, code: u8| case(name).send(discover().wish().prl(&[code]));
    let cases = vec![asked("outer global", 163), asked("outer in the subnet", 164)];
    Group::v4("options: encapsulated by scope", config, cases)
}

/// Option 125 or 124 of an enterprise.
fn vendor_block(enterprise: u32, data: &[u8]) -> Vec<u8> {
    [&enterprise.to_be_bytes()[..], &[data.len() as u8], data].concat()
}

fn vendor() -> Group {
    let config = r#"
        "option-def": [
            { "name": "a", "code": 1, "type": "string", "space": "vendor-12345" },
            { "name": "b", "code": 2, "type": "uint16", "space": "vendor-12345" },
            { "name": "c", "code": 3, "type": "ipv4-address", "space": "vendor-12345" }
        ],
        "option-data": [
            { "name": "tftp-servers", "space": "vendor-4491", "data": "192.0.2.3, 192.0.2.4" },
            { "code": 9, "space": "vendor-4491", "csv-format": false, "data": "0102" },
            { "name": "a", "space": "vendor-12345", "data": "text" },
            { "name": "b", "space": "vendor-12345", "data": "258" },
            { "name": "c", "space": "vendor-12345", "data": "10.0.0.1", "always-send": true }
        ]"#;
    let with = |code: u8, data: Vec<u8>| discover().wish().with(code, data);
    let oro = |codes: &[u8]| [&[1, codes.len() as u8][..], codes].concat();
    let cases = vec![
        case("asked by 125").send(with(125, vendor_block(4491, &oro(&[2])))),
        case("two asked by 125").send(with(125, vendor_block(4491, &oro(&[2, 9])))),
        case("unknown asked").send(with(125, vendor_block(4491, &oro(&[77])))),
        case("nothing asked").send(with(125, vendor_block(4491, &[5, 1, 0]))),
        case("125 in the request list").send(with(125, vendor_block(4491, &oro(&[2]))).prl(&[125])),
        case("125 in the request list alone").send(discover().wish().prl(&[125])),
        case("other vendor").send(with(125, vendor_block(9, &oro(&[2])))),
        case("vendor with an option always sent").send(with(125, vendor_block(12345, &[]))),
        case("vendor that asks, with an option always sent")
            .send(with(125, vendor_block(12345, &oro(&[2]))))
            .differs(
                "option 125",
                "Kea 1.1: sub-option 1 is the request list of every vendor; newer Kea reads CableLabs' alone",
            ),
        case("vendor class with an option always sent")
            .send(with(124, vendor_block(12345, b"\x03abc")))
            .differs("option 125", VENDORS),
        case("two vendors")
            .send(with(
                125,
                [vendor_block(4491, &oro(&[2])), vendor_block(12345, &oro(&[1, 2]))].concat(),
            ))
            .differs("option 125", VENDORS),
        case("two vendors, the other first")
            .send(with(
                125,
                [vendor_block(12345, &oro(&[1, 2])), vendor_block(4491, &oro(&[2]))].concat(),
            ))
            .differs("option 125", VENDORS),
        case("request")
            .send(request().wish().server_id().with(125, vendor_block(4491, &oro(&[2])))),
        case("inform").send(
            inform().ciaddr("192.0.2.201").unicast().with(125, vendor_block(4491, &oro(&[2]))),
        ),
        case("two options 125")
            .send(
                with(125, vendor_block(4491, &oro(&[2])))
                    .with(125, vendor_block(12345, &oro(&[1]))),
            )
            .differs("option 125", VENDORS),
    ];
    Group::v4("options: vendors", config, cases)
}

fn vendor_configured() -> Group {
    let config = r#"
        "option-data": [
            { "name": "vivso-suboptions", "data": "4491", "always-send": true },
            { "name": "tftp-servers", "space": "vendor-4491", "data": "192.0.2.3" },
            { "name": "vivco-suboptions", "csv-format": false, "data": "0000303903616263" }
        ]"#;
    let cases = vec![
        case("125 of nobody").send(discover().wish()).differs("option 125", VENDOR),
        case("125 asked by nobody")
            .send(discover().wish().prl(&[125]))
            .differs("option 125", VENDOR),
        case("124 asked").send(discover().wish().prl(&[124])).differs("option 125", VENDOR),
        case("125 of the vendor")
            .send(discover().wish().with(125, vendor_block(4491, &[1, 1, 2])).prl(&[125])),
        case("125 of another vendor")
            .send(discover().wish().with(125, vendor_block(9, &[1, 1, 2])).prl(&[125])),
    ];
    Group::v4("options: vendors as configured", config, cases)
}

fn request_list() -> Group {
    let config = r#"
        "renew-timer": 900, "rebind-timer": 1800,
        "option-data": [
            { "code": 3, "data": "192.0.2.1" }, { "code": 6, "data": "192.0.2.53" },
            { "code": 15, "data": "example.org" }, { "code": 42, "data": "192.0.2.4" },
            { "code": 12, "data": "name" }, { "code": 54, "data": "192.0.2.1" },
            { "code": 44, "data": "192.0.2.5", "always-send": true }
        ]"#;
    let ask = |codes: &[u8]| discover().wish().prl(codes);
    let cases = vec![
        case("no list").send(discover().wish()),
        case("empty list").send(ask(&[])).differs(
            "answer",
            "RFC 2132 9.8 wants at least one code; a client that names none is served as one without the option",
        ),
        case("everything").send(ask(&(1..=254).collect::<Vec<u8>>())),
        case("codes 0 and 255").send(ask(&[0, 42, 255])),
        case("twice the same").send(ask(&[42, 42, 42])),
        case("in descending order").send(ask(&[44, 42, 15, 6, 3])),
        case("two lists").send(ask(&[42]).prl(&[12])).differs(
            "option",
            "RFC 3396 section 7: options of the same code are one; Kea since 2.3 does so, too",
        ),
        case("server's own options").send(ask(&[1, 51, 53, 54, 58, 59])),
        case("what is not configured").send(ask(&[100, 101])),
        case("request").send(request().wish().server_id().prl(&[42])),
        case("request without a list").send(request().wish().server_id()),
        case("inform").send(inform().ciaddr("192.0.2.201").unicast().prl(&[42, 51, 58])),
        case("inform without a list").send(inform().ciaddr("192.0.2.202").unicast()),
        case("refused request").send(request().wish_at("10.9.9.9").server_id().prl(&[42])).differs("answer", REFUSAL),
        case("host name sent").send(ask(&[12]).with(12, *b"client")),
        case("host name sent and not asked for").send(discover().wish().with(12, *b"client")),
        case("domain name sent").send(ask(&[15]).with(15, *b"client.example")),
    ];
    Group::v4("options: request list", config, cases)
}

fn by_message() -> Group {
    let config = r#"
        "next-server": "192.0.2.77", "server-hostname": "boot.example.org", "boot-file-name": "/boot/file",
        "option-data": [ { "code": 66, "data": "tftp.example.org" }, { "code": 67, "data": "file" } ]"#;
    let cases = vec![
        case("offer").send(discover().wish()),
        case("offer with 66 and 67").send(discover().wish().prl(&[66, 67])),
        case("ack").send(request().wish().server_id()),
        case("nak").send(request().wish_at("10.9.9.9").server_id()).differs("answer", REFUSAL),
        case("inform").send(inform().ciaddr("192.0.2.201").unicast()),
        case("sname in the query")
            .send(discover().wish().edit(|packet| packet.sname[..4].copy_from_slice(b"boot"))),
    ];
    Group::v4("fields: global", config, cases)
}

/// Fields for booting at every place, the nearest first.
fn fields() -> Group {
    let config = r#"
        "next-server": "192.0.2.1", "server-hostname": "global", "boot-file-name": "global.file",
        "subnet4": [
            { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.200" } ],
              "next-server": "192.0.2.2", "server-hostname": "subnet", "boot-file-name": "subnet.file",
              "reservations": [
                { "hw-address": "02:00:00:00:aa:01", "next-server": "192.0.2.3", "server-hostname": "host",
                  "boot-file-name": "host.file" },
                { "hw-address": "02:00:00:00:aa:02", "next-server": "192.0.2.3" },
                { "hw-address": "02:00:00:00:aa:03", "server-hostname": "host" },
                { "hw-address": "02:00:00:00:aa:04", "boot-file-name": "host.file" } ] },
            { "id": 2, "subnet": "10.1.0.0/24", "pools": [ { "pool": "10.1.0.10 - 10.1.0.20" } ],
              "next-server": "192.0.2.2" },
            { "id": 3, "subnet": "10.2.0.0/24", "pools": [ { "pool": "10.2.0.10 - 10.2.0.20" } ],
              "next-server": "0.0.0.0", "server-hostname": "", "boot-file-name": "" }
        ]"#;
    let mut cases = vec![case("subnet").send(discover().wish())];
    cases.extend(
        (1..=4).map(|host| case(format!("host {host}")).send(discover().wish().host(host))),
    );
    cases.push(case("part in the subnet").send(discover().wish_at("10.1.0.10").relay("10.1.0.1")));
    cases.push(
        case("emptied in the subnet").send(discover().wish_at("10.2.0.10").relay("10.2.0.1")),
    );
    Group::v4("fields: by scope", config, cases)
}

fn precedence_without_classes() -> Group {
    precedence("options: precedence of host, subnet and global", &["global", "subnet", "host"])
}

fn precedence_of_all() -> Group {
    let scopes = ["global", "class", "network", "subnet", "pool", "host"];
    precedence("options: precedence of all scopes", &scopes)
}

/// One option for each set of scopes: the set's bits choose the option's code, the data tells the
/// scope.
fn precedence(name: &str, scopes: &[&str]) -> Group {
    let sets = 1..1usize << scopes.len();
    let code = |set: usize| free_code(set);
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
        r#"{{ "id": 1, "subnet": "192.0.2.0/24",
            "pools": [ {{ "pool": "192.0.2.10 - 192.0.2.200" {} }} ],
            "reservations": [ {{ "hw-address": "02:00:00:00:aa:01", "boot-file-name": "f" {} }} ] {} }}"#,
        comma(members("pool")),
        comma(members("host")),
        comma(members("subnet"))
    );
    let mut config = members("global");
    if scopes.contains(&"class") {
        config += &format!(
            r#", "client-classes": [ {{ "name": "one", "test": "pkt4.mac == 0x02000000aa01", {} }} ]"#,
            members("class")
        );
    }
    config += &if scopes.contains(&"network") {
        format!(
            r#", "shared-networks": [ {{ "name": "net", "interface": "srv0", "subnet4": [ {subnet} ], {} }} ]"#,
            members("network")
        )
    } else {
        format!(r#", "subnet4": [ {subnet} ]"#)
    };
    let cases = sets.map(|set| {
        let names: Vec<_> = scopes
            .iter()
            .enumerate()
            .filter(|(bit, _)| set >> bit & 1 == 1)
            .map(|(_, name)| *name)
            .collect();
        case(names.join(", ")).send(discover().host(1).wish_at("192.0.2.100").prl(&[code(set)]))
    });
    Group::v4(name, config, cases.collect())
}

/// The main subnet with further members.
fn subnet(members: &str) -> String {
    format!(
        r#""subnet4": [ {{ "id": 1, "subnet": "192.0.2.0/24",
            "pools": [ {{ "pool": "192.0.2.10 - 192.0.2.200" }} ], {members} }} ]"#
    )
}
