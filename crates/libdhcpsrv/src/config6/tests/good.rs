//! Files that load, and what becomes of them.

use std::net::Ipv6Addr;
use std::sync::Arc;

use cc::{Diagnostics, Document, NoIncludes};

use super::{good, one_subnet, read_file, read_members, testing};
use crate::config::testing::parse;
use crate::config6::{
    Config6, LeaseChecks, MacSource, ServerIdConfig, ServerIdKind, SubnetIndex, get, get_tree, read,
};

fn address(text: &str) -> Ipv6Addr {
    text.parse().expect(text)
}

#[test]
fn a_typical_file_of_today_is_read() {
    let config = good(
        r#"
        "interfaces-config": { "interfaces": [ "eth0", "eth0/2001:db8::1" ] },
        "multi-threading": { "enable-multi-threading": true, "thread-pool-size": 3 },
        "valid-lifetime": 4000, "preferred-lifetime": 3000,
        "renew-timer": 1000, "rebind-timer": 2000,
        "option-def": [ { "name": "foo", "code": 1222, "type": "uint32" } ],
        "option-data": [ { "name": "dns-servers", "data": "2001:db8::1, 2001:db8::2" },
                         { "name": "foo", "data": "7" } ],
        "subnet6": [ {
            "id": 7, "subnet": "2001:db8::/32", "interface": "eth0", "rapid-commit": true,
            "pools": [ { "pool": "2001:db8::10 - 2001:db8::20" }, { "pool": "2001:db8:1::/64" } ],
            "pd-pools": [ { "prefix": "3000::", "prefix-len": 32, "delegated-len": 56,
                            "pool-id": 9 } ],
            "relay": { "ip-addresses": [ "2001:db8::9" ] },
            "valid-lifetime": 3100,
            "option-data": [ { "code": 7, "data": "255" } ]
        }, { "id": 8, "subnet": "2001:db9::/64", "interface-id": "port 1" } ],
        "loggers": [ { "name": "kea-dhcp6", "severity": "DEBUG", "debuglevel": 5,
                       "output_options": [ { "output": "stdout" } ] } ]"#,
    );
    assert_eq!(config.interfaces.interfaces, ["eth0", "eth0/2001:db8::1"]);
    assert_eq!((config.workers, config.pools.len()), (3, 3));
    let subnet = config.subnet(SubnetIndex(0));
    assert_eq!((subnet.id, subnet.prefix_len, subnet.rapid_commit), (7, 32, true));
    assert_eq!((subnet.timers.valid_lifetime, subnet.timers.preferred_lifetime), (3100, 3000));
    assert_eq!(subnet.timers.renew_timer, Some(1000));
    assert_eq!((config.pools_of(subnet).len(), config.pd_pools_of(subnet).len()), (2, 1));
    let prefixes = &config.pd_pools_of(subnet)[0];
    assert_eq!((prefixes.unit_len, prefixes.id, prefixes.last_index()), (56, 9, 0xff_ffff));
    assert_eq!(config.by_relay.get(&address("2001:db8::9")), Some(SubnetIndex(0)));
    assert_eq!(config.by_interface.get("eth0"), Some(SubnetIndex(0)));
    assert_eq!(config.by_interface_id.get(&b"port 1"[..]), Some(SubnetIndex(1)));
    assert_eq!(config.by_address.find(address("2001:db8:ff::1")), Some(SubnetIndex(0)));
    assert_eq!(config.by_address.find(address("2001:db9::1")), Some(SubnetIndex(1)));
    assert_eq!(config.by_address.find(address("3000::1")), None);
    let option = config.options.get(1222).expect("defined");
    assert_eq!(option.tlv(), [4, 198, 0, 4, 0, 0, 0, 7]);
    assert_eq!(subnet.options.get(7).map(|option| option.body().to_vec()), Some(vec![255]));
    assert!(config.logging.is_some());
}

#[test]
fn an_empty_map_is_a_configuration_with_defaults() {
    let config = good("");
    assert!(config.subnets.is_empty() && config.interfaces.interfaces.is_empty());
    assert_eq!((config.workers, config.decline_probation_period), (4, 86_400));
    assert_eq!(config.lease_checks, LeaseChecks::Warn);
    assert_eq!(config.mac_sources, MacSource::ANY);
    assert_eq!(config.relay_supplied_options.iter().collect::<Vec<_>>(), [65]);
    assert_eq!(config.server_id, ServerIdConfig::default());
    assert_eq!(config.data_directory, None);
    assert!(config.lease_database.persist && config.logging.is_none());
}

#[test]
fn subnets_inherit_what_they_do_not_say() {
    let global = r#""valid-lifetime": 100, "min-valid-lifetime": 50, "max-valid-lifetime": 200,
        "preferred-lifetime": 80, "min-preferred-lifetime": 40, "max-preferred-lifetime": 160,
        "renew-timer": 10, "rebind-timer": 20"#;
    let timers = one_subnet(global, "").timers;
    assert_eq!([Some(1), None, Some(999)].map(|wanted| timers.valid(wanted)), [50, 100, 200]);
    assert_eq!(
        [Some(1), None, Some(999)].map(|wanted| timers.preferred(wanted)),
        [40, 80, 160].map(Some)
    );
    assert_eq!(timers.t1_t2(80), (10, 20));
    assert_eq!(timers.calculated, Some((500, 800)));

    let timers = one_subnet(global, r#""valid-lifetime": 90, "renew-timer": 5"#).timers;
    assert_eq!([Some(1), None, Some(999)].map(|wanted| timers.valid(wanted)), [50, 90, 200]);
    assert_eq!(
        [Some(1), None, Some(999)].map(|wanted| timers.preferred(wanted)),
        [40, 80, 160].map(Some)
    );
    assert_eq!(timers.t1_t2(80), (5, 20));
    let timers = one_subnet(global, r#""max-preferred-lifetime": 90"#).timers;
    assert_eq!(
        [Some(1), None, Some(999)].map(|wanted| timers.preferred(wanted)),
        [40, 80, 90].map(Some)
    );
}

#[test]
fn preferred_lifetimes_follow_from_the_valid_ones() {
    let timers = one_subnet("", "").timers;
    assert_eq!((timers.valid_lifetime, timers.preferred_lifetime), (7200, 4500));
    assert_eq!(timers.t1_t2(4500), (2250, 3600));
    assert_eq!([None, Some(1)].map(|wanted| timers.preferred(wanted)), [None; 2]);
    let limits = r#""valid-lifetime": 800, "min-valid-lifetime": 80, "max-valid-lifetime": 8000"#;
    let timers = one_subnet("", limits).timers;
    let preferred =
        [timers.min_preferred_lifetime, timers.preferred_lifetime, timers.max_preferred_lifetime];
    assert_eq!(preferred, [50, 500, 5000]);
    let timers = one_subnet(r#""valid-lifetime": 4294967295"#, "").timers;
    assert_eq!((timers.valid(None), timers.preferred_lifetime), (u32::MAX, u32::MAX));
    assert_eq!(timers.t1_t2(u32::MAX), (u32::MAX, u32::MAX));
    let timers = one_subnet(r#""valid-lifetime": 4294967294"#, "").timers;
    assert_eq!(timers.preferred_lifetime, 2_684_354_558);
}

#[test]
fn a_scope_that_says_one_lifetime_is_not_judged_by_what_subnets_say_otherwise() {
    let global = r#""preferred-lifetime": 9000"#;
    assert_eq!(one_subnet(global, r#""valid-lifetime": 9000"#).timers.preferred_lifetime, 9000);
    let (_, findings) = read_members(&format!("{global}, {}", super::subnet("")));
    assert!(findings.contains("'preferred-lifetime' 9000 must not be"), "{findings}");
    let both = r#""preferred-lifetime": 9, "valid-lifetime": 8"#;
    let (_, findings) = read_members(&format!("{both}, {}", super::subnet("")));
    assert_eq!(findings.lines().count(), 1, "{findings}");
}

#[test]
fn sources_of_hardware_addresses_have_several_names() {
    let sources = |list: &str| good(&format!("\"mac-sources\": [ {list} ]")).mac_sources;
    assert_eq!(sources(""), []);
    assert_eq!(
        sources(r#""rfc6939", "rfc4649", "rfc4580", "docsis-cmts", "docsis-modem", "raw""#),
        [
            MacSource::ClientLinkAddress,
            MacSource::RemoteId,
            MacSource::SubscriberId,
            MacSource::DocsisCmts,
            MacSource::DocsisModem,
            MacSource::Raw
        ]
    );
    let sources = sources(r#""ipv6-link-local", "any", "duid", "subscriber-id""#);
    assert_eq!(sources.first(), Some(&MacSource::LinkLocal));
    assert_eq!(sources.last(), Some(&MacSource::SubscriberId));
    assert_eq!(sources.len(), 8);
}

#[test]
fn relay_supplied_options_are_names_and_codes() {
    let config = good(r#""relay-supplied-options": [ "dns-servers", "110", "1", "65535", "110" ]"#);
    let codes = config.relay_supplied_options;
    assert_eq!(codes.iter().collect::<Vec<_>>(), [1, 23, 65, 110, 65_535]);
    assert!(codes.contains(65) && codes.contains(110) && !codes.contains(24));
}

#[test]
fn server_identifiers_are_made_of_what_is_given() {
    let id = |members: &str| good(&format!("\"server-id\": {{ {members} }}")).server_id;
    let default = ServerIdConfig::default();
    assert_eq!(id(r#""type": "LLT""#), default);
    assert_eq!(
        id(r#""type": "LL", "identifier": "0C:1:ff", "htype": 65535, "persist": false"#),
        ServerIdConfig {
            kind: ServerIdKind::Ll,
            identifier: vec![12, 1, 255],
            htype: 65_535,
            persist: false,
            ..default.clone()
        }
    );
    let en = id(r#""type": "EN", "identifier": "abc", "enterprise-id": 4294967295"#);
    let expected = ServerIdConfig {
        kind: ServerIdKind::En,
        identifier: vec![0x0a, 0xbc],
        enterprise_id: u32::MAX,
        ..default.clone()
    };
    assert_eq!(en, expected);
    let longest = "ab".repeat(122);
    let llt = id(&format!(r#""type": "LLT", "identifier": "{longest}", "time": 1"#));
    assert_eq!((llt.identifier.len(), llt.time), (122, 1));
}

#[test]
fn equal_option_sets_are_shared_and_vendors_have_their_own() {
    let config = good(
        r#""subnet6": [
            { "id": 1, "subnet": "2001:db8:1::/64", "option-data": [ { "code": 7, "data": "1" } ] },
            { "id": 2, "subnet": "2001:db8:2::/64", "option-data": [ { "code": 7, "data": "1" } ] },
            { "id": 3, "subnet": "2001:db8:3::/64" } ],
        "option-data": [ { "code": 1, "space": "vendor-9", "data": "ab" },
            { "code": 258, "space": "vendor-9", "data": "" },
            { "code": 1100, "csv-format": false, "data": "c0ff", "always-send": true } ]"#,
    );
    let options = |number: usize| &config.subnets[number].options;
    assert!(Arc::ptr_eq(options(0), options(1)) && !Arc::ptr_eq(options(1), options(2)));
    assert!(options(2).is_empty());
    let vendor = config.options.vendor(9).expect("it has options");
    assert_eq!(vendor.get(1).map(|option| option.tlv().to_vec()), Some(vec![0, 1, 0, 1, 0xab]));
    assert!(vendor.contains(258));
    assert!(config.options.get(1100).is_some_and(|option| option.always_send()));
}

#[test]
fn old_logging_and_link_local_addresses_load_with_a_warning() {
    let (config, findings) = read_file(
        r#"{ "Dhcp6": { "interfaces-config": { "interfaces": [ "eth0/fe80::1" ] } },
        "Dhcp4": { "anything": [ ] },
        "Logging": { "loggers": [ { "name": "kea-dhcp6", "severity": "error" } ] } }"#,
    );
    let config = config.expect("loads");
    assert_eq!(config.interfaces.interfaces, ["eth0/fe80::1"]);
    assert!(config.logging.is_some());
    assert_eq!(findings.lines().count(), 2, "{findings}");
}

/// Files whose keys all have an effect.
const FILES: [&str; 10] = [
    include_str!("files/kea-1.1.json"),
    include_str!("files/kea-3.json"),
    include_str!("../../../../../doc/examples/kea6/guests.conf"),
    include_str!("../../../../../doc/examples/kea6/modems.conf"),
    include_str!("../../../../../doc/examples/kea6/netboot.conf"),
    include_str!("../../../../../doc/examples/kea6/office.conf"),
    include_str!("../../../../../doc/examples/kea6/prefixes.conf"),
    include_str!("../../../../../doc/examples/kea6/reservations.conf"),
    include_str!("../../../../../doc/examples/kea6/stateless.conf"),
    "{ \"Dhcp6\": {} }",
];

#[test]
fn whole_files_load_and_come_back_with_the_same_meaning() {
    for source in FILES {
        let (document, mut diagnostics) = parse(source);
        let config = read(&document, 4, &mut diagnostics);
        let findings = diagnostics.render();
        assert!(findings.lines().all(|line| line.contains("is an old ")), "{findings}");
        let config = config.expect("no errors");
        let text = get(&config, &document);
        let mut again = Diagnostics::new();
        let document = Document::parse(&text, "get", &mut NoIncludes, &mut again).expect("JSON");
        let second = read(&document, 4, &mut again);
        assert_eq!(again.render(), "", "{text}");
        let second = second.expect("no errors");
        assert_eq!(get(&second, &document), text);
        // Hash maps print in any order; what they hold follows from the subnets.
        let shown = |config: &Config6| {
            format!("{:?} {:?} {:?}", config.subnets, config.pools, config.options)
        };
        assert_eq!(shown(&config), shown(&second));
        assert_eq!(config.logging, second.logging);
        assert_eq!(config.interfaces, second.interfaces);
        assert_eq!(config.lease_database, second.lease_database);
        assert_eq!(config.server_id, second.server_id);
        assert_eq!(config.mac_sources, second.mac_sources);
        assert_eq!(config.relay_supplied_options, second.relay_supplied_options);
        assert_eq!(config.data_directory, second.data_directory);
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
        r#"{ "Dhcp6": { @,
            "interfaces-config": { @, "interfaces": [] },
            "lease-database": { @, "type": "memfile" },
            "multi-threading": { @ },
            "dhcp-ddns": { @, "enable-updates": false },
            "server-id": { @, "type": "LL" },
            "loggers": [ { @, "name": "kea-dhcp6", "output-options": [ { "output": "stdout" } ] } ],
            "option-def": [ { @, "name": "mine", "code": 222, "type": "uint8" } ],
            "option-data": [ { @, "name": "preference", "data": "7" } ],
            "client-classes": [ { @, "name": "c", "option-data": [ { @, "name": "preference", "data": "7" } ] } ],
            "reservations": [ { @, "duid": "01", "hostname": "h", "option-data": [ { @, "name": "preference", "data": "7" } ] } ],
            "subnet6": [ { @, "id": 1, "subnet": "2001:db8::/32", "option-data": [ { @, "name": "preference", "data": "7" } ],
                "pools": [ { @, "pool": "2001:db8::/64", "option-data": [ { @, "name": "preference", "data": "7" } ] } ], "pd-pools": [ { @, "prefix": "2001:db8:8000::", "prefix-len": 40, "delegated-len": 56, "option-data": [ { @, "name": "preference", "data": "7" } ] } ],
                "reservations": [ { @, "duid": "02", "ip-addresses": [ "2001:db8::9" ], "option-data": [ { @, "name": "preference", "data": "7" } ] } ] } ],
            "shared-networks": [ { @, "name": "n", "option-data": [ { @, "name": "preference", "data": "7" } ], "subnet6": [
                { @, "id": 2, "subnet": "2001:db9::/32", "option-data": [ { @, "name": "preference", "data": "7" } ] } ] } ] } }"#,
    );
    let old = r#"{ "Dhcp6": {}, "Logging": { "loggers": [ { @, "name": "kea-dhcp6" } ] } }"#;
    testing::comments_come_back(read, get_tree, old);
}
