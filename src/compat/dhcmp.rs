//! What DHCMP would have written: mode 1 (two logs, per stack) and mode 2 (one log, per call site).
//!
//! ```text
//! +    5320 (  f110 -  9df0)     3a allocs<TAB>BackTrace00053
//! Total increase == 5320
//! ```

use super::{Row, bytes_line, direction, name, number, ranked, stack};
use crate::log::sites::HEADER;

/// Mode 1: a line for each row that changed, and the total; with `verbose` the stack below each.
pub fn write_mode1(rows: &[Row<'_>], decimal: bool, verbose: bool) -> String {
    let mut text = String::new();
    for row in ranked(rows) {
        text.push_str(&bytes_line(row, decimal));
        if verbose && !row.frames.is_empty() {
            stack(&row.frames, &mut text);
        }
    }
    let sum: i128 = rows.iter().map(Row::delta).sum();
    let total = number(sum.unsigned_abs(), decimal, 0);
    text.push_str(&format!("Total {} == {total}\n", direction(sum)));
    text
}

/// One call site of mode 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site<'a> {
    /// The call site.
    pub name: &'a str,
    /// Bytes asked for in stacks that pass it.
    pub bytes: u64,
    /// Blocks.
    pub count: u64,
}

/// Mode 2, in the layout of [`crate::log::sites`]: most bytes first, then by name.
pub fn write_mode2(sites: &[Site<'_>], decimal: bool) -> String {
    let mut ranked: Vec<_> = sites.iter().collect();
    ranked.sort_by_key(|site| (std::cmp::Reverse(site.bytes), site.name));
    let marked = |value: u64| if decimal { value.to_string() } else { format!("{value:#x}") };
    let mut text = format!("{HEADER}\n");
    for site in ranked {
        let (bytes, count) = (marked(site.bytes), marked(site.count));
        text.push_str(&format!("{bytes:>12} bytes {count:>10} allocs\t{}\n", name(site.name)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_mode_1_are_those_of_the_tool() {
        let name = "BackTrace00053".into();
        let row = Row {
            name,
            before: 0x9df0,
            after: 0xf110,
            count_before: None,
            count_after: Some(0x3a),
            frames: Vec::new(),
        };
        let expected = "+    5320 (  f110 -  9df0)     3a allocs\tBackTrace00053\nTotal increase == 5320\n";
        assert_eq!(write_mode1(&[row], false, false), expected);
    }

    #[test]
    fn mode_2_names_its_layout_and_ranks_by_bytes() {
        let sites = [Site { name: "app!g", bytes: 16, count: 1 }, Site { name: "app!f", bytes: 0x5320, count: 0x3a }];
        let text = write_mode2(&sites, false);
        let expected =
            [HEADER, "      0x5320 bytes       0x3a allocs\tapp!f", "        0x10 bytes        0x1 allocs\tapp!g"];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }
}
