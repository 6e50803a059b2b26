//! The loop over events: network, clients, the server's computer and its misfortunes.
//!
//! Every event has a virtual time; events of the same time happen in the order in which they were made. All randomness
//! comes from one generator, so nothing depends on anything but the seed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use libdhcpsrv::session::Ticket;
use util::{Entropy, SplitMix};

use crate::clock::{Clock, MS, SECOND};
use crate::disk::Disk;
use crate::family::{Client, Datagram, Family, Wishes};
use crate::host::Host;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::shared::{self, Side};

/// Something that happens at a time.
#[derive(Debug)]
pub(crate) enum Event {
    /// A client's timer, unless it was set anew.
    Client { client: usize, generation: u32 },
    /// A datagram reaches the server.
    ToServer(Datagram),
    /// A reply reaches the link of the clients.
    ToClient(Vec<u8>),
    /// A worker reads what has come.
    Batch { epoch: u32, worker: usize },
    /// The journal thread writes.
    Write { epoch: u32 },
    /// Its sync ends.
    Synced { epoch: u32 },
    /// The late store carries a question out.
    Execute { epoch: u32, worker: usize, ticket: Ticket },
    /// The answer arrives.
    Answer { epoch: u32, worker: usize, ticket: Ticket },
    /// The computer starts.
    Boot,
    /// A step of the clean-up of the lease file.
    CleanUp,
    /// The disk takes writes again.
    Repaired,
    /// A second has passed.
    Second,
    /// Something about servers that share a database.
    Shared(shared::Event),
}

/// The whole simulated world.
pub(crate) struct World<F: Family> {
    pub(crate) seed: u64,
    pub(crate) scenario: Scenario,
    pub(crate) rng: SplitMix,
    pub(crate) clock: Clock,
    pub(crate) events: BTreeMap<(u64, u64), Event>,
    next_event: u64,
    pub(crate) clients: Vec<F::Client>,
    /// Which timer of each client counts.
    generations: Vec<u32>,
    pub(crate) family: F,
    pub(crate) disk: Disk<F::Leases>,
    pub(crate) host: Option<Host<F>>,
    pub(crate) epoch: u32,
    /// Queries that may wait for another one of their client, each with its epoch and worker.
    pub(crate) deferred: Vec<(u32, usize, F::Message)>,
    /// Servers with a database, if it is them.
    pub(crate) shared: Option<Side<F>>,
    pub(crate) report: Report,
}

impl<F: Family> World<F> {
    pub(crate) fn new(seed: u64, scenario: Scenario) -> Self {
        let mut rng = SplitMix::new(seed);
        let clients = F::clients(&scenario, &mut rng);
        Self {
            seed,
            scenario,
            rng,
            clock: Clock::new(),
            events: BTreeMap::new(),
            next_event: 0,
            generations: vec![0; clients.len()],
            family: F::new(&clients),
            clients,
            disk: Disk::new(),
            host: None,
            epoch: 0,
            deferred: Vec::new(),
            shared: (scenario.servers > 0).then(|| Side::new(scenario.servers)),
            report: Report::default(),
        }
    }

    /// Runs to the end.
    pub(crate) fn run(mut self) -> Report {
        let run = catch_unwind(AssertUnwindSafe(|| self.run_events()));
        if let Err(reason) = run {
            let text = reason.downcast_ref::<&str>().copied();
            let text = text.or(reason.downcast_ref::<String>().map(String::as_str));
            let at = self.clock.mono_ns as f64 / SECOND as f64;
            match text {
                Some(text) => panic!("seed {}, second {at:.3}: {text}", self.seed),
                None => resume_unwind(reason),
            }
        }
        self.report
    }

    pub(crate) fn run_events(&mut self) {
        match self.shared.is_some() {
            true => self.with_side(Side::begin),
            false => self.boot(),
        }
        self.at(SECOND, Event::Second);
        for client in 0..self.clients.len() {
            let at = self.rng.below(20 * SECOND);
            self.at(at, Event::Client { client, generation: 0 });
        }
        let end = u64::from(self.scenario.seconds) * SECOND;
        while let Some(entry) = self.events.first_entry().filter(|entry| entry.key().0 <= end) {
            let ((time, _), event) = entry.remove_entry();
            self.clock.advance(time);
            self.happen(event);
        }
        if self.shared.is_some() {
            return self.with_side(Side::finish);
        }
        self.check();
        self.report.leases = self.host.as_ref().map_or(0, |host| host.store.len() as u64);
    }

    pub(crate) fn at(&mut self, time: u64, event: Event) {
        self.next_event += 1;
        self.events.insert((time, self.next_event), event);
    }

    pub(crate) fn after(&mut self, ns: u64, event: Event) {
        self.at(self.clock.mono_ns + ns, event);
    }

    pub(crate) fn happen(&mut self, event: Event) {
        let current = self.epoch;
        match event {
            Event::Client { client, generation } => self.client_timer(client, generation),
            Event::ToServer(datagram) => self.arrive(datagram),
            Event::ToClient(payload) => self.reach_clients(&payload),
            Event::Batch { epoch, worker } if epoch == current => self.batch(worker),
            Event::Write { epoch } if epoch == current => self.write_journal(),
            Event::Synced { epoch } if epoch == current => self.synced(),
            Event::Execute { epoch, worker, ticket } if epoch == current => {
                let Some(host) = &self.host else { return };
                if let Some(late) = &host.late {
                    late.execute(ticket, self.clock.now());
                }
                let wait = self.rng.below(300 * MS);
                self.after(wait, Event::Answer { epoch, worker, ticket });
                self.after(0, Event::Write { epoch });
            }
            Event::Answer { epoch, worker, ticket } if epoch == current => {
                self.answer(worker, ticket);
            }
            Event::Boot => self.boot(),
            Event::CleanUp => self.report.clean_ups += u64::from(self.disk.clean_up()),
            Event::Repaired => self.disk.is_full = false,
            Event::Second => self.second(),
            Event::Shared(event) => self.with_side(|side, world| side.happen(event, world)),
            _ => {}
        }
    }

    /// Lets the servers with a database do something.
    pub(crate) fn with_side(&mut self, work: impl FnOnce(&mut Side<F>, &mut Self)) {
        if let Some(mut side) = self.shared.take() {
            work(&mut side, self);
            self.shared = Some(side);
        }
    }

    // Clients and network.

    pub(crate) fn client_timer(&mut self, client: usize, generation: u32) {
        if self.generations[client] == generation {
            let mut wishes = Wishes::default();
            let now = self.clock.mono_ns;
            self.clients[client].timer(now, &mut self.rng, &mut wishes);
            self.grant_wishes(client, wishes);
        }
    }

    pub(crate) fn grant_wishes(&mut self, client: usize, wishes: Wishes<F::Note>) {
        for note in wishes.notes {
            let world = (&self.scenario, &self.clock);
            self.family.noted(&self.clients, client, note, world, &mut self.report);
        }
        for datagram in wishes.send {
            for wait in self.ways() {
                self.after(wait, Event::ToServer(datagram.clone()));
            }
        }
        if let Some(time) = wishes.timer {
            self.generations[client] += 1;
            let generation = self.generations[client];
            self.at(time, Event::Client { client, generation });
        }
    }

    /// How long each copy of a datagram is on its way; none when it gets lost.
    pub(crate) fn ways(&mut self) -> Vec<u64> {
        if self.rng.below(100) < self.scenario.loss_percent {
            self.report.lost += 1;
            return Vec::new();
        }
        let doubled = self.rng.below(100) < self.scenario.duplicate_percent;
        self.report.duplicated += u64::from(doubled);
        let copies = 1 + usize::from(doubled);
        let mut way = || {
            // Most packets are fast; the slow ones arrive behind later ones.
            let limit = if self.rng.below(4) == 0 { self.scenario.delay_ms_max } else { 5 };
            self.rng.below(limit.max(1) * MS)
        };
        (0..copies).map(|_| way()).collect()
    }

    pub(crate) fn reach_clients(&mut self, payload: &[u8]) {
        let Some(read) = F::read_reply(payload) else {
            panic!("the server sent an unreadable reply")
        };
        for client in self.family.hearers(&read) {
            let mut wishes = Wishes::default();
            let now = self.clock.mono_ns;
            self.clients[client].receive(&read, now, &mut self.rng, &mut wishes);
            self.grant_wishes(client, wishes);
        }
    }

    pub(crate) fn arrive(&mut self, datagram: Datagram) {
        if self.shared.is_some() {
            return self.with_side(|side, world| side.arrive(&datagram, world));
        }
        let Some(host) = &mut self.host else { return };
        self.report.received += 1;
        // Steering by the client, except for some packets: correctness must not depend on it.
        let steered = F::steer(&datagram.payload);
        let anywhere = self.rng.below(10) == 0;
        let workers = host.workers.len();
        let worker =
            if anywhere { self.rng.below(workers as u64) as usize } else { steered % workers };
        let inbox = &mut host.workers[worker].inbox;
        let was_empty = inbox.is_empty();
        inbox.push_back(datagram);
        if was_empty {
            let wait = self.rng.below(2 * MS);
            self.after(wait, Event::Batch { epoch: self.epoch, worker });
        }
    }
}
