//! What a run was made from, and how far its pictures are from the other's, in words. The
//! caller sanitizes what it prints. Must not print.

use comfy_graph::json::Value;

use crate::runs::run_data::{
    ComparisonVerdict, Derivation, InputSetting, OutputComparison, RunParent,
};

/// Characters of a value that are shown.
const MAX_VALUE_CHARS: usize = 60;

/// What a run makes of its parent.
pub(crate) fn derivation_verb(parent: &RunParent) -> &'static str {
    match parent.how {
        Derivation::Reproduced => "reproduces",
        Derivation::Varied => "varies",
    }
}

/// `run 5f0c7a31`.
pub(crate) fn describe_parent(parent: &RunParent) -> String {
    format!("run {}", parent.run)
}

/// `KSampler #3 cfg 8 -> 7.5`.
pub(crate) fn describe_setting(setting: &InputSetting) -> String {
    let title = if setting.title.is_empty() { "node" } else { &setting.title };
    let (from, to) = (format_value(&setting.from), format_value(&setting.to));
    format!("{title} #{} {} {from} -> {to}", setting.node, setting.input)
}

/// `KSampler.cfg 8 -> 7.5`.
pub(crate) fn describe_setting_short(setting: &InputSetting) -> String {
    let node = if setting.title.is_empty() { &setting.node } else { &setting.title };
    format!(
        "{node}.{} {} -> {}",
        setting.input,
        format_value(&setting.from),
        format_value(&setting.to)
    )
}

/// A value as JSON, a text as it is.
pub(crate) fn format_plain_value(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value as JSON, cut where it is long.
pub(crate) fn format_value(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_VALUE_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// How an output compares: `fox.png: the same picture, pixel for pixel`.
pub(crate) fn describe_comparison(found: &OutputComparison) -> String {
    format!("{}: {} ({})", found.output, describe_verdict(found), found.original)
}

/// What came of making a run again, in a few words.
pub(crate) fn describe_reproduction(compared: &[OutputComparison]) -> String {
    let Some(other) = compared.iter().find(|found| !found.is_same()) else {
        return if compared.is_empty() { "again" } else { "the same again" }.to_owned();
    };
    match (other.verdict, other.psnr) {
        (ComparisonVerdict::Differ, Some(psnr)) => {
            format!("again, not the same (PSNR {:.1} dB)", f64::from(psnr) / 1000.0)
        }
        (ComparisonVerdict::Unseen, _) => "again, its original is not here".to_owned(),
        _ => "again, not the same".to_owned(),
    }
}

/// What came out of a comparison, in a line.
pub(crate) fn describe_verdict(found: &OutputComparison) -> String {
    match found.verdict {
        ComparisonVerdict::Bytes => "the same file, byte for byte".to_owned(),
        ComparisonVerdict::Pixels => "the same picture, pixel for pixel".to_owned(),
        ComparisonVerdict::Other => "not the same bytes; what it shows was not compared".to_owned(),
        ComparisonVerdict::Unseen => match found.perceptual {
            Some(distance) => {
                format!(
                    "the original is not here; by its looks {}",
                    describe_distance(Some(distance))
                )
            }
            None => "the original is not here to compare with".to_owned(),
        },
        ComparisonVerdict::Size => match found.sizes {
            Some([(width, height), (was_wide, was_high)]) => format!(
                "another size, {width} x {height} and not {was_wide} x {was_high}; {}",
                describe_distance(found.perceptual)
            ),
            None => "another size".to_owned(),
        },
        ComparisonVerdict::Differ => describe_difference(found),
    }
}

fn describe_difference(found: &OutputComparison) -> String {
    let levels = |channels: &Option<[u32; 4]>| {
        channels.iter().flatten().copied().max().map_or(0.0, |most| f64::from(most) / 1000.0)
    };
    let (max, mean) = (levels(&found.max), levels(&found.mean));
    let share = match (found.pixels, found.of) {
        (Some(pixels), Some(of)) if of > 0 => {
            let percent = pixels as f64 * 100.0 / of as f64;
            if percent < 0.1 {
                format!("{pixels} of {of} pixels differ, ")
            } else {
                format!("{percent:.1} % of the pixels differ, ")
            }
        }
        _ => String::new(),
    };
    let psnr = found
        .psnr
        .map_or(String::new(), |psnr| format!(", PSNR {:.1} dB", f64::from(psnr) / 1000.0));
    // Whoever cannot see a level of 255 need not read the rest.
    let judged =
        if max <= 2.0 { "nearly the same picture" } else { describe_distance(found.perceptual) };
    format!("{judged}: {share}by {mean:.3} of 255 levels on average and {max:.0} at most{psnr}")
}

/// A perceptual distance, judged.
fn describe_distance(distance: Option<u32>) -> &'static str {
    match distance {
        Some(0..=20) => "it looks the same",
        Some(21..=150) => "it looks much the same",
        Some(151..=350) => "it looks alike",
        Some(_) => "it shows something else",
        None => "a picture that differs",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_told_in_levels() {
        let found = OutputComparison {
            output: "a.png".to_owned(),
            original: "b.png".to_owned(),
            verdict: ComparisonVerdict::Differ,
            max: Some([1000, 1000, 0, 0]),
            mean: Some([4, 12, 0, 0]),
            pixels: Some(12),
            of: Some(1000),
            psnr: Some(67_321),
            perceptual: Some(0),
            ..OutputComparison::default()
        };
        insta::assert_snapshot!(describe_comparison(&found), @"a.png: nearly the same picture: 1.2 % of the pixels differ, by 0.012 of 255 levels on average and 1 at most, PSNR 67.3 dB (b.png)");
        let far = OutputComparison { max: Some([90_000; 4]), perceptual: Some(500), ..found };
        assert!(describe_verdict(&far).starts_with("it shows something else: "));
    }
}
