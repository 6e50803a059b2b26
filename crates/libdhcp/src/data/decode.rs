//! Bytes to text, and the check of bytes against a definition.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::dnr::decode_dnr;
use super::domain_name::decode_name;
use super::routes::decode_routes;
use super::{DataError, Universe, split_tuple};
use crate::definition::{DataType, Format, OptionDefinition};

/// Checks that bytes, received or given as hexadecimal digits, have the form of the definition.
///
/// Bytes behind a complete value are accepted, as Kea does: they may be sub-options.
///
/// # Errors
/// Says what was expected and what was found.
pub fn validate(
    definition: &OptionDefinition,
    bytes: &[u8],
    universe: Universe,
) -> Result<(), DataError> {
    values(definition, bytes, universe).map(|_| ())
}

/// Shows an option's body in the form of the configuration; as hexadecimal digits when there is no
/// definition or the body does not have its form.
#[must_use]
pub fn format_option(
    definition: Option<&OptionDefinition>,
    bytes: &[u8],
    universe: Universe,
) -> String {
    match definition.map(|definition| values(definition, bytes, universe)) {
        Some(Ok(values)) => values.join(", "),
        _ => hex(bytes),
    }
}

/// The values of the body, each as text.
fn values(
    definition: &OptionDefinition,
    bytes: &[u8],
    universe: Universe,
) -> Result<Vec<String>, DataError> {
    match definition.format {
        Format::ClasslessStaticRoutes => return Ok(vec![decode_routes(bytes)?]),
        Format::CompressedNames => return names(bytes),
        Format::EncryptedDns => return Ok(vec![decode_dnr(bytes, universe)?]),
        Format::Plain | Format::Tuples => {}
    }
    let mut reader = Reader { bytes, at: 0, universe };
    let mut texts = Vec::new();
    if definition.data_type != DataType::Record {
        if definition.array {
            if bytes.is_empty() && may_be_empty(definition.data_type, universe) {
                return Ok(texts);
            }
            reader.array(definition.data_type, &mut texts)?;
        } else {
            texts.push(reader.value(definition.data_type)?);
            reader.surplus(&mut texts);
        }
        return Ok(texts);
    }
    for field in definition.record.iter() {
        let is_blank = *field == DataType::String && !reader.has_more();
        texts.push(if is_blank { String::new() } else { reader.value(*field)? });
    }
    if let (true, Some(last)) = (definition.array && reader.has_more(), definition.record.last()) {
        reader.array(*last, &mut texts)?;
    }
    reader.surplus(&mut texts);
    Ok(texts)
}

fn names(bytes: &[u8]) -> Result<Vec<String>, DataError> {
    let mut texts = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (name, end) = decode_name(bytes, at, true)?;
        texts.push(name);
        at = end;
    }
    Ok(texts)
}

/// Position in the bytes of a value.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    universe: Universe,
}

impl<'a> Reader<'a> {
    /// Reads values until nothing is left.
    fn array(&mut self, data_type: DataType, texts: &mut Vec<String>) -> Result<(), DataError> {
        loop {
            let before = self.at;
            match self.value(data_type) {
                Ok(text) => texts.push(text),
                // Only numbers and addresses must come out even.
                Err(_) if !texts.is_empty() && !has_fixed_size(data_type) => return Ok(()),
                Err(error) => return Err(error),
            }
            if !self.has_more() || self.at == before {
                return Ok(());
            }
        }
    }

    /// What follows the value, such as sub-options, as digits.
    fn surplus(&mut self, texts: &mut Vec<String>) {
        if self.has_more() {
            texts.push(format!("0x{}", hex(self.rest())));
        }
    }

    fn value(&mut self, data_type: DataType) -> Result<String, DataError> {
        Ok(match data_type {
            DataType::Binary | DataType::Empty | DataType::Internal => hex(self.rest()),
            DataType::Boolean => match self.take(data_type, "1")? {
                [0] => "false".to_owned(),
                [1] => "true".to_owned(),
                [found] => return Err(wrong(data_type, "0 or 1", found)),
            },
            DataType::Record => String::new(),
            DataType::Fqdn => {
                let (name, end) = decode_name(self.bytes, self.at, false)?;
                self.at = end;
                name
            }
            DataType::Int8 => i8::from_be_bytes(self.take(data_type, "1")?).to_string(),
            DataType::Int16 => i16::from_be_bytes(self.take(data_type, "2")?).to_string(),
            DataType::Int32 => i32::from_be_bytes(self.take(data_type, "4")?).to_string(),
            DataType::Ipv4Address => Ipv4Addr::from(self.take::<4>(data_type, "4")?).to_string(),
            DataType::Ipv6Address => Ipv6Addr::from(self.take::<16>(data_type, "16")?).to_string(),
            DataType::Ipv6Prefix => self.prefix()?,
            DataType::Psid => self.psid()?,
            DataType::String => self.string()?,
            DataType::Tuple => self.tuple()?,
            DataType::Uint8 => u8::from_be_bytes(self.take(data_type, "1")?).to_string(),
            DataType::Uint16 => u16::from_be_bytes(self.take(data_type, "2")?).to_string(),
            DataType::Uint32 => u32::from_be_bytes(self.take(data_type, "4")?).to_string(),
        })
    }

    fn prefix(&mut self) -> Result<String, DataError> {
        let data_type = DataType::Ipv6Prefix;
        let [len] = self.take(data_type, "at least 1")?;
        if len > 128 {
            return Err(wrong(data_type, "a prefix length up to 128", len));
        }
        let significant = self.slice(data_type, "1 to 17", usize::from(len.div_ceil(8)))?;
        let mut octets = [0; 16];
        for (to, from) in octets.iter_mut().zip(significant) {
            *to = *from;
        }
        Ok(format!("{}/{len}", Ipv6Addr::from(octets)))
    }

    fn psid(&mut self) -> Result<String, DataError> {
        let [len, high, low] = self.take(DataType::Psid, "3")?;
        if len > 16 {
            return Err(wrong(DataType::Psid, "a length up to 16", len));
        }
        let value = u32::from(u16::from_be_bytes([high, low])) >> (16 - u32::from(len));
        Ok(format!("{value}/{len}"))
    }

    fn string(&mut self) -> Result<String, DataError> {
        let bytes = self.rest();
        if bytes.is_empty() {
            return Err(DataError::Missing { data_type: DataType::String });
        }
        let len = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        Ok(text(bytes.get(..len).unwrap_or_default()))
    }

    fn tuple(&mut self) -> Result<String, DataError> {
        let data_type = DataType::Tuple;
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let (data, after) = split_tuple(rest, self.universe).ok_or(DataError::Length {
            data_type,
            expected: "as many as its length says",
            found: rest.len(),
        })?;
        self.at = self.bytes.len() - after.len();
        let is_plain = data.iter().all(|byte| matches!(byte, b' '..=b'~'));
        Ok(if is_plain { text(data) } else { format!("0x{}", hex(data)) })
    }

    fn has_more(&self) -> bool {
        self.at < self.bytes.len()
    }

    fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at = self.bytes.len();
        rest
    }

    fn slice(
        &mut self,
        data_type: DataType,
        expected: &'static str,
        len: usize,
    ) -> Result<&'a [u8], DataError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let slice =
            rest.get(..len).ok_or(DataError::Length { data_type, expected, found: rest.len() })?;
        self.at += len;
        Ok(slice)
    }

    fn take<const N: usize>(
        &mut self,
        data_type: DataType,
        expected: &'static str,
    ) -> Result<[u8; N], DataError> {
        let slice = self.slice(data_type, expected, N)?;
        <[u8; N]>::try_from(slice).map_err(|_| DataError::Missing { data_type })
    }
}

/// Says whether a list of the type may have no items.
fn may_be_empty(data_type: DataType, universe: Universe) -> bool {
    match data_type {
        DataType::Fqdn | DataType::Tuple => universe == Universe::V6,
        data_type => is_address(data_type) || !has_fixed_size(data_type),
    }
}

fn is_address(data_type: DataType) -> bool {
    matches!(data_type, DataType::Ipv4Address | DataType::Ipv6Address)
}

fn has_fixed_size(data_type: DataType) -> bool {
    is_address(data_type)
        || matches!(data_type, DataType::Int8 | DataType::Int16 | DataType::Int32)
        || matches!(data_type, DataType::Uint8 | DataType::Uint16 | DataType::Uint32)
}

fn wrong(data_type: DataType, expected: &'static str, found: u8) -> DataError {
    DataError::Value { data_type, expected, found: found.to_string().into() }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Text with its commas escaped; bytes that are no text are replaced.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace(',', "\\,")
}
