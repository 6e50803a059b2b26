//! The server of one worker, for either protocol: a datagram in, replies out.
//!
//! No sockets, files, clocks or threads: everything arrives as an argument and leaves through the two outboxes of
//! [`Replies`]. Workers share the lease store, the client gate and the configuration in force; the rest of the
//! [`Desk`] is their own. What a message means and how it is answered is told by the [`Protocol`].
//!
//! Order for a datagram: parse, count, admit, enter the client gate, run the protocol, count what has changed, leave
//! the gate. A run whose store answers later is parked and begins anew with the answer; a packet whose client has
//! another one in progress is deferred to the end of the batch, and behind a parked run until that is done. See
//! [`DhcpServer`] for the contract.
//!
//! Whoever decides tells why to [`Desk::explanation`], if somebody wants to know; see [`crate::explain`](mod@crate::explain).

use std::fmt::{Debug, Display};
use std::io;
use std::sync::Arc;

use kea_log::{Message, RateLimiter};
use stats::{Table, WorkerCounters};
use util::link::{Inbound, Outbound, Replies};
use util::{Now, SplitMix};

use crate::config::SubnetIndex;
use crate::deliveries::{Deliveries, Passage};
use crate::explain;
use crate::explain::{ExplainedClients, Explanation, Topic};
use crate::gate::Entered;
use crate::hosts::{
    HostDatabases, HostDesk, HostKind, HostReply, HostRequest, HostTerms, LearnedHosts, Settled,
};
use crate::intake::{Intake, Kept, ParkedExchange, Progress, QueryKey, Shared};
use crate::links::Links;
use crate::loggers::EXPLAIN;
use crate::server::DhcpServer;
use crate::session::{Answer, Memo, Parked, Ticket};
use crate::tally::Tally;

/// Lines about refused and dropped queries that may come at once, and the time after which one more may.
const EXPLAINED_BURST: u32 = 20;
const EXPLAINED_INTERVAL_NS: u64 = 200_000_000;

/// A configuration in force, as far as the engine must know it.
pub trait InForce: Debug + Send + Sync + 'static {
    /// The leases that it is about.
    type Leases: HostKind;
    /// The table of lease figures.
    type Figure: Table;

    /// The databases of hosts beside the configuration's own, if there are any.
    fn host_databases(&self) -> Option<&HostDatabases<Self::Leases>>;

    /// How hosts of databases are to be understood.
    fn host_terms(&self) -> HostTerms<'_>;

    /// The lease figures.
    fn tally(&self) -> &Tally<Self::Figure>;

    /// The clients whose queries are explained in the log.
    fn explained_clients(&self) -> &ExplainedClients;

    /// Reads a little of what a packet with this payload will need. The packet has not been checked: whatever it
    /// holds, this has no effect but time.
    fn fetch(&self, payload: &[u8]);
}

/// The counters of packets that every protocol has.
#[derive(Clone, Copy, Debug)]
pub struct BasicCounters<C> {
    /// Datagrams received.
    pub received: C,
    /// Datagrams that cannot be parsed.
    pub parse_failed: C,
    /// Datagrams dropped.
    pub dropped: C,
    /// Datagrams whose processing failed.
    pub processing_failed: C,
    /// Datagrams sent.
    pub sent: C,
}

/// What a worker has at hand while it processes a packet.
#[derive(Debug)]
pub struct Desk<P: Protocol> {
    /// What it shares with the other workers.
    pub shared: Shared<P::Leases>,
    /// The interfaces.
    pub links: Arc<Links>,
    /// Packet counters.
    pub counters: WorkerCounters<P::Packet>,
    /// The brake on lines that every packet of a storm would repeat.
    pub limiter: RateLimiter,
    /// Where choices are drawn from.
    pub entropy: SplitMix,
    /// The answers of the store to the exchange in progress.
    pub memo: Memo<P::Leases>,
    /// Its questions to databases of hosts.
    pub hosts: HostDesk<P::Leases>,
    /// The subnet of the exchange in progress: where its changes most likely count. The protocol sets it.
    pub subnet: Option<SubnetIndex>,
    /// What decided about the packet in progress, if somebody wants to know.
    pub explanation: Option<Box<Explanation>>,
    deliveries: Deliveries,
    /// The query in progress, when it has come through a relay.
    passage: Option<Passage>,
}

impl<P: Protocol> Desk<P> {
    /// Who listens to what is decided, for [`explain!`].
    #[must_use]
    #[inline]
    pub fn explanation(&self) -> Option<&Explanation> {
        self.explanation.as_deref()
    }

    /// Whether the answer to the query in progress must leave by itself. To be asked once, when it is written.
    pub fn must_be_alone(&mut self, now: Now) -> bool {
        let passage = self.passage.take();
        passage.is_none_or(|passage| self.deliveries.answered(passage, now.mono_s()))
    }
}

/// One DHCP protocol: what the engine leaves to it. The value holds what a worker remembers of it between packets.
pub trait Protocol: Debug + Default + Send + Sized + 'static {
    /// The leases that it gives.
    type Leases: HostKind;
    /// A configuration in force.
    type Runtime: InForce<Leases = Self::Leases>;
    /// The table of packet counters.
    type Packet: Table;
    /// Where the options of a packet lie: memory that is used again.
    type Spans: Debug + Default + Send;
    /// A packet, parsed.
    type View<'a>;
    /// A query, read out of a packet that may be processed.
    type Query<'a>;
    /// Why a packet cannot be parsed.
    type Malformed: Copy + Display;
    /// Why a query is not answered.
    type Reason: Copy + Display;

    /// Counters that every protocol has.
    const COUNTERS: BasicCounters<Self::Packet>;
    /// Another packet of the client is in progress.
    const BUSY: Self::Reason;
    /// Too many exchanges wait.
    const QUEUE_FULL: Self::Reason;
    /// The store has failed to answer.
    const UNANSWERED: Self::Reason;
    /// A line of an explanation: client, line.
    const EXPLAINED: &'static Message;

    /// Parses a payload.
    ///
    /// # Errors
    /// Why it is no packet of the protocol.
    fn parse<'a>(
        payload: &'a [u8],
        spans: &'a mut Self::Spans,
    ) -> Result<Self::View<'a>, Self::Malformed>;

    /// Counts and logs a packet by its kind.
    fn received(desk: &mut Desk<Self>, input: &Inbound<'_>, view: &Self::View<'_>);

    /// Reads a query and applies the rules that need neither subnet nor lease.
    ///
    /// # Errors
    /// Why the packet must be dropped.
    fn admit<'q, 'p: 'q>(
        desk: &Desk<Self>,
        input: &Inbound<'_>,
        view: &'q Self::View<'p>,
        runtime: &Self::Runtime,
    ) -> Result<Self::Query<'q>, Self::Reason>;

    /// Hash of who the client is, for the gate.
    fn client(desk: &Desk<Self>, input: &Inbound<'_>, query: &Self::Query<'_>) -> u64;

    /// What a query is called by its client, together with its type: a repetition is called the same.
    fn number(query: &Self::Query<'_>) -> u64;

    /// Which query comes through which relay; nothing for a client on the link. `client` is the hash for the gate.
    fn passage(
        desk: &Desk<Self>,
        input: &Inbound<'_>,
        query: &Self::Query<'_>,
        client: u64,
    ) -> Option<Passage>;

    /// Runs the deciding code with the answers known so far and, when it comes to an end, writes the reply. Returns
    /// why there is none, if there should be one.
    ///
    /// # Errors
    /// [`Parked`] when the store answers later; nothing has been written then.
    #[allow(clippy::too_many_arguments, reason = "all that there is to an exchange")]
    fn run(
        &mut self,
        desk: &mut Desk<Self>,
        input: &Inbound<'_>,
        query: &Self::Query<'_>,
        runtime: &Self::Runtime,
        learned: &LearnedHosts<Self::Leases>,
        now: Now,
        replies: &mut Replies,
    ) -> Result<Option<Self::Reason>, Parked>;

    /// Whether a packet is of one of these clients.
    fn is_from(clients: &ExplainedClients, input: &Inbound<'_>, view: &Self::View<'_>) -> bool;

    /// Begins an explanation: what was received.
    fn explain_query(
        desk: &Desk<Self>,
        input: &Inbound<'_>,
        view: &Self::View<'_>,
        runtime: &Self::Runtime,
    ) -> Explanation;

    /// Explains a payload that cannot be parsed.
    fn explain_malformed(
        desk: &mut Desk<Self>,
        input: &Inbound<'_>,
        error: Self::Malformed,
        now: Now,
    );

    /// Counts by its reason, and explains, a packet that is dropped.
    fn explain_drop(
        desk: &mut Desk<Self>,
        input: &Inbound<'_>,
        view: &Self::View<'_>,
        reason: Self::Reason,
        now: Now,
    );

    /// Logs a packet whose processing panicked.
    fn log_failure(input: &Inbound<'_>, reason: &str);

    /// Logs a reply that could not be sent.
    fn log_send_failure(desk: &Desk<Self>, reply: &Outbound, error: &io::Error);

    /// The counter of a kind of replies; `tag` is what the reply was sent with.
    fn sent_counter(tag: u32) -> Option<Self::Packet>;
}

/// The server of one worker.
#[derive(Debug)]
pub struct Engine<P: Protocol> {
    core: Core<P>,
    runtime: Arc<P::Runtime>,
}

/// The server without its configuration, which is lent to it for each datagram.
#[derive(Debug)]
struct Core<P: Protocol> {
    desk: Desk<P>,
    protocol: P,
    intake: Intake<P::Leases, P::Runtime>,
    /// What the exchange in progress has learned about hosts.
    learned: LearnedHosts<P::Leases>,
    /// The interfaces of today; those at the desk are of the exchange in progress.
    links: Arc<Links>,
    /// Lent to the view of the packet that is being processed.
    spans: Option<Box<P::Spans>>,
    /// The time of the run in progress.
    runs_at: Now,
    /// Whether explanations of all packets are wanted, by whoever has called for them.
    explains_everything: bool,
}

/// The configurations of an exchange.
struct Runtimes<'a, R> {
    /// The one that it began under, by which it is decided.
    own: &'a Arc<R>,
    /// The one in force, which has the figures.
    in_force: &'a R,
}

impl<P: Protocol> Engine<P> {
    /// Makes the server of one worker; `seed` differs between workers.
    #[must_use]
    pub fn new(
        shared: Shared<P::Leases>,
        runtime: Arc<P::Runtime>,
        counters: WorkerCounters<P::Packet>,
        seed: u64,
    ) -> Self {
        let desk = Desk {
            shared,
            links: Arc::default(),
            counters,
            limiter: RateLimiter::new(EXPLAINED_BURST, EXPLAINED_INTERVAL_NS),
            entropy: SplitMix::new(seed),
            memo: Memo::default(),
            hosts: HostDesk::default(),
            subnet: None,
            explanation: None,
            deliveries: Deliveries::default(),
            passage: None,
        };
        let spans = Some(Box::default());
        let core = Core {
            desk,
            protocol: P::default(),
            intake: Intake::default(),
            learned: LearnedHosts::default(),
            links: Arc::default(),
            spans,
            runs_at: Now::from_secs(0),
            explains_everything: false,
        };
        Self { core, runtime }
    }

    /// The configuration in force.
    #[must_use]
    pub fn runtime(&self) -> &Arc<P::Runtime> {
        &self.runtime
    }

    /// Packet counters of this worker.
    #[must_use]
    pub fn counters(&self) -> &WorkerCounters<P::Packet> {
        &self.core.desk.counters
    }

    /// Number of packets that wait for another one of their client that waits for a store.
    #[must_use]
    pub fn behind_len(&self) -> usize {
        self.core.intake.behind_len()
    }

    /// Number of exchanges that wait for a store.
    #[must_use]
    pub fn parked_len(&self) -> usize {
        self.core.intake.parked_len()
    }
}

impl<P: Protocol> DhcpServer for Engine<P> {
    type Leases = P::Leases;
    type Runtime = P::Runtime;

    fn set_runtime(&mut self, runtime: Arc<P::Runtime>) {
        self.runtime = runtime;
    }

    fn set_links(&mut self, links: Arc<Links>) {
        self.core.desk.links = links.clone();
        self.core.links = links;
    }

    fn look(&self, payload: &[u8]) {
        self.runtime.fetch(payload);
    }

    fn receive(&mut self, input: Inbound<'_>, now: Now, replies: &mut Replies) -> Progress {
        self.core.desk.counters.set_time(now);
        self.core.desk.counters.increment(P::COUNTERS.received);
        let progress = self.core.process(&input, &self.runtime, now, replies, true);
        self.core.end_explanation(progress);
        progress
    }

    fn resume(
        &mut self,
        ticket: Ticket,
        answer: Answer<P::Leases>,
        now: Now,
        replies: &mut Replies,
    ) -> Progress {
        let Some(mut exchange) = self.core.intake.unpark(ticket) else {
            // It was given up, or its processing has panicked after it asked: what it has changed still counts.
            if let Answer::Done(Ok(stored)) = &answer {
                self.runtime.tally().count(std::iter::once(stored), None, now);
            }
            return Progress::Done;
        };
        exchange.memo.record(answer);
        self.core.take_up(exchange, &*self.runtime, now, replies, None)
    }

    fn take_host_requests(&mut self, into: &mut Vec<HostRequest<P::Leases>>) {
        self.core.desk.hosts.take_requests(into);
    }

    fn resume_with_hosts(
        &mut self,
        ticket: Ticket,
        reply: HostReply<P::Leases>,
        now: Now,
        replies: &mut Replies,
    ) -> Progress {
        let core = &mut self.core;
        let Some(exchange) = core.intake.parked(ticket) else {
            // Its processing has panicked after it asked.
            core.desk.hosts.forget(ticket);
            return Progress::Done;
        };
        let (own, learned) = (&exchange.runtime, &exchange.learned);
        let settled = match own.host_databases() {
            Some(databases) => {
                let terms = own.host_terms();
                core.desk.hosts.settle(ticket, reply, databases, &terms, learned, now)
            }
            None => Settled::Failed,
        };
        let refusal = match settled {
            Settled::Known => None,
            Settled::AskedOn => return Progress::Waiting(ticket),
            Settled::Failed => Some(P::UNANSWERED),
        };
        let Some(exchange) = core.intake.unpark(ticket) else { return Progress::Done };
        core.take_up(exchange, &*self.runtime, now, replies, refusal)
    }

    fn give_up(&mut self, ticket: Ticket, now: Now) {
        self.core.desk.hosts.forget(ticket);
        let Some(exchange) = self.core.intake.unpark(ticket) else { return };
        let refusal = Some(P::UNANSWERED);
        self.core.take_up(exchange, &*self.runtime, now, &mut Replies::default(), refusal);
    }

    fn give_up_overdue(&mut self, now: Now) {
        for ticket in self.core.intake.overdue(now) {
            self.give_up(ticket, now);
        }
    }

    fn end_batch(&mut self, now: Now, replies: &mut Replies) {
        loop {
            // What was answered at once lets the next one of its client go.
            self.core.intake.let_next();
            let Some(kept) = self.core.intake.next_deferred() else { return };
            let progress = self.core.process(&kept.input(), &self.runtime, now, replies, false);
            self.core.end_explanation(progress);
        }
    }

    fn processing_failed(&mut self, input: &Inbound<'_>, reason: &str) {
        let core = &mut self.core;
        core.desk.counters.increment(P::COUNTERS.dropped);
        core.desk.counters.increment(P::COUNTERS.processing_failed);
        let Desk { memo, subnet, .. } = &mut core.desk;
        self.runtime.tally().count(memo.new_changes(), *subnet, core.runs_at);
        memo.clear();
        core.learned.clear();
        explain!(core.desk.explanation(), Topic::Answer, "none: processing failed: {reason}");
        core.end_explanation(Progress::Done);
        core.desk.links.clone_from(&core.links);
        core.intake.abandon(&core.desk.shared.gate);
        P::log_failure(input, reason);
    }

    fn explain_everything(&mut self) {
        self.core.explains_everything = true;
    }

    fn take_explanation(&mut self) -> Option<Explanation> {
        self.core.desk.explanation.take().map(|explanation| *explanation)
    }

    fn malformed_frames(&mut self, count: u64) {
        let counters = &mut self.core.desk.counters;
        counters.add(P::COUNTERS.received, count);
        counters.add(P::COUNTERS.parse_failed, count);
        counters.add(P::COUNTERS.dropped, count);
    }

    fn passed_over(&mut self) {
        let counters = &mut self.core.desk.counters;
        counters.increment(P::COUNTERS.received);
        counters.increment(P::COUNTERS.dropped);
    }

    fn sent(&mut self, tag: u32) {
        let counters = &mut self.core.desk.counters;
        counters.increment(P::COUNTERS.sent);
        if let Some(counter) = P::sent_counter(tag) {
            counters.increment(counter);
        }
    }

    #[cold]
    fn sending_failed(&mut self, reply: &Outbound, error: &io::Error) {
        P::log_send_failure(&self.core.desk, reply, error);
    }
}

impl<P: Protocol> Core<P> {
    fn process(
        &mut self,
        input: &Inbound<'_>,
        runtime: &Arc<P::Runtime>,
        now: Now,
        replies: &mut Replies,
        first_time: bool,
    ) -> Progress {
        // There is none only if the packet before has panicked.
        let mut spans = self.spans.take().unwrap_or_default();
        let progress = match P::parse(input.payload, &mut spans) {
            Ok(view) => self.accept(input, &view, runtime, now, replies, first_time),
            Err(error) => {
                self.desk.counters.increment(P::COUNTERS.parse_failed);
                self.desk.counters.increment(P::COUNTERS.dropped);
                P::explain_malformed(&mut self.desk, input, error, now);
                self.explain_malformed(input, error);
                Progress::Done
            }
        };
        self.spans = Some(spans);
        progress
    }

    fn accept(
        &mut self,
        input: &Inbound<'_>,
        view: &P::View<'_>,
        runtime: &Arc<P::Runtime>,
        now: Now,
        replies: &mut Replies,
        first_time: bool,
    ) -> Progress {
        if first_time {
            P::received(&mut self.desk, input, view);
        }
        self.begin_explanation(input, view, runtime);
        let query = match P::admit(&self.desk, input, view, runtime) {
            Ok(query) => query,
            Err(reason) => return self.drop(input, view, reason, now),
        };
        // Before anything is asked: the answer to a question must never be left without an exchange.
        if self.intake.is_full() {
            return self.drop(input, view, P::QUEUE_FULL, now);
        }
        let client = P::client(&self.desk, input, &query);
        let Some(entered) = self.desk.shared.gate.enter(client) else {
            let key = QueryKey { client, number: P::number(&query) };
            return self.defer(input, view, key, now, first_time);
        };
        self.intake.begin(entered);
        self.desk.passage = P::passage(&self.desk, input, &query, client);
        if let Some(passage) = self.desk.passage {
            self.desk.deliveries.asked(passage, now.mono_s());
        }
        self.desk.memo.clear();
        self.learned.clear();
        self.desk.subnet = None;
        let runtimes = Runtimes { own: runtime, in_force: &**runtime };
        let Err(Parked(ticket)) =
            self.exchange(input, view, &query, runtimes, entered, now, replies)
        else {
            return Progress::Done;
        };
        let key = QueryKey { client, number: P::number(&query) };
        self.park(ticket, input, key, runtime, entered, now)
    }

    /// Keeps an exchange that has to wait for its first answer.
    #[cold]
    fn park(
        &mut self,
        ticket: Ticket,
        input: &Inbound<'_>,
        key: QueryKey,
        runtime: &Arc<P::Runtime>,
        entered: Entered,
        now: Now,
    ) -> Progress {
        let memo = self.intake.spare_memo();
        let exchange = ParkedExchange {
            datagram: Kept::new(input),
            key,
            runtime: runtime.clone(),
            links: self.desk.links.clone(),
            entered,
            memo: std::mem::replace(&mut self.desk.memo, memo),
            learned: std::mem::take(&mut self.learned),
            passage: self.desk.passage.take(),
            since_s: now.mono_s(),
        };
        self.intake.park(ticket, Box::new(exchange))
    }

    /// Keeps a packet whose client has another one in progress: until the end of the batch, and then until that is done.
    #[cold]
    fn defer(
        &mut self,
        input: &Inbound<'_>,
        view: &P::View<'_>,
        key: QueryKey,
        now: Now,
        first_time: bool,
    ) -> Progress {
        let is_kept = match first_time {
            true => self.intake.defer(input),
            false => self.intake.wait_behind(key, input),
        };
        match is_kept {
            true => Progress::Deferred,
            false => self.drop(input, view, P::BUSY, now),
        }
    }

    /// Takes up an exchange whose question has been answered, or gives it up with a `refusal`.
    fn take_up(
        &mut self,
        mut exchange: Box<ParkedExchange<P::Leases, P::Runtime>>,
        in_force: &P::Runtime,
        now: Now,
        replies: &mut Replies,
        refusal: Option<P::Reason>,
    ) -> Progress {
        self.intake.begin(exchange.entered);
        std::mem::swap(&mut self.desk.memo, &mut exchange.memo);
        std::mem::swap(&mut self.learned, &mut exchange.learned);
        std::mem::swap(&mut self.desk.links, &mut exchange.links);
        self.desk.passage = exchange.passage.take();
        let mut spans = self.spans.take().unwrap_or_default();
        let input = exchange.datagram.input();
        let run = match (P::parse(input.payload, &mut spans), refusal) {
            (Ok(view), None) => {
                let runtimes = Runtimes { own: &exchange.runtime, in_force };
                self.go_on(&input, &view, runtimes, exchange.entered, now, replies)
            }
            (Ok(view), Some(reason)) => {
                self.begin_explanation(&input, &view, &exchange.runtime);
                self.desk.shared.gate.leave(exchange.entered);
                self.intake.end();
                self.drop(&input, &view, reason, now);
                Ok(())
            }
            (Err(_), _) => {
                // It was parsed before.
                self.desk.shared.gate.leave(exchange.entered);
                self.intake.end();
                Ok(())
            }
        };
        self.spans = Some(spans);
        std::mem::swap(&mut self.desk.links, &mut exchange.links);
        let progress = match run {
            Ok(()) => {
                self.intake.retire(exchange.memo);
                Progress::Done
            }
            Err(Parked(ticket)) => {
                std::mem::swap(&mut self.desk.memo, &mut exchange.memo);
                std::mem::swap(&mut self.learned, &mut exchange.learned);
                exchange.passage = self.desk.passage.take();
                self.intake.park(ticket, exchange)
            }
        };
        self.end_explanation(progress);
        progress
    }

    /// Goes on with an exchange whose question has been answered.
    fn go_on(
        &mut self,
        input: &Inbound<'_>,
        view: &P::View<'_>,
        runtimes: Runtimes<'_, P::Runtime>,
        entered: Entered,
        now: Now,
        replies: &mut Replies,
    ) -> Result<(), Parked> {
        self.begin_explanation(input, view, runtimes.own);
        match P::admit(&self.desk, input, view, runtimes.own) {
            Ok(query) => self.exchange(input, view, &query, runtimes, entered, now, replies),
            Err(reason) => {
                // It was admitted before, by the same configuration and interfaces.
                self.desk.shared.gate.leave(entered);
                self.intake.end();
                self.drop(input, view, reason, now);
                Ok(())
            }
        }
    }

    /// Runs the protocol; lets the client go unless it has to wait.
    #[allow(clippy::too_many_arguments, reason = "all that there is to an exchange")]
    fn exchange(
        &mut self,
        input: &Inbound<'_>,
        view: &P::View<'_>,
        query: &P::Query<'_>,
        runtimes: Runtimes<'_, P::Runtime>,
        entered: Entered,
        now: Now,
        replies: &mut Replies,
    ) -> Result<(), Parked> {
        self.intake.begin(entered);
        self.runs_at = now;
        let (desk, learned) = (&mut self.desk, &self.learned);
        let run = self.protocol.run(desk, input, query, runtimes.own, learned, now, replies);
        self.intake.end();
        // Before it waits, so that each change is counted once; the subnet is most likely the same in both.
        let Desk { memo, subnet, .. } = &mut self.desk;
        runtimes.in_force.tally().count(memo.new_changes(), *subnet, now);
        let dropped = run?;
        self.desk.shared.gate.leave(entered);
        if let Some(reason) = dropped {
            self.drop(input, view, reason, now);
        }
        Ok(())
    }

    #[cold]
    fn drop(
        &mut self,
        input: &Inbound<'_>,
        view: &P::View<'_>,
        reason: P::Reason,
        now: Now,
    ) -> Progress {
        self.desk.counters.increment(P::COUNTERS.dropped);
        P::explain_drop(&mut self.desk, input, view, reason, now);
        explain!(self.desk.explanation(), Topic::Answer, "none: {reason}");
        Progress::Done
    }

    /// Begins to explain a packet, if somebody wants to know. A packet that has waited is explained anew.
    #[inline]
    fn begin_explanation(&mut self, input: &Inbound<'_>, view: &P::View<'_>, runtime: &P::Runtime) {
        if self.explains_everything || !runtime.explained_clients().is_empty() {
            self.begin_explanation_if_wanted(input, view, runtime);
        }
    }

    #[cold]
    fn begin_explanation_if_wanted(
        &mut self,
        input: &Inbound<'_>,
        view: &P::View<'_>,
        runtime: &P::Runtime,
    ) {
        let is_wanted = || {
            EXPLAIN.is_rank_enabled(P::EXPLAINED.rank())
                && P::is_from(runtime.explained_clients(), input, view)
        };
        self.desk.explanation = (self.explains_everything || is_wanted())
            .then(|| Box::new(P::explain_query(&self.desk, input, view, runtime)));
    }

    #[cold]
    fn explain_malformed(&mut self, input: &Inbound<'_>, error: P::Malformed) {
        if self.explains_everything {
            let explanation = Explanation::default();
            let len = input.payload.len();
            explain!(Some(&explanation), Topic::Query, "{len} bytes from {}", input.source);
            explain!(Some(&explanation), Topic::Answer, "none: the packet is malformed: {error}");
            self.desk.explanation = Some(Box::new(explanation));
        }
    }

    /// Logs the explanation of a packet that has been processed; lets go what would be told again.
    #[inline]
    fn end_explanation(&mut self, progress: Progress) {
        if self.desk.explanation.is_some() && !self.explains_everything {
            self.log_explanation(progress);
        }
    }

    #[cold]
    fn log_explanation(&mut self, progress: Progress) {
        let Some(explanation) = self.desk.explanation.take() else { return };
        if !matches!(progress, Progress::Done) {
            return;
        }
        let client = explanation.client().to_owned();
        for line in explanation.lines() {
            EXPLAIN.write(P::EXPLAINED, &[&client, &line]);
        }
    }
}
