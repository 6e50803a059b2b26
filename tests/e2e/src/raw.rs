//! A raw Ethernet port inside a namespace: sends any frame, sees every DHCP frame that arrives.
//!
//! Frames travel through a small helper program (`py/frames.py`) because packet sockets need unsafe
//! code here.

use std::io::{BufRead, BufReader, Write};
use std::marker::PhantomData;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::dhcp::Dhcp;
use crate::frame::{Frame, checksums_hold};
use crate::net::Ns;

/// A DHCP message that arrived, with the frame around it.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The message.
    pub dhcp: Dhcp,
    /// Its frame.
    pub frame: Frame,
    /// True when the checksums in the frame are right.
    pub checksums_hold: bool,
}

/// What a port makes of a frame.
pub trait Received: Sized {
    /// Reads a frame; `None` when it carries no such message.
    fn read(bytes: &[u8]) -> Option<Self>;

    /// True for a message from a server with that transaction id.
    fn answers(&self, xid: u32) -> bool;
}

impl Received for Reply {
    fn read(bytes: &[u8]) -> Option<Self> {
        let frame = Frame::decode(bytes)?;
        let dhcp = Dhcp::decode(&frame.payload)?;
        Some(Self { dhcp, frame, checksums_hold: checksums_hold(bytes) })
    }

    fn answers(&self, xid: u32) -> bool {
        self.dhcp.op == 2 && self.dhcp.xid == xid
    }
}

/// An open port that reads frames as `R`; closed when dropped.
#[derive(Debug)]
pub struct RawPort<R = Reply> {
    child: Child,
    input: ChildStdin,
    frames: Receiver<Vec<u8>>,
    read_as: PhantomData<R>,
}

impl<R: Received> RawPort<R> {
    /// Opens a port on an interface of a namespace and waits until it listens.
    #[track_caller]
    pub fn open(ns: &Ns, interface: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("py/frames.py");
        let mut child = python(ns)
            .arg(script)
            .arg(interface)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let input = child.stdin.take().expect("standard input is a pipe");
        let output = child.stdout.take().expect("standard output is a pipe");
        let (sender, frames) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(from_hex(&line).unwrap_or_default()).is_err() {
                    return;
                }
            }
        });
        let port = Self { child, input, frames, read_as: PhantomData };
        let ready = port.frames.recv_timeout(Duration::from_secs(10));
        assert!(ready.is_ok(), "no packet socket on {interface} of {}", ns.name());
        port
    }

    /// Sends the bytes of a frame several times.
    pub fn send_bytes(&mut self, bytes: &[u8], times: u32) {
        let line = format!("repeat {times} {}\n", to_hex(bytes));
        self.input.write_all(line.as_bytes()).expect("the frame helper lives");
    }

    /// The next DHCP message, whoever it is for; frames that are none are passed over.
    pub fn next(&mut self, limit: Duration) -> Option<R> {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.frames.recv_timeout(left) {
                Ok(bytes) => {
                    if let Some(reply) = R::read(&bytes) {
                        return Some(reply);
                    }
                }
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => panic!("the frame helper ended"),
            }
        }
    }

    /// The next message from a server with that transaction id.
    pub fn reply(&mut self, xid: u32, limit: Duration) -> Option<R> {
        let end = Instant::now() + limit;
        loop {
            let reply = self.next(end.saturating_duration_since(Instant::now()))?;
            if reply.answers(xid) {
                return Some(reply);
            }
        }
    }

    /// Waits for a message that satisfies `wanted`; panics with `what` after `limit`.
    #[track_caller]
    pub fn wait_for(&mut self, what: &str, limit: Duration, wanted: impl Fn(&R) -> bool) -> R {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Some(seen) = self.next(left) else { panic!("not within {limit:?}: {what}") };
            if wanted(&seen) {
                return seen;
            }
        }
    }

    /// Forgets what has arrived until now.
    pub fn drain(&mut self) {
        while self.frames.try_recv().is_ok() {}
    }
}

impl RawPort {
    /// Sends a frame.
    pub fn send(&mut self, frame: &Frame) {
        self.send_bytes(&frame.encode(), 1);
    }
}

impl<R> Drop for RawPort<R> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a datagram through the kernel of a namespace, which may cut it into fragments.
#[track_caller]
pub fn send_datagram(
    ns: &Ns,
    interface: &str,
    destination: std::net::Ipv6Addr,
    port: u16,
    payload: &[u8],
) {
    let script = format!(
        "import socket, sys\n\
         port = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n\
         port.bind(('::', {port}))\n\
         scope = socket.if_nametoindex('{interface}')\n\
         port.sendto(bytes.fromhex(sys.stdin.read()), ('{destination}', {port}, 0, scope))\n"
    );
    let mut child =
        python(ns).args(["-c", &script]).stdin(Stdio::piped()).spawn().expect("python3 starts");
    let mut input = child.stdin.take().expect("standard input is a pipe");
    input.write_all(to_hex(payload).as_bytes()).expect("the script reads");
    drop(input);
    assert!(child.wait().is_ok_and(|status| status.success()), "the datagram was not sent");
}

/// The interpreter inside a namespace, without what a machine may have added to it.
fn python(ns: &Ns) -> Command {
    let installed = "/usr/bin/python3";
    let mut command = ns.command(if Path::new(installed).exists() { installed } else { "python3" });
    command.arg("-SEs");
    command
}

/// Lower-case hexadecimal text.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of hexadecimal text.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
