//! Folded stacks, as `flamegraph.pl`, `inferno` and many others read them: a line for each stack, outermost frame first, then its
//! bytes at each point in time.
//!
//! ```text
//! app!main;app!load;app!grow 4096 8192
//! ```
//!
//! A `;` in a name becomes `:`, so that no frame is two.

use std::io::Write;

use super::Stacks;

/// Writes stacks. `changed` leaves out those that did not change.
pub fn write(stacks: &Stacks, changed: bool) -> Vec<u8> {
    let frames: Vec<String> = stacks
        .places
        .iter()
        .map(|place| {
            let names: Vec<String> = place.calls.iter().rev().map(|call| call.name.replace(';', ":")).collect();
            names.join(";")
        })
        .collect();
    let mut text = Vec::new();
    for stack in 0..stacks.len() {
        if changed && !stacks.has_changed(stack) {
            continue;
        }
        for (place, frame) in stacks.steps_of(stack).iter().enumerate() {
            if place > 0 {
                text.push(b';');
            }
            text.extend_from_slice(frames[*frame as usize].as_bytes());
        }
        for point in &stacks.points {
            // Writing into memory does not fail.
            let _ = write!(text, " {}", point.bytes_of(stack));
        }
        text.push(b'\n');
    }
    text
}
