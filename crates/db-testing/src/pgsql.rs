//! PostgreSQL: how its data folder is made, how the server and the client are called.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::folder::{Owner, own_name};
use crate::server::{Durability, Settings, need, run};

/// The user that it runs as, and the administrator's name.
pub(crate) const USER: &str = "postgres";
/// What it says when it is ready.
pub(crate) const READY: &str = "database system is ready to accept connections";

/// Where Debian keeps the versions.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Who may come and how: the administrator by being who runs the tests, all others by their passwords.
const GATE: &str = "local all postgres peer map=administrator
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
";

/// Makes the data folder.
pub(crate) fn initialise(folder: &Path, owner: Option<&Owner>) {
    let data = folder.join("data");
    let mut words = vec![program("initdb").display().to_string()];
    words
        .extend(["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=reject"].map(String::from));
    words.extend([format!("--username={USER}"), format!("--pgdata={}", data.display())]);
    let mut command = match owner {
        Some(Owner { uid, gid, .. }) => {
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={uid}"), format!("--regid={gid}")]);
            command.args(["--init-groups", "--"]);
            command
        }
        None => Command::new("env"),
    };
    run(command.args(words).current_dir(folder));
    let write = |name: &str, text: &str| {
        fs::write(data.join(name), text).unwrap_or_else(|error| panic!("{name}: {error}"));
    };
    write("pg_hba.conf", GATE);
    write("pg_ident.conf", &format!("administrator {} {USER}\n", own_name()));
}

/// The command line of the server.
pub(crate) fn server(folder: &Path, port: u16, settings: &Settings) -> Vec<String> {
    let mut words = vec![
        program("postgres").display().to_string(),
        "-D".to_owned(),
        folder.join("data").display().to_string(),
    ];
    let mut set = |name: &str, value: &str| {
        words.extend(["-c".to_owned(), format!("{name}={value}")]);
    };
    set("listen_addresses", "127.0.0.1");
    set("port", &port.to_string());
    set("unix_socket_directories", &folder.display().to_string());
    // Of the kinds of shared memory this one vanishes with the namespace that the server is in.
    set("dynamic_shared_memory_type", "sysv");
    if settings.durability == Durability::Relaxed {
        set("fsync", "off");
        set("synchronous_commit", "off");
        set("full_page_writes", "off");
    }
    for (name, value) in &settings.more {
        set(name, value);
    }
    words
}

/// The client, as the administrator.
pub(crate) fn administrator(folder: &Path, port: u16, database: Option<&str>) -> Command {
    let mut command = client(port);
    command.arg("-h").arg(folder).args(["-U", USER, "-d", database.unwrap_or("postgres")]);
    command
}

/// The client, as a user with a password.
pub(crate) fn user(port: u16, user: &str, password: &str, database: &str) -> Command {
    let mut command = client(port);
    command.args(["-h", "127.0.0.1", "-U", user, "-d", database]).env("PGPASSWORD", password);
    command
}

/// Statements that make a database and its user.
pub(crate) fn new_database(name: &str, user: &str, password: &str) -> String {
    format!("{}\nCREATE DATABASE {name} OWNER {user};\n", new_user(user, password))
}

/// Statements, for that database, that make a user who may only read it.
pub(crate) fn new_reader(name: &str, user: &str, password: &str) -> String {
    format!(
        "{}\nGRANT CONNECT ON DATABASE {name} TO {user};\nGRANT USAGE ON SCHEMA public TO {user};\n\
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user};\n",
        new_user(user, password)
    )
}

fn new_user(user: &str, password: &str) -> String {
    format!("SET password_encryption = 'scram-sha-256';\nCREATE USER {user} PASSWORD '{password}';")
}

fn client(port: u16) -> Command {
    let mut command = Command::new(program("psql"));
    command.args(["-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-f", "-"]);
    command.args(["-p", &port.to_string()]);
    command.env("PGCLIENTENCODING", "UTF8").env("PGOPTIONS", "-c client_min_messages=warning");
    command
}

/// A program of the newest version that is installed.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let newest = versions
        .filter(|entry| entry.path().join("bin/postgres").exists())
        .filter_map(number)
        .max();
    let Some(newest) = newest else {
        need("postgresql", &format!("{VERSIONS}/*/bin/postgres"));
        unreachable!("no file has a star in its name");
    };
    PathBuf::from(format!("{VERSIONS}/{newest}/bin/{name}"))
}
