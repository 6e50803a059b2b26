//! The options of the command line with their help: the source of `-h` and of the manual page.
//!
//! Values are plain texts here; [`super::read`] judges them, so that messages are those that users of Kea know.

use clap::{Arg, ArgAction, Command};

/// The headings of help and manual page, in their order.
pub const HEADINGS: [&str; 6] =
    ["Options", "DHCPv4 only", "DHCPv6 only", "Templates", "Test control", "Measurement"];

/// The command line.
#[must_use]
pub fn command() -> Command {
    let mut command = Command::new("perfdhcp")
        .about("Loads DHCP servers and measures them")
        .override_usage("perfdhcp [OPTIONS] [SERVER]")
        .disable_help_flag(true)
        .disable_version_flag(true);
    let groups = [
        common(),
        vec![flag("broadcast", 'B', "Force broadcast handling")],
        dhcpv6(),
        templates(),
        control(),
        measurement(),
    ];
    for (heading, arguments) in HEADINGS.into_iter().zip(groups) {
        command = command.next_help_heading(heading).args(arguments);
    }
    let server = "Name or address of the server; `all`: broadcast (DHCPv4) or ff02::1:2 (DHCPv6); `servers`: \
                  ff05::1:3. May be left out when -l names an interface, which means `all`";
    command
        .next_help_heading("Arguments")
        .arg(Arg::new("server").value_name("SERVER").num_args(0..).help(server))
}

fn flag(name: &'static str, short: char, help: &'static str) -> Arg {
    Arg::new(name).short(short).action(ArgAction::Count).help(help)
}

fn value(name: &'static str, short: char, value: &'static str, help: &'static str) -> Arg {
    valued(name, value, help).short(short)
}

fn long(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    valued(name, value, help).long(name)
}

fn long_flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::Count).help(help)
}

fn valued(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    let arg = Arg::new(name).value_name(value).allow_hyphen_values(true);
    arg.action(ArgAction::Append).help(help)
}

#[rustfmt::skip]
fn common() -> Vec<Arg> {
    vec![
        flag("first-server", '1', "Take the server identifier of the first answer for all requests"),
        flag("v4", '4', "DHCPv4 (default)"),
        flag("v6", '6', "DHCPv6"),
        value("base", 'b', "TYPE=VALUE",
            "Base of the clients' identities: mac=00:0c:01:02:03:04 (or ether=), duid=HEX. Client n has the base plus \
             n. May be repeated"),
        value("drop-time", 'd', "SECONDS",
            "Time after which a message counts as dropped (1); given twice, the second is that of the later messages"),
        value("lease-type", 'e', "TYPE",
            "What is asked for: address-only (default), prefix-only, address-and-prefix"),
        value("renew-rate", 'f', "RATE", "Renewals per second, of leases taken before; needs -r"),
        value("release-rate", 'F', "RATE", "Releases per second, of leases taken before; needs -r"),
        value("thread-mode", 'g', "MODE", "single or multi; accepted for compatibility: one thread does all"),
        flag("help", 'h', "Print this and end"),
        flag("initial", 'i', "Only the first half of an exchange: DISCOVER-OFFER or SOLICIT-ADVERTISE"),
        value("relay-list", 'J', "FILE", "Relay addresses, one per line; one is drawn for each exchange"),
        value("local", 'l', "ADDRESS|INTERFACE", "Local address, or interface whose address is used"),
        value("local-port", 'L', "PORT", "Local port; 0 or none: 67 (DHCPv4), 546 (DHCPv6), 547 with -A"),
        value("mac-list", 'M', "FILE",
            "Hardware addresses, one per line; one is drawn for each exchange. Not with -b"),
        value("remote-port", 'N', "PORT", "Port of the server; 0 or none: 67 or 547"),
        value("option", 'o', "CODE,HEX",
            "Put an option into every message; -4 or -6 must stand before it. May be repeated"),
        value("preload", 'P', "NUMBER", "First messages sent back to back at the start, which are not counted"),
        value("rate", 'r', "RATE",
            "Exchanges begun per second, whatever the server does. Without it the next exchange begins when one has \
             ended, as fast as the server can"),
        value("clients", 'R', "NUMBER", "Number of clients (1), which begin exchanges in turn"),
        value("seed", 's', "SEED", "Seed of everything that is drawn; 0: another one each time"),
        long("scenario", "NAME",
            "basic (default), or avalanche: all clients of -R begin at once and repeat their messages until they are \
             served"),
        flag("unique", 'u', "Check that no address or prefix is given to two clients"),
        flag("version", 'v', "Print the version and end"),
        value("exit-wait", 'W', "MICROSECONDS",
            "Wait for answers at the end for at most this time (default: until the drop times are over)"),
        value("wrapped", 'w', "COMMAND",
            "Run COMMAND with the argument start before the test and stop after it"),
        value("diagnostics", 'x', "LETTERS",
            "Print more: a arguments, e reason of the end, i details of the rate, l leases, s first server identifier, \
             t times of all exchanges, T templates"),
        value("elapsed-for", 'y', "SECONDS", "For how long clients pretend to have waited; with -Y"),
        value("elapsed-after", 'Y', "SECONDS", "When that begins; with -y"),
    ]
}

#[rustfmt::skip]
fn dhcpv6() -> Vec<Arg> {
    vec![
        value("relays", 'A', "LEVELS", "Send through that many relays (1 to 32)"),
        flag("rapid-commit", 'c', "Ask for rapid commit; needs -i, exchanges are SOLICIT-REPLY"),
        long("or", "[LEVEL:]CODE,HEX",
            "Put an option into the relay message of that level (1, the one nearest the server, to 32); needs -A. May \
             be repeated"),
    ]
}

#[rustfmt::skip]
fn templates() -> Vec<Arg> {
    vec![
        value("time-offset", 'E', "OFFSET",
            "Of the seconds (DHCPv4) or the elapsed-time option (DHCPv6) in the second template; 0: leave it"),
        value("address-offset", 'I', "OFFSET",
            "Of the requested address option (DHCPv4) or the IA_NA option (DHCPv6) in the second template"),
        value("random-offset", 'O', "OFFSET",
            "Of the last octet of the client's identity in the template, at least 3"),
        value("server-id-offset", 'S', "OFFSET", "Of the server identifier option in the second template"),
        value("template", 'T', "FILE", "Message as hexadecimal digits; given twice, the second is the request"),
        value("xid-offset", 'X', "OFFSET", "Of the transaction id in the template"),
    ]
}

#[rustfmt::skip]
fn control() -> Vec<Arg> {
    vec![
        value("aggressivity", 'a', "NUMBER",
            "Overdue exchanges that are begun before answers are looked at again (64)"),
        value("separator", 'C', "SEPARATOR",
            "Print the reports of -t as bare numbers with this in between, and nothing before them"),
        value("max-drop", 'D', "NUMBER[%]",
            "End when so many messages, or more than this share of at least 10, were dropped; given twice, the second \
             is that of the second half"),
        value("requests", 'n', "NUMBER",
            "End after so many exchanges; given twice, the second counts the second half"),
        value("period", 'p', "SECONDS", "End after this time"),
        value("report", 't', "SECONDS", "Print an intermediate report that often"),
    ]
}

#[rustfmt::skip]
fn measurement() -> Vec<Arg> {
    vec![
        long("arrivals", "HOW",
            "How exchanges of -r are spread: even (default), or poisson as those of an independent crowd"),
        long("find-rate", "PERCENT",
            "Find the highest rate with at most this share of drops, by trials; -r is the first rate that is tried"),
        long("find-time", "SECONDS", "Length of one such trial (3)"),
        long("json", "FILE", "Write the results as JSON (`-`: to standard output, instead of the report)"),
        long("plot", "FILE", "Write a picture (SVG) of rate and latency over time"),
        long_flag("segments",
            "Hand runs of equal messages to the kernel as one, to be cut up there (UDP_SEGMENT): more load from one \
             core. Not for servers that listen by packet sockets behind a virtual cable, which see a run as one frame"),
        long("window", "NUMBER", "Exchanges in progress without -r (64)"),
    ]
}

#[cfg(test)]
mod tests {
    use super::{HEADINGS, command};

    #[test]
    fn definition_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn every_option_is_explained_below_a_heading() {
        for argument in command().get_arguments() {
            let name = argument.get_id();
            assert!(argument.get_help().is_some_and(|help| !help.to_string().is_empty()), "{name}");
            let heading = argument.get_help_heading().unwrap_or_default();
            assert!(HEADINGS.contains(&heading) || name == "server", "{name}: {heading}");
        }
    }

    #[test]
    fn every_letter_of_kea_is_understood() {
        let command = command();
        // 1.1.0 and 3.0 together.
        for letter in "146AaBbCcDdEeFfghIiJLlMNnOoPpRrSsTtuvWwXxYy".chars() {
            let mut arguments = command.get_arguments();
            assert!(arguments.any(|argument| argument.get_short() == Some(letter)), "-{letter}");
        }
        for long in ["scenario", "or"] {
            let mut arguments = command.get_arguments();
            assert!(arguments.any(|argument| argument.get_long() == Some(long)), "--{long}");
        }
    }
}
