//! The generator against simulated servers, in virtual time.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use libdhcp::v4::{SpanTable, View, code};
use util::{Entropy, SplitMix};

use super::outgoing::Outgoing;
use super::plan::{DropsMax, Load, Plan, SECOND_NS, Steps, Waiting};
use super::{Ending, Generator};
use crate::dhcp4::{Dhcp4, Settings4};
use crate::identity::Identities;
use crate::protocol::Exchange;

const SERVER: [u8; 4] = [10, 0, 0, 1];

fn dhcp4() -> Dhcp4 {
    let identities = Identities { mac: [0, 12, 0, 0, 0, 0], duid: Vec::new(), list: Vec::new() };
    let relays = vec![Ipv4Addr::new(192, 0, 2, 1)];
    Dhcp4::new(Settings4 { identities, relays, options: Vec::new(), templates: Vec::new() })
        .unwrap()
}

/// An answer to a DHCPv4 query: the address is a function of the hardware address.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let mut spans = SpanTable::new();
    let view = View::parse(query, &mut spans).ok()?;
    let kind = match view.option(code::MESSAGE_TYPE)? {
        [1] => 2,
        [3] => 5,
        _ => return None,
    };
    let mut reply = query[..240].to_vec();
    reply[0] = 2;
    reply[16..20].copy_from_slice(&[10, query[31], query[32], query[33]]);
    reply.extend([53, 1, kind, 54, 4]);
    reply.extend(SERVER);
    reply.extend([51, 4, 0, 0, 14, 16, 255]);
    Some(reply)
}

/// The network and the server behind it: what answers a query, and when it arrives.
type Server<'s> = dyn FnMut(&[u8], u64) -> Vec<(u64, Vec<u8>)> + 's;

/// Runs a plan in virtual time until it ends.
fn run(plan: Plan, server: &mut Server<'_>) -> Generator<Dhcp4> {
    run_for(plan, u64::MAX, server)
}

/// As [`run`], stopped after a time. The begin is not 0, so that nothing relies on that.
fn run_for(plan: Plan, stop_ns: u64, server: &mut Server<'_>) -> Generator<Dhcp4> {
    let begin = 5 * SECOND_NS;
    let mut generator = Generator::new(dhcp4(), plan, begin);
    let mut out = Outgoing::new();
    let mut flying: BTreeMap<(u64, u64), Vec<u8>> = BTreeMap::new();
    let (mut now, mut number) = (begin, 0);
    loop {
        generator.poll(now, &mut out);
        let mut due = Vec::new();
        while let Some(first) = flying.first_entry().filter(|entry| entry.key().0 <= now) {
            due.push(first.remove());
            if due.len() >= out.room() {
                break;
            }
        }
        for datagram in due {
            generator.receive(&datagram, now, &mut out);
        }
        for message in out.messages() {
            for (delay, reply) in server(message, now - begin) {
                number += 1;
                flying.insert((now + delay, number), reply);
            }
        }
        out.clear();
        if now - begin >= stop_ns {
            generator.stop(now);
        }
        if generator.ending().is_some() {
            return generator;
        }
        let arrival = flying.first_key_value().map_or(u64::MAX, |((at, _), _)| *at);
        now = generator.deadline_ns(now).min(arrival).max(now + 1000);
    }
}

/// A server that answers everything after 200 microseconds.
fn good(query: &[u8], _: u64) -> Vec<(u64, Vec<u8>)> {
    answer(query).map(|reply| (200_000, reply)).into_iter().collect()
}

fn limited(plan: Plan, requests: u64) -> Plan {
    let mut plan = plan;
    plan.limits.requests[0] = Some(requests);
    plan
}

#[test]
fn good_server_completes_every_exchange() {
    let mut generator = run(limited(Plan::open(1000.0), 5000), &mut good);
    let statistics = generator.statistics();
    assert_eq!((statistics.begun, statistics.completed, statistics.drops()), (5000, 5000, 0));
    assert_eq!(generator.ending(), Some(Ending::Requests));
    assert!((statistics.rate() - 1000.0).abs() < 1.0, "{}", statistics.rate());
    assert_eq!(statistics.oddities, Default::default());
    for exchange in [Exchange::First, Exchange::Second] {
        let counts = statistics.of(exchange);
        assert_eq!((counts.sent, counts.received), (5000, 5000));
        assert_eq!((counts.delay.min_ns, counts.delay.max_ns), (200_000, 200_000));
    }
    generator.stop(0);
    assert_eq!(generator.ending(), Some(Ending::Requests), "an end is an end");
}

#[test]
fn arrivals_do_not_wait_for_a_stalled_server() {
    // The server does nothing from second 1 to second 2, and answers what has gathered then.
    let mut stalled = |query: &[u8], at: u64| {
        let stall = if (SECOND_NS..2 * SECOND_NS).contains(&at) { 2 * SECOND_NS - at } else { 0 };
        answer(query).map(|reply| (200_000 + stall, reply)).into_iter().collect()
    };
    let mut plan = limited(Plan::open(1000.0), 4000);
    plan.patience_ns = [5 * SECOND_NS; 2];
    let generator = run(plan, &mut stalled);
    let latency = &generator.statistics().of(Exchange::First).latency;
    // A quarter of all exchanges began in the stall; a loop that waits for answers would have seen one.
    assert!(latency.quantile_ns(0.74) < 300_000);
    assert!(latency.quantile_ns(0.9) > 500_000_000, "{}", latency.quantile_ns(0.9));
    assert!(latency.max_ns() >= SECOND_NS);
}

#[test]
fn lateness_of_the_generator_counts_from_the_intended_time() {
    let mut out = Outgoing::new();
    let mut generator = Generator::new(dhcp4(), Plan::open(100.0), 0);
    generator.poll(0, &mut out);
    out.clear();
    // The generator sleeps for 100 ms: ten exchanges are overdue.
    generator.poll(100_000_000, &mut out);
    assert_eq!(out.len(), 10);
    let replies: Vec<_> = out.messages().filter_map(answer).collect();
    out.clear();
    for reply in replies {
        generator.receive(&reply, 101_000_000, &mut out);
    }
    let counts = generator.statistics().of(Exchange::First);
    assert_eq!((counts.received, counts.delay.max_ns), (10, 1_000_000));
    assert_eq!(counts.latency.max_ns(), 91_000_000);
    assert_eq!(generator.statistics().own.sent_late, 9);
}

thread_local! {
    static LOSSES: Cell<u64> = const { Cell::new(0) };
}

/// The equivalent of an hour with 10 % loss in each direction: memory is what it was at the start.
#[test]
fn an_hour_with_losses_takes_no_more_memory_than_a_second() {
    let mut plan = Plan::open(100.0);
    plan.limits.period_ns = Some(3600 * SECOND_NS);
    plan.renew_rate = 10.0;
    plan.release_rate = 10.0;
    plan.keep_holders = true;
    plan.check_unique = true;
    plan.clients = 5000;
    let mut entropy = SplitMix::new(3);
    let mut lossy = |query: &[u8], _: u64| {
        if entropy.below(10) == 0 {
            LOSSES.set(LOSSES.get() + 1);
            return Vec::new();
        }
        answer(query).map(|reply| (300_000, reply)).into_iter().collect()
    };
    let slots = plan.slots().next_power_of_two();
    let generator = run(plan, &mut lossy);
    let statistics = generator.statistics();
    assert_eq!(statistics.begun, 360_000);
    // Every exchange was decided: completed, or its loss noticed in time.
    assert_eq!(
        statistics.begun,
        statistics.completed
            + statistics.of(Exchange::First).drops()
            + statistics.of(Exchange::Second).drops()
    );
    let share = statistics.completed as f64 / statistics.begun as f64;
    assert!((0.80..0.82).contains(&share), "two messages, each lost with 10 %: {share}");
    assert!(statistics.of(Exchange::Renewal).sent > 30_000);
    assert!(statistics.of(Exchange::Release).sent > 30_000);
    assert_eq!((generator.capacity() as usize, statistics.own.no_slot), (slots, 0));
    assert!(slots < 1024, "slots for what can be in progress, not for what was: {slots}");
    assert_eq!((generator.in_progress(), statistics.oddities.shared), (0, 0));
    assert!(generator.series().points().len() <= crate::series::POINTS_MAX);
    assert!(LOSSES.get() > 70_000);
}

#[test]
fn nothing_answered_fits_into_the_slots_for_ever() {
    let mut plan = Plan::open(20_000.0);
    plan.limits.period_ns = Some(6 * SECOND_NS);
    let generator = run(plan, &mut |_, _| Vec::new());
    let statistics = generator.statistics();
    assert_eq!((statistics.own.no_slot, statistics.begun), (0, 120_000));
    assert_eq!(statistics.of(Exchange::First).given_up, 120_000);
}

#[test]
fn late_answers_are_late_and_no_answers() {
    let mut slow = |query: &[u8], _: u64| {
        answer(query).map(|reply| (1500 * SECOND_NS / 1000, reply)).into_iter().collect()
    };
    let mut plan = limited(Plan::open(100.0), 300);
    plan.limits.exit_wait_ns = Some(3 * SECOND_NS);
    let generator = run(plan, &mut slow);
    let statistics = generator.statistics();
    assert_eq!((statistics.completed, statistics.of(Exchange::First).received), (0, 0));
    // The run ends when all are decided; what is late by then is not waited for.
    assert!(statistics.oddities.late >= 200, "{:?}", statistics.oddities);
    assert_eq!(statistics.of(Exchange::First).orphans, statistics.oddities.late);
}

/// One exchange against a server that sends `replies` made of the right one.
fn oddity(edit: impl Fn(&mut Vec<Vec<u8>>)) -> Generator<Dhcp4> {
    let mut server = |query: &[u8], _: u64| {
        let mut replies: Vec<Vec<u8>> = answer(query).into_iter().collect();
        edit(&mut replies);
        replies.into_iter().map(|reply| (100_000, reply)).collect()
    };
    run(limited(Plan::open(100.0), 10), &mut server)
}

fn is_ack(reply: &[u8]) -> bool {
    reply.get(242) == Some(&5)
}

#[test]
fn odd_answers_are_counted_by_kind_and_end_nothing() {
    let count = |edit: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let generator = oddity(edit);
        assert_eq!(generator.ending(), Some(Ending::Requests));
        let statistics = generator.statistics();
        (statistics.completed, statistics.oddities, statistics.rejected(), statistics.drops())
    };
    let (completed, odd, ..) = count(&|replies| replies.extend(replies.clone()));
    assert_eq!((completed, odd.duplicates), (10, 20), "each twice");
    let (completed, odd, _, drops) = count(&|replies| replies[0][7] ^= 0x55);
    assert!(
        completed == 0 && drops == 10 && odd.foreign + odd.late + odd.wrong_client >= 10,
        "{odd:?}"
    );
    let (.., odd, _, _) = count(&|replies| replies.push(vec![2; 20]));
    assert_eq!(odd.too_short, 20);
    let (_, odd, ..) = count(&|replies| replies.push(vec![2; 300]));
    assert_eq!(odd.garbage, 20, "no cookie");
    let (completed, odd, _, drops) = count(&|replies| replies[0].truncate(250));
    assert_eq!((completed, odd.garbage, drops), (0, 10, 10), "options are cut off");
    let (completed, odd, ..) = count(&|replies| {
        let mut query = replies[0].clone();
        query[0] = 1;
        replies.push(query);
    });
    assert_eq!((completed, odd.not_from_server), (10, 20));
    let (completed, odd, rejected, drops) = count(&|replies| {
        if is_ack(&replies[0]) {
            replies[0][242] = 6;
        }
    });
    assert_eq!((completed, odd.refusals, rejected, drops), (0, 10, 10, 0), "NAK");
    let (completed, odd, rejected, _) = count(&|replies| replies[0][16..20].fill(0));
    assert_eq!((completed, odd.incomplete, rejected), (0, 10, 10), "no address");
    let (completed, odd, ..) = count(&|replies| {
        if is_ack(&replies[0]) {
            replies[0][19] ^= 0x80;
        }
    });
    assert_eq!((completed, odd.changed), (10, 10), "another address than offered");
    let (completed, odd, _, drops) = count(&|replies| replies[0][33] ^= 1);
    assert_eq!((completed, odd.wrong_client, drops), (0, 10, 10));
    let (completed, odd, _, drops) = count(&|replies| replies[0][242] = 5);
    assert_eq!((completed, odd.wrong_type, drops), (0, 10, 10), "ACK to a DISCOVER");
    let (_, odd, ..) = count(&|replies| {
        replies[0][4..8].fill(0xff);
        replies[0][242] = 8;
    });
    assert_eq!(odd.foreign, 10);
}

#[test]
fn address_of_another_client_is_noticed() {
    let mut shared = |query: &[u8], _: u64| {
        let reply = answer(query).map(|mut reply| {
            reply[16..20].copy_from_slice(&[10, 9, 9, 9]);
            (100_000, reply)
        });
        reply.into_iter().collect()
    };
    let plan = Plan { check_unique: true, clients: 5, ..limited(Plan::open(100.0), 10) };
    let generator = run(plan.clone(), &mut shared);
    let statistics = generator.statistics();
    assert_eq!((statistics.oddities.shared, statistics.of(Exchange::Second).non_unique), (9, 9));
    let generator = run(plan, &mut good);
    assert_eq!(generator.statistics().oddities.shared, 0, "the same client may get it again");
}

#[test]
fn runs_end_at_their_limits() {
    let ending = |edit: &dyn Fn(&mut Plan), server: &mut Server<'_>| {
        let mut plan = Plan::open(100.0);
        edit(&mut plan);
        let generator = run(plan, server);
        let counts = generator.statistics().of(Exchange::First);
        (generator.ending().unwrap(), counts.sent, counts.drops())
    };
    let mut silent = |_: &[u8], _: u64| Vec::new();
    let period = &|plan: &mut Plan| plan.limits.period_ns = Some(2 * SECOND_NS);
    assert_eq!(ending(period, &mut good), (Ending::Period, 200, 0));
    let second = &|plan: &mut Plan| plan.limits.requests[1] = Some(7);
    assert_eq!(ending(second, &mut good).0, Ending::Requests);
    let drops = &|plan: &mut Plan| plan.limits.drops[0] = Some(DropsMax::Count(5));
    let (reason, sent, dropped) = ending(drops, &mut silent);
    assert_eq!(reason, Ending::Drops);
    assert!(sent > 100 && dropped == sent, "those that wait count, too: {sent} {dropped}");
    let share = &|plan: &mut Plan| plan.limits.drops[0] = Some(DropsMax::Share(0.05));
    assert_eq!(ending(share, &mut silent).0, Ending::DropShare);
    let fine = &|plan: &mut Plan| {
        share(plan);
        period(plan);
    };
    assert_eq!(ending(fine, &mut good).0, Ending::Period);
    let generator = run_for(Plan::open(100.0), SECOND_NS, &mut good);
    assert_eq!(generator.ending(), Some(Ending::Interrupted));
}

#[test]
fn first_ten_decide_no_share() {
    let mut plan = Plan::open(1000.0);
    plan.limits.drops[0] = Some(DropsMax::Share(0.5));
    plan.limits.requests[0] = Some(9);
    let generator = run(plan.clone(), &mut |_, _| Vec::new());
    assert_eq!(generator.ending(), Some(Ending::Requests), "nine are too few");
    plan.limits.requests[0] = None;
    let generator = run(plan, &mut |_, _| Vec::new());
    assert_eq!(generator.statistics().of(Exchange::First).given_up, 10);
}

#[test]
fn closed_loop_keeps_its_window() {
    let mut most = 0;
    let mut in_flight: Vec<u64> = Vec::new();
    let mut server = |query: &[u8], at: u64| {
        in_flight.retain(|end| *end > at);
        in_flight.push(at + 1_000_000);
        most = most.max(in_flight.len());
        answer(query).map(|reply| (1_000_000, reply)).into_iter().collect()
    };
    let mut plan = Plan::new(Load::Closed { window: 10 });
    plan.limits.period_ns = Some(SECOND_NS);
    let generator = run(plan, &mut server);
    // Ten at a time, two milliseconds each.
    assert!((4900..=5010).contains(&generator.statistics().completed));
    assert!((10..=11).contains(&most), "{most}");
}

#[test]
fn avalanche_repeats_until_all_are_served() {
    let mut entropy = SplitMix::new(1);
    let mut server = |query: &[u8], at: u64| {
        let lost = at < SECOND_NS / 2 || entropy.below(3) == 0;
        if lost { Vec::new() } else { good(query, at) }
    };
    let plan = Plan { clients: 200, ..Plan::new(Load::Avalanche) };
    let generator = run(plan, &mut server);
    let statistics = generator.statistics();
    assert_eq!((generator.ending(), statistics.completed), (Some(Ending::AllServed), 200));
    let counts = statistics.of(Exchange::First);
    assert_eq!((counts.sent, counts.received, counts.drops()), (200, 200, 0));
    assert!(counts.resent >= 200, "the first ones were all lost");
    assert!(statistics.end_ns - statistics.start_ns < 300 * SECOND_NS);
}

#[test]
fn avalanche_serves_all_clients_whatever_was_preloaded() {
    for preload in [30, 100, 250] {
        let plan = Plan { clients: 100, preload, ..Plan::new(Load::Avalanche) };
        let generator = run_for(plan, 600 * SECOND_NS, &mut good);
        let statistics = generator.statistics();
        let end = (generator.ending(), statistics.completed);
        assert_eq!(end, (Some(Ending::AllServed), 100), "{preload}");
    }
}

#[test]
fn clients_stay_within_their_number_wherever_they_begin() {
    let mut seen = std::collections::BTreeSet::new();
    let mut server = |query: &[u8], at: u64| {
        seen.insert(query[33]);
        good(query, at)
    };
    let plan = Plan { clients: 10, first_client: 7, ..limited(Plan::open(100.0), 50) };
    run(plan, &mut server);
    assert_eq!(seen.len(), 10);
    assert_eq!(seen.last().map(|last| last - seen.first().unwrap()), Some(9), "{seen:?}");
}

#[test]
fn endless_waits_and_hardly_any_rate_do_not_overflow() {
    let mut plan = limited(Plan::open(100.0), 10);
    plan.limits.exit_wait_ns = Some(u64::MAX);
    assert_eq!(run(plan, &mut good).statistics().completed, 10);
    let generator = run_for(Plan::open(1e-11), 100 * SECOND_NS, &mut good);
    assert_eq!(generator.statistics().begun, 1, "the next one is due in 3,000 years");
}

#[test]
fn two_way_exchanges_end_with_the_offer() {
    let plan = Plan { steps: Steps::Two { rapid_commit: false }, ..limited(Plan::open(100.0), 20) };
    let generator = run(plan, &mut good);
    let statistics = generator.statistics();
    assert_eq!((statistics.completed, statistics.of(Exchange::Second).sent), (20, 0));
}

#[test]
fn preload_and_waiting_clients_are_as_told() {
    let mut seconds = Vec::new();
    let mut server = |query: &[u8], at: u64| {
        seconds.push((at, u16::from_be_bytes([query[8], query[9]])));
        good(query, at)
    };
    let waiting = Some(Waiting { after_ns: 2 * SECOND_NS, for_ns: 3 * SECOND_NS });
    let plan = Plan { preload: 100, waiting, ..limited(Plan::open(10.0), 80) };
    let generator = run(plan, &mut server);
    let statistics = generator.statistics();
    assert_eq!(
        (statistics.begun, statistics.completed, statistics.of(Exchange::First).orphans),
        (80, 80, 0)
    );
    assert_eq!(seconds.len(), 260, "the preload sends, and is not counted");
    assert!(seconds.iter().take(100).all(|(at, _)| *at < 1_000_000));
    for (at, secs) in seconds {
        let expected = if (2 * SECOND_NS..5 * SECOND_NS).contains(&at) {
            (at / SECOND_NS - 2) as u16
        } else {
            0
        };
        assert_eq!(secs, expected, "at {at}");
    }
}

#[test]
fn clients_begin_in_turn_and_keep_their_transaction_id() {
    let mut seen: Vec<(u8, [u8; 4], u8)> = Vec::new();
    let mut server = |query: &[u8], at: u64| {
        seen.push((query[33], query[4..8].try_into().unwrap(), query[242]));
        good(query, at)
    };
    run(Plan { clients: 3, ..limited(Plan::open(10.0), 6) }, &mut server);
    let discovers: Vec<_> = seen.iter().filter(|(.., kind)| *kind == 1).collect();
    assert_eq!(discovers.iter().map(|(mac, ..)| *mac).collect::<Vec<_>>(), [0, 1, 2, 0, 1, 2]);
    for (mac, xid, _) in &discovers {
        let request = seen.iter().find(|(_, other, kind)| other == xid && *kind == 3);
        assert_eq!(request.map(|(mac, ..)| mac), Some(mac), "REQUEST under the same id");
    }
}

#[test]
fn equal_seeds_send_equal_messages() {
    let record = |seed| {
        let mut sent = Vec::new();
        let plan =
            Plan { seed, random_clients: true, clients: 1000, ..limited(Plan::open(100.0), 50) };
        run(plan, &mut |query, at| {
            sent.push(query.to_vec());
            good(query, at)
        });
        sent
    };
    assert_eq!(record(1), record(1));
    assert_ne!(record(1), record(2));
}
