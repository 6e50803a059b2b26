//! What a configuration says about logging, and which part of it applies to a logger.
//!
//! Loggers form a tree by the dots in their names. The root is named after the daemon (`kea-dhcp4`); a configured
//! name that does not start with the root's refers to a child of it. A logger without an entry of its own takes
//! severity and outputs of the nearest ancestor that has one; an entry without outputs takes those of its nearest
//! ancestor that has some; the root's own default is INFO to the initial destination.

use crate::Severity;
use crate::severity::DEBUG_LEVEL_MAX;

/// Files smaller than this are never rotated.
pub const ROTATION_SIZE_MIN: u64 = 204_800;

/// The logging part of a daemon's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogConfig {
    /// Entries in the order of the file; of two entries for one name the later one counts.
    pub loggers: Vec<LoggerConfig>,
}

/// One entry of `loggers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggerConfig {
    /// `kea-dhcp4`, `kea-dhcp4.leases`, or `leases`.
    pub name: String,
    /// The least grave severity that is written.
    pub severity: Severity,
    /// With DEBUG, the highest level that is written, 0..=99.
    pub debug_level: u8,
    /// Where lines go; empty means where the parent's go.
    pub outputs: Vec<OutputConfig>,
}

/// One entry of `output_options`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputConfig {
    /// Where lines go.
    pub destination: Destination,
    /// Whether lines are handed to the operating system at once (at the end of the writer's batch).
    pub flush: bool,
    /// Bytes after which a file is rotated; below [`ROTATION_SIZE_MIN`] it never is.
    pub max_size: u64,
    /// How many rotated files are kept (`.1`, `.2`, ...).
    pub max_versions: u32,
    /// Conversion pattern of the line; the destination's usual format when absent.
    pub pattern: Option<String>,
}

/// A place where lines can go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// The file of this name.
    File(std::path::PathBuf),
    /// Standard error.
    Stderr,
    /// Standard output.
    Stdout,
    /// The system log; the text names a facility (`local3`) or else the program name to appear under.
    Syslog(Option<String>),
}

impl Destination {
    /// Reads the form used in configurations and in `KEA_LOGGER_DESTINATION`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "stdout" => Self::Stdout,
            "stderr" => Self::Stderr,
            "syslog" => Self::Syslog(None),
            _ => match text.strip_prefix("syslog:") {
                Some("") => Self::Syslog(None),
                Some(name) => Self::Syslog(Some(name.to_owned())),
                None => Self::File(text.into()),
            },
        }
    }
}

impl OutputConfig {
    /// Returns the output with Kea's defaults for everything but the destination.
    #[must_use]
    pub const fn new(destination: Destination) -> Self {
        Self { destination, flush: true, max_size: 10_240_000, max_versions: 1, pattern: None }
    }
}

impl LoggerConfig {
    /// Returns an entry with Kea's defaults: INFO, outputs of the parent.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            severity: Severity::Info,
            debug_level: 0,
            outputs: Vec::new(),
        }
    }
}

/// The configured tree of one daemon.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    root: String,
    is_verbose: bool,
    /// Full names; never empty, the first is the implicit root.
    entries: Vec<LoggerConfig>,
}

impl Tree {
    /// Prepares look-ups; `initial` is where the root writes unless its entry says otherwise.
    pub(crate) fn new(
        root: &str,
        is_verbose: bool,
        initial: &OutputConfig,
        config: &LogConfig,
    ) -> Self {
        let implicit = LoggerConfig { outputs: vec![initial.clone()], ..LoggerConfig::new(root) };
        let mut entries = vec![implicit];
        for logger in &config.loggers {
            entries.push(LoggerConfig { name: full_name(root, &logger.name), ..logger.clone() });
        }
        Self { root: root.to_owned(), is_verbose, entries }
    }

    /// Returns the full name of a child given by its short name; the short name of the root is empty.
    pub(crate) fn full_name(&self, child: &str) -> String {
        full_name(&self.root, child)
    }

    /// Returns the threshold that applies to the logger.
    pub(crate) fn threshold(&self, child: &str) -> u8 {
        let full = self.full_name(child);
        let entry = ancestors(&full).find_map(|name| self.last(name, |_| true));
        let (severity, level) = match entry {
            _ if self.is_verbose => (Severity::Debug, DEBUG_LEVEL_MAX),
            Some(entry) => (entry.severity, entry.debug_level),
            None => (Severity::Info, 0),
        };
        severity.threshold(level)
    }

    /// Returns the outputs that apply to the logger.
    pub(crate) fn outputs(&self, child: &str) -> &[OutputConfig] {
        let full = self.full_name(child);
        ancestors(&full)
            .find_map(|name| self.last(name, |entry| !entry.outputs.is_empty()))
            .map_or(&[], |entry| entry.outputs.as_slice())
    }

    /// Returns the name of the root.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// Returns every output that some logger of this daemon may use. Entries for other daemons, which share the
    /// object in old configurations, do not count.
    pub(crate) fn all_outputs(&self) -> impl Iterator<Item = &OutputConfig> {
        let foreign = format!("{}.kea-", self.root);
        let own =
            self.entries.iter().skip(1).filter(move |entry| !entry.name.starts_with(&foreign));
        self.outputs("").iter().chain(own.flat_map(|entry| entry.outputs.iter()))
    }

    fn last(&self, name: &str, accept: impl Fn(&LoggerConfig) -> bool) -> Option<&LoggerConfig> {
        self.entries.iter().rev().find(|entry| entry.name == name && accept(entry))
    }
}

fn full_name(root: &str, name: &str) -> String {
    let is_rooted =
        name.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    match name {
        "" => root.to_owned(),
        _ if is_rooted => name.to_owned(),
        _ => format!("{root}.{name}"),
    }
}

/// Yields a full name, its parent, and so on up to the root.
fn ancestors(full: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(full), |name| name.rsplit_once('.').map(|(parent, _)| parent))
}

#[cfg(test)]
mod tests {
    use super::{Destination, LogConfig, LoggerConfig, OutputConfig, Tree};
    use crate::Severity;

    fn stdout() -> OutputConfig {
        OutputConfig::new(Destination::Stdout)
    }

    fn file(name: &str) -> OutputConfig {
        OutputConfig::new(Destination::File(name.into()))
    }

    fn entry(name: &str, severity: Severity, debug_level: u8, outputs: &[&str]) -> LoggerConfig {
        let outputs = outputs.iter().map(|name| file(name)).collect();
        LoggerConfig { name: name.into(), severity, debug_level, outputs }
    }

    fn tree(loggers: Vec<LoggerConfig>) -> Tree {
        Tree::new("kea-dhcp4", false, &stdout(), &LogConfig { loggers })
    }

    #[test]
    fn without_entries_everything_is_info_to_the_initial_destination() {
        let tree = tree(vec![]);
        assert_eq!(tree.threshold("leases"), Severity::Info.threshold(0));
        assert_eq!(tree.outputs("leases"), [stdout()]);
        assert_eq!(tree.full_name("leases"), "kea-dhcp4.leases");
        assert_eq!(tree.full_name(""), "kea-dhcp4");
    }

    #[test]
    fn children_inherit_from_the_root() {
        let tree = tree(vec![entry("kea-dhcp4", Severity::Warn, 0, &["a.log"])]);
        assert_eq!(tree.threshold("packets"), Severity::Warn.threshold(0));
        assert_eq!(tree.threshold("packets.deep"), Severity::Warn.threshold(0));
        assert_eq!(tree.outputs("packets"), [file("a.log")]);
    }

    #[test]
    fn own_entries_win_and_short_names_refer_to_this_root() {
        let tree = tree(vec![
            entry("kea-dhcp4", Severity::Info, 0, &["a.log"]),
            entry("kea-dhcp4.packets", Severity::Debug, 55, &["b.log"]),
            entry("leases", Severity::None, 0, &[]),
            entry("kea-dhcp6", Severity::Fatal, 0, &["other.log"]),
            entry("kea-dhcp4x", Severity::Fatal, 0, &["other.log"]),
        ]);
        assert_eq!(tree.threshold("packets"), Severity::Debug.threshold(55));
        assert_eq!(tree.outputs("packets"), [file("b.log")]);
        assert_eq!(tree.threshold("leases"), 0);
        assert_eq!(tree.outputs("leases"), [file("a.log")]);
        assert_eq!(tree.threshold("dhcp4"), Severity::Info.threshold(0));
    }

    #[test]
    fn root_entry_without_outputs_keeps_the_initial_destination() {
        let tree = tree(vec![entry("kea-dhcp4", Severity::Error, 0, &[])]);
        assert_eq!(tree.outputs(""), [stdout()]);
    }

    #[test]
    fn outputs_of_other_daemons_are_not_opened() {
        let tree = tree(vec![
            entry("kea-dhcp4", Severity::Info, 0, &["a.log"]),
            entry("kea-dhcp6", Severity::Info, 0, &["six.log"]),
            entry("kea-dhcp-ddns.d2-to-dns", Severity::Info, 0, &["d2.log"]),
            entry("leases", Severity::Info, 0, &["b.log"]),
        ]);
        let mut outputs: Vec<_> = tree.all_outputs().cloned().collect();
        outputs.dedup();
        assert_eq!(outputs, [file("a.log"), file("b.log")]);
    }

    #[test]
    fn verbose_forces_everything() {
        let config = LogConfig { loggers: vec![entry("leases", Severity::None, 0, &[])] };
        let tree = Tree::new("kea-dhcp4", true, &stdout(), &config);
        assert_eq!(tree.threshold("leases"), Severity::Debug.threshold(99));
        assert_eq!(tree.threshold("dhcp4"), Severity::Debug.threshold(99));
    }

    #[test]
    fn destinations_are_told_apart() {
        assert_eq!(Destination::parse("stdout"), Destination::Stdout);
        assert_eq!(Destination::parse("stderr"), Destination::Stderr);
        assert_eq!(Destination::parse("syslog"), Destination::Syslog(None));
        assert_eq!(Destination::parse("syslog:local3"), Destination::Syslog(Some("local3".into())));
        assert_eq!(Destination::parse("/x/y.log"), Destination::File("/x/y.log".into()));
    }
}
