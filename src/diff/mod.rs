//! What two snapshots are compared by: their sums by stack or heap one below the other, their stacks by content, the frame
//! each counts for, and rankings by any key.

mod blame;
mod contents;
mod labels;
mod ranking;
mod sides;
mod stacks;
pub mod totals;

pub use blame::{blame, stack_groups};
pub use labels::{function_labels, hexadecimal};
pub use ranking::{NO_KEY, rank};
pub use sides::{Side, sides};
pub use stacks::{Source, number_through};
