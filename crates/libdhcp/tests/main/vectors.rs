use libdhcp::data::{Universe, encode_hex, format_option};
use libdhcp::option_defs;
use libdhcp::v4::{SpanTable, View};

/// What a packet means, line by line, as the vector files say it.
fn describe(bytes: &[u8]) -> String {
    let mut spans = SpanTable::new();
    let view = match View::parse(bytes, &mut spans) {
        Ok(view) => view,
        Err(error) => return format!("error: {error}"),
    };
    let mut lines = vec![
        format!("client: {}", view.label()),
        format!("flags: {:#06x} hops: {} secs: {}", view.flags(), view.hops(), view.secs()),
        format!("ciaddr: {} yiaddr: {}", view.ciaddr(), view.yiaddr()),
        format!("siaddr: {} giaddr: {}", view.siaddr(), view.giaddr()),
    ];
    for code in view.option_codes() {
        let definition = option_defs::by_code(Universe::V4, "dhcp4", u16::from(code));
        let text = format_option(definition, view.option(code).unwrap_or_default(), Universe::V4);
        let name = definition.map_or("unknown", |definition| &definition.name);
        lines.push(format!("{code} {name}: {text}"));
    }
    if let Some(offset) = view.truncated_at() {
        lines.push(format!("truncated at {offset}"));
    }
    lines.join("\n")
}

/// A vector: hexadecimal digits (`*N` repeats the byte before it), an empty line, then the
/// description.
fn check(name: &str, vector: &str) {
    let (digits, expected) = vector.split_once("\n\n").expect("an empty line divides a vector");
    let mut bytes = Vec::new();
    let lines = digits.lines().filter(|line| !line.starts_with('#'));
    for word in lines.flat_map(str::split_whitespace) {
        match word.split_once('*') {
            None => bytes.extend(encode_hex(word).expect("hexadecimal digits")),
            Some((byte, count)) => {
                let byte = encode_hex(byte).expect("hexadecimal digits");
                bytes.extend(byte.repeat(count.parse().expect("a number")));
            }
        }
    }
    assert_eq!(describe(&bytes), expected.trim_end(), "{name}");
}

#[test]
fn vectors_are_understood() {
    check("discover", include_str!("vectors/discover.txt"));
    check("overload", include_str!("vectors/overload.txt"));
    check("truncated", include_str!("vectors/truncated.txt"));
    check("bootp", include_str!("vectors/bootp.txt"));
}
