//! The simulated disk: the lease file, what of it is on stable storage, and its clean-up.
//!
//! Files are those of Kea's protocol: the journal `F`, `F.1` while it is cleaned up, `F.2` from the clean-up before,
//! `F.completed` between making the new file and giving it its name. Only `F` is written in place; what was written
//! behind its last sync may be cut anywhere by a crash. The clean-up uses the server's own loader and row writer.

use std::marker::PhantomData;

use libdhcpsrv::lease::{FileReport, LeaseKind, LeaseStore, Loader};
use util::{Entropy, Now, SplitMix};

/// The lease files.
#[derive(Debug)]
pub(crate) struct Disk<K> {
    journal: Vec<u8>,
    /// Bytes of the journal that are on stable storage.
    synced: usize,
    copy: Option<Vec<u8>>,
    previous: Option<Vec<u8>>,
    completed: Option<Vec<u8>>,
    /// Whether writes fail.
    pub(crate) is_full: bool,
    kind: PhantomData<K>,
}

impl<K: LeaseKind> Disk<K> {
    pub(crate) fn new() -> Self {
        Self {
            journal: Vec::new(),
            synced: 0,
            copy: None,
            previous: None,
            completed: None,
            is_full: false,
            kind: PhantomData,
        }
    }

    /// Writes behind the stable part, over whatever a failed write has left there; a full disk keeps some of it.
    pub(crate) fn write(&mut self, rows: &[u8], rng: &mut SplitMix) -> bool {
        self.journal.truncate(self.synced);
        if self.is_full {
            let kept = rng.below(rows.len() as u64 + 1) as usize;
            self.journal.extend_from_slice(&rows[..kept]);
            return false;
        }
        self.journal.extend_from_slice(rows);
        true
    }

    /// Makes everything written stable, unless the disk has failed meanwhile.
    pub(crate) fn sync(&mut self) -> bool {
        if !self.is_full {
            self.synced = self.journal.len();
        }
        !self.is_full
    }

    /// The power goes: any part of what was not synced may have reached the disk.
    pub(crate) fn crash(&mut self, rng: &mut SplitMix) {
        let unsynced = self.journal.len() - self.synced;
        self.journal.truncate(self.synced + rng.below(unsynced as u64 + 1) as usize);
        self.is_full = false;
    }

    /// Loads all files into `store`, cuts a torn row off and makes the journal ready for more.
    pub(crate) fn load(&mut self, store: &mut LeaseStore<K>, now: Now) -> FileReport {
        let mut loader = Loader::new(store, 1);
        let older = match &self.completed {
            Some(completed) => vec![completed],
            None => [&self.previous, &self.copy].into_iter().flatten().collect(),
        };
        for file in older {
            load(&mut loader, file);
        }
        let report = load(&mut loader, &self.journal);
        loader.finish(now);
        self.journal.truncate(report.valid_len as usize);
        if self.journal.is_empty() {
            self.journal.extend_from_slice(K::HEADER.as_bytes());
        }
        self.synced = self.journal.len();
        report
    }

    /// Moves the journal aside for a clean-up; everything must have been synced.
    pub(crate) fn rotate(&mut self) {
        if self.copy.is_some() || self.completed.is_some() || self.is_full {
            return;
        }
        assert_eq!(self.synced, self.journal.len(), "a journal is rotated after a sync");
        self.copy = Some(std::mem::take(&mut self.journal));
        self.journal.extend_from_slice(K::HEADER.as_bytes());
        self.synced = self.journal.len();
    }

    /// Takes the next step of a clean-up; returns whether it was the last one.
    pub(crate) fn clean_up(&mut self) -> bool {
        if self.is_full {
            return false;
        }
        if self.completed.is_none() {
            if self.copy.is_some() {
                self.completed = Some(self.compact());
            }
            return false;
        }
        if self.copy.take().is_some() || self.previous.take().is_some() {
            return false;
        }
        self.previous = self.completed.take();
        true
    }

    /// One row for each lease that `F.2` and `F.1` leave.
    fn compact(&self) -> Vec<u8> {
        let mut store = LeaseStore::<K>::new(0, None);
        let mut loader = Loader::new(&mut store, 1);
        for file in [&self.previous, &self.copy].into_iter().flatten() {
            load(&mut loader, file);
        }
        let mut output = K::HEADER.as_bytes().to_vec();
        let written = loader.export(|rows| {
            output.extend_from_slice(rows);
            Ok::<(), std::convert::Infallible>(())
        });
        written.unwrap_or_else(|never| match never {});
        output
    }
}

fn load<K: LeaseKind>(loader: &mut Loader<'_, K>, file: &[u8]) -> FileReport {
    let mut on_error = |line, error| panic!("line {line} of a lease file {error}");
    match loader.load(file, &mut on_error) {
        Ok(report) => report,
        Err(error) => panic!("a lease file cannot be loaded: {error}"),
    }
}
