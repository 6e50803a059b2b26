//! Packets that no honest client sends: dropped or answered, counted, never more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use libdhcp::v6::{MessageType, code};
use libdhcpsrv::lease::LeaseState;
use libdhcpsrv::lease6::{LeaseStore6, V6};
use libdhcpsrv::session::{Question6, Store, Submitted};
use proptest::prelude::*;
use stats::Packet6;
use util::Now;

use crate::stand::{DUID, SMALL, Stand, ia_address, ia_prefix, option, query, solicit, to_server};

#[test]
fn short_and_cut_messages_are_counted() {
    let mut stand = Stand::new(SMALL);
    let way = solicit(1);
    for len in 0..4 {
        assert!(stand.ask_bytes(&vec![1; len], &way).answers.is_empty());
    }
    let relayed = solicit(1).na(1, &[]).relayed("2001:db8:1::1", &[]);
    let whole = relayed.payload();
    for len in 0..whole.len() {
        stand.ask_bytes(&whole[..len], &way);
    }
    assert!(stand.counted(Packet6::ParseFailed) > 30);
    assert_eq!(stand.answer(&relayed).given().len(), 1, "a good client is still served");
}

#[test]
fn lying_lengths_at_every_level_do_no_harm() {
    let mut stand = Stand::new(SMALL);
    let whole = solicit(1)
        .na_with(1, &ia_address("2001:db8:1::10", 1, 2))
        .pd_with(2, &ia_prefix("2001:db8:f000::/56", 1, 2))
        .relayed("2001:db8:1::1", &[(code::INTERFACE_ID, b"id")])
        .relayed("::", &[])
        .payload();
    let way = solicit(1);
    for at in 0..whole.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            for answer in stand.ask_bytes(&bytes, &way).answers {
                answer.associations();
            }
        }
    }
    assert!(stand.counted(Packet6::ProcessingFailed) == 0);
}

#[test]
fn broken_associations_drop_the_message() {
    let mut stand = Stand::new(SMALL);
    for body in [&[][..], &[0; 4], &[0; 11]] {
        let reason = stand.drop_reason(&solicit(1).option(code::IA_NA, body));
        assert_eq!(reason, "an identity association is malformed");
    }
}

#[test]
fn a_broken_association_undoes_nothing_because_nothing_is_done_before() {
    let mut stand = Stand::new(SMALL);
    let request = to_server(MessageType::Request, 1).na(1, &[]).option(code::IA_PD, &[0; 11]);
    assert_eq!(stand.drop_reason(&request), "an identity association is malformed");
    assert_eq!(stand.store.len(), 0);
    stand.bind(&solicit(1).na(1, &[]));
    for kind in [MessageType::Release, MessageType::Decline] {
        let ask = to_server(kind, 1).na(1, &["2001:db8:1::10"]).option(code::IA_NA, &[0; 11]);
        assert_eq!(stand.drop_reason(&ask), "an identity association is malformed");
    }
    let lease = stand.store.lease("2001:db8:1::10".parse().unwrap()).unwrap();
    assert_eq!(lease.state, LeaseState::Default);
}

#[test]
fn options_in_the_wrong_container_and_impossible_ones_are_passed_over() {
    let mut stand = Stand::new(SMALL);
    let prefix_in_na = solicit(1).na_with(1, &ia_prefix("2001:db8:f000::/56", 0, 0));
    assert_eq!(stand.answer(&prefix_in_na).given(), ["2001:db8:1::10"]);
    let address_in_pd = solicit(1).pd_with(1, &ia_address("2001:db8:1::12", 0, 0));
    assert_eq!(stand.answer(&address_in_pd).given(), ["2001:db8:f000::/56"]);
    let mut too_long = ia_prefix("2001:db8:f000::/56", 0, 0);
    too_long[12] = 129;
    assert_eq!(stand.answer(&solicit(2).pd_with(1, &too_long)).given().len(), 1);
    for hint in ["::/0", "::/128", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"] {
        let message = solicit(3).pd_with(1, &ia_prefix(hint, 0, 0));
        assert_eq!(stand.answer(&message).given().len(), 1, "{hint}");
    }
    let cut = option(code::IAADDR, &[0; 23]);
    assert_eq!(stand.answer(&solicit(4).na_with(1, &cut)).given().len(), 1);
    let release = to_server(MessageType::Release, 4).na_with(1, &cut);
    assert_eq!(stand.answer(&release).associations(), ["IA_NA 1 0/0 status 3"]);
}

#[test]
fn strange_lifetimes_are_no_harm() {
    let mut stand = Stand::new(SMALL);
    for (preferred, valid) in [(u32::MAX, 1), (1, 0), (0, u32::MAX), (u32::MAX, u32::MAX)] {
        let message = solicit(1).na_with(1, &ia_address("2001:db8:1::10", preferred, valid));
        assert_eq!(
            stand.answer(&message).associations(),
            ["IA_NA 1 1000/2000 2001:db8:1::10 3000/4000"]
        );
    }
}

#[test]
fn more_associations_than_counted_are_not_answered() {
    let mut stand =
        Stand::new(&SMALL.replace("2001:db8:1::10 - 2001:db8:1::12", "2001:db8:1::/64"));
    let mut message = solicit(1);
    for iaid in 0..200 {
        message = message.na(iaid, &[]);
    }
    assert_eq!(stand.answer(&message).given().len(), 64);
}

#[test]
fn link_layer_option_of_any_length_is_no_harm() {
    for len in [0, 1, 2, 3, 8, 22, 23, 300] {
        let mut stand = Stand::new(SMALL);
        let body = vec![0; len];
        let query =
            solicit(1).na(1, &[]).relayed("2001:db8:1::1", &[(code::CLIENT_LINKLAYER_ADDR, &body)]);
        assert_eq!(stand.bind(&query).given().len(), 1, "{len}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400), kind in 1_u8..13) {
        let mut stand = Stand::new(SMALL);
        let mut payload = solicit(1).raw_kind(kind).payload();
        payload.extend_from_slice(&bytes);
        let way = solicit(1);
        for answer in stand.ask_bytes(&payload, &way).answers {
            answer.associations();
        }
        stand.ask_bytes(&bytes, &way);
        prop_assert_eq!(stand.counted(Packet6::ProcessingFailed), 0);
        prop_assert_eq!(stand.shared.gate.in_progress(), 0);
    }
}

/// A store that counts what it is asked.
struct Counted {
    inner: Arc<LeaseStore6>,
    asked: Arc<AtomicUsize>,
}

impl Store<V6> for Counted {
    fn submit(&self, question: &Question6<'_>, now: Now) -> Submitted<V6> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.submit(question, now)
    }
}

#[test]
fn one_message_costs_a_limited_number_of_looks_at_leases() {
    let subnets = (0..1000).map(|number| {
        format!(
            r#"{{ "id": {}, "subnet": "2001:db8:{number:x}::/64",
                "pools": [ {{ "pool": "2001:db8:{number:x}::10 - 2001:db8:{number:x}::1f" }} ] }}"#,
            number + 1
        )
    });
    let members = format!(
        r#""shared-networks": [ {{ "name": "floor", "interface": "lan", "subnet6": [ {} ] }} ]"#,
        subnets.collect::<Vec<_>>().join(", ")
    );
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let mut stand =
        Stand::with_store(&members, |inner| Arc::new(Counted { inner, asked: counter }));
    for kind in [MessageType::Solicit, MessageType::Request, MessageType::Rebind] {
        let way = match kind {
            MessageType::Request => to_server(kind, 1),
            _ => query(kind, 1),
        };
        let many = (1..=64).fold(way, |query, iaid| query.na(iaid, &[]));
        asked.store(0, Ordering::Relaxed);
        let answer = stand.answer(&many);
        let (asked, associations) = (asked.load(Ordering::Relaxed), answer.associations());
        assert!(asked < 40_000, "{kind:?} asks {asked} times");
        assert!(answer.given().len() >= 8, "a household's worth is given");
        assert_eq!(associations.len(), 64);
        assert_eq!(associations[63], "IA_NA 64 0/0 status 1", "{kind:?}");
    }
    let few = (1..=8).fold(solicit(2), |query, iaid| query.na(iaid, &[]));
    assert_eq!(stand.bind(&few).given().len(), 8);
}

#[test]
fn an_association_that_is_repeated_is_answered_once() {
    let mut stand = Stand::new(SMALL);
    let query = solicit(1).na(1, &[]).pd(1, &[]).na(1, &["2001:db8:1::12"]).na(2, &[]);
    let numbers = ["IA_NA 1", "IA_PD 1", "IA_NA 2"];
    for kind in [MessageType::Solicit, MessageType::Request, MessageType::Renew] {
        let query = query.clone().kind(kind);
        let query = if kind == MessageType::Solicit { query } else { query.server(DUID) };
        let lines = stand.answer(&query).associations();
        let found: Vec<_> = lines.iter().map(|line| &line[..7]).collect();
        assert_eq!(found, numbers, "{kind:?}");
    }
    assert_eq!(stand.store.len(), 3);
}
