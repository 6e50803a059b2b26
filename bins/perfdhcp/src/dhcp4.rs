//! The DHCPv4 messages of simulated clients.
//!
//! Clients are heard through a relay, as in Kea's program: `giaddr` is our own address (or one of a list), `hops` is 1,
//! and answers come to it. Messages are written front to back into the batch; answers are read with the product's
//! codec, which the servers' own tests check against others.

use std::net::{IpAddr, Ipv4Addr};

use libdhcp::v4::{self, MalformedError, MessageType, SpanTable, View, code};

use crate::cursor::Cursor;
use crate::identity::Identities;
use crate::protocol::{Exchange, Protocol, Query, Reply, ReplyKind, Unreadable};
use crate::template::{Template, TemplateError};

/// What clients ask for: netmask, broadcast address, time offset, routers, domain, servers, host name.
const WANTED: [u8; 7] = [1, 28, 2, 3, 15, 6, 12];
/// Bytes of an option with an address.
const ADDRESS_OPTION_LEN: usize = 6;

/// A lease with the server that gave it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lease4 {
    /// The address.
    pub address: u32,
    /// The server identifier.
    pub server: u32,
}

/// Settings of the messages.
#[derive(Clone, Debug)]
pub struct Settings4 {
    /// Who the clients are.
    pub identities: Identities,
    /// Relay addresses; one of them is picked for each exchange.
    pub relays: Vec<Ipv4Addr>,
    /// Further options, by code.
    pub options: Vec<(u8, Vec<u8>)>,
    /// Templates of the first and the second message.
    pub templates: Vec<Template>,
}

/// Writes and reads DHCPv4 messages.
#[derive(Debug)]
pub struct Dhcp4 {
    settings: Settings4,
    spans: Box<SpanTable>,
}

impl Dhcp4 {
    /// Offsets of templates whose options do not say otherwise: xid, random, elapsed, server id, address.
    pub const OFFSETS: (usize, usize, usize, usize, usize) = (4, 35, 8, 54, 240);

    /// A writer and reader with these settings.
    ///
    /// # Errors
    /// When a template is too short for what is filled in.
    pub fn new(mut settings: Settings4) -> Result<Self, TemplateError> {
        settings.options.sort_by_key(|(code, _)| *code);
        for (at, template) in settings.templates.iter().enumerate() {
            let offsets = template.offsets;
            let mut fields = vec![
                ("the transaction id", offsets.xid, 4),
                ("the hardware address", offsets.random.saturating_sub(5), 6),
            ];
            if at == 1 {
                fields.push(("the server identifier", offsets.server_id, ADDRESS_OPTION_LEN));
                fields.push(("the requested address", offsets.address, ADDRESS_OPTION_LEN));
                fields.extend(offsets.elapsed.map(|at| ("the time", at, 2)));
            }
            template.check(&fields)?;
        }
        Ok(Self { settings, spans: Box::new(SpanTable::new()) })
    }

    fn write_template(
        template: &Template,
        query: &Query<'_, Lease4>,
        mac: &[u8; 6],
        out: &mut [u8],
    ) -> Option<usize> {
        let mut cursor = Cursor::new(out);
        cursor.put(&template.bytes);
        let offsets = template.offsets;
        cursor.patch(offsets.xid, &query.xid.to_be_bytes());
        cursor.patch(offsets.random.saturating_sub(mac.len() - 1), mac);
        if query.exchange == Exchange::Second {
            if let Some(at) = offsets.elapsed {
                cursor.patch(at, &seconds(query.elapsed_cs));
            }
            cursor.patch(offsets.server_id, &address(code::SERVER_IDENTIFIER, query.lease.server));
            cursor.patch(offsets.address, &address(code::REQUESTED_ADDRESS, query.lease.address));
        }
        cursor.finish()
    }

    fn relay(&self, number: u32) -> Ipv4Addr {
        let relays = &self.settings.relays;
        let at = (u64::from(number) * relays.len() as u64) >> 32;
        relays.get(at as usize).copied().unwrap_or(Ipv4Addr::UNSPECIFIED)
    }
}

impl Protocol for Dhcp4 {
    type Lease = Lease4;

    const XID_BITS: u32 = 32;
    const IS_RELEASE_ANSWERED: bool = false;
    // RFC 2131 4.4.1: the REQUEST has the transaction id of the OFFER.
    const IS_XID_RENEWED: bool = false;

    fn write(&mut self, query: &Query<'_, Lease4>, out: &mut [u8]) -> Option<usize> {
        let mac = self.settings.identities.mac(query.client);
        if matches!(query.exchange, Exchange::First | Exchange::Second)
            && let Some(template) = self.settings.templates.get(query.exchange.index())
        {
            return Self::write_template(template, query, &mac, out);
        }
        let (kind, held) = match query.exchange {
            Exchange::First => (MessageType::Discover, 0),
            Exchange::Second => (MessageType::Request, 0),
            Exchange::Renewal => (MessageType::Request, query.lease.address),
            Exchange::Release => (MessageType::Release, query.lease.address),
        };
        let mut cursor = Cursor::new(out);
        cursor.put(&[v4::BOOTREQUEST, 1, 6, 1]);
        cursor.put(&query.xid.to_be_bytes());
        cursor.put(&seconds(query.elapsed_cs));
        cursor.put(&[0, 0]);
        cursor.put(&held.to_be_bytes());
        cursor.put_zeros(8);
        cursor.put(&self.relay(query.relay).octets());
        cursor.put(&mac);
        cursor.put_zeros(10 + 64 + 128);
        cursor.put(&v4::MAGIC_COOKIE);
        cursor.put(&[code::MESSAGE_TYPE, 1, kind as u8]);
        if query.exchange == Exchange::Second {
            cursor.put(&address(code::REQUESTED_ADDRESS, query.lease.address));
        }
        if matches!(query.exchange, Exchange::Second | Exchange::Release) {
            cursor.put(&address(code::SERVER_IDENTIFIER, query.lease.server));
        }
        if query.exchange != Exchange::Release {
            cursor.put(&[code::PARAMETER_REQUEST_LIST, WANTED.len() as u8]);
            cursor.put(&WANTED);
        }
        let (before, after): (&[_], &[_]) = {
            let options = &self.settings.options;
            options.split_at(options.partition_point(|(code, _)| *code < code::CLIENT_IDENTIFIER))
        };
        put_options(&mut cursor, before);
        cursor.put(&[code::CLIENT_IDENTIFIER, 7, 1]);
        cursor.put(&mac);
        put_options(&mut cursor, after);
        cursor.put(&[0xff]);
        cursor.finish()
    }

    fn read(&mut self, datagram: &[u8]) -> Result<Reply<Lease4>, Unreadable> {
        let view = View::parse(datagram, &mut self.spans).map_err(|error| match error {
            MalformedError::TooShort { .. } => Unreadable::TooShort,
            MalformedError::BadOp { .. }
            | MalformedError::Bootp
            | MalformedError::NoCookie
            | MalformedError::RepeatedOptionsTooLong
            | MalformedError::TooLong { .. } => Unreadable::Garbage,
        })?;
        if view.op() != v4::BOOTREPLY {
            return Err(Unreadable::NotFromServer);
        }
        let kind = match view.message_type() {
            Ok(Some(MessageType::Offer)) => ReplyKind::Offer,
            Ok(Some(MessageType::Ack)) => ReplyKind::Final,
            Ok(Some(MessageType::Nak)) => ReplyKind::Refusal,
            Ok(Some(_)) => ReplyKind::Other,
            Ok(None) | Err(_) => return Err(Unreadable::Garbage),
        };
        if view.is_truncated() {
            return Err(Unreadable::Garbage);
        }
        let server = view.server_identifier().ok().flatten().map_or(0, u32::from);
        let address = u32::from(view.yiaddr());
        Ok(Reply {
            xid: view.xid(),
            kind,
            client_key: key(view.chaddr()),
            lease: Lease4 { address, server },
            is_complete: address != 0 && server != 0,
        })
    }

    fn client_key(&self, client: u32) -> Option<u64> {
        let is_plain = self.settings.templates.is_empty();
        is_plain.then(|| key(&self.settings.identities.mac(client)))
    }

    fn resources(lease: &Lease4) -> [Option<IpAddr>; 2] {
        [Some(Ipv4Addr::from(lease.address).into()), None]
    }

    fn is_same(offered: &Lease4, granted: &Lease4) -> bool {
        offered.address == granted.address
    }

    fn adopt_server(lease: &mut Lease4, other: &Lease4) {
        lease.server = other.server;
    }

    fn server_id(&self, lease: &Lease4) -> Vec<u8> {
        lease.server.to_be_bytes().to_vec()
    }

    fn client_text(&self, client: u32) -> String {
        let mac = self.settings.identities.mac(client);
        mac.iter().fold("01".to_owned(), |text, byte| format!("{text}{byte:02x}"))
    }

    fn exchange_name(exchange: Exchange) -> &'static str {
        match exchange {
            Exchange::First => "DISCOVER-OFFER",
            Exchange::Second => "REQUEST-ACK",
            Exchange::Renewal => "REQUEST-ACK (renewal)",
            Exchange::Release => "RELEASE",
        }
    }
}

fn put_options(cursor: &mut Cursor<'_>, options: &[(u8, Vec<u8>)]) {
    for (code, body) in options {
        cursor.put(&[*code, body.len() as u8]);
        cursor.put(body);
    }
}

fn address(code: u8, address: u32) -> [u8; ADDRESS_OPTION_LEN] {
    let [a, b, c, d] = address.to_be_bytes();
    [code, 4, a, b, c, d]
}

fn seconds(elapsed_cs: u64) -> [u8; 2] {
    u16::try_from(elapsed_cs / 100).unwrap_or(u16::MAX).to_be_bytes()
}

/// A hardware address as a number; longer ones are no client's of ours.
fn key(chaddr: &[u8]) -> u64 {
    match chaddr {
        [a, b, c, d, e, f] => u64::from_be_bytes([0, 0, *a, *b, *c, *d, *e, *f]),
        _ => u64::MAX,
    }
}

#[cfg(test)]
mod tests;
