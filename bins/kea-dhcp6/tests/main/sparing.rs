//! Leases that are stored less often, or for less time: `cache-threshold`, `adaptive-lease-time-threshold`.

use libdhcp::v6::MessageType;
use stats::{Lease6, Place};

use crate::stand::{Stand, query, solicit, to_server};

const CACHED: &str = r#""preferred-lifetime": 3000, "valid-lifetime": 4000, "subnet6": [
    { "id": 1, "subnet": "2001:db8:1::/64", "interface": "lan",
      "pools": [ { "pool": "2001:db8:1::10 - 2001:db8:1::12" } ],
      "pd-pools": [ { "prefix": "2001:db8:f000::", "prefix-len": 54, "delegated-len": 56 } ] } ]"#;
const ADDRESS: &str = "2001:db8:1::10";
const PREFIX: &str = "2001:db8:f000::/56";

fn cltt(stand: &Stand) -> i64 {
    stand.store.lease(ADDRESS.parse().unwrap()).expect("a lease").cltt
}

#[test]
fn young_leases_are_not_stored_again() {
    let mut stand = Stand::new(CACHED);
    stand.bind(&solicit(1).na(1, &[]).pd(2, &[]));
    let (stored, rows) = (cltt(&stand), stand.queue.appended());
    stand.pass(499);
    let renew = to_server(MessageType::Renew, 1).na(1, &[ADDRESS]).pd(2, &[PREFIX]);
    let reaction = stand.ask(&renew);
    let [reply] = reaction.answers.as_slice() else { panic!("{reaction:?}") };
    let expected = [
        "IA_NA 1 1250/2000 2001:db8:1::10 2500/3500",
        "IA_PD 2 1250/2000 2001:db8:f000::/56 2500/3500",
    ];
    assert_eq!(reply.associations(), expected);
    assert_eq!(reply.entry.hold, 0, "it waits for nothing");
    let logged = |id| reaction.log.iter().any(|line| line.id == id);
    assert!(logged("DHCP6_LEASE_REUSE") && logged("DHCP6_PD_LEASE_REUSE"), "{reaction:?}");
    assert_eq!((cltt(&stand), stand.queue.appended()), (stored, rows));
    let counted = [Lease6::NaReuses, Lease6::PdReuses]
        .map(|figure| stand.counters.value(Place::subnet(0), figure));
    assert_eq!(counted, [1, 1]);
    // What is advertised is told in full.
    let advertise = stand.answer(&solicit(1).na(1, &[]));
    assert_eq!(advertise.associations(), ["IA_NA 1 1500/2400 2001:db8:1::10 3000/4000"]);
    stand.pass(500);
    let rebind = stand.answer(&query(MessageType::Rebind, 1).na(1, &[ADDRESS]));
    assert_eq!(rebind.associations(), ["IA_NA 1 1500/2400 2001:db8:1::10 3000/4000"]);
    assert_eq!(cltt(&stand), stand.now.wall_s);
}

#[test]
fn whatever_changes_is_stored() {
    let mut stand = Stand::new(CACHED);
    stand.bind(&solicit(1).na(1, &[]));
    let renew = to_server(MessageType::Renew, 1).na(1, &[ADDRESS]);
    stand.reconfigure(&CACHED.replace("3000", "2000"));
    let reply = stand.answer(&renew);
    assert_eq!(reply.associations(), ["IA_NA 1 1000/1600 2001:db8:1::10 2000/4000"]);
    assert_eq!(cltt(&stand), stand.now.wall_s);
    let named = CACHED.replace("3000", "2000").replace(
        "\"pools\"",
        "\"reservations\": [ { \"duid\": \"00030001020000000001\", \"hostname\": \"me\" } ], \"pools\"",
    );
    stand.reconfigure(&named);
    stand.answer(&renew);
    assert_eq!(cltt(&stand), stand.now.wall_s, "it has a name now");
}

#[test]
fn prefixes_are_short_lived_where_they_are_short() {
    let members = CACHED.replace(
        "\"preferred",
        "\"pd-allocator\": \"flq\", \"adaptive-lease-time-threshold\": 0.5, \
         \"min-valid-lifetime\": 200, \"min-preferred-lifetime\": 100, \"preferred",
    );
    let mut stand = Stand::new(&members);
    let first = stand.bind(&solicit(1).pd(1, &[])).associations();
    assert_eq!(first, ["IA_PD 1 1500/2400 2001:db8:f000::/56 3000/4000"]);
    let second = stand.bind(&solicit(2).pd(1, &[])).associations();
    assert_eq!(second, ["IA_PD 1 50/80 2001:db8:f000:100::/56 100/200"]);
    stand.pass(100);
    stand.bind(&solicit(3).pd(1, &[]));
    let renew = stand.answer(&to_server(MessageType::Renew, 1).pd(1, &[PREFIX])).associations();
    assert_eq!(renew, ["IA_PD 1 1448/2316 2001:db8:f000::/56 2895/3895"], "what is left of it");
    let address = stand.bind(&solicit(1).na(1, &[])).associations();
    assert_eq!(address, ["IA_NA 1 1500/2400 2001:db8:1::10 3000/4000"], "prefixes only");
}
