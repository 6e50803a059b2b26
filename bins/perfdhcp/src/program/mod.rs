//! One call of the program: what it prints before, around and after its runs.

mod drive;
mod endpoint;
mod files;
mod progress;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use netio::ClientSocket;
use perfdhcp::dhcp4::{Dhcp4, Settings4};
use perfdhcp::dhcp6::{Dhcp6, Settings6};
use perfdhcp::generator::Generator;
use perfdhcp::generator::plan::{Load, Plan};
use perfdhcp::identity::Identities;
use perfdhcp::options::{Family, Options, OptionsError};
use perfdhcp::protocol::Protocol;
use perfdhcp::search::{Search, Trial};
use perfdhcp::{json, options, plot, report};

use drive::Driver;
use endpoint::{Endpoint, EndpointError};
use files::{FileError, ReadTemplate};

/// Base of hardware addresses.
const MAC: [u8; 6] = [0x00, 0x0c, 0x01, 0x02, 0x03, 0x04];
/// Seconds from 1970 to 2000, where times of DUIDs begin.
const DUID_EPOCH_S: u64 = 946_684_800;

/// Why the program fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    /// Options that do not go together.
    #[error("parsing command line options: {0}")]
    Options(#[from] OptionsError),
    /// No way to the server.
    #[error("running perfdhcp: {0}")]
    Endpoint(#[from] EndpointError),
    /// A file that cannot be read or written.
    #[error("running perfdhcp: {0}")]
    File(#[from] FileError),
    /// The socket cannot be opened.
    #[error("running perfdhcp: Failed to open socket on {local}: {error}")]
    Socket {
        /// Where.
        local: std::net::SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// No signals.
    #[error("running perfdhcp: signals cannot be caught: {0}")]
    Signals(std::io::Error),
    /// The command of `-w` cannot be run.
    #[error("running perfdhcp: {command} cannot be run: {error}")]
    Wrapped {
        /// The command.
        command: String,
        /// Why.
        error: std::io::Error,
    },
    /// No random numbers.
    #[error("running perfdhcp: no seed: {0}")]
    Seed(getrandom::Error),
}

/// Runs; true when every exchange was completed.
pub(crate) fn run(options: &Options, command_line: &str) -> Result<bool, ProgramError> {
    let is_quiet = options.separator.is_some() || writes_json_to_output(options);
    if !is_quiet {
        say!("Running: {command_line}\n");
        say!("Scenario: {}.\n", if options.avalanche { "avalanche" } else { "basic" });
        if options.single_thread != Some(true) {
            say!("Multi-thread mode enabled.\n");
        }
    }
    let endpoint = Endpoint::find(options)?;
    options.check(endpoint.interface.is_some())?;
    let (identities, listed) = identities(options)?;
    if options.shows('a') {
        let interface = endpoint.interface.as_deref();
        say!("{}\n", options::decoded(options, interface, &endpoint.remote.ip().to_string()));
        let mac: Vec<String> = identities.mac.iter().map(|byte| format!("{byte:02x}")).collect();
        let duid: String = identities.duid.iter().map(|byte| format!("{byte:02x}")).collect();
        say!("Set MAC to {}\nSet DUID to {duid}\n", mac.join("::"));
    }
    let seed = match options.seed {
        0 => getrandom::u64().map_err(ProgramError::Seed)?,
        seed => seed,
    };
    let plan = options.plan(listed, seed);
    let relays = match &options.relay_list {
        Some(path) => files::addresses(path, endpoint.local.is_ipv4())?,
        None => vec![endpoint.local.ip()],
    };
    let templates = files::templates(options)?;
    let call = Call { options, command_line, endpoint };
    match options.family {
        Family::V4 => {
            let relays = relays.into_iter().filter_map(|relay| match relay {
                std::net::IpAddr::V4(relay) => Some(relay),
                std::net::IpAddr::V6(_) => None,
            });
            let settings = Settings4 {
                identities,
                relays: relays.collect(),
                options: options
                    .options
                    .iter()
                    .filter_map(|(code, body)| Some((u8::try_from(*code).ok()?, body.clone())))
                    .collect(),
                templates,
            };
            let new = || {
                Dhcp4::new(settings.clone()).map_err(|error| ReadTemplate::unfit(options, error))
            };
            call.perform(new, plan)
        }
        Family::V6 => {
            let relays = relays.into_iter().filter_map(|relay| match relay {
                std::net::IpAddr::V6(relay) => Some(relay),
                std::net::IpAddr::V4(_) => None,
            });
            let settings = Settings6 {
                identities,
                lease_type: options.lease_type,
                rapid_commit: options.rapid_commit,
                relays: relays.collect(),
                levels: options.relays,
                relay_options: options.relay_options.clone(),
                options: options.options.clone(),
                templates,
                clients: plan.clients,
            };
            let new = || {
                Dhcp6::new(settings.clone()).map_err(|error| ReadTemplate::unfit(options, error))
            };
            call.perform(new, plan)
        }
    }
}

/// Identities of the clients, and how many a list has.
fn identities(options: &Options) -> Result<(Identities, Option<u32>), ProgramError> {
    let list = match &options.mac_list {
        Some(path) => files::mac_list(path)?,
        None => Vec::new(),
    };
    let mac = options.mac.unwrap_or(MAC);
    let duid = options.duid.clone().unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let time = now.map_or(0, |now| now.as_secs().saturating_sub(DUID_EPOCH_S)) as u32;
        [&[0, 1, 0, 1], &time.to_be_bytes()[..], &mac].concat()
    });
    let listed = (!list.is_empty()).then(|| u32::try_from(list.len()).unwrap_or(u32::MAX));
    Ok((Identities { mac, duid, list }, listed))
}

fn writes_json_to_output(options: &Options) -> bool {
    options.json.as_deref() == Some(Path::new("-"))
}

/// What is the same for every run of one call.
struct Call<'o> {
    options: &'o Options,
    command_line: &'o str,
    endpoint: Endpoint,
}

impl Call<'_> {
    fn perform<P: Protocol>(
        &self,
        new: impl Fn() -> Result<P, FileError>,
        plan: Plan,
    ) -> Result<bool, ProgramError> {
        let mut protocol = new()?;
        let local = self.endpoint.local;
        let socket = ClientSocket::open(&self.endpoint.client_endpoint());
        let socket = socket.map_err(|error| ProgramError::Socket { local, error })?;
        let stop = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&stop))
                .map_err(ProgramError::Signals)?;
        }
        let mut driver = Driver::new(socket, stop, self.options);
        let templates = self.options.shows('T').then(|| self.templates(&mut protocol));
        self.wrapped("start")?;
        let result = match self.options.find_rate {
            Some(find) => self.search(&mut driver, new, plan, find.loss_max, find.trial_ns),
            None => self.measure(&mut driver, protocol, plan, templates),
        };
        self.wrapped("stop")?;
        result
    }

    /// One run with its report.
    fn measure<P: Protocol>(
        &self,
        driver: &mut Driver<'_>,
        protocol: P,
        plan: Plan,
        templates: Option<String>,
    ) -> Result<bool, ProgramError> {
        let (generator, usage) = driver.run(protocol, plan);
        if let Some(path) = &self.options.json {
            let document = json::document(&generator, &usage, self.command_line);
            files::write(path, &format!("{document:#}\n"))?;
        }
        if let Some(path) = &self.options.plot {
            files::write(path, &plot::svg(generator.series(), self.command_line))?;
        }
        if !writes_json_to_output(self.options) {
            self.print(&generator, &usage, templates);
        }
        let statistics = generator.statistics();
        Ok(statistics.drops() + statistics.rejected() == 0)
    }

    fn print<P: Protocol>(
        &self,
        generator: &Generator<P>,
        usage: &report::Usage,
        templates: Option<String>,
    ) {
        let options = self.options;
        if let Some(ending) = generator.ending().filter(|_| options.shows('e')) {
            say!("{}\n", report::reason(ending));
        }
        say!("{}", report::main_part(generator));
        if options.shows('i') {
            say!("Short waits for packets: {}\n", usage.waits);
        }
        if let Some(line) = report::server_id(generator).filter(|_| options.shows('s')) {
            say!("{line}\n");
        }
        if options.shows('t') {
            say!("{}", report::times(generator));
        }
        if let Some(templates) = templates {
            say!("{templates}\n");
        }
        if options.shows('l') {
            say!("{}", report::leases(generator));
        }
        if generator.records().left_out() > 0 {
            say!("WARNING: {} times and leases were left out.\n", generator.records().left_out());
        }
        if options.avalanche {
            say!("{}", report::avalanche(generator));
        }
        if options.separator.is_none() {
            say!("\n{}", report::further_part(generator, usage));
        }
    }

    /// Searches the highest rate.
    fn search<P: Protocol>(
        &self,
        driver: &mut Driver<'_>,
        new: impl Fn() -> Result<P, FileError>,
        mut plan: Plan,
        loss_max: f64,
        trial_ns: u64,
    ) -> Result<bool, ProgramError> {
        let Load::Open { rate, spacing } = plan.load else { return Ok(false) };
        let mut search = Search::new(loss_max, rate);
        plan.limits.period_ns = Some(trial_ns);
        let is_quiet = writes_json_to_output(self.options);
        while let Some(rate) = search.next_rate() {
            let load = Load::Open { rate, spacing };
            let (generator, usage) = driver.run(new()?, Plan { load, ..plan.clone() });
            if driver.is_stopped() {
                // What was in progress is not lost, so the trial tells nothing.
                break;
            }
            let statistics = generator.statistics();
            let trial = Trial {
                rate,
                begun: statistics.begun,
                lost: statistics.begun.saturating_sub(statistics.completed),
                is_generator_limit: report::is_generator_limit(statistics, &usage),
                passed: false,
            };
            // The next trial has other clients, as far as there are any.
            let next = plan.first_client.wrapping_add(generator.exchanges() as u32);
            plan.first_client = if plan.random_clients { 0 } else { next % plan.clients };
            search.feed(trial);
            if !is_quiet {
                say!("{}\n", report::trial(&search));
            }
            driver.settle();
        }
        let found = search.found();
        if let Some(path) = &self.options.json {
            files::write(path, &format!("{:#}\n", json::search(&found, self.command_line)))?;
        }
        if !is_quiet {
            say!("{}", report::found(&found));
        }
        Ok(found.is_confirmed)
    }

    /// The templates as `-x T` shows them.
    fn templates<P: Protocol>(&self, protocol: &mut P) -> String {
        report::templates(protocol, self.options)
    }

    /// Runs the command of `-w`.
    fn wrapped(&self, argument: &str) -> Result<(), ProgramError> {
        let Some(command) = &self.options.wrapped else { return Ok(()) };
        let status = Command::new(command).arg(argument).status();
        let wrapped = |error| ProgramError::Wrapped { command: command.clone(), error };
        status.map(drop).map_err(wrapped)
    }
}
