//! From a parsed file to a [`Config4`].
//!
//! Each module reads one part. All of them go on after an error with a default in place of the
//! wrong value, so that one run reports everything; the configuration is given out only when there
//! was no error at all.

mod interfaces;
mod logging;
mod network;
mod options;
mod parts;
mod pools;
mod subnets;
mod text;

pub(super) use self::options::read_definitions;
pub(super) use self::text::Prefix;

use std::sync::Arc;

use cc::{Diagnostics, Document, Element, Map, MapReader, closest};

use self::network::Network;
use self::options::OptionScopes;
use super::Config4;
use super::keywords::{GLOBAL, refuse_unsupported};

/// Top-level keys of the other daemons, which one file may serve as well.
const OTHER_DAEMONS: [&str; 5] = ["Control-agent", "Dhcp6", "DhcpDdns", "Netconf", "Logging"];

/// Reads the configuration of `kea-dhcp4`.
///
/// `cpus` is the number of workers when the file leaves it to the machine. Everything that is wrong
/// is added to `diagnostics`. Returns nothing if they hold an error, including those of parsing.
pub fn read(document: &Document, cpus: usize, diagnostics: &mut Diagnostics) -> Option<Config4> {
    let root = &document.root;
    let Some(top) = root.as_map() else {
        let found = root.value.type_name();
        diagnostics.error(root.position, format!("the file must hold a map, found {found}"));
        return None;
    };
    let Some(dhcp4) = top.get("Dhcp4") else {
        report_missing(root, top, diagnostics);
        return None;
    };
    check_top_level(top, diagnostics);
    let reader = MapReader::new(dhcp4, &GLOBAL, diagnostics)?;
    let config = read_global(&reader, top.get("Logging"), cpus, diagnostics);
    if diagnostics.has_errors() { None } else { Some(config) }
}

/// The maps of a list, also when other items of the list are wrong, which was reported.
fn maps<'a>(reader: &MapReader<'a>, keyword: &str) -> impl Iterator<Item = &'a Element> {
    let list = reader.raw().get(keyword).and_then(Element::as_list).unwrap_or_default();
    list.iter().filter(|item| item.as_map().is_some())
}

fn check_top_level(top: &Map, diagnostics: &mut Diagnostics) {
    for entry in top.entries() {
        if &*entry.key != "Dhcp4" && !OTHER_DAEMONS.contains(&&*entry.key) {
            let key = text::quoted(&entry.key);
            let message = format!("top-level entry {key} is none of the server's, it is ignored");
            diagnostics.warning(entry.key_position, message);
        }
    }
}

fn report_missing(root: &Element, top: &Map, diagnostics: &mut Diagnostics) {
    let message = "no mandatory 'Dhcp4' entry";
    let near = top.entries().iter().find(|entry| {
        !OTHER_DAEMONS.contains(&&*entry.key) && closest(&entry.key, ["Dhcp4"]).is_some()
    });
    match near {
        Some(entry) => {
            let hint = format!("is {} meant to be it?", text::quoted(&entry.key));
            diagnostics.error_with_hint(entry.key_position, message, hint);
        }
        None => {
            let hint = "write { \"Dhcp4\": { ... } }";
            diagnostics.error_with_hint(root.position, message, hint);
        }
    }
}

fn read_global(
    reader: &MapReader<'_>,
    old_logging: Option<&Element>,
    cpus: usize,
    diagnostics: &mut Diagnostics,
) -> Config4 {
    refuse_unsupported(reader, diagnostics);
    parts::check_dhcp_ddns(reader, diagnostics);
    parts::check_host_identifiers(reader, diagnostics);
    let compatibility = parts::Compatibility::read(reader, diagnostics);
    let network = Network::read(reader, diagnostics);
    network.check(None, reader, diagnostics);
    let mut scopes = OptionScopes::new(options::read_definitions(reader, diagnostics));
    let options = scopes.read(reader, diagnostics);
    let outer = subnets::Outer { network: &network, options: &options };
    let subnets = subnets::read(reader, &outer, &mut scopes, diagnostics);

    let mut server_identifiers = options::server_identifiers(&options);
    for subnet in &subnets.subnets {
        server_identifiers.extend(subnet.server_identifier);
    }
    server_identifiers.sort_unstable();
    server_identifiers.dedup();
    let or_default = |name| reader.u32_or_default(name).unwrap_or_default();
    Config4 {
        interfaces: interfaces::read(reader, diagnostics),
        lease_database: parts::read_lease_database(reader, diagnostics),
        expired_leases: parts::read_expired_leases(reader, diagnostics),
        decline_probation_period: or_default("decline-probation-period"),
        echo_client_id: reader.bool_or_default("echo-client-id").unwrap_or(true),
        workers: parts::read_workers(reader, cpus, diagnostics),
        subnets: subnets.subnets,
        pools: subnets.pools,
        options: Arc::clone(&options),
        ignore_link_selection: compatibility.ignore_link_selection,
        ignore_server_identifier: compatibility.ignore_server_identifier,
        exclude_first_last_24: compatibility.exclude_first_last_24,
        lenient_option_parsing: compatibility.lenient_option_parsing,
        lease_checks: parts::read_lease_checks(reader, diagnostics),
        statistic_sample_count: or_default("statistic-default-sample-count"),
        statistic_sample_age: or_default("statistic-default-sample-age"),
        logging: logging::read(reader, old_logging, diagnostics),
        by_address: subnets.by_address,
        by_relay: subnets.by_relay,
        by_interface: subnets.by_interface,
        server_identifiers,
    }
}
