//! Time and allocations of reading a configuration with many subnets, and of finding one of them.
//!
//! `cargo bench -p libdhcpsrv --bench config`. The largest file has 10,000 subnets, each with a pool (of addresses, and
//! of prefixes too for DHCPv6), a relay and two options. Host reservations have an address and a name each.

#![allow(missing_docs)]

use std::fmt::Write;
use std::hint::black_box;
use std::net::{Ipv4Addr, Ipv6Addr};

use cc::{Diagnostics, Document, NoIncludes};
use divan::{AllocProfiler, Bencher};
use libdhcpsrv::{config4, config6};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const COUNTS: [u32; 3] = [1, 1000, 10_000];

fn main() {
    divan::main();
}

/// A file with a list of subnets.
fn file(entry: &str, subnets: &str, count: u32, subnet: impl Fn(u32) -> String) -> String {
    let mut text = format!("{{ \"{entry}\": {{ \"{subnets}\": [");
    for number in 0..count {
        let comma = if number == 0 { "" } else { "," };
        write!(text, "{comma}\n{{ \"id\": {},\n  {} }}", number + 1, subnet(number))
            .expect("a string takes all text");
    }
    text + "] } }"
}

fn file4(count: u32) -> String {
    file("Dhcp4", "subnet4", count, |number| {
        let (a, b) = (number >> 8, number & 255);
        format!(
            "\"subnet\": \"10.{a}.{b}.0/24\",\n  \
             \"pools\": [ {{ \"pool\": \"10.{a}.{b}.10 - 10.{a}.{b}.200\" }} ],\n  \
             \"option-data\": [ {{ \"name\": \"routers\", \"data\": \"10.{a}.{b}.1\" }},\n    \
             {{ \"name\": \"domain-name\", \"data\": \"example.org\" }} ],\n  \
             \"relay\": {{ \"ip-addresses\": [ \"10.{a}.{b}.2\" ] }}"
        )
    })
}

fn file6(count: u32) -> String {
    file("Dhcp6", "subnet6", count, |n| {
        format!(
            "\"subnet\": \"2001:db8:{n:x}::/64\",\n  \
             \"pools\": [ {{ \"pool\": \"2001:db8:{n:x}::10 - 2001:db8:{n:x}::ffff\" }} ],\n  \
             \"pd-pools\": [ {{ \"prefix\": \"3000:{n:x}::\", \"prefix-len\": 32, \
             \"delegated-len\": 56 }} ],\n  \
             \"option-data\": [ {{ \"name\": \"dns-servers\", \"data\": \"2001:db8:{n:x}::1\" }},\n \
             {{ \"name\": \"domain-search\", \"data\": \"example.org\" }} ],\n  \
             \"relay\": {{ \"ip-addresses\": [ \"2001:db8:{n:x}::2\" ] }}"
        )
    })
}

fn parse(text: &str) -> (Document, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(text, "bench", &mut NoIncludes, &mut diagnostics);
    (document.expect("it is JSON"), diagnostics)
}

fn compile4(document: &Document) -> config4::Config4 {
    config4::read(document, 1, &mut Diagnostics::new()).expect("it has no errors")
}

fn compile6(document: &Document) -> config6::Config6 {
    config6::read(document, 1, &mut Diagnostics::new()).expect("it has no errors")
}

#[divan::bench(args = COUNTS)]
fn text_to_configuration4(bencher: Bencher<'_, '_>, count: u32) {
    let text = file4(count);
    bencher.bench(|| compile4(&parse(&text).0));
}

#[divan::bench(args = COUNTS)]
fn text_to_configuration6(bencher: Bencher<'_, '_>, count: u32) {
    let text = file6(count);
    bencher.bench(|| compile6(&parse(&text).0));
}

#[divan::bench(args = COUNTS)]
fn tree_to_configuration4(bencher: Bencher<'_, '_>, count: u32) {
    let (document, _) = parse(&file4(count));
    bencher.bench(|| compile4(&document));
}

#[divan::bench(args = COUNTS)]
fn tree_to_configuration6(bencher: Bencher<'_, '_>, count: u32) {
    let (document, _) = parse(&file6(count));
    bencher.bench(|| compile6(&document));
}

#[divan::bench(args = COUNTS)]
fn configuration4_to_text(bencher: Bencher<'_, '_>, count: u32) {
    let (document, _) = parse(&file4(count));
    let config = compile4(&document);
    bencher.bench(|| config4::get(&config, &document));
}

#[divan::bench(args = COUNTS)]
fn configuration6_to_text(bencher: Bencher<'_, '_>, count: u32) {
    let (document, _) = parse(&file6(count));
    let config = compile6(&document);
    bencher.bench(|| config6::get(&config, &document));
}

/// Numbers of subnets in no order; each lookup waits for the one before.
fn in_no_order(count: u32, mut find: impl FnMut(u32) -> Option<u32>) -> u32 {
    let mut number = 0;
    for _ in 0..1000 {
        let found = find(number).expect("there is a subnet");
        number = found.wrapping_mul(2_654_435_761).wrapping_add(7) % count;
    }
    number
}

/// A thousand lookups.
#[divan::bench(args = COUNTS)]
fn find_subnet4(bencher: Bencher<'_, '_>, count: u32) {
    let index = compile4(&parse(&file4(count)).0).by_address;
    bencher.bench(|| {
        in_no_order(count, |number| {
            let address = Ipv4Addr::from(10 << 24 | number << 8 | 2);
            index.find(black_box(address)).map(|index| index.0)
        })
    });
}

/// A thousand lookups.
#[divan::bench(args = COUNTS)]
fn find_subnet6(bencher: Bencher<'_, '_>, count: u32) {
    let index = compile6(&parse(&file6(count)).0).by_address;
    bencher.bench(|| {
        in_no_order(count, |number| {
            let address = Ipv6Addr::from(0x2001_0db8 << 96 | u128::from(number) << 80 | 2);
            index.find(black_box(address)).map(|index| index.0)
        })
    });
}

/// Host reservations of one subnet.
const HOST_COUNTS: [u32; 2] = [10_000, 100_000];

fn hosts_file(entry: &str, subnets: &str, count: u32, host: impl Fn(u32) -> String) -> String {
    let hosts: Vec<String> = (0..count).map(|number| format!("{{ {} }}", host(number))).collect();
    let prefix = if entry == "Dhcp4" { "10.0.0.0/8" } else { "2001:db8::/32" };
    file(entry, subnets, 1, |_| {
        format!("\"subnet\": \"{prefix}\", \"reservations\": [ {} ]", hosts.join(",\n"))
    })
}

fn hosts_file4(count: u32) -> String {
    hosts_file("Dhcp4", "subnet4", count, |number| {
        let [a, b, c, d] = number.to_be_bytes();
        format!(
            "\"hw-address\": \"02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}\", \
             \"ip-address\": \"{}\", \"hostname\": \"host-{number}.example\"",
            Ipv4Addr::from(0x0a00_0001 + number)
        )
    })
}

fn hosts_file6(count: u32) -> String {
    hosts_file("Dhcp6", "subnet6", count, |number| {
        let [a, b, c, d] = number.to_be_bytes();
        format!(
            "\"duid\": \"00:03:00:01:02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}\", \
             \"ip-addresses\": [ \"{}\" ], \"hostname\": \"host-{number}.example\"",
            Ipv6Addr::from((0x2001_0db8_u128 << 96) + u128::from(number) + 1)
        )
    })
}

/// Parsing and reading of a file with host reservations.
#[divan::bench(args = HOST_COUNTS, sample_count = 10)]
fn text_to_hosts4(bencher: Bencher<'_, '_>, count: u32) {
    let text = hosts_file4(count);
    bencher.bench(|| compile4(&parse(&text).0).hosts.len());
}

/// The same for DHCPv6.
#[divan::bench(args = HOST_COUNTS, sample_count = 10)]
fn text_to_hosts6(bencher: Bencher<'_, '_>, count: u32) {
    let text = hosts_file6(count);
    bencher.bench(|| compile6(&parse(&text).0).hosts.len());
}

/// Memory of the table alone: what is allocated at the end.
#[divan::bench(args = HOST_COUNTS, sample_count = 10)]
fn build_hosts4(bencher: Bencher<'_, '_>, count: u32) {
    use libdhcpsrv::hosts::{
        Extras, Hosts4, HostsBuilder, Identifier, IdentifierKind, NewHost, Resource,
    };
    bencher.bench(|| {
        let mut builder = HostsBuilder::default();
        for number in 0..count {
            let address = Ipv4Addr::from(0x0a00_0001 + number);
            let bytes = [2, 0, 0, (number >> 16) as u8, (number >> 8) as u8, number as u8];
            builder.add(NewHost {
                subnet: libdhcpsrv::lease::SubnetId(1),
                identifier: Identifier { kind: IdentifierKind::HwAddress, bytes: &bytes },
                resources: &[Resource {
                    address,
                    prefix_len: 32,
                    is_prefix: false,
                    excluded: None,
                }],
                hostname: b"host-12345.example",
                extras: Extras::default(),
            });
        }
        let hosts: Hosts4 = builder.build();
        hosts
    });
}
