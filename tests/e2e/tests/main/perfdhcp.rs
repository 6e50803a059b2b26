//! Our own load generator against our server and, where they are installed, beside Kea's programs.

use std::fs;
use std::path::{Path, PathBuf};

use super::load::{roomy, sum};
use e2e::prelude::*;
use e2e::process::Running;
use e2e::server::{Files, sibling_program};

const KEA_PERFDHCP: &str = "/usr/sbin/perfdhcp";
const KEA_DHCP4: &str = "/usr/sbin/kea-dhcp4";
const KEA_DHCP6: &str = "/usr/sbin/kea-dhcp6";

/// Runs a load generator in the client's namespace; returns exit code and report.
fn load(net: &Net, program: impl Into<PathBuf>, arguments: &str) -> (Option<i32>, String) {
    let mut command = net.client.command(program.into());
    command.args(arguments.split_whitespace()).current_dir(net.path());
    let log = net.path().join("load.log");
    let _ = fs::remove_file(&log);
    let mut process = Running::start(&mut command, &log);
    let status = process.wait_end(wait::secs(60));
    (status.code(), process.text())
}

fn ours(net: &Net, arguments: &str) -> (Option<i32>, String) {
    load(net, sibling_program("perfdhcp"), arguments)
}

/// Starts another server with a configuration of its own and waits until it is asked in vain no more.
fn start_kea(net: &Net, program: &str, config: &str, probe: &str) -> Running {
    let files = Files::new(net.path());
    fs::write(&files.config, config).expect("configuration is written");
    let mut command = net.server.command(program);
    files.environment(&mut command).arg("-c").arg(&files.config);
    let process = Running::start(&mut command, &files.log);
    wait::until(wait::secs(20), "the server answers", || ours(net, probe).0 == Some(0));
    process
}

/// The labels of a report's first part, in their order.
fn labels(report: &str) -> Vec<String> {
    let first = report.split("***Latency").next().unwrap_or_default();
    let lines = first.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_label = |line: &&str| line.starts_with("***") || line.contains(':');
    let label = |line: &str| line.split_once(':').map_or(line, |(label, _)| label).to_owned();
    // How the program was called, and in which mode, differs.
    lines.filter(is_label).map(label).filter(|label| label != "Running").collect()
}

fn number(report: &str, label: &str) -> f64 {
    let after = report.split_once(label).map(|(_, after)| after.trim_start()).unwrap_or_default();
    let end = after.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(after.len());
    after[..end].parse().unwrap_or_else(|_| panic!("{label} has no number in {report}"))
}

#[test]
fn exchanges_renewals_and_releases_are_completed() {
    let (net, server) = roomy();
    let line = "-4 -r 200 -p 3 -R 100 -f 30 -F 20 -d 5 -u -xeis -l 192.0.2.2 192.0.2.1";
    let (code, report) = ours(&net, line);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!((sum(&report, "drops"), sum(&report, "rejected leases")), (0, 0), "{report}");
    assert_eq!(sum(&report, "non unique addresses"), 0, "{report}");
    assert!(report.contains("reached test-period.") && report.contains("Server id: c0000201"));
    for section in ["DISCOVER-OFFER", "REQUEST-ACK", "REQUEST-ACK (renewal)", "RELEASE"] {
        assert!(
            report.contains(&format!("***Statistics for: {section}***")),
            "{section}: {report}"
        );
    }
    assert!(!report.contains("***Odd answers***"), "{report}");
    assert!(server.leases().current().len() <= 100);
    assert!(server.leases().rows("").len() > 600, "every exchange and renewal is a row");
}

#[test]
fn every_client_of_an_avalanche_is_served() {
    let (net, server) = roomy();
    let (code, report) = ours(&net, "-4 --scenario avalanche -R 2000 -u -l 192.0.2.2 192.0.2.1");
    assert_eq!(code, Some(0), "{report}");
    assert!(report.contains("to provision 2000 clients."), "{report}");
    assert_eq!(server.leases().current().len(), 2000);
}

#[test]
fn silence_is_told_by_the_exit_code() {
    let net = Net::pair();
    net.client.address("cli0", "192.0.2.2/24");
    let (code, report) = ours(&net, "-r 50 -n 5 -d 0.2 -l cli0");
    assert_eq!(code, Some(3), "{report}");
    assert_eq!(sum(&report, "drops"), 5, "{report}");
    let (code, report) = ours(&net, "-r 50 -D 3 -d 0.1 -xe -l cli0");
    assert_eq!(code, Some(3), "{report}");
    assert!(report.contains("Reached maximum drops number."), "{report}");
    for line in ["-z", "-r 0 -l cli0", "-c -l cli0", "-l lo -6 -T none -r 1", "-r 1"] {
        let (code, report) = ours(&net, line);
        assert_eq!(code, Some(1), "{line}: {report}");
        assert!(report.contains("ERROR: "), "{line}: {report}");
    }
    assert_eq!(ours(&net, "-v").0, Some(0));
}

#[test]
fn lists_templates_and_scripts_are_used() {
    let (net, server) = roomy();
    let write = |name: &str, text: &str| fs::write(net.path().join(name), text).expect("a file");
    write("macs", "02:aa:00:00:00:01\n02:aa:00:00:00:02\n");
    write("script", "#!/bin/sh\necho \"called with $1\" >> calls\n");
    net.server.shell(&format!("chmod +x {}", net.path().join("script").display()));
    let script = net.path().join("script");
    let line = "-4 -r 50 -n 20 -M macs -d 5 -o 60,646f63736973 -xl -l 192.0.2.2 192.0.2.1 -w";
    let (code, report) = ours(&net, &format!("{line} {}", script.display()));
    assert_eq!(code, Some(0), "{report}");
    let calls = fs::read_to_string(net.path().join("calls")).expect("the script was called");
    assert_eq!(calls, "called with start\ncalled with stop\n");
    assert!(report.contains("0102aa00000001,192."), "{report}");
    let leases = server.leases().current();
    assert_eq!(leases.len(), 2, "{leases:?}");
    // A DISCOVER and a REQUEST of relay 192.0.2.2 with room for what is filled in.
    let head = format!("01010600{}c0000202{}63825363", "00".repeat(20), "00".repeat(16 + 192));
    write("discover", &format!("{head} 350101 ff"));
    write("request", &format!("{head} 350103 3204ffffffff 3604ffffffff ff"));
    let line = "-4 -r 50 -n 20 -R 10 -d 5 -T discover -T request -O 33 -O 33 -I 243 -S 249 -E 8";
    let (code, report) = ours(&net, &format!("{line} -l 192.0.2.2 192.0.2.1"));
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(server.leases().current().len(), 12);
}

#[test]
fn results_are_written_for_programs_and_eyes() {
    let (net, _server) = roomy();
    let line = "-4 -r 200 -p 1 -R 100 -d 5 --plot run.svg --json run.json -l 192.0.2.2 192.0.2.1";
    let (code, report) = ours(&net, line);
    assert_eq!(code, Some(0), "{report}");
    let read = |name: &str| fs::read_to_string(net.path().join(name)).expect("a result");
    let json = read("run.json");
    for part in ["\"completed\": 200", "\"p99.9\"", "\"name\": \"REQUEST-ACK\"", "\"series\""] {
        assert!(json.contains(part), "{part}: {json}");
    }
    assert!(read("run.svg").trim_end().ends_with("</svg>"));
    let (_, output) = ours(&net, "-4 -r 50 -n 5 --json - -d 5 -l 192.0.2.2 192.0.2.1");
    assert!(output.trim_start().starts_with('{') && output.trim_end().ends_with('}'), "{output}");
}

#[test]
fn highest_rate_is_searched() {
    let (net, _server) = roomy();
    // A share of losses that even a busy machine keeps; what matters is that the search ends with a verdict.
    let line = "-4 -r 100 --find-rate 20 --find-time 0.2 -R 100000 -d 0.5 -l 192.0.2.2 192.0.2.1";
    let (code, report) = ours(&net, line);
    assert!(matches!(code, Some(0 | 3)), "{report}");
    assert!(report.contains("highest rate: ") && report.contains("95 % interval"), "{report}");
    assert!(report.matches("trial: ").count() > 3, "{report}");
}

#[test]
fn report_agrees_with_that_of_kea() {
    let (net, _server) = roomy();
    let line = "-4 -r 100 -p 3 -R 100 -d 5 -W 1000000 -f 10 -l 192.0.2.2 192.0.2.1";
    let (code, kea) = load(&net, KEA_PERFDHCP, line);
    assert_eq!(code, Some(0), "{kea}");
    let (code, own) = ours(&net, line);
    assert_eq!(code, Some(0), "{own}");
    assert_eq!(labels(&own), labels(&kea));
    for label in ["sent packets:", "received packets:"] {
        let (own, kea) = (number(&own, label), number(&kea, label));
        // Kea's program begins with a pause, and at a rate that is a little too low.
        assert!((own - kea).abs() <= 0.1 * own, "{label} {own} {kea}");
    }
    assert_eq!(number(&own, "expected rate:"), number(&kea, "expected rate:"));
}

#[test]
fn kea_answers_over_ipv4() {
    if !Path::new(KEA_DHCP4).exists() {
        return;
    }
    let net = Net::pair();
    net.client.address("cli0", "192.0.2.2/24");
    let config = r#"{ "Dhcp4": { "interfaces-config": { "interfaces": [ "srv0" ] }, "valid-lifetime": 3600,
        "lease-database": { "type": "memfile", "persist": false },
        "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24", "interface": "srv0",
                       "pools": [ { "pool": "192.0.2.100 - 192.0.2.200" } ] } ] } }"#;
    let _kea = start_kea(&net, KEA_DHCP4, config, "-r 10 -n 1 -d 0.3 -l cli0");
    let (code, report) = ours(&net, "-r 100 -p 2 -R 50 -f 10 -F 10 -d 5 -u -l cli0");
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(sum(&report, "non unique addresses"), 0, "{report}");
    assert!(!report.contains("***Odd answers***"), "{report}");
}

#[test]
fn kea_answers_over_ipv6() {
    if !Path::new(KEA_DHCP6).exists() {
        return;
    }
    let net = Net::pair();
    for (ns, interface, address) in
        [(&net.server, "srv0", "2001:db8::1/64"), (&net.client, "cli0", "2001:db8::2/64")]
    {
        ns.shell(&format!(
            "echo 0 > /proc/sys/net/ipv6/conf/{interface}/accept_dad; \
             echo 0 > /proc/sys/net/ipv6/conf/{interface}/disable_ipv6"
        ));
        ns.ip(&format!("addr add {address} dev {interface} nodad"));
    }
    let config = r#"{ "Dhcp6": { "interfaces-config": { "interfaces": [ "srv0" ] }, "valid-lifetime": 3600,
        "preferred-lifetime": 1800, "lease-database": { "type": "memfile", "persist": false },
        "server-id": { "type": "LL", "htype": 1, "identifier": "020000000001", "persist": false },
        "subnet6": [ { "id": 1, "subnet": "2001:db8::/64", "interface": "srv0", "rapid-commit": true,
            "pools": [ { "pool": "2001:db8::1:0-2001:db8::1:ffff" } ],
            "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 33, "delegated-len": 56 } ] } ] } }"#;
    let _kea = start_kea(&net, KEA_DHCP6, config, "-6 -r 10 -n 1 -d 0.3 -l cli0");
    for line in [
        "-6 -r 100 -p 2 -R 50 -f 10 -F 10 -d 5 -u -l cli0",
        "-6 -r 100 -p 1 -R 50 -e address-and-prefix -A 1 -d 5 -u -l cli0",
        "-6 -r 100 -p 1 -R 50 -e prefix-only -A 3 --or 3:18,0102 -d 5 -u -l cli0",
        "-6 -r 100 -n 50 -R 50 -i -c -d 5 -l cli0",
    ] {
        let (code, report) = ours(&net, line);
        assert_eq!(code, Some(0), "{line}: {report}");
        assert_eq!(sum(&report, "drops"), 0, "{line}: {report}");
        assert!(!report.contains("***Odd answers***"), "{line}: {report}");
    }
}
