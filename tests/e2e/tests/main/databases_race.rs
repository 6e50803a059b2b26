//! Two servers on one database, and more clients than there are leases, each of which talks to both; every few seconds
//! one of the servers is killed. Nothing is told to two clients at once, what a client has been told is in the table, and
//! no server denies what another one has given.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use db_testing::{Database, Durability, Schema, Server as DbServer, SqlKind};
use e2e::load::client_mac;
use e2e::prelude::*;

/// Clients that race.
const CLIENTS: u32 = 20_000;
/// Clients in progress at any time.
const WINDOW: u32 = 200;
/// What clients must have been told at least before the race is over.
const TOLD_MIN: usize = 40_000;
/// Time between two kills.
const PAUSE: Duration = Duration::from_secs(3);

#[test]
fn clients_race_for_two_servers_on_mysql() {
    race(SqlKind::Mysql, Family::V4);
}

#[test]
fn clients_race_for_two_servers_on_mysql_for_dhcpv6() {
    race(SqlKind::Mysql, Family::V6);
}

#[test]
fn clients_race_for_two_servers_on_postgresql() {
    race(SqlKind::Postgresql, Family::V4);
}

#[test]
fn clients_race_for_two_servers_on_postgresql_for_dhcpv6() {
    race(SqlKind::Postgresql, Family::V6);
}

/// Number of kills: the environment variable `E2E_KILLS`, else 6.
fn kills() -> usize {
    std::env::var("E2E_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

/// Only one race at a time: each wants the whole machine.
static TRACK: Mutex<()> = Mutex::new(());

fn race(kind: SqlKind, family: Family) {
    let _alone = TRACK.lock().unwrap_or_else(PoisonError::into_inner);
    let database = DbServer::shared(kind, Durability::Relaxed).new_database();
    database.create_schema(Schema::Debian);
    let course = Course::new(family);
    let mut servers = [0, 1].map(|side| Some(course.start(side, &database)));
    for server in servers.iter_mut().flatten() {
        server.wait_started();
    }
    let clients = Clients::start(&course);
    for nth in 0..kills() {
        std::thread::sleep(PAUSE);
        let side = nth % 2;
        let before = clients.told();
        if let Some(victim) = servers[side].take() {
            victim.kill();
        }
        // The other one goes on alone, or the rest of the race proves nothing.
        wait::until(wait::secs(30), "the other server goes on", || clients.told() > before + 20);
        let mut server = course.start(side, &database);
        server.wait_started();
        servers[side] = Some(server);
    }
    wait::until(wait::secs(600), "the race is over", || clients.told() >= TOLD_MIN);
    let story = clients.stop();
    let held = referee(&story);
    let rows = rows(&database, family);
    for (address, client) in &held {
        let row = rows.get(address);
        let row = row.unwrap_or_else(|| panic!("{address}, told to client {client}, is lost"));
        let digits: String = client_mac(*client).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(row.client.ends_with(&digits), "{address} of client {client} is {row:?}");
        assert_eq!(row.state, 0, "{address} of client {client} is {row:?}");
    }
    let mut counts = HashMap::new();
    for (sign, ..) in &story {
        *counts.entry(*sign).or_insert(0_u32) += 1;
    }
    eprintln!(
        "{kind} {family:?}: {} kills, {counts:?}, {} held at the end, {} rows",
        kills(),
        held.len(),
        rows.len()
    );
    for server in servers.into_iter().flatten() {
        assert!(server.stop().success(), "a server ends in good order");
    }
}

/// Goes through what clients were told, in order, and returns who has what at the end.
fn referee(story: &[(char, u32, IpAddr)]) -> HashMap<IpAddr, u32> {
    let mut held: HashMap<IpAddr, u32> = HashMap::new();
    for &(sign, client, address) in story {
        match sign {
            '+' => {
                let before = held.insert(address, client).filter(|before| *before != client);
                assert_eq!(before, None, "{address} was told to client {client} as well");
            }
            '-' => assert_eq!(held.remove(&address), Some(client), "{address}"),
            _ => panic!("client {client} had {address}, and a server denied it"),
        }
    }
    held
}

/// What the referee must know of a row.
#[derive(Debug)]
struct Row {
    /// Hardware address or DUID, in hexadecimal digits.
    client: String,
    state: u32,
}

fn rows(database: &Database, family: Family) -> HashMap<IpAddr, Row> {
    let (address, client, table) = match (family, database.server().kind()) {
        (Family::V4, SqlKind::Mysql) => ("INET_NTOA(address)", "LOWER(HEX(hwaddr))", "lease4"),
        (Family::V4, SqlKind::Postgresql) => {
            ("host('0.0.0.0'::inet + address)", "encode(hwaddr, 'hex')", "lease4")
        }
        (Family::V6, SqlKind::Mysql) => ("address", "LOWER(HEX(duid))", "lease6"),
        (Family::V6, SqlKind::Postgresql) => ("address", "encode(duid, 'hex')", "lease6"),
    };
    let text = database.sql(&format!("SELECT {address}, {client}, state FROM {table};\n"));
    let row = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [address, client, state] = columns[..] else { panic!("{line:?} is no row") };
        let row = Row { client: client.to_owned(), state: state.parse().expect("a number") };
        (address.parse().expect("an address"), row)
    };
    text.lines().map(row).collect()
}

/// Two servers, each in a namespace and on a cable of its own, and a namespace of relay and clients.
struct Course {
    family: Family,
    clients: Ns,
    servers: [Ns; 2],
    folders: [tempfile::TempDir; 2],
}

impl Course {
    fn new(family: Family) -> Self {
        let clients = Ns::of(family, "c");
        let servers = ["a", "b"].map(|role| Ns::of(family, role));
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("temporary folder"));
        let course = Self { family, clients, servers, folders };
        let (length, host) = if family == Family::V4 { (24, 32) } else { (64, 128) };
        course.clients.address("lo", &format!("{}/{host}", course.relay()));
        for (side, server) in course.servers.iter().enumerate() {
            let cable = format!("cli{side}");
            server.cable("srv0", &course.clients, &cable);
            let number = side as u8;
            course.clients.address(&cable, &format!("{}/{length}", course.near(side)));
            server.address("srv0", &format!("{}/{length}", course.address(side)));
            course.clients.up(&cable, [2, 0, 0, 0, 1, number]);
            server.up("srv0", [2, 0, 0, 0, 2, number]);
        }
        for (side, server) in course.servers.iter().enumerate() {
            server.wait_running("srv0");
            course.clients.wait_running(&format!("cli{side}"));
            if family == Family::V6 {
                server.wait_link_local("srv0");
            }
            server.ip(&format!("route add {}/{host} via {}", course.relay(), course.near(side)));
        }
        course
    }

    /// The relay.
    fn relay(&self) -> IpAddr {
        match self.family {
            Family::V4 => Ipv4Addr::new(10, 64, 0, 1).into(),
            Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 2).into(),
        }
    }

    /// The address of a server.
    fn address(&self, side: usize) -> IpAddr {
        match self.family {
            Family::V4 => Ipv4Addr::new(10, 9, side as u8, 1).into(),
            Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, 0xa, side as u16, 0, 0, 0, 1).into(),
        }
    }

    /// The other end of its cable.
    fn near(&self, side: usize) -> IpAddr {
        match self.family {
            Family::V4 => Ipv4Addr::new(10, 9, side as u8, 2).into(),
            Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, 0xa, side as u16, 0, 0, 0, 2).into(),
        }
    }

    /// Starts a server without waiting.
    fn start(&self, side: usize, database: &Database) -> Server {
        let folder = self.folders[side].path();
        let config = Config::of(self.family, folder).in_database(members(database));
        // About as many addresses as clients want at a time.
        let config = match self.family {
            Family::V4 => {
                let pool = "10.64.1.0 - 10.64.75.255";
                config.subnets(vec![pool_subnet(1, "10.64.0.0/16", pool, "")])
            }
            Family::V6 => {
                let pool = "2001:db8:1::1:0 - 2001:db8:1::1:4e1f";
                let prefixes = pd_pool("2001:db8:8000::/49", 64);
                let unicast = format!("srv0/{}", self.address(side));
                let config = config.interfaces(&["srv0", &unicast]);
                config.subnets(vec![pool_subnet(1, "2001:db8:1::/64", pool, &prefixes)])
            }
        };
        Server::spawn(&self.servers[side], folder, &config)
    }
}

/// The members of `lease-database`: through the server's socket, which is a file and so seen from every namespace.
fn members(database: &Database) -> Vec<String> {
    let (access, server) = (database.access(), database.server());
    let mut members = vec![
        format!("\"type\": \"{}\"", server.kind()),
        format!("\"name\": \"{}\"", access.name),
        format!("\"user\": \"{}\"", access.user),
        format!("\"password\": \"{}\"", access.password.reveal()),
    ];
    match server.kind() {
        SqlKind::Mysql => members.push(format!("\"host\": \"{}\"", server.socket().display())),
        SqlKind::Postgresql => {
            members.push(format!("\"host\": \"{}\"", server.folder().display()));
            members.push(format!("\"port\": {}", server.port()));
        }
    }
    members
}

/// The clients: the program `e2e-race`, and what it tells.
struct Clients {
    child: Child,
    reader: Option<JoinHandle<Vec<(char, u32, IpAddr)>>>,
    told: Arc<AtomicUsize>,
}

impl Clients {
    fn start(course: &Course) -> Self {
        let test = std::env::current_exe().expect("the test knows its own path");
        let folder = test.parent().and_then(std::path::Path::parent);
        let program = folder.expect("tests lie in target/PROFILE/deps").join("e2e-race");
        let servers = [0, 1].map(|side| course.address(side).to_string());
        let mut child = course
            .clients
            .command(program)
            .arg(course.relay().to_string())
            .args(servers)
            .args([CLIENTS, WINDOW].map(|number| number.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the clients start");
        let output = child.stdout.take().expect("standard output is a pipe");
        let told = Arc::new(AtomicUsize::new(0));
        let counter = told.clone();
        let reader = std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            let read = lines.map(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                let [sign, client, address] = words[..] else { panic!("{line:?}") };
                let sign = sign.chars().next().expect("a sign");
                counter.fetch_add(usize::from(sign == '+'), Ordering::Relaxed);
                let client = client.parse().expect("a number");
                (sign, client, address.parse().expect("an address"))
            });
            read.collect()
        });
        Self { child, reader: Some(reader), told }
    }

    /// How much clients have been told.
    fn told(&self) -> usize {
        self.told.load(Ordering::Relaxed)
    }

    /// Ends the race and returns everything that was told.
    fn stop(mut self) -> Vec<(char, u32, IpAddr)> {
        drop(self.child.stdin.take());
        let reader = self.reader.take().expect("it has not been stopped before");
        reader.join().expect("the clients speak clearly")
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
