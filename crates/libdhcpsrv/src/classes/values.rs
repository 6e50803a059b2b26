//! Classes that are named after a value of the packet: `VENDOR_CLASS_<value>`, `SPAWN_<class>_<value>`.
//!
//! Only those that the configuration mentions matter, so their values are computed from the names once, and per packet
//! the value is looked up. In names, bytes other than letters, digits and some punctuation are written as `%` and two
//! lower-case digits, `%` itself as `%%`, as in Kea. Names with such characters as they are, which Kea 1.1 wanted, mean
//! the same.

use std::collections::HashMap;
use std::fmt::{self, Write};

use eval::{ClassId, ClassTable};
use foldhash::fast::FixedState;

/// The classes whose names have one beginning, by the value that follows.
#[derive(Clone, Debug, Default)]
pub(super) struct ValueNames {
    /// The hash needs no secret: what is in the table is up to the configuration alone.
    by_value: HashMap<Box<[u8]>, Vec<ClassId>, FixedState>,
}

impl ValueNames {
    /// Finds the names of a table that begin so.
    pub(super) fn new(table: &ClassTable, prefix: &str) -> Self {
        let mut by_value: HashMap<_, Vec<ClassId>, _> = HashMap::default();
        for id in (0..table.len() as u32).map(ClassId) {
            if let Some(rest) = table.name(id).strip_prefix(prefix).filter(|rest| !rest.is_empty())
            {
                let value = unescaped(rest).unwrap_or_else(|| rest.as_bytes().into());
                by_value.entry(value.into_boxed_slice()).or_default().push(id);
            }
        }
        Self { by_value }
    }

    /// The classes named after a value.
    pub(super) fn of(&self, value: &[u8]) -> &[ClassId] {
        if self.by_value.is_empty() {
            return &[];
        }
        self.by_value.get(value).map_or(&[], Vec::as_slice)
    }
}

/// A value as it is written in names of classes.
pub(super) struct Escaped<'a>(pub(super) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| match byte {
            b'%' => f.write_str("%%"),
            byte if is_plain(*byte) => f.write_char(char::from(*byte)),
            byte => write!(f, "%{byte:02x}"),
        })
    }
}

/// Whether a byte is written as it is.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&*+-./:?@^_|~".contains(&byte)
}

/// The value that is written so; nothing when no value is.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut value = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => break,
            [b'%', b'%', rest @ ..] => {
                value.push(b'%');
                rest
            }
            [b'%', high, low, rest @ ..] => {
                value.push(digit(*high)? << 4 | digit(*low)?);
                rest
            }
            [b'%', ..] => return None,
            [byte, rest @ ..] => {
                value.push(*byte);
                rest
            }
        };
    }
    (Escaped(&value).to_string() == text).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_their_values() {
        let mut table = ClassTable::new();
        let names = ["V_MSFT 5.0", "V_MSFT%205.0", "V_", "W_x", "V_100%%", "V_%zz", "V_%41", "V_%"];
        let ids: Vec<ClassId> = names.iter().map(|name| table.define(name)).collect();
        let found = ValueNames::new(&table, "V_");
        assert_eq!(found.of(b"MSFT 5.0"), &ids[..2]);
        assert_eq!(found.of(b"100%"), [ids[4]]);
        assert_eq!(found.of(b"%zz"), [ids[5]]);
        assert_eq!(found.of(b"%41"), [ids[6]], "'A' is not written so");
        assert_eq!(found.of(b"%"), [ids[7]]);
        assert_eq!(found.of(b"x"), []);
        assert_eq!(found.of(b""), []);
        assert_eq!(ValueNames::default().of(b"x"), []);
    }

    #[test]
    fn every_value_has_a_name_of_its_own() {
        let all: Vec<u8> = (0..=255).collect();
        let text = Escaped(&all).to_string();
        assert_eq!(unescaped(&text), Some(all));
        assert_eq!(Escaped(b"a b%\xff,").to_string(), "a%20b%%%ff%2c");
    }
}
