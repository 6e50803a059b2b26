//! Domain names in DNS wire form (RFC 1035 3.1), with compression where RFC 3397 asks for it.
//!
//! Text: labels separated by dots, a final dot changes nothing, `\.` and `\ddd` as in zone files.
//! Limits: 63 bytes a label, 255 a name.

use std::fmt::Write;

use super::DataError;

const LABEL_MAX: usize = 63;
const NAME_MAX: usize = 255;
const POINTER: u8 = 0xc0;

/// Appends a name in wire form, uncompressed.
///
/// # Errors
/// When the text is no domain name.
pub fn encode_name(text: &str, out: &mut Vec<u8>) -> Result<(), DataError> {
    let error = |reason| DataError::Name { found: text.into(), reason };
    let start = out.len();
    if text.is_empty() {
        return Err(error("it is empty"));
    }
    if text != "." {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            rest = encode_label(rest, out).map_err(error)?;
        }
    }
    out.push(0);
    if out.len() - start > NAME_MAX { Err(error("it is longer than 255 bytes")) } else { Ok(()) }
}

/// Appends the first label of `text` and returns what follows its dot.
fn encode_label<'t>(text: &'t [u8], out: &mut Vec<u8>) -> Result<&'t [u8], &'static str> {
    let length_at = out.len();
    out.push(0);
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'.', _) => break,
            (b'\\', [a, b, c, after @ ..]) if [a, b, c].iter().all(|d| d.is_ascii_digit()) => {
                let value = [a, b, c].iter().fold(0, |sum, d| sum * 10 + u16::from(**d - b'0'));
                out.push(u8::try_from(value).map_err(|_| "an escaped byte is above 255")?);
                rest = after;
            }
            (b'\\', [escaped, after @ ..]) => {
                out.push(*escaped);
                rest = after;
            }
            (b'\\', []) => return Err("it ends with a backslash"),
            (byte, _) => out.push(byte),
        }
    }
    match out.len() - length_at - 1 {
        0 => Err("a label is empty"),
        len if len > LABEL_MAX => Err("a label is longer than 63 bytes"),
        len => {
            if let Some(length) = out.get_mut(length_at) {
                *length = len as u8;
            }
            Ok(rest)
        }
    }
}

/// Encodes names one after the other; endings that occurred before become pointers.
///
/// # Errors
/// When one of the texts is no domain name.
pub fn encode_names_compressed<'t>(
    names: impl IntoIterator<Item = &'t str>,
) -> Result<Vec<u8>, DataError> {
    let mut out: Vec<u8> = Vec::new();
    // Endings written so far, in wire form, and where they begin.
    let mut known: Vec<(Vec<u8>, u16)> = Vec::new();
    for text in names {
        let mut wire = Vec::new();
        encode_name(text, &mut wire)?;
        let mut rest = wire.as_slice();
        while let Some((&len, _)) = rest.split_first() {
            if len == 0 {
                out.push(0);
                break;
            }
            if let Some((_, at)) =
                known.iter().find(|(ending, _)| ending.eq_ignore_ascii_case(rest))
            {
                out.extend((u16::from(POINTER) << 8 | at).to_be_bytes());
                break;
            }
            // A pointer has 14 bits.
            if out.len() < 0x4000 {
                known.push((rest.to_vec(), out.len() as u16));
            }
            let Some((label, after)) = rest.split_at_checked(1 + usize::from(len)) else { break };
            out.extend_from_slice(label);
            rest = after;
        }
    }
    Ok(out)
}

/// Reads the name at `at`; returns it with a final dot, and where it ends. Pointers count from the
/// start of `bytes`, and are errors unless `compressed`.
///
/// # Errors
/// When the bytes are no domain name; pointers must lead backwards, so that reading ends.
pub fn decode_name(
    bytes: &[u8],
    at: usize,
    compressed: bool,
) -> Result<(String, usize), DataError> {
    let mut name = String::new();
    let (mut at, mut end, mut bound, mut total) = (at, None, at, 0);
    loop {
        let error = |reason| DataError::Name { found: name.as_str().into(), reason };
        let cut = || error("it is cut off");
        let len = *bytes.get(at).ok_or_else(cut)?;
        if len & POINTER == POINTER && compressed {
            let low = *bytes.get(at + 1).ok_or_else(cut)?;
            let target = usize::from(len & !POINTER) << 8 | usize::from(low);
            if target >= bound {
                return Err(error("a pointer does not lead backwards"));
            }
            end.get_or_insert(at + 2);
            (at, bound) = (target, target);
            continue;
        }
        if usize::from(len) > LABEL_MAX {
            return Err(error("a label is longer than 63 bytes"));
        }
        total += 1 + usize::from(len);
        if total > NAME_MAX {
            return Err(error("it is longer than 255 bytes"));
        }
        at += 1;
        if len == 0 {
            break;
        }
        let label = bytes.get(at..at + usize::from(len)).ok_or_else(cut)?;
        push_label(&mut name, label);
        at += label.len();
    }
    if name.is_empty() {
        name.push('.');
    }
    Ok((name, end.unwrap_or(at)))
}

fn push_label(name: &mut String, label: &[u8]) {
    for &byte in label {
        match byte {
            b'.' | b'\\' => {
                name.push('\\');
                name.push(char::from(byte));
            }
            b'!'..=b'~' if byte != b',' => name.push(char::from(byte)),
            _ => {
                let _ = write!(name, "\\{byte:03}");
            }
        }
    }
    name.push('.');
}

#[cfg(test)]
mod tests {
    use super::{decode_name, encode_name, encode_names_compressed};

    #[test]
    fn shared_endings_are_compressed() {
        // The example of RFC 3397 section 3, joined.
        let bytes = encode_names_compressed(["eng.apple.com", "marketing.apple.com."]).unwrap();
        assert_eq!(bytes, b"\x03eng\x05apple\x03com\x00\x09marketing\xc0\x04");
        let (first, at) = decode_name(&bytes, 0, true).unwrap();
        let (second, end) = decode_name(&bytes, at, true).unwrap();
        assert_eq!((first.as_str(), second.as_str()), ("eng.apple.com.", "marketing.apple.com."));
        assert_eq!(end, bytes.len());
    }

    #[test]
    fn pointers_never_loop() {
        for bytes in [&b"\xc0\x00"[..], b"\x01a\xc0\x02", b"\x01a\xc0\x00", b"\xc0", b"\x05ab"] {
            for at in 0..bytes.len() {
                let _ = decode_name(bytes, at, true);
            }
            assert!(decode_name(bytes, 0, true).is_err());
        }
        assert!(decode_name(b"\x01a\x00\xc0\x00", 3, false).is_err());
        assert!(decode_name(b"\x01a\x00\xc0\x00", 3, true).is_ok());
    }

    #[test]
    fn limits_of_labels_and_names() {
        let mut out = Vec::new();
        assert!(encode_name(&"a".repeat(63), &mut out).is_ok());
        assert!(encode_name(&"a".repeat(64), &mut out).is_err());
        let label = "a".repeat(49);
        let name = |labels| vec![label.as_str(); labels].join(".");
        out.clear();
        assert!(encode_name(&name(5), &mut out).is_ok());
        assert_eq!(decode_name(&out, 0, false).unwrap().0, name(5) + ".");
        assert!(encode_name(&name(6), &mut out).is_err());
        for bad in ["", "..", "a..b", ".a", "a\\", "\\256"] {
            assert!(encode_name(bad, &mut Vec::new()).is_err(), "{bad}");
        }
    }

    #[test]
    fn escapes_come_back() {
        let mut out = Vec::new();
        encode_name("a\\.b\\007.c", &mut out).unwrap();
        assert_eq!(out, b"\x04a.b\x07\x01c\x00");
        assert_eq!(decode_name(&out, 0, false).unwrap().0, "a\\.b\\007.c.");
    }
}
