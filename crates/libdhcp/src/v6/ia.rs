//! Identity associations with their addresses and prefixes (RFC 8415 section 21.4 to 21.6, 21.21,
//! 21.22).
//!
//! The iterators yield what a message says in its order and judge each item: one whose fixed fields
//! are cut off or impossible is an error of that item alone. Options that do not belong where they
//! are (a prefix in an association for addresses) are passed over. How many items count is limited,
//! because each may cost the server a lease.

use std::net::Ipv6Addr;

use crate::v6::{OptionSpans, Options, code};

/// Kind of an identity association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IaKind {
    /// Addresses.
    Na,
    /// Temporary addresses.
    Ta,
    /// Prefixes.
    Pd,
}

impl IaKind {
    /// Number of the option.
    #[must_use]
    #[inline]
    pub const fn code(self) -> u16 {
        match self {
            Self::Na => code::IA_NA,
            Self::Ta => code::IA_TA,
            Self::Pd => code::IA_PD,
        }
    }

    /// The kind of the option with this number.
    #[must_use]
    #[inline]
    pub const fn from_code(code: u16) -> Option<Self> {
        match code {
            code::IA_NA => Some(Self::Na),
            code::IA_TA => Some(Self::Ta),
            code::IA_PD => Some(Self::Pd),
            _ => None,
        }
    }

    /// Name as RFC 8415 writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Na => "IA_NA",
            Self::Ta => "IA_TA",
            Self::Pd => "IA_PD",
        }
    }
}

impl std::fmt::Display for IaKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// An identity association of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ia<'a> {
    /// Its kind.
    pub kind: IaKind,
    /// Its number, unique for the client and kind.
    pub iaid: u32,
    /// Time until renewal in seconds; 0 for temporary addresses.
    pub t1: u32,
    /// Time until rebinding in seconds; 0 for temporary addresses.
    pub t2: u32,
    /// The options in it.
    pub options: Options<'a>,
}

impl<'a> Ia<'a> {
    fn read(kind: IaKind, body: &'a [u8]) -> Result<Self, IaError> {
        let too_short =
            |expected| IaError::TooShort { code: kind.code(), expected, found: body.len() };
        let (iaid, t1, t2, options) = match (kind, body) {
            (IaKind::Ta, [a, b, c, d, options @ ..]) => ([*a, *b, *c, *d], [0; 4], [0; 4], options),
            (IaKind::Ta, _) => return Err(too_short(4)),
            (IaKind::Na | IaKind::Pd, _) => {
                let (fixed, options) = body.split_first_chunk::<12>().ok_or(too_short(12))?;
                let [a, b, c, d, e, f, g, h, i, j, k, l] = *fixed;
                ([a, b, c, d], [e, f, g, h], [i, j, k, l], options)
            }
        };
        let [iaid, t1, t2] = [iaid, t1, t2].map(u32::from_be_bytes);
        Ok(Self { kind, iaid, t1, t2, options: Options::new(options) })
    }

    /// The addresses in it, at most [`IaAddresses::MAX`]; none in an association for prefixes.
    #[must_use]
    #[inline]
    pub fn addresses(&self) -> IaAddresses<'a> {
        let options = if self.kind == IaKind::Pd { Options::new(&[]) } else { self.options };
        IaAddresses { options, left: IaAddresses::MAX }
    }

    /// The prefixes in it, at most [`IaPrefixes::MAX`]; none in an association for addresses.
    #[must_use]
    #[inline]
    pub fn prefixes(&self) -> IaPrefixes<'a> {
        let options = if self.kind == IaKind::Pd { self.options } else { Options::new(&[]) };
        IaPrefixes { options, left: IaPrefixes::MAX }
    }

    /// Number and text of the status code in it; `None` also when that is too short.
    #[must_use]
    pub fn status(&self) -> Option<(u16, &'a [u8])> {
        let (status, text) = self.options.option(code::STATUS_CODE)?.split_first_chunk()?;
        Some((u16::from_be_bytes(*status), text))
    }
}

/// Iterator over the identity associations of a message.
#[derive(Clone, Debug)]
pub struct Ias<'a> {
    options: OptionSpans<'a>,
    left: usize,
}

impl<'a> Ias<'a> {
    /// Identity associations of one message that count.
    pub const MAX: usize = 64;

    #[inline]
    pub(super) fn new(options: OptionSpans<'a>) -> Self {
        Self { options, left: Self::MAX }
    }
}

impl<'a> Iterator for Ias<'a> {
    type Item = Result<Ia<'a>, IaError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (kind, body) =
            self.options.find_map(|(code, body)| Some((IaKind::from_code(code)?, body)))?;
        Some(Ia::read(kind, body))
    }
}

/// An address of an identity association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IaAddress<'a> {
    /// The address.
    pub address: Ipv6Addr,
    /// Preferred lifetime in seconds.
    pub preferred: u32,
    /// Valid lifetime in seconds.
    pub valid: u32,
    /// The options in it.
    pub options: Options<'a>,
}

impl<'a> IaAddress<'a> {
    fn read(body: &'a [u8]) -> Result<Self, IaError> {
        let Some((fixed, options)) = body.split_first_chunk::<24>() else {
            return Err(IaError::TooShort { code: code::IAADDR, expected: 24, found: body.len() });
        };
        let [address @ .., a, b, c, d, e, f, g, h] = fixed;
        Ok(Self {
            address: Ipv6Addr::from(*address),
            preferred: u32::from_be_bytes([*a, *b, *c, *d]),
            valid: u32::from_be_bytes([*e, *f, *g, *h]),
            options: Options::new(options),
        })
    }
}

/// Iterator over the addresses of an identity association.
#[derive(Clone, Debug)]
pub struct IaAddresses<'a> {
    options: Options<'a>,
    left: usize,
}

impl IaAddresses<'_> {
    /// Addresses of one association that count.
    pub const MAX: usize = 64;
}

impl<'a> Iterator for IaAddresses<'a> {
    type Item = Result<IaAddress<'a>, IaError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        next_of(&mut self.options, &mut self.left, code::IAADDR).map(IaAddress::read)
    }
}

/// A prefix of an identity association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IaPrefix<'a> {
    /// The prefix as it is in the message, bits behind its length included; `::` stands for any.
    pub prefix: Ipv6Addr,
    /// Its length, at most 128; 0 stands for any.
    pub len: u8,
    /// Preferred lifetime in seconds.
    pub preferred: u32,
    /// Valid lifetime in seconds.
    pub valid: u32,
    /// The options in it.
    pub options: Options<'a>,
}

impl<'a> IaPrefix<'a> {
    fn read(body: &'a [u8]) -> Result<Self, IaError> {
        let Some((fixed, options)) = body.split_first_chunk::<25>() else {
            return Err(IaError::TooShort {
                code: code::IAPREFIX,
                expected: 25,
                found: body.len(),
            });
        };
        let [a, b, c, d, e, f, g, h, len, prefix @ ..] = fixed;
        if *len > 128 {
            return Err(IaError::PrefixLength { found: *len });
        }
        Ok(Self {
            prefix: Ipv6Addr::from(*prefix),
            len: *len,
            preferred: u32::from_be_bytes([*a, *b, *c, *d]),
            valid: u32::from_be_bytes([*e, *f, *g, *h]),
            options: Options::new(options),
        })
    }

    /// The prefix that the client must not use, from option 67 (RFC 6603); `None` also when its
    /// length or number of bytes is impossible.
    #[must_use]
    pub fn excluded_prefix(&self) -> Option<(Ipv6Addr, u8)> {
        let (&len, subnet_id) = self.options.option(code::PD_EXCLUDE)?.split_first()?;
        let bits = len.checked_sub(self.len).filter(|bits| *bits > 0 && len <= 128)?;
        if subnet_id.len() != usize::from(bits.div_ceil(8)) {
            return None;
        }
        let mut octets = [0; 16];
        octets.get_mut(..subnet_id.len())?.copy_from_slice(subnet_id);
        let subnet_id = u128::from_be_bytes(octets) & mask(bits);
        let prefix = u128::from(self.prefix) & mask(self.len);
        Some((Ipv6Addr::from(prefix | subnet_id >> self.len), len))
    }
}

/// Body of option 67 for an excluded prefix of `len` bits inside a prefix of `outer_len` bits (RFC
/// 6603 section 4.2): bytes and how many of them count. `None` when it is not longer than the other
/// one.
#[must_use]
pub fn encode_excluded_prefix(
    outer_len: u8,
    prefix: Ipv6Addr,
    len: u8,
) -> Option<([u8; 17], usize)> {
    let bits = len.checked_sub(outer_len).filter(|bits| *bits > 0 && len <= 128)?;
    let subnet_id = u128::from(prefix) << outer_len & mask(bits);
    let mut body = [0; 17];
    let (first, rest) = body.split_first_mut()?;
    *first = len;
    rest.copy_from_slice(&subnet_id.to_be_bytes());
    Some((body, 1 + usize::from(bits.div_ceil(8))))
}

/// The upper bits of an address, at most 128.
fn mask(bits: u8) -> u128 {
    u128::MAX.checked_shl(128_u32.saturating_sub(u32::from(bits))).unwrap_or(0)
}

/// Iterator over the prefixes of an identity association.
#[derive(Clone, Debug)]
pub struct IaPrefixes<'a> {
    options: Options<'a>,
    left: usize,
}

impl IaPrefixes<'_> {
    /// Prefixes of one association that count.
    pub const MAX: usize = 64;
}

impl<'a> Iterator for IaPrefixes<'a> {
    type Item = Result<IaPrefix<'a>, IaError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        next_of(&mut self.options, &mut self.left, code::IAPREFIX).map(IaPrefix::read)
    }
}

#[inline]
fn next_of<'a>(options: &mut Options<'a>, left: &mut usize, code: u16) -> Option<&'a [u8]> {
    *left = left.checked_sub(1)?;
    options.find(|(found, _)| *found == code).map(|(_, body)| body)
}

/// What is wrong with an identity association, an address or a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IaError {
    /// A prefix longer than an address.
    #[error("prefix length is {found}, expected at most 128")]
    PrefixLength {
        /// The length in the message.
        found: u8,
    },
    /// The fixed fields are cut off.
    #[error("option {code} has {found} bytes, expected at least {expected}")]
    TooShort {
        /// Number of the option.
        code: u16,
        /// Bytes of its fixed fields.
        expected: usize,
        /// Length in the message.
        found: usize,
    },
}
