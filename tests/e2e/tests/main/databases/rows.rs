//! What stands in the tables: for the same exchanges the rows are those that Debian's servers write, column by column.

use super::interop::start_kea;
use super::*;

claims! {
    rows_are_those_of_kea
    rows_of_endless_leases_are_those_of_kea
}

/// The rows after some exchanges, with times that are as they should be taken out.
type Rows = BTreeMap<String, Row>;

/// Runs exchanges with our server and with Kea's, each over empty tables, and compares the rows.
fn compare(site: Site, change: impl Fn(Config) -> Config, run: impl Fn(&mut EitherPeer)) {
    let database = Lent::new(site.kind);
    let rows: [Rows; 2] = [false, true].map(|is_kea| {
        let net = Net::pair_of(site.family);
        database.sql(&format!("DELETE FROM {};\n", site.table()));
        let config = change(site.config(&net, &database, &[]));
        let server = match is_kea {
            false => Server::start(&net, &config),
            true => start_kea(&net, site, &database, config),
        };
        let mut peer = EitherPeer::new(&net);
        run(&mut peer);
        // What has no answer has been done when what follows it is answered.
        peer.become_client(200);
        peer.until_offered_an_address(wait::secs(5));
        let mut rows = site.rows(&database);
        rows.values_mut().for_each(check_time);
        assert!(server.stop().success());
        rows
    });
    let [ours, keas] = rows;
    let addresses: Vec<_> = keas.keys().collect();
    assert_eq!(ours.keys().collect::<Vec<_>>(), addresses);
    assert!(!ours.is_empty());
    let mut differences = Vec::new();
    for (address, row) in &keas {
        for (column, value) in row {
            let own = &ours[address][column];
            if own != value && !is_known(column, own, value) {
                differences.push(format!("{address}: {column} is {own:?}, with Kea {value:?}"));
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

/// Differences that are meant.
fn is_known(column: &str, ours: &str, keas: &str) -> bool {
    match column {
        // Where both the identifier and the link-local address tell the hardware address, the order is another one.
        "hwaddr_source" if ours != "NULL" => (ours, keas) == ("4", "2"),
        // Where none is known, Kea writes zeros into PostgreSQL alone.
        "hwaddr_source" | "hwtype" => (ours, keas) == ("NULL", "0"),
        // Of a declined lease; both mean that there is none.
        "hwaddr" => (ours, keas) == ("NULL", ""),
        // What relays said is told as later releases of Kea tell it.
        "user_context" => ours.starts_with("{ \"ISC\"") && keas.starts_with("{ \"ISC\""),
        _ => false,
    }
}

/// Checks that a lease ends a lifetime from now, or, if that has no end, now; then takes the time out.
fn check_time(row: &mut Row) {
    let number = |name: &str| -> i64 { row[name].parse().expect("a number") };
    let lifetime = number("valid_lifetime");
    let lifetime = if lifetime == u32::MAX.into() { 0 } else { lifetime };
    let begun = number("expire") - lifetime;
    let now = e2e::leases::wall_clock() as i64;
    assert!((now - 60..=now).contains(&begun), "it is {now}: {row:?}");
    row.insert("expire", "in time".to_owned());
}

/// Gets a lease with options in both queries, through a relay if there is one.
#[track_caller]
fn acquire4(peer: &mut Peer, options: &[(u8, Vec<u8>)], relay: Option<Ipv4Addr>) -> Dhcp {
    let with = |query: Dhcp| {
        let query =
            options.iter().fold(query, |query, (code, data)| query.with(*code, data.clone()));
        relay.map_or(query.clone(), |relay| query.relayed(relay))
    };
    let ask = |peer: &mut Peer, query: &Dhcp| {
        let answer = match relay {
            Some(relay) => peer.ask_as_relay(query, relay, e2e::net::SERVER),
            None => peer.ask(query),
        };
        answer.expect("an answer").dhcp
    };
    let discover = with(peer.query(Message::Discover));
    let offer = ask(peer, &discover);
    let request = with(peer.request_for(&offer));
    let ack = ask(peer, &request);
    assert_eq!(ack.kind(), Some(Message::Ack));
    ack
}

fn script4(peer: &mut Peer, held: &mut Option<Ipv4Addr>) {
    peer.become_client(1);
    acquire4(peer, &[], None);
    peer.become_client(2);
    peer.client_id = Some(vec![0, 1, 2, 0xff, 0x7f]);
    acquire4(peer, &[(opt::HOSTNAME, b"Laptop".to_vec())], None);
    peer.client_id = None;
    peer.become_client(3);
    acquire4(peer, &[(opt::HOSTNAME, b"desk.example.org".to_vec())], None);
    peer.become_client(7);
    // The client sends it itself, so there is no need for a relay's address.
    let relay = Ipv4Addr::new(192, 0, 2, 2);
    let agent = vec![1, 3, b'i', b'f', b'0', 2, 2, 0xab, 0xcd];
    acquire4(peer, &[(opt::RELAY, agent)], Some(relay));
    peer.become_client(8);
    let declined = acquire4(peer, &[(opt::HOSTNAME, b"gone".to_vec())], None).yiaddr;
    let decline = peer.query(Message::Decline).with_address(opt::REQUESTED, declined);
    peer.tell(&decline.with_address(opt::SERVER_ID, e2e::net::SERVER));
    *held = None;
}

/// Gets what a SOLICIT asks for, with its further options in the REQUEST as well.
#[track_caller]
fn acquire6(peer: &mut Peer6, solicit: &Dhcp6, more: &[(u16, Vec<u8>)], hops: &[Hop]) -> Dhcp6 {
    let with = |query: Dhcp6| {
        more.iter().fold(query, |query, (code, data)| query.with(*code, data.clone()))
    };
    let ask = |peer: &mut Peer6, query: &Dhcp6| {
        let answer = if hops.is_empty() { peer.ask(query) } else { peer.ask_relayed(query, hops) };
        answer.expect("an answer").dhcp
    };
    let solicit = with(solicit.clone());
    let advertised = ask(peer, &solicit);
    let request = with(peer.follow(Kind6::Request, &advertised));
    let reply = ask(peer, &request);
    assert!(reply.is(Kind6::Reply), "{reply:?}");
    reply
}

fn script6(peer: &mut Peer6, held: &mut Option<Dhcp6>) {
    peer.become_client(1);
    let query = peer.solicit();
    acquire6(peer, &query, &[], &[]);
    peer.become_client(2);
    let query = peer.query(Kind6::Solicit).with_na(0xffff_fff0, &[]).with_pd(0x8000_0000, &[]);
    acquire6(peer, &query, &[], &[]);
    // Identifiers that hold no hardware address, and one with a time.
    for duid in [vec![0, 2, 0, 0, 0, 9, 1, 2, 3], vec![0, 1, 0, 1, 1, 2, 3, 4, 2, 0, 0, 0, 9, 9]] {
        peer.duid = duid;
        let query = peer.solicit_both();
        acquire6(peer, &query, &[], &[]);
    }
    peer.become_client(7);
    let (link, source) = (e2e::net::SERVER6, peer.source());
    let hop = Hop::new(0, link, source)
        .with(opt6::INTERFACE_ID, *b"port 7")
        .with(37, [0, 0, 0, 9, 1, 2])
        .with(opt6::LINK_LAYER, [0, 1, 2, 0, 0, 0, 7, 7]);
    let query = peer.solicit();
    acquire6(peer, &query, &[], &[hop]);
    peer.become_client(8);
    let query = peer.solicit();
    let declined = acquire6(peer, &query, &[], &[]);
    peer.tell(&peer.follow(Kind6::Decline, &declined));
    *held = None;
}

fn script(peer: &mut EitherPeer) {
    match peer {
        EitherPeer::V4(peer, held) => script4(peer, held),
        EitherPeer::V6(peer, held) => script6(peer, held),
    }
}

fn rows_are_those_of_kea(site: Site) {
    let change = |config: Config| config.global("\"store-extended-info\": true");
    compare(site, change, script);
}

fn rows_of_endless_leases_are_those_of_kea(site: Site) {
    let change = |config: Config| config.times(u32::MAX, 1000, 2000);
    compare(site, change, |peer| {
        peer.become_client(1);
        peer.acquire();
        peer.acquire();
    });
}
