//! Numbers as they are spelled.

use std::fmt;

use compact_str::{CompactString, ToCompactString, format_compact};

use super::JsonText;

/// A JSON number: its text, never a float.
///
/// `==` compares the spelling (`1` is not `1.0`). Text read leniently may also be `NaN`, `Infinity` or `-Infinity`.
pub type Number = JsonNumber<CompactString>;

/// A JSON number over one kind of text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JsonNumber<T>(T);

/// A finite decimal without its spelling: value = ±0.digits × 10^exponent.
#[derive(PartialEq, Eq)]
struct Decimal<'a> {
    negative: bool,
    digits: Vec<&'a u8>,
    exponent: i64,
}

impl<T: JsonText> JsonNumber<T> {
    /// Takes text that the parser has already checked.
    pub(super) fn from_text(text: T) -> Self {
        JsonNumber(text)
    }

    /// A whole number of our own.
    pub(crate) fn whole(value: i64) -> Self {
        JsonNumber(T::new(&value.to_compact_string()))
    }

    /// The number exactly as the file spells it.
    pub fn as_str(&self) -> &str {
        self.0.as_plain_str().unwrap_or_default()
    }

    #[inline(always)]
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_plain().unwrap_or_default()
    }

    /// The value, if it is spelled as a whole number (`7`, not `7.0`) that fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_str().parse().ok()
    }

    /// The value, if it is spelled as a whole number that fits. Seeds go up to 2^64-1.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_str().parse().ok()
    }

    /// The nearest float. `NaN` only for text that was read leniently.
    pub fn as_f64(&self) -> f64 {
        match self.as_str() {
            "Infinity" => f64::INFINITY,
            "-Infinity" => f64::NEG_INFINITY,
            text => text.parse().unwrap_or(f64::NAN),
        }
    }
}

impl Number {
    /// Takes text that the parser has already checked.
    pub(super) fn from_checked(text: &str) -> Self {
        JsonNumber(CompactString::new(text))
    }

    /// Whether both mean the same number however they are spelled: `1`, `1.0` and
    /// `10e-1` do. Decided on the decimal digits, so 2^53 and 2^53+1 stay apart.
    pub fn same_value(&self, other: &Number) -> bool {
        if self.0 == other.0 {
            return true;
        }
        match (parse_decimal(&self.0), parse_decimal(&other.0)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        }
    }
}

/// Splits checked JSON number text into a decimal with no leading or trailing zeros.
fn parse_decimal(text: &str) -> Option<Decimal<'_>> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut digits: Vec<&u8> = whole.as_bytes().iter().chain(fraction.as_bytes()).collect();
    let mut exponent = exponent.checked_add(i64::try_from(whole.len()).ok()?)?;
    let leading = digits.iter().take_while(|&&&d| d == b'0').count();
    digits.drain(..leading);
    exponent = exponent.checked_sub(i64::try_from(leading).ok()?)?;
    while digits.last() == Some(&&b'0') {
        digits.pop();
    }
    if digits.is_empty() {
        return Some(Decimal { negative: false, digits, exponent: 0 });
    }
    Some(Decimal { negative, digits, exponent })
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        JsonNumber(value.to_compact_string())
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        JsonNumber(value.to_compact_string())
    }
}

impl From<usize> for Number {
    fn from(value: usize) -> Self {
        JsonNumber(value.to_compact_string())
    }
}

impl From<f64> for Number {
    /// Spelled as JavaScript would for everyday magnitudes: no `.0` on whole numbers.
    fn from(value: f64) -> Self {
        if value.is_nan() {
            return JsonNumber(CompactString::const_new("NaN"));
        }
        if value.is_infinite() {
            let text = if value > 0.0 { "Infinity" } else { "-Infinity" };
            return JsonNumber(CompactString::const_new(text));
        }
        if value == 0.0 || (1e-6..1e21).contains(&value.abs()) {
            return JsonNumber(format_compact!("{}", if value == 0.0 { 0.0 } else { value }));
        }
        let text = format!("{value:e}");
        match text.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => {
                JsonNumber(format_compact!("{mantissa}e+{exponent}"))
            }
            _ => JsonNumber(CompactString::from(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::from_checked(text)
    }

    #[test]
    fn value_is_compared_on_digits_not_floats() {
        assert!(number("1").same_value(&number("1.0")));
        assert!(number("10e-1").same_value(&number("1")));
        assert!(number("-0").same_value(&number("0.000")));
        assert!(number("1500").same_value(&number("1.5e3")));
        assert!(!number("9007199254740992").same_value(&number("9007199254740993")));
        assert!(!number("1").same_value(&number("-1")));
        assert!(!number("0.1").same_value(&number("0.10000000000000001")));
    }

    #[test]
    fn floats_are_spelled_as_javascript_spells_them() {
        for (value, text) in [
            (40.0, "40"),
            (-0.0, "0"),
            (0.1, "0.1"),
            (1e-7, "1e-7"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (123456789012345680000.0, "123456789012345680000"),
        ] {
            assert_eq!(Number::from(value).as_str(), text);
        }
    }
}
