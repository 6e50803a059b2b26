//! A DHCPv4 packet as expressions see it.

use libdhcp::v4::{HEADER_LEN, View, code};
use util::link::Inbound;

use crate::classes::{ClassId, ClassSet};
use crate::context::{Field, FieldValue, PacketContext};

/// A received DHCPv4 packet with what is known about its arrival.
#[derive(Clone, Copy, Debug)]
pub struct Packet4<'a> {
    /// The packet.
    pub view: &'a View<'a>,
    /// How it arrived.
    pub inbound: &'a Inbound<'a>,
    /// Name of the interface that it arrived on.
    pub interface: &'a str,
    /// The classes that it is in so far.
    pub classes: &'a ClassSet,
}

impl PacketContext for Packet4<'_> {
    #[inline]
    fn option(&self, code: u16) -> Option<&[u8]> {
        self.view.option(u8::try_from(code).ok()?)
    }

    fn relay_option(&self, _: i8, _: u16) -> Option<&[u8]> {
        None
    }

    #[inline]
    fn field(&self, field: Field) -> FieldValue<'_> {
        let view = self.view;
        match field {
            Field::Ciaddr => FieldValue::Address(view.ciaddr().into()),
            Field::Destination => FieldValue::Address(self.inbound.destination),
            Field::Giaddr => FieldValue::Address(view.giaddr().into()),
            Field::Hlen => FieldValue::Number(view.hlen().into()),
            Field::Htype => FieldValue::Number(view.htype().into()),
            Field::Interface => FieldValue::Bytes(self.interface.as_bytes()),
            Field::Length => FieldValue::Number(self.len()),
            Field::Mac => FieldValue::Bytes(view.chaddr()),
            Field::MessageType => {
                let body = view.option(code::MESSAGE_TYPE);
                let number = body.and_then(|body| body.first()).copied();
                FieldValue::Number(number.unwrap_or_default().into())
            }
            Field::RelayLink(_) | Field::RelayPeer(_) => FieldValue::Absent,
            Field::Siaddr => FieldValue::Address(view.siaddr().into()),
            Field::Source => FieldValue::Address(self.inbound.source.ip()),
            Field::TransactionId => FieldValue::Number(view.xid()),
            Field::Yiaddr => FieldValue::Address(view.yiaddr().into()),
        }
    }

    #[inline]
    fn is_member(&self, class: ClassId) -> bool {
        self.classes.contains(class)
    }
}

impl Packet4<'_> {
    /// Length of header and options, repeated ones joined; like Kea's without the magic cookie.
    fn len(&self) -> u32 {
        let bodies = self.view.option_codes().into_iter().filter_map(|code| self.view.option(code));
        let options: usize = bodies.map(|body| 2 + body.len()).sum();
        (HEADER_LEN + options) as u32
    }
}
