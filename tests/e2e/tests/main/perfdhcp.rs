//! Our own load generator against our servers, those of others, and beside Kea's program.

use std::fs;
use std::path::Path;

use e2e::family::{Family, sibling_program};
use e2e::perfdhcp::{KEA_PERFDHCP, Report};
use e2e::prelude::*;
use e2e::process::Running;
use e2e::server::Files;

use super::both::load::busy;

/// Runs ours with blank-separated arguments.
fn ours(net: &Net, arguments: &str) -> Report {
    let words: Vec<&str> = arguments.split_whitespace().collect();
    Report::run(net, &sibling_program("perfdhcp"), &words)
}

/// Asserts that every exchange of a run was completed, with nothing odd.
#[track_caller]
fn completed(net: &Net, arguments: &str) -> String {
    let report = ours(net, arguments);
    assert_eq!(report.code, Some(0), "{}", report.text);
    for label in ["drops", "rejected leases", "non unique addresses", "orphans"] {
        assert_eq!(report.sum(label), 0, "{label}: {}", report.text);
    }
    assert!(!report.text.contains("***Odd answers***"), "{}", report.text);
    report.text
}

/// Starts a server of others with its arguments and waits until it answers.
fn start_peer(net: &Net, program: &str, arguments: &str, probe: &str) -> Running {
    let program = Path::new("/usr/sbin").join(program);
    assert!(program.exists(), "{} is not installed: run scripts/test", program.display());
    let files = Files::new(net.path(), net.family);
    let mut command = net.server.command(program);
    files.environment(&mut command).args(arguments.split_whitespace()).current_dir(net.path());
    let process = Running::start(&mut command, &files.log);
    wait::until(wait::secs(20), "the server answers", || ours(net, probe).code == Some(0));
    process
}

/// Starts Kea's server with a configuration of its own.
fn start_kea(net: &Net, config: &str, probe: &str) -> Running {
    fs::write(net.path().join("kea.conf"), config).expect("configuration is written");
    start_peer(net, &net.family.program_name(), "-c kea.conf", probe)
}

/// The labels of a report's first part, in their order.
fn labels(report: &str) -> Vec<String> {
    let first = report.split("***Latency").next().unwrap_or_default();
    let lines = first.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_label = |line: &&str| line.starts_with("***") || line.contains(':');
    let label = |line: &str| match line.starts_with("***") {
        true => line.to_owned(),
        false => line.split_once(':').map_or(line, |(label, _)| label).to_owned(),
    };
    // How the program was called differs.
    lines.filter(is_label).map(label).filter(|label| label != "Running").collect()
}

fn number(report: &str, label: &str) -> f64 {
    let after = report.split_once(label).map(|(_, after)| after.trim_start()).unwrap_or_default();
    let end = after.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(after.len());
    after[..end].parse().unwrap_or_else(|_| panic!("{label} has no number in {report}"))
}

#[test]
fn exchanges_renewals_and_releases_are_completed() {
    let (net, server, _) = busy(Family::V4);
    let line = "-4 -r 200 -p 3 -R 100 -f 30 -F 20 -d 5 -u -xeis -l 192.0.2.2 192.0.2.1";
    let report = completed(&net, line);
    assert!(report.contains("reached test-period.") && report.contains("Server id: c0000201"));
    for section in ["DISCOVER-OFFER", "REQUEST-ACK", "REQUEST-ACK (renewal)", "RELEASE"] {
        assert!(
            report.contains(&format!("***Statistics for: {section}***")),
            "{section}: {report}"
        );
    }
    assert!(server.leases().current().len() <= 100);
    assert!(server.leases().rows("").len() > 600, "every exchange and renewal is a row");
}

#[test]
fn both_kinds_of_leases_are_taken_over_ipv6() {
    let (net, server, _) = busy(Family::V6);
    for line in [
        "-6 -r 100 -p 2 -R 50 -f 10 -F 10 -d 5 -u -l cli0",
        "-6 -r 100 -p 1 -R 50 -e address-and-prefix -A 1 -d 5 -u -l cli0",
        "-6 -r 100 -p 1 -R 50 -e prefix-only -A 3 --or 3:37,00000009aa -d 5 -u -l cli0",
    ] {
        completed(&net, line);
    }
    assert!(server.leases().current6().len() > 50);
}

#[test]
fn every_client_of_an_avalanche_is_served() {
    let (net, server, _) = busy(Family::V4);
    let report = completed(&net, "-4 --scenario avalanche -R 2000 -u -l 192.0.2.2 192.0.2.1");
    assert!(report.contains("to provision 2000 clients."), "{report}");
    // The server's own probe holds a lease, too.
    assert!((2000..=2001).contains(&server.leases().current().len()));
}

#[test]
fn silence_is_told_by_the_exit_code() {
    let net = Net::pair();
    net.client.address("cli0", "192.0.2.2/24");
    let report = ours(&net, "-r 50 -n 5 -d 0.2 -l cli0");
    assert_eq!((report.code, report.sum("drops")), (Some(3), 5), "{}", report.text);
    let report = ours(&net, "-r 50 -D 3 -d 0.1 -xe -l cli0");
    assert_eq!(report.code, Some(3), "{}", report.text);
    assert!(report.text.contains("Reached maximum drops number."), "{}", report.text);
    for line in ["-z", "-r 0 -l cli0", "-c -l cli0", "-l lo -6 -T none -r 1", "-r 1"] {
        let report = ours(&net, line);
        assert_eq!(report.code, Some(1), "{line}: {}", report.text);
        assert!(report.text.contains("ERROR: "), "{line}: {}", report.text);
    }
    assert_eq!(ours(&net, "-v").code, Some(0));
}

#[test]
fn interrupt_ends_with_the_report() {
    let (net, _server, _) = busy(Family::V4);
    let mut command = net.client.command(sibling_program("perfdhcp"));
    command.args(["-4", "-r", "100", "-R", "50", "-t", "1", "-xe", "-l", "192.0.2.2", "192.0.2.1"]);
    let mut process = Running::start(&mut command, &net.path().join("load.log"));
    process.wait_text("sent: ", wait::secs(20));
    process.signal("INT");
    let status = process.wait_end(wait::secs(5));
    let text = process.text();
    assert!(matches!(status.code(), Some(0 | 3)), "{text}");
    assert!(text.contains("Interrupted") && text.contains("***Rate statistics***"), "{text}");
}

#[test]
fn lists_templates_and_scripts_are_used() {
    let (net, server, _) = busy(Family::V4);
    let before = server.leases().current().len();
    let write = |name: &str, text: &str| fs::write(net.path().join(name), text).expect("a file");
    write("macs", "02:aa:00:00:00:01\n02:aa:00:00:00:02\n");
    write("script", "#!/bin/sh\necho \"called with $1\" >> calls\n");
    let script = net.path().join("script");
    net.server.shell(&format!("chmod +x {}", script.display()));
    let line = "-4 -r 50 -n 20 -M macs -d 5 -o 60,646f63736973 -xl -l 192.0.2.2 192.0.2.1 -w";
    let report = completed(&net, &format!("{line} {}", script.display()));
    let calls = fs::read_to_string(net.path().join("calls")).expect("the script was called");
    assert_eq!(calls, "called with start\ncalled with stop\n");
    assert!(report.contains("0102aa00000001,192."), "{report}");
    assert_eq!(server.leases().current().len() - before, 2);
    // A DISCOVER and a REQUEST of relay 192.0.2.2 with room for what is filled in.
    let head = format!("01010600{}c0000202{}63825363", "00".repeat(20), "00".repeat(16 + 192));
    write("discover", &format!("{head} 350101 ff"));
    write("request", &format!("{head} 350103 3204ffffffff 3604ffffffff ff"));
    let line = "-4 -r 50 -n 20 -R 10 -d 5 -T discover -T request -O 33 -O 33 -I 243 -S 249 -E 8";
    completed(&net, &format!("{line} -l 192.0.2.2 192.0.2.1"));
    assert_eq!(server.leases().current().len() - before, 12);
}

#[test]
fn results_are_written_for_programs_and_eyes() {
    let (net, _server, _) = busy(Family::V4);
    let line = "-4 -r 200 -p 1 -R 100 -d 5 --plot run.svg --json run.json -l 192.0.2.2 192.0.2.1";
    completed(&net, line);
    let read = |name: &str| fs::read_to_string(net.path().join(name)).expect("a result");
    let json = read("run.json");
    for part in ["\"completed\": 200", "\"p99.9\"", "\"name\": \"REQUEST-ACK\"", "\"series\""] {
        assert!(json.contains(part), "{part}: {json}");
    }
    assert!(read("run.svg").trim_end().ends_with("</svg>"));
    let output = ours(&net, "-4 -r 50 -n 5 --json - -d 5 -l 192.0.2.2 192.0.2.1").text;
    assert!(output.trim_start().starts_with('{') && output.trim_end().ends_with('}'), "{output}");
}

#[test]
fn highest_rate_is_searched() {
    let (net, _server, _) = busy(Family::V4);
    // A share of losses that even a busy machine keeps; what matters is that the search ends with a verdict.
    let line = "-4 -r 100 --find-rate 20 --find-time 0.2 -R 100000 -d 0.5 -l 192.0.2.2 192.0.2.1";
    let Report { code, text } = ours(&net, line);
    assert!(matches!(code, Some(0 | 3)), "{text}");
    assert!(text.contains("highest rate: ") && text.contains("95 % interval"), "{text}");
    assert!(text.matches("trial: ").count() > 3, "{text}");
}

#[test]
fn report_agrees_with_that_of_kea() {
    let (net, _server, _) = busy(Family::V4);
    let line = "-4 -r 100 -p 3 -R 100 -d 5 -W 1000000 -f 10 -l 192.0.2.2 192.0.2.1";
    let words: Vec<&str> = line.split_whitespace().collect();
    let kea = Report::run(&net, Path::new(KEA_PERFDHCP), &words);
    assert_eq!(kea.code, Some(0), "{}", kea.text);
    let own = completed(&net, line);
    let kea = kea.text;
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
    let net = Net::pair();
    net.client.address("cli0", "192.0.2.2/24");
    let config = r#"{ "Dhcp4": { "interfaces-config": { "interfaces": [ "srv0" ] }, "valid-lifetime": 3600,
        "lease-database": { "type": "memfile", "persist": false },
        "subnet4": [ { "id": 1, "subnet": "192.0.2.0/24", "interface": "srv0",
                       "pools": [ { "pool": "192.0.2.100 - 192.0.2.200" } ] } ] } }"#;
    let _kea = start_kea(&net, config, "-r 10 -n 1 -d 0.3 -l cli0");
    completed(&net, "-r 100 -p 2 -R 50 -f 10 -F 10 -d 5 -u -l cli0");
}

#[test]
fn kea_answers_over_ipv6() {
    let net = Net::pair6();
    net.client.address("cli0", "2001:db8:1::2/64");
    let config = r#"{ "Dhcp6": { "interfaces-config": { "interfaces": [ "srv0" ] }, "valid-lifetime": 3600,
        "preferred-lifetime": 1800, "lease-database": { "type": "memfile", "persist": false },
        "server-id": { "type": "LL", "htype": 1, "identifier": "020000000001", "persist": false },
        "subnet6": [ { "id": 1, "subnet": "2001:db8:1::/64", "interface": "srv0", "rapid-commit": true,
            "pools": [ { "pool": "2001:db8:1::1:0-2001:db8:1::1:ffff" } ],
            "pd-pools": [ { "prefix": "2001:db8:8000::", "prefix-len": 33, "delegated-len": 56 } ] } ] } }"#;
    let _kea = start_kea(&net, config, "-6 -r 10 -n 1 -d 0.3 -l cli0");
    for line in [
        "-6 -r 100 -p 2 -R 50 -f 10 -F 10 -d 5 -u -l cli0",
        "-6 -r 100 -p 1 -R 50 -e address-and-prefix -A 1 -d 5 -u -l cli0",
        "-6 -r 100 -p 1 -R 50 -e prefix-only -A 3 --or 3:37,00000009aa -d 5 -u -l cli0",
        "-6 -r 100 -n 50 -R 50 -i -c -d 5 -l cli0",
    ] {
        completed(&net, line);
    }
}

#[test]
fn other_servers_answer() {
    let net = Net::pair();
    net.client.address("cli0", "192.0.2.2/24");
    let dhcpd = "authoritative; ping-check false; default-lease-time 3600;
        subnet 192.0.2.0 netmask 255.255.255.0 { range 192.0.2.100 192.0.2.200; }";
    fs::write(net.path().join("dhcpd.conf"), dhcpd).expect("configuration is written");
    fs::write(net.path().join("leases"), "").expect("lease file is written");
    let probe = "-r 10 -n 1 -d 0.5 -l cli0";
    let line = "-r 50 -p 2 -R 50 -f 10 -F 5 -d 5 -u -l cli0";
    let arguments = "-4 -f -q -cf dhcpd.conf -lf leases --no-pid srv0";
    let mut dhcpd = start_peer(&net, "dhcpd", arguments, probe);
    completed(&net, line);
    dhcpd.kill();
    let arguments = "-k -p0 -C /dev/null --dhcp-range=192.0.2.100,192.0.2.200,1h --no-ping --interface=srv0 \
        --bind-interfaces --leasefile-ro --dhcp-authoritative --no-hosts --log-facility=-";
    let _dnsmasq = start_peer(&net, "dnsmasq", &arguments.replace('\\', ""), probe);
    completed(&net, line);
}
