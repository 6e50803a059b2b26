//! The reference of the configuration as Markdown, written from the tables.

use std::fmt::Write;

use cc::write_json;

use super::RESTRICTIONS;
use crate::config::Server;

/// The whole reference of a server.
#[must_use]
pub fn manual(server: &Server) -> String {
    let mut text = String::from(server.introduction);
    for (path, scope) in server.scopes {
        let open = if scope.is_open { "Unknown keys are ignored with a warning.\n\n" } else { "" };
        let written = write!(text, "\n## {path}\n\n{open}{}", scope.document());
        debug_assert!(written.is_ok(), "a string takes all text");
    }
    text.push_str(
        "\n## Values that are accepted today\n\nOther values of these keys are errors, because \
         what they ask for is not supported yet.\n\n\
         | Keyword | Values | Missing |\n|---|---|---|\n",
    );
    let has = |name| server.scopes.iter().any(|(_, scope)| scope.keyword(name).is_some());
    for row in RESTRICTIONS.iter().filter(|row| has(row.keyword)) {
        let values = row.accepted.iter().map(|value| format!("`{}`", write_json(&(*value).into())));
        let values = values.collect::<Vec<_>>().join(", ");
        let written = writeln!(text, "| `{}` | {values} | {} |", row.keyword, row.reason);
        debug_assert!(written.is_ok(), "a string takes all text");
    }
    text
}
