//! Where an association may have something: the subnets that come into question for its client, one at a time.

use std::net::Ipv6Addr;

use eval::ClassSet;

use crate::classes::{ClassPolicy, ClassTimes};
use crate::config::{Allocator, SubnetIndex};
use crate::config6::{Config6, Pool6, Subnet6, five_eighths};
use crate::free::PoolIndex;
use crate::hosts::{Host6, HostId, HostView, Identifier};
use crate::lease::{LeaseType, SubnetId};
use crate::lease6::{ClientKey6, HardwareSource6, V6};

use super::{Hint6, Resource6};

/// A subnet that comes into question for a client: the selected one, and the others of its shared network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate6 {
    /// The subnet.
    pub subnet: SubnetIndex,
    /// The client's host there, which may be one everywhere.
    pub host: Option<HostId>,
    /// Whether the subnet serves the client. What a client has where it is not served, it loses.
    pub serves: bool,
}

/// An association that asks for an address or a prefix, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Query6<'a> {
    /// Whose leases count as its own: type, DUID and IAID.
    pub client: ClientKey6<'a>,
    /// The configuration.
    pub config: &'a Config6,
    /// The hosts of the candidates.
    pub hosts: HostView<'a, V6>,
    /// The subnets that come into question.
    pub candidates: &'a [Candidate6],
    /// The candidate that comes first; the others follow in their order, going round.
    pub first: usize,
    /// The classes that the client is in.
    pub classes: &'a ClassSet,
    /// Lifetimes that these give.
    pub class_times: ClassTimes,
    /// What the client asks for.
    pub hint: Option<Hint6>,
    /// What was offered to this association a moment ago: offered again if it is still free.
    pub recent_offer: Option<Ipv6Addr>,
    /// How long the client wants to have it.
    pub wanted: Wanted6,
    /// Hardware address to keep with the lease.
    pub hardware: HardwareSource6<'a>,
    /// What relays say of it, as a user context to keep with leases of subnets that want that; empty for nothing.
    pub extended_info: &'a [u8],
    /// What the client is known by among hosts.
    pub identifiers: &'a [Identifier<'a>],
}

/// Lifetimes that a client asks for, as far as it says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted6 {
    /// Seconds for which it wants a lease to be preferred.
    pub preferred: Option<u32>,
    /// Seconds for which it wants it to be valid.
    pub valid: Option<u32>,
}

impl Query6<'_> {
    /// The candidates in their order.
    pub(super) fn places(&self) -> impl Iterator<Item = Place<'_>> {
        let numbers = (self.first..self.candidates.len()).chain(0..self.first);
        numbers.filter_map(|number| self.place(number))
    }

    fn place(&self, number: usize) -> Option<Place<'_>> {
        let candidate = self.candidates.get(number)?;
        let subnet = self.config.subnet(candidate.subnet);
        let (pools, first_pool) = match self.client.lease_type {
            LeaseType::Pd => (self.config.pd_pools_of(subnet), subnet.pd_pools.start),
            _ => (self.config.pools_of(subnet), subnet.pools.start),
        };
        let host = candidate.host.and_then(|id| self.hosts.get(id));
        let serves = candidate.serves;
        Some(Place { query: self, number, subnet, pools, first_pool, host, serves })
    }

    /// Whether the client has a host anywhere; without one nothing is reserved for it.
    pub(super) fn has_host(&self) -> bool {
        self.candidates.iter().any(|candidate| candidate.host.is_some())
    }

    /// Length of a prefix that is asked for.
    fn wanted_len(&self) -> Option<u8> {
        let is_prefix = self.client.lease_type == LeaseType::Pd;
        self.hint.map(|hint| hint.prefix_len).filter(|&len| is_prefix && len != 0 && len != 128)
    }

    /// The resource that the client names, if a pool has it for the client.
    pub(super) fn named(&self) -> Option<(Place<'_>, Resource6)> {
        let hint = self.hint.filter(|hint| !hint.address.is_unspecified())?;
        let named = Resource6 { address: hint.address, prefix_len: hint.prefix_len };
        Some((self.places().find(|place| place.gives(named))?, named))
    }

    /// The resource that was offered to the client, if a pool still has it for the client.
    pub(super) fn recent(&self) -> Option<(Place<'_>, Resource6)> {
        let address = self.recent_offer?;
        self.places().find_map(|place| {
            let mut units =
                place.pools.iter().map(|pool| Resource6 { address, prefix_len: pool.unit_len });
            Some((place, units.find(|unit| place.gives(*unit))?))
        })
    }

    /// The lengths of prefixes in the order in which they are tried: the one that the client wants, larger prefixes, then
    /// smaller ones.
    pub(super) fn lengths(&self) -> impl Iterator<Item = LengthRound> + use<> {
        let wanted = self.wanted_len();
        let rounds = if wanted.is_none() { 1 } else { 3 };
        (0..rounds).map(move |round| LengthRound { wanted, round })
    }
}

/// A class of prefix lengths that are tried together.
#[derive(Clone, Copy, Debug)]
pub(super) struct LengthRound {
    wanted: Option<u8>,
    round: u8,
}

impl LengthRound {
    fn has(self, pool: &Pool6) -> bool {
        match (self.wanted, self.round) {
            (None, _) => true,
            (Some(wanted), 0) => pool.unit_len == wanted,
            (Some(wanted), 1) => pool.unit_len < wanted,
            (Some(wanted), _) => pool.unit_len > wanted,
        }
    }
}

/// What goes with a resource of an association.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms6 {
    /// The number of the candidate where it lies.
    pub candidate: usize,
    /// The host of the subnet that it is reserved for.
    pub host: Option<HostId>,
    /// How long the association has it.
    pub times: Times6,
}

/// Lifetimes of a lease in seconds; [`crate::lease::INFINITE`] never ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times6 {
    /// For so long it is preferred.
    pub preferred: u32,
    /// For so long it is valid.
    pub valid: u32,
}

impl Times6 {
    /// A preferred lifetime that is not configured, or senseless beside the valid one, is five eighths of that. Kea:
    /// `sanitizeLifetimes6`.
    pub(super) fn new(preferred: Option<u32>, valid: u32) -> Self {
        let preferred = preferred.filter(|seconds| (1..=valid).contains(seconds));
        Self { preferred: preferred.unwrap_or_else(|| five_eighths(valid)), valid }
    }
}

/// One of the candidates, for an association.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'q> {
    pub(super) query: &'q Query6<'q>,
    number: usize,
    pub(super) subnet: &'q Subnet6,
    /// The subnet's pools of the lease type.
    pub(super) pools: &'q [Pool6],
    /// Number of the first of `pools` in the set of all pools.
    first_pool: u32,
    /// The client's host, if there is a reservation for it.
    pub(super) host: Option<Host6<'q>>,
    pub(super) serves: bool,
}

impl<'q> Place<'q> {
    pub(super) fn subnet_id(&self) -> SubnetId {
        SubnetId(self.subnet.id)
    }

    /// The pool that has a resource as one of its units, and its place among the pools.
    pub(super) fn pool_of(&self, resource: Resource6) -> Option<(usize, &'q Pool6)> {
        let host_bits = u128::MAX.checked_shr(resource.prefix_len.into()).unwrap_or(0);
        let is_unit = |pool: &Pool6| {
            pool.unit_len == resource.prefix_len
                && pool.contains(resource.address)
                && u128::from(resource.address) & host_bits == 0
        };
        let mut pools = self.pools.iter().enumerate();
        pools.find(|(_, pool)| is_unit(pool))
    }

    /// Whether the client is given units of a pool of this subnet.
    fn admits(&self, pool: &Pool6) -> bool {
        let policy = pool.extras.as_ref().and_then(|extras| extras.classes.as_deref());
        ClassPolicy::admits(policy, self.query.classes)
    }

    /// Whether a pool of the subnet has a resource, and for this client.
    pub(super) fn gives(&self, resource: Resource6) -> bool {
        self.serves && self.pool_of(resource).is_some_and(|(_, pool)| self.admits(pool))
    }

    pub(super) fn pool_index(&self, nth: usize) -> PoolIndex {
        PoolIndex(self.first_pool + nth as u32)
    }

    /// The place of a pool among those of the subnet, if it is one of them.
    pub(super) fn nth_of(&self, pool: PoolIndex) -> Option<usize> {
        let nth = pool.0.checked_sub(self.first_pool)? as usize;
        (nth < self.pools.len()).then_some(nth)
    }

    /// Whether a resource, or a part of it, lies in a pool of the subnet.
    pub(super) fn touches_pool(&self, resource: Resource6) -> bool {
        let (first, last) = resource.ends();
        self.pools.iter().any(|pool| pool.first <= last && pool.end() >= first)
    }

    /// What is reserved for the client and can be given to an association of this type in this subnet.
    pub(super) fn reserved(self) -> impl Iterator<Item = Resource6> + use<'q> {
        let is_prefix = self.query.client.lease_type == LeaseType::Pd;
        let rules = self.subnet.reservations;
        self.host.filter(|_| self.serves).into_iter().flat_map(move |host| {
            let own = host.resources.iter().filter(move |own| own.is_prefix == is_prefix);
            let own = own.map(|own| Resource6 { address: own.address, prefix_len: own.prefix_len });
            own.filter(move |&own| {
                rules.reserves(host.subnet, self.touches_pool(own))
                    && (is_prefix || self.subnet.contains(own.address))
            })
        })
    }

    pub(super) fn is_reserved_for_client(&self, resource: Resource6) -> bool {
        self.host.is_some() && self.reserved().any(|reserved| reserved == resource)
    }

    /// How a free resource of the type is chosen here.
    pub(super) fn allocator(&self) -> Allocator {
        let rules = &self.subnet.lease_rules;
        match self.query.client.lease_type {
            LeaseType::Pd => rules.pd_allocator,
            _ => rules.allocator,
        }
    }

    /// The pools of some lengths that serve the client, each with its number, from the number `first` on.
    pub(super) fn pools_from(
        self,
        first: usize,
        lengths: LengthRound,
    ) -> impl Iterator<Item = (usize, &'q Pool6)> {
        let pools = self.pools;
        let all = pools.iter().enumerate().cycle().skip(first).take(pools.len());
        all.filter(move |(_, pool)| lengths.has(pool) && self.admits(pool))
    }

    /// How long a client gets a lease here.
    pub(super) fn usual_times(&self) -> Times6 {
        let (query, timers) = (self.query, &self.subnet.timers);
        let classes = query.class_times;
        let valid = match classes.valid {
            Some(valid) => valid.granted(query.wanted.valid),
            None => timers.valid(query.wanted.valid),
        };
        let preferred = match classes.preferred {
            Some(preferred) => Some(preferred.granted(query.wanted.preferred)),
            None => timers.preferred(query.wanted.preferred),
        };
        Times6::new(preferred, valid)
    }

    /// The same when prefixes run short (`adaptive-lease-time-threshold`).
    pub(super) fn min_times(&self) -> Times6 {
        let (classes, timers) = (self.query.class_times, &self.subnet.timers);
        let preferred = match classes.preferred {
            Some(preferred) => Some(preferred.min),
            None if timers.is_preferred_calculated => None,
            None => Some(timers.min_preferred_lifetime),
        };
        let valid = classes.valid.map_or(timers.min_valid_lifetime, |time| time.min);
        Times6::new(preferred, valid)
    }

    /// What goes with a resource here that the association has for some time.
    pub(super) fn terms(&self, resource: Resource6, times: Times6) -> Terms6 {
        let own = self.host.filter(|host| !host.is_global());
        let reserved_for = own.filter(|_| self.is_reserved_for_client(resource));
        Terms6 { candidate: self.number, host: reserved_for.map(|host| host.id), times }
    }
}
