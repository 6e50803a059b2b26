//! Collected errors and warnings.
//!
//! Not the first error but all of them: the reader goes on after an error and everything is printed
//! in one go, sorted by position. At most [`Diagnostics::KEPT_MAX`] errors and as many warnings are
//! kept; the rest is counted.

use std::borrow::Cow;
use std::fmt;

use crate::position::{Files, Place, Position};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// The configuration can be used, but its author should know.
    Warning,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub position: Position,
    /// What is wrong, without the position.
    pub message: Cow<'static, str>,
    /// What would be right.
    pub hint: Option<Cow<'static, str>>,
}

/// All findings of one run, with the table of the files they are in.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    files: Files,
    kept: Vec<Diagnostic>,
    errors: usize,
    warnings: usize,
}

impl Diagnostics {
    /// How many errors, and how many warnings, are kept for printing.
    pub const KEPT_MAX: usize = 1000;

    /// An empty collection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an error.
    pub fn error(&mut self, position: Position, message: impl Into<Cow<'static, str>>) {
        self.add(Severity::Error, position, message.into(), None);
    }

    /// Adds an error and the way out of it.
    pub fn error_with_hint(
        &mut self,
        position: Position,
        message: impl Into<Cow<'static, str>>,
        hint: impl Into<Cow<'static, str>>,
    ) {
        self.add(Severity::Error, position, message.into(), Some(hint.into()));
    }

    /// Adds a warning.
    pub fn warning(&mut self, position: Position, message: impl Into<Cow<'static, str>>) {
        self.add(Severity::Warning, position, message.into(), None);
    }

    /// Adds a warning and the way out of it.
    pub fn warning_with_hint(
        &mut self,
        position: Position,
        message: impl Into<Cow<'static, str>>,
        hint: impl Into<Cow<'static, str>>,
    ) {
        self.add(Severity::Warning, position, message.into(), Some(hint.into()));
    }

    /// The files that positions refer to; a caller may register more.
    pub fn files_mut(&mut self) -> &mut Files {
        &mut self.files
    }

    /// The files that positions refer to.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// A position that prints as `file:line:column`.
    pub fn place(&self, position: Position) -> Place<'_> {
        self.files.place(position)
    }

    /// Number of errors found, those not kept included.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// Number of warnings found, those not kept included.
    pub fn warning_count(&self) -> usize {
        self.warnings
    }

    /// Says whether anything makes the configuration unusable.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Says whether there is nothing to report.
    pub fn is_empty(&self) -> bool {
        self.errors == 0 && self.warnings == 0
    }

    /// Says whether further errors are only counted, so that work on their text is wasted.
    pub fn is_full(&self) -> bool {
        self.errors >= Self::KEPT_MAX
    }

    /// The kept findings in the order of the files.
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut all: Vec<&Diagnostic> = self.kept.iter().collect();
        all.sort_by_key(|diagnostic| diagnostic.position);
        all
    }

    /// The first kept error in the order of the files.
    pub fn first_error(&self) -> Option<&Diagnostic> {
        let errors = self.kept.iter().filter(|kept| kept.severity == Severity::Error);
        errors.min_by_key(|diagnostic| diagnostic.position)
    }

    /// One finding as a line, without a newline: `FILE:LINE:COL: error: MESSAGE (hint)`.
    pub fn line(&self, diagnostic: &Diagnostic) -> String {
        let severity = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = self.place(diagnostic.position);
        let mut line = format!("{place}: {severity}: {}", diagnostic.message);
        if let Some(hint) = &diagnostic.hint {
            line.push_str(" (");
            line.push_str(hint);
            line.push(')');
        }
        line
    }

    /// Everything as text, one finding per line.
    pub fn render(&self) -> String {
        self.to_string()
    }

    fn add(
        &mut self,
        severity: Severity,
        position: Position,
        message: Cow<'static, str>,
        hint: Option<Cow<'static, str>>,
    ) {
        let count = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        *count += 1;
        if *count <= Self::KEPT_MAX {
            self.kept.push(Diagnostic { severity, position, message, hint });
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in self.sorted() {
            writeln!(f, "{}", self.line(diagnostic))?;
        }
        for (count, what) in [(self.errors, "errors"), (self.warnings, "warnings")] {
            if count > Self::KEPT_MAX {
                writeln!(f, "{} more {what} are not shown", count - Self::KEPT_MAX)?;
            }
        }
        Ok(())
    }
}
