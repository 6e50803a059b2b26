//! Maps and lists of the global scope that stand alone: expiry, workers, switches.

use std::net::IpAddr;

use cc::{Diagnostics, Element, MapReader, Scope};
use libdhcp::data::encode_hex;

use super::names::NameScope;
use super::text::quoted;
use crate::config::keywords::{
    DHCP_DDNS, EXPIRED_LEASES, MULTI_THREADING, SANITY_CHECKS, refuse_unsupported,
};
use crate::config::{ExpiredLeases, ExtendedInfoChecks, LeaseChecks};
use crate::explain::ExplainedClients;

/// A map of the global scope; `None` when it is absent or no map.
pub(crate) fn part<'a>(
    global: &MapReader<'a>,
    scope: &'static Scope,
    diagnostics: &mut Diagnostics,
) -> Option<MapReader<'a>> {
    MapReader::new(global.element(scope.name)?, scope, diagnostics)
}

/// Reads `expired-leases-processing`.
pub(crate) fn read_expired_leases(
    global: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
) -> ExpiredLeases {
    let Some(reader) = part(global, &EXPIRED_LEASES, diagnostics) else {
        return ExpiredLeases::default();
    };
    let number = |name| reader.u32_or_default(name).unwrap_or_default();
    ExpiredLeases {
        reclaim_timer_wait_time: number("reclaim-timer-wait-time"),
        flush_reclaimed_timer_wait_time: number("flush-reclaimed-timer-wait-time"),
        hold_reclaimed_time: number("hold-reclaimed-time"),
        max_reclaim_leases: number("max-reclaim-leases"),
        max_reclaim_time: number("max-reclaim-time"),
        unwarned_reclaim_cycles: number("unwarned-reclaim-cycles"),
    }
}

/// Reads `multi-threading`: the number of workers.
pub(crate) fn read_workers(
    global: &MapReader<'_>,
    cpus: usize,
    diagnostics: &mut Diagnostics,
) -> usize {
    let cpus = cpus.max(1);
    let Some(reader) = part(global, &MULTI_THREADING, diagnostics) else { return cpus };
    match (reader.bool_or_default("enable-multi-threading"), reader.u16("thread-pool-size")) {
        (Some(false), _) => 1,
        (_, None | Some(0)) => cpus,
        (_, Some(workers)) => workers.into(),
    }
}

/// Reads `lease-checks` of `sanity-checks`.
pub(crate) fn read_lease_checks(
    global: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
) -> LeaseChecks {
    let Some(reader) = part(global, &SANITY_CHECKS, diagnostics) else { return LeaseChecks::Warn };
    let written = reader.str("lease-checks");
    match written {
        Some("del") => LeaseChecks::Del,
        Some("fix") => LeaseChecks::Fix,
        Some("fix-del") => LeaseChecks::FixDel,
        Some("none") => LeaseChecks::None,
        _ => LeaseChecks::Warn,
    }
}

/// Reads `explain-clients`.
pub(crate) fn read_explained_clients(
    global: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
) -> ExplainedClients {
    let mut clients = Vec::new();
    for item in global.list("explain-clients").unwrap_or_default() {
        let text = item.as_str().unwrap_or_default();
        match encode_hex(text) {
            Ok(bytes) if !bytes.is_empty() => clients.push(bytes.into_boxed_slice()),
            _ => {
                let found = quoted(text);
                let message =
                    format!("'explain-clients' must be hexadecimal digits, found {found}");
                let hint =
                    "write a hardware address, client identifier or DUID as '00:1a:2b:3c:4d:5e'";
                diagnostics.error_with_hint(item.position, message, hint);
            }
        }
    }
    ExplainedClients::new(clients)
}

/// Reads `extended-info-checks` of `sanity-checks`.
pub(crate) fn read_extended_info_checks(global: &MapReader<'_>) -> ExtendedInfoChecks {
    let element = global.element(SANITY_CHECKS.name);
    // What is wrong with the map has been reported by `read_lease_checks`.
    let reader =
        element.and_then(|map| MapReader::new(map, &SANITY_CHECKS, &mut Diagnostics::new()));
    match reader.and_then(|reader| reader.str("extended-info-checks")) {
        Some("none") => ExtendedInfoChecks::None,
        Some("pedantic") => ExtendedInfoChecks::Pedantic,
        Some("strict") => ExtendedInfoChecks::Strict,
        _ => ExtendedInfoChecks::Fix,
    }
}

/// Reads what `dhcp-ddns` says about names: old spellings, which count where the new ones are not written.
pub(crate) fn read_old_names<'a>(
    global: &MapReader<'a>,
    diagnostics: &mut Diagnostics,
) -> NameScope<'a> {
    let element = global.element(DHCP_DDNS.name).filter(|element| !element.is_blank());
    // What is wrong with the map itself has been reported.
    let reader = element.and_then(|map| MapReader::new(map, &DHCP_DDNS, &mut Diagnostics::new()));
    let Some(reader) = reader else { return NameScope::default() };
    let mut names = NameScope::read_old(&reader, diagnostics);
    for (old, new) in OLD_NAMES {
        if !reader.is_written(old) {
            continue;
        }
        let is_doubled = global.is_written(new);
        let message = format!("'{old}' of 'dhcp-ddns' is an old spelling of '{new}'");
        let hint = match is_doubled {
            true => "it has no effect, because the new one is there, too",
            false => "write that in the global scope",
        };
        diagnostics.warning_with_hint(reader.key_position_of(old), message, hint);
        if is_doubled {
            names.forget(old);
        }
    }
    names
}

/// Warns about what `dhcp-ddns` says about names, for a server that does not look at the names of clients.
pub(crate) fn warn_of_old_names(global: &MapReader<'_>, diagnostics: &mut Diagnostics) {
    let element = global.element(DHCP_DDNS.name).filter(|element| !element.is_blank());
    let reader = element.and_then(|map| MapReader::new(map, &DHCP_DDNS, &mut Diagnostics::new()));
    let Some(reader) = reader else { return };
    for (old, _) in OLD_NAMES.iter().filter(|(old, _)| reader.is_written(old)) {
        let message = format!("'{old}' has no effect until names of DHCPv6 clients are supported");
        diagnostics.warning(reader.key_position_of(old), message);
    }
}

/// Keys of `dhcp-ddns` about names, and what they are called today.
const OLD_NAMES: [(&str, &str); 5] = [
    ("qualifying-suffix", "ddns-qualifying-suffix"),
    ("replace-client-name", "ddns-replace-client-name"),
    ("generated-prefix", "ddns-generated-prefix"),
    ("hostname-char-set", "hostname-char-set"),
    ("hostname-char-replacement", "hostname-char-replacement"),
];

/// Checks `dhcp-ddns`, which must not ask for updates.
pub(crate) fn check_dhcp_ddns(global: &MapReader<'_>, diagnostics: &mut Diagnostics) {
    let element = global.element(DHCP_DDNS.name);
    if element.is_none_or(Element::is_blank) {
        return;
    }
    if let Some(reader) = part(global, &DHCP_DDNS, diagnostics) {
        refuse_unsupported(&reader, diagnostics);
        for keyword in ["server-ip", "sender-ip"] {
            let is_blank = |text: &str| keyword == "sender-ip" && text.is_empty();
            let Some(text) = reader.str(keyword).filter(|text| !is_blank(text)) else { continue };
            if text.parse::<IpAddr>().is_err() {
                let message = format!("'{keyword}' must be an address, found {}", quoted(text));
                let hint = "write it as 127.0.0.1 or ::1";
                diagnostics.error_with_hint(reader.position_of(keyword), message, hint);
            }
        }
    }
}
