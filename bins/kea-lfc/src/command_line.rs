//! The command line, which is that of Kea's `kea-lfc`.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};

/// Which leases the files hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// DHCPv4.
    V4,
    /// DHCPv6.
    V6,
}

/// What to do, and with which files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// `-4` or `-6`.
    pub(crate) family: Family,
    /// `-x`: result of the run before.
    pub(crate) previous: PathBuf,
    /// `-i`: the file moved aside by the server.
    pub(crate) copy: PathBuf,
    /// `-o`: the result while it is written.
    pub(crate) output: PathBuf,
    /// `-f`: the result when it is whole.
    pub(crate) finish: PathBuf,
    /// `-p`: the file with the number of this process.
    pub(crate) pid_file: PathBuf,
    /// `-d`.
    pub(crate) verbose: bool,
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = if self.family == Family::V4 { 4 } else { 6 };
        writeln!(f, "Protocol version:    DHCPv{protocol}")?;
        writeln!(f, "Previous lease file: {}", self.previous.display())?;
        writeln!(f, "Copy lease file:     {}", self.copy.display())?;
        writeln!(f, "Output lease file:   {}", self.output.display())?;
        writeln!(f, "Finish file:         {}", self.finish.display())?;
        write!(f, "PID file:            {}", self.pid_file.display())
    }
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Clean up.
    Run(Options),
    /// Print this and end well.
    Print(String),
    /// Print this to standard error and end with status 1.
    Refuse(String),
}

/// Version of the program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Reads the command line, the name of the program included.
pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Request {
    let mut command = command();
    let usage = command.render_help().to_string();
    let matches = match command.try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return Request::Refuse(format!("{}\n{usage}", first_line(&error))),
    };
    if matches.get_flag("help") {
        return Request::Print(usage);
    }
    if matches.get_flag("version") {
        return Request::Print(VERSION.to_owned());
    }
    if matches.get_flag("long-version") || matches.get_flag("report") {
        return Request::Print(format!(
            "kea-lfc {VERSION}\nlease file schema: DHCPv4 3.0, DHCPv6 5.0"
        ));
    }
    match options(&matches) {
        Ok(options) => Request::Run(options),
        Err(reason) => Request::Refuse(format!("{reason}\n{usage}")),
    }
}

fn command() -> Command {
    let flag = |name: &'static str, short, help: &'static str| {
        Arg::new(name).short(short).action(ArgAction::SetTrue).help(help)
    };
    let file = |name: &'static str, short, help: &'static str| {
        Arg::new(name)
            .short(short)
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help(help)
    };
    Command::new("kea-lfc")
        .about("Rewrites the lease files that a DHCP server has moved aside")
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(flag("v4", '4', "The files hold DHCPv4 leases"))
        .arg(flag("v6", '6', "The files hold DHCPv6 leases"))
        .arg(file("pid", 'p', "File for the number of this process"))
        .arg(file("previous", 'x', "Result of the run before"))
        .arg(file("copy", 'i', "The lease file moved aside by the server"))
        .arg(file("output", 'o', "The result while it is written"))
        .arg(file("finish", 'f', "The result when it is whole"))
        .arg(file("config", 'c', "Configuration file (not used)"))
        .arg(flag("debug", 'd', "Print the arguments and log everything"))
        .arg(flag("version", 'v', "Print the version and end"))
        .arg(flag("long-version", 'V', "Print the version of all parts and end"))
        .arg(flag("report", 'W', "Print the build report and end"))
        .arg(flag("help", 'h', "Print this and end"))
}

fn options(matches: &ArgMatches) -> Result<Options, String> {
    let family = match (matches.get_flag("v4"), matches.get_flag("v6")) {
        (true, false) => Family::V4,
        (false, true) => Family::V6,
        (true, true) => return Err("only one of -4 and -6 can be given".to_owned()),
        (false, false) => return Err("one of -4 and -6 must be given".to_owned()),
    };
    let file = |name: &str, short| {
        let path = matches.get_one::<PathBuf>(name).filter(|path| !path.as_os_str().is_empty());
        path.cloned().ok_or_else(|| format!("option -{short} with a file name must be given"))
    };
    file("config", 'c')?;
    Ok(Options {
        family,
        previous: file("previous", 'x')?,
        copy: file("copy", 'i')?,
        output: file("output", 'o')?,
        finish: file("finish", 'f')?,
        pid_file: file("pid", 'p')?,
        verbose: matches.get_flag("debug"),
    })
}

/// The reason of an error without clap's own usage text.
fn first_line(error: &clap::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(line: &str) -> Request {
        read(line.split_whitespace().map(OsString::from))
    }

    const FULL: &str =
        "kea-lfc -4 -x l.2 -i l.1 -o l.output -f l.completed -p l.pid -c ignored-path";

    #[test]
    fn the_call_of_a_server_is_understood() {
        let Request::Run(options) = read_text(FULL) else { panic!("refused") };
        assert_eq!(options.family, Family::V4);
        assert_eq!(options.finish, PathBuf::from("l.completed"));
        assert!(!options.verbose && options.to_string().contains("l.output"));
        let Request::Run(options) = read_text(&FULL.replace("-4", "-6 -d")) else {
            panic!("refused")
        };
        assert!(options.family == Family::V6 && options.verbose);
    }

    #[test]
    fn every_file_is_mandatory_and_one_family() {
        for option in [" -x l.2", " -i l.1", " -o l.output", " -f l.completed", " -p l.pid", " -4"]
        {
            let Request::Refuse(text) = read_text(&FULL.replace(option, "")) else {
                panic!("{option} is not missed")
            };
            assert!(text.contains("Usage"), "{text}");
        }
        for line in [FULL.replace("-4", "-4 -6"), format!("{FULL} -z"), format!("{FULL} extra")] {
            assert!(matches!(read_text(&line), Request::Refuse(_)), "{line}");
        }
    }

    #[test]
    fn questions_are_answered_without_files() {
        for flag in ["-v", "-V", "-W", "-h"] {
            assert!(matches!(read_text(&format!("kea-lfc {flag}")), Request::Print(_)), "{flag}");
        }
    }
}
