//! The command line of `kea-dhcp4`: Kea's flags, exit codes and output.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Serve (`-c FILE`).
    Serve(Options),
    /// Check a configuration file (`-t`), also what it refers to (`-T`).
    Check {
        /// The file.
        file: PathBuf,
        /// Whether interfaces and files that it names are looked at too.
        thorough: bool,
    },
    /// Print text and end well.
    Print(String),
    /// Print a complaint on standard error and end with exit code 1.
    Misused(String),
}

/// How to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// `-c`: the configuration file.
    pub config_file: PathBuf,
    /// `-d`: all debug messages.
    pub verbose: bool,
    /// `-p`: the server's UDP port.
    pub port: u16,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn command() -> Command {
    let flag = |name: char, id: &'static str, help: &'static str| {
        Arg::new(id).short(name).action(ArgAction::SetTrue).help(help)
    };
    let file = |name: char, id: &'static str, help: &'static str| {
        Arg::new(id).short(name).value_name("FILE").value_parser(value_parser!(PathBuf)).help(help)
    };
    let port = |name: char, id: &'static str, help: &'static str| {
        let range = value_parser!(u16).range(1..);
        Arg::new(id).short(name).value_name("PORT").value_parser(range).help(help)
    };
    Command::new("kea-dhcp4")
        .about("The DHCPv4 server")
        .disable_version_flag(true)
        .arg(file('c', "config", "Serve with this configuration file"))
        .arg(file('t', "check", "Check this configuration file and end"))
        .arg(file(
            'T',
            "check-more",
            "Check this configuration file and what it refers to, and end",
        ))
        .arg(flag('d', "debug", "Log everything"))
        .arg(flag('v', "version", "Print the version and end"))
        .arg(flag('V', "long-version", "Print the version of all parts and end"))
        .arg(flag('W', "report", "Print how this program was built and end"))
        .arg(flag('X', "no-path-security", "Accepted for compatibility: paths are not restricted"))
        .arg(port('p', "port", "Serve on this UDP port instead of 67"))
}

/// Reads the command line.
#[must_use]
pub(crate) fn read(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Request {
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {
            return Request::Print(error.to_string());
        }
        Err(error) => return Request::Misused(format!("{error}\n{}", command().render_help())),
    };
    if matches.get_flag("version") {
        return Request::Print(format!("{VERSION}\n"));
    }
    if matches.get_flag("long-version") {
        return Request::Print(long_version());
    }
    if matches.get_flag("report") {
        return Request::Print(build_report());
    }
    for (id, thorough) in [("check", false), ("check-more", true)] {
        if let Some(file) = matches.get_one::<PathBuf>(id) {
            return Request::Check { file: file.clone(), thorough };
        }
    }
    let Some(file) = matches.get_one::<PathBuf>("config") else {
        let help = command().render_help();
        return Request::Misused(format!("Configuration file not specified.\n{help}"));
    };
    Request::Serve(Options {
        config_file: file.clone(),
        verbose: matches.get_flag("debug"),
        port: matches.get_one::<u16>("port").copied().unwrap_or(libdhcp::v4::SERVER_PORT),
    })
}

fn long_version() -> String {
    format!("{VERSION}\nkea-dhcp4 {VERSION}\ndatabase:\nMemfile backend 3.0\n")
}

fn build_report() -> String {
    format!(
        "Package: kea-dhcp4 {VERSION}\nTarget: {} {}\nProfile: {}\nLease storage: memfile 3.0\n",
        std::env::consts::ARCH,
        std::env::consts::OS,
        if cfg!(debug_assertions) { "debug" } else { "release" },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_words(words: &[&str]) -> Request {
        read(std::iter::once("kea-dhcp4").chain(words.iter().copied()).map(Into::into))
    }

    #[test]
    fn flags_mean_what_they_mean_in_kea() {
        let options = Options { config_file: "/etc/kea.conf".into(), verbose: true, port: 10067 };
        assert_eq!(
            read_words(&["-d", "-c", "/etc/kea.conf", "-p", "10067"]),
            Request::Serve(options)
        );
        let check = Request::Check { file: "x".into(), thorough: false };
        assert_eq!(read_words(&["-t", "x"]), check);
        assert_eq!(read_words(&["-v"]), Request::Print(format!("{VERSION}\n")));
        assert!(matches!(read_words(&["-V"]), Request::Print(_)));
        assert!(matches!(read_words(&["-W"]), Request::Print(_)));
    }

    #[test]
    fn misuse_is_explained_with_the_usage() {
        for words in [&["-p", "0", "-c", "x"][..], &["-p", "70000"], &["-z"], &["extra"], &[]] {
            let Request::Misused(text) = read_words(words) else { panic!("{words:?} accepted") };
            assert!(text.contains("Usage"), "{text}");
        }
        let Request::Misused(text) = read_words(&[]) else { panic!("accepted") };
        assert!(text.starts_with("Configuration file not specified."));
    }
}
