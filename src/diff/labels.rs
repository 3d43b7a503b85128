//! What frames are called in a ranking.

use std::fmt::Write;

use arrow_array::{
    Array, RecordBatch, StringViewArray, UInt64Array, builder::StringViewBuilder, cast::AsArray, types::UInt64Type,
};

/// Names each frame of some rows of `frames`: its function, else `app+0x1C3F`, and without a module the text that stands in the
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

/// Numbers as upper-case hexadecimal without leading zeros.
pub fn hexadecimal(numbers: &UInt64Array) -> StringViewArray {
    numbers.iter().map(|number| number.map(|number| format!("{number:X}"))).collect()
}
