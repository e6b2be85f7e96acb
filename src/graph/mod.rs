//! Floor 1: workflows as types, a typed face over an untyped tree.
//!
//! Must not know git, files, layout policy or how anything is shown.
