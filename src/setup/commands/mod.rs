//! The commands of this part: each parses, calls and prints.

pub mod check;
pub mod doctor;
pub mod generate;
pub mod hook;
pub mod init;
pub mod separate;
pub mod status;
pub mod template;
pub mod uninstall;
