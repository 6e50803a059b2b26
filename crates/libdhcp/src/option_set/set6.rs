//! Compiled options of DHCPv6.
//!
//! A filter of 64 bits answers most questions about absent options; the others are searched among
//! the sorted codes, which lie before the rows. The code itself is never read from the option's
//! bytes.

use super::content::Content;
use super::{CompiledOption, EncodedOption, EncodedOption6, OptionSetForm, Vendors};
use crate::Universe;

/// DHCPv6 options of one scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C, align(64))]
pub struct OptionSet6 {
    /// For each code the bit of its lower six bits.
    filter: u64,
    /// Number of options.
    len: u16,
    /// The codes, little-endian, then rows and bytes.
    content: Content<SHORT_MAX>,
    vendors: Vendors<Self>,
}

/// With these an [`OptionSet6`] fills its two lines.
const SHORT_MAX: usize = 94;
/// Bytes of a code in the content.
const CODE_LEN: usize = 2;

impl OptionSet6 {
    /// The option with this code.
    #[must_use]
    #[inline]
    pub fn get(&self, code: u16) -> Option<EncodedOption6<'_>> {
        self.encoded(self.index_of(code)?)
    }

    /// True when the option is in the set.
    #[must_use]
    #[inline]
    pub fn contains(&self, code: u16) -> bool {
        self.index_of(code).is_some()
    }

    /// Codes of all options, ascending.
    #[inline]
    pub fn codes(&self) -> impl Iterator<Item = u16> {
        self.raw_codes().iter().map(|code| u16::from_le_bytes(*code))
    }

    /// Codes of the options that are sent without being asked for, ascending.
    pub fn always_send_codes(&self) -> impl Iterator<Item = u16> {
        self.iter().filter(EncodedOption::always_send).map(|option| option.code)
    }

    /// All options in ascending order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = EncodedOption6<'_>> {
        (0..self.len()).filter_map(|index| self.encoded(index))
    }

    /// Options of the space `vendor-N`.
    #[must_use]
    #[inline]
    pub fn vendor(&self, enterprise: u32) -> Option<&Self> {
        self.vendors.of(enterprise)
    }

    /// Enterprise numbers that have options, ascending.
    pub fn vendors(&self) -> impl Iterator<Item = u32> {
        self.vendors.enterprises()
    }

    /// True when there is no option and no vendor space.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0 && self.vendors.is_empty()
    }

    /// Number of options, vendor spaces not counted.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    #[inline]
    fn raw_codes(&self) -> &[[u8; CODE_LEN]] {
        let codes = self.content.bytes().get(..self.len() * CODE_LEN).unwrap_or_default();
        codes.as_chunks().0
    }

    #[inline]
    fn index_of(&self, code: u16) -> Option<usize> {
        if self.filter & filter_bit(code) == 0 {
            return None;
        }
        self.raw_codes().binary_search_by_key(&code, |raw| u16::from_le_bytes(*raw)).ok()
    }

    /// The option of a row.
    #[inline]
    fn encoded(&self, index: usize) -> Option<EncodedOption6<'_>> {
        let code = u16::from_le_bytes(*self.raw_codes().get(index)?);
        let (flags, tlv) = self.content.option(self.len() * CODE_LEN, index)?;
        Some(EncodedOption { code, flags, tlv })
    }
}

impl OptionSetForm for OptionSet6 {
    const UNIVERSE: Universe = Universe::V6;

    fn assemble(options: &[CompiledOption], vendors: Vendors<Self>) -> Self {
        let filter = options.iter().fold(0, |bits, option| bits | filter_bit(option.code));
        let codes: Vec<u8> = options.iter().flat_map(|option| option.code.to_le_bytes()).collect();
        let content = match options {
            [] => Content::default(),
            _ => Content::new(&codes, options),
        };
        // A space has 65,536 codes, of which 0 is none at the top level.
        let len = u16::try_from(options.len()).unwrap_or(u16::MAX);
        Self { filter, len, content, vendors }
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

#[inline]
const fn filter_bit(code: u16) -> u64 {
    1 << (code & 63)
}
