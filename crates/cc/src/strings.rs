//! Strings of the dialect and safe quotation of input in messages.

use std::fmt::Write;

/// What is wrong inside a string, with the offset of the place from the opening quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StringFault {
    pub(crate) offset: usize,
    pub(crate) what: &'static str,
}

/// A string as found in the source.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scanned {
    /// Read; `len` bytes with both quotes.
    Text { text: Box<str>, len: usize },
    /// Ended by a quote but not readable.
    Faulty { faults: Vec<StringFault>, len: usize },
    /// No quote before the end of the line or of the file; `len` bytes up to there.
    Unterminated { len: usize },
}

/// Bytes that end the fast scan of a string.
static STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        stops[byte] = true;
        byte += 1;
    }
    stops[b'"' as usize] = true;
    stops[b'\\' as usize] = true;
    stops
};

/// More faults in one string are not worth telling.
const FAULTS_MAX: usize = 4;

/// Reads the string that begins with the quote at the start of `source`.
pub(crate) fn scan(source: &[u8]) -> Scanned {
    let body = source.get(1..).unwrap_or_default();
    let plain = body.iter().position(|byte| STOPS[usize::from(*byte)]).unwrap_or(body.len());
    if body.get(plain) != Some(&b'"') {
        return scan_slowly(source, plain + 1);
    }
    match std::str::from_utf8(&body[..plain]) {
        Ok(text) => Scanned::Text { text: text.into(), len: plain + 2 },
        Err(error) => {
            Scanned::Faulty { faults: vec![not_utf8(error.valid_up_to() + 1)], len: plain + 2 }
        }
    }
}

/// Reads a string with escapes or faults; the bytes before `at` are plain.
fn scan_slowly(source: &[u8], mut at: usize) -> Scanned {
    let mut bytes = source.get(1..at).unwrap_or_default().to_vec();
    let mut faults = Vec::new();
    let mut fault = |offset, what| {
        if faults.len() < FAULTS_MAX {
            faults.push(StringFault { offset, what });
        }
    };
    loop {
        let Some(byte) = source.get(at) else { return Scanned::Unterminated { len: at } };
        match byte {
            b'"' => break,
            b'\n' | b'\r' => return Scanned::Unterminated { len: at },
            b'\\' => match escape(source.get(at + 1..).unwrap_or_default()) {
                Ok((character, len)) => {
                    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    at += 1 + len;
                }
                Err(what) => {
                    fault(at, what);
                    let escaped = source.get(at + 1).is_some_and(|next| *next >= 0x20);
                    at += 1 + usize::from(escaped);
                }
            },
            0 => {
                fault(at, "NUL byte in a string");
                at += 1;
            }
            0x01..0x20 => {
                fault(at, "control character in a string; write it as an escape such as \\t");
                at += 1;
            }
            plain => {
                bytes.push(*plain);
                at += 1;
            }
        }
    }
    let len = at + 1;
    if !faults.is_empty() {
        return Scanned::Faulty { faults, len };
    }
    match String::from_utf8(bytes) {
        Ok(text) => Scanned::Text { text: text.into(), len },
        Err(_) => {
            let raw = source.get(..at).unwrap_or_default();
            let offset = std::str::from_utf8(raw).map_or_else(|error| error.valid_up_to(), |_| 0);
            Scanned::Faulty { faults: vec![not_utf8(offset)], len }
        }
    }
}

/// Reads what follows a backslash: the character and how many bytes it took.
fn escape(source: &[u8]) -> Result<(char, usize), &'static str> {
    let character = match source.first() {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode_escape(source).map(|character| (character, 5)),
        _ => return Err("bad escape; known are \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u00XX"),
    };
    Ok((character, 1))
}

fn unicode_escape(source: &[u8]) -> Result<char, &'static str> {
    let digits = source.get(1..5).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    match code {
        None => Err("bad escape; \\u needs four hexadecimal digits"),
        Some(code @ 0..=0xff) => Ok(char::from(code as u8)),
        Some(_) => {
            Err("unsupported escape; only \\u0000 to \\u00ff are, write the character itself")
        }
    }
}

fn not_utf8(offset: usize) -> StringFault {
    StringFault { offset, what: "invalid UTF-8 in a string" }
}

/// Input as it appears in a message: at most 60 characters, nothing unprintable.
pub(crate) fn excerpt(text: &str) -> String {
    const SHOWN_MAX: usize = 60;
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == SHOWN_MAX {
            shown.push_str("...");
            break;
        }
        if character.is_control() {
            let _ = write!(shown, "\\u{:04x}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}
