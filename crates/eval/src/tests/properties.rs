//! What holds for every expression and every packet.

use libdhcp::Universe::{V4, V6};
use libdhcp::definition::Definitions;
use proptest::prelude::*;

use super::{Facts, classes, condition, print, reference, value};
use crate::ast::{
    Case, IntegerKind, LiteralKind, Logic, Representation, Root, Source, Test, Value, Vendor,
    Window,
};
use crate::context::Field;
use crate::parser::{Parser, Surroundings};
use crate::pattern::Pattern;
use crate::{ClassId, Compiler, Scratch, TextTrace};

fn literals() -> impl Strategy<Value = Value> {
    let literal = |kind| move |bytes: Vec<u8>| Value::Literal(kind, bytes.into());
    prop_oneof![
        "[a-cA-C.:\u{e4}]{0,6}".prop_map(String::into_bytes).prop_map(literal(LiteralKind::Text)),
        prop::collection::vec(any::<u8>(), 1..5).prop_map(literal(LiteralKind::Hex)),
        any::<[u8; 4]>().prop_map(Vec::from).prop_map(literal(LiteralKind::Address)),
        any::<[u8; 16]>().prop_map(Vec::from).prop_map(literal(LiteralKind::Address)),
        prop_oneof![0..3_u32, any::<u32>()]
            .prop_map(|number| number.to_be_bytes().to_vec())
            .prop_map(literal(LiteralKind::Integer)),
    ]
}

fn sources() -> impl Strategy<Value = Source> {
    let message = prop::sample::select(vec![
        vec![12],
        vec![60],
        vec![61],
        vec![82],
        vec![82, 1],
        vec![61, 1],
    ]);
    let inner = prop::sample::select(vec![vec![1], vec![2], vec![6], vec![1, 2]]);
    prop_oneof![
        3 => message.prop_map(|codes| Source { root: Root::Message, codes }),
        1 => inner.clone().prop_map(|codes| Source { root: Root::Relay4, codes }),
        1 => (0..3_u32, inner)
            .prop_map(|(number, codes)| Source { root: Root::Vendor(number), codes }),
    ]
}

fn numbers() -> impl Strategy<Value = i32> {
    prop_oneof![8 => -8..8_i32, 1 => any::<i32>()]
}

fn windows() -> impl Strategy<Value = Window> {
    (numbers(), prop::option::of(numbers())).prop_map(|(start, length)| Window { start, length })
}

fn vendors() -> impl Strategy<Value = Vendor> {
    prop_oneof![Just(Vendor::Class), Just(Vendor::Options)]
}

fn leaves() -> impl Strategy<Value = Value> {
    let fields = prop::sample::select(vec![
        Field::Interface,
        Field::Mac,
        Field::MessageType,
        Field::Giaddr,
        Field::Length,
        Field::Source,
    ]);
    let forms = prop_oneof![Just(Representation::Hex), Just(Representation::Text)];
    prop_oneof![
        4 => literals(),
        4 => (sources(), forms).prop_map(|(source, form)| Value::Option(source, form)),
        1 => fields.prop_map(Value::Field),
        1 => vendors().prop_map(Value::Enterprise),
        1 => (0..3_u32, 0..3_u8)
            .prop_map(|(enterprise, index)| Value::ClassData { enterprise, index }),
    ]
}

pub(super) fn simple_tests() -> impl Strategy<Value = Test> {
    prop_oneof![
        2 => sources().prop_map(Test::Exists),
        1 => (vendors(), 0..3_u32).prop_map(|(vendor, number)| Test::VendorExists(vendor, number)),
        1 => prop_oneof![Just((0, "foo")), Just((1, "bar"))]
            .prop_map(|(id, name)| Test::Member(ClassId(id), name.into())),
    ]
}

/// Values of some depth, with tests in them.
pub(super) fn values() -> impl Strategy<Value = Value> {
    let kinds = prop::sample::select(vec![
        IntegerKind::Int8,
        IntegerKind::Int16,
        IntegerKind::Int32,
        IntegerKind::Uint8,
        IntegerKind::Uint16,
        IntegerKind::Uint32,
    ]);
    leaves().prop_recursive(4, 24, 3, move |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let pairs = || (inner.clone(), inner.clone()).prop_map(Box::new);
        let tests = (simple_tests(), pairs(), any::<bool>())
            .prop_map(|(simple, sides, plain)| if plain { simple } else { Test::Equal(sides) });
        prop_oneof![
            boxed().prop_map(Value::AddressText),
            (prop_oneof![Just(Case::Lower), Just(Case::Upper)], boxed())
                .prop_map(|(case, inner)| Value::Case(case, inner)),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Value::Concat),
            pairs().prop_map(Value::HexText),
            (any::<bool>(), tests, inner.clone(), inner.clone()).prop_map(
                |(is_strict, test, then, otherwise)| Value::IfElse {
                    is_strict,
                    parts: Box::new((test, then, otherwise)),
                }
            ),
            (kinds.clone(), boxed()).prop_map(|(kind, inner)| Value::IntegerText(kind, inner)),
            (pairs(), numbers()).prop_map(|(parts, field)| Value::Split(parts, field)),
            (inner.clone(), "[a.:]{1,2}", 1..4_i32).prop_map(|(whole, delimiters, field)| {
                let delimiters = delimiters.into_bytes().into();
                let delimiters = Value::Literal(LiteralKind::Text, delimiters);
                Value::Split(Box::new((whole, delimiters)), field)
            }),
            (boxed(), windows()).prop_map(|(inner, window)| Value::Substring(inner, window)),
        ]
    })
}

pub(super) fn tests() -> impl Strategy<Value = Test> {
    let patterns = prop::sample::select(vec!["a*", "[a-c]+", ".*", "(ab|a)(c|bcd)?"]);
    let operators = prop::sample::select(Logic::BY_STRENGTH.to_vec());
    let leaves = prop_oneof![
        1 => simple_tests(),
        3 => (values(), values()).prop_map(|sides| Test::Equal(Box::new(sides))),
        2 => (sources(), 0..3_i32, 0..4_i32, "[a-c\0]{0,3}").prop_map(|(at, start, len, text)| {
            let whole = Value::Option(at, Representation::Hex);
            let window = Window { start, length: Some(len) };
            let text = Value::Literal(LiteralKind::Text, text.into_bytes().into());
            Test::Equal(Box::new((Value::Substring(Box::new(whole), window), text)))
        }),
        1 => (patterns, values()).prop_map(|(pattern, inner)| {
            Test::Match(Pattern::new(pattern).unwrap(), Box::new(inner))
        }),
    ];
    leaves.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            inner.clone().prop_map(|negated| Test::Not(Box::new(negated))),
            (operators.clone(), prop::collection::vec(inner, 2..4))
                .prop_map(|(operator, terms)| Test::Logic(operator, terms)),
        ]
    })
}

pub(super) fn packets() -> impl Strategy<Value = Facts> {
    let body = |code: u16| prop::option::of(bodies().prop_map(move |body| (code, body)));
    let agent = prop_oneof![sub_options(), bodies()].prop_map(|body| Some((82, body)));
    let vendor = (0..3_u8, sub_options(), sub_options()).prop_map(|(enterprise, inner, behind)| {
        let head = [0, 0, 0, enterprise, inner.len() as u8];
        Some((125, [&head[..], &inner, &behind].concat()))
    });
    let agent = prop_oneof![1 => body(82), 3 => agent];
    let vendor = prop_oneof![1 => body(125), 3 => vendor];
    (body(12), body(60), body(61), agent, body(124), vendor, any::<(bool, bool)>()).prop_map(
        |(a, b, c, d, e, f, (foo, bar))| {
            let options = [a, b, c, d, e, f].into_iter().flatten().collect();
            let mut packet = Facts { options, ..Facts::default() };
            packet.classes = crate::ClassSet::with_capacity(2);
            for (id, is_in) in [(0, foo), (1, bar)] {
                let _ = is_in && packet.classes.insert(ClassId(id));
            }
            packet
        },
    )
}

/// Sub-options of DHCPv4 with few codes, so that they repeat.
fn sub_options() -> impl Strategy<Value = Vec<u8>> {
    let one = (prop::sample::select(vec![1_u8, 2, 6]), "[a-c.\0]{0,4}");
    let encoded =
        one.prop_map(|(code, body)| [&[code, body.len() as u8][..], body.as_bytes()].concat());
    prop::collection::vec(encoded, 0..5).prop_map(|parts| parts.concat())
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-c.:]{0,8}\0{0,2}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..20),
        prop::collection::vec(0..4_u8, 0..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn reading_is_the_inverse_of_writing(test in tests()) {
        let text = print::test(&test);
        let definitions = Definitions::new(V4);
        let mut classes = classes();
        let surroundings = Surroundings { definitions: &definitions, classes: &mut classes };
        let read = Parser::new(&text, surroundings).and_then(Parser::whole_test);
        prop_assert_eq!(read.as_ref(), Ok(&test), "{}", text);
    }

    #[test]
    fn programs_and_the_reference_agree(test in tests(), packet in packets()) {
        let condition = condition(V4, &print::test(&test)).unwrap();
        let mut scratch = Scratch::new();
        let expected = reference::test(&test, &packet).ok();
        prop_assert_eq!(condition.evaluate(&packet, &mut scratch).ok(), expected);
        let mut trace = TextTrace::default();
        let traced = condition.evaluate_traced(&packet, &mut scratch, &mut trace);
        prop_assert_eq!(traced.ok(), expected);
        prop_assert!(!trace.text.is_empty());
    }

    #[test]
    fn values_and_the_reference_agree(whole in values(), packet in packets()) {
        let program = value(V4, &print::value(&whole)).unwrap();
        let mut scratch = Scratch::new();
        let expected = reference::value(&whole, &packet).ok();
        let found = program.evaluate(&packet, &mut scratch).ok();
        prop_assert_eq!(found, expected.as_deref());
        let mut trace = TextTrace::default();
        let found = program.evaluate_traced(&packet, &mut scratch, &mut trace).ok();
        prop_assert_eq!(found, expected.as_deref());
    }

    #[test]
    fn words_in_any_order_never_panic(
        words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..24),
    ) {
        let text = words.concat();
        let definitions = [V4, V6].map(Definitions::new);
        for definitions in &definitions {
            let mut compiler = Compiler { definitions, classes: &mut classes() };
            let errors = [compiler.condition(&text).err(), compiler.value(&text).err()];
            for error in errors.into_iter().flatten() {
                let _ = format!("{error:#}");
                prop_assert!(error.offset() <= text.len());
            }
        }
    }

    #[test]
    fn any_text_is_read_without_panic(text in ".{0,60}") {
        let _ = condition(V4, &text).map_err(|error| format!("{error:#}"));
        let _ = value(V6, &text).map_err(|error| format!("{error:#}"));
    }
}

const WORDS: [&str; 40] = [
    "option",
    "relay4",
    "relay6",
    "[",
    "]",
    ".",
    "(",
    ")",
    ",",
    "==",
    "+",
    " ",
    "\n",
    "60",
    "-1",
    "exists",
    "hex",
    "text",
    "'a'",
    "0x0a",
    "1.2.3.4",
    "::",
    "and ",
    "or ",
    "not ",
    "substring(",
    "ifelse(",
    "concat(",
    "all",
    "host-name",
    "vendor",
    "vendor-class",
    "*",
    "data",
    "enterprise",
    "member(",
    "match(",
    "pkt4",
    "pkt6",
    "mac",
];

#[test]
fn every_operator_has_a_strength() {
    assert_eq!(Logic::BY_STRENGTH.len(), 4);
    assert!(Logic::BY_STRENGTH.iter().filter(|operator| operator.is_strict()).count() == 2);
}
