//! A map whose keys are a few numbers: what the standard library does against hostile keys takes longer than all the rest.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

/// The map.
pub type ScatterMap<K, V> = HashMap<K, V, BuildHasherDefault<Scatter>>;

/// Scatters the numbers of a key.
#[derive(Default)]
pub struct Scatter(u64);

impl Hasher for Scatter {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(29) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}
