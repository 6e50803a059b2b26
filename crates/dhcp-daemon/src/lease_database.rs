//! Opening the memfile lease database: load what is there, then go on writing behind it.
//!
//! Files in the order of Kea's protocol: `F.completed`, or else `F.2` and `F.1`, then the journal `F` itself. A
//! clean-up that runs at the moment refuses the start, because it is about to rename what would be read.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use libdhcpsrv::config::{Durability, ExtendedInfoChecks, LeaseDatabase, LeaseVerdict};
use libdhcpsrv::extended_info;
use libdhcpsrv::lease::load::LoadError;
use libdhcpsrv::lease::row::{Conversion, RowError};
use libdhcpsrv::lease::{
    AddressOf, FileReport, LeaseKind, LeaseStore, LeaseType, Loader, SubnetId,
};
use libdhcpsrv::loggers::DHCPSRV;
use process::clock::Clock;
use process::journal_service::{JournalEvents, JournalService};
use process::lease_file::{LeaseJournal, suffixed, sync_folder};
use process::pid_file::{PidFile, PidFileError, is_alive};
use util::journal::JournalQueue;

use crate::messages::*;

/// Unwritten rows that are kept while storage fails.
const QUEUE_BYTES_MAX: usize = 64 << 20;
/// Bytes read from a lease file at a time.
const PIECE: usize = 1 << 20;
/// Row errors of one file that are logged one by one.
const ROW_ERRORS_LOGGED: u64 = 100;

/// Misplaced leases that are logged one by one.
const MISPLACED_LOGGED: u64 = 100;

/// Says where a lease belongs, by its address, subnet and type.
pub(crate) type Judge<'a, K> = dyn Fn(AddressOf<K>, SubnetId, LeaseType) -> LeaseVerdict + 'a;

/// How leases that are loaded are checked.
pub(crate) struct Checks<'a, K: LeaseKind> {
    /// What subnet they belong to.
    pub(crate) judge: &'a Judge<'a, K>,
    /// What they say of relays.
    pub(crate) extended_info: ExtendedInfoChecks,
}

/// Why the database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The clean-up is running.
    #[error("lease file cleanup is in progress (PID {pid}, PID file {})", path.display())]
    CleanUpRunning {
        /// Its process.
        pid: u32,
        /// The file that says so.
        path: PathBuf,
    },
    /// The clean-up's pid file is unreadable.
    #[error(transparent)]
    PidFile(#[from] PidFileError),
    /// A file cannot be read or made.
    #[error("lease file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file holds something else than leases.
    #[error("lease file {}: {source}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: LoadError,
    },
}

/// An open lease database.
pub(crate) struct Database<K: LeaseKind> {
    /// The leases.
    pub(crate) store: Arc<LeaseStore<K>>,
    /// The journal; `None` when leases are kept in memory only.
    pub(crate) journal: Option<Arc<JournalService>>,
    /// Whether the leases outlive the process, in this file.
    file: Option<PathBuf>,
}

impl<K: LeaseKind> Database<K> {
    /// Whether settings ask for this very database, so that it can go on with them as it is; `file` is their lease file.
    pub(crate) fn is_meant_by(&self, settings: &LeaseDatabase, file: &Path) -> bool {
        match &self.file {
            Some(own) => settings.persist && is_same(own, file),
            None => !settings.persist,
        }
    }

    /// Goes on with other settings that mean this database.
    pub(crate) fn set_settings(&self, settings: &LeaseDatabase) {
        if let Some(service) = &self.journal {
            service.journal().set_durable(settings.durability == Durability::Disk);
        }
    }
}

/// Whether two paths lead to one file: to write it twice would destroy it.
fn is_same(one: &Path, other: &Path) -> bool {
    one == other || matches!((one.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Logs the state of storage.
struct LogStorage {
    path: PathBuf,
}

impl JournalEvents for LogStorage {
    fn failed(&self, error: &io::Error) {
        kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_WRITE_FAIL, self.path.display(), error);
    }

    fn recovered(&self) {
        kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_WRITE_RECOVERED, self.path.display());
    }
}

/// Opens the database in `path` and loads its leases; `seed` protects its hash tables.
pub(crate) fn open<K: LeaseKind>(
    settings: &LeaseDatabase,
    path: &Path,
    seed: u64,
    checks: &Checks<'_, K>,
) -> Result<Database<K>, OpenError> {
    if !settings.persist {
        kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_NO_STORAGE);
        let store = Arc::new(LeaseStore::new(seed, None));
        return Ok(Database { store, journal: None, file: None });
    }
    kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_DB, path.display());
    refuse_during_clean_up(path)?;
    let queue = Arc::new(JournalQueue::new(QUEUE_BYTES_MAX));
    let mut store = LeaseStore::new(seed, Some(queue.clone()));
    let loaded = load_files(&mut store, path, settings.max_row_errors, checks)?;
    let mut valid_len = loaded.valid_len;
    if loaded.is_of_other_columns {
        let converted = convert(&store, path);
        converted.map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        valid_len = None;
    }
    // A clean-up that had been started but had not said so yet may have renamed files between two readings.
    refuse_during_clean_up(path)?;
    let durable = settings.durability == Durability::Disk;
    let journal = LeaseJournal::open(queue, path, K::HEADER.as_bytes(), durable, valid_len)
        .map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    let events = Box::new(LogStorage { path: path.to_owned() });
    Ok(Database {
        store: Arc::new(store),
        journal: Some(Arc::new(JournalService::new(journal, events))),
        file: Some(path.to_owned()),
    })
}

/// Reads the leases in `path` and changes nothing, whoever is at work on the files: a row that is being written is left
/// out. Nothing that happens to the leases afterwards is stored. Returns how many files there were, too.
pub(crate) fn look<K: LeaseKind>(
    settings: &LeaseDatabase,
    path: &Path,
    seed: u64,
    checks: &Checks<'_, K>,
) -> Result<(LeaseStore<K>, usize), OpenError> {
    let mut store = LeaseStore::new(seed, None);
    let loaded = load_files(&mut store, path, settings.max_row_errors, checks)?;
    Ok((store, loaded.files))
}

fn refuse_during_clean_up(path: &Path) -> Result<(), OpenError> {
    let path = suffixed(path, ".pid");
    match PidFile::read(&path)? {
        Some(pid) if is_alive(pid) => Err(OpenError::CleanUpRunning { pid, path }),
        _ => Ok(()),
    }
}

/// What was found in the files of a database.
struct LoadedFiles {
    /// Number of files.
    files: usize,
    /// Where the journal goes on; `None` to begin it anew.
    valid_len: Option<u64>,
    /// Whether a file has the columns of another version.
    is_of_other_columns: bool,
}

/// Loads all files.
fn load_files<K: LeaseKind>(
    store: &mut LeaseStore<K>,
    path: &Path,
    row_errors_max: u32,
    checks: &Checks<'_, K>,
) -> Result<LoadedFiles, OpenError> {
    let begin = Instant::now();
    let completed = suffixed(path, ".completed");
    let is_completed = completed.try_exists();
    let is_completed =
        is_completed.map_err(|source| OpenError::Io { path: completed.clone(), source })?;
    let files = if is_completed {
        vec![completed, path.to_owned()]
    } else {
        vec![suffixed(path, ".2"), suffixed(path, ".1"), path.to_owned()]
    };
    let mut loader = Loader::new(store, row_errors_max);
    let mut found = LoadedFiles { files: 0, valid_len: None, is_of_other_columns: false };
    let mut rows = 0;
    for file in files {
        let Some(report) = load_file(&mut loader, &file)? else { continue };
        found.files += 1;
        rows += report.rows;
        let conversion = report.header.and_then(|header| header.conversion());
        log_report(&file, &report, conversion);
        found.is_of_other_columns |= conversion.is_some();
        if file == path {
            found.valid_len = Some(report.valid_len).filter(|&len| len > 0);
        }
    }
    inspect(&mut loader, checks.judge);
    let info = checks.extended_info;
    let mended =
        loader.mend_contexts(|context| extended_info::mended(context, K::HAS_PREFIXES, info));
    if mended > 0 {
        kea_log::log!(DHCPSRV, DHCPSRV_EXTENDED_INFO_MENDED, mended);
    }
    let leases = loader.finish(Clock::default().now());
    let took = begin.elapsed().as_millis();
    kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_LEASE_FILE_LOADED, leases, rows, took);
    Ok(found)
}

/// Checks which subnet each lease belongs to, and logs what is not in its place.
fn inspect<K: LeaseKind>(loader: &mut Loader<'_, K>, judge: &Judge<'_, K>) {
    let mut found = 0_u64;
    loader.inspect(|address, subnet, lease_type| {
        let verdict = judge(address, subnet, lease_type);
        found += u64::from(verdict != LeaseVerdict::Fits);
        if found <= MISPLACED_LOGGED {
            log_verdict(address, subnet.0, verdict);
        }
        verdict
    });
    if found > MISPLACED_LOGGED {
        kea_log::log!(DHCPSRV, DHCPSRV_LEASE_SANITY_MORE, found - MISPLACED_LOGGED);
    }
}

fn log_verdict(address: impl Display, subnet: u32, verdict: LeaseVerdict) {
    let reason = |right: Option<SubnetId>| match right {
        Some(right) => format!("the address is in subnet {}", right.0),
        None => "the address is in no subnet".to_owned(),
    };
    match verdict {
        LeaseVerdict::Fits => {}
        LeaseVerdict::Warn(right) => {
            kea_log::log!(DHCPSRV, DHCPSRV_LEASE_SANITY_FAIL, address, subnet, reason(right));
        }
        LeaseVerdict::Move(right) => {
            kea_log::log!(DHCPSRV, DHCPSRV_LEASE_SANITY_FIXED, address, subnet, right.0);
        }
        LeaseVerdict::Drop(right) => {
            let reason = reason(right);
            kea_log::log!(DHCPSRV, DHCPSRV_LEASE_SANITY_FAIL_DISCARD, address, subnet, reason);
        }
    }
}

/// Rewrites the database in today's columns: everything goes to `F.2`, and `F` begins anew.
///
/// The steps are those of a clean-up, so that a crash between any two of them leaves files that load to the same
/// leases.
fn convert<K: LeaseKind>(store: &LeaseStore<K>, path: &Path) -> io::Result<()> {
    let (output, completed) = (suffixed(path, ".output"), suffixed(path, ".completed"));
    let mut file = io::BufWriter::new(File::create(&output)?);
    file.write_all(K::HEADER.as_bytes())?;
    store.export(|rows| file.write_all(rows))?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(&output, &completed)?;
    sync_folder(path)?;
    for suffix in [".2", ".1", ""] {
        match fs::remove_file(suffixed(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(&completed, suffixed(path, ".2"))
}

fn load_file<K: LeaseKind>(
    loader: &mut Loader<'_, K>,
    path: &Path,
) -> Result<Option<FileReport>, OpenError> {
    let io_error = |source| OpenError::Io { path: path.to_owned(), source };
    let load_error = |source| OpenError::Load { path: path.to_owned(), source };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(error)),
    };
    kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_LEASE_FILE_LOAD, path.display());
    let mut errors = 0;
    let mut on_error = |line: u64, error: RowError| {
        errors += 1;
        if errors <= ROW_ERRORS_LOGGED {
            let file = path.display();
            kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_LEASE_LOAD_ROW_ERROR, file, line, error);
        }
    };
    let mut feeding = loader.file();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(len) => feeding.feed(&piece[..len], &mut on_error).map_err(load_error)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(io_error(error)),
        }
    }
    feeding.finish().map(Some).map_err(load_error)
}

fn log_report(path: &Path, report: &FileReport, conversion: Option<Conversion>) {
    match conversion {
        Some(Conversion::Upgrade) => {
            kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_NEEDS_UPGRADING, path.display());
        }
        Some(Conversion::Downgrade) => {
            kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_NEEDS_DOWNGRADING, path.display());
        }
        None => {}
    }
    if report.torn_len > 0 {
        let line = report.rows + 2;
        kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_TORN_ROW, path.display(), line);
    }
    if report.errors > ROW_ERRORS_LOGGED {
        let more = report.errors - ROW_ERRORS_LOGGED;
        kea_log::log!(DHCPSRV, DHCPSRV_MEMFILE_LEASE_LOAD_ROW_ERRORS, path.display(), more);
    }
}

#[cfg(test)]
mod tests {
    use libdhcpsrv::lease4::V4;
    use libdhcpsrv::lease6::V6;
    use tempfile::TempDir;

    use super::*;

    const ROW4: &str = "192.0.2.1,02:00:00:00:00:01,,4000,9000004000,1,0,0,,0,,0\n";
    const ROW6: &str =
        "2001:db8::1,00:03:00:01:02:00:00:00:00:01,4000,9000004000,1,3000,0,7,128,0,0,,,0,,,,0\n";

    fn settings() -> LeaseDatabase {
        LeaseDatabase {
            name: None,
            persist: true,
            lfc_interval: 0,
            durability: Durability::Kernel,
            max_row_errors: 0,
            sql: None,
        }
    }

    /// A folder for one lease file with this content.
    fn file(content: &str) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leases.csv");
        fs::write(&path, content).unwrap();
        (folder, path)
    }

    fn fits<K: LeaseKind>(_: AddressOf<K>, _: SubnetId, _: LeaseType) -> LeaseVerdict {
        LeaseVerdict::Fits
    }

    fn checks<'a, K: LeaseKind>(judge: &'a Judge<'a, K>) -> Checks<'a, K> {
        Checks { judge, extended_info: ExtendedInfoChecks::Fix }
    }

    fn opened<K: LeaseKind>(path: &Path) -> Database<K> {
        open(&settings(), path, 1, &checks(&fits::<K>)).unwrap_or_else(|error| panic!("{error}"))
    }

    fn torn_row_is_cut_off<K: LeaseKind>(row: &str) {
        let whole = format!("{}{row}", K::HEADER);
        let (_folder, path) = file(&format!("{whole}{}", &row[..9]));
        assert_eq!(opened::<K>(&path).store.len(), 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
        assert_eq!(opened::<K>(&path).store.len(), 1);
    }

    #[test]
    fn torn_row_is_cut_off_and_the_others_stay() {
        torn_row_is_cut_off::<V4>(ROW4);
        torn_row_is_cut_off::<V6>(ROW6);
    }

    fn earlier_columns_are_converted<K: LeaseKind>(row: &str) {
        let fewer = |line: &str| {
            let line = line.trim_end().rsplit_once(',').map_or(line, |(line, _last)| line);
            format!("{line}\n")
        };
        let (_folder, path) = file(&format!("{}{}", fewer(K::HEADER), fewer(row)));
        assert_eq!(opened::<K>(&path).store.len(), 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), K::HEADER);
        let converted = fs::read_to_string(suffixed(&path, ".2")).unwrap();
        assert_eq!(converted, format!("{}{row}", K::HEADER));
    }

    #[test]
    fn file_of_an_earlier_version_is_converted() {
        earlier_columns_are_converted::<V4>(ROW4);
        earlier_columns_are_converted::<V6>(ROW6);
    }

    #[test]
    fn file_of_the_other_server_is_refused() {
        let (_folder, path) = file(V6::HEADER);
        let refused = open::<V4>(&settings(), &path, 1, &checks(&fits::<V4>));
        assert!(matches!(refused, Err(OpenError::Load { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), V6::HEADER);
    }

    #[test]
    fn running_clean_up_refuses_the_start() {
        let (_folder, path) = file(V4::HEADER);
        fs::write(suffixed(&path, ".pid"), "1\n").unwrap();
        let refused = open::<V4>(&settings(), &path, 1, &checks(&fits::<V4>));
        assert!(matches!(refused, Err(OpenError::CleanUpRunning { pid: 1, .. })));
    }

    #[test]
    fn leases_that_are_out_of_place_are_moved_or_dropped_before_they_are_indexed() {
        let rows =
            ["1", "2", "3"].map(|last| ROW4.replace("192.0.2.1,", &format!("192.0.2.{last},")));
        let (_folder, path) = file(&format!("{}{}", V4::HEADER, rows.concat()));
        let judge = |address: std::net::Ipv4Addr, subnet, _| match address.octets()[3] {
            1 => LeaseVerdict::Move(SubnetId(9)),
            2 => LeaseVerdict::Drop(None),
            _ => {
                assert_eq!(subnet, SubnetId(1));
                LeaseVerdict::Warn(None)
            }
        };
        let database = open::<V4>(&settings(), &path, 1, &checks(&judge)).unwrap();
        let key = libdhcpsrv::lease4::ClientKey { hw: &[2, 0, 0, 0, 0, 1], ..Default::default() };
        let found = [1, 9].map(|id| database.store.find(&key, SubnetId(id)));
        let found = found.map(|lease| lease.map(|lease| lease.address.octets()[3]));
        assert_eq!((found, database.store.len()), ([Some(3), Some(1)], 2));
    }

    #[test]
    fn old_forms_of_what_relays_say_become_todays() {
        let row =
            ROW4.replace("0,,0\n", "0,{ \"ISC\": { \"relay-agent-info\": \"0x010107\" } },0\n");
        let (_folder, path) = file(&format!("{}{row}", V4::HEADER));
        let lease = opened::<V4>(&path).store.lease([192, 0, 2, 1].into()).unwrap();
        let expected = r#"{ "ISC": { "relay-agent-info": { "sub-options": "0x010107" } } }"#;
        assert_eq!(String::from_utf8(lease.user_context).unwrap(), expected);
    }

    #[test]
    fn database_is_known_by_its_file() {
        let (folder, path) = file(V4::HEADER);
        let (database, memory) =
            (opened::<V4>(&path), LeaseDatabase { persist: false, ..settings() });
        let same = folder.path().join("./leases.csv");
        assert!(database.is_meant_by(&settings(), &same));
        assert!(!database.is_meant_by(&settings(), &folder.path().join("other.csv")));
        assert!(!database.is_meant_by(&memory, &path));
        let in_memory = open::<V4>(&memory, &path, 1, &checks(&fits::<V4>))
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(in_memory.journal.is_none() && in_memory.is_meant_by(&memory, &same));
        assert!(!in_memory.is_meant_by(&settings(), &path));
    }
}
