//! Damaged files, large files, and what both cost.

use std::fmt::Write;
use std::time::{Duration, Instant};

use cc::{Diagnostics, Document, NoIncludes};
use proptest::prelude::*;

use super::read_members;
use crate::config::testing::{read_and_get, strange, with_damage, with_strange_values};
use crate::config4::{get, read};

const SOURCES: [&str; 3] = [
    include_str!("files/kea-1.1.json"),
    include_str!("files/kea-3.json"),
    include_str!("files/classes.json"),
];

proptest! {
    #[test]
    fn no_value_in_any_place_breaks_the_reader(
        source in 0..SOURCES.len(),
        changes in proptest::collection::vec((0usize..300, any::<usize>()), 1..4),
    ) {
        read_and_get(read, get, &with_strange_values(SOURCES[source], &changes));
    }

    #[test]
    fn no_damaged_byte_breaks_the_reader(
        source in 0..SOURCES.len(),
        changes in proptest::collection::vec((any::<u16>(), any::<u8>(), 0u8..3), 1..6),
    ) {
        let (bytes, mut diagnostics) = (with_damage(SOURCES[source], &changes), Diagnostics::new());
        if let Some(document) = Document::parse(&bytes, "f", &mut NoIncludes, &mut diagnostics) {
            read_and_get(read, get, &document);
        }
    }
}

#[test]
fn every_value_can_be_a_strange_one() {
    for source in SOURCES {
        for n in 0..300 {
            for which in (n % 9..strange().len()).step_by(9) {
                read_and_get(read, get, &with_strange_values(source, &[(n, which)]));
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

/// Names are compared with each other only to suggest one, and that not too often.
#[test]
#[expect(clippy::disallowed_methods, reason = "it is about time itself")]
fn thousands_of_classes_are_read_whoever_names_them() {
    const COUNT: usize = 2000;
    let list = |row: &dyn Fn(usize) -> String| (0..COUNT).map(row).collect::<Vec<_>>().join(",\n");
    let classes = list(&|n| format!(r#"{{ "name": "customer-{n:05}" }}"#));
    for (class, key) in [
        ("customer", "reservations"),
        ("customer", "option-data"),
        ("customes", "reservations"),
        ("customes", "subnet4"),
    ] {
        let more = list(&|n| {
            let own = match key {
                "reservations" => format!(r#""client-id": "{n:08x}""#),
                "option-data" => r#""name": "domain-name", "data": "x""#.to_owned(),
                _ => format!(r#""id": {}, "subnet": "10.{}.{}.0/24""#, n + 1, n >> 8, n & 255),
            };
            format!(r#"{{ {own}, "client-classes": [ "{class}-{n:05}" ] }}"#)
        });
        let begin = Instant::now();
        let (config, findings) =
            read_members(&format!(r#""client-classes": [ {classes} ], "{key}": [ {more} ]"#));
        assert!(config.is_some(), "{findings}");
        let warnings = findings.lines().filter(|line| line.contains("did you mean")).count();
        assert_eq!(warnings, if class == "customer" { 0 } else { 20 }, "{key}");
        // Far above what is needed, for machines under load.
        assert!(begin.elapsed() < Duration::from_secs(60), "{class} {key}: {:?}", begin.elapsed());
    }
}
