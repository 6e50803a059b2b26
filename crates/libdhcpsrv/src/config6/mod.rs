//! The compiled configuration of `kea-dhcp6`: what packet code sees.
//!
//! Everything that does not depend on a packet is decided here once: inheritance is resolved, options are encoded,
//! prefixes are indexed. Values are immutable; a reconfiguration builds a new [`Config6`] beside the old one and
//! the workers swap it between two batches. What it shares with the configuration of `kea-dhcp4` is in
//! [`crate::config`].

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
pub use libdhcp::OptionSet6;
pub use read::read;
pub(crate) use subnet::five_eighths;
pub use subnet::{LinkNames, Pool6, PoolKind, Subnet6, Timers6};

use std::net::Ipv6Addr;
use std::sync::Arc;

use eval::ClassSet;
use libdhcp::definition::Definitions;

use crate::classes::{ClassPolicy, Classes};
use crate::config::{LeasePlaces, Prefix, SqlDatabase};
use crate::explain::ExplainedClients;
use crate::hosts::{Hosts6, IdentifierOrder};
use crate::lease::SubnetId;

/// A whole configuration, ready for use by the workers.
#[derive(Debug)]
pub struct Config6 {
    /// Which interfaces to serve.
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
    /// Number of worker threads; at least 1.
    pub workers: usize,
    /// Subnets in the order of the file, those of shared networks behind the others.
    pub subnets: Vec<Subnet6>,
    /// Shared networks in the order of the file.
    pub networks: Vec<SharedNetwork<OptionSet6>>,
    /// All pools of all subnets; a subnet's pools of addresses are neighbours, and so are those of prefixes.
    pub pools: Vec<Pool6>,
    /// Names and forms of options, those of the file included; for what is shown to people.
    pub definitions: Definitions,
    /// Options of the global scope.
    pub options: Arc<OptionSet6>,
    /// Client classes.
    pub classes: Classes<OptionSet6>,
    /// Host reservations of all subnets and of the global scope.
    pub hosts: Hosts6,
    /// `host-reservation-identifiers`: what a client's reservation is looked for by, in this order.
    pub host_identifiers: IdentifierOrder,
    /// `early-global-reservations-lookup`: whether a client's global reservation is looked for before a subnet is selected.
    pub early_global_hosts: bool,
    /// `mac-sources`: where a client's hardware address is looked for, in this order; empty for nowhere.
    pub mac_sources: Vec<MacSource>,
    /// `relay-supplied-options`: what relays may add to replies (RFC 6422).
    pub relay_supplied_options: RelaySupplied,
    /// `server-id`: how the server's DUID is made.
    pub server_id: ServerIdConfig,
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
    pub by_address: PrefixIndex<Ipv6Addr>,
    /// Relay address (`relay`) to the subnets that name it.
    pub by_relay: SubnetsBy<Ipv6Addr>,
    /// Interface name (`interface`) to the subnets that name it.
    pub by_interface: SubnetsBy<Box<str>>,
    /// Option 18 of a relay (`interface-id`) to the subnets that name it.
    pub by_interface_id: SubnetsBy<Box<[u8]>>,
    /// `data-directory`: where leases and the server's DUID are kept, instead of the default.
    pub data_directory: Option<String>,
}

impl Config6 {
    /// Where stored leases belong.
    #[must_use]
    pub fn lease_places(&self) -> LeasePlaces<'_, Ipv6Addr> {
        let subnets = self.subnets.iter().map(|subnet| {
            let prefix = Prefix { address: subnet.prefix, len: subnet.prefix_len };
            (SubnetId(subnet.id), prefix.span())
        });
        LeasePlaces::new(self.lease_checks, &self.by_address, subnets)
    }

    /// The subnet behind an index of this configuration.
    #[must_use]
    pub fn subnet(&self, index: SubnetIndex) -> &Subnet6 {
        &self.subnets[index.0 as usize]
    }

    /// The pools of addresses of a subnet.
    #[must_use]
    pub fn pools_of(&self, subnet: &Subnet6) -> &[Pool6] {
        &self.pools[subnet.pools.start as usize..subnet.pools.end as usize]
    }

    /// The pools of prefixes of a subnet.
    #[must_use]
    pub fn pd_pools_of(&self, subnet: &Subnet6) -> &[Pool6] {
        &self.pools[subnet.pd_pools.start as usize..subnet.pd_pools.end as usize]
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
    pub fn network_of(&self, subnet: &Subnet6) -> Option<&SharedNetwork<OptionSet6>> {
        self.networks.get(subnet.network?.0 as usize)
    }
}

/// `interfaces-config`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfacesConfig {
    /// Entries of `interfaces` as written (`*`, `eth0`, `eth0/2001:db8::1`), checked for form.
    pub interfaces: Vec<String>,
}

/// An entry of `mac-sources`, `any` resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacSource {
    /// Option 79 of the relay nearest the client (RFC 6939): `client-link-addr-option`, `rfc6939`.
    ClientLinkAddress,
    /// Option 1026 of a cable modem termination system: `docsis-cmts`.
    DocsisCmts,
    /// Option 36 of a cable modem: `docsis-modem`.
    DocsisModem,
    /// A DUID-LLT or DUID-LL: `duid`.
    Duid,
    /// The interface identifier of a link-local address: `ipv6-link-local`.
    LinkLocal,
    /// The header of the frame, which UDP sockets do not deliver: `raw`.
    Raw,
    /// Option 37 of the relay nearest the client (RFC 4649): `remote-id`, `rfc4649`.
    RemoteId,
    /// Option 38 (RFC 4580), which holds no hardware address: `subscriber-id`, `rfc4580`.
    SubscriberId,
}

impl MacSource {
    /// What `any` stands for, in this order.
    pub const ANY: [Self; 7] = [
        Self::Raw,
        Self::ClientLinkAddress,
        Self::Duid,
        Self::LinkLocal,
        Self::RemoteId,
        Self::DocsisCmts,
        Self::DocsisModem,
    ];
}

/// `relay-supplied-options`: codes of options, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelaySupplied(pub(crate) Box<[u16]>);

impl RelaySupplied {
    /// Whether a relay may supply the option.
    #[must_use]
    pub fn contains(&self, code: u16) -> bool {
        self.0.binary_search(&code).is_ok()
    }

    /// All codes, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        self.0.iter().copied()
    }
}

/// `server-id`: what the server's DUID is made of; 0 and no bytes stand for the server's own choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerIdConfig {
    /// `type`.
    pub kind: ServerIdKind,
    /// `identifier`: the link-layer address, or the identifier of an enterprise; empty for the server's own choice.
    pub identifier: Vec<u8>,
    /// `htype`: hardware type of the link-layer address; 0 for that of the stored DUID, else 1 (Ethernet).
    pub htype: u16,
    /// `time` in seconds since 2000; 0 for that of the stored DUID, else now.
    pub time: u32,
    /// `enterprise-id`; 0 for that of the stored DUID, else 2495.
    pub enterprise_id: u32,
    /// `persist`: whether the DUID is stored.
    pub persist: bool,
}

/// `type` of `server-id`; the value is that of the DUID (RFC 8415 section 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum ServerIdKind {
    /// Link-layer address and time.
    Llt = 1,
    /// Enterprise number and identifier.
    En = 2,
    /// Link-layer address.
    Ll = 3,
}

impl Default for ServerIdConfig {
    fn default() -> Self {
        Self {
            kind: ServerIdKind::Llt,
            identifier: Vec::new(),
            htype: 0,
            time: 0,
            enterprise_id: 0,
            persist: true,
        }
    }
}
