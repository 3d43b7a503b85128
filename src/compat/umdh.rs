//! What `umdh before.txt after.txt` would have written: a bytes line, a count line and a stack for each row that changed.
//!
//! ```text
//! + 2a98c90 ( 2a98c90 -     0)  15cf4 allocs<TAB>BackTrace74050
//! +   15cf4 ( 15cf4 -     0)<TAB>BackTrace74050<TAB>allocations
//!
//! <TAB>ntdll!RtlAllocateHeap+00000274
//!
//! Total increase ==  27000 requested +    9c0 overhead =  279c0
//! ```

use super::{Row, bytes_line, change, direction, name, number, ranked, stack};

/// Writes the rows and the total; `overhead_delta` is that of all stacks, bytes, after - before. Where the logs do not
/// tell it, the total has its old form, of one number.
///
/// The total's word is that of the sum; a part that runs against it gets a `-`.
pub fn write(rows: &[Row<'_>], decimal: bool, overhead_delta: Option<i64>) -> String {
    let mut text = String::new();
    for row in ranked(rows) {
        text.push_str(&bytes_line(row, decimal));
        if let (Some(before), Some(after)) = (row.count_before, row.count_after) {
            let change = change(before, after, decimal);
            text.push_str(&format!("{change}\t{}\tallocations\n", name(&row.name)));
        }
        stack(&row.frames, &mut text);
    }
    let requested: i128 = rows.iter().map(Row::delta).sum();
    let Some(overhead) = overhead_delta.map(i128::from) else {
        let total = number(requested.unsigned_abs(), decimal, 0);
        text.push_str(&format!("Total {} == {total}\n", direction(requested)));
        return text;
    };
    let sum = requested + overhead;
    let [requested, overhead, total] = [requested, overhead, sum].map(|part| signed(part, sum > 0, decimal));
    let direction = direction(sum);
    text.push_str(&format!("Total {direction} == {requested} requested + {overhead} overhead = {total}\n"));
    text
}

fn signed(part: i128, grows: bool, decimal: bool) -> String {
    let against = part != 0 && (part > 0) != grows;
    let digits = number(part.unsigned_abs(), decimal, 0);
    let sign = if against { "-" } else { "" };
    format!("{:>6}", format!("{sign}{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lines_a_stack_and_the_new_total() {
        let row = Row {
            name: "BackTrace74050".into(),
            before: 0,
            after: 0x2a98c90,
            count_before: Some(0),
            count_after: Some(0x15cf4),
            frames: vec!["app!leak+00000083"],
        };
        let expected = "+ 2a98c90 ( 2a98c90 -     0)  15cf4 allocs\tBackTrace74050\n\
            +   15cf4 ( 15cf4 -     0)\tBackTrace74050\tallocations\n\n\tapp!leak+00000083\n\n\
            Total increase == 2a98c90 requested +    9c0 overhead = 2a99650\n";
        assert_eq!(write(&[row], false, Some(0x9c0)), expected);
    }

    #[test]
    fn nothing_is_a_decrease_of_nothing() {
        let expected = "Total decrease ==      0 requested +      0 overhead =      0\n";
        assert_eq!(write(&[], false, Some(0)), expected);
    }
}
