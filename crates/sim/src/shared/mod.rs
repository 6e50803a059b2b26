//! Servers that share a database.
//!
//! The database is a [`Table`](database::simulated::Table) in memory. Each server ([`host`]) has workers with the real
//! `RemoteStore`s and marks of pools; what they ask is carried out at random later moments in random batches by the
//! daemon's own code (`database::requests`, `database::keeping`), and the replies come back later still, in any order. All
//! servers have the same configuration, identifier and addresses, and a client's datagrams reach one of them or all.
//!
//! What must hold is judged by a [`referee`] that sees every change of the table, every reply and what clients use.

mod host;
mod misfortune;
mod referee;

use database::simulated::{Connection, Moment, Table};
use libdhcpsrv::server::DhcpServer;
use util::{Entropy, SplitMix};

use crate::clock::{MS, SECOND};
use crate::family::{Datagram, Family};
use crate::world::{self, World};
use host::{Host, Job, Outcome};
use referee::{Cause, Referee};

/// Datagrams of one batch.
const BATCH: usize = 64;

/// Something that happens at a time; those of a server count in one of its lives only.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// A worker reads what has come.
    Batch { host: usize, epoch: u32, worker: usize },
    /// A connection carries out requests of a sort.
    Carry { host: usize, epoch: u32, sort: usize },
    /// A reply of the database arrives.
    Told { host: usize, epoch: u32, number: u64 },
    /// A server starts.
    Boot { host: usize },
    /// A server takes the configuration in force.
    Reconfigure { host: usize, epoch: u32 },
    /// The database is there again.
    Return,
}

/// The servers and their database.
#[derive(Debug)]
pub(crate) struct Side<F: Family> {
    table: Table<F::Leases>,
    hosts: Vec<Option<Host<F>>>,
    epochs: Vec<u32>,
    referee: Referee<F>,
    /// What draws the configuration in force.
    moves: Option<u64>,
    is_away: bool,
}

impl<F: Family> Side<F> {
    pub(crate) fn new(servers: usize) -> Self {
        let table = Table::default();
        table.watch();
        Self {
            table,
            hosts: (0..servers).map(|_| None).collect(),
            epochs: vec![0; servers],
            referee: Referee::default(),
            moves: None,
            is_away: false,
        }
    }

    pub(crate) fn begin(&mut self, world: &mut World<F>) {
        world.family.attach(&self.table);
        for host in 0..self.hosts.len() {
            self.boot(host, world);
        }
    }

    pub(crate) fn happen(&mut self, event: Event, world: &mut World<F>) {
        match event {
            Event::Batch { host, epoch, worker } if epoch == self.epochs[host] => {
                self.batch(host, worker, world);
            }
            Event::Carry { host, epoch, sort } if epoch == self.epochs[host] => {
                self.carry(host, sort, world);
            }
            Event::Told { host, epoch, number } if epoch == self.epochs[host] => {
                self.told(host, number, world);
            }
            Event::Boot { host } => self.boot(host, world),
            Event::Reconfigure { host, epoch } if epoch == self.epochs[host] => {
                self.reconfigure(host, world);
            }
            Event::Return => self.set_away(false),
            _ => {}
        }
    }

    /// A datagram reaches one of the servers, mostly that of its client, or all.
    pub(crate) fn arrive(&mut self, datagram: &Datagram, world: &mut World<F>) {
        let steered = F::steer(&datagram.payload);
        let count = self.hosts.len();
        let hosts = match world.rng.below(100) {
            0..15 => 0..count,
            15..30 => {
                let any = world.rng.below(count as u64) as usize;
                any..any + 1
            }
            _ => steered / 3 % count..steered / 3 % count + 1,
        };
        for host in hosts {
            let Some(one) = &mut self.hosts[host] else { continue };
            world.report.received += 1;
            let workers = one.workers.len();
            let worker = match world.rng.below(10) {
                0 => world.rng.below(workers as u64) as usize,
                _ => steered % workers,
            };
            let inbox = &mut one.workers[worker].inbox;
            let was_empty = inbox.is_empty();
            inbox.push_back(datagram.clone());
            if was_empty {
                let wait = world.rng.below(2 * MS);
                let epoch = self.epochs[host];
                after(world, wait, Event::Batch { host, epoch, worker });
            }
        }
    }

    fn batch(&mut self, host: usize, worker: usize, world: &mut World<F>) {
        let now = world.clock.now();
        let Some(one) = &mut self.hosts[host] else { return };
        for _ in 0..BATCH {
            let Some(datagram) = one.workers[worker].inbox.pop_front() else { break };
            if let Some(query) = F::read_query(&datagram.payload) {
                self.referee.heard(&query, now);
            }
            let own = &mut one.workers[worker];
            own.server.receive(datagram.inbound(), now, &mut own.replies);
        }
        let own = &mut one.workers[worker];
        own.server.end_batch(now, &mut own.replies);
        let has_more = !own.inbox.is_empty();
        let parked: usize = one.workers.iter().map(|one| F::parked_len(&one.server)).sum();
        world.report.parked_max = world.report.parked_max.max(parked as u64);
        if has_more {
            let epoch = self.epochs[host];
            after(world, 100_000, Event::Batch { host, epoch, worker });
        }
        self.settle(host, worker, world);
    }

    /// What a worker has to say and to ask, after it has done something.
    fn settle(&mut self, host: usize, worker: usize, world: &mut World<F>) {
        let Some(one) = &mut self.hosts[host] else { return };
        let own = &mut one.workers[worker];
        assert!(own.replies.held.is_empty(), "a reply waits for a journal that is not there");
        let ready = &own.replies.ready;
        let sent: Vec<_> =
            ready.entries().iter().map(|entry| (ready.payload(entry).to_vec(), *entry)).collect();
        own.replies.ready.discard_front(sent.len());
        for (payload, entry) in sent {
            own.server.sent(entry.tag);
            let Some(read) = F::read_reply(&payload) else {
                panic!("the server made an unreadable reply")
            };
            self.referee.replied(&read, &world.clock, &world.scenario);
            world.leave(payload, entry.hold);
        }
        let mut requests = Vec::new();
        one.stores[worker].take_requests(&mut requests);
        for request in requests {
            let job = Job { worker, request, was_lost: false };
            let sort = one.enqueue(job);
            let wait = soon(&mut world.rng);
            after(world, wait, Event::Carry { host, epoch: self.epochs[host], sort });
        }
    }

    /// Carries out some of what waits.
    fn carry(&mut self, host: usize, sort: usize, world: &mut World<F>) {
        let Some(one) = &mut self.hosts[host] else { return };
        let jobs = one.take_some(sort, &mut world.rng);
        if jobs.is_empty() {
            return;
        }
        // Whoever came too late for this batch is carried by the next one.
        if one.waits(sort) {
            let wait = soon(&mut world.rng);
            after(world, wait, Event::Carry { host, epoch: self.epochs[host], sort });
        }
        self.draw_trouble(world);
        let outcome = host::carry_out(&self.table, jobs);
        self.table.lose_after(u64::MAX, Moment::Before);
        self.watch_changes(Cause::Server, world);
        let Outcome { told, again } = outcome;
        let Some(one) = &mut self.hosts[host] else { return };
        let epoch = self.epochs[host];
        for (worker, reply) in told {
            let number = one.keep(worker, reply);
            let wait = soon(&mut world.rng);
            after(world, wait, Event::Told { host, epoch, number });
        }
        for job in again {
            world.report.lost_requests += 1;
            let sort = one.enqueue(job);
            let wait = soon(&mut world.rng);
            after(world, wait, Event::Carry { host, epoch, sort });
        }
    }

    /// An answer reaches its worker.
    fn told(&mut self, host: usize, number: u64, world: &mut World<F>) {
        let Some(one) = &mut self.hosts[host] else { return };
        let Some((worker, reply)) = one.kept.remove(&number) else { return };
        world.report.late_answers += 1;
        let (ticket, now) = (reply.ticket, world.clock.now());
        let own = &mut one.workers[worker];
        match one.stores[worker].settle(reply, now) {
            Some(answer) => {
                own.server.resume(ticket, answer, now, &mut own.replies);
            }
            None => {
                world.report.unanswered += 1;
                own.server.give_up(ticket, now);
            }
        }
        own.server.end_batch(now, &mut own.replies);
        self.settle(host, worker, world);
    }

    /// Shows the referee what has been changed.
    fn watch_changes(&mut self, cause: Cause, world: &mut World<F>) {
        for (old, new) in self.table.take_changes() {
            self.referee.changed(old, new, cause, &world.clock, world.family.uses());
        }
    }

    fn connect(&self) -> Option<Connection<F::Leases>> {
        self.table.connect().ok()
    }

    /// The run is over: what is in progress comes to its end, and everything is looked at once more.
    pub(crate) fn finish(&mut self, world: &mut World<F>) {
        self.set_away(false);
        world.scenario.connection_loss_percent = 0;
        let end = world.clock.mono_ns + 60 * SECOND;
        while let Some(((time, _), event)) = world.events.pop_first() {
            if time > end {
                break;
            }
            if let world::Event::Shared(event) = event {
                world.clock.advance(time);
                self.happen(event, world);
            }
        }
        self.check(true, world);
        world.report.leases = self.table.leases().len() as u64;
    }
}

/// Puts an event into the world's calendar.
fn after<F: Family>(world: &mut World<F>, ns: u64, event: Event) {
    world.after(ns, world::Event::Shared(event));
}

/// How long something is on its way to or from the database: mostly not long.
fn soon(rng: &mut SplitMix) -> u64 {
    let limit = if rng.below(4) == 0 { 300 } else { 4 };
    rng.below(limit * MS)
}
