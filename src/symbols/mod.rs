//! Names for addresses, from files: PDBs, symbol stores, Breakpad's `.sym`, and images with DWARF.
//!
//! ```text
//! shop+0x610C -> shop!Basket::Add+0x2C at basket.cpp, line 41
//! ```
//!
//! Invariant: a file is asked for a module only if something proves that it is of that build, or if the caller takes less and is
//! told so. What a file says wrong costs its module the names and nothing else.

pub mod answer;
mod choose;
mod data;
pub mod fault;
mod files;
pub mod id;
mod image;
mod index;
pub mod known;
pub mod opened;
pub mod path;
mod resolve;
mod store;
pub mod structures;
mod undecorate;
mod wanted;

pub use answer::Kind;
pub use choose::{Found, Match};
pub use data::resolve_data;
pub use known::Text;
pub use resolve::{Address, Code, Named, Names, Outcome, Said, resolve};
pub use store::Store;
pub use wanted::Wanted;
