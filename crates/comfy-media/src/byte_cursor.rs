//! A cursor over bytes in memory that cannot run over the end.

/// The rest of a slice. Every read gives `None` where bytes are missing.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByteCursor<'a> {
    rest: &'a [u8],
}

impl<'a> ByteCursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        ByteCursor { rest: bytes }
    }

    /// The bytes that were not read yet.
    pub(super) fn remaining(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn read_bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// The bytes before the next zero, which is passed; `None` if there is no zero.
    pub(super) fn read_until_nul(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(0, self.rest)?;
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        Some(taken)
    }

    pub(super) fn read_array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.read_bytes(N)?.try_into().ok()
    }

    pub(super) fn read_u8(&mut self) -> Option<u8> {
        self.read_array::<1>().map(|[byte]| byte)
    }

    pub(super) fn read_u16_be(&mut self) -> Option<u16> {
        self.read_array().map(u16::from_be_bytes)
    }

    pub(super) fn read_u32_be(&mut self) -> Option<u32> {
        self.read_array().map(u32::from_be_bytes)
    }

    pub(super) fn read_u32_le(&mut self) -> Option<u32> {
        self.read_array().map(u32::from_le_bytes)
    }

    /// A big-endian number of 0 to 8 bytes.
    pub(super) fn read_uint_be(&mut self, width: usize) -> Option<u64> {
        let bytes = self.read_bytes(width)?;
        Some(bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }
}
