//! The configurations of the simulated server: text as in a file, read by the real reader.
//!
//! Link 1 is the server's own; the others are behind relays, each found in another way: by a relay address inside the
//! subnet, by a relay that the link names, by link selection. The last one knows clients by hardware address only, and
//! the one before it is a shared network: each pool is of a subnet of its own, and the second one serves members of a
//! class alone. Every eighth client of a link has an address reserved, half of them in a pool.

use std::fmt::Write;
use std::net::Ipv4Addr;

use libdhcpsrv::config4::{Config4, read};
use util::{Entropy, SplitMix};

use crate::family::compile;
use crate::scenario::Scenario;

/// Links with clients.
pub(crate) const LINKS: u8 = 4;
/// The server's address.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 1);

/// Relay address that queries of a link carry; `None` on the server's own.
pub(crate) fn giaddr(link: u8) -> Option<Ipv4Addr> {
    match link {
        1 => None,
        2 => Some(Ipv4Addr::new(10, 2, 0, 1)),
        3 => Some(Ipv4Addr::new(10, 200, 0, 3)),
        other => Some(Ipv4Addr::new(10, 200, 1, other)),
    }
}

/// Option 82.5 that the relay of a link adds.
pub(crate) fn link_selection(link: u8) -> Option<Ipv4Addr> {
    (link == 4).then_some(Ipv4Addr::new(10, 4, 0, 0))
}

/// The link that is a shared network.
const NETWORK: u8 = 3;
/// The class that the second pool of the shared network serves, by the last digit of the hardware address.
const MEMBERS: &str = "{ \"name\": \"members\", \"test\":
    \"substring(hexstring(pkt4.mac, ''), 11, 1) == '2' or substring(hexstring(pkt4.mac, ''), 11, 1) == 'a'\" }";

/// Whether a client of the shared network is in the class.
pub(crate) fn is_member(hw: &[u8; 6]) -> bool {
    hw[5] & 0x0f == 2 || hw[5] & 0x0f == 0x0a
}

/// Makes a configuration; `moves` draws pools that differ from the first ones.
pub(crate) fn make(scenario: &Scenario, moves: Option<&mut SplitMix>) -> Config4 {
    compile(&text(scenario, moves), read)
}

/// Reservations for some of the clients of a link, whose first pool begins with `first`: those in the pool and those
/// outside.
fn reservations(link: u8, clients: u32, first: Ipv4Addr) -> [String; 2] {
    let host = |nth: u32| {
        let number = nth * 8 * u32::from(LINKS) + u32::from(link) - 1;
        let [a, b, c, d] = number.to_be_bytes();
        let address = match nth % 2 {
            0 => Ipv4Addr::from(u32::from(first) + nth / 2),
            _ => Ipv4Addr::from(u32::from(Ipv4Addr::new(10, link, 250, 0)) + nth),
        };
        format!(
            "{{ \"hw-address\": \"2:0:{a:x}:{b:x}:{c:x}:{d:x}\", \"ip-address\": \"{address}\" }}"
        )
    };
    [0, 1].map(|half| {
        let hosts = (0..clients / 8).filter(|nth| nth % 2 == half).map(host);
        hosts.collect::<Vec<_>>().join(", ")
    })
}

fn text(scenario: &Scenario, moves: Option<&mut SplitMix>) -> String {
    let clients = scenario.clients.div_ceil(u32::from(LINKS));
    let addresses = (clients * scenario.pool_percent / 100).max(4);
    let half = addresses / 2;
    let mut draw = moves;
    let mut moved = |bound: u32| draw.as_mut().map_or(0, |rng| rng.below(bound.into()) as u32);
    let (mut subnets, mut networks) = (String::new(), String::new());
    for link in 1..=LINKS {
        let base = u32::from(Ipv4Addr::new(10, link, 1, 0)) + moved(half / 4 + 1);
        let second = u32::from(Ipv4Addr::new(10, link, 128, 0)) + moved(half / 4 + 1);
        let [first, last, second, end] =
            [base, base + half - 1, second, second + addresses - half - 1].map(Ipv4Addr::from);
        let [inside, outside] = reservations(link, clients, first);
        let (id, second_id) = (100 + u32::from(link), 2 + moved(2));
        let matches = link != LINKS;
        if link == NETWORK {
            let relay = giaddr(link).expect("it is behind a relay");
            write!(
                networks,
                "{{ \"name\": \"link {link}\", \"relay\": {{ \"ip-addresses\": [ \"{relay}\" ] }}, \"subnet4\": [
                   {{ \"id\": {id}, \"subnet\": \"10.{link}.0.0/17\", \"reservations\": [ {inside} ],
                     \"pools\": [ {{ \"pool\": \"{first} - {last}\", \"pool-id\": 1 }} ] }},
                   {{ \"id\": {}, \"subnet\": \"10.{link}.128.0/17\", \"reservations\": [ {outside} ],
                     \"pools\": [ {{ \"pool\": \"{second} - {end}\", \"pool-id\": {second_id},
                                    \"client-classes\": [ \"members\" ] }} ] }} ] }}",
                id + 10,
            )
            .expect("a string takes all text");
            continue;
        }
        let comma = if link == 1 { "" } else { "," };
        let hosts = [inside, outside].into_iter().filter(|hosts| !hosts.is_empty());
        write!(
            subnets,
            "{comma}{{ \"id\": {id}, \"subnet\": \"10.{link}.0.0/16\",
               \"reservations\": [ {} ],
               \"match-client-id\": {matches}, \"authoritative\": {},
               \"pools\": [ {{ \"pool\": \"{first} - {last}\", \"pool-id\": 1 }},
                            {{ \"pool\": \"{second} - {end}\", \"pool-id\": {second_id} }} ] }}",
            hosts.collect::<Vec<_>>().join(", "),
            link % 2 == 0,
        )
        .expect("a string takes all text");
    }
    format!(
        "{{ \"Dhcp4\": {{
            \"cache-threshold\": 0, \"valid-lifetime\": 90, \"min-valid-lifetime\": 30, \"max-valid-lifetime\": 300,
            \"calculate-tee-times\": true,
            \"decline-probation-period\": 120,
            \"expired-leases-processing\": {{
                \"reclaim-timer-wait-time\": 2, \"flush-reclaimed-timer-wait-time\": 5,
                \"hold-reclaimed-time\": 40, \"max-reclaim-leases\": 50, \"max-reclaim-time\": 0 }},
            \"option-data\": [ {{ \"name\": \"domain-name-servers\", \"data\": \"10.9.9.9\" }} ],
            \"client-classes\": [ {MEMBERS} ],
            \"subnet4\": [ {subnets} ],
            \"shared-networks\": [ {networks} ] }} }}"
    )
}
