//! What blocks begin with: a class, text, pointers, the header of the debug C runtime.

use super::{memory::Memory, plan::Block, rows::Row};
use crate::testing::{
    investigation::{
        classes::{self, CLASSES},
        program::MODULES,
    },
    random::mix,
};

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// An object: pointer to the vtable of a class of a module, by their numbers.
    Class(u8, u8),
    /// Text of one byte a character, and its number.
    Ascii(u16),
    /// Text in UTF-16, and its number.
    Wide(u16),
    /// Links of a list that points to itself.
    Links,
    /// Address of a function in a module.
    Function(u8),
    /// A block of the debug C runtime: its request number.
    Debug(u32),
    /// Nothing but zeros.
    Zeros,
    /// Bytes that mean nothing.
    Noise,
}

/// What contents need to know.
#[derive(Debug, Clone)]
pub struct Images {
    /// Base of each of [`MODULES`].
    pub bases: Vec<u64>,
    /// Module that uses the debug C runtime.
    pub debug_module: usize,
}

const WORDS: [&str; 6] = ["order 10482 accepted", "Fernhollow/4.2", "GET /catalog/41", "thumbnail", "Zolltarif", "x"];
/// What the debug C runtime puts around a block.
const NO_MANS_LAND: [u8; 4] = [0xFD; 4];
/// Files of the debug C runtime's blocks, as text in the module.
pub const FILES: [&str; 3] = [
    r"D:\fernhollow\fhpreview\thumbnail.cpp",
    r"D:\fernhollow\fhpreview\canvas.cpp",
    r"D:\fernhollow\fhpreview\page.cpp",
];
const FILE_BYTES: u64 = 0x40;

impl Images {
    /// Where the constants of a module start.
    pub fn constants(&self, module: usize) -> u64 {
        self.bases[module] + classes::constants(&MODULES[module])
    }

    pub fn vtable(&self, module: u8, class: u8) -> u64 {
        self.bases[usize::from(module)] + classes::table(&MODULES[usize::from(module)], u64::from(class))
    }

    /// The vtables of all classes of a module: where they start, and their bytes.
    pub fn vtables(&self, module: usize, is_64_bit: bool) -> (u64, Vec<u8>) {
        let mut bytes = vec![0; (CLASSES * classes::APART) as usize];
        let width = if is_64_bit { 8 } else { 4 };
        for (class, place) in (0..).zip(bytes.chunks_exact_mut(classes::APART as usize)) {
            for (word, function) in place.chunks_exact_mut(width).zip(classes::functions(module, class)) {
                word.copy_from_slice(&(self.bases[module] + function).to_le_bytes()[..width]);
            }
        }
        (self.constants(module), bytes)
    }

    pub fn function(&self, module: u8) -> u64 {
        self.bases[usize::from(module)] + 0x1340
    }

    /// Where the names of the files of the debug C runtime's blocks are, and their bytes: in the page after the vtables.
    pub fn files(&self) -> (u64, Vec<u8>) {
        let mut bytes = vec![0; FILE_BYTES as usize * FILES.len()];
        for (place, file) in bytes.chunks_exact_mut(FILE_BYTES as usize).zip(FILES) {
            place[..file.len()].copy_from_slice(file.as_bytes());
        }
        (self.constants(self.debug_module) + 0x4000, bytes)
    }
}

/// Bytes that the debug C runtime adds to a block.
pub fn debug_overhead(is_64_bit: bool) -> u32 {
    if is_64_bit { 0x34 } else { 0x24 }
}

/// File and line of a request of the debug C runtime.
pub fn debug_place(request: u32) -> (&'static str, u32) {
    (FILES[request as usize % FILES.len()], 40 + request % 7)
}

impl Content {
    pub fn name(self) -> &'static str {
        match self {
            Content::Class(..) => "vtable",
            Content::Ascii(_) => "ascii",
            Content::Wide(_) => "utf16",
            Content::Links => "pointer",
            Content::Function(_) => "function",
            Content::Debug(_) => "debug_crt",
            Content::Zeros => "zeros",
            Content::Noise => "noise",
        }
    }

    /// The word that a block starts with, where the content is told by it.
    pub fn first_word(self, images: &Images) -> Option<u64> {
        match self {
            Content::Class(module, class) => Some(images.vtable(module, class)),
            Content::Function(module) => Some(images.function(module)),
            _ => None,
        }
    }

    /// The class of an object: its module and its number there.
    pub fn class(self) -> Option<(u8, u8)> {
        if let Content::Class(module, class) = self { Some((module, class)) } else { None }
    }

    /// The content if a block of so many bytes can hold it, else noise.
    pub fn fitting(self, row: &Row, requested: u32) -> Self {
        let least = match self {
            Content::Links | Content::Class(..) | Content::Function(_) => 2 * row.pointer as u32,
            Content::Ascii(_) | Content::Wide(_) => 48,
            Content::Debug(_) => debug_overhead(row.is_64_bit),
            Content::Zeros | Content::Noise => 0,
        };
        if requested >= least { self } else { Content::Noise }
    }
}

/// Fills a block at its user address.
pub fn fill(memory: &mut Memory, images: &Images, address: u64, block: &Block) {
    let count = block.requested as usize;
    if block.content != Content::Zeros {
        noise(memory, address, count);
    }
    match block.content {
        Content::Class(..) | Content::Function(_) => {
            memory.word(address, block.content.first_word(images).unwrap_or_default());
        }
        Content::Ascii(number) => {
            let text = format!("{}\0", text(number));
            memory.put(address, &text.as_bytes()[..text.len().min(count)]);
        }
        Content::Wide(number) => {
            let units: Vec<u8> = text(number).encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
            memory.put(address, &units[..units.len().min(count)]);
        }
        Content::Links => memory.words(address, address, address),
        Content::Debug(request) => debug(memory, images, address, block.requested, request),
        Content::Zeros | Content::Noise => {}
    }
}

fn text(number: u16) -> String {
    format!("{} {number}", WORDS[usize::from(number) % WORDS.len()])
}

/// Bytes from 0x80 on: no text, and no address that a process has.
fn noise(memory: &mut Memory, address: u64, count: usize) {
    let place = memory.at(address);
    let count = count.min(place.len());
    for (number, word) in place[..count].chunks_mut(8).enumerate() {
        let bits = mix(address ^ number as u64) | 0x8080_8080_8080_8080;
        word.copy_from_slice(&bits.to_le_bytes()[..word.len()]);
    }
}

/// Links, file, line, kind of block, size, number of the request, and no man's land at both ends.
fn debug(memory: &mut Memory, images: &Images, address: u64, requested: u32, request: u32) {
    let width = if memory.is_64_bit { 8 } else { 4 };
    let size = u64::from(requested - debug_overhead(memory.is_64_bit));
    let (_, line) = debug_place(request);
    let file = images.files().0 + u64::from(request) % FILES.len() as u64 * FILE_BYTES;
    memory.words(address, 0, 0);
    memory.word(address + 2 * width, file);
    memory.u32(address + 3 * width, u64::from(line));
    memory.u32(address + 3 * width + 4, 1);
    memory.word(address + 3 * width + 8, size);
    memory.u32(address + 4 * width + 8, u64::from(request));
    memory.put(address + 4 * width + 12, &NO_MANS_LAND);
    memory.put(address + u64::from(requested) - 4, &NO_MANS_LAND);
    let data = address + 4 * width + 16;
    for number in 0..size {
        memory.u8(data + number, 0xCD);
    }
}
