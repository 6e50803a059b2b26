//! Addresses of either family, ranges and prefixes of them, as the readers use them.

use std::fmt;
use std::hash::Hash;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use util::number::AddressNumber;

/// An address of one family. Its order is that of the numbers.
pub trait Address:
    Copy + fmt::Debug + fmt::Display + Eq + FromStr + Hash + Ord + From<Self::Bits> + Into<Self::Bits>
{
    /// The number behind it.
    type Bits: AddressNumber;

    /// Number of bits.
    const LEN: u8 = Self::Bits::BITS as u8;
    /// The kind with its article, for messages.
    const KIND: &'static str;
    /// An address for messages.
    const EXAMPLE: &'static str;
    /// A prefix for messages.
    const EXAMPLE_PREFIX: &'static str;

    /// The address as a number that has room for both families.
    fn to_wide(self) -> u128 {
        self.into().to_u128()
    }

    /// The address behind such a number.
    fn from_wide(wide: u128) -> Self {
        Self::from(Self::Bits::from_u128(wide))
    }

    /// The next address; none behind the last.
    fn next(self) -> Option<Self> {
        let wide = self.to_wide().checked_add(1)?;
        Some(Self::from_wide(wide)).filter(|next| *next > self)
    }

    /// Whether it stands for no address at all.
    fn is_unspecified(self) -> bool {
        self.to_wide() == 0
    }
}

impl Address for Ipv4Addr {
    type Bits = u32;

    const KIND: &'static str = "an IPv4 address";
    const EXAMPLE: &'static str = "192.0.2.1";
    const EXAMPLE_PREFIX: &'static str = "192.0.2.0/24";
}

impl Address for Ipv6Addr {
    type Bits = u128;

    const KIND: &'static str = "an IPv6 address";
    const EXAMPLE: &'static str = "2001:db8::1";
    const EXAMPLE_PREFIX: &'static str = "2001:db8:1::/64";
}

/// Addresses from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<A> {
    /// The first one.
    pub first: A,
    /// The last one, not below the first.
    pub last: A,
}

impl<A: Address> Span<A> {
    /// Whether all addresses of the other are among these.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

/// In messages.
impl<A: Address> fmt::Display for Span<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} - {}", self.first, self.last)
    }
}

/// A prefix as written, host bits included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix<A> {
    /// The address before the slash.
    pub address: A,
    /// The length, at most that of an address.
    pub len: u8,
}

impl<A: Address> Prefix<A> {
    /// Reads `address/length`; blanks do not count.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn parse(text: &str) -> Result<Self, PrefixError> {
        let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let Some((address, len)) = text.split_once('/') else { return Err(PrefixError::NoLength) };
        let Ok(address) = address.parse::<A>() else {
            return Err(PrefixError::Address { wanted: A::KIND });
        };
        let is_number = !len.is_empty() && len.bytes().all(|byte| byte.is_ascii_digit());
        let len = len.parse().ok().filter(|len| is_number && *len <= A::LEN);
        let len = len.ok_or(PrefixError::Length { max: A::LEN })?;
        Ok(Self { address, len })
    }

    /// The longest prefix that holds both addresses, beginning with the lower one.
    #[must_use]
    pub fn around(span: Span<A>) -> Self {
        let common = (span.first.to_wide() ^ span.last.to_wide()).leading_zeros();
        Self { address: span.first, len: (common + u32::from(A::LEN) - u128::BITS) as u8 }
    }

    /// First address.
    #[must_use]
    pub fn first(self) -> A {
        A::from_wide(self.address.to_wide() & !self.host_bits())
    }

    /// Last address.
    #[must_use]
    pub fn last(self) -> A {
        A::from_wide(self.address.to_wide() | self.host_bits())
    }

    /// All addresses.
    #[must_use]
    pub fn span(self) -> Span<A> {
        Span { first: self.first(), last: self.last() }
    }

    /// Ones behind the prefix.
    fn host_bits(self) -> u128 {
        let (all, len) = (u128::MAX >> (u128::BITS - u32::from(A::LEN)), u32::from(self.len));
        all.checked_shr(len).unwrap_or(0)
    }
}

/// The network in messages, host bits cleared.
impl<A: Address> fmt::Display for Prefix<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first(), self.len)
    }
}

/// What is wrong with the text of a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// The part before the slash is none.
    #[error("there is no {} before the '/'", wanted.trim_start_matches("an "))]
    Address {
        /// The kind that is expected.
        wanted: &'static str,
    },
    /// The part behind the slash is none.
    #[error("the length must be from 0 to {max}")]
    Length {
        /// The longest.
        max: u8,
    },
    /// There is no slash.
    #[error("there is no '/' with a length")]
    NoLength,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_read_with_blanks_and_limits() {
        let parse = |text| {
            let prefix = Prefix::<Ipv4Addr>::parse(text);
            prefix.map(|prefix| (prefix.first().into(), prefix.last().into()))
        };
        assert_eq!(parse("192.0.2.77 / 24"), Ok((0xc000_0200, 0xc000_02ff)));
        assert_eq!(parse("0.0.0.0/0"), Ok((0, u32::MAX)));
        assert_eq!(parse("192.0.2.1/32"), Ok((0xc000_0201, 0xc000_0201)));
        for wrong in ["192.0.2.0", "192.0.2/24", "192.0.2.0/33", "192.0.2.0/257", "192.0.2.0/"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "/", "2001:db8::/32", "192.0.2.0/+24", "192.0.2.0/24/24"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn wide_prefixes_are_read_with_blanks_and_limits() {
        let parse = |text| {
            let prefix = Prefix::<Ipv6Addr>::parse(text);
            prefix.map(|prefix| (prefix.first().into(), prefix.last().into()))
        };
        assert_eq!(parse("2001:DB8::7\t/ 124"), Ok((0x2001_0db8 << 96, 0x2001_0db8 << 96 | 15)));
        assert_eq!(parse("::/0"), Ok((0, u128::MAX)));
        assert_eq!(parse("::1/128"), Ok((1, 1)));
        for wrong in ["::1", "::1/129", "::1/256", "::1/384", "192.0.2.0/24", "::g/64", "::%1/64"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_prefix_is_found_around_a_span() {
        let around = |first: u128, last: u128| {
            let span = Span::<Ipv6Addr> { first: first.into(), last: last.into() };
            (Prefix::around(span).len, Prefix::around(span).span() == span)
        };
        assert_eq!(around(0, u128::MAX), (0, true));
        assert_eq!(around(8, 15), (125, true));
        assert_eq!(around(8, 14), (125, false));
        assert_eq!(around(9, 9), (128, true));
        let span = Span { first: Ipv4Addr::new(10, 0, 0, 0), last: Ipv4Addr::new(10, 0, 0, 3) };
        assert_eq!(Prefix::around(span).len, 30);
        assert_eq!(Ipv4Addr::BROADCAST.next(), None);
        assert_eq!(Ipv4Addr::UNSPECIFIED.next(), Some(Ipv4Addr::new(0, 0, 0, 1)));
    }
}
