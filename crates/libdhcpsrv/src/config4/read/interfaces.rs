//! `interfaces-config`: the form of the entries and whether they go together.
//!
//! Whether an interface exists is no question of the configuration: it may appear later.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use cc::{Diagnostics, Element, MapReader};

use super::text::quoted;
use crate::config4::keywords::{INTERFACES, refuse_unsupported};
use crate::config4::{InterfacesConfig, SocketType};

/// Reads `interfaces-config` of the global scope.
pub(super) fn read(global: &MapReader<'_>, diagnostics: &mut Diagnostics) -> InterfacesConfig {
    let mut config = InterfacesConfig { interfaces: Vec::new(), socket_type: SocketType::Raw };
    let Some(element) = global.element("interfaces-config") else { return config };
    let Some(reader) = MapReader::new(element, &INTERFACES, diagnostics) else { return config };
    refuse_unsupported(&reader, diagnostics);
    if reader.bool("service-sockets-require-all") == Some(true) {
        diagnostics.warning(
            reader.key_position_of("service-sockets-require-all"),
            "'service-sockets-require-all' has no effect: interfaces are served as they appear",
        );
    }
    if reader.str("dhcp-socket-type") == Some("udp") {
        config.socket_type = SocketType::Udp;
    }
    let mut seen = HashMap::new();
    let items = reader.raw().get("interfaces").and_then(Element::as_list);
    for item in items.unwrap_or_default() {
        let entry = item.as_str().and_then(|text| read_entry(item, text, diagnostics));
        let Some((name, address)) = entry else { continue };
        if go_together(&mut seen, name, address, item, diagnostics) {
            config.interfaces.push(match address {
                Some(address) => format!("{name}/{address}"),
                None => name.to_owned(),
            });
        }
    }
    config
}

fn read_entry<'a>(
    item: &Element,
    text: &'a str,
    diagnostics: &mut Diagnostics,
) -> Option<(&'a str, Option<Ipv4Addr>)> {
    let (name, address) = match text.split_once('/') {
        Some((name, address)) => (name.trim(), Some(address.trim())),
        None => (text.trim(), None),
    };
    let hint = "write '*', a name, or 'name/address'";
    if name.is_empty() {
        let message = format!("the name of the interface is missing in {}", quoted(text));
        diagnostics.error_with_hint(item.position, message, hint);
        return None;
    }
    let Some(address) = address else { return Some((name, None)) };
    if name == "*" {
        let message = "'*' stands for all interfaces and cannot have an address";
        diagnostics.error_with_hint(item.position, message, hint);
        return None;
    }
    match address.parse() {
        Ok(address) => Some((name, Some(address))),
        Err(_) => {
            let found = quoted(address);
            let message =
                format!("interface {}: expected an IPv4 address, found {found}", quoted(name));
            diagnostics.error_with_hint(item.position, message, hint);
            None
        }
    }
}

/// Checks an entry against those before it.
fn go_together<'a>(
    seen: &mut HashMap<&'a str, Vec<Option<Ipv4Addr>>>,
    name: &'a str,
    address: Option<Ipv4Addr>,
    item: &Element,
    diagnostics: &mut Diagnostics,
) -> bool {
    let before = seen.entry(name).or_default();
    let message = match address {
        _ if before.contains(&address) => Some("is given twice"),
        Some(_) if before.contains(&None) => Some("is given with and without an address"),
        None if !before.is_empty() => Some("is given with and without an address"),
        _ => None,
    };
    before.push(address);
    if let Some(message) = message {
        let entry = quoted(item.as_str().unwrap_or_default());
        let message = format!("interface {entry} {message}");
        diagnostics.error_with_hint(item.position, message, "remove one of the entries");
    }
    message.is_none()
}
