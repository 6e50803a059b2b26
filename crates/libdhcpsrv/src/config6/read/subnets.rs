//! `subnet6`: subnets with inherited values filled in.

use std::collections::HashMap;
use std::net::Ipv6Addr;
use std::sync::Arc;

use cc::{Diagnostics, MapReader};
use libdhcp::OptionSet6;

use super::apart::Pools;
use super::network::Network;
use super::pools::{read_prefixes, read_ranges};
use crate::config::keywords::refuse_unsupported;
use crate::config::read::hosts::{Around, HostReader};
use crate::config::read::maps;
use crate::config::read::options::OptionScopes;
use crate::config::read::subnets::Subnets;
use crate::config::{Prefix, SubnetIndex};
use crate::config6::keywords::SUBNET;
use crate::config6::{Pool6, Subnet6};
use crate::lease::SubnetId;
use crate::lease6::V6;

/// All subnets with their pools and indexes.
#[derive(Debug)]
pub(super) struct AllSubnets {
    pub(super) subnets: Vec<Subnet6>,
    pub(super) pools: Vec<Pool6>,
    pub(super) found: Subnets<Ipv6Addr>,
    pub(super) by_interface_id: HashMap<Box<[u8]>, SubnetIndex>,
}

/// Reads `subnet6` of the global scope; subnets inherit from `outer`.
pub(super) fn read(
    global: &MapReader<'_>,
    outer: &Network,
    scopes: &mut OptionScopes<OptionSet6>,
    hosts: &mut HostReader<V6>,
    diagnostics: &mut Diagnostics,
) -> AllSubnets {
    let count = global.items("subnet6").len();
    let mut found = Subnets::new(count);
    let (mut subnets, mut pools) = (Vec::with_capacity(count), Pools::default());
    let mut by_interface_id = HashMap::new();
    let names = Arc::default();
    for item in maps(global, "subnet6") {
        let Some(reader) = MapReader::new(item, &SUBNET, diagnostics) else { continue };
        refuse_unsupported(&reader, diagnostics);
        let base = found.read(&reader, diagnostics);
        pools.begin();
        let start = pools.count();
        read_ranges(&reader, base.prefix, &mut pools, diagnostics);
        let middle = pools.count();
        read_prefixes(&reader, &mut pools, diagnostics);
        pools.check_subnet(diagnostics);
        let interface_id = reader.str("interface-id").filter(|id| !id.is_empty());
        let interface_id: Option<Box<[u8]>> = interface_id.map(|id| id.as_bytes().into());
        if let Some(id) = &interface_id {
            by_interface_id.entry(id.clone()).or_insert(base.index);
        }
        if base.interface.is_some() && interface_id.is_some() {
            let message = "'interface' and 'interface-id' cannot be given both";
            let hint = "the first is for direct clients, the other for those of relays";
            diagnostics.error_with_hint(reader.position_of("interface-id"), message, hint);
        }
        let network = Network::read(&reader, Some(outer), diagnostics).within(outer);
        let around = Around {
            subnet: Some((SubnetId(base.id), base.prefix)),
            rules: network.rules(),
            in_pool: &|resource| {
                let span = Prefix { address: resource.address, len: resource.prefix_len }.span();
                let (first, last) = (span.first.into(), span.last.into());
                pools.of_subnet().iter().any(|pool| pool.first <= last && pool.end() >= first)
            },
        };
        hosts.read(&reader, &around, scopes, diagnostics);
        let former = subnets.last().map(|former: &Subnet6| &former.lease_rules);
        let lease_rules = network.leases.rules(Arc::clone(&names), former);
        subnets.push(Subnet6 {
            id: base.id,
            prefix: base.prefix.first(),
            prefix_len: base.prefix.len,
            timers: network.timers(),
            reservations: network.rules(),
            lease_rules,
            rapid_commit: reader.bool_or_default("rapid-commit").unwrap_or(false),
            interface: base.interface.map(Into::into),
            interface_id,
            options: scopes.read(&reader, diagnostics),
            pools: start..middle,
            pd_pools: middle..pools.count(),
        });
    }
    pools.check_all(diagnostics);
    AllSubnets { subnets, pools: pools.into_pools(), found, by_interface_id }
}
