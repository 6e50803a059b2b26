//! A line to a database: queues of jobs, and threads with a connection each that carry them.
//!
//! Each sort of jobs has a queue and a connection that counts; one more may help whoever has much to do. What a job and
//! a connection are is up to the [`Carrier`].

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use libdhcpsrv::config::{OnFail, Reconnect};
use parking_lot::{Condvar, Mutex};

use crate::pace::{GATHER_MAX, Pace};
use crate::{DbError, Fault};

/// What happened to the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// It is gone; whether it is tried again is up to the configuration.
    Lost(DbError),
    /// A try to connect has failed: number of the try.
    Failed(u32, DbError),
    /// It is there again.
    Recovered,
    /// All tries have failed: the server is to end.
    GaveUp(u32),
    /// A request was refused for what it said, or in conflict with others for too long.
    Refused(DbError),
}

/// Jobs of one batch, whatever a carrier wants.
pub(crate) const BATCH_MAX: usize = 1024;
/// Jobs of one sort that must wait before the helping connection joins in.
const JOIN_FROM: usize = 192;
/// Pause of the helping connection when it could not be made.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause between two tries after all tries that the configuration grants have failed.
const SLOW: Duration = Duration::from_secs(1);

/// A connection was lost, and these jobs have no reply.
pub(crate) type Lost<J> = (DbError, Vec<J>);

/// What is carried, and how.
pub(crate) trait Carrier: Send + Sync + Sized + 'static {
    /// A connection.
    type Connection: Send;
    /// A job.
    type Job: Send;
    /// What is needed to reply to a job that is gone.
    type Receipt;

    /// How many jobs of a sort are best carried together, by what the batch before took.
    fn batch_max(&self, _sort: usize, _last: Option<Pace>) -> usize {
        BATCH_MAX
    }

    /// Whether a further connection is of use to jobs of a sort.
    fn can_help(&self, _sort: usize) -> bool {
        true
    }

    /// Makes a connection.
    fn connect(&self) -> Result<Self::Connection, DbError>;

    /// Carries out jobs and replies to them; one that is refused for what it says is told.
    ///
    /// # Errors
    /// [`Lost`]. Whether changes have been made is not known then; made once more they are conflicts at worst.
    fn carry_out(
        &self,
        connection: &mut Self::Connection,
        jobs: Vec<Self::Job>,
        tell: &dyn Fn(LinkEvent),
    ) -> Result<(), Lost<Self::Job>>;

    /// Replies to jobs that there is no answer.
    fn fail(&self, jobs: Vec<Self::Job>);

    /// What is needed to reply to a job even if it is gone.
    fn receipt(job: &Self::Job) -> Self::Receipt;

    /// Replies that there is no answer; those that have been replied to may be told once more.
    fn fail_receipts(&self, receipts: Vec<Self::Receipt>);

    /// Marks a job whose connection was lost; returns whether it was marked before.
    fn mark_lost(job: &mut Self::Job) -> bool;
}

/// What a connection has to do.
enum Next<J> {
    /// To carry jobs of a sort.
    Carry(usize, Vec<J>),
    /// To be made, or made anew.
    Connect,
    /// To end.
    Stop,
}

/// The jobs of one sort that wait.
struct Queue<J> {
    jobs: VecDeque<J>,
    /// Number of waiting jobs from which on its connection is woken: one, unless jobs gather.
    wanted: usize,
    /// Whether a try to connect has failed since the connection was lost: what comes is refused at once.
    is_away: bool,
}

/// What all threads of a line share.
pub(crate) struct Line<C: Carrier> {
    pub(crate) carrier: C,
    pub(crate) reconnect: Reconnect,
    /// One for each sort of jobs.
    queues: Mutex<Vec<Queue<C::Job>>>,
    /// Wakes each connection; the last one is that of the helper.
    ready: Vec<Condvar>,
    events: Mutex<Vec<LinkEvent>>,
    /// Called when there is something for the owner.
    pub(crate) wake_owner: Box<dyn Fn() + Send + Sync>,
    is_stopping: AtomicBool,
    /// How many of the connections that count are lost.
    lost: AtomicUsize,
    /// Grows when the server that the connections lead to is no longer the right one.
    generation: AtomicU64,
    /// Jobs and batches so far.
    carried: [AtomicU64; 2],
    /// Longest time for which jobs gather.
    gather_max: Duration,
}

impl<C: Carrier> Line<C> {
    /// Makes a line for so many sorts of jobs.
    pub(crate) fn new(
        carrier: C,
        sorts: usize,
        reconnect: Reconnect,
        wake_owner: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        Self {
            carrier,
            reconnect,
            queues: Mutex::new(
                (0..sorts)
                    .map(|_| Queue { jobs: VecDeque::new(), wanted: 1, is_away: false })
                    .collect(),
            ),
            ready: (0..=sorts).map(|_| Condvar::new()).collect(),
            events: Mutex::default(),
            wake_owner,
            is_stopping: AtomicBool::new(false),
            lost: AtomicUsize::new(0),
            generation: AtomicU64::new(0),
            carried: [AtomicU64::new(0), AtomicU64::new(0)],
            gather_max: GATHER_MAX,
        }
    }

    /// Number of the connection that helps the others.
    pub(crate) fn helper(&self) -> usize {
        self.ready.len() - 1
    }

    /// Adds jobs, each with its sort.
    pub(crate) fn push(&self, jobs: impl Iterator<Item = (usize, C::Job)>) {
        let mut refused = Vec::new();
        let mut queues = self.queues.lock();
        for (sort, job) in jobs {
            match queues.get_mut(sort) {
                Some(queue) if !queue.is_away => queue.jobs.push_back(job),
                _ => refused.push(job),
            }
        }
        let must_help = self.longest(&queues).is_some();
        for (queue, bell) in queues.iter().zip(&self.ready) {
            if queue.jobs.len() >= queue.wanted {
                bell.notify_one();
            }
        }
        drop(queues);
        if !refused.is_empty() {
            self.carrier.fail(refused);
        }
        if must_help {
            self.ready[self.helper()].notify_one();
        }
    }

    /// Replies to all jobs that wait that there is no answer.
    pub(crate) fn fail_all(&self) {
        for number in 0..self.helper() {
            self.carrier.fail(self.take_all(number));
        }
    }

    /// Ends all threads; they are still to be waited for.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        drop(self.queues.lock());
        for bell in &self.ready {
            bell.notify_all();
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// Whether the connections that count are there.
    pub(crate) fn is_up(&self) -> bool {
        self.lost.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn tell(&self, event: LinkEvent) {
        self.events.lock().push(event);
        (self.wake_owner)();
    }

    pub(crate) fn take_events(&self) -> Vec<LinkEvent> {
        std::mem::take(&mut self.events.lock())
    }

    /// Jobs and batches so far.
    pub(crate) fn carried(&self) -> [u64; 2] {
        [0, 1].map(|which: usize| self.carried[which].load(Ordering::Relaxed))
    }

    /// Carries jobs over connection `number` until the line stops. Connections are made before jobs are taken: whoever
    /// waits for one keeps no job from the others.
    pub(crate) fn run(&self, number: usize, first: Option<C::Connection>) {
        let mut connection = first;
        let mut generation = self.generation.load(Ordering::Relaxed);
        let mut last = None;
        loop {
            let is_there = connection.is_some();
            match (self.next(number, is_there, generation, last), &mut connection) {
                (Next::Stop, _) => return,
                (Next::Carry(sort, jobs), Some(open)) => {
                    let (begin, count) = (Instant::now(), jobs.len());
                    match self.carry(open, jobs) {
                        Ok(true) => {
                            last = Some(Pace::after(last, count, begin, Instant::now()));
                        }
                        Ok(false) => connection = None,
                        Err((error, jobs)) => {
                            self.give_back(sort, jobs);
                            // The former one may be all that the server admits.
                            drop(connection.take());
                            if error.fault == Fault::ReadOnly {
                                self.generation.fetch_add(1, Ordering::Relaxed);
                            }
                            generation = self.generation.load(Ordering::Relaxed);
                            connection = self.make_anew(number, error);
                        }
                    }
                }
                (Next::Carry(..) | Next::Connect, _) => {
                    drop(connection.take());
                    generation = self.generation.load(Ordering::Relaxed);
                    connection = match self.connect() {
                        Ok(open) => Some(open),
                        Err(error) => self.make_anew(number, error),
                    };
                }
            }
        }
    }

    /// Makes a connection.
    fn connect(&self) -> Result<C::Connection, DbError> {
        catch_unwind(AssertUnwindSafe(|| self.carrier.connect())).unwrap_or_else(|_| {
            let reason = "connecting failed; this is a defect of the server";
            Err(DbError::new(Fault::Lost, "", reason))
        })
    }

    /// Makes a connection after an error, as the configuration says.
    fn make_anew(&self, number: usize, error: DbError) -> Option<C::Connection> {
        if number == self.helper() {
            // The others will tell what is wrong.
            self.wait(number, PAUSE);
            return None;
        }
        self.reconnect(number, error)
    }

    /// Carries jobs; returns whether the connection can still be used.
    fn carry(
        &self,
        connection: &mut C::Connection,
        jobs: Vec<C::Job>,
    ) -> Result<bool, Lost<C::Job>> {
        self.carried[0].fetch_add(jobs.len() as u64, Ordering::Relaxed);
        self.carried[1].fetch_add(1, Ordering::Relaxed);
        let receipts: Vec<C::Receipt> = jobs.iter().map(C::receipt).collect();
        let work = AssertUnwindSafe(|| {
            self.carrier.carry_out(connection, jobs, &|event| self.tell(event))
        });
        match catch_unwind(work) {
            Ok(carried) => carried.map(|()| true),
            Err(_) => {
                // A defect; nobody knows what the connection is in the middle of. The database is well, so this is no
                // matter of what the configuration says about its loss.
                self.carrier.fail_receipts(receipts);
                Ok(false)
            }
        }
    }

    /// The sort of which so many wait that a further connection is of use, and how many these are.
    fn longest(&self, queues: &[Queue<C::Job>]) -> Option<(usize, usize)> {
        let lens = queues.iter().map(|queue| queue.jobs.len()).enumerate();
        let helped = lens.filter(|&(sort, len)| len >= JOIN_FROM && self.carrier.can_help(sort));
        helped.max_by_key(|(_, len)| *len)
    }

    /// Waits for something to do. A job that comes when there is little to do goes at once; while many come, more are
    /// waited for ([`Pace::gather`]).
    fn next(
        &self,
        number: usize,
        is_there: bool,
        generation: u64,
        last: Option<Pace>,
    ) -> Next<C::Job> {
        let is_helper = number == self.helper();
        // Jobs gather once, and not for the helper: it is there because many wait.
        let mut pace = last.filter(|_| !is_helper);
        let mut queues = self.queues.lock();
        loop {
            if self.is_stopping() {
                return Next::Stop;
            }
            let found = if is_helper {
                // What helps leaves the other one something to do.
                self.longest(&queues).map(|(sort, len)| (sort, len / 2))
            } else {
                Some((number, queues[number].jobs.len())).filter(|&(_, len)| len > 0)
            };
            let is_wanted = found.is_some() || !is_helper;
            let is_old = generation != self.generation.load(Ordering::Relaxed);
            if is_wanted && (!is_there || is_old) {
                return Next::Connect;
            }
            if let Some((sort, count)) = found {
                let batch_max = self.carrier.batch_max(sort, last).min(BATCH_MAX);
                let gather = |pace: Pace| pace.gather(count, batch_max, Instant::now());
                if let Some(wanted) = pace.take().and_then(gather) {
                    queues[sort].wanted = wanted;
                    self.ready[number].wait_for(&mut queues, self.gather_max);
                    queues[sort].wanted = 1;
                    continue;
                }
                let count = count.min(batch_max);
                return Next::Carry(sort, queues[sort].jobs.drain(..count).collect());
            }
            self.ready[number].wait(&mut queues);
        }
    }

    /// Puts jobs back for another connection, once each: one that a server dies of must not kill the next one.
    fn give_back(&self, sort: usize, jobs: Vec<C::Job>) {
        let mut again = Vec::new();
        let mut queues = self.queues.lock();
        for mut job in jobs.into_iter().rev() {
            match C::mark_lost(&mut job) {
                true => again.push(job),
                false => queues[sort].jobs.push_front(job),
            }
        }
        drop(queues);
        self.carrier.fail(again);
        self.ready[sort].notify_one();
    }

    /// Waits for a while, or until the line stops.
    fn wait(&self, number: usize, time: Duration) {
        let until = Instant::now() + time;
        let mut queues = self.queues.lock();
        while !self.is_stopping() && !self.ready[number].wait_until(&mut queues, until).timed_out()
        {
        }
    }

    /// Makes a connection that counts anew, as the configuration says; none when the line stops.
    fn reconnect(&self, number: usize, error: DbError) -> Option<C::Connection> {
        if self.lost.fetch_add(1, Ordering::SeqCst) == 0 {
            self.tell(LinkEvent::Lost(error));
        }
        let policy = self.reconnect;
        let pause = Duration::from_millis(policy.wait_ms.into());
        let tries_max = if policy.wait_ms == 0 { 0 } else { policy.tries_max };
        let goes_on = policy.on_fail == OnFail::ServeRetryContinue;
        let mut tries: u32 = 0;
        while !self.is_stopping() {
            if tries == tries_max {
                self.tell(LinkEvent::GaveUp(tries));
            }
            // When the owner is about to end the process nothing is tried any more.
            if tries < tries_max || goes_on {
                match self.connect() {
                    Ok(connection) => {
                        self.set_away(number, false);
                        if self.lost.fetch_sub(1, Ordering::SeqCst) == 1 {
                            self.tell(LinkEvent::Recovered);
                        }
                        return Some(connection);
                    }
                    Err(error) if tries < tries_max => {
                        self.tell(LinkEvent::Failed(tries + 1, error));
                    }
                    Err(_) => {}
                }
            }
            tries = tries.saturating_add(1);
            self.set_away(number, true);
            self.carrier.fail(self.take_all(number));
            self.wait(number, if tries >= tries_max { pause.max(SLOW) } else { pause });
        }
        None
    }

    fn set_away(&self, number: usize, is_away: bool) {
        self.queues.lock()[number].is_away = is_away;
    }

    fn take_all(&self, number: usize) -> Vec<C::Job> {
        self.queues.lock()[number].jobs.drain(..).collect()
    }
}

/// Waits for threads that have been told to end; those that do not within the time go on by themselves, because what they wait
/// for may never come.
pub(crate) fn join_within(threads: impl Iterator<Item = JoinHandle<()>>, time: Duration) {
    let until = Instant::now() + time;
    for thread in threads {
        while !thread.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        if thread.is_finished() {
            // A panic of the thread has been reported by its hook.
            let _ = thread.join();
        }
    }
}

/// Longest wait for threads that are told to end.
pub(crate) const JOIN_MAX: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    /// Jobs that are numbers; nobody carries them.
    struct Nobody;

    impl Carrier for Nobody {
        type Connection = ();
        type Job = usize;
        type Receipt = ();

        fn connect(&self) -> Result<(), DbError> {
            Ok(())
        }

        fn carry_out(
            &self,
            _connection: &mut (),
            _jobs: Vec<usize>,
            _tell: &dyn Fn(LinkEvent),
        ) -> Result<(), Lost<usize>> {
            Ok(())
        }

        fn fail(&self, _jobs: Vec<usize>) {}

        fn receipt(_job: &usize) {}

        fn fail_receipts(&self, _receipts: Vec<()>) {}

        fn mark_lost(_job: &mut usize) -> bool {
            false
        }
    }

    /// A line whose jobs gather for as long as it takes, while many come.
    fn line() -> (Line<Nobody>, Pace) {
        let reconnect = Reconnect {
            tries_max: 0,
            wait_ms: 0,
            on_fail: OnFail::ServeRetryContinue,
            on_startup: false,
        };
        let mut line = Line::new(Nobody, 1, reconnect, Box::new(|| ()));
        line.gather_max = 2 * LIMIT;
        // It has not ended yet, so it is not forgotten while the test runs.
        let ended = Instant::now() + 100 * LIMIT;
        (line, Pace::after(None, 100_000, ended, ended))
    }

    /// Waits until jobs gather; returns how many of them are waited for.
    fn wanted(line: &Line<Nobody>) -> usize {
        let begin = Instant::now();
        loop {
            let wanted = line.queues.lock()[0].wanted;
            if wanted > 1 {
                return wanted;
            }
            assert!(begin.elapsed() < LIMIT, "jobs do not gather");
            thread::yield_now();
        }
    }

    #[test]
    fn jobs_that_gather_go_together_as_soon_as_there_are_enough() {
        let (line, fast) = line();
        let (sender, receiver) = channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let next = line.next(0, true, 0, Some(fast));
                let Next::Carry(0, jobs) = next else { panic!("there are jobs") };
                sender.send(jobs).unwrap();
            });
            line.push([(0, 0)].into_iter());
            let enough = wanted(&line);
            for job in 1..enough {
                line.push([(0, job)].into_iter());
            }
            let jobs = receiver.recv_timeout(LIMIT).expect("they are carried");
            assert_eq!(jobs, (0..enough).collect::<Vec<_>>());
        });
        assert_eq!(line.queues.lock()[0].wanted, 1, "afterwards one is enough");
    }

    #[test]
    fn the_end_of_a_line_ends_the_wait_for_more() {
        let (line, fast) = line();
        line.push([(0, 0)].into_iter());
        let (sender, receiver) = channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let next = line.next(0, true, 0, Some(fast));
                sender.send(matches!(next, Next::Stop)).unwrap();
            });
            assert!(wanted(&line) > 1);
            line.stop();
            assert!(receiver.recv_timeout(LIMIT).expect("it ends"));
        });
    }
}
