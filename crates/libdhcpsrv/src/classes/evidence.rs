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
}

impl<'a> Evidence<'a> {
    /// Begins without facts.
    pub(super) fn new(label: &'a dyn Display) -> Self {
        let log = LogTrace { logger: &EVAL, label };
        Self { log, facts: String::new(), last: String::new() }
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
                    let value = shown_of(&name, &result);
                    self.add(format_args!("{prefix}{name} = {value}"), result.clone());
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
                let _ = write!(self.facts, ", not {}", shown(right));
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

/// The value of a field; addresses as such.
fn shown_of(name: &str, text: &str) -> String {
    let bytes = if name.ends_with("addr") { bytes_of(text) } else { None };
    let bytes = bytes.unwrap_or_default();
    let v4 = <[u8; 4]>::try_from(bytes.as_slice()).map(|octets| Ipv4Addr::from(octets).to_string());
    let v6 =
        <[u8; 16]>::try_from(bytes.as_slice()).map(|octets| Ipv6Addr::from(octets).to_string());
    v4.or(v6).unwrap_or_else(|_| shown(text))
}
