//! `subnet4`: subnets with inherited values filled in.

use std::net::Ipv4Addr;
use std::sync::Arc;

use cc::{Diagnostics, MapReader};
use libdhcp::OptionSet;

use super::network::Network;
use super::{pools, server_identifiers};
use crate::config::keywords::refuse_unsupported;
use crate::config::read::hosts::{Around, HostReader};
use crate::config::read::maps;
use crate::config::read::options::OptionScopes;
use crate::config::read::subnets::Subnets;
use crate::config4::keywords::SUBNET;
use crate::config4::{Pool4, Subnet4};
use crate::lease4::{SubnetId, V4};

/// What subnets inherit.
pub(super) struct Outer<'o, 'a> {
    pub(super) network: &'o Network<'a>,
    pub(super) options: &'o Arc<OptionSet>,
}

/// All subnets with their pools and indexes.
#[derive(Debug)]
pub(super) struct AllSubnets {
    pub(super) subnets: Vec<Subnet4>,
    pub(super) pools: Vec<Pool4>,
    pub(super) found: Subnets<Ipv4Addr>,
}

/// Reads `subnet4` of the global scope.
pub(super) fn read(
    global: &MapReader<'_>,
    outer: &Outer<'_, '_>,
    scopes: &mut OptionScopes<OptionSet>,
    hosts: &mut HostReader<V4>,
    diagnostics: &mut Diagnostics,
) -> AllSubnets {
    let count = global.items("subnet4").len();
    let mut found = Subnets::new(count);
    let (mut subnets, mut pools) = (Vec::with_capacity(count), Vec::new());
    let outer_names = outer.network.names.rules();
    for item in maps(global, "subnet4") {
        let Some(reader) = MapReader::new(item, &SUBNET, diagnostics) else { continue };
        refuse_unsupported(&reader, diagnostics);
        let base = found.read(&reader, diagnostics);
        let start = pools.len() as u32;
        pools::read(&reader, base.prefix, &mut pools, diagnostics);
        let options = scopes.read(&reader, diagnostics);
        let network = Network::read(&reader, Some(outer.network), diagnostics);
        let has_names = !network.names.is_empty();
        let network = network.within(outer.network);
        let around = Around {
            subnet: Some((SubnetId(base.id), base.prefix)),
            rules: network.rules(),
            in_pool: &|resource| {
                let own = pools.get(start as usize..).unwrap_or_default();
                own.iter().any(|pool: &Pool4| pool.contains(resource.address))
            },
        };
        hosts.read(&reader, &around, scopes, diagnostics);
        let own_identifier = server_identifiers(&options).first().copied();
        let identifier =
            own_identifier.or_else(|| server_identifiers(outer.options).first().copied());
        let former = subnets.last().map(|former: &Subnet4| &former.lease_rules);
        let names = if has_names { network.names.rules() } else { Arc::clone(&outer_names) };
        let lease_rules = network.leases.rules(names, former);
        subnets.push(Subnet4 {
            id: base.id,
            prefix: base.prefix.first(),
            prefix_len: base.prefix.len,
            timers: network.timers(),
            match_client_id: network.match_client_id.unwrap_or(true),
            authoritative: network.authoritative.unwrap_or(false),
            next_server: network.next_server.unwrap_or(Ipv4Addr::UNSPECIFIED),
            server_hostname: network.server_hostname.unwrap_or_default().as_bytes().into(),
            boot_file_name: network.boot_file_name.unwrap_or_default().as_bytes().into(),
            options,
            pools: start..pools.len() as u32,
            interface: base.interface.map(Into::into),
            server_identifier: identifier,
            reservations: network.rules(),
            lease_rules,
        });
    }
    pools.shrink_to_fit();
    AllSubnets { subnets, pools, found }
}
