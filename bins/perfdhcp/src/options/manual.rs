//! The manual page, made from the definition of the options, so that it lists all of them and says what `-h` says.
//!
//! `share/man/man8/perfdhcp.8` is this text; a test compares the two. After a change of the options:
//! `cargo run -p perfdhcp --example manual > share/man/man8/perfdhcp.8`.

use std::fmt::Write;

use clap::Arg;

use crate::options::{HEADINGS, command};

/// What stands before the options.
const BEFORE: &str = r#".TH PERFDHCP 8 "" "Kea" "Administration"
.SH NAME
perfdhcp \- loads DHCP servers and measures them
.SH SYNOPSIS
.B perfdhcp
[options]
.RI [ server ]
.SH DESCRIPTION
.B perfdhcp
simulates many DHCPv4 or DHCPv6 clients and shows how a server bears them. Options, report and exit codes are those of
Kea's program of the same name (1.1 and today's); what goes beyond them is in the last part of the report, in the section
.I Measurement
of the options, and in the notes below.
.PP
With
.B \-r
exchanges begin by the clock, whatever the server does, and latency is measured from the moment when a message should
have been sent. A server that stalls for a second is therefore seen to have kept everybody waiting who came in that
second. Without
.B \-r
a fixed number of exchanges is in progress, and the next begins when one has ended: the rate is then what the server can
do, and latency is mostly the number of exchanges divided by that rate.
.PP
At the end of a run no more exchanges begin, and answers to the last ones are waited for as long as their drop time. Kea's
program ends at once and counts those as drops, unless it is given
.BR \-W .
A release over DHCPv4 has no answer and is not counted as dropped.
.SH OPTIONS
"#;

/// What stands after the options.
const AFTER: &str = r#".SH TEMPLATES
A template holds a message as hexadecimal digits; white space does not count. The first one is the DISCOVER or SOLICIT, the
second the REQUEST; renewals and releases have none. Before a message leaves, the transaction id, the client's identity and,
in the second template, the elapsed time, server identifier and address are written over it at their offsets. Defaults of
the offsets: transaction id 4 (DHCPv4) or 1 (DHCPv6), end of the identity 35 or 21, time 8 or 84, server identifier 54 or
22, address 240 or 40. The last three take whole options with their headers, but for the time of DHCPv4, which is the field
of two bytes. Over DHCPv4 all of the hardware address is written; over DHCPv6 as many bytes of the DUID as the number of
clients asks for: one for up to 255, two for up to 65535, and so on.
.SH REPORT
The first part is that of Kea's program: the rate, then a section for each kind of exchange. Delays in it are measured from
the moment of sending. The second part has:
.TP
.B Latency from the intended time of sending
The 50th, 90th, 99th and 99.9th percentile and the maximum, for each kind of message and for whole exchanges.
.TP
.B Odd answers
Answers that a good server does not send, by kind: unreadable ones, foreign transaction ids, late and second answers,
another client, another type than expected, refusals, answers without an address, another address than was offered, an
address that another client holds (with
.BR \-u ).
They never end a run.
.TP
.B Generator
CPU time, how late messages left, datagrams lost in the own receive buffer. A line that begins with
.I WARNING
says that figures may be those of the generator or its machine and not of the server.
.PP
Above 20000 exchanges per second, and without
.BR \-r ,
answers are read in batches by the clock, which adds up to 50 microseconds (up to 400 without
.BR \-r )
to latencies. At such rates the program waits busily and takes all of its core.
.SH HIGHEST RATE
.B \-\-find\-rate
runs trials of
.B \-\-find\-time
at rates that double until one fails, then narrows the rate down to 5 percent, then repeats trials at the best rate until
the 95 percent interval (Wilson) of its share of losses lies below the limit. When it does not, the rate goes down by 5
percent, then by 10, 20 and so on. What is not completed within the drop times is lost. Every
trial has other clients, as far as
.B \-R
goes: the server needs as many addresses. Trials that failed by the generator's fault are marked.
.SH EXIT STATUS
.TP
.B 0
All exchanges were completed; with
.B \-\-find\-rate
a rate was found and confirmed.
.TP
.B 1
An error, in the command line or elsewhere.
.TP
.B 3
Some exchanges were not completed: dropped or rejected.
.SH EXAMPLES
A hundred clients, ten exchanges per second, a report every two seconds:
.PP
.RS
perfdhcp \-xi \-t 2 \-r 10 \-R 100 192.0.2.1
.RE
.PP
The highest rate at which a server loses at most one exchange in a hundred, with a million clients:
.PP
.RS
perfdhcp \-\-find\-rate 1 \-R 1000000 192.0.2.1
.RE
.PP
Addresses and prefixes over DHCPv6 through a relay, with a picture of the run:
.PP
.RS
perfdhcp \-6 \-l eth0 \-A 1 \-e address\-and\-prefix \-r 500 \-p 60 \-R 10000 \-\-plot run.svg
.RE
.SH SEE ALSO
.BR kea\-dhcp4 (8),
.BR kea\-dhcp6 (8)
"#;

/// The manual page in roff.
#[must_use]
pub fn manual() -> String {
    let command = command();
    let mut text = BEFORE.to_owned();
    for heading in HEADINGS {
        _ = writeln!(text, ".SS {heading}");
        let below = command.get_arguments().filter(|argument| {
            argument.get_help_heading() == Some(heading) && !argument.is_positional()
        });
        for argument in below {
            entry(&mut text, argument);
        }
    }
    for argument in command.get_positionals() {
        _ = writeln!(text, ".SH ARGUMENTS\n.TP\n.I server\n{}", help(argument));
    }
    text.push_str(AFTER);
    text
}

fn entry(text: &mut String, argument: &Arg) {
    let flag = match (argument.get_short(), argument.get_long()) {
        (Some(letter), _) => format!("\\-{letter}"),
        (None, Some(long)) => format!("\\-\\-{}", long.replace('-', "\\-")),
        (None, None) => String::new(),
    };
    let value = argument.get_value_names().and_then(|names| names.first());
    _ = match value.filter(|_| argument.get_action().takes_values()) {
        Some(value) => writeln!(text, ".TP\n.BI \"{flag} \" {value}\n{}", help(argument)),
        None => writeln!(text, ".TP\n.B {flag}\n{}", help(argument)),
    };
}

fn help(argument: &Arg) -> String {
    let help = argument.get_help().map_or_else(String::new, ToString::to_string);
    // A hyphen of an option is a minus in roff; a line must not begin with a full stop.
    let help = help.replace('\\', "\\e").replace(" -", " \\-").replace("(-", "(\\-");
    format!("{}.", help.trim_start_matches('.').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::manual;
    use crate::options::command;

    #[test]
    fn the_manual_page_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../share/man/man8/perfdhcp.8");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == manual(),
            "cargo run -p perfdhcp --example manual > share/man/man8/perfdhcp.8"
        );
    }

    #[test]
    fn every_option_is_in_the_manual_page() {
        let manual = manual();
        for argument in command().get_arguments().filter(|argument| !argument.is_positional()) {
            let flag = match argument.get_short() {
                Some(letter) => format!("\\-{letter}"),
                None => format!("\\-\\-{}", argument.get_long().unwrap().replace('-', "\\-")),
            };
            let begins = |line: &str| {
                line == format!(".B {flag}") || line.starts_with(&format!(".BI \"{flag} \""))
            };
            assert!(manual.lines().any(begins), "{flag}");
        }
    }
}
