//! The command line: read, judged, and turned into a plan.
//!
//! [`read`] understands what Kea's program understands (1.1 and today's), with the same limits and messages of the same
//! wording where scripts may look at them. Everything that needs the system (interfaces, files) is left to `main`.

mod check;
mod command;
mod echo;
mod manual;
mod plan;
#[cfg(test)]
mod tests;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;

pub use command::{HEADINGS, command};
pub use echo::{command_line, decoded};
pub use manual::manual;
pub use values::{OptionsError, RELAYS_MAX, parse_mac};

use crate::generator::plan::{DropsMax, Spacing};
use values::Values;

/// Version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Which protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// DHCPv4.
    #[default]
    V4,
    /// DHCPv6.
    V6,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeaseType {
    /// An address.
    #[default]
    Address,
    /// An address and a prefix.
    AddressAndPrefix,
    /// A prefix.
    Prefix,
}

/// Numbers of a search for the highest rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FindRate {
    /// Greatest share of drops, 0 to 1.
    pub loss_max: f64,
    /// Length of a trial in nanoseconds.
    pub trial_ns: u64,
}

/// An option of a relay message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayOption {
    /// Relay, 1 for the one nearest the server.
    pub level: u8,
    /// Code.
    pub code: u16,
    /// Content.
    pub body: Vec<u8>,
}

/// The command line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// `-4`, `-6`.
    pub family: Family,
    /// `-1`.
    pub one_server: bool,
    /// `-A`.
    pub relays: u8,
    /// `--or`.
    pub relay_options: Vec<RelayOption>,
    /// `-a`.
    pub aggressivity: Option<u32>,
    /// `--arrivals`.
    pub spacing: Option<Spacing>,
    /// `-B`.
    pub broadcast: bool,
    /// `-b mac=`.
    pub mac: Option<[u8; 6]>,
    /// `-b duid=`.
    pub duid: Option<Vec<u8>>,
    /// `-C`.
    pub separator: Option<String>,
    /// `-c`.
    pub rapid_commit: bool,
    /// `-D`.
    pub drops_max: Vec<DropsMax>,
    /// `-d`, in nanoseconds.
    pub drop_times_ns: Vec<u64>,
    /// `-E`.
    pub time_offset: Option<usize>,
    /// `-e`.
    pub lease_type: LeaseType,
    /// `-F`.
    pub release_rate: Option<f64>,
    /// `-f`.
    pub renew_rate: Option<f64>,
    /// `--find-rate`, `--find-time`.
    pub find_rate: Option<FindRate>,
    /// `-g`: whether it says `single`.
    pub single_thread: Option<bool>,
    /// `-I`.
    pub address_offset: Option<usize>,
    /// `-i`.
    pub initial: bool,
    /// `-J`.
    pub relay_list: Option<PathBuf>,
    /// `--json`.
    pub json: Option<PathBuf>,
    /// `-L`.
    pub local_port: u16,
    /// `-l`.
    pub local: Option<String>,
    /// `-M`.
    pub mac_list: Option<PathBuf>,
    /// `-N`.
    pub remote_port: u16,
    /// `-n`.
    pub requests: Vec<u64>,
    /// `-O`.
    pub random_offsets: Vec<usize>,
    /// `-o`.
    pub options: Vec<(u16, Vec<u8>)>,
    /// `-P`.
    pub preload: u64,
    /// `-p`, in nanoseconds.
    pub period_ns: Option<u64>,
    /// `--plot`.
    pub plot: Option<PathBuf>,
    /// `-R`.
    pub clients: Option<u32>,
    /// `-r`.
    pub rate: Option<f64>,
    /// `--segments`.
    pub segments: bool,
    /// `-S`.
    pub server_id_offset: Option<usize>,
    /// `--scenario avalanche`.
    pub avalanche: bool,
    /// `-s`.
    pub seed: u64,
    /// `-T`.
    pub templates: Vec<PathBuf>,
    /// `-t`, in nanoseconds.
    pub report_ns: Option<u64>,
    /// `-u`.
    pub unique: bool,
    /// `-W`, in nanoseconds.
    pub exit_wait_ns: Option<u64>,
    /// `--window`.
    pub window: Option<u32>,
    /// `-w`.
    pub wrapped: Option<String>,
    /// `-X`.
    pub xid_offsets: Vec<usize>,
    /// `-x`.
    pub diagnostics: String,
    /// `-Y`, in nanoseconds.
    pub elapsed_after_ns: Option<u64>,
    /// `-y`, in nanoseconds.
    pub elapsed_for_ns: Option<u64>,
    /// The server.
    pub server: Option<String>,
}

impl Options {
    /// Whether `-x` has that letter.
    #[must_use]
    pub fn shows(&self, letter: char) -> bool {
        self.diagnostics.contains(letter)
    }
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Print the help.
    Help,
    /// Print the version.
    Version,
    /// Run.
    Run(Box<Options>),
}

/// Reads the command line, the name of the program included.
///
/// # Errors
/// Says which value is wrong. Relations between options are judged by [`Options::check`], because Kea's program does that
/// later, after it has shown what it runs.
pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, OptionsError> {
    let matches =
        command().try_get_matches_from(arguments).map_err(|_| OptionsError::UnknownOption)?;
    if matches.get_count("help") > 0 {
        return Ok(Request::Help);
    }
    if matches.get_count("version") > 0 {
        return Ok(Request::Version);
    }
    options(&matches).map(|options| Request::Run(Box::new(options)))
}

/// The help text.
#[must_use]
pub fn help() -> String {
    command().render_help().to_string()
}

fn options(matches: &ArgMatches) -> Result<Options, OptionsError> {
    let values = Values::new(matches);
    let family = family(matches)?;
    let [base_mac, base_duid] = values.bases()?;
    let mut servers = matches.get_many::<String>("server").unwrap_or_default().cloned();
    let server = servers.next();
    if servers.next().is_some() {
        return Err(OptionsError::ExtraArguments);
    }
    let flag = |name| matches.get_count(name) > 0;
    Ok(Options {
        family,
        one_server: flag("first-server"),
        relays: values.relay_levels()?,
        relay_options: values.relay_options()?,
        aggressivity: values
            .positive("aggressivity", "aggressivity: -a<value> must be a positive integer")?,
        spacing: values.spacing()?,
        broadcast: flag("broadcast"),
        mac: base_mac.and_then(|bytes| bytes.try_into().ok()),
        duid: base_duid,
        separator: values.text("separator"),
        rapid_commit: flag("rapid-commit"),
        drops_max: values.drops_max()?,
        drop_times_ns: values.drop_times_ns()?,
        time_offset: values
            .offset("time-offset", "time-offset: -E<value> must not be a negative integer")?,
        lease_type: values.lease_type()?,
        release_rate: values.rate(
            "release-rate",
            "the release rate: -F<release-rate> must be a positive integer",
        )?,
        renew_rate: values
            .rate("renew-rate", "the renew rate: -f<renew-rate> must be a positive integer")?,
        find_rate: values.find_rate()?,
        single_thread: values.thread_mode()?,
        address_offset: values
            .offset("address-offset", "ip address offset: -I<value> must be a positive integer")?,
        initial: flag("initial"),
        relay_list: values.path("relay-list"),
        json: values.path("json"),
        local_port: values.port("local-port", "local-port", "-L")?,
        local: values.text("local"),
        mac_list: values.path("mac-list"),
        remote_port: values.port("remote-port", "remote-port", "-N")?,
        requests: values.requests()?,
        random_offsets: values.random_offsets()?,
        options: values.options(family)?,
        preload: values
            .number(
                "preload",
                "number of preload packets: -P<value> must not be a negative integer",
            )?
            .unwrap_or(0),
        period_ns: values
            .seconds_ns("period", "test period: -p<value> must be a positive integer")?,
        plot: values.path("plot"),
        clients: values.number("clients", "-R <value> must be non-negative integer")?,
        rate: values.rate("rate", "rate: -r<value> must be a positive integer")?,
        segments: flag("segments"),
        server_id_offset: values
            .offset("server-id-offset", "server id offset: -S<value> must be a positive integer")?,
        avalanche: values.is_avalanche()?,
        seed: values.number("seed", "seed: -s <seed> must be non-negative integer")?.unwrap_or(0),
        templates: values.paths("template")?,
        report_ns: values
            .seconds_ns("report", "report delay: -t<value> must be a positive integer")?,
        unique: flag("unique"),
        exit_wait_ns: values
            .number("exit-wait", "exist wait time: -W<value> must not be a negative integer")?
            .map(|wait: u64| wait.saturating_mul(1000)),
        window: values.positive("window", "window: --window must be a positive integer")?,
        wrapped: values.text("wrapped"),
        xid_offsets: values.xid_offsets()?,
        diagnostics: values.text("diagnostics").unwrap_or_default(),
        elapsed_after_ns: values
            .seconds_ns("elapsed-after", "-Y<value> must be a positive integer")?,
        elapsed_for_ns: values.seconds_ns("elapsed-for", "-y<value> must be a positive integer")?,
        server,
    })
}

fn family(matches: &ArgMatches) -> Result<Family, OptionsError> {
    let at = |name| {
        let given = matches.value_source(name) == Some(ValueSource::CommandLine);
        matches.index_of(name).filter(|_| given)
    };
    match (at("v4"), at("v6")) {
        (Some(four), Some(six)) => {
            Err(OptionsError::TwoFamilies { first: if four < six { 4 } else { 6 } })
        }
        (None, Some(_)) => Ok(Family::V6),
        (_, None) => {
            let only6 = matches.get_many::<String>("option").is_some() && at("v4").is_none();
            if only6 { Err(OptionsError::NoFamilyBeforeOption) } else { Ok(Family::V4) }
        }
    }
}
