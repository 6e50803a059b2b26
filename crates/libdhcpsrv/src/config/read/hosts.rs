//! `reservations` of subnets and of the global scope, and the keys that say which of them count.
//!
//! What a reservation of one server alone has (addresses, boot fields) is read by its own [`ReadOwn`]; the rest, and
//! whether reservations keep apart from each other, is the same for both.

use std::collections::HashMap;

use cc::{Diagnostics, Element, MapReader, Position};
use libdhcp::data::encode_hex;

use super::maps;
use super::options::OptionScopes;
use super::text::quoted;
use crate::config::{Address, Prefix, Server};
use crate::hosts::{
    BootFields, Extras, GLOBAL, HostKind, Hosts, HostsBuilder, Identifier, IdentifierKind,
    IdentifierOrder, NewHost, ReservationRules, Resource,
};
use crate::lease::{AddressOf, HOSTNAME_LEN_MAX, SubnetId};

/// Addresses and prefixes of one host.
const RESOURCES_MAX: usize = 256;
/// Classes of one host.
const CLASSES_MAX: usize = 256;
/// Kea 1.1 did not see when one of these was given twice in a subnet (one of its examples does).
const TWICE_IN_OLD_FILES: [IdentifierKind; 2] =
    [IdentifierKind::CircuitId, IdentifierKind::ClientId];
const IDENTIFIERS: &str = "host-reservation-identifiers";
/// The old key.
pub(crate) const MODE: &str = "reservation-mode";
/// The keys of [`ReservationRules`], in the order of its flags.
pub(crate) const FLAGS: [&str; 3] =
    ["reservations-global", "reservations-in-subnet", "reservations-out-of-pool"];

/// Reads `host-reservation-identifiers`.
pub(crate) fn read_identifier_order(
    global: &MapReader<'_>,
    server: &Server,
    diagnostics: &mut Diagnostics,
) -> IdentifierOrder {
    let automatic = || server.host_identifiers.iter().copied();
    let automatic = || automatic().filter(|kind| *kind != IdentifierKind::FlexId).collect();
    let Some(items) = global.list(IDENTIFIERS) else {
        return automatic();
    };
    if items.is_empty() {
        let message = format!("'{IDENTIFIERS}' must not be empty");
        let hint = "leave it out for the default";
        diagnostics.error_with_hint(global.position_of(IDENTIFIERS), message, hint);
    }
    let mut known: Vec<&str> = server.host_identifiers.iter().map(|kind| kind.name()).collect();
    known.push("auto");
    known.sort_unstable();
    let mut order = IdentifierOrder::new();
    for (number, item) in items.iter().enumerate() {
        let name = item.as_str().unwrap_or_default();
        let problem = if !known.contains(&name) {
            "is unknown"
        } else if items.iter().take(number).any(|before| before.as_str() == Some(name)) {
            "is given twice"
        } else if name == "auto" && items.len() > 1 {
            "must stand alone"
        } else if let Some(kind) = IdentifierKind::from_name(name) {
            order.push(kind);
            continue;
        } else {
            return automatic();
        };
        let message = format!("'{IDENTIFIERS}': {} {problem}", quoted(name));
        let hint = match cc::closest(name, known.iter().copied()) {
            Some(near) if near != name => format!("did you mean '{near}'?"),
            _ => format!("the identifiers are {}", known.join(", ")),
        };
        diagnostics.error_with_hint(item.position, message, hint);
    }
    order
}

/// What a scope says about the reservations that count; `None` where it says nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuleScope {
    global: Option<bool>,
    in_subnet: Option<bool>,
    out_of_pool: Option<bool>,
}

impl RuleScope {
    /// Reads the keys of a scope.
    pub(crate) fn read(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) -> Self {
        let [global, in_subnet, out_of_pool] = FLAGS.map(|name| reader.bool_or_default(name));
        let Some(mode) = reader.str(MODE) else { return Self { global, in_subnet, out_of_pool } };
        let position = reader.position_of(MODE);
        if let Some(flag) = FLAGS.iter().find(|name| reader.is_written(name)) {
            let message = format!("'{MODE}' and '{flag}' cannot be given both");
            diagnostics.error_with_hint(position, message, format!("leave '{MODE}' out"));
        }
        let rules = rules_of_mode(mode);
        let names = FLAGS.iter().zip(rules.flags());
        let names = names.map(|(name, is_on)| format!("\"{name}\": {is_on}"));
        let message = format!("'{MODE}' is an old key");
        let hint = format!("write {}", names.collect::<Vec<_>>().join(", "));
        diagnostics.warning_with_hint(position, message, hint);
        Self {
            global: Some(rules.global()),
            in_subnet: Some(rules.in_subnet()),
            out_of_pool: Some(rules.out_of_pool()),
        }
    }

    /// The values with gaps closed by those of the scope around.
    pub(crate) fn within(&self, outer: &Self) -> Self {
        Self {
            global: self.global.or(outer.global),
            in_subnet: self.in_subnet.or(outer.in_subnet),
            out_of_pool: self.out_of_pool.or(outer.out_of_pool),
        }
    }

    /// The rules as packet code uses them.
    pub(crate) fn rules(&self) -> ReservationRules {
        let [global, in_subnet, out_of_pool] = ReservationRules::default().flags();
        ReservationRules::new([
            self.global.unwrap_or(global),
            self.in_subnet.unwrap_or(in_subnet),
            self.out_of_pool.unwrap_or(out_of_pool),
        ])
    }
}

/// Whether global reservations are looked for before a subnet is selected.
pub(crate) fn is_early_global(global: &MapReader<'_>) -> bool {
    global.bool_or_default("early-global-reservations-lookup").unwrap_or(false)
}

fn rules_of_mode(mode: &str) -> ReservationRules {
    ReservationRules::new(match mode {
        "out-of-pool" => [false, true, true],
        "global" => [true, false, false],
        "disabled" | "off" => [false, false, false],
        _ => [false, true, false],
    })
}

/// What a reservation of one server alone has.
#[derive(Debug)]
pub(crate) struct Own<A> {
    /// Addresses and prefixes, each with its place in the file.
    pub(crate) resources: Vec<(Resource<A>, Position)>,
    /// Fields of the header.
    pub(crate) boot: Option<Box<BootFields>>,
}

/// Reads what a reservation of one server alone has.
pub(crate) type ReadOwn<A> = fn(&MapReader<'_>, &mut Diagnostics) -> Own<A>;

/// The scope around reservations.
pub(crate) struct Around<'a, A> {
    /// The subnet; none for the global scope.
    pub(crate) subnet: Option<(SubnetId, Prefix<A>)>,
    /// Which reservations count there.
    pub(crate) rules: ReservationRules,
    /// Whether something lies in a pool of the subnet.
    pub(crate) in_pool: &'a dyn Fn(&Resource<A>) -> bool,
}

/// Collects all reservations of a file.
#[derive(Debug)]
pub(crate) struct HostReader<K: HostKind> {
    server: &'static Server,
    read_own: ReadOwn<AddressOf<K>>,
    builder: HostsBuilder<K>,
    /// Whether what is reserved must be so for one host of a subnet only.
    is_unique: bool,
    /// Whether some subnet looks global reservations up.
    is_global_used: bool,
    identifiers: HashMap<(SubnetId, IdentifierKind, Box<[u8]>), Position>,
    resources: HashMap<(SubnetId, AddressOf<K>, u8), Position>,
    prefixes: Vec<(Prefix<AddressOf<K>>, Position)>,
    /// Where classes are named first.
    classes: HashMap<Box<str>, Position>,
}

impl<K: HostKind> HostReader<K>
where
    AddressOf<K>: Address,
{
    /// Starts with no reservation.
    pub(crate) fn new(
        server: &'static Server,
        read_own: ReadOwn<AddressOf<K>>,
        global: &MapReader<'_>,
    ) -> Self {
        Self {
            server,
            read_own,
            builder: HostsBuilder::default(),
            is_unique: global.bool_or_default("ip-reservations-unique").unwrap_or(true),
            is_global_used: false,
            identifiers: HashMap::new(),
            resources: HashMap::new(),
            prefixes: Vec::new(),
            classes: HashMap::new(),
        }
    }

    /// Reads the reservations of a scope.
    pub(crate) fn read(
        &mut self,
        scope: &MapReader<'_>,
        around: &Around<'_, AddressOf<K>>,
        options: &mut OptionScopes<K::Options>,
        diagnostics: &mut Diagnostics,
    ) {
        let table = self.server.reservation;
        let mut is_any = false;
        for item in maps(scope, table.name) {
            is_any = true;
            let Some(reader) = MapReader::new(item, table, diagnostics) else { continue };
            self.read_host(&reader, around, options, diagnostics);
        }
        if let Some((subnet, _)) = around.subnet {
            self.is_global_used |= around.rules.global();
            if is_any && !around.rules.in_subnet() {
                let message = format!("reservations of subnet {} have no effect", subnet.0);
                let hint = "they count where 'reservations-in-subnet' is true";
                diagnostics.warning_with_hint(scope.position_of(table.name), message, hint);
            }
        }
    }

    /// Reads the reservations of the global scope, after those of the subnets, and makes the table.
    pub(crate) fn finish(
        mut self,
        global: &MapReader<'_>,
        has_subnets: bool,
        options: &mut OptionScopes<K::Options>,
        diagnostics: &mut Diagnostics,
    ) -> Hosts<K> {
        let rules = ReservationRules::new([true, false, false]);
        let around = Around { subnet: None, rules, in_pool: &|_| false };
        self.read(global, &around, options, diagnostics);
        let name = self.server.reservation.name;
        let is_used = self.is_global_used || is_early_global(global);
        if has_subnets && !is_used && !global.items(name).is_empty() {
            let message = "global reservations have no effect";
            let hint = "they count in subnets where 'reservations-global' is true";
            diagnostics.warning_with_hint(global.position_of(name), message, hint);
        }
        self.check_prefixes(diagnostics);
        let mut named: Vec<_> = self.classes.into_iter().collect();
        named.sort_by_key(|(_, position)| *position);
        let resolve = |(name, position): (Box<str>, Position)| {
            let class = options.classes.resolve_reserved(&name, position, diagnostics);
            (name, class)
        };
        let numbers: HashMap<_, _> = named.into_iter().map(resolve).collect();
        self.builder.resolve_classes(|name| numbers.get(name).copied());
        self.builder.build()
    }

    fn read_host(
        &mut self,
        reader: &MapReader<'_>,
        around: &Around<'_, AddressOf<K>>,
        options: &mut OptionScopes<K::Options>,
        diagnostics: &mut Diagnostics,
    ) {
        let subnet = around.subnet.map_or(GLOBAL, |(id, _)| id);
        let identifier = self.read_identifier(reader, subnet, diagnostics);
        let Own { resources, boot } = (self.read_own)(reader, diagnostics);
        let resources = self.check_resources(resources, subnet, around, diagnostics);
        let hostname = read_hostname(reader, diagnostics);
        let extras = Extras {
            options: options.read(reader, diagnostics),
            client_classes: self.read_classes(reader, diagnostics),
            classes: Box::default(),
            boot,
        };
        let is_filled = |element: &Element| !element.is_blank();
        let gives = self.server.reservation.keywords.iter().filter(|row| {
            let is_plain = [cc::USER_CONTEXT.name, cc::COMMENT.name].contains(&row.name);
            !is_plain && IdentifierKind::from_name(row.name).is_none()
        });
        let mut gives = gives.map(|row| row.name);
        if !gives.any(|name| reader.raw().get(name).is_some_and(is_filled)) {
            let message = "the reservation gives its host nothing";
            let hint = "add an address, a host name, options or classes";
            diagnostics.error_with_hint(reader.position(), message, hint);
        }
        if let Some((kind, bytes)) = identifier {
            self.builder.add(NewHost {
                subnet,
                identifier: Identifier { kind, bytes: &bytes },
                resources: &resources,
                hostname,
                extras,
            });
        }
    }

    /// The one identifier of a host.
    fn read_identifier(
        &mut self,
        reader: &MapReader<'_>,
        subnet: SubnetId,
        diagnostics: &mut Diagnostics,
    ) -> Option<(IdentifierKind, Vec<u8>)> {
        let kinds = self.server.host_identifiers.iter();
        let written = |kind: &&IdentifierKind| reader.is_written(kind.name());
        let mut found = kinds.filter(written);
        let Some(&kind) = found.next() else {
            let message = "the reservation does not say whom it is for";
            let names = self.server.host_identifiers.iter().map(|kind| kind.name());
            let hint = format!("give one of {}", names.collect::<Vec<_>>().join(", "));
            diagnostics.error_with_hint(reader.position(), message, hint);
            return None;
        };
        if let Some(other) = found.next() {
            let message = format!("'{kind}' and '{other}' cannot be given both");
            let hint = "a reservation has one identifier; make two of it";
            diagnostics.error_with_hint(reader.position_of(other.name()), message, hint);
        }
        let text = reader.str(kind.name())?;
        let position = reader.position_of(kind.name());
        let bytes = match encode_hex(text) {
            Ok(bytes) => bytes,
            Err(error) => {
                let message = format!("'{kind}' {}: {error}", quoted(text));
                let hint = "write hexadecimal digits, or text in single quotes";
                diagnostics.error_with_hint(position, message, hint);
                return None;
            }
        };
        let range = kind.len_range();
        if !range.contains(&bytes.len()) {
            let (min, max, found) = (range.start(), range.end(), bytes.len());
            let message = format!("'{kind}' must have from {min} to {max} bytes, found {found}");
            diagnostics.error(position, message);
            return None;
        }
        let key = (subnet, kind, bytes.clone().into_boxed_slice());
        if let Some(first) = self.identifiers.insert(key, position) {
            let place = if subnet == GLOBAL { "global scope" } else { "subnet" };
            let message = format!("the {place} has a reservation for '{kind}' {text} already");
            let place = diagnostics.place(first);
            if TWICE_IN_OLD_FILES.contains(&kind) {
                let hint = format!("that at {place} counts; this one is disregarded");
                diagnostics.warning_with_hint(position, message, hint);
                return None;
            }
            diagnostics.error_with_hint(position, message, format!("the first one is at {place}"));
        }
        Some((kind, bytes))
    }

    /// The addresses and prefixes that go together with their subnet and other reservations.
    fn check_resources(
        &mut self,
        resources: Vec<(Resource<AddressOf<K>>, Position)>,
        subnet: SubnetId,
        around: &Around<'_, AddressOf<K>>,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Resource<AddressOf<K>>> {
        let mut own: Vec<Resource<AddressOf<K>>> = Vec::with_capacity(resources.len());
        if let Some((_, position)) = resources.get(RESOURCES_MAX) {
            let message =
                format!("a reservation has at most {RESOURCES_MAX} addresses and prefixes");
            diagnostics.error_with_hint(*position, message, "divide it among several hosts");
            return own;
        }
        for (resource, position) in resources {
            let prefix = Prefix { address: resource.address, len: resource.prefix_len };
            let text = if resource.is_prefix {
                format!("prefix {prefix}")
            } else {
                format!("address {}", resource.address)
            };
            if let Some((_, network)) = around.subnet
                && !resource.is_prefix
                && !network.span().covers(prefix.span())
            {
                let message = format!("reserved {text} is not within subnet {network}");
                let hint = format!("the subnet is {}", network.span());
                diagnostics.error_with_hint(position, message, hint);
            }
            let rules = around.rules;
            if rules.in_subnet() && rules.out_of_pool() && (around.in_pool)(&resource) {
                let message = format!("reserved {text} lies in a pool and so is not reserved");
                let hint = "'reservations-out-of-pool' says that no reservation does";
                diagnostics.warning_with_hint(position, message, hint);
            }
            let is_same = |other: &Resource<AddressOf<K>>| {
                (other.address, other.prefix_len) == (resource.address, resource.prefix_len)
            };
            if own.iter().any(is_same) {
                diagnostics.error(position, format!("{text} is given twice"));
                continue;
            }
            own.push(resource);
            let key = (subnet, resource.address, resource.prefix_len);
            if let Some(&first) = self.resources.get(&key).filter(|_| self.is_unique) {
                let message = format!("{text} is reserved already");
                let place = diagnostics.place(first);
                let hint = format!(
                    "the first reservation is at {place}; 'ip-reservations-unique' set to false \
                     allows several"
                );
                diagnostics.error_with_hint(position, message, hint);
            }
            self.resources.entry(key).or_insert(position);
            self.prefixes.push((prefix, position));
        }
        own
    }

    fn read_classes(
        &mut self,
        reader: &MapReader<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Box<[Box<str>]> {
        let mut classes: Vec<Box<str>> = Vec::new();
        for item in reader.items("client-classes") {
            if classes.len() == CLASSES_MAX {
                let message = format!("a reservation has at most {CLASSES_MAX} classes");
                diagnostics.error_with_hint(item.position, message, "join some of them into one");
                break;
            }
            let name = item.as_str().unwrap_or_default().trim();
            if name.is_empty() {
                diagnostics.error(item.position, "a class has no name");
            } else if classes.iter().any(|class| &**class == name) {
                diagnostics.error(item.position, format!("class {} is given twice", quoted(name)));
            } else {
                self.classes.entry(name.into()).or_insert(item.position);
                classes.push(name.into());
            }
        }
        classes.into()
    }

    /// Reports addresses and prefixes that lie within another prefix: two hosts would share addresses.
    fn check_prefixes(&mut self, diagnostics: &mut Diagnostics) {
        let order = |(prefix, position): &(Prefix<AddressOf<K>>, Position)| {
            (prefix.first(), prefix.len, *position)
        };
        self.prefixes.sort_by_key(order);
        let mut widest: Option<(Prefix<AddressOf<K>>, Position)> = None;
        for &(prefix, position) in &self.prefixes {
            match widest {
                Some((wide, first)) if wide.span().covers(prefix.span()) => {
                    if wide != prefix {
                        let text = match prefix.len {
                            len if len == AddressOf::<K>::LEN => {
                                format!("address {}", prefix.address)
                            }
                            _ => format!("prefix {prefix}"),
                        };
                        let message = format!("reserved {text} is a part of {wide}");
                        let hint = format!("that one is reserved at {}", diagnostics.place(first));
                        diagnostics.error_with_hint(position, message, hint);
                    }
                }
                _ => widest = Some((prefix, position)),
            }
        }
    }
}

fn read_hostname<'a>(reader: &MapReader<'a>, diagnostics: &mut Diagnostics) -> &'a [u8] {
    let text = reader.str("hostname").unwrap_or_default();
    if text.len() > HOSTNAME_LEN_MAX {
        let found = text.len();
        let message =
            format!("'hostname' must have at most {HOSTNAME_LEN_MAX} bytes, found {found}");
        diagnostics.error(reader.position_of("hostname"), message);
        return &[];
    }
    text.as_bytes()
}
