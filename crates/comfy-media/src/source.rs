//! Random access to a file through a small window.
//!
//! Readers ask for bytes by offset, so none carries a cursor; a small window in front of
//! the file makes walking many short headers cheap. Knows nothing of formats.

use std::io::{self, Read, Seek, SeekFrom};

use super::budget::{MAX_STEPS, MAX_WORK};
use super::error::{Defect, Reading, Stop};
use super::found::too_much_work;

/// What is read at once while a reader stays near.
const WINDOW: usize = 16 << 10;
/// What is read at once behind a jump: enough for a header.
const PEEK: usize = 1 << 10;

pub(super) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// Random access to a file of known length.
pub(super) struct Source<'r> {
    inner: &'r mut dyn ReadSeek,
    len: u64,
    window: Vec<u8>,
    window_at: u64,
    steps: u32,
    loaded: usize,
}

impl<'r> Source<'r> {
    /// Asks the reader for its length.
    pub(super) fn new(inner: &'r mut dyn ReadSeek) -> io::Result<Self> {
        let len = inner.seek(SeekFrom::End(0))?;
        Ok(Source { inner, len, window: Vec::new(), window_at: 0, steps: 0, loaded: 0 })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Counts one chunk, box or element against [`MAX_STEPS`].
    pub(super) fn step(&mut self) -> Reading<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            let limit = u64::from(MAX_STEPS);
            return Err(Defect::TooMany { what: "parts in the file", limit }.into());
        }
        Ok(())
    }

    /// At most `wanted` bytes at an offset, fewer at the end of the file.
    pub(super) fn peek(&mut self, at: u64, wanted: usize) -> Reading<&[u8]> {
        debug_assert!(wanted <= WINDOW);
        let left = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX);
        let wanted = wanted.min(left);
        let have = at.checked_sub(self.window_at).and_then(|skip| usize::try_from(skip).ok());
        let inside = have.filter(|skip| skip + wanted <= self.window.len());
        let from = match inside {
            Some(from) => from,
            None => {
                self.fill(at, wanted, left)?;
                0
            }
        };
        let end = (from + wanted).min(self.window.len());
        Ok(self.window.get(from..end).unwrap_or_default())
    }

    /// The `N` bytes at an offset.
    pub(super) fn array<const N: usize>(
        &mut self,
        at: u64,
        what: &'static str,
    ) -> Reading<[u8; N]> {
        let bytes = self.peek(at, N)?;
        bytes.try_into().map_err(|_| Defect::Truncated(what).into())
    }

    /// `length` bytes at an offset in a buffer of their own. Refused above `limit`; never
    /// allocates more than the file has.
    pub(super) fn load(
        &mut self,
        at: u64,
        length: u64,
        limit: usize,
        what: &'static str,
    ) -> Reading<Vec<u8>> {
        if length > self.len.saturating_sub(at) {
            return Err(Defect::Truncated(what).into());
        }
        let length = usize::try_from(length).ok().filter(|length| *length <= limit);
        let Some(length) = length else {
            let limit = u64::try_from(limit).unwrap_or(u64::MAX);
            return Err(Defect::TooLarge { what, limit }.into());
        };
        self.loaded = self.loaded.saturating_add(length);
        if self.loaded > MAX_WORK {
            return Err(too_much_work().into());
        }
        if length <= PEEK {
            let bytes = self.peek(at, length)?;
            return if bytes.len() == length {
                Ok(bytes.to_vec())
            } else {
                Err(Defect::Truncated(what).into())
            };
        }
        let mut bytes = vec![0; length];
        self.inner.seek(SeekFrom::Start(at)).map_err(Stop::Io)?;
        match self.inner.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                Err(Defect::Truncated(what).into())
            }
            Err(e) => Err(Stop::Io(e)),
        }
    }

    /// A plain reader over a part of the file, for parsers that stream.
    pub(super) fn stream(&mut self, at: u64, length: u64) -> Reading<impl Read + '_> {
        self.inner.seek(SeekFrom::Start(at)).map_err(Stop::Io)?;
        Ok(io::BufReader::with_capacity(WINDOW, (&mut self.inner).take(length)))
    }

    /// Moves the window. A jump reads little, going on reads more.
    fn fill(&mut self, at: u64, wanted: usize, left: usize) -> Reading<()> {
        let window_len = u64::try_from(self.window.len()).unwrap_or(u64::MAX);
        let window_end = self.window_at.saturating_add(window_len);
        let near = at >= self.window_at && at <= window_end;
        let size = if near { WINDOW } else { PEEK }.max(wanted).min(left);
        self.window.resize(size, 0);
        self.window_at = at;
        self.inner.seek(SeekFrom::Start(at)).map_err(Stop::Io)?;
        let mut filled = 0;
        while filled < wanted {
            match self.inner.read(&mut self.window[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.window.clear();
                    return Err(Stop::Io(e));
                }
            }
        }
        self.window.truncate(filled);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn bytes_are_found_wherever_they_are_asked_for() {
        let data: Vec<u8> = (0..100_000u32).map(|n| (n % 251) as u8).collect();
        let mut cursor = Cursor::new(data.clone());
        let mut source = Source::new(&mut cursor).unwrap();
        for (at, n) in [(0, 8), (4, 16), (90_000, 8), (90_004, 900), (15, 16_000), (99_998, 8)] {
            let end = (at + n).min(data.len());
            assert_eq!(source.peek(at as u64, n).unwrap(), &data[at..end]);
        }
        assert!(source.peek(1 << 40, 4).unwrap().is_empty());
        assert_eq!(source.load(70_000, 30_000, 50_000, "x").unwrap(), &data[70_000..]);
    }

    #[test]
    fn lengths_beyond_the_file_or_the_limit_are_refused() {
        let mut cursor = Cursor::new(vec![0; 5000]);
        let mut source = Source::new(&mut cursor).unwrap();
        let refusal = |loaded: Reading<Vec<u8>>| match loaded {
            Err(Stop::Defect(defect)) => defect,
            _ => panic!("loaded"),
        };
        let too_long = source.load(4000, u64::MAX, usize::MAX, "it");
        assert_eq!(refusal(too_long), Defect::Truncated("it"));
        let too_large = source.load(0, 4000, 100, "it");
        assert_eq!(refusal(too_large), Defect::TooLarge { what: "it", limit: 100 });
    }
}
