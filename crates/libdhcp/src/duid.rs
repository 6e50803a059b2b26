//! DHCP unique identifiers (RFC 8415 section 11).
//!
//! [`Duid`] is a checked view of bytes: a type of two bytes and 1 to 128 bytes behind it. Servers
//! compare them whole and look inside only for a hardware address. [`DuidBuf`] owns one; it is how
//! a server makes and keeps its own.

use std::fmt;
use std::str::FromStr;

use arrayvec::ArrayVec;

use crate::HardwareAddress;
use crate::hex::ColonHex;

/// A valid DUID, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Duid<'a>(&'a [u8]);

impl<'a> Duid<'a> {
    /// The shortest valid DUID: its type and one byte.
    pub const LEN_MIN: usize = 3;
    /// The longest valid DUID: its type and 128 bytes.
    pub const LEN_MAX: usize = 130;

    /// Checks the length.
    ///
    /// # Errors
    /// When it is below [`Self::LEN_MIN`] or above [`Self::LEN_MAX`].
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Result<Self, DuidError> {
        match bytes.len() {
            found @ 0..Self::LEN_MIN => Err(DuidError::TooShort { found }),
            Self::LEN_MIN..=Self::LEN_MAX => Ok(Self(bytes)),
            found => Err(DuidError::TooLong { found }),
        }
    }

    /// All bytes, the type included.
    #[must_use]
    #[inline]
    pub const fn bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The type's number.
    #[must_use]
    pub const fn raw_type(&self) -> u16 {
        match self.0 {
            [high, low, ..] => u16::from_be_bytes([*high, *low]),
            _ => 0,
        }
    }

    /// The type, when it is one of RFC 8415.
    #[must_use]
    pub fn duid_type(&self) -> Option<DuidType> {
        DuidType::from_u16(self.raw_type())
    }

    /// The link-layer address inside a DUID of type LLT or LL; `None` for other types and for
    /// addresses of no bytes or more than any link layer has.
    #[must_use]
    pub fn hardware_address(&self) -> Option<HardwareAddress> {
        let (high, low, address) = match (self.duid_type()?, self.0) {
            (DuidType::Llt, [_, _, high, low, _, _, _, _, address @ ..])
            | (DuidType::Ll, [_, _, high, low, address @ ..]) => (high, low, address),
            _ => return None,
        };
        let htype = u16::from_be_bytes([*high, *low]);
        HardwareAddress::new(htype, address).filter(|address| !address.is_empty())
    }

    /// The time inside a DUID of type LLT, in seconds since the beginning of 2000, modulo 2^32.
    #[must_use]
    pub fn time_s(&self) -> Option<u32> {
        match (self.duid_type()?, self.0) {
            (DuidType::Llt, [_, _, _, _, a, b, c, d, ..]) => {
                Some(u32::from_be_bytes([*a, *b, *c, *d]))
            }
            _ => None,
        }
    }

    /// The enterprise number inside a DUID of type EN.
    #[must_use]
    pub fn enterprise(&self) -> Option<u32> {
        match (self.duid_type()?, self.0) {
            (DuidType::En, [_, _, a, b, c, d, ..]) => Some(u32::from_be_bytes([*a, *b, *c, *d])),
            _ => None,
        }
    }
}

impl fmt::Display for Duid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ColonHex(self.0).fmt(f)
    }
}

/// Kind of a DUID; the numbers are those on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum DuidType {
    /// Link-layer address and time.
    Llt = 1,
    /// Enterprise number and an identifier of the vendor.
    En = 2,
    /// Link-layer address.
    Ll = 3,
    /// UUID (RFC 6355).
    Uuid = 4,
}

impl DuidType {
    /// All types in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Llt, Self::En, Self::Ll, Self::Uuid];

    /// The type with this number, if it has one.
    #[must_use]
    pub fn from_u16(value: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|known| *known as u16 == value)
    }

    /// Name as Kea writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Llt => "LLT",
            Self::En => "EN",
            Self::Ll => "LL",
            Self::Uuid => "UUID",
        }
    }
}

/// A valid DUID that is owned, without heap.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DuidBuf(ArrayVec<u8, { Duid::LEN_MAX }>);

impl DuidBuf {
    /// Makes one of type LLT; `time_s` is in seconds since the beginning of 2000, modulo 2^32.
    ///
    /// # Errors
    /// When there is no room for the address, or it has no bytes.
    pub fn llt(htype: u16, time_s: u32, address: &[u8]) -> Result<Self, DuidError> {
        let (htype, time) = (htype.to_be_bytes(), time_s.to_be_bytes());
        Self::of(DuidType::Llt, &[&htype, &time], address)
    }

    /// Makes one of type EN.
    ///
    /// # Errors
    /// When there is no room for the identifier, or it has no bytes.
    pub fn en(enterprise: u32, identifier: &[u8]) -> Result<Self, DuidError> {
        Self::of(DuidType::En, &[&enterprise.to_be_bytes()], identifier)
    }

    /// Makes one of type LL.
    ///
    /// # Errors
    /// When there is no room for the address, or it has no bytes.
    pub fn ll(htype: u16, address: &[u8]) -> Result<Self, DuidError> {
        Self::of(DuidType::Ll, &[&htype.to_be_bytes()], address)
    }

    fn of(duid_type: DuidType, parts: &[&[u8]], last: &[u8]) -> Result<Self, DuidError> {
        let head = (duid_type as u16).to_be_bytes();
        let found = head.len() + parts.iter().map(|part| part.len()).sum::<usize>() + last.len();
        if last.is_empty() {
            return Err(DuidError::TooShort { found });
        }
        let bytes = head.iter().chain(parts.iter().copied().flatten()).chain(last).copied();
        if found > Duid::LEN_MAX {
            return Err(DuidError::TooLong { found });
        }
        Ok(Self(bytes.collect()))
    }

    /// The DUID.
    #[must_use]
    #[inline]
    pub fn as_duid(&self) -> Duid<'_> {
        Duid(&self.0)
    }

    /// All bytes, the type included.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Duid<'_>> for DuidBuf {
    fn from(duid: Duid<'_>) -> Self {
        Self(duid.bytes().iter().copied().collect())
    }
}

impl fmt::Display for DuidBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_duid().fmt(f)
    }
}

impl FromStr for DuidBuf {
    type Err = DuidError;

    /// Reads `00:03:00:01:0a`; one digit per byte will do.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; Duid::LEN_MAX];
        let read = read_colon_hex(text, &mut bytes)?;
        Duid::new(read).map(Self::from)
    }
}

fn read_colon_hex<'b>(text: &str, bytes: &'b mut [u8]) -> Result<&'b [u8], DuidError> {
    let mut len = 0;
    for part in text.split(':') {
        let byte =
            crate::hex::byte(part).ok_or_else(|| DuidError::NotHex { found: part.into() })?;
        let found = len + 1;
        *bytes.get_mut(len).ok_or(DuidError::TooLong { found })? = byte;
        len = found;
    }
    Ok(bytes.get(..len).unwrap_or_default())
}

/// The reason why bytes or a text are no DUID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DuidError {
    /// A part between colons is not one or two hexadecimal digits.
    #[error("expected one or two hexadecimal digits between colons, found '{found}'")]
    NotHex {
        /// The part in question.
        found: Box<str>,
    },
    /// More bytes than a DUID can have.
    #[error("DUID has {found} bytes, expected at most {}", Duid::LEN_MAX)]
    TooLong {
        /// Number of bytes.
        found: usize,
    },
    /// Fewer bytes than a DUID needs.
    #[error("DUID has {found} bytes, expected at least {}", Duid::LEN_MIN)]
    TooShort {
        /// Number of bytes.
        found: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::{Duid, DuidBuf, DuidError, DuidType};
    use crate::HardwareAddress;

    #[test]
    fn length_has_limits_on_both_sides() {
        for found in [0, 1, 2] {
            assert_eq!(Duid::new(&vec![0; found]), Err(DuidError::TooShort { found }));
        }
        for len in [3, 128, 129, 130] {
            assert!(Duid::new(&vec![0; len]).is_ok(), "{len}");
        }
        for found in [131, 65535] {
            assert_eq!(Duid::new(&vec![0; found]), Err(DuidError::TooLong { found }));
        }
        assert_eq!(DuidBuf::ll(1, &[7; 126]).unwrap().bytes().len(), 130);
        assert_eq!(DuidBuf::ll(1, &[7; 127]), Err(DuidError::TooLong { found: 131 }));
        assert_eq!(DuidBuf::en(1, &[]), Err(DuidError::TooShort { found: 6 }));
    }

    #[test]
    fn parts_come_back() {
        let mac = [2, 0, 0, 1, 2, 3];
        let llt = DuidBuf::llt(1, 0x0102_0304, &mac).unwrap();
        assert_eq!(llt.to_string(), "00:01:00:01:01:02:03:04:02:00:00:01:02:03");
        assert_eq!(llt.as_duid().duid_type(), Some(DuidType::Llt));
        assert_eq!(llt.as_duid().time_s(), Some(0x0102_0304));
        assert_eq!(llt.as_duid().hardware_address(), Some(HardwareAddress::ethernet(mac)));
        let ll = DuidBuf::ll(1, &mac).unwrap();
        assert_eq!(ll.as_duid().hardware_address(), Some(HardwareAddress::ethernet(mac)));
        assert_eq!((ll.as_duid().time_s(), ll.as_duid().enterprise()), (None, None));
        let en = DuidBuf::en(2495, &[9]).unwrap();
        assert_eq!(
            (en.bytes(), en.as_duid().enterprise()),
            (&[0, 2, 0, 0, 9, 191, 9][..], Some(2495))
        );
        assert_eq!(en.as_duid().hardware_address(), None);
    }

    #[test]
    fn short_or_long_addresses_are_none() {
        let address = |bytes: &'static [u8]| Duid::new(bytes).unwrap().hardware_address();
        assert_eq!(address(&[0, 3, 0]), None);
        assert_eq!(address(&[0, 3, 0, 1]), None);
        assert_eq!(address(&[0, 3, 0, 1, 7]).unwrap().bytes(), [7]);
        assert_eq!(address(&[0, 1, 0, 1, 0, 0, 0, 0]), None);
        assert_eq!(address(&[0, 4, 0, 1, 0, 0, 0, 0, 9]), None);
        assert_eq!(
            address(&[
                0, 3, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
            ]),
            None
        );
    }

    #[test]
    fn text_is_read_back() {
        let duid: DuidBuf = "0:1:00:0A:ff".parse().unwrap();
        assert_eq!(duid.to_string(), "00:01:00:0a:ff");
        let error = |text: &str| text.parse::<DuidBuf>().unwrap_err();
        assert_eq!(error(""), DuidError::NotHex { found: "".into() });
        assert_eq!(error("00:1g"), DuidError::NotHex { found: "1g".into() });
        assert_eq!(error("00:01"), DuidError::TooShort { found: 2 });
        assert_eq!(error(&vec!["00"; 131].join(":")), DuidError::TooLong { found: 131 });
        assert!(vec!["00"; 130].join(":").parse::<DuidBuf>().is_ok());
    }
}
