//! Values in columns and parameters, as the protocol carries them.
//!
//! The tables of different versions, and of administrators, have the same columns with types that differ a little. What
//! is read here takes whatever type can hold the value; what is written has the type that the statement casts to.

use std::error::Error;

use tokio_postgres::Row;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

type BoxedError = Box<dyn Error + Sync + Send>;

/// Microseconds in a second.
const SECOND_US: i64 = 1_000_000;
/// The server counts from 2000-01-01 on.
const EPOCH_2000_S: i64 = 946_684_800;

/// A whole number of any size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Int(pub i64);

impl<'a> FromSql<'a> for Int {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, BoxedError> {
        Ok(Self(match *raw {
            [a] => i64::from(i8::from_be_bytes([a])),
            [a, b] => i64::from(i16::from_be_bytes([a, b])),
            [a, b, c, d] => i64::from(i32::from_be_bytes([a, b, c, d])),
            _ => i64::from_be_bytes(raw.try_into()?),
        }))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT2 | Type::INT4 | Type::INT8 | Type::BOOL)
    }
}

/// Bytes, or a text as it is kept, whatever its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> FromSql<'a> for Bytes<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, BoxedError> {
        Ok(Self(raw))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::BYTEA | Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON
        )
    }
}

/// A moment, in seconds since 1970; the part of a second is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub i64);

impl<'a> FromSql<'a> for Time {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, BoxedError> {
        let since_2000_us = i64::from_be_bytes(raw.try_into()?);
        Ok(Self(since_2000_us.div_euclid(SECOND_US) + EPOCH_2000_S))
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::TIMESTAMPTZ | Type::TIMESTAMP)
    }
}

impl ToSql for Time {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxedError> {
        let since_2000_us = self.0.saturating_sub(EPOCH_2000_S).saturating_mul(SECOND_US);
        out.extend_from_slice(&since_2000_us.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        <Self as FromSql>::accepts(ty)
    }

    to_sql_checked!();
}

/// A text that every server takes: bytes that are no text in its encoding become `?`.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// What is to be stored.
    pub bytes: &'a [u8],
    /// Whether the server knows more than ASCII ([`crate::Client::has_unicode`]).
    pub has_unicode: bool,
}

impl Text<'_> {
    /// Tells the bytes that are stored.
    pub(crate) fn write(&self, mut each: impl FnMut(u8)) {
        if self.has_unicode {
            for chunk in self.bytes.utf8_chunks() {
                chunk.valid().bytes().for_each(|byte| each(if byte == 0 { b'?' } else { byte }));
                chunk.invalid().iter().for_each(|_| each(b'?'));
            }
        } else {
            let plain = |byte: &u8| if matches!(byte, 1..=0x7F) { *byte } else { b'?' };
            self.bytes.iter().for_each(|byte| each(plain(byte)));
        }
    }
}

impl ToSql for Text<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, BoxedError> {
        if self.bytes.iter().all(|byte| matches!(byte, 1..=0x7F)) {
            out.extend_from_slice(self.bytes);
        } else {
            self.write(|byte| out.extend_from_slice(&[byte]));
        }
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::TEXT | Type::VARCHAR)
    }

    to_sql_checked!();
}

/// A number in a row; none for NULL.
pub(crate) fn number(row: &Row, index: usize) -> Option<i64> {
    row.try_get::<_, Option<Int>>(index).ok()?.map(|value| value.0)
}

/// Bytes in a row; none for NULL.
pub(crate) fn bytes(row: &Row, index: usize) -> Option<Vec<u8>> {
    row.try_get::<_, Option<Bytes<'_>>>(index).ok()?.map(|value| value.0.to_vec())
}

/// A moment in a row; none for NULL, and for the beginning and the end of time.
pub(crate) fn seconds(row: &Row, index: usize) -> Option<i64> {
    let seconds = row.try_get::<_, Option<Time>>(index).ok()??.0;
    let is_moment = seconds.abs() < i64::MAX / SECOND_US - EPOCH_2000_S;
    is_moment.then_some(seconds)
}

/// A truth in a row; none for NULL.
pub(crate) fn flag(row: &Row, index: usize) -> Option<bool> {
    row.try_get::<_, Option<bool>>(index).ok()?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(bytes: &[u8], has_unicode: bool) -> Vec<u8> {
        let mut out = BytesMut::new();
        Text { bytes, has_unicode }.to_sql(&Type::TEXT, &mut out).unwrap();
        out.to_vec()
    }

    #[test]
    fn what_is_no_text_becomes_question_marks() {
        assert_eq!(stored(b"host.example", false), b"host.example");
        assert_eq!(stored("b\u{fc}ro".as_bytes(), true), "b\u{fc}ro".as_bytes());
        assert_eq!(stored("b\u{fc}ro".as_bytes(), false), b"b??ro");
        assert_eq!(stored(b"a\0b\xff\xc3", true), b"a?b??");
        assert_eq!(stored(b"a\0b\xff\xc3", false), b"a?b??");
    }

    #[test]
    fn times_are_seconds_since_1970() {
        for seconds in [0, 1, -1, 946_684_799, 1_700_000_000, 6_000_000_000] {
            let mut out = BytesMut::new();
            Time(seconds).to_sql(&Type::TIMESTAMPTZ, &mut out).unwrap();
            assert_eq!(Time::from_sql(&Type::TIMESTAMPTZ, &out).unwrap(), Time(seconds));
        }
        let half_before = (-SECOND_US / 2).to_be_bytes();
        let read = Time::from_sql(&Type::TIMESTAMPTZ, &half_before).unwrap();
        assert_eq!(read, Time(EPOCH_2000_S - 1));
        // `infinity` is a number too, and no reason to fail.
        assert!(Time::from_sql(&Type::TIMESTAMPTZ, &i64::MAX.to_be_bytes()).is_ok());
        assert!(Time::from_sql(&Type::TIMESTAMPTZ, &i64::MIN.to_be_bytes()).is_ok());
    }

    #[test]
    fn numbers_of_all_sizes_are_read() {
        assert_eq!(Int::from_sql(&Type::INT2, &[0xff, 0xfe]).unwrap(), Int(-2));
        assert_eq!(Int::from_sql(&Type::INT4, &[0, 0, 1, 0]).unwrap(), Int(256));
        assert_eq!(
            Int::from_sql(&Type::INT8, &[0, 0, 0, 0, 255, 255, 255, 255]).unwrap().0,
            0xffff_ffff
        );
        assert!(Int::from_sql(&Type::INT8, &[0, 0, 0]).is_err());
    }
}
