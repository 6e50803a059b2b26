//! The configurations of the simulated server: text as in a file, read by the real reader.
//!
//! Link 1 is the server's own, where some clients come through a relay all the same; the others are behind relays, each
//! found in another way: by a link-address inside the subnet, by a relay that the subnet names, by the interface-id.
//! The pools of a subnet lie in its third and fourth quarter (prefixes) and in its first one (addresses); a moved
//! configuration also has addresses where prefixes were, other lengths, tiny and huge pools, and lacks subnets. Link 3 is
//! a shared network: a second subnet has more for its clients, and its addresses are for members of a class alone.

use std::fmt::Write;
use std::net::Ipv6Addr;

use libdhcp::v6::View;
use libdhcpsrv::config6::{Config6, read};
use util::{Entropy, SplitMix};

use crate::family::{INTERFACE_NAME, compile};
use crate::scenario::Scenario;

/// Links with clients.
pub(crate) const LINKS: u8 = 4;
/// The server's link-local address.
pub(crate) const SERVER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
/// Its global address.
pub(crate) const GLOBAL: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1);
/// Its identifier.
pub(crate) const DUID: &[u8] = &[0, 3, 0, 1, 2, 0, 0, 0, 0, 0xfe];
/// Length of every subnet's prefix.
pub(crate) const SUBNET_LEN: u8 = 40;
/// The interface-id that the relay of link 4 adds.
pub(crate) const INTERFACE_ID: &[u8] = b"link 4";
/// Link-address of that relay: in no subnet.
const FAR_RELAY: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xfff4, 0, 0, 0, 0, 1);
/// The relay that the subnet of link 3 names.
const NAMED_RELAY: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xfff3, 0, 0, 0, 0, 1);
/// Units of huge pools of addresses and prefixes, as powers of two; no check looks at all of them.
const HUGE_BITS: u8 = 40;
const HUGE_PD_BITS: u8 = 12;

/// `id` of the subnet of a link.
pub(crate) fn subnet_id(link: u8) -> u32 {
    100 + u32::from(link)
}

/// The link that is a shared network.
const NETWORK: u8 = 3;
/// What the second subnet of the shared network has instead of the link's number in its prefix and id.
const SECOND: u8 = NETWORK + 10;
/// The class that the addresses of that subnet are for, by the last digit of the DUID.
const MEMBERS: &str = "{ \"name\": \"members\", \"test\":
    \"substring(hexstring(option[1].hex, ''), -1, 1) == '2' or substring(hexstring(option[1].hex, ''), -1, 1) == 'b'\" }";

/// Whether a client is in the class; written anew, so as not to test the server's with itself.
pub(crate) fn is_member(duid: &[u8]) -> bool {
    duid.last().is_some_and(|byte| [0x2, 0xb].contains(&(byte & 0xf)))
}

/// The numbers of the subnets of a link, as in [`network`] and [`subnet_id`].
pub(crate) fn subnets_of(link: u8) -> impl Iterator<Item = u8> {
    [link].into_iter().chain((link == NETWORK).then_some(SECOND))
}

/// Whether the subnet with this id is one of a link.
pub(crate) fn has_subnet(link: u8, id: u32) -> bool {
    subnets_of(link).any(|number| subnet_id(number) == id)
}

/// First address of the subnet of a link.
pub(crate) fn network(link: u8) -> u128 {
    0x2001_0db8_u128 << 96 | u128::from(link) << 88
}

/// Link-address that the relay of a link writes.
pub(crate) fn link_address(link: u8) -> Ipv6Addr {
    match link {
        3 => NAMED_RELAY,
        4 => FAR_RELAY,
        _ => Ipv6Addr::from(network(link) | 1),
    }
}

/// The link that a message comes from or goes to.
pub(crate) fn link_of(view: &View<'_>) -> u8 {
    let mut links = view.relays().rev().map(|relay| relay.link_address());
    let named = links.find(|address| !address.is_unspecified());
    let Some(named) = named else { return 1 };
    (1..=LINKS).find(|&link| link_address(link) == named).unwrap_or(1)
}

/// The first address of a quarter of a link's subnet.
fn quarter(link: u8, number: u128) -> u128 {
    network(link) | number << 86
}

/// Makes a configuration; `moves` draws one that differs from the first one.
pub(crate) fn make(scenario: &Scenario, moves: Option<&mut SplitMix>) -> Config6 {
    compile(&text(scenario, moves), read)
}

/// What distinguishes the configurations of one subnet.
struct Draw<'a> {
    rng: Option<&'a mut SplitMix>,
}

impl Draw<'_> {
    /// 0 at first, else a number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.rng.as_mut().map_or(0, |rng| rng.below(bound))
    }

    /// `first` at first, else one of `all`.
    fn one_of<T: Copy>(&mut self, first: T, all: &[T]) -> T {
        match &mut self.rng {
            None => first,
            Some(rng) => all[rng.below(all.len() as u64) as usize],
        }
    }
}

fn text(scenario: &Scenario, moves: Option<&mut SplitMix>) -> String {
    let mut draw = Draw { rng: moves };
    let (mut subnets, mut networks) = (String::new(), String::new());
    for link in 1..=LINKS {
        if link != 1 && draw.below(8) == 7 {
            continue;
        }
        if link == NETWORK {
            let mut inner = String::new();
            subnet(link, scenario, &mut draw, &mut inner);
            inner.push(',');
            second_subnet(scenario, &mut draw, &mut inner);
            networks = format!("{{ \"name\": \"link {link}\", \"subnet6\": [ {inner} ] }}");
            continue;
        }
        let comma = if subnets.is_empty() { "" } else { "," };
        subnets.push_str(comma);
        subnet(link, scenario, &mut draw, &mut subnets);
    }
    let valid = draw.one_of(90, &[60, 90, 150]);
    let preferred = draw.one_of(60, &[30, 50, 60]);
    format!(
        "{{ \"Dhcp6\": {{
            \"cache-threshold\": 0, \"valid-lifetime\": {valid}, \"min-valid-lifetime\": 30, \"max-valid-lifetime\": 300,
            \"preferred-lifetime\": {preferred}, \"min-preferred-lifetime\": 20, \"max-preferred-lifetime\": 200,
            \"calculate-tee-times\": true,
            \"decline-probation-period\": 120,
            \"expired-leases-processing\": {{
                \"reclaim-timer-wait-time\": 2, \"flush-reclaimed-timer-wait-time\": 5,
                \"hold-reclaimed-time\": 40, \"max-reclaim-leases\": 50, \"max-reclaim-time\": 0 }},
            \"option-data\": [ {{ \"name\": \"dns-servers\", \"data\": \"2001:db8:ffff::53\" }} ],
            \"client-classes\": [ {MEMBERS} ],
            \"subnet6\": [ {subnets} ], \"shared-networks\": [ {networks} ] }} }}"
    )
}

fn subnet(link: u8, scenario: &Scenario, draw: &mut Draw<'_>, out: &mut String) {
    let clients = scenario.clients.div_ceil(u32::from(LINKS));
    // About so many associations of each type does a client have.
    let units = |tenths: u32| (clients * tenths / 10 * scenario.pool_percent / 100).max(4);
    let is_huge = link == LINKS;
    let found_by = match link {
        1 => format!("\"interface\": \"{INTERFACE_NAME}\","),
        3 => format!("\"relay\": {{ \"ip-addresses\": [ \"{NAMED_RELAY}\" ] }},"),
        4 => format!("\"interface-id\": \"{}\",", String::from_utf8_lossy(INTERFACE_ID)),
        _ => String::new(),
    };
    // Addresses: in a quarter of their own, or where a prefix was delegated.
    let among_prefixes = draw.below(4) == 3 && scenario.servers == 0;
    let base = quarter(link, if among_prefixes { 2 } else { 0 }) | 0x1000;
    let addresses = units(12);
    let (first, count) = match draw.below(5) {
        4 => (base, 1 << HUGE_BITS),
        3 => (base, u128::from(addresses.div_ceil(4))),
        _ if is_huge => (base, 1 << HUGE_BITS),
        _ => (base + u128::from(draw.below(u64::from(addresses / 4) + 1)), addresses.into()),
    };
    // Prefixes: a pool that is a power of two, and one of half the size and perhaps another length.
    let bits = match draw.below(5) {
        4 => HUGE_PD_BITS,
        3 => 1,
        _ if is_huge => HUGE_PD_BITS,
        _ => units(11).ilog2() as u8,
    };
    // A database decides by address alone: what overlaps otherwise is up to whoever configures servers.
    let lengths: &[u8] = if scenario.servers == 0 { &[56, 58, 60, 64] } else { &[56] };
    let pools = [(2 + u128::from(among_prefixes), bits), (3, bits - 1)].into_iter().zip(1..);
    let mut pd_pools = String::new();
    for ((number, bits), id) in pools {
        let half = if id == 2 { 1 << 85 } else { 0 };
        let len = draw.one_of(56, lengths);
        let prefix = Ipv6Addr::from(quarter(link, number) | half);
        let comma = if id == 1 { "" } else { "," };
        let pool_id = id + draw.below(2) * 5;
        write!(
            pd_pools,
            "{comma} {{ \"prefix\": \"{prefix}\", \"prefix-len\": {}, \"delegated-len\": {len},
                \"pool-id\": {pool_id} }}",
            len - bits
        )
        .expect("a string takes all text");
    }
    let [first, last] = [first, first + count - 1].map(Ipv6Addr::from);
    write!(
        out,
        "{{ \"id\": {}, \"subnet\": \"{}/{SUBNET_LEN}\", {found_by} \"rapid-commit\": {},
           \"pools\": [ {{ \"pool\": \"{first} - {last}\", \"pool-id\": {} }} ],
           \"pd-pools\": [ {pd_pools} ] }}",
        subnet_id(link),
        Ipv6Addr::from(network(link)),
        link.is_multiple_of(2),
        1 + draw.below(2),
    )
    .expect("a string takes all text");
}

/// The second subnet of the shared network: a few addresses and prefixes.
fn second_subnet(scenario: &Scenario, draw: &mut Draw<'_>, out: &mut String) {
    let addresses = (scenario.clients.div_ceil(u32::from(LINKS)) / 4).max(4);
    let first =
        quarter(SECOND, 0) | (0x1000 + u128::from(draw.below(u64::from(addresses / 4) + 1)));
    let [first, last] = [first, first + u128::from(addresses) - 1].map(Ipv6Addr::from);
    let lengths: &[u8] = if scenario.servers == 0 { &[56, 60, 64] } else { &[56] };
    let len = draw.one_of(56, lengths);
    write!(
        out,
        "{{ \"id\": {}, \"subnet\": \"{}/{SUBNET_LEN}\",
           \"pools\": [ {{ \"pool\": \"{first} - {last}\", \"client-classes\": [ \"members\" ] }} ],
           \"pd-pools\": [ {{ \"prefix\": \"{}\", \"prefix-len\": {}, \"delegated-len\": {len} }} ] }}",
        subnet_id(SECOND),
        Ipv6Addr::from(network(SECOND)),
        Ipv6Addr::from(quarter(SECOND, 2)),
        len - 3,
    )
    .expect("a string takes all text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_drawn_configuration_can_be_read() {
        let scenario = Scenario::rough(400);
        let first = make(&scenario, None);
        assert_eq!(first.subnets.len(), usize::from(LINKS) + 1);
        let mut rng = SplitMix::new(1);
        let subnets = (0..200).map(|_| make(&scenario, Some(&mut rng)).subnets.len());
        assert!(subnets.min() < Some(usize::from(LINKS)), "some are left out");
    }
}
