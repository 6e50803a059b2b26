//! The command line: Kea's flags, exit codes and output.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};
use netio::InterfaceSpec;

use crate::Profile;

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
    /// Explain what the server decides about packets (`--explain`).
    Explain(ExplainOptions),
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

/// What to explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExplainOptions {
    /// `-c`: the configuration file.
    pub config_file: PathBuf,
    /// `-p`: the server's UDP port.
    pub port: u16,
    /// `--explain`: a capture, a file of digits, digits, or `-`.
    pub what: String,
    /// `--on`: where it is received.
    pub on: Option<InterfaceSpec>,
    /// `--leases`.
    pub leases: Leases,
}

/// Which leases there are for an explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Leases {
    /// Those of the configured database.
    Configured,
    /// Those of a file.
    File(PathBuf),
    /// There are none.
    None,
}

/// Version of the program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

fn command(profile: &Profile) -> Command {
    let flag = |name: char, id: &'static str, help: &'static str| {
        Arg::new(id).short(name).action(ArgAction::SetTrue).help(help)
    };
    let file = |name: char, id: &'static str, help: &'static str| {
        Arg::new(id).short(name).value_name("FILE").value_parser(value_parser!(PathBuf)).help(help)
    };
    let port = |name: char, id: &'static str, help: String| {
        let range = value_parser!(u16).range(1..);
        Arg::new(id).short(name).value_name("PORT").value_parser(range).help(help)
    };
    let port_help = format!("Serve on this UDP port instead of {}", profile.port);
    Command::new(profile.name)
        .about(profile.about)
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
        .arg(port('p', "port", port_help))
        .arg(long("explain", "PACKET", EXPLAIN_HELP).requires("config").allow_hyphen_values(true))
        .arg(long("on", "INTERFACE[/ADDRESS]", ON_HELP).requires("explain"))
        .arg(long("leases", "FILE|none", LEASES_HELP).requires("explain"))
}

const EXPLAIN_HELP: &str = "Print how the server decides about PACKET (a capture, hexadecimal digits, a file of them, or -)";
const ON_HELP: &str = "Where it is received; by default on the first configured interface";
const LEASES_HELP: &str = "Leases that there are; by default those of the configured lease file";

fn long(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).help(help).help_heading("Explaining")
}

/// Reads the command line.
#[must_use]
pub(crate) fn read(
    profile: &Profile,
    arguments: impl IntoIterator<Item = std::ffi::OsString>,
) -> Request {
    let matches = match command(profile).try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {
            return Request::Print(error.to_string());
        }
        Err(error) => {
            return Request::Misused(format!("{error}\n{}", command(profile).render_help()));
        }
    };
    if matches.get_flag("version") {
        return Request::Print(format!("{VERSION}\n"));
    }
    if matches.get_flag("long-version") {
        return Request::Print(long_version(profile));
    }
    if matches.get_flag("report") {
        return Request::Print(build_report(profile));
    }
    for (id, thorough) in [("check", false), ("check-more", true)] {
        if let Some(file) = matches.get_one::<PathBuf>(id) {
            return Request::Check { file: file.clone(), thorough };
        }
    }
    let Some(file) = matches.get_one::<PathBuf>("config") else {
        let help = command(profile).render_help();
        return Request::Misused(format!("Configuration file not specified.\n{help}"));
    };
    let config_file = file.clone();
    let port = matches.get_one::<u16>("port").copied().unwrap_or(profile.port);
    let text = |name| matches.get_one::<String>(name).map(String::as_str);
    if let Some(what) = text("explain") {
        let on = text("on").map(|text| InterfaceSpec::parse(text, profile.family)).transpose();
        let on = match on {
            Ok(Some(InterfaceSpec::All)) => {
                return Request::Misused("--on: name one interface\n".to_owned());
            }
            Ok(on) => on,
            Err(error) => return Request::Misused(format!("--on: {error}\n")),
        };
        let leases = match text("leases") {
            None => Leases::Configured,
            Some("none") => Leases::None,
            Some(file) => Leases::File(file.into()),
        };
        let what = what.to_owned();
        return Request::Explain(ExplainOptions { config_file, port, what, on, leases });
    }
    Request::Serve(Options { config_file, verbose: matches.get_flag("debug"), port })
}

fn long_version(profile: &Profile) -> String {
    let Profile { name, lease_schema, .. } = profile;
    format!("{VERSION}\n{name} {VERSION}\ndatabase:\nMemfile backend {lease_schema}\n")
}

fn build_report(profile: &Profile) -> String {
    let Profile { name, lease_schema, .. } = profile;
    format!(
        "Package: {name} {VERSION}\nTarget: {} {}\nProfile: {}\nLease storage: memfile {lease_schema}\n",
        std::env::consts::ARCH,
        std::env::consts::OS,
        if cfg!(debug_assertions) { "debug" } else { "release" },
    )
}

#[cfg(test)]
mod tests {
    use netio::Family;

    use super::*;

    const PROFILE: Profile = Profile {
        name: "kea-dhcp6",
        about: "The DHCPv6 server",
        family: Family::V6,
        port: 547,
        lease_file: "kea-leases6.csv",
        lease_schema: "5.0",
        clean_up_flag: "-6",
    };

    fn read_words(words: &[&str]) -> Request {
        let words = std::iter::once("kea-dhcp6").chain(words.iter().copied());
        read(&PROFILE, words.map(Into::into))
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
        let Request::Serve(options) = read_words(&["-c", "x"]) else { panic!("misread") };
        assert_eq!(options.port, 547);
        for (flag, text) in [("-V", "Memfile backend 5.0"), ("-W", "kea-dhcp6")] {
            let Request::Print(printed) = read_words(&[flag]) else { panic!("misread") };
            assert!(printed.contains(text), "{printed}");
        }
    }

    #[test]
    fn explanations_are_asked_for_with_a_configuration() {
        let words = ["-c", "x", "--explain", "-", "--on", "lan/2001:db8::1", "--leases", "none"];
        let Request::Explain(options) = read_words(&words) else { panic!("misread") };
        let address = "2001:db8::1".parse().unwrap();
        assert_eq!(options.on, Some(InterfaceSpec::Address { name: "lan".into(), address }));
        assert_eq!((options.what.as_str(), options.leases), ("-", Leases::None));
        let Request::Explain(options) = read_words(&["-c", "x", "--explain", "01:02"]) else {
            panic!("misread")
        };
        assert_eq!((options.port, options.on, options.leases), (547, None, Leases::Configured));
        for words in [
            &["--explain", "01"][..],
            &["-c", "x", "--on", "lan"],
            &["-c", "x", "--leases", "none"],
            &["-c", "x", "--explain", "01", "--on", "*"],
            &["-c", "x", "--explain", "01", "--on", "lan/192.0.2.1"],
        ] {
            assert!(matches!(read_words(words), Request::Misused(_)), "{words:?} accepted");
        }
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
