use std::net::Ipv4Addr;

use super::{
    BuildError, Builder, MalformedError, Message, MessageType, OptionError, OptionSink, SpanTable,
    View, Weight, code, reply_size_max,
};
use crate::definition::Definitions;
use crate::{HardwareAddress, OptionCodes, OptionFlags, OptionSet, OptionSetBuilder, Universe};

const MAC: HardwareAddress = HardwareAddress::ethernet([0, 0x0c, 1, 2, 3, 4]);

/// A DISCOVER followed by raw options and END.
fn packet(options: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 240];
    bytes[..4].copy_from_slice(&[1, 1, 6, 0]);
    bytes[4..8].copy_from_slice(&[0, 0, 0x1a, 0x2b]);
    bytes[28..34].copy_from_slice(MAC.bytes());
    bytes[236..].copy_from_slice(&super::MAGIC_COOKIE);
    bytes.extend([53, 1, 1]);
    bytes.extend_from_slice(options);
    bytes.push(255);
    bytes
}

fn parse_error(bytes: &[u8]) -> MalformedError {
    View::parse(bytes, &mut SpanTable::new()).unwrap_err()
}

#[test]
fn datagrams_that_are_no_dhcp_are_refused() {
    let good = packet(&[]);
    for len in 0..236 {
        assert_eq!(parse_error(&good[..len]), MalformedError::TooShort { found: len });
    }
    assert_eq!(parse_error(&good[..236]), MalformedError::Bootp);
    for len in 237..240 {
        assert_eq!(parse_error(&good[..len]), MalformedError::NoCookie);
    }
    assert_eq!(parse_error(&good[..240]), MalformedError::Bootp);
    assert_eq!(parse_error(&vec![0; 300]), MalformedError::NoCookie);
    let mut bad = good.clone();
    bad[0] = 3;
    assert_eq!(parse_error(&bad), MalformedError::BadOp { found: 3 });
    assert_eq!(parse_error(&bad).to_string(), "operation code is 3, expected 1 or 2");
    bad = good.clone();
    bad.resize(65536, 0);
    assert_eq!(parse_error(&bad), MalformedError::TooLong { found: 65536 });
    bad.pop();
    assert!(View::parse(&bad, &mut SpanTable::new()).is_ok());
}

#[test]
fn header_and_typed_options_are_read() {
    let mut bytes = packet(&[
        50, 4, 192, 0, 2, 9, 0, 0, 61, 7, 1, 0, 12, 1, 2, 3, 4, 55, 3, 1, 3, 6, 57, 2, 5, 220, 12,
        3, b'a', b'b', 0, 51, 4, 0, 0, 14, 16, 82, 8, 1, 0, 5, 4, 10, 0, 0, 1,
    ]);
    bytes[10] = 0x80;
    bytes[24..28].copy_from_slice(&[10, 9, 8, 7]);
    let mut spans = SpanTable::new();
    let view = View::parse(&bytes, &mut spans).unwrap();
    assert_eq!((view.op(), view.xid(), view.chaddr()), (1, 0x1a2b, MAC.bytes()));
    assert_eq!(view.hardware_address(), MAC);
    assert!(view.is_broadcast() && view.is_relayed() && !view.is_truncated());
    assert_eq!(view.giaddr(), Ipv4Addr::new(10, 9, 8, 7));
    assert_eq!(view.message_type(), Ok(Some(MessageType::Discover)));
    assert_eq!(view.requested_address(), Ok(Some(Ipv4Addr::new(192, 0, 2, 9))));
    assert_eq!(view.server_identifier(), Ok(None));
    assert_eq!(view.parameter_request_list(), [1, 3, 6]);
    assert_eq!(view.max_message_size(), Ok(Some(1500)));
    assert_eq!(view.host_name(), Ok(Some(&b"ab"[..])));
    assert_eq!(view.lease_time(), Ok(Some(3600)));
    assert_eq!(view.link_selection(), Ok(Some(Ipv4Addr::new(10, 0, 0, 1))));
    assert_eq!(
        view.label().to_string(),
        "[hwtype=1 00:0c:01:02:03:04], cid=[01:00:0c:01:02:03:04], tid=0x1a2b"
    );
}

#[test]
fn wrong_bodies_are_explained() {
    let bytes = packet(&[
        54, 3, 1, 2, 3, 61, 1, 9, 12, 2, 0, 0, 81, 2, 0, 0, 118, 0, 57, 1, 1, 82, 5, 5, 3, 1, 2, 3,
    ]);
    let mut spans = SpanTable::new();
    let view = View::parse(&bytes, &mut spans).unwrap();
    let wrong = |code, expected, found| OptionError::Length { code, expected, found };
    assert_eq!(view.server_identifier(), Err(wrong(54, "4", 3)));
    assert_eq!(view.client_identifier(), Err(wrong(61, "at least 2", 1)));
    assert_eq!(view.option(61), Some(&[9][..]));
    assert_eq!(view.host_name(), Err(wrong(12, "at least 1", 0)));
    assert_eq!(view.client_fqdn(), Err(wrong(81, "at least 3", 2)));
    assert_eq!(view.subnet_selection(), Err(wrong(118, "4", 0)));
    assert_eq!(view.max_message_size(), Err(wrong(57, "2", 1)));
    assert_eq!(
        view.link_selection().unwrap_err().to_string(),
        "sub-option 5 of option 82 has 3 bytes, expected 4"
    );
    let mut unknown = packet(&[]);
    unknown[242] = 19;
    let view = View::parse(&unknown, &mut spans).unwrap();
    assert_eq!(view.message_type(), Err(OptionError::UnknownMessageType { found: 19 }));
}

#[test]
fn hlen_is_never_trusted() {
    for (claimed, len) in [(0, 0), (6, 6), (16, 16), (17, 16), (255, 16)] {
        let mut bytes = packet(&[]);
        bytes[2] = claimed;
        let mut spans = SpanTable::new();
        let view = View::parse(&bytes, &mut spans).unwrap();
        assert_eq!((view.raw_hlen(), usize::from(view.hlen())), (claimed, len));
        assert_eq!((view.chaddr().len(), view.hardware_address().len()), (len, len));
    }
}

#[test]
fn what_precedes_a_cut_counts() {
    let whole = packet(&[12, 2, b'a', b'b', 60, 3, 1, 2, 3]);
    for (len, truncated_at) in [
        (253, None),
        (252, None),
        (251, Some(247)),
        (249, Some(247)),
        (248, Some(247)),
        (247, None),
    ] {
        let mut spans = SpanTable::new();
        let view = View::parse(&whole[..len], &mut spans).unwrap();
        assert_eq!(view.truncated_at(), truncated_at, "{len}");
        assert_eq!(view.option(12), Some(&b"ab"[..]));
        assert_eq!(view.has_option(60), len >= 252);
    }
}

#[test]
fn fragments_are_joined_over_overloaded_fields() {
    //= RFC 3396 section 5: options field, then file, then sname.
    let mut bytes = packet(&[60, 2, 1, 2, 52, 1, 3, 12, 1, b'x', 60, 1, 3]);
    bytes[108..113].copy_from_slice(&[60, 2, 4, 5, 255]);
    bytes[44..52].copy_from_slice(&[0, 60, 1, 6, 52, 1, 9, 255]);
    let mut spans = SpanTable::new();
    let view = View::parse(&bytes, &mut spans).unwrap();
    assert_eq!(view.option(60), Some(&[1, 2, 3, 4, 5, 6][..]));
    assert_eq!(view.first_fragment(60), Some(&[1, 2][..]));
    // Option 52 inside sname is only another fragment.
    assert_eq!(view.u8_option(52), Ok(Some(3)));
    assert!(view.sname().is_empty() && view.file().is_empty() && !view.is_truncated());
    assert_eq!(view.fragments().filter(|(code, _)| *code == 60).count(), 4);
    let codes: Vec<u8> = view.fragments().map(|(code, _)| code).collect();
    assert_eq!(codes, [53, 60, 52, 12, 60, 60, 60, 52]);
}

#[test]
fn overload_is_only_obeyed_when_valid() {
    for (overload, file, sname) in [
        (&[52, 1, 1][..], true, false),
        (&[52, 1, 2], false, true),
        (&[52, 1, 3], true, true),
        (&[52, 1, 0], false, false),
        (&[52, 1, 4], false, false),
        (&[52, 0], false, false),
        (&[52, 2, 1, 1], false, false),
    ] {
        let mut bytes = packet(overload);
        bytes[108..111].copy_from_slice(&[66, 1, 7]);
        bytes[44..47].copy_from_slice(&[67, 1, 8]);
        let mut spans = SpanTable::new();
        let view = View::parse(&bytes, &mut spans).unwrap();
        assert_eq!((view.has_option(66), view.has_option(67)), (file, sname), "{overload:?}");
        assert_eq!(view.file().is_empty(), file);
        // A field of options without END ends where the field ends.
        bytes[106..108].copy_from_slice(&[12, 200]);
        let view = View::parse(&bytes, &mut spans).unwrap();
        assert!(!view.has_option(12));
    }
}

#[test]
fn same_fixed_option_twice_is_understood() {
    let bytes =
        packet(&[53, 1, 1, 50, 2, 10, 0, 54, 4, 1, 1, 1, 1, 54, 4, 2, 2, 2, 2, 50, 2, 0, 9]);
    let mut spans = SpanTable::new();
    let view = View::parse(&bytes, &mut spans).unwrap();
    assert_eq!(view.message_type(), Ok(Some(MessageType::Discover)));
    assert_eq!(view.server_identifier(), Ok(Some(Ipv4Addr::new(1, 1, 1, 1))));
    assert_eq!(view.requested_address(), Ok(Some(Ipv4Addr::new(10, 0, 0, 9))));
}

#[test]
fn table_forgets_the_packet_before() {
    let mut spans = SpanTable::new();
    let first = packet(&[12, 1, b'a', 12, 1, b'b', 52, 1, 3, 60, 9]);
    assert!(View::parse(&first, &mut spans).unwrap().is_truncated());
    let second = packet(&[12, 1, b'c']);
    let view = View::parse(&second, &mut spans).unwrap();
    assert_eq!((view.option(12), view.option(52)), (Some(&b"c"[..]), None));
    assert!(!view.is_truncated() && !view.is_overloaded());
}

#[test]
fn repeated_options_are_bounded_on_both_sides() {
    let repeated = |len: usize| {
        let mut options = Vec::new();
        for chunk in vec![7; len].chunks(255) {
            options.extend([43, chunk.len() as u8]);
            options.extend_from_slice(chunk);
        }
        packet(&options)
    };
    let mut spans = SpanTable::new();
    let bytes = repeated(SpanTable::SCRATCH_LEN);
    let view = View::parse(&bytes, &mut spans).unwrap();
    assert_eq!(view.option(43).unwrap().len(), SpanTable::SCRATCH_LEN);
    let error = parse_error(&repeated(SpanTable::SCRATCH_LEN + 1));
    assert_eq!(error, MalformedError::RepeatedOptionsTooLong);
}

fn options(values: &[(u16, &[u8])]) -> OptionSet {
    let mut builder = OptionSetBuilder::new();
    for (code, body) in values {
        builder.add("dhcp4", *code, body.to_vec(), OptionFlags::default()).unwrap();
    }
    builder.build(&Definitions::new(Universe::V4)).unwrap()
}

#[test]
fn reply_is_sorted_with_agent_options_last() {
    let mut query = packet(&[82, 3, 1, 1, 9]);
    query[3] = 2;
    query[24..28].copy_from_slice(&[10, 0, 0, 1]);
    let set = options(&[(3, &[10, 0, 0, 1]), (125, &[0, 0, 0, 9]), (15, b"example")]);
    let mut spans = SpanTable::new();
    let view = View::parse(&query, &mut spans).unwrap();
    let mut sink = OptionSink::new();
    assert!(sink.add_u8(code::MESSAGE_TYPE, MessageType::Ack as u8));
    assert!(sink.add_addr(54, Ipv4Addr::new(10, 0, 0, 2)));
    assert!(sink.add_bytes(82, view.option(82).unwrap(), Weight::Essential));
    for wanted in [125, 15, 3, 6] {
        set.get(wanted).map(|option| sink.add_encoded(option));
    }
    assert!(!sink.add_u8(15, 1), "the first value of a code stays");
    let mut buffer = [0xee; 1500];
    let mut builder = Builder::reply(&mut buffer, &view).unwrap();
    builder.set_yiaddr(Ipv4Addr::new(10, 0, 0, 50));
    builder.write(&mut sink).unwrap();
    assert!(builder.dropped().is_empty() && builder.has(15));
    let len = builder.finish();
    let mut spans = SpanTable::new();
    let reply = View::parse(&buffer[..len], &mut spans).unwrap();
    let codes: Vec<u8> = reply.fragments().map(|(code, _)| code).collect();
    assert_eq!(codes, [3, 15, 53, 54, 125, 82]);
    assert_eq!((reply.op(), reply.hops(), reply.xid()), (2, 2, 0x1a2b));
    assert_eq!((reply.giaddr(), reply.chaddr()), (view.giaddr(), view.chaddr()));
    assert_eq!(reply.option(15), Some(&b"example"[..]));
    assert_eq!(reply.secs(), 0);
}

#[test]
fn long_options_are_split_and_joined_again() {
    for len in [0, 1, 254, 255, 256, 510, 511, 1000] {
        let body: Vec<u8> = (0..len).map(|index| index as u8).collect();
        let set = options(&[(43, &body)]);
        let mut direct = [0; 1500];
        let mut builder = Builder::request(&mut direct, MessageType::Discover, 1, MAC).unwrap();
        builder.option(43, &body).unwrap();
        let direct_len = builder.finish();
        let mut encoded = [0; 1500];
        let mut builder = Builder::request(&mut encoded, MessageType::Discover, 1, MAC).unwrap();
        builder.encoded(set.get(43).unwrap()).unwrap();
        let encoded_len = builder.finish();
        assert_eq!(direct[..direct_len], encoded[..encoded_len]);
        let mut spans = SpanTable::new();
        let view = View::parse(&direct[..direct_len], &mut spans).unwrap();
        assert_eq!(view.option(43), Some(&body[..]));
        assert_eq!(set.get(43).unwrap().body().collect::<Vec<_>>().concat(), body);
    }
}

#[test]
fn least_wanted_options_give_way_at_every_size() {
    let query = packet(&[]);
    let set = options(&[(3, &[1; 4]), (6, &[2; 8]), (15, &[3; 20]), (43, &[4; 300])]);
    let mut spans = SpanTable::new();
    let view = View::parse(&query, &mut spans).unwrap();
    for size in 0..640 {
        let mut sink = OptionSink::new();
        sink.add_u8(53, 2);
        for wanted in [43, 3, 6, 15] {
            sink.add_encoded(set.get(wanted).unwrap());
        }
        sink.add_u32(51, 3600);
        let mut buffer = vec![0; size];
        let Ok(mut builder) = Builder::reply(&mut buffer, &view) else {
            assert!(size < 241);
            continue;
        };
        let result = builder.write(&mut sink);
        let dropped = builder.dropped();
        assert_eq!(result.is_ok(), size >= 241 + 9, "{size}");
        if result.is_err() {
            continue;
        }
        let len = builder.finish();
        let mut spans = SpanTable::new();
        let reply = View::parse(&buffer[..len], &mut spans).unwrap();
        assert!(reply.has_option(51) && reply.has_option(53) && !reply.is_truncated());
        assert_eq!(reply.option_codes().union(dropped), OptionCodes::of(&[3, 6, 15, 43, 51, 53]));
        assert!(dropped.is_empty() || dropped.contains(15), "the last wanted goes first");
        assert_eq!(dropped.is_empty(), size >= 241 + 9 + 304 + 6 + 10 + 22);
    }
}

#[test]
fn full_sink_loses_options_but_says_so() {
    let body = [0; 1];
    let mut sink = OptionSink::new();
    for code in 1..=OptionSink::CAPACITY as u8 + 1 {
        assert!(sink.add_bytes(code, &body, Weight::Optional));
    }
    let query = packet(&[]);
    let mut spans = SpanTable::new();
    let view = View::parse(&query, &mut spans).unwrap();
    let mut buffer = [0; 1500];
    let mut builder = Builder::reply(&mut buffer, &view).unwrap();
    builder.write(&mut sink).unwrap();
    assert_eq!(builder.dropped(), OptionCodes::of(&[OptionSink::CAPACITY as u8 + 1]));
    sink.clear();
    assert!(sink.codes().is_empty() && sink.encoded_len() == 0);
}

#[test]
fn builder_refuses_what_it_can_not_write() {
    let mut small = [0; 240];
    let error = Builder::request(&mut small, MessageType::Discover, 1, MAC).unwrap_err();
    assert_eq!(error, BuildError::BufferTooSmall { found: 240 });
    let mut buffer = [0; 250];
    let mut builder = Builder::request(&mut buffer, MessageType::Discover, 1, MAC).unwrap();
    assert_eq!(builder.option(0, &[]), Err(BuildError::ReservedCode { code: 0 }));
    assert_eq!(builder.option(255, &[]), Err(BuildError::ReservedCode { code: 255 }));
    assert_eq!(builder.option(12, &[1; 5]), Err(BuildError::DoesNotFit { code: 12 }));
    assert_eq!(builder.option(12, &[1; 4]), Ok(()));
    assert_eq!((builder.dropped(), builder.remaining()), (OptionCodes::of(&[12]), 0));
    assert_eq!(builder.finish(), 250);
}

#[test]
fn size_of_replies_follows_option_57() {
    let sizes = [None, Some(0), Some(576), Some(1000), Some(1500), Some(65535)].map(reply_size_max);
    assert_eq!(sizes, [1472, 548, 548, 972, 1472, 1472]);
}

#[test]
fn message_is_edited_and_written() {
    let mut bytes = packet(&[60, 1, 1, 60, 1, 2, 52, 1, 1, 12, 1, b'a']);
    bytes[108..113].copy_from_slice(&[66, 2, 4, 5, 255]);
    let mut spans = SpanTable::new();
    let mut message = Message::from(&View::parse(&bytes, &mut spans).unwrap());
    let codes = |message: &Message| message.options().map(|(code, _)| code).collect::<Vec<_>>();
    assert_eq!(codes(&message), [53, 60, 12, 66]);
    assert_eq!(message.option(60), Some(&[1, 2][..]));
    message.add(12, b"second".to_vec());
    message.replace(12, b"name".to_vec());
    message.replace(43, vec![1; 600]);
    assert!(message.remove(60) && !message.remove(60));
    assert_eq!(codes(&message), [53, 12, 66, 43]);
    message.header.yiaddr = Ipv4Addr::new(1, 2, 3, 4);
    message.header.file = b"boot".to_vec();
    let written = message.to_bytes().unwrap();
    let view = View::parse(&written, &mut spans).unwrap();
    assert_eq!((view.file(), view.yiaddr()), (&b"boot"[..], Ipv4Addr::new(1, 2, 3, 4)));
    assert_eq!(Message::from(&view), message);
    message.add(255, vec![]);
    assert_eq!(message.to_bytes(), Err(BuildError::ReservedCode { code: 255 }));
}
