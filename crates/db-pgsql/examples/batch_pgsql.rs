//! What batches cost: rows per second, and the processor time of this process and the server, against a PostgreSQL of
//! its own with the durability that is its default.
//!
//! `cargo run --release -p db-pgsql --example batch_pgsql -- [oldest|ours] [relaxed] [4|6] [rows in the table]`

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use database::{DbError, LeaseConnection, Wanted};
use db_testing::{Database, Schema, Server, Settings};
use libdhcpsrv::config::SqlKind;
use libdhcpsrv::lease::{AddressOf, LeaseKind, LeaseType, SubnetId};
use libdhcpsrv::lease4::{Lease4, OwnedClientKey, V4};
use libdhcpsrv::lease6::{Lease6, OwnedClientKey6, V6};

/// A lease of a number, and how its client is looked for.
trait Numbered: LeaseKind {
    fn lease(number: u32, cltt: i64) -> Self::Lease;
    fn wanted(number: u32) -> Wanted<Self>;
}

impl Numbered for V4 {
    fn lease(number: u32, cltt: i64) -> Lease4 {
        let hw = [&[2, 0][..], &number.to_be_bytes()].concat();
        let client_id = [&[1][..], &hw].concat();
        Lease4 {
            address: Ipv4Addr::from(0x0a00_0000 + number),
            hw,
            client_id,
            valid_lifetime: 3600,
            cltt,
            subnet_id: SubnetId(1 + number % 16),
            ..Lease4::default()
        }
    }

    fn wanted(number: u32) -> Wanted<V4> {
        let Lease4 { hw, client_id, subnet_id, .. } = Self::lease(number, 0);
        Wanted { client: OwnedClientKey { hw_type: 1, hw, client_id }, subnet: subnet_id }
    }
}

impl Numbered for V6 {
    fn lease(number: u32, cltt: i64) -> Lease6 {
        Lease6 {
            address: Ipv6Addr::from((0x2001_0db8_u128 << 96) + u128::from(number)),
            duid: [&[0, 3, 0, 1, 2, 0][..], &number.to_be_bytes()].concat(),
            iaid: 1,
            valid_lifetime: 3600,
            preferred_lifetime: 1800,
            cltt,
            subnet_id: SubnetId(1 + number % 16),
            ..Lease6::default()
        }
    }

    fn wanted(number: u32) -> Wanted<V6> {
        let Lease6 { duid, iaid, subnet_id, .. } = Self::lease(number, 0);
        let client = OwnedClientKey6 { lease_type: LeaseType::Na, duid, iaid };
        Wanted { client, subnet: subnet_id }
    }
}

const ROUNDS: u32 = 200;

fn own_cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

fn measure(server: &Server, name: &str, rows: u32, mut run: impl FnMut() -> Result<(), DbError>) {
    let (begun, own, its) = (Instant::now(), own_cpu(), server.cpu_time());
    if let Err(error) = run() {
        eprintln!("{name}: {error}");
        return;
    }
    let wall = begun.elapsed();
    let (own, its) = (own_cpu() - own, server.cpu_time() - its);
    let per_row = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(rows);
    println!(
        "{name:8} {:9.0} rows/s, per row {:6.2} us here and {:6.2} us in the server",
        f64::from(rows) / wall.as_secs_f64(),
        per_row(own),
        per_row(its)
    );
}

fn run<K: Numbered>(
    database: &Database,
    mut connection: Box<dyn LeaseConnection<K>>,
    present: u32,
) -> Result<(), DbError>
where
    AddressOf<K>: Copy,
{
    let server = database.server();
    let mut next = 1;
    connection.begin()?;
    while next <= present {
        let leases: Vec<_> = (next..next + 1000).map(|number| K::lease(number, 1)).collect();
        connection.insert(&leases.iter().collect::<Vec<_>>())?;
        next += 1000;
    }
    connection.commit()?;
    for batch in [64, 256] {
        println!("batches of {batch}");
        let first = next;
        let count = batch * ROUNDS;
        let batches = || (0..ROUNDS).map(move |round| first + round * batch);
        let leases = |from: u32, cltt| -> Vec<K::Lease> {
            (from..from + batch).map(|number| K::lease(number, cltt)).collect()
        };
        measure(server, "insert", count, || {
            for from in batches() {
                connection.insert(&leases(from, 1).iter().collect::<Vec<_>>())?;
            }
            Ok(())
        });
        measure(server, "get", count, || {
            for from in batches() {
                let addresses: Vec<_> = leases(from, 1).iter().map(K::address).collect();
                connection.get(&addresses, &mut |_| ())?;
            }
            Ok(())
        });
        measure(server, "get none", count, || {
            for from in batches() {
                let addresses: Vec<_> =
                    leases(from + 8_000_000, 1).iter().map(K::address).collect();
                connection.get(&addresses, &mut |_| ())?;
            }
            Ok(())
        });
        measure(server, "find", count, || {
            for from in batches() {
                let wanted: Vec<_> = (from..from + batch).map(K::wanted).collect();
                connection.find(&wanted, &mut |_, _| ())?;
            }
            Ok(())
        });
        measure(server, "find none", count, || {
            for from in batches() {
                let from = from + 8_000_000;
                let wanted: Vec<_> = (from..from + batch).map(K::wanted).collect();
                connection.find(&wanted, &mut |_, _| ())?;
            }
            Ok(())
        });
        measure(server, "update", count, || {
            for from in batches() {
                let (old, new) = (leases(from, 1), leases(from, 2));
                connection.update(&old.iter().zip(&new).collect::<Vec<_>>())?;
            }
            Ok(())
        });
        next += count;
    }
    Ok(())
}

fn main() -> Result<(), DbError> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| words.iter().any(|one| one == word);
    let present = words.iter().find_map(|word| word.parse().ok().filter(|number| *number > 6));
    let settings = if has("relaxed") { Settings::relaxed() } else { Settings::default() };
    let server = Server::start(SqlKind::Postgresql, settings);
    let database = server.new_database();
    database.create_schema(if has("ours") { Schema::Ours } else { Schema::Debian });
    if has("oldest") {
        // The cost of the tables without what counts leases in them.
        database.sql(
            "ALTER TABLE lease4 DISABLE TRIGGER USER; ALTER TABLE lease6 DISABLE TRIGGER USER",
        );
    }
    let access = database.access_by_socket().unwrap_or_else(|| database.access());
    let present = present.unwrap_or(0);
    if has("6") {
        run::<V6>(&database, db_pgsql::open_leases6(&access)?, present)
    } else {
        run::<V4>(&database, db_pgsql::open_leases4(&access)?, present)
    }
}
