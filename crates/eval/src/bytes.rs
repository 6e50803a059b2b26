//! What the functions of the language do with bytes; used when constants are folded and when
//! packets are evaluated.

use std::fmt::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use crate::ast::{IntegerKind, Window};
use crate::program::EvalError;

impl Window {
    /// Everything.
    pub(crate) const ALL: Self = Self { start: 0, length: None };

    /// The first bytes, so many.
    pub(crate) fn front(len: u32) -> Self {
        Self { start: 0, length: i32::try_from(len).ok() }
    }

    /// The part of `bytes` that is meant, as `substring` defines it: a negative start counts from
    /// the end, a negative length takes what lies before the start, and a start outside of the
    /// bytes yields nothing.
    #[inline]
    pub(crate) fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.range(bytes.len())).unwrap_or_default()
    }

    /// The range of [`Self::of`] for so many bytes.
    #[inline]
    pub(crate) fn range(self, len: usize) -> Range<usize> {
        let start = if self.start < 0 {
            len.checked_sub(self.start.unsigned_abs() as usize)
        } else {
            Some(self.start as usize)
        };
        let Some(start) = start.filter(|start| *start < len) else { return 0..0 };
        match self.length {
            None => start..len,
            Some(length) if length >= 0 => start..len.min(start + length as usize),
            Some(length) => start.saturating_sub(length.unsigned_abs() as usize)..start,
        }
    }
}

/// Field number `field`, from 1, of what lies between the delimiters; nothing when there is none.
pub(crate) fn split_range(bytes: &[u8], delimiters: &[u8], field: i32) -> Range<usize> {
    if bytes.is_empty() || delimiters.is_empty() {
        return 0..bytes.len();
    }
    let Some(skipped) = usize::try_from(field).ok().and_then(|field| field.checked_sub(1)) else {
        return 0..0;
    };
    let parts = bytes.split(|byte| delimiters.contains(byte));
    let mut start = 0;
    for (index, part) in parts.enumerate() {
        if index == skipped {
            return start..start + part.len();
        }
        start += part.len() + 1;
    }
    0..0
}

/// Writes bytes as two digits each, with the separator between them.
pub(crate) fn hex_text(
    bytes: &[u8],
    separator: &[u8],
    mut write: impl FnMut(&[u8]) -> fmt::Result,
) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            write(separator)?;
        }
        write(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])?;
    }
    Ok(())
}

/// Writes four or sixteen bytes as an address, nothing for no bytes.
pub(crate) fn address_text(bytes: &[u8], out: &mut dyn Write) -> Result<(), EvalError> {
    let written = if bytes.is_empty() {
        Ok(())
    } else if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        write!(out, "{}", Ipv4Addr::from(octets))
    } else if let Ok(octets) = <[u8; 16]>::try_from(bytes) {
        write!(out, "{}", Ipv6Addr::from(octets))
    } else {
        return Err(EvalError::AddressLength { found: bytes.len() });
    };
    written.map_err(|_| EvalError::NoRoom)
}

impl IntegerKind {
    /// Name of the function that writes such numbers.
    pub(crate) const fn function(self) -> &'static str {
        match self {
            Self::Int8 => "int8totext",
            Self::Int16 => "int16totext",
            Self::Int32 => "int32totext",
            Self::Uint8 => "uint8totext",
            Self::Uint16 => "uint16totext",
            Self::Uint32 => "uint32totext",
        }
    }

    /// Number of bytes.
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::Int8 | Self::Uint8 => 1,
            Self::Int16 | Self::Uint16 => 2,
            Self::Int32 | Self::Uint32 => 4,
        }
    }

    /// Writes a number of this kind in decimal, nothing for no bytes.
    pub(crate) fn text(self, bytes: &[u8], out: &mut dyn Write) -> Result<(), EvalError> {
        if bytes.is_empty() {
            return Ok(());
        }
        if bytes.len() != self.len() {
            let function = self.function();
            return Err(EvalError::IntegerLength {
                function,
                expected: self.len(),
                found: bytes.len(),
            });
        }
        let unsigned = bytes.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        let number = match self {
            Self::Int8 => i64::from(unsigned as i8),
            Self::Int16 => i64::from(unsigned as i16),
            Self::Int32 => i64::from(unsigned as i32),
            Self::Uint8 | Self::Uint16 | Self::Uint32 => i64::from(unsigned),
        };
        write!(out, "{number}").map_err(|_| EvalError::NoRoom)
    }
}

/// Equality of bytes, faster than the general one for the short constants of tests: up to 16 bytes
/// are compared as two overlapping words.
#[inline]
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    fn ends<const N: usize>(bytes: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
        bytes.first_chunk().zip(bytes.last_chunk())
    }
    if one.len() != other.len() {
        return false;
    }
    match one.len() {
        4..=8 => ends::<4>(one) == ends::<4>(other),
        9..=16 => ends::<8>(one) == ends::<8>(other),
        _ => one == other,
    }
}

/// The value of an option of type string: without the NULs at its end. When nothing is left, Kea
/// skips the option.
#[inline]
pub(crate) fn trimmed(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [shorter @ .., 0] = rest {
        rest = shorter;
    }
    rest
}
