use super::*;
use crate::template::Offsets;
use proptest::prelude::*;

const SERVER: [u8; 8] = [0, 3, 0, 1, 9, 9, 9, 9];

fn settings(lease_type: LeaseType) -> Settings6 {
    let duid = vec![0, 1, 0, 1, 0x32, 0x99, 0, 0, 0, 12, 1, 2, 3, 4];
    Settings6 {
        identities: Identities { mac: [0; 6], duid, list: Vec::new() },
        lease_type,
        rapid_commit: false,
        relays: vec!["2001:db8::1".parse().unwrap()],
        levels: 0,
        relay_options: Vec::new(),
        options: vec![(60_000, vec![1, 2])],
        templates: Vec::new(),
        clients: 300,
    }
}

fn lease(dhcp6: &mut Dhcp6) -> Lease6 {
    Lease6 {
        address: "2001:db8::7".parse().unwrap(),
        prefix: "2001:db8:1::".parse().unwrap(),
        prefix_len: 56,
        server: Dhcp6::server_number(&mut dhcp6.servers, &SERVER),
    }
}

fn written(dhcp6: &mut Dhcp6, exchange: Exchange) -> Vec<u8> {
    let lease = lease(dhcp6);
    let query = Query {
        exchange,
        xid: 0x1122_3344,
        client: 1,
        relay: 5,
        elapsed_cs: 70_000,
        lease: &lease,
    };
    let mut out = [0xee; 1452];
    let len = dhcp6.write(&query, &mut out).unwrap();
    out[..len].to_vec()
}

#[test]
fn messages_have_what_their_type_asks_for() {
    let mut dhcp6 = Dhcp6::new(settings(LeaseType::AddressAndPrefix)).unwrap();
    let mut spans = SpanTable::new();
    for (exchange, kind, codes) in [
        (Exchange::First, MessageType::Solicit, &[1, 3, 6, 8, 25, 60_000][..]),
        (Exchange::Second, MessageType::Request, &[1, 2, 3, 8, 25, 60_000]),
        (Exchange::Renewal, MessageType::Renew, &[1, 2, 3, 25, 60_000]),
        (Exchange::Release, MessageType::Release, &[1, 2, 3, 25, 60_000]),
    ] {
        let bytes = written(&mut dhcp6, exchange);
        let view = View::parse(&bytes, &mut spans).unwrap();
        assert_eq!(view.message_type(), Some(kind));
        assert_eq!(view.transaction_id(), [0x22, 0x33, 0x44]);
        let found: Vec<u16> = view.all_options().map(|(code, _)| code).collect();
        assert_eq!(found, codes, "{kind:?}");
        let leases: usize = view
            .ias()
            .flatten()
            .map(|ia| ia.addresses().flatten().count() + ia.prefixes().flatten().count())
            .sum();
        assert_eq!(leases, if exchange == Exchange::First { 0 } else { 2 }, "{kind:?}");
    }
}

#[test]
fn relays_lie_around_the_message_with_their_options() {
    let relay_options = vec![
        RelayOption { level: 1, code: 18, body: b"outer".to_vec() },
        RelayOption { level: 2, code: 18, body: b"inner".to_vec() },
    ];
    let settings = Settings6 { levels: 2, relay_options, ..settings(LeaseType::Address) };
    let mut dhcp6 = Dhcp6::new(settings).unwrap();
    let bytes = written(&mut dhcp6, Exchange::First);
    let mut spans = SpanTable::new();
    let view = View::parse(&bytes, &mut spans).unwrap();
    assert_eq!((view.relay_count(), view.message_type()), (2, Some(MessageType::Solicit)));
    let near = view.nearest_client_relay().unwrap();
    assert_eq!(near.link_address(), "2001:db8::1".parse::<Ipv6Addr>().unwrap());
    assert_eq!((near.interface_id(), near.hop_count()), (Some(&b"inner"[..]), 0));
    assert_eq!(view.relays().next().unwrap().interface_id(), Some(&b"outer"[..]));
}

/// An ADVERTISE or REPLY; `edit` may add to it.
fn answer(kind: MessageType, duid: &[u8], edit: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::message(&mut out, kind, [1, 2, 3], 1000).unwrap();
    writer.put_option(code::CLIENTID, duid).unwrap();
    writer.put_option(code::SERVERID, &SERVER).unwrap();
    edit(&mut writer);
    writer.finish();
    out
}

fn put_lease(writer: &mut Writer<'_>, valid: u32) {
    let lifetimes = Lifetimes { preferred: valid, valid };
    writer.begin_ia(IaKind::Na, 1, IaTimes::default()).unwrap();
    writer.put_ia_address("2001:db8::7".parse().unwrap(), lifetimes).unwrap();
    writer.end_option();
}

#[test]
fn answers_are_judged_by_what_was_asked_for() {
    let mut dhcp6 = Dhcp6::new(settings(LeaseType::Address)).unwrap();
    let duid = dhcp6.settings.identities.duid(3).bytes().to_vec();
    let good = answer(MessageType::Advertise, &duid, |writer| put_lease(writer, 100));
    let reply = dhcp6.read(&good).unwrap();
    assert_eq!((reply.xid, reply.kind, reply.is_complete), (0x01_0203, ReplyKind::Offer, true));
    assert_eq!(Some(reply.client_key), dhcp6.client_key(3));
    assert_eq!(dhcp6.server_id(&reply.lease), SERVER);
    assert_eq!(Dhcp6::resources(&reply.lease)[0], Some("2001:db8::7".parse().unwrap()));
    let dead = answer(MessageType::Reply, &duid, |writer| put_lease(writer, 0));
    let empty = answer(MessageType::Reply, &duid, |_| {});
    let status = answer(MessageType::Reply, &duid, |writer| {
        put_lease(writer, 100);
        writer.put_status(libdhcp::v6::StatusCode::UnspecFail, "").unwrap();
    });
    for bytes in [dead, empty, status] {
        assert!(!dhcp6.read(&bytes).unwrap().is_complete);
    }
    let query = answer(MessageType::Solicit, &duid, |_| {});
    assert_eq!(dhcp6.read(&query).err(), Some(Unreadable::NotFromServer));
    assert_eq!(dhcp6.read(&good[..3]).err(), Some(Unreadable::TooShort));
    assert_eq!(dhcp6.read(&good[..good.len() - 1]).err(), Some(Unreadable::Garbage));
    assert_eq!(dhcp6.read(&[200; 40]).err(), Some(Unreadable::Garbage));
}

#[test]
fn servers_beyond_the_limit_are_not_told_apart() {
    let mut servers = Vec::new();
    for n in 0..SERVERS_MAX as u8 {
        assert_eq!(Dhcp6::server_number(&mut servers, &[0, n]), u16::from(n));
    }
    assert_eq!(Dhcp6::server_number(&mut servers, &[1, 0]), NO_SERVER);
    assert_eq!(Dhcp6::server_number(&mut servers, &[0, 5]), 5);
    assert_eq!(Dhcp6::server_number(&mut Vec::new(), &[0; SERVER_ID_LEN_MAX + 1]), NO_SERVER);
}

#[test]
fn templates_are_filled_in_at_their_offsets() {
    let offsets = Offsets { xid: 1, random: 21, elapsed: Some(84), server_id: 22, address: 40 };
    let template = Template { bytes: vec![0xaa; 100], offsets };
    let templates = vec![template.clone(), template];
    let mut dhcp6 = Dhcp6::new(Settings6 { templates, ..settings(LeaseType::Address) }).unwrap();
    let first = written(&mut dhcp6, Exchange::First);
    assert_eq!(first[..4], [0xaa, 0x22, 0x33, 0x44]);
    // 300 clients differ in two bytes.
    assert_eq!((first[19], &first[20..22], first[22]), (0xaa, &[3, 5][..], 0xaa));
    let second = written(&mut dhcp6, Exchange::Second);
    assert_eq!(second[22..34], [&[0, 2, 0, 8][..], &SERVER].concat());
    assert_eq!(second[40..48], [0, 3, 0, 40, 0, 0, 0, 1]);
    assert_eq!(second[84..90], [0, 8, 0, 2, 0xff, 0xff]);
    assert_eq!((second.len(), dhcp6.client_key(0)), (100, None));
    let short = Template { bytes: vec![0; 20], offsets };
    let templates = vec![short];
    assert!(Dhcp6::new(Settings6 { templates, ..settings(LeaseType::Address) }).is_err());
}

proptest! {
    #[test]
    fn any_datagram_is_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut dhcp6 = Dhcp6::new(settings(LeaseType::AddressAndPrefix)).unwrap();
        let _ = dhcp6.read(&bytes);
        let mut message = answer(MessageType::Reply, &[1; 14], |writer| put_lease(writer, 100));
        for (at, byte) in bytes.iter().enumerate() {
            let at = (at * 7) % message.len();
            message[at] ^= byte & 3;
        }
        let _ = dhcp6.read(&message);
    }
}
