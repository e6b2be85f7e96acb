//! Whether a push is a trial (`git push --dry-run`). git tells a hook nothing of it, neither
//! by arguments nor by the environment (2.47), so the command line of the push is read.

/// The options of `git push` whose value is the next word.
const PUSH_VALUE_OPTIONS: &[&str] = &["--repo", "--receive-pack", "--exec", "--push-option"];
/// The options of `git` itself whose value is the next word.
const GIT_VALUE_OPTIONS: &[&str] =
    &["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--attr-source"];

/// Whether the nearest push among the callers of a hook is a trial. False where none is seen.
pub(crate) fn is_dry_run(callers: &[Vec<String>]) -> bool {
    let push = callers.iter().find_map(|words| push_options(words));
    push.is_some_and(has_dry_run)
}

/// What follows `push`, if that is what was called.
fn push_options(words: &[String]) -> Option<&[String]> {
    let (program, mut rest) = words.split_first()?;
    let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
    match name.strip_suffix(".exe").unwrap_or(name) {
        "git-push" => return Some(rest),
        "git" => {}
        _ => return None,
    }
    while let Some((word, after)) = rest.split_first() {
        match word.as_str() {
            "push" => return Some(after),
            valued if GIT_VALUE_OPTIONS.contains(&valued) => rest = after.get(1..)?,
            option if option.starts_with('-') => rest = after,
            _ => return None,
        }
    }
    None
}

/// The last word counts, as for git.
fn has_dry_run(options: &[String]) -> bool {
    let mut is_dry = false;
    let mut words = options.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            break;
        } else if PUSH_VALUE_OPTIONS.contains(&word.as_str()) {
            words.next();
        } else if word.starts_with("--dr") && "--dry-run".starts_with(word.as_str()) {
            is_dry = true;
        } else if word.starts_with("--no-dr") && "--no-dry-run".starts_with(word.as_str()) {
            is_dry = false;
        } else if let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
            // What follows `o` is its value, here or in the next word.
            let (flags, value) =
                letters.split_once('o').map_or((letters, None), |(f, v)| (f, Some(v)));
            is_dry |= flags.contains('n');
            if value == Some("") {
                words.next();
            }
        }
    }
    is_dry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn trials_are_told_as_git_reads_its_options() {
        for line in [
            "git push -n",
            "git push --dry-run o main",
            "/usr/libexec/git-core/git push o main --dry-ru",
            "git -C . -c a.b=c --no-pager push -fvn o",
            "git push --no-dry-run -n",
            "git push -o n -n o",
            "git-push -n",
            r"C:\Git\bin\git.exe push -n",
        ] {
            assert!(is_dry_run(&[words("sh -e hook"), words(line)]), "{line}");
        }
        for line in [
            "git push",
            "git push o -- -n",
            "git push -o n o",
            "git push -on o",
            "git push --push-option -n o",
            "git push -n --no-dry-run",
            "git commit -n",
            "git -c push -n",
            "sh -c push -n",
        ] {
            assert!(!is_dry_run(&[words(line)]), "{line}");
        }
        assert!(!is_dry_run(&[words("git push o"), words("git push -n")]), "the nearest counts");
        assert!(!is_dry_run(&[]));
    }
}
