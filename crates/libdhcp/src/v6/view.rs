//! A received DHCPv6 datagram, checked and borrowed.
//!
//! [`View::parse`] takes the relay messages off, verifies what each of them must have and lets the
//! [`SpanTable`] note the options. Nothing is copied. Bodies of options are not judged here: the
//! typed accessors do that at the moment of use. A client's list of options that is cut off counts
//! up to the cut, as in Kea; a relay's that is cut off makes the datagram unusable, because the
//! client's message could be anywhere.

use crate::v6::spans::{OptionSpans, SpanTable};
use crate::v6::{HEADER_LEN, MessageType, RELAYS_MAX, Relay, Relays};

/// A checked view of a datagram's bytes.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    header: &'a [u8; HEADER_LEN],
    pub(super) bytes: &'a [u8],
    pub(super) spans: &'a SpanTable,
}

impl<'a> View<'a> {
    /// Checks a datagram as a server or relay gets it and notes its options in `spans`, whose
    /// former content is forgotten. RELAY-FORW messages are taken off; a RELAY-REPL is a message of
    /// that type and nothing more.
    ///
    /// # Errors
    /// Says what makes the datagram unusable as a DHCPv6 message.
    #[inline]
    pub fn parse(bytes: &'a [u8], spans: &'a mut SpanTable) -> Result<Self, MalformedError> {
        Self::parse_within(bytes, spans, MessageType::RelayForw)
    }

    /// Checks a datagram as a relay or client gets it: RELAY-REPL messages are taken off.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_reply(bytes: &'a [u8], spans: &'a mut SpanTable) -> Result<Self, MalformedError> {
        Self::parse_within(bytes, spans, MessageType::RelayRepl)
    }

    #[inline]
    fn parse_within(
        bytes: &'a [u8],
        spans: &'a mut SpanTable,
        relay_type: MessageType,
    ) -> Result<Self, MalformedError> {
        if bytes.len() > usize::from(u16::MAX) {
            return Err(MalformedError::TooLong { found: bytes.len() });
        }
        spans.fill(bytes, relay_type)?;
        let message = bytes.get(usize::from(spans.message_at)..).unwrap_or_default();
        let Some(header) = message.first_chunk() else {
            return Err(MalformedError::TooShort { found: message.len() });
        };
        Ok(Self { header, bytes, spans })
    }

    /// The whole datagram.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Number of the client's message type.
    #[must_use]
    #[inline]
    pub fn raw_message_type(&self) -> u8 {
        self.header[0]
    }

    /// The client's message type, when its number stands for one.
    #[must_use]
    #[inline]
    pub fn message_type(&self) -> Option<MessageType> {
        MessageType::from_u8(self.raw_message_type())
    }

    /// Transaction id; of messages between DHCPv4 and DHCPv6 (RFC 7341) these are the flags.
    #[must_use]
    #[inline]
    pub fn transaction_id(&self) -> [u8; 3] {
        [self.header[1], self.header[2], self.header[3]]
    }

    /// True when the message came through a relay.
    #[must_use]
    #[inline]
    pub fn is_relayed(&self) -> bool {
        self.spans.relay_count() > 0
    }

    /// Number of relay messages around the client's.
    #[must_use]
    #[inline]
    pub fn relay_count(&self) -> usize {
        self.spans.relay_count()
    }

    /// A relay message, 0 being the outermost, which the relay nearest the server made.
    #[must_use]
    #[inline]
    pub fn relay(&self, index: usize) -> Option<Relay<'a>> {
        Relay::new(self.bytes, self.spans, index)
    }

    /// The relay messages from the one nearest the server to the one nearest the client.
    #[must_use]
    #[inline]
    pub fn relays(&self) -> Relays<'a> {
        Relays::new(self.bytes, self.spans)
    }

    /// The innermost relay message.
    #[must_use]
    #[inline]
    pub fn nearest_client_relay(&self) -> Option<Relay<'a>> {
        self.relay(self.relay_count().checked_sub(1)?)
    }

    /// Body of the first option with this code in the client's message.
    #[must_use]
    #[inline]
    pub fn option(&self, code: u16) -> Option<&'a [u8]> {
        if self.spans.may_have(code) { self.all_options().first(code) } else { None }
    }

    /// Bodies of all options with this code in the client's message, in their order.
    #[inline]
    pub fn options(&self, code: u16) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let all = self.all_options();
        all.filter(move |(found, _)| *found == code).map(|(_, body)| body)
    }

    /// True when the client's message has the option.
    #[must_use]
    #[inline]
    pub fn has_option(&self, code: u16) -> bool {
        self.option(code).is_some()
    }

    /// Number of options with this code in the client's message.
    #[must_use]
    #[inline]
    pub fn count(&self, code: u16) -> usize {
        if self.spans.may_have(code) { self.options(code).count() } else { 0 }
    }

    /// All options of the client's message in their order.
    #[must_use]
    #[inline]
    pub fn all_options(&self) -> OptionSpans<'a> {
        OptionSpans::new(self.bytes, self.spans.message_options())
    }

    /// Offset in the datagram of the option that reaches past the end of the client's message, where
    /// reading stopped.
    #[must_use]
    #[inline]
    pub fn truncated_at(&self) -> Option<usize> {
        self.spans.truncated_at()
    }

    /// True when the client's list of options is cut off.
    #[must_use]
    #[inline]
    pub fn is_truncated(&self) -> bool {
        self.truncated_at().is_some()
    }
}

/// The reason why a datagram is no DHCPv6 message. Levels count relay messages from the outermost,
/// which is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedError {
    /// A relay message without a message inside.
    #[error("relay message {level} has no relay message option")]
    NoRelayMessage {
        /// Which relay message.
        level: usize,
    },
    /// An option of a relay message reaches past its end.
    #[error("options of relay message {level} are cut off")]
    RelayCutOff {
        /// Which relay message.
        level: usize,
    },
    /// A relay message shorter than its header.
    #[error("relay message {level} has {found} bytes, its header alone has 34")]
    RelayTooShort {
        /// Which relay message.
        level: usize,
        /// Its length.
        found: usize,
    },
    /// Longer than a UDP datagram can be.
    #[error("packet has {found} bytes, expected at most 65535")]
    TooLong {
        /// Length of the datagram.
        found: usize,
    },
    /// More options than any client or relay needs.
    #[error("packet has more than {} options", SpanTable::OPTIONS_MAX)]
    TooManyOptions,
    /// Relay messages are nested too deep.
    #[error("too many relays, expected at most {RELAYS_MAX}")]
    TooManyRelays,
    /// The client's message is shorter than its header.
    #[error("message has {found} bytes, its header alone has 4")]
    TooShort {
        /// Length of the message.
        found: usize,
    },
}
