//! Any bytes as symbols, or as an image: no panic but those that are caught, an end, and the same answers whenever they are asked.

use std::path::Path;

use heapdelta::{Content, internals::symbols::opened::Opened};

const PLACES: u64 = 256;

/// Opens what `data` holds and asks for places all over the module.
///
/// # Panics
///
/// If a promise is broken.
pub fn target(data: &[u8]) {
    let Ok(file) = Opened::of_content(Path::new("any"), Content::new(data.to_vec())) else { return };
    let size = file.facts().ok().and_then(|facts| facts.image_size).unwrap_or(1 << 16).min(1 << 24);
    let mut places: Vec<u32> = (0..PLACES).map(|place| (place * size / PLACES) as u32).collect();
    places.push(u32::MAX);
    places.dedup();
    if let Ok(known) = file.answers(&places) {
        assert_eq!(known.places().len(), places.len());
        for (place, told) in known.places() {
            assert!(told.is_none_or(|told| known.functions[told.function as usize].start <= *place));
        }
        let again = Opened::of_content(Path::new("any"), Content::new(data.to_vec())).map(|file| file.answers(&places));
        assert_eq!(again, Ok(Ok(known)));
    }
    if let Ok(names) = file.data(&places) {
        assert_eq!(names.len(), places.len());
        assert!(names.iter().flatten().all(|name| !name.is_empty()));
        assert_eq!(file.data(&places), Ok(names));
    }
    if let Ok(calls) = file.calls(&places) {
        assert!(calls.behind_a_call <= calls.places && calls.places as usize <= places.len());
    }
}
