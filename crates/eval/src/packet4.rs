//! A DHCPv4 packet as expressions see it.

use libdhcp::v4::{HEADER_LEN, View, code};

use crate::arrival::Arrival;
use crate::classes::ClassId;
use crate::context::{Field, FieldValue, PacketContext};

/// A received DHCPv4 packet with what expressions can ask beside its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Packet4<'a> {
    /// The packet.
    pub view: &'a View<'a>,
    /// What is known beside its bytes.
    pub arrival: Arrival<'a>,
}

impl PacketContext for Packet4<'_> {
    #[inline]
    fn option(&self, code: u16) -> Option<&[u8]> {
        self.view.option(u8::try_from(code).ok()?)
    }

    fn each_code(&self, visit: &mut dyn FnMut(u16)) {
        self.view.option_codes().into_iter().for_each(|code| visit(code.into()));
    }

    fn relay_option(&self, _: i8, _: u16) -> Option<&[u8]> {
        None
    }

    #[inline]
    fn field(&self, field: Field) -> FieldValue<'_> {
        let view = self.view;
        match field {
            Field::Ciaddr => FieldValue::Address(view.ciaddr().into()),
            Field::Destination => self.arrival.destination(),
            Field::Giaddr => FieldValue::Address(view.giaddr().into()),
            Field::Hlen => FieldValue::Number(view.hlen().into()),
            Field::Htype => FieldValue::Number(view.htype().into()),
            Field::Interface => self.arrival.interface(),
            Field::Length => FieldValue::Number(self.len()),
            Field::Mac => FieldValue::Bytes(view.chaddr()),
            Field::MessageType => {
                let body = view.option(code::MESSAGE_TYPE);
                let number = body.and_then(|body| body.first()).copied();
                FieldValue::Number(number.unwrap_or_default().into())
            }
            Field::RelayLink(_) | Field::RelayPeer(_) => FieldValue::Absent,
            Field::Siaddr => FieldValue::Address(view.siaddr().into()),
            Field::Source => self.arrival.source(),
            Field::TransactionId => FieldValue::Number(view.xid()),
            Field::Yiaddr => FieldValue::Address(view.yiaddr().into()),
        }
    }

    #[inline]
    fn is_member(&self, class: ClassId) -> bool {
        self.arrival.classes.contains(class)
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
