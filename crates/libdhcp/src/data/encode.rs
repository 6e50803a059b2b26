//! Text to bytes.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::dnr::encode_dnr;
use super::domain_name::{decode_name, encode_name, encode_names_compressed};
use super::hex_text::encode_hex;
use super::routes::encode_routes;
use super::{DataError, Universe, split_tuple};
use crate::definition::{DataType, Format, OptionDefinition};

/// Encodes the comma separated text of an option.
///
/// # Errors
/// Says what was expected and what was found.
pub fn encode_csv(
    definition: &OptionDefinition,
    text: &str,
    universe: Universe,
) -> Result<Vec<u8>, DataError> {
    let items = split_csv(text);
    match definition.format {
        Format::ClasslessStaticRoutes => return encode_routes(text),
        Format::CompressedNames => return encode_search_list(&items),
        Format::Tuples => {
            if let Some(bytes) = tuples_as_bytes(&items, universe) {
                return Ok(bytes);
            }
        }
        Format::EncryptedDns => return encode_dnr(text, universe),
        Format::Plain => {}
    }
    let data_type = definition.data_type;
    let mut out = Vec::new();
    if data_type == DataType::Record {
        encode_record(definition, &items, universe, &mut out)?;
    } else if definition.array {
        for item in &items {
            encode_value(data_type, item, universe, &mut out)?;
        }
    } else if data_type == DataType::Binary && text.trim().starts_with('\'') {
        // Quoted text may hold commas.
        out = encode_hex(text)?;
    } else if data_type == DataType::Empty {
        let wrong = |found: &String| DataError::Value {
            data_type,
            expected: "no data",
            found: found.as_str().into(),
        };
        items.first().map_or(Ok(()), |found| Err(wrong(found)))?;
    } else {
        let item = items.first().ok_or(DataError::Missing { data_type })?;
        encode_value(data_type, item, universe, &mut out)?;
    }
    Ok(out)
}

/// Number of items in the text that the definition has no use for, such as what follows a comma in
/// a string.
#[must_use]
pub fn csv_surplus(definition: &OptionDefinition, text: &str) -> usize {
    let is_quoted = definition.data_type == DataType::Binary && text.trim().starts_with('\'');
    if definition.array || is_quoted || definition.format != Format::Plain {
        return 0;
    }
    let used = match definition.data_type {
        DataType::Empty => 0,
        DataType::Record => definition.record.len(),
        _ => 1,
    };
    split_csv(text).len().saturating_sub(used)
}

/// Splits at commas; `\,` is a comma inside an item, blanks around items and empty items are
/// removed.
#[must_use]
pub fn split_csv(text: &str) -> Vec<String> {
    split_escaped(text, ',')
}

/// Splits at a separator as [`split_csv`] does at commas.
pub(super) fn split_escaped(text: &str, separator: char) -> Vec<String> {
    let mut items = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_escape = character == '\\' && characters.peek() == Some(&separator);
        match items.last_mut() {
            Some(item) if is_escape => item.extend(characters.next()),
            Some(item) if character != separator => item.push(character),
            _ => items.push(String::new()),
        }
    }
    items.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

fn encode_record(
    definition: &OptionDefinition,
    items: &[String],
    universe: Universe,
    out: &mut Vec<u8>,
) -> Result<(), DataError> {
    let fields = &definition.record;
    if items.len() < fields.len() {
        return Err(DataError::TooFewFields { expected: fields.len(), found: items.len() });
    }
    for (field, item) in fields.iter().zip(items) {
        encode_value(*field, item, universe, out)?;
    }
    if let (true, Some(last)) = (definition.array, fields.last()) {
        for item in items.iter().skip(fields.len()) {
            encode_value(*last, item, universe, out)?;
        }
    }
    Ok(())
}

/// Names of option 119; Kea 1.1 took the option's bytes as hexadecimal digits here, so those are
/// still accepted.
fn encode_search_list(items: &[String]) -> Result<Vec<u8>, DataError> {
    if let [single] = items
        && !single.contains('.')
        && let Ok(bytes) = encode_hex(single)
        && is_search_list(&bytes)
    {
        return Ok(bytes);
    }
    encode_names_compressed(items.iter().map(String::as_str))
}

fn is_search_list(bytes: &[u8]) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        match decode_name(bytes, at, true) {
            Ok((_, end)) => at = end,
            Err(_) => return false,
        }
    }
    !bytes.is_empty()
}

/// The bytes of a lone item that is hexadecimal digits of whole tuples.
fn tuples_as_bytes(items: &[String], universe: Universe) -> Option<Vec<u8>> {
    let [single] = items else { return None };
    let bytes = encode_hex(single).ok().filter(|bytes| !bytes.is_empty())?;
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        rest = split_tuple(rest, universe)?.1;
    }
    Some(bytes)
}

fn encode_value(
    data_type: DataType,
    item: &str,
    universe: Universe,
    out: &mut Vec<u8>,
) -> Result<(), DataError> {
    let wrong = |expected| DataError::Value { data_type, expected, found: item.into() };
    match data_type {
        DataType::Binary if item.len() % 2 == 1 && is_digits(item) => {
            return Err(wrong("an even number of hexadecimal digits"));
        }
        DataType::Binary => out.append(&mut encode_hex(item)?),
        DataType::Boolean => out.push(boolean(item).ok_or_else(|| wrong("true, false, 1 or 0"))?),
        DataType::Empty | DataType::Internal | DataType::Record => {}
        DataType::Fqdn => encode_name(item, out)?,
        DataType::Int8 => out.extend((integer(data_type, item)? as i8).to_be_bytes()),
        DataType::Int16 => out.extend((integer(data_type, item)? as i16).to_be_bytes()),
        DataType::Int32 => out.extend((integer(data_type, item)? as i32).to_be_bytes()),
        DataType::Ipv4Address => {
            let address: Ipv4Addr = item.parse().map_err(|_| wrong("an IPv4 address"))?;
            out.extend(address.octets());
        }
        DataType::Ipv6Address => {
            let address: Ipv6Addr = item.parse().map_err(|_| wrong("an IPv6 address"))?;
            out.extend(address.octets());
        }
        DataType::Ipv6Prefix => {
            encode_prefix(item, out).ok_or_else(|| wrong("an IPv6 prefix 'address/length'"))?;
        }
        DataType::Psid => {
            encode_psid(item, out).ok_or_else(|| wrong("a port set id 'value/length'"))?;
        }
        DataType::String => out.extend_from_slice(item.as_bytes()),
        DataType::Tuple => encode_tuple(item, universe, out)?,
        DataType::Uint8 => out.extend((integer(data_type, item)? as u8).to_be_bytes()),
        DataType::Uint16 => out.extend((integer(data_type, item)? as u16).to_be_bytes()),
        DataType::Uint32 => out.extend((integer(data_type, item)? as u32).to_be_bytes()),
    }
    Ok(())
}

/// Says whether a text is nothing but hexadecimal digits, `0x` in front allowed.
fn is_digits(item: &str) -> bool {
    item.strip_prefix("0x").unwrap_or(item).bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn boolean(item: &str) -> Option<u8> {
    match item {
        "1" => Some(1),
        "0" => Some(0),
        _ if item.eq_ignore_ascii_case("true") => Some(1),
        _ if item.eq_ignore_ascii_case("false") => Some(0),
        _ => None,
    }
}

/// Reads a number in the range of the type: decimal, or hexadecimal behind `0x`.
fn integer(data_type: DataType, item: &str) -> Result<i64, DataError> {
    let (min, max) = match data_type {
        DataType::Int8 => (i64::from(i8::MIN), i64::from(i8::MAX)),
        DataType::Int16 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        DataType::Int32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        DataType::Uint8 => (0, i64::from(u8::MAX)),
        DataType::Uint16 => (0, i64::from(u16::MAX)),
        _ => (0, i64::from(u32::MAX)),
    };
    let number = match item.strip_prefix("0x").or_else(|| item.strip_prefix("0X")) {
        Some(digits) if digits.starts_with(['+', '-']) => None,
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => item.parse().ok(),
    };
    let found = number.ok_or_else(|| DataError::Value {
        data_type,
        expected: "a decimal number, or a hexadecimal one with 0x,",
        found: item.into(),
    })?;
    if (min..=max).contains(&found) {
        Ok(found)
    } else {
        Err(DataError::OutOfRange { data_type, min, max, found })
    }
}

fn encode_prefix(item: &str, out: &mut Vec<u8>) -> Option<()> {
    let (prefix, len) = item.split_once('/')?;
    let prefix: Ipv6Addr = prefix.trim().parse().ok()?;
    let len = len.trim().parse::<u32>().ok().filter(|len| *len <= 128)?;
    let mask = u128::MAX.checked_shl(128 - len).unwrap_or(0);
    let octets = (u128::from(prefix) & mask).to_be_bytes();
    out.push(len as u8);
    out.extend_from_slice(octets.get(..len.div_ceil(8) as usize)?);
    Some(())
}

fn encode_psid(item: &str, out: &mut Vec<u8>) -> Option<()> {
    let (value, len) = item.split_once('/')?;
    let value: u16 = value.trim().parse().ok()?;
    let len = len.trim().parse::<u32>().ok().filter(|len| *len <= 16)?;
    if u32::from(value) >> len != 0 {
        return None;
    }
    let aligned = u16::try_from(u32::from(value) << (16 - len)).ok()?;
    out.push(len as u8);
    out.extend(aligned.to_be_bytes());
    Some(())
}

fn encode_tuple(item: &str, universe: Universe, out: &mut Vec<u8>) -> Result<(), DataError> {
    let data = match item.strip_prefix("0x").map(encode_hex) {
        Some(Ok(bytes)) => bytes,
        _ => item.as_bytes().to_vec(),
    };
    let too_long =
        |len_max| DataError::TooLong { data_type: DataType::Tuple, len_max, found: data.len() };
    match universe {
        Universe::V4 => out.push(u8::try_from(data.len()).map_err(|_| too_long(255))?),
        Universe::V6 => {
            let len = u16::try_from(data.len()).map_err(|_| too_long(65535))?;
            out.extend(len.to_be_bytes());
        }
    }
    out.extend_from_slice(&data);
    Ok(())
}
