//! The server runs the statements through the indexes, whatever it believes of the tables.

use db_pgsql::SimpleQueryMessage;
use db_testing::Database;

use crate::tables::{ALL, Tables, database};

/// What the tables hold when a plan is made.
#[derive(Clone, Copy, Debug)]
enum Fill {
    Empty,
    FewUnknown,
    EmptyAnalyzed,
    Many,
}

const FILLS: [Fill; 4] = [Fill::Empty, Fill::FewUnknown, Fill::EmptyAnalyzed, Fill::Many];

fn fill(database: &Database, fill: Fill, tables: Tables) {
    let rows = match fill {
        Fill::Empty | Fill::EmptyAnalyzed => 0,
        Fill::FewUnknown => 300,
        Fill::Many => 30_000,
    };
    let inet = if tables == Tables::Newest { "::inet" } else { "" };
    database.sql(&format!(
        "TRUNCATE lease4; TRUNCATE lease6; \
         INSERT INTO lease4 (address, hwaddr, client_id, valid_lifetime, expire, subnet_id, state) \
         SELECT n, int8send(n), int8send(n), 60, now(), 1, 0 FROM generate_series(1::int8, {rows}) n; \
         INSERT INTO lease6 (address, duid, valid_lifetime, expire, subnet_id, lease_type, iaid, \
             prefix_len, state) \
         SELECT ('2001:db8::' || to_hex(n & 65535)){inet}, int8send(n), 60, now(), 1, 0, 1, 128, 0 \
         FROM generate_series(1::int8, {rows}) n"
    ));
    if matches!(fill, Fill::EmptyAnalyzed | Fill::Many) {
        database.sql("VACUUM ANALYZE lease4; VACUUM ANALYZE lease6");
    }
}

/// The plans of the statements for a table, by their names.
fn plans(database: &Database, table: &str) -> Vec<(&'static str, String)> {
    let mut client = db_pgsql::connect(&database.access()).unwrap();
    let statements = db_pgsql::lease_statements(&mut client, table == "lease6").unwrap();
    let mut plan = |(name, text): (&'static str, String)| {
        let parameters = (1..).take_while(|n| text.contains(&format!("${n}::"))).count();
        let nulls = vec!["NULL"; parameters].join(", ");
        client.simple("", &format!("PREPARE asked AS {text}")).unwrap();
        let told = client.simple("", &format!("EXPLAIN EXECUTE asked({nulls})")).unwrap();
        client.simple("", "DEALLOCATE asked").unwrap();
        let lines = told.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        (name, lines.collect::<Vec<_>>().join("\n"))
    };
    statements.into_iter().map(&mut plan).collect()
}

#[test]
fn every_statement_uses_the_index_that_is_meant() {
    for tables in ALL {
        let database = database(tables);
        // Triggers would take most of the time.
        database.sql(
            "ALTER TABLE lease4 DISABLE TRIGGER USER; ALTER TABLE lease6 DISABLE TRIGGER USER; \
             ALTER TABLE lease4 SET (autovacuum_enabled = off); \
             ALTER TABLE lease6 SET (autovacuum_enabled = off)",
        );
        for state in FILLS {
            fill(&database, state, tables);
            for (table, client_indexes) in [
                (
                    "lease4",
                    ["lease4_by_client_id_subnet_id", "lease4_by_hwaddr_subnet_id"].as_slice(),
                ),
                ("lease6", ["lease6_by_duid_iaid_subnet_id"].as_slice()),
            ] {
                for (name, plan) in plans(&database, table) {
                    let what = format!("{tables:?}, {state:?}: {name}\n{plan}");
                    assert!(!plan.contains("Seq Scan") && !plan.contains("Join"), "{what}");
                    // A scan of an index as a whole has no condition.
                    let lines: Vec<_> = plan.lines().collect();
                    for (at, line) in lines.iter().enumerate() {
                        if line.contains(&format!(" on {table}")) && line.contains("Index") {
                            assert!(lines[at + 1].contains("Index Cond"), "{what}");
                        }
                    }
                    match name {
                        "find" | "look" => {
                            let oldest = ["lease6_by_iaid_subnet_id_duid"];
                            let expected = if table == "lease6" && tables == Tables::Oldest {
                                oldest.as_slice()
                            } else {
                                client_indexes
                            };
                            assert!(expected.iter().all(|index| plan.contains(index)), "{what}");
                        }
                        "get" | "update" | "delete" => {
                            let key = format!("using {table}_pkey");
                            assert!(plan.contains(&key), "{what}");
                        }
                        "expired" | "delete_reclaimed" | "ended" => {
                            let index = format!("using {table}_by_state_expire");
                            assert!(plan.contains(&index), "{what}");
                        }
                        _ => {}
                    }
                    if name == "update" || name == "delete" {
                        assert!(plan.contains("Tid Scan"), "{what}");
                    }
                }
            }
        }
    }
}
