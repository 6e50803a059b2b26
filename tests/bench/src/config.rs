//! Configuration files and prepared lease files of the servers.
//!
//! All servers get the same work: lifetimes of a day, router, name servers and domain name as options, no ping check,
//! logging of errors only.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::net::SERVER_IF;
use crate::spec::{Durability, FILL_POOL, Kind, POOL_FIRST, Spec};

const LIFETIME_S: u64 = 86400;
const CSV_COLUMNS: &str = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,\
                           fqdn_rev,hostname,state,user_context";

/// Writes configuration and lease file into `folder`; returns the arguments of the server.
pub(crate) fn write(spec: &Spec, folder: &Path) -> io::Result<Vec<String>> {
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    match spec.kind {
        Kind::Kea | Kind::Ours => {
            std::fs::write(folder.join("kea.conf"), kea(spec, folder).to_string())?;
            if spec.leases > 0 || spec.fill.is_some() {
                kea_leases(spec, &folder.join("leases4.csv"))?;
            }
            Ok(vec!["-c".to_owned(), path("kea.conf")])
        }
        Kind::Dhcpd => {
            std::fs::write(folder.join("dhcpd.conf"), dhcpd(spec))?;
            dhcpd_leases(spec, &folder.join("dhcpd.leases"))?;
            let words = ["-f", "-4", "--no-pid", "-cf"].map(str::to_owned);
            let files = [path("dhcpd.conf"), "-lf".to_owned(), path("dhcpd.leases")];
            Ok([words.as_slice(), &files, &[SERVER_IF.to_owned()]].concat())
        }
        Kind::Null => Ok(vec!["null-server".to_owned()]),
    }
}

fn kea(spec: &Spec, folder: &Path) -> Value {
    let mut database = json!({
        "type": "memfile",
        "persist": spec.durability != Durability::None,
        "name": folder.join("leases4.csv"),
        "lfc-interval": 0,
    });
    if spec.kind == Kind::Ours && spec.durability == Durability::Kernel {
        database["durability"] = json!("kernel");
    }
    let threading = if spec.threads == 1 {
        json!({ "enable-multi-threading": false })
    } else {
        json!({
            "enable-multi-threading": true,
            "thread-pool-size": spec.threads,
            "packet-queue-size": 256,
        })
    };
    let subnets: Vec<Value> = spec.subnet_list().iter().enumerate().map(kea_subnet).collect();
    json!({ "Dhcp4": {
        "interfaces-config": {
            "interfaces": [SERVER_IF],
            "dhcp-socket-type": if spec.is_raw() { "raw" } else { "udp" },
        },
        "lease-database": database,
        "multi-threading": threading,
        "valid-lifetime": LIFETIME_S,
        "renew-timer": LIFETIME_S / 2,
        "rebind-timer": LIFETIME_S / 8 * 7,
        "option-data": [
            { "name": "domain-name-servers", "data": "10.0.0.53, 10.0.0.54" },
            { "name": "domain-name", "data": "example.org" },
        ],
        "subnet4": subnets,
        "loggers": [{
            "name": "kea-dhcp4",
            "severity": "ERROR",
            "output_options": [{ "output": folder.join("log") }],
        }],
    } })
}

fn kea_subnet((index, subnet): (usize, &crate::spec::Subnet)) -> Value {
    let text = |address| Ipv4Addr::from(address).to_string();
    let router = if subnet.prefix == 8 { subnet.network } else { subnet.first };
    json!({
        "id": index + 1,
        "subnet": format!("{}/{}", text(subnet.network), subnet.prefix),
        "pools": [{ "pool": format!("{} - {}", text(subnet.first), text(subnet.last)) }],
        "option-data": [{ "name": "routers", "data": text(router) }],
    })
}

/// Addresses that the lease file holds: the first ones, or a share of the pool spread evenly.
fn held_addresses(spec: &Spec) -> impl Iterator<Item = u32> {
    let (range, share) = match spec.fill {
        Some(percent) => (FILL_POOL, percent / 100.0),
        None => (spec.leases, 1.0),
    };
    let threshold = (share * 4_294_967_296.0) as u64;
    let chosen = move |index: &u32| {
        let hash = (u64::from(*index) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) < threshold
    };
    (0..range).filter(chosen).map(|index| POOL_FIRST + index)
}

/// Number of addresses that the lease file holds.
pub(crate) fn held_count(spec: &Spec) -> usize {
    held_addresses(spec).count()
}

fn mac_text(number: usize) -> String {
    let [.., a, b, c, d] = number.to_be_bytes();
    format!("06:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

fn kea_leases(spec: &Spec, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let expire = now_s() + LIFETIME_S - 600;
    writeln!(file, "{CSV_COLUMNS}")?;
    for (number, address) in held_addresses(spec).enumerate() {
        let (address, mac) = (Ipv4Addr::from(address), mac_text(number));
        writeln!(file, "{address},{mac},,{LIFETIME_S},{expire},1,0,0,,0,")?;
    }
    file.flush()
}

fn dhcpd(spec: &Spec) -> String {
    let mut text = format!(
        "authoritative; ping-check false;\n\
         default-lease-time {LIFETIME_S}; max-lease-time {LIFETIME_S};\n\
         option domain-name-servers 10.0.0.53, 10.0.0.54;\noption domain-name \"example.org\";\n"
    );
    if spec.delayed {
        text.push_str("delayed-ack 28; max-ack-delay 250000;\n");
    }
    if spec.durability != Durability::Disk {
        text.push_str("dont-use-fsync true;\n");
    }
    if spec.uses_block() {
        text.push_str("subnet 10.0.0.0 netmask 255.0.0.0 { }\n");
    }
    for subnet in spec.subnet_list() {
        let [network, first, last] =
            [subnet.network, subnet.first, subnet.last].map(Ipv4Addr::from);
        let mask = Ipv4Addr::from(u32::MAX << (32 - subnet.prefix));
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "subnet {network} netmask {mask} {{ option routers {first}; range {first} {last}; }}"
        );
    }
    text
}

fn dhcpd_leases(spec: &Spec, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let expire = now_s() + LIFETIME_S - 600;
    for (number, address) in held_addresses(spec).enumerate() {
        let (address, mac) = (Ipv4Addr::from(address), mac_text(number));
        writeln!(
            file,
            "lease {address} {{\n  starts epoch {};\n  ends epoch {expire};\n  \
             binding state active;\n  hardware ethernet {mac};\n}}",
            expire - LIFETIME_S
        )?;
    }
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::{dhcpd, held_addresses, held_count, kea};
    use crate::spec::{FILL_POOL, Spec};
    use std::path::Path;

    fn spec(text: &str) -> Spec {
        Spec::parse(text, &Spec::plain()).expect("a row")
    }

    #[test]
    fn fill_is_the_share_that_was_asked_for() {
        for percent in [0.0, 50.0, 90.0, 99.0, 99.9] {
            let held = held_count(&spec(&format!("ours:fill={percent}")));
            let share = held as f64 * 100.0 / f64::from(FILL_POOL);
            assert!((share - percent).abs() < 0.05, "{percent} asked for, {share} held");
        }
        assert_eq!(held_addresses(&spec("ours:leases=1000")).count(), 1000);
    }

    #[test]
    fn durability_reaches_the_configuration() {
        let folder = Path::new("folder");
        let database = |text: &str| kea(&spec(text), folder)["Dhcp4"]["lease-database"].clone();
        assert_eq!(database("ours")["persist"], true);
        assert!(database("ours")["durability"].is_null());
        assert_eq!(database("ours:durability=kernel")["durability"], "kernel");
        assert!(database("kea:durability=kernel")["durability"].is_null());
        assert_eq!(database("kea:durability=none")["persist"], false);
        assert!(!dhcpd(&spec("dhcpd")).contains("dont-use-fsync"));
        assert!(dhcpd(&spec("dhcpd:durability=none")).contains("dont-use-fsync"));
    }

    #[test]
    fn every_subnet_is_configured() {
        let config = kea(&spec("kea:subnets=100"), Path::new("folder"));
        let subnets = config["Dhcp4"]["subnet4"].as_array().expect("a list");
        assert_eq!(subnets.len(), 100);
        assert_eq!(subnets[1]["subnet"], "100.64.128.0/17");
        assert_eq!(dhcpd(&spec("dhcpd:subnets=100")).matches("range").count(), 100);
    }
}
