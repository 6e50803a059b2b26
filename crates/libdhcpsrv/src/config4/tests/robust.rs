//! Damaged files, large files, and what both cost.

use std::fmt::Write;

use cc::{Diagnostics, Document, Element, Map, NoIncludes, Value};
use proptest::prelude::*;

use super::{parse, read_members};
use crate::config4::{get, read};

const SOURCES: [&str; 2] = [include_str!("files/kea-1.1.json"), include_str!("files/kea-3.json")];

/// Values in place of others: wrong types, edges, text that almost has a form.
fn strange() -> Vec<Value> {
    let texts = [
        "",
        "/",
        "-",
        "*",
        "a/b",
        "0.0.0.0/0",
        "255.255.255.255/32",
        "0.0.0.0 - 255.255.255.255",
        "10.0.0.1/99999999999",
        "999.0.0.1",
        "::1",
        ",,,",
        "'",
        "0x",
        "record",
        "empty",
        "dhcp4",
        "vendor-4294967296",
        "vendor-4491",
        "\u{1F600}",
        "syslog:",
    ];
    let numbers = [i64::MIN, -1, 0, 1, 3, 54, 255, 256, 65_536, 4_294_967_296, i64::MAX];
    let mut all: Vec<Value> = texts.into_iter().map(Value::from).collect();
    all.extend(numbers.map(Value::from));
    all.extend([Value::Null, Value::Invalid, true.into(), false.into(), 0.5.into()]);
    all.extend([f64::MAX.into(), Map::new().into(), Value::List(Vec::new())]);
    all.push(Value::List(vec![Map::new().into(), "x".into()]));
    all.push("x".repeat(5000).into());
    all
}

/// Replaces the n-th value of the tree; counts down.
fn replace(element: &mut Element, n: &mut usize, by: &Value) {
    if *n == 0 {
        element.value = by.clone();
    }
    *n = n.wrapping_sub(1);
    match &mut element.value {
        Value::List(items) => items.iter_mut().for_each(|item| replace(item, n, by)),
        Value::Map(map) => {
            let keys: Vec<Box<str>> = map.entries().iter().map(|entry| entry.key.clone()).collect();
            for key in keys {
                if let Some(element) = map.get_mut(&key) {
                    replace(element, n, by);
                }
            }
        }
        _ => {}
    }
}

fn read_and_get(document: &Document) {
    let mut diagnostics = Diagnostics::new();
    if let Some(config) = read(document, 1, &mut diagnostics) {
        assert!(!diagnostics.has_errors());
        assert!(!get(&config, document).is_empty());
    } else {
        assert!(diagnostics.has_errors() || has_unreadable(&document.root));
    }
    assert_eq!(diagnostics.render().is_empty(), diagnostics.is_empty());
}

/// Says whether there is an unreadable value, which is reported by the parser and not here.
fn has_unreadable(element: &Element) -> bool {
    match &element.value {
        Value::Invalid => true,
        Value::List(items) => items.iter().any(has_unreadable),
        Value::Map(map) => map.entries().iter().any(|entry| has_unreadable(&entry.element)),
        _ => false,
    }
}

proptest! {
    #[test]
    fn no_value_in_any_place_breaks_the_reader(
        source in 0..SOURCES.len(),
        changes in proptest::collection::vec((0usize..250, 0usize..43), 1..4),
    ) {
        let (mut document, _) = parse(SOURCES[source]);
        let strange = strange();
        for (mut n, which) in changes {
            replace(&mut document.root, &mut n, &strange[which % strange.len()]);
        }
        read_and_get(&document);
    }

    #[test]
    fn no_damaged_byte_breaks_the_reader(
        source in 0..SOURCES.len(),
        changes in proptest::collection::vec((any::<u16>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        let mut bytes = SOURCES[source].as_bytes().to_vec();
        for (place, byte, kind) in changes {
            let place = usize::from(place) % bytes.len();
            match kind {
                0 => bytes[place] = byte,
                1 => { bytes.remove(place); }
                _ => bytes.insert(place, b"\"{}[],:0-/. "[usize::from(byte) % 12]),
            }
        }
        let mut diagnostics = Diagnostics::new();
        if let Some(document) = Document::parse(&bytes, "f", &mut NoIncludes, &mut diagnostics) {
            read_and_get(&document);
        }
    }
}

#[test]
fn every_value_can_be_a_strange_one() {
    for source in SOURCES {
        let (document, _) = parse(source);
        for n in 0..250 {
            for by in strange().iter().skip(n % 9).step_by(9) {
                let mut document = document.clone();
                replace(&mut document.root, &mut { n }, by);
                read_and_get(&document);
            }
        }
    }
}

/// A file with `count` subnets that have a pool and two options each.
fn large_file(count: u32) -> String {
    let mut text = String::from("\"subnet4\": [");
    for number in 0..count {
        let (a, b) = (number >> 8, number & 255);
        let comma = if number == 0 { "" } else { "," };
        write!(
            text,
            "{comma}\n{{ \"id\": {}, \"subnet\": \"10.{a}.{b}.0/24\",\n  \
             \"pools\": [ {{ \"pool\": \"10.{a}.{b}.10 - 10.{a}.{b}.200\" }} ],\n  \
             \"option-data\": [ {{ \"name\": \"routers\", \"data\": \"10.{a}.{b}.1\" }},\n    \
             {{ \"name\": \"domain-name\", \"data\": \"example.org\" }} ],\n  \
             \"relay\": {{ \"ip-addresses\": [ \"10.{a}.{b}.2\" ] }} }}",
            number + 1
        )
        .expect("a string takes all text");
    }
    text + "]"
}

#[test]
fn ten_thousand_subnets_are_read() {
    let (config, findings) = read_members(&large_file(10_000));
    assert_eq!(findings, "");
    let config = config.expect("no findings");
    assert_eq!((config.subnets.len(), config.pools.len()), (10_000, 10_000));
    assert_eq!(config.by_relay.len(), 10_000);
    let found = config.by_address.find([10, 39, 15, 77].into());
    assert_eq!(found.map(|index| config.subnet(index).id), Some(10_000));
}
