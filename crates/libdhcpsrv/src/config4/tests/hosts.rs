//! Host reservations: what becomes of them, and which of them count.

use std::fmt::Write;
use std::net::Ipv4Addr;

use super::{good, read_members};
use crate::config4::Config4;
use crate::hosts::{GLOBAL, HostId, IdentifierKind};
use crate::lease4::SubnetId;

#[test]
fn reservations_keep_everything_that_is_written() {
    let config = good(
        r#""reservations-global": true,
        "reservations": [ { "flex-id": "'x y'", "hostname": "everywhere" } ],
        "subnet4": [ { "id": 7, "subnet": "192.0.2.0/24", "reservations": [
            { "hw-address": "1:2:3:4:5:6", "ip-address": " 192.0.2.9 ", "hostname": "One",
              "next-server": "192.0.2.1", "server-hostname": "boot", "boot-file-name": "x.img",
              "client-classes": [ "gold", " silver " ],
              "option-data": [ { "name": "routers", "data": "192.0.2.7" },
                               { "name": "dhcp-server-identifier", "data": "192.0.2.8" } ] },
            { "circuit-id": "0x0123", "client-classes": [ "bronze" ] } ] } ]"#,
    );
    let host = |number| config.hosts.get(HostId(number)).expect("a host");
    let first = host(0);
    assert_eq!((first.subnet, first.identifier.kind), (SubnetId(7), IdentifierKind::HwAddress));
    assert_eq!((first.identifier.bytes, first.hostname), (&[1, 2, 3, 4, 5, 6][..], &b"One"[..]));
    assert_eq!(first.resources[0].address, Ipv4Addr::new(192, 0, 2, 9));
    assert_eq!(first.client_classes(), ["gold".into(), "silver".into()]);
    let boot = first.extras.boot.as_ref().expect("fields");
    assert_eq!(boot.next_server, Some(Ipv4Addr::new(192, 0, 2, 1)));
    assert_eq!((&*boot.server_hostname, &*boot.boot_file_name), (&b"boot"[..], &b"x.img"[..]));
    assert!(first.extras.options.contains(3));
    assert_eq!(config.server_identifiers, [Ipv4Addr::new(192, 0, 2, 8)]);
    let second = host(1);
    assert_eq!((second.identifier.bytes, second.resources.len()), (&[1, 0x23][..], 0));
    assert!(second.extras.boot.is_none() && second.extras.options.is_empty());
    let third = host(2);
    assert_eq!((third.subnet, third.identifier.bytes), (GLOBAL, &b"x y"[..]));
    assert_eq!(config.hosts.len(), 3);
}

#[test]
fn identifiers_are_tried_in_the_order_of_the_file() {
    use IdentifierKind::{CircuitId, ClientId, Duid, FlexId, HwAddress};
    let order = |members: &str| good(members).host_identifiers.to_vec();
    assert_eq!(order(""), [HwAddress, Duid, CircuitId, ClientId]);
    let auto = r#""host-reservation-identifiers": [ "auto" ]"#;
    assert_eq!(order(auto), [HwAddress, Duid, CircuitId, ClientId]);
    let own = r#""host-reservation-identifiers": [ "flex-id", "duid" ]"#;
    assert_eq!(order(own), [FlexId, Duid]);
}

fn flags(config: &Config4, number: usize) -> [bool; 3] {
    config.subnets[number].reservations.flags()
}

#[test]
fn the_old_key_means_the_new_ones() {
    for (mode, expected) in [
        ("all", [false, true, false]),
        ("out-of-pool", [false, true, true]),
        ("global", [true, false, false]),
        ("disabled", [false, false, false]),
        ("off", [false, false, false]),
    ] {
        let subnets = format!(
            "\"subnet4\": [ {{ \"id\": 1, \"subnet\": \"192.0.2.0/24\" }},
                {{ \"id\": 2, \"subnet\": \"192.0.3.0/24\", \"reservation-mode\": \"{mode}\" }},
                {{ \"id\": 3, \"subnet\": \"192.0.4.0/24\", \"reservations-global\": true }} ]"
        );
        let (config, findings) = read_members(&subnets);
        assert!(findings.contains("'reservation-mode' is an old key"), "{findings}");
        let config = config.expect("a warning is no error");
        let read = [0, 1, 2].map(|number| flags(&config, number));
        assert_eq!(read, [[false, true, false], expected, [true, true, false]], "{mode}");
        let (config, _) = read_members(&format!("\"reservation-mode\": \"{mode}\", {subnets}"));
        let config = config.expect("a warning is no error");
        let [_, in_subnet, out_of_pool] = expected;
        assert_eq!([flags(&config, 0), flags(&config, 1)], [expected; 2]);
        assert_eq!(flags(&config, 2), [true, in_subnet, out_of_pool], "each flag is inherited");
    }
}

#[test]
fn what_several_hosts_may_have_is_accepted() {
    let shared = |unique: bool| {
        let members = format!(
            r#""ip-reservations-unique": {unique}, "subnet4": [ {{ "id": 1, "subnet": "192.0.2.0/24",
                "reservations": [ {{ "duid": "01", "ip-address": "192.0.2.9" }},
                                  {{ "duid": "02", "ip-address": "192.0.2.9" }} ] }} ]"#
        );
        read_members(&members).0.is_some()
    };
    assert_eq!([true, false].map(shared), [false, true]);
    // The same identifier in two subnets, and several of one client.
    good(
        r#""subnet4": [ { "id": 1, "subnet": "192.0.2.0/24", "reservations": [
            { "duid": "01", "ip-address": "192.0.2.9" }, { "client-id": "01:02", "hostname": "x" } ] },
          { "id": 2, "subnet": "192.0.3.0/24", "reservations": [
            { "duid": "01", "ip-address": "192.0.3.9" } ] } ]"#,
    );
}

#[test]
fn twenty_thousand_reservations_are_read_and_all_their_repetitions_told() {
    let mut hosts = String::new();
    for number in 0..20_000_u32 {
        let comma = if number == 0 { "" } else { "," };
        let address = Ipv4Addr::from(0x0a00_0001 + number);
        write!(
            hosts,
            "{comma}{{ \"hw-address\": \"{number:08x}\", \"ip-address\": \"{address}\" }}"
        )
        .expect("a string takes all text");
    }
    let members = |more: &str| {
        format!(
            "\"subnet4\": [ {{ \"id\": 1, \"subnet\": \"10.0.0.0/8\", \"reservations\": [ {hosts}{more} ] }} ]"
        )
    };
    assert_eq!(good(&members("")).hosts.len(), 20_000);
    let (config, findings) = read_members(&members(&format!(", {hosts}")));
    assert!(config.is_none());
    assert!(findings.ends_with("39000 more errors are not shown\n"), "{}", findings.len());
}

#[test]
fn a_client_identifier_that_is_given_twice_counts_once() {
    let (config, findings) = read_members(
        r#""subnet4": [ { "id": 1, "subnet": "10.0.0.0/8", "reservations": [
            { "client-id": "01:02", "ip-address": "10.0.0.1" },
            { "client-id": "01:02", "ip-address": "10.0.0.2" } ] } ]"#,
    );
    let config = config.expect("it loads");
    assert_eq!(config.hosts.iter().count(), 1);
    assert!(findings.contains("'client-id' 01:02 already (that at f:"), "{findings}");
}
