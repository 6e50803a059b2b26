//! What batches of leases cost: `batch SOCKET USER DATABASE PID [BATCH]`, with the process of the database server,
//! whose CPU time is counted. Empties the table `lease4`, whose schema it finds there.

use std::error::Error;
use std::fs;
use std::net::Ipv4Addr;
use std::time::Instant;

use database::Wanted;
use libdhcpsrv::config::{SqlAccess, SqlKind};
use libdhcpsrv::lease::SubnetId;
use libdhcpsrv::lease4::{Lease4, OwnedClientKey, V4};

const ROWS: u32 = 20_480;

/// CPU time of a process in microseconds.
fn cpu_us(pid: &str) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let times = tasks.filter_map(|task| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    times.sum::<f64>() / 1000.0
}

fn lease(number: u32) -> Lease4 {
    let scattered = number.wrapping_mul(2_654_435_761).to_be_bytes();
    Lease4 {
        address: Ipv4Addr::from(0x0a00_0000 + number),
        hw: [[2, 0].as_slice(), &scattered].concat(),
        client_id: [[1, 2, 0].as_slice(), &scattered].concat(),
        valid_lifetime: 3600,
        cltt: 1_800_000_000,
        subnet_id: SubnetId(1),
        ..Lease4::default()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [socket, user, name, pid, rest @ ..] = arguments.as_slice() else {
        return Err("batch SOCKET USER DATABASE PID [BATCH]".into());
    };
    let batch: usize = rest.first().map_or(Ok(64), |text| text.parse())?;
    let access = SqlAccess {
        host: socket.clone(),
        user: user.clone(),
        ..SqlAccess::new(SqlKind::Mysql, name.as_str())
    };
    let mut connection = db_mysql::open_leases4(&access)?;
    let leases: Vec<Lease4> = (0..ROWS).map(lease).collect();
    let wanted: Vec<Wanted<V4>> = leases
        .iter()
        .map(|lease| Wanted {
            client: OwnedClientKey {
                hw_type: 1,
                hw: lease.hw.clone(),
                client_id: lease.client_id.clone(),
            },
            subnet: lease.subnet_id,
        })
        .collect();
    loop {
        let (page, next) = connection.page(None, 1000)?;
        connection.delete(&page.iter().collect::<Vec<_>>())?;
        if next.is_none() {
            break;
        }
    }
    let renewed: Vec<Lease4> =
        leases.iter().map(|lease| Lease4 { cltt: lease.cltt + 1, ..lease.clone() }).collect();
    let steps =
        ["find nothing", "get nothing", "insert", "find", "get", "update", "update back", "delete"];
    for step in steps {
        let (server, own, start) = (cpu_us(pid), cpu_us("self"), Instant::now());
        let pieces = leases.chunks(batch).zip(renewed.chunks(batch)).zip(wanted.chunks(batch));
        for ((old, new), clients) in pieces {
            let old_refs: Vec<_> = old.iter().collect();
            let there: Vec<_> = old.iter().zip(new).collect();
            let back: Vec<_> = new.iter().zip(old).collect();
            let addresses: Vec<_> = old.iter().map(|lease| lease.address).collect();
            match step {
                "insert" => drop(connection.insert(&old_refs)?),
                "find" | "find nothing" => connection.find(clients, &mut |_, _| {})?,
                "get" | "get nothing" => connection.get(&addresses, &mut |_| {})?,
                "update" => drop(connection.update(&there)?),
                "update back" => drop(connection.update(&back)?),
                _ => drop(connection.delete(&old_refs)?),
            }
        }
        let per = |us: f64| us / f64::from(ROWS);
        println!(
            "{step:14} batch {batch:4}: server {:6.2} us, client {:6.2} us, {:6.0} rows/s",
            per(cpu_us(pid) - server),
            per(cpu_us("self") - own),
            f64::from(ROWS) / start.elapsed().as_secs_f64(),
        );
    }
    Ok(())
}
