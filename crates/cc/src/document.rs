//! A whole configuration file, and the seam through which its includes are read.

use std::io;

use crate::diagnostics::Diagnostics;
use crate::element::Element;
use crate::lexer::Lexer;
use crate::parser::Parser;
use crate::position::Files;

/// A parsed file with its includes.
///
/// The dialect is JSON plus: comments `#`, `//` and `/* */` anywhere; `<?include "file"?>` anywhere
/// between tokens, which puts the text of the file in its place; a comma before `]` or `}`, with a
/// warning; `true`, `false` and `null` in any case; numbers that begin with `+` or `.`; a UTF-8
/// byte order mark. A repeated key and text after the value are errors. The only `\u` escapes are
/// those below `\u0100`, as in Kea.
#[derive(Clone, Debug)]
pub struct Document {
    /// The top value.
    pub root: Element,
    files: Files,
}

/// What a document may cost; beyond that it is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Lists and maps inside each other.
    pub depth_max: usize,
    /// Values and keys altogether.
    pub elements_max: usize,
    /// Files inside each other by includes.
    pub include_depth_max: usize,
    /// Includes altogether.
    pub includes_max: usize,
    /// Bytes of the file and its includes together.
    pub source_bytes_max: usize,
    /// Syntax errors after which reading stops.
    pub syntax_errors_max: usize,
}

/// Fetches included files.
pub trait Loader {
    /// Returns the content of `path` as written in the file `from_file`.
    ///
    /// # Errors
    /// Says why the content is not available; the reader reports it at the position of the include.
    fn load(&mut self, path: &str, from_file: &str) -> Result<Vec<u8>, LoadError>;
}

/// Why an included file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The place does not allow includes.
    #[error("includes are not allowed here")]
    Forbidden,
    /// The file is outside the directories that may be read.
    #[error("the path is outside the allowed directories")]
    PathNotAllowed,
    /// Reading failed.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// The file is larger than the loader reads.
    #[error("the file is larger than {bytes_max} bytes")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
}

/// The loader for text that must stand alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoIncludes;

impl Document {
    /// Reads a document; every syntax error is added to `diagnostics`.
    ///
    /// Returns nothing when the structure is damaged. Otherwise the document is as its author meant
    /// it, with [`Value::Invalid`](crate::Value::Invalid) where a value could not be read, so that
    /// its meaning can be checked in the same run; whether it may be used says
    /// [`Diagnostics::has_errors`].
    pub fn parse(
        source: impl AsRef<[u8]>,
        file_name: &str,
        loader: &mut dyn Loader,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let limits = Limits::default();
        Self::parse_within(limits, source.as_ref(), file_name, loader, diagnostics)
    }

    /// Reads a document under other limits.
    pub fn parse_within(
        limits: Limits,
        source: &[u8],
        file_name: &str,
        loader: &mut dyn Loader,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let lexer = Lexer::new(source, file_name, limits, loader, diagnostics);
        let root = Parser::new(lexer).document()?;
        Some(Self { root, files: diagnostics.files().clone() })
    }

    /// The names of the files that the positions of this document refer to.
    pub fn files(&self) -> &Files {
        &self.files
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth_max: 100,
            elements_max: 8_000_000,
            include_depth_max: 10,
            includes_max: 1000,
            source_bytes_max: 64 << 20,
            syntax_errors_max: 1000,
        }
    }
}

impl Loader for NoIncludes {
    fn load(&mut self, _path: &str, _from_file: &str) -> Result<Vec<u8>, LoadError> {
        Err(LoadError::Forbidden)
    }
}
