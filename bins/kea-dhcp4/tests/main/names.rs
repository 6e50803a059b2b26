//! Host names: what is kept of what clients give, what they are told, and names that are made for them.

use libdhcp::v4::{MessageType, code};

use crate::stand::{Answer, Query, SERVER, Stand, discover, query};

fn members(own: &str) -> String {
    format!(
        r#"{own} "subnet4": [ {{ "id": 1, "subnet": "192.0.2.0/24", "pools": [ {{ "pool": "192.0.2.10 - 192.0.2.12" }} ],
        "reservations": [ {{ "hw-address": "02:00:00:00:00:07", "hostname": "Boss" }} ] }} ]"#
    )
}

fn told(answer: &Answer) -> String {
    String::from_utf8_lossy(answer.option(code::HOST_NAME).unwrap_or_default()).into_owned()
}

/// What a client that gives a name is offered, told and known by.
fn named(stand: &mut Stand, client: u8, name: Option<&str>) -> [String; 3] {
    let with_name = |query: Query| match name {
        Some(name) => query.option(code::HOST_NAME, name.as_bytes()),
        None => query,
    };
    let offer = stand.answer(&with_name(discover(client)));
    let request = query(MessageType::Request, client).server(SERVER).requested(offer.address());
    let ack = stand.answer(&with_name(request));
    let lease = stand.store.lease(ack.address()).expect("a lease");
    [told(&offer), told(&ack), String::from_utf8_lossy(&lease.hostname).into_owned()]
}

#[test]
fn names_are_freed_of_what_is_not_allowed_by_default() {
    let mut stand = Stand::new(&members(""));
    assert_eq!(named(&mut stand, 1, Some("My_Printer!")), ["myprinter"; 3]);
    assert_eq!(named(&mut stand, 2, Some("a..b")), [""; 3], "no domain name");
    assert_eq!(named(&mut stand, 3, None), [""; 3]);
}

#[test]
fn names_are_replaced_and_completed_as_configured() {
    let own = r#""hostname-char-set": "[^A-Za-z0-9.-]", "hostname-char-replacement": "x",
        "ddns-qualifying-suffix": "example.org", "#;
    let mut stand = Stand::new(&members(own));
    assert_eq!(named(&mut stand, 1, Some("my_printer")), ["myxprinter.example.org"; 3]);
    assert_eq!(named(&mut stand, 7, Some("other"))[2], "boss.example.org");
    let mut bare = Stand::new(&members(r#""hostname-char-set": "", "#));
    assert_eq!(named(&mut bare, 1, Some("my_printer")), ["my_printer"; 3]);
}

#[test]
fn names_are_made_from_addresses_where_that_is_wished() {
    let own = r#""ddns-replace-client-name": "always", "ddns-generated-prefix": "host",
        "ddns-qualifying-suffix": "example.org.", "#;
    let mut stand = Stand::new(&members(own));
    assert_eq!(named(&mut stand, 1, Some("mine")), ["host-192-0-2-10.example.org"; 3]);
    assert_eq!(named(&mut stand, 2, None), ["host-192-0-2-11.example.org"; 3]);
    assert_eq!(named(&mut stand, 7, None)[2], "boss.example.org", "reserved names stay");
}

#[test]
fn a_subnet_and_the_old_place_have_a_say() {
    let old = r#""dhcp-ddns": { "enable-updates": false, "qualifying-suffix": "old.example",
        "generated-prefix": "was", "replace-client-name": "when-present" }, "#;
    let mut stand = Stand::new(&members(old));
    assert_eq!(named(&mut stand, 1, Some("mine")), ["was-192-0-2-10.old.example"; 3]);
    let own =
        members(old).replace("\"id\": 1", "\"id\": 1, \"ddns-replace-client-name\": \"never\"");
    let mut stand = Stand::new(&own);
    assert_eq!(named(&mut stand, 1, Some("mine")), ["mine.old.example"; 3]);
}

#[test]
fn a_pool_has_a_say_before_its_subnet() {
    let own = r#""ddns-replace-client-name": "always", "ddns-generated-prefix": "host",
        "ddns-qualifying-suffix": "example.org", "#;
    let pools = r#""pools": [
        { "pool": "192.0.2.10/32", "ddns-qualifying-suffix": "pool.example" },
        { "pool": "192.0.2.11/32", "ddns-replace-client-name": "never", "hostname-char-set": "m" },
        { "pool": "192.0.2.12/32" } ]"#;
    let members =
        members(own).replace(r#""pools": [ { "pool": "192.0.2.10 - 192.0.2.12" } ]"#, pools);
    let mut stand = Stand::new(&members);
    assert_eq!(named(&mut stand, 1, Some("mine")), ["host-192-0-2-10.pool.example"; 3]);
    assert_eq!(
        named(&mut stand, 2, Some("mine")),
        ["mine.example.org"; 3],
        "cleaned by the subnet"
    );
    assert_eq!(named(&mut stand, 3, None), ["host-192-0-2-12.example.org"; 3]);
}
