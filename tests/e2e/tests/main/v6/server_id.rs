//! The identifier of the server: made once, kept in a file, or as configured.

use std::fs;

use e2e::net::SERVER_MAC;
use e2e::peer6::colons;
use e2e::prelude::*;

/// Starts a server with these members of `server-id` and returns the identifier that it uses.
fn used(net: &Net, members: &str) -> Vec<u8> {
    let mut config = Config::new6(net.path());
    if !members.is_empty() {
        config = config.global(&format!("\"server-id\": {{ {members} }}"));
    }
    let server = Server::start(net, &config);
    let mut peer = Peer6::new(&net.client);
    let query = peer.query(Kind6::InformationRequest);
    let reply = peer.reply_to(&query);
    assert!(server.stop().success());
    reply.option(opt6::SERVER_ID).expect("a server id").to_vec()
}

/// The text of the file that keeps the identifier.
fn file(net: &Net) -> Option<String> {
    let text = fs::read_to_string(net.path().join("kea-dhcp6-serverid")).ok()?;
    Some(text.trim_end().to_owned())
}

#[test]
fn identifier_of_link_layer_address_and_time_is_made_once_and_kept() {
    let net = Net::pair6();
    let first = used(&net, "");
    assert_eq!(first[..4], [0, 1, 0, 1]);
    assert_eq!(first[8..], SERVER_MAC);
    assert_eq!(file(&net), Some(colons(&first)));
    assert_eq!(used(&net, ""), first);
    assert_eq!(used(&net, "\"type\": \"LLT\""), first);
    fs::write(net.path().join("kea-dhcp6-serverid"), "no identifier\n").expect("written");
    let second = used(&net, "");
    assert_eq!(second[..4], [0, 1, 0, 1]);
    assert_eq!(file(&net), Some(colons(&second)));
}

#[test]
fn identifier_of_every_type_is_made_and_kept() {
    let net = Net::pair6();
    let link_layer = used(&net, "\"type\": \"LL\"");
    assert_eq!(link_layer, [&[0, 3, 0, 1][..], &SERVER_MAC].concat());
    assert_eq!(file(&net), Some(colons(&link_layer)));
    let enterprise = used(&net, "\"type\": \"EN\"");
    assert_eq!(enterprise[..6], [0, 2, 0, 0, 0x09, 0xbf], "enterprise 2495");
    assert_eq!(enterprise.len(), 12);
    assert_eq!(used(&net, "\"type\": \"EN\""), enterprise);
}

#[test]
fn configured_parts_of_an_identifier_are_used() {
    let net = Net::pair6();
    let enterprise =
        "\"type\": \"EN\", \"enterprise-id\": 4711, \"identifier\": \"0123456789abcdef\"";
    let expected = [0, 2, 0, 0, 0x12, 0x67, 1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
    assert_eq!(used(&net, enterprise), expected);
    let link_layer = "\"type\": \"LL\", \"htype\": 8, \"identifier\": \"A65DC7410F05\"";
    assert_eq!(used(&net, link_layer), [0, 3, 0, 8, 0xa6, 0x5d, 0xc7, 0x41, 0x0f, 0x05]);
    let with_time =
        "\"type\": \"LLT\", \"htype\": 1, \"time\": 16909060, \"identifier\": \"020304050607\"";
    assert_eq!(used(&net, with_time), [0, 1, 0, 1, 1, 2, 3, 4, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn identifier_without_persistence_leaves_no_file() {
    let net = Net::pair6();
    let members = "\"type\": \"EN\", \"enterprise-id\": 9, \"identifier\": \"aabb\", \
                   \"persist\": false";
    assert_eq!(used(&net, members), [0, 2, 0, 0, 0, 9, 0xaa, 0xbb]);
    assert_eq!(file(&net), None);
}

#[test]
fn stored_identifier_of_the_same_type_is_used_whatever_made_it() {
    let net = Net::pair6();
    fs::write(net.path().join("kea-dhcp6-serverid"), "00:01:00:01:01:02:03:04:02:aa:bb:cc:dd:ee")
        .expect("written");
    assert_eq!(used(&net, ""), [0, 1, 0, 1, 1, 2, 3, 4, 2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee]);
}
