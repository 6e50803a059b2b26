//! Which subnet serves whom.

use std::net::Ipv4Addr;

use libdhcp::v4::{MessageType, code};

use crate::stand::{OTHER_ADDRESS, Query, Stand, discover, query};

/// Subnets that differ in how they are found; the id is the third byte of their addresses.
const SEVERAL: &str = r#""subnet4": [
    { "id": 1, "subnet": "10.0.1.0/24", "pools": [ { "pool": "10.0.1.10 - 10.0.1.20" } ] },
    { "id": 2, "subnet": "10.0.2.0/24", "pools": [ { "pool": "10.0.2.10 - 10.0.2.20" } ],
      "relay": { "ip-addresses": [ "10.0.1.77", "172.16.0.1" ] } },
    { "id": 3, "subnet": "10.0.3.0/24", "pools": [ { "pool": "10.0.3.10 - 10.0.3.20" } ],
      "interface": "lan" },
    { "id": 4, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.20" } ] } ]"#;

fn sub_option(code: u8, address: [u8; 4]) -> Vec<u8> {
    [&[code, 4][..], &address].concat()
}

fn third_byte(stand: &mut Stand, query: &Query) -> Option<u8> {
    let answers = stand.ask(query).answers;
    answers.first().map(|answer| answer.address().octets()[2])
}

#[test]
fn subnets_are_found_by_the_rules() {
    let link = |address| sub_option(code::RAI_LINK_SELECTION, address);
    let circuit = [1, 1, b'x'];
    let relayed = |giaddr| discover(1).relayed(giaddr);
    let with_82 = |query: Query, body: &[u8]| query.option(code::RELAY_AGENT_INFORMATION, body);
    let with_118 = |query: Query, address: [u8; 4]| query.option(code::SUBNET_SELECTION, &address);
    let near = || discover(1);
    let cases = [
        ("relay inside a subnet", relayed([10, 0, 1, 1]), Some(1)),
        ("relay named by another subnet", relayed([10, 0, 1, 77]), Some(2)),
        ("relay outside all subnets, named", relayed([172, 16, 0, 1]), Some(2)),
        ("relay unknown", relayed([172, 16, 0, 2]), None),
        ("link selection", with_82(relayed([10, 0, 1, 1]), &link([10, 0, 2, 0])), Some(2)),
        (
            "link selection has no fall-back",
            with_82(relayed([10, 0, 1, 1]), &link([9, 9, 9, 9])),
            None,
        ),
        ("link selection of 0", with_82(relayed([10, 0, 1, 1]), &link([0; 4])), Some(1)),
        ("link selection cut short", with_82(relayed([10, 0, 1, 1]), &[5, 2, 10, 0]), Some(1)),
        ("subnet selection", with_118(relayed([10, 0, 1, 1]), [10, 0, 2, 0]), Some(2)),
        ("subnet selection without a relay", with_118(near(), [10, 0, 2, 0]), Some(2)),
        ("subnet selection has no fall-back", with_118(near(), [9, 9, 9, 9]), None),
        (
            "subnet selection beside option 82",
            with_82(with_118(relayed([10, 0, 1, 1]), [10, 0, 2, 0]), &circuit),
            Some(2),
        ),
        (
            "link selection comes before subnet selection",
            with_82(with_118(relayed([10, 0, 2, 1]), [10, 0, 2, 0]), &link([10, 0, 1, 0])),
            Some(1),
        ),
        ("interface named by a subnet", near(), Some(3)),
        ("ciaddr of a unicast", near().ciaddr([10, 0, 2, 5]).unicast([10, 0, 2, 5]), Some(2)),
        ("source of a unicast", near().unicast([10, 0, 1, 5]), Some(1)),
        ("ciaddr of a broadcast does not count", near().ciaddr([10, 0, 2, 5]), Some(3)),
        (
            "giaddr of all ones is no relay",
            {
                let mut query = near();
                query.message.header.giaddr = Ipv4Addr::BROADCAST;
                query
            },
            Some(3),
        ),
    ];
    let mut stand = Stand::new(SEVERAL);
    for (name, query, expected) in cases {
        assert_eq!(third_byte(&mut stand, &query), expected, "{name}");
    }
}

#[test]
fn subnet_of_the_interfaces_address_serves_when_none_names_it() {
    let mut stand = Stand::new(&SEVERAL.replace("\"lan\"", "\"other\""));
    let answer = stand.answer(&discover(1));
    assert_eq!(answer.address().octets()[..3], [192, 0, 2]);
    let reason = stand.drop_reason(&discover(1).received_at(OTHER_ADDRESS));
    assert_eq!(reason, "no subnet is configured for the client's link");
}

#[test]
fn link_selection_can_be_disregarded() {
    let members =
        format!("\"compatibility\": {{ \"ignore-rai-link-selection\": true }}, {SEVERAL}");
    let mut stand = Stand::new(&members);
    let link = sub_option(code::RAI_LINK_SELECTION, [10, 0, 2, 0]);
    let query = discover(1).relayed([10, 0, 1, 1]).option(code::RELAY_AGENT_INFORMATION, &link);
    assert_eq!(third_byte(&mut stand, &query), Some(1));
}

#[test]
fn first_subnet_of_the_file_wins_where_prefixes_overlap() {
    let mut stand = Stand::new(
        r#""subnet4": [
            { "id": 1, "subnet": "10.0.0.0/8", "pools": [ { "pool": "10.0.9.10 - 10.0.9.20" } ] },
            { "id": 2, "subnet": "10.0.2.0/24", "pools": [ { "pool": "10.0.2.10 - 10.0.2.20" } ] } ]"#,
    );
    assert_eq!(third_byte(&mut stand, &discover(1).relayed([10, 0, 2, 1])), Some(9));
}

#[test]
fn unknown_link_is_refused_when_the_client_asks_and_ignored_when_it_looks() {
    let mut stand = Stand::new(SEVERAL);
    let request = query(MessageType::Request, 1).ciaddr([9, 9, 9, 9]).unicast([9, 9, 9, 9]);
    assert_eq!(stand.nak_reason(&request), "no subnet is configured for this client");
    let lost = discover(1).relayed([9, 9, 9, 9]);
    assert_eq!(stand.drop_reason(&lost), "no subnet is configured for the client's link");
}
