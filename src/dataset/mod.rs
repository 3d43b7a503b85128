//! What a dataset of many captures asks of the core: tables of many in one, keys that mean the same in all of them, and the way
//! back, from rows of a dataset to a snapshot.

mod gathered;
mod keys;
mod restored;
mod shared;
mod walk;

pub use gathered::gathered;
pub use keys::modules_key;
pub use restored::{Rows, restored};
pub use shared::{Keys, Shared, shared};
pub use walk::{Index, Tokens, Walk, tokens, walk};
