//! Compiled expressions: what the configuration keeps and the servers evaluate.

use libdhcp::definition::Definitions;

use crate::classes::{ClassId, ClassNames};
use crate::code::Code;
use crate::compile::{self, CompiledTest};
use crate::context::{Nothing, PacketContext};
use crate::error::ExprError;
use crate::key::{Clause, Outline};
use crate::machine;
use crate::parser::{Parser, Surroundings};
use crate::scratch::Scratch;
use crate::trace::{Trace, Unwatched, Watched};

/// Turns the text of expressions into programs; the family is that of the definitions.
#[derive(Debug)]
pub struct Compiler<'c, N> {
    /// Names and forms of options, those of the configuration included.
    pub definitions: &'c Definitions,
    /// The classes that an expression may refer to.
    pub classes: &'c mut N,
}

impl<N: ClassNames> Compiler<'_, N> {
    /// Compiles an expression that is true or false, such as `test` of a class.
    ///
    /// # Errors
    /// Says what is wrong, where, and what would be right.
    pub fn condition(&mut self, text: &str) -> Result<Condition, ExprError> {
        let test = self.parser(text)?.whole_test()?;
        let CompiledTest { plain, fast, outline } = compile::test(&test, text, self.definitions)?;
        Ok(Condition { program: Program { text: text.into(), plain, fast }, outline })
    }

    /// Compiles an expression that yields bytes, such as `template-test` of a class.
    ///
    /// # Errors
    /// Says what is wrong, where, and what would be right.
    pub fn value(&mut self, text: &str) -> Result<ValueExpression, ExprError> {
        let value = self.parser(text)?.whole_value()?;
        let (plain, fast) = compile::value(&value, text, self.definitions)?;
        Ok(ValueExpression { program: Program { text: text.into(), plain, fast } })
    }

    fn parser<'t>(&mut self, text: &'t str) -> Result<Parser<'t, '_>, ExprError> {
        let surroundings =
            Surroundings { definitions: self.definitions, classes: &mut *self.classes };
        Parser::new(text, surroundings)
    }
}

/// A compiled expression that is true or false.
#[derive(Clone, Debug)]
pub struct Condition {
    program: Program,
    outline: Outline,
}

impl Condition {
    /// Evaluates the expression for a packet.
    ///
    /// # Errors
    /// When a function gets what it can not work on. The packet is then not in the class.
    #[inline]
    pub fn evaluate<C: PacketContext + ?Sized>(
        &self,
        context: &C,
        scratch: &mut Scratch,
    ) -> Result<bool, EvalError> {
        machine::test(&self.program.fast, context, scratch, Unwatched)
    }

    /// Evaluates the expression step by step as it was written and reports each step.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub fn evaluate_traced<C: PacketContext + ?Sized>(
        &self,
        context: &C,
        scratch: &mut Scratch,
        trace: &mut dyn Trace,
    ) -> Result<bool, EvalError> {
        machine::test(&self.program.plain, context, scratch, Watched(trace))
    }

    /// What is known of the expression without a packet.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Of each of these one is needed in order that the test be true.
    pub(crate) fn needs(&self) -> &[Clause] {
        &self.outline.needs
    }

    /// The options without any of which the test is false, if there are such.
    pub(crate) fn needed_options(&self) -> Option<&[u16]> {
        let is_false = || self.evaluate(&Nothing, &mut Scratch::new()) == Ok(false);
        (self.outline.is_of_options && is_false()).then_some(&*self.program.fast.options)
    }
}

/// A compiled expression that yields bytes.
#[derive(Clone, Debug)]
pub struct ValueExpression {
    program: Program,
}

impl ValueExpression {
    /// Evaluates the expression for a packet; the bytes lie in the packet, the program or the
    /// scratch memory.
    ///
    /// # Errors
    /// When a function gets what it can not work on.
    #[inline]
    pub fn evaluate<'r, C: PacketContext + ?Sized>(
        &'r self,
        context: &'r C,
        scratch: &'r mut Scratch,
    ) -> Result<&'r [u8], EvalError> {
        machine::value(&self.program.fast, context, scratch, Unwatched)
    }

    /// Evaluates the expression step by step as it was written and reports each step.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub fn evaluate_traced<'r, C: PacketContext + ?Sized>(
        &'r self,
        context: &'r C,
        scratch: &'r mut Scratch,
        trace: &mut dyn Trace,
    ) -> Result<&'r [u8], EvalError> {
        machine::value(&self.program.plain, context, scratch, Watched(trace))
    }

    /// What is known of the expression without a packet.
    #[must_use]
    pub fn program(&self) -> &Program {
        &self.program
    }
}

/// What both kinds of compiled expressions have.
#[derive(Clone, Debug)]
pub struct Program {
    text: Box<str>,
    /// Every operation as it was written, for traces.
    plain: Code,
    /// The same with constants folded and frequent comparisons as one operation.
    fast: Code,
}

impl Program {
    /// The expression as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The classes that the expression refers to, ascending by number.
    #[must_use]
    pub fn classes(&self) -> &[ClassId] {
        &self.plain.classes
    }

    /// Codes of the options of the client's message that the expression looks at, ascending.
    #[must_use]
    pub fn options(&self) -> &[u16] {
        &self.plain.options
    }

    /// The result, when it is the same for every packet: always true, always false.
    #[must_use]
    pub fn constant(&self) -> Option<bool> {
        self.fast.constant()
    }
}

/// The reason why an expression has no result for a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// `addrtotext` got what is no address.
    #[error("addrtotext needs 4 or 16 bytes, found {found}")]
    AddressLength {
        /// Bytes of the argument.
        found: usize,
    },
    /// A function for numbers got another number of bytes.
    #[error("{function} needs {expected} bytes, found {found}")]
    IntegerLength {
        /// Name of the function.
        function: &'static str,
        /// Bytes it works on.
        expected: usize,
        /// Bytes of the argument.
        found: usize,
    },
    /// The values are longer together than the scratch memory.
    #[error("the values of the expression have more than {} bytes", Scratch::LEN)]
    NoRoom,
}
