//! Block lines that wait until many trace ids can be looked up together.

use crate::log::sink::records::{BlockColumns, TraceSlot};

/// Rows whose trace ids are looked up together. Debug builds take few, so that tests go from batch to batch.
const BATCH: usize = if cfg!(debug_assertions) { 8 } else { 256 };

/// Block lines that wait for their trace ids, column by column.
#[derive(Debug)]
pub struct Batch {
    /// How many wait.
    pub len: usize,
    /// Bytes asked for.
    pub requested_bytes: [u64; BATCH],
    /// Bytes of overhead.
    pub overhead_bytes: [u32; BATCH],
    /// Address.
    pub address: [u64; BATCH],
    /// Packed trace ids.
    pub keys: [u64; BATCH],
    /// Lines of the piece before each.
    pub lines: [u32; BATCH],
    /// Traces, once they are looked up.
    pub slots: Vec<u32>,
    /// Trace of the row that was looked up last.
    pub last_slot: u32,
    /// Definitions that wait for the trace of a row: (definition, row).
    pub definitions: Vec<(u32, u32)>,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            len: 0,
            requested_bytes: [0; BATCH],
            overhead_bytes: [0; BATCH],
            address: [0; BATCH],
            keys: [0; BATCH],
            lines: [0; BATCH],
            slots: Vec::with_capacity(BATCH),
            last_slot: TraceSlot::NONE,
            definitions: Vec::with_capacity(BATCH),
        }
    }
}

impl Batch {
    /// Takes a row; true if the batch is full.
    #[inline(always)]
    pub fn take(&mut self, requested: u64, overhead: u32, address: u64, trace_key: u64, line: u64) -> bool {
        // The mask proves to the compiler that the place is inside the columns.
        let at = self.len & (BATCH - 1);
        self.requested_bytes[at] = requested;
        self.overhead_bytes[at] = overhead;
        self.address[at] = address;
        self.keys[at] = trace_key;
        self.lines[at] = line as u32;
        self.len = at + 1;
        self.len == BATCH
    }

    /// Adds the rows to columns.
    pub fn append_to(&self, columns: &mut BlockColumns) {
        columns.requested_bytes.extend_from_slice(&self.requested_bytes[..self.len]);
        columns.overhead_bytes.extend_from_slice(&self.overhead_bytes[..self.len]);
        columns.address.extend_from_slice(&self.address[..self.len]);
        columns.trace.extend_from_slice(&self.slots);
    }
}
