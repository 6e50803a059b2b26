//! The operations that an expression is compiled to.
//!
//! A machine with a stack of values and one flag: tests set the flag, `and` and `or` jump over what
//! need not be evaluated, their strict forms keep flags aside. Constants lie in one string of
//! bytes.

use libdhcp::Universe;

use crate::ast::{Case, IntegerKind, Representation, Vendor, Window};
use crate::classes::ClassId;
use crate::context::Field;
use crate::path::Path;
use crate::pattern::Pattern;

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) universe: Universe,
    pub(crate) ops: Vec<Op>,
    pub(crate) constants: Vec<u8>,
    pub(crate) paths: Vec<Path>,
    pub(crate) patterns: Vec<Pattern>,
    /// Classes that are referred to, ascending.
    pub(crate) classes: Vec<ClassId>,
    /// Options of the message that are looked at, ascending.
    pub(crate) options: Vec<u16>,
}

/// Most values on the stack.
pub(crate) const STACK_MAX: usize = 64;
/// Most flags kept aside.
pub(crate) const FLAGS_MAX: usize = 64;

// Two operations and more in one line of the cache.
const _: () = assert!(size_of::<Op>() <= 32);

impl Code {
    #[inline]
    pub(crate) fn constant_bytes(&self, constant: Constant) -> &[u8] {
        let (start, len) = (constant.start as usize, constant.len as usize);
        self.constants.get(start..start + len).unwrap_or_default()
    }

    /// The result, when the code consists of nothing else.
    pub(crate) fn constant(&self) -> Option<bool> {
        match self.ops.as_slice() {
            [Op::Known(known)] => Some(*known),
            _ => None,
        }
    }
}

/// Bytes among the constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Constant {
    pub(crate) start: u32,
    pub(crate) len: u32,
}

/// One operation; numbers refer to the tables of [`Code`], targets of jumps to its operations.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    /// Flag and the flag that was kept last.
    And,
    /// The two topmost values are equal.
    Equal,
    /// An option exists.
    Exists(u32),
    /// Part of a field equals a constant.
    FieldIs {
        field: Field,
        window: Window,
        constant: Constant,
    },
    /// An option of the message exists; whether it is a string.
    Has(u16, bool),
    /// Goes to the other value of `ifelse`.
    BranchIfFalse(u32),
    /// A value equals a constant.
    Is(Comparison),
    Jump(u32),
    JumpIfFalse(u32),
    JumpIfTrue(u32),
    /// Keeps the flag aside.
    Keep,
    Known(bool),
    /// The topmost value matches a pattern.
    Match(u32),
    /// Membership in a class, with its name.
    Member(ClassId, Constant),
    Not,
    /// Part of an option of the message equals a constant; whether the option is a string.
    OptionIs {
        code: u16,
        is_string: bool,
        window: Window,
        constant: Constant,
    },
    /// An option of the message begins with a constant.
    OptionStarts {
        code: u16,
        constant: Constant,
    },
    Or,
    /// Of the two topmost values the lower one when the flag that was kept last is true.
    Select,
    Value(ValueOp),
    VendorExists(Vendor, u32),
}

/// What leaves a value on the stack.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ValueOp {
    AddressText,
    Case(Case),
    ClassData { enterprise: u32, index: u8 },
    Concat,
    Constant(Constant, LiteralTrace),
    Enterprise(Vendor),
    Field(Field),
    HexText,
    IntegerText(IntegerKind),
    Option(u32, Representation),
    Split(i32),
    Substring(Window),
}

/// How a constant is shown in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LiteralTrace {
    Address,
    Hex,
    Text,
}

/// Part of something that the packet has equals a constant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Comparison {
    pub(crate) operand: Operand,
    pub(crate) window: Window,
    pub(crate) constant: Constant,
}

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operand {
    Path(u32),
    /// The topmost value.
    Top,
}
