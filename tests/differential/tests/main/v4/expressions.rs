//! Tests of client classes of DHCPv4: every form of expression.

use differential::prelude::*;

pub(crate) fn groups() -> Vec<Group> {
    vec![
        tests("options of the query", options()),
        tests("text", text()),
        tests("header and way", packet()),
        tests("relays", relays()),
        tests("vendors", vendors()),
        tests("logic", logic()),
    ]
}

const EARLY: &str = "the test says so; Kea takes option 43 apart after the classes are known";

/// A test, a query that satisfies it, and one that does not.
type Row = (&'static str, Ask4, Ask4);

fn q() -> Ask4 {
    discover()
}

/// One class per test, each with an option of its own, which the queries ask for.
fn tests(name: &str, rows: Vec<Row>) -> Group {
    let code = |number: usize| (163..=211u8).chain(224..=254).nth(number).expect("a free code");
    let class = |number: usize, test: &str| {
        format!(
            r#"{{ "name": "c{number}", "test": "{test}",
                "option-data": [ {{ "code": {}, "csv-format": false, "data": "01" }} ] }}"#,
            code(number)
        )
    };
    let classes: Vec<_> =
        rows.iter().enumerate().map(|(number, (test, ..))| class(number, test)).collect();
    let config = format!(r#""client-classes": [ {} ]"#, classes.join(",\n"));
    let cases = rows.into_iter().enumerate().map(|(number, (test, yes, no))| {
        let codes = [code(number)];
        let case = case(test).send(yes.wish().prl(&codes)).send(no.client(2).wish().prl(&codes));
        match test {
            _ if test.contains("option[43].option") => case.differs("option", EARLY),
            "pkt4.hlen == 6" => case.differs("chaddr", super::messages::CHADDR),
            _ => case,
        }
    });
    Group::v4(format!("classes: {name}"), config, cases.collect())
}

fn options() -> Vec<Row> {
    vec![
        ("option[60].hex == 'abc'", q().with(60, *b"abc"), q().with(60, *b"abcd")),
        ("option[60].text == 'abc'", q().with(60, *b"abc"), q()),
        ("option[60].exists", q().with(60, *b"x"), q()),
        ("not option[60].exists", q(), q().with(60, *b"x")),
        ("option[vendor-class-identifier].text == 'abc'", q().with(60, *b"abc"), q()),
        ("option[root-path].text == 'pc'", q().with(17, *b"pc"), q().with(17, *b"PC")),
        (
            "option[61].hex == 0x0102030405",
            q().with(61, [1, 2, 3, 4, 5]),
            q().with(61, [1, 2, 3, 4]),
        ),
        ("option[93].hex == 0x0007", q().with(93, [0, 7]), q().with(93, [0, 6])),
        ("option[93].hex == 7", q().with(93, [0, 0, 0, 7]), q().with(93, [0, 7])),
        ("option[77].hex == 0x0469505845", q().with(77, *b"\x04iPXE"), q()),
        ("option[57].hex == 0x0240", q().with(57, [2, 0x40]), q()),
        ("option[200].hex == 0xabcd", q().with(200, [0xab, 0xcd]), q().with(200, [0xab])),
        ("option[200].hex == ''", q(), q().with(200, [1])),
        ("option[200].text == ''", q(), q().with(200, [1])),
        (
            "option[43].option[1].hex == 'a'",
            q().with(43, *b"\x01\x01a"),
            q().with(43, *b"\x02\x01a"),
        ),
        ("option[43].option[1].exists", q().with(43, *b"\x01\x01a"), q().with(43, *b"\x02\x01a")),
        ("option[90].exists", q().with(90, [1, 1, 0]), q()),
        ("option[54].hex == 192.0.2.1", request().server_id(), q()),
        ("option[51].hex == 3600", q().with(51, 3600u32.to_be_bytes()), q()),
        ("option[53].hex == 0x01", q(), request().server_id()),
    ]
}

fn text() -> Vec<Row> {
    let v = |text: &'static str| q().with(60, text.as_bytes());
    vec![
        ("substring(option[60].hex,0,3) == 'abc'", v("abcdef"), v("xabc")),
        ("substring(option[60].hex,3,3) == 'def'", v("abcdef"), v("abcde")),
        ("substring(option[60].hex,-1,1) == 'f'", v("abcdef"), v("abcde")),
        ("substring(option[60].hex,-3,2) == 'de'", v("abcdef"), v("abcde")),
        ("substring(option[60].hex,0,all) == 'abc'", v("abc"), v("abcd")),
        ("substring(option[60].hex,2,all) == 'c'", v("abc"), v("ab")),
        ("substring(option[60].hex,3,-2) == 'bc'", v("abcd"), v("acbd")),
        ("substring(option[60].hex,-1,-2) == 'bc'", v("abcd"), v("acbd")),
        ("substring(option[60].hex,1,100) == 'bc'", v("abc"), v("abcd")),
        ("substring(option[60].hex,9,1) == ''", v("abc"), v("abcdefghijk")),
        ("substring(option[60].hex,0,0) == ''", v("abc"), q()),
        ("concat(option[60].hex,option[17].hex) == 'abcd'", v("ab").with(17, *b"cd"), v("abc")),
        ("concat(concat('a',option[60].hex),'z') == 'abz'", v("b"), v("c")),
        ("option[60].hex + 'x' == 'abx'", v("ab"), v("abx")),
        ("ifelse(option[60].exists, option[60].hex, 'none') == 'none'", q(), v("some")),
        ("ifelse(option[60].hex == 'a', 'b', 'c') == 'b'", v("a"), v("b")),
        ("hexstring(option[60].hex, ':') == '61:62'", v("ab"), v("ba")),
        ("hexstring(pkt4.mac, ':') == '02:00:00:00:aa:07'", q().host(7), q()),
        ("hexstring(option[60].hex, '') == '6162'", v("ab"), v("ba")),
        ("addrtotext(pkt4.ciaddr) == '192.0.2.77'", q().ciaddr("192.0.2.77"), q()),
        ("int8totext(substring(option[60].hex,0,1)) == '97'", v("a"), v("b")),
        ("uint8totext(option[200].hex) == '255'", q().with(200, [255]), q().with(200, [1])),
        ("int8totext(option[200].hex) == '-1'", q().with(200, [255]), q().with(200, [1])),
        ("uint16totext(option[93].hex) == '7'", q().with(93, [0, 7]), q().with(93, [0, 6])),
        ("int16totext(option[93].hex) == '-2'", q().with(93, [255, 254]), q().with(93, [0, 6])),
        ("uint32totext(option[51].hex) == '3600'", q().with(51, 3600u32.to_be_bytes()), q()),
        ("int32totext(option[51].hex) == '-1'", q().with(51, u32::MAX.to_be_bytes()), q()),
        ("uint8totext(option[60].hex) == '97'", v("a"), v("ab")),
        ("split(option[60].hex, '.', 2) == 'b'", v("a.b.c"), v("ab.c")),
        ("split(option[60].hex, '.-', 3) == 'c'", v("a.b-c"), v("a.bc")),
        ("split(option[60].hex, '.', 9) == ''", v("a.b"), q()),
        ("split(option[60].hex, '', 1) == 'a.b'", v("a.b"), v("b.a")),
        ("'a' == 'a'", q(), q()),
        ("0x61 == 'a'", q(), q()),
        ("0x1 == 1", q(), q()),
        ("0x00000001 == 1", q(), q()),
        ("0xabc == 0x0abc", q(), q()),
        ("'' == ''", q(), q()),
    ]
}

fn packet() -> Vec<Row> {
    vec![
        ("pkt4.mac == 0x02000000aa07", q().host(7), q()),
        ("substring(pkt4.mac,0,3) == 0x020000", q(), q().mac([2, 1, 0, 0, 0, 0])),
        ("pkt4.hlen == 6", q(), q().edit(|packet| packet.hlen = 5)),
        ("pkt4.htype == 6", q().edit(|packet| packet.htype = 6), q()),
        ("pkt4.htype == 0x00000001", q(), q().edit(|packet| packet.htype = 6)),
        ("pkt4.ciaddr == 192.0.2.77", q().ciaddr("192.0.2.77"), q()),
        ("pkt4.giaddr == 192.0.2.254", q().relay("192.0.2.254"), q()),
        ("pkt4.giaddr == 0.0.0.0", q(), q().relay("192.0.2.254")),
        ("pkt4.yiaddr == 10.9.9.9", q().edit(|p| p.yiaddr = [10, 9, 9, 9].into()), q()),
        ("pkt4.siaddr == 10.9.9.9", q().edit(|p| p.siaddr = [10, 9, 9, 9].into()), q()),
        ("pkt4.msgtype == 1", q(), request().server_id()),
        ("pkt4.msgtype == 3", request().server_id(), q()),
        ("not (pkt4.transid == 0)", q(), q()),
        ("pkt.iface == 'srv0'", q(), q().relay("192.0.2.254")),
        ("pkt.src == 192.0.2.254", q().relay("192.0.2.254"), q()),
        ("pkt.src == 0.0.0.0", q(), q().relay("192.0.2.254")),
        ("pkt.dst == 192.0.2.1", q().relay("192.0.2.254"), q()),
        ("pkt.dst == 255.255.255.255", q(), q().relay("192.0.2.254")),
        ("pkt.len == 248", q(), q().with(60, *b"abc")),
        ("substring(pkt.len,0,3) == 0x000001", q().with(200, [7; 200]), q()),
    ]
}

fn relays() -> Vec<Row> {
    let r = |data: &'static [u8]| q().relay("192.0.2.254").with(82, data);
    vec![
        ("relay4[1].hex == 'abc'", r(b"\x01\x03abc"), r(b"\x02\x03abc")),
        ("relay4[2].text == 'abc'", r(b"\x02\x03abc"), r(b"\x01\x03abc")),
        ("relay4[1].exists", r(b"\x01\x03abc"), q().relay("192.0.2.254")),
        ("relay4[200].exists", r(b"\xc8\x00"), r(b"\xc9\x00")),
        ("relay4[1].hex == ''", r(b"\x02\x01a"), r(b"\x01\x01a")),
        ("option[82].exists", r(b"\x01\x01a"), q().relay("192.0.2.254")),
        ("option[82].hex == 0x010161", r(b"\x01\x01a"), r(b"\x01\x01b")),
        ("option[82].option[1].hex == 'a'", r(b"\x01\x01a"), r(b"\x01\x01b")),
        ("option[dhcp-agent-options].exists", r(b"\x01\x01a"), q()),
        ("substring(relay4[1].hex,0,4) == 'port'", r(b"\x01\x05port7"), r(b"\x01\x05prot7")),
        (
            "relay4[6].hex == 'user' and relay4[1].exists",
            r(b"\x01\x01a\x06\x04user"),
            r(b"\x06\x04user"),
        ),
    ]
}

fn vendors() -> Vec<Row> {
    let block = |enterprise: u32, data: &[u8]| {
        [&enterprise.to_be_bytes()[..], &[data.len() as u8], data].concat()
    };
    let vendor = |enterprise: u32, data: &[u8]| q().with(125, block(enterprise, data));
    let class = |enterprise: u32, data: &[u8]| q().with(124, block(enterprise, data));
    vec![
        ("vendor.enterprise == 4491", vendor(4491, b"\x09\x01a"), vendor(9, b"\x09\x01a")),
        ("vendor[4491].exists", vendor(4491, b"\x09\x01a"), vendor(9, b"\x09\x01a")),
        ("vendor[*].exists", vendor(4491, b"\x09\x01a"), q()),
        (
            "vendor[4491].option[9].hex == 'a'",
            vendor(4491, b"\x09\x01a"),
            vendor(4491, b"\x03\x01a"),
        ),
        ("vendor[4491].option[9].exists", vendor(4491, b"\x09\x01a"), vendor(9, b"\x09\x01a")),
        ("vendor[*].option[9].hex == 'a'", vendor(9, b"\x09\x01a"), vendor(9, b"\x09\x01b")),
        ("vendor[77].option[9].text == 'a'", vendor(77, b"\x09\x01a"), vendor(9, b"\x09\x01a")),
        ("vendor-class.enterprise == 4491", class(4491, b"abc"), class(9, b"abc")),
        ("vendor-class[4491].exists", class(4491, b"abc"), class(9, b"abc")),
        ("vendor-class[*].exists", class(4491, b"abc"), q()),
        ("vendor-class[4491].data == 'abc'", class(4491, b"abc"), class(4491, b"abd")),
        ("vendor-class[4491].data[0] == 'abc'", class(4491, b"abc"), class(9, b"abc")),
        ("vendor-class[*].data[1] == 'b'", class(4491, b"abc"), q()),
        ("vendor.enterprise == ''", q(), vendor(9, b"\x09\x01a")),
        ("option[125].exists", vendor(9, b""), q()),
        ("option[124].hex == 0x0000000903616263", class(9, b"abc"), class(9, b"abd")),
    ]
}

fn logic() -> Vec<Row> {
    let v = |text: &'static str| q().with(60, text.as_bytes());
    vec![
        ("option[60].hex == 'a' or option[60].hex == 'b'", v("b"), v("c")),
        ("option[60].exists and option[17].exists", v("b").with(17, *b"x"), v("c")),
        ("not option[60].hex == 'a'", v("b"), v("a")),
        ("not not option[60].hex == 'a'", v("a"), v("b")),
        ("not (option[60].exists or option[17].exists)", q(), v("a")),
        ("option[60].hex == 'a' or option[60].hex == 'b' and option[17].exists", v("a"), v("b")),
        (
            "(option[60].hex == 'a' or option[60].hex == 'b') and option[17].exists",
            v("a").with(17, *b"x"),
            v("a"),
        ),
        (
            "not option[60].exists and option[17].exists",
            q().with(17, *b"x"),
            v("a").with(17, *b"x"),
        ),
        ("member('ALL')", q(), q().relay("192.0.2.254")),
        ("member('KNOWN')", q().host(1), q()),
        ("member('UNKNOWN')", q(), q().host(1)),
        ("member('VENDOR_CLASS_abc')", v("abc"), v("abcd")),
        ("member('c8')", q(), q().relay("192.0.2.254")),
        ("not member('c0')", v("c"), v("a")),
        ("member('c0') and not member('c1')", v("a"), v("a").with(17, *b"x")),
    ]
}
