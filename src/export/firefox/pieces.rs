//! What stacks hold at several points becomes pieces that come and go: last in, first out.
//!
//! 100, 300, 150 bytes are a piece of 100 and one of 50 that stay, and one of 150 that comes at the second point and leaves at the
//! third.

use crate::export::Stacks;

/// Pieces as the Profiler has them: a row where one comes and a row where it goes, in the order of points.
#[derive(Default)]
pub struct Pieces {
    pub points: Vec<u32>,
    pub stacks: Vec<u32>,
    /// Bytes; negative where a piece goes.
    pub weights: Vec<i64>,
    /// What tells pieces apart; a piece goes under the address that it came with.
    pub addresses: Vec<u64>,
}

/// A row before they are sorted.
struct Row {
    stack: u32,
    weight: i64,
    address: u64,
}

impl Pieces {
    /// `net` leaves out what is there at the first point and what was there and stays or goes: only growth comes, and what a stack
    /// lost in all goes under addresses that never came.
    pub fn new(stacks: &Stacks, net: bool) -> Self {
        let mut rows: Vec<Vec<Row>> = stacks.points.iter().map(|_| Vec::new()).collect();
        let mut address = 0x1000;
        let mut curve = Vec::new();
        for stack in 0..stacks.len() {
            curve.clear();
            if net {
                curve.resize(stacks.points.len(), 0);
                curve[stacks.points.len() - 1] = stacks.growth(stack);
            } else {
                curve.extend(stacks.points.iter().map(|point| point.bytes_of(stack)));
            }
            let number = u32::try_from(stack).unwrap_or(u32::MAX);
            if stacks.is_unknown(stack) && curve.iter().all(|bytes| *bytes == 0) {
                rows[0].push(Row { stack: number, weight: 0, address: next(&mut address) });
            }
            follow(&curve, &mut address, |point, weight, address| {
                rows[point].push(Row { stack: number, weight, address });
            });
        }
        let mut pieces = Self::default();
        for (point, rows) in rows.into_iter().enumerate() {
            for row in rows {
                pieces.points.push(u32::try_from(point).unwrap_or(u32::MAX));
                pieces.stacks.push(row.stack);
                pieces.weights.push(row.weight);
                pieces.addresses.push(row.address);
            }
        }
        pieces
    }
}

fn next(address: &mut u64) -> u64 {
    *address += 0x10;
    *address
}

/// Tells every piece of a curve when it comes, and when it goes.
fn follow(curve: &[i64], address: &mut u64, mut tell: impl FnMut(usize, i64, u64)) {
    // Where each piece came, and its bytes; the newest last.
    let mut held: Vec<(usize, i64)> = Vec::new();
    let mut last = 0;
    for (point, bytes) in curve.iter().enumerate() {
        let mut lost = last - bytes;
        last = *bytes;
        if lost < 0 {
            held.push((point, -lost));
        }
        while lost > 0 {
            let Some((came, size)) = held.pop() else {
                tell(point, -lost, next(address));
                break;
            };
            let gone = size.min(lost);
            let place = next(address);
            tell(came, gone, place);
            tell(point, -gone, place);
            lost -= gone;
            if size > gone {
                held.push((came, size - gone));
            }
        }
    }
    for (came, size) in held {
        tell(came, size, next(address));
    }
}

#[cfg(test)]
mod tests {
    use super::follow;

    fn rows(curve: &[i64]) -> Vec<(usize, i64, u64)> {
        let mut rows = Vec::new();
        follow(curve, &mut 0, |point, weight, address| rows.push((point, weight, address / 0x10)));
        rows.sort_unstable();
        rows
    }

    #[test]
    fn the_newest_bytes_leave_first() {
        assert_eq!(rows(&[100, 300, 150]), [(0, 100, 2), (1, 50, 3), (1, 150, 1), (2, -150, 1)]);
        assert_eq!(rows(&[100, 40, 40]), [(0, 40, 2), (0, 60, 1), (1, -60, 1)]);
        assert_eq!(rows(&[0, 0]), []);
    }

    #[test]
    fn a_change_alone_leaves_without_having_come() {
        assert_eq!(rows(&[0, -7]), [(1, -7, 1)]);
    }
}
