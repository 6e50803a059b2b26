//! Writes a DHCPv6 datagram at the end of the caller's buffer.
//!
//! Options are appended in the order of the calls. Those that hold others are begun and ended, and
//! their length is set when they end; an answer to a relayed message lies inside relay messages
//! whose lengths are set at the very end. What does not fit is left out whole and reported, so that
//! the datagram is always well formed; a writer that is dropped before it finished takes all of its
//! bytes back. Nothing here allocates once the buffer has grown, and nothing panics.

use std::net::Ipv6Addr;
use std::ops::Range;

use arrayvec::ArrayVec;

use crate::v6::view::View;
use crate::v6::{
    HEADER_LEN, IaKind, MessageType, Options, RELAYS_MAX, Relay, StatusCode, code,
    encode_excluded_prefix,
};
use crate::{EncodedOption6, OptionCodes};

/// A datagram in the making.
#[derive(Debug)]
pub struct Writer<'w> {
    out: &'w mut Vec<u8>,
    /// Where the datagram begins.
    start: usize,
    /// Where it must end.
    end_max: usize,
    /// Where the options of the innermost message begin.
    options_at: usize,
    /// Where the relay message options of the relay messages around it begin.
    wrappers: ArrayVec<usize, RELAYS_MAX>,
    /// Where the options that have not ended begin, outermost first.
    open: ArrayVec<usize, { Writer::OPEN_MAX }>,
    /// Codes below 256 of the options of the innermost message.
    present: OptionCodes,
    is_finished: bool,
}

/// Renewal and rebinding time of an identity association, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IaTimes {
    /// Time until renewal.
    pub t1: u32,
    /// Time until rebinding.
    pub t2: u32,
}

/// Lifetimes of an address or a prefix, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetimes {
    /// Preferred lifetime.
    pub preferred: u32,
    /// Valid lifetime.
    pub valid: u32,
}

/// Fields of a relay message before its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayHeader {
    /// RELAY-FORW or RELAY-REPL.
    pub message_type: MessageType,
    /// Number of relays between this one and the client.
    pub hop_count: u8,
    /// Address that says on which link the client is.
    pub link_address: Ipv6Addr,
    /// Address the message came from or goes to.
    pub peer_address: Ipv6Addr,
}

impl<'w> Writer<'w> {
    /// The longest datagram: what UDP over IPv6 carries.
    pub const LEN_MAX: usize = 65527;
    /// How deep options may lie in each other.
    pub const OPEN_MAX: usize = 8;

    /// Begins the answer to `query` behind what is in `out`, at most `len_max` bytes long: the
    /// transaction id is the query's, and for each RELAY-FORW around the query there is a
    /// RELAY-REPL with the same fields and the relay's options 18 and 135 around the answer.
    ///
    /// # Errors
    /// When not even that fits.
    #[inline]
    pub fn reply(
        out: &'w mut Vec<u8>,
        query: &View<'_>,
        message_type: MessageType,
        len_max: usize,
    ) -> Result<Self, WriteError> {
        let mut writer = Self::new(out, len_max);
        for relay in query.relays() {
            writer.wrap(&relay)?;
        }
        writer.begin_message(message_type, query.transaction_id())?;
        Ok(writer)
    }

    /// Begins a message that is not inside a relay message.
    ///
    /// # Errors
    /// When its header does not fit.
    pub fn message(
        out: &'w mut Vec<u8>,
        message_type: MessageType,
        transaction_id: [u8; 3],
        len_max: usize,
    ) -> Result<Self, WriteError> {
        let mut writer = Self::new(out, len_max);
        writer.begin_message(message_type, transaction_id)?;
        Ok(writer)
    }

    /// Begins a relay message as relays make it; the message inside is to be put as option 9.
    ///
    /// # Errors
    /// When its header does not fit.
    pub fn relay(
        out: &'w mut Vec<u8>,
        header: &RelayHeader,
        len_max: usize,
    ) -> Result<Self, WriteError> {
        let mut writer = Self::new(out, len_max);
        writer.relay_header(header)?;
        writer.options_at = writer.out.len();
        Ok(writer)
    }

    #[inline]
    fn new(out: &'w mut Vec<u8>, len_max: usize) -> Self {
        let start = out.len();
        Self {
            out,
            start,
            end_max: start.saturating_add(len_max.min(Self::LEN_MAX)),
            options_at: start,
            wrappers: ArrayVec::new(),
            open: ArrayVec::new(),
            present: OptionCodes::EMPTY,
            is_finished: false,
        }
    }

    #[inline]
    fn begin_message(
        &mut self,
        message_type: MessageType,
        transaction_id: [u8; 3],
    ) -> Result<(), WriteError> {
        let [a, b, c] = transaction_id;
        let header: [u8; HEADER_LEN] = [message_type as u8, a, b, c];
        self.push(&header)?;
        self.options_at = self.out.len();
        Ok(())
    }

    /// Begins the RELAY-REPL that answers a RELAY-FORW.
    fn wrap(&mut self, relay: &Relay<'_>) -> Result<(), WriteError> {
        self.relay_header(&RelayHeader {
            message_type: MessageType::RelayRepl,
            hop_count: relay.hop_count(),
            link_address: relay.link_address(),
            peer_address: relay.peer_address(),
        })?;
        for code in [code::INTERFACE_ID, code::RELAY_SOURCE_PORT] {
            if let Some(body) = relay.option(code) {
                self.push_option(code, body)?;
            }
        }
        let at = self.out.len();
        self.push_option(code::RELAY_MSG, &[])?;
        self.wrappers.try_push(at).map_err(|_| WriteError::TooDeep)
    }

    fn relay_header(&mut self, header: &RelayHeader) -> Result<(), WriteError> {
        self.push(&[header.message_type as u8, header.hop_count])?;
        self.push(&header.link_address.octets())?;
        self.push(&header.peer_address.octets())
    }

    /// Appends an option.
    ///
    /// # Errors
    /// When it does not fit.
    #[inline]
    pub fn put_option(&mut self, code: u16, body: &[u8]) -> Result<(), WriteError> {
        self.push_option(code, body)?;
        self.note(code);
        Ok(())
    }

    /// Appends an option of one byte.
    ///
    /// # Errors
    /// When it does not fit.
    #[inline]
    pub fn put_u8(&mut self, code: u16, value: u8) -> Result<(), WriteError> {
        self.put_option(code, &[value])
    }

    /// Appends an option of two bytes.
    ///
    /// # Errors
    /// When it does not fit.
    #[inline]
    pub fn put_u16(&mut self, code: u16, value: u16) -> Result<(), WriteError> {
        self.put_option(code, &value.to_be_bytes())
    }

    /// Appends an option that is a 32-bit number.
    ///
    /// # Errors
    /// When it does not fit.
    #[inline]
    pub fn put_u32(&mut self, code: u16, value: u32) -> Result<(), WriteError> {
        self.put_option(code, &value.to_be_bytes())
    }

    /// Appends an option that is one address.
    ///
    /// # Errors
    /// When it does not fit.
    #[inline]
    pub fn put_address(&mut self, code: u16, address: Ipv6Addr) -> Result<(), WriteError> {
        self.put_option(code, &address.octets())
    }

    /// Appends a configured option.
    ///
    /// # Errors
    /// When it does not fit.
    #[inline]
    pub fn put_encoded(&mut self, option: EncodedOption6<'_>) -> Result<(), WriteError> {
        self.push(option.tlv())?;
        self.note(option.code());
        Ok(())
    }

    /// Appends a status code (13) with its text.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn put_status(&mut self, status: StatusCode, text: &str) -> Result<(), WriteError> {
        self.begin_with(code::STATUS_CODE, &[&(status as u16).to_be_bytes(), text.as_bytes()])?;
        self.end_option();
        Ok(())
    }

    /// Appends an address to the identity association that is open.
    ///
    /// # Errors
    /// When it does not fit.
    #[inline]
    pub fn put_ia_address(
        &mut self,
        address: Ipv6Addr,
        lifetimes: Lifetimes,
    ) -> Result<(), WriteError> {
        self.begin_ia_address(address, lifetimes)?;
        self.end_option();
        Ok(())
    }

    /// Appends a prefix to the identity association that is open.
    ///
    /// # Errors
    /// When it does not fit.
    #[inline]
    pub fn put_ia_prefix(
        &mut self,
        prefix: Ipv6Addr,
        len: u8,
        lifetimes: Lifetimes,
    ) -> Result<(), WriteError> {
        self.begin_ia_prefix(prefix, len, lifetimes)?;
        self.end_option();
        Ok(())
    }

    /// Appends option 67 to the open prefix, whose length is `outer_len`: the client must not use
    /// that part of it. Nothing is written when the part is not smaller than the prefix.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn put_excluded_prefix(
        &mut self,
        outer_len: u8,
        prefix: Ipv6Addr,
        len: u8,
    ) -> Result<(), WriteError> {
        match encode_excluded_prefix(outer_len, prefix, len) {
            Some((body, used)) => {
                self.put_option(code::PD_EXCLUDE, body.get(..used).unwrap_or_default())
            }
            None => Ok(()),
        }
    }

    /// Begins an option; what is put until [`Self::end_option`] is its body.
    ///
    /// # Errors
    /// When not even its header fits, or options lie in each other too deep.
    #[inline]
    pub fn begin_option(&mut self, code: u16) -> Result<(), WriteError> {
        self.begin_with(code, &[])
    }

    /// Begins an identity association; one for temporary addresses has no times.
    ///
    /// # Errors
    /// When its fixed fields do not fit.
    #[inline]
    pub fn begin_ia(&mut self, kind: IaKind, iaid: u32, times: IaTimes) -> Result<(), WriteError> {
        let (iaid, times) = (iaid.to_be_bytes(), times.to_bytes());
        let times = if kind == IaKind::Ta { &[][..] } else { &times };
        self.begin_with(kind.code(), &[&iaid, times])
    }

    /// Begins an address of the identity association that is open.
    ///
    /// # Errors
    /// When its fixed fields do not fit.
    #[inline]
    pub fn begin_ia_address(
        &mut self,
        address: Ipv6Addr,
        lifetimes: Lifetimes,
    ) -> Result<(), WriteError> {
        self.begin_with(code::IAADDR, &[&address.octets(), &lifetimes.to_bytes()])
    }

    /// Begins a prefix of the identity association that is open.
    ///
    /// # Errors
    /// When its fixed fields do not fit.
    #[inline]
    pub fn begin_ia_prefix(
        &mut self,
        prefix: Ipv6Addr,
        len: u8,
        lifetimes: Lifetimes,
    ) -> Result<(), WriteError> {
        self.begin_with(code::IAPREFIX, &[&lifetimes.to_bytes(), &[len], &prefix.octets()])
    }

    /// Begins an instance of option 17; what is put until [`Self::end_option`] are options of that
    /// vendor.
    ///
    /// # Errors
    /// When its fixed field does not fit.
    pub fn begin_vendor_options(&mut self, enterprise: u32) -> Result<(), WriteError> {
        self.begin_with(code::VENDOR_OPTS, &[&enterprise.to_be_bytes()])
    }

    /// Appends bytes as they are to the option that is open.
    ///
    /// # Errors
    /// When they do not fit, or no option is open.
    #[inline]
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        if self.open.is_empty() { Err(WriteError::NotOpen) } else { self.push(bytes) }
    }

    /// Gives the open identity association for addresses or prefixes new times.
    ///
    /// # Errors
    /// When no such association is open, or an option in it is.
    pub fn set_ia_times(&mut self, times: IaTimes) -> Result<(), WriteError> {
        const TIMES_AT: usize = 8;
        let ia = self.open.last().and_then(|at| self.out.get_mut(*at..));
        let Some(ia) = ia else { return Err(WriteError::NotOpen) };
        let code = ia.first_chunk().map(|code| u16::from_be_bytes(*code));
        let fields = ia.get_mut(TIMES_AT..).and_then(<[u8]>::first_chunk_mut);
        match (code, fields) {
            (Some(code::IA_NA | code::IA_PD), Some(fields)) => {
                *fields = times.to_bytes();
                Ok(())
            }
            _ => Err(WriteError::NotOpen),
        }
    }

    /// Ends the option that was begun last.
    #[inline]
    pub fn end_option(&mut self) {
        if let Some(at) = self.open.pop() {
            self.set_len(at);
        }
    }

    /// Takes the option that was begun last out again, with everything in it.
    pub fn cancel_option(&mut self) {
        let Some(at) = self.open.pop() else { return };
        let code = self.code_at(at);
        self.out.truncate(at);
        if let Some(code) = code.filter(|_| self.open.is_empty())
            && let Ok(short) = u8::try_from(code)
            && self.closed_options().option(code).is_none()
        {
            self.present.remove(short);
        }
    }

    /// True when the innermost message has the option; options inside options do not count.
    #[must_use]
    #[inline]
    pub fn contains(&self, code: u16) -> bool {
        match u8::try_from(code) {
            Ok(code) => self.present.contains(code),
            Err(_) => {
                let is_open = self.open.first().and_then(|at| self.code_at(*at)) == Some(code);
                is_open || self.closed_options().option(code).is_some()
            }
        }
    }

    /// Bytes written so far.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.out.len() - self.start
    }

    /// True when nothing was written, which no constructor leaves.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that are left.
    #[must_use]
    #[inline]
    pub fn remaining(&self) -> usize {
        self.end_max.saturating_sub(self.out.len())
    }

    /// Ends all options that are open and the relay messages, and tells where the datagram lies in
    /// the buffer.
    #[inline]
    pub fn finish(mut self) -> Range<usize> {
        while let Some(at) = self.open.pop() {
            self.set_len(at);
        }
        while let Some(at) = self.wrappers.pop() {
            self.set_len(at);
        }
        self.is_finished = true;
        self.start..self.out.len()
    }

    /// Begins an option whose body begins with these parts; without effect when they do not fit.
    #[inline]
    fn begin_with(&mut self, code: u16, parts: &[&[u8]]) -> Result<(), WriteError> {
        let at = self.out.len();
        if self.open.is_full() {
            return Err(WriteError::TooDeep);
        }
        let needed = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
        self.check_room(needed)?;
        self.out.extend_from_slice(&header(code, 0));
        for part in parts {
            self.out.extend_from_slice(part);
        }
        self.note(code);
        self.open.try_push(at).map_err(|_| WriteError::TooDeep)
    }

    #[inline]
    fn push_option(&mut self, code: u16, body: &[u8]) -> Result<(), WriteError> {
        let found = body.len();
        let len = u16::try_from(found).map_err(|_| WriteError::BodyTooLong { code, found })?;
        self.check_room(4 + found)?;
        self.out.extend_from_slice(&header(code, len));
        self.out.extend_from_slice(body);
        Ok(())
    }

    #[inline]
    fn push(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        self.check_room(bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    fn check_room(&self, needed: usize) -> Result<(), WriteError> {
        if needed <= self.remaining() {
            return Ok(());
        }
        let (needed, len_max) = (self.len() + needed, self.end_max - self.start);
        Err(WriteError::DoesNotFit { needed, len_max })
    }

    /// Remembers an option of the innermost message.
    #[inline]
    fn note(&mut self, code: u16) {
        if let Ok(code) = u8::try_from(code)
            && self.open.is_empty()
        {
            self.present.insert(code);
        }
    }

    /// Sets the length of the option that begins at `at` and ends at the end. It fits in 16 bits
    /// because the datagram does.
    #[inline]
    fn set_len(&mut self, at: usize) {
        let len = self.out.len().saturating_sub(at + 4) as u16;
        if let Some(field) = self.out.get_mut(at + 2..).and_then(<[u8]>::first_chunk_mut) {
            *field = len.to_be_bytes();
        }
    }

    fn code_at(&self, at: usize) -> Option<u16> {
        self.out.get(at..)?.first_chunk().map(|code| u16::from_be_bytes(*code))
    }

    /// The options of the innermost message that have ended.
    fn closed_options(&self) -> Options<'_> {
        let end = self.open.first().copied().unwrap_or(self.out.len());
        Options::new(self.out.get(self.options_at..end).unwrap_or_default())
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            self.out.truncate(self.start);
        }
    }
}

impl IaTimes {
    #[inline]
    fn to_bytes(self) -> [u8; 8] {
        pair(self.t1, self.t2)
    }
}

impl Lifetimes {
    #[inline]
    fn to_bytes(self) -> [u8; 8] {
        pair(self.preferred, self.valid)
    }
}

#[inline]
fn pair(first: u32, second: u32) -> [u8; 8] {
    (u64::from(first) << 32 | u64::from(second)).to_be_bytes()
}

#[inline]
fn header(code: u16, len: u16) -> [u8; 4] {
    (u32::from(code) << 16 | u32::from(len)).to_be_bytes()
}

/// The reason why something can not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// Longer than the length of an option can say.
    #[error("option {code} has {found} bytes, expected at most 65535")]
    BodyTooLong {
        /// Number of the option.
        code: u16,
        /// Bytes it has.
        found: usize,
    },
    /// The datagram would become too long.
    #[error("message would have {needed} bytes, expected at most {len_max}")]
    DoesNotFit {
        /// Bytes the datagram would have.
        needed: usize,
        /// Bytes it may have.
        len_max: usize,
    },
    /// There is no option to write into.
    #[error("no option is open that this belongs to")]
    NotOpen,
    /// Options lie in each other too deep.
    #[error("options lie in each other more than {} deep", Writer::OPEN_MAX)]
    TooDeep,
}
