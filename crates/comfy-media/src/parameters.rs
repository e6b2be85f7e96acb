//! The text that AUTOMATIC1111's web UI writes into pictures, and ComfyUI's savers after
//! it, so that sites and other tools understand them:
//!
//! ```text
//! positive prompt, over one or more lines
//! Negative prompt: likewise
//! Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x768, Model hash: …
//! ```
//!
//! All fields are kept as they are written; methods parse the well-known ones.

use comfy_graph::json;

/// A parsed A1111 text. Nothing is checked against the picture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct A1111Parameters {
    /// The positive prompt, without surrounding white space.
    pub positive: String,
    /// The negative prompt, if there is one.
    pub negative: Option<String>,
    /// The settings in their order: name and value, quotes undone.
    pub fields: Vec<(String, String)>,
}

/// Settings of one text that are read.
const MAX_FIELDS: usize = 256;

/// A last line without `Steps:` needs this many settings to be taken for one.
const MIN_FIELDS: usize = 3;

impl A1111Parameters {
    /// Parses a text; `None` if it is not in this format.
    pub fn parse(text: &str) -> Option<A1111Parameters> {
        let text = text.trim();
        if is_other_format(text) {
            return None;
        }
        let (prompts, settings) = split_settings(text)?;
        let (positive, negative) = match split_at_line_start(prompts, "Negative prompt:") {
            Some((positive, negative)) => (positive.trim(), Some(negative.trim().to_owned())),
            None => (prompts.trim(), None),
        };
        Some(A1111Parameters {
            positive: positive.to_owned(),
            negative,
            fields: parse_fields(settings),
        })
    }

    /// A setting by its name, in any case.
    pub fn field(&self, name: &str) -> Option<&str> {
        let field = self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.as_str())
    }

    /// `Steps`: sampling steps.
    pub fn steps(&self) -> Option<u32> {
        self.field("Steps")?.parse().ok()
    }

    /// `Sampler`: the name as the writer shows it, such as `Euler a`.
    pub fn sampler(&self) -> Option<&str> {
        self.field("Sampler")
    }

    /// The scheduler's name, where it is not a part of the sampler's.
    pub fn scheduler(&self) -> Option<&str> {
        self.field("Schedule type").or_else(|| self.field("Scheduler"))
    }

    /// `CFG scale`: the guidance scale.
    pub fn cfg(&self) -> Option<f64> {
        self.field("CFG scale")?.parse().ok()
    }

    /// The seed, up to 2^64-1.
    pub fn seed(&self) -> Option<u64> {
        self.field("Seed")?.parse().ok()
    }

    /// `Denoising strength`, as it is written.
    pub fn denoise(&self) -> Option<f64> {
        self.field("Denoising strength")?.parse().ok()
    }

    /// Width and height in pixels.
    pub fn size(&self) -> Option<(u32, u32)> {
        let (width, height) = self.field("Size")?.split_once('x')?;
        Some((width.trim().parse().ok()?, height.trim().parse().ok()?))
    }

    /// The model's name, without folder and extension.
    pub fn model(&self) -> Option<&str> {
        self.field("Model")
    }

    /// The first ten hex digits of the model file's SHA-256.
    pub fn model_hash(&self) -> Option<&str> {
        self.field("Model hash")
    }

    /// The program that wrote it (`ComfyUI`, or A1111's version).
    pub fn version(&self) -> Option<&str> {
        self.field("Version")
    }

    /// Short hashes by what they are of: `model`, `LORA:name`, `embed:name`. From the
    /// fields `Hashes` (JSON), `Lora hashes` and `TI hashes` (lists).
    pub fn hashes(&self) -> Vec<(String, String)> {
        let mut hashes = vec![];
        if let Some(map) = self.field("Hashes")
            && let Ok(json::Value::Object(map)) = json::parse_lenient(map.as_bytes())
        {
            let texts = map.iter().filter_map(|(name, hash)| Some((name, hash.as_str()?)));
            hashes.extend(texts.map(|(name, hash)| (name.to_string(), hash.to_owned())));
        }
        for (field, kind) in [("Lora hashes", "LORA"), ("TI hashes", "embed")] {
            let list = self.field(field).unwrap_or_default().split(',');
            let pairs = list.filter_map(|pair| pair.split_once(':'));
            let named = pairs.map(|(name, hash)| (format!("{kind}:{}", name.trim()), hash.trim()));
            let new = named.filter(|(name, hash)| {
                !hash.is_empty() && !hashes.iter().any(|(known, _)| known == name)
            });
            let new: Vec<_> = new.map(|(name, hash)| (name, hash.to_owned())).collect();
            hashes.extend(new);
        }
        hashes
    }
}

/// Whether a text is JSON or XML. Prompts begin with brackets as well: `[a|b] in the snow`,
/// `<lora:name:1>`, `{red|blue} fox`.
fn is_other_format(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'{' | b'[') => json::parse_lenient(text.as_bytes()).is_ok(),
        Some(b'<') => ["<?", "<!"].iter().any(|head| text.starts_with(head)) || text.contains("</"),
        _ => false,
    }
}

/// Names of which one at least stands in a line of settings; an editor's comment such as
/// `xr:d:DAF,j:1,t:2` has none.
const WELL_KNOWN_FIELDS: [&str; 9] = [
    "CFG scale",
    "Model",
    "Model hash",
    "Sampler",
    "Schedule type",
    "Seed",
    "Size",
    "Steps",
    "Version",
];

/// Splits at the last line that starts with `Steps:`, else before a last line that looks
/// like settings.
fn split_settings(text: &str) -> Option<(&str, &str)> {
    if let Some(at) = find_last_line_start(text, "Steps:") {
        return Some(text.split_at(at));
    }
    let at = text.rfind('\n').map_or(0, |end| end + 1);
    let (prompts, last) = text.split_at(at);
    let fields = parse_fields(last);
    let known = |(name, _): &(String, String)| {
        WELL_KNOWN_FIELDS.iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    (fields.len() >= MIN_FIELDS && fields.iter().any(known)).then_some((prompts, last))
}

/// Where the last line that starts with a word begins.
fn find_last_line_start(text: &str, word: &str) -> Option<usize> {
    let mut from = text.len();
    while let Some(at) = text[..from].rfind(word) {
        if at == 0 || text.as_bytes()[at - 1] == b'\n' {
            return Some(at);
        }
        from = at;
    }
    None
}

/// Splits around a word at the start of a line.
fn split_at_line_start<'t>(text: &'t str, word: &str) -> Option<(&'t str, &'t str)> {
    let at = find_last_line_start(text, word)?;
    Some((&text[..at], &text[at + word.len()..]))
}

/// `Name: value` pairs between commas or line ends. A value that starts with a quote, a
/// brace or a bracket is JSON and may hold commas.
fn parse_fields(settings: &str) -> Vec<(String, String)> {
    let mut fields = vec![];
    let mut rest = settings.trim_start_matches(is_separator);
    while fields.len() < MAX_FIELDS
        && let Some((name, behind)) = rest.split_once(':')
    {
        let (value, behind) = parse_field_value(behind.trim_start_matches(' '));
        // A name that runs over a separator had no value: the field is its last part.
        let name = name.rsplit(is_separator).next().unwrap_or(name).trim();
        if !name.is_empty() {
            fields.push((name.to_owned(), value));
        }
        rest = behind.trim_start_matches(is_separator);
    }
    fields
}

fn is_separator(c: char) -> bool {
    matches!(c, ',' | '\n' | '\r')
}

fn parse_field_value(text: &str) -> (String, &str) {
    if let Some(end) = find_json_end(text)
        && text[end..].trim_start_matches(' ').chars().next().is_none_or(is_separator)
    {
        let (value, behind) = text.split_at(end);
        let undone = match json::parse_lenient(value.as_bytes()) {
            Ok(json::Value::String(undone)) => undone.to_string(),
            _ => value.to_owned(),
        };
        return (undone, behind);
    }
    let end = text.find(is_separator).unwrap_or(text.len());
    (text[..end].trim().to_owned(), &text[end..])
}

/// Where a JSON string, object or array that the text begins with ends, by brackets.
fn find_json_end(text: &str) -> Option<usize> {
    if !text.starts_with(['"', '{', '[']) {
        return None;
    }
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && !quoted {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prompts_may_begin_with_brackets_and_comments_are_no_settings() {
        let settings = "\nSteps: 20, Sampler: Euler a, Seed: 1";
        for prompt in ["<lora:style:0.8> a fox", "[cat|dog] in the snow", "{red|blue} fox", "<3"] {
            let read = A1111Parameters::parse(&format!("{prompt}{settings}")).unwrap();
            assert_eq!(read.positive, prompt);
            assert_eq!(read.steps(), Some(20));
        }
        for text in [
            "xr:d:DAF1abc,j:123456789,t:24010112",
            "{\"Steps\": 20, \"Seed\": 1}",
            "<x:xmpmeta><a>Steps: 20, Sampler: x, Seed: 1</a></x:xmpmeta>",
            "<?xml version=\"1.0\"?>\nSteps: 20, Sampler: x, Seed: 1",
        ] {
            assert_eq!(A1111Parameters::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_full_text_is_taken_apart() {
        let parameters = A1111Parameters::parse(
            "neon fox, (rain:1.2)\nSteps: not these\nNegative prompt: blurry,\nlow quality\n\
             Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, \
             Seed: 18446744073709551615, Size: 512x768, Clip skip: 2, Model hash: 0123456789, \
             Model: \"fox, v2\", Denoising strength: 0.4, \
             Lora hashes: \"rain: aabbccddee, neon: 1122334455\", \
             Hashes: {\"model\": \"0123456789\", \"LORA:neon\": \"1122334455\"}, Version: ComfyUI",
        );
        let parameters = parameters.unwrap();
        assert_eq!(parameters.positive, "neon fox, (rain:1.2)\nSteps: not these");
        assert_eq!(parameters.negative.as_deref(), Some("blurry,\nlow quality"));
        assert_eq!(parameters.steps(), Some(20));
        assert_eq!(parameters.sampler(), Some("DPM++ 2M"));
        assert_eq!(parameters.scheduler(), Some("Karras"));
        assert_eq!(parameters.cfg(), Some(7.5));
        assert_eq!(parameters.seed(), Some(u64::MAX));
        assert_eq!(parameters.size(), Some((512, 768)));
        assert_eq!(parameters.field("Clip skip"), Some("2"));
        assert_eq!(parameters.model(), Some("fox, v2"));
        assert_eq!(parameters.model_hash(), Some("0123456789"));
        assert_eq!(parameters.denoise(), Some(0.4));
        assert_eq!(parameters.version(), Some("ComfyUI"));
        let hashes = parameters.hashes();
        let hashes: Vec<_> = hashes.iter().map(|(n, h)| (n.as_str(), h.as_str())).collect();
        let expected =
            [("model", "0123456789"), ("LORA:neon", "1122334455"), ("LORA:rain", "aabbccddee")];
        assert_eq!(hashes, expected);
    }

    #[test]
    fn settings_may_take_lines_or_lack_steps() {
        let lines = A1111Parameters::parse("fox\nSteps: 4,\nSampler: Euler\nSeed: 7").unwrap();
        assert_eq!(
            (lines.steps(), lines.sampler(), lines.seed()),
            (Some(4), Some("Euler"), Some(7))
        );
        let no_steps = A1111Parameters::parse("fox\nSampler: Euler, Seed: 7, Size: 8x8").unwrap();
        assert_eq!((no_steps.positive.as_str(), no_steps.seed()), ("fox", Some(7)));
        let only = A1111Parameters::parse("Steps: 4, Seed: 7").unwrap();
        assert_eq!((only.positive.as_str(), only.negative), ("", None));
    }

    #[test]
    fn ordinary_texts_are_none() {
        for text in ["", "a fox", "{\"Steps\": 1}", "fox: a, rain: b", "Canon", "16:9"] {
            assert_eq!(A1111Parameters::parse(text), None, "{text}");
        }
    }

    #[test]
    fn quotes_and_brackets_that_never_close_are_plain() {
        let odd = A1111Parameters::parse("Steps: 4, Model: \"open, Seed: 7, Extra: {[, Size: 8x8");
        let odd = odd.unwrap();
        assert_eq!(odd.field("Model"), Some("\"open"));
        assert_eq!((odd.seed(), odd.size()), (Some(7), Some((8, 8))));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(?s).{0,80}(\nSteps: )?[ -~\n]{0,80}") {
            if let Some(parameters) = A1111Parameters::parse(&text) {
                parameters.hashes();
            }
        }
    }
}
