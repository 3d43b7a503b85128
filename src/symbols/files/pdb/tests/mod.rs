//! PDBs that were made to lead a reader astray, each of the PDB of a small program.

mod msf;

use std::{fs::File, io::Read};

use flate2::read::GzDecoder;
use msf::{IDS, LISTS, Msf, TYPES, put, u16_at, u32_at};

use super::{Pdb, source::Bytes};
use crate::{
    input::content::Content,
    symbols::{answer::Answer, fault::Fault, files::Format},
};

/// Bytes of the program in memory.
const SIZE: u32 = 0x9000;

fn server() -> Msf {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/symbols/x64/server.pdb.gz");
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    Msf::of(&bytes)
}

fn answers(pdb: &Msf) -> Result<Vec<Option<Answer>>, Fault> {
    let places: Vec<u32> = (0..SIZE).step_by(4).collect();
    Pdb.answers(&Content::new(pdb.written()), &places)
}

/// What is said of a PDB that is refused.
fn refused(pdb: &Msf) -> String {
    match answers(pdb) {
        Err(Fault::Damaged(what)) => what,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("taken"),
    }
}

/// Changes each record of a kind, told its number.
fn each(pdb: &mut Msf, stream: usize, kind: u16, mut change: impl FnMut(u32, &mut [u8])) {
    let (first, records) = pdb.records(stream);
    let mut count = 0;
    for (number, at) in (first..).zip(records) {
        if u16_at(&pdb.0[stream], at) == kind {
            change(number, &mut pdb.0[stream][at..]);
            count += 1;
        }
    }
    assert!(count > 0, "no record of the kind {kind:x}");
}

fn record(kind: u16, numbers: &[u32]) -> Vec<u8> {
    kind.to_le_bytes().into_iter().chain(numbers.iter().flat_map(|number| number.to_le_bytes())).collect()
}

/// A function id with a scope.
fn function(scope: u32, kind: u32) -> Vec<u8> {
    [&record(0x1601, &[scope, kind])[..], b"f\0"].concat()
}

/// The type of the first function id.
fn function_type(pdb: &Msf) -> u32 {
    let (_, records) = pdb.records(IDS);
    let at = records.into_iter().find(|at| u16_at(&pdb.0[IDS], *at) == 0x1601).unwrap();
    u32_at(&pdb.0[IDS], at + 6)
}

/// Gives all methods another class.
fn with_class(mut pdb: Msf, class: u32) -> Msf {
    each(&mut pdb, IDS, 0x1602, |_, id| put(id, 2, class));
    pdb
}

/// Gives all functions of all modules another type.
fn with_type(mut pdb: Msf, number: u32) -> Msf {
    for (_, stream, size) in pdb.modules() {
        for at in pdb.symbols(stream, size) {
            if [0x110F, 0x1110].contains(&u16_at(&pdb.0[stream], at)) {
                put(&mut pdb.0[stream], at + 26, number);
            }
        }
    }
    pdb
}

/// The module with the most symbols: its first function, followed by others that are made where these begin.
fn with_symbols(make: impl FnOnce(u32, &mut Vec<u8>)) -> Msf {
    let mut pdb = server();
    let (entry, stream, size) = pdb.modules().into_iter().max_by_key(|module| module.2).unwrap();
    let at = pdb.symbols(stream, size).into_iter().find(|at| u16_at(&pdb.0[stream], *at) == 0x1110).unwrap();
    let len = usize::from(u16_at(&pdb.0[stream], at - 2));
    let mut symbols = pdb.0[stream][..4].to_vec();
    symbols.extend(&pdb.0[stream][at - 2..at + len]);
    make(symbols.len() as u32, &mut symbols);
    let end = symbols.len() as u32;
    put(&mut symbols, 4 + 2 + 2 + 4, end);
    symbols.extend([2, 0, 6, 0]);
    put(&mut pdb.0[LISTS], entry + 36, symbols.len() as u32);
    symbols.extend(&pdb.0[stream][size..]);
    pdb.0[stream] = symbols;
    pdb
}

/// Inlined calls in each other.
fn calls(count: u32, first: u32, symbols: &mut Vec<u8>) {
    const LEN: u32 = 16;
    let end = first + (2 * LEN - 12) * count;
    for number in 0..count {
        symbols.extend([14, 0]);
        symbols.extend(record(0x114D, &[first, end - 4 * number - 4, 0x1001]));
    }
    (0..count).for_each(|_| symbols.extend([2, 0, 0x4E, 0x11]));
}

#[test]
fn a_sound_pdb_is_read() {
    let whole = answers(&server()).unwrap();
    assert!(whole.iter().flatten().any(|answer| answer.inlined.len() > 1));
    let mut pdb = server();
    let kind = function_type(&pdb);
    let mut scope = pdb.add(IDS, &function(0, kind));
    (0..40).for_each(|_| scope = pdb.add(IDS, &function(scope, kind)));
    each(&mut pdb, IDS, 0x1601, |number, id| {
        if number < scope - 40 {
            put(id, 2, scope)
        }
    });
    let deep = answers(&pdb).unwrap();
    let name = deep.iter().flatten().flat_map(|answer| &answer.inlined).find_map(|call| call.function.as_deref());
    assert!(name.is_some_and(|name| name.starts_with("f::f::f::f::")), "{name:?}");
    let shallow = with_symbols(|first, symbols| calls(200, first, symbols));
    assert!(answers(&shallow).unwrap().iter().flatten().count() > 0);
}

#[test]
fn scopes_of_functions_come_to_an_end() {
    let mut pdb = server();
    each(&mut pdb, IDS, 0x1601, |number, id| put(id, 2, number));
    assert_eq!(refused(&pdb), "expected functions in functions, found more than 64 in each other");
    let mut pdb = server();
    let kind = function_type(&pdb);
    let mut scope = pdb.add(IDS, &function(0, kind));
    (0..200_000).for_each(|_| scope = pdb.add(IDS, &function(scope, kind)));
    each(&mut pdb, IDS, 0x1601, |number, id| {
        if number < scope - 200_000 {
            put(id, 2, scope)
        }
    });
    assert_eq!(refused(&pdb), "expected functions in functions, found more than 64 in each other");
    let mut pdb = server();
    each(&mut pdb, IDS, 0x1601, |_, id| put(id, 2, 0x8000_0000));
    assert_eq!(refused(&pdb), "expected a type or an id, found one of another module");
}

#[test]
fn many_functions_of_one_long_scope_are_refused() {
    let mut pdb = server();
    let (kind, size) = (function_type(&pdb), pdb.written().len() as u32);
    let long = [&record(0x1605, &[0])[..], &[b'x'; 60_000], &[0]].concat();
    let scope = pdb.add(IDS, &long);
    let count = 40 * size / 60_000;
    let ids: Vec<u32> = (0..count).map(|_| pdb.add(IDS, &function(scope, kind))).collect();
    let streams: Vec<Vec<u8>> = vec![pdb.0[TYPES].clone(), pdb.0[IDS].clone()];
    let view = |bytes: &Vec<u8>| {
        let mut source = Bytes::of(&Content::new(bytes.clone()));
        let slice = pdb_addr2line::pdb::SourceSlice { offset: 0, size: bytes.len() };
        pdb_addr2line::pdb::Source::view(&mut source, &[slice]).unwrap();
        source.last().view()
    };
    let mut names = super::names::Names::of(view(&streams[0]), view(&streams[1]), size as usize).unwrap();
    assert!(ids.iter().try_for_each(|id| names.id(*id)).is_err());
    let mut names = super::names::Names::of(view(&streams[0]), view(&streams[1]), size as usize).unwrap();
    assert_eq!(ids[..count as usize / 4].iter().try_for_each(|id| names.id(*id)), Ok(()));
}

#[test]
fn classes_of_methods_come_to_an_end() {
    // Pointers to functions that return pointers to functions.
    let mut pdb = server();
    let mut pointer = pdb.add(TYPES, &record(0x1002, &[0x74, 0x1000C]));
    for _ in 0..100_000 {
        let function = pdb.add(TYPES, &record(0x1008, &[pointer, 0, 0x1000]));
        pointer = pdb.add(TYPES, &record(0x1002, &[function, 0x1000C]));
    }
    assert_eq!(refused(&with_class(pdb, pointer)), "expected the class of a method, found a type made of others");
    // Modifiers of modifiers, and of themselves.
    let mut pdb = server();
    let mut modifier = pdb.add(TYPES, &record(0x1001, &[0x74, 1]));
    (0..200_000).for_each(|_| modifier = pdb.add(TYPES, &record(0x1001, &[modifier, 1])));
    assert_eq!(refused(&with_class(pdb, modifier)), "expected the class of a method, found a type made of others");
    // An array of itself.
    let mut pdb = server();
    let next = pdb.add(TYPES, &record(0x1001, &[0x74, 1])) + 1;
    let array = pdb.add(TYPES, &[&record(0x1503, &[next, 0x74])[..], &[8, 0, 0, 0xF1]].concat());
    assert_eq!(refused(&with_class(pdb, array)), "expected the class of a method, found an array");
    // A constant class is one.
    let mut pdb = server();
    let mut class = 0;
    each(&mut pdb, TYPES, 0x1505, |number, _| class = number);
    let constant = pdb.add(TYPES, &record(0x1001, &[class, 1]));
    assert!(answers(&with_class(pdb, constant)).is_ok());
}

#[test]
fn lists_are_no_types_of_functions() {
    let said = "expected the type of a function, found a list";
    // Lists in lists: the crate calls itself for each.
    let mut pdb = server();
    let fields = pdb.add(TYPES, &[0x03, 0x12].repeat(32_000));
    assert_eq!(refused(&with_type(pdb, fields)), said);
    // Lists that count more than they hold: the crate takes memory for as many as they count.
    let mut pdb = server();
    let arguments = pdb.add(TYPES, &record(0x1201, &[u32::MAX]));
    assert_eq!(refused(&with_type(pdb.clone(), arguments)), said);
    let texts = pdb.add(IDS, &record(0x1604, &[u32::MAX]));
    each(&mut pdb, IDS, 0x1601, |_, id| put(id, 2, texts));
    assert_eq!(refused(&pdb), "expected a function or a namespace, found a list of texts");
}

#[test]
fn inlined_calls_are_in_each_other_only_so_deep() {
    let deep = with_symbols(|first, symbols| calls(50_000, first, symbols));
    assert_eq!(refused(&deep), "expected functions and inlined calls, found more than 256 in each other");
    let many = with_symbols(|_, symbols| {
        for _ in 0..70_000 {
            let end = symbols.len() as u32 + 16;
            symbols.extend([14, 0]);
            symbols.extend(record(0x114D, &[4, end, 0x1001]));
            symbols.extend([2, 0, 0x4E, 0x11]);
        }
    });
    assert_eq!(refused(&many), "expected a function's inlined calls, found more than 65536");
}

#[test]
fn functions_in_functions_end_behind_where_they_begin() {
    let said = "expected the end of a function behind it, at a symbol, found another place";
    let nested = |end: u32| {
        with_symbols(|first, symbols| {
            let own = symbols[4..].to_vec();
            symbols.extend(own);
            put(symbols, first as usize + 2 + 2 + 4, if end > 4 { first + end } else { end });
            symbols.extend([14, 0]);
            symbols.extend(record(0x114D, &[4, first + 1000, 0x1001]));
        })
    };
    // Back to its parent, for ever; and into the middle of another symbol.
    assert_eq!(refused(&nested(4)), said);
    let mut len = 0;
    with_symbols(|first, _| len = first - 4);
    assert_eq!(refused(&nested(len + 4)), said);
    assert!(answers(&nested(len)).is_ok());
}

#[test]
fn counts_of_what_is_not_there_take_no_memory() {
    let mut pdb = server();
    put(&mut pdb.0[TYPES], 12, u32::MAX);
    assert!(refused(&pdb).ends_with("types or ids, found 4294963199"));
    // A list of callers that counts more than it holds, in a module and among public symbols.
    let callers = [&[10, 0][..], &record(0x115B, &[u32::MAX, 7])].concat();
    let mut pdb = with_symbols(|_, symbols| {
        let function = symbols.split_off(4);
        symbols.extend(&callers);
        symbols.extend(function);
    });
    let publics = usize::from(u16_at(&pdb.0[LISTS], 20));
    pdb.0[publics].extend(&callers);
    let content = Content::new(pdb.written());
    assert!(Pdb.facts(&content).is_ok());
    assert!(answers(&pdb).is_ok());
}

#[test]
fn modules_that_share_a_stream_are_no_work_without_end() {
    let content = Content::new(vec![0; 4096]);
    let mut source = Bytes::of(&content);
    let slice = pdb_addr2line::pdb::SourceSlice { offset: 0, size: 4096 };
    let looked = (0..100).take_while(|_| pdb_addr2line::pdb::Source::view(&mut source, &[slice]).is_ok()).count();
    assert_eq!(looked, 16);
}
