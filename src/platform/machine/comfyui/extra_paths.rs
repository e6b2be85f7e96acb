//! `extra_model_paths.yaml`: folders a person adds to ComfyUI's search.
//!
//! Read from the YAML parser's events, without building a tree: anchors and tags have no
//! use in this file, and a tree of them could grow without end.

use std::path::{Component, Path, PathBuf};

use saphyr_parser::{Event, Parser};

use crate::platform::files::expand_home;

/// The largest file that is read, in bytes.
const MAX_FILE_LEN: usize = 256 << 10;

/// One section: a name and the folders of some types.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtraPathsSection {
    /// What the person called it, for example `a111`.
    pub name: String,
    /// Whether its folders come before ComfyUI's own.
    pub is_default: bool,
    /// Folder type and path, in the order of the file.
    pub folders: Vec<(String, PathBuf)>,
}

/// What a path in the file is resolved against.
pub struct PathContext<'a> {
    /// The folder that holds the file: relative paths start there.
    pub folder: &'a Path,
    /// What `~` stands for.
    pub home: Option<&'a Path>,
    /// An environment variable, for `$NAME` and `${NAME}` (`%NAME%` on Windows).
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

/// Why the file could not be read. ComfyUI itself does not start with such a file.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ExtraPathsError {
    /// Larger than any such file has reason to be.
    #[error("the file is {0} bytes long; git-comfy reads up to {MAX_FILE_LEN}")]
    TooLarge(usize),
    #[error("the file is not UTF-8 text")]
    NotText,
    #[error("line {line}: {message}")]
    Yaml { line: usize, message: String },
}

/// Reads the sections of the file, their paths resolved.
pub fn parse_extra_paths(
    bytes: &[u8],
    context: &PathContext<'_>,
) -> Result<Vec<ExtraPathsSection>, ExtraPathsError> {
    if bytes.len() > MAX_FILE_LEN {
        return Err(ExtraPathsError::TooLarge(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| ExtraPathsError::NotText)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let raw = parse_raw_sections(text)?;
    Ok(raw.into_iter().map(|section| section.resolve(context)).collect())
}

/// A section before its paths are resolved.
#[derive(Default)]
struct RawExtraPathsSection {
    name: String,
    entries: Vec<(String, String)>,
}

/// Walks the events: only `section: {key: scalar}` is taken, everything else is passed
/// over whole.
fn parse_raw_sections(text: &str) -> Result<Vec<RawExtraPathsSection>, ExtraPathsError> {
    let mut sections: Vec<RawExtraPathsSection> = Vec::new();
    // Open collections, and for the two mappings we care about the key that waits for
    // its value.
    let mut depth = 0usize;
    let mut keys: [Option<String>; 2] = [None, None];
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| ExtraPathsError::Yaml {
            line: error.marker().line(),
            message: error.info().to_owned(),
        })?;
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if depth == 1
                    && let (Event::MappingStart(..), Some(name)) = (&event, &keys[0])
                {
                    sections.push(RawExtraPathsSection { name: name.clone(), entries: Vec::new() });
                }
                depth += 1;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                depth = depth.saturating_sub(1);
                // What just closed was the value of the key one level up.
                if let Some(key) = depth.checked_sub(1).and_then(|at| keys.get_mut(at)) {
                    *key = None;
                }
            }
            Event::Scalar(value, ..) => match (depth, keys[0].is_some(), keys[1].take()) {
                (1, false, _) => keys[0] = Some(value.into_owned()),
                // A section without content.
                (1, true, _) => keys[0] = None,
                (2, true, None) => keys[1] = Some(value.into_owned()),
                (2, true, Some(key)) => {
                    if let Some(section) = sections.last_mut() {
                        section.entries.push((key, value.into_owned()));
                    }
                }
                (_, _, key) => keys[1] = key,
            },
            Event::Alias(_) => match depth {
                1 => keys[0] = None,
                2 => keys[1] = None,
                _ => {}
            },
            Event::DocumentEnd => break,
            _ => {}
        }
    }
    Ok(sections)
}

impl RawExtraPathsSection {
    /// The folders as ComfyUI's `load_extra_path_config` understands them.
    fn resolve(self, context: &PathContext<'_>) -> ExtraPathsSection {
        let value = |wanted: &str| {
            self.entries
                .iter()
                .rev()
                .find(|(key, _)| key == wanted)
                .map(|(_, value)| value.as_str())
        };
        let base = value("base_path").map(|text| {
            let path = PathBuf::from(expand_variables(text, context));
            if path.is_absolute() { path } else { context.folder.join(path) }
        });
        let base = base.as_deref().unwrap_or(context.folder);
        let folders = self
            .entries
            .iter()
            .filter(|(key, _)| key != "base_path" && key != "is_default")
            .flat_map(|(key, paths)| paths.split('\n').map(move |path| (key, path)))
            .filter(|(_, path)| !path.is_empty())
            .map(|(key, path)| (key.clone(), normalize_path(&base.join(path))))
            .collect();
        let first = value("is_default").is_some_and(is_yaml_true);
        ExtraPathsSection { name: self.name, is_default: first, folders }
    }
}

/// What PyYAML reads as true.
fn is_yaml_true(text: &str) -> bool {
    ["true", "yes", "on"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// `~` and environment variables, as Python's `expanduser` and `expandvars` do it: a name
/// that is not set stays as it is written.
fn expand_variables(text: &str, context: &PathContext<'_>) -> String {
    let text = expand_home(text, context.home);
    let text = text.to_string_lossy();
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find(['$', '%']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let (whole, name) = split_variable(from);
        match (context.variable)(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(whole),
        }
        rest = from.get(whole.len()..).unwrap_or_default();
    }
    out + rest
}

/// The variable reference that `text` begins with, as written and as a name. The name is
/// empty when it is none.
fn split_variable(text: &str) -> (&str, &str) {
    let one = text.get(..1).unwrap_or(text);
    let after = text.get(1..).unwrap_or_default();
    let word = |text: &str| {
        text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
    };
    if text.starts_with('%') {
        let end = if cfg!(windows) { after.find('%') } else { None };
        return end.map_or((one, ""), |end| (&text[..end + 2], &after[..end]));
    }
    if let Some(inner) = after.strip_prefix('{') {
        return inner.find('}').map_or((one, ""), |end| (&text[..end + 3], &inner[..end]));
    }
    let end = word(after);
    (&text[..=end], &after[..end])
}

/// The path without `.` and `..` in it, as Python's `normpath` does it: by text alone.
fn normalize_path(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if out.parent().is_some() => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections(text: &str) -> Vec<ExtraPathsSection> {
        let variable = |name: &str| (name == "MODELS").then(|| "/srv/models".to_owned());
        let context = PathContext {
            folder: Path::new("/opt/ComfyUI"),
            home: Some(Path::new("/home/artist")),
            variable: &variable,
        };
        parse_extra_paths(text.as_bytes(), &context).unwrap()
    }

    fn shown(text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for section in sections(text) {
            lines.push(format!(
                "{}{}",
                section.name,
                if section.is_default { " first" } else { "" }
            ));
            for (kind, path) in section.folders {
                lines.push(format!("  {kind} {}", path.display().to_string().replace('\\', "/")));
            }
        }
        lines
    }

    #[test]
    #[cfg(unix)]
    fn the_example_that_ships_with_comfyui_is_understood() {
        let text = "\
# comments
comfyui:
    base_path: ~/shared/
    is_default: true
    checkpoints: models/checkpoints/
    diffusion_models: |
                 models/diffusion_models
                 models/unet
    custom_nodes: custom_nodes
a111:
    base_path: ${MODELS}/webui
    loras: |
         models/Lora
         models/LyCORIS
    vae: ../vae
empty:
loose:
    loras: more/loras
    upscale_models: $MODELS/up
    nested: {a: b}
    list: [x, y]
    embeddings: /abs/embeddings
";
        insta::assert_debug_snapshot!(shown(text), @r#"
        [
            "comfyui first",
            "  checkpoints /home/artist/shared/models/checkpoints",
            "  diffusion_models /home/artist/shared/models/diffusion_models",
            "  diffusion_models /home/artist/shared/models/unet",
            "  custom_nodes /home/artist/shared/custom_nodes",
            "a111",
            "  loras /srv/models/webui/models/Lora",
            "  loras /srv/models/webui/models/LyCORIS",
            "  vae /srv/models/vae",
            "loose",
            "  loras /opt/ComfyUI/more/loras",
            "  upscale_models /opt/ComfyUI/$MODELS/up",
            "  embeddings /abs/embeddings",
        ]
        "#);
    }

    #[test]
    fn strange_files_are_refused_or_empty() {
        assert_eq!(sections(""), []);
        assert_eq!(sections("- a\n- b\n"), []);
        assert_eq!(sections("just text"), []);
        let context = PathContext { folder: Path::new("."), home: None, variable: &|_| None };
        assert!(matches!(parse_extra_paths(b"a: [", &context), Err(ExtraPathsError::Yaml { .. })));
        assert_eq!(parse_extra_paths(b"\xff\xfe", &context), Err(ExtraPathsError::NotText));
        assert!(matches!(
            parse_extra_paths(&vec![b' '; 300 << 10], &context),
            Err(ExtraPathsError::TooLarge(_))
        ));
    }

    #[test]
    fn anchors_cannot_grow() {
        let mut text = "a: &a {x: y}\n".to_owned();
        for n in 0..40 {
            text.push_str(&format!("b{n}: &b{n} [*a, *a, *a]\n"));
        }
        text.push_str("last:\n  loras: here\n");
        let last = sections(&text).pop().unwrap();
        assert_eq!((last.name.as_str(), last.folders.len()), ("last", 1));
    }

    #[test]
    fn unset_variables_stay_as_they_are_written() {
        let context = PathContext { folder: Path::new("."), home: None, variable: &|_| None };
        assert_eq!(expand_variables("~/a/$B/${C}/50%/d$", &context), "~/a/$B/${C}/50%/d$");
    }
}
