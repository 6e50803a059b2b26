//! What the echo servers have in common: everything but the messages.

use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use netio::{BATCH, Event, Monitor, Plan, SocketToken, Transport};
use util::link::{Inbound, Outbox};

static STOP: AtomicBool = AtomicBool::new(false);

extern "C" fn stop(_: i32) {
    STOP.store(true, Ordering::Relaxed);
}

/// Answers what comes in, by `answer`, until the process is interrupted; then prints counts to
/// standard error. Waits `gather_us` after a datagram came, so that several are received and sent
/// together.
pub(crate) fn serve(
    plan: Plan,
    gather_us: u64,
    mut answer: impl FnMut(&Inbound<'_>, &mut Outbox),
) -> std::io::Result<()> {
    prepare_process();
    let (mut monitor, mut table) = Monitor::open()?;
    let mut transport = Transport::new(plan, 0, 1);
    for event in transport.reconcile(&table) {
        report(&event);
    }
    let mut outbox = Outbox::with_capacity(BATCH, 300);
    let mut polls = Vec::new();
    let (mut received, mut sent, mut rounds, mut drops, mut failed) =
        (0u64, 0u64, 0u64, 0u64, 0u64);
    let mut tokens = watch(&transport, &monitor, &mut polls);
    while !STOP.load(Ordering::Relaxed) {
        wait(&mut polls);
        if polls.last().is_some_and(|poll| poll.revents != 0) && monitor.drain(&mut table)? {
            for event in transport.reconcile(&table) {
                report(&event);
            }
            tokens = watch(&transport, &monitor, &mut polls);
        }
        if gather_us > 0 {
            std::thread::sleep(Duration::from_micros(gather_us));
        }
        outbox.clear();
        for ((token, _), poll) in tokens.iter().zip(&polls) {
            if poll.revents != 0 {
                let mut take = |inbound: Inbound<'_>| answer(&inbound, &mut outbox);
                let report = transport.receive(*token, BATCH, &mut take);
                received += u64::from(report.received);
                drops += u64::from(report.kernel_drops);
            }
        }
        rounds += 1;
        let report = transport.send(&outbox, 0..outbox.len(), &mut |entry, result| {
            if let Err(error) = result {
                eprintln!("{}: {error}", entry.destination);
            }
        });
        sent += u64::from(report.sent);
        failed += u64::from(report.failed);
    }
    eprintln!("received {received} sent {sent} failed {failed} rounds {rounds} drops {drops}");
    Ok(())
}

/// Lets the process sleep for exact times, and ends it orderly.
#[allow(unsafe_code)]
fn prepare_process() {
    // SAFETY: both calls take values and a function that does nothing but store to an atomic.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1000, 0, 0, 0);
        libc::signal(libc::SIGTERM, stop as *const () as libc::sighandler_t);
        libc::signal(libc::SIGINT, stop as *const () as libc::sighandler_t);
    }
}

#[allow(unsafe_code)]
fn wait(polls: &mut [libc::pollfd]) {
    // SAFETY: the pointer and length describe `polls`, which outlives the call.
    unsafe { libc::poll(polls.as_mut_ptr(), polls.len() as libc::nfds_t, 500) };
}

fn watch(
    transport: &Transport,
    monitor: &Monitor,
    polls: &mut Vec<libc::pollfd>,
) -> Vec<(SocketToken, RawFd)> {
    polls.clear();
    let tokens: Vec<_> = transport.raw_fds().collect();
    let fds = tokens.iter().map(|(_, fd)| *fd).chain([monitor.as_raw_fd()]);
    polls.extend(fds.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 }));
    tokens
}

fn report(event: &Event) {
    match event {
        Event::Opened { endpoint, .. } => eprintln!("opened {endpoint:?}"),
        Event::Closed { endpoint, .. } => eprintln!("closed {endpoint:?}"),
        Event::Failed { endpoint, reason } => eprintln!("failed {endpoint:?}: {reason}"),
    }
}
