//! Load on a server: many clients behind one relay address, each acknowledgement recorded. A client
//! of DHCPv6 takes an address and a prefix.
//!
//! The sending side is the program `e2e-load` (it must run inside the namespace); this side starts
//! it, stops it and reads what it saw.

use std::fmt::Display;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::net::Ns;
use crate::wait;

/// One address or prefix that a client saw acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
pub struct Seen<A = Ipv4Addr> {
    /// The number of the client.
    pub client: u32,
    /// The address, or the first one of the prefix.
    pub address: A,
}

impl<A> Seen<A> {
    /// The hardware address of the client, as lease files write it.
    pub fn mac_text(&self) -> String {
        crate::net::mac_text(client_mac(self.client))
    }
}

/// The hardware address of a client of the load program.
pub fn client_mac(number: u32) -> [u8; 6] {
    let [a, b, c, d] = number.to_be_bytes();
    [0x0a, 0x0e, a, b, c, d]
}

/// A running load.
#[derive(Debug)]
pub struct Load<A = Ipv4Addr> {
    child: Child,
    stop: Option<ChildStdin>,
    reader: Option<JoinHandle<Vec<Seen<A>>>>,
    count: Arc<AtomicUsize>,
}

impl<A: Display + FromStr + Send + 'static> Load<A> {
    /// Starts clients numbered from `first`, `window` of them in progress at any time, relayed by
    /// `relay`.
    pub fn start(ns: &Ns, relay: A, server: A, first: u32, window: u32) -> Self {
        let mut child = ns
            .command(program())
            .args([relay.to_string(), server.to_string(), first.to_string(), window.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the load program starts");
        let stop = child.stdin.take();
        let output = child.stdout.take().expect("standard output is a pipe");
        let count = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&count);
        let reader = std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            lines
                .filter_map(|line| parse(&line))
                .inspect(|_| {
                    counter.fetch_add(1, Ordering::Relaxed);
                })
                .collect()
        });
        Self { child, stop, reader: Some(reader), count }
    }

    /// The number of acknowledgements that have been seen.
    pub fn seen(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Waits until that many acknowledgements have been seen.
    #[track_caller]
    pub fn wait_seen(&self, number: usize, limit: Duration) {
        wait::until(limit, &format!("{number} acknowledgements"), || {
            self.count.load(Ordering::Relaxed) >= number
        });
    }

    /// Ends the load and returns the acknowledgements in the order of their arrival.
    pub fn stop(mut self) -> Vec<Seen<A>> {
        drop(self.stop.take());
        self.reader.take().and_then(|reader| reader.join().ok()).unwrap_or_default()
    }
}

/// Reads a line of the load program.
fn parse<A: FromStr>(line: &str) -> Option<Seen<A>> {
    let (client, address) = line.split_once(' ')?;
    Some(Seen { client: client.parse().ok()?, address: address.parse().ok()? })
}

impl<A> Drop for Load<A> {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.child.wait();
    }
}

/// The load program, built with the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("the test knows its own path");
    let folder = test.parent().and_then(std::path::Path::parent);
    folder.expect("tests lie in target/PROFILE/deps").join("e2e-load")
}
