//! `subnet4` and `shared-networks`: subnets with inherited values filled in.

use std::net::Ipv4Addr;
use std::sync::Arc;

use cc::{Diagnostics, MapReader};
use libdhcp::OptionSet;

use super::network::Network;
use super::pools;
use crate::config::keywords::refuse_unsupported;
use crate::config::read::hosts::{Around, HostReader};
use crate::config::read::maps;
use crate::config::read::options::OptionScopes;
use crate::config::read::subnets::{Link, Subnets, check_interfaces};
use crate::config::{NetworkIndex, SharedNetwork};
use crate::config4::keywords::{NETWORK, SUBNET};
use crate::config4::{Pool4, Subnet4};
use crate::lease4::{SubnetId, V4};
use crate::names::NameRules;

/// All subnets with their pools and indexes.
#[derive(Debug)]
pub(super) struct AllSubnets {
    pub(super) subnets: Vec<Subnet4>,
    pub(super) networks: Vec<SharedNetwork<OptionSet>>,
    pub(super) pools: Vec<Pool4>,
    pub(super) found: Subnets<Ipv4Addr>,
}

/// What subnets inherit.
#[derive(Clone, Copy)]
pub(super) struct Outer<'o, 'a> {
    values: &'o Network<'a>,
    names: &'o Arc<NameRules>,
    link: Option<&'o Link<'a, Ipv4Addr>>,
    network: Option<NetworkIndex>,
}

impl<'o, 'a> Outer<'o, 'a> {
    /// The global scope.
    pub(super) fn new(values: &'o Network<'a>, names: &'o Arc<NameRules>) -> Self {
        Self { values, names, link: None, network: None }
    }

    /// The values of a scope within, and how clients are named there.
    fn values_of<'r>(
        &self,
        reader: &MapReader<'r>,
        diagnostics: &mut Diagnostics,
    ) -> (Network<'r>, Arc<NameRules>)
    where
        'a: 'r,
    {
        let own = Network::read(reader, Some(self.values), diagnostics);
        let values = own.within(self.values);
        let names =
            if own.names.is_empty() { Arc::clone(self.names) } else { values.names.rules() };
        (values, names)
    }
}

/// Reads subnets, with all that is made on the way.
pub(super) struct Reading<'r> {
    all: AllSubnets,
    scopes: &'r mut OptionScopes<OptionSet>,
    hosts: &'r mut HostReader<V4>,
}

impl<'r> Reading<'r> {
    /// Starts with no subnet.
    pub(super) fn new(
        scopes: &'r mut OptionScopes<OptionSet>,
        hosts: &'r mut HostReader<V4>,
    ) -> Self {
        let all = AllSubnets {
            subnets: Vec::new(),
            networks: Vec::new(),
            pools: Vec::new(),
            found: Subnets::new(),
        };
        Self { all, scopes, hosts }
    }

    /// Reads `subnet4` and `shared-networks` of the global scope.
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
        self.all.pools.shrink_to_fit();
        self.all
    }

    fn read_network(
        &mut self,
        reader: &MapReader<'_>,
        outer: &Outer<'_, '_>,
        diagnostics: &mut Diagnostics,
    ) {
        refuse_unsupported(reader, diagnostics);
        let name = self.all.found.read_network(reader, diagnostics);
        let (values, names) = outer.values_of(reader, diagnostics);
        let link = Link::read(reader, diagnostics);
        let options = self.scopes.read(reader, diagnostics);
        let classes = self.scopes.classes.read_policy(reader, diagnostics);
        let start = self.all.found.count();
        let outer = Outer {
            values: &values,
            names: &names,
            link: Some(&link),
            network: Some(NetworkIndex(self.all.networks.len() as u32)),
        };
        self.read_list(reader, &outer, diagnostics);
        check_interfaces(reader, &SUBNET, diagnostics);
        let subnets = start..self.all.found.count();
        self.all.networks.push(SharedNetwork { name, subnets, options, classes });
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
        let AllSubnets { subnets, pools, found, .. } = &mut self.all;
        let base = found.read(reader, outer.link, diagnostics);
        let start = pools.len() as u32;
        let (values, names) = outer.values_of(reader, diagnostics);
        pools::read(reader, base.prefix, &values.names, pools, self.scopes, diagnostics);
        let options = self.scopes.read(reader, diagnostics);
        let around = Around {
            subnet: Some((SubnetId(base.id), base.prefix)),
            rules: values.rules(),
            in_pool: &|resource| {
                let own = pools.get(start as usize..).unwrap_or_default();
                own.iter().any(|pool: &Pool4| pool.contains(resource.address))
            },
        };
        self.hosts.read(reader, &around, self.scopes, diagnostics);
        let former = subnets.last().map(|former: &Subnet4| &former.lease_rules);
        let lease_rules = values.leases.rules(names, former);
        subnets.push(Subnet4 {
            id: base.id,
            prefix: base.prefix.first(),
            prefix_len: base.prefix.len,
            timers: values.timers(),
            match_client_id: values.match_client_id.unwrap_or(true),
            authoritative: values.authoritative.unwrap_or(false),
            next_server: values.next_server.unwrap_or(Ipv4Addr::UNSPECIFIED),
            server_hostname: values.server_hostname.unwrap_or_default().as_bytes().into(),
            boot_file_name: values.boot_file_name.unwrap_or_default().as_bytes().into(),
            options,
            network: outer.network,
            classes: self.scopes.classes.read_policy(reader, diagnostics),
            pools: start..pools.len() as u32,
            interface: base.interface.map(Into::into),
            reservations: values.rules(),
            lease_rules,
        });
    }
}
