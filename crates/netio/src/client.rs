//! The socket of a client or of a load generator: one local address, one destination, batches in both directions.
//!
//! Unlike [`crate::transport`] it follows no interfaces and knows no plan; it lives as long as its program runs. Messages
//! are sent one by one through the stack (`sendmmsg`), not as segments of one: what listens behind a virtual cable with
//! a packet socket would see all segments as one frame.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use libc::{SOL_SOCKET, c_int};

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
        })
    }

    /// Sends messages, at most [`Self::BATCH`] of them.
    ///
    /// A message that the system refuses is left out. When it has no room, that is waited for, but not for ever.
    pub fn send<'m>(&mut self, messages: impl Iterator<Item = &'m [u8]> + Clone) -> Sent {
        let mut sent = Sent::default();
        let mut left = messages.clone().take(MESSAGES_MAX).count();
        let mut messages = messages.take(MESSAGES_MAX);
        let mut retries = 0;
        let target = Target::Udp { to: self.remote, interface: None };
        while left > 0 {
            let mut batch = self.sending.begin();
            for message in messages.clone() {
                batch.push(target, None, std::iter::once(message));
            }
            let done = match batch.send(self.fd.as_fd()) {
                Ok(taken) => {
                    sent.taken += taken as u64;
                    retries = 0;
                    taken
                }
                Err(error) if is_full(&error) && retries < RETRIES_MAX => {
                    retries += 1;
                    socket::wait(self.fd.as_fd(), libc::POLLOUT, RETRY_WAIT);
                    continue;
                }
                Err(error) => {
                    sent.refused += 1;
                    sent.error = error.raw_os_error();
                    1
                }
            };
            for _ in 0..done.min(left) {
                messages.next();
            }
            left = left.saturating_sub(done);
        }
        sent
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

    fn exchange(local: SocketAddr) {
        let server = UdpSocket::bind(local).unwrap();
        server.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let remote = server.local_addr().unwrap();
        let endpoint = ClientEndpoint { local, remote, interface: None, interface_index: None };
        let mut client = ClientSocket::open(&endpoint).unwrap();
        let messages: Vec<Vec<u8>> = (0..70).map(|n| vec![n; 300 + usize::from(n)]).collect();
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
        exchange((Ipv4Addr::LOCALHOST, 0).into());
        exchange((Ipv6Addr::LOCALHOST, 0).into());
    }

    #[test]
    fn refused_messages_are_counted() {
        let local = (Ipv4Addr::LOCALHOST, 0).into();
        let remote = (Ipv4Addr::new(192, 0, 2, 1), 67).into();
        let endpoint = ClientEndpoint { local, remote, interface: None, interface_index: None };
        let mut client = ClientSocket::open(&endpoint).unwrap();
        let sent = client.send([[1u8; 4].as_slice(), &[2; 4]].into_iter());
        assert_eq!((sent.taken, sent.refused), (0, 2), "loopback does not lead there");
        assert!(sent.error.is_some());
    }
}
