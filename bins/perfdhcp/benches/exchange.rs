//! What the generator itself costs per exchange, without sockets, and what it allocates (nothing).
//!
//! A round is 64 exchanges of a closed loop against a server that answers at once by patching a prepared answer, which
//! is part of the time. `cargo bench -p perfdhcp`.

use std::net::Ipv4Addr;

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use libdhcp::v6::{IaKind, IaTimes, Lifetimes, MessageType, Writer, code};
use perfdhcp::dhcp4::{Dhcp4, Settings4};
use perfdhcp::dhcp6::{Dhcp6, Settings6};
use perfdhcp::generator::Generator;
use perfdhcp::generator::outgoing::Outgoing;
use perfdhcp::generator::plan::{Load, Plan};
use perfdhcp::identity::Identities;
use perfdhcp::options::LeaseType;
use perfdhcp::protocol::Protocol;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const WINDOW: u32 = 64;

fn main() {
    divan::main();
}

fn identities() -> Identities {
    let duid = vec![0, 1, 0, 1, 0x32, 0x99, 0, 0, 0, 12, 1, 2, 3, 4];
    Identities { mac: [0, 12, 1, 2, 3, 4], duid, list: Vec::new() }
}

/// Runs rounds of exchanges; `answer` writes the answer to a query.
fn rounds<P: Protocol>(
    bencher: Bencher<'_, '_>,
    protocol: P,
    mut answer: impl FnMut(&[u8], &mut Vec<u8>),
) {
    let mut plan = Plan::new(Load::Closed { window: WINDOW });
    plan.check_unique = true;
    // The table of addresses has its size after the first round.
    plan.clients = 1000;
    let mut generator = Generator::new(protocol, plan, 0);
    let (mut out, mut now) = (Outgoing::new(), 0);
    let mut answers: Vec<Vec<u8>> = (0..WINDOW).map(|_| Vec::with_capacity(1500)).collect();
    let mut round = || {
        // Both halves of every exchange.
        for _ in 0..2 {
            now += 100_000;
            generator.poll(now, &mut out);
            let count = out.len();
            for (message, buffer) in out.messages().zip(&mut answers) {
                buffer.clear();
                answer(message, buffer);
            }
            out.clear();
            for buffer in answers.iter().take(count) {
                generator.receive(buffer, now, &mut out);
            }
        }
    };
    (0..100).for_each(|_| round());
    bencher.counter(ItemsCount::new(WINDOW)).bench_local(round);
    let statistics = generator.statistics();
    assert!(statistics.completed > 1000 && statistics.oddities == Default::default());
}

#[divan::bench]
fn dhcp4(bencher: Bencher<'_, '_>) {
    let relays = vec![Ipv4Addr::new(192, 0, 2, 1)];
    let settings =
        Settings4 { identities: identities(), relays, options: Vec::new(), templates: Vec::new() };
    let protocol = Dhcp4::new(settings).expect("no template");
    rounds(bencher, protocol, |query, out| {
        out.extend_from_slice(&query[..240]);
        out[0] = 2;
        out[16..20].copy_from_slice(&[10, query[31], query[32], query[33]]);
        let kind = if query[242] == 1 { 2 } else { 5 };
        out.extend([
            53, 1, kind, 54, 4, 10, 0, 0, 1, 51, 4, 0, 0, 14, 16, 1, 4, 255, 255, 0, 0, 255,
        ]);
    });
}

#[divan::bench]
fn dhcp6(bencher: Bencher<'_, '_>) {
    let settings = Settings6 {
        identities: identities(),
        lease_type: LeaseType::Address,
        rapid_commit: false,
        relays: vec!["2001:db8::2".parse().expect("an address")],
        levels: 0,
        relay_options: Vec::new(),
        options: Vec::new(),
        templates: Vec::new(),
        clients: 1000,
    };
    let protocol = Dhcp6::new(settings).expect("no template");
    let mut prepared = Vec::new();
    let mut writer =
        Writer::message(&mut prepared, MessageType::Advertise, [0; 3], 1000).expect("room");
    writer.put_option(code::CLIENTID, &[0; 14]).expect("room");
    writer.put_option(code::SERVERID, &[0, 3, 0, 1, 2, 0, 0, 0, 0, 1]).expect("room");
    writer.begin_ia(IaKind::Na, 1, IaTimes { t1: 900, t2: 1440 }).expect("room");
    let lifetimes = Lifetimes { preferred: 1800, valid: 3600 };
    writer.put_ia_address("2001:db8::1".parse().expect("an address"), lifetimes).expect("room");
    writer.end_option();
    writer.finish();
    let tail = prepared.len() - 12;
    rounds(bencher, protocol, move |query, out| {
        out.extend_from_slice(&prepared);
        out[0] = if query[0] == 1 { 2 } else { 7 };
        out[1..4].copy_from_slice(&query[1..4]);
        out[8..22].copy_from_slice(&query[8..22]);
        // The address is a function of the client.
        out[tail - 4..tail - 2].copy_from_slice(&query[20..22]);
    });
}
