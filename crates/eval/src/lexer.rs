//! Text to tokens.
//!
//! The longest token wins, as in Kea: `1.2.3.4` is an address, a name before `]` is the name of an
//! option even when it is a keyword, and keywords need no blank between them. Blanks, tabs and
//! newlines separate; there are no comments and no escapes. Columns count bytes from 1.

use std::net::IpAddr;

use crate::error::{ExprError, Reason, clipped};
use crate::token::{Token, Word};

/// A piece of the expression, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Position in the text of an expression.
#[derive(Clone, Debug)]
pub(crate) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Reads the next token; after the end there is nothing but the end.
    pub(crate) fn next(&mut self) -> Result<(Token<'t>, Span), ExprError> {
        let text = self.text;
        let bytes = text.as_bytes();
        let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n');
        self.at += rest(bytes, self.at).iter().take_while(is_blank).count();
        let start = self.at;
        let here = rest(bytes, start);
        if here.is_empty() {
            return Ok((Token::End, Span { start, end: start }));
        }
        if let Some((shown, len)) = option_name(here) {
            self.at += len;
            let end = start + shown;
            return Ok((Token::OptionName(&text[start..end]), Span { start, end }));
        }
        let (token, len) = match here[0] {
            b'\'' => self.string(start)?,
            _ => self.longest(start)?,
        };
        self.at += len;
        Ok((token, Span { start, end: start + len }))
    }

    fn string(&self, start: usize) -> Result<(Token<'t>, usize), ExprError> {
        let body = &self.text[start + 1..];
        match body.find(['\'', '\n']) {
            Some(len) if body.as_bytes()[len] == b'\'' => Ok((Token::Text(&body[..len]), len + 2)),
            end => {
                let end = start + 1 + end.unwrap_or(body.len());
                Err(self.error(Span { start, end }, Reason::UnterminatedString))
            }
        }
    }

    /// Numbers, addresses, keywords and symbols.
    fn longest(&self, start: usize) -> Result<(Token<'t>, usize), ExprError> {
        let here = rest(self.text.as_bytes(), start);
        let (address, hex, integer) = (address_len(here), hex_len(here), integer_len(here));
        let word = Word::at_start(here);
        let word_len = word.map_or(0, |(_, len)| len);
        let len = address.max(hex).max(integer).max(word_len);
        let span = Span { start, end: start + len };
        let text = &self.text[span.start..span.end];
        if len == 0 {
            return Err(self.unknown(start));
        }
        let token = if len == hex {
            Token::Hex(&text[2..])
        } else if len == integer {
            let out_of_range = |_| self.error(span, Reason::IntegerTooLarge);
            Token::Integer(text.parse().map_err(out_of_range)?)
        } else if len == address {
            let wrong = |_| self.error(span, Reason::NotAnAddress { found: clipped(text) });
            Token::Address(text.parse::<IpAddr>().map_err(wrong)?)
        } else {
            word.map_or(Token::End, |(word, _)| Token::Word(word))
        };
        Ok((token, len))
    }

    /// The error for a place where no token begins: the whole word that it is part of is told.
    fn unknown(&self, at: usize) -> ExprError {
        let bytes = self.text.as_bytes();
        let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let before = bytes[..at].iter().rev().take(WORD_LEN_MAX).take_while(is_word).count();
        let after = rest(bytes, at).iter().take(WORD_LEN_MAX).take_while(is_word).count();
        if after == 0 {
            let found = self.text[at..].chars().next().unwrap_or_default();
            let span = Span { start: at, end: at + found.len_utf8() };
            return self.error(span, Reason::UnexpectedCharacter { found });
        }
        let span = Span { start: at - before, end: at + after };
        let found = &self.text[span.start..span.end];
        let meant = Word::nearest(found);
        self.error(span, Reason::UnknownWord { found: clipped(found), meant })
    }

    pub(crate) fn error(&self, span: Span, reason: Reason) -> ExprError {
        ExprError::new(self.text, span, reason)
    }
}

/// Unknown words are not followed further than this.
const WORD_LEN_MAX: usize = 64;

fn rest(bytes: &[u8], at: usize) -> &[u8] {
    bytes.get(at..).unwrap_or_default()
}

fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| belongs(**byte)).count()
}

/// Length of a name that ends before a bracket, without and with the blanks before the bracket.
fn option_name(here: &[u8]) -> Option<(usize, usize)> {
    if !here.first()?.is_ascii_alphabetic() {
        return None;
    }
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let len = run(here, is_inner);
    let blanks = run(rest(here, len), |byte| matches!(byte, b' ' | b'\t' | b'\n'));
    let is_name = here.get(len - 1)?.is_ascii_alphanumeric();
    let is_last = here.get(len + blanks) == Some(&b']');
    (is_name && is_last).then_some((len, len + blanks))
}

fn integer_len(here: &[u8]) -> usize {
    let sign = usize::from(here.first() == Some(&b'-'));
    match run(rest(here, sign), |byte| byte.is_ascii_digit()) {
        0 => 0,
        digits => sign + digits,
    }
}

fn hex_len(here: &[u8]) -> usize {
    match here {
        [b'0', b'x' | b'X', digits @ ..] => match run(digits, |byte| byte.is_ascii_hexdigit()) {
            0 => 0,
            digits => 2 + digits,
        },
        _ => 0,
    }
}

/// Length of what looks like an address: four numbers with dots, or hexadecimal groups with at
/// least two colons.
fn address_len(here: &[u8]) -> usize {
    let mut v4 = run(here, |byte| byte.is_ascii_digit());
    for _ in 0..3 {
        let digits = run(rest(here, v4 + 1), |byte| byte.is_ascii_digit());
        let is_part = v4 > 0 && digits > 0 && here.get(v4) == Some(&b'.');
        v4 = if is_part { v4 + 1 + digits } else { 0 };
    }
    let first = run(here, |byte| byte.is_ascii_hexdigit());
    if here.get(first) != Some(&b':') {
        return v4;
    }
    let second = first + 1 + run(rest(here, first + 1), |byte| byte.is_ascii_hexdigit());
    if here.get(second) != Some(&b':') {
        return v4;
    }
    let is_tail = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    v4.max(second + run(rest(here, second), is_tail))
}
