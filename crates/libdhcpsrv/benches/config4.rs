//! Time and allocations of reading a configuration with many subnets.
//!
//! `cargo bench -p libdhcpsrv --bench config4`. The largest file has 10,000 subnets, each with a
//! pool, a relay and two options; the aim is 0.5 s with parsing, 0.3 s without.

#![allow(missing_docs)]

use std::fmt::Write;

use cc::{Diagnostics, Document, NoIncludes};
use divan::{AllocProfiler, Bencher};
use libdhcpsrv::config4::{Config4, get, read};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const COUNTS: [u32; 3] = [1, 1000, 10_000];

fn main() {
    divan::main();
}

fn file(count: u32) -> String {
    let mut text = String::from("{ \"Dhcp4\": { \"subnet4\": [");
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
    text + "] } }"
}

fn parse(text: &str) -> (Document, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(text, "bench", &mut NoIncludes, &mut diagnostics);
    (document.expect("it is JSON"), diagnostics)
}

fn compile(document: &Document, mut diagnostics: Diagnostics) -> Config4 {
    read(document, 1, &mut diagnostics).expect("it has no errors")
}

#[divan::bench(args = COUNTS)]
fn text_to_configuration(bencher: Bencher<'_, '_>, count: u32) {
    let text = file(count);
    bencher.bench(|| {
        let (document, diagnostics) = parse(&text);
        compile(&document, diagnostics)
    });
}

#[divan::bench(args = COUNTS)]
fn tree_to_configuration(bencher: Bencher<'_, '_>, count: u32) {
    let (document, _) = parse(&file(count));
    bencher.bench(|| compile(&document, Diagnostics::new()));
}

#[divan::bench(args = COUNTS)]
fn configuration_to_text(bencher: Bencher<'_, '_>, count: u32) {
    let (document, diagnostics) = parse(&file(count));
    let config = compile(&document, diagnostics);
    bencher.bench(|| get(&config, &document));
}
