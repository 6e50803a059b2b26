//! Carrying out a batch.
//!
//! Reads come first, and their replies leave at once. Changes follow in one transaction. One that the database refuses
//! for what it says must not fail the others: then each is tried by itself.

use std::sync::Arc;

use libdhcpsrv::lease::LeaseKind;
use libdhcpsrv::remote::{Ask, Reply, Told};

use super::{Job, Mailbox};
use crate::line::Lost;
use crate::{DbError, Fault, LeaseConnection, LinkEvent, requests};

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
    match requests::read(connection, &asks(&jobs)) {
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

/// What some jobs ask.
fn asks<K: LeaseKind>(jobs: &[Job<K>]) -> Vec<&Ask<K>> {
    jobs.iter().map(|job| &job.request.ask).collect()
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
        match requests::change(connection, &asks(&jobs)) {
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
