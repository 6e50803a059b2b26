//! Compiled options of DHCPv4.
//!
//! Lookup is a bit test and a population count; bodies over 255 bytes are already split (RFC 3396).

use super::content::{Content, Rare};
use super::{CompiledOption, EncodedOption, OptionSetForm, Vendors};
use crate::{OptionCodes, Universe};

/// DHCPv4 options of one scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C, align(64))]
pub struct OptionSet {
    present: OptionCodes,
    /// Rows before each word of `present`.
    rows_before: [u8; 4],
    content: Content<SHORT_MAX>,
    rare: Option<Box<Rare<Self, OptionCodes>>>,
}

/// With these an [`OptionSet`] fills its two lines.
const SHORT_MAX: usize = 78;

impl OptionSet {
    /// The option with this code for a client without classes.
    #[must_use]
    #[inline]
    pub fn get(&self, code: u8) -> Option<EncodedOption<'_>> {
        if !self.present.contains(code) {
            return None;
        }
        let before = usize::from(self.rows_before[usize::from(code >> 6)]);
        self.encoded(before + self.present.rank_in_word(code))
    }

    /// The option with this code for a client that is in the classes that `is_member` says: the
    /// first entry for one of them, else the one for all clients.
    #[must_use]
    #[inline]
    pub fn get_for(&self, code: u8, is_member: impl Fn(u32) -> bool) -> Option<EncodedOption<'_>> {
        match &self.rare {
            None => self.get(code),
            Some(rare) => self.get_tagged(rare, code, is_member),
        }
    }

    /// The same where there may be entries for certain classes. Out of line: few sets have them.
    #[inline(never)]
    fn get_tagged<'s>(
        &'s self,
        rare: &'s Rare<Self, OptionCodes>,
        code: u8,
        is_member: impl Fn(u32) -> bool,
    ) -> Option<EncodedOption<'s>> {
        if !rare.further_codes.contains(code) {
            return self.get(code);
        }
        rare.tagged_for(code, is_member).next().or_else(|| self.get(code))
    }

    /// All entries with this code that are for the client. There can be several of the options that
    /// carry an enterprise number.
    pub fn each_for(
        &self,
        code: u8,
        is_member: impl Fn(u32) -> bool + Copy,
    ) -> impl Iterator<Item = EncodedOption<'_>> {
        let rare = self.rare.as_deref();
        let tagged = rare.into_iter().flat_map(move |rare| rare.tagged_for(code, is_member));
        let untagged = rare.into_iter().flat_map(move |rare| rare.untagged(code));
        tagged.chain(self.get(code)).chain(untagged)
    }

    /// True when there is an entry for all clients with this code.
    #[must_use]
    #[inline]
    pub fn contains(&self, code: u8) -> bool {
        self.present.contains(code)
    }

    /// Codes of all options, including those for certain classes only.
    #[must_use]
    #[inline]
    pub fn codes(&self) -> OptionCodes {
        self.rare.as_ref().map_or(self.present, |rare| self.present.union(rare.further_codes))
    }

    /// Codes of the options that are sent without being asked for.
    #[must_use]
    #[inline]
    pub fn always_send_codes(&self) -> OptionCodes {
        self.rare.as_ref().map_or(OptionCodes::EMPTY, |rare| rare.always_send)
    }

    /// Codes of the options that are not sent, whatever other scopes say.
    #[must_use]
    #[inline]
    pub fn never_send_codes(&self) -> OptionCodes {
        self.rare.as_ref().map_or(OptionCodes::EMPTY, |rare| rare.never_send)
    }

    /// True when there are no flags, no entries for certain classes and no vendor spaces.
    #[must_use]
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.rare.is_none()
    }

    /// The options for all clients in ascending order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = EncodedOption<'_>> {
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
        self.present.is_empty() && self.rare.as_deref().is_none_or(is_without)
    }

    /// Number of options for all clients, vendor spaces not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.present.len()
    }

    /// The option of a row.
    #[inline]
    fn encoded(&self, index: usize) -> Option<EncodedOption<'_>> {
        let (flags, tlv) = self.content.option(0, index)?;
        Some(EncodedOption { code: *tlv.first()?, flags, tlv })
    }
}

impl OptionSetForm for OptionSet {
    const UNIVERSE: Universe = Universe::V4;

    fn assemble(options: &[CompiledOption], vendors: Vendors<Self>) -> Self {
        let codes = |codes: &mut dyn Iterator<Item = u16>| codes.map(|code| code as u8).collect();
        let (options, rare) = Rare::divide(options, vendors, codes);
        let present: OptionCodes = options.iter().map(|option| option.code as u8).collect();
        let rows_before = [0, 64, 128, 192].map(|first| present.rank(first) as u8);
        let content = match options.as_slice() {
            [] => Content::default(),
            options => Content::new(&[], options),
        };
        Self { present, rows_before, content, rare }
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}
