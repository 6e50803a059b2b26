//! Sends DHCP exchanges as a relay would and prints each acknowledgement (`CLIENT ADDRESS`, for
//! DHCPv6 a line for the address and one for the prefix).
//!
//! Arguments: relay address, server address, number of the first client, clients in progress. It
//! ends when its standard input is closed. A client whose exchange got no answer within a second
//! starts again.

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

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long acknowledgements may wait in the output buffer.
const FLUSH: Duration = Duration::from_millis(10);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [relay, server, first, window] = words.as_slice() else {
        eprintln!("usage: e2e-load RELAY SERVER FIRST WINDOW");
        std::process::exit(1);
    };
    let relay: IpAddr = relay.parse().expect("relay address");
    let server: IpAddr = server.parse().expect("server address");
    let (language, port): (Box<dyn Language>, u16) = match relay {
        IpAddr::V4(giaddr) => (Box::new(Four { giaddr }), 67),
        IpAddr::V6(link) => (Box::new(Six { link }), 547),
    };
    let socket = UdpSocket::bind((relay, port)).expect("the port is free");
    socket.set_read_timeout(Some(Duration::from_millis(20))).expect("timeout is set");
    let stopped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stopped);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        flag.store(true, Ordering::Relaxed);
    });
    let mut load = Load {
        socket,
        server: (server, port).into(),
        language,
        next: first.parse().expect("a number"),
        sent: VecDeque::new(),
    };
    load.run(window.parse().expect("a number"), &stopped);
}

/// What a datagram from the server means to the client with that number.
enum Step {
    /// The exchange goes on with this datagram.
    Answer(Vec<u8>),
    /// The client has been given these.
    Done(u32, Vec<IpAddr>),
    /// The client has been given nothing.
    Refused(u32),
}

/// The messages of a family.
trait Language {
    /// The first message of a client.
    fn first(&self, client: u32) -> Vec<u8>;

    /// Reads a message of the server.
    fn read(&self, bytes: &[u8]) -> Option<Step>;
}

/// DHCPv4; the transaction id is the client's number.
struct Four {
    giaddr: Ipv4Addr,
}

impl Four {
    fn query(&self, kind: Kind, client: u32) -> Dhcp {
        let mut query = Dhcp::query(kind, client_mac(client)).relayed(self.giaddr);
        query.xid = client;
        query
    }
}

impl Language for Four {
    fn first(&self, client: u32) -> Vec<u8> {
        self.query(Kind::Discover, client).encode()
    }

    fn read(&self, bytes: &[u8]) -> Option<Step> {
        let reply = Dhcp::decode(bytes)?;
        let client = reply.xid;
        match reply.kind()? {
            Kind::Offer => {
                let request = self
                    .query(Kind::Request, client)
                    .with_address(opt::REQUESTED, reply.yiaddr)
                    .with_address(opt::SERVER_ID, reply.option_address(opt::SERVER_ID)?);
                Some(Step::Answer(request.encode()))
            }
            Kind::Ack => Some(Step::Done(client, vec![reply.yiaddr.into()])),
            Kind::Nak => Some(Step::Refused(client)),
            _ => None,
        }
    }
}

/// DHCPv6; the IAID is the client's number.
struct Six {
    link: Ipv6Addr,
}

impl Six {
    fn query(&self, kind: Kind6, client: u32) -> Dhcp6 {
        Dhcp6::new(kind).with(opt6::CLIENT_ID, client_duid(client_mac(client)))
    }

    fn relayed(&self, query: &Dhcp6) -> Vec<u8> {
        let peer = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
        query.encode_relayed(&[Hop::new(0, self.link, peer)])
    }
}

impl Language for Six {
    fn first(&self, client: u32) -> Vec<u8> {
        let solicit = self.query(Kind6::Solicit, client);
        self.relayed(&solicit.with_na(client, &[]).with_pd(client, &[]))
    }

    fn read(&self, bytes: &[u8]) -> Option<Step> {
        let (_, reply) = dhcp6::decode(bytes)?;
        let [na, pd] = [opt6::IA_NA, opt6::IA_PD].map(|code| reply.ias(code));
        let (na, pd) = (na.first()?, pd.first()?);
        let client = na.iaid;
        let [address] = na.bindings()[..] else { return Some(Step::Refused(client)) };
        let [prefix] = pd.bindings()[..] else { return Some(Step::Refused(client)) };
        if reply.is(Kind6::Reply) {
            return Some(Step::Done(client, vec![address.address.into(), prefix.address.into()]));
        }
        let request = self
            .query(Kind6::Request, client)
            .with(opt6::SERVER_ID, reply.option(opt6::SERVER_ID)?)
            .with_na(client, &[address.address])
            .with_pd(client, &[(prefix.address, prefix.length)]);
        Some(Step::Answer(self.relayed(&request)))
    }
}

/// The state of the load: one entry per exchange in progress, oldest first.
struct Load {
    socket: UdpSocket,
    server: SocketAddr,
    language: Box<dyn Language>,
    next: u32,
    sent: VecDeque<(u32, Instant)>,
}

impl Load {
    /// Keeps `window` exchanges going until told to stop.
    fn run(&mut self, window: u32, stopped: &AtomicBool) {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        for _ in 0..window {
            self.begin();
        }
        let mut buffer = [0; 2048];
        let mut flushed = Instant::now();
        while !stopped.load(Ordering::Relaxed) {
            let received = self.socket.recv(&mut buffer).ok();
            let step = received.and_then(|length| self.language.read(buffer.get(..length)?));
            if let Some(step) = step {
                self.take(step, &mut out);
            }
            if flushed.elapsed() > FLUSH {
                out.flush().expect("standard output is open");
                flushed = Instant::now();
            }
            while self.sent.front().is_some_and(|(_, at)| at.elapsed() > PATIENCE) {
                self.sent.pop_front();
                self.begin();
            }
        }
        out.flush().expect("standard output is open");
    }

    /// Starts the exchange of a new client.
    fn begin(&mut self) {
        let client = self.next;
        self.next += 1;
        self.sent.push_back((client, Instant::now()));
        let query = self.language.first(client);
        self.send(&query);
    }

    /// Goes on with an exchange, or records its end.
    fn take(&mut self, step: Step, out: &mut impl Write) {
        match step {
            Step::Answer(request) => self.send(&request),
            Step::Done(client, given) => {
                for address in given {
                    writeln!(out, "{client} {address}").expect("standard output is open");
                }
                self.finish(client);
            }
            Step::Refused(client) => self.finish(client),
        }
    }

    /// Ends the exchange of a client, if it is in progress, and starts another.
    fn finish(&mut self, client: u32) {
        if let Some(at) = self.sent.iter().position(|(found, _)| *found == client) {
            self.sent.remove(at);
            self.begin();
        }
    }

    /// Sends a query; a server that is down is no reason to stop.
    fn send(&self, query: &[u8]) {
        let _ = self.socket.send_to(query, self.server);
    }
}
