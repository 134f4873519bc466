//! Measurements of a bench: what each program prints, one JSON object a line, and their medians over several turns.
//!
//! A measurement must say what was measured and how long it took; whatever else it tells is kept as it came.

use std::fmt;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The name of our own measurements, which `nudge bench` leaves out.
pub const NUDGE: &str = "nudge";

/// One phase of one size, measured in one program.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    pub peer: String,
    pub size: String,
    pub phase: String,
    pub device: String,
    /// Median time of a step.
    pub ms: f64,
    /// The fastest and the slowest step.
    pub spread: Option<(f64, f64)>,
    pub peak_bytes: Option<f64>,
    /// GPU or kernel launches of a step.
    pub launches: Option<f64>,
    /// The whole object.
    pub json: Value,
}

impl Measurement {
    /// Reads a line.
    pub fn parse(line: &str) -> Result<Self> {
        Self::read(line).with_context(|| format!("not a row: {line}"))
    }

    fn read(line: &str) -> Result<Self> {
        let mut json: Value = serde_json::from_str(line)?;
        let fields = json.as_object_mut().context("not an object")?;
        fields.entry("peer").or_insert_with(|| NUDGE.into());
        let text = |name: &str| {
            let value = fields.get(name).and_then(Value::as_str);
            value.map(str::to_owned).with_context(|| format!("no `{name}`"))
        };
        let number = |name: &str| fields.get(name).and_then(Value::as_f64);
        let ms = number("ms").context("no `ms`")?;
        ensure!(ms > 0.0, "`ms` is {ms}");
        Ok(Self {
            peer: text("peer")?,
            size: text("size")?,
            phase: text("phase")?,
            device: text("device")?,
            ms,
            spread: number("ms_low").zip(number("ms_high")),
            peak_bytes: number("peak_bytes"),
            launches: number("launches"),
            json,
        })
    }

    /// Whether both measure the same thing, in whatever program.
    pub fn same_work(&self, other: &Self) -> bool {
        (&self.size, &self.phase, &self.device) == (&other.size, &other.phase, &other.device)
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, size, phase, device, ms, .. } = self;
        write!(formatter, "{peer:12} {size:8} {phase:12} {device:6} {ms:10.1} ms")
    }
}

/// One row for each program and work, in order of first appearance: the median time, the widest spread, the most memory.
///
/// The other fields are those of the first turn.
pub fn medians(rows: &[Measurement]) -> Vec<Measurement> {
    let mut groups: Vec<Vec<&Measurement>> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|group| group[0].peer == row.peer && group[0].same_work(row)) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups.iter().map(|group| merge(group)).collect()
}

fn merge(group: &[&Measurement]) -> Measurement {
    let ms = median(group.iter().map(|row| row.ms).collect());
    let peak_bytes = group.iter().filter_map(|row| row.peak_bytes).reduce(f64::max);
    let wider = |(low, high): (f64, f64), (other_low, other_high)| (low.min(other_low), high.max(other_high));
    let spread = group.iter().filter_map(|row| row.spread).reduce(wider);
    Measurement { ms, spread, peak_bytes, ..group[0].clone() }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 { numbers[middle] } else { f64::midpoint(numbers[middle - 1], numbers[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"size":"tiny","phase":"sft","device":"cpu","ms":50,"peak_bytes":1048576,"gflops":4.5}"#;

    #[test]
    fn a_row_without_a_peer_is_ours_and_keeps_what_we_do_not_know() -> Result<()> {
        let row = Measurement::parse(LINE)?;
        assert_eq!((row.peer.as_str(), row.size.as_str(), row.phase.as_str()), ("nudge", "tiny", "sft"));
        assert_eq!((row.ms, row.peak_bytes, row.launches), (50.0, Some(1_048_576.0), None));
        assert_eq!(row.json["gflops"], 4.5);
        assert_eq!(row.json["peer"], "nudge");
        Ok(())
    }

    #[test]
    fn a_field_that_could_not_be_measured_may_be_null() -> Result<()> {
        let line = r#"{"peer":"p","size":"s","phase":"f","device":"cpu","ms":1.5,"peak_bytes":null}"#;
        assert_eq!(Measurement::parse(line)?.peak_bytes, None);
        Ok(())
    }

    #[test]
    fn a_row_that_says_too_little_is_refused_with_its_line() {
        let error = |line: &str| format!("{:#}", Measurement::parse(line).expect_err(line));
        assert_eq!(error(r#"{"ms":1}"#), r#"not a row: {"ms":1}: no `peer`"#.replace("peer", "size"));
        let without_time = LINE.replace("50", "null");
        assert!(error(&without_time).ends_with("no `ms`"));
        assert!(error(&LINE.replace("50", "0")).ends_with("`ms` is 0"));
        assert!(error("{").starts_with("not a row: {: "));
    }

    #[test]
    fn turns_become_one_row_with_the_median_time_and_the_most_memory() -> Result<()> {
        let line = |peer: &str, ms: u32, peak: u32| {
            Measurement::parse(&format!(
                r#"{{"peer":"{peer}","size":"tiny","phase":"sft","device":"cpu",
                "ms":{ms},"ms_low":{},"ms_high":{},"peak_bytes":{peak}}}"#,
                ms - 1,
                ms + 2
            ))
        };
        let rows = [line("nudge", 50, 7)?, line("pytorch", 40, 1)?, line("nudge", 60, 9)?];
        let rows = medians(&rows);
        let shown: Vec<_> = rows.iter().map(|row| (row.peer.as_str(), row.ms, row.peak_bytes)).collect();
        assert_eq!(shown, [("nudge", 55.0, Some(9.0)), ("pytorch", 40.0, Some(1.0))]);
        assert_eq!(rows[0].spread, Some((49.0, 62.0)));
        Ok(())
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
