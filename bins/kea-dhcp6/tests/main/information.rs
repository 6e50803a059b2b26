//! INFORMATION-REQUEST: options without leases, for clients with and without identifier.

use libdhcp::v6::{MessageType, code};

use crate::stand::{DUID, SMALL, Stand, query};

const OPTIONS: &str = r#""option-data": [ { "name": "dns-servers", "data": "2001:db8::53" } ], "#;

#[test]
fn options_are_told_to_everybody() {
    let mut stand = Stand::new(&format!("{OPTIONS}{SMALL}"));
    let ask = query(MessageType::InformationRequest, 1).wants(&[code::DNS_SERVERS]);
    let reply = stand.answer(&ask);
    assert_eq!(reply.codes(), [code::CLIENTID, code::SERVERID, code::DNS_SERVERS]);
    let reply = stand.answer(&ask.clone().client(None));
    assert_eq!(reply.codes(), [code::SERVERID, code::DNS_SERVERS]);
    let reply = stand.answer(&ask.clone().server(DUID));
    assert_eq!(reply.kind(), MessageType::Reply);
    assert!(stand.store.is_empty());
    let foreign = ask.server(&[0, 3, 0, 1, 9, 9, 9, 9, 9, 9]);
    assert!(stand.drop_reason(&foreign).contains("another server"));
}

#[test]
fn a_client_on_an_unknown_link_gets_global_options() {
    let elsewhere = SMALL.replace("\"lan\"", "\"other\"");
    let mut stand = Stand::new(&format!("{OPTIONS}{elsewhere}"));
    let ask = query(MessageType::InformationRequest, 1).wants(&[code::DNS_SERVERS]);
    assert!(stand.answer(&ask).option(code::DNS_SERVERS).is_some());
}
