//! The command line, which is that of Kea's `kea-admin`, and a little more.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches};
use libdhcpsrv::config::{Secret, SqlAccess, SqlKind};

use crate::extra::Tls;
use crate::failure::Failure;
use crate::output::Output;
use crate::steps::Version;
use crate::terminal::{self, Voice};

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// `db-init`, `lease-init`.
    DbInit,
    /// `db-upgrade`, `lease-upgrade`.
    DbUpgrade,
    /// `db-version`, `lease-version`.
    DbVersion,
    /// `lease-copy`.
    LeaseCopy,
    /// `lease-dump`.
    LeaseDump,
    /// `lease-upload`.
    LeaseUpload,
    /// `stats-recount`.
    StatsRecount,
    /// `stats-triggers`.
    StatsTriggers,
}

const COMMANDS: [(&str, Command); 11] = [
    ("db-init", Command::DbInit),
    ("lease-init", Command::DbInit),
    ("db-version", Command::DbVersion),
    ("lease-version", Command::DbVersion),
    ("db-upgrade", Command::DbUpgrade),
    ("lease-upgrade", Command::DbUpgrade),
    ("lease-copy", Command::LeaseCopy),
    ("lease-dump", Command::LeaseDump),
    ("lease-upload", Command::LeaseUpload),
    ("stats-recount", Command::StatsRecount),
    ("stats-triggers", Command::StatsTriggers),
];

/// Where leases are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// Lease files.
    Memfile,
    /// MySQL or MariaDB.
    Mysql,
    /// PostgreSQL.
    Pgsql,
}

impl Backend {
    /// The kind of database; none for files.
    pub(crate) fn sql_kind(self) -> Option<SqlKind> {
        match self {
            Self::Memfile => None,
            Self::Mysql => Some(SqlKind::Mysql),
            Self::Pgsql => Some(SqlKind::Postgresql),
        }
    }
}

/// Which leases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// `-4`.
    V4,
    /// `-6`.
    V6,
}

/// What happens to addresses that exist where leases are moved to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Nothing at all is written if there is one.
    #[default]
    Refuse,
    /// They stay as they are.
    Skip,
    /// The lease whose client was heard of later stays.
    Newer,
    /// They are replaced.
    Replace,
}

/// Whose options: those of the one database, or of the database that leases are copied from to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// `-h`, `-P`, `-u`, `-p`, `-n`.
    Main,
    /// `--from-host` and so on.
    From,
}

/// A password as the command line has it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Password {
    /// There is no such option.
    Absent,
    /// An option without a value: somebody is asked for it.
    Ask,
    Given(Secret),
}

/// How a database is reached, as far as the command line tells.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Login {
    host: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    password: Password,
    name: Option<String>,
}

/// What the command line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// What to do.
    pub(crate) command: Command,
    /// How the command line calls it.
    pub(crate) command_name: String,
    /// The back-end; of `lease-copy` the one that leases come from.
    pub(crate) backend: Backend,
    /// The back-end that `lease-copy` copies to.
    pub(crate) to: Option<Backend>,
    main: Login,
    from: Login,
    /// `-d`.
    pub(crate) directory: Option<PathBuf>,
    /// `-4` or `-6`.
    pub(crate) family: Option<Family>,
    /// `-i`.
    pub(crate) input: Option<PathBuf>,
    /// `-o`.
    pub(crate) output: Option<PathBuf>,
    /// `-x`, divided at blanks.
    pub(crate) extra: Vec<String>,
    tls: Tls,
    /// The password that somebody was asked for.
    asked: OnceCell<Secret>,
    /// `-y`.
    pub(crate) yes: bool,
    /// `--dry-run`.
    pub(crate) dry_run: bool,
    /// `--existing`.
    pub(crate) existing: Existing,
    /// `--schema`.
    pub(crate) schema: Option<Version>,
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Do this.
    Run(Box<Options>),
    /// Print this and end well.
    Print(String),
    /// It cannot be understood.
    Refuse {
        /// Why.
        reason: String,
        /// How it should look.
        usage: String,
    },
}

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Kea's defaults, which hardly fit anybody.
const DEFAULT: &str = "keatest";
/// Commands may take long; a server that is silent for a day is given up.
const TIMEOUT_S: u32 = 86_400;

/// Reads the command line, the name of the program included.
pub(crate) fn read(arguments: impl IntoIterator<Item = OsString>) -> Request {
    let mut grammar = grammar();
    let usage = grammar.render_help().to_string();
    let refuse = |reason: String| Request::Refuse { reason, usage: usage.clone() };
    let arguments = with_passwords(&grammar, arguments);
    let matches = match grammar.try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return refuse(reason(&error)),
    };
    if matches.get_flag("help") {
        return Request::Print(usage);
    }
    if matches.get_flag("version") {
        return Request::Print(VERSION.to_owned());
    }
    match options(&matches) {
        Ok(options) => Request::Run(Box::new(options)),
        Err(reason) => refuse(reason),
    }
}

/// Makes the word behind an option for a password a part of it where it begins with `-` and is no option: a password may
/// be anything, and an error would show it.
fn with_passwords(
    grammar: &clap::Command,
    arguments: impl IntoIterator<Item = OsString>,
) -> Vec<OsString> {
    let is_option = |word: &str| {
        let name = word.split_once('=').map_or(word, |(name, _)| name);
        grammar.get_arguments().any(|argument| {
            argument.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long))
                || argument.get_short().is_some_and(|short| word == format!("-{short}"))
        })
    };
    let mut joined: Vec<OsString> = Vec::new();
    for word in arguments {
        let option = match joined.last().and_then(|last| last.to_str()) {
            Some("-p" | "--password") => Some("--password="),
            Some("--from-password") => Some("--from-password="),
            _ => None,
        };
        let is_password =
            word.to_str().is_some_and(|word| word.starts_with('-') && !is_option(word));
        match (option, joined.last_mut()) {
            (Some(option), Some(last)) if is_password => {
                *last = OsString::from(option);
                last.push(word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

fn grammar() -> clap::Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let value = |name: &'static str, what: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(what).help(help)
    };
    let password = |name: &'static str, help: &'static str| {
        value(name, "PASSWORD", help).num_args(0..=1).default_missing_value("")
    };
    let file = |name: &'static str, help: &'static str| {
        value(name, "FILE", help).value_parser(clap::value_parser!(PathBuf))
    };
    clap::Command::new("kea-admin")
        .about(
            "Makes, upgrades and looks at the databases of the DHCP servers, and moves leases between them.\n\n\
             COMMAND: db-init, db-version, db-upgrade, lease-dump, lease-upload, lease-copy, stats-recount,\n\
             stats-triggers\n\
             (and the old names lease-init, lease-version, lease-upgrade)\n\
             BACKEND: memfile, mysql or pgsql; lease-copy has two: kea-admin lease-copy FROM TO ...",
        )
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(Arg::new("command").value_name("COMMAND"))
        .arg(Arg::new("backend").value_name("BACKEND"))
        .arg(Arg::new("to").value_name("TO").hide(true))
        .arg(value("host", "HOST", "Where the database is [localhost]").short('h'))
        .arg(value("port", "PORT", "Port of the database").short('P'))
        .arg(value("user", "NAME", "User of the database [keatest]").short('u'))
        .arg(password("password", "Password; asked for when it is left out").short('p'))
        .arg(value("name", "NAME", "Name of the database; memfile: the lease file").short('n'))
        .arg(file("directory", "Folder with scripts to run instead of the built-in ones").short('d'))
        .arg(flag("v4", "DHCPv4 leases").short('4').long("dhcp4"))
        .arg(flag("v6", "DHCPv6 leases").short('6').long("dhcp6"))
        .arg(file("input", "File that leases are read from").short('i'))
        .arg(file("output", "File that leases are written to").short('o'))
        .arg(
            value("extra", "ARGUMENTS", "Arguments for the client of the database")
                .short('x')
                .action(ArgAction::Append)
                .allow_hyphen_values(true),
        )
        .arg(flag("yes", "Overwrite files without asking").short('y'))
        .arg(flag("dry-run", "Print the SQL and do nothing"))
        .arg(
            value("existing", "WHAT", "Addresses that exist already: refuse, skip, newer, replace")
                .value_parser(["refuse", "skip", "newer", "replace"]),
        )
        .arg(value("schema", "VERSION", "Version of the tables to make, instead of the newest"))
        .arg(value("from-host", "HOST", "lease-copy between databases: the one to copy from"))
        .arg(value("from-port", "PORT", "The same"))
        .arg(value("from-user", "NAME", "The same"))
        .arg(password("from-password", "The same"))
        .arg(value("from-name", "NAME", "The same"))
        .arg(flag("version", "Print the version and end").short('v'))
        .arg(flag("help", "Print this and end"))
}

/// Kea's words where there are some.
fn reason(error: &clap::Error) -> String {
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => Some(argument.as_str()),
        _ => None,
    };
    match (error.kind(), argument) {
        (ErrorKind::UnknownArgument, Some(argument)) => format!("invalid option: {argument}"),
        // clap shows the value that it has refused; none of these may hold a password.
        _ => error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .into(),
    }
}

fn options(matches: &ArgMatches) -> Result<Options, String> {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let path = |name: &str| matches.get_one::<PathBuf>(name).cloned();
    let command_name = text("command").ok_or("missing command")?;
    let known = COMMANDS.iter().find(|(name, _)| *name == command_name);
    let &(_, command) = known.ok_or_else(|| format!("invalid command: {command_name}"))?;
    let backend = backend(&text("backend").ok_or("missing backend")?)?;
    let to = text("to").map(|name| self::backend(&name)).transpose()?;
    match (command, to) {
        (Command::LeaseCopy, None) => return Err("missing backend to copy to".to_owned()),
        (Command::LeaseCopy, _) | (_, None) => {}
        _ => return Err(format!("invalid option: {}", text("to").unwrap_or_default())),
    }
    let family = match (matches.get_flag("v4"), matches.get_flag("v6")) {
        (true, true) => return Err("you may not specify both -4 and -6".to_owned()),
        (true, _) => Some(Family::V4),
        (_, true) => Some(Family::V6),
        _ => None,
    };
    let extra = matches.get_many::<String>("extra").unwrap_or_default();
    let extra: Vec<String> =
        extra.flat_map(|text| text.split_whitespace()).map(str::to_owned).collect();
    Ok(Options {
        command,
        command_name,
        backend,
        to,
        main: login(matches, ["host", "port", "user", "password", "name"])?,
        from: login(
            matches,
            ["from-host", "from-port", "from-user", "from-password", "from-name"],
        )?,
        directory: path("directory"),
        family,
        input: path("input"),
        output: path("output"),
        tls: Tls::read(&extra, matches.contains_id("directory"))?,
        extra,
        asked: OnceCell::new(),
        yes: matches.get_flag("yes"),
        dry_run: matches.get_flag("dry-run"),
        existing: match text("existing").as_deref() {
            Some("skip") => Existing::Skip,
            Some("newer") => Existing::Newer,
            Some("replace") => Existing::Replace,
            _ => Existing::Refuse,
        },
        schema: text("schema")
            .map(|text| Version::read(&text).ok_or(format!("{text} is no version")))
            .transpose()?,
    })
}

fn backend(name: &str) -> Result<Backend, String> {
    match name {
        "memfile" => Ok(Backend::Memfile),
        "mysql" => Ok(Backend::Mysql),
        "pgsql" => Ok(Backend::Pgsql),
        "cql" => {
            Err("the cql backend (Cassandra) is not supported, as in Kea since 2.1.5".to_owned())
        }
        other => Err(format!("invalid backend: {other}")),
    }
}

fn login(matches: &ArgMatches, names: [&str; 5]) -> Result<Login, String> {
    let [host, port, user, password, name] = names;
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    let port_text = text(port);
    let port_number = port_text.as_deref().map(str::parse).transpose();
    Ok(Login {
        host: text(host),
        port: port_number.map_err(|_| format!("--{port} is a number up to 65535"))?,
        user: text(user),
        password: match text(password) {
            None => Password::Absent,
            Some(empty) if empty.is_empty() && is_without_value(matches, password) => Password::Ask,
            Some(given) => Password::Given(Secret::new(given)),
        },
        name: text(name),
    })
}

/// Whether an option stands alone, rather than with an empty value.
fn is_without_value(matches: &ArgMatches, name: &str) -> bool {
    matches.get_raw(name).is_none_or(|mut raw| raw.all(|value| value.is_empty()))
}

impl Options {
    /// How a database is reached. Somebody may be asked for the password.
    pub(crate) fn access(&self, side: Side) -> Result<SqlAccess, Failure> {
        let backend = match (side, self.to) {
            (Side::Main, Some(to)) if to != Backend::Memfile => to,
            _ => self.backend,
        };
        let kind = backend
            .sql_kind()
            .ok_or_else(|| Failure::Usage("the memfile backend has no database".to_owned()))?;
        let login = match side {
            Side::From if self.copies_between_databases() => &self.from,
            _ => &self.main,
        };
        let or = |own: &Option<String>, main: &Option<String>, default: &str| {
            own.clone().or(main.clone()).unwrap_or_else(|| default.to_owned())
        };
        let mut access = SqlAccess::new(kind, or(&login.name, &self.main.name, DEFAULT));
        access.host = or(&login.host, &self.main.host, "localhost");
        access.user = or(&login.user, &self.main.user, DEFAULT);
        access.port = login.port.unwrap_or(0);
        access.password = self.password(side, &access);
        // A replica does for whoever only reads.
        let only_reads = matches!(self.command, Command::DbVersion | Command::LeaseDump);
        access.read_only = only_reads || self.dry_run || side == Side::From;
        access.connect_timeout_s = 30;
        access.read_timeout_s = TIMEOUT_S;
        access.write_timeout_s = TIMEOUT_S;
        self.tls.apply(&mut access).map_err(Failure::Usage)?;
        Ok(access)
    }

    /// The password of a database: what its own options and variable say, or else those of the other one.
    fn password(&self, side: Side, access: &SqlAccess) -> Secret {
        let both = self.copies_between_databases();
        if side == Side::From && both {
            match &self.from.password {
                Password::Given(secret) => return secret.clone(),
                Password::Ask => {
                    return terminal::ask_password(
                        &format!("Password of the {access}"),
                        self.voice(),
                    );
                }
                Password::Absent => {}
            }
            if let Some(secret) = self.password_variable("KEA_ADMIN_FROM_PASSWORD") {
                return secret;
            }
        }
        match &self.main.password {
            Password::Given(secret) => secret.clone(),
            Password::Ask => {
                let is_alone = !both;
                let is_for_both = both
                    && self.from.password == Password::Absent
                    && std::env::var("KEA_ADMIN_FROM_PASSWORD").is_err();
                let question = match (is_alone, is_for_both) {
                    (true, _) => "Password".to_owned(),
                    (_, true) => "Password of both databases".to_owned(),
                    _ => format!("Password of the {access}"),
                };
                self.asked.get_or_init(|| terminal::ask_password(&question, self.voice())).clone()
            }
            Password::Absent => self
                .password_variable("KEA_ADMIN_DB_PASSWORD")
                .unwrap_or_else(|| Secret::new(DEFAULT)),
        }
    }

    fn password_variable(&self, variable: &str) -> Option<Secret> {
        let value = std::env::var(variable).ok()?;
        if !self.dry_run {
            self.voice().say(&format!("Using the value of {variable} for authentication..."));
        }
        Some(Secret::new(value))
    }

    fn copies_between_databases(&self) -> bool {
        let is_database = |backend: Backend| backend != Backend::Memfile;
        is_database(self.backend) && self.to.is_some_and(is_database)
    }

    /// Where messages go that are not among the leases of a dump.
    pub(crate) fn voice(&self) -> Voice {
        match (self.command, &self.output) {
            (Command::LeaseDump, Some(output))
                if !self.dry_run && !Output::is_file_of_its_own(output) =>
            {
                Voice::Error
            }
            _ => Voice::Output,
        }
    }

    /// The name of the database, or of the lease file.
    pub(crate) fn name(&self) -> Option<&str> {
        self.main.name.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(line: &str) -> Request {
        read(line.split_whitespace().map(OsString::from))
    }

    fn run(line: &str) -> Options {
        match read_text(line) {
            Request::Run(options) => *options,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn refused(line: &str) -> String {
        match read_text(line) {
            Request::Refuse { reason, usage } => {
                assert!(usage.contains("Usage"), "{usage}");
                reason
            }
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn options_of_kea_are_understood() {
        let line = "kea-admin lease-dump mysql -u kea -p secret -n leases -h db -P 3307 -4 -o out.csv -y \
                    -x --ssl-ca=/etc/ca.pem -d /scripts";
        let options = run(line);
        assert_eq!((options.command, options.backend), (Command::LeaseDump, Backend::Mysql));
        assert_eq!(options.family, Some(Family::V4));
        assert!(options.yes && options.output == Some(PathBuf::from("out.csv")));
        assert_eq!(options.directory, Some(PathBuf::from("/scripts")));
        let access = options.access(Side::Main).unwrap();
        assert_eq!((access.host.as_str(), access.port), ("db", 3307));
        assert_eq!((access.user.as_str(), access.name.as_str()), ("kea", "leases"));
        assert_eq!(access.password.reveal(), "secret");
        assert_eq!(access.trust_anchor, "/etc/ca.pem");
        assert!(!format!("{options:?}").contains("secret"));
        for password in ["-secret", "--secret", "-4secret", "-", "-xa=b"] {
            let options = run(&format!("kea-admin db-init mysql -p {password} -n leases"));
            assert_eq!(options.access(Side::Main).unwrap().password.reveal(), password);
            assert_eq!(options.name(), Some("leases"));
        }
        let options = run("kea-admin lease-copy mysql pgsql --password -a --from-password -b -4");
        assert_eq!(options.access(Side::Main).unwrap().password.reveal(), "-a");
        assert_eq!(options.access(Side::From).unwrap().password.reveal(), "-b");
        assert_eq!(run("kea-admin db-init mysql -p -n leases").main.password, Password::Ask);
        assert_eq!(run("kea-admin db-init mysql -p --name=x").main.password, Password::Ask);
        let long = "kea-admin lease-upload pgsql --user kea --password secret --name n --host h --port 1 -6 \
                    --input in --yes";
        let options = run(long);
        assert_eq!(options.family, Some(Family::V6));
        assert_eq!(options.access(Side::Main).unwrap().port, 1);
    }

    #[test]
    fn old_names_of_commands_are_understood() {
        for (line, command) in [
            ("kea-admin lease-init mysql", Command::DbInit),
            ("kea-admin lease-version pgsql", Command::DbVersion),
            ("kea-admin lease-upgrade pgsql", Command::DbUpgrade),
        ] {
            assert_eq!(run(line).command, command);
        }
        let access = run("kea-admin db-version mysql").access(Side::Main).unwrap();
        assert_eq!((access.user.as_str(), access.name.as_str()), ("keatest", "keatest"));
        assert_eq!(access.host, "localhost");
    }

    #[test]
    fn nonsense_is_refused_in_keas_words() {
        assert_eq!(refused("kea-admin"), "missing command");
        assert_eq!(refused("kea-admin db-init"), "missing backend");
        assert_eq!(refused("kea-admin make mysql"), "invalid command: make");
        assert_eq!(refused("kea-admin db-init oracle"), "invalid backend: oracle");
        assert_eq!(refused("kea-admin db-init mysql --foo"), "invalid option: --foo");
        assert_eq!(
            refused("kea-admin lease-dump mysql -4 -6"),
            "you may not specify both -4 and -6"
        );
        assert!(refused("kea-admin db-init cql").contains("not supported"));
        assert!(refused("kea-admin db-init mysql pgsql").contains("pgsql"));
        assert!(refused("kea-admin lease-copy mysql").contains("to copy to"));
        assert!(refused("kea-admin db-init mysql -P 70000").contains("65535"));
        assert!(refused("kea-admin db-init mysql -x --verbose").contains("--verbose"));
        assert!(refused("kea-admin db-init mysql --schema new").contains("no version"));
        assert!(matches!(read_text("kea-admin -v"), Request::Print(_)));
        assert!(matches!(read_text("kea-admin --help"), Request::Print(_)));
    }

    #[test]
    fn a_copy_has_two_ends() {
        let options =
            run("kea-admin lease-copy mysql pgsql -4 -n new -u kea -p a --from-name old \
                           --from-port 3307 --from-password b --existing newer");
        assert_eq!(options.existing, Existing::Newer);
        let (from, to) = (options.access(Side::From).unwrap(), options.access(Side::Main).unwrap());
        assert_eq!((from.kind, from.name.as_str(), from.port), (SqlKind::Mysql, "old", 3307));
        assert_eq!((to.kind, to.name.as_str(), to.port), (SqlKind::Postgresql, "new", 0));
        assert_eq!((from.user.as_str(), from.password.reveal()), ("kea", "b"));
        assert_eq!(to.password.reveal(), "a");
        // Where one end is a file, the plain options are those of the database.
        let options = run("kea-admin lease-copy pgsql memfile -6 -n old -p a -o leases6.csv");
        let from = options.access(Side::From).unwrap();
        assert_eq!((from.kind, from.name.as_str()), (SqlKind::Postgresql, "old"));
        assert_eq!(from.password.reveal(), "a");
        // The same password for both unless there is another.
        let options = run("kea-admin lease-copy mysql pgsql -4 -p a --from-name old");
        assert_eq!(options.access(Side::From).unwrap().password.reveal(), "a");
    }
}
