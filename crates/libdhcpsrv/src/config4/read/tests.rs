//! Whole files through the reader.

use std::net::Ipv4Addr;

use cc::{Diagnostics, Document, NoIncludes};

use super::super::{Config4, Durability, SocketType, SubnetIndex};
use super::read;

/// Reads the members of `Dhcp4`; returns the configuration and the findings.
pub(crate) fn read_members(members: &str) -> (Option<Config4>, String) {
    read_file(&format!("{{ \"Dhcp4\": {{ {members} }} }}"))
}

/// Reads a whole file.
pub(crate) fn read_file(source: &str) -> (Option<Config4>, String) {
    let mut diagnostics = Diagnostics::new();
    let document = Document::parse(source, "f", &mut NoIncludes, &mut diagnostics);
    let config = document.and_then(|document| read(&document, 4, &mut diagnostics));
    (config, diagnostics.render())
}

fn good(members: &str) -> Config4 {
    let (config, findings) = read_members(members);
    assert_eq!(findings, "", "{members}");
    config.expect("no findings")
}

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
    assert_eq!(subnet.server_identifier, Some(Ipv4Addr::new(10, 0, 0, 2)));
    assert_eq!(config.server_identifiers, [Ipv4Addr::new(10, 0, 0, 2)]);
    assert_eq!(config.by_relay.get(&Ipv4Addr::new(10, 9, 9, 9)), Some(&SubnetIndex(0)));
    assert_eq!(config.by_interface.get("eth0"), Some(&SubnetIndex(0)));
    assert_eq!(config.by_address.find(Ipv4Addr::new(10, 200, 0, 1)), Some(SubnetIndex(0)));
    let option = config.options.get(222).expect("defined");
    assert_eq!(option.tlv(), [222, 4, 0, 0, 0, 7]);
    assert!(config.logging.is_some());
}
