//! Where a daemon finds and leaves its files.
//!
//! A release is laid out below one prefix, which the daemon derives from its own location (`PREFIX/sbin/NAME`).
//! Environment variables win over the prefix, the configuration wins over both. A prefix of `/usr` uses `/var`, as
//! distributions do.

use std::path::{Path, PathBuf};

/// The folders of one installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// Lease files: `PREFIX/var/lib/kea`, or `KEA_DHCP_DATA_DIR`.
    pub data: PathBuf,
    /// Pid files: `PREFIX/var/run/kea`, or `KEA_PIDFILE_DIR`.
    pub run: PathBuf,
    /// Configuration files: `PREFIX/etc/kea`.
    pub config: PathBuf,
    /// The clean-up program: `PREFIX/sbin/kea-lfc`, or `KEA_LFC_EXECUTABLE`.
    pub lfc: PathBuf,
}

impl Paths {
    /// Finds the folders for the program at `executable`; `variable` reads the environment.
    #[must_use]
    pub fn find(executable: &Path, variable: impl Fn(&str) -> Option<String>) -> Self {
        let folder = executable.parent().unwrap_or(Path::new("/"));
        let installed = matches!(
            folder.file_name().and_then(|name| name.to_str()),
            Some("sbin" | "bin" | "libexec")
        );
        let prefix = folder.parent().filter(|_| installed).unwrap_or(Path::new("/usr"));
        let system = prefix == Path::new("/usr") || prefix == Path::new("/");
        let state = if system { PathBuf::from("/var") } else { prefix.join("var") };
        let etc = if system { PathBuf::from("/etc") } else { prefix.join("etc") };
        let given =
            |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            data: given("KEA_DHCP_DATA_DIR").unwrap_or_else(|| state.join("lib/kea")),
            run: given("KEA_PIDFILE_DIR").unwrap_or_else(|| state.join("run/kea")),
            config: etc.join("kea"),
            lfc: given("KEA_LFC_EXECUTABLE").unwrap_or_else(|| folder.join("kea-lfc")),
        }
    }

    /// Finds the folders for the running program.
    #[must_use]
    pub fn of_this_process() -> Self {
        let executable = std::env::current_exe().unwrap_or_default();
        Self::find(&executable, |name| std::env::var(name).ok())
    }

    /// The pid file of `daemon` for a configuration file: its base name without the last extension.
    #[must_use]
    pub fn pid_file(&self, config_file: &Path, daemon: &str) -> PathBuf {
        let stem = config_file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("kea");
        self.run.join(format!("{stem}.{daemon}.pid"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installation_keeps_its_files_below_its_prefix() {
        let paths = Paths::find(Path::new("/opt/kea/sbin/kea-dhcp4"), |_| None);
        assert_eq!(paths.data, Path::new("/opt/kea/var/lib/kea"));
        assert_eq!(paths.lfc, Path::new("/opt/kea/sbin/kea-lfc"));
        let pid = paths.pid_file(Path::new("/x/kea-dhcp4.conf"), "kea-dhcp4");
        assert_eq!(pid, Path::new("/opt/kea/var/run/kea/kea-dhcp4.kea-dhcp4.pid"));
    }

    #[test]
    fn a_distribution_uses_var_and_the_environment_wins() {
        let paths = Paths::find(Path::new("/usr/sbin/kea-dhcp4"), |name| {
            (name == "KEA_PIDFILE_DIR").then(|| "/tmp/pids".to_owned())
        });
        assert_eq!(paths.data, Path::new("/var/lib/kea"));
        assert_eq!(paths.run, Path::new("/tmp/pids"));
    }
}
