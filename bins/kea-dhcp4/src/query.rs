//! The fields of a query that decisions are made on, read once.
//!
//! Typed access to options is checked here: an option of the wrong length is treated as absent (today's Kea is
//! lenient in the same way), except where its absence would change the meaning of the message.

use std::net::Ipv4Addr;

use libdhcp::ClientId;
use libdhcp::v4::{MessageType, OptionError, View};
use libdhcpsrv::lease4::ClientKey;
use util::link::LinkAddress;

/// One query, read.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// The packet behind it.
    pub view: &'a View<'a>,
    /// Option 53.
    pub message_type: MessageType,
    /// Client's own address, when it has one.
    pub ciaddr: Ipv4Addr,
    /// Relay's address; 0.0.0.0 for a direct client.
    pub giaddr: Ipv4Addr,
    /// Option 50.
    pub requested_address: Option<Ipv4Addr>,
    /// Option 54.
    pub server_identifier: Option<Ipv4Addr>,
    /// Option 51: seconds that the client wishes.
    pub lease_time: Option<u32>,
    /// Option 61, at least two bytes long.
    pub client_identifier: Option<&'a [u8]>,
}

impl<'a> Query<'a> {
    /// Reads the fields of a packet whose type is known.
    ///
    /// # Errors
    /// When option 50 or 54, which tell the states of a client apart, has a wrong length.
    pub fn read(view: &'a View<'a>, message_type: MessageType) -> Result<Self, OptionError> {
        Ok(Self {
            view,
            message_type,
            ciaddr: view.ciaddr(),
            giaddr: view.giaddr(),
            requested_address: view.requested_address()?.and_then(set),
            server_identifier: view.server_identifier()?.and_then(set),
            lease_time: view.lease_time().ok().flatten(),
            client_identifier: view
                .client_identifier()
                .ok()
                .flatten()
                .map(|id| ClientId::bytes(&id)),
        })
    }

    /// What the client's leases are found by.
    #[must_use]
    pub fn client_key(&self, match_client_id: bool) -> ClientKey<'a> {
        ClientKey {
            hw_type: self.view.htype(),
            hw: self.view.chaddr(),
            client_id: self.client_identifier.filter(|_| match_client_id),
        }
    }

    /// Whether the client can be told from others.
    #[must_use]
    pub fn has_identity(&self, match_client_id: bool) -> bool {
        let key = self.client_key(match_client_id);
        !key.hw.is_empty() || key.client_id.is_some()
    }

    /// chaddr as an Ethernet address.
    #[must_use]
    pub fn link_address(&self) -> Option<LinkAddress> {
        let ethernet = self.view.htype() == 1;
        let bytes: [u8; 6] = self.view.chaddr().try_into().ok()?;
        ethernet.then_some(LinkAddress(bytes))
    }
}

fn set(address: Ipv4Addr) -> Option<Ipv4Addr> {
    (!address.is_unspecified()).then_some(address)
}
