//! What a test has looked at, for the log and in few words.
//!
//! Evaluation reports each operation. Of these, what was read and what functions made of it tell why a test is false:
//! `option[60] = 'MSFT 5.0'; substring = 'MSFT', not 'APC'`. Constants, jumps and the logic between tests are in the
//! expression itself.

use std::fmt::{Display, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

use eval::messages::*;
use eval::{LogTrace, Step, Trace};
use kea_log::Message;

use crate::explain::Bytes;
use crate::loggers::EVAL;

/// Watches the evaluation of one test.
pub(super) struct Evidence<'a> {
    log: LogTrace<'a>,
    facts: String,
    /// The value that the last fact has, as the steps show it.
    last: String,
    /// Whether it is an address.
    is_address: bool,
}

impl<'a> Evidence<'a> {
    /// Begins without facts.
    pub(super) fn new(label: &'a dyn Display) -> Self {
        let log = LogTrace { logger: &EVAL, label };
        Self { log, facts: String::new(), last: String::new(), is_address: false }
    }

    /// What may have decided.
    pub(super) fn facts(&self) -> &str {
        &self.facts
    }

    fn gather(&mut self, step: &Step<'_>) {
        let is = |message: &Message| std::ptr::eq(step.message(), message);
        let value = |number: usize| step.values().get(number).map(ToString::to_string);
        let value = |number| value(number).unwrap_or_default();
        let result = value(step.values().len().saturating_sub(1));
        if SILENT.iter().any(|message| is(message)) {
            return;
        }
        if is(&EVAL_DEBUG_EQUAL) {
            return self.compare(&value(0), &value(1), result == "true");
        }
        if let Some((_, function)) = FUNCTIONS.iter().find(|(message, _)| is(message)) {
            return self.add(format_args!("{function} = {}", shown(&result)), result.clone());
        }
        let fields = [
            (&EVAL_DEBUG_OPTION, ""),
            (&EVAL_DEBUG_PKT, "pkt."),
            (&EVAL_DEBUG_PKT4, "pkt4."),
            (&EVAL_DEBUG_PKT6, "pkt6."),
        ];
        if let Some((_, prefix)) = fields.iter().find(|(message, _)| is(message)) {
            let name = value(0);
            let is_presence = prefix.is_empty() && (result == "'true'" || result == "'false'");
            return match result.as_str() {
                "'true'" if is_presence => self.add(format_args!("{name} is there"), result),
                "'false'" if is_presence => self.add(format_args!("{name} is not there"), result),
                _ => {
                    let is_address = name.ends_with("addr");
                    let value = if is_address { address(&result) } else { shown(&result) };
                    self.add(format_args!("{prefix}{name} = {value}"), result.clone());
                    self.is_address = is_address;
                }
            };
        }
        let mut text = String::new();
        step.render(&"", &mut text);
        let text = text.strip_prefix(": ").unwrap_or(&text);
        self.add(format_args!("{text}"), result);
    }

    fn compare(&mut self, left: &str, right: &str, is_equal: bool) {
        let same = |one: &str, other: &str| bytes_of(one) == bytes_of(other);
        if same(left, &self.last) {
            // What was compared has just been told.
            if !is_equal {
                let other = if self.is_address { address(right) } else { shown(right) };
                let _ = write!(self.facts, ", not {other}");
            }
        } else {
            let word = if is_equal { "is" } else { "is not" };
            self.add(format_args!("{} {word} {}", shown(left), shown(right)), String::new());
        }
        self.last.clear();
    }

    fn add(&mut self, fact: std::fmt::Arguments<'_>, value: String) {
        if !self.facts.is_empty() {
            self.facts.push_str("; ");
        }
        let _ = write!(self.facts, "{fact}");
        self.last = value;
        self.is_address = false;
    }
}

impl Trace for Evidence<'_> {
    fn step(&mut self, step: &Step<'_>) {
        self.log.step(step);
        self.gather(step);
    }
}

/// Steps that the expression itself tells.
static SILENT: [&Message; 10] = [
    &EVAL_DEBUG_AND,
    &EVAL_DEBUG_BRANCH,
    &EVAL_DEBUG_HEXSTRING,
    &EVAL_DEBUG_IPADDRESS,
    &EVAL_DEBUG_NOT,
    &EVAL_DEBUG_OR,
    &EVAL_DEBUG_POP_AND_BRANCH_FALSE,
    &EVAL_DEBUG_POP_OR_BRANCH_FALSE,
    &EVAL_DEBUG_POP_OR_BRANCH_TRUE,
    &EVAL_DEBUG_STRING,
];

/// Steps whose last value is what a function yields.
static FUNCTIONS: [(&Message, &str); 21] = [
    (&EVAL_DEBUG_CONCAT, "concat"),
    (&EVAL_DEBUG_INT16TOTEXT, "int16totext"),
    (&EVAL_DEBUG_INT32TOTEXT, "int32totext"),
    (&EVAL_DEBUG_INT8TOTEXT, "int8totext"),
    (&EVAL_DEBUG_IPADDRESSTOTEXT, "addrtotext"),
    (&EVAL_DEBUG_LCASE, "lcase"),
    (&EVAL_DEBUG_SPLIT, "split"),
    (&EVAL_DEBUG_SPLIT_DELIM_EMPTY, "split"),
    (&EVAL_DEBUG_SPLIT_EMPTY, "split"),
    (&EVAL_DEBUG_SPLIT_FIELD_OUT_OF_RANGE, "split"),
    (&EVAL_DEBUG_SUBSTRING, "substring"),
    (&EVAL_DEBUG_SUBSTRING_EMPTY, "substring"),
    (&EVAL_DEBUG_SUBSTRING_RANGE, "substring"),
    (&EVAL_DEBUG_TOHEXSTRING, "hexstring"),
    (&EVAL_DEBUG_UCASE, "ucase"),
    (&EVAL_DEBUG_UINT16TOTEXT, "uint16totext"),
    (&EVAL_DEBUG_UINT32TOTEXT, "uint32totext"),
    (&EVAL_DEBUG_UINT8TOTEXT, "uint8totext"),
    (&EVAL_DEBUG_IFELSE_FALSE, "ifelse"),
    (&EVAL_DEBUG_IFELSE_TRUE, "ifelse"),
    (&EVAL_DEBUG_VENDOR_CLASS_DATA, "vendor-class data"),
];

/// The bytes of a value that a step shows as digits or in quotes.
fn bytes_of(text: &str) -> Option<Vec<u8>> {
    if let Some(digits) = text.strip_prefix("0x") {
        let pairs = digits.as_bytes().as_chunks::<2>().0.iter();
        return pairs.map(|[high, low]| pair(*high, *low)).collect();
    }
    let quoted = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    // Digits and names go without quotes; what is escaped between quotes is compared as it is shown.
    Some(quoted.unwrap_or(text).as_bytes().to_vec()).filter(|_| !text.is_empty())
}

fn pair(high: u8, low: u8) -> Option<u8> {
    let digit = |text: u8| char::from(text).to_digit(16).map(|digit| digit as u8);
    Some(digit(high)? << 4 | digit(low)?)
}

/// A value of a step for people.
fn shown(text: &str) -> String {
    match text.strip_prefix("0x").and_then(|_| bytes_of(text)) {
        Some(bytes) if bytes.is_empty() => "nothing".to_owned(),
        Some(bytes) => Bytes(&bytes).to_string(),
        None => text.to_owned(),
    }
}

/// An address as such.
fn address(text: &str) -> String {
    let bytes = bytes_of(text).unwrap_or_default();
    let v4 = <[u8; 4]>::try_from(bytes.as_slice()).map(|octets| Ipv4Addr::from(octets).to_string());
    let v6 =
        <[u8; 16]>::try_from(bytes.as_slice()).map(|octets| Ipv6Addr::from(octets).to_string());
    v4.or(v6).unwrap_or_else(|_| shown(text))
}

#[cfg(test)]
mod tests {
    use eval::{Arrival, ClassSet, ClassTable, Compiler, Packet4, Scratch};
    use libdhcp::Universe;
    use libdhcp::definition::Definitions;
    use libdhcp::v4::{SpanTable, View};
    use util::link::{Inbound, InterfaceIndex};

    use super::*;

    /// The facts of a test over a query of vendor class `MSFT 5.0` from relay 192.0.2.1.
    fn facts(test: &str) -> String {
        let mut packet = vec![0; 236];
        packet[..3].copy_from_slice(&[1, 1, 6]);
        packet[24..28].copy_from_slice(&[192, 0, 2, 1]);
        packet[28..34].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
        packet.extend([99, 130, 83, 99, 53, 1, 1, 60, 8]);
        packet.extend(b"MSFT 5.0");
        packet.push(255);
        let mut spans = SpanTable::new();
        let view = &View::parse(&packet, &mut spans).unwrap();
        let classes = &ClassSet::with_capacity(1);
        let inbound = &Inbound {
            payload: &packet,
            interface: InterfaceIndex(2),
            source: ([0, 0, 0, 0], 68).into(),
            destination: Ipv4Addr::BROADCAST.into(),
            local: Ipv4Addr::new(192, 0, 2, 2).into(),
            link_source: None,
        };
        let arrival = Arrival { inbound, interface: "lan", classes };
        let mut table = ClassTable::new();
        let definitions = &Definitions::new(Universe::V4);
        let condition = Compiler { definitions, classes: &mut table }.condition(test).unwrap();
        let mut evidence = Evidence::new(&"client");
        let context = Packet4 { view, arrival };
        let result = condition.evaluate_traced(&context, &mut Scratch::new(), &mut evidence);
        match result {
            Ok(is_true) => format!("{is_true}: {}", evidence.facts()),
            Err(error) => format!("{}; {error}", evidence.facts()),
        }
    }

    #[test]
    fn what_decided_is_told_in_few_words() {
        for (test, expected) in [
            ("option[60].hex == 'APC'", "false: option[60] = 'MSFT 5.0', not 'APC'"),
            (
                "substring(option[60].hex, 0, 4) == 'APC '",
                "false: option[60] = 'MSFT 5.0'; substring = 'MSFT', not 'APC '",
            ),
            ("option[60].hex == 'MSFT 5.0'", "true: option[60] = 'MSFT 5.0'"),
            ("option[77].hex == 'x'", "false: option[77] = nothing, not 'x'"),
            ("option[77].exists", "false: option[77] is not there"),
            ("not option[60].exists", "false: option[60] is there"),
            ("pkt4.giaddr == 10.0.0.1", "false: pkt4.giaddr = 192.0.2.1, not 10.0.0.1"),
            (
                "pkt4.mac == 0x020000000002",
                "false: pkt4.mac = 02:00:00:00:00:01, not 02:00:00:00:00:02",
            ),
            (
                "option[77].exists or lcase(option[60].text) == 'apc'",
                "false: option[77] is not there; option[60] = 'MSFT 5.0'; lcase = 'msft 5.0', not 'apc'",
            ),
            (
                "int16totext(option[60].hex) == '1'",
                "option[60] = 'MSFT 5.0'; int16totext needs 2 bytes, found 8",
            ),
            (
                "match('APC.*', option[60].hex)",
                "false: option[60] = 'MSFT 5.0'; match of 'APC.*' on 'MSFT 5.0' is false",
            ),
            ("'a' == 'b'", "false: 'a' is not 'b'"),
        ] {
            assert_eq!(facts(test), expected, "{test}");
        }
    }
}
