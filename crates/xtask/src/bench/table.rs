//! The table of ratios: each work once, our row first, the peers below it.
//!
//! A ratio is the peer's number by ours, so above 1 we are faster, or smaller. What only one side measured stays in
//! the table, without a ratio. Times that scatter widely are marked: waiting threads suffer more from a busy machine
//! than their share, and some programs more than others, so a ratio of such times says little.

use super::measurements::{Measurement, NUDGE};

const HEAD: [&str; 9] = ["size", "phase", "device", "", "ms", "ratio", "MiB", "ratio", "launches"];

/// The slowest step by the fastest, above which a time is marked.
const WIDE: f64 = 1.5;

/// The rows as text, with the columns lined up.
pub fn table(rows: &[Measurement]) -> String {
    let mut lines = vec![HEAD.map(str::to_owned)];
    let first = |row: &Measurement, index: usize| !rows[..index].iter().any(|earlier| earlier.same_work(row));
    for (_, work) in rows.iter().enumerate().filter(|(index, row)| first(row, *index)) {
        let same = || rows.iter().filter(|row| row.same_work(work));
        let ours = same().find(|row| row.peer == NUDGE);
        lines.extend(ours.map(|ours| cells(ours, None)));
        lines.extend(same().filter(|row| row.peer != NUDGE).map(|row| cells(row, ours)));
    }
    let mut notes = "ratio: the peer's number by nudge's; above 1 nudge is faster, or smaller\n".to_owned();
    if rows.iter().any(scatters) {
        notes +=
            &format!("~: the slowest step took more than {WIDE} times the fastest; a busy machine? See --passive.\n");
    }
    format!("{}\n{notes}", align(&lines))
}

fn scatters(row: &Measurement) -> bool {
    row.spread.is_some_and(|(low, high)| high > WIDE * low)
}

fn cells(row: &Measurement, ours: Option<&Measurement>) -> [String; 9] {
    let ratio = |number: fn(&Measurement) -> Option<f64>| match (number(row), ours.and_then(number)) {
        (Some(theirs), Some(ours)) if ours > 0.0 => format!("{:.2}", theirs / ours),
        _ => String::new(),
    };
    let or_dash = |number: Option<f64>| number.map_or("-".into(), |number| format!("{number:.0}"));
    [
        row.size.clone(),
        row.phase.clone(),
        row.device.clone(),
        row.peer.clone(),
        format!("{}{:.1}", if scatters(row) { "~" } else { "" }, row.ms),
        ratio(|row| Some(row.ms)),
        or_dash(row.peak_bytes.map(|bytes| bytes / 1_048_576.0)),
        ratio(|row| row.peak_bytes),
        or_dash(row.launches),
    ]
}

/// Words to the left, numbers to the right.
fn align(lines: &[[String; 9]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..9).map(width).collect();
    let line = |cells: &[String; 9]| {
        let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column < 4 { format!("{cell:width$}") } else { format!("{cell:>width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    lines.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Result;

    fn row(peer: &str, phase: &str, ms: f64, peak: &str) -> Result<Measurement> {
        Measurement::parse(&format!(
            r#"{{"peer":"{peer}","size":"tiny","phase":"{phase}","device":"cpu","ms":{ms},"peak_bytes":{peak}}}"#
        ))
    }

    #[test]
    fn ratios_stand_below_ours_and_need_both_numbers() -> Result<()> {
        let rows = [
            row("pytorch", "sft", 44.0, "419430400")?,
            row("nudge", "sft", 50.0, "104857600")?,
            row("nudge", "eval", 9.0, "null")?,
            row("transformers", "sft", 60.0, "null")?,
            row("pytorch", "ppo/score", 80.5, "1048576")?,
        ];
        let expected = "\
size  phase      device                  ms  ratio  MiB  ratio  launches
tiny  sft        cpu     nudge         50.0         100                -
tiny  sft        cpu     pytorch       44.0   0.88  400   4.00         -
tiny  sft        cpu     transformers  60.0   1.20    -                -
tiny  eval       cpu     nudge          9.0           -                -
tiny  ppo/score  cpu     pytorch       80.5           1                -

ratio: the peer's number by nudge's; above 1 nudge is faster, or smaller
";
        assert_eq!(table(&rows), expected);
        Ok(())
    }

    #[test]
    fn a_time_that_scatters_is_marked_and_explained() -> Result<()> {
        let calm = Measurement { spread: Some((9.0, 13.0)), ..row("nudge", "sft", 10.0, "null")? };
        assert!(!table(std::slice::from_ref(&calm)).contains('~'));
        let busy = Measurement { spread: Some((9.0, 14.0)), ..calm };
        assert!(table(&[busy]).contains("~10.0"));
        Ok(())
    }

    #[test]
    fn the_same_phase_on_another_device_is_other_work() -> Result<()> {
        let gpu = Measurement { device: "webgpu".into(), ..row("pytorch", "sft", 20.0, "null")? };
        let table = table(&[row("nudge", "sft", 10.0, "null")?, gpu]);
        assert!(!table.contains("2.00"), "{table}");
        Ok(())
    }
}
