//! What clients are told is what Debian's servers tell them, with the same rows.
//!
//! Each client tells of a sort of host. Their answers are taken apart into named facts, which both servers must state; of an
//! address that nobody has reserved only the pool counts.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

claims! {
    answers_are_those_of_kea
}

/// What answers state, by client and name.
type Facts = BTreeMap<String, String>;

fn answers_are_those_of_kea(site: Site) {
    let database = Lent::new(site.kind);
    let hosts = match site.family {
        Family::V4 => hosts4(),
        Family::V6 => hosts6(),
    };
    insert(site, &database, &hosts);
    let reserved: BTreeSet<IpAddr> = hosts
        .iter()
        .flat_map(|host| {
            let own = host.address.map(IpAddr::from);
            own.into_iter().chain(host.reservations.iter().map(|(address, _)| (*address).into()))
        })
        .collect();
    let [ours, keas]: [Facts; 2] = [false, true].map(|is_kea| {
        let net = Net::pair_of(site.family);
        let config = kea_config(site, &net, &database);
        let server = match is_kea {
            false => Server::start(&net, &config),
            true => start_kea(&net, site, &database, config),
        };
        let facts = match EitherPeer::new(&net) {
            EitherPeer::V4(mut peer, _) => facts4(&mut peer, &reserved),
            EitherPeer::V6(mut peer, _) => facts6(&mut peer, &reserved),
        };
        assert_no_secret(&server, &database);
        assert!(server.stop().success());
        facts
    });
    let names: BTreeSet<_> = ours.keys().chain(keas.keys()).collect();
    let differences: Vec<String> = names
        .into_iter()
        .filter(|name| ours.get(*name) != keas.get(*name))
        .map(|name| format!("{name}: {:?}, with Kea {:?}", ours.get(name), keas.get(name)))
        .collect();
    assert!(differences.is_empty(), "{differences:#?}");
    // They have told something.
    assert!(keas.len() > 100, "{keas:#?}");
    for address in expected(site.family) {
        assert!(keas.values().any(|value| value.contains(address)), "{address}: {keas:#?}");
    }
}

/// What some clients must have been given.
fn expected(family: Family) -> &'static [&'static str] {
    match family {
        Family::V4 => {
            &["192.0.2.10", "192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14", "192.0.2.120"]
        }
        Family::V6 => &["2001:db8:1::10/128", "2001:db8:1::11/128", "2001:db8:aaaa::/56"],
    }
}

/// A configuration that both servers understand: two pools, for those who have a host and for those who have none; a class
/// that hosts give; options that need definitions.
fn kea_config(site: Site, net: &Net, database: &Database) -> Config {
    let (space, vendor, top) = match site.family {
        Family::V4 => ("192.0.2.0/24", "vendor-encapsulated-options-space", "dhcp4"),
        Family::V6 => ("2001:db8:1::/64", "vendor-4491", "dhcp6"),
    };
    let (unknown, known, more, of_class) = match site.family {
        Family::V4 => (
            "192.0.2.100 - 192.0.2.149",
            "192.0.2.150 - 192.0.2.199",
            String::new(),
            "\"name\": \"domain-name\", \"data\": \"gold.example\"",
        ),
        Family::V6 => (
            "2001:db8:1::100 - 2001:db8:1::149",
            "2001:db8:1::150 - 2001:db8:1::199",
            pd_pool("2001:db8:8000::/40", 56),
            "\"name\": \"domain-search\", \"data\": \"gold.example\"",
        ),
    };
    let subnet = format!(
        "{{ \"id\": 1, \"interface\": \"srv0\", {more} \"subnet\": \"{space}\", \"pools\": [ \
         {{ \"pool\": \"{unknown}\", \"client-class\": \"UNKNOWN\" }}, \
         {{ \"pool\": \"{known}\", \"client-class\": \"KNOWN\" }} ] }}"
    );
    let definition = |code: u16, kind: &str, space: &str, more: &str| {
        format!(
            "{{ \"name\": \"own-{code}\", \"code\": {code}, \"type\": \"{kind}\", \
             \"space\": \"{space}\"{more} }}"
        )
    };
    let definitions = [
        definition(222, "string", top, ""),
        definition(223, "record", top, ", \"record-types\": \"uint16, string\""),
        definition(224, "uint32", top, ", \"array\": true"),
        definition(225, "empty", top, ""),
        definition(1, "uint16", vendor, ""),
    ];
    let identifiers = match site.family {
        Family::V4 => "\"circuit-id\", \"hw-address\", \"duid\", \"client-id\"",
        Family::V6 => "\"duid\", \"hw-address\"",
    };
    Config::of(site.family, net.path())
        .subnets(vec![subnet])
        .global(&hosts_databases(&[site.members(database, &[])]))
        .global("\"reservations-global\": true, \"reservations-in-subnet\": true")
        .global(&format!("\"host-reservation-identifiers\": [ {identifiers} ]"))
        .global(&format!("\"option-def\": [ {} ]", definitions.join(", ")))
        .global("\"ddns-qualifying-suffix\": \"example.net\"")
        .global(&format!(
            "\"client-classes\": [ {{ \"name\": \"gold\", \"option-data\": [ {{ {of_class} }} ] }}, \
             {{ \"name\": \"silver\" }} ]"
        ))
}

/// A client of DHCPv4.
#[derive(Clone, Debug, Default)]
struct Client4 {
    mac: u8,
    client_id: Option<Vec<u8>>,
    circuit: Option<&'static [u8]>,
    more: Vec<(u8, Vec<u8>)>,
}

/// What all clients ask for.
const ASKED4: [u8; 10] = [3, 6, opt::HOSTNAME, 15, 43, 67, 222, 223, 224, 225];
/// A client identifier that holds a DUID, behind an IAID.
const WITH_DUID: [u8; 13] = [0xff, 0, 0, 0, 1, 0, 2, 0, 0, 0, 9, 7, 7];

fn hosts4() -> Vec<NewHost> {
    let at = |number: u8| outside(Family::V4, number);
    let mac = |number: u8| NewHost::of_client(Family::V4, number);
    let bytes = |code, value| NewOption::bytes(Family::V4, code, value);
    let text = |code, value| NewOption::text(Family::V4, code, value);
    let next = Ipv4Addr::new(192, 0, 2, 9);
    let boot = |mut host: NewHost| {
        host.boot = Some((next, "server.example", "/boot/of/ten.img"));
        host
    };
    let vendor = "vendor-encapsulated-options-space";
    vec![
        boot(mac(10).address(at(10)).hostname("ten")),
        mac(11).subnet(Some(0)).address(at(11)).hostname("eleven.example.org."),
        NewHost::new(Known::Duid, &WITH_DUID[5..]).address(at(12)),
        NewHost::new(Known::CircuitId, *b"port 13").address(at(13)),
        NewHost::new(Known::ClientId, [0, 1, 4, 0xff]).address(at(14)),
        mac(15).classes("gold,silver"),
        mac(16).subnet(Some(0)).classes("silver, gold"),
        mac(17).option(bytes(6, &[192, 0, 2, 53])).option(bytes(15, b"bytes.example")),
        mac(18)
            .option(text(6, "192.0.2.53, 192.0.2.54"))
            .option(text(15, "text.example"))
            .option(text(222, "a, b and c"))
            .option(text(223, "258, end"))
            .option(text(224, "1, 2, 0x03"))
            .option(NewOption { text: None, ..text(225, "") }),
        // Both at once.
        mac(19)
            .option(NewOption { text: Some("192.0.2.54"), ..bytes(6, &[192, 0, 2, 53]) })
            .option(NewOption { text: Some("text.example"), ..bytes(15, b"bytes.example") }),
        mac(20).option(text(42, "192.0.2.42").persistent()).option(text(44, "192.0.2.44")),
        mac(21)
            .option(NewOption { text: None, ..text(43, "") })
            .option(NewOption { space: Some(vendor), ..text(1, "258") }),
        // A space that is not told is the top-level one.
        mac(22).option(NewOption { space: None, ..text(6, "192.0.2.22") }),
        // In the subnet and everywhere: the subnet's.
        mac(23).subnet(Some(0)).address(at(23)).hostname("global"),
        mac(23).hostname("in-subnet"),
        // Of the other protocol alone.
        mac(24).subnet(None).address(at(24)),
        mac(25).address(Ipv4Addr::new(198, 51, 100, 7)).hostname("elsewhere"),
        mac(26).subnet(Some(7)).address(at(26)),
        mac(27).address(Ipv4Addr::new(192, 0, 2, 120)),
        // Empty texts and bytes.
        mac(28)
            .hostname("")
            .classes("")
            .option(NewOption { text: Some("192.0.2.28"), ..bytes(6, b"") })
            .option(NewOption { text: Some(""), ..bytes(222, b"abc") }),
        mac(29).classes("no such class"),
        mac(30).option(text(6, "not an address")).hostname("thirty"),
        mac(31).option(text(67, "boot-31")).option(text(66, "server-31")),
    ]
}

fn clients4() -> Vec<Client4> {
    let mut clients: Vec<Client4> =
        (10..=32).map(|mac| Client4 { mac, ..Client4::default() }).collect();
    let with = |mac| Client4 { mac, ..Client4::default() };
    clients.extend([
        Client4 { client_id: Some(WITH_DUID.to_vec()), ..with(112) },
        Client4 { circuit: Some(b"port 13"), ..with(113) },
        Client4 { client_id: Some(vec![0, 1, 4, 0xff]), ..with(114) },
        // One whose name differs, and one who asks for updates of names.
        Client4 { more: vec![(opt::HOSTNAME, b"own-name".to_vec())], ..with(10) },
        Client4 { more: vec![(81, b"\x01\0\0own-name".to_vec())], ..with(10) },
        // Known in two ways: the order of identifiers decides.
        Client4 { circuit: Some(b"port 13"), ..with(10) },
        Client4 { client_id: Some(WITH_DUID.to_vec()), ..with(11) },
    ]);
    clients
}

fn facts4(peer: &mut Peer, reserved: &BTreeSet<IpAddr>) -> Facts {
    let mut facts = Facts::new();
    for (number, client) in clients4().into_iter().enumerate() {
        peer.become_client(client.mac);
        peer.client_id = client.client_id.clone();
        // The client sends it itself, so there is no need for a relay's address.
        let relay = Ipv4Addr::new(192, 0, 2, 2);
        let ask = |peer: &mut Peer, query: Dhcp| {
            let mut query = query.with(opt::PRL, ASKED4);
            query.options.extend(client.more.iter().cloned());
            let answer = match client.circuit {
                Some(circuit) => {
                    let agent = [&[1, circuit.len() as u8][..], circuit].concat();
                    let query = query.with(opt::RELAY, agent).relayed(relay);
                    peer.ask_as_relay(&query, relay, e2e::net::SERVER)
                }
                None => peer.ask(&query),
            };
            answer.map(|answer| answer.dhcp)
        };
        let discover = peer.query(Message::Discover);
        let Some(offer) = ask(peer, discover) else {
            facts.insert(format!("{number} {}", client.mac), "silence".to_owned());
            continue;
        };
        let request = peer.request_for(&offer);
        let ack = ask(peer, request).expect("an answer to the request");
        for (name, answer) in [("offer", offer), ("ack", ack)] {
            let mut put = |what: &str, value: String| {
                facts.insert(format!("client {number} ({}): {name}: {what}", client.mac), value);
            };
            put("yiaddr", place(answer.yiaddr.into(), reserved));
            put("siaddr", answer.siaddr.to_string());
            put("sname", text_of(&answer.sname));
            put("file", text_of(&answer.file));
            for (code, data) in &answer.options {
                put(&format!("option {code}"), text_of(data));
            }
        }
        // It must not keep the address from the next one who is known by another way.
        let release = peer.query(Message::Release).from_address(Ipv4Addr::UNSPECIFIED);
        drop(release);
    }
    facts
}

/// An address if it is reserved, else its pool.
fn place(address: IpAddr, reserved: &BTreeSet<IpAddr>) -> String {
    let last = match address {
        IpAddr::V4(address) => u16::from(address.octets()[3]),
        // As it is written.
        IpAddr::V6(address) => match address.segments() {
            [0x2001, 0xdb8, 1, 0, 0, 0, 0, last] if last >= 0x100 => last - 0x100 + 100,
            [0x2001, 0xdb8, high, ..] if high >= 0x8000 && !reserved.contains(&address.into()) => {
                return "a prefix of the pool".to_owned();
            }
            _ => 0,
        },
    };
    match last {
        _ if reserved.contains(&address) => address.to_string(),
        100..150 => "an address for the unknown".to_owned(),
        150..250 => "an address for the known".to_owned(),
        _ => address.to_string(),
    }
}

/// Bytes as text as far as it is one, without zeros at the end.
fn text_of(bytes: &[u8]) -> String {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    format!("{} bytes: {}", bytes.len(), bytes[..end].escape_ascii())
}

/// A client of DHCPv6.
#[derive(Clone, Debug, Default)]
struct Client6 {
    mac: u8,
    addresses: u32,
    prefixes: u32,
    more: Vec<(u16, Vec<u8>)>,
}

const ASKED6: [u16; 8] = [opt6::DNS, opt6::DOMAINS, opt6::VENDOR, 39, 222, 223, 224, 225];

fn hosts6() -> Vec<NewHost> {
    let at = |number: u8| outside(Family::V6, number);
    let client = |number: u8| NewHost::of_client(Family::V6, number);
    let bytes = |code, value| NewOption::bytes(Family::V6, code, value);
    let text = |code, value| NewOption::text(Family::V6, code, value);
    let prefix = |third: u16| Ipv6Addr::new(0x2001, 0xdb8, third, 0, 0, 0, 0, 0);
    const DNS: &[u8] = &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53];
    vec![
        client(10).address(at(0x10)).prefix(prefix(0xaaaa), 56).hostname("ten"),
        NewHost::new(Known::HwAddress, client_mac(11)).address(at(0x11)),
        client(12).subnet(Some(0)).address(at(0x12)).hostname("twelve.example.org."),
        client(13)
            .address(at(0x13))
            .address(at(0x14))
            .prefix(prefix(0xaab0), 48)
            .prefix(prefix(0xaab1), 48),
        client(15).classes("gold,silver"),
        client(16).subnet(Some(0)).classes("silver, gold"),
        client(17).option(bytes(23, DNS)).option(bytes(24, b"\x05bytes\x07example\0")),
        client(18)
            .option(text(23, "2001:db8::53, 2001:db8::54"))
            .option(text(24, "text.example, second.example"))
            .option(text(222, "a, b and c"))
            .option(text(223, "258, end"))
            .option(text(224, "1, 2, 0x03"))
            .option(NewOption { text: None, ..text(225, "") }),
        client(19).option(NewOption { text: Some("2001:db8::54"), ..bytes(23, DNS) }),
        client(20).option(text(31, "2001:db8::31").persistent()).option(text(27, "2001:db8::27")),
        client(21)
            .option(text(17, "4491"))
            .option(NewOption { space: Some("vendor-4491"), ..text(1, "258") }),
        client(22).option(NewOption { space: None, ..text(23, "2001:db8::22") }),
        client(23).subnet(Some(0)).address(at(0x23)).hostname("global"),
        client(23).hostname("in-subnet"),
        client(24).subnet(None).address(at(0x24)),
        client(25).address(Ipv6Addr::new(0x2001, 0xdb8, 9, 0, 0, 0, 0, 7)).hostname("elsewhere"),
        client(26).subnet(Some(7)).address(at(0x26)),
        client(27).address(Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x120)),
        client(28)
            .hostname("")
            .classes("")
            .option(NewOption { text: Some("2001:db8::28"), ..bytes(23, b"") })
            .option(NewOption { text: Some(""), ..bytes(222, b"abc") }),
        client(29).classes("no such class"),
        client(30).option(text(23, "not an address")).hostname("thirty"),
        client(31).prefix(prefix(0xaac0), 64),
    ]
}

fn clients6() -> Vec<Client6> {
    let with = |mac| Client6 { mac, addresses: 1, prefixes: 1, ..Client6::default() };
    let mut clients: Vec<Client6> = (10..=32).map(with).collect();
    clients.extend([
        Client6 { addresses: 2, prefixes: 2, ..with(13) },
        Client6 { more: vec![(39, b"\x01\x08own-name".to_vec())], ..with(10) },
        Client6 { more: vec![(39, b"\x01\x08own-name".to_vec())], ..with(12) },
        Client6 { more: vec![(39, b"\x01\x08own-name".to_vec())], ..with(23) },
    ]);
    clients
}

fn facts6(peer: &mut Peer6, reserved: &BTreeSet<IpAddr>) -> Facts {
    let mut facts = Facts::new();
    for (number, client) in clients6().into_iter().enumerate() {
        peer.become_client(client.mac);
        let with = |mut query: Dhcp6| {
            query.options.extend(client.more.iter().cloned());
            query.with_oro(&ASKED6)
        };
        let mut solicit = peer.query(Kind6::Solicit);
        for iaid in 1..=client.addresses {
            solicit = solicit.with_na(iaid, &[]);
        }
        for iaid in 1..=client.prefixes {
            solicit = solicit.with_pd(iaid, &[]);
        }
        let advertise = peer.advertised(&with(solicit));
        let request = with(peer.follow(Kind6::Request, &advertise));
        let reply = peer.reply_to(&request);
        for (name, answer) in [("advertise", advertise), ("reply", reply)] {
            let mut put = |what: &str, value: String| {
                facts.insert(format!("client {number} ({}): {name}: {what}", client.mac), value);
            };
            for (code, data) in &answer.options {
                match *code {
                    opt6::SERVER_ID | opt6::IA_NA | opt6::IA_PD => {}
                    _ => put(&format!("option {code}"), text_of(data)),
                }
            }
            for code in [opt6::IA_NA, opt6::IA_PD] {
                for ia in answer.ias(code) {
                    let mut bindings: Vec<_> = ia
                        .bindings()
                        .iter()
                        .map(|binding| {
                            let place = place(binding.address.into(), reserved);
                            let (preferred, valid) = binding.lifetimes();
                            format!("{place}/{} {preferred} {valid}", binding.length)
                        })
                        .collect();
                    bindings.sort();
                    let times = (ia.t1, ia.t2, ia.status());
                    put(&format!("ia {code} {}", ia.iaid), format!("{bindings:?} {times:?}"));
                }
            }
        }
    }
    facts
}
