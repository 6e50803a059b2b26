//! The text of lease files: decimal numbers, fields between commas, escaped characters.
//!
//! A field that clients or users fill (host name, user context) never holds a comma: it and some other bytes are
//! written as `&#x` and two lower-case hexadecimal digits, without a semicolon. A tag without two digits after it
//! is kept literally by the reader. Other fields are never escaped. Nothing here knows columns.

use std::net::Ipv6Addr;

use crate::hex;

/// Digits of the largest number.
const DIGITS_MAX: usize = 20;

/// The digits of the numbers below 100.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < pairs.len() {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Appends `value` in decimal.
#[inline]
pub fn push_decimal(out: &mut Vec<u8>, value: u64) {
    if value < 10 {
        return out.push(b'0' + value as u8);
    }
    // Two digits at a time from the right; what stands left of them is not used.
    let mut digits = [b'0'; DIGITS_MAX];
    let (mut rest, mut used) = (value, 0);
    for pair in digits.as_chunks_mut::<2>().0.iter_mut().rev() {
        *pair = PAIRS[(rest % 100) as usize];
        rest /= 100;
        used += 2;
        if rest == 0 {
            break;
        }
    }
    let start = DIGITS_MAX - used;
    let is_odd = digits.get(start) == Some(&b'0');
    out.extend_from_slice(digits.get(start + usize::from(is_odd)..).unwrap_or_default());
}

/// Appends an IPv4 address in its usual form.
pub fn push_ipv4(out: &mut Vec<u8>, address: u32) {
    let mut text = [0; 16];
    let mut len = 0;
    for octet in address.to_be_bytes() {
        if octet >= 100 {
            text[len] = b'0' + octet / 100;
            len += 1;
        }
        if octet >= 10 {
            text[len] = b'0' + octet / 10 % 10;
            len += 1;
        }
        text[len] = b'0' + octet % 10;
        text[len + 1] = b'.';
        len += 2;
    }
    out.extend_from_slice(&text[..len - 1]);
}

/// Appends an IPv6 address in the form of RFC 5952.
pub fn push_ipv6(out: &mut Vec<u8>, address: u128) {
    if address >> 32 == 0xffff {
        out.extend_from_slice(b"::ffff:");
        return push_ipv4(out, address as u32);
    }
    let group = |place: usize| (address >> (112 - 16 * place)) as u16;
    // The first of the longest runs of zeros; a single zero is none.
    let (mut run, mut run_len, mut len) = (IPV6_GROUPS, 1, 0);
    for place in 0..IPV6_GROUPS {
        len = if group(place) == 0 { len + 1 } else { 0 };
        if len > run_len {
            (run, run_len) = (place + 1 - len, len);
        }
    }
    let mut place = 0;
    while place < IPV6_GROUPS {
        if place == run {
            out.extend_from_slice(b"::");
            place += run_len;
            continue;
        }
        if place > 0 && place != run + run_len {
            out.push(b':');
        }
        hex::push_hex(out, group(place));
        place += 1;
    }
}

/// Groups of an IPv6 address.
const IPV6_GROUPS: usize = 8;

/// Reads a decimal number without sign; `None` when empty, malformed or too large.
#[must_use]
pub fn parse_decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let mut value = 0_u64;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// Reads an IPv4 address in dotted form into host order.
#[must_use]
pub fn parse_ipv4(text: &[u8]) -> Option<u32> {
    let mut address = 0_u32;
    let mut octet = 0_u32;
    let (mut digits, mut dots) = (0, 0);
    for &byte in text {
        match byte {
            b'0'..=b'9' if digits < 3 => {
                octet = octet * 10 + u32::from(byte - b'0');
                digits += 1;
            }
            b'.' if digits > 0 && dots < 3 && octet <= 255 => {
                address = address << 8 | octet;
                (octet, digits, dots) = (0, 0, dots + 1);
            }
            _ => return None,
        }
    }
    (digits > 0 && dots == 3 && octet <= 255).then_some(address << 8 | octet)
}

/// Reads an IPv6 address in any of its text forms.
#[must_use]
pub fn parse_ipv6(text: &[u8]) -> Option<u128> {
    let mut groups = [0_u16; IPV6_GROUPS];
    let (mut count, mut digits) = (0, 0);
    let mut gap = None;
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        if let Some(digit) = hex::digit(*byte) {
            let group = groups.get_mut(count).filter(|_| digits < 4)?;
            *group = *group << 4 | u16::from(digit);
            digits += 1;
            continue;
        }
        match (byte, tail) {
            (b':', [b':', tail @ ..]) if gap.is_none() => {
                count += usize::from(digits > 0);
                gap = Some(count);
                rest = tail;
            }
            (b':', [next, ..]) if digits > 0 && *next != b':' => count += 1,
            // An IPv4 address at the end is rare.
            (b'.', _) => {
                let address: Ipv6Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
                return Some(address.into());
            }
            _ => return None,
        }
        digits = 0;
    }
    count += usize::from(digits > 0);
    match gap {
        Some(gap) if count < IPV6_GROUPS => {
            groups.get_mut(gap..)?.rotate_right(IPV6_GROUPS - count);
        }
        None if count == IPV6_GROUPS => {}
        _ => return None,
    }
    Some(groups.iter().fold(0, |address, group| address << 16 | u128::from(*group)))
}

/// Whether a byte cannot stand for itself in an escaped field.
const fn needs_escape(byte: u8) -> bool {
    matches!(byte, b',' | b'&' | 0..=0x1f | 0x7f..)
}

/// Appends `field` with every comma, ampersand and byte outside 0x20..=0x7e escaped.
pub fn push_escaped(out: &mut Vec<u8>, field: &[u8]) {
    if !field.iter().any(|&byte| needs_escape(byte)) {
        out.extend_from_slice(field);
        return;
    }
    for &byte in field {
        if needs_escape(byte) {
            out.extend_from_slice(b"&#x");
            hex::push_hex_byte(out, byte);
        } else {
            out.push(byte);
        }
    }
}

/// Appends `field` with its escapes resolved.
pub fn push_unescaped(out: &mut Vec<u8>, field: &[u8]) {
    let mut rest = field;
    loop {
        match rest {
            [] => return,
            [b'&', b'#', b'x', high, low, tail @ ..] => {
                if let (Some(high), Some(low)) = (hex::digit(*high), hex::digit(*low)) {
                    out.push(high << 4 | low);
                    rest = tail;
                    continue;
                }
            }
            _ => {}
        }
        if let [byte, tail @ ..] = rest {
            out.push(*byte);
            rest = tail;
        }
    }
}

/// Splits a row at its commas into `fields` and returns how many fields there are, even when they do not all fit.
pub fn split<'a>(row: &'a [u8], fields: &mut [&'a [u8]]) -> usize {
    let mut count = 0;
    for field in row.split(|&byte| byte == b',') {
        if let Some(place) = fields.get_mut(count) {
            *place = field;
        }
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn escaped(field: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        push_escaped(&mut out, field);
        out
    }

    fn unescaped(field: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        push_unescaped(&mut out, field);
        out
    }

    #[test]
    fn commas_ampersands_and_odd_bytes_are_escaped() {
        assert_eq!(escaped(b"host.example"), b"host.example");
        assert_eq!(escaped(b"a,b&c\n\x7f\xff"), b"a&#x2cb&#x26c&#x0a&#x7f&#xff");
    }

    #[test]
    fn unfinished_tags_are_kept() {
        assert_eq!(unescaped(b"a&#x2Cb&#x2"), b"a,b&#x2");
        assert_eq!(unescaped(b"&#xzz&#&&#x26"), b"&#xzz&#&&");
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert_eq!(parse_decimal(b"18446744073709551615"), Some(u64::MAX));
        for text in ["", "18446744073709551616", "-1", "+1", "1 ", "0x1"] {
            assert_eq!(parse_decimal(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn odd_addresses_are_refused() {
        for text in
            ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "256.1.1.1", "1..2.3", ".1.2.3", "1.2.3."]
        {
            assert_eq!(parse_ipv4(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn fields_are_counted_beyond_the_places() {
        let mut fields = [&b""[..]; 2];
        assert_eq!(split(b"a,,c", &mut fields), 3);
        assert_eq!(fields, [&b"a"[..], b""]);
    }

    proptest! {
        #[test]
        fn numbers_and_addresses_read_back(value in any::<u64>(), address in any::<u32>()) {
            let mut text = Vec::new();
            push_decimal(&mut text, value);
            prop_assert_eq!(std::str::from_utf8(&text).unwrap(), value.to_string());
            prop_assert_eq!(parse_decimal(&text), Some(value));
            text.clear();
            push_ipv4(&mut text, address);
            let expected = Ipv4Addr::from(address).to_string();
            prop_assert_eq!(std::str::from_utf8(&text).unwrap(), expected);
            prop_assert_eq!(parse_ipv4(&text), Some(address));
        }

        #[test]
        fn wide_addresses_are_written_and_read_as_the_standard_library_does(
            groups in prop::array::uniform8(prop_oneof![Just(0_u16), Just(0xffff), any::<u16>(), 0..16_u16]),
        ) {
            let address = Ipv6Addr::from(groups);
            let mut text = Vec::new();
            push_ipv6(&mut text, address.into());
            prop_assert_eq!(std::str::from_utf8(&text).unwrap(), address.to_string());
            prop_assert_eq!(parse_ipv6(&text), Some(address.into()));
            let upper = text.to_ascii_uppercase();
            prop_assert_eq!(parse_ipv6(&upper), Some(address.into()));
        }

        #[test]
        fn any_text_is_an_address_if_the_standard_library_says_so(
            text in prop_oneof!["[0-9a-fA-F:]{0,24}", "([0-9a-f]{1,2}:){0,8}:?([0-9a-f]{1,5}:){0,6}[0-9a-f]{0,2}(1\\.2\\.3\\.04?)?"],
        ) {
            let expected = text.parse::<Ipv6Addr>().ok().map(u128::from);
            prop_assert_eq!(parse_ipv6(text.as_bytes()), expected, "{}", text);
        }

        #[test]
        fn escaped_fields_read_back(field in prop::collection::vec(any::<u8>(), 0..40)) {
            let text = escaped(&field);
            prop_assert!(!text.contains(&b',') && !text.contains(&b'\n'));
            prop_assert_eq!(unescaped(&text), field);
        }
    }
}
