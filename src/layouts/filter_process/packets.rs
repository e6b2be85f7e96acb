//! git's packets (`gitprotocol-common(5)`, "pkt-line Format"), as far as filters speak in them:
//! four hexadecimal digits of length, then the content; a length of zero ends a list.
//!
//! What is read goes straight into the buffer it is for: a reader that fills a buffer of its own
//! with zeros before each packet takes a fifth of the time of a checkout. Must not know what is
//! asked for.

use std::io::{self, BufRead, Write};

/// The most bytes of content in one packet.
pub(super) const MAX_CONTENT: usize = 65516;

/// The digits of a packet's length, which counts them too.
const LENGTH_DIGITS: usize = 4;

/// The longest list of texts that is read, in bytes.
const MAX_TEXTS: usize = 1 << 20;

/// Ends a list of packets.
pub(super) const FLUSH: &[u8] = b"0000";

/// Reads packets.
pub(super) struct PacketReader<R> {
    input: R,
}

impl<R: BufRead> PacketReader<R> {
    pub(super) fn new(input: R) -> PacketReader<R> {
        PacketReader { input }
    }

    /// Appends the content of the next packet; false where a list ends.
    pub(super) fn read(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        let mut digits = [0; LENGTH_DIGITS];
        self.input.read_exact(&mut digits)?;
        let length = std::str::from_utf8(&digits).ok().filter(|digits| !digits.contains('+'));
        let length = length.and_then(|digits| usize::from_str_radix(digits, 16).ok());
        let Some(length) = length.filter(|length| *length == 0 || *length >= LENGTH_DIGITS) else {
            return Err(malformed("a packet has no length"));
        };
        if length == 0 {
            return Ok(false);
        }
        // Not `read_to_end`, which begins with small reads: each is a wait for git.
        let before = into.len();
        into.resize(before + length - LENGTH_DIGITS, 0);
        self.input.read_exact(&mut into[before..])?;
        Ok(true)
    }

    /// A list of texts, each without the newline that ends it; nothing at the end of input.
    pub(super) fn read_texts(&mut self) -> io::Result<Option<Vec<Vec<u8>>>> {
        if self.input.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let (mut texts, mut length) = (Vec::new(), 0);
        loop {
            let mut text = Vec::new();
            if !self.read(&mut text)? {
                return Ok(Some(texts));
            }
            length += text.len();
            if length > MAX_TEXTS {
                return Err(malformed("a list of packets is too long"));
            }
            if text.last() == Some(&b'\n') {
                text.pop();
            }
            texts.push(text);
        }
    }
}

pub(super) fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Appends a packet with a line of text.
pub(super) fn push_text(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{:04x}", text.len() + LENGTH_DIGITS + 1).as_bytes());
    out.extend_from_slice(text);
    out.push(b'\n');
}

/// Appends content, in as many packets as it takes, without the end of the list.
pub(super) fn push_content(content: &[u8], out: &mut Vec<u8>) {
    out.reserve(content.len() + content.len() / MAX_CONTENT * LENGTH_DIGITS + LENGTH_DIGITS);
    for chunk in content.chunks(MAX_CONTENT) {
        out.extend_from_slice(format!("{:04x}", chunk.len() + LENGTH_DIGITS).as_bytes());
        out.extend_from_slice(chunk);
    }
}

/// Agrees with git on a protocol, as whoever serves it: on version 2, and on what is offered of
/// what git can use.
pub(super) fn agree_as_server<R: BufRead>(
    input: &mut PacketReader<R>,
    out: &mut impl Write,
    protocol: &str,
    capabilities: &[&str],
) -> io::Result<()> {
    let mut next = || input.read_texts()?.ok_or_else(|| malformed("git said nothing"));
    let greeting = next()?;
    let client = format!("{protocol}-client");
    if greeting.first().map(Vec::as_slice) != Some(client.as_bytes()) {
        return Err(malformed("this is not git's filter protocol"));
    }
    if !greeting.iter().any(|text| text == b"version=2") {
        return Err(malformed("git does not speak version 2 of its filter protocol"));
    }
    let mut answer = Vec::new();
    push_text(format!("{protocol}-server").as_bytes(), &mut answer);
    push_text(b"version=2", &mut answer);
    answer.extend_from_slice(FLUSH);
    out.write_all(&answer)?;
    let offered = next()?;
    answer.clear();
    for capability in capabilities {
        let text = format!("capability={capability}");
        if offered.iter().any(|offered| offered == text.as_bytes()) {
            push_text(text.as_bytes(), &mut answer);
        }
    }
    answer.extend_from_slice(FLUSH);
    out.write_all(&answer)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn content_comes_back(content in prop::collection::vec(any::<u8>(), 0..200_000)) {
            let mut sent = Vec::new();
            push_content(&content, &mut sent);
            sent.extend_from_slice(FLUSH);
            let mut packets = PacketReader::new(sent.as_slice());
            let mut back = Vec::new();
            while packets.read(&mut back).unwrap() {}
            prop_assert!(back == content);
            prop_assert_eq!(packets.read_texts().unwrap(), None);
        }
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        for sent in ["0003", "000", "zzzz", "0009abc", "0001", "-001", "+005a"] {
            let read = PacketReader::new(sent.as_bytes()).read(&mut Vec::new());
            assert!(read.is_err(), "{sent}");
        }
        let endless = b"fff0".iter().copied().chain(std::iter::repeat_n(b'a', 65516));
        let endless: Vec<u8> = endless.collect::<Vec<u8>>().repeat(20);
        assert!(PacketReader::new(endless.as_slice()).read_texts().is_err());
    }

    #[test]
    fn only_what_both_can_is_agreed_upon() {
        let mut sent = Vec::new();
        for texts in [
            ["git-filter-client", "version=2"].as_slice(),
            &["capability=clean", "capability=smudge", "capability=dream"],
        ] {
            for text in texts {
                push_text(text.as_bytes(), &mut sent);
            }
            sent.extend_from_slice(FLUSH);
        }
        let mut out = Vec::new();
        let mut input = PacketReader::new(sent.as_slice());
        agree_as_server(&mut input, &mut out, "git-filter", &["clean", "delay"]).unwrap();
        let said = "0016git-filter-server\n000eversion=2\n00000015capability=clean\n0000";
        assert_eq!(String::from_utf8(out).unwrap(), said);
        let mut other = PacketReader::new(&b"0013git-ssh-client\n0000"[..]);
        assert!(agree_as_server(&mut other, &mut Vec::new(), "git-filter", &[]).is_err());
    }
}
