//! `subnet6` and `shared-networks`: subnets with inherited values filled in.

use std::net::Ipv6Addr;
use std::sync::Arc;

use cc::{Diagnostics, Element, MapReader};
use libdhcp::OptionSet6;

use super::apart::Pools;
use super::network::Network;
use super::pools::{read_prefixes, read_ranges};
use crate::config::keywords::refuse_unsupported;
use crate::config::read::hosts::{Around, HostReader};
use crate::config::read::maps;
use crate::config::read::options::OptionScopes;
use crate::config::read::subnets::{Link, Subnets, check_interfaces};
use crate::config::{NetworkIndex, Prefix, SharedNetwork, SubnetsBy};
use crate::config6::keywords::{NETWORK, SUBNET};
use crate::config6::{LinkNames, Pool6, Subnet6};
use crate::lease::SubnetId;
use crate::lease6::V6;
use crate::names::NameRules;

/// All subnets with their pools and indexes.
#[derive(Debug)]
pub(super) struct AllSubnets {
    pub(super) subnets: Vec<Subnet6>,
    pub(super) networks: Vec<SharedNetwork<OptionSet6>>,
    pub(super) pools: Vec<Pool6>,
    pub(super) found: Subnets<Ipv6Addr>,
    pub(super) by_interface_id: SubnetsBy<Box<[u8]>>,
}

/// What subnets inherit.
#[derive(Clone, Copy)]
pub(super) struct Outer<'o, 'a> {
    values: &'o Network,
    link: Option<&'o Link<'a, Ipv6Addr>>,
    interface_id: Option<&'a str>,
    rapid_commit: bool,
    network: Option<NetworkIndex>,
}

impl<'o, 'a> Outer<'o, 'a> {
    /// The global scope.
    pub(super) fn new(values: &'o Network) -> Self {
        Self { values, link: None, interface_id: None, rapid_commit: false, network: None }
    }
}

/// Reads subnets, with all that is made on the way.
pub(super) struct Reading<'r> {
    subnets: Vec<Subnet6>,
    networks: Vec<SharedNetwork<OptionSet6>>,
    pools: Pools,
    found: Subnets<Ipv6Addr>,
    by_interface_id: SubnetsBy<Box<[u8]>>,
    /// Names are of DHCPv4 alone.
    names: Arc<NameRules>,
    scopes: &'r mut OptionScopes<OptionSet6>,
    hosts: &'r mut HostReader<V6>,
}

impl<'r> Reading<'r> {
    /// Starts with no subnet.
    pub(super) fn new(
        scopes: &'r mut OptionScopes<OptionSet6>,
        hosts: &'r mut HostReader<V6>,
    ) -> Self {
        Self {
            subnets: Vec::new(),
            networks: Vec::new(),
            pools: Pools::default(),
            found: Subnets::new(),
            by_interface_id: SubnetsBy::default(),
            names: Arc::default(),
            scopes,
            hosts,
        }
    }

    /// Reads `subnet6` and `shared-networks` of the global scope.
    pub(super) fn read(
        mut self,
        global: &MapReader<'_>,
        outer: &Outer<'_, '_>,
        diagnostics: &mut Diagnostics,
    ) -> AllSubnets {
        self.read_list(global, outer, diagnostics);
        for item in maps(global, NETWORK.name) {
            let Some(reader) = MapReader::new(item, &NETWORK, diagnostics) else { continue };
            self.read_network(&reader, outer, diagnostics);
        }
        let Self { subnets, networks, pools, found, by_interface_id, .. } = self;
        pools.check_all(diagnostics);
        AllSubnets { subnets, networks, pools: pools.into_pools(), found, by_interface_id }
    }

    fn read_network(
        &mut self,
        reader: &MapReader<'_>,
        outer: &Outer<'_, '_>,
        diagnostics: &mut Diagnostics,
    ) {
        refuse_unsupported(reader, diagnostics);
        let name = self.found.read_network(reader, diagnostics);
        let values = Network::read(reader, Some(outer.values), diagnostics).within(outer.values);
        let link = Link::read(reader, diagnostics);
        let options = self.scopes.read(reader, diagnostics);
        let interface_id = interface_id_of(reader);
        check_names(reader, link.interface().is_some(), interface_id, diagnostics);
        let classes = self.scopes.classes.read_policy(reader, diagnostics);
        let start = self.found.count();
        let outer = Outer {
            values: &values,
            link: Some(&link),
            interface_id,
            rapid_commit: reader.bool("rapid-commit").unwrap_or(false),
            network: Some(NetworkIndex(self.networks.len() as u32)),
        };
        self.read_list(reader, &outer, diagnostics);
        check_interfaces(reader, &SUBNET, diagnostics);
        check_rapid_commit(reader, diagnostics);
        let subnets = start..self.found.count();
        self.networks.push(SharedNetwork { name, subnets, options, classes });
    }

    /// Reads the list of subnets of a scope.
    fn read_list(
        &mut self,
        scope: &MapReader<'_>,
        outer: &Outer<'_, '_>,
        diagnostics: &mut Diagnostics,
    ) {
        for item in maps(scope, SUBNET.name) {
            let Some(reader) = MapReader::new(item, &SUBNET, diagnostics) else { continue };
            self.read_subnet(&reader, outer, diagnostics);
        }
    }

    fn read_subnet(
        &mut self,
        reader: &MapReader<'_>,
        outer: &Outer<'_, '_>,
        diagnostics: &mut Diagnostics,
    ) {
        refuse_unsupported(reader, diagnostics);
        let base = self.found.read(reader, outer.link, diagnostics);
        let pools = &mut self.pools;
        pools.begin();
        let start = pools.count();
        read_ranges(reader, base.prefix, pools, self.scopes, diagnostics);
        let middle = pools.count();
        read_prefixes(reader, pools, self.scopes, diagnostics);
        pools.check_subnet(diagnostics);
        let own_id = interface_id_of(reader);
        let interface_id = own_id.or(outer.interface_id);
        let interface_id: Option<Box<[u8]>> = interface_id.map(|id| id.as_bytes().into());
        if let Some(id) = &interface_id {
            self.by_interface_id.add(id.clone(), base.index);
        }
        check_names(
            reader,
            reader.is_written("interface") && base.interface.is_some(),
            own_id,
            diagnostics,
        );
        let values = Network::read(reader, Some(outer.values), diagnostics).within(outer.values);
        let around = Around {
            subnet: Some((SubnetId(base.id), base.prefix)),
            rules: values.rules(),
            in_pool: &|resource| {
                let span = Prefix { address: resource.address, len: resource.prefix_len }.span();
                let (first, last) = (span.first.into(), span.last.into());
                pools.of_subnet().iter().any(|pool| pool.first <= last && pool.end() >= first)
            },
        };
        self.hosts.read(reader, &around, self.scopes, diagnostics);
        let names = LinkNames { interface: base.interface.map(Into::into), interface_id };
        let has_names = names != LinkNames::default();
        let former = self.subnets.last().map(|former: &Subnet6| &former.lease_rules);
        let lease_rules = values.leases.rules(Arc::clone(&self.names), former);
        self.subnets.push(Subnet6 {
            id: base.id,
            prefix: base.prefix.first(),
            prefix_len: base.prefix.len,
            timers: values.timers(),
            reservations: values.rules(),
            lease_rules,
            rapid_commit: reader.bool("rapid-commit").unwrap_or(outer.rapid_commit),
            names: has_names.then(|| Box::new(names)),
            network: outer.network,
            classes: self.scopes.classes.read_policy(reader, diagnostics),
            options: self.scopes.read(reader, diagnostics),
            pools: start..middle,
            pd_pools: middle..pools.count(),
        });
    }
}

fn interface_id_of<'a>(reader: &MapReader<'a>) -> Option<&'a str> {
    reader.str("interface-id").filter(|id| !id.is_empty())
}

/// Checks that a scope is not both for direct clients and for those of a relay.
fn check_names(
    reader: &MapReader<'_>,
    has_interface: bool,
    interface_id: Option<&str>,
    diagnostics: &mut Diagnostics,
) {
    if has_interface && interface_id.is_some() {
        let message = "'interface' and 'interface-id' cannot be given both";
        let hint = "the first is for direct clients, the other for those of relays";
        diagnostics.error_with_hint(reader.position_of("interface-id"), message, hint);
    }
}

/// Checks that the subnets of a shared network have one mind about `rapid-commit`, because it is decided before a subnet
/// of them is.
fn check_rapid_commit(network: &MapReader<'_>, diagnostics: &mut Diagnostics) {
    let of_network = network.bool("rapid-commit");
    let subnets = maps(network, SUBNET.name).filter_map(Element::as_map);
    let written = subnets.map(|subnet| subnet.get("rapid-commit").and_then(Element::as_bool));
    let mut effective = written.map(|own| own.or(of_network).unwrap_or(false));
    let Some(first) = effective.next() else { return };
    if effective.any(|other| other != first) {
        let message = "the subnets of a shared network must have the same 'rapid-commit'";
        let hint = "write it in the shared network only";
        diagnostics.error_with_hint(network.position(), message, hint);
    }
}
