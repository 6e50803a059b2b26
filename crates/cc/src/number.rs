//! Numbers of the dialect: `[+-]digits` is a 64-bit integer, anything with a fraction or exponent a
//! double.

/// A number, or why it is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Real(f64),
    /// Well written but too large.
    Overflow,
    /// Not written as a number.
    Malformed,
}

/// Reads a number: `[+-]`, digits with at most one `.`, then `e` with an exponent.
pub(crate) fn parse(text: &str) -> Number {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits(unsigned) {
        return match text.parse() {
            _ if unsigned.is_empty() => Number::Malformed,
            Ok(number) => Number::Int(number),
            Err(_) => Number::Overflow,
        };
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, exponent.strip_prefix(['+', '-']).or(Some(exponent)))
        }
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_ok = exponent.is_none_or(|digits| !digits.is_empty() && all_digits(digits));
    let mantissa_ok = all_digits(whole) && all_digits(fraction) && whole.len() + fraction.len() > 0;
    if !exponent_ok || !mantissa_ok {
        return Number::Malformed;
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Number::Real(number),
        Ok(_) => Number::Overflow,
        Err(_) => Number::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_kea_reads_them() {
        let rows = [
            ("0", Number::Int(0)),
            ("-1", Number::Int(-1)),
            ("+7", Number::Int(7)),
            ("007", Number::Int(7)),
            ("9223372036854775807", Number::Int(i64::MAX)),
            ("-9223372036854775808", Number::Int(i64::MIN)),
            ("9223372036854775808", Number::Overflow),
            ("1.5", Number::Real(1.5)),
            (".5", Number::Real(0.5)),
            ("+.5", Number::Real(0.5)),
            ("5.", Number::Real(5.0)),
            ("1e3", Number::Real(1000.0)),
            ("1E-3", Number::Real(0.001)),
            ("-1.5e+2", Number::Real(-150.0)),
            ("1e999", Number::Overflow),
            ("", Number::Malformed),
            ("-", Number::Malformed),
            (".", Number::Malformed),
            ("+-1", Number::Malformed),
            ("1e", Number::Malformed),
            ("1e+-2", Number::Malformed),
            ("1.2.3", Number::Malformed),
            ("192.0.2.1", Number::Malformed),
            ("0x10", Number::Malformed),
            ("1-2", Number::Malformed),
            (".e5", Number::Malformed),
        ];
        for (text, expected) in rows {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
