//! Collects the options of a reply before they are written.
//!
//! A server finds options in the order of their importance (its own, then the client's list, then
//! the always sent ones), the packet wants them by code. The sink takes references in any order,
//! the first one of a code wins, and a bit set gives them back sorted for nothing. It holds no
//! bytes of configured options. When a packet is too small, optional entries are given up from the
//! last added backwards. Cost of collecting and writing a reply of twelve options: about 80 ns.

use std::net::Ipv4Addr;

use arrayvec::ArrayVec;

use crate::v4::builder::encoded_len;
use crate::v4::code;
use crate::{EncodedOption, OptionCodes};

/// Options of one reply; lives as long as the buffers it refers to.
#[derive(Clone, Debug)]
pub struct OptionSink<'o> {
    present: OptionCodes,
    lost: OptionCodes,
    lost_essential: Option<u8>,
    /// Bytes all entries take in the packet.
    len: usize,
    /// Valid where `present`: index in `entries`.
    slots: [u8; 256],
    entries: ArrayVec<Entry<'o>, { OptionSink::CAPACITY }>,
}

/// What becomes of an option when the packet is too small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// The packet makes no sense without it.
    Essential,
    /// It is left out.
    Optional,
}

#[derive(Clone, Copy, Debug)]
struct Entry<'o> {
    body: Body<'o>,
    code: u8,
    weight: Weight,
}

/// An option as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'o> {
    /// Code, length and one byte.
    Byte([u8; 3]),
    /// Code, length and four bytes.
    Word([u8; 6]),
    /// Body alone.
    Bytes(&'o [u8]),
    /// Complete with codes and lengths.
    Encoded(&'o [u8]),
}

impl Body<'_> {
    #[inline]
    fn encoded_len(&self) -> usize {
        match self {
            Self::Byte(tlv) => tlv.len(),
            Self::Word(tlv) => tlv.len(),
            Self::Bytes(bytes) => encoded_len(bytes.len()),
            Self::Encoded(tlv) => tlv.len(),
        }
    }
}

impl<'o> OptionSink<'o> {
    /// Options that one reply can carry; more are treated like options that do not fit.
    pub const CAPACITY: usize = 96;

    /// An empty sink.
    #[must_use]
    #[inline]
    pub fn new() -> Self {
        Self {
            present: OptionCodes::EMPTY,
            lost: OptionCodes::EMPTY,
            lost_essential: None,
            len: 0,
            slots: [0; 256],
            entries: ArrayVec::new(),
        }
    }

    /// Adds an essential option of one byte; false when the code is there already.
    #[inline]
    pub fn add_u8(&mut self, code: u8, value: u8) -> bool {
        self.add(code, Body::Byte([code, 1, value]), Weight::Essential)
    }

    /// Adds an essential option that is a 32-bit number; false when the code is there already.
    #[inline]
    pub fn add_u32(&mut self, code: u8, value: u32) -> bool {
        let [a, b, c, d] = value.to_be_bytes();
        self.add(code, Body::Word([code, 4, a, b, c, d]), Weight::Essential)
    }

    /// Adds an essential option that is one address; false when the code is there already.
    #[inline]
    pub fn add_addr(&mut self, code: u8, address: Ipv4Addr) -> bool {
        self.add_u32(code, u32::from(address))
    }

    /// Adds an option from its body, split later if it is long; false when the code is there
    /// already.
    #[inline]
    pub fn add_bytes(&mut self, code: u8, body: &'o [u8], weight: Weight) -> bool {
        self.add(code, Body::Bytes(body), weight)
    }

    /// Adds a configured option; false when the code is there already.
    #[inline]
    pub fn add_encoded(&mut self, option: EncodedOption<'o>) -> bool {
        self.add(option.code(), Body::Encoded(option.tlv()), Weight::Optional)
    }

    #[inline]
    fn add(&mut self, code: u8, body: Body<'o>, weight: Weight) -> bool {
        if self.present.contains(code) || matches!(code, code::PAD | code::END) {
            return false;
        }
        let slot = self.entries.len();
        if self.entries.try_push(Entry { body, code, weight }).is_err() {
            self.lose(code, weight);
            return true;
        }
        self.present.insert(code);
        self.slots[usize::from(code)] = slot as u8;
        self.len += body.encoded_len();
        true
    }

    /// Takes an option out again; true when it was there.
    pub fn remove(&mut self, code: u8) -> bool {
        let Some(len) = self.body(code).map(Body::encoded_len) else { return false };
        self.present.remove(code);
        self.len -= len;
        true
    }

    /// Empties the sink.
    #[inline]
    pub fn clear(&mut self) {
        self.present.clear();
        self.lost.clear();
        self.lost_essential = None;
        self.len = 0;
        self.entries.clear();
    }

    /// True when the option was added.
    #[must_use]
    #[inline]
    pub fn contains(&self, code: u8) -> bool {
        self.present.contains(code)
    }

    /// Codes of all options in the sink.
    #[must_use]
    #[inline]
    pub fn codes(&self) -> OptionCodes {
        self.present
    }

    /// Bytes the options take in the packet.
    #[must_use]
    #[inline]
    pub fn encoded_len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn body(&self, code: u8) -> Option<&Body<'o>> {
        if !self.present.contains(code) {
            return None;
        }
        self.entries.get(usize::from(self.slots[usize::from(code)])).map(|entry| &entry.body)
    }

    /// Options that did not get in because the sink was full.
    #[inline]
    pub(super) fn lost(&self) -> OptionCodes {
        self.lost
    }

    #[inline]
    pub(super) fn lost_essential(&self) -> Option<u8> {
        self.lost_essential
    }

    /// Gives up options until the others take at most `room` bytes; tells which.
    #[cold]
    pub(super) fn shrink_to(&mut self, room: usize) -> OptionCodes {
        let mut dropped = OptionCodes::EMPTY;
        for wanted in [Weight::Optional, Weight::Essential] {
            for index in (0..self.entries.len()).rev() {
                if self.len <= room {
                    return dropped;
                }
                let Some(&Entry { code, weight, .. }) = self.entries.get(index) else { break };
                let is_current = usize::from(self.slots[usize::from(code)]) == index;
                if weight == wanted && is_current && self.remove(code) {
                    self.lose(code, weight);
                    dropped.insert(code);
                }
            }
        }
        dropped
    }

    fn lose(&mut self, code: u8, weight: Weight) {
        self.lost.insert(code);
        if weight == Weight::Essential {
            self.lost_essential = Some(code);
        }
    }
}

impl Default for OptionSink<'_> {
    fn default() -> Self {
        Self::new()
    }
}
