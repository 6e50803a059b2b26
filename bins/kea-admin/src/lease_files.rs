//! Lease files as the servers read them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use libdhcpsrv::lease::{FileReport, LeaseStore, Loader};
use process::lease_file::suffixed;
use process::pid_file::{PidFile, is_alive};

use crate::failure::Failure;
use crate::kind::Kind;

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// What was read.
pub(crate) struct Loaded<K: Kind> {
    /// The leases, without indexes over clients.
    pub(crate) store: LeaseStore<K>,
    /// Rows that could not be used.
    pub(crate) bad: u64,
    /// What was found in the last of the files; none if it is not there.
    pub(crate) last: Option<FileReport>,
}

/// Reads the set of files that belongs to the lease file `path`: what a clean-up has left of it, and itself.
pub(crate) fn load_set<K: Kind>(path: &Path) -> Result<Loaded<K>, Failure> {
    let completed = suffixed(path, ".completed");
    let files = if completed.try_exists().map_err(Failure::file(&completed))? {
        vec![completed, path.to_owned()]
    } else {
        vec![suffixed(path, ".2"), suffixed(path, ".1"), path.to_owned()]
    };
    load(&files)
}

/// Reads files in order: the last row of an address counts. Files may be missing.
pub(crate) fn load<K: Kind>(files: &[PathBuf]) -> Result<Loaded<K>, Failure> {
    // Nobody chooses keys here.
    let mut store = LeaseStore::new(0, None);
    let mut loader = Loader::new(&mut store, 0);
    let (mut bad, mut last) = (0, None);
    for path in files {
        last = load_file(&mut loader, path)?;
        if let Some(report) = &last {
            bad += report.errors;
            if report.torn_len > 0 {
                eprintln!("{}: the last row is incomplete and is left out", path.display());
            }
        }
    }
    drop(loader);
    Ok(Loaded { store, bad, last })
}

fn load_file<K: Kind>(
    loader: &mut Loader<'_, K>,
    path: &Path,
) -> Result<Option<FileReport>, Failure> {
    let mut input = match File::open(path) {
        Ok(input) => input,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::file(path)(error)),
    };
    let leases = |error| Failure::Leases { path: path.to_owned(), error };
    let mut file = loader.file();
    let mut on_error = |line, error| eprintln!("{}, line {line}: the row {error}", path.display());
    let mut piece = vec![0; PIECE];
    loop {
        match input.read(&mut piece) {
            Ok(0) => return file.finish().map(Some).map_err(leases),
            Ok(len) => {
                file.feed(piece.get(..len).unwrap_or_default(), &mut on_error).map_err(leases)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::file(path)(error)),
        }
    }
}

/// Refuses to go on while a clean-up is at work on the files.
pub(crate) fn refuse_during_clean_up(path: &Path) -> Result<(), Failure> {
    let pid_file = suffixed(path, ".pid");
    match PidFile::read(&pid_file) {
        Ok(Some(pid)) if is_alive(pid) => Err(Failure::Other(format!(
            "{}: a clean-up of the lease file (process {pid}) is at work",
            pid_file.display()
        ))),
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::Other(error.to_string())),
    }
}
