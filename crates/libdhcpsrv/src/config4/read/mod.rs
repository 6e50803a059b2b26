//! From a parsed file to a [`Config4`].
//!
//! The parts that both servers have are read by [`crate::config::read`], the others here.

mod classes;
mod hosts;
mod network;
mod pools;
mod subnets;

use std::net::Ipv4Addr;
use std::sync::Arc;

use cc::{Diagnostics, Document, MapReader};
use libdhcp::OptionSet;
use libdhcp::v4::code;

use self::network::Network;
use super::keywords::SERVER;
use super::{Config4, InterfacesConfig, SocketType};
use crate::classes::{Classes, read_classes};
use crate::config::keywords::refuse_unsupported;
use crate::config::read::hosts::{HostReader, is_early_global, read_identifier_order};
use crate::config::read::interfaces::{self, EntryRules};
use crate::config::read::options::{OptionScopes, read_definitions};
use crate::config::read::{Opened, databases, logging, open, parts};
use crate::hosts::Hosts4;

/// Reads the configuration of `kea-dhcp4`.
///
/// `cpus` is the number of workers when the file leaves it to the machine. Everything that is wrong
/// is added to `diagnostics`. Returns nothing if they hold an error, including those of parsing.
pub fn read(document: &Document, cpus: usize, diagnostics: &mut Diagnostics) -> Option<Config4> {
    let opened = open(document, &SERVER, diagnostics)?;
    let config = read_global(&opened, cpus, diagnostics);
    if diagnostics.has_errors() { None } else { Some(config) }
}

fn read_global(opened: &Opened<'_>, cpus: usize, diagnostics: &mut Diagnostics) -> Config4 {
    let reader = &opened.global;
    refuse_unsupported(reader, diagnostics);
    parts::check_dhcp_ddns(reader, diagnostics);
    let compatibility = parts::part(reader, SERVER.compatibility, diagnostics);
    let is_on = |name| compatibility.as_ref().and_then(|map| map.bool(name)).unwrap_or(false);
    let mut network = Network::read(reader, None, diagnostics);
    network.names = parts::read_old_names(reader, diagnostics).within(&network.names);
    let definitions = read_definitions(reader, &SERVER.options, diagnostics);
    let mut scopes = OptionScopes::new(&SERVER.options, definitions);
    let options = scopes.read(reader, diagnostics);
    let classes = read_classes(reader, &SERVER, classes::read_own, &mut scopes, diagnostics);
    let mut hosts = HostReader::new(&SERVER, hosts::read_own, reader);
    let names = network.names.rules();
    let outer = subnets::Outer::new(&network, &names);
    let reading = subnets::Reading::new(&mut scopes, &mut hosts);
    let all = reading.read(reader, &outer, diagnostics);
    let hosts = hosts.finish(reader, !all.subnets.is_empty(), &mut scopes, diagnostics);
    scopes.classes.check_mentions(diagnostics);
    let classes = Classes::new(SERVER.options.universe, scopes.classes, classes);

    let server_identifiers = server_identifiers(&options, &classes, &all, &hosts);
    let or_default = |name| reader.u32_or_default(name).unwrap_or_default();
    Config4 {
        interfaces: read_interfaces(reader, diagnostics),
        lease_database: databases::read_lease_database(reader, diagnostics),
        hosts_databases: databases::read_hosts_databases(reader, diagnostics),
        host_cache: databases::read_host_cache(reader),
        expired_leases: parts::read_expired_leases(reader, diagnostics),
        decline_probation_period: or_default("decline-probation-period"),
        echo_client_id: reader.bool_or_default("echo-client-id").unwrap_or(true),
        workers: parts::read_workers(reader, cpus, diagnostics),
        subnets: all.subnets,
        networks: all.networks,
        pools: all.pools,
        definitions: scopes.definitions.clone(),
        options: Arc::clone(&options),
        classes,
        hosts,
        early_global_hosts: is_early_global(reader),
        host_identifiers: read_identifier_order(reader, &SERVER, diagnostics),
        ignore_link_selection: is_on("ignore-rai-link-selection"),
        ignore_server_identifier: is_on("ignore-dhcp-server-identifier"),
        exclude_first_last_24: is_on("exclude-first-last-24"),
        lenient_option_parsing: is_on("lenient-option-parsing"),
        lease_checks: parts::read_lease_checks(reader, diagnostics),
        extended_info_checks: parts::read_extended_info_checks(reader),
        statistic_sample_count: or_default("statistic-default-sample-count"),
        statistic_sample_age: or_default("statistic-default-sample-age"),
        explained_clients: parts::read_explained_clients(reader, diagnostics),
        logging: logging::read(opened, &SERVER, diagnostics),
        by_address: all.found.by_address(),
        by_relay: all.found.by_relay,
        by_interface: all.found.by_interface,
        server_identifiers,
    }
}

/// The server identifiers that clients may be given.
fn server_identifiers(
    global: &OptionSet,
    classes: &Classes<OptionSet>,
    all: &subnets::AllSubnets,
    hosts: &Hosts4,
) -> Vec<Ipv4Addr> {
    let of_classes = classes.iter().map(|class| &*class.options);
    let of_networks = all.networks.iter().map(|network| &*network.options);
    let of_subnets = all.subnets.iter().map(|subnet| &*subnet.options);
    let extras = all.pools.iter().filter_map(|pool| pool.extras.as_deref());
    let of_pools = extras.map(|extras| &*extras.options);
    let of_hosts = hosts.iter().map(|host| &*host.extras.options);
    let sets = of_classes.chain(of_networks).chain(of_subnets).chain(of_pools).chain(of_hosts);
    let each = |set: &OptionSet| {
        let options = set.each_for(code::SERVER_IDENTIFIER, |_| true);
        let bodies = options.filter_map(|option| option.body().next()?.try_into().ok());
        bodies.map(|body: [u8; 4]| body.into()).collect::<Vec<Ipv4Addr>>()
    };
    let mut found: Vec<Ipv4Addr> = sets.chain([global]).flat_map(each).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn read_interfaces(global: &MapReader<'_>, diagnostics: &mut Diagnostics) -> InterfacesConfig {
    let mut config = InterfacesConfig::default();
    let Some(reader) = parts::part(global, SERVER.interfaces, diagnostics) else { return config };
    if reader.str("dhcp-socket-type") == Some("udp") {
        config.socket_type = SocketType::Udp;
    }
    config.uses_routing = reader.str("outbound-interface") == Some("use-routing");
    let rules = EntryRules::<Ipv4Addr> { is_mixed: false, unfit: |_| None, doubt: |_| None };
    config.interfaces = interfaces::read(&reader, &rules, diagnostics);
    config
}
