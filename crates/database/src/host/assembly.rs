//! Rows of a host with one of its options and one of its reservations each, made into hosts.
//!
//! Anything can be in a row. A host that cannot be told from others is passed over; of one that can, what is wrong is left
//! out.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv4Addr, Ipv6Addr};

use libdhcpsrv::config::SqlAccess;
use libdhcpsrv::hosts::{
    BootFields, HostFault, Identifier, IdentifierKind, RawHost, RawOption, Resource,
};
use libdhcpsrv::lease::{AddressOf, HOSTNAME_LEN_MAX, SubnetId};
use libdhcpsrv::lease4::V4;
use libdhcpsrv::lease6::V6;
use libdhcpsrv::loggers::HOSTS;

use super::HostFamily;
use crate::messages::DATABASE_HOST_UNUSABLE;

/// Faults that are remembered as reported.
const REPORTED_MAX: usize = 4096;
/// Bytes of the fields of the DHCPv4 header.
const SERVER_HOSTNAME_LEN_MAX: usize = 63;
const BOOT_FILE_NAME_LEN_MAX: usize = 127;

/// A value in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// None, or none that can be read.
    Null,
    /// A number or a truth.
    Int(i64),
    /// Bytes or a text.
    Bytes(Vec<u8>),
}

impl Cell {
    fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// What has been reported, so that it is not said again whenever a host is looked for.
#[derive(Debug)]
pub struct FaultLog {
    database: String,
    reported: HashSet<(u64, Option<u64>, String)>,
}

impl FaultLog {
    /// A log that names a database.
    #[must_use]
    pub fn new(access: &SqlAccess) -> Self {
        Self { database: access.to_string(), reported: HashSet::new() }
    }

    /// Reports a fault unless that has been done.
    pub fn report(&mut self, fault: HostFault) {
        if self.reported.len() >= REPORTED_MAX {
            self.reported.clear();
        }
        let database = &self.database;
        let HostFault { host, option, ref reason } = fault;
        if self.reported.insert((host, option, reason.clone())) {
            kea_log::log!(HOSTS, DATABASE_HOST_UNUSABLE, database, fault);
        }
    }
}

/// Makes hosts of rows, in whatever order they come.
#[derive(Debug)]
pub struct HostAssembly<K: HostFamily> {
    hosts: Vec<Assembled<K>>,
    /// By number; those that are passed over have no place.
    places: HashMap<u64, Option<usize>>,
}

#[derive(Debug)]
struct Assembled<K: HostFamily> {
    host: RawHost<K>,
    options: HashSet<u64>,
    /// Each with its number.
    resources: Vec<(u64, Resource<AddressOf<K>>)>,
    seen: HashSet<u64>,
}

impl<K: Rows> Default for HostAssembly<K> {
    fn default() -> Self {
        Self { hosts: Vec::new(), places: HashMap::new() }
    }
}

impl<K: Rows> HostAssembly<K> {
    /// Adds a row, with the cells that [`super::HostColumns`] selects; `report` hears of what is wrong.
    pub fn add(&mut self, row: impl IntoIterator<Item = Cell>, report: &mut dyn FnMut(HostFault)) {
        let mut cells = row.into_iter();
        let mut next = || cells.next().unwrap_or(Cell::Null);
        let host = [next(), next(), next(), next(), next(), next()];
        let option = [next(), next(), next(), next(), next(), next(), next(), next()];
        let own = std::array::from_fn(|_| next());
        let Some(number) = host[0].int().and_then(|number| u64::try_from(number).ok()) else {
            let reason = "it has no number".to_owned();
            return report(HostFault { host: 0, option: None, reason });
        };
        let mut say = |option, reason: String| report(HostFault { host: number, option, reason });
        let place = match self.places.get(&number) {
            Some(place) => *place,
            None => {
                let assembled = begin::<K>(number, host, &own, &mut |reason| say(None, reason));
                let place = assembled.map(|assembled| {
                    self.hosts.push(assembled);
                    self.hosts.len() - 1
                });
                self.places.insert(number, place);
                place
            }
        };
        let Some(assembled) = place.and_then(|place| self.hosts.get_mut(place)) else { return };
        if let Some(number) = option[0].int().and_then(|number| u64::try_from(number).ok())
            && assembled.options.insert(number)
        {
            match option_of(number, option) {
                Ok(option) => assembled.host.options.push(option),
                Err(reason) => say(Some(number), reason),
            }
        }
        if let Some((number, resource)) = K::resource(own, &assembled.seen) {
            assembled.seen.insert(number);
            match resource {
                Ok((resource, None)) => assembled.resources.push((number, resource)),
                Ok((resource, Some(reason))) => {
                    assembled.resources.push((number, resource));
                    say(None, reason);
                }
                Err(reason) => say(None, reason),
            }
        }
    }

    /// The hosts.
    #[must_use]
    pub fn finish(self, report: &mut dyn FnMut(HostFault)) -> Vec<RawHost<K>> {
        let finished = self.hosts.into_iter().map(|assembled| {
            let Assembled { mut host, mut resources, .. } = assembled;
            resources.sort_by_key(|(number, _)| *number);
            for (_, resource) in resources {
                let is_other = |own: &Resource<AddressOf<K>>| {
                    own.address == resource.address && own.is_prefix != resource.is_prefix
                };
                if host.resources.iter().any(is_other) {
                    let reason = format!("{} is reserved as two types", resource.address);
                    report(HostFault { host: host.number, option: None, reason });
                } else if !host.resources.contains(&resource) {
                    host.resources.push(resource);
                }
            }
            host.options.sort_by_key(|option| option.number);
            host
        });
        finished.collect()
    }
}

/// A resource with its number: none if it cannot be used, with what is wrong with a part of it.
type Reserved<A> = (u64, Result<(Resource<A>, Option<String>), String>);
/// The cells of one protocol's own columns.
type OwnCells = [Cell; 6];

/// What rows of the two protocols differ in.
pub trait Rows: HostFamily {
    /// Fields of the header of a new host.
    fn boot(own: &OwnCells, say: &mut dyn FnMut(String)) -> Option<Box<BootFields>>;

    /// The resource of a row, unless it has been seen.
    fn resource(own: OwnCells, seen: &HashSet<u64>) -> Option<Reserved<AddressOf<Self>>>;
}

/// A new host; nothing if it cannot be told from others.
fn begin<K: Rows>(
    number: u64,
    cells: [Cell; 6],
    own: &OwnCells,
    say: &mut dyn FnMut(String),
) -> Option<Assembled<K>> {
    let [_, identifier, kind, subnet, hostname, classes] = cells;
    let found = kind.int().and_then(|kind| usize::try_from(kind).ok());
    let Some(kind) = found.and_then(|kind| IdentifierKind::ALL.get(kind)) else {
        say("the type of its identifier is not known".to_owned());
        return None;
    };
    let Some(identifier) = identifier.into_bytes() else {
        say("it has no identifier".to_owned());
        return None;
    };
    let range = kind.len_range();
    if !range.contains(&identifier.len()) {
        let (min, max, found) = (range.start(), range.end(), identifier.len());
        say(format!("its {kind} has {found} bytes, from {min} to {max} are possible"));
        return None;
    }
    let Some(subnet) = subnet.int().and_then(|subnet| u32::try_from(subnet).ok()) else {
        say("its subnet has no possible number".to_owned());
        return None;
    };
    let identifier = Identifier { kind: *kind, bytes: &identifier };
    let mut host = RawHost::new(number, SubnetId(subnet), identifier);
    host.boot = K::boot(own, say);
    host.hostname = part("host name", hostname, HOSTNAME_LEN_MAX, say);
    match String::from_utf8(classes.into_bytes().unwrap_or_default()) {
        Ok(classes) => host.client_classes = classes.into(),
        Err(_) => say("its classes are no text".to_owned()),
    }
    let (options, resources, seen) = (HashSet::new(), Vec::new(), HashSet::new());
    Some(Assembled { host, options, resources, seen })
}

/// A text that may be too long.
fn part(what: &str, cell: Cell, max: usize, say: &mut dyn FnMut(String)) -> Box<[u8]> {
    let bytes = cell.into_bytes().unwrap_or_default();
    if bytes.len() > max {
        say(format!("its {what} has {} bytes, {max} are possible", bytes.len()));
        return Box::default();
    }
    bytes.into()
}

fn option_of(number: u64, cells: [Cell; 8]) -> Result<RawOption, String> {
    let [_, code, value, text, space, persistent, cancelled, classes] = cells;
    let text_of = |what: &str, cell: Cell| {
        let bytes = cell.into_bytes().unwrap_or_default();
        String::from_utf8(bytes).map_err(|_| format!("its {what} is no text"))
    };
    let code = code.int().and_then(|code| u16::try_from(code).ok());
    let mut option = RawOption {
        number,
        code: code.ok_or("its code is not possible")?,
        space: text_of("space", space)?.into(),
        value: value.into_bytes().map(Into::into),
        text: text_of("formatted value", text)?.into(),
        client_classes: text_of("list of classes", classes)?.into(),
        ..RawOption::default()
    };
    option.flags.always_send = persistent.int().is_some_and(|is_set| is_set != 0);
    option.flags.never_send = cancelled.int().is_some_and(|is_set| is_set != 0);
    Ok(option)
}

impl Rows for V4 {
    fn boot(own: &OwnCells, say: &mut dyn FnMut(String)) -> Option<Box<BootFields>> {
        let [_, next_server, server_hostname, boot_file_name, ..] = own;
        let next_server = match next_server.int() {
            None | Some(0) => None,
            Some(number) => match u32::try_from(number) {
                Ok(number) => Some(Ipv4Addr::from(number)),
                Err(_) => {
                    say(format!("its next server {number} is no IPv4 address"));
                    None
                }
            },
        };
        let (name, file) = (server_hostname.clone(), boot_file_name.clone());
        let fields = BootFields {
            next_server,
            server_hostname: part("server host name", name, SERVER_HOSTNAME_LEN_MAX, say),
            boot_file_name: part("boot file name", file, BOOT_FILE_NAME_LEN_MAX, say),
        };
        (fields != BootFields::default()).then(|| Box::new(fields))
    }

    fn resource(own: OwnCells, seen: &HashSet<u64>) -> Option<Reserved<Ipv4Addr>> {
        let number = own[0].int().filter(|number| *number != 0 && seen.is_empty())?;
        let resource = match u32::try_from(number) {
            Ok(number) => {
                let address = Ipv4Addr::from(number);
                Ok((Resource { address, prefix_len: 32, is_prefix: false, excluded: None }, None))
            }
            Err(_) => Err(format!("its address {number} is no IPv4 address")),
        };
        Some((0, resource))
    }
}

impl Rows for V6 {
    fn boot(_: &OwnCells, _: &mut dyn FnMut(String)) -> Option<Box<BootFields>> {
        None
    }

    fn resource(own: OwnCells, seen: &HashSet<u64>) -> Option<Reserved<Ipv6Addr>> {
        let [number, address, len, kind, excluded, excluded_len] = own;
        let number = u64::try_from(number.int()?).ok().filter(|number| !seen.contains(number))?;
        Some((number, reserved6(number, address, (&len, &kind), excluded, &excluded_len)))
    }
}

fn reserved6(
    number: u64,
    address: Cell,
    (len, kind): (&Cell, &Cell),
    excluded: Cell,
    excluded_len: &Cell,
) -> Result<(Resource<Ipv6Addr>, Option<String>), String> {
    let address = address6(address);
    let address = address.ok_or_else(|| format!("its reservation {number} has no IPv6 address"))?;
    let len = len.int().and_then(|len| u8::try_from(len).ok()).filter(|len| *len <= 128);
    let len = len.ok_or_else(|| format!("the prefix length of {address} is not possible"))?;
    let is_prefix = match (kind.int(), len) {
        (Some(0), 128) => false,
        (Some(2), 1..) => true,
        _ => return Err(format!("{address}/{len} is reserved as a type that cannot be reserved")),
    };
    let mask = |len: u8| !u128::MAX.checked_shr(len.into()).unwrap_or(0);
    if u128::from(address) & !mask(len) != 0 {
        return Err(format!("{address} is not the beginning of a prefix of length {len}"));
    }
    let mut resource = Resource { address, prefix_len: len, is_prefix, excluded: None };
    let excluded_len = excluded_len.int().filter(|len| *len != 0);
    let is_any = matches!(&excluded, Cell::Bytes(bytes) if !bytes.is_empty());
    let (true, Some(excluded_len)) = (is_any && is_prefix, excluded_len) else {
        return Ok((resource, None));
    };
    let found = address6(excluded).zip(u8::try_from(excluded_len).ok());
    let fits = |(inner, inner_len): &(Ipv6Addr, u8)| {
        let bits = u128::from(*inner);
        *inner_len > len
            && *inner_len <= 128
            && bits & mask(len) == u128::from(address)
            && bits & !mask(*inner_len) == 0
    };
    resource.excluded = found.filter(fits);
    let reason = format!("what is excluded from {address}/{len} is no part of it");
    let fault = resource.excluded.is_none().then_some(reason);
    Ok((resource, fault))
}

/// An address as text, perhaps with a length behind it, or as 16 bytes.
fn address6(cell: Cell) -> Option<Ipv6Addr> {
    let bytes = cell.into_bytes()?;
    if let Ok(text) = std::str::from_utf8(&bytes)
        && let Ok(address) = text.split('/').next().unwrap_or_default().trim().parse()
    {
        return Some(address);
    }
    <[u8; 16]>::try_from(bytes).ok().map(Ipv6Addr::from)
}
