//! The JSON of speedscope: frames once, and profiles of stacks with weights, which may not be negative.
//!
//! Two points in time are four profiles: growth, shrinkage, after, before. More are growth and shrinkage from the first to the last,
//! and one profile for each point, the last first.

use serde::Serialize;

use super::{EXPORTER, Stacks};

#[derive(Serialize)]
struct File<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    name: &'a str,
    exporter: &'static str,
    /// No viewer shows these; who opens the file finds them.
    notes: &'a [String],
    #[serde(rename = "activeProfileIndex")]
    active: usize,
    shared: Shared<'a>,
    profiles: Vec<Profile>,
}

#[derive(Serialize)]
struct Shared<'a> {
    frames: Vec<Frame<'a>>,
}

#[derive(Serialize)]
struct Frame<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

#[derive(Serialize)]
struct Profile {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    unit: &'static str,
    #[serde(rename = "startValue")]
    start: i64,
    #[serde(rename = "endValue")]
    end: i64,
    samples: Vec<Vec<u32>>,
    weights: Vec<i64>,
}

/// Writes stacks. `changed` leaves out the profiles of what there is, and leaves growth and shrinkage.
///
/// # Errors
///
/// Writing into memory has none; the trait has them.
pub fn write(stacks: &Stacks, changed: bool) -> serde_json::Result<Vec<u8>> {
    let (frames, places) = frames(stacks);
    let mut profiles = Vec::new();
    if stacks.points.len() > 1 {
        profiles.push(profile(stacks, &places, "growth".to_owned(), |stack| stacks.growth(stack).max(0)));
        profiles.push(profile(stacks, &places, "shrinkage".to_owned(), |stack| (-stacks.growth(stack)).max(0)));
    }
    if !(changed && stacks.points.len() > 1) {
        for point in stacks.points.iter().rev() {
            profiles.push(profile(stacks, &places, point.label.clone(), |stack| point.bytes_of(stack)));
        }
    }
    let file = File {
        schema: "https://www.speedscope.app/file-format-schema.json",
        name: &stacks.title,
        exporter: EXPORTER,
        notes: &stacks.notes,
        active: 0,
        shared: Shared { frames },
        profiles,
    };
    serde_json::to_vec(&file)
}

/// All frames, and those of each place, outermost first.
fn frames(stacks: &Stacks) -> (Vec<Frame<'_>>, Vec<Vec<u32>>) {
    let mut frames = Vec::new();
    let mut places = Vec::with_capacity(stacks.places.len());
    for place in &stacks.places {
        let mut of_place = Vec::with_capacity(place.calls.len());
        for call in place.calls.iter().rev() {
            of_place.push(u32::try_from(frames.len()).unwrap_or(u32::MAX));
            frames.push(Frame { name: &call.name, file: call.file.as_deref(), line: call.line });
        }
        places.push(of_place);
    }
    (frames, places)
}

/// The stacks that have a weight, or of which it is not known.
fn profile(stacks: &Stacks, places: &[Vec<u32>], name: String, weight: impl Fn(usize) -> i64) -> Profile {
    let (mut samples, mut weights, mut end) = (Vec::new(), Vec::new(), 0_i64);
    for stack in 0..stacks.len() {
        let own = weight(stack);
        if own == 0 && !stacks.is_unknown(stack) {
            continue;
        }
        let frames = stacks.steps_of(stack).iter().flat_map(|place| &places[*place as usize]);
        samples.push(frames.copied().collect());
        weights.push(own);
        end = end.saturating_add(own);
    }
    Profile { kind: "sampled", name, unit: "bytes", start: 0, end, samples, weights }
}
