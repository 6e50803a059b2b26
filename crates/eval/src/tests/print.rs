//! Trees as text, for the test that reading is the inverse of writing.

use std::fmt::Write;

use crate::ast::{
    Case, LiteralKind, Logic, Representation, Root, Source, Test, Value, Vendor, Window,
};
use crate::context::Field;

/// A test as an expression.
pub(super) fn test(test: &Test) -> String {
    match test {
        Test::Equal(sides) => format!("{} == {}", value(&sides.0), value(&sides.1)),
        Test::Exists(at) => format!("{}.exists", source(at)),
        Test::Known(_) => panic!("not written"),
        Test::Logic(operator, terms) => {
            let word = match operator {
                Logic::And => "and",
                Logic::Or => "or",
                Logic::StrictAnd => "sand",
                Logic::StrictOr => "sor",
            };
            let terms: Vec<String> = terms.iter().map(enclosed).collect();
            terms.join(&format!(" {word} "))
        }
        Test::Match(pattern, inner) => format!("match('{}', {})", pattern.text(), value(inner)),
        Test::Member(_, name) => format!("member('{name}')"),
        Test::Not(negated) => format!("not {}", enclosed(negated)),
        Test::VendorExists(which, enterprise) => {
            format!("{}[{}].exists", vendor(*which), number(*enterprise))
        }
    }
}

/// With parentheses, where they may matter.
fn enclosed(inner: &Test) -> String {
    match inner {
        Test::Logic(..) => format!("({})", test(inner)),
        _ => test(inner),
    }
}

/// A value as an expression.
pub(super) fn value(whole: &Value) -> String {
    match whole {
        Value::AddressText(inner) => format!("addrtotext({})", value(inner)),
        Value::Case(Case::Lower, inner) => format!("lcase({})", value(inner)),
        Value::Case(Case::Upper, inner) => format!("ucase({})", value(inner)),
        Value::ClassData { enterprise, index: 0 } => {
            format!("vendor-class[{}].data", number(*enterprise))
        }
        Value::ClassData { enterprise, index } => {
            format!("vendor-class[{}].data[{index}]", number(*enterprise))
        }
        Value::Concat(parts) => match parts.as_slice() {
            [left, right @ Value::Concat(_)] => {
                format!("concat({}, {})", value(left), value(right))
            }
            _ => {
                let parts: Vec<String> = parts.iter().map(summand).collect();
                parts.join(" + ")
            }
        },
        Value::Enterprise(which) => format!("{}.enterprise", vendor(*which)),
        Value::Field(field) => field_text(*field),
        Value::HexText(parts) => format!("hexstring({}, {})", value(&parts.0), value(&parts.1)),
        Value::IfElse { is_strict, parts } => {
            let name = if *is_strict { "sifelse" } else { "ifelse" };
            format!("{name}({}, {}, {})", test(&parts.0), value(&parts.1), value(&parts.2))
        }
        Value::IntegerText(kind, inner) => format!("{}({})", kind.function(), value(inner)),
        Value::Literal(kind, bytes) => literal(*kind, bytes),
        Value::Option(at, Representation::Hex) => format!("{}.hex", source(at)),
        Value::Option(at, Representation::Text) => format!("{}.text", source(at)),
        Value::Split(parts, field) => {
            format!("split({}, {}, {field})", value(&parts.0), value(&parts.1))
        }
        Value::Substring(inner, Window { start, length: None }) => {
            format!("substring({}, {start}, all)", value(inner))
        }
        Value::Substring(inner, Window { start, length: Some(length) }) => {
            format!("substring({}, {start}, {length})", value(inner))
        }
    }
}

fn summand(part: &Value) -> String {
    match part {
        Value::Concat(_) => format!("({})", value(part)),
        _ => value(part),
    }
}

fn literal(kind: LiteralKind, bytes: &[u8]) -> String {
    match kind {
        LiteralKind::Address => match <[u8; 4]>::try_from(bytes) {
            Ok(octets) => std::net::Ipv4Addr::from(octets).to_string(),
            Err(_) => std::net::Ipv6Addr::from(<[u8; 16]>::try_from(bytes).unwrap()).to_string(),
        },
        LiteralKind::Hex => bytes.iter().fold(String::from("0x"), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        }),
        LiteralKind::Integer => u32::from_be_bytes(<[u8; 4]>::try_from(bytes).unwrap()).to_string(),
        LiteralKind::Text => format!("'{}'", std::str::from_utf8(bytes).unwrap()),
    }
}

fn source(at: &Source) -> String {
    let mut codes = at.codes.iter();
    let mut text = match at.root {
        Root::Message => format!("option[{}]", codes.next().unwrap()),
        Root::Relay4 => format!("relay4[{}]", codes.next().unwrap()),
        Root::Relay6(level) => format!("relay6[{level}]"),
        Root::Vendor(enterprise) => format!("vendor[{}]", number(enterprise)),
    };
    codes.for_each(|code| write!(text, ".option[{code}]").unwrap());
    text
}

const fn vendor(which: Vendor) -> &'static str {
    match which {
        Vendor::Class => "vendor-class",
        Vendor::Options => "vendor",
    }
}

fn number(enterprise: u32) -> String {
    if enterprise == 0 { "*".to_owned() } else { enterprise.to_string() }
}

fn field_text(field: Field) -> String {
    match field {
        Field::Ciaddr => "pkt4.ciaddr".to_owned(),
        Field::Destination => "pkt.dst".to_owned(),
        Field::Giaddr => "pkt4.giaddr".to_owned(),
        Field::Hlen => "pkt4.hlen".to_owned(),
        Field::Htype => "pkt4.htype".to_owned(),
        Field::Interface => "pkt.iface".to_owned(),
        Field::Length => "pkt.len".to_owned(),
        Field::Mac => "pkt4.mac".to_owned(),
        Field::MessageType => "pkt4.msgtype".to_owned(),
        Field::RelayLink(level) => format!("relay6[{level}].linkaddr"),
        Field::RelayPeer(level) => format!("relay6[{level}].peeraddr"),
        Field::Siaddr => "pkt4.siaddr".to_owned(),
        Field::Source => "pkt.src".to_owned(),
        Field::TransactionId => "pkt4.transid".to_owned(),
        Field::Yiaddr => "pkt4.yiaddr".to_owned(),
    }
}
