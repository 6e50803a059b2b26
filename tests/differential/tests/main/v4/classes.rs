//! Client classes of DHCPv4: everything that a class decides.

use differential::prelude::*;

use super::messages::{BROADCAST_NAK, RELAYED_NAK};

pub(crate) fn groups() -> Vec<Group> {
    vec![
        membership(),
        drop_class(),
        known(),
        guarded_subnets(),
        guarded_pools(),
        guarded_networks(),
        networks(),
        required(),
        options_by_class(),
        fields(),
        lifetimes(),
        hosts(),
        pool_options(),
        private_definitions(),
    ]
}

const POOL_FIRST: &str =
    "newer Kea: what the pool requires is evaluated first, then the subnet's, then the network's";

/// A class with an option.
fn class(name: &str, test: &str, data: &str) -> String {
    format!(
        r#"{{ "name": "{name}", "test": "{test}", "option-data": [
            {{ "code": 200, "csv-format": false, "data": "{data}", "always-send": true }} ] }}"#
    )
}

/// Classes that build on others and that vendors bring.
fn membership() -> Group {
    let config = format!(
        r#""client-classes": [ {}, {}, {},
            {{ "name": "VENDOR_CLASS_special", "boot-file-name": "special",
                "option-data": [ {{ "code": 201, "csv-format": false, "data": "07", "always-send": true }} ] }} ]"#,
        class("a", "option[60].hex == 'a'", "0a"),
        class("b", "member('a') or option[60].hex == 'b'", "0b"),
        class("c", "member('b') and not member('a')", "0c")
    );
    let v = |text: &[u8]| discover().wish().with(60, text);
    let cases = vec![
        case("first of two").send(v(b"a")),
        case("built on others").send(v(b"b")),
        case("none").send(v(b"x")),
        case("vendor's class").send(v(b"special")),
        case("vendor's class, requested").send(request().wish().server_id().with(60, *b"special")),
        case("vendor's class of another").send(v(b"specia")),
        case("vendor's class by inform")
            .send(inform().ciaddr("192.0.2.201").unicast().with(60, *b"special")),
        case("empty vendor class").send(v(b"")),
        case("no vendor class").send(discover().wish()),
    ];
    Group::v4("classes: membership", config, cases)
}

fn drop_class() -> Group {
    let config = r#""client-classes": [
        { "name": "DROP", "test": "option[60].hex == 'drop' or (member('KNOWN') and option[60].hex == 'host')" },
        { "name": "other", "test": "option[60].hex == 'drop2'" } ],
        "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.200" } ],
            "reservations": [ { "hw-address": "02:00:00:00:aa:01", "boot-file-name": "known" },
                { "hw-address": "02:00:00:00:aa:02", "client-classes": [ "DROP" ] } ] } ]"#;
    let v = |text: &[u8]| discover().wish().with(60, text);
    let cases = vec![
        case("discover").send(v(b"drop")),
        case("request").send(request().wish().server_id().with(60, *b"drop")),
        case("inform").send(inform().ciaddr("192.0.2.201").unicast().with(60, *b"drop")),
        case("release is dropped")
            .send(request().wish().server_id())
            .send(release().own_ciaddr().unicast().server_id().with(60, *b"drop"))
            .send(request().client(1).wish().server_id()),
        case("not dropped").send(v(b"drop2")),
        case("known host dropped").send(v(b"host").host(1)),
        case("known host not dropped").send(v(b"xxxx").host(1)),
        case("unknown host not dropped").send(v(b"host")),
        case("host of the class").send(v(b"xxxx").host(2)),
    ];
    Group::v4("classes: DROP", config, cases)
}

fn known() -> Group {
    let config = r#""client-classes": [
        { "name": "k", "test": "member('KNOWN')", "boot-file-name": "known" },
        { "name": "u", "test": "member('UNKNOWN')", "boot-file-name": "unknown" },
        { "name": "of-host" },
        { "name": "h", "test": "member('of-host')", "server-hostname": "host" } ],
        "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24",
            "pools": [ { "pool": "192.0.2.10 - 192.0.2.100", "client-class": "KNOWN" },
                       { "pool": "192.0.2.101 - 192.0.2.200", "client-class": "UNKNOWN" } ],
            "reservations": [ { "hw-address": "02:00:00:00:aa:01", "hostname": "h" },
                { "hw-address": "02:00:00:00:aa:02", "client-classes": [ "of-host" ] },
                { "hw-address": "02:00:00:00:aa:03", "ip-address": "192.0.2.210" } ] } ]"#;
    let cases = vec![
        case("known").send(discover().host(1).wish_at("192.0.2.60").prl(&[12])),
        case("known in the pool of the unknown")
            .send(discover().host(1).wish_at("192.0.2.160").prl(&[12]))
            .any(),
        case("unknown").send(discover().wish_at("192.0.2.161")),
        case("unknown requests in the pool of the known")
            .send(request().wish_at("192.0.2.61").server_id()),
        case("class of a host").send(discover().host(2).wish_at("192.0.2.62")),
        case("host with an address").send(discover().host(3)),
        case("unknown by inform").send(inform().ciaddr("192.0.2.205").unicast()),
        case("known by inform").send(inform().host(1).ciaddr("192.0.2.205").unicast().prl(&[12])),
    ];
    Group::v4("classes: KNOWN and UNKNOWN", config, cases)
}

/// Two classes by the vendor's class.
const TWO: &str = r#""client-classes": [
    { "name": "one", "test": "option[60].hex == 'one'" },
    { "name": "two", "test": "option[60].hex == 'two'" } ]"#;

/// Queries of both classes and of none.
fn by_class(make: impl Fn(&'static [u8]) -> Case) -> Vec<Case> {
    vec![make(b"one"), make(b"two"), make(b"none")]
}

fn name_of(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn guarded_subnets() -> Group {
    let config = format!(
        r#"{TWO}, "subnet4": [
            {{ "id": 1, "subnet": "10.1.0.0/24", "client-class": "one",
                "pools": [ {{ "pool": "10.1.0.10 - 10.1.0.200" }} ] }},
            {{ "id": 2, "subnet": "10.2.0.0/24", "client-class": "nobody",
                "pools": [ {{ "pool": "10.2.0.10 - 10.2.0.200" }} ] }},
            {{ "id": 3, "subnet": "10.0.0.0/8", "pools": [ {{ "pool": "10.9.0.10 - 10.9.0.200" }} ] }},
            {{ "id": 4, "subnet": "172.16.0.0/24", "client-class": "two", "relay": {{ "ip-addresses": [ "10.3.0.1" ] }},
                "pools": [ {{ "pool": "172.16.0.10 - 172.16.0.200" }} ] }} ]"#
    );
    let mut cases = Vec::new();
    for relay in ["10.1.0.1", "10.2.0.1", "10.3.0.1", "10.4.0.1", "172.16.0.1"] {
        for text in [&b"one"[..], b"two", b"none"] {
            let host = 20 + cases.len();
            let ask = discover().relay(relay).with(60, text);
            let ask = match relay {
                "172.16.0.1" => ask.wish_at(&format!("172.16.0.{host}")),
                "10.1.0.1" if text == b"one" => ask.wish_at(&format!("10.1.0.{host}")),
                "10.3.0.1" if text == b"two" => ask.wish_at(&format!("172.16.0.{host}")),
                _ => ask.wish_at(&format!("10.9.0.{host}")),
            };
            cases.push(case(format!("{} behind {relay}", name_of(text))).send(ask));
        }
    }
    let link = [5, 4, 10, 1, 0, 9];
    cases.push(
        case("link selection, in the class").send(
            discover().relay("10.4.0.1").with(60, *b"one").with(82, link).wish_at("10.1.0.99"),
        ),
    );
    cases.push(
        case("link selection, not in the class").send(
            discover().relay("10.4.0.1").with(60, *b"two").with(82, link).wish_at("10.9.0.99"),
        ),
    );
    cases.push(
        case("renewal out of the class")
            .send(request().relay("10.1.0.1").wish_at("10.1.0.100").server_id().with(60, *b"one"))
            .send(request().ciaddr("10.1.0.100").unicast().with(60, *b"two")),
    );
    Group::v4("classes: subnets", config, cases)
}

fn guarded_pools() -> Group {
    let config = format!(
        r#"{TWO}, "subnet4": [ {{ "id": 1, "subnet": "192.0.2.0/24", "pools": [
            {{ "pool": "192.0.2.10 - 192.0.2.50", "client-class": "one" }},
            {{ "pool": "192.0.2.51 - 192.0.2.100", "client-class": "two" }},
            {{ "pool": "192.0.2.101 - 192.0.2.150" }},
            {{ "pool": "192.0.2.151 - 192.0.2.200", "client-class": "nobody" }} ] }} ]"#
    );
    let mut cases = Vec::new();
    for pool in [10, 51, 101, 151] {
        cases.extend(by_class(|text| {
            let wish = format!("192.0.2.{}", pool + text.len() + usize::from(text[0] & 7));
            case(format!("{} requests {wish}", name_of(text)))
                .send(request().wish_at(&wish).server_id().with(60, text))
        }));
    }
    cases.extend(by_class(|text| {
        case(format!("{} wishes nothing", name_of(text))).send(discover().with(60, text))
    }));
    cases.push(
        case("renewal out of the class")
            .send(request().wish_at("192.0.2.40").server_id().with(60, *b"one"))
            .send(request().ciaddr("192.0.2.40").unicast().with(60, *b"two"))
            .differs("sent to", BROADCAST_NAK),
    );
    cases.push(
        case("discover out of the class")
            .send(request().wish_at("192.0.2.41").server_id().with(60, *b"one"))
            .send(discover().with(60, *b"none").wish_at("192.0.2.141")),
    );
    cases.push(
        case("reboot out of the class")
            .send(request().wish_at("192.0.2.42").server_id().with(60, *b"one"))
            .send(request().wish_at("192.0.2.42").with(60, *b"two")),
    );
    Group::v4("classes: pools", config, cases)
}

/// Shared networks of three subnets behind one relay.
fn network(members: [&str; 3], more: &str) -> String {
    let subnet = |number: usize| {
        format!(
            r#"{{ "id": {number}, "subnet": "10.{number}.0.0/24",
                "pools": [ {{ "pool": "10.{number}.0.10 - 10.{number}.0.12" }} ] {} }}"#,
            members[number - 1]
        )
    };
    format!(
        r#""shared-networks": [ {{ "name": "net", "relay": {{ "ip-addresses": [ "172.16.0.1" ] }}, {more}
            "subnet4": [ {}, {}, {} ] }} ]"#,
        subnet(1),
        subnet(2),
        subnet(3)
    )
}

fn guarded_networks() -> Group {
    let config = format!(
        "{TWO}, {}",
        network([r#", "client-class": "one""#, r#", "client-class": "two""#, ""], "")
    );
    let mut cases = Vec::new();
    for (number, relay) in ["172.16.0.1", "10.1.0.1", "10.3.0.1"].into_iter().enumerate() {
        for (class, text) in [&b"one"[..], b"two", b"none"].into_iter().enumerate() {
            let wish = format!("10.{}.0.{}", class + 1, 10 + number);
            cases.push(
                case(format!("{} behind {relay}", name_of(text)))
                    .send(discover().relay(relay).wish_at(&wish).with(60, text)),
            );
        }
    }
    cases.push(
        case("requests an address of another class")
            .send(request().relay("172.16.0.1").wish_at("10.1.0.11").server_id().with(60, *b"two"))
            .differs("flags", RELAYED_NAK),
    );
    cases.push(
        case("renewal in the second subnet")
            .send(request().relay("172.16.0.1").wish_at("10.2.0.12").server_id().with(60, *b"two"))
            .send(request().ciaddr("10.2.0.12").relay("172.16.0.1").with(60, *b"two")),
    );
    Group::v4("classes: shared networks", config, cases)
}

/// Shared networks without classes: options by subnet, the order of subnets, reservations.
fn networks() -> Group {
    let option = |data: &str| {
        format!(r#", "option-data": [ {{ "code": 200, "csv-format": false, "data": "{data}" }} ]"#)
    };
    let third = format!(
        r#"{}, "valid-lifetime": 300, "reservations": [
            {{ "hw-address": "02:00:00:00:aa:01", "ip-address": "10.3.0.77" }},
            {{ "hw-address": "02:00:00:00:aa:02", "boot-file-name": "third" }} ]"#,
        option("03")
    );
    let config = network(
        [&option("01"), r#", "next-server": "10.0.0.2""#, &third],
        r#""option-data": [ { "code": 200, "csv-format": false, "data": "ff" },
            { "code": 201, "csv-format": false, "data": "fe" } ], "valid-lifetime": 200, "boot-file-name": "net","#,
    );
    let ask = || discover().relay("172.16.0.1").prl(&[200, 201]);
    let mut cases: Vec<Case> = (1..=3)
        .map(|number| {
            case(format!("wish in subnet {number}"))
                .send(ask().wish_at(&format!("10.{number}.0.11")))
        })
        .collect();
    cases.extend((1..=3).map(|number| {
        case(format!("relay in subnet {number}")).send(
            discover()
                .relay(&format!("10.{number}.0.1"))
                .prl(&[200, 201])
                .wish_at(&format!("10.{number}.0.12")),
        )
    }));
    cases.push(case("host with an address in the third").send(ask().host(1)));
    cases.push(case("host of the third").send(ask().host(2).wish_at("10.3.0.10")));
    cases.push(
        case("host of the third wishes in the first").send(ask().host(2).wish_at("10.1.0.10")),
    );
    cases.push(
        case("link selection in the second")
            .send(ask().with(82, [5, 4, 10, 2, 0, 1]).wish_at("10.2.0.10")),
    );
    cases.push(
        case("reboot in the third")
            .send(request().relay("172.16.0.1").wish_at("10.3.0.11").server_id())
            .send(request().relay("172.16.0.1").wish_at("10.3.0.11")),
    );
    cases.push(
        case("request for an address of no pool")
            .send(request().relay("172.16.0.1").wish_at("10.3.0.99").server_id())
            .differs("answer", super::options::REFUSAL),
    );
    cases.extend((1..=10).map(|number| {
        let case = case(format!("filled, client {number}"))
            .send(request().client(number).relay("172.16.0.1").wish_at("10.1.0.10").server_id())
            .send(discover().client(100 + number).relay("172.16.0.1").wish_at("10.1.0.10"));
        // The first has it, the others are refused.
        if number == 1 { case } else { case.differs("flags", RELAYED_NAK) }
    }));
    Group::v4("shared networks", config, cases)
}

fn required() -> Group {
    let class = |name: &str, data: &str| {
        format!(
            r#"{{ "name": "{name}", "test": "option[60].exists", "only-if-required": true, "option-data": [
                {{ "code": 200, "csv-format": false, "data": "{data}", "always-send": true }} ] }}"#
        )
    };
    let config = format!(
        r#""client-classes": [ {}, {}, {}, {} ],
        "shared-networks": [ {{ "name": "net", "require-client-classes": [ "network" ],
            "subnet4": [ {{ "id": 5, "subnet": "10.5.0.0/24", "pools": [ {{ "pool": "10.5.0.10 - 10.5.0.99" }} ] }} ] }} ],
        "subnet4": [
            {{ "id": 1, "subnet": "10.1.0.0/24", "pools": [ {{ "pool": "10.1.0.10 - 10.1.0.99" }} ],
                "require-client-classes": [ "subnet" ] }},
            {{ "id": 2, "subnet": "10.2.0.0/24", "pools": [
                {{ "pool": "10.2.0.10 - 10.2.0.99", "require-client-classes": [ "pool" ] }},
                {{ "pool": "10.2.0.100 - 10.2.0.199" }} ] }},
            {{ "id": 3, "subnet": "10.3.0.0/24", "require-client-classes": [ "subnet" ],
                "pools": [ {{ "pool": "10.3.0.10 - 10.3.0.99", "require-client-classes": [ "pool" ] }} ] }},
            {{ "id": 4, "subnet": "10.4.0.0/24", "pools": [ {{ "pool": "10.4.0.10 - 10.4.0.99" }} ] }} ]"#,
        class("never", "00"),
        class("subnet", "01"),
        class("pool", "02"),
        class("network", "03")
    );
    let ask = |address: &str, network: u8| {
        discover().wish_at(address).relay(&format!("10.{network}.0.1")).with(60, *b"v")
    };
    let cases = vec![
        case("by the subnet").send(ask("10.1.0.50", 1)),
        case("by the pool").send(ask("10.2.0.50", 2)),
        case("not by the other pool").send(ask("10.2.0.150", 2)),
        case("by both").send(ask("10.3.0.50", 3)).differs("option 200", POOL_FIRST),
        case("by nobody").send(ask("10.4.0.50", 4)),
        case("by the network").send(ask("10.5.0.50", 5)),
        case("test fails").send(discover().wish_at("10.1.0.51").relay("10.1.0.1")),
        case("by inform").send(inform().ciaddr("10.1.0.52").relay("10.1.0.1").with(60, *b"v")),
        case("granted")
            .send(request().wish_at("10.3.0.51").server_id().relay("10.3.0.1").with(60, *b"v"))
            .differs("option 200", POOL_FIRST),
    ];
    Group::v4("classes: required", config, cases)
}

fn options_by_class() -> Group {
    let config = r#""option-data": [ { "code": 6, "data": "10.0.0.53" }, { "code": 42, "data": "10.0.0.42" } ],
        "client-classes": [
        { "name": "b", "test": "option[60].exists", "option-data": [ { "code": 6, "data": "10.0.2.53" },
            { "code": 44, "data": "10.0.2.44" } ] },
        { "name": "a", "test": "option[60].hex == 'ab'", "option-data": [ { "code": 6, "data": "10.0.1.53" },
            { "code": 42, "data": "10.0.1.42" }, { "code": 44, "data": "10.0.1.44" },
            { "code": 49, "data": "10.0.1.49", "always-send": true } ] },
        { "name": "empty", "test": "option[60].exists" } ],
        "subnet4": [
            { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.200" } ] },
            { "id": 2, "subnet": "10.2.0.0/24", "pools": [ { "pool": "10.2.0.10 - 10.2.0.200" } ],
              "option-data": [ { "code": 42, "data": "10.0.9.42" }, { "code": 44, "data": "10.0.9.44" } ] } ]"#;
    let ask = |text: &[u8]| discover().wish().with(60, text).prl(&[6, 42, 44, 49]);
    let relayed = |text: &[u8], wish: &str| {
        discover().wish_at(wish).relay("10.2.0.1").with(60, text).prl(&[6, 42, 44, 49])
    };
    let cases = vec![
        case("both classes").send(ask(b"ab")),
        case("one class").send(ask(b"x")),
        case("no class").send(discover().wish().prl(&[6, 42, 44, 49])),
        case("nothing requested").send(discover().wish().with(60, *b"ab")),
        case("both classes, subnet first").send(relayed(b"ab", "10.2.0.20")),
        case("one class, subnet first").send(relayed(b"x", "10.2.0.21")),
        case("inform")
            .send(inform().ciaddr("192.0.2.201").unicast().with(60, *b"ab").prl(&[6, 42, 44])),
        case("refusal")
            .send(request().client(1).wish().server_id())
            .send(request().wish().server_id().with(60, *b"ab").prl(&[6, 42])),
    ];
    Group::v4("classes: options", config, cases)
}

fn fields() -> Group {
    let config = r#""next-server": "10.0.0.9", "server-hostname": "global", "boot-file-name": "global",
        "client-classes": [
        { "name": "all", "test": "substring(option[60].hex,0,1) == 'x'", "next-server": "10.0.0.1",
          "server-hostname": "all", "boot-file-name": "all" },
        { "name": "next", "test": "option[60].hex == 'xn'", "next-server": "10.0.0.2" },
        { "name": "host", "test": "option[60].hex == 'xh'", "server-hostname": "second" },
        { "name": "file", "test": "option[60].hex == 'xf' or option[60].hex == 'f'", "boot-file-name": "second" },
        { "name": "bios", "test": "option[93].hex == 0x0000", "boot-file-name": "undionly.kpxe" },
        { "name": "uefi", "test": "option[93].hex == 0x0007", "boot-file-name": "ipxe.efi" } ],
        "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.200" } ],
            "next-server": "10.0.0.8", "reservations": [
                { "hw-address": "02:00:00:00:aa:01", "next-server": "10.0.0.3", "server-hostname": "host",
                  "boot-file-name": "host" },
                { "hw-address": "02:00:00:00:aa:02", "boot-file-name": "host" } ] } ]"#;
    let ask = |text: &[u8]| discover().wish().with(60, text);
    let mut cases: Vec<Case> = [&b"x"[..], b"xn", b"xh", b"xf", b"f", b"none"]
        .iter()
        .map(|text| case(format!("class of {}", name_of(text))).send(ask(text)))
        .collect();
    cases.push(case("BIOS").send(discover().wish().with(93, [0, 0])));
    cases.push(case("UEFI").send(discover().wish().with(93, [0, 7])));
    cases.push(case("host before class").send(ask(b"x").host(1)));
    cases.push(case("host with a part").send(ask(b"x").host(2)));
    cases.push(case("granted").send(request().wish().server_id().with(60, *b"x")));
    cases.push(case("inform").send(inform().ciaddr("192.0.2.201").unicast().with(60, *b"x")));
    Group::v4("classes: fields", config, cases)
}

fn lifetimes() -> Group {
    let config = r#""valid-lifetime": 4000, "min-valid-lifetime": 3000, "max-valid-lifetime": 5000,
        "client-classes": [
        { "name": "short", "test": "option[60].hex == 'short'", "valid-lifetime": 100 },
        { "name": "range", "test": "option[60].hex == 'range'", "valid-lifetime": 500,
          "min-valid-lifetime": 400, "max-valid-lifetime": 600 },
        { "name": "later", "test": "option[60].exists", "valid-lifetime": 777 } ],
        "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.200" } ],
            "calculate-tee-times": true } ]"#;
    let mut cases = Vec::new();
    for text in [&b"short"[..], b"range", b"other"] {
        for wish in [None, Some(0u32), Some(1), Some(450), Some(9000)] {
            let ask = request().wish().server_id().with(60, text);
            let ask = match wish {
                Some(time) => ask.with(51, time.to_be_bytes()),
                None => ask,
            };
            cases.push(case(format!("{} wishes {wish:?}", name_of(text))).send(ask));
        }
    }
    cases.push(
        case("renewal in another class")
            .send(request().wish().server_id().with(60, *b"short"))
            .send(request().own_ciaddr().unicast()),
    );
    Group::v4("classes: lifetimes", config, cases)
}

/// Classes of hosts.
fn hosts() -> Group {
    let config = r#""client-classes": [
        { "name": "of-host", "boot-file-name": "of-host", "option-data": [ { "code": 42, "data": "10.0.0.42" } ] },
        { "name": "second", "test": "member('of-host')", "next-server": "10.0.0.2" },
        { "name": "other", "test": "not member('of-host')", "server-hostname": "other" } ],
        "subnet4": [
            { "id": 1, "subnet": "10.1.0.0/24", "client-class": "of-host",
              "pools": [ { "pool": "10.1.0.10 - 10.1.0.99" } ] },
            { "id": 2, "subnet": "10.0.0.0/8", "pools": [ { "pool": "10.9.0.10 - 10.9.0.99", "client-class": "of-host" },
                { "pool": "10.9.0.100 - 10.9.0.199" } ],
              "reservations": [ { "hw-address": "02:00:00:00:aa:01", "client-classes": [ "of-host" ] },
                { "hw-address": "02:00:00:00:aa:02", "client-classes": [ "undefined", "of-host" ] } ] } ]"#;
    let cases = vec![
        case("offer").send(discover().host(1).wish_at("10.9.0.50").relay("10.2.0.1").prl(&[42])),
        case("other").send(discover().wish_at("10.9.0.150").relay("10.2.0.1").prl(&[42])),
        case("other requests in the pool of the class")
            .send(request().wish_at("10.9.0.51").server_id().relay("10.2.0.1"))
            .differs("flags", RELAYED_NAK),
        case("subnet of the class")
            .send(discover().host(1).wish_at("10.9.0.50").relay("10.1.0.1").prl(&[42])),
        case("two classes")
            .send(discover().host(2).wish_at("10.9.0.52").relay("10.2.0.1").prl(&[42])),
        case("inform").send(inform().host(1).ciaddr("10.2.0.52").relay("10.2.0.1").prl(&[42])),
    ];
    Group::v4("classes: of hosts", config, cases)
}

fn pool_options() -> Group {
    let config = r#""option-data": [ { "code": 42, "data": "10.0.0.1" }, { "code": 6, "data": "10.0.0.53" } ],
        "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24",
            "option-data": [ { "code": 42, "data": "10.0.0.2" } ],
            "pools": [
                { "pool": "192.0.2.10 - 192.0.2.50", "option-data": [ { "code": 42, "data": "10.0.0.3" },
                    { "code": 44, "data": "10.0.0.4", "always-send": true } ] },
                { "pool": "192.0.2.51 - 192.0.2.100", "option-data": [ { "code": 6, "data": "10.0.1.53" } ] },
                { "pool": "192.0.2.101 - 192.0.2.200" } ],
            "reservations": [ { "hw-address": "02:00:00:00:aa:01", "ip-address": "192.0.2.40" },
                { "hw-address": "02:00:00:00:aa:02", "ip-address": "192.0.2.240" } ] } ]"#;
    let ask = |wish: &str| discover().wish_at(wish).prl(&[6, 42, 44]);
    let cases = vec![
        case("first pool").send(ask("192.0.2.30")),
        case("second pool").send(ask("192.0.2.70")),
        case("third pool").send(ask("192.0.2.130")),
        case("reserved in the first pool").send(discover().host(1).prl(&[6, 42, 44])),
        case("reserved outside of the pools").send(discover().host(2).prl(&[6, 42, 44])),
        case("granted").send(request().wish_at("192.0.2.31").server_id().prl(&[6, 42, 44])),
        case("inform from a pool's address")
            .send(inform().ciaddr("192.0.2.32").unicast().prl(&[6, 42, 44])),
        case("nothing requested").send(discover().wish_at("192.0.2.33")),
    ];
    Group::v4("options: of pools", config, cases)
}

/// Option 43 with definitions of each vendor's class.
fn private_definitions() -> Group {
    let config = r#""client-classes": [
        { "name": "pxe", "test": "option[60].hex == 'pxe'",
          "option-def": [ { "name": "vendor-encapsulated-options", "code": 43, "type": "empty", "encapsulate": "pxe" } ],
          "option-data": [ { "name": "vendor-encapsulated-options" },
            { "code": 1, "space": "pxe", "csv-format": false, "data": "0102" } ] },
        { "name": "apc", "test": "option[60].hex == 'apc'",
          "option-def": [ { "name": "vendor-encapsulated-options", "code": 43, "type": "string" } ],
          "option-data": [ { "name": "vendor-encapsulated-options", "data": "1APC" } ] },
        { "name": "private", "test": "option[60].hex == 'private'",
          "option-def": [ { "name": "mine", "code": 224, "type": "uint16" } ],
          "option-data": [ { "name": "mine", "data": "513" } ] } ]"#;
    let cases = [&b"pxe"[..], b"apc", b"private", b"other"]
        .iter()
        .map(|text| case(name_of(text)).send(discover().wish().with(60, *text).prl(&[43, 224])))
        .collect();
    Group::v4("classes: definitions of their own", config, cases)
}
