//! What frames are called in a ranking.

use std::{fmt::Write, sync::Arc};

use arrow_array::{
    Array, BooleanArray, RecordBatch, StringViewArray, UInt64Array, builder::StringViewBuilder, cast::AsArray,
    types::UInt64Type,
};

use crate::{
    log::fields::is_doubtful_name,
    table::{self, schema},
};

/// Names each frame of some rows of `frames`: its function, else `app+0x1C3F`, and without a module the text that is in the
/// file. Absent if the rows lack a column.
pub fn function_labels(frames: &RecordBatch) -> Option<StringViewArray> {
    let texts = |name| frames.column_by_name(name)?.as_string_view_opt();
    let (module, function, text) = (texts("module")?, texts("function")?, texts("text")?);
    let offset = frames.column_by_name("offset")?.as_primitive_opt::<UInt64Type>()?;
    let mut labels = StringViewBuilder::with_capacity(frames.num_rows());
    let mut address = String::new();
    for row in 0..frames.num_rows() {
        if function.is_valid(row) {
            labels.append_value(function.value(row));
        } else if module.is_valid(row) && offset.is_valid(row) {
            address.clear();
            let _ = write!(address, "{}+0x{:X}", module.value(row), offset.value(row));
            labels.append_value(&address);
        } else {
            labels.append_option(text.is_valid(row).then(|| text.value(row)));
        }
    }
    Some(labels.finish())
}

/// Which frames of some rows of `frames` have a name that is probably that of another function, as it comes from a table of
/// exports. Absent if the rows lack a column.
pub fn doubtful_names(frames: &RecordBatch) -> Option<RecordBatch> {
    let function = frames.column_by_name("function")?.as_string_view_opt()?;
    let offset = frames.column_by_name("offset")?.as_primitive_opt::<UInt64Type>()?;
    let doubtful = function
        .iter()
        .zip(offset)
        .map(|(function, offset)| Some(function.is_some_and(|function| is_doubtful_name(function.as_bytes(), offset))));
    Some(table::batch(&schema::DOUBTFUL_NAMES, vec![Arc::new(doubtful.collect::<BooleanArray>())]))
}

/// Numbers as upper-case hexadecimal without leading zeros.
pub fn hexadecimal(numbers: &UInt64Array) -> StringViewArray {
    numbers.iter().map(|number| number.map(|number| format!("{number:X}"))).collect()
}
