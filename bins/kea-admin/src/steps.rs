//! The scripts that make tables and bring them from version to version.

use std::fmt;

use libdhcpsrv::config::SqlKind;

/// Version of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u32,
    minor: u32,
}

impl Version {
    pub(crate) const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Reads `5.0`, or `005.0` or `14` as in names of files.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A script that brings tables of one version to another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) from: Version,
    pub(crate) to: Version,
    /// Name of the file.
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

/// All scripts of a kind of database, as they are built in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scripts {
    /// Folder of the kind below the folder of scripts, and what the names of its files end with.
    pub(crate) folder: &'static str,
    /// Name of the script that makes tables.
    pub(crate) create_name: &'static str,
    /// The script that makes tables.
    pub(crate) create: &'static str,
    /// The version that it makes.
    pub(crate) created: Version,
    /// Steps, each beginning where the one before it ends.
    pub(crate) steps: &'static [Step],
    /// From this version on tables of Kea have a configuration back-end, which the steps know nothing of.
    pub(crate) foreign_from: Version,
}

impl Scripts {
    /// The scripts of a kind of database.
    pub(crate) fn of(kind: SqlKind) -> &'static Self {
        match kind {
            SqlKind::Mysql => &MYSQL,
            SqlKind::Postgresql => &PGSQL,
        }
    }

    /// The newest version.
    pub(crate) fn newest(&self) -> Version {
        self.steps.last().map_or(self.created, |step| step.to)
    }
}

/// A script of the folder of the database's kind.
macro_rules! script {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../share/database/scripts/", $path))
    };
}

/// Steps: the versions, and the part of the file's name that tells them.
macro_rules! steps {
    ($folder:literal: $(($a:literal, $b:literal) => ($c:literal, $d:literal) $name:literal)*) => {
        &[$(Step {
            from: Version::new($a, $b),
            to: Version::new($c, $d),
            name: concat!("upgrade_", $name, ".", $folder),
            text: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/../../share/database/scripts/", $folder, "/upgrade_", $name,
                ".", $folder
            )),
        }),*]
    };
}

static MYSQL: Scripts = Scripts {
    folder: "mysql",
    create_name: "dhcpdb_create.mysql",
    create: script!("mysql/dhcpdb_create.mysql"),
    created: Version::new(5, 0),
    steps: steps! { "mysql":
        (1, 0) => (2, 0) "001.0_to_002.0"
        (2, 0) => (3, 0) "002.0_to_003.0"
        (3, 0) => (4, 0) "003.0_to_004.0"
        (4, 0) => (4, 1) "004.0_to_004.1"
        (4, 1) => (5, 0) "004.1_to_005.0"
        (5, 0) => (5, 1) "005.0_to_005.1"
        (5, 1) => (5, 2) "005.1_to_005.2"
        (5, 2) => (6, 0) "005.2_to_006.0"
        (6, 0) => (14, 0) "006.0_to_014.0"
    },
    foreign_from: Version::new(7, 0),
};

static PGSQL: Scripts = Scripts {
    folder: "pgsql",
    create_name: "dhcpdb_create.pgsql",
    create: script!("pgsql/dhcpdb_create.pgsql"),
    created: Version::new(3, 0),
    steps: steps! { "pgsql":
        (1, 0) => (2, 0) "001.0_to_002.0"
        (2, 0) => (3, 0) "002.0_to_003.0"
        (3, 0) => (3, 1) "003.0_to_003.1"
        (3, 1) => (3, 2) "003.1_to_003.2"
        (3, 2) => (3, 3) "003.2_to_003.3"
        (3, 3) => (4, 0) "003.3_to_004.0"
        (4, 0) => (5, 0) "004.0_to_005.0"
        (5, 0) => (5, 1) "005.0_to_005.1"
        (5, 1) => (6, 0) "005.1_to_006.0"
        (6, 0) => (6, 1) "006.0_to_006.1"
        (6, 1) => (6, 2) "006.1_to_006.2"
        (6, 2) => (13, 0) "006.2_to_013.0"
    },
    foreign_from: Version::new(7, 0),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_a_chain_that_passes_the_created_version() {
        for kind in [SqlKind::Mysql, SqlKind::Postgresql] {
            let scripts = Scripts::of(kind);
            assert!(scripts.steps.windows(2).all(|pair| pair[0].to == pair[1].from));
            assert!(scripts.steps.iter().any(|step| step.to == scripts.created));
            assert!(scripts.newest() > scripts.created);
            for step in scripts.steps {
                let sets = format!("SET version = {}, minor = {}", step.to.major, step.to.minor);
                assert!(step.text.contains(&sets), "{}", step.name);
                let names = step.name.trim_start_matches("upgrade_").trim_end_matches("sql");
                let names = names.trim_end_matches(".my").trim_end_matches(".pg");
                let (from, to) = names.split_once("_to_").unwrap();
                assert_eq!(Version::read(from), Some(step.from), "{}", step.name);
                assert_eq!(Version::read(to), Some(step.to), "{}", step.name);
            }
        }
    }

    #[test]
    fn versions_are_read_in_every_form() {
        assert_eq!(Version::read("005.0"), Some(Version::new(5, 0)));
        assert_eq!(Version::read("14"), Some(Version::new(14, 0)));
        assert_eq!(Version::read("x"), None);
        assert_eq!(Version::new(6, 2).to_string(), "6.2");
    }
}
