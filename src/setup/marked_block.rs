//! A marked block of lines in a file that belongs to someone else: put in, brought up to
//! date, and taken out again so that every other byte stays what it was.

/// The first line of a block.
pub(crate) const BEGIN: &str = "# >>> git-comfy >>>";
/// The last line of a block.
pub(crate) const END: &str = "# <<< git-comfy <<<";

/// Where a block goes in a file that has none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockPosition {
    /// Before everything else (after a byte order mark).
    Top,
    /// After the first line, where that names the interpreter (`#!`); else at the top.
    AfterShebang,
    /// After everything else.
    Bottom,
}

/// The block in `text`, with its markers and without the final line break.
pub(crate) fn find_block(text: &[u8]) -> Option<&[u8]> {
    let (start, end) = find_span(text, [BEGIN, END])?;
    Some(&text[start..end])
}

/// The text with the block in it: in the place of the old one, or at the site.
/// `block` has its markers (ours, or others of that form) and no final line break; its
/// lines get the line breaks of the text.
pub(crate) fn insert_block(text: &[u8], block: &str, site: BlockPosition) -> Vec<u8> {
    let ending = if text.windows(2).any(|pair| pair == b"\r\n") { "\r\n" } else { "\n" };
    let known = find_span(text, markers(block));
    let block = block.replace('\n', ending);
    if let Some((start, end)) = known {
        return [&text[..start], block.as_bytes(), &text[end..]].concat();
    }
    let shebang = text.starts_with(b"#!");
    let at = match site {
        BlockPosition::Bottom => text.len(),
        BlockPosition::AfterShebang if shebang => {
            let line = memchr::memchr(b'\n', text).unwrap_or(text.len());
            if text[..line].ends_with(b"\r") { line - 1 } else { line }
        }
        _ if text.starts_with(b"\xef\xbb\xbf") => 3,
        _ => 0,
    };
    // The break stands on the side of the neighbour, so that taking out block and break
    // leaves the text as it was, whether or not it ended in a break.
    let follows = at > 3 || (at == text.len() && !text.is_empty());
    if follows && !(site == BlockPosition::Bottom && text.ends_with(b"\n")) {
        [&text[..at], ending.as_bytes(), block.as_bytes(), &text[at..]].concat()
    } else {
        [&text[..at], block.as_bytes(), ending.as_bytes(), &text[at..]].concat()
    }
}

/// The text without its block; `None` where there is none.
pub(crate) fn remove_block(text: &[u8]) -> Option<Vec<u8>> {
    let (start, end) = find_span(text, [BEGIN, END])?;
    let rest = &text[end..];
    let ahead = &text[..start];
    let bare = ahead.is_empty() || ahead == b"\xef\xbb\xbf";
    let unended = !bare && (rest.is_empty() || ahead.starts_with(b"#!") && is_one_line(ahead));
    let (ahead, rest) =
        if unended { (strip_last_break(ahead), rest) } else { (ahead, strip_first_break(rest)) };
    Some([ahead, rest].concat())
}

/// Whether the text is one line with its break.
fn is_one_line(text: &[u8]) -> bool {
    memchr::memchr(b'\n', text) == Some(text.len() - 1)
}

fn strip_last_break(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text)
}

fn strip_first_break(text: &[u8]) -> &[u8] {
    let text = text.strip_prefix(b"\r").unwrap_or(text);
    text.strip_prefix(b"\n").unwrap_or(text)
}

/// The first and the last line of a block.
fn markers(block: &str) -> [&str; 2] {
    let first = block.split('\n').next().unwrap_or(block);
    [first, block.rsplit('\n').next().unwrap_or(block)]
}

/// From the first marker to the end of the last one's text.
fn find_span(text: &[u8], [begin, end]: [&str; 2]) -> Option<(usize, usize)> {
    let start = find_line(text, begin, 0)?;
    let end = find_line(text, end, start)? + end.len();
    Some((start, end))
}

fn find_line(text: &[u8], line: &str, from: usize) -> Option<usize> {
    memchr::memmem::find_iter(&text[from..], line).map(|at| from + at).find(|at| {
        let begins =
            *at == 0 || text[at - 1] == b'\n' || *at == 3 && text.starts_with(b"\xef\xbb\xbf");
        let ends = matches!(text.get(at + line.len()), None | Some(b'\n' | b'\r'));
        begins && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BLOCK: &str = "# >>> git-comfy >>>\nours\n# <<< git-comfy <<<";

    #[test]
    fn a_block_stands_where_it_was_asked_for() {
        let text = |text: &[u8], site| String::from_utf8(insert_block(text, BLOCK, site)).unwrap();
        assert_eq!(text(b"a\nb\n", BlockPosition::Top), format!("{BLOCK}\na\nb\n"));
        assert_eq!(text(b"a\nb\n", BlockPosition::Bottom), format!("a\nb\n{BLOCK}\n"));
        assert_eq!(text(b"a\nb", BlockPosition::Bottom), format!("a\nb\n{BLOCK}"));
        assert_eq!(
            text(b"#!/bin/sh\nb\n", BlockPosition::AfterShebang),
            format!("#!/bin/sh\n{BLOCK}\nb\n")
        );
        assert_eq!(text(b"#!/bin/sh", BlockPosition::AfterShebang), format!("#!/bin/sh\n{BLOCK}"));
        assert_eq!(text(b"b\n", BlockPosition::AfterShebang), format!("{BLOCK}\nb\n"));
        assert_eq!(text(b"", BlockPosition::Top), format!("{BLOCK}\n"));
        assert_eq!(text(b"\xef\xbb\xbfa\n", BlockPosition::Top), format!("\u{feff}{BLOCK}\na\n"));
        let windows = text(b"a\r\n", BlockPosition::Top);
        assert_eq!(windows, format!("{}\r\na\r\n", BLOCK.replace('\n', "\r\n")));
    }

    #[test]
    fn a_newer_block_takes_the_place_of_the_old_one() {
        let old = insert_block(b"#!/bin/sh\nrest\n", BLOCK, BlockPosition::AfterShebang);
        let new = BLOCK.replace("ours", "ours, newer\nand longer");
        let text = insert_block(&old, &new, BlockPosition::Bottom);
        assert_eq!(String::from_utf8(text).unwrap(), format!("#!/bin/sh\n{new}\nrest\n"));
    }

    #[test]
    fn blocks_with_other_markers_stand_side_by_side() {
        let other = "# >>> other >>>\ntheirs\n# <<< other <<<";
        let both = insert_block(
            &insert_block(b"a\n", BLOCK, BlockPosition::Top),
            other,
            BlockPosition::Top,
        );
        assert_eq!(String::from_utf8(both.clone()).unwrap(), format!("{other}\n{BLOCK}\na\n"));
        assert_eq!(insert_block(&both, other, BlockPosition::Top), both);
        assert_eq!(remove_block(&both).unwrap(), format!("{other}\na\n").into_bytes());
    }

    #[test]
    fn what_only_looks_like_a_marker_is_none() {
        assert_eq!(remove_block(b"echo '# >>> git-comfy >>>'\n# <<< git-comfy <<<\n"), None);
        assert_eq!(remove_block(b"# >>> git-comfy >>>\nno end\n"), None);
        assert_eq!(remove_block(b"# >>> git-comfy >>> more\n# <<< git-comfy <<<\n"), None);
    }

    proptest! {
        #[test]
        fn taking_out_what_was_put_in_leaves_every_byte(
            text in "(\u{feff})?(#!/bin/sh -e)?([a#]{0,3}(\n|\r\n)?){0,6}",
            site in prop_oneof![
                Just(BlockPosition::Top),
                Just(BlockPosition::AfterShebang),
                Just(BlockPosition::Bottom)
            ],
        ) {
            let with = insert_block(text.as_bytes(), BLOCK, site);
            prop_assert!(find_block(&with).is_some());
            prop_assert_eq!(String::from_utf8(remove_block(&with).unwrap()).unwrap(), text);
        }
    }
}
