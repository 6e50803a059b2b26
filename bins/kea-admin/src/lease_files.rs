//! Lease files as the servers read them.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use libdhcpsrv::lease::{FileReport, LeaseStore, Loader};
use process::lease_file::suffixed;
use process::pid_file::{PidFile, is_alive};

use crate::failure::Failure;
use crate::kind::Kind;

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// How often a set of files is read that is changed meanwhile.
const READS_MAX: u32 = 10;

/// What was read.
pub(crate) struct Loaded<K: Kind> {
    /// The leases, without indexes over clients.
    pub(crate) store: LeaseStore<K>,
    /// Rows that could not be used.
    pub(crate) bad: u64,
    /// What was found in the last of the files; none if it is not there.
    pub(crate) last: Option<FileReport>,
}

/// Reads the set of files that belongs to the lease file `path`: what a clean-up has left of it, and itself. Nothing is
/// read while a clean-up is at work.
pub(crate) fn load_set<K: Kind>(path: &Path) -> Result<Loaded<K>, Failure> {
    at_rest(path, |files| load(files))
}

/// Reads a set of files that stays as it is meanwhile: a server and its clean-up rename and delete files, and between two
/// of them leases would be missed.
fn at_rest<T>(
    path: &Path,
    mut read: impl FnMut(&[PathBuf]) -> Result<T, Failure>,
) -> Result<T, Failure> {
    for _ in 0..READS_MAX {
        refuse_during_clean_up(path)?;
        let before = members(path)?;
        let [completed, rest @ ..] = &before;
        // What is finished counts in place of what it was made of.
        let files: Vec<PathBuf> = match completed {
            (_, None) => rest.iter().map(|(file, _)| file.clone()).collect(),
            (file, Some(_)) => vec![file.clone(), path.to_owned()],
        };
        let done = read(&files)?;
        if members(path)? == before {
            return Ok(done);
        }
    }
    Err(Failure::Other(format!(
        "{}: a clean-up renames the files again and again while they are read",
        path.display()
    )))
}

/// A file of a set, and which one it is; none if there is no such file.
type Member = (PathBuf, Option<(u64, u64)>);

/// The files of a set in the order in which they are read, what a clean-up has finished first.
fn members(path: &Path) -> Result<[Member; 4], Failure> {
    let member = |suffix: &str| {
        let file = suffixed(path, suffix);
        let which = match file.metadata() {
            Ok(data) => Some((data.dev(), data.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::file(&file)(error)),
        };
        Ok((file, which))
    };
    Ok([member(".completed")?, member(".2")?, member(".1")?, member("")?])
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
fn refuse_during_clean_up(path: &Path) -> Result<(), Failure> {
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_that_a_clean_up_renames_are_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        for suffix in ["", ".1", ".output"] {
            fs::write(suffixed(&file, suffix), suffix).unwrap();
        }
        let mut reads = Vec::new();
        at_rest(&file, |files| {
            let there = files.iter().filter(|file| file.exists()).cloned().collect::<Vec<_>>();
            reads.push(there);
            match reads.len() {
                1 => {
                    fs::rename(suffixed(&file, ".output"), suffixed(&file, ".completed")).unwrap();
                    fs::remove_file(suffixed(&file, ".1")).unwrap();
                }
                2 => {
                    fs::rename(suffixed(&file, ".completed"), suffixed(&file, ".2")).unwrap();
                }
                3 => {
                    fs::rename(&file, suffixed(&file, ".1")).unwrap();
                    fs::write(&file, "new").unwrap();
                }
                _ => {}
            }
            Ok(())
        })
        .unwrap();
        let named = |suffixes: &[&str]| -> Vec<PathBuf> {
            suffixes.iter().map(|suffix| suffixed(&file, suffix)).collect()
        };
        let expected = [
            named(&[".1", ""]),
            named(&[".completed", ""]),
            named(&[".2", ""]),
            named(&[".2", ".1", ""]),
        ];
        assert_eq!(reads, expected);
    }

    #[test]
    fn files_that_never_rest_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        fs::write(&file, "").unwrap();
        let mut reads = 0;
        let result = at_rest(&file, |_| {
            reads += 1;
            let completed = suffixed(&file, ".completed");
            fs::remove_file(&completed).or_else(|_| fs::write(&completed, "")).unwrap();
            Ok(())
        });
        assert!(result.is_err());
        assert_eq!(reads, READS_MAX);
    }
}
