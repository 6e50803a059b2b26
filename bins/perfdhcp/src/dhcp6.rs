//! The DHCPv6 messages of simulated clients.
//!
//! A client asks for one address (IA_NA 1), one prefix (IA_PD 1) or both, directly or through relays that are simulated,
//! too. Messages are written with the product's [`Writer`] into two scratch buffers that are reused: the message, and the
//! relay messages around it, inside out. Servers are remembered by number, so that a lease stays small.

use std::net::{IpAddr, Ipv6Addr};

use libdhcp::ColonHex;
use libdhcp::v6::{
    IaKind, IaTimes, Lifetimes, MalformedError, MessageType, RelayHeader, SpanTable, View,
    WriteError, Writer, code,
};

use crate::identity::Identities;
use crate::options::{LeaseType, RelayOption};
use crate::protocol::{Exchange, MESSAGE_LEN_MAX, Protocol, Query, Reply, ReplyKind, Unreadable};
use crate::template::{Template, TemplateError};

/// What clients ask for: name servers, search list.
const WANTED: [u8; 4] = [0, 23, 0, 24];
/// The only identity association of each kind.
const IAID: u32 = 1;
/// Most servers that are told apart.
const SERVERS_MAX: usize = 64;
/// Number of no server.
const NO_SERVER: u16 = u16::MAX;
/// Longest server identifier: a DUID of 128 bytes with its type.
const SERVER_ID_LEN_MAX: usize = 130;

/// A lease with the number of the server that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease6 {
    /// The address; `::` for none.
    pub address: Ipv6Addr,
    /// The prefix; `::` for none.
    pub prefix: Ipv6Addr,
    /// Length of the prefix.
    pub prefix_len: u8,
    server: u16,
}

impl Default for Lease6 {
    fn default() -> Self {
        let none = Ipv6Addr::UNSPECIFIED;
        Self { address: none, prefix: none, prefix_len: 0, server: NO_SERVER }
    }
}

/// Settings of the messages.
#[derive(Clone, Debug)]
pub struct Settings6 {
    /// Who the clients are.
    pub identities: Identities,
    /// What they ask for.
    pub lease_type: LeaseType,
    /// Whether they ask for rapid commit.
    pub rapid_commit: bool,
    /// Relay addresses; one of them is picked for each exchange.
    pub relays: Vec<Ipv6Addr>,
    /// Number of relays that a message passes.
    pub levels: u8,
    /// Further options of relay messages.
    pub relay_options: Vec<RelayOption>,
    /// Further options of clients, by code.
    pub options: Vec<(u16, Vec<u8>)>,
    /// Templates of the first and the second message.
    pub templates: Vec<Template>,
    /// Number of clients, which decides how much of a template differs.
    pub clients: u32,
}

/// Writes and reads DHCPv6 messages.
#[derive(Debug)]
pub struct Dhcp6 {
    settings: Settings6,
    servers: Vec<Vec<u8>>,
    spans: Box<SpanTable>,
    message: Vec<u8>,
    around: Vec<u8>,
    /// An option that is put into a template.
    piece: Vec<u8>,
}

impl Dhcp6 {
    /// Offsets of templates whose options do not say otherwise: xid, random, elapsed, server id, address.
    pub const OFFSETS: (usize, usize, usize, usize, usize) = (1, 21, 84, 22, 40);

    /// A writer and reader with these settings.
    ///
    /// # Errors
    /// When a template is too short for what is filled in. Server identifier and identity association differ in length
    /// from server to server: where they do not fit, they are left out.
    pub fn new(mut settings: Settings6) -> Result<Self, TemplateError> {
        settings.options.sort_by_key(|(code, _)| *code);
        let random_len = crate::template::random_len(settings.clients);
        for (at, template) in settings.templates.iter().enumerate() {
            let offsets = template.offsets;
            let random = (offsets.random + 1).saturating_sub(random_len);
            let mut fields =
                vec![("the transaction id", offsets.xid, 3), ("the DUID", random, random_len)];
            if at == 1 {
                fields.extend(offsets.elapsed.map(|at| ("the elapsed time", at, 6)));
            }
            template.check(&fields)?;
        }
        Ok(Self {
            settings,
            servers: Vec::with_capacity(SERVERS_MAX),
            spans: Box::new(SpanTable::new()),
            message: Vec::with_capacity(MESSAGE_LEN_MAX),
            around: Vec::with_capacity(MESSAGE_LEN_MAX),
            piece: Vec::with_capacity(256),
        })
    }

    /// Writes the client's message into `self.message`.
    fn write_message(&mut self, query: &Query<'_, Lease6>) -> Result<(), WriteError> {
        let message_type = match query.exchange {
            Exchange::First => MessageType::Solicit,
            Exchange::Second => MessageType::Request,
            Exchange::Renewal => MessageType::Renew,
            Exchange::Release => MessageType::Release,
        };
        let [_, xid @ ..] = query.xid.to_be_bytes();
        let is_first = query.exchange == Exchange::First;
        let duid = self.settings.identities.duid(query.client);
        let options = &self.settings.options;
        let mut out = Writer::message(&mut self.message, message_type, xid, MESSAGE_LEN_MAX)?;
        out.put_option(code::CLIENTID, duid.bytes())?;
        if let Some(server) =
            self.servers.get(usize::from(query.lease.server)).filter(|_| !is_first)
        {
            out.put_option(code::SERVERID, server)?;
        }
        let lease_type = self.settings.lease_type;
        if lease_type != LeaseType::Prefix {
            put_address(&mut out, query)?;
        }
        if is_first {
            out.put_option(code::ORO, &WANTED)?;
        }
        if matches!(query.exchange, Exchange::First | Exchange::Second) {
            let elapsed = u16::try_from(query.elapsed_cs).unwrap_or(u16::MAX);
            out.put_u16(code::ELAPSED_TIME, elapsed)?;
        }
        if is_first && self.settings.rapid_commit {
            out.put_option(code::RAPID_COMMIT, &[])?;
        }
        if lease_type != LeaseType::Address {
            put_prefix(&mut out, query)?;
        }
        for (code, body) in options {
            out.put_option(*code, body)?;
        }
        out.finish();
        Ok(())
    }

    /// Writes a template of the user into `self.message`.
    fn fill_template(&mut self, query: &Query<'_, Lease6>) -> Result<(), WriteError> {
        let Some(template) = self.settings.templates.get(query.exchange.index()) else {
            return Ok(());
        };
        self.message.extend_from_slice(&template.bytes);
        let offsets = template.offsets;
        let [_, xid @ ..] = query.xid.to_be_bytes();
        patch(&mut self.message, offsets.xid, &xid);
        let duid = self.settings.identities.duid(query.client);
        let len = crate::template::random_len(self.settings.clients);
        if let Some(tail) = duid.bytes().last_chunk::<4>().map(|tail| &tail[4 - len..]) {
            patch(&mut self.message, (offsets.random + 1).saturating_sub(len), tail);
        }
        if query.exchange != Exchange::Second {
            return Ok(());
        }
        if let Some(at) = offsets.elapsed {
            let [high, low] = u16::try_from(query.elapsed_cs).unwrap_or(u16::MAX).to_be_bytes();
            patch(&mut self.message, at, &[0, code::ELAPSED_TIME as u8, 0, 2, high, low]);
        }
        self.piece.clear();
        // Options of a message without its header are what the template takes.
        let mut out = Writer::message(&mut self.piece, MessageType::Request, xid, MESSAGE_LEN_MAX)?;
        if let Some(server) = self.servers.get(usize::from(query.lease.server)) {
            out.put_option(code::SERVERID, server)?;
        }
        let end = out.finish().end;
        patch(&mut self.message, offsets.server_id, self.piece.get(4..end).unwrap_or_default());
        self.piece.clear();
        let mut out = Writer::message(&mut self.piece, MessageType::Request, xid, MESSAGE_LEN_MAX)?;
        put_address(&mut out, query)?;
        out.finish();
        patch(&mut self.message, offsets.address, self.piece.get(4..).unwrap_or_default());
        Ok(())
    }

    /// Puts relay messages around `self.message`.
    fn wrap(&mut self, relay: u32) -> Result<(), WriteError> {
        let levels = self.settings.levels;
        let relays = &self.settings.relays;
        let at = (u64::from(relay) * relays.len() as u64) >> 32;
        let address = relays.get(at as usize).copied().unwrap_or(Ipv6Addr::UNSPECIFIED);
        for hop_count in 0..levels {
            self.around.clear();
            // Relays beyond the first do not know the client's link.
            let link_address = if hop_count == 0 { address } else { Ipv6Addr::UNSPECIFIED };
            let header = RelayHeader {
                message_type: MessageType::RelayForw,
                hop_count,
                link_address,
                peer_address: address,
            };
            let mut out = Writer::relay(&mut self.around, &header, MESSAGE_LEN_MAX)?;
            let level = levels - hop_count;
            for option in self.settings.relay_options.iter().filter(|option| option.level == level)
            {
                out.put_option(option.code, &option.body)?;
            }
            out.put_option(code::RELAY_MSG, &self.message)?;
            out.finish();
            std::mem::swap(&mut self.message, &mut self.around);
        }
        Ok(())
    }

    /// The number of a server; of none when there are too many.
    fn server_number(servers: &mut Vec<Vec<u8>>, id: &[u8]) -> u16 {
        if let Some(at) = servers.iter().position(|server| server == id) {
            return at as u16;
        }
        if servers.len() >= SERVERS_MAX || id.is_empty() || id.len() > SERVER_ID_LEN_MAX {
            return NO_SERVER;
        }
        servers.push(id.to_vec());
        (servers.len() - 1) as u16
    }
}

/// Appends the identity association with the address, if there is one.
fn put_address(out: &mut Writer<'_>, query: &Query<'_, Lease6>) -> Result<(), WriteError> {
    let is_first = query.exchange == Exchange::First;
    out.begin_ia(IaKind::Na, IAID, if is_first { IA_TIMES } else { IaTimes::default() })?;
    if !is_first && !query.lease.address.is_unspecified() {
        out.put_ia_address(query.lease.address, Lifetimes::default())?;
    }
    out.end_option();
    Ok(())
}

/// Appends the identity association with the prefix, if there is one.
fn put_prefix(out: &mut Writer<'_>, query: &Query<'_, Lease6>) -> Result<(), WriteError> {
    let is_first = query.exchange == Exchange::First;
    out.begin_ia(IaKind::Pd, IAID, if is_first { IA_TIMES } else { IaTimes::default() })?;
    if !is_first && query.lease.prefix_len > 0 {
        out.put_ia_prefix(query.lease.prefix, query.lease.prefix_len, Lifetimes::default())?;
    }
    out.end_option();
    Ok(())
}

/// Times that clients of Kea's program ask for.
const IA_TIMES: IaTimes = IaTimes { t1: 3600, t2: 5400 };

impl Protocol for Dhcp6 {
    type Lease = Lease6;

    const XID_BITS: u32 = 24;
    const IS_RELEASE_ANSWERED: bool = true;
    // RFC 8415 16.1: every message has a transaction id of its own.
    const IS_XID_RENEWED: bool = true;

    fn write(&mut self, query: &Query<'_, Lease6>, out: &mut [u8]) -> Option<usize> {
        self.message.clear();
        let by_template = matches!(query.exchange, Exchange::First | Exchange::Second)
            && self.settings.templates.len() > query.exchange.index();
        let written = match by_template {
            true => self.fill_template(query),
            false => self.write_message(query),
        };
        written.and_then(|()| self.wrap(query.relay)).ok()?;
        out.get_mut(..self.message.len())?.copy_from_slice(&self.message);
        Some(self.message.len())
    }

    fn read(&mut self, datagram: &[u8]) -> Result<Reply<Lease6>, Unreadable> {
        let view = View::parse_reply(datagram, &mut self.spans).map_err(|error| match error {
            MalformedError::TooShort { .. } | MalformedError::RelayTooShort { .. } => {
                Unreadable::TooShort
            }
            _ => Unreadable::Garbage,
        })?;
        let kind = match view.message_type() {
            Some(MessageType::Advertise) => ReplyKind::Offer,
            Some(MessageType::Reply) => ReplyKind::Final,
            Some(MessageType::Reconfigure) => ReplyKind::Other,
            Some(_) => return Err(Unreadable::NotFromServer),
            None => return Err(Unreadable::Garbage),
        };
        if view.is_truncated() {
            return Err(Unreadable::Garbage);
        }
        let [a, b, c] = view.transaction_id();
        let mut lease = Lease6::default();
        let mut is_refused =
            view.status().is_ok_and(|status| status.is_some_and(|(code, _)| code != 0));
        for ia in view.ias() {
            let Ok(ia) = ia else { return Err(Unreadable::Garbage) };
            is_refused |= ia.status().is_some_and(|(code, _)| code != 0);
            match ia.kind {
                IaKind::Na => {
                    for address in ia.addresses().flatten().filter(|address| address.valid > 0) {
                        lease.address = address.address;
                    }
                }
                IaKind::Pd => {
                    for prefix in ia.prefixes().flatten().filter(|prefix| prefix.valid > 0) {
                        (lease.prefix, lease.prefix_len) = (prefix.prefix, prefix.len);
                    }
                }
                IaKind::Ta => {}
            }
        }
        let server = view.option(code::SERVERID).unwrap_or_default();
        lease.server = Self::server_number(&mut self.servers, server);
        let lease_type = self.settings.lease_type;
        let has_address = lease_type == LeaseType::Prefix || !lease.address.is_unspecified();
        let has_prefix = lease_type == LeaseType::Address || lease.prefix_len > 0;
        Ok(Reply {
            xid: u32::from_be_bytes([0, a, b, c]),
            kind,
            client_key: key(view.option(code::CLIENTID).unwrap_or_default()),
            lease,
            is_complete: !is_refused && has_address && has_prefix && lease.server != NO_SERVER,
        })
    }

    fn client_key(&self, client: u32) -> Option<u64> {
        let is_plain = self.settings.templates.is_empty();
        is_plain.then(|| key(self.settings.identities.duid(client).bytes()))
    }

    fn resources(lease: &Lease6) -> [Option<IpAddr>; 2] {
        let given = |address: Ipv6Addr| (!address.is_unspecified()).then_some(IpAddr::V6(address));
        [given(lease.address), given(lease.prefix)]
    }

    fn is_same(offered: &Lease6, granted: &Lease6) -> bool {
        offered.address == granted.address
            && offered.prefix == granted.prefix
            && offered.prefix_len == granted.prefix_len
    }

    fn adopt_server(lease: &mut Lease6, other: &Lease6) {
        lease.server = other.server;
    }

    fn server_id(&self, lease: &Lease6) -> Vec<u8> {
        self.servers.get(usize::from(lease.server)).cloned().unwrap_or_default()
    }

    fn client_text(&self, client: u32) -> String {
        ColonHex(self.settings.identities.duid(client).bytes()).to_string()
    }

    fn exchange_name(exchange: Exchange) -> &'static str {
        match exchange {
            Exchange::First => "SOLICIT-ADVERTISE",
            Exchange::Second => "REQUEST-REPLY",
            Exchange::Renewal => "RENEW-REPLY",
            Exchange::Release => "RELEASE-REPLY",
        }
    }
}

/// Overwrites bytes of a template; what does not fit is left out.
fn patch(message: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(room) = message.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
        room.copy_from_slice(bytes);
    }
}

/// A DUID as a number (FNV-1a): equal DUIDs have equal numbers, and others hardly ever.
fn key(duid: &[u8]) -> u64 {
    duid.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
