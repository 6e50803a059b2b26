//! The world's side of the running server: batches, replies that leave, the journal's steps, and the judgement of
//! every reply.

use libdhcpsrv::intake::Progress;
use libdhcpsrv::server::DhcpServer;
use libdhcpsrv::session::Ticket;
use util::Entropy;
use util::link::Outbox;

use crate::clock::MS;
use crate::family::{Family, Scene};
use crate::host::Worker;
use crate::world::{Event, World};

/// Datagrams of one batch.
const BATCH: usize = 64;

impl<F: Family> World<F> {
    pub(crate) fn batch(&mut self, worker: usize) {
        let now = self.clock.now();
        for _ in 0..BATCH {
            let Some(host) = &mut self.host else { return };
            let Some(datagram) = host.workers[worker].inbox.pop_front() else { break };
            let read = F::read_query(&datagram.payload);
            if let Some(read) = &read {
                self.family.before(host, read);
            }
            let mut progress = Progress::Done;
            self.observe(worker, |one| {
                progress = one.server.receive(datagram.inbound(), now, &mut one.replies);
            });
            if let (Progress::Deferred, Some(read)) = (progress, &read) {
                self.deferred.push((self.epoch, worker, read.clone()));
            }
            if let (Some(host), Some(read)) = (&self.host, &read) {
                self.family.after(host, read);
            }
        }
        self.end_batch(worker);
        let Some(host) = &mut self.host else { return };
        let parked: usize = host.workers.iter().map(|one| F::parked_len(&one.server)).sum();
        self.report.parked_max = self.report.parked_max.max(parked as u64);
        let (more, epoch) = (!host.workers[worker].inbox.is_empty(), self.epoch);
        if more {
            self.after(100_000, Event::Batch { epoch, worker });
        }
        self.ring();
        self.send_ready(worker);
        self.release(worker);
    }

    /// Lets queries have their turn that have waited for another one of their client. Which ones do nobody tells, so the
    /// referee hears again of all that may.
    fn end_batch(&mut self, worker: usize) {
        let now = self.clock.now();
        let Self { host, family, deferred, epoch, .. } = self;
        let Some(host) = host else { return };
        let own = deferred.iter().filter(|(of, at, _)| (of, at) == (epoch, &worker));
        own.for_each(|(.., read)| family.before(host, read));
        self.observe(worker, |one| one.server.end_batch(now, &mut one.replies));
        let Self { host, family, deferred, epoch, .. } = self;
        let Some(host) = host else { return };
        let own = deferred.iter().filter(|(of, at, _)| (of, at) == (epoch, &worker));
        own.for_each(|(.., read)| family.after(host, read));
        let waits = F::behind_len(&host.workers[worker].server) > 0;
        deferred.retain(|(of, at, _)| of == epoch && (*at != worker || waits));
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
        self.end_batch(worker);
        self.ring();
        self.send_ready(worker);
        self.release(worker);
    }

    /// Lets a worker do something and looks at the replies that it makes and the questions that it asks.
    pub(crate) fn observe(&mut self, worker: usize, work: impl FnOnce(&mut Worker<F>)) {
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

    /// The server has made a reply.
    fn made(&mut self, payload: &[u8], hold: u64) {
        let Some(host) = &self.host else { return };
        let Some(read) = F::read_reply(payload) else {
            panic!("the server made an unreadable reply")
        };
        let Self { clients, scenario, clock, family, .. } = self;
        family.made(&Scene { host, clients, scenario, clock }, &read, hold);
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
        which: fn(&mut Worker<F>) -> &mut Outbox,
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
        if let Some(read) = F::read_reply(&payload) {
            self.family.left(&read, hold, &mut self.report);
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
