//! What a client class of `kea-dhcp4` alone has: definitions of options, times of offers, fields of the header.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use cc::{Diagnostics, MapReader};
use libdhcp::definition::{DHCP4, Definitions};
use libdhcp::v4::code;

use super::hosts::read_boot;
use crate::classes::OwnFields;
use crate::config::read::maps;
use crate::config::read::options::add_definition;
use crate::config4::keywords::{CLASS, OPTION_DEF};

/// Reads it.
pub(super) fn read_own(
    reader: &MapReader<'_>,
    outer: &Definitions,
    diagnostics: &mut Diagnostics,
) -> OwnFields {
    debug_assert_eq!(reader.scope().name, CLASS.name);
    let boot = read_boot(reader, diagnostics);
    let next_server = boot.as_ref().and_then(|boot| boot.next_server);
    if next_server == Some(Ipv4Addr::BROADCAST) {
        let message = "'next-server' must not be the broadcast address";
        let position = reader.position_of("next-server");
        diagnostics.error_with_hint(position, message, "give the address of a host");
    }
    OwnFields {
        definitions: read_definitions(reader, outer, diagnostics),
        preferred_lifetime: None,
        offer_lifetime: reader.u32("offer-lifetime"),
        boot,
    }
}

/// Definitions that hold for the options of the class; nothing when it has none of its own.
fn read_definitions(
    reader: &MapReader<'_>,
    outer: &Definitions,
    diagnostics: &mut Diagnostics,
) -> Option<Definitions> {
    let mut definitions: Option<Definitions> = None;
    let mut codes = HashSet::new();
    for item in maps(reader, OPTION_DEF.name) {
        let Some(entry) = MapReader::new(item, &OPTION_DEF, diagnostics) else { continue };
        let (space, Some(code)) = (entry.str_or_default("space"), entry.int("code")) else {
            continue;
        };
        if space != Some(DHCP4) || !is_private(code) {
            let message = format!(
                "a class cannot define option {code} of space {}",
                space.unwrap_or_default()
            );
            let hint = "it can define 43 and 224 to 254 of 'dhcp4'; define others in 'option-def' of the global scope";
            diagnostics.error_with_hint(entry.position_of("code"), message, hint);
        } else if codes.insert(code) {
            let definitions = definitions.get_or_insert_with(|| outer.clone());
            add_definition(&entry, diagnostics, |definition| {
                definitions.supersede(definition);
                Ok(())
            });
        } else {
            let message = format!("the class defines option {code} already");
            diagnostics.error(entry.position_of("code"), message);
        }
    }
    definitions
}

/// Whether what an option is may depend on the client's class.
fn is_private(option: i64) -> bool {
    option == i64::from(code::VENDOR_ENCAPSULATED_OPTIONS) || (224..=254).contains(&option)
}
