//! The `rows` table: what each stack of a comparison held in two logs.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, UInt32Array, UInt64Array};

use super::schema;
use crate::log::comparison::Row;

/// Builds the table; `stacks` gives the stack of each row.
pub fn batch(rows: &[Row], stacks: &[Option<u32>]) -> RecordBatch {
    let unsigned =
        |amount: fn(&Row) -> Option<u64>| -> ArrayRef { Arc::new(rows.iter().map(amount).collect::<UInt64Array>()) };
    let signed = |amount: fn(&Row) -> Option<i128>| -> ArrayRef {
        let fitting = rows.iter().map(|row| amount(row)?.try_into().ok());
        Arc::new(fitting.collect::<Int64Array>())
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.trace_id.as_deref()).collect::<StringViewArray>()),
        Arc::new(stacks.iter().copied().collect::<UInt32Array>()),
        unsigned(|row| Some(row.before)),
        unsigned(|row| Some(row.after)),
        signed(|row| Some(row.delta)),
        unsigned(|row| row.count_before),
        unsigned(|row| row.count_after),
        signed(|row| row.count_delta),
    ];
    super::batch(&schema::ROWS, columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{comparison::read, sink::Sink};

    #[test]
    fn rows_without_a_count_line_have_no_counts_before() {
        let text = b"+ 5320 ( f110 - 9df0) 3a allocs BackTrace00053\n- 10 ( 0 - 10) 0 allocs app!f (a.cpp, 1)\n";
        let mut sink = Sink::new(true);
        sink.begin_piece(0);
        let comparison = read(text, None, &mut sink).unwrap();
        let batch = batch(&comparison.rows, &[Some(0), Some(1)]);
        assert_eq!(batch.num_rows(), 2);
        assert_eq!(batch.column_by_name("allocation_count_before").unwrap().null_count(), 2);
        assert_eq!(batch.column_by_name("allocation_count_after").unwrap().null_count(), 0);
        assert_eq!(batch.column_by_name("trace_id").unwrap().null_count(), 1);
        let deltas = batch.column_by_name("requested_bytes_delta").unwrap();
        assert_eq!(deltas.as_ref(), &Int64Array::from(vec![0x5320, -0x10]));
    }
}
