//! The recipes of `doc/examples/kea4`: what the devices that they are for send, and what these must get.

use libdhcp::v4::code;

use crate::stand::{Answer, Query, Stand, discover};

const ACCESS_NETWORK: &str = include_str!("../../../../doc/examples/kea4/access-network.conf");
const ACCESS_POINTS: &str = include_str!("../../../../doc/examples/kea4/access-points.conf");
const GUESTS: &str = include_str!("../../../../doc/examples/kea4/guests.conf");
const MODEMS: &str = include_str!("../../../../doc/examples/kea4/modems.conf");
const NETBOOT: &str = include_str!("../../../../doc/examples/kea4/netboot.conf");
const PHONES: &str = include_str!("../../../../doc/examples/kea4/phones.conf");
const RASPBERRY_PI: &str = include_str!("../../../../doc/examples/kea4/raspberry-pi.conf");
const WINDOWS: &str = include_str!("../../../../doc/examples/kea4/windows.conf");

const VENDOR: u8 = code::VENDOR_CLASS_IDENTIFIER;
const ENCAPSULATED: u8 = code::VENDOR_ENCAPSULATED_OPTIONS;

/// What is sent, and which of the options under test must come.
type Case<'a> = (Query, &'a [(u8, &'a [u8])]);

/// A DISCOVER of a device of this vendor.
fn of_vendor(vendor: &str, wants: &[u8]) -> Query {
    discover(1).option(VENDOR, vendor.as_bytes()).wants(wants)
}

/// A DISCOVER of a device whose hardware address begins so.
fn of_maker(maker: [u8; 3], wants: &[u8]) -> Query {
    discover(1).hardware(1, &[&maker[..], &[1, 2, 3]].concat()).wants(wants)
}

/// Shows the options of an answer that are asked for here, as far as they are there.
fn options(answer: &Answer, codes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let found = codes.iter().filter_map(|&code| Some((code, answer.option(code)?.to_vec())));
    found.collect()
}

/// Sends each query and compares the options with these codes.
fn check(stand: &mut Stand, codes: &[u8], cases: &[Case<'_>]) {
    for (number, (query, expected)) in cases.iter().enumerate() {
        let found = options(&stand.answer(query), codes);
        let expected: Vec<_> = expected.iter().map(|(code, body)| (*code, body.to_vec())).collect();
        assert_eq!(found, expected, "case {number}");
    }
}

#[test]
fn windows_gets_routes_in_both_forms_and_its_vendor_options() {
    let mut stand = Stand::of_file(WINDOWS);
    let wants = [1, 15, 3, 6, 44, 46, 47, 31, 33, 121, 249, 43, 252];
    let routes: &[u8] = &[
        0, 192, 0, 2, 1, // the default route
        24, 198, 51, 100, 192, 0, 2, 2, // 198.51.100.0/24
        8, 10, 192, 0, 2, 3, // 10.0.0.0/8
    ];
    let vendor: &[u8] = &[1, 4, 0, 0, 0, 2, 2, 4, 0, 0, 0, 1, 3, 4, 0, 0, 0, 100];
    let url: &[u8] = b"http://wpad.office.example/wpad.dat";
    let all: &[(u8, &[u8])] = &[(121, routes), (249, routes), (43, vendor), (252, url)];
    let cases = [
        (of_vendor("MSFT 5.0", &wants), all),
        (discover(2).wants(&[3, 6, 121, 43]), &all[..1]),
        (discover(3), &[]),
    ];
    check(&mut stand, &[121, 249, 43, 252], &cases);
}

#[test]
fn access_points_get_their_controllers_in_their_own_form() {
    let mut stand = Stand::of_file(ACCESS_POINTS);
    let cisco: &[u8] = &[0xf1, 8, 192, 0, 2, 10, 192, 0, 2, 11];
    let wants = [1, 6, 15, 44, 3, 7, 33, 150, 43];
    let cases: [Case<'_>; 6] = [
        (of_vendor("Cisco AP c1700", &wants), &[(43, cisco)]),
        (of_vendor("Cisco AP c9120AXI", &wants), &[(43, cisco)]),
        (of_vendor("ubnt", &[1, 3, 6, 12, 15, 28, 43]), &[(43, &[1, 4, 192, 0, 2, 20])]),
        (of_vendor("ArubaAP", &[1, 3, 6, 43, 60]), &[(60, b"ArubaAP"), (43, b"192.0.2.30")]),
        (of_vendor("Ruckus CPE", &[1, 3, 43]), &[(43, b"\x03\x0a192.0.2.40")]),
        (of_vendor("another", &[43, 60]), &[]),
    ];
    check(&mut stand, &[VENDOR, ENCAPSULATED], &cases);
}

#[test]
fn phones_get_their_settings_and_their_vlan() {
    let mut stand = Stand::of_file(PHONES);
    let mitel = b"id:ipphone.mitel.com;sw_tftp=192.0.2.5;call_srv=192.0.2.7;vlan=20;l2p=6v6s6;dscp=46v46s26";
    let wants = [1, 3, 6, 15, 42, 66, 150, 160, 43];
    let cisco = "Cisco Systems, Inc. IP Phone CP-7961G";
    let yealink = b"http://phones.office.example/yealink";
    let cases: [Case<'_>; 6] = [
        (of_vendor(cisco, &wants), &[(150, &[192, 0, 2, 5, 192, 0, 2, 6])]),
        (
            of_vendor("Polycom-VVX410", &wants),
            &[(66, b"192.0.2.5"), (160, b"https://phones.office.example/polycom")],
        ),
        (of_vendor("ipphone.mitel.com", &wants), &[(43, mitel)]),
        (of_maker([0, 0x80, 0x9f], &[1, 3]), &[(43, &[58, 2, 0, 20])]),
        (of_maker([0x80, 0x5e, 0xc0], &wants), &[(66, yealink)]),
        (of_maker([0, 0x80, 0x9e], &wants), &[]),
    ];
    check(&mut stand, &[code::TFTP_SERVER_NAME, 150, 160, ENCAPSULATED], &cases);
}

#[test]
fn firmware_gets_the_loader_of_its_kind_and_ipxe_its_script() {
    let mut stand = Stand::of_file(NETBOOT);
    let wants = [1, 3, 6, 12, 43, 60, 66, code::BOOT_FILE_NAME, 175];
    let pxe = |kind: u16, vendor: &str| {
        of_vendor(vendor, &wants).option(code::CLIENT_SYSTEM, &kind.to_be_bytes())
    };
    let ipxe = |kind, vendor| pxe(kind, vendor).option(77, b"iPXE").option(175, &[235, 3, 1, 0, 0]);
    let url = "http://boot.office.example/";
    for (query, file, vendor) in [
        (pxe(0, "PXEClient:Arch:00000:UNDI:002001"), "pxelinux.0".to_owned(), None),
        (pxe(7, "PXEClient:Arch:00007:UNDI:003016"), "ipxe-x64.efi".to_owned(), None),
        (pxe(9, "PXEClient:Arch:00009:UNDI:003016"), "ipxe-x64.efi".to_owned(), None),
        (pxe(11, "PXEClient:Arch:00011:UNDI:003000"), "ipxe-arm64.efi".to_owned(), None),
        (
            pxe(16, "HTTPClient:Arch:00016:UNDI:003001"),
            format!("{url}ipxe-x64.efi"),
            Some("HTTPClient"),
        ),
        (
            pxe(19, "HTTPClient:Arch:00019:UNDI:003000"),
            format!("{url}ipxe-arm64.efi"),
            Some("HTTPClient"),
        ),
        (ipxe(0, "PXEClient:Arch:00000:UNDI:002001"), format!("{url}menu.ipxe"), None),
        (ipxe(7, "PXEClient:Arch:00007:UNDI:003010"), format!("{url}menu.ipxe"), None),
        (discover(1).wants(&wants), String::new(), None),
    ] {
        let offer = stand.answer(&query);
        assert_eq!(offer.file, file.as_bytes());
        assert_eq!(offer.message.header.siaddr.octets(), [192, 0, 2, 5]);
        assert_eq!(offer.option(VENDOR), vendor.map(str::as_bytes), "{file}");
        let of_ipxe: Option<&[u8]> = file.ends_with("menu.ipxe").then_some(&[176, 1, 1]);
        assert_eq!(offer.option(175), of_ipxe, "{file}");
    }
}

#[test]
fn raspberry_pis_get_the_boot_menu_that_they_look_for() {
    let mut stand = Stand::of_file(RASPBERRY_PI);
    let vendor = b"PXEClient:Arch:00000:UNDI:002001";
    let pi = |maker| of_maker(maker, &[1, 3, 43, 60, 66, 67]).option(VENDOR, vendor);
    let menu =
        [&[6, 1, 3, 9, 20, 0, 0, 17][..], b"Raspberry Pi Boot", &[10, 4, 0], b"PXE"].concat();
    for maker in [[0xb8, 0x27, 0xeb], [0xdc, 0xa6, 0x32], [0xe4, 0x5f, 0x01]] {
        let offer = stand.answer(&pi(maker));
        let expected = [(VENDOR, b"PXEClient".to_vec()), (ENCAPSULATED, menu.clone())];
        assert_eq!(options(&offer, &[VENDOR, ENCAPSULATED]), expected);
        assert_eq!(offer.message.header.siaddr.octets(), [192, 0, 2, 5]);
    }
    let pc = stand.answer(&pi([0x52, 0x54, 0]));
    assert_eq!(options(&pc, &[VENDOR, ENCAPSULATED]), []);
    let running = stand.answer(&of_maker([0xb8, 0x27, 0xeb], &[1, 3, 43]));
    assert_eq!(options(&running, &[VENDOR, ENCAPSULATED]), [], "its system gets an address alone");
}

#[test]
fn guests_and_staff_share_a_link() {
    let mut stand = Stand::of_file(GUESTS);
    let wants = [1, 3, 6, 108, 114];
    let staff = discover(1).hardware(1, &[2, 0, 0x5e, 0x10, 0, 1]).wants(&wants);
    let portal = b"https://portal.office.example/api";
    let idle = 1800_u32.to_be_bytes();
    for (query, network, life, portal) in [
        (staff, [192, 0, 2], 28800, None),
        (discover(1).wants(&wants), [198, 51, 100], 900, Some(&portal[..])),
    ] {
        let offer = stand.answer(&query);
        assert_eq!(offer.address().octets()[..3], network);
        assert_eq!(offer.number(code::LEASE_TIME), Some(life));
        let gateway = [&network[..], &[1]].concat();
        let resolver = [&network[..], &[53]].concat();
        let mut expected = vec![(3, gateway), (6, resolver), (108, idle.to_vec())];
        expected.extend(portal.map(|portal| (114, portal.to_vec())));
        assert_eq!(options(&offer, &wants[1..]), expected);
    }
    let offer = stand.answer(&discover(2));
    assert_eq!(options(&offer, &[108, 114]), [(114, portal.to_vec())], "108 is for who asks");
}

#[test]
fn lines_decide_in_the_access_network() {
    let mut stand = Stand::of_file(ACCESS_NETWORK);
    let on_line = |client: u8, line: &str| {
        let agent = [&[1, line.len() as u8], line.as_bytes(), &[2, 1, 7]].concat();
        discover(client).relayed([192, 0, 2, 10]).option(code::RELAY_AGENT_INFORMATION, &agent)
    };
    let resolver: &[u8] = &[198, 51, 100, 53];
    for (client, line, last, life, domain, resolvers) in [
        (1, "dslam1/3:100", 100, 3600, None, None),
        (2, "dslam2/3:100", 101, 3600, None, Some(resolver)),
        (3, "dslam2/4:200", 200, 86400, Some(&b"business.example"[..]), Some(resolver)),
        (4, "dslam1/7:200", 20, 86400, Some(b"business.example"), None),
    ] {
        let query = on_line(client, line);
        let offer = stand.answer(&query);
        assert_eq!(offer.address().octets(), [198, 51, 100, last], "{line}");
        stand.bind(&query);
        assert_eq!(offer.number(code::LEASE_TIME), Some(life), "{line}");
        let found = (offer.option(code::DOMAIN_NAME), offer.option(code::DOMAIN_NAME_SERVERS));
        assert_eq!(found, (domain, resolvers), "{line}");
    }
    assert!(stand.ask(&on_line(5, "dslam1/3:300")).answers.is_empty(), "no pool for this VLAN");
    for address in [[2, 0x0b, 0xad, 1, 2, 3], [2, 0, 0x5e, 0x10, 0, 0xff]] {
        let bad = on_line(6, "dslam1/3:100").hardware(1, &address);
        assert_eq!(stand.drop_reason(&bad), "it is in class DROP");
    }
}

#[test]
fn modems_and_gateways_get_the_options_of_their_organisations() {
    let mut stand = Stand::of_file(MODEMS);
    let acs = b"http://acs.isp.example:7547";
    let listed = discover(1)
        .option(VENDOR, b"docsis3.0")
        .wants(&[1, 3, 4, 7])
        .option(code::VIVSO_SUBOPTIONS, &[&4491_u32.to_be_bytes()[..], &[3, 1, 1, 2]].concat());
    let offer = stand.answer(&listed);
    assert_eq!(offer.file, b"gold.cm");
    assert_eq!(offer.message.header.siaddr.octets(), [192, 0, 2, 5]);
    let tftp = [&4491_u32.to_be_bytes()[..], &[6, 2, 4, 192, 0, 2, 5]].concat();
    let expected = [(4, vec![192, 0, 2, 6]), (7, vec![192, 0, 2, 7]), (125, tftp)];
    assert_eq!(options(&offer, &[4, 7, 125]), expected);

    // Manufacturer and model of the gateway, as the Broadband Forum has them.
    let gateway = [&3561_u32.to_be_bytes()[..], &[8, 1, 6], b"00D09E"].concat();
    let url = [&[11, acs.len() as u8][..], acs].concat();
    let blocks = [&3561_u32.to_be_bytes()[..], &[url.len() as u8], &url].concat();
    let offer = stand.answer(&discover(2).option(code::VIVSO_SUBOPTIONS, &gateway));
    assert_eq!(options(&offer, &[43, 125]), [(125, blocks)]);
    let offer = stand.answer(&of_vendor("dslforum.org", &[1, 3, 43]));
    let encapsulated = [&[1, acs.len() as u8][..], acs].concat();
    assert_eq!(options(&offer, &[43, 125]), [(43, encapsulated)]);
}
