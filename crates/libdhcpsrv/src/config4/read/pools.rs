//! `pools` of a subnet: ranges and prefixes, within the subnet and apart from each other.

use std::net::Ipv4Addr;

use cc::{Diagnostics, MapReader};
use libdhcp::OptionSet;

use crate::config::keywords::refuse_unsupported;
use crate::config::read::maps;
use crate::config::read::names::NameScope;
use crate::config::read::options::OptionScopes;
use crate::config::read::pools::{is_within, overlaps, read_extras, read_range};
use crate::config::{Prefix, Span};
use crate::config4::Pool4;
use crate::config4::keywords::POOL;

/// Reads the pools of a subnet and appends them to `pools`; `names` are the rules of the subnet.
pub(super) fn read(
    reader: &MapReader<'_>,
    subnet: Prefix<Ipv4Addr>,
    names: &NameScope<'_>,
    pools: &mut Vec<Pool4>,
    scopes: &mut OptionScopes<OptionSet>,
    diagnostics: &mut Diagnostics,
) {
    let mut spans: Vec<(Span<Ipv4Addr>, _)> = Vec::new();
    for item in maps(reader, "pools") {
        let Some(reader) = MapReader::new(item, &POOL, diagnostics) else { continue };
        refuse_unsupported(&reader, diagnostics);
        let own = NameScope::read_of_pool(&reader, diagnostics);
        let own = (!own.is_empty()).then(|| own.within(names).rules());
        let extras = read_extras(&reader, own, scopes, diagnostics);
        let Some(text) = reader.str("pool") else { continue };
        let position = reader.position_of("pool");
        let Some(span) = read_range(text, position, diagnostics) else { continue };
        if is_within(span, subnet, position, diagnostics) {
            let id = reader.u32("pool-id").unwrap_or(0);
            let (first, last) = (span.first.into(), span.last.into());
            pools.push(Pool4 { first, last, id, extras });
            spans.push((span, position));
        }
    }
    for (later, other) in overlaps(&spans) {
        let (later, other) = (spans[later], spans[other]);
        let message = format!("pool {} overlaps pool {}", later.0, other.0);
        diagnostics.error_with_hint(later.1, message, "give each address to one pool only");
    }
}
