//! Messages of DHCPv4: the exchanges of RFC 2131, identity of clients, times, odd packets.

use differential::prelude::*;

use super::options::REFUSAL;

pub(crate) fn groups() -> Vec<Group> {
    vec![
        first(),
        exchanges("raw", None),
        exchanges("udp", Some("192.0.2.254")),
        authoritative(),
        identity("", ""),
        identity("without match-client-id", r#", "match-client-id": false"#),
        identity("without echo-client-id", r#", "echo-client-id": false"#),
        odd(),
        times(),
        tee_times(),
        direct(),
    ]
}

pub(crate) const BROADCAST_NAK: &str =
    "RFC 2131 4.3.2: a refusal that no relay carries is broadcast";

pub(crate) const RELAYED_NAK: &str =
    "RFC 2131 4.3.2: a refusal through a relay has the broadcast flag";

pub(crate) const CHADDR: &str = "RFC 2131 4.3.1: chaddr is that of the query, all of it";

const SHORT_ID: &str = "RFC 2132 9.14 wants two bytes; the client is served instead of dropped";

/// The order in which addresses are given.
fn first() -> Group {
    let config = r#""subnet4": [ { "id": 1, "subnet": "192.0.2.0/24",
        "pools": [ { "pool": "192.0.2.10 - 192.0.2.12" }, { "pool": "192.0.2.20 - 192.0.2.21" } ] } ]"#;
    let mut cases: Vec<Case> = (1..=5)
        .map(|number| case(format!("address {number}")).send(discover()).send(request().accept()))
        .collect();
    cases.push(
        case("no address is left")
            .send(discover())
            .send(request().wish_at("192.0.2.10").server_id()),
    );
    Group::v4("messages: pools until they are empty", config, cases)
}

/// The whole protocol, by raw sockets without and by UDP sockets with a relay.
fn exchanges(socket: &str, relay: Option<&str>) -> Group {
    let config = format!(
        r#""interfaces-config": {{ "interfaces": ["srv0"], "dhcp-socket-type": "{socket}" }},
        "renew-timer": 900, "rebind-timer": 1800,
        "subnet4": [
            {{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ {{ "pool": "192.0.2.10 - 192.0.2.200" }} ] }},
            {{ "id": 2, "subnet": "10.1.0.0/16", "pools": [ {{ "pool": "10.1.0.10 - 10.1.0.200" }} ] }} ]"#
    );
    let selecting = || request().wish().server_id();
    let mut cases = vec![
        case("discover").send(discover().wish()),
        case("discover with the broadcast flag").send(discover().wish().broadcast()),
        case("discover twice").send(discover().wish()).send(discover().wish()),
        case("discover and request").send(discover().wish()).send(request().accept()),
        case("request with the broadcast flag").send(selecting().broadcast()),
        case("request twice").send(selecting()).send(selecting()),
        case("discover after a lease").send(selecting()).send(discover()),
        case("discover after a lease, wishing another")
            .send(selecting())
            .send(discover().wish_at("192.0.2.201")),
        case("discover with ciaddr").send(discover().own_ciaddr()),
        case("discover with the server's identifier").send(discover().wish().server_id()),
        case("discover for an address outside the pool, lease kept")
            .send(selecting())
            .send(discover().wish_at("10.9.9.9")),
        case("request to another server")
            .send(discover().wish())
            .send(request().wish().with_address(54, "192.0.2.99")),
        case("request for an address of no pool")
            .send(request().wish_at("192.0.2.201").server_id())
            .differs("answer", REFUSAL),
        case("request for an address of another network")
            .send(request().wish_at("10.1.0.10").server_id())
            .differs("answer", REFUSAL),
        case("request for an address in use").send(selecting().client(1)).send(selecting()),
        case("request for another address than offered")
            .send(discover().wish())
            .send(request().wish_at("192.0.2.199").server_id()),
        case("request without any address").send(request().server_id().wish_at("0.0.0.0")),
        case("request that names the server alone").send(selecting()).send(request().server_id()),
        case("reboot").send(selecting()).send(request().wish()),
        case("reboot of a stranger").send(request().wish()),
        case("reboot with a wrong address")
            .send(selecting())
            .send(request().wish_at("192.0.2.199")),
        case("reboot with an address elsewhere")
            .send(selecting())
            .send(request().wish_at("10.9.9.9")),
        case("renewal").send(selecting()).send(request().own_ciaddr().unicast()),
        case("rebinding").send(selecting()).send(request().own_ciaddr()),
        case("renewal with the broadcast flag")
            .send(selecting())
            .send(request().own_ciaddr().unicast().broadcast()),
        case("renewal of a stranger").send(request().own_ciaddr().unicast()),
        case("rebinding of a stranger").send(request().own_ciaddr()),
        case("renewal of another's address")
            .send(selecting().client(1))
            .send(request().own_ciaddr().unicast()),
        case("rebinding of another's address")
            .send(selecting().client(1))
            .send(request().own_ciaddr()),
        case("renewal of an address of no pool").send(request().ciaddr("192.0.2.201").unicast()),
        case("rebinding of an address elsewhere").send(request().ciaddr("10.9.9.9")),
        case("renewal that names the server")
            .send(selecting())
            .send(request().own_ciaddr().unicast().server_id()),
        case("renewal with an address in both places")
            .send(selecting())
            .send(request().own_ciaddr().wish().unicast()),
        case("release, then discover by another")
            .send(selecting())
            .send(release().own_ciaddr().server_id().unicast())
            .send(discover().wish().client(1)),
        case("release by another")
            .send(selecting())
            .send(release().own_ciaddr().server_id().unicast().client(1))
            .send(request().own_ciaddr().unicast()),
        case("release to another server")
            .send(selecting())
            .send(release().own_ciaddr().with_address(54, "192.0.2.99").unicast())
            .send(request().own_ciaddr().unicast()),
        case("release, then renewal")
            .send(selecting())
            .send(release().own_ciaddr().server_id().unicast())
            .send(request().own_ciaddr().unicast()),
        case("release, then reboot")
            .send(selecting())
            .send(release().own_ciaddr().server_id().unicast())
            .send(request().wish()),
        case("release without ciaddr")
            .send(selecting())
            .send(release().server_id())
            .send(request().wish()),
        case("decline, then request by another")
            .send(selecting())
            .send(decline().wish().server_id())
            .send(selecting().client(1)),
        case("decline by another")
            .send(selecting())
            .send(decline().wish().server_id().client(1))
            .send(request().own_ciaddr().unicast()),
        case("decline without an address")
            .send(selecting())
            .send(decline().server_id())
            .send(request().own_ciaddr().unicast()),
        case("decline without the server")
            .send(selecting())
            .send(decline().wish())
            .send(selecting().client(1)),
        case("decline to another server")
            .send(selecting())
            .send(decline().wish().with_address(54, "192.0.2.99"))
            .send(request().own_ciaddr().unicast()),
        case("decline, then request by the same")
            .send(selecting())
            .send(decline().wish().server_id())
            .send(selecting()),
        case("inform").send(inform().ciaddr("192.0.2.201").unicast()),
        case("inform, broadcast").send(inform().ciaddr("192.0.2.202")),
        case("inform with the broadcast flag")
            .send(inform().ciaddr("192.0.2.201").unicast().broadcast()),
        case("inform without ciaddr").send(inform().from("192.0.2.203")),
        case("inform without any address").send(inform()),
        case("inform that names the server")
            .send(inform().ciaddr("192.0.2.201").unicast().server_id()),
        case("inform of a client with a lease")
            .send(selecting())
            .send(inform().own_ciaddr().unicast()),
        case("inform from another network").send(inform().ciaddr("10.9.9.9").unicast()),
        case("inform from behind a router").send(inform().ciaddr("10.1.0.77").unicast()),
    ];
    // Those that are refused, though no relay carries the answer to a unicast.
    let refused = [
        "request for an address in use",
        "reboot with a wrong address",
        "rebinding of another's address",
        "decline, then request by another",
        "decline without the server",
        "decline, then request by the same",
        "reboot with an address elsewhere",
    ];
    let expected = |case: Case| match (case.name.as_str(), relay) {
        ("renewal of another's address", _) => case.differs("sent to", BROADCAST_NAK),
        ("rebinding of another's address", None) => case.differs("sent to", BROADCAST_NAK),
        (name, Some(_)) if refused.contains(&name) => case.differs("flags", RELAYED_NAK),
        _ => case,
    };
    cases = cases.into_iter().map(expected).collect();
    if let Some(relay) = relay {
        cases = cases.into_iter().map(|case| case.relayed(relay)).collect();
    }
    Group::v4(format!("messages: exchanges by {socket} sockets"), config, cases)
}

fn authoritative() -> Group {
    let config = r#""authoritative": true,
        "subnet4": [
            { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.200" } ] },
            { "id": 2, "subnet": "10.1.0.0/16", "authoritative": false,
              "pools": [ { "pool": "10.1.0.10 - 10.1.0.200" } ] } ]"#;
    let selecting = || request().wish().server_id();
    let cases = vec![
        case("reboot of a stranger").send(request().wish()),
        case("reboot of a stranger elsewhere").send(request().wish_at("10.9.9.9")),
        case("reboot with a wrong address")
            .send(selecting())
            .send(request().wish_at("192.0.2.199")),
        case("renewal of a stranger").send(request().own_ciaddr().unicast()),
        case("rebinding of a stranger").send(request().own_ciaddr()),
        case("rebinding of an address of no pool").send(request().ciaddr("192.0.2.201")).differs(
            "answer",
            "the authority denies what it has not given (keyword authoritative)",
        ),
        case("request for an address of no pool")
            .send(request().wish_at("192.0.2.201").server_id())
            .differs("answer", REFUSAL),
        case("reboot of a stranger where it is off")
            .send(request().wish_at("10.1.0.10").relay("10.1.0.1")),
        case("discover").send(discover().wish()),
        case("reboot of a stranger with the broadcast flag").send(request().wish().broadcast()),
        case("reboot of a stranger through a relay")
            .send(request().wish_at("192.0.2.199").relay("192.0.2.254"))
            .differs("flags", RELAYED_NAK),
    ];
    Group::v4("messages: authoritative", config, cases)
}

/// Who is the same client: client identifiers and hardware addresses.
fn identity(name: &str, members: &str) -> Group {
    let config = format!(r#""renew-timer": 900 {members}"#);
    let id = |text: &str| [&[0][..], text.as_bytes()].concat();
    let selecting = || request().wish().server_id();
    let cases = vec![
        case("identifier").send(discover().wish().with(61, id("a"))),
        case("identifier of one byte")
            .send(discover().wish().with(61, [7]))
            .differs("answer", SHORT_ID),
        case("identifier of two bytes").send(discover().wish().with(61, [0, 7])),
        case("empty identifier").send(discover().wish().with(61, [])).differs("answer", SHORT_ID),
        case("identifier of 255 bytes")
            .send(discover().wish().with(61, vec![9; 255]))
            .differs("answer", "RFC 2132 9.14 has no limit; Kea takes 128 bytes at most"),
        case("identifier of 128 bytes").send(discover().wish().with(61, vec![9; 128])),
        case("identifier with a DUID")
            .send(discover().wish().with(61, [255, 0, 0, 0, 1, 0, 3, 0, 1, 2, 0, 0, 0, 0, 1])),
        case("same identifier, other hardware address")
            .send(selecting().with(61, id("c")))
            .send(discover().client(1).with(61, id("c"))),
        case("same hardware address, other identifier, same address")
            .send(selecting().with(61, id("d")))
            .send(request().own_ciaddr().unicast().with(61, id("e"))),
        case("same hardware address, identifier left out")
            .send(selecting().with(61, id("f")))
            .send(request().own_ciaddr().unicast()),
        case("same hardware address, identifier added")
            .send(selecting())
            .send(request().own_ciaddr().unicast().with(61, id("g"))),
        case("release with another identifier")
            .send(selecting().with(61, id("h")))
            .send(release().own_ciaddr().unicast().server_id().with(61, id("i")))
            .send(request().own_ciaddr().unicast().with(61, id("h"))),
        case("release without the identifier")
            .send(selecting().with(61, id("j")))
            .send(release().own_ciaddr().unicast().server_id())
            .send(request().own_ciaddr().unicast().client(1)),
        case("decline with another identifier")
            .send(selecting().with(61, id("k")))
            .send(decline().wish().server_id().with(61, id("l")))
            .send(request().own_ciaddr().unicast().with(61, id("k"))),
        case("refusal with an identifier")
            .send(selecting().client(1))
            .send(selecting().with(61, id("m"))),
        case("inform with an identifier")
            .send(inform().ciaddr("192.0.2.201").unicast().with(61, id("n"))),
        case("no hardware address, identifier")
            .send(discover().wish().with(61, id("o")).edit(|packet| packet.hlen = 0)),
        case("neither hardware address nor identifier")
            .send(discover().wish().edit(|packet| packet.hlen = 0)),
    ];
    let by_mac = members.contains("match");
    let cases = cases.into_iter().map(|case| match case.name.as_str() {
        "same hardware address, other identifier, same address" if !by_mac => {
            case.differs("sent to", BROADCAST_NAK)
        }
        "decline with another identifier" if by_mac => case.differs("sent to", BROADCAST_NAK),
        "no hardware address, identifier" if !by_mac => case.differs("chaddr", CHADDR),
        "no hardware address, identifier" => case.differs(
            "answer",
            "without match-client-id a client is its hardware address; to Kea all that have none are one",
        ),
        _ => case,
    });
    let cases = cases.collect();
    Group::v4(format!("messages: identity of clients {name}"), config, cases)
}

/// Headers and options that are unusual or wrong.
fn odd() -> Group {
    let ask = |edit: fn(&mut Dhcp)| discover().wish().edit(edit);
    let typed =
        |number: u8| discover().wish().edit(move |packet| packet.options[0].1 = vec![number]);
    let mut cases = vec![
        case("other hardware type").send(ask(|packet| packet.htype = 6)),
        case("hardware type 0").send(ask(|packet| packet.htype = 0)),
        case("hardware address of 16 bytes").send(ask(|packet| packet.hlen = 16)),
        case("hardware address of 17 bytes").send(ask(|packet| packet.hlen = 17)).differs("answer", "RFC 2131 section 2: chaddr has 16 bytes"),
        case("hardware address of 1 byte").send(ask(|packet| packet.hlen = 1)).differs("chaddr", CHADDR),
        case("bytes behind the hardware address").send(ask(|packet| packet.chaddr[6..].fill(7))).differs("chaddr", CHADDR),
        case("hops").send(ask(|packet| packet.hops = 5)),
        case("seconds").send(ask(|packet| packet.secs = 77)),
        case("reserved flags").send(ask(|packet| packet.flags = 0x7fff)),
        case("all flags").send(ask(|packet| packet.flags = 0xffff)),
        case("yiaddr").send(ask(|packet| packet.yiaddr = [10, 9, 9, 9].into())),
        case("siaddr").send(ask(|packet| packet.siaddr = [10, 9, 9, 9].into())),
        case("sname and file").send(ask(|packet| {
            packet.sname.fill(b's');
            packet.file.fill(b'f');
        })),
        case("reply").send(ask(|packet| packet.op = 2)).differs("answer", "RFC 2131 section 2: servers are asked by BOOTREQUEST; the answer of another server is none"),
        case("operation 0").send(ask(|packet| packet.op = 0)).differs("answer", "RFC 2131 section 2: servers are asked by BOOTREQUEST"),
        case("no type").send(ask(|packet| packet.options.retain(|(code, _)| *code != 53))),
        case("two types").send(discover().wish().with(53, [3])).differs("answer", "RFC 2131 4.1: options appear once; ours takes the first"),
        case("type of two bytes").send(ask(|packet| packet.options[0].1 = vec![1, 1])).differs("answer", "RFC 2132 9.6: the type has one byte"),
        case("type without bytes").send(ask(|packet| packet.options[0].1 = vec![])),
        case("requested address of 3 bytes").send(discover().with(50, [192, 0, 2])),
        case("requested address of 5 bytes").send(discover().with(50, [192, 0, 2, 199, 0])).differs("answer", "RFC 2132 9.1: an address has 4 bytes"),
        case("empty host name").send(discover().wish().with(12, [])),
        case("host name with a zero").send(discover().wish().with(12, *b"name\0")),
        case("lease time of 3 bytes").send(discover().wish().with(51, [0, 0, 1])).differs("answer", "RFC 2132 9.2: a time has 4 bytes; what cannot be read is no wish"),
        case("server identifier of 3 bytes").send(request().wish().with(54, [192, 0, 2])),
        case("empty option 82").send(discover().wish().with(82, [])).differs("option 082", "RFC 3046 section 2.2: it goes back as it came"),
        case("option 82 without a relay").send(discover().wish().with(82, [1, 2, 7, 7])),
        case("unknown options")
            .send(discover().wish().with(200, [1]).with(201, []).with(254, [0; 40])),
        case("rapid commit").send(discover().wish().with(80, [])),
        case("maximum message size").send(discover().wish().with(57, [2, 64])),
        case("tiny maximum message size").send(discover().wish().with(57, [0, 1])),
        case("overload").send(discover().wish().with(52, [3])),
        case("automatic configuration").send(discover().wish().with(116, [1])),
        case("IPv6 only preferred").send(discover().wish().prl(&[108])),
        case("client system")
            .send(discover().wish().with(93, [0, 7]).with(94, [1, 2, 3]).with(97, [0; 17])),
        case("name of the client").send(discover().wish().with(81, [0, 0, 0, 1, b'a'])).differs(
            "option 081",
            "RFC 4702 section 4: a server answers the option when it updates names, which ours does not yet",
        ),
        case("class of the user").send(discover().wish().with(77, *b"\x04iPXE")),
        case("authentication").send(discover().wish().with(90, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
    ];
    let silent = [0, 2, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 255];
    cases.extend(silent.iter().map(|number| case(format!("type {number}")).send(typed(*number))));
    Group::v4("messages: odd packets", "", cases)
}

/// Lease times: the client's wish within limits.
fn times() -> Group {
    let config = r#"
        "min-valid-lifetime": 600, "valid-lifetime": 1000, "max-valid-lifetime": 5000, "renew-timer": 500,
        "rebind-timer": 800,
        "subnet4": [
            { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.200" } ] },
            { "id": 2, "subnet": "10.1.0.0/24", "pools": [ { "pool": "10.1.0.1 - 10.1.0.200" } ],
              "valid-lifetime": 300, "min-valid-lifetime": 300, "max-valid-lifetime": 300 },
            { "id": 3, "subnet": "10.2.0.0/24", "pools": [ { "pool": "10.2.0.1 - 10.2.0.200" } ],
              "valid-lifetime": 4294967295, "max-valid-lifetime": 4294967295 },
            { "id": 4, "subnet": "10.3.0.0/24", "pools": [ { "pool": "10.3.0.1 - 10.3.0.200" } ],
              "renew-timer": 700 },
            { "id": 5, "subnet": "10.4.0.0/24", "pools": [ { "pool": "10.4.0.1 - 10.4.0.200" } ],
              "renew-timer": 2000, "rebind-timer": 3000 } ]"#;
    let mut cases = Vec::new();
    for wish in [0u32, 1, 599, 600, 601, 1000, 5000, 5001, u32::MAX] {
        cases.push(
            case(format!("{wish} s offered")).send(discover().wish().with(51, wish.to_be_bytes())),
        );
        cases.push(
            case(format!("{wish} s granted"))
                .send(request().wish().server_id().with(51, wish.to_be_bytes())),
        );
    }
    for network in 1..=4 {
        let (address, giaddr) = (format!("10.{network}.0.77"), format!("10.{network}.0.254"));
        cases.push(
            case(format!("subnet 10.{network}")).send(discover().wish_at(&address).relay(&giaddr)),
        );
        let long = discover().wish_at(&address).relay(&giaddr).with(51, 9000u32.to_be_bytes());
        cases.push(case(format!("subnet 10.{network}, 9000 s")).send(long));
    }
    cases.push(
        case("another time at the renewal")
            .send(request().wish().server_id().with(51, 700u32.to_be_bytes()))
            .send(request().own_ciaddr().unicast().with(51, 4000u32.to_be_bytes()))
            .send(request().own_ciaddr().unicast()),
    );
    cases.push(
        case("offer after a lease of another time")
            .send(request().wish().server_id().with(51, 700u32.to_be_bytes()))
            .send(discover().wish()),
    );
    Group::v4("messages: lease times", config, cases)
}

/// T1 and T2, computed or not.
fn tee_times() -> Group {
    let subnet = |id: u8, members: &str| {
        format!(
            r#"{{ "id": {id}, "subnet": "10.{id}.0.0/24", "pools": [ {{ "pool": "10.{id}.0.1 - 10.{id}.0.200" }} ],
                {members} }}"#
        )
    };
    let variants = [
        r#""calculate-tee-times": true"#,
        r#""calculate-tee-times": false"#,
        r#""calculate-tee-times": true, "renew-timer": 300"#,
        r#""calculate-tee-times": true, "rebind-timer": 3500"#,
        r#""calculate-tee-times": true, "t1-percent": 0.3, "t2-percent": 0.6"#,
        r#""calculate-tee-times": true, "t1-percent": 0.333, "valid-lifetime": 1001"#,
        r#""renew-timer": 4000"#,
        r#""rebind-timer": 4000"#,
        r#""renew-timer": 3999, "rebind-timer": 3999"#,
        r#""renew-timer": 0, "rebind-timer": 0"#,
        r#""calculate-tee-times": true, "valid-lifetime": 4294967295"#,
        r#""calculate-tee-times": true, "valid-lifetime": 1"#,
        r#""renew-timer": 5000, "rebind-timer": 6000, "calculate-tee-times": true"#,
        r#""calculate-tee-times": true, "valid-lifetime": 10, "max-valid-lifetime": 9000"#,
    ];
    let numbers = 1..=variants.len() as u8;
    let subnets: Vec<_> =
        numbers.clone().map(|id| subnet(id, variants[usize::from(id) - 1])).collect();
    let config = format!(r#""subnet4": [ {} ]"#, subnets.join(", "));
    let cases = numbers.map(|id| {
        let ask = || {
            request().wish_at(&format!("10.{id}.0.9")).server_id().relay(&format!("10.{id}.0.254"))
        };
        case(variants[usize::from(id) - 1].replace('"', ""))
            .send(ask())
            .send(ask().with(51, 7000u32.to_be_bytes()).prl(&[58, 59]))
    });
    Group::v4("messages: T1 and T2", config, cases.collect())
}

/// Clients on the server's link where no subnet is for them.
fn direct() -> Group {
    let config = r#""subnet4": [
        { "id": 2, "subnet": "10.1.0.0/16", "pools": [ { "pool": "10.1.0.10 - 10.1.0.200" } ] } ]"#;
    let cases = vec![
        case("discover").send(discover()),
        case("request").send(request().wish_at("10.1.0.10").server_id()),
        case("reboot").send(request().wish_at("10.1.0.10")),
        case("rebinding").send(request().ciaddr("10.1.0.10")),
        case("renewal").send(request().ciaddr("10.1.0.10").unicast()),
        case("renewal elsewhere")
            .send(request().ciaddr("10.9.0.10").unicast())
            .differs("sent to", BROADCAST_NAK),
        case("inform").send(inform().ciaddr("192.0.2.201").unicast()),
        case("inform, broadcast").send(inform().ciaddr("192.0.2.201")),
        case("discover by unicast").send(discover().from("192.0.2.201")),
        case("discover by unicast from the network").send(discover().from("10.1.0.201")),
        case("request through a relay of no network")
            .send(request().wish_at("10.1.0.11").server_id().relay("10.99.0.1"))
            .differs("flags", RELAYED_NAK),
        case("discover through a relay of no network").send(discover().relay("10.99.0.1")),
        case("reboot through a relay of no network")
            .send(request().wish_at("10.1.0.11").relay("10.99.0.1"))
            .differs("flags", RELAYED_NAK),
        case("release").send(release().ciaddr("10.1.0.10").unicast().server_id()),
        case("inform through a relay of no network")
            .send(inform().ciaddr("10.99.0.7").relay("10.99.0.1")),
    ];
    Group::v4("messages: no subnet for the link", config, cases)
}
