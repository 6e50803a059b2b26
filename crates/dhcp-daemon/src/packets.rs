//! The server of a worker thread: what the thread has to tell becomes counts and log lines.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use libdhcpsrv::links::Links;
use libdhcpsrv::loggers::{BAD_PACKETS, DHCPSRV, PACKETS};
use libdhcpsrv::server::DhcpServer;
use netio::{Event, ReceiveReport};
use process::worker::PacketServer;
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
}

impl<D: Daemon> WorkerServer<D> {
    /// Takes the server of worker `index`.
    pub(crate) fn new(server: D::Server, index: usize) -> Self {
        Self { server, index, listening: false }
    }
}

impl<D: Daemon> PacketServer for WorkerServer<D> {
    type Update = Update<D>;

    fn look(&self, payload: &[u8]) {
        self.server.look(payload);
    }

    fn receive(&mut self, input: Inbound<'_>, now: Now, replies: &mut Replies) {
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
