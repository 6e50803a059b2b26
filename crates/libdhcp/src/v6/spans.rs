//! Where the relay messages of a datagram and the options of each message lie.
//!
//! One pass from the outermost message inwards notes code, offset and length of every option. The
//! table belongs to the caller and is reused; starting a packet writes a few words. Both the number
//! of relay messages and the number of options of all messages together are limited, so every later
//! search is. Options inside options are not noted: their users walk them. Cost: about 2 ns per
//! option.

use arrayvec::ArrayVec;

use crate::OptionCodes;
use crate::v6::view::MalformedError;
use crate::v6::{HEADER_LEN, MessageType, RELAY_HEADER_LEN, RELAYS_MAX, code};

/// Spans of the options of one datagram; reused from packet to packet.
#[derive(Clone, Debug)]
pub struct SpanTable {
    /// Outermost first.
    relays: ArrayVec<RelaySpan, RELAYS_MAX>,
    /// Options of the outermost relay message first, of the client's message last.
    options: ArrayVec<Span, { SpanTable::OPTIONS_MAX }>,
    /// Where the client's message begins.
    pub(super) message_at: u16,
    /// Number of options before those of the client's message.
    message_options: u16,
    /// Codes below 256 of the client's message.
    present: OptionCodes,
    /// Offset of the option of the client's message that reaches past the end; 0 for none.
    truncated_at: u16,
}

/// One relay message.
#[derive(Clone, Copy, Debug)]
struct RelaySpan {
    at: u16,
    /// Number of options before its own.
    options: u16,
}

/// One option: where its body lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    code: u16,
    offset: u16,
    len: u16,
}

impl Span {
    #[inline]
    fn body(self, packet: &[u8]) -> Option<&[u8]> {
        packet.get(usize::from(self.offset)..)?.get(..usize::from(self.len))
    }
}

impl SpanTable {
    /// Options that all messages of a datagram may have together.
    pub const OPTIONS_MAX: usize = 512;

    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self {
            relays: ArrayVec::new(),
            options: ArrayVec::new(),
            message_at: 0,
            message_options: 0,
            present: OptionCodes::EMPTY,
            truncated_at: 0,
        }
    }

    /// Notes what is in `packet`, whose length fits in 16 bits; messages of type `relay_type` are
    /// looked into.
    #[inline]
    pub(super) fn fill(
        &mut self,
        packet: &[u8],
        relay_type: MessageType,
    ) -> Result<(), MalformedError> {
        self.relays.clear();
        self.options.clear();
        self.present.clear();
        self.truncated_at = 0;
        let (mut message, mut at) = (packet, 0);
        while message.first() == Some(&(relay_type as u8)) {
            let inner = self.note_relay(message, at)?;
            message =
                packet.get(..inner.end).and_then(|whole| whole.get(inner.at..)).unwrap_or_default();
            at = inner.at;
        }
        let Some((_, options)) = message.split_at_checked(HEADER_LEN) else {
            return Err(MalformedError::TooShort { found: message.len() });
        };
        self.message_at = at as u16;
        self.message_options = self.options.len() as u16;
        let read = self.note_options(options, at + HEADER_LEN)?;
        if read < options.len() {
            self.truncated_at = (at + HEADER_LEN + read) as u16;
        }
        for span in self.options.get(usize::from(self.message_options)..).unwrap_or_default() {
            if let Ok(code) = u8::try_from(span.code) {
                self.present.insert(code);
            }
        }
        Ok(())
    }

    /// Notes the relay message at offset `at` and tells where the message inside lies.
    fn note_relay(&mut self, message: &[u8], at: usize) -> Result<Inner, MalformedError> {
        let level = self.relays.len();
        let first = self.options.len();
        let relay = RelaySpan { at: at as u16, options: first as u16 };
        if self.relays.try_push(relay).is_err() {
            return Err(MalformedError::TooManyRelays);
        }
        let Some((_, options)) = message.split_at_checked(RELAY_HEADER_LEN) else {
            return Err(MalformedError::RelayTooShort { level, found: message.len() });
        };
        let read = self.note_options(options, at + RELAY_HEADER_LEN)?;
        if read < options.len() {
            return Err(MalformedError::RelayCutOff { level });
        }
        let own = self.options.get(first..).unwrap_or_default();
        match own.iter().find(|span| span.code == code::RELAY_MSG) {
            Some(span) => {
                let at = usize::from(span.offset);
                Ok(Inner { at, end: at + usize::from(span.len) })
            }
            None => Err(MalformedError::NoRelayMessage { level }),
        }
    }

    /// Notes the options in `bytes`, which begin at offset `at`; tells how many bytes they take,
    /// which is fewer than there are when a length is a lie.
    #[inline]
    fn note_options(&mut self, bytes: &[u8], at: usize) -> Result<usize, MalformedError> {
        let mut rest = bytes;
        while let Some((&[a, b, c, d], after)) = rest.split_first_chunk() {
            let len = u16::from_be_bytes([c, d]);
            let Some((_, after)) = after.split_at_checked(usize::from(len)) else { break };
            let offset = at + (bytes.len() - rest.len()) + 4;
            let span = Span { code: u16::from_be_bytes([a, b]), offset: offset as u16, len };
            if self.options.try_push(span).is_err() {
                return Err(MalformedError::TooManyOptions);
            }
            rest = after;
        }
        Ok(bytes.len() - rest.len())
    }

    /// Number of relay messages.
    #[must_use]
    #[inline]
    pub fn relay_count(&self) -> usize {
        self.relays.len()
    }

    /// Offset and options of a relay message, 0 being the outermost.
    #[inline]
    pub(super) fn relay(&self, index: usize) -> Option<(usize, &[Span])> {
        let RelaySpan { at, options } = *self.relays.get(index)?;
        let end = self.relays.get(index + 1).map_or(self.message_options, |next| next.options);
        let options = self.options.get(usize::from(options)..usize::from(end))?;
        Some((usize::from(at), options))
    }

    /// Options of the client's message.
    #[inline]
    pub(super) fn message_options(&self) -> &[Span] {
        self.options.get(usize::from(self.message_options)..).unwrap_or_default()
    }

    /// False when the client's message certainly does not have the option.
    #[inline]
    pub(super) fn may_have(&self, code: u16) -> bool {
        u8::try_from(code).map_or(true, |code| self.present.contains(code))
    }

    #[inline]
    pub(super) fn truncated_at(&self) -> Option<usize> {
        (self.truncated_at != 0).then_some(usize::from(self.truncated_at))
    }
}

impl Default for SpanTable {
    fn default() -> Self {
        Self::new()
    }
}

/// Where a message inside another one lies.
struct Inner {
    at: usize,
    end: usize,
}

/// Iterator over the options of one message in their order: code and body.
#[derive(Clone, Debug)]
pub struct OptionSpans<'a> {
    packet: &'a [u8],
    spans: std::slice::Iter<'a, Span>,
}

impl<'a> OptionSpans<'a> {
    #[inline]
    pub(super) fn new(packet: &'a [u8], spans: &'a [Span]) -> Self {
        Self { packet, spans: spans.iter() }
    }

    /// Body of the first option with this code.
    #[inline]
    pub(super) fn first(&mut self, code: u16) -> Option<&'a [u8]> {
        self.spans.find(|span| span.code == code)?.body(self.packet)
    }
}

impl<'a> Iterator for OptionSpans<'a> {
    type Item = (u16, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let span = self.spans.next()?;
        Some((span.code, span.body(self.packet)?))
    }
}
