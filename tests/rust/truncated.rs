//! Which stacks are probably cut off: those of the tool's depth limit that do not end where whole ones do.

use arrow_array::cast::AsArray;
use heapdelta::{Capture, read};

use crate::support::{options, table};

const HEAD: &str = "*- - - - - - - - - - Start of data for heap @ 1C0000 - - - - - - - - - -\n\n";
const END: &str = "*- - - - - - - - - - End of data for heap @ 1C0000 - - - - - - - - - -\n";

/// Depth, and the number of the outermost frame.
type Stack = (usize, usize);
type Write = fn(&[Stack]) -> String;

fn umdh2(stacks: &[Stack]) -> String {
    let record = |(id, (depth, outermost)): (usize, &Stack)| {
        let frames = (1..*depth).map(|frame| format!("\t{:X}\n", 0x40_0000 + 0x1000 * id + frame));
        format!("10 bytes + 8 at {:X} by BackTrace{:X}\n", 0x10_0000 + 32 * id, id + 1)
            + &frames.collect::<String>()
            + &format!("\t{:X}\n\n", 0x7700_0000 + outermost)
    };
    HEAD.to_owned() + &stacks.iter().enumerate().map(record).collect::<String>() + END
}

fn umdh1(stacks: &[Stack]) -> String {
    let record = |(id, (depth, outermost)): (usize, &Stack)| {
        let frames = (1..*depth).map(|frame| format!("        app!f{id}_{frame}+0x00000010\n"));
        format!("00000010 bytes in 0x1 allocations (@ 0x00000010) by: BackTrace{:05}\n", id + 1)
            + &frames.collect::<String>()
            + &format!("        kernel32!Start{outermost}+0x00000010\n\n")
    };
    "UMDH: Logtime 2000-06-28 10:54 - Machine=BOX - PID=704\n*********** Heap 00270000 Hogs ********************\n"
        .to_owned()
        + &stacks.iter().enumerate().map(record).collect::<String>()
}

fn comparison(stacks: &[Stack]) -> String {
    let record = |(id, (depth, outermost)): (usize, &Stack)| {
        let frames = (1..*depth).map(|frame| format!("\tapp!f{id}_{frame}+00000010\n"));
        format!("+       a (      a -      0)      1 allocs\tBackTrace{:X}\n", id + 1)
            + &format!("+       1 (      1 -      0)\tBackTrace{:X}\tallocations\n\n", id + 1)
            + &frames.collect::<String>()
            + &format!("\tkernel32!Start{outermost}+00000010\n\n")
    };
    stacks.iter().enumerate().map(record).collect()
}

/// The stacks marked, by place; the same with any number of threads and any size of a block.
fn truncated(text: &str) -> Vec<usize> {
    let marked = |threads, block_size| -> Vec<usize> {
        let log: Capture = read(text.as_bytes(), &options(threads, block_size)).unwrap();
        let batches = &table(&log, "stacks").batches;
        let marks = batches
            .iter()
            .flat_map(|batch| batch.column_by_name("truncated").unwrap().as_boolean().iter().collect::<Vec<_>>());
        marks.enumerate().filter(|(_, mark)| *mark == Some(true)).map(|(place, _)| place).collect()
    };
    let found = marked(1, 1 << 20);
    for (threads, block_size) in [(2, 1 << 20), (3, 64), (7, 256)] {
        assert_eq!(marked(threads, block_size), found, "{threads} threads, blocks of {block_size}");
    }
    found
}

/// A number of stacks of depth 3 that end in a frame.
fn shorter(count: usize, outermost: usize) -> Vec<Stack> {
    vec![(3, outermost); count]
}

/// A way to write a log, and the limit of its tool.
const DIALECTS: [(Write, usize); 3] = [(umdh2, 32), (umdh1, 16), (comparison, 16)];

#[test]
fn stack_of_the_limit_that_ends_where_whole_ones_do_is_whole() {
    for (write, limit) in DIALECTS {
        let stacks = [shorter(5, 0), vec![(limit, 0), (limit, 9), (limit - 1, 8)]].concat();
        assert_eq!(truncated(&write(&stacks)), [6], "limit {limit}");
    }
}

#[test]
fn one_in_a_hundred_shorter_stacks_is_enough_and_fewer_are_not() {
    for (write, limit) in DIALECTS {
        let deep = vec![(limit, 1), (limit, 0)];
        let exactly = [shorter(99, 0), shorter(1, 1), deep.clone()].concat();
        assert!(truncated(&write(&exactly)).is_empty(), "limit {limit}");
        let fewer = [shorter(100, 0), shorter(1, 1), deep].concat();
        assert_eq!(truncated(&write(&fewer)), [101], "limit {limit}");
    }
}

#[test]
fn without_a_shorter_stack_nothing_shows_that_one_is_whole() {
    for (write, limit) in DIALECTS {
        assert_eq!(truncated(&write(&[(limit, 0), (limit, 0)])), [0, 1], "limit {limit}");
    }
}

#[test]
fn tool_with_a_deeper_limit_is_known_by_its_deepest_stack() {
    let stacks = [shorter(3, 0), vec![(32, 9), (64, 0), (64, 7)]].concat();
    assert_eq!(truncated(&umdh2(&stacks)), [5]);
    assert_eq!(truncated(&umdh1(&[shorter(3, 0), vec![(16, 9), (32, 0), (32, 7)]].concat())), [5]);
}

#[test]
fn where_the_file_ends_is_not_where_a_stack_ends() {
    // The last stack is cut inside its frames, and is marked; its last frame ends no whole stack.
    let stacks = [vec![(32, 5)], shorter(1, 0), vec![(4, 5)]].concat();
    let text = umdh2(&stacks);
    let cut = text.strip_suffix(END).unwrap().trim_end();
    assert_eq!(truncated(cut), [0, 2]);
    // The same, whole.
    assert!(truncated(&text).is_empty());
}

#[test]
fn stack_that_stands_twice_and_an_alias_count_once_each() {
    let deep: String = (1..32).map(|frame| format!("\t{frame:X}\n")).collect();
    let text = format!(
        "{HEAD}10 bytes + 8 at 100 by BackTrace1\n\t1\n\t77\nAlias\n\t2\n\t88\n\n10 bytes + 8 at 200 by BackTrace2\n{deep}\t88\n\n{END}"
    )
    .replace("Alias", "\tAlias");
    assert!(truncated(&text).is_empty());
}

#[test]
fn a_file_that_ends_where_whole_stacks_do_ends_in_a_whole_one() {
    for (write, _) in &DIALECTS[..2] {
        let text = write(&shorter(4, 0));
        let last = text.rfind("Start0").or_else(|| text.rfind("77000000")).unwrap();
        let end = last + text[last..].find('\n').unwrap();
        assert_eq!(truncated(&text[..=end]), [0; 0], "behind its outermost frame");
        let inner = text[..last].rfind('\n').unwrap();
        assert_eq!(truncated(&text[..=inner]), [3], "one frame before");
    }
}
