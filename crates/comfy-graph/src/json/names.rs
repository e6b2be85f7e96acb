//! Names that somebody looks for in documents, numbered: whoever reads a key finds its number
//! once, and every table by names is then one by numbers.
//!
//! Must not know which names, nor what they are looked for.

use super::scan::is_same;

/// The place of a name in its list.
pub(crate) type NameNumber = u8;

/// The number of every text that is no such name.
pub(crate) const NO_NAME: NameNumber = NameNumber::MAX;

/// A list of names, to be found by a hash.
#[derive(Debug)]
pub struct NameTable {
    names: &'static [&'static str],
    slots: [NameNumber; NameTable::SLOTS],
}

impl NameTable {
    /// As many as there are hashes.
    const SLOTS: usize = 256;

    /// No names.
    pub const EMPTY: NameTable = NameTable::new(&[]);

    pub const fn new(names: &'static [&'static str]) -> NameTable {
        assert!(names.len() < NO_NAME as usize);
        let mut slots = [NO_NAME; NameTable::SLOTS];
        let mut number = 0;
        while (number as usize) < names.len() {
            let mut slot = hash_name(names[number as usize].as_bytes()) as usize;
            while slots[slot] != NO_NAME {
                slot = (slot + 1) % NameTable::SLOTS;
            }
            slots[slot] = number;
            number += 1;
        }
        NameTable { names, slots }
    }

    pub fn find(&self, text: &[u8]) -> NameNumber {
        self.find_hashed(text, hash_name(text))
    }

    /// [`NameTable::find`] of a text of which the hash is known.
    #[inline(always)]
    pub(super) fn find_hashed(&self, text: &[u8], hash: u8) -> NameNumber {
        let mut slot = usize::from(hash);
        loop {
            let number = self.slots[slot];
            match self.names.get(usize::from(number)) {
                Some(name) if is_same(name.as_bytes(), text) => return number,
                Some(_) => slot = (slot + 1) % NameTable::SLOTS,
                None => return NO_NAME,
            }
        }
    }
}

/// A hash of a name, of as many values as a table has slots: names that a program writes differ
/// in their ends or lengths.
#[inline(always)]
pub(super) const fn hash_name(text: &[u8]) -> u8 {
    let (first, last) = match text {
        [first, .., last] => (*first, *last),
        [only] => (*only, *only),
        [] => (0, 0),
    };
    let length = text.len() as u8;
    first
        .wrapping_mul(175)
        .wrapping_add(last.wrapping_mul(114))
        .wrapping_add(length.wrapping_mul(102))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_nothing_else() {
        // Two of them share a slot.
        static TABLE: NameTable = NameTable::new(&["id", "type", "abcd", "accd", "x"]);
        for (number, name) in (0..).zip(TABLE.names) {
            assert_eq!(TABLE.find(name.as_bytes()), number);
        }
        for other in ["", "i", "idx", "adcd", "Type", "y"] {
            assert_eq!(TABLE.find(other.as_bytes()), NO_NAME);
        }
        assert_eq!(NameTable::EMPTY.find(b"id"), NO_NAME);
    }
}
