//! Reading the files that the lease store keeps, as another program would.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// One row of a lease file, by column name.
pub type Row = BTreeMap<String, String>;

/// The set of files around one lease file.
#[derive(Clone, Debug)]
pub struct LeaseFiles {
    base: PathBuf,
}

impl LeaseFiles {
    /// The files around `base`.
    pub fn new(base: &Path) -> Self {
        Self { base: base.to_path_buf() }
    }

    /// The path with a suffix (`""`, `".1"`, `".completed"`).
    pub fn path(&self, suffix: &str) -> PathBuf {
        PathBuf::from(format!("{}{suffix}", self.base.display()))
    }

    /// True when the file with that suffix exists.
    pub fn exists(&self, suffix: &str) -> bool {
        self.path(suffix).exists()
    }

    /// The text of one file; empty when it does not exist.
    pub fn text(&self, suffix: &str) -> String {
        fs::read_to_string(self.path(suffix)).unwrap_or_default()
    }

    /// The rows of one file in order; a last line without its end is left out.
    pub fn rows(&self, suffix: &str) -> Vec<Row> {
        let text = self.text(suffix);
        let mut lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let Some(header) = lines.next() else { return Vec::new() };
        let names: Vec<_> = header.trim_end().split(',').collect();
        lines
            .map(|line| {
                let values = line.trim_end_matches('\n').split(',').map(str::to_owned);
                names.iter().map(|name| (*name).to_owned()).zip(values).collect()
            })
            .collect()
    }

    /// The leases that a server would load: the last row of each address, deleted ones left out.
    ///
    /// A clean-up that renames files in the midst of it would show some of them twice and others never, so the
    /// reading counts only if the files are the same before and after.
    pub fn current(&self) -> BTreeMap<Ipv4Addr, Row> {
        self.current_of()
    }

    /// As [`LeaseFiles::current`] for DHCPv6; a delegated prefix stands under its first address.
    pub fn current6(&self) -> BTreeMap<Ipv6Addr, Row> {
        self.current_of()
    }

    /// As [`LeaseFiles::current`] for either family.
    pub fn current_any(&self) -> BTreeMap<IpAddr, Row> {
        self.current_of()
    }

    fn current_of<A: FromStr + Ord>(&self) -> BTreeMap<A, Row> {
        loop {
            let before = self.identities();
            let found = self.read();
            if self.identities() == before {
                return found;
            }
        }
    }

    /// Which files there are: their inode numbers.
    fn identities(&self) -> [Option<u64>; 4] {
        ["", ".1", ".2", ".completed"]
            .map(|suffix| fs::metadata(self.path(suffix)).ok().map(|data| data.ino()))
    }

    fn read<A: FromStr + Ord>(&self) -> BTreeMap<A, Row> {
        let older: &[&str] =
            if self.exists(".completed") { &[".completed"] } else { &[".2", ".1"] };
        let mut found = BTreeMap::new();
        for suffix in older.iter().chain(&[""]) {
            for row in self.rows(suffix) {
                let Ok(address) = row["address"].parse::<A>() else { continue };
                if row["valid_lifetime"] == "0" {
                    found.remove(&address);
                } else {
                    found.insert(address, row);
                }
            }
        }
        found
    }

    /// The current lease of an address.
    pub fn lease(&self, address: Ipv4Addr) -> Option<Row> {
        self.current().remove(&address)
    }

    /// The current lease of an IPv6 address or prefix.
    pub fn lease6(&self, address: Ipv6Addr) -> Option<Row> {
        self.current6().remove(&address)
    }
}

/// The header of a 1.1 file.
pub const HEADER_1_1: &str =
    "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state";

/// The header of a DHCPv6 file of 1.1.
pub const HEADER6_1_1: &str = "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,\
    lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,hwaddr,state";

/// The seconds since the epoch.
pub fn wall_clock() -> u64 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).expect("the clock is past 1970").as_secs()
}
