//! What expressions read from a packet: options, relays, vendors and fields.

use libdhcp::Universe;

use super::{Either, Parsed, Parser};
use crate::ast::{Representation, Root, Source, Test, Value, Vendor};
use crate::context::Field;
use crate::error::{Reason, clipped};
use crate::token::{Token, Word};

impl Parser<'_, '_> {
    /// An object where a value is wanted: `exists` is not among its ends.
    pub(super) fn object_value(&mut self) -> Parsed<Value> {
        match self.object_as(Wanted::Value)? {
            Either::Value(value) => Ok(value),
            Either::Test(_) => Err(self.unexpected(Wanted::Value.start(self.universe()))),
        }
    }

    /// An object of either type.
    pub(super) fn object(&mut self) -> Parsed<Either> {
        self.object_as(Wanted::Either)
    }

    fn object_as(&mut self, wanted: Wanted) -> Parsed<Either> {
        let Token::Word(word) = self.token else {
            return Err(self.unexpected(wanted.start(self.universe())));
        };
        match word {
            Word::Option => {
                self.advance()?;
                let first = self.code(Names::Allowed)?;
                self.chain(Root::Message, first, wanted)
            }
            Word::Relay4 => {
                self.only_in(Universe::V4, "relay4")?;
                let first = self.code(Names::Allowed)?;
                self.chain(Root::Relay4, first, wanted)
            }
            Word::Relay6 => self.relay6(wanted),
            Word::Vendor => self.vendor(Vendor::Options, wanted),
            Word::VendorClass => self.vendor(Vendor::Class, wanted),
            Word::Pkt => {
                self.advance()?;
                self.field(&PKT, PKT_EXPECTED)
            }
            Word::Pkt4 => {
                self.only_in(Universe::V4, "pkt4")?;
                self.field(&PKT4, PKT4_EXPECTED)
            }
            Word::Pkt6 => {
                self.only_in(Universe::V6, "pkt6")?;
                self.field(&PKT6, PKT6_EXPECTED)
            }
            _ => Err(self.unexpected(wanted.start(self.universe()))),
        }
    }

    /// `relay6[level].` with an option or a field of the relay message.
    fn relay6(&mut self, wanted: Wanted) -> Parsed<Either> {
        self.only_in(Universe::V6, "relay6")?;
        self.expect(Word::OpenBracket, &["'['"])?;
        let level = self.integer("level", -32, 31)? as i8;
        self.expect(Word::CloseBracket, &["']'"])?;
        self.expect(Word::Dot, &["'.'"])?;
        let field = match self.token {
            Token::Word(Word::Linkaddr) => Field::RelayLink(level),
            Token::Word(Word::Peeraddr) => Field::RelayPeer(level),
            Token::Word(Word::Option) => {
                self.advance()?;
                let first = self.code(Names::Allowed)?;
                return self.chain(Root::Relay6(level), first, wanted);
            }
            _ => return Err(self.unexpected(&["'option'", "'peeraddr'", "'linkaddr'"])),
        };
        self.advance()?;
        Ok(Either::Value(Value::Field(field)))
    }

    /// `vendor` with `.enterprise`, `[enterprise].exists` or `[enterprise].option`; `vendor-class`
    /// with `.data` instead of the option.
    fn vendor(&mut self, vendor: Vendor, wanted: Wanted) -> Parsed<Either> {
        self.advance()?;
        let Some(enterprise) = self.enterprise()? else {
            return Ok(Either::Value(Value::Enterprise(vendor)));
        };
        match (self.token, vendor) {
            (Token::Word(Word::Exists), _) if wanted == Wanted::Either => {
                self.advance()?;
                Ok(Either::Test(Test::VendorExists(vendor, enterprise)))
            }
            (Token::Word(Word::Option), Vendor::Options) => {
                self.advance()?;
                let first = self.code(Names::Allowed)?;
                self.chain(Root::Vendor(enterprise), first, wanted)
            }
            (Token::Word(Word::Data), Vendor::Class) => self.class_data(enterprise),
            (_, Vendor::Options) => Err(self.unexpected(wanted.of(&["'option'", "'exists'"]))),
            (_, Vendor::Class) => Err(self.unexpected(wanted.of(&["'data'", "'exists'"]))),
        }
    }

    /// `data` with an index, which is 0 when none is written.
    fn class_data(&mut self, enterprise: u32) -> Parsed<Either> {
        self.advance()?;
        let mut index = 0;
        if self.token == Token::Word(Word::OpenBracket) {
            self.advance()?;
            index = self.integer("index", 0, 255)? as u8;
            self.expect(Word::CloseBracket, &["']'"])?;
        }
        Ok(Either::Value(Value::ClassData { enterprise, index }))
    }

    /// `.enterprise` is `None`; otherwise the number in brackets with the dot behind it.
    fn enterprise(&mut self) -> Parsed<Option<u32>> {
        if self.token == Token::Word(Word::Dot) {
            self.advance()?;
            self.expect(Word::Enterprise, &["'enterprise'"])?;
            return Ok(None);
        }
        self.expect(Word::OpenBracket, &["'['", "'.'"])?;
        let enterprise = match self.token {
            Token::Word(Word::Star) => 0,
            Token::Integer(number) => {
                self.in_range("enterprise", number, 0, i64::from(u32::MAX))? as u32
            }
            _ => return Err(self.unexpected(&["an enterprise number", "'*'"])),
        };
        self.advance()?;
        self.expect(Word::CloseBracket, &["']'"])?;
        self.expect(Word::Dot, &["'.'"])?;
        Ok(Some(enterprise))
    }

    /// What follows the outermost option: options inside it, and the form of the last one.
    fn chain(&mut self, root: Root, first: u16, wanted: Wanted) -> Parsed<Either> {
        // Names are those of top-level options, so they mean nothing inside an option of the
        // message; Kea has them inside those of relays and vendors.
        let names = if root == Root::Message { Names::Refused } else { Names::Allowed };
        let mut source = Source { root, codes: vec![first] };
        loop {
            self.expect(Word::Dot, &["'.'"])?;
            let representation = match self.token {
                Token::Word(Word::Option) => {
                    self.advance()?;
                    source.codes.push(self.code(names)?);
                    if source.codes.len() > CODES_MAX {
                        return Err(self
                            .lexer
                            .error(self.span, Reason::TooDeep { max: CODES_MAX }));
                    }
                    continue;
                }
                Token::Word(Word::Exists) if wanted == Wanted::Either => {
                    self.advance()?;
                    return Ok(Either::Test(Test::Exists(source)));
                }
                Token::Word(Word::Hex) => Representation::Hex,
                Token::Word(Word::Text) => Representation::Text,
                _ => {
                    let expected = &["'hex'", "'text'", "'option'", "'exists'"];
                    return Err(self.unexpected(wanted.of(expected)));
                }
            };
            self.advance()?;
            return Ok(Either::Value(Value::Option(source, representation)));
        }
    }

    /// A code in brackets, by number or by name.
    fn code(&mut self, names: Names) -> Parsed<u16> {
        self.expect(Word::OpenBracket, &["'['"])?;
        let code = match (self.token, names) {
            (Token::Integer(number), _) => {
                let max = if self.universe() == Universe::V4 { 255 } else { 65535 };
                self.in_range("option code", number, 0, max)? as u16
            }
            (Token::OptionName(name), Names::Allowed) => self.code_of(name)?,
            (_, Names::Allowed) => return Err(self.unexpected(&["an option code", "its name"])),
            (_, Names::Refused) => return Err(self.unexpected(&["the code of a sub-option"])),
        };
        self.advance()?;
        self.expect(Word::CloseBracket, &["']'"])?;
        Ok(code)
    }

    fn code_of(&self, name: &str) -> Parsed<u16> {
        let definitions = self.surroundings.definitions;
        let space = self.universe().top_space();
        if let Some(definition) = definitions.by_name(space, name) {
            return Ok(definition.code);
        }
        let known = definitions.of_space(space).map(|definition| &*definition.name);
        let meant = cc::closest(name, known).map(str::to_owned);
        let reason = Reason::OptionUndefined { found: clipped(name), meant };
        Err(self.lexer.error(self.span, reason))
    }

    fn field(
        &mut self,
        fields: &[(Word, Field)],
        expected: &'static [&'static str],
    ) -> Parsed<Either> {
        self.expect(Word::Dot, &["'.'"])?;
        let found = fields.iter().find(|(word, _)| self.token == Token::Word(*word));
        let Some((_, field)) = found else { return Err(self.unexpected(expected)) };
        self.advance()?;
        Ok(Either::Value(Value::Field(*field)))
    }

    /// Checks the family and goes on to the token after the keyword.
    fn only_in(&mut self, universe: Universe, what: &'static str) -> Parsed<()> {
        if self.universe() != universe {
            let family = match universe {
                Universe::V4 => "DHCPv4",
                Universe::V6 => "DHCPv6",
            };
            return Err(self.lexer.error(self.span, Reason::WrongFamily { what, family }));
        }
        self.advance()
    }
}

/// Most options within each other that one object can name.
pub(crate) const CODES_MAX: usize = 16;

/// What the place in the grammar allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Either,
    Value,
}

impl Wanted {
    /// What may stand here, of a list whose last entry makes a test of an object.
    fn of(self, ends: &'static [&'static str]) -> &'static [&'static str] {
        match (self, ends) {
            (Self::Value, [values @ .., _]) => values,
            _ => ends,
        }
    }

    fn start(self, universe: Universe) -> &'static [&'static str] {
        match (self, universe) {
            (Self::Either, Universe::V4) => BEFORE_EITHER_4,
            (Self::Either, Universe::V6) => BEFORE_EITHER_6,
            (Self::Value, Universe::V4) => BEFORE_VALUE_4,
            (Self::Value, Universe::V6) => BEFORE_VALUE_6,
        }
    }
}

/// Whether an option may be given by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Allowed,
    Refused,
}

const BEFORE_EITHER_4: &[&str] = &[
    "'not'",
    "'('",
    "'option'",
    "'relay4'",
    "'pkt'",
    "'pkt4'",
    "'vendor'",
    "'vendor-class'",
    "'member'",
    "'match'",
    "a function",
    "a string",
    "a number",
    "an address",
];
const BEFORE_EITHER_6: &[&str] = &[
    "'not'",
    "'('",
    "'option'",
    "'relay6'",
    "'pkt'",
    "'pkt6'",
    "'vendor'",
    "'vendor-class'",
    "'member'",
    "'match'",
    "a function",
    "a string",
    "a number",
    "an address",
];
const BEFORE_VALUE_4: &[&str] = &[
    "'('",
    "'option'",
    "'relay4'",
    "'pkt'",
    "'pkt4'",
    "'vendor'",
    "'vendor-class'",
    "a function",
    "a string",
    "a number",
    "an address",
];
const BEFORE_VALUE_6: &[&str] = &[
    "'('",
    "'option'",
    "'relay6'",
    "'pkt'",
    "'pkt6'",
    "'vendor'",
    "'vendor-class'",
    "a function",
    "a string",
    "a number",
    "an address",
];

const PKT: [(Word, Field); 4] = [
    (Word::Iface, Field::Interface),
    (Word::Src, Field::Source),
    (Word::Dst, Field::Destination),
    (Word::Len, Field::Length),
];
const PKT_EXPECTED: &[&str] = &["'iface'", "'src'", "'dst'", "'len'"];

const PKT4: [(Word, Field); 9] = [
    (Word::Mac, Field::Mac),
    (Word::Hlen, Field::Hlen),
    (Word::Htype, Field::Htype),
    (Word::Ciaddr, Field::Ciaddr),
    (Word::Giaddr, Field::Giaddr),
    (Word::Yiaddr, Field::Yiaddr),
    (Word::Siaddr, Field::Siaddr),
    (Word::Msgtype, Field::MessageType),
    (Word::Transid, Field::TransactionId),
];
const PKT4_EXPECTED: &[&str] = &[
    "'mac'",
    "'hlen'",
    "'htype'",
    "'ciaddr'",
    "'giaddr'",
    "'yiaddr'",
    "'siaddr'",
    "'msgtype'",
    "'transid'",
];

const PKT6: [(Word, Field); 2] =
    [(Word::Msgtype, Field::MessageType), (Word::Transid, Field::TransactionId)];
const PKT6_EXPECTED: &[&str] = &["'msgtype'", "'transid'"];
