//! The two protocol families, and the facts about their options in which they differ.
//!
//! Mechanisms that serve both (definitions, option text, compiled option sets) ask here instead of
//! knowing a family. Not a place for protocol rules: those live in `v4` and `v6`.

use std::ops::RangeInclusive;

use crate::definition::{DHCP4, DHCP6};
use crate::{v4, v6};

/// The protocol family, where names or forms depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Universe {
    /// DHCPv4.
    V4,
    /// DHCPv6.
    V6,
}

impl Universe {
    /// Name of the space of the top-level options.
    #[must_use]
    pub const fn top_space(self) -> &'static str {
        match self {
            Self::V4 => DHCP4,
            Self::V6 => DHCP6,
        }
    }

    /// Codes that options of a space can be sent with; PAD and END of DHCPv4 are none at the top
    /// level.
    #[must_use]
    pub fn sendable_codes(self, space: &str) -> RangeInclusive<u16> {
        match (self, space == self.top_space()) {
            (Self::V4, true) => 1..=254,
            (Self::V4, false) => 0..=255,
            (Self::V6, true) => 1..=65535,
            (Self::V6, false) => 0..=65535,
        }
    }

    /// The top-level option that holds an enterprise number and the options of `vendor-N`.
    #[must_use]
    pub const fn vendor_options_code(self) -> u16 {
        match self {
            Self::V4 => v4::code::VIVSO_SUBOPTIONS as u16,
            Self::V6 => v6::code::VENDOR_OPTS,
        }
    }

    /// The top-level options that begin with an enterprise number and can occur once for each:
    /// vendor class and vendor options.
    #[must_use]
    pub const fn enterprise_codes(self) -> [u16; 2] {
        match self {
            Self::V4 => [v4::code::VIVCO_SUBOPTIONS as u16, v4::code::VIVSO_SUBOPTIONS as u16],
            Self::V6 => [v6::code::VENDOR_CLASS, v6::code::VENDOR_OPTS],
        }
    }

    /// Most bytes that one option can carry at the top level; DHCPv4 splits long ones (RFC 3396).
    #[must_use]
    pub const fn body_len_max(self) -> usize {
        match self {
            Self::V4 => 4096,
            Self::V6 => 65535,
        }
    }

    /// Most bytes that a sub-option can carry.
    #[must_use]
    pub const fn sub_body_len_max(self) -> usize {
        match self {
            Self::V4 => 255,
            Self::V6 => 65535,
        }
    }

    /// Appends an option with code and length: one byte each in DHCPv4, where a long body is split,
    /// two bytes each in DHCPv6. Codes and lengths were checked by the caller.
    pub(crate) fn append_option(self, out: &mut Vec<u8>, code: u16, body: &[u8]) {
        match self {
            Self::V4 => {
                let code = code as u8;
                if body.is_empty() {
                    out.extend([code, 0]);
                }
                for chunk in body.chunks(255) {
                    out.extend([code, chunk.len() as u8]);
                    out.extend_from_slice(chunk);
                }
            }
            Self::V6 => {
                out.extend(code.to_be_bytes());
                out.extend((body.len() as u16).to_be_bytes());
                out.extend_from_slice(body);
            }
        }
    }
}
