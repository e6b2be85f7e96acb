//! Random access to a file through a small window.
//!
//! Readers ask for bytes by offset, so none carries a cursor; a small window in front of
//! the file makes walking many short headers cheap. Knows nothing of formats.

use std::io::{self, Read, Seek, SeekFrom};

use super::budget::{MAX_STEPS, MAX_WORK};
use super::collector::work_limit_exceeded;
use super::error::{FileDefect, ReadError, ReadResult};

/// What is read at once while a reader stays near.
const WINDOW_LEN: usize = 16 << 10;
/// What is read at once behind a jump: enough for a header.
const PEEK_LEN: usize = 1 << 10;

pub(super) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// Random access to a file of known length.
pub(super) struct WindowedReader<'r> {
    inner: &'r mut dyn ReadSeek,
    len: u64,
    window: Vec<u8>,
    window_at: u64,
    steps: u32,
    loaded: usize,
}

impl<'r> WindowedReader<'r> {
    /// Asks the reader for its length.
    pub(super) fn new(inner: &'r mut dyn ReadSeek) -> io::Result<Self> {
        let len = inner.seek(SeekFrom::End(0))?;
        Ok(WindowedReader { inner, len, window: Vec::new(), window_at: 0, steps: 0, loaded: 0 })
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Counts one chunk, box or element against [`MAX_STEPS`].
    pub(super) fn count_step(&mut self) -> ReadResult<()> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            let limit = u64::from(MAX_STEPS);
            return Err(FileDefect::TooMany { what: "parts in the file", limit }.into());
        }
        Ok(())
    }

    /// At most `wanted` bytes at an offset, fewer at the end of the file.
    pub(super) fn peek(&mut self, at: u64, wanted: usize) -> ReadResult<&[u8]> {
        debug_assert!(wanted <= WINDOW_LEN);
        let left = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX);
        let wanted = wanted.min(left);
        let have = at.checked_sub(self.window_at).and_then(|skip| usize::try_from(skip).ok());
        let inside = have.filter(|skip| skip + wanted <= self.window.len());
        let from = match inside {
            Some(from) => from,
            None => {
                self.fill_window(at, wanted, left)?;
                0
            }
        };
        let end = (from + wanted).min(self.window.len());
        Ok(self.window.get(from..end).unwrap_or_default())
    }

    /// The `N` bytes at an offset.
    pub(super) fn read_array<const N: usize>(
        &mut self,
        at: u64,
        what: &'static str,
    ) -> ReadResult<[u8; N]> {
        let bytes = self.peek(at, N)?;
        bytes.try_into().map_err(|_| FileDefect::Truncated(what).into())
    }

    /// `length` bytes at an offset in a buffer of their own. Refused above `limit`; never
    /// allocates more than the file has.
    pub(super) fn load(
        &mut self,
        at: u64,
        length: u64,
        limit: usize,
        what: &'static str,
    ) -> ReadResult<Vec<u8>> {
        if length > self.len.saturating_sub(at) {
            return Err(FileDefect::Truncated(what).into());
        }
        let length = usize::try_from(length).ok().filter(|length| *length <= limit);
        let Some(length) = length else {
            let limit = u64::try_from(limit).unwrap_or(u64::MAX);
            return Err(FileDefect::TooLarge { what, limit }.into());
        };
        self.loaded = self.loaded.saturating_add(length);
        if self.loaded > MAX_WORK {
            return Err(work_limit_exceeded().into());
        }
        if length <= PEEK_LEN {
            let bytes = self.peek(at, length)?;
            return if bytes.len() == length {
                Ok(bytes.to_vec())
            } else {
                Err(FileDefect::Truncated(what).into())
            };
        }
        let mut bytes = vec![0; length];
        self.inner.seek(SeekFrom::Start(at)).map_err(ReadError::Io)?;
        match self.inner.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                Err(FileDefect::Truncated(what).into())
            }
            Err(e) => Err(ReadError::Io(e)),
        }
    }

    /// A plain reader over a part of the file, for parsers that stream.
    pub(super) fn stream(&mut self, at: u64, length: u64) -> ReadResult<impl Read + '_> {
        self.inner.seek(SeekFrom::Start(at)).map_err(ReadError::Io)?;
        Ok(io::BufReader::with_capacity(WINDOW_LEN, (&mut self.inner).take(length)))
    }

    /// Moves the window. A jump reads little, going on reads more.
    fn fill_window(&mut self, at: u64, wanted: usize, left: usize) -> ReadResult<()> {
        let window_len = u64::try_from(self.window.len()).unwrap_or(u64::MAX);
        let window_end = self.window_at.saturating_add(window_len);
        let near = at >= self.window_at && at <= window_end;
        let size = if near { WINDOW_LEN } else { PEEK_LEN }.max(wanted).min(left);
        self.window.resize(size, 0);
        self.window_at = at;
        self.inner.seek(SeekFrom::Start(at)).map_err(ReadError::Io)?;
        let mut filled = 0;
        while filled < wanted {
            match self.inner.read(&mut self.window[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.window.clear();
                    return Err(ReadError::Io(e));
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
        let mut source = WindowedReader::new(&mut cursor).unwrap();
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
        let mut source = WindowedReader::new(&mut cursor).unwrap();
        let refusal = |loaded: ReadResult<Vec<u8>>| match loaded {
            Err(ReadError::Defect(defect)) => defect,
            _ => panic!("loaded"),
        };
        let too_long = source.load(4000, u64::MAX, usize::MAX, "it");
        assert_eq!(refusal(too_long), FileDefect::Truncated("it"));
        let too_large = source.load(0, 4000, 100, "it");
        assert_eq!(refusal(too_large), FileDefect::TooLarge { what: "it", limit: 100 });
    }
}
