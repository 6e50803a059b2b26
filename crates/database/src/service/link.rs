//! The threads that carry requests, each with a connection.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use libdhcpsrv::config::OnFail;
use libdhcpsrv::lease::LeaseKind;

use super::batch::{Lost, carry_out, fail};
use super::{BATCH_MAX, JOIN_FROM, Job, LinkEvent, Shared};
use crate::{DbError, LeaseConnection};

/// Number of the connection that helps the others; those before it carry one sort of requests each.
pub(super) const HELPER: usize = 2;

/// Pause of the helping connection when it could not be made.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause between two tries after all tries that the configuration grants have failed.
const SLOW: Duration = Duration::from_secs(1);

/// Carries requests until the service stops.
pub(super) fn run<K: LeaseKind>(
    shared: &Shared<K>,
    number: usize,
    first: Option<Box<dyn LeaseConnection<K>>>,
) {
    let mut connection = first;
    while let Some((sort, jobs)) = next_batch(shared, number) {
        let open = match connection.take() {
            Some(open) => Ok(open),
            None => (shared.opener)(),
        };
        let result = match open {
            Ok(open) => carry(shared, open, jobs),
            Err(error) => Err((error, jobs)),
        };
        match result {
            Ok(open) => connection = Some(open),
            Err((error, jobs)) => {
                give_back(shared, sort, jobs);
                if number == HELPER {
                    // The others will tell what is wrong.
                    wait(shared, number, PAUSE);
                } else {
                    connection = reconnect(shared, number, error);
                }
            }
        }
    }
}

fn carry<K: LeaseKind>(
    shared: &Shared<K>,
    mut connection: Box<dyn LeaseConnection<K>>,
    jobs: Vec<Job<K>>,
) -> Result<Box<dyn LeaseConnection<K>>, Lost<K>> {
    shared.carried[0].fetch_add(jobs.len() as u64, Ordering::Relaxed);
    shared.carried[1].fetch_add(1, Ordering::Relaxed);
    carry_out(shared, &mut *connection, jobs)?;
    Ok(connection)
}

/// Waits for requests and tells their sort; none when the service stops.
fn next_batch<K: LeaseKind>(shared: &Shared<K>, number: usize) -> Option<(usize, Vec<Job<K>>)> {
    let mut queues = shared.queues.lock();
    loop {
        if shared.is_stopping() {
            return None;
        }
        let sort = match number {
            HELPER => {
                let longest = usize::from(queues[1].len() > queues[0].len());
                Some(longest).filter(|&sort| queues[sort].len() >= JOIN_FROM)
            }
            sort => Some(sort).filter(|&sort| !queues[sort].is_empty()),
        };
        if let Some(sort) = sort {
            // What helps leaves the other one something to do.
            let share = if number == HELPER { queues[sort].len() / 2 } else { queues[sort].len() };
            let jobs = queues[sort].drain(..share.min(BATCH_MAX)).collect();
            return Some((sort, jobs));
        }
        shared.ready[number].wait(&mut queues);
    }
}

/// Puts jobs back for another connection, once each: one that a server dies of must not kill the next one.
fn give_back<K: LeaseKind>(shared: &Shared<K>, sort: usize, jobs: Vec<Job<K>>) {
    let (again, new): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.was_lost);
    fail(again);
    let mut queues = shared.queues.lock();
    for job in new.into_iter().rev() {
        queues[sort].push_front(Job { was_lost: true, ..job });
    }
    drop(queues);
    shared.ready[sort].notify_one();
}

/// Waits for a while, or until the service stops.
fn wait<K: LeaseKind>(shared: &Shared<K>, number: usize, time: Duration) {
    let until = Instant::now() + time;
    let mut queues = shared.queues.lock();
    while !shared.is_stopping() && !shared.ready[number].wait_until(&mut queues, until).timed_out()
    {
    }
}

/// Makes a connection that counts anew, as the configuration says; none when the service stops.
fn reconnect<K: LeaseKind>(
    shared: &Shared<K>,
    number: usize,
    error: DbError,
) -> Option<Box<dyn LeaseConnection<K>>> {
    if shared.lost.fetch_add(1, Ordering::SeqCst) == 0 {
        shared.tell(LinkEvent::Lost(error));
    }
    let policy = shared.reconnect;
    let pause = Duration::from_millis(policy.wait_ms.into());
    let tries_max = if policy.wait_ms == 0 { 0 } else { policy.tries_max };
    let goes_on = policy.on_fail == OnFail::ServeRetryContinue;
    let mut tries: u32 = 0;
    loop {
        if shared.is_stopping() {
            return None;
        }
        if tries == tries_max {
            shared.tell(LinkEvent::GaveUp(tries));
        }
        // When the owner is about to end the process nothing is tried any more.
        if tries < tries_max || goes_on {
            match (shared.opener)() {
                Ok(connection) => {
                    if shared.lost.fetch_sub(1, Ordering::SeqCst) == 1 {
                        shared.tell(LinkEvent::Recovered);
                    }
                    return Some(connection);
                }
                Err(error) if tries < tries_max => {
                    shared.tell(LinkEvent::Failed(tries + 1, error));
                }
                Err(_) => {}
            }
        }
        tries = tries.saturating_add(1);
        fail(take_all(shared, number));
        wait_failing(shared, number, if tries >= tries_max { pause.max(SLOW) } else { pause });
    }
}

fn take_all<K: LeaseKind>(shared: &Shared<K>, number: usize) -> Vec<Job<K>> {
    shared.queues.lock()[number].drain(..).collect()
}

/// Waits for a while and answers meanwhile that there is no database.
fn wait_failing<K: LeaseKind>(shared: &Shared<K>, number: usize, time: Duration) {
    let until = Instant::now() + time;
    loop {
        let mut queues = shared.queues.lock();
        while queues[number].is_empty() {
            let is_over = shared.is_stopping()
                || shared.ready[number].wait_until(&mut queues, until).timed_out();
            if is_over {
                return;
            }
        }
        drop(queues);
        fail(take_all(shared, number));
        if Instant::now() >= until {
            return;
        }
    }
}
