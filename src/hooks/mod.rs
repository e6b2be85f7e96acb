//! What is done when git calls one of its hooks: layouts are kept, asked for and sent along, the
//! recorder is started, a commit of unsettled conflicts is refused.

pub(crate) mod commands;
pub(crate) mod run_hook;
