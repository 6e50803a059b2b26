//! `interfaces-config`: the form of the entries and whether they go together.
//!
//! Whether an interface exists is no question of the configuration: it may appear later.

use std::collections::HashMap;

use cc::{Diagnostics, Element, MapReader};

use super::text::quoted;
use crate::config::Address;
use crate::config::keywords::refuse_unsupported;

/// What a server asks of entries beyond their form.
#[derive(Debug)]
pub(crate) struct EntryRules<A> {
    /// Whether an interface may be given with and without an address.
    pub(crate) is_mixed: bool,
    /// Says why an address of the right form cannot be served.
    pub(crate) unfit: fn(A) -> Option<&'static str>,
    /// Says what is doubtful about an address.
    pub(crate) doubt: fn(A) -> Option<&'static str>,
}

/// Reads the entries of `interfaces` from `interfaces-config`, in the form `name` or `name/address`.
pub(crate) fn read<A: Address>(
    reader: &MapReader<'_>,
    rules: &EntryRules<A>,
    diagnostics: &mut Diagnostics,
) -> Vec<String> {
    refuse_unsupported(reader, diagnostics);
    if reader.bool("service-sockets-require-all") == Some(true) {
        diagnostics.warning(
            reader.key_position_of("service-sockets-require-all"),
            "'service-sockets-require-all' has no effect: interfaces are served as they appear",
        );
    }
    let mut interfaces = Vec::new();
    let mut seen = HashMap::new();
    let items = reader.raw().get("interfaces").and_then(Element::as_list);
    for item in items.unwrap_or_default() {
        let entry = item.as_str().and_then(|text| read_entry(item, text, rules, diagnostics));
        let Some((name, address)) = entry else { continue };
        if go_together(&mut seen, name, address, item, rules, diagnostics) {
            interfaces.push(match address {
                Some(address) => format!("{name}/{address}"),
                None => name.to_owned(),
            });
        }
    }
    interfaces
}

fn read_entry<'a, A: Address>(
    item: &Element,
    text: &'a str,
    rules: &EntryRules<A>,
    diagnostics: &mut Diagnostics,
) -> Option<(&'a str, Option<A>)> {
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
    let Ok(address) = address.parse() else {
        let (name, kind, found) = (quoted(name), A::KIND, quoted(address));
        let message = format!("interface {name}: expected {kind}, found {found}");
        diagnostics.error_with_hint(item.position, message, hint);
        return None;
    };
    if let Some(problem) = (rules.unfit)(address) {
        let message = format!("interface {}: {address} {problem}", quoted(name));
        diagnostics.error_with_hint(item.position, message, "write an address of the interface");
        return None;
    }
    if let Some(doubt) = (rules.doubt)(address) {
        let message = format!("interface {}: {address} {doubt}", quoted(name));
        diagnostics.warning(item.position, message);
    }
    Some((name, Some(address)))
}

/// Checks an entry against those before it.
fn go_together<'a, A: Address>(
    seen: &mut HashMap<&'a str, Vec<Option<A>>>,
    name: &'a str,
    address: Option<A>,
    item: &Element,
    rules: &EntryRules<A>,
    diagnostics: &mut Diagnostics,
) -> bool {
    let before = seen.entry(name).or_default();
    let message = match address {
        _ if before.contains(&address) => Some("is given twice"),
        _ if rules.is_mixed => None,
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
