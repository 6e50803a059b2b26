//! Carrying out a batch: everything of one kind in one statement.
//!
//! Reads come first, and their replies leave at once. Changes follow in one transaction. One that the database refuses
//! for what it says must not fail the others: then the batch is halved, and the halves, until it is alone. What the
//! table cannot hold is not sent at all.
//!
//! Nor may a row that somebody else holds keep the others from being stored: it is waited for once, for a moment; then
//! the batch is halved the same way, and nothing is waited for any more.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use foldhash::{HashMap, HashSet};
use libdhcpsrv::lease::{AddressOf, LeaseKind};
use libdhcpsrv::remote::{Ask, Reply, Told};

use kea_log::{Logger, RateLimiter};

use super::{Job, Mailbox};
use crate::line::Lost;
use crate::messages::DATABASE_LEASE_UNFIT;
use crate::{DbError, Fault, LeaseConnection, LinkEvent, Wanted};

/// How often a transaction that was in the way of another one is tried again.
const RETRIES_MAX: usize = 5;

/// How long a batch is carried out that has met rows of others; what is left then fails.
const IMPATIENCE_MAX: Duration = Duration::from_secs(2);

static LOGGER: Logger = Logger::new("database");
/// What clients can cause again and again does not fill the log: so many lines at once, then one in a second.
static UNFIT: RateLimiter = RateLimiter::new(20, 1_000_000_000);
static REFUSED: RateLimiter = RateLimiter::new(20, 1_000_000_000);
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

fn now_ns() -> u64 {
    u64::try_from(BEGINNING.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Tells of something that was refused, unless there are too many.
pub(super) fn tell_refused(tell: &dyn Fn(LinkEvent), error: DbError) {
    if REFUSED.admit(&DATABASE_LEASE_UNFIT, now_ns()).is_some() {
        tell(LinkEvent::Refused(error));
    }
}

/// Replies on their way, each with its mailbox.
type Replies<K> = Vec<(Arc<Mailbox<K>>, Reply<K>)>;

/// Carries out a batch and delivers the replies.
///
/// # Errors
/// [`Lost`]. Whether changes have been made is not known then; made once more they are conflicts at worst.
pub(super) fn carry_out<K: LeaseKind>(
    tell: &dyn Fn(LinkEvent),
    connection: &mut dyn LeaseConnection<K>,
    jobs: Vec<Job<K>>,
) -> Result<(), Lost<Job<K>>> {
    let is_change = |job: &Job<K>| matches!(job.request.ask, Ask::Change { .. });
    let (changes, reads): (Vec<_>, Vec<_>) = jobs.into_iter().partition(is_change);
    if let Err((error, mut left)) = read_all(tell, connection, reads) {
        left.extend(changes);
        return Err((error, left));
    }
    change_all(tell, connection, changes)
}

/// Replies to all that there is no answer.
pub(super) fn fail<K: LeaseKind>(jobs: impl IntoIterator<Item = Job<K>>) {
    let replies = jobs.into_iter().map(|job| reply(job, Told::Failed)).collect();
    deliver(replies);
}

fn reply<K: LeaseKind>(job: Job<K>, told: Told<K>) -> (Arc<Mailbox<K>>, Reply<K>) {
    let Job { mailbox, request, .. } = job;
    (mailbox, Reply { ticket: request.ticket, ask: request.ask, told })
}

/// Puts replies into their mailboxes and wakes each worker once.
fn deliver<K: LeaseKind>(replies: Replies<K>) {
    let mut woken: Vec<Arc<Mailbox<K>>> = Vec::new();
    for (mailbox, reply) in replies {
        let is_known = woken.iter().any(|one| Arc::ptr_eq(one, &mailbox));
        mailbox.replies.lock().push(reply);
        if !is_known {
            woken.push(mailbox);
        }
    }
    for mailbox in woken {
        (mailbox.wake)();
    }
}

fn read_all<K: LeaseKind>(
    tell: &dyn Fn(LinkEvent),
    connection: &mut dyn LeaseConnection<K>,
    jobs: Vec<Job<K>>,
) -> Result<(), Lost<Job<K>>> {
    if jobs.is_empty() {
        return Ok(());
    }
    match read(connection, &jobs) {
        Ok(told) => {
            deliver(jobs.into_iter().zip(told).map(|(job, told)| reply(job, told)).collect());
            Ok(())
        }
        Err(error) if error.is_lost() => Err((error, jobs)),
        Err(error) if error.fault == Fault::Statement && jobs.len() > 1 => {
            halves(jobs, |half| read_all(tell, connection, half))
        }
        Err(error) => {
            fail(jobs);
            tell_refused(tell, error);
            Ok(())
        }
    }
}

/// Does something with both halves of some jobs; what is left when a connection is lost are all that have no reply.
fn halves<K: LeaseKind>(
    mut jobs: Vec<Job<K>>,
    mut work: impl FnMut(Vec<Job<K>>) -> Result<(), Lost<Job<K>>>,
) -> Result<(), Lost<Job<K>>> {
    let right = jobs.split_off(jobs.len() / 2);
    if let Err((error, mut left)) = work(jobs) {
        left.extend(right);
        return Err((error, left));
    }
    work(right)
}

/// Asks what some jobs want to know.
fn read<K: LeaseKind>(
    connection: &mut dyn LeaseConnection<K>,
    jobs: &[Job<K>],
) -> Result<Vec<Told<K>>, DbError> {
    let mut wanted = Vec::new();
    let mut askers = Vec::new();
    let mut addresses: Vec<AddressOf<K>> = Vec::new();
    for (number, job) in jobs.iter().enumerate() {
        match &job.request.ask {
            Ask::Find { client, subnet, requested, .. } => {
                wanted.push(Wanted { client: client.clone(), subnet: *subnet });
                askers.push(number);
                addresses.extend(requested);
            }
            Ask::Get { address, .. } => addresses.push(*address),
            Ask::Change { .. } => {}
        }
    }
    let mut found: Vec<Vec<K::Lease>> = Vec::new();
    found.resize_with(jobs.len(), Vec::new);
    connection.find(&wanted, &mut |index, lease| {
        if let Some(asker) = askers.get(index) {
            found[*asker].push(lease);
        }
    })?;
    addresses.sort_unstable();
    addresses.dedup();
    let mut there: HashMap<AddressOf<K>, K::Lease> = HashMap::default();
    connection.get(&addresses, &mut |lease| {
        there.insert(K::address(&lease), lease);
    })?;
    let told = jobs.iter().zip(found).map(|(job, own)| match &job.request.ask {
        Ask::Find { requested, .. } => {
            let requested = requested.and_then(|address| there.get(&address).cloned());
            Told::Found { own, requested }
        }
        Ask::Get { address, .. } => Told::Got(there.get(address).cloned()),
        Ask::Change { .. } => Told::Failed,
    });
    Ok(told.collect())
}

/// A change by what it does.
struct Change<'j, K: LeaseKind> {
    number: usize,
    old: Option<&'j K::Lease>,
    new: Option<&'j K::Lease>,
    replaces: Option<&'j K::Lease>,
}

fn change_all<K: LeaseKind>(
    tell: &dyn Fn(LinkEvent),
    connection: &mut dyn LeaseConnection<K>,
    jobs: Vec<Job<K>>,
) -> Result<(), Lost<Job<K>>> {
    let (fitting, unfit): (Vec<_>, Vec<_>) =
        jobs.into_iter().partition(|job| is_fit(&*connection, job));
    fail(unfit);
    change_some(tell, connection, fitting, None)
}

/// Whether the table can hold what a job would store; it is logged if not.
fn is_fit<K: LeaseKind>(connection: &dyn LeaseConnection<K>, job: &Job<K>) -> bool {
    let Ask::Change { new: Some(new), .. } = &job.request.ask else { return true };
    match connection.fits(new) {
        Ok(()) => true,
        Err(reason) => {
            let address = K::address(new);
            kea_log::log_limited!(UNFIT, now_ns(), LOGGER, DATABASE_LEASE_UNFIT, address, reason);
            false
        }
    }
}

/// Makes changes, as many at once as the database takes; `until` when, if rows of others are not waited for any more.
fn change_some<K: LeaseKind>(
    tell: &dyn Fn(LinkEvent),
    connection: &mut dyn LeaseConnection<K>,
    jobs: Vec<Job<K>>,
    until: Option<Instant>,
) -> Result<(), Lost<Job<K>>> {
    if jobs.is_empty() {
        return Ok(());
    }
    if until.is_some_and(|until| Instant::now() >= until) {
        fail(jobs);
        return Ok(());
    }
    let mut tries = 0;
    let error = loop {
        match change(connection, &jobs) {
            Ok(told) => {
                deliver(jobs.into_iter().zip(told).map(|(job, told)| reply(job, told)).collect());
                return Ok(());
            }
            Err(error) if error.fault == Fault::Retry && tries < RETRIES_MAX => tries += 1,
            Err(error) => break error,
        }
    };
    let is_alone = jobs.len() == 1;
    match error.fault {
        Fault::Lost | Fault::ReadOnly => Err((error, jobs)),
        Fault::Locked if until.is_none() && !is_alone => impatiently(tell, connection, jobs),
        Fault::Statement | Fault::Retry | Fault::Locked if !is_alone => {
            halves(jobs, |half| change_some(tell, connection, half, until))
        }
        _ => {
            fail(jobs);
            tell_refused(tell, error);
            Ok(())
        }
    }
}

/// Makes those changes for which nobody has to be waited for.
fn impatiently<K: LeaseKind>(
    tell: &dyn Fn(LinkEvent),
    connection: &mut dyn LeaseConnection<K>,
    jobs: Vec<Job<K>>,
) -> Result<(), Lost<Job<K>>> {
    // A connection that cannot be told how long to wait is none that can be used.
    let lost = |error: DbError| DbError { fault: Fault::Lost, ..error };
    if let Err(error) = connection.set_patient(false) {
        return Err((lost(error), jobs));
    }
    let until = Instant::now() + IMPATIENCE_MAX;
    halves(jobs, |half| change_some(tell, connection, half, Some(until)))?;
    connection.set_patient(true).map_err(|error| (lost(error), Vec::new()))
}

/// Makes the changes of some jobs in one transaction.
fn change<K: LeaseKind>(
    connection: &mut dyn LeaseConnection<K>,
    jobs: &[Job<K>],
) -> Result<Vec<Told<K>>, DbError> {
    let mut touched: HashSet<AddressOf<K>> = HashSet::default();
    let (mut inserts, mut updates, mut deletes) = (Vec::new(), Vec::new(), Vec::new());
    for (number, job) in jobs.iter().enumerate() {
        let Ask::Change { old, new, replaces } = &job.request.ask else { continue };
        let (old, new, replaces) = (old.as_ref(), new.as_ref(), replaces.as_ref());
        let Some(address) = new.or(old).map(K::address) else { continue };
        // Of several changes of one address the first is made, and the others were based on what was before.
        if !touched.insert(address) {
            continue;
        }
        let replaces = replaces.filter(|other| touched.insert(K::address(other)));
        let change: Change<'_, K> = Change { number, old, new, replaces };
        match (old, new) {
            (None, _) => inserts.push(change),
            (Some(_), Some(_)) => updates.push(change),
            (Some(_), None) => deletes.push(change),
        }
    }
    let replacing = inserts.iter().chain(&updates).any(|change| change.replaces.is_some());
    let kinds = [!inserts.is_empty(), !updates.is_empty(), !deletes.is_empty(), replacing];
    let was_lost = jobs.iter().any(|job| job.was_lost);
    let is_one_statement = kinds.iter().filter(|is_there| **is_there).count() <= 1 && !was_lost;
    if !is_one_statement {
        connection.begin()?;
    }
    let mut made = vec![false; jobs.len()];
    let mut note = |changes: &[Change<'_, K>], results: Vec<bool>| {
        for (change, result) in changes.iter().zip(results) {
            made[change.number] = result;
        }
    };
    if !inserts.is_empty() {
        let leases: Vec<&K::Lease> = inserts.iter().filter_map(|change| change.new).collect();
        note(&inserts, connection.insert(&leases)?);
    }
    if !updates.is_empty() {
        let pairs = updates.iter().filter_map(|change| change.old.zip(change.new));
        let pairs: Vec<(&K::Lease, &K::Lease)> = pairs.collect();
        note(&updates, connection.update(&pairs)?);
    }
    if !deletes.is_empty() {
        let leases: Vec<&K::Lease> = deletes.iter().filter_map(|change| change.old).collect();
        note(&deletes, connection.delete(&leases)?);
    }
    let may_be_made = |change: &&Change<'_, K>| {
        let job = jobs.get(change.number);
        job.is_some_and(|job| job.was_lost) && made.get(change.number) == Some(&false)
    };
    if was_lost {
        let changes = inserts.iter().chain(&updates).chain(&deletes);
        let changes: Vec<_> = changes.filter(may_be_made).collect();
        for number in made_before(connection, &changes)? {
            made[number] = true;
        }
    }
    let mut replaced = vec![false; jobs.len()];
    if replacing {
        let changes = inserts.iter().chain(&updates).filter(|change| made[change.number]);
        let (numbers, leases): (Vec<usize>, Vec<&K::Lease>) =
            changes.filter_map(|change| Some((change.number, change.replaces?))).unzip();
        for (number, result) in numbers.iter().zip(connection.delete(&leases)?) {
            replaced[*number] = result;
        }
        let left = numbers.iter().zip(&leases);
        let left = left.filter(|(number, _)| jobs[**number].was_lost && !replaced[**number]);
        let (numbers, leases): (Vec<usize>, Vec<&K::Lease>) = left.unzip();
        for (number, is_gone) in numbers.into_iter().zip(are_gone(connection, &leases)?) {
            replaced[number] = is_gone;
        }
    }
    if !is_one_statement {
        connection.commit()?;
    }
    let told = made.into_iter().zip(replaced);
    Ok(told.map(|(made, replaced)| Told::Changed { made, replaced }).collect())
}

/// Which of some changes, none of which could be made, had been made before their connection was lost: what was to be
/// stored is there.
fn made_before<K: LeaseKind>(
    connection: &mut dyn LeaseConnection<K>,
    changes: &[&Change<'_, K>],
) -> Result<Vec<usize>, DbError> {
    let mut made = Vec::new();
    let mut note = |numbers: Vec<usize>, results: Vec<bool>| {
        let numbers = numbers.into_iter().zip(results).filter(|(_, is_made)| *is_made);
        made.extend(numbers.map(|(number, _)| number));
    };
    let stored = changes.iter().filter_map(|change| Some((change.number, change.new?)));
    let (numbers, leases): (Vec<usize>, Vec<&K::Lease>) = stored.unzip();
    // Only the database can tell whether a row is what it makes of a lease: the change of one into itself is made then.
    let pairs: Vec<_> = leases.iter().map(|lease| (*lease, *lease)).collect();
    note(numbers, connection.update(&pairs)?);
    let deleted = changes.iter().filter(|change| change.new.is_none());
    let deleted = deleted.filter_map(|change| Some((change.number, change.old?)));
    let (numbers, leases): (Vec<usize>, Vec<&K::Lease>) = deleted.unzip();
    note(numbers, are_gone(connection, &leases)?);
    Ok(made)
}

/// Which of some leases' addresses have none any more.
fn are_gone<K: LeaseKind>(
    connection: &mut dyn LeaseConnection<K>,
    leases: &[&K::Lease],
) -> Result<Vec<bool>, DbError> {
    let addresses: Vec<AddressOf<K>> = leases.iter().map(|lease| K::address(lease)).collect();
    let mut there: HashSet<AddressOf<K>> = HashSet::default();
    connection.get(&addresses, &mut |lease| {
        there.insert(K::address(&lease));
    })?;
    Ok(addresses.iter().map(|address| !there.contains(address)).collect())
}
