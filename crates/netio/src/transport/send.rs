//! Sending: from entries of an outbox to as few system calls as possible.
//!
//! Entries are taken in groups of [`MESSAGES_MAX`]. Each is sorted to a UDP socket or to the frame
//! socket. What goes by UDP is ordered into runs (module `gso`), and all runs of one socket leave
//! by one call. A run that the kernel does not cut is sent again one by one; one without a route
//! becomes frames.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use util::link::{Delivery, InterfaceIndex, LinkAddress, Outbound, Outbox};

use super::SendReport;
use super::sockets::Sockets;
use crate::frame::{self, HEADERS, Link};
use crate::gso::{Item, Run, plan_runs};
use crate::plan::{Plan, scope_of};
use crate::sys::batch::{MESSAGES_MAX, SendBatch, Target};
use crate::sys::socket;

/// Tries of one call when buffers are full, and the wait before each.
const RETRIES_MAX: u32 = 3;
const RETRY_WAIT: Duration = Duration::from_millis(1);
const LINK_BROADCAST: LinkAddress = LinkAddress([0xff; 6]);

/// What must be equal in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    slot: usize,
    to: SocketAddr,
    /// For broadcasts, which no route leads.
    interface: Option<u32>,
    /// The entry's number when it must be sent by itself.
    alone: Option<u16>,
}

/// A datagram to be sent as a frame.
#[derive(Clone, Copy, Debug)]
struct FrameJob {
    entry: u16,
    interface: u32,
    headers: [u8; HEADERS],
}

/// Where one entry goes.
enum Sorted {
    Frame(LinkAddress),
    Udp(Way),
}

/// Reused memory of the sending side.
#[derive(Debug)]
pub(super) struct Sender {
    batch: SendBatch,
    items: Vec<Item<Way>>,
    runs: Vec<Run>,
    frames: Vec<FrameJob>,
}

/// One group of entries on its way, and what became of them.
struct Job<'a, F> {
    outbox: &'a Outbox,
    entries: &'a [Outbound],
    port: u16,
    report: SendReport,
    done: &'a mut F,
}

impl<F: FnMut(&Outbound, Result<(), io::Error>)> Job<'_, F> {
    fn finish(&mut self, entry: u16, result: Result<(), io::Error>) {
        let Some(entry) = self.entries.get(usize::from(entry)) else { return };
        match result {
            Ok(()) => self.report.sent += 1,
            Err(_) => self.report.failed += 1,
        }
        (self.done)(entry, result);
    }
}

impl Sender {
    pub(super) fn new() -> Self {
        Self {
            batch: SendBatch::new(),
            items: Vec::with_capacity(MESSAGES_MAX),
            runs: Vec::with_capacity(MESSAGES_MAX),
            frames: Vec::with_capacity(MESSAGES_MAX),
        }
    }

    pub(super) fn send(
        &mut self,
        sockets: &mut Sockets,
        plan: &Plan,
        outbox: &Outbox,
        range: Range<usize>,
        done: &mut impl FnMut(&Outbound, Result<(), io::Error>),
    ) -> SendReport {
        let end = range.end.min(outbox.len());
        let entries = outbox.entries().get(range.start..end).unwrap_or_default();
        let mut report = SendReport::default();
        for entries in entries.chunks(MESSAGES_MAX) {
            let mut job = Job { outbox, entries, port: plan.port(), report, done };
            self.sort(sockets, &mut job);
            plan_runs(&mut self.items, &mut self.runs);
            if !plan.uses_routing() {
                self.frame_lone_replies(sockets, &mut job);
            }
            self.send_runs(sockets, &mut job);
            self.send_frames(sockets, &mut job);
            report = job.report;
        }
        report
    }

    /// Fills `items` and `frames`.
    fn sort<F>(&mut self, sockets: &Sockets, job: &mut Job<'_, F>)
    where
        F: FnMut(&Outbound, Result<(), io::Error>),
    {
        self.items.clear();
        self.frames.clear();
        for at in 0..job.entries.len() as u16 {
            let Some(entry) = job.entries.get(usize::from(at)) else { break };
            match sort_entry(sockets, entry) {
                Ok(Sorted::Udp(mut key)) => {
                    key.alone = entry.alone.then_some(at);
                    self.items.push(Item { key, len: entry.len, entry: at });
                }
                Ok(Sorted::Frame(to)) => self.add_frame(sockets, job, at, to),
                Err(code) => job.finish(at, Err(io::Error::from_raw_os_error(code))),
            }
        }
    }

    /// Takes runs of one datagram out when they can leave as frames to where the query came from: that is half the
    /// work for the kernel, and what Kea does. Longer runs are cheaper through the UDP socket, by far.
    fn frame_lone_replies<F>(&mut self, sockets: &Sockets, job: &mut Job<'_, F>)
    where
        F: FnMut(&Outbound, Result<(), io::Error>),
    {
        let mut runs = std::mem::take(&mut self.runs);
        runs.retain(|run| {
            if run.items.len() != 1 {
                return true;
            }
            let entry = self.items.get(run.items.start).map(|item| item.entry);
            let outbound = entry.and_then(|entry| job.entries.get(usize::from(entry)));
            match (entry, outbound.map(|outbound| (outbound.delivery, outbound.interface))) {
                (Some(entry), Some((Delivery::Routed { fallback: Some(to) }, interface)))
                    if sockets.packet(interface).is_some() =>
                {
                    self.add_frame(sockets, job, entry, to);
                    false
                }
                _ => true,
            }
        });
        self.runs = runs;
    }

    fn add_frame<F>(&mut self, sockets: &Sockets, job: &mut Job<'_, F>, at: u16, to: LinkAddress)
    where
        F: FnMut(&Outbound, Result<(), io::Error>),
    {
        let Some(entry) = job.entries.get(usize::from(at)) else { return };
        match make_frame(sockets, job.port, entry, job.outbox.payload(entry), to) {
            Some(headers) => {
                self.frames.push(FrameJob { entry: at, interface: entry.interface.0, headers });
            }
            None => job.finish(at, Err(io::Error::from_raw_os_error(libc::EMSGSIZE))),
        }
    }

    fn send_runs<F>(&mut self, sockets: &mut Sockets, job: &mut Job<'_, F>)
    where
        F: FnMut(&Outbound, Result<(), io::Error>),
    {
        let mut at = 0;
        let mut retries = 0;
        while let Some((slot, count)) = self.same_socket(at) {
            if sockets.udp(slot).is_some_and(|socket| !socket.segments) {
                self.split_runs(at..at + count);
            }
            let (slot, count) = self.same_socket(at).unwrap_or((slot, count));
            let Some(socket) = sockets.udp(slot) else { break };
            match self.push_runs(at..at + count, socket.fd.as_fd(), job) {
                Ok(sent) => {
                    for run in self.runs.get(at..at + sent).unwrap_or_default() {
                        for item in &self.items[run.items.clone()] {
                            job.finish(item.entry, Ok(()));
                        }
                    }
                    at += sent;
                    retries = 0;
                }
                Err(error) if is_full(&error) && retries < RETRIES_MAX => {
                    retries += 1;
                    socket::wait(socket.fd.as_fd(), libc::POLLOUT, RETRY_WAIT);
                }
                Err(error) if self.is_cut_refused(at, &error) => {
                    socket.segments &= error.raw_os_error() != Some(libc::EIO);
                    self.split_runs(at..at + 1);
                }
                Err(error) => {
                    self.refuse(at, &error, sockets, job);
                    at += 1;
                    retries = 0;
                }
            }
        }
    }

    /// The socket of the run at `at`, and how many runs from there on leave through it.
    fn same_socket(&self, at: usize) -> Option<(usize, usize)> {
        let slot_of = |run: &Run| self.items.get(run.items.start).map(|item| item.key.slot);
        let runs = self.runs.get(at..)?;
        let slot = slot_of(runs.first()?)?;
        let count = runs.iter().take_while(|run| slot_of(run) == Some(slot)).count();
        Some((slot, count.min(MESSAGES_MAX)))
    }

    /// Hands runs of one socket to the kernel; the number of runs that it took.
    fn push_runs<F>(
        &mut self,
        runs: Range<usize>,
        fd: BorrowedFd<'_>,
        job: &Job<'_, F>,
    ) -> io::Result<usize> {
        let mut sending = self.batch.begin();
        for run in self.runs.get(runs).unwrap_or_default() {
            let Some(items) = self.items.get(run.items.clone()) else { break };
            let Some(first) = items.first() else { break };
            let segment = if items.len() > 1 { u16::try_from(first.len).ok() } else { None };
            let Way { to, interface, .. } = first.key;
            let payloads = items.iter().filter_map(|item| {
                let entry = job.entries.get(usize::from(item.entry))?;
                Some(job.outbox.payload(entry))
            });
            if !sending.push(Target::Udp { to, interface }, segment, payloads) {
                break;
            }
        }
        sending.send(fd)
    }

    fn is_cut_refused(&self, at: usize, error: &io::Error) -> bool {
        let is_run = self.runs.get(at).is_some_and(|run| run.items.len() > 1);
        let codes = [libc::EINVAL, libc::EIO, libc::EMSGSIZE, libc::EOPNOTSUPP];
        is_run && error.raw_os_error().is_some_and(|code| codes.contains(&code))
    }

    /// Makes runs of one datagram each out of longer ones.
    fn split_runs(&mut self, range: Range<usize>) {
        let Some(items) = self
            .runs
            .get(range.clone())
            .and_then(|runs| Some(runs.first()?.items.start..runs.last()?.items.end))
        else {
            return;
        };
        if items.len() > range.len() {
            self.runs.splice(range, items.map(|at| Run { items: at..at + 1 }));
        }
    }

    /// Gives up a run, or sends it as frames when there is no route.
    fn refuse<F>(&mut self, at: usize, error: &io::Error, sockets: &Sockets, job: &mut Job<'_, F>)
    where
        F: FnMut(&Outbound, Result<(), io::Error>),
    {
        let code = error.raw_os_error().unwrap_or(libc::EIO);
        let is_unreachable = code == libc::ENETUNREACH || code == libc::EHOSTUNREACH;
        let Some(run) = self.runs.get(at) else { return };
        for place in run.items.clone() {
            let Some(entry) = self.items.get(place).map(|item| item.entry) else { continue };
            let fallback = job.entries.get(usize::from(entry)).and_then(|outbound| {
                let Delivery::Routed { fallback } = outbound.delivery else { return None };
                sockets.packet(outbound.interface)?;
                fallback
            });
            match fallback {
                Some(to) if is_unreachable => self.add_frame(sockets, job, entry, to),
                _ => job.finish(entry, Err(io::Error::from_raw_os_error(code))),
            }
        }
    }

    fn send_frames<F>(&mut self, sockets: &Sockets, job: &mut Job<'_, F>)
    where
        F: FnMut(&Outbound, Result<(), io::Error>),
    {
        let Some(socket) = sockets.frames.as_ref() else { return };
        let mut at = 0;
        let mut retries = 0;
        while let Some(frames) = self.frames.get(at..).filter(|frames| !frames.is_empty()) {
            let mut sending = self.batch.begin();
            for frame in frames {
                let Some(entry) = job.entries.get(usize::from(frame.entry)) else { break };
                let parts = [frame.headers.as_slice(), job.outbox.payload(entry)];
                let target = Target::Frame { interface: frame.interface };
                if !sending.push(target, None, parts.into_iter()) {
                    break;
                }
            }
            match sending.send(socket.as_fd()) {
                Ok(sent) => {
                    for frame in frames.iter().take(sent) {
                        job.finish(frame.entry, Ok(()));
                    }
                    at += sent;
                    retries = 0;
                }
                Err(error) if is_full(&error) && retries < RETRIES_MAX => {
                    retries += 1;
                    socket::wait(socket.as_fd(), libc::POLLOUT, RETRY_WAIT);
                }
                Err(error) => {
                    if let Some(frame) = frames.first() {
                        job.finish(frame.entry, Err(error));
                    }
                    at += 1;
                    retries = 0;
                }
            }
        }
    }
}

/// Decides how an entry leaves; the error number when it cannot.
fn sort_entry(sockets: &Sockets, entry: &Outbound) -> Result<Sorted, i32> {
    let udp = |to, interface| match sockets.sender(entry.source, entry.interface) {
        Some(slot) => Ok(Sorted::Udp(Way { slot, to, interface, alone: None })),
        None => Err(libc::EADDRNOTAVAIL),
    };
    let to = match (entry.source, entry.destination) {
        (IpAddr::V4(_), SocketAddr::V4(to)) => to,
        // No frames: a client has an address, of its link at least, before it sends.
        (IpAddr::V6(_), SocketAddr::V6(to)) => return udp(scoped(to, entry.interface), None),
        _ => return Err(libc::EAFNOSUPPORT),
    };
    let link = match entry.delivery {
        Delivery::Routed { .. } => return udp(to.into(), None),
        Delivery::Link(to) => to,
        Delivery::Broadcast => LINK_BROADCAST,
    };
    match sockets.packet(entry.interface) {
        Some(_) => Ok(Sorted::Frame(link)),
        None => {
            let to = SocketAddr::from((Ipv4Addr::BROADCAST, to.port()));
            udp(to, Some(entry.interface.0))
        }
    }
}

/// The destination with the interface where it means nothing without.
fn scoped(to: SocketAddrV6, interface: InterfaceIndex) -> SocketAddr {
    let scope = scope_of(IpAddr::V6(*to.ip()), interface);
    SocketAddrV6::new(*to.ip(), to.port(), 0, scope).into()
}

/// The headers of an entry's frame.
fn make_frame(
    sockets: &Sockets,
    port: u16,
    entry: &Outbound,
    payload: &[u8],
    to: LinkAddress,
) -> Option<[u8; HEADERS]> {
    let packet = sockets.packet(entry.interface)?;
    let (IpAddr::V4(source), SocketAddr::V4(destination)) = (entry.source, entry.destination)
    else {
        return None;
    };
    let source = match packet.addresses.first() {
        Some(first) if source.is_unspecified() => first.address,
        _ => source,
    };
    let link = Link { source: packet.link_address, destination: to };
    frame::write_headers(link, SocketAddrV4::new(source, port), destination, payload)
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOBUFS | libc::EINTR | libc::ENOMEM))
}
