//! Reconfiguration that adds databases of hosts, takes them away, or cannot have them.

use super::*;

claims! {
    a_reload_adds_a_database_of_hosts_and_takes_it_away
    a_reload_that_cannot_have_its_database_of_hosts_changes_nothing
}

const SUCCESS: &str = "dynamic server reconfiguration succeeded with file";

fn a_reload_adds_a_database_of_hosts_and_takes_it_away(site: Site) {
    let database = Lent::new(site.kind);
    let net = Net::pair_of(site.family);
    let reserved = outside(site.family, 7);
    insert(site, &database, &[NewHost::of_client(site.family, 7).address(reserved)]);
    let without = Config::of(site.family, net.path());
    let with = config(site, &net, &database, 5, &[]);
    let server = Server::start(&net, &without);
    let mut peer = EitherPeer::new(&net);
    peer.become_client(7);
    assert_ne!(peer.acquire(), reserved);
    for round in 0..2 {
        server.reload(&with);
        server.wait_log_count(SUCCESS, 2 * round + 1, wait::secs(10));
        assert_eq!(peer.acquire(), reserved);
        server.reload(&without);
        server.wait_log_count(SUCCESS, 2 * round + 2, wait::secs(10));
        assert_ne!(peer.acquire(), reserved);
    }
    assert_no_secret(&server, &database);
    assert!(server.stop().success());
}

fn a_reload_that_cannot_have_its_database_of_hosts_changes_nothing(site: Site) {
    let database = Lent::new(site.kind);
    let net = Net::pair_of(site.family);
    let reserved = outside(site.family, 7);
    insert(site, &database, &[NewHost::of_client(site.family, 7).address(reserved)]);
    let good = config(site, &net, &database, 0, &[]);
    for (from, is_reserved) in [(&good, true), (&Config::of(site.family, net.path()), false)] {
        let server = Server::start(&net, from);
        let mut peer = EitherPeer::new(&net);
        peer.become_client(7);
        for (number, (what, instead)) in [
            ("\"name\"", "\"name\": \"no_such_hosts\""),
            ("\"password\"", "\"password\": \"Pass.wrong.one\""),
            ("\"host\"", "\"host\": \"/nowhere/at.all\""),
        ]
        .into_iter()
        .enumerate()
        {
            let mut members = site.members(&database, &[]);
            for member in members.iter_mut().filter(|member| member.starts_with(what)) {
                *member = instead.to_owned();
            }
            // The good one before it is not taken into use either.
            let both = [site.members(&database, &[]), members];
            let mut bad = Config::of(site.family, net.path()).global(&hosts_databases(&both));
            bad.valid = 111;
            server.reload(&bad);
            let failed = site.family.log_id("DYNAMIC_RECONFIGURATION_FAIL");
            server.wait_log_count(&failed, number + 1, wait::secs(10));
            assert_eq!(peer.acquire() == reserved, is_reserved);
            assert_eq!(peer.offered_lifetime(), Some(from.valid));
        }
        assert_no_secret(&server, &database);
        assert!(server.stop().success());
        std::fs::remove_file(from.lease_file.as_ref().expect("a file")).expect("it is there");
    }
}
