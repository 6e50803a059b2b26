//! The loop over events: network, clients, the server's computer and its misfortunes.
//!
//! Every event has a virtual time; events of the same time happen in the order in which they were made. All randomness
//! comes from one generator, so nothing depends on anything but the seed.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use libdhcpsrv::session::Ticket;
use util::{Entropy, SplitMix};

use crate::client::{Client, How, Note, Wishes};
use crate::clock::{Clock, MS, SECOND};
use crate::configuration::LINKS;
use crate::disk::Disk;
use crate::host::Host;
use crate::oracle::Oracle;
use crate::packets::{Datagram, Identity, Read};
use crate::report::Report;
use crate::scenario::Scenario;

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
}

/// A client's use of an address.
#[derive(Clone, Copy, Debug)]
struct Use {
    client: usize,
    until: u64,
}

/// The whole simulated world.
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) scenario: Scenario,
    pub(crate) rng: SplitMix,
    pub(crate) clock: Clock,
    pub(crate) events: BTreeMap<(u64, u64), Event>,
    next_event: u64,
    pub(crate) clients: Vec<Client>,
    pub(crate) by_hw: BTreeMap<[u8; 6], Vec<usize>>,
    in_use: BTreeMap<Ipv4Addr, Vec<Use>>,
    pub(crate) disk: Disk,
    pub(crate) host: Option<Host>,
    pub(crate) epoch: u32,
    pub(crate) oracle: Oracle,
    /// Last seconds of leases whose ACKs wait for the journal, by position.
    pub(crate) granted: BTreeMap<u64, i64>,
    pub(crate) report: Report,
}

impl World {
    pub(crate) fn new(seed: u64, scenario: Scenario) -> Self {
        let mut rng = SplitMix::new(seed);
        let clients = make_clients(&scenario, &mut rng);
        let mut by_hw: BTreeMap<[u8; 6], Vec<usize>> = BTreeMap::new();
        for (index, client) in clients.iter().enumerate() {
            by_hw.entry(client.identity.hw).or_default().push(index);
        }
        Self {
            seed,
            scenario,
            rng,
            clock: Clock::new(),
            events: BTreeMap::new(),
            next_event: 0,
            clients,
            by_hw,
            in_use: BTreeMap::new(),
            disk: Disk::new(),
            host: None,
            epoch: 0,
            oracle: Oracle::default(),
            granted: BTreeMap::new(),
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
        self.boot();
        self.at(SECOND, Event::Second);
        for client in 0..self.clients.len() {
            let at = self.rng.below(20 * SECOND);
            self.at(at, Event::Client { client, generation: 0 });
        }
        let end = u64::from(self.scenario.seconds) * SECOND;
        while let Some(((time, _), event)) = self.events.pop_first() {
            if time > end {
                break;
            }
            self.clock.advance(time);
            self.happen(event);
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
            _ => {}
        }
    }

    // Clients and network.

    pub(crate) fn client_timer(&mut self, client: usize, generation: u32) {
        if self.clients[client].state_generation == generation {
            let mut wishes = Wishes::default();
            let now = self.clock.mono_ns;
            self.clients[client].timer(now, &mut self.rng, &mut wishes);
            self.grant_wishes(client, wishes);
        }
    }

    pub(crate) fn grant_wishes(&mut self, client: usize, wishes: Wishes) {
        for note in wishes.notes {
            self.note(client, note);
        }
        for datagram in wishes.send {
            for wait in self.ways() {
                self.after(wait, Event::ToServer(datagram.clone()));
            }
        }
        if let Some(time) = wishes.timer {
            let state = &mut self.clients[client];
            state.state_generation += 1;
            let generation = state.state_generation;
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

    pub(crate) fn note(&mut self, client: usize, note: Note) {
        match note {
            Note::Bound { address, until, how } => {
                self.report.bound += 1;
                match how {
                    How::Renewed => self.report.renewals += 1,
                    How::Rebooted => self.report.reboots += 1,
                    How::Selected => {}
                }
                self.begin_use(client, address, until);
            }
            Note::Lost(address) => {
                let users = self.in_use.entry(address).or_default();
                users.retain(|user| user.client != client);
            }
            Note::Released => self.report.releases += 1,
            Note::Declined => self.report.declines += 1,
        }
    }

    /// The clients' own view: nobody else may believe that the address is his. When the wall clock jumps, leases end
    /// in the eyes of the server while clients go on, so then there is nothing to check; and one of two clients with
    /// the same identity may release what the other uses.
    pub(crate) fn begin_use(&mut self, client: usize, address: Ipv4Addr, until: u64) {
        let now = self.clock.mono_ns;
        let users = self.in_use.entry(address).or_default();
        users.retain(|user| user.client != client && user.until > now);
        if self.scenario.clock_jump_rate == 0 {
            let client = &self.clients[client];
            for user in users.iter() {
                let other = &self.clients[user.client];
                assert!(
                    client.is_shared || other.is_shared,
                    "{address} is used by {:?} and {:?}",
                    client.identity,
                    other.identity
                );
            }
        }
        users.push(Use { client, until });
    }

    pub(crate) fn reach_clients(&mut self, payload: &[u8]) {
        let Some(read) = Read::new(payload) else { panic!("the server sent an unreadable reply") };
        let clients = self.by_hw.get(&read.identity.hw).cloned().unwrap_or_default();
        for client in clients {
            let mut wishes = Wishes::default();
            let now = self.clock.mono_ns;
            self.clients[client].receive(&read, now, &mut self.rng, &mut wishes);
            self.grant_wishes(client, wishes);
        }
    }

    pub(crate) fn arrive(&mut self, datagram: Datagram) {
        let Some(host) = &mut self.host else { return };
        self.report.received += 1;
        // Steering by the hardware address, except for some packets: correctness must not depend on it.
        let by_hw = datagram.payload.get(33).copied().unwrap_or(0) as usize;
        let anywhere = self.rng.below(10) == 0;
        let workers = host.workers.len();
        let worker =
            if anywhere { self.rng.below(workers as u64) as usize } else { by_hw % workers };
        let inbox = &mut host.workers[worker].inbox;
        let was_empty = inbox.is_empty();
        inbox.push_back(datagram);
        if was_empty {
            let wait = self.rng.below(2 * MS);
            self.after(wait, Event::Batch { epoch: self.epoch, worker });
        }
    }
}

/// Clients of all links; some share an identifier or a hardware address with the one before.
fn make_clients(scenario: &Scenario, rng: &mut SplitMix) -> Vec<Client> {
    let mut clients: Vec<Client> = Vec::new();
    for number in 0..scenario.clients {
        let link = 1 + (number % u32::from(LINKS)) as u8;
        let [a, b, c, d] = number.to_be_bytes();
        let mut identity = Identity { hw: [2, 0, a, b, c, d], client_id: None };
        if rng.below(10) < 6 {
            let len = if rng.below(20) == 0 { 120 } else { 4 };
            let mut id = vec![0xff; len];
            id.extend_from_slice(&number.to_be_bytes());
            identity.client_id = Some(id);
        }
        let neighbour = clients.len().checked_sub(usize::from(LINKS));
        if let Some(other) = neighbour.map(|index| clients[index].identity.clone())
            && identity.client_id.is_some()
            && other.client_id.is_some()
        {
            match rng.below(40) {
                0 => identity.client_id = other.client_id,
                1 => identity.hw = other.hw,
                _ => {}
            }
        }
        clients.push(Client::new(identity, link, rng.below(2) == 0));
    }
    mark_shared(&mut clients);
    clients
}

/// Marks clients that the server cannot always tell from another one.
fn mark_shared(clients: &mut [Client]) {
    for index in 0..clients.len() {
        let Some(before) = index.checked_sub(usize::from(LINKS)) else { continue };
        let (one, two) = (&clients[index].identity, &clients[before].identity);
        let is_shared =
            one.client_id == two.client_id && one.client_id.is_some() || one.hw == two.hw;
        clients[index].is_shared |= is_shared;
        clients[before].is_shared |= is_shared;
    }
}
