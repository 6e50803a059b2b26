//! `stats-recount`: the tables that count leases, made anew from the leases.
//!
//! Servers may be at work meanwhile: nothing changes leases while they are counted. They wait for that, or the database
//! undoes one of two transactions that wait for each other, after which the counting is tried again.
//!
//! Leases of clients of a class are counted here and not by the database: whose JSON functions differ, and which of the
//! functions that the tables came with are there depends on who has made them. As by the triggers, an assigned lease
//! counts for each class that its context names.

use std::collections::BTreeMap;

use cc::{Diagnostics, Document, NoIncludes};
use database::{DbError, Fault};
use libdhcpsrv::config::{SqlAccess, SqlKind};

use crate::failure::Failure;
use crate::kind;
use crate::literal::Literal;
use crate::sql::{Cell, Session};

/// Tries when transactions are in each other's way.
const TRIES: u32 = 10;
/// Characters of the name of a class that the tables hold.
const CLASS_LEN_MAX: usize = 128;
/// What contexts call the list of classes.
const NAME: &str = "client-classes";

/// What is counted of a protocol.
struct Counted {
    family: u8,
    /// Columns by which leases are counted.
    groups: &'static str,
    /// The table of classes; versions before Kea 2.2 have none.
    classes: &'static str,
}

const COUNTED: [Counted; 2] = [
    Counted { family: 4, groups: "subnet_id, state", classes: "lease4_stat_by_client_class" },
    Counted {
        family: 6,
        groups: "subnet_id, lease_type, state",
        classes: "lease6_stat_by_client_class",
    },
];

/// Counts again.
pub(crate) fn run(access: &SqlAccess, dry_run: bool) -> Result<(), Failure> {
    if dry_run {
        for counted in &COUNTED {
            let statements = counted.statements(access.kind);
            println!("{};", statements.join(";\n"));
            // What fills the table is known only while counting, so a printed DELETE would leave it empty.
            println!(
                "-- the program counts the leases of client classes itself, and puts them into"
            );
            println!("-- {}, if there is such a table", counted.classes);
            println!("COMMIT;");
        }
        return Ok(());
    }
    println!("Recount lease statistics from database");
    let mut session = Session::open(access).map_err(Failure::database(access.to_string()))?;
    for counted in &COUNTED {
        let what = format!("failed to recount IPv{} leases", counted.family);
        let mut tries = 0;
        while let Err(error) = counted.recount(&mut session, access.kind) {
            tries += 1;
            session.run("rollback", "ROLLBACK").map_err(Failure::database(what.as_str()))?;
            if !matches!(error.fault, Fault::Retry | Fault::Locked) || tries == TRIES {
                return Err(Failure::database(what)(error));
            }
        }
    }
    Ok(())
}

impl Counted {
    fn recount(&self, session: &mut Session, kind: SqlKind) -> Result<(), DbError> {
        let has_classes = !session.columns(self.classes)?.is_empty();
        for statement in self.statements(kind) {
            session.run("recount", &statement)?;
        }
        if has_classes {
            let counts = self.count_classes(session)?;
            session.run("recount", &self.clear_classes())?;
            for ((class, lease_type), count) in counts {
                session.run("recount", &self.insert_class(kind, &class, lease_type, count))?;
            }
        }
        session.run("recount", "COMMIT")
    }

    /// Begins the transaction and counts leases of subnets.
    fn statements(&self, kind: SqlKind) -> Vec<String> {
        let Self { family, groups, .. } = self;
        let (begin, lock) = match kind {
            // What a statement of this level reads stays as it is.
            SqlKind::Mysql => {
                ("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "START TRANSACTION".to_owned())
            }
            SqlKind::Postgresql => (
                "BEGIN ISOLATION LEVEL READ COMMITTED",
                format!("LOCK TABLE lease{family} IN SHARE MODE"),
            ),
        };
        let not_null = if *family == 6 { " AND lease_type IS NOT NULL" } else { "" };
        vec![
            begin.to_owned(),
            lock,
            format!("DELETE FROM lease{family}_stat"),
            format!(
                "INSERT INTO lease{family}_stat ({groups}, leases) SELECT {groups}, COUNT(*) FROM lease{family} \
                 WHERE state IN (0, 1) AND subnet_id IS NOT NULL{not_null} GROUP BY {groups}"
            ),
        ]
    }

    /// Counts leases of classes and types.
    fn count_classes(
        &self,
        session: &mut Session,
    ) -> Result<BTreeMap<(String, i64), u64>, DbError> {
        let family = self.family;
        let lease_type = if family == 6 { "lease_type" } else { "0" };
        // Leases cannot change meanwhile: contexts that name no classes are not worth the time.
        let question = format!(
            "SELECT {lease_type}, user_context FROM lease{family} \
             WHERE state = 0 AND user_context LIKE '%{NAME}%' AND {lease_type} IS NOT NULL"
        );
        let mut counts = BTreeMap::new();
        session.walk("recount", &question, &mut |cells: Vec<Cell>| {
            let lease_type = kind::number(cells.first()).unwrap_or_default();
            let context = cells.get(1).and_then(|cell| cell.as_deref()).unwrap_or_default();
            for class in classes(context) {
                *counts.entry((class, lease_type)).or_default() += 1;
            }
            Ok::<(), DbError>(())
        })?;
        Ok(counts)
    }

    fn clear_classes(&self) -> String {
        format!("DELETE FROM {}", self.classes)
    }

    fn insert_class(&self, kind: SqlKind, class: &str, lease_type: i64, count: u64) -> String {
        let (table, class) = (self.classes, Literal(kind).text(class.as_bytes()));
        let insert = match self.family {
            6 => format!(
                "INSERT INTO {table} (client_class, lease_type, leases) VALUES ({class}, {lease_type}, {count})"
            ),
            _ => format!("INSERT INTO {table} (client_class, leases) VALUES ({class}, {count})"),
        };
        match kind {
            // To MySQL, names that differ in their case alone are one.
            SqlKind::Mysql => {
                format!("{insert} ON DUPLICATE KEY UPDATE leases = leases + VALUES(leases)")
            }
            SqlKind::Postgresql => insert,
        }
    }
}

/// The classes that a context names.
fn classes(context: &[u8]) -> Vec<String> {
    if !context.windows(NAME.len()).any(|part| part == NAME.as_bytes()) {
        return Vec::new();
    }
    let mut diagnostics = Diagnostics::default();
    let document = Document::parse(context, "user context", &mut NoIncludes, &mut diagnostics);
    let list = document.filter(|_| !diagnostics.has_errors()).and_then(|document| {
        let isc = document.root.as_map()?.get("ISC")?.as_map()?;
        Some(isc.get(NAME)?.as_list()?.to_vec())
    });
    let names = list.unwrap_or_default();
    let names = names.iter().filter_map(|name| name.as_str().map(str::to_owned));
    names.filter(|name| name.chars().count() <= CLASS_LEN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_read_from_contexts() {
        let read = |text: &str| classes(text.as_bytes()).join(" ");
        assert_eq!(read(r#"{"ISC": {"client-classes": ["ALL", "gold"]}, "a": 1}"#), "ALL gold");
        for none in [
            "",
            "no JSON client-classes",
            r#"{"client-classes": ["a"]}"#,
            r#"{"ISC": {"client-classes": "a"}}"#,
            r#"{"ISC": {"client-classes": ["a"]}"#,
        ] {
            assert_eq!(read(none), "", "{none}");
        }
        let long = "x".repeat(CLASS_LEN_MAX + 1);
        assert_eq!(read(&format!(r#"{{"ISC": {{"client-classes": ["{long}", "a"]}}}}"#)), "a");
    }
}
