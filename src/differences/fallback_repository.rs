//! A repository that stands in where there is none, for what can be told of a picture
//! alone. Shared by commands; no command itself.

use crate::error::Result;
use crate::platform::git;
use crate::session::Session;
use crate::setup::separate;

/// The stand-in, below the folder of the person's own data.
const STAND_IN: [&str; 2] = ["git-comfy", "no-repository.git"];

/// Where the session is in no repository, lets it work in one of its own: it remembers what
/// was hashed, and knows no commits.
pub(crate) fn take(session: &Session) -> Result<()> {
    if !matches!(session.repository(), Err(git::Error::NoRepository(_))) {
        return Ok(());
    }
    // Without such a folder whoever needs a repository says that there is none.
    if let Some(data) = &session.environment.data_home {
        let place = data.join(STAND_IN[0]).join(STAND_IN[1]);
        if !place.join("HEAD").is_file() {
            separate::make_bare(&place)?;
        }
        session.take_shelter(place);
        session
            .ui
            .say("this is no git repository: commits and runs that might tell more are not known");
    }
    Ok(())
}
