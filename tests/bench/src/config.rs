//! Configuration files and prepared lease files of the servers.
//!
//! All servers get the same work: lifetimes of a day, name servers and domain name (of DHCPv4 the router as well) as
//! options, no ping check, logging of errors only.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::net::{SERVER_IF, SERVER6};
use crate::policy;
use crate::spec::{DELEGATED_LEN, Durability, FILL_POOL, Family, Kind, Spec, Subnet, address_text};

const LIFETIME_S: u64 = 86400;
const PREFERRED_S: u64 = 50000;
const CSV_COLUMNS: &str = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,\
                           fqdn_rev,hostname,state,user_context";
const CSV_COLUMNS6: &str = "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,\
                            iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,state,user_context,\
                            hwtype,hwaddr_source";

/// Writes configuration and lease file into `folder`; returns the arguments of the server.
///
/// `access` is the database of a row that has one.
pub(crate) fn write(spec: &Spec, folder: &Path, access: Option<&Value>) -> io::Result<Vec<String>> {
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    match spec.kind {
        Kind::Kea | Kind::Ours => {
            std::fs::write(folder.join("kea.conf"), kea(spec, folder, access).to_string())?;
            if spec.leases > 0 || spec.fill.is_some() {
                kea_leases(spec, &folder.join(lease_file(spec.family)))?;
            }
            Ok(vec!["-c".to_owned(), path("kea.conf")])
        }
        Kind::Dhcpd => {
            let text = match spec.family {
                Family::V4 => dhcpd(spec),
                Family::V6 => dhcpd6(spec),
            };
            std::fs::write(folder.join("dhcpd.conf"), text)?;
            dhcpd_leases(spec, &folder.join("dhcpd.leases"))?;
            let words = ["-f", option(spec.family), "--no-pid", "-cf"].map(str::to_owned);
            let files = [path("dhcpd.conf"), "-lf".to_owned(), path("dhcpd.leases")];
            Ok([words.as_slice(), &files, &[SERVER_IF.to_owned()]].concat())
        }
        Kind::Null => Ok(vec!["null-server".to_owned(), option(spec.family).to_owned()]),
    }
}

/// What tells a server its protocol.
fn option(family: Family) -> &'static str {
    match family {
        Family::V4 => "-4",
        Family::V6 => "-6",
    }
}

fn lease_file(family: Family) -> &'static str {
    match family {
        Family::V4 => "leases4.csv",
        Family::V6 => "leases6.csv",
    }
}

fn kea(spec: &Spec, folder: &Path, access: Option<&Value>) -> Value {
    let mut database = json!({
        "type": "memfile",
        "persist": spec.durability != Durability::None,
        "name": folder.join(lease_file(spec.family)),
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
            "packet-queue-size": spec.queue,
        })
    };
    let (root, name, subnets) = match spec.family {
        Family::V4 => ("Dhcp4", "kea-dhcp4", "subnet4"),
        Family::V6 => ("Dhcp6", "kea-dhcp6", "subnet6"),
    };
    let mut config = match spec.family {
        Family::V4 => kea_of_v4(spec),
        Family::V6 => kea_of_v6(folder),
    };
    let subnet = |(index, subnet): (usize, &Subnet)| {
        let mut value = match spec.family {
            Family::V4 => kea_subnet4(subnet),
            Family::V6 => kea_subnet6(subnet, !spec.uses_block()),
        };
        value["id"] = json!(index + 1);
        value
    };
    config[subnets] = spec.subnet_list().iter().enumerate().map(subnet).collect();
    if let Some(access) = access {
        database = access.clone();
        if spec.hosts > 0 {
            config["hosts-database"] = access.clone();
        }
        if let (Some(seconds), Kind::Ours) = (spec.host_cache_s, spec.kind) {
            config["host-cache-time"] = json!(seconds);
        }
    } else if spec.hosts > 0 {
        config[subnets][0]["reservations"] = policy::hosts(spec);
    }
    if spec.classes > 0 {
        config["client-classes"] = policy::classes(spec);
    }
    config["lease-database"] = database;
    config["multi-threading"] = threading;
    if spec.stored {
        // Kea 2.2 refuses 0; so little of a lifetime is nothing to both.
        config["cache-threshold"] = json!(1e-9);
    }
    config["valid-lifetime"] = json!(LIFETIME_S);
    config["loggers"] = json!([{
        "name": name,
        "severity": "ERROR",
        "output_options": [{ "output": folder.join("log") }],
    }]);
    json!({ root: config })
}

fn kea_of_v4(spec: &Spec) -> Value {
    json!({
        "interfaces-config": {
            "interfaces": [SERVER_IF],
            "dhcp-socket-type": if spec.is_raw() { "raw" } else { "udp" },
        },
        "renew-timer": LIFETIME_S / 2,
        "rebind-timer": LIFETIME_S / 8 * 7,
        "option-data": [
            { "name": "domain-name-servers", "data": "10.0.0.53, 10.0.0.54" },
            { "name": "domain-name", "data": "example.org" },
        ],
    })
}

fn kea_of_v6(folder: &Path) -> Value {
    json!({
        "interfaces-config": { "interfaces": [SERVER_IF, format!("{SERVER_IF}/{SERVER6}")] },
        "data-directory": folder,
        "preferred-lifetime": PREFERRED_S,
        "renew-timer": PREFERRED_S / 2,
        "rebind-timer": PREFERRED_S / 5 * 4,
        "option-data": [
            { "name": "dns-servers", "data": "fd00:1::53, fd00:1::54" },
            { "name": "domain-search", "data": "example.org" },
        ],
    })
}

fn kea_subnet4(subnet: &Subnet) -> Value {
    let text = |address| address_text(Family::V4, address);
    let router = if subnet.prefix == 8 { subnet.network } else { subnet.first };
    json!({
        "subnet": format!("{}/{}", text(subnet.network), subnet.prefix),
        "pools": [{ "pool": format!("{} - {}", text(subnet.first), text(subnet.last)) }],
        "option-data": [{ "name": "routers", "data": text(router) }],
    })
}

fn kea_subnet6(subnet: &Subnet, on_link: bool) -> Value {
    let text = |address| address_text(Family::V6, address);
    let (prefixes, len) = subnet.delegated;
    let mut value = json!({
        "subnet": format!("{}/{}", text(subnet.network), subnet.prefix),
        "pools": [{ "pool": format!("{} - {}", text(subnet.first), text(subnet.last)) }],
        "pd-pools": [{
            "prefix": text(prefixes), "prefix-len": len, "delegated-len": DELEGATED_LEN,
        }],
    });
    if on_link {
        value["interface"] = json!(SERVER_IF);
    }
    value
}

/// What the lease file holds, as places in the pool: the first ones, or a share of the pool spread evenly.
fn held_places(spec: &Spec) -> impl Iterator<Item = u32> {
    let (range, share) = match spec.fill {
        Some(percent) => (FILL_POOL, percent / 100.0),
        None => (spec.leases, 1.0),
    };
    let threshold = (share * 4_294_967_296.0) as u64;
    let chosen = move |index: &u32| {
        let hash = (u64::from(*index) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) < threshold
    };
    (0..range).filter(chosen)
}

/// Number of clients whose leases the lease file holds.
pub(crate) fn held_count(spec: &Spec) -> usize {
    held_places(spec).count()
}

fn mac_text(number: usize) -> String {
    let [.., a, b, c, d] = number.to_be_bytes();
    format!("06:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// A lease of the lease file.
struct Held {
    mac: String,
    address: u128,
    /// 0 for an address.
    prefix_len: u32,
}

/// The leases of the lease file.
fn held(spec: &Spec) -> impl Iterator<Item = Held> {
    let ask = spec.ask();
    let pool = spec.family.ground().pool.0;
    let prefixes = spec.subnet_list().first().map_or(0, |subnet| subnet.delegated.0);
    held_places(spec).enumerate().flat_map(move |(number, place)| {
        let (mac, place) = (mac_text(number), u128::from(place));
        let address =
            ask.address().then(|| Held { mac: mac.clone(), address: pool + place, prefix_len: 0 });
        let prefix = prefixes + (place << (128 - DELEGATED_LEN));
        let prefix =
            ask.prefix().then_some(Held { mac, address: prefix, prefix_len: DELEGATED_LEN });
        address.into_iter().chain(prefix)
    })
}

fn kea_leases(spec: &Spec, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let expire = now_s() + LIFETIME_S - 600;
    match spec.family {
        Family::V4 => writeln!(file, "{CSV_COLUMNS}")?,
        Family::V6 => writeln!(file, "{CSV_COLUMNS6}")?,
    }
    for Held { mac, address, prefix_len } in held(spec) {
        let address = address_text(spec.family, address);
        match spec.family {
            Family::V4 => writeln!(file, "{address},{mac},,{LIFETIME_S},{expire},1,0,0,,0,")?,
            Family::V6 => {
                let (kind, len) = if prefix_len == 0 { (0, 128) } else { (2, prefix_len) };
                writeln!(
                    file,
                    "{address},00:03:00:01:{mac},{LIFETIME_S},{expire},1,{PREFERRED_S},{kind},1,{len},\
                     0,0,,{mac},0,,1,2"
                )?;
            }
        }
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
        let [network, first, last] = [subnet.network, subnet.first, subnet.last]
            .map(|address| address_text(Family::V4, address));
        let mask = Ipv4Addr::from(u32::MAX << (32 - subnet.prefix));
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "subnet {network} netmask {mask} {{ option routers {first}; range {first} {last}; }}"
        );
    }
    text
}

fn dhcpd6(spec: &Spec) -> String {
    let mut text = format!(
        "authoritative; default-lease-time {LIFETIME_S}; preferred-lifetime {PREFERRED_S};\n\
         option dhcp-renewal-time {}; option dhcp-rebinding-time {};\n\
         option dhcp6.name-servers fd00:1::53, fd00:1::54;\n\
         option dhcp6.domain-search \"example.org\";\n",
        PREFERRED_S / 2,
        PREFERRED_S / 5 * 4
    );
    if spec.durability != Durability::Disk {
        text.push_str("dont-use-fsync true;\n");
    }
    if spec.uses_block() {
        text.push_str("subnet6 fd00:1::/64 { }\n");
    }
    for subnet in spec.subnet_list() {
        let (prefixes, len) = subnet.delegated;
        let last_prefix = prefixes | ((1 << (128 - len)) - (1 << (128 - DELEGATED_LEN)));
        let [network, first, last, prefixes, last_prefix] =
            [subnet.network, subnet.first, subnet.last, prefixes, last_prefix].map(Ipv6Addr::from);
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "subnet6 {network}/{} {{ range6 {first} {last}; prefix6 {prefixes} {last_prefix} \
             /{DELEGATED_LEN}; }}",
            subnet.prefix
        );
    }
    text
}

fn dhcpd_leases(spec: &Spec, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let expire = now_s() + LIFETIME_S - 600;
    let start = expire - LIFETIME_S;
    for Held { mac, address, prefix_len } in held(spec) {
        let text = address_text(spec.family, address);
        if spec.family == Family::V4 {
            writeln!(
                file,
                "lease {text} {{\n  starts epoch {start};\n  ends epoch {expire};\n  \
                 binding state active;\n  hardware ethernet {mac};\n}}"
            )?;
            continue;
        }
        let (ia, entry) = match prefix_len {
            0 => ("ia-na", format!("iaaddr {text}")),
            len => ("ia-pd", format!("iaprefix {text}/{len}")),
        };
        // Number of the association and DUID, each byte as a hexadecimal escape.
        let key = format!("00:00:00:01:00:03:00:01:{mac}").replace(':', "\\x");
        writeln!(
            file,
            "{ia} \"\\x{key}\" {{\n  cltt epoch {start};\n  {entry} {{\n    \
             binding state active;\n    preferred-life {PREFERRED_S};\n    \
             max-life {LIFETIME_S};\n    ends epoch {expire};\n  }}\n}}"
        )?;
    }
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::{dhcpd, dhcpd6, held, held_count, kea};
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
        assert_eq!(held(&spec("ours:leases=1000")).count(), 1000);
        assert_eq!(held(&spec("ours6:leases=1000,pd")).count(), 1000);
        assert_eq!(held(&spec("ours6:leases=1000,both")).count(), 2000);
    }

    #[test]
    fn durability_reaches_the_configuration() {
        let folder = Path::new("folder");
        let database =
            |text: &str| kea(&spec(text), folder, None)["Dhcp4"]["lease-database"].clone();
        assert_eq!(database("ours")["persist"], true);
        assert!(database("ours")["durability"].is_null());
        assert_eq!(database("ours:durability=kernel")["durability"], "kernel");
        assert!(database("kea:durability=kernel")["durability"].is_null());
        assert_eq!(database("kea:durability=none")["persist"], false);
        assert!(!dhcpd(&spec("dhcpd")).contains("dont-use-fsync"));
        assert!(dhcpd(&spec("dhcpd:durability=none")).contains("dont-use-fsync"));
        assert!(dhcpd6(&spec("dhcpd6:durability=kernel")).contains("dont-use-fsync"));
    }

    #[test]
    fn every_subnet_is_configured() {
        let config = kea(&spec("kea:subnets=100"), Path::new("folder"), None);
        let subnets = config["Dhcp4"]["subnet4"].as_array().expect("a list");
        assert_eq!(subnets.len(), 100);
        assert_eq!(subnets[1]["subnet"], "100.64.128.0/17");
        assert_eq!(dhcpd(&spec("dhcpd:subnets=100")).matches("range").count(), 100);
        let config = kea(&spec("kea6:subnets=100"), Path::new("folder"), None);
        let subnets = config["Dhcp6"]["subnet6"].as_array().expect("a list");
        assert_eq!(subnets.len(), 100);
        assert_eq!(subnets[1]["subnet"], "fd00:2:0:200::/55");
        assert_eq!(
            subnets[1]["pools"][0]["pool"],
            "fd00:2:0:200:1:: - fd00:2:0:200:1:ffff:ffff:ffff"
        );
        assert_eq!(subnets[1]["pd-pools"][0]["prefix"], "4000:4000::");
        assert_eq!(dhcpd6(&spec("dhcpd6:subnets=100")).matches("range6").count(), 100);
    }
}
