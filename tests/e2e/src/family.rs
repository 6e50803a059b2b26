//! The two servers under test and what their names have in common.

use std::path::{Path, PathBuf};

/// The address family that a server serves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// `kea-dhcp4`.
    V4,
    /// `kea-dhcp6`.
    V6,
}

impl Family {
    /// The digit in all names.
    pub fn digit(self) -> char {
        match self {
            Self::V4 => '4',
            Self::V6 => '6',
        }
    }

    /// The name of the program.
    pub fn program_name(self) -> String {
        format!("kea-dhcp{}", self.digit())
    }

    /// The id of a log message by its end (`STARTED`).
    pub fn log_id(self, end: &str) -> String {
        format!("DHCP{}_{end}", self.digit())
    }

    /// The program under test: that of `KEA_DHCP4` or `KEA_DHCP6`, else the workspace's.
    pub fn program(self) -> PathBuf {
        match self.chosen() {
            Some(path) => path,
            None => sibling_program(&self.program_name()),
        }
    }

    /// True when the program under test belongs to this workspace and not to another release of
    /// Kea.
    pub fn is_ours(self) -> bool {
        let foreign = Path::new("/usr/sbin").join(self.program_name());
        self.chosen().is_none_or(|path| path != foreign)
    }

    /// The clean-up program that goes with the program under test.
    pub fn lfc(self) -> PathBuf {
        let ours = sibling_program("kea-lfc");
        if self.is_ours() && ours.exists() { ours } else { "/usr/sbin/kea-lfc".into() }
    }

    /// The program named by the environment.
    fn chosen(self) -> Option<PathBuf> {
        std::env::var_os(format!("KEA_DHCP{}", self.digit())).map(PathBuf::from)
    }
}

/// A program of the workspace: the release build, else the build beside the running test.
pub fn sibling_program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test knows its own path");
    let profile = test.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
    let release = profile.parent().expect("profiles lie in target").join("release").join(name);
    if release.exists() { release } else { profile.join(name) }
}
