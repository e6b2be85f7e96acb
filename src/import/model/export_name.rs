//! What a file name says of an exported workflow: which line of versions it belongs to,
//! which version it is, from which day, whether a copy or a "final".
//!
//! Names mislead; nothing here is believed without a look at the graphs (`version_lines`).

use super::name_words::{
    COPY_PREFIXES, COPY_WORDS, FINALITY_WORDS, GLUED_COPY_WORDS, WINDOWS_DEVICES,
};

/// A day, as a name has it. Not checked against a calendar beyond its ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Day {
    /// The year, four digits.
    pub year: u16,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day of the month, 1 to 31.
    pub day: u8,
}

/// A name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExportName {
    /// What is left when everything else is taken away, in the spelling of the file; the
    /// name of the line's file. Never empty.
    pub line_name: String,
    /// The version: `v7` is `[7]`, `v1.2` is `[1, 2]`.
    pub version: Vec<u64>,
    /// The day in the name.
    pub day: Option<Day>,
    /// The time of day behind it: hours, minutes, seconds.
    pub time: Option<(u8, u8, u8)>,
    /// How finished it says it is: a draft below 0, a final above.
    pub finality: i8,
    /// Which copy: `(1)`, `copy 2`; 0 is the file itself.
    pub copy: u64,
}

/// What stands between the words of a name.
const WORD_BREAKS: &[char] = &['-', '–', '—', '_', ' ', '(', ')', '[', ']', ',', '+'];

impl ExportName {
    /// A name that says what the line is called and nothing else.
    pub(crate) fn with_line_name(line: &str) -> ExportName {
        let line_name = line.to_owned();
        ExportName { line_name, version: Vec::new(), day: None, time: None, finality: 0, copy: 0 }
    }

    /// Takes the name of a file apart, without its folder and extension.
    pub(crate) fn parse(stem: &str) -> ExportName {
        let (stem, glued) = strip_glued_copy_word(stem);
        let words: Vec<&str> = stem.split(WORD_BREAKS).filter(|word| !word.is_empty()).collect();
        let mut name = ExportName {
            copy: bracketed_number(stem).unwrap_or(glued),
            ..ExportName::with_line_name("")
        };
        let mut kept = Vec::new();
        let mut at = name.consume_copy_prefix(&words);
        while at < words.len() {
            at += match name.consume_words(&words[at..], kept.is_empty()) {
                0 => {
                    kept.push(words[at]);
                    1
                }
                consumed => consumed,
            };
        }
        // A counter at the end: `portrait_00012`, as ComfyUI numbers what it saves.
        if name.version.is_empty()
            && kept.len() > 1
            && let Some(number) = kept.last().and_then(|word| parse_number(word))
        {
            name.version = vec![number];
            kept.pop();
        }
        name.line_name =
            if kept.is_empty() { stem.trim().to_owned() } else { join_kept_words(stem, &kept) };
        if name.line_name.is_empty() {
            name.line_name = "workflow".to_owned();
        }
        name
    }

    /// `Copy of …`; gives how many words that is.
    fn consume_copy_prefix(&mut self, words: &[&str]) -> usize {
        let begins = |phrase: &&&[&str]| {
            words.len() > phrase.len()
                && phrase.iter().zip(words).all(|(known, word)| word.to_lowercase() == *known)
        };
        let consumed = COPY_PREFIXES.iter().find(begins).map_or(0, |phrase| phrase.len());
        self.copy = self.copy.max(u64::from(consumed > 0));
        consumed
    }

    /// Takes what the first words say, if they say anything but the line's own name; gives
    /// how many words that were.
    fn consume_words(&mut self, words: &[&str], is_first: bool) -> usize {
        let consumed = self.consume_day(words);
        if consumed > 0 {
            return consumed;
        }
        if self.version.is_empty()
            && let Some((version, consumed)) = parse_version(words)
            // `sd v1.5 portrait v3`: the last one is the file's own.
            && !(consumed..words.len()).any(|at| self::parse_version(&words[at..]).is_some())
        {
            self.version = version;
            return consumed;
        }
        let word = words[0].to_lowercase();
        if word == "save" && words.get(1).is_some_and(|next| next.eq_ignore_ascii_case("as")) {
            return 2;
        }
        match is_first {
            true => 0,
            false => self.consume_copy_or_finality(&word, words),
        }
    }

    /// A day, with the time behind it.
    fn consume_day(&mut self, words: &[&str]) -> usize {
        if self.day.is_some() {
            return 0;
        }
        let Some((day, consumed)) = parse_date(words) else { return 0 };
        self.day = day;
        let glued =
            words[consumed - 1].split_once(['T', 't']).and_then(|(_, time)| parse_time_word(time));
        if glued.is_some() {
            self.time = glued;
            return consumed;
        }
        // macOS writes `2026-02-20 at 14.30`.
        let at = usize::from(words.get(consumed).is_some_and(|word| *word == "at"));
        let (time, more) = parse_time(words.get(consumed + at..).unwrap_or_default()).unzip();
        self.time = time;
        consumed + more.map_or(0, |more| at + more)
    }

    /// A word for a copy, or for how finished it is.
    fn consume_copy_or_finality(&mut self, word: &str, words: &[&str]) -> usize {
        if COPY_WORDS.contains(&word) {
            let counter = words.get(1).and_then(|word| parse_number(word));
            self.copy = self.copy.max(counter.unwrap_or(1));
            return 1 + usize::from(counter.is_some());
        }
        // GNOME: `another copy`, `3rd copy`.
        if words.get(1).is_some_and(|next| next.eq_ignore_ascii_case("copy"))
            && let Some(count) = parse_ordinal(word)
        {
            self.copy = self.copy.max(count);
            return 2;
        }
        let stripped = word.trim_end_matches(|c: char| c.is_ascii_digit());
        if let Some((_, weight)) = FINALITY_WORDS.iter().find(|(known, _)| *known == stripped) {
            // `final2` comes after `final`, as `final final` does.
            let counter = word[stripped.len()..].parse().unwrap_or(1i8).clamp(1, 40);
            self.finality = self.finality.saturating_add(weight.saturating_mul(counter));
            return 1;
        }
        // The counter of a copy was read from its brackets already.
        usize::from(self.copy > 0 && parse_number(word) == Some(self.copy) && words.len() == 1)
    }

    /// The sort key of versions of one line, as far as their names tell: version, finality, copy.
    pub(crate) fn version_order(&self) -> (&[u64], i8, u64) {
        (&self.version, self.finality, self.copy)
    }

    /// The line's name as names are compared: whatever the case and the marks between words.
    pub(crate) fn comparison_key(&self) -> String {
        let words = self.line_name.split(WORD_BREAKS).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
    }
}

/// The kept words with what stood between them in the name, or a hyphen where something
/// was taken out.
fn join_kept_words(stem: &str, kept: &[&str]) -> String {
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

/// A name that every file system takes: no control characters, none that Windows forbids,
/// no device, not too long.
pub(crate) fn portable_file_name(line: &str) -> String {
    let plain = |c: char| if c.is_control() || "<>:\"/\\|?*".contains(c) { '-' } else { c };
    let text: String = line.chars().map(plain).take(MAX_NAME_CHARS).collect();
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '.');
    let device = text.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    match text {
        "" => "workflow".to_owned(),
        text if WINDOWS_DEVICES.contains(&device.as_str()) => format!("_{text}"),
        text => text.to_owned(),
    }
}

/// Characters of a name that are kept: whatever the alphabet, fewer than 255 bytes.
const MAX_NAME_CHARS: usize = 60;

/// A name without what file managers glue to its end, and whether there was any.
fn strip_glued_copy_word(stem: &str) -> (&str, u64) {
    let stem = stem.trim_end();
    match GLUED_COPY_WORDS.iter().find_map(|glue| stem.strip_suffix(glue)) {
        Some(rest) if !rest.trim().is_empty() => (rest, 1),
        _ => (stem, 0),
    }
}

fn parse_ordinal(word: &str) -> Option<u64> {
    if word == "another" {
        return Some(2);
    }
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    matches!(&word[digits.len()..], "st" | "nd" | "rd" | "th")
        .then(|| parse_number(digits))
        .flatten()
}

/// `v7`, `v1.2`, `version 12`, and how many words that is.
fn parse_version(words: &[&str]) -> Option<(Vec<u64>, usize)> {
    const PREFIXES: [&str; 4] = ["version", "ver", "rev", "v"];
    let word = words.first()?.to_lowercase();
    let own = PREFIXES.iter().find_map(|prefix| word.strip_prefix(prefix).and_then(parse_dotted));
    let next = || PREFIXES.contains(&word.as_str()).then(|| parse_dotted(words.get(1)?)).flatten();
    own.map(|version| (version, 1)).or_else(|| Some((next()?, 2)))
}

/// `name (3)`, as browsers and file managers number what has the same name.
fn bracketed_number(stem: &str) -> Option<u64> {
    let inner = stem.trim_end().strip_suffix(')')?;
    parse_number(&inner[inner.rfind('(')? + 1..])
}

fn parse_number(word: &str) -> Option<u64> {
    let digits = !word.is_empty() && word.len() <= 9 && word.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| word.parse().ok()).flatten()
}

/// `7`, `1.2`, `2.0.1`.
fn parse_dotted(word: &str) -> Option<Vec<u64>> {
    let parts: Option<Vec<u64>> = word.split('.').map(parse_number).collect();
    parts.filter(|parts| parts.len() <= 4)
}

/// A date over one to three words, and how many words it took. Where nobody can say which
/// is the month it is no date, and yet no part of the name.
fn parse_date(words: &[&str]) -> Option<(Option<Day>, usize)> {
    let first = words[0];
    // 20260220, also with the time behind it: 20260220T1430.
    let digits = first.split(['T', 't']).next().unwrap_or_default();
    if digits.len() == 8
        && let Some(all) = parse_number(digits)
        && let Some(day) = valid_day(all / 10_000, all / 100 % 100, all % 100)
    {
        return Some((Some(day), 1));
    }
    // 2026.02.20 and 20.02.2026 (nobody writes the month first with dots).
    if let Some([a, b, c]) = parse_dotted(first).as_deref()
        && let Some(day) = valid_day(*a, *b, *c).or_else(|| valid_day(*c, *b, *a))
    {
        return Some((Some(day), 1));
    }
    let [one, two, three, ..] = words else { return None };
    let three = three.split(['T', 't']).next().unwrap_or_default();
    let (a, b, c) = (parse_number(one)?, parse_number(two)?, parse_number(three)?);
    match (one.len(), two.len(), three.len()) {
        // 2026-02-20, 2026_02_20.
        (4, 2, 2) => valid_day(a, b, c).map(|day| (Some(day), 3)),
        // 20-02-2026, 02-20-2026.
        (2, 2, 4) => match (valid_day(c, b, a), valid_day(c, a, b)) {
            (Some(day), None) | (None, Some(day)) => Some((Some(day), 3)),
            (Some(one), Some(other)) if one == other => Some((Some(one), 3)),
            (Some(_), Some(_)) => Some((None, 3)),
            (None, None) => None,
        },
        _ => None,
    }
}

fn valid_day(year: u64, month: u64, day: u64) -> Option<Day> {
    let sane = (1990..2100).contains(&year) && (1..=12).contains(&month);
    (sane && (1..=31).contains(&day)).then_some(Day {
        year: year as u16,
        month: month as u8,
        day: day as u8,
    })
}

/// The time behind a date: `1430`, `143059`, `14.30`, `14h30`, `14-30-59`, and how many
/// words it took.
fn parse_time(words: &[&str]) -> Option<((u8, u8, u8), usize)> {
    if let Some(time) = words.first().and_then(|word| parse_time_word(word)) {
        return Some((time, 1));
    }
    let parts: Vec<&str> =
        words.iter().take(3).take_while(|word| word.len() == 2).copied().collect();
    (parts.len() >= 2).then(|| Some((parse_time_word(&parts.concat())?, parts.len())))?
}

fn parse_time_word(word: &str) -> Option<(u8, u8, u8)> {
    let only = word
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'h' | 'm' | 's' | ':' | 'Z' | 'z'));
    let digits: String = word.chars().filter(char::is_ascii_digit).collect();
    if !only || !matches!(digits.len(), 4 | 6) {
        return None;
    }
    let at = |from: usize| digits.get(from..from + 2).map_or(Some(0), |two| two.parse().ok());
    let (hour, minute, second) = (at(0)?, at(2)?, at(4)?);
    (hour < 24 && minute < 60 && second < 60).then_some((hour, minute, second))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(stem: &str) -> String {
        let name = ExportName::parse(stem);
        let version: Vec<String> = name.version.iter().map(u64::to_string).collect();
        let day = name.day.map(|d| format!(" {}-{:02}-{:02}", d.year, d.month, d.day));
        let time = name.time.map(|(h, m, s)| format!(" {h:02}:{m:02}:{s:02}"));
        format!(
            "{} v{}{}{} finality {} copy {}",
            name.line_name,
            version.join("."),
            day.unwrap_or_default(),
            time.unwrap_or_default(),
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
            "portrait 2026-02-20 at 14.30",
            "portrait 2026-02-20T143059Z",
            "portrait_2026-02-20_14-30-59",
            "20-02-2026 portrait",
            "02-03-2026 portrait",
            "sdxl v1.0 portrait v3",
            "portrait (another copy)",
            "portrait (3rd copy)",
            "Copy of portrait",
            "Kopie von portrait (2)",
            "portraitのコピー",
            "portrait - Kopia (2)",
            "portrait — копия",
            "copy of",
            "con",
            "final_v2",
        ];
        let lines: Vec<String> =
            names.iter().map(|name| format!("{name}: {}", describe(name))).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        acme-portrait-inpaint-v7-2026-02-20: acme-portrait-inpaint v7 2026-02-20 finality 0 copy 0
        portrait-v7-final-2026-02-20: portrait v7 2026-02-20 finality 1 copy 0
        2026-02-20 portrait v1.2: portrait v1.2 2026-02-20 finality 0 copy 0
        20260220_1430_portrait: portrait v 2026-02-20 14:30:00 finality 0 copy 0
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
        portrait 2026-02-20 at 14.30: portrait v 2026-02-20 14:30:00 finality 0 copy 0
        portrait 2026-02-20T143059Z: portrait v 2026-02-20 14:30:59 finality 0 copy 0
        portrait_2026-02-20_14-30-59: portrait v 2026-02-20 14:30:59 finality 0 copy 0
        20-02-2026 portrait: portrait v 2026-02-20 finality 0 copy 0
        02-03-2026 portrait: portrait v finality 0 copy 0
        sdxl v1.0 portrait v3: sdxl v1.0 portrait v3 finality 0 copy 0
        portrait (another copy): portrait v finality 0 copy 2
        portrait (3rd copy): portrait v finality 0 copy 3
        Copy of portrait: portrait v finality 0 copy 1
        Kopie von portrait (2): portrait v finality 0 copy 2
        portraitのコピー: portrait v finality 0 copy 1
        portrait - Kopia (2): portrait v finality 0 copy 2
        portrait — копия: portrait v finality 0 copy 1
        copy of: copy of v finality 0 copy 0
        con: con v finality 0 copy 0
        final_v2: final v2 finality 0 copy 0
        ");
    }

    #[test]
    fn lines_have_names_that_every_file_system_takes() {
        let names = ["a:b?", "con", "Aux.old", "line\nend", "..", " dots. ", "fox", "人物"];
        let lines: Vec<String> = names.iter().map(|name| portable_file_name(name)).collect();
        assert_eq!(
            lines,
            ["a-b-", "_con", "_Aux.old", "line-end", "workflow", "dots", "fox", "人物"]
        );
        assert!(portable_file_name(&"長".repeat(400)).len() < 200);
    }

    #[test]
    fn spelling_makes_no_other_line() {
        let key = |stem: &str| ExportName::parse(stem).comparison_key();
        assert_eq!(key("My-Portrait_v1"), key("my portrait (2)"));
        assert_ne!(key("portrait"), key("portraits"));
    }
}
