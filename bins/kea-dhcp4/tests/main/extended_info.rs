//! `store-extended-info`: option 82 in the user context of leases.

use libdhcp::v4::code;

use crate::stand::{Stand, discover, renewing};

const STORING: &str = r#""store-extended-info": true, "valid-lifetime": 4000, "subnet4": [
    { "id": 1, "subnet": "192.0.2.0/24", "pools": [ { "pool": "192.0.2.10 - 192.0.2.12" } ] } ]"#;
const RELAY: [u8; 4] = [192, 0, 2, 2];

fn context(stand: &Stand) -> String {
    let lease = stand.store.lease([192, 0, 2, 10].into()).expect("a lease");
    String::from_utf8(lease.user_context).expect("text")
}

#[test]
fn option_82_is_kept_and_renewed() {
    let mut stand = Stand::new(STORING);
    let first = [2, 2, 0xab, 0xcd];
    let relayed = |query: crate::stand::Query, body: &[u8]| {
        query.relayed(RELAY).option(code::RELAY_AGENT_INFORMATION, body)
    };
    stand.bind(&relayed(discover(1), &first));
    let expected = r#"{ "ISC": { "relay-agent-info": { "remote-id": "ABCD", "sub-options": "0x0202ABCD" } } }"#;
    assert_eq!(context(&stand), expected);
    // A renewal past the relay leaves it; so does one that is not stored.
    stand.answer(&renewing(1, [192, 0, 2, 10]));
    stand.pass(2000);
    stand.answer(&renewing(1, [192, 0, 2, 10]));
    assert_eq!(context(&stand), expected);
    // Another circuit is news, however young the lease.
    let moved = relayed(renewing(1, [192, 0, 2, 10]), &[1, 1, 7]);
    stand.answer(&moved);
    let expected = r#"{ "ISC": { "relay-agent-info": { "sub-options": "0x010107" } } }"#;
    assert_eq!(context(&stand), expected);
    let stored = stand.queue.appended();
    stand.answer(&moved);
    assert_eq!(stand.queue.appended(), stored, "nothing has changed");
}

#[test]
fn a_subnet_decides_for_itself() {
    let own = STORING.replace("\"id\": 1", "\"id\": 1, \"store-extended-info\": false");
    let mut stand = Stand::new(&own);
    stand.bind(&discover(1).relayed(RELAY).option(code::RELAY_AGENT_INFORMATION, &[1, 1, 7]));
    assert_eq!(context(&stand), "");
}
