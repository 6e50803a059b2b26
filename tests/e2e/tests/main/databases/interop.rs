//! Debian's servers and these ones over the same tables, one after the other and at once.

use std::collections::BTreeSet;

use super::life::{Prolong, prolong};
use super::*;
use crate::main::both::subnet;

claims! {
    a_lease_of_kea_is_prolonged_and_given_back_here
    a_lease_of_ours_is_prolonged_and_given_back_by_kea
    both_servers_give_no_address_twice
}

/// Kea's servers, as Debian has them.
pub(super) fn kea(family: Family) -> std::path::PathBuf {
    std::path::Path::new("/usr/sbin").join(family.program_name())
}

/// The configuration for Kea, which knows the socket of MariaDB by another way than ours.
fn for_kea(site: Site, socket: &str, mut config: Config) -> Config {
    config.is_ours = false;
    for member in &mut config.global {
        if site.kind == SqlKind::Mysql {
            *member = member.replace(socket, "localhost");
        }
    }
    for member in config.sql.iter_mut().flatten() {
        if site.kind == SqlKind::Mysql && member.starts_with("\"host\"") {
            *member = "\"host\": \"localhost\"".to_owned();
        }
    }
    config
}

/// Starts Kea's server and waits until it is ready.
#[track_caller]
pub(crate) fn start_kea(net: &Net, site: Site, database: &Database, config: Config) -> Server {
    let socket = database.server().socket();
    let socket = socket.to_str().expect("a path in UTF-8");
    let variables = [("MYSQL_UNIX_PORT", socket)];
    let (program, config) = (kea(site.family), for_kea(site, socket, config));
    let mut server = Server::spawn_program(&program, &net.server, net.path(), &config, &variables);
    server.wait_started();
    server
}

/// Two servers of one database, each with a client beside it, which is the same one.
struct Two {
    nets: [Net; 2],
    database: Lent,
    servers: [Server; 2],
    peers: [EitherPeer; 2],
}

const OURS: usize = 0;
const KEA: usize = 1;

fn two(site: Site, change: impl Fn(Config) -> Config) -> Two {
    let nets = [Net::pair_of(site.family), Net::pair_of(site.family)];
    let database = Lent::new(site.kind);
    let config = |net: &Net| change(site.config(net, &database, &[]));
    let ours = Server::start(&nets[OURS], &config(&nets[OURS]));
    let theirs = start_kea(&nets[KEA], site, &database, config(&nets[KEA]));
    let peers = [EitherPeer::new(&nets[OURS]), EitherPeer::new(&nets[KEA])];
    Two { nets, database, servers: [ours, theirs], peers }
}

/// Lets another server's client have what one has been given.
fn hand_over(peers: &mut [EitherPeer; 2], from: usize) {
    let [ours, kea] = peers;
    let (from, to) = if from == OURS { (ours, kea) } else { (kea, ours) };
    match (from, to) {
        (EitherPeer::V4(_, held), EitherPeer::V4(_, other)) => *other = *held,
        (EitherPeer::V6(_, held), EitherPeer::V6(_, other)) => other.clone_from(held),
        _ => panic!("both are of one family"),
    }
}

/// One server gives a lease; the other one prolongs it, knows it, and takes it back.
fn given_and_taken(site: Site, giver: usize, taker: usize) {
    let mut two = two(site, |config| config);
    let given = two.peers[giver].acquire();
    let before = site.row(&two.database, given);
    hand_over(&mut two.peers, giver);
    wait::until(wait::secs(5), "the clock goes on and so does the lease", || {
        prolong(&two.nets[taker], &mut two.peers[taker], Prolong::Rebind);
        site.row(&two.database, given)["expire"] > before["expire"]
    });
    assert!(is_held_by(site.family, &site.row(&two.database, given), e2e::net::CLIENT_MAC));
    assert_eq!(two.peers[taker].acquire(), given);
    assert_eq!(two.peers[giver].acquire(), given);
    assert_eq!(site.rows(&two.database).len(), 1);
    // Whatever the other one knows of it.
    hand_over(&mut two.peers, giver);
    two.peers[taker].acquire();
    two.peers[taker].release();
    wait::until(wait::secs(5), "the lease is given back", || {
        site.rows(&two.database).values().all(|row| !is_active(row))
    });
    // And may go to another client of either.
    for (number, peer) in two.peers.iter_mut().enumerate() {
        peer.become_client(20 + number as u8);
        peer.until_offered_an_address(wait::secs(5));
        peer.acquire();
    }
    let active = |row: &&Row| is_active(row);
    assert_eq!(site.rows(&two.database).values().filter(active).count(), 2);
    assert_no_secret(&two.servers[OURS], &two.database);
}

fn a_lease_of_kea_is_prolonged_and_given_back_here(site: Site) {
    given_and_taken(site, KEA, OURS);
}

fn a_lease_of_ours_is_prolonged_and_given_back_by_kea(site: Site) {
    given_and_taken(site, OURS, KEA);
}

fn both_servers_give_no_address_twice(site: Site) {
    let mut two = two(site, |mut config| {
        config.subnets = vec![subnet(site.family, 0, 39)];
        config
    });
    let mut given = BTreeSet::new();
    for client in 0..20 {
        for side in [OURS, KEA] {
            let peer = &mut two.peers[side];
            peer.become_client(100 * side as u8 + client);
            peer.until_offered_an_address(wait::secs(10));
            assert!(given.insert(peer.acquire()), "an address is given twice");
        }
    }
    assert_eq!(site.rows(&two.database).len(), 40);
    for peer in &mut two.peers {
        peer.become_client(99);
        assert!(!peer.is_offered_an_address(Duration::from_millis(500)), "the pool is full");
    }
    // A place that one server has freed is found by the other one.
    for (from, to) in [(OURS, KEA), (KEA, OURS)] {
        two.peers[from].become_client(100 * from as u8 + 3);
        two.peers[from].acquire();
        two.peers[from].release();
        two.peers[to].become_client(99);
        two.peers[to].until_offered_an_address(wait::secs(15));
        two.peers[to].acquire();
        two.peers[to].release();
        two.peers[from].become_client(100 * from as u8 + 3);
        two.peers[from].until_offered_an_address(wait::secs(15));
        two.peers[from].acquire();
    }
}
