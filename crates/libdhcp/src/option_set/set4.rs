//! Compiled options of DHCPv4.
//!
//! Lookup is a bit test and a population count; bodies over 255 bytes are already split (RFC 3396).

use super::content::Content;
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
    vendors: Vendors<Self>,
}

/// With these an [`OptionSet`] fills its two lines.
const SHORT_MAX: usize = 70;

impl OptionSet {
    /// The option with this code.
    #[must_use]
    #[inline]
    pub fn get(&self, code: u8) -> Option<EncodedOption<'_>> {
        if !self.present.contains(code) {
            return None;
        }
        let before = usize::from(self.rows_before[usize::from(code >> 6)]);
        self.encoded(before + self.present.rank_in_word(code))
    }

    /// True when the option is in the set.
    #[must_use]
    #[inline]
    pub fn contains(&self, code: u8) -> bool {
        self.present.contains(code)
    }

    /// Codes of all options.
    #[must_use]
    #[inline]
    pub fn codes(&self) -> OptionCodes {
        self.present
    }

    /// Codes of the options that are sent without being asked for.
    #[must_use]
    pub fn always_send_codes(&self) -> OptionCodes {
        self.iter().filter(EncodedOption::always_send).map(|option| option.code).collect()
    }

    /// All options in ascending order of their codes.
    pub fn iter(&self) -> impl Iterator<Item = EncodedOption<'_>> {
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
        self.present.is_empty() && self.vendors.is_empty()
    }

    /// Number of options, vendor spaces not counted.
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
        let present: OptionCodes = options.iter().map(|option| option.code as u8).collect();
        let rows_before = [0, 64, 128, 192].map(|first| present.rank(first) as u8);
        let content = match options {
            [] => Content::default(),
            _ => Content::new(&[], options),
        };
        Self { present, rows_before, content, vendors }
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}
