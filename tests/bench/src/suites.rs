//! The prepared lists of rows.

/// A table: its title, its rows, and what its factors are relative to.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) rows: Vec<String>,
    /// True: factors against the first row of the same server. False: against Kea's first row.
    pub(crate) flat: bool,
}

/// The tables of a suite.
pub(crate) fn tables(suite: &str, servers: &[String]) -> Result<Vec<Table>, String> {
    match suite {
        "main" => Ok(main_tables()),
        "flat" => Ok(flat_tables(servers)),
        "all" => Ok([main_tables(), flat_tables(servers)].concat()),
        _ => Err(format!("`{suite}`: suites are main, flat, all")),
    }
}

fn main_tables() -> Vec<Table> {
    let table = |title: &str, rows: &[&str]| Table {
        title: title.to_owned(),
        rows: rows.iter().map(|row| (*row).to_owned()).collect(),
        flat: false,
    };
    vec![
        table(
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
        table(
            "Latency at 2000 exchanges per second",
            &["kea:rate=2000", "ours:rate=2000", "ours:rate=2000,durability=kernel"],
        ),
        table(
            "Relayed exchanges, leases in memory",
            &["kea:durability=none", "ours:durability=none", "null"],
        ),
        table("Clients on the link, packet sockets", &["kea:link=direct", "ours:link=direct"]),
    ]
}

/// The rows of "flat cost", one table per condition, for each server.
fn flat_tables(servers: &[String]) -> Vec<Table> {
    let conditions: [(&str, &[&str]); 4] = [
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
    let table = |(title, keys): &(&str, &[&str])| {
        let rows = servers.iter().flat_map(|server| {
            keys.iter().map(move |key| {
                let separator = if server.contains(':') { ',' } else { ':' };
                format!("{server}{separator}{key}")
            })
        });
        Table { title: (*title).to_owned(), rows: rows.collect(), flat: true }
    };
    conditions.iter().map(table).collect()
}

#[cfg(test)]
mod tests {
    use super::tables;
    use crate::spec::Spec;

    #[test]
    fn every_prepared_row_is_valid() {
        let servers = ["kea".to_owned(), "ours:durability=kernel".to_owned()];
        let all = tables("all", &servers).expect("a suite");
        assert_eq!(all.len(), 8);
        for row in all.iter().flat_map(|table| &table.rows) {
            assert!(Spec::parse(row, &Spec::plain()).is_ok(), "{row}");
        }
        assert!(tables("other", &servers).is_err());
    }
}
