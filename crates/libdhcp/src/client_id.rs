//! Client identifiers (option 61).
//!
//! [`ClientId`] is a checked view of the option's bytes: at least two of them (RFC 2132 9.14). RFC
//! 4361 clients put a DUID inside, which is how a host is recognised over both families.

use std::fmt;

use crate::hex::ColonHex;

/// A valid client identifier, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId<'a>(&'a [u8]);

impl<'a> ClientId<'a> {
    /// The shortest valid identifier.
    pub const LEN_MIN: usize = 2;
    /// First byte of an identifier that holds IAID and DUID.
    pub const TYPE_DUID: u8 = 0xff;

    /// Checks the length; `None` when it is below [`Self::LEN_MIN`].
    #[must_use]
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() < Self::LEN_MIN { None } else { Some(Self(bytes)) }
    }

    /// The whole option body, type byte included.
    #[must_use]
    #[inline]
    pub const fn bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The DUID of an RFC 4361 identifier: type byte 255, four bytes of IAID, then the DUID.
    #[must_use]
    #[inline]
    pub fn duid(&self) -> Option<&'a [u8]> {
        match self.0 {
            [Self::TYPE_DUID, _, _, _, _, duid @ ..] if !duid.is_empty() => Some(duid),
            _ => None,
        }
    }

    /// The IAID of an RFC 4361 identifier.
    #[must_use]
    pub fn iaid(&self) -> Option<u32> {
        match self.0 {
            [Self::TYPE_DUID, a, b, c, d, _, ..] => Some(u32::from_be_bytes([*a, *b, *c, *d])),
            _ => None,
        }
    }
}

impl fmt::Display for ClientId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ColonHex(self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::ClientId;

    #[test]
    fn one_byte_is_too_short() {
        assert!(ClientId::new(&[]).is_none());
        assert!(ClientId::new(&[1]).is_none());
        assert!(ClientId::new(&[1, 2]).is_some());
    }

    #[test]
    fn duid_needs_type_255_and_a_byte_behind_the_iaid() {
        let duid = |bytes: &'static [u8]| ClientId::new(bytes).unwrap().duid();
        assert_eq!(duid(&[255, 0, 0, 0, 1, 0, 3]), Some(&[0, 3][..]));
        assert_eq!(duid(&[255, 0, 0, 0, 1]), None);
        assert_eq!(duid(&[1, 0, 0, 0, 1, 0, 3]), None);
        assert_eq!(ClientId::new(&[255, 0, 0, 1, 1, 9]).unwrap().iaid(), Some(257));
    }
}
