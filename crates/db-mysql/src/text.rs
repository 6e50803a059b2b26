//! Texts on their way into columns: whatever clients send must not make a statement fail.
//!
//! A host name that its column cannot hold is written as in lease files (`&#x` and two digits for a byte), and read
//! back as it was. A user context is JSON, which has escapes of its own.

use std::borrow::Cow;

use util::csv;

use crate::schema::Charset;

const TAG: &[u8] = b"&#x";

fn fits(text: &[u8], charset: Charset) -> bool {
    match charset {
        Charset::Ascii => text.is_ascii(),
        Charset::ThreeBytes | Charset::Full => std::str::from_utf8(text).is_ok_and(|text| {
            charset == Charset::Full || text.chars().all(|each| each.len_utf8() < 4)
        }),
    }
}

fn has_tag(text: &[u8]) -> bool {
    text.windows(TAG.len()).any(|window| window == TAG)
}

/// A host name as its column can hold it: at most `len_max` characters.
pub(crate) fn store_hostname(hostname: &[u8], charset: Charset, len_max: usize) -> Cow<'_, [u8]> {
    let is_short = hostname.len() <= len_max;
    if is_short && fits(hostname, charset) && !has_tag(hostname) {
        return Cow::Borrowed(hostname);
    }
    let mut escaped = Vec::with_capacity(hostname.len());
    for byte in hostname {
        let before = escaped.len();
        csv::push_escaped(&mut escaped, &[*byte]);
        if escaped.len() > len_max {
            escaped.truncate(before);
            break;
        }
    }
    Cow::Owned(escaped)
}

/// Whether a host name is stored whole.
pub(crate) fn fits_hostname(hostname: &[u8], charset: Charset, len_max: usize) -> bool {
    if hostname.len() <= len_max && fits(hostname, charset) && !has_tag(hostname) {
        return true;
    }
    store_hostname(hostname, charset, usize::MAX).len() <= len_max
}

/// A host name as its lease has it, from what its column holds: names that a column cannot hold are stored with escapes.
#[must_use]
pub fn load_hostname(stored: Vec<u8>) -> Vec<u8> {
    if !has_tag(&stored) {
        return stored;
    }
    let mut hostname = Vec::with_capacity(stored.len());
    csv::push_unescaped(&mut hostname, &stored);
    hostname
}

/// A JSON text as its column can hold it.
pub(crate) fn store_json(json: &[u8], charset: Charset) -> Cow<'_, [u8]> {
    if fits(json, charset) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len());
    for each in String::from_utf8_lossy(json).chars() {
        if each.is_ascii() {
            escaped.push(each);
        } else {
            for unit in each.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    Cow::Owned(escaped.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostname_of_any_bytes_comes_back() {
        for name in [
            b"host.example".as_slice(),
            b"",
            b"caf\xc3\xa9",
            b"caf\xe9",
            b"\xf0\x9f\x98\x80",
            b"a,b&#x41;",
            b"a&b",
            b"\0\xff",
        ] {
            for charset in [Charset::Ascii, Charset::ThreeBytes, Charset::Full] {
                let stored = store_hostname(name, charset, 255).into_owned();
                assert!(fits(&stored, charset), "{stored:?}");
                assert_eq!(load_hostname(stored), name);
            }
        }
    }

    #[test]
    fn hostname_is_cut_between_escapes() {
        let stored = store_hostname(&[0xff; 255], Charset::Ascii, 255).into_owned();
        assert_eq!(stored.len(), 255);
        assert!(!fits_hostname(&[0xff; 255], Charset::Ascii, 255));
        assert!(fits_hostname(&[0xff; 51], Charset::Ascii, 255));
        assert!(fits_hostname(&[b'x'; 255], Charset::Ascii, 255));
        assert_eq!(load_hostname(stored), [0xff; 51]);
    }

    #[test]
    fn json_gets_its_own_escapes() {
        let stored = store_json("{\"a\": \"é😀\"}".as_bytes(), Charset::Ascii);
        assert_eq!(&*stored, br#"{"a": "\u00e9\ud83d\ude00"}"#);
        assert_eq!(&*store_json("\"é\"".as_bytes(), Charset::ThreeBytes), "\"é\"".as_bytes());
    }
}
