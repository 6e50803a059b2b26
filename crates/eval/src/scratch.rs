//! Memory for the values that an evaluation makes.
//!
//! Most values lie in the packet or in the program and are only pointed at. What functions make
//! (joined strings, changed case, texts) is written one behind the other into the worker's
//! [`Scratch`] and forgotten when the next evaluation starts.

use std::fmt;
use std::ops::Range;

use crate::program::EvalError;

/// Memory for the values of one evaluation; belongs to a worker and is reused.
#[derive(Clone)]
pub struct Scratch {
    bytes: Box<[u8]>,
    used: usize,
}

impl Scratch {
    /// Most bytes that the values made by one evaluation may have together.
    pub const LEN: usize = 64 * 1024;

    /// Allocates the memory.
    #[must_use]
    pub fn new() -> Self {
        Self { bytes: vec![0; Self::LEN].into_boxed_slice(), used: 0 }
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        self.used = 0;
    }

    /// Lets `write` make a value out of earlier ones, which it gets as its first argument.
    pub(crate) fn make<'p>(
        &mut self,
        write: impl FnOnce(&[u8], &mut Cursor<'_>) -> Result<(), EvalError>,
    ) -> Result<Slice<'p>, EvalError> {
        let start = self.used;
        let (earlier, free) = self.bytes.split_at_mut(start);
        let mut cursor = Cursor { free, len: 0 };
        write(earlier, &mut cursor)?;
        self.used += cursor.len;
        Ok(Slice::Made { start: start as u32, end: self.used as u32 })
    }

    /// The bytes of a value.
    #[inline]
    pub(crate) fn bytes<'s>(&'s self, slice: Slice<'s>) -> &'s [u8] {
        slice.bytes(&self.bytes)
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scratch {{ used: {} of {} }}", self.used, self.bytes.len())
    }
}

/// The value that is being made.
pub(crate) struct Cursor<'s> {
    free: &'s mut [u8],
    len: usize,
}

impl Cursor<'_> {
    /// Appends bytes to the value.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), EvalError> {
        let end = self.len + bytes.len();
        let room = self.free.get_mut(self.len..end).ok_or(EvalError::NoRoom)?;
        room.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// What has been written so far.
    pub(crate) fn written(&mut self) -> &mut [u8] {
        self.free.get_mut(..self.len).unwrap_or_default()
    }
}

impl fmt::Write for Cursor<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

/// A value: where its bytes lie.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Slice<'p> {
    /// In the packet or in the program.
    Lent(&'p [u8]),
    /// In the scratch memory.
    Made { start: u32, end: u32 },
}

impl<'p> Slice<'p> {
    pub(crate) const EMPTY: Self = Self::Lent(&[]);

    #[inline]
    pub(crate) fn bytes<'s>(self, made: &'s [u8]) -> &'s [u8]
    where
        'p: 's,
    {
        match self {
            Self::Lent(bytes) => bytes,
            Self::Made { start, end } => made.get(start as usize..end as usize).unwrap_or_default(),
        }
    }

    /// A part of the value; nothing when the range is not inside.
    pub(crate) fn part(self, range: Range<usize>) -> Self {
        match self {
            Self::Lent(bytes) => Self::Lent(bytes.get(range).unwrap_or_default()),
            Self::Made { start, end } => {
                let len = (end - start) as usize;
                let (from, to) = (range.start.min(len), range.end.min(len));
                Self::Made { start: start + from as u32, end: start + from.max(to) as u32 }
            }
        }
    }
}
