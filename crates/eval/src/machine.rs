//! Carries out the operations of a program over a packet.
//!
//! Nothing allocates: values are pointed at where they lie or made in the worker's scratch memory,
//! and the stack has a fixed size that the compiler has checked. Each operation is carried out at
//! most once, so an evaluation ends. A test of the common kind, part of an option compared with a
//! constant, is one operation and takes 6 to 9 ns.

use std::fmt::Display;
use std::net::IpAddr;

use arrayvec::ArrayVec;
use kea_log::Message;

use crate::ast::{Representation, Vendor};
use crate::bytes;
use crate::code::{Code, Comparison, Op, Operand, STACK_MAX};
use crate::context::{FieldValue, PacketContext};
use crate::messages;
use crate::program::EvalError;
use crate::scratch::{Scratch, Slice};
use crate::trace::Watch;

mod values;
mod vendor;

/// Evaluates a test.
#[inline]
pub(crate) fn test<C: PacketContext + ?Sized, W: Watch>(
    code: &Code,
    context: &C,
    scratch: &mut Scratch,
    watch: W,
) -> Result<bool, EvalError> {
    let (mut at, mut flag) = (0, false);
    if !W::ON {
        // Most tests need no more than this.
        while let Some(op) = code.ops.get(at) {
            if !simple(*op, code, context, &mut at, &mut flag) {
                break;
            }
        }
        if at >= code.ops.len() {
            return Ok(flag);
        }
    }
    rest_of_test(code, context, scratch, watch, (at, flag))
}

#[inline(never)]
fn rest_of_test<C: PacketContext + ?Sized, W: Watch>(
    code: &Code,
    context: &C,
    scratch: &mut Scratch,
    watch: W,
    (at, flag): (usize, bool),
) -> Result<bool, EvalError> {
    let mut machine = Machine::new(code, context, scratch, watch);
    machine.flag = flag;
    machine.run(at)?;
    Ok(machine.flag)
}

/// Carries out the operation, if it needs nothing but the flag, and goes on to the next one.
#[inline(always)]
fn simple<C: PacketContext + ?Sized>(
    op: Op,
    code: &Code,
    context: &C,
    at: &mut usize,
    flag: &mut bool,
) -> bool {
    let mut next = *at + 1;
    match op {
        Op::OptionIs { code: option, is_string, window, constant } => {
            let body = context.option(option).unwrap_or_default();
            let body = if is_string { bytes::trimmed(body) } else { body };
            *flag = bytes::equal(window.of(body), code.constant_bytes(constant));
        }
        Op::OptionStarts { code: option, constant } => {
            let constant = code.constant_bytes(constant);
            let start = context.option(option).and_then(|body| body.get(..constant.len()));
            *flag = start.is_some_and(|start| bytes::equal(start, constant));
        }
        Op::FieldIs { field, window, constant } => {
            let constant = code.constant_bytes(constant);
            let is_equal = |bytes: &[u8]| bytes::equal(window.of(bytes), constant);
            *flag = match context.field(field) {
                FieldValue::Absent => is_equal(&[]),
                FieldValue::Address(IpAddr::V4(address)) => is_equal(&address.octets()),
                FieldValue::Address(IpAddr::V6(address)) => is_equal(&address.octets()),
                FieldValue::Bytes(bytes) => is_equal(bytes),
                FieldValue::Number(number) => is_equal(&number.to_be_bytes()),
            };
        }
        Op::Has(option, is_string) => {
            let body = context.option(option);
            *flag = body.is_some_and(|body| !is_string || !bytes::trimmed(body).is_empty());
        }
        Op::Member(class, _) => *flag = context.is_member(class),
        Op::Not => *flag = !*flag,
        Op::JumpIfFalse(target) if !*flag => next = target as usize,
        Op::JumpIfTrue(target) if *flag => next = target as usize,
        Op::JumpIfFalse(_) | Op::JumpIfTrue(_) => {}
        _ => return false,
    }
    *at = next;
    true
}

/// Evaluates a value.
pub(crate) fn value<'r, C: PacketContext + ?Sized, W: Watch>(
    code: &'r Code,
    context: &'r C,
    scratch: &'r mut Scratch,
    watch: W,
) -> Result<&'r [u8], EvalError> {
    let mut machine = Machine::new(code, context, scratch, watch);
    machine.run(0)?;
    let result = machine.pop();
    Ok(machine.scratch.bytes(result))
}

/// State of one evaluation.
struct Machine<'p, 's, C: ?Sized, W> {
    code: &'p Code,
    context: &'p C,
    scratch: &'s mut Scratch,
    watch: W,
    stack: ArrayVec<Slice<'p>, STACK_MAX>,
    /// Result of the last test.
    flag: bool,
    /// Flags that were kept, the last one lowest.
    kept: u64,
}

impl<'p, 's, C: PacketContext + ?Sized, W: Watch> Machine<'p, 's, C, W> {
    #[inline]
    fn new(code: &'p Code, context: &'p C, scratch: &'s mut Scratch, watch: W) -> Self {
        scratch.clear();
        Self { code, context, scratch, watch, stack: ArrayVec::new(), flag: false, kept: 0 }
    }

    /// Carries out the operations from `at` on.
    fn run(&mut self, mut at: usize) -> Result<(), EvalError> {
        while let Some(op) = self.code.ops.get(at) {
            if !W::ON && simple(*op, self.code, self.context, &mut at, &mut self.flag) {
                continue;
            }
            at += 1;
            match *op {
                Op::Is(comparison) => self.flag = self.compare(comparison)?,
                Op::JumpIfFalse(target) if !self.flag => {
                    at = target as usize;
                    self.note(&messages::EVAL_DEBUG_POP_OR_BRANCH_FALSE, &[&target]);
                }
                Op::JumpIfTrue(target) if self.flag => {
                    at = target as usize;
                    self.note(&messages::EVAL_DEBUG_POP_OR_BRANCH_TRUE, &[&target]);
                }
                Op::JumpIfFalse(_) | Op::JumpIfTrue(_) => {}
                Op::BranchIfFalse(target) => {
                    if !self.flag {
                        at = target as usize;
                        self.note(&messages::EVAL_DEBUG_POP_AND_BRANCH_FALSE, &[&target]);
                    }
                }
                Op::Jump(target) => {
                    at = target as usize;
                    self.note(&messages::EVAL_DEBUG_BRANCH, &[&target]);
                }
                Op::Exists(path) => self.flag = self.exists(path)?,
                Op::Member(class, name) => {
                    let is_member = self.context.is_member(class);
                    self.flag = is_member;
                    if W::ON {
                        let name = self.code.constant_bytes(name).escape_ascii();
                        self.note(&messages::EVAL_DEBUG_MEMBER, &[&name, &is_member]);
                    }
                }
                Op::Value(op) => {
                    let value = self.value(op)?;
                    self.push(value);
                }
                op => self.other_test(op),
            }
        }
        Ok(())
    }

    /// Tests that are less frequent; none of them fails.
    fn other_test(&mut self, op: Op) {
        match op {
            Op::And | Op::Or => {
                let (earlier, later) = (self.take_kept(), self.flag);
                let is_and = matches!(op, Op::And);
                let result = if is_and { earlier && later } else { earlier || later };
                self.flag = result;
                let message =
                    if is_and { &messages::EVAL_DEBUG_AND } else { &messages::EVAL_DEBUG_OR };
                self.note(message, &[&earlier, &later, &result]);
            }
            Op::Equal => {
                let (right, left) = (self.pop(), self.pop());
                let (right, left) = (self.scratch.bytes(right), self.scratch.bytes(left));
                self.flag = left == right;
                if W::ON {
                    use crate::trace::Hex;
                    let values: [&dyn Display; 3] = [&Hex(left), &Hex(right), &self.flag];
                    self.watch.step(&messages::EVAL_DEBUG_EQUAL, &values);
                }
            }
            Op::Keep => self.kept = self.kept << 1 | u64::from(self.flag),
            Op::Known(known) => self.flag = known,
            Op::Match(pattern) => {
                let value = self.pop();
                let bytes = self.scratch.bytes(value);
                let pattern = self.code.patterns.get(pattern as usize);
                self.flag = pattern.is_some_and(|pattern| pattern.is_match(bytes));
                if W::ON {
                    let text = pattern.map_or("", |pattern| pattern.text());
                    let values: [&dyn Display; 3] =
                        [&text, &crate::trace::Quoted(bytes), &self.flag];
                    self.watch.step(&messages::EVAL_DEBUG_MATCH, &values);
                }
            }
            Op::Not => {
                let before = self.flag;
                self.flag = !before;
                self.note(&messages::EVAL_DEBUG_NOT, &[&before, &!before]);
            }
            Op::Select => self.select(),
            Op::VendorExists(vendor, enterprise) => {
                self.flag = self.vendor(vendor, enterprise, &false).is_some();
                if self.flag {
                    self.note_vendor_exists(vendor);
                }
            }
            _ => debug_assert!(false, "operation without meaning here"),
        }
    }

    fn select(&mut self) {
        let (otherwise, then) = (self.pop(), self.pop());
        let is_true = self.take_kept();
        let (taken, dropped) = if is_true { (then, otherwise) } else { (otherwise, then) };
        if W::ON {
            let message = if is_true {
                &messages::EVAL_DEBUG_IFELSE_TRUE
            } else {
                &messages::EVAL_DEBUG_IFELSE_FALSE
            };
            self.note_bytes(message, &[dropped, taken]);
        }
        self.push(taken);
    }

    fn compare(&mut self, comparison: Comparison) -> Result<bool, EvalError> {
        let Comparison { operand, window, constant } = comparison;
        let constant = self.code.constant_bytes(constant);
        let is_equal = |bytes: &[u8]| bytes::equal(window.of(bytes), constant);
        Ok(match operand {
            Operand::Path(path) => {
                let found = self.find(path)?.unwrap_or(Slice::EMPTY);
                is_equal(self.scratch.bytes(found))
            }
            Operand::Top => {
                let value = self.pop();
                is_equal(self.scratch.bytes(value))
            }
        })
    }

    fn find(&mut self, path: u32) -> Result<Option<Slice<'p>>, EvalError> {
        match self.code.paths.get(path as usize) {
            Some(path) => path.find(self.context, self.scratch),
            None => Ok(None),
        }
    }

    fn exists(&mut self, path: u32) -> Result<bool, EvalError> {
        let exists = self.find(path)?.is_some();
        if W::ON && !self.is_vendor_missing(path, &exists) {
            let quoted: &dyn Display = if exists { &"'true'" } else { &"'false'" };
            if let Some(path) = self.code.paths.get(path as usize) {
                self.watch.step(&messages::EVAL_DEBUG_OPTION, &[path, quoted]);
            }
        }
        Ok(exists)
    }

    #[inline]
    fn push(&mut self, value: Slice<'p>) {
        let pushed = self.stack.try_push(value);
        debug_assert!(pushed.is_ok(), "the compiler has counted the values");
    }

    #[inline]
    fn pop(&mut self) -> Slice<'p> {
        debug_assert!(!self.stack.is_empty(), "the compiler has paired pushes and pops");
        self.stack.pop().unwrap_or(Slice::EMPTY)
    }

    fn take_kept(&mut self) -> bool {
        let last = self.kept & 1 == 1;
        self.kept >>= 1;
        last
    }

    /// Reports a step.
    #[inline(always)]
    fn note(&mut self, message: &'static Message, values: &[&dyn Display]) {
        if W::ON {
            self.watch.step(message, values);
        }
    }

    /// Reports a step with values as hexadecimal digits.
    fn note_bytes(&mut self, message: &'static Message, values: &[Slice<'p>; 2]) {
        use crate::trace::Hex;
        let [one, other] = values.map(|value| Hex(self.scratch.bytes(value)));
        self.watch.step(message, &[&one, &other]);
    }
}

/// How an option with this representation is shown.
fn shown<'a>(representation: Representation, bytes: &'a [u8]) -> ShownOption<'a> {
    ShownOption { representation, bytes }
}

struct ShownOption<'a> {
    representation: Representation,
    bytes: &'a [u8],
}

impl Display for ShownOption<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.representation {
            Representation::Hex => crate::trace::Hex(self.bytes).fmt(f),
            Representation::Text => crate::trace::Quoted(self.bytes).fmt(f),
        }
    }
}

/// The messages about a vendor option: when it is missing, of another enterprise, there.
fn vendor_messages(vendor: Vendor) -> [&'static Message; 4] {
    match vendor {
        Vendor::Class => [
            &messages::EVAL_DEBUG_VENDOR_CLASS_NO_OPTION,
            &messages::EVAL_DEBUG_VENDOR_CLASS_ENTERPRISE_ID_MISMATCH,
            &messages::EVAL_DEBUG_VENDOR_CLASS_EXISTS,
            &messages::EVAL_DEBUG_VENDOR_CLASS_ENTERPRISE_ID,
        ],
        Vendor::Options => [
            &messages::EVAL_DEBUG_VENDOR_NO_OPTION,
            &messages::EVAL_DEBUG_VENDOR_ENTERPRISE_ID_MISMATCH,
            &messages::EVAL_DEBUG_VENDOR_EXISTS,
            &messages::EVAL_DEBUG_VENDOR_ENTERPRISE_ID,
        ],
    }
}
