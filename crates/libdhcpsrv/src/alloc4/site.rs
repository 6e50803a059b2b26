//! Where a client may be given an address: the subnets of its link that serve it, and their pools.

use std::net::Ipv4Addr;

use eval::ClassSet;

use crate::classes::{ClassPolicy, ClassTimes};
use crate::config4::{Config4, Pool4, Subnet4, SubnetIndex, Timers};
use crate::free::PoolIndex;
use crate::hosts::{Host4, HostId, HostView, Identifier};
use crate::lease4::{ClientKey, Lease4View, LeaseState, Ownership, SubnetId, V4};
use crate::names::{NameBuffer, Naming};

/// A subnet that a client may be given an address in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate4 {
    /// The subnet.
    pub subnet: SubnetIndex,
    /// The client's host there: its own or a global one.
    pub host: Option<HostId>,
}

impl Candidate4 {
    /// The host itself.
    #[must_use]
    pub fn host(self, hosts: HostView<'_, V4>) -> Option<Host4<'_>> {
        hosts.get(self.host?)
    }

    /// How the client is called with a lease of an address there: by its reservation, else by the rules of the pool or
    /// subnet for what it says itself. The name goes to the buffer, which is empty.
    pub fn name(
        self,
        config: &Config4,
        hosts: HostView<'_, V4>,
        given: Option<&[u8]>,
        address: Ipv4Addr,
        out: &mut NameBuffer,
    ) -> Naming {
        let subnet = config.subnet(self.subnet);
        let of_pool = config.extras_at(subnet, address).and_then(|extras| extras.names.as_deref());
        let rules = of_pool.unwrap_or(&subnet.lease_rules.names);
        let reserved = self.host(hosts).map(|host| host.hostname);
        let naming = match reserved.filter(|name| !name.is_empty()) {
            Some(reserved) => rules.of_host(reserved, out),
            None => rules.of_client(given, out),
        };
        match naming {
            Naming::Given => {}
            Naming::Generated => rules.generate(address, out),
            Naming::Nothing => out.clear(),
        }
        naming
    }
}

/// A client that asks for an address, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Query4<'a> {
    /// The configuration.
    pub config: &'a Config4,
    /// The hosts of the candidates.
    pub hosts: HostView<'a, V4>,
    /// The subnets on the client's link that serve it, in the order in which they are tried: one, unless they are of a
    /// shared network.
    pub candidates: &'a [Candidate4],
    /// The classes of the client, for the sake of pools.
    pub classes: &'a ClassSet,
    /// The client, with its identifier; subnets may disregard that.
    pub client: ClientKey<'a>,
    /// What the client is known by among hosts.
    pub identifiers: &'a [Identifier<'a>],
    /// The address that is reserved for the client; it belongs to the first candidate.
    pub reserved: Option<Ipv4Addr>,
    /// Address that the client asks for.
    pub requested: Option<Ipv4Addr>,
    /// An address that was offered to this client a moment ago: offered again if it is still free.
    pub recent_offer: Option<Ipv4Addr>,
    /// Lease time that the client asks for, in seconds.
    pub wanted_lifetime: Option<u32>,
    /// Lease times that the classes of the client give.
    pub class_times: ClassTimes,
    /// `offer-lifetime` of the classes of the client.
    pub class_offer_lifetime: Option<u32>,
    /// What relays say of the client, as a user context to keep with the lease where the subnet says so; empty for nothing.
    pub extended_info: &'a [u8],
    /// Host name that the client gives.
    pub hostname: Option<&'a [u8]>,
}

impl<'a> Query4<'a> {
    /// A candidate.
    #[inline]
    pub(super) fn site(&'a self, nth: usize) -> Option<Site<'a>> {
        let candidate = *self.candidates.get(nth)?;
        let subnet = self.config.subnet(candidate.subnet);
        Some(Site { nth, candidate, subnet, query: self })
    }

    /// All candidates, beginning with one and going round.
    #[inline]
    pub(super) fn sites_from(&'a self, first: usize) -> impl Iterator<Item = Site<'a>> {
        // Candidates are few, mostly one: cheaper than a chain of two ranges.
        let count = self.candidates.len();
        (first..first + count)
            .filter_map(move |nth| self.site(if nth < count { nth } else { nth - count }))
    }

    /// The candidate that has an address in a pool that serves the client.
    pub(super) fn site_of(&'a self, address: Ipv4Addr) -> Option<Site<'a>> {
        self.sites_from(0).find(|site| site.permits(address))
    }
}

/// A candidate, ready for use; small, because it is handed around by value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'a> {
    /// Its place among the candidates.
    pub(super) nth: usize,
    pub(super) candidate: Candidate4,
    pub(super) subnet: &'a Subnet4,
    query: &'a Query4<'a>,
}

impl<'a> Site<'a> {
    pub(super) fn subnet_id(&self) -> SubnetId {
        SubnetId(self.subnet.id)
    }

    /// Whose leases count here as the client's own.
    #[inline]
    pub(super) fn client(&self) -> ClientKey<'a> {
        let client = self.query.client;
        let client_id = client.client_id.filter(|_| self.subnet.match_client_id);
        ClientKey { client_id, ..client }
    }

    /// The user context to keep with a lease here.
    pub(super) fn context(&self) -> &'a [u8] {
        match self.subnet.lease_rules.stores_extended_info {
            true => self.query.extended_info,
            false => &[],
        }
    }

    /// The pool that an address lies in, whomever it serves.
    pub(super) fn pool_of(&self, address: Ipv4Addr) -> Option<(PoolIndex, &'a Pool4)> {
        let mut pools = self.all_pools();
        pools.find(|(_, pool)| pool.contains(address))
    }

    /// Whether an address lies in a pool that serves the client.
    pub(super) fn permits(&self, address: Ipv4Addr) -> bool {
        self.pool_of(address).is_some_and(|(_, pool)| self.serves(pool))
    }

    /// The pools in the order of the file, beginning with one and going round, that serve the client.
    pub(super) fn pools_from(&self, first: usize) -> impl Iterator<Item = (PoolIndex, &'a Pool4)> {
        let site = *self;
        let pools = self.all_pools().cycle().skip(first).take(self.pool_count());
        pools.filter(move |(_, pool)| site.serves(pool))
    }

    /// The place of a pool among the subnet's own, if it is one of them.
    pub(super) fn nth_of(&self, pool: PoolIndex) -> Option<usize> {
        let own = &self.subnet.pools;
        own.contains(&pool.0).then(|| (pool.0 - own.start) as usize)
    }

    /// Number of pools, whomever they serve.
    pub(super) fn pool_count(&self) -> usize {
        self.subnet.pools.len()
    }

    /// Whether a lease, looked at as this client, is its own here.
    pub(super) fn is_own(&self, lease: &Lease4View) -> bool {
        lease.owner == Ownership::Mine
            && lease.subnet_id == self.subnet_id()
            && lease.state != LeaseState::Declined
    }

    fn all_pools(&self) -> impl Iterator<Item = (PoolIndex, &'a Pool4)> + Clone + use<'a> {
        (self.subnet.pools.start..).map(PoolIndex).zip(self.query.config.pools_of(self.subnet))
    }

    fn serves(&self, pool: &Pool4) -> bool {
        let extras = pool.extras.as_deref();
        ClassPolicy::admits(extras.and_then(|extras| extras.classes.as_deref()), self.query.classes)
    }
}

/// The lease time that a client gets in a subnet, and the one where addresses run short, in seconds.
pub(super) fn lifetimes(query: &Query4<'_>, timers: &Timers) -> (u32, u32) {
    let lifetime = query.class_times.valid.unwrap_or(timers.valid());
    (lifetime.granted(query.wanted_lifetime), lifetime.min)
}
