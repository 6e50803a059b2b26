//! The server as a whole: acceptance, counters, panics, the queue of one client.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kea_dhcp4::server::Server4;
use libdhcp::v4::{MessageType, code};
use libdhcpsrv::intake::Progress;
use libdhcpsrv::lease4::{LeaseStore4, V4};
use libdhcpsrv::server::DhcpServer;
use libdhcpsrv::session::{Question4, Store, Submitted};
use stats::Packet4;
use util::Now;
use util::link::Replies;

use crate::stand::{SMALL, Stand, discover, query, selecting};

#[test]
fn only_messages_of_clients_are_accepted() {
    let mut stand = Stand::new(SMALL);
    for kind in MessageType::ALL {
        let accepted = matches!(
            kind,
            MessageType::Discover
                | MessageType::Request
                | MessageType::Decline
                | MessageType::Release
                | MessageType::Inform
        );
        if !accepted {
            let reason = stand.drop_reason(&query(kind, 1));
            assert_eq!(reason, "the message type is not for servers", "{kind:?}");
        }
    }
    let mut untyped = discover(1);
    untyped.message.remove(code::MESSAGE_TYPE);
    let reason = stand.drop_reason(&untyped.clone().option(code::HOST_NAME, b"x"));
    assert_eq!(reason, "the packet has no message type (option 53)");
    let reason = stand.drop_reason(&untyped.option(code::MESSAGE_TYPE, &[77]));
    assert_eq!(reason, "the message type is not known");
    let mut reply = discover(1);
    reply.message.header.op = libdhcp::v4::BOOTREPLY;
    assert_eq!(stand.drop_reason(&reply), "the message type is not for servers");
}

#[test]
fn hardware_addresses_have_sixteen_bytes_at_most() {
    let mut stand = Stand::new(SMALL);
    for (hlen, served) in [(0, false), (1, true), (16, true), (17, false), (255, false)] {
        let mut payload = discover(1).message.to_bytes().unwrap();
        payload[2] = hlen;
        let answers = stand.ask_bytes(&payload, &discover(1)).answers;
        assert_eq!(answers.len(), usize::from(served), "hlen {hlen}");
    }
}

#[test]
fn packets_are_counted_by_kind_and_fate() {
    let mut stand = Stand::new(SMALL);
    stand.bind(&discover(1));
    stand.nak_reason(&selecting(2, [192, 0, 2, 10]));
    stand.ask_bytes(&[1; 100], &discover(1));
    let foreign = query(MessageType::Request, 2).server([9, 9, 9, 9].into());
    stand.drop_reason(&foreign);
    let counted = [
        Packet4::Received,
        Packet4::DiscoverReceived,
        Packet4::RequestReceived,
        Packet4::ParseFailed,
        Packet4::ReceiveDrop,
    ];
    assert_eq!(counted.map(|packet| stand.counted(packet)), [5, 1, 3, 1, 2]);
    for kind in [MessageType::Offer, MessageType::Ack, MessageType::Nak] {
        stand.server.sent(kind as u32);
    }
    let sent = [Packet4::Sent, Packet4::OfferSent, Packet4::AckSent, Packet4::NakSent];
    assert_eq!(sent.map(|packet| stand.counted(packet)), [3, 1, 1, 1]);
}

/// A store with a defect.
struct Broken {
    inner: Arc<LeaseStore4>,
    is_broken: Arc<AtomicBool>,
}

impl Store<V4> for Broken {
    fn submit(&self, question: &Question4<'_>, now: Now) -> Submitted<V4> {
        assert!(!self.is_broken.load(Ordering::Relaxed), "a defect");
        self.inner.submit(question, now)
    }
}

#[test]
fn panic_costs_one_packet_and_leaves_the_gate_open() {
    let is_broken = Arc::new(AtomicBool::new(true));
    let wrap = is_broken.clone();
    let mut stand = Stand::with_store(SMALL, |inner| Arc::new(Broken { inner, is_broken: wrap }));
    let query = discover(1);
    let payload = query.message.to_bytes().unwrap();
    let processed = catch_unwind(AssertUnwindSafe(|| {
        stand.server.receive(query.inbound(&payload), stand.now, &mut stand.replies)
    }));
    assert!(processed.is_err());
    stand.server.processing_failed(&query.inbound(&payload), "a defect");
    assert_eq!(stand.shared.gate.in_progress(), 0);
    assert_eq!(stand.counted(Packet4::ProcessingFailed), 1);
    is_broken.store(false, Ordering::Relaxed);
    stand.bind(&query);
}

#[test]
fn second_packet_of_a_client_waits_for_the_end_of_the_batch() {
    let stand = Stand::new(SMALL);
    // Another worker of the same daemon has the client in progress.
    let runtime = stand.server.runtime().clone();
    let counters = stand.statistics.worker(stand.now);
    let mut other = Server4::new(stand.shared.clone(), runtime, counters, 3);
    let query = discover(1);
    let payload = query.message.to_bytes().unwrap();
    let inside = inside_gate(&stand);
    let mut replies = Replies::default();
    let progress = other.receive(query.inbound(&payload), stand.now, &mut replies);
    assert_eq!(progress, Progress::Deferred);
    stand.shared.gate.leave(inside);
    other.end_batch(stand.now, &mut replies);
    assert_eq!(replies.ready.len(), 1);

    let inside = inside_gate(&stand);
    other.receive(query.inbound(&payload), stand.now, &mut replies);
    other.end_batch(stand.now, &mut replies);
    assert_eq!(other.counters().value(Packet4::Duplicate), 1, "nobody would tell when it is over");
    stand.shared.gate.leave(inside);
    other.end_batch(stand.now, &mut replies);
    assert_eq!(replies.ready.len(), 1);
    assert_eq!(stand.shared.gate.in_progress(), 0);
}

/// Enters client 1 into the gate, as a worker does.
fn inside_gate(stand: &Stand) -> libdhcpsrv::gate::Entered {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = stand.shared.hasher.build_hasher();
    hasher.write(&[2, 0, 0, 0, 0, 1]);
    stand.shared.gate.enter(hasher.finish()).expect("nobody is inside")
}
