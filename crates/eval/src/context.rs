//! What an expression can ask of a packet.

use std::net::IpAddr;

use crate::classes::ClassId;

/// A packet with its surroundings, as expressions see it.
///
/// Implemented for both families ([`Packet4`](crate::Packet4), [`Packet6`](crate::Packet6)). What
/// the family does not have is absent.
pub trait PacketContext {
    /// Body of an option of the client's message: in DHCPv4 all occurrences joined, in DHCPv6 the
    /// first one.
    fn option(&self, code: u16) -> Option<&[u8]>;

    /// Shows the code of each option of the client's message, perhaps repeatedly.
    fn each_code(&self, visit: &mut dyn FnMut(u16));

    /// Shows the body of each option of the client's message with this code: in DHCPv4 at most one,
    /// all occurrences joined.
    fn each_option(&self, code: u16, visit: &mut dyn FnMut(&[u8])) {
        if let Some(body) = self.option(code) {
            visit(body);
        }
    }

    /// Body of the first option with this code in a relay message of DHCPv6. Levels from 0 count
    /// from the server, those from -1 downwards from the client.
    fn relay_option(&self, level: i8, code: u16) -> Option<&[u8]>;

    /// A field of the packet, or a fact about its arrival.
    fn field(&self, field: Field) -> FieldValue<'_>;

    /// Says whether the packet is in a client class.
    fn is_member(&self, class: ClassId) -> bool;
}

/// Fields that expressions name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `pkt4.ciaddr`
    Ciaddr,
    /// `pkt.dst`: destination address of the datagram.
    Destination,
    /// `pkt4.giaddr`
    Giaddr,
    /// `pkt4.hlen`
    Hlen,
    /// `pkt4.htype`
    Htype,
    /// `pkt.iface`: name of the interface.
    Interface,
    /// `pkt.len`: length of header and options.
    Length,
    /// `pkt4.mac`: hardware address.
    Mac,
    /// `pkt4.msgtype`, `pkt6.msgtype`
    MessageType,
    /// `relay6[level].linkaddr`
    RelayLink(i8),
    /// `relay6[level].peeraddr`
    RelayPeer(i8),
    /// `pkt4.siaddr`
    Siaddr,
    /// `pkt.src`: source address of the datagram.
    Source,
    /// `pkt4.transid`, `pkt6.transid`
    TransactionId,
    /// `pkt4.yiaddr`
    Yiaddr,
}

/// Value of a [`Field`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldValue<'p> {
    /// The packet has no such field: an empty string.
    Absent,
    /// Four or sixteen bytes.
    Address(IpAddr),
    /// Bytes as they are.
    Bytes(&'p [u8]),
    /// A number of whatever width; expressions see four bytes.
    Number(u32),
}

/// A packet without anything.
pub(crate) struct Nothing;

impl PacketContext for Nothing {
    fn option(&self, _: u16) -> Option<&[u8]> {
        None
    }

    fn each_code(&self, _: &mut dyn FnMut(u16)) {}

    fn relay_option(&self, _: i8, _: u16) -> Option<&[u8]> {
        None
    }

    fn field(&self, _: Field) -> FieldValue<'_> {
        FieldValue::Absent
    }

    fn is_member(&self, _: ClassId) -> bool {
        false
    }
}
