//! The configuration in force as JSON, with everything filled in that the file leaves out
//! (`config-get`): what both servers have in common.
//!
//! The tree of the file is completed from the keyword tables; what subnets inherit, their ids and
//! the form of prefixes and pools come from the compiled configuration. Keys without effect and
//! empty keys of parts that are not supported yet are left out. The result is itself a file that
//! loads and means the same, except for passwords, which are not shown.

use std::borrow::Cow;
use std::cell::Cell;

use cc::{Diagnostics, Document, Element, Map, MapReader, Scope, Value};
use libdhcp::definition::Definitions;

use super::keywords::databases::{MEMFILE, READ_TIMEOUT, SQL, TCP_USER_TIMEOUT, WRITE_TIMEOUT};
use super::keywords::{
    DHCP_DDNS, EXPIRED_LEASES, HOSTS_DATABASE, LEASE_DATABASE, LOGGER, MULTI_THREADING, OUTPUT,
    SANITY_CHECKS,
};
use super::read::hosts::{FLAGS, MODE, RuleScope};
use super::read::options::read_definitions;
use super::{Address, LeaseRules, Prefix, Server, Span, TeeTimes};
use crate::classes::read_class_definitions;
use crate::hosts::ReservationRules;

/// A configuration on its way to being complete.
#[derive(Debug)]
pub(crate) struct Completion {
    server: &'static Server,
    definitions: Definitions,
    /// The entry of the server.
    global: Map,
}

impl Completion {
    /// Completes all that both servers have.
    pub(crate) fn new(document: &Document, server: &'static Server) -> Self {
        let empty = Map::new();
        let top = document.root.as_map().unwrap_or(&empty);
        let written = top.get(server.entry).and_then(Element::as_map).unwrap_or(&empty);
        let mut written = written.clone();
        for (scope, kind) in server.types {
            if written.get(scope.name).is_none() {
                written.set(scope.name, Map::new().with("type", *kind));
            }
        }
        let mut global = server.global.with_defaults(&written);
        let own = [server.interfaces, server.compatibility];
        let shared = [&EXPIRED_LEASES, &MULTI_THREADING, &SANITY_CHECKS];
        let typed = server.types.iter().map(|(scope, _)| *scope);
        for scope in own.into_iter().chain(shared).chain(typed) {
            fill(&mut global, scope);
        }
        databases(&mut global);
        if global.get(DHCP_DDNS.name).is_some_and(|element| !element.is_blank()) {
            fill(&mut global, &DHCP_DDNS);
        }
        let loggers = written.get("loggers").or_else(|| {
            top.get("Logging").and_then(Element::as_map).and_then(|old| old.get("loggers"))
        });
        if let Some(loggers) = loggers {
            global.set("loggers", each(loggers, |_, map| logger(map)));
        }
        let definitions = definitions(&document.root, server);
        let mut completion = Self { server, definitions, global: Map::new() };
        set_each(&mut global, server.options.definition.name, |_, map| {
            server.options.definition.with_defaults(map)
        });
        completion.options(&mut global);
        completion.classes(&mut global);
        completion.hosts(&mut global);
        if written.get(MODE).is_some() {
            set_rules(&mut global, rules_of(&written, server));
        }
        completion.global = global;
        completion
    }

    /// Completes the lists of subnets, those of shared networks included; the numbers are places in the configuration.
    pub(crate) fn subnets(&mut self, complete: impl Fn(&Self, usize, &Map) -> Map) {
        let mut global = std::mem::take(&mut self.global);
        let name = self.server.subnet.name;
        set_each(&mut global, name, |number, map| complete(self, number, map));
        let next = Cell::new(global.get(name).and_then(Element::as_list).map_or(0, <[_]>::len));
        set_each(&mut global, self.server.network.name, |_, written| {
            let mut map = self.server.network.with_defaults(written);
            set_relays(&mut map);
            self.options(&mut map);
            set_each(&mut map, name, |_, map| complete(self, next.replace(next.get() + 1), map));
            map
        });
        self.global = global;
    }

    /// Completes `option-data` of a map.
    pub(crate) fn options(&self, map: &mut Map) {
        self.options_by(&self.definitions, map);
    }

    fn options_by(&self, definitions: &Definitions, map: &mut Map) {
        let option = |_, written: &Map| self.option(definitions, written);
        set_each(map, self.server.options.data.name, option);
    }

    /// Completes `client-classes`.
    fn classes(&self, map: &mut Map) {
        let (table, definition) = (self.server.class, self.server.options.definition);
        set_each(map, table.name, |_, written| {
            let mut map = table.with_defaults(written);
            set_each(&mut map, definition.name, |_, map| definition.with_defaults(map));
            self.options_by(&self.definitions_of(written), &mut map);
            map
        });
    }

    /// The definitions that hold in a class.
    fn definitions_of(&self, class: &Map) -> Cow<'_, Definitions> {
        let mut diagnostics = Diagnostics::new();
        let element = class.clone().into();
        let reader = MapReader::new(&element, self.server.class, &mut diagnostics);
        let rules = &self.server.options;
        let own = reader.and_then(|reader| {
            read_class_definitions(&reader, rules, &self.definitions, &mut diagnostics)
        });
        own.map_or(Cow::Borrowed(&self.definitions), Cow::Owned)
    }

    /// Completes `reservations` of a map.
    pub(crate) fn hosts(&self, map: &mut Map) {
        let table = self.server.reservation;
        set_each(map, table.name, |_, written| {
            let mut map = table.with_defaults(written);
            self.options(&mut map);
            map
        });
    }

    /// The whole tree.
    pub(crate) fn into_tree(self) -> Element {
        Map::new().with(self.server.entry, self.global).into()
    }

    fn option(&self, definitions: &Definitions, written: &Map) -> Map {
        let text = |name| written.get(name).and_then(Element::as_str);
        let space = text("space").unwrap_or(self.server.options.universe.top_space());
        let code = written.get("code").and_then(Element::as_int);
        let definition = match code.and_then(|code| code.try_into().ok()) {
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
        self.server.options.data.with_defaults(&map)
    }
}

/// Completes the maps of a list inside a map; an absent list stays absent.
pub(crate) fn set_each(outer: &mut Map, name: &str, complete: impl Fn(usize, &Map) -> Map) {
    if let Some(element) = outer.get_mut(name) {
        *element = each(element, complete);
    }
}

/// Sets the times of a subnet that T1 and T2 follow from.
pub(crate) fn set_tee_times(map: &mut Map, times: TeeTimes) {
    for (name, timer) in [("renew-timer", times.renew), ("rebind-timer", times.rebind)] {
        if let Some(timer) = timer {
            map.set(name, timer);
        }
    }
    map.set("calculate-tee-times", times.calculated.is_some());
    if let Some((t1, t2)) = times.calculated {
        map.set("t1-percent", f64::from(t1) / 1000.0);
        map.set("t2-percent", f64::from(t2) / 1000.0);
    }
}

/// Sets how leases are chosen and kept.
pub(crate) fn set_lease_rules(map: &mut Map, rules: &LeaseRules) {
    map.set("allocator", rules.allocator.name());
    map.set("pd-allocator", rules.pd_allocator.name());
    if let Some(threshold) = rules.cache.threshold {
        map.set("cache-threshold", threshold);
    }
    if let Some(max_age) = rules.cache.max_age {
        map.set("cache-max-age", max_age);
    }
    map.set("store-extended-info", rules.stores_extended_info);
    if let Some(threshold) = rules.adaptive_threshold {
        map.set("adaptive-lease-time-threshold", threshold);
    }
}

/// Sets which reservations count.
pub(crate) fn set_rules(map: &mut Map, rules: ReservationRules) {
    map.remove(MODE);
    for (name, is_on) in FLAGS.into_iter().zip(rules.flags()) {
        map.set(name, is_on);
    }
}

/// Completes `relay`: its addresses become a list.
pub(crate) fn set_relays(map: &mut Map) {
    let Some(relay) = map.get_mut("relay") else { return };
    let get = |name| relay.as_map().and_then(|map| map.get(name));
    let mut addresses: Vec<Element> = get("ip-address").cloned().into_iter().collect();
    addresses.extend_from_slice(get("ip-addresses").and_then(Element::as_list).unwrap_or_default());
    *relay = Map::new().with("ip-addresses", Value::List(addresses)).into();
}

/// A pool as a prefix where it is one, else as a range.
pub(crate) fn pool_text<A: Address>(pool: Span<A>) -> String {
    let prefix = Prefix::around(pool);
    if prefix.span() == pool { prefix.to_string() } else { format!("{}-{}", pool.first, pool.last) }
}

/// Completes a map inside a map; an absent one stays absent.
fn fill(outer: &mut Map, scope: &Scope) {
    if let Some(element) = outer.get_mut(scope.name)
        && let Some(map) = element.as_map()
    {
        *element = scope.with_defaults(map).into();
    }
}

/// Completes the databases; those of hosts become one list.
fn databases(global: &mut Map) {
    if let Some(element) = global.get_mut(LEASE_DATABASE.name)
        && let Some(map) = element.as_map()
    {
        let mut map = database(map);
        map.remove("readonly");
        *element = map.into();
    }
    const LIST: &str = "hosts-databases";
    let mut hosts: Vec<Element> = global.get(HOSTS_DATABASE.name).cloned().into_iter().collect();
    let list = global.get(LIST).and_then(Element::as_list);
    hosts.extend_from_slice(list.unwrap_or_default());
    global.remove(HOSTS_DATABASE.name);
    global.remove(LIST);
    if !hosts.is_empty() {
        let complete = |_, map: &Map| database(&HOSTS_DATABASE.with_defaults(map));
        global.set(LIST, each(&hosts.into(), complete));
    }
}

/// Takes out of a completed database what its type has no use for, and the password.
fn database(map: &Map) -> Map {
    let mut map = map.clone();
    let kind = map.get("type").and_then(Element::as_str).unwrap_or_default();
    let is_file = kind == "memfile";
    let timeouts: &[&str] = match kind {
        "postgresql" => &[READ_TIMEOUT, WRITE_TIMEOUT],
        _ => &[TCP_USER_TIMEOUT],
    };
    let useless = if is_file { &SQL[..] } else { &MEMFILE[..] };
    useless.iter().map(|row| row.name).chain(timeouts.iter().copied()).for_each(|name| {
        map.remove(name);
    });
    if map.get("password").is_some() {
        map.set("password", "*****");
    }
    map
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

/// Which reservations the global scope lets count.
fn rules_of(written: &Map, server: &Server) -> ReservationRules {
    let mut diagnostics = Diagnostics::new();
    let element = written.clone().into();
    let reader = MapReader::new(&element, server.global, &mut diagnostics);
    let rules = reader.map(|reader| RuleScope::read(&reader, &mut diagnostics).rules());
    rules.unwrap_or_default()
}

/// The definitions of the file, which loaded without error.
fn definitions(root: &Element, server: &Server) -> Definitions {
    let mut diagnostics = Diagnostics::new();
    let entry = root.as_map().and_then(|top| top.get(server.entry));
    let reader = entry.and_then(|entry| MapReader::new(entry, server.global, &mut diagnostics));
    match reader {
        Some(reader) => read_definitions(&reader, &server.options, &mut diagnostics),
        None => Definitions::new(server.options.universe),
    }
}
