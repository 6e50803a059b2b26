//! Making tables, their version, and upgrades.
//!
//! The scripts are built in; `-d` names a folder with others, laid out as Kea's: `mysql/dhcpdb_create.mysql` and
//! `mysql/upgrade_X_to_Y.sh`, or `.mysql` as ours.

use std::fs;
use std::path::{Path, PathBuf};

use libdhcpsrv::config::{SqlAccess, SqlKind};

use crate::command_line::Options;
use crate::failure::Failure;
use crate::shell;
use crate::sql::Session;
use crate::steps::{Scripts, Version};

/// Asks for the version.
const VERSION: &str = "SELECT version, minor FROM schema_version";

/// Name of the statements of a script in errors.
const SCRIPT: &str = "script";

/// `db-init`.
pub(crate) fn init(options: &Options, access: &SqlAccess) -> Result<(), Failure> {
    let scripts = Scripts::of(access.kind);
    let target = options.schema.unwrap_or_else(|| scripts.newest());
    let create = Create::find(options, scripts)?;
    if options.directory.is_none() && !can_be_made(scripts, target) {
        return Err(Failure::Usage(format!("there is no script that makes version {target}")));
    }
    if options.dry_run {
        println!("{}", create.text);
        for step in create.steps.iter().filter(|step| step.to <= target) {
            println!("{}", step.text);
        }
        return Ok(());
    }
    println!("Checking if there is a database initialized already...");
    let mut session = open(access)?;
    let is_mysql = access.kind == SqlKind::Mysql;
    let question = if is_mysql {
        "SHOW TABLES"
    } else {
        "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY 1"
    };
    let tables =
        session.rows("tables", question).map_err(Failure::database("table query failed"))?;
    if !tables.is_empty() {
        let name = |row: &Vec<Option<Vec<u8>>>| {
            String::from_utf8_lossy(
                row.first().and_then(|cell| cell.as_deref()).unwrap_or_default(),
            )
            .into_owned()
        };
        println!();
        return Err(Failure::NotEmpty {
            name: access.name.clone(),
            tables: tables.iter().map(name).collect::<Vec<_>>().join("\n"),
            code: if is_mysql { 1 } else { 2 },
        });
    }
    if is_mysql {
        println!("Verifying create permissions for {}", access.user);
        check_permissions(&mut session)?;
    }
    println!("Initializing database using script {}", create.name);
    session.script(SCRIPT, &create.text).map_err(Failure::database("initialization failed"))?;
    let steps = create.steps.iter().filter(|step| step.to <= target);
    for step in steps {
        // The folder of Kea has a script that makes the newest tables at once.
        if current(&mut session)? == step.from {
            session.script(SCRIPT, &step.text).map_err(Failure::database(step.name.clone()))?;
        }
    }
    if is_mysql {
        println!("mysql returned status code 0");
    }
    let made = current(&mut session)?;
    println!("Database version reported after initialization: {made}");
    if let Some(wanted) = options.schema.filter(|wanted| *wanted != made) {
        return Err(Failure::Other(format!(
            "the scripts lead to version {made} and not to {wanted}"
        )));
    }
    Ok(())
}

/// Whether tables of a version come up on the way from the created version to the newest.
fn can_be_made(scripts: &Scripts, version: Version) -> bool {
    version == scripts.created
        || scripts.steps.iter().any(|step| step.to == version && version > scripts.created)
}

/// `db-version`.
pub(crate) fn version(access: &SqlAccess) -> Result<(), Failure> {
    println!("{}", current(&mut open(access)?)?);
    Ok(())
}

/// `db-upgrade`.
pub(crate) fn upgrade(options: &Options, access: &SqlAccess) -> Result<(), Failure> {
    let scripts = Scripts::of(access.kind);
    let target = options.schema.unwrap_or_else(|| scripts.newest());
    let mut session = open(access)?;
    let before = current(&mut session)?;
    if !options.dry_run {
        println!("Database version reported before upgrade: {before}");
    }
    let steps = match &options.directory {
        None => built_in(scripts),
        Some(directory) => match Folder::read(directory, scripts)? {
            Folder::Shell(scripts) => {
                drop(session);
                shell::run(&scripts, options, access)?;
                if !options.dry_run {
                    let after = current(&mut open(access)?)?;
                    println!("Database version reported after upgrade: {after}");
                }
                return Ok(());
            }
            Folder::Sql(steps) => steps,
            Folder::None => {
                return Err(Failure::Other(format!(
                    "No scripts in {} or the directory is not readable or does not have any upgrade* scripts.",
                    directory.join(scripts.folder).display()
                )));
            }
        },
    };
    let is_foreign = before >= scripts.foreign_from && before < scripts.newest();
    if options.directory.is_none() && is_foreign {
        return Err(Failure::Other(format!(
            "version {before} has tables of Kea's configuration back-end, which these scripts do not know. The servers \
             can use its leases and hosts as they are; Kea's own scripts (-d) upgrade it"
        )));
    }
    if !options.dry_run && access.kind == SqlKind::Mysql {
        println!("Verifying upgrade permissions for {}", access.user);
        check_permissions(&mut session)?;
    }
    let mut version = before;
    for step in steps.iter().filter(|step| step.to <= target) {
        if step.from != version {
            continue;
        }
        if options.dry_run {
            println!("{}", step.text);
        } else {
            println!("Processing {} file...", step.name);
            session.script(SCRIPT, &step.text).map_err(Failure::database(step.name.clone()))?;
        }
        version = step.to;
    }
    if !options.dry_run {
        let after = current(&mut session)?;
        if options.directory.is_none() && after < scripts.newest() && options.schema.is_none() {
            return Err(Failure::Other(format!(
                "nothing leads from version {after} to a newer one"
            )));
        }
        println!("Database version reported after upgrade: {after}");
    }
    Ok(())
}

/// Connects.
fn open(access: &SqlAccess) -> Result<Session, Failure> {
    Session::open(access).map_err(Failure::database(access.to_string()))
}

/// The version of the tables.
pub(crate) fn current(session: &mut Session) -> Result<Version, Failure> {
    let rows = session
        .rows("schema_version", VERSION)
        .map_err(Failure::database("Failed to get schema version"))?;
    let number = |at: usize| {
        let cell = rows.first()?.get(at)?.as_deref()?;
        std::str::from_utf8(cell).ok()?.parse::<u32>().ok()
    };
    match (rows.len(), number(0), number(1)) {
        (1, Some(major), Some(minor)) => Ok(Version::new(major, minor)),
        _ => Err(Failure::Other(
            "Failed to get schema version: the table schema_version is to hold one row".to_owned(),
        )),
    }
}

/// MySQL with a binary log lets only some users make triggers, and what a script has done until it fails stays.
fn check_permissions(session: &mut Session) -> Result<(), Failure> {
    let version = session
        .text("version", "SELECT @@global.version")
        .map_err(Failure::database("get MySQL version failed"))?;
    println!("MySQL Version is: {}", version.unwrap_or_default());
    let clean_up = "DROP TABLE IF EXISTS kea_dummy_table";
    let tries = [
        clean_up,
        "CREATE TABLE kea_dummy_table (dummy INT UNSIGNED NOT NULL PRIMARY KEY)",
        "CREATE TRIGGER kea_dummy_trigger BEFORE INSERT ON kea_dummy_table FOR EACH ROW BEGIN END",
    ];
    let tried = tries.iter().try_for_each(|statement| session.run("try", statement));
    let cleaned = session.run("try", clean_up);
    tried.and(cleaned).map_err(Failure::database(
        "the user has insufficient privileges to make tables and triggers",
    ))
}

/// A step of wherever the scripts are.
struct Step {
    from: Version,
    to: Version,
    name: String,
    text: String,
}

fn built_in(scripts: &Scripts) -> Vec<Step> {
    let own = |step: &crate::steps::Step| Step {
        from: step.from,
        to: step.to,
        name: step.name.to_owned(),
        text: step.text.to_owned(),
    };
    scripts.steps.iter().map(own).collect()
}

/// The script that makes tables, and the steps behind it.
struct Create {
    name: String,
    text: String,
    steps: Vec<Step>,
}

impl Create {
    fn find(options: &Options, scripts: &Scripts) -> Result<Self, Failure> {
        let Some(directory) = &options.directory else {
            let steps = built_in(scripts);
            let steps = steps.into_iter().filter(|step| step.from >= scripts.created).collect();
            let text = scripts.create.to_owned();
            return Ok(Self { name: scripts.create_name.to_owned(), text, steps });
        };
        let path = directory.join(scripts.folder).join(scripts.create_name);
        let text = fs::read_to_string(&path).map_err(Failure::file(&path))?;
        // Kea's script makes the newest tables at once.
        let steps = match Folder::read(directory, scripts)? {
            Folder::Sql(steps) => steps,
            Folder::None | Folder::Shell(_) => Vec::new(),
        };
        Ok(Self { name: path.display().to_string(), text, steps })
    }
}

/// The upgrades in a folder.
enum Folder {
    /// There are none.
    None,
    /// Kea's: programs.
    Shell(Vec<PathBuf>),
    /// Ours: statements.
    Sql(Vec<Step>),
}

impl Folder {
    fn read(directory: &Path, scripts: &Scripts) -> Result<Self, Failure> {
        let folder = directory.join(scripts.folder);
        let Ok(entries) = fs::read_dir(&folder) else {
            let shown = folder.display();
            return Err(Failure::Other(format!("Invalid scripts directory: {shown}")));
        };
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let mut paths: Vec<PathBuf> =
            paths.collect::<Result<_, _>>().map_err(Failure::file(&folder))?;
        paths.sort();
        let named = |path: &Path, end: &str| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with("upgrade") && name.ends_with(end)
        };
        let shell: Vec<_> = paths.iter().filter(|path| named(path, ".sh")).cloned().collect();
        if !shell.is_empty() {
            return Ok(Self::Shell(shell));
        }
        let end = format!(".{}", scripts.folder);
        let mut steps = Vec::new();
        for path in paths.iter().filter(|path| named(path, &end)) {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let versions = stem.strip_prefix("upgrade_").and_then(|rest| rest.split_once("_to_"));
            let read = |(from, to)| Some((Version::read(from)?, Version::read(to)?));
            let Some((from, to)) = versions.and_then(read) else { continue };
            let text = fs::read_to_string(path).map_err(Failure::file(path))?;
            steps.push(Step { from, to, name: path.display().to_string(), text });
        }
        if steps.is_empty() {
            return Ok(Self::None);
        }
        steps.sort_by_key(|step| step.from);
        Ok(Self::Sql(steps))
    }
}
