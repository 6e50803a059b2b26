//! Relays of DHCPv4: the choice of the subnet and what goes back.

use differential::prelude::*;

pub(crate) fn groups() -> Vec<Group> {
    vec![selection(), information()]
}

const REORDERED: &str = "link selection after others";

const TWICE: &str = "RFC 3046 section 2.2, RFC 3396: Kea 2.2 sends the contents twice";

const ECHO: &str = "RFC 3046 section 2.2: the entire contents go back, as they came";

/// A subnet of 10.ID.0.0/24 with further members.
fn subnet(id: u8, members: &str) -> String {
    format!(
        r#"{{ "id": {id}, "subnet": "10.{id}.0.0/24", "pools": [ {{ "pool": "10.{id}.0.10 - 10.{id}.0.200" }} ]
            {members} }}"#
    )
}

fn selection() -> Group {
    let config = format!(
        r#""interfaces-config": {{ "interfaces": ["srv0"], "dhcp-socket-type": "udp" }}, "subnet4": [ {} ]"#,
        [
            subnet(1, ""),
            subnet(2, r#", "relay": { "ip-addresses": [ "172.16.0.1", "172.16.0.2" ] }"#),
            subnet(3, r#", "relay": { "ip-addresses": [ "10.1.0.3" ] }"#),
            subnet(4, r#", "interface": "srv0""#),
            subnet(5, ""),
        ]
        .join(", ")
    );
    let link = |address: [u8; 4]| [&[5, 4][..], &address].concat();
    // Everybody wishes an address of its own in each subnet, so that the order of pools does not matter.
    let wish = |id: u8, host: u8| format!("10.{id}.0.{}", 10 + host);
    let mut cases = Vec::new();
    let mut ask = |name: &str, id: u8, giaddr: &str, edit: &dyn Fn(Ask4) -> Ask4| {
        let host = cases.len() as u8;
        cases.push(case(name).send(edit(discover().wish_at(&wish(id, host)).relay(giaddr))));
    };
    ask("relay in the subnet", 1, "10.1.0.1", &|ask| ask);
    ask("relay at the network's address", 1, "10.1.0.0", &|ask| ask);
    ask("relay at the broadcast address", 1, "10.1.0.255", &|ask| ask);
    ask("relay by its address", 2, "172.16.0.1", &|ask| ask);
    ask("relay by its second address", 2, "172.16.0.2", &|ask| ask);
    ask("relay unknown", 2, "172.16.0.3", &|ask| ask);
    ask("relay of one subnet within another", 3, "10.1.0.3", &|ask| ask);
    ask("relay of the subnet of an interface", 4, "10.4.0.1", &|ask| ask);
    ask("broadcast address as relay", 1, "255.255.255.255", &|ask| ask);
    ask("link selection", 5, "10.1.0.1", &|ask| ask.with(82, link([10, 5, 0, 9])));
    ask("link selection of no subnet", 5, "10.1.0.1", &|ask| ask.with(82, link([10, 99, 0, 9])));
    ask("link selection of zero", 1, "10.1.0.1", &|ask| ask.with(82, link([0, 0, 0, 0])));
    ask("link selection of 3 bytes", 1, "10.1.0.1", &|ask| ask.with(82, [5, 3, 10, 5, 0]));
    ask("link selection by a relay's address", 3, "10.1.0.1", &|ask| {
        ask.with(82, link([10, 1, 0, 3]))
    });
    ask(REORDERED, 5, "10.1.0.1", &|ask| {
        ask.with(82, [&[1, 2, 7, 7][..], &link([10, 5, 0, 9]), &[2, 1, 9]].concat())
    });
    ask("subnet selection", 5, "10.1.0.1", &|ask| ask.with(118, [10, 5, 0, 0]));
    ask("subnet selection of no subnet", 5, "10.1.0.1", &|ask| ask.with(118, [10, 99, 0, 0]));
    ask("subnet selection of 3 bytes", 1, "10.1.0.1", &|ask| ask.with(118, [10, 5, 0]));
    ask("subnet selection with other information", 5, "10.1.0.1", &|ask| {
        ask.with(82, [1, 2, 7, 7]).with(118, [10, 5, 0, 0])
    });
    ask("both selections", 5, "10.1.0.1", &|ask| {
        ask.with(82, link([10, 5, 0, 9])).with(118, [10, 2, 0, 0])
    });
    ask("from another address than giaddr", 1, "10.1.0.1", &|ask| {
        ask.relay_from("10.1.0.1", "10.5.0.1")
    });
    ask("ciaddr in another subnet", 1, "10.1.0.1", &|ask| ask.ciaddr("10.5.0.77"));
    ask("16 hops", 1, "10.1.0.1", &|ask| ask.edit(|packet| packet.hops = 16));
    ask("255 hops", 1, "10.1.0.1", &|ask| ask.edit(|packet| packet.hops = 255));
    ask("broadcast flag", 1, "10.1.0.1", &|ask| ask.broadcast());
    let expected = |case: Case| match case.name.as_str() {
        REORDERED => case.differs("option 082", ECHO),
        "subnet selection of 3 bytes" => case.differs(
            "answer",
            "RFC 3011 section 2: an address has 4 bytes; what cannot be read selects nothing",
        ),
        _ => case,
    };
    let cases = cases.into_iter().map(expected).collect();
    Group::v4("relays: selection of the subnet", config, cases)
}

fn information() -> Group {
    let config = format!(r#""subnet4": [ {}, {} ]"#, subnet(1, ""), subnet(2, ""));
    let data: &[(&str, &[u8])] = &[
        ("circuit", b"\x01\x03abc"),
        ("circuit and remote", b"\x01\x03abc\x02\x02xy"),
        ("unknown sub-option", b"\xc8\x02hi"),
        ("empty sub-option", b"\x01\x00"),
        ("the same twice", b"\x01\x01a\x01\x01b"),
        ("cut short", b"\x01\x09abc"),
        ("code without length", b"\x01\x03abc\x02"),
        ("pad inside", b"\x00\x01\x03abc"),
        ("end inside", b"\x01\x03abc\xff"),
        ("subscriber", b"\x06\x04user"),
        ("device class", b"\x04\x04\x00\x00\x00\x01"),
        ("relay flags", b"\x0a\x01\x80"),
        ("server identifier override", b"\x0b\x04\x0a\x01\x00\x01"),
        ("relay identifier", b"\x0c\x03abc"),
        ("vendor", b"\x09\x07\x00\x00\x10\x00\x02\x01\x05"),
        ("virtual subnet", b"\x97\x02\x00a\x98\x00"),
        ("authentication", b"\x08\x03abc"),
    ];
    let mut cases = Vec::new();
    for (name, data) in data {
        let host = 10 + cases.len();
        cases.push(
            case(format!("{name}, offered")).send(
                discover().wish_at(&format!("10.1.0.{host}")).relay("10.1.0.1").with(82, *data),
            ),
        );
        let host = 10 + cases.len();
        let wish = format!("10.1.0.{host}");
        cases.push(
            case(format!("{name}, granted"))
                .send(request().wish_at(&wish).server_id().relay("10.1.0.1").with(82, *data)),
        );
    }
    // Kea takes the option apart and puts it together again, without what it cannot read.
    let broken = ["the same twice", "cut short", "code without length", "pad inside", "end inside"];
    let expected = |case: Case| {
        if broken.iter().any(|name| case.name.starts_with(name)) {
            case.differs("option 082", ECHO)
        } else {
            case
        }
    };
    let mut cases: Vec<Case> = cases.into_iter().map(expected).collect();
    let long = [&[1, 200][..], &[7; 200], &[2, 51], &[8; 51]].concat();
    let relay = "10.1.0.1";
    cases.push(
        case("254 bytes")
            .send(discover().wish_at("10.1.0.100").relay(relay).with(82, long))
            .differs("option 082", TWICE),
    );
    cases.push(
        case("in two parts")
            .send(
                discover()
                    .wish_at("10.1.0.101")
                    .relay(relay)
                    .with(82, *b"\x01\x03abc")
                    .with(82, *b"\x02\x02xy"),
            )
            .differs("option 082", TWICE),
    );
    cases.push(
        case("refusal")
            .send(request().wish_at("10.2.0.9").relay(relay).server_id().with(82, *b"\x01\x03abc"))
            .differs("answer", super::options::REFUSAL),
    );
    cases.push(
        case("refusal of an address in use")
            .send(request().client(1).wish_at("10.1.0.102").relay(relay).server_id())
            .send(
                request().wish_at("10.1.0.102").relay(relay).server_id().with(82, *b"\x01\x03abc"),
            )
            .differs("flags", super::messages::RELAYED_NAK),
    );
    cases.push(
        case("server identifier of the override").send(
            request()
                .wish_at("10.1.0.103")
                .with_address(54, "10.1.0.1")
                .relay(relay)
                .with(82, *b"\x0b\x04\x0a\x01\x00\x01"),
        ),
    );
    cases.push(
        case("inform").send(inform().ciaddr("10.1.0.104").relay(relay).with(82, *b"\x01\x03abc")),
    );
    cases.push(case("inform without ciaddr").send(inform().relay(relay).with(82, *b"\x01\x03abc")));
    cases.push(
        case("inform without ciaddr, broadcast flag")
            .send(inform().relay(relay).broadcast().with(82, *b"\x01\x03abc")),
    );
    cases.push(
        case("renewal after a relayed request")
            .send(
                request().wish_at("10.1.0.105").relay(relay).server_id().with(82, *b"\x01\x03abc"),
            )
            .send(request().ciaddr("10.1.0.105").unicast()),
    );
    cases.push(
        case("rebinding through a relay")
            .send(
                request().wish_at("10.1.0.106").relay(relay).server_id().with(82, *b"\x01\x03abc"),
            )
            .send(request().ciaddr("10.1.0.106").relay(relay).with(82, *b"\x01\x03abc")),
    );
    cases.push(
        case("same client behind another relay")
            .send(request().wish_at("10.1.0.107").relay(relay).server_id())
            .send(request().wish_at("10.1.0.107").relay("10.2.0.1"))
            .send(discover().wish_at("10.2.0.107").relay("10.2.0.1"))
            .send(request().accept().relay("10.2.0.1")),
    );
    cases.push(
        case("requested in the list").send(
            discover().wish_at("10.1.0.108").relay(relay).prl(&[82]).with(82, *b"\x01\x03abc"),
        ),
    );
    cases.push(
        case("requested in the list, not sent")
            .send(discover().wish_at("10.1.0.109").relay(relay).prl(&[82, 118])),
    );
    Group::v4("relays: information", config, cases)
}
