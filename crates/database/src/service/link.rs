//! The threads that carry requests, each with a connection.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use libdhcpsrv::config::OnFail;
use libdhcpsrv::lease::LeaseKind;

use super::batch::{carry_out, fail};
use super::{BATCH_MAX, JOIN_FROM, Job, LinkEvent, Shared};
use crate::{DbError, LeaseConnection};

/// Pause of a further connection that could not be made.
const PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between two tries after all tries that the configuration grants have failed.
const SLOW: Duration = Duration::from_secs(1);

/// Carries requests until the service stops. Number 0 is the connection that counts; others help it.
pub(super) fn run<K: LeaseKind>(
    shared: &Shared<K>,
    number: usize,
    first: Option<Box<dyn LeaseConnection<K>>>,
) {
    let mut connection = first;
    loop {
        let Some(jobs) = next_batch(shared, number) else { return };
        let open = match connection.take() {
            Some(open) => open,
            None => match (shared.opener)() {
                Ok(open) => open,
                Err(_) => {
                    // The first connection will tell what is wrong.
                    give_back(shared, jobs);
                    wait(shared, PAUSE);
                    continue;
                }
            },
        };
        match carry(shared, open, jobs) {
            Ok(open) => connection = Some(open),
            Err(error) if number == 0 => {
                connection = reconnect(shared, error);
                if connection.is_none() {
                    return;
                }
            }
            Err(_) => {}
        }
    }
}

fn carry<K: LeaseKind>(
    shared: &Shared<K>,
    mut connection: Box<dyn LeaseConnection<K>>,
    jobs: Vec<Job<K>>,
) -> Result<Box<dyn LeaseConnection<K>>, DbError> {
    shared.carried[0].fetch_add(jobs.len() as u64, Ordering::Relaxed);
    shared.carried[1].fetch_add(1, Ordering::Relaxed);
    carry_out(shared, &mut *connection, jobs)?;
    Ok(connection)
}

/// Waits for requests; none when the service stops.
fn next_batch<K: LeaseKind>(shared: &Shared<K>, number: usize) -> Option<Vec<Job<K>>> {
    let (enough, bell) = if number == 0 { (1, 0) } else { (JOIN_FROM, 1) };
    let mut queue = shared.queue.lock();
    while queue.len() < enough && !shared.is_stopping() {
        shared.ready[bell].wait(&mut queue);
    }
    if shared.is_stopping() {
        return None;
    }
    let count = queue.len().min(BATCH_MAX);
    Some(queue.drain(..count).collect())
}

/// Puts jobs back for another connection.
fn give_back<K: LeaseKind>(shared: &Shared<K>, jobs: Vec<Job<K>>) {
    let mut queue = shared.queue.lock();
    for job in jobs.into_iter().rev() {
        queue.push_front(job);
    }
    drop(queue);
    shared.ready[0].notify_one();
}

/// Waits for a while, or until the service stops.
fn wait<K: LeaseKind>(shared: &Shared<K>, time: Duration) {
    let until = Instant::now() + time;
    let mut queue = shared.queue.lock();
    while !shared.is_stopping() && !shared.ready[1].wait_until(&mut queue, until).timed_out() {}
}

/// Makes the connection anew as the configuration says; none when the service stops.
fn reconnect<K: LeaseKind>(
    shared: &Shared<K>,
    error: DbError,
) -> Option<Box<dyn LeaseConnection<K>>> {
    shared.is_up.store(false, Ordering::SeqCst);
    shared.tell(LinkEvent::Lost(error));
    let policy = shared.reconnect;
    let pause = Duration::from_millis(policy.wait_ms.into());
    let tries_max = if policy.wait_ms == 0 { 0 } else { policy.tries_max };
    let goes_on = policy.on_fail == OnFail::ServeRetryContinue;
    let mut tries = 0;
    while !shared.is_stopping() {
        let jobs: Vec<Job<K>> = shared.queue.lock().drain(..).collect();
        fail(jobs);
        if tries == tries_max {
            shared.tell(LinkEvent::GaveUp(tries));
        }
        if tries >= tries_max && !goes_on {
            // The owner is about to end the process; until then nothing is answered.
            wait_failing(shared, SLOW);
            tries = tries.saturating_add(1);
            continue;
        }
        match (shared.opener)() {
            Ok(connection) => {
                shared.is_up.store(true, Ordering::SeqCst);
                shared.tell(LinkEvent::Recovered);
                return Some(connection);
            }
            Err(error) if tries < tries_max => {
                shared.tell(LinkEvent::Failed(tries + 1, error));
            }
            Err(_) => {}
        }
        tries = tries.saturating_add(1);
        wait_failing(shared, if tries >= tries_max { pause.max(SLOW) } else { pause });
    }
    None
}

/// Waits for a while and answers meanwhile that there is no database.
fn wait_failing<K: LeaseKind>(shared: &Shared<K>, time: Duration) {
    let until = Instant::now() + time;
    let mut queue = shared.queue.lock();
    loop {
        if !queue.is_empty() {
            let jobs: Vec<Job<K>> = queue.drain(..).collect();
            drop(queue);
            fail(jobs);
            queue = shared.queue.lock();
            continue;
        }
        if shared.is_stopping() || shared.ready[0].wait_until(&mut queue, until).timed_out() {
            return;
        }
    }
}
