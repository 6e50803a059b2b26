//! What a client class of `kea-dhcp4` alone has: times of offers, fields of the header.

use std::net::Ipv4Addr;

use cc::{Diagnostics, MapReader};

use super::hosts::read_boot;
use crate::classes::OwnFields;

/// Reads it.
pub(super) fn read_own(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) -> OwnFields {
    let boot = read_boot(reader, diagnostics);
    let next_server = boot.as_ref().and_then(|boot| boot.next_server);
    if next_server == Some(Ipv4Addr::BROADCAST) {
        let message = "'next-server' must not be the broadcast address";
        let position = reader.position_of("next-server");
        diagnostics.error_with_hint(position, message, "give the address of a host");
    }
    OwnFields { preferred_lifetime: None, offer_lifetime: reader.u32("offer-lifetime"), boot }
}
