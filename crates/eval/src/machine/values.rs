//! The operations that yield values.

use std::fmt::Display;
use std::net::IpAddr;

use kea_log::Message;
use libdhcp::Universe;

use super::{Machine, shown};
use crate::ast::{Case, IntegerKind, Representation, Window};
use crate::bytes;
use crate::code::{LiteralTrace, ValueOp};
use crate::context::{Field, FieldValue, PacketContext};
use crate::messages;
use crate::program::EvalError;
use crate::scratch::Slice;
use crate::trace::{Hex, Quoted, Watch};

impl<'p, C: PacketContext + ?Sized, W: Watch> Machine<'p, '_, C, W> {
    pub(super) fn value(&mut self, op: ValueOp) -> Result<Slice<'p>, EvalError> {
        match op {
            ValueOp::AddressText => self.address_text(),
            ValueOp::Case(case) => self.case(case),
            ValueOp::ClassData { enterprise, index } => Ok(self.class_data(enterprise, index)),
            ValueOp::Concat => self.concat(),
            ValueOp::Constant(constant, kind) => {
                let bytes = self.code.constant_bytes(constant);
                match kind {
                    LiteralTrace::Address => {
                        self.note(&messages::EVAL_DEBUG_IPADDRESS, &[&Hex(bytes)]);
                    }
                    LiteralTrace::Hex => {
                        self.note(&messages::EVAL_DEBUG_HEXSTRING, &[&Hex(bytes)]);
                    }
                    LiteralTrace::Text => {
                        self.note(&messages::EVAL_DEBUG_STRING, &[&Quoted(bytes)]);
                    }
                }
                Ok(Slice::Lent(bytes))
            }
            ValueOp::Enterprise(vendor) => Ok(self.enterprise(vendor)),
            ValueOp::Field(field) => self.field(field),
            ValueOp::HexText => self.hex_text(),
            ValueOp::IntegerText(kind) => self.integer_text(kind),
            ValueOp::Option(path, representation) => self.option(path, representation),
            ValueOp::Split(field) => Ok(self.split(field)),
            ValueOp::Substring(window) => Ok(self.substring(window)),
        }
    }

    fn option(
        &mut self,
        path: u32,
        representation: Representation,
    ) -> Result<Slice<'p>, EvalError> {
        let found = self.find(path)?;
        let known = self.code.paths.get(path as usize);
        let value = match (found, known, representation) {
            (Some(body), Some(path), Representation::Text) => path.text(body, self.scratch)?,
            (Some(body), _, _) => body,
            (None, _, _) => Slice::EMPTY,
        };
        if W::ON
            && !self.is_vendor_missing(path, &"''")
            && let Some(path) = known
        {
            let shown = shown(representation, self.scratch.bytes(value));
            self.watch.step(&messages::EVAL_DEBUG_OPTION, &[path, &shown]);
        }
        Ok(value)
    }

    fn field(&mut self, field: Field) -> Result<Slice<'p>, EvalError> {
        let found = self.context.field(field);
        let value = match found {
            FieldValue::Absent => Slice::EMPTY,
            FieldValue::Address(IpAddr::V4(address)) => {
                self.scratch.make(|_, out| out.push(&address.octets()))?
            }
            FieldValue::Address(IpAddr::V6(address)) => {
                self.scratch.make(|_, out| out.push(&address.octets()))?
            }
            FieldValue::Bytes(bytes) => Slice::Lent(bytes),
            FieldValue::Number(number) => {
                self.scratch.make(|_, out| out.push(&number.to_be_bytes()))?
            }
        };
        if W::ON {
            self.note_field(field, found == FieldValue::Absent, value);
        }
        Ok(value)
    }

    fn note_field(&mut self, field: Field, is_absent: bool, value: Slice<'p>) {
        let bytes = self.scratch.bytes(value);
        let (name, level): (_, Option<i8>) = match field {
            Field::Ciaddr => ("ciaddr", None),
            Field::Destination => ("dst", None),
            Field::Giaddr => ("giaddr", None),
            Field::Hlen => ("hlen", None),
            Field::Htype => ("htype", None),
            Field::Interface => ("iface", None),
            Field::Length => ("len", None),
            Field::Mac => ("mac", None),
            Field::MessageType => ("msgtype", None),
            Field::RelayLink(level) => ("linkaddr", Some(level)),
            Field::RelayPeer(level) => ("peeraddr", Some(level)),
            Field::Siaddr => ("siaddr", None),
            Field::Source => ("src", None),
            Field::TransactionId => ("transid", None),
            Field::Yiaddr => ("yiaddr", None),
        };
        if let Some(level) = level {
            let message = if is_absent {
                &messages::EVAL_DEBUG_RELAY6_RANGE
            } else {
                &messages::EVAL_DEBUG_RELAY6
            };
            self.watch.step(message, &[&name, &level, &Hex(bytes)]);
            return;
        }
        let message = match field {
            Field::Destination | Field::Interface | Field::Length | Field::Source => {
                &messages::EVAL_DEBUG_PKT
            }
            _ if self.code.universe == Universe::V4 => &messages::EVAL_DEBUG_PKT4,
            _ => &messages::EVAL_DEBUG_PKT6,
        };
        let (quoted, digits) = (Quoted(bytes), Hex(bytes));
        let shown: &dyn Display = if field == Field::Interface { &quoted } else { &digits };
        self.watch.step(message, &[&name, shown]);
    }

    fn substring(&mut self, window: Window) -> Slice<'p> {
        let whole = self.pop();
        let len = self.scratch.bytes(whole).len();
        let part = whole.part(window.range(len));
        if W::ON {
            let start = window.start;
            let is_outside = i64::from(start) < -(len as i64) || i64::from(start) >= len as i64;
            let message = match (len, is_outside) {
                (0, _) => &messages::EVAL_DEBUG_SUBSTRING_EMPTY,
                (_, true) => &messages::EVAL_DEBUG_SUBSTRING_RANGE,
                (_, false) => &messages::EVAL_DEBUG_SUBSTRING,
            };
            let length: &dyn Display = match &window.length {
                Some(length) => length,
                None => &"all",
            };
            let (whole, part) = (Hex(self.scratch.bytes(whole)), Hex(self.scratch.bytes(part)));
            self.watch.step(message, &[length, &start, &whole, &part]);
        }
        part
    }

    fn split(&mut self, field: i32) -> Slice<'p> {
        let (delimiters, whole) = (self.pop(), self.pop());
        let (some, all) = (self.scratch.bytes(delimiters), self.scratch.bytes(whole));
        let part = whole.part(bytes::split_range(all, some, field));
        if W::ON {
            let count = all.split(|byte| some.contains(byte)).count();
            let is_there = usize::try_from(field).is_ok_and(|field| (1..=count).contains(&field));
            let message = match (all, some) {
                ([], _) => &messages::EVAL_DEBUG_SPLIT_EMPTY,
                (_, []) => &messages::EVAL_DEBUG_SPLIT_DELIM_EMPTY,
                _ if is_there => &messages::EVAL_DEBUG_SPLIT,
                _ => &messages::EVAL_DEBUG_SPLIT_FIELD_OUT_OF_RANGE,
            };
            let part = Hex(self.scratch.bytes(part));
            self.watch.step(message, &[&field, &Quoted(some), &Quoted(all), &part]);
        }
        part
    }

    fn concat(&mut self) -> Result<Slice<'p>, EvalError> {
        let (right, left) = (self.pop(), self.pop());
        let (before, after) = (self.scratch.bytes(left), self.scratch.bytes(right));
        let joined = match (before, after) {
            (_, []) => left,
            ([], _) => right,
            _ => self.scratch.make(|earlier, out| {
                out.push(left.bytes(earlier))?;
                out.push(right.bytes(earlier))
            })?,
        };
        if W::ON {
            let [left, right, joined] =
                [left, right, joined].map(|value| Hex(self.scratch.bytes(value)));
            self.watch.step(&messages::EVAL_DEBUG_CONCAT, &[&left, &right, &joined]);
        }
        Ok(joined)
    }

    fn case(&mut self, case: Case) -> Result<Slice<'p>, EvalError> {
        let value = self.pop();
        let changed = self.scratch.make(|earlier, out| {
            out.push(value.bytes(earlier))?;
            match case {
                Case::Lower => out.written().make_ascii_lowercase(),
                Case::Upper => out.written().make_ascii_uppercase(),
            }
            Ok(())
        })?;
        if W::ON {
            let message = match case {
                Case::Lower => &messages::EVAL_DEBUG_LCASE,
                Case::Upper => &messages::EVAL_DEBUG_UCASE,
            };
            let [value, changed] = [value, changed].map(|value| Quoted(self.scratch.bytes(value)));
            self.watch.step(message, &[&value, &changed]);
        }
        Ok(changed)
    }

    fn hex_text(&mut self) -> Result<Slice<'p>, EvalError> {
        let (separator, value) = (self.pop(), self.pop());
        let text = self.scratch.make(|earlier, out| {
            let (bytes, between) = (value.bytes(earlier), separator.bytes(earlier));
            bytes::hex_text(bytes, between, |part| out.push(part).map_err(|_| std::fmt::Error))
                .map_err(|_| EvalError::NoRoom)
        })?;
        if W::ON {
            let [separator, text] =
                [separator, text].map(|value| Quoted(self.scratch.bytes(value)));
            let value = Hex(self.scratch.bytes(value));
            self.watch.step(&messages::EVAL_DEBUG_TOHEXSTRING, &[&value, &separator, &text]);
        }
        Ok(text)
    }

    fn address_text(&mut self) -> Result<Slice<'p>, EvalError> {
        let value = self.pop();
        let text =
            self.scratch.make(|earlier, out| bytes::address_text(value.bytes(earlier), out))?;
        self.note_text(&messages::EVAL_DEBUG_IPADDRESSTOTEXT, value, text);
        Ok(text)
    }

    fn integer_text(&mut self, kind: IntegerKind) -> Result<Slice<'p>, EvalError> {
        let value = self.pop();
        let text = self.scratch.make(|earlier, out| kind.text(value.bytes(earlier), out))?;
        let message = match kind {
            IntegerKind::Int8 => &messages::EVAL_DEBUG_INT8TOTEXT,
            IntegerKind::Int16 => &messages::EVAL_DEBUG_INT16TOTEXT,
            IntegerKind::Int32 => &messages::EVAL_DEBUG_INT32TOTEXT,
            IntegerKind::Uint8 => &messages::EVAL_DEBUG_UINT8TOTEXT,
            IntegerKind::Uint16 => &messages::EVAL_DEBUG_UINT16TOTEXT,
            IntegerKind::Uint32 => &messages::EVAL_DEBUG_UINT32TOTEXT,
        };
        self.note_text(message, value, text);
        Ok(text)
    }

    /// Reports what was made of some bytes; of none nothing is made.
    fn note_text(&mut self, message: &'static Message, value: Slice<'p>, text: Slice<'p>) {
        if W::ON {
            let (value, text) = (self.scratch.bytes(value), self.scratch.bytes(text));
            if !value.is_empty() {
                self.watch.step(message, &[&Hex(value), &text.escape_ascii()]);
            }
        }
    }
}
