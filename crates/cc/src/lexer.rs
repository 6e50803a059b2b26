//! Tokens of the dialect, over the main file and the files it includes.
//!
//! An include puts the tokens of a file in its place, wherever between two tokens it stands;
//! comments, strings and includes themselves do not reach over the end of a file. The lexer reports
//! what cannot be a token and hands a [`Token::Bad`] to the parser, which goes on. Bytes in
//! comments are not looked at.

use std::borrow::Cow;

use crate::diagnostics::Diagnostics;
use crate::document::{Limits, Loader};
use crate::number::{self, Number};
use crate::position::{FileId, Position};
use crate::strings::{self, Scanned, excerpt};

/// A token; text is owned because it goes into the tree.
#[derive(Debug)]
pub(crate) enum Token {
    /// Something whose error was reported.
    Bad,
    Bool(bool),
    Colon,
    Comma,
    End,
    Int(i64),
    ListClose,
    ListOpen,
    MapClose,
    MapOpen,
    Null,
    Real(f64),
    Str(Box<str>),
    /// Text without quotes.
    Word(Box<str>),
}

/// The source of tokens.
pub(crate) struct Lexer<'a> {
    pub(crate) limits: Limits,
    pub(crate) diagnostics: &'a mut Diagnostics,
    /// What stands here is the value of a secret key, which no message quotes.
    pub(crate) is_secret: bool,
    /// Reading was given up; the reason was reported.
    pub(crate) aborted: bool,
    loader: &'a mut dyn Loader,
    source: Source<'a>,
    /// The files that include the current one.
    outer: Vec<Source<'a>>,
    includes: usize,
    bytes_total: usize,
    errors_before: usize,
}

/// A file and how far it is read.
struct Source<'a> {
    bytes: Cow<'a, [u8]>,
    at: usize,
    file: FileId,
    line: u32,
    line_start: usize,
}

/// A text in single quotes longer than this is not recognised as one.
const QUOTED_LEN_MAX: usize = 200;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl<'a> Lexer<'a> {
    /// A lexer at the beginning of `source`.
    pub(crate) fn new(
        source: &'a [u8],
        file_name: &str,
        limits: Limits,
        loader: &'a mut dyn Loader,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        let file = diagnostics.files_mut().add(file_name);
        let errors_before = diagnostics.error_count();
        let source = Source::new(Cow::Borrowed(source), file);
        let bytes_total = source.bytes.len();
        let outer = Vec::new();
        let mut lexer = Self {
            limits,
            diagnostics,
            is_secret: false,
            aborted: false,
            loader,
            source,
            outer,
            includes: 0,
            bytes_total,
            errors_before,
        };
        lexer.check_size(Position { file, line: 1, column: 1 });
        lexer
    }

    /// The next token and where it begins.
    pub(crate) fn next(&mut self) -> (Token, Position) {
        self.skip_blanks();
        let position = self.source.position();
        let Some(&byte) = self.source.rest().first() else { return (Token::End, position) };
        let token = match byte {
            b'{' => Token::MapOpen,
            b'}' => Token::MapClose,
            b'[' => Token::ListOpen,
            b']' => Token::ListClose,
            b':' => Token::Colon,
            b',' => Token::Comma,
            b'"' => return (self.string(position), position),
            b'=' | b';' => return (self.wrong_separator(byte, position), position),
            _ => return (self.word(position), position),
        };
        self.source.at += 1;
        (token, position)
    }

    /// Adds an error; too many end the reading.
    pub(crate) fn error(&mut self, position: Position, message: impl Into<Cow<'static, str>>) {
        self.diagnostics.error(position, message);
        self.count_error(position);
    }

    /// Adds an error with a remedy; too many end the reading.
    pub(crate) fn error_with_hint(
        &mut self,
        position: Position,
        message: impl Into<Cow<'static, str>>,
        hint: &'static str,
    ) {
        self.diagnostics.error_with_hint(position, message, hint);
        self.count_error(position);
    }

    /// Adds an error and ends the reading: the next token is the end.
    pub(crate) fn abort(&mut self, position: Position, message: impl Into<Cow<'static, str>>) {
        if !self.aborted {
            self.diagnostics.error(position, message);
        }
        self.aborted = true;
        self.outer.clear();
        self.source.at = self.source.bytes.len();
    }

    fn count_error(&mut self, position: Position) {
        let found = self.diagnostics.error_count() - self.errors_before;
        if found >= self.limits.syntax_errors_max {
            self.abort(position, "too many syntax errors; the rest was not read");
        }
    }

    /// Skips blanks, comments and ends of included files, and enters includes.
    fn skip_blanks(&mut self) {
        loop {
            let source = &mut self.source;
            source.skip_whitespace();
            let rest = source.rest();
            match (rest.first(), rest.get(1)) {
                (None, _) => match self.outer.pop() {
                    Some(outer) => self.source = outer,
                    None => return,
                },
                (Some(b'#'), _) | (Some(b'/'), Some(b'/')) => {
                    let len = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                    source.at += len;
                }
                (Some(b'/'), Some(b'*')) => {
                    let begin = source.position();
                    if !source.skip_block_comment() {
                        self.abort(begin, "this comment is never closed by */");
                    }
                }
                (Some(b'<'), Some(b'?')) => self.include(),
                _ => return,
            }
        }
    }

    /// Enters the file of the `<?include "file"?>` that begins here.
    fn include(&mut self) {
        let position = self.source.position();
        let rest = self.source.rest();
        let Some((path, len)) = include_path(rest) else {
            self.abort(position, "malformed include; it is written <?include \"file\"?>");
            return;
        };
        let name = excerpt(path);
        self.includes += 1;
        if self.includes > self.limits.includes_max {
            let message = format!("more than {} includes", self.limits.includes_max);
            self.abort(position, message);
            return;
        }
        if self.outer.len() >= self.limits.include_depth_max {
            let message = format!(
                "includes nested deeper than {} files, at '{name}'",
                self.limits.include_depth_max
            );
            self.abort(position, message);
            return;
        }
        let file = self.diagnostics.files_mut().add(path);
        if self.outer.iter().chain([&self.source]).any(|source| source.file == file) {
            self.abort(position, format!("the file '{name}' includes itself"));
            return;
        }
        let from = self.diagnostics.files().name(self.source.file);
        match self.loader.load(path, from) {
            Err(error) => self.abort(position, format!("cannot include '{name}': {error}")),
            Ok(bytes) => {
                self.bytes_total = self.bytes_total.saturating_add(bytes.len());
                self.source.at += len;
                let included = Source::new(Cow::Owned(bytes), file);
                self.outer.push(std::mem::replace(&mut self.source, included));
                self.check_size(position);
            }
        }
    }

    fn check_size(&mut self, position: Position) {
        if self.bytes_total > self.limits.source_bytes_max {
            let message = format!(
                "the configuration has {} bytes, more than the {} that are read",
                self.bytes_total, self.limits.source_bytes_max
            );
            self.abort(position, message);
        }
    }

    fn string(&mut self, position: Position) -> Token {
        match strings::scan(self.source.rest()) {
            Scanned::Text { text, len } => {
                self.source.at += len;
                Token::Str(text)
            }
            Scanned::Faulty { faults, len } => {
                self.source.at += len;
                for fault in faults {
                    let column = position.column.saturating_add(fault.offset as u32);
                    self.error(Position { column, ..position }, fault.what);
                }
                Token::Bad
            }
            Scanned::Unterminated { len } => {
                self.source.at += len;
                self.error(position, "unterminated string: no closing quote on its line");
                Token::Bad
            }
        }
    }

    /// A number, a literal, or whatever stands there without double quotes.
    fn word(&mut self, position: Position) -> Token {
        let rest = self.source.rest();
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(byte);
        let len = rest.iter().position(|byte| !is_word(byte)).unwrap_or(rest.len());
        if len == 0 {
            return self.garbage(position);
        }
        let text = std::str::from_utf8(&rest[..len]).unwrap_or_default();
        let token = match text.as_bytes().first() {
            Some(b'+' | b'-' | b'.' | b'0'..=b'9') => match number::parse(text) {
                Number::Int(number) => Token::Int(number),
                Number::Real(number) => Token::Real(number),
                Number::Malformed => Token::Word(text.into()),
                Number::Overflow => {
                    let shown = if self.is_secret { "it".into() } else { excerpt(text) };
                    let message = format!("number overflow: {shown} does not fit");
                    self.source.at += len;
                    self.error(position, message);
                    return Token::Bad;
                }
            },
            _ if text.eq_ignore_ascii_case("true") => Token::Bool(true),
            _ if text.eq_ignore_ascii_case("false") => Token::Bool(false),
            _ if text.eq_ignore_ascii_case("null") => Token::Null,
            _ => Token::Word(text.into()),
        };
        self.source.at += len;
        token
    }

    /// Reports a separator of other languages and takes it for ours.
    fn wrong_separator(&mut self, byte: u8, position: Position) -> Token {
        self.source.at += 1;
        if byte == b'=' {
            self.error(position, "unexpected '='; a key and its value are separated by ':'");
            return Token::Colon;
        }
        self.error(position, "unexpected ';'; values are separated by ','");
        Token::Comma
    }

    /// Reports a run of bytes that begins no token.
    fn garbage(&mut self, position: Position) -> Token {
        let rest = self.source.rest();
        let first = rest.first().copied().unwrap_or_default();
        let ends_garbage = |byte: &u8| b" \t\r\n,:;=[]{}\"".contains(byte);
        let run = rest.iter().skip(1).position(ends_garbage).map_or(rest.len(), |len| len + 1);
        let quoted = rest.iter().skip(1).take(QUOTED_LEN_MAX);
        let quoted = quoted.copied().position(|byte| byte == b'\'' || byte == b'\n');
        let text = String::from_utf8_lossy(&rest[..run.min(4)]);
        let character = text.chars().next().unwrap_or(' ');
        match (first, quoted) {
            (b'\'', Some(len)) if rest.get(len + 1) == Some(&b'\'') => {
                self.source.at += len + 2;
                self.error(position, "text needs double quotes, not single ones");
            }
            _ => {
                self.source.at += run;
                self.error(position, garbage_message(first, character));
            }
        }
        Token::Bad
    }
}

impl<'a> Source<'a> {
    fn new(bytes: Cow<'a, [u8]>, file: FileId) -> Self {
        let at = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        Self { bytes, at, file, line: 1, line_start: at }
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn position(&self) -> Position {
        let column = u32::try_from(self.at - self.line_start + 1).unwrap_or(u32::MAX);
        Position { file: self.file, line: self.line, column }
    }

    fn skip_whitespace(&mut self) {
        let bytes: &[u8] = &self.bytes;
        let mut at = self.at;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b' ' | b'\t' | b'\r' => {}
                b'\n' => {
                    self.line += 1;
                    self.line_start = at + 1;
                }
                _ => break,
            }
            at += 1;
        }
        self.at = at;
    }

    /// Skips the comment that begins here; false when it has no end.
    fn skip_block_comment(&mut self) -> bool {
        let mut at = self.at + 2;
        while let Some(byte) = self.bytes.get(at) {
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.line_start = at + 1;
                }
                b'*' if self.bytes.get(at + 1) == Some(&b'/') => {
                    self.at = at + 2;
                    return true;
                }
                _ => {}
            }
            at += 1;
        }
        false
    }
}

/// The path of an include directive and the length of the directive.
fn include_path(source: &[u8]) -> Option<(&str, usize)> {
    let after_open = source.strip_prefix(b"<?")?.trim_ascii_start();
    let after_word = after_open.strip_prefix(b"include")?.trim_ascii_start();
    let path_on = after_word.strip_prefix(b"\"")?;
    let path_len = path_on.iter().position(|byte| *byte == b'"' || *byte == b'\n')?;
    let (path, after_path) = path_on.split_at_checked(path_len)?;
    let after_path = after_path.strip_prefix(b"\"")?.trim_ascii_start().strip_prefix(b"?>")?;
    let path = std::str::from_utf8(path).ok().filter(|path| !path.is_empty())?;
    let directive_len = source.len() - after_path.len();
    let has_newline = source.iter().take(directive_len).any(|byte| *byte == b'\n');
    (!has_newline).then_some((path, directive_len))
}

fn garbage_message(first: u8, character: char) -> Cow<'static, str> {
    match (first, character) {
        (0, _) => "NUL byte; the file is not text".into(),
        (b'\'', _) => "text needs double quotes, and a closing one on its line".into(),
        (_, char::REPLACEMENT_CHARACTER) => {
            format!("invalid UTF-8, beginning with byte 0x{first:02x}").into()
        }
        (_, control) if control.is_control() => format!("control character 0x{first:02x}").into(),
        (_, '\u{feff}') => "byte order mark inside the file".into(),
        (_, other) => format!("unexpected character '{other}'").into(),
    }
}
