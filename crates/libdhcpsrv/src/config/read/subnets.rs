//! What every subnet has: a number, a prefix, relays, an interface; and the indexes over them.

use std::collections::{HashMap, HashSet};

use cc::{Diagnostics, Element, Map, MapReader, Position, Scope};

use super::maps;
use super::text::{self, quoted};
use crate::config::keywords::RELAY;
use crate::config::{Address, Prefix, PrefixIndex, Span, SubnetIndex, SubnetsBy};

/// Collects what must be unique in the file and what leads to a subnet.
#[derive(Debug)]
pub(crate) struct Subnets<A: Address> {
    ids: HashMap<u32, Position>,
    prefixes: HashMap<(A, u8), Position>,
    next_id: u32,
    /// The first subnet that got its id by its place in the file.
    without_id: Option<(u32, Position)>,
    has_warned: bool,
    spans: Vec<Span<A>>,
    /// Relay address to the subnets that name it.
    pub(crate) by_relay: SubnetsBy<A>,
    /// Interface name to the subnets that name it.
    pub(crate) by_interface: SubnetsBy<Box<str>>,
    networks: HashMap<Box<str>, Position>,
}

/// What leads clients to the subnets of a shared network that do not say so themselves.
#[derive(Debug)]
pub(crate) struct Link<'a, A> {
    relays: Vec<A>,
    interface: Option<&'a str>,
}

/// What every subnet has.
#[derive(Debug)]
pub(crate) struct SubnetBase<'a, A> {
    /// Its place in the file.
    pub(crate) index: SubnetIndex,
    /// `id`, as written or counted.
    pub(crate) id: u32,
    /// `subnet`; of one that cannot be read a place that is checked but never used.
    pub(crate) prefix: Prefix<A>,
    /// `interface`.
    pub(crate) interface: Option<&'a str>,
}

impl<A: Address> Subnets<A> {
    /// Starts with no subnet.
    pub(crate) fn new() -> Self {
        Self {
            ids: HashMap::new(),
            prefixes: HashMap::new(),
            next_id: 1,
            without_id: None,
            has_warned: false,
            spans: Vec::new(),
            by_relay: SubnetsBy::default(),
            by_interface: SubnetsBy::default(),
            networks: HashMap::new(),
        }
    }

    /// Number of subnets so far.
    pub(crate) fn count(&self) -> u32 {
        self.spans.len() as u32
    }

    /// Reads the name of the next shared network, which no other may have.
    pub(crate) fn read_network(
        &mut self,
        reader: &MapReader<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Box<str> {
        let name = reader.str("name").unwrap_or_default();
        let position = reader.position_of("name");
        if reader.str("name").is_some_and(|name| name.trim().is_empty()) {
            diagnostics.error(position, "'name' of a shared network must not be empty");
        } else if let Some(&first) = self.networks.get(name) {
            let message = format!("shared network {} is there already", quoted(name));
            let hint = format!("the first one is at {}", diagnostics.place(first));
            diagnostics.error_with_hint(position, message, hint);
        } else if !name.is_empty() {
            self.networks.insert(name.into(), position);
        }
        name.into()
    }

    /// Reads the next subnet; `around` is the link of the shared network that it belongs to.
    pub(crate) fn read<'a>(
        &mut self,
        reader: &MapReader<'a>,
        around: Option<&Link<'a, A>>,
        diagnostics: &mut Diagnostics,
    ) -> SubnetBase<'a, A> {
        let index = SubnetIndex(self.spans.len() as u32);
        let own = Link::read(reader, diagnostics);
        let of_network = around.map_or(&[][..], |around| &around.relays);
        let relays = if own.relays.is_empty() { of_network } else { &own.relays };
        for relay in relays {
            self.by_relay.add(*relay, index);
        }
        let interface = own.interface.or(around.and_then(|around| around.interface));
        if let Some(interface) = interface {
            self.by_interface.add(interface.into(), index);
        }
        let prefix = self.read_prefix(reader, diagnostics);
        let prefix = prefix.unwrap_or(Prefix { address: A::from_wide(0), len: 0 });
        self.spans.push(prefix.span());
        SubnetBase { index, id: self.read_id(reader, diagnostics), prefix, interface }
    }

    /// Address to the first subnet of the file that contains it.
    pub(crate) fn by_address(&self) -> PrefixIndex<A> {
        PrefixIndex::new(&self.spans)
    }

    fn read_prefix(
        &mut self,
        reader: &MapReader<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Prefix<A>> {
        let text = reader.str("subnet")?;
        let position = reader.position_of("subnet");
        let prefix = match Prefix::<A>::parse(text) {
            Ok(prefix) => prefix,
            Err(problem) => {
                let message = format!("subnet {}: {problem}", quoted(text));
                let hint = format!("write 'address/length', for example {}", A::EXAMPLE_PREFIX);
                diagnostics.error_with_hint(position, message, hint);
                return None;
            }
        };
        if prefix.address != prefix.first() {
            let message = format!("subnet {} has host bits", quoted(text));
            diagnostics.warning_with_hint(position, message, format!("read as {prefix}"));
        }
        if let Some(first) = self.prefixes.insert((prefix.first(), prefix.len), position) {
            let message = format!("subnet {prefix} is there already");
            let hint = format!("the first one is at {}", diagnostics.place(first));
            diagnostics.error_with_hint(position, message, hint);
        }
        Some(prefix)
    }

    /// The id of a subnet: as written, else counted.
    fn read_id(&mut self, reader: &MapReader<'_>, diagnostics: &mut Diagnostics) -> u32 {
        let written = reader.u32("id").filter(|id| *id != 0);
        let position = reader.position_of("id");
        if reader.is_written("id") && reader.u32("id").is_none() {
            return 0;
        }
        let id = written.unwrap_or(self.next_id);
        if written.is_none() {
            self.next_id += 1;
        }
        if written.is_none() && self.without_id.is_none() {
            self.without_id = Some((id, position));
        }
        let is_several = self.spans.len() > 1;
        if let Some((id, position)) = self.without_id.filter(|_| is_several && !self.has_warned) {
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

impl<'a, A: Address> Link<'a, A> {
    /// Reads `relay` and `interface` of a scope.
    pub(crate) fn read(reader: &MapReader<'a>, diagnostics: &mut Diagnostics) -> Self {
        let interface = reader.str("interface").map(str::trim).filter(|name| !name.is_empty());
        Self { relays: read_relays(reader, diagnostics), interface }
    }

    /// `interface`.
    pub(crate) fn interface(&self) -> Option<&'a str> {
        self.interface
    }
}

/// Checks that a shared network and its subnets name one interface, as far as they name any.
pub(crate) fn check_interfaces(
    network: &MapReader<'_>,
    subnet: &'static Scope,
    diagnostics: &mut Diagnostics,
) {
    let named = |map: &Map| {
        let element = map.get("interface")?;
        let name = element.as_str()?.trim().to_owned();
        Some((name, element.position)).filter(|(name, _)| !name.is_empty())
    };
    let subnets = maps(network, subnet.name).filter_map(Element::as_map);
    let mut all = std::iter::once(network.raw()).chain(subnets).filter_map(named);
    let Some((first, place)) = all.next() else { return };
    for (name, position) in all.filter(|(name, _)| *name != first) {
        let message = format!("a shared network is on one interface, found {}", quoted(&name));
        let hint = format!("{} names {}", diagnostics.place(place), quoted(&first));
        diagnostics.error_with_hint(position, message, hint);
    }
}

/// Reads `relay`: the addresses of relays whose clients the subnet serves.
fn read_relays<A: Address>(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) -> Vec<A> {
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
    let (mut relays, mut seen) = (Vec::new(), HashSet::new());
    let list = several.and_then(Element::as_list).unwrap_or_default();
    for (element, keyword) in single
        .map(|element| (element, "ip-address"))
        .into_iter()
        .chain(list.iter().map(|element| (element, "ip-addresses")))
    {
        let address = element
            .as_str()
            .and_then(|text| text::address::<A>(text, keyword, element.position, diagnostics));
        let Some(address) = address.filter(|address| !address.is_unspecified()) else { continue };
        if !seen.insert(address) {
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
