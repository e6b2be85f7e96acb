//! Floor 2: node definitions: the names of widgets, and which inputs are model files.
//!
//! Must not know where a definition was fetched from.
