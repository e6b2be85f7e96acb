//! What file managers, browsers and people write into names, beside what a file is called.

/// Words for a copy in the languages of file managers, each as they add it: Windows, macOS
/// and GNOME in English, German and Dutch, French, Spanish and Italian, Portuguese, Polish
/// and Swedish, Danish and Norwegian, Finnish, Czech, Hungarian, Turkish, Russian,
/// Ukrainian, Japanese, Chinese, Korean.
pub(crate) const COPY_WORDS: &[&str] = &[
    "copy",
    "kopie",
    "copie",
    "copia",
    "cópia",
    "kopia",
    "kopi",
    "kopio",
    "kopya",
    "másolat",
    "копия",
    "копія",
    "コピー",
    "のコピー",
    "副本",
    "拷贝",
    "的副本",
    "複本",
    "拷貝",
    "복사본",
    "사본",
];

/// What stands before the name of the file that was copied: Google Drive and older
/// Windows say it so.
pub(crate) const COPY_PREFIXES: &[&[&str]] = &[
    &["copy", "of"],
    &["kopie", "von"],
    &["kopie", "van"],
    &["copie", "de"],
    &["copia", "de"],
    &["copia", "di"],
    &["cópia", "de"],
    &["kopia", "av"],
    &["kopi", "af"],
    &["kopi", "av"],
    &["копия"],
    &["копія"],
];

/// Words for a copy that are written right behind the name, with nothing between.
pub(crate) const GLUED_COPY_WORDS: &[&str] = &["のコピー", "的副本", "的拷贝", "的複本", "의 사본"];

/// Words that say how finished a version is.
pub(crate) const FINALITY_WORDS: &[(&str, i8)] = &[
    ("draft", -2),
    ("wip", -2),
    ("old", -1),
    ("backup", -1),
    ("bak", -1),
    ("latest", 1),
    ("final", 1),
    ("finished", 1),
    ("done", 1),
    // Final in German, French, Spanish and Portuguese is the same word; these are not.
    ("endgültig", 1),
    ("fertig", 1),
    ("définitif", 1),
    ("definitivo", 1),
    ("finale", 1),
    ("alt", -1),
    ("entwurf", -2),
];

/// Names that ComfyUI and people give when they mean none; keys of lines.
pub(crate) const MEANINGLESS_NAMES: &[&str] = &[
    "workflow",
    "workflow api",
    "unsaved workflow",
    "untitled",
    "untitled workflow",
    "new workflow",
    "comfyui",
    "comfyui workflow",
    "my workflow",
    "test",
    "final",
    "latest",
    "export",
    "download",
];

/// Folders that hold old versions of what lies beside them.
pub(crate) const ARCHIVE_FOLDERS: &[&str] =
    &["old", "archive", "archived", "backup", "backups", "versions", "history", "bak"];

/// Names that Windows keeps for devices, with any extension.
pub(crate) const WINDOWS_DEVICES: &[&str] = &[
    "con", "prn", "aux", "nul", "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7",
    "com8", "com9", "lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];
