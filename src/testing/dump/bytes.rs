//! Numbers become bytes, little endian.

/// A record on its way into the file.
#[derive(Debug, Clone, Default)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// Adds 8 bits.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    /// Adds 16 bits.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Adds 32 bits.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Adds 64 bits.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Adds bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds zeros up to a length.
    pub fn zeros_to(&mut self, length: usize) -> &mut Self {
        self.0.resize(length.max(self.0.len()), 0);
        self
    }

    /// Adds UTF-16 into a field of a fixed number of characters, filled up with zeros.
    pub fn wide(&mut self, text: &str, field: usize) -> &mut Self {
        let end = self.0.len() + 2 * field;
        for unit in text.encode_utf16().take(field) {
            self.u16(unit);
        }
        self.zeros_to(end)
    }
}
