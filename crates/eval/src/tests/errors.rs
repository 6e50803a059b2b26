//! What is refused, where, and how it is told.

use libdhcp::Universe::{self, V4, V6};

use super::{condition, value};
use crate::parser::{EXPRESSION_LEN_MAX, NESTING_MAX, PATTERNS_MAX};
use crate::{ExprError, Reason};

fn error(universe: Universe, text: &str) -> ExprError {
    match condition(universe, text) {
        Ok(_) => panic!("'{text}' is accepted"),
        Err(error) => error,
    }
}

/// Mistakes of DHCPv4.
const V4_MISTAKES: &[&str] = &[
    "",
    "option[60]",
    "option[60].",
    "option[60].hex",
    "option[60].hex = 'a'",
    "option[60].hex == ",
    "option[60].exists == 'true'",
    "option[60].exist",
    "option(60).exists",
    "option[256].exists",
    "option[-1].exists",
    "option[hostname].exists",
    "option[host-nam].exists",
    "option[quite-unknown].exists",
    "option[82].option[host-name].exists",
    "'a' == 'b",
    "'a' == 'b\n' and 'c' == 'c'",
    "'a' == 'a' and\n option[1].hex",
    "'a' == 0x",
    "'a' == 1.2.3.400",
    "'a' == fe80::1::2",
    "'a' == -1",
    "'a' == 4294967296",
    "'a' == 99999999999999999999",
    "'a' == 'a' && 'b' == 'b'",
    "'a' == 'a' And 'b' == 'b'",
    "'a' != 'b'",
    "a == b",
    "sbstring('foo', 0, 1) == 'f'",
    "substring('foo', 0) == 'f'",
    "substring('foo', 'x', 1) == 'f'",
    "substring('foo', 0, al) == 'f'",
    "substring('foo', 0, option) == 'f'",
    "substring('foo', 0, 2147483648) == 'f'",
    "substring(option[60].exists, 0, 1) == 'f'",
    "substring(not 'a', 0, 1) == 'f'",
    "concat('a') == 'a'",
    "('a' == 'a'",
    "('a' + 'b'",
    "'a' == 'a')",
    "not 'a'",
    "'a' or 'b' == 'b'",
    "ifelse('a', 'b', 'c') == 'b'",
    "member(foo)",
    "member('fo')",
    "member('nothing-like-it')",
    "match('a(', 'a')",
    "match('(a)\\1', 'a')",
    "match('(a|b|c|d){200}.{0,200}[^a].{0,200}', 'a')",
    "match(option[1].hex, 'a')",
    "pkt.mac == 1",
    "pkt4.iface == 1",
    "pkt6.msgtype == 1",
    "relay6[0].option[1].exists",
    "vendor.exists",
    "vendor[x].exists",
    "vendor[4294967296].exists",
    "vendor[1].data == 'a'",
    "vendor-class[1].option[1].exists",
    "vendor-class[1].data[256] == 'a'",
    "option[1].exists # comment",
    "option[1].exists \u{e4}",
];

/// Mistakes of DHCPv6.
const V6_MISTAKES: &[&str] = &[
    "option[65536].exists",
    "option[host-name].exists",
    "relay4[1].exists",
    "pkt4.mac == 1",
    "relay6[32].option[1].exists",
    "relay6[-33].option[1].exists",
    "relay6[0].exists",
    "relay6[*].option[1].exists",
];

#[test]
fn mistakes_are_explained_with_their_place() {
    let mut report = String::new();
    let v4 = V4_MISTAKES.iter().map(|text| (V4, text));
    for (universe, text) in v4.chain(V6_MISTAKES.iter().map(|text| (V6, text))) {
        report.push_str(&format!("{universe:?} {:#}\n\n", error(universe, text)));
    }
    insta::assert_snapshot!(report);
}

#[test]
fn mistakes_in_values_are_explained() {
    let mut report = String::new();
    for text in ["", "'a' == 'a'", "option[1].exists", "'a' 'b'", "('a' == 'a')", "not 'a'"] {
        let error = value(V4, text).expect_err(text);
        report.push_str(&format!("{error:#}\n\n"));
    }
    insta::assert_snapshot!(report);
}

#[test]
fn places_count_lines_and_bytes() {
    let error = error(V4, "'a' == 'a'\nand \u{e4}");
    assert_eq!((error.line(), error.column(), error.offset()), (2, 5, 15));
    assert_eq!(error.reason(), &Reason::UnexpectedCharacter { found: '\u{e4}' });
    assert_eq!((error.excerpt(), error.caret().as_str()), ("and \u{e4}", "    ^"));
}

#[test]
fn long_expressions_are_shown_around_the_place() {
    let text = format!("{}option[1].exist {}", "option[1].exists or ".repeat(50), "x".repeat(500));
    let error = error(V4, &text);
    assert_eq!(error.column(), 50 * 20 + 11);
    let line = error.to_string();
    assert!(line.len() < 300, "{line}");
    let at = error.caret().find('^').unwrap();
    assert!(error.excerpt()[at..].starts_with("exist xxx"), "{error:#}");
    assert!(error.excerpt().starts_with("...") && error.excerpt().ends_with("..."), "{error:#}");
}

#[test]
fn nesting_is_limited() {
    let nested = |open: &str, inner: &str, close: &str, count: usize| {
        format!("{}{inner}{}", open.repeat(count), close.repeat(count))
    };
    for (open, inner, close) in [
        ("(", "'a' == 'a'", ")"),
        ("not ", "'a' == 'a'", ""),
        ("ifelse(", "'a' == 'a'", ", 'a', 'a') == 'a'"),
    ] {
        let text = nested(open, inner, close, NESTING_MAX);
        assert!(condition(V4, &text).is_ok(), "{open}");
        for count in [NESTING_MAX + 1, 100_000] {
            let text = nested(open, inner, close, count.min(250_000 / (open.len() + close.len())));
            let error = error(V4, &text);
            assert_eq!(error.reason(), &Reason::TooDeep { max: NESTING_MAX }, "{open}");
            assert_eq!(error.column(), 1 + open.len() * (NESTING_MAX + 1), "{open}");
        }
    }
    let text = nested("lcase(", "'a'", ")", 100_000 / 7);
    assert_eq!(value(V4, &text).unwrap_err().reason(), &Reason::TooDeep { max: NESTING_MAX });
    let text = nested("(", "'a'", ")", 100_000);
    assert_eq!(value(V4, &text).unwrap_err().reason(), &Reason::TooDeep { max: NESTING_MAX });
}

#[test]
fn options_within_each_other_are_limited() {
    let chain = |count: usize| format!("option[43]{}.exists", ".option[1]".repeat(count));
    assert!(condition(V4, &chain(15)).is_ok());
    assert_eq!(error(V4, &chain(16)).reason(), &Reason::TooDeep { max: 16 });
}

#[test]
fn values_at_a_time_are_limited() {
    // Every level keeps its first argument while it makes the second.
    let nested = |count: usize| {
        format!("{}option[60].hex{}", "concat(option[60].hex, ".repeat(count), ")".repeat(count))
    };
    assert!(value(V4, &nested(63)).is_ok());
    let error = value(V4, &nested(64)).unwrap_err();
    assert_eq!(error.reason(), &Reason::TooManyValues { max: 64 });
    let flags = |count: usize| {
        let open = "option[1].exists sand (".repeat(count);
        format!("{open}option[2].exists{}", ")".repeat(count))
    };
    assert!(condition(V4, &flags(64)).is_ok());
    assert!(condition(V4, &flags(65)).is_err());
}

#[test]
fn regular_expressions_are_limited() {
    let chain = |count: usize| vec!["match('a', option[60].hex)"; count].join(" or ");
    assert!(condition(V4, &chain(PATTERNS_MAX)).is_ok());
    let expected = Reason::TooManyPatterns { max: PATTERNS_MAX };
    assert_eq!(error(V4, &chain(PATTERNS_MAX + 1)).reason(), &expected);
    let long = |count: usize| format!("match('{}', 'a')", "a".repeat(count));
    assert!(condition(V4, &long(4096)).is_ok());
    assert!(condition(V4, &long(4097)).is_err());
    let nested =
        |count: usize| format!("match('{}a{}', 'a')", "(".repeat(count), ")".repeat(count));
    assert!(condition(V4, &nested(50)).is_ok());
    assert!(condition(V4, &nested(51)).is_err());
    assert!(condition(V4, &nested(2000)).is_err());
}

#[test]
fn length_is_limited() {
    let chain = |len: usize| {
        let count = (len - 16) / 20;
        let text = format!("{}option[1].exists", "option[1].exists or ".repeat(count));
        format!("{text}{}", " ".repeat(len - text.len()))
    };
    assert!(condition(V4, &chain(EXPRESSION_LEN_MAX)).is_ok());
    for len in [EXPRESSION_LEN_MAX + 1, 4 << 20] {
        let expected = Reason::TooLong { found: len, max: EXPRESSION_LEN_MAX };
        assert_eq!(error(V4, &chain(len)).reason(), &expected);
    }
    // Long sums and long tokens are no problem either.
    let sum = format!("{}'a'", "'a' + ".repeat(40_000));
    assert!(value(V4, &sum).is_ok());
    for text in ["1", "a", "'", "fe80:", "0x1", "]", "text", " "].map(|part| part.repeat(50_000)) {
        assert!(condition(V4, &text).is_err());
    }
}
