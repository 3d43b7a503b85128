//! What makes the rest fast: many bytes at once, tables of keys, memory, threads. The only room with unsafe code.

#![allow(unsafe_code)]

pub mod hex_text;
pub mod intern;
pub mod map;
pub mod memory;
pub mod random_access;
pub mod threads;
pub mod vector;
