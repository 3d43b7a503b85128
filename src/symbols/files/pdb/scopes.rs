//! Whether a walk through the symbols of a module comes to an end.
//!
//! ```text
//!   4  S_GPROC32     end: 300
//!  60  S_INLINESITE  end: 200    a call inlined in the function
//!  90  S_INLINESITE  end: 196    and one in that
//! ```
//!
//! The crate calls itself for each call in a call, and behind a function in a function goes on where the file says, be it back.

use std::{cmp::Reverse, collections::BinaryHeap};

use pdb_addr2line::pdb::{FallibleIterator, ModuleInfo};

use super::{names::refused, records::u32_at};
use crate::symbols::fault::Fault;

/// Scopes in scopes that are believed.
const DEEPEST: usize = 256;

/// Inlined calls of a function that are believed: the time that one takes grows with those before it.
const MOST: u32 = 1 << 16;

/// Kinds of symbols: functions, by all names that Microsoft's compilers have for them; parts of functions that lie elsewhere, and
/// thunks; inlined calls.
pub const FUNCTIONS: [u16; 8] = [0x110F, 0x100A, 0x1110, 0x100B, 0x1146, 0x1147, 0x1155, 0x1156];
const PARTS: [u16; 3] = [0x1132, 0x1102, 0x0206];
const CALLS: [u16; 2] = [0x114D, 0x115D];

/// What a symbol leads to.
pub enum Used {
    /// The type of a function.
    Type(u32),
    /// The id of a function that is inlined.
    Id(u32),
}

/// Goes through the symbols of a module, and tells what they lead to.
///
/// # Errors
///
/// If they are too deep in each other, or lead astray.
pub fn walk(info: &ModuleInfo<'_>, mut used: impl FnMut(Used) -> Result<(), Fault>) -> Result<(), Fault> {
    let Ok(mut symbols) = info.symbols() else { return Ok(()) };
    let mut scopes = Scopes::default();
    loop {
        // Where symbols make no sense, the crate gives up all of the module.
        let symbol = match symbols.next() {
            Ok(Some(symbol)) => symbol,
            Ok(None) => break,
            Err(_) => return Ok(()),
        };
        let (at, kind, bytes) = (symbol.index().0, symbol.raw_kind(), symbol.raw_bytes());
        scopes.close(at)?;
        let Some(end) = u32_at(bytes, 6) else { continue };
        if FUNCTIONS.contains(&kind) {
            scopes.function(at, end)?;
            used(Used::Type(u32_at(bytes, 26).unwrap_or_default()))?;
        } else if PARTS.contains(&kind) {
            scopes.open(at, end)?;
        } else if CALLS.contains(&kind) {
            scopes.call(at, end)?;
            used(Used::Id(u32_at(bytes, 10).unwrap_or_default()))?;
        }
    }
    if scopes.ends.is_empty() { Ok(()) } else { Err(astray()) }
}

#[derive(Default)]
struct Scopes {
    /// Where those end that are open. The crate looks at the innermost alone.
    open: Vec<u32>,
    /// Where functions in functions end, from where it goes on.
    ends: BinaryHeap<Reverse<u32>>,
    /// Inlined calls since no scope was open.
    calls: u32,
}

impl Scopes {
    /// Closes what ends at a symbol.
    fn close(&mut self, at: u32) -> Result<(), Fault> {
        while self.open.last().is_some_and(|end| *end <= at) {
            self.open.pop();
        }
        if self.open.is_empty() {
            self.calls = 0;
        }
        while let Some(Reverse(end)) = self.ends.peek() {
            match end.cmp(&at) {
                std::cmp::Ordering::Less => return Err(astray()),
                std::cmp::Ordering::Equal => drop(self.ends.pop()),
                std::cmp::Ordering::Greater => break,
            }
        }
        Ok(())
    }

    fn open(&mut self, at: u32, end: u32) -> Result<(), Fault> {
        if end > at {
            self.open.push(end);
        }
        if self.open.len() > DEEPEST {
            let found = format!("more than {DEEPEST} in each other");
            return Err(refused("functions and inlined calls", &found));
        }
        Ok(())
    }

    fn function(&mut self, at: u32, end: u32) -> Result<(), Fault> {
        if !self.open.is_empty() {
            if end <= at {
                return Err(astray());
            }
            self.ends.push(Reverse(end));
        }
        self.open(at, end)
    }

    fn call(&mut self, at: u32, end: u32) -> Result<(), Fault> {
        self.calls += 1;
        if self.calls > MOST {
            return Err(refused("a function's inlined calls", &format!("more than {MOST}")));
        }
        self.open(at, end)
    }
}

fn astray() -> Fault {
    refused("the end of a function behind it, at a symbol", "another place")
}
