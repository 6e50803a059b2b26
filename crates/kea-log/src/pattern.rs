//! Conversion patterns of log lines, in log4cplus' notation.
//!
//! | Conversion | Gives |
//! |---|---|
//! | `%D{format}`, `%d{format}` | local time, UTC |
//! | `%p` | severity |
//! | `%c` | name of the logger; `%c{2}` its last two parts |
//! | `%i` | process id |
//! | `%t`, `%T` | thread id |
//! | `%m` | message id and text |
//! | `%n`, `%%` | line end, percent sign |
//!
//! `%-5p` pads on the right to five columns, `%5p` on the left, `%.20c` keeps the last 20 bytes. Other conversions
//! are written as they stand. A pattern without a line end at its end gets one, for a file without lines is of no
//! use to anybody.

use std::io::Write;

use jiff::tz::TimeZone;

use crate::Severity;
use crate::time::TimeFormat;

/// The format of lines in files and on the console.
pub const PATTERN_DEFAULT: &str = "%D{%Y-%m-%d %H:%M:%S.%q} %-5p [%c/%i] %m\n";

/// The format of lines for the system log, which adds time and process id itself.
pub const PATTERN_SYSLOG: &str = "%-5p [%c] %m\n";

const TIME_DEFAULT: &str = "%Y-%m-%d %H:%M:%S";

/// What a line is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// Nanoseconds since 1970.
    pub at_ns: i64,
    /// Its severity.
    pub severity: Severity,
    /// Full name of the logger.
    pub logger: &'a str,
    /// Thread that called.
    pub thread: u32,
    /// Message id.
    pub id: &'a str,
    /// Filled text.
    pub text: &'a str,
}

/// A compiled pattern.
#[derive(Debug)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    field: Field,
    width: Width,
}

#[derive(Debug)]
enum Field {
    Literal(String),
    /// Name of the logger; so many of its last parts, 0 for all.
    Logger(usize),
    Message,
    Severity,
    Thread,
    Time(Box<TimeFormat>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Width {
    least: usize,
    /// 0 means no limit.
    most: usize,
    is_left_justified: bool,
}

impl Pattern {
    /// Compiles a pattern; the second value lists the conversions that nobody knows.
    pub(crate) fn new(pattern: &str, process: u32, local: &TimeZone) -> (Self, Vec<String>) {
        let mut reader = Reader { pieces: Vec::new(), unknown: Vec::new(), process, local };
        let mut rest = pattern;
        while let Some((literal, conversion)) = rest.split_once('%') {
            reader.push_literal(literal);
            rest = reader.conversion(conversion);
        }
        reader.push_literal(rest);
        let ends =
            |piece: &Piece| matches!(&piece.field, Field::Literal(text) if text.ends_with('\n'));
        if !reader.pieces.last().is_some_and(ends) {
            reader.push_literal("\n");
        }
        (Self { pieces: reader.pieces }, reader.unknown)
    }

    /// Appends the line.
    pub(crate) fn render(&mut self, out: &mut Vec<u8>, line: &Line<'_>) {
        for piece in &mut self.pieces {
            let start = out.len();
            match &mut piece.field {
                Field::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Field::Logger(parts) => {
                    out.extend_from_slice(last_parts(line.logger, *parts).as_bytes());
                }
                Field::Message => {
                    out.extend_from_slice(line.id.as_bytes());
                    out.push(b' ');
                    out.extend_from_slice(line.text.as_bytes());
                }
                Field::Severity => out.extend_from_slice(line.severity.name().as_bytes()),
                // Writing to a Vec cannot fail.
                Field::Thread => drop(write!(out, "{}", line.thread)),
                Field::Time(format) => format.render(out, line.at_ns),
            }
            piece.width.apply(out, start);
        }
    }
}

impl Width {
    fn apply(self, out: &mut Vec<u8>, start: usize) {
        let written = out.len().saturating_sub(start);
        if self.most > 0 && written > self.most {
            out.drain(start..start + written - self.most);
        } else if written < self.least {
            out.resize(start + self.least, b' ');
            if !self.is_left_justified
                && let Some(field) = out.get_mut(start..)
            {
                field.rotate_right(self.least - written);
            }
        }
    }
}

struct Reader<'a> {
    pieces: Vec<Piece>,
    unknown: Vec<String>,
    process: u32,
    local: &'a TimeZone,
}

impl Reader<'_> {
    fn push_literal(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(Piece { field: Field::Literal(last), .. }) = self.pieces.last_mut() {
            last.push_str(text);
        } else {
            let field = Field::Literal(text.to_owned());
            self.pieces.push(Piece { field, width: Width::default() });
        }
    }

    /// Reads the conversion after a percent sign and returns what follows it.
    fn conversion<'t>(&mut self, text: &'t str) -> &'t str {
        let (width, rest) = Width::read(text);
        let mut characters = rest.chars();
        let Some(letter) = characters.next() else {
            return self.keep_unknown(text, "");
        };
        let (argument, after) = braced(characters.as_str());
        let without_argument = characters.as_str();
        let (field, rest) = match letter {
            'D' => (self.time(argument, self.local.clone()), after),
            'd' => (self.time(argument, TimeZone::UTC), after),
            'c' => {
                let parts = argument.and_then(|number| number.parse().ok());
                (Some(Field::Logger(parts.unwrap_or(0))), after)
            }
            'p' => (Some(Field::Severity), without_argument),
            'i' => {
                let mut text = self.process.to_string().into_bytes();
                width.apply(&mut text, 0);
                self.push_literal(&String::from_utf8_lossy(&text));
                return without_argument;
            }
            't' | 'T' => (Some(Field::Thread), without_argument),
            'm' => (Some(Field::Message), without_argument),
            'n' | '%' => {
                self.push_literal(if letter == 'n' { "\n" } else { "%" });
                return without_argument;
            }
            _ => (None, without_argument),
        };
        match field {
            Some(field) => self.pieces.push(Piece { field, width }),
            None => return self.keep_unknown(text, rest),
        }
        rest
    }

    fn time(&self, format: Option<&str>, zone: TimeZone) -> Option<Field> {
        let format = TimeFormat::new(format.unwrap_or(TIME_DEFAULT), zone).ok()?;
        Some(Field::Time(Box::new(format)))
    }

    /// Keeps a conversion as it stands; `rest` is the part of `text` behind it.
    fn keep_unknown<'t>(&mut self, text: &'t str, rest: &'t str) -> &'t str {
        let conversion = format!("%{}", text.strip_suffix(rest).unwrap_or(text));
        self.push_literal(&conversion);
        self.unknown.push(conversion);
        rest
    }
}

impl Width {
    /// Columns beyond this are not taken seriously.
    const COLUMNS_MAX: usize = 1024;

    fn read(text: &str) -> (Self, &str) {
        let (is_left_justified, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (least, text) = leading_number(text);
        let (most, text) = text.strip_prefix('.').map_or((0, text), leading_number);
        (Self { least, most, is_left_justified }, text)
    }
}

fn leading_number(text: &str) -> (usize, &str) {
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let digits = text.strip_suffix(rest).unwrap_or_default();
    let number = digits.parse().unwrap_or(if digits.is_empty() { 0 } else { usize::MAX });
    (number.min(Width::COLUMNS_MAX), rest)
}

fn braced(text: &str) -> (Option<&str>, &str) {
    match text.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
        Some((inner, rest)) => (Some(inner), rest),
        None => (None, text),
    }
}

fn last_parts(name: &str, parts: usize) -> &str {
    let Some(dot) = parts.checked_sub(1).and_then(|nth| name.rmatch_indices('.').nth(nth)) else {
        return name;
    };
    name.get(dot.0 + 1..).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::{Line, PATTERN_DEFAULT, PATTERN_SYSLOG, Pattern};
    use crate::Severity;
    use jiff::tz::{Offset, TimeZone};

    fn line(severity: Severity) -> Line<'static> {
        Line {
            at_ns: 1_795_248_902_123_000_000,
            severity,
            logger: "kea-dhcp4.dhcp4",
            thread: 77,
            id: "DHCP4_STARTED",
            text: "ready",
        }
    }

    fn rendered(pattern: &str, severity: Severity) -> String {
        let zone = TimeZone::fixed(Offset::constant(1));
        let (mut pattern, _) = Pattern::new(pattern, 4711, &zone);
        let mut out = b"> ".to_vec();
        pattern.render(&mut out, &line(severity));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn default_line_is_exactly_keas() {
        assert_eq!(
            rendered(PATTERN_DEFAULT, Severity::Info),
            "> 2026-11-21 09:15:02.123 INFO  [kea-dhcp4.dhcp4/4711] DHCP4_STARTED ready\n"
        );
        assert_eq!(
            rendered(PATTERN_DEFAULT, Severity::Error),
            "> 2026-11-21 09:15:02.123 ERROR [kea-dhcp4.dhcp4/4711] DHCP4_STARTED ready\n"
        );
        assert_eq!(
            rendered(PATTERN_SYSLOG, Severity::Warn),
            "> WARN  [kea-dhcp4.dhcp4] DHCP4_STARTED ready\n"
        );
    }

    #[test]
    fn todays_pattern_with_thread_and_utc_time() {
        assert_eq!(
            rendered("%d{%H:%M} %-5p [%c/%i.%t] %m%n", Severity::Debug),
            "> 08:15 DEBUG [kea-dhcp4.dhcp4/4711.77] DHCP4_STARTED ready\n"
        );
    }

    #[test]
    fn widths_pad_and_cut() {
        assert_eq!(rendered("%7p|%-7p|%.3p|%.5c", Severity::Warn), ">    WARN|WARN   |ARN|dhcp4\n");
        assert_eq!(rendered("%c{1}|%c{9}", Severity::Warn), "> dhcp4|kea-dhcp4.dhcp4\n");
    }

    #[test]
    fn unknown_conversions_stay_and_are_reported() {
        let (_, unknown) = Pattern::new("%m %-3Z %D{%!} %", 1, &TimeZone::UTC);
        assert_eq!(unknown, ["%-3Z", "%D{%!}", "%"]);
        assert_eq!(rendered("100%% %Z %", Severity::Info), "> 100% %Z %\n");
    }

    #[test]
    fn absurd_widths_are_limited() {
        assert!(rendered("%99999999999999999999999p", Severity::Info).len() < 1100);
    }
}
