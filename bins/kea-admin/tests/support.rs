//! Calling the program, and Debian's.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use db_testing::{Database, Durability, Server};
use libdhcpsrv::config::SqlKind;

/// Both kinds of databases.
pub(crate) const KINDS: [SqlKind; 2] = [SqlKind::Mysql, SqlKind::Postgresql];

/// Folder of Debian's scripts.
pub(crate) const DEBIAN: &str = "/usr/share/kea/scripts";

/// A new empty database.
pub(crate) fn database(kind: SqlKind) -> Database {
    Server::shared(kind, Durability::Relaxed).new_database()
}

/// What the back-end is called.
pub(crate) fn backend(kind: SqlKind) -> &'static str {
    match kind {
        SqlKind::Mysql => "mysql",
        SqlKind::Postgresql => "pgsql",
    }
}

/// What a program said.
#[derive(Debug)]
pub(crate) struct Said {
    /// Exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// It must have gone well.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }
}

/// Runs ours without a database.
pub(crate) fn plain(words: &[&str]) -> Said {
    plain_with(words, &[])
}

/// The same with variables in its environment.
pub(crate) fn plain_with(words: &[&str], variables: &[(&str, &str)]) -> Said {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kea-admin"));
    program.args(words).envs(variables.iter().copied());
    Said::of(&program.output().expect("the program starts"))
}

/// Runs ours: a command for the database's back-end, more words, and how the database is reached.
pub(crate) fn admin(command: &str, database: &Database, words: &[&str]) -> Said {
    let mut all = vec![command, backend(database.server().kind())];
    all.extend(words);
    let login = login(database);
    all.extend(login.iter().map(String::as_str));
    plain(&all)
}

/// Runs ours through a shell, which redirects as `line` says: in it, `"$@"` is the program with the command for the
/// database's back-end and how the database is reached. The password is in the variable.
pub(crate) fn admin_in_shell(line: &str, command: &str, database: &Database) -> Said {
    let access = database.access();
    let port = access.port.to_string();
    let mut shell = Command::new("sh");
    shell.args(["-c", line, "sh", env!("CARGO_BIN_EXE_kea-admin"), command]);
    shell.args([backend(access.kind), "-h", &access.host, "-P", &port]);
    shell.args(["-u", &access.user, "-n", &access.name]);
    shell.env("KEA_ADMIN_DB_PASSWORD", access.password.reveal()).stdin(Stdio::null());
    Said::of(&shell.output().expect("there is a shell"))
}

/// How a database is reached, as options.
pub(crate) fn login(database: &Database) -> Vec<String> {
    let access = database.access();
    let port = access.port.to_string();
    let password = access.password.reveal();
    ["-h", &access.host, "-P", &port, "-u", &access.user, "-p", password, "-n", &access.name]
        .map(str::to_owned)
        .to_vec()
}

/// The same, of the database to copy from.
pub(crate) fn login_from(database: &Database) -> Vec<String> {
    let long = [("-h", "host"), ("-P", "port"), ("-u", "user"), ("-p", "password"), ("-n", "name")];
    let word = |word: String| match long.iter().find(|(short, _)| *short == word) {
        Some((_, long)) => format!("--from-{long}"),
        None => word,
    };
    login(database).into_iter().map(word).collect()
}

/// Runs Debian's.
pub(crate) fn debian(command: &str, database: &Database, words: &[&str]) -> Said {
    let access = database.access();
    let mut program = Command::new("/usr/sbin/kea-admin");
    program.args([command, backend(access.kind)]).args(words).args(login(database));
    // It forgets the port now and then.
    program.env("PGPORT", access.port.to_string());
    program
        .env("PGPASSWORD", access.password.reveal())
        .env("MYSQL_TCP_PORT", access.port.to_string());
    Said::of(&program.output().expect("Debian's kea-admin is installed (scripts/test does it)"))
}

/// A file in a folder, as text for a command line.
pub(crate) fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

/// Debian's script that makes tables, cut off behind each version on the way to the newest: that version and the script.
pub(crate) fn debian_versions(kind: SqlKind) -> Vec<(String, String)> {
    let folder = backend(kind);
    let file = Path::new(DEBIAN).join(folder).join(format!("dhcpdb_create.{folder}"));
    let bytes = std::fs::read(&file).expect("Debian's package kea-admin is installed");
    let script = String::from_utf8_lossy(&bytes).into_owned();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = script[at..].find("schema_version").map(|start| at + start) {
        let line_start = script[..start].rfind('\n').map_or(0, |end| end + 1);
        let line = script[line_start..].trim_start();
        let end = start + script[start..].find(';').map_or(0, |end| end + 1);
        at = end;
        if !line.starts_with("UPDATE schema_version")
            && !line.starts_with("INSERT INTO schema_version")
        {
            continue;
        }
        let numbers: Vec<&str> = script[start..end]
            .split(|character: char| !character.is_ascii_digit())
            .filter(|number| !number.is_empty())
            .collect();
        found.push((numbers[..2].join("."), format!("{}\nCOMMIT;\n", &script[..end])));
    }
    assert!(found.len() > 15, "{found:?}");
    found
}
