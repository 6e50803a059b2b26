//! A worker thread: its own sockets, buffers and server; the packet path of the daemon.
//!
//! The loop is: wait, read everything that the sockets hold, process it, send what may leave at once, store the
//! changed leases, send the replies that waited for that. One panic of the server costs one packet.
//!
//! Gathering: the more packets share a pass, the less each costs. Storing leases takes a while, in which packets
//! gather by themselves; passes that stored nothing sleep for a moment instead, when there are more than a few
//! packets. A lone client's packet is always read at once. A server that waits for much from elsewhere may let packets
//! and answers gather for longer ([`PacketServer::patience`]).

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use netio::{BATCH, Event, InterfaceTable, Plan, ReceiveReport, Taker, Transport};
use util::Now;
use util::link::{Inbound, Outbound, Replies};

use crate::clock::Clock;
use crate::journal_service::JournalService;

/// Time for which packets gather under load. The kernel adds about 50 us of timer slack.
const GATHER: Duration = Duration::from_micros(60);
/// Packets in the batch before from which on gathering pays.
const GATHER_FROM: usize = 6;
/// Packets of one pass, after which replies are sent even if there is more to read.
const PASS_MAX: usize = 1024;
/// Passes in a row before control messages are looked at.
const PASSES_MAX: usize = 64;
/// Longest sleep of an idle worker; bounds the delay of anything that failed to wake it.
const IDLE: Duration = Duration::from_millis(500);

/// Time after which sockets that could not be opened are tried again.
const SOCKET_RETRY: Duration = Duration::from_secs(1);

/// Token of the waker; sockets have smaller ones.
const WAKER: Token = Token(usize::MAX - 1);

/// Wakes a worker, for which there is something; `true` ends its patience ([`PacketServer::patience`]) as well.
pub type Wake = Arc<dyn Fn(bool) + Send + Sync>;

/// A server as the worker drives it.
pub trait PacketServer: Send {
    /// What can change while the worker runs (a configuration, the interfaces).
    type Update: Send;

    /// Hears how whoever has something for it wakes its worker, before anything else.
    fn started(&mut self, _wake: Wake) {}
    /// Goes on with packets that have waited for somebody else. Called in each pass and whenever the worker is woken, and
    /// once more when it has panicked: there may be others behind the packet that did.
    fn resume(&mut self, _now: Now, _replies: &mut Replies) {}
    /// Hands over what packets of this pass wait for.
    fn hand_over(&mut self) {}
    /// For how long packets and answers may gather before the next pass: none at all, unless so much is waited for that
    /// this does not matter. Each time a worker wakes costs more than a packet does. An urgent
    /// [`Wake`] ends it.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }
    /// Sees the payload of a datagram that will be processed in a moment. It has not been checked.
    fn look(&self, payload: &[u8]);
    /// Processes one datagram.
    fn receive(&mut self, input: Inbound<'_>, now: Now, replies: &mut Replies);
    /// Ends a batch, or what was resumed.
    fn end_batch(&mut self, now: Now, replies: &mut Replies);
    /// Hears that processing a datagram panicked; `None` when it was one that had waited for the end of the batch.
    fn processing_failed(&mut self, input: Option<&Inbound<'_>>, reason: &str);
    /// Hears what else a reception came to: frames that were no datagrams, drops of the kernel.
    fn received(&mut self, report: &ReceiveReport, now: Now);
    /// Hears what became of a reply.
    fn sent(&mut self, reply: &Outbound, result: Result<(), io::Error>);
    /// Hears that replies were thrown away because their leases could not be stored.
    fn discarded(&mut self, replies: usize);
    /// Hears what became of sockets.
    fn sockets_changed(&mut self, events: &[Event]);
    /// Takes a change, between two batches.
    fn update(&mut self, update: Self::Update);
}

/// A message to a worker.
enum Control<U> {
    /// Take a change.
    Update(U),
    /// Open and close sockets so that they fit the interfaces.
    Interfaces(Arc<InterfaceTable>),
    /// Replace the sockets by those of another plan.
    Plan(Plan, Arc<InterfaceTable>),
    /// Stop between two batches, say so, and wait for the other end to be dropped.
    Pause(SyncSender<()>, Receiver<()>),
    /// Send what may be sent and end.
    Stop,
}

/// A running worker.
pub struct Worker<U> {
    control: SyncSender<Control<U>>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl<U> std::fmt::Debug for Worker<U> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

/// Workers that stand still; they go on when this is dropped.
#[derive(Debug)]
pub struct Paused(#[allow(dead_code, reason = "dropping it is its purpose")] Vec<SyncSender<()>>);

impl<U: Send + 'static> Worker<U> {
    /// Starts worker `index` of a group.
    ///
    /// # Errors
    /// When the system refuses an event queue or a thread.
    pub fn start<S: PacketServer<Update = U> + 'static>(
        index: usize,
        server: S,
        transport: Transport,
        journal: Option<Arc<JournalService>>,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (sender, control) = sync_channel(64);
        let mut server = server;
        let (own, itself) = (waker.clone(), Arc::new(OnceLock::<Thread>::new()));
        let known = itself.clone();
        server.started(Arc::new(move |is_urgent| {
            // A worker that is gone has nothing to wait for.
            let _ = own.wake();
            if is_urgent && let Some(thread) = known.get() {
                thread.unpark();
            }
        }));
        let run = Loop {
            server,
            transport,
            journal,
            poll,
            waker: waker.clone(),
            control,
            replies: Replies::default(),
            clock: Clock::default(),
            registered: Vec::new(),
            gathers: false,
            table: None,
            tried: Instant::now(),
        };
        let thread =
            thread::Builder::new().name(format!("worker-{index}")).spawn(move || run.run())?;
        // It is set once.
        let _ = itself.set(thread.thread().clone());
        Ok(Self { control: sender, waker, thread: Some(thread) })
    }

    /// Gives the worker a change.
    pub fn update(&self, update: U) {
        self.send(Control::Update(update));
    }

    /// Tells the worker about the interfaces.
    pub fn set_interfaces(&self, table: Arc<InterfaceTable>) {
        self.send(Control::Interfaces(table));
    }

    /// Replaces the worker's sockets.
    pub fn set_plan(&self, plan: Plan, table: Arc<InterfaceTable>) {
        self.send(Control::Plan(plan, table));
    }

    /// Whether its thread has ended by itself, which only a defect can bring about.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl<U> Worker<U> {
    fn send(&self, control: Control<U>) {
        // A worker that is gone has nobody to tell.
        let _ = self.control.send(control);
        let _ = self.waker.wake();
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

/// Stops all workers between two batches and returns when they stand.
#[must_use]
pub fn pause<U: Send + 'static>(workers: &[Worker<U>]) -> Paused {
    let mut held = Vec::with_capacity(workers.len());
    let mut standing = Vec::with_capacity(workers.len());
    for worker in workers {
        let (stands, is_standing) = sync_channel(1);
        let (go_on, wait) = sync_channel::<()>(0);
        worker.send(Control::Pause(stands, wait));
        held.push(go_on);
        standing.push(is_standing);
    }
    for is_standing in standing {
        // An error says that the worker has ended, which stands still as well.
        let _ = is_standing.recv();
    }
    Paused(held)
}

impl<U> Drop for Worker<U> {
    fn drop(&mut self) {
        self.send(Control::Stop);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by its hook.
            let _ = thread.join();
        }
    }
}

/// The state of the thread.
struct Loop<S: PacketServer> {
    server: S,
    transport: Transport,
    journal: Option<Arc<JournalService>>,
    poll: Poll,
    waker: Arc<Waker>,
    control: Receiver<Control<S::Update>>,
    replies: Replies,
    clock: Clock,
    registered: Vec<i32>,
    /// Whether packets should be given time to gather before the next pass.
    gathers: bool,
    /// The interfaces that the sockets were last made for, and when.
    table: Option<Arc<InterfaceTable>>,
    tried: Instant,
}

impl<S: PacketServer> Loop<S> {
    fn run(mut self) {
        let mut events = Events::with_capacity(64);
        loop {
            if self.obey() {
                return;
            }
            if let Err(error) = self.poll.poll(&mut events, Some(IDLE)) {
                if error.kind() != io::ErrorKind::Interrupted {
                    // The event queue is broken beyond repair; do not spin on it.
                    thread::sleep(IDLE);
                }
                events.clear();
            }
            // Without an event, too: what waits for too long must be given up.
            self.work();
            self.retry_sockets();
        }
    }

    /// Makes passes until the sockets are empty.
    fn work(&mut self) {
        for _ in 0..PASSES_MAX {
            let patience = self.server.patience();
            if !patience.is_zero() {
                // Ends early when that is urgent.
                thread::park_timeout(patience);
            } else if self.gathers {
                thread::sleep(GATHER);
            }
            if self.pass() == 0 {
                self.gathers = false;
                return;
            }
        }
        // There is more, and the edge has been consumed: come back without waiting for another one.
        self.rearm();
    }

    /// Reads, processes, stores, sends; returns the number of packets read.
    fn pass(&mut self) -> usize {
        let mut taken = 0;
        loop {
            let batch = self.batch();
            taken += batch;
            if batch < BATCH || taken >= PASS_MAX {
                break;
            }
        }
        self.resume();
        // What needs no lease leaves first: clients can go on while the leases of others are being stored.
        let ready = self.replies.ready.len();
        self.send(ready, Which::Ready);
        let stored = self.store();
        self.release();
        self.gathers = !stored && taken >= GATHER_FROM;
        taken
    }

    /// Receives and processes one batch; returns the number of packets read.
    fn batch(&mut self) -> usize {
        let now = self.clock.now();
        let Self { server, transport, replies, .. } = self;
        let report = transport.receive_batch(BATCH, &mut Batch { server, replies, now });
        if report.taken() > report.received || report.kernel_drops > 0 {
            server.received(&report, now);
        }
        let ended = catch_unwind(AssertUnwindSafe(|| server.end_batch(now, replies)));
        if let Err(panic) = ended {
            server.processing_failed(None, text_of(&*panic));
        }
        report.taken() as usize
    }

    /// Goes on with what has waited, and hands over what has to.
    fn resume(&mut self) {
        let now = self.clock.now();
        let Self { server, replies, .. } = self;
        let resumed = catch_unwind(AssertUnwindSafe(|| {
            server.resume(now, replies);
            // What has come to its end may have been waited for.
            server.end_batch(now, replies);
        }));
        if let Err(panic) = resumed {
            server.processing_failed(None, text_of(&*panic));
            // What it has not come to must not wait for the next packet.
            let _ = self.waker.wake();
        }
        server.hand_over();
    }

    /// Stores the leases that have changed; returns whether there were any.
    fn store(&self) -> bool {
        let Some(journal) = &self.journal else { return false };
        let changed = journal.journal().queue().has_uncommitted();
        if changed {
            journal.drain();
        }
        changed
    }

    /// Sends the replies whose leases are stored and discards the others: storage has failed.
    fn release(&mut self) {
        if self.replies.held.is_empty() {
            return;
        }
        let stored = match &self.journal {
            Some(journal) => self.replies.held.ready(journal.journal().queue().committed()),
            None => self.replies.held.len(),
        };
        self.send(stored, Which::Held);
        let lost = self.replies.held.len();
        if lost > 0 {
            self.replies.held.clear();
            self.server.discarded(lost);
        }
    }

    fn send(&mut self, count: usize, which: Which) {
        if count == 0 {
            return;
        }
        let Self { server, transport, replies, .. } = self;
        let outbox = match which {
            Which::Ready => &mut replies.ready,
            Which::Held => &mut replies.held,
        };
        transport.send(outbox, 0..count, &mut |reply, result| server.sent(reply, result));
        outbox.discard_front(count);
    }

    /// Carries out control messages; returns whether to stop.
    fn obey(&mut self) -> bool {
        loop {
            match self.control.try_recv() {
                Err(TryRecvError::Empty) => return false,
                Err(TryRecvError::Disconnected) | Ok(Control::Stop) => return true,
                Ok(Control::Update(update)) => self.server.update(update),
                Ok(Control::Interfaces(table)) => self.reconcile(table),
                Ok(Control::Plan(plan, table)) => {
                    self.transport.set_plan(plan);
                    self.reconcile(table);
                }
                Ok(Control::Pause(stands, wait)) => {
                    let _ = stands.send(());
                    // Ends with an error when the other end is dropped, which is the signal to go on.
                    let _ = wait.recv();
                }
            }
        }
    }

    fn reconcile(&mut self, table: Arc<InterfaceTable>) {
        let events = self.transport.reconcile(&table);
        self.server.sockets_changed(&events);
        self.table = Some(table);
        self.tried = Instant::now();
        self.rearm();
    }

    /// Tries again to open what could not be opened.
    fn retry_sockets(&mut self) {
        if self.transport.has_failures()
            && self.tried.elapsed() >= SOCKET_RETRY
            && let Some(table) = self.table.clone()
        {
            self.reconcile(table);
        }
    }

    /// Registers the sockets anew, which also reports those that are readable already.
    fn rearm(&mut self) {
        let registry = self.poll.registry();
        for fd in self.registered.drain(..) {
            // Closed descriptors have left the queue by themselves.
            let _ = registry.deregister(&mut SourceFd(&fd));
        }
        for (token, fd) in self.transport.raw_fds() {
            if registry.register(&mut SourceFd(&fd), Token(token.0), Interest::READABLE).is_ok() {
                self.registered.push(fd);
            }
        }
    }
}

/// A batch on its way from the sockets through the server.
struct Batch<'l, S> {
    server: &'l mut S,
    replies: &'l mut Replies,
    now: Now,
}

impl<S: PacketServer> Taker for Batch<'_, S> {
    fn look(&mut self, payload: &[u8]) {
        // It has no effect that a panic could leave half done; taking the datagram will tell what is wrong with it.
        let _ = catch_unwind(AssertUnwindSafe(|| self.server.look(payload)));
    }

    fn take(&mut self, input: Inbound<'_>) {
        let Self { server, replies, now } = self;
        let processed = catch_unwind(AssertUnwindSafe(|| server.receive(input, *now, replies)));
        if let Err(panic) = processed {
            server.processing_failed(Some(&input), text_of(&*panic));
        }
    }
}

#[derive(Clone, Copy)]
enum Which {
    Ready,
    Held,
}

/// What a panic said.
fn text_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or(panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("panic")
}

#[cfg(test)]
mod tests;
