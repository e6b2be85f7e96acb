//! What a file name says of an exported workflow: which line of versions it belongs to,
//! which version it is, from which day, whether a copy or a "final".
//!
//! Names lie; nothing here is believed without a look at the graphs (`lines`).

/// A day, as a name has it. Not checked against a calendar beyond its ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day {
    /// The year, four digits.
    pub year: u16,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day of the month, 1 to 31.
    pub day: u8,
}

/// A name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// What is left when everything else is taken away, in the spelling of the file; the
    /// name of the line's file. Never empty.
    pub line: String,
    /// The version: `v7` is `[7]`, `v1.2` is `[1, 2]`.
    pub version: Vec<u64>,
    /// The day in the name.
    pub day: Option<Day>,
    /// How finished it says it is: a draft below 0, a final above.
    pub finality: i8,
    /// Which copy: `(1)`, `copy 2`; 0 is the file itself.
    pub copy: u64,
}

/// Words for a copy in the languages of file managers, each as the file manager adds it:
/// Windows and macOS in English, German, French, Spanish, Italian, Portuguese, Dutch,
/// Polish, Swedish, Japanese, Chinese, Korean.
const COPIES: &[&str] =
    &["copy", "kopie", "copie", "copia", "cópia", "kopia", "コピー", "副本", "拷贝", "복사본"];

/// Words that say how finished a version is.
const FINALITY: &[(&str, i8)] = &[
    ("draft", -2),
    ("wip", -2),
    ("old", -1),
    ("backup", -1),
    ("bak", -1),
    ("latest", 1),
    ("final", 1),
    ("finished", 1),
    ("done", 1),
];

/// What stands between the words of a name.
const BREAKS: &[char] = &['-', '_', ' ', '(', ')', '[', ']', ',', '+'];

impl Name {
    /// Takes the name of a file apart, without its folder and extension.
    pub fn parse(stem: &str) -> Name {
        let words: Vec<&str> = stem.split(BREAKS).filter(|word| !word.is_empty()).collect();
        let mut name = Name {
            line: String::new(),
            version: Vec::new(),
            day: None,
            finality: 0,
            copy: bracketed(stem).unwrap_or(0),
        };
        let mut kept = Vec::new();
        let mut at = 0;
        while at < words.len() {
            at += match name.take(&words[at..], kept.is_empty()) {
                0 => {
                    kept.push(words[at]);
                    1
                }
                taken => taken,
            };
        }
        // A counter at the end: `portrait_00012`, as ComfyUI numbers what it saves.
        if name.version.is_empty()
            && kept.len() > 1
            && let Some(number) = kept.last().and_then(|word| number(word))
        {
            name.version = vec![number];
            kept.pop();
        }
        name.line = if kept.is_empty() { stem.trim().to_owned() } else { joined(stem, &kept) };
        if name.line.is_empty() {
            name.line = "workflow".to_owned();
        }
        name
    }

    /// Takes what the first words say, if they say anything but the line's own name; gives
    /// how many words that were.
    fn take(&mut self, words: &[&str], is_first: bool) -> usize {
        let word = words[0].to_lowercase();
        if self.day.is_none()
            && let Some((day, taken)) = day(words)
        {
            self.day = Some(day);
            return taken + usize::from(words.get(taken).is_some_and(|w| is_time(w)));
        }
        if self.version.is_empty() {
            if let Some(version) = ["version", "ver", "rev", "v"]
                .iter()
                .find_map(|prefix| word.strip_prefix(prefix).and_then(dotted))
            {
                self.version = version;
                return 1;
            }
            if ["version", "ver", "rev", "v"].contains(&word.as_str())
                && let Some(version) = words.get(1).and_then(|word| dotted(word))
            {
                self.version = version;
                return 2;
            }
        }
        if word == "save" && words.get(1).is_some_and(|next| next.eq_ignore_ascii_case("as")) {
            return 2;
        }
        if COPIES.contains(&word.as_str()) && !is_first {
            let counter = words.get(1).and_then(|word| number(word));
            self.copy = self.copy.max(counter.unwrap_or(1));
            return 1 + usize::from(counter.is_some());
        }
        let stripped = word.trim_end_matches(|c: char| c.is_ascii_digit());
        if let Some((_, weight)) = FINALITY.iter().find(|(known, _)| *known == stripped)
            && !is_first
        {
            // `final2` comes after `final`, as `final final` does.
            let counter = word[stripped.len()..].parse().unwrap_or(1i8).clamp(1, 40);
            self.finality = self.finality.saturating_add(weight.saturating_mul(counter));
            return 1;
        }
        // The counter of a copy was read from its brackets already.
        usize::from(self.copy > 0 && number(&word) == Some(self.copy) && words.len() == 1)
    }

    /// By what versions of one line are put in order, as far as their names say.
    pub fn order(&self) -> (&[u64], i8, u64) {
        (&self.version, self.finality, self.copy)
    }

    /// The line's name as names are compared: whatever the case and the marks between words.
    pub fn key(&self) -> String {
        let words = self.line.split(BREAKS).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
    }
}

/// The kept words with what stood between them in the name, or a hyphen where something
/// was taken out.
fn joined(stem: &str, kept: &[&str]) -> String {
    let mut line = String::new();
    let mut end: Option<usize> = None;
    for word in kept {
        let at = word.as_ptr() as usize - stem.as_ptr() as usize;
        match end {
            None => {}
            Some(end) if stem[end..at].chars().count() == 1 => line.push_str(&stem[end..at]),
            Some(end) if stem[end..at].chars().all(char::is_whitespace) => line.push(' '),
            Some(_) => line.push('-'),
        }
        line.push_str(word);
        end = Some(at + word.len());
    }
    line
}

/// `name (3)`, as browsers and file managers number what has the same name.
fn bracketed(stem: &str) -> Option<u64> {
    let inner = stem.trim_end().strip_suffix(')')?;
    number(&inner[inner.rfind('(')? + 1..])
}

fn number(word: &str) -> Option<u64> {
    let digits = !word.is_empty() && word.len() <= 9 && word.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| word.parse().ok()).flatten()
}

/// `7`, `1.2`, `2.0.1`.
fn dotted(word: &str) -> Option<Vec<u64>> {
    let parts: Option<Vec<u64>> = word.split('.').map(number).collect();
    parts.filter(|parts| parts.len() <= 4)
}

/// A date over one to three words, and how many words it took.
fn day(words: &[&str]) -> Option<(Day, usize)> {
    let of = |year: u64, month: u64, day: u64| {
        let sane = (1990..2100).contains(&year) && (1..=12).contains(&month);
        (sane && (1..=31).contains(&day)).then_some(Day {
            year: year as u16,
            month: month as u8,
            day: day as u8,
        })
    };
    let first = words[0];
    // 20260220, also with the time behind it: 20260220T1430.
    let digits = first.split(['T', 't']).next().unwrap_or_default();
    if digits.len() == 8
        && let Some(all) = number(digits)
        && let Some(day) = of(all / 10_000, all / 100 % 100, all % 100)
    {
        return Some((day, 1));
    }
    // 2026.02.20 and 20.02.2026 (nobody writes the month first with dots).
    if let Some([a, b, c]) = dotted(first).as_deref()
        && let Some(day) = of(*a, *b, *c).or_else(|| of(*c, *b, *a))
    {
        return Some((day, 1));
    }
    // 2026-02-20, 2026_02_20.
    let [year, month, rest, ..] = words else { return None };
    if year.len() != 4 || month.len() != 2 {
        return None;
    }
    let day_of_month = rest.split(['T', 't']).next().filter(|day| day.len() == 2)?;
    of(number(year)?, number(month)?, number(day_of_month)?).map(|day| (day, 3))
}

/// The time behind a date: `1430`, `143059`, `14.30`, `14h30`.
fn is_time(word: &str) -> bool {
    let digits: String = word.chars().filter(char::is_ascii_digit).collect();
    let only = word.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'h' | 'm' | 's' | ':'));
    only && matches!(digits.len(), 4 | 6) && digits[..2].parse().is_ok_and(|hour: u8| hour < 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(stem: &str) -> String {
        let name = Name::parse(stem);
        let version: Vec<String> = name.version.iter().map(u64::to_string).collect();
        let day = name.day.map(|d| format!(" {}-{:02}-{:02}", d.year, d.month, d.day));
        format!(
            "{} v{}{} finality {} copy {}",
            name.line,
            version.join("."),
            day.unwrap_or_default(),
            name.finality,
            name.copy
        )
    }

    #[test]
    fn names_as_people_give_them() {
        let names = [
            "acme-portrait-inpaint-v7-2026-02-20",
            "portrait-v7-final-2026-02-20",
            "2026-02-20 portrait v1.2",
            "20260220_1430_portrait",
            "20.02.2026 Landschaft",
            "portrait Save As v2 Final",
            "portrait (1)",
            "portrait - Copy (2)",
            "portrait - Kopie",
            "portrait copy 3",
            "portrait_final_final2",
            "Portrait version 12",
            "portrait_00012",
            "sd15 upscale x2",
            "final",
            "v3",
            "2026-02-20",
            "portrait wip",
            "人物 v2 副本",
        ];
        let told: Vec<String> =
            names.iter().map(|name| format!("{name}: {}", told(name))).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        acme-portrait-inpaint-v7-2026-02-20: acme-portrait-inpaint v7 2026-02-20 finality 0 copy 0
        portrait-v7-final-2026-02-20: portrait v7 2026-02-20 finality 1 copy 0
        2026-02-20 portrait v1.2: portrait v1.2 2026-02-20 finality 0 copy 0
        20260220_1430_portrait: portrait v 2026-02-20 finality 0 copy 0
        20.02.2026 Landschaft: Landschaft v 2026-02-20 finality 0 copy 0
        portrait Save As v2 Final: portrait v2 finality 1 copy 0
        portrait (1): portrait v finality 0 copy 1
        portrait - Copy (2): portrait v finality 0 copy 2
        portrait - Kopie: portrait v finality 0 copy 1
        portrait copy 3: portrait v finality 0 copy 3
        portrait_final_final2: portrait v finality 3 copy 0
        Portrait version 12: Portrait v12 finality 0 copy 0
        portrait_00012: portrait v12 finality 0 copy 0
        sd15 upscale x2: sd15 upscale x2 v finality 0 copy 0
        final: final v finality 0 copy 0
        v3: v3 v3 finality 0 copy 0
        2026-02-20: 2026-02-20 v 2026-02-20 finality 0 copy 0
        portrait wip: portrait v finality -2 copy 0
        人物 v2 副本: 人物 v2 finality 0 copy 1
        ");
    }

    #[test]
    fn spelling_makes_no_other_line() {
        let key = |stem: &str| Name::parse(stem).key();
        assert_eq!(key("My-Portrait_v1"), key("my portrait (2)"));
        assert_ne!(key("portrait"), key("portraits"));
    }
}
