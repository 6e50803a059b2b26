//! Writes a DHCPv4 packet into the caller's buffer.
//!
//! The buffer's length is the limit of the packet. Options are appended in the order of the calls
//! (servers collect them in an [`OptionSink`] first, which sorts and weighs them); bodies over 255
//! bytes are split as RFC 3396 says. Room for END is set aside from the start. An option that does
//! not fit is left out whole and remembered, so that the packet is always well formed. Nothing here
//! allocates or panics.

use std::net::Ipv4Addr;

use crate::v4::message_type::MessageType;
use crate::v4::sink::{Body, OptionSink};
use crate::v4::view::View;
use crate::v4::{
    BOOTREPLY, BOOTREQUEST, FLAG_BROADCAST, HEADER_LEN, MAGIC_COOKIE, OPTIONS_OFFSET, code,
};
use crate::{EncodedOption, HardwareAddress, OptionCodes};

/// A packet in the making.
#[derive(Debug)]
pub struct Builder<'b> {
    header: &'b mut [u8; OPTIONS_OFFSET],
    options: &'b mut [u8],
    /// Bytes of options written so far.
    at: usize,
    /// Bytes of options that fit; one byte for END lies behind.
    limit: usize,
    present: OptionCodes,
    dropped: OptionCodes,
}

impl<'b> Builder<'b> {
    /// Begins the answer to `query`: `xid`, `flags`, `hops`, `giaddr` and hardware address are the
    /// query's, all other header fields are zero. The message type is not written; it is an option
    /// like the others.
    ///
    /// # Errors
    /// When the buffer can not even hold the header.
    #[inline]
    pub fn reply(buffer: &'b mut [u8], query: &View<'_>) -> Result<Self, BuildError> {
        let builder = Self::with_op(buffer, BOOTREPLY)?;
        let (to, from) = (&mut *builder.header, query.header);
        to[1] = from[1];
        to[2] = query.hlen();
        to[3] = from[3];
        to[4..8].copy_from_slice(&from[4..8]);
        to[10..12].copy_from_slice(&from[10..12]);
        to[24..28].copy_from_slice(&from[24..28]);
        // All 16 bytes, so that the copy has a fixed size; those behind hlen belong to the client
        // anyway.
        to[28..44].copy_from_slice(&from[28..44]);
        Ok(builder)
    }

    /// Begins a message as a client sends it, with its message type as first option.
    ///
    /// # Errors
    /// When the buffer is too small.
    pub fn request(
        buffer: &'b mut [u8],
        message_type: MessageType,
        xid: u32,
        client: HardwareAddress,
    ) -> Result<Self, BuildError> {
        let mut builder = Self::with_op(buffer, BOOTREQUEST)?;
        builder.set_xid(xid);
        builder.set_hardware_address(client);
        builder.option_u8(code::MESSAGE_TYPE, message_type as u8)?;
        Ok(builder)
    }

    #[inline]
    pub(super) fn with_op(buffer: &'b mut [u8], op: u8) -> Result<Self, BuildError> {
        let found = buffer.len();
        let Some((header, options)) = buffer.split_first_chunk_mut::<OPTIONS_OFFSET>() else {
            return Err(BuildError::BufferTooSmall { found });
        };
        let Some(limit) = options.len().checked_sub(1) else {
            return Err(BuildError::BufferTooSmall { found });
        };
        header.fill(0);
        header[0] = op;
        header[HEADER_LEN..].copy_from_slice(&MAGIC_COOKIE);
        let (present, dropped) = (OptionCodes::EMPTY, OptionCodes::EMPTY);
        Ok(Self { header, options, at: 0, limit, present, dropped })
    }

    /// Sets `ciaddr`.
    #[inline]
    pub fn set_ciaddr(&mut self, address: Ipv4Addr) {
        self.header[12..16].copy_from_slice(&address.octets());
    }

    /// Sets `yiaddr`.
    #[inline]
    pub fn set_yiaddr(&mut self, address: Ipv4Addr) {
        self.header[16..20].copy_from_slice(&address.octets());
    }

    /// Sets `siaddr`.
    #[inline]
    pub fn set_siaddr(&mut self, address: Ipv4Addr) {
        self.header[20..24].copy_from_slice(&address.octets());
    }

    /// Sets `giaddr`.
    #[inline]
    pub fn set_giaddr(&mut self, address: Ipv4Addr) {
        self.header[24..28].copy_from_slice(&address.octets());
    }

    /// Sets `xid`.
    #[inline]
    pub fn set_xid(&mut self, xid: u32) {
        self.header[4..8].copy_from_slice(&xid.to_be_bytes());
    }

    /// Sets `hops`.
    #[inline]
    pub fn set_hops(&mut self, hops: u8) {
        self.header[3] = hops;
    }

    /// Sets `secs`.
    #[inline]
    pub fn set_secs(&mut self, secs: u16) {
        self.header[8..10].copy_from_slice(&secs.to_be_bytes());
    }

    /// Sets `flags`.
    #[inline]
    pub fn set_flags(&mut self, flags: u16) {
        self.header[10..12].copy_from_slice(&flags.to_be_bytes());
    }

    /// Sets or clears the broadcast bit.
    #[inline]
    pub fn set_broadcast(&mut self, on: bool) {
        let flags = u16::from_be_bytes([self.header[10], self.header[11]]);
        self.set_flags(if on { flags | FLAG_BROADCAST } else { flags & !FLAG_BROADCAST });
    }

    /// Sets `htype`, `hlen` and `chaddr`; of a longer address the first 16 bytes.
    pub fn set_hardware_address(&mut self, address: HardwareAddress) {
        let bytes = address.bytes();
        let bytes = bytes.get(..16).unwrap_or(bytes);
        self.header[1] = u8::try_from(address.htype()).unwrap_or(0);
        self.header[2] = bytes.len() as u8;
        fill_field(&mut self.header[28..44], bytes);
    }

    /// Sets `sname`, cut to 64 bytes.
    pub fn set_sname(&mut self, name: &[u8]) {
        fill_field(&mut self.header[44..108], name);
    }

    /// Sets `file`, cut to 128 bytes.
    pub fn set_file(&mut self, name: &[u8]) {
        fill_field(&mut self.header[108..HEADER_LEN], name);
    }

    /// Appends an option, split when it is longer than 255 bytes.
    ///
    /// # Errors
    /// When it does not fit (then it is remembered as dropped) or when `code` is PAD or END.
    #[inline]
    pub fn option(&mut self, code: u8, body: &[u8]) -> Result<(), BuildError> {
        if matches!(code, code::PAD | code::END) {
            return Err(BuildError::ReservedCode { code });
        }
        let len = encoded_len(body.len());
        let Some(to) = self.take(code, len) else { return Err(self.drop_option(code)) };
        write_body(to, code, body);
        Ok(())
    }

    /// Appends an option of one byte.
    ///
    /// # Errors
    /// As [`Self::option`].
    #[inline]
    pub fn option_u8(&mut self, code: u8, value: u8) -> Result<(), BuildError> {
        self.option(code, &[value])
    }

    /// Appends an option that is a 32-bit number.
    ///
    /// # Errors
    /// As [`Self::option`].
    #[inline]
    pub fn option_u32(&mut self, code: u8, value: u32) -> Result<(), BuildError> {
        self.option(code, &value.to_be_bytes())
    }

    /// Appends an option that is one address.
    ///
    /// # Errors
    /// As [`Self::option`].
    #[inline]
    pub fn option_addr(&mut self, code: u8, address: Ipv4Addr) -> Result<(), BuildError> {
        self.option(code, &address.octets())
    }

    /// Appends an option that was encoded when the configuration was read.
    ///
    /// # Errors
    /// When it does not fit.
    #[inline]
    pub fn encoded(&mut self, option: EncodedOption<'_>) -> Result<(), BuildError> {
        self.raw_encoded(option.code(), option.tlv())
    }

    /// Appends code, length and body of one option as they are; `tlv` must be well formed.
    ///
    /// # Errors
    /// When it does not fit.
    #[inline]
    pub fn raw_encoded(&mut self, code: u8, tlv: &[u8]) -> Result<(), BuildError> {
        match self.take(code, tlv.len()) {
            Some(to) => {
                copy_short(to, tlv);
                Ok(())
            }
            None => Err(self.drop_option(code)),
        }
    }

    /// Appends all options of the sink, ascending by code and option 82 last, and empties it.
    ///
    /// When they do not all fit, optional ones are left out, the one added last first.
    ///
    /// # Errors
    /// When the essential options alone do not fit; the packet should not be sent.
    #[inline]
    pub fn write(&mut self, sink: &mut OptionSink<'_>) -> Result<(), BuildError> {
        self.dropped = self.dropped.union(sink.lost());
        if sink.encoded_len() > self.remaining() {
            let dropped = sink.shrink_to(self.remaining());
            self.dropped = self.dropped.union(dropped);
        }
        if let Some(code) = sink.lost_essential() {
            return Err(BuildError::DoesNotFit { code });
        }
        // All of it fits, so the bookkeeping is done once and not for each option.
        let mut rest = self.options.get_mut(self.at..).unwrap_or_default();
        let (codes, agent) = (sink.codes(), code::RELAY_AGENT_INFORMATION);
        let mut others = codes;
        others.remove(agent);
        for code in others {
            rest = write_entry(rest, code, sink.body(code)).unwrap_or_default();
        }
        if let Some(body) = sink.body(agent) {
            write_entry(rest, agent, Some(body));
        }
        self.at += sink.encoded_len();
        self.present = self.present.union(codes);
        sink.clear();
        Ok(())
    }

    /// Ends the packet and tells its length.
    #[must_use]
    #[inline]
    pub fn finish(self) -> usize {
        if let Some(end) = self.options.get_mut(self.at) {
            *end = code::END;
        }
        OPTIONS_OFFSET + self.at + 1
    }

    /// True when the option was written.
    #[must_use]
    #[inline]
    pub fn has(&self, code: u8) -> bool {
        self.present.contains(code)
    }

    /// Options that were left out because they did not fit.
    #[must_use]
    #[inline]
    pub fn dropped(&self) -> OptionCodes {
        self.dropped
    }

    /// Bytes left for options.
    #[must_use]
    #[inline]
    pub fn remaining(&self) -> usize {
        self.limit - self.at
    }

    /// The next `len` bytes of options.
    #[inline]
    fn take(&mut self, code: u8, len: usize) -> Option<&mut [u8]> {
        if len > self.remaining() {
            return None;
        }
        self.present.insert(code);
        let start = self.at;
        self.at += len;
        self.options.get_mut(start..start + len)
    }

    #[cold]
    fn drop_option(&mut self, code: u8) -> BuildError {
        self.dropped.insert(code);
        BuildError::DoesNotFit { code }
    }
}

/// Largest reply in bytes of UDP payload for a client that sent this option 57.
///
/// The option counts the IP and UDP headers too, as other servers understand it. A client that is
/// silent gets what an Ethernet frame holds; none is taken to accept less than 576 bytes (RFC 2132
/// 9.10).
#[must_use]
pub const fn reply_size_max(max_message_size: Option<u16>) -> usize {
    let datagram = match max_message_size {
        Some(size) if size < DATAGRAM_MIN => DATAGRAM_MIN,
        Some(size) if size < DATAGRAM_MAX => size,
        _ => DATAGRAM_MAX,
    };
    (datagram - IP_UDP_HEADERS) as usize
}

const DATAGRAM_MIN: u16 = 576;
const DATAGRAM_MAX: u16 = 1500;
const IP_UDP_HEADERS: u16 = 28;

/// Bytes that a body of `len` bytes takes with its codes and lengths.
#[inline]
pub(crate) const fn encoded_len(len: usize) -> usize {
    if len <= 255 { len + 2 } else { len + 2 * len.div_ceil(255) }
}

#[inline]
fn write_fragment(to: &mut [u8], code: u8, len: u8, body: &[u8]) {
    if let [head, length, rest @ ..] = to {
        *head = code;
        *length = len;
        copy_short(rest, body);
    }
}

/// Writes one option to the front of `to` and returns what is left; `None` when it does not fit.
#[inline(always)]
fn write_entry<'t>(to: &'t mut [u8], code: u8, body: Option<&Body<'_>>) -> Option<&'t mut [u8]> {
    match body? {
        Body::Byte(tlv) => {
            let (front, rest) = to.split_first_chunk_mut::<3>()?;
            *front = *tlv;
            Some(rest)
        }
        Body::Word(tlv) => {
            let (front, rest) = to.split_first_chunk_mut::<6>()?;
            *front = *tlv;
            Some(rest)
        }
        Body::Encoded(tlv) => {
            let (front, rest) = to.split_at_mut_checked(tlv.len())?;
            copy_short(front, tlv);
            Some(rest)
        }
        Body::Bytes(bytes) => {
            let (front, rest) = to.split_at_mut_checked(encoded_len(bytes.len()))?;
            write_body(front, code, bytes);
            Some(rest)
        }
    }
}

/// Fills `to`, which has just the size for it, with a body and its codes and lengths.
#[inline]
fn write_body(mut to: &mut [u8], code: u8, body: &[u8]) {
    if let Ok(len) = u8::try_from(body.len()) {
        return write_fragment(to, code, len, body);
    }
    for chunk in body.chunks(255) {
        let Some((head, rest)) = to.split_at_mut_checked(2 + chunk.len()) else { break };
        write_fragment(head, code, chunk.len() as u8, chunk);
        to = rest;
    }
}

/// Copies between slices of equal length; most options are so short that a call of `memcpy` costs
/// more than the copy.
#[inline]
fn copy_short(to: &mut [u8], from: &[u8]) {
    if to.len() != from.len() {
        return;
    }
    match from.len() {
        0 => {}
        1..=3 => {
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from;
            }
        }
        4..=8 => copy_ends::<4>(to, from),
        9..=16 => copy_ends::<8>(to, from),
        17..=32 => copy_ends::<16>(to, from),
        _ => to.copy_from_slice(from),
    }
}

/// Copies the first and the last `N` bytes, which overlap, of slices that have `N` to `2 * N`.
#[inline(always)]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk::<N>()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<N>(), from.last_chunk::<N>()) {
        *to = *from;
    }
}

fn fill_field(field: &mut [u8], value: &[u8]) {
    field.fill(0);
    for (to, from) in field.iter_mut().zip(value) {
        *to = *from;
    }
}

/// The reason why something could not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The buffer can not hold header, cookie and END.
    #[error("buffer has {found} bytes, a packet needs at least {}", OPTIONS_OFFSET + 1)]
    BufferTooSmall {
        /// Length of the buffer.
        found: usize,
    },
    /// No room for an option.
    #[error("option {code} does not fit in the packet")]
    DoesNotFit {
        /// The option.
        code: u8,
    },
    /// PAD and END are no options.
    #[error("code {code} is not an option")]
    ReservedCode {
        /// The code.
        code: u8,
    },
}
