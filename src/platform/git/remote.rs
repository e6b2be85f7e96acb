//! The address of a git remote, as far as it may be shared.

/// A remote without anything that belongs to one person or machine: no user name, no
/// password, no token, no path of this machine.
///
/// `None` for a remote on this machine. `git@host:owner/repo` keeps its `git`, which is
/// the name of the service and not of a person.
pub(crate) fn shareable_url(url: &str) -> Option<String> {
    let url = url.trim();
    let clean = url.chars().all(|c| !c.is_control() && !c.is_whitespace());
    if url.is_empty() || !clean || url.len() > 500 {
        return None;
    }
    if let Some((scheme, rest)) = url.split_once("://") {
        let known = ["https", "http", "ssh", "git", "git+ssh", "ssh+git", "ftp", "ftps"];
        if !known.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return None;
        }
        let rest = rest.split(['?', '#']).next().unwrap_or(rest);
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let user = if authority.starts_with("git@") { "git@" } else { "" };
        return (!host.is_empty()).then(|| format!("{scheme}://{user}{host}{path}"));
    }
    // The short form of ssh: user@host:path, where a path of this machine has a slash
    // before any colon, or a drive letter in front of one.
    let (place, path) = url.split_once(':')?;
    if place.contains(['/', '\\']) || place.len() < 2 || path.starts_with('\\') {
        return None;
    }
    let host = place.rsplit('@').next().unwrap_or(place);
    let user = if place.starts_with("git@") { "git@" } else { "" };
    (!host.is_empty()).then(|| format!("{user}{host}:{path}"))
}

/// `owner/repo` of a remote, as ComfyUI's Manager writes it into `aux_id`.
pub(crate) fn owner_and_name(url: &str) -> Option<String> {
    let plain = url.trim_end_matches('/');
    let plain = plain.strip_suffix(".git").unwrap_or(plain);
    let mut parts = plain.rsplit(['/', ':']);
    let (name, owner) = (parts.next()?, parts.next()?);
    (!name.is_empty() && !owner.is_empty()).then(|| format!("{owner}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_personal_stays_in_a_remote() {
        let cases = [
            ("https://github.com/owner/repo.git", Some("https://github.com/owner/repo.git")),
            ("https://me:secret@github.com/o/r", Some("https://github.com/o/r")),
            ("https://ghp_token@github.com/o/r", Some("https://github.com/o/r")),
            ("https://u:p@ss@host/o/r?token=1#x", Some("https://host/o/r")),
            ("git@github.com:o/r.git", Some("git@github.com:o/r.git")),
            ("alice@server:o/r.git", Some("server:o/r.git")),
            ("ssh://git@host:2222/o/r", Some("ssh://git@host:2222/o/r")),
            ("ssh://alice@host/~alice/r", Some("ssh://host/~alice/r")),
            ("/home/alice/packs/r", None),
            ("../r", None),
            ("file:///home/alice/r", None),
            ("C:\\packs\\r", None),
            ("C:/packs/r", None),
            ("ext::sh -c evil", None),
            ("https://host/a\u{1b}[31m", None),
            ("", None),
        ];
        for (url, expected) in cases {
            assert_eq!(shareable_url(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn owner_and_name_are_the_managers_aux_id() {
        for url in
            ["https://github.com/o/r.git", "git@github.com:o/r.git", "https://github.com/o/r/"]
        {
            assert_eq!(owner_and_name(url).as_deref(), Some("o/r"), "{url}");
        }
        assert_eq!(owner_and_name("r"), None);
    }
}
