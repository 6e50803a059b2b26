//! RELEASE and DECLINE: leases end, addresses are quarantined, and the figures follow.

use libdhcp::v6::MessageType;
use libdhcpsrv::lease::{LeaseState, ReclaimLimits};
use stats::{Lease6, Place};

use crate::stand::{SMALL, Stand, duid, solicit, to_server};

const ADDRESS: &str = "2001:db8:1::10";
const PREFIX: &str = "2001:db8:f000::/56";

fn figures(stand: &Stand) -> [i64; 3] {
    [Lease6::AssignedNas, Lease6::AssignedPds, Lease6::DeclinedAddresses]
        .map(|figure| stand.counters.value(Place::subnet(0), figure))
}

#[test]
fn released_leases_are_gone_at_once() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&solicit(1).na(1, &[]).pd(2, &[]));
    assert_eq!(figures(&stand), [1, 1, 0]);
    let release = to_server(MessageType::Release, 1).na(1, &[ADDRESS]).pd(2, &[PREFIX]);
    let reaction = stand.ask(&release);
    let reply = &reaction.answers[0];
    assert_eq!(reply.associations(), ["IA_NA 1 0/0 status 0", "IA_PD 2 0/0 status 0"]);
    assert_eq!((reply.status(), stand.store.len(), figures(&stand)), (Some(0), 0, [0, 0, 0]));
    assert!(reply.entry.hold > 0, "the deletion is stored first");
    for id in ["DHCP6_RELEASE_NA", "DHCP6_RELEASE_PD"] {
        assert!(reaction.log.iter().any(|line| line.id == id), "{id}");
    }
    assert_eq!(stand.answer(&release).status(), Some(3), "nothing is left");
}

#[test]
fn strangers_release_nothing() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&solicit(1).na(1, &[]).pd(2, &[]));
    let other_client = to_server(MessageType::Release, 2).na(1, &[ADDRESS]).pd(2, &[PREFIX]);
    let reply = stand.answer(&other_client);
    assert_eq!(reply.associations(), ["IA_NA 1 0/0 status 3", "IA_PD 2 0/0 status 3"]);
    assert_eq!(reply.status(), Some(3));
    let other_association = to_server(MessageType::Release, 1).na(9, &[ADDRESS]);
    assert_eq!(stand.answer(&other_association).associations(), ["IA_NA 9 0/0 status 3"]);
    let wrong_kind = to_server(MessageType::Release, 1).pd(1, &["2001:db8:1::10/128"]);
    assert_eq!(stand.answer(&wrong_kind).associations(), ["IA_PD 1 0/0 status 3"]);
    let nothing = to_server(MessageType::Release, 1).na(1, &[]);
    assert_eq!(stand.answer(&nothing).associations(), ["IA_NA 1 0/0 status 3"]);
    assert_eq!(stand.store.len(), 2);
}

#[test]
fn one_bad_association_colours_the_status_of_the_message() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&solicit(1).na(1, &[]));
    let release = to_server(MessageType::Release, 1).na(1, &[ADDRESS]).na(2, &["2001:db8:1::11"]);
    let reply = stand.answer(&release);
    assert_eq!(reply.associations(), ["IA_NA 1 0/0 status 0", "IA_NA 2 0/0 status 3"]);
    assert_eq!(reply.status(), Some(3));
}

#[test]
fn declined_address_is_quarantined_and_comes_back() {
    let mut stand = Stand::new(&format!("\"decline-probation-period\": 100, {SMALL}"));
    stand.bind(&solicit(1).na(1, &[]).na(2, &[]));
    let decline = to_server(MessageType::Decline, 1).na(1, &[ADDRESS]);
    let reply = stand.answer(&decline);
    assert_eq!((reply.associations(), reply.status()), (vec!["IA_NA 1 0/0 status 0".into()], None));
    let lease = stand.store.lease(ADDRESS.parse().unwrap()).unwrap();
    assert_eq!((lease.state, lease.valid_lifetime), (LeaseState::Declined, 100));
    assert_eq!((lease.duid, lease.iaid), (vec![0], 1), "it belongs to nobody");
    assert_eq!(figures(&stand), [2, 0, 1], "a declined address counts as assigned");
    let wish = solicit(2).na(1, &[ADDRESS]);
    assert_eq!(stand.answer(&wish).given(), ["2001:db8:1::12"]);
    assert_eq!(stand.answer(&decline).associations(), ["IA_NA 1 0/0 status 3"]);
    stand.pass(101);
    let limits = ReclaimLimits { leases_max: 0, remove: false };
    let mut each = |_: libdhcpsrv::lease::Reclaimed<'_, libdhcpsrv::lease6::V6>| {};
    stand.store.reclaim(stand.now, limits, &mut || false, &mut each).unwrap();
    assert_eq!(stand.bind(&wish).given(), [ADDRESS]);
}

#[test]
fn a_declined_address_stays_in_its_pool_where_subnets_overlap() {
    let subnet = |id: u8, prefix: &str, pool: &str, interface: &str| {
        format!(
            r#"{{ "id": {id}, "subnet": "{prefix}", {interface}
                "pools": [ {{ "pool": "{pool}", "pool-id": {id} }} ] }}"#
        )
    };
    let members = format!(
        r#""subnet6": [ {}, {} ]"#,
        subnet(3, "2001:db8::/32", "2001:db8:3::10/128", ""),
        subnet(7, "2001:db8:1::/64", "2001:db8:1::10/128", r#""interface": "lan","#),
    );
    let mut stand = Stand::new(&members);
    stand.bind(&solicit(1).na(1, &[]));
    stand.answer(&to_server(MessageType::Decline, 1).na(1, &[ADDRESS]));
    let lease = stand.store.lease(ADDRESS.parse().unwrap()).unwrap();
    assert_eq!((lease.state, lease.subnet_id.0, lease.pool_id), (LeaseState::Declined, 7, 7));
}

#[test]
fn strangers_decline_nothing() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&solicit(1).na(1, &[]).pd(1, &[]));
    let decline = |client, iaid| to_server(MessageType::Decline, client).na(iaid, &[ADDRESS]);
    assert_eq!(stand.answer(&decline(2, 1)).associations(), ["IA_NA 1 0/0 status 3"]);
    assert_eq!(stand.answer(&decline(1, 2)).associations(), ["IA_NA 2 0/0 status 3"]);
    let prefix = to_server(MessageType::Decline, 1).pd(1, &[PREFIX]);
    assert!(stand.answer(&prefix).associations().is_empty(), "prefixes cannot be declined");
    let lease = stand.store.lease(ADDRESS.parse().unwrap()).unwrap();
    assert_eq!((lease.state, lease.duid), (LeaseState::Default, duid(1)));
}
