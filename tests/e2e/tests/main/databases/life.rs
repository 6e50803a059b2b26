//! The life of a lease in a database: given, prolonged, given back, declined, expired, and given to somebody else.

use std::net::IpAddr;

use e2e::net::SERVER;
use e2e::server::run_program;

use super::*;
use crate::main::both::{address, subnet};

claims! {
    a_lease_is_given_prolonged_and_given_back
    a_lease_outlives_the_server_that_gave_it
    a_declined_address_comes_back_after_its_probation
    an_expired_lease_is_reclaimed_removed_and_given_to_another
    an_endless_lease_does_not_end
    questions_without_a_lease_leave_no_row
    a_whole_pool_is_given_without_doubles_and_freed_again
    explain_tells_what_the_database_says
}

/// A server with a database, and a client beside it.
fn served(site: Site, change: impl FnOnce(Config) -> Config) -> (Net, Lent, Server, EitherPeer) {
    let net = Net::pair_of(site.family);
    let database = Lent::new(site.kind);
    let server = Server::start(&net, &change(site.config(&net, &database, &[])));
    let peer = EitherPeer::new(&net);
    (net, database, server, peer)
}

/// Lifetimes of two seconds, and reclamation every second.
fn short(config: Config) -> Config {
    config.times(2, 1, 2).global("\"decline-probation-period\": 3").global(
        "\"expired-leases-processing\": { \"reclaim-timer-wait-time\": 1, \
         \"flush-reclaimed-timer-wait-time\": 1, \"hold-reclaimed-time\": 1 }",
    )
}

/// How a client prolongs what it has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Prolong {
    /// It asks the server that gave it.
    Renew,
    /// It asks any server.
    Rebind,
}

/// Prolongs what a client has acquired last and returns the valid lifetime that it is granted now.
#[track_caller]
pub(super) fn prolong(net: &Net, peer: &mut EitherPeer, how: Prolong) -> u32 {
    match peer {
        EitherPeer::V4(peer, held) => {
            let held = held.expect("something to prolong");
            let query = peer.query(Message::Request).from_address(held);
            // The answer goes to the address, as the kernel knows it.
            let words = ["ip", "-n", net.client.name(), "addr", "replace"];
            let address = format!("{held}/24");
            e2e::process::run(&[&words[..], &[address.as_str(), "dev", "cli0"]].concat());
            let answer = match how {
                Prolong::Renew => peer.ask_unicast(&query, held),
                Prolong::Rebind => peer.ask(&query),
            };
            let ack = answer.expect("an answer").dhcp;
            assert_eq!((ack.kind(), ack.yiaddr), (Some(Message::Ack), held));
            ack.option_u32(opt::LEASE_TIME).expect("a lifetime")
        }
        EitherPeer::V6(peer, held) => {
            let before = held.as_ref().expect("something to prolong");
            let kind = if how == Prolong::Renew { Kind6::Renew } else { Kind6::Rebind };
            let query = peer.follow(kind, before);
            let before = before.na(1).only().address;
            let reply = peer.reply_to(&query);
            // From now on that server is the one to speak to.
            let after = held.insert(reply).na(1).only();
            assert_eq!(before, after.address);
            after.valid
        }
    }
}

/// The end of a lease, in seconds since the epoch.
fn expire(row: &Row) -> u64 {
    row["expire"].parse().expect("a number")
}

/// Asserts that a lifetime that began just now is stored as it is.
#[track_caller]
fn assert_ends_after(row: &Row, lifetime: u64) {
    let now = e2e::leases::wall_clock();
    let begun = expire(row) - lifetime;
    assert!((now - 5..=now).contains(&begun), "it is {now}: {row:?}");
    assert_eq!(row["valid_lifetime"], lifetime.to_string());
}

fn a_lease_is_given_prolonged_and_given_back(site: Site) {
    let hour = |config: Config| config.times(3600, 900, 1800);
    let (net, database, server, mut peer) = served(site, hour);
    let given = peer.acquire();
    let row = site.row(&database, given);
    assert!(is_held_by(site.family, &row, e2e::net::CLIENT_MAC), "{row:?}");
    assert_eq!((row["subnet_id"].as_str(), row["state"].as_str()), ("1", "0"));
    assert_ends_after(&row, 3600);
    for how in [Prolong::Renew, Prolong::Rebind] {
        let before = expire(&site.row(&database, given));
        wait::until(wait::secs(5), "the clock goes on and so does the lease", || {
            assert_eq!(prolong(&net, &mut peer, how), 3600);
            let now = expire(&site.row(&database, given));
            assert!(now >= before);
            now > before
        });
    }
    assert_eq!(peer.acquire(), given, "it is known by what is in the database");
    assert_eq!(site.rows(&database).len(), 1);
    peer.release();
    wait::until(wait::secs(5), "the lease is given back", || {
        site.rows(&database).values().all(|row| !is_active(row))
    });
    peer.become_client(9);
    peer.until_offered_an_address(wait::secs(3));
    assert_no_secret(&server, &database);
    assert!(server.stop().success());
}

fn a_lease_outlives_the_server_that_gave_it(site: Site) {
    let net = Net::pair_of(site.family);
    let database = Lent::new(site.kind);
    let mut config = site.config(&net, &database, &[]);
    config.subnets = vec![subnet(site.family, 0, 1)];
    let server = Server::start(&net, &config);
    let mut peer = EitherPeer::new(&net);
    let given = peer.acquire();
    server.kill();
    // Another zone of the clock is none of the database's business.
    let zone = [("TZ", "Asia/Tokyo")];
    let mut server = Server::spawn_with(&net.server, net.path(), &config, &zone);
    server.wait_started();
    prolong(&net, &mut peer, Prolong::Rebind);
    assert_ends_after(&site.row(&database, given), config.valid.into());
    assert_eq!(peer.acquire(), given);
    peer.become_client(8);
    assert_ne!(peer.acquire(), given);
    peer.become_client(9);
    assert!(!peer.is_offered_an_address(Duration::from_millis(300)), "both are held");
    assert_ends_after(&site.row(&database, given), config.valid.into());
    assert!(server.stop().success());
}

fn a_declined_address_comes_back_after_its_probation(site: Site) {
    let one = |mut config: Config| {
        config.subnets = vec![subnet(site.family, 0, 0)];
        short(config).times(60, 20, 40)
    };
    let (_net, database, _server, mut peer) = served(site, one);
    let only = peer.acquire();
    peer.decline();
    wait::until(wait::secs(5), "it is declined", || site.row(&database, only)["state"] == "1");
    let row = site.row(&database, only);
    match site.family {
        Family::V4 => {
            assert!(!is_held_by(site.family, &row, e2e::net::CLIENT_MAC), "{row:?}");
            assert!(["", "NULL"].contains(&row["client_id"].as_str()), "{row:?}");
        }
        Family::V6 => assert_eq!(row["duid"], "00"),
    }
    assert_eq!(row["valid_lifetime"], "3");
    peer.become_client(8);
    assert!(!peer.is_offered_an_address(Duration::from_millis(300)), "probation has just begun");
    peer.until_offered_an_address(wait::secs(10));
    assert_eq!(peer.acquire(), only);
    assert!(is_active(&site.row(&database, only)));
}

fn an_expired_lease_is_reclaimed_removed_and_given_to_another(site: Site) {
    let one = |mut config: Config| {
        config.subnets = vec![subnet(site.family, 0, 0)];
        short(config).debug()
    };
    let (_net, database, mut server, mut peer) = served(site, one);
    let only = peer.acquire();
    peer.become_client(8);
    assert!(!peer.is_offered_an_address(Duration::from_millis(300)), "it is held");
    wait::until(wait::secs(10), "the lease is reclaimed", || {
        site.rows(&database).get(&only.to_string()).is_none_or(|row| row["state"] == "2")
    });
    wait::until(wait::secs(10), "the row is removed", || site.rows(&database).is_empty());
    server.wait_log("LEASES_RECLAMATION_COMPLETE", wait::secs(5));
    peer.until_offered_an_address(wait::secs(5));
    assert_eq!(peer.acquire(), only);
    assert!(is_held_by(site.family, &site.row(&database, only), [2, 0, 0, 0, 1, 8]));
    // And to the next one, whether it has been reclaimed meanwhile or not.
    peer.become_client(9);
    peer.until_offered_an_address(wait::secs(10));
    assert_eq!(peer.acquire(), only);
}

fn an_endless_lease_does_not_end(site: Site) {
    let net = Net::pair_of(site.family);
    let database = Lent::new(site.kind);
    let mut config = short(site.config(&net, &database, &[]));
    config = config.times(u32::MAX, 1000, 2000);
    config.subnets = vec![subnet(site.family, 0, 0)];
    let server = Server::start(&net, &config);
    let mut peer = EitherPeer::new(&net);
    let only = peer.acquire();
    assert_eq!(prolong(&net, &mut peer, Prolong::Rebind), u32::MAX);
    let row = site.row(&database, only);
    assert_eq!(row["valid_lifetime"], u32::MAX.to_string());
    // That it begins and ends now is how Kea has it in its tables.
    let now = e2e::leases::wall_clock();
    assert!((now - 5..=now).contains(&expire(&row)), "it is {now}: {row:?}");
    server.kill();
    // Long ago does not make a difference, and a start is when everything is looked at.
    let ago = match site.kind {
        SqlKind::Mysql => "expire - INTERVAL 30 DAY",
        SqlKind::Postgresql => "expire - interval '30 days'",
    };
    database.sql(&format!("UPDATE {} SET expire = {ago};\n", site.table()));
    let before = site.row(&database, only);
    let server = Server::start(&net, &config);
    peer.become_client(8);
    // Through two rounds of reclamation.
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(2500) {
        assert!(!peer.is_offered_an_address(Duration::from_millis(200)), "it is held");
    }
    assert_eq!(site.row(&database, only), before);
    assert!(server.stop().success());
}

fn questions_without_a_lease_leave_no_row(site: Site) {
    let (net, database, _server, mut peer) = served(site, |config| config);
    peer.until_offered_an_address(wait::secs(3));
    assert!(is_informed(&net, &mut peer));
    if let EitherPeer::V6(peer, _) = &mut peer {
        let inside = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x155);
        let confirm = peer.query(Kind6::Confirm).with_na(1, &[inside]);
        assert_eq!(peer.reply_to(&confirm).status(), Some(status::SUCCESS));
    }
    if let EitherPeer::V4(peer, _) = &mut peer {
        // To a client that it does not know it says nothing about an address that might be another server's.
        let query = peer.query(Message::Request).with_address(opt::REQUESTED, SERVER);
        let _ = peer.ask_within(&query, Duration::from_millis(300));
    }
    assert_eq!(site.rows(&database).len(), 0);
}

/// Asks for information, for which no lease is needed; returns whether there was an answer.
pub(super) fn is_informed(net: &Net, peer: &mut EitherPeer) -> bool {
    match peer {
        EitherPeer::V4(peer, _) => {
            let own = Ipv4Addr::new(192, 0, 2, 30);
            let words = ["ip", "-n", net.client.name(), "addr", "replace", "192.0.2.30/24"];
            e2e::process::run(&[&words[..], &["dev", "cli0"]].concat());
            let query = peer.query(Message::Inform).from_address(own);
            peer.ask_within(&query, wait::secs(1)).is_some()
        }
        EitherPeer::V6(peer, _) => {
            let query = peer.query(Kind6::InformationRequest).with_oro(&[opt6::DNS]);
            peer.ask_within(&query, wait::secs(1)).is_some()
        }
    }
}

fn a_whole_pool_is_given_without_doubles_and_freed_again(site: Site) {
    let ten = |mut config: Config| {
        config.subnets = vec![subnet(site.family, 0, 9)];
        config
    };
    let (_net, database, _server, mut peer) = served(site, ten);
    for round in 0..2 {
        let mut given = std::collections::BTreeSet::<IpAddr>::new();
        for client in 0..10 {
            peer.become_client(10 * round + client);
            peer.until_offered_an_address(wait::secs(3));
            assert!(given.insert(peer.acquire()), "an address is given twice");
        }
        assert_eq!(given.first(), Some(&address(site.family, 0)));
        assert_eq!(given.last(), Some(&address(site.family, 9)));
        peer.become_client(99);
        assert!(!peer.is_offered_an_address(Duration::from_millis(300)), "the pool is full");
        for client in 0..10 {
            peer.become_client(10 * round + client);
            peer.acquire();
            peer.release();
        }
        wait::until(wait::secs(5), "all are given back", || {
            site.rows(&database).values().all(|row| !is_active(row))
        });
    }
}

fn explain_tells_what_the_database_says(site: Site) {
    let net = Net::pair_of(site.family);
    let database = Lent::new(site.kind);
    let config = site.config(&net, &database, &[]);
    let server = Server::start(&net, &config);
    let mut peer = EitherPeer::new(&net);
    peer.acquire();
    let given = peer.acquire();
    let file = net.path().join("kea.conf");
    let file = file.to_str().expect("a path in UTF-8");
    let query = match &peer {
        EitherPeer::V4(peer, _) => peer.query(Message::Discover).encode(),
        EitherPeer::V6(peer, _) => peer.solicit().encode(),
    };
    let digits: String = query.iter().map(|byte| format!("{byte:02x}")).collect();
    let on = format!("srv0/{}", Net::server_address(site.family));
    let before = site.rows(&database);
    let words = ["-c", file, "--explain", digits.as_str(), "--on", on.as_str()];
    let (code, out, err) = run_program(site.family, net.path(), &words);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains(&given.to_string()), "{out}{err}");
    assert!(out.contains(&format!("{} database", site.kind)), "{out}{err}");
    assert!(!(out + &err).contains("Pass."));
    assert_eq!(site.rows(&database), before);
    assert_no_secret(&server, &database);
}
