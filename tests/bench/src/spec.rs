//! What one row of a table is: a server and the conditions that it is measured under.
//!
//! Written as `SERVER[:KEY=VALUE[,KEY=VALUE]...]`, for example `kea:subnets=10000` or `ours:durability=kernel`.

use std::fmt;
use std::str::FromStr;

use crate::load::WINDOW_MAX;

/// Addresses of the pool of a single subnet when it is filled to a share.
pub(crate) const FILL_POOL: u32 = 1 << 20;
/// First address of the pool of a single subnet.
pub(crate) const POOL_FIRST: u32 = 0x0a10_0000;
/// Last address of the pool of a single subnet.
const POOL_LAST: u32 = 0x0aff_fffe;
/// First address of the block that many subnets are cut from (100.64.0.0/10), and its size.
const SUBNETS_FIRST: u32 = 0x6440_0000;
const SUBNETS_SIZE: u32 = 1 << 22;
/// Free addresses of dhcpd's pool: it prepares a record for each, and slows down with their number.
const DHCPD_POOL: u32 = 16384;

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
    pub(crate) kind: Kind,
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
    /// Percent of the pool that the lease file holds at the start.
    pub(crate) fill: Option<f64>,
    pub(crate) threads: u32,
    pub(crate) window: usize,
    pub(crate) rate: Option<f64>,
    /// Every client gives its address back at once, so that the fill of the pool stays.
    pub(crate) release: bool,
    /// Measures renewals after the exchanges.
    pub(crate) renew: bool,
    /// dhcpd: acknowledgements wait for a common fsync.
    pub(crate) delayed: bool,
}

/// A subnet of the configuration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Subnet {
    pub(crate) network: u32,
    pub(crate) prefix: u32,
    pub(crate) first: u32,
    pub(crate) last: u32,
}

impl Spec {
    /// Reads a row; what it does not say is taken from `defaults`.
    pub(crate) fn parse(text: &str, defaults: &Self) -> Result<Self, String> {
        let (name, keys) = text.split_once(':').unwrap_or((text, ""));
        let mut spec = Self { text: text.to_owned(), ..defaults.clone() };
        spec.kind = match name {
            "dhcpd" => Kind::Dhcpd,
            "kea" => Kind::Kea,
            "null" => Kind::Null,
            "ours" => Kind::Ours,
            _ => return Err(format!("`{name}`: servers are ours, kea, dhcpd, null")),
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
            kind: Kind::Ours,
            durability: Durability::Disk,
            direct: false,
            raw: None,
            subnets: 1,
            relays: None,
            leases: 0,
            fill: None,
            threads: 1,
            window: 64,
            rate: None,
            release: false,
            renew: false,
            delayed: false,
        }
    }

    /// Sets one condition.
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "delayed" => self.delayed = flag(key, value)?,
            "durability" => self.durability = value.parse()?,
            "fill" => self.fill = Some(number(key, value)?),
            "leases" => self.leases = number(key, value)?,
            "link" => self.direct = choice(key, value, ["relay", "direct"])?,
            "rate" => self.rate = Some(number(key, value)?),
            "relays" => self.relays = Some(number(key, value)?),
            "release" => self.release = flag(key, value)?,
            "renew" => self.renew = flag(key, value)?,
            "socket" => self.raw = Some(choice(key, value, ["udp", "raw"])?),
            "subnets" => self.subnets = number(key, value)?,
            "threads" => self.threads = number(key, value)?,
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
        let most = 1..=SUBNETS_SIZE / 256;
        if !most.contains(&self.subnets) || !most.contains(&self.relay_count()) {
            return refuse("1 to 16384 subnets and relays");
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
            return refuse("window 1 to 4096, threads at least 1");
        }
        if self.release && self.renew {
            return refuse("a released lease cannot be renewed");
        }
        Ok(())
    }

    /// True when packet sockets are configured: by wish, else for direct clients.
    pub(crate) fn is_raw(&self) -> bool {
        self.raw.unwrap_or(self.direct)
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
    pub(crate) fn server(&self) -> (Kind, Durability) {
        (self.kind, self.durability)
    }

    /// Distance of two relays.
    pub(crate) fn relay_stride(&self) -> u32 {
        stride(self.relay_count())
    }

    /// First address of the first subnet when there are many.
    pub(crate) fn first_network() -> u32 {
        SUBNETS_FIRST
    }

    /// The subnets with their pools.
    pub(crate) fn subnet_list(&self) -> Vec<Subnet> {
        if !self.uses_block() {
            let last = match (self.fill, self.kind) {
                (Some(_), _) => POOL_FIRST + FILL_POOL - 1,
                (None, Kind::Dhcpd) => POOL_FIRST + self.leases + DHCPD_POOL - 1,
                (None, _) => POOL_LAST,
            };
            return vec![Subnet { network: 0x0a00_0000, prefix: 8, first: POOL_FIRST, last }];
        }
        let stride = stride(self.subnets);
        let subnet = |index| {
            let network = SUBNETS_FIRST + index * stride;
            let last = match self.kind {
                Kind::Dhcpd => network + 9 + (DHCPD_POOL / self.subnets).clamp(16, stride - 12),
                _ => network + stride - 2,
            };
            Subnet { network, prefix: 32 - stride.ilog2(), first: network + 10, last }
        };
        (0..self.subnets).map(subnet).collect()
    }

    /// How many exchanges the pools bear, with a reserve for uneven spread.
    pub(crate) fn exchanges_max(&self) -> u64 {
        if self.release {
            return u64::MAX;
        }
        let list = self.subnet_list();
        let size: u64 = list.iter().map(|subnet| u64::from(subnet.last - subnet.first + 1)).sum();
        let held = match self.fill {
            Some(percent) => f64::from(FILL_POOL) * percent / 100.0,
            None => f64::from(self.leases),
        };
        let share = if self.uses_block() { 0.7 } else { 0.97 };
        ((size as f64 - held) * share) as u64
    }
}

/// Distance of `count` subnets or relays in the block: the largest power of two that fits, at least 256.
fn stride(count: u32) -> u32 {
    (1 << (SUBNETS_SIZE / count).ilog2()).max(256)
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
    use super::{Durability, Kind, Spec};

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
        for count in [2, 3, 100, 1000, 1024, 10_000, 16_384] {
            let spec = Spec::parse(&format!("kea:subnets={count}"), &Spec::plain()).expect("a row");
            let list = spec.subnet_list();
            assert_eq!(list.len(), count as usize);
            for pair in list.windows(2) {
                assert!(pair[0].last < pair[1].network);
                assert_eq!(pair[1].network - pair[0].network, 1 << (32 - pair[0].prefix));
            }
            assert_eq!(list[0].network & 0x003f_ffff, 0);
            assert!(list[list.len() - 1].last < 0x6480_0000, "{count} subnets leave the block");
        }
    }
}
