//! The expression language of client classes: `substring(option[60].hex, 0, 4) == 'MSFT'`.
//!
//! Text is compiled once, when the configuration is read: a lexer and a parser with positions, a
//! check of types, names and ranges, constants folded, and operations for a small machine. Per
//! packet the machine runs over the received bytes; it allocates nothing and formats nothing, and
//! an error of evaluation is a value that the caller logs: the packet is then not in the class.
//! The language is that of Kea 1.1 and of today's Kea together; what belongs to one family is
//! refused in the other.
//!
//! Not here: client classes themselves, the order of their evaluation, and what membership brings;
//! those belong to the configuration and the servers. To them the crate offers a [`Compiler`],
//! [`Condition`]s and [`ValueExpression`]s, a [`Dispatch`] that tells which of many conditions may be
//! true for a packet, the classes and options that an expression refers to,
//! and a [`Trace`] of each operation with Kea's message ids.
//!
//! Cost: a test of the common kind takes 5 to 10 ns. Limits: [`EXPRESSION_LEN_MAX`],
//! [`NESTING_MAX`], [`Scratch::LEN`].

mod arrival;
mod ast;
mod bytes;
mod classes;
mod code;
mod compile;
mod context;
mod dispatch;
mod error;
mod key;
mod lexer;
mod machine;
pub mod messages;
mod packet4;
mod packet6;
mod parser;
mod path;
mod pattern;
mod program;
mod scratch;
mod token;
mod trace;

#[cfg(test)]
mod tests;

pub use arrival::Arrival;
pub use classes::{ClassId, ClassNames, ClassSet, ClassTable, is_built_in};
pub use context::{Field, FieldValue, PacketContext};
pub use dispatch::{Candidates, Dispatch};
pub use error::{ExprError, Reason};
pub use packet4::Packet4;
pub use packet6::Packet6;
pub use parser::{EXPRESSION_LEN_MAX, NESTING_MAX};
pub use pattern::Pattern;
pub use program::{Compiler, Condition, EvalError, Program, ValueExpression};
pub use scratch::Scratch;
pub use trace::{LogTrace, Step, TextTrace, Trace};
