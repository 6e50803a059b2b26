//! The rows of both kinds of leases: the server's own loader and row writer.

use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;

use libdhcpsrv::lease::{LeaseKind, LeaseStore, Loader};

use crate::files::{self, CleanupError, ROW_ERRORS_MAX, ReadStats};

/// Makes a file and returns the number of its rows.
pub(crate) type WriteFile<'w> =
    dyn FnMut(&mut dyn FnMut(&mut File) -> io::Result<u64>) -> Result<u64, CleanupError> + 'w;

/// Reads the files in order and writes one row for each lease that is left.
pub(crate) fn compact<K: LeaseKind>(
    sources: &[&Path],
    write: &mut WriteFile<'_>,
) -> Result<u64, CleanupError> {
    // Nobody chooses keys here, and nothing is looked up by client.
    let mut store = LeaseStore::<K>::new(0, None);
    let mut loader = Loader::new(&mut store, ROW_ERRORS_MAX);
    for path in sources {
        let mut file = loader.file();
        let mut on_error = |line, error| files::log_row_error(path, line, error);
        if !files::read_pieces(path, &mut |piece| file.feed(piece, &mut on_error))? {
            continue;
        }
        let report = file
            .finish()
            .map_err(|error| CleanupError::Load { path: (*path).to_owned(), error })?;
        let stats = ReadStats {
            leases: report.leases + report.deletions,
            attempts: report.rows,
            errors: report.errors,
            is_torn: report.torn_len > 0,
        };
        files::log_read(path, stats);
    }
    write(&mut |file| {
        file.write_all(K::HEADER.as_bytes())?;
        loader.export(|rows| file.write_all(rows))
    })
}
