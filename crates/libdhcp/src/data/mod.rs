//! Option values as text and as bytes.
//!
//! [`encode_csv`] turns the comma separated text of `option-data` into bytes according to a
//! definition, [`encode_hex`] reads the raw form, [`validate`] checks bytes against a definition
//! and [`format_option`] shows them. Runs when configurations are read and for messages, never per
//! packet.
//!
//! Rules of the text: items are separated by commas, `\,` is a comma inside an item, blanks around
//! items and empty items do not count. Values that are not arrays use the first item only
//! ([`csv_surplus`] lets the caller warn), records need an item per field, and of arrays in records
//! the last field repeats. So files of Kea 1.1 mean what they meant.

mod decode;
mod dnr;
mod domain_name;
mod encode;
mod hex_text;
mod routes;

pub use decode::{format_option, validate};
pub use domain_name::{decode_name, encode_name, encode_names_compressed};
pub use encode::{csv_surplus, encode_csv, split_csv};
pub use hex_text::encode_hex;

pub use crate::Universe;
use crate::definition::DataType;

/// Divides bytes behind the tuple they begin with; a length has one byte in DHCPv4, two in DHCPv6.
fn split_tuple(bytes: &[u8], universe: Universe) -> Option<(&[u8], &[u8])> {
    let (len, rest) = match (universe, bytes) {
        (Universe::V4, [len, rest @ ..]) => (usize::from(*len), rest),
        (Universe::V6, [high, low, rest @ ..]) => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(len)
}

/// What is wrong with the value of an option.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// Text that is not hexadecimal.
    #[error("expected hexadecimal digits, found '{found}'")]
    Hex {
        /// The part in question.
        found: Box<str>,
    },
    /// Bytes that are too few or do not come out even.
    #[error("expected {expected} bytes of type {data_type}, found {found}")]
    Length {
        /// Type of the value.
        data_type: DataType,
        /// Number of bytes that would be right.
        expected: &'static str,
        /// Number of bytes that are there.
        found: usize,
    },
    /// No value at all.
    #[error("expected a value of type {data_type}, found nothing")]
    Missing {
        /// Type of the value.
        data_type: DataType,
    },
    /// A domain name that can not be encoded or decoded.
    #[error("'{found}' is no domain name: {reason}")]
    Name {
        /// The name as far as it is readable.
        found: Box<str>,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A number outside its range.
    #[error("expected {data_type} between {min} and {max}, found {found}")]
    OutOfRange {
        /// Type of the value.
        data_type: DataType,
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
        /// The number.
        found: i64,
    },
    /// A record with too few values.
    #[error("expected {expected} comma separated fields, found {found}")]
    TooFewFields {
        /// Number of fields.
        expected: usize,
        /// Number of items.
        found: usize,
    },
    /// Too long for its length byte or for any option.
    #[error("{data_type} value has {found} bytes, expected at most {len_max}")]
    TooLong {
        /// Type of the value.
        data_type: DataType,
        /// Most bytes it may have.
        len_max: usize,
        /// Bytes it has.
        found: usize,
    },
    /// Text that does not have the form of its type.
    #[error("expected {expected} for type {data_type}, found '{found}'")]
    Value {
        /// Type of the value.
        data_type: DataType,
        /// The form that would be right.
        expected: &'static str,
        /// The text.
        found: Box<str>,
    },
}

#[cfg(test)]
mod tests;
