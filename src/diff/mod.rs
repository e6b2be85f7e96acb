//! Floor 3: what changed between two workflows, as an edit script that can be applied.
//!
//! Must not know how a change is shown, nor where the two workflows came from.
