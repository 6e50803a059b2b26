//! Small pieces of text in values: addresses, quotations for messages.

use std::fmt::Write;

use cc::{Diagnostics, Position};

use crate::config::Address;

/// Characters of a value that a message shows.
const SHOWN_MAX: usize = 60;

/// A value in quotes for a message, shortened and without control characters.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("'");
    for (number, character) in text.chars().enumerate() {
        if number == SHOWN_MAX {
            out.push_str("...");
            break;
        }
        let written = match character {
            control if control.is_control() => write!(out, "{}", control.escape_default()),
            plain => out.write_char(plain),
        };
        debug_assert!(written.is_ok(), "a string takes all text");
    }
    out.push('\'');
    out
}

/// Reads an address, or reports what it is instead.
pub(crate) fn address<A: Address>(
    text: &str,
    keyword: &str,
    position: Position,
    diagnostics: &mut Diagnostics,
) -> Option<A> {
    let address = text.trim().parse().ok();
    if address.is_none() {
        let message = format!("'{keyword}' must be {}, found {}", A::KIND, quoted(text));
        diagnostics.error_with_hint(position, message, format!("write it as {}", A::EXAMPLE));
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_dirty_values_are_shown_safely() {
        assert_eq!(quoted("a\n\u{1b}b"), r"'a\n\u{1b}b'");
        assert_eq!(quoted(&"x".repeat(100)).len(), SHOWN_MAX + 5);
    }
}
