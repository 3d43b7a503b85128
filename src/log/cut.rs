//! What is said of the last line of a file that ends inside it.

use super::line::{Line, classify};

/// Of a line with data.
pub const DATA: &str = "read as it stands; the file ends in this line, so its last number may be cut";

/// Of a line with words at its end.
pub const WORDS: &str = "read as it stands; the file ends in this line, so its end may be cut";

/// Of a banner.
pub const BANNER: &str = "passed over; the file ends in this banner, so the heap that it names may be another";

/// A banner that nothing closes; with a line end behind it a banner is whole all the same.
pub fn is_banner(line: &[u8]) -> bool {
    matches!(classify(line), Line::Banner(banner) if !banner.closed)
}
