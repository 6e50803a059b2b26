//! RELEASE and DECLINE: who may give what up, and what happens to the address.

use std::net::Ipv4Addr;

use libdhcp::v4::MessageType;
use libdhcpsrv::lease4::LeaseState;
use stats::{Lease4, Packet4, Place};

use crate::stand::{Query, SERVER, SMALL, Stand, discover, query, selecting};

const A: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);
const STRANGER: &str = "the address is leased to another client";

pub(crate) fn release(client: u8) -> Query {
    let release = query(MessageType::Release, client).server(SERVER);
    release.ciaddr(A.octets()).unicast(A.octets())
}

fn decline(client: u8) -> Query {
    query(MessageType::Decline, client).server(SERVER).requested(A)
}

/// Sends what must be carried out in silence.
fn carry_out(stand: &mut Stand, query: &Query, id: &str) {
    let reaction = stand.ask(query);
    assert!(reaction.answers.is_empty());
    assert!(reaction.log.iter().any(|line| line.id == id), "{:?}", reaction.log);
}

#[test]
fn released_lease_is_gone_at_once() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&discover(1));
    carry_out(&mut stand, &release(1), "DHCP4_RELEASE");
    assert!(stand.store.is_empty());
    assert_eq!(stand.answer(&selecting(2, A.octets())).kind(), MessageType::Ack);
}

#[test]
fn strangers_release_nothing() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&discover(1).client_id(b"owner"));
    assert_eq!(stand.drop_reason(&release(2)), STRANGER);
    assert_eq!(stand.drop_reason(&release(1).client_id(b"other")), STRANGER);
    assert_eq!(stand.store.len(), 1);
    carry_out(&mut stand, &release(1), "DHCP4_RELEASE");
    assert_eq!(stand.drop_reason(&release(1)), "the address is not leased");
}

#[test]
fn declined_address_is_nobodys_until_probation_ends() {
    let mut stand = Stand::new(&format!("\"decline-probation-period\": 600, {SMALL}"));
    stand.bind(&discover(1));
    carry_out(&mut stand, &decline(1), "DHCP4_DECLINE_LEASE");
    let lease = stand.store.lease(A).unwrap();
    assert_eq!((lease.state, lease.valid_lifetime), (LeaseState::Declined, 600));
    assert!(lease.hw.is_empty() && lease.client_id.is_empty() && lease.hostname.is_empty());
    for client in [1, 2] {
        assert_eq!(stand.answer(&selecting(client, A.octets())).kind(), MessageType::Nak);
        assert_ne!(stand.answer(&discover(client).requested(A)).address(), A);
    }
    stand.pass(600);
    assert_eq!(stand.answer(&selecting(2, A.octets())).kind(), MessageType::Ack);
}

#[test]
fn strangers_decline_nothing() {
    let mut stand = Stand::new(SMALL);
    assert_eq!(stand.drop_reason(&decline(1)), "the address is not leased");
    stand.bind(&discover(1));
    let reaction = stand.ask(&decline(2));
    assert_eq!(reaction.reason("DHCP4_QUERY_DROPPED"), STRANGER);
    assert!(reaction.log.iter().any(|line| line.id == "DHCP4_DECLINE_LEASE_MISMATCH"));
    let nameless = query(MessageType::Decline, 1).server(SERVER);
    let reason = "the message names no declined address (option 50)";
    assert_eq!(stand.drop_reason(&nameless), reason);
    assert_eq!(stand.store.lease(A).unwrap().state, LeaseState::Default);
    carry_out(&mut stand, &decline(1), "DHCP4_DECLINE_LEASE");
    assert_eq!(stand.drop_reason(&decline(1)), STRANGER);
}

#[test]
fn figures_follow_the_leases() {
    let mut stand = Stand::new(SMALL);
    let figures = |stand: &Stand| {
        [Lease4::AssignedAddresses, Lease4::DeclinedAddresses, Lease4::CumulativeAssignedAddresses]
            .map(|figure| stand.counters.value(Place::subnet(0), figure))
    };
    stand.bind(&discover(1));
    stand.bind(&discover(2));
    assert_eq!(figures(&stand), [2, 0, 2]);
    stand.bind(&discover(1));
    assert_eq!(figures(&stand), [2, 0, 2], "a renewal changes nothing");
    stand.ask(&decline(1));
    assert_eq!(figures(&stand), [2, 1, 2]);
    let second = Ipv4Addr::new(192, 0, 2, 11);
    stand.ask(&query(MessageType::Release, 2).server(SERVER).ciaddr(second.octets()));
    assert_eq!(figures(&stand), [1, 1, 2]);
    let total = stand.counters.value(Place::subnet(0), Lease4::TotalAddresses);
    assert_eq!(total, 3);
    assert_eq!(
        (stand.counted(Packet4::ReleaseReceived), stand.counted(Packet4::DeclineReceived)),
        (1, 1)
    );
}

/// Of overlapping subnets, the first one of the file would be found by the address.
#[test]
fn a_declined_address_stays_in_its_pool() {
    let mut stand = Stand::new(
        r#""subnet4": [ { "id": 1, "subnet": "192.0.0.0/16", "relay": { "ip-addresses": [ "10.0.0.1" ] } },
            { "id": 2, "subnet": "192.0.2.0/24", "interface": "lan",
              "pools": [ { "pool": "192.0.2.10/32", "pool-id": 5 } ] } ]"#,
    );
    assert_eq!(stand.bind(&discover(1)), A);
    assert_eq!(stand.store.lease(A).map(|lease| lease.pool_id), Some(5));
    carry_out(&mut stand, &decline(1), "DHCP4_DECLINE_LEASE");
    let lease = stand.store.lease(A).map(|lease| (lease.subnet_id.0, lease.pool_id));
    assert_eq!(lease, Some((2, 5)));
}
