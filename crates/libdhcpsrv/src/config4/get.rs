//! The configuration in force as JSON: what [`crate::config::get`] leaves to `kea-dhcp4`.

use cc::{Document, Element, Map, write_json_pretty};

use super::keywords::{POOL, SERVER, SUBNET};
use super::{Config4, Subnet4};
use crate::config::get::{
    Completion, pool_text, set_each, set_lease_rules, set_relays, set_rules, set_tee_times,
};
use crate::config::{Span, TeeTimes};

/// The configuration as indented text. `document` is the file that `config` was read from.
#[must_use]
pub fn get(config: &Config4, document: &Document) -> String {
    write_json_pretty(&get_tree(config, document))
}

/// The configuration as a tree. `document` is the file that `config` was read from.
#[must_use]
pub fn get_tree(config: &Config4, document: &Document) -> Element {
    let mut completion = Completion::new(document, &SERVER);
    completion.subnets(|completion, number, map| match config.subnets.get(number) {
        Some(compiled) => subnet(map, compiled, config, completion),
        None => map.clone(),
    });
    completion.into_tree()
}

fn subnet(written: &Map, subnet: &Subnet4, config: &Config4, completion: &Completion) -> Map {
    let timers = &subnet.timers;
    let mut map = written.clone();
    map.set("id", subnet.id);
    map.set("subnet", format!("{}/{}", subnet.prefix, subnet.prefix_len));
    map.set("interface", subnet.interface.as_deref().unwrap_or_default());
    map.set("valid-lifetime", timers.valid_lifetime);
    map.set("min-valid-lifetime", timers.min_valid_lifetime);
    map.set("max-valid-lifetime", timers.max_valid_lifetime);
    let (renew, rebind) = (timers.renew_timer, timers.rebind_timer);
    set_tee_times(&mut map, TeeTimes { renew, rebind, calculated: timers.calculated });
    map.set("match-client-id", subnet.match_client_id);
    map.set("authoritative", subnet.authoritative);
    map.set("next-server", subnet.next_server.to_string());
    map.set("server-hostname", String::from_utf8_lossy(&subnet.server_hostname).into_owned());
    map.set("boot-file-name", String::from_utf8_lossy(&subnet.boot_file_name).into_owned());
    set_relays(&mut map);
    let pools = config.pools_of(subnet);
    set_each(&mut map, POOL.name, |number, written| {
        let mut map = written.clone();
        if let Some(pool) = pools.get(number) {
            let (first, last) = (pool.first.into(), pool.last.into());
            map.set("pool", pool_text(Span::<std::net::Ipv4Addr> { first, last }));
        }
        completion.options(&mut map);
        POOL.with_defaults(&map)
    });
    set_lease_rules(&mut map, &subnet.lease_rules);
    map.remove("pd-allocator");
    map.set("offer-lifetime", subnet.lease_rules.offer_lifetime);
    set_rules(&mut map, subnet.reservations);
    completion.options(&mut map);
    completion.hosts(&mut map);
    SUBNET.with_defaults(&map)
}
