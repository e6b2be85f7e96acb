//! The commands that draw.

pub mod diff_picture;
pub mod report;
pub mod view;
