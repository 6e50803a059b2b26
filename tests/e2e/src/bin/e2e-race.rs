//! Clients that race for the leases of two servers, relayed to both. Each comes again and again: it looks for servers,
//! confirms what it has with both at once (DHCPv4: as after a reboot, DHCPv6: REBIND), or gives it back.
//!
//! Arguments: relay address, addresses of the two servers, number of clients, clients in progress. It prints, in the order
//! in which clients see it, `+ CLIENT ADDRESS` when one is told that it has something (for DHCPv6 an address or the
//! first one of a prefix), `- CLIENT ADDRESS` before it gives that back or goes on without it, `! CLIENT ADDRESS` when
//! a server has denied it. It ends when its standard input is closed.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use e2e::dhcp::{Dhcp, Kind, opt};
use e2e::dhcp6::{self, Dhcp6, Hop, Kind6, opt6};
use e2e::load::client_mac;
use e2e::peer6::client_duid;

/// How long an answer may take: longer than a busy server lets a packet wait.
const PATIENCE: Duration = Duration::from_secs(4);
/// Rest after an exchange.
const REST: Duration = Duration::from_secs(1);
/// Rest after something was given back: no packet must be on its way any more.
const LONG_REST: Duration = Duration::from_secs(6);
/// How long lines may wait in the output buffer.
const FLUSH: Duration = Duration::from_millis(10);
/// Clients are numbered in the lower bits of transaction ids; above is the number of the exchange.
const CLIENT_BITS: u32 = 15;
/// Bits of a transaction id.
const ID_BITS: u32 = 24;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [relay, one, other, clients, window] = words.as_slice() else {
        eprintln!("usage: e2e-race RELAY SERVER SERVER CLIENTS WINDOW");
        std::process::exit(1);
    };
    let relay: IpAddr = relay.parse().expect("relay address");
    let (family, port): (Box<dyn Language>, u16) = match relay {
        IpAddr::V4(giaddr) => (Box::new(Four { giaddr }), 67),
        IpAddr::V6(link) => (Box::new(Six { link }), 547),
    };
    let socket = UdpSocket::bind((relay, port)).expect("the port is free");
    socket.set_read_timeout(Some(Duration::from_millis(10))).expect("timeout is set");
    let stopped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stopped);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        flag.store(true, Ordering::Relaxed);
    });
    let servers = [one, other].map(|text| {
        let server: IpAddr = text.parse().expect("a server's address");
        SocketAddr::from((server, port))
    });
    let count: u32 = clients.parse().expect("a number");
    assert!(count < 1 << CLIENT_BITS, "too many clients");
    let now = Instant::now();
    let race = Race {
        socket,
        servers,
        language: family,
        clients: (0..count).map(|_| Client::default()).collect(),
        resting: (0..count).map(|client| (now, client)).collect(),
        busy: VecDeque::new(),
        window: window.parse().expect("a number"),
        random: u64::from(std::process::id()) << 20 | 1,
    };
    race.run(&stopped);
}

/// What a client is doing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Phase {
    #[default]
    Resting,
    /// It looks for servers.
    Looking,
    /// It has asked one for what was offered.
    Asking,
    /// It asks all to confirm what it has.
    Confirming,
}

#[derive(Debug, Default)]
struct Client {
    phase: Phase,
    /// The number of its exchange.
    exchange: u32,
    held: Vec<Held>,
    /// Who has acknowledged that.
    server: Vec<u8>,
}

/// Something that a client has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Held {
    address: IpAddr,
    /// 0 for an address, else the length of the prefix.
    prefix_len: u8,
}

/// What a server says.
enum Said {
    /// It offers something, with its identifier.
    Offer(Vec<Held>, Vec<u8>),
    /// The client has these now.
    Given(Vec<Held>, Vec<u8>),
    /// The client has nothing.
    Denied,
}

/// The messages of a family.
trait Language {
    fn look(&self, id: u32, client: u32) -> Vec<u8>;
    fn ask(&self, id: u32, client: u32, offered: &[Held], server: &[u8]) -> Vec<u8>;
    fn confirm(&self, id: u32, client: u32, held: &[Held]) -> Vec<u8>;
    fn give_back(&self, id: u32, client: u32, held: &[Held], server: &[u8]) -> Vec<u8>;
    /// Reads an answer and its transaction id.
    fn read(&self, bytes: &[u8]) -> Option<(u32, Said)>;
}

struct Race {
    socket: UdpSocket,
    servers: [SocketAddr; 2],
    language: Box<dyn Language>,
    clients: Vec<Client>,
    /// Clients that rest, and until when at least.
    resting: VecDeque<(Instant, u32)>,
    /// Clients that wait for an answer, by transaction id, and until when.
    busy: VecDeque<(Instant, u32)>,
    window: usize,
    random: u64,
}

impl Race {
    fn run(mut self, stopped: &AtomicBool) {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let mut buffer = [0; 2048];
        let mut flushed = Instant::now();
        while !stopped.load(Ordering::Relaxed) {
            let now = Instant::now();
            while self.busy.front().is_some_and(|(until, _)| *until < now) {
                let Some((_, id)) = self.busy.pop_front() else { break };
                self.end(id, REST);
            }
            while self.busy.len() < self.window {
                let Some(place) = self.resting.iter().take(64).position(|(at, _)| *at <= now)
                else {
                    break;
                };
                let Some((_, client)) = self.resting.remove(place) else { break };
                self.begin(client, &mut out);
            }
            if let Ok(length) = self.socket.recv(&mut buffer)
                && let Some((id, said)) = self.language.read(buffer.get(..length).unwrap_or(&[]))
            {
                self.hear(id, said, &mut out);
            }
            if flushed.elapsed() > FLUSH {
                out.flush().expect("standard output is open");
                flushed = Instant::now();
            }
        }
        out.flush().expect("standard output is open");
    }

    /// A client does something.
    fn begin(&mut self, number: u32, out: &mut impl Write) {
        let id = self.next_id(number);
        let dice = self.dice();
        let client = &mut self.clients[number as usize];
        if client.held.is_empty() || dice.is_multiple_of(4) {
            client.phase = Phase::Looking;
            let query = self.language.look(id, number);
            return self.send(id, &query);
        }
        if dice % 4 == 1 {
            client.phase = Phase::Resting;
            let held = std::mem::take(&mut client.held);
            let query = self.language.give_back(id, number, &held, &client.server);
            for held in held {
                tell(out, '-', number, held);
            }
            self.resting.push_back((Instant::now() + LONG_REST, number));
            return self.send_to_all(&query);
        }
        client.phase = Phase::Confirming;
        let query = self.language.confirm(id, number, &client.held);
        self.send(id, &query);
    }

    fn hear(&mut self, id: u32, said: Said, out: &mut impl Write) {
        let number = id & ((1 << CLIENT_BITS) - 1);
        let Some(client) = self.clients.get_mut(number as usize) else { return };
        if client.exchange != id >> CLIENT_BITS {
            return;
        }
        match (client.phase, said) {
            (Phase::Looking, Said::Offer(offered, server)) if !offered.is_empty() => {
                client.phase = Phase::Asking;
                // Whoever asks for something else gives up what it has, whatever becomes of the answer.
                let (kept, lost): (Vec<Held>, Vec<Held>) =
                    client.held.iter().partition(|held| offered.contains(held));
                client.held = kept;
                for held in lost {
                    tell(out, '-', number, held);
                }
                let query = self.language.ask(id, number, &offered, &server);
                self.busy.retain(|(_, busy)| *busy != id);
                self.send(id, &query);
            }
            (Phase::Asking | Phase::Confirming, Said::Given(given, server)) => {
                let lost = std::mem::replace(&mut client.held, given.clone());
                let is_confirmed = client.phase == Phase::Confirming;
                client.server = server;
                for held in lost.iter().filter(|held| !given.contains(held)) {
                    tell(out, if is_confirmed { '!' } else { '-' }, number, *held);
                }
                for held in given {
                    tell(out, '+', number, held);
                }
                self.finish(id, REST);
            }
            (Phase::Asking, Said::Denied) => self.finish(id, REST),
            (Phase::Confirming, Said::Denied) => {
                for held in std::mem::take(&mut client.held) {
                    tell(out, '!', number, held);
                }
                self.finish(id, LONG_REST);
            }
            _ => {}
        }
    }

    fn finish(&mut self, id: u32, rest: Duration) {
        self.busy.retain(|(_, busy)| *busy != id);
        self.end(id, rest);
    }

    /// Lets a client rest, if this still is its exchange.
    fn end(&mut self, id: u32, rest: Duration) {
        let number = id & ((1 << CLIENT_BITS) - 1);
        let client = &mut self.clients[number as usize];
        if client.exchange == id >> CLIENT_BITS && client.phase != Phase::Resting {
            client.phase = Phase::Resting;
            self.resting.push_back((Instant::now() + rest, number));
        }
    }

    fn next_id(&mut self, number: u32) -> u32 {
        let client = &mut self.clients[number as usize];
        client.exchange = (client.exchange + 1) & ((1 << (ID_BITS - CLIENT_BITS)) - 1);
        client.exchange << CLIENT_BITS | number
    }

    fn send(&mut self, id: u32, query: &[u8]) {
        self.busy.push_back((Instant::now() + PATIENCE, id));
        self.send_to_all(query);
    }

    /// A server that is down is no reason to stop.
    fn send_to_all(&self, query: &[u8]) {
        for server in self.servers {
            let _ = self.socket.send_to(query, server);
        }
    }

    fn dice(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random >> 20
    }
}

fn tell(out: &mut impl Write, sign: char, client: u32, held: Held) {
    writeln!(out, "{sign} {client} {}", held.address).expect("standard output is open");
}

/// DHCPv4.
struct Four {
    giaddr: Ipv4Addr,
}

impl Four {
    fn query(&self, kind: Kind, id: u32, client: u32) -> Dhcp {
        let mut query = Dhcp::query(kind, client_mac(client)).relayed(self.giaddr);
        query.xid = id;
        query
    }
}

/// The only address that a client has.
fn first4(held: &[Held]) -> Ipv4Addr {
    match held.first().map(|held| held.address) {
        Some(IpAddr::V4(address)) => address,
        _ => Ipv4Addr::UNSPECIFIED,
    }
}

impl Language for Four {
    fn look(&self, id: u32, client: u32) -> Vec<u8> {
        self.query(Kind::Discover, id, client).encode()
    }

    fn ask(&self, id: u32, client: u32, offered: &[Held], server: &[u8]) -> Vec<u8> {
        let query = self.query(Kind::Request, id, client);
        let query = query.with_address(opt::REQUESTED, first4(offered));
        query.with(opt::SERVER_ID, server).encode()
    }

    fn confirm(&self, id: u32, client: u32, held: &[Held]) -> Vec<u8> {
        let query = self.query(Kind::Request, id, client);
        query.with_address(opt::REQUESTED, first4(held)).encode()
    }

    fn give_back(&self, id: u32, client: u32, held: &[Held], server: &[u8]) -> Vec<u8> {
        let query = self.query(Kind::Release, id, client).from_address(first4(held));
        query.with(opt::SERVER_ID, server).encode()
    }

    fn read(&self, bytes: &[u8]) -> Option<(u32, Said)> {
        let reply = Dhcp::decode(bytes)?;
        let held = vec![Held { address: reply.yiaddr.into(), prefix_len: 0 }];
        let server = reply.option(opt::SERVER_ID)?.to_vec();
        let said = match reply.kind()? {
            Kind::Offer => Said::Offer(held, server),
            Kind::Ack => Said::Given(held, server),
            Kind::Nak => Said::Denied,
            _ => return None,
        };
        Some((reply.xid, said))
    }
}

/// DHCPv6; the IAID is the client's number.
struct Six {
    link: Ipv6Addr,
}

impl Six {
    fn query(&self, kind: Kind6, id: u32, client: u32, held: &[Held]) -> Dhcp6 {
        let mut query = Dhcp6::new(kind);
        query.xid = id;
        let (mut addresses, mut prefixes) = (Vec::new(), Vec::new());
        for held in held {
            match held.address {
                IpAddr::V6(address) if held.prefix_len == 0 => addresses.push(address),
                IpAddr::V6(prefix) => prefixes.push((prefix, held.prefix_len)),
                IpAddr::V4(_) => {}
            }
        }
        let query = query.with(opt6::CLIENT_ID, client_duid(client_mac(client)));
        query.with_na(client, &addresses).with_pd(client, &prefixes)
    }

    fn relayed(&self, query: &Dhcp6) -> Vec<u8> {
        let peer = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
        query.encode_relayed(&[Hop::new(0, self.link, peer)])
    }
}

impl Language for Six {
    fn look(&self, id: u32, client: u32) -> Vec<u8> {
        self.relayed(&self.query(Kind6::Solicit, id, client, &[]))
    }

    fn ask(&self, id: u32, client: u32, offered: &[Held], server: &[u8]) -> Vec<u8> {
        let query = self.query(Kind6::Request, id, client, offered);
        self.relayed(&query.with(opt6::SERVER_ID, server))
    }

    fn confirm(&self, id: u32, client: u32, held: &[Held]) -> Vec<u8> {
        self.relayed(&self.query(Kind6::Rebind, id, client, held))
    }

    fn give_back(&self, id: u32, client: u32, held: &[Held], server: &[u8]) -> Vec<u8> {
        let query = self.query(Kind6::Release, id, client, held);
        self.relayed(&query.with(opt6::SERVER_ID, server))
    }

    fn read(&self, bytes: &[u8]) -> Option<(u32, Said)> {
        let (_, reply) = dhcp6::decode(bytes)?;
        let mut held = Vec::new();
        for code in [opt6::IA_NA, opt6::IA_PD] {
            for binding in reply.ias(code).iter().flat_map(|ia| ia.bindings()) {
                let prefix_len = if code == opt6::IA_PD { binding.length } else { 0 };
                if binding.valid > 0 {
                    held.push(Held { address: binding.address.into(), prefix_len });
                }
            }
        }
        let server = reply.option(opt6::SERVER_ID)?.to_vec();
        let said = match (reply.is(Kind6::Advertise), reply.is(Kind6::Reply)) {
            (true, _) => Said::Offer(held, server),
            (_, true) if held.is_empty() => Said::Denied,
            (_, true) => Said::Given(held, server),
            _ => return None,
        };
        Some((reply.xid, said))
    }
}
