//! Worker groups: each datagram goes to one worker, each client to the same one.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use netio::{Socket, SocketKind, Transport};

use crate::support::{CLIENT, Net, SERVER, client_of, frame, member, query};

const CLIENTS: u32 = 400;

/// Which workers got which client's datagrams, as often as they got one.
fn received(workers: &mut [Transport], total: usize) -> BTreeMap<u32, Vec<usize>> {
    let mut got: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut count = 0;
    let mut idle = 0;
    while idle < 3 {
        let before = count;
        for (number, worker) in workers.iter_mut().enumerate() {
            worker.receive_any(64, &mut |inbound| {
                got.entry(client_of(inbound.payload)).or_default().push(number);
                count += 1;
            });
        }
        // Frames cross the cable before the sender's call returns, or very soon after.
        if count == before {
            std::thread::yield_now();
            idle += usize::from(count >= total);
        }
    }
    assert_eq!(count, total);
    got
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
