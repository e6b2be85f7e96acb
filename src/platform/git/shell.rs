//! Words of a shell's command line, which is how git is told what to run (filters, drivers
//! and hooks go through a POSIX shell, on Windows too), and a person what to type.

use std::path::{Component, Path, PathBuf};

use super::id::RepoPath;
use super::repository::Repository;
use crate::platform::text::sanitize;

/// A file as a person in a folder types its name: from there, quoted where it must be, and
/// safe to show.
pub(crate) fn quote_path_from(repository: &Repository, folder: &Path, path: &RepoPath) -> String {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let own = path.to_path();
    let from_here = || {
        let top = real(repository.work_tree()?)?;
        let below = real(folder)?.strip_prefix(&top).ok()?.to_path_buf();
        Some(relative_path(&below, &own))
    };
    let name = from_here().unwrap_or_else(|| own.clone());
    quote_path(name)
}

/// A name of a file as a person types it: quoted where it must be, and safe to show.
pub(crate) fn quote_path(name: impl AsRef<Path>) -> String {
    let name = name.as_ref().to_string_lossy();
    let name = if name.starts_with('-') { format!("./{name}") } else { name.into_owned() };
    sanitize::line(&shell_word(&name)).into_owned()
}

/// How to get from a folder to a file, both below the same one.
fn relative_path(folder: &Path, file: &Path) -> PathBuf {
    let (mut folder, mut file) = (folder.components().peekable(), file.components().peekable());
    while folder.peek().is_some() && folder.peek() == file.peek() {
        folder.next();
        file.next();
    }
    folder.map(|_| Component::ParentDir).chain(file).collect()
}

/// A word for a POSIX shell, quoted where it must be.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@+,-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Whether a command line means the same without a shell: words between spaces.
pub(crate) fn is_plain_command(line: &str) -> bool {
    line.chars().all(|c| c.is_ascii_alphanumeric() || "_./:@+,- ".contains(c))
}

/// Splits the first word off a shell command line that [`shell_word`] or a person wrote:
/// the word without its quotes, and the rest as it stands. `None` where a shell would do
/// more than take off quotes.
pub(crate) fn first_shell_word(line: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            ' ' => return Some((word, &line[at..])),
            '\'' => {
                let rest = &line[at + 1..];
                let end = rest.find('\'')?;
                word.push_str(&rest[..end]);
                characters = line.char_indices();
                characters.by_ref().find(|(to, _)| *to == at + 1 + end)?;
            }
            '"' => loop {
                match characters.next()?.1 {
                    '"' => break,
                    '\\' => match characters.next()?.1 {
                        escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                        other => word.extend(['\\', other]),
                    },
                    '$' | '`' => return None,
                    inside => word.push(inside),
                }
            },
            '\\' => word.push(characters.next()?.1),
            '$' | '`' | '|' | '&' | ';' | '<' | '>' | '(' | ')' | '\n' | '\t' => return None,
            other => word.push(other),
        }
    }
    Some((word, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_comes_back() {
        for text in
            ["/usr/bin/git-comfy", "C:/Program Files/git-comfy.exe", "it's", "a\"b", "", "ü %f $x"]
        {
            let line = format!("{} clean -- %f", shell_word(text));
            assert_eq!(first_shell_word(&line), Some((text.to_owned(), " clean -- %f")), "{line}");
        }
    }

    #[test]
    fn a_file_is_named_as_seen_from_a_folder() {
        for (folder, file, wanted) in [
            ("", "a.json", "a.json"),
            ("sub", "sub/a b.json", "a b.json"),
            ("sub/deep", "sub/a.json", "../a.json"),
            ("other", "sub/a.json", "../sub/a.json"),
        ] {
            assert_eq!(relative_path(Path::new(folder), Path::new(file)), Path::new(wanted));
        }
        for (name, wanted) in
            [("a.json", "a.json"), ("a b", "'a b'"), ("-n", "./-n"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(quote_path(Path::new(name)), wanted);
        }
    }

    #[test]
    fn what_a_shell_would_work_on_is_no_plain_word() {
        for line in ["$HOME/git-comfy clean", "\"$x\" y", "a;b", "'open", "a\\"] {
            assert_eq!(first_shell_word(line), None, "{line}");
        }
        let double = first_shell_word("\"/a b/git-comfy\" filter-process");
        assert_eq!(double, Some(("/a b/git-comfy".to_owned(), " filter-process")));
    }
}
