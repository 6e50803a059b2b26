//! The options of one scope of the configuration, encoded once and immutable.
//!
//! An [`OptionSet`] keeps its options sorted by code in one byte string, codes and lengths included
//! and bodies over 255 bytes already split (RFC 3396), so that sending one is a single copy. Lookup
//! is a bit test and a population count. Ten thousand subnets have a set each, and every cache line
//! of it is a miss: a set is two lines, and its options lie within them if they take no more than
//! some sixty bytes. Values of vendor spaces (`vendor-N`) are sets of their own inside it.

use std::collections::BTreeMap;

use crate::OptionCodes;
use crate::definition::{DHCP4, Definitions, vendor_enterprise};
use crate::v4::code;

/// Options of one scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct OptionSet {
    present: OptionCodes,
    /// Rows before each word of `present`.
    rows_before: [u8; 4],
    content: Content,
    vendors: Box<[(u32, OptionSet)]>,
}

/// A [`Row`] for each option and one behind the last, then what the options send, one after the
/// other.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    /// The bytes behind the length are 0.
    Short {
        len: u8,
        bytes: [u8; SHORT_MAX],
    },
    Long(Box<[u8]>),
}

/// With these an [`OptionSet`] fills its two lines.
const SHORT_MAX: usize = 70;

impl Content {
    fn new(content: &[u8]) -> Self {
        let mut bytes = [0; SHORT_MAX];
        match bytes.get_mut(..content.len()) {
            Some(short) => {
                short.copy_from_slice(content);
                Self::Short { len: content.len() as u8, bytes }
            }
            None => Self::Long(content.into()),
        }
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Short { len: 0, bytes: [0; SHORT_MAX] }
    }
}

/// Where an option begins in the [`Content`], and its flags in the lower bits.
#[derive(Clone, Copy, Debug)]
struct Row(u32);

impl Row {
    const LEN: usize = 4;
    const ALWAYS: u32 = 1;
    const NEVER: u32 = 2;

    fn new(start: usize, flags: OptionFlags) -> Self {
        let always = if flags.always_send { Self::ALWAYS } else { 0 };
        let never = if flags.never_send { Self::NEVER } else { 0 };
        Self((start as u32) << 2 | always | never)
    }

    #[inline]
    fn read(content: &[u8], index: usize) -> Option<Self> {
        let bytes = content.get(index * Self::LEN..)?.first_chunk()?;
        Some(Self(u32::from_le_bytes(*bytes)))
    }

    #[inline]
    const fn start(self) -> usize {
        (self.0 >> 2) as usize
    }

    #[inline]
    const fn flags(self) -> OptionFlags {
        let (always_send, never_send) = (self.0 & Self::ALWAYS != 0, self.0 & Self::NEVER != 0);
        OptionFlags { always_send, never_send }
    }
}

/// How an option is treated beyond its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionFlags {
    /// Sent even when the client does not ask for it.
    pub always_send: bool,
    /// Not sent, and not taken from a less specific scope either.
    pub never_send: bool,
}

/// A configured option, ready to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodedOption<'a> {
    code: u8,
    flags: OptionFlags,
    tlv: &'a [u8],
}

impl<'a> EncodedOption<'a> {
    /// Number of the option.
    #[must_use]
    #[inline]
    pub const fn code(&self) -> u8 {
        self.code
    }

    /// Code, length and body; several times when the body is long.
    #[must_use]
    #[inline]
    pub const fn tlv(&self) -> &'a [u8] {
        self.tlv
    }

    /// True when it is sent even if the client does not ask for it.
    #[must_use]
    #[inline]
    pub const fn always_send(&self) -> bool {
        self.flags.always_send
    }

    /// True when it is not sent, and hides the same option of less specific scopes.
    #[must_use]
    #[inline]
    pub const fn never_send(&self) -> bool {
        self.flags.never_send
    }

    /// Body without codes and lengths, as one piece after the other.
    pub fn body(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.tlv.chunks(257).filter_map(|fragment| fragment.get(2..))
    }
}

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
        self.vendors.iter().find(|(number, _)| *number == enterprise).map(|(_, set)| set)
    }

    /// Enterprise numbers that have options, ascending.
    pub fn vendors(&self) -> impl Iterator<Item = u32> {
        self.vendors.iter().map(|(number, _)| *number)
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
        let content = self.content.bytes();
        let row = Row::read(content, index)?;
        let end = Row::read(content, index + 1)?.start();
        let tlv = content.get(row.start()..end)?;
        Some(EncodedOption { code: *tlv.first()?, flags: row.flags(), tlv })
    }
}

/// Gathers the options of one scope and compiles them.
#[derive(Clone, Debug, Default)]
pub struct OptionSetBuilder {
    spaces: BTreeMap<Box<str>, BTreeMap<u8, Value>>,
}

#[derive(Clone, Debug)]
struct Value {
    body: Vec<u8>,
    flags: OptionFlags,
}

impl OptionSetBuilder {
    /// Bytes that the body of one option may have.
    pub const BODY_LEN_MAX: usize = 4096;
    /// How deep spaces may lie in each other.
    pub const DEPTH_MAX: usize = 8;

    /// A builder without options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an option to a space; the first of several with one code stays.
    ///
    /// # Errors
    /// When the code is not 1-254 (0-255 outside `dhcp4`), or the body too long.
    pub fn add(
        &mut self,
        space: &str,
        code: u16,
        body: Vec<u8>,
        flags: OptionFlags,
    ) -> Result<(), OptionSetError> {
        let wire_code = u8::try_from(code)
            .ok()
            .filter(|code| space != DHCP4 || !matches!(*code, code::PAD | code::END))
            .ok_or_else(|| OptionSetError::Code { space: space.into(), found: code })?;
        let len_max = if space == DHCP4 { Self::BODY_LEN_MAX } else { 255 };
        if body.len() > len_max {
            let found = body.len();
            return Err(OptionSetError::TooLong { space: space.into(), code, len_max, found });
        }
        let options = self.spaces.entry(space.into()).or_default();
        options.entry(wire_code).or_insert(Value { body, flags });
        Ok(())
    }

    /// Compiles the options of the space `dhcp4`, with sub-options attached to the options whose
    /// definitions encapsulate a space, and the vendor spaces.
    ///
    /// # Errors
    /// When an option becomes too long with its sub-options, or spaces lie in each other too deep.
    pub fn build(&self, definitions: &Definitions) -> Result<OptionSet, OptionSetError> {
        let mut set = self.compile(DHCP4, definitions)?;
        let mut vendors = Vec::new();
        for space in self.spaces.keys() {
            if let Some(enterprise) = vendor_enterprise(space) {
                vendors.push((enterprise, self.compile(space, definitions)?));
            }
        }
        vendors.sort_by_key(|(enterprise, _)| *enterprise);
        set.vendors = vendors.into();
        Ok(set)
    }

    fn compile(&self, space: &str, definitions: &Definitions) -> Result<OptionSet, OptionSetError> {
        let mut set = OptionSet::default();
        let Some(options) = self.spaces.get(space) else { return Ok(set) };
        let start = Row::LEN * (options.len() + 1);
        let (mut rows, mut bytes) = (Vec::new(), Vec::new());
        for (&code, value) in options {
            let body = self.whole_body(space, code, value, definitions, 0)?;
            rows.push(Row::new(start + bytes.len(), value.flags));
            append_option(&mut bytes, code, &body);
            set.present.insert(code);
        }
        rows.push(Row::new(start + bytes.len(), OptionFlags::default()));
        let mut content: Vec<u8> = rows.iter().flat_map(|row| row.0.to_le_bytes()).collect();
        content.append(&mut bytes);
        set.rows_before = [0, 64, 128, 192].map(|first| set.present.rank(first) as u8);
        set.content = Content::new(&content);
        Ok(set)
    }

    /// Body of an option followed by its sub-options.
    fn whole_body(
        &self,
        space: &str,
        code: u8,
        value: &Value,
        definitions: &Definitions,
        depth: usize,
    ) -> Result<Vec<u8>, OptionSetError> {
        let too_deep = || OptionSetError::TooDeep { space: space.into(), code: u16::from(code) };
        let mut body = value.body.clone();
        let enterprise = <[u8; 4]>::try_from(value.body.as_slice()).ok().map(u32::from_be_bytes);
        let is_vendor = space == DHCP4 && code == code::VIVSO_SUBOPTIONS;
        let inner = match definitions.by_code(space, u16::from(code)) {
            _ if is_vendor => enterprise.map(|number| format!("vendor-{number}")),
            Some(definition) => definition.encapsulates.as_deref().map(str::to_owned),
            None => None,
        };
        let Some((inner, options)) =
            inner.and_then(|inner| self.spaces.get_key_value(inner.as_str()))
        else {
            return Ok(body);
        };
        if depth == Self::DEPTH_MAX {
            return Err(too_deep());
        }
        let mut sub_options = Vec::new();
        for (&sub_code, sub_value) in options {
            let sub_body = self.whole_body(inner, sub_code, sub_value, definitions, depth + 1)?;
            append_option(&mut sub_options, sub_code, &sub_body);
        }
        let len_max = if depth > 0 || is_vendor { 255 } else { Self::BODY_LEN_MAX };
        let found = if is_vendor { sub_options.len() } else { body.len() + sub_options.len() };
        if found > len_max {
            let (space, code) = (space.into(), u16::from(code));
            return Err(OptionSetError::TooLong { space, code, len_max, found });
        }
        if is_vendor {
            body.push(found as u8);
        }
        body.append(&mut sub_options);
        Ok(body)
    }
}

/// Appends an option with code and length, split when its body is long.
fn append_option(bytes: &mut Vec<u8>, code: u8, body: &[u8]) {
    if body.is_empty() {
        bytes.extend([code, 0]);
    }
    for chunk in body.chunks(255) {
        bytes.extend([code, chunk.len() as u8]);
        bytes.extend_from_slice(chunk);
    }
}

/// The reason why options can not be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionSetError {
    /// The code can not be sent.
    #[error("option code {found} of space '{space}' is not between 1 and 254")]
    Code {
        /// Option space.
        space: Box<str>,
        /// The code.
        found: u16,
    },
    /// Spaces lie in each other too deep, possibly in a circle.
    #[error(
        "option {code} of space '{space}' encapsulates more than {} levels",
        OptionSetBuilder::DEPTH_MAX
    )]
    TooDeep {
        /// Option space.
        space: Box<str>,
        /// Number of the option.
        code: u16,
    },
    /// The body does not fit on the wire.
    #[error("option {code} of space '{space}' has {found} bytes, expected at most {len_max}")]
    TooLong {
        /// Option space.
        space: Box<str>,
        /// Number of the option.
        code: u16,
        /// Most bytes it may have.
        len_max: usize,
        /// Bytes it has.
        found: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::{EncodedOption, OptionFlags, OptionSet, OptionSetBuilder, OptionSetError};
    use crate::definition::{CustomDefinition, CustomShape, Definitions};

    fn builder(values: &[(&str, u16, &[u8])]) -> OptionSetBuilder {
        let mut builder = OptionSetBuilder::new();
        for (space, code, body) in values {
            builder.add(space, *code, body.to_vec(), OptionFlags::default()).unwrap();
        }
        builder
    }

    fn tlv(set: &OptionSet, code: u8) -> Option<&[u8]> {
        set.get(code).map(|option: EncodedOption<'_>| option.tlv())
    }

    #[test]
    fn options_are_found_and_sorted_and_the_first_wins() {
        let mut builder = builder(&[("dhcp4", 200, &[1]), ("dhcp4", 3, &[2]), ("dhcp4", 3, &[9])]);
        let always = OptionFlags { always_send: true, never_send: false };
        builder.add("dhcp4", 64, vec![], always).unwrap();
        let set = builder.build(&Definitions::new()).unwrap();
        assert_eq!(set.iter().map(|option| option.code()).collect::<Vec<_>>(), [3, 64, 200]);
        assert_eq!(tlv(&set, 3), Some(&[3, 1, 2][..]));
        assert_eq!(tlv(&set, 64), Some(&[64, 0][..]));
        assert_eq!((tlv(&set, 4), set.len()), (None, 3));
        assert_eq!(set.always_send_codes().iter().collect::<Vec<_>>(), [64]);
    }

    #[test]
    fn sub_options_follow_their_option() {
        let set = builder(&[
            ("dhcp4", 43, &[]),
            ("vendor-encapsulated-options-space", 2, &[7]),
            ("vendor-encapsulated-options-space", 1, &[8, 9]),
            ("dhcp4", 125, &[0, 0, 0x11, 0x8b]),
            ("vendor-4491", 2, &[10, 0, 0, 1]),
            ("vendor-9", 1, &[1]),
        ])
        .build(&Definitions::new())
        .unwrap();
        assert_eq!(tlv(&set, 43), Some(&[43, 7, 1, 2, 8, 9, 2, 1, 7][..]));
        let expected = [125, 11, 0, 0, 0x11, 0x8b, 6, 2, 4, 10, 0, 0, 1];
        assert_eq!(tlv(&set, 125), Some(&expected[..]));
        assert_eq!(set.vendors().collect::<Vec<_>>(), [9, 4491]);
        assert_eq!(tlv(set.vendor(9).unwrap(), 1), Some(&[1, 1, 1][..]));
        assert!(set.vendor(1).is_none());
    }

    #[test]
    fn long_sets_are_found_as_short_ones_are() {
        assert_eq!((size_of::<OptionSet>(), align_of::<OptionSet>()), (128, 64));
        for body_len in (0..80).chain([254, 255, 256, 4096]) {
            let mut builder = OptionSetBuilder::new();
            let codes = [1, 63, 64, 254];
            let flags = |code| OptionFlags { always_send: code == 63, never_send: code == 254 };
            for code in codes {
                let body = vec![code as u8; if code == 64 { body_len } else { 1 }];
                builder.add("dhcp4", code, body, flags(code)).unwrap();
            }
            let set = builder.build(&Definitions::new()).unwrap();
            for code in codes {
                let option = set.get(code as u8).unwrap();
                let body = option.body().flatten().copied().collect::<Vec<_>>();
                let len = if code == 64 { body_len } else { 1 };
                assert_eq!(body, vec![code as u8; len], "{code} {body_len}");
                assert_eq!(option.code(), code as u8);
                assert_eq!(option.always_send(), code == 63);
                assert_eq!(option.never_send(), code == 254);
            }
            assert_eq!((set.iter().count(), set.clone() == set), (4, true));
        }
    }

    #[test]
    fn spaces_in_a_circle_are_refused() {
        let mut definitions = Definitions::new();
        for (space, inner) in [("dhcp4", "a"), ("a", "b"), ("b", "a")] {
            let shape = CustomShape { encapsulates: inner, ..CustomShape::default() };
            let custom = CustomDefinition::new(space, 224, "own", "empty", shape).unwrap();
            definitions.add(custom).unwrap();
        }
        let chain = builder(&[("dhcp4", 224, &[]), ("a", 224, &[]), ("b", 1, &[5])]);
        let set = chain.build(&definitions).unwrap();
        assert_eq!(tlv(&set, 224), Some(&[224, 5, 224, 3, 1, 1, 5][..]));
        let circle = builder(&[("dhcp4", 224, &[]), ("a", 224, &[]), ("b", 224, &[])]);
        assert!(matches!(circle.build(&definitions), Err(OptionSetError::TooDeep { .. })));
    }

    #[test]
    fn limits_hold_on_both_sides() {
        let mut builder = OptionSetBuilder::new();
        let flags = OptionFlags::default();
        assert!(builder.add("dhcp4", 1, vec![0; 4096], flags).is_ok());
        assert!(builder.add("dhcp4", 2, vec![0; 4097], flags).is_err());
        assert!(builder.add("own", 1, vec![0; 255], flags).is_ok());
        assert!(builder.add("own", 2, vec![0; 256], flags).is_err());
        for code in [0, 255, 256] {
            let error = builder.add("dhcp4", code, vec![], flags).unwrap_err();
            assert!(matches!(error, OptionSetError::Code { found, .. } if found == code));
        }
        assert!(builder.add("dhcp4", 254, vec![], flags).is_ok());
        builder.add("dhcp4", 125, vec![0; 4], flags).unwrap();
        builder.add("vendor-0", 1, vec![0; 255], flags).unwrap();
        let error = builder.build(&Definitions::new()).unwrap_err();
        assert!(matches!(
            error,
            OptionSetError::TooLong { code: 125, len_max: 255, found: 257, .. }
        ));
    }
}
