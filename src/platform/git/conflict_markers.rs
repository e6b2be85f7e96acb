//! git's conflict markers: choosing a side between them, and putting them around a whole file.
//!
//! Must not know what the texts say.

/// How many characters a marker has where no attribute says otherwise.
pub(crate) const DEFAULT_MARKER_SIZE: usize = 7;

/// Which part of a conflict a line is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkedPart {
    Outside,
    Ours,
    /// The common ancestor, which `diff3` shows.
    Base,
    Theirs,
}

/// The text with one side of every conflict in it.
pub(crate) fn choose_side(text: &[u8], wanted: MarkedPart, marker_size: usize) -> Vec<u8> {
    let mut part = MarkedPart::Outside;
    let mut chosen = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let next = match (part, marker(line, marker_size)) {
            (MarkedPart::Outside, Some(b'<')) => Some(MarkedPart::Ours),
            (MarkedPart::Ours, Some(b'|')) => Some(MarkedPart::Base),
            (MarkedPart::Ours | MarkedPart::Base, Some(b'=')) => Some(MarkedPart::Theirs),
            (MarkedPart::Theirs, Some(b'>')) => Some(MarkedPart::Outside),
            _ => None,
        };
        match next {
            Some(next) => part = next,
            None if part == MarkedPart::Outside || part == wanted => chosen.extend_from_slice(line),
            None => {}
        }
    }
    chosen
}

/// The character that a line marks a conflict with.
fn marker(line: &[u8], size: usize) -> Option<u8> {
    let first = *line.first().filter(|first| b"<|=>".contains(first))?;
    let length = line.iter().take_while(|byte| **byte == first).count();
    let ends = line.get(length).is_none_or(|next| b" \r\n".contains(next));
    (length == size && ends).then_some(first)
}

/// How many conflicts a text holds between markers.
pub(crate) fn count_conflicts(text: &[u8], marker_size: usize) -> usize {
    let mut part = MarkedPart::Outside;
    let mut count = 0;
    for line in text.split(|byte| *byte == b'\n') {
        part = match (part, marker(line, marker_size)) {
            (MarkedPart::Outside, Some(b'<')) => MarkedPart::Ours,
            (MarkedPart::Ours, Some(b'=')) => MarkedPart::Theirs,
            (MarkedPart::Theirs, Some(b'>')) => {
                count += 1;
                MarkedPart::Outside
            }
            (part, _) => part,
        };
    }
    count
}

/// Both texts, one conflict about all of them.
pub(crate) fn around_all(
    (ours, our_label): (&[u8], &str),
    (theirs, their_label): (&[u8], &str),
    marker_size: usize,
) -> Vec<u8> {
    let mut text = Vec::with_capacity(ours.len() + theirs.len() + 64);
    let mark = |text: &mut Vec<u8>, character: &str, label: &str| {
        if text.last().is_some_and(|last| *last != b'\n') {
            text.push(b'\n');
        }
        let space = if label.is_empty() { "" } else { " " };
        text.extend_from_slice(
            format!("{}{space}{label}\n", character.repeat(marker_size)).as_bytes(),
        );
    };
    mark(&mut text, "<", our_label);
    text.extend_from_slice(ours);
    mark(&mut text, "=", "");
    text.extend_from_slice(theirs);
    mark(&mut text, ">", their_label);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_chosen_between_the_markers() {
        let text = b"a\n<<<<<<< x\n1\n||||||| y\n0\n=======\n2\n>>>>>>> z\nb\n";
        assert_eq!(choose_side(text, MarkedPart::Ours, 7), b"a\n1\nb\n");
        assert_eq!(choose_side(text, MarkedPart::Theirs, 7), b"a\n2\nb\n");
        assert_eq!(choose_side(text, MarkedPart::Base, 7), b"a\n0\nb\n");
        assert_eq!(choose_side(text, MarkedPart::Ours, 9), text);
        assert_eq!(count_conflicts(text, 7), 1);
        assert_eq!(count_conflicts(b"=======\n<<<<<<< no\n", 7), 0);
    }

    #[test]
    fn a_whole_file_is_one_conflict() {
        let text = around_all((b"{}", "mine"), (b"[]\n", ""), 7);
        assert_eq!(text, b"<<<<<<< mine\n{}\n=======\n[]\n>>>>>>>\n");
        assert_eq!(choose_side(&text, MarkedPart::Theirs, 7), b"[]\n");
        assert_eq!(count_conflicts(&text, 7), 1);
    }
}
