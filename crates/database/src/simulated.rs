//! A table of leases in memory that behaves as a database does, and as it may misbehave. For tests.
//!
//! A [`Table`] is shared by the connections that it makes. Each statement is a transaction of its own unless one has
//! begun. Others see what is committed; who wants to change a row that an open transaction has touched waits for its
//! end, a second at most, and of two that wait for each other one is told to try again. The switches of the table say what goes wrong:
//! connections that are lost before or after a statement has taken effect, a server that answers no more, that lets
//! nobody write, that is down, rows that cannot be read or changed, and leases that do not fit.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use libdhcpsrv::lease::{
    AddressOf, Contents, INFINITE, LeaseKind, LeaseState, Ownership, SubnetId,
};
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::{Counted, DbError, Expired, Fault, LeaseConnection, SchemaVersion, Wanted};

/// Leases that [`LeaseConnection::find`] gives for one client at most.
const FOUND_MAX: usize = 64;
/// How long a row is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Which side of a statement's effect a connection is lost on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It has not happened.
    Before,
    /// It has happened, only the answer is missing.
    After,
}

/// A table of leases, and what goes wrong with it. A clone is the same one.
#[derive(Debug)]
pub struct Table<K: LeaseKind> {
    shared: Arc<Shared<K>>,
}

/// A connection to a [`Table`].
#[derive(Debug)]
pub struct Connection<K: LeaseKind> {
    shared: Arc<Shared<K>>,
    number: usize,
    /// What the open transaction has changed; nothing for a row that it has deleted.
    own: BTreeMap<K::Number, Option<Row<K>>>,
    is_in_transaction: bool,
    is_lost: bool,
    is_impatient: bool,
}

#[derive(Debug)]
struct Shared<K: LeaseKind> {
    state: Mutex<State<K>>,
    /// Rings when a transaction has ended or a switch was moved.
    changed: Condvar,
}

#[derive(Debug)]
struct State<K: LeaseKind> {
    rows: BTreeMap<K::Number, Row<K>>,
    /// Rows that a transaction has touched, and the number of its connection.
    locks: BTreeMap<K::Number, usize>,
    /// Who waits for whom.
    waits: BTreeMap<usize, usize>,
    /// Number of the next connection; those below `lost_below` are lost.
    next: usize,
    lost_below: usize,
    /// Statements until a connection is lost.
    loses: Option<(u64, Moment)>,
    /// Writes, and reads, that are told to try again.
    retries: u64,
    read_retries: u64,
    is_read_only: bool,
    is_down: bool,
    is_paused: bool,
    /// Addresses whose rows nobody can change, and what whoever tries is told.
    poisoned: BTreeMap<K::Number, Fault>,
    /// Addresses whose leases do not fit.
    unfit: BTreeSet<K::Number>,
    statements: u64,
    commits: u64,
    unreadable: u64,
    /// What has been changed since it was asked last, if anybody wants to know.
    changes: Option<Vec<Changed<K>>>,
}

/// A row before and after a change.
pub type Changed<K> = (Option<<K as LeaseKind>::Lease>, Option<<K as LeaseKind>::Lease>);

#[derive(Clone, Debug)]
enum Row<K: LeaseKind> {
    Lease(K::Lease),
    Unreadable,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Read,
    Write,
}

impl<K: LeaseKind> Default for Table<K> {
    fn default() -> Self {
        let state = State {
            rows: BTreeMap::new(),
            locks: BTreeMap::new(),
            waits: BTreeMap::new(),
            next: 0,
            lost_below: 0,
            loses: None,
            retries: 0,
            read_retries: 0,
            is_read_only: false,
            is_down: false,
            is_paused: false,
            poisoned: BTreeMap::new(),
            unfit: BTreeSet::new(),
            statements: 0,
            commits: 0,
            unreadable: 0,
            changes: None,
        };
        Self { shared: Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }) }
    }
}

impl<K: LeaseKind> Clone for Table<K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K: LeaseKind> Table<K> {
    /// Makes a connection.
    ///
    /// # Errors
    /// [`Fault::Lost`] while the table is down.
    pub fn connect(&self) -> Result<Connection<K>, DbError> {
        let mut state = self.shared.state.lock();
        while state.is_paused {
            self.shared.changed.wait(&mut state);
        }
        if state.is_down {
            return Err(DbError::new(Fault::Lost, "", "the table is down"));
        }
        let number = state.next;
        state.next += 1;
        let shared = self.shared.clone();
        Ok(Connection {
            shared,
            number,
            own: BTreeMap::new(),
            is_in_transaction: false,
            is_lost: false,
            is_impatient: false,
        })
    }

    /// After `statements` more of whichever connection (begin and commit are some), one loses its connection.
    pub fn lose_after(&self, statements: u64, moment: Moment) {
        self.shared.state.lock().loses = Some((statements, moment));
    }

    /// While it is down, connections are lost with their next statement and no new ones are made.
    pub fn set_down(&self, is_down: bool) {
        let mut state = self.shared.state.lock();
        state.is_down = is_down;
        if is_down {
            state.lost_below = state.next;
            state.locks.clear();
        }
        self.shared.changed.notify_all();
    }

    /// While it is read-only, writes fail with [`Fault::ReadOnly`].
    pub fn set_read_only(&self, is_read_only: bool) {
        self.shared.state.lock().is_read_only = is_read_only;
    }

    /// While it is paused, nothing answers: not a statement, not a new connection.
    pub fn set_paused(&self, is_paused: bool) {
        self.shared.state.lock().is_paused = is_paused;
        self.shared.changed.notify_all();
    }

    /// So many writes fail with [`Fault::Retry`].
    pub fn set_retries(&self, count: u64) {
        self.shared.state.lock().retries = count;
    }

    /// So many reads fail with [`Fault::Retry`].
    pub fn set_read_retries(&self, count: u64) {
        self.shared.state.lock().read_retries = count;
    }

    /// Puts a row that cannot be read at an address.
    pub fn make_unreadable(&self, address: AddressOf<K>) {
        self.shared.state.lock().rows.insert(address.into(), Row::Unreadable);
    }

    /// Lets every statement fail for what it says that would change the row of an address.
    pub fn poison(&self, address: AddressOf<K>) {
        self.poison_with(address, Fault::Statement);
    }

    /// Lets every statement fail in this way that would change the row of an address.
    pub fn poison_with(&self, address: AddressOf<K>, fault: Fault) {
        self.shared.state.lock().poisoned.insert(address.into(), fault);
    }

    /// Lets no lease of an address fit.
    pub fn make_unfit(&self, address: AddressOf<K>) {
        self.shared.state.lock().unfit.insert(address.into());
    }

    /// Stores a lease, whatever was there.
    pub fn put(&self, lease: K::Lease) {
        let number = K::contents_of(&lease).address;
        self.shared.state.lock().rows.insert(number, Row::Lease(lease));
    }

    /// Deletes all rows, whoever works on them.
    pub fn clear(&self) {
        self.shared.state.lock().rows.clear();
    }

    /// All leases that are committed, in the order of their addresses.
    #[must_use]
    pub fn leases(&self) -> Vec<K::Lease> {
        let state = self.shared.state.lock();
        state.rows.values().filter_map(Row::lease).cloned().collect()
    }

    /// Notes every change that is committed from now on, for [`Self::take_changes`].
    pub fn watch(&self) {
        self.shared.state.lock().changes = Some(Vec::new());
    }

    /// The changes that were committed since the last call, in their order.
    #[must_use]
    pub fn take_changes(&self) -> Vec<Changed<K>> {
        self.shared.state.lock().changes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The lease of an address.
    #[must_use]
    pub fn lease(&self, address: AddressOf<K>) -> Option<K::Lease> {
        self.shared.state.lock().rows.get(&address.into()).and_then(Row::lease).cloned()
    }

    /// How many statements there have been.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.shared.state.lock().statements
    }

    /// How many transactions have stored something.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.shared.state.lock().commits
    }

    /// How many times a row that cannot be read has been passed over.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.shared.state.lock().unreadable
    }
}

impl<K: LeaseKind> Row<K> {
    const fn lease(&self) -> Option<&K::Lease> {
        match self {
            Self::Lease(lease) => Some(lease),
            Self::Unreadable => None,
        }
    }
}

impl<K: LeaseKind> Connection<K> {
    /// Whether it waits for rows that others hold.
    #[must_use]
    pub const fn is_patient(&self) -> bool {
        !self.is_impatient
    }

    /// Carries out a statement with everything that may go wrong around it.
    fn run<T>(
        &mut self,
        statement: &'static str,
        does: Does,
        work: impl FnOnce(&mut Self, &mut MutexGuard<'_, State<K>>) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let shared = self.shared.clone();
        let mut state = shared.state.lock();
        let lost = || DbError::new(Fault::Lost, statement, "the connection was lost");
        let answer = match self.admit(&mut state, statement, does) {
            Ok(loses) => work(self, &mut state).and_then(|answer| {
                if !self.is_in_transaction {
                    self.store(&mut state);
                }
                if loses { Err(lost()) } else { Ok(answer) }
            }),
            Err(error) => Err(error),
        };
        if let Err(error) = &answer {
            self.is_lost |= error.is_lost();
            self.undo(&mut state);
        }
        answer
    }

    /// Lets a statement begin; says whether the connection is lost when it has been carried out.
    fn admit(
        &mut self,
        state: &mut MutexGuard<'_, State<K>>,
        statement: &'static str,
        does: Does,
    ) -> Result<bool, DbError> {
        let fail = |fault, reason: &str| Err(DbError::new(fault, statement, reason));
        let shared = self.shared.clone();
        while state.is_paused && !state.is_down {
            shared.changed.wait(state);
        }
        state.statements += 1;
        if self.is_lost || state.is_down || self.number < state.lost_below {
            return fail(Fault::Lost, "the connection is gone");
        }
        let mut loses = false;
        match state.loses {
            Some((0, moment)) => {
                state.loses = None;
                if moment == Moment::Before {
                    return fail(Fault::Lost, "the connection was lost");
                }
                loses = true;
            }
            Some((left, moment)) => state.loses = Some((left - 1, moment)),
            None => {}
        }
        if does == Does::Write && state.is_read_only {
            return fail(Fault::ReadOnly, "the table is read-only");
        }
        if does == Does::Write && state.retries > 0 {
            state.retries -= 1;
            return fail(Fault::Retry, "another transaction was in the way");
        }
        if does == Does::Read && state.read_retries > 0 {
            state.read_retries -= 1;
            return fail(Fault::Retry, "the statement would have to be prepared anew");
        }
        Ok(loses)
    }

    /// Makes sure that nobody else changes a row before this transaction ends.
    fn lock(
        &mut self,
        state: &mut MutexGuard<'_, State<K>>,
        row: K::Number,
        statement: &'static str,
    ) -> Result<(), DbError> {
        if let Some(fault) = state.poisoned.get(&row) {
            return Err(DbError::new(*fault, statement, "the row cannot be changed"));
        }
        let shared = self.shared.clone();
        let until = Instant::now() + if self.is_impatient { Duration::ZERO } else { PATIENCE };
        while let Some(holder) = state.locks.get(&row).copied().filter(|one| *one != self.number) {
            let mut waiting = Some(holder);
            while let Some(one) = waiting.filter(|one| *one != self.number) {
                waiting = state.waits.get(&one).copied();
            }
            if waiting.is_some() {
                return Err(DbError::new(Fault::Retry, statement, "deadlock"));
            }
            state.waits.insert(self.number, holder);
            let is_over = shared.changed.wait_until(state, until).timed_out();
            state.waits.remove(&self.number);
            if is_over && state.locks.contains_key(&row) {
                return Err(DbError::new(Fault::Locked, statement, "somebody holds the row"));
            }
            if self.number < state.lost_below {
                return Err(DbError::new(Fault::Lost, statement, "the connection is gone"));
            }
        }
        state.locks.insert(row, self.number);
        Ok(())
    }

    /// Makes the changes of the transaction everybody's.
    fn store(&mut self, state: &mut State<K>) {
        state.commits += u64::from(!self.own.is_empty());
        for (number, row) in std::mem::take(&mut self.own) {
            let new = row.as_ref().and_then(Row::lease).cloned();
            let old = match row {
                Some(row) => state.rows.insert(number, row),
                None => state.rows.remove(&number),
            };
            if let Some(changes) = &mut state.changes {
                changes.push((old.as_ref().and_then(Row::lease).cloned(), new));
            }
        }
        self.undo(state);
    }

    fn undo(&mut self, state: &mut State<K>) {
        self.own.clear();
        self.is_in_transaction = false;
        state.locks.retain(|_, holder| *holder != self.number);
        self.shared.changed.notify_all();
    }

    fn row<'a>(&'a self, state: &'a State<K>, number: K::Number) -> Option<&'a Row<K>> {
        self.own.get(&number).map_or_else(|| state.rows.get(&number), Option::as_ref)
    }

    /// The leases that this connection sees, in the order of addresses, those of `passes` alone.
    fn select(
        &self,
        state: &mut State<K>,
        passes: &dyn Fn(&Contents<'_, K>) -> bool,
    ) -> Vec<K::Lease> {
        let numbers: BTreeSet<K::Number> =
            state.rows.keys().chain(self.own.keys()).copied().collect();
        let mut unreadable = 0;
        let mut found = Vec::new();
        for row in numbers.into_iter().filter_map(|number| self.row(state, number)) {
            match row.lease() {
                Some(lease) if passes(&K::contents_of(lease)) => found.push(lease.clone()),
                Some(_) => {}
                None => unreadable += 1,
            }
        }
        state.unreadable += unreadable;
        found
    }

    /// Gives the ranges of the leases of `passes` to `each`.
    fn ranges(
        &mut self,
        statement: &'static str,
        passes: &dyn Fn(&Contents<'_, K>) -> bool,
        each: &mut dyn FnMut(K::Number, K::Number),
    ) -> Result<(), DbError> {
        let found = self.run(statement, Does::Read, |own, state| Ok(own.select(state, passes)))?;
        for lease in found {
            let contents = K::contents_of(&lease);
            let (first, last) = K::range(contents.address, &contents.own);
            each(first, last);
        }
        Ok(())
    }

    /// Changes rows if `decide` says what becomes of what is there.
    fn change<T>(
        &mut self,
        statement: &'static str,
        items: &[T],
        decide: impl Fn(&T, Option<&Row<K>>) -> Option<Option<Row<K>>>,
        address: impl Fn(&T) -> K::Number,
    ) -> Result<Vec<bool>, DbError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        self.run(statement, Does::Write, |own, state| {
            let mut made = Vec::with_capacity(items.len());
            for item in items {
                let number = address(item);
                own.lock(state, number, statement)?;
                let becomes = decide(item, own.row(state, number));
                made.push(becomes.is_some());
                if let Some(row) = becomes {
                    own.own.insert(number, row);
                }
            }
            Ok(made)
        })
    }
}

impl<K: LeaseKind> Drop for Connection<K> {
    fn drop(&mut self) {
        let shared = self.shared.clone();
        self.undo(&mut shared.state.lock());
    }
}

impl<K: LeaseKind> LeaseConnection<K> for Connection<K> {
    fn find(
        &mut self,
        wanted: &[Wanted<K>],
        each: &mut dyn FnMut(usize, K::Lease),
    ) -> Result<(), DbError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let is_of = |wanted: &Wanted<K>, lease: &Contents<'_, K>| {
            let SubnetId(subnet) = wanted.subnet;
            lease.subnet_id == subnet
                && K::ownership(&K::key(&wanted.client), lease) == Ownership::Mine
        };
        let is_wanted = |lease: &Contents<'_, K>| wanted.iter().any(|wanted| is_of(wanted, lease));
        let all = self.run("find", Does::Read, |own, state| Ok(own.select(state, &is_wanted)))?;
        for (index, wanted) in wanted.iter().enumerate() {
            let is_its = |lease: &&K::Lease| is_of(wanted, &K::contents_of(lease));
            let found = all.iter().filter(is_its).take(FOUND_MAX);
            found.for_each(|lease| each(index, lease.clone()));
        }
        Ok(())
    }

    fn get(
        &mut self,
        addresses: &[AddressOf<K>],
        each: &mut dyn FnMut(K::Lease),
    ) -> Result<(), DbError> {
        if addresses.is_empty() {
            return Ok(());
        }
        let wanted: BTreeSet<K::Number> =
            addresses.iter().map(|address| (*address).into()).collect();
        let found = self.run("get", Does::Read, |own, state| {
            let mut leases = Vec::new();
            let mut unreadable = 0;
            for number in &wanted {
                let Some(row) = own.row(state, *number) else { continue };
                leases.push(row.lease().cloned().unwrap_or_else(|| {
                    unreadable += 1;
                    K::taken((*number).into())
                }));
            }
            state.unreadable += unreadable;
            Ok(leases)
        })?;
        found.into_iter().for_each(each);
        Ok(())
    }

    fn fits(&self, lease: &K::Lease) -> Result<(), String> {
        let number = K::contents_of(lease).address;
        match self.shared.state.lock().unfit.contains(&number) {
            true => Err("it was said not to fit".to_owned()),
            false => Ok(()),
        }
    }

    fn set_patient(&mut self, is_patient: bool) -> Result<(), DbError> {
        self.is_impatient = !is_patient;
        Ok(())
    }

    fn begin(&mut self) -> Result<(), DbError> {
        self.run("begin", Does::Read, |own, _| {
            own.is_in_transaction = true;
            Ok(())
        })
    }

    fn roll_back(&mut self) -> Result<(), DbError> {
        self.run("rollback", Does::Read, |own, state| {
            own.undo(state);
            Ok(())
        })
    }

    fn commit(&mut self) -> Result<(), DbError> {
        self.run("commit", Does::Read, |own, _| {
            own.is_in_transaction = false;
            Ok(())
        })
    }

    fn insert(&mut self, leases: &[&K::Lease]) -> Result<Vec<bool>, DbError> {
        let unfit = self.shared.state.lock().unfit.clone();
        let fits = |lease: &K::Lease| !unfit.contains(&K::contents_of(lease).address);
        self.change(
            "insert",
            leases,
            |lease, row| {
                let is_made = row.is_none() && fits(lease);
                is_made.then(|| Some(Row::Lease((*lease).clone())))
            },
            |lease| K::contents_of(lease).address,
        )
    }

    fn update(&mut self, leases: &[(&K::Lease, &K::Lease)]) -> Result<Vec<bool>, DbError> {
        let unfit = self.shared.state.lock().unfit.clone();
        let fits = |lease: &K::Lease| !unfit.contains(&K::contents_of(lease).address);
        self.change(
            "update",
            leases,
            |(old, new), row| {
                let is_made = is_as::<K>(row, old) && fits(new);
                is_made.then(|| Some(Row::Lease((*new).clone())))
            },
            |(old, _)| K::contents_of(old).address,
        )
    }

    fn delete(&mut self, leases: &[&K::Lease]) -> Result<Vec<bool>, DbError> {
        self.change(
            "delete",
            leases,
            |lease, row| is_as::<K>(row, lease).then_some(None),
            |lease| K::contents_of(lease).address,
        )
    }

    fn expired(
        &mut self,
        now_s: i64,
        skip: usize,
        limit: usize,
    ) -> Result<Expired<K::Lease>, DbError> {
        let passes = |lease: &Contents<'_, K>| {
            !is_over_and_done(lease.state) && end(lease).is_some_and(|end| end < now_s)
        };
        let (unreadable, mut found) = self.run("expired", Does::Read, |own, state| {
            let before = state.unreadable;
            let found = own.select(state, &passes);
            Ok(((state.unreadable - before) as usize, found))
        })?;
        found.sort_by_key(|lease| end(&K::contents_of(lease)));
        // Rows that cannot be read are the oldest ones.
        let rows = (unreadable + found.len()).saturating_sub(skip).min(limit);
        let hidden = unreadable.saturating_sub(skip).min(limit);
        let first = skip.saturating_sub(unreadable).min(found.len());
        let leases: Vec<K::Lease> = found.drain(first..).take(rows - hidden).collect();
        Ok(Expired { rows, leases })
    }

    fn delete_reclaimed(&mut self, before_s: i64, limit: usize) -> Result<u64, DbError> {
        let passes = |lease: &Contents<'_, K>| {
            is_over_and_done(lease.state) && end(lease).is_some_and(|end| end < before_s)
        };
        self.run("delete_reclaimed", Does::Write, |own, state| {
            let mut deleted = 0;
            for lease in own.select(state, &passes).into_iter().take(limit) {
                let number = K::contents_of(&lease).address;
                own.lock(state, number, "delete_reclaimed")?;
                let row = own.row(state, number).and_then(Row::lease);
                if row.is_some_and(|lease| passes(&K::contents_of(lease))) {
                    own.own.insert(number, None);
                    deleted += 1;
                }
            }
            Ok(deleted)
        })
    }

    fn ended(
        &mut self,
        from_s: i64,
        to_s: i64,
        each: &mut dyn FnMut(K::Number, K::Number),
    ) -> Result<(), DbError> {
        let passes =
            |lease: &Contents<'_, K>| end(lease).is_some_and(|end| (from_s..to_s).contains(&end));
        self.ranges("ended", &passes, each)
    }

    fn held(
        &mut self,
        now_s: i64,
        each: &mut dyn FnMut(K::Number, K::Number),
    ) -> Result<(), DbError> {
        let passes = |lease: &Contents<'_, K>| {
            lease.state.holds_address() && end(lease).is_none_or(|end| end >= now_s)
        };
        self.ranges("held", &passes, each)
    }

    fn count(&mut self) -> Result<Vec<Counted>, DbError> {
        let all = self.run("count", Does::Read, |own, state| Ok(own.select(state, &|_| true)))?;
        let mut counts = BTreeMap::new();
        for lease in &all {
            let Contents { own, subnet_id, pool_id, state, .. } = K::contents_of(lease);
            *counts
                .entry((SubnetId(subnet_id), K::lease_type(&own), pool_id, state))
                .or_insert(0) += 1;
        }
        let counted = |((subnet_id, lease_type, pool_id, state), count)| Counted {
            subnet_id,
            lease_type,
            pool_id,
            state,
            count,
        };
        Ok(counts.into_iter().map(counted).collect())
    }

    fn page(
        &mut self,
        after: Option<AddressOf<K>>,
        limit: usize,
    ) -> Result<(Vec<K::Lease>, Option<AddressOf<K>>), DbError> {
        let after: Option<K::Number> = after.map(Into::into);
        let passes = |lease: &Contents<'_, K>| after.is_none_or(|after| lease.address > after);
        let mut found =
            self.run("page", Does::Read, |own, state| Ok(own.select(state, &passes)))?;
        let is_all = found.len() <= limit;
        found.truncate(limit);
        let last = found.last().map(|lease| K::contents_of(lease).address);
        Ok((found, last.filter(|_| !is_all).map(Into::into)))
    }

    fn schema_version(&self) -> SchemaVersion {
        SchemaVersion { major: 14, minor: 0 }
    }
}

/// The last second of a lifetime; none if there is no last one.
fn end<K: LeaseKind>(lease: &Contents<'_, K>) -> Option<i64> {
    let length = Some(lease.valid_lifetime).filter(|length| *length != INFINITE)?;
    Some(lease.cltt.saturating_add(i64::from(length)))
}

const fn is_over_and_done(state: LeaseState) -> bool {
    matches!(state, LeaseState::ExpiredReclaimed | LeaseState::Released)
}

/// Whether a row is, in every column that decides, what a lease says.
fn is_as<K: LeaseKind>(row: Option<&Row<K>>, lease: &K::Lease) -> bool {
    let Some(found) = row.and_then(Row::lease) else { return false };
    let (one, other) = (K::contents_of(found), K::contents_of(lease));
    one.ids == other.ids
        && K::is_same_own(&one.own, &other.own)
        && (one.valid_lifetime, one.cltt, one.subnet_id, one.pool_id)
            == (other.valid_lifetime, other.cltt, other.subnet_id, other.pool_id)
        && (one.fqdn_fwd, one.fqdn_rev, one.state) == (other.fqdn_fwd, other.fqdn_rev, other.state)
}
