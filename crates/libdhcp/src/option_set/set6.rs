//! Compiled options of DHCPv6.
//!
//! A filter of 64 bits answers most questions about absent options; the others are searched among
//! the sorted codes, which lie before the rows. The code itself is never read from the option's
//! bytes.

use super::content::{Content, Rare};
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
    rare: Option<Box<Rare<Self, Box<[u16]>>>>,
}

/// With these an [`OptionSet6`] fills its two lines.
const SHORT_MAX: usize = 102;
/// Bytes of a code in the content.
const CODE_LEN: usize = 2;

impl OptionSet6 {
    /// The option with this code for a client without classes.
    #[must_use]
    #[inline]
    pub fn get(&self, code: u16) -> Option<EncodedOption6<'_>> {
        self.encoded(self.index_of(code)?)
    }

    /// The option with this code for a client that is in the classes that `is_member` says: the
    /// first entry for one of them, else the one for all clients.
    #[must_use]
    #[inline]
    pub fn get_for(
        &self,
        code: u16,
        is_member: impl Fn(u32) -> bool,
    ) -> Option<EncodedOption6<'_>> {
        // Most codes that clients ask for are not configured.
        if self.rare.is_none() && self.filter & filter_bit(code) == 0 {
            return None;
        }
        self.sought_for(code, is_member)
    }

    fn sought_for(&self, code: u16, is_member: impl Fn(u32) -> bool) -> Option<EncodedOption6<'_>> {
        match &self.rare {
            Some(rare) if rare.has_further() => {
                rare.tagged_for(code, is_member).next().or_else(|| self.get(code))
            }
            _ => self.get(code),
        }
    }

    /// All entries with this code that are for the client. There can be several of the options that
    /// carry an enterprise number.
    pub fn each_for(
        &self,
        code: u16,
        is_member: impl Fn(u32) -> bool + Copy,
    ) -> impl Iterator<Item = EncodedOption6<'_>> {
        let rare = self.rare.as_deref();
        let tagged = rare.into_iter().flat_map(move |rare| rare.tagged_for(code, is_member));
        let untagged = rare.into_iter().flat_map(move |rare| rare.untagged(code));
        tagged.chain(self.get(code)).chain(untagged)
    }

    /// True when there is an entry for all clients with this code.
    #[must_use]
    #[inline]
    pub fn contains(&self, code: u16) -> bool {
        self.index_of(code).is_some()
    }

    /// Codes of the options for all clients, ascending.
    #[inline]
    pub fn codes(&self) -> impl Iterator<Item = u16> {
        self.raw_codes().iter().map(|code| u16::from_le_bytes(*code))
    }

    /// Codes of the options that are sent without being asked for, ascending.
    #[must_use]
    #[inline]
    pub fn always_send_codes(&self) -> &[u16] {
        self.rare.as_ref().map_or(&[], |rare| &rare.always_send)
    }

    /// Codes of the options that are not sent, whatever other scopes say, ascending.
    #[must_use]
    #[inline]
    pub fn never_send_codes(&self) -> &[u16] {
        self.rare.as_ref().map_or(&[], |rare| &rare.never_send)
    }

    /// Whether the option is not to be sent, whatever other scopes say.
    #[must_use]
    #[inline]
    pub fn is_never_sent(&self, code: u16) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.never_send.contains(&code))
    }

    /// The options for all clients in ascending order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = EncodedOption6<'_>> {
        (0..self.len()).filter_map(|index| self.encoded(index))
    }

    /// Options of the space `vendor-N`.
    #[must_use]
    #[inline]
    pub fn vendor(&self, enterprise: u32) -> Option<&Self> {
        self.rare.as_ref()?.vendors().of(enterprise)
    }

    /// Enterprise numbers that have options, ascending.
    pub fn vendors(&self) -> impl Iterator<Item = u32> {
        self.rare.iter().flat_map(|rare| rare.vendors().enterprises())
    }

    /// True when there is no option and no vendor space.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        let is_without = |rare: &Rare<Self, _>| !rare.has_further() && rare.vendors().is_empty();
        self.len == 0 && self.rare.as_deref().is_none_or(is_without)
    }

    /// Number of options for all clients, vendor spaces not counted.
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
        let codes = |codes: &mut dyn Iterator<Item = u16>| {
            let mut codes: Vec<u16> = codes.collect();
            codes.dedup();
            codes.into_boxed_slice()
        };
        let (options, rare) = Rare::divide(options, vendors, codes);
        let filter = options.iter().fold(0, |bits, option| bits | filter_bit(option.code));
        let codes: Vec<u8> = options.iter().flat_map(|option| option.code.to_le_bytes()).collect();
        // A space has 65,536 codes, of which 0 is none at the top level.
        let len = u16::try_from(options.len()).unwrap_or(u16::MAX);
        let content = match options.as_slice() {
            [] => Content::default(),
            options => Content::new(&codes, options),
        };
        Self { filter, len, content, rare }
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

#[inline]
const fn filter_bit(code: u16) -> u64 {
    1 << (code & 63)
}
