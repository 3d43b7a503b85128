//! One table of many captures: the rows of one behind those of the other, with the names that tell whose they are.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray, UInt32Array};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use arrow_select::{concat::concat_batches, take::take};

use crate::table::Table;

/// The rows of one table of many captures, one capture behind the other. Before its columns are `place` (the number of the
/// capture) and those of `named`, which have one value for each capture; absent if there is no capture.
///
/// All of them must have the table, with the same columns.
///
/// # Errors
///
/// If they have not, or the names are fewer than the captures.
pub fn gathered<'a>(
    tables: impl Iterator<Item = &'a Table>,
    named: &[(&str, StringViewArray)],
) -> Result<Option<Table>, ArrowError> {
    let (mut schema, mut places, mut rows) = (None, Vec::new(), Vec::new());
    for (place, table) in tables.enumerate() {
        if named.iter().any(|(_, names)| names.len() <= place) {
            return Err(ArrowError::InvalidArgumentError(format!("no name for capture {place}")));
        }
        schema.get_or_insert(&table.schema);
        places.resize(places.len() + table.len(), place as u32);
        rows.extend(&table.batches);
    }
    let Some(schema) = schema else { return Ok(None) };
    let rows = concat_batches(schema, rows)?;
    let places = UInt32Array::from(places);
    let names = named.iter().map(|(_, names)| take(names, &places, None)).collect::<Result<Vec<_>, _>>()?;
    let mut columns: Vec<ArrayRef> = vec![Arc::new(places)];
    columns.extend(names);
    columns.extend_from_slice(rows.columns());
    let schema = Arc::new(with_names(schema, named));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    Ok(Some(Table { schema, batches: vec![batch] }))
}

fn with_names(schema: &Schema, named: &[(&str, StringViewArray)]) -> Schema {
    let place = Field::new("place", DataType::UInt32, false);
    let names = named.iter().map(|(name, _)| Field::new(*name, DataType::Utf8View, true));
    let own = schema.fields().iter().map(|field| field.as_ref().clone());
    Schema::new(std::iter::once(place).chain(names).chain(own).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use arrow_array::{cast::AsArray, types::UInt32Type};

    use super::*;

    fn table(batches: &[&[u32]]) -> Table {
        let schema = Arc::new(Schema::new(vec![Field::new("number", DataType::UInt32, false)]));
        let batch = |numbers: &&[u32]| {
            let numbers: ArrayRef = Arc::new(UInt32Array::from(numbers.to_vec()));
            RecordBatch::try_new(Arc::clone(&schema), vec![numbers]).unwrap()
        };
        Table { batches: batches.iter().map(batch).collect(), schema: Arc::clone(&schema) }
    }

    #[test]
    fn every_row_says_whose_it_is() {
        let tables = [table(&[&[1, 2], &[], &[3]]), table(&[]), table(&[&[4]])];
        let names = StringViewArray::from(vec!["first", "second", "a name that is longer than a view"]);
        let all = gathered(tables.iter(), &[("case", names.clone())]).unwrap().unwrap();
        assert_eq!(
            all.schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(),
            ["place", "case", "number"]
        );
        let [places, numbers] =
            [0, 2].map(|column| all.batches[0].column(column).as_primitive::<UInt32Type>().values());
        let cases: Vec<_> = all.batches[0].column(1).as_string_view().iter().flatten().collect();
        assert_eq!(places, &[0, 0, 0, 2]);
        assert_eq!(cases, ["first", "first", "first", "a name that is longer than a view"]);
        assert_eq!(numbers, &[1, 2, 3, 4]);
        assert!(gathered(std::iter::empty(), &[]).unwrap().is_none());
        assert!(gathered(tables.iter(), &[("case", names.slice(0, 2))]).is_err());
    }
}
