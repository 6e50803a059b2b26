//! Clients of other projects get, keep and give back addresses and prefixes, directly and through
//! relays.

use e2e::clients::Options;
use e2e::prelude::*;
use e2e::relay::{FAR_SERVER6, one_relay6, relay_chain6};

use super::{address, all_given_back, outside};

/// How long an exchange may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// The identifier of the server that takes the place of the first one: enterprise 4711.
const OTHER_SERVER: [u8; 10] = [0, 2, 0, 0, 0x12, 0x67, 0x0b, 0xad, 0xca, 0xfe];

/// How a client behaves where the standard leaves it a choice.
struct Habits {
    /// Lifetime, T1 and T2 that make it renew soon.
    times: (u32, u32, u32),
    /// Its first message after it was switched off without a chance to release.
    returns_by: Kind6,
    /// It can be brought to rebind within a test's time.
    rebinds: bool,
    /// After that it speaks to the server that has answered.
    follows: bool,
    /// It gives its leases back at its end.
    releases: bool,
}

impl Habits {
    fn of(kind: Kind, wants: Wants6) -> Self {
        let remembers = if wants.prefix() { Kind6::Rebind } else { Kind6::Confirm };
        let usual = Self {
            times: (60, 2, 6),
            returns_by: remembers,
            rebinds: true,
            follows: true,
            releases: true,
        };
        match kind {
            // It takes no T1 below 30 seconds.
            Kind::Dhcp6c => {
                let times = (200, 30, 100);
                Self { times, returns_by: Kind6::Solicit, rebinds: false, ..usual }
            }
            Kind::Dibbler => Self { returns_by: Kind6::Confirm, follows: false, ..usual },
            // Its timers run up to 10 seconds late.
            Kind::Networkd => {
                let times = (80, 2, 16);
                Self { times, returns_by: Kind6::Solicit, releases: false, ..usual }
            }
            _ => usual,
        }
    }
}

/// A client's address and prefix, as far as it asked for them.
type Held = (Option<Ipv6Addr>, Option<Ipv6Addr>);

/// Starts a client and waits until it has what it wants and the server says so too.
#[track_caller]
fn bound<'n>(net: &'n Net, server: &Server, kind: Kind, wants: Wants6) -> (Client<'n>, Held) {
    let options = Options { v6: Some(wants), ..kind.into() };
    let mut client = Client::start(&net.client, "cli0", net.path(), options);
    let address = wants.address().then(|| client.wait_address6(LIMIT));
    let prefix = wants.prefix().then(|| client.wait_prefix(LIMIT));
    let stored = server.leases().current6();
    if let Some(address) = address {
        let row = stored.get(&address).unwrap_or_else(|| panic!("no row of {address}"));
        assert_eq!((row["lease_type"].as_str(), row["prefix_len"].as_str()), ("0", "128"));
    }
    if let Some((prefix, length)) = prefix {
        let row = stored.get(&prefix).unwrap_or_else(|| panic!("no row of {prefix}"));
        assert_eq!((row["lease_type"].as_str(), row["prefix_len"].as_str()), ("2", "56"));
        assert_eq!(length, 56);
    }
    (client, (address, prefix.map(|(prefix, _)| prefix)))
}

/// Waits until every address and prefix of a client has been written again.
#[track_caller]
fn wait_extended(server: &Server, held: Held, before: &[usize]) {
    wait::until(LIMIT, "the leases are extended", || {
        rows(server, held).iter().zip(before).all(|(now, before)| now > before)
    });
}

/// The number of rows of each address and prefix of a client.
fn rows(server: &Server, (address, prefix): Held) -> Vec<usize> {
    let rows = server.leases().rows("");
    let count = |address: Ipv6Addr| {
        let address = address.to_string();
        rows.iter().filter(|row| row["address"] == address).count()
    };
    [address, prefix].into_iter().flatten().map(count).collect()
}

/// The life of a lease as one client lives it: bound, renewed, rebound to another server, found
/// again, released, taken anew.
fn life_of_a_lease(kind: Kind, wants: Wants6) {
    let habits = Habits::of(kind, wants);
    let (valid, renew, rebind) = habits.times;
    let net = Net::pair6();
    let config = Config::new6(net.path()).times(valid, renew, rebind);
    let mut server = Server::start(&net, &config);
    let mut sniffer = RawPort::<Reply6>::open(&net.server, "srv0");
    let (client, held) = bound(&net, &server, kind, wants);

    let before = rows(&server, held);
    sniffer.drain();
    let limit = wait::secs(u64::from(renew) + 15);
    sniffer.wait_for("a renewal", limit, |seen| seen.dhcp.is(Kind6::Renew));
    wait_extended(&server, held, &before);

    if habits.rebinds {
        // Another server with the same leases: renewals go to the one that is gone.
        assert!(server.stop().success());
        let other = "\"server-id\": { \"type\": \"EN\", \"enterprise-id\": 4711, \
                     \"identifier\": \"0badcafe\", \"persist\": false }";
        server = Server::start(&net, &config.clone().global(other));
        let before = rows(&server, held);
        sniffer.drain();
        let limit = wait::secs(u64::from(rebind) + 20);
        sniffer.wait_for("a rebinding", limit, |seen| seen.dhcp.is(Kind6::Rebind));
        wait_extended(&server, held, &before);
        if habits.follows {
            sniffer.wait_for("a renewal by the new server", LIMIT, |seen| {
                seen.dhcp.is(Kind6::Renew)
                    && seen.dhcp.option(opt6::SERVER_ID) == Some(&OTHER_SERVER[..])
            });
        } else {
            assert!(server.stop().success());
            server = Server::start(&net, &config);
        }
    }

    client.power_off();
    sniffer.drain();
    let (client, again) = bound(&net, &server, kind, wants);
    let first = sniffer.wait_for("a query", LIMIT, |_| true);
    assert_eq!(first.dhcp.kind, habits.returns_by as u8, "{:?}", first.dhcp);
    assert_eq!(again, held, "a returning client keeps what it had");

    if habits.releases {
        sniffer.drain();
        client.release();
        sniffer.wait_for("a release", LIMIT, |seen| seen.dhcp.is(Kind6::Release));
        wait::until(LIMIT, "all is given back", || all_given_back(&server));
        let (_client, held) = bound(&net, &server, kind, wants);
        assert_ne!(held, (None, None));
    }
}

#[test]
fn dhclient_lives_with_an_address() {
    life_of_a_lease(Kind::Dhclient, Wants6::Address);
}

#[test]
fn dhclient_lives_with_a_prefix() {
    life_of_a_lease(Kind::Dhclient, Wants6::Prefix);
}

#[test]
fn dhclient_lives_with_an_address_and_a_prefix() {
    life_of_a_lease(Kind::Dhclient, Wants6::Both);
}

#[test]
fn dhcpcd_lives_with_an_address() {
    life_of_a_lease(Kind::Dhcpcd, Wants6::Address);
}

#[test]
fn dhcpcd_lives_with_an_address_and_a_prefix() {
    life_of_a_lease(Kind::Dhcpcd, Wants6::Both);
}

#[test]
fn dibbler_lives_with_an_address() {
    life_of_a_lease(Kind::Dibbler, Wants6::Address);
}

#[test]
fn dibbler_lives_with_an_address_and_a_prefix() {
    life_of_a_lease(Kind::Dibbler, Wants6::Both);
}

#[test]
fn dhcp6c_lives_with_an_address_and_a_prefix() {
    life_of_a_lease(Kind::Dhcp6c, Wants6::Both);
}

#[test]
fn networkd_lives_with_an_address_and_a_prefix() {
    life_of_a_lease(Kind::Networkd, Wants6::Both);
}

/// A client behind relays: bound through them, renewed, given back.
fn life_behind_relays(net: &Net, kind: Kind) {
    let habits = Habits::of(kind, Wants6::Both);
    let (valid, renew, rebind) = habits.times;
    let near = "2001:db8:1::/64";
    let prefixes = pd_pool(e2e::config::PD_POOL6, 56);
    let subnets = vec![
        e2e::config::pool_subnet(2, "2001:db8:2::/64", "2001:db8:2::100/120", ""),
        e2e::config::pool_subnet(9, "2001:db8:ff::/64", "2001:db8:ff::100/120", ""),
        e2e::config::pool_subnet(1, near, e2e::config::POOL6, &prefixes),
    ];
    let name = format!("srv0/{FAR_SERVER6}");
    let config = Config::new6(net.path()).subnets(subnets).interfaces(&["srv0", &name]);
    let server = Server::start(net, &config.times(valid, renew, rebind));
    let (client, held) = bound(net, &server, kind, Wants6::Both);
    let address_held = held.0.expect("an address");
    assert_eq!(address_held.segments()[..4], address(0).segments()[..4]);
    let before = rows(&server, held);
    // A T1 of half a minute is too long to wait for in every topology.
    if renew < 10 {
        wait_extended(&server, held, &before);
    }
    if habits.releases {
        client.release();
        wait::until(LIMIT, "all is given back", || all_given_back(&server));
    }
}

#[test]
fn dhclient_is_served_through_a_relay() {
    life_behind_relays(&one_relay6().0, Kind::Dhclient);
}

#[test]
fn dhcpcd_is_served_through_a_relay() {
    life_behind_relays(&one_relay6().0, Kind::Dhcpcd);
}

#[test]
fn dibbler_is_served_through_a_relay() {
    life_behind_relays(&one_relay6().0, Kind::Dibbler);
}

#[test]
fn dhcp6c_is_served_through_a_relay() {
    life_behind_relays(&one_relay6().0, Kind::Dhcp6c);
}

#[test]
fn networkd_is_served_through_a_relay() {
    life_behind_relays(&one_relay6().0, Kind::Networkd);
}

#[test]
fn dhclient_is_served_through_two_relays() {
    life_behind_relays(&relay_chain6().0, Kind::Dhclient);
}

#[test]
fn dhcpcd_is_served_through_two_relays() {
    life_behind_relays(&relay_chain6().0, Kind::Dhcpcd);
}

#[test]
fn dibbler_is_served_through_two_relays() {
    life_behind_relays(&relay_chain6().0, Kind::Dibbler);
}

#[test]
fn dhcp6c_is_served_through_two_relays() {
    life_behind_relays(&relay_chain6().0, Kind::Dhcp6c);
}

#[test]
fn networkd_is_served_through_two_relays() {
    life_behind_relays(&relay_chain6().0, Kind::Networkd);
}

/// A client that finds the first address of the pool in use on its link.
fn declines_an_address_in_use(net: &Net, kind: Kind) -> (Client<'_>, Server) {
    net.client.duplicate_detection("cli0", true);
    net.server.address("srv0", &format!("{}/64", address(0x100)));
    // The kernel deletes an address of limited lifetime that is in use elsewhere, and the client
    // does not learn why it is gone.
    let forever = Config::new6(net.path()).times(u32::MAX, u32::MAX, u32::MAX);
    let server = Server::start(net, &forever);
    let mut sniffer = RawPort::<Reply6>::open(&net.server, "srv0");
    let options = Options { v6: Some(Wants6::Address), ..kind.into() };
    let client = Client::start(&net.client, "cli0", net.path(), options);
    sniffer.wait_for("a decline", wait::secs(30), |seen| seen.dhcp.is(Kind6::Decline));
    server.wait_log_count("DHCP6_DECLINE_LEASE", 1, wait::secs(5));
    let row = server.leases().lease6(address(0x100)).expect("a declined address stays recorded");
    assert_eq!((row["state"].as_str(), row["duid"].as_str()), ("1", "00"));
    (client, server)
}

#[test]
fn dhclient_declines_an_address_in_use_and_gets_another() {
    let net = Net::pair6();
    let (mut client, _server) = declines_an_address_in_use(&net, Kind::Dhclient);
    assert_ne!(client.wait_address6(wait::secs(40)), address(0x100));
}

#[test]
fn dibbler_declines_an_address_in_use() {
    // It asks for another only much later.
    declines_an_address_in_use(&Net::pair6(), Kind::Dibbler);
}

#[test]
fn dhcpcd_confirms_its_address_when_the_link_comes_back() {
    for moved in [false, true] {
        let net = Net::pair6();
        let config = Config::new6(net.path());
        let mut server = Server::start(&net, &config);
        let mut sniffer = RawPort::<Reply6>::open(&net.server, "srv0");
        let (mut client, (held, _)) = bound(&net, &server, Kind::Dhcpcd, Wants6::Address);
        net.client.ip("link set cli0 down");
        if moved {
            // The same cable, another link: the old address does not belong there.
            assert!(server.stop().success());
            let subnet = pool_subnet6(7, "2001:db8:7::/64", "2001:db8:7::100/120", "");
            server = Server::start(&net, &config.subnets(vec![subnet]));
        }
        sniffer.drain();
        net.client.ip("link set cli0 up");
        sniffer.wait_for("a confirmation", LIMIT, |seen| seen.dhcp.is(Kind6::Confirm));
        let held = held.expect("an address");
        if moved {
            wait::until(LIMIT, "an address of the new link", || {
                let now = net.client.first_address6("cli0");
                now.is_some_and(|now| now.segments()[2] == 7)
            });
        } else {
            assert_eq!(client.wait_address6(LIMIT), held);
            assert_eq!(server.leases().current6().len(), 1);
        }
        assert_ne!(held, outside());
    }
}

#[test]
fn dhclient_that_wants_a_temporary_address_gets_none() {
    let net = Net::pair6();
    let server = Server::start(&net, &Config::new6(net.path()));
    let mut sniffer = RawPort::<Reply6>::open(&net.client, "cli0");
    let options = Options { v6: Some(Wants6::Temporary), ..Kind::Dhclient.into() };
    let _client = Client::start(&net.client, "cli0", net.path(), options);
    for _ in 0..2 {
        let answer = sniffer.wait_for("an ADVERTISE", LIMIT, |seen| seen.dhcp.is(Kind6::Advertise));
        assert_eq!(answer.dhcp.option(opt6::IA_TA), None);
    }
    assert!(server.leases().current6().is_empty());
    assert_eq!(net.client.first_address6("cli0"), None);
}

#[test]
fn returning_client_keeps_its_address_after_a_server_restart() {
    for kind in [Kind::Dhclient, Kind::Dhcp6c] {
        let net = Net::pair6();
        let config = Config::new6(net.path());
        let server = Server::start(&net, &config);
        let mut other = Peer6::new(&net.client);
        other.become_client(7);
        other.acquire_both();
        let (client, held) = bound(&net, &server, kind, Wants6::Both);
        client.power_off();
        assert!(server.stop().success());
        let server = Server::start(&net, &config);
        let (client, again) = bound(&net, &server, kind, Wants6::Both);
        assert_eq!(again, held);
        client.power_off();
        server.kill();
        let server = Server::start(&net, &config);
        let (_client, again) = bound(&net, &server, kind, Wants6::Both);
        assert_eq!(again, held);
    }
}
