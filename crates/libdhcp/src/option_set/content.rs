//! The bytes of an option set, and beside them what few sets have: vendor spaces, flags, entries for
//! client classes.

use super::{CompiledOption, EncodedOption, OptionFlags};

/// What stands before the rows, a [`Row`] for each option and one behind the last, then what the
/// options send, one after the other. Up to `N` bytes lie in the set itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Content<const N: usize> {
    /// The bytes behind the length are 0.
    Short {
        len: u8,
        bytes: [u8; N],
    },
    Long(Box<[u8]>),
}

impl<const N: usize> Content<N> {
    pub(super) fn new(before_rows: &[u8], options: &[&CompiledOption]) -> Self {
        let start = before_rows.len() + Row::LEN * (options.len() + 1);
        let (mut content, mut tlvs) = (before_rows.to_vec(), Vec::new());
        for option in options {
            content.extend(Row::new(start + tlvs.len(), option.flags).0.to_le_bytes());
            tlvs.extend_from_slice(&option.tlv);
        }
        content.extend(Row::new(start + tlvs.len(), OptionFlags::default()).0.to_le_bytes());
        content.append(&mut tlvs);
        let mut bytes = [0; N];
        match bytes.get_mut(..content.len()) {
            Some(short) => {
                short.copy_from_slice(&content);
                Self::Short { len: content.len() as u8, bytes }
            }
            None => Self::Long(content.into()),
        }
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Self::Long(bytes) => bytes,
        }
    }

    /// Flags and bytes of the option of a row; the rows begin at `rows_at`.
    #[inline]
    pub(super) fn option(&self, rows_at: usize, index: usize) -> Option<(OptionFlags, &[u8])> {
        let bytes = self.bytes();
        let row = Row::read(bytes, rows_at + index * Row::LEN)?;
        let end = Row::read(bytes, rows_at + (index + 1) * Row::LEN)?.start();
        Some((row.flags(), bytes.get(row.start()..end)?))
    }
}

impl<const N: usize> Default for Content<N> {
    fn default() -> Self {
        Self::Short { len: 0, bytes: [0; N] }
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
    fn read(content: &[u8], at: usize) -> Option<Self> {
        let bytes = content.get(at..)?.first_chunk()?;
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

/// The parts of a set that most sets do not have. `K` is the family's set of codes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Rare<S, K> {
    vendors: Vendors<S>,
    /// Codes with an entry that is sent unasked.
    pub(super) always_send: K,
    /// Codes with an entry that forbids sending.
    pub(super) never_send: K,
    /// Codes of `further`.
    pub(super) further_codes: K,
    further: Box<[Further]>,
}

/// An entry that is not the one for all clients: it is for certain classes, or another enterprise.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Further {
    code: u16,
    flags: OptionFlags,
    classes: Box<[u32]>,
    tlv: Box<[u8]>,
}

impl<S, K> Rare<S, K> {
    /// Divides options, which ascend by code: for each code the first entry for all clients, and
    /// what is left. `codes` makes the family's set of the codes of some options.
    pub(super) fn divide(
        options: &[CompiledOption],
        vendors: Vendors<S>,
        codes: impl Fn(&mut dyn Iterator<Item = u16>) -> K,
    ) -> (Vec<&CompiledOption>, Option<Box<Self>>) {
        let (mut common, mut further) = (Vec::<&CompiledOption>::new(), Vec::new());
        for option in options {
            let is_common = option.classes.is_empty()
                && common.last().is_none_or(|last| last.code != option.code);
            if is_common {
                common.push(option);
            } else {
                further.push(Further {
                    code: option.code,
                    flags: option.flags,
                    classes: option.classes.clone(),
                    tlv: option.tlv.as_slice().into(),
                });
            }
        }
        let of = |is_meant: fn(&OptionFlags) -> bool| {
            codes(&mut options.iter().filter(|option| is_meant(&option.flags)).map(|o| o.code))
        };
        let no_flags = options.iter().all(|option| option.flags == OptionFlags::default());
        if no_flags && further.is_empty() && vendors.is_empty() {
            return (common, None);
        }
        let rare = Self {
            vendors,
            always_send: of(|flags| flags.always_send),
            never_send: of(|flags| flags.never_send),
            further_codes: codes(&mut further.iter().map(|entry| entry.code)),
            further: further.into(),
        };
        (common, Some(Box::new(rare)))
    }

    #[inline]
    pub(super) fn vendors(&self) -> &Vendors<S> {
        &self.vendors
    }

    #[inline]
    pub(super) fn has_further(&self) -> bool {
        !self.further.is_empty()
    }

    /// The entries of a code for clients of certain classes, as far as the client is in one of
    /// them, in the order of the configuration.
    pub(super) fn tagged_for<C>(
        &self,
        code: C,
        is_member: impl Fn(u32) -> bool,
    ) -> impl Iterator<Item = EncodedOption<'_, C>>
    where
        C: Copy + Into<u16>,
    {
        let is_allowed =
            move |entry: &&Further| entry.classes.iter().any(|class| is_member(*class));
        self.further_of(code.into()).filter(is_allowed).map(move |entry| entry.encoded(code))
    }

    /// The entries of a code for all clients that have another enterprise number than the first.
    pub(super) fn untagged<C>(&self, code: C) -> impl Iterator<Item = EncodedOption<'_, C>>
    where
        C: Copy + Into<u16>,
    {
        let entries = self.further_of(code.into()).filter(|entry| entry.classes.is_empty());
        entries.map(move |entry| entry.encoded(code))
    }

    fn further_of(&self, code: u16) -> impl Iterator<Item = &Further> {
        let start = self.further.partition_point(|entry| entry.code < code);
        self.further.iter().skip(start).take_while(move |entry| entry.code == code)
    }
}

impl Further {
    fn encoded<C>(&self, code: C) -> EncodedOption<'_, C> {
        EncodedOption { code, flags: self.flags, tlv: &self.tlv }
    }
}

/// The options of vendor spaces, ascending by enterprise number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Vendors<S>(Box<[(u32, S)]>);

impl<S> Vendors<S> {
    pub(super) fn new(mut vendors: Vec<(u32, S)>) -> Self {
        vendors.sort_by_key(|(enterprise, _)| *enterprise);
        Self(vendors.into())
    }

    #[inline]
    pub(super) fn of(&self, enterprise: u32) -> Option<&S> {
        self.0.iter().find(|(number, _)| *number == enterprise).map(|(_, set)| set)
    }

    pub(super) fn enterprises(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|(number, _)| *number)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<S> Default for Vendors<S> {
    fn default() -> Self {
        Self(Box::default())
    }
}
