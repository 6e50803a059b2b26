//! What a reservation of `kea-dhcp6` alone has: addresses, prefixes, and what is excluded from these.

use std::net::Ipv6Addr;

use cc::{Diagnostics, Element, MapReader};

use crate::config::read::hosts::Own;
use crate::config::read::text::{self, quoted};
use crate::config::{Address, Prefix};
use crate::hosts::Resource;

/// Reads it.
pub(super) fn read_own(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) -> Own<Ipv6Addr> {
    let mut resources = Vec::new();
    for item in reader.items("ip-addresses") {
        let text = item.as_str().unwrap_or_default();
        let address = text::address(text, "ip-addresses", item.position, diagnostics);
        if let Some(address) = address.filter(|&address| is_usable(address, item, diagnostics)) {
            let (prefix_len, is_prefix) = (Ipv6Addr::LEN, false);
            let resource = Resource { address, prefix_len, is_prefix, excluded: None };
            resources.push((resource, item.position));
        }
    }
    let (prefixes, excluded) = (reader.items("prefixes"), reader.items("excluded-prefixes"));
    for (number, item) in prefixes.iter().enumerate() {
        if let Some(prefix) = read_prefix(item, "prefixes", diagnostics) {
            let excluded = excluded.get(number);
            let resource = Resource {
                address: prefix.first(),
                prefix_len: prefix.len,
                is_prefix: true,
                excluded: excluded.and_then(|item| read_excluded(item, prefix, diagnostics)),
            };
            resources.push((resource, item.position));
        }
    }
    if let Some(item) = excluded.get(prefixes.len()) {
        let message = "'excluded-prefixes' has more entries than 'prefixes'";
        let hint = "write one for each prefix, empty text where nothing is excluded";
        diagnostics.error_with_hint(item.position, message, hint);
    }
    Own { resources, boot: None }
}

fn read_prefix(
    item: &Element,
    keyword: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Prefix<Ipv6Addr>> {
    let text = item.as_str().unwrap_or_default();
    let prefix = match Prefix::<Ipv6Addr>::parse(text) {
        Ok(prefix) => prefix,
        Err(problem) => {
            let message = format!("'{keyword}' {}: {problem}", quoted(text));
            let hint = format!("write 'address/length', for example {}", Ipv6Addr::EXAMPLE_PREFIX);
            diagnostics.error_with_hint(item.position, message, hint);
            return None;
        }
    };
    if prefix.address != prefix.first() {
        let message = format!("'{keyword}' {} has bits behind its length", quoted(text));
        diagnostics.warning_with_hint(item.position, message, format!("read as {prefix}"));
    }
    is_usable(prefix.address, item, diagnostics).then_some(prefix)
}

/// Reads the part of a prefix that is left to the delegating router.
fn read_excluded(
    item: &Element,
    prefix: Prefix<Ipv6Addr>,
    diagnostics: &mut Diagnostics,
) -> Option<(Ipv6Addr, u8)> {
    item.as_str().filter(|text| !text.trim().is_empty())?;
    let excluded = read_prefix(item, "excluded-prefixes", diagnostics)?;
    if excluded.len <= prefix.len || !prefix.span().covers(excluded.span()) {
        let message = format!("excluded prefix {excluded} is not a part of {prefix}");
        let hint = "write a longer prefix within it";
        diagnostics.error_with_hint(item.position, message, hint);
        return None;
    }
    Some((excluded.first(), excluded.len))
}

/// Whether a client can be given something that begins with this address; reports it if not.
fn is_usable(address: Ipv6Addr, item: &Element, diagnostics: &mut Diagnostics) -> bool {
    let is_usable = !address.is_multicast() && !address.is_unspecified();
    if !is_usable {
        let message = format!("{address} cannot be reserved");
        diagnostics.error_with_hint(item.position, message, "it is no address of a host");
    }
    is_usable
}
