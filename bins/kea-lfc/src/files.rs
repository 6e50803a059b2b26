//! The steps from two old files to one new one; a crash between any two of them loses nothing.
//!
//! ```text
//!  previous + copy -> output -> completed     (rows, then a rename: whole or not there)
//!  remove previous, remove copy               (their rows are in completed)
//!  completed -> previous
//! ```
//!
//! Who finds `completed` goes on behind the rename, whoever began. A server that starts in between reads
//! `completed` in place of its sources. What has been written is made durable before the step that relies on it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use libdhcpsrv::lease::load::LoadError;
use libdhcpsrv::lease::row::RowError;
use libdhcpsrv::lease4::V4;
use libdhcpsrv::lease6::V6;

use crate::command_line::{Family, Options};
use crate::{LFC, LFC_PROCESSING, LFC_READ_ROW_ERROR, LFC_READ_STATS, LFC_READ_TORN_ROW};
use crate::{LFC_RESUMING, LFC_ROTATING, LFC_WRITE_STATS, rows};

/// Row errors that are tolerated in a file.
pub(crate) const ROW_ERRORS_MAX: u32 = 100;

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CleanupError {
    /// A file is not a lease file, or too damaged.
    #[error("{}: {error}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: LoadError,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// The result cannot be moved into place; what has been written is kept.
    #[error(transparent)]
    Rotate(io::Error),
    /// The result cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
}

/// Counts of a file that was read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadStats {
    /// Rows that were understood.
    pub(crate) leases: u64,
    /// All rows.
    pub(crate) attempts: u64,
    /// Rows that were not.
    pub(crate) errors: u64,
    /// Whether the file ends within a row.
    pub(crate) is_torn: bool,
}

/// One run.
#[derive(Debug)]
pub(crate) struct Cleanup<'a> {
    options: &'a Options,
}

/// The steps behind the making of `completed`, in order.
const ROTATION: [fn(&Cleanup<'_>) -> io::Result<()>; 3] =
    [|run| run.remove_previous(), |run| run.remove_copy(), |run| run.promote()];

impl<'a> Cleanup<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        Self { options }
    }

    /// Does what is left to do.
    pub(crate) fn run(&self) -> Result<(), CleanupError> {
        let options = self.options;
        // In doubt nothing is done: to begin anew beside a whole result would lose what is in it.
        if options.finish.try_exists().map_err(CleanupError::Rotate)? {
            kea_log::log!(LFC, LFC_RESUMING, options.finish.display());
        } else {
            let (previous, copy) = (options.previous.display(), options.copy.display());
            kea_log::log!(LFC, LFC_PROCESSING, previous, copy);
            self.process()?;
            self.publish().map_err(CleanupError::Rotate)?;
        }
        kea_log::log!(LFC, LFC_ROTATING, options.previous.display());
        ROTATION.iter().try_for_each(|step| step(self)).map_err(CleanupError::Rotate)
    }

    /// Writes the survivors of both files to `output`.
    fn process(&self) -> Result<(), CleanupError> {
        let options = self.options;
        let sources = [options.previous.as_path(), options.copy.as_path()];
        let written = match options.family {
            Family::V4 => rows::compact::<V4>(&sources, &mut |rows| self.write(rows)),
            Family::V6 => rows::compact::<V6>(&sources, &mut |rows| self.write(rows)),
        };
        if written.is_err() {
            // A half-written result is of no use to anybody.
            let _ = fs::remove_file(&options.output);
        }
        let written = written?;
        kea_log::log!(LFC, LFC_WRITE_STATS, options.output.display(), written, written, 0);
        Ok(())
    }

    /// Makes `output` with what `rows` writes into it, and makes it durable.
    fn write(
        &self,
        rows: &mut dyn FnMut(&mut File) -> io::Result<u64>,
    ) -> Result<u64, CleanupError> {
        let path = &self.options.output;
        let mut write = || {
            let mut file = File::create(path)?;
            let count = rows(&mut file)?;
            file.sync_all()?;
            Ok(count)
        };
        write().map_err(|error| CleanupError::Write { path: path.clone(), error })
    }

    /// `output` becomes `completed`.
    fn publish(&self) -> io::Result<()> {
        fs::rename(&self.options.output, &self.options.finish)?;
        sync_folder(&self.options.finish)
    }

    fn remove_previous(&self) -> io::Result<()> {
        remove(&self.options.previous)
    }

    fn remove_copy(&self) -> io::Result<()> {
        remove(&self.options.copy)
    }

    /// `completed` becomes `previous`.
    fn promote(&self) -> io::Result<()> {
        fs::rename(&self.options.finish, &self.options.previous)?;
        sync_folder(&self.options.previous)
    }
}

/// Feeds a file to `feed` in pieces; returns whether there is one.
pub(crate) fn read_pieces(
    path: &Path,
    feed: &mut dyn FnMut(&[u8]) -> Result<(), LoadError>,
) -> Result<bool, CleanupError> {
    let read_error = |error| CleanupError::Read { path: path.to_owned(), error };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(read_error(error)),
    };
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(true),
            Ok(len) => feed(piece.get(..len).unwrap_or_default())
                .map_err(|error| CleanupError::Load { path: path.to_owned(), error })?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(read_error(error)),
        }
    }
}

/// Logs a row that cannot be used.
pub(crate) fn log_row_error(path: &Path, line: u64, error: RowError) {
    kea_log::log!(LFC, LFC_READ_ROW_ERROR, path.display(), line, error);
}

/// Logs what was found in a file.
pub(crate) fn log_read(path: &Path, stats: ReadStats) {
    if stats.is_torn {
        kea_log::log!(LFC, LFC_READ_TORN_ROW, path.display());
    }
    let ReadStats { leases, attempts, errors, .. } = stats;
    kea_log::log!(LFC, LFC_READ_STATS, path.display(), leases, attempts, errors);
}

/// Removes a file that may be missing.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the names in a file's folder durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const HEADER: &str = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,\
                          hostname,state,user_context,pool_id\n";
    const HEADER_1_1: &str = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,\
                              fqdn_fwd,fqdn_rev,hostname,state\n";

    fn row(last: u8, hw: u8, lifetime: u32) -> String {
        format!("192.0.2.{last},02:00:00:00:00:{hw:02x},,{lifetime},1800003600,1,0,0,,0,,0\n")
    }

    struct Files {
        folder: TempDir,
        options: Options,
    }

    impl Files {
        fn new(family: Family) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = |suffix: &str| folder.path().join(format!("leases.csv{suffix}"));
            let options = Options {
                family,
                previous: path(".2"),
                copy: path(".1"),
                output: path(".output"),
                finish: path(".completed"),
                pid_file: path(".pid"),
                verbose: false,
            };
            Self { folder, options }
        }

        /// Two files with a lease of their own each, one that the copy deletes and one that it renews.
        fn filled() -> Self {
            let files = Self::new(Family::V4);
            let (a, b, c) = (row(10, 1, 60), row(2, 2, 60), row(3, 3, 60));
            fs::write(&files.options.previous, format!("{HEADER}{a}{b}{c}")).unwrap();
            let (d, e, f) = (row(2, 2, 0), row(3, 4, 90), row(1, 5, 60));
            fs::write(&files.options.copy, format!("{HEADER}{d}{e}{f}")).unwrap();
            files
        }

        fn run(&self) -> Result<(), CleanupError> {
            Cleanup::new(&self.options).run()
        }

        /// The result, when nothing else is left.
        fn result(&self) -> String {
            let names: Vec<_> = fs::read_dir(self.folder.path()).unwrap().flatten().collect();
            assert_eq!(names.len(), 1, "{names:?}");
            fs::read_to_string(&self.options.previous).unwrap()
        }
    }

    fn expected() -> String {
        format!("{HEADER}{}{}{}", row(1, 5, 60), row(3, 4, 90), row(10, 1, 60))
    }

    #[test]
    fn last_rows_survive_in_the_order_of_addresses() {
        let files = Files::filled();
        files.run().unwrap();
        assert_eq!(files.result(), expected());
        files.run().unwrap();
        assert_eq!(files.result(), expected(), "a second run changes nothing");
    }

    #[test]
    fn a_run_cut_off_anywhere_is_finished_by_the_next() {
        for steps in 0..=4_usize {
            let files = Files::filled();
            let cleanup = Cleanup::new(&files.options);
            fs::write(&files.options.output, "half a res").unwrap();
            if steps >= 1 {
                cleanup.process().unwrap();
                cleanup.publish().unwrap();
            }
            for step in ROTATION.iter().take(steps.saturating_sub(1)) {
                step(&cleanup).unwrap();
            }
            files.run().unwrap();
            assert_eq!(files.result(), expected(), "after {steps} steps");
        }
    }

    #[test]
    fn missing_files_give_an_empty_result() {
        let files = Files::new(Family::V4);
        files.run().unwrap();
        assert_eq!(files.result(), HEADER);
    }

    #[test]
    fn files_of_1_1_are_upgraded() {
        let files = Files::new(Family::V4);
        let old = row(7, 7, 60).replace(",,0\n", "\n");
        fs::write(&files.options.copy, format!("{HEADER_1_1}{old}")).unwrap();
        files.run().unwrap();
        assert_eq!(files.result(), format!("{HEADER}{}", row(7, 7, 60)));
    }

    #[test]
    fn damage_beyond_the_limit_leaves_the_files_alone() {
        let files = Files::filled();
        let good = fs::read_to_string(&files.options.copy).unwrap();
        let bad = |count| format!("{good}{}", "bad\n".repeat(count));
        fs::write(&files.options.copy, bad(101)).unwrap();
        assert!(matches!(files.run(), Err(CleanupError::Load { .. })));
        assert!(files.options.previous.exists() && files.options.copy.exists());
        assert!(!files.options.output.exists() && !files.options.finish.exists());
        fs::write(&files.options.copy, format!("{}192.0.2.9,torn", bad(100))).unwrap();
        files.run().unwrap();
        assert_eq!(files.result(), expected());
        fs::write(&files.options.copy, "name,street\n").unwrap();
        assert!(matches!(files.run(), Err(CleanupError::Load { .. })));
    }

    #[test]
    fn a_result_that_cannot_be_written_leaves_the_files_alone() {
        let mut files = Files::filled();
        files.options.output = files.folder.path().join("missing/output");
        assert!(matches!(files.run(), Err(CleanupError::Write { .. })));
        assert!(files.options.previous.exists() && files.options.copy.exists());
    }

    #[test]
    fn a_result_that_cannot_be_looked_at_stops_the_run() {
        let files = Files::filled();
        std::os::unix::fs::symlink("leases.csv.completed", &files.options.finish).unwrap();
        assert!(matches!(files.run(), Err(CleanupError::Rotate(_))));
        assert!(files.options.previous.exists() && files.options.copy.exists());
        assert!(!files.options.output.exists());
    }

    #[test]
    fn leases_of_v6_are_kept_by_address_and_upgraded() {
        let files = Files::new(Family::V6);
        let old = "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,\
                   fqdn_rev,hostname\n";
        let row = |address: &str, valid: u32, host: &str| {
            format!("{address},00:01,{valid},1800003600,1,50,0,7,128,0,0,{host}")
        };
        let previous =
            format!("{old}{}\n{}\n", row("2001:db8::2", 60, ""), row("2001:DB8:0::1", 60, "a"));
        fs::write(&files.options.previous, previous).unwrap();
        let copy = format!(
            "{old}{}\n{}\n{}\nbad\n{}",
            row("2001:db8::1", 70, "b&#x2c"),
            row("2001:db8::2", 0, ""),
            row("2001:db8:1::", 60, "p"),
            "2001:db8::9,torn"
        );
        fs::write(&files.options.copy, copy).unwrap();
        files.run().unwrap();
        let result = files.result();
        let lines: Vec<&str> = result.lines().collect();
        assert!(
            lines[0].ends_with(",hostname,hwaddr,state,user_context,hwtype,hwaddr_source,pool_id")
        );
        let rest = [
            format!("{},,0,,,,0", row("2001:db8::1", 70, "b&#x2c")),
            format!("{},,0,,,,0", row("2001:db8:1::", 60, "p")),
        ];
        assert_eq!(lines[1..], rest);
    }
}
