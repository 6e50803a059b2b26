//! `pools` and `pd-pools` of a subnet: ranges and prefixes, each in its place.

use std::net::Ipv6Addr;

use cc::{Diagnostics, MapReader};
use libdhcp::OptionSet6;

use super::apart::Pools;
use crate::config::Prefix;
use crate::config::keywords::refuse_unsupported;
use crate::config::read::names::NameScope;
use crate::config::read::options::OptionScopes;
use crate::config::read::pools::{is_within, read_extras, read_range};
use crate::config::read::{maps, text};
use crate::config6::keywords::{PD_POOL, POOL};
use crate::config6::{Pool6, PoolKind};

/// Reads `pools` of a subnet.
pub(super) fn read_ranges(
    reader: &MapReader<'_>,
    subnet: Prefix<Ipv6Addr>,
    pools: &mut Pools,
    scopes: &mut OptionScopes<OptionSet6>,
    diagnostics: &mut Diagnostics,
) {
    for item in maps(reader, POOL.name) {
        let Some(reader) = MapReader::new(item, &POOL, diagnostics) else { continue };
        refuse_unsupported(&reader, diagnostics);
        NameScope::read(&reader, diagnostics);
        let extras = read_extras(&reader, None, scopes, diagnostics);
        let Some(text) = reader.str("pool") else { continue };
        let position = reader.position_of("pool");
        let Some(span) = read_range::<Ipv6Addr>(text, position, diagnostics) else { continue };
        if is_within(span, subnet, position, diagnostics) {
            let pool = Pool6 {
                kind: PoolKind::Na,
                first: span.first.into(),
                last: span.last.into(),
                unit_len: 128,
                id: reader.u32("pool-id").unwrap_or(0),
                excluded: None,
                extras,
            };
            pools.push(pool, position);
        }
    }
}

/// Reads `pd-pools` of a subnet; they need not lie within it.
pub(super) fn read_prefixes(
    reader: &MapReader<'_>,
    pools: &mut Pools,
    scopes: &mut OptionScopes<OptionSet6>,
    diagnostics: &mut Diagnostics,
) {
    for item in maps(reader, PD_POOL.name) {
        let Some(reader) = MapReader::new(item, &PD_POOL, diagnostics) else { continue };
        refuse_unsupported(&reader, diagnostics);
        let extras = read_extras(&reader, None, scopes, diagnostics);
        if let Some(pool) = read_pd_pool(&reader, diagnostics) {
            let pool = Pool6 { extras, ..pool };
            pools.push(pool, reader.position_of("prefix"));
        }
    }
}

fn read_pd_pool(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) -> Option<Pool6> {
    let address = read_address(reader, "prefix", diagnostics);
    let (len, unit_len) = (reader.u8("prefix-len")?, reader.u8("delegated-len")?);
    let prefix = Prefix { address: address?, len };
    if prefix.address != prefix.first() {
        let message = format!("'prefix' {} has bits behind its length {len}", prefix.address);
        let position = reader.position_of("prefix");
        diagnostics.warning_with_hint(position, message, format!("read as {prefix}"));
    }
    if unit_len < len {
        let message =
            format!("'delegated-len' {unit_len} must not be less than 'prefix-len' {len}");
        let hint = "what is delegated is a part of the prefix";
        diagnostics.error_with_hint(reader.position_of("delegated-len"), message, hint);
        return None;
    }
    let first = Prefix { address: prefix.first(), len: unit_len };
    let last = Prefix { address: prefix.last(), len: unit_len };
    Some(Pool6 {
        kind: PoolKind::Pd,
        first: first.first().into(),
        last: last.first().into(),
        unit_len,
        id: reader.u32("pool-id").unwrap_or(0),
        excluded: read_excluded(reader, first, diagnostics),
        extras: None,
    })
}

/// Reads `excluded-prefix`, which must lie in the first prefix that the pool delegates.
fn read_excluded(
    reader: &MapReader<'_>,
    first: Prefix<Ipv6Addr>,
    diagnostics: &mut Diagnostics,
) -> Option<(Ipv6Addr, u8)> {
    let (address_keyword, len_keyword) = ("excluded-prefix", "excluded-prefix-len");
    let has_failed = |keyword| reader.is_written(keyword) && reader.element(keyword).is_none();
    let is_blank = reader.str(address_keyword).is_none_or(|text| text.trim().is_empty());
    let address = match is_blank {
        true => None,
        false => Some(read_address(reader, address_keyword, diagnostics)?),
    };
    let address = address.filter(|address| !address.is_unspecified());
    let len = reader.u8(len_keyword).filter(|len| *len != 0);
    let (Some(address), Some(len)) = (address, len) else {
        let (there, missing) = match (address, len) {
            (Some(_), _) => (address_keyword, len_keyword),
            (None, Some(_)) => (len_keyword, address_keyword),
            (None, None) => return None,
        };
        if !has_failed(missing) {
            let message = format!("'{there}' needs an '{missing}'");
            let hint = "give both, or neither";
            diagnostics.error_with_hint(reader.position_of(there), message, hint);
        }
        return None;
    };
    if len <= first.len {
        let message =
            format!("'{len_keyword}' {len} must be greater than 'delegated-len' {}", first.len);
        let hint = "what is excluded is a part of what is delegated";
        diagnostics.error_with_hint(reader.position_of(len_keyword), message, hint);
        return None;
    }
    let excluded = Prefix { address, len };
    if !first.span().covers(excluded.span()) {
        let message = format!("'{address_keyword}' {excluded} is not within {first}");
        let hint = "write the part of the first prefix that is delegated; it is the same of each";
        diagnostics.error_with_hint(reader.position_of(address_keyword), message, hint);
        return None;
    }
    Some((excluded.first(), len))
}

fn read_address(
    reader: &MapReader<'_>,
    keyword: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Ipv6Addr> {
    let text = reader.str(keyword)?;
    text::address(text, keyword, reader.position_of(keyword), diagnostics)
}
