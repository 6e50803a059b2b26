//! Maps and lists of the global scope that stand alone: lease database, expiry, workers, switches.

use std::net::IpAddr;

use cc::{Diagnostics, Element, MapReader, Scope};

use super::text::quoted;
use crate::config::keywords::{
    DHCP_DDNS, EXPIRED_LEASES, LEASE_DATABASE, MULTI_THREADING, SANITY_CHECKS, refuse_unsupported,
};
use crate::config::{Durability, ExpiredLeases, LeaseChecks, LeaseDatabase};

/// A map of the global scope; `None` when it is absent or no map.
pub(crate) fn part<'a>(
    global: &MapReader<'a>,
    scope: &'static Scope,
    diagnostics: &mut Diagnostics,
) -> Option<MapReader<'a>> {
    MapReader::new(global.element(scope.name)?, scope, diagnostics)
}

/// Reads `lease-database`.
pub(crate) fn read_lease_database(
    global: &MapReader<'_>,
    diagnostics: &mut Diagnostics,
) -> LeaseDatabase {
    let mut database = LeaseDatabase {
        name: None,
        persist: true,
        lfc_interval: 3600,
        durability: Durability::Disk,
        max_row_errors: 0,
    };
    let Some(reader) = part(global, &LEASE_DATABASE, diagnostics) else { return database };
    if let Some(kind) = reader.str("type").filter(|kind| *kind != "memfile") {
        let message = format!("lease database type '{kind}' is not supported yet");
        let hint = "use 'memfile'";
        diagnostics.error_with_hint(reader.position_of("type"), message, hint);
    }
    database.name = reader.str("name").filter(|name| !name.is_empty()).map(str::to_owned);
    database.persist = reader.bool_or_default("persist").unwrap_or(database.persist);
    let number = |name, otherwise| reader.u32_or_default(name).unwrap_or(otherwise);
    database.lfc_interval = number("lfc-interval", database.lfc_interval);
    database.max_row_errors = number("max-row-errors", database.max_row_errors);
    if reader.str("durability") == Some("kernel") {
        database.durability = Durability::Kernel;
    }
    database
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
    if let Some(wish @ ("del" | "fix" | "fix-del")) = written {
        let message = format!("'lease-checks' {wish:?} is not carried out yet");
        let hint = "leases whose subnet does not match their address are kept as they are";
        diagnostics.warning_with_hint(reader.position_of("lease-checks"), message, hint);
    }
    match written {
        Some("del") => LeaseChecks::Del,
        Some("fix") => LeaseChecks::Fix,
        Some("fix-del") => LeaseChecks::FixDel,
        Some("none") => LeaseChecks::None,
        _ => LeaseChecks::Warn,
    }
}

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
