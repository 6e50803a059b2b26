//! A question to databases that has not been answered to its end, and what each of them tells.
//!
//! Of a place the first database counts that knows a host of the client there; what is reserved in a block of addresses is
//! what all of them say.

use std::sync::Arc;

use util::number::AddressNumber;

use super::cache::{Fact, StoredHolding};
use super::desk::HostQuery;
use super::stored::HostFault;
use super::{HostKind, HostTerms, Identifier, RawHost, StoredHost};
use crate::lease::{AddressOf, LeaseKind, SubnetId};

/// The question.
#[derive(Debug)]
pub(super) struct Pending<K: HostKind> {
    /// What the database is asked whose turn it is.
    pub(super) query: Arc<HostQuery<K>>,
    /// Its place among all databases.
    pub(super) database: usize,
    /// The places that the question is about.
    places: Box<[SubnetId]>,
    /// The hosts that have been found.
    hosts: Vec<(SubnetId, Arc<StoredHost<K>>)>,
    /// What has been found to be reserved.
    holdings: Vec<(SubnetId, StoredHolding<K>)>,
}

/// A host behind its rank among those of a place: by which identifier it was found, and its number.
type Ranked<K> = ((usize, u64), RawHost<K>);

impl<K: HostKind> Pending<K> {
    /// A question that no database has answered yet.
    pub(super) fn new(query: HostQuery<K>) -> Self {
        let places = query.subnets().into();
        let query = Arc::new(query);
        Self { query, database: 0, places, hosts: Vec::new(), holdings: Vec::new() }
    }

    /// Takes what the database says whose turn it is. Hosts that nobody has asked for do not count.
    pub(super) fn add(
        &mut self,
        found: Vec<RawHost<K>>,
        terms: &HostTerms<'_>,
        report: &mut dyn FnMut(HostFault),
    ) {
        match &*Arc::clone(&self.query) {
            HostQuery::Of { subnets, identifiers } => {
                let mut best: Vec<Option<Ranked<K>>> = Vec::new();
                best.resize_with(subnets.len(), || None);
                for host in found {
                    let by = identifiers.iter().position(|id| id.borrow() == host.identifier());
                    let place = subnets.iter().position(|subnet| *subnet == host.subnet);
                    let (Some(by), Some(place)) = (by, place) else { continue };
                    let rank = (by, host.number);
                    if best[place].as_ref().is_none_or(|(other, _)| rank < *other) {
                        best[place] = Some((rank, host));
                    }
                }
                for (subnet, best) in subnets.iter().zip(best) {
                    let Some((_, host)) = best else { continue };
                    let host = StoredHost::compile(host, terms, report);
                    self.hosts.push((*subnet, Arc::new(host)));
                }
            }
            HostQuery::Holders { subnets, first, last } => {
                let of_interest = |address: AddressOf<K>| {
                    let number: K::Number = address.into();
                    ((*first).into()..=(*last).into()).contains(&number)
                };
                for host in found.iter().filter(|host| subnets.contains(&host.subnet)) {
                    let own = host.resources.iter().filter(|own| of_interest(own.address));
                    self.holdings.extend(own.map(|own| {
                        let holding = StoredHolding {
                            address: own.address,
                            prefix_len: own.prefix_len,
                            kind: host.kind,
                            identifier: host.identifier.clone(),
                        };
                        (host.subnet, holding)
                    }));
                }
            }
        }
    }

    /// The places that the next database is to be asked about.
    pub(super) fn open(&self) -> Vec<SubnetId> {
        let is_open = |place: &SubnetId| match &*self.query {
            HostQuery::Of { .. } => self.host_in(*place).is_none(),
            HostQuery::Holders { .. } => true,
        };
        self.places.iter().copied().filter(is_open).collect()
    }

    /// Tells what is known now of each place, with its key.
    pub(super) fn tell(self, buffer: &mut Vec<u8>, mut each: impl FnMut(&[u8], Fact<K>)) {
        let query = Arc::clone(&self.query);
        match &*query {
            HostQuery::Of { identifiers, .. } => {
                for place in &self.places {
                    key_of_client(buffer, *place, identifiers.iter().map(|id| id.borrow()));
                    each(buffer, Fact::Host(self.host_in(*place)));
                }
            }
            HostQuery::Holders { first, .. } => {
                let mut holdings = self.holdings;
                for place in &self.places {
                    let own = holdings.extract_if(.., |(subnet, _)| subnet == place);
                    let own: Vec<_> = own.map(|(_, holding)| holding).collect();
                    key_of_block::<K>(buffer, *place, *first);
                    each(buffer, Fact::Holdings(own.into()));
                }
            }
        }
    }

    fn host_in(&self, place: SubnetId) -> Option<Arc<StoredHost<K>>> {
        let found = self.hosts.iter().find(|(subnet, _)| *subnet == place);
        found.map(|(_, host)| Arc::clone(host))
    }
}

/// The addresses that are asked about together with one: first and last.
pub(super) fn block_of<K: LeaseKind>(address: AddressOf<K>) -> (AddressOf<K>, AddressOf<K>) {
    let number = address.into().to_u128();
    // Of IPv6 addresses the neighbours are as good as never of interest.
    let within = if K::Number::BITS == u32::BITS { 63 } else { 0 };
    let end = |number| AddressOf::<K>::from(K::Number::from_u128(number));
    (end(number & !within), end(number | within))
}

/// Writes what is remembered by: the host of a client in a place.
pub(super) fn key_of_client<'a>(
    out: &mut Vec<u8>,
    place: SubnetId,
    identifiers: impl Iterator<Item = Identifier<'a>>,
) {
    out.clear();
    out.push(0);
    out.extend_from_slice(&place.0.to_be_bytes());
    for Identifier { kind, bytes } in identifiers {
        out.push(kind as u8);
        out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        out.extend_from_slice(bytes);
    }
}

/// Writes what is remembered by: what is reserved in a block of addresses in a place.
pub(super) fn key_of_block<K: LeaseKind>(out: &mut Vec<u8>, place: SubnetId, first: AddressOf<K>) {
    out.clear();
    out.push(1);
    out.extend_from_slice(&place.0.to_be_bytes());
    out.extend_from_slice(&first.into().to_u128().to_be_bytes());
}
