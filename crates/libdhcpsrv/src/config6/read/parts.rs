//! Keys and maps of the global scope that `kea-dhcp4` has not: sources of hardware addresses, options
//! of relays, the server's DUID.

use std::collections::BTreeSet;

use cc::{Diagnostics, Element, MapReader, closest};
use libdhcp::data::encode_hex;
use libdhcp::definition::DHCP6;
use libdhcp::v6::code;
use libdhcp::{Universe, option_defs};

use crate::config::read::parts::part;
use crate::config::read::text::quoted;
use crate::config6::keywords::SERVER_ID;
use crate::config6::{MacSource, RelaySupplied, ServerIdConfig, ServerIdKind};

/// Names of the sources; some of them are those of the standards.
const MAC_SOURCES: [(&str, &[MacSource]); 12] = [
    ("any", &MacSource::ANY),
    ("client-link-addr-option", &[MacSource::ClientLinkAddress]),
    ("docsis-cmts", &[MacSource::DocsisCmts]),
    ("docsis-modem", &[MacSource::DocsisModem]),
    ("duid", &[MacSource::Duid]),
    ("ipv6-link-local", &[MacSource::LinkLocal]),
    ("raw", &[MacSource::Raw]),
    ("remote-id", &[MacSource::RemoteId]),
    ("rfc4580", &[MacSource::SubscriberId]),
    ("rfc4649", &[MacSource::RemoteId]),
    ("rfc6939", &[MacSource::ClientLinkAddress]),
    ("subscriber-id", &[MacSource::SubscriberId]),
];

/// Bytes of a DUID without its type (RFC 8415 section 11.1).
const DUID_BODY_MAX: usize = 128;

/// Reads `mac-sources`.
pub(super) fn read_mac_sources(
    global: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<MacSource> {
    let Some(items) = global.list("mac-sources") else { return MacSource::ANY.to_vec() };
    let mut named: Vec<&[MacSource]> = Vec::new();
    for item in items {
        let name = item.as_str().unwrap_or_default();
        let names = || MAC_SOURCES.iter().map(|(name, _)| *name);
        let Some((_, sources)) = MAC_SOURCES.iter().find(|(known, _)| *known == name) else {
            let message = format!("'mac-sources': {} is unknown", quoted(name));
            let hint = match closest(name, names()) {
                Some(near) => format!("did you mean '{near}'?"),
                None => format!("the sources are {}", names().collect::<Vec<_>>().join(", ")),
            };
            diagnostics.error_with_hint(item.position, message, hint);
            continue;
        };
        if named.contains(sources) {
            let message = format!("'mac-sources': '{name}' is given twice");
            diagnostics.error_with_hint(item.position, message, "remove one of the entries");
        } else {
            named.push(sources);
        }
    }
    let mut sources = Vec::new();
    for source in named.into_iter().flatten() {
        if !sources.contains(source) {
            sources.push(*source);
        }
    }
    sources
}

/// Reads `relay-supplied-options`.
pub(super) fn read_relay_supplied(
    global: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
) -> RelaySupplied {
    let mut codes = BTreeSet::from([code::ERP_LOCAL_DOMAIN_NAME]);
    for item in global.items("relay-supplied-options") {
        let text = item.as_str().unwrap_or_default().trim();
        match option_code(text) {
            Some(code) => {
                codes.insert(code);
            }
            None => report_option(item, text, diagnostics),
        }
    }
    RelaySupplied(codes.into_iter().collect())
}

/// The code of an option that is given by its code or by its name.
fn option_code(text: &str) -> Option<u16> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().filter(|code| *code != 0);
    }
    option_defs::by_name(Universe::V6, DHCP6, text).map(|definition| definition.code)
}

fn report_option(item: &Element, text: &str, diagnostics: &mut Diagnostics) {
    let message = format!("'relay-supplied-options': {} is no option", quoted(text));
    let all = option_defs::of_space(Universe::V6, DHCP6);
    let hint = match closest(text, all.iter().map(|definition| &*definition.name)) {
        Some(near) => format!("did you mean '{near}'?"),
        None => "write a name of an option of DHCPv6, or a code from 1 to 65535".into(),
    };
    diagnostics.error_with_hint(item.position, message, hint);
}

/// Reads `server-id`.
pub(super) fn read_server_id(
    global: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
) -> ServerIdConfig {
    let default = ServerIdConfig::default();
    let Some(reader) = part(global, &SERVER_ID, diagnostics) else { return default };
    let kind = match reader.str("type") {
        Some("EN") => ServerIdKind::En,
        Some("LL") => ServerIdKind::Ll,
        _ => ServerIdKind::Llt,
    };
    let (idle, bytes_before): (&[&str], usize) = match kind {
        ServerIdKind::En => (&["htype", "time"], 4),
        ServerIdKind::Ll => (&["time", "enterprise-id"], 2),
        ServerIdKind::Llt => (&["enterprise-id"], 6),
    };
    for keyword in idle {
        if reader.int(keyword).is_some_and(|number| number != 0) {
            let message = format!("'{keyword}' has no effect with this type of 'server-id'");
            diagnostics.warning(reader.key_position_of(keyword), message);
        }
    }
    ServerIdConfig {
        kind,
        identifier: read_identifier(&reader, DUID_BODY_MAX - bytes_before, diagnostics),
        htype: reader.u16("htype").unwrap_or(0),
        time: reader.u32("time").unwrap_or(0),
        enterprise_id: reader.u32("enterprise-id").unwrap_or(0),
        persist: reader.bool_or_default("persist").unwrap_or(default.persist),
    }
}

/// Reads `identifier` of `server-id`, hexadecimal digits with colons or without.
fn read_identifier(
    reader: &MapReader<'_>,
    len_max: usize,
    diagnostics: &mut Diagnostics,
) -> Vec<u8> {
    let text = reader.str("identifier").unwrap_or_default();
    let position = reader.position_of("identifier");
    let digits = encode_hex(text).ok().filter(|_| !text.contains('\''));
    let Some(identifier) = digits else {
        let message = format!("'identifier' must be hexadecimal digits, found {}", quoted(text));
        diagnostics.error_with_hint(position, message, "write it as 0c0102030405");
        return Vec::new();
    };
    if identifier.len() > len_max {
        let found = identifier.len();
        let message = format!("'identifier' must have at most {len_max} bytes, found {found}");
        diagnostics.error_with_hint(position, message, "a DUID has at most 130 bytes in all");
    }
    identifier
}
