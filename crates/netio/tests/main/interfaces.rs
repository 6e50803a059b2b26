//! Interfaces that change under a running transport.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd;

use netio::{Event, InterfaceTable, Monitor, Plan, SocketKind, Transport};
use util::link::{Delivery, Outbox};

use crate::support::{
    CLIENT, Net, SERVER, collect, frame, plan, readable, reply, send_all, transport,
};

const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const ALL: Ipv4Addr = Ipv4Addr::BROADCAST;
/// Tries until something that other threads hold up must have happened.
const PATIENCE: usize = 10_000;

/// A transport that follows the interfaces.
pub(crate) struct Follower {
    pub(crate) transport: Transport,
    pub(crate) monitor: Monitor,
    pub(crate) table: InterfaceTable,
}

impl Follower {
    fn new(specs: &[&str], kind: SocketKind) -> Self {
        Self::of(plan(specs, kind))
    }

    pub(crate) fn of(plan: Plan) -> Self {
        let (monitor, table) = Monitor::open().unwrap();
        let mut transport = Transport::new(plan, 0, 1);
        transport.reconcile(&table);
        Self { transport, monitor, table }
    }

    /// Takes in what changed; the number of sockets opened and closed.
    pub(crate) fn follow(&mut self) -> (usize, usize) {
        assert!(self.monitor.drain(&mut self.table).unwrap(), "nothing was notified");
        assert_eq!(self.table, InterfaceTable::read().unwrap());
        self.reconcile()
    }

    /// Makes the sockets fit the table; the number of them opened and closed.
    pub(crate) fn reconcile(&mut self) -> (usize, usize) {
        let mut events = self.transport.reconcile(&self.table);
        // Commands that other tests are just starting inherit the descriptors for a moment, closed
        // ones included.
        for _ in 0..PATIENCE {
            if !self.transport.has_failures() {
                events.retain(|event| !matches!(event, Event::Failed { .. }));
                break;
            }
            std::thread::yield_now();
            events.extend(self.transport.reconcile(&self.table));
        }
        let opened = events.iter().filter(|event| matches!(event, Event::Opened { .. })).count();
        let closed = events.iter().filter(|event| matches!(event, Event::Closed { .. })).count();
        assert_eq!(opened + closed, events.len(), "{events:?}");
        (opened, closed)
    }

    /// Takes in what changes until the interfaces, loopback aside, have so many confirmed IPv6
    /// addresses, which the kernel notifies when it gets round to it; the number of sockets opened
    /// and closed then.
    pub(crate) fn follow6(&mut self, addresses: usize) -> (usize, usize) {
        let count = |table: &InterfaceTable| {
            let links = table.interfaces().iter().filter(|interface| !interface.is_loopback);
            links.flat_map(|link| &link.ipv6).filter(|own| !own.is_tentative).count()
        };
        while count(&self.table) != addresses {
            assert!(readable(self.monitor.as_raw_fd()), "{:?}", self.table);
            self.monitor.drain(&mut self.table).unwrap();
        }
        self.reconcile()
    }

    /// Whether a broadcast is heard, and the address that it would be answered from.
    fn hears_broadcast(&mut self, net: &Net) -> IpAddr {
        net.client_frames().send(&frame(ANY, ALL, b"anyone?"));
        let (got, _) = collect(&mut self.transport, 1);
        assert_eq!(got[0].payload, b"anyone?");
        got[0].local
    }
}

#[test]
fn an_interface_that_comes_late_is_served() {
    for kind in [SocketKind::Raw, SocketKind::Udp] {
        let net = Net::new(&format!("late{kind:?}"));
        net.server("link del s0");
        net.on_server(|| {
            let mut follower = Follower::new(&["s0"], kind);
            assert_eq!(follower.transport.endpoints().count(), 0);
            net.plug("s0");
            net.server("addr add 192.0.2.1/24 dev s0");
            let sockets = if kind == SocketKind::Raw { 2 } else { 3 };
            assert_eq!(follower.follow(), (sockets, 0));
            assert_eq!(follower.hears_broadcast(&net), SERVER);
        });
    }
}

#[test]
fn an_interface_that_is_made_again_is_served_again() {
    for (kind, sockets) in [(SocketKind::Raw, 2), (SocketKind::Udp, 3)] {
        let net = Net::new(&format!("again{kind:?}"));
        net.on_server(|| {
            let mut follower = Follower::new(&["s0"], kind);
            assert_eq!(follower.hears_broadcast(&net), SERVER);
            net.server("link del s0");
            net.plug("s0");
            net.server("addr add 192.0.2.1/24 dev s0");
            assert_eq!(follower.follow(), (sockets, sockets));
            assert_eq!(follower.hears_broadcast(&net), SERVER);
        });
    }
}

#[test]
fn an_interface_that_is_made_again_under_its_number_is_served_again() {
    let net = Net::new("number");
    net.on_server(|| {
        let mut follower = Follower::new(&["s0"], SocketKind::Raw);
        net.replace_cable(follower.table.by_name("s0").unwrap().index);
        net.server("addr add 192.0.2.1/24 dev s0");
        assert_eq!(follower.follow(), (1, 1), "the packet socket is replaced, the other stays");
        assert_eq!(follower.hears_broadcast(&net), SERVER);
    });
}

#[test]
fn a_renamed_interface_goes_by_its_new_name() {
    let net = Net::new("rename");
    net.on_server(|| {
        let mut everywhere = Follower::new(&["*"], SocketKind::Raw);
        net.server("link set s0 down");
        net.server("link set s0 name wan");
        net.server("link set wan up");
        assert_eq!(everywhere.follow(), (0, 0), "the sockets serve on");
        assert!(everywhere.transport.endpoints().all(|(_, endpoint)| endpoint.name == "wan"));
        assert_eq!(everywhere.hears_broadcast(&net), SERVER);
        drop(everywhere);

        let mut named = Follower::new(&["s0"], SocketKind::Raw);
        assert_eq!(named.transport.endpoints().count(), 0);
        net.server("link set wan name s0");
        assert_eq!(named.follow(), (2, 0));
        assert_eq!(named.hears_broadcast(&net), SERVER);
        net.server("link set s0 name wan");
        assert_eq!(named.follow(), (0, 2));
    });
}

#[test]
fn addresses_are_followed() {
    for kind in [SocketKind::Raw, SocketKind::Udp] {
        let net = Net::new(&format!("addr{kind:?}"));
        net.on_server(|| {
            let mut follower = Follower::new(&["s0"], kind);
            net.server("addr add 192.0.2.8/24 dev s0");
            follower.follow();
            let relay = net.client_udp(CLIENT, 67);
            relay.send_to(b"to the new one", ("192.0.2.8", 67)).unwrap();
            let (got, _) = collect(&mut follower.transport, 1);
            assert_eq!(got[0].local, IpAddr::from([192, 0, 2, 8]));
        });
    }
}

#[test]
fn an_address_that_is_replaced_is_answered_from_no_more() {
    let net = Net::new("readdress");
    net.on_server(|| {
        let mut follower = Follower::new(&["s0"], SocketKind::Raw);
        net.server("addr del 192.0.2.1/24 dev s0");
        net.server("addr add 192.0.2.7/24 dev s0");
        assert_eq!(follower.follow(), (2, 2));
        assert_eq!(follower.hears_broadcast(&net), IpAddr::from([192, 0, 2, 7]));
        net.server("addr flush dev s0");
        assert_eq!(follower.follow(), (0, 2));
    });
}

#[test]
fn a_changed_link_address_is_used() {
    let net = Net::new("mac");
    net.on_server(|| {
        let mut follower = Follower::new(&["s0"], SocketKind::Raw);
        net.server("link set s0 address 02:00:00:00:00:11");
        assert_eq!(follower.follow(), (1, 1));
        assert_eq!(follower.hears_broadcast(&net), SERVER);
    });
}

#[test]
fn down_and_up_is_survived() {
    let net = Net::new("flap");
    net.on_server(|| {
        let mut follower = Follower::new(&["s0"], SocketKind::Raw);
        net.server("link set s0 down");
        assert_eq!(follower.follow(), (0, 2));
        net.server("link set s0 up");
        assert_eq!(follower.follow(), (2, 0));
        assert_eq!(follower.hears_broadcast(&net), SERVER);
        net.server("link set s0 down");
        net.server("link set s0 up");
        assert_eq!(follower.follow(), (0, 0), "too quick to be noticed");
        follower.transport.receive_any(64, &mut |_| ());
        let fds: Vec<_> = follower.transport.raw_fds().collect();
        for (token, _) in fds {
            follower.transport.receive(token, 64, &mut |_| ());
        }
        assert_eq!(follower.hears_broadcast(&net), SERVER);
    });
}

#[test]
fn bridges_and_macvlans_are_interfaces_like_others() {
    let net = Net::new("top");
    net.on_server(|| {
        let mut bridge = Follower::new(&["br0"], SocketKind::Raw);
        let mut parent = Follower::new(&["s0"], SocketKind::Raw);
        net.server("link add mv0 link s0 type macvlan mode bridge");
        net.server("addr add 198.51.100.1/24 dev mv0");
        net.server("link set mv0 up");
        let mut macvlan = transport(&["mv0"], SocketKind::Raw);
        assert_eq!(parent.hears_broadcast(&net), SERVER);
        let (got, _) = collect(&mut macvlan, 1);
        assert_eq!(got[0].local, IpAddr::from([198, 51, 100, 1]));
        drop(macvlan);
        net.server("link del mv0");

        net.server("link add br0 type bridge forward_delay 0");
        net.server("link set br0 up");
        net.server("addr flush dev s0");
        net.server("link set s0 master br0");
        net.server("addr add 192.0.2.1/24 dev br0");
        assert_eq!(parent.follow(), (0, 2));
        assert_eq!(bridge.follow(), (2, 0));
        assert_eq!(bridge.hears_broadcast(&net), SERVER);
        net.server("link set s0 nomaster");
        bridge.monitor.drain(&mut bridge.table).unwrap();
        assert!(bridge.table.by_name("s0").is_some(), "leaving a bridge is not the end");
    });
}

#[test]
fn lost_notifications_are_made_up_for() {
    let net = Net::new("overrun");
    net.on_server(|| {
        let (mut monitor, mut table) = Monitor::open().unwrap();
        // More notifications than the socket has room for.
        let script: String = (0..4000)
            .map(|n| format!("addr add 10.{}.{}.1/32 dev s0\n", n / 200, n % 200))
            .chain((0..3999).map(|n| format!("addr del 10.{}.{}.1/32 dev s0\n", n / 200, n % 200)))
            .collect();
        let path = std::env::temp_dir().join(format!("{}-batch", net.server));
        std::fs::write(&path, script).unwrap();
        net.server(&format!("-batch {}", path.display()));
        std::fs::remove_file(&path).unwrap();
        assert!(monitor.drain(&mut table).unwrap());
        assert_eq!(table, InterfaceTable::read().unwrap());
        assert_eq!(table.by_name("s0").unwrap().ipv4.len(), 2);
        assert!(!monitor.drain(&mut table).unwrap());
    });
}

#[test]
fn a_port_in_use_is_reported_once_and_tried_again() {
    for kind in [SocketKind::Raw, SocketKind::Udp] {
        let net = Net::new(&format!("port{kind:?}"));
        net.on_server(|| {
            let other = UdpSocket::bind((SERVER, 67)).unwrap();
            let table = InterfaceTable::read().unwrap();
            let mut transport = Transport::new(plan(&["s0"], kind), 0, 1);
            let is_refused = |event: &Event| {
                let Event::Failed { reason, .. } = event else { return false };
                reason.kind() == std::io::ErrorKind::AddrInUse
            };
            assert!(transport.reconcile(&table).iter().any(is_refused));
            assert!(transport.has_failures());
            assert!(transport.reconcile(&table).is_empty(), "told once");
            drop(other);
            for _ in 0..PATIENCE {
                if transport.has_failures() {
                    std::thread::yield_now();
                    transport.reconcile(&table);
                }
            }
            assert!(!transport.has_failures());
            let relay = net.client_udp(CLIENT, 67);
            relay.send_to(b"now", (SERVER, 67)).unwrap();
            assert_eq!(collect(&mut transport, 1).0[0].payload, b"now");
        });
    }
}

#[test]
fn ports_are_closed_to_the_network_by_the_silent_sockets() {
    let net = Net::new("silent");
    net.on_server(|| {
        let mut transport = transport(&["s0"], SocketKind::Raw);
        let relay = net.client_udp(CLIENT, 67);
        relay.connect((SERVER, 67)).unwrap();
        for _ in 0..3 {
            relay.send(b"no answer 'port unreachable' comes").unwrap();
        }
        assert_eq!(collect(&mut transport, 3).0.len(), 3);
        let mut outbox = Outbox::default();
        let delivery = Delivery::Routed { fallback: None };
        outbox.push(b"reply", reply(&transport, (CLIENT, 67), delivery));
        send_all(&mut transport, &outbox);
        let mut buffer = [0; 99];
        assert_eq!(relay.recv(&mut buffer).unwrap(), 5);
    });
}
