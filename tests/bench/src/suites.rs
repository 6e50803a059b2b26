//! The prepared lists of rows.

use crate::spec::Family;

/// A table: its title, its rows, and what its factors are relative to.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) rows: Vec<String>,
    /// True: factors against the first row of the same server. False: against Kea's first row.
    pub(crate) flat: bool,
    /// Servers with databases: factors against Kea's first row of the same database, other columns.
    pub(crate) databases: bool,
}

/// The tables of a suite; `servers` are those of its rows of flat cost, without a choice Kea and ours; `filled` is the
/// number of leases that a filled table of a database has.
pub(crate) fn tables(suite: &str, servers: &[String], filled: u32) -> Result<Vec<Table>, String> {
    let chosen = |usual: [&str; 2]| match servers {
        [] => usual.map(str::to_owned).to_vec(),
        _ => servers.to_vec(),
    };
    let main4 = || titled(&MAIN4);
    let main6 = || titled(&MAIN6);
    let flat4 = || flat_tables(Family::V4, &chosen(["kea", "ours"]));
    let flat6 = || flat_tables(Family::V6, &chosen(["kea6", "ours6"]));
    let policy4 = || tables_of(&[POLICY], &chosen(["kea", "ours"]));
    let policy6 = || tables_of(&[POLICY], &chosen(["kea6", "ours6"]));
    match suite {
        "main" => Ok(main4()),
        "main6" => Ok(main6()),
        "flat" => Ok(flat4()),
        "flat6" => Ok(flat6()),
        "policy" => Ok(policy4()),
        "policy6" => Ok(policy6()),
        "all" => Ok([main4(), flat4(), policy4()].concat()),
        "all6" => Ok([main6(), flat6(), policy6()].concat()),
        "databases" => Ok(database_tables("", filled)),
        "databases6" => Ok(database_tables("6", filled)),
        _ => Err(format!(
            "`{suite}`: suites are main, flat, policy, all, databases, and the same with a 6 at the end"
        )),
    }
}

/// A title and its rows.
type Titled = (&'static str, &'static [&'static str]);

const MAIN4: [Titled; 4] = [
    (
        "Relayed exchanges, leases stored",
        &[
            "kea:renew",
            "ours:renew",
            "ours:window=256",
            "ours:renew,durability=kernel",
            "dhcpd",
            "dhcpd:delayed",
        ],
    ),
    (
        "Latency at 2000 exchanges per second",
        &["kea:rate=2000", "ours:rate=2000", "ours:rate=2000,durability=kernel"],
    ),
    (
        "Relayed exchanges, leases in memory",
        &["kea:durability=none", "ours:durability=none", "null"],
    ),
    ("Clients on the link, packet sockets", &["kea:link=direct", "ours:link=direct"]),
];

const MAIN6: [Titled; 6] = [
    (
        "Relayed exchanges of DHCPv6, leases stored",
        &[
            "kea6:renew",
            "ours6:renew",
            "ours6:window=256",
            "ours6:renew,durability=kernel",
            "dhcpd6",
            "dhcpd6:durability=kernel",
        ],
    ),
    (
        "Latency of DHCPv6 at 2000 exchanges per second",
        &["kea6:rate=2000", "ours6:rate=2000", "ours6:rate=2000,durability=kernel"],
    ),
    (
        "Relayed exchanges of DHCPv6, leases in memory",
        &["kea6:durability=none", "ours6:durability=none", "null6"],
    ),
    ("Clients of DHCPv6 on the link", &["kea6:link=direct", "ours6:link=direct"]),
    ("Prefixes", &["kea6:pd,renew", "ours6:pd,renew", "ours6:pd,renew,durability=kernel"]),
    (
        "An address and a prefix",
        &["kea6:both,renew", "ours6:both,renew", "ours6:both,renew,durability=kernel"],
    ),
];

fn titled(tables: &[Titled]) -> Vec<Table> {
    let table = |(title, rows): &Titled| Table {
        title: (*title).to_owned(),
        rows: rows.iter().map(|row| (*row).to_owned()).collect(),
        flat: false,
        databases: false,
    };
    tables.iter().map(table).collect()
}

/// Conditions under which cost should stay the same.
const FLAT: [Titled; 4] = [
    (
        "Subnets, the same traffic from 10,000 relays",
        &["relays=10000,subnets=1", "relays=10000,subnets=100", "relays=10000,subnets=10000"],
    ),
    ("Subnets, each with its relay", &["subnets=1", "subnets=100", "subnets=10000"]),
    ("Leases at the start", &["leases=0", "leases=100000", "leases=1000000"]),
    (
        "Fill of a pool of 1,048,576 addresses (every lease is released again)",
        &[
            "release,fill=0",
            "release,fill=50",
            "release,fill=90",
            "release,fill=99",
            "release,fill=99.9",
        ],
    ),
];

/// More of them for DHCPv6.
const FLAT_PREFIXES: [Titled; 3] = [
    (
        "Delegated prefixes at the start, pool of 2^46 prefixes",
        &["pd,leases=0", "pd,leases=100000", "pd,leases=1000000"],
    ),
    (
        "Fill of a pool of 1,048,576 prefixes (every lease is released again)",
        &[
            "pd,release,fill=0",
            "pd,release,fill=50",
            "pd,release,fill=90",
            "pd,release,fill=99",
            "pd,release,fill=99.9",
        ],
    ),
    (
        "Subnets with an address and a prefix for each client, the same traffic from 10,000 relays",
        &["both,relays=10000,subnets=1", "both,relays=10000,subnets=10000"],
    ),
];

/// The rows of "flat cost", one table per condition, for each server.
fn flat_tables(family: Family, servers: &[String]) -> Vec<Table> {
    let more: &[Titled] = match family {
        Family::V4 => &[],
        Family::V6 => &FLAT_PREFIXES,
    };
    tables_of(&[&FLAT[..], more].concat(), servers)
}

/// What decides who gets what.
const POLICY: Titled = (
    "Host reservations and client classes",
    &["hosts=0", "hosts=10000", "classes=100", "hosts=10000,classes=100"],
);

/// One table per list of conditions, for each server.
fn tables_of(lists: &[Titled], servers: &[String]) -> Vec<Table> {
    let table = |(title, keys): &Titled| {
        let rows = servers.iter().flat_map(|server| {
            keys.iter().map(move |key| {
                let separator = if server.contains(':') { ',' } else { ':' };
                format!("{server}{separator}{key}")
            })
        });
        Table { title: (*title).to_owned(), rows: rows.collect(), flat: true, databases: false }
    };
    lists.iter().map(table).collect()
}

/// Kea as it is fastest with each database (`queue`: the sum of the queues of its threads), and ours.
const KEA_DATABASES: [&str; 2] =
    ["database=mysql,threads=12,queue=792", "database=pgsql,threads=8,queue=88"];
const OUR_DATABASES: [&str; 2] = ["database=mysql", "database=pgsql"];

/// Servers with databases; `suffix` is that of the names of servers.
fn database_tables(suffix: &str, filled: u32) -> Vec<Table> {
    let both = |more: &str| {
        let kea = KEA_DATABASES.map(|keys| format!("kea{suffix}:{keys}{more}"));
        let ours = OUR_DATABASES.map(|keys| format!("ours{suffix}:{keys}{more}"));
        [kea, ours].concat()
    };
    let own = |more: &str| OUR_DATABASES.map(|keys| format!("ours{suffix}:{keys}{more}")).to_vec();
    let table = |title: &str, rows: Vec<String>| Table {
        title: format!("{title}{}", if suffix.is_empty() { "" } else { ", DHCPv6" }),
        rows,
        flat: false,
        databases: true,
    };
    let file = vec![format!("ours{suffix}:database=pgsql,triggers=1"), format!("ours{suffix}")];
    let hosts = [both(",hosts=10000"), own(",hosts=10000,host-cache=0")].concat();
    vec![
        table("Leases in a database", [both(""), own(",schema=ours"), file].concat()),
        table(
            &format!("Leases in a database with {filled} leases before"),
            both(&format!(",rows={filled}")),
        ),
        table("Leases and hosts in a database", hosts),
    ]
}

#[cfg(test)]
mod tests {
    use super::tables;
    use crate::spec::{Family, Spec};

    #[test]
    fn every_prepared_row_is_valid() {
        let suites = [
            ("all", ["kea", "ours:durability=kernel"], 9, Family::V4),
            ("all6", ["kea6", "ours6:durability=kernel"], 14, Family::V6),
            ("databases", ["", ""], 3, Family::V4),
            ("databases6", ["", ""], 3, Family::V6),
        ];
        for (suite, servers, count, family) in suites {
            let all = tables(suite, &servers.map(str::to_owned), 1000).expect("a suite");
            assert_eq!(all.len(), count);
            for row in all.iter().flat_map(|table| &table.rows) {
                let spec = Spec::parse(row, &Spec::plain()).expect(row);
                assert_eq!(spec.family, family, "{row}");
            }
        }
        assert!(tables("other", &[], 0).is_err());
        let rows = tables("flat6", &[], 0).expect("a suite").swap_remove(0).rows;
        assert_eq!(rows.len(), 6, "Kea and ours");
    }
}
