//! A DHCPv6 packet as expressions see it.

use libdhcp::v6::{HEADER_LEN, OptionSpans, RELAY_HEADER_LEN, Relay, View, code};

use crate::arrival::Arrival;
use crate::classes::ClassId;
use crate::context::{Field, FieldValue, PacketContext};

/// A received DHCPv6 packet with what expressions can ask beside its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Packet6<'a> {
    /// The packet.
    pub view: &'a View<'a>,
    /// What is known beside its bytes.
    pub arrival: Arrival<'a>,
}

impl PacketContext for Packet6<'_> {
    #[inline]
    fn option(&self, code: u16) -> Option<&[u8]> {
        self.view.option(code)
    }

    fn each_code(&self, visit: &mut dyn FnMut(u16)) {
        self.view.all_options().for_each(|(code, _)| visit(code));
    }

    fn each_option(&self, code: u16, visit: &mut dyn FnMut(&[u8])) {
        let all = self.view.all_options();
        all.filter(|(found, _)| *found == code).for_each(|(_, body)| visit(body));
    }

    fn relay_option(&self, level: i8, code: u16) -> Option<&[u8]> {
        // The message inside is no option of the relay to Kea.
        self.relay(level).filter(|_| code != code::RELAY_MSG)?.option(code)
    }

    #[inline]
    fn field(&self, field: Field) -> FieldValue<'_> {
        let relayed = |address: Option<std::net::Ipv6Addr>| {
            address.map_or(FieldValue::Absent, |address| FieldValue::Address(address.into()))
        };
        match field {
            Field::Destination => self.arrival.destination(),
            Field::Interface => self.arrival.interface(),
            Field::Length => FieldValue::Number(self.len()),
            Field::MessageType => FieldValue::Number(self.view.raw_message_type().into()),
            Field::RelayLink(level) => relayed(self.relay(level).map(|relay| relay.link_address())),
            Field::RelayPeer(level) => relayed(self.relay(level).map(|relay| relay.peer_address())),
            Field::Source => self.arrival.source(),
            Field::TransactionId => {
                let [high, middle, low] = self.view.transaction_id();
                FieldValue::Number(u32::from_be_bytes([0, high, middle, low]))
            }
            Field::Ciaddr
            | Field::Giaddr
            | Field::Hlen
            | Field::Htype
            | Field::Mac
            | Field::Siaddr
            | Field::Yiaddr => FieldValue::Absent,
        }
    }

    #[inline]
    fn is_member(&self, class: ClassId) -> bool {
        self.arrival.classes.contains(class)
    }
}

impl Packet6<'_> {
    /// The relay message of a level; below 0 counted from the client.
    fn relay(&self, level: i8) -> Option<Relay<'_>> {
        let level = isize::from(level);
        let count = self.view.relay_count();
        let index = if level < 0 { count.checked_add_signed(level)? } else { level as usize };
        self.view.relay(index)
    }

    /// Length of all headers and options.
    fn len(&self) -> u32 {
        let len_of = |options: OptionSpans<'_>| -> usize {
            let outside = options.filter(|(code, _)| *code != code::RELAY_MSG);
            outside.map(|(_, body)| OPTION_HEADER_LEN + body.len()).sum()
        };
        let relays = self
            .view
            .relays()
            .map(|relay| RELAY_HEADER_LEN + OPTION_HEADER_LEN + len_of(relay.all_options()));
        let message = HEADER_LEN + len_of(self.view.all_options());
        (relays.sum::<usize>() + message) as u32
    }
}

const OPTION_HEADER_LEN: usize = 4;
