//! Fields of dumps, which lease files can be made of.
//!
//! Dumps are those of Kea's script, byte for byte: of texts only what would break a line is escaped, and the end of an
//! endless lifetime is its beginning. The servers read that as well as their own files.

use libdhcpsrv::lease::INFINITE;
use util::{csv, hex};

/// Appends a comma and an identifier.
pub(crate) fn push_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b',');
    hex::push_colon_hex(out, bytes);
}

/// Appends a comma and a number.
pub(crate) fn push_number(out: &mut Vec<u8>, number: u64) {
    out.push(b',');
    csv::push_decimal(out, number);
}

/// Appends a comma and a text.
pub(crate) fn push_text(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b',');
    let mut rest = text;
    for chunk in text.utf8_chunks() {
        for byte in chunk.valid().bytes() {
            if matches!(byte, b',' | 0..=0x1f | 0x7f) || looks_escaped(rest) {
                push_escaped(out, byte);
            } else {
                out.push(byte);
            }
            rest = rest.get(1..).unwrap_or_default();
        }
        // A database takes no upload with bytes that are no text.
        chunk.invalid().iter().for_each(|byte| push_escaped(out, *byte));
        rest = rest.get(chunk.invalid().len()..).unwrap_or_default();
    }
}

fn push_escaped(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(b"&#x");
    hex::push_hex_byte(out, byte);
}

/// Whether a text would be read as the escape of another one.
fn looks_escaped(text: &[u8]) -> bool {
    matches!(text, [b'&', b'#', b'x', high, low, ..]
        if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

/// The column `expire`.
pub(crate) fn expire(cltt: i64, valid_lifetime: u32) -> u64 {
    let lifetime = if valid_lifetime == INFINITE { 0 } else { i64::from(valid_lifetime) };
    u64::try_from(cltt.saturating_add(lifetime)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_whatever_is_in_them() {
        for (text, expected) in [
            (b"caf\xe9,\xff&#x2c".as_slice(), ",caf&#xe9&#x2c&#xff&#x26#x2c"),
            (b"host.example.org", ",host.example.org"),
            (br#"{"a":1,"b":"&"}"#, r#",{"a":1&#x2c"b":"&"}"#),
            (b"a&#x2cb", ",a&#x26#x2cb"),
            (b"&#x2", ",&#x2"),
            (b"a\nb\tc", ",a&#x0ab&#x09c"),
            ("größe".as_bytes(), ",größe"),
        ] {
            let mut out = Vec::new();
            push_text(&mut out, text);
            assert_eq!(String::from_utf8_lossy(&out), expected);
            let mut back = Vec::new();
            csv::push_unescaped(&mut back, &out[1..]);
            assert_eq!(back, text);
        }
    }

    #[test]
    fn endless_lifetimes_end_where_they_begin() {
        assert_eq!(expire(1000, 60), 1060);
        assert_eq!(expire(1000, INFINITE), 1000);
        assert_eq!(expire(-5, 1), 0);
    }
}
