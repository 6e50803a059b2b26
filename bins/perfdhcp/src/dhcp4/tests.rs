use super::*;
use crate::template::Offsets;
use proptest::prelude::*;

fn dhcp4(templates: Vec<Template>, options: Vec<(u8, Vec<u8>)>) -> Dhcp4 {
    let mac = [0, 12, 1, 2, 3, 4];
    let identities = Identities { mac, duid: Vec::new(), list: Vec::new() };
    let relays = vec![Ipv4Addr::new(192, 0, 2, 1)];
    Dhcp4::new(Settings4 { identities, relays, options, templates }).unwrap()
}

fn written(dhcp4: &mut Dhcp4, exchange: Exchange) -> Vec<u8> {
    let lease = Lease4 { address: 0x0a00_0007, server: 0x0a00_0001 };
    let query =
        Query { exchange, xid: 0x1122_3344, client: 1, relay: 5, elapsed_cs: 299, lease: &lease };
    let mut out = [0xee; 1452];
    let len = dhcp4.write(&query, &mut out).unwrap();
    out[..len].to_vec()
}

#[test]
fn messages_are_those_of_a_relayed_client() {
    let mut dhcp4 = dhcp4(Vec::new(), vec![(60, b"docsis".to_vec()), (77, vec![1])]);
    let discover = written(&mut dhcp4, Exchange::First);
    let mut spans = SpanTable::new();
    let view = View::parse(&discover, &mut spans).unwrap();
    assert_eq!(view.message_type(), Ok(Some(MessageType::Discover)));
    assert_eq!((view.xid(), view.secs(), view.hops()), (0x1122_3344, 2, 1));
    assert_eq!(
        (view.giaddr(), view.chaddr()),
        (Ipv4Addr::new(192, 0, 2, 1), &[0, 12, 1, 2, 3, 5][..])
    );
    let codes: Vec<u8> = view.fragments().map(|(code, _)| code).collect();
    assert_eq!(codes, [53, 55, 60, 61, 77]);
    let request = written(&mut dhcp4, Exchange::Second);
    let view = View::parse(&request, &mut spans).unwrap();
    assert_eq!(view.requested_address(), Ok(Some(Ipv4Addr::new(10, 0, 0, 7))));
    assert_eq!(view.server_identifier(), Ok(Some(Ipv4Addr::new(10, 0, 0, 1))));
    assert!(view.ciaddr().is_unspecified());
}

#[test]
fn renewals_and_releases_carry_the_address_in_the_header() {
    let mut dhcp4 = dhcp4(Vec::new(), Vec::new());
    let mut spans = SpanTable::new();
    for (exchange, has_server) in [(Exchange::Renewal, false), (Exchange::Release, true)] {
        let message = written(&mut dhcp4, exchange);
        let view = View::parse(&message, &mut spans).unwrap();
        assert_eq!(view.ciaddr(), Ipv4Addr::new(10, 0, 0, 7));
        // RFC 2131 4.3.2: no requested address and no server identifier when renewing.
        assert!(!view.has_option(code::REQUESTED_ADDRESS));
        assert_eq!(view.has_option(code::SERVER_IDENTIFIER), has_server);
    }
}

fn offsets() -> Offsets {
    Offsets { xid: 4, random: 33, elapsed: Some(8), server_id: 249, address: 243 }
}

#[test]
fn templates_are_filled_in_at_their_offsets() {
    let template = Template { bytes: vec![0xaa; 260], offsets: offsets() };
    let mut dhcp4 = dhcp4(vec![template.clone(), template], Vec::new());
    let first = written(&mut dhcp4, Exchange::First);
    assert_eq!(
        (&first[4..8], &first[28..34]),
        (&[0x11, 0x22, 0x33, 0x44][..], &[0, 12, 1, 2, 3, 5][..])
    );
    assert_eq!((first.len(), first[8], first[243]), (260, 0xaa, 0xaa));
    let second = written(&mut dhcp4, Exchange::Second);
    assert_eq!(second[8..10], [0, 2]);
    assert_eq!(second[243..249], [50, 4, 10, 0, 0, 7]);
    assert_eq!(second[249..255], [54, 4, 10, 0, 0, 1]);
}

#[test]
fn templates_that_are_too_short_are_refused() {
    let identities = Identities { mac: [0; 6], duid: Vec::new(), list: Vec::new() };
    let new = |len| {
        let template = Template { bytes: vec![0; len], offsets: offsets() };
        let templates = vec![template.clone(), template];
        let identities = identities.clone();
        Dhcp4::new(Settings4 { identities, relays: Vec::new(), options: Vec::new(), templates })
    };
    assert!(new(255).is_ok());
    assert!(matches!(new(254), Err(TemplateError::Outside { what: "the server identifier", .. })));
}

#[test]
fn options_beyond_the_longest_message_make_it_fail() {
    let mut dhcp4 = dhcp4(Vec::new(), vec![(200, vec![0; 255]); 5]);
    let query = Query {
        exchange: Exchange::First,
        xid: 0,
        client: 0,
        relay: 0,
        elapsed_cs: 0,
        lease: &Lease4::default(),
    };
    assert_eq!(dhcp4.write(&query, &mut [0; 1452]), None);
}

proptest! {
    #[test]
    fn any_datagram_is_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut dhcp4 = dhcp4(Vec::new(), Vec::new());
        let _ = dhcp4.read(&bytes);
        let mut message = written(&mut dhcp4, Exchange::Second);
        message[0] = 2;
        for (at, byte) in bytes.iter().enumerate() {
            let at = (at * 7) % message.len();
            message[at] ^= byte & 1;
        }
        let _ = dhcp4.read(&message);
    }
}
