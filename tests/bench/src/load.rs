//! The load generator: one thread, a closed loop of exchanges, every reply checked.
//!
//! A slot holds one exchange: DISCOVER, OFFER, REQUEST, ACK (or REQUEST, ACK when renewing); of DHCPv6 SOLICIT, ADVERTISE,
//! REQUEST, REPLY (or RENEW, REPLY), for which the words of DHCPv4 stand here. In a closed loop each of
//! the `window` slots begins the next exchange, of another client, as soon as its last one is complete; with a rate,
//! exchanges begin by the clock. Nothing is sent twice: a message without an answer is a loss. The transaction id
//! carries the slot and a count, so a late reply is recognised and no table of exchanges is needed.
//!
//! The generator does not sleep on its socket when it saturates a server: a server that sends replies one by one would
//! pay for waking it with each of them (measured: 30 us per exchange for Kea). Instead it reads by the clock, every
//! [`GATHER_NS`], as long as batches are small. Paced and small loads are read at once, so their latencies are exact.
//!
//! An exchange counts when the OFFER carries the transaction id, the hardware address (of DHCPv6 the DUID), all that was
//! asked for and a server identifier, and the ACK acknowledges that very address or prefix, which no other client holds.
//! Anything else is a *wrong reply*: the row fails.

use std::time::{Duration, Instant};

use perfdhcp::histogram::Histogram;
use socket2::Socket;

use crate::owners::Owners;
use crate::spec::Family;
use crate::sys::{self, BATCH, Datagram};
use crate::wire::{self, Kind, Lease, Query, Reply, ServerId, Wire};

/// Most exchanges in progress.
pub(crate) const WINDOW_MAX: usize = (1 << SLOT_BITS) - 1;
const SLOT_BITS: u32 = 12;
/// In place of a slot in the transaction id of releases: DHCPv6 answers them, and nobody waits for that.
const RELEASES: usize = WINDOW_MAX;
/// How often lost exchanges are looked for.
const SCAN_NS: u64 = 10_000_000;
/// Pause before a read when the last one brought few replies: an eighth of the last latency, within these bounds.
const GATHER_NS: std::ops::RangeInclusive<u64> = 100_000..=400_000;
/// Smallest window that is read by the clock.
const GATHER_WINDOW_MIN: usize = 16;
/// Descriptions of wrong replies that are kept.
const COMPLAINTS_MAX: usize = 5;

/// What a run does.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Exchanges in progress.
    pub(crate) window: usize,
    /// Exchanges begun per second; `None` for a closed loop.
    pub(crate) rate: Option<f64>,
    /// When to begin no more.
    pub(crate) time: Duration,
    /// How many to begin.
    pub(crate) exchanges_max: u64,
    /// Ends the run at once after so many, and does not wait for answers when the time is over.
    pub(crate) stop_after: u64,
    /// What the exchanges are.
    pub(crate) phase: Phase,
    /// How long an answer may take.
    pub(crate) patience: Duration,
}

impl Plan {
    /// A closed loop.
    pub(crate) fn saturate(window: usize, time: Duration, exchanges_max: u64) -> Self {
        Self {
            window: window.clamp(1, WINDOW_MAX),
            rate: None,
            time,
            exchanges_max,
            stop_after: u64::MAX,
            phase: Phase::Acquire,
            patience: Duration::from_secs(1),
        }
    }
}

/// Kinds of exchanges.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    /// New clients take addresses.
    Acquire,
    /// New clients take addresses and give them back at once.
    AcquireAndRelease,
    /// The clients of the phases before renew.
    Renew,
}

/// What a run showed.
#[derive(Clone)]
pub(crate) struct Outcome {
    pub(crate) started: u64,
    pub(crate) completed: u64,
    pub(crate) lost_offers: u64,
    pub(crate) lost_acks: u64,
    pub(crate) naks: u64,
    pub(crate) late: u64,
    pub(crate) wrong: u64,
    pub(crate) complaints: Vec<String>,
    /// From the begin to the last completed exchange.
    pub(crate) span: Duration,
    /// CPU time of the generator.
    pub(crate) cpu: Duration,
    pub(crate) offer: Histogram,
    pub(crate) ack: Histogram,
}

impl Outcome {
    fn new() -> Self {
        Self {
            started: 0,
            completed: 0,
            lost_offers: 0,
            lost_acks: 0,
            naks: 0,
            late: 0,
            wrong: 0,
            complaints: Vec::new(),
            span: Duration::ZERO,
            cpu: Duration::ZERO,
            offer: Histogram::new(),
            ack: Histogram::new(),
        }
    }

    fn complain(&mut self, text: String) {
        self.wrong += 1;
        if self.complaints.len() < COMPLAINTS_MAX {
            self.complaints.push(text);
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Idle,
    AwaitOffer,
    AwaitAck { lease: Lease, server: ServerId },
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    xid: u32,
    client: u64,
    state: State,
    sent_ns: u64,
}

/// The generator with what it knows of its clients.
pub(crate) struct Generator {
    socket: Socket,
    wire: Wire,
    origin: Instant,
    slots: Vec<Slot>,
    free: Vec<u16>,
    outgoing: Vec<Datagram>,
    outgoing_len: usize,
    incoming: Vec<Datagram>,
    owners: Owners,
    next_client: u64,
    /// Clients with what they hold, for renewals.
    holders: Vec<(u64, Lease)>,
    next_holder: usize,
    /// The server that acknowledged last.
    server: ServerId,
    phase: Phase,
    /// Of the last reply.
    latency_ns: u64,
}

impl Generator {
    /// A generator on a bound socket; `first_client` begins the row of its hardware addresses.
    pub(crate) fn new(socket: Socket, wire: Wire, first_client: u64) -> Self {
        let slot = Slot { xid: 0, client: 0, state: State::Idle, sent_ns: 0 };
        Self {
            socket,
            wire,
            origin: Instant::now(),
            slots: vec![slot; WINDOW_MAX],
            free: Vec::new(),
            outgoing: vec![Datagram::new(); BATCH],
            outgoing_len: 0,
            incoming: vec![Datagram::new(); BATCH],
            owners: Owners::new(),
            next_client: first_client,
            holders: Vec::new(),
            next_holder: 0,
            server: ServerId::default(),
            phase: Phase::Acquire,
            latency_ns: 0,
        }
    }

    /// Runs one phase to its end.
    pub(crate) fn run(&mut self, plan: &Plan) -> Outcome {
        let mut outcome = Outcome::new();
        self.phase = plan.phase;
        self.next_holder = 0;
        self.free = (0..plan.window as u16).rev().collect();
        let cpu = thread_cpu();
        let start = self.now_ns();
        let end = start + plan.time.as_nanos() as u64;
        let exchanges_max = match plan.phase {
            Phase::Renew => plan.exchanges_max.min(self.holders.len() as u64),
            _ => plan.exchanges_max,
        };
        let by_clock = plan.rate.is_none() && plan.window >= GATHER_WINDOW_MIN;
        let few = (plan.window / 4).min(BATCH / 2);
        let (mut last, mut scanned, mut count) = (start, start, 0);
        self.latency_ns = 0;
        loop {
            let now = self.now_ns();
            if now - scanned > SCAN_NS {
                scanned = now;
                self.give_up(now.saturating_sub(plan.patience.as_nanos() as u64), &mut outcome);
            }
            let more = now < end && outcome.started < exchanges_max;
            let due = match plan.rate {
                _ if !more => 0,
                None => exchanges_max,
                Some(rate) => ((now - start) as f64 * rate / 1e9) as u64 + 1,
            };
            while outcome.started < due.min(exchanges_max) {
                let Some(slot) = self.free.pop() else { break };
                self.begin(slot, now);
                outcome.started += 1;
            }
            self.flush();
            let drained = self.free.len() == plan.window || plan.stop_after < u64::MAX;
            if (!more && drained) || outcome.completed >= plan.stop_after {
                break;
            }
            if by_clock && count < few {
                let pause = (self.latency_ns / 8).clamp(*GATHER_NS.start(), *GATHER_NS.end());
                std::thread::sleep(Duration::from_nanos(pause));
            }
            count = sys::receive_batch(&self.socket, &mut self.incoming, false).unwrap_or(0);
            if count == 0 {
                if by_clock {
                    continue;
                }
                let pause = if plan.rate.is_some() { 50_000 } else { SCAN_NS };
                sys::wait_readable(&self.socket, Duration::from_nanos(pause));
                continue;
            }
            let now = self.now_ns();
            let before = outcome.completed;
            for at in 0..count {
                match self.wire.read(self.incoming[at].bytes()) {
                    Some(reply) => self.receive(reply, now, &mut outcome),
                    None => outcome.complain("a message that is no DHCP reply".to_owned()),
                }
            }
            if outcome.completed > before {
                last = now;
            }
        }
        self.abandon(plan.window);
        outcome.span = Duration::from_nanos(last - start);
        outcome.cpu = thread_cpu().saturating_sub(cpu);
        outcome
    }

    fn now_ns(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    fn begin(&mut self, at: u16, now: u64) {
        let slot = &mut self.slots[usize::from(at)];
        let count = (slot.xid >> SLOT_BITS).wrapping_add(1);
        slot.xid = ((count << SLOT_BITS) | u32::from(at)) & self.wire.xid_mask();
        slot.sent_ns = now;
        let query = if self.phase == Phase::Renew {
            let (client, lease) = self.holders[self.next_holder];
            self.next_holder += 1;
            let server = self.server;
            slot.client = client;
            slot.state = State::AwaitAck { lease, server };
            Query::Renew { lease, server }
        } else {
            slot.client = self.next_client;
            self.next_client += 1;
            slot.state = State::AwaitOffer;
            Query::Discover
        };
        let (client, xid) = (slot.client, slot.xid);
        self.send(client, xid, &query);
    }

    fn receive(&mut self, reply: Reply, now: u64, outcome: &mut Outcome) {
        let at = (reply.xid & ((1 << SLOT_BITS) - 1)) as usize;
        if at == RELEASES {
            return;
        }
        let slot = self.slots[at];
        if slot.xid != reply.xid || slot.state == State::Idle {
            outcome.late += 1;
            return;
        }
        let client = slot.client;
        self.latency_ns = now - slot.sent_ns;
        if wire::mac(client) != reply.mac {
            outcome.complain(format!("reply with {} names another client", reply.lease));
            return;
        }
        match (slot.state, reply.kind, reply.server) {
            (State::AwaitOffer, Kind::Offer, Some(server))
                if self.wire.is_complete(&reply.lease) =>
            {
                outcome.offer.record(now - slot.sent_ns);
                let lease = reply.lease;
                self.slots[at].state = State::AwaitAck { lease, server };
                self.slots[at].sent_ns = now;
                self.send(client, reply.xid, &Query::Select { lease, server });
            }
            (State::AwaitAck { lease, server }, Kind::Ack, _) => {
                self.finish(at);
                if lease == reply.lease {
                    outcome.ack.record(now - slot.sent_ns);
                    self.acknowledge(client, lease, server, outcome);
                } else {
                    let got = reply.lease;
                    outcome.complain(format!("{lease} was requested, {got} acknowledged"));
                }
            }
            (State::AwaitAck { .. }, Kind::Nak, _) => {
                outcome.naks += 1;
                self.finish(at);
            }
            // Only DHCPv6 says that nothing is free.
            (State::AwaitOffer, Kind::Nak, _) if self.wire.family == Family::V6 => {
                outcome.naks += 1;
                self.finish(at);
            }
            (state, kind, server) => {
                outcome
                    .complain(format!("{state:?} met {kind:?} with {}, {server:?}", reply.lease));
            }
        }
    }

    fn acknowledge(&mut self, client: u64, lease: Lease, server: ServerId, outcome: &mut Outcome) {
        outcome.completed += 1;
        self.server = server;
        for address in lease.claims() {
            if let Some(other) = self.owners.claim(address, client) {
                outcome.complain(format!("{lease} was given to clients {other} and {client}"));
            }
        }
        match self.phase {
            Phase::Acquire => self.holders.push((client, lease)),
            Phase::AcquireAndRelease => {
                lease.claims().for_each(|address| self.owners.give_back(address));
                let xid = (client << SLOT_BITS) as u32 | RELEASES as u32;
                let query = Query::Release { lease, server };
                self.send(client, xid & self.wire.xid_mask(), &query);
            }
            Phase::Renew => {}
        }
    }

    fn finish(&mut self, at: usize) {
        self.slots[at].state = State::Idle;
        self.free.push(at as u16);
    }

    /// Counts exchanges as lost whose last message was sent before `limit`.
    fn give_up(&mut self, limit: u64, outcome: &mut Outcome) {
        for at in 0..self.slots.len() {
            let slot = self.slots[at];
            match slot.state {
                State::AwaitOffer if slot.sent_ns < limit => outcome.lost_offers += 1,
                State::AwaitAck { .. } if slot.sent_ns < limit => outcome.lost_acks += 1,
                _ => continue,
            }
            self.finish(at);
        }
    }

    fn abandon(&mut self, window: usize) {
        for slot in &mut self.slots[..window] {
            slot.state = State::Idle;
        }
    }

    fn send(&mut self, client: u64, xid: u32, query: &Query) {
        if self.outgoing_len == BATCH {
            self.flush();
        }
        self.wire.write(client, xid, query, &mut self.outgoing[self.outgoing_len]);
        self.outgoing_len += 1;
    }

    fn flush(&mut self) {
        let mut sent = 0;
        while sent < self.outgoing_len {
            // Errors (no buffers, refused while the server starts) are losses of the messages concerned.
            let pending = &mut self.outgoing[sent..self.outgoing_len];
            sent += sys::send_batch(&self.socket, pending).unwrap_or(1);
        }
        self.outgoing_len = 0;
    }
}

/// CPU time of the calling thread.
fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split_whitespace().next().and_then(|number| number.parse().ok());
    Duration::from_nanos(first.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{Generator, Outcome, Phase};
    use crate::spec::Family;
    use crate::wire::{self, Ask, Kind, Lease, Link, Reply, ServerId, Wire};
    use socket2::{Domain, Socket, Type};

    /// A generator with `count` exchanges begun; what it sends stays in its buffer.
    fn begun(count: u16) -> (Generator, Outcome) {
        begun_of(Family::V4, count)
    }

    fn begun_of(family: Family, count: u16) -> (Generator, Outcome) {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
        let link = Link::Relay { first: 0x0a00_0002, stride: 256, count: 1 };
        let wire = Wire { family, link, ask: Ask::Address };
        let mut generator = Generator::new(socket, wire, 1);
        for slot in 0..count {
            generator.begin(slot, 0);
        }
        (generator, Outcome::new())
    }

    fn answer(
        generator: &mut Generator,
        outcome: &mut Outcome,
        slot: usize,
        kind: Kind,
        address: u32,
    ) {
        let (xid, client) = (generator.slots[slot].xid, generator.slots[slot].client);
        let (lease, server) = (Lease::of_address(address), ServerId::new(&[10, 0, 0, 1]));
        let reply = Reply { kind, xid, mac: wire::mac(client), lease, server };
        generator.receive(reply, 1000, outcome);
    }

    #[test]
    fn right_exchange_counts() {
        let (mut generator, mut outcome) = begun(1);
        answer(&mut generator, &mut outcome, 0, Kind::Offer, 7);
        answer(&mut generator, &mut outcome, 0, Kind::Ack, 7);
        assert_eq!((outcome.completed, outcome.wrong, outcome.late), (1, 0, 0));
        assert_eq!(generator.outgoing_len, 2, "DISCOVER and REQUEST");
        answer(&mut generator, &mut outcome, 0, Kind::Ack, 7);
        assert_eq!((outcome.completed, outcome.late), (1, 1), "a second ACK is late");
    }

    #[test]
    fn wrong_replies_are_reported() {
        let (mut generator, mut outcome) = begun(4);
        answer(&mut generator, &mut outcome, 0, Kind::Offer, 7);
        answer(&mut generator, &mut outcome, 0, Kind::Ack, 8);
        assert_eq!(outcome.wrong, 1, "another address than the offered one");
        answer(&mut generator, &mut outcome, 1, Kind::Ack, 9);
        assert_eq!(outcome.wrong, 2, "ACK without a REQUEST");
        for slot in [2, 3] {
            answer(&mut generator, &mut outcome, slot, Kind::Offer, 10);
            answer(&mut generator, &mut outcome, slot, Kind::Ack, 10);
        }
        assert_eq!(outcome.wrong, 3, "one address for two clients");
        let (mut generator, mut outcome) = begun(1);
        let xid = generator.slots[0].xid;
        let (lease, server) = (Lease::of_address(7_u32), ServerId::new(&[10, 0, 0, 1]));
        let reply = Reply { kind: Kind::Offer, xid, mac: wire::mac(99), lease, server };
        generator.receive(reply, 1000, &mut outcome);
        assert_eq!(outcome.wrong, 1, "another client");
    }

    #[test]
    fn refused_and_lost_exchanges_are_counted() {
        let (mut generator, mut outcome) = begun(2);
        answer(&mut generator, &mut outcome, 0, Kind::Offer, 7);
        answer(&mut generator, &mut outcome, 0, Kind::Nak, 0);
        assert_eq!(outcome.naks, 1);
        generator.give_up(1, &mut outcome);
        assert_eq!((outcome.lost_offers, outcome.lost_acks), (1, 0));
    }

    #[test]
    fn released_addresses_may_go_to_others() {
        let (mut generator, mut outcome) = begun(2);
        generator.phase = Phase::AcquireAndRelease;
        for slot in [0, 1] {
            answer(&mut generator, &mut outcome, slot, Kind::Offer, 7);
            answer(&mut generator, &mut outcome, slot, Kind::Ack, 7);
        }
        assert_eq!((outcome.completed, outcome.wrong), (2, 0));
        assert_eq!(generator.outgoing_len, 6, "two of DISCOVER, REQUEST, RELEASE");
    }
    #[test]
    fn refused_solicit_is_counted_and_refused_discover_is_wrong() {
        for (family, naks, wrong) in [(Family::V6, 1, 0), (Family::V4, 0, 1)] {
            let (mut generator, mut outcome) = begun_of(family, 1);
            answer(&mut generator, &mut outcome, 0, Kind::Nak, 0);
            assert_eq!((outcome.naks, outcome.wrong), (naks, wrong));
        }
    }

    #[test]
    fn answers_to_releases_belong_to_no_slot() {
        let (mut generator, mut outcome) = begun_of(Family::V6, 1);
        generator.phase = Phase::AcquireAndRelease;
        answer(&mut generator, &mut outcome, 0, Kind::Offer, 7);
        answer(&mut generator, &mut outcome, 0, Kind::Ack, 7);
        let xid = (1 << super::SLOT_BITS) | super::RELEASES as u32;
        let (lease, server) = (Lease::default(), ServerId::new(&[1]));
        let reply = Reply { kind: Kind::Ack, xid, mac: wire::mac(1), lease, server };
        generator.receive(reply, 2000, &mut outcome);
        assert_eq!((outcome.completed, outcome.late, outcome.wrong), (1, 0, 0));
    }
}
