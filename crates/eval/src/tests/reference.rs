//! A second evaluator: recursive, slow, over owned strings, as the rules are told.

use crate::ast::{Case, IntegerKind, Logic, Representation, Root, Source, Test, Value, Vendor};
use crate::{FieldValue, PacketContext};

/// What a failed function is here.
#[derive(Debug)]
pub(super) struct Failed;

type Outcome<T> = Result<T, Failed>;

/// Evaluates a test for a packet of DHCPv4.
pub(super) fn test(test_: &Test, packet: &dyn PacketContext) -> Outcome<bool> {
    Ok(match test_ {
        Test::Equal(sides) => {
            let left = value(&sides.0, packet)?;
            left == value(&sides.1, packet)?
        }
        Test::Exists(at) => option(at, packet).is_some(),
        Test::Known(known) => *known,
        Test::Logic(operator, terms) => {
            let mut result = test(&terms[0], packet)?;
            for term in &terms[1..] {
                let decided = result != operator.neutral();
                if decided && matches!(operator, Logic::And | Logic::Or) {
                    return Ok(result);
                }
                let next = test(term, packet)?;
                result = if operator.neutral() { result && next } else { result || next };
            }
            result
        }
        Test::Match(pattern, inner) => pattern.is_match(&value(inner, packet)?),
        Test::Member(class, _) => packet.is_member(*class),
        Test::Not(negated) => !test(negated, packet)?,
        Test::VendorExists(vendor, enterprise) => of_vendor(*vendor, *enterprise, packet).is_some(),
    })
}

/// Evaluates a value for a packet of DHCPv4.
pub(super) fn value(whole: &Value, packet: &dyn PacketContext) -> Outcome<Vec<u8>> {
    Ok(match whole {
        Value::AddressText(inner) => address(&value(inner, packet)?)?.into_bytes(),
        Value::Case(case, inner) => {
            let mut bytes = value(inner, packet)?;
            for byte in &mut bytes {
                match (case, *byte) {
                    (Case::Lower, b'A'..=b'Z') => *byte += 32,
                    (Case::Upper, b'a'..=b'z') => *byte -= 32,
                    _ => {}
                }
            }
            bytes
        }
        Value::ClassData { enterprise, index } => {
            let Some(mut rest) = of_vendor(Vendor::Class, *enterprise, packet) else {
                return Ok(Vec::new());
            };
            for _ in 0..*index {
                let skipped = 1 + rest.first().map_or(0, |len| usize::from(*len)) + 4;
                rest = rest.get(skipped..).unwrap_or_default().to_vec();
            }
            let len = rest.first().map_or(0, |len| usize::from(*len));
            rest.get(1..1 + len).unwrap_or_default().to_vec()
        }
        Value::Concat(parts) => {
            let parts: Outcome<Vec<Vec<u8>>> =
                parts.iter().map(|part| value(part, packet)).collect();
            parts?.concat()
        }
        Value::Enterprise(vendor) => match of_vendor(*vendor, 0, packet) {
            None => Vec::new(),
            Some(_) => packet.option(vendor.code(libdhcp::Universe::V4)).unwrap()[..4].to_vec(),
        },
        Value::Field(field) => match packet.field(*field) {
            FieldValue::Absent => Vec::new(),
            FieldValue::Address(std::net::IpAddr::V4(address)) => address.octets().to_vec(),
            FieldValue::Address(std::net::IpAddr::V6(address)) => address.octets().to_vec(),
            FieldValue::Bytes(bytes) => bytes.to_vec(),
            FieldValue::Number(number) => number.to_be_bytes().to_vec(),
        },
        Value::HexText(parts) => {
            let (bytes, separator) = (value(&parts.0, packet)?, value(&parts.1, packet)?);
            let digits: Vec<Vec<u8>> =
                bytes.iter().map(|byte| format!("{byte:02x}").into_bytes()).collect();
            digits.join(&separator[..])
        }
        Value::IfElse { is_strict, parts } => {
            let is_true = test(&parts.0, packet)?;
            if !is_strict {
                return value(if is_true { &parts.1 } else { &parts.2 }, packet);
            }
            let (then, otherwise) = (value(&parts.1, packet)?, value(&parts.2, packet)?);
            if is_true { then } else { otherwise }
        }
        Value::IntegerText(kind, inner) => integer(*kind, &value(inner, packet)?)?.into_bytes(),
        Value::Literal(_, bytes) => bytes.to_vec(),
        Value::Option(at, Representation::Hex) => option(at, packet).unwrap_or_default(),
        Value::Option(at, Representation::Text) => match option(at, packet) {
            None => Vec::new(),
            Some(bytes) if is_string(at) => bytes,
            Some(bytes) => described(*at.codes.last().unwrap(), &bytes),
        },
        Value::Split(parts, field) => {
            split(&value(&parts.0, packet)?, &value(&parts.1, packet)?, *field)
        }
        Value::Substring(inner, window) => {
            substring(&value(inner, packet)?, window.start.into(), window.length.map(i64::from))
        }
    })
}

fn address(bytes: &[u8]) -> Outcome<String> {
    Ok(match bytes {
        [] => String::new(),
        [a, b, c, d] => format!("{a}.{b}.{c}.{d}"),
        other => {
            let octets = <[u8; 16]>::try_from(other).map_err(|_| Failed)?;
            std::net::Ipv6Addr::from(octets).to_string()
        }
    })
}

fn integer(kind: IntegerKind, bytes: &[u8]) -> Outcome<String> {
    Ok(match (kind, bytes) {
        (_, []) => String::new(),
        (IntegerKind::Int8, [a]) => i8::from_be_bytes([*a]).to_string(),
        (IntegerKind::Uint8, [a]) => a.to_string(),
        (IntegerKind::Int16, [a, b]) => i16::from_be_bytes([*a, *b]).to_string(),
        (IntegerKind::Uint16, [a, b]) => u16::from_be_bytes([*a, *b]).to_string(),
        (IntegerKind::Int32, [a, b, c, d]) => i32::from_be_bytes([*a, *b, *c, *d]).to_string(),
        (IntegerKind::Uint32, [a, b, c, d]) => u32::from_be_bytes([*a, *b, *c, *d]).to_string(),
        _ => return Err(Failed),
    })
}

/// Byte by byte: those whose position lies where the rules say.
fn substring(bytes: &[u8], start: i64, length: Option<i64>) -> Vec<u8> {
    let len = bytes.len() as i64;
    if bytes.is_empty() || start < -len || start >= len {
        return Vec::new();
    }
    let start = if start < 0 { start + len } else { start };
    let wanted = match length {
        None => start..len,
        Some(length) if length < 0 => start + length..start,
        Some(length) => start..start + length,
    };
    (0..len).filter(|at| wanted.contains(at)).map(|at| bytes[at as usize]).collect()
}

fn split(bytes: &[u8], delimiters: &[u8], field: i32) -> Vec<u8> {
    if bytes.is_empty() || delimiters.is_empty() {
        return bytes.to_vec();
    }
    let mut fields = vec![Vec::new()];
    for byte in bytes {
        if delimiters.contains(byte) {
            fields.push(Vec::new());
        } else {
            fields.last_mut().unwrap().push(*byte);
        }
    }
    if field < 1 { Vec::new() } else { fields.get(field as usize - 1).cloned().unwrap_or_default() }
}

/// The strings among the options that the properties use.
fn is_string(at: &Source) -> bool {
    matches!((at.root, at.codes.as_slice()), (Root::Message, [12 | 60]) | (Root::Relay4, [6]))
}

fn described(code: u16, bytes: &[u8]) -> Vec<u8> {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut text = format!("type={code:03}, len={:03}: {}", bytes.len(), digits.join(":"));
    if bytes.is_empty() {
        text.push_str("''");
    } else if bytes.iter().all(|byte| (0x20..0x7f).contains(byte)) {
        text.push_str(&format!(" '{}'", String::from_utf8_lossy(bytes)));
    }
    text.into_bytes()
}

fn option(at: &Source, packet: &dyn PacketContext) -> Option<Vec<u8>> {
    let (mut body, inner) = match at.root {
        Root::Message => (packet.option(at.codes[0])?.to_vec(), &at.codes[1..]),
        Root::Relay4 => (packet.option(82)?.to_vec(), &at.codes[..]),
        Root::Vendor(enterprise) => {
            let rest = of_vendor(Vendor::Options, enterprise, packet)?;
            let len = usize::from(*rest.first()?).min(rest.len() - 1);
            (rest[1..1 + len].to_vec(), &at.codes[..])
        }
        Root::Relay6(_) => return None,
    };
    let mut is_known = at.root != Root::Message || at.codes[0] == 82;
    for code in inner {
        if !is_known {
            return None;
        }
        body = sub_option(&body, *code)?;
        is_known = false;
    }
    if is_string(at) {
        while body.last() == Some(&0) {
            body.pop();
        }
        if body.is_empty() {
            return None;
        }
    }
    Some(body)
}

/// All sub-options with the code, joined.
fn sub_option(body: &[u8], code: u16) -> Option<Vec<u8>> {
    let (mut at, mut found) = (0, None);
    while at + 2 <= body.len() && at + 2 + usize::from(body[at + 1]) <= body.len() {
        let end = at + 2 + usize::from(body[at + 1]);
        if u16::from(body[at]) == code {
            found.get_or_insert_with(Vec::new).extend_from_slice(&body[at + 2..end]);
        }
        at = end;
    }
    found
}

/// What follows the number of the enterprise, if it is the wanted one.
fn of_vendor(vendor: Vendor, wanted: u32, packet: &dyn PacketContext) -> Option<Vec<u8>> {
    let body = packet.option(vendor.code(libdhcp::Universe::V4))?;
    let number: [u8; 4] = body.get(..4)?.try_into().ok()?;
    let is_wanted = wanted == 0 || wanted == u32::from_be_bytes(number);
    is_wanted.then(|| body[4..].to_vec())
}
