//! The compiled table of hosts.
//!
//! A host takes 24 bytes, its identifier and name in one arena, 10 bytes for an address of DHCPv4 and 35 for one of
//! DHCPv6, and 40 or so in the two indexes. What few hosts have (options, classes, boot fields) lies aside.

use std::hash::Hasher;
use std::net::Ipv4Addr;
use std::ops::Range;
use std::sync::Arc;

use eval::ClassId;
use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;
use util::number::AddressNumber;

use super::index::Index;
use super::{
    GLOBAL, Holder, HostId, HostKind, HostQuestion, HostSource, Identifier, IdentifierKind,
    KindSet, Places, ReservationRules,
};
use crate::free::{PoolAddress, PoolSet};
use crate::lease::{AddressOf, SubnetId};
use crate::session::{Answer, Submitted};

/// All hosts of one configuration.
#[derive(Debug)]
pub struct Hosts<K: HostKind> {
    records: Box<[Record]>,
    /// Identifiers and host names.
    arena: Box<[u8]>,
    resources: Box<[Resource<AddressOf<K>>]>,
    /// The first one is that of hosts which have none.
    extras: Box<[Extras<K::Options>]>,
    /// Kinds of identifiers that hosts have.
    kinds: KindSet,
    by_identifier: Index,
    /// Who holds what, sorted: neighbours share an address.
    holdings: Box<[Holding]>,
    /// To the first holding of each address.
    by_resource: Index,
    seed: SharedSeed,
}

/// A host where all of them lie.
#[derive(Clone, Copy, Debug)]
struct Record {
    subnet: SubnetId,
    /// Place of the identifier in the arena; the name follows it.
    text: u32,
    resources: u32,
    extras: u32,
    resources_len: u16,
    kind: IdentifierKind,
    identifier_len: u8,
    hostname_len: u8,
}

/// A host that an address or prefix is reserved for.
#[derive(Clone, Copy, Debug)]
struct Holding {
    host: HostId,
    /// Its place among all resources.
    resource: u32,
}

/// An address or a prefix of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource<A> {
    /// The address, or the first one of the prefix.
    pub address: A,
    /// Length of the prefix; that of the family for an address.
    pub prefix_len: u8,
    /// Whether it is a prefix to be delegated.
    pub is_prefix: bool,
    /// The part of a prefix that the delegating router keeps (RFC 6603), and its length.
    pub excluded: Option<(A, u8)>,
}

/// What few hosts have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras<O> {
    /// Options.
    pub options: Arc<O>,
    /// Classes that the client is in.
    pub client_classes: Box<[Box<str>]>,
    /// Their numbers in the configuration, in the same order.
    pub classes: Box<[ClassId]>,
    /// Fields of the DHCPv4 header.
    pub boot: Option<Box<BootFields>>,
}

/// Fields of the DHCPv4 header about booting; what is absent or empty is left to the subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootFields {
    /// `next-server` (siaddr).
    pub next_server: Option<Ipv4Addr>,
    /// `server-hostname` (sname), at most 63 bytes.
    pub server_hostname: Box<[u8]>,
    /// `boot-file-name` (file), at most 127 bytes.
    pub boot_file_name: Box<[u8]>,
}

/// A host as it is used.
#[derive(Debug)]
pub struct Host<'t, K: HostKind> {
    /// Its name within its source.
    pub id: HostId,
    /// The subnet in which it is one; [`GLOBAL`] everywhere.
    pub subnet: SubnetId,
    /// What it is known by.
    pub identifier: Identifier<'t>,
    /// Its addresses and prefixes, in the order of the file.
    pub resources: &'t [Resource<AddressOf<K>>],
    /// Its host name; empty for none.
    pub hostname: &'t [u8],
    /// Options, classes, boot fields.
    pub extras: &'t Extras<K::Options>,
}

impl<K: HostKind> Clone for Host<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: HostKind> Copy for Host<'_, K> {}

impl<'t, K: HostKind> Host<'t, K> {
    /// Whether it is one everywhere.
    #[must_use]
    pub fn is_global(&self) -> bool {
        self.subnet == GLOBAL
    }

    /// Classes that the client is in, as the configuration numbers them.
    #[must_use]
    pub fn classes(&self) -> &'t [ClassId] {
        &self.extras.classes
    }

    /// Names of the classes that the client is in.
    #[must_use]
    pub fn client_classes(&self) -> &'t [Box<str>] {
        &self.extras.client_classes
    }
}

impl<K: HostKind> Default for Hosts<K> {
    fn default() -> Self {
        HostsBuilder::default().build()
    }
}

impl<K: HostKind> Hosts<K> {
    /// Number of hosts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The kinds of identifiers that hosts are known by.
    #[must_use]
    #[inline]
    pub fn kinds(&self) -> KindSet {
        self.kinds
    }

    /// The host with a number.
    #[must_use]
    #[inline]
    pub fn get(&self, id: HostId) -> Option<Host<'_, K>> {
        let record = self.records.get(id.0 as usize)?;
        let hostname = record.text as usize + usize::from(record.identifier_len);
        let resources = record.resources as usize;
        Some(Host {
            id,
            subnet: record.subnet,
            identifier: self.identifier(record),
            resources: self
                .resources
                .get(resources..resources + usize::from(record.resources_len))?,
            hostname: self.arena.get(hostname..hostname + usize::from(record.hostname_len))?,
            extras: self.extras.get(record.extras as usize)?,
        })
    }

    /// All hosts in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = Host<'_, K>> {
        (0..self.records.len() as u32).filter_map(|number| self.get(HostId(number)))
    }

    /// The host of a client in the first place that has one, by the first identifier that has one there.
    #[must_use]
    #[inline]
    pub fn find(&self, places: Places, identifiers: &[Identifier<'_>]) -> Option<HostId> {
        let look_in = |subnet| identifiers.iter().find_map(|id| self.by_identifier(subnet, id));
        places.subnet.and_then(look_in).or_else(|| look_in(Some(GLOBAL).filter(|_| places.global)?))
    }

    /// The hosts that exactly this address or prefix is reserved for in a subnet.
    pub fn holders(
        &self,
        subnet: SubnetId,
        address: AddressOf<K>,
        prefix_len: u8,
    ) -> impl Iterator<Item = HostId> {
        let key = (subnet, address, prefix_len);
        let is_it = move |holding: &&Holding| self.key(holding) == key;
        let first = self.by_resource.find(hash_resource::<K>(&self.seed, key), |number| {
            self.holdings.get(number as usize).as_ref().is_some_and(is_it)
        });
        let from = first.and_then(|first| self.holdings.get(first as usize..));
        from.unwrap_or_default().iter().take_while(is_it).map(|holding| holding.host)
    }

    /// For whom exactly this address or prefix is reserved.
    #[must_use]
    pub fn holder(
        &self,
        places: Places,
        address: AddressOf<K>,
        prefix_len: u8,
        identifiers: &[Identifier<'_>],
    ) -> Holder {
        let mut is_any = false;
        for id in places.iter().flat_map(|subnet| self.holders(subnet, address, prefix_len)) {
            let record = self.records.get(id.0 as usize);
            if record.is_some_and(|record| identifiers.contains(&self.identifier(record))) {
                return Holder::Client;
            }
            is_any = true;
        }
        if is_any { Holder::Other } else { Holder::Nobody }
    }

    /// Makes the free addresses of pools, with what is reserved in them closed to others. `ranges` are all pools,
    /// `subnets` tells of each subnet which of them are its own and which reservations count in it.
    #[must_use]
    pub fn make_pools(
        &self,
        ranges: &[<K::Number as PoolAddress>::Range],
        subnets: impl Iterator<Item = (Range<u32>, SubnetId, ReservationRules)>,
    ) -> PoolSet<K::Number> {
        let pools = PoolSet::new(ranges.iter().copied());
        if self.is_empty() {
            return pools;
        }
        let mut owners = vec![None; ranges.len()];
        for (own, subnet, rules) in subnets {
            let own = owners.get_mut(own.start as usize..own.end as usize);
            own.unwrap_or_default().fill(Some((subnet, rules)));
        }
        let reserved = self.iter().flat_map(|host| {
            let resources = host.resources.iter();
            resources.map(move |resource| {
                let first: K::Number = resource.address.into();
                let len = u32::from(resource.prefix_len) + u128::BITS - K::Number::BITS;
                let within = u128::MAX.checked_shr(len).unwrap_or(0);
                (first, K::Number::from_u128(first.to_u128() | within), host.subnet)
            })
        });
        pools.with_reserved(ranges, reserved, |pool, &host_subnet| {
            owners.get(pool.0 as usize).copied().flatten().is_some_and(|(subnet, rules)| {
                let is_there = host_subnet == subnet || host_subnet == GLOBAL;
                is_there && rules.reserves(host_subnet, true)
            })
        })
    }

    fn by_identifier(&self, subnet: SubnetId, identifier: &Identifier<'_>) -> Option<HostId> {
        let hash = hash_identifier(&self.seed, subnet, identifier);
        let number = self.by_identifier.find(hash, |number| {
            let record = self.records.get(number as usize);
            record.is_some_and(|record| {
                record.subnet == subnet && self.identifier(record) == *identifier
            })
        });
        number.map(HostId)
    }

    fn identifier(&self, record: &Record) -> Identifier<'_> {
        let (text, len) = (record.text as usize, usize::from(record.identifier_len));
        let bytes = self.arena.get(text..text + len).unwrap_or_default();
        Identifier { kind: record.kind, bytes }
    }

    fn key(&self, holding: &Holding) -> (SubnetId, AddressOf<K>, u8) {
        let resource = &self.resources[holding.resource as usize];
        let subnet = self.records[holding.host.0 as usize].subnet;
        (subnet, resource.address, resource.prefix_len)
    }
}

impl<K: HostKind> HostSource<K> for Hosts<K> {
    fn kinds(&self) -> KindSet {
        self.kinds
    }

    fn as_table(&self) -> Option<&Hosts<K>> {
        Some(self)
    }

    fn submit(&self, question: &HostQuestion<'_, K>) -> Submitted<K> {
        Submitted::Ready(match *question {
            HostQuestion::Of { places, identifiers } => {
                Answer::Host(self.find(places, identifiers))
            }
            HostQuestion::Holder { places, address, prefix_len, identifiers } => {
                Answer::Holder(self.holder(places, address, prefix_len, identifiers))
            }
        })
    }

    fn host(&self, id: HostId) -> Option<Host<'_, K>> {
        self.get(id)
    }
}

/// A host to be added.
#[derive(Clone, Debug)]
pub struct NewHost<'a, K: HostKind> {
    /// The subnet in which it is one; [`GLOBAL`] everywhere.
    pub subnet: SubnetId,
    /// What it is known by; at most 255 bytes.
    pub identifier: Identifier<'a>,
    /// Its addresses and prefixes.
    pub resources: &'a [Resource<AddressOf<K>>],
    /// Its host name, at most 255 bytes; empty for none.
    pub hostname: &'a [u8],
    /// Options, classes, boot fields.
    pub extras: Extras<K::Options>,
}

/// Collects the hosts of a configuration.
#[derive(Debug)]
pub struct HostsBuilder<K: HostKind> {
    records: Vec<Record>,
    arena: Vec<u8>,
    resources: Vec<Resource<AddressOf<K>>>,
    extras: Vec<Extras<K::Options>>,
    holdings: Vec<Holding>,
    kinds: KindSet,
}

impl<K: HostKind> Default for HostsBuilder<K> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            arena: Vec::new(),
            resources: Vec::new(),
            extras: vec![Extras::default()],
            holdings: Vec::new(),
            kinds: KindSet::default(),
        }
    }
}

impl<K: HostKind> HostsBuilder<K> {
    /// Adds a host. Of several with the same identifier in one place the first is found; what exceeds the limits of
    /// [`NewHost`] is cut.
    pub fn add(&mut self, host: NewHost<'_, K>) {
        let cut = |bytes: &[u8]| bytes.len().min(usize::from(u8::MAX));
        let (identifier_len, hostname_len) = (cut(host.identifier.bytes), cut(host.hostname));
        let resources_len = host.resources.len().min(usize::from(u16::MAX));
        let id = HostId(self.records.len() as u32);
        let extras = if host.extras == self.extras[0] {
            0
        } else {
            self.extras.push(host.extras);
            self.extras.len() - 1
        };
        let first = self.resources.len() as u32;
        self.records.push(Record {
            subnet: host.subnet,
            text: self.arena.len() as u32,
            resources: first,
            extras: extras as u32,
            resources_len: resources_len as u16,
            kind: host.identifier.kind,
            identifier_len: identifier_len as u8,
            hostname_len: hostname_len as u8,
        });
        self.arena.extend_from_slice(&host.identifier.bytes[..identifier_len]);
        self.arena.extend_from_slice(&host.hostname[..hostname_len]);
        self.resources.extend_from_slice(&host.resources[..resources_len]);
        let numbers = first..self.resources.len() as u32;
        self.holdings.extend(numbers.map(|resource| Holding { host: id, resource }));
        self.kinds.insert(host.identifier.kind);
    }

    /// Gives numbers to the classes of all hosts.
    pub fn resolve_classes(&mut self, number: impl Fn(&str) -> Option<ClassId>) {
        for extras in &mut self.extras {
            extras.classes = extras.client_classes.iter().filter_map(|name| number(name)).collect();
        }
    }

    /// Makes the table.
    #[must_use]
    pub fn build(self) -> Hosts<K> {
        let Self { records, arena, resources, extras, holdings, kinds } = self;
        let mut hosts = Hosts {
            records: records.into(),
            arena: arena.into(),
            resources: resources.into(),
            extras: extras.into(),
            kinds,
            by_identifier: Index::default(),
            holdings: Box::default(),
            by_resource: Index::default(),
            seed: SharedSeed::from_u64(SEED),
        };
        hosts.by_identifier =
            Index::new(hosts.records.iter().enumerate().map(|(number, record)| {
                (
                    hash_identifier(&hosts.seed, record.subnet, &hosts.identifier(record)),
                    number as u32,
                )
            }));
        let mut holdings = holdings.into_boxed_slice();
        holdings.sort_by_key(|holding| hosts.key(holding));
        let mut firsts: Vec<(u64, u32)> = Vec::with_capacity(holdings.len());
        let mut last = None;
        for (holding, number) in holdings.iter().zip(0..) {
            let key = hosts.key(holding);
            if last.replace(key) != Some(key) {
                firsts.push((hash_resource::<K>(&hosts.seed, key), number));
            }
        }
        hosts.holdings = holdings;
        hosts.by_resource = Index::new(firsts.into_iter());
        hosts
    }
}

/// Seed of the hashes. It need not be secret: see [`super::index`].
const SEED: u64 = 0x686f_7374_735f_6964;

fn hash_identifier(seed: &SharedSeed, subnet: SubnetId, identifier: &Identifier<'_>) -> u64 {
    let tag = u64::from(subnet.0) << 8 | identifier.kind as u64;
    let mut hasher = FoldHasher::with_seed(tag, seed);
    hasher.write(identifier.bytes);
    hasher.finish()
}

fn hash_resource<K: HostKind>(
    seed: &SharedSeed,
    (subnet, address, len): (SubnetId, AddressOf<K>, u8),
) -> u64 {
    let number: K::Number = address.into();
    let mut hasher = FoldHasher::with_seed(u64::from(subnet.0) << 8 | u64::from(len), seed);
    hasher.write_u128(number.to_u128());
    hasher.finish()
}
