//! Severities, debug levels, and the one number that both are compared by.
//!
//! A message has a *rank*: FATAL 0, ERROR 1, WARN 2, INFO 3, DEBUG level n 4 + n. A logger has a *threshold* and
//! writes messages whose rank is below it, so that the question "is this enabled" is one comparison.

use std::fmt;
use std::str::FromStr;

/// How grave a message is, or (for a logger) the least grave kind that it writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing at all; only meaningful for loggers.
    None,
    /// The daemon cannot go on.
    Fatal,
    /// Something failed.
    Error,
    /// Something is not as it should be, but the daemon can work with it.
    Warn,
    /// Normal events of interest.
    #[default]
    Info,
    /// Details for those who look for a fault; see the debug level.
    Debug,
}

/// The highest debug level; a logger set to it writes everything.
pub const DEBUG_LEVEL_MAX: u8 = 99;

impl Severity {
    /// Returns the name as it stands in configuration files and log lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Fatal => "FATAL",
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
        }
    }

    /// Returns the position of a message in the order of gravity, 0 being the gravest.
    #[must_use]
    pub const fn rank(self, debug_level: u8) -> u8 {
        match self {
            Self::None => UNREGISTERED,
            Self::Fatal => 0,
            Self::Error => 1,
            Self::Warn => 2,
            Self::Info => 3,
            Self::Debug => 4 + min(debug_level, DEBUG_LEVEL_MAX),
        }
    }

    /// Returns the threshold of a logger with this severity: it writes messages of a lower rank.
    #[must_use]
    pub const fn threshold(self, debug_level: u8) -> u8 {
        match self {
            Self::None => 0,
            other => other.rank(debug_level) + 1,
        }
    }

    /// Returns the number that syslog knows this severity by.
    #[must_use]
    pub(crate) const fn syslog_number(self) -> u8 {
        match self {
            Self::None | Self::Fatal => 2,
            Self::Error => 3,
            Self::Warn => 4,
            Self::Info => 6,
            Self::Debug => 7,
        }
    }
}

/// Threshold of a logger that nobody has looked up yet; above every rank of a message.
pub(crate) const UNREGISTERED: u8 = u8::MAX;

const fn min(a: u8, b: u8) -> u8 {
    if a < b { a } else { b }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Severity {
    type Err = UnknownSeverity;

    /// Reads a name in any letter case.
    fn from_str(text: &str) -> Result<Self, UnknownSeverity> {
        [Self::None, Self::Fatal, Self::Error, Self::Warn, Self::Info, Self::Debug]
            .into_iter()
            .find(|severity| severity.name().eq_ignore_ascii_case(text))
            .ok_or(UnknownSeverity)
    }
}

/// The text is not the name of a severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of FATAL, ERROR, WARN, INFO, DEBUG, NONE")]
pub struct UnknownSeverity;

#[cfg(test)]
mod tests {
    use super::Severity;

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!("warn".parse(), Ok(Severity::Warn));
        assert_eq!("Debug".parse(), Ok(Severity::Debug));
        assert!("verbose".parse::<Severity>().is_err());
    }

    #[test]
    fn threshold_admits_its_own_severity_and_graver_ones() {
        let info = Severity::Info.threshold(0);
        assert!(Severity::Info.rank(0) < info);
        assert!(Severity::Fatal.rank(0) < info);
        assert!(Severity::Debug.rank(0) >= info);
        let debug = Severity::Debug.threshold(40);
        assert!(Severity::Debug.rank(40) < debug);
        assert!(Severity::Debug.rank(41) >= debug);
        assert_eq!(Severity::None.threshold(99), 0);
    }

    #[test]
    fn no_message_reaches_the_mark_of_an_unregistered_logger() {
        assert!(Severity::Debug.threshold(255) < super::UNREGISTERED);
    }
}
