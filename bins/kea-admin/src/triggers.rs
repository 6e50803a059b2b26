//! `stats-triggers`: other functions behind the triggers that count leases.
//!
//! The triggers of Kea's tables for PostgreSQL call functions that raise and catch exceptions for every row. Those of this
//! repository's tables have the same names and count the same for half the time, and they count classes, which Kea's
//! mean to and do not. Here tables that Kea has made get them. Names, tables and triggers stay, and so does the version.

use libdhcpsrv::config::{SqlAccess, SqlKind};

use crate::failure::Failure;
use crate::recount;
use crate::schema::current;
use crate::sql::Session;
use crate::steps::{Scripts, Version};

/// The version whose functions are known.
const VERSION: Version = Version::new(13, 0);
/// Functions that the triggers call, and what these call.
const FUNCTIONS: [&str; 9] = [
    "leaseClasses",
    "lease4CountClasses",
    "lease6CountClasses",
    "func_lease4_AINS",
    "func_lease4_AUPD",
    "func_lease4_ADEL",
    "func_lease6_AINS",
    "func_lease6_AUPD",
    "func_lease6_ADEL",
];
const CREATE: &str = "CREATE FUNCTION ";
const END: &str = "\n$body$;\n";

/// Replaces the functions, and counts anew.
pub(crate) fn run(access: &SqlAccess, dry_run: bool) -> Result<(), Failure> {
    if access.kind == SqlKind::Mysql {
        return Err(Failure::Other(
            "the triggers of MySQL's tables are as good as they can be: there is nothing to do"
                .to_owned(),
        ));
    }
    let script = format!("BEGIN;\n{}COMMIT;\n", functions());
    if dry_run {
        println!("{script}");
        return recount::run(access, true);
    }
    let mut session = Session::open(access).map_err(Failure::database(access.to_string()))?;
    let version = current(&mut session)?;
    if version != VERSION {
        return Err(Failure::Other(format!(
            "the tables have version {version}; functions for the triggers are known of version {VERSION}"
        )));
    }
    println!("Replacing the functions of the triggers that count leases");
    session.script("triggers", &script).map_err(Failure::database("replacing functions failed"))?;
    drop(session);
    recount::run(access, false)
}

/// The statements that make or replace the functions: those of the script that leads to their version.
fn functions() -> String {
    let steps = Scripts::of(SqlKind::Postgresql).steps.iter();
    let text = steps.filter(|step| step.to == VERSION).map(|step| step.text).collect::<String>();
    let statement = |name: &&str| {
        let begin = text.find(&format!("{CREATE}{name}("))?;
        let rest = text.get(begin + CREATE.len()..)?;
        let end = rest.find(END)? + END.len();
        Some(format!("CREATE OR REPLACE FUNCTION {}", rest.get(..end)?))
    };
    FUNCTIONS.iter().filter_map(statement).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_has_all_functions() {
        let functions = functions();
        let statements = functions.matches("CREATE OR REPLACE FUNCTION").count();
        assert_eq!(statements, FUNCTIONS.len(), "{functions}");
        assert_eq!(functions.matches(END).count(), FUNCTIONS.len());
        assert!(!functions.contains("TRIGGER lease"));
    }
}
