//! Hashes of frames, of which fingerprints are made; `docs/concepts.md` has the rule.

use xxhash_rust::xxh3::xxh3_64;

use crate::engine::hex_text::lower_case;

/// Hashes one frame after the other.
#[derive(Debug, Default)]
pub struct FrameHash {
    /// A buffer that is used again from frame to frame.
    text: String,
}

impl FrameHash {
    /// `module!function+offset`; the module's name in lower case.
    pub fn named(&mut self, module: &str, function: &str, offset: Option<u64>) -> u64 {
        self.text.clear();
        self.text.push_str(module);
        self.text.push('!');
        self.text.push_str(function);
        if let Some(offset) = offset {
            self.text.push('+');
            self.text.push_str(lower_case(offset).as_str());
        }
        xxh3_64(self.text.as_bytes())
    }
}

/// An address in no module.
pub fn of_address(address: u64) -> u64 {
    xxh3_64(lower_case(address).as_str().as_bytes())
}

/// A text that is no frame.
pub fn of_text(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}
