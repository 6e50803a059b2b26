//! A small DHCPv6 codec of the tests' own, able to write wrong packets as easily as right ones.
//!
//! A packet is a client's or server's message with the relay headers around it, outermost first.
//! Options are code and bytes; IA options are taken apart on request.

use std::net::Ipv6Addr;

use crate::dhcp::array;

/// Option codes used by the tests.
pub mod opt6 {
    /// Client identifier.
    pub const CLIENT_ID: u16 = 1;
    /// Server identifier.
    pub const SERVER_ID: u16 = 2;
    /// Identity association for addresses.
    pub const IA_NA: u16 = 3;
    /// Identity association for temporary addresses.
    pub const IA_TA: u16 = 4;
    /// An address in an IA.
    pub const IA_ADDRESS: u16 = 5;
    /// Option request list.
    pub const ORO: u16 = 6;
    /// Preference of the server.
    pub const PREFERENCE: u16 = 7;
    /// Time since the exchange began.
    pub const ELAPSED: u16 = 8;
    /// Relayed message.
    pub const RELAY_MESSAGE: u16 = 9;
    /// Server unicast.
    pub const UNICAST: u16 = 12;
    /// Status code.
    pub const STATUS: u16 = 13;
    /// Rapid commit.
    pub const RAPID_COMMIT: u16 = 14;
    /// Vendor-specific information.
    pub const VENDOR: u16 = 17;
    /// The relay's interface.
    pub const INTERFACE_ID: u16 = 18;
    /// Name servers.
    pub const DNS: u16 = 23;
    /// Domain search list.
    pub const DOMAINS: u16 = 24;
    /// Identity association for prefixes.
    pub const IA_PD: u16 = 25;
    /// A prefix in an IA.
    pub const IA_PREFIX: u16 = 26;
    /// Time servers.
    pub const SNTP: u16 = 31;
    /// ERP local domain name.
    pub const ERP: u16 = 65;
    /// Options supplied by a relay.
    pub const RSOO: u16 = 66;
    /// Link-layer address of the client, from a relay.
    pub const LINK_LAYER: u16 = 79;
}

/// Status codes (RFC 8415 section 21.13).
pub mod status {
    /// All is well.
    pub const SUCCESS: u16 = 0;
    /// No address to give.
    pub const NO_ADDRS_AVAIL: u16 = 2;
    /// The binding is not known.
    pub const NO_BINDING: u16 = 3;
    /// The address does not belong to the link.
    pub const NOT_ON_LINK: u16 = 4;
    /// No prefix to give.
    pub const NO_PREFIX_AVAIL: u16 = 6;
}

/// Message types by their number on the wire.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(missing_docs)]
pub enum Kind6 {
    Solicit = 1,
    Advertise = 2,
    Request = 3,
    Confirm = 4,
    Renew = 5,
    Rebind = 6,
    Reply = 7,
    Release = 8,
    Decline = 9,
    Reconfigure = 10,
    InformationRequest = 11,
    RelayForw = 12,
    RelayRepl = 13,
}

/// Options in wire order.
pub type Options = Vec<(u16, Vec<u8>)>;

/// A message of a client or a server; fields are written as they are, right or wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs)]
pub struct Dhcp6 {
    pub kind: u8,
    /// 24 bits.
    pub xid: u32,
    pub options: Options,
}

impl Dhcp6 {
    /// A message without options.
    pub fn new(kind: Kind6) -> Self {
        Self { kind: kind as u8, xid: fresh_xid(), options: Vec::new() }
    }

    /// Appends an option.
    #[must_use]
    pub fn with(mut self, code: u16, data: impl Into<Vec<u8>>) -> Self {
        self.options.push((code, data.into()));
        self
    }

    /// Leaves out all options with a code.
    #[must_use]
    pub fn without(mut self, code: u16) -> Self {
        self.options.retain(|(found, _)| *found != code);
        self
    }

    /// Appends an IA_NA with addresses (lifetimes 0: a client has no opinion).
    #[must_use]
    pub fn with_na(self, iaid: u32, addresses: &[Ipv6Addr]) -> Self {
        let inner = addresses.iter().map(|address| address_option(*address, 0, 0)).collect();
        self.with(opt6::IA_NA, Ia { iaid, t1: 0, t2: 0, options: inner }.encode())
    }

    /// Appends an IA_PD with prefixes.
    #[must_use]
    pub fn with_pd(self, iaid: u32, prefixes: &[(Ipv6Addr, u8)]) -> Self {
        let prefix = |(address, length): &(Ipv6Addr, u8)| prefix_option(*address, *length, 0, 0);
        let inner = prefixes.iter().map(prefix).collect();
        self.with(opt6::IA_PD, Ia { iaid, t1: 0, t2: 0, options: inner }.encode())
    }

    /// Appends an option request list.
    #[must_use]
    pub fn with_oro(self, codes: &[u16]) -> Self {
        let data: Vec<u8> = codes.iter().flat_map(|code| code.to_be_bytes()).collect();
        self.with(opt6::ORO, data)
    }

    /// True for a message of that type.
    pub fn is(&self, kind: Kind6) -> bool {
        self.kind == kind as u8
    }

    /// The data of an option.
    pub fn option(&self, code: u16) -> Option<&[u8]> {
        find(&self.options, code)
    }

    /// The status code of the whole message.
    pub fn status(&self) -> Option<u16> {
        status_of(&self.options)
    }

    /// All IAs with an option code, in order.
    pub fn ias(&self, code: u16) -> Vec<Ia> {
        let found = self.options.iter().filter(|(found, _)| *found == code);
        found.filter_map(|(_, data)| Ia::decode(data)).collect()
    }

    /// The IA_NA with an IAID.
    #[track_caller]
    pub fn na(&self, iaid: u32) -> Ia {
        self.ia(opt6::IA_NA, iaid)
    }

    /// The IA_PD with an IAID.
    #[track_caller]
    pub fn pd(&self, iaid: u32) -> Ia {
        self.ia(opt6::IA_PD, iaid)
    }

    #[track_caller]
    fn ia(&self, code: u16, iaid: u32) -> Ia {
        let found = self.ias(code).into_iter().find(|ia| ia.iaid == iaid);
        found.unwrap_or_else(|| panic!("no IA {code} with IAID {iaid} in {self:?}"))
    }

    /// Wire form.
    pub fn encode(&self) -> Vec<u8> {
        let [_, a, b, c] = self.xid.to_be_bytes();
        let mut out = vec![self.kind, a, b, c];
        out.extend(encode_options(&self.options));
        out
    }

    /// Wire form within relay headers, outermost first.
    pub fn encode_relayed(&self, hops: &[Hop]) -> Vec<u8> {
        hops.iter().rev().fold(self.encode(), |inner, hop| hop.encode_around(&inner))
    }

    /// Reads a message that is not relayed; `None` when an option is cut short.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let [kind, a, b, c] = array::<4>(bytes, 0)?;
        let options = decode_options(bytes.get(4..)?)?;
        Some(Self { kind, xid: u32::from_be_bytes([0, a, b, c]), options })
    }
}

/// The header that a relay puts around a message.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs)]
pub struct Hop {
    pub kind: u8,
    pub count: u8,
    pub link: Ipv6Addr,
    pub peer: Ipv6Addr,
    /// Options other than the relayed message.
    pub options: Options,
}

impl Hop {
    /// A RELAY-FORW with these addresses.
    pub fn new(count: u8, link: Ipv6Addr, peer: Ipv6Addr) -> Self {
        Self { kind: Kind6::RelayForw as u8, count, link, peer, options: Vec::new() }
    }

    /// Appends an option.
    #[must_use]
    pub fn with(mut self, code: u16, data: impl Into<Vec<u8>>) -> Self {
        self.options.push((code, data.into()));
        self
    }

    /// Wire form around a message.
    pub fn encode_around(&self, message: &[u8]) -> Vec<u8> {
        let mut out = self.encode_header();
        out.extend(encode_options(&self.options));
        out.extend(encode_options(&[(opt6::RELAY_MESSAGE, message.to_vec())]));
        out
    }

    /// Wire form of the 34 bytes before the options.
    pub fn encode_header(&self) -> Vec<u8> {
        let mut out = vec![self.kind, self.count];
        out.extend(self.link.octets());
        out.extend(self.peer.octets());
        out
    }
}

/// Reads a packet: the relay headers, outermost first, and the message inside.
pub fn decode(bytes: &[u8]) -> Option<(Vec<Hop>, Dhcp6)> {
    let mut hops = Vec::new();
    let mut rest = bytes.to_vec();
    while [Kind6::RelayForw as u8, Kind6::RelayRepl as u8].contains(rest.first()?) {
        let address = |at: usize| Some(Ipv6Addr::from(array::<16>(&rest, at)?));
        let mut options = decode_options(rest.get(34..)?)?;
        let at = options.iter().position(|(code, _)| *code == opt6::RELAY_MESSAGE)?;
        let (_, inner) = options.remove(at);
        let (kind, count) = (rest[0], rest[1]);
        hops.push(Hop { kind, count, link: address(2)?, peer: address(18)?, options });
        rest = inner;
    }
    Some((hops, Dhcp6::decode(&rest)?))
}

/// An identity association.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(missing_docs)]
pub struct Ia {
    pub iaid: u32,
    pub t1: u32,
    pub t2: u32,
    pub options: Options,
}

impl Ia {
    /// The addresses and prefixes inside.
    pub fn bindings(&self) -> Vec<Binding> {
        self.options.iter().filter_map(|(code, data)| Binding::decode(*code, data)).collect()
    }

    /// The only binding inside.
    #[track_caller]
    pub fn only(&self) -> Binding {
        let [binding] = self.bindings()[..] else { panic!("not one binding: {self:?}") };
        binding
    }

    /// The status code of this IA.
    pub fn status(&self) -> Option<u16> {
        status_of(&self.options)
    }

    /// Wire form of the option's data.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for number in [self.iaid, self.t1, self.t2] {
            out.extend(number.to_be_bytes());
        }
        out.extend(encode_options(&self.options));
        out
    }

    fn decode(data: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u32::from_be_bytes(array(data, at)?));
        let options = decode_options(data.get(12..)?)?;
        Some(Self { iaid: number(0)?, t1: number(4)?, t2: number(8)?, options })
    }
}

/// An address or a prefix in an IA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(missing_docs)]
pub struct Binding {
    pub address: Ipv6Addr,
    /// 128 for an address.
    pub length: u8,
    pub preferred: u32,
    pub valid: u32,
}

impl Binding {
    /// The lifetimes, preferred first.
    pub fn lifetimes(&self) -> (u32, u32) {
        (self.preferred, self.valid)
    }

    fn decode(code: u16, data: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u32::from_be_bytes(array(data, at)?));
        let address = |at: usize| Some(Ipv6Addr::from(array::<16>(data, at)?));
        match code {
            opt6::IA_ADDRESS => Some(Self {
                address: address(0)?,
                length: 128,
                preferred: number(16)?,
                valid: number(20)?,
            }),
            opt6::IA_PREFIX => Some(Self {
                address: address(9)?,
                length: *data.get(8)?,
                preferred: number(0)?,
                valid: number(4)?,
            }),
            _ => None,
        }
    }
}

/// An address for an IA.
pub fn address_option(address: Ipv6Addr, preferred: u32, valid: u32) -> (u16, Vec<u8>) {
    let mut data = address.octets().to_vec();
    data.extend(preferred.to_be_bytes());
    data.extend(valid.to_be_bytes());
    (opt6::IA_ADDRESS, data)
}

/// A prefix for an IA.
pub fn prefix_option(prefix: Ipv6Addr, length: u8, preferred: u32, valid: u32) -> (u16, Vec<u8>) {
    let mut data = preferred.to_be_bytes().to_vec();
    data.extend(valid.to_be_bytes());
    data.push(length);
    data.extend(prefix.octets());
    (opt6::IA_PREFIX, data)
}

/// Wire form of options.
pub fn encode_options(options: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (code, data) in options {
        out.extend(code.to_be_bytes());
        out.extend((data.len() as u16).to_be_bytes());
        out.extend(data);
    }
    out
}

/// Reads options up to the last byte; `None` when one is cut short.
pub fn decode_options(mut bytes: &[u8]) -> Option<Options> {
    let mut options = Vec::new();
    while !bytes.is_empty() {
        let code = u16::from_be_bytes(array(bytes, 0)?);
        let length = usize::from(u16::from_be_bytes(array(bytes, 2)?));
        options.push((code, bytes.get(4..4 + length)?.to_vec()));
        bytes = &bytes[4 + length..];
    }
    Some(options)
}

/// The data of the first option with a code.
pub fn find(options: &[(u16, Vec<u8>)], code: u16) -> Option<&[u8]> {
    options.iter().find(|(found, _)| *found == code).map(|(_, data)| data.as_slice())
}

fn status_of(options: &[(u16, Vec<u8>)]) -> Option<u16> {
    Some(u16::from_be_bytes(array(find(options, opt6::STATUS)?, 0)?))
}

/// A transaction id not used before in this process.
fn fresh_xid() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0x6e_0001);
    NEXT.fetch_add(1, Ordering::Relaxed) & 0xff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_packet_decodes_to_itself() {
        let address = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 7);
        let message = Dhcp6::new(Kind6::Request)
            .with(opt6::CLIENT_ID, [0, 3, 0, 1])
            .with_na(7, &[address])
            .with_pd(8, &[(address, 56)]);
        let near = Hop::new(0, address, Ipv6Addr::LOCALHOST).with(opt6::INTERFACE_ID, *b"if");
        let hops = vec![Hop::new(1, Ipv6Addr::UNSPECIFIED, address), near];
        let bytes = message.encode_relayed(&hops);
        let expected = Binding { address, length: 56, preferred: 0, valid: 0 };
        assert_eq!(message.pd(8).only(), expected);
        assert_eq!(decode(&bytes), Some((hops, message)));
    }
}
