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

use super::HW_TYPE_UNKNOWN;
use super::client_index::Place;
use super::csv4::{self, Header, HeaderError, RowBuffer, RowError};
use super::store::{LeaseStore4, SHARDS, shard_of};

/// The longest row that is read; a longer one is an error of its line.
const ROW_LEN_MAX: usize = 64 * 1024;

/// Why loading stops.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The header is not one of a DHCPv4 lease file.
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
pub struct Loader4<'a> {
    store: &'a mut LeaseStore4,
    buffer: RowBuffer,
    errors_max: u32,
}

impl<'a> Loader4<'a> {
    /// Starts to fill `store`, which must be empty. `errors_max` row errors are tolerated in each file, any
    /// number if it is 0.
    pub fn new(store: &'a mut LeaseStore4, errors_max: u32) -> Self {
        assert!(store.is_empty(), "leases are loaded into an empty store");
        Self { store, buffer: RowBuffer::default(), errors_max }
    }

    /// Starts the next file.
    pub fn file(&mut self) -> FileLoader<'_, 'a> {
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

    /// Writes what was read, one row for each lease, without building anything over it; see [`LeaseStore4::export`].
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
pub struct FileLoader<'l, 'a> {
    loader: &'l mut Loader4<'a>,
    report: FileReport,
    /// The beginning of a row whose end has not come yet.
    rest: Vec<u8>,
    line: u64,
}

impl FileLoader<'_, '_> {
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
        if report.header.is_none() && !csv4::HEADER.as_bytes().starts_with(&self.rest) {
            csv4::read_header(&self.rest, &csv4::COLUMNS, csv4::COLUMNS_MIN)?;
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
            let header = csv4::read_header(line, &csv4::COLUMNS, csv4::COLUMNS_MIN)?;
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
            self.loader.buffer.read(line, header)
        };
        match read {
            Ok(row) => {
                let is_deletion = row.valid_lifetime == 0;
                self.report.deletions += u64::from(is_deletion);
                self.report.leases += u64::from(!is_deletion);
                self.loader.store.load_row(&row);
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

impl LeaseStore4 {
    /// Takes over a row of a file: contents only, no indexes.
    fn load_row(&mut self, row: &csv4::Row<'_>) {
        let shard = self.shard_mut(shard_of(row.address));
        match shard.slot(row.address) {
            Some(slot) if row.valid_lifetime == 0 => shard.remove(slot),
            Some(slot) => shard.slab.fill(slot, row, HW_TYPE_UNKNOWN),
            None if row.valid_lifetime == 0 => {}
            None => {
                shard.insert(row.address, row, HW_TYPE_UNKNOWN);
            }
        }
    }

    /// Builds what [`LeaseStore4::load_row`] left out.
    fn finish_load(&mut self, now: Now) -> usize {
        let count = self.len();
        let mut batch = self.clients().batch(count);
        for index in 0..SHARDS {
            let shard = self.shard_mut(index);
            shard.file_loaded(now.wall_s);
            let slots: Vec<u32> = shard.slots().collect();
            let mut shard = self.lock(index);
            for slot in slots {
                let subnet_id = shard.slab[slot].subnet_id;
                let [by_client_id, by_hw] =
                    self.clients().keys(&shard.slab.client(slot), subnet_id).map(|key| {
                        key.inspect(|&key| batch.push(key, Place::new(index, slot))).is_some()
                    });
                shard.slab[slot].set_indexed(by_client_id, by_hw);
            }
        }
        for (key, place) in self.clients().insert_all(batch) {
            let mut shard = self.lock(place.shard());
            let subnet_id = shard.slab[place.slot()].subnet_id;
            let keys = self.clients().keys(&shard.slab.client(place.slot()), subnet_id);
            let record = &mut shard.slab[place.slot()];
            let [by_client_id, by_hw] = keys.map(|known| known.is_some() && known != Some(key));
            let before = record.indexed();
            record.set_indexed(before.0 && by_client_id, before.1 && by_hw);
        }
        count
    }
}
