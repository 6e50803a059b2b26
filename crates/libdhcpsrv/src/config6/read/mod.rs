//! From a parsed file to a [`Config6`].
//!
//! The parts that both servers have are read by [`crate::config::read`], the others here.

mod apart;
mod classes;
mod hosts;
mod network;
mod parts;
mod pools;
mod subnets;

use std::net::Ipv6Addr;
use std::sync::Arc;

use cc::{Diagnostics, Document, MapReader};

use self::network::Network;
use super::keywords::SERVER;
use super::{Config6, InterfacesConfig};
use crate::classes::{Classes, read_classes};
use crate::config::keywords::refuse_unsupported;
use crate::config::read::hosts::{HostReader, is_early_global, read_identifier_order};
use crate::config::read::interfaces::{self, EntryRules};
use crate::config::read::options::{OptionScopes, read_definitions};
use crate::config::read::{self, Opened, logging, open};

/// Reads the configuration of `kea-dhcp6`.
///
/// `cpus` is the number of workers when the file leaves it to the machine. Everything that is wrong
/// is added to `diagnostics`. Returns nothing if they hold an error, including those of parsing.
pub fn read(document: &Document, cpus: usize, diagnostics: &mut Diagnostics) -> Option<Config6> {
    let opened = open(document, &SERVER, diagnostics)?;
    let config = read_global(&opened, cpus, diagnostics);
    if diagnostics.has_errors() { None } else { Some(config) }
}

fn read_global(opened: &Opened<'_>, cpus: usize, diagnostics: &mut Diagnostics) -> Config6 {
    let reader = &opened.global;
    refuse_unsupported(reader, diagnostics);
    read::parts::check_dhcp_ddns(reader, diagnostics);
    read::parts::warn_of_old_names(reader, diagnostics);
    let compatibility = read::parts::part(reader, SERVER.compatibility, diagnostics);
    let is_on = |name| compatibility.as_ref().and_then(|map| map.bool(name)).unwrap_or(false);
    let network = Network::read(reader, None, diagnostics);
    let definitions = read_definitions(reader, &SERVER.options, diagnostics);
    let mut scopes = OptionScopes::new(&SERVER.options, definitions);
    let options = scopes.read(reader, diagnostics);
    let classes = read_classes(reader, &SERVER, classes::read_own, &mut scopes, diagnostics);
    let mut hosts = HostReader::new(&SERVER, hosts::read_own, reader);
    let reading = subnets::Reading::new(&mut scopes, &mut hosts);
    let all = reading.read(reader, &subnets::Outer::new(&network), diagnostics);
    let hosts = hosts.finish(reader, !all.subnets.is_empty(), &mut scopes, diagnostics);
    scopes.classes.check_mentions(diagnostics);
    let classes = Classes::new(SERVER.options.universe, scopes.classes, classes);
    let or_default = |name| reader.u32_or_default(name).unwrap_or_default();
    Config6 {
        interfaces: read_interfaces(reader, diagnostics),
        lease_database: read::databases::read_lease_database(reader, diagnostics),
        hosts_databases: read::databases::read_hosts_databases(reader, diagnostics),
        host_cache: read::databases::read_host_cache(reader),
        expired_leases: read::parts::read_expired_leases(reader, diagnostics),
        decline_probation_period: or_default("decline-probation-period"),
        workers: read::parts::read_workers(reader, cpus, diagnostics),
        subnets: all.subnets,
        networks: all.networks,
        pools: all.pools,
        definitions: scopes.definitions.clone(),
        options: Arc::clone(&options),
        classes,
        hosts,
        host_identifiers: read_identifier_order(reader, &SERVER, diagnostics),
        early_global_hosts: is_early_global(reader),
        mac_sources: parts::read_mac_sources(reader, diagnostics),
        relay_supplied_options: parts::read_relay_supplied(reader, diagnostics),
        server_id: parts::read_server_id(reader, diagnostics),
        lenient_option_parsing: is_on("lenient-option-parsing"),
        lease_checks: read::parts::read_lease_checks(reader, diagnostics),
        extended_info_checks: read::parts::read_extended_info_checks(reader),
        statistic_sample_count: or_default("statistic-default-sample-count"),
        statistic_sample_age: or_default("statistic-default-sample-age"),
        explained_clients: read::parts::read_explained_clients(reader, diagnostics),
        logging: logging::read(opened, &SERVER, diagnostics),
        by_address: all.found.by_address(),
        by_relay: all.found.by_relay,
        by_interface: all.found.by_interface,
        by_interface_id: all.by_interface_id,
        data_directory: reader
            .str("data-directory")
            .filter(|directory| !directory.is_empty())
            .map(str::to_owned),
    }
}

fn read_interfaces(global: &MapReader<'_>, diagnostics: &mut Diagnostics) -> InterfacesConfig {
    let part = read::parts::part(global, SERVER.interfaces, diagnostics);
    let Some(reader) = part else { return InterfacesConfig::default() };
    let rules = EntryRules::<Ipv6Addr> {
        is_mixed: true,
        unfit: |address| match address {
            Ipv6Addr::UNSPECIFIED => Some("stands for no address"),
            address if address.is_multicast() => Some("is a multicast address"),
            _ => None,
        },
        doubt: |address| {
            address.is_unicast_link_local().then_some("is link-local, which is served anyway")
        },
    };
    InterfacesConfig { interfaces: interfaces::read(&reader, &rules, diagnostics) }
}
