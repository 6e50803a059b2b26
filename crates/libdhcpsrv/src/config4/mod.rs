//! The compiled configuration of `kea-dhcp4`: what packet code sees.
//!
//! Everything that does not depend on a packet is decided here once: inheritance is resolved, options are encoded,
//! prefixes are indexed. Values are immutable; a reconfiguration builds a new [`Config4`] beside the old one and
//! the workers swap it between two batches. Reading the file is the job of [`read`]; the names and defaults of the
//! keys are rows of [`keywords`].

mod get;
pub mod keywords;
mod read;
mod subnet;
#[cfg(test)]
mod tests;

pub use crate::config::{
    Durability, ExpiredLeases, ExtendedInfoChecks, HostCacheLimits, LeaseChecks, LeaseDatabase,
    NetworkIndex, PoolExtras, PrefixIndex, SharedNetwork, SubnetIndex, SubnetsBy,
};
pub use get::{get, get_tree};
pub use read::read;
pub use subnet::{Pool4, Subnet4, Timers};

use std::net::Ipv4Addr;
use std::sync::Arc;

use libdhcp::OptionSet;
use libdhcp::definition::Definitions;

use eval::ClassSet;

use crate::classes::{ClassPolicy, Classes};
use crate::config::{LeasePlaces, Prefix, SqlDatabase};
use crate::explain::ExplainedClients;
use crate::hosts::{Hosts4, IdentifierOrder};
use crate::lease::SubnetId;

/// A whole configuration, ready for use by the workers.
#[derive(Debug)]
pub struct Config4 {
    /// Which interfaces to serve, and how.
    pub interfaces: InterfacesConfig,
    /// Where leases are kept.
    pub lease_database: LeaseDatabase,
    /// `hosts-database` and `hosts-databases`, in the order in which they are asked; after the hosts of the file.
    pub hosts_databases: Vec<SqlDatabase>,
    /// How much of what those databases say is remembered.
    pub host_cache: HostCacheLimits,
    /// Handling of expired leases.
    pub expired_leases: ExpiredLeases,
    /// Seconds for which a declined address stays unusable.
    pub decline_probation_period: u32,
    /// Whether option 61 is returned to the client (RFC 6842).
    pub echo_client_id: bool,
    /// Number of worker threads; at least 1.
    pub workers: usize,
    /// Subnets in the order of the file, those of shared networks behind the others.
    pub subnets: Vec<Subnet4>,
    /// Shared networks in the order of the file.
    pub networks: Vec<SharedNetwork<OptionSet>>,
    /// All pools of all subnets; a subnet's pools are neighbours.
    pub pools: Vec<Pool4>,
    /// Names and forms of options, those of the file included; for what is shown to people.
    pub definitions: Definitions,
    /// Options of the global scope.
    pub options: Arc<OptionSet>,
    /// Client classes.
    pub classes: Classes<OptionSet>,
    /// Host reservations of all subnets and of the global scope.
    pub hosts: Hosts4,
    /// `early-global-reservations-lookup`: whether global hosts are looked for before a subnet is selected.
    pub early_global_hosts: bool,
    /// `host-reservation-identifiers`: what a client's reservation is looked for by, in this order.
    pub host_identifiers: IdentifierOrder,
    /// Whether option 82.5 (link selection) is disregarded.
    pub ignore_link_selection: bool,
    /// Whether a foreign server identifier (option 54) is disregarded.
    pub ignore_server_identifier: bool,
    /// Whether pools of /24 and larger networks leave out the addresses that end in .0 and .255.
    pub exclude_first_last_24: bool,
    /// Whether malformed options of clients are tolerated.
    pub lenient_option_parsing: bool,
    /// What is done with leases that do not fit the subnets when they are loaded.
    pub lease_checks: LeaseChecks,
    /// What is done with what they say of relays.
    pub extended_info_checks: ExtendedInfoChecks,
    /// Samples kept of each statistic; 0 when the age decides.
    pub statistic_sample_count: u32,
    /// Seconds for which samples are kept; 0 when the count decides.
    pub statistic_sample_age: u32,
    /// `explain-clients`: those whose queries are explained in the log.
    pub explained_clients: ExplainedClients,
    /// Logger settings; `None` when the file has none.
    pub logging: Option<kea_log::LogConfig>,
    /// Address to the first subnet of the file that contains it.
    pub by_address: PrefixIndex<Ipv4Addr>,
    /// Relay address (`relay`) to the subnets that name it.
    pub by_relay: SubnetsBy<Ipv4Addr>,
    /// Interface name (`interface`) to the subnets that name it.
    pub by_interface: SubnetsBy<Box<str>>,
    /// Server identifiers (option 54) that the configuration itself gives out, sorted.
    pub server_identifiers: Vec<Ipv4Addr>,
}

impl Config4 {
    /// Where stored leases belong.
    #[must_use]
    pub fn lease_places(&self) -> LeasePlaces<'_, Ipv4Addr> {
        let subnets = self.subnets.iter().map(|subnet| {
            let prefix = Prefix { address: subnet.prefix, len: subnet.prefix_len };
            (SubnetId(subnet.id), prefix.span())
        });
        LeasePlaces::new(self.lease_checks, &self.by_address, subnets)
    }

    /// The subnet behind an index of this configuration.
    #[must_use]
    pub fn subnet(&self, index: SubnetIndex) -> &Subnet4 {
        &self.subnets[index.0 as usize]
    }

    /// The pools of a subnet.
    #[must_use]
    pub fn pools_of(&self, subnet: &Subnet4) -> &[Pool4] {
        &self.pools[subnet.pools.start as usize..subnet.pools.end as usize]
    }

    /// What the pool of an address has beside its addresses.
    #[must_use]
    pub fn extras_at(&self, subnet: &Subnet4, address: Ipv4Addr) -> Option<&PoolExtras<OptionSet>> {
        if address.is_unspecified() {
            return None;
        }
        let pool = self.pools_of(subnet).iter().find(|pool| pool.contains(address))?;
        pool.extras.as_deref()
    }

    /// Whether a subnet and its shared network serve a client in these classes.
    #[must_use]
    #[inline]
    pub fn serves(&self, index: SubnetIndex, classes: &ClassSet) -> bool {
        let subnet = self.subnet(index);
        let network = self.network_of(subnet).and_then(|network| network.classes.as_deref());
        ClassPolicy::admits(subnet.classes.as_deref(), classes)
            && ClassPolicy::admits(network, classes)
    }

    /// The shared network that a subnet belongs to.
    #[must_use]
    pub fn network_of(&self, subnet: &Subnet4) -> Option<&SharedNetwork<OptionSet>> {
        self.networks.get(subnet.network?.0 as usize)
    }
}

/// `interfaces-config`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfacesConfig {
    /// Entries of `interfaces` as written (`*`, `eth0`, `eth0/192.0.2.1`), checked for form.
    pub interfaces: Vec<String>,
    /// `dhcp-socket-type`.
    pub socket_type: SocketType,
    /// `outbound-interface`: whether answers leave as the routing table says, where it says anything.
    pub uses_routing: bool,
}

/// `dhcp-socket-type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SocketType {
    /// Packet sockets: clients without an address can be answered by unicast.
    #[default]
    Raw,
    /// UDP sockets: for relayed traffic; a client without an address is answered by broadcast.
    Udp,
}
