//! Malformed and hostile packets: dropped or answered without harm, and the server goes on serving.

use e2e::dhcp6::{address_option, encode_options, prefix_option};
use e2e::frame6::{Frame6, SERVER_PORT};
use e2e::peer6::client_duid;
use e2e::prelude::*;

use super::{address, prefix, served};

/// How often each packet is sent in a flood.
const TIMES: u32 = 100;
/// The client of all these packets.
const MAC: [u8; 6] = [2, 0, 0, 0, 3, 3];

/// A SOLICIT for an address and a prefix.
fn solicit() -> Dhcp6 {
    nameless().with(opt6::CLIENT_ID, client_duid(MAC))
}

/// A SOLICIT without a client identifier.
fn nameless() -> Dhcp6 {
    Dhcp6::new(Kind6::Solicit).with_na(1, &[]).with_pd(1, &[])
}

/// A relay's header.
fn hop(count: u8, link: Ipv6Addr) -> Hop {
    Hop::new(count, link, Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x77))
}

/// A SOLICIT with an option written by hand, lengths and all.
fn with_raw(bytes: &[u8]) -> Vec<u8> {
    [solicit().encode(), bytes.to_vec()].concat()
}

/// An option header that promises more than follows.
fn lying(code: u16, told: u16, data: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], &told.to_be_bytes(), data].concat()
}

/// An IA option with these options inside.
fn ia(options: Vec<(u16, Vec<u8>)>) -> Vec<u8> {
    Ia { iaid: 1, t1: 0, t2: 0, options }.encode()
}

/// Packets that no server can answer, by name.
fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    let good = solicit().encode();
    let mut table = vec![
        ("no payload", Vec::new()),
        ("one byte", vec![1]),
        ("header cut short", good[..3].to_vec()),
        ("header alone", good[..4].to_vec()),
        ("no client identifier", nameless().encode()),
        ("message type 0", [&[0][..], &good[1..]].concat()),
        ("message type 200", [&[200][..], &good[1..]].concat()),
        ("message type ADVERTISE", [&[2][..], &good[1..]].concat()),
        (
            "message type RELAY-REPL",
            solicit().encode_relayed(&[Hop { kind: 13, ..hop(0, address(1)) }]),
        ),
        ("relay header cut short", hop(0, address(1)).encode_header()[..33].to_vec()),
        ("relay header alone", hop(0, address(1)).encode_header()),
        ("relay without a message", {
            let options = encode_options(&[(opt6::INTERFACE_ID, b"x".to_vec())]);
            [hop(0, address(1)).encode_header(), options].concat()
        }),
        ("relayed nothing", hop(0, address(1)).encode_around(&[])),
        ("relayed half a header", hop(0, address(1)).encode_around(&good[..2])),
        ("relayed message longer than the packet", {
            let header = hop(0, address(1)).encode_header();
            [header, lying(opt6::RELAY_MESSAGE, 2000, &good)].concat()
        }),
        ("relay in a relay cut short", {
            let inner = hop(0, address(1)).encode_header()[..20].to_vec();
            hop(1, address(1)).encode_around(&inner)
        }),
    ];
    for length in [0, 131, 1200] {
        let query = nameless().with(opt6::CLIENT_ID, vec![7; length]);
        table.push(("client identifier of a wrong length", query.encode()));
    }
    let deep: Vec<_> = (0..36).map(|_| hop(0, Ipv6Addr::UNSPECIFIED)).collect();
    table.push(("thirty-six relays", solicit().encode_relayed(&deep)));
    table
}

/// Packets that may be answered or not, but must do no harm.
fn odd() -> Vec<(&'static str, Vec<u8>)> {
    let (first, none) = (address(0x100), Ipv6Addr::UNSPECIFIED);
    let na = |options| solicit().without(opt6::IA_NA).with(opt6::IA_NA, ia(options)).encode();
    let pd = |options| solicit().without(opt6::IA_PD).with(opt6::IA_PD, ia(options)).encode();
    let relayed = |hop: Hop| solicit().encode_relayed(&[hop]);
    let mut table = vec![
        ("option past the end", with_raw(&lying(opt6::ORO, 200, &[0, 23]))),
        ("option header cut short", with_raw(&[0, 6, 0])),
        ("request list of an odd length", with_raw(&[0, 6, 0, 3, 0, 23, 0])),
        ("elapsed time of one byte", with_raw(&[0, 8, 0, 1, 0])),
        ("rapid commit with contents", with_raw(&[0, 14, 0, 2, 1, 2])),
        ("IA_NA of 11 bytes", with_raw(&lying(opt6::IA_NA, 11, &[0; 11]))),
        ("IA_NA of 0 bytes", with_raw(&lying(opt6::IA_NA, 0, &[]))),
        ("IA_PD of 3 bytes", with_raw(&lying(opt6::IA_PD, 3, &[0; 3]))),
        ("IA_TA of 2 bytes", with_raw(&lying(opt6::IA_TA, 2, &[0; 2]))),
        ("address cut short", na(vec![(opt6::IA_ADDRESS, vec![0x20; 10])])),
        ("prefix cut short", pd(vec![(opt6::IA_PREFIX, vec![0x20; 10])])),
        ("option past the end of an IA", {
            let data = [ia(Vec::new()), lying(opt6::IA_ADDRESS, 900, &[1, 2])].concat();
            solicit().with(opt6::IA_NA, data).encode()
        }),
        ("option past the end of an address", {
            let (code, data) = address_option(first, 0, 0);
            na(vec![(code, [data, lying(opt6::STATUS, 77, &[0])].concat())])
        }),
        ("prefix in an IA_NA", na(vec![prefix_option(prefix(1), 56, 0, 0)])),
        ("address in an IA_PD", pd(vec![address_option(first, 0, 0)])),
        ("IA in an IA", na(vec![(opt6::IA_NA, ia(vec![address_option(first, 0, 0)]))])),
        ("address outside an IA", {
            let (code, data) = address_option(first, 0, 0);
            solicit().with(code, data).encode()
        }),
        ("prefix outside an IA", {
            let (code, data) = prefix_option(prefix(1), 56, 0, 0);
            solicit().with(code, data).encode()
        }),
        ("prefix length 0", pd(vec![prefix_option(prefix(1), 0, 0, 0)])),
        ("prefix length 129", pd(vec![prefix_option(prefix(1), 129, 0, 0)])),
        ("prefix length 255", pd(vec![prefix_option(prefix(1), 255, 0, 0)])),
        ("prefix with bits behind its length", pd(vec![prefix_option(address(7), 56, 0, 0)])),
        ("preferred above valid", na(vec![address_option(first, 900, 100)])),
        ("infinite lifetimes", na(vec![address_option(first, u32::MAX, u32::MAX)])),
        ("multicast address", na(vec![address_option(e2e::frame6::SERVERS, 0, 0)])),
        ("address ::", na(vec![address_option(none, 0, 0)])),
        ("loopback address", na(vec![address_option(Ipv6Addr::LOCALHOST, 0, 0)])),
        ("fifty addresses in an IA", na(vec![address_option(first, 0, 0); 50])),
        ("link address ::", relayed(hop(0, none))),
        ("link address of multicast", relayed(hop(0, e2e::frame6::SERVERS))),
        ("empty interface-id", relayed(hop(0, address(1)).with(opt6::INTERFACE_ID, []))),
        ("long interface-id", relayed(hop(0, address(1)).with(opt6::INTERFACE_ID, [9; 900]))),
        ("two interface-ids", {
            let hop = hop(0, address(1)).with(opt6::INTERFACE_ID, [1]);
            relayed(hop.with(opt6::INTERFACE_ID, [2]))
        }),
        ("hop count 255", relayed(hop(255, address(1)))),
        ("two messages in a relay", {
            let inner = solicit().encode();
            relayed(hop(0, address(1)).with(opt6::RELAY_MESSAGE, inner))
        }),
        ("option of a relay past the end", {
            let around = hop(0, address(1)).encode_around(&solicit().encode());
            [around, lying(opt6::INTERFACE_ID, 99, &[1])].concat()
        }),
        ("RSOO that lies", relayed(hop(0, address(1)).with(opt6::RSOO, lying(65, 900, &[1])))),
        ("RSOO in a RSOO", {
            let inner = encode_options(&[(opt6::RSOO, vec![0; 8])]);
            relayed(hop(0, address(1)).with(opt6::RSOO, inner))
        }),
        ("vendor options that lie", with_raw(&[0, 17, 0, 8, 0, 0, 0x11, 0x8b, 0, 1, 0, 99])),
        ("vendor options of 3 bytes", with_raw(&[0, 17, 0, 3, 0, 0, 0])),
        ("vendor class that lies", with_raw(&[0, 16, 0, 8, 0, 0, 0, 9, 0xff, 0xff, 1, 2])),
        ("user class that lies", with_raw(&[0, 15, 0, 2, 0xff, 0xff])),
        ("FQDN with a pointer", with_raw(&[0, 39, 0, 3, 1, 0xc0, 0])),
        ("FQDN cut short", with_raw(&[0, 39, 0, 3, 1, 9, b'a'])),
        ("status of one byte", with_raw(&[0, 13, 0, 1, 0])),
        ("authentication of 2 bytes", with_raw(&[0, 11, 0, 2, 0, 0])),
        ("relayed message in a client's message", {
            solicit().with(opt6::RELAY_MESSAGE, solicit().encode()).encode()
        }),
        ("a hundred IAs", {
            let many = (0..30).fold(solicit(), |query, iaid| query.with_na(iaid, &[]));
            (0..30).fold(many, |query, iaid| query.with_pd(iaid, &[])).encode()
        }),
        ("the same IA thirty times", {
            (0..30).fold(solicit(), |query, _| query.with_na(1, &[])).encode()
        }),
        ("three hundred empty options", {
            (0..300).fold(solicit(), |query, code| query.with(1000 + code, [])).encode()
        }),
        ("request list of everything", {
            let all: Vec<u16> = (0..600).collect();
            solicit().with_oro(&all).encode()
        }),
    ];
    for length in [0, 1, 2, 3, 8, 20, 21, 255, 1000] {
        let data = vec![0xab; length];
        let hop = hop(0, address(1)).with(opt6::LINK_LAYER, data);
        table.push(("link-layer address of any length", relayed(hop)));
    }
    for length in [1, 2, 3, 127, 128, 129, 130] {
        let query = nameless().with(opt6::CLIENT_ID, vec![7; length]);
        table.push(("client identifier of an unusual length", query.encode()));
    }
    table
}

/// A frame from the client's interface with a payload of bytes; relayed ones come from port 547.
fn frame(peer: &Peer6, payload: &[u8]) -> Vec<u8> {
    let mut frame = Frame6::multicast(peer.mac, peer.source(), payload.to_vec());
    if payload.first().is_some_and(|kind| [12, 13].contains(kind)) {
        frame.source_port = SERVER_PORT;
    }
    frame.encode()
}

#[test]
fn each_malformed_packet_is_dropped_without_answer_or_effect() {
    let (_net, mut server, mut peer) = served(|config| config);
    let mut answered = Vec::new();
    for (name, bytes) in malformed() {
        let frame = frame(&peer, &bytes);
        peer.port.drain();
        peer.port.send_bytes(&frame, 1);
        // The answer to a good query marks the time by which the bad one has been dealt with.
        let query = peer.query(Kind6::InformationRequest);
        peer.tell(&query);
        while let Some(reply) = peer.port.next(wait::secs(3)) {
            if reply.answers(query.xid) {
                break;
            }
            answered.push(name);
        }
        assert!(server.process.status().is_none(), "{name} ended the server");
    }
    assert!(answered.is_empty(), "answered: {answered:?}");
    assert!(server.leases().current6().is_empty());
}

#[test]
fn each_odd_packet_leaves_the_server_serving_others() {
    let (_net, mut server, mut peer) = served(|config| config);
    for (name, bytes) in odd() {
        let frame = frame(&peer, &bytes);
        peer.port.drain();
        peer.port.send_bytes(&frame, 1);
        let query = peer.solicit_both();
        let good = peer.ask(&query).unwrap_or_else(|| panic!("silent after {name}"));
        assert_eq!(good.dhcp.na(1).bindings().len(), 1, "{name}");
        assert_eq!(good.dhcp.pd(1).bindings().len(), 1, "{name}");
        assert!(server.process.status().is_none(), "{name} ended the server");
    }
    assert!(server.leases().current6().is_empty(), "a SOLICIT stores nothing");
    peer.acquire_both();
}

#[test]
fn client_identifiers_of_every_lawful_length_are_served() {
    let (_net, server, mut peer) = served(|config| config);
    for length in [1, 2, 3, 128, 130] {
        peer.duid = vec![length; usize::from(length)];
        let solicit = peer.solicit_both();
        let Some(advertise) = peer.ask_within(&solicit, Duration::from_millis(500)) else {
            // RFC 8415 section 11.1: 1 to 128 octets behind the type, so 3 to 130.
            assert!(length < 3, "client identifier of {length} bytes is ignored");
            continue;
        };
        let request = peer.follow(Kind6::Request, &advertise.dhcp);
        let reply = peer.reply_to(&request);
        assert_eq!(reply.option(opt6::CLIENT_ID), Some(&peer.duid[..]));
        let row = server.leases().lease6(reply.na(1).only().address).expect("recorded");
        assert_eq!(row["duid"], e2e::peer6::colons(&peer.duid));
    }
    server.kill();
}

#[test]
fn message_of_many_fragments_is_survived() {
    let (net, mut server, mut peer) = served(|config| config);
    // As large as UDP carries, sent by the kernel in fragments: client identifiers and relay
    // chains far above every limit.
    let long_duid = nameless().with(opt6::CLIENT_ID, vec![7; 65_000]).encode();
    let hops: Vec<_> = (0..1500).map(|_| hop(0, Ipv6Addr::UNSPECIFIED)).collect();
    let long_chain = solicit().encode_relayed(&hops);
    for payload in [long_duid, long_chain] {
        e2e::raw::send_datagram(&net.client, "cli0", e2e::frame6::SERVERS, SERVER_PORT, &payload);
        peer.acquire();
        assert!(server.process.status().is_none());
    }
}

#[test]
fn flood_of_malformed_and_odd_packets_neither_stops_nor_swells_the_server() {
    let (_net, mut server, mut peer) = served(|config| config);
    peer.acquire();
    let all: Vec<_> = malformed().into_iter().chain(odd()).collect();
    let frames: Vec<_> = all.iter().map(|(_, bytes)| frame(&peer, bytes)).collect();
    let flood = |peer: &mut Peer6| {
        for frame in &frames {
            peer.port.send_bytes(frame, TIMES);
        }
        peer.until_served(wait::secs(30));
    };
    flood(&mut peer);
    let resident = server.resident_kib();
    for _ in 0..3 {
        flood(&mut peer);
    }
    assert!(server.process.status().is_none());
    let grown = server.resident_kib().saturating_sub(resident);
    assert!(grown < 2048, "{grown} KiB more after the flood");
    assert_eq!(server.leases().current6().len(), 1);
    peer.acquire();
}

#[test]
fn dropped_packets_are_explained_at_debug_level() {
    let (_net, server, mut peer) = served(Config::debug);
    let held = peer.acquire();
    let other = peer.follow(Kind6::Renew, &held).without(opt6::SERVER_ID);
    peer.tell(&other.clone().with(opt6::SERVER_ID, [0, 3, 0, 1, 9, 9, 9, 9, 9, 9]));
    peer.tell(&other);
    let mut unknown = peer.solicit();
    unknown.kind = 99;
    peer.tell(&unknown);
    for id in [
        "DHCP6_PACKET_DROP_SERVERID_MISMATCH",
        "DHCP6_REQUIRED_OPTIONS_CHECK_FAIL",
        "DHCP6_UNKNOWN_MSG_RECEIVED",
    ] {
        server.wait_log_count(id, 1, wait::secs(5));
    }
}

#[test]
fn unused_bytes_of_an_answer_carry_nothing() {
    let (_net, _server, mut peer) = served(|config| config);
    // What a server has in its buffers from this must not leak into the next answer.
    let marked = vec![0xa5; 128];
    let noise = nameless().with(opt6::CLIENT_ID, marked.clone()).with(9999, vec![0xa5; 1000]);
    for _ in 0..8 {
        peer.tell(&noise);
        let solicit = peer.solicit_both();
        let answer = peer.ask(&solicit).expect("an answer");
        let bytes = &answer.frame.payload;
        assert!(!bytes.windows(4).any(|four| four == &marked[..4]), "{bytes:02x?}");
        // Every byte belongs to an option that the test's own decoder knows how to end.
        assert_eq!(answer.dhcp.encode(), *bytes);
    }
}
