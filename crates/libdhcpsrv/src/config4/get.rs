//! The configuration in force as JSON, with everything filled in that the file leaves out
//! (`config-get`).
//!
//! The tree of the file is completed from the keyword tables; what subnets inherit, their ids and
//! the form of prefixes and pools come from the compiled configuration. Keys without effect and
//! empty keys of parts that are not supported yet are left out. The result is itself a file that
//! loads and means the same.

use cc::{Diagnostics, Document, Element, Map, MapReader, Scope, Value, write_json_pretty};
use libdhcp::Universe;
use libdhcp::definition::{DHCP4, Definitions};

use super::keywords::{
    COMPATIBILITY, DHCP_DDNS, EXPIRED_LEASES, GLOBAL, INTERFACES, LEASE_DATABASE, LOGGER,
    MULTI_THREADING, OPTION_DATA, OPTION_DEF, OUTPUT, POOL, SANITY_CHECKS, SUBNET,
};
use super::read::{Prefix, read_definitions};
use super::{Config4, Pool4, Subnet4};

/// The configuration as indented text. `document` is the file that `config` was read from.
#[must_use]
pub fn get(config: &Config4, document: &Document) -> String {
    write_json_pretty(&get_tree(config, document))
}

/// The configuration as a tree. `document` is the file that `config` was read from.
#[must_use]
pub fn get_tree(config: &Config4, document: &Document) -> Element {
    let empty = Map::new();
    let top = document.root.as_map().unwrap_or(&empty);
    let written = top.get("Dhcp4").and_then(Element::as_map).unwrap_or(&empty);
    let mut written = written.clone();
    if written.get(LEASE_DATABASE.name).is_none() {
        written.set(LEASE_DATABASE.name, Map::new().with("type", "memfile"));
    }
    let mut global = GLOBAL.with_defaults(&written);
    for scope in PARTS {
        fill(&mut global, scope);
    }
    if global.get(DHCP_DDNS.name).is_some_and(|element| !element.is_blank()) {
        fill(&mut global, &DHCP_DDNS);
    }
    let definitions = definitions(&document.root);
    let loggers = written.get("loggers").or_else(|| {
        top.get("Logging").and_then(Element::as_map).and_then(|old| old.get("loggers"))
    });
    if let Some(loggers) = loggers {
        global.set("loggers", each(loggers, |_, map| logger(map)));
    }
    set_each(&mut global, OPTION_DEF.name, |_, map| OPTION_DEF.with_defaults(map));
    set_each(&mut global, OPTION_DATA.name, |_, map| option(map, &definitions));
    set_each(&mut global, SUBNET.name, |number, map| match config.subnets.get(number) {
        Some(compiled) => subnet(map, compiled, config, &definitions),
        None => map.clone(),
    });
    Map::new().with("Dhcp4", global).into()
}

/// Maps of the global scope that are always shown.
const PARTS: [&Scope; 6] = [
    &INTERFACES,
    &LEASE_DATABASE,
    &EXPIRED_LEASES,
    &MULTI_THREADING,
    &COMPATIBILITY,
    &SANITY_CHECKS,
];

/// Completes a map inside a map; an absent one stays absent.
fn fill(outer: &mut Map, scope: &Scope) {
    if let Some(element) = outer.get_mut(scope.name)
        && let Some(map) = element.as_map()
    {
        *element = scope.with_defaults(map).into();
    }
}

/// Completes the maps of a list inside a map; an absent list stays absent.
fn set_each(outer: &mut Map, name: &str, complete: impl Fn(usize, &Map) -> Map) {
    if let Some(element) = outer.get_mut(name) {
        *element = each(element, complete);
    }
}

fn each(list: &Element, complete: impl Fn(usize, &Map) -> Map) -> Element {
    let items = list.as_list().unwrap_or_default().iter().enumerate();
    let items = items.map(|(number, item)| match item.as_map() {
        Some(map) => complete(number, map).into(),
        None => item.clone(),
    });
    items.collect::<Vec<Element>>().into()
}

fn logger(written: &Map) -> Map {
    let mut map = LOGGER.with_defaults(written);
    for name in ["output_options", "output-options"] {
        set_each(&mut map, name, |_, output| OUTPUT.with_defaults(output));
    }
    map
}

/// The definitions of the file, which loaded without error.
fn definitions(root: &Element) -> Definitions {
    let mut diagnostics = Diagnostics::new();
    let dhcp4 = root.as_map().and_then(|top| top.get("Dhcp4"));
    let reader = dhcp4.and_then(|dhcp4| MapReader::new(dhcp4, &GLOBAL, &mut diagnostics));
    let read = reader.map(|reader| read_definitions(&reader, &mut diagnostics));
    read.unwrap_or_else(|| Definitions::new(Universe::V4))
}

fn option(written: &Map, definitions: &Definitions) -> Map {
    let text = |name| written.get(name).and_then(Element::as_str);
    let space = text("space").unwrap_or(DHCP4);
    let code = written.get("code").and_then(Element::as_int).and_then(|code| code.try_into().ok());
    let definition = match code {
        Some(code) => definitions.by_code(space, code),
        None => text("name").and_then(|name| definitions.by_name(space, name)),
    };
    let mut map = written.clone();
    if let Some(definition) = definition {
        map.set("name", &*definition.name);
        map.set("code", definition.code);
    }
    if map.get("csv-format").is_none() {
        map.set("csv-format", definition.is_some());
    }
    OPTION_DATA.with_defaults(&map)
}

fn subnet(written: &Map, subnet: &Subnet4, config: &Config4, definitions: &Definitions) -> Map {
    let timers = &subnet.timers;
    let mut map = written.clone();
    map.set("id", subnet.id);
    map.set("subnet", format!("{}/{}", subnet.prefix, subnet.prefix_len));
    map.set("interface", subnet.interface.as_deref().unwrap_or_default());
    map.set("valid-lifetime", timers.valid_lifetime);
    map.set("min-valid-lifetime", timers.min_valid_lifetime);
    map.set("max-valid-lifetime", timers.max_valid_lifetime);
    let optional = [("renew-timer", timers.renew_timer), ("rebind-timer", timers.rebind_timer)];
    for (name, timer) in optional {
        if let Some(timer) = timer {
            map.set(name, timer);
        }
    }
    map.set("calculate-tee-times", timers.calculated.is_some());
    if let Some((t1, t2)) = timers.calculated {
        map.set("t1-percent", f64::from(t1) / 1000.0);
        map.set("t2-percent", f64::from(t2) / 1000.0);
    }
    map.set("match-client-id", subnet.match_client_id);
    map.set("authoritative", subnet.authoritative);
    map.set("next-server", subnet.next_server.to_string());
    map.set("server-hostname", String::from_utf8_lossy(&subnet.server_hostname).into_owned());
    map.set("boot-file-name", String::from_utf8_lossy(&subnet.boot_file_name).into_owned());
    if let Some(relay) = map.get_mut("relay") {
        *relay = relays(relay);
    }
    let pools = config.pools_of(subnet);
    set_each(&mut map, POOL.name, |number, written| {
        let mut map = written.clone();
        if let Some(pool) = pools.get(number) {
            map.set("pool", pool_text(*pool));
        }
        POOL.with_defaults(&map)
    });
    set_each(&mut map, OPTION_DATA.name, |_, map| option(map, definitions));
    SUBNET.with_defaults(&map)
}

/// `relay` with its addresses as a list.
fn relays(relay: &Element) -> Element {
    let get = |name| relay.as_map().and_then(|map| map.get(name));
    let mut addresses: Vec<Element> = get("ip-address").cloned().into_iter().collect();
    addresses.extend_from_slice(get("ip-addresses").and_then(Element::as_list).unwrap_or_default());
    Map::new().with("ip-addresses", Value::List(addresses)).into()
}

/// A pool as a prefix where it is one, else as a range.
fn pool_text(pool: Pool4) -> String {
    let len = (pool.last ^ pool.first).leading_zeros() as u8;
    let prefix = Prefix { address: pool.first, len };
    let (first, last) = (pool.first.into(), pool.last.into());
    let (first, last): (std::net::Ipv4Addr, std::net::Ipv4Addr) = (first, last);
    if (prefix.first(), prefix.last()) == (pool.first, pool.last) {
        format!("{first}/{len}")
    } else {
        format!("{first}-{last}")
    }
}
