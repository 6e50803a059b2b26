//! Time stamps, formatted once per second.
//!
//! A format is strftime's plus log4cplus' `%q` (three digits of milliseconds) and `%Q` (milliseconds with three
//! decimals). It is cut at those two, the pieces are formatted when the second changes, and a line only copies them
//! and writes its digits. The zone is asked once per second at most, so a change of daylight time is followed.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A compiled time format and its text for the second seen last.
#[derive(Debug)]
pub(crate) struct TimeFormat {
    zone: TimeZone,
    pieces: Vec<Piece>,
    second: Option<i64>,
}

#[derive(Debug)]
enum Piece {
    /// A strftime format and what it gave for the current second.
    Calendar { format: String, text: String },
    /// `%q`.
    Millis,
    /// `%Q`.
    MillisAndMicros,
}

impl TimeFormat {
    /// Compiles a format; gives it back as the error when it has an unknown conversion.
    pub(crate) fn new(format: &str, zone: TimeZone) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut calendar = String::new();
        let mut rest = format.chars();
        while let Some(character) = rest.next() {
            let conversion = if character == '%' { rest.next() } else { None };
            let special = match conversion {
                Some('q') => Piece::Millis,
                Some('Q') => Piece::MillisAndMicros,
                _ => {
                    calendar.push(character);
                    calendar.extend(conversion);
                    continue;
                }
            };
            push_calendar(&mut pieces, &mut calendar)?;
            pieces.push(special);
        }
        push_calendar(&mut pieces, &mut calendar)?;
        Ok(Self { zone, pieces, second: None })
    }

    /// Appends the time `at_ns`, nanoseconds since 1970.
    pub(crate) fn render(&mut self, out: &mut Vec<u8>, at_ns: i64) {
        let second = at_ns.div_euclid(1_000_000_000);
        let micros = (at_ns.rem_euclid(1_000_000_000) / 1000) as u32;
        if self.second != Some(second) {
            self.refresh(second);
        }
        for piece in &self.pieces {
            match piece {
                Piece::Calendar { text, .. } => out.extend_from_slice(text.as_bytes()),
                Piece::Millis => push_three_digits(out, micros / 1000),
                Piece::MillisAndMicros => {
                    push_three_digits(out, micros / 1000);
                    out.push(b'.');
                    push_three_digits(out, micros % 1000);
                }
            }
        }
    }

    fn refresh(&mut self, second: i64) {
        self.second = Some(second);
        let zoned = Timestamp::from_second(second).unwrap_or_default().to_zoned(self.zone.clone());
        for piece in &mut self.pieces {
            if let Piece::Calendar { format, text } = piece {
                // The format was tried when it was compiled.
                *text = jiff::fmt::strtime::format(format.as_str(), &zoned).unwrap_or_default();
            }
        }
    }
}

fn push_calendar(pieces: &mut Vec<Piece>, calendar: &mut String) -> Result<(), String> {
    if calendar.is_empty() {
        return Ok(());
    }
    let format = std::mem::take(calendar);
    let trial = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    match jiff::fmt::strtime::format(format.as_str(), &trial) {
        Ok(text) => pieces.push(Piece::Calendar { format, text }),
        Err(_) => return Err(format),
    }
    Ok(())
}

fn push_three_digits(out: &mut Vec<u8>, number: u32) {
    let digit = |value: u32| b'0' + (value % 10) as u8;
    out.extend_from_slice(&[digit(number / 100), digit(number / 10), digit(number)]);
}

#[cfg(test)]
mod tests {
    use super::TimeFormat;
    use jiff::tz::{Offset, TimeZone};

    fn rendered(format: &mut TimeFormat, at_ns: i64) -> String {
        let mut out = Vec::new();
        format.render(&mut out, at_ns);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn milliseconds_follow_the_cached_second() {
        let mut format = TimeFormat::new("%Y-%m-%d %H:%M:%S.%q", TimeZone::UTC).unwrap();
        let at = 1_795_248_902_123_456_789;
        assert_eq!(rendered(&mut format, at), "2026-11-21 08:15:02.123");
        assert_eq!(rendered(&mut format, at + 4_000_000), "2026-11-21 08:15:02.127");
        assert_eq!(rendered(&mut format, at + 900_000_000), "2026-11-21 08:15:03.023");
        assert_eq!(rendered(&mut format, at - 86_400_000_000_000), "2026-11-20 08:15:02.123");
    }

    #[test]
    fn zone_and_microseconds() {
        let zone = TimeZone::fixed(Offset::constant(2));
        let mut format = TimeFormat::new("%H:%M %Q%%", zone).unwrap();
        assert_eq!(rendered(&mut format, 1_795_248_902_123_456_789), "10:15 123.456%");
    }

    #[test]
    fn times_before_1970_do_not_fail() {
        let mut format = TimeFormat::new("%S.%q", TimeZone::UTC).unwrap();
        assert_eq!(rendered(&mut format, -1_000_000), "59.999");
    }

    #[test]
    fn unknown_conversions_are_refused() {
        assert!(TimeFormat::new("%Y %!", TimeZone::UTC).is_err());
        assert!(TimeFormat::new("%", TimeZone::UTC).is_err());
    }
}
