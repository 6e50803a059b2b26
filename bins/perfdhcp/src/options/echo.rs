//! The command line as the report shows it: `Running: perfdhcp ...`, and the list of `-x a`.

use crate::options::{Family, LeaseType, Options, command};
use crate::report::general;

/// The command line in the order it was given, each option apart from its value, the server last.
#[must_use]
pub fn command_line(arguments: &[String]) -> String {
    let command = command();
    let takes_value = |short: Option<char>, long: Option<&str>| {
        let found = command.get_arguments().find(|argument| {
            (short.is_some() && argument.get_short() == short)
                || (long.is_some() && argument.get_long() == long)
        });
        found.is_some_and(|argument| argument.get_action().takes_values())
    };
    let mut words = vec!["perfdhcp".to_owned()];
    let mut servers = Vec::new();
    let mut rest = arguments.iter().skip(1);
    while let Some(word) = rest.next() {
        if let Some(long) = word.strip_prefix("--").filter(|long| !long.is_empty()) {
            match long.split_once('=') {
                Some((name, value)) => words.extend([format!("--{name}"), value.to_owned()]),
                None => {
                    words.push(word.clone());
                    words.extend(
                        takes_value(None, Some(long)).then(|| rest.next()).flatten().cloned(),
                    );
                }
            }
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            for (at, letter) in letters.char_indices() {
                words.push(format!("-{letter}"));
                if !takes_value(Some(letter), None) {
                    continue;
                }
                let value = &letters[at + letter.len_utf8()..];
                match value.is_empty() {
                    true => words.extend(rest.next().cloned()),
                    false => words.push(value.to_owned()),
                }
                break;
            }
        } else {
            servers.push(word.clone());
        }
    }
    words.extend(servers);
    words.join(" ")
}

/// The decoded options, one per line, as `-x a` prints them.
#[must_use]
pub fn decoded(options: &Options, interface: Option<&str>, server: &str) -> String {
    let v4 = options.family == Family::V4;
    let mut lines = vec![if v4 { "IPv4" } else { "IPv6" }.to_owned()];
    let mut add = |name: &str, value: Option<String>| {
        lines.extend(value.map(|value| format!("{name}={value}")));
    };
    let (kind, note) = match options.lease_type {
        LeaseType::Address => ("address-only", "IA_NA option added"),
        LeaseType::AddressAndPrefix => ("address-and-prefix", "Both IA_NA and IA_PD options added"),
        LeaseType::Prefix => ("prefix-only", "IA_PD option added"),
    };
    add("lease-type", Some(format!("{kind} ({note} to the client's request)")));
    let seconds = |nanoseconds: u64| general(nanoseconds as f64 / 1e9);
    add("rate[1/s]", options.rate.map(general));
    add("renew-rate[1/s]", options.renew_rate.map(general));
    add("release-rate[1/s]", options.release_rate.map(general));
    add("report[s]", options.report_ns.map(seconds));
    add("clients", options.clients.map(|clients| clients.to_string()));
    for (at, requests) in options.requests.iter().enumerate() {
        add(&format!("num-request[{at}]"), Some(requests.to_string()));
    }
    add("test-period", options.period_ns.map(seconds));
    for at in 0..2 {
        let given = options.drop_times_ns.get(at).copied().unwrap_or(1_000_000_000);
        add(&format!("drop-time[{at}]"), Some(seconds(given)));
    }
    for (at, drops) in options.drops_max.iter().enumerate() {
        let (name, value) = match drops {
            crate::generator::plan::DropsMax::Count(count) => ("max-drop", count.to_string()),
            crate::generator::plan::DropsMax::Share(share) => {
                ("max-drop-percentage", general(share * 100.0))
            }
        };
        add(&format!("{name}[{at}]"), Some(value));
    }
    add("preload", (options.preload > 0).then(|| options.preload.to_string()));
    add("aggressivity", options.aggressivity.map(|number| number.to_string()));
    add("local-port", (options.local_port > 0).then(|| options.local_port.to_string()));
    add("remote-port", (options.remote_port > 0).then(|| options.remote_port.to_string()));
    add("seed", (options.seed > 0).then(|| options.seed.to_string()));
    let flags = [
        (options.broadcast || (v4 && server == "255.255.255.255"), "broadcast"),
        (options.rapid_commit, "rapid-commit"),
        (options.one_server, "use-first"),
    ];
    lines.extend(flags.iter().filter(|(set, _)| *set).map(|(_, name)| (*name).to_owned()));
    let mut add = |name: &str, value: String| lines.push(format!("{name}={value}"));
    for (at, template) in options.templates.iter().enumerate() {
        add(&format!("template-file[{at}]"), template.display().to_string());
    }
    for (at, offset) in options.xid_offsets.iter().enumerate() {
        add(&format!("xid-offset[{at}]"), offset.to_string());
    }
    for (at, offset) in options.random_offsets.iter().enumerate() {
        add(&format!("rnd-offset[{at}]"), offset.to_string());
    }
    let offset = |offset: Option<usize>| offset.map_or("-1".to_owned(), |at| at.to_string());
    add("elp-offset", offset(options.time_offset));
    add("sid-offset", offset(options.server_id_offset));
    add("rip-offset", offset(options.address_offset));
    add("diagnostic-selectors", options.diagnostics.clone());
    lines.extend(options.wrapped.as_ref().map(|command| format!("wrapped={command}")));
    match (interface, &options.local) {
        (Some(name), _) => lines.push(format!("interface={name}")),
        (None, Some(local)) => lines.push(format!("localname={local}")),
        (None, None) => {}
    }
    lines.push(format!("server={server}"));
    lines.push(match options.single_thread {
        Some(true) => "single-thread-mode".to_owned(),
        _ => "multi-thread-mode".to_owned(),
    });
    lines.join("\n")
}
