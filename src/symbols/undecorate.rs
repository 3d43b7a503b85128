//! Names as people write them, of names as linkers know them.

use std::{fmt, io, thread};

use undname::Flags;

use super::fault::Fault;

/// Bytes of a name that is undecorated, and of what it becomes by the crates that let us stop them.
const LONGEST: usize = 4096;

/// Bytes of a name that goes as deep as a thread has room for: the crates call themselves for each part of a part. Names of 4,096 bytes
/// took up to 4 MiB in a debug build, and 1 MiB in a release build (undname 2.1.2, November 2026); threads have 2 MiB, and on Windows
/// the first has one.
const SHALLOW: usize = 1024;

/// Bytes of stack for all other names.
const DEEP: usize = 16 << 20;

/// Bytes of what a name of Microsoft's becomes. A name of 160 bytes can stand for millions, and the crate takes four seconds until it
/// stops at one.
const MOST: usize = 1 << 16;

/// Undecorates a name as debuggers show it: without parameters. The same where it is not decorated, or in a way that nobody
/// reads; without the decoration of C (`_name@12`) if `is_32_bit`.
///
/// A name that stands for far more than a name ends the work on its file: it unwinds with a [`Fault`], as if a crate had given up.
pub fn undecorated(name: &str, is_32_bit: bool) -> String {
    if name.len() > LONGEST {
        return name.to_owned();
    }
    let found = if name.len() > SHALLOW {
        on_a_deep_stack(|| shown(name, is_32_bit)).unwrap_or(Ok(None))
    } else {
        shown(name, is_32_bit)
    };
    let found = found.unwrap_or_else(|fault| fault.unwind());
    found.filter(|found| !found.is_empty()).unwrap_or_else(|| name.to_owned())
}

/// Works on a thread with room; nothing if there is none, or if the work panics.
fn on_a_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| thread::Builder::new().stack_size(DEEP).spawn_scoped(scope, work).ok()?.join().ok())
}

fn shown(name: &str, is_32_bit: bool) -> Result<Option<String>, Fault> {
    if name.starts_with('?') {
        return of_microsoft(name);
    }
    let mut shown = Bounded(String::new());
    Ok(if let Ok(rust) = rustc_demangle::try_demangle(name) {
        fmt::write(&mut shown, format_args!("{rust:#}")).is_ok().then_some(shown.0)
    } else if let Some(start) = itanium(name) {
        let options = cpp_demangle::DemangleOptions::new().no_params().no_return_type();
        let symbol = cpp_demangle::Symbol::new(&name[start..]).ok();
        let is_whole = symbol.is_some_and(|symbol| symbol.structured_demangle(&mut shown, &options).is_ok());
        is_whole.then(|| without_qualifiers(&shown.0).to_owned())
    } else if is_32_bit {
        Some(without_convention(name).to_owned())
    } else {
        None
    })
}

fn of_microsoft(name: &str) -> Result<Option<String>, Fault> {
    let too_long = || Fault::Damaged(format!("expected names, found one that stands for more than {MOST} bytes"));
    match undname::demangle(name, Flags::NAME_ONLY) {
        Ok(shown) if shown.len() > MOST => Err(too_long()),
        Ok(shown) => Ok(Some(shown)),
        // So it says where it stops.
        Err(undname::Error::Io(error)) if error.kind() == io::ErrorKind::OutOfMemory => Err(too_long()),
        Err(_) => Ok(None),
    }
}

/// A text that takes no more than a name may have: one of 200 bytes can stand for millions.
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.0.len() + part.len() > LONGEST {
            return Err(fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
}

/// A name without the parameters that some tools write behind it, and what follows them.
pub fn without_parameters(name: &str) -> &str {
    let bare = without_qualifiers(name.trim_end());
    if !bare.ends_with(')') {
        return name;
    }
    let mut depth = 0_u32;
    for (at, byte) in bare.bytes().enumerate().rev() {
        match byte {
            b')' => depth += 1,
            b'(' if depth == 1 => {
                let before = bare[..at].trim_end();
                // `(anonymous namespace)` and the `()` of `operator()` are no parameters.
                let is_name = before.is_empty() || before.ends_with("::") || before.ends_with("operator");
                return if is_name { name } else { before };
            }
            b'(' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    name
}

/// A name without what says of which objects a method may be called.
fn without_qualifiers(mut name: &str) -> &str {
    while let Some(shorter) = [" const", " volatile", " &&", " &"].iter().find_map(|word| name.strip_suffix(word)) {
        name = shorter.trim_end();
    }
    name
}

/// Where a name of the Itanium ABI begins; 32-bit Windows has an underscore more.
fn itanium(name: &str) -> Option<usize> {
    if name.starts_with("_Z") { Some(0) } else { name.starts_with("__Z").then_some(1) }
}

/// Takes the decoration of a calling convention away: `_cdecl`, `_stdcall@12`, `@fastcall@8`, `vectorcall@@16`.
fn without_convention(name: &str) -> &str {
    let (bare, is_sized) = match name.rsplit_once('@') {
        Some((bare, bytes)) if !bytes.is_empty() && bytes.bytes().all(|byte| byte.is_ascii_digit()) => (bare, true),
        _ => (name, false),
    };
    match (bare.strip_suffix('@'), bare.strip_prefix('@'), bare.strip_prefix('_')) {
        (Some(vector), _, _) if is_sized => vector,
        (_, Some(fast), _) if is_sized => fast,
        (_, _, Some(plain)) if !plain.is_empty() => plain,
        _ if is_sized => bare,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_debuggers_show() {
        for (decorated, name) in [
            ("?Add@Basket@shop@@QEAAXHPEBD@Z", "shop::Basket::Add"),
            ("??0Basket@shop@@QEAA@XZ", "shop::Basket::Basket"),
            ("??$push@H@list@@YAXH@Z", "list::push<int>"),
            ("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"),
            ("_RNvC6_123foo3bar", "123foo::bar"),
            ("_ZN4shop6Basket3AddEiPKc", "shop::Basket::Add"),
            ("_ZNK4shop6Basket5TotalEv", "shop::Basket::Total"),
            ("_ZN3OpsadEv", "Ops::operator&"),
            ("RtlAllocateHeap", "RtlAllocateHeap"),
            ("_RtlAllocateHeap@12", "_RtlAllocateHeap@12"),
            ("?", "?"),
            (&"?".repeat(1 << 20), &"?".repeat(1 << 20)),
        ] {
            assert_eq!(undecorated(decorated, false), name);
        }
    }

    #[test]
    fn names_go_no_deeper_than_the_stack() {
        for part in ["?$a@V", "$1??$a@", "PA", "P6A", "Y00", "PQa@@", "?a@?1?", "?$"] {
            let name = format!("??{}", part.repeat(4090 / part.len()).trim_start_matches('?'));
            assert!(!undecorated(&name, false).is_empty());
        }
        for (start, part) in [("_RN", "I"), ("_ZN", "1aI"), ("_Z1f", "P"), ("_RNv", "NtB")] {
            let name = format!("{start}{}", part.repeat((4096 - start.len()) / part.len()));
            assert_eq!(undecorated(&name, false), name);
        }
        let long = format!("??$f@{}H@@YAXXZ", "PA".repeat(1000));
        assert_eq!(undecorated(&long, false), format!("f<int {}>", "*".repeat(1000)));
    }

    #[test]
    fn a_name_that_stands_for_millions_ends_the_work() {
        let mut name = String::from("??$f@P6AXP6AXHH@Z");
        (0..6).for_each(|number| name += &format!("P6AX{}@Z", number.to_string().repeat(9)));
        name += "@Z@@YAXXZ";
        let fault = std::panic::catch_unwind(|| undecorated(&name, false)).unwrap_err();
        let expected = "expected names, found one that stands for more than 65536 bytes";
        assert_eq!(*fault.downcast::<Fault>().unwrap(), Fault::Damaged(expected.to_owned()));
    }

    #[test]
    fn parameters_are_no_part_of_a_name() {
        for (written, name) in [
            ("shop::add(int, char const *)", "shop::add"),
            ("shop::Basket::total(void) const", "shop::Basket::total"),
            ("call(void (*)(int), std::function<void (int)>) const &", "call"),
            ("each<void (int)>", "each<void (int)>"),
            ("each<void (int)>(int)", "each<void (int)>"),
            ("shop::(anonymous namespace)", "shop::(anonymous namespace)"),
            ("Functor::operator()", "Functor::operator()"),
            ("Functor::operator()(int) const", "Functor::operator()"),
            ("(anonymous namespace)::hidden()", "(anonymous namespace)::hidden"),
            ("close", "close"),
            (")", ")"),
            ("()", "()"),
        ] {
            assert_eq!(without_parameters(written), name);
        }
    }

    #[test]
    fn conventions_are_of_32_bits() {
        for (decorated, name) in [
            ("_RtlAllocateHeap@12", "RtlAllocateHeap"),
            ("@RtlpFree@8", "RtlpFree"),
            ("Blend@@16", "Blend"),
            ("_main", "main"),
            ("_", "_"),
            ("name", "name"),
            ("odd@name", "odd@name"),
            ("__ZN4shop6Basket3AddEi", "shop::Basket::Add"),
        ] {
            assert_eq!(undecorated(decorated, true), name);
        }
    }
}
