//! From tokens to the tree, going on after errors.
//!
//! Recursive descent, no deeper than [`Limits::depth_max`](crate::Limits). Finished items wait on
//! two stacks that all levels share, so that every list and map is allocated once, at its exact
//! size. A mistake that leaves the meaning plain (a comma missing or too many, a key without
//! quotes) is reported and read as meant; damaged brackets are reported and make the document
//! unusable.

use crate::element::{Element, Entry, Map, Value};
use crate::lexer::{Lexer, Token};
use crate::position::Position;
use crate::strings::excerpt;

/// The state of reading one document.
pub(crate) struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    /// Where `token` begins.
    at: Position,
    /// The token before was bad, so that an error about what follows would only confuse.
    after_bad: bool,
    open: Vec<Open>,
    elements: Vec<Element>,
    entries: Vec<Entry>,
    made: usize,
    is_damaged: bool,
}

/// A list or map that is being read.
#[derive(Clone, Copy)]
struct Open {
    kind: Bracket,
    position: Position,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bracket {
    List,
    Map,
}

/// Keys of values that no message quotes.
const SECRET_KEYS: [&str; 2] = ["password", "secret"];

impl<'a> Parser<'a> {
    pub(crate) fn new(lexer: Lexer<'a>) -> Self {
        Self {
            lexer,
            token: Token::End,
            at: Position::NONE,
            after_bad: false,
            open: Vec::new(),
            elements: Vec::new(),
            entries: Vec::new(),
            made: 0,
            is_damaged: false,
        }
    }

    /// Reads the whole text; nothing when its structure is damaged.
    pub(crate) fn document(mut self) -> Option<Element> {
        self.advance();
        if matches!(self.token, Token::End) {
            if !self.lexer.aborted {
                self.lexer.error(self.at, "the file is empty");
            }
            return None;
        }
        let root = self.value();
        match self.token {
            Token::End => {}
            _ if self.is_damaged => {}
            Token::Bad => self.is_damaged = true,
            _ => {
                let message = format!("{} after the end of the configuration", self.found());
                self.lexer.abort(self.at, message);
            }
        }
        (!self.is_damaged && !self.lexer.aborted).then_some(root)
    }

    fn advance(&mut self) -> Token {
        let (token, at) = self.lexer.next();
        self.at = at;
        let last = std::mem::replace(&mut self.token, token);
        self.after_bad = matches!(last, Token::Bad);
        last
    }

    /// Reads a value; when none is there reports it, takes nothing and returns an invalid one.
    fn value(&mut self) -> Element {
        while matches!(self.token, Token::Colon) {
            self.lexer.error(self.at, "unexpected ':'");
            self.advance();
        }
        let position = self.at;
        let value = match self.token {
            Token::ListOpen => self.nested(Bracket::List),
            Token::MapOpen => self.nested(Bracket::Map),
            Token::Colon | Token::Comma | Token::End | Token::ListClose | Token::MapClose => {
                if !matches!(self.token, Token::End) {
                    let message = format!("a value is missing before {}", self.found());
                    self.lexer.error(position, message);
                }
                Value::Invalid
            }
            _ => self.scalar(),
        };
        self.count();
        Element { value, position }
    }

    fn scalar(&mut self) -> Value {
        let position = self.at;
        match self.advance() {
            Token::Bool(on) => Value::Bool(on),
            Token::Int(number) => Value::Int(number),
            Token::Null => Value::Null,
            Token::Real(number) => Value::Real(number),
            Token::Str(text) => Value::Str(text),
            Token::Word(text) => {
                let message = match self.lexer.is_secret {
                    true => "unknown word".into(),
                    false => format!("unknown word {}", excerpt(&text)),
                };
                self.lexer.error_with_hint(position, message, "text needs double quotes");
                Value::Invalid
            }
            Token::Bad
            | Token::Colon
            | Token::Comma
            | Token::End
            | Token::ListClose
            | Token::ListOpen
            | Token::MapClose
            | Token::MapOpen => Value::Invalid,
        }
    }

    /// Reads the list or map whose bracket is the current token.
    fn nested(&mut self, kind: Bracket) -> Value {
        let depth_max = self.lexer.limits.depth_max;
        if self.open.len() >= depth_max {
            self.lexer.abort(self.at, format!("nested deeper than {depth_max} lists and maps"));
            self.advance();
            return Value::Invalid;
        }
        self.open.push(Open { kind, position: self.at });
        self.advance();
        let value = match kind {
            Bracket::List => self.list(),
            Bracket::Map => self.map(),
        };
        self.open.pop();
        self.lexer.is_secret = false;
        value
    }

    fn list(&mut self) -> Value {
        let base = self.elements.len();
        while !self.is_closed() {
            if matches!(self.token, Token::Comma) {
                self.lexer.error(self.at, "a value is missing before ','");
                self.advance();
                continue;
            }
            let element = self.value();
            self.elements.push(element);
            if matches!(self.token, Token::Colon) {
                self.lexer.error(self.at, "a list has values only; keys need a map in { }");
                self.advance();
                self.value();
            }
            self.separator();
        }
        Value::List(self.elements.split_off(base))
    }

    fn map(&mut self) -> Value {
        let base = self.entries.len();
        while !self.is_closed() {
            let at = self.at;
            match self.token {
                Token::Comma => {
                    self.lexer.error(at, "an entry is missing before ','");
                    self.advance();
                    continue;
                }
                Token::Colon => {
                    self.lexer.error(at, "a key is missing before ':'");
                    self.advance();
                    self.value();
                }
                Token::ListOpen | Token::MapOpen => {
                    let message = format!("expected a key, found {}", self.found());
                    self.lexer.error(at, message);
                    self.value();
                }
                _ => {
                    let key = self.key();
                    let element = self.member(key.as_deref());
                    if let (Some(key), Some(element)) = (key, element) {
                        self.entries.push(Entry { key, key_position: at, element });
                    }
                }
            }
            self.separator();
        }
        let (map, repeated) = Map::from_entries(self.entries.split_off(base));
        for (entry, first) in repeated {
            let first = self.lexer.diagnostics.place(first);
            let message = format!("key '{}' is repeated, first at {first}", excerpt(&entry.key));
            self.lexer.error(entry.key_position, message);
        }
        Value::Map(Box::new(map))
    }

    /// Takes the key; nothing when it is none, which was reported.
    fn key(&mut self) -> Option<Box<str>> {
        self.count();
        if !matches!(self.token, Token::Str(_) | Token::Bad) {
            let message = format!("expected a key, found {}", self.found());
            self.lexer.error_with_hint(self.at, message, "keys are text in double quotes");
        }
        // Before the next token is read, of which the lexer may complain.
        self.lexer.is_secret = match &self.token {
            Token::Str(key) | Token::Word(key) => SECRET_KEYS.contains(&&**key),
            _ => false,
        };
        match self.advance() {
            Token::Str(key) => Some(key),
            _ => None,
        }
    }

    /// Takes the colon and the value after a key; nothing when neither is there.
    fn member(&mut self, key: Option<&str>) -> Option<Element> {
        if matches!(self.token, Token::Colon) {
            self.advance();
            return Some(self.value());
        }
        if let Some(key) = key {
            let key = excerpt(key);
            let message = format!("expected ':' after the key '{key}', found {}", self.found());
            if !matches!(self.token, Token::End) {
                self.lexer.error(self.at, message);
            }
        }
        let is_value = match self.token {
            Token::Comma | Token::End | Token::ListClose | Token::MapClose => false,
            // Most likely the next key; after a secret one it must not be shown as such.
            Token::Str(_) => self.lexer.is_secret,
            _ => true,
        };
        let invalid = Element::new(Value::Invalid, self.at);
        Some(if is_value { self.value() } else { invalid })
    }

    /// Takes the comma between items; it may be missing before the closing bracket, and only there.
    fn separator(&mut self) {
        let at = self.at;
        match self.token {
            Token::Comma => {
                self.advance();
                let extra = match (&self.token, self.open.last().map(|open| open.kind)) {
                    (Token::ListClose, Some(Bracket::List)) => "extra ',' before ']'",
                    (Token::MapClose, Some(Bracket::Map)) => "extra ',' before '}'",
                    _ => return,
                };
                let hint = "accepted, but it is not JSON";
                self.lexer.diagnostics.warning_with_hint(at, extra, hint);
            }
            Token::Bad | Token::End | Token::ListClose | Token::MapClose => {}
            _ if self.after_bad => {}
            _ => {
                let bracket = self.open.last().map_or("'}'", |open| open.kind.closing());
                let message = format!("expected ',' or {bracket}, found {}", self.found());
                self.lexer.error(at, message);
            }
        }
    }

    /// Says whether the current list or map ends here, and takes the bracket that ends it.
    fn is_closed(&mut self) -> bool {
        let Some(&current) = self.open.last() else { return true };
        let found = match self.token {
            Token::ListClose => Bracket::List,
            Token::MapClose => Bracket::Map,
            Token::End => {
                let message = format!("this {} is never closed", current.kind.opening());
                self.lexer.abort(current.position, message);
                return true;
            }
            _ => return false,
        };
        if found == current.kind {
            self.advance();
            return true;
        }
        self.is_damaged = true;
        let begin = self.lexer.diagnostics.place(current.position);
        let wanted = current.kind.closing();
        let message =
            format!("expected {wanted} for the bracket at {begin}, found {}", self.found());
        self.lexer.error(self.at, message);
        let outer = self.open.len().checked_sub(2).and_then(|outer| self.open.get(outer));
        if outer.is_none_or(|outer| outer.kind != found) {
            self.advance();
        }
        true
    }

    fn count(&mut self) {
        self.made += 1;
        let elements_max = self.lexer.limits.elements_max;
        if self.made > elements_max {
            self.lexer.abort(self.at, format!("more than {elements_max} values and keys"));
            self.token = Token::End;
        }
    }

    /// The current token in words.
    fn found(&self) -> String {
        match &self.token {
            Token::Int(_) | Token::Real(_) if self.lexer.is_secret => "a number".into(),
            Token::Str(_) if self.lexer.is_secret => "a string".into(),
            Token::Word(_) if self.lexer.is_secret => "a word".into(),
            Token::Bad => "something unreadable".into(),
            Token::Bool(on) => on.to_string(),
            Token::Colon => "':'".into(),
            Token::Comma => "','".into(),
            Token::End => "the end of the file".into(),
            Token::Int(number) => number.to_string(),
            Token::ListClose => "']'".into(),
            Token::ListOpen => "'['".into(),
            Token::MapClose => "'}'".into(),
            Token::MapOpen => "'{'".into(),
            Token::Null => "null".into(),
            Token::Real(number) => number.to_string(),
            Token::Str(text) => format!("\"{}\"", excerpt(text)),
            Token::Word(text) => excerpt(text),
        }
    }
}

impl Bracket {
    fn opening(self) -> &'static str {
        match self {
            Self::List => "'['",
            Self::Map => "'{'",
        }
    }

    fn closing(self) -> &'static str {
        match self {
            Self::List => "']'",
            Self::Map => "'}'",
        }
    }
}
