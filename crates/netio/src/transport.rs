//! The sockets of one worker.
//!
//! A [`Transport`] belongs to one thread. It opens and closes sockets when it is told of a new
//! interface table, receives datagrams in batches, and sends what an [`Outbox`] holds. It keeps no
//! thread, never waits (but for a millisecond when a send buffer is full), and does not allocate in
//! steady state. Its plan says whether it serves IPv4 or IPv6; the families differ in which sockets
//! there are, and in nothing that is done per datagram.
//!
//! # Reception
//! In raw mode frames come through a packet socket with a ring in shared memory (`sys::ring` says
//! why and what it costs), filtered by the kernel; headers and checksums are checked here. In UDP
//! mode, on interfaces without Ethernet framing, and with IPv6 they come from UDP sockets by
//! `recvmmsg`. A UDP socket belongs to one address, so the destination of what it receives is known
//! without asking. So is its interface, to which link-local addresses and multicast groups are
//! bound; for other IPv6 addresses the kernel is asked to tell it (IPV6_RECVPKTINFO), and with IPv4
//! it is the one that has the address.
//!
//! An IPv6 multicast is answered from the interface's link-local address; one from beyond the link
//! from its first address that is served besides, if there is one, as in Kea.
//!
//! # Sending
//! [`Delivery::Routed`](util::link::Delivery::Routed) goes through the UDP socket of the source
//! address in all modes; equal replies to one destination are handed over as one and cut by the
//! kernel (module `gso`), which is the cheapest way there is. Without a route they leave as frames
//! to the query's link-layer source, in raw mode. The other deliveries are frames in raw mode, and
//! limited broadcasts in UDP mode; with IPv6 they are routed like the rest. A link-local destination
//! is on the entry's interface.
//!
//! # Worker groups
//! With more than one worker, each has its own sockets; those of one address or interface form a
//! reuseport or fanout group, and a kernel program picks the member from what tells clients apart:
//! the hardware address with IPv4; with IPv6 the peer address that the relay saw, or the end of the
//! DUID. One datagram goes to one worker. A client meets the same worker as long as membership
//! does not change, but a broadcast and a unicast of one client may meet different ones, as members
//! are numbered in the order in which they join. Broadcast sockets of UDP mode exist in worker 0
//! only: the kernel gives a broadcast to *every* socket bound to it. It does the same with IPv6
//! multicasts, which all direct clients send; there each worker's socket has a filter that leaves it
//! its share. The kernel counts what a filter drops like what it had no room for (also in
//! `Udp6InErrors`), so such a socket's [`ReceiveReport::kernel_drops`] stays 0.
//!
//! # Changes
//! [`Transport::reconcile`] compares what is open with what ought to be. A socket is kept as long
//! as its interface number, addresses and link-layer address are the same; a rename does not touch
//! it. What cannot be opened is reported and tried again at the next call. An interface that is made
//! again under its number is noticed by a packet socket, and by a multicast socket with the help of
//! one that receives nothing.

mod open;
mod reconcile;
mod send;
mod sockets;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::os::fd::RawFd;

use util::link::{Inbound, InterfaceIndex, Outbound, Outbox};

use crate::frame;
pub use crate::frame::Malformed;
use crate::plan::{Endpoint, Plan};
use crate::sys::batch::{MESSAGES_MAX, ReceiveBatch};
use crate::sys::ring::Frame;
use open::Group;
use sockets::{PacketSocket, Receiver, Sockets};

/// Most datagrams of one [`Transport::receive`]; larger limits are cut to it.
pub const BATCH: usize = MESSAGES_MAX;

/// Fruitless rounds after which sockets are asked for errors.
const IDLE_ROUNDS_MAX: u32 = 64;

/// Names an open socket as long as it is open; never reused. Fits an epoll or mio token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SocketToken(pub usize);

/// What [`Transport::reconcile`] did.
#[derive(Debug)]
pub enum Event {
    /// A socket was closed. Its descriptor is gone, and with it any epoll registration.
    Closed {
        /// The name that it had.
        token: SocketToken,
        /// What it was for.
        endpoint: Endpoint,
    },
    /// A socket that ought to exist could not be opened; told once for each reason.
    Failed {
        /// What it is for.
        endpoint: Endpoint,
        /// Why not. `AddrInUse` means that another server owns the port.
        reason: io::Error,
    },
    /// A socket was opened.
    Opened {
        /// Its name.
        token: SocketToken,
        /// Its descriptor, to be watched for reading; `None` for a socket that only sends.
        watch: Option<RawFd>,
        /// What it is for.
        endpoint: Endpoint,
    },
}

/// Dropped datagrams by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MalformedCounts([u32; Malformed::ALL.len()]);

impl MalformedCounts {
    /// Number of datagrams dropped for a reason.
    #[must_use]
    pub fn get(&self, reason: Malformed) -> u32 {
        self.0[reason as usize]
    }

    /// All reasons with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (Malformed, u32)> + '_ {
        Malformed::ALL.into_iter().zip(self.0)
    }

    /// Number of all datagrams dropped.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.0.iter().sum()
    }

    fn count(&mut self, reason: Malformed) {
        self.0[reason as usize] += 1;
    }
}

/// Who gets the datagrams of a reception.
pub trait Taker {
    /// Sees the payload of a datagram that will be taken in a moment; nothing has been checked yet. A chance to bring
    /// what it needs into the processor's caches while other memory is waited for anyway.
    fn look(&mut self, payload: &[u8]);
    /// Takes a datagram.
    fn take(&mut self, input: Inbound<'_>);
}

/// A function that only takes.
struct TakeOnly<'f, F>(&'f mut F);

impl<F: FnMut(Inbound<'_>)> Taker for TakeOnly<'_, F> {
    fn look(&mut self, _payload: &[u8]) {}

    fn take(&mut self, input: Inbound<'_>) {
        (self.0)(input);
    }
}

/// What one reception came to.
#[derive(Debug, Default)]
pub struct ReceiveReport {
    /// Datagrams handed over.
    pub received: u32,
    /// Datagrams dropped because they are longer than a buffer (4160 bytes; 1900 in raw mode).
    pub truncated: u32,
    /// Datagrams dropped because their headers are wrong.
    pub malformed: MalformedCounts,
    /// Datagrams that the kernel dropped since the last look, for want of room. It is looked at
    /// after full batches.
    pub kernel_drops: u32,
    /// An error of the socket other than "nothing there", such as the interface going down. It is
    /// no reason to close the socket: [`Transport::reconcile`] decides that.
    pub error: Option<io::Error>,
}

impl ReceiveReport {
    /// Number of datagrams taken from the kernel, dropped ones included: less than asked for means
    /// that nothing more is waiting.
    #[must_use]
    pub fn taken(&self) -> u32 {
        self.received + self.truncated + self.malformed.total()
    }

    fn add(&mut self, other: Self) {
        self.received += other.received;
        self.truncated += other.truncated;
        self.kernel_drops = self.kernel_drops.saturating_add(other.kernel_drops);
        for (to, from) in self.malformed.0.iter_mut().zip(other.malformed.0) {
            *to += from;
        }
        self.error = self.error.take().or(other.error);
    }
}

/// What one sending came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendReport {
    /// Datagrams that the kernel took.
    pub sent: u32,
    /// Datagrams that it refused.
    pub failed: u32,
}

/// The sockets of one worker.
#[derive(Debug)]
pub struct Transport {
    plan: Plan,
    group: Group,
    sockets: Sockets,
    /// Endpoints that could not be opened, with the error number told.
    failed: Vec<(Endpoint, Option<i32>)>,
    batch: ReceiveBatch,
    sender: send::Sender,
    /// Calls of [`Transport::receive_any`] in a row that found nothing.
    idle_rounds: u32,
}

impl Transport {
    /// Makes the transport of worker `index` of `count`, without sockets: [`Transport::reconcile`]
    /// opens them.
    #[must_use]
    pub fn new(plan: Plan, index: u16, count: u16) -> Self {
        Self {
            plan,
            group: Group { index, count: count.max(1) },
            sockets: Sockets::default(),
            failed: Vec::new(),
            batch: ReceiveBatch::new(),
            sender: send::Sender::new(),
            idle_rounds: 0,
        }
    }

    /// Replaces the plan; the next [`Transport::reconcile`] acts on it and keeps the sockets that
    /// stay the same.
    pub fn set_plan(&mut self, plan: Plan) {
        self.plan = plan;
    }

    /// The sockets that receive, with the descriptors to watch for reading (level-triggered).
    pub fn raw_fds(&self) -> impl Iterator<Item = (SocketToken, RawFd)> + '_ {
        self.sockets.watched()
    }

    /// What is open, with the names of the sockets.
    pub fn endpoints(&self) -> impl Iterator<Item = (SocketToken, &Endpoint)> + '_ {
        self.sockets.endpoints()
    }

    /// Whether something that ought to be open is not: then [`Transport::reconcile`] is worth
    /// calling again after a while, without any change of interfaces.
    #[must_use]
    pub fn has_failures(&self) -> bool {
        !self.failed.is_empty()
    }

    /// Receives what waits on one socket, `max` datagrams at most; nothing for a token that is
    /// closed.
    pub fn receive(
        &mut self,
        token: SocketToken,
        max: usize,
        take: &mut impl FnMut(Inbound<'_>),
    ) -> ReceiveReport {
        let Some(slot) = self.sockets.slot_of(token) else { return ReceiveReport::default() };
        let mut report = self.receive_slot(slot, max, &mut TakeOnly(take));
        if report.taken() == 0 && report.error.is_none() {
            // Woken for nothing: an error that waits would wake us for ever.
            report.error = self.sockets.take_error(slot);
        }
        report
    }

    /// Receives what waits on any socket, `max` datagrams at most, beginning with another socket
    /// each time.
    pub fn receive_any(&mut self, max: usize, take: &mut impl FnMut(Inbound<'_>)) -> ReceiveReport {
        self.receive_batch(max, &mut TakeOnly(take))
    }

    /// Like [`Transport::receive_any`]; `taker` sees the datagrams of a socket in advance.
    pub fn receive_batch(&mut self, max: usize, taker: &mut impl Taker) -> ReceiveReport {
        let mut total = ReceiveReport::default();
        for slot in self.sockets.round() {
            let left = max.saturating_sub(total.taken() as usize);
            if left == 0 {
                break;
            }
            total.add(self.receive_slot(slot, left, taker));
        }
        self.idle_rounds = if total.taken() == 0 { self.idle_rounds + 1 } else { 0 };
        if self.idle_rounds >= IDLE_ROUNDS_MAX {
            self.idle_rounds = 0;
            // Woken for nothing again and again: rings do not tell errors, and one that waits wakes
            // us for ever.
            for slot in self.sockets.round() {
                total.error = total.error.take().or_else(|| self.sockets.take_error(slot));
            }
        }
        total
    }

    /// Sends the entries of `range` and calls `done` once for each, in any order. Order is kept
    /// among datagrams of one destination and way. What failed is not tried again.
    pub fn send(
        &mut self,
        outbox: &Outbox,
        range: Range<usize>,
        done: &mut impl FnMut(&Outbound, Result<(), io::Error>),
    ) -> SendReport {
        self.sender.send(&mut self.sockets, &self.plan, outbox, range, done)
    }

    fn receive_slot(&mut self, slot: usize, max: usize, taker: &mut impl Taker) -> ReceiveReport {
        let max = max.min(BATCH);
        let mut report = ReceiveReport::default();
        match self.sockets.receiver(slot) {
            None => return report,
            Some((interface, Receiver::Packet(socket))) => {
                let PacketSocket { ring, addresses, .. } = socket;
                ring.look(max, |frame| {
                    taker.look(frame.get(frame::HEADERS..).unwrap_or_default());
                });
                let mut left = max;
                while left > 0
                    && ring.next(|frame| {
                        accept_frame(frame, interface, addresses, &mut report, taker);
                    })
                {
                    left -= 1;
                }
            }
            Some((interface, Receiver::Udp(socket))) => {
                let result = self.batch.receive(socket.fd(), max);
                let count = *result.as_ref().unwrap_or(&0);
                self.batch.payloads(count).for_each(|payload| taker.look(payload));
                self.batch.each(count, |received| {
                    if received.is_truncated {
                        report.truncated += 1;
                        return;
                    }
                    report.received += 1;
                    taker.take(Inbound {
                        payload: received.payload,
                        interface: received.interface.map_or(interface, InterfaceIndex),
                        source: received.source,
                        destination: socket.destination,
                        local: socket.local_for(&received.source),
                        link_source: None,
                    });
                });
                report.error = result.err().filter(|error| !is_transient(error));
            }
        }
        if report.taken() as usize == max {
            report.kernel_drops = self.sockets.new_drops(slot);
        }
        report
    }
}

/// Checks a frame and hands its datagram over.
fn accept_frame(
    frame: Frame<'_>,
    interface: InterfaceIndex,
    addresses: &[crate::Ipv4Network],
    report: &mut ReceiveReport,
    taker: &mut impl Taker,
) {
    if frame.is_truncated {
        report.truncated += 1;
        return;
    }
    if frame.is_tagged {
        report.malformed.count(Malformed::Kind);
        return;
    }
    let datagram = match frame::parse(frame.bytes, frame.is_checksum_settled) {
        Ok(datagram) => datagram,
        Err(reason) => {
            report.malformed.count(reason);
            return;
        }
    };
    let destination = *datagram.destination.ip();
    let own = addresses.iter().find(|own| own.address == destination);
    let own = own.or_else(|| addresses.iter().find(|own| own.broadcast() == Some(destination)));
    let local = own.or(addresses.first()).map_or(Ipv4Addr::UNSPECIFIED, |own| own.address);
    report.received += 1;
    taker.take(Inbound {
        payload: datagram.payload,
        interface,
        source: SocketAddr::V4(datagram.source),
        destination: IpAddr::V4(destination),
        local: IpAddr::V4(local),
        link_source: Some(datagram.link_source),
    });
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
