//! `hostname-char-set`, `ddns-replace-client-name` and the like: how clients are named, in the global scope, in a subnet,
//! and in the old place `dhcp-ddns`.

use std::sync::Arc;

use cc::{Diagnostics, Element, MapReader, Value};

use super::text::quoted;
use crate::names::{NameRules, ReplaceClientName, Sanitizer};

/// The values of `ddns-replace-client-name`; 1.0 had `true` for the last and `false` for the first.
const REPLACE: [(&str, ReplaceClientName); 4] = [
    ("never", ReplaceClientName::Never),
    ("always", ReplaceClientName::Always),
    ("when-not-present", ReplaceClientName::WhenNotPresent),
    ("when-present", ReplaceClientName::WhenPresent),
];

/// What a scope says; `None` where it says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NameScope<'a> {
    replace: Option<ReplaceClientName>,
    generated_prefix: Option<&'a str>,
    qualifying_suffix: Option<&'a str>,
    char_set: Option<&'a str>,
    char_replacement: Option<&'a str>,
}

impl<'a> NameScope<'a> {
    /// Reads the values of a scope.
    pub(crate) fn read(reader: &MapReader<'a>, diagnostics: &mut Diagnostics) -> Self {
        Self::read_prefixed(reader, "ddns-", diagnostics)
    }

    /// Reads the values of a pool, which does not say how names are cleaned.
    pub(crate) fn read_of_pool(reader: &MapReader<'a>, diagnostics: &mut Diagnostics) -> Self {
        Self { char_set: None, char_replacement: None, ..Self::read(reader, diagnostics) }
    }

    /// Reads the values of `dhcp-ddns`, where they have been before.
    pub(crate) fn read_old(reader: &MapReader<'a>, diagnostics: &mut Diagnostics) -> Self {
        Self::read_prefixed(reader, "", diagnostics)
    }

    fn read_prefixed(reader: &MapReader<'a>, prefix: &str, diagnostics: &mut Diagnostics) -> Self {
        let name = |name: &str| format!("{prefix}{name}");
        let scope = Self {
            replace: read_replace(reader, &name("replace-client-name"), diagnostics),
            generated_prefix: reader.str_or_default(&name("generated-prefix")),
            qualifying_suffix: reader.str_or_default(&name("qualifying-suffix")),
            char_set: reader.str_or_default("hostname-char-set"),
            char_replacement: reader.str_or_default("hostname-char-replacement"),
        };
        if let Some(Err(problem)) = scope.sanitizer() {
            let message = format!("'hostname-char-set' is no regular expression: {problem}");
            let position = reader.position_of("hostname-char-set");
            diagnostics.error_with_hint(position, message, "write it like \"[^A-Za-z0-9.-]\"");
        }
        scope
    }

    /// The values with gaps closed by those of the scope around.
    pub(crate) fn within(&self, outer: &Self) -> Self {
        Self {
            replace: self.replace.or(outer.replace),
            generated_prefix: self.generated_prefix.or(outer.generated_prefix),
            qualifying_suffix: self.qualifying_suffix.or(outer.qualifying_suffix),
            char_set: self.char_set.or(outer.char_set),
            char_replacement: self.char_replacement.or(outer.char_replacement),
        }
    }

    /// Takes back what an old key has said.
    pub(crate) fn forget(&mut self, old: &str) {
        match old {
            "qualifying-suffix" => self.qualifying_suffix = None,
            "replace-client-name" => self.replace = None,
            "generated-prefix" => self.generated_prefix = None,
            "hostname-char-set" => self.char_set = None,
            _ => self.char_replacement = None,
        }
    }

    /// Whether it says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.replace.is_none()
            && self.char_set.is_none()
            && self.char_replacement.is_none()
            && self.generated_prefix.is_none()
            && self.qualifying_suffix.is_none()
    }

    /// The rules as packet code uses them.
    pub(crate) fn rules(&self) -> Arc<NameRules> {
        Arc::new(NameRules {
            replace: self.replace.unwrap_or_default(),
            generated_prefix: self.generated_prefix.unwrap_or_default().into(),
            qualifying_suffix: self.qualifying_suffix.unwrap_or_default().into(),
            // What is wrong has been reported by the scope that says it.
            sanitizer: self.sanitizer().and_then(Result::ok),
        })
    }

    fn sanitizer(&self) -> Option<Result<Sanitizer, String>> {
        let char_set = self.char_set.filter(|char_set| !char_set.is_empty())?;
        Some(Sanitizer::new(char_set, self.char_replacement.unwrap_or_default()))
    }
}

fn read_replace(
    reader: &MapReader<'_>,
    keyword: &str,
    diagnostics: &mut Diagnostics,
) -> Option<ReplaceClientName> {
    let element: &Element = match reader.element(keyword) {
        Some(element) => element,
        None => return reader.scope().keyword(keyword)?.default.map(|_| ReplaceClientName::Never),
    };
    let text = match &element.value {
        Value::Bool(true) => return Some(ReplaceClientName::WhenPresent),
        Value::Bool(false) => return Some(ReplaceClientName::Never),
        Value::Str(text) => text,
        _ => return None,
    };
    let found = REPLACE.iter().find(|(known, _)| known.eq_ignore_ascii_case(text));
    if found.is_none() {
        let message = format!("'{keyword}': {} is unknown", quoted(text));
        let hint = "write never, always, when-present or when-not-present";
        diagnostics.error_with_hint(element.position, message, hint);
    }
    found.map(|(_, replace)| *replace)
}
