//! The bytes of a file, for the crate `pdb2`.

use std::{
    fmt, io,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use pdb_addr2line::pdb::{self, SourceSlice, SourceView};

use crate::input::content::Content;

/// Bytes that may be looked at for each of the file: modules can share a stream. Real files take less than four.
const SHARE: usize = 16;

/// The bytes of a file.
pub struct Bytes {
    content: Content,
    /// Bytes that may yet be looked at.
    left: usize,
    last: Last,
}

/// What was looked at last.
#[derive(Clone, Default)]
pub struct Last(Arc<Mutex<View>>);

impl Last {
    /// Its bytes; nothing is copied.
    pub fn view(&self) -> View {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Bytes {
    /// Those of a file.
    pub fn of(content: &Content) -> Self {
        Self { content: content.clone(), left: content.len().saturating_mul(SHARE), last: Last::default() }
    }

    /// What is looked at last, whenever it is asked.
    pub fn last(&self) -> Last {
        self.last.clone()
    }

    fn view_of(&self, slices: &[SourceSlice], size: usize) -> io::Result<View> {
        let place = |slice: &SourceSlice| {
            let start = usize::try_from(slice.offset).ok()?;
            let place = start..start.checked_add(slice.size)?;
            (place.end <= self.content.len()).then_some(place)
        };
        let places: Option<Vec<Range<usize>>> = slices.iter().map(place).collect();
        let places = places.ok_or(io::ErrorKind::UnexpectedEof)?;
        let together = places.windows(2).all(|pair| pair[0].end == pair[1].start);
        Ok(match (places.first(), places.last()) {
            (Some(first), Some(last)) if together => {
                View { content: Some(self.content.clone()), place: first.start..last.end }
            }
            _ => {
                let bytes: Vec<&[u8]> = places.into_iter().map(|place| &self.content[place]).collect();
                View { content: Some(Content::new(bytes.concat())), place: 0..size }
            }
        })
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes", self.content.len())
    }
}

impl<'s> pdb::Source<'s> for Bytes {
    fn view(&mut self, slices: &[SourceSlice]) -> io::Result<Box<dyn SourceView<'s> + Send + Sync>> {
        let size = slices.iter().fold(0_usize, |sum, slice| sum.saturating_add(slice.size));
        // A stream that has pages twice would be larger than its file.
        if size > self.content.len() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.left = self.left.checked_sub(size).ok_or(io::ErrorKind::InvalidData)?;
        let view = self.view_of(slices, size)?;
        *self.last.0.lock().unwrap_or_else(PoisonError::into_inner) = view.clone();
        Ok(Box::new(view))
    }
}

/// Bytes of a stream: where they are together in the file, those of the file.
#[derive(Clone, Default)]
pub struct View {
    content: Option<Content>,
    place: Range<usize>,
}

impl fmt::Debug for View {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} bytes of a stream", self.place.len())
    }
}

impl SourceView<'_> for View {
    fn as_slice(&self) -> &[u8] {
        self.content.as_ref().map_or(&[], |content| &content[self.place.clone()])
    }
}
