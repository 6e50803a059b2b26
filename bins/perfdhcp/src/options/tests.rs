use super::{Family, FindRate, LeaseType, Options, Request, command_line, read};
use crate::generator::plan::{DropsMax, Load, Steps};
use proptest::prelude::*;
use std::ffi::OsString;

fn request(line: &str) -> Result<Request, String> {
    let words = std::iter::once("perfdhcp").chain(line.split_whitespace());
    read(words.map(OsString::from)).map_err(|error| error.to_string())
}

fn options(line: &str) -> Options {
    match request(line) {
        Ok(Request::Run(options)) => *options,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn lines_of_the_manual_are_understood() {
    let got = options("-xi -t 2 -r 10 -R 100 192.0.2.1");
    assert_eq!(
        (got.rate, got.clients, got.report_ns),
        (Some(10.0), Some(100), Some(2_000_000_000))
    );
    assert!(got.shows('i') && !got.shows('a') && got.server.as_deref() == Some("192.0.2.1"));
    let got = options("-6 -xi -t 1 -r 1 -y 10 -Y 3 -l eth0 all");
    assert_eq!((got.family, got.elapsed_for_ns), (Family::V6, Some(10_000_000_000)));
    let got = options("-r100 -D5% -D7 -n3 -n4 -d0.5 -d2 -p1.5 -W100 -4 -o60,646f63736973");
    assert_eq!(got.drops_max, [DropsMax::Share(0.05), DropsMax::Count(7)]);
    assert_eq!((got.requests, got.drop_times_ns), (vec![3, 4], vec![500_000_000, 2_000_000_000]));
    assert_eq!((got.period_ns, got.exit_wait_ns), (Some(1_500_000_000), Some(100_000)));
    assert_eq!(got.options, [(60, b"docsis".to_vec())]);
    let got = options(
        "-6 -A 2 --or 2:18,0102 --or=37,ff -e address-and-prefix -b mac=00::0C::01::02::03::04",
    );
    assert_eq!((got.relays, got.relay_options.len()), (2, 2));
    assert_eq!((got.lease_type, got.mac), (LeaseType::AddressAndPrefix, Some([0, 12, 1, 2, 3, 4])));
    assert_eq!((got.relay_options[1].level, got.relay_options[1].code), (1, 37));
    let got = options("--find-rate 1 --find-time 0.5 server -b duid=0101010101010101010110111F14");
    let expected = FindRate { loss_max: 0.01, trial_ns: 500_000_000 };
    assert_eq!((got.find_rate, got.duid.map(|duid| duid.len())), (Some(expected), Some(14)));
    assert_eq!(options("-r 5 -r 7 -l x").rate, Some(7.0), "the last one counts");
    assert_eq!((request("-h"), request("-r 1 -v")), (Ok(Request::Help), Ok(Request::Version)));
}

#[test]
fn bad_values_are_refused_as_kea_does() {
    for (line, part) in [
        ("-4 -6", "IP version already set to 4"),
        ("-6 -4", "IP version already set to 6"),
        ("-a 0", "aggressivity"),
        ("-A 0 -6", "encapsulation"),
        ("-A 33 -6", "encapsulation"),
        ("-b foo", "base value not provided"),
        ("-b ip=1", "expected -b mac=<mac> or -b duid=<duid>"),
        ("-b mac=1:2", "expected -b<base> format for mac address"),
        ("-b duid=0001", "DUID must be at least 6 octets long"),
        ("-b duid=00010203040q", "invalid hexadecimal"),
        ("-C", "wrong command line option"),
        ("-d 0", "drop-time must be a positive number"),
        ("-d -1", "drop-time must be a positive number"),
        ("-d x", "value of drop time: -d<value> must be positive number"),
        ("-D 0", "value of max drops number: -D<value> must be a positive integer"),
        ("-D 101%", "value of drop percentage: -D<value%> must be 0..100"),
        ("-D 5x%", "value of drop percentage: -D<value%> must be 0..100"),
        ("-E -1", "value of time-offset: -E<value> must not be a negative integer"),
        ("-e foo", "value of lease-type"),
        ("-F x", "value of the release rate"),
        ("-f 0", "value of the renew rate"),
        ("-g foo", "value of thread mode"),
        ("-I x", "value of ip address offset"),
        ("-L 70000", "local-port must be lower than 65535"),
        ("-L -1", "value of local port: -L<value> must not be a negative integer"),
        ("-N 70000", "remote-port must be lower than 65535"),
        ("-n 0", "value of num-request: -n<value> must be a positive integer"),
        ("-n 1 -n 2 -n 3", "value of maximum number of requests: -n<value> already specified"),
        ("-O 2", "value of random offset: -O<value> must be greater than 3"),
        ("-o 60,00", "-4 or -6 must be explicitly specified before -o is used."),
        ("-o 60,00 -4", "-4 or -6 must be explicitly specified before -o is used."),
        ("-4 -o 60", "-o option must provide option code"),
        ("-4 -o 60,zz", "-o option must provide option code"),
        ("-4 -o 300,00", "DHCPv4 option"),
        ("-6 -o 70000,00", "-o option must provide option code"),
        ("--or 33:1,00 -6 -A 1", "--or: the level is 1 to 32"),
        ("-P -1", "value of number of preload packets"),
        ("-p 0", "value of test period: -p<value> must be a positive integer"),
        ("-R x", "value of -R <value> must be non-negative integer"),
        ("-r 0", "value of rate: -r<value> must be a positive integer"),
        ("-r 1e99", "value of rate"),
        ("-S x", "value of server id offset"),
        ("-s x", "value of seed: -s <seed> must be non-negative integer"),
        ("--scenario foo", "should be 'basic' or 'avalanche'"),
        ("-t 0", "value of report delay"),
        ("-W x", "value of exist wait time"),
        ("-X 0", "value of transaction id"),
        ("-z", "wrong command line option"),
        ("--find-rate 100", "value of find-rate"),
        ("--find-time 1", "--find-time needs --find-rate"),
        ("--arrivals odd", "value of arrivals"),
        ("one two", "extra arguments?"),
    ] {
        let text = request(line).expect_err(line);
        assert!(text.contains(part), "{line}: {text}");
    }
}

#[test]
fn bad_combinations_are_refused() {
    for (line, part) in [
        ("", "without an interface, server is required"),
        ("-1 -i s", "-1 is not compatible with -i"),
        ("-A 1 s", "Can't use -4 with -A, it's a V6 only option."),
        ("-B -6 s", "-B is not compatible with IPv6 (-6)"),
        ("-c s", "-6 (IPv6) must be set to use -c"),
        ("-6 -c s", "-i must be set to use -c"),
        ("-e prefix-only s", "-6 option must be used if lease type"),
        ("-6 -e prefix-only -T f s", "template files may be only used with '-e address-only'"),
        ("-b mac=0:0:0:0:0:1 -M f s", "Can't use -b with -M option"),
        ("-i -n 1 -n 2 s", "second -n<num-request> is not compatible with -i"),
        ("-i -d 1 -d 2 s", "second -d<drop-time> is not compatible with -i"),
        ("-i -D 1 -D 2 s", "second -D<max-drop> is not compatible with -i"),
        ("-i -f 1 -r 2 s", "-f<renew-rate> is not compatible with -i"),
        ("-i -F 1 -r 2 s", "-F<release-rate> is not compatible with -i"),
        ("-f 5 s", "Renew rate specified as -f<renew-rate> must not be specified"),
        ("-F 5 s", "Release rate specified as -F<release-rate> must not be specified"),
        ("-f 5 -F 6 -r 10 s", "must not be greater than the exchange rate"),
        ("-X 1 s", "-T<template-file> must be set to use -X<xid-offset>"),
        ("-O 9 s", "-T<template-file> must be set to use -O<random-offset>"),
        ("-T f -E 3 s", "second/request -T<template-file> must be set to use -E<time-offset>"),
        ("-T f -S 3 s", "second/request -T<template-file> must be set to use -S<srvid-offset>"),
        ("-T f -I 3 s", "second/request -T<template-file> must be set to use -I<ip-offset>"),
        ("--scenario avalanche s", "number of clients must be specified using -R"),
        ("-y 5 s", "Option -y can't be used without -Y"),
        ("-Y 5 s", "Option -Y can't be used without -y"),
        ("-6 --or 1,00 s", "-A must be set to use --or"),
        ("-6 -A 1 --or 2:1,00 s", "the level is higher"),
        ("--window 5 -r 5 s", "--window is for tests without"),
    ] {
        let text = options(line).check(false).expect_err(line).to_string();
        assert!(text.contains(part), "{line}: {text}");
    }
    assert_eq!(options("-l eth0").check(true), Ok(()));
    assert_eq!(options("-6 -r 10 -f 5 -F 5 -A 1 s").check(false), Ok(()));
}

#[test]
fn options_become_a_plan() {
    let plan = options("-r 50 -n 7 -i -6 -c -R 9 s").plan(None, 1);
    assert!(matches!(plan.load, Load::Open { rate, .. } if rate == 50.0));
    assert_eq!((plan.steps, plan.clients), (Steps::Two { rapid_commit: true }, 9));
    assert_eq!(plan.limits.requests, [Some(7), None]);
    let plan = options("s").plan(None, 1);
    assert_eq!((plan.load, plan.clients), (Load::Closed { window: 64 }, 1));
    let plan = options("-d 3 -R 5 --scenario avalanche -xlt s").plan(Some(2), 1);
    assert_eq!((plan.load, plan.clients, plan.random_clients), (Load::Avalanche, 2, true));
    assert!(plan.keep_times && plan.keep_leases && plan.patience_ns[0] == 3_000_000_000);
    assert!(options("-r 9 -f 1 s").plan(None, 1).keep_holders);
}

#[test]
fn line_is_shown_with_every_value_apart() {
    let shown = |line: &str| {
        let words: Vec<String> =
            std::iter::once("p").chain(line.split_whitespace()).map(str::to_owned).collect();
        command_line(&words)
    };
    assert_eq!(
        shown("-4 10.0.0.1 -r100 -xaeil -1 -D 5% --scenario=avalanche --or 1,2 -1i"),
        "perfdhcp -4 -r 100 -x aeil -1 -D 5% --scenario avalanche --or 1,2 -1 -i 10.0.0.1"
    );
    assert_eq!(shown(""), "perfdhcp");
}

proptest! {
    #[test]
    fn any_line_is_read_without_panic(words in prop::collection::vec("[-a-zA-Z0-9=:,%. ]{0,12}", 0..8)) {
        let line = std::iter::once("perfdhcp".to_owned()).chain(words.clone());
        if let Ok(Request::Run(options)) = read(line.map(OsString::from)) {
            let _ = options.check(false);
            let _ = options.plan(None, 1).slots();
        }
        let _ = command_line(&words);
    }

    #[test]
    fn numbers_are_read_back(rate in 1u32..1_000_000, clients in 1u32.., requests in 1u64..) {
        let got = options(&format!("-r {rate} -R{clients} -n {requests} s"));
        prop_assert_eq!(got.rate, Some(f64::from(rate)));
        prop_assert_eq!((got.clients, got.requests), (Some(clients), vec![requests]));
    }
}
