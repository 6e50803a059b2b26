//! A server that only answers: the cost of this crate and the kernel below a DHCP server.
//!
//! `echo4 raw|udp INTERFACE [GATHER_US]` makes an OFFER or ACK of 300 bytes from each DISCOVER or
//! REQUEST, with an address that is a function of the client's. It keeps nothing. It waits
//! `GATHER_US` (100) after a datagram came, so that several are received and sent together, and
//! prints counts to standard error when it is interrupted.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use netio::{
    BATCH, Event, Family, InterfaceSpec, Monitor, Plan, SocketKind, SocketToken, Transport,
};
use util::link::{Delivery, Inbound, Outbound, Outbox};

static STOP: AtomicBool = AtomicBool::new(false);

extern "C" fn stop(_: i32) {
    STOP.store(true, Ordering::Relaxed);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (kind, interface) = match arguments.as_slice() {
        [kind, interface, ..] if kind == "raw" => (SocketKind::Raw, interface),
        [kind, interface, ..] if kind == "udp" => (SocketKind::Udp, interface),
        _ => return Err("usage: echo4 raw|udp INTERFACE [GATHER_US]".into()),
    };
    let gather = arguments.get(2).map_or(Ok(100), |text| text.parse())?;
    prepare_process();
    let (mut monitor, mut table) = Monitor::open()?;
    let plan = Plan::new4(vec![InterfaceSpec::parse(interface, Family::V4)?], kind, 67)?;
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
        if gather > 0 {
            std::thread::sleep(Duration::from_micros(gather));
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

/// Writes the reply of a relayed query.
fn answer(inbound: &Inbound<'_>, outbox: &mut Outbox) {
    let query = inbound.payload;
    let (Some(&[code, _, kind]), IpAddr::V4(local)) = (query.get(240..243), inbound.local) else {
        return;
    };
    if query.len() > 300 || code != 53 || kind != 1 && kind != 3 {
        return;
    }
    let mut giaddr = [0; 4];
    giaddr.copy_from_slice(&query[24..28]);
    outbox.push_with(|arena| {
        let start = arena.len();
        arena.extend_from_slice(&query[..240]);
        arena[start] = 2;
        arena[start + 16] = 10;
        arena.copy_within(start + 31..start + 34, start + 17);
        let kind = if kind == 1 { 2 } else { 5 };
        arena.extend_from_slice(&[53, 1, kind, 54, 4]);
        arena.extend_from_slice(&local.octets());
        arena.extend_from_slice(&[51, 4, 0, 0, 14, 16, 1, 4, 255, 0, 0, 0, 255]);
        arena.resize(start + 300, 0);
        Some(Outbound {
            start: 0,
            len: 0,
            interface: inbound.interface,
            source: IpAddr::V4(local),
            destination: SocketAddr::from((giaddr, 67)),
            delivery: Delivery::Routed { fallback: inbound.link_source },
            tag: 0,
            hold: 0,
        })
    });
}
