//! What relays say of a client, kept with its lease (`store-extended-info`): the user context in the form of Kea 3.
//!
//! ```text
//! { "ISC": { "relay-agent-info": { "relay-id": "0A0B", "remote-id": "0C", "sub-options": "0x0C020A0B02010C" } } }
//! { "ISC": { "relay-info": [ { "hop": 0, "link": "2001:db8::1", "options": "0x00120001", "peer": "fe80::1" } ] } }
//! ```
//!
//! The texts are written for each packet where that is asked for, into a buffer of the worker; what else a lease has in
//! its context is parsed only when there is any.

mod check;

use std::fmt::Write;

use cc::{Diagnostics, Document, Element, Map, NoIncludes, write_json};
use libdhcp::v4::{RelayAgentInformation, code as code4};
use libdhcp::v6::{View, code as code6};

pub use check::mended;

/// The member of a user context that is the server's own.
const ISC: &str = "ISC";

/// Writes the context of a DHCPv4 client behind a relay.
pub fn write4(out: &mut String, relay: RelayAgentInformation<'_>) {
    out.clear();
    out.push_str("{ \"ISC\": { \"relay-agent-info\": { ");
    push_id(out, "relay-id", relay.sub_option(code4::RAI_RELAY_ID));
    push_id(out, "remote-id", relay.sub_option(code4::RAI_REMOTE_ID));
    out.push_str("\"sub-options\": \"0x");
    push_hex(out, relay.bytes());
    out.push_str("\" } } }");
}

/// Writes the context of a DHCPv6 client behind relays, the one nearest to the server first.
pub fn write6(out: &mut String, view: &View<'_>) {
    out.clear();
    out.push_str("{ \"ISC\": { \"relay-info\": [ ");
    for (number, relay) in view.relays().enumerate() {
        let comma = if number == 0 { "" } else { ", " };
        let (hop, link) = (relay.hop_count(), relay.link_address());
        let written = write!(out, "{comma}{{ \"hop\": {hop}, \"link\": \"{link}\", ");
        debug_assert!(written.is_ok(), "a string takes all text");
        let others = || relay.all_options().filter(|(code, _)| *code != code6::RELAY_MSG);
        if others().next().is_some() {
            out.push_str("\"options\": \"0x");
            // Kea keeps them by code.
            if others().is_sorted_by_key(|(code, _)| code) {
                others().for_each(|option| push_option(out, option));
            } else {
                let mut sorted: Vec<_> = others().collect();
                sorted.sort_by_key(|(code, _)| *code);
                sorted.into_iter().for_each(|option| push_option(out, option));
            }
            out.push_str("\", ");
        }
        let written = write!(out, "\"peer\": \"{}\"", relay.peer_address());
        debug_assert!(written.is_ok(), "a string takes all text");
        for (name, code) in [("relay-id", code6::RELAY_ID), ("remote-id", code6::REMOTE_ID)] {
            if let Some(id) = relay.option(code).filter(|id| !id.is_empty()) {
                out.push_str(", \"");
                out.push_str(name);
                out.push_str("\": \"");
                push_hex(out, id);
                out.push('"');
            }
        }
        out.push_str(" }");
    }
    out.push_str(" ] } }");
}

/// A context with the members of another one put into it, those of `ISC` one by one. What is no map is replaced.
#[must_use]
pub(crate) fn merge(old: &[u8], new: &[u8]) -> Vec<u8> {
    if new.is_empty() || old == new {
        return old.to_vec();
    }
    let (Some(mut merged), Some(new_map)) = (parse(old), parse(new)) else { return new.to_vec() };
    for entry in new_map.entries() {
        let inner = merged.get(&entry.key).and_then(Element::as_map);
        match (inner.cloned(), entry.element.as_map()) {
            (Some(mut inner), Some(members)) if *entry.key == *ISC => {
                for member in members.entries() {
                    inner.set(&member.key, member.element.clone());
                }
                merged.set(ISC, inner);
            }
            _ => merged.set(&entry.key, entry.element.clone()),
        }
    }
    write_json(&merged.into()).into_bytes()
}

/// Reads a context.
pub(crate) fn parse(context: &[u8]) -> Option<Map> {
    let text = std::str::from_utf8(context).ok()?;
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(text, "user context", &mut NoIncludes, &mut diagnostics)?;
    let map = document.root.as_map().cloned();
    map.filter(|_| !diagnostics.has_errors())
}

fn push_id(out: &mut String, name: &str, id: Option<&[u8]>) {
    if let Some(id) = id.filter(|id| !id.is_empty()) {
        out.push('"');
        out.push_str(name);
        out.push_str("\": \"");
        push_hex(out, id);
        out.push_str("\", ");
    }
}

/// Appends the digits of a DHCPv6 option.
fn push_option(out: &mut String, (code, body): (u16, &[u8])) {
    push_hex(out, &code.to_be_bytes());
    push_hex(out, &(body.len() as u16).to_be_bytes());
    push_hex(out, body);
}

/// Upper-case digits.
fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    push_hex(&mut out, bytes);
    out
}

/// Appends upper-case digits.
fn push_hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.extend(char::from_digit(digit.into(), 16).map(|digit| digit.to_ascii_uppercase()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_82_is_written_as_kea_does() {
        let mut text = String::from("rest");
        write4(&mut text, RelayAgentInformation::new(&[1, 1, 0xaa, 2, 2, 0xbb, 0xcc, 12, 1, 7]));
        let expected = r#"{ "ISC": { "relay-agent-info": { "relay-id": "07", "remote-id": "BBCC", "sub-options": "0x0101AA0202BBCC0C0107" } } }"#;
        assert_eq!(text, expected);
        write4(&mut text, RelayAgentInformation::new(&[1, 1, 0xaa]));
        assert_eq!(text, r#"{ "ISC": { "relay-agent-info": { "sub-options": "0x0101AA" } } }"#);
        assert_eq!(write_json(&parse(text.as_bytes()).unwrap().into()), text);
    }

    #[test]
    fn options_of_relays_are_written_by_code_as_kea_does() {
        let mut packet = vec![12, 0];
        packet.extend_from_slice(&[0; 32]);
        packet.extend_from_slice(&[0, 37, 0, 1, 7, 0, 9, 0, 4, 1, 0, 0, 1, 0, 18, 0, 1, 8]);
        packet.extend_from_slice(&[0, 18, 0, 1, 6]);
        let mut spans = libdhcp::v6::SpanTable::default();
        let view = View::parse(&packet, &mut spans).unwrap();
        let mut text = String::new();
        write6(&mut text, &view);
        let expected = concat!(
            r#"{ "ISC": { "relay-info": [ { "hop": 0, "link": "::", "#,
            r#""options": "0x001200010800120001060025000107", "peer": "::", "remote-id": "07" } ] } }"#
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn contexts_are_merged_and_what_is_there_stays() {
        let merged = |old: &str, new: &str| {
            String::from_utf8(merge(old.as_bytes(), new.as_bytes())).unwrap()
        };
        let info = r#"{ "ISC": { "relay-info": [ 1 ] } }"#;
        assert_eq!(merged("", info), info);
        assert_eq!(merged(info, ""), info);
        assert_eq!(merged("no json", info), info);
        assert_eq!(merged("[ 1 ]", info), info);
        assert_eq!(
            merged(r#"{ "a": 1, "ISC": { "b": 2, "relay-info": [ 0 ] } }"#, info),
            r#"{ "a": 1, "ISC": { "b": 2, "relay-info": [ 1 ] } }"#
        );
        assert_eq!(merged(r#"{ "ISC": 7 }"#, info), info);
    }
}
