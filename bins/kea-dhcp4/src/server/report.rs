//! What the server tells the operator about a packet: log lines and counters, without any influence on the answer.
//!
//! Each refused or dropped query is explained in one line that everybody sees, within a limit, and by Kea's own message
//! for the case, which mostly is a debug message.

use std::fmt::Display;
use std::net::Ipv4Addr;

use libdhcp::v4::{ClientLabel, MessageType, View};
use libdhcpsrv::alloc4::Before4;
use stats::Packet4 as Packet;
use util::Now;
use util::link::Inbound;

use super::Desk4;
use crate::handlers::{Answer, Change, DropReason, NakReason, Outcome};
use crate::messages::{loggers::*, *};
use crate::query::Query;

pub(super) fn log_answer(
    desk: &mut Desk4,
    query: &Query<'_>,
    input: &Inbound<'_>,
    answer: &Answer,
    now: Now,
) {
    let label = || query.view.label();
    match (answer.message_type, answer.lifetime, answer.refusal) {
        (MessageType::Offer, ..) => {
            kea_log::log!(LEASES, DHCP4_LEASE_OFFER, label(), answer.yiaddr);
        }
        (MessageType::Ack, Some(lifetime), _) if answer.before == Some(Before4::Cached) => {
            kea_log::log!(LEASES, DHCP4_LEASE_REUSE, label(), answer.yiaddr, lifetime);
        }
        (MessageType::Ack, Some(lifetime), _) => {
            kea_log::log!(LEASES, DHCP4_LEASE_ALLOC, label(), answer.yiaddr, lifetime);
        }
        (_, _, Some(reason)) => {
            let messages = [&DHCP4_QUERY_REFUSED, reason.message()];
            explain(desk, input, query.view, now, messages, &reason);
        }
        _ => {}
    }
}

/// Says why a query was refused or dropped: in one line that every operator sees, limited in number, and with
/// Kea's own message, which mostly is a debug message.
#[cold]
pub(super) fn explain(
    desk: &mut Desk4,
    input: &Inbound<'_>,
    view: &View<'_>,
    now: Now,
    messages: [&'static kea_log::Message; 2],
    reason: &dyn Display,
) {
    let label: ClientLabel<'_> = view.label();
    let name = view.message_type().ok().flatten().map_or("packet", MessageType::name);
    let link = desk.links.name(input.interface);
    let giaddr = view.giaddr();
    let via = if view.is_relayed() { &giaddr as &dyn Display } else { &"no relay" };
    for message in messages {
        if BAD_PACKETS.is_rank_enabled(message.rank())
            && let Some(suppressed) = desk.limiter.admit(message, now.mono_ns)
        {
            BAD_PACKETS.write_limited(message, &[&label, &name, &link, via, reason], suppressed);
        }
    }
}

/// Warns that a subnet has no free address.
#[cold]
pub(super) fn warn_exhausted(desk: &mut Desk4, query: &Query<'_>, subnet: u32, now: Now) {
    let label = query.view.label();
    kea_log::log_limited!(
        desk.limiter,
        now.mono_ns,
        ALLOC,
        ALLOC_ENGINE_V4_ALLOC_FAIL,
        label,
        subnet
    );
}

/// Warns that another client has the address that is reserved for this one.
#[cold]
pub(super) fn warn_conflict(
    desk: &mut Desk4,
    query: &Query<'_>,
    subnet: u32,
    address: Ipv4Addr,
    now: Now,
) {
    let label = query.view.label();
    kea_log::log_limited!(
        desk.limiter,
        now.mono_ns,
        ALLOC,
        ALLOC_ENGINE_V4_DISCOVER_ADDRESS_CONFLICT,
        label,
        address,
        subnet
    );
}

/// Whether a client went away empty-handed because nothing is free.
pub(super) fn is_exhausted(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Drop(DropReason::Exhausted | DropReason::ReservedInUse) => true,
        Outcome::Reply(answer) => answer.refusal == Some(NakReason::Exhausted),
        _ => false,
    }
}

pub(super) fn log_change(view: &View<'_>, change: Change, probation: u32) {
    match change {
        Change::Released(address) => kea_log::log!(LEASES, DHCP4_RELEASE, view.label(), address),
        Change::Declined(address) => {
            kea_log::log!(LEASES, DHCP4_DECLINE_LEASE, view.label(), address, probation);
        }
    }
}

pub(super) fn received_counter(message_type: Option<MessageType>) -> Packet {
    match message_type {
        Some(MessageType::Discover) => Packet::DiscoverReceived,
        Some(MessageType::Offer) => Packet::OfferReceived,
        Some(MessageType::Request) => Packet::RequestReceived,
        Some(MessageType::Ack) => Packet::AckReceived,
        Some(MessageType::Nak) => Packet::NakReceived,
        Some(MessageType::Release) => Packet::ReleaseReceived,
        Some(MessageType::Decline) => Packet::DeclineReceived,
        Some(MessageType::Inform) => Packet::InformReceived,
        _ => Packet::UnknownReceived,
    }
}

/// The detailed counter beside `pkt4-receive-drop`.
pub(super) fn dropped_counter(reason: DropReason) -> Packet {
    match reason {
        DropReason::ForeignServer | DropReason::NoSubnet => Packet::NotForUs,
        DropReason::DropClass | DropReason::DropClassEarly | DropReason::DropClassLate => {
            Packet::AdminFiltered
        }
        DropReason::Busy => Packet::Duplicate,
        DropReason::QueueFull => Packet::QueueFull,
        DropReason::HostsUnknown
        | DropReason::NotStored(_)
        | DropReason::Unanswered
        | DropReason::Internal => Packet::ProcessingFailed,
        _ => Packet::RfcViolation,
    }
}
