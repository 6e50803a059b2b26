//! Reservations of DHCPv4.

use differential::prelude::*;

use super::messages::{BROADCAST_NAK, RELAYED_NAK};

pub(crate) fn groups() -> Vec<Group> {
    let mut groups = vec![identifiers("", ""), resources(), conflicts(), global(), names()];
    groups.push(identifiers(
        ", in another order",
        r#""host-reservation-identifiers": [ "client-id", "circuit-id", "duid", "hw-address" ],"#,
    ));
    groups.push(identifiers(", one kind", r#""host-reservation-identifiers": [ "circuit-id" ],"#));
    groups.push(identifiers(", without match-client-id", r#""match-client-id": false,"#));
    groups.extend(modes());
    groups
}

/// One host for each kind of identifier.
fn identifiers(name: &str, members: &str) -> Group {
    let config = format!(
        r#"{members} "subnet4": [ {{ "id": 1, "subnet": "192.0.2.0/24",
        "pools": [ {{ "pool": "192.0.2.10 - 192.0.2.200" }} ],
        "reservations": [
            {{ "hw-address": "02:00:00:00:aa:01", "ip-address": "192.0.2.211" }},
            {{ "client-id": "01:02:03:04:05:06", "ip-address": "192.0.2.212" }},
            {{ "duid": "00:03:00:01:02:00:00:00:00:07", "ip-address": "192.0.2.213" }},
            {{ "circuit-id": "'port 7'", "ip-address": "192.0.2.214" }},
            {{ "circuit-id": "0A0B0C", "ip-address": "192.0.2.215" }},
            {{ "client-id": "'text'", "ip-address": "192.0.2.216" }},
            {{ "hw-address": "02:00:00:00:aa:02", "ip-address": "192.0.2.50" }} ] }} ]"#
    );
    let duid = || [&[255, 1, 2, 3, 4][..], &[0, 3, 0, 1, 2, 0, 0, 0, 0, 7]].concat();
    let circuit = |data: &[u8]| [&[1, data.len() as u8][..], data].concat();
    let id = [1, 2, 3, 4, 5, 6];
    let relay = "192.0.2.254";
    let cases = vec![
        case("hardware address").send(discover().wish().host(1)),
        case("hardware address, other type")
            .send(discover().wish().host(1).edit(|packet| packet.htype = 6)),
        case("client identifier").send(discover().wish().with(61, id)),
        case("client identifier of another length")
            .send(discover().wish().with(61, [1, 2, 3, 4, 5, 6, 7])),
        case("client identifier as text").send(discover().wish().with(61, *b"text")),
        case("DUID").send(discover().wish().with(61, duid())),
        case("DUID with another IAID").send(discover().wish().client(3).with(61, {
            let mut other = duid();
            other[4] = 9;
            other
        })),
        case("circuit").send(discover().wish().relay(relay).with(82, circuit(b"port 7"))),
        case("circuit in hexadecimal")
            .send(discover().wish().relay(relay).with(82, circuit(&[10, 11, 12]))),
        case("circuit of another")
            .send(discover().wish().relay(relay).with(82, circuit(b"port 8"))),
        case("in the pool").send(discover().wish().host(2)),
        case("hardware address and identifier").send(discover().wish().host(1).with(61, id)),
        case("identifier and circuit")
            .send(discover().wish().relay(relay).with(61, id).with(82, circuit(b"port 7"))),
        case("all").send(
            discover().wish().host(1).relay(relay).with(61, duid()).with(82, circuit(b"port 7")),
        ),
    ];
    Group::v4(format!("hosts: identifiers{name}"), config, cases)
}

fn resources() -> Group {
    let config = r#"
        "option-def": [ { "name": "mine", "code": 200, "type": "string" } ],
        "option-data": [ { "code": 6, "data": "192.0.2.53" }, { "code": 42, "data": "192.0.2.4" } ],
        "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24",
        "pools": [ { "pool": "192.0.2.10 - 192.0.2.200" } ],
        "reservations": [
            { "hw-address": "02:00:00:00:aa:01", "option-data": [ { "name": "mine", "data": "one" },
                { "code": 6, "data": "10.0.0.53" }, { "code": 42, "data": "10.0.0.4", "always-send": true } ] },
            { "hw-address": "02:00:00:00:aa:02", "hostname": "two" },
            { "hw-address": "02:00:00:00:aa:03", "next-server": "10.0.0.3", "server-hostname": "three",
              "boot-file-name": "/three" },
            { "hw-address": "02:00:00:00:aa:04", "ip-address": "192.0.2.204", "hostname": "four.example.org" },
            { "hw-address": "02:00:00:00:aa:05", "hostname": "Five.Example.ORG." } ] } ]"#;
    let cases = vec![
        case("options").send(discover().wish().host(1)),
        case("options asked for").send(discover().wish().host(1).prl(&[6, 42, 200])),
        case("options to others").send(discover().wish().prl(&[6, 42, 200])),
        case("options by inform")
            .send(inform().host(1).ciaddr("192.0.2.201").unicast().prl(&[200])),
        case("name asked for").send(discover().wish().host(2).prl(&[12])),
        case("name sent").send(discover().wish().host(2).with(12, *b"other")),
        case("name asked for, with upper case").send(discover().wish().host(5).prl(&[12])),
        case("fields").send(discover().wish().host(3)),
        case("fields granted").send(request().wish().server_id().host(3)),
        case("fields by inform").send(inform().host(3).ciaddr("192.0.2.201").unicast()),
        case("fields in a refusal").send(request().wish_at("10.9.9.9").host(3)),
        case("address and name").send(discover().wish().host(4).prl(&[12])),
        case("name by inform").send(inform().host(2).ciaddr("192.0.2.201").unicast().prl(&[12])),
    ];
    Group::v4("hosts: resources", config, cases)
}

/// Names of hosts, sent whether asked for or not.
fn names() -> Group {
    let config = r#""subnet4": [ { "id": 1, "subnet": "192.0.2.0/24",
        "pools": [ { "pool": "192.0.2.10 - 192.0.2.200" } ],
        "reservations": [
            { "hw-address": "02:00:00:00:aa:01", "hostname": "one" },
            { "hw-address": "02:00:00:00:aa:02", "hostname": "two",
              "option-data": [ { "code": 12, "data": "from-option" } ] } ] } ]"#;
    let cases = vec![
        case("not asked for").send(discover().wish().host(1)),
        case("not asked for, granted").send(request().wish().server_id().host(1)),
        case("asked for, with an option of the same code")
            .send(discover().wish().host(2).prl(&[12])),
    ];
    Group::v4("hosts: names", config, cases)
}

/// Reserved addresses that others want or have.
fn conflicts() -> Group {
    let host = |number: u8, address: u8| {
        format!(
            r#"{{ "hw-address": "02:00:00:00:aa:{number:02x}", "ip-address": "192.0.2.{address}" }}"#
        )
    };
    let hosts: Vec<_> = (1..=20).map(|number| host(number, 100 + number)).collect();
    let config = format!(
        r#""subnet4": [ {{ "id": 1, "subnet": "192.0.2.0/24",
        "pools": [ {{ "pool": "192.0.2.10 - 192.0.2.200" }} ], "reservations": [ {}, {} ] }} ]"#,
        hosts.join(", "),
        host(30, 230)
    );
    let reserved = |number: u8| format!("192.0.2.{}", 100 + number);
    let cases = vec![
        case("offer and grant").send(discover().host(1)).send(request().host(1).accept()),
        case("host wishes another address").send(discover().host(2).wish()),
        case("host requests another address").send(request().host(3).wish().server_id()),
        case("other requests a reserved address").send(request().wish_at(&reserved(4)).server_id()),
        case("other renews a reserved address")
            .send(request().ciaddr(&reserved(5)).unicast())
            .differs("sent to", BROADCAST_NAK),
        case("other wishes a reserved address, and none is free otherwise")
            .send(request().wish().server_id())
            .send(discover().wish_at(&reserved(6))),
        case("host reboots with its address").send(request().host(7).wish_at(&reserved(7))),
        case("host reboots after a lease")
            .send(request().host(8).wish_at(&reserved(8)).server_id())
            .send(request().host(8).wish_at(&reserved(8))),
        case("host renews")
            .send(request().host(9).wish_at(&reserved(9)).server_id())
            .send(request().host(9).ciaddr(&reserved(9)).unicast()),
        case("host renews without a lease")
            .send(request().host(10).ciaddr(&reserved(10)).unicast()),
        case("host outside of the pool")
            .send(discover().host(30))
            .send(request().host(30).accept()),
        case("other requests an address reserved outside of the pool")
            .send(request().wish_at("192.0.2.230").server_id()),
        case("released and asked for by another")
            .send(request().host(11).wish_at(&reserved(11)).server_id())
            .send(release().host(11).ciaddr(&reserved(11)).unicast().server_id())
            .send(request().wish_at(&reserved(11)).server_id()),
        case("declined by the host")
            .send(request().host(12).wish_at(&reserved(12)).server_id())
            .send(decline().host(12).wish_at(&reserved(12)).server_id())
            .send(request().host(12).wish_at(&reserved(12)).server_id()),
        case("host through a relay, wishing another")
            .send(discover().host(13).wish().relay("192.0.2.254")),
        case("other through a relay")
            .send(request().wish_at(&reserved(14)).server_id().relay("192.0.2.254"))
            .differs("flags", RELAYED_NAK),
    ];
    Group::v4("hosts: conflicts", config, cases)
}

fn global() -> Group {
    let config = r#"
        "reservations": [
            { "hw-address": "02:00:00:00:aa:01", "ip-address": "10.1.0.211" },
            { "hw-address": "02:00:00:00:aa:02", "option-data": [ { "code": 42, "data": "10.0.0.4" } ] },
            { "hw-address": "02:00:00:00:aa:03", "next-server": "10.0.0.3", "boot-file-name": "/three" },
            { "hw-address": "02:00:00:00:aa:04", "ip-address": "10.2.0.211" } ],
        "subnet4": [
            { "id": 1, "subnet": "10.1.0.0/24", "pools": [ { "pool": "10.1.0.10 - 10.1.0.200" } ],
              "reservations-global": true, "reservations-in-subnet": false },
            { "id": 2, "subnet": "10.2.0.0/24", "pools": [ { "pool": "10.2.0.10 - 10.2.0.200" } ],
              "reservations-global": true, "reservations-in-subnet": true,
              "reservations": [
                { "hw-address": "02:00:00:00:aa:01", "ip-address": "10.2.0.201" },
                { "hw-address": "02:00:00:00:aa:02", "boot-file-name": "/two" } ] },
            { "id": 3, "subnet": "10.3.0.0/24", "pools": [ { "pool": "10.3.0.10 - 10.3.0.200" } ] } ]"#;
    let mut cases = Vec::new();
    for network in 1..=3 {
        for host in 1..=4 {
            let wish = format!("10.{network}.0.{}", 20 + host);
            let relay = format!("10.{network}.0.1");
            let case = case(format!("host {host} in 10.{network}"))
                .send(discover().host(host).wish_at(&wish).relay(&relay).prl(&[42]));
            cases.push(match (network, host) {
                (1, 4) => case.differs(
                    "yiaddr",
                    "newer Kea: an address reserved globally counts in subnets that contain it",
                ),
                _ => case,
            });
        }
    }
    Group::v4("hosts: global reservations", config, cases)
}

/// Every combination of the flags, and their old name.
fn modes() -> Vec<Group> {
    let mut modes: Vec<String> = Vec::new();
    for (global, in_subnet, out_of_pool) in [
        (false, false, false),
        (true, false, false),
        (false, true, false),
        (true, true, false),
        (false, true, true),
        (true, true, true),
    ] {
        modes.push(format!(
            r#""reservations-global": {global}, "reservations-in-subnet": {in_subnet},
            "reservations-out-of-pool": {out_of_pool}"#
        ));
    }
    modes.extend(
        ["all", "out-of-pool", "disabled", "global"]
            .map(|mode| format!(r#""reservation-mode": "{mode}""#)),
    );
    let group = |(number, mode): (usize, String)| {
        let config = format!(
            r#""reservations": [ {{ "hw-address": "02:00:00:00:aa:05", "boot-file-name": "global" }},
                {{ "hw-address": "02:00:00:00:aa:01", "boot-file-name": "global" }} ],
            "subnet4": [ {{ "id": 1, "subnet": "192.0.2.0/24", {mode},
            "pools": [ {{ "pool": "192.0.2.10 - 192.0.2.200" }} ],
            "reservations": [
                {{ "hw-address": "02:00:00:00:aa:01", "ip-address": "192.0.2.101", "boot-file-name": "in" }},
                {{ "hw-address": "02:00:00:00:aa:02", "ip-address": "192.0.2.202", "boot-file-name": "out" }},
                {{ "hw-address": "02:00:00:00:aa:03", "ip-address": "192.0.2.103" }},
                {{ "hw-address": "02:00:00:00:aa:04", "ip-address": "192.0.2.204" }} ] }} ]"#
        );
        let cases = vec![
            case("in the pool").send(discover().host(1).wish()),
            case("outside of the pool").send(discover().host(2).wish()),
            case("host of no subnet").send(discover().host(5).wish()),
            case("other requests in the pool").send(request().wish_at("192.0.2.103").server_id()),
        ];
        Group::v4(
            format!("hosts: mode {number}, {}", mode.replace(['"', '\n'], "").replace("  ", "")),
            config,
            cases,
        )
    };
    modes.into_iter().enumerate().map(group).collect()
}
