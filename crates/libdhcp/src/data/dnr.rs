//! Encrypted DNS resolvers (option 162 of DHCPv4, 144 of DHCPv6, RFC 9463).
//!
//! Text: priority, name, and optionally addresses and service parameters, the last two divided by
//! blanks: `100, dot1.example.org., 10.0.3.4 10.1.5.6, alpn=dot\,doq port=8530 dohpath=/q{?dns}`.
//! In DHCPv4 `|` divides several resolvers. Parameters are those that Kea knows: `alpn`, `port` and
//! `dohpath` (RFC 9460, 9461); the wire has them in ascending order of their numbers.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::domain_name::{decode_name, encode_name};
use super::encode::split_escaped;
use super::{DataError, Universe};
use crate::definition::DataType;

const ALPN: u16 = 1;
const PORT: u16 = 3;
const DOHPATH: u16 = 7;
const PARAMETERS: [(u16, &str); 3] = [(ALPN, "alpn"), (PORT, "port"), (DOHPATH, "dohpath")];

/// Encodes the resolvers of an option.
pub(super) fn encode_dnr(text: &str, universe: Universe) -> Result<Vec<u8>, DataError> {
    let mut out = Vec::new();
    match universe {
        Universe::V4 => {
            for resolver in split_escaped(text, '|') {
                let body = encode_resolver(&resolver, universe)?;
                push_sized(&mut out, 2, &body)?;
            }
        }
        Universe::V6 => out = encode_resolver(text, universe)?,
    }
    if out.is_empty() { Err(DataError::Missing { data_type: DataType::Internal }) } else { Ok(out) }
}

fn encode_resolver(text: &str, universe: Universe) -> Result<Vec<u8>, DataError> {
    let fields = split_escaped(text, ',');
    let (priority, name, addresses, parameters) = match fields.as_slice() {
        [priority, name] => (priority, name, None, None),
        [priority, name, addresses] => (priority, name, Some(addresses), None),
        [priority, name, addresses, last] => (priority, name, Some(addresses), Some(last)),
        _ => return Err(wrong("priority, name, addresses and parameters", text)),
    };
    let len_size = len_size(universe);
    let priority: u16 =
        priority.parse().map_err(|_| wrong("a priority from 0 to 65535", priority))?;
    let mut out = priority.to_be_bytes().to_vec();
    let mut wire = Vec::new();
    encode_name(name, &mut wire)?;
    push_sized(&mut out, len_size, &wire)?;
    if let Some(addresses) = addresses {
        push_sized(&mut out, len_size, &encode_addresses(addresses, universe)?)?;
    }
    if let Some(parameters) = parameters {
        out.append(&mut encode_parameters(parameters)?);
    }
    Ok(out)
}

fn encode_addresses(text: &str, universe: Universe) -> Result<Vec<u8>, DataError> {
    let mut out = Vec::new();
    for item in text.split_whitespace() {
        match universe {
            Universe::V4 => {
                let address: Ipv4Addr = item.parse().map_err(|_| wrong("an IPv4 address", item))?;
                out.extend(address.octets());
            }
            Universe::V6 => {
                let address: Ipv6Addr = item.parse().map_err(|_| wrong("an IPv6 address", item))?;
                out.extend(address.octets());
            }
        }
    }
    Ok(out)
}

fn encode_parameters(text: &str) -> Result<Vec<u8>, DataError> {
    let mut found: Vec<(u16, Vec<u8>)> = Vec::new();
    let mut has_http = false;
    for item in text.split_whitespace() {
        let expected = "a parameter alpn=, port= or dohpath=";
        let (name, value) = item.split_once('=').ok_or_else(|| wrong(expected, item))?;
        let known = PARAMETERS.iter().find(|(_, known)| *known == name);
        let (number, _) = *known.ok_or_else(|| wrong(expected, item))?;
        if found.iter().any(|(other, _)| *other == number) {
            return Err(wrong("each parameter once", item));
        }
        let mut wire = Vec::new();
        match number {
            ALPN => {
                for protocol in value.split(',') {
                    if protocol.is_empty() {
                        return Err(wrong("names of protocols", item));
                    }
                    has_http |= protocol.starts_with('h');
                    push_sized(&mut wire, 1, protocol.as_bytes())?;
                }
            }
            PORT => {
                let port: u16 = value.parse().map_err(|_| wrong("a port", item))?;
                wire.extend(port.to_be_bytes());
            }
            _ if value.contains("{?dns}") => wire.extend_from_slice(value.as_bytes()),
            _ => return Err(wrong("a path with {?dns}", item)),
        }
        found.push((number, wire));
    }
    //= RFC 9461 section 5: with HTTP the path must be there.
    if has_http && !found.iter().any(|(number, _)| *number == DOHPATH) {
        return Err(wrong("dohpath= beside a protocol over HTTP", text));
    }
    found.sort_by_key(|(number, _)| *number);
    let mut out = Vec::new();
    for (number, wire) in found {
        out.extend(number.to_be_bytes());
        push_sized(&mut out, 2, &wire)?;
    }
    Ok(out)
}

/// Appends a length of one or two bytes and what has it.
fn push_sized(out: &mut Vec<u8>, len_size: usize, bytes: &[u8]) -> Result<(), DataError> {
    let len_max = if len_size == 1 { usize::from(u8::MAX) } else { usize::from(u16::MAX) };
    let (data_type, found) = (DataType::Internal, bytes.len());
    if found > len_max {
        return Err(DataError::TooLong { data_type, len_max, found });
    }
    let len = (found as u16).to_be_bytes();
    out.extend_from_slice(len.get(2 - len_size..).unwrap_or_default());
    out.extend_from_slice(bytes);
    Ok(())
}

/// Shows resolvers in the form of the configuration.
pub(super) fn decode_dnr(bytes: &[u8], universe: Universe) -> Result<String, DataError> {
    let cut = || DataError::Length {
        data_type: DataType::Internal,
        expected: "whole resolvers of 5 or more",
        found: bytes.len(),
    };
    if universe == Universe::V6 {
        return decode_resolver(bytes, universe).ok_or_else(cut);
    }
    let (mut texts, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let (resolver, after) = take_sized(rest, 2).ok_or_else(cut)?;
        texts.push(decode_resolver(resolver, universe).ok_or_else(cut)?.replace('|', "\\|"));
        rest = after;
    }
    if texts.is_empty() { Err(cut()) } else { Ok(texts.join(" | ")) }
}

fn decode_resolver(bytes: &[u8], universe: Universe) -> Option<String> {
    let (priority, rest) = bytes.split_first_chunk()?;
    let (wire, rest) = take_sized(rest, len_size(universe))?;
    let (name, end) = decode_name(wire, 0, false).ok().filter(|(_, end)| *end == wire.len())?;
    debug_assert!(end > 0, "a name has at least its end");
    let mut text = format!("{}, {name}", u16::from_be_bytes(*priority));
    if rest.is_empty() {
        return Some(text);
    }
    let (addresses, mut rest) = take_sized(rest, len_size(universe))?;
    let addresses = match universe {
        Universe::V4 => show_all::<4>(addresses, |octets| Ipv4Addr::from(octets).to_string()),
        Universe::V6 => show_all::<16>(addresses, |octets| Ipv6Addr::from(octets).to_string()),
    };
    let _ = write!(text, ", {}", addresses?);
    let mut separator = ", ";
    while !rest.is_empty() {
        let (number, after) = rest.split_first_chunk()?;
        let (value, after) = take_sized(after, 2)?;
        let number = u16::from_be_bytes(*number);
        let (_, name) = PARAMETERS.iter().find(|(known, _)| *known == number)?;
        let _ = write!(text, "{separator}{name}={}", decode_parameter(number, value)?);
        (rest, separator) = (after, " ");
    }
    Some(text)
}

fn decode_parameter(number: u16, value: &[u8]) -> Option<String> {
    let plain = |bytes: &[u8]| {
        let is_plain = bytes.iter().all(|byte| byte.is_ascii_graphic());
        is_plain.then(|| String::from_utf8_lossy(bytes).replace(',', "\\,"))
    };
    match number {
        ALPN => {
            let (mut names, mut rest) = (Vec::new(), value);
            while !rest.is_empty() {
                let (name, after) = take_sized(rest, 1)?;
                names.push(plain(name)?);
                rest = after;
            }
            Some(names.join("\\,"))
        }
        PORT => Some(u16::from_be_bytes(value.try_into().ok()?).to_string()),
        _ => plain(value),
    }
}

/// Addresses with blanks between; nothing unless there is at least one and none is cut off.
fn show_all<const N: usize>(bytes: &[u8], show: impl Fn([u8; N]) -> String) -> Option<String> {
    let (whole, rest) = bytes.as_chunks::<N>();
    let texts: Vec<String> = whole.iter().map(|octets| show(*octets)).collect();
    (rest.is_empty() && !texts.is_empty()).then(|| texts.join(" "))
}

/// Divides bytes behind what the length of one or two bytes in front covers.
fn take_sized(bytes: &[u8], len_size: usize) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_at_checked(len_size)?;
    let len = len.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
    rest.split_at_checked(len)
}

/// Bytes of the lengths of name and addresses.
const fn len_size(universe: Universe) -> usize {
    match universe {
        Universe::V4 => 1,
        Universe::V6 => 2,
    }
}

fn wrong(expected: &'static str, found: &str) -> DataError {
    DataError::Value { data_type: DataType::Internal, expected, found: found.into() }
}

#[cfg(test)]
mod tests {
    use super::{decode_dnr, encode_dnr};
    use crate::Universe::{V4, V6};

    #[test]
    fn resolvers_encode_and_come_back() {
        let name = b"\x03dot\x07example\x00";
        let text = "100, dot.example., 10.0.3.4 10.1.5.6, alpn=dot\\,doq port=8530";
        let parameters = b"\x00\x01\x00\x08\x03dot\x03doq\x00\x03\x00\x02\x21\x52";
        let v4 = [
            &b"\x00\x2b\x00\x64\x0d"[..],
            name,
            &[8, 10, 0, 3, 4, 10, 1, 5, 6],
            parameters,
            &[0, 16, 0, 200, 13],
            name,
        ];
        let two = format!("{text} | 200, dot.example.");
        assert_eq!(encode_dnr(&two, V4).unwrap(), v4.concat());
        assert_eq!(decode_dnr(&v4.concat(), V4).unwrap(), two);
        let text = "1, dot.example., 2001:db8::1, alpn=h2 dohpath=/q{?dns}";
        let mut address = [0; 16];
        address[..4].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
        address[15] = 1;
        let v6 = [
            &[0, 1, 0, 13][..],
            name,
            &[0, 16],
            &address,
            b"\x00\x01\x00\x03\x02h2\x00\x07\x00\x08/q{?dns}",
        ];
        assert_eq!(encode_dnr(text, V6).unwrap(), v6.concat());
        assert_eq!(decode_dnr(&v6.concat(), V6).unwrap(), text);
        // The order of the text does not matter.
        let turned = "1, dot.example, 2001:db8::1, dohpath=/q{?dns} alpn=h2";
        assert_eq!(encode_dnr(turned, V6).unwrap(), v6.concat());
    }

    #[test]
    fn wrong_text_is_refused() {
        for text in [
            "",
            "1",
            "70000, a.",
            "1, a..b",
            "1, a., x",
            "1, a., 2001:db8::1",
            "1, a., 10.0.0.1, port",
            "1, a., 10.0.0.1, port=x",
            "1, a., 10.0.0.1, port=1 port=2",
            "1, a., 10.0.0.1, ipv4hint=10.0.0.1",
            "1, a., 10.0.0.1, alpn=",
            "1, a., 10.0.0.1, alpn=h2",
            "1, a., 10.0.0.1, dohpath=/q",
            "1, a., 10.0.0.1, port=1, more",
        ] {
            assert!(encode_dnr(text, V4).is_err(), "{text}");
        }
    }

    #[test]
    fn cut_bytes_are_refused() {
        let whole = encode_dnr("1, a., 10.0.0.1, alpn=dot port=1", V4).unwrap();
        for len in 0..whole.len() {
            assert!(decode_dnr(&whole[..len], V4).is_err(), "{len}");
        }
        assert!(decode_dnr(&[0, 1, 0, 1, 0, 0, 3, 1, 2, 3], V6).is_err());
    }
}
