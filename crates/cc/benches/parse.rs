//! Time and allocations of reading large configurations.

use std::fmt::Write;

use cc::{Diagnostics, Document, Keyword, Kind, MapReader, NoIncludes, Scope};
use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

static RESERVATION: Scope = Scope::new(
    "reservations",
    &[
        Keyword::new("hw-address", Kind::Str, ""),
        Keyword::new("ip-address", Kind::Str, ""),
        Keyword::new("hostname", Kind::Str, ""),
        Keyword::new("client-classes", Kind::StrList, ""),
        Keyword::new("option-data", Kind::MapList, ""),
        cc::USER_CONTEXT,
        cc::COMMENT,
    ],
);

fn main() {
    divan::main();
}

fn reservations(count: u32) -> String {
    let mut text = String::from("[\n");
    for number in 0..count {
        let comma = if number + 1 < count { "," } else { "" };
        let [_, a, b, c] = number.to_be_bytes();
        let row = writeln!(
            text,
            "    {{\n      \"hw-address\": \"02:00:00:{a:02x}:{b:02x}:{c:02x}\",\n      \
             \"ip-address\": \"10.{a}.{b}.{c}\",\n      \"hostname\": \"host-{number}\",\n      \
             \"client-classes\": [ \"one\", \"two\" ]\n    }}{comma}"
        );
        row.expect("a string takes all text");
    }
    text + "]"
}

#[divan::bench(sample_count = 10)]
fn parse_100_000_reservations(bencher: Bencher<'_, '_>) {
    let text = reservations(100_000);
    bencher.counter(BytesCount::of_str(&text)).bench_local(|| {
        let mut diagnostics = Diagnostics::new();
        Document::parse(black_box(&text), "kea.conf", &mut NoIncludes, &mut diagnostics)
    });
}

#[divan::bench(sample_count = 10)]
fn check_100_000_reservations(bencher: Bencher<'_, '_>) {
    let text = reservations(100_000);
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(&text, "kea.conf", &mut NoIncludes, &mut diagnostics);
    let document = document.expect("the text is sound");
    bencher.bench_local(|| {
        let items = document.root.as_list().expect("a list was written");
        let readers = items.iter().filter_map(|item| {
            let reader = MapReader::new(item, &RESERVATION, &mut diagnostics)?;
            reader.str("ip-address").map(str::len)
        });
        readers.sum::<usize>()
    });
}
