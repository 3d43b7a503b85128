//! Lines with numbers: bytes and counts of a row, and the total.

use super::{Open, Reader};
use crate::log::{
    comparison::{
        Row,
        line::{Change, Name, Total},
        radix::{amounts, signed, value},
        sums::Repeats,
    },
    lines::Place,
    sink::Severity,
};

impl<'a> Reader<'_, 'a> {
    pub(super) fn bytes(&mut self, change: &Change<'a>, count: Option<&[u8]>, name: Name<'a>) {
        self.inside = true;
        self.close();
        let counts = match count {
            Some(digits) => value(digits, self.radix).map(Some),
            None => Some(None),
        };
        let (Some((before, after, delta)), Some(count_after)) = (self.amounts(change), counts) else {
            return self.spoilt_row(Some(name));
        };
        self.check_delta(change, delta);
        self.sum += delta;
        self.sink.piece.lines.rows += 1;
        let (trace_id, trace) = match name {
            Name::Trace(id) => (Some(self.sink.text(id)), self.sink.trace(id, self.place.line)),
            Name::Site(_) => (None, None),
        };
        let Place { line, byte, .. } = self.place;
        let (count_before, count_delta) = (None, None);
        let definition = None;
        let row = Row {
            trace_id,
            trace,
            definition,
            before,
            after,
            delta,
            count_before,
            count_after,
            count_delta,
            line,
            byte,
        };
        match self.sums.add(name, &row) {
            Repeats::Row => {
                self.repeated_row("it is a row of its own and counts in every sum, though it says what one above says")
            }
            Repeats::Name => self.repeated.push(self.place),
            Repeats::Nothing => {}
        }
        self.comparison.rows.push(row);
        self.open = Some(Open { name: Some(name), place: self.place, spoilt: false });
        if let Name::Site(site) = name {
            let slot = self.sink.site(site, line);
            self.sink.frame(site);
            self.suspect(site);
            let definition = self.define(slot, line);
            if let Some(row) = self.comparison.rows.last_mut() {
                row.definition = Some(definition);
            }
        }
    }

    pub(super) fn count(&mut self, change: &Change<'a>, name: Name<'a>) {
        let Some((before, after, delta)) = self.amounts(change) else { return self.spoilt_row(Some(name)) };
        let waits = self.comparison.rows.last().is_some_and(|row| row.count_before.is_none());
        if self.open.is_none_or(|open| open.name != Some(name) || open.spoilt) || !waits {
            self.sink.piece.lines.issues += 1;
            let text = self.sink.text(self.place.text);
            let action = "the counts are in no row; there is no bytes line of that name above";
            return self.issue(Severity::Error, "count_without_row", text, action);
        }
        self.check_delta(change, delta);
        self.sink.piece.lines.rows += 1;
        let Some(row) = self.comparison.rows.last_mut() else { return };
        let known = row.count_after.replace(after);
        (row.count_before, row.count_delta) = (Some(before), Some(delta));
        if let Some(known) = known.filter(|known| *known != after) {
            let text = format!("{known} allocs on the bytes line, {after} on the count line");
            self.issue(Severity::Warning, "count_mismatch", text, "the row holds the counts of the count line");
        }
    }

    /// Before, after and their difference; `None` if a number does not fit.
    fn amounts(&mut self, change: &Change<'a>) -> Option<(u64, u64, i128)> {
        let (after, before) = match change.sides {
            Some((after, before)) => (value(after, self.radix)?, value(before, self.radix)?),
            None => (value(change.delta, self.radix)?, 0),
        };
        let delta = i128::from(after) - i128::from(before);
        value(change.delta, self.radix)?;
        if i64::try_from(delta).is_err() {
            self.overflow = true;
            self.issue(Severity::Error, "sum_overflow", format!("{delta:+}"), "a difference past 63 bits is null");
        }
        if change.sides.is_none() && !std::mem::replace(&mut self.inferred, true) {
            let text = self.sink.text(self.place.text);
            let action = "rows with one amount are read as those of a single log: nothing before";
            self.issue(Severity::Info, "inferred_row", text, action);
        }
        Some((before, after, delta))
    }

    fn check_delta(&mut self, change: &Change<'_>, delta: i128) {
        let printed = signed(change.delta, change.negative, self.radix);
        if let Some(printed) = printed.filter(|printed| *printed != delta) {
            let text = format!("{printed:+} printed, after - before is {delta:+}");
            self.issue(Severity::Warning, "delta_mismatch", text, "the row holds after - before");
        }
    }

    pub(super) fn total(&mut self, total: &Total<'_>) {
        self.close();
        let Some(amounts) = amounts(total, self.radix) else { return self.unreadable() };
        let (requested, overhead) = (amounts.requested, amounts.overhead.unwrap_or(0));
        self.sink.piece.lines.structure += 1;
        let rows = std::mem::take(&mut self.sum);
        if rows != amounts.requested {
            let text = format!(
                "the rows add up to {rows:+} bytes, the total is {requested:+}: {:+}",
                amounts.requested - rows
            );
            let action = "both are as printed; a total can hold overhead for which no stack is listed";
            self.issue(Severity::Warning, "total_mismatch", text, action);
        }
        if !amounts.consistent {
            let text =
                format!("{requested:+} requested and {overhead:+} overhead do not add up to the sum beside them");
            self.issue(Severity::Warning, "total_mismatch", text, "the parts are as printed");
        }
        (self.totals, self.inside) = (self.totals + 1, false);
        self.comparison.total_requested_delta = Some(requested);
        self.comparison.total_overhead_delta = amounts.overhead.and(Some(overhead));
    }
}
