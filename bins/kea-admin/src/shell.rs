//! Running Kea's upgrade scripts, which are shell programs that call the client of the database.
//!
//! They get the password through the environment. For MySQL that takes a detour: Kea's helper script puts a password of
//! its own on every client's command line, so a client of ours comes first in the path, which leaves passwords out and
//! calls the real one.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use libdhcpsrv::config::{SqlAccess, SqlKind};

use crate::command_line::Options;
use crate::failure::Failure;

/// Runs scripts in order; each acts only if the version is its own.
pub(crate) fn run(
    scripts: &[PathBuf],
    options: &Options,
    access: &SqlAccess,
) -> Result<(), Failure> {
    if options.dry_run {
        for script in scripts {
            println!("-- {} would be run", script.display());
        }
        return Ok(());
    }
    let clients = match access.kind {
        SqlKind::Mysql => Some(Clients::new().map_err(|error| {
            Failure::Other(format!("cannot make a folder for the client: {error}"))
        })?),
        SqlKind::Postgresql => None,
    };
    for script in scripts {
        println!("Processing {} file...", script.display());
        let mut command = Command::new(script);
        match &clients {
            Some(clients) => mysql_arguments(&mut command, access, clients),
            None => pgsql_arguments(&mut command, access),
        }
        command.args(&options.extra);
        let status = command.status().map_err(Failure::file(script))?;
        if !status.success() {
            let shown = script.display();
            return Err(Failure::Other(format!("{shown} has failed ({status})")));
        }
    }
    Ok(())
}

fn mysql_arguments(command: &mut Command, access: &SqlAccess, clients: &Clients) {
    command.arg(format!("--host={}", access.host));
    if access.port != 0 {
        command.arg(format!("--port={}", access.port)).arg("--protocol=tcp");
    }
    command.arg(format!("--user={}", access.user)).arg(&access.name);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", clients.folder.display()));
    command.env("KEA_ADMIN_CLIENT_PATH", path).env("MYSQL_PWD", access.password.reveal());
}

fn pgsql_arguments(command: &mut Command, access: &SqlAccess) {
    command.args(["-U", &access.user, "-h", &access.host, "-d", &access.name]);
    if access.port != 0 {
        command.args(["-p", &access.port.to_string()]);
    }
    command.env("PGPASSWORD", access.password.reveal());
}

/// A folder with a `mysql` that hides passwords.
struct Clients {
    folder: PathBuf,
}

/// Takes arguments with passwords away, one after the other, and calls the real client.
const CLIENT: &str = r#"#!/bin/sh
PATH=$KEA_ADMIN_CLIENT_PATH
export PATH
left=$#
while [ "$left" -gt 0 ]; do
    argument=$1
    shift
    left=$((left - 1))
    case $argument in
    --password | --password=*) ;;
    *) set -- "$@" "$argument" ;;
    esac
done
exec mysql "$@"
"#;

impl Clients {
    fn new() -> io::Result<Self> {
        let base = std::env::temp_dir();
        for number in 0..100_u32 {
            let folder = base.join(format!("kea-admin.{}.{number}", std::process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => {
                    made?;
                    let clients = Self { folder };
                    clients.fill(&clients.folder.join("mysql"))?;
                    return Ok(clients);
                }
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn fill(&self, path: &Path) -> io::Result<()> {
        fs::write(path, CLIENT)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        // It holds no secret.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
