use std::net::{Ipv4Addr, Ipv6Addr};

use util::link::{InterfaceIndex, LinkAddress};

use super::*;
use crate::interfaces::{Ipv4Network, Ipv6Network};

fn interface(index: u32, name: &str, addresses: &[[u8; 4]]) -> Interface {
    let network =
        |octets: &[u8; 4]| Ipv4Network { address: Ipv4Addr::from(*octets), prefix_len: 24 };
    Interface {
        index: InterfaceIndex(index),
        name: name.to_owned(),
        is_up: true,
        is_running: true,
        is_loopback: name == "lo",
        is_ethernet: name.starts_with("eth"),
        link_address: Some(LinkAddress([2, 0, 0, 0, 0, index as u8])),
        ipv4: addresses.iter().map(network).collect(),
        ipv6: Vec::new(),
    }
}

fn plan(specs: &[&str], kind: SocketKind) -> Result<Plan, PlanError> {
    let specs = specs.iter().map(|text| InterfaceSpec::parse(text, Family::V4).unwrap()).collect();
    Plan::new4(specs, kind, 67)
}

fn table() -> InterfaceTable {
    InterfaceTable::from_interfaces(vec![
        interface(1, "lo", &[[127, 0, 0, 1]]),
        interface(2, "eth0", &[[192, 0, 2, 1], [198, 51, 100, 1]]),
        interface(3, "eth1", &[[203, 0, 113, 1]]),
        interface(4, "tun0", &[[10, 0, 0, 1]]),
    ])
}

/// The table with IPv6 addresses; tentative ones are followed by `?`.
fn table6() -> InterfaceTable {
    let addresses = [
        ("lo", &["::1"][..]),
        ("eth0", &["2001:db8::1", "fe80::1", "fe80::2", "2001:db8::2"]),
        ("eth1", &["fe80::1", "2001:db8:1::1?", "2001:db8::1"]),
        ("tun0", &["fe80::4?", "2001:db8:4::1"]),
    ];
    let mut interfaces = table().interfaces().to_vec();
    for (interface, (name, addresses)) in interfaces.iter_mut().zip(addresses) {
        assert_eq!(interface.name, name);
        for text in addresses {
            let address: Ipv6Addr = text.trim_end_matches('?').parse().unwrap();
            interface.ipv6.push(Ipv6Network {
                address,
                prefix_len: 64,
                is_link_local: address.is_unicast_link_local(),
                is_tentative: text.ends_with('?'),
            });
        }
    }
    InterfaceTable::from_interfaces(interfaces)
}

fn plan6(specs: &[&str]) -> Result<Plan, PlanError> {
    let specs = specs.iter().map(|text| InterfaceSpec::parse(text, Family::V6).unwrap()).collect();
    Plan::new6(specs, 547)
}

/// Short notation: interface, kind and address of each endpoint.
fn short(table: &InterfaceTable, plan: &Plan) -> Vec<String> {
    let short = |endpoint: &Endpoint| match &endpoint.socket {
        Socket::Address { address, receives } => {
            format!("{} {address}{}", endpoint.name, if *receives { "" } else { " sends" })
        }
        Socket::Broadcast { address, local } => format!("{} {address} for {local}", endpoint.name),
        Socket::Multicast { group, local, local_far } => {
            format!("{} {group} for {local} {local_far}", endpoint.name)
        }
        Socket::Packet { addresses, .. } => {
            format!("{} packet {}", endpoint.name, addresses.len())
        }
    };
    desired(table, plan).iter().map(short).collect()
}

fn sockets(specs: &[&str], kind: SocketKind) -> Vec<String> {
    short(&table(), &plan(specs, kind).unwrap())
}

fn sockets6(specs: &[&str]) -> Vec<String> {
    short(&table6(), &plan6(specs).unwrap())
}

#[test]
fn specs_are_read() {
    let parse = |text| InterfaceSpec::parse(text, Family::V4);
    let address = |name: &str, text: &str| InterfaceSpecError::Address {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    assert_eq!(parse("*"), Ok(InterfaceSpec::All));
    assert_eq!(parse(" eth0 "), Ok(InterfaceSpec::Named("eth0".to_owned())));
    let one = InterfaceSpec::Address { name: "eth0".to_owned(), address: [192, 0, 2, 1].into() };
    assert_eq!(parse("eth0 / 192.0.2.1"), Ok(one));
    assert_eq!(parse(""), Err(InterfaceSpecError::EmptyName));
    assert_eq!(parse("/192.0.2.1"), Err(InterfaceSpecError::EmptyName));
    assert_eq!(parse("*/192.0.2.1"), Err(InterfaceSpecError::WildcardAddress));
    assert_eq!(parse("eth0/"), Err(address("eth0", "")));
    assert_eq!(parse("eth0/2001:db8::1"), Err(address("eth0", "2001:db8::1")));
    assert!(InterfaceSpec::parse("eth0/2001:db8::1", Family::V6).is_ok());
}

#[test]
fn contradictions_are_refused() {
    let error = |specs: &[&str]| plan(specs, SocketKind::Raw).err();
    let name = || "eth0".to_owned();
    assert_eq!(error(&["*", "eth0", "*"]), Some(PlanError::RepeatedWildcard));
    assert_eq!(error(&["eth0", "eth1", "eth0"]), Some(PlanError::RepeatedName(name())));
    assert_eq!(error(&["eth0", "eth0/192.0.2.1"]), Some(PlanError::NameAndAddress(name())));
    assert_eq!(error(&["eth0/192.0.2.1", "eth0"]), Some(PlanError::NameAndAddress(name())));
    let repeated = PlanError::RepeatedAddress { name: name(), address: [192, 0, 2, 1].into() };
    assert_eq!(error(&["eth0/192.0.2.1", "eth0/192.0.2.1"]), Some(repeated));
    assert_eq!(error(&["*", "eth0", "eth1/192.0.2.1", "eth1/192.0.2.2"]), None);
}

#[test]
fn raw_mode_has_a_packet_socket_per_ethernet_interface() {
    let expected = ["eth0 192.0.2.1 sends", "eth0 198.51.100.1 sends", "eth0 packet 2"];
    assert_eq!(sockets(&["eth0"], SocketKind::Raw), expected);
    let expected = ["eth0 198.51.100.1 sends", "eth0 packet 1"];
    assert_eq!(sockets(&["eth0/198.51.100.1"], SocketKind::Raw), expected);
}

#[test]
fn loopback_is_served_by_udp_and_when_named_only() {
    assert!(sockets(&["*"], SocketKind::Raw).iter().all(|socket| !socket.starts_with("lo")));
    let expected =
        ["lo 127.0.0.1", "lo 255.255.255.255 for 127.0.0.1", "lo 127.0.0.255 for 127.0.0.1"];
    assert_eq!(sockets(&["lo"], SocketKind::Raw), expected);
}

#[test]
fn interfaces_without_ethernet_frames_are_served_by_udp() {
    let expected =
        ["tun0 10.0.0.1", "tun0 255.255.255.255 for 10.0.0.1", "tun0 10.0.0.255 for 10.0.0.1"];
    assert_eq!(sockets(&["tun0"], SocketKind::Raw), expected);
    assert_eq!(sockets(&["tun0"], SocketKind::Udp), expected);
}

#[test]
fn what_cannot_be_served_now_is_a_problem_and_no_error() {
    let mut interfaces = table().interfaces().to_vec();
    interfaces[1].is_up = false;
    interfaces[2].ipv4.clear();
    interfaces[3].is_running = false;
    let table = InterfaceTable::from_interfaces(interfaces);
    let plan = plan(&["eth0", "eth1", "tun0", "eth9", "lo/127.0.0.2"], SocketKind::Raw).unwrap();
    assert_eq!(desired(&table, &plan).len(), 3);
    let expected = [
        PlanProblem::Down("eth0".to_owned()),
        PlanProblem::NoAddress("eth1".to_owned()),
        PlanProblem::NotRunning("tun0".to_owned()),
        PlanProblem::Missing("eth9".to_owned()),
        PlanProblem::AddressMissing { name: "lo".to_owned(), address: [127, 0, 0, 2].into() },
    ];
    assert_eq!(plan.problems(&table), expected);
}

#[test]
fn every_link_local_address_and_the_group_are_served() {
    let group = "ff02::1:2";
    let eth0 = ["eth0 fe80::1", "eth0 fe80::2", &format!("eth0 {group} for fe80::1 fe80::1")];
    assert_eq!(sockets6(&["eth0"]), eth0);
    let all = [
        "eth0 fe80::1",
        "eth1 fe80::1",
        "eth0 fe80::2",
        &format!("eth0 {group} for fe80::1 fe80::1"),
        &format!("eth1 {group} for fe80::1 fe80::1"),
    ];
    assert_eq!(sockets6(&["*"]), all, "the same link-local address twice, no loopback, no tun0");
    assert!(sockets6(&["lo", "tun0"]).is_empty());
}

#[test]
fn given_addresses_are_served_in_addition() {
    let expected = [
        "eth0 2001:db8::2",
        "eth0 fe80::1",
        "eth0 fe80::2",
        "eth0 ff02::1:2 for fe80::1 2001:db8::2",
    ];
    assert_eq!(sockets6(&["eth0/2001:db8::2"]), expected);
    assert_eq!(sockets6(&["eth0", "eth0/2001:db8::2"]), expected);
    assert_eq!(sockets6(&["eth0", "eth0/fe80::1"]), sockets6(&["eth0"]));
    assert_eq!(sockets6(&["lo/::1"]), ["lo ::1"]);
    assert_eq!(sockets6(&["tun0/2001:db8:4::1"]), ["tun0 2001:db8:4::1"]);
    assert_eq!(sockets6(&["eth1/2001:db8:1::1"]), sockets6(&["eth1"]), "tentative");
    let twice = sockets6(&["eth0/2001:db8::1", "eth1/2001:db8::1"]);
    assert_eq!(
        twice
            .iter()
            .filter(|socket| socket.contains("eth0 2001:") || socket.contains("eth1 2001:"))
            .count(),
        1
    );
}

#[test]
fn ipv6_contradictions_are_refused() {
    let name = || "eth0".to_owned();
    let address = IpAddr::V6("2001:db8::1".parse().unwrap());
    let error = |specs: &[&str]| plan6(specs).err();
    let repeated = PlanError::RepeatedAddress { name: name(), address };
    assert_eq!(error(&["eth0/2001:db8::1", "eth0/2001:0db8::1"]), Some(repeated));
    assert_eq!(error(&["eth0", "eth0"]), Some(PlanError::RepeatedName(name())));
    let address = IpAddr::V6("ff05::1:3".parse().unwrap());
    assert_eq!(error(&["eth0/ff05::1:3"]), Some(PlanError::Multicast { name: name(), address }));
    assert_eq!(error(&["*", "eth0", "eth0/2001:db8::1", "eth0/2001:db8::2", "eth1/fe80::1"]), None);
}

#[test]
fn ipv6_problems_name_what_is_missing() {
    let plan = plan6(&["*", "lo", "eth0/fe80::1", "eth1/2001:db8:1::1", "eth1/::", "lo/::1"]);
    let problem = |name: &str, address: &str| (name.to_owned(), address.parse().unwrap());
    let (given, tentative, missing) =
        (problem("eth0", "fe80::1"), problem("eth1", "2001:db8:1::1"), problem("eth1", "::"));
    let expected = [
        PlanProblem::NoAddress("tun0".to_owned()),
        PlanProblem::NoAddress("lo".to_owned()),
        PlanProblem::LinkLocal { name: given.0, address: given.1 },
        PlanProblem::AddressTentative { name: tentative.0, address: tentative.1 },
        PlanProblem::AddressMissing { name: missing.0, address: missing.1 },
    ];
    assert_eq!(plan.unwrap().problems(&table6()), expected);
}
