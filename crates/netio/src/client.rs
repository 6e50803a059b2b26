//! The socket of a client or of a load generator: one local address, one destination, batches in both directions.
//!
//! Unlike [`crate::transport`] it follows no interfaces and knows no plan; it lives as long as its program runs. Messages
//! are sent one by one through the stack (`sendmmsg`). On request, runs of messages of equal length go through it as one
//! (`UDP_SEGMENT`), which takes half the time; but what listens behind a virtual cable with a packet socket sees such a
//! run as one frame.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use libc::{SOL_SOCKET, c_int};

use crate::gso::{Item, Run, plan_runs};
use crate::sys::batch::{MESSAGES_MAX, ReceiveBatch, SendBatch, Target};
use crate::sys::socket;

/// Bytes of receive and send buffers: answers of a second to a fast generator.
const BUFFER: c_int = 32 << 20;
/// Words of `SO_MEMINFO`, and the one with the datagrams that found no room.
const MEMINFO_WORDS: usize = 9;
const MEMINFO_DROPS: usize = 8;
/// How long to wait when the system has no room for messages, and how often.
const RETRY_WAIT: Duration = Duration::from_millis(2);
const RETRIES_MAX: u32 = 50;

/// What to open.
#[derive(Clone, Debug)]
pub struct ClientEndpoint {
    /// Address and port to listen on; the scope of a link-local address included.
    pub local: SocketAddr,
    /// Where messages go; the scope of a link-local or multicast address included.
    pub remote: SocketAddr,
    /// Interface that the socket is restricted to.
    pub interface: Option<String>,
    /// Number of that interface, for multicast.
    pub interface_index: Option<u32>,
    /// Whether runs of messages of equal length are handed to the kernel as one, to be cut up there.
    pub segments: bool,
}

/// What became of the messages of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Messages that the system took.
    pub taken: u64,
    /// Messages that it refused.
    pub refused: u64,
    /// Error number of the last refusal.
    pub error: Option<i32>,
}

/// An open socket.
#[derive(Debug)]
pub struct ClientSocket {
    fd: OwnedFd,
    remote: SocketAddr,
    sending: SendBatch,
    receiving: ReceiveBatch,
    segments: bool,
    items: Vec<Item<()>>,
    runs: Vec<Run>,
}

impl ClientSocket {
    /// Most messages of one batch.
    pub const BATCH: usize = MESSAGES_MAX;

    /// Opens and binds a socket.
    ///
    /// # Errors
    /// When the system refuses: the port is taken, the address is not ours, the privilege is missing.
    pub fn open(endpoint: &ClientEndpoint) -> io::Result<Self> {
        let domain = if endpoint.local.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let fd = socket::open(domain, libc::SOCK_DGRAM, 0)?;
        socket::set_int(fd.as_fd(), SOL_SOCKET, libc::SO_REUSEADDR, 1)?;
        socket::set_buffer(fd.as_fd(), BUFFER, true);
        socket::set_buffer(fd.as_fd(), BUFFER, false);
        match endpoint.remote.ip() {
            IpAddr::V4(_) => socket::set_int(fd.as_fd(), SOL_SOCKET, libc::SO_BROADCAST, 1)?,
            IpAddr::V6(_) => {
                socket::set_int(fd.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
                if let Some(index) = endpoint.interface_index {
                    let name = libc::IPV6_MULTICAST_IF;
                    socket::set_int(fd.as_fd(), libc::IPPROTO_IPV6, name, index as c_int)?;
                }
            }
        }
        if let Some(name) = &endpoint.interface {
            socket::bind_to_device(fd.as_fd(), name)?;
        }
        socket::bind_ip(fd.as_fd(), endpoint.local)?;
        Ok(Self {
            fd,
            remote: endpoint.remote,
            sending: SendBatch::new(),
            receiving: ReceiveBatch::new(),
            segments: endpoint.segments,
            items: Vec::with_capacity(MESSAGES_MAX),
            runs: Vec::with_capacity(MESSAGES_MAX),
        })
    }

    /// Sends messages, at most [`Self::BATCH`] of them.
    ///
    /// A message that the system refuses is left out. When it has no room, that is waited for, but not for ever.
    pub fn send<'m>(&mut self, messages: impl Iterator<Item = &'m [u8]>) -> Sent {
        let mut all: [&[u8]; MESSAGES_MAX] = [&[]; MESSAGES_MAX];
        self.items.clear();
        for (entry, (place, message)) in (0..).zip(all.iter_mut().zip(messages)) {
            *place = message;
            self.items.push(Item { key: (), len: message.len() as u32, entry });
        }
        self.plan();
        let mut sent = Sent::default();
        let (mut at, mut retries) = (0, 0);
        while let Some(runs) = self.runs.get(at..).filter(|runs| !runs.is_empty()) {
            let len_of = |runs: &[Run]| runs.iter().map(|run| run.items.len() as u64).sum::<u64>();
            match push_runs(&mut self.sending, runs, &self.items, &all, self.remote, &self.fd) {
                Ok(taken) => {
                    sent.taken += len_of(runs.get(..taken).unwrap_or(runs));
                    (at, retries) = (at + taken, 0);
                }
                Err(error) if is_full(&error) && retries < RETRIES_MAX => {
                    retries += 1;
                    socket::wait(self.fd.as_fd(), libc::POLLOUT, RETRY_WAIT);
                }
                Err(_) if self.segments && len_of(runs.get(..1).unwrap_or(runs)) > 1 => {
                    // The interface, or the system, cannot cut: what is left goes one by one, for good.
                    self.segments = false;
                    let first = runs.first().map_or(0, |run| run.items.start);
                    self.items.drain(..first);
                    self.plan();
                    at = 0;
                }
                Err(error) => {
                    sent.refused += len_of(runs.get(..1).unwrap_or(runs));
                    sent.error = error.raw_os_error();
                    (at, retries) = (at + 1, 0);
                }
            }
        }
        sent
    }

    /// Sorts the messages into runs; each is a run of its own when the kernel is not to cut.
    fn plan(&mut self) {
        if self.segments {
            plan_runs(&mut self.items, &mut self.runs);
        } else {
            self.runs.clear();
            self.runs.extend((0..self.items.len()).map(|at| Run { items: at..at + 1 }));
        }
    }

    /// Hands the datagrams that wait to `take`, `max` at most; the number of them.
    pub fn receive(&mut self, max: usize, mut take: impl FnMut(&[u8])) -> usize {
        // Errors are those of earlier messages (nobody listens there); their exchanges are given up in time.
        let count = self.receiving.receive(self.fd.as_fd(), max).unwrap_or(0);
        self.receiving.each(count, |received| take(received.payload));
        count
    }

    /// Waits until there is a datagram, or the time is over.
    pub fn wait(&self, time: Duration) {
        socket::wait(self.fd.as_fd(), libc::POLLIN, time);
    }

    /// Datagrams that found no room in the receive buffer until now.
    #[must_use]
    pub fn drops(&self) -> u64 {
        let words = socket::get_words::<MEMINFO_WORDS>(self.fd.as_fd(), SOL_SOCKET, SO_MEMINFO);
        words.map_or(0, |words| u64::from(words[MEMINFO_DROPS]))
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn local(&self) -> io::Result<SocketAddr> {
        std::net::UdpSocket::from(self.fd.try_clone()?).local_addr()
    }
}

/// Hands runs to the kernel; the number of runs that it took.
fn push_runs(
    sending: &mut SendBatch,
    runs: &[Run],
    items: &[Item<()>],
    messages: &[&[u8]],
    to: SocketAddr,
    fd: &OwnedFd,
) -> io::Result<usize> {
    let mut batch = sending.begin();
    for run in runs {
        let Some(items) = items.get(run.items.clone()) else { break };
        let len = items.first().and_then(|first| u16::try_from(first.len).ok());
        let segment = len.filter(|_| items.len() > 1);
        let parts = items.iter().filter_map(|item| messages.get(usize::from(item.entry)).copied());
        if !batch.push(Target::Udp { to, interface: None }, segment, parts) {
            break;
        }
    }
    batch.send(fd.as_fd())
}

/// Lets the timers of the calling thread be exact to a microsecond instead of 50.
pub fn sharpen_timers() {
    socket::set_timer_slack(Duration::from_micros(1));
}

const SO_MEMINFO: c_int = 55;

fn is_full(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOBUFS | libc::EINTR | libc::ENOMEM))
}

#[cfg(test)]
mod tests {
    use super::{ClientEndpoint, ClientSocket};
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
    use std::time::Duration;

    fn exchange(local: SocketAddr, segments: bool) {
        let server = UdpSocket::bind(local).unwrap();
        server.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let remote = server.local_addr().unwrap();
        let endpoint =
            ClientEndpoint { local, remote, interface: None, interface_index: None, segments };
        let mut client = ClientSocket::open(&endpoint).unwrap();
        // Runs of ten of equal length.
        let messages: Vec<Vec<u8>> = (0..70).map(|n| vec![n; 300 + usize::from(n / 10)]).collect();
        let sent = client.send(messages.iter().map(Vec::as_slice));
        assert_eq!((sent.taken, sent.refused), (64, 0), "the rest is beyond a batch");
        let mut buffer = [0; 2000];
        for message in &messages[..64] {
            let (len, from) = server.recv_from(&mut buffer).unwrap();
            assert_eq!(&buffer[..len], message.as_slice());
            server.send_to(&buffer[..len], from).unwrap();
        }
        let mut received = Vec::new();
        while received.len() < 64 {
            client.wait(Duration::from_secs(5));
            assert!(client.receive(10, |bytes| received.push(bytes.to_vec())) <= 10);
        }
        assert_eq!(received, messages[..64]);
        assert_eq!(client.drops(), 0);
    }

    #[test]
    fn batches_go_and_come_over_both_families() {
        for segments in [false, true] {
            exchange((Ipv4Addr::LOCALHOST, 0).into(), segments);
            exchange((Ipv6Addr::LOCALHOST, 0).into(), segments);
        }
    }

    #[test]
    fn refused_messages_are_counted() {
        let local = (Ipv4Addr::LOCALHOST, 0).into();
        let remote = (Ipv4Addr::new(192, 0, 2, 1), 67).into();
        for segments in [false, true] {
            let endpoint =
                ClientEndpoint { local, remote, interface: None, interface_index: None, segments };
            let mut client = ClientSocket::open(&endpoint).unwrap();
            let sent = client.send([[1u8; 4].as_slice(), &[2; 4]].into_iter());
            assert_eq!((sent.taken, sent.refused), (0, 2), "loopback does not lead there");
            assert!(sent.error.is_some());
        }
    }
}
