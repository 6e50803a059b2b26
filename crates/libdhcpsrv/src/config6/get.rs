//! The configuration in force as JSON: what [`crate::config::get`] leaves to `kea-dhcp6`.

use std::net::Ipv6Addr;

use cc::{Document, Element, Map, write_json_pretty};

use super::keywords::{PD_POOL, POOL, SERVER, SUBNET};
use super::{Config6, Pool6, Subnet6};
use crate::config::get::{
    Completion, pool_text, set_each, set_lease_rules, set_relays, set_rules, set_tee_times,
};
use crate::config::{Prefix, Span, TeeTimes};

/// The configuration as indented text. `document` is the file that `config` was read from.
#[must_use]
pub fn get(config: &Config6, document: &Document) -> String {
    write_json_pretty(&get_tree(config, document))
}

/// The configuration as a tree. `document` is the file that `config` was read from.
#[must_use]
pub fn get_tree(config: &Config6, document: &Document) -> Element {
    let mut completion = Completion::new(document, &SERVER);
    completion.subnets(|completion, number, map| match config.subnets.get(number) {
        Some(compiled) => subnet(map, compiled, config, completion),
        None => map.clone(),
    });
    completion.into_tree()
}

fn subnet(written: &Map, subnet: &Subnet6, config: &Config6, completion: &Completion) -> Map {
    let timers = &subnet.timers;
    let mut map = written.clone();
    map.set("id", subnet.id);
    map.set("subnet", format!("{}/{}", subnet.prefix, subnet.prefix_len));
    let names = subnet.names.as_deref();
    let interface = names.and_then(|names| names.interface.as_deref());
    map.set("interface", interface.unwrap_or_default());
    let valid = [
        ("valid-lifetime", timers.valid_lifetime),
        ("min-valid-lifetime", timers.min_valid_lifetime),
        ("max-valid-lifetime", timers.max_valid_lifetime),
    ];
    let preferred = [
        ("preferred-lifetime", timers.preferred_lifetime),
        ("min-preferred-lifetime", timers.min_preferred_lifetime),
        ("max-preferred-lifetime", timers.max_preferred_lifetime),
    ];
    let preferred = preferred.into_iter().filter(|_| !timers.is_preferred_calculated);
    valid.into_iter().chain(preferred).for_each(|(name, lifetime)| map.set(name, lifetime));
    let (renew, rebind) = (timers.renew_timer, timers.rebind_timer);
    set_tee_times(&mut map, TeeTimes { renew, rebind, calculated: timers.calculated });
    set_relays(&mut map);
    let pools = config.pools_of(subnet);
    set_each(&mut map, POOL.name, |number, written| {
        let mut map = written.clone();
        if let Some(pool) = pools.get(number) {
            map.set("pool", pool_text(span_of(pool)));
        }
        completion.options(&mut map);
        POOL.with_defaults(&map)
    });
    let pd_pools = config.pd_pools_of(subnet);
    set_each(&mut map, PD_POOL.name, |number, written| {
        let mut map = written.clone();
        if let Some(pool) = pd_pools.get(number) {
            map.set("prefix", Prefix::around(span_of(pool)).first().to_string());
            if let Some((excluded, _)) = pool.excluded {
                map.set("excluded-prefix", excluded.to_string());
            }
        }
        completion.options(&mut map);
        PD_POOL.with_defaults(&map)
    });
    set_lease_rules(&mut map, &subnet.lease_rules);
    set_rules(&mut map, subnet.reservations);
    completion.options(&mut map);
    completion.hosts(&mut map);
    SUBNET.with_defaults(&map)
}

fn span_of(pool: &Pool6) -> Span<Ipv6Addr> {
    Span { first: pool.first.into(), last: pool.end().into() }
}
