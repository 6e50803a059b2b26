//! What the server answers, message by message.

use std::collections::BTreeSet;

use e2e::dhcp6::{address_option, prefix_option};
use e2e::frame6::{CLIENT_PORT, SERVER_PORT};
use e2e::net::{SERVER_MAC, SERVER6, link_local};
use e2e::prelude::*;

use super::{address, outside, prefix, served};

#[test]
fn advertise_and_reply_carry_identifiers_times_and_status() {
    let (_net, server, mut peer) = served(|config| config);
    let solicit = peer.solicit_both();
    let advertise = peer.ask(&solicit).expect("an answer");
    assert!(advertise.dhcp.is(Kind6::Advertise));
    assert!(server.leases().current6().is_empty(), "an ADVERTISE stores nothing");
    let request = peer.follow(Kind6::Request, &advertise.dhcp);
    let reply = peer.ask(&request).expect("an answer");
    assert!(reply.dhcp.is(Kind6::Reply));
    for answer in [&advertise, &reply] {
        assert_eq!(answer.dhcp.option(opt6::CLIENT_ID), Some(&peer.duid[..]));
        assert!(answer.dhcp.option(opt6::SERVER_ID).is_some_and(|duid| duid.len() >= 8));
        assert_eq!(answer.dhcp.option(opt6::STATUS), None, "no status of the whole message");
        assert_eq!(answer.dhcp.option(opt6::PREFERENCE), None);
        let (na, pd) = (answer.dhcp.na(1), answer.dhcp.pd(1));
        for ia in [&na, &pd] {
            assert_eq!((ia.t1, ia.t2), (1000, 2000));
            assert_eq!(ia.only().lifetimes(), (3000, 4000));
            assert!(ia.status().is_none_or(|code| code == status::SUCCESS));
        }
        assert_eq!((na.only().address, na.only().length), (address(0x100), 128));
        assert_eq!((pd.only().address, pd.only().length), (prefix(0), 56));
        let frame = &answer.frame;
        assert_eq!((frame.source, frame.destination), (link_local(SERVER_MAC), peer.source()));
        assert_eq!((frame.source_port, frame.destination_port), (SERVER_PORT, CLIENT_PORT));
    }
    let [first, second] = [&advertise, &reply].map(|answer| answer.dhcp.option(opt6::SERVER_ID));
    assert_eq!(first, second);
    for (id, what) in
        [("DHCP6_LEASE_ALLOC", "2001:db8:1::100"), ("DHCP6_PD_LEASE_ALLOC", "2001:db8:8000::/56")]
    {
        wait::until(wait::secs(5), "the lease in the log", || {
            server.log().lines().any(|line| {
                line.contains(id)
                    && line.contains(what)
                    && line.contains("has been allocated for 4000 seconds")
            })
        });
    }
}

#[test]
fn rapid_commit_is_granted_where_it_is_configured_and_asked_for() {
    for configured in [true, false] {
        let (_net, server, mut peer) = served(|config| {
            let text = config.subnets[0].clone();
            let member = format!("{{ \"rapid-commit\": {configured},");
            config.subnets(vec![text.replacen('{', &member, 1)])
        });
        let plain = peer.solicit();
        peer.advertised(&plain);
        let rapid = peer.solicit().with(opt6::RAPID_COMMIT, []);
        let answer = peer.ask(&rapid).expect("an answer").dhcp;
        let granted = answer.is(Kind6::Reply);
        assert_eq!(granted, configured);
        assert_eq!(answer.option(opt6::RAPID_COMMIT).is_some(), configured);
        let lease = server.leases().lease6(answer.na(1).only().address);
        assert_eq!(lease.is_some(), configured);
    }
}

#[test]
fn every_ia_of_a_message_gets_its_own_binding() {
    let (_net, server, mut peer) = served(|config| config);
    let mut solicit = peer.query(Kind6::Solicit);
    for iaid in [7, 1, 0xffff_ffff] {
        solicit = solicit.with_na(iaid, &[]).with_pd(iaid, &[]);
    }
    let reply = peer.acquire_by(&solicit);
    for code in [opt6::IA_NA, opt6::IA_PD] {
        let ias = reply.ias(code);
        assert_eq!(ias.iter().map(|ia| ia.iaid).collect::<Vec<_>>(), [7, 1, 0xffff_ffff]);
        let given: BTreeSet<_> = ias.iter().map(|ia| ia.only().address).collect();
        assert_eq!(given.len(), 3, "{reply:?}");
    }
    assert_eq!(server.leases().current6().len(), 6);
    let again = peer.acquire_by(&solicit);
    assert_eq!(again.ias(opt6::IA_NA), reply.ias(opt6::IA_NA), "the same again");
    assert_eq!(again.ias(opt6::IA_PD), reply.ias(opt6::IA_PD), "the same again");
}

#[test]
fn clients_are_told_apart_by_duid_and_iaid_alone() {
    let (_net, _server, mut peer) = served(|config| config);
    let first = peer.acquire().na(1).only().address;
    let other_iaid = peer.query(Kind6::Solicit).with_na(2, &[]);
    assert_ne!(peer.acquire_by(&other_iaid).na(2).only().address, first);
    peer.become_client(9);
    assert_ne!(peer.acquire().na(1).only().address, first);
    peer = Peer6 { duid: e2e::peer6::client_duid(peer.mac), ..peer };
    assert_eq!(peer.acquire().na(1).only().address, first);
}

#[test]
fn hint_of_a_free_address_and_prefix_is_honoured() {
    let (_net, _server, mut peer) = served(|config| config);
    let hinted =
        peer.query(Kind6::Solicit).with_na(1, &[address(0x150)]).with_pd(1, &[(prefix(0x77), 56)]);
    let reply = peer.acquire_by(&hinted);
    assert_eq!(reply.na(1).only().address, address(0x150));
    assert_eq!(reply.pd(1).only().address, prefix(0x77));
    // Taken, outside the pool, outside the subnet: another one is given.
    for (number, wanted) in (2..).zip([address(0x150), address(0x20), outside()]) {
        peer.become_client(number);
        let hinted = peer.query(Kind6::Solicit).with_na(1, &[wanted]);
        let given = peer.advertised(&hinted).na(1).only().address;
        assert_ne!(given, wanted);
        assert!(given >= address(0x100) && given <= address(0x1ff), "{given}");
    }
}

#[test]
fn hint_of_a_prefix_length_chooses_the_pool_of_that_length() {
    let (_net, _server, mut peer) = served(|config| {
        let pools = "\"pd-pools\": [ \
            { \"prefix\": \"2001:db8:8000::\", \"prefix-len\": 40, \"delegated-len\": 56 }, \
            { \"prefix\": \"2001:db8:9000::\", \"prefix-len\": 40, \"delegated-len\": 48 }, \
            { \"prefix\": \"2001:db8:a000::\", \"prefix-len\": 40, \"delegated-len\": 64 } ],";
        let pool = e2e::config::POOL6;
        config.subnets(vec![pool_subnet6(1, "2001:db8:1::/64", pool, pools)])
    });
    for (number, length) in (1..).zip([48, 64, 56]) {
        peer.become_client(number);
        let hint = (Ipv6Addr::UNSPECIFIED, length);
        let solicit = peer.query(Kind6::Solicit).with_pd(1, &[hint]);
        assert_eq!(peer.acquire_by(&solicit).pd(1).only().length, length);
    }
}

#[test]
fn exhausted_pools_are_told_by_a_status_in_the_ia() {
    let (_net, server, mut peer) = served(|config| {
        let pool = "2001:db8:1::100 - 2001:db8:1::100";
        let prefixes = pd_pool("2001:db8:8000::/56", 56);
        config.subnets(vec![pool_subnet6(1, "2001:db8:1::/64", pool, &prefixes)])
    });
    let first = peer.acquire_both();
    assert_eq!(first.pd(1).only().address, prefix(0));
    peer.become_client(2);
    let solicit = peer.solicit_both();
    let advertise = peer.advertised(&solicit);
    assert_eq!(advertise.na(1).status(), Some(status::NO_ADDRS_AVAIL));
    assert_eq!(advertise.pd(1).status(), Some(status::NO_PREFIX_AVAIL));
    assert!(advertise.na(1).bindings().is_empty() && advertise.pd(1).bindings().is_empty());
    let request = peer.follow(Kind6::Request, &advertise);
    let reply = peer.reply_to(&request);
    assert_eq!(reply.na(1).status(), Some(status::NO_ADDRS_AVAIL));
    assert_eq!(reply.pd(1).status(), Some(status::NO_PREFIX_AVAIL));
    server.wait_log_count("ALLOC_ENGINE_V6_ALLOC_FAIL", 1, wait::secs(5));
    assert_eq!(server.leases().current6().len(), 2);
}

#[test]
fn ia_ta_is_ignored() {
    let (_net, server, mut peer) = served(|config| config);
    let ta = 5u32.to_be_bytes();
    let solicit = peer.solicit().with(opt6::IA_TA, ta);
    let advertise = peer.advertised(&solicit);
    assert_eq!(advertise.option(opt6::IA_TA), None);
    assert_eq!(advertise.na(1).only().address, address(0x100));
    let request = peer.follow(Kind6::Request, &advertise).with(opt6::IA_TA, ta);
    let reply = peer.reply_to(&request);
    assert_eq!(reply.option(opt6::IA_TA), None);
    let only = peer.query(Kind6::Solicit).with(opt6::IA_TA, ta);
    let advertise = peer.advertised(&only);
    assert!(advertise.option(opt6::IA_TA).is_none() && advertise.ias(opt6::IA_NA).is_empty());
    assert_eq!(server.leases().current6().len(), 1);
}

#[test]
fn renewal_and_rebinding_extend_what_the_client_holds() {
    let (_net, server, mut peer) = served(|config| config);
    let held = peer.acquire_both();
    for (round, kind) in (2..).zip([Kind6::Renew, Kind6::Rebind]) {
        let query = peer.follow(kind, &held);
        let reply = peer.reply_to(&query);
        assert_eq!(reply.na(1), held.na(1), "{kind:?}");
        assert_eq!(reply.pd(1), held.pd(1), "{kind:?}");
        assert_eq!(reply.option(opt6::STATUS), None);
        let rows = server.leases().rows("");
        for address in [held.na(1).only().address, held.pd(1).only().address] {
            let address = address.to_string();
            let rows = rows.iter().filter(|row| row["address"] == address).count();
            assert_eq!(rows, round, "{kind:?}");
        }
    }
    server.wait_log_count("DHCP6_LEASE_RENEW", 2, wait::secs(2));
}

#[test]
fn unknown_binding_is_renewed_and_rebound_by_a_new_one() {
    let (_net, server, mut peer) = served(|config| config);
    let held = peer.acquire_both();
    for (number, kind) in (3..).zip([Kind6::Renew, Kind6::Rebind]) {
        // The owner's address and prefix in the mouth of a stranger.
        peer.become_client(number);
        let query = peer.follow(kind, &held);
        let reply = peer.reply_to(&query);
        for (ia, old) in [(reply.na(1), held.na(1)), (reply.pd(1), held.pd(1))] {
            let (live, dead): (Vec<_>, Vec<_>) =
                ia.bindings().into_iter().partition(|binding| binding.valid > 0);
            assert_eq!(live.len(), 1, "{kind:?}: {reply:?}");
            assert_ne!(live[0].address, old.only().address);
            assert_eq!(dead.len(), 1, "{kind:?}: {reply:?}");
            assert_eq!(dead[0].address, old.only().address);
            assert_eq!(dead[0].lifetimes(), (0, 0));
            assert!(server.leases().lease6(live[0].address).is_some());
        }
    }
    assert_eq!(server.leases().current6().len(), 6);
}

#[test]
fn foreign_addresses_are_renewed_with_lifetimes_of_0() {
    let (_net, _server, mut peer) = served(|config| config);
    let held = peer.acquire();
    let own = held.na(1).only().address;
    for kind in [Kind6::Renew, Kind6::Rebind] {
        let query = peer.follow(kind, &held).without(opt6::IA_NA).with_na(1, &[outside(), own]);
        let bindings = peer.reply_to(&query).na(1).bindings();
        let lifetimes = |address| {
            let found = bindings.iter().find(|binding| binding.address == address);
            found.map(|binding| binding.lifetimes())
        };
        assert_eq!(lifetimes(own), Some((3000, 4000)), "{kind:?}");
        assert_eq!(lifetimes(outside()), Some((0, 0)), "{kind:?}");
    }
}

#[test]
fn server_without_a_subnet_knows_no_binding() {
    let (_net, _server, mut peer) =
        served(|config| config.subnets(vec![pool_subnet("2001:db8:7::/64")]));
    let (solicit, server_id) = {
        let solicit = peer.solicit_both();
        let advertise = peer.advertised(&solicit);
        assert_eq!(advertise.na(1).status(), Some(status::NO_ADDRS_AVAIL));
        assert_eq!(advertise.pd(1).status(), Some(status::NO_PREFIX_AVAIL));
        (solicit, advertise.option(opt6::SERVER_ID).expect("a server id").to_vec())
    };
    let ias = || {
        let query = peer.query(Kind6::Renew).with(opt6::SERVER_ID, server_id.clone());
        query.with_na(1, &[address(0x100)]).with_pd(1, &[(prefix(0), 56)])
    };
    let reply = {
        let renew = ias();
        peer.reply_to(&renew)
    };
    assert_eq!(reply.na(1).status(), Some(status::NO_BINDING));
    assert_eq!(reply.pd(1).status(), Some(status::NO_BINDING));
    let confirm = peer.query(Kind6::Confirm).with_na(1, &[address(0x100)]);
    assert_eq!(peer.reply_to(&confirm).status(), Some(status::NOT_ON_LINK));
    assert!(peer.ask(&solicit).is_some(), "still there");
}

/// A subnet that no interface and no relay leads to.
fn pool_subnet(subnet: &str) -> String {
    let pool = subnet.replace("::/", "::1000/").replace("/64", "/116");
    e2e::config::pool_subnet(1, subnet, &pool, "")
}

#[test]
fn confirm_tells_whether_the_addresses_belong_to_the_link() {
    let (_net, server, mut peer) = served(|config| config);
    let unknown = address(0x9999);
    let cases: [(&[Ipv6Addr], Option<u16>); 4] = [
        (&[unknown], Some(status::SUCCESS)),
        (&[outside()], Some(status::NOT_ON_LINK)),
        (&[unknown, outside()], Some(status::NOT_ON_LINK)),
        (&[], None),
    ];
    for (addresses, expected) in cases {
        let confirm = peer.query(Kind6::Confirm).with_na(1, addresses);
        match expected {
            Some(code) => {
                let reply = peer.reply_to(&confirm);
                assert_eq!(reply.status(), Some(code), "{addresses:?}");
                assert!(reply.ias(opt6::IA_NA).is_empty(), "{reply:?}");
            }
            None => peer.expect_silence(&confirm),
        }
    }
    let none = peer.query(Kind6::Confirm);
    peer.expect_silence(&none);
    let prefixes = peer.query(Kind6::Confirm).with_pd(1, &[(prefix(0), 56)]);
    peer.expect_silence(&prefixes);
    assert!(server.leases().current6().is_empty(), "purely topological");
}

#[test]
fn release_by_its_owner_ends_the_lease_and_by_others_does_not() {
    let (_net, server, mut peer) = served(|config| config);
    let held = peer.acquire_both();
    let owner = peer.duid.clone();
    peer.become_client(4);
    let stranger = peer.follow(Kind6::Release, &held);
    let reply = peer.reply_to(&stranger);
    assert_eq!(reply.na(1).status(), Some(status::NO_BINDING));
    assert_eq!(reply.pd(1).status(), Some(status::NO_BINDING));
    assert_eq!(reply.status(), Some(status::NO_BINDING));
    peer.duid = owner;
    let other_iaid = peer
        .follow(Kind6::Release, &held)
        .without(opt6::IA_NA)
        .without(opt6::IA_PD)
        .with_na(2, &[held.na(1).only().address]);
    assert_eq!(peer.reply_to(&other_iaid).na(2).status(), Some(status::NO_BINDING));
    assert_eq!(server.leases().current6().len(), 2);

    let release = peer.follow(Kind6::Release, &held);
    let reply = peer.reply_to(&release);
    assert_eq!(reply.na(1).status(), Some(status::SUCCESS));
    assert_eq!(reply.pd(1).status(), Some(status::SUCCESS));
    assert_eq!(reply.status(), Some(status::SUCCESS));
    assert!(super::all_given_back(&server));
    let again = peer.reply_to(&release);
    assert_eq!(again.na(1).status(), Some(status::NO_BINDING));
    let empty = peer.follow(Kind6::Release, &held).without(opt6::IA_NA).without(opt6::IA_PD);
    let empty = empty.with_na(1, &[]);
    assert_eq!(peer.reply_to(&empty).na(1).status(), Some(status::NO_BINDING));
}

#[test]
fn decline_by_its_owner_sets_the_address_aside_and_by_others_does_not() {
    let (_net, server, mut peer) = served(|config| config);
    let held = peer.acquire();
    let address = held.na(1).only().address;
    let owner = peer.duid.clone();
    peer.become_client(4);
    let stranger = peer.follow(Kind6::Decline, &held);
    assert_eq!(peer.reply_to(&stranger).na(1).status(), Some(status::NO_BINDING));
    assert_eq!(server.leases().lease6(address).expect("kept")["state"], "0");
    peer.duid = owner;
    let decline = peer.follow(Kind6::Decline, &held);
    let reply = peer.reply_to(&decline);
    assert_eq!(reply.na(1).status(), Some(status::SUCCESS));
    let row = server.leases().lease6(address).expect("a declined address stays recorded");
    assert_eq!((row["state"].as_str(), row["duid"].as_str()), ("1", "00"));
    assert_eq!(row["valid_lifetime"], "86400");
    server.wait_log_count("DHCP6_DECLINE_LEASE", 1, wait::secs(5));
    assert_ne!(peer.acquire().na(1).only().address, address);
    let empty = peer.follow(Kind6::Decline, &held).without(opt6::IA_NA).with_na(1, &[]);
    assert_eq!(peer.reply_to(&empty).na(1).status(), Some(status::NO_BINDING));
}

#[test]
fn information_request_is_answered_with_options_and_without_a_lease() {
    let (_net, server, mut peer) = served(|config| {
        config.global(
            "\"option-data\": [ { \"name\": \"dns-servers\", \"data\": \"2001:db8::53\" } ]",
        )
    });
    let dns: Ipv6Addr = "2001:db8::53".parse().expect("an address");
    let named = peer.query(Kind6::InformationRequest).with_oro(&[opt6::DNS]);
    let nameless = Dhcp6::new(Kind6::InformationRequest).with_oro(&[opt6::DNS]);
    for query in [named, nameless] {
        let reply = peer.reply_to(&query);
        assert_eq!(reply.option(opt6::DNS), Some(&dns.octets()[..]));
        assert_eq!(reply.option(opt6::CLIENT_ID), query.option(opt6::CLIENT_ID));
        assert!(reply.option(opt6::SERVER_ID).is_some());
    }
    assert!(server.leases().current6().is_empty());
}

#[test]
fn wrong_missing_and_doubled_identifiers_are_dropped() {
    let (_net, server, mut peer) = served(|config| config);
    let held = peer.acquire();
    let own = held.option(opt6::SERVER_ID).expect("a server id").to_vec();
    let other = vec![0, 3, 0, 1, 9, 9, 9, 9, 9, 9];
    let before = server.leases().text("");
    let with_server = [Kind6::Request, Kind6::Renew, Kind6::Release, Kind6::Decline];
    let without = [Kind6::Solicit, Kind6::Rebind, Kind6::Confirm];
    let mut wrong = Vec::new();
    for kind in with_server {
        let good = peer.follow(kind, &held);
        let bare = good.clone().without(opt6::SERVER_ID);
        wrong.push(bare.clone());
        wrong.push(bare.with(opt6::SERVER_ID, other.clone()));
        wrong.push(good.clone().with(opt6::SERVER_ID, own.clone()));
        wrong.push(good.clone().without(opt6::CLIENT_ID));
        wrong.push(good.with(opt6::CLIENT_ID, peer.duid.clone()));
    }
    for kind in without {
        let good = peer.follow(kind, &held);
        wrong.push(good.clone().with(opt6::SERVER_ID, own.clone()));
        wrong.push(good.clone().with(opt6::SERVER_ID, other.clone()));
        wrong.push(good.clone().without(opt6::CLIENT_ID));
        wrong.push(good.with(opt6::CLIENT_ID, peer.duid.clone()));
    }
    let information = peer.query(Kind6::InformationRequest);
    wrong.push(information.clone().with(opt6::SERVER_ID, other));
    wrong.push(information.clone().with(opt6::CLIENT_ID, peer.duid.clone()));
    for mut query in wrong {
        query.xid = Dhcp6::new(Kind6::Solicit).xid;
        peer.tell(&query);
        let good = peer.query(Kind6::InformationRequest);
        peer.tell(&good);
        // The answer to a good query marks the time by which the bad one has been dealt with.
        peer.port.wait_for("an answer to the good query", wait::secs(3), |reply| {
            assert!(!reply.answers(query.xid), "answered: {query:?}");
            reply.answers(good.xid)
        });
    }
    let right = information.with(opt6::SERVER_ID, own);
    peer.reply_to(&right);
    assert_eq!(server.leases().text(""), before);
}

#[test]
fn messages_of_servers_and_relays_are_not_answered() {
    let (_net, _server, mut peer) = served(|config| config);
    for kind in [Kind6::Advertise, Kind6::Reply, Kind6::Reconfigure] {
        let query = peer.query(kind).with_na(1, &[]);
        peer.expect_silence(&query);
    }
    let mut unknown = peer.solicit();
    unknown.kind = 99;
    peer.expect_silence(&unknown);
}

#[test]
fn messages_to_a_unicast_address_are_taken_only_where_the_standard_allows() {
    let (net, server, mut peer) = served(|config| {
        let name = format!("srv0/{SERVER6}");
        config.interfaces(&["srv0", &name])
    });
    let held = peer.acquire();
    let own = held.na(1).only().address;
    net.client.address("cli0", &format!("{own}/64"));
    let taken = [Kind6::Renew, Kind6::Release, Kind6::Request, Kind6::Decline];
    for kind in taken {
        let mut query = peer.follow(kind, &held);
        query.xid = Dhcp6::new(kind).xid;
        peer.tell_unicast(&query, own, SERVER6);
        let reply = peer.port.reply(query.xid, wait::secs(3));
        let reply = reply.unwrap_or_else(|| panic!("{kind:?} by unicast is not answered"));
        assert_eq!((reply.frame.source, reply.frame.destination), (SERVER6, own), "{kind:?}");
    }
    let rows = server.leases().text("");
    let dropped = [Kind6::Solicit, Kind6::Confirm, Kind6::Rebind, Kind6::InformationRequest];
    for destination in [SERVER6, link_local(SERVER_MAC)] {
        for kind in dropped {
            let query = peer.query(kind).with_na(1, &[own]);
            peer.tell_unicast(&query, peer.source(), destination);
            peer.expect_no_answer_to(query.xid);
        }
    }
    assert_eq!(server.leases().text(""), rows);
}

#[test]
fn lifetimes_of_the_client_change_nothing() {
    let (_net, _server, mut peer) = served(|config| config);
    for (number, (preferred, valid)) in
        (1..).zip([(0, 0), (9, 5), (u32::MAX, u32::MAX), (7, u32::MAX), (5, 9)])
    {
        peer.become_client(number);
        let ia = |options| Ia { iaid: 1, t1: u32::MAX, t2: 1, options }.encode();
        let hint = address(0x150 + u16::from(number));
        let solicit = peer
            .query(Kind6::Solicit)
            .with(opt6::IA_NA, ia(vec![address_option(hint, preferred, valid)]))
            .with(opt6::IA_PD, ia(vec![prefix_option(prefix(number), 56, preferred, valid)]));
        let reply = peer.acquire_by(&solicit);
        for ia in [reply.na(1), reply.pd(1)] {
            assert_eq!((ia.t1, ia.t2), (1000, 2000));
            assert_eq!(ia.only().lifetimes(), (3000, 4000));
        }
        assert_eq!(reply.na(1).only().address, hint);
    }
}

#[test]
fn infinite_lifetimes_are_given_as_configured() {
    let (_net, server, mut peer) = served(|config| config.times(u32::MAX, u32::MAX, u32::MAX));
    let reply = peer.acquire_both();
    for ia in [reply.na(1), reply.pd(1)] {
        assert_eq!(ia.only().lifetimes(), (u32::MAX, u32::MAX));
    }
    let row = server.leases().lease6(reply.na(1).only().address).expect("recorded");
    assert_eq!(row["valid_lifetime"], "4294967295");
}
