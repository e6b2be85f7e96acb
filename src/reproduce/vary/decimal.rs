//! Numbers as people write them, exactly: a tenth is a tenth.

use comfy_graph::json::{Value, parse_text};

/// Digits of the longest number that is read.
const MAX_DIGITS: usize = 24;

/// `digits / 10^places`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExactDecimal {
    digits: i128,
    places: u32,
}

/// Numbers with one step between them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecimalRange {
    from: ExactDecimal,
    step: i128,
    /// How many there are.
    pub(crate) count: u128,
}

impl ExactDecimal {
    /// Reads `7`, `-0.25`. No exponents: nobody writes them.
    pub(crate) fn parse(text: &str) -> Option<ExactDecimal> {
        let (sign, plain) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, part) = plain.split_once('.').unwrap_or((plain, ""));
        let digits = format!("{whole}{part}");
        let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        if !plain || digits.len() > MAX_DIGITS {
            return None;
        }
        let places = u32::try_from(part.len()).ok()?;
        Some(
            ExactDecimal { digits: digits.parse::<i128>().ok()? * sign, places }
                .without_trailing_zeros(),
        )
    }

    /// In the shortest form: no zeros at the end of the decimal places.
    fn without_trailing_zeros(mut self) -> ExactDecimal {
        while self.places > 0 && self.digits % 10 == 0 {
            (self.digits, self.places) = (self.digits / 10, self.places - 1);
        }
        self
    }

    pub(crate) fn is_whole(self) -> bool {
        self.places == 0
    }

    /// The digits scaled to that many places, which must not be fewer than it has.
    fn scaled_digits(self, places: u32) -> i128 {
        self.digits * 10i128.pow(places - self.places)
    }

    /// All numbers from one to another, both ends included where the step meets them. The sign
    /// of the step is ignored: the direction is that from one end to the other. None for a step
    /// of zero, or more than 12 decimal places.
    pub(crate) fn range(
        from: ExactDecimal,
        to: ExactDecimal,
        step: ExactDecimal,
    ) -> Option<DecimalRange> {
        let places = from.places.max(to.places).max(step.places);
        // 24 digits with 12 places more stay below the limit of i128, which has 38 digits.
        if places > 12 {
            return None;
        }
        let (from, to, step) = (
            from.scaled_digits(places),
            to.scaled_digits(places),
            step.scaled_digits(places).abs(),
        );
        let distance = to.checked_sub(from)?;
        let count = distance.unsigned_abs().checked_div(step.unsigned_abs())?.checked_add(1)?;
        let from = ExactDecimal { digits: from, places };
        Some(DecimalRange { from, step: if distance < 0 { -step } else { step }, count })
    }

    pub(crate) fn to_value(self) -> Value {
        let places = self.places as usize;
        let digits = format!("{:0>width$}", self.digits.unsigned_abs(), width = places + 1);
        let sign = if self.digits < 0 { "-" } else { "" };
        let (whole, part) = digits.split_at(digits.len() - places);
        let point = if part.is_empty() { "" } else { "." };
        parse_text(&format!("{sign}{whole}{point}{part}")).unwrap_or_default()
    }
}

impl DecimalRange {
    pub(crate) fn values(self) -> impl Iterator<Item = ExactDecimal> {
        let ExactDecimal { digits, places } = self.from;
        let mut next = digits;
        (0..self.count).map(move |_| {
            let value = ExactDecimal { digits: next, places }.without_trailing_zeros();
            next += self.step;
            value
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: ExactDecimal) -> String {
        value.to_value().as_number().unwrap().as_str().to_owned()
    }

    #[test]
    fn numbers_keep_their_digits() {
        for (written, kept) in [
            ("7", "7"),
            ("007", "7"),
            ("-0.250", "-0.25"),
            ("+.5", "0.5"),
            ("8.0", "8"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(text(ExactDecimal::parse(written).unwrap()), kept);
        }
        for wrong in ["", "-", ".", "1e5", "1,5", "0x7", "NaN", "1..2", &"9".repeat(25)] {
            assert_eq!(ExactDecimal::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_range_stays_between_its_ends(from in -1000i64..1000, to in -1000i64..1000, step in 1i64..300) {
            let tenth = |number: i64| ExactDecimal { digits: i128::from(number), places: 1 }.without_trailing_zeros();
            let range = ExactDecimal::range(tenth(from), tenth(to), tenth(step)).unwrap();
            let values: Vec<i128> = range.values().map(|value| value.scaled_digits(1)).collect();
            prop_assert_eq!(values[0], i128::from(from));
            prop_assert_eq!(values.len() as i64, (to - from).abs() / step + 1);
            let (low, high) = (i128::from(from.min(to)), i128::from(from.max(to)));
            prop_assert!(values.iter().all(|value| (low..=high).contains(value)));
        }
    }
}
