//! Values of cells.

use libdhcpsrv::lease::INFINITE;
use mysql::Value;

/// The first second that a column of type TIMESTAMP can hold.
const TIME_MIN: i64 = 1;

/// A time that the server understands, whose columns hold times up to `time_max`.
pub(crate) fn time(time_s: i64, time_max: i64) -> i64 {
    time_s.clamp(TIME_MIN, time_max)
}

/// Valid lifetime and end of a lease as they are stored, up to `time_max`. An endless one ends when it began, as in Kea.
///
/// # Errors
/// When the column cannot hold the end: a lease that was promised for longer must not be over before.
pub(crate) fn lifetime(
    cltt: i64,
    valid_lifetime: u32,
    time_max: i64,
) -> Result<(u32, i64), &'static str> {
    let end = match valid_lifetime {
        INFINITE => cltt,
        seconds => cltt.saturating_add(seconds.into()),
    };
    if end > time_max {
        return Err("its lifetime ends behind the last moment that the server's tables can hold");
    }
    Ok((valid_lifetime, end.max(TIME_MIN)))
}

/// The number of a cell.
pub(crate) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::UInt(number) => Some(i64::try_from(*number).unwrap_or(i64::MAX)),
        Value::Bytes(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        _ => None,
    }
}

/// The bytes of a cell.
pub(crate) fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// Bytes for a cell; none are NULL.
pub(crate) fn bytes_or_null(bytes: &[u8]) -> Value {
    if bytes.is_empty() { Value::NULL } else { Value::Bytes(bytes.to_vec()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_end_where_columns_do() {
        let max = 0x7fff_ffff;
        assert_eq!(lifetime(max - 10, 10, max), Ok((10, max)));
        assert!(lifetime(max - 10, 11, max).is_err());
        assert_eq!(lifetime(max, INFINITE, max), Ok((INFINITE, max)));
        assert!(lifetime(max + 1, INFINITE, max).is_err());
        assert_eq!(lifetime(max - 10, 11, 0xffff_ffff), Ok((11, max + 1)));
        assert_eq!(lifetime(0, 0, max), Ok((0, 1)));
        assert_eq!((time(-5, max), time(max + 1, max)), (1, max));
    }
}
