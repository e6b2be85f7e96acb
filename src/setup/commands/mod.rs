//! The commands of this part: each parses, calls and prints.

pub(crate) mod check;
pub(crate) mod doctor;
pub(crate) mod generate;
pub(crate) mod init;
pub(crate) mod separate;
pub(crate) mod status;
pub(crate) mod template;
pub(crate) mod uninstall;
