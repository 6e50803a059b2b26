//! Carrying out a batch: everything of one kind in one statement.
//!
//! Reads come first, and their replies leave at once. Changes follow in one transaction. One that the database refuses
//! for what it says must not fail the others: then each is tried by itself.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};
use libdhcpsrv::lease::{AddressOf, LeaseKind};
use libdhcpsrv::remote::{Ask, Reply, Told};

use super::{Job, Mailbox};
use crate::line::Lost;
use crate::{DbError, Fault, LeaseConnection, LinkEvent, Wanted};

/// How often a transaction that was in the way of another one is tried again.
const RETRIES_MAX: usize = 5;

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

/// Whether an error concerns what was said, and not the connection.
fn is_of_statement(error: &DbError) -> bool {
    !error.is_lost()
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
        Err(error) if is_of_statement(&error) && jobs.len() > 1 => {
            let mut jobs = jobs.into_iter();
            while let Some(job) = jobs.next() {
                if let Err((error, mut left)) = read_all(tell, connection, vec![job]) {
                    left.extend(jobs);
                    return Err((error, left));
                }
            }
            Ok(())
        }
        Err(error) => {
            if !is_of_statement(&error) {
                return Err((error, jobs));
            }
            fail(jobs);
            tell(LinkEvent::Refused(error));
            Ok(())
        }
    }
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
    if jobs.is_empty() {
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
    if !is_of_statement(&error) {
        return Err((error, jobs));
    }
    if jobs.len() == 1 {
        fail(jobs);
        tell(LinkEvent::Refused(error));
        return Ok(());
    }
    let mut jobs = jobs.into_iter();
    while let Some(job) = jobs.next() {
        if let Err((error, mut left)) = change_all(tell, connection, vec![job]) {
            left.extend(jobs);
            return Err((error, left));
        }
    }
    Ok(())
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
    let is_one_statement = kinds.iter().filter(|is_there| **is_there).count() <= 1;
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
    let mut replaced = vec![false; jobs.len()];
    if replacing {
        let changes = inserts.iter().chain(&updates).filter(|change| made[change.number]);
        let (numbers, leases): (Vec<usize>, Vec<&K::Lease>) =
            changes.filter_map(|change| Some((change.number, change.replaces?))).unzip();
        for (number, result) in numbers.into_iter().zip(connection.delete(&leases)?) {
            replaced[number] = result;
        }
    }
    if !is_one_statement {
        connection.commit()?;
    }
    let told = made.into_iter().zip(replaced);
    Ok(told.map(|(made, replaced)| Told::Changed { made, replaced }).collect())
}
