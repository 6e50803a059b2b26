//! Regular expressions: of `match`, and of others who look for something in what clients send.
//!
//! Compiled when the configuration is read, into an automaton that reads each byte of the value
//! once and needs no memory while it does: time is linear whatever the client sends. The price is
//! that the automaton of some expressions would be too large; those are refused, as are back
//! references and look-around, which no automaton has. Otherwise the syntax is the usual one of
//! ECMAScript with POSIX classes (`[[:alpha:]]`), over bytes; the whole value must match, and a dot
//! stands for no line feed and no carriage return.

use std::sync::Arc;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

/// A compiled regular expression; equal to another one when it is written the same.
#[derive(Clone, Debug)]
pub struct Pattern {
    automaton: Arc<dense::DFA<Vec<u32>>>,
    text: Box<str>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Compiles a regular expression.
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > PATTERN_LEN_MAX {
            return Err(format!("it has {} bytes, expected at most {PATTERN_LEN_MAX}", text.len()));
        }
        // All ways to match are followed, so that the longest match is found: if it is shorter than
        // the value, the whole value does not match.
        let automaton = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .match_kind(MatchKind::All)
                    .start_kind(StartKind::Anchored)
                    .dfa_size_limit(Some(AUTOMATON_SIZE_MAX))
                    .determinize_size_limit(Some(AUTOMATON_SIZE_MAX)),
            )
            .syntax(
                syntax::Config::new().unicode(false).utf8(false).crlf(true).nest_limit(NEST_MAX),
            )
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(AUTOMATON_SIZE_MAX)))
            .build(text)
            .map_err(|error| explain(&error))?;
        Ok(Self { automaton: Arc::new(automaton), text: text.into() })
    }

    /// The expression as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Says whether the whole value matches.
    pub(crate) fn is_match(&self, value: &[u8]) -> bool {
        self.longest(value) == Some(value.len())
    }

    /// Length of the longest beginning of the value that matches.
    #[must_use]
    pub fn longest(&self, value: &[u8]) -> Option<usize> {
        let input = Input::new(value).anchored(Anchored::Yes);
        let end = self.automaton.try_search_fwd(&input).ok().flatten()?;
        Some(end.offset())
    }
}

/// Most bytes of a regular expression.
const PATTERN_LEN_MAX: usize = 4096;
/// Most bytes of an automaton, and of the memory for making it.
const AUTOMATON_SIZE_MAX: usize = 1 << 20;
/// Most groups within each other.
const NEST_MAX: u32 = 50;

/// The innermost cause on one line: the causes above it say in which step it was found.
fn explain(error: &dense::BuildError) -> String {
    if error.is_size_limit_exceeded() {
        return format!("it needs an automaton of more than {AUTOMATON_SIZE_MAX} bytes");
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    last.trim().trim_start_matches("error: ").to_owned()
}
