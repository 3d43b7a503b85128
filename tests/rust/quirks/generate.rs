//! Logs as people send them: copied out of windows, with lines of other programs in between, damaged, cut off.

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Umdh2,
    Umdh1,
    Comparison,
}

/// Numbers that look random, the same for the same seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ (value >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn one_in(&mut self, chance: u64) -> bool {
        chance > 0 && self.below(chance) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

/// Lines that may be between any two.
const NOISE: [&str; 48] = [
    "",
    "",
    "=====",
    "*****",
    "**********************",
    "---",
    "----------------",
    "* * *",
    "- - - -",
    "___",
    "~~~~",
    "=== page 2 of 3 ===",
    "*** ERROR: Symbol file could not be found.  Defaulted to export symbols for ntdll.dll - ",
    "*** WARNING: Unable to verify checksum for app.exe",
    "*** heap 2 of 3",
    "=== heap bad ===",
    "```",
    "# part 2",
    "C:\\>",
    "C:\\tools>type log.txt",
    "PS D:\\kiln> ",
    "0:000> ",
    "Windows PowerShell transcript start",
    "Start time: 20250217081533",
    "Host Application: powershell.exe",
    "// a comment",
    "//",
    "// Debug privilege has been enabled.",
    "DBGHELP: ntdll - public symbols  ",
    "Connecting.....Module enumeration complete.",
    "OpenProcess failed, LastError = 0x57",
    "Dear support,",
    "see the ticket",
    "* a point of a list",
    "<b>bold</b>",
    "|-|-|",
    "══════",
    "-- More  --",
    "-- ",
    "\x0C",
    "\x1A",
    "<pre>",
    "[/code]",
    "{code:title=log}",
    "+------+",
    "> ",
    "**Note**",
    "Page 3 of 7",
];

/// One file.
pub fn file(kind: Kind, seed: u64) -> String {
    let mut dice = Dice(seed.wrapping_mul(3) + kind as u64);
    let lines = match kind {
        Kind::Umdh2 | Kind::Umdh1 => snapshot(kind, &mut dice),
        Kind::Comparison => comparison(&mut dice),
    };
    let noise = dice.of(&[0, 3, 10, 40]);
    let damage = dice.of(&[0, 0, 6, 25]);
    let margin = dice.of(&["", "", "", "  ", "\t"]);
    let end = dice.of(&["\n", "\n", "\r\n"]);
    let mut text = String::new();
    if dice.one_in(3) {
        let above = "**********************\nWindows PowerShell transcript start\nStart time: 20250217081533\n\
            **********************\nPS D:\\kiln> umdh.exe -p:6132\n";
        text += &above.replace('\n', end);
    }
    for line in lines {
        // UMDH 2 ends a stack with a blank line, so inside one it would not be noise.
        while dice.one_in(noise) {
            let noise = dice.of(&NOISE);
            if !(noise.is_empty() && kind == Kind::Umdh2 && line.starts_with('\t')) {
                text += noise;
                text += end;
            }
        }
        let line = if is_record(&line) && dice.one_in(damage) { damaged(&line, &mut dice) } else { line };
        if !line.is_empty() {
            text += margin;
        }
        text += &line;
        text += end;
    }
    if dice.one_in(3) {
        let length = dice.below(text.len() as u64 + 1) as usize;
        text.truncate(length);
    }
    text
}

fn is_record(line: &str) -> bool {
    line.contains("BackTrace") && !line.contains("Backtrace") && !line.contains("ID")
}

/// A record with one of its numbers spoilt so that it shows.
fn damaged(line: &str, dice: &mut Dice) -> String {
    let is_number = |word: &&str| word.trim_start_matches("0x").chars().all(|digit| digit.is_ascii_hexdigit());
    let words: Vec<&str> =
        line.split([' ', '(', ')', '\t']).filter(|word| !word.is_empty()).filter(is_number).collect();
    let number = dice.of(&words);
    let spoilt = match dice.below(5) {
        // Past 32 bits, and with it past what a column holds; or only large.
        4 => format!("{number}00000000"),
        0 => format!("{number}z"),
        1 => format!("{number}00000000000000000"),
        2 => format!("?{number}"),
        _ => format!("z{number}"),
    };
    line.replacen(number, &spoilt, 1)
}

fn snapshot(kind: Kind, dice: &mut Dice) -> Vec<String> {
    let mut lines = Vec::new();
    if !dice.one_in(4) {
        lines.push(match kind {
            Kind::Umdh2 => "// UMDH: version 10.0.1.1: Logtime 2025-02-17 08:16 - Machine=KILN - PID=6132".to_owned(),
            _ => "UMDH: Logtime 2000-06-28 10:54 - Machine=M - PID=704".to_owned(),
        });
    }
    if kind == Kind::Umdh2 {
        lines.push("// Loaded modules: ".to_owned());
        lines.push("//        400000    1C000 D:\\kiln\\kilnd.exe".to_owned());
        lines.push(String::new());
    }
    let mut printed = [false; 12];
    for heap in 0..dice.below(4) {
        let base = 0x29_0000 + heap * 0x10_0000;
        match kind {
            Kind::Umdh2 => umdh2_heap(base, &mut printed, dice, &mut lines),
            _ => umdh1_heap(base, dice, &mut lines),
        }
    }
    lines
}

fn umdh2_heap(base: u64, printed: &mut [bool; 12], dice: &mut Dice, lines: &mut Vec<String>) {
    let banner = |words: &str| format!("*- - - - - - - - - - {words} - - - - - - - - - -");
    lines.push(banner(&format!("Start of data for heap @ {base:X}")));
    lines.push(String::new());
    lines.push("REQUESTED bytes + OVERHEAD at ADDRESS by BackTraceID".to_owned());
    lines.push("     STACK if not already dumped.".to_owned());
    lines.push(String::new());
    if !dice.one_in(4) {
        lines.push(banner(&format!("Heap {base:X} Hogs")));
        lines.push(String::new());
    }
    for block in 0..dice.below(14) {
        let id = dice.below(printed.len() as u64);
        let requested = if dice.one_in(20) { dice.next() >> 8 } else { dice.below(0x1000) };
        let overhead = 0x10 + dice.below(0x20);
        let name = if id == 0 { "0".to_owned() } else { format!("{:X}", id * 0x1A3) };
        let mut line = format!("{requested:X} bytes + {overhead:X} at {:X} by BackTrace{name}", base + block * 0x40);
        if dice.one_in(12) {
            line = line.replace(|digit: char| digit.is_ascii_hexdigit() && digit.is_ascii_uppercase(), "A");
            line = line.replace("AackTrAAe", "BackTrace").replace("AackTrace", "BackTrace");
        }
        lines.push(line);
        if id > 0 && !std::mem::replace(&mut printed[id as usize], true) {
            for frame in 0..1 + dice.below(5) {
                lines.push(format!("\t{:X}", 0x40_1000 + id * 0x100 + frame * 0x10));
            }
            lines.push(String::new());
        }
    }
    if !dice.one_in(5) {
        lines.push(banner(&format!("End of data for heap @ {base:X}")));
    }
}

fn umdh1_heap(base: u64, dice: &mut Dice, lines: &mut Vec<String>) {
    let stars = "***********";
    if dice.one_in(2) {
        lines.push(format!("{stars} Heap {base:08X} Information ********************"));
        lines.push("    Flags: 58000062".to_owned());
        lines.push("    Bytes Allocated: 00008DF0".to_owned());
    }
    lines.push(format!("{stars} Heap {base:08X} Hogs ********************"));
    for _ in 0..dice.below(8) {
        let (id, count, each) = (dice.below(12), 1 + dice.below(20), 8 * (1 + dice.below(40)));
        let bytes = count * each;
        lines.push(format!("{bytes:08X} bytes in 0x{count:X} allocations (@ 0x{each:08X}) by: BackTrace{id:05}"));
        let depth = if id == 0 { 0 } else { 1 + id % 4 };
        for frame in 0..depth {
            lines.push(format!("        app!Shop::serve{id}+0x{:08X}", frame * 7 + 1));
        }
        if dice.one_in(2) {
            lines.push(String::new());
        }
    }
}

fn comparison(dice: &mut Dice) -> Vec<String> {
    let mut lines = vec!["// Debug library initialized ...".to_owned(), String::new()];
    let mut sum = 0i64;
    for id in 0..1 + dice.below(8) {
        let (before, after) = (dice.below(0x10000), 0xA0 + dice.below(0x10000));
        let (count_before, count_after) = (dice.below(0x100), dice.below(0x100));
        let sign = |before: u64, after: u64| if after < before { '-' } else { '+' };
        let name = format!("BackTrace{:X}", 0x5C11A0 + id);
        lines.push(format!(
            "{} {:7x} ({after:7x} - {before:6x}) {count_after:6x} allocs\t{name}",
            sign(before, after),
            after.abs_diff(before)
        ));
        lines.push(format!(
            "{} {:7x} ({count_after:7x} - {count_before:6x})\t{name}\tallocations",
            sign(count_before, count_after),
            count_after.abs_diff(count_before)
        ));
        lines.push(String::new());
        for frame in 0..dice.below(4) {
            lines.push(format!("\tkilnd!Kiln::fire{id}+{frame:X}C"));
        }
        lines.push(String::new());
        sum += after as i64 - before as i64;
    }
    let direction = if sum > 0 { "increase" } else { "decrease" };
    lines.push(format!("Total {direction} == {:6x} requested + {:6x} overhead = {:6x}", sum.abs(), 0, sum.abs()));
    lines
}
