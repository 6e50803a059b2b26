//! The database of hosts is not there.

use super::*;

claims! {
    nobody_is_served_as_if_there_were_no_host
    without_tries_a_lost_database_of_hosts_ends_the_server
    a_missing_database_of_hosts_ends_the_start
}

/// A server that asks a database for a host each time, and has served one.
fn served(site: Site, more: &[&str]) -> (Victim, Net, Server, EitherPeer) {
    let victim = Victim::new(site.kind);
    let net = Net::pair_of(site.family);
    let hosts = [7, 8].map(|number| {
        NewHost::of_client(site.family, number).address(outside(site.family, number))
    });
    insert(site, victim.database(), &hosts);
    let server = Server::start(&net, &config(site, &net, victim.database(), 0, more));
    let mut peer = EitherPeer::new(&net);
    peer.become_client(7);
    assert_eq!(peer.acquire(), outside(site.family, 7));
    (victim, net, server, peer)
}

fn nobody_is_served_as_if_there_were_no_host(site: Site) {
    let more = [
        "\"max-reconnect-tries\": 2",
        "\"reconnect-wait-time\": 50",
        "\"on-fail\": \"serve-retry-continue\"",
    ];
    let (victim, _net, mut server, mut peer) = served(site, &more);
    victim.server().kill();
    peer.ask_in_vain();
    server.wait_log(&site.family.log_id("DB_RECONNECT_LOST_CONNECTION"), wait::secs(10));
    // While it is tried, when all tries have failed, and when the database is on its way.
    for end in ["DB_RECONNECT_ATTEMPT_FAILED", "DB_RECONNECT_FAILED"] {
        server.wait_log(&site.family.log_id(end), wait::secs(10));
        for client in [7, 8, 9] {
            peer.become_client(client);
            assert!(!peer.is_served_within(Duration::from_millis(150)));
        }
    }
    victim.server().start_unready();
    peer.become_client(8);
    let mut given = None;
    wait::until(wait::secs(30), "clients are served again", || {
        given = offered(&mut peer, Duration::from_millis(100));
        given.is_some()
    });
    assert_eq!(given, Some(outside(site.family, 8)));
    victim.server().wait_ready();
    assert_eq!(peer.acquire(), outside(site.family, 8));
    peer.become_client(9);
    peer.acquire();
    server.wait_log(&site.family.log_id("DB_RECONNECT_SUCCEEDED"), wait::secs(10));
    assert_no_secret(&server, victim.database());
    assert!(server.stop().success());
}

fn without_tries_a_lost_database_of_hosts_ends_the_server(site: Site) {
    let (victim, _net, mut server, mut peer) = served(site, &[]);
    victim.server().kill();
    peer.become_client(8);
    wait::until(wait::secs(20), "the server ends", || {
        assert!(!peer.is_served_within(Duration::from_millis(50)));
        server.process.status().is_some()
    });
    let log = server.log();
    assert_eq!(server.process.status().and_then(|status| status.code()), Some(1), "{log}");
    assert!(log.contains(&site.family.log_id("DB_RECONNECT_LOST_CONNECTION")), "{log}");
    assert!(!server.files.pid.exists(), "the pid file is removed");
    assert_no_secret(&server, victim.database());
}

fn a_missing_database_of_hosts_ends_the_start(site: Site) {
    let victim = Victim::new(site.kind);
    let net = Net::pair_of(site.family);
    victim.server().kill();
    let config = config(site, &net, victim.database(), 5, &[]);
    let mut server = Server::spawn(&net.server, net.path(), &config);
    refused(&mut server);
    assert_no_secret(&server, victim.database());
}
