use libdhcp::data::{encode_hex, format_option};
use libdhcp::v6::IaError;
use libdhcp::{Universe, option_defs, v4, v6};

/// What a DHCPv4 packet means, line by line, as the vector files say it.
fn describe(bytes: &[u8]) -> String {
    let mut spans = v4::SpanTable::new();
    let view = match v4::View::parse(bytes, &mut spans) {
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
        let body = view.option(code).unwrap_or_default();
        lines.push(describe_option(Universe::V4, u16::from(code), body));
    }
    if let Some(offset) = view.truncated_at() {
        lines.push(format!("truncated at {offset}"));
    }
    lines.join("\n")
}

fn describe_option(universe: Universe, code: u16, body: &[u8]) -> String {
    let definition = option_defs::by_code(universe, universe.top_space(), code);
    let text = format_option(definition, body, universe);
    let name = definition.map_or("unknown", |definition| &definition.name);
    format!("{code} {name}: {text}").trim_end().to_owned()
}

/// What a DHCPv6 datagram means: relays from the outermost inwards, then the message.
fn describe6(bytes: &[u8]) -> String {
    let mut spans = v6::SpanTable::new();
    let is_reply = bytes.first() == Some(&(v6::MessageType::RelayRepl as u8));
    let parsed = match is_reply {
        true => v6::View::parse_reply(bytes, &mut spans),
        false => v6::View::parse(bytes, &mut spans),
    };
    let view = match parsed {
        Ok(view) => view,
        Err(error) => return format!("error: {error}"),
    };
    let mut lines = Vec::new();
    for relay in view.relays() {
        let (link, peer) = (relay.link_address(), relay.peer_address());
        lines.push(format!("relay: hops {} link {link} peer {peer}", relay.hop_count()));
        let options = relay.all_options().filter(|(code, _)| *code != v6::code::RELAY_MSG);
        lines.extend(
            options.map(|(code, body)| format!("  {}", describe_option(Universe::V6, code, body))),
        );
    }
    let name = view.message_type().map_or("unknown", v6::MessageType::name);
    lines.push(format!("{name} {}", view.label(None)));
    let options = view.all_options().filter(|(code, _)| v6::IaKind::from_code(*code).is_none());
    lines.extend(options.map(|(code, body)| describe_option(Universe::V6, code, body)));
    view.ias().for_each(|ia| describe_association(ia, &mut lines));
    if let Some(offset) = view.truncated_at() {
        lines.push(format!("truncated at {offset}"));
    }
    lines.join("\n")
}

fn describe_association(ia: Result<v6::Ia<'_>, IaError>, lines: &mut Vec<String>) {
    let ia = match ia {
        Ok(ia) => ia,
        Err(error) => return lines.push(format!("error: {error}")),
    };
    lines.push(format!("{} {} t1 {} t2 {}", ia.kind, ia.iaid, ia.t1, ia.t2));
    lines.extend(ia.addresses().map(|address| match address {
        Ok(v6::IaAddress { address, preferred, valid, .. }) => {
            format!("  {address} preferred {preferred} valid {valid}")
        }
        Err(error) => format!("  error: {error}"),
    }));
    lines.extend(ia.prefixes().map(|prefix| match prefix {
        Ok(found) => {
            let v6::IaPrefix { prefix, len, preferred, valid, .. } = found;
            let exclude = match found.excluded_prefix() {
                Some((prefix, len)) => format!(" without {prefix}/{len}"),
                None => String::new(),
            };
            format!("  {prefix}/{len} preferred {preferred} valid {valid}{exclude}")
        }
        Err(error) => format!("  error: {error}"),
    }));
    if let Some((status, text)) = ia.status() {
        let name = v6::StatusCode::from_u16(status).map_or("unknown", v6::StatusCode::name);
        lines.push(format!("  {name}: {}", String::from_utf8_lossy(text)));
    }
}

/// A vector: hexadecimal digits (`*N` repeats the byte before it), an empty line, then the
/// description.
fn check(name: &str, vector: &str, describe: fn(&[u8]) -> String) {
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
    check("discover", include_str!("vectors/discover.txt"), describe);
    check("overload", include_str!("vectors/overload.txt"), describe);
    check("truncated", include_str!("vectors/truncated.txt"), describe);
    check("bootp", include_str!("vectors/bootp.txt"), describe);
}

#[test]
fn v6_vectors_are_understood() {
    for (name, vector) in [
        ("solicit", include_str!("vectors/v6/solicit.txt")),
        ("relayed_request", include_str!("vectors/v6/relayed_request.txt")),
        ("reply", include_str!("vectors/v6/reply.txt")),
        ("relay_reply", include_str!("vectors/v6/relay_reply.txt")),
        ("wrong_places", include_str!("vectors/v6/wrong_places.txt")),
        ("truncated", include_str!("vectors/v6/truncated.txt")),
        ("lying_relay", include_str!("vectors/v6/lying_relay.txt")),
        ("empty_relay", include_str!("vectors/v6/empty_relay.txt")),
    ] {
        check(name, vector, describe6);
    }
}
