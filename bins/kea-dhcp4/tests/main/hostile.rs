//! Hostile packets: whatever comes, the server neither panics nor changes a lease without a valid reason.

use proptest::prelude::*;

use libdhcp::v4::{MessageType, SpanTable, View, code};
use libdhcpsrv::server::DhcpServer;

use crate::stand::{Query, SERVER, SMALL, Stand, discover, query, renewing, selecting};

/// A server with two leases, so that there is something to damage.
fn stand() -> Stand {
    let mut stand = Stand::new(SMALL);
    stand.bind(&discover(1));
    stand.bind(&discover(2).client_id(b"two"));
    stand
}

/// All leases as rows.
fn rows(stand: &Stand) -> Vec<u8> {
    let mut rows = Vec::new();
    let written = stand.store.export(|piece| {
        rows.extend_from_slice(piece);
        Ok::<(), std::convert::Infallible>(())
    });
    written.unwrap_or_else(|never| match never {});
    rows
}

/// Feeds bytes; the leases may change only if they are a message that may change leases.
fn feed(payload: &[u8], way: &Query) {
    let mut stand = stand();
    let before = rows(&stand);
    let mut spans = SpanTable::new();
    let kind =
        View::parse(payload, &mut spans).ok().and_then(|view| view.message_type().ok()).flatten();
    let reaction = stand.ask_bytes(payload, way);
    let may_change =
        matches!(kind, Some(MessageType::Request | MessageType::Release | MessageType::Decline));
    assert!(may_change || rows(&stand) == before, "{kind:?} has changed leases");
    assert!(reaction.answers.len() <= 1);
    assert_eq!((stand.server.parked_len(), stand.shared.gate.in_progress()), (0, 0));
    // It still serves.
    assert_eq!(stand.answer(&renewing(1, [192, 0, 2, 10])).kind(), MessageType::Ack);
}

fn valid() -> impl Strategy<Value = Query> {
    let address = [192, 0, 2, 10];
    prop::sample::select(vec![
        discover(1).client_id(b"x").wants(&[1, 3, 6, 15, 12]),
        selecting(2, address).option(code::HOST_NAME, b"host"),
        renewing(2, address).client_id(b"two"),
        query(MessageType::Inform, 3).ciaddr(address).unicast(address),
        query(MessageType::Decline, 2).requested([192, 0, 2, 11].into()).server(SERVER),
        discover(4)
            .relayed([192, 0, 2, 3])
            .option(code::RELAY_AGENT_INFORMATION, &[1, 2, 3, 4, 5, 4, 192, 0, 2, 0]),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_do_no_harm(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        relayed in any::<bool>(),
    ) {
        let way = if relayed { discover(9).relayed([192, 0, 2, 3]) } else { discover(9) };
        feed(&bytes, &way);
    }

    #[test]
    fn arbitrary_options_do_no_harm(
        kind in 0u8..20,
        hlen in prop::sample::select(vec![0u8, 1, 6, 15, 16, 17, 255]),
        options in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)), 0..12),
        cut in 0usize..40,
    ) {
        let way = discover(9);
        let mut payload = way.message.to_bytes().unwrap();
        payload[2] = hlen;
        payload.truncate(libdhcp::v4::OPTIONS_OFFSET);
        payload.extend_from_slice(&[code::MESSAGE_TYPE, 1, kind]);
        for (code, body) in options {
            payload.extend_from_slice(&[code, body.len() as u8]);
            payload.extend_from_slice(&body);
        }
        payload.truncate(payload.len().saturating_sub(cut));
        feed(&payload, &way);
    }

    #[test]
    fn mutations_of_valid_packets_do_no_harm(
        query in valid(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut payload = query.message.to_bytes().unwrap();
        for (at, byte) in changes {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        if let Some(cut) = cut {
            payload.truncate(cut.index(payload.len() + 1));
        }
        feed(&payload, &query);
    }
}

#[test]
fn headers_that_are_no_dhcp_are_counted_and_explained() {
    use stats::Packet4;
    let good = discover(1).message.to_bytes().unwrap();
    let mut no_cookie = good.clone();
    no_cookie[236] = 0;
    let mut bad_op = good.clone();
    bad_op[0] = 3;
    let cases: [(&[u8], &str); 5] = [
        (&[], "packet has 0 bytes, the header alone has 236"),
        (&good[..235], "packet has 235 bytes, the header alone has 236"),
        (&good[..236], "BOOTP packet without DHCP options"),
        (&no_cookie, "magic cookie 63:82:53:63 is missing after the header"),
        (&bad_op, "operation code is 3, expected 1 or 2"),
    ];
    let mut stand = Stand::new(SMALL);
    for (nth, (payload, reason)) in cases.into_iter().enumerate() {
        let reaction = stand.ask_bytes(payload, &discover(1));
        assert!(reaction.answers.is_empty());
        assert_eq!(reaction.reason("DHCP4_PACKET_DROP_0001"), reason);
        assert_eq!(stand.counted(Packet4::ParseFailed), nth as u64 + 1);
        assert_eq!(stand.counted(Packet4::ReceiveDrop), nth as u64 + 1);
    }
}

#[test]
fn a_storm_of_replies_that_cannot_be_built_does_not_flood_the_log() {
    let mut stand = Stand::new(SMALL);
    // It is all returned, but the client takes 576 bytes only.
    let relay: Vec<u8> = [[1, 253].as_slice(), &[7; 253]].concat();
    let storm = discover(1)
        .option(code::RELAY_AGENT_INFORMATION, &relay)
        .client_id(&[5; 254])
        .option(code::MAX_MESSAGE_SIZE, &[2, 64]);
    let mut count = 0;
    for _ in 0..40 {
        let payload = storm.message.to_bytes().expect("no option is a filler");
        let ((), log) = kea_log::capture(|| {
            stand.server.receive(storm.inbound(&payload), stand.now, &mut stand.replies);
        });
        count += log.iter().filter(|line| line.id == "DHCP4_PACKET_PACK_FAIL").count();
    }
    assert_eq!(count, 20, "a burst");
}
