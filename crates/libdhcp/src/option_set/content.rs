//! The bytes of an option set, and its vendor spaces.

use super::{CompiledOption, OptionFlags};

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
    pub(super) fn new(before_rows: &[u8], options: &[CompiledOption]) -> Self {
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
