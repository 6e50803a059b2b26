//! Keys of which only some values can be honoured today.
//!
//! The values are those that ask for nothing, so that a file which spells out its defaults loads.
//! Any other value of the right type is refused with the name of what is missing.

use cc::{DefaultValue, Diagnostics, MapReader, write_json};

use DefaultValue::{Bool, Int};

/// A key with the values that are accepted today.
#[derive(Clone, Copy, Debug)]
pub struct Restriction {
    /// The key, in every scope that has it.
    pub keyword: &'static str,
    /// The values that are accepted.
    pub accepted: &'static [DefaultValue],
    /// What other values need.
    pub reason: &'static str,
}

/// All restrictions; a server has those whose keys it has.
pub const RESTRICTIONS: &[Restriction] = &[
    row("dhcp4o6-port", &[Int(0)], "DHCPv4 over DHCPv6"),
    row("enable-updates", &[Bool(false)], "DNS updates"),
];

const fn row(
    keyword: &'static str,
    accepted: &'static [DefaultValue],
    reason: &'static str,
) -> Restriction {
    Restriction { keyword, accepted, reason }
}

/// Reports the keys of a map whose values cannot be honoured.
pub(crate) fn refuse_unsupported(reader: &MapReader<'_>, diagnostics: &mut Diagnostics) {
    for restriction in RESTRICTIONS {
        let keyword = restriction.keyword;
        // First what is cheap: few files say anything about these keys.
        let Some(element) = reader.raw().get(keyword) else { continue };
        if reader.scope().keyword(keyword).is_none() || reader.element(keyword).is_none() {
            continue;
        }
        let is_same = |accepted: &DefaultValue| element.value == (*accepted).into();
        if restriction.accepted.iter().any(is_same) {
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
