//! Relays of DHCPv6: nested headers, the choice of the subnet, options that relays supply.

use differential::prelude::*;

pub(crate) fn groups() -> Vec<Group> {
    vec![nesting(), selection(), supplied(), hardware()]
}

const LINK: &str = "2001:db8:1::fe";

fn nesting() -> Group {
    let ask = || solicit().own_na(1);
    let mut cases = vec![
        case("one relay").send(ask().relay(LINK, "fe80::2")),
        case("one relay, unspecified link").send(ask().relay("::", "fe80::2")),
        case("one relay, interface").send(ask().relay(LINK, "fe80::2").hop_with(18, *b"eth0")),
        case("one relay, empty interface").send(ask().relay(LINK, "fe80::2").hop_with(18, [])),
        case("two interfaces")
            .send(ask().relay(LINK, "fe80::2").hop_with(18, *b"a").hop_with(18, *b"b")),
        case("two relays").send(ask().relay(LINK, "fe80::2").relay("2001:db8:2::1", LINK)),
        case("two relays with interfaces").send(
            ask()
                .relay(LINK, "fe80::2")
                .hop_with(18, *b"inner")
                .relay("2001:db8:2::1", LINK)
                .hop_with(18, *b"outer"),
        ),
        case("three relays").send(
            ask()
                .relay(LINK, "fe80::2")
                .relay("2001:db8:2::1", LINK)
                .relay("2001:db8:3::1", "2001:db8:2::1"),
        ),
        case("remote identifier")
            .send(ask().relay(LINK, "fe80::2").hop_with(37, *b"\0\0\0\x09port")),
        case("subscriber identifier").send(ask().relay(LINK, "fe80::2").hop_with(38, *b"user")),
        case("echo request").send(
            ask().relay(LINK, "fe80::2").hop_with(43, [0, 37]).hop_with(37, *b"\0\0\0\x09port"),
        ),
        case("vendor of the relay").send(ask().relay(LINK, "fe80::2").hop_with(17, *b"\0\0\0\x09")),
        case("unknown option of the relay").send(ask().relay(LINK, "fe80::2").hop_with(999, *b"x")),
        case("source port of the relay").send(ask().relay(LINK, "fe80::2").hop_with(135, [0, 0])),
        case("hop count")
            .send(ask().relay(LINK, "fe80::2").relay(LINK, "fe80::3").relay(LINK, "fe80::4")),
        case("wrong hop count").send(ask().hop(Hop::new(
            7,
            LINK.parse().expect("address"),
            "fe80::2".parse().expect("address"),
        ))),
        case("global peer").send(ask().relay(LINK, "2001:db8:1::77")),
        case("from a global address").send(ask().relay(LINK, "fe80::2").from("2001:db8:1::5")),
        case("request").send(request6().own_na(1).relay(LINK, "fe80::2").hop_with(18, *b"eth0")),
        case("renew")
            .send(request6().own_na(1).relay(LINK, "fe80::2"))
            .send(renew().own_na(1).relay(LINK, "fe80::2")),
        case("information").send(information_request().relay(LINK, "fe80::2")),
        case("confirm").send(confirm().own_na(1).relay(LINK, "fe80::2")),
        case("release")
            .send(request6().own_na(1).relay(LINK, "fe80::2"))
            .send(release6().own_na(1).relay(LINK, "fe80::2")),
        case("request to another server").send(request6().own_na(1).relay(LINK, "fe80::2").edit(
            |packet| {
                packet.options.retain(|(code, _)| *code != opt6::SERVER_ID);
                packet.options.push((opt6::SERVER_ID, vec![0, 3, 0, 1, 9, 9, 9, 9, 9, 9]));
            },
        )),
    ];
    for depth in [8usize, 31, 32, 33] {
        let mut query = ask();
        for _ in 0..depth {
            query = query.relay(LINK, "fe80::2");
        }
        let case = case(format!("{depth} relays")).send(query);
        cases.push(match depth {
            33 => case.differs(
                "answer",
                "RFC 8415 7.6 allows 8 hops; ours reads 32 headers, Kea one more",
            ),
            _ => case,
        });
    }
    Group::v6("relays6: nesting", "", cases)
}

fn selection() -> Group {
    let subnet = |id: u8, members: &str| {
        format!(
            r#"{{ "id": {id}, "subnet": "2001:db8:{id}::/64", "pools": [ {{ "pool": "2001:db8:{id}::10 - 2001:db8:{id}::ffff" }} ]
            {members} }}"#
        )
    };
    let config = format!(
        r#""subnet6": [ {} ]"#,
        [
            subnet(1, ""),
            subnet(2, r#", "relay": { "ip-addresses": [ "2001:db8:100::1", "2001:db8:100::2" ] }"#),
            subnet(3, r#", "interface-id": "eth3""#),
            subnet(4, r#", "interface": "srv0""#),
            subnet(5, r#", "relay": { "ip-addresses": [ "2001:db8:1::5" ] }"#),
        ]
        .join(", ")
    );
    let ask = |id: u8| solicit().na_at(1, &[&format!("2001:db8:{id}::aaaa")]);
    let cases = vec![
        case("by the link").send(ask(1).relay("2001:db8:1::1", "fe80::2")),
        case("by the relay's address").send(ask(2).relay("2001:db8:100::1", "fe80::2")),
        case("by the relay's second address").send(ask(2).relay("2001:db8:100::2", "fe80::2")),
        case("by an unknown relay").send(ask(2).relay("2001:db8:100::3", "fe80::2")),
        case("by interface").send(ask(3).relay("2001:db8:1::1", "fe80::2").hop_with(18, *b"eth3")),
        case("by another interface")
            .send(ask(1).relay("2001:db8:1::1", "fe80::2").hop_with(18, *b"eth33")),
        case("by interface alone").send(ask(3).relay("::", "fe80::2").hop_with(18, *b"eth3")),
        case("direct").send(ask(4)),
        case("relay of one subnet within another").send(ask(5).relay("2001:db8:1::5", "fe80::2")),
        case("link-local link").send(ask(1).relay("fe80::9", "fe80::2")),
        case("outer link when the inner has none")
            .send(ask(1).relay("::", "fe80::2").relay("2001:db8:1::1", "fe80::3")),
        case("inner link first")
            .send(ask(1).relay("2001:db8:1::1", "fe80::2").relay("2001:db8:3::1", "fe80::3")),
        case("interface of the outer relay").send(
            ask(3)
                .relay("2001:db8:1::1", "fe80::2")
                .relay("2001:db8:1::1", "fe80::3")
                .hop_with(18, *b"eth3"),
        ),
        case("interface of the inner relay").send(
            ask(3)
                .relay("2001:db8:1::1", "fe80::2")
                .hop_with(18, *b"eth3")
                .relay("2001:db8:1::1", "fe80::3"),
        ),
        case("outer relay's address")
            .send(ask(2).relay("::", "fe80::2").relay("2001:db8:100::1", "fe80::3")),
        case("unspecified everywhere").send(ask(4).relay("::", "fe80::2")),
        case("direct from a global address").send(ask(4).from("2001:db8:1::7")),
    ];
    Group::v6("relays6: selection of the subnet", config, cases)
}

fn supplied() -> Group {
    let config = r#""relay-supplied-options": [ "110", "120", "23", "dns-servers" ],
        "option-data": [ { "code": 120, "csv-format": false, "data": "aa" }, { "code": 31, "data": "2001:db8::1" } ]"#;
    let config = config.replace(r#", "23", "dns-servers""#, r#", "24""#);
    let with = |options: &[(u16, &[u8])]| {
        let options: Vec<(u16, Vec<u8>)> =
            options.iter().map(|(code, data)| (*code, data.to_vec())).collect();
        solicit().own_na(1).oro(&[31]).relay(LINK, "fe80::2").hop_with(66, encode_options(&options))
    };
    let cases = vec![
        case("always allowed").send(with(&[(65, b"\x03erp\0")])),
        case("allowed").send(with(&[(110, b"relay")])),
        case("not allowed").send(with(&[(111, b"relay")])),
        case("allowed and not").send(with(&[(110, b"yes"), (111, b"no"), (65, b"\x03erp\0")])),
        case("allowed, of a known type").send(with(&[(24, b"\x03foo\0")])),
        case("configured, not requested").send(with(&[(120, b"relay")])),
        case("configured and requested").send(with(&[(120, b"relay")]).oro(&[120])),
        case("empty").send(with(&[])),
        case("from two relays").send(
            with(&[(110, b"inner")]).relay("2001:db8:2::1", LINK).hop_with(
                66,
                encode_options(&[(110, b"outer".to_vec()), (65, b"\x03erp\0".to_vec())]),
            ),
        ),
        case("twice").send(with(&[(110, b"one"), (110, b"two")])),
        case("in a reply").send(
            request6()
                .own_na(1)
                .relay(LINK, "fe80::2")
                .hop_with(66, encode_options(&[(110, b"relay".to_vec())])),
        ),
        case("from the client")
            .send(solicit().own_na(1).with(66, encode_options(&[(110, b"client".to_vec())]))),
        case("by information").send(
            information_request()
                .relay(LINK, "fe80::2")
                .hop_with(66, encode_options(&[(110, b"relay".to_vec())])),
        ),
    ];
    Group::v6("relays6: supplied options", config, cases)
}

/// Reservations by the hardware address that relays tell.
fn hardware() -> Group {
    let config = r#""host-reservation-identifiers": [ "hw-address" ],
        "subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64", "interface": "srv0",
            "pools": [ { "pool": "2001:db8:1::10 - 2001:db8:1::ffff" } ],
            "reservations": [
                { "hw-address": "02:00:00:00:bb:01", "ip-addresses": [ "2001:db8:1::b1" ] },
                { "hw-address": "02:00:00:00:bb:02", "ip-addresses": [ "2001:db8:1::b2" ] } ] } ]"#;
    let random = [0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    let ask = || solicit().own_na(1).duid(random);
    let mut docsis = vec![0, 0, 0x11, 0x8b];
    docsis.extend(encode_options(&[(36, vec![2, 0, 0, 0, 0xbb, 1])]));
    let mut cmts = vec![0, 0, 0x11, 0x8b];
    cmts.extend(encode_options(&[(1026, vec![2, 0, 0, 0, 0xbb, 1])]));
    let cases = vec![
        case("client link-layer address")
            .send(ask().relay(LINK, "fe80::2").hop_with(79, [0, 1, 2, 0, 0, 0, 0xbb, 1])),
        case("link-local address of the peer").send(ask().relay(LINK, "fe80::ff:fe00:bb01")),
        case("link-local address without mark").send(ask().relay(LINK, "fe80::bb01")),
        case("identifier of the client")
            .send(solicit().own_na(1).duid([0, 3, 0, 1, 2, 0, 0, 0, 0xbb, 2])),
        case("identifier with time")
            .send(solicit().own_na(1).duid([0, 1, 0, 1, 9, 9, 9, 9, 2, 0, 0, 0, 0xbb, 2])),
        case("identifier against the relay").send(
            solicit()
                .own_na(1)
                .duid([0, 3, 0, 1, 2, 0, 0, 0, 0xbb, 2])
                .relay(LINK, "fe80::2")
                .hop_with(79, [0, 1, 2, 0, 0, 0, 0xbb, 1]),
        ),
        case("remote identifier")
            .send(ask().relay(LINK, "fe80::2").hop_with(37, [0, 0, 0, 9, 2, 0, 0, 0, 0xbb, 1])),
        case("cable modem").send(ask().with(17, docsis)),
        case("cable modem by its head end").send(ask().relay(LINK, "fe80::2").hop_with(17, cmts)),
        case("outer relay tells").send(
            ask()
                .relay(LINK, "fe80::2")
                .relay("2001:db8:2::1", LINK)
                .hop_with(79, [0, 1, 2, 0, 0, 0, 0xbb, 1]),
        ),
    ];
    Group::v6("relays6: hardware addresses", config, cases)
}
