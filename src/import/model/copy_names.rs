//! The names that sync services give to the copy that lost, when a file was changed in two
//! places.

use super::conflict_copy_patterns::{COPY_PATTERNS, CopyNameShape, PatternTrust};

/// What the name of a copy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CopyName {
    /// The service that gave it.
    pub service: &'static str,
    /// The name of the file that the copy belongs to, which may be a copy itself.
    pub original: String,
    /// Whether a person may have given the name: then it is one of a copy only where the
    /// file lies beside it.
    pub is_ambiguous: bool,
}

/// What the name of a file, without its folder, says of a copy, if it is one.
pub(crate) fn parse_copy_name(name: &str) -> Option<CopyName> {
    let (stem, extension) = name.rsplit_once('.')?;
    // `(1)` behind the mark: the copy of a copy.
    let stem = match trailing_bracket(stem) {
        Some((open, inner)) if is_short_number(inner) => stem[..open].trim_end(),
        _ => stem,
    };
    let lower = stem.to_lowercase();
    // What is cut off was found in lower case; that must not move any letter.
    if lower.len() != stem.len() {
        return None;
    }
    let (mark, end) = COPY_PATTERNS
        .iter()
        .find_map(|mark| Some((mark, original_name_end(&mark.shape, &lower)?)))?;
    let original = stem.get(..end)?.trim_end();
    (!original.is_empty()).then(|| CopyName {
        service: mark.service,
        original: format!("{original}.{extension}"),
        is_ambiguous: mark.trust == PatternTrust::Doubtful,
    })
}

/// `fox (1).json` as Google Drive and others number what arrives twice. A person or a
/// browser may have done that too: only to be believed in a folder that is such a service's.
pub(crate) fn parse_numbered_name(name: &str) -> Option<CopyName> {
    let (stem, extension) = name.rsplit_once('.')?;
    let (open, inner) = trailing_bracket(stem)?;
    let original = stem[..open].trim_end();
    (is_short_number(inner) && !original.is_empty()).then(|| CopyName {
        service: "Google Drive",
        original: format!("{original}.{extension}"),
        is_ambiguous: true,
    })
}

/// The byte offset where the file's own name ends, in a name of that shape.
fn original_name_end(shape: &CopyNameShape, lower: &str) -> Option<usize> {
    match shape {
        CopyNameShape::Brackets(text) => {
            let (open, _) = trailing_bracket(lower)?;
            lower[open..].contains(text).then_some(open)
        }
        CopyNameShape::Dated(text) => {
            let (open, inner) = trailing_bracket(lower)?;
            (inner.contains(text) && contains_date(inner)).then_some(open)
        }
        CopyNameShape::Suffix(text) => lower.rfind(text),
        CopyNameShape::Repeated(text) => {
            let at = lower.find(text)?;
            let rest = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
            lower[at + text.len()..].split(text).all(rest).then_some(at)
        }
        CopyNameShape::WindowsComputer(text) => {
            let at = lower.rfind(text)?;
            let rest = &lower[at + text.len()..];
            let plain =
                (4..=15).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric());
            plain.then_some(at)
        }
        CopyNameShape::SynologyClient => synology_client_end(lower),
    }
}

/// `name_client_jan-03-0901-2013_caseconflict_1`.
fn synology_client_end(lower: &str) -> Option<usize> {
    let without = lower.trim_end_matches(|c: char| c.is_ascii_digit());
    let without = without.strip_suffix('_').filter(|_| without.len() < lower.len());
    let (rest, reason) = without.unwrap_or(lower).rsplit_once('_')?;
    let (rest, moment) = rest.rsplit_once('_')?;
    let (name, _) = rest.rsplit_once('_')?;
    let parts: Vec<&str> = moment.split('-').collect();
    let shape = matches!(parts[..], [month, day, time, year]
        if month.len() == 3 && day.len() == 2 && time.len() == 4 && year.len() == 4);
    (shape && reason.ends_with("conflict")).then_some(name.len())
}

/// The bracket that a name ends with: where it opens, and what stands in it. Brackets may
/// stand in it.
fn trailing_bracket(stem: &str) -> Option<(usize, &str)> {
    let (opening, closing) = match stem.chars().next_back()? {
        ')' => ('(', ')'),
        ']' => ('[', ']'),
        _ => return None,
    };
    let mut depth = 0;
    for (at, char) in stem.char_indices().rev() {
        if char == closing {
            depth += 1;
        } else if char == opening {
            depth -= 1;
        }
        if depth == 0 {
            return Some((at, &stem[at + 1..stem.len() - 1]));
        }
    }
    None
}

fn is_short_number(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// `2026-02-20` anywhere.
fn contains_date(text: &str) -> bool {
    text.as_bytes().windows(10).any(|w| {
        w.iter().enumerate().all(|(at, b)| match at {
            4 | 7 => *b == b'-',
            _ => b.is_ascii_digit(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn original(name: &str) -> Option<String> {
        parse_copy_name(name).map(|copy| copy.original)
    }

    #[test]
    fn each_service_and_language_is_known() {
        for mark in COPY_PATTERNS {
            let (copy, original) = mark.example;
            let found = parse_copy_name(copy).unwrap_or_else(|| panic!("{}: {copy}", mark.service));
            assert_eq!(
                (found.original.as_str(), found.service),
                (original, mark.service),
                "{copy} ({})",
                mark.source
            );
        }
    }

    #[test]
    fn copies_of_copies_and_brackets_in_brackets_are_read() {
        let names = [
            "fox (Ann (home)'s conflicted copy 2026-02-20).json",
            "fox (Ann's conflicted copy 2026-02-20 (1)).json",
            "fox (Ann's conflicted copy 2026-02-20) (1).json",
            "fox.Conflict.Conflict.json",
        ];
        for name in names {
            assert_eq!(original(name).as_deref(), Some("fox.json"), "{name}");
        }
        let twice = "fox (Ann's conflicted copy 2026-02-20) (Bo's conflicted copy 2026-02-21).json";
        let once = original(twice).unwrap();
        assert_eq!(original(&once).as_deref(), Some("fox.json"));
        // Letters that macOS writes in two parts.
        let apart = "SENHAS (Co\u{301}pia em conflito de Ann 2026-08-25).json";
        assert_eq!(original(apart).as_deref(), Some("SENHAS.json"));
    }

    #[test]
    fn ordinary_names_are_no_copies() {
        for name in [
            "fox.json",
            "fox (1).json",
            "conflicted copy.json",
            "(conflicted copy).json",
            "conflict of interest.json",
            "fox.conflicting.json",
            "fox (a conflict).json",
            "fox-desktop.json",
            "fox-desktop-background image.json",
            "fox)).json",
            "fox",
        ] {
            assert_eq!(original(name), None, "{name}");
        }
        assert_eq!(parse_numbered_name("fox (1).json").unwrap().original, "fox.json");
        assert_eq!(parse_numbered_name("fox (2026).json"), None);
    }
}
