//! Link-layer addresses.
//!
//! A [`HardwareAddress`] is a small value without heap: up to 20 bytes (InfiniBand), a length and
//! the ARP hardware type. Equality is that of type and bytes, as the lease lookups need it. Not an
//! interface address.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::hex::{self, ColonHex};

/// A link-layer address with its ARP hardware type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HardwareAddress {
    // Bytes past `len` are zero, so that derived equality and hashing are right.
    bytes: [u8; HardwareAddress::LEN_MAX],
    len: u8,
    htype: u16,
}

impl HardwareAddress {
    /// The longest address that is kept.
    pub const LEN_MAX: usize = 20;
    /// ARP hardware type of Ethernet.
    pub const ETHERNET: u16 = 1;

    /// Makes an address from its bytes; `None` when there are more than [`Self::LEN_MAX`].
    #[must_use]
    #[inline]
    pub fn new(htype: u16, address: &[u8]) -> Option<Self> {
        let mut bytes = [0; Self::LEN_MAX];
        bytes.get_mut(..address.len())?.copy_from_slice(address);
        Some(Self { bytes, len: address.len() as u8, htype })
    }

    /// Makes an Ethernet address.
    #[must_use]
    pub const fn ethernet(mac: [u8; 6]) -> Self {
        let mut bytes = [0; Self::LEN_MAX];
        let mut index = 0;
        while index < mac.len() {
            bytes[index] = mac[index];
            index += 1;
        }
        Self { bytes, len: 6, htype: Self::ETHERNET }
    }

    /// The `chaddr` of a packet: all 16 bytes and how many of them count.
    #[inline]
    pub(crate) fn from_chaddr(htype: u8, chaddr: &[u8; 16], hlen: u8) -> Self {
        let mut bytes = [0; Self::LEN_MAX];
        // A fixed-size copy and a mask are cheaper than a copy of varying length.
        let len = hlen.min(16);
        let keep = if len == 0 { 0 } else { u128::MAX << (8 * (16 - u32::from(len))) };
        let value = u128::from_be_bytes(*chaddr) & keep;
        bytes[..16].copy_from_slice(&value.to_be_bytes());
        Self { bytes, len, htype: u16::from(htype) }
    }

    /// The Ethernet address that a link-local IPv6 address was made of (RFC 4291 appendix A):
    /// `None` unless the bytes `ff:fe` are in the middle and the address is a universal one of a
    /// single interface.
    #[must_use]
    pub fn from_link_local(htype: u16, address: Ipv6Addr) -> Option<Self> {
        const UNIVERSAL: u8 = 0x02;
        const MULTICAST: u8 = 0x01;
        let [.., first, b, c, 0xff, 0xfe, d, e, f] = address.octets() else { return None };
        let is_universal = first & (UNIVERSAL | MULTICAST) == UNIVERSAL;
        if !address.is_unicast_link_local() || !is_universal {
            return None;
        }
        Self::new(htype, &[first ^ UNIVERSAL, b, c, d, e, f])
    }

    /// The bytes of the address.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// ARP hardware type.
    #[must_use]
    #[inline]
    pub const fn htype(&self) -> u16 {
        self.htype
    }

    /// Number of bytes.
    #[must_use]
    #[inline]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// True when there is no byte at all.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// Displays `[hwtype=1 00:0c:01:02:03:04]`, as log messages name a client's address.
pub(crate) struct AddressLabel<'a>(pub(crate) Option<&'a HardwareAddress>);

impl fmt::Display for AddressLabel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => write!(f, "[{address:?}]"),
            None => f.write_str("[no hwaddr info]"),
        }
    }
}

impl fmt::Display for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ColonHex(self.bytes()).fmt(f)
    }
}

impl fmt::Debug for HardwareAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hwtype={} {self}", self.htype)
    }
}

impl FromStr for HardwareAddress {
    type Err = HardwareAddressError;

    /// Reads `00:0c:01:02:03:04` as an Ethernet address; one digit per byte will do.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; Self::LEN_MAX];
        let mut len = 0;
        for part in text.split(':') {
            let byte = hex::byte(part)
                .ok_or_else(|| HardwareAddressError::NotHex { found: part.into() })?;
            *bytes.get_mut(len).ok_or(HardwareAddressError::TooLong)? = byte;
            len += 1;
        }
        Ok(Self { bytes, len: len as u8, htype: Self::ETHERNET })
    }
}

/// The reason why a text is no hardware address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HardwareAddressError {
    /// A part between colons is not one or two hexadecimal digits.
    #[error("expected one or two hexadecimal digits between colons, found '{found}'")]
    NotHex {
        /// The part in question.
        found: Box<str>,
    },
    /// More bytes than any link layer uses.
    #[error("expected at most {} bytes", HardwareAddress::LEN_MAX)]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::{HardwareAddress, HardwareAddressError};

    #[test]
    fn text_is_read_back() {
        let address: HardwareAddress = "00:0c:1:02:03:04".parse().unwrap();
        assert_eq!(address, HardwareAddress::ethernet([0, 0xc, 1, 2, 3, 4]));
        assert_eq!(address.to_string(), "00:0c:01:02:03:04");
    }

    #[test]
    fn wrong_text_is_refused() {
        assert!(matches!(
            "00:0g".parse::<HardwareAddress>(),
            Err(HardwareAddressError::NotHex { .. })
        ));
        assert!("".parse::<HardwareAddress>().is_err());
        assert!("+1:02".parse::<HardwareAddress>().is_err());
        let long = vec!["00"; 21].join(":");
        assert_eq!(long.parse::<HardwareAddress>(), Err(HardwareAddressError::TooLong));
        assert!(HardwareAddress::new(1, &[0; 21]).is_none());
        assert!(HardwareAddress::new(1, &[0; 20]).is_some());
    }

    #[test]
    fn link_local_address_holds_the_ethernet_address() {
        let from = |text: &str| HardwareAddress::from_link_local(1, text.parse().unwrap());
        let expected = HardwareAddress::ethernet([0, 0xc, 1, 2, 3, 4]);
        assert_eq!(from("fe80::20c:1ff:fe02:304"), Some(expected));
        assert_eq!(from("fe80::20c:1ff:ff02:304"), None, "without the marker");
        assert_eq!(from("fe80::c:1ff:fe02:304"), None, "a local one");
        assert_eq!(from("fe80::30c:1ff:fe02:304"), None, "a group");
        assert_eq!(from("2001:db8::20c:1ff:fe02:304"), None, "not link-local");
    }

    #[test]
    fn chaddr_bytes_behind_hlen_do_not_matter() {
        let mut chaddr = [7; 16];
        let short = HardwareAddress::from_chaddr(1, &chaddr, 6);
        chaddr[6] = 1;
        assert_eq!(short, HardwareAddress::from_chaddr(1, &chaddr, 6));
        assert_eq!(short, HardwareAddress::ethernet([7; 6]));
        assert!(HardwareAddress::from_chaddr(1, &chaddr, 0).is_empty());
        assert_eq!(HardwareAddress::from_chaddr(1, &chaddr, 255).len(), 16);
    }
}
