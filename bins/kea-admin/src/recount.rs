//! `stats-recount`: the tables that count leases, made anew from the leases.
//!
//! Servers may be at work meanwhile: nothing changes leases while they are counted. They wait for that, or the database
//! undoes one of two transactions that wait for each other, after which the counting is tried again.

use database::Fault;
use libdhcpsrv::config::{SqlAccess, SqlKind};

use crate::failure::Failure;
use crate::sql::Session;

/// Tries when transactions are in each other's way.
const TRIES: u32 = 10;

/// Counts again.
pub(crate) fn run(access: &SqlAccess, dry_run: bool) -> Result<(), Failure> {
    if dry_run {
        for (family, groups) in TABLES {
            println!("{};", statements(access.kind, family, groups).join(";\n"));
        }
        return Ok(());
    }
    println!("Recount lease statistics from database");
    let mut session = Session::open(access).map_err(Failure::database(access.to_string()))?;
    for (family, groups) in TABLES {
        let what = format!("failed to recount IPv{family} leases");
        let statements = statements(access.kind, family, groups);
        let mut tries = 0;
        loop {
            let done = statements.iter().try_for_each(|sql| session.run("recount", sql));
            let Err(error) = done else { break };
            tries += 1;
            session.run("rollback", "ROLLBACK").map_err(Failure::database(what.as_str()))?;
            if !matches!(error.fault, Fault::Retry | Fault::Locked) || tries == TRIES {
                return Err(Failure::database(what)(error));
            }
        }
    }
    Ok(())
}

/// Families and the columns by which their leases are counted.
const TABLES: [(u8, &str); 2] = [(4, "subnet_id, state"), (6, "subnet_id, lease_type, state")];

fn statements(kind: SqlKind, family: u8, groups: &str) -> Vec<String> {
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
    let not_null = if family == 6 { " AND lease_type IS NOT NULL" } else { "" };
    vec![
        begin.to_owned(),
        lock,
        format!("DELETE FROM lease{family}_stat"),
        format!(
            "INSERT INTO lease{family}_stat ({groups}, leases) SELECT {groups}, COUNT(*) FROM lease{family} \
             WHERE state IN (0, 1) AND subnet_id IS NOT NULL{not_null} GROUP BY {groups}"
        ),
        "COMMIT".to_owned(),
    ]
}
