//! What is known of a test before there is a packet, so that a [`Dispatch`](crate::Dispatch) can tell
//! packets for which it is false without evaluating it.

use libdhcp::Universe;
use libdhcp::v4;

use crate::ast::{Representation, Root, Source, Test, Value};
use crate::code::Code;

/// What is known of a test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outline {
    /// Of each of these one is needed in order that the test be true.
    pub(crate) needs: Vec<Clause>,
    /// Whether the test looks at options of the client's message and at nothing else.
    pub(crate) is_of_options: bool,
}

/// Alternatives; without any, the test is never true.
pub(crate) type Clause = Vec<Need>;

/// Something without which a test is false.
#[derive(Clone, Debug)]
pub(crate) enum Need {
    /// A value is a constant.
    Equal(Key),
    /// The client sends an option.
    Sent(u16),
}

/// A value that is to be a constant.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// Tells the value from others.
    pub(crate) name: String,
    /// Computes the value, which does not depend on classes.
    pub(crate) code: Code,
    pub(crate) constant: Box<[u8]>,
    /// Whether the value depends on options of the client's message alone.
    pub(crate) is_of_options: bool,
}

impl Need {
    /// The value that is to be a constant, if it is about one.
    pub(crate) fn key(&self) -> Option<&Key> {
        if let Self::Equal(key) = self { Some(key) } else { None }
    }
}

impl Outline {
    /// Looks at a folded test; `compile` compiles values.
    pub(crate) fn new(
        test: &Test,
        universe: Universe,
        compile: &dyn Fn(&Value) -> Option<Code>,
    ) -> Self {
        let needs = Finder { universe, compile }.needs(test, true);
        Self { needs, is_of_options: !sees(test, &|sight| sight.is_beyond_options()) }
    }
}

/// Finds what tests need. What is behind something that may fail is not looked at: the test would fail unnoticed.
struct Finder<'c> {
    universe: Universe,
    compile: &'c dyn Fn(&Value) -> Option<Code>,
}

impl Finder<'_> {
    /// What a test needs for its result to be the wanted one.
    fn needs(&self, test: &Test, wanted: bool) -> Vec<Clause> {
        match test {
            Test::Equal(sides) if wanted => self.equal(&sides.0, &sides.1).into_iter().collect(),
            Test::Exists(source) if wanted => {
                self.sent(source).map(|code| vec![Need::Sent(code)]).into_iter().collect()
            }
            Test::Known(known) if *known != wanted => vec![Clause::new()],
            Test::Logic(operator, terms) if operator.neutral() == wanted => {
                self.needs_of_all(terms, wanted, operator.is_strict())
            }
            Test::Logic(_, terms) => {
                let each = terms.iter().map(|term| best(self.needs(term, wanted)));
                let joined: Option<Vec<Clause>> = each.collect();
                joined.map(|clauses| clauses.concat()).into_iter().collect()
            }
            Test::Not(negated) => self.needs(negated, !wanted),
            Test::VendorExists(vendor, _) if wanted => {
                vec![vec![Need::Sent(vendor.code(self.universe))]]
            }
            _ => Vec::new(),
        }
    }

    fn needs_of_all(&self, terms: &[Test], wanted: bool, is_strict: bool) -> Vec<Clause> {
        let is_sure = |at: &usize| {
            let mut others = terms.iter().enumerate().filter(|(other, _)| other != at);
            others.all(|(other, term)| (other > *at && !is_strict) || !may_fail(term))
        };
        let sure = terms.iter().enumerate().filter(|(at, _)| is_sure(at));
        sure.flat_map(|(_, term)| self.needs(term, wanted)).collect()
    }

    fn equal(&self, left: &Value, right: &Value) -> Option<Clause> {
        let (value, constant) = match (left.literal(), right.literal()) {
            (None, Some(constant)) => (left, constant),
            (Some(constant), None) => (right, constant),
            _ => return None,
        };
        if value_sees(value, &|sight| matches!(sight, Sight::Class)) {
            return None;
        }
        Some(vec![Need::Equal(Key {
            name: format!("{value:?}"),
            code: (self.compile)(value)?,
            constant: constant.into(),
            is_of_options: !value_sees(value, &|sight| sight.is_beyond_options()),
        })])
    }

    /// The option of the client's message without which another one does not exist.
    fn sent(&self, source: &Source) -> Option<u16> {
        match source.root {
            Root::Message => source.codes.first().copied(),
            Root::Relay4 => Some(v4::code::RELAY_AGENT_INFORMATION.into()),
            Root::Relay6(_) => None,
            Root::Vendor(_) => Some(self.universe.vendor_options_code()),
        }
    }
}

/// The clause that most packets fail: values are rarer than options.
pub(crate) fn best(clauses: impl IntoIterator<Item = Clause>) -> Option<Clause> {
    clauses.into_iter().min_by_key(rank)
}

/// The lower, the fewer packets fulfil a clause.
pub(crate) fn rank(clause: &Clause) -> (bool, usize) {
    (clause.iter().any(|need| matches!(need, Need::Sent(_))), clause.len())
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
