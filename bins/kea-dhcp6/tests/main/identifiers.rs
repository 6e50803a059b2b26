//! The rules about identifiers and destinations (RFC 8415 section 16): what breaks them is dropped and counted.

use libdhcp::v6::{MessageType, code};
use libdhcpsrv::server::DhcpServer;
use stats::Packet6;

use crate::stand::{DUID, SMALL, Stand, query, solicit, to_server};

const ALL: [MessageType; 8] = [
    MessageType::Solicit,
    MessageType::Request,
    MessageType::Confirm,
    MessageType::Renew,
    MessageType::Rebind,
    MessageType::Release,
    MessageType::Decline,
    MessageType::InformationRequest,
];

#[test]
fn client_identifier_occurs_once() {
    let mut stand = Stand::new(SMALL);
    for kind in ALL {
        let needs_server =
            [MessageType::Request, MessageType::Renew, MessageType::Release, MessageType::Decline]
                .contains(&kind);
        let mut message = query(kind, 1).na(1, &["2001:db8:1::10"]);
        if needs_server {
            message = message.server(DUID);
        }
        let twice = message.clone().option(code::CLIENTID, &[0, 3, 0, 1, 9]);
        assert!(stand.drop_reason(&twice).contains("more than one client identifier"), "{kind}");
        if kind != MessageType::InformationRequest {
            let none = message.clone().client(None);
            assert!(stand.drop_reason(&none).contains("no client identifier"), "{kind}");
        }
    }
}

#[test]
fn server_identifier_is_there_where_it_must_be_and_only_there() {
    let mut stand = Stand::new(SMALL);
    for kind in ALL {
        let message = query(kind, 1).na(1, &["2001:db8:1::10"]);
        let foreign = message.clone().server(&[0, 3, 0, 1, 9, 9]);
        assert!(stand.drop_reason(&foreign).contains("names another server"), "{kind}");
        let ours = message.clone().server(DUID);
        match kind {
            MessageType::Solicit | MessageType::Confirm | MessageType::Rebind => {
                assert!(stand.drop_reason(&ours).contains("must not have a server"), "{kind}");
            }
            MessageType::InformationRequest => {
                assert_eq!(stand.answer(&ours).kind(), MessageType::Reply);
            }
            _ => {
                assert!(stand.drop_reason(&message).contains("no server identifier"), "{kind}");
                let twice = ours.option(code::SERVERID, DUID);
                assert!(stand.drop_reason(&twice).contains("more than one server"), "{kind}");
            }
        }
    }
}

#[test]
fn duids_of_every_length_are_judged() {
    let mut stand = Stand::new(SMALL);
    for (len, is_valid) in
        [(0, false), (1, false), (2, false), (3, true), (128, true), (130, true), (131, false)]
    {
        let duid = vec![7; len];
        let message = solicit(1).client(Some(&duid)).na(1, &[]);
        match is_valid {
            true => assert_eq!(stand.answer(&message).option(code::CLIENTID), Some(duid)),
            false => assert!(stand.drop_reason(&message).contains("3 to 130 bytes"), "{len}"),
        }
    }
    let huge = vec![7; 65000];
    assert!(stand.drop_reason(&solicit(1).client(Some(&huge))).contains("3 to 130 bytes"));
}

#[test]
fn what_is_for_all_servers_is_not_taken_by_unicast() {
    let mut stand = Stand::new(SMALL);
    for kind in ALL {
        let message = query(kind, 1).na(1, &["2001:db8:1::10"]).unicast();
        match kind {
            MessageType::Request
            | MessageType::Renew
            | MessageType::Release
            | MessageType::Decline => {
                let answer = stand.answer(&message.server(DUID));
                assert_eq!(answer.entry.source, std::net::IpAddr::V6(crate::stand::GLOBAL));
            }
            _ => assert!(stand.drop_reason(&message).contains("multicast"), "{kind}"),
        }
    }
    let relayed = solicit(1).na(1, &[]).unicast().relayed("2001:db8:1::1", &[]);
    assert_eq!(stand.answer(&relayed).kind(), MessageType::Advertise, "relays send by unicast");
}

#[test]
fn types_that_are_none_of_ours_are_counted_and_dropped() {
    let mut stand = Stand::new(SMALL);
    for kind in [0, 38, 200, 255] {
        assert_eq!(stand.drop_reason(&solicit(1).raw_kind(kind)), "the message type is not known");
    }
    for kind in [MessageType::Advertise, MessageType::Reply, MessageType::Reconfigure] {
        let reason = stand.drop_reason(&query(kind, 1));
        assert_eq!(reason, "the message type is not for servers");
    }
    assert_eq!(stand.counted(Packet6::UnknownReceived), 4);
    assert_eq!(stand.counted(Packet6::ReceiveDrop), 7);
    assert_eq!(stand.counted(Packet6::AdvertiseReceived), 1);
}

#[test]
fn packets_are_counted_by_kind_and_fate() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&solicit(1).na(1, &[]));
    stand.drop_reason(&to_server(MessageType::Solicit, 1));
    for (packet, count) in [
        (Packet6::Received, 3),
        (Packet6::SolicitReceived, 2),
        (Packet6::RequestReceived, 1),
        (Packet6::ReceiveDrop, 1),
        (Packet6::RfcViolation, 1),
    ] {
        assert_eq!(stand.counted(packet), count, "{packet:?}");
    }
    stand.server.sent(MessageType::Reply as u32);
    stand.server.sent(MessageType::Advertise as u32);
    assert_eq!(stand.counted(Packet6::Sent), 2);
    assert_eq!((stand.counted(Packet6::ReplySent), stand.counted(Packet6::AdvertiseSent)), (1, 1));
}
