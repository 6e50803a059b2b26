//! What a configuration becomes when it is in force: compiled values, free addresses, lease counters.

use std::net::Ipv4Addr;
use std::sync::Arc;

use libdhcpsrv::config4::{Config4, SocketType, SubnetIndex};
use libdhcpsrv::engine::InForce;
use libdhcpsrv::explain::ExplainedClients;
use libdhcpsrv::free::{PoolIndex, PoolRange, PoolSet4};
use libdhcpsrv::hosts::{HostDatabases, HostDesk, HostTerms, HostView, JoinedHosts, LearnedHosts};
use libdhcpsrv::lease::{StoredLeases, SubnetId};
use libdhcpsrv::lease4::V4;
use libdhcpsrv::tally::{Names, NamesOfType, Tally};
use stats::{Lease4, LeaseCounters4, SubnetRow};
use util::Now;

/// Offset of the relay's address in a packet.
const GIADDR: usize = 24;
/// Subnets from which on their data do not stay in the caches by themselves.
const FETCH_FROM: usize = 64;

const ADDRESSES: NamesOfType<Lease4> = NamesOfType {
    total: Lease4::TotalAddresses,
    assigned: Lease4::AssignedAddresses,
    cumulative: Lease4::CumulativeAssignedAddresses,
};
/// What lease figures are called; there are no prefixes.
static NAMES: Names<Lease4> =
    Names { declined: Lease4::DeclinedAddresses, addresses: ADDRESSES, prefixes: ADDRESSES };

/// A configuration in force, shared by all workers.
#[derive(Debug)]
pub struct Runtime4 {
    /// The compiled configuration.
    pub config: Config4,
    /// The databases of hosts.
    pub host_databases: Option<HostDatabases<V4>>,
    /// The pools and what is free in them.
    pub pools: Arc<PoolSet4>,
    /// Lease figures of the subnets and pools.
    pub tally: Tally<Lease4>,
}

impl Runtime4 {
    /// Prepares a configuration with the lease figures made from its [`subnet_rows`]; pools and figures are still
    /// those of an empty store.
    #[must_use]
    pub fn new(config: Config4, counters: Arc<LeaseCounters4>) -> Self {
        let ranges = config.pools.iter().map(|pool| PoolRange {
            first: pool.first.into(),
            last: pool.last.into(),
            skips_edges: config.exclude_first_last_24 && pool.last - pool.first >= 255,
        });
        let ranges: Vec<PoolRange> = ranges.collect();
        let subnets = config
            .subnets
            .iter()
            .map(|subnet| (subnet.pools.clone(), SubnetId(subnet.id), subnet.reservations));
        let pools = Arc::new(config.hosts.make_pools(&ranges, subnets));
        let tally = Tally::new(&NAMES, &subnet_rows(&config), counters);
        let host_databases = HostDatabases::of_config(&config.hosts_databases, &config.host_cache);
        Self { pools, config, host_databases, tally }
    }

    /// Sets totals from the pools and the other figures from what is stored.
    pub fn recount(&self, store: &dyn StoredLeases<V4>, now: Now) {
        for (subnet, index) in self.config.subnets.iter().zip((0..).map(SubnetIndex)) {
            for (nth, pool) in self.config.pools_of(subnet).iter().enumerate() {
                let units = u128::from(pool.last - pool.first) + 1;
                self.tally.set_size(index, nth, units, now);
            }
        }
        self.tally.recount(store.recount(), now);
    }

    /// Whether a client without an address can be answered by unicast.
    #[must_use]
    pub fn direct_response(&self) -> bool {
        self.config.interfaces.socket_type == SocketType::Raw
    }
}

impl Runtime4 {
    /// The hosts of one run of an exchange.
    #[must_use]
    #[inline]
    pub fn hosts<'a>(
        &'a self,
        desk: &'a HostDesk<V4>,
        learned: &'a LearnedHosts<V4>,
        now: Now,
    ) -> JoinedHosts<'a, V4> {
        JoinedHosts::new(&self.config.hosts, self.host_databases.as_ref(), desk, learned, now)
    }

    /// Its hosts by their numbers, those of databases as far as an exchange has learned of them.
    #[must_use]
    #[inline]
    pub fn host_view<'a>(&'a self, learned: &'a LearnedHosts<V4>) -> HostView<'a, V4> {
        HostView::new(&self.config.hosts, self.host_databases.as_ref().map(|_| learned))
    }
}

impl InForce for Runtime4 {
    type Leases = V4;
    type Figure = Lease4;

    fn host_databases(&self) -> Option<&HostDatabases<V4>> {
        self.host_databases.as_ref()
    }

    fn host_terms(&self) -> HostTerms<'_> {
        let Config4 { definitions, classes, .. } = &self.config;
        HostTerms { definitions, classes: classes.table() }
    }

    fn tally(&self) -> &Tally<Lease4> {
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
        let giaddr = payload.get(GIADDR..).and_then(|rest| rest.first_chunk::<4>());
        let Some(giaddr) = giaddr.filter(|_| self.config.subnets.len() >= FETCH_FROM) else {
            return;
        };
        let Some(index) = self.config.by_address.find(Ipv4Addr::from(*giaddr)) else { return };
        let subnet = self.config.subnet(index);
        let pool = subnet.pools.start;
        let read = [
            u64::from(subnet.options.contains(0)),
            u64::from(subnet.match_client_id),
            u64::from(subnet.timers.valid_lifetime),
            self.pools.free_count(PoolIndex(pool)),
            self.config.pools.get(pool as usize).map_or(0, |pool| pool.first.into()),
            self.tally.touch(index) as u64,
        ];
        std::hint::black_box(read);
    }
}

/// The subnets and pools that lease figures are kept for.
#[must_use]
pub fn subnet_rows(config: &Config4) -> Vec<SubnetRow> {
    let rows = config.subnets.iter().map(|subnet| SubnetRow {
        id: subnet.id,
        pool_ids: config.pools_of(subnet).iter().map(|pool| pool.id).collect(),
        pd_pool_ids: Vec::new(),
    });
    rows.collect()
}
