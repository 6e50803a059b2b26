//! Types of option values.

use std::fmt;
use std::str::FromStr;

/// Type of a value, with Kea's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// Any bytes.
    Binary,
    /// One byte, 0 or 1.
    Boolean,
    /// No value; sub-options only.
    Empty,
    /// Domain name in DNS wire form.
    Fqdn,
    /// Signed, one byte.
    Int8,
    /// Signed, two bytes.
    Int16,
    /// Signed, four bytes.
    Int32,
    /// A form of its own; see `Format`.
    Internal,
    /// IPv4 address.
    Ipv4Address,
    /// IPv6 address.
    Ipv6Address,
    /// Length byte and as many bytes of an IPv6 prefix as it needs.
    Ipv6Prefix,
    /// Length byte and two bytes with the port set identifier at their left (RFC 7618).
    Psid,
    /// Several fields, each with its type.
    Record,
    /// Text without terminator.
    String,
    /// Length (one byte in DHCPv4, two in DHCPv6) and data.
    Tuple,
    /// Unsigned, one byte.
    Uint8,
    /// Unsigned, two bytes.
    Uint16,
    /// Unsigned, four bytes.
    Uint32,
}

impl DataType {
    /// All types.
    pub const ALL: [Self; 18] = [
        Self::Binary,
        Self::Boolean,
        Self::Empty,
        Self::Fqdn,
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Internal,
        Self::Ipv4Address,
        Self::Ipv6Address,
        Self::Ipv6Prefix,
        Self::Psid,
        Self::Record,
        Self::String,
        Self::Tuple,
        Self::Uint8,
        Self::Uint16,
        Self::Uint32,
    ];

    /// Name in configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Boolean => "boolean",
            Self::Empty => "empty",
            Self::Fqdn => "fqdn",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Internal => "internal",
            Self::Ipv4Address => "ipv4-address",
            Self::Ipv6Address => "ipv6-address",
            Self::Ipv6Prefix => "ipv6-prefix",
            Self::Psid => "psid",
            Self::Record => "record",
            Self::String => "string",
            Self::Tuple => "tuple",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
        }
    }

    /// True when nothing can follow a value of this type, because it takes all bytes that are left.
    #[must_use]
    pub const fn takes_rest(self) -> bool {
        matches!(self, Self::Binary | Self::Internal | Self::String)
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DataType {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|data_type| data_type.name() == text).ok_or(())
    }
}
