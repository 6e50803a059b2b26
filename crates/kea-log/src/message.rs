//! Rows of the message catalogue and the filling of their texts.
//!
//! Every crate has its own table, made by [`messages!`](crate::messages), and calls [`log!`](crate::log) with the
//! values that the text asks for. `{}` takes the next value, `%1`..`%9` a value by number. The number of values is
//! checked when the program is compiled. Control characters inside values are written as escapes: a host name sent
//! by a client cannot forge a second line.

use std::fmt::{Display, Write};

use crate::Severity;

/// One row of a message table.
#[derive(Debug)]
pub struct Message {
    /// Identifier that administrators search for, such as `DHCP4_LEASE_ALLOC`.
    pub id: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// With [`Severity::Debug`]: the level from which on it is written; otherwise 0.
    pub debug_level: u8,
    /// The text, with `{}` or `%1` where values go.
    pub text: &'static str,
}

impl Message {
    /// Returns the rank that loggers compare with their threshold.
    #[must_use]
    pub const fn rank(&self) -> u8 {
        self.severity.rank(self.debug_level)
    }

    /// Returns how many values the text asks for.
    #[must_use]
    pub const fn value_count(&self) -> usize {
        let text = self.text.as_bytes();
        let (mut sequential, mut highest) = (0, 0);
        let mut at = 0;
        while at + 1 < text.len() {
            match (text[at], text[at + 1]) {
                (b'{', b'}') => sequential += 1,
                (b'%', digit @ b'1'..=b'9') => {
                    let number = (digit - b'0') as usize;
                    highest = if number > highest { number } else { highest };
                }
                _ => {}
            }
            at += 1;
        }
        if sequential > highest { sequential } else { highest }
    }

    /// Appends the text, with `values` in their places, to `out`.
    pub fn render(&self, out: &mut String, values: &[&dyn Display]) {
        let mut rest = self.text;
        let mut next = 0;
        while let Some(at) = rest.find(['{', '%']) {
            let (before, mark) = rest.split_at(at);
            out.push_str(before);
            let number = match mark.as_bytes() {
                [b'{', b'}', ..] => {
                    next += 1;
                    next - 1
                }
                [b'%', digit @ b'1'..=b'9', ..] => usize::from(digit - b'1'),
                _ => usize::MAX,
            };
            let (placeholder, after) = mark.split_at(if number == usize::MAX { 1 } else { 2 });
            match values.get(number) {
                Some(value) => push_value(out, *value),
                None => out.push_str(placeholder),
            }
            rest = after;
        }
        out.push_str(rest);
    }
}

/// Appends one value, with its control characters escaped.
fn push_value(out: &mut String, value: &dyn Display) {
    let start = out.len();
    // Writing to a string fails only if the value itself reports an error; what it wrote so far is kept.
    let _ = write!(out, "{value}");
    let written = out.as_bytes().get(start..).unwrap_or_default();
    // Without an early exit, so that the scan works on many bytes at once.
    if written.iter().fold(false, |found, byte| found | byte.is_ascii_control()) {
        let escaped = escape(&out[start..]);
        out.truncate(start);
        out.push_str(&escaped);
    }
}

#[cold]
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if character.is_ascii_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

/// Declares the message table of a crate: one `static` per message, and `MESSAGES` with all of them.
///
/// ```
/// kea_log::messages! {
///     DHCP4_LEASE_ALLOC = (Info, "{}: lease {} has been allocated for {} seconds");
///     DHCP4_PACKET_RECEIVED = (Debug 40, "{}: {} received from {}");
/// }
/// assert_eq!(MESSAGES.len(), 2);
/// ```
#[macro_export]
macro_rules! messages {
    ($($id:ident = ($severity:ident $($level:literal)?, $text:literal));* $(;)?) => {
        $(
            #[doc = $text]
            #[allow(unreachable_pub, reason = "tables are public wherever they stand")]
            pub static $id: $crate::Message = $crate::Message {
                id: stringify!($id),
                severity: $crate::Severity::$severity,
                debug_level: 0 $(+ $level)?,
                text: $text,
            };
        )*
        /// All messages of this table.
        #[allow(unreachable_pub, dead_code, reason = "tables are public wherever they stand")]
        pub static MESSAGES: &[&$crate::Message] = &[$(&$id),*];
    };
}

/// Returns the ids that occur more than once, or are not upper case, in the given tables; empty when all is well.
#[must_use]
pub fn misnamed(tables: &[&[&Message]]) -> Vec<&'static str> {
    let mut seen = std::collections::HashSet::new();
    let well_formed = |id: &str| {
        id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    tables
        .iter()
        .flat_map(|table| table.iter())
        .map(|message| message.id)
        .filter(|id| !seen.insert(*id) || !well_formed(id))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Message, misnamed};

    crate::messages! {
        TEST_SEQUENTIAL = (Info, "{}: lease {} for {} seconds, 100% sure");
        TEST_NUMBERED = (Debug 55, "%2 before %1");
        TEST_PLAIN = (Error, "nothing {to} fill %");
    }

    fn rendered(message: &Message, values: &[&dyn std::fmt::Display]) -> String {
        let mut out = String::new();
        message.render(&mut out, values);
        out
    }

    #[test]
    fn placeholders_are_filled_in_order_or_by_number() {
        assert_eq!(
            rendered(&TEST_SEQUENTIAL, &[&"client", &"192.0.2.1", &3600]),
            "client: lease 192.0.2.1 for 3600 seconds, 100% sure"
        );
        assert_eq!(rendered(&TEST_NUMBERED, &[&"a", &"b"]), "b before a");
        assert_eq!(rendered(&TEST_PLAIN, &[]), "nothing {to} fill %");
    }

    #[test]
    fn missing_values_leave_their_placeholder() {
        assert_eq!(rendered(&TEST_NUMBERED, &[&"a"]), "%2 before a");
    }

    #[test]
    fn values_are_counted() {
        assert_eq!(TEST_SEQUENTIAL.value_count(), 3);
        assert_eq!(TEST_NUMBERED.value_count(), 2);
        assert_eq!(TEST_PLAIN.value_count(), 0);
        assert_eq!(TEST_NUMBERED.debug_level, 55);
    }

    #[test]
    fn values_cannot_forge_a_line() {
        assert_eq!(
            rendered(&TEST_NUMBERED, &[&"x\n2026-01-01 ERROR", &"\u{1b}[31m"]),
            "\\u{1b}[31m before x\\n2026-01-01 ERROR"
        );
    }

    #[test]
    fn duplicates_and_odd_names_are_found() {
        static ODD: Message =
            Message { id: "lower_case", severity: crate::Severity::Info, debug_level: 0, text: "" };
        assert!(misnamed(&[MESSAGES]).is_empty());
        assert_eq!(misnamed(&[MESSAGES, &[&TEST_PLAIN, &ODD]]), ["TEST_PLAIN", "lower_case"]);
    }

    #[test]
    fn tables_of_this_crate_are_well_named() {
        assert!(misnamed(&[crate::messages::MESSAGES]).is_empty());
    }
}
