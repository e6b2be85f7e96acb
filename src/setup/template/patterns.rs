//! What goes into git and what stays out, pattern by pattern.

/// Weights, wherever they were put: the endings that ComfyUI loads, and those of its packs.
pub(crate) const WEIGHTS: &[&str] = &[
    "*.safetensors",
    "*.sft",
    "*.ckpt",
    "*.pt",
    "*.pt2",
    "*.pth",
    "*.bin",
    "*.pkl",
    "*.gguf",
    "*.onnx",
];

/// Files that systems, editors and sync services leave about.
pub(crate) const SYSTEM_FILES: &[&str] = &[
    ".DS_Store",
    "._*",
    "Thumbs.db",
    "desktop.ini",
    "*~",
    "*.swp",
    "*.tmp",
    ".stfolder/",
    ".stversions/",
    ".stignore",
    ".syncthing.*",
    "~syncthing~*",
    ".dropbox",
    ".dropbox.attr",
    ".dropbox.cache/",
    ".tmp.drivedownload/",
    ".tmp.driveupload/",
    ".sync/",
    "*.!sync",
    ".sync_*.db*",
    ".nextcloudsync.log*",
    ".owncloudsync.log*",
    ".git-comfy-*",
];

/// A ComfyUI folder: everything is out but what a person made.
pub(crate) const COMFYUI_IGNORES: &[&str] = &[
    "/*",
    "!/.gitignore",
    "!/.gitattributes",
    "!/README*",
    "!/user/",
    "/user/*",
    "!/user/*/",
    "/user/*/*",
    "!/user/*/workflows/",
    "!/user/*/subgraphs/",
    "!/user/*/comfy.templates.json",
    "!/user/__manager/snapshots/",
];

/// Its input files, where git-lfs takes them.
pub(crate) const INPUT_IGNORES: &[&str] = &["!/input/", "/input/clipspace/"];

/// The input files as git-lfs takes them.
pub(crate) const INPUT_ATTRIBUTES: &[&str] = &["/input/**"];

/// Large files that lie beside workflows.
pub(crate) const LARGE_FILES: &[&str] = &[
    "*.mp4", "*.webm", "*.mov", "*.mkv", "*.avi", "*.wav", "*.flac", "*.mp3", "*.psd", "*.exr",
    "*.tif", "*.tiff", "*.glb", "*.zip",
];

/// What gives a file to git-lfs. The diff driver stays whoever's it is.
pub(crate) const LFS_ATTRIBUTES: &str = "filter=lfs merge=binary -text";
