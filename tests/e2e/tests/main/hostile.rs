//! Malformed and hostile packets: dropped without effect, and the server goes on serving.

use e2e::net::SERVER;
use e2e::prelude::*;

/// How often each packet is sent.
const TIMES: u32 = 300;

/// A request that would create a lease of .180 if it were taken.
fn request() -> Dhcp {
    Dhcp::query(Message::Request, [2, 0, 0, 0, 3, 3])
        .with_address(opt::SERVER_ID, SERVER)
        .with_address(opt::REQUESTED, Ipv4Addr::new(192, 0, 2, 180))
}

/// A broadcast frame with a payload of bytes.
fn frame(payload: Vec<u8>) -> Frame {
    Frame::broadcast([2, 0, 0, 0, 3, 3], payload)
}

/// Changes the fixed header of the request.
fn header(change: impl FnOnce(&mut Dhcp)) -> Vec<u8> {
    let mut query = request();
    change(&mut query);
    frame(query.encode()).encode()
}

/// Changes the bytes of the request after encoding.
fn payload(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = request().encode();
    change(&mut bytes);
    frame(bytes).encode()
}

/// Changes the frame around the request.
fn around(change: impl FnOnce(&mut Frame)) -> Vec<u8> {
    let mut frame = frame(request().encode());
    change(&mut frame);
    frame.encode()
}

/// Offset of the first option.
const OPTIONS: usize = 240;

/// Packets that must not be taken, by name.
fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    let mut table = vec![
        ("no payload", payload(Vec::clear)),
        ("one byte", payload(|bytes| bytes.truncate(1))),
        ("header cut short", payload(|bytes| bytes.truncate(235))),
        ("BOOTP of exactly 236 bytes", payload(|bytes| bytes.truncate(236))),
        ("BOOTP with a vendor area", payload(|bytes| bytes[OPTIONS - 4..].fill(0))),
        ("cookie cut short", payload(|bytes| bytes.truncate(238))),
        ("cookie wrong", payload(|bytes| bytes[236] = 0x64)),
        ("no options", payload(|bytes| bytes.truncate(OPTIONS))),
        ("only END", payload(|bytes| bytes.splice(OPTIONS.., [255]).for_each(drop))),
        ("only pads", payload(|bytes| bytes.splice(OPTIONS.., [0; 64]).for_each(drop))),
        (
            "message type of length 0",
            payload(|bytes| drop(bytes.splice(OPTIONS..OPTIONS + 3, [53, 0]))),
        ),
        (
            "message type of length 2",
            payload(|bytes| {
                drop(bytes.splice(OPTIONS..OPTIONS + 3, [53, 2, 3, 3]));
            }),
        ),
        ("message type 0", payload(|bytes| bytes[OPTIONS + 2] = 0)),
        ("message type OFFER", payload(|bytes| bytes[OPTIONS + 2] = 2)),
        ("message type 200", payload(|bytes| bytes[OPTIONS + 2] = 200)),
        (
            "server id of length 3",
            payload(|bytes| {
                drop(bytes.splice(OPTIONS + 3..OPTIONS + 9, [54, 3, 192, 0, 2]));
            }),
        ),
        ("requested address of length 5", header(|query| query.options[2].1.push(0))),
        ("hlen 0 without client-id", header(|query| query.hlen = 0)),
        ("hlen 17", header(|query| query.hlen = 17)),
        ("hlen 255", header(|query| query.hlen = 255)),
        ("an answer, not a query", header(|query| query.op = 2)),
        ("first fragment", around(|frame| frame.fragment = 0x2000)),
        ("later fragment", around(|frame| frame.fragment = 0x0010)),
        ("tagged for VLAN 7", around(|frame| frame.tags = vec![7])),
        ("tagged twice", around(|frame| frame.tags = vec![7, 8])),
        ("IP length too large", around(|frame| frame.ip_length_error = 40)),
        ("IP length below its header", around(|frame| frame.ip_length_error = -20_000)),
        ("UDP length too large", around(|frame| frame.udp_length_error = 40)),
        ("UDP length 0", around(|frame| frame.udp_length_error = -20_000)),
        ("UDP length cuts the options", around(|frame| frame.udp_length_error = -14)),
        ("to another port", around(|frame| frame.destination_port = 69)),
        (
            "from nowhere to nobody",
            around(|frame| frame.destination = Ipv4Addr::new(192, 0, 2, 77)),
        ),
    ];
    let mut whole = frame(request().encode()).encode();
    whole.truncate(14 + 20 + 3);
    table.push(("frame ends in the UDP header", whole));
    let mut options = frame(request().encode()).encode();
    options[14] = 0x4f;
    table.push(("IP header length lies", options));
    let mut version = frame(request().encode()).encode();
    version[14] = 0x65;
    table.push(("IP version 6 in an IPv4 frame", version));
    table
}

/// Packets that may be answered or not, but must do no harm.
fn odd() -> Vec<(&'static str, Vec<u8>)> {
    let discover = || {
        let mut query = Dhcp::query(Message::Discover, [2, 0, 0, 0, 3, 4]);
        query.xid = 0xbad0_0001;
        query
    };
    let raw = |query: Dhcp| frame(query.encode()).encode();
    let mut many = discover();
    many.options.extend((0..250).map(|_| (12, vec![b'x'])));
    let mut long = discover();
    long.options.extend((0..4).map(|_| (12, vec![b'.'; 255])));
    let past_end = |code: u8| {
        let mut bytes = discover().encode();
        bytes.pop();
        bytes.extend([code, 200, 1, 2, 3]);
        frame(bytes).encode()
    };
    vec![
        ("zero-length client-id", raw(discover().with(opt::CLIENT_ID, []))),
        ("one-byte client-id", raw(discover().with(opt::CLIENT_ID, [1]))),
        ("client-id of 255 bytes", raw(discover().with(opt::CLIENT_ID, [9; 255]))),
        ("empty request list", raw(discover().with(opt::PRL, []))),
        (
            "request list of everything",
            raw(discover().with(opt::PRL, (0..=254).collect::<Vec<u8>>())),
        ),
        ("empty relay information", raw(discover().with(opt::RELAY, []))),
        ("relay sub-option past the end", raw(discover().with(opt::RELAY, [1, 99, 0]))),
        ("link selection of 3 bytes", raw(discover().with(opt::RELAY, [5, 3, 192, 0, 2]))),
        ("subnet selection of 1 byte", raw(discover().with(opt::SUBNET_SELECTION, [1]))),
        ("host name of option past the end", past_end(12)),
        ("relay information past the end", past_end(82)),
        ("client-id past the end", past_end(61)),
        ("250 host names", raw(many)),
        ("host name of 1020 dots", raw(long)),
        ("FQDN with a pointer", raw(discover().with(81, [4, 0, 0, 0xc0, 0x00]))),
        ("FQDN cut short", raw(discover().with(81, [4, 0]))),
        ("option overload of sname and file", raw(discover().with(52, [3]))),
        ("option overload 99", raw(discover().with(52, [99]))),
        ("vendor option lies", raw(discover().with(125, [0, 0, 0, 9, 250, 1]))),
        ("no END", {
            let mut bytes = discover().encode();
            bytes.pop();
            frame(bytes).encode()
        }),
        ("1472 bytes of pads", {
            let mut bytes = discover().encode();
            bytes.resize(1472, 0);
            frame(bytes).encode()
        }),
    ]
}

#[test]
fn each_malformed_packet_is_dropped_without_answer_or_effect() {
    let net = Net::pair();
    let mut server = Server::start(&net, &Config::new(net.path()));
    let mut peer = Peer::new(&net.client);
    let (mut taken, mut answered) = (Vec::new(), Vec::new());
    for (name, bytes) in malformed() {
        let before = server.leases().text("");
        peer.port.drain();
        peer.port.send_bytes(&bytes, 1);
        // The answer to a good query marks the time by which the bad one has been dealt with.
        let query = peer.query(Message::Discover);
        peer.tell(&query);
        while let Some(reply) = peer.port.next(wait::secs(3)) {
            if reply.dhcp.op == 2 && reply.dhcp.xid == query.xid {
                break;
            }
            if reply.dhcp.op == 2 {
                answered.push(name);
            }
        }
        if server.leases().text("") != before {
            taken.push(name);
        }
        assert!(server.process.status().is_none(), "{name} ended the server");
    }
    assert!(taken.is_empty() && answered.is_empty(), "taken: {taken:?}\nanswered: {answered:?}");
}

#[test]
fn flood_of_malformed_and_odd_packets_neither_stops_nor_swells_the_server() {
    let net = Net::pair();
    let mut server = Server::start(&net, &Config::new(net.path()));
    let mut peer = Peer::new(&net.client);
    peer.acquire();
    let leases = server.leases().current().len();
    let all: Vec<_> = malformed().into_iter().chain(odd()).collect();
    let flood = |peer: &mut Peer| {
        for (_, bytes) in &all {
            peer.port.send_bytes(bytes, TIMES);
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
    assert!(server.leases().current().len() <= leases + 1);
    peer.acquire();
}

#[test]
fn dropped_packets_are_explained_at_debug_level() {
    let net = Net::pair();
    let server = Server::start(&net, &Config::new(net.path()).debug());
    let mut peer = Peer::new(&net.client);
    let quiet = server.log().matches("DHCP4_PACKET_DROP_0").count();
    for (name, bytes) in malformed() {
        if ["cookie wrong", "no options", "message type 200"].contains(&name) {
            peer.port.send_bytes(&bytes, 1);
        }
    }
    server.wait_log_count("DHCP4_PACKET_DROP_0", quiet + 3, wait::secs(5));
}
