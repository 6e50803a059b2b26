//! Keyword tables: what a map of the configuration may contain.
//!
//! One row says everything about a keyword, so that reading, checking, `config-get` and the manual
//! cannot disagree. Tables are constants, written with the `const` constructors here:
//!
//! ```
//! use cc::{DefaultValue, Keyword, Kind, Scope};
//!
//! static POOL: Scope = Scope::new("pools", &[
//!     Keyword::new("pool", Kind::Str, "Range `first - last` or prefix.").required(),
//!     Keyword::new("pool-id", Kind::UINT32, "Number.").default(DefaultValue::Int(0)),
//!     cc::USER_CONTEXT,
//!     cc::COMMENT,
//! ]);
//! ```

use std::fmt::Write;

use crate::element::{Element, Map, Value};
use crate::writer::write_json;

/// The table of one map.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// The name for messages and the manual, such as `subnet4`.
    pub name: &'static str,
    /// The keywords.
    pub keywords: &'static [Keyword],
    /// Unknown keywords are accepted without a word.
    pub is_open: bool,
}

/// A row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Keyword {
    /// The keyword as written in the file.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// The value in force when the keyword is absent, if there is one.
    pub default: Option<DefaultValue>,
    /// Its absence is an error.
    pub is_required: bool,
    /// What is done with it.
    pub status: Status,
    /// One sentence for the manual.
    pub description: &'static str,
}

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Anything.
    Any,
    /// `true` or `false`.
    Bool,
    /// An integer within limits, both included.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// A list of anything.
    List,
    /// A map.
    Map,
    /// A list of maps.
    MapList,
    /// One of these strings, in this spelling.
    OneOf(&'static [&'static str]),
    /// A number within limits, both included.
    Real {
        /// Smallest.
        min: f64,
        /// Largest.
        max: f64,
    },
    /// A string that no message shows: a password.
    Secret,
    /// A string.
    Str,
    /// A list of strings.
    StrList,
    /// A string or a boolean.
    StrOrBool,
}

/// The value in force when a keyword is absent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DefaultValue {
    /// A boolean.
    Bool(bool),
    /// `[]`.
    EmptyList,
    /// `{}`.
    EmptyMap,
    /// An integer.
    Int(i64),
    /// A number.
    Real(f64),
    /// A string.
    Str(&'static str),
    /// A list of strings.
    StrList(&'static [&'static str]),
}

/// What is done with a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Accepted with a warning that it has no effect.
    Ignored {
        /// Why it has none.
        why: &'static str,
    },
    /// Accepted while its value is empty (`[]`, `{}`, `""`, `false`, `null`), else an error.
    NotYet {
        /// What is missing.
        reason: &'static str,
    },
    /// An old spelling; read as the new keyword, with a warning.
    Renamed {
        /// The new spelling.
        to: &'static str,
    },
    /// In force.
    Supported,
}

/// `user-context`, accepted nearly everywhere.
pub const USER_CONTEXT: Keyword =
    Keyword::new("user-context", Kind::Map, "Data of the user's own, kept and returned.");

/// `comment`, accepted nearly everywhere.
pub const COMMENT: Keyword =
    Keyword::new("comment", Kind::Str, "Text of the user's own, kept in the user context.");

impl Scope {
    /// A table whose map accepts nothing else.
    pub const fn new(name: &'static str, keywords: &'static [Keyword]) -> Self {
        Self { name, keywords, is_open: false }
    }

    /// The same table, accepting unknown keywords.
    pub const fn open(mut self) -> Self {
        self.is_open = true;
        self
    }

    /// The row of a keyword.
    pub fn keyword(&self, name: &str) -> Option<&'static Keyword> {
        self.keywords.iter().find(|keyword| keyword.name == name)
    }

    /// The map with defaults filled in, for `config-get`: keywords in the order of the table under
    /// their new spelling, then whatever else the map has in its order. Keywords without effect are
    /// left out.
    pub fn with_defaults(&self, map: &Map) -> Map {
        let mut filled = Map::new();
        for keyword in self.keywords.iter().filter(|keyword| keyword.status == Status::Supported) {
            let written = map.get(keyword.name).cloned().or_else(|| {
                let old = |old: &&Keyword| old.status == Status::Renamed { to: keyword.name };
                let mut old = self.keywords.iter().filter(old);
                old.find_map(|old| respelled(map.get(old.name)?, old.kind, keyword.kind))
            });
            match (written, keyword.default) {
                (Some(element), _) => filled.set(keyword.name, element),
                (None, Some(default)) => filled.set(keyword.name, default),
                (None, None) => {}
            }
        }
        let unknown = map.entries().iter().filter(|entry| self.keyword(&entry.key).is_none());
        unknown.for_each(|entry| filled.set(&entry.key, entry.element.clone()));
        filled
    }

    /// The table for the manual, in Markdown: name, type, default, description.
    pub fn document(&self) -> String {
        let mut text = String::from("| Keyword | Type | Default | Meaning |\n|---|---|---|---|\n");
        for keyword in self.keywords {
            let default = match (keyword.default, keyword.is_required) {
                (Some(default), _) => format!("`{}`", write_json(&default.into())),
                (None, true) => "required".into(),
                (None, false) => String::new(),
            };
            let remark = match keyword.status {
                Status::Ignored { why } => format!(" No effect: {why}."),
                Status::NotYet { reason } => format!(" Not supported yet: {reason}."),
                Status::Renamed { to } => format!(" Old spelling of `{to}`."),
                Status::Supported => String::new(),
            };
            let meaning = format!("{}{remark}", keyword.description).replace('|', "\\|");
            let kind = keyword.kind.to_string().replace('|', "\\|");
            let written = writeln!(text, "| `{}` | {kind} | {default} | {meaning} |", keyword.name);
            debug_assert!(written.is_ok(), "a string takes all text");
        }
        text
    }
}

/// The value of an old spelling for the new one, which may take a list where the old took one.
fn respelled(element: &Element, old: Kind, new: Kind) -> Option<Element> {
    match (old, new) {
        (Kind::Str, Kind::StrList) => {
            let items = Some(element).filter(|element| !element.is_blank());
            Some(items.cloned().into_iter().collect::<Vec<Element>>().into())
        }
        _ => Some(element).filter(|_| old == new).cloned(),
    }
}

impl Keyword {
    /// A supported keyword that may be absent and has no default.
    pub const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        let status = Status::Supported;
        Self { name, kind, default: None, is_required: false, status, description }
    }

    /// The same with a default.
    pub const fn default(mut self, default: DefaultValue) -> Self {
        self.default = Some(default);
        self
    }

    /// The same, but it must be there.
    pub const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    /// The same, not supported yet.
    pub const fn not_yet(mut self, reason: &'static str) -> Self {
        self.status = Status::NotYet { reason };
        self
    }

    /// The same, without effect.
    pub const fn ignored(mut self, why: &'static str) -> Self {
        self.status = Status::Ignored { why };
        self
    }

    /// The same as the old spelling of another keyword of the table.
    pub const fn renamed_to(mut self, to: &'static str) -> Self {
        self.status = Status::Renamed { to };
        self
    }
}

impl Kind {
    /// 0 to 255.
    pub const UINT8: Self = Self::Int { min: 0, max: u8::MAX as i64 };
    /// 0 to 65535.
    pub const UINT16: Self = Self::Int { min: 0, max: u16::MAX as i64 };
    /// 0 to 4294967295.
    pub const UINT32: Self = Self::Int { min: 0, max: u32::MAX as i64 };
    /// Any integer.
    pub const INT64: Self = Self::Int { min: i64::MIN, max: i64::MAX };
    /// A number from 0 to 1.
    pub const FRACTION: Self = Self::Real { min: 0.0, max: 1.0 };
}

/// The kind for the manual: `integer 0-65535`.
impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Bool => f.write_str("boolean"),
            Self::Int { min: i64::MIN, max: i64::MAX } => f.write_str("integer"),
            Self::Int { min, max } => write!(f, "integer {min}-{max}"),
            Self::List => f.write_str("list"),
            Self::Map => f.write_str("map"),
            Self::MapList => f.write_str("list of maps"),
            Self::OneOf(names) => {
                for (number, name) in names.iter().enumerate() {
                    write!(f, "{}`\"{name}\"`", if number == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::Real { min, max } => write!(f, "number {min}-{max}"),
            Self::Secret | Self::Str => f.write_str("string"),
            Self::StrList => f.write_str("list of strings"),
            Self::StrOrBool => f.write_str("string or boolean"),
        }
    }
}

impl From<DefaultValue> for Value {
    fn from(default: DefaultValue) -> Self {
        match default {
            DefaultValue::Bool(on) => Self::Bool(on),
            DefaultValue::EmptyList => Self::List(Vec::new()),
            DefaultValue::EmptyMap => Map::new().into(),
            DefaultValue::Int(number) => Self::Int(number),
            DefaultValue::Real(number) => Self::Real(number),
            DefaultValue::Str(text) => text.into(),
            DefaultValue::StrList(items) => {
                Self::List(items.iter().map(|text| Element::from(*text)).collect())
            }
        }
    }
}
