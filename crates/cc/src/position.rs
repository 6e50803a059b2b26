//! Places in configuration files.
//!
//! A [`Position`] is small and says nothing about names; the [`Files`] table turns it into
//! `file:line:column`. Lines and columns count from 1, columns in bytes as Kea's do.

use std::fmt;
use std::sync::Arc;

/// Number of a file in a [`Files`] table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u16);

/// Where something was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The file.
    pub file: FileId,
    /// Line, from 1; 0 when the value was not written in a file.
    pub line: u32,
    /// Column in bytes, from 1.
    pub column: u32,
}

impl Position {
    /// The position of values that no file contains, such as defaults. It sorts after all others.
    pub const NONE: Self = Self { file: FileId(u16::MAX), line: 0, column: 0 };

    /// Says whether the value was written in a file.
    pub fn is_written(self) -> bool {
        self.line != 0
    }
}

/// The names of the files that positions refer to.
#[derive(Clone, Debug, Default)]
pub struct Files {
    names: Vec<Arc<str>>,
}

impl Files {
    /// Registers a file and returns its number; the same name gets the same number.
    pub fn add(&mut self, name: &str) -> FileId {
        let found = self.names.iter().position(|known| &**known == name);
        let index = found.unwrap_or_else(|| {
            self.names.push(name.into());
            self.names.len() - 1
        });
        FileId(u16::try_from(index).unwrap_or(u16::MAX))
    }

    /// The name of a file, `-` when the number is unknown.
    pub fn name(&self, file: FileId) -> &str {
        self.names.get(usize::from(file.0)).map_or("-", |name| name)
    }

    /// A position that prints as `file:line:column`.
    pub fn place(&self, position: Position) -> Place<'_> {
        Place { name: self.name(position.file), position }
    }
}

/// A position with the name of its file; prints as `file:line:column`.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    name: &'a str,
    position: Position,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.position.is_written() {
            write!(f, "{}:{}:{}", self.name, self.position.line, self.position.column)
        } else {
            f.write_str(self.name)
        }
    }
}
