//! Hosts in MariaDB and PostgreSQL, seen from outside: who gets what is reserved there, and what happens when the
//! database changes or is not there.
//!
//! Rows are inserted by SQL into the tables that Debian's Kea creates. Leases are kept in files.

mod kea;
mod outage;
mod reload;
mod serving;

use std::net::IpAddr;

use db_testing::{Database, SqlKind};
use e2e::prelude::*;

use crate::main::databases::{
    Lent, Site, Victim, assert_no_secret, claims, is_held_by, refused, start_kea,
};

/// The number of options of hosts among the scopes of options.
const SCOPE_HOST: u32 = 3;

/// What a host is known by, with the numbers of the tables.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Known {
    HwAddress,
    Duid,
    CircuitId,
    ClientId,
}

/// A row of the table of hosts, with its options and reservations.
#[derive(Clone, Debug)]
pub(crate) struct NewHost {
    known: Known,
    identifier: Vec<u8>,
    /// In none if it is a host of the other protocol alone.
    subnet: Option<u32>,
    address: Option<Ipv4Addr>,
    reservations: Vec<(Ipv6Addr, u8)>,
    hostname: Option<&'static str>,
    classes: Option<&'static str>,
    boot: Option<(Ipv4Addr, &'static str, &'static str)>,
    options: Vec<NewOption>,
}

/// A row of a table of options.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NewOption {
    code: u16,
    value: Option<&'static [u8]>,
    text: Option<&'static str>,
    space: Option<&'static str>,
    is_persistent: bool,
}

impl NewOption {
    /// An option with bytes, in the top-level space.
    fn bytes(family: Family, code: u16, value: &'static [u8]) -> Self {
        Self { code, value: Some(value), space: Some(top_space(family)), ..Self::default() }
    }

    /// An option with text, in the top-level space.
    fn text(family: Family, code: u16, text: &'static str) -> Self {
        Self { code, text: Some(text), space: Some(top_space(family)), ..Self::default() }
    }

    fn persistent(self) -> Self {
        Self { is_persistent: true, ..self }
    }
}

fn top_space(family: Family) -> &'static str {
    match family {
        Family::V4 => "dhcp4",
        Family::V6 => "dhcp6",
    }
}

impl NewHost {
    /// A host of subnet 1 that gets nothing.
    fn new(known: Known, identifier: impl Into<Vec<u8>>) -> Self {
        Self {
            known,
            identifier: identifier.into(),
            subnet: Some(1),
            address: None,
            reservations: Vec::new(),
            hostname: None,
            classes: None,
            boot: None,
            options: Vec::new(),
        }
    }

    /// A host that a client with a number is known as, by its hardware address or its DUID.
    fn of_client(family: Family, number: u8) -> Self {
        let mac = client_mac(number);
        match family {
            Family::V4 => Self::new(Known::HwAddress, mac),
            Family::V6 => Self::new(Known::Duid, e2e::peer6::client_duid(mac)),
        }
    }

    fn subnet(self, subnet: Option<u32>) -> Self {
        Self { subnet, ..self }
    }

    fn address(mut self, address: impl Into<IpAddr>) -> Self {
        match address.into() {
            IpAddr::V4(address) => self.address = Some(address),
            IpAddr::V6(address) => self.reservations.push((address, 128)),
        }
        self
    }

    fn prefix(mut self, prefix: Ipv6Addr, length: u8) -> Self {
        self.reservations.push((prefix, length));
        self
    }

    fn hostname(self, hostname: &'static str) -> Self {
        Self { hostname: Some(hostname), ..self }
    }

    fn classes(self, classes: &'static str) -> Self {
        Self { classes: Some(classes), ..self }
    }

    fn option(mut self, option: NewOption) -> Self {
        self.options.push(option);
        self
    }

    /// The statements that insert it under a number.
    fn sql(&self, site: Site, number: usize) -> String {
        let digit = site.family.digit();
        let text = |text: Option<&str>| text.map_or("NULL".to_owned(), |text| format!("'{text}'"));
        let whole = |number: Option<u32>| number.map_or("NULL".to_owned(), |it| it.to_string());
        let (next, sname, file) = match self.boot {
            Some((next, sname, file)) => (Some(u32::from(next)), Some(sname), Some(file)),
            None => (None, None, None),
        };
        let mut words = format!(
            "INSERT INTO hosts (host_id, dhcp_identifier, dhcp_identifier_type, dhcp{digit}_subnet_id, \
             ipv4_address, hostname, dhcp{digit}_client_classes, dhcp4_next_server, \
             dhcp4_server_hostname, dhcp4_boot_file_name) \
             VALUES ({number}, {}, {}, {}, {}, {}, {}, {}, {}, {});\n",
            binary(site.kind, &self.identifier),
            self.known as u8,
            whole(self.subnet),
            whole(self.address.map(u32::from)),
            text(self.hostname),
            text(self.classes),
            whole(next),
            text(sname),
            text(file),
        );
        for (address, length) in &self.reservations {
            let kind = if *length == 128 { 0 } else { 2 };
            words += &format!(
                "INSERT INTO ipv6_reservations (address, prefix_len, type, host_id) \
                 VALUES ('{address}', {length}, {kind}, {number});\n"
            );
        }
        for option in &self.options {
            words += &format!(
                "INSERT INTO dhcp{digit}_options \
                 (code, value, formatted_value, space, persistent, host_id, scope_id) \
                 VALUES ({}, {}, {}, {}, {}, {number}, {SCOPE_HOST});\n",
                option.code,
                option.value.map_or("NULL".to_owned(), |value| binary(site.kind, value)),
                text(option.text),
                text(option.space),
                option.is_persistent,
            );
        }
        words
    }
}

/// Bytes as a statement has them.
fn binary(kind: SqlKind, bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match kind {
        SqlKind::Mysql => format!("X'{digits}'"),
        SqlKind::Postgresql => format!("'\\x{digits}'"),
    }
}

/// Adds hosts to the tables.
pub(crate) fn insert(site: Site, database: &Database, hosts: &[NewHost]) {
    let first = database.sql("SELECT COALESCE(MAX(host_id), 0) + 1 FROM hosts;\n");
    let first: usize = first.trim().parse().expect("a number");
    let words = hosts.iter().enumerate().map(|(at, host)| host.sql(site, first + at));
    database.sql(&words.collect::<String>());
}

/// The hardware address that becomes a client's by its number.
pub(crate) fn client_mac(number: u8) -> [u8; 6] {
    [2, 0, 0, 0, 1, number]
}

/// An address outside of the pool by its number.
pub(crate) fn outside(family: Family, number: u8) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(192, 0, 2, number).into(),
        Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, number.into()).into(),
    }
}

/// The member `hosts-databases`, of databases with their members.
pub(crate) fn hosts_databases(databases: &[Vec<String>]) -> String {
    let maps: Vec<_> =
        databases.iter().map(|members| format!("{{ {} }}", members.join(", "))).collect();
    format!("\"hosts-databases\": [ {} ]", maps.join(", "))
}

/// The usual configuration with leases in a file, hosts in a database, and a time for which they are remembered.
pub(crate) fn config(
    site: Site,
    net: &Net,
    database: &Database,
    cache_time: u32,
    more: &[&str],
) -> Config {
    Config::of(site.family, net.path())
        .global(&hosts_databases(&[site.members(database, more)]))
        .global(&format!("\"host-cache-time\": {cache_time}"))
}

/// The address that a client is offered, unless none is offered soon.
pub(crate) fn offered(peer: &mut EitherPeer, limit: Duration) -> Option<IpAddr> {
    match peer {
        EitherPeer::V4(peer, _) => {
            let query = peer.query(Message::Discover);
            Some(peer.ask_within(&query, limit)?.dhcp.yiaddr.into())
        }
        EitherPeer::V6(peer, _) => {
            let query = peer.solicit();
            let answer = peer.ask_within(&query, limit)?;
            answer.dhcp.na(1).bindings().first().map(|binding| binding.address.into())
        }
    }
}
