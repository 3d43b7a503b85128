//! Columns of texts that symbols gave: each text is written once, and rows point to it.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringViewArray, UInt32Array, new_null_array};
use arrow_schema::DataType;
use arrow_select::{interleave::interleave, take::take};

use crate::{
    symbols::{Named, Names, Said, Text},
    table::text,
};

/// The texts that names have.
pub struct Texts {
    all: StringViewArray,
    /// For each module, where each text of its file is among all.
    rows: Vec<Vec<u32>>,
    none: ArrayRef,
}

impl Texts {
    /// Writes the texts that names have.
    pub fn of(names: &Names) -> Self {
        let count = names.said().iter().flat_map(|said| &said.used).filter(|used| **used).count();
        let (mut all, mut next) = (text::builder(count), 0);
        let mut row = |(text, used): (&Arc<str>, &bool)| {
            let row = next;
            if *used {
                all.append_value(text);
                next += 1;
            }
            row
        };
        let rows = |said: &Said| said.known.texts().iter().zip(&said.used).map(&mut row).collect();
        let rows = names.said().iter().map(rows).collect();
        Self { all: all.finish(), rows, none: new_null_array(&DataType::Utf8View, 1) }
    }

    /// A column of texts, each of a module's file.
    pub fn column(&self, texts: impl Iterator<Item = (u32, Option<Text>)>) -> ArrayRef {
        let rows: UInt32Array = texts.map(|(module, text)| Some(self.row(module, text?))).collect();
        take(&self.all, &rows, None).expect("rows of the texts") // proof: a text's row is below the number of texts
    }

    /// A column with new texts in the rows that have a name now.
    pub fn over<'a>(
        &self,
        old: &ArrayRef,
        named: &[Option<Named<'a>>],
        of: impl Fn(&Named<'a>) -> Option<Text>,
    ) -> ArrayRef {
        const OLD: usize = 0;
        const NEW: usize = 1;
        const NONE: usize = 2;
        let place = |(row, named): (usize, &Option<Named<'a>>)| match named {
            None => (OLD, row),
            Some(named) => of(named).map_or((NONE, 0), |text| (NEW, self.row(named.module, text) as usize)),
        };
        let places: Vec<_> = named.iter().enumerate().map(place).collect();
        interleave(&[old, &self.all, &self.none], &places).expect("rows of three columns of texts") // proof: all are views of text, and rows are theirs
    }

    fn row(&self, module: u32, text: Text) -> u32 {
        self.rows[module as usize][text.row() as usize]
    }
}
