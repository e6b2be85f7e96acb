//! Which snapshots are kept, by their age: a pure function of times.
//!
//! Every stretch of time (an hour, a day) keeps the last state it saw. The newest few
//! always stay, so that no wrong clock and no long holiday takes everything away.

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The newest that stay whatever their age.
const MIN_KEPT: usize = 50;

/// The default, as it would be written in `comfy.snapshots.keep`.
const DEFAULT_POLICY: &str = "all 1d, hourly 1w, daily 30d, weekly 1y";

/// How long snapshots are kept, and how closely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RetentionPolicy {
    rules: Vec<RetentionRule>,
}

/// Keeps one snapshot of each stretch of time, up to an age. Both in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RetentionRule {
    interval: i64,
    max_age: i64,
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        RetentionPolicy::parse(DEFAULT_POLICY).expect("the usual policy is well formed")
    }
}

impl RetentionPolicy {
    /// Reads `all 1d, hourly 1w, daily 30d`; `forever` keeps everything.
    pub(crate) fn parse(text: &str) -> Option<RetentionPolicy> {
        if text.trim().eq_ignore_ascii_case("forever") {
            return Some(RetentionPolicy {
                rules: vec![RetentionRule { interval: 1, max_age: i64::MAX }],
            });
        }
        let rules: Option<Vec<RetentionRule>> = text.split(',').map(parse_rule).collect();
        rules.filter(|rules| !rules.is_empty()).map(|rules| RetentionPolicy { rules })
    }

    /// Whether anything of that age, in milliseconds, is kept.
    pub(crate) fn keeps_age(&self, age: i64) -> bool {
        self.rules.iter().any(|rule| age <= rule.max_age)
    }

    /// Which of some times (newest first, milliseconds) need not be kept, with their ages.
    pub(crate) fn expired(&self, times: &[i64], now: i64) -> Vec<(usize, i64)> {
        let mut surplus = Vec::new();
        for (at, time) in times.iter().enumerate().skip(MIN_KEPT) {
            let age = now.saturating_sub(*time);
            let newer = times[at - 1];
            let last_of = |rule: &RetentionRule| {
                age <= rule.max_age
                    && time.div_euclid(rule.interval) != newer.div_euclid(rule.interval)
            };
            // Two of the same millisecond are two states all the same.
            let every = |rule: &RetentionRule| rule.interval == 1 && age <= rule.max_age;
            if !self.rules.iter().any(|rule| every(rule) || last_of(rule)) {
                surplus.push((at, age));
            }
        }
        surplus
    }
}

fn parse_rule(text: &str) -> Option<RetentionRule> {
    let mut words = text.split_ascii_whitespace();
    let stretch = match words.next()?.to_ascii_lowercase().as_str() {
        "all" => 1,
        "hourly" => HOUR,
        "daily" => DAY,
        "weekly" => 7 * DAY,
        "monthly" => 30 * DAY,
        _ => return None,
    };
    let until = match words.next()? {
        "forever" => i64::MAX,
        span => {
            let (number, unit) = span.split_at(span.find(|c: char| !c.is_ascii_digit())?);
            let unit = match unit {
                "h" => HOUR,
                "d" => DAY,
                "w" => 7 * DAY,
                "m" => 30 * DAY,
                "y" => 365 * DAY,
                _ => return None,
            };
            number.parse::<i64>().ok()?.checked_mul(unit)?
        }
    };
    words.next().is_none().then_some(RetentionRule { interval: stretch, max_age: until })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_795_363_927_000;

    /// Those that stay after some more time has passed, as their ages now.
    fn kept_later(policy: &RetentionPolicy, ages: &[i64], later: i64) -> Vec<i64> {
        let times: Vec<i64> = ages.iter().map(|age| NOW - age).collect();
        let gone = policy.expired(&times, NOW + later);
        let gone: HashSet<usize> = gone.into_iter().map(|(at, _)| at).collect();
        let stay = ages.iter().enumerate().filter(|(at, _)| !gone.contains(at));
        stay.map(|(_, age)| *age).collect()
    }

    fn kept(policy: &RetentionPolicy, ages: &[i64]) -> Vec<i64> {
        kept_later(policy, ages, 0)
    }

    #[test]
    fn what_cannot_be_read_is_no_policy() {
        for text in ["", "all", "all 1", "hourly 1x", "often 1d", "all 1d 2d", "all 1d,,"] {
            assert_eq!(RetentionPolicy::parse(text), None, "{text}");
        }
        assert!(RetentionPolicy::parse("ALL 12h, monthly forever").is_some());
        assert!(RetentionPolicy::parse("forever").is_some());
    }

    #[test]
    fn a_year_of_saves_thins_out() {
        // A save every six minutes for a year.
        let ages: Vec<i64> = (0..87_600).map(|n| n * 6 * 60_000).collect();
        let kept = kept(&RetentionPolicy::default(), &ages);
        let within = |from: i64, to: i64| kept.iter().filter(|a| (from..to).contains(*a)).count();
        assert_eq!(within(0, DAY), 240, "all of the last day");
        assert_eq!(within(2 * DAY, 3 * DAY), 24, "one for each hour");
        assert_eq!(within(10 * DAY, 20 * DAY), 10, "one for each day");
        assert_eq!(within(35 * DAY, 35 * DAY + 70 * DAY), 10, "one for each week");
        assert!(kept.len() < 500);
    }

    #[test]
    fn no_clock_takes_everything_away() {
        let ages: Vec<i64> = (0..80).map(|n| 5000 * DAY + n).collect();
        assert_eq!(kept(&RetentionPolicy::default(), &ages), ages[..MIN_KEPT]);
        // A clock that was set back: everything lies in the future.
        let ages: Vec<i64> = (0..80).map(|n| n - 5000 * DAY).collect();
        assert_eq!(kept(&RetentionPolicy::default(), &ages), ages);
    }

    proptest! {
        /// Letting go now and again later keeps what letting go later alone keeps.
        #[test]
        fn thinning_early_loses_nothing_that_is_wanted_later(
            mut ages in proptest::collection::vec(0..40 * DAY, 0..200),
            later in 0..20 * DAY,
        ) {
            ages.sort_unstable();
            let policy = RetentionPolicy::parse("all 2h, hourly 1d, daily 30d").unwrap();
            let late = kept_later(&policy, &ages, later);
            let twice = kept_later(&policy, &kept(&policy, &ages), later);
            prop_assert!(late.iter().all(|age| twice.contains(age)));
        }
    }
}
