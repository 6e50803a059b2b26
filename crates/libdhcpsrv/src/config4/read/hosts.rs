//! What a reservation of `kea-dhcp4` alone has: one address, and fields of the header.

use std::net::Ipv4Addr;

use cc::{Diagnostics, MapReader};

use super::network::{BOOT_FILE_NAME_MAX, SERVER_HOSTNAME_MAX, read_next_server, short};
use crate::config::Address;
use crate::config::read::hosts::Own;
use crate::config::read::text;
use crate::hosts::{BootFields, Resource};

/// Reads it.
pub(super) fn read_own(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) -> Own<Ipv4Addr> {
    let position = reader.position_of("ip-address");
    let address = reader
        .str("ip-address")
        .and_then(|text| text::address::<Ipv4Addr>(text, "ip-address", position, diagnostics));
    let address = address.filter(|address| {
        let is_usable = !matches!(*address, Ipv4Addr::UNSPECIFIED | Ipv4Addr::BROADCAST);
        if !is_usable {
            let message = format!("'ip-address' {address} cannot be reserved");
            diagnostics.error_with_hint(position, message, "it is no address of a host");
        }
        is_usable
    });
    let resource =
        |address| Resource { address, prefix_len: Ipv4Addr::LEN, is_prefix: false, excluded: None };
    if reader.str("next-server") == Some("") {
        let message = "'next-server' of a reservation is empty";
        let hint = "leave it out for that of the subnet";
        diagnostics.error_with_hint(reader.position_of("next-server"), message, hint);
    }
    Own {
        resources: address.map(|address| (resource(address), position)).into_iter().collect(),
        boot: read_boot(reader, diagnostics),
    }
}

/// Reads the fields of the header; nothing when there are none.
pub(super) fn read_boot(
    reader: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Box<BootFields>> {
    let bytes = |text: Option<&str>| text.unwrap_or_default().as_bytes().into();
    let boot = BootFields {
        next_server: read_next_server(reader, diagnostics).filter(|next| !next.is_unspecified()),
        server_hostname: bytes(short(reader, "server-hostname", SERVER_HOSTNAME_MAX, diagnostics)),
        boot_file_name: bytes(short(reader, "boot-file-name", BOOT_FILE_NAME_MAX, diagnostics)),
    };
    Some(boot).filter(|boot| *boot != BootFields::default()).map(Box::new)
}
