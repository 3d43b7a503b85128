//! The modules of the process as a dump describes them, and its private and mapped memory.

use super::{
    super::{
        CodeView, Module, Plan, Range, State, Text, UnloadedModule,
        memory::{EXECUTE_READ, EXECUTE_WRITE_COPY, IMAGE, MAPPED, READ_ONLY, READ_WRITE, WRITE_COPY},
    },
    Answer, Options,
    space::{Allocation, Part, Space},
};
use crate::testing::{
    investigation::{
        program::{MODULES, Run},
        symbols,
    },
    random::Random,
};

/// A module that is there for a while only: path and size.
type Passing = (&'static str, u64);

const PRINT: Passing = (r"C:\Program Files\Fernhollow\bin\fhprint.dll", 0x6_3000);
const EXPORT: Passing = (r"C:\Program Files\Fernhollow\bin\fhexport.dll", 0x9_A000);
const SETUP: Passing = (r"C:\Program Files\Fernhollow\bin\fhsetup.dll", 0x2_1000);
/// What the logs say of ntdll's symbols, as bytes of a GUID.
const NTDLL_GUID: [u8; 16] =
    [0x0C, 0x7A, 0x1B, 0x5D, 0x4C, 0x4E, 0x1B, 0x2F, 0x9C, 0x1E, 0x6A, 0x6B, 0x0F, 0x3D, 0x77, 0x21];

/// File name without extension.
fn stem(path: &str) -> &str {
    let file = path.rsplit('\\').next().unwrap_or(path);
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

pub fn put_modules(plan: &mut Plan, answer: &mut Answer, space: &mut Space, options: &Options, run: &Run) {
    let product_end = run.bases.iter().zip(&MODULES).filter(|(_, module)| !module.is_system());
    let end = product_end.map(|(base, module)| base + module.bytes).max().unwrap_or_default();
    let places = [0x10_0000, 0x30_0000, 0x50_0000].map(|distance| (end + distance).next_multiple_of(0x1_0000));
    let loaded = if options.step == 0 { (PRINT, places[0]) } else { (EXPORT, places[1]) };
    let mut unloaded = vec![(SETUP, places[2])];
    if options.step > 0 {
        unloaded.push((PRINT, places[0]));
    }
    let known = run.bases.iter().zip(&MODULES).map(|(base, module)| (module.path, module.bytes, *base));
    let all: Vec<(&str, u64, u64)> = known.chain([(loaded.0.0, loaded.0.1, loaded.1)]).collect();
    for (path, bytes, base) in &all {
        put_image(space, *base, *bytes);
        *answer.modules.entry(stem(path).to_owned()).or_default() += bytes;
    }
    answer.module_count = all.len() as u64;
    answer.unloaded_module_count = unloaded.len() as u64;
    plan.modules = Some(all.into_iter().map(|(path, bytes, base)| module(options.seed, path, bytes, base)).collect());
    let gone = |((path, bytes), base): (Passing, u64)| UnloadedModule {
        base,
        size: bytes as u32,
        checksum: file_number(options.seed, path, 1),
        time_date_stamp: file_number(options.seed, path, 0),
        path: Text::from(path.rsplit('\\').next().unwrap_or(path)),
    };
    plan.unloaded_modules = Some(unloaded.into_iter().map(gone).collect());
}

/// Something about a file that is the same in every run.
fn file_number(seed: u64, path: &str, what: u64) -> u32 {
    let number = Random::of(seed, path, what).bits() as u32;
    // Time stamps of some years before the story.
    if what == 0 { 0x5C00_0000 + number % 0x800_0000 } else { number % 0x40_0000 }
}

fn module(seed: u64, path: &str, bytes: u64, base: u64) -> Module {
    let name = stem(path);
    let is_system = path.starts_with(r"C:\Windows");
    let mut guid = [0; 16];
    let mut random = Random::of(seed, path, 2);
    guid.chunks_exact_mut(8).for_each(|half| half.copy_from_slice(&random.bits().to_le_bytes()));
    let file = if is_system { format!("{name}.pdb") } else { format!(r"D:\build\fernhollow\bin\{name}.pdb") };
    let code_view = match name {
        symbols::WITHOUT => None,
        symbols::OLD => Some(CodeView::Nb10 { time_date_stamp: 0x4B3D_2A10, age: 3, file }),
        "ntdll" => Some(CodeView::Rsds { guid: NTDLL_GUID, age: 1, file }),
        _ if is_system => Some(CodeView::Rsds { guid, age: random.between(1, 12) as u32, file }),
        // What the logs say, too.
        _ => Some(CodeView::Rsds { guid: symbols::guid(path), age: symbols::AGE, file }),
    };
    let own = [4, 2, (file_number(seed, path, 1) % 50) as u16, 0];
    Module {
        base,
        size: bytes as u32,
        checksum: file_number(seed, path, 1),
        time_date_stamp: file_number(seed, path, 0),
        path: path.into(),
        version: Some(if is_system { ([10, 0, 17763, 1], [10, 0, 17763, 1]) } else { (own, [4, 2, 0, 0]) }),
        code_view,
    }
}

/// Headers, code, constants, data.
fn put_image(space: &mut Space, base: u64, bytes: u64) {
    let pages = bytes / 0x1000 - 1;
    let (code, data) = (pages * 5 / 8, pages / 8);
    let parts = [
        Part(0x1000, State::Commit, READ_ONLY),
        Part(0x1000 * code, State::Commit, EXECUTE_READ),
        Part(0x1000 * (pages - code - data), State::Commit, READ_ONLY),
        Part(0x1000 * data, State::Commit, WRITE_COPY),
    ];
    space.allocate(&Allocation { class: "image", base, protect: EXECUTE_WRITE_COPY, kind: IMAGE, parts: &parts });
    space.contents(Range { known: vec![(0, b"MZ".to_vec())], ..Range::new(base, 0x1000) });
}

/// Private blocks that stay, grow, shrink, come and go, and sections, one more with every step.
pub fn put_private(space: &mut Space, options: &Options) {
    let (private, mapped, step) = (space.bases.private, space.bases.mapped, options.step);
    let arena = 0x80_0000 + 0x4_0000 * step.min(96);
    space.private("private", private, arena, 0x200_0000 - arena);
    space.private("private", private + 0x200_0000, 0x40_0000 - 0x8_0000 * step.min(4), 0);
    if step % 2 == 0 {
        space.private("private", private + 0x280_0000, 0x10_0000, 0);
    }
    if step > 0 {
        space.private("private", private + 0x300_0000, 0x20_0000, 0);
    }
    let mut section = |base, bytes, protect| {
        let parts = [Part(bytes, State::Commit, protect)];
        space.allocate(&Allocation { class: "mapped", base, protect, kind: MAPPED, parts: &parts });
    };
    section(mapped, 0xC_9000, READ_ONLY);
    section(mapped + 0x10_0000, 0x1_0000, READ_WRITE);
    for number in 0..step {
        section(mapped + 0x20_0000 + number * 0x30_0000, 0x30_0000, READ_WRITE);
    }
}
