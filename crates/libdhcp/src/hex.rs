//! Bytes as colon separated hexadecimal digits, the form in which DHCP writes identifiers.

use std::fmt;

/// Displays bytes as `01:0a:ff`; nothing for no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColonHex<'a>(pub &'a [u8]);

impl fmt::Display for ColonHex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(":")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// The byte that one or two hexadecimal digits stand for.
pub(crate) fn byte(digits: &str) -> Option<u8> {
    let is_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let is_byte = is_digits && matches!(digits.len(), 1 | 2);
    u8::from_str_radix(digits, 16).ok().filter(|_| is_byte)
}
