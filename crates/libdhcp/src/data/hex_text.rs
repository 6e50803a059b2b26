//! Raw bytes as text.
//!
//! Accepted forms: digits alone (`C0000301`, an odd number gets a leading 0), with `0x` in front,
//! bytes of one or two digits separated by colons or blanks, digits with blanks anywhere (Kea 1.1),
//! and plain text in single quotes.

use super::DataError;

/// Reads bytes in any of the raw forms; no text is no bytes.
///
/// # Errors
/// Names the part that is not hexadecimal.
pub fn encode_hex(text: &str) -> Result<Vec<u8>, DataError> {
    let text = text.trim();
    if let Some(quoted) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return Ok(quoted.into());
    }
    if text.contains(':') {
        return text.split(':').map(|part| octet(part.trim())).collect();
    }
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let groups = || digits.split_whitespace();
    if groups().count() > 1 && groups().all(|group| group.len() <= 2) {
        return groups().map(octet).collect();
    }
    let mut nibbles = Vec::with_capacity(digits.len() + 1);
    for character in groups().flat_map(str::chars) {
        let nibble = character
            .to_digit(16)
            .ok_or_else(|| DataError::Hex { found: character.to_string().into() })?;
        nibbles.push(nibble as u8);
    }
    if nibbles.len() % 2 == 1 {
        nibbles.insert(0, 0);
    }
    Ok(nibbles
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, nibble| byte << 4 | nibble))
        .collect())
}

fn octet(part: &str) -> Result<u8, DataError> {
    let is_hex = matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex { u8::from_str_radix(part, 16).ok() } else { None }
        .ok_or_else(|| DataError::Hex { found: part.into() })
}

#[cfg(test)]
mod tests {
    use super::encode_hex;

    #[test]
    fn all_forms_are_read() {
        for (text, bytes) in [
            ("", &[][..]),
            ("C0000301", &[0xc0, 0, 3, 1]),
            ("0xC0000301", &[0xc0, 0, 3, 1]),
            ("c0:0:03:1", &[0xc0, 0, 3, 1]),
            ("C0 00 03 01", &[0xc0, 0, 3, 1]),
            ("C0 0 3 01", &[0xc0, 0, 3, 1]),
            ("C000 0301", &[0xc0, 0, 3, 1]),
            ("123", &[1, 0x23]),
            ("1", &[1]),
            ("0x1", &[1]),
            (" ab ", &[0xab]),
            ("'a, b'", b"a, b"),
            ("''", &[]),
        ] {
            assert_eq!(encode_hex(text).as_deref(), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["xyz", "0x0g", "1:2:", "123:1", ":", "'", "é", "1é", "+1:02", "0x12 0x13"] {
            assert!(encode_hex(text).is_err(), "{text}");
        }
    }
}
