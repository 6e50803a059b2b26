//! The database is killed under load, again and again: the service is back soon after it, and nothing that clients were
//! told is lost.

use std::collections::HashMap;
use std::net::IpAddr;

use e2e::load::{Load, Seen};

use super::*;
use crate::main::both::{as_relay, roomy};

claims! {
    a_database_killed_under_load_loses_no_acknowledged_lease
}

/// Number of kills of all four tests together: the environment variable `E2E_KILLS`, else 10; each test makes its share.
fn kills() -> u32 {
    let all = std::env::var("E2E_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    u32::div_ceil(all, 4)
}

/// A cheap random number; a test of crashes wants moments without a pattern.
fn random_below(limit: u64) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let mut value = u64::from(now.expect("the clock is past 1970").subsec_nanos());
    value ^= value << 13;
    value ^= value >> 7;
    value ^= value << 17;
    value % limit
}

fn a_database_killed_under_load_loses_no_acknowledged_lease(site: Site) {
    let victim = Victim::new(site.kind);
    let net = Net::pair_of(site.family);
    let relay = as_relay(&net);
    let more = [
        "\"max-reconnect-tries\": 1000000",
        "\"reconnect-wait-time\": 50",
        "\"on-fail\": \"stop-retry-exit\"",
    ];
    let mut config = roomy(&net).in_database(site.members(victim.database(), &more));
    config.severity = ("WARN", 0);
    let mut server = Server::spawn(&net.server, net.path(), &config);
    let mut peer = EitherPeer::new(&net);
    peer.until_served(START);
    let address = Net::server_address(site.family);
    let load = Load::<IpAddr>::start(&net.client, relay, address, 1, 64);
    let mut slowest = Duration::ZERO;
    for _ in 0..kills() {
        let before = load.seen();
        load.wait_seen(before + 50, wait::secs(20));
        std::thread::sleep(Duration::from_millis(random_below(400)));
        victim.server().kill();
        victim.server().start_again();
        let ready = Instant::now();
        peer.until_offered_an_address(wait::secs(20));
        slowest = slowest.max(ready.elapsed());
        assert!(server.process.status().is_none(), "the server has ended:\n{}", server.log());
    }
    let before = load.seen();
    load.wait_seen(before + 50, wait::secs(20));
    let seen = load.stop();
    let mut told: HashMap<IpAddr, Seen<IpAddr>> = HashMap::new();
    for seen in seen {
        if let Some(other) = told.insert(seen.address, seen) {
            assert_eq!(other.client, seen.client, "{} was given twice", seen.address);
        }
    }
    let rows = site.rows(victim.database());
    for (address, seen) in &told {
        let row = rows.get(&address.to_string());
        let row = row.unwrap_or_else(|| panic!("{address} was acknowledged and is lost"));
        let mac = e2e::load::client_mac(seen.client);
        assert!(is_held_by(site.family, row, mac), "{address} has changed its holder: {row:?}");
        assert!(is_active(row), "{row:?}");
    }
    eprintln!(
        "{site:?}: {} kills, {} acknowledgements, all in the table; served {slowest:?} after the \
         database at most",
        kills(),
        told.len()
    );
    assert_no_secret(&server, victim.database());
    assert!(server.stop().success());
}
