//! What one row of a table is: a server and the conditions that it is measured under.
//!
//! Written as `SERVER[:KEY=VALUE[,KEY=VALUE]...]`, for example `kea:subnets=10000` or `ours6:durability=kernel`. Servers
//! whose name ends in 6 serve DHCPv6.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use libdhcpsrv::config::SqlKind;

use crate::load::WINDOW_MAX;
use crate::wire::Ask;

/// Addresses or prefixes of the pool of a single subnet when it is filled to a share.
pub(crate) const FILL_POOL: u32 = 1 << 20;
/// Most subnets and relays.
const SUBNETS_MAX: u32 = 16384;
/// Free addresses of dhcpd's pool of DHCPv4: it prepares a record for each, and slows down with their number.
const DHCPD_POOL: u32 = 16384;
/// Length of delegated prefixes.
pub(crate) const DELEGATED_LEN: u32 = 64;
/// Prefixes of a subnet: 2^46 of them, cut from 4000::/4.
const PREFIXES_FIRST: u128 = 0x4000 << 112;
const PREFIXES_LEN: u32 = 18;

/// A protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Family {
    /// DHCPv4.
    V4,
    /// DHCPv6.
    V6,
}

/// Where a family has its subnets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ground {
    /// Bits of an address.
    bits: u32,
    /// A single subnet: network and length of its prefix.
    network: (u128, u32),
    /// First and last address of its pool.
    pub(crate) pool: (u128, u128),
    /// First address of the block that many subnets are cut from.
    block: u128,
    /// The block consists of this many cells.
    cells: u32,
    /// Bits of an address within a cell.
    cell_bits: u32,
    /// Cells of the smallest subnet.
    cells_min: u32,
    /// Where the pool of one of many subnets begins.
    pool_offset: u128,
}

impl Family {
    /// Where its subnets are.
    pub(crate) const fn ground(self) -> Ground {
        match self {
            // 10.0.0.0/8, and 100.64.0.0/10 for many.
            Self::V4 => Ground {
                bits: 32,
                network: (0x0a00_0000, 8),
                pool: (0x0a10_0000, 0x0aff_fffe),
                block: 0x6440_0000,
                cells: 1 << 22,
                cell_bits: 0,
                cells_min: 256,
                pool_offset: 10,
            },
            // fd00:1::/64 with a pool of a /80 in it, and fd00:2::/48 for many.
            Self::V6 => Ground {
                bits: 128,
                network: (0xfd00_0001 << 96, 64),
                pool: (0xfd00_0001 << 96 | 1 << 48, 0xfd00_0001 << 96 | ((2 << 48) - 1)),
                block: 0xfd00_0002 << 96,
                cells: 1 << 16,
                cell_bits: 64,
                cells_min: 1,
                pool_offset: 1 << 48,
            },
        }
    }
}

impl Ground {
    /// Distance of `count` subnets or relays in the block: the largest power of two that fits.
    fn stride(&self, count: u32) -> u128 {
        let cells = (1_u128 << (self.cells / count).ilog2()).max(self.cells_min.into());
        cells << self.cell_bits
    }
}

/// A server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// ISC dhcpd.
    Dhcpd,
    /// Debian's Kea.
    Kea,
    /// An echo server without state inside this program: the cost of the path.
    Null,
    /// The server of this workspace.
    Ours,
}

/// What is promised to a client whose lease is acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Durability {
    /// The lease survives a power failure (Kea has no such mode and gets `Kernel`).
    Disk,
    /// The lease survives the end of the process.
    Kernel,
    /// Memory only.
    None,
}

/// Conditions of one row.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    /// As the user wrote it.
    pub(crate) text: String,
    pub(crate) family: Family,
    pub(crate) kind: Kind,
    /// Clients of DHCPv6 ask for prefixes instead of addresses.
    pub(crate) pd: bool,
    /// Clients of DHCPv6 ask for an address and a prefix.
    pub(crate) both: bool,
    pub(crate) durability: Durability,
    /// Clients broadcast on the server's link instead of coming through relays.
    pub(crate) direct: bool,
    /// Packet sockets instead of UDP sockets.
    pub(crate) raw: Option<bool>,
    pub(crate) subnets: u32,
    /// Number of relays that the clients are spread over; `None`: one in every subnet.
    pub(crate) relays: Option<u32>,
    /// Leases in the lease file at the start.
    pub(crate) leases: u32,
    /// Host reservations of every eighth client.
    pub(crate) hosts: u32,
    /// Client classes, of which every client is in one.
    pub(crate) classes: u32,
    /// Percent of the pool that the lease file holds at the start.
    pub(crate) fill: Option<f64>,
    pub(crate) threads: u32,
    /// `packet-queue-size`, of more threads than one.
    pub(crate) queue: u32,
    /// Leases, and the hosts, are in a database instead of a file and the configuration.
    pub(crate) database: Option<SqlKind>,
    /// The database has the tables of this repository instead of Debian's.
    pub(crate) own_schema: bool,
    /// Debian's tables have the functions of `kea-admin stats-triggers`.
    pub(crate) triggers: bool,
    /// Leases in the database at the start.
    pub(crate) rows: u32,
    /// Ours: seconds for which hosts of a database are remembered; `None` for what is usual.
    pub(crate) host_cache_s: Option<u32>,
    pub(crate) window: usize,
    pub(crate) rate: Option<f64>,
    /// Every client gives its address back at once, so that the fill of the pool stays.
    pub(crate) release: bool,
    /// Measures renewals after the exchanges.
    pub(crate) renew: bool,
    /// Every renewal is stored, as of clients that renew at half of the lifetime. By default a lease that is younger than
    /// a quarter of it is left as it is.
    pub(crate) stored: bool,
    /// Measures latencies at half of the rate that was reached.
    pub(crate) half: bool,
    /// dhcpd: acknowledgements wait for a common fsync.
    pub(crate) delayed: bool,
}

/// A subnet of the configuration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Subnet {
    pub(crate) network: u128,
    pub(crate) prefix: u32,
    pub(crate) first: u128,
    pub(crate) last: u128,
    /// Network that prefixes are delegated from, and its length.
    pub(crate) delegated: (u128, u32),
}

impl Spec {
    /// Reads a row; what it does not say is taken from `defaults`.
    pub(crate) fn parse(text: &str, defaults: &Self) -> Result<Self, String> {
        let (name, keys) = text.split_once(':').unwrap_or((text, ""));
        let mut spec = Self { text: text.to_owned(), ..defaults.clone() };
        let (server, family) = match name.strip_suffix('6') {
            Some(server) => (server, Family::V6),
            None => (name, Family::V4),
        };
        spec.family = family;
        spec.kind = match server {
            "dhcpd" => Kind::Dhcpd,
            "kea" => Kind::Kea,
            "null" => Kind::Null,
            "ours" => Kind::Ours,
            _ => return Err(format!("`{name}`: servers are ours, kea, dhcpd, null, ours6, ...")),
        };
        for pair in keys.split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, "1"));
            spec.set(key, value)?;
        }
        spec.check()?;
        Ok(spec)
    }

    /// A relayed closed loop on one subnet, durable, nothing in the lease file.
    pub(crate) fn plain() -> Self {
        Self {
            text: String::new(),
            family: Family::V4,
            kind: Kind::Ours,
            pd: false,
            both: false,
            durability: Durability::Disk,
            direct: false,
            raw: None,
            subnets: 1,
            relays: None,
            leases: 0,
            hosts: 0,
            classes: 0,
            fill: None,
            threads: 1,
            queue: 256,
            database: None,
            own_schema: false,
            triggers: false,
            rows: 0,
            host_cache_s: None,
            window: 64,
            rate: None,
            release: false,
            renew: false,
            stored: false,
            half: false,
            delayed: false,
        }
    }

    /// Sets one condition.
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "both" => self.both = flag(key, value)?,
            "classes" => self.classes = number(key, value)?,
            "database" => self.database = Some(database(value)?),
            "delayed" => self.delayed = flag(key, value)?,
            "durability" => self.durability = value.parse()?,
            "fill" => self.fill = Some(number(key, value)?),
            "half" => self.half = flag(key, value)?,
            "host-cache" => self.host_cache_s = Some(number(key, value)?),
            "hosts" => self.hosts = number(key, value)?,
            "leases" => self.leases = number(key, value)?,
            "link" => self.direct = choice(key, value, ["relay", "direct"])?,
            "pd" => self.pd = flag(key, value)?,
            "queue" => self.queue = number(key, value)?,
            "rate" => self.rate = Some(number(key, value)?),
            "relays" => self.relays = Some(number(key, value)?),
            "release" => self.release = flag(key, value)?,
            "renew" => self.renew = flag(key, value)?,
            "rows" => self.rows = number(key, value)?,
            "schema" => self.own_schema = choice(key, value, ["debian", "ours"])?,
            "socket" => self.raw = Some(choice(key, value, ["udp", "raw"])?),
            "stored" => self.stored = flag(key, value)?,
            "subnets" => self.subnets = number(key, value)?,
            "threads" => self.threads = number(key, value)?,
            "triggers" => self.triggers = flag(key, value)?,
            "window" => self.window = number(key, value)?,
            _ => return Err(format!("`{key}` is no condition of a row")),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let refuse = |text: &str| Err(format!("{}: {text}", self.text));
        if self.direct && (self.subnets > 1 || self.relays.is_some()) {
            return refuse("direct clients are all in one subnet, without relays");
        }
        if self.direct && self.renew {
            return refuse("renewals are measured through a relay");
        }
        if self.family == Family::V4 && (self.pd || self.both) {
            return refuse("prefixes are delegated by DHCPv6 only");
        }
        if self.family == Family::V6 && (self.delayed || self.is_packet_socket()) {
            return refuse("DHCPv6 has neither packet sockets nor delayed-ack");
        }
        if self.pd && self.both {
            return refuse("pd asks for a prefix alone");
        }
        let most = 1..=SUBNETS_MAX;
        if !most.contains(&self.subnets) || !most.contains(&self.relay_count()) {
            return refuse("1 to 16384 subnets and relays");
        }
        if self.hosts > 0 && self.uses_block() {
            return refuse("hosts are in one subnet with one relay only");
        }
        if self.kind == Kind::Dhcpd && self.hosts + self.classes > 0 {
            return refuse("hosts and classes are configured for Kea and ours only");
        }
        let prepared = self.fill.is_some() || self.leases > 0;
        if prepared && (self.subnets > 1 || self.relays.is_some()) {
            return refuse("leases are prepared for one subnet with one relay only");
        }
        if prepared && self.durability == Durability::None {
            return refuse(
                "a server that stores nothing reads no lease file (durability=kernel does)",
            );
        }
        if self.fill.is_some_and(|percent| !(0.0..100.0).contains(&percent)) {
            return refuse("a pool is filled from 0 to below 100 percent");
        }
        if self.window == 0 || self.window > WINDOW_MAX || self.threads == 0 {
            return refuse("window 1 to 4095, threads at least 1");
        }
        if self.database.is_some() {
            if matches!(self.kind, Kind::Dhcpd | Kind::Null) {
                return refuse("Kea and ours have databases");
            }
            if prepared || self.pd || self.both {
                return refuse("leases of addresses are prepared in a database with rows=NUMBER");
            }
            if self.rows > 0 && self.uses_block() {
                return refuse("leases are prepared for one subnet with one relay only");
            }
        } else if self.rows > 0 || self.own_schema || self.host_cache_s.is_some() {
            return refuse("rows, schema and host-cache are conditions of a database");
        }
        if self.triggers && (self.database != Some(SqlKind::Postgresql) || self.own_schema) {
            return refuse("triggers are replaced in Debian's tables of PostgreSQL");
        }
        if self.half && self.rate.is_some() {
            return refuse("half of the rate that was reached is measured after a closed loop");
        }
        if self.release && self.renew {
            return refuse("a released lease cannot be renewed");
        }
        Ok(())
    }

    fn is_packet_socket(&self) -> bool {
        self.raw == Some(true)
    }

    /// True when packet sockets are configured: by wish, else for direct clients of DHCPv4.
    pub(crate) fn is_raw(&self) -> bool {
        self.raw.unwrap_or(self.direct && self.family == Family::V4)
    }

    /// What clients ask for.
    pub(crate) fn ask(&self) -> Ask {
        match (self.both, self.pd) {
            (true, _) => Ask::Both,
            (_, true) => Ask::Prefix,
            _ => Ask::Address,
        }
    }

    /// Number of relays.
    pub(crate) fn relay_count(&self) -> u32 {
        self.relays.unwrap_or(self.subnets)
    }

    /// True when subnets are cut from the block of many; else there is one subnet with the only relay in it.
    pub(crate) fn uses_block(&self) -> bool {
        self.subnets > 1 || self.relays.is_some()
    }

    /// What rows of one server have in common.
    pub(crate) fn server(&self) -> (Family, Kind, Durability) {
        (self.family, self.kind, self.durability)
    }

    /// Distance of two relays.
    pub(crate) fn relay_stride(&self) -> u128 {
        self.family.ground().stride(self.relay_count())
    }

    /// First address of the first subnet when there are many.
    pub(crate) fn first_network(&self) -> u128 {
        self.family.ground().block
    }

    /// The subnets with their pools.
    pub(crate) fn subnet_list(&self) -> Vec<Subnet> {
        let ground = self.family.ground();
        let few = (self.family, self.kind) == (Family::V4, Kind::Dhcpd);
        if !self.uses_block() {
            let (first, last) = ground.pool;
            let (last, prefixes_len) = match self.fill {
                Some(_) => (first + u128::from(FILL_POOL - 1), DELEGATED_LEN - FILL_POOL.ilog2()),
                None if few => (first + u128::from(self.leases + DHCPD_POOL - 1), PREFIXES_LEN),
                None => (last, PREFIXES_LEN),
            };
            let (network, prefix) = ground.network;
            let delegated = (PREFIXES_FIRST, prefixes_len);
            return vec![Subnet { network, prefix, first, last, delegated }];
        }
        let stride = ground.stride(self.subnets);
        let subnet = |index: u32| {
            let network = ground.block + u128::from(index) * stride;
            let last = match self.family {
                Family::V4 if few => {
                    network + 9 + u128::from(DHCPD_POOL / self.subnets).clamp(16, stride - 12)
                }
                Family::V4 => network + stride - 2,
                Family::V6 => network + 2 * ground.pool_offset - 1,
            };
            let prefixes = PREFIXES_FIRST + (u128::from(index) << (128 - PREFIXES_LEN));
            let prefix = ground.bits - stride.ilog2();
            let first = network + ground.pool_offset;
            Subnet { network, prefix, first, last, delegated: (prefixes, PREFIXES_LEN) }
        };
        (0..self.subnets).map(subnet).collect()
    }

    /// How many exchanges the pools bear, with a reserve for uneven spread.
    pub(crate) fn exchanges_max(&self) -> u64 {
        if self.release {
            return u64::MAX;
        }
        let list = self.subnet_list();
        let addresses = |subnet: &Subnet| (subnet.last - subnet.first) as f64 + 1.0;
        let prefixes = |subnet: &Subnet| f64::from(DELEGATED_LEN - subnet.delegated.1).exp2();
        let size: f64 = match self.ask() {
            Ask::Address => list.iter().map(addresses).sum(),
            Ask::Prefix => list.iter().map(prefixes).sum(),
            Ask::Both => list.iter().map(|subnet| addresses(subnet).min(prefixes(subnet))).sum(),
        };
        let held = match self.fill {
            Some(percent) => f64::from(FILL_POOL) * percent / 100.0,
            None => f64::from(self.leases) + f64::from(self.rows),
        };
        let share = if self.uses_block() { 0.7 } else { 0.97 };
        ((size - held) * share) as u64
    }
}

/// An address of a family as text.
pub(crate) fn address_text(family: Family, address: u128) -> String {
    match family {
        Family::V4 => Ipv4Addr::from(address as u32).to_string(),
        Family::V6 => Ipv6Addr::from(address).to_string(),
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl FromStr for Durability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "disk" => Ok(Self::Disk),
            "kernel" => Ok(Self::Kernel),
            "none" => Ok(Self::None),
            _ => Err(format!("durability `{text}`: disk, kernel or none")),
        }
    }
}

fn database(value: &str) -> Result<SqlKind, String> {
    match value {
        "mysql" => Ok(SqlKind::Mysql),
        "pgsql" => Ok(SqlKind::Postgresql),
        _ => Err(format!("database=`{value}`: mysql or pgsql")),
    }
}

fn number<T: FromStr>(key: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{key}=`{value}` is not a number in range"))
}

fn flag(key: &str, value: &str) -> Result<bool, String> {
    choice(key, value, ["0", "1"])
}

/// True for the second of two words.
fn choice(key: &str, value: &str, words: [&str; 2]) -> Result<bool, String> {
    let at = words.iter().position(|word| *word == value);
    at.map(|at| at == 1).ok_or_else(|| format!("{key}=`{value}`: {} or {}", words[0], words[1]))
}

#[cfg(test)]
mod tests {
    use super::{Durability, Family, Kind, Spec};

    #[test]
    fn rows_are_read_over_defaults() {
        let mut defaults = Spec::plain();
        defaults.set("window", "16").expect("a window");
        let spec = Spec::parse("kea:subnets=100,durability=none,renew", &defaults).expect("a row");
        assert_eq!((spec.kind, spec.subnets, spec.window, spec.renew), (Kind::Kea, 100, 16, true));
        assert_eq!(spec.durability, Durability::None);
    }

    #[test]
    fn contradictions_are_refused() {
        for text in [
            "isc",
            "kea:colour=red",
            "kea:link=direct,subnets=2",
            "ours:fill=100",
            "ours:window=0",
            "ours:subnets=20000",
            "ours:leases=many",
            "ours:leases=5,durability=none",
            "ours:link=direct,relays=2",
            "ours:pd",
            "ours6:pd,both",
            "ours6:socket=raw",
            "dhcpd6:delayed",
            "dhcpd:database=mysql",
            "ours:database=sqlite",
            "ours:database=pgsql,leases=5",
            "ours:rows=5",
            "kea:half,rate=5",
            "ours66",
        ] {
            assert!(Spec::parse(text, &Spec::plain()).is_err(), "{text} was taken");
        }
    }

    #[test]
    fn one_subnet_holds_all_relays() {
        let spec = Spec::parse("kea:subnets=1,relays=10000", &Spec::plain()).expect("a row");
        let subnet = spec.subnet_list()[0];
        assert_eq!((subnet.network, subnet.prefix), (0x6440_0000, 10));
        assert_eq!(spec.relay_stride(), 256);
    }

    #[test]
    fn subnets_do_not_overlap_and_fit() {
        for (server, end) in [("kea", 0x6480_0000), ("kea6", 0xfd00_0002_0001 << 80)] {
            for count in [2, 3, 100, 1000, 1024, 10_000, 16_384] {
                let text = format!("{server}:subnets={count}");
                let spec = Spec::parse(&text, &Spec::plain()).expect("a row");
                let bits = spec.family.ground().bits;
                let list = spec.subnet_list();
                assert_eq!(list.len(), count as usize);
                for pair in list.windows(2) {
                    assert!(pair[0].last < pair[1].network);
                    let distance = pair[1].network - pair[0].network;
                    assert_eq!(distance, 1 << (bits - pair[0].prefix));
                    let distance = pair[1].delegated.0 - pair[0].delegated.0;
                    assert_eq!(distance, 1 << (128 - pair[0].delegated.1));
                }
                assert_eq!(list[0].network, spec.first_network());
                assert!(list[list.len() - 1].last < end, "{count} subnets leave the block");
            }
        }
    }

    #[test]
    fn names_of_servers_say_the_family() {
        let family = |text| Spec::parse(text, &Spec::plain()).expect("a row").family;
        assert_eq!(family("null"), Family::V4);
        assert_eq!(family("null6"), Family::V6);
        assert_eq!(family("dhcpd6:pd"), Family::V6);
    }
}
