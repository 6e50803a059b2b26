//! Where the options of a packet lie.
//!
//! One pass over the options notes, for each code, offset and length of its first occurrence. The
//! table belongs to the caller and is reused: starting a packet clears 64 bytes of bit sets, the
//! arrays behind them are only valid where a bit is set. Options that occur more than once (RFC
//! 3396, in the options field, then `file`, then `sname`) are joined into the table's own scratch
//! space in two further passes, so the work stays linear in the size of the packet whatever it
//! holds. Cost: about 2 ns per option.

use crate::OptionCodes;
use crate::v4::view::MalformedError;
use crate::v4::{OPTIONS_OFFSET, code};

const SNAME: (usize, usize) = (44, 108);
const FILE: (usize, usize) = (108, 236);

/// Spans of the options of one packet; reused from packet to packet.
#[derive(Clone, Debug)]
pub struct SpanTable {
    present: OptionCodes,
    repeated: OptionCodes,
    /// Value of option 52 when it is valid, else 0.
    overload: u8,
    /// Offset of the option that reaches past its field; 0 for none.
    truncated_at: u16,
    /// Valid where `present`: first occurrence in the packet.
    first: [Span; 256],
    /// Valid where `repeated`: all occurrences, joined in `scratch`.
    joined: [Span; 256],
    scratch: [u8; SpanTable::SCRATCH_LEN],
}

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    offset: u16,
    len: u16,
}

impl SpanTable {
    /// Bytes that repeated options of one packet may take together.
    pub const SCRATCH_LEN: usize = 4096;

    /// An empty table.
    #[must_use]
    pub const fn new() -> Self {
        const NONE: Span = Span { offset: 0, len: 0 };
        Self {
            present: OptionCodes::EMPTY,
            repeated: OptionCodes::EMPTY,
            overload: 0,
            truncated_at: 0,
            first: [NONE; 256],
            joined: [NONE; 256],
            scratch: [0; Self::SCRATCH_LEN],
        }
    }

    /// Notes the options of `packet`, whose header and cookie were checked and whose length fits in
    /// 16 bits.
    #[inline]
    pub(super) fn fill(&mut self, packet: &[u8]) -> Result<(), MalformedError> {
        self.present.clear();
        self.repeated.clear();
        self.overload = 0;
        self.truncated_at = 0;
        self.note(packet, OPTIONS_OFFSET);
        if self.present.contains(code::OPTION_OVERLOAD) {
            self.note_overloaded(packet);
        }
        if self.repeated.is_empty() { Ok(()) } else { self.join(packet) }
    }

    /// Notes the options of one field, which begins at `start` and ends where `packet` ends.
    #[inline]
    fn note(&mut self, packet: &[u8], start: usize) {
        let mut walk = Walk { packet, at: start };
        while let Some(Fragment { code, offset, len }) = walk.step() {
            if self.present.contains(code) {
                self.repeated.insert(code);
            } else {
                self.present.insert(code);
                self.first[usize::from(code)] = Span { offset: offset as u16, len: len as u16 };
            }
        }
        if self.truncated_at == 0 && walk.is_truncated() {
            self.truncated_at = walk.at as u16;
        }
    }

    #[cold]
    fn note_overloaded(&mut self, packet: &[u8]) {
        let value = self.first_bytes(packet, code::OPTION_OVERLOAD).unwrap_or_default();
        if let &[value @ 1..=3] = value {
            self.overload = value;
            for (start, end) in overloaded_fields(value) {
                self.note(packet.get(..end).unwrap_or_default(), start);
            }
        }
    }

    /// Joins the occurrences of repeated options.
    #[cold]
    fn join(&mut self, packet: &[u8]) -> Result<(), MalformedError> {
        for code in self.repeated {
            self.joined[usize::from(code)] = Span::default();
        }
        // Lengths first, then places, then the bytes.
        for fragment in self.walks(packet).flat_map(Walk::into_fragments) {
            let span = &mut self.joined[usize::from(fragment.code)];
            span.len = span.len.wrapping_add(fragment.len as u16);
        }
        let mut used = 0_usize;
        for code in self.repeated {
            let span = &mut self.joined[usize::from(code)];
            span.offset = used as u16;
            used += usize::from(span.len);
            span.len = 0;
            if used > Self::SCRATCH_LEN {
                return Err(MalformedError::RepeatedOptionsTooLong);
            }
        }
        for Fragment { code, offset, len } in self.walks(packet).flat_map(Walk::into_fragments) {
            if !self.repeated.contains(code) {
                continue;
            }
            let span = &mut self.joined[usize::from(code)];
            let at = usize::from(span.offset) + usize::from(span.len);
            let (from, to) = (packet.get(offset..offset + len), self.scratch.get_mut(at..at + len));
            if let (Some(from), Some(to)) = (from, to) {
                to.copy_from_slice(from);
                span.len += len as u16;
            }
        }
        Ok(())
    }

    /// The fields that hold options, in the order in which RFC 3396 joins them.
    fn walks<'p>(&self, packet: &'p [u8]) -> impl Iterator<Item = Walk<'p>> + use<'p> {
        std::iter::once(Walk { packet, at: OPTIONS_OFFSET }).chain(
            overloaded_fields(self.overload).map(move |(start, end)| Walk {
                packet: packet.get(..end).unwrap_or_default(),
                at: start,
            }),
        )
    }

    /// Codes that occur.
    #[must_use]
    #[inline]
    pub fn present(&self) -> OptionCodes {
        self.present
    }

    /// Codes that occur more than once.
    #[must_use]
    #[inline]
    pub fn repeated(&self) -> OptionCodes {
        self.repeated
    }

    #[inline]
    pub(super) fn truncated_at(&self) -> Option<usize> {
        (self.truncated_at != 0).then_some(usize::from(self.truncated_at))
    }

    #[inline]
    pub(super) fn overload(&self) -> u8 {
        self.overload
    }

    /// Body of the option's first occurrence.
    #[inline]
    pub(super) fn first_bytes<'p>(&self, packet: &'p [u8], code: u8) -> Option<&'p [u8]> {
        if !self.present.contains(code) {
            return None;
        }
        let Span { offset, len } = self.first[usize::from(code)];
        packet.get(usize::from(offset)..usize::from(offset) + usize::from(len))
    }

    /// Body of the option, all occurrences joined.
    #[inline]
    pub(super) fn bytes<'p>(&'p self, packet: &'p [u8], code: u8) -> Option<&'p [u8]> {
        if !self.repeated.contains(code) {
            return self.first_bytes(packet, code);
        }
        let Span { offset, len } = self.joined[usize::from(code)];
        self.scratch.get(usize::from(offset)..usize::from(offset) + usize::from(len))
    }

    /// All occurrences in the order of joining.
    pub(super) fn fragments<'p>(&self, packet: &'p [u8]) -> Fragments<'p> {
        let mut fields = overloaded_fields(self.overload);
        let walk = Walk { packet, at: OPTIONS_OFFSET };
        Fragments { packet, walk, more: [fields.next(), fields.next()] }
    }
}

impl Default for SpanTable {
    fn default() -> Self {
        Self::new()
    }
}

/// Iterator over the options of a packet as they lie in it: code and body, repeated ones
/// repeatedly.
#[derive(Clone, Debug)]
pub struct Fragments<'a> {
    packet: &'a [u8],
    walk: Walk<'a>,
    more: [Option<(usize, usize)>; 2],
}

impl<'a> Iterator for Fragments<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(Fragment { code, offset, len }) = self.walk.step() {
                return Some((code, self.packet.get(offset..offset + len)?));
            }
            let (start, end) = self.more.iter_mut().find_map(Option::take)?;
            self.walk = Walk { packet: self.packet.get(..end)?, at: start };
        }
    }
}

/// One occurrence of an option.
#[derive(Clone, Copy, Debug)]
struct Fragment {
    code: u8,
    offset: usize,
    len: usize,
}

/// Position in a field of options that ends where `packet` ends.
#[derive(Clone, Debug)]
struct Walk<'a> {
    packet: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    /// The next option; `None` at END, at the end of the field and at an option that is cut off.
    #[inline(always)]
    fn step(&mut self) -> Option<Fragment> {
        loop {
            let code = *self.packet.get(self.at)?;
            if code == code::PAD {
                self.at += 1;
                continue;
            }
            if code == code::END {
                return None;
            }
            let offset = self.at + 2;
            let len = usize::from(*self.packet.get(self.at + 1)?);
            if offset + len > self.packet.len() {
                return None;
            }
            self.at = offset + len;
            return Some(Fragment { code, offset, len });
        }
    }

    /// After the last step: true when it stopped at an option that is cut off.
    #[inline]
    fn is_truncated(&self) -> bool {
        self.packet.get(self.at).is_some_and(|code| *code != code::END)
    }

    fn into_fragments(mut self) -> impl Iterator<Item = Fragment> + use<'a> {
        std::iter::from_fn(move || self.step())
    }
}

/// Fields that option 52 declares to hold options: `file` before `sname`.
fn overloaded_fields(overload: u8) -> impl Iterator<Item = (usize, usize)> {
    let file = (overload & 1 != 0).then_some(FILE);
    let sname = (overload & 2 != 0).then_some(SNAME);
    file.into_iter().chain(sname)
}
