//! Ranges and prefixes of pools, within their subnet and apart from each other; what pools have beside.

use std::sync::Arc;

use cc::{Diagnostics, MapReader, Position};
use libdhcp::OptionSetForm;

use super::options::OptionScopes;
use super::text::quoted;
use crate::config::{Address, PoolExtras, Prefix, Span};
use crate::names::NameRules;

/// Reads what a pool has beside its addresses; most have nothing. `names` says how clients are named there, if not as
/// in the subnet.
pub(crate) fn read_extras<S: OptionSetForm>(
    reader: &MapReader<'_>,
    names: Option<Arc<NameRules>>,
    scopes: &mut OptionScopes<S>,
    diagnostics: &mut Diagnostics,
) -> Option<Box<PoolExtras<S>>> {
    let options = scopes.read(reader, diagnostics);
    let classes = scopes.classes.read_policy(reader, diagnostics);
    let is_empty = options.is_empty() && classes.is_none() && names.is_none();
    (!is_empty).then(|| Box::new(PoolExtras { options, classes, names }))
}

/// Reads `first - last` or `address/length`. Of a prefix the host bits are kept: it begins with the
/// address that is written.
pub(crate) fn read_range<A: Address>(
    text: &str,
    position: Position,
    diagnostics: &mut Diagnostics,
) -> Option<Span<A>> {
    let hint = "write 'first - last' or 'address/length'";
    if text.contains('/') {
        return match Prefix::parse(text) {
            Ok(prefix) => Some(Span { first: prefix.address, last: prefix.last() }),
            Err(problem) => {
                let message = format!("pool {}: {problem}", quoted(text));
                diagnostics.error_with_hint(position, message, hint);
                None
            }
        };
    }
    let ends = text.split_once('-').and_then(|(first, last)| {
        let address = |text: &str| text.trim().parse::<A>().ok();
        Some(Span { first: address(first)?, last: address(last)? })
    });
    match ends {
        Some(Span { first, last }) if first > last => {
            let message = format!("pool {} ends before it begins", quoted(text));
            diagnostics.error_with_hint(position, message, "swap the addresses");
            None
        }
        Some(span) => Some(span),
        None => {
            let kind = A::KIND.trim_start_matches("an ");
            let message = format!("pool {} is not a range of {kind}es", quoted(text));
            diagnostics.error_with_hint(position, message, hint);
            None
        }
    }
}

/// Says whether a pool lies within its subnet, or reports it.
pub(crate) fn is_within<A: Address>(
    pool: Span<A>,
    subnet: Prefix<A>,
    position: Position,
    diagnostics: &mut Diagnostics,
) -> bool {
    let all = subnet.span();
    let is_within = all.covers(pool);
    if !is_within {
        let message = format!("pool {pool} is not within subnet {subnet}");
        diagnostics.error_with_hint(position, message, format!("the subnet is {all}"));
    }
    is_within
}

/// Pools that share addresses, each once with the widest before it in the order of addresses: the
/// number of the one that is written later, then that of the other.
pub(crate) fn overlaps<A: Address>(pools: &[(Span<A>, Position)]) -> Vec<(usize, usize)> {
    let mut order: Vec<usize> = (0..pools.len()).collect();
    order.sort_by_key(|&number| (pools[number].0.first, pools[number].1));
    let mut order = order.into_iter();
    let Some(mut widest) = order.next() else { return Vec::new() };
    let mut pairs = Vec::new();
    for number in order {
        let ((pool, position), (before, position_before)) = (pools[number], pools[widest]);
        if pool.first <= before.last {
            let is_later = position > position_before;
            pairs.push(if is_later { (number, widest) } else { (widest, number) });
        }
        if pool.last > before.last {
            widest = number;
        }
    }
    pairs
}
