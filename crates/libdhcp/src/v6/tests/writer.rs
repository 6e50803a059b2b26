use std::net::Ipv6Addr;

use super::{TRANSACTION, deep, message, option, relayed, with_view};
use crate::definition::Definitions;
use crate::v6::{
    IaKind, IaTimes, Lifetimes, MessageType, SpanTable, StatusCode, View, WriteError, Writer, code,
};
use crate::{OptionFlags, OptionSet6, OptionSetBuilder, Universe};

const LIFETIMES: Lifetimes = Lifetimes { preferred: 100, valid: 200 };
const TIMES: IaTimes = IaTimes { t1: 10, t2: 20 };

fn address(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn writer(out: &mut Vec<u8>, len_max: usize) -> Writer<'_> {
    Writer::message(out, MessageType::Reply, TRANSACTION, len_max).unwrap()
}

#[test]
fn nested_options_get_their_lengths() {
    let mut out = vec![9, 9];
    let mut writer = writer(&mut out, 1500);
    writer.begin_ia(IaKind::Na, 7, IaTimes::default()).unwrap();
    writer.put_ia_address(address("2001:db8::1"), LIFETIMES).unwrap();
    writer.put_status(StatusCode::Success, "ok").unwrap();
    writer.set_ia_times(TIMES).unwrap();
    writer.end_option();
    writer.begin_ia(IaKind::Pd, 8, TIMES).unwrap();
    writer.begin_ia_prefix(address("2001:db8:8::"), 48, LIFETIMES).unwrap();
    writer.put_excluded_prefix(48, address("2001:db8:8:100::"), 56).unwrap();
    writer.end_option();
    writer.end_option();
    writer.begin_ia(IaKind::Ta, 9, TIMES).unwrap();
    writer.end_option();
    assert!(writer.contains(3) && writer.contains(25) && !writer.contains(5));
    let len = writer.len();
    let range = writer.finish();
    assert_eq!((range.clone(), &out[..2]), (2..2 + len, &[9, 9][..]));
    with_view(&out[range], |view| {
        assert_eq!(view.message_type(), Some(MessageType::Reply));
        let ias: Vec<_> = view.ias().map(Result::unwrap).collect();
        assert_eq!((ias[0].iaid, ias[0].t1, ias[0].t2), (7, 10, 20));
        let first = ias[0].addresses().next().unwrap().unwrap();
        assert_eq!((first.address, first.valid), (address("2001:db8::1"), 200));
        assert_eq!(ias[0].status(), Some((0, &b"ok"[..])));
        let prefix = ias[1].prefixes().next().unwrap().unwrap();
        assert_eq!(prefix.excluded_prefix(), Some((address("2001:db8:8:100::"), 56)));
        assert_eq!((ias[2].kind, ias[2].iaid, ias.len()), (IaKind::Ta, 9, 3));
        assert!(!view.is_truncated());
    });
}

#[test]
fn answer_lies_in_the_relay_messages_of_the_query() {
    let query = message(MessageType::Solicit, &option(1, &[0, 3, 9]));
    let near = [option(18, b"eth1"), option(37, &[0; 5]), option(135, &[4, 0])].concat();
    let query = relayed(1, &option(99, b"x"), &relayed(0, &near, &query));
    let mut out = Vec::new();
    with_view(&query, |view| {
        let mut writer = Writer::reply(&mut out, view, MessageType::Advertise, 1500).unwrap();
        writer.put_u8(code::PREFERENCE, 255).unwrap();
        assert!(!writer.contains(18) && writer.contains(code::PREFERENCE));
        assert_eq!(writer.finish(), 0..out.len());
    });
    let inner = [&[2][..], &TRANSACTION, &option(7, &[255])].concat();
    let mut expected =
        relayed(1, &[], &relayed(0, &[option(18, b"eth1"), option(135, &[4, 0])].concat(), &inner));
    expected[0] = 13;
    expected[34 + 4] = 13;
    assert_eq!(out, expected);
}

#[test]
fn answer_passes_as_many_relays_as_the_query() {
    let query = deep(32, &message(MessageType::Solicit, &[]));
    let mut out = Vec::new();
    with_view(&query, |view| {
        let writer = Writer::reply(&mut out, view, MessageType::Advertise, 1500);
        writer.unwrap().finish();
    });
    let mut spans = SpanTable::new();
    let reply = View::parse_reply(&out, &mut spans).unwrap();
    assert_eq!((reply.relay_count(), out.len()), (32, query.len()));
    assert_eq!(reply.message_type(), Some(MessageType::Advertise));
}

#[test]
fn what_does_not_fit_is_left_out_whole() {
    let mut out = vec![7];
    let mut writer = writer(&mut out, 20);
    let too_long = |needed| Err(WriteError::DoesNotFit { needed, len_max: 20 });
    assert_eq!(writer.put_option(1, &[0; 13]), too_long(21));
    assert_eq!(writer.begin_ia(IaKind::Na, 1, TIMES).map(|()| writer.remaining()), Ok(0));
    assert_eq!(writer.put_option(5, &[]), too_long(24));
    assert_eq!(writer.append(&[1]), too_long(21));
    writer.cancel_option();
    assert!(!writer.contains(code::IA_NA));
    assert_eq!(writer.begin_option(17), Ok(()));
    assert_eq!(writer.append(&[1; 8]), Ok(()));
    assert_eq!(writer.begin_vendor_options(1), too_long(24));
    writer.cancel_option();
    writer.put_option(1, &[0; 12]).unwrap();
    assert_eq!((writer.remaining(), writer.finish()), (0, 1..21));
    for len_max in 0..4 {
        let error = Writer::message(&mut out, MessageType::Reply, TRANSACTION, len_max);
        let needed = 4;
        assert_eq!(error.map(|_| ()), Err(WriteError::DoesNotFit { needed, len_max }));
        assert_eq!(out.len(), 21, "nothing is left behind");
    }
}

#[test]
fn no_datagram_is_longer_than_udp_carries() {
    let mut out = Vec::new();
    let mut writer = writer(&mut out, usize::MAX);
    let found = 65536;
    let too_long = WriteError::BodyTooLong { code: 1, found };
    assert_eq!(writer.put_option(1, &vec![0; found]), Err(too_long));
    assert!(writer.put_option(1, &vec![0; Writer::LEN_MAX - 7]).is_err());
    assert!(writer.put_option(1, &vec![0; Writer::LEN_MAX - 8]).is_ok());
    assert_eq!(writer.finish(), 0..Writer::LEN_MAX);
}

#[test]
fn reply_that_can_not_hold_its_relays_leaves_nothing() {
    let query = deep(3, &message(MessageType::Solicit, &[]));
    let mut out = vec![5];
    with_view(&query, |view| {
        for len_max in 0..query.len() {
            assert!(Writer::reply(&mut out, view, MessageType::Reply, len_max).is_err());
            assert_eq!(out, [5]);
        }
        assert!(Writer::reply(&mut out, view, MessageType::Reply, query.len()).is_ok());
    });
    assert_eq!(out, [5], "a writer that did not finish takes its bytes back");
}

#[test]
fn depth_of_options_has_a_limit() {
    let mut out = Vec::new();
    let mut writer = writer(&mut out, 1500);
    for _ in 0..Writer::OPEN_MAX {
        writer.begin_option(17).unwrap();
    }
    assert_eq!(writer.begin_option(17), Err(WriteError::TooDeep));
    assert_eq!(writer.put_ia_address(address("::"), LIFETIMES), Err(WriteError::TooDeep));
    let len = writer.len();
    assert_eq!(len, 4 + 4 * Writer::OPEN_MAX);
    writer.finish();
    assert_eq!(out[6..8], [0, 28]);
}

#[test]
fn calls_without_an_open_option_are_refused() {
    let mut out = Vec::new();
    let mut writer = writer(&mut out, 1500);
    assert_eq!(writer.append(&[1]), Err(WriteError::NotOpen));
    assert_eq!(writer.set_ia_times(TIMES), Err(WriteError::NotOpen));
    writer.end_option();
    writer.cancel_option();
    writer.begin_ia(IaKind::Ta, 1, TIMES).unwrap();
    assert_eq!(writer.set_ia_times(TIMES), Err(WriteError::NotOpen));
    writer.end_option();
    assert_eq!((writer.is_empty(), writer.finish()), (false, 0..12));
}

#[test]
fn presence_follows_what_is_in_the_message() {
    let mut out = Vec::new();
    let mut writer = writer(&mut out, 1500);
    writer.put_option(3, &[]).unwrap();
    for code in [3, 4, 300] {
        writer.begin_option(code).unwrap();
        writer.put_option(5, &[]).unwrap();
        assert!(writer.contains(code) && !writer.contains(5));
        writer.cancel_option();
    }
    assert!(writer.contains(3) && !writer.contains(4) && !writer.contains(300));
    writer.put_option(300, &[1]).unwrap();
    assert!(writer.contains(300) && !writer.contains(301));
}

#[test]
fn configured_options_are_copied() {
    let mut builder = OptionSetBuilder::new();
    let flags = OptionFlags::default();
    builder.add("dhcp6", 23, vec![1; 16], flags).unwrap();
    let set: OptionSet6 = builder.build(&Definitions::new(Universe::V6)).unwrap();
    let mut out = Vec::new();
    let mut writer = writer(&mut out, 1500);
    writer.put_encoded(set.get(23).unwrap()).unwrap();
    writer.put_u16(8, 1).unwrap();
    writer.put_u32(32, 2).unwrap();
    writer.put_address(12, address("::3")).unwrap();
    assert!([8, 12, 23, 32].iter().all(|code| writer.contains(*code)));
    let range = writer.finish();
    with_view(&out[range], |view| {
        assert_eq!((view.option(23), view.option(8)), (Some(&[1; 16][..]), Some(&[0, 1][..])));
        assert_eq!(view.option(32), Some(&[0, 0, 0, 2][..]));
        assert_eq!(view.option(12).map(<[u8]>::len), Some(16));
    });
}

#[test]
fn errors_are_explained() {
    let errors = [
        WriteError::BodyTooLong { code: 9, found: 70000 },
        WriteError::DoesNotFit { needed: 21, len_max: 20 },
        WriteError::NotOpen,
        WriteError::TooDeep,
    ];
    assert_eq!(
        errors.map(|error| error.to_string()),
        [
            "option 9 has 70000 bytes, expected at most 65535",
            "message would have 21 bytes, expected at most 20",
            "no option is open that this belongs to",
            "options lie in each other more than 8 deep",
        ]
    );
}
