//! Options of an answer: which are sent, from which scope, in which form.

use e2e::dhcp6::{decode_options, encode_options};
use e2e::prelude::*;

use super::{outside, served};

/// An address as an option's data.
fn bytes(address: &str) -> Vec<u8> {
    address.parse::<Ipv6Addr>().expect("an address").octets().to_vec()
}

/// The standard subnet with more members.
fn subnet(more: &str) -> Vec<String> {
    let pools = pd_pool(e2e::config::PD_POOL6, 56);
    let more = format!("{pools}{more}");
    vec![pool_subnet6(1, "2001:db8:1::/64", e2e::config::POOL6, &more)]
}

#[test]
fn options_follow_the_request_list_and_subnet_before_global() {
    let (_net, _server, mut peer) = served(|config| {
        let own = "\"option-data\": [ { \"name\": \"dns-servers\", \"data\": \"2001:db8::53\" } ],";
        config.subnets(subnet(own)).global(
            "\"option-data\": [ { \"name\": \"dns-servers\", \"data\": \"2001:db8::54\" }, \
             { \"name\": \"domain-search\", \"data\": \"example.org, example.com\" }, \
             { \"code\": 31, \"csv-format\": false, \"data\": \"20010DB8000000000000000000000123\" }, \
             { \"name\": \"color\", \"data\": \"7, blue\" } ], \
             \"option-def\": [ { \"name\": \"color\", \"code\": 2222, \"type\": \"record\", \
             \"record-types\": \"uint16, string\" } ]",
        )
    });
    let codes = [2222, opt6::DNS, opt6::DOMAINS, 9999];
    let solicit = peer.solicit().with_oro(&codes);
    let advertise = peer.advertised(&solicit);
    let request = peer.follow(Kind6::Request, &advertise).with_oro(&codes);
    for answer in [advertise, peer.reply_to(&request)] {
        assert_eq!(answer.option(opt6::DNS), Some(&bytes("2001:db8::53")[..]));
        let domains = b"\x07example\x03org\x00\x07example\x03com\x00";
        assert_eq!(answer.option(opt6::DOMAINS), Some(&domains[..]));
        assert_eq!(answer.option(2222), Some(&b"\0\x07blue"[..]));
        assert_eq!(answer.option(opt6::SNTP), None, "not asked for");
        assert_eq!(answer.option(9999), None, "not configured");
    }
    let solicit = peer.solicit().with_oro(&[opt6::SNTP]);
    let advertise = peer.advertised(&solicit);
    assert_eq!(advertise.option(opt6::SNTP), Some(&bytes("2001:db8::123")[..]));
    let plain = peer.solicit();
    let advertise = peer.advertised(&plain);
    for code in [2222, opt6::DNS, opt6::DOMAINS, opt6::SNTP] {
        assert_eq!(advertise.option(code), None, "nothing was asked for");
    }
}

#[test]
fn preference_and_unicast_are_options_like_others() {
    let (_net, _server, mut peer) = served(|config| {
        config.global(
            "\"option-data\": [ { \"name\": \"preference\", \"data\": \"200\" }, \
             { \"name\": \"unicast\", \"data\": \"2001:db8:1::1\" } ]",
        )
    });
    let solicit = peer.solicit().with_oro(&[opt6::PREFERENCE, opt6::UNICAST]);
    let advertise = peer.advertised(&solicit);
    assert_eq!(advertise.option(opt6::PREFERENCE), Some(&[200][..]));
    assert_eq!(advertise.option(opt6::UNICAST), Some(&bytes("2001:db8:1::1")[..]));
    let plain = peer.solicit();
    assert_eq!(peer.advertised(&plain).option(opt6::PREFERENCE), None);
}

#[test]
fn option_longer_than_a_datagram_of_the_link_arrives_whole() {
    let long = "ab".repeat(1000);
    let (_net, _server, mut peer) = served(|config| {
        config.global(&format!(
            "\"option-data\": [ {{ \"code\": 3333, \"csv-format\": false, \"data\": \"{long}\" }} ]"
        ))
    });
    let solicit = peer.solicit().with_oro(&[3333]);
    assert_eq!(peer.advertised(&solicit).option(3333), Some(&[0xab; 1000][..]));
}

#[test]
fn empty_option_and_doubled_requests_are_sent_once() {
    let (_net, _server, mut peer) = served(|config| {
        config.global(
            "\"option-def\": [ { \"name\": \"flag\", \"code\": 4444, \"type\": \"empty\" } ], \
             \"option-data\": [ { \"name\": \"flag\" } ]",
        )
    });
    let solicit = peer.solicit().with_oro(&[4444, 4444, 4444]).with_oro(&[4444]);
    let advertise = peer.advertised(&solicit);
    let found = advertise.options.iter().filter(|(code, _)| *code == 4444).collect::<Vec<_>>();
    assert_eq!(found, [&(4444, Vec::new())]);
}

#[test]
fn vendor_options_are_sent_to_the_vendor_s_devices_that_ask_for_them() {
    let (_net, _server, mut peer) = served(|config| {
        config.global(
            "\"option-data\": [ { \"name\": \"config-file\", \"space\": \"vendor-4491\", \
             \"data\": \"modem.bin\" }, { \"name\": \"tftp-servers\", \"space\": \"vendor-4491\", \
             \"data\": \"2001:db8::69\" } ]",
        )
    });
    let vendor = |enterprise: u32, wanted: &[u16]| {
        let list: Vec<u8> = wanted.iter().flat_map(|code| code.to_be_bytes()).collect();
        [enterprise.to_be_bytes().to_vec(), encode_options(&[(1, list)])].concat()
    };
    let solicit = peer.solicit().with(opt6::VENDOR, vendor(4491, &[33, 34]));
    let answer = peer.advertised(&solicit);
    let data = answer.option(opt6::VENDOR).expect("vendor options");
    let (enterprise, inner) = data.split_at(4);
    assert_eq!(enterprise, 4491u32.to_be_bytes());
    assert_eq!(decode_options(inner), Some(vec![(33, b"modem.bin".to_vec())]));
    for other in [vendor(9, &[33]), vendor(4491, &[34]), 4491u32.to_be_bytes().to_vec()] {
        let solicit = peer.solicit().with(opt6::VENDOR, other);
        assert_eq!(peer.advertised(&solicit).option(opt6::VENDOR), None);
    }
}

#[test]
fn release_is_answered_without_the_options_asked_for() {
    let (_net, _server, mut peer) = served(|config| {
        config
            .global("\"option-data\": [ { \"name\": \"dns-servers\", \"data\": \"2001:db8::5\" } ]")
    });
    let held = peer.acquire();
    let release = peer.follow(Kind6::Release, &held).with_oro(&[opt6::DNS]);
    assert_eq!(peer.reply_to(&release).option(opt6::DNS), None);
    let information = peer.query(Kind6::InformationRequest).with_oro(&[opt6::DNS]);
    assert!(peer.reply_to(&information).option(opt6::DNS).is_some());
}

#[test]
fn lifetimes_and_timers_of_the_subnet_win() {
    let (_net, _server, mut peer) = served(|config| {
        let own = "\"preferred-lifetime\": 333, \"valid-lifetime\": 444, \"renew-timer\": 111, \
                   \"rebind-timer\": 222,";
        config.subnets(subnet(own))
    });
    let reply = peer.acquire_both();
    for ia in [reply.na(1), reply.pd(1)] {
        assert_eq!((ia.t1, ia.t2), (111, 222));
        assert_eq!(ia.only().lifetimes(), (333, 444));
    }
    assert_ne!(reply.na(1).only().address, outside());
}
