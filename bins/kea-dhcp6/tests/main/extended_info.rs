//! `store-extended-info`: what relays add, in the user context of leases.

use libdhcp::v6::{MessageType, code};

use crate::stand::{Stand, solicit, to_server};

#[test]
fn relay_messages_are_kept_from_the_server_to_the_client() {
    let members = r#""store-extended-info": true, "subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64",
        "interface": "lan", "pools": [ { "pool": "2001:db8:1::10 - 2001:db8:1::12" } ],
        "pd-pools": [ { "prefix": "2001:db8:f000::", "prefix-len": 54, "delegated-len": 56 } ] } ]"#;
    let mut stand = Stand::new(members);
    let near: [(u16, &[u8]); 2] =
        [(code::INTERFACE_ID, b"\x07"), (code::REMOTE_ID, b"\0\0\0\x01id")];
    let relayed =
        |query: crate::stand::Query| query.relayed("2001:db8:1::1", &near).relayed("::", &[]);
    stand.bind(&relayed(solicit(1).na(1, &[]).pd(2, &[])));
    let expected = concat!(
        r#"{ "ISC": { "relay-info": [ { "hop": 1, "link": "::", "peer": "2001:db8:ff::2" }, "#,
        r#"{ "hop": 0, "link": "2001:db8:1::1", "options": "0x00120001070025000600000001"#,
        r#"6964", "peer": "fe80::ff:fe00:1", "remote-id": "000000016964" } ] } }"#
    );
    let context = |stand: &Stand, address: &str| {
        let lease = stand.store.lease(address.parse().unwrap()).expect("a lease");
        String::from_utf8(lease.user_context).unwrap()
    };
    assert_eq!(context(&stand, "2001:db8:1::10"), expected);
    assert_eq!(context(&stand, "2001:db8:f000::"), expected);
    // A renewal past the relays leaves it.
    stand.pass(3000);
    stand.answer(&to_server(MessageType::Renew, 1).na(1, &["2001:db8:1::10"]));
    assert_eq!(context(&stand, "2001:db8:1::10"), expected);
    // So does a decline, as it may tell where the trouble is; the next client has its own.
    stand.answer(&to_server(MessageType::Decline, 1).na(1, &["2001:db8:1::10"]));
    assert_eq!(context(&stand, "2001:db8:1::10"), expected);
    stand.pass(86_401);
    let wish = solicit(2).na(1, &["2001:db8:1::10"]);
    assert_eq!(stand.bind(&wish).given(), ["2001:db8:1::10"]);
    assert_eq!(context(&stand, "2001:db8:1::10"), "");
}
