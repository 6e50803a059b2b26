//! What is known of a test before there is a packet, so that a [`Dispatch`](crate::Dispatch) can tell
//! packets for which it is false without evaluating it.

use crate::ast::{Logic, Representation, Root, Source, Test, Value};

/// What is known of a test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outline {
    /// What the test needs in order to be true.
    pub(crate) key: Option<Key>,
    /// Whether the test looks at options of the client's message and at nothing else.
    pub(crate) is_of_options: bool,
}

/// The test is false unless a value is one of some constants.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The value, which does not depend on classes.
    pub(crate) value: Value,
    pub(crate) constants: Vec<Box<[u8]>>,
    /// Whether the value depends on options of the client's message alone.
    pub(crate) is_of_options: bool,
}

impl Outline {
    /// Looks at a folded test.
    pub(crate) fn new(test: &Test) -> Self {
        Self { key: key(test), is_of_options: !sees(test, &|sight| sight.is_beyond_options()) }
    }
}

/// Finds the key of a test. A test that may fail before it comes to its key has none: it would fail
/// unnoticed.
fn key(test: &Test) -> Option<Key> {
    match test {
        Test::Equal(sides) => {
            let (value, constant) = match (sides.0.literal(), sides.1.literal()) {
                (None, Some(constant)) => (&sides.0, constant),
                (Some(constant), None) => (&sides.1, constant),
                _ => return None,
            };
            let is_of_packet = !value_sees(value, &|sight| matches!(sight, Sight::Class));
            is_of_packet.then(|| Key {
                value: value.clone(),
                constants: vec![constant.into()],
                is_of_options: !value_sees(value, &|sight| sight.is_beyond_options()),
            })
        }
        Test::Logic(Logic::And | Logic::StrictAnd, terms) => {
            let (at, key) =
                terms.iter().enumerate().find_map(|(at, term)| Some((at, key(term)?)))?;
            let is_strict = matches!(test, Test::Logic(Logic::StrictAnd, _));
            let mut others = terms.iter().enumerate().filter(|(other, _)| *other != at);
            let is_sure = others.all(|(other, term)| (other > at && !is_strict) || !may_fail(term));
            is_sure.then_some(key)
        }
        Test::Logic(Logic::Or | Logic::StrictOr, terms) => {
            let mut keys = terms.iter().map(key);
            let mut all = keys.next()??;
            for key in keys {
                let Key { value, constants, .. } = key?;
                if value != all.value {
                    return None;
                }
                all.constants.extend(constants);
            }
            Some(all)
        }
        _ => None,
    }
}

/// What a test looks at.
#[derive(Clone, Copy, Debug)]
enum Sight<'t> {
    /// Membership in a class.
    Class,
    /// A field of the packet, or a fact about its arrival.
    Field,
    Option(&'t Source),
}

impl Sight<'_> {
    fn is_beyond_options(self) -> bool {
        match self {
            Self::Class | Self::Field => true,
            Self::Option(source) => matches!(source.root, Root::Relay6(_)),
        }
    }
}

/// Says whether a test looks at something of a kind.
fn sees(test: &Test, is_meant: &dyn Fn(Sight<'_>) -> bool) -> bool {
    match test {
        Test::Equal(sides) => value_sees(&sides.0, is_meant) || value_sees(&sides.1, is_meant),
        Test::Exists(source) => is_meant(Sight::Option(source)),
        Test::Known(_) | Test::VendorExists(..) => false,
        Test::Logic(_, terms) => terms.iter().any(|term| sees(term, is_meant)),
        Test::Match(_, value) => value_sees(value, is_meant),
        Test::Member(..) => is_meant(Sight::Class),
        Test::Not(negated) => sees(negated, is_meant),
    }
}

fn value_sees(value: &Value, is_meant: &dyn Fn(Sight<'_>) -> bool) -> bool {
    let inside = |inner: &Value| value_sees(inner, is_meant);
    match value {
        Value::AddressText(inner)
        | Value::Case(_, inner)
        | Value::IntegerText(_, inner)
        | Value::Substring(inner, _) => inside(inner),
        Value::ClassData { .. } | Value::Enterprise(_) | Value::Literal(..) => false,
        Value::Concat(parts) => parts.iter().any(inside),
        Value::Field(_) => is_meant(Sight::Field),
        Value::HexText(parts) | Value::Split(parts, _) => inside(&parts.0) || inside(&parts.1),
        Value::IfElse { parts, .. } => {
            sees(&parts.0, is_meant) || inside(&parts.1) || inside(&parts.2)
        }
        Value::Option(source, _) => is_meant(Sight::Option(source)),
    }
}

/// Says whether the evaluation of a test may have no result; more than need be.
fn may_fail(test: &Test) -> bool {
    match test {
        Test::Equal(sides) => may_value_fail(&sides.0) || may_value_fail(&sides.1),
        Test::Exists(source) => is_made(source),
        Test::Known(_) | Test::Member(..) | Test::VendorExists(..) => false,
        Test::Logic(_, terms) => terms.iter().any(may_fail),
        Test::Match(_, value) => may_value_fail(value),
        Test::Not(negated) => may_fail(negated),
    }
}

fn may_value_fail(value: &Value) -> bool {
    match value {
        Value::Field(_) | Value::Literal(..) => false,
        Value::Option(source, representation) => {
            *representation != Representation::Hex || is_made(source)
        }
        Value::Substring(inner, _) => may_value_fail(inner),
        _ => true,
    }
}

/// Says whether the body of an option may have to be joined first.
fn is_made(source: &Source) -> bool {
    !(source.root == Root::Message && source.codes.len() == 1)
}
