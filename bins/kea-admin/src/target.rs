//! Where leases are written to.
//!
//! A database gets them in transactions of a thousand, so that neither its log nor a server that waits for a row has to
//! hold much. What a transaction finds of the addresses decides, by the policy, what becomes of each lease. A lease that
//! the database does not take is told and left out, alone.
//!
//! A lease file gets them as rows behind those that it has; its server must not be running.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use database::{DbError, Fault, LeaseConnection};
use libdhcpsrv::config::SqlAccess;
use libdhcpsrv::lease::{AddressOf, LeaseStore};
use process::lease_file::sync_folder;

use crate::command_line::Existing;
use crate::failure::Failure;
use crate::kind::Kind;
use crate::lease_files;

/// Tries of a transaction that is in the way of another one.
const TRIES: u32 = 10;

/// What became of leases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Written where nothing was.
    pub(crate) inserted: u64,
    /// Written in place of others.
    pub(crate) replaced: u64,
    /// The same lease was there.
    pub(crate) unchanged: u64,
    /// Another lease was there and stayed.
    pub(crate) kept: u64,
    /// Could not be stored.
    pub(crate) bad: u64,
}

impl Counts {
    /// Adds up.
    pub(crate) fn add(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.replaced += other.replaced;
        self.unchanged += other.unchanged;
        self.kept += other.kept;
        self.bad += other.bad;
    }
}

/// What is done with a lease.
enum Plan {
    Insert,
    Replace,
    Unchanged,
    Keep,
    Refuse,
}

/// Decides what is done with a lease whose address has another one already.
fn plan<K: Kind>(lease: &K::Lease, old: Option<&K::Lease>, existing: Existing) -> Plan {
    let Some(old) = old else { return Plan::Insert };
    if K::is_same(lease, old) {
        return Plan::Unchanged;
    }
    match existing {
        Existing::Refuse => Plan::Refuse,
        Existing::Skip => Plan::Keep,
        Existing::Newer if K::cltt(lease) <= K::cltt(old) => Plan::Keep,
        Existing::Newer | Existing::Replace => Plan::Replace,
    }
}

/// Where leases go.
pub(crate) enum Target<K: Kind> {
    /// A table.
    Database {
        /// The connection.
        connection: Box<dyn LeaseConnection<K>>,
        /// What it is called.
        name: String,
    },
    /// A lease file.
    File(FileTarget<K>),
}

/// A lease file that is written to.
pub(crate) struct FileTarget<K: Kind> {
    path: PathBuf,
    /// What is there.
    store: LeaseStore<K>,
    file: File,
}

impl<K: Kind> Target<K> {
    /// Opens a database.
    pub(crate) fn database(access: &SqlAccess) -> Result<Self, Failure> {
        let name = access.to_string();
        let connection = K::open(access).map_err(Failure::database(name.as_str()))?;
        Ok(Self::Database { connection, name })
    }

    /// Opens a lease file, or begins one.
    pub(crate) fn file(path: &Path) -> Result<Self, Failure> {
        FileTarget::open(path).map(Self::File)
    }

    /// Which of the leases are other ones than those that their addresses have.
    pub(crate) fn conflicts(&mut self, leases: &[K::Lease]) -> Result<Vec<AddressOf<K>>, Failure> {
        let old = match self {
            Self::Database { connection, name } => {
                present(connection.as_mut(), leases).map_err(Failure::database(name.as_str()))?
            }
            Self::File(target) => target.present(leases),
        };
        let is_other = |lease: &&K::Lease| {
            old.get(&K::address(lease).into()).is_some_and(|old| !K::is_same(lease, old))
        };
        Ok(leases.iter().filter(is_other).map(K::address).collect())
    }

    /// Writes leases.
    pub(crate) fn write(
        &mut self,
        leases: Vec<K::Lease>,
        existing: Existing,
    ) -> Result<Counts, Failure> {
        match self {
            Self::Database { connection, name } => {
                write_rows(connection.as_mut(), leases, existing, name)
            }
            Self::File(target) => target.write(&leases, existing),
        }
    }

    /// Everything is written.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Database { .. } => Ok(()),
            Self::File(target) => target.file.sync_all().map_err(Failure::file(&target.path)),
        }
    }
}

type Present<K> = HashMap<
    <K as libdhcpsrv::lease::LeaseKind>::Number,
    <K as libdhcpsrv::lease::LeaseKind>::Lease,
>;

/// What a table has of addresses.
fn present<K: Kind>(
    connection: &mut dyn LeaseConnection<K>,
    leases: &[K::Lease],
) -> Result<Present<K>, DbError> {
    let addresses: Vec<_> = leases.iter().map(K::address).collect();
    let mut found = HashMap::new();
    connection.get(&addresses, &mut |lease| {
        found.insert(K::address(&lease).into(), lease);
    })?;
    Ok(found)
}

/// Writes a batch; if the database does not take it, lease by lease.
fn write_rows<K: Kind>(
    connection: &mut dyn LeaseConnection<K>,
    leases: Vec<K::Lease>,
    existing: Existing,
    name: &str,
) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    let mut fitting = Vec::with_capacity(leases.len());
    for lease in leases {
        let excess = K::excess(&lease).map(|fault| fault.to_string());
        match excess.or_else(|| connection.fits(&lease).err()) {
            None => fitting.push(lease),
            Some(reason) => counts.add(left_out::<K>(&lease, &reason)),
        }
    }
    match transaction(connection, &fitting, existing) {
        Ok(written) => counts.add(written),
        Err(Trouble::Database(error)) if error.fault == Fault::Statement && fitting.len() > 1 => {
            for lease in &fitting {
                match transaction(connection, std::slice::from_ref(lease), existing) {
                    Ok(written) => counts.add(written),
                    Err(Trouble::Database(error)) if error.fault == Fault::Statement => {
                        counts.add(left_out::<K>(lease, &error.to_string()));
                    }
                    Err(trouble) => return Err(trouble.failure(name)),
                }
            }
        }
        Err(Trouble::Database(error)) if error.fault == Fault::Statement => {
            for lease in &fitting {
                counts.add(left_out::<K>(lease, &error.to_string()));
            }
        }
        Err(trouble) => return Err(trouble.failure(name)),
    }
    Ok(counts)
}

fn left_out<K: Kind>(lease: &K::Lease, reason: &str) -> Counts {
    eprintln!("the lease of address {} is left out: {reason}", K::address(lease));
    Counts { bad: 1, ..Counts::default() }
}

/// Why a transaction is not done.
enum Trouble {
    Database(DbError),
    /// An address has got a lease since they were looked for.
    Existing(String),
}

impl Trouble {
    fn failure(self, name: &str) -> Failure {
        match self {
            Self::Database(error) => Failure::database(name)(error),
            Self::Existing(first) => Failure::Other(format!(
                "{first} has got a lease meanwhile; what was written before stays"
            )),
        }
    }
}

/// One transaction, tried again as long as others are in its way.
fn transaction<K: Kind>(
    connection: &mut dyn LeaseConnection<K>,
    leases: &[K::Lease],
    existing: Existing,
) -> Result<Counts, Trouble> {
    let mut tries = 0;
    loop {
        match try_transaction(connection, leases, existing) {
            Err(Trouble::Database(error))
                if matches!(error.fault, Fault::Retry | Fault::Locked) && tries < TRIES =>
            {
                tries += 1;
            }
            done => return done,
        }
    }
}

fn try_transaction<K: Kind>(
    connection: &mut dyn LeaseConnection<K>,
    leases: &[K::Lease],
    existing: Existing,
) -> Result<Counts, Trouble> {
    let mut counts = Counts::default();
    if leases.is_empty() {
        return Ok(counts);
    }
    let old = present(connection, leases).map_err(Trouble::Database)?;
    let (mut inserts, mut updates) = (Vec::new(), Vec::new());
    for lease in leases {
        let old = old.get(&K::address(lease).into());
        match (plan::<K>(lease, old, existing), old) {
            (Plan::Refuse, _) => return Err(Trouble::Existing(K::address(lease).to_string())),
            (Plan::Replace, Some(old)) => updates.push((old, lease)),
            (Plan::Insert | Plan::Replace, _) => inserts.push(lease),
            (Plan::Unchanged, _) => counts.unchanged += 1,
            (Plan::Keep, _) => counts.kept += 1,
        }
    }
    connection.begin().map_err(Trouble::Database)?;
    let inserted = connection.insert(&inserts).map_err(Trouble::Database)?;
    let replaced = connection.update(&updates).map_err(Trouble::Database)?;
    connection.commit().map_err(Trouble::Database)?;
    let done = |flags: &[bool]| flags.iter().filter(|done| **done).count() as u64;
    counts.inserted = done(&inserted);
    counts.replaced = done(&replaced);
    let refused: Vec<_> = inserts.iter().zip(&inserted).filter(|(_, done)| !**done).collect();
    if !refused.is_empty() {
        let leases: Vec<_> = refused.iter().map(|(lease, _)| (**lease).clone()).collect();
        let there = present(connection, &leases).map_err(Trouble::Database)?;
        let is_there = |lease: &&K::Lease| there.contains_key(&K::address(lease).into());
        for lease in leases.iter().filter(|lease| !is_there(lease)) {
            counts.add(left_out::<K>(lease, "the database has not taken it"));
        }
    }
    // A server was faster with the rest; what it wrote is newer.
    let all = (inserted.len() + replaced.len()) as u64;
    counts.kept += all.saturating_sub(counts.inserted + counts.replaced + counts.bad);
    Ok(counts)
}

impl<K: Kind> FileTarget<K> {
    fn open(path: &Path) -> Result<Self, Failure> {
        lease_files::refuse_during_clean_up(path)?;
        let io = Failure::file(path);
        let loaded = lease_files::load_set::<K>(path)?;
        if let Some(header) = loaded.last.and_then(|report| report.header)
            && header.conversion().is_some()
        {
            return Err(Failure::Other(format!(
                "{}: the file has the columns of another version; its server rewrites it when it starts",
                path.display()
            )));
        }
        let valid_len = loaded.last.map_or(0, |report| report.valid_len);
        let mut file =
            OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(&io)?;
        // What a crash has left of a row would swallow the next one.
        file.set_len(valid_len).map_err(&io)?;
        file.seek(SeekFrom::End(0)).map_err(&io)?;
        if valid_len == 0 {
            file.write_all(K::HEADER.as_bytes()).map_err(&io)?;
            sync_folder(path).map_err(&io)?;
        }
        Ok(Self { path: path.to_owned(), store: loaded.store, file })
    }

    fn present(&self, leases: &[K::Lease]) -> Present<K> {
        let old = |lease: &K::Lease| self.store.lease(K::address(lease));
        leases.iter().filter_map(old).map(|lease| (K::address(&lease).into(), lease)).collect()
    }

    fn write(&mut self, leases: &[K::Lease], existing: Existing) -> Result<Counts, Failure> {
        let mut counts = Counts::default();
        let mut rows = Vec::new();
        let old = self.present(leases);
        for lease in leases {
            let count = match plan::<K>(lease, old.get(&K::address(lease).into()), existing) {
                Plan::Refuse => {
                    let first = K::address(lease).to_string();
                    return Err(Failure::Existing { count: 1, first });
                }
                Plan::Unchanged => {
                    counts.unchanged += 1;
                    continue;
                }
                Plan::Keep => {
                    counts.kept += 1;
                    continue;
                }
                Plan::Insert => &mut counts.inserted,
                Plan::Replace => &mut counts.replaced,
            };
            *count += 1;
            K::push_file_row(&mut rows, lease);
        }
        self.file.write_all(&rows).map_err(Failure::file(&self.path))?;
        Ok(counts)
    }
}
