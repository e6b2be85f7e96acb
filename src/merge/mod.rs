//! Floor 4: three workflows into one, with every decision and conflict as data.
//!
//! Must not read or write files; must not know git.
