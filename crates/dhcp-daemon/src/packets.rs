//! The server of a worker thread: what the thread has to tell becomes counts and log lines.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use database::host_service::{HostPost, HostService};
use database::service::Post;
use libdhcpsrv::hosts::{HostReply, HostRequest};

use libdhcpsrv::links::Links;
use libdhcpsrv::loggers::{BAD_PACKETS, DHCPSRV, PACKETS};
use libdhcpsrv::remote::Reply;
use libdhcpsrv::server::DhcpServer;
use libdhcpsrv::session::Ticket;
use netio::{Event, ReceiveReport};
use process::worker::{PacketServer, Wake};
use util::Now;
use util::link::{Inbound, InterfaceIndex, Outbound, Replies};

use crate::Daemon;
use crate::messages::*;

/// A change for a worker.
pub(crate) enum Update<D: Daemon> {
    /// Another configuration.
    Runtime(Arc<D::Runtime>),
    /// Other interfaces.
    Links(Arc<Links>),
}

/// The server as the worker thread drives it.
pub(crate) struct WorkerServer<D: Daemon> {
    server: D::Server,
    index: usize,
    listening: bool,
    database: Option<Access<D>>,
    hosts: HostAccess<D>,
    /// When exchanges that have waited for too long were last given up.
    swept_s: u32,
}

/// Seconds between two looks at exchanges that wait.
const SWEEP_S: u32 = 10;

/// Questions without an answer by the lease database from which on packets and answers gather for [`PATIENCE`]: with less
/// to do everybody is answered as soon as possible.
const MANY: usize = 4;
/// At most so much later each answer is looked at; at once when there are many, or no others come.
const PATIENCE: Duration = Duration::from_micros(800);

/// The worker's access to databases of hosts.
struct HostAccess<D: Daemon> {
    post: HostPost<D::Leases>,
    wake: Arc<OnceLock<Wake>>,
    /// Questions and replies that are on their way: memory that is used again.
    requests: Vec<HostRequest<D::Leases>>,
    replies: Vec<(Ticket, HostReply<D::Leases>)>,
}

/// Wakes a worker as soon as it is known how.
fn wake_later(wake: &Arc<OnceLock<Wake>>) -> database::Wake {
    let wake = wake.clone();
    Box::new(move |is_urgent| {
        if let Some(wake) = wake.get() {
            wake(is_urgent);
        }
    })
}

/// The worker's access to a lease database.
pub(crate) struct Access<D: Daemon> {
    pub(crate) post: Post<D::Leases>,
    /// Wakes the worker, once it is known how.
    pub(crate) wake: Arc<OnceLock<Wake>>,
    /// Replies that are being processed, the next one last: memory that is used again.
    replies: Vec<Reply<D::Leases>>,
    /// Replies that have been processed since the last time that questions were handed over.
    settled: usize,
}

impl<D: Daemon> Access<D> {
    pub(crate) fn new(make: impl FnOnce(database::Wake) -> Post<D::Leases>) -> Self {
        let wake: Arc<OnceLock<Wake>> = Arc::default();
        let post = make(wake_later(&wake));
        Self { post, wake, replies: Vec::new(), settled: 0 }
    }
}

impl<D: Daemon> WorkerServer<D> {
    /// Takes the server of worker `index`.
    pub(crate) fn new(
        server: D::Server,
        index: usize,
        database: Option<Access<D>>,
        hosts: &HostService<D::Leases>,
    ) -> Self {
        let wake: Arc<OnceLock<Wake>> = Arc::default();
        let post = hosts.post(wake_later(&wake));
        let hosts = HostAccess { post, wake, requests: Vec::new(), replies: Vec::new() };
        Self { server, index, listening: false, database, hosts, swept_s: 0 }
    }

    /// Whether queries are passed over because the database is away.
    fn is_closed(&self) -> bool {
        self.database.as_ref().is_some_and(|database| database.post.is_closed())
            || self.hosts.post.is_closed()
    }
}

impl<D: Daemon> PacketServer for WorkerServer<D> {
    type Update = Update<D>;

    fn started(&mut self, wake: Wake) {
        if let Some(database) = &self.database {
            // It is set once.
            let _ = database.wake.set(wake.clone());
        }
        let _ = self.hosts.wake.set(wake);
    }

    fn resume(&mut self, now: Now, replies: &mut Replies) {
        // One by one: should one of them meet a defect, the others are still there in the next pass.
        if self.hosts.replies.is_empty() {
            self.hosts.post.collect(&mut self.hosts.replies);
            self.hosts.replies.reverse();
        }
        while let Some((ticket, reply)) = self.hosts.replies.pop() {
            self.server.resume_with_hosts(ticket, reply, now, replies);
        }
        if now.mono_s().wrapping_sub(self.swept_s) >= SWEEP_S {
            self.swept_s = now.mono_s();
            self.server.give_up_overdue(now);
        }
        let Some(database) = &mut self.database else { return };
        let store = database.post.store().clone();
        if database.replies.is_empty() {
            database.post.collect(&mut database.replies);
            database.replies.reverse();
        }
        while let Some(reply) = database.replies.pop() {
            database.settled += 1;
            let ticket = reply.ticket;
            match store.settle(reply, now) {
                Some(answer) => {
                    self.server.resume(ticket, answer, now, replies);
                }
                None => self.server.give_up(ticket, now),
            }
        }
    }

    fn hand_over(&mut self) {
        if let Some(database) = &mut self.database {
            database.post.hand_over();
            database.post.settled(std::mem::take(&mut database.settled));
        }
        self.server.take_host_requests(&mut self.hosts.requests);
        if !self.hosts.requests.is_empty() {
            self.hosts.post.hand_over(&mut self.hosts.requests);
        }
    }

    fn patience(&self) -> Duration {
        match &self.database {
            Some(database) if database.post.open() >= MANY => PATIENCE,
            _ => Duration::ZERO,
        }
    }

    fn look(&self, payload: &[u8]) {
        self.server.look(payload);
    }

    fn receive(&mut self, input: Inbound<'_>, now: Now, replies: &mut Replies) {
        if self.is_closed() {
            self.server.passed_over();
            return;
        }
        self.server.receive(input, now, replies);
    }

    fn end_batch(&mut self, now: Now, replies: &mut Replies) {
        self.server.end_batch(now, replies);
    }

    fn processing_failed(&mut self, input: Option<&Inbound<'_>>, reason: &str) {
        // Of a packet that had waited nothing is left but its failure.
        let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let lost = Inbound {
            payload: &[],
            interface: InterfaceIndex(0),
            source: SocketAddr::new(unknown, 0),
            destination: unknown,
            local: unknown,
            link_source: None,
        };
        self.server.processing_failed(input.unwrap_or(&lost), reason);
    }

    fn received(&mut self, report: &ReceiveReport, _now: Now) {
        self.server.malformed_frames(u64::from(report.taken() - report.received));
        for (reason, count) in report.malformed.iter().filter(|&(_, count)| count > 0) {
            kea_log::log!(BAD_PACKETS, D::FRAMES_DROPPED, count, reason.describe());
        }
        if report.kernel_drops > 0 {
            kea_log::log!(PACKETS, D::KERNEL_DROPS, report.kernel_drops);
        }
    }

    fn sent(&mut self, reply: &Outbound, result: Result<(), io::Error>) {
        match result {
            Ok(()) => self.server.sent(reply.tag),
            Err(error) => self.server.sending_failed(reply, &error),
        }
    }

    fn discarded(&mut self, replies: usize) {
        kea_log::log!(DHCPSRV, DHCPSRV_REPLIES_DISCARDED, replies);
    }

    fn sockets_changed(&mut self, events: &[Event]) {
        // The workers of a group open the same sockets; one voice is enough.
        if self.index > 0 {
            return;
        }
        for event in events {
            match event {
                Event::Opened { endpoint, watch: Some(_), .. } => {
                    self.listening = true;
                    let (name, address) = (&endpoint.name, endpoint.address());
                    kea_log::log!(DHCPSRV, DHCPSRV_SOCKET_OPENED, name, address);
                }
                Event::Opened { .. } => {}
                Event::Closed { endpoint, .. } => {
                    let (name, address) = (&endpoint.name, endpoint.address());
                    kea_log::log!(DHCPSRV, DHCPSRV_SOCKET_CLOSED, name, address);
                }
                Event::Failed { endpoint, reason } => {
                    let (name, address) = (&endpoint.name, endpoint.address());
                    kea_log::log!(DHCPSRV, DHCPSRV_OPEN_SOCKET_FAIL, name, address, reason);
                }
            }
        }
        if !std::mem::replace(&mut self.listening, true) {
            kea_log::log!(DHCPSRV, DHCPSRV_NO_SOCKETS_OPEN);
        }
    }

    fn update(&mut self, update: Update<D>) {
        match update {
            Update::Runtime(runtime) => self.server.set_runtime(runtime),
            Update::Links(links) => self.server.set_links(links),
        }
    }
}
