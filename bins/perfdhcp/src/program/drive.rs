//! The loop that joins a generator with a socket and a clock.
//!
//! One thread: send what is due, read what is there, wait for the earlier of the next deadline and the next answer. How
//! it waits depends on the load:
//!
//! * At moderate rates it sleeps on the socket and wakes for every answer: latencies are exact.
//! * Without a rate (many exchanges in progress), and above [`BUSY_RATE`], it sleeps by the clock and reads what has
//!   gathered: a server that answers one by one would otherwise pay for waking the generator with every answer, and the
//!   generator would spend its time on waking up.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use netio::ClientSocket;
use perfdhcp::generator::Generator;
use perfdhcp::generator::outgoing::Outgoing;
use perfdhcp::generator::plan::{Load, Plan};
use perfdhcp::options::Options;
use perfdhcp::protocol::Protocol;
use perfdhcp::report::{self, Usage};

use crate::program::progress::Progress;

/// Exchanges per second above which answers are read by the clock.
const BUSY_RATE: f64 = 20_000.0;
/// Pause of a busy open load.
const BUSY_PAUSE: Duration = Duration::from_micros(50);
/// Smallest window that is read by the clock, and the pause then: an eighth of the last delay, within these bounds.
const GATHER_WINDOW_MIN: u32 = 16;
const GATHER_NS: std::ops::RangeInclusive<u64> = 50_000..=400_000;
/// Longest sleep: signals and reports are looked at that often.
const SLEEP_MAX: Duration = Duration::from_millis(50);

/// A server that has sent nothing for so long has worked off its queues, and how long that is waited for.
const QUIET: Duration = Duration::from_millis(200);
const SETTLE_MAX: Duration = Duration::from_secs(10);

/// Runs generators on one socket.
pub(crate) struct Driver<'o> {
    socket: ClientSocket,
    stop: Arc<AtomicBool>,
    options: &'o Options,
    outgoing: Outgoing,
    waits: u64,
}

impl<'o> Driver<'o> {
    pub(crate) fn new(socket: ClientSocket, stop: Arc<AtomicBool>, options: &'o Options) -> Self {
        netio::client::sharpen_timers();
        Self { socket, stop, options, outgoing: Outgoing::new(), waits: 0 }
    }

    /// Whether a signal has ended the last run.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Runs a plan to its end.
    pub(crate) fn run<P: Protocol>(&mut self, protocol: P, plan: Plan) -> (Generator<P>, Usage) {
        self.discard();
        let (origin, cpu_ns, drops) = (Instant::now(), thread_cpu_ns(), self.socket.drops());
        let clock = || origin.elapsed().as_nanos() as u64;
        let load = plan.load;
        let mut generator = Generator::new(protocol, plan, clock());
        let is_wanted = self.options.separator.is_none();
        let mut progress = Progress::new(is_wanted);
        let mut report_ns = self.options.report_ns;
        self.waits = 0;
        loop {
            let now_ns = clock();
            generator.poll(now_ns, &mut self.outgoing);
            self.flush(&mut generator);
            if self.is_stopped() {
                generator.stop(now_ns);
            }
            if generator.ending().is_some() {
                break;
            }
            if report_ns.is_some_and(|due| now_ns >= due) {
                let separator = self.options.separator.as_deref();
                say!("{}\n", report::intermediate(&generator, separator));
                let _ = std::io::stdout().flush();
                report_ns = report_ns.zip(self.options.report_ns).map(|(due, step)| due + step);
            }
            progress.show(now_ns, &generator);
            let mut read_ns = None;
            let (outgoing, socket) = (&mut self.outgoing, &mut self.socket);
            let room = outgoing.room();
            let count = socket.receive(room, |datagram| {
                let now_ns = *read_ns.get_or_insert_with(clock);
                generator.receive(datagram, now_ns, outgoing);
            });
            self.flush(&mut generator);
            if count < room {
                self.pause(load, count, &generator, clock());
            }
        }
        progress.finish();
        let usage = Usage {
            cpu_ns: thread_cpu_ns().saturating_sub(cpu_ns),
            wall_ns: clock(),
            receive_drops: self.socket.drops().saturating_sub(drops),
            waits: self.waits,
            is_paced: matches!(load, Load::Open { .. }),
        };
        (generator, usage)
    }

    /// Waits for the next deadline or answer, in the way that fits the load.
    fn pause<P: Protocol>(
        &mut self,
        load: Load,
        count: usize,
        generator: &Generator<P>,
        now_ns: u64,
    ) {
        let left = generator.deadline_ns(now_ns).saturating_sub(now_ns);
        let is_busy = match load {
            Load::Open { rate, .. } => rate >= BUSY_RATE,
            Load::Closed { window } => {
                window >= GATHER_WINDOW_MIN && generator.in_progress() >= window
            }
            Load::Avalanche => false,
        };
        if is_busy {
            if count < ClientSocket::BATCH / 2 {
                std::thread::sleep(match load {
                    Load::Closed { .. } => gathering(generator),
                    Load::Open { .. } | Load::Avalanche => {
                        BUSY_PAUSE.min(Duration::from_nanos(left))
                    }
                });
                self.waits += 1;
            }
        } else if left > 0 && count == 0 {
            self.socket.wait(Duration::from_nanos(left).min(SLEEP_MAX));
            self.waits += 1;
        }
    }

    /// Waits until the server has worked off what the last run has left in its queues.
    pub(crate) fn settle(&mut self) {
        let begin = Instant::now();
        while begin.elapsed() < SETTLE_MAX && !self.is_stopped() {
            self.socket.wait(QUIET);
            if self.socket.receive(ClientSocket::BATCH, |_| ()) == 0 {
                return;
            }
        }
    }

    fn flush<P: Protocol>(&mut self, generator: &mut Generator<P>) {
        if self.outgoing.is_empty() {
            return;
        }
        let sent = self.socket.send(self.outgoing.messages());
        if sent.refused > 0 {
            generator.send_failed(sent.refused);
        }
        self.outgoing.clear();
    }

    /// Forgets answers that belong to the run before.
    fn discard(&mut self) {
        while self.socket.receive(ClientSocket::BATCH, |_| ()) > 0 {}
    }
}

/// The pause of a closed loop.
fn gathering<P: Protocol>(generator: &Generator<P>) -> Duration {
    let statistics = generator.statistics();
    let mean = statistics.of(perfdhcp::protocol::Exchange::First).delay.mean_ns().unwrap_or(0.0);
    Duration::from_nanos((mean as u64 / 8).clamp(*GATHER_NS.start(), *GATHER_NS.end()))
}

/// CPU time of this thread in nanoseconds; 0 where the system does not tell.
fn thread_cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
