//! What is received, in which form, and what is not.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use netio::{InterfaceTable, Malformed, Monitor, SocketKind};

use crate::support::{
    CLIENT, CLIENT_LINK, Net, SERVER, collect, fix_ip_checksum, frame, query, tagged, transport,
};

const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const ALL: Ipv4Addr = Ipv4Addr::BROADCAST;

#[test]
fn raw_mode_hears_broadcasts_and_unicasts() {
    let net = Net::new("hear");
    net.on_server(|| {
        let mut transport = transport(&["*"], SocketKind::Raw);
        let client = net.client_frames();
        client.send(&frame(ANY, ALL, b"limited"));
        client.send(&frame(CLIENT, Ipv4Addr::new(192, 0, 2, 255), b"directed"));
        client.send(&frame(CLIENT, SERVER, b"unicast"));
        // The sender leaves the checksum of the next one to hardware that does not exist.
        net.client_udp(CLIENT, 67).send_to(b"relayed", (SERVER, 67)).unwrap();
        let (got, drops) = collect(&mut transport, 4);
        assert_eq!(drops.total(), 0);
        let index = InterfaceTable::read().unwrap().by_name("s0").unwrap().index;
        let payloads: Vec<_> = got.iter().map(|got| got.payload.as_slice()).collect();
        assert_eq!(payloads, [b"limited".as_slice(), b"directed", b"unicast", b"relayed"]);
        for got in &got {
            assert_eq!((got.interface, got.local), (index, IpAddr::V4(SERVER)));
            assert_eq!(got.link_source, Some(CLIENT_LINK));
        }
        assert_eq!(got[0].source, SocketAddr::from((ANY, 68)));
        assert_eq!(got[0].destination, IpAddr::V4(ALL));
        assert_eq!(got[1].destination, IpAddr::from([192, 0, 2, 255]));
        assert_eq!(got[2].source, SocketAddr::from((CLIENT, 68)));
        assert_eq!(got[3].source, SocketAddr::from((CLIENT, 67)));
        assert_eq!(got[3].destination, IpAddr::V4(SERVER));
    });
}

#[test]
fn udp_mode_hears_the_same_once_each() {
    let net = Net::new("udp");
    net.on_server(|| {
        let mut transport = transport(&["s0"], SocketKind::Udp);
        let client = net.client_frames();
        client.send(&frame(CLIENT, SERVER, b"unicast"));
        let (mut got, _) = collect(&mut transport, 1);
        client.send(&frame(ANY, ALL, b"limited"));
        got.extend(collect(&mut transport, 1).0);
        client.send(&frame(CLIENT, Ipv4Addr::new(192, 0, 2, 255), b"directed"));
        got.extend(collect(&mut transport, 1).0);
        let report = transport.receive_any(64, &mut |inbound| panic!("twice: {inbound:?}"));
        assert_eq!(report.taken(), 0);
        let destinations: Vec<_> = got.iter().map(|got| got.destination.to_string()).collect();
        assert_eq!(destinations, ["192.0.2.1", "255.255.255.255", "192.0.2.255"]);
        assert!(got.iter().all(|got| got.local == SERVER && got.link_source.is_none()));
    });
}

#[test]
fn frames_for_others_are_not_seen() {
    let net = Net::new("others");
    net.server("addr add 192.0.2.9/24 dev s0");
    net.on_server(|| {
        let mut transport = transport(&["s0/192.0.2.1"], SocketKind::Raw);
        let client = net.client_frames();
        client.send(&frame(CLIENT, Ipv4Addr::new(192, 0, 2, 9), b"an address not served"));
        let mut other_port = frame(CLIENT, SERVER, b"another port");
        other_port[36..38].copy_from_slice(&68u16.to_be_bytes());
        client.send(&other_port);
        let mut other_host = frame(CLIENT, SERVER, b"another host's frame");
        other_host[..6].copy_from_slice(&[2, 0, 0, 0, 0, 77]);
        client.send(&other_host);
        let mut later_fragment = frame(CLIENT, SERVER, b"the rest of a datagram");
        later_fragment[21] = 3;
        fix_ip_checksum(&mut later_fragment);
        client.send(&later_fragment);
        client.send(&frame(CLIENT, SERVER, b"ours"));
        let (got, drops) = collect(&mut transport, 1);
        assert_eq!((got[0].payload.as_slice(), drops.total()), (b"ours".as_slice(), 0));
    });
}

#[test]
fn tagged_frames_are_not_taken_for_untagged_ones() {
    let net = Net::new("tag");
    net.on_server(|| {
        let mut transport = transport(&["s0"], SocketKind::Raw);
        let client = net.client_frames();
        client.send(&tagged(&frame(ANY, ALL, b"of a vlan"), 7));
        client.send(&tagged(&tagged(&frame(ANY, ALL, b"of two vlans"), 7), 8));
        client.send(&frame(ANY, ALL, b"ours"));
        // VLAN 0 is no VLAN: the tag gives a priority to a frame of the untagged network.
        client.send(&tagged(&frame(ANY, ALL, b"ours too"), 0));
        let (got, drops) = collect(&mut transport, 2);
        let payloads = [got[0].payload.as_slice(), got[1].payload.as_slice()];
        assert_eq!((payloads, drops.total()), ([b"ours".as_slice(), b"ours too"], 0));
    });
}

#[test]
fn frames_of_a_vlan_belong_to_its_interface_alone() {
    let net = Net::new("vlan");
    if !net.supports("vlan id 7") {
        // Not every kernel has 802.1Q; the macvlan test covers the same rule of the filter.
        return;
    }
    net.on_server(|| {
        let mut parent = transport(&["s0"], SocketKind::Raw);
        let client = net.client_frames();
        net.server("link add link s0 name s0.7 type vlan id 7");
        net.server("addr add 198.51.100.1/24 dev s0.7");
        net.server("link set s0.7 up");
        let mut vlan = transport(&["s0.7"], SocketKind::Raw);
        client.send(&tagged(&frame(ANY, ALL, b"to the vlan"), 7));
        client.send(&frame(ANY, ALL, b"to the parent"));
        let (got, drops) = collect(&mut parent, 1);
        assert_eq!((got[0].payload.as_slice(), drops.total()), (b"to the parent".as_slice(), 0));
        let (got, _) = collect(&mut vlan, 1);
        assert_eq!(got[0].payload, b"to the vlan");
        assert_eq!(got[0].local, IpAddr::from([198, 51, 100, 1]));
    });
}

#[test]
fn frames_of_a_macvlan_belong_to_its_interface_alone() {
    let net = Net::new("macvlan");
    net.on_server(|| {
        net.server("link add mv0 link s0 address 02:00:00:00:00:21 type macvlan mode bridge");
        net.server("link set mv0 up");
        let mut parent = transport(&["s0"], SocketKind::Raw);
        let client = net.client_frames();
        let mut other = frame(CLIENT, SERVER, b"to the macvlan's link address");
        other[5] = 0x21;
        client.send(&other);
        client.send(&frame(CLIENT, SERVER, b"to the parent"));
        let (got, drops) = collect(&mut parent, 1);
        assert_eq!((got[0].payload.as_slice(), drops.total()), (b"to the parent".as_slice(), 0));
    });
}

#[test]
fn lying_frames_are_counted_by_reason() {
    let net = Net::new("lies");
    net.server("link set s0 mtu 9000");
    net.client("link set c0 mtu 9000");
    net.on_server(|| {
        let mut transport = transport(&["s0"], SocketKind::Raw);
        let client = net.client_frames();
        let change = |at: usize, value: &[u8]| {
            let mut bytes = frame(CLIENT, SERVER, b"some payload");
            bytes[at..at + value.len()].copy_from_slice(value);
            if at != 24 {
                fix_ip_checksum(&mut bytes);
            }
            client.send(&bytes);
        };
        change(16, &[0xff, 0xff]);
        change(16, &[0, 27]);
        change(24, &[1, 2]);
        change(38, &[0, 7]);
        change(38, &[0, 19]);
        change(38, &[0xff, 0xff]);
        change(40, &[1, 2]);
        change(20, &[0x20, 0]);
        client.send(&frame(CLIENT, SERVER, &[7; 3000]));
        client.send(&frame(CLIENT, SERVER, b"good"));
        let (got, drops) = collect(&mut transport, 1);
        assert_eq!(got[0].payload, b"good");
        assert_eq!(drops.truncated, 1);
        let counts = Malformed::ALL.map(|reason| (reason, drops.of(reason)));
        let expected = [
            (Malformed::Fragment, 1),
            (Malformed::HeaderLength, 0),
            (Malformed::IpChecksum, 1),
            (Malformed::Kind, 0),
            (Malformed::TotalLength, 2),
            (Malformed::UdpChecksum, 1),
            (Malformed::UdpLength, 3),
        ];
        assert_eq!(counts, expected);
    });
}

#[test]
fn a_datagram_longer_than_the_buffer_is_counted_in_udp_mode() {
    let net = Net::new("long");
    net.on_server(|| {
        let mut transport = transport(&["s0"], SocketKind::Udp);
        let client = net.client_udp(CLIENT, 67);
        client.send_to(&[7; 5000], (SERVER, 67)).unwrap();
        client.send_to(&[7; 4160], (SERVER, 67)).unwrap();
        let (got, drops) = collect(&mut transport, 1);
        assert_eq!((got[0].payload.len(), drops.truncated), (4160, 1));
    });
}

#[test]
fn loopback_is_served_in_raw_mode_when_named() {
    let net = Net::new("lo");
    net.on_server(|| {
        let mut transport = transport(&["lo", "s0"], SocketKind::Raw);
        let relay = std::net::UdpSocket::bind("127.0.0.2:67").unwrap();
        relay.send_to(b"local", "127.0.0.1:67").unwrap();
        let (got, _) = collect(&mut transport, 1);
        assert_eq!(got[0].source, SocketAddr::from(([127, 0, 0, 2], 67)));
        assert_eq!(got[0].local, IpAddr::V4(Ipv4Addr::LOCALHOST));
    });
}

#[test]
fn the_ring_goes_round() {
    let net = Net::new("round");
    net.on_server(|| {
        let mut transport = transport(&["s0"], SocketKind::Raw);
        let client = net.client_frames();
        for round in 0..100u32 {
            for client_number in 0..60 {
                client.send(&frame(ANY, ALL, &query(round * 60 + client_number, 300)));
            }
            let (got, drops) = collect(&mut transport, 60);
            assert_eq!(drops.total(), 0);
            for (at, got) in got.iter().enumerate() {
                assert_eq!(crate::support::client_of(&got.payload), round * 60 + at as u32);
            }
        }
    });
}

#[test]
fn closed_interface_reports_an_error_once_and_does_not_wake_for_ever() {
    let net = Net::new("down");
    net.on_server(|| {
        let mut transport = transport(&["s0"], SocketKind::Raw);
        let (_monitor, _) = Monitor::open().unwrap();
        let (token, _) = transport.raw_fds().next().unwrap();
        net.server("link set s0 down");
        let report = transport.receive(token, 64, &mut |_| ());
        assert_eq!(report.error.and_then(|error| error.raw_os_error()), Some(libc::ENETDOWN));
        let report = transport.receive(token, 64, &mut |_| ());
        assert!(report.error.is_none());
        net.server("link set s0 up");
        net.server("link set s0 down");
        let mut rounds = (0..100).map(|_| transport.receive_any(64, &mut |_| ()));
        assert!(rounds.any(|report| report.error.is_some()));
    });
}
