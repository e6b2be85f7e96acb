//! The names that services which keep folders in step give to the copy that lost, when a
//! file was changed in two places.

/// How a service marks a copy. Each marker is the text of one language.
struct Mark {
    service: &'static str,
    shape: Shape,
    /// A name as the service makes it, and the name of the file it belongs to.
    #[cfg_attr(not(test), expect(dead_code, reason = "the examples are the tests"))]
    example: (&'static str, &'static str),
}

enum Shape {
    /// `name (… text …).json`: in brackets, whatever else stands in them.
    Brackets(&'static str),
    /// `name.text….json`: a suffix of its own before the extension.
    Suffix(&'static str),
    /// `name-DESKTOP-AB12CD3.json`: the name that Windows gives a computer.
    Computer(&'static str),
}

/// Known marks. Sources: Syncthing's documentation on conflicting changes; Dropbox's help
/// on conflicted copies, and names in its languages as people report them in public
/// ignore files and scripts; the Nextcloud and ownCloud desktop manuals; Seafile's manual
/// on file conflicts; Microsoft's help on OneDrive, which appends the computer's name;
/// Resilio's help on conflicts; Google's help on Drive for desktop.
const MARKS: &[Mark] = &[
    Mark {
        service: "Syncthing",
        shape: Shape::Suffix(".sync-conflict-"),
        example: ("fox.sync-conflict-20260220-143059-ABCDEF7.json", "fox.json"),
    },
    Mark {
        service: "Dropbox or Nextcloud",
        shape: Shape::Brackets("conflicted copy"),
        example: ("fox (Ann's conflicted copy 2026-02-20).json", "fox.json"),
    },
    Mark {
        service: "Nextcloud",
        shape: Shape::Brackets("conflicted copy"),
        example: ("fox (conflicted copy 2026-02-20 143059).json", "fox.json"),
    },
    Mark {
        service: "Dropbox (German)",
        shape: Shape::Brackets("in konflikt stehende kopie"),
        example: ("fox (Anns in Konflikt stehende Kopie 2026-02-20).json", "fox.json"),
    },
    Mark {
        service: "Dropbox (German)",
        shape: Shape::Brackets("konfliktkopie"),
        example: ("fox (Konfliktkopie von Ann 2026-02-20).json", "fox.json"),
    },
    Mark {
        service: "Dropbox (French)",
        shape: Shape::Brackets("copie en conflit"),
        example: ("fox (Copie en conflit de DESKTOP-1 2026-02-20).json", "fox.json"),
    },
    Mark {
        service: "Dropbox (Spanish)",
        shape: Shape::Brackets("copia conflictiva"),
        example: ("fox (Copia conflictiva de Ann 2026-02-20).json", "fox.json"),
    },
    Mark {
        service: "Dropbox (Spanish)",
        shape: Shape::Brackets("copia en conflicto"),
        example: ("fox (Copia en conflicto de Ann 2026-02-20).json", "fox.json"),
    },
    Mark {
        service: "Dropbox (Italian)",
        shape: Shape::Brackets("copia in conflitto"),
        example: ("fox (Copia in conflitto di Ann 2026-02-20).json", "fox.json"),
    },
    Mark {
        service: "Dropbox (Portuguese)",
        shape: Shape::Brackets("cópia em conflito"),
        example: ("fox (Cópia em conflito de Ann 2026-02-20).json", "fox.json"),
    },
    Mark {
        service: "Dropbox (Japanese)",
        shape: Shape::Brackets("問題のあるコピー"),
        example: ("fox (Ann 上の問題のあるコピー 2026-02-20).json", "fox.json"),
    },
    Mark {
        service: "Dropbox (Japanese)",
        shape: Shape::Brackets("競合コピー"),
        example: ("fox (Annの競合コピー 2026-02-20).json", "fox.json"),
    },
    Mark {
        service: "ownCloud",
        shape: Shape::Suffix("_conflict-"),
        example: ("fox_conflict-20260220-143059.json", "fox.json"),
    },
    Mark {
        service: "Seafile",
        shape: Shape::Brackets("sfconflict"),
        example: ("fox (SFConflict ann@example.org 2026-02-20-14-30-59).json", "fox.json"),
    },
    Mark {
        service: "Google Drive",
        shape: Shape::Brackets("conflict"),
        example: ("fox (conflict 2026-02-20-14-30-59).json", "fox.json"),
    },
    Mark {
        service: "Resilio Sync",
        shape: Shape::Suffix(".conflict"),
        example: ("fox.Conflict.json", "fox.json"),
    },
    Mark {
        service: "OneDrive",
        shape: Shape::Computer("-desktop-"),
        example: ("fox-DESKTOP-AB12CD3.json", "fox.json"),
    },
    Mark {
        service: "OneDrive",
        shape: Shape::Computer("-laptop-"),
        example: ("fox-LAPTOP-9QK2J7M1.json", "fox.json"),
    },
];

/// The service that made a copy and the name of the file it belongs to, by the copy's name
/// without its folder. OneDrive's marks and ownCloud's could be a person's own: such a copy
/// is one only where its file lies beside it.
pub fn copy_of(name: &str) -> Option<(&'static str, String)> {
    let (stem, extension) = name.rsplit_once('.')?;
    let lower = stem.to_lowercase();
    // What is cut off was found in lower case; that must not move any letter.
    if lower.len() != stem.len() {
        return None;
    }
    let found = MARKS.iter().find_map(|mark| {
        let end = match mark.shape {
            Shape::Brackets(text) => {
                let open = lower.rfind('(').filter(|_| lower.ends_with(')'))?;
                lower[open..].contains(text).then_some(open)?
            }
            Shape::Suffix(text) => lower.rfind(text)?,
            Shape::Computer(text) => {
                let at = lower.rfind(text)?;
                let rest = &lower[at + text.len()..];
                let plain = (4..=15).contains(&rest.len())
                    && rest.bytes().all(|b| b.is_ascii_alphanumeric());
                plain.then_some(at)?
            }
        };
        Some((mark.service, end))
    });
    let (service, end) = found?;
    let original = stem.get(..end)?.trim_end();
    (!original.is_empty()).then(|| (service, format!("{original}.{extension}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_and_language_is_known() {
        for mark in MARKS {
            let (copy, original) = mark.example;
            let found = copy_of(copy).map(|(_, name)| name);
            assert_eq!(found.as_deref(), Some(original), "{}: {copy}", mark.service);
        }
    }

    #[test]
    fn ordinary_names_are_no_copies() {
        for name in [
            "fox.json",
            "fox (1).json",
            "conflicted copy.json",
            "(conflicted copy).json",
            "conflict of interest.json",
            "fox-desktop.json",
            "fox-desktop-background image.json",
            "fox",
        ] {
            assert_eq!(copy_of(name), None, "{name}");
        }
    }
}
