//! The tree to operations, twice: as it was written, and folded.
//!
//! Folding computes what depends on no packet and drops tests whose result is known; it never drops
//! what may fail, except where the language itself would not have evaluated it. The folded form
//! also compares with constants in one operation.

use libdhcp::definition::Definitions;

use crate::ast::{Case, LiteralKind, Logic, Representation, Source, Test, Value, Vendor, Window};
use crate::bytes;
use crate::code::{
    Code, Comparison, Constant, FLAGS_MAX, LiteralTrace, Op, Operand, STACK_MAX, ValueOp,
};
use crate::error::{ExprError, Reason};
use crate::key::Outline;
use crate::lexer::Span;
use crate::path::Path;

/// A compiled test.
pub(crate) struct CompiledTest {
    pub(crate) plain: Code,
    pub(crate) fast: Code,
    pub(crate) outline: Outline,
}

/// Compiles a test: the plain code, the fast one, and what is known of it without a packet.
pub(crate) fn test(
    test: &Test,
    text: &str,
    definitions: &Definitions,
) -> Result<CompiledTest, ExprError> {
    let emit = |style, test: &Test| {
        let mut emitter = Emitter::new(style, definitions);
        emitter.test(test);
        emitter.finish(text)
    };
    let folded = folded_test(test);
    let compile = |value: &Value| {
        let mut emitter = Emitter::new(Style::Fast, definitions);
        emitter.value(value);
        emitter.finish(text).ok()
    };
    let outline = Outline::new(&folded, definitions.universe(), &compile);
    let (plain, fast) = (emit(Style::Plain, test)?, emit(Style::Fast, &folded)?);
    Ok(CompiledTest { plain, fast, outline })
}

/// Compiles a value: the plain code and the fast one.
pub(crate) fn value(
    value: &Value,
    text: &str,
    definitions: &Definitions,
) -> Result<(Code, Code), ExprError> {
    let emit = |style, value: &Value| {
        let mut emitter = Emitter::new(style, definitions);
        emitter.value(value);
        emitter.finish(text)
    };
    Ok((emit(Style::Plain, value)?, emit(Style::Fast, &folded_value(value))?))
}

fn folded_test(test: &Test) -> Test {
    match test {
        Test::Equal(sides) => {
            let (left, right) = (folded_value(&sides.0), folded_value(&sides.1));
            match (left.literal(), right.literal()) {
                (Some(one), Some(other)) => Test::Known(one == other),
                _ => Test::Equal(Box::new((left, right))),
            }
        }
        Test::Logic(operator, terms) => folded_logic(*operator, terms),
        Test::Match(pattern, value) => {
            let value = folded_value(value);
            match value.literal() {
                Some(bytes) => Test::Known(pattern.is_match(bytes)),
                None => Test::Match(pattern.clone(), Box::new(value)),
            }
        }
        Test::Not(negated) => match folded_test(negated) {
            Test::Known(known) => Test::Known(!known),
            other => Test::Not(Box::new(other)),
        },
        Test::Exists(_) | Test::Known(_) | Test::Member(..) | Test::VendorExists(..) => {
            test.clone()
        }
    }
}

fn folded_logic(operator: Logic, terms: &[Test]) -> Test {
    let neutral = operator.neutral();
    let mut kept = Vec::new();
    for term in terms {
        match folded_test(term) {
            Test::Known(known) if known == neutral => {}
            // What follows is not evaluated.
            Test::Known(known) if !operator.is_strict() => {
                kept.push(Test::Known(known));
                break;
            }
            other => kept.push(other),
        }
    }
    if kept.iter().all(|term| matches!(term, Test::Known(_))) {
        return Test::Known(if kept.is_empty() { neutral } else { !neutral });
    }
    match <[Test; 1]>::try_from(kept) {
        Ok([only]) => only,
        Err(several) => Test::Logic(operator, several),
    }
}

fn folded_value(value: &Value) -> Value {
    let fold = |inner: &Value| folded_value(inner);
    let pair = |pair: &(Value, Value)| Box::new((fold(&pair.0), fold(&pair.1)));
    let folded = match value {
        Value::AddressText(inner) => Value::AddressText(Box::new(fold(inner))),
        Value::Case(case, inner) => Value::Case(*case, Box::new(fold(inner))),
        Value::Concat(parts) => return folded_concat(parts.iter().map(fold)),
        Value::HexText(parts) => Value::HexText(pair(parts)),
        Value::IfElse { is_strict, parts } => {
            let test = folded_test(&parts.0);
            let (then, otherwise) = (fold(&parts.1), fold(&parts.2));
            match (test, is_strict) {
                (Test::Known(true), false) => return then,
                (Test::Known(false), false) => return otherwise,
                (test, is_strict) => Value::IfElse {
                    is_strict: *is_strict,
                    parts: Box::new((test, then, otherwise)),
                },
            }
        }
        Value::IntegerText(kind, inner) => Value::IntegerText(*kind, Box::new(fold(inner))),
        Value::Split(parts, field) => Value::Split(pair(parts), *field),
        Value::Substring(inner, window) => Value::Substring(Box::new(fold(inner)), *window),
        Value::ClassData { .. }
        | Value::Enterprise(_)
        | Value::Field(_)
        | Value::Literal(..)
        | Value::Option(..) => return value.clone(),
    };
    match computed(&folded) {
        Some(bytes) => Value::Literal(LiteralKind::Text, bytes.into()),
        None => folded,
    }
}

/// Joins neighbours that are known.
fn folded_concat(parts: impl Iterator<Item = Value>) -> Value {
    let mut kept: Vec<Value> = Vec::new();
    for part in parts {
        match (kept.last_mut(), part) {
            (_, Value::Literal(_, bytes)) if bytes.is_empty() => {}
            (Some(Value::Literal(_, before)), Value::Literal(_, bytes)) => {
                *before = [&**before, &*bytes].concat().into();
            }
            (_, other) => kept.push(other),
        }
    }
    match <[Value; 1]>::try_from(kept) {
        Ok([only]) => only,
        Err(several) if several.is_empty() => Value::Literal(LiteralKind::Text, Box::default()),
        Err(several) => Value::Concat(several),
    }
}

/// The result of a function whose arguments are known, unless it fails.
fn computed(value: &Value) -> Option<Vec<u8>> {
    let mut text = String::new();
    match value {
        Value::AddressText(inner) => {
            bytes::address_text(inner.literal()?, &mut text).ok()?;
            Some(text.into_bytes())
        }
        Value::IntegerText(kind, inner) => {
            kind.text(inner.literal()?, &mut text).ok()?;
            Some(text.into_bytes())
        }
        Value::Case(Case::Lower, inner) => Some(inner.literal()?.to_ascii_lowercase()),
        Value::Case(Case::Upper, inner) => Some(inner.literal()?.to_ascii_uppercase()),
        Value::HexText(parts) => {
            let mut out = Vec::new();
            let write = |part: &[u8]| {
                out.extend_from_slice(part);
                Ok(())
            };
            bytes::hex_text(parts.0.literal()?, parts.1.literal()?, write).ok()?;
            Some(out)
        }
        Value::Split(parts, field) => {
            let (all, delimiters) = (parts.0.literal()?, parts.1.literal()?);
            let range = bytes::split_range(all, delimiters, *field);
            Some(all.get(range).unwrap_or_default().to_vec())
        }
        Value::Substring(inner, window) => Some(window.of(inner.literal()?).to_vec()),
        _ => None,
    }
}

/// Which of the two forms is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Fast,
    Plain,
}

/// Writes operations and counts what they need.
struct Emitter<'d> {
    style: Style,
    definitions: &'d Definitions,
    code: Code,
    values: usize,
    values_max: usize,
    flags: usize,
    flags_max: usize,
}

impl<'d> Emitter<'d> {
    fn new(style: Style, definitions: &'d Definitions) -> Self {
        let code = Code {
            universe: definitions.universe(),
            ops: Vec::new(),
            constants: Vec::new(),
            paths: Vec::new(),
            patterns: Vec::new(),
            classes: Vec::new(),
            options: Vec::new(),
        };
        Self { style, definitions, code, values: 0, values_max: 0, flags: 0, flags_max: 0 }
    }

    fn finish(mut self, text: &str) -> Result<Code, ExprError> {
        if self.values_max > STACK_MAX || self.flags_max > FLAGS_MAX {
            let reason = Reason::TooManyValues { max: STACK_MAX };
            return Err(ExprError::new(text, Span { start: 0, end: 0 }, reason));
        }
        self.code.classes.sort_unstable();
        self.code.classes.dedup();
        self.code.options.sort_unstable();
        self.code.options.dedup();
        Ok(self.code)
    }

    fn test(&mut self, test: &Test) {
        let op = match test {
            Test::Equal(sides) => return self.equal(&sides.0, &sides.1),
            Test::Exists(source) => {
                let path = self.path(source);
                match self.single(path).filter(|_| self.style == Style::Fast) {
                    Some((code, is_string)) => Op::Has(code, is_string),
                    None => Op::Exists(path),
                }
            }
            Test::Known(known) => Op::Known(*known),
            Test::Logic(operator, terms) => return self.logic(*operator, terms),
            Test::Match(pattern, value) => {
                self.value(value);
                self.values -= 1;
                self.code.patterns.push(pattern.clone());
                Op::Match((self.code.patterns.len() - 1) as u32)
            }
            Test::Member(class, name) => {
                self.code.classes.push(*class);
                Op::Member(*class, self.constant(name.as_bytes()))
            }
            Test::Not(negated) => {
                self.test(negated);
                Op::Not
            }
            Test::VendorExists(vendor, enterprise) => {
                self.code.options.push(vendor.code(self.code.universe));
                Op::VendorExists(*vendor, *enterprise)
            }
        };
        self.code.ops.push(op);
    }

    fn logic(&mut self, operator: Logic, terms: &[Test]) {
        let mut jumps = Vec::new();
        for (index, term) in terms.iter().enumerate() {
            self.test(term);
            let is_last = index + 1 == terms.len();
            match operator {
                Logic::And | Logic::Or => {
                    if !is_last {
                        jumps.push(self.code.ops.len());
                        self.code.ops.push(Op::Jump(0));
                    }
                }
                Logic::StrictAnd | Logic::StrictOr => {
                    if index > 0 {
                        let is_and = operator == Logic::StrictAnd;
                        self.code.ops.push(if is_and { Op::And } else { Op::Or });
                        self.flags -= 1;
                    }
                    if !is_last {
                        self.keep_flag();
                    }
                }
            }
        }
        let end = self.code.ops.len() as u32;
        for jump in jumps {
            self.code.ops[jump] = match operator {
                Logic::And | Logic::StrictAnd => Op::JumpIfFalse(end),
                Logic::Or | Logic::StrictOr => Op::JumpIfTrue(end),
            };
        }
    }

    fn equal(&mut self, left: &Value, right: &Value) {
        if self.style == Style::Fast {
            // Nothing but the order of evaluation tells the sides apart.
            let known = |value: &Value| value.literal().map(<[u8]>::to_vec);
            let split = known(right)
                .map(|bytes| (left, bytes))
                .or_else(|| known(left).map(|bytes| (right, bytes)));
            if let Some((value, bytes)) = split {
                let constant = self.constant(&bytes);
                return self.compare(value, constant);
            }
        }
        self.value(left);
        self.value(right);
        self.code.ops.push(Op::Equal);
        self.values -= 2;
    }

    fn compare(&mut self, value: &Value, constant: Constant) {
        let (inner, window) = match value {
            Value::Substring(inner, window) => (&**inner, *window),
            other => (other, Window::ALL),
        };
        let operand = match inner {
            Value::Field(field) => {
                self.code.ops.push(Op::FieldIs { field: *field, window, constant });
                return;
            }
            Value::Option(source, Representation::Hex) => {
                let path = self.path(source);
                match self.single(path) {
                    None => Operand::Path(path),
                    Some((code, is_string)) => {
                        // NULs at the end of a string are not in front of another byte.
                        let last = self.code.constant_bytes(constant).last().copied();
                        let is_start = window == Window::front(constant.len)
                            && last.is_some_and(|last| !is_string || last != 0);
                        self.code.ops.push(if is_start {
                            Op::OptionStarts { code, constant }
                        } else {
                            Op::OptionIs { code, is_string, window, constant }
                        });
                        return;
                    }
                }
            }
            other => {
                self.value(other);
                self.values -= 1;
                Operand::Top
            }
        };
        self.code.ops.push(Op::Is(Comparison { operand, window, constant }));
    }

    fn value(&mut self, value: &Value) {
        let op = match value {
            Value::AddressText(inner) => self.unary(inner, ValueOp::AddressText),
            Value::Case(case, inner) => self.unary(inner, ValueOp::Case(*case)),
            Value::ClassData { enterprise, index } => {
                self.code.options.push(Vendor::Class.code(self.code.universe));
                ValueOp::ClassData { enterprise: *enterprise, index: *index }
            }
            Value::Concat(parts) => return self.concat(parts),
            Value::Enterprise(vendor) => {
                self.code.options.push(vendor.code(self.code.universe));
                ValueOp::Enterprise(*vendor)
            }
            Value::Field(field) => ValueOp::Field(*field),
            Value::HexText(parts) => self.binary(&parts.0, &parts.1, ValueOp::HexText),
            Value::IfElse { is_strict, parts } => {
                return self.if_else(*is_strict, &parts.0, &parts.1, &parts.2);
            }
            Value::IntegerText(kind, inner) => self.unary(inner, ValueOp::IntegerText(*kind)),
            Value::Literal(kind, bytes) => {
                let shown = match kind {
                    LiteralKind::Address => LiteralTrace::Address,
                    LiteralKind::Hex | LiteralKind::Integer => LiteralTrace::Hex,
                    LiteralKind::Text => LiteralTrace::Text,
                };
                ValueOp::Constant(self.constant(bytes), shown)
            }
            Value::Option(source, representation) => {
                ValueOp::Option(self.path(source), *representation)
            }
            Value::Split(parts, field) => self.binary(&parts.0, &parts.1, ValueOp::Split(*field)),
            Value::Substring(inner, window) => self.unary(inner, ValueOp::Substring(*window)),
        };
        self.push(op);
    }

    /// The argument; the operation, which replaces it, follows.
    fn unary(&mut self, inner: &Value, op: ValueOp) -> ValueOp {
        self.value(inner);
        self.values -= 1;
        op
    }

    fn binary(&mut self, left: &Value, right: &Value, op: ValueOp) -> ValueOp {
        self.value(left);
        self.value(right);
        self.values -= 2;
        op
    }

    fn concat(&mut self, parts: &[Value]) {
        for (index, part) in parts.iter().enumerate() {
            self.value(part);
            if index > 0 {
                self.values -= 2;
                self.push(ValueOp::Concat);
            }
        }
    }

    fn if_else(&mut self, is_strict: bool, test: &Test, then: &Value, otherwise: &Value) {
        self.test(test);
        if is_strict {
            self.keep_flag();
            self.value(then);
            self.value(otherwise);
            self.code.ops.push(Op::Select);
            self.values -= 1;
            self.flags -= 1;
            return;
        }
        let branch = self.code.ops.len();
        self.code.ops.push(Op::Jump(0));
        self.value(then);
        self.values -= 1;
        let skip = self.code.ops.len();
        self.code.ops.push(Op::Jump(0));
        self.code.ops[branch] = Op::BranchIfFalse(self.code.ops.len() as u32);
        self.value(otherwise);
        self.code.ops[skip] = Op::Jump(self.code.ops.len() as u32);
    }

    fn push(&mut self, op: ValueOp) {
        self.code.ops.push(Op::Value(op));
        self.values += 1;
        self.values_max = self.values_max.max(self.values);
    }

    fn keep_flag(&mut self) {
        self.code.ops.push(Op::Keep);
        self.flags += 1;
        self.flags_max = self.flags_max.max(self.flags);
    }

    fn constant(&mut self, bytes: &[u8]) -> Constant {
        let start = self.code.constants.len() as u32;
        self.code.constants.extend_from_slice(bytes);
        Constant { start, len: bytes.len() as u32 }
    }

    /// The option, when a path leads to one of the message itself.
    fn single(&self, path: u32) -> Option<(u16, bool)> {
        self.code.paths.get(path as usize).and_then(Path::as_single)
    }

    fn path(&mut self, source: &Source) -> u32 {
        let path = Path::new(source, self.definitions);
        self.code.options.extend(path.message_code());
        if let Some(known) = self.code.paths.iter().position(|known| *known == path) {
            return known as u32;
        }
        self.code.paths.push(path);
        (self.code.paths.len() - 1) as u32
    }
}
