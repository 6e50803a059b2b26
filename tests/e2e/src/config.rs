//! Configuration files for the server under test, built from parts that a test wants to differ.

use std::path::{Path, PathBuf};

use crate::family::Family;

/// A `Dhcp4` or `Dhcp6` configuration; [`Config::json`] writes it.
#[derive(Clone, Debug)]
pub struct Config {
    /// The server that it is for.
    pub family: Family,
    /// Values of `interfaces`.
    pub interfaces: Vec<String>,
    /// `raw` or `udp`; DHCPv4 only.
    pub socket_type: &'static str,
    /// Further members of `interfaces-config` (`"re-detect": true`), as JSON text.
    pub interfaces_config: Vec<String>,
    /// `valid-lifetime`.
    pub valid: u32,
    /// `preferred-lifetime`; DHCPv6 only.
    pub preferred: Option<u32>,
    /// `renew-timer`.
    pub renew: Option<u32>,
    /// `rebind-timer`.
    pub rebind: Option<u32>,
    /// Members of `subnet4` or `subnet6`, as JSON text.
    pub subnets: Vec<String>,
    /// Further members at the top (`"authoritative": true`), as JSON text.
    pub global: Vec<String>,
    /// The lease file; `None` keeps leases in memory only.
    pub lease_file: Option<PathBuf>,
    /// Further members of `lease-database` (`"lfc-interval": 1`), as JSON text.
    pub lease_database: Vec<String>,
    /// The members of `lease-database` when leases are kept in a database in place of a file.
    pub sql: Option<Vec<String>>,
    /// Whether it is for this workspace's server, which knows more keys than Kea of old.
    pub is_ours: bool,
    /// Severity of the log, with the debug level for `DEBUG`.
    pub severity: (&'static str, u32),
}

impl Config {
    /// One interface `srv0`, one subnet 192.0.2.0/24 with the pool .100 - .199, an hour of
    /// lifetime.
    pub fn new(folder: &Path) -> Self {
        Self {
            family: Family::V4,
            interfaces: vec!["srv0".into()],
            socket_type: "raw",
            interfaces_config: Vec::new(),
            valid: 3600,
            preferred: None,
            renew: None,
            rebind: None,
            subnets: vec![pool_subnet(1, "192.0.2.0/24", "192.0.2.100 - 192.0.2.199", "")],
            global: Vec::new(),
            lease_file: Some(folder.join("leases4.csv")),
            lease_database: Vec::new(),
            sql: None,
            is_ours: Family::V4.is_ours(),
            severity: ("INFO", 0),
        }
    }

    /// One interface `srv0`, one subnet 2001:db8:1::/64 with addresses ::100 - ::1ff and prefixes
    /// of 56 bits from 2001:db8:8000::/40; times of 4000, 3000, 1000 and 2000 s.
    pub fn new6(folder: &Path) -> Self {
        Self {
            family: Family::V6,
            interfaces_config: Vec::new(),
            valid: 4000,
            preferred: Some(3000),
            renew: Some(1000),
            rebind: Some(2000),
            subnets: vec![pool_subnet6(1, "2001:db8:1::/64", POOL6, &pd_pool(PD_POOL6, 56))],
            lease_file: Some(folder.join("leases6.csv")),
            is_ours: Family::V6.is_ours(),
            ..Self::new(folder)
        }
    }

    /// [`Config::new`] or [`Config::new6`].
    pub fn of(family: Family, folder: &Path) -> Self {
        match family {
            Family::V4 => Self::new(folder),
            Family::V6 => Self::new6(folder),
        }
    }

    /// Listens on another interface in place of `srv0` and serves the subnets there.
    #[must_use]
    pub fn on_interface(mut self, interface: &str) -> Self {
        let (old, new) = ("\"interface\": \"srv0\"", format!("\"interface\": \"{interface}\""));
        for subnet in &mut self.subnets {
            *subnet = subnet.replace(old, &new);
        }
        self.interfaces(&[interface])
    }

    /// Sets valid lifetime, T1 and T2 in seconds; a preferred lifetime becomes the same as the
    /// valid one.
    #[must_use]
    pub fn times(mut self, valid: u32, renew: u32, rebind: u32) -> Self {
        (self.valid, self.renew, self.rebind) = (valid, Some(renew), Some(rebind));
        self.preferred = self.preferred.map(|_| valid);
        self
    }

    /// Replaces the interfaces.
    #[must_use]
    pub fn interfaces(mut self, names: &[&str]) -> Self {
        self.interfaces = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Adds a member at the top.
    #[must_use]
    pub fn global(mut self, member: &str) -> Self {
        self.global.push(member.to_owned());
        self
    }

    /// Adds a member to `lease-database`.
    #[must_use]
    pub fn lease_database(mut self, member: &str) -> Self {
        self.lease_database.push(member.to_owned());
        self
    }

    /// Keeps leases in a database, which these members of `lease-database` name.
    #[must_use]
    pub fn in_database(mut self, members: Vec<String>) -> Self {
        self.sql = Some(members);
        self
    }

    /// Replaces the subnets.
    #[must_use]
    pub fn subnets(mut self, subnets: Vec<String>) -> Self {
        self.subnets = subnets;
        self
    }

    /// Logs everything.
    #[must_use]
    pub fn debug(mut self) -> Self {
        self.severity = ("DEBUG", 99);
        self
    }

    /// The text of the file.
    pub fn json(&self) -> String {
        let digit = self.family.digit();
        let (severity, level) = self.severity;
        let mut members = vec![
            format!("\"interfaces-config\": {{ {} }}", self.interface_members()),
            format!("\"valid-lifetime\": {}", self.valid),
            format!("\"lease-database\": {{ {} }}", self.lease_members().join(", ")),
            format!("\"subnet{digit}\": [\n{}\n  ]", self.subnets.join(",\n")),
            format!(
                "\"loggers\": [ {{ \"name\": \"kea-dhcp{digit}\", \"severity\": \"{severity}\", \
                 \"debuglevel\": {level}, \"output_options\": [ {{ \"output\": \"stdout\" }} ] }} ]"
            ),
        ];
        if self.family == Family::V6 && !self.is_ours {
            // Servers of old look for their identifier in a folder of the machine.
            let folder = self.lease_file.as_deref().and_then(Path::parent);
            members
                .extend(folder.map(|path| format!("\"data-directory\": \"{}\"", path.display())));
        }
        if self.is_ours {
            // Tests look at renewals in the lease file; servers of old store them all and do not know the key.
            members.push("\"cache-threshold\": 0".to_owned());
        }
        members.extend(self.preferred.map(|time| format!("\"preferred-lifetime\": {time}")));
        members.extend(self.renew.map(|time| format!("\"renew-timer\": {time}")));
        members.extend(self.rebind.map(|time| format!("\"rebind-timer\": {time}")));
        members.extend(self.global.iter().cloned());
        format!("{{\n\"Dhcp{digit}\": {{\n  {}\n}}\n}}\n", members.join(",\n  "))
    }

    /// The members of `interfaces-config`.
    fn interface_members(&self) -> String {
        let names: Vec<_> = self.interfaces.iter().map(|name| format!("\"{name}\"")).collect();
        let mut members = vec![format!("\"interfaces\": [{}]", names.join(", "))];
        if self.family == Family::V4 {
            members.push(format!("\"dhcp-socket-type\": \"{}\"", self.socket_type));
        }
        members.extend(self.interfaces_config.iter().cloned());
        members.join(", ")
    }

    /// The members of `lease-database`.
    fn lease_members(&self) -> Vec<String> {
        if let Some(sql) = &self.sql {
            return sql.clone();
        }
        let mut members = vec!["\"type\": \"memfile\"".to_owned()];
        match &self.lease_file {
            Some(path) => members.push(format!("\"name\": \"{}\"", path.display())),
            None => members.push("\"persist\": false".to_owned()),
        }
        if !self.lease_database.iter().any(|member| member.contains("lfc-interval")) {
            members.push("\"lfc-interval\": 0".to_owned());
        }
        members.extend(self.lease_database.iter().cloned());
        members
    }
}

/// A subnet with one pool; `more` holds further members, each followed by a comma.
pub fn pool_subnet(id: u32, prefix: &str, pool: &str, more: &str) -> String {
    format!(
        "    {{ \"id\": {id}, {more} \"subnet\": \"{prefix}\", \
         \"pools\": [ {{ \"pool\": \"{pool}\" }} ] }}"
    )
}

/// The pool of addresses of [`Config::new6`].
pub const POOL6: &str = "2001:db8:1::100 - 2001:db8:1::1ff";
/// The prefix from which [`Config::new6`] delegates.
pub const PD_POOL6: &str = "2001:db8:8000::/40";

/// A DHCPv6 subnet with one pool of addresses, reached through `srv0`; `more` holds further
/// members, each followed by a comma.
pub fn pool_subnet6(id: u32, prefix: &str, pool: &str, more: &str) -> String {
    pool_subnet(id, prefix, pool, &format!("\"interface\": \"srv0\", {more}"))
}

/// The member `pd-pools` with one pool that delegates prefixes of `delegated` bits, followed by a
/// comma.
pub fn pd_pool(prefix: &str, delegated: u8) -> String {
    let (address, length) = prefix.split_once('/').expect("ADDRESS/LENGTH");
    format!(
        "\"pd-pools\": [ {{ \"prefix\": \"{address}\", \"prefix-len\": {length}, \
         \"delegated-len\": {delegated} }} ],"
    )
}
