//! The tree of an expression, as it was written.
//!
//! Types are in the tree: a [`Test`] is true or false, a [`Value`] is a string of bytes. Chains of
//! one operator are one node, so the depth of the tree is that of the nesting in the text.

use libdhcp::{Universe, v4, v6};

use crate::classes::ClassId;
use crate::context::Field;
use crate::pattern::Pattern;

/// Something that is true or false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// `a == b`
    Equal(Box<(Value, Value)>),
    /// `option[..].exists` and the like.
    Exists(Source),
    /// The result is known without a packet; not written, but what folding leaves.
    Known(bool),
    /// Two or more tests joined by the same operator.
    Logic(Logic, Vec<Test>),
    /// `match('pattern', a)`
    Match(Pattern, Box<Value>),
    /// `member('class')`, with number and name.
    Member(ClassId, Box<str>),
    /// `not a`
    Not(Box<Test>),
    /// `vendor[..].exists`, `vendor-class[..].exists`
    VendorExists(Vendor, u32),
}

/// The operators between tests, from the one that binds weakest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logic {
    /// `sor`: both sides are evaluated.
    StrictOr,
    /// `or`: the right side is evaluated when the left one is false.
    Or,
    /// `sand`: both sides are evaluated.
    StrictAnd,
    /// `and`: the right side is evaluated when the left one is true.
    And,
}

impl Logic {
    /// All operators, from the one that binds weakest.
    pub(crate) const BY_STRENGTH: [Self; 4] =
        [Self::StrictOr, Self::Or, Self::StrictAnd, Self::And];

    /// The value of a side that leaves the other one as it is.
    pub(crate) const fn neutral(self) -> bool {
        matches!(self, Self::And | Self::StrictAnd)
    }

    /// True when all sides are evaluated whatever the first ones are.
    pub(crate) const fn is_strict(self) -> bool {
        matches!(self, Self::StrictAnd | Self::StrictOr)
    }
}

/// A string of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// `addrtotext(a)`
    AddressText(Box<Value>),
    /// `lcase(a)`, `ucase(a)`
    Case(Case, Box<Value>),
    /// `vendor-class[..].data[..]`
    ClassData { enterprise: u32, index: u8 },
    /// `concat(a, b)`, `a + b + c`
    Concat(Vec<Value>),
    /// `vendor.enterprise`, `vendor-class.enterprise`
    Enterprise(Vendor),
    /// `pkt.`, `pkt4.`, `pkt6.`, `relay6[..].linkaddr` and `.peeraddr`
    Field(Field),
    /// `hexstring(a, separator)`
    HexText(Box<(Value, Value)>),
    /// `ifelse(test, a, b)`; `sifelse` when strict.
    IfElse { is_strict: bool, parts: Box<(Test, Value, Value)> },
    /// `int8totext(a)` and its kind.
    IntegerText(IntegerKind, Box<Value>),
    /// Bytes that were written, or that folding leaves.
    Literal(LiteralKind, Box<[u8]>),
    /// `option[..].hex` and the like.
    Option(Source, Representation),
    /// `split(a, delimiters, field)`
    Split(Box<(Value, Value)>, i32),
    /// `substring(a, start, length)`
    Substring(Box<Value>, Window),
}

impl Value {
    /// The bytes, when no packet is needed for them.
    pub(crate) fn literal(&self) -> Option<&[u8]> {
        if let Self::Literal(_, bytes) = self { Some(bytes) } else { None }
    }
}

/// How a literal was written; its bytes are the same whatever this says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LiteralKind {
    Address,
    Hex,
    Integer,
    Text,
}

/// Which case letters are turned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Lower,
    Upper,
}

/// The vendor options of RFC 3925 and RFC 8415.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    /// Vendor class: 124 or 16.
    Class,
    /// Vendor options: 125 or 17.
    Options,
}

impl Vendor {
    /// Code of the option.
    pub(crate) const fn code(self, universe: Universe) -> u16 {
        match (self, universe) {
            (Self::Class, Universe::V4) => v4::code::VIVCO_SUBOPTIONS as u16,
            (Self::Class, Universe::V6) => v6::code::VENDOR_CLASS,
            (Self::Options, _) => universe.vendor_options_code(),
        }
    }
}

/// How the body of an option becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Representation {
    Hex,
    Text,
}

/// Width and signedness of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntegerKind {
    Int8,
    Int16,
    Int32,
    Uint8,
    Uint16,
    Uint32,
}

/// The part of a value that `substring` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start: i32,
    /// `None` for `all`.
    pub(crate) length: Option<i32>,
}

/// Where an option is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) root: Root,
    /// Codes from the outside inwards, at least one.
    pub(crate) codes: Vec<u16>,
}

/// Where the outermost option of a [`Source`] lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// `option`: among the options of the client's message.
    Message,
    /// `relay4`: among the sub-options of option 82.
    Relay4,
    /// `relay6`: among the options of a relay message; from 0 counted from the server, from -1
    /// backwards counted from the client.
    Relay6(i8),
    /// `vendor`: among the options of a vendor; 0 for any.
    Vendor(u32),
}
