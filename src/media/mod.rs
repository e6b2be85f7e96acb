//! Floor 1: the prompt and workflow that output files carry inside them.
//!
//! Takes bytes or a seekable reader, gives text. Must not know git or the file system.
