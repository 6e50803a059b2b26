//! `pools` of a subnet: ranges and prefixes, within the subnet and apart from each other.

use std::fmt;
use std::net::Ipv4Addr;

use cc::{Diagnostics, MapReader, Position};

use super::maps;
use super::text::{Prefix, quoted};
use crate::config4::Pool4;
use crate::config4::keywords::{POOL, refuse_unsupported};

/// Reads the pools of a subnet and appends them to `pools`.
pub(super) fn read(
    reader: &MapReader<'_>,
    subnet: Prefix,
    pools: &mut Vec<Pool4>,
    diagnostics: &mut Diagnostics,
) {
    let start = pools.len();
    let mut positions = Vec::new();
    for item in maps(reader, "pools") {
        let Some(reader) = MapReader::new(item, &POOL, diagnostics) else { continue };
        refuse_unsupported(&reader, diagnostics);
        let Some(text) = reader.str("pool") else { continue };
        let position = reader.position_of("pool");
        let Some((first, last)) = read_range(text, position, diagnostics) else { continue };
        let pool = Pool4 { first, last, id: reader.u32("pool-id").unwrap_or(0) };
        if first < subnet.first() || last > subnet.last() {
            let (network, len) = (Ipv4Addr::from(subnet.first()), subnet.len);
            let message = format!("pool {} is not within subnet {network}/{len}", Range(pool));
            let hint = Range(Pool4 { first: subnet.first(), last: subnet.last(), id: 0 });
            diagnostics.error_with_hint(position, message, format!("the subnet is {hint}"));
            continue;
        }
        pools.push(pool);
        positions.push(position);
    }
    report_overlaps(pools.get(start..).unwrap_or_default(), &positions, diagnostics);
}

fn read_range(text: &str, position: Position, diagnostics: &mut Diagnostics) -> Option<(u32, u32)> {
    let hint = "write 'first - last' or 'address/length'";
    if text.contains('/') {
        return match Prefix::parse(text) {
            Ok(prefix) => Some((prefix.address, prefix.last())),
            Err(problem) => {
                let message = format!("pool {}: {problem}", quoted(text));
                diagnostics.error_with_hint(position, message, hint);
                None
            }
        };
    }
    let ends = text.split_once('-').and_then(|(first, last)| {
        let address = |text: &str| text.trim().parse::<Ipv4Addr>().ok().map(u32::from);
        Some((address(first)?, address(last)?))
    });
    match ends {
        Some((first, last)) if first > last => {
            let message = format!("pool {} ends before it begins", quoted(text));
            diagnostics.error_with_hint(position, message, "swap the addresses");
            None
        }
        Some(ends) => Some(ends),
        None => {
            let message = format!("pool {} is not a range of IPv4 addresses", quoted(text));
            diagnostics.error_with_hint(position, message, hint);
            None
        }
    }
}

/// Reports pools of one subnet that share addresses, each once.
fn report_overlaps(pools: &[Pool4], positions: &[Position], diagnostics: &mut Diagnostics) {
    if pools.len() < 2 {
        return;
    }
    let mut order: Vec<(Pool4, Position)> =
        pools.iter().copied().zip(positions.iter().copied()).collect();
    order.sort_by_key(|(pool, position)| (pool.first, *position));
    let mut order = order.into_iter();
    let Some(mut widest) = order.next() else { return };
    for (pool, position) in order {
        if pool.first <= widest.0.last {
            let (later, earlier, at) = if position > widest.1 {
                (pool, widest.0, position)
            } else {
                (widest.0, pool, widest.1)
            };
            let message = format!("pool {} overlaps pool {}", Range(later), Range(earlier));
            diagnostics.error_with_hint(at, message, "give each address to one pool only");
        }
        if pool.last > widest.0.last {
            widest = (pool, position);
        }
    }
}

/// A pool in messages.
struct Range(Pool4);

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} - {}", Ipv4Addr::from(self.0.first), Ipv4Addr::from(self.0.last))
    }
}
