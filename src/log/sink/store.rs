//! Rows of many pieces, one piece behind the other in a few large regions of memory.
//!
//! A region is as large as it will become from the start, so its rows never move, and a table shows parts of it. Vectors of each
//! piece, which grow and are cut to size, leave holes between them that the system does not get back.

/// Where the rows of a piece are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Number of the region.
    pub region: usize,
    /// Its first row in the region.
    pub start: usize,
    /// Rows.
    pub len: usize,
}

impl Span {
    /// Both as one, if `next` is right behind it.
    pub fn joined(self, next: Span) -> Option<Span> {
        let behind = next.region == self.region && next.start == self.start + self.len;
        behind.then_some(Span { len: self.len + next.len, ..self })
    }
}

/// Columns that grow together.
pub trait Rows: Default {
    /// Rows there are.
    fn count(&self) -> usize;
    /// Rows there is room for.
    fn capacity(&self) -> usize;
    /// Empty columns with room.
    fn with_capacity(rows: usize) -> Self;
    /// Gives back room that is not needed.
    fn fit(&mut self);
}

/// Rows of one worker.
#[derive(Debug, Default)]
pub struct Store<R> {
    full: Vec<R>,
    /// Where rows are added.
    pub open: R,
    /// First row of the piece.
    start: usize,
    largest_piece: usize,
}

/// Debug builds take tiny regions, so that every test goes from one to the next.
const TINY: bool = cfg!(debug_assertions);
/// Rows from which on a region is worth its own memory; smaller ones grow as vectors do.
const SMALL: usize = if TINY { 4 } else { 1 << 16 };
/// Rows of a large region. On Linux its columns of four bytes are just above what glibc ever takes out of memory it keeps
/// (32 MiB), so that each is a mapping of its own, and what is not written of it costs nothing; elsewhere it does.
const LARGE: usize = if TINY {
    8
} else if cfg!(target_os = "linux") {
    (8 << 20) + 1024
} else {
    1 << 20
};

impl<R: Rows> Store<R> {
    /// Starts a piece: all of its rows will be in one region.
    pub fn begin(&mut self) {
        let full = self.open.count() + self.largest_piece > self.open.capacity();
        if full && self.open.count() >= SMALL {
            let room = LARGE.max(self.largest_piece);
            let mut full = std::mem::replace(&mut self.open, R::with_capacity(room));
            full.fit();
            self.full.push(full);
        }
        self.start = self.open.count();
    }

    /// Rows of the piece so far.
    pub fn piece_len(&self) -> usize {
        self.open.count() - self.start
    }

    /// Ends the piece.
    pub fn end(&mut self) -> Span {
        let len = self.piece_len();
        // A piece may have some more rows than the largest so far; one that has many more makes the vectors move.
        self.largest_piece = self.largest_piece.max(len + len / 4);
        Span { region: self.full.len(), start: self.start, len }
    }

    /// All regions, when the last piece has ended.
    pub fn finish(&mut self) -> Vec<R> {
        let mut regions = std::mem::take(&mut self.full);
        self.open.fit();
        regions.push(std::mem::take(&mut self.open));
        regions
    }
}

impl Rows for Vec<u32> {
    fn count(&self) -> usize {
        self.len()
    }

    fn capacity(&self) -> usize {
        self.capacity()
    }

    fn with_capacity(rows: usize) -> Self {
        Vec::with_capacity(rows)
    }

    fn fit(&mut self) {
        self.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_stands_whole_where_its_span_says() {
        let mut regions: Store<Vec<u32>> = Store::default();
        let pieces: Vec<Vec<u32>> =
            (0..60).map(|piece| (0..piece * 7 % 11).map(|row| piece * 100 + row).collect()).collect();
        let keep = |piece: &Vec<u32>| {
            regions.begin();
            regions.open.extend_from_slice(piece);
            regions.end()
        };
        let spans: Vec<Span> = pieces.iter().map(keep).collect();
        let kept = regions.finish();
        for (piece, span) in pieces.iter().zip(&spans) {
            assert_eq!(kept[span.region][span.start..span.start + span.len], piece[..]);
        }
        let rows = |parts: &[Vec<u32>]| parts.iter().map(Vec::len).sum::<usize>();
        assert_eq!(rows(&kept), rows(&pieces));
        assert!(!TINY || kept.len() > 10, "{} regions", kept.len());
        let neighbours = |pair: &[Span]| pair[0].joined(pair[1]).is_some() == (pair[0].region == pair[1].region);
        assert!(spans.windows(2).all(neighbours));
    }
}
