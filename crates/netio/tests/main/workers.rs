//! Worker groups: each datagram goes to one worker, each client to the same one.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use netio::{InterfaceTable, Socket, SocketKind, Transport};

use crate::support::{
    CLIENT, CLIENT_LOCAL, CLIENT6, GROUP, Net, SERVER, SERVER_LOCAL, SERVER6, client_of, frame,
    member, open, plan6, query, wait_for_any,
};

const CLIENTS: u32 = 400;

/// Which workers got which client's datagrams, as often as they got one.
fn received(workers: &mut [Transport], total: usize) -> BTreeMap<u32, Vec<usize>> {
    let mut got: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    collect_by(workers, total, &mut |payload, worker| {
        got.entry(client_of(payload)).or_default().push(worker);
    });
    got
}

/// Receives exactly `total` datagrams and tells which worker got each.
fn collect_by(workers: &mut [Transport], total: usize, tell: &mut impl FnMut(&[u8], usize)) {
    let mut count = 0;
    let mut idle = 0;
    while idle < 3 {
        let before = count;
        for (number, worker) in workers.iter_mut().enumerate() {
            let report = worker.receive_any(64, &mut |inbound| {
                tell(inbound.payload, number);
                count += 1;
            });
            assert_eq!(report.kernel_drops, 0);
        }
        if count == before && count < total {
            let fds = workers.iter().flat_map(|worker| worker.raw_fds().map(|(_, fd)| fd));
            let polls = wait_for_any(fds);
            assert!(polls.iter().any(|poll| poll.revents != 0), "only {count} of {total} came");
        } else if count == before {
            // One too many would cross the cable very soon after the others.
            std::thread::yield_now();
            idle += 1;
        }
    }
    assert_eq!(count, total);
}

fn check_shares(got: &BTreeMap<u32, Vec<usize>>, copies: usize) {
    let mut shares = [0; 2];
    for (client, workers) in got {
        assert_eq!(workers.len(), copies, "client {client}");
        assert!(workers.iter().all(|worker| *worker == workers[0]), "client {client}: {workers:?}");
        shares[workers[0]] += 1;
    }
    assert_eq!(got.len(), CLIENTS as usize);
    assert!(shares.iter().all(|share| *share > CLIENTS / 4), "{shares:?}");
}

#[test]
fn frames_are_shared_by_client() {
    let net = Net::new("fanout");
    net.on_server(|| {
        let mut workers = [0, 1].map(|index| member(&["s0"], SocketKind::Raw, index, 2));
        let client = net.client_frames();
        for copy in 0..3 {
            for number in 0..CLIENTS {
                // Even numbers only, and one copy as a broadcast: neither decides the worker.
                let to = if copy == 1 { Ipv4Addr::BROADCAST } else { SERVER };
                client.send(&frame(CLIENT, to, &query(number * 2, 300)));
            }
        }
        check_shares(&received(&mut workers, 3 * CLIENTS as usize), 3);
    });
}

#[test]
fn datagrams_are_shared_by_client() {
    let net = Net::new("reuse");
    net.on_server(|| {
        let mut workers = [0, 1].map(|index| member(&["s0"], SocketKind::Udp, index, 2));
        let relay = net.client_udp(CLIENT, 67);
        for _ in 0..3 {
            for number in 0..CLIENTS {
                relay.send_to(&query(number * 2, 300), (SERVER, 67)).unwrap();
            }
        }
        check_shares(&received(&mut workers, 3 * CLIENTS as usize), 3);
    });
}

#[test]
fn broadcasts_of_udp_mode_reach_the_first_worker_only() {
    let net = Net::new("first");
    net.on_server(|| {
        let mut workers = [0, 1].map(|index| member(&["s0"], SocketKind::Udp, index, 2));
        let is_broadcast = |socket: &Socket| matches!(socket, Socket::Broadcast { .. });
        assert!(workers[1].endpoints().all(|(_, endpoint)| !is_broadcast(&endpoint.socket)));
        let client = net.client_frames();
        for number in 0..CLIENTS {
            client.send(&frame(CLIENT, Ipv4Addr::BROADCAST, &query(number, 300)));
        }
        let got = received(&mut workers, CLIENTS as usize);
        assert!(got.values().all(|workers| *workers == [0]));
    });
}

/// A DHCPv6 message from a relay or a client whose number is at the end of a DUID, or of its
/// address only.
fn query6(client: u32, form: Form) -> Vec<u8> {
    let number = client.to_be_bytes();
    let mut payload = match form {
        Form::Relayed => [&[12, 0][..], &[0x20; 28], &number].concat(),
        Form::Llt => {
            [&[1, 7, 7, 7, 0, 1, 0, 14, 0, 1, 0, 1, 9, 9, 9, 9, 2, 0], &number[..]].concat()
        }
        Form::Ll => [&[3, 8, 8, 8, 0, 1, 0, 10, 0, 3, 0, 1, 2, 0], &number[..]].concat(),
    };
    let id = if form == Form::Ll { [0, 6] } else { [0, 8] };
    payload.extend(id);
    payload.resize(100, 0xee);
    payload[96..].copy_from_slice(&number);
    payload
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Relayed,
    Llt,
    Ll,
}

/// Sends each client's message three times; who got it.
fn share6(tag: &str, form: Form, to: Ipv6Addr) {
    let net = Net::new6(tag);
    net.on_server(|| {
        let specs = ["s0", "s0/2001:db8::1"];
        let mut workers = [0, 1].map(|index| open(plan6(&specs), index, 2));
        let from = if to == GROUP { CLIENT_LOCAL } else { CLIENT6 };
        let (socket, to) = (net.client_udp(from, 0), net.at_client(to, 547));
        let mut got: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for _ in 0..3 {
            for number in 0..CLIENTS {
                socket.send_to(&query6(number * 2, form), to).unwrap();
            }
        }
        collect_by(&mut workers, 3 * CLIENTS as usize, &mut |payload, worker| {
            let number = u32::from_be_bytes(payload[96..].try_into().unwrap());
            got.entry(number).or_default().push(worker);
        });
        check_shares(&got, 3);
    });
}

#[test]
fn relayed_messages_are_shared_by_client() {
    share6("share6r", Form::Relayed, SERVER6);
}

#[test]
fn multicasts_are_shared_by_client_and_come_once() {
    share6("share6m", Form::Llt, GROUP);
    share6("share6n", Form::Ll, GROUP);
}

#[test]
fn messages_without_a_client_id_are_shared_by_source() {
    let net = Net::new6("share6s");
    net.on_server(|| {
        let mut workers = [0, 1].map(|index| open(plan6(&["s0"]), index, 2));
        let to = net.at_client(GROUP, 547);
        let short: [&[u8]; 6] = [
            b"",
            &[1],
            &[1, 7, 7, 7, 0, 1, 0, 3, 1, 2, 3],
            // A length that leads beyond the end, the longest one that does not, and one below 4.
            &[[1, 7, 7, 7, 0, 1, 0, 29].as_slice(), &[9; 28]].concat(),
            &[[1, 7, 7, 7, 0, 1, 0, 28].as_slice(), &[9; 28]].concat(),
            &[[1, 7, 7, 7, 0, 1, 0, 3].as_slice(), &[9; 28]].concat(),
        ];
        let mut shares = [0; 2];
        for number in 0..32 {
            let address = Ipv6Addr::from((0xfe80 << 112) + 0x1_0000 + number * 77);
            net.client(&format!("addr add {address}/64 dev c0 nodad"));
            let socket = net.client_udp(address, 0);
            for payload in short {
                socket.send_to(payload, to).unwrap();
            }
            let mut got = vec![Vec::new(); 2];
            collect_by(&mut workers, short.len(), &mut |payload, worker| {
                got[worker].push(payload.to_vec());
            });
            // The fifth has an identifier; the others are of one client.
            for payloads in &mut got {
                payloads.retain(|payload| payload.as_slice() != short[4]);
            }
            let worker = usize::from(got[0].is_empty());
            assert_eq!(got[worker].len(), short.len() - 1, "{got:?}");
            shares[worker] += 1;
        }
        assert!(shares.iter().all(|share| *share >= 8), "{shares:?}");
    });
}

#[test]
fn all_workers_serve_an_interface_that_is_made_again_under_its_number() {
    let net = Net::new6("share6a");
    net.on_server(|| {
        let mut workers = [0, 1].map(|index| open(plan6(&["s0"]), index, 2));
        let index = InterfaceTable::read().unwrap().by_name("s0").unwrap().index;
        for _ in 0..2 {
            net.replace_cable(index);
            net.server(&format!("addr add {SERVER_LOCAL}/64 dev s0 nodad"));
            net.client_addresses6();
            let table = InterfaceTable::read().unwrap();
            for worker in &mut workers {
                assert_eq!(worker.reconcile(&table).len(), 2, "one closed, one opened");
            }
            let socket = net.client_udp(CLIENT_LOCAL, 0);
            for number in 0..CLIENTS {
                socket.send_to(&query6(number, Form::Llt), net.at_client(GROUP, 547)).unwrap();
            }
            let mut shares = [0; 2];
            collect_by(&mut workers, CLIENTS as usize, &mut |_, worker| shares[worker] += 1);
            assert!(shares.iter().all(|share| *share > CLIENTS / 4), "{shares:?}");
        }
    });
}
