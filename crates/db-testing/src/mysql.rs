//! MariaDB: how its data folder is made, how the server and the client are called.

use std::path::Path;
use std::process::Command;

use crate::folder::{Owner, own_name};
use crate::server::{Durability, Settings, need, run};

/// The user that it runs as.
pub(crate) const USER: &str = "mysql";
/// What it says when it is ready.
pub(crate) const READY: &str = "ready for connections";

const SERVER: &str = "/usr/sbin/mariadbd";
const CLIENT: &str = "/usr/bin/mariadb";
/// Nothing waits for the disk.
const RELAXED: [&str; 5] = [
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--skip-innodb-doublewrite",
    "--skip-sync-frm",
    "--debug-no-sync",
];

/// Makes the data folder.
pub(crate) fn initialise(folder: &Path, owner: Option<&Owner>) {
    need("mariadb-server", SERVER);
    need("mariadb-client", CLIENT);
    let mut command = Command::new("mariadb-install-db");
    command
        .arg("--no-defaults")
        .arg(format!("--datadir={}", folder.join("data").display()))
        .arg(format!("--tmpdir={}", folder.display()))
        // The administrator is who runs the tests, and comes through the socket.
        .arg("--auth-root-authentication-method=socket")
        .arg(format!("--auth-root-socket-user={}", own_name()))
        .args(["--skip-test-db", "--skip-name-resolve"])
        // Nothing is lost if this is lost.
        .args(RELAXED);
    if let Some(owner) = owner {
        command.arg(format!("--user={}", owner.name));
    }
    run(&mut command);
}

/// The command line of the server.
pub(crate) fn server(folder: &Path, port: u16, settings: &Settings) -> Vec<String> {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut words = vec![
        SERVER.to_owned(),
        "--no-defaults".to_owned(),
        format!("--datadir={}", path("data")),
        format!("--tmpdir={}", folder.display()),
        format!("--socket={}", path("mysql.sock")),
        format!("--pid-file={}", path("mysql.pid")),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--port={port}"),
        "--skip-name-resolve".to_owned(),
        // As Debian's configuration has them.
        "--character-set-server=utf8mb4".to_owned(),
        "--collation-server=utf8mb4_general_ci".to_owned(),
    ];
    if settings.durability == Durability::Relaxed {
        words.extend(RELAXED.map(String::from));
    }
    words.extend(settings.more.iter().map(|(name, value)| format!("--{name}={value}")));
    words
}

/// The client, as the administrator.
pub(crate) fn administrator(socket: &Path, database: Option<&str>) -> Command {
    let mut command = client();
    command.arg("--socket").arg(socket).arg("--user=root");
    command.args(database);
    command
}

/// The client, as a user with a password.
pub(crate) fn user(port: u16, user: &str, password: &str, database: &str) -> Command {
    let mut command = client();
    command
        .args(["--host=127.0.0.1", "--protocol=tcp"])
        .arg(format!("--port={port}"))
        .arg(format!("--user={user}"))
        .arg(database)
        .env("MYSQL_PWD", password);
    command
}

/// Statements that make a database and its user.
pub(crate) fn new_database(name: &str, user: &str, password: &str) -> String {
    format!(
        "CREATE DATABASE {name};\n{}\nGRANT ALL ON {name}.* TO '{user}'@'%';\n",
        new_user(user, password)
    )
}

/// Statements that make a user who may only read a database.
pub(crate) fn new_reader(name: &str, user: &str, password: &str) -> String {
    format!("{}\nGRANT SELECT ON {name}.* TO '{user}'@'%';\n", new_user(user, password))
}

fn new_user(user: &str, password: &str) -> String {
    format!(
        "CREATE USER '{user}'@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('{password}');"
    )
}

fn client() -> Command {
    let mut command = Command::new(CLIENT);
    command.args(["--no-defaults", "--batch", "--raw", "--skip-column-names"]);
    command.arg("--default-character-set=utf8mb4");
    command
}
