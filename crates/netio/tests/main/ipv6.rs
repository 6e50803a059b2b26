//! IPv6: which sockets hear what, how replies leave, and addresses that come and go.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};

use netio::{Event, InterfaceTable, Transport};
use util::link::Outbox;

use crate::interfaces::Follower;
use crate::support::{
    CLIENT_LOCAL, CLIENT6, GROUP, Got, Net, SERVER_LOCAL, SERVER6, answer, collect, open, plan6,
    send_all,
};

fn transport(specs: &[&str]) -> Transport {
    open(plan6(specs), 0, 1)
}

/// Sends from the client; what the server got, and the client's socket.
fn ask(net: &Net, transport: &mut Transport, from: Ipv6Addr, to: Ipv6Addr) -> (Got, UdpSocket) {
    let socket = net.client_udp(from, 0);
    socket.send_to(b"query", net.at_client(to, 547)).unwrap();
    let (mut got, drops) = collect(transport, 1);
    assert_eq!((got[0].payload.as_slice(), drops.total()), (b"query".as_slice(), 0));
    let report = transport.receive_any(64, &mut |inbound| panic!("twice: {inbound:?}"));
    assert_eq!(report.taken(), 0);
    assert_eq!(got[0].source.port(), socket.local_addr().unwrap().port());
    (got.remove(0), socket)
}

/// Answers a query; where the answer comes from at the client.
fn answered(transport: &mut Transport, query: &Got, client: &UdpSocket) -> SocketAddr {
    let mut outbox = Outbox::default();
    outbox.push(b"reply", answer(query));
    send_all(transport, &outbox);
    let mut buffer = [0; 99];
    let (len, from) = client.recv_from(&mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"reply");
    from
}

#[test]
fn multicasts_and_unicasts_are_heard_and_answered_from_where_they_went() {
    let net = Net::new6("hear6");
    net.on_server(|| {
        let mut transport = transport(&["*", "s0/2001:db8::1"]);
        let index = InterfaceTable::read().unwrap().by_name("s0").unwrap().index;
        let cases = [
            (CLIENT_LOCAL, GROUP, SERVER_LOCAL),
            (CLIENT_LOCAL, SERVER_LOCAL, SERVER_LOCAL),
            (CLIENT_LOCAL, SERVER6, SERVER6),
            (CLIENT6, SERVER6, SERVER6),
            (CLIENT6, SERVER_LOCAL, SERVER_LOCAL),
            // Beyond the link an answer from a link-local address would not be understood.
            (CLIENT6, GROUP, SERVER6),
        ];
        for (from, to, local) in cases {
            let (got, client) = ask(&net, &mut transport, from, to);
            let scope = if from == CLIENT_LOCAL { index.0 } else { 0 };
            assert_eq!(got.source, SocketAddrV6::new(from, got.source.port(), 0, scope).into());
            assert_eq!((got.destination, got.interface), (IpAddr::V6(to), index), "{from} {to}");
            assert_eq!((got.local, got.link_source), (IpAddr::V6(local), None), "{from} {to}");
            let answerer = answered(&mut transport, &got, &client);
            assert_eq!((answerer.ip(), answerer.port()), (IpAddr::V6(local), 547));
        }
    });
}

#[test]
fn without_a_given_address_all_is_answered_from_the_link_local_one() {
    let net = Net::new6("local6");
    net.on_server(|| {
        let mut transport = transport(&["s0"]);
        let (got, client) = ask(&net, &mut transport, CLIENT6, GROUP);
        assert_eq!(got.local, IpAddr::V6(SERVER_LOCAL));
        assert_eq!(answered(&mut transport, &got, &client).ip(), IpAddr::V6(SERVER_LOCAL));
        let socket = net.client_udp(CLIENT6, 0);
        socket.connect((SERVER6, 547)).unwrap();
        socket.send(b"to an address not served").unwrap();
        let refused = socket.recv(&mut [0; 9]).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    });
}

#[test]
fn the_interface_of_an_answer_gives_the_scope_that_an_address_lacks() {
    let net = Net::new6("scope6");
    net.on_server(|| {
        // The same link-local addresses on two links; only the interface tells them apart.
        net.server("link add s1 type veth peer name s2");
        for name in ["s1", "s2"] {
            net.server(&format!("link set {name} up"));
            net.server(&format!("addr add {SERVER_LOCAL}/64 dev {name} nodad"));
        }
        let mut transport = transport(&["*"]);
        let (mut query, client) = ask(&net, &mut transport, CLIENT_LOCAL, GROUP);
        query.source = SocketAddr::from((CLIENT_LOCAL, query.source.port()));
        assert_eq!(answered(&mut transport, &query, &client).ip(), IpAddr::V6(SERVER_LOCAL));
    });
}

#[test]
fn the_interface_of_a_unicast_is_the_one_that_it_came_in_on() {
    let net = Net::new6("weak6");
    net.on_server(|| {
        net.server("addr add 2001:db8:9::1/128 dev lo");
        let mut transport = transport(&["lo/2001:db8:9::1"]);
        let far: Ipv6Addr = "2001:db8:9::1".parse().unwrap();
        net.client(&format!("route add {far}/128 via {SERVER6}"));
        let (got, client) = ask(&net, &mut transport, CLIENT6, far);
        let table = InterfaceTable::read().unwrap();
        assert_eq!(got.interface, table.by_name("s0").unwrap().index);
        assert_eq!(answered(&mut transport, &got, &client).ip(), IpAddr::V6(far));
    });
}

#[test]
fn loopback_is_served_by_its_address_when_named() {
    let net = Net::new6("lo6");
    net.on_server(|| {
        let mut transport = transport(&["lo/::1"]);
        let client = UdpSocket::bind((Ipv6Addr::LOCALHOST, 546)).unwrap();
        client.send_to(b"local", (Ipv6Addr::LOCALHOST, 547)).unwrap();
        let (got, _) = collect(&mut transport, 1);
        assert_eq!(got[0].local, IpAddr::V6(Ipv6Addr::LOCALHOST));
        let mut outbox = Outbox::default();
        outbox.push(b"reply", answer(&got[0]));
        send_all(&mut transport, &outbox);
        let mut buffer = [0; 9];
        let (_, from) = client.recv_from(&mut buffer).unwrap();
        assert_eq!(from, (Ipv6Addr::LOCALHOST, 547).into());
    });
}

#[test]
fn replies_to_one_relay_arrive_whole_and_in_order() {
    let net = Net::new6("relay6");
    net.on_server(|| {
        let mut transport = transport(&["s0", "s0/2001:db8::1"]);
        for (from, to) in [(CLIENT6, SERVER6), (CLIENT_LOCAL, GROUP)] {
            let (query, relay) = ask(&net, &mut transport, from, to);
            let sizes = [300usize, 300, 280, 1452, 1452, 1460, 1460, 1472, 2000, 4];
            let mut outbox = Outbox::default();
            let mut expected = Vec::new();
            for number in 0..200 {
                let len = if number < 130 { 300 } else { sizes[number % sizes.len()] };
                outbox.push(&vec![number as u8; len], answer(&query));
                expected.push((number as u8, len));
            }
            send_all(&mut transport, &outbox);
            let mut buffer = [0; 4096];
            for expected in expected {
                let (len, _) = relay.recv_from(&mut buffer).unwrap();
                assert!(buffer[..len].iter().all(|byte| *byte == buffer[0]));
                assert_eq!((buffer[0], len), expected);
            }
        }
    });
}

#[test]
fn what_ipv6_cannot_send_is_reported_and_harms_no_other() {
    let net = Net::new6("fail6");
    net.on_server(|| {
        let mut transport = transport(&["s0", "s0/2001:db8::1"]);
        let (query, relay) = ask(&net, &mut transport, CLIENT6, SERVER6);
        let mut outbox = Outbox::default();
        let mut push = |change: &dyn Fn(&mut util::link::Outbound)| {
            let mut entry = answer(&query);
            change(&mut entry);
            outbox.push(b"reply", entry);
        };
        push(&|_| ());
        push(&|entry| entry.destination = "[2001:db8:77::1]:547".parse().unwrap());
        push(&|entry| entry.source = "2001:db8::77".parse().unwrap());
        push(&|entry| entry.source = IpAddr::from([192, 0, 2, 1]));
        push(&|_| ());
        let mut codes = Vec::new();
        let report = transport.send(&outbox, 0..outbox.len(), &mut |entry, result| {
            codes.push((entry.start, result.err().and_then(|error| error.raw_os_error())));
        });
        assert_eq!((report.sent, report.failed), (2, 3));
        codes.sort_unstable();
        let codes: Vec<_> = codes.into_iter().filter_map(|(_, code)| code).collect();
        assert_eq!(codes, [libc::ENETUNREACH, libc::EADDRNOTAVAIL, libc::EAFNOSUPPORT]);
        for _ in 0..2 {
            assert_eq!(relay.recv(&mut [0; 99]).unwrap(), 5);
        }
    });
}

#[test]
fn what_the_kernel_has_no_room_for_is_counted() {
    let net = Net::new6("drops6");
    net.on_server(|| {
        let mut transport = transport(&["s0"]);
        let (client, to) = (net.client_udp(CLIENT_LOCAL, 546), net.at_client(GROUP, 547));
        // Twice what the buffer holds, counted with the memory that the kernel needs for each.
        const SENT: u32 = 12_000;
        for _ in 0..SENT {
            client.send_to(&[1; 1200], to).unwrap();
        }
        let (mut received, mut drops) = (0, 0);
        loop {
            let report = transport.receive_any(64, &mut |_| ());
            received += report.received;
            drops += report.kernel_drops;
            if report.taken() == 0 {
                break;
            }
        }
        assert!(drops > 0 && received >= 64, "{received} {drops}");
        assert_eq!(received + drops, SENT);
    });
}

/// Whether the group is heard; the answer's source.
fn hears(net: &Net, follower: &mut Follower) -> IpAddr {
    ask(net, &mut follower.transport, CLIENT_LOCAL, GROUP).0.local
}

#[test]
fn a_link_local_address_that_comes_late_is_served() {
    let net = Net::new6("late6");
    net.on_server(|| {
        net.server("addr flush dev s0");
        let mut follower = Follower::of(plan6(&["s0", "s0/2001:db8::1"]));
        assert_eq!(follower.transport.endpoints().count(), 0);
        assert!(!follower.transport.has_failures(), "nothing is tried");
        net.server("addr add fe80::7/64 dev s0 nodad");
        assert_eq!(follower.follow6(1), (2, 0));
        assert_eq!(hears(&net, &mut follower), IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 7]));
        net.server(&format!("addr add {SERVER6}/64 dev s0 nodad"));
        assert_eq!(follower.follow6(2), (1, 0), "the others stay open");
        let (got, _) = ask(&net, &mut follower.transport, CLIENT6, GROUP);
        assert_eq!(got.local, IpAddr::V6(SERVER6));
        net.server("addr flush dev s0");
        assert_eq!(follower.follow6(0), (0, 3));
    });
}

/// Makes duplicate detection start at once on the server's side; it takes a second.
fn hasten_detection() {
    std::fs::write("/proc/sys/net/ipv6/conf/s0/router_solicitation_delay", "0").unwrap();
}

#[test]
fn a_tentative_address_is_served_once_it_is_confirmed() {
    let net = Net::new6("dad");
    net.on_server(|| {
        net.server("addr flush dev s0");
        hasten_detection();
        net.server("addr add fe80::8/64 dev s0");
        let mut follower = Follower::of(plan6(&["s0"]));
        assert!(follower.table.by_name("s0").unwrap().ipv6[0].is_tentative);
        assert_eq!(follower.transport.endpoints().count(), 0);
        assert_eq!(follower.follow6(1), (2, 0));
        assert_eq!(hears(&net, &mut follower), IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 8]));
    });
}

#[test]
fn a_duplicate_address_is_not_served() {
    let net = Net::new6("dup");
    net.on_server(|| {
        net.server("addr flush dev s0");
        hasten_detection();
        let mut follower = Follower::of(plan6(&["s0"]));
        net.server(&format!("addr add {CLIENT_LOCAL}/64 dev s0"));
        net.server("addr add fe80::9/64 dev s0");
        assert_eq!(follower.follow6(1), (2, 0));
        let addresses = &follower.table.by_name("s0").unwrap().ipv6;
        let duplicate = addresses.iter().find(|own| own.address == CLIENT_LOCAL).unwrap();
        assert!(duplicate.is_tentative);
        assert_eq!(hears(&net, &mut follower), IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 9]));
    });
}

/// Gives the server its link-local address, and the client all of its own.
fn readdress(net: &Net) {
    net.server(&format!("addr add {SERVER_LOCAL}/64 dev s0 nodad"));
    net.client_addresses6();
}

#[test]
fn an_interface_that_goes_and_returns_is_served_again() {
    let net = Net::new6("again6");
    net.on_server(|| {
        let mut follower = Follower::of(plan6(&["s0"]));
        assert_eq!(hears(&net, &mut follower), SERVER_LOCAL);
        net.server("link del s0");
        assert_eq!(follower.follow6(0), (0, 2));
        net.plug("s0");
        readdress(&net);
        assert_eq!(follower.follow6(1), (2, 0));
        assert_eq!(hears(&net, &mut follower), SERVER_LOCAL);
    });
}

#[test]
fn an_interface_that_is_made_again_under_its_number_hears_the_group_again() {
    let net = Net::new6("number6");
    net.on_server(|| {
        net.server(&format!("addr del {SERVER6}/64 dev s0"));
        let mut follower = Follower::of(plan6(&["s0"]));
        net.replace_cable(follower.table.by_name("s0").unwrap().index);
        follower.monitor.drain(&mut follower.table).unwrap();
        readdress(&net);
        assert_eq!(follower.follow6(1), (1, 1), "the group's socket is replaced, the other stays");
        assert_eq!(hears(&net, &mut follower), SERVER_LOCAL);
    });
}

#[test]
fn down_up_and_a_new_name_are_survived() {
    let net = Net::new6("flap6");
    net.on_server(|| {
        let mut follower = Follower::of(plan6(&["*"]));
        net.server("link set s0 down");
        assert_eq!(follower.follow6(0), (0, 2));
        net.server("link set s0 name wan");
        net.server("link set wan up");
        net.server(&format!("addr add {SERVER_LOCAL}/64 dev wan nodad"));
        assert_eq!(follower.follow6(1), (2, 0));
        assert!(follower.transport.endpoints().all(|(_, endpoint)| endpoint.name == "wan"));
        assert_eq!(hears(&net, &mut follower), SERVER_LOCAL);
    });
}

#[test]
fn a_port_in_use_keeps_the_group_closed_until_it_is_free() {
    let net = Net::new6("port6");
    net.on_server(|| {
        let table = InterfaceTable::read().unwrap();
        let index = table.by_name("s0").unwrap().index.0;
        let other = UdpSocket::bind(SocketAddrV6::new(SERVER_LOCAL, 547, 0, index)).unwrap();
        let mut transport = Transport::new(plan6(&["s0"]), 0, 1);
        let events = transport.reconcile(&table);
        let [Event::Failed { reason, endpoint }] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(reason.kind(), std::io::ErrorKind::AddrInUse);
        assert_eq!(endpoint.address(), IpAddr::V6(SERVER_LOCAL));
        assert!(transport.has_failures());
        assert!(transport.reconcile(&table).is_empty(), "told once");
        drop(other);
        while transport.has_failures() {
            std::thread::yield_now();
            transport.reconcile(&table);
        }
        assert_eq!(ask(&net, &mut transport, CLIENT_LOCAL, GROUP).0.local, SERVER_LOCAL);
    });
}
