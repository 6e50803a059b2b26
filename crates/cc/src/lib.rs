//! Reading of configuration: Kea's JSON dialect with positions, keyword tables, collected errors.
//!
//! Text becomes a [`Document`], a tree of [`Element`]s that know where they were written. A server
//! describes each map of its configuration by a [`Scope`], a table of [`Keyword`]s; [`MapReader`]
//! checks a map against its table and hands out typed values. Everything that is wrong goes into
//! [`Diagnostics`], which keeps all of it, so that one run reports every error of a file. The same
//! tables fill in defaults for `config-get` and write the manual.
//!
//! The crate opens no file: an include is fetched by the [`Loader`] that the caller passes. It
//! knows no keyword of any daemon and checks no meaning beyond type and range.

mod diagnostics;
mod document;
mod element;
mod keyword;
mod lexer;
mod map_reader;
mod number;
mod parser;
mod position;
mod strings;
mod suggest;
mod writer;

#[cfg(test)]
mod tests;

pub use diagnostics::{Diagnostic, Diagnostics, Severity};
pub use document::{Document, Limits, LoadError, Loader, NoIncludes};
pub use element::{Element, Entry, Map, Value};
pub use keyword::{COMMENT, DefaultValue, Keyword, Kind, Scope, Status, USER_CONTEXT};
pub use map_reader::MapReader;
pub use position::{FileId, Files, Place, Position};
pub use suggest::closest;
pub use writer::{write_json, write_json_pretty};
