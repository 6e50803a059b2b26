//! Tokens to a tree: the grammar, with types.
//!
//! Recursive descent with one token in advance. Whether a parenthesis holds a test or a value is
//! known only after it, so [`Parser::any`] reads either, and the operators check what they got.
//! Depth is limited by [`NESTING_MAX`]; chains of operators are loops and cost no depth. Ranges of
//! numbers, names of options and classes and the family of each object are checked here, where the
//! place in the text is known.

mod object;

use crate::ast::{Case, IntegerKind, LiteralKind, Logic, Test, Value, Window};
use crate::classes::ClassNames;
use crate::error::{ExprError, Reason};
use crate::lexer::{Lexer, Span};
use crate::pattern::Pattern;
use crate::token::{Token, Word};
use libdhcp::Universe;
use libdhcp::definition::Definitions;

/// Most levels of parentheses, functions and negations within each other.
pub const NESTING_MAX: usize = 100;
/// Most bytes of an expression.
pub const EXPRESSION_LEN_MAX: usize = 256 * 1024;

/// Most regular expressions in one expression.
pub(crate) const PATTERNS_MAX: usize = 64;

/// What an expression may refer to.
pub(crate) struct Surroundings<'s> {
    pub(crate) definitions: &'s Definitions,
    pub(crate) classes: &'s mut dyn ClassNames,
}

/// Position in the tokens of an expression.
pub(crate) struct Parser<'t, 's> {
    lexer: Lexer<'t>,
    token: Token<'t>,
    span: Span,
    depth: usize,
    patterns: usize,
    surroundings: Surroundings<'s>,
}

/// A test or a value.
pub(crate) enum Either {
    Test(Test),
    Value(Value),
}

type Parsed<T> = Result<T, ExprError>;

impl<'t, 's> Parser<'t, 's> {
    /// Starts at the first token.
    pub(crate) fn new(text: &'t str, surroundings: Surroundings<'s>) -> Parsed<Self> {
        let mut lexer = Lexer::new(text);
        if text.len() > EXPRESSION_LEN_MAX {
            let reason = Reason::TooLong { found: text.len(), max: EXPRESSION_LEN_MAX };
            return Err(lexer.error(Span { start: 0, end: 0 }, reason));
        }
        let (token, span) = lexer.next()?;
        Ok(Self { lexer, token, span, depth: 0, patterns: 0, surroundings })
    }

    /// Reads the whole text as a test.
    pub(crate) fn whole_test(mut self) -> Parsed<Test> {
        let test = self.test()?;
        if self.token != Token::End {
            return Err(self.unexpected(AFTER_TEST));
        }
        Ok(test)
    }

    /// Reads the whole text as a value.
    pub(crate) fn whole_value(mut self) -> Parsed<Value> {
        let value = self.value()?;
        if self.token != Token::End {
            return Err(self.unexpected(AFTER_VALUE));
        }
        Ok(value)
    }

    fn test(&mut self) -> Parsed<Test> {
        let either = self.any(0)?;
        self.expect_test(either)
    }

    /// A chain of the operator with this strength, or what binds stronger.
    fn any(&mut self, strength: usize) -> Parsed<Either> {
        let Some(&operator) = Logic::BY_STRENGTH.get(strength) else { return self.comparison() };
        let word = operator_word(operator);
        let first = self.any(strength + 1)?;
        if self.token != Token::Word(word) {
            return Ok(first);
        }
        let mut terms = vec![self.expect_test(first)?];
        while self.token == Token::Word(word) {
            self.advance()?;
            let term = self.any(strength + 1)?;
            terms.push(self.expect_test(term)?);
        }
        Ok(Either::Test(Test::Logic(operator, terms)))
    }

    /// `not`, a comparison, or either alone.
    fn comparison(&mut self) -> Parsed<Either> {
        if self.token == Token::Word(Word::Not) {
            self.advance()?;
            self.deeper()?;
            let negated = self.comparison()?;
            self.depth -= 1;
            return Ok(Either::Test(Test::Not(Box::new(self.expect_test(negated)?))));
        }
        let left = match self.primary()? {
            Either::Value(first) => self.sum(first)?,
            test => return Ok(test),
        };
        if self.token != Token::Word(Word::Equal) {
            return Ok(Either::Value(left));
        }
        self.advance()?;
        let right = self.value()?;
        Ok(Either::Test(Test::Equal(Box::new((left, right)))))
    }

    /// A value with what is added to it.
    fn sum(&mut self, first: Value) -> Parsed<Value> {
        if self.token != Token::Word(Word::Plus) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.token == Token::Word(Word::Plus) {
            self.advance()?;
            parts.push(self.single_value()?);
        }
        Ok(Value::Concat(parts))
    }

    pub(super) fn value(&mut self) -> Parsed<Value> {
        let first = self.single_value()?;
        self.sum(first)
    }

    /// A value without operators outside of parentheses.
    fn single_value(&mut self) -> Parsed<Value> {
        if self.token == Token::Word(Word::OpenParenthesis) {
            self.advance()?;
            self.deeper()?;
            let value = self.value()?;
            self.depth -= 1;
            self.expect(Word::CloseParenthesis, &["')'", "'+'"])?;
            return Ok(value);
        }
        match self.literal()? {
            Some(literal) => Ok(literal),
            None => match self.function()? {
                Some(value) => Ok(value),
                None => self.object_value(),
            },
        }
    }

    /// A test or value that begins with its own token.
    fn primary(&mut self) -> Parsed<Either> {
        match self.token {
            Token::Word(Word::OpenParenthesis) => {
                self.advance()?;
                self.deeper()?;
                let either = self.any(0)?;
                self.depth -= 1;
                let expected = match either {
                    Either::Test(_) => IN_PARENTHESES_TEST,
                    Either::Value(_) => IN_PARENTHESES_VALUE,
                };
                self.expect(Word::CloseParenthesis, expected)?;
                Ok(either)
            }
            Token::Word(Word::Member) => self.member().map(Either::Test),
            Token::Word(Word::Match) => self.pattern_match().map(Either::Test),
            Token::Word(word @ (Word::Known | Word::Unknown)) => {
                self.advance()?;
                let name = if word == Word::Known { "KNOWN" } else { "UNKNOWN" };
                self.class(name, self.span).map(Either::Test)
            }
            _ => {
                if let Some(literal) = self.literal()? {
                    return Ok(Either::Value(literal));
                }
                match self.function()? {
                    Some(value) => Ok(Either::Value(value)),
                    None => self.object(),
                }
            }
        }
    }

    /// A literal, if the token is one.
    fn literal(&mut self) -> Parsed<Option<Value>> {
        let (kind, bytes) = match self.token {
            Token::Text(text) => (LiteralKind::Text, text.as_bytes().into()),
            Token::Hex(digits) => (LiteralKind::Hex, hex_bytes(digits)),
            Token::Address(std::net::IpAddr::V4(address)) => {
                (LiteralKind::Address, address.octets().to_vec())
            }
            Token::Address(std::net::IpAddr::V6(address)) => {
                (LiteralKind::Address, address.octets().to_vec())
            }
            Token::Integer(number) => {
                let number = self.in_range("number", number, 0, i64::from(u32::MAX))?;
                (LiteralKind::Integer, (number as u32).to_be_bytes().to_vec())
            }
            _ => return Ok(None),
        };
        self.advance()?;
        Ok(Some(Value::Literal(kind, bytes.into_boxed_slice())))
    }

    /// A function that yields a value, if the token names one.
    fn function(&mut self) -> Parsed<Option<Value>> {
        let Token::Word(word) = self.token else { return Ok(None) };
        if !FUNCTIONS.contains(&word) {
            return Ok(None);
        }
        self.advance()?;
        self.expect(Word::OpenParenthesis, &["'('"])?;
        self.deeper()?;
        let value = match word {
            Word::IfElse | Word::SifElse => self.if_else(word == Word::SifElse)?,
            _ => self.function_of_value(word)?,
        };
        self.depth -= 1;
        self.expect(Word::CloseParenthesis, &["')'", "'+'"])?;
        Ok(Some(value))
    }

    /// The arguments of a function whose first one is a value.
    fn function_of_value(&mut self, word: Word) -> Parsed<Value> {
        let first = self.value()?;
        Ok(match word {
            Word::Substring => {
                self.comma()?;
                let start = self.integer("start", i32::MIN, i32::MAX)?;
                self.comma()?;
                let length = if self.token == Token::Word(Word::All) {
                    self.advance()?;
                    None
                } else {
                    let expected = &["an integer", "'all'"];
                    Some(self.integer_or("length", expected, i32::MIN, i32::MAX)?)
                };
                Value::Substring(Box::new(first), Window { start, length })
            }
            Word::Split => {
                self.comma()?;
                let delimiters = self.value()?;
                self.comma()?;
                let field = self.integer("field", i32::MIN, i32::MAX)?;
                Value::Split(Box::new((first, delimiters)), field)
            }
            Word::Concat => {
                self.comma()?;
                Value::Concat(vec![first, self.value()?])
            }
            Word::Hexstring => {
                self.comma()?;
                Value::HexText(Box::new((first, self.value()?)))
            }
            Word::Lcase => Value::Case(Case::Lower, Box::new(first)),
            Word::Ucase => Value::Case(Case::Upper, Box::new(first)),
            Word::Int8ToText => Value::IntegerText(IntegerKind::Int8, Box::new(first)),
            Word::Int16ToText => Value::IntegerText(IntegerKind::Int16, Box::new(first)),
            Word::Int32ToText => Value::IntegerText(IntegerKind::Int32, Box::new(first)),
            Word::Uint8ToText => Value::IntegerText(IntegerKind::Uint8, Box::new(first)),
            Word::Uint16ToText => Value::IntegerText(IntegerKind::Uint16, Box::new(first)),
            Word::Uint32ToText => Value::IntegerText(IntegerKind::Uint32, Box::new(first)),
            _ => Value::AddressText(Box::new(first)),
        })
    }

    fn if_else(&mut self, is_strict: bool) -> Parsed<Value> {
        let test = self.test()?;
        self.comma()?;
        let then = self.value()?;
        self.comma()?;
        let otherwise = self.value()?;
        Ok(Value::IfElse { is_strict, parts: Box::new((test, then, otherwise)) })
    }

    fn pattern_match(&mut self) -> Parsed<Test> {
        self.advance()?;
        self.expect(Word::OpenParenthesis, &["'('"])?;
        let (text, span) = self.text(&["a string with a regular expression"])?;
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            return Err(self.lexer.error(span, Reason::TooManyPatterns { max: PATTERNS_MAX }));
        }
        let pattern = Pattern::new(text)
            .map_err(|problem| self.lexer.error(span, Reason::Pattern { problem }))?;
        self.comma()?;
        self.deeper()?;
        let value = self.value()?;
        self.depth -= 1;
        self.expect(Word::CloseParenthesis, &["')'", "'+'"])?;
        Ok(Test::Match(pattern, Box::new(value)))
    }

    fn member(&mut self) -> Parsed<Test> {
        self.advance()?;
        self.expect(Word::OpenParenthesis, &["'('"])?;
        let (name, span) = self.text(&["a string with the name of a class"])?;
        let test = self.class(name, span)?;
        self.expect(Word::CloseParenthesis, &["')'"])?;
        Ok(test)
    }

    fn class(&mut self, name: &str, span: Span) -> Parsed<Test> {
        let classes = &mut self.surroundings.classes;
        let Some(id) = classes.resolve(name) else {
            let found = crate::error::clipped(name);
            let meant = classes.nearest(name);
            return Err(self.lexer.error(span, Reason::ClassUndefined { found, meant }));
        };
        Ok(Test::Member(id, name.into()))
    }

    fn text(&mut self, expected: &'static [&'static str]) -> Parsed<(&'t str, Span)> {
        let (Token::Text(text), span) = (self.token, self.span) else {
            return Err(self.unexpected(expected));
        };
        self.advance()?;
        Ok((text, span))
    }

    fn expect_test(&self, either: Either) -> Parsed<Test> {
        match either {
            Either::Test(test) => Ok(test),
            Either::Value(_) => Err(self.unexpected(&["'=='", "'+'"])),
        }
    }

    pub(super) fn integer(&mut self, what: &'static str, min: i32, max: i32) -> Parsed<i32> {
        self.integer_or(what, &["an integer"], min, max)
    }

    fn integer_or(
        &mut self,
        what: &'static str,
        expected: &'static [&'static str],
        min: i32,
        max: i32,
    ) -> Parsed<i32> {
        let Token::Integer(number) = self.token else { return Err(self.unexpected(expected)) };
        let number = self.in_range(what, number, min.into(), max.into())?;
        self.advance()?;
        Ok(number as i32)
    }

    pub(super) fn in_range(
        &self,
        what: &'static str,
        found: i64,
        min: i64,
        max: i64,
    ) -> Parsed<i64> {
        if (min..=max).contains(&found) {
            return Ok(found);
        }
        Err(self.lexer.error(self.span, Reason::OutOfRange { what, found, min, max }))
    }

    fn comma(&mut self) -> Parsed<()> {
        self.expect(Word::Comma, &["','", "'+'"])
    }

    pub(super) fn expect(&mut self, word: Word, expected: &'static [&'static str]) -> Parsed<()> {
        if self.token != Token::Word(word) {
            return Err(self.unexpected(expected));
        }
        self.advance()
    }

    pub(super) fn advance(&mut self) -> Parsed<()> {
        (self.token, self.span) = self.lexer.next()?;
        Ok(())
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            return Err(self.lexer.error(self.span, Reason::TooDeep { max: NESTING_MAX }));
        }
        Ok(())
    }

    pub(super) fn universe(&self) -> Universe {
        self.surroundings.definitions.universe()
    }

    #[cold]
    pub(super) fn unexpected(&self, expected: &'static [&'static str]) -> ExprError {
        self.lexer.error(self.span, Reason::Unexpected { found: self.token.to_string(), expected })
    }
}

const AFTER_TEST: &[&str] = &["'and'", "'or'", "'sand'", "'sor'", "the end"];
const AFTER_VALUE: &[&str] = &["'+'", "the end"];
const IN_PARENTHESES_TEST: &[&str] = &["')'", "'and'", "'or'", "'sand'", "'sor'"];
const IN_PARENTHESES_VALUE: &[&str] = &["')'", "'=='", "'+'"];

const FUNCTIONS: [Word; 15] = [
    Word::AddrToText,
    Word::Concat,
    Word::Hexstring,
    Word::IfElse,
    Word::Int16ToText,
    Word::Int32ToText,
    Word::Int8ToText,
    Word::Lcase,
    Word::SifElse,
    Word::Split,
    Word::Substring,
    Word::Ucase,
    Word::Uint16ToText,
    Word::Uint32ToText,
    Word::Uint8ToText,
];

const fn operator_word(operator: Logic) -> Word {
    match operator {
        Logic::And => Word::And,
        Logic::Or => Word::Or,
        Logic::StrictAnd => Word::Sand,
        Logic::StrictOr => Word::Sor,
    }
}

/// The bytes of hexadecimal digits, which the lexer has checked; an odd number gets a leading 0.
fn hex_bytes(digits: &str) -> Vec<u8> {
    let digit = |byte: u8| util::hex::digit(byte).unwrap_or_default();
    let (first, pairs) = digits.as_bytes().split_at(digits.len() % 2);
    let odd = first.iter().map(|byte| digit(*byte));
    let even = pairs.as_chunks().0.iter().map(|[high, low]| digit(*high) << 4 | digit(*low));
    odd.chain(even).collect()
}
