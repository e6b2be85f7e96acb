//! Command lines for a person to copy. Nothing here is run.

use crate::records::PackFact;

/// A word as a POSIX shell takes it, quoted where it must be.
pub(crate) fn quote_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@+~,".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text.to_owned();
    }
    // Between single quotes nothing has a meaning but the quote itself.
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Checks out a commit of the repository at `path`; fetches first what is not there.
pub(crate) fn checkout_command(path: &str, commit: &str, is_there: bool) -> String {
    let (path, commit) = (quote_word(path), quote_word(commit));
    let fetch = if is_there { String::new() } else { format!("git -C {path} fetch && ") };
    format!("{fetch}git -C {path} checkout {commit}")
}

/// Gets a pack that is not installed, seen from ComfyUI's folder.
pub(crate) fn install_command(fact: &PackFact) -> Option<String> {
    // A name that leads elsewhere is a trap for who copies the line.
    if fact.name.starts_with('.') || fact.name.contains(['/', '\\']) {
        return None;
    }
    match (&fact.checkout.remote, &fact.checkout.commit, &fact.cnr_id, &fact.version) {
        (Some(remote), Some(commit), ..) => {
            let to = quote_word(&format!("custom_nodes/{}", fact.name));
            let (remote, commit) = (quote_word(remote), quote_word(commit));
            Some(format!("git clone {remote} {to} && git -C {to} checkout {commit}"))
        }
        (_, _, Some(id), version) => Some(registry_install_command(id, version.as_deref())),
        (Some(remote), ..) => {
            let to = quote_word(&format!("custom_nodes/{}", fact.name));
            Some(format!("git clone {} {to}", quote_word(remote)))
        }
        _ => None,
    }
}

/// Gets a release from the registry, with comfy-cli.
pub(crate) fn registry_install_command(id: &str, version: Option<&str>) -> String {
    match version {
        Some(version) => {
            format!(
                "comfy node registry-install {} --version {}",
                quote_word(id),
                quote_word(version)
            )
        }
        None => format!("comfy node install {}", quote_word(id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::git::foreign_checkout::Checkout;

    #[test]
    fn a_pack_is_cloned_into_the_folder_of_packs_and_nowhere_else() {
        let pack = |name: &str| {
            let checkout =
                Checkout { remote: Some("https://host/o/r".into()), ..Default::default() };
            install_command(&PackFact { name: name.into(), checkout, ..PackFact::default() })
        };
        assert_eq!(pack("r").as_deref(), Some("git clone https://host/o/r custom_nodes/r"));
        assert_eq!((pack("../../r"), pack("..")), (None, None));
    }

    #[test]
    fn a_strangers_words_stay_words() {
        for (text, expected) in [
            ("ComfyUI/custom_nodes/a-b", "ComfyUI/custom_nodes/a-b"),
            ("my nodes", "'my nodes'"),
            ("a;rm -rf ~", "'a;rm -rf ~'"),
            ("$(evil)", "'$(evil)'"),
            ("it's", "'it'\\''s'"),
            ("-oProxy", "'-oProxy'"),
            ("", "''"),
        ] {
            assert_eq!(quote_word(text), expected);
        }
        assert_eq!(
            checkout_command("a b", "abc", false),
            "git -C 'a b' fetch && git -C 'a b' checkout abc"
        );
    }
}
