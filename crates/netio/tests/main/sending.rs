//! How replies leave.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use netio::{SocketKind, Transport};
use util::link::{Delivery, InterfaceIndex, LinkAddress, Outbox};

use crate::support::{
    CLIENT, CLIENT_LINK, Net, SERVER, checksum, open, plan, reply, send_all, transport,
};

const ROUTED: Delivery = Delivery::Routed { fallback: None };
/// Whoever has forwarded a query on the client's link.
const ROUTER_LINK: LinkAddress = LinkAddress([2, 0, 0, 0, 0, 77]);

/// Pushes a reply of `len` bytes that begins with a number.
fn push(outbox: &mut Outbox, transport: &Transport, to: (Ipv4Addr, u16), number: u32, len: usize) {
    let mut payload = vec![number as u8; len];
    payload[..4].copy_from_slice(&number.to_be_bytes());
    outbox.push(&payload, reply(transport, to, ROUTED));
}

/// Receives `count` datagrams: number and length of each; the filling is checked.
fn numbers(socket: &UdpSocket, count: usize) -> Vec<(u32, usize)> {
    let mut buffer = [0; 4096];
    let one = |_| {
        let (len, from) = socket.recv_from(&mut buffer).unwrap();
        assert_eq!(from, (SERVER, 67).into());
        let number = u32::from_be_bytes(buffer[..4].try_into().unwrap());
        assert!(buffer[4..len].iter().all(|byte| *byte == number as u8));
        (number, len)
    };
    (0..count).map(one).collect()
}

#[test]
fn a_batch_to_a_relay_arrives_whole_and_in_order() {
    for kind in [SocketKind::Raw, SocketKind::Udp] {
        let net = Net::new(&format!("relay{kind:?}"));
        net.on_server(|| {
            let mut transport = transport(&["s0"], kind);
            let relay = net.client_udp(CLIENT, 67);
            let mut outbox = Outbox::default();
            for number in 0..200 {
                push(&mut outbox, &transport, (CLIENT, 67), number, 300);
            }
            send_all(&mut transport, &outbox);
            let expected: Vec<_> = (0..200).map(|number| (number, 300)).collect();
            assert_eq!(numbers(&relay, 200), expected);
        });
    }
}

#[test]
fn order_is_kept_for_each_destination_whatever_the_sizes() {
    let net = Net::new("mixed");
    net.client("addr add 192.0.2.3/24 dev c0");
    net.on_server(|| {
        let mut transport = transport(&["s0"], SocketKind::Raw);
        let other = Ipv4Addr::new(192, 0, 2, 3);
        let relays = [net.client_udp(CLIENT, 67), net.client_udp(other, 67)];
        let sizes = [300, 300, 280, 548, 4, 1472, 1472, 1400, 2000, 300];
        let mut outbox = Outbox::default();
        let mut expected = [Vec::new(), Vec::new()];
        for number in 0..200u32 {
            let which = usize::from(number % 3 == 1);
            let len = sizes[number as usize * 7 % sizes.len()];
            push(&mut outbox, &transport, ([CLIENT, other][which], 67), number, len);
            expected[which].push((number, len));
        }
        send_all(&mut transport, &outbox);
        for (relay, expected) in relays.iter().zip(&expected) {
            assert_eq!(numbers(relay, expected.len()), *expected);
        }
    });
}

#[test]
fn a_range_of_the_outbox_is_sent() {
    let net = Net::new("range");
    net.on_server(|| {
        let mut transport = transport(&["s0"], SocketKind::Raw);
        let relay = net.client_udp(CLIENT, 67);
        let mut outbox = Outbox::default();
        for number in 0..10 {
            push(&mut outbox, &transport, (CLIENT, 67), number, 300);
        }
        let report = transport.send(&outbox, 3..5, &mut |_, result| result.unwrap());
        assert_eq!((report.sent, report.failed), (2, 0));
        let report = transport.send(&outbox, 8..99, &mut |_, result| result.unwrap());
        assert_eq!((report.sent, report.failed), (2, 0));
        let all: Vec<_> = numbers(&relay, 4).into_iter().map(|(number, _)| number).collect();
        assert_eq!(all, [3, 4, 8, 9]);
    });
}

#[test]
fn runs_that_exceed_the_path_are_sent_one_by_one() {
    let net = Net::new("mtu");
    net.server("link set s0 mtu 600");
    net.on_server(|| {
        let mut transport = transport(&["s0"], SocketKind::Raw);
        let relay = net.client_udp(CLIENT, 67);
        let mut outbox = Outbox::default();
        for number in 0..20 {
            push(&mut outbox, &transport, (CLIENT, 67), number, 1000);
        }
        send_all(&mut transport, &outbox);
        let expected: Vec<_> = (0..20).map(|number| (number, 1000)).collect();
        assert_eq!(numbers(&relay, 20), expected);
    });
}

/// Checks the headers of a frame from the server; its payload.
fn check_frame(frame: &[u8], link: [u8; 6], destination: Ipv4Addr) -> &[u8] {
    assert_eq!(frame[..6], link);
    assert_eq!(frame[12..15], [8, 0, 0x45]);
    assert_eq!(checksum(&frame[14..34], 0), 0, "IP checksum");
    assert_eq!(frame[26..30], SERVER.octets());
    assert_eq!(frame[30..34], destination.octets());
    let len = usize::from(u16::from_be_bytes([frame[16], frame[17]]));
    let datagram = &frame[34..14 + len];
    assert_eq!(usize::from(u16::from_be_bytes([datagram[4], datagram[5]])), datagram.len());
    assert_eq!(datagram[..4], [0, 67, 0, 68]);
    let pseudo = !checksum(&frame[26..34], 17 + datagram.len() as u32);
    assert_eq!(checksum(datagram, u32::from(pseudo)), 0, "UDP checksum");
    &datagram[8..]
}

#[test]
fn raw_mode_reaches_clients_without_address() {
    let net = Net::new("link");
    net.on_server(|| {
        let mut transport = transport(&["s0"], SocketKind::Raw);
        let client = net.client_frames();
        let to = Ipv4Addr::new(192, 0, 2, 99);
        let mut outbox = Outbox::default();
        outbox.push(b"offer", reply(&transport, (to, 68), Delivery::Link(CLIENT_LINK)));
        outbox.push(b"nak!", reply(&transport, (Ipv4Addr::BROADCAST, 68), Delivery::Broadcast));
        let mut unset = reply(&transport, (to, 68), Delivery::Link(CLIENT_LINK));
        unset.source = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        outbox.push(b"odd", unset);
        send_all(&mut transport, &outbox);
        let frame = client.receive(|frame| frame[23] == 17);
        assert_eq!(check_frame(&frame, CLIENT_LINK.0, to), b"offer");
        let frame = client.receive(|frame| frame[23] == 17);
        assert_eq!(check_frame(&frame, [0xff; 6], Ipv4Addr::BROADCAST), b"nak!");
        let frame = client.receive(|frame| frame[23] == 17);
        assert_eq!(check_frame(&frame, CLIENT_LINK.0, to), b"odd");
    });
}

#[test]
fn udp_mode_broadcasts_to_clients_without_address() {
    let net = Net::new("bcast");
    net.on_server(|| {
        let mut transport = transport(&["s0"], SocketKind::Udp);
        let client = net.client_udp(Ipv4Addr::UNSPECIFIED, 68);
        let to = Ipv4Addr::new(192, 0, 2, 99);
        let mut outbox = Outbox::default();
        outbox.push(b"offer", reply(&transport, (to, 68), Delivery::Link(CLIENT_LINK)));
        outbox.push(b"nak", reply(&transport, (Ipv4Addr::BROADCAST, 68), Delivery::Broadcast));
        send_all(&mut transport, &outbox);
        let mut buffer = [0; 99];
        for expected in [b"offer".as_slice(), b"nak"] {
            let (len, from) = client.recv_from(&mut buffer).unwrap();
            assert_eq!((&buffer[..len], from), (expected, (SERVER, 67).into()));
        }
    });
}

/// Sends an answer to a query that came from another link address than that of the client; the link address it went to.
fn answered_to(net: &Net, transport: &mut Transport, to: Ipv4Addr) -> [u8; 6] {
    let frames = net.client_frames();
    let delivery = Delivery::Routed { fallback: Some(ROUTER_LINK) };
    let mut outbox = Outbox::default();
    outbox.push(b"ack!", reply(transport, (to, 68), delivery));
    send_all(transport, &outbox);
    let frame = frames.receive(|frame| frame[12..14] == [8, 0] && frame[23] == 17);
    // Its checksum may be left to the interface.
    assert_eq!((&frame[30..34], &frame[42..46]), (&to.octets()[..], &b"ack!"[..]));
    frame[..6].try_into().unwrap()
}

#[test]
fn the_routing_table_leads_a_lone_answer_only_where_that_is_wished() {
    const FAR: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 5);
    let net = Net::new("routing");
    net.on_server(|| {
        let plan = plan(&["s0"], SocketKind::Raw);
        let mut transport = open(plan.clone(), 0, 1);
        assert_eq!(answered_to(&net, &mut transport, CLIENT), ROUTER_LINK.0);
        transport.set_plan(plan.with_routing(true));
        assert_eq!(answered_to(&net, &mut transport, CLIENT), CLIENT_LINK.0);
        assert_eq!(answered_to(&net, &mut transport, FAR), ROUTER_LINK.0, "there is no route");
    });
}

#[test]
fn without_a_route_the_frame_goes_back_where_the_query_came_from() {
    let net = Net::new("route");
    net.on_server(|| {
        let mut transport = transport(&["s0"], SocketKind::Raw);
        let client = net.client_frames();
        let far = Ipv4Addr::new(203, 0, 113, 5);
        let known = Delivery::Routed { fallback: Some(CLIENT_LINK) };
        let mut outbox = Outbox::default();
        for payload in [b"one", b"two"] {
            outbox.push(payload, reply(&transport, (far, 68), known));
        }
        send_all(&mut transport, &outbox);
        for payload in [b"one", b"two"] {
            let frame = client.receive(|frame| frame[23] == 17);
            assert_eq!(check_frame(&frame, CLIENT_LINK.0, far), payload);
        }
    });
}

#[test]
fn what_cannot_be_sent_is_reported_and_harms_no_other() {
    let net = Net::new("fail");
    net.on_server(|| {
        let mut transport = transport(&["s0"], SocketKind::Raw);
        let relay = net.client_udp(CLIENT, 67);
        let mut outbox = Outbox::default();
        push(&mut outbox, &transport, (CLIENT, 67), 1, 300);
        push(&mut outbox, &transport, (Ipv4Addr::new(203, 0, 113, 5), 67), 2, 300);
        let mut foreign = reply(&transport, (CLIENT, 67), ROUTED);
        foreign.source = IpAddr::from([198, 51, 100, 77]);
        outbox.push(b"from an address that is not ours", foreign);
        let mut nowhere = reply(&transport, (CLIENT, 68), Delivery::Broadcast);
        nowhere.interface = InterfaceIndex(9999);
        nowhere.source = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        outbox.push(b"on an interface that is not ours", nowhere);
        outbox.push(&[0; 3000], reply(&transport, (CLIENT, 68), Delivery::Link(CLIENT_LINK)));
        push(&mut outbox, &transport, (CLIENT, 67), 3, 300);
        let mut codes = Vec::new();
        let report = transport.send(&outbox, 0..outbox.len(), &mut |entry, result| {
            codes.push((entry.start, result.err().and_then(|error| error.raw_os_error())));
        });
        assert_eq!((report.sent, report.failed), (2, 4));
        codes.sort_unstable();
        let codes: Vec<_> = codes.into_iter().map(|(_, code)| code).collect();
        let absent = Some(libc::EADDRNOTAVAIL);
        let long = Some(libc::EMSGSIZE);
        assert_eq!(codes, [None, Some(libc::ENETUNREACH), absent, absent, long, None]);
        assert_eq!(numbers(&relay, 2), [(1, 300), (3, 300)]);
    });
}
