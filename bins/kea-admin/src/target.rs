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
        let is_other = |lease: &K::Lease, old: &Present<K>| {
            old.get(&K::address(lease).into()).is_some_and(|old| !K::is_same(lease, old))
        };
        let others: Vec<_> = match self {
            Self::Database { connection, name } => {
                let connection = connection.as_mut();
                let old = present(connection, leases).map_err(Failure::database(name.as_str()))?;
                // What cannot be stored is left out, and in nobody's way.
                let is_other = |lease: &&K::Lease| {
                    let stored = connection.stored(lease);
                    is_other(&stored, &old) && unfit(connection, lease, &stored).is_none()
                };
                leases.iter().filter(is_other).map(K::address).collect()
            }
            Self::File(target) => {
                let old = target.present(leases);
                leases.iter().filter(|lease| is_other(lease, &old)).map(K::address).collect()
            }
        };
        Ok(others)
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
        let stored = connection.stored(&lease);
        match unfit(connection, &lease, &stored) {
            // It is written and compared as it will be read.
            None => fitting.push(stored),
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

/// Why a table cannot hold a lease, which would be read as `stored`. What a server would do without, rather than refuse
/// its client, is no reason to alter a lease that has been there.
fn unfit<K: Kind>(
    connection: &dyn LeaseConnection<K>,
    lease: &K::Lease,
    stored: &K::Lease,
) -> Option<String> {
    let fault = K::excess(lease).map(|fault| fault.to_string());
    fault.or_else(|| connection.fits(lease).err()).or_else(|| {
        let (lease, stored) = (K::contents_of(lease), K::contents_of(stored));
        if lease.hostname != stored.hostname {
            return Some("its host name has characters that the database cannot hold".to_owned());
        }
        // Other escapes are the same JSON. Tables without such a column may do without.
        let marks = |text: &[u8]| text.iter().filter(|byte| **byte == b'?').count();
        let is_kept = stored.user_context.is_empty()
            || std::str::from_utf8(lease.user_context).is_ok()
                && marks(lease.user_context) == marks(stored.user_context);
        let reason = "its user context has characters that the database cannot hold";
        (!is_kept).then(|| reason.to_owned())
    })
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

/// One transaction, and another one for the leases that it has not written: others may have held or changed their rows.
/// What is not written then is told, unless another lease is there.
fn transaction<K: Kind>(
    connection: &mut dyn LeaseConnection<K>,
    leases: &[K::Lease],
    existing: Existing,
) -> Result<Counts, Trouble> {
    let (mut counts, undone) = patient_transaction(connection, leases, existing)?;
    if undone.is_empty() {
        return Ok(counts);
    }
    let again: Vec<K::Lease> = undone.into_iter().map(|undone| undone.lease).collect();
    let (written, undone) = patient_transaction(connection, &again, existing)?;
    counts.add(written);
    let leases: Vec<K::Lease> = undone.iter().map(|undone| undone.lease.clone()).collect();
    let there = present(connection, &leases).map_err(Trouble::Database)?;
    for Undone { lease, old } in undone {
        match (there.get(&K::address(&lease).into()), old) {
            (Some(there), _) if K::is_same(&lease, there) => counts.unchanged += 1,
            (Some(there), Some(old)) if K::is_same(there, &old) => {
                counts.add(left_out::<K>(&lease, "the row of another lease cannot be replaced"));
            }
            // A server was faster; what it wrote is newer.
            (Some(_), _) => counts.kept += 1,
            (None, _) => counts.add(left_out::<K>(&lease, "the database has not taken it")),
        }
    }
    Ok(counts)
}

/// A lease that a transaction has not written, and what was in its place.
struct Undone<K: Kind> {
    lease: K::Lease,
    old: Option<K::Lease>,
}

/// What became of the leases of a transaction, and those that it has not written.
type Done<K> = (Counts, Vec<Undone<K>>);

/// One transaction, tried again as long as others are in its way.
fn patient_transaction<K: Kind>(
    connection: &mut dyn LeaseConnection<K>,
    leases: &[K::Lease],
    existing: Existing,
) -> Result<Done<K>, Trouble> {
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
) -> Result<Done<K>, Trouble> {
    let mut counts = Counts::default();
    if leases.is_empty() {
        return Ok((counts, Vec::new()));
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
    let mut undone = Vec::new();
    for (lease, is_done) in inserts.into_iter().zip(inserted) {
        match is_done {
            true => counts.inserted += 1,
            false => undone.push(Undone { lease: lease.clone(), old: None }),
        }
    }
    for ((old, lease), is_done) in updates.into_iter().zip(replaced) {
        match is_done {
            true => counts.replaced += 1,
            false => undone.push(Undone { lease: lease.clone(), old: Some(old.clone()) }),
        }
    }
    Ok((counts, undone))
}

impl<K: Kind> FileTarget<K> {
    fn open(path: &Path) -> Result<Self, Failure> {
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
