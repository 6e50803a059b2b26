//! Classless static routes (option 121, RFC 3442).
//!
//! Text: `10.229.0.128/25 - 10.229.0.1, 0.0.0.0/0 - 10.198.122.1`. Bytes: prefix length, the bytes
//! of the prefix that matter, router. Bits behind the prefix are cleared.

use std::fmt::Write;
use std::net::Ipv4Addr;

use super::DataError;
use crate::definition::DataType;

/// Encodes a comma separated list of routes.
pub(super) fn encode_routes(text: &str) -> Result<Vec<u8>, DataError> {
    let mut out = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        encode_route(item, &mut out).ok_or_else(|| DataError::Value {
            data_type: DataType::Internal,
            expected: "a route 'prefix/length - router'",
            found: item.into(),
        })?;
    }
    if out.is_empty() { Err(DataError::Missing { data_type: DataType::Internal }) } else { Ok(out) }
}

fn encode_route(item: &str, out: &mut Vec<u8>) -> Option<()> {
    let (destination, router) = item.split_once('-')?;
    let (prefix, len) = destination.split_once('/')?;
    let prefix: Ipv4Addr = prefix.trim().parse().ok()?;
    let len: u32 = len.trim().parse().ok()?;
    let router: Ipv4Addr = router.trim().parse().ok()?;
    if len > 32 {
        return None;
    }
    let mask = u32::MAX.checked_shl(32 - len).unwrap_or(0);
    let octets = (u32::from(prefix) & mask).to_be_bytes();
    out.push(len as u8);
    out.extend_from_slice(octets.get(..len.div_ceil(8) as usize)?);
    out.extend(router.octets());
    Some(())
}

/// Shows routes in the form of the configuration.
pub(super) fn decode_routes(bytes: &[u8]) -> Result<String, DataError> {
    let mut text = String::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (prefix, len, router, after) = decode_route(rest).ok_or(DataError::Length {
            data_type: DataType::Internal,
            expected: "whole routes of 5 to 9",
            found: bytes.len(),
        })?;
        let separator = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{separator}{prefix}/{len} - {router}");
        rest = after;
    }
    Ok(text)
}

fn decode_route(bytes: &[u8]) -> Option<(Ipv4Addr, u8, Ipv4Addr, &[u8])> {
    let (&len, rest) = bytes.split_first()?;
    if len > 32 {
        return None;
    }
    let (significant, rest) = rest.split_at_checked(usize::from(len.div_ceil(8)))?;
    let mut octets = [0; 4];
    octets.get_mut(..significant.len())?.copy_from_slice(significant);
    let (router, rest) = rest.split_first_chunk::<4>()?;
    Some((Ipv4Addr::from(octets), len, Ipv4Addr::from(*router), rest))
}
