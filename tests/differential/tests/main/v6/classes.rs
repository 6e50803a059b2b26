//! Client classes of DHCPv6.

use differential::prelude::*;

pub(crate) fn groups() -> Vec<Group> {
    vec![
        tests("options of the query", options()),
        tests("header and way", packet()),
        tests("relays", relays()),
        tests("vendors", vendors()),
        guarded_subnets(),
        guarded_pools(),
        networks(),
        required(),
        lifetimes(),
        special(),
    ]
}

/// A test, a query that satisfies it, and one that does not.
type Row = (&'static str, Ask6, Ask6);

fn q() -> Ask6 {
    solicit()
}

/// One class per test, each with an option of its own, which the queries ask for.
fn tests(name: &str, rows: Vec<Row>) -> Group {
    let class = |number: usize, test: &str| {
        format!(
            r#"{{ "name": "c{number}", "test": "{test}",
                "option-data": [ {{ "code": {}, "csv-format": false, "data": "01" }} ] }}"#,
            1000 + number
        )
    };
    let classes: Vec<_> =
        rows.iter().enumerate().map(|(number, (test, ..))| class(number, test)).collect();
    let config = format!(r#""client-classes": [ {} ]"#, classes.join(",\n"));
    let cases = rows.into_iter().enumerate().map(|(number, (test, yes, no))| {
        let codes = [1000 + number as u16];
        case(test).send(yes.own_na(1).oro(&codes)).send(no.own_na(1).client(3).oro(&codes))
    });
    Group::v6(format!("classes6: {name}"), config, cases.collect())
}

fn options() -> Vec<Row> {
    vec![
        ("option[1].hex == 0x0003000102000000aa07", q().host(7), q()),
        ("substring(option[1].hex,0,2) == 0x0003", q(), q().duid([0, 4, 1, 2, 3, 4])),
        ("option[clientid].exists", q(), information_request().without(1)),
        ("option[8].hex == 0x0000", q(), q().edit(|packet| packet.options[1].1 = vec![1, 0])),
        ("option[15].hex == 0x0003616263", q().with(15, *b"\x00\x03abc"), q()),
        ("option[11].exists", q().with(11, [0; 11]), q()),
        ("option[3].exists", q(), information_request()),
        ("option[25].exists", q().own_pd(2), q()),
        ("option[2000].hex == 'x'", q().with(2000, *b"x"), q().with(2000, *b"y")),
        ("option[2000].text == ''", q(), q().with(2000, *b"y")),
        ("not option[2000].exists", q(), q().with(2000, [])),
        ("option[41].text == 'EST5'", q().with(41, *b"EST5"), q().with(41, *b"EST6")),
        ("option[6].exists", q(), q()),
        ("option[20].exists", q().with(20, []), q()),
    ]
}

fn packet() -> Vec<Row> {
    vec![
        ("pkt6.msgtype == 1", q(), request6()),
        ("pkt6.msgtype == 3", request6(), q()),
        ("pkt6.msgtype == 11", information_request(), q()),
        ("not (pkt6.transid == 0)", q(), q()),
        ("pkt.iface == 'srv0'", q(), q().relay("2001:db8:1::1", "fe80::2")),
        ("pkt.src == fe80::7", q().from("fe80::7"), q()),
        ("pkt.dst == ff02::1:2", q(), q()),
        ("member('KNOWN')", q(), q()),
        ("member('UNKNOWN')", q(), q()),
        ("member('ALL')", q(), q()),
        ("addrtotext(pkt.src) == 'fe80::7'", q().from("fe80::7"), q()),
        ("pkt.len == 66", q(), q().with(2000, [7; 7])),
    ]
}

fn relays() -> Vec<Row> {
    let one = || q().relay("2001:db8:1::1", "fe80::2").hop_with(18, *b"inner");
    let two = || {
        one()
            .relay("2001:db8:2::1", "fe80::3")
            .hop_with(18, *b"outer")
            .hop_with(37, *b"\0\0\0\x09r")
    };
    vec![
        ("relay6[0].option[18].hex == 'outer'", two(), one()),
        ("relay6[1].option[18].hex == 'inner'", two(), one()),
        ("relay6[-1].option[18].hex == 'inner'", two(), q()),
        ("relay6[-2].option[18].hex == 'outer'", two(), one()),
        ("relay6[0].option[37].exists", two(), one()),
        ("relay6[1].option[37].exists", q(), two()),
        ("relay6[0].linkaddr == 2001:db8:2::1", two(), one()),
        ("relay6[1].linkaddr == 2001:db8:1::1", two(), one()),
        ("relay6[-1].linkaddr == 2001:db8:1::1", one(), q()),
        ("relay6[0].peeraddr == fe80::3", two(), one()),
        ("relay6[5].linkaddr == ''", two(), two()),
        ("relay6[0].linkaddr == ''", q(), one()),
        ("relay6[0].option[18].text == 'inner'", one(), q()),
        ("option[18].exists", q().with(18, *b"x"), one()),
    ]
}

fn vendors() -> Vec<Row> {
    let block = |enterprise: u32, data: &[u8]| [&enterprise.to_be_bytes()[..], data].concat();
    let vendor = |enterprise: u32, data: &[u8]| q().with(17, block(enterprise, data));
    let class = |enterprise: u32, data: &[u8]| q().with(16, block(enterprise, data));
    let sub = b"\x00\x64\x00\x01a";
    vec![
        ("vendor.enterprise == 4491", vendor(4491, sub), vendor(9, sub)),
        ("vendor[4491].exists", vendor(4491, sub), vendor(9, sub)),
        ("vendor[*].exists", vendor(4491, sub), q()),
        ("vendor[4491].option[100].hex == 'a'", vendor(4491, sub), vendor(9, sub)),
        ("vendor[*].option[100].exists", vendor(9, sub), vendor(9, b"")),
        ("vendor-class.enterprise == 9", class(9, b"\x00\x03abc"), class(8, b"\x00\x03abc")),
        ("vendor-class[9].exists", class(9, b"\x00\x03abc"), class(8, b"\x00\x03abc")),
        ("vendor-class[9].data == 'abc'", class(9, b"\x00\x03abc"), class(9, b"\x00\x03abd")),
        (
            "vendor-class[*].data[1] == 'de'",
            class(9, b"\x00\x03abc\x00\x02de"),
            class(9, b"\x00\x03abc"),
        ),
        ("vendor-class[9].data[0] == 'abc'", class(9, b"\x00\x03abc\x00\x02de"), q()),
        ("member('VENDOR_CLASS_abc')", class(9, b"\x00\x03abc"), class(9, b"\x00\x03abd")),
        (
            "member('VENDOR_CLASS_docsis3.0')",
            class(4491, b"\x00\x09docsis3.0"),
            class(9, b"\x00\x03abd"),
        ),
        ("member('VENDOR_CLASS_de')", class(9, b"\x00\x03abc\x00\x02de"), q()),
    ]
}

/// Two classes by an option of the client.
const TWO: &str = r#""client-classes": [
    { "name": "one", "test": "option[2000].hex == 'one'" },
    { "name": "two", "test": "option[2000].hex == 'two'" } ]"#;

fn name_of(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

const TEXTS: [&[u8]; 3] = [b"one", b"two", b"none"];

fn guarded_subnets() -> Group {
    let subnet = |id: u8, members: &str| {
        format!(
            r#"{{ "id": {id}, "subnet": "2001:db8:{id}::/64", {members}
                "pools": [ {{ "pool": "2001:db8:{id}::1000 - 2001:db8:{id}::1fff" }} ] }}"#
        )
    };
    let config = format!(
        r#"{TWO}, "subnet6": [ {}, {}, {} ]"#,
        subnet(1, r#""client-class": "one", "#),
        subnet(2, r#""client-class": "two", "relay": { "ip-addresses": [ "2001:db8:1::2" ] }, "#),
        subnet(3, "")
    );
    let mut cases = Vec::new();
    for link in ["2001:db8:1::1", "2001:db8:1::2", "2001:db8:2::1", "2001:db8:3::1"] {
        for (number, text) in TEXTS.iter().enumerate() {
            let wish = match link {
                "2001:db8:1::2" => {
                    format!("2001:db8:{}::1{number}00", if *text == b"two" { 2 } else { 1 })
                }
                _ => format!("2001:db8:{}::1{number}77", &link[9..10]),
            };
            cases.push(
                case(format!("{} behind {link}", name_of(text)))
                    .send(solicit().na_at(1, &[&wish]).with(2000, *text).relay(link, "fe80::2")),
            );
        }
    }
    Group::v6("classes6: subnets", config, cases)
}

fn guarded_pools() -> Group {
    let config = format!(
        r#"{TWO}, "subnet6": [ {{ "id": 1, "subnet": "2001:db8:1::/64", "interface": "srv0",
            "pools": [ {{ "pool": "2001:db8:1::1000 - 2001:db8:1::1fff", "client-class": "one" }},
                {{ "pool": "2001:db8:1::2000 - 2001:db8:1::2fff", "client-class": "two" }} ],
            "pd-pools": [
                {{ "prefix": "2001:db8:8000::", "prefix-len": 40, "delegated-len": 56, "client-class": "one" }},
                {{ "prefix": "2001:db8:9000::", "prefix-len": 40, "delegated-len": 56, "client-class": "two" }} ] }} ]"#
    );
    let mut cases = Vec::new();
    for (number, text) in TEXTS.iter().enumerate() {
        let (pool, prefix) = if *text == b"two" { (2, 9) } else { (1, 8) };
        let address = format!("2001:db8:1::{pool}{number}11");
        let prefix = format!("2001:db8:{prefix}000:{number}100::/56");
        let name = name_of(text);
        cases.push(
            case(format!("{name} asks for both"))
                .send(solicit().na_at(1, &[&address]).pd_at(2, &[&prefix]).with(2000, *text)),
        );
        cases.push(
            case(format!("{name} is granted both"))
                .send(request6().na_at(1, &[&address]).pd_at(2, &[&prefix]).with(2000, *text)),
        );
    }
    cases.push(
        case("renew out of the class")
            .send(request6().na_at(1, &["2001:db8:1::1999"]).with(2000, *b"one"))
            .send(renew().na_at(1, &["2001:db8:1::1999"])),
    );
    Group::v6("classes6: pools", config, cases)
}

fn networks() -> Group {
    let subnet = |id: u8, members: &str| {
        format!(
            r#"{{ "id": {id}, "subnet": "2001:db8:{id}::/64", {members}
                "pools": [ {{ "pool": "2001:db8:{id}::10 - 2001:db8:{id}::11" }} ],
                "option-data": [ {{ "code": 1000, "csv-format": false, "data": "0{id}" }} ] }}"#
        )
    };
    let config = format!(
        r#"{TWO}, "shared-networks": [ {{ "name": "net", "interface": "srv0", "preferred-lifetime": 1500,
            "option-data": [ {{ "code": 1001, "csv-format": false, "data": "aa" }} ],
            "subnet6": [ {}, {}, {} ] }} ]"#,
        subnet(1, r#""client-class": "one", "#),
        subnet(2, r#""rapid-commit": false, "#),
        subnet(
            3,
            r#""reservations": [ { "duid": "00:03:00:01:02:00:00:00:aa:01", "ip-addresses": [ "2001:db8:3::77" ] } ], "#
        )
    );
    let ask = || solicit().oro(&[1000, 1001]);
    let mut cases = vec![
        case("wish in the first, in the class")
            .send(ask().na_at(1, &["2001:db8:1::10"]).with(2000, *b"one")),
        case("wish in the second").send(ask().na_at(1, &["2001:db8:2::10"])),
        case("wish in the third").send(ask().na_at(1, &["2001:db8:3::11"])),
        case("host of the third").send(ask().host(1).na(1)),
        case("relay in the third")
            .send(ask().na_at(1, &["2001:db8:3::10"]).relay("2001:db8:3::1", "fe80::2")),
        case("confirm in the third").send(confirm().na_at(1, &["2001:db8:3::10"])).differs(
            "option 00013",
            "RFC 8415 18.3.3: all subnets of a shared network are on the link",
        ),
        case("confirm elsewhere").send(confirm().na_at(1, &["2001:db8:9::10"])),
        case("information").send(information_request().oro(&[1000, 1001])),
        case("request and renew in the second")
            .send(request6().na_at(1, &["2001:db8:2::11"]))
            .send(renew().na_at(1, &["2001:db8:2::11"])),
    ];
    cases.extend((1..=5).map(|number| {
        case(format!("filled, client {number}")).send(request6().na_at(1, &["2001:db8:2::10"]))
    }));
    Group::v6("shared networks6", config, cases)
}

fn required() -> Group {
    let class = |name: &str, data: &str| {
        format!(
            r#"{{ "name": "{name}", "test": "option[2000].exists", "only-if-required": true, "option-data": [
                {{ "code": 1000, "csv-format": false, "data": "{data}", "always-send": true }} ] }}"#
        )
    };
    let config = format!(
        r#""client-classes": [ {}, {}, {} ],
        "subnet6": [
            {{ "id": 1, "subnet": "2001:db8:1::/64", "require-client-classes": [ "subnet" ],
                "pools": [ {{ "pool": "2001:db8:1::10 - 2001:db8:1::ff" }} ] }},
            {{ "id": 2, "subnet": "2001:db8:2::/64", "pools": [
                {{ "pool": "2001:db8:2::10 - 2001:db8:2::ff", "require-client-classes": [ "pool" ] }} ],
                "pd-pools": [ {{ "prefix": "2001:db8:8000::", "prefix-len": 40, "delegated-len": 56,
                    "require-client-classes": [ "subnet" ] }} ] }},
            {{ "id": 3, "subnet": "2001:db8:3::/64", "pools": [ {{ "pool": "2001:db8:3::10 - 2001:db8:3::ff" }} ] }} ]"#,
        class("never", "00"),
        class("subnet", "01"),
        class("pool", "02")
    );
    let ask = |network: u8| {
        solicit()
            .na_at(1, &[&format!("2001:db8:{network}::77")])
            .with(2000, *b"x")
            .relay(&format!("2001:db8:{network}::1"), "fe80::2")
    };
    let cases = vec![
        case("by the subnet").send(ask(1)),
        case("by the pool").send(ask(2)),
        case("by the pool of prefixes").send(
            solicit()
                .pd_at(1, &["2001:db8:8000:7700::/56"])
                .with(2000, *b"x")
                .relay("2001:db8:2::1", "fe80::2"),
        ),
        case("by nobody").send(ask(3)),
        case("test fails")
            .send(solicit().na_at(1, &["2001:db8:1::78"]).relay("2001:db8:1::1", "fe80::2")),
        case("by information")
            .send(information_request().with(2000, *b"x").relay("2001:db8:1::1", "fe80::2")),
    ];
    Group::v6("classes6: required", config, cases)
}

fn lifetimes() -> Group {
    let config = r#""client-classes": [
        { "name": "short", "test": "option[2000].hex == 'short'", "valid-lifetime": 100, "preferred-lifetime": 50 },
        { "name": "valid", "test": "option[2000].hex == 'valid'", "valid-lifetime": 9000 },
        { "name": "preferred", "test": "option[2000].hex == 'preferred'", "preferred-lifetime": 1234 } ]"#;
    let cases = [&b"short"[..], b"valid", b"preferred", b"none"]
        .iter()
        .map(|text| {
            let case = case(name_of(text))
                .send(request6().own_na(1).own_pd(2).with(2000, *text))
                .send(renew().own_na(1).own_pd(2).with(2000, *text));
            match *text {
                b"none" => case,
                _ => case.differs("IA_", "newer Kea: lifetimes of classes count at renewals, too"),
            }
        })
        .collect();
    Group::v6("classes6: lifetimes", config, cases)
}

/// DROP, classes of hosts, KNOWN.
fn special() -> Group {
    let config = r#""client-classes": [
        { "name": "DROP", "test": "option[2000].hex == 'drop'" },
        { "name": "of-host", "option-data": [ { "code": 23, "data": "2001:db8::1" } ] },
        { "name": "known", "test": "member('KNOWN')", "option-data": [ { "code": 31, "data": "2001:db8::2" } ] },
        { "name": "after", "test": "member('of-host')", "option-data": [ { "code": 27, "data": "2001:db8::3" } ] } ],
        "subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64", "interface": "srv0",
            "pools": [ { "pool": "2001:db8:1::10 - 2001:db8:1::7fff" },
                { "pool": "2001:db8:1::8000 - 2001:db8:1::8fff", "client-class": "KNOWN" } ],
            "reservations": [
                { "duid": "00:03:00:01:02:00:00:00:aa:01", "client-classes": [ "of-host" ] },
                { "duid": "00:03:00:01:02:00:00:00:aa:02", "hostname": "two" } ] } ]"#;
    let oro = [23, 27, 31];
    let cases = vec![
        case("dropped").send(solicit().own_na(1).with(2000, *b"drop")),
        case("dropped request").send(request6().own_na(1).with(2000, *b"drop")),
        case("dropped through a relay")
            .send(solicit().own_na(1).with(2000, *b"drop").relay("2001:db8:1::1", "fe80::2")),
        case("class of a host").send(solicit().host(1).own_na(1).oro(&oro)),
        case("known").send(solicit().host(2).na_at(1, &["2001:db8:1::8001"]).oro(&oro)),
        case("unknown").send(solicit().own_na(1).oro(&oro)),
        case("class of a host by information").send(information_request().host(1).oro(&oro)),
    ];
    Group::v6("classes6: special", config, cases)
}
