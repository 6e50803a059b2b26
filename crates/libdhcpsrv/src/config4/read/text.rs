//! Small pieces of text in values: addresses, prefixes, quotations for messages.

use std::fmt::Write;
use std::net::Ipv4Addr;

use cc::{Diagnostics, Position};

/// Characters of a value that a message shows.
const SHOWN_MAX: usize = 60;

/// A value in quotes for a message, shortened and without control characters.
pub(super) fn quoted(text: &str) -> String {
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

/// Reads an IPv4 address, or reports what it is instead.
pub(super) fn address(
    text: &str,
    keyword: &str,
    position: Position,
    diagnostics: &mut Diagnostics,
) -> Option<Ipv4Addr> {
    let address = text.trim().parse().ok();
    if address.is_none() {
        let message = format!("'{keyword}' must be an IPv4 address, found {}", quoted(text));
        diagnostics.error_with_hint(position, message, "write it as 192.0.2.1");
    }
    address
}

/// A prefix as written, host bits included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config4) struct Prefix {
    /// The address before the slash.
    pub(in crate::config4) address: u32,
    /// The length, 0 to 32.
    pub(in crate::config4) len: u8,
}

impl Prefix {
    /// Reads `address/length`; blanks do not count. Says what is wrong.
    pub(in crate::config4) fn parse(text: &str) -> Result<Self, &'static str> {
        let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let Some((address, len)) = text.split_once('/') else {
            return Err("there is no '/' with a length");
        };
        let Ok(address) = address.parse::<Ipv4Addr>() else {
            return Err("there is no IPv4 address before the '/'");
        };
        let is_number = !len.is_empty() && len.bytes().all(|byte| byte.is_ascii_digit());
        let len = len.parse().ok().filter(|len| is_number && *len <= 32);
        let len = len.ok_or("the length must be from 0 to 32")?;
        Ok(Self { address: u32::from(address), len })
    }

    /// The bits of the network.
    pub(in crate::config4) fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.len)).unwrap_or(0)
    }

    /// First address.
    pub(in crate::config4) fn first(self) -> u32 {
        self.address & self.mask()
    }

    /// Last address.
    pub(in crate::config4) fn last(self) -> u32 {
        self.address | !self.mask()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_read_with_blanks_and_limits() {
        let parse = |text| Prefix::parse(text).map(|prefix| (prefix.first(), prefix.last()));
        assert_eq!(parse("192.0.2.77 / 24"), Ok((0xc000_0200, 0xc000_02ff)));
        assert_eq!(parse("0.0.0.0/0"), Ok((0, u32::MAX)));
        assert_eq!(parse("192.0.2.1/32"), Ok((0xc000_0201, 0xc000_0201)));
        for wrong in ["192.0.2.0", "192.0.2/24", "192.0.2.0/33", "192.0.2.0/257", "192.0.2.0/"] {
            assert!(Prefix::parse(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "/", "2001:db8::/32", "192.0.2.0/+24", "192.0.2.0/24/24"] {
            assert!(Prefix::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn long_and_dirty_values_are_shown_safely() {
        assert_eq!(quoted("a\n\u{1b}b"), r"'a\n\u{1b}b'");
        assert_eq!(quoted(&"x".repeat(100)).len(), SHOWN_MAX + 5);
    }
}
