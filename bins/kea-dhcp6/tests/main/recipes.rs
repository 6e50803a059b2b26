//! The recipes of `doc/examples/kea6`: what the devices that they are for send, and what these must get.

use std::net::Ipv6Addr;

use libdhcp::v6::{MessageType, code};

use crate::stand::{Answer, Query, Stand, option, query, solicit};

const GUESTS: &str = include_str!("../../../../doc/examples/kea6/guests.conf");
const MODEMS: &str = include_str!("../../../../doc/examples/kea6/modems.conf");
const NETBOOT: &str = include_str!("../../../../doc/examples/kea6/netboot.conf");
const PREFIXES: &str = include_str!("../../../../doc/examples/kea6/prefixes.conf");
const STATELESS: &str = include_str!("../../../../doc/examples/kea6/stateless.conf");

/// Options of RFC 5970, 5908, 8910 and 9463.
const BOOTFILE_URL: u16 = 59;
const BOOTFILE_PARAM: u16 = 60;
const CLIENT_ARCH_TYPE: u16 = 61;
const NTP_SERVER: u16 = 56;
const CAPTIVE_PORTAL: u16 = 103;
const DNR: u16 = 144;

/// The DUID that the recipes reserve something for.
const RESERVED: &[u8] = &[0, 3, 0, 1, 2, 0, 0x5e, 0x10, 0, 1];
/// Enterprises: Intel, whose number UEFI uses, and CableLabs.
const INTEL: u32 = 343;
const CABLELABS: u32 = 4491;

/// Shows the options of an answer that are asked for here, as far as they are there.
fn options(answer: &Answer, codes: &[u16]) -> Vec<(u16, Vec<u8>)> {
    codes.iter().filter_map(|&code| Some((code, answer.option(code)?))).collect()
}

/// A vendor class with one text.
fn vendor_class(enterprise: u32, text: &str) -> Vec<u8> {
    [&enterprise.to_be_bytes()[..], &(text.len() as u16).to_be_bytes(), text.as_bytes()].concat()
}

fn octets(address: &str) -> Vec<u8> {
    address.parse::<Ipv6Addr>().expect("an address").octets().to_vec()
}

#[test]
fn firmware_gets_the_loader_of_its_kind_and_ipxe_its_script() {
    let mut stand = Stand::of_file(NETBOOT);
    let codes = [code::VENDOR_CLASS, BOOTFILE_URL, BOOTFILE_PARAM, code::DNS_SERVERS];
    let firmware = |kind: u16, vendor: &str| {
        let query = solicit(1).na(1, &[]).wants(&codes);
        let query = query.option(CLIENT_ARCH_TYPE, &kind.to_be_bytes());
        query.option(code::VENDOR_CLASS, &vendor_class(INTEL, vendor))
    };
    let ipxe = firmware(7, "PXEClient:Arch:00007:UNDI:003010");
    let http = vendor_class(INTEL, "HTTPClient");
    for (query, url, vendor, param) in [
        (
            firmware(16, "HTTPClient:Arch:00016:UNDI:003001"),
            "http://boot.office.example/ipxe-x64.efi",
            Some(&http),
            None,
        ),
        (
            firmware(19, "HTTPClient:Arch:00019:UNDI:003001"),
            "http://boot.office.example/ipxe-arm64.efi",
            Some(&http),
            None,
        ),
        (
            firmware(7, "PXEClient:Arch:00007:UNDI:003016"),
            "tftp://[2001:db8:1::5]/ipxe-x64.efi",
            None,
            Some(&b"\0\x05quiet\0\x0cmenu=install"[..]),
        ),
    ] {
        let mut expected = Vec::new();
        expected.extend(vendor.map(|body| (code::VENDOR_CLASS, body.clone())));
        expected.push((BOOTFILE_URL, url.into()));
        expected.extend(param.map(|body| (BOOTFILE_PARAM, body.to_vec())));
        expected.push((code::DNS_SERVERS, octets("2001:db8:1::2")));
        assert_eq!(options(&stand.answer(&query), &codes), expected);
    }
    let answer = stand.answer(&ipxe.option(15, b"\0\x04iPXE"));
    let script = b"http://boot.office.example/menu.ipxe".to_vec();
    assert_eq!(options(&answer, &codes[1..2]), [(BOOTFILE_URL, script)]);
    let answer = stand.answer(&solicit(2).na(1, &[]).wants(&codes));
    assert_eq!(options(&answer, &codes[..3]), []);
}

#[test]
fn modems_and_their_routers_get_their_pools_and_options() {
    let mut stand = Stand::of_file(MODEMS);
    let wanted: Vec<u8> = [32_u16, 33, 34, 37, 38].iter().flat_map(|c| c.to_be_bytes()).collect();
    let oro = [&CABLELABS.to_be_bytes()[..], &option(1, &wanted)].concat();
    let of = |query: Query, name| {
        let query = query.option(code::VENDOR_CLASS, &vendor_class(CABLELABS, name));
        query.relayed("2001:db8:1::1", &[(code::INTERFACE_ID, b"cable-1")])
    };
    for (duid, file) in [(None, "silver.cm"), (Some(RESERVED), "gold.cm")] {
        let mut modem = solicit(1).na(1, &[]).option(code::VENDOR_OPTS, &oro);
        if duid.is_some() {
            modem = modem.client(duid);
        }
        let answer = stand.bind(&of(modem, "docsis3.0"));
        assert!(answer.given()[0].starts_with("2001:db8:1::1"), "{:?}", answer.given());
        let expected = [
            &CABLELABS.to_be_bytes()[..],
            &option(32, &octets("2001:db8:1::5")),
            &option(33, file.as_bytes()),
            &option(34, &octets("2001:db8:1::7")),
            &option(37, &octets("2001:db8:1::6")),
            &option(38, &3600_u32.to_be_bytes()),
        ];
        assert_eq!(answer.option(code::VENDOR_OPTS), Some(expected.concat()));
    }
    let router = solicit(2).na(1, &[]).pd(1, &[]).wants(&[code::DNS_SERVERS]);
    let answer = stand.bind(&of(router, "eRouter1.0"));
    assert_eq!(answer.given(), ["2001:db8:2::1000", "2001:db8:4000::/56"]);
    assert_eq!(answer.option(code::DNS_SERVERS), Some(octets("2001:db8::53")));
    let answer = stand.answer(&of(solicit(3).na(1, &[]), "settop"));
    assert_eq!(answer.associations(), ["IA_NA 1 0/0 status 2"]);
}

#[test]
fn routers_get_prefixes_by_class_and_what_is_reserved_for_them() {
    const LINK: &str = "2001:db8:1::1";
    /// The option that tells routers of the part that is left out.
    const PD_EXCLUDE: u16 = 67;
    let mut stand = Stand::of_file(PREFIXES);
    let on_line =
        |query: Query, line: &str| query.relayed(LINK, &[(code::INTERFACE_ID, line.as_bytes())]);
    let router = |client| solicit(client).na(1, &[]).pd(2, &[]).wants(&[PD_EXCLUDE]);
    for (client, line, expected) in [
        (
            1,
            "home-7",
            [
                "IA_NA 1 4500/7200 2001:db8:1::1000 9000/14400",
                "IA_PD 2 4500/7200 2001:db8:8000::/56 9000/14400 without 2001:db8:8000:ff::/64",
            ],
        ),
        (
            2,
            "biz-1",
            [
                "IA_NA 1 189000/302400 2001:db8:1::1001 378000/604800",
                "IA_PD 2 189000/302400 2001:db8:4000::/48 378000/604800",
            ],
        ),
    ] {
        assert_eq!(stand.bind(&on_line(router(client), line)).associations(), expected);
    }
    // Behind a second relay the line is still that of the first.
    let far = on_line(router(3), "biz-2").relayed("::", &[(code::INTERFACE_ID, b"trunk")]);
    assert_eq!(stand.bind(&far).given(), ["2001:db8:1::1002", "2001:db8:4001::/48"]);

    let several = solicit(9).client(Some(RESERVED)).wants(&[PD_EXCLUDE]);
    let several = several.na(1, &[]).na(2, &[]).na(3, &[]).pd(1, &[]).pd(2, &[]);
    let answer = stand.bind(&on_line(several, "home-9"));
    let given = [
        "2001:db8:1::10",
        "2001:db8:1::11",
        "2001:db8:1::1003",
        "2001:db8:9000::/48",
        "2001:db8:9001::/56",
    ];
    assert_eq!(answer.given(), given);
    let lines = answer.associations();
    let excluded = |number: usize| lines[number].split_once(" without ").map(|(_, part)| part);
    assert_eq!((excluded(3), excluded(4)), (Some("2001:db8:9000:ffff::/64"), None));

    let aftr = b"\x04aftr\x03isp\x07example\0";
    let supplied = [option(64, aftr), option(23, &[0; 16])].concat();
    let query = solicit(4).na(1, &[]).relayed(LINK, &[(code::RSOO, &supplied)]);
    let answer = stand.answer(&query);
    assert_eq!(options(&answer, &[64, 23]), [(64, aftr.to_vec())], "23 is not allowed");
}

#[test]
fn guests_and_staff_share_a_link() {
    let mut stand = Stand::of_file(GUESTS);
    let wants = [code::DNS_SERVERS, CAPTIVE_PORTAL];
    let guest = solicit(1).na(1, &[]).wants(&wants);
    let staff = guest.clone().client(Some(RESERVED));
    let portal = b"https://portal.office.example/api".to_vec();
    for (query, line, resolver, portal) in [
        (guest, "2001:db8:2::1000 1125/1800", "2001:db8:2::53", Some(portal)),
        (staff, "2001:db8:1::1000 18000/28800", "2001:db8:1::53", None),
    ] {
        let answer = stand.bind(&query);
        assert!(answer.associations()[0].ends_with(line), "{:?}", answer.associations());
        let mut expected = vec![(code::DNS_SERVERS, octets(resolver))];
        expected.extend(portal.map(|portal| (CAPTIVE_PORTAL, portal)));
        assert_eq!(options(&answer, &wants), expected);
    }
}

#[test]
fn hosts_with_addresses_of_their_own_get_the_rest() {
    let mut stand = Stand::of_file(STATELESS);
    let codes = [23, 24, 31, 32, NTP_SERVER, DNR];
    let names = b"\x06office\x07example\0\x07example\x03org\0".to_vec();
    let resolvers = [octets("2001:db8::53"), octets("2001:db8::54")].concat();
    let dnr = [
        &[0, 1, 0, 20][..],
        b"\x03dns\x06office\x07example\0",
        &[0, 32],
        &resolvers,
        &[0, 1, 0, 7],
        b"\x03dot\x02h2",
        &[0, 7, 0, 8],
        b"/q{?dns}",
    ];
    let expected = [
        (23, resolvers.clone()),
        (24, names),
        (31, octets("2001:db8::123")),
        (32, vec![0, 0, 14, 16]),
        (NTP_SERVER, option(1, &octets("2001:db8::123"))),
        (DNR, dnr.concat()),
    ];
    let answer = stand.answer(&query(MessageType::InformationRequest, 1).wants(&codes));
    assert_eq!(options(&answer, &codes), expected);
}
