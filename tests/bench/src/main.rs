//! Side-by-side benchmark of whole DHCP servers of either protocol: ours, Debian's Kea, ISC dhcpd.
//!
//! Every row is a server under conditions ([`spec`]). Rows are measured in turn, repetition by repetition, so that
//! what else happens on the machine meets all of them; only rows of one run may be compared. Needs root (namespaces),
//! `ip`, `taskset`, and the servers. See `doc/performance.md`.

mod config;
mod databases;
mod generators;
mod load;
mod loads;
mod net;
mod null;
mod owners;
mod policy;
mod report;
mod server;
mod spec;
mod suites;
mod sys;
mod syscalls;
mod trial;
mod wire;

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command as Process, ExitCode};
use std::time::{Duration, Instant};

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::databases::Databases;
use crate::net::Net;
use crate::report::Row;
use crate::server::Setup;
use crate::spec::{Family, Kind, Spec};
use crate::suites::Table;

/// Options that set a condition of all rows; a row's own text has precedence.
const CONDITIONS: [(&str, &str); 24] = [
    ("both", "1: clients of DHCPv6 ask for an address and a prefix"),
    ("classes", "client classes, of which every client is in one"),
    ("database", "mysql or pgsql: where leases and hosts are (default: files)"),
    ("durability", "disk (default), kernel or none"),
    ("fill", "percent of a pool of 1,048,576 addresses or prefixes that is taken at the start"),
    ("half", "1: latencies at half of the rate that was reached are measured as well"),
    ("host-cache", "ours: seconds for which hosts of a database are remembered"),
    ("hosts", "host reservations: every eighth client has one"),
    ("leases", "leases in the lease file at the start"),
    ("link", "relay (default) or direct"),
    ("pd", "1: clients of DHCPv6 ask for a prefix instead of an address"),
    ("queue", "packets that wait for worker threads, where there are several (256)"),
    ("rate", "exchanges per second instead of a closed loop"),
    ("relays", "number of relays (default: one in every subnet)"),
    ("release", "1: every lease is released again"),
    ("renew", "1: renewals are measured as well"),
    (
        "rows",
        "leases in the database at the start; in suites: in that of the filled table (1000000)",
    ),
    ("schema", "tables of a database: debian (default) or ours"),
    ("socket", "udp or raw (default: raw for direct clients)"),
    ("stored", "1: every renewal is stored, however young the lease is"),
    ("subnets", "number of subnets"),
    ("threads", "worker threads of the server"),
    (
        "triggers",
        "1: Debian's tables of PostgreSQL have the functions of `kea-admin stats-triggers`",
    ),
    ("window", "exchanges in progress (64, in suites of databases 128)"),
];

/// Leases in the filled tables of suites.
const FILLED: &str = "1000000";

fn main() -> ExitCode {
    match run(&command().get_matches()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Command {
    let option = |name: &'static str, help: &'static str| Arg::new(name).long(name).help(help);
    let mut command = Command::new("bench")
        .about("Compares whole DHCP servers side by side")
        .args_conflicts_with_subcommands(true)
        .arg(
            option("server", "a row: ours, kea, dhcpd or null (ours6, kea6, ... for DHCPv6), with :KEY=VALUE,... (repeatable)")
                .short('s')
                .action(ArgAction::Append)
                .global(true),
        )
        .arg(option(
            "suite",
            "prepared rows instead: main, flat, policy, all, databases, main6, flat6, policy6, all6, databases6; -s names the servers of flat and flat6",
        ))
        .arg(option("reps", "repetitions of every row").default_value("3").global(true))
        .arg(option("seconds", "length of a measured run").default_value("2.5").global(true))
        .arg(option("json", "appends every repetition as a line of JSON to this file"))
        .arg(option("ours", "our server (default: kea-dhcp4 beside this program)").global(true))
        .arg(option("ours6", "the same of DHCPv6 (default: kea-dhcp6 there)").global(true))
        .arg(option("kea", "Kea").default_value("/usr/sbin/kea-dhcp4").global(true))
        .arg(option("kea6", "Kea of DHCPv6").default_value("/usr/sbin/kea-dhcp6").global(true))
        .arg(option("dhcpd", "ISC dhcpd").default_value("/usr/sbin/dhcpd").global(true))
        .arg(option("folder", "for lease files, on a real disk (default: temporary)").global(true))
        .arg(option("server-cpu", "CPUs of the server").default_value("0").global(true))
        .arg(option("generator-cpu", "CPU of the generator").default_value("1").global(true))
        .arg(option("nice", "nice value of the run").default_value("-15").global(true))
        .subcommand(
            Command::new("syscalls").about("Counts system calls per 1000 exchanges (strace)"),
        )
        .subcommand(Command::new("generators").about(
            "Compares load generators: our perfdhcp (beside our server) and Kea's (--reps, --seconds)",
        ))
        .subcommand(Command::new("perfdhcp").about(
            "Loads each server (-s) with our perfdhcp, a process of its own: saturated, or at the row's rate",
        ))
        .subcommand(
            Command::new("null-server")
                .about("The echo server of rows `null` and `null6`")
                .arg(Arg::new("4").short('4').action(ArgAction::SetTrue))
                .arg(Arg::new("6").short('6').action(ArgAction::SetTrue))
                .hide(true),
        );
    for (name, help) in CONDITIONS {
        command = command.arg(option(name, help).global(true));
    }
    command
}

/// Runs what the command line asks for; false when a row failed.
fn run(arguments: &ArgMatches) -> Result<bool, String> {
    let of_row = arguments.subcommand().map_or(arguments, |(_, own)| own);
    if arguments.subcommand_name() == Some("null-server") {
        let family = if of_row.get_flag("6") { Family::V6 } else { Family::V4 };
        return null::serve(family).map(|()| true).map_err(|error| error.to_string());
    }
    let defaults = defaults(of_row)?;
    let setup = setup(of_row)?;
    raise_priority(text(of_row, "nice"));
    let net = Net::create()?;
    if arguments.subcommand_name() == Some("syscalls") {
        println!("| row | exchanges | system calls per 1000 |\n|---|---|---|");
        for row in rows(of_row) {
            println!("{}", syscalls::count(&Spec::parse(&row, &defaults)?, &setup, &net)?);
        }
        return Ok(true);
    }
    let reps: u32 = text(of_row, "reps").parse().map_err(|_| "--reps is a number")?;
    let seconds: f64 = text(of_row, "seconds").parse().map_err(|_| "--seconds is a number")?;
    let time = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    if arguments.subcommand_name() == Some("generators") {
        print_machine(&setup);
        return generators::compare(&setup, &net, time, reps).map(|()| true);
    }
    if arguments.subcommand_name() == Some("perfdhcp") {
        print_machine(&setup);
        println!("\n{}", loads::HEAD);
        for row in rows(of_row) {
            let spec = Spec::parse(&row, &defaults)?;
            for _ in 0..reps {
                println!("{}", loads::row(&spec, &setup, &net, time)?);
            }
        }
        return Ok(true);
    }
    let tables = match arguments.get_one::<String>("suite") {
        Some(suite) => {
            let filled = text(arguments, "rows");
            let filled = if filled.is_empty() { FILLED } else { filled };
            let filled = filled.parse().map_err(|_| "--rows is a number")?;
            suites::tables(suite, &given_rows(arguments), filled)?
        }
        None => {
            let title = "Rows".to_owned();
            vec![Table { title, rows: rows(arguments), flat: false, databases: false }]
        }
    };
    let mut json = match arguments.get_one::<String>("json") {
        Some(path) => {
            let file = File::options().create(true).append(true).open(path);
            Some(file.map_err(|error| format!("{path}: {error}"))?)
        }
        None => None,
    };
    print_machine(&setup);
    let mut fine = true;
    for table in &tables {
        let mut results = table
            .rows
            .iter()
            .map(|row| Spec::parse(row, &defaults))
            .map(|spec| Ok(Row { spec: spec?, trials: Vec::new(), problems: Vec::new() }))
            .collect::<Result<Vec<Row>, String>>()?;
        for repetition in 0..reps {
            for row in &mut results {
                measure(row, repetition, time, &setup, &net, json.as_mut());
            }
        }
        report::print(table, &results);
        fine &= results.iter().all(|row| row.problems.is_empty());
    }
    Ok(fine)
}

/// One repetition of one row, with a line of progress.
fn measure(
    row: &mut Row,
    repetition: u32,
    time: Duration,
    setup: &Setup,
    net: &Net,
    json: Option<&mut File>,
) {
    match trial::run(&row.spec, repetition, time, setup, net) {
        Ok(trial) => {
            let run = &trial.main;
            eprintln!(
                "{} #{repetition}: {:.0}/s, {:.1} us, generator {:.1} us, lost {}, waited {:.0} %",
                row.spec,
                run.rate,
                run.cpu_us,
                run.generator_us,
                run.lost,
                run.waited * 100.0
            );
            for run in trial.runs() {
                if run.wrong > 0 {
                    let examples = run.complaints.join("; ");
                    row.problems.push(format!("{} WRONG REPLIES: {examples}", run.wrong));
                }
            }
            let line = serde_json::to_string(&trial).unwrap_or_default();
            if json.is_some_and(|file| writeln!(file, "{line}").is_err()) {
                row.problems.push("the line of JSON could not be written".to_owned());
            }
            row.trials.push(trial);
        }
        Err(problem) => {
            eprintln!("{problem}");
            row.problems.push(problem);
        }
    }
}

/// The rows that the command line names.
fn given_rows(arguments: &ArgMatches) -> Vec<String> {
    arguments.get_many("server").map_or(Vec::new(), |rows| rows.cloned().collect())
}

/// The same, or the usual ones.
fn rows(arguments: &ArgMatches) -> Vec<String> {
    let given = given_rows(arguments);
    if given.is_empty() { vec!["kea".to_owned(), "ours".to_owned()] } else { given }
}

fn text<'a>(arguments: &'a ArgMatches, name: &str) -> &'a str {
    arguments.get_one::<String>(name).map_or("", String::as_str)
}

fn defaults(arguments: &ArgMatches) -> Result<Spec, String> {
    let mut spec = Spec::plain();
    let suite = arguments.try_get_one::<String>("suite").ok().flatten();
    if suite.is_some_and(|suite| suite.starts_with("databases")) {
        spec.window = 128;
        spec.renew = true;
        spec.stored = true;
        spec.half = true;
    }
    for (name, _) in CONDITIONS {
        if name == "rows" && suite.is_some() {
            continue;
        }
        if let Some(value) = arguments.get_one::<String>(name) {
            spec.set(name, value)?;
        }
    }
    Ok(spec)
}

fn setup(arguments: &ArgMatches) -> Result<Setup, String> {
    let beside = |name: &'static str| {
        move || {
            let own = std::env::current_exe().map_err(|error| error.to_string())?;
            Ok::<_, String>(own.with_file_name(name))
        }
    };
    let given = |name| arguments.get_one::<String>(name).map(PathBuf::from);
    let absolute = |path: PathBuf| std::path::absolute(path).map_err(|error| error.to_string());
    Ok(Setup {
        ours: [
            absolute(given("ours").map_or_else(beside("kea-dhcp4"), Ok)?)?,
            absolute(given("ours6").map_or_else(beside("kea-dhcp6"), Ok)?)?,
        ],
        kea: [text(arguments, "kea").into(), text(arguments, "kea6").into()],
        dhcpd: text(arguments, "dhcpd").into(),
        folder: absolute(given("folder").unwrap_or_else(std::env::temp_dir))?,
        server_cpus: text(arguments, "server-cpu").to_owned(),
        generator_cpu: text(arguments, "generator-cpu")
            .parse()
            .map_err(|_| "--generator-cpu is the number of a CPU")?,
        databases: Databases::default(),
    })
}

/// Raises the priority against other work of the machine; with autogroups the nice value of the session counts.
fn raise_priority(nice: &str) {
    sys::own_session();
    let _ = fs::write("/proc/self/autogroup", nice);
    if let Ok(value) = nice.parse() {
        sys::set_nice(value);
    }
}

/// Prints what figures depend on: machine, load, disk, versions.
fn print_machine(setup: &Setup) {
    let output = |program: &str, words: &[&str]| {
        let output = Process::new(program).args(words).output();
        output.map_or(String::new(), |output| {
            let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
            String::from_utf8_lossy(&text).lines().next().unwrap_or_default().trim().to_owned()
        })
    };
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    println!(
        "- machine: {} CPUs,{}; Linux {}; load {}",
        std::thread::available_parallelism().map_or(0, usize::from),
        model.trim_start_matches([' ', '\t', ':']).trim_start(),
        output("uname", &["-r"]),
        fs::read_to_string("/proc/loadavg").unwrap_or_default().trim()
    );
    let folder = setup.folder.to_string_lossy();
    println!(
        "- lease files: {}, fdatasync of 100 bytes {} us",
        output("stat", &["-f", "-c", "%T", &folder]),
        sync_cost_us(setup).map_or_else(|| "unknown".to_owned(), |cost| format!("{cost:.0}"))
    );
    for (kind, option) in [(Kind::Ours, "-v"), (Kind::Kea, "-v"), (Kind::Dhcpd, "--version")] {
        for family in [Family::V4, Family::V6] {
            if let Ok(program) = setup.program(kind, family) {
                println!(
                    "- {kind:?} {family:?}: {}",
                    output(&program.to_string_lossy(), &[option])
                );
            }
        }
    }
}

/// Median cost of making 100 bytes durable.
fn sync_cost_us(setup: &Setup) -> Option<f64> {
    let path = setup.folder.join(format!("bench-sync-{}", std::process::id()));
    let mut file = File::create(&path).ok()?;
    let mut costs = Vec::new();
    for _ in 0..50 {
        file.write_all(&[b'x'; 100]).ok()?;
        let begin = Instant::now();
        file.sync_data().ok()?;
        costs.push(begin.elapsed().as_nanos() as f64 / 1000.0);
    }
    let _ = fs::remove_file(path);
    costs.sort_by(f64::total_cmp);
    costs.get(costs.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::{command, defaults};

    #[test]
    fn command_line_is_consistent() {
        command().debug_assert();
        let arguments = command().get_matches_from(["bench", "--window", "16", "--link", "direct"]);
        let spec = defaults(&arguments).expect("conditions");
        assert_eq!((spec.window, spec.direct), (16, true));
        let arguments =
            command().get_matches_from(["bench", "syscalls", "--window", "8", "-s", "kea"]);
        let (_, of_row) = arguments.subcommand().expect("a subcommand");
        assert_eq!(defaults(of_row).expect("conditions").window, 8);
    }
}
