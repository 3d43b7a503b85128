//! Trace ids as 64-bit keys.

use crate::engine::{hex_text::upper_case, vector::hex::Hex};

/// Trace ids as 64-bit keys, and back.
///
/// `F9A156DA` becomes its value and its length; what is not upper-case hexadecimal of at most 14 digits is in `other`.
/// A call site has no id: its name is in `other` too, and its key has no text.
#[derive(Debug, Default)]
pub struct TraceIds {
    other: Vec<Box<[u8]>>,
    other_ids: std::collections::HashMap<Box<[u8]>, u64>,
    sites: std::collections::HashMap<Box<[u8]>, u64>,
}

const OTHER: u64 = 0xF;
/// No id has zero digits.
const SITE: u64 = 0;

impl TraceIds {
    /// The key of an id whose digits were read already; `None` if they are too many to pack.
    #[inline(always)]
    pub fn key_of_hex(id: Hex) -> Option<u64> {
        (id.digits <= 14).then_some(id.value << 4 | u64::from(id.digits))
    }

    /// The key of any text.
    pub fn key(&mut self, id: &[u8]) -> u64 {
        let plain = !id.iter().any(u8::is_ascii_lowercase);
        if let Some(key) = crate::log::fields::parse_hex(id).filter(|_| plain).and_then(Self::key_of_hex) {
            return key;
        }
        if let Some(key) = self.other_ids.get(id) {
            return *key;
        }
        let key = (self.other.len() as u64) << 4 | OTHER;
        self.other.push(id.into());
        self.other_ids.insert(id.into(), key);
        key
    }

    /// One more key of the same text.
    pub fn another_key(&mut self, key: u64) -> u64 {
        let mut text = String::new();
        self.write(key, &mut text);
        self.other.push(text.into_bytes().into());
        (self.other.len() as u64 - 1) << 4 | OTHER
    }

    /// The key of a call site, which has no id.
    pub fn site_key(&mut self, name: &[u8]) -> u64 {
        if let Some(key) = self.sites.get(name) {
            return *key;
        }
        let key = (self.other.len() as u64) << 4 | SITE;
        self.other.push(name.into());
        self.sites.insert(name.into(), key);
        key
    }

    /// The key here of an id that has a key in another worker's table.
    pub fn adopt(&mut self, key: u64, from: &TraceIds) -> u64 {
        match key & 0xF {
            OTHER => self.key(&from.other[(key >> 4) as usize]),
            SITE => self.site_key(&from.other[(key >> 4) as usize]),
            _ => key,
        }
    }

    /// Writes the text of a key over `text`; false for a stack that is under no id.
    pub fn write(&self, key: u64, text: &mut String) -> bool {
        text.clear();
        match key & 0xF {
            SITE => return false,
            OTHER => text.push_str(&String::from_utf8_lossy(&self.other[(key >> 4) as usize])),
            digits => text.push_str(upper_case(key >> 4, digits as u32).as_str()),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_comes_back_as_it_was_printed() {
        let mut ids = TraceIds::default();
        let mut text = String::new();
        for id in ["0", "00053", "18D0A0D0", "f9a156da", "123456789ABCDEF0", "0000000000000001", "99zz"] {
            let key = ids.key(id.as_bytes());
            assert_eq!((ids.write(key, &mut text), text.as_str()), (true, id));
        }
        let key = ids.key(b"00053");
        let another = ids.another_key(key);
        assert!(another != key && ids.key(b"00053") == key && ids.write(another, &mut text) && text == "00053");
        let site = ids.site_key(b"app!main+0x1");
        assert!(!ids.write(site, &mut text));
    }
}
