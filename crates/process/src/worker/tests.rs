use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};

use netio::{Family, InterfaceSpec, SocketKind};

use super::*;

const LIMIT: Duration = Duration::from_secs(10);

/// What a server was told.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Datagram(Vec<u8>),
    Failed,
    Opened(IpAddr),
    Refused(IpAddr),
}

/// Tells what it hears; panics at the end of a batch in which it has seen `panic`, and when it goes on with a packet
/// that has waited and says so.
struct Listener {
    heard: Sender<Heard>,
    panics: bool,
    /// Packets that wait, the next one last.
    waiting: Vec<&'static [u8]>,
    /// For how long they may.
    patience: Duration,
    /// Where it tells how it is woken.
    wakes: Option<Sender<Wake>>,
}

impl Listener {
    fn new(heard: Sender<Heard>) -> Self {
        Self { heard, panics: false, waiting: Vec::new(), patience: Duration::ZERO, wakes: None }
    }
}

impl PacketServer for Listener {
    type Update = ();

    fn started(&mut self, wake: Wake) {
        if !self.waiting.is_empty() {
            wake(false);
        }
        if let Some(wakes) = &self.wakes {
            wakes.send(wake).unwrap();
        }
    }

    fn patience(&self) -> Duration {
        if self.waiting.is_empty() { Duration::ZERO } else { self.patience }
    }

    fn resume(&mut self, _now: Now, _replies: &mut Replies) {
        while let Some(packet) = self.waiting.pop() {
            assert!(packet != b"panic", "a packet that had waited");
            let _ = self.heard.send(Heard::Datagram(packet.to_vec()));
        }
    }

    fn look(&self, _payload: &[u8]) {}

    fn receive(&mut self, input: Inbound<'_>, _now: Now, _replies: &mut Replies) {
        self.panics = input.payload == b"panic";
        let _ = self.heard.send(Heard::Datagram(input.payload.to_vec()));
    }

    fn end_batch(&mut self, _now: Now, _replies: &mut Replies) {
        assert!(!std::mem::take(&mut self.panics), "a packet that had waited");
    }

    fn processing_failed(&mut self, _input: Option<&Inbound<'_>>, reason: &str) {
        assert_eq!(reason, "a packet that had waited");
        let _ = self.heard.send(Heard::Failed);
    }

    fn received(&mut self, _report: &ReceiveReport, _now: Now) {}

    fn sent(&mut self, _reply: &Outbound, _result: Result<(), io::Error>) {}

    fn discarded(&mut self, _replies: usize) {}

    fn sockets_changed(&mut self, events: &[Event]) {
        for event in events {
            let _ = match event {
                Event::Opened { endpoint, .. } => {
                    self.heard.send(Heard::Opened(endpoint.address()))
                }
                Event::Failed { endpoint, .. } => {
                    self.heard.send(Heard::Refused(endpoint.address()))
                }
                Event::Closed { .. } => Ok(()),
            };
        }
    }

    fn update(&mut self, (): ()) {}
}

/// A worker on addresses of the loopback interface.
fn worker(addresses: &[Ipv4Addr], port: u16) -> (Worker<()>, Receiver<Heard>) {
    let mut interfaces = InterfaceTable::read().unwrap().interfaces().to_vec();
    interfaces.retain(|interface| interface.is_loopback);
    interfaces[0].ipv4 =
        addresses.iter().map(|&address| netio::Ipv4Network { address, prefix_len: 8 }).collect();
    let name = InterfaceSpec::parse(&interfaces[0].name, Family::V4).unwrap();
    let plan = Plan::new4(vec![name], SocketKind::Udp, port).unwrap();
    start(plan, InterfaceTable::from_interfaces(interfaces))
}

/// A worker with its sockets open.
fn start(plan: Plan, table: InterfaceTable) -> (Worker<()>, Receiver<Heard>) {
    let (heard, hears) = channel();
    let server = Listener::new(heard);
    let worker = Worker::start(0, server, Transport::new(plan, 0, 1), None).unwrap();
    worker.set_interfaces(Arc::new(table));
    drop(pause(std::slice::from_ref(&worker)));
    (worker, hears)
}

fn free_port() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.local_addr().unwrap().port()
}

#[track_caller]
fn wait_for(hears: &Receiver<Heard>, wanted: &Heard) {
    while hears.recv_timeout(LIMIT).expect("it is heard") != *wanted {}
}

#[test]
fn panic_at_the_end_of_a_batch_costs_one_packet_only() {
    let port = free_port();
    let (worker, hears) = worker(&[Ipv4Addr::LOCALHOST], port);
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    client.connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    client.send(b"panic").unwrap();
    wait_for(&hears, &Heard::Failed);
    client.send(b"after").unwrap();
    wait_for(&hears, &Heard::Datagram(b"after".to_vec()));
    assert!(!worker.has_ended());
}

#[test]
fn panic_of_a_packet_that_has_waited_does_not_hold_up_those_behind_it() {
    let (heard, hears) = channel();
    let waiting: Vec<&[u8]> = vec![b"second", b"panic", b"panic", b"first"];
    let server = Listener { waiting, ..Listener::new(heard) };
    let plan = Plan::new4(Vec::new(), SocketKind::Udp, free_port()).unwrap();
    let _worker = Worker::start(0, server, Transport::new(plan, 0, 1), None).unwrap();
    let heard: Vec<Heard> =
        (0..4).map(|_| hears.recv_timeout(LIMIT).expect("it is heard")).collect();
    let datagram = |text: &[u8]| Heard::Datagram(text.to_vec());
    assert_eq!(heard, [datagram(b"first"), Heard::Failed, Heard::Failed, datagram(b"second")]);
}

#[test]
fn what_is_urgent_ends_the_patience_of_a_worker() {
    let (heard, hears) = channel();
    let (wakes, woken) = channel();
    let server = Listener {
        waiting: vec![b"answer"],
        patience: 2 * LIMIT,
        wakes: Some(wakes),
        ..Listener::new(heard)
    };
    let plan = Plan::new4(Vec::new(), SocketKind::Udp, free_port()).unwrap();
    let worker = Worker::start(0, server, Transport::new(plan, 0, 1), None).unwrap();
    let wake = woken.recv_timeout(LIMIT).expect("it is told how to wake it");
    wake(true);
    wait_for(&hears, &Heard::Datagram(b"answer".to_vec()));
    drop(worker);
}

#[test]
fn worker_serves_ipv6_when_its_plan_does() {
    let client = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    let occupant = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    let port = occupant.local_addr().unwrap().port();
    drop(occupant);
    let spec = InterfaceSpec::parse("lo/::1", Family::V6).unwrap();
    let plan = Plan::new6(vec![spec], port).unwrap();
    let (_worker, hears) = start(plan, InterfaceTable::read().unwrap());
    client.send_to(b"six", (Ipv6Addr::LOCALHOST, port)).unwrap();
    wait_for(&hears, &Heard::Datagram(b"six".to_vec()));
}

#[test]
fn socket_that_could_not_be_opened_is_tried_again_while_others_are_busy() {
    let second = Ipv4Addr::new(127, 0, 0, 2);
    let occupant = UdpSocket::bind(SocketAddrV4::new(second, 0)).unwrap();
    let port = occupant.local_addr().unwrap().port();
    let (_worker, hears) = worker(&[Ipv4Addr::LOCALHOST, second], port);
    wait_for(&hears, &Heard::Refused(second.into()));
    drop(occupant);
    let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    client.connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let begin = Instant::now();
    loop {
        assert!(begin.elapsed() < LIMIT, "the address is never served");
        client.send(b"busy").unwrap();
        match hears.recv_timeout(LIMIT).expect("the worker is busy") {
            Heard::Opened(address) if address == second => break,
            _ => {}
        }
    }
}
