//! Host reservations: what becomes of them.

use std::net::Ipv6Addr;

use super::{good, read_members, subnet};
use crate::hosts::{HostId, IdentifierKind};

#[test]
fn reservations_keep_everything_that_is_written() {
    let config = good(&subnet(
        r#""reservations": [ { "duid": "00:03:00:01:02", "hostname": "one",
            "ip-addresses": [ "2001:db8::1", "2001:db8::2" ],
            "prefixes": [ "2001:db8:8::/48", "2001:db8:9::/48" ],
            "excluded-prefixes": [ "", "2001:db8:9:1::/64" ],
            "option-data": [ { "name": "dns-servers", "data": "2001:db8::53" } ],
            "client-classes": [ "gold" ] } ]"#,
    ));
    let host = config.hosts.get(HostId(0)).expect("a host");
    assert_eq!((host.identifier.kind, host.hostname), (IdentifierKind::Duid, &b"one"[..]));
    let shown = host.resources.iter().map(|own| {
        (own.address.to_string(), own.prefix_len, own.is_prefix, own.excluded.is_some())
    });
    let shown: Vec<_> = shown.collect();
    assert_eq!(
        shown,
        [
            ("2001:db8::1".to_owned(), 128, false, false),
            ("2001:db8::2".to_owned(), 128, false, false),
            ("2001:db8:8::".to_owned(), 48, true, false),
            ("2001:db8:9::".to_owned(), 48, true, true),
        ]
    );
    let excluded: Ipv6Addr = "2001:db8:9:1::".parse().expect("an address");
    assert_eq!(host.resources[3].excluded, Some((excluded, 64)));
    assert_eq!(host.client_classes(), ["gold".into()]);
    assert!(host.extras.options.contains(23));
}

#[test]
fn identifiers_are_tried_in_the_order_of_the_file() {
    use IdentifierKind::{Duid, HwAddress};
    let order = |members: &str| good(members).host_identifiers.to_vec();
    assert_eq!(order(""), [HwAddress, Duid]);
    assert_eq!(order(r#""host-reservation-identifiers": [ "duid" ]"#), [Duid]);
    let (config, findings) = read_members(r#""host-reservation-identifiers": [ "client-id" ]"#);
    assert!(config.is_none() && findings.contains("is unknown"), "{findings}");
}
