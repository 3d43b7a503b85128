//! The call graph of the imagined server: which function a call reaches, and at which places in it further calls stand.
//!
//! So stacks share their outer frames, as those of real programs do: a thread starts in few ways, and a place in the code
//! calls one function of a module, whoever came there.
//!
//! Invariant: the graph belongs to the program. It depends on no seed, so all stories are told of one program.

use super::super::random::Random;
use super::program::{FUNCTION_BYTES, Frame, MODULES};

/// First and last place of a call in its function.
const PLACES: (u64, u64) = (0x10, FUNCTION_BYTES - 0x10);
/// Most calls of a function go on at its first place, half as many at the second: by sixteen equal chances.
const CHANCES: [u64; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 4];

/// Makes frames of chance, innermost first, those of calls in a row: each is in the module that it was in, and is reached from
/// the frame behind it; the last of all from `start`.
pub fn connect(frames: &mut [Frame], start: Frame) {
    let mut caller = start;
    for frame in frames.iter_mut().rev() {
        *frame = reached(caller, *frame);
        caller = *frame;
    }
}

/// The function that a place calls in the module of `chance`, and the place in it that goes on.
fn reached(caller: Frame, chance: Frame) -> Frame {
    let module = chance.module;
    let mut callee = Random::of(key(caller), "callee", module as u64);
    let count = MODULES[module].function_count();
    // The smaller of two draws: some functions are called from everywhere, most from few places.
    let function = callee.below(count).min(callee.below(count));
    let place = CHANCES[(chance.offset % CHANCES.len() as u64) as usize];
    let offset = Random::of(key(Frame { module, function, offset: 0 }), "call", place).between(PLACES.0, PLACES.1);
    Frame { module, function, offset }
}

fn key(frame: Frame) -> u64 {
    ((frame.module as u64) << 32) + (frame.function << 16) + frame.offset
}

/// The next place in the same function: for two stacks that would be one.
pub fn beside(frame: Frame) -> Frame {
    let room = PLACES.1 - PLACES.0;
    Frame { offset: PLACES.0 + (frame.offset - PLACES.0 + 5) % room, ..frame }
}

#[cfg(test)]
mod tests {
    use super::super::program::{module_named, some_frame, system};
    use super::*;

    #[test]
    fn places_call_one_function_of_a_module_each() {
        let start = system("ntdll", "TppWorkerThread", 0x2C6);
        let mut random = Random::new(7);
        let module = module_named("fhqueue");
        let mut found: Vec<Frame> = (0..200)
            .map(|_| {
                let mut frames = [some_frame(&mut random, module)];
                connect(&mut frames, start);
                frames[0]
            })
            .collect();
        assert!(found.iter().all(|frame| (frame.module, frame.function) == (module, found[0].function)));
        found.sort_unstable_by_key(|frame| frame.offset);
        found.dedup();
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn places_beside_are_many_and_inside_of_the_function() {
        let first = some_frame(&mut Random::new(7), module_named("fhcore"));
        let beside: Vec<Frame> = std::iter::successors(Some(first), |frame| Some(beside(*frame))).take(100).collect();
        assert!(beside.iter().all(|frame| (PLACES.0..PLACES.1).contains(&frame.offset)));
        let offsets: std::collections::HashSet<u64> = beside.iter().map(|frame| frame.offset).collect();
        assert_eq!(offsets.len(), 100);
    }
}
