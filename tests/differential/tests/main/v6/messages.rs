//! Messages of DHCPv6: the exchanges of RFC 8415, times, odd packets.

use differential::prelude::*;
use e2e::dhcp6::{Ia, address_option, prefix_option};

pub(crate) fn groups() -> Vec<Group> {
    vec![
        first(),
        exchanges(),
        rapid_commit(),
        unicast(),
        times(),
        tee_times(),
        pools(),
        odd(),
        elsewhere(),
    ]
}

const LENGTH: &str = "RFC 8415 18.3.9: the length of the hint counts; newer Kea honours it, too";

const UNREADABLE: &str =
    "RFC 8415 16: what cannot be read is no option; the client is served, not dropped";

/// The order in which addresses and prefixes are given.
fn first() -> Group {
    let config = r#""subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64", "interface": "srv0",
        "pools": [ { "pool": "2001:db8:1::10 - 2001:db8:1::11" }, { "pool": "2001:db8:1::20 - 2001:db8:1::20" } ],
        "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 55, "delegated-len": 56 } ] } ]"#;
    let mut cases: Vec<Case> = (1..=3)
        .map(|number| {
            case(format!("address and prefix {number}"))
                .send(solicit().na(1).pd(1))
                .send(request6().held())
        })
        .collect();
    cases.push(case("nothing is left").send(solicit().na(1).pd(1)));
    cases.push(case("nothing is left for a request").send(request6().na(1).pd(1)));
    cases.push(case("no address is left").send(request6().na(1)));
    cases.push(case("nothing is left for a wish").send(solicit().na_at(1, &["2001:db8:1::10"])));
    Group::v6("messages6: pools until they are empty", config, cases)
}

fn exchanges() -> Group {
    let config = r#""option-data": [ { "code": 23, "data": "2001:db8::53" } ]"#;
    let selected = || request6().own_na(1);
    let prefixed = || request6().own_pd(1);
    let both = || request6().own_na(1).own_pd(1);
    let cases = vec![
        case("solicit").send(solicit().own_na(1)),
        case("solicit for a prefix").send(solicit().own_pd(1)),
        case("solicit for both").send(solicit().own_na(1).own_pd(1)),
        case("solicit for nothing").send(solicit()),
        case("solicit twice").send(solicit().own_na(1)).send(solicit().own_na(1)),
        case("solicit with the server's identifier").send(solicit().own_na(1).server_id()),
        case("solicit without client identifier").send(solicit().own_na(1).without(1)),
        case("solicit without elapsed time").send(solicit().own_na(1).without(8)),
        case("solicit with rapid commit").send(solicit().own_na(1).with(14, [])),
        case("solicit for several associations").send(solicit().own_na(1).own_na(2).own_na(3)),
        case("solicit for an address outside of the pool, with a lease")
            .send(selected())
            .send(solicit().na_at(1, &["2001:db8:1::1"])),
        case("solicit for an address elsewhere, with a lease")
            .send(selected())
            .send(solicit().na_at(1, &["2001:db8:9::1"])),
        case("solicit after a lease").send(selected()).send(solicit().na(1)),
        case("solicit for temporary addresses").send(solicit().with(4, [0, 0, 0, 1])),
        case("solicit for both kinds of addresses").send(solicit().own_na(1).with(4, [0, 0, 0, 1])),
        case("request").send(solicit().own_na(1)).send(request6().held()),
        case("request for a prefix").send(solicit().own_pd(1)).send(request6().held()),
        case("request for both").send(solicit().own_na(1).own_pd(1)).send(request6().held()),
        case("request twice").send(selected()).send(selected()),
        case("request for nothing").send(request6()),
        case("request to another server").send(request6().own_na(1).edit(other_server)),
        case("request without server").send(request6().own_na(1).without(2)),
        case("request without client").send(request6().own_na(1).without(1)),
        case("request for an address in use").send(selected().client(3)).send(selected()).any(),
        case("request for several associations").send(request6().own_na(1).own_na(2).own_pd(3)),
        case("request for two addresses in one association")
            .send(request6().na_at(1, &["2001:db8:1::f001", "2001:db8:1::f002"])),
        case("two associations with the same IAID").send(request6().own_na(1).own_na(1)).differs(
            "IA_NA 1",
            "RFC 8415 12.1: an association has an IAID of its own; what is repeated is answered once",
        ),
        case("address and prefix with IAID 0").send(request6().own_na(0).own_pd(0)),
        case("largest IAID").send(request6().na_at(u32::MAX, &["2001:db8:1::f003"])),
        case("renew").send(selected()).send(renew().own_na(1)),
        case("renew a prefix").send(prefixed()).send(renew().own_pd(1)),
        case("renew both").send(both()).send(renew().own_na(1).own_pd(1)),
        case("renew what the answer had").send(both()).send(renew().held()),
        case("renew with another address")
            .send(selected())
            .send(renew().na_at(1, &["2001:db8:1::f004"])),
        case("renew with a further address")
            .send(selected())
            .send(renew().edit(|packet| packet.options.push(more_addresses()))),
        case("renew with an address elsewhere")
            .send(selected())
            .send(renew().na_at(1, &["2001:db8:9::1"])),
        case("renew without addresses").send(selected()).send(renew().na(1)),
        case("renew of another association").send(selected()).send(renew().own_na(2)),
        case("renew of a stranger").send(renew().own_na(1)),
        case("renew of a prefix by a stranger").send(renew().own_pd(1)),
        case("renew without association").send(selected()).send(renew()),
        case("renew of another's address").send(selected().client(3)).send(renew().own_na(1)).any(),
        case("renew without server").send(selected()).send(renew().own_na(1).without(2)),
        case("renew to another server").send(selected()).send(renew().own_na(1).edit(other_server)),
        case("renew with a further association").send(selected()).send(renew().own_na(1).own_pd(2)),
        case("rebind").send(selected()).send(rebind().own_na(1)),
        case("rebind a prefix").send(prefixed()).send(rebind().own_pd(1)),
        case("rebind both").send(both()).send(rebind().own_na(1).own_pd(1)),
        case("rebind of a stranger").send(rebind().own_na(1)),
        case("rebind of a prefix by a stranger").send(rebind().own_pd(1)),
        case("rebind of an address elsewhere").send(rebind().na_at(1, &["2001:db8:9::1"])),
        case("rebind with the server's identifier")
            .send(selected())
            .send(rebind().own_na(1).server_id()),
        case("confirm").send(selected()).send(confirm().own_na(1)),
        case("confirm of a stranger").send(confirm().own_na(1)),
        case("confirm outside of the pool").send(confirm().na_at(1, &["2001:db8:1::1"])),
        case("confirm elsewhere").send(confirm().na_at(1, &["2001:db8:9::1"])),
        case("confirm here and elsewhere").send(confirm().own_na(1).na_at(2, &["2001:db8:9::1"])),
        case("confirm without addresses").send(confirm().na(1)),
        case("confirm without association").send(confirm()),
        case("confirm of a prefix").send(confirm().own_pd(1)),
        case("confirm with the server's identifier").send(confirm().own_na(1).server_id()),
        case("confirm without client").send(confirm().own_na(1).without(1)),
        case("release").send(selected()).send(release6().own_na(1)).send(rebind().own_na(1)),
        case("release of a prefix").send(prefixed()).send(release6().own_pd(1)),
        case("release of both").send(both()).send(release6().own_na(1).own_pd(1)),
        case("release of one of two")
            .send(both())
            .send(release6().own_na(1))
            .send(renew().own_pd(1)),
        case("release and request by another")
            .send(selected())
            .send(release6().own_na(1))
            .send(selected().client(3)),
        case("release by a stranger").send(release6().own_na(1)),
        case("release of a prefix by a stranger").send(release6().own_pd(1)),
        case("release of another's").send(selected().client(3)).send(release6().own_na(1)),
        case("release of another association")
            .send(selected())
            .send(release6().na_at(2, &["2001:db8:1::f005"])),
        case("release of the right address with a wrong IAID")
            .send(request6().na_at(1, &["2001:db8:1::f006"]))
            .send(release6().na_at(2, &["2001:db8:1::f006"])),
        case("release without addresses").send(selected()).send(release6().na(1)),
        case("release without association").send(release6()),
        case("release of an address elsewhere").send(release6().na_at(1, &["2001:db8:9::1"])),
        case("release to another server")
            .send(selected())
            .send(release6().own_na(1).edit(other_server)),
        case("release without server").send(selected()).send(release6().own_na(1).without(2)),
        case("release twice")
            .send(selected())
            .send(release6().own_na(1))
            .send(release6().own_na(1)),
        case("decline").send(selected()).send(decline6().own_na(1)),
        case("decline, then request by another")
            .send(request6().na_at(1, &["2001:db8:1::f007"]))
            .send(decline6().na_at(1, &["2001:db8:1::f007"]))
            .send(renew().na_at(1, &["2001:db8:1::f007"])),
        case("decline by a stranger").send(decline6().own_na(1)),
        case("decline of another's").send(selected().client(3)).send(decline6().own_na(1)),
        case("decline of a wrong association")
            .send(selected())
            .send(decline6().na_at(2, &["2001:db8:1::f008"])),
        case("decline without addresses").send(decline6().na(1)),
        case("decline without association").send(decline6()),
        case("decline of a prefix").send(prefixed()).send(decline6().own_pd(1)),
        case("decline without server").send(selected()).send(decline6().own_na(1).without(2)),
        case("decline of an address elsewhere").send(decline6().na_at(1, &["2001:db8:9::1"])),
        case("information").send(information_request().oro(&[23])),
        case("information without request list").send(information_request()),
        case("information without client").send(information_request().without(1).oro(&[23])),
        case("information from this server").send(information_request().server_id().oro(&[23])),
        case("information from another server")
            .send(information_request().server_id().edit(other_server).oro(&[23])),
        case("information with an association").send(information_request().own_na(1).oro(&[23])),
        case("information refresh time").send(information_request().oro(&[23, 32])),
    ];
    Group::v6("messages6: exchanges", config, cases)
}

fn other_server(packet: &mut Dhcp6) {
    packet.options.retain(|(code, _)| *code != opt6::SERVER_ID);
    packet.options.push((opt6::SERVER_ID, vec![0, 3, 0, 1, 2, 0, 0, 0, 0, 0x99]));
}

/// An IA_NA with two addresses that nobody has.
fn more_addresses() -> (u16, Vec<u8>) {
    let address = |last: u16| address_option([0x2001, 0xdb8, 1, 0, 0, 0, 0, last].into(), 0, 0);
    let ia = Ia { iaid: 1, t1: 0, t2: 0, options: vec![address(0xf010), address(0xf011)] };
    (opt6::IA_NA, ia.encode())
}

fn rapid_commit() -> Group {
    let config = r#""subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64", "interface": "srv0", "rapid-commit": true,
        "pools": [ { "pool": "2001:db8:1::10 - 2001:db8:1::ffff" } ],
        "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 40, "delegated-len": 56 } ] } ]"#;
    let cases = vec![
        case("asked for").send(solicit().own_na(1).with(14, [])),
        case("not asked for").send(solicit().own_na(1)),
        case("for a prefix").send(solicit().own_pd(1).with(14, [])),
        case("for both").send(solicit().own_na(1).own_pd(1).with(14, [])),
        case("for nothing").send(solicit().with(14, [])),
        case("with data").send(solicit().own_na(1).with(14, [1])),
        case("twice").send(solicit().own_na(1).with(14, [])).send(solicit().own_na(1).with(14, [])),
        case("then renew").send(solicit().own_na(1).with(14, [])).send(renew().held()),
        case("in a request").send(request6().own_na(1).with(14, [])),
    ];
    Group::v6("messages6: rapid commit", config, cases)
}

fn unicast() -> Group {
    let config = r#""interfaces-config": { "interfaces": [ "srv0", "srv0/2001:db8:1::1" ] },
        "option-data": [ { "code": 12, "data": "2001:db8:1::1" } ]"#;
    let from = "2001:db8:1::7";
    let selected = || request6().own_na(1).from(from).unicast();
    let cases = vec![
        case("solicit").send(solicit().own_na(1).from(from).unicast()),
        case("request").send(selected()),
        case("renew").send(selected()).send(renew().own_na(1).from(from).unicast()),
        case("release").send(selected()).send(release6().own_na(1).from(from).unicast()),
        case("decline").send(selected()).send(decline6().own_na(1).from(from).unicast()),
        case("rebind").send(selected()).send(rebind().own_na(1).from(from).unicast()),
        case("confirm").send(confirm().own_na(1).from(from).unicast()),
        case("information").send(information_request().from(from).unicast().oro(&[12])),
        case("relayed")
            .send(solicit().own_na(1).relay("2001:db8:1::5", "fe80::2").from(from).unicast()),
    ];
    Group::v6("messages6: unicast", config, cases)
}

fn times() -> Group {
    let config = r#""preferred-lifetime": 3000, "min-preferred-lifetime": 2000, "max-preferred-lifetime": 4000,
        "valid-lifetime": 5000, "min-valid-lifetime": 4000, "max-valid-lifetime": 6000"#;
    let wish = |preferred: u32, valid: u32| {
        move |packet: &mut Dhcp6| {
            for (code, data) in &mut packet.options {
                if *code != opt6::IA_NA {
                    continue;
                }
                // The only address of the association: its lifetimes.
                data[12 + 4 + 16..12 + 4 + 20].copy_from_slice(&preferred.to_be_bytes());
                data[12 + 4 + 20..12 + 4 + 24].copy_from_slice(&valid.to_be_bytes());
            }
        }
    };
    let mut cases = Vec::new();
    for (preferred, valid) in [
        (0, 0),
        (1, 1),
        (2500, 4500),
        (3500, 5500),
        (9000, 9000),
        (4000, 4000),
        (3000, 1000),
        (u32::MAX, u32::MAX),
        (0, 5500),
        (2500, 0),
    ] {
        cases.push(
            case(format!("{preferred} s and {valid} s"))
                .send(solicit().own_na(1).edit(wish(preferred, valid)))
                .send(request6().own_na(1).edit(wish(preferred, valid)))
                .send(renew().own_na(1).edit(wish(preferred, valid))),
        );
    }
    for (preferred, valid) in [(0, 0), (2500, 4500), (9000, 9000)] {
        let ia = move |packet: &mut Dhcp6| {
            let prefix =
                prefix_option("2001:db8:8055::".parse().expect("an address"), 56, preferred, valid);
            let ia = Ia { iaid: 1, t1: 7, t2: 8, options: vec![prefix] };
            packet.options.push((opt6::IA_PD, ia.encode()));
        };
        cases.push(case(format!("prefix, {preferred} s and {valid} s")).send(solicit().edit(ia)));
    }
    Group::v6("messages6: lifetimes", config, cases)
}

fn tee_times() -> Group {
    let variants = [
        r#""calculate-tee-times": true"#,
        r#""calculate-tee-times": false"#,
        r#""calculate-tee-times": true, "t1-percent": 0.3, "t2-percent": 0.6"#,
        r#""calculate-tee-times": true, "t1-percent": 0.333, "preferred-lifetime": 1001"#,
        r#""renew-timer": 500, "rebind-timer": 900"#,
        r#""renew-timer": 0, "rebind-timer": 0"#,
        r#""renew-timer": 3000, "rebind-timer": 4000"#,
        r#""renew-timer": 5000, "rebind-timer": 6000"#,
        r#""preferred-lifetime": 4294967295, "valid-lifetime": 4294967295, "calculate-tee-times": true"#,
        r#""preferred-lifetime": 1, "valid-lifetime": 1, "calculate-tee-times": true"#,
    ];
    let mut groups = Vec::new();
    for (number, variant) in variants.iter().enumerate() {
        let id = number + 1;
        groups.push(format!(
            r#"{{ "id": {id}, "subnet": "2001:db8:{id:x}00::/64", {variant},
                "pools": [ {{ "pool": "2001:db8:{id:x}00::10 - 2001:db8:{id:x}00::ff" }} ],
                "pd-pools": [ {{ "prefix": "2001:db8:{id:x}01::", "prefix-len": 48, "delegated-len": 56 }} ] }}"#
        ));
    }
    let config = format!(
        r#""renew-timer": null, "rebind-timer": null, "subnet6": [ {} ]"#,
        groups.join(", ")
    );
    let cases = variants.iter().enumerate().map(|(number, variant)| {
        let id = number + 1;
        let (link, address, prefix) = (
            format!("2001:db8:{id:x}00::1"),
            format!("2001:db8:{id:x}00::77"),
            format!("2001:db8:{id:x}01::/56"),
        );
        let ask =
            |ask: Ask6| ask.na_at(1, &[&address]).pd_at(2, &[&prefix]).relay(&link, "fe80::2");
        let case = case(variant.replace('"', ""))
            .send(ask(solicit()))
            .send(ask(request6()))
            .send(ask(renew()));
        if variant.contains("4294967295") {
            case.differs("IA_", "RFC 8415 7.7: a share of infinity is infinity")
        } else if variant.contains(": 1,") {
            case.differs("IA_", "RFC 8415 21.4: T1 may be equal to T2")
        } else {
            case
        }
    });
    let cases = cases.collect();
    Group::v6("messages6: T1 and T2", config, cases)
}

/// Delegated prefixes: lengths, hints, excluded prefixes.
fn pools() -> Group {
    let config = r#""subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64", "interface": "srv0",
        "pd-pools": [
            { "prefix": "2001:db8:8000::", "prefix-len": 40, "delegated-len": 48 },
            { "prefix": "2001:db8:9000::", "prefix-len": 40, "delegated-len": 56,
              "excluded-prefix": "2001:db8:9000:ab::", "excluded-prefix-len": 64 },
            { "prefix": "2001:db8:a000::", "prefix-len": 60, "delegated-len": 64 } ] } ]"#;
    let cases = vec![
        case("a prefix of the first pool").send(solicit().pd_at(1, &["2001:db8:8011::/48"])),
        case("a prefix of the second pool")
            .send(solicit().pd_at(1, &["2001:db8:9000:1100::/56"]).oro(&[67])),
        case("a prefix of the third pool").send(solicit().pd_at(1, &["2001:db8:a000:7::/64"])),
        case("excluded part not requested").send(solicit().pd_at(1, &["2001:db8:9000:1200::/56"])),
        case("excluded part granted")
            .send(request6().pd_at(1, &["2001:db8:9000:00::/56"]).oro(&[67])),
        case("addresses in a subnet of prefixes").send(solicit().na(1)),
        case("addresses and prefixes in a subnet of prefixes")
            .send(solicit().na(1).pd_at(2, &["2001:db8:8012::/48"])),
        case("another length of the first pool")
            .send(solicit().pd_at(1, &["2001:db8:8013::/56"]))
            .differs("IA_PD 1 prefix", LENGTH),
        case("length alone").send(solicit().pd_at(1, &["::/64"])).differs("IA_PD 1 prefix", LENGTH),
        case("several prefixes")
            .send(request6().pd_at(1, &["2001:db8:8021::/48"]).pd_at(2, &["2001:db8:8022::/48"])),
        case("two prefixes in one association")
            .send(request6().pd_at(1, &["2001:db8:8031::/48", "2001:db8:8032::/48"])),
    ];
    Group::v6("messages6: prefixes", config, cases)
}

fn odd() -> Group {
    let ask = |edit: fn(&mut Dhcp6)| solicit().own_na(1).edit(edit);
    let cut = |code: u16, length: usize| {
        solicit().own_na(1).edit(move |packet| {
            let data = packet.options.iter_mut().find(|(found, _)| *found == code);
            data.expect("the option is there").1.truncate(length);
        })
    };
    let mut cases = vec![
        case("two client identifiers")
            .send(ask(|packet| packet.options.push((1, vec![0, 3, 0, 1, 9])))),
        case("empty client identifier").send(cut(1, 0)).any(),
        case("client identifier of 1 byte").send(cut(1, 1)),
        case("client identifier of 2 bytes").send(cut(1, 2)),
        case("client identifier of 3 bytes").send(cut(1, 3)),
        case("client identifier of 128 bytes").send(solicit().own_na(1).duid(vec![1; 128])),
        case("client identifier of 129 bytes")
            .send(solicit().own_na(1).duid(vec![1; 129]))
            .differs("answer", "RFC 8415 11.1: a DUID has 128 bytes behind its type at most"),
        case("client identifier of 130 bytes")
            .send(solicit().own_na(1).duid(vec![1; 130]))
            .differs("answer", "RFC 8415 11.1: a DUID has 128 bytes behind its type at most"),
        case("client identifier of 131 bytes").send(solicit().own_na(1).duid(vec![1; 131])),
        case("two server identifiers").send(request6().own_na(1).server_id()),
        case("empty server identifier").send(request6().own_na(1).without(2).with(2, [])),
        case("elapsed time").send(ask(|packet| packet.options[1].1 = vec![1, 2])),
        case("elapsed time of 1 byte").send(cut(8, 1)).differs("answer", UNREADABLE),
        case("association without times").send(cut(3, 4)),
        case("association of 11 bytes").send(cut(3, 11)),
        case("address of 23 bytes")
            .send(solicit().with(
                3,
                [&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0][..], &[0, 5, 0, 23], &[0; 23]].concat(),
            ))
            .differs("answer", UNREADABLE),
        case("odd request list")
            .send(solicit().own_na(1).with(6, [0, 23, 0]))
            .differs("answer", UNREADABLE),
        case("empty request list")
            .send(solicit().own_na(1).with(6, []))
            .differs("answer", UNREADABLE),
        case("two request lists").send(solicit().own_na(1).oro(&[23]).oro(&[24])),
        case("unknown options").send(solicit().own_na(1).with(1000, [1]).with(65000, [])),
        case("reconfigure accept").send(solicit().own_na(1).with(20, [])),
        case("user class").send(solicit().own_na(1).with(15, *b"\x00\x03abc")),
        case("authentication").send(solicit().own_na(1).with(11, [0; 11])),
        case("client's name").send(solicit().own_na(1).with(39, *b"\x00\x01a\x00")).differs(
            "option 00039",
            "RFC 4704 section 6: a server answers the option when it updates names, which ours does not yet",
        ),
        case("status in the association")
            .send(solicit().with(3, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13, 0, 2, 0, 0]))
            .any(),
        case("preference in the query").send(solicit().own_na(1).with(7, [255])),
        case("interface identifier in the query").send(solicit().own_na(1).with(18, *b"eth0")),
        case("times in the association")
            .send(solicit().with(3, [0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 2, 0]))
            .any(),
    ];
    for number in [0u8, 2, 7, 10, 14, 15, 18, 19, 20, 21, 36, 100, 255] {
        cases.push(
            case(format!("type {number}"))
                .send(solicit().own_na(1).edit(move |packet| packet.kind = number)),
        );
    }
    Group::v6("messages6: odd packets", "", cases)
}

/// No subnet for the client's link.
fn elsewhere() -> Group {
    let config = r#""subnet6": [ { "id": 2, "subnet": "2001:db8:2::/64", "pools": [ { "pool": "2001:db8:2::10 - 2001:db8:2::ff" } ] } ],
        "option-data": [ { "code": 23, "data": "2001:db8::53" } ]"#;
    let cases = vec![
        case("solicit").send(solicit().na(1).pd(2)),
        case("request").send(request6().na(1).pd(2)),
        case("renew").send(renew().na_at(1, &["2001:db8:2::10"])),
        case("rebind").send(rebind().na_at(1, &["2001:db8:2::10"])),
        case("rebind of a prefix").send(rebind().pd_at(1, &["2001:db8:3::/56"])),
        case("confirm").send(confirm().na_at(1, &["2001:db8:2::10"])),
        case("release").send(release6().na_at(1, &["2001:db8:2::10"])),
        case("decline").send(decline6().na_at(1, &["2001:db8:2::10"])),
        case("information").send(information_request().oro(&[23])),
        case("solicit with options").send(solicit().na(1).oro(&[23])),
        case("solicit through an unknown relay")
            .send(solicit().na(1).relay("2001:db8:77::1", "fe80::2").oro(&[23])),
        case("information through an unknown relay")
            .send(information_request().relay("2001:db8:77::1", "fe80::2").oro(&[23])),
        case("from a global address")
            .send(solicit().na_at(1, &["2001:db8:2::20"]).from("2001:db8:2::7")),
    ];
    Group::v6("messages6: no subnet for the link", config, cases)
}
