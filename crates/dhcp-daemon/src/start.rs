//! Starting, serving and stopping; checking a configuration.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use libdhcpsrv::loggers::DHCPSRV;
use netio::{Family, SocketKind};
use process::paths::Paths;
use process::pid_file::{PidFile, PidFileError};

use crate::Daemon;
use crate::command_line::{self, Options, Request, VERSION};
use crate::config_file::{self, Loaded, Rejected};
use crate::control::Control;
use crate::explain;
use crate::messages::*;
use crate::service::{self, Service};

/// Does what the command line of this process asks for; returns the exit code.
#[must_use]
pub fn run<D: Daemon>() -> ExitCode {
    match command_line::read(D::PROFILE, std::env::args_os()) {
        Request::Serve(options) => serve::<D>(&options),
        Request::Check { file, thorough } => check::<D>(&file, thorough),
        Request::Explain(options) => explain::run::<D>(&options),
        Request::Print(text) => {
            // A reader that has gone away does not make the answer wrong.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Request::Misused(text) => {
            let _ = std::io::stderr().write_all(text.as_bytes());
            ExitCode::FAILURE
        }
    }
}

/// Serves until a signal; returns the exit code of the process.
fn serve<D: Daemon>(options: &Options) -> ExitCode {
    let name = D::PROFILE.name;
    let log = match kea_log::init(kea_log::Init::from_environment(name, options.verbose)) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("{name}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = match run_service::<D>(options) {
        Ok(()) => {
            kea_log::log!(D::logger(), D::SHUTDOWN);
            ExitCode::SUCCESS
        }
        Err(()) => ExitCode::FAILURE,
    };
    drop(log);
    code
}

/// Everything between the start and the end of logging; errors have been logged.
fn run_service<D: Daemon>(options: &Options) -> Result<(), ()> {
    let name = D::PROFILE.name;
    let init_fail = |error: &dyn std::fmt::Display| {
        kea_log::log!(D::logger(), D::INIT_FAIL, error);
    };
    // Before the pid file tells others whom to signal.
    let mut control = Control::new().map_err(|error| init_fail(&error))?;
    let paths = Paths::of_this_process();
    let pid_file = paths.pid_file(&options.config_file, name);
    let _pid_file = PidFile::create(pid_file).map_err(|error| {
        eprintln!("{name} {error}");
        match error {
            PidFileError::AlreadyRunning { .. } => {
                kea_log::log!(D::logger(), D::ALREADY_RUNNING, error);
            }
            _ => kea_log::log!(D::logger(), D::INIT_FAIL, error),
        }
    })?;
    kea_log::log!(D::logger(), D::STARTING, VERSION, std::process::id());
    let file = &options.config_file;
    let loaded = config_file::load::<D>(file);
    let loaded = loaded.map_err(|rejected| config_failed::<D>(file, &rejected))?;
    let Loaded { config, warnings } = loaded;
    // What the start has to tell, good or bad, belongs where the operator looks for it.
    if let Some(logging) = D::settings(&config).logging {
        kea_log::apply(logging);
    }
    for warning in &warnings {
        kea_log::log!(D::logger(), D::CONFIG_WARNING, warning);
    }
    let table = control.interfaces();
    let port = options.port;
    let service =
        control.patiently(true, |wait| Service::<D>::start(config, paths, port, table, wait));
    if let (Err(_), Some(signal)) = (&service, control.ending()) {
        // Nothing has failed: whoever asked it to end did not want it to wait for the database any longer.
        kea_log::log!(D::logger(), D::SHUTDOWN_REQUEST, signal);
        return Ok(());
    }
    let mut service = service.map_err(|error| {
        kea_log::log!(D::logger(), D::CONFIG_LOAD_FAIL, file.display(), error);
        init_fail(&error);
        eprintln!("{name}: failed to initialize Kea server: {error}");
    })?;
    log_configuration::<D>(service.config());
    kea_log::log!(D::logger(), D::STARTED, VERSION);
    let served = control.run(&mut service, file);
    service.stop();
    served.map_err(|error| {
        kea_log::log!(D::logger(), D::SERVER_FAILED, error);
    })
}

/// Logs a rejected configuration at the start.
fn config_failed<D: Daemon>(file: &Path, rejected: &Rejected) {
    for line in &rejected.lines {
        kea_log::log!(D::logger(), D::PARSER_FAIL, line);
    }
    let first = &rejected.reason;
    kea_log::log!(D::logger(), D::CONFIG_LOAD_FAIL, file.display(), first);
    let reason = format!("configuration error using file '{}': {first}", file.display());
    kea_log::log!(D::logger(), D::INIT_FAIL, reason);
}

/// Logs what has been put in force.
pub(crate) fn log_configuration<D: Daemon>(config: &D::Config) {
    if D::PROFILE.family == Family::V4 {
        let socket_type = match D::settings(config).socket_kind {
            SocketKind::Raw => "raw",
            SocketKind::Udp => "udp",
        };
        kea_log::log!(DHCPSRV, DHCPSRV_CFGMGR_SOCKET_TYPE_SELECT, socket_type);
    }
    D::log_configuration(config);
}

/// Checks a configuration file and says what is wrong with it; returns the exit code.
fn check<D: Daemon>(file: &Path, thorough: bool) -> ExitCode {
    match config_file::load::<D>(file) {
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
            let (settings, port) = (D::settings(&config), D::PROFILE.port);
            if let Err(error) = service::plan_of::<D>(&settings, port) {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
            if thorough {
                for problem in service::problems::<D>(&settings, port, &Paths::of_this_process()) {
                    eprintln!("warning: {problem}");
                }
            }
            println!("Configuration check successful: {}", file.display());
            ExitCode::SUCCESS
        }
    }
}
