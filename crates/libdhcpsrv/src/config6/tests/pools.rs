//! Pools of addresses and of prefixes, and which of them go together.

use super::{good, one_subnet, read_members, subnet};
use crate::config6::{Config6, PoolKind};

/// Pools of a subnet as `address range` or `prefix length delegated-length`.
fn pools(list: &[&str]) -> String {
    let (mut ranges, mut prefixes) = (Vec::new(), Vec::new());
    for text in list {
        match text.split(' ').collect::<Vec<_>>()[..] {
            [prefix, len, unit] if unit.len() < 4 => prefixes.push(format!(
                r#"{{ "prefix": "{prefix}", "prefix-len": {len}, "delegated-len": {unit} }}"#
            )),
            _ => ranges.push(format!(r#"{{ "pool": "{text}" }}"#)),
        }
    }
    format!(r#""pools": [ {} ], "pd-pools": [ {} ]"#, ranges.join(", "), prefixes.join(", "))
}

fn findings(list: &[&str]) -> String {
    read_members(&subnet(&pools(list))).1
}

/// Reads two subnets of one site with these pools.
fn two_subnets(one: &[&str], other: &[&str]) -> (Option<Config6>, String) {
    read_members(&format!(
        r#""subnet6": [ {{ "id": 1, "subnet": "2001:db8::/48", {} }},
            {{ "id": 2, "subnet": "2001:db8::/47", {} }} ]"#,
        pools(one),
        pools(other)
    ))
}

#[test]
fn pools_of_prefixes_need_not_lie_within_the_subnet() {
    let config =
        good(&subnet(&pools(&["2001:db8::1 - 2001:db8::9", "3000:: 16 64", "3001:: 64 64"])));
    let subnet = &config.subnets[0];
    assert_eq!((subnet.pools.clone(), subnet.pd_pools.clone()), (0..1, 1..3));
    let [addresses, many, one] = &config.pools[..] else { panic!("{:?}", config.pools) };
    assert_eq!(
        (addresses.kind, addresses.unit_len, addresses.last_index()),
        (PoolKind::Na, 128, 8)
    );
    assert_eq!((many.kind, many.unit_len, many.last_index()), (PoolKind::Pd, 64, (1 << 48) - 1));
    assert_eq!(many.last, 0x3000_ffff_ffff_ffff << 64);
    assert_eq!((one.first, one.last, one.last_index()), (0x3001 << 112, 0x3001 << 112, 0));
}

#[test]
fn lengths_of_prefixes_have_both_ends() {
    let config = good(&subnet(&pools(&["8000:: 1 1", "4000:: 2 128"])));
    assert_eq!((config.pools[0].first, config.pools[0].last), (1 << 127, 1 << 127));
    assert_eq!(config.pools[0].end(), u128::MAX);
    assert_eq!(config.pools[1].last_index(), (1 << 126) - 1);
}

#[test]
fn host_bits_of_a_prefix_are_cleared_with_a_warning() {
    let (config, findings) = read_members(&subnet(&pools(&["3000:0:0:1::1 48 56"])));
    assert_eq!(config.map(|config| config.pools[0].first), Some(0x3000 << 112));
    assert!(findings.contains("read as 3000::/48"), "{findings}");
}

#[test]
fn an_excluded_prefix_is_kept_with_its_pool() {
    let config = good(&subnet(
        r#""pd-pools": [ { "prefix": "3000::", "prefix-len": 40, "delegated-len": 48,
            "excluded-prefix": "3000:0:0:7::9", "excluded-prefix-len": 64 } ]"#,
    ));
    assert_eq!(config.pools[0].excluded, Some(("3000:0:0:7::".parse().unwrap(), 64)));
    let (excluded, len) =
        config.pools[0].excluded_of("3000:0:5::".parse().unwrap()).expect("it has one");
    assert_eq!(format!("{excluded}/{len}"), "3000:0:5:7::/64");
}

#[test]
fn pools_of_one_subnet_keep_apart() {
    for (list, place) in [
        (&["2001:db8::1 - 2001:db8::9", "2001:db8::9 - 2001:db8::a"][..], "f:1:"),
        (&["2001:db8::/64", "2001:db8::/80"], "pool 2001:db8:: - "),
        (
            &["3000:: 32 64", "3000:: 48 64"],
            "pd-pool 3000::/48 (of /64) overlaps pd-pool 3000::/32",
        ),
        (
            &["3000:: 48 64", "3000:: 32 56"],
            "pd-pool 3000::/32 (of /56) overlaps pd-pool 3000::/48",
        ),
        (&["2001:db8::/64", "2001:db8:: 40 64"], "pd-pool 2001:db8::/40 (of /64) overlaps pool"),
        (&["2001:db8:0:1::5 - 2001:db8:0:1::6", "2001:db8:0:1:: 64 64"], "overlaps pool"),
    ] {
        let findings = findings(list);
        assert_eq!(findings.lines().count(), 1, "{findings}");
        assert!(findings.contains(" overlaps ") && findings.contains(place), "{findings}");
        assert!(findings.contains(" at f:1:"), "both places: {findings}");
    }
    let apart =
        ["2001:db8::1 - 2001:db8::9", "2001:db8::a/128", "2001:db9:: 32 64", "2001:dba:: 32 48"];
    assert_eq!(findings(&apart), "");
}

#[test]
fn pools_of_two_subnets_may_share_what_they_give_out_in_one_length() {
    for (one, other) in [
        (&["2001:db8::1 - 2001:db8::9"][..], &["2001:db8::/64"][..]),
        (&["3000:: 32 64"], &["3000:: 32 64"]),
        (&["3000:: 32 64", "3001:: 32 48"], &["3000:: 16 64"]),
        (&["2001:db8::/64"], &["2001:db8:: 64 128"]),
    ] {
        let (config, findings) = two_subnets(one, other);
        assert!(config.is_some() && findings.is_empty(), "{findings}");
    }
}

#[test]
fn pools_of_two_subnets_do_not_delegate_parts_of_each_other() {
    for (one, other) in [
        (&["2001:db8::1 - 2001:db8::9"][..], &["2001:db8:: 48 64"][..]),
        (&["3000:: 32 64"], &["3000:: 32 56"]),
        (&["3000:: 32 56"], &["3000:0:ffff:ff00:: 56 60"]),
        (&["3000:: 16 64", "4000:: 16 56"], &["3000:ffff:: 32 64", "3000:1:: 32 60"]),
    ] {
        for (one, other) in [(one, other), (other, one)] {
            let (config, findings) = two_subnets(one, other);
            assert!(config.is_none());
            assert_eq!(findings.lines().count(), 1, "{findings}");
            assert!(findings.contains("only if both give them out in the same length"));
        }
    }
}

#[test]
fn the_sweep_over_all_pools_agrees_with_comparing_each_pair() {
    let mut random = util::SplitMix::new(7);
    for _ in 0..300 {
        let mut lists = [Vec::new(), Vec::new()];
        for number in 0..6 {
            let bits = util::Entropy::next_u64(&mut random);
            let (len, at) = (52 + bits % 8, bits >> 8 & 0xff);
            let unit = [60, 64][(bits >> 16 & 1) as usize];
            lists[number % 2].push((at >> (60 - len) << (60 - len), len, unit));
        }
        let clash = |a: &(u64, u64, u64), b: &(u64, u64, u64)| {
            let end = |pool: &(u64, u64, u64)| pool.0 + (1 << (60 - pool.1)) - 1;
            a.0 <= end(b) && b.0 <= end(a)
        };
        let within = |list: &[(u64, u64, u64)]| {
            (0..list.len()).any(|n| list[..n].iter().any(|other| clash(&list[n], other)))
        };
        let across = lists[0]
            .iter()
            .any(|one| lists[1].iter().any(|other| one.2 != other.2 && clash(one, other)));
        let is_fine = !within(&lists[0]) && !within(&lists[1]) && !across;
        let texts = lists.map(|list| {
            let texts = list.iter().map(|(at, len, unit)| {
                format!(
                    "{} {len} {unit}",
                    std::net::Ipv6Addr::from(u128::from(*at) << 68 | 0x3 << 124)
                )
            });
            texts.collect::<Vec<_>>()
        });
        let [one, other] =
            texts.each_ref().map(|list| list.iter().map(String::as_str).collect::<Vec<_>>());
        let (config, findings) = two_subnets(&one, &other);
        assert_eq!(config.is_some(), is_fine, "{one:?} {other:?} {findings}");
    }
}

#[test]
fn a_pool_may_be_as_large_as_its_subnet() {
    let subnet = one_subnet("", r#""pools": [ { "pool": "2001:db8::/48" } ]"#);
    assert_eq!(subnet.pools, 0..1);
    let (_, findings) = read_members(
        r#""subnet6": [ { "id": 1, "subnet": "::/0", "pools": [ { "pool": "::/0" } ] } ]"#,
    );
    assert_eq!(findings, "");
}
