//! From lease files to a filled store.
//!
//! Files are fed in their order (see `process` for which): previous, copy, current. The last row of an address wins, a
//! row with lifetime 0 deletes it. Bytes come in pieces of any size; only a row that is cut between two pieces is
//! copied. Indexes, calendar and marks are made once, at the end, for what has survived.
//!
//! A file that does not end with a line end was torn by a crash: what is behind the last line end was never promised
//! to anybody; it is left out and reported apart from row errors. Row errors are told to the caller one by one with
//! their line.

use util::Now;

use super::client_index::Place;
use super::kind::{AddressOf, Contents, LeaseKind, StoreAddress};
use super::row::{self, Header, HeaderError, RowError};
use super::store::{LeaseStore, SHARDS};
use super::{LeaseType, SubnetId};
use crate::config::LeaseVerdict;

/// The longest row that is read; a longer one is an error of its line.
const ROW_LEN_MAX: usize = 64 * 1024;

/// Why loading stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The header is not one of a lease file of this kind.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// More rows cannot be read than `max-row-errors` tolerates.
    #[error("exceeded the maximum of {max} row errors")]
    TooManyErrors {
        /// The limit.
        max: u32,
    },
}

/// What was found in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// Rows behind the header.
    pub rows: u64,
    /// Rows that stored a lease.
    pub leases: u64,
    /// Rows that deleted an address.
    pub deletions: u64,
    /// Rows that could not be read.
    pub errors: u64,
    /// Bytes up to the end of the last whole row: where the journal may go on. 0 when not even the header is whole.
    pub valid_len: u64,
    /// Bytes of a torn last row.
    pub torn_len: u64,
    /// What the header says; `None` for an empty file.
    pub header: Option<Header>,
}

/// Fills a store from lease files.
#[derive(Debug)]
pub struct Loader<'a, K: LeaseKind> {
    store: &'a mut LeaseStore<K>,
    buffer: K::RowBuffer,
    errors_max: u32,
}

impl<'a, K: LeaseKind> Loader<'a, K> {
    /// Starts to fill `store`, which must be empty. `errors_max` row errors are tolerated in each file, any
    /// number if it is 0.
    pub fn new(store: &'a mut LeaseStore<K>, errors_max: u32) -> Self {
        assert!(store.is_empty(), "leases are loaded into an empty store");
        Self { store, buffer: K::RowBuffer::default(), errors_max }
    }

    /// Starts the next file.
    pub fn file(&mut self) -> FileLoader<'_, 'a, K> {
        FileLoader { loader: self, report: FileReport::default(), rest: Vec::new(), line: 0 }
    }

    /// Reads a whole file that is in memory. `on_error` is told the line number and the reason of every bad row.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(
        &mut self,
        bytes: &[u8],
        on_error: &mut dyn FnMut(u64, RowError),
    ) -> Result<FileReport, LoadError> {
        let mut file = self.file();
        file.feed(bytes, on_error)?;
        file.finish()
    }

    /// Lets `judge` decide about each lease that was read, by its address, its subnet and its type. Leases that it moves
    /// or drops are changed in memory alone, as in Kea: the files keep their rows until they are written anew.
    pub fn inspect(
        &mut self,
        mut judge: impl FnMut(AddressOf<K>, SubnetId, LeaseType) -> LeaseVerdict,
    ) {
        for index in 0..SHARDS {
            let shard = self.store.shard_mut(index);
            let slots: Vec<u32> = shard.slots().collect();
            for slot in slots {
                let lease = shard.slab.contents(slot);
                let (subnet, lease_type) = (SubnetId(lease.subnet_id), K::lease_type(&lease.own));
                match judge(lease.address.into(), subnet, lease_type) {
                    LeaseVerdict::Fits | LeaseVerdict::Warn(_) => {}
                    LeaseVerdict::Move(right) => shard.slab[slot].subnet_id = right.0,
                    LeaseVerdict::Drop(_) => shard.remove(slot),
                }
            }
        }
    }

    /// Gives leases that were read the user context that `mend` makes of theirs, if any; returns how many. In memory
    /// alone, as [`Self::inspect`].
    pub fn mend_contexts(&mut self, mend: impl Fn(&[u8]) -> Option<Vec<u8>>) -> usize {
        let mut count = 0;
        for index in 0..SHARDS {
            let shard = self.store.shard_mut(index);
            let slots: Vec<u32> = shard.slots().collect();
            for slot in slots {
                let context = shard.slab.contents(slot).user_context;
                let mended = if context.is_empty() { None } else { mend(context) };
                if let Some(mended) = mended {
                    shard.slab.set_user_context(slot, &mended);
                    count += 1;
                }
            }
        }
        count
    }

    /// Writes what was read, one row for each lease, without building anything over it; see [`LeaseStore::export`].
    ///
    /// # Errors
    /// Whatever `write` returns.
    pub fn export<E>(&self, write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<u64, E> {
        self.store.export(write)
    }

    /// Builds indexes and the order of expiry over all that was read. Leases that are over by `now` wait for
    /// reclamation. Returns the number of leases.
    pub fn finish(self, now: Now) -> usize {
        self.store.finish_load(now)
    }
}

/// One file on its way into the store.
#[derive(Debug)]
pub struct FileLoader<'l, 'a, K: LeaseKind> {
    loader: &'l mut Loader<'a, K>,
    report: FileReport,
    /// The beginning of a row whose end has not come yet.
    rest: Vec<u8>,
    line: u64,
}

impl<K: LeaseKind> FileLoader<'_, '_, K> {
    /// Reads the next piece of the file.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn feed(
        &mut self,
        bytes: &[u8],
        on_error: &mut dyn FnMut(u64, RowError),
    ) -> Result<(), LoadError> {
        let mut bytes = bytes;
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            let (line, behind) = bytes.split_at(end);
            bytes = behind.get(1..).unwrap_or_default();
            if self.rest.is_empty() {
                self.line(line, on_error)?;
            } else {
                let mut whole = std::mem::take(&mut self.rest);
                whole.extend_from_slice(line);
                self.line(&whole, on_error)?;
                whole.clear();
                self.rest = whole;
            }
        }
        self.rest.extend_from_slice(bytes);
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`LoadError::Header`] when the file is one torn line that is not the beginning of a header.
    pub fn finish(self) -> Result<FileReport, LoadError> {
        let mut report = self.report;
        report.torn_len = self.rest.len() as u64;
        if report.header.is_none() && !K::HEADER.as_bytes().starts_with(&self.rest) {
            row::read_header(&self.rest, K::COLUMNS, K::COLUMNS_MIN)?;
        }
        Ok(report)
    }

    fn line(
        &mut self,
        line: &[u8],
        on_error: &mut dyn FnMut(u64, RowError),
    ) -> Result<(), LoadError> {
        self.line += 1;
        self.report.valid_len += line.len() as u64 + 1;
        let Some(header) = self.report.header else {
            let header = row::read_header(line, K::COLUMNS, K::COLUMNS_MIN)?;
            self.report.header = Some(header);
            return Ok(());
        };
        if line.is_empty() {
            return Ok(());
        }
        self.report.rows += 1;
        let read = if line.len() > ROW_LEN_MAX {
            Err(RowError::TooLong { max: ROW_LEN_MAX })
        } else {
            K::read_row(&mut self.loader.buffer, line, header)
        };
        match read {
            Ok(row) => {
                let lease = K::from_row(&row);
                let is_deletion = lease.valid_lifetime == 0;
                self.report.deletions += u64::from(is_deletion);
                self.report.leases += u64::from(!is_deletion);
                self.loader.store.load_lease(&lease);
                Ok(())
            }
            Err(error) => {
                on_error(self.line, error);
                self.report.errors += 1;
                let max = self.loader.errors_max;
                if max > 0 && self.report.errors > u64::from(max) {
                    return Err(LoadError::TooManyErrors { max });
                }
                Ok(())
            }
        }
    }
}

impl<K: LeaseKind> LeaseStore<K> {
    /// Takes over a row of a file: contents only, no indexes.
    fn load_lease(&mut self, lease: &Contents<'_, K>) {
        let shard = self.shard_mut(lease.address.part(SHARDS));
        match shard.slot(lease.address) {
            Some(slot) if lease.valid_lifetime == 0 => shard.remove(slot),
            Some(slot) => shard.slab.fill(slot, lease),
            None if lease.valid_lifetime == 0 => {}
            None => {
                shard.insert(lease, false);
            }
        }
    }

    /// Builds what [`LeaseStore::load_lease`] left out.
    fn finish_load(&mut self, now: Now) -> usize {
        let count = self.len();
        let mut batch = self.clients().batch(count);
        for index in 0..SHARDS {
            let shard = self.shard_mut(index);
            shard.file_loaded(now.wall_s);
            let slots: Vec<u32> = shard.slots().collect();
            let mut shard = self.lock(index);
            for slot in slots {
                let keys = K::index_keys(self.clients(), &shard.slab.contents(slot));
                let entered =
                    keys.map(|key| key.inspect(|&key| batch.push(key, Place::new(index, slot))));
                shard.slab[slot].set_indexed(entered.map(|key| key.is_some()));
            }
        }
        for (key, place) in self.clients().insert_all(batch) {
            let mut shard = self.lock(place.shard());
            let keys = K::index_keys(self.clients(), &shard.slab.contents(place.slot()));
            let record = &mut shard.slab[place.slot()];
            let mut indexed = record.indexed();
            for (is_entered, known) in indexed.iter_mut().zip(keys) {
                *is_entered &= known.is_some() && known != Some(key);
            }
            record.set_indexed(indexed);
        }
        count
    }
}
