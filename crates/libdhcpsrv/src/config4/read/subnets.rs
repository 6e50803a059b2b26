//! `subnet4`: subnets with inherited values filled in, and the indexes over them.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use cc::{Diagnostics, Element, MapReader, Position};
use libdhcp::OptionSet;

use super::network::Network;
use super::options::{OptionScopes, server_identifiers};
use super::text::{self, Prefix, quoted};
use super::{maps, pools, refuse_unsupported};
use crate::config4::keywords::{RELAY, SUBNET};
use crate::config4::{Pool4, PrefixIndex, Subnet4, SubnetIndex};

/// What subnets inherit.
pub(super) struct Outer<'o, 'a> {
    pub(super) network: &'o Network<'a>,
    pub(super) options: &'o Arc<OptionSet>,
}

/// All subnets with their pools and indexes.
#[derive(Debug, Default)]
pub(super) struct Subnets {
    pub(super) subnets: Vec<Subnet4>,
    pub(super) pools: Vec<Pool4>,
    pub(super) by_address: PrefixIndex<Ipv4Addr>,
    pub(super) by_relay: HashMap<Ipv4Addr, SubnetIndex>,
    pub(super) by_interface: HashMap<Box<str>, SubnetIndex>,
}

/// What must be unique in the file, with the place of the first.
#[derive(Debug)]
struct Taken {
    ids: HashMap<u32, Position>,
    prefixes: HashMap<(u32, u8), Position>,
    next_id: u32,
    has_warned: bool,
}

/// Reads `subnet4` of the global scope.
pub(super) fn read(
    global: &MapReader<'_>,
    outer: &Outer<'_, '_>,
    scopes: &mut OptionScopes,
    diagnostics: &mut Diagnostics,
) -> Subnets {
    let count = global.items("subnet4").len();
    let mut all = Subnets::default();
    let mut ranges = Vec::with_capacity(count);
    let mut taken = Taken {
        ids: HashMap::with_capacity(count),
        prefixes: HashMap::with_capacity(count),
        next_id: 1,
        has_warned: count < 2,
    };
    all.subnets.reserve_exact(count);
    for item in maps(global, "subnet4") {
        let Some(reader) = MapReader::new(item, &SUBNET, diagnostics) else { continue };
        refuse_unsupported(&reader, diagnostics);
        let index = SubnetIndex(all.subnets.len() as u32);
        let relays = read_relays(&reader, diagnostics);
        let prefix = read_prefix(&reader, &mut taken, diagnostics);
        // The place of a prefix that cannot be read; its subnet is checked but never used.
        let place = prefix.unwrap_or(Prefix { address: 0, len: 0 });
        let start = all.pools.len() as u32;
        pools::read(&reader, place, &mut all.pools, diagnostics);
        let pools = start..all.pools.len() as u32;
        let options = scopes.read(&reader, diagnostics);
        let network = Network::read(&reader, diagnostics);
        network.check(Some(outer.network), &reader, diagnostics);
        let network = network.within(outer.network);
        let own_identifier = server_identifiers(&options).first().copied();
        let identifier =
            own_identifier.or_else(|| server_identifiers(outer.options).first().copied());
        let interface = reader.str("interface").map(str::trim).filter(|name| !name.is_empty());
        all.subnets.push(Subnet4 {
            id: taken.id(&reader, diagnostics),
            prefix: Ipv4Addr::from(place.first()),
            prefix_len: place.len,
            timers: network.timers(),
            match_client_id: network.match_client_id.unwrap_or(true),
            authoritative: network.authoritative.unwrap_or(false),
            next_server: network.next_server.unwrap_or(Ipv4Addr::UNSPECIFIED),
            server_hostname: network.server_hostname.unwrap_or_default().as_bytes().into(),
            boot_file_name: network.boot_file_name.unwrap_or_default().as_bytes().into(),
            options,
            pools,
            interface: interface.map(Into::into),
            server_identifier: identifier,
        });
        ranges.push(crate::config::Span { first: place.first().into(), last: place.last().into() });
        for relay in relays {
            all.by_relay.entry(relay).or_insert(index);
        }
        if let Some(interface) = interface {
            all.by_interface.entry(interface.into()).or_insert(index);
        }
    }
    all.pools.shrink_to_fit();
    all.by_address = PrefixIndex::new(&ranges);
    all
}

fn read_prefix(
    reader: &MapReader<'_>,
    taken: &mut Taken,
    diagnostics: &mut Diagnostics,
) -> Option<Prefix> {
    let text = reader.str("subnet")?;
    let position = reader.position_of("subnet");
    let prefix = match Prefix::parse(text) {
        Ok(prefix) => prefix,
        Err(problem) => {
            let message = format!("subnet {}: {problem}", quoted(text));
            let hint = "write 'address/length', for example 192.0.2.0/24";
            diagnostics.error_with_hint(position, message, hint);
            return None;
        }
    };
    let network = Ipv4Addr::from(prefix.first());
    if prefix.address != prefix.first() {
        let message = format!("subnet {} has host bits", quoted(text));
        let hint = format!("read as {network}/{}", prefix.len);
        diagnostics.warning_with_hint(position, message, hint);
    }
    if let Some(first) = taken.prefixes.insert((prefix.first(), prefix.len), position) {
        let message = format!("subnet {network}/{} is there already", prefix.len);
        let hint = format!("the first one is at {}", diagnostics.place(first));
        diagnostics.error_with_hint(position, message, hint);
    }
    Some(prefix)
}

impl Taken {
    /// The id of a subnet: as written, else counted.
    fn id(&mut self, reader: &MapReader<'_>, diagnostics: &mut Diagnostics) -> u32 {
        let written = reader.u32("id").filter(|id| *id != 0);
        let position = reader.position_of("id");
        if reader.is_written("id") && reader.u32("id").is_none() {
            return 0;
        }
        let id = written.unwrap_or(self.next_id);
        if written.is_none() {
            self.next_id += 1;
        }
        if written.is_none() && !self.has_warned {
            self.has_warned = true;
            let message = format!("the subnet has no 'id' and gets {id}, by its place in the file");
            let hint = "give each subnet its own, so that leases keep theirs when the file changes";
            diagnostics.warning_with_hint(position, message, hint);
        }
        if let Some(&first) = self.ids.get(&id) {
            let how = if written.is_some() { "" } else { " (counted, as there is no 'id')" };
            let message = format!("ID {id} of the subnet{how} is already in use");
            let hint = format!("the first one is at {}", diagnostics.place(first));
            diagnostics.error_with_hint(position, message, hint);
        } else {
            self.ids.insert(id, position);
        }
        id
    }
}

/// Reads `relay`: the addresses of relays whose clients the subnet serves.
fn read_relays(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) -> Vec<Ipv4Addr> {
    let Some(element) = reader.element("relay").filter(|element| !is_empty_map(element)) else {
        return Vec::new();
    };
    let Some(relay) = MapReader::new(element, &RELAY, diagnostics) else { return Vec::new() };
    let single = relay.element("ip-address");
    let several = relay.element("ip-addresses");
    if let (Some(_), Some(several)) = (single, several) {
        let message = "'ip-address' and 'ip-addresses' cannot be given both";
        diagnostics.error_with_hint(several.position, message, "put all into 'ip-addresses'");
    }
    let mut relays = Vec::new();
    let list = several.and_then(Element::as_list).unwrap_or_default();
    for (element, keyword) in single
        .map(|element| (element, "ip-address"))
        .into_iter()
        .chain(list.iter().map(|element| (element, "ip-addresses")))
    {
        let address = element
            .as_str()
            .and_then(|text| text::address(text, keyword, element.position, diagnostics));
        let Some(address) = address.filter(|address| !address.is_unspecified()) else { continue };
        if relays.contains(&address) {
            let message = format!("relay {address} is given twice");
            diagnostics.error(element.position, message);
        }
        relays.push(address);
    }
    relays
}

fn is_empty_map(element: &Element) -> bool {
    element.as_map().is_some_and(cc::Map::is_empty)
}
