//! Sends DHCP exchanges as a relay would and prints each acknowledgement (`CLIENT ADDRESS`).
//!
//! Arguments: relay address, server address, number of the first client, clients in progress. It
//! ends when its standard input is closed. A client whose exchange got no answer within a second
//! starts again.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use e2e::dhcp::{Dhcp, Kind, opt};
use e2e::load::client_mac;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long acknowledgements may wait in the output buffer.
const FLUSH: Duration = Duration::from_millis(10);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [giaddr, server, first, window] = words.as_slice() else {
        eprintln!("usage: e2e-load RELAY SERVER FIRST WINDOW");
        std::process::exit(1);
    };
    let giaddr: Ipv4Addr = giaddr.parse().expect("relay address");
    let server: Ipv4Addr = server.parse().expect("server address");
    let socket = UdpSocket::bind((giaddr, 67)).expect("port 67 is free");
    socket.set_read_timeout(Some(Duration::from_millis(20))).expect("timeout is set");
    let stopped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stopped);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        flag.store(true, Ordering::Relaxed);
    });
    let mut load = Load {
        socket,
        server: (server, 67).into(),
        giaddr,
        next: first.parse().expect("a number"),
        sent: VecDeque::new(),
    };
    load.run(window.parse().expect("a number"), &stopped);
}

/// The state of the load: one entry per exchange in progress, oldest first.
struct Load {
    socket: UdpSocket,
    server: SocketAddr,
    giaddr: Ipv4Addr,
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
            let reply = received.and_then(|length| Dhcp::decode(buffer.get(..length)?));
            if let Some(reply) = reply {
                self.take(&reply, &mut out);
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
        let query = self.query(Kind::Discover, client);
        self.send(&query);
    }

    /// Answers an offer, records an acknowledgement.
    fn take(&mut self, reply: &Dhcp, out: &mut impl Write) {
        let client = reply.xid;
        match reply.kind() {
            Some(Kind::Offer) => {
                let Some(server) = reply.option_address(opt::SERVER_ID) else { return };
                let request = self
                    .query(Kind::Request, client)
                    .with_address(opt::REQUESTED, reply.yiaddr)
                    .with_address(opt::SERVER_ID, server);
                self.send(&request);
            }
            Some(Kind::Ack) => {
                writeln!(out, "{client} {}", reply.yiaddr).expect("standard output is open");
                self.finish(client);
            }
            Some(Kind::Nak) => self.finish(client),
            _ => {}
        }
    }

    /// Ends the exchange of a client, if it is in progress, and starts another.
    fn finish(&mut self, client: u32) {
        if let Some(at) = self.sent.iter().position(|(found, _)| *found == client) {
            self.sent.remove(at);
            self.begin();
        }
    }

    /// A query of a client; its transaction id is its number.
    fn query(&self, kind: Kind, client: u32) -> Dhcp {
        let mut query = Dhcp::query(kind, client_mac(client)).relayed(self.giaddr);
        query.xid = client;
        query
    }

    /// Sends a query; a server that is down is no reason to stop.
    fn send(&self, query: &Dhcp) {
        let _ = self.socket.send_to(&query.encode(), self.server);
    }
}
