//! The text that the old tools would have written: rows in, text out, nothing matched or summed but the total.
//!
//! ```text
//! +    5320 (  f110 -  9df0)     3a allocs<TAB>BackTrace00053
//! ```
//!
//! Invariant: `log::compare` and `log::sites` read it back to equal numbers; decimal text may need `radix=10` for that,
//! because the tools did not write the radix down either.

use std::borrow::Cow;

pub mod dhcmp;
pub mod umdh;

/// A stack, or a call site, with what it holds in two logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// `BackTrace00053`, or the name of a call site.
    pub name: Cow<'a, str>,
    /// Bytes in the older log.
    pub before: u64,
    /// Bytes in the newer log.
    pub after: u64,
    /// Blocks in the older log, if known.
    pub count_before: Option<u64>,
    /// Blocks in the newer log, if known.
    pub count_after: Option<u64>,
    /// The stack, innermost first; empty for a call site.
    pub frames: Vec<&'a str>,
}

impl Row<'_> {
    fn delta(&self) -> i128 {
        i128::from(self.after) - i128::from(self.before)
    }
}

/// Rows that changed, the largest growth first and what shrank most last; equal ones stay in the order given.
fn ranked<'r, 'a>(rows: &'r [Row<'a>]) -> Vec<&'r Row<'a>> {
    let mut changed: Vec<_> = rows.iter().filter(|row| row.delta() != 0).collect();
    changed.sort_by_key(|row| std::cmp::Reverse(row.delta()));
    changed
}

/// What is said of rows whose sums are not known: a comment for each, which is in the place of the total.
///
/// ```text
/// // BackTrace8: not known, as more bytes than 64 bits hold; nor is the total
/// ```
pub fn with_unknown(mut text: String, names: &[&str]) -> String {
    if names.is_empty() {
        return text;
    }
    if let Some(total) = text.rfind("Total ").filter(|at| !text[*at..].trim_end().contains('\n')) {
        text.truncate(total);
    }
    for unknown in names {
        text.push_str(&format!("// {}: not known, as more bytes than 64 bits hold; nor is the total\n", name(unknown)));
    }
    text
}

/// `+    5320 (  f110 -  9df0)`
fn change(before: u64, after: u64, decimal: bool) -> String {
    let sign = if after < before { '-' } else { '+' };
    // The two inner fields of decimal output are one column wider (heap-logs.md §5).
    let width = if decimal { 6 } else { 5 };
    let delta = number(u128::from(after.abs_diff(before)), decimal, 7);
    let [after, before] = [after, before].map(|amount| number(u128::from(amount), decimal, width));
    format!("{sign} {delta} ( {after} - {before})")
}

/// `+    5320 (  f110 -  9df0)     3a allocs<TAB>BackTrace00053`
fn bytes_line(row: &Row<'_>, decimal: bool) -> String {
    // In hexadecimal the count ends seven columns behind the bracket, in decimal six: as in the specimens of either.
    let width = if decimal { 6 } else { 7 };
    // No tool had to write a count it did not know; `?` reads back as unknown, where 0 would be a claim.
    let count = match row.count_after {
        Some(count) => number(u128::from(count), decimal, width),
        None => format!("{:>width$}", "?"),
    };
    format!("{}{count} allocs\t{}\n", spaced(&change(row.before, row.after, decimal), &count), name(&row.name))
}

/// The part before a count that is as wide as its field still needs a blank.
fn spaced(change: &str, count: &str) -> String {
    if count.starts_with(' ') { change.to_owned() } else { format!("{change} ") }
}

/// The stack below a row: a blank line, the frames, a blank line.
fn stack(frames: &[&str], text: &mut String) {
    text.push('\n');
    for frame in frames {
        text.push('\t');
        text.push_str(&one_line(frame));
        text.push('\n');
    }
    if !frames.is_empty() {
        text.push('\n');
    }
}

/// The direction of a sum: zero is written as a decrease.
fn direction(sum: i128) -> &'static str {
    if sum > 0 { "increase" } else { "decrease" }
}

fn number(value: u128, decimal: bool, width: usize) -> String {
    if decimal { format!("{value:>width$}") } else { format!("{value:>width$x}") }
}

/// A name always has text, so that the line can be read back.
fn name(text: &str) -> Cow<'_, str> {
    if text.trim().is_empty() { Cow::Borrowed("<unknown>") } else { one_line(text) }
}

/// Text without the characters that would end its line.
fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(['\r', '\n']) { Cow::Owned(text.replace(['\r', '\n'], " ")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_is_not_known_takes_the_total_with_it() {
        let rows = [Row {
            name: "BackTraceTotal 7".into(),
            before: 0,
            after: 16,
            count_before: None,
            count_after: None,
            frames: Vec::new(),
        }];
        let text = dhcmp::write_mode1(&rows, false, false);
        assert_eq!(with_unknown(text.clone(), &[]), text);
        let expected = "+      10 (    10 -     0)      ? allocs\tBackTraceTotal 7\n\
            // BackTrace8: not known, as more bytes than 64 bits hold; nor is the total\n";
        assert_eq!(with_unknown(text, &["BackTrace8"]), expected);
        let sites = format!("{}\n", crate::log::sites::HEADER);
        assert!(with_unknown(sites.clone(), &["app!f"]).starts_with(&sites));
    }
}
