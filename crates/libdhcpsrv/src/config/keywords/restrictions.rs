//! Keys of which only some values can be honoured today.
//!
//! The values are those that ask for nothing, so that a file which spells out its defaults loads.
//! Any other value of the right type is refused with the name of what is missing.

use cc::{DefaultValue, Diagnostics, MapReader, Value, write_json};

use DefaultValue::{Bool, Int, Str};

/// A key with the values that are accepted today.
#[derive(Clone, Copy, Debug)]
pub struct Restriction {
    /// The key, in every scope that has it.
    pub keyword: &'static str,
    /// The values that are accepted.
    pub accepted: &'static [DefaultValue],
    /// What other values need.
    pub reason: &'static str,
    /// Scopes in which all values are honoured.
    pub honoured_in: &'static [&'static str],
}

/// All restrictions; a server has those whose keys it has.
pub const RESTRICTIONS: &[Restriction] = &[
    named("ddns-qualifying-suffix", &[Str("")]),
    named("ddns-replace-client-name", &[Str("never"), Bool(false)]),
    row("dhcp4o6-port", &[Int(0)], "DHCPv4 over DHCPv6"),
    row("enable-updates", &[Bool(false)], "DNS updates"),
    named("hostname-char-replacement", &[Str("")]),
    named("hostname-char-set", &[Str(""), Str("[^A-Za-z0-9.-]")]),
    row(
        "outbound-interface",
        &[Str("same-as-inbound")],
        "answers that leave by the routing table alone, not by the interface of the query",
    ),
];

const fn row(
    keyword: &'static str,
    accepted: &'static [DefaultValue],
    reason: &'static str,
) -> Restriction {
    Restriction { keyword, accepted, reason, honoured_in: &[] }
}

/// A key about the names that clients give in option 12.
const fn named(keyword: &'static str, accepted: &'static [DefaultValue]) -> Restriction {
    let reason = "names of DHCPv6 clients, and names by pool";
    Restriction { keyword, accepted, reason, honoured_in: &["Dhcp4", "subnet4", "dhcp-ddns"] }
}

/// Reports the keys of a map whose values cannot be honoured.
pub(crate) fn refuse_unsupported(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) {
    for restriction in RESTRICTIONS {
        let keyword = restriction.keyword;
        // First what is cheap: few files say anything about these keys.
        let Some(element) = reader.raw().get(keyword) else { continue };
        if restriction.honoured_in.contains(&reader.scope().name) {
            continue;
        }
        if reader.scope().keyword(keyword).is_none() || reader.element(keyword).is_none() {
            continue;
        }
        let is = |accepted: &DefaultValue| is_same(&element.value, *accepted);
        if restriction.accepted.iter().any(is) {
            continue;
        }
        let value = write_json(element);
        let message = format!("'{keyword}': {value} is not supported yet: {}", restriction.reason);
        let accepted = restriction.accepted.iter().map(|value| write_json(&(*value).into()));
        let hint =
            format!("leave it out or set it to {}", accepted.collect::<Vec<_>>().join(" or "));
        diagnostics.error_with_hint(element.position, message, hint);
    }
}

fn is_same(value: &Value, accepted: DefaultValue) -> bool {
    match (value, accepted) {
        (Value::Str(text), Str(accepted)) => text.eq_ignore_ascii_case(accepted),
        (value, accepted) => *value == accepted.into(),
    }
}
