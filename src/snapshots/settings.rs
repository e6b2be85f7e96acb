//! What `git config` says of snapshots.

use super::RetentionPolicy;
use crate::error::Result;
use crate::platform::git::Repository;
use crate::session::Session;

/// The policy in `comfy.snapshots.keep`. One that cannot be read is told, and the default
/// holds.
pub(crate) fn configured_policy(
    session: &Session,
    repository: &Repository,
) -> Result<RetentionPolicy> {
    let Some(text) = repository.setting("comfy.snapshots.keep")? else {
        return Ok(RetentionPolicy::default());
    };
    Ok(RetentionPolicy::parse(&text).unwrap_or_else(|| {
        session.print_remarks(&[format!(
            "comfy.snapshots.keep = {text} is not understood; the usual holds \
             (such as: all 1d, hourly 1w, daily 30d)"
        )]);
        RetentionPolicy::default()
    }))
}
