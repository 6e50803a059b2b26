//! Counters that belong to one worker.
//!
//! Only their owner writes them, so counting is a load, an addition and two stores, all relaxed, in one cache line
//! that nobody else writes: no locked instruction, no contention. Readers add up the cells of all workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use util::Now;

use crate::rows::Table;

/// Cells of one worker, aligned so that two workers never share a cache line.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Cells<P: Table>(P::PerRow<Cell>);

#[derive(Debug)]
pub(crate) struct Cell {
    value: AtomicU64,
    /// Wall clock of the last change; 0 while there was none.
    changed_at_s: AtomicI64,
}

impl<P: Table> Cells<P> {
    pub(crate) fn new() -> Self {
        Self(P::per_row(|_| Cell { value: AtomicU64::new(0), changed_at_s: AtomicI64::new(0) }))
    }

    /// Returns value and time of change.
    pub(crate) fn read(&self, counter: P) -> (u64, i64) {
        self.0.as_ref().get(counter.index()).map_or((0, 0), |cell| {
            (cell.value.load(Ordering::Relaxed), cell.changed_at_s.load(Ordering::Relaxed))
        })
    }
}

/// The writing end: made by [`Statistics::worker`](crate::Statistics::worker), owned by one worker.
#[derive(Debug)]
pub struct WorkerCounters<P: Table> {
    cells: Arc<Cells<P>>,
    now_s: i64,
}

impl<P: Table> WorkerCounters<P> {
    pub(crate) const fn new(cells: Arc<Cells<P>>, now: Now) -> Self {
        Self { cells, now_s: now.wall_s }
    }

    /// Sets the time that following counts are stamped with; once per batch.
    #[inline]
    pub const fn set_time(&mut self, now: Now) {
        self.now_s = now.wall_s;
    }

    /// Counts one event.
    #[inline]
    pub fn increment(&mut self, counter: P) {
        self.add(counter, 1);
    }

    /// Counts several events.
    #[inline]
    pub fn add(&mut self, counter: P, events: u64) {
        let cell = &self.cells.0.as_ref()[counter.index()];
        let value = cell.value.load(Ordering::Relaxed).wrapping_add(events);
        cell.value.store(value, Ordering::Relaxed);
        cell.changed_at_s.store(self.now_s, Ordering::Relaxed);
    }

    /// Returns what this worker has counted since it was made; resets do not change it.
    #[must_use]
    pub fn value(&self, counter: P) -> u64 {
        self.cells.read(counter).0
    }
}
