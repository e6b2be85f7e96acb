//! Paths as git quotes them in patches and listings.

use std::borrow::Cow;

/// The bytes of a path that git may have put into quotes, as a string of C. `None` for a quoted
/// one that does not end as it should.
pub(crate) fn unquote_path(quoted: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (path, _) = gix::quote::ansi_c::undo(quoted.into()).ok()?;
    Some(match path {
        Cow::Borrowed(path) => Cow::Borrowed(path),
        Cow::Owned(path) => Cow::Owned(path.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_taken_off_where_there_are_some() {
        let unquoted = |quoted: &str| unquote_path(quoted.as_bytes()).map(Cow::into_owned);
        assert_eq!(unquoted("b/a b.json"), Some(b"b/a b.json".to_vec()));
        assert_eq!(unquoted("\"b/\\303\\251\\t.json\""), Some("b/é\t.json".into()));
        assert_eq!(unquoted("\"b/a"), None);
    }
}
