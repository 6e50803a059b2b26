//! Vendor classes (124), vendor options (125) and vendor-encapsulated options (43).

use libdhcp::v4::code;

use crate::stand::{Query, SMALL, Stand, discover};

const DOCSIS: u32 = 4491;

/// A subnet with one reservation, with its own option data, and the members of `Dhcp4` around it.
fn stand(members: &str, of_subnet: &str, of_host: &str) -> Stand {
    Stand::new(&format!(
        r#"{members}, "subnet4": [ {{ "id": 1, "subnet": "192.0.2.0/24",
            "pools": [ {{ "pool": "192.0.2.10 - 192.0.2.12" }} ], "option-data": [ {of_subnet} ],
            "reservations": [ {{ "hw-address": "02:00:00:00:00:01", "hostname": "h", "option-data": [ {of_host} ] }} ] }} ]"#
    ))
}

const GLOBAL: &str = r#""option-data": [
    { "name": "tftp-servers", "space": "vendor-4491", "data": "192.0.2.200" },
    { "code": 5, "space": "vendor-4491", "data": "05", "always-send": true },
    { "code": 6, "space": "vendor-4491", "data": "06" },
    { "code": 7, "space": "vendor-4491", "data": "07" },
    { "code": 1, "space": "vendor-9", "data": "cafe", "always-send": true } ]"#;

fn block(enterprise: u32, data: &[u8]) -> Vec<u8> {
    [&enterprise.to_be_bytes()[..], &[data.len() as u8], data].concat()
}

/// Asks for options of vendors in option 125.
fn asking(blocks: &[Vec<u8>]) -> Query {
    discover(9).option(code::VIVSO_SUBOPTIONS, &blocks.concat())
}

fn oro(enterprise: u32, wanted: &[u8]) -> Vec<u8> {
    block(enterprise, &[&[1, wanted.len() as u8], wanted].concat())
}

fn vendor_options(stand: &mut Stand, query: &Query) -> Option<Vec<u8>> {
    stand.answer(query).option(code::VIVSO_SUBOPTIONS).map(<[u8]>::to_vec)
}

#[test]
fn vendors_get_what_they_list_and_what_is_always_sent_from_the_nearest_scope() {
    let of_subnet = r#"{ "code": 6, "space": "vendor-4491", "data": "66" }"#;
    let mut stand = stand(GLOBAL, of_subnet, "");
    let sent = vendor_options(&mut stand, &asking(&[oro(DOCSIS, &[6, 2, 99, 6, 1])]));
    let expected = block(DOCSIS, &[2, 4, 192, 0, 2, 200, 5, 1, 5, 6, 1, 0x66]);
    assert_eq!(sent, Some(expected));
    // A list may be divided, and may be long.
    let divided = [oro(DOCSIS, &[6]), oro(DOCSIS, &[7])];
    let expected = block(DOCSIS, &[5, 1, 5, 6, 1, 0x66, 7, 1, 7]);
    assert_eq!(vendor_options(&mut stand, &asking(&divided)), Some(expected));
    assert_eq!(vendor_options(&mut stand, &discover(9)), None, "no vendor is named");
    assert_eq!(vendor_options(&mut stand, &asking(&[oro(10, &[1])])), None, "it has no options");
}

#[test]
fn several_enterprises_are_answered_at_once_and_a_class_is_a_name_too() {
    let mut stand = stand(GLOBAL, "", "");
    let always = block(DOCSIS, &[5, 1, 5]);
    let both = [oro(9, &[]), block(DOCSIS, &[]), oro(9, &[1]), block(77, &[1])];
    let expected = [block(9, &[1, 2, 0xca, 0xfe]), always.clone()].concat();
    assert_eq!(vendor_options(&mut stand, &asking(&both)), Some(expected.clone()));
    let named = [block(9, b"\x03abc"), block(DOCSIS, b"\x09docsis3.0")].concat();
    let named = discover(9).option(code::VIVCO_SUBOPTIONS, &named);
    assert_eq!(vendor_options(&mut stand, &named), Some(expected));
    // What is cut off is not looked at, and not a reason to be silent.
    let cut = [block(DOCSIS, &[]), vec![0, 0, 0, 9, 200, 1]];
    assert_eq!(vendor_options(&mut stand, &asking(&cut)), Some(always));
}

#[test]
fn one_scope_can_forbid_a_vendor_option_of_another() {
    let of_host = r#"{ "code": 5, "space": "vendor-4491", "never-send": true }"#;
    let mut stand = stand(GLOBAL, "", of_host);
    let query = |client| discover(client).option(code::VIVSO_SUBOPTIONS, &oro(DOCSIS, &[6]));
    assert_eq!(vendor_options(&mut stand, &query(1)), Some(block(DOCSIS, &[6, 1, 6])));
    assert_eq!(vendor_options(&mut stand, &query(2)), Some(block(DOCSIS, &[5, 1, 5, 6, 1, 6])));
}

#[test]
fn configured_vendor_options_are_sent_with_their_vendor_s_always_sent_ones() {
    let of_subnet = r#"{ "name": "vivso-suboptions", "data": "4491" },
        { "name": "vivso-suboptions", "data": "9", "always-send": true },
        { "code": 2, "space": "vendor-9", "data": "02" },
        { "name": "vivso-suboptions", "data": "25167" },
        { "code": 2, "space": "vendor-25167", "data": "aa" },
        { "code": 3, "space": "vendor-25167", "never-send": true }"#;
    let mut stand = stand(GLOBAL, of_subnet, "");
    let sent = vendor_options(&mut stand, &discover(9));
    let expected = [
        block(DOCSIS, &[5, 1, 5]),
        block(9, &[1, 2, 0xca, 0xfe]),
        // Nothing is always sent of this one, so all of its scope comes.
        block(25167, &[2, 1, 0xaa]),
    ];
    assert_eq!(sent, Some(expected.concat()));
    let mut stand = Stand::new(&format!(
        r#""option-data": [ {{ "name": "vivso-suboptions", "data": "7" }},
            {{ "name": "vivso-suboptions", "csv-format": false, "data": "00000008 03 010105 00000009 00" }} ], {SMALL}"#
    ));
    assert_eq!(vendor_options(&mut stand, &discover(9)), None, "nobody asks for it");
    let sent = vendor_options(&mut stand, &discover(9).wants(&[code::VIVSO_SUBOPTIONS]));
    assert_eq!(sent, Some([block(7, &[]), block(8, &[1, 1, 5]), block(9, &[])].concat()));
}

#[test]
fn vendor_classes_of_all_scopes_are_sent_once_for_each_enterprise() {
    let global = r#""option-data": [
        { "name": "vivco-suboptions", "data": "1, 0161" }, { "name": "vivco-suboptions", "data": "2, 0162" } ]"#;
    let of_subnet = r#"{ "name": "vivco-suboptions", "data": "2, 0163" }"#;
    let mut stand = stand(global, of_subnet, "");
    let query = discover(9).wants(&[code::VIVCO_SUBOPTIONS]);
    let expected = [block(2, b"c"), block(1, b"a")].concat();
    assert_eq!(stand.answer(&query).option(code::VIVCO_SUBOPTIONS), Some(&expected[..]));
    assert_eq!(stand.answer(&discover(9)).option(code::VIVCO_SUBOPTIONS), None);
}

#[test]
fn vendor_options_that_are_too_many_are_left_out() {
    let long = "ab".repeat(200);
    let global = format!(
        r#""option-data": [ {{ "code": 1, "space": "vendor-9", "data": "{long}", "always-send": true }},
            {{ "code": 2, "space": "vendor-9", "data": "{long}", "always-send": true }},
            {{ "code": 3, "space": "vendor-9", "data": "03", "always-send": true }} ]"#
    );
    let mut stand = stand(&global, "", "");
    let sent = vendor_options(&mut stand, &asking(&[block(9, &[])]));
    let expected = block(9, &[&[1, 200][..], &[0xab; 200], &[3, 1, 3]].concat());
    assert_eq!(sent, Some(expected));
    let all = |numbers: std::ops::Range<u32>| -> Vec<_> {
        numbers.map(|enterprise| block(enterprise, &[])).collect()
    };
    let sent = vendor_options(&mut stand, &asking(&all(0..40)));
    assert_eq!(sent.map(|body| body.len()), Some(5 + 205), "others are no matter");
    let options: Vec<_> = (100..120)
        .map(|number| {
            format!(
                r#"{{ "code": 1, "space": "vendor-{number}", "data": "01", "always-send": true }}"#
            )
        })
        .collect();
    let mut stand = self::stand(&format!(r#""option-data": [ {} ]"#, options.join(", ")), "", "");
    let sent = vendor_options(&mut stand, &asking(&all(90..120)));
    assert_eq!(sent.map(|body| body.len()), Some(8 * 8), "eight enterprises are enough");
}

#[test]
fn encapsulated_vendor_options_are_those_of_their_scope() {
    let global = r#""option-def": [
            { "name": "speed", "code": 1, "space": "vendor-encapsulated-options-space", "type": "uint16" },
            { "name": "inner", "code": 2, "space": "vendor-encapsulated-options-space", "type": "empty",
              "encapsulate": "deep" },
            { "name": "leaf", "code": 1, "space": "deep", "type": "boolean" } ],
        "option-data": [ { "name": "vendor-encapsulated-options" },
            { "name": "speed", "space": "vendor-encapsulated-options-space", "data": "100" } ]"#;
    let of_host = r#"{ "name": "vendor-encapsulated-options" },
        { "name": "inner", "space": "vendor-encapsulated-options-space" },
        { "name": "leaf", "space": "deep", "data": "true" }"#;
    let mut stand = stand(global, "", of_host);
    let option = |stand: &mut Stand, client| {
        let query = discover(client).wants(&[code::VENDOR_ENCAPSULATED_OPTIONS]);
        stand.answer(&query).option(code::VENDOR_ENCAPSULATED_OPTIONS).map(<[u8]>::to_vec)
    };
    assert_eq!(option(&mut stand, 1), Some(vec![2, 3, 1, 1, 1]));
    assert_eq!(option(&mut stand, 2), Some(vec![1, 2, 0, 100]));
    // Another vendor has no sub-options there at all, or plain bytes.
    let own = r#"{ "name": "vendor-encapsulated-options", "code": 43, "type": "ipv4-address" }"#;
    let data = r#"{ "name": "vendor-encapsulated-options", "data": "192.0.2.7" }"#;
    let members = format!(r#""option-def": [ {own} ], "option-data": [ {data} ], {SMALL}"#);
    assert_eq!(option(&mut Stand::new(&members), 2), Some(vec![192, 0, 2, 7]));
    let data = r#"{ "code": 43, "csv-format": false, "data": "0104c0000207" }"#;
    let members = format!(r#""option-data": [ {data} ], {SMALL}"#);
    assert_eq!(option(&mut Stand::new(&members), 2), Some(vec![1, 4, 192, 0, 2, 7]));
}
