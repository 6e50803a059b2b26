//! Values as they stand in statements: those that are run, and those that people want to see.

use std::fmt::Write;

use libdhcpsrv::config::SqlKind;

/// Values for a kind of database.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Literal(pub(crate) SqlKind);

impl Literal {
    /// Bytes.
    pub(crate) fn bytes(self, bytes: &[u8]) -> String {
        if bytes.is_empty() {
            return "NULL".to_owned();
        }
        match self.0 {
            SqlKind::Mysql => format!("X'{}'", hex(bytes)),
            SqlKind::Postgresql => format!(r"'\x{}'", hex(bytes)),
        }
    }

    /// A text: plain if it is harmless.
    pub(crate) fn text(self, text: &[u8]) -> String {
        let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'\'' | b'\\');
        if text.iter().all(is_plain) {
            return format!("'{}'", String::from_utf8_lossy(text));
        }
        match self.0 {
            SqlKind::Mysql => format!("CONVERT(X'{}' USING utf8mb4)", hex(text)),
            SqlKind::Postgresql => format!(r"convert_from('\x{}', 'UTF8')", hex(text)),
        }
    }

    /// A time in seconds since the epoch.
    pub(crate) fn time(self, seconds: u64) -> String {
        match self.0 {
            SqlKind::Mysql => format!("FROM_UNIXTIME({seconds})"),
            SqlKind::Postgresql => format!("to_timestamp({seconds})"),
        }
    }

    /// A flag.
    pub(crate) fn flag(self, flag: bool) -> String {
        match self.0 {
            SqlKind::Mysql => u8::from(flag).to_string(),
            SqlKind::Postgresql => flag.to_string(),
        }
    }

    /// An IAID, for which PostgreSQL has a signed column.
    pub(crate) fn iaid(self, iaid: u32) -> String {
        match self.0 {
            SqlKind::Mysql => iaid.to_string(),
            SqlKind::Postgresql => (iaid as i32).to_string(),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_ends_its_literal() {
        let (my, pg) = (Literal(SqlKind::Mysql), Literal(SqlKind::Postgresql));
        assert_eq!(my.text(b"host"), "'host'");
        assert_eq!(my.text(b"a'b"), "CONVERT(X'612762' USING utf8mb4)");
        assert_eq!(pg.text(b"a\\"), r"convert_from('\x615c', 'UTF8')");
        assert_eq!(pg.bytes(&[0, 255]), r"'\x00ff'");
        assert_eq!(my.bytes(&[]), "NULL");
        assert_eq!(pg.iaid(u32::MAX), "-1");
        assert_eq!((my.flag(true), pg.flag(true)), ("1".to_owned(), "true".to_owned()));
    }
}
