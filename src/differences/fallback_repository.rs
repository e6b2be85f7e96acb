//! A bare repository in the user's data folder, for commands on pictures outside of any
//! repository.

use crate::error::Result;
use crate::platform::git;
use crate::platform::git::Repository;
use crate::session::Session;

/// Below the user's data folder (`data_home`).
const FALLBACK_PATH: [&str; 2] = ["git-comfy", "no-repository.git"];

/// Outside of any repository, lets the session use a bare one of its own: it keeps the hash
/// cache, and has no commits.
pub(crate) fn enter_if_outside(session: &Session) -> Result<()> {
    if !matches!(session.repository(), Err(git::GitError::NoRepository(_))) {
        return Ok(());
    }
    // Without a data folder the first command that needs a repository reports that there is none.
    if let Some(data) = &session.environment.data_home {
        let place = data.join(FALLBACK_PATH[0]).join(FALLBACK_PATH[1]);
        if !place.join("HEAD").is_file() {
            Repository::init_bare(&place)?;
        }
        session.set_fallback_repository(place);
        session
            .ui
            .info("this is no git repository: commits and runs that might tell more are not known");
    }
    Ok(())
}
