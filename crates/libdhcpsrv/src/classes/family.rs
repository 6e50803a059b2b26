//! What differs between the two protocols where queries are put into classes: the vendor class, and names of messages.

use kea_log::{Logger, Message};
use libdhcp::{Universe, v4, v6};

use eval::PacketContext;

use crate::{loggers, messages};

/// One protocol.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) logger: &'static Logger,
    pub(super) additional_error: &'static Message,
    pub(super) additional_result: &'static Message,
    pub(super) additional_no_test: &'static Message,
    pub(super) additional_undefined: &'static Message,
    pub(super) class_assigned: &'static Message,
    pub(super) classes_assigned: &'static Message,
    pub(super) classes_after_subnet: &'static Message,
}

impl Family {
    /// The protocol of options.
    pub(super) fn of(universe: Universe) -> &'static Self {
        match universe {
            Universe::V4 => &DHCP4,
            Universe::V6 => &DHCP6,
        }
    }

    /// Whether a message is logged.
    #[inline]
    pub(super) fn is_logged(&self, message: &'static Message) -> bool {
        self.logger.is_rank_enabled(message.rank())
    }
}

static DHCP4: Family = Family {
    logger: &loggers::DHCP4,
    additional_error: &messages::DHCP4_ADDITIONAL_CLASS_EVAL_ERROR,
    additional_result: &messages::DHCP4_ADDITIONAL_CLASS_EVAL_RESULT,
    additional_no_test: &messages::DHCP4_ADDITIONAL_CLASS_NO_TEST,
    additional_undefined: &messages::DHCP4_ADDITIONAL_CLASS_UNDEFINED,
    class_assigned: &messages::DHCP4_CLASS_ASSIGNED,
    classes_assigned: &messages::DHCP4_CLASSES_ASSIGNED,
    classes_after_subnet: &messages::DHCP4_CLASSES_ASSIGNED_AFTER_SUBNET_SELECTION,
};

static DHCP6: Family = Family {
    logger: &loggers::DHCP6,
    additional_error: &messages::DHCP6_ADDITIONAL_CLASS_EVAL_ERROR,
    additional_result: &messages::DHCP6_ADDITIONAL_CLASS_EVAL_RESULT,
    additional_no_test: &messages::DHCP6_ADDITIONAL_CLASS_NO_TEST,
    additional_undefined: &messages::DHCP6_ADDITIONAL_CLASS_UNDEFINED,
    class_assigned: &messages::DHCP6_CLASS_ASSIGNED,
    classes_assigned: &messages::DHCP6_CLASSES_ASSIGNED,
    classes_after_subnet: &messages::DHCP6_CLASSES_ASSIGNED_AFTER_SUBNET_SELECTION,
};

/// Shows what the client says of its vendor: in DHCPv4 option 60; in DHCPv6 of each option 16 the name of a cable modem
/// if there is one, else the first value.
pub(super) fn each_vendor<C: PacketContext>(
    universe: Universe,
    packet: &C,
    mut visit: impl FnMut(&[u8]),
) {
    match universe {
        Universe::V4 => {
            let body = packet.option(v4::code::VENDOR_CLASS_IDENTIFIER.into()).unwrap_or_default();
            let end = body.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if let Some(text) = body.get(..end).filter(|text| !text.is_empty()) {
                visit(text);
            }
        }
        Universe::V6 => packet.each_option(v6::code::VENDOR_CLASS, &mut |body| {
            let values = || Values(body.get(ENTERPRISE_LEN..).unwrap_or_default());
            let known = CABLE.into_iter().find(|name| values().any(|value| value == *name));
            if let Some(value) = known.or_else(|| values().next()) {
                visit(value);
            }
        }),
    }
}

/// What cable modems and routers begin the name of their version with (DOCSIS 3.0, eRouter).
const CABLE: [&[u8]; 2] = [b"docsis3.0", b"eRouter1.0"];
/// The number of the enterprise, in front of the values.
const ENTERPRISE_LEN: usize = 4;

/// Values with a length of two bytes each.
struct Values<'a>(&'a [u8]);

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first_chunk()?;
        let (value, rest) = rest.split_at_checked(u16::from_be_bytes(*len).into())?;
        self.0 = rest;
        Some(value)
    }
}
