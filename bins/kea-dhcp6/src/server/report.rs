//! What the server tells the operator about a packet: log lines and counters, without any influence on the answer.
//!
//! Each dropped query is explained in one line that everybody sees, within a limit, and by Kea's own message for the
//! case, which mostly is a debug message.

use std::fmt::Display;

use libdhcp::v6::{ClientLabel, IaKind, MessageType, StatusCode, View};
use libdhcpsrv::alloc6::Withdrawal6;
use libdhcpsrv::config6::Config6;
use libdhcpsrv::lease::LeaseType;
use stats::Packet6 as Packet;
use util::Now;
use util::link::Inbound;

use super::Desk6;
use super::place::Place;
use crate::draft::{Association, Draft, Entry, Fate, Note, Verdict};
use crate::drop_reason::DropReason;
use crate::hardware::Hardware;
use crate::messages::{loggers::*, *};
use crate::query::Query;

/// Logs what the draft gives, keeps, takes away and refuses.
#[allow(clippy::too_many_arguments, reason = "all that there is to an answer")]
pub(super) fn log_answer(
    desk: &mut Desk6,
    draft: &Draft,
    place: &Place<'_>,
    query: &Query<'_>,
    input: &Inbound<'_>,
    hardware: &Hardware,
    config: &Config6,
    now: Now,
) {
    let label = query.view.label(hardware.address());
    let name = name_of(query.view);
    if draft.is_rejected {
        let messages = [&DHCP6_QUERY_REFUSED, &DHCP6_PACKET_REJECT_CLASS];
        explain(desk, input, &label, name, &messages, &"the client is in class REJECT", now);
    } else if place.subnet.is_none() && !draft.associations().is_empty() {
        let reason = DropReason::NoSubnet;
        explain(desk, input, &label, name, &[&DHCP6_QUERY_REFUSED], &reason, now);
    }
    let is_advertised = draft.message_type == MessageType::Advertise;
    for association in draft.associations() {
        for entry in draft.entries(association) {
            log_entry(&label, association, entry, is_advertised);
            if entry.is_reserved && !is_advertised {
                log_reserved(&label, association, entry);
            }
        }
        let status = association.status.map(|status| status.code);
        let is_empty = matches!(status, Some(StatusCode::NoAddrsAvail | StatusCode::NoPrefixAvail));
        if is_empty && !draft.is_rejected {
            log_exhausted(desk, &label, association.kind, place, now);
        }
    }
    let is_release = query.message_type == MessageType::Release;
    for note in &draft.notes {
        if is_release {
            log_release(&label, note);
        } else {
            log_decline(&label, note, config.decline_probation_period);
        }
    }
}

/// Says that an association gets nothing because there is nothing for its client.
fn log_exhausted(
    desk: &mut Desk6,
    label: &ClientLabel<'_>,
    kind: IaKind,
    place: &Place<'_>,
    now: Now,
) {
    let Some(subnet) = place.subnet else { return };
    let what = if kind == IaKind::Pd { "prefix" } else { "address" };
    let (limiter, now) = (&mut desk.limiter, now.mono_ns);
    match place.network {
        Some(network) => kea_log::log_limited!(
            limiter,
            now,
            ALLOC,
            ALLOC_ENGINE_V6_ALLOC_FAIL_SHARED_NETWORK,
            label,
            what,
            network.name
        ),
        None => kea_log::log_limited!(
            limiter,
            now,
            ALLOC,
            ALLOC_ENGINE_V6_ALLOC_FAIL,
            label,
            what,
            subnet.id
        ),
    }
}

/// Says why a query was refused or dropped, in lines that are limited in number: one that every operator sees, and
/// Kea's own message, which mostly is a debug message.
#[cold]
#[allow(clippy::too_many_arguments, reason = "all that there is to an explanation")]
pub(super) fn explain(
    desk: &mut Desk6,
    input: &Inbound<'_>,
    label: &dyn Display,
    name: &str,
    messages: &[&'static kea_log::Message],
    reason: &dyn Display,
    now: Now,
) {
    let link = desk.links.name(input.interface);
    for &message in messages {
        if BAD_PACKETS.is_rank_enabled(message.rank())
            && let Some(suppressed) = desk.limiter.admit(message, now.mono_ns)
        {
            let values: [&dyn Display; 5] = [label, &name, &link, &input.source, reason];
            BAD_PACKETS.write_limited(message, &values, suppressed);
        }
    }
}

fn log_entry(label: &ClientLabel<'_>, ia: &Association, entry: &Entry, is_advertised: bool) {
    let (address, len, iaid) = (entry.resource.address, entry.resource.prefix_len, ia.iaid);
    let lifetime = entry.times.valid;
    match (ia.kind == IaKind::Pd, entry.fate) {
        (false, Fate::Lost) if entry.withdrawal == Some(Withdrawal6::Reserved) => {
            kea_log::log!(ALLOC, ALLOC_ENGINE_V6_REVOKED_ADDR_LEASE, label, address, iaid);
        }
        (true, Fate::Lost) if entry.withdrawal == Some(Withdrawal6::Reserved) => {
            kea_log::log!(ALLOC, ALLOC_ENGINE_V6_REVOKED_PREFIX_LEASE, label, address, len, iaid);
        }
        (_, Fate::Lost) => {
            let why = match entry.withdrawal {
                Some(Withdrawal6::NotServed) => {
                    "its subnet or pool does not serve the client's classes, its lease has ended"
                }
                Some(Withdrawal6::OutsidePools) => {
                    "it lies in no pool any more, its lease has ended"
                }
                Some(Withdrawal6::Replaced) => "its lease has ended in favour of a reservation",
                Some(Withdrawal6::Taken) => "it had ended, and another client has got some of it",
                Some(Withdrawal6::Reserved) | None => "the client has no lease of it",
            };
            kea_log::log!(LEASES, DHCP6_LEASE_WITHDRAWN, label, address, len, iaid, why);
        }
        (false, _) if is_advertised => {
            kea_log::log!(LEASES, DHCP6_LEASE_ADVERT, label, address, iaid);
        }
        (true, _) if is_advertised => {
            kea_log::log!(LEASES, DHCP6_PD_LEASE_ADVERT, label, address, len, iaid);
        }
        (false, Fate::New) => {
            kea_log::log!(LEASES, DHCP6_LEASE_ALLOC, label, address, iaid, lifetime);
        }
        (true, Fate::New) => {
            kea_log::log!(LEASES, DHCP6_PD_LEASE_ALLOC, label, address, len, iaid, lifetime);
        }
        (false, Fate::Kept) if entry.is_cached => {
            kea_log::log!(LEASES, DHCP6_LEASE_REUSE, label, address, iaid, lifetime);
        }
        (true, Fate::Kept) if entry.is_cached => {
            kea_log::log!(LEASES, DHCP6_PD_LEASE_REUSE, label, address, len, iaid, lifetime);
        }
        (false, Fate::Kept) => {
            kea_log::log!(LEASES, DHCP6_LEASE_RENEW, label, address, iaid, lifetime);
        }
        (true, Fate::Kept) => {
            kea_log::log!(LEASES, DHCP6_PD_LEASE_RENEW, label, address, len, iaid, lifetime);
        }
    }
}

/// Tells of something that an association got because it is reserved.
fn log_reserved(label: &ClientLabel<'_>, ia: &Association, entry: &Entry) {
    let (address, len, iaid) = (entry.resource.address, entry.resource.prefix_len, ia.iaid);
    if ia.kind == IaKind::Pd {
        kea_log::log!(ALLOC, ALLOC_ENGINE_V6_HR_PREFIX_GRANTED, label, address, len, iaid);
    } else {
        kea_log::log!(ALLOC, ALLOC_ENGINE_V6_HR_ADDR_GRANTED, label, address, iaid);
    }
}

fn log_release(label: &ClientLabel<'_>, note: &Note) {
    let Note { lease_type, iaid, resource, verdict } = *note;
    let (address, len) = (resource.address, resource.prefix_len);
    match (lease_type == LeaseType::Pd, verdict) {
        (false, Verdict::Done) => kea_log::log!(LEASES, DHCP6_RELEASE_NA, label, address, iaid),
        (true, Verdict::Done) => {
            kea_log::log!(LEASES, DHCP6_RELEASE_PD, label, address, len, iaid);
        }
        (false, Verdict::OtherClient) => {
            kea_log::log!(LEASES, DHCP6_RELEASE_NA_FAIL_WRONG_DUID, label, address, iaid);
        }
        (false, Verdict::OtherAssociation) => {
            kea_log::log!(LEASES, DHCP6_RELEASE_NA_FAIL_WRONG_IAID, label, address, iaid);
        }
        (true, Verdict::OtherClient) => {
            kea_log::log!(LEASES, DHCP6_RELEASE_PD_FAIL_WRONG_DUID, label, address, iaid);
        }
        (true, Verdict::OtherAssociation) => {
            kea_log::log!(LEASES, DHCP6_RELEASE_PD_FAIL_WRONG_IAID, label, address, iaid);
        }
        (false, Verdict::NoLease) => {
            kea_log::log!(LEASES, DHCP6_UNKNOWN_RELEASED_NA, label, address, iaid);
        }
        (true, Verdict::NoLease) => {
            kea_log::log!(LEASES, DHCP6_UNKNOWN_RELEASED_PD, label, address, iaid);
        }
    }
}

fn log_decline(label: &ClientLabel<'_>, note: &Note, probation: u32) {
    let (address, iaid) = (note.resource.address, note.iaid);
    match note.verdict {
        Verdict::Done => kea_log::log!(LEASES, DHCP6_DECLINE_LEASE, label, address, probation),
        Verdict::NoLease => {
            kea_log::log!(LEASES, DHCP6_DECLINE_FAIL_NO_LEASE, label, address, iaid);
        }
        Verdict::OtherClient => {
            kea_log::log!(LEASES, DHCP6_DECLINE_FAIL_DUID_MISMATCH, label, address, iaid);
        }
        Verdict::OtherAssociation => {
            kea_log::log!(LEASES, DHCP6_DECLINE_FAIL_IAID_MISMATCH, label, address, iaid);
        }
    }
}

pub(super) fn name_of(view: &View<'_>) -> &'static str {
    view.message_type().map_or("message", MessageType::name)
}

pub(super) fn received_counter(message_type: Option<MessageType>) -> Packet {
    match message_type {
        Some(MessageType::Solicit) => Packet::SolicitReceived,
        Some(MessageType::Advertise) => Packet::AdvertiseReceived,
        Some(MessageType::Request) => Packet::RequestReceived,
        Some(MessageType::Confirm) => Packet::ConfirmReceived,
        Some(MessageType::Renew) => Packet::RenewReceived,
        Some(MessageType::Rebind) => Packet::RebindReceived,
        Some(MessageType::Reply) => Packet::ReplyReceived,
        Some(MessageType::Release) => Packet::ReleaseReceived,
        Some(MessageType::Decline) => Packet::DeclineReceived,
        Some(MessageType::Reconfigure) => Packet::ReconfigureReceived,
        Some(MessageType::InformationRequest) => Packet::InfrequestReceived,
        Some(MessageType::DhcpV4Query) => Packet::Dhcpv4QueryReceived,
        Some(MessageType::DhcpV4Response) => Packet::Dhcpv4ResponseReceived,
        _ => Packet::UnknownReceived,
    }
}
