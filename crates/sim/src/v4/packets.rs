//! Who clients are, and the fields of a message that the simulation looks at.

use std::net::Ipv4Addr;

use libdhcp::v4::{MessageType, SpanTable, View, code};
use libdhcpsrv::lease4::Lease4;

/// Who a client is, as far as the server can tell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) hw: [u8; 6],
    pub(crate) client_id: Option<Vec<u8>>,
}

impl Identity {
    /// The owner of a stored lease.
    pub(crate) fn of(lease: &Lease4) -> Self {
        let client_id = Some(lease.client_id.clone()).filter(|id| !id.is_empty());
        Self { hw: lease.hw.as_slice().try_into().unwrap_or_default(), client_id }
    }

    /// Whether the server must take both for the same client; written anew here, so as not to test the server's rule
    /// with itself.
    pub(crate) fn is_same(&self, other: &Self, match_client_id: bool) -> bool {
        match (&self.client_id, &other.client_id) {
            (Some(one), Some(two)) if match_client_id => one == two,
            _ => self.hw == other.hw,
        }
    }
}

/// A message, read.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) kind: MessageType,
    pub(crate) xid: u32,
    pub(crate) identity: Identity,
    pub(crate) ciaddr: Ipv4Addr,
    pub(crate) yiaddr: Ipv4Addr,
    pub(crate) requested: Option<Ipv4Addr>,
    pub(crate) server: Option<Ipv4Addr>,
    pub(crate) lifetime: Option<u32>,
    pub(crate) t1_t2: Option<(u32, u32)>,
}

impl Read {
    pub(crate) fn new(payload: &[u8]) -> Option<Self> {
        let mut spans = SpanTable::new();
        let view = View::parse(payload, &mut spans).ok()?;
        let t1 = view.u32_option(code::RENEWAL_TIME).ok().flatten();
        let t2 = view.u32_option(code::REBINDING_TIME).ok().flatten();
        Some(Self {
            kind: view.message_type().ok().flatten()?,
            xid: view.xid(),
            identity: Identity {
                hw: view.chaddr().try_into().ok()?,
                client_id: view.option(code::CLIENT_IDENTIFIER).map(<[u8]>::to_vec),
            },
            ciaddr: view.ciaddr(),
            yiaddr: view.yiaddr(),
            requested: view.requested_address().ok().flatten(),
            server: view.server_identifier().ok().flatten(),
            lifetime: view.lease_time().ok().flatten(),
            t1_t2: t1.zip(t2),
        })
    }

    /// Whether this is an ACK that grants an address.
    pub(crate) fn grants(&self) -> bool {
        self.kind == MessageType::Ack && !self.yiaddr.is_unspecified()
    }
}
