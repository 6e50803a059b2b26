//! The world's side of the running server: batches, replies that leave, the journal's steps, and the judgement of
//! every reply.

use std::net::Ipv4Addr;

use libdhcp::v4::MessageType;
use libdhcpsrv::lease4::LeaseState;
use libdhcpsrv::server::DhcpServer;
use libdhcpsrv::session::Ticket;
use util::Entropy;
use util::link::Outbox;

use crate::clock::MS;
use crate::host::Worker;
use crate::oracle::matches_client_id;
use crate::packets::{Identity, Read};
use crate::world::{Event, World};

/// Datagrams of one batch.
const BATCH: usize = 64;

impl World {
    pub(crate) fn batch(&mut self, worker: usize) {
        let now = self.clock.now();
        for _ in 0..BATCH {
            let Some(host) = &mut self.host else { return };
            let Some(datagram) = host.workers[worker].inbox.pop_front() else { break };
            let read = Read::new(&datagram.payload);
            self.before(read.as_ref());
            self.observe(worker, |one| {
                one.server.receive(datagram.inbound(), now, &mut one.replies);
            });
            self.after_query(read.as_ref());
        }
        self.observe(worker, |one| one.server.end_batch(now, &mut one.replies));
        let Some(host) = &mut self.host else { return };
        let parked: usize = host.workers.iter().map(|one| one.server.parked_len()).sum();
        self.report.parked_max = self.report.parked_max.max(parked as u64);
        let (more, epoch) = (!host.workers[worker].inbox.is_empty(), self.epoch);
        if more {
            self.after(100_000, Event::Batch { epoch, worker });
        }
        self.ring();
        self.send_ready(worker);
        self.release(worker);
    }

    /// Tells the journal thread that rows wait.
    pub(crate) fn ring(&mut self) {
        if self.host.as_ref().is_some_and(|host| host.queue.has_uncommitted()) {
            let wait = self.rng.below(2 * MS);
            self.after(wait, Event::Write { epoch: self.epoch });
        }
    }

    pub(crate) fn answer(&mut self, worker: usize, ticket: Ticket) {
        let Some(late) = self.host.as_ref().and_then(|host| host.late.clone()) else { return };
        let Some(answer) = late.answer(ticket) else { return };
        self.report.late_answers += 1;
        let now = self.clock.now();
        self.observe(worker, |one| {
            one.server.resume(ticket, answer, now, &mut one.replies);
        });
        self.ring();
        self.send_ready(worker);
        self.release(worker);
    }

    /// Lets a worker do something and looks at the replies that it makes and the questions that it asks.
    pub(crate) fn observe(&mut self, worker: usize, work: impl FnOnce(&mut Worker)) {
        let Some(host) = &mut self.host else { return };
        let one = &mut host.workers[worker];
        let before = (one.replies.ready.len(), one.replies.held.len());
        work(one);
        let mut made = Vec::new();
        for (outbox, from) in [(&one.replies.ready, before.0), (&one.replies.held, before.1)] {
            let entries = outbox.entries().get(from..).unwrap_or_default();
            made.extend(entries.iter().map(|entry| (outbox.payload(entry).to_vec(), entry.hold)));
        }
        let given = host.late.as_ref().map(|late| late.take_given()).unwrap_or_default();
        for (payload, hold) in made {
            self.made(&payload, hold);
        }
        for ticket in given {
            let wait = self.rng.below(300 * MS);
            self.after(wait, Event::Execute { epoch: self.epoch, worker, ticket });
        }
    }

    /// The server has made a reply: what it says must agree with the store.
    pub(crate) fn made(&mut self, payload: &[u8], hold: u64) {
        let Some(host) = &self.host else { return };
        let Some(read) = Read::new(payload) else { panic!("the server made an unreadable reply") };
        let config = &host.runtime.config;
        let wall_max = self.clock.wall_max;
        if read.kind == MessageType::Nak {
            return self.refused(&read);
        }
        if !read.grants() {
            return assert_eq!(hold, 0, "a reply without a lease waits for the journal");
        }
        assert!(hold > 0, "an ACK does not wait for its lease");
        let lifetime = i64::from(read.lifetime.unwrap_or(0));
        let lease = host.store.lease(read.yiaddr);
        let ends = self.clock.now().wall_s + lifetime;
        let Some(lease) = lease.filter(|lease| lease.state == LeaseState::Default) else {
            // Only a late answer can be overtaken by the end of its own lease.
            return assert!(host.late.is_some(), "ACK without a lease");
        };
        let stored = lease.cltt + i64::from(lease.valid_lifetime);
        let owner = Identity::of(&lease);
        let matches = matches_client_id(config, read.yiaddr);
        if !owner.is_same(&read.identity, matches) {
            // The same, when the clock has jumped over the whole lease meanwhile, or a twin has moved on with it.
            let jumps = self.scenario.clock_jump_rate > 0;
            let overtaken = host.late.is_some() && (jumps || self.is_shared(&read.identity));
            return assert!(overtaken, "{read:?} for a lease of {owner:?}");
        }
        let is_exact = host.late.is_none();
        assert!(stored == ends || !is_exact, "{} ends at {stored}, not {ends}", read.yiaddr);
        self.oracle.granted(config, &read.identity, read.yiaddr, stored, wall_max);
        self.granted.insert(hold, stored);
    }

    fn is_shared(&self, identity: &Identity) -> bool {
        let clients = self.by_hw.get(&identity.hw).map(Vec::as_slice).unwrap_or_default();
        clients.iter().any(|&client| self.clients[client].is_shared)
    }

    /// A NAK must not deny a client what the store says is its own.
    pub(crate) fn refused(&self, read: &Read) {
        let Some(host) = self.host.as_ref().filter(|host| host.late.is_none()) else { return };
        let clients = self.by_hw.get(&read.identity.hw).map(Vec::as_slice).unwrap_or_default();
        let asking = clients.iter().map(|&client| &self.clients[client]);
        let asking = asking.filter(|client| client.identity == read.identity);
        let Some(client) = asking.into_iter().find(|client| client.xid() == read.xid) else {
            return;
        };
        let Some(lease) = client.requested.and_then(|address| host.store.lease(address)) else {
            return;
        };
        let config = &host.runtime.config;
        let owner = Identity::of(&lease);
        let is_own = owner.is_same(&read.identity, matches_client_id(config, lease.address));
        let is_active = lease.state == LeaseState::Default
            && lease.cltt + i64::from(lease.valid_lifetime) >= self.clock.now().wall_s;
        let in_pool = config.by_address.find(lease.address).is_some_and(|index| {
            config.pools_of(config.subnet(index)).iter().any(|pool| pool.contains(lease.address))
        });
        let unique = clients.len() == 1;
        assert!(!(is_own && is_active && in_pool && unique), "NAK for {lease:?}");
    }

    /// A query is about to be processed.
    pub(crate) fn before(&mut self, read: Option<&Read>) {
        let (Some(host), Some(read)) = (&self.host, read) else { return };
        let address = match read.kind {
            MessageType::Release => read.ciaddr,
            MessageType::Decline => read.requested.unwrap_or(Ipv4Addr::UNSPECIFIED),
            MessageType::Request if host.late.is_some() => {
                let address = read.requested.unwrap_or(read.ciaddr);
                return self.oracle.asked(&host.runtime.config, &read.identity, address);
            }
            _ => return,
        };
        self.oracle.given_up(&host.runtime.config, &read.identity, address);
    }

    /// A query has been processed.
    pub(crate) fn after_query(&mut self, read: Option<&Read>) {
        let (Some(host), Some(read)) = (&self.host, read) else { return };
        let Some(address) = read.requested.filter(|_| read.kind == MessageType::Decline) else {
            return;
        };
        if let Some(lease) = host.store.lease(address)
            && lease.state == LeaseState::Declined
        {
            let until = lease.cltt + i64::from(lease.valid_lifetime);
            self.oracle.declined(address, until);
        }
    }

    pub(crate) fn send_ready(&mut self, worker: usize) {
        let Some(host) = &mut self.host else { return };
        let count = host.workers[worker].replies.ready.len();
        self.send(worker, count, |one| &mut one.replies.ready);
    }

    /// Sends the held replies whose rows are stable; throws all away while storage fails.
    pub(crate) fn release(&mut self, worker: usize) {
        let Some(host) = &mut self.host else { return };
        let one = &mut host.workers[worker];
        let ready = one.replies.held.ready(host.queue.committed());
        let is_failing = host.queue.admit().is_err();
        self.send(worker, ready, |one| &mut one.replies.held);
        if is_failing && let Some(host) = &mut self.host {
            let held = &mut host.workers[worker].replies.held;
            self.report.discarded += held.len() as u64;
            held.clear();
        }
    }

    pub(crate) fn send(
        &mut self,
        worker: usize,
        count: usize,
        which: fn(&mut Worker) -> &mut Outbox,
    ) {
        let Some(host) = &mut self.host else { return };
        let one = &mut host.workers[worker];
        let outbox = which(one);
        let entries = outbox.entries().get(..count).unwrap_or_default();
        let sent: Vec<_> =
            entries.iter().map(|entry| (outbox.payload(entry).to_vec(), *entry)).collect();
        outbox.discard_front(count);
        for (payload, entry) in sent {
            let Some(host) = &mut self.host else { return };
            host.workers[worker].server.sent(entry.tag);
            self.leave(payload, entry.hold);
        }
    }

    /// A reply leaves the server for good.
    pub(crate) fn leave(&mut self, payload: Vec<u8>, hold: u64) {
        let Some(read) = Read::new(&payload) else { return };
        match read.kind {
            MessageType::Offer => self.report.offers += 1,
            MessageType::Nak => self.report.naks += 1,
            _ if read.grants() => self.report.acks += 1,
            _ => self.report.informs += 1,
        }
        if let Some(ends) = self.granted.remove(&hold) {
            self.oracle.told(&read.identity, read.yiaddr, ends);
        }
        for wait in self.ways() {
            self.after(wait, Event::ToClient(payload.clone()));
        }
    }

    pub(crate) fn write_journal(&mut self) {
        let Some(host) = &mut self.host else { return };
        if host.write_journal(&mut self.disk, &mut self.rng) {
            let wait = self.rng.below(10 * MS);
            self.after(wait, Event::Synced { epoch: self.epoch });
        } else if host.queue.admit().is_err() {
            for worker in 0..host.workers.len() {
                self.release(worker);
            }
        }
    }

    pub(crate) fn synced(&mut self) {
        let Some(host) = &mut self.host else { return };
        host.finish_sync(&mut self.disk);
        let workers = host.workers.len();
        for worker in 0..workers {
            self.release(worker);
        }
        self.ring();
    }
}
