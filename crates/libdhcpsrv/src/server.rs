//! The server of one worker, as whoever has the packets drives it: a daemon, a test, the simulator.
//!
//! Contract: feed one datagram with [`DhcpServer::receive`], or the answer of a store with [`DhcpServer::resume`], or that
//! of a database of hosts with [`DhcpServer::resume_with_hosts`]; after a batch call [`DhcpServer::end_batch`]; carry away
//! the requests of [`DhcpServer::take_host_requests`]; send what the outboxes hold and say what became of it.

use std::io;
use std::sync::Arc;

use util::Now;
use util::link::{Inbound, Outbound, Replies};

use crate::explain::Explanation;
use crate::hosts::{HostKind, HostReply, HostRequest};
use crate::intake::Progress;
use crate::links::Links;
use crate::session::{Answer, Ticket};

/// A DHCP server without sockets, files, clocks or threads.
pub trait DhcpServer: Send {
    /// The leases that it gives.
    type Leases: HostKind;
    /// A configuration in force.
    type Runtime: Send + Sync;

    /// Puts another configuration in force; exchanges that wait finish under the old one.
    fn set_runtime(&mut self, runtime: Arc<Self::Runtime>);

    /// Tells which interfaces there are.
    fn set_links(&mut self, links: Arc<Links>);

    /// Sees the payload of a datagram that will be fed in a moment, in order to fetch what it needs from memory. It
    /// has not been checked: whatever it holds, this has no effect but time.
    fn look(&self, payload: &[u8]);

    /// Feeds one datagram.
    fn receive(&mut self, input: Inbound<'_>, now: Now, replies: &mut Replies) -> Progress;

    /// Feeds the answer to a question that an exchange waits for; an unknown ticket is ignored.
    fn resume(
        &mut self,
        ticket: Ticket,
        answer: Answer<Self::Leases>,
        now: Now,
        replies: &mut Replies,
    ) -> Progress;

    /// Takes the questions to databases of hosts that have come up since the last call. Each must be replied to once.
    fn take_host_requests(&mut self, into: &mut Vec<HostRequest<Self::Leases>>);

    /// Feeds the reply to such a question; an unknown ticket is ignored. It may lead to a question to another database.
    fn resume_with_hosts(
        &mut self,
        ticket: Ticket,
        reply: HostReply<Self::Leases>,
        now: Now,
        replies: &mut Replies,
    ) -> Progress;

    /// Ends an exchange whose question will not be answered: its packet is dropped. An unknown ticket is ignored.
    fn give_up(&mut self, ticket: Ticket, now: Now);

    /// Ends all exchanges that have waited for so long that no answer can come any more.
    fn give_up_overdue(&mut self, now: Now);

    /// Ends a batch: packets that waited for another one of their client get their turn, if that is done. Also to be called
    /// behind answers and whenever exchanges were given up.
    fn end_batch(&mut self, now: Now, replies: &mut Replies);

    /// Counts and logs a packet whose processing panicked.
    fn processing_failed(&mut self, input: &Inbound<'_>, reason: &str);

    /// Explains every query from now on, not in the log but for [`DhcpServer::take_explanation`].
    fn explain_everything(&mut self);

    /// Takes the explanation of the query that was processed last.
    fn take_explanation(&mut self) -> Option<Explanation>;

    /// Counts frames that are no datagrams.
    fn malformed_frames(&mut self, count: u64);

    /// Counts a datagram that was not fed, because nothing can be done for it at the moment.
    fn passed_over(&mut self);

    /// Counts a reply that was sent; `tag` is its message type.
    fn sent(&mut self, tag: u32);

    /// Logs a reply that could not be sent.
    fn sending_failed(&mut self, reply: &Outbound, error: &io::Error);
}
