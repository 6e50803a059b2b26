use std::net::Ipv6Addr;

use super::{TRANSACTION, deep, message, option, relay_header, relayed, with_view};
use crate::v6::{MalformedError, MessageType, OptionError, RELAYS_MAX, SpanTable, View, code};
use crate::{DuidError, HardwareAddress};

fn parse_error(bytes: &[u8]) -> MalformedError {
    View::parse(bytes, &mut SpanTable::new()).unwrap_err()
}

#[test]
fn header_and_typed_options_are_read() {
    let options = [
        option(1, &[0, 3, 0, 1, 2, 0, 0, 1, 2, 3]),
        option(2, &[0, 2, 0, 0, 9, 191, 1]),
        option(6, &[0, 23, 0, 24, 1, 4, 9]),
        option(8, &[1, 0]),
        option(14, &[]),
        option(39, &[1, 4, b'h', b'o', b's', b't']),
        option(300, &[7]),
        option(300, &[8, 9]),
    ];
    with_view(&message(MessageType::Request, &options.concat()), |view| {
        assert_eq!((view.raw_message_type(), view.transaction_id()), (3, TRANSACTION));
        assert_eq!(view.message_type(), Some(MessageType::Request));
        assert!(!view.is_relayed() && view.nearest_client_relay().is_none());
        let client_id = view.client_id().unwrap().unwrap();
        let mac = HardwareAddress::ethernet([2, 0, 0, 1, 2, 3]);
        assert_eq!(client_id.hardware_address(), Some(mac));
        assert_eq!(view.server_id().unwrap().unwrap().enterprise(), Some(2495));
        assert_eq!(view.requested_options().collect::<Vec<_>>(), [23, 24, 260]);
        assert_eq!(view.elapsed_time(), Ok(Some(256)));
        assert!(view.rapid_commit() && !view.has_option(13) && !view.is_truncated());
        assert_eq!(view.client_fqdn(), Ok(Some((1, &b"\x04host"[..]))));
        assert_eq!((view.option(300), view.count(300)), (Some(&[7][..]), 2));
        assert_eq!(view.options(300).collect::<Vec<_>>(), [&[7][..], &[8, 9]]);
        assert_eq!((view.count(301), view.count(1), view.count(13)), (0, 1, 0));
        let codes = view.all_options().map(|(code, _)| code);
        assert_eq!(codes.collect::<Vec<_>>(), [1, 2, 6, 8, 14, 39, 300, 300]);
        assert_eq!(
            view.label(None).to_string(),
            "duid=[00:03:00:01:02:00:00:01:02:03], [no hwaddr info], tid=0x1a2b3c"
        );
    });
}

#[test]
fn absent_options_are_not_there() {
    with_view(&message(MessageType::Solicit, &[]), |view| {
        assert_eq!((view.client_id(), view.server_id()), (Ok(None), Ok(None)));
        assert_eq!((view.elapsed_time(), view.client_fqdn()), (Ok(None), Ok(None)));
        assert_eq!((view.status(), view.rapid_commit()), (Ok(None), false));
        assert_eq!(view.requested_options().len() + view.ias().count(), 0);
        assert_eq!(view.vendor_options().count() + view.vendor_classes().count(), 0);
    });
}

#[test]
fn bodies_of_wrong_length_are_explained() {
    let options = [option(1, &[0, 1]), option(2, &[0; 131]), option(8, &[1]), option(13, &[0])];
    let more = [option(39, &[]), option(6, &[1])];
    with_view(&message(MessageType::Renew, &[options.concat(), more.concat()].concat()), |view| {
        assert_eq!(view.client_id(), Err(DuidError::TooShort { found: 2 }));
        assert_eq!(view.server_id(), Err(DuidError::TooLong { found: 131 }));
        let error = |code, expected, found| OptionError::Length { code, expected, found };
        assert_eq!(view.elapsed_time(), Err(error(8, "2", 1)));
        assert_eq!(view.status(), Err(error(13, "at least 2", 1)));
        let fqdn = view.client_fqdn().unwrap_err();
        assert_eq!(fqdn.to_string(), "option 39 has 0 bytes, expected at least 1");
        assert_eq!(view.requested_options().count(), 0);
    });
}

#[test]
fn unknown_message_types_are_left_to_the_server() {
    for (number, known) in [(0, false), (13, true), (18, false), (37, true), (255, false)] {
        with_view(&[number, 0, 0, 1], |view| {
            assert_eq!((view.raw_message_type(), view.message_type().is_some()), (number, known));
            assert!(!view.is_relayed());
        });
    }
}

#[test]
fn clients_list_that_is_cut_off_counts_up_to_the_cut() {
    let whole = message(MessageType::Solicit, &option(1, &[1, 2, 3]));
    for (tail, is_cut) in [(&[][..], false), (&[0], true), (&[0, 8, 0, 2, 1], true)] {
        let bytes = [&whole, tail].concat();
        let cut_at = is_cut.then_some(whole.len());
        with_view(&bytes, |view| {
            assert_eq!((view.truncated_at(), view.is_truncated()), (cut_at, is_cut));
            assert_eq!((view.all_options().count(), view.count(8)), (1, 0));
        });
        with_view(&relayed(0, &[], &bytes), |view| {
            assert_eq!(view.truncated_at(), cut_at.map(|at| at + 34 + 4));
            assert_eq!(view.option(1), Some(&[1, 2, 3][..]));
        });
    }
}

#[test]
fn two_relays_are_told_apart() {
    let client = message(MessageType::Solicit, &option(1, &[0, 3, 9]));
    let near_options = [
        option(18, b"eth1"),
        option(37, &[0, 0, 0x11, 0x8b, 7]),
        option(38, b"subscriber"),
        option(79, &[0, 1, 2, 0, 0, 1, 2, 3]),
        option(66, &[option(65, b"\x01a\x00"), option(99, &[])].concat()),
        option(17, &[&[0, 0, 0x11, 0x8b][..], &option(1026, &[2, 0, 0, 1, 2, 3])].concat()),
        option(135, &[4, 0]),
    ];
    let near = relayed(0, &near_options.concat(), &client);
    with_view(&relayed(1, &option(18, b"uplink"), &near), |view| {
        assert!(view.is_relayed() && view.relay_count() == 2 && view.relay(2).is_none());
        let far = view.relay(0).unwrap();
        let header = relay_header(1);
        assert_eq!(far.hop_count(), 1);
        assert_eq!(far.link_address(), header.link_address);
        assert_eq!(far.peer_address(), header.peer_address);
        assert_eq!(far.interface_id(), Some(&b"uplink"[..]));
        assert!(far.remote_id().is_none() && far.client_link_layer_address().is_none());
        assert_eq!((far.supplied_options().count(), far.source_port()), (0, None));
        let near = view.nearest_client_relay().unwrap();
        assert_eq!((near.hop_count(), near.interface_id()), (0, Some(&b"eth1"[..])));
        assert_eq!(near.remote_id(), Some((4491, &[7][..])));
        assert_eq!(near.subscriber_id(), Some(&b"subscriber"[..]));
        let mac = HardwareAddress::ethernet([2, 0, 0, 1, 2, 3]);
        assert_eq!(near.client_link_layer_address(), Some(mac));
        let supplied = near.supplied_options().map(|(code, _)| code);
        assert_eq!(supplied.collect::<Vec<_>>(), [65, 99]);
        assert_eq!(near.source_port(), Some(1024));
        let vendor = near.vendor_options().next().unwrap();
        assert_eq!((vendor.enterprise, vendor.options.option(1026)), (4491, Some(mac.bytes())));
        assert_eq!(near.all_options().count(), 8);
        let hops = view.relays().rev().map(|relay| relay.hop_count());
        assert_eq!((hops.collect::<Vec<_>>(), view.relays().len()), (vec![0, 1], 2));
        assert_eq!((view.message_type(), view.count(18)), (Some(MessageType::Solicit), 0));
        assert_eq!(view.client_id().unwrap().unwrap().bytes(), [0, 3, 9]);
    });
}

#[test]
fn relay_options_of_odd_length_are_none() {
    for len in 0..30 {
        let options = [option(79, &vec![1; len]), option(37, &vec![1; len])].concat();
        let odd = relayed(0, &[options, option(135, &vec![1; len])].concat(), &[1, 0, 0, 0]);
        with_view(&odd, |view| {
            let relay = view.nearest_client_relay().unwrap();
            assert_eq!(relay.client_link_layer_address().is_some(), (3..=22).contains(&len));
            assert_eq!(relay.remote_id().is_some(), len >= 4);
            assert_eq!(relay.source_port().is_some(), len == 2);
        });
    }
}

#[test]
fn relays_are_followed_to_the_limit_and_no_further() {
    let client = message(MessageType::Solicit, &option(1, &[0, 3, 9]));
    with_view(&deep(RELAYS_MAX, &client), |view| {
        assert_eq!((view.relay_count(), view.relay(0).unwrap().hop_count()), (32, 31));
        assert_eq!(view.nearest_client_relay().unwrap().hop_count(), 0);
        assert!(view.relays().map(|relay| relay.hop_count()).eq((0..32).rev()));
        assert_eq!(view.option(1), Some(&[0, 3, 9][..]));
    });
    let error = parse_error(&deep(RELAYS_MAX + 1, &client));
    assert_eq!(error, MalformedError::TooManyRelays);
    assert_eq!(error.to_string(), "too many relays, expected at most 32");
}

#[test]
fn datagrams_that_are_no_dhcp_are_refused() {
    for found in 0..4 {
        assert_eq!(parse_error(&[1, 0, 0][..found]), MalformedError::TooShort { found });
        let inner = &[1, 0, 0][..found];
        assert_eq!(parse_error(&relayed(0, &[], inner)), MalformedError::TooShort { found });
    }
    let mut long = message(MessageType::Solicit, &[]);
    long.resize(65536, 0);
    assert_eq!(parse_error(&long), MalformedError::TooLong { found: 65536 });
}

#[test]
fn every_cut_of_a_relay_message_is_refused() {
    let client = message(MessageType::Solicit, &[]);
    let inner = relayed(0, &option(18, b"eth1"), &client);
    for level in [0, 1] {
        let wrap = |bytes: &[u8]| if level == 0 { bytes.to_vec() } else { relayed(1, &[], bytes) };
        let error = |cut: usize| parse_error(&wrap(&inner[..cut]));
        for found in 1..34 {
            assert_eq!(error(found), MalformedError::RelayTooShort { level, found });
        }
        assert_eq!(error(34), MalformedError::NoRelayMessage { level });
        assert_eq!(error(34 + 8), MalformedError::NoRelayMessage { level });
        for cut in (35..34 + 8).chain(34 + 9..inner.len()) {
            assert_eq!(error(cut), MalformedError::RelayCutOff { level }, "{cut}");
        }
        // A lie behind the message inside is one as well.
        let lying = [&inner[..], &[0, 18, 0, 9]].concat();
        assert_eq!(parse_error(&wrap(&lying)), MalformedError::RelayCutOff { level });
    }
}

#[test]
fn options_are_counted_over_all_messages() {
    let options = |count| option(300, &[]).repeat(count);
    let datagram = |outside, inside| {
        relayed(0, &options(outside), &message(MessageType::Solicit, &options(inside)))
    };
    // The message inside is an option, too.
    let fits = datagram(100, SpanTable::OPTIONS_MAX - 101);
    with_view(&fits, |view| assert_eq!(view.count(300), SpanTable::OPTIONS_MAX - 101));
    let error = parse_error(&datagram(100, SpanTable::OPTIONS_MAX - 100));
    assert_eq!(error, MalformedError::TooManyOptions);
    assert_eq!(parse_error(&datagram(600, 0)), MalformedError::TooManyOptions);
}

#[test]
fn table_forgets_the_packet_before() {
    let mut spans = SpanTable::new();
    let first = deep(3, &message(MessageType::Solicit, &[option(1, &[0, 3, 9]), vec![1]].concat()));
    assert!(View::parse(&first, &mut spans).unwrap().is_truncated());
    assert!(View::parse(&[12], &mut spans).is_err());
    let second = message(MessageType::Renew, &option(2, &[]));
    let view = View::parse(&second, &mut spans).unwrap();
    assert!(!view.is_relayed() && !view.is_truncated() && view.option(1).is_none());
    assert_eq!(view.all_options().count(), 1);
}

#[test]
fn all_vendor_instances_are_read_and_short_ones_passed_over() {
    let options = [
        option(17, &[&[0, 0, 0, 9][..], &option(1, &[0, 32]), &option(36, b"id")].concat()),
        option(17, &[0, 0]),
        option(17, &[0, 0, 0, 8]),
        option(16, &[0, 0, 0, 9, 0, 2, b'a', b'b', 0, 0, 0, 5, b'c']),
        option(16, &[]),
    ];
    with_view(&message(MessageType::Solicit, &options.concat()), |view| {
        let vendors: Vec<_> = view.vendor_options().collect();
        assert_eq!(vendors.iter().map(|one| one.enterprise).collect::<Vec<_>>(), [9, 8]);
        assert_eq!(vendors[0].options.option(36), Some(&b"id"[..]));
        let classes: Vec<_> = view.vendor_classes().collect();
        assert_eq!((classes.len(), classes[0].enterprise), (1, 9));
        // The last tuple claims more than there is.
        assert_eq!(classes[0].tuples().collect::<Vec<_>>(), [&b"ab"[..], b""]);
    });
}

#[test]
fn replies_are_read_from_their_relay_messages() {
    let reply = message(MessageType::Reply, &option(code::STATUS_CODE, &[0, 2, b'n', b'o']));
    let mut datagram = relayed(0, &option(18, b"eth1"), &reply);
    datagram[0] = MessageType::RelayRepl as u8;
    let mut spans = SpanTable::new();
    let view = View::parse_reply(&datagram, &mut spans).unwrap();
    assert_eq!((view.relay_count(), view.message_type()), (1, Some(MessageType::Reply)));
    assert_eq!(view.status(), Ok(Some((2, &b"no"[..]))));
    // A server takes none of it off.
    with_view(&datagram, |view| {
        assert_eq!((view.relay_count(), view.raw_message_type()), (0, 13));
    });
    assert_eq!(relay_header(7).peer_address, "fe80::7".parse::<Ipv6Addr>().unwrap());
}
