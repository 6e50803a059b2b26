//! What the generator asks of a protocol: writing the messages of clients, reading those of servers.
//!
//! The generator knows exchanges, not packets. `dhcp4` and `dhcp6` implement [`Protocol`]; which one a run uses is
//! settled when the program is compiled, so the seam costs nothing per packet.

use std::fmt::Debug;
use std::net::IpAddr;

/// Longest message that is sent, in bytes: what one Ethernet frame carries over IPv6.
pub const MESSAGE_LEN_MAX: usize = 1452;

/// The exchanges of a run, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exchange {
    /// DISCOVER-OFFER or SOLICIT-ADVERTISE (SOLICIT-REPLY with rapid commit).
    First = 0,
    /// REQUEST-ACK or REQUEST-REPLY.
    Second = 1,
    /// REQUEST-ACK of a renewal, or RENEW-REPLY.
    Renewal = 2,
    /// RELEASE, or RELEASE-REPLY.
    Release = 3,
}

impl Exchange {
    /// All exchanges, in the order of the report.
    pub const ALL: [Self; 4] = [Self::First, Self::Second, Self::Renewal, Self::Release];

    /// Place in arrays of one element per exchange.
    #[must_use]
    #[inline]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// A message to write.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a, L> {
    /// The exchange that it opens.
    pub exchange: Exchange,
    /// Transaction id.
    pub xid: u32,
    /// Number of the client.
    pub client: u32,
    /// Number of the exchange, which picks the relay address of a list.
    pub relay: u32,
    /// How long the client pretends to have waited, in hundredths of a second.
    pub elapsed_cs: u64,
    /// What the client was offered or holds; for [`Exchange::First`] without meaning.
    pub lease: &'a L,
}

/// What kind of message a server sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind {
    /// OFFER, ADVERTISE.
    Offer,
    /// ACK, REPLY.
    Final,
    /// NAK.
    Refusal,
    /// Any other message of a server.
    Other,
}

/// A message of a server.
#[derive(Clone, Copy, Debug)]
pub struct Reply<L> {
    /// Transaction id.
    pub xid: u32,
    /// Kind of message.
    pub kind: ReplyKind,
    /// The client that it names, in the form of [`Protocol::client_key`].
    pub client_key: u64,
    /// What it grants.
    pub lease: L,
    /// Whether the lease has everything that was asked for, and the server identifier.
    pub is_complete: bool,
}

/// Why a datagram is no message of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Shorter than any message.
    TooShort,
    /// A message of a client or of a relay.
    NotFromServer,
    /// Not the protocol at all, or its options are cut off or contradict themselves.
    Garbage,
}

/// Writes and reads the messages of one protocol.
pub trait Protocol {
    /// What a server offers or grants, with the server's identity.
    type Lease: Copy + Debug + Default;

    /// Bits of a transaction id.
    const XID_BITS: u32;
    /// Whether a server answers a release.
    const IS_RELEASE_ANSWERED: bool;
    /// Whether the second message of an exchange has a transaction id of its own.
    const IS_XID_RENEWED: bool;

    /// Writes a message into `out` and returns its length; `None` when it does not fit.
    fn write(&mut self, query: &Query<'_, Self::Lease>, out: &mut [u8]) -> Option<usize>;

    /// Reads a message of a server.
    ///
    /// # Errors
    /// Says why the datagram is none.
    fn read(&mut self, datagram: &[u8]) -> Result<Reply<Self::Lease>, Unreadable>;

    /// What replies to a client carry as its identity; `None` when that is not known (a template may say anything).
    fn client_key(&self, client: u32) -> Option<u64>;

    /// The address and the prefix of a lease.
    fn resources(lease: &Self::Lease) -> [Option<IpAddr>; 2];

    /// Whether the second lease is for what the first one offered.
    fn is_same(offered: &Self::Lease, granted: &Self::Lease) -> bool;

    /// Makes the server of another lease the one that is asked for this one.
    fn adopt_server(lease: &mut Self::Lease, other: &Self::Lease);

    /// Bytes of the identifier of the server that gave the lease.
    fn server_id(&self, lease: &Self::Lease) -> Vec<u8>;

    /// The identity of a client as the list of leases shows it.
    fn client_text(&self, client: u32) -> String;

    /// The names of the exchanges.
    fn exchange_name(exchange: Exchange) -> &'static str;
}
