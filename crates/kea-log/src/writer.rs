//! From the calling thread to the outputs.
//!
//! ```text
//! caller: fill text in a thread-local buffer -> lock queue -> append -> (wake) -> unlock
//! log thread: wait -> gather some milliseconds -> lock sinks -> swap queue's batch for an empty one -> write all
//! ```
//!
//! The queue is one text buffer with an array of line ends, and there are two of them that swap places: nothing is
//! allocated in steady state. A sleeping log thread is woken by the first line only; it then gathers for
//! a few milliseconds, so that in a busy server lines cost no system call of the caller. ERROR ends the gathering;
//! FATAL is written by the caller itself. A full queue drops lines, counts them, and a later line tells the number.
//!
//! Lock order: sinks, then queue. Whoever holds the sinks writes everything that was queued before; therefore
//! [`Writer::drain`] on any thread is also the flush.

use std::cell::Cell;
use std::fmt::{Display, Write};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Severity;
use crate::config::Tree;
use crate::logger::Logger;
use crate::message::Message;
use crate::messages;
use crate::pattern::Line;
use crate::sinks::{Sinks, UnknownConversion};

/// Lines that wait to be written; more are dropped.
pub const QUEUED_LINES_MAX: usize = 8192;
/// Bytes of text that wait to be written; lines beyond are dropped.
pub const QUEUED_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of one text; the rest is cut off.
pub const TEXT_MAX: usize = 64 * 1024;

/// How long the log thread waits for more lines after the first.
const GATHER: Duration = Duration::from_millis(5);
/// Queued lines at which the log thread stops gathering.
const GATHERED_LINES: usize = QUEUED_LINES_MAX / 4;

/// One call of a logger.
pub(crate) struct Call<'a> {
    pub logger: &'static Logger,
    pub message: &'static Message,
    /// Usually the message's own.
    pub severity: Severity,
    pub values: &'a [&'a dyn Display],
    /// How many of the same kind were held back before.
    pub suppressed: u64,
}

#[derive(Debug)]
struct Entry {
    at_ns: i64,
    logger: &'static Logger,
    message: &'static Message,
    severity: Severity,
    thread: u32,
    /// Where its text ends in the batch's text.
    end: usize,
}

#[derive(Debug, Default)]
struct Batch {
    text: String,
    entries: Vec<Entry>,
}

#[derive(Debug, Default)]
struct Queue {
    batch: Batch,
    /// Lines that found the queue full since the last report.
    dropped: u64,
    /// The log thread sleeps until it is woken.
    is_idle: bool,
    is_urgent: bool,
    is_stopping: bool,
}

#[derive(Debug)]
struct Output {
    sinks: Sinks,
    /// The empty half of the swapping pair, except while it is being written.
    batch: Batch,
}

/// The queue and its outputs.
#[derive(Debug)]
pub(crate) struct Writer {
    output: Mutex<Output>,
    queue: Mutex<Queue>,
    wake: Condvar,
}

impl Writer {
    /// Opens the outputs of the tree.
    pub(crate) fn new(tree: Tree) -> (Self, Vec<UnknownConversion>) {
        let (sinks, questionable) = Sinks::open(tree);
        let writer = Self {
            output: Mutex::new(Output { sinks, batch: Batch::default() }),
            queue: Mutex::new(Queue::default()),
            wake: Condvar::new(),
        };
        (writer, questionable)
    }

    /// Queues one line.
    pub(crate) fn submit(&self, call: &Call<'_>) {
        with_text(call, |text| self.push(call, text));
        if call.severity == Severity::Fatal {
            self.drain();
        }
    }

    /// Writes everything that was queued before the call.
    pub(crate) fn drain(&self) {
        let mut output = lock(&self.output);
        let dropped = self.swap_batch(&mut output);
        output.write_batch();
        if dropped > 0 {
            output.report_dropped(dropped);
        }
        output.sinks.end_batch();
    }

    /// Like [`Writer::drain`], including outputs that do not ask for flushing.
    pub(crate) fn flush(&self) {
        self.drain();
        lock(&self.output).sinks.write_out();
    }

    /// Writes what is queued to the old outputs and opens those of another tree.
    pub(crate) fn install(&self, tree: Tree) -> Vec<UnknownConversion> {
        self.flush();
        let (sinks, questionable) = Sinks::open(tree);
        lock(&self.output).sinks = sinks;
        questionable
    }

    /// Body of the log thread; ends after [`Writer::stop`], when the queue is empty.
    pub(crate) fn run(&self) {
        while self.wait() {
            self.drain();
        }
        self.flush();
    }

    /// Asks the log thread to end.
    pub(crate) fn stop(&self) {
        lock(&self.queue).is_stopping = true;
        self.wake.notify_all();
    }

    /// Waits for lines and gathers more; false when it is time to end.
    fn wait(&self) -> bool {
        let mut queue = lock(&self.queue);
        while queue.batch.entries.is_empty() && !queue.is_stopping {
            queue.is_idle = true;
            queue = self.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.is_idle = false;
        if queue.is_stopping {
            return !queue.batch.entries.is_empty();
        }
        let is_gathering = |queue: &mut Queue| {
            let few = queue.batch.entries.len() < GATHERED_LINES;
            few && !queue.is_urgent && !queue.is_stopping
        };
        drop(self.wake.wait_timeout_while(queue, GATHER, is_gathering));
        true
    }

    fn push(&self, call: &Call<'_>, text: &str) {
        let mut entry = Entry {
            at_ns: wall_clock_ns(),
            logger: call.logger,
            message: call.message,
            severity: call.severity,
            thread: thread_id(),
            end: 0,
        };
        let mut queue = lock(&self.queue);
        let lines = queue.batch.entries.len();
        if lines >= QUEUED_LINES_MAX || queue.batch.text.len() + text.len() > QUEUED_BYTES_MAX {
            queue.dropped += 1;
            return;
        }
        queue.batch.text.push_str(text);
        entry.end = queue.batch.text.len();
        queue.batch.entries.push(entry);
        let is_urgent = call.severity <= Severity::Error && !queue.is_urgent;
        queue.is_urgent |= is_urgent;
        let wakes = queue.is_idle || is_urgent || lines + 1 == GATHERED_LINES;
        queue.is_idle = false;
        drop(queue);
        if wakes {
            self.wake.notify_one();
        }
    }

    fn swap_batch(&self, output: &mut Output) -> u64 {
        let mut queue = lock(&self.queue);
        std::mem::swap(&mut queue.batch, &mut output.batch);
        queue.is_urgent = false;
        std::mem::take(&mut queue.dropped)
    }
}

impl Output {
    fn write_batch(&mut self) {
        let mut start = 0;
        for entry in &self.batch.entries {
            let line = Line {
                at_ns: entry.at_ns,
                severity: entry.severity,
                logger: "",
                thread: entry.thread,
                id: entry.message.id,
                text: self.batch.text.get(start..entry.end).unwrap_or_default(),
            };
            self.sinks.write(entry.logger, line);
            start = entry.end;
        }
        self.batch.entries.clear();
        self.batch.text.clear();
    }

    fn report_dropped(&mut self, dropped: u64) {
        let mut text = String::new();
        messages::LOG_LINES_DROPPED.render(&mut text, &[&dropped]);
        let line = Line {
            at_ns: wall_clock_ns(),
            severity: messages::LOG_LINES_DROPPED.severity,
            logger: "",
            thread: thread_id(),
            id: messages::LOG_LINES_DROPPED.id,
            text: &text,
        };
        self.sinks.write(&crate::ROOT, line);
    }
}

/// Fills the text of a call and hands it to `consume`. The thread's buffer is taken out meanwhile: a value that logs
/// while it is being formatted finds another one.
pub(crate) fn with_text(call: &Call<'_>, consume: impl FnOnce(&str)) {
    thread_local! {
        static TEXT: Cell<String> = const { Cell::new(String::new()) };
    }
    // A thread that is ending has no buffer any more.
    let mut text = TEXT.try_with(Cell::take).unwrap_or_default();
    fill(&mut text, call, consume);
    let _ = TEXT.try_with(|kept| kept.set(text));
}

fn fill(text: &mut String, call: &Call<'_>, consume: impl FnOnce(&str)) {
    text.clear();
    call.message.render(text, call.values);
    if text.len() > TEXT_MAX {
        text.truncate(text.floor_char_boundary(TEXT_MAX));
        text.push_str("...");
    }
    if call.suppressed > 0 {
        // Writing to a string cannot fail.
        let _ = write!(text, " ({} similar messages suppressed)", call.suppressed);
    }
    consume(text);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wall_clock_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// The kernel's number of this thread, asked once; 0 where it cannot be known.
fn thread_id() -> u32 {
    thread_local! {
        static ID: u32 = std::fs::read_link("/proc/thread-self")
            .ok()
            .and_then(|link| link.file_name()?.to_str()?.parse().ok())
            .unwrap_or(0);
    }
    ID.try_with(|id| *id).unwrap_or(0)
}

#[cfg(test)]
mod tests;
