//! The check of what leases that are loaded say of relays (`extended-info-checks`): old forms become today's, what is
//! not understood is taken out, and only that; the lease stays. Kea: `LeaseMgr::upgradeLease4ExtendedInfo`, `...6...`.

use std::net::Ipv6Addr;

use cc::{Element, Map, Value, write_json};
use libdhcp::v4::{RelayAgentInformation, code as code4};
use libdhcp::v6::{Options, code as code6};

use super::{ISC, hex, parse};
use crate::config::ExtendedInfoChecks as Checks;

/// The context in today's form when it has another one, or when something has to be taken out.
#[must_use]
pub fn mended(context: &[u8], is_v6: bool, checks: Checks) -> Option<Vec<u8>> {
    if checks == Checks::None || context.is_empty() {
        return None;
    }
    let Some(mut map) = parse(context) else { return Some(Vec::new()) };
    let is_changed = match map.get(ISC) {
        None => false,
        Some(isc) => {
            let mended = isc.as_map().map(|isc| {
                let mut isc = isc.clone();
                let is_changed =
                    if is_v6 { mend6(&mut isc, checks) } else { mend4(&mut isc, checks) };
                (isc, is_changed)
            });
            match mended {
                Some((isc, is_changed)) if !isc.is_empty() => {
                    map.set(ISC, isc);
                    is_changed
                }
                _ => map.remove(ISC).is_some(),
            }
        }
    };
    match (map.is_empty(), is_changed) {
        (true, _) => Some(Vec::new()),
        (false, true) => Some(write_json(&map.into()).into_bytes()),
        (false, false) => None,
    }
}

/// Mends the member of DHCPv4; returns whether anything has changed.
fn mend4(isc: &mut Map, checks: Checks) -> bool {
    const NAME: &str = "relay-agent-info";
    let Some(element) = isc.get(NAME) else { return false };
    if let Some(text) = element.as_str() {
        let upgraded = bytes_of(text).map(|bytes| {
            let relay = RelayAgentInformation::new(&bytes);
            let mut info = Map::new();
            for (name, code) in
                [("relay-id", code4::RAI_RELAY_ID), ("remote-id", code4::RAI_REMOTE_ID)]
            {
                set_id(&mut info, name, relay.sub_option(code));
            }
            info.with("sub-options", text)
        });
        match upgraded {
            Some(info) => isc.set(NAME, info),
            None => drop(isc.remove(NAME)),
        }
        return true;
    }
    let is_strict = checks != Checks::Fix;
    let is_good = element.as_map().is_some_and(|info| {
        let is_hex =
            info.get("sub-options").is_none_or(|text| text.as_str().and_then(bytes_of).is_some());
        let known = ["sub-options", "remote-id", "relay-id", "comment"];
        !is_strict || is_hex && has_good_ids(info) && has_only(info, &known, checks)
    });
    !is_good && isc.remove(NAME).is_some()
}

/// Mends the members of DHCPv6; returns whether anything has changed.
fn mend6(isc: &mut Map, checks: Checks) -> bool {
    const NAME: &str = "relay-info";
    let old = isc.remove("relays");
    let mut is_changed = old.is_some();
    if let Some(old) = old.filter(|_| isc.get(NAME).is_none()) {
        let relays = old.as_list().unwrap_or_default().iter().map(with_ids);
        isc.set(NAME, relays.collect::<Vec<Element>>());
    }
    let Some(element) = isc.get(NAME) else { return is_changed };
    let relays = element.as_list().unwrap_or_default();
    if relays.is_empty() || !relays.iter().all(|relay| is_good6(relay, checks)) {
        is_changed |= isc.remove(NAME).is_some();
    }
    is_changed
}

/// A relay of the old form with the identifiers that its options hold.
fn with_ids(relay: &Element) -> Element {
    let Some(map) = relay.as_map() else { return relay.clone() };
    let mut map = map.clone();
    let options = map.get("options").and_then(Element::as_str).and_then(bytes_of);
    for (name, code) in [("relay-id", code6::RELAY_ID), ("remote-id", code6::REMOTE_ID)] {
        let options = Options::new(options.as_deref().unwrap_or_default());
        let found = options.into_iter().find(|(found, _)| *found == code);
        set_id(&mut map, name, found.map(|(_, id)| id));
    }
    map.into()
}

fn is_good6(relay: &Element, checks: Checks) -> bool {
    let Some(map) = relay.as_map() else { return false };
    let is_hex = |text: &Element| text.as_str().and_then(bytes_of).is_some();
    let is_address = |name| {
        let text = map.get(name).and_then(Element::as_str);
        text.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok())
    };
    let is_pedantic = checks == Checks::Pedantic;
    let known = ["hop", "link", "peer", "options", "remote-id", "relay-id", "comment"];
    let is_hop = || matches!(map.get("hop").map(|hop| &hop.value), Some(Value::Int(_)));
    map.get("options").is_none_or(is_hex)
        && (checks == Checks::Fix || is_address("link") && has_good_ids(map))
        && (!is_pedantic || is_address("peer") && is_hop() && has_only(map, &known, checks))
}

fn has_good_ids(info: &Map) -> bool {
    ["remote-id", "relay-id"].iter().all(|name| {
        let is_id = |id: &Element| id.as_str().and_then(bytes_of).is_some_and(|id| !id.is_empty());
        info.get(name).is_none_or(is_id)
    })
}

fn has_only(info: &Map, known: &[&str], checks: Checks) -> bool {
    let mut entries = info.entries().iter();
    checks != Checks::Pedantic || entries.all(|entry| known.contains(&&*entry.key))
}

fn set_id(info: &mut Map, name: &str, id: Option<&[u8]>) {
    if let Some(id) = id.filter(|id| !id.is_empty()) {
        info.set(name, hex(id));
    }
}

/// The bytes of hexadecimal digits, with `0x` before them, colons between them, or neither.
fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.strip_prefix("0x").unwrap_or(text).replace(':', "").into_bytes();
    let pairs = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok().filter(|_| !pair.starts_with('+'))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mend(context: &str, is_v6: bool, checks: Checks) -> String {
        let mended = mended(context.as_bytes(), is_v6, checks);
        mended.map_or("same".into(), |mended| String::from_utf8(mended).unwrap())
    }

    #[test]
    fn old_forms_become_todays() {
        let old = r#"{ "a": 1, "ISC": { "relay-agent-info": "0x0202ABCD" } }"#;
        let new = r#"{ "a": 1, "ISC": { "relay-agent-info": { "remote-id": "ABCD", "sub-options": "0x0202ABCD" } } }"#;
        assert_eq!(mend(old, false, Checks::Fix), new);
        assert_eq!(mend(new, false, Checks::Pedantic), "same");
        assert_eq!(mend(old, false, Checks::None), "same");
        let old = r#"{ "ISC": { "relays": [ { "hop": 0, "link": "2001:db8::1", "peer": "fe80::1", "options": "0x00350001AA" } ] } }"#;
        let new = r#"{ "ISC": { "relay-info": [ { "hop": 0, "link": "2001:db8::1", "peer": "fe80::1", "options": "0x00350001AA", "relay-id": "AA" } ] } }"#;
        assert_eq!(mend(old, true, Checks::Fix), new);
        assert_eq!(mend(new, true, Checks::Pedantic), "same");
    }

    #[test]
    fn what_is_not_understood_is_taken_out_by_the_strictness_of_the_check() {
        use Checks::{Fix, Pedantic, Strict};
        let v4 = |info: &str| format!(r#"{{ "ISC": {{ "relay-agent-info": {info} }} }}"#);
        let v6 = |info: &str| format!(r#"{{ "ISC": {{ "relay-info": {info} }} }}"#);
        for (context, is_v6, kept) in [
            (v4("7"), false, [false; 3]),
            (v4("\"xy\""), false, [false; 3]),
            (v4(r#"{ "sub-options": "xy" }"#), false, [true, false, false]),
            (v4(r#"{ "sub-options": "0x", "relay-id": "" }"#), false, [true, false, false]),
            (v4(r#"{ "sub-options": "0x", "more": 1 }"#), false, [true, true, false]),
            (v6("[ ]"), true, [false; 3]),
            (v6("[ 7 ]"), true, [false; 3]),
            (v6(r#"[ { "options": 7 } ]"#), true, [false; 3]),
            (v6(r#"[ { "hop": 1 } ]"#), true, [true, false, false]),
            (v6(r#"[ { "link": "::" } ]"#), true, [true, true, false]),
        ] {
            for (checks, kept) in [Fix, Strict, Pedantic].into_iter().zip(kept) {
                let expected = if kept { "same" } else { "" };
                assert_eq!(mend(&context, is_v6, checks), expected, "{context} {checks:?}");
            }
        }
        assert_eq!(mend("{ }", false, Fix), "");
        assert_eq!(mend("[ 1 ]", false, Fix), "");
        assert_eq!(mend(r#"{ "ISC": 1, "a": 2 }"#, false, Fix), r#"{ "a": 2 }"#);
    }
}
