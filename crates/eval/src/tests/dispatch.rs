//! Tests that are not found are false, and few are found.

use libdhcp::Universe::{V4, V6};
use proptest::prelude::*;

use super::properties::{packets, simple_tests, tests, values};
use super::{Facts, condition, print};
use crate::ast::{
    IntegerKind, LiteralKind, Logic, Representation, Root, Source, Test, Value, Window,
};
use crate::{Candidates, ClassId, ClassSet, Condition, Dispatch, Scratch};

/// The numbers of the tests that are found.
fn found(conditions: &[Condition], packet: &Facts) -> Vec<usize> {
    let dispatch = Dispatch::new(conditions.iter().map(Some));
    let mut candidates = Candidates::new();
    dispatch.find(packet, &mut Scratch::new(), &mut candidates);
    candidates.iter().collect()
}

fn conditions(texts: &[&str]) -> Vec<Condition> {
    texts.iter().map(|text| condition(V4, text).unwrap()).collect()
}

#[test]
fn tests_of_one_value_are_found_by_its_constant() {
    let conditions = conditions(&[
        "option[60].hex == 'a'",
        "option[60].hex == 'b'",
        "'a' == option[60].hex and member('foo')",
        "option[60].hex == 'c' or option[60].hex == 'a' or option[60].hex == 'a'",
        "not option[60].hex == 'a'",
        "option[61].exists and option[60].hex == 'a'",
        "addrtotext(option[61].hex) == '' and option[60].hex == 'b'",
        "option[60].hex == 'd' and addrtotext(option[61].hex) == ''",
        "substring(option[60].hex, 0, 1) == 'a'",
        "option[12].exists",
        "pkt4.mac == 0x01",
        "'a' == 'b'",
        "'a' == 'a'",
    ]);
    let packet = Facts::default().with(60, b"a");
    assert_eq!(found(&conditions, &packet), [0, 2, 3, 4, 5, 6, 8, 10, 12]);
    let packet = Facts::default().with(60, b"b");
    assert_eq!(found(&conditions, &packet), [1, 4, 6, 8, 10, 12]);
    let packet = Facts::default().with(12, b"");
    assert_eq!(found(&conditions, &packet), [4, 9, 10, 12]);
}

#[test]
fn fields_and_sub_options_are_keys_as_well() {
    let mut texts: Vec<String> =
        (0..100).map(|n| format!("pkt4.mac == 0x0200000102{n:02}")).collect();
    texts.extend((0..100).map(|n| format!("relay4[1].hex == 'line{n}'")));
    texts.extend((0..100).map(|n| format!("hexstring(pkt4.mac, ':') == '02:00:00:01:02:{n:02}'")));
    texts.extend((0..100).map(|n| format!("pkt4.giaddr == 10.0.0.{n} and member('foo')")));
    let conditions: Vec<Condition> =
        texts.iter().map(|text| condition(V4, text).unwrap()).collect();
    let packet = Facts::default().with(82, b"\x01\x06line42");
    assert_eq!(found(&conditions, &packet), [3, 142, 203, 301]);
    assert_eq!(found(&conditions, &Facts::default()), [3, 203, 301]);
}

#[test]
fn one_of_several_values_is_enough() {
    let mut texts: Vec<String> = (0..4)
        .map(|n| format!("option[93].hex == 0x000{n} or option[77].hex == 'iPXE {n}'"))
        .collect();
    texts.extend((0..4).map(|n| format!("not (not pkt4.mac == 0x0{n} or member('foo'))")));
    texts.push("not (option[60].exists and not option[93].hex == 0x0001)".into());
    texts.push("member('foo') and (option[12].exists or vendor[9].exists)".into());
    texts.push("relay4[1].exists and member('foo')".into());
    texts.push("pkt4.giaddr == 10.0.0.1 or 'a' == 'b' and member('foo')".into());
    let conditions: Vec<Condition> =
        texts.iter().map(|text| condition(V4, text).unwrap()).collect();
    assert_eq!(found(&conditions, &Facts::default()), [8, 11]);
    let packet = Facts::default().with(93, &[0, 2]).with(77, b"iPXE 3").with(82, b"");
    assert_eq!(found(&conditions, &packet), [2, 3, 8, 10, 11]);
    assert_eq!(found(&conditions, &Facts::default().with(12, b"")), [8, 9, 11]);
    assert_eq!(found(&conditions, &Facts::default().with(125, b"")), [8, 9, 11]);
}

#[test]
fn many_options_are_looked_for_among_those_sent() {
    let texts: Vec<String> = (1..100).map(|n| format!("option[{n}].exists")).collect();
    let conditions: Vec<Condition> =
        texts.iter().map(|text| condition(V4, text).unwrap()).collect();
    let packet = Facts::default().with(60, b"a").with(12, b"").with(12, b"").with(200, b"");
    // A string that is empty does not exist; that is for the test to say.
    assert_eq!(found(&conditions, &packet), [11, 59]);
}

#[test]
fn everything_that_relays_say_is_a_key() {
    let mut texts = Vec::new();
    for n in 0..3 {
        texts.push(format!("relay6[0].option[18].hex == 'port {n}' and not member('foo')"));
        texts.push(format!("substring(relay6[-1].option[18].hex, 5, all) == '{n}'"));
        texts.push(format!("relay6[0].option[37].text == 'type=00037, len=00001: 0{n}'"));
        texts.push(format!("relay6[0].linkaddr == 7::{n} or relay6[0].peeraddr == 7::{n}"));
        texts.push(format!("vendor-class[9].data[0] == '{n}' or vendor.enterprise == {n}"));
        texts.push(format!("concat(relay6[0].option[18].hex, '-') == 'port {n}-'"));
    }
    let conditions: Vec<Condition> =
        texts.iter().map(|text| condition(V6, text).unwrap()).collect();
    let options = vec![(18, b"port 2".to_vec()), (37, vec![1])];
    let relay = super::RelayFacts { options, address: 0 };
    let mut packet = Facts { relays: vec![relay], ..Facts::default() };
    let numbers: Vec<usize> = found(&conditions, &packet);
    assert_eq!(numbers, [8, 12, 13, 17]);
    packet.options.push((16, b"\0\0\0\x09\0\x011".to_vec()));
    assert_eq!(found(&conditions, &packet), [8, 10, 12, 13, 17]);
    packet.options.push((17, b"\0\0\0\0".to_vec()));
    assert_eq!(found(&conditions, &packet), [4, 8, 10, 12, 13, 17]);
}

#[test]
fn a_key_without_a_result_makes_all_its_tests_be_evaluated() {
    let texts: Vec<String> =
        (0..5).map(|n| format!("addrtotext(option[61].hex) == '10.0.0.{n}'")).collect();
    let conditions: Vec<Condition> =
        texts.iter().map(|text| condition(V4, text).unwrap()).collect();
    let packet = |body: &[u8]| Facts::default().with(61, body);
    assert_eq!(found(&conditions, &packet(&[10, 0, 0, 2])), [2]);
    assert_eq!(found(&conditions, &packet(b"abc")), [0, 1, 2, 3, 4]);
    assert_eq!(found(&conditions, &Facts::default()), []);
}

#[test]
fn relays_of_dhcpv6_are_not_options_of_the_message() {
    let texts =
        ["relay6[0].option[18].exists", "option[18].exists", "relay6[0].option[18].hex == ''"];
    let conditions: Vec<Condition> =
        texts.iter().map(|text| condition(V6, text).unwrap()).collect();
    assert_eq!(found(&conditions, &Facts::default()), [0, 2]);
}

#[test]
fn what_is_no_test_is_always_found() {
    let test = condition(V4, "option[60].exists").unwrap();
    let mut tests = vec![Some(&test); 130];
    tests[64] = None;
    tests[129] = None;
    let mut candidates = Candidates::new();
    let dispatch = Dispatch::new(tests);
    dispatch.find(&Facts::default(), &mut Scratch::new(), &mut candidates);
    assert_eq!(candidates.iter().collect::<Vec<_>>(), [64, 129]);
    Dispatch::new([]).find(&Facts::default(), &mut Scratch::new(), &mut candidates);
    assert_eq!(candidates.iter().count(), 0);
}

/// Few values and constants, so that many tests have the same key and some are true.
fn keyed() -> impl Strategy<Value = Test> {
    let option = |code| {
        Value::Option(Source { root: Root::Message, codes: vec![code] }, Representation::Hex)
    };
    let agent = Source { root: Root::Relay4, codes: vec![1] };
    let text = Value::Option(Source { root: Root::Message, codes: vec![61] }, Representation::Text);
    let joined = Value::Concat(vec![option(60), option(12)]);
    let chosen = Value::IfElse {
        is_strict: false,
        parts: Box::new((
            Test::Exists(Source { root: Root::Message, codes: vec![12] }),
            option(12),
            Value::AddressText(Box::new(option(61))),
        )),
    };
    let window = Window { start: 0, length: Some(1) };
    let keys = prop::sample::select(vec![
        option(60),
        option(12),
        Value::Option(agent, Representation::Hex),
        Value::Substring(Box::new(option(60)), window),
        Value::AddressText(Box::new(option(61))),
        Value::IntegerText(IntegerKind::Uint8, Box::new(option(12))),
        Value::Field(crate::Field::Mac),
        text,
        joined,
        chosen,
    ]);
    let constant =
        "[ab]{0,1}".prop_map(|text| Value::Literal(LiteralKind::Text, text.into_bytes().into()));
    let equal = (keys, constant, any::<bool>()).prop_map(|(key, constant, is_first)| {
        Test::Equal(Box::new(if is_first { (key, constant) } else { (constant, key) }))
    });
    let operators = prop::sample::select(Logic::BY_STRENGTH.to_vec());
    let other = prop_oneof![2 => equal.clone(), 1 => simple_tests(), 1 => tests()];
    let flat = prop_oneof![
        2 => equal.clone(),
        1 => (operators.clone(), prop::collection::vec(equal.clone(), 2..4))
            .prop_map(|(operator, terms)| Test::Logic(operator, terms)),
        2 => (operators.clone(), equal, prop::collection::vec(other, 1..3), any::<prop::sample::Index>())
            .prop_map(|(operator, key, mut terms, at)| {
                terms.insert(at.index(terms.len() + 1), key);
                Test::Logic(operator, terms)
            }),
    ];
    flat.prop_recursive(2, 8, 3, move |inner| {
        prop_oneof![
            inner.clone().prop_map(|negated| Test::Not(Box::new(negated))),
            (operators.clone(), prop::collection::vec(inner, 2..4))
                .prop_map(|(operator, terms)| Test::Logic(operator, terms)),
        ]
    })
}

/// Packets whose options often have the values of the tests.
fn short_packets() -> impl Strategy<Value = Facts> {
    let body = prop::option::of("[ab]{0,1}");
    let bodies = (body.clone(), body.clone(), body.clone(), body);
    let short = bodies.prop_map(|(a, b, c, line)| {
        let line = line.map(|line| format!("\x01{}{line}", char::from(line.len() as u8)));
        let all = [(60, a), (12, b), (61, c), (82, line)];
        let sent = all.into_iter().filter_map(|(code, body)| Some((code, body?.into_bytes())));
        Facts { options: sent.collect(), ..Facts::default() }
    });
    prop_oneof![short, packets()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn tests_that_are_not_found_are_false(
        tests in prop::collection::vec(prop_oneof![4 => keyed(), 1 => tests()], 1..40),
        mut packet in short_packets(),
    ) {
        let conditions: Vec<Condition> =
            tests.iter().map(|test| condition(V4, &print::test(test)).unwrap()).collect();
        let found = found(&conditions, &packet);
        prop_assert!(found.is_sorted());
        // Classes may be entered between the search and the evaluation.
        for classes in [vec![], vec![0], vec![0, 1]] {
            packet.classes = ClassSet::with_capacity(2);
            classes.iter().for_each(|class| assert!(packet.classes.insert(ClassId(*class))));
            for (number, condition) in conditions.iter().enumerate() {
                let result = condition.evaluate(&packet, &mut Scratch::new());
                let is_found = found.contains(&number);
                prop_assert!(is_found || result == Ok(false), "{}", condition.program().text());
            }
        }
    }

    #[test]
    fn values_of_any_form_are_keys(key in values(), packet in packets()) {
        let text = print::value(&key);
        let constants = ["''", "'a'", "'b'", "0x00", "'abc'", "1"];
        let conditions: Vec<Condition> = constants
            .iter()
            .map(|constant| condition(V4, &format!("{text} == {constant}")).unwrap())
            .collect();
        let found = found(&conditions, &packet);
        for (number, condition) in conditions.iter().enumerate() {
            let result = condition.evaluate(&packet, &mut Scratch::new());
            prop_assert!(found.contains(&number) || result == Ok(false), "{}", text);
        }
    }
}
