//! Files that load, and what becomes of them.

use std::net::Ipv4Addr;
use std::sync::Arc;

use cc::{Diagnostics, Document, NoIncludes};

use eval::ClassId;

use super::{good, parse, read_file, read_members, testing};
use crate::config4::{
    Durability, LeaseChecks, SocketType, Subnet4, SubnetIndex, get, get_tree, read,
};

#[test]
fn a_typical_file_of_today_is_read() {
    let config = good(
        r#"
        "interfaces-config": { "interfaces": [ "eth0", "eth1/192.0.2.1" ] },
        "lease-database": { "type": "memfile", "name": "/tmp/l.csv", "durability": "kernel" },
        "multi-threading": { "enable-multi-threading": true, "thread-pool-size": 3 },
        "valid-lifetime": 4000, "renew-timer": 1000, "rebind-timer": 2000,
        "next-server": "192.0.2.9",
        "option-def": [ { "name": "foo", "code": 222, "type": "uint32" } ],
        "option-data": [ { "name": "domain-name-servers", "data": "192.0.2.1, 192.0.2.2" },
                         { "name": "foo", "data": "7" } ],
        "subnet4": [ {
            "id": 7, "subnet": "10.0.0.0/8", "interface": "eth0",
            "pools": [ { "pool": "10.0.0.10 - 10.0.0.20" }, { "pool": "10.1.0.0/16" } ],
            "relay": { "ip-addresses": [ "10.9.9.9" ] },
            "valid-lifetime": 100, "boot-file-name": "boot",
            "option-data": [ { "code": 3, "data": "10.0.0.1" },
                             { "name": "dhcp-server-identifier", "data": "10.0.0.2" } ]
        } ],
        "loggers": [ { "name": "kea-dhcp4", "severity": "DEBUG", "debuglevel": 5,
                       "output_options": [ { "output": "stdout" } ] } ]"#,
    );
    assert_eq!(config.interfaces.interfaces, ["eth0", "eth1/192.0.2.1"]);
    assert_eq!(config.interfaces.socket_type, SocketType::Raw);
    assert!(!config.interfaces.uses_routing);
    assert_eq!(config.lease_database.durability, Durability::Kernel);
    assert_eq!(config.lease_database.lfc_interval, 3600);
    assert_eq!(config.workers, 3);
    let subnet = config.subnet(SubnetIndex(0));
    assert_eq!((subnet.id, subnet.prefix_len, subnet.timers.valid_lifetime), (7, 8, 100));
    assert_eq!(subnet.timers.max_valid_lifetime, 100);
    assert_eq!(
        (subnet.timers.renew_timer, subnet.next_server),
        (Some(1000), [192, 0, 2, 9].into())
    );
    assert_eq!(&*subnet.boot_file_name, b"boot");
    assert_eq!(config.pools_of(subnet).len(), 2);
    assert_eq!(config.pools[1].last, 0x0a01_ffff);
    assert_eq!(config.server_identifiers, [Ipv4Addr::new(10, 0, 0, 2)]);
    assert_eq!(config.by_relay.get(&Ipv4Addr::new(10, 9, 9, 9)), Some(SubnetIndex(0)));
    assert_eq!(config.by_interface.get("eth0"), Some(SubnetIndex(0)));
    assert_eq!(config.by_address.find(Ipv4Addr::new(10, 200, 0, 1)), Some(SubnetIndex(0)));
    let option = config.options.get(222).expect("defined");
    assert_eq!(option.tlv(), [222, 4, 0, 0, 0, 7]);
    assert!(config.logging.is_some());
}

#[test]
fn an_empty_map_is_a_configuration_with_defaults() {
    let config = good("");
    assert!(config.subnets.is_empty() && config.interfaces.interfaces.is_empty());
    assert_eq!((config.workers, config.decline_probation_period), (4, 86_400));
    assert_eq!(config.lease_database.durability, Durability::Disk);
    assert_eq!(config.lease_database.max_row_errors, 0);
    assert_eq!(config.lease_checks, LeaseChecks::Warn);
    assert_eq!((config.statistic_sample_count, config.statistic_sample_age), (20, 0));
    assert!(config.echo_client_id && config.lease_database.persist && config.logging.is_none());
}

#[test]
fn lease_checks_are_read() {
    use LeaseChecks::{Del, Fix, FixDel, None, Warn};
    for (text, checks) in
        [("none", None), ("warn", Warn), ("fix", Fix), ("fix-del", FixDel), ("del", Del)]
    {
        let config = good(&format!(r#""sanity-checks": {{ "lease-checks": "{text}" }}"#));
        assert_eq!(config.lease_checks, checks);
    }
}

#[test]
fn a_set_of_characters_must_be_a_regular_expression() {
    let (config, findings) = read_members(r#""hostname-char-set": "[^a-z""#);
    assert!(config.is_none());
    assert!(findings.contains("'hostname-char-set' is no regular expression"), "{findings}");
    let (config, findings) = read_members(
        r#""dhcp-ddns": { "enable-updates": false, "hostname-char-set": "[x]" },
           "ddns-generated-prefix": "host""#,
    );
    assert!(config.is_some() && findings.contains("is an old spelling of"), "{findings}");
}

/// Reads one subnet with further members of its own and of the global scope.
fn one_subnet(global: &str, members: &str) -> Subnet4 {
    let global = if global.is_empty() { String::new() } else { format!("{global},") };
    let members = if members.is_empty() { String::new() } else { format!(", {members}") };
    let text =
        format!("{global} \"subnet4\": [ {{ \"id\": 1, \"subnet\": \"10.0.0.0/8\"{members} }} ]");
    good(&text).subnets.remove(0)
}

#[test]
fn subnets_inherit_what_they_do_not_say() {
    let global = r#""valid-lifetime": 100, "min-valid-lifetime": 50, "max-valid-lifetime": 200,
        "renew-timer": 10, "rebind-timer": 20, "match-client-id": false, "authoritative": true,
        "next-server": "10.1.1.1", "server-hostname": "h", "boot-file-name": "b",
        "calculate-tee-times": true"#;
    let subnet = one_subnet(global, "");
    let timers = subnet.timers;
    assert_eq!((timers.min_valid_lifetime, timers.valid_lifetime), (50, 100));
    assert_eq!(timers.max_valid_lifetime, 200);
    assert_eq!((timers.renew_timer, timers.rebind_timer), (Some(10), Some(20)));
    assert_eq!(timers.calculated, Some((500, 875)));
    assert!(!subnet.match_client_id && subnet.authoritative);
    assert_eq!(subnet.next_server, Ipv4Addr::new(10, 1, 1, 1));
    assert_eq!((&*subnet.server_hostname, &*subnet.boot_file_name), (&b"h"[..], &b"b"[..]));

    let own = r#""valid-lifetime": 80, "max-valid-lifetime": 90, "renew-timer": 5, "match-client-id": true,
        "authoritative": false, "next-server": "0.0.0.0", "server-hostname": "",
        "boot-file-name": "c", "calculate-tee-times": false"#;
    let subnet = one_subnet(global, own);
    let timers = subnet.timers;
    assert_eq!((timers.min_valid_lifetime, timers.valid_lifetime), (50, 80));
    assert_eq!((timers.renew_timer, timers.rebind_timer), (Some(5), Some(20)));
    assert_eq!((timers.max_valid_lifetime, timers.calculated), (90, None));
    assert!(subnet.match_client_id && !subnet.authoritative);
    assert_eq!(subnet.next_server, Ipv4Addr::UNSPECIFIED);
    // An empty name says nothing.
    assert_eq!((&*subnet.server_hostname, &*subnet.boot_file_name), (&b"h"[..], &b"c"[..]));
}

#[test]
fn a_lifetime_and_its_limits_are_inherited_one_by_one() {
    let lifetimes = |global, members| {
        let timers = one_subnet(global, members).timers;
        (timers.min_valid_lifetime, timers.valid_lifetime, timers.max_valid_lifetime)
    };
    let nine = "\"valid-lifetime\": 9";
    assert_eq!(lifetimes(nine, "\"min-valid-lifetime\": 5"), (5, 9, 9));
    assert_eq!(lifetimes(nine, "\"max-valid-lifetime\": 50"), (9, 9, 50));
    assert_eq!(lifetimes(nine, "\"valid-lifetime\": 7"), (7, 7, 7));
    let limits = "\"valid-lifetime\": 9, \"min-valid-lifetime\": 5, \"max-valid-lifetime\": 20";
    assert_eq!(lifetimes(limits, "\"valid-lifetime\": 7"), (5, 7, 20));
    assert_eq!(lifetimes(limits, ""), (5, 9, 20));
}

#[test]
fn a_lifetime_outside_inherited_limits_is_an_error() {
    let findings = |members: &str| {
        let limits =
            "\"min-valid-lifetime\": 50, \"valid-lifetime\": 60, \"max-valid-lifetime\": 70";
        let subnet = format!("{{ \"id\": 1, \"subnet\": \"10.0.0.0/8\", {members} }}");
        read_members(&format!("{limits},\n\"subnet4\": [ {subnet} ]")).1
    };
    assert_eq!(
        findings("\"valid-lifetime\": 9"),
        "f:2:67: error: 'min-valid-lifetime' 50 must not be greater than 'valid-lifetime' 9 \
         ('min-valid-lifetime' is inherited; set one for this scope)\n"
    );
    assert_eq!(
        findings("\"max-valid-lifetime\": 55"),
        "f:2:71: error: 'max-valid-lifetime' 55 must not be less than 'valid-lifetime' 60\n"
    );
}

#[test]
fn workers_follow_the_machine_unless_told() {
    let workers = |members: &str| good(&format!("\"multi-threading\": {{ {members} }}")).workers;
    assert_eq!(workers(""), 4);
    assert_eq!(workers("\"enable-multi-threading\": false, \"thread-pool-size\": 3"), 1);
    assert_eq!(workers("\"enable-multi-threading\": true, \"thread-pool-size\": 0"), 4);
    assert_eq!(workers("\"thread-pool-size\": 7, \"packet-queue-size\": 9"), 7);
}

#[test]
fn ids_are_counted_apart_from_written_ones() {
    let (config, findings) = read_members(
        r#""subnet4": [ { "subnet": "10.0.0.0/24" }, { "id": 9, "subnet": "10.0.1.0/24" },
            { "id": 0, "subnet": "10.0.2.0/24" } ]"#,
    );
    let ids = config.map(|config| config.subnets.iter().map(|subnet| subnet.id).collect());
    assert_eq!(ids, Some(vec![1, 9, 2]));
    assert_eq!(findings.lines().count(), 1, "{findings}");
}

#[test]
fn host_bits_of_a_subnet_are_cleared_and_those_of_a_pool_kept() {
    let (config, findings) = read_members(
        r#""subnet4": [ { "id": 1, "subnet": " 10.0.0.9\t/ 24 ",
            "pools": [ { "pool": "10.0.0.5/29" }, { "pool": " 10.0.0.9-10.0.0.9 " } ] } ]"#,
    );
    let config = config.expect("loads");
    assert_eq!(config.subnets[0].prefix, Ipv4Addr::new(10, 0, 0, 0));
    let ranges: Vec<_> =
        config.pools.iter().map(|pool| (pool.first & 255, pool.last & 255)).collect();
    assert_eq!(ranges, [(5, 7), (9, 9)]);
    assert!(findings.contains("warning: subnet"), "{findings}");
}

#[test]
fn equal_option_sets_are_shared_and_empty_ones_cost_nothing() {
    let config = good(
        r#""subnet4": [
            { "id": 1, "subnet": "10.0.1.0/24", "option-data": [ { "code": 3, "data": "1.1.1.1" } ] },
            { "id": 2, "subnet": "10.0.2.0/24", "option-data": [ { "code": 3, "data": "1.1.1.1" } ] },
            { "id": 3, "subnet": "10.0.3.0/24", "option-data": [ { "code": 3, "data": "1.1.1.1",
                "always-send": true } ] },
            { "id": 4, "subnet": "10.0.4.0/24" }, { "id": 5, "subnet": "10.0.5.0/24" } ]"#,
    );
    let options = |number: usize| &config.subnets[number].options;
    assert!(Arc::ptr_eq(options(0), options(1)) && !Arc::ptr_eq(options(1), options(2)));
    assert!(Arc::ptr_eq(options(3), options(4)) && Arc::ptr_eq(options(3), &config.options));
}

#[test]
fn options_are_encoded_with_their_sub_options() {
    let config = good(
        r#""option-def": [
            { "name": "container", "code": 222, "type": "empty", "encapsulate": "inner" },
            { "name": "leaf", "code": 1, "type": "uint16", "space": "inner" },
            { "name": "pair", "code": 223, "type": "record", "record-types": "uint8, string" } ],
        "option-data": [
            { "name": "container" }, { "name": "leaf", "space": "inner", "data": "258" },
            { "name": "pair", "data": "7, ab" }, { "code": 224, "data": "0xc0ff" },
            { "code": 67, "csv-format": false, "data": "61 62", "never-send": true },
            { "name": "domain-name", "code": 15, "data": "first", "always-send": true },
            { "name": "tftp-servers", "space": "vendor-4491", "data": "10.0.0.1" } ]"#,
    );
    let tlv = |code| config.options.get(code).map(|option| option.tlv().to_vec());
    assert_eq!(tlv(222), Some(vec![222, 4, 1, 2, 1, 2]));
    assert_eq!(tlv(223), Some(vec![223, 3, 7, b'a', b'b']));
    assert_eq!(tlv(224), Some(vec![224, 2, 0xc0, 0xff]));
    assert_eq!(tlv(67), Some(vec![67, 2, b'a', b'b']));
    assert_eq!(tlv(15), Some([&[15, 5][..], b"first"].concat()));
    assert!(config.options.get(67).is_some_and(|option| option.never_send()));
    assert!(config.options.get(15).is_some_and(|option| option.always_send()));
    assert!(config.options.vendor(4491).is_some_and(|set| set.contains(2)));
}

#[test]
fn one_option_can_have_values_for_several_classes() {
    let config = good(
        r#""client-classes": [ { "name": "one" }, { "name": "two" }, { "name": "three" } ], "option-data": [
            { "name": "domain-name", "data": "all", "client-classes": [ ] },
            { "name": "domain-name", "data": "one", "client-classes": [ "one", "two" ] },
            { "name": "domain-name", "data": "two", "client-classes": [ " two ", "three" ] },
            { "name": "root-path", "never-send": true, "client-classes": [ "one" ] },
            { "name": "vivco-suboptions", "data": "1234, 03666f6f" },
            { "name": "vivco-suboptions", "data": "5678, 03626172" } ]"#,
    );
    let options = &config.options;
    let [all, one, two, three] = ["ALL", "one", "two", "three"].map(|name| {
        let of = config.classes.table().find(name).expect("the class exists");
        let option = options.get_for(15, |class| ClassId(class) == of).expect("it is for all");
        option.body().flatten().map(|byte| char::from(*byte)).collect::<String>()
    });
    assert_eq!([all, one, two, three], ["all", "one", "one", "two"]);
    assert_eq!(options.never_send_codes().iter().collect::<Vec<_>>(), [17]);
    assert_eq!(options.each_for(124, |_| false).count(), 2);
}

#[test]
fn old_logging_loads_with_a_warning() {
    let (config, findings) = read_file(
        r#"{ "Dhcp4": { }, "Dhcp6": { "anything": [ ] }, "DhcpDdns": 7,
        "Logging": { "loggers": [ { "name": "kea-dhcp4", "severity": "error", "output_options": [
            { "output": "/var/log/kea.log", "maxsize": 300000, "maxver": 8, "flush": false } ] } ] } }"#,
    );
    let logging = config.and_then(|config| config.logging).expect("it has loggers");
    let logger = &logging.loggers[0];
    assert_eq!((logger.severity, logger.debug_level), (kea_log::Severity::Error, 0));
    let output = &logger.outputs[0];
    assert_eq!((output.max_size, output.max_versions, output.flush), (300_000, 8, false));
    assert_eq!(findings.lines().count(), 1, "{findings}");
}

/// Files whose keys all have an effect; read without a finding.
const FILES: [&str; 14] = [
    include_str!("files/kea-1.1.json"),
    include_str!("files/kea-3.json"),
    include_str!("../../../../../doc/examples/kea4/access-network.conf"),
    include_str!("../../../../../doc/examples/kea4/access-points.conf"),
    include_str!("../../../../../doc/examples/kea4/guests.conf"),
    include_str!("../../../../../doc/examples/kea4/modems.conf"),
    include_str!("../../../../../doc/examples/kea4/netboot.conf"),
    include_str!("../../../../../doc/examples/kea4/office.conf"),
    include_str!("../../../../../doc/examples/kea4/phones.conf"),
    include_str!("../../../../../doc/examples/kea4/raspberry-pi.conf"),
    include_str!("../../../../../doc/examples/kea4/reservations.conf"),
    include_str!("../../../../../doc/examples/kea4/windows.conf"),
    "{ \"Dhcp4\": {} }",
    include_str!("files/classes.json"),
];

#[test]
fn whole_files_load_and_come_back_with_the_same_meaning() {
    for source in FILES {
        let (document, mut diagnostics) = parse(source);
        let config = read(&document, 4, &mut diagnostics).expect(source);
        let text = get(&config, &document);
        let mut again = Diagnostics::new();
        let document = Document::parse(&text, "get", &mut NoIncludes, &mut again).expect("JSON");
        let second = read(&document, 4, &mut again);
        assert_eq!(again.render(), "", "{text}");
        let second = second.expect("no errors");
        assert_eq!(get(&second, &document), text);
        let shown = |config: &crate::config4::Config4| {
            // Hash maps print in any order; what they hold follows from the subnets.
            let classes: Vec<_> = config.classes.iter().collect();
            format!("{:?} {:?} {:?} {classes:?}", config.subnets, config.pools, config.options)
        };
        assert_eq!(shown(&config), shown(&second));
        assert_eq!(config.logging, second.logging);
        assert_eq!(config.interfaces, second.interfaces);
        assert_eq!(config.lease_database, second.lease_database);
    }
}

#[test]
fn config_get_is_complete() {
    let (document, mut diagnostics) = parse(FILES[1]);
    let config = read(&document, 4, &mut diagnostics).expect("loads");
    insta::assert_snapshot!(get(&config, &document));
}

#[test]
fn user_contexts_and_comments_come_back_at_every_level() {
    testing::comments_come_back(
        read,
        get_tree,
        r#"{ "Dhcp4": { @,
            "interfaces-config": { @, "interfaces": [] },
            "lease-database": { @, "type": "memfile" },
            "multi-threading": { @ },
            "dhcp-ddns": { @, "enable-updates": false },
            
            "loggers": [ { @, "name": "kea-dhcp4", "output-options": [ { "output": "stdout" } ] } ],
            "option-def": [ { @, "name": "mine", "code": 222, "type": "uint8" } ],
            "option-data": [ { @, "name": "boot-size", "data": "7" } ],
            "client-classes": [ { @, "name": "c", "option-data": [ { @, "name": "boot-size", "data": "7" } ], "option-def": [ { @, "name": "own", "code": 43, "type": "empty" } ] } ],
            "reservations": [ { @, "duid": "01", "hostname": "h", "option-data": [ { @, "name": "boot-size", "data": "7" } ] } ],
            "subnet4": [ { @, "id": 1, "subnet": "10.0.0.0/8", "option-data": [ { @, "name": "boot-size", "data": "7" } ],
                "pools": [ { @, "pool": "10.0.0.10 - 10.0.0.20", "option-data": [ { @, "name": "boot-size", "data": "7" } ] } ], 
                "reservations": [ { @, "duid": "02", "ip-address": "10.0.0.9", "option-data": [ { @, "name": "boot-size", "data": "7" } ] } ] } ],
            "shared-networks": [ { @, "name": "n", "option-data": [ { @, "name": "boot-size", "data": "7" } ], "subnet4": [
                { @, "id": 2, "subnet": "11.0.0.0/8", "option-data": [ { @, "name": "boot-size", "data": "7" } ] } ] } ] } }"#,
    );
    let old = r#"{ "Dhcp4": {}, "Logging": { "loggers": [ { @, "name": "kea-dhcp4" } ] } }"#;
    testing::comments_come_back(read, get_tree, old);
}

#[test]
fn answers_may_follow_the_routing_table() {
    let config = good(r#""interfaces-config": { "outbound-interface": "use-routing" }"#);
    assert!(config.interfaces.uses_routing);
}
