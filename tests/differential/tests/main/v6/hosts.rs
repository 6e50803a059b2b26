//! Reservations of DHCPv6.

use differential::prelude::*;

pub(crate) fn groups() -> Vec<Group> {
    let mut groups = vec![resources(), conflicts(), global()];
    groups.extend(modes());
    groups
}

const DUID: &str = "00:03:00:01:02:00:00:00:aa";

fn resources() -> Group {
    let config = format!(
        r#""option-data": [ {{ "code": 23, "data": "2001:db8::53" }} ],
        "subnet6": [ {{ "id": 1, "subnet": "2001:db8:1::/64", "interface": "srv0",
            "pools": [ {{ "pool": "2001:db8:1::1000 - 2001:db8:1::ffff" }} ],
            "pd-pools": [ {{ "prefix": "2001:db8:8000::", "prefix-len": 40, "delegated-len": 56 }} ],
            "reservations": [
                {{ "duid": "{DUID}:01", "ip-addresses": [ "2001:db8:1::1" ] }},
                {{ "duid": "{DUID}:02", "ip-addresses": [ "2001:db8:1::2", "2001:db8:1::22" ] }},
                {{ "duid": "{DUID}:03", "prefixes": [ "2001:db8:4003::/48" ] }},
                {{ "duid": "{DUID}:04", "ip-addresses": [ "2001:db8:1::4" ], "prefixes": [ "2001:db8:4004::/56", "2001:db8:4005::/56" ] }},
                {{ "duid": "{DUID}:05", "option-data": [ {{ "code": 23, "data": "2001:db8::55" }}, {{ "code": 31, "data": "2001:db8::56", "always-send": true }} ] }},
                {{ "duid": "{DUID}:06", "hostname": "six" }},
                {{ "hw-address": "02:00:00:00:bb:07", "ip-addresses": [ "2001:db8:1::7" ] }},
                {{ "duid": "{DUID}:08", "ip-addresses": [ "2001:db8:1::f008" ] }} ] }} ]"#
    );
    let cases = vec![
        case("address").send(solicit().host(1).na(1)).send(request6().host(1).held()),
        case("address, wishing another").send(solicit().host(1).na_at(1, &["2001:db8:1::2000"])),
        case("address in a second association").send(solicit().host(1).na(1).own_na(2)),
        case("two addresses").send(solicit().host(2).na(1).na(2)).send(request6().host(2).held()),
        case("the second of two addresses").send(solicit().host(2).na_at(1, &["2001:db8:1::22"])),
        case("prefix").send(solicit().host(3).pd(1)).send(request6().host(3).held()),
        case("prefix, wishing another")
            .send(solicit().host(3).pd_at(1, &["2001:db8:8000:100::/56"])),
        case("address for a host with a prefix").send(solicit().host(3).own_na(1)),
        case("both")
            .send(solicit().host(4).na(1).pd(2).pd(3))
            .send(request6().host(4).held())
            .send(renew().host(4).held()),
        case("prefix in a third association").send(solicit().host(4).pd(2).pd(3).own_pd(4)),
        case("options").send(solicit().host(5).own_na(1).oro(&[23])),
        case("options by information").send(information_request().host(5).oro(&[23])),
        case("name").send(solicit().host(6).own_na(1)),
        case("hardware address").send(solicit().na(1).duid([0, 3, 0, 1, 2, 0, 0, 0, 0xbb, 7])),
        case("in the pool").send(solicit().host(8).na(1)),
        case("rebind with a reservation").send(rebind().host(1).na_at(1, &["2001:db8:1::1"])),
        case("renew with a reservation").send(renew().host(1).na_at(1, &["2001:db8:1::1"])),
        case("release and again")
            .send(release6().host(1).na_at(1, &["2001:db8:1::1"]))
            .send(solicit().host(1).na(1)),
    ];
    Group::v6("hosts6: resources", config, cases)
}

fn conflicts() -> Group {
    let hosts: Vec<String> = (1..=16u8)
        .map(|number| {
            format!(
                r#"{{ "duid": "{DUID}:{number:02x}", "ip-addresses": [ "2001:db8:1::f0{number:02x}" ],
                    "prefixes": [ "2001:db8:80f0:{number:02x}00::/56" ] }}"#
            )
        })
        .collect();
    let config = format!(
        r#""subnet6": [ {{ "id": 1, "subnet": "2001:db8:1::/64", "interface": "srv0",
            "pools": [ {{ "pool": "2001:db8:1::10 - 2001:db8:1::ffff" }} ],
            "pd-pools": [ {{ "prefix": "2001:db8:8000::", "prefix-len": 40, "delegated-len": 56 }},
                {{ "prefix": "2001:db8:80f0::", "prefix-len": 48, "delegated-len": 56 }} ],
            "reservations": [ {} ] }} ]"#,
        hosts.join(", ")
    )
    .replace(
        r#""prefix": "2001:db8:8000::", "prefix-len": 40"#,
        r#""prefix": "2001:db8:7000::", "prefix-len": 40"#,
    );
    let address = |number: u8| format!("2001:db8:1::f0{number:02x}");
    let prefix = |number: u8| format!("2001:db8:80f0:{number:02x}00::/56");
    let cases = vec![
        case("host wishes its own")
            .send(request6().host(1).na_at(1, &[&address(1)]).pd_at(2, &[&prefix(1)])),
        case("host wishes nothing").send(request6().host(2).na(1).pd(2)),
        case("other requests a reserved address").send(request6().na_at(1, &[&address(3)])).any(),
        case("other requests a reserved prefix").send(request6().pd_at(1, &[&prefix(4)])).any(),
        case("other renews a reserved address").send(renew().na_at(1, &[&address(5)])).any(),
        case("host with another lease renews")
            .send(request6().host(6).na_at(1, &[&address(6)]))
            .send(renew().host(6).na_at(1, &["2001:db8:1::5555"])),
        case("released by the host and requested by another")
            .send(request6().host(7).na_at(1, &[&address(7)]))
            .send(release6().host(7).na_at(1, &[&address(7)]))
            .send(request6().na_at(1, &[&address(7)]))
            .any(),
        case("declined by the host")
            .send(request6().host(8).na_at(1, &[&address(8)]))
            .send(decline6().host(8).na_at(1, &[&address(8)])),
        case("confirm by the host").send(confirm().host(9).na_at(1, &[&address(9)])),
    ];
    Group::v6("hosts6: conflicts", config, cases)
}

fn global() -> Group {
    let config = format!(
        r#""reservations": [
            {{ "duid": "{DUID}:01", "ip-addresses": [ "2001:db8:1::a1" ] }},
            {{ "duid": "{DUID}:02", "option-data": [ {{ "code": 23, "data": "2001:db8::2" }} ] }},
            {{ "duid": "{DUID}:03", "prefixes": [ "2001:db8:4003::/56" ] }} ],
        "subnet6": [
            {{ "id": 1, "subnet": "2001:db8:1::/64", "pools": [ {{ "pool": "2001:db8:1::1000 - 2001:db8:1::ffff" }} ],
              "reservations-global": true, "reservations-in-subnet": false }},
            {{ "id": 2, "subnet": "2001:db8:2::/64", "pools": [ {{ "pool": "2001:db8:2::1000 - 2001:db8:2::ffff" }} ],
              "reservations-global": true, "reservations-in-subnet": true,
              "reservations": [ {{ "duid": "{DUID}:01", "ip-addresses": [ "2001:db8:2::a1" ] }} ] }},
            {{ "id": 3, "subnet": "2001:db8:3::/64", "pools": [ {{ "pool": "2001:db8:3::1000 - 2001:db8:3::ffff" }} ] }} ]"#
    );
    let mut cases = Vec::new();
    for network in 1..=3 {
        for host in 1..=3 {
            let wish = format!("2001:db8:{network}::200{host}");
            let ask = solicit().host(host).na_at(1, &[&wish]).pd(2).oro(&[23]);
            cases.push(
                case(format!("host {host} in subnet {network}"))
                    .send(ask.relay(&format!("2001:db8:{network}::1"), "fe80::2")),
            );
        }
    }
    Group::v6("hosts6: global reservations", config, cases)
}

fn modes() -> Vec<Group> {
    let flags = [
        (false, false, false),
        (true, false, false),
        (false, true, false),
        (true, true, false),
        (false, true, true),
        (true, true, true),
    ];
    let mut modes: Vec<String> = flags
        .iter()
        .map(|(global, in_subnet, out_of_pool)| {
            format!(
                r#""reservations-global": {global}, "reservations-in-subnet": {in_subnet}, "reservations-out-of-pool": {out_of_pool}"#
            )
        })
        .collect();
    modes
        .extend(["out-of-pool", "disabled"].map(|mode| format!(r#""reservation-mode": "{mode}""#)));
    let group = |(number, mode): (usize, String)| {
        let config = format!(
            r#""option-data": [ {{ "code": 23, "data": "2001:db8::1" }} ],
            "reservations": [ {{ "duid": "{DUID}:05", "option-data": [ {{ "code": 23, "data": "2001:db8::2" }} ] }} ],
            "subnet6": [ {{ "id": 1, "subnet": "2001:db8:1::/64", "interface": "srv0", {mode},
            "pools": [ {{ "pool": "2001:db8:1::1000 - 2001:db8:1::ffff" }} ],
            "reservations": [
                {{ "duid": "{DUID}:01", "ip-addresses": [ "2001:db8:1::f001" ], "option-data": [ {{ "code": 23, "data": "2001:db8::3" }} ] }},
                {{ "duid": "{DUID}:02", "ip-addresses": [ "2001:db8:1::2" ] }} ] }} ]"#
        );
        let cases = vec![
            case("in the pool").send(solicit().host(1).own_na(1).oro(&[23])),
            case("outside of the pool").send(solicit().host(2).own_na(1).oro(&[23])),
            case("host of no subnet")
                .send(solicit().host(5).na_at(1, &["2001:db8:1::2000"]).oro(&[23])),
        ];
        Group::v6(format!("hosts6: mode {number}, {}", mode.replace('"', "")), config, cases)
    };
    modes.into_iter().enumerate().map(group).collect()
}
