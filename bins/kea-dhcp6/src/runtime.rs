//! What a configuration becomes when it is in force: compiled values, free addresses and prefixes, lease counters,
//! the server's identifier.

use std::net::Ipv6Addr;
use std::sync::Arc;

use libdhcpsrv::config::SubnetIndex;
use libdhcpsrv::config6::Config6;
use libdhcpsrv::engine::InForce;
use libdhcpsrv::explain::ExplainedClients;
use libdhcpsrv::free::{PoolRange6, PoolSet6};
use libdhcpsrv::hosts::{HostDatabases, HostDesk, HostTerms, HostView, JoinedHosts, LearnedHosts};
use libdhcpsrv::lease::{StoredLeases, SubnetId};
use libdhcpsrv::lease6::V6;
use libdhcpsrv::tally::{Names, NamesOfType, Tally};
use stats::{Lease6, LeaseCounters6, SubnetRow};
use util::Now;

/// Offset of the link-address in a relay message.
const LINK_ADDRESS: usize = 2;
/// First byte of a relay message.
const RELAY_FORW: u8 = 12;
/// Subnets from which on their data do not stay in the caches by themselves.
const FETCH_FROM: usize = 64;

/// What lease figures are called.
static NAMES: Names<Lease6> = Names {
    declined: Lease6::DeclinedAddresses,
    addresses: NamesOfType {
        total: Lease6::TotalNas,
        assigned: Lease6::AssignedNas,
        cumulative: Lease6::CumulativeAssignedNas,
    },
    prefixes: NamesOfType {
        total: Lease6::TotalPds,
        assigned: Lease6::AssignedPds,
        cumulative: Lease6::CumulativeAssignedPds,
    },
};

/// A configuration in force, shared by all workers.
#[derive(Debug)]
pub struct Runtime6 {
    /// The compiled configuration.
    pub config: Config6,
    /// The databases of hosts.
    pub host_databases: Option<HostDatabases<V6>>,
    /// The pools and what is free in them.
    pub pools: Arc<PoolSet6>,
    /// Our own identifier.
    pub server_duid: Box<[u8]>,
    /// Lease figures of the subnets and pools.
    pub tally: Tally<Lease6>,
    /// Whether any pool has options or lets classes be evaluated.
    pub has_pool_extras: bool,
}

impl Runtime6 {
    /// Prepares a configuration with the lease figures made from its [`subnet_rows`]; pools and figures are still
    /// those of an empty store.
    #[must_use]
    pub fn new(config: Config6, server_duid: Box<[u8]>, counters: Arc<LeaseCounters6>) -> Self {
        let ranges = config.pools.iter().map(|pool| PoolRange6 {
            first: Ipv6Addr::from(pool.first),
            last: Ipv6Addr::from(pool.end()),
            unit_len: pool.unit_len,
        });
        let ranges: Vec<PoolRange6> = ranges.collect();
        let subnets = config.subnets.iter().map(|subnet| {
            let pools = subnet.pools.start..subnet.pd_pools.end;
            (pools, SubnetId(subnet.id), subnet.reservations)
        });
        let pools = Arc::new(config.hosts.make_pools(&ranges, subnets));
        let tally = Tally::new(&NAMES, &subnet_rows(&config), counters);
        let has_pool_extras = config.pools.iter().any(|pool| pool.extras.is_some());
        let host_databases = HostDatabases::of_config(&config.hosts_databases, &config.host_cache);
        Self { config, host_databases, pools, server_duid, tally, has_pool_extras }
    }

    /// Sets totals from the pools and the other figures from what is stored.
    pub fn recount(&self, store: &dyn StoredLeases<V6>, now: Now) {
        for (subnet, index) in self.config.subnets.iter().zip((0..).map(SubnetIndex)) {
            let addresses = self.config.pools_of(subnet).iter();
            let pools = addresses.chain(self.config.pd_pools_of(subnet));
            for (nth, pool) in pools.enumerate() {
                self.tally.set_size(index, nth, pool.last_index().saturating_add(1), now);
            }
        }
        self.tally.recount(store.recount(), now);
    }
}

impl Runtime6 {
    /// The hosts of one run of an exchange.
    #[must_use]
    #[inline]
    pub fn hosts<'a>(
        &'a self,
        desk: &'a HostDesk<V6>,
        learned: &'a LearnedHosts<V6>,
        now: Now,
    ) -> JoinedHosts<'a, V6> {
        JoinedHosts::new(&self.config.hosts, self.host_databases.as_ref(), desk, learned, now)
    }

    /// Its hosts by their numbers, those of databases as far as an exchange has learned of them.
    #[must_use]
    #[inline]
    pub fn host_view<'a>(&'a self, learned: &'a LearnedHosts<V6>) -> HostView<'a, V6> {
        HostView::new(&self.config.hosts, self.host_databases.as_ref().map(|_| learned))
    }
}

impl InForce for Runtime6 {
    type Leases = V6;
    type Figure = Lease6;

    fn host_databases(&self) -> Option<&HostDatabases<V6>> {
        self.host_databases.as_ref()
    }

    fn host_terms(&self) -> HostTerms<'_> {
        let Config6 { definitions, classes, .. } = &self.config;
        HostTerms { definitions, classes: classes.table() }
    }

    fn tally(&self) -> &Tally<Lease6> {
        &self.tally
    }

    fn explained_clients(&self) -> &ExplainedClients {
        &self.config.explained_clients
    }

    /// Reads a little of everything that an exchange through the relay of this packet will need.
    ///
    /// With thousands of subnets hardly any of it is in the processor's caches. The reads for the packets of a batch do
    /// not depend on each other, so memory delivers them together; met during processing, each is waited for.
    /// The packet has not been checked: whatever it holds, this has no effect but time.
    fn fetch(&self, payload: &[u8]) {
        let is_relayed = payload.first() == Some(&RELAY_FORW);
        if !is_relayed || self.config.subnets.len() < FETCH_FROM {
            return;
        }
        let link = payload.get(LINK_ADDRESS..).and_then(|rest| rest.first_chunk::<16>());
        let Some(link) = link.map(|link| Ipv6Addr::from(*link)) else { return };
        let Some(index) = self.config.by_address.find(link) else { return };
        let subnet = self.config.subnet(index);
        let pool = subnet.pools.start;
        let read = [
            u64::from(subnet.options.contains(0)),
            u64::from(subnet.rapid_commit),
            u64::from(subnet.timers.valid_lifetime),
            self.pools.free_count(libdhcpsrv::free::PoolIndex(pool)),
            self.config.pools.get(pool as usize).map_or(0, |pool| pool.first as u64),
            self.tally.touch(index) as u64,
        ];
        std::hint::black_box(read);
    }
}

/// The subnets and pools that lease figures are kept for.
#[must_use]
pub fn subnet_rows(config: &Config6) -> Vec<SubnetRow> {
    let rows = config.subnets.iter().map(|subnet| SubnetRow {
        id: subnet.id,
        pool_ids: config.pools_of(subnet).iter().map(|pool| pool.id).collect(),
        pd_pool_ids: config.pd_pools_of(subnet).iter().map(|pool| pool.id).collect(),
    });
    rows.collect()
}
