//! Watching an evaluation: one report per operation.
//!
//! The machine is compiled twice: with [`Unwatched`] the reports vanish, with [`Watched`] each goes
//! to a [`Trace`] of the caller, which logs it, collects it for an explanation, or counts.

use std::fmt::{self, Display};

use kea_log::{Logger, Message};

/// Receives the steps of an evaluation.
pub trait Trace {
    /// One operation was carried out.
    fn step(&mut self, step: &Step<'_>);
}

/// What an operation took and what it made of it.
#[derive(Clone, Copy)]
pub struct Step<'a> {
    message: &'static Message,
    values: &'a [&'a dyn Display],
}

impl<'a> Step<'a> {
    /// Kea's message for this operation.
    #[must_use]
    pub fn message(&self) -> &'static Message {
        self.message
    }

    /// The values of the message but the label.
    #[must_use]
    pub fn values(&self) -> &'a [&'a dyn Display] {
        self.values
    }

    /// Appends the text of the message, which begins with the label.
    pub fn render(&self, label: &dyn Display, out: &mut String) {
        self.with_label(label, |values| self.message.render(out, values));
    }

    /// Logs the message, if the logger is that talkative.
    pub fn log(&self, logger: &'static Logger, label: &dyn Display) {
        if logger.is_rank_enabled(self.message.rank()) {
            self.with_label(label, |values| logger.write(self.message, values));
        }
    }

    fn with_label(&self, label: &dyn Display, use_values: impl FnOnce(&[&dyn Display])) {
        let mut all: [&dyn Display; VALUES_MAX] = [&""; VALUES_MAX];
        let mut count = 0;
        for (room, value) in
            all.iter_mut().zip(std::iter::once(label).chain(self.values.iter().copied()))
        {
            *room = value;
            count += 1;
        }
        use_values(all.get(..count).unwrap_or_default());
    }
}

impl fmt::Debug for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.render(&self.message.id, &mut text);
        f.write_str(&text)
    }
}

/// Most values of a message, the label included.
const VALUES_MAX: usize = 6;

/// Logs every step as Kea does.
#[derive(Clone, Copy)]
pub struct LogTrace<'a> {
    /// The logger, `eval` in Kea.
    pub logger: &'static Logger,
    /// The client.
    pub label: &'a dyn Display,
}

impl Trace for LogTrace<'_> {
    fn step(&mut self, step: &Step<'_>) {
        step.log(self.logger, self.label);
    }
}

impl fmt::Debug for LogTrace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogTrace {{ logger: {}, label: {} }}", self.logger.name(), self.label)
    }
}

/// Collects the steps as lines.
#[derive(Clone, Debug, Default)]
pub struct TextTrace {
    /// What the lines begin with, such as the name of the class.
    pub label: String,
    /// The lines, each ended by a newline.
    pub text: String,
}

impl Trace for TextTrace {
    fn step(&mut self, step: &Step<'_>) {
        step.render(&self.label, &mut self.text);
        self.text.push('\n');
    }
}

/// How the machine reports its steps.
pub(crate) trait Watch {
    /// False when reports are not even made.
    const ON: bool;

    fn step(&mut self, message: &'static Message, values: &[&dyn Display]);
}

/// Nobody looks.
pub(crate) struct Unwatched;

impl Watch for Unwatched {
    const ON: bool = false;

    #[inline(always)]
    fn step(&mut self, _: &'static Message, _: &[&dyn Display]) {}
}

/// Somebody looks.
pub(crate) struct Watched<'t>(pub(crate) &'t mut dyn Trace);

impl Watch for Watched<'_> {
    const ON: bool = true;

    fn step(&mut self, message: &'static Message, values: &[&dyn Display]) {
        self.0.step(&Step { message, values });
    }
}

/// Bytes as `0x` and digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// Bytes as text in quotes.
pub(crate) struct Quoted<'a>(pub(crate) &'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.escape_ascii())
    }
}
