//! Tests of the language: what is accepted and refused, and what it yields for packets.

mod dispatch;
mod errors;
mod language;
mod packets;
mod print;
mod properties;
mod reference;
mod traces;

use libdhcp::Universe;
use libdhcp::definition::Definitions;

use crate::{
    ClassId, ClassSet, ClassTable, Compiler, Condition, EvalError, ExprError, Field, FieldValue,
    PacketContext, Scratch, ValueExpression,
};

/// A packet made of what a test says about it.
#[derive(Clone, Debug, Default)]
struct Facts {
    options: Vec<(u16, Vec<u8>)>,
    relays: Vec<RelayFacts>,
    classes: ClassSet,
}

#[derive(Clone, Debug, Default)]
struct RelayFacts {
    options: Vec<(u16, Vec<u8>)>,
    address: u8,
}

impl Facts {
    fn with(mut self, code: u16, body: &[u8]) -> Self {
        self.options.push((code, body.to_vec()));
        self
    }
}

fn first(options: &[(u16, Vec<u8>)], code: u16) -> Option<&[u8]> {
    options.iter().find(|(found, _)| *found == code).map(|(_, body)| body.as_slice())
}

impl Facts {
    fn relay(&self, level: i8) -> Option<&RelayFacts> {
        let from_client = || self.relays.len().checked_add_signed(isize::from(level));
        self.relays.get(usize::try_from(level).ok().or_else(from_client)?)
    }
}

impl PacketContext for Facts {
    fn option(&self, code: u16) -> Option<&[u8]> {
        first(&self.options, code)
    }

    fn each_code(&self, visit: &mut dyn FnMut(u16)) {
        self.options.iter().for_each(|(code, _)| visit(*code));
    }

    fn relay_option(&self, level: i8, code: u16) -> Option<&[u8]> {
        first(&self.relay(level)?.options, code)
    }

    fn field(&self, field: Field) -> FieldValue<'_> {
        let relayed = |level, low: u8| {
            let octets = |relay: &RelayFacts| [relay.address, 0, 0, 0, 0, 0, 0, low];
            self.relay(level).map_or(FieldValue::Absent, |relay| {
                let [high, .., low] = octets(relay).map(u16::from);
                FieldValue::Address(std::net::Ipv6Addr::new(high, 0, 0, 0, 0, 0, 0, low).into())
            })
        };
        match field {
            Field::Interface => FieldValue::Bytes(b"eth0"),
            Field::Mac => FieldValue::Bytes(&[2, 0, 0, 1, 2, 3]),
            Field::MessageType => FieldValue::Number(1),
            Field::TransactionId => FieldValue::Number(0x0102_0304),
            Field::Giaddr => FieldValue::Address([10, 0, 0, 1].into()),
            Field::RelayLink(level) => relayed(level, 1),
            Field::RelayPeer(level) => relayed(level, 2),
            _ => FieldValue::Number(0),
        }
    }

    fn is_member(&self, class: ClassId) -> bool {
        self.classes.contains(class)
    }
}

/// A table with the classes that tests refer to.
fn classes() -> ClassTable {
    let mut table = ClassTable::new();
    for name in ["foo", "bar", "cable-modems"] {
        table.define(name);
    }
    table
}

fn condition(universe: Universe, text: &str) -> Result<Condition, ExprError> {
    let definitions = Definitions::new(universe);
    Compiler { definitions: &definitions, classes: &mut classes() }.condition(text)
}

fn value(universe: Universe, text: &str) -> Result<ValueExpression, ExprError> {
    let definitions = Definitions::new(universe);
    Compiler { definitions: &definitions, classes: &mut classes() }.value(text)
}

/// Result of a test that must compile; both forms of the program must agree.
fn result(universe: Universe, text: &str, packet: &Facts) -> Result<bool, EvalError> {
    let condition = condition(universe, text).unwrap_or_else(|error| panic!("{text}: {error:#}"));
    let mut scratch = Scratch::new();
    let fast = condition.evaluate(packet, &mut scratch);
    let mut trace = crate::TextTrace::default();
    assert_eq!(condition.evaluate_traced(packet, &mut scratch, &mut trace), fast, "{text}");
    fast
}

/// Bytes of a value that must compile; both forms of the program must agree.
fn bytes(universe: Universe, text: &str, packet: &Facts) -> Result<Vec<u8>, EvalError> {
    let value = value(universe, text).unwrap_or_else(|error| panic!("{text}: {error:#}"));
    let mut scratch = Scratch::new();
    let fast = value.evaluate(packet, &mut scratch).map(<[u8]>::to_vec);
    let mut trace = crate::TextTrace::default();
    let plain = value.evaluate_traced(packet, &mut scratch, &mut trace).map(<[u8]>::to_vec);
    assert_eq!(plain, fast, "{text}");
    fast
}
