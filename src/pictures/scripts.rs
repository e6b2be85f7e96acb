//! The page's own script and style, and the hashes by which its content policy knows them.
//!
//! The scripts are modules in files of their own, so that they can be tested and be used by
//! other pages; a page that may load nothing gets them joined into one.

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

/// Each after those it uses.
const MODULES: [&str; 6] = [
    include_str!("page/drawing.js"),
    include_str!("page/camera.js"),
    include_str!("page/search.js"),
    include_str!("page/paint.js"),
    include_str!("page/stage.js"),
    include_str!("page/page.js"),
];

pub const STYLE: &str = include_str!("page/page.css");

/// All modules as one script: what they import stands above it already.
pub fn page_script() -> String {
    let mut script = String::from("'use strict';\n(() => {\n");
    for line in MODULES.iter().flat_map(|module| module.lines()) {
        if line.starts_with("import ") {
            continue;
        }
        script.push_str(line.strip_prefix("export ").unwrap_or(line));
        script.push('\n');
    }
    script.push_str("})()\n");
    script
}

/// The content policy of a page with that script and style: nothing is loaded, nothing else
/// runs. Pictures may stand in the page itself.
pub fn content_policy(script: Option<&str>, style: &str) -> String {
    let script = script.map_or_else(|| "'none'".to_owned(), hash_source);
    let style = hash_source(style);
    format!(
        "default-src 'none'; script-src {script}; style-src {style}; img-src data:; \
         base-uri 'none'; form-action 'none'"
    )
}

fn hash_source(text: &str) -> String {
    format!("'sha256-{}'", BASE64.encode(&Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_joined_can_stand_in_a_page() {
        let script = page_script();
        assert!(!script.contains("</") && !script.contains("<!--"), "it would end the element");
        let leftover = |line: &&str| line.starts_with("import") || line.starts_with("export");
        assert_eq!(script.lines().find(leftover), None);
        assert!(!STYLE.contains("</"));
        // Names of modules share one scope.
        let mut names: Vec<&str> = script
            .lines()
            .filter_map(|line| {
                let rest = ["const ", "function ", "class "]
                    .into_iter()
                    .find_map(|word| line.strip_prefix(word))?;
                rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
            })
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn markup_from_data_is_not_in_the_scripts() {
        for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!page_script().contains(word), "{word}");
        }
    }
}
