//! Starting, serving and stopping; checking a configuration.

use std::path::Path;
use std::process::ExitCode;

use kea_dhcp4::messages::{loggers::*, *};
use libdhcpsrv::config4::{Config4, SocketType};
use process::paths::Paths;
use process::pid_file::{PidFile, PidFileError};

use super::command_line::Options;
use super::config_file::{self, Loaded, Rejected};
use super::control::Control;
use super::service::{self, Service};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const DAEMON: &str = "kea-dhcp4";
/// Subnets that are logged one by one when a configuration is put in force.
const SUBNETS_LOGGED: usize = 100;

/// Serves until a signal; returns the exit code of the process.
pub(crate) fn serve(options: &Options) -> ExitCode {
    let log = match kea_log::init(kea_log::Init::from_environment(DAEMON, options.verbose)) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("{DAEMON}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = match run(options) {
        Ok(()) => {
            kea_log::log!(DHCP4, DHCP4_SHUTDOWN);
            ExitCode::SUCCESS
        }
        Err(()) => ExitCode::FAILURE,
    };
    drop(log);
    code
}

/// Everything between the start and the end of logging; errors have been logged.
fn run(options: &Options) -> Result<(), ()> {
    let init_fail = |error: &dyn std::fmt::Display| {
        kea_log::log!(DHCP4, DHCP4_INIT_FAIL, error);
    };
    // Before the pid file tells others whom to signal.
    let control = Control::new().map_err(|error| init_fail(&error))?;
    let paths = Paths::of_this_process();
    let pid_file = paths.pid_file(&options.config_file, DAEMON);
    let _pid_file = PidFile::create(pid_file).map_err(|error| {
        eprintln!("{DAEMON} {error}");
        match error {
            PidFileError::AlreadyRunning { .. } => {
                kea_log::log!(DHCP4, DHCP4_ALREADY_RUNNING, error);
            }
            _ => kea_log::log!(DHCP4, DHCP4_INIT_FAIL, error),
        }
    })?;
    kea_log::log!(DHCP4, DHCP4_STARTING, VERSION, std::process::id());
    let file = &options.config_file;
    let loaded = config_file::load(file).map_err(|rejected| config_failed(file, &rejected))?;
    let Loaded { config, warnings } = loaded;
    // What the start has to tell, good or bad, belongs where the operator looks for it.
    if let Some(logging) = &config.logging {
        kea_log::apply(logging);
    }
    for warning in &warnings {
        kea_log::log!(DHCP4, DHCP4_CONFIG_WARNING, warning);
    }
    let service = Service::start(config, paths, options.port, control.interfaces());
    let mut service = service.map_err(|error| {
        kea_log::log!(DHCP4, DHCP4_CONFIG_LOAD_FAIL, file.display(), error);
        init_fail(&error);
        eprintln!("{DAEMON}: failed to initialize Kea server: {error}");
    })?;
    log_configuration(service.config());
    kea_log::log!(DHCP4, DHCP4_STARTED, VERSION);
    let served = control.run(&mut service, file);
    service.stop();
    served.map_err(|error| {
        kea_log::log!(DHCP4, DHCP4_SERVER_FAILED, error);
    })
}

/// Logs a rejected configuration at the start.
fn config_failed(file: &Path, rejected: &Rejected) {
    for line in &rejected.lines {
        kea_log::log!(DHCP4, DHCP4_PARSER_FAIL, line);
    }
    let first = &rejected.reason;
    kea_log::log!(DHCP4, DHCP4_CONFIG_LOAD_FAIL, file.display(), first);
    let reason = format!("configuration error using file '{}': {first}", file.display());
    kea_log::log!(DHCP4, DHCP4_INIT_FAIL, reason);
}

/// Logs what has been put in force.
pub(super) fn log_configuration(config: &Config4) {
    let socket_type = match config.interfaces.socket_type {
        SocketType::Raw => "raw",
        SocketType::Udp => "udp",
    };
    kea_log::log!(DHCPSRV, DHCPSRV_CFGMGR_SOCKET_TYPE_SELECT, socket_type);
    for subnet in config.subnets.iter().take(SUBNETS_LOGGED) {
        let prefix = format!("{}/{}", subnet.prefix, subnet.prefix_len);
        let timer = |timer: Option<u32>| timer.map_or("unset".to_owned(), |s| s.to_string());
        let (t1, t2) = (timer(subnet.timers.renew_timer), timer(subnet.timers.rebind_timer));
        let valid = subnet.timers.valid_lifetime;
        kea_log::log!(DHCP4, DHCP4_CONFIG_NEW_SUBNET, prefix, subnet.id, t1, t2, valid);
    }
    let count = match config.subnets.len() {
        0 => "no IPv4 subnets!".to_owned(),
        count => format!("added IPv4 subnets: {count}"),
    };
    kea_log::log!(DHCP4, DHCP4_CONFIG_COMPLETE, count);
}

/// Checks a configuration file and says what is wrong with it; returns the exit code.
pub(crate) fn check(file: &Path, thorough: bool) -> ExitCode {
    match config_file::load(file) {
        Err(rejected) => {
            for line in &rejected.lines {
                eprintln!("{line}");
            }
            eprintln!("Syntax check failed: {} cannot be used", file.display());
            ExitCode::FAILURE
        }
        Ok(Loaded { config, warnings }) => {
            for warning in &warnings {
                eprintln!("{warning}");
            }
            let port = libdhcp::v4::SERVER_PORT;
            if let Err(error) = service::plan_of(&config, port) {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
            if thorough {
                for problem in service::problems(&config, port, &Paths::of_this_process()) {
                    eprintln!("warning: {problem}");
                }
            }
            println!("Configuration check successful: {}", file.display());
            ExitCode::SUCCESS
        }
    }
}
