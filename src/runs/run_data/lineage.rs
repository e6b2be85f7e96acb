//! Where a run comes from: the run that it makes again or varies, what was set, and how
//! what came out compares with what the other one made.

use comfy_graph::json::Value;
use comfy_media::picture::PictureComparison;
use serde::{Deserialize, Serialize};

use super::schema::Run;

/// Settings of one run that are kept.
const MAX_SETTINGS: usize = 256;
/// The longest id of a run.
const MAX_ID_CHARS: usize = 100;

/// The run that another one is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunParent {
    /// Its id.
    pub run: String,
    /// What is made of it.
    pub how: Derivation,
    /// What was set differently, in the order it was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set: Vec<InputSetting>,
}

/// What a run makes of its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Derivation {
    /// The same again.
    Reproduced,
    /// The same with something set differently.
    Varied,
}

/// An input that was set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputSetting {
    /// The node, as the prompt has it.
    pub node: String,
    /// Its title or class, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    pub input: String,
    /// What it held.
    #[serde(default)]
    pub from: Value,
    /// What it holds.
    #[serde(default)]
    pub to: Value,
}

impl RunParent {
    /// What a client said of a run that it queued; nothing where it makes no sense.
    pub(crate) fn from_extra_data(extra_data: &Value) -> Option<RunParent> {
        let mut parent = RunParent::deserialize(extra_data.get("parent")?).ok()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let id = &parent.run;
        if id.len() < 4 || id.len() > MAX_ID_CHARS || !id.chars().all(plain) {
            return None;
        }
        parent.set.truncate(MAX_SETTINGS);
        Some(parent)
    }

    /// Takes out what a person wrote.
    pub(crate) fn redact(&mut self) {
        let plain = |value: &Value| !matches!(value, Value::String(_));
        self.set.retain(|setting| plain(&setting.from) && plain(&setting.to));
    }
}

/// How an output compares with the one it makes again. Numbers are in thousandths, so that
/// documents of different clones can be joined.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OutputComparison {
    /// The output of this run.
    pub output: String,
    /// What it was held against: a path as the other run has it, or the name of a file.
    pub original: String,
    /// SHA-256 of the original's bytes, where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What came out.
    #[serde(default)]
    pub verdict: ComparisonVerdict,
    /// Of each channel (red, green, blue, alpha) the largest difference, in thousandths of
    /// a level; levels go from 0 to 255.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<[u32; 4]>,
    /// Of each channel the mean difference, likewise; never rounded down to nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<[u32; 4]>,
    /// Pixels that differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<u64>,
    /// Pixels there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// Peak signal-to-noise ratio, in thousandths of a decibel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub psnr: Option<u32>,
    /// Perceptual distance, in thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perceptual: Option<u32>,
    /// Width and height of the output and of the original, where they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sizes: Option<[(u32, u32); 2]>,
}

/// What a comparison says.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum ComparisonVerdict {
    /// The original's bytes are not here; at most its looks were compared.
    #[default]
    Unseen,
    /// The bytes differ, and what they show was not looked at.
    Other,
    /// Pictures of different sizes.
    Size,
    /// Pictures that differ.
    Differ,
    /// The same picture, pixel for pixel.
    Pixels,
    /// The same file, byte for byte.
    Bytes,
}

impl OutputComparison {
    /// A comparison as it is kept.
    pub fn new(
        output: &str,
        original: &str,
        sha256: Option<String>,
        compared: &PictureComparison,
    ) -> Self {
        let bare = OutputComparison {
            output: output.to_owned(),
            original: original.to_owned(),
            sha256,
            ..OutputComparison::default()
        };
        match compared {
            PictureComparison::SameBytes => {
                OutputComparison { verdict: ComparisonVerdict::Bytes, ..bare }
            }
            PictureComparison::SamePixels => {
                OutputComparison { verdict: ComparisonVerdict::Pixels, ..bare }
            }
            PictureComparison::DifferentBytes => {
                OutputComparison { verdict: ComparisonVerdict::Other, ..bare }
            }
            PictureComparison::DifferentSizes { one, other, perceptual } => OutputComparison {
                verdict: ComparisonVerdict::Size,
                sizes: Some([*one, *other]),
                perceptual: *perceptual,
                ..bare
            },
            PictureComparison::DifferentPixels(found) => OutputComparison {
                verdict: ComparisonVerdict::Differ,
                max: Some(found.max.map(to_thousandths)),
                mean: Some(found.mean.map(to_thousandths)),
                pixels: Some(found.differing_pixels),
                of: Some(found.total_pixels),
                psnr: Some(to_thousandths(found.psnr)),
                perceptual: found.perceptual,
                ..bare
            },
        }
    }

    /// Whether it shows the same.
    pub fn is_same(&self) -> bool {
        matches!(self.verdict, ComparisonVerdict::Bytes | ComparisonVerdict::Pixels)
    }
}

/// Rounded up, so that what is there stays there.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
fn to_thousandths(number: f64) -> u32 {
    let least = if number > 0.0 { 1.0 } else { 0.0 };
    (number * 1000.0 - 1e-6).ceil().clamp(least, f64::from(u32::MAX)) as u32
}

impl Run {
    /// Whether a run of that id is what this one was made from.
    pub fn is_made_from(&self, id: &str) -> bool {
        self.parent.as_ref().is_some_and(|parent| parent.run == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use comfy_graph::json::parse_text;

    #[test]
    fn what_a_client_said_is_bounded() {
        let parent = |text: &str| RunParent::from_extra_data(&parse_text(text).unwrap());
        let good = r#"{"parent":{"run":"xa1b2","how":"varied","set":[{"node":"3","input":"cfg","from":8,"to":7.5}]}}"#;
        let found = parent(good).unwrap();
        assert_eq!(
            (found.how, found.set[0].to.to_string()),
            (Derivation::Varied, "7.5".to_owned())
        );
        for bad in [
            "{}",
            r#"{"parent":7}"#,
            r#"{"parent":{"run":"../x","how":"varied"}}"#,
            r#"{"parent":{"run":"aaaa","how":"stolen"}}"#,
        ] {
            assert_eq!(parent(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_difference_never_becomes_nothing() {
        assert_eq!(to_thousandths(0.0), 0);
        assert_eq!(to_thousandths(1.0), 1000);
        assert_eq!(to_thousandths(1e-9), 1);
        assert_eq!(to_thousandths(f64::INFINITY), u32::MAX);
    }
}
