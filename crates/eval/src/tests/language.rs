//! What each form of the language means.

use libdhcp::Universe::{self, V4, V6};
use libdhcp::definition::{CustomDefinition, CustomShape, Definitions};

use super::{Facts, RelayFacts, bytes, classes, condition, result, value};
use crate::{ClassId, ClassSet, ClassTable, Compiler, EvalError, Scratch};

fn holds(universe: Universe, text: &str, packet: &Facts) {
    assert_eq!(result(universe, text, packet), Ok(true), "{text}");
}

/// Each value as a test compares it.
fn yields(universe: Universe, rows: &[(&str, &[u8])], packet: &Facts) {
    for (text, expected) in rows {
        assert_eq!(bytes(universe, text, packet).as_deref(), Ok(*expected), "{text}");
        let mut digits = String::from("0x");
        expected.iter().for_each(|byte| digits.push_str(&format!("{byte:02x}")));
        let literal = if expected.is_empty() { "''" } else { &digits };
        holds(universe, &format!("{text} == {literal}"), packet);
        holds(universe, &format!("{literal} == {text}"), packet);
        holds(universe, &format!("not ({text} == 'something else')"), packet);
    }
}

#[test]
fn literals_are_bytes() {
    yields(
        V4,
        &[
            ("'foo'", b"foo"),
            ("''", b""),
            ("' '", b" "),
            ("'\\n'", b"\\n"),
            ("'ä'", "ä".as_bytes()),
            ("0x0102ff", &[1, 2, 255]),
            ("0Xabc", &[0x0a, 0xbc]),
            ("0x1", &[1]),
            ("1", &[0, 0, 0, 1]),
            ("4294967295", &[255; 4]),
            ("-0", &[0; 4]),
            ("192.0.2.1", &[192, 0, 2, 1]),
            ("2001:db8::1", &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            ("::", &[0; 16]),
            ("::ffff:1.2.3.4", &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4]),
            ("('x')", b"x"),
        ],
        &Facts::default(),
    );
    assert_eq!(result(V4, "0x1 == 1", &Facts::default()), Ok(false));
}

#[test]
fn substring_takes_parts_from_both_sides() {
    let rows: &[(&str, i32, &str, &str)] = &[
        ("foobar", 0, "6", "foobar"),
        ("foobar", 3, "3", "bar"),
        ("foobar", 3, "all", "bar"),
        ("foobar", 1, "4", "ooba"),
        ("foobar", -5, "4", "ooba"),
        ("foobar", -1, "-3", "oba"),
        ("foobar", 4, "-2", "ob"),
        ("foobar", 2, "-4", "fo"),
        ("foobar", -6, "all", "foobar"),
        ("foobar", -7, "all", ""),
        ("foobar", 6, "1", ""),
        ("foobar", 10, "2", ""),
        ("foobar", 0, "0", ""),
        ("foobar", 3, "100", "bar"),
        ("foobar", 0, "-1", ""),
        ("foobar", 2147483647, "2147483647", ""),
        ("foobar", -2147483648, "-2147483648", ""),
        ("foobar", 5, "-2147483648", "fooba"),
        ("", 0, "all", ""),
        ("", -1, "1", ""),
    ];
    for (text, start, length, expected) in rows {
        let packet = Facts::default().with(200, text.as_bytes());
        for source in [format!("'{text}'"), "option[200].hex".to_owned()] {
            let text = format!("substring({source}, {start}, {length})");
            yields(V4, &[(&text, expected.as_bytes())], &packet);
        }
    }
}

#[test]
fn functions_make_values() {
    let packet = Facts::default()
        .with(200, b"foo.bar..Baz")
        .with(201, &[0xff])
        .with(202, &[0xff, 0xfe])
        .with(203, &[0xff, 0xff, 0xff, 0xfd])
        .with(204, &[])
        .with(205, &[0x20; 16]);
    yields(
        V4,
        &[
            ("concat('foo', 'bar')", b"foobar"),
            ("concat(option[200].hex, '!')", b"foo.bar..Baz!"),
            ("'a' + option[201].hex + 'b' + 'c'", b"a\xffbc"),
            ("('a' + 'b') + (option[204].hex + option[209].hex)", b"ab"),
            ("split(option[200].hex, '.', 1)", b"foo"),
            ("split(option[200].hex, '.', 3)", b""),
            ("split(option[200].hex, '.', 4)", b"Baz"),
            ("split(option[200].hex, '.', 5)", b""),
            ("split(option[200].hex, '.', 0)", b""),
            ("split(option[200].hex, '.', -1)", b""),
            ("split(option[200].hex, 'ao.', 2)", b""),
            ("split(option[200].hex, '', 7)", b"foo.bar..Baz"),
            ("split(option[204].hex, '.', 1)", b""),
            ("lcase(option[200].hex)", b"foo.bar..baz"),
            ("ucase(option[200].hex)", b"FOO.BAR..BAZ"),
            ("lcase('\u{c4}B')", "\u{c4}b".as_bytes()),
            ("hexstring(option[202].hex, ':')", b"ff:fe"),
            ("hexstring(option[202].hex, '')", b"fffe"),
            ("hexstring(option[201].hex, '::')", b"ff"),
            ("hexstring(option[204].hex, ':')", b""),
            ("addrtotext(192.0.2.10)", b"192.0.2.10"),
            ("addrtotext(2001:DB8::10)", b"2001:db8::10"),
            ("addrtotext(option[205].hex)", b"2020:2020:2020:2020:2020:2020:2020:2020"),
            ("addrtotext(option[204].hex)", b""),
            ("int8totext(option[201].hex)", b"-1"),
            ("int16totext(option[202].hex)", b"-2"),
            ("int32totext(option[203].hex)", b"-3"),
            ("uint8totext(option[201].hex)", b"255"),
            ("uint16totext(option[202].hex)", b"65534"),
            ("uint32totext(option[203].hex)", b"4294967293"),
            ("uint32totext(7)", b"7"),
            ("uint8totext('')", b""),
            ("ifelse(option[200].exists, 'yes', 'no')", b"yes"),
            ("ifelse(option[209].exists, 'yes', 'no')", b"no"),
            ("ifelse('a' == 'b', option[200].hex, option[201].hex)", b"\xff"),
            ("sifelse(option[200].exists, option[201].hex, 'no')", b"\xff"),
            ("sifelse(option[209].exists, 'yes', hexstring(0x01, ''))", b"01"),
        ],
        &packet,
    );
}

#[test]
fn tests_combine_by_their_strength() {
    let rows = [
        ("'a' == 'a'", true),
        ("not 'a' == 'a'", false),
        ("not not 'a' == 'a'", true),
        ("not 'a' == 'b' and 'a' == 'a'", true),
        ("not ('a' == 'b' and 'a' == 'a')", true),
        // `and` binds stronger than `or`.
        ("'a' == 'a' or 'a' == 'b' and 'a' == 'b'", true),
        ("('a' == 'a' or 'a' == 'b') and 'a' == 'b'", false),
        // `or` binds stronger than `sor`, `and` stronger than `sand` stronger than `or`.
        ("'a' == 'a' sor 'a' == 'b' sand 'a' == 'b'", true),
        ("'a' == 'a' or 'a' == 'b' sand 'a' == 'b'", true),
        ("'a' == 'b' sand 'a' == 'b' or 'a' == 'a'", true),
        ("'a' == 'a' sand 'a' == 'a' and 'a' == 'b'", false),
        ("((('a')) == ('a'))", true),
        ("('a' + 'b' == 'ab')", true),
        ("'a'=='a'and'a'=='a'or'a'=='b'", true),
        ("match('a+b?', 'aaab')", true),
        ("match('a+', 'aaab')", false),
        ("match('a|ab', 'ab')", true),
        ("match('', '')", true),
        ("match('[[:alpha:]]{2}\\d', 'xy7')", true),
        ("match('.', '\u{e4}')", false),
        ("match('.', '\r')", false),
        ("match('[^x]', '\r')", true),
    ];
    let flags = Facts::default().with(201, b"a").with(202, b"b");
    for (text, expected) in rows {
        assert_eq!(result(V4, text, &flags), Ok(expected), "{text}");
        // The same without anything to fold.
        let unfolded = text.replace("'a'", "option[201].hex").replace("'b'", "option[202].hex");
        assert_eq!(result(V4, &unfolded, &flags), Ok(expected), "{unfolded}");
    }
}

#[test]
fn right_sides_are_evaluated_as_far_as_the_operator_says() {
    let packet = Facts::default().with(200, b"xyz");
    let fails = "int8totext(option[200].hex) == 'x'";
    let error = Err(EvalError::IntegerLength { function: "int8totext", expected: 1, found: 3 });
    let (yes, no) = ("option[200].exists", "option[209].exists");
    for (text, expected) in [
        (format!("{no} and {fails}"), Ok(false)),
        (format!("{yes} or {fails}"), Ok(true)),
        (format!("{yes} and {fails}"), error),
        (format!("{no} or {fails}"), error),
        (format!("{no} sand {fails}"), error),
        (format!("{yes} sor {fails}"), error),
        (format!("'a' == 'b' and {fails}"), Ok(false)),
        (format!("'a' == 'b' sand {fails}"), error),
        (format!("'a' == 'a' sor {fails}"), error),
        (format!("{fails} and 'a' == 'b'"), error),
        (format!("ifelse({yes}, 'a', int8totext(option[200].hex)) == 'a'"), Ok(true)),
        (format!("ifelse({no}, int8totext(option[200].hex), 'a') == 'a'"), Ok(true)),
        (format!("sifelse({yes}, 'a', int8totext(option[200].hex)) == 'a'"), error),
    ] {
        assert_eq!(result(V4, &text, &packet), expected, "{text}");
    }
}

#[test]
fn functions_refuse_what_has_another_length() {
    let packet = Facts::default().with(200, b"xyz");
    for (text, function, expected) in [
        ("int8totext(option[200].hex)", "int8totext", 1),
        ("int16totext(option[200].hex)", "int16totext", 2),
        ("int32totext(option[200].hex)", "int32totext", 4),
        ("uint8totext(0x0102)", "uint8totext", 1),
        ("uint16totext('x')", "uint16totext", 2),
        ("uint32totext('x')", "uint32totext", 4),
    ] {
        let found = if text.contains("200") { 3 } else { text.matches("0102").count() + 1 };
        let error = EvalError::IntegerLength { function, expected, found };
        assert_eq!(bytes(V4, text, &packet), Err(error), "{text}");
    }
    let error = EvalError::AddressLength { found: 3 };
    assert_eq!(bytes(V4, "addrtotext(option[200].hex)", &packet), Err(error));
}

#[test]
fn options_of_the_message_are_read() {
    let packet = Facts::default()
        .with(60, b"docsis3.0")
        .with(12, b"host\0\0")
        .with(15, b"\0\0")
        .with(81, b"")
        .with(61, &[1, 2, 3])
        .with(82, b"\x01\x03abc\x02\x00\x01\x02de");
    yields(
        V4,
        &[
            ("option[60].hex", b"docsis3.0"),
            ("option[60].text", b"docsis3.0"),
            ("option[vendor-class-identifier].hex", b"docsis3.0"),
            ("option[ host-name ].hex", b"host"),
            ("option[12].text", b"host"),
            ("option[15].hex", b""),
            ("option[61].hex", &[1, 2, 3]),
            ("option[61].text", b"type=061, len=003: 01:02:03"),
            ("option[82].hex", b"\x01\x03abc\x02\x00\x01\x02de"),
            ("option[81].text", b"type=081, len=000: ''"),
            ("option[200].hex", b""),
            ("option[200].text", b""),
            ("relay4[1].hex", b"abcde"),
            ("relay4[1].text", b"type=001, len=005: 61:62:63:64:65 'abcde'"),
            ("relay4[2].hex", b""),
            ("relay4[9].hex", b""),
            ("option[82].option[1].hex", b"abcde"),
            ("option[82].option[1].option[7].hex", b""),
            ("option[61].option[1].hex", b""),
        ],
        &packet,
    );
    for (text, expected) in [
        ("option[60].exists", true),
        ("option[81].exists", true),
        ("option[200].exists", false),
        // Kea skips a string without a character.
        ("option[15].exists", false),
        ("relay4[2].exists", true),
        ("relay4[3].exists", false),
        ("option[82].option[1].exists", true),
        ("option[61].option[1].exists", false),
    ] {
        assert_eq!(result(V4, text, &packet), Ok(expected), "{text}");
    }
    assert_eq!(result(V4, "relay4[1].exists", &Facts::default()), Ok(false));
}

#[test]
fn starts_of_options_are_compared_as_substrings() {
    let packet = Facts::default().with(60, b"ab\0c\0\0").with(61, b"ab\0c\0\0").with(77, b"a");
    for (text, expected) in [
        ("substring(option[60].hex, 0, 2) == 'ab'", true),
        ("substring(option[60].hex, 0, 2) == 'abx'", false),
        ("substring(option[60].hex, 0, 3) == 0x616200", true),
        ("substring(option[60].hex, 0, 5) == 0x6162006300", false),
        ("substring(option[61].hex, 0, 5) == 0x6162006300", true),
        ("substring(option[60].hex, 0, 9) == 0x61620063", true),
        ("substring(option[77].hex, 0, 1) == 'a'", true),
        ("substring(option[77].hex, 0, 2) == 'ab'", false),
        ("substring(option[77].hex, 0, 2) == 'a'", true),
        ("substring(option[77].hex, 0, 0) == ''", true),
        ("substring(option[99].hex, 0, 0) == ''", true),
        ("substring(option[99].hex, 0, 1) == 'a'", false),
    ] {
        assert_eq!(result(V4, text, &packet), Ok(expected), "{text}");
    }
}

#[test]
fn option_43_may_be_padded_and_ended() {
    let packet = Facts::default().with(43, b"\0\0\x01\x02ab\0\x01\x01c\xff\x05\x01d");
    yields(V4, &[("option[43].option[1].hex", b"abc"), ("option[43].option[5].hex", b"")], &packet);
}

#[test]
fn definitions_of_the_user_lead_into_their_options() {
    let mut definitions = Definitions::new(V4);
    for (space, code, name, data_type, record_types, encapsulates) in [
        ("dhcp4", 222, "outer", "record", "uint8, ipv4-address", "inner-space"),
        ("dhcp4", 223, "vague", "record", "uint8, fqdn", "inner-space"),
        ("inner-space", 7, "label", "string", "", ""),
        ("inner-space", 8, "deeper", "empty", "", "inner-most"),
    ] {
        let shape = CustomShape { array: false, record_types, encapsulates };
        let custom = CustomDefinition::new(space, code, name, data_type, shape).unwrap();
        definitions.add(custom).unwrap();
    }
    let packet = Facts::default()
        .with(222, b"\x01\x0a\0\0\x01\x07\x04abc\0\x08\x03\x09\x01z")
        .with(223, b"\x01\x03foo\0\x07\x01x");
    let mut scratch = Scratch::new();
    for (text, expected) in [
        ("option[outer].option[7].hex", &b"abc"[..]),
        ("option[222].option[7].text", b"abc"),
        ("option[222].option[8].option[9].hex", b"z"),
        ("option[223].option[7].hex", b""),
    ] {
        let mut compiler = Compiler { definitions: &definitions, classes: &mut classes() };
        let value = compiler.value(text).unwrap();
        assert_eq!(value.evaluate(&packet, &mut scratch), Ok(expected), "{text}");
    }
}

#[test]
fn options_of_dhcpv6_are_read() {
    let ia = [&[0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13, 0, 2, 0, 3][..]].concat();
    let packet = Facts {
        relays: vec![
            RelayFacts { options: vec![(18, b"outer".to_vec())], address: 0xa },
            RelayFacts { options: vec![(18, b"inner".to_vec())], address: 0xb },
        ],
        ..Facts::default().with(3, &ia).with(1, &[0, 1, 2])
    };
    let address = |high: u8, low: u8| [0, high, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, low];
    yields(
        V6,
        &[
            ("option[1].hex", &[0, 1, 2]),
            ("option[clientid].text", b"type=00001, len=00003: 00:01:02"),
            ("option[3].option[13].hex", &[0, 3]),
            ("option[3].option[5].option[13].hex", b""),
            ("relay6[0].option[18].hex", b"outer"),
            ("relay6[1].option[interface-id].hex", b"inner"),
            ("relay6[-1].option[18].hex", b"inner"),
            ("relay6[-2].option[18].hex", b"outer"),
            ("relay6[2].option[18].hex", b""),
            ("relay6[-3].option[18].hex", b""),
            ("relay6[0].linkaddr", &address(0xa, 1)),
            ("relay6[-1].peeraddr", &address(0xb, 2)),
            ("relay6[2].peeraddr", b""),
            ("relay6[-32].linkaddr", b""),
            ("pkt6.msgtype", &[0, 0, 0, 1]),
            ("pkt6.transid", &[1, 2, 3, 4]),
            ("pkt.iface", b"eth0"),
        ],
        &packet,
    );
    holds(V6, "relay6[0].option[18].exists and not relay6[31].option[18].exists", &packet);
}

#[test]
fn vendor_options_are_of_their_enterprise() {
    let v4 = Facts::default()
        .with(124, b"\0\0\x11\x8b\x03abc\0\0\x11\x8b\x02de")
        .with(125, b"\0\0\x11\x8b\x05\x01\x03xyz\0\0\0\x09\x03\x01\x01!");
    let v6 = Facts::default()
        .with(16, b"\0\0\x11\x8b\0\x03abc\0\x02de")
        .with(17, b"\0\0\x11\x8b\0\x01\0\x03xyz");
    for (universe, packet) in [(V4, &v4), (V6, &v6)] {
        yields(
            universe,
            &[
                ("vendor.enterprise", &[0, 0, 0x11, 0x8b]),
                ("vendor-class.enterprise", &[0, 0, 0x11, 0x8b]),
                ("vendor[4491].option[1].hex", b"xyz"),
                ("vendor[*].option[1].hex", b"xyz"),
                ("vendor[0].option[1].hex", b"xyz"),
                ("vendor[9].option[1].hex", b""),
                ("vendor[4491].option[2].hex", b""),
                ("vendor-class[4491].data", b"abc"),
                ("vendor-class[*].data[0]", b"abc"),
                ("vendor-class[4491].data[1]", b"de"),
                ("vendor-class[4491].data[2]", b""),
                ("vendor-class[4491].data[255]", b""),
                ("vendor-class[9].data", b""),
            ],
            packet,
        );
        for (text, expected) in [
            ("vendor[4491].exists", true),
            ("vendor[*].exists", true),
            ("vendor[9].exists", false),
            ("vendor-class[4491].exists", true),
            ("vendor-class[9].exists", false),
            ("vendor[4491].option[1].exists", true),
            ("vendor[4491].option[2].exists", false),
            ("vendor[9].option[1].exists", false),
        ] {
            assert_eq!(result(universe, text, packet), Ok(expected), "{text}");
        }
        let nothing = Facts::default().with(if universe == V4 { 125 } else { 17 }, &[0, 0, 1]);
        for text in ["vendor[*].exists", "vendor-class[*].exists", "vendor[*].option[1].exists"] {
            assert_eq!(result(universe, text, &nothing), Ok(false), "{text}");
        }
        yields(universe, &[("vendor.enterprise", b""), ("vendor-class[*].data", b"")], &nothing);
    }
}

#[test]
fn membership_is_a_bit() {
    let mut table = classes();
    let definitions = Definitions::new(V4);
    let mut compiler = Compiler { definitions: &definitions, classes: &mut table };
    let texts =
        ["member('bar')", "member('KNOWN')", "known", "unknown", "member('VENDOR_CLASS_x')"];
    let tests = texts.map(|text| compiler.condition(text).unwrap());
    let mut packet = Facts { classes: ClassSet::with_capacity(table.len()), ..Facts::default() };
    assert!(packet.classes.insert(table.find("bar").unwrap()));
    assert!(packet.classes.insert(table.find("KNOWN").unwrap()));
    assert!(!packet.classes.insert(ClassId(1000)));
    let mut scratch = Scratch::new();
    let results = tests.each_ref().map(|test| test.evaluate(&packet, &mut scratch).unwrap());
    assert_eq!(results, [true, true, true, false, false]);
    assert_eq!(table.name(tests[4].program().classes()[0]), "VENDOR_CLASS_x");
    packet.classes.clear();
    assert_eq!(tests[0].evaluate(&packet, &mut scratch), Ok(false));
    assert!(ClassTable::new().is_empty() && !crate::is_built_in("HA_"));
}

#[test]
fn a_program_tells_what_it_refers_to() {
    let text = "member('foo') or option[60].exists and member('bar') and relay4[1].exists \
        and option[60].hex == vendor.enterprise";
    let condition = condition(V4, text).unwrap();
    assert_eq!(condition.program().classes(), [ClassId(0), ClassId(1)]);
    assert_eq!(condition.program().options(), [60, 82, 125]);
    assert_eq!(condition.program().text(), text);
    assert_eq!(condition.program().constant(), None);
}

#[test]
fn what_no_packet_changes_is_folded() {
    for (text, expected) in [
        ("concat('a', 'b') == 'ab'", Some(true)),
        ("uint16totext(0x0102) == '258'", Some(true)),
        ("match('x', substring('xy', 0, 1)) and not hexstring(0x01, '') == ''", Some(true)),
        ("'a' == 'b' and option[1].exists", Some(false)),
        ("'a' == 'a' or option[1].exists", Some(true)),
        ("ifelse('a' == 'a', lcase('X'), option[1].hex) == split('x.y', '.', 1)", Some(true)),
        ("option[1].exists or 'a' == 'a'", None),
        ("uint16totext(0x01) == '258'", None),
    ] {
        let condition = condition(V4, text).unwrap();
        assert_eq!(condition.program().constant(), expected, "{text}");
    }
}

#[test]
fn values_fit_into_the_scratch_memory_or_fail() {
    let packet = Facts::default().with(200, &[7; 40_000]);
    let fits = format!("substring(option[200].hex, 0, {})", Scratch::LEN / 2);
    let text = format!("hexstring({fits}, '')");
    assert_eq!(bytes(V4, &text, &packet).map(|text| text.len()), Ok(Scratch::LEN));
    let longer = format!("substring(option[200].hex, 0, {})", Scratch::LEN / 2 + 1);
    let text = format!("hexstring({longer}, '')");
    assert_eq!(bytes(V4, &text, &packet), Err(EvalError::NoRoom));
    assert_eq!(bytes(V4, "option[200].hex + option[200].hex", &packet), Err(EvalError::NoRoom));
    assert!(value(V4, "option[200].hex").is_ok());
}
