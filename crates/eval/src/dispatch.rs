//! Finds those of many tests that may be true, without evaluating each.
//!
//! Tests of client classes are alike: a hundred of them compare the same option with a hundred
//! constants. A [`Dispatch`] is made of all tests once. Per packet it yields the numbers of those
//! that have to be evaluated, in ascending order; all others are false for this packet.
//!
//! Three kinds are told apart:
//! - Tests that are false unless one of some values is one of some constants (`X == constant`, several of these joined
//!   by `or`, any of it joined with something else by `and`), when several tests have the same X: it is computed once
//!   and looked up in a table of the constants.
//! - Tests that are false unless the client sends one of some options.
//! - The rest, which is always evaluated.
//!
//! The keys do not depend on classes, so membership may change while the found tests are evaluated
//! in turn: the tests that are true are the same as if all had been evaluated. A key without a
//! result makes all of its tests be evaluated.
//!
//! Cost: for each X about 10 ns, for each option that is sent about 3 ns.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use foldhash::fast::FixedState;

use crate::ast::{Representation, Window};
use crate::bytes::trimmed;
use crate::code::{Code, Op, ValueOp};
use crate::context::{Field, FieldValue, Nothing, PacketContext};
use crate::key::{Key, Need, rank};
use crate::machine;
use crate::path::Path;
use crate::program::Condition;
use crate::scratch::{Scratch, Slice};
use crate::trace::Unwatched;

/// Tests with the same key for which a table pays; fewer are evaluated as fast.
const GROUP_LEN_MIN: usize = 3;
/// So many options are asked for one by one; if there are more, those that are sent are gone through.
const ASKED_MAX: usize = 8;

/// Tells which of many tests may be true for a packet.
#[derive(Clone, Debug, Default)]
pub struct Dispatch {
    /// Tests that are always evaluated.
    always: Set,
    /// Tests that are evaluated when the client sends an option.
    by_option: HashMap<u16, Set, FixedState>,
    /// Tests that are evaluated when a value is one of their constants.
    groups: Box<[Group]>,
}

/// Numbers of tests, a bit each.
#[derive(Clone, Debug, Default)]
struct Set(Box<[u64]>);

/// Tests with the same key.
#[derive(Clone, Debug)]
struct Group {
    /// When the client sends none of these, none of the tests is true; empty when this is not known.
    options: Box<[u16]>,
    key: KeyCode,
    /// The tests by constant. The hash needs no secret: the constants are up to the configuration.
    by_value: HashMap<Box<[u8]>, Vec<u32>, FixedState>,
    /// All tests.
    all: Set,
}

/// How a key is computed.
#[derive(Clone, Debug)]
enum KeyCode {
    /// Part of a field.
    Field { field: Field, window: Window },
    /// Part of an option of the message; whether the option is a string.
    Option { code: u16, is_string: bool, window: Window },
    /// Part of an option elsewhere.
    Path { path: Box<Path>, window: Window },
    /// Something else.
    Other(Code),
}

/// The tests that were found; belongs to a worker and is reused.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    words: Vec<u64>,
}

impl Dispatch {
    /// Takes tests, numbered from 0; for `None`, something else that is always to be evaluated.
    #[must_use]
    pub fn new<'c>(conditions: impl IntoIterator<Item = Option<&'c Condition>>) -> Self {
        let conditions: Vec<Option<&Condition>> = conditions.into_iter().collect();
        let len = conditions.len();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for condition in conditions.iter().flatten() {
            let needs = condition.needs().iter().flatten();
            let names: HashSet<&str> = needs.filter_map(Need::key).map(|key| &*key.name).collect();
            names.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
        }
        let is_shared = |need: &Need| {
            need.key().is_none_or(|key| {
                counts.get(&*key.name).is_some_and(|count| *count >= GROUP_LEN_MIN)
            })
        };
        let mut always = Set::new(len);
        let mut by_option: HashMap<u16, Set, FixedState> = HashMap::default();
        let mut by_key: BTreeMap<&str, Vec<(usize, &Key)>> = BTreeMap::new();
        for (number, condition) in conditions.iter().enumerate() {
            let Some(condition) = condition else {
                always.insert(number);
                continue;
            };
            let mut look_at = |code: u16| {
                by_option.entry(code).or_insert_with(|| Set::new(len)).insert(number);
            };
            let usable = condition.needs().iter().filter(|clause| clause.iter().all(is_shared));
            match (usable.min_by_key(|clause| rank(clause)), condition.needed_options()) {
                (Some(clause), _) => clause.iter().for_each(|need| match need {
                    Need::Equal(key) => by_key.entry(&key.name).or_default().push((number, key)),
                    Need::Sent(code) => look_at(*code),
                }),
                (None, Some(options)) => options.iter().for_each(|code| look_at(*code)),
                (None, None) => always.insert(number),
            }
        }
        let groups = by_key.values().filter_map(|members| Group::new(len, members));
        Self { always, by_option, groups: groups.collect() }
    }

    /// Finds the tests that may be true for a packet.
    pub fn find<C: PacketContext + ?Sized>(
        &self,
        context: &C,
        scratch: &mut Scratch,
        found: &mut Candidates,
    ) {
        found.words.clear();
        found.words.extend_from_slice(&self.always.0);
        if self.by_option.len() <= ASKED_MAX {
            let sent = self.by_option.iter().filter(|(code, _)| context.option(**code).is_some());
            sent.for_each(|(_, tests)| found.extend(tests));
        } else {
            context.each_code(&mut |code| {
                self.by_option.get(&code).into_iter().for_each(|tests| found.extend(tests));
            });
        }
        for group in &self.groups {
            group.find(context, scratch, found);
        }
    }
}

impl Group {
    /// Takes the tests with a key; there are `len` tests in all.
    fn new(len: usize, members: &[(usize, &Key)]) -> Option<Self> {
        let mut by_value: HashMap<_, Vec<u32>, _> = HashMap::default();
        let mut all = Set::new(len);
        for (number, key) in members {
            all.insert(*number);
            by_value.entry(key.constant.clone()).or_default().push(*number as u32);
        }
        let (_, key) = members.first()?;
        let code = &key.code;
        // Of a key that looks at options alone it is known what it is without them.
        let absent = machine::value(code, &Nothing, &mut Scratch::new(), Unwatched)
            .map(|value| by_value.contains_key(value));
        let is_skipped = key.is_of_options && absent == Ok(false);
        let options = if is_skipped { code.options.clone().into() } else { Box::default() };
        Some(Self { options, key: KeyCode::new(code), by_value, all })
    }

    fn find<C: PacketContext + ?Sized>(
        &self,
        context: &C,
        scratch: &mut Scratch,
        found: &mut Candidates,
    ) {
        let is_sent = |code: &u16| context.option(*code).is_some();
        let mut look_up = |value: &[u8]| {
            let tests = self.by_value.get(value).map_or(&[][..], Vec::as_slice);
            tests.iter().for_each(|number| found.insert(*number));
        };
        match &self.key {
            KeyCode::Option { code, is_string, window } => {
                let body = context.option(*code);
                if body.is_none() && !self.options.is_empty() {
                    return;
                }
                let body = body.unwrap_or_default();
                let body = if *is_string { trimmed(body) } else { body };
                look_up(window.of(body));
            }
            KeyCode::Field { field, window } => match context.field(*field) {
                FieldValue::Absent => look_up(&[]),
                FieldValue::Address(IpAddr::V4(address)) => look_up(window.of(&address.octets())),
                FieldValue::Address(IpAddr::V6(address)) => look_up(window.of(&address.octets())),
                FieldValue::Bytes(bytes) => look_up(window.of(bytes)),
                FieldValue::Number(number) => look_up(window.of(&number.to_be_bytes())),
            },
            KeyCode::Path { path, window } => {
                if !self.options.is_empty() && !self.options.iter().any(is_sent) {
                    return;
                }
                scratch.clear();
                match path.find(context, scratch) {
                    Ok(body) => look_up(window.of(scratch.bytes(body.unwrap_or(Slice::EMPTY)))),
                    Err(_) => found.extend(&self.all),
                }
            }
            KeyCode::Other(code) => {
                if !self.options.is_empty() && !self.options.iter().any(is_sent) {
                    return;
                }
                match machine::value(code, context, scratch, Unwatched) {
                    Ok(value) => look_up(value),
                    Err(_) => found.extend(&self.all),
                }
            }
        }
    }
}

impl KeyCode {
    fn new(code: &Code) -> Self {
        let (first, window) = match code.ops.as_slice() {
            [first] => (first, Window::ALL),
            [first, Op::Value(ValueOp::Substring(window))] => (first, *window),
            _ => return Self::Other(code.clone()),
        };
        match first {
            Op::Value(ValueOp::Field(field)) => Self::Field { field: *field, window },
            Op::Value(ValueOp::Option(path, representation)) => {
                let path = code.paths.get(*path as usize);
                let is_body =
                    |path: &&Path| path.is_string() || *representation == Representation::Hex;
                match path.filter(is_body).map(|path| (path, path.as_single())) {
                    Some((_, Some((code, is_string)))) => Self::Option { code, is_string, window },
                    Some((path, None)) => Self::Path { path: path.clone().into(), window },
                    None => Self::Other(code.clone()),
                }
            }
            _ => Self::Other(code.clone()),
        }
    }
}

impl Candidates {
    /// Starts with none.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The numbers of the tests, ascending.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                // Nothing is left when there are no more bits.
                rest = rest.checked_sub(1)? & rest;
                Some(at * 64 + bit)
            })
        })
    }

    #[inline]
    fn insert(&mut self, number: u32) {
        if let Some(word) = self.words.get_mut(number as usize / 64) {
            *word |= 1 << (number % 64);
        }
    }

    fn extend(&mut self, tests: &Set) {
        self.words.iter_mut().zip(&tests.0).for_each(|(word, other)| *word |= other);
    }
}

impl Set {
    fn new(len: usize) -> Self {
        Self(vec![0; len.div_ceil(64)].into())
    }

    fn insert(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }
}
