//! A map of the configuration, checked against its keyword table.
//!
//! All checks are made once, when the reader is made; the getters then return what passed. What is
//! absent and what failed its check is `None` alike: the failure was reported, so that the caller
//! can go on with a default and find further errors. Defaults are not filled in by the getters
//! except by those that say so.

use crate::diagnostics::Diagnostics;
use crate::element::{Element, Entry, Map, Value};
use crate::keyword::{DefaultValue, Keyword, Kind, Scope, Status};
use crate::position::Position;
use crate::strings::excerpt;
use crate::suggest::closest;

/// Typed access to a checked map.
#[derive(Clone, Debug)]
pub struct MapReader<'a> {
    map: &'a Map,
    position: Position,
    scope: &'static Scope,
    /// The entries that passed their checks. They are fewer than the table has rows, so this is
    /// searched instead of the table.
    passed: Vec<(&'static Keyword, &'a Entry)>,
}

impl<'a> MapReader<'a> {
    /// Checks that the element is a map and every entry against the table: unknown keywords, types,
    /// ranges, status, required keywords. Returns nothing if it is not a map.
    pub fn new(
        element: &'a Element,
        scope: &'static Scope,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let map = match &element.value {
            Value::Map(map) => map,
            Value::Invalid => return None,
            other => {
                let found = other.type_name();
                let message = format!("'{}' must be a map, found {found}", scope.name);
                diagnostics.error(element.position, message);
                return None;
            }
        };
        let passed = Vec::with_capacity(map.len().min(scope.keywords.len()));
        let mut reader = Self { map, position: element.position, scope, passed };
        reader.check_entries(diagnostics);
        reader.adopt_old_spellings(diagnostics);
        reader.check_required(diagnostics);
        Some(reader)
    }

    /// The entry of a keyword, with the position of the key, if it passed its check.
    pub fn entry(&self, name: &str) -> Option<&'a Entry> {
        let is_known = || self.scope.keyword(name).is_some();
        debug_assert!(is_known(), "'{name}' is not in the table of {}", self.scope.name);
        let passed = self.passed.iter().find(|(keyword, _)| keyword.name == name);
        passed.map(|(_, entry)| *entry)
    }

    /// The value of a keyword.
    pub fn element(&self, name: &str) -> Option<&'a Element> {
        self.entry(name).map(|entry| &entry.element)
    }

    /// The value of a string keyword.
    pub fn str(&self, name: &str) -> Option<&'a str> {
        self.element(name).and_then(Element::as_str)
    }

    /// The value of a boolean keyword.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.element(name).and_then(Element::as_bool)
    }

    /// The value of an integer keyword.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.element(name).and_then(Element::as_int)
    }

    /// The value of an integer keyword whose range lies within 32 bits.
    pub fn u32(&self, name: &str) -> Option<u32> {
        self.narrow(name)
    }

    /// The value of an integer keyword whose range lies within 16 bits.
    pub fn u16(&self, name: &str) -> Option<u16> {
        self.narrow(name)
    }

    /// The value of an integer keyword whose range lies within 8 bits.
    pub fn u8(&self, name: &str) -> Option<u8> {
        self.narrow(name)
    }

    /// The value of a number keyword.
    pub fn real(&self, name: &str) -> Option<f64> {
        self.element(name).and_then(Element::as_real)
    }

    /// The items of a list keyword.
    pub fn list(&self, name: &str) -> Option<&'a [Element]> {
        self.element(name).and_then(Element::as_list)
    }

    /// The items of a list keyword, none when it is absent.
    pub fn items(&self, name: &str) -> &'a [Element] {
        self.list(name).unwrap_or_default()
    }

    /// The map of a map keyword.
    pub fn map(&self, name: &str) -> Option<&'a Map> {
        self.element(name).and_then(Element::as_map)
    }

    /// The string, or the table's default.
    pub fn str_or_default(&self, name: &str) -> Option<&'a str> {
        self.str(name).or_else(|| match self.default(name) {
            Some(DefaultValue::Str(text)) => Some(text),
            _ => None,
        })
    }

    /// The boolean, or the table's default.
    pub fn bool_or_default(&self, name: &str) -> Option<bool> {
        self.bool(name).or_else(|| match self.default(name) {
            Some(DefaultValue::Bool(on)) => Some(on),
            _ => None,
        })
    }

    /// The integer, or the table's default.
    pub fn int_or_default(&self, name: &str) -> Option<i64> {
        self.int(name).or_else(|| match self.default(name) {
            Some(DefaultValue::Int(number)) => Some(number),
            _ => None,
        })
    }

    /// The integer, or the table's default, when it fits 32 bits.
    pub fn u32_or_default(&self, name: &str) -> Option<u32> {
        self.int_or_default(name).and_then(|number| u32::try_from(number).ok())
    }

    /// The number, or the table's default.
    pub fn real_or_default(&self, name: &str) -> Option<f64> {
        self.real(name).or_else(|| match self.default(name) {
            Some(DefaultValue::Real(number)) => Some(number),
            Some(DefaultValue::Int(number)) => Some(number as f64),
            _ => None,
        })
    }

    /// Says whether the keyword is written in the file, even if its value failed the check.
    pub fn is_written(&self, name: &str) -> bool {
        self.map.get(name).is_some() || self.entry(name).is_some()
    }

    /// Where the keyword's value is written, else where the map begins.
    pub fn position_of(&self, name: &str) -> Position {
        let entry = self.entry(name).or_else(|| self.map.entry(name));
        entry.map_or(self.position, |entry| entry.element.position)
    }

    /// Where the keyword itself is written, else where the map begins.
    pub fn key_position_of(&self, name: &str) -> Position {
        let entry = self.entry(name).or_else(|| self.map.entry(name));
        entry.map_or(self.position, |entry| entry.key_position)
    }

    /// Where the map begins.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The map as written.
    pub fn raw(&self) -> &'a Map {
        self.map
    }

    /// The table.
    pub fn scope(&self) -> &'static Scope {
        self.scope
    }

    fn narrow<T: TryFrom<i64>>(&self, name: &str) -> Option<T> {
        let number = self.int(name)?;
        let narrow = T::try_from(number).ok();
        debug_assert!(narrow.is_some(), "the table lets {number} pass for '{name}'");
        narrow
    }

    fn default(&self, name: &str) -> Option<DefaultValue> {
        self.scope.keyword(name).and_then(|keyword| keyword.default)
    }

    fn check_entries(&mut self, diagnostics: &mut Diagnostics) {
        for entry in self.map.entries() {
            let Some(keyword) = self.scope.keyword(&entry.key) else {
                if !self.scope.is_open {
                    report_unknown(entry, self.scope, diagnostics);
                }
                continue;
            };
            if is_accepted(entry, keyword, diagnostics) {
                self.passed.push((keyword, entry));
            }
        }
    }

    /// Lets old spellings answer for the new ones.
    fn adopt_old_spellings(&mut self, diagnostics: &mut Diagnostics) {
        for number in 0..self.passed.len() {
            let (keyword, entry) = self.passed[number];
            let Status::Renamed { to } = keyword.status else { continue };
            let new = self.scope.keyword(to);
            debug_assert!(new.is_some(), "'{to}' is not in the table of {}", self.scope.name);
            let Some(new) = new else { continue };
            if self.map.get(to).is_some() {
                let message = format!("'{}' is the old spelling of '{to}'", keyword.name);
                let hint = "both are given, keep the new one";
                diagnostics.error_with_hint(entry.key_position, message, hint);
            } else if new.kind == keyword.kind {
                self.passed.push((new, entry));
            }
        }
    }

    fn check_required(&self, diagnostics: &mut Diagnostics) {
        for keyword in self.scope.keywords.iter().filter(|keyword| keyword.is_required) {
            if !self.is_written(keyword.name) {
                let message = format!("'{}' is missing in '{}'", keyword.name, self.scope.name);
                diagnostics.error(self.position, message);
            }
        }
    }
}

fn report_unknown(entry: &Entry, scope: &Scope, diagnostics: &mut Diagnostics) {
    if diagnostics.is_full() {
        diagnostics.error(entry.key_position, "");
        return;
    }
    let message = format!("unknown keyword '{}' in '{}'", excerpt(&entry.key), scope.name);
    match closest(&entry.key, scope.keywords.iter().map(|keyword| keyword.name)) {
        Some(name) => {
            let hint = format!("did you mean '{name}'?");
            diagnostics.error_with_hint(entry.key_position, message, hint);
        }
        None => diagnostics.error(entry.key_position, message),
    }
}

fn is_accepted(entry: &Entry, keyword: &Keyword, diagnostics: &mut Diagnostics) -> bool {
    let (name, element) = (keyword.name, &entry.element);
    match keyword.status {
        Status::Supported => is_of_kind(element, keyword, diagnostics),
        Status::Renamed { to } => {
            let message = format!("'{name}' is an old spelling");
            let hint = format!("write '{to}'");
            diagnostics.warning_with_hint(entry.key_position, message, hint);
            is_of_kind(element, keyword, diagnostics)
        }
        Status::Ignored { why } => {
            let message = format!("'{name}' has no effect: {why}");
            diagnostics.warning(entry.key_position, message);
            false
        }
        Status::NotYet { reason } => {
            if !element.is_blank() && element.value != Value::Invalid {
                let message = format!("'{name}' is not supported yet: {reason}");
                diagnostics.error(entry.key_position, message);
            }
            false
        }
    }
}

/// Checks type and range of a value.
fn is_of_kind(element: &Element, keyword: &Keyword, diagnostics: &mut Diagnostics) -> bool {
    let name = keyword.name;
    let wanted = match (keyword.kind, &element.value) {
        (_, Value::Invalid) => return false,
        (Kind::Any, _)
        | (Kind::Bool | Kind::StrOrBool, Value::Bool(_))
        | (Kind::List, Value::List(_))
        | (Kind::Map, Value::Map(_))
        | (Kind::Secret | Kind::Str | Kind::StrOrBool, Value::Str(_)) => return true,
        (Kind::Int { min, max }, Value::Int(number)) => {
            if (min..=max).contains(number) {
                return true;
            }
            let message = format!("'{name}' must be from {min} to {max}, found {number}");
            diagnostics.error(element.position, message);
            return false;
        }
        (Kind::Real { min, max }, Value::Int(_) | Value::Real(_)) => {
            let number = element.as_real().unwrap_or(f64::NAN);
            if (min..=max).contains(&number) {
                return true;
            }
            let message = format!("'{name}' must be from {min} to {max}, found {number}");
            diagnostics.error(element.position, message);
            return false;
        }
        (Kind::OneOf(names), Value::Str(text)) => {
            return is_one_of(text, names, element.position, name, diagnostics);
        }
        (Kind::StrList, Value::List(items)) => {
            return are_of_type("a string", items, name, diagnostics);
        }
        (Kind::MapList, Value::List(items)) => {
            return are_of_type("a map", items, name, diagnostics);
        }
        (kind, _) => kind.wanted(),
    };
    let found = match keyword.kind {
        Kind::Secret => element.value.type_name().into(),
        _ => describe(element),
    };
    diagnostics.error(element.position, format!("'{name}' must be {wanted}, found {found}"));
    false
}

fn is_one_of(
    text: &str,
    names: &'static [&'static str],
    position: Position,
    keyword: &str,
    diagnostics: &mut Diagnostics,
) -> bool {
    if names.contains(&text) {
        return true;
    }
    let known = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let message = format!("'{keyword}' must be one of {known}, found \"{}\"", excerpt(text));
    match closest(text, names.iter().copied()) {
        Some(name) => {
            diagnostics.error_with_hint(position, message, format!("did you mean \"{name}\"?"));
        }
        None => diagnostics.error(position, message),
    }
    false
}

/// Checks the items of a list; a list with wrong items fails as a whole.
fn are_of_type(
    wanted: &'static str,
    items: &[Element],
    keyword: &str,
    diagnostics: &mut Diagnostics,
) -> bool {
    let mut all = true;
    for item in items {
        if item.value.type_name() == wanted || item.value == Value::Invalid {
            continue;
        }
        all = false;
        let found = describe(item);
        let message = format!("each item of '{keyword}' must be {wanted}, found {found}");
        diagnostics.error(item.position, message);
    }
    all
}

/// What a value is, with the value itself when it is short.
fn describe(element: &Element) -> String {
    let type_name = element.value.type_name();
    match &element.value {
        Value::Str(text) => format!("{type_name} \"{}\"", excerpt(text)),
        Value::Bool(on) => format!("{type_name} {on}"),
        Value::Int(number) => format!("{type_name} {number}"),
        Value::Real(number) => format!("{type_name} {number}"),
        Value::Null | Value::List(_) | Value::Map(_) | Value::Invalid => type_name.into(),
    }
}

impl Kind {
    /// The kind in a message after "must be".
    fn wanted(self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::Bool => "a boolean",
            Self::Int { .. } => "an integer",
            Self::List => "a list",
            Self::Map => "a map",
            Self::MapList => "a list of maps",
            Self::OneOf(_) | Self::Secret | Self::Str => "a string",
            Self::Real { .. } => "a number",
            Self::StrList => "a list of strings",
            Self::StrOrBool => "a string or a boolean",
        }
    }
}
