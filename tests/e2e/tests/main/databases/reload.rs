//! Reconfiguration from a file of leases to a database, between databases, and back.

use super::*;

claims! {
    a_reload_moves_to_a_database_and_back
    a_reload_that_cannot_have_its_database_changes_nothing
    a_reload_of_the_same_database_keeps_its_leases_and_connections
    a_reload_tries_its_database_once
}

const SUCCESS: &str = "dynamic server reconfiguration succeeded with file";

fn a_reload_moves_to_a_database_and_back(site: Site) {
    let net = Net::pair_of(site.family);
    let database = Lent::new(site.kind);
    let file = Config::of(site.family, net.path());
    let in_database = site.config(&net, &database, &[]);
    let server = Server::start(&net, &file);
    let mut peer = EitherPeer::new(&net);
    peer.become_client(1);
    let in_file = peer.acquire();
    server.reload(&in_database);
    server.wait_log_count(SUCCESS, 1, wait::secs(10));
    // What the database does not know is free.
    peer.become_client(2);
    let first = peer.acquire();
    assert_eq!(first, in_file);
    assert!(is_held_by(site.family, &site.row(&database, first), [2, 0, 0, 0, 1, 2]));
    server.reload(&file);
    server.wait_log_count(SUCCESS, 2, wait::secs(10));
    peer.become_client(1);
    assert_eq!(peer.acquire(), in_file);
    assert_eq!(site.rows(&database).len(), 1);
    server.reload(&in_database);
    server.wait_log_count(SUCCESS, 3, wait::secs(10));
    peer.become_client(2);
    assert_eq!(peer.acquire(), first);
    peer.become_client(1);
    assert_ne!(peer.acquire(), first);
    assert_eq!(site.rows(&database).len(), 2);
    assert_no_secret(&server, &database);
    assert!(server.stop().success());
}

fn a_reload_that_cannot_have_its_database_changes_nothing(site: Site) {
    let net = Net::pair_of(site.family);
    let database = Lent::new(site.kind);
    let good = site.config(&net, &database, &[]);
    for (from, is_sql) in [(good.clone(), true), (Config::of(site.family, net.path()), false)] {
        let server = Server::start(&net, &from);
        let mut peer = EitherPeer::new(&net);
        let given = peer.acquire();
        let mut bad = good.clone();
        bad.valid = 111;
        for (number, (what, instead)) in [
            ("\"name\"", "\"name\": \"no_such_leases\""),
            ("\"password\"", "\"password\": \"Pass.wrong.one\""),
            ("\"host\"", "\"host\": \"/nowhere/at.all\""),
        ]
        .into_iter()
        .enumerate()
        {
            let mut bad = bad.clone();
            for member in bad.sql.iter_mut().flatten() {
                if member.starts_with(what) {
                    *member = instead.to_owned();
                }
            }
            server.reload(&bad);
            let failed = site.family.log_id("DYNAMIC_RECONFIGURATION_FAIL");
            server.wait_log_count(&failed, number + 1, wait::secs(10));
            assert_eq!(peer.acquire(), given);
            peer.become_client(number as u8);
            assert_eq!(peer.offered_lifetime(), Some(from.valid));
            peer.acquire();
            *match &mut peer {
                EitherPeer::V4(peer, _) => &mut peer.mac,
                EitherPeer::V6(peer, _) => &mut peer.mac,
            } = e2e::net::CLIENT_MAC;
            if let EitherPeer::V6(peer, _) = &mut peer {
                peer.duid = e2e::peer6::client_duid(e2e::net::CLIENT_MAC);
            }
        }
        assert_eq!(site.rows(&database).len(), if is_sql { 4 } else { 0 });
        database.sql(&format!("DELETE FROM {};\n", site.table()));
        assert_no_secret(&server, &database);
        assert!(server.stop().success());
    }
}

fn a_reload_of_the_same_database_keeps_its_leases_and_connections(site: Site) {
    let net = Net::pair_of(site.family);
    let database = Lent::new(site.kind);
    let mut config = site.config(&net, &database, &[]);
    let server = Server::start(&net, &config);
    let mut peer = EitherPeer::new(&net);
    let given = peer.acquire();
    let opened = server.log().matches("opening the lease database").count();
    for round in 0..3 {
        config.valid += 100;
        if round == 2 {
            config.subnets = vec![crate::main::both::subnet(site.family, 0, 1)];
        }
        server.reload(&config);
        server.wait_log_count(SUCCESS, round + 1, wait::secs(10));
        assert_eq!(peer.offered_lifetime(), Some(config.valid));
        assert_eq!(peer.acquire(), given);
    }
    assert_eq!(server.log().matches("opening the lease database").count(), opened);
    peer.become_client(8);
    assert_ne!(peer.acquire(), given);
    peer.become_client(9);
    assert!(!peer.is_offered_an_address(Duration::from_millis(300)), "both are held");
    assert!(server.stop().success());
}

fn a_reload_tries_its_database_once(site: Site) {
    let net = Net::pair_of(site.family);
    let database = Lent::new(site.kind);
    let more = [
        "\"max-reconnect-tries\": 100000",
        "\"reconnect-wait-time\": 60000",
        "\"retry-on-startup\": true",
    ];
    let file = Config::of(site.family, net.path());
    let server = Server::start(&net, &file);
    let mut peer = EitherPeer::new(&net);
    let given = peer.acquire();
    let good = site.config(&net, &database, &more);
    let mut away = good.clone();
    for member in away.sql.iter_mut().flatten() {
        if member.starts_with("\"host\"") {
            *member = "\"host\": \"/nowhere/at.all\"".to_owned();
        }
    }
    server.reload(&away);
    let failed = site.family.log_id("DYNAMIC_RECONFIGURATION_FAIL");
    server.wait_log_count(&failed, 1, wait::secs(10));
    // Clients are served by what is in force, and a file that has been corrected is not made to wait.
    assert_eq!(peer.acquire(), given);
    server.reload(&good);
    server.wait_log_count(SUCCESS, 1, wait::secs(10));
    let given = peer.acquire();
    site.row(&database, given);
    assert_no_secret(&server, &database);
    assert!(server.stop().success());
}
