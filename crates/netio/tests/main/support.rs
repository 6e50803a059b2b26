//! Two namespaces with a cable between them, a client that speaks in frames, and helpers around a
//! transport.

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::process::Command;
use std::time::Duration;

use netio::{
    Event, Family, InterfaceSpec, InterfaceTable, MalformedCounts, Plan, ReceiveReport, SocketKind,
    Transport,
};
use util::link::{Delivery, Inbound, InterfaceIndex, LinkAddress, Outbound, Outbox};

pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
pub(crate) const SERVER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
pub(crate) const CLIENT6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
pub(crate) const SERVER_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
pub(crate) const CLIENT_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 2);
pub(crate) const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);
pub(crate) const CLIENT_LINK: LinkAddress = LinkAddress([2, 0, 0, 0, 0, 2]);
pub(crate) const SERVER_LINK: LinkAddress = LinkAddress([2, 0, 0, 0, 0, 1]);
const PATIENCE: Duration = Duration::from_secs(3);

/// Namespaces `server` (interface `s0`, 192.0.2.1/24) and `client` (`c0`, 192.0.2.2/24); gone when
/// dropped.
pub(crate) struct Net {
    pub(crate) server: String,
    pub(crate) client: String,
}

impl Net {
    /// Without IPv6, whose duplicate address detection would change the table at times of its own.
    pub(crate) fn new(tag: &str) -> Self {
        Self::with(tag, "disable_ipv6")
    }

    /// With IPv6, but no address that is not given here or in a test: 2001:db8::1/64 and fe80::1/64
    /// for the server, the same with 2 for the client.
    pub(crate) fn new6(tag: &str) -> Self {
        let net = Self::with(tag, "addr_gen_mode");
        for address in [SERVER6, SERVER_LOCAL] {
            net.server(&format!("addr add {address}/64 dev s0 nodad"));
        }
        net.client_addresses6();
        net
    }

    /// Gives the client its IPv6 addresses.
    pub(crate) fn client_addresses6(&self) {
        for address in [CLIENT6, CLIENT_LOCAL] {
            self.client(&format!("addr add {address}/64 dev c0 nodad"));
        }
    }

    /// Makes the network with a setting of IPv6 that is 1 for all interfaces.
    fn with(tag: &str, setting: &str) -> Self {
        let name = |side| format!("netio-{}-{tag}-{side}", std::process::id());
        let net = Self { server: name("s"), client: name("c") };
        for name in [&net.server, &net.client] {
            ip(&format!("netns add {name}"));
            inside(name, || {
                for part in ["all", "default"] {
                    let path = format!("/proc/sys/net/ipv6/conf/{part}/{setting}");
                    std::fs::write(path, "1").unwrap();
                }
            });
            ip(&format!("-n {name} link set lo up"));
        }
        net.plug("s0");
        net.server("addr add 192.0.2.1/24 dev s0");
        net.client("addr add 192.0.2.2/24 dev c0");
        net
    }

    /// Lays the cable, with the server's end under this name.
    pub(crate) fn plug(&self, name: &str) {
        let link = "link add c0 address 02:00:00:00:00:02 type veth peer name";
        self.client(&format!("{link} {name} address 02:00:00:00:00:01 netns {}", self.server));
        self.server(&format!("link set {name} up"));
        self.client("link set c0 up");
    }

    /// Lays another cable whose end at the server gets the number and the name of the one before.
    pub(crate) fn replace_cable(&self, index: InterfaceIndex) {
        self.server("link del s0");
        let link = "address 02:00:00:00:00:01 type veth peer name c0 address 02:00:00:00:00:02";
        self.server(&format!("link add s0 index {} {link} netns {}", index.0, self.client));
        // The end that comes up last works at once; the other one when the kernel gets round to it.
        self.server("link set s0 up");
        self.client("link set c0 up");
    }

    /// Runs `ip` in the server's namespace.
    pub(crate) fn server(&self, arguments: &str) {
        ip(&format!("-n {} {arguments}", self.server));
    }

    /// Whether the kernel can make a link of that type.
    pub(crate) fn supports(&self, kind: &str) -> bool {
        let arguments = format!("-n {} link add link s0 name probe0 type {kind}", self.server);
        let made = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
        if made.status.success() {
            self.server("link del probe0");
        }
        made.status.success()
    }

    /// Runs `ip` in the client's namespace.
    pub(crate) fn client(&self, arguments: &str) {
        ip(&format!("-n {} {arguments}", self.client));
    }

    /// Runs a test in the server's namespace.
    pub(crate) fn on_server<T: Send>(&self, test: impl FnOnce() -> T + Send) -> T {
        inside(&self.server, test)
    }

    /// An address and port as the client must name them.
    pub(crate) fn at_client(&self, address: impl Into<IpAddr>, port: u16) -> SocketAddr {
        let address = address.into();
        let IpAddr::V6(own) = address else { return SocketAddr::new(address, port) };
        let table = inside(&self.client, || InterfaceTable::read().unwrap());
        let is_scoped = own.is_unicast_link_local() || own.is_multicast();
        let scope = if is_scoped { table.by_name("c0").unwrap().index.0 } else { 0 };
        SocketAddrV6::new(own, port, 0, scope).into()
    }

    /// A UDP socket of the client.
    pub(crate) fn client_udp(&self, address: impl Into<IpAddr>, port: u16) -> UdpSocket {
        let at = self.at_client(address, port);
        let socket = inside(&self.client, || UdpSocket::bind(at).unwrap());
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        if at.is_ipv4() {
            socket.set_broadcast(true).unwrap();
        }
        let bytes = 4i32 << 20;
        // SAFETY: the pointer and length describe `bytes`.
        let result = unsafe {
            let name = libc::SO_RCVBUFFORCE;
            let value = (&raw const bytes).cast();
            libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, name, value, 4)
        };
        assert_eq!(result, 0);
        socket
    }

    /// A packet socket of the client on its end of the cable.
    pub(crate) fn client_frames(&self) -> Frames {
        inside(&self.client, || Frames::open("c0"))
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for name in [&self.server, &self.client] {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {text}");
}

/// Runs `f` on a thread of its own in a namespace. Sockets that it makes stay there.
pub(crate) fn inside<T: Send>(name: &str, f: impl FnOnce() -> T + Send) -> T {
    let file = File::open(format!("/run/netns/{name}")).unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            // SAFETY: setns takes a descriptor, which `file` keeps open; it concerns this thread
            // alone.
            assert_eq!(unsafe { libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET) }, 0);
            f()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A packet socket.
pub(crate) struct Frames {
    fd: OwnedFd,
    interface: i32,
}

impl Frames {
    fn open(interface: &str) -> Self {
        let table = InterfaceTable::read().unwrap();
        let interface = table.by_name(interface).unwrap().index.0 as i32;
        // SAFETY: plain system calls; the address outlives the call that it is given to.
        unsafe {
            let protocol = (libc::ETH_P_IP as u16).to_be();
            let fd = libc::socket(libc::AF_PACKET, libc::SOCK_RAW, i32::from(protocol));
            assert!(fd >= 0);
            let fd = OwnedFd::from_raw_fd(fd);
            let mut address: libc::sockaddr_ll = std::mem::zeroed();
            address.sll_family = libc::AF_PACKET as u16;
            address.sll_protocol = protocol;
            address.sll_ifindex = interface;
            let len = size_of_val(&address) as u32;
            assert_eq!(libc::bind(fd.as_raw_fd(), (&raw const address).cast(), len), 0);
            Self { fd, interface }
        }
    }

    pub(crate) fn send(&self, frame: &[u8]) {
        assert!(self.interface > 0);
        // SAFETY: the pointer and length describe `frame`.
        let sent =
            unsafe { libc::send(self.fd.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        assert_eq!(sent, frame.len() as isize, "{}", io::Error::last_os_error());
    }

    /// The next frame that came in and fits; what goes out and other traffic is passed over.
    pub(crate) fn receive(&self, fits: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let mut buffer = vec![0; 4096];
        while readable(self.fd.as_raw_fd()) {
            // SAFETY: the pointer and length describe `buffer`.
            let len = unsafe {
                libc::recv(self.fd.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0)
            };
            let frame = &buffer[..len as usize];
            if frame[6..12] == SERVER_LINK.0 && fits(frame) {
                return frame.to_vec();
            }
        }
        panic!("no such frame arrived");
    }
}

pub(crate) fn readable(fd: RawFd) -> bool {
    wait_for_any([fd].into_iter()).iter().any(|poll| poll.revents != 0)
}

/// Waits until one of the descriptors is readable, or patience is at its end.
pub(crate) fn wait_for_any(fds: impl Iterator<Item = RawFd>) -> Vec<libc::pollfd> {
    let mut polls: Vec<_> =
        fds.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 }).collect();
    let patience = PATIENCE.as_millis() as i32;
    // SAFETY: the pointer and length describe `polls`.
    unsafe { libc::poll(polls.as_mut_ptr(), polls.len() as u64, patience) };
    polls
}

/// A frame from the client with an IPv4 UDP datagram; the checksum of the UDP header is absent.
pub(crate) fn frame(source: Ipv4Addr, destination: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let link = if destination == SERVER { SERVER_LINK.0 } else { [0xff; 6] };
    let mut ip = vec![0x45, 0];
    ip.extend_from_slice(&(28 + payload.len() as u16).to_be_bytes());
    ip.extend_from_slice(&[0, 0, 0, 0, 64, 17, 0, 0]);
    ip.extend_from_slice(&source.octets());
    ip.extend_from_slice(&destination.octets());
    let mut frame = [&link[..], &CLIENT_LINK.0, &[8, 0], &ip, &[0, 68, 0, 67]].concat();
    frame.extend_from_slice(&(8 + payload.len() as u16).to_be_bytes());
    frame.extend_from_slice(&[0, 0]);
    frame.extend_from_slice(payload);
    fix_ip_checksum(&mut frame);
    frame
}

/// Makes the IP header's checksum right.
pub(crate) fn fix_ip_checksum(frame: &mut [u8]) {
    frame[24..26].fill(0);
    let sum = checksum(&frame[14..34], 0);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
}

/// The Internet checksum of bytes, after `start`.
pub(crate) fn checksum(bytes: &[u8], start: u32) -> u16 {
    let words = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |byte| u32::from(*byte)));
    let mut sum = start + words.sum::<u32>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Puts a VLAN tag into a frame.
pub(crate) fn tagged(frame: &[u8], vlan: u8) -> Vec<u8> {
    [&frame[..12], &[0x81, 0, 0, vlan], &frame[12..]].concat()
}

/// A payload with a hardware address where a DHCPv4 message has it.
pub(crate) fn query(client: u32, len: usize) -> Vec<u8> {
    let mut payload = vec![0; len.max(44)];
    payload[30..34].copy_from_slice(&client.to_be_bytes());
    payload
}

/// The client's number in a [`query`].
pub(crate) fn client_of(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload[30..34].try_into().unwrap())
}

pub(crate) fn plan(specs: &[&str], kind: SocketKind) -> Plan {
    let specs = specs.iter().map(|text| InterfaceSpec::parse(text, Family::V4).unwrap()).collect();
    Plan::new4(specs, kind, 67).unwrap()
}

/// A transport with its sockets open.
pub(crate) fn transport(specs: &[&str], kind: SocketKind) -> Transport {
    member(specs, kind, 0, 1)
}

pub(crate) fn plan6(specs: &[&str]) -> Plan {
    let specs = specs.iter().map(|text| InterfaceSpec::parse(text, Family::V6).unwrap()).collect();
    Plan::new6(specs, 547).unwrap()
}

/// A transport of a group with its sockets open.
pub(crate) fn member(specs: &[&str], kind: SocketKind, index: u16, count: u16) -> Transport {
    open(plan(specs, kind), index, count)
}

/// A transport of a group with the sockets of a plan open.
pub(crate) fn open(plan: Plan, index: u16, count: u16) -> Transport {
    let mut transport = Transport::new(plan, index, count);
    let events = transport.reconcile(&InterfaceTable::read().unwrap());
    assert!(events.iter().all(|event| matches!(event, Event::Opened { .. })), "{events:?}");
    assert!(!transport.has_failures());
    transport
}

/// A copy of a received datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) payload: Vec<u8>,
    pub(crate) interface: InterfaceIndex,
    pub(crate) source: SocketAddr,
    pub(crate) destination: IpAddr,
    pub(crate) local: IpAddr,
    pub(crate) link_source: Option<LinkAddress>,
}

impl From<Inbound<'_>> for Got {
    fn from(inbound: Inbound<'_>) -> Self {
        Self {
            payload: inbound.payload.to_vec(),
            interface: inbound.interface,
            source: inbound.source,
            destination: inbound.destination,
            local: inbound.local,
            link_source: inbound.link_source,
        }
    }
}

/// Everything received up to and including `count` datagrams, and what was dropped on the way.
pub(crate) fn collect(transport: &mut Transport, count: usize) -> (Vec<Got>, Drops) {
    let mut got = Vec::new();
    let mut drops = Drops::default();
    while got.len() < count {
        let fds: Vec<_> = transport.raw_fds().collect();
        let polls = wait_for_any(fds.iter().map(|(_, fd)| *fd));
        let is_ready = polls.iter().any(|poll| poll.revents != 0);
        assert!(is_ready, "only {} of {count} datagrams came: {got:?} {drops:?}", got.len());
        for ((token, _), poll) in fds.iter().zip(&polls) {
            if poll.revents != 0 {
                let mut take = |inbound: Inbound<'_>| got.push(Got::from(inbound));
                drops.add(&transport.receive(*token, 64, &mut take));
            }
        }
    }
    (got, drops)
}

/// Sums of reports.
#[derive(Debug, Default)]
pub(crate) struct Drops {
    pub(crate) truncated: u32,
    pub(crate) malformed: Vec<MalformedCounts>,
}

impl Drops {
    fn add(&mut self, report: &ReceiveReport) {
        assert!(report.error.is_none(), "{report:?}");
        self.truncated += report.truncated;
        self.malformed.push(report.malformed);
    }

    pub(crate) fn of(&self, reason: netio::Malformed) -> u32 {
        self.malformed.iter().map(|counts| counts.get(reason)).sum()
    }

    pub(crate) fn total(&self) -> u32 {
        self.truncated + self.malformed.iter().map(MalformedCounts::total).sum::<u32>()
    }
}

/// An entry that answers on the first interface of the transport.
pub(crate) fn reply(transport: &Transport, to: (Ipv4Addr, u16), delivery: Delivery) -> Outbound {
    Outbound {
        start: 0,
        len: 0,
        interface: transport.endpoints().next().unwrap().1.interface,
        source: IpAddr::V4(SERVER),
        destination: SocketAddr::from(to),
        delivery,
        tag: 0,
        hold: 0,
        alone: false,
    }
}

/// An entry that answers a query.
pub(crate) fn answer(query: &Got) -> Outbound {
    Outbound {
        start: 0,
        len: 0,
        interface: query.interface,
        source: query.local,
        destination: query.source,
        delivery: Delivery::Routed { fallback: None },
        tag: 0,
        hold: 0,
        alone: false,
    }
}

/// Sends everything and expects it to succeed.
pub(crate) fn send_all(transport: &mut Transport, outbox: &Outbox) {
    let mut calls = 0;
    let report = transport.send(outbox, 0..outbox.len(), &mut |entry, result| {
        assert!(result.is_ok(), "{entry:?}: {result:?}");
        calls += 1;
    });
    assert_eq!((calls, report.sent as usize, report.failed), (outbox.len(), outbox.len(), 0));
}
