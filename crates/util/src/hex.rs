//! Hexadecimal text of identifiers: lower-case pairs separated by colons (`00:1a:2b`).
//!
//! Writing goes into a caller's buffer without formatting machinery; reading accepts either case, single digits
//! between colons and plain pairs without colons, as lease files and configurations hold all of them.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends `bytes` as lower-case pairs with colons between them.
pub fn push_colon_hex(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + bytes.len() * 3, b':');
    let (_, target) = out.split_at_mut(start);
    for ([high, low, _], byte) in target.as_chunks_mut().0.iter_mut().zip(bytes) {
        *high = DIGITS[usize::from(byte >> 4)];
        *low = DIGITS[usize::from(byte & 15)];
    }
    if !bytes.is_empty() {
        out.pop();
    }
}

/// Appends the two lower-case digits of one byte.
pub fn push_hex_byte(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

/// Appends a number in lower-case digits without leading zeros.
pub fn push_hex(out: &mut Vec<u8>, value: u16) {
    let digits = [value >> 12, value >> 8 & 15, value >> 4 & 15, value & 15]
        .map(|digit| DIGITS[usize::from(digit)]);
    let leading = usize::from(value.leading_zeros() as u8 / 4).min(3);
    out.extend_from_slice(&digits[leading..]);
}

/// The value of one hexadecimal digit of either case.
#[must_use]
pub const fn digit(text: u8) -> Option<u8> {
    match text {
        b'0'..=b'9' => Some(text - b'0'),
        b'a'..=b'f' => Some(text - b'a' + 10),
        b'A'..=b'F' => Some(text - b'A' + 10),
        _ => None,
    }
}

/// Reads colon-separated bytes into `into` and returns how many there are.
///
/// Groups of one or two digits, or an even number of digits without any colon. `None` when the text has another
/// form or does not fit; an empty text has no bytes.
#[must_use]
pub fn parse_colon_hex(text: &[u8], into: &mut [u8]) -> Option<usize> {
    let mut count = 0;
    let mut store = |value: u8| -> Option<()> {
        *into.get_mut(count)? = value;
        count += 1;
        Some(())
    };
    if text.is_empty() {
        return Some(0);
    }
    // The form that is written: pairs, each followed by a colon or the end.
    let mut rest = text;
    while let [high, low, tail @ ..] = rest {
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { break };
        match tail {
            [] => return store(high << 4 | low).map(|()| count),
            [b':', next @ ..] if !next.is_empty() => {
                store(high << 4 | low)?;
                rest = next;
            }
            _ => break,
        }
    }
    if text.contains(&b':') { parse_groups(text, into) } else { parse_pairs(text, into) }
}

fn parse_groups(text: &[u8], into: &mut [u8]) -> Option<usize> {
    let mut count = 0;
    for group in text.split(|&byte| byte == b':') {
        *into.get_mut(count)? = match group {
            [low] => digit(*low)?,
            [high, low] => digit(*high)? << 4 | digit(*low)?,
            _ => return None,
        };
        count += 1;
    }
    Some(count)
}

fn parse_pairs(text: &[u8], into: &mut [u8]) -> Option<usize> {
    let (pairs, odd) = text.as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    let into = into.get_mut(..pairs.len())?;
    for (byte, [high, low]) in into.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(pairs.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(text: &str) -> Option<Vec<u8>> {
        let mut bytes = [0; 20];
        parse_colon_hex(text.as_bytes(), &mut bytes).map(|len| bytes[..len].to_vec())
    }

    #[test]
    fn accepted_forms() {
        assert_eq!(parsed(""), Some(vec![]));
        assert_eq!(parsed("00:1A:ff"), Some(vec![0, 0x1a, 0xff]));
        assert_eq!(parsed("0:1a:f"), Some(vec![0, 0x1a, 0xf]));
        assert_eq!(parsed("001aff"), Some(vec![0, 0x1a, 0xff]));
        assert_eq!(parsed("7"), None);
    }

    #[test]
    fn refused_forms() {
        for text in [":", "00:", ":00", "00::11", "001:22", "0g", "001", "0x11", "00-11"] {
            assert_eq!(parsed(text), None, "{text}");
        }
        assert_eq!(parsed(&"00:".repeat(21)[..62]), None);
        assert_eq!(parsed(&"00".repeat(21)), None);
    }

    proptest! {
        #[test]
        fn text_of_bytes_reads_back(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            let mut text = Vec::new();
            push_colon_hex(&mut text, &bytes);
            prop_assert_eq!(parsed(std::str::from_utf8(&text).unwrap()), Some(bytes));
        }

        #[test]
        fn any_text_is_read_without_panic(text in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse_colon_hex(&text, &mut [0; 20]);
        }
    }
}
