//! From a parsed file to a [`Config4`].
//!
//! The parts that both servers have are read by [`crate::config::read`], the others here.

mod hosts;
mod network;
mod pools;
mod subnets;

use std::net::Ipv4Addr;
use std::sync::Arc;

use cc::{Diagnostics, Document, MapReader};
use libdhcp::OptionSet;

use self::network::Network;
use super::keywords::SERVER;
use super::{Config4, InterfacesConfig, SocketType, server_identifier};
use crate::config::keywords::refuse_unsupported;
use crate::config::read::hosts::{HostReader, read_identifier_order};
use crate::config::read::interfaces::{self, EntryRules};
use crate::config::read::options::{OptionScopes, read_definitions};
use crate::config::read::{Opened, logging, open, parts};

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
    let outer = subnets::Outer { network: &network, options: &options };
    let mut hosts = HostReader::new(&SERVER, hosts::read_own, reader);
    let all = subnets::read(reader, &outer, &mut scopes, &mut hosts, diagnostics);
    let hosts = hosts.finish(reader, !all.subnets.is_empty(), &mut scopes, diagnostics);

    let mut server_identifiers = server_identifiers(&options);
    for subnet in &all.subnets {
        server_identifiers.extend(subnet.server_identifier);
    }
    for host in hosts.iter() {
        server_identifiers.extend(server_identifier(&host.extras.options));
    }
    server_identifiers.sort_unstable();
    server_identifiers.dedup();
    let or_default = |name| reader.u32_or_default(name).unwrap_or_default();
    Config4 {
        interfaces: read_interfaces(reader, diagnostics),
        lease_database: parts::read_lease_database(reader, diagnostics),
        expired_leases: parts::read_expired_leases(reader, diagnostics),
        decline_probation_period: or_default("decline-probation-period"),
        echo_client_id: reader.bool_or_default("echo-client-id").unwrap_or(true),
        workers: parts::read_workers(reader, cpus, diagnostics),
        subnets: all.subnets,
        pools: all.pools,
        options: Arc::clone(&options),
        hosts,
        host_identifiers: read_identifier_order(reader, &SERVER, diagnostics),
        ignore_link_selection: is_on("ignore-rai-link-selection"),
        ignore_server_identifier: is_on("ignore-dhcp-server-identifier"),
        exclude_first_last_24: is_on("exclude-first-last-24"),
        lenient_option_parsing: is_on("lenient-option-parsing"),
        lease_checks: parts::read_lease_checks(reader, diagnostics),
        extended_info_checks: parts::read_extended_info_checks(reader),
        statistic_sample_count: or_default("statistic-default-sample-count"),
        statistic_sample_age: or_default("statistic-default-sample-age"),
        logging: logging::read(opened, &SERVER, diagnostics),
        by_address: all.found.by_address(),
        by_relay: all.found.by_relay,
        by_interface: all.found.by_interface,
        server_identifiers,
    }
}

fn read_interfaces(global: &MapReader<'_>, diagnostics: &mut Diagnostics) -> InterfacesConfig {
    let mut config = InterfacesConfig { interfaces: Vec::new(), socket_type: SocketType::Raw };
    let Some(reader) = parts::part(global, SERVER.interfaces, diagnostics) else { return config };
    if reader.str("dhcp-socket-type") == Some("udp") {
        config.socket_type = SocketType::Udp;
    }
    let rules = EntryRules::<Ipv4Addr> { is_mixed: false, unfit: |_| None, doubt: |_| None };
    config.interfaces = interfaces::read(&reader, &rules, diagnostics);
    config
}

/// Server identifiers that a scope gives out.
fn server_identifiers(options: &OptionSet) -> Vec<Ipv4Addr> {
    server_identifier(options).into_iter().collect()
}
