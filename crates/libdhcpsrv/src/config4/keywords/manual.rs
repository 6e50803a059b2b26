//! The reference of the configuration as Markdown, written from the tables.

use std::fmt::Write;

use cc::write_json;

use super::{RESTRICTIONS, SCOPES};

const INTRODUCTION: &str = "\
# Configuration of kea-dhcp4

This file is written from the keyword tables of the server:
`cargo run -p libdhcpsrv --example configuration_manual > doc/configuration.md`.

The configuration is one JSON map. `Dhcp4` is mandatory; the entries of other daemons are ignored,
and `Logging`, the old place of `loggers`, is understood. Comments (`#`, `//`, `/* */`), includes
(`<?include \"file\"?>`) and a comma before a closing bracket are allowed. Keys that are not listed
here are errors, except where the table says so. All errors of a file are reported at once, each
with file, line and column.

A subnet takes from `Dhcp4` what it does not say itself. `valid-lifetime`, `min-valid-lifetime` and
`max-valid-lifetime` are taken together or not at all.
";

/// The whole reference.
#[must_use]
pub fn manual() -> String {
    let mut text = String::from(INTRODUCTION);
    for (path, scope) in SCOPES {
        let open = if scope.is_open { "Unknown keys are ignored with a warning.\n\n" } else { "" };
        let written = write!(text, "\n## {path}\n\n{open}{}", scope.document());
        debug_assert!(written.is_ok(), "a string takes all text");
    }
    text.push_str(
        "\n## Values that are accepted today\n\nOther values of these keys are errors, because \
         what they ask for is not supported yet.\n\n\
         | Keyword | Values | Missing |\n|---|---|---|\n",
    );
    for row in RESTRICTIONS {
        let values = row.accepted.iter().map(|value| format!("`{}`", write_json(&(*value).into())));
        let values = values.collect::<Vec<_>>().join(", ");
        let written = writeln!(text, "| `{}` | {values} | {} |", row.keyword, row.reason);
        debug_assert!(written.is_ok(), "a string takes all text");
    }
    text
}
