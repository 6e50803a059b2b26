//! Explanations: what decided about one query, told while it is decided.
//!
//! Deciding code tells each step with [`explain!`](crate::explain!) to whoever listens. When nobody does, which is nearly
//! always, a step costs one test: nothing is formatted and nothing allocated. Nothing is decided here, and nothing that is
//! decided depends on whether somebody listens.
//!
//! A [`Explanation`] is a list of notes, each under a [`Topic`]. A tab in a note begins a column, two blanks at its
//! beginning make it a detail of the note before. It is shown as a page ([`Explanation::page`], for `--explain`) or as
//! single lines ([`Explanation::lines`], for the log). What packets hold may be in a note: all that is not plain text is
//! shown escaped.

mod clients;
mod layout;
mod lease;
mod value;

use std::cell::Cell;
use std::fmt;

pub use clients::ExplainedClients;
pub use layout::Style;
pub use lease::{LeaseText, List, Seconds};
pub use value::{Bytes, OptionName, OptionNames, OptionValue};

/// Most notes of one explanation; a packet that leads to more says how many were left out.
pub const NOTES_MAX: usize = 2000;

/// What a note is about, in the order in which an explanation tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// What the explanation starts from: configuration, leases, interface.
    Setup,
    /// What was received, and how.
    Query,
    /// The client's classes.
    Classes,
    /// The selection of the subnet.
    Subnet,
    /// The host reservation of the client.
    Reservation,
    /// The choice of addresses and prefixes, and what became of leases.
    Lease,
    /// What the reply carries, and what it does not.
    Options,
    /// The reply and where it goes, or why there is none.
    Answer,
}

impl Topic {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Setup,
        Self::Query,
        Self::Classes,
        Self::Subnet,
        Self::Reservation,
        Self::Lease,
        Self::Options,
        Self::Answer,
    ];

    /// Its heading.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Setup => "Setup",
            Self::Query => "Query",
            Self::Classes => "Classes",
            Self::Subnet => "Subnet",
            Self::Reservation => "Reservation",
            Self::Lease => "Lease",
            Self::Options => "Options",
            Self::Answer => "Answer",
        }
    }
}

/// What decided about one query.
#[derive(Default)]
pub struct Explanation {
    client: String,
    // Told from places that share everything else: a cell spares all of them a mutable borrow.
    notes: Cell<Vec<Note>>,
    left_out: Cell<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Note {
    topic: Topic,
    text: String,
}

impl Explanation {
    /// Begins the explanation of a query of this client, as logs name it.
    #[must_use]
    pub fn new(client: String) -> Self {
        Self { client, ..Self::default() }
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &str {
        &self.client
    }

    /// Adds a note; see the module for tabs and blanks in it. Call it through [`explain!`](crate::explain!).
    #[cold]
    pub fn note(&self, topic: Topic, text: fmt::Arguments<'_>) {
        let note = Note { topic, text: text.to_string() };
        let mut notes = self.notes.take();
        // What two rules find alike is told once.
        if notes.last() == Some(&note) {
        } else if notes.len() < NOTES_MAX {
            notes.push(note);
        } else {
            self.left_out.set(self.left_out.get() + 1);
        }
        self.notes.set(notes);
    }

    /// The whole explanation as a page of text.
    #[must_use]
    pub fn page(mut self, style: Style) -> String {
        self.tell_left_out();
        layout::page(self.notes.get_mut(), style)
    }

    /// The explanation as single lines, each with its topic.
    #[must_use]
    pub fn lines(mut self) -> Vec<String> {
        self.tell_left_out();
        layout::lines(self.notes.get_mut())
    }

    fn tell_left_out(&mut self) {
        let left_out = self.left_out.get();
        if left_out > 0 {
            let text = format!("{left_out} further notes are left out");
            self.notes.get_mut().push(Note { topic: Topic::Answer, text });
        }
    }
}

impl fmt::Debug for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explanation").field("client", &self.client).finish_non_exhaustive()
    }
}

/// Tells a step of a decision to an [`Explanation`], if there is one: `explain!(listener, Topic::Lease, "free: {address}")`.
///
/// The listener is an `Option<&Explanation>`. Nothing else is evaluated when it is `None`.
#[macro_export]
macro_rules! explain {
    ($listener:expr, $topic:expr, $($text:tt)+) => {
        if let Some(explanation) = $listener {
            let explanation: &$crate::explain::Explanation = explanation;
            explanation.note($topic, format_args!($($text)+));
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something that must not be shown.
    struct Unspeakable;

    impl fmt::Display for Unspeakable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("somebody listens")
        }
    }

    #[test]
    fn nothing_is_evaluated_when_nobody_listens() {
        let nobody: Option<&Explanation> = None;
        let evaluated = Cell::new(false);
        explain!(nobody, Topic::Lease, "{} {}", Unspeakable, {
            evaluated.set(true);
            1
        });
        assert!(!evaluated.get());
        let somebody = Explanation::default();
        explain!(Some(&somebody), Topic::Lease, "{}", {
            evaluated.set(true);
            1
        });
        assert!(evaluated.get());
        assert_eq!(somebody.lines(), ["Lease: 1"]);
    }

    #[test]
    fn endless_notes_end() {
        let explanation = Explanation::default();
        for number in 0..NOTES_MAX + 2 {
            explain!(Some(&explanation), Topic::Query, "{number}");
        }
        let lines = explanation.lines();
        assert_eq!(lines.len(), NOTES_MAX + 1);
        assert_eq!(lines.last().map(String::as_str), Some("Answer: 2 further notes are left out"));
        let just_enough = Explanation::default();
        for number in 0..NOTES_MAX {
            explain!(Some(&just_enough), Topic::Query, "{number}");
        }
        assert_eq!(just_enough.lines().len(), NOTES_MAX);
    }
}
