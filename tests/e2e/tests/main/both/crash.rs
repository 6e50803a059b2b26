//! The power fails under full load: what a client was told is in the store, and no address or prefix
//! has two holders.

use std::collections::HashMap;
use std::net::IpAddr;

use e2e::load::{Load, Seen};
use e2e::prelude::*;
use e2e::server::START;

use super::{as_relay, holder, lease_files, roomy};

/// Number of kills: the environment variable `E2E_KILLS`, else 10.
fn kills() -> u32 {
    std::env::var("E2E_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
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

/// Checks the store against everything that clients were told.
fn check(server: &Server, told: &HashMap<IpAddr, Seen<IpAddr>>) {
    let stored = server.leases().current_any();
    for (address, seen) in told {
        let row =
            stored.get(address).unwrap_or_else(|| panic!("{address} was acknowledged and is lost"));
        let holder = holder(server.family, row);
        assert!(holder.ends_with(&seen.mac_text()), "{address} has changed its holder: {row:?}");
        assert_eq!(row["state"], "0");
    }
}

/// Runs the load, kills the server at a random moment, starts it again; many times over.
fn kill_under_load(family: Family, more: &[&str]) {
    let net = Net::pair_of(family);
    let relay = as_relay(&net);
    let mut config = roomy(&net);
    config.lease_database.extend(more.iter().map(|member| (*member).to_owned()));
    let lfc = family.lfc();
    let lfc = lfc.to_str().expect("a path in UTF-8");
    config.severity = ("WARN", 0);
    let mut told: HashMap<IpAddr, Seen<IpAddr>> = HashMap::new();
    for round in 0..kills() {
        let variables = [("KEA_LFC_EXECUTABLE", lfc)];
        let server = Server::spawn_with(&net.server, net.path(), &config, &variables);
        EitherPeer::new(&net).until_served(START);
        check(&server, &told);
        let address = Net::server_address(family);
        let load = Load::start(&net.client, relay, address, round * 1_000_000, 64);
        load.wait_seen(1, wait::secs(10));
        std::thread::sleep(Duration::from_millis(random_below(400)));
        server.kill();
        let seen = load.stop();
        for seen in seen {
            if let Some(other) = told.insert(seen.address, seen) {
                assert_eq!(other.client, seen.client, "{} was given twice", seen.address);
            }
        }
        let files = lease_files(&net);
        wait::until(wait::secs(10), "a clean-up in progress ends", || !files.exists(".pid"));
    }
    let mut server = Server::start(&net, &Config { severity: ("INFO", 0), ..config });
    assert!(server.process.status().is_none());
    check(&server, &told);
    eprintln!("{} kills, {} acknowledgements, all in the store", kills(), told.len());
}

pub(crate) fn kill_under_full_load_loses_no_acknowledged_lease(family: Family) {
    kill_under_load(family, &[]);
}

pub(crate) fn kill_under_full_load_with_clean_ups_running_loses_no_acknowledged_lease(
    family: Family,
) {
    kill_under_load(family, &["\"lfc-interval\": 1"]);
}
