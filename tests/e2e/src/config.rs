//! Configuration files for the server under test, built from parts that a test wants to differ.

use std::path::{Path, PathBuf};

/// A `Dhcp4` configuration; [`Config::json`] writes it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Values of `interfaces`.
    pub interfaces: Vec<String>,
    /// `raw` or `udp`.
    pub socket_type: &'static str,
    /// `valid-lifetime`.
    pub valid: u32,
    /// `renew-timer`.
    pub renew: Option<u32>,
    /// `rebind-timer`.
    pub rebind: Option<u32>,
    /// Members of `subnet4`, as JSON text.
    pub subnets: Vec<String>,
    /// Further members of `Dhcp4` (`"authoritative": true`), as JSON text.
    pub global: Vec<String>,
    /// The lease file; `None` keeps leases in memory only.
    pub lease_file: Option<PathBuf>,
    /// Further members of `lease-database` (`"lfc-interval": 1`), as JSON text.
    pub lease_database: Vec<String>,
    /// Severity of the log, with the debug level for `DEBUG`.
    pub severity: (&'static str, u32),
}

impl Config {
    /// One interface `srv0`, one subnet 192.0.2.0/24 with the pool .100 - .199, an hour of
    /// lifetime.
    pub fn new(folder: &Path) -> Self {
        Self {
            interfaces: vec!["srv0".into()],
            socket_type: "raw",
            valid: 3600,
            renew: None,
            rebind: None,
            subnets: vec![pool_subnet(1, "192.0.2.0/24", "192.0.2.100 - 192.0.2.199", "")],
            global: Vec::new(),
            lease_file: Some(folder.join("leases4.csv")),
            lease_database: Vec::new(),
            severity: ("INFO", 0),
        }
    }

    /// Sets lifetime, T1 and T2 in seconds.
    #[must_use]
    pub fn times(mut self, valid: u32, renew: u32, rebind: u32) -> Self {
        (self.valid, self.renew, self.rebind) = (valid, Some(renew), Some(rebind));
        self
    }

    /// Replaces the interfaces.
    #[must_use]
    pub fn interfaces(mut self, names: &[&str]) -> Self {
        self.interfaces = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Adds a member to `Dhcp4`.
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
        let names: Vec<_> = self.interfaces.iter().map(|name| format!("\"{name}\"")).collect();
        let (severity, level) = self.severity;
        let mut members = vec![
            format!(
                "\"interfaces-config\": {{ \"interfaces\": [{}], \"dhcp-socket-type\": \"{}\" }}",
                names.join(", "),
                self.socket_type
            ),
            format!("\"valid-lifetime\": {}", self.valid),
            format!("\"lease-database\": {{ {} }}", self.lease_members().join(", ")),
            format!("\"subnet4\": [\n{}\n  ]", self.subnets.join(",\n")),
            format!(
                "\"loggers\": [ {{ \"name\": \"kea-dhcp4\", \"severity\": \"{severity}\", \
                 \"debuglevel\": {level}, \"output_options\": [ {{ \"output\": \"stdout\" }} ] }} ]"
            ),
        ];
        members.extend(self.renew.map(|time| format!("\"renew-timer\": {time}")));
        members.extend(self.rebind.map(|time| format!("\"rebind-timer\": {time}")));
        members.extend(self.global.iter().cloned());
        format!("{{\n\"Dhcp4\": {{\n  {}\n}}\n}}\n", members.join(",\n  "))
    }

    /// The members of `lease-database`.
    fn lease_members(&self) -> Vec<String> {
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
