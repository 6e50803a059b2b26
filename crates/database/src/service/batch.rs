//! Carrying out a batch.
//!
//! Reads come first, and their replies leave at once. Changes follow in one transaction. One that the database refuses
//! for what it says must not fail the others: then the batch is halved, and the halves, until it is alone. What the
//! table cannot hold is not sent at all.
//!
//! Nor may a row that somebody else holds keep the others from being stored: it is waited for once, for a moment; then
//! the batch is halved the same way, and nothing is waited for any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use libdhcpsrv::lease::LeaseKind;
use libdhcpsrv::remote::{Ask, Reply, Told};

use kea_log::{Logger, RateLimiter};

use super::Job;
use crate::line::Lost;
use crate::mailbox::{Mailbox, deliver};
use crate::messages::DATABASE_LEASE_UNFIT;
use crate::{DbError, Fault, LeaseConnection, LinkEvent, refusals, requests};

/// How often what the database says may be tried again is: a transaction that was in the way of another one, say.
const RETRIES_MAX: usize = 5;
/// For how long it is: some servers take a second to notice that two wait for each other.
const RETRY_MAX: Duration = Duration::from_millis(500);

/// How long a batch is carried out that has met rows of others; what is left then fails.
const IMPATIENCE_MAX: Duration = Duration::from_secs(2);

static LOGGER: Logger = Logger::new("database");
/// What clients can cause again and again does not fill the log: so many lines at once, then one in a second.
static UNFIT: RateLimiter = RateLimiter::new(20, 1_000_000_000);

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
    deliver(jobs.into_iter().map(|job| reply(job, Told::Failed)));
}

fn reply<K: LeaseKind>(job: Job<K>, told: Told<K>) -> (Arc<Mailbox<Reply<K>>>, Reply<K>) {
    let Job { mailbox, request, .. } = job;
    (mailbox, Reply { ticket: request.ticket, ask: request.ask, told })
}

fn read_all<K: LeaseKind>(
    tell: &dyn Fn(LinkEvent),
    connection: &mut dyn LeaseConnection<K>,
    jobs: Vec<Job<K>>,
) -> Result<(), Lost<Job<K>>> {
    if jobs.is_empty() {
        return Ok(());
    }
    match tried(|| requests::read(connection, &asks(&jobs))) {
        Ok(told) => {
            deliver(jobs.into_iter().zip(told).map(|(job, told)| reply(job, told)));
            Ok(())
        }
        Err(error) if error.is_lost() => Err((error, jobs)),
        Err(error) if error.fault == Fault::Statement && jobs.len() > 1 => {
            halves(jobs, |half| read_all(tell, connection, half))
        }
        Err(error) => {
            fail(jobs);
            refusals::tell(tell, error);
            Ok(())
        }
    }
}

/// Does something, and once more as long as the database says that it may be tried again.
fn tried<T>(mut work: impl FnMut() -> Result<T, DbError>) -> Result<T, DbError> {
    let (mut tries, begin) = (0, Instant::now());
    loop {
        match work() {
            Err(error)
                if error.fault == Fault::Retry
                    && tries < RETRIES_MAX
                    && begin.elapsed() < RETRY_MAX =>
            {
                tries += 1;
            }
            done => return done,
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

/// What some jobs ask.
fn asks<K: LeaseKind>(jobs: &[Job<K>]) -> Vec<&Ask<K>> {
    jobs.iter().map(|job| &job.request.ask).collect()
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
            kea_log::log_limited!(
                UNFIT,
                refusals::now_ns(),
                LOGGER,
                DATABASE_LEASE_UNFIT,
                address,
                reason
            );
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
    let were_lost: Vec<bool> = jobs.iter().map(|job| job.was_lost).collect();
    let error = match tried(|| requests::change(connection, &asks(&jobs), &were_lost)) {
        Ok(told) => {
            deliver(jobs.into_iter().zip(told).map(|(job, told)| reply(job, told)));
            return Ok(());
        }
        Err(error) => error,
    };
    let is_alone = jobs.len() == 1;
    match error.fault {
        Fault::Lost | Fault::ReadOnly => Err((error, jobs)),
        Fault::Locked if until.is_none() && !is_alone => impatiently(tell, connection, jobs),
        Fault::Statement | Fault::Retry | Fault::Locked if !is_alone => {
            // Those who are in each other's way again and again must not keep all others waiting.
            let until = match error.fault {
                Fault::Retry => until.or_else(|| Some(Instant::now() + IMPATIENCE_MAX)),
                _ => until,
            };
            halves(jobs, |half| change_some(tell, connection, half, until))
        }
        _ => {
            let key = jobs.first().filter(|_| is_alone).and_then(address_of).unwrap_or_default();
            fail(jobs);
            refusals::tell(tell, DbError { key, ..error });
            Ok(())
        }
    }
}

/// The address whose lease a job changes, as a text.
fn address_of<K: LeaseKind>(job: &Job<K>) -> Option<String> {
    let Ask::Change { old, new, .. } = &job.request.ask else { return None };
    new.as_ref().or(old.as_ref()).map(|lease| K::address(lease).to_string())
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
