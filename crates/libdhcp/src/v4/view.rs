//! A received DHCPv4 packet, checked and borrowed.
//!
//! [`View::parse`] verifies what every packet must have (header, operation, cookie, at least one
//! option) and lets the [`SpanTable`] note the options. Nothing is copied, except that options
//! which occur repeatedly are joined in the table. Option bodies are not judged here: the typed
//! accessors do that at the moment of use. A list of options that is cut off counts up to the cut,
//! as in Kea.

use std::net::Ipv4Addr;

use crate::v4::spans::{Fragments, SpanTable};
use crate::v4::{BOOTREPLY, BOOTREQUEST, FLAG_BROADCAST, HEADER_LEN, MAGIC_COOKIE, OPTIONS_OFFSET};
use crate::{HardwareAddress, OptionCodes};

/// A checked view of a packet's bytes.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub(super) header: &'a [u8; OPTIONS_OFFSET],
    pub(super) bytes: &'a [u8],
    pub(super) spans: &'a SpanTable,
}

impl<'a> View<'a> {
    /// Checks a datagram and notes its options in `spans`, whose former content is forgotten.
    ///
    /// # Errors
    /// Says what makes the datagram unusable as a DHCPv4 message.
    #[inline]
    pub fn parse(bytes: &'a [u8], spans: &'a mut SpanTable) -> Result<Self, MalformedError> {
        let Some(header) = bytes.first_chunk::<OPTIONS_OFFSET>() else {
            return Err(too_short(bytes));
        };
        if header[HEADER_LEN..] != MAGIC_COOKIE {
            return Err(MalformedError::NoCookie);
        }
        if !matches!(header[0], BOOTREQUEST | BOOTREPLY) {
            return Err(MalformedError::BadOp { found: header[0] });
        }
        if bytes.len() > usize::from(u16::MAX) {
            return Err(MalformedError::TooLong { found: bytes.len() });
        }
        spans.fill(bytes)?;
        if spans.present().is_empty() {
            return Err(MalformedError::Bootp);
        }
        Ok(Self { header, bytes, spans })
    }

    /// The whole packet.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// `op`: [`BOOTREQUEST`] or [`BOOTREPLY`].
    #[must_use]
    #[inline]
    pub fn op(&self) -> u8 {
        self.header[0]
    }

    /// Hardware type.
    #[must_use]
    #[inline]
    pub fn htype(&self) -> u8 {
        self.header[1]
    }

    /// Length of the hardware address, at most 16 whatever the packet claims.
    #[must_use]
    #[inline]
    pub fn hlen(&self) -> u8 {
        self.header[2].min(16)
    }

    /// Length of the hardware address as the packet claims it.
    #[must_use]
    #[inline]
    pub fn raw_hlen(&self) -> u8 {
        self.header[2]
    }

    /// Relay hops so far.
    #[must_use]
    #[inline]
    pub fn hops(&self) -> u8 {
        self.header[3]
    }

    /// Transaction id.
    #[must_use]
    #[inline]
    pub fn xid(&self) -> u32 {
        u32::from_be_bytes(self.array::<4, 4>())
    }

    /// Seconds since the client began.
    #[must_use]
    #[inline]
    pub fn secs(&self) -> u16 {
        u16::from_be_bytes(self.array::<8, 2>())
    }

    /// Flags.
    #[must_use]
    #[inline]
    pub fn flags(&self) -> u16 {
        u16::from_be_bytes(self.array::<10, 2>())
    }

    /// True when the client asks for broadcast answers.
    #[must_use]
    #[inline]
    pub fn is_broadcast(&self) -> bool {
        self.flags() & FLAG_BROADCAST != 0
    }

    /// Address the client has.
    #[must_use]
    #[inline]
    pub fn ciaddr(&self) -> Ipv4Addr {
        Ipv4Addr::from(self.array::<12, 4>())
    }

    /// Address the client is given.
    #[must_use]
    #[inline]
    pub fn yiaddr(&self) -> Ipv4Addr {
        Ipv4Addr::from(self.array::<16, 4>())
    }

    /// Next server.
    #[must_use]
    #[inline]
    pub fn siaddr(&self) -> Ipv4Addr {
        Ipv4Addr::from(self.array::<20, 4>())
    }

    /// Relay address.
    #[must_use]
    #[inline]
    pub fn giaddr(&self) -> Ipv4Addr {
        Ipv4Addr::from(self.array::<24, 4>())
    }

    /// True when a relay forwarded the packet: `giaddr` is neither unset nor the broadcast address.
    #[must_use]
    #[inline]
    pub fn is_relayed(&self) -> bool {
        !matches!(self.giaddr(), Ipv4Addr::UNSPECIFIED | Ipv4Addr::BROADCAST)
    }

    /// Hardware address bytes, [`Self::hlen`] of them.
    #[must_use]
    #[inline]
    pub fn chaddr(&self) -> &'a [u8] {
        self.header.get(28..28 + usize::from(self.hlen())).unwrap_or_default()
    }

    /// Hardware address with its type.
    #[must_use]
    #[inline]
    pub fn hardware_address(&self) -> HardwareAddress {
        HardwareAddress::from_chaddr(self.htype(), &self.array::<28, 16>(), self.hlen())
    }

    /// Server name field as it is, options in it or not.
    #[must_use]
    pub fn raw_sname(&self) -> &'a [u8] {
        &self.header[44..108]
    }

    /// Boot file field as it is, options in it or not.
    #[must_use]
    pub fn raw_file(&self) -> &'a [u8] {
        &self.header[108..HEADER_LEN]
    }

    /// Server name up to its NUL; empty when the field holds options.
    #[must_use]
    pub fn sname(&self) -> &'a [u8] {
        if self.spans.overload() & 2 != 0 { &[] } else { until_nul(self.raw_sname()) }
    }

    /// Boot file name up to its NUL; empty when the field holds options.
    #[must_use]
    pub fn file(&self) -> &'a [u8] {
        if self.spans.overload() & 1 != 0 { &[] } else { until_nul(self.raw_file()) }
    }

    /// True when `sname` or `file` hold options (52).
    #[must_use]
    #[inline]
    pub fn is_overloaded(&self) -> bool {
        self.spans.overload() != 0
    }

    /// Body of an option, its occurrences joined; `None` when it does not occur.
    #[must_use]
    #[inline]
    pub fn option(&self, code: u8) -> Option<&'a [u8]> {
        self.spans.bytes(self.bytes, code)
    }

    /// Body of the option's first occurrence.
    #[must_use]
    #[inline]
    pub fn first_fragment(&self, code: u8) -> Option<&'a [u8]> {
        self.spans.first_bytes(self.bytes, code)
    }

    /// True when the option occurs.
    #[must_use]
    #[inline]
    pub fn has_option(&self, code: u8) -> bool {
        self.spans.present().contains(code)
    }

    /// Codes of all options that occur.
    #[must_use]
    #[inline]
    pub fn option_codes(&self) -> OptionCodes {
        self.spans.present()
    }

    /// The options in the order of the packet, overloaded fields last, repeated ones repeatedly.
    #[must_use]
    pub fn fragments(&self) -> Fragments<'a> {
        self.spans.fragments(self.bytes)
    }

    /// Offset of the option that reaches past its field, where reading stopped.
    #[must_use]
    #[inline]
    pub fn truncated_at(&self) -> Option<usize> {
        self.spans.truncated_at()
    }

    /// True when the list of options is cut off.
    #[must_use]
    #[inline]
    pub fn is_truncated(&self) -> bool {
        self.truncated_at().is_some()
    }

    /// `N` header bytes from offset `AT`; the optimiser removes the check because both are
    /// constants.
    #[inline(always)]
    fn array<const AT: usize, const N: usize>(&self) -> [u8; N] {
        const { assert!(AT + N <= OPTIONS_OFFSET) };
        std::array::from_fn(|index| self.header[AT + index])
    }
}

/// The reason why a datagram is no DHCPv4 message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedError {
    /// `op` is neither request nor reply.
    #[error("operation code is {found}, expected 1 or 2")]
    BadOp {
        /// The value of the packet.
        found: u8,
    },
    /// A BOOTP packet: no DHCP options.
    #[error("BOOTP packet without DHCP options")]
    Bootp,
    /// The magic cookie is not there.
    #[error("magic cookie 63:82:53:63 is missing after the header")]
    NoCookie,
    /// Options that occur repeatedly are longer together than any client needs.
    #[error("repeated options hold more than {} bytes", SpanTable::SCRATCH_LEN)]
    RepeatedOptionsTooLong,
    /// Longer than a UDP datagram can be.
    #[error("packet has {found} bytes, expected at most 65535")]
    TooLong {
        /// Length of the packet.
        found: usize,
    },
    /// Shorter than the fixed header.
    #[error("packet has {found} bytes, the header alone has 236")]
    TooShort {
        /// Length of the packet.
        found: usize,
    },
}

#[cold]
fn too_short(bytes: &[u8]) -> MalformedError {
    match bytes.len() {
        found @ 0..HEADER_LEN => MalformedError::TooShort { found },
        HEADER_LEN => MalformedError::Bootp,
        _ => MalformedError::NoCookie,
    }
}

fn until_nul(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}
