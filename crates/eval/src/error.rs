//! What is wrong with an expression, and where.
//!
//! An [`ExprError`] prints as one line that fits behind the `file:line:column` of a configuration
//! error; with `{:#}` the line of the expression and a caret below the place follow. Long
//! expressions are shown around the place only.

use std::fmt;

use crate::lexer::Span;

/// The reason why an expression is refused, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprError {
    place: Box<Place>,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    /// Offset in the expression, in bytes.
    offset: usize,
    line: usize,
    column: usize,
    /// The line of the expression, or the part of it around the place.
    excerpt: String,
    /// Characters of the excerpt before the place.
    indent: usize,
    /// Characters of the excerpt that are meant.
    width: usize,
}

impl ExprError {
    #[cold]
    pub(crate) fn new(text: &str, span: Span, reason: Reason) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[line_start..].find('\n').map_or(text.len(), |at| line_start + at);
        let line = &text[line_start..line_end];
        let column = before.len() - line_start;
        let is_cut = line.len() > EXCERPT_LEN_MAX;
        let (from, to) = if is_cut {
            let from = column.saturating_sub(EXCERPT_LEN_MAX / 2);
            (from, (from + EXCERPT_LEN_MAX).min(line.len()))
        } else {
            (0, line.len())
        };
        let (from, to) = (line.floor_char_boundary(from), line.floor_char_boundary(to));
        let lead = if from > 0 { "..." } else { "" };
        let trail = if to < line.len() { "..." } else { "" };
        let shown = line[from..to].replace(char::is_control, " ");
        let indent = lead.len() + line[from..column].chars().count();
        let end = line.floor_char_boundary((span.end - line_start).clamp(column, to));
        let width = line[column..end].chars().count().max(1);
        let place = Place {
            offset: span.start,
            line: before.matches('\n').count() + 1,
            column: column + 1,
            excerpt: format!("{lead}{shown}{trail}"),
            indent,
            width,
        };
        Self { place: Box::new(place), reason }
    }

    /// What is wrong.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Line within the expression, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.place.line
    }

    /// Column within the line, in bytes from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.place.column
    }

    /// Offset within the expression, in bytes from 0.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.place.offset
    }

    /// The line of the expression, or the part of it around the place when it is long.
    #[must_use]
    pub fn excerpt(&self) -> &str {
        &self.place.excerpt
    }

    /// Blanks and carets that point at the place when printed below the excerpt.
    #[must_use]
    pub fn caret(&self) -> String {
        format!("{}{}", " ".repeat(self.place.indent), "^".repeat(self.place.width))
    }
}

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, excerpt, .. } = &*self.place;
        if *line > 1 {
            write!(f, "line {line}, ")?;
        }
        write!(f, "column {column} of expression \"{excerpt}\": {}", self.reason)?;
        if f.alternate() {
            write!(f, "\n    {excerpt}\n    {}", self.caret())?;
        }
        Ok(())
    }
}

impl std::error::Error for ExprError {}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// A class that is neither built-in nor defined before.
    #[error("class '{found}' is not defined here{}", hint(meant.as_deref()))]
    ClassUndefined {
        /// Its name.
        found: String,
        /// A class that may be meant.
        meant: Option<String>,
    },
    /// A number does not fit into 64 bits.
    #[error("the number does not fit into 64 bits")]
    IntegerTooLarge,
    /// What looks like an address and is none.
    #[error("'{found}' is no IP address")]
    NotAnAddress {
        /// The text.
        found: String,
    },
    /// No option has this name.
    #[error("option '{found}' is not defined{}", hint(meant.as_deref()))]
    OptionUndefined {
        /// The name.
        found: String,
        /// The name that may be meant.
        meant: Option<String>,
    },
    /// A number outside its range.
    #[error("{what} {found} is out of range, expected {min} to {max}")]
    OutOfRange {
        /// What the number is.
        what: &'static str,
        /// The number.
        found: i64,
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// A regular expression that can not be used.
    #[error("invalid regular expression: {problem}")]
    Pattern {
        /// What is wrong with it.
        problem: String,
    },
    /// Parentheses, functions and negations within each other.
    #[error("nested too deep, expected at most {max} levels")]
    TooDeep {
        /// The limit.
        max: usize,
    },
    /// An expression with too many bytes.
    #[error("the expression has {found} bytes, expected at most {max}")]
    TooLong {
        /// Its length.
        found: usize,
        /// The limit.
        max: usize,
    },
    /// An expression with too many regular expressions, each of which takes memory.
    #[error("more than {max} regular expressions in one expression")]
    TooManyPatterns {
        /// The limit.
        max: usize,
    },
    /// An expression that holds too many values at a time.
    #[error("the expression needs more than {max} intermediate values at a time")]
    TooManyValues {
        /// The limit.
        max: usize,
    },
    /// Another token than the grammar allows.
    #[error("found {found}, expected {}", one_of(expected))]
    Unexpected {
        /// The token.
        found: String,
        /// What would be right.
        expected: &'static [&'static str],
    },
    /// A character that begins no token.
    #[error("invalid character {found:?}{}", remedy(*found))]
    UnexpectedCharacter {
        /// The character.
        found: char,
    },
    /// A word that is no keyword.
    #[error("unknown word '{found}'{}", hint(*meant))]
    UnknownWord {
        /// The word.
        found: String,
        /// The keyword that may be meant.
        meant: Option<&'static str>,
    },
    /// A string without a closing quote on its line.
    #[error("the string has no closing quote")]
    UnterminatedString,
    /// Something that only the other protocol has.
    #[error("'{what}' can only be used in {family}")]
    WrongFamily {
        /// The keyword.
        what: &'static str,
        /// The protocol that has it.
        family: &'static str,
    },
}

/// Most bytes of an expression that a message shows.
const EXCERPT_LEN_MAX: usize = 100;
/// Most characters of a token that a message shows.
const CLIPPED_LEN_MAX: usize = 40;

/// A piece of the expression as a message shows it.
pub(crate) fn clipped(text: &str) -> String {
    let mut shown: String = text.chars().take(CLIPPED_LEN_MAX).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown.replace(char::is_control, " ")
}

fn hint(meant: Option<&str>) -> String {
    meant.map_or(String::new(), |meant| format!(", did you mean '{meant}'?"))
}

/// What is written for it instead, for characters of other languages.
const fn remedy(found: char) -> &'static str {
    match found {
        '!' => ", write not (a == b)",
        '"' => ", strings are in single quotes",
        '&' => ", write 'and'",
        '=' => ", write '=='",
        '|' => ", write 'or'",
        '#' | '/' => ", there are no comments",
        _ => "",
    }
}

fn one_of(expected: &[&str]) -> String {
    match expected {
        [only] => (*only).to_owned(),
        [one, other] => format!("{one} or {other}"),
        all => format!("one of {}", all.join(", ")),
    }
}
