use std::net::Ipv4Addr;

use util::link::{InterfaceIndex, LinkAddress};

use super::*;
use crate::interfaces::Ipv4Network;

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
    Plan::new(specs, kind, 67)
}

fn table() -> InterfaceTable {
    InterfaceTable::from_interfaces(vec![
        interface(1, "lo", &[[127, 0, 0, 1]]),
        interface(2, "eth0", &[[192, 0, 2, 1], [198, 51, 100, 1]]),
        interface(3, "eth1", &[[203, 0, 113, 1]]),
        interface(4, "tun0", &[[10, 0, 0, 1]]),
    ])
}

/// Short notation: interface, kind and address of each endpoint.
fn sockets(specs: &[&str], kind: SocketKind) -> Vec<String> {
    let short = |endpoint: &Endpoint| match &endpoint.socket {
        Socket::Address { address, receives } => {
            format!("{} {address}{}", endpoint.name, if *receives { "" } else { " sends" })
        }
        Socket::Broadcast { address, local } => format!("{} {address} for {local}", endpoint.name),
        Socket::Packet { addresses, .. } => {
            format!("{} packet {}", endpoint.name, addresses.len())
        }
    };
    desired(&table(), &plan(specs, kind).unwrap()).iter().map(short).collect()
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
    assert_eq!(plan.problems(&table, Family::V4), expected);
}
