//! The fields of a query that decisions are made on, read once, and the rules that need neither subnet nor lease.
//!
//! RFC 8415 section 16 says which identifiers each message must and must not carry; a message that breaks these rules
//! is dropped without an answer.

use std::net::{IpAddr, Ipv6Addr};

use libdhcp::Duid;
use libdhcp::v6::{Ia, MessageType, View, code};
use util::link::Inbound;

use crate::drop_reason::DropReason;

/// One query, read.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The packet behind it.
    pub view: &'a View<'a>,
    /// Its type, one that clients send to servers.
    pub message_type: MessageType,
    /// The client's DUID; absent only from an INFORMATION-REQUEST.
    pub duid: Option<&'a [u8]>,
}

/// The identifiers of a message: the first of each kind, and how many there are.
#[derive(Clone, Copy, Debug, Default)]
struct Identifiers<'a> {
    client: Option<&'a [u8]>,
    client_count: usize,
    server: Option<&'a [u8]>,
    server_count: usize,
}

impl<'a> Identifiers<'a> {
    fn of(view: &View<'a>) -> Self {
        let mut found = Self::default();
        for (code, body) in view.all_options() {
            match code {
                code::CLIENTID => {
                    found.client = found.client.or(Some(body));
                    found.client_count += 1;
                }
                code::SERVERID => {
                    found.server = found.server.or(Some(body));
                    found.server_count += 1;
                }
                _ => {}
            }
        }
        found
    }
}

/// How many server identifiers a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ServerId {
    Forbidden,
    Mandatory,
    Optional,
}

impl<'a> Query<'a> {
    /// Reads and checks a packet; `server_duid` is our own identifier.
    ///
    /// # Errors
    /// Why the packet must be dropped.
    pub fn read(
        view: &'a View<'a>,
        input: &Inbound<'_>,
        server_duid: &[u8],
    ) -> Result<Self, DropReason> {
        let message_type = view.message_type().ok_or(DropReason::UnknownMessageType)?;
        // Before the type is looked at: what is meant for another server is none of our business.
        let found = Identifiers::of(view);
        if found.server.is_some_and(|named| named != server_duid) {
            return Err(DropReason::ForeignServer);
        }
        use MessageType::{
            Confirm, Decline, InformationRequest, Rebind, Release, Renew, Request, Solicit,
        };
        let server_id = match message_type {
            Solicit | Rebind | Confirm => ServerId::Forbidden,
            Request | Renew | Release | Decline => ServerId::Mandatory,
            InformationRequest => ServerId::Optional,
            _ => return Err(DropReason::UnsupportedMessageType),
        };
        let is_for_all = !matches!(message_type, Request | Renew | Release | Decline);
        if is_for_all && !view.is_relayed() && is_unicast(input) {
            return Err(DropReason::Unicast);
        }
        match (found.client_count, message_type) {
            (0, InformationRequest) | (1, _) => {}
            (0, _) => return Err(DropReason::NoClientId),
            _ => return Err(DropReason::SeveralClientIds),
        }
        match (found.server_count, server_id) {
            (0, ServerId::Mandatory) => return Err(DropReason::NoServerId),
            (1.., ServerId::Forbidden) => return Err(DropReason::UnexpectedServerId),
            (2.., _) => return Err(DropReason::SeveralServerIds),
            _ => {}
        }
        // Half of a message must not be carried out.
        if view.ias().any(|ia| ia.is_err()) {
            return Err(DropReason::Malformed);
        }
        let duid = found.client.map(Duid::new).transpose().map_err(|_| DropReason::BadDuid)?;
        Ok(Self { view, message_type, duid: duid.as_ref().map(Duid::bytes) })
    }

    /// The identity associations in their order, all of them well formed.
    pub fn ias(&self) -> impl Iterator<Item = Ia<'a>> + use<'a> {
        self.view.ias().flatten()
    }

    /// Whether the client asks for an option.
    #[must_use]
    pub fn wants(&self, code: u16) -> bool {
        self.view.requested_options().any(|wanted| wanted == code)
    }

    /// The address that the client has on its link, as far as it is known: that of the packet, or the one that the
    /// relay nearest to the client has noted.
    #[must_use]
    pub fn client_address(&self, input: &Inbound<'_>) -> Ipv6Addr {
        match (self.view.nearest_client_relay(), input.source.ip()) {
            (Some(relay), _) => relay.peer_address(),
            (None, IpAddr::V6(source)) => source,
            (None, IpAddr::V4(source)) => source.to_ipv6_mapped(),
        }
    }
}

/// Whether a datagram was sent to one of our own addresses.
fn is_unicast(input: &Inbound<'_>) -> bool {
    !input.destination.is_multicast()
}
