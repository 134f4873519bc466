//! A report as text for the terminal, in plain characters.

use std::fmt;

use super::duplicates::Repeats;
use super::histogram::{Bucket, Histogram};
use super::inspect::{Lengths, Report};

const BAR: u64 = 18;
const DROPS_SHOWN: usize = 10;
const EXAMPLE_FIELD: usize = 160;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "format       {} ({})", self.format, self.layout)?;
        writeln!(f, "records      {}", self.records)?;
        let entries: Vec<String> = self.entries.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        writeln!(f, "entries      {}", if entries.is_empty() { "none".to_owned() } else { entries.join(", ") })?;
        writeln!(f, "comparisons  {}", self.comparisons)?;
        let about = if self.repeated_prompts.exact { "" } else { "about " };
        writeln!(f, "prompts      {about}{} different", self.prompts)?;
        if !self.answers_per_ranking.is_empty() {
            let sizes = self.answers_per_ranking.iter().map(|(completions, count)| format!("{completions}: {count}"));
            writeln!(f, "rankings by number of completions  {}", sizes.collect::<Vec<_>>().join(", "))?;
        }
        repeats(f, "entries that repeat an earlier one", self.duplicates)?;
        repeats(f, "entries whose prompt was there before", self.repeated_prompts)?;
        for (name, lengths) in
            [("texts", &self.text_lengths), ("prompts", &self.prompt_lengths), ("completions", &self.answer_lengths)]
        {
            write_lengths(f, name, lengths)?;
        }
        self.write_drops(f)?;
        for example in &self.examples {
            writeln!(f, "\nexample")?;
            for (key, value) in example.as_object().into_iter().flatten() {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                writeln!(f, "  {key}: {}", super::fields::clip(&text.replace('\n', "\\n"), EXAMPLE_FIELD))?;
            }
        }
        Ok(())
    }
}

impl Report {
    fn write_drops(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\ndropped      {}", self.dropped_count)?;
        let mut reasons: Vec<(&String, &u64)> = self.dropped_reasons.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (reason, count) in reasons {
            writeln!(f, "  {count} x {reason}")?;
        }
        for dropped in self.dropped.iter().take(DROPS_SHOWN) {
            writeln!(f, "  line {}: {}", dropped.line, dropped.reason)?;
        }
        match self.dropped_count.saturating_sub(DROPS_SHOWN as u64) {
            0 => Ok(()),
            more => writeln!(f, "  and {more} more (--json lists the first 1,000)"),
        }
    }
}

fn repeats(f: &mut fmt::Formatter<'_>, what: &str, repeats: Repeats) -> fmt::Result {
    match repeats {
        Repeats { count, exact: true, .. } => writeln!(f, "{what}  {count}"),
        Repeats { count, error, .. } => writeln!(f, "{what}  about {count} (estimate, ± {error})"),
    }
}

fn write_lengths(f: &mut fmt::Formatter<'_>, name: &str, lengths: &Lengths) -> fmt::Result {
    if lengths.words.count() == 0 {
        return Ok(());
    }
    let half = |histogram: &Histogram| format!("about {} (longest {})", histogram.median(), histogram.longest());
    writeln!(
        f,
        "\nlength of {} {name}: median {} words, {} characters; by words:",
        lengths.words.count(),
        half(&lengths.words),
        half(&lengths.characters)
    )?;
    let buckets = lengths.words.buckets();
    let most = buckets.iter().map(|bucket| bucket.count).max().unwrap_or(1);
    for Bucket { from, to, count } in buckets {
        let range = if from == to { from.to_string() } else { format!("{from}-{to}") };
        let bar = "#".repeat((count as u128 * u128::from(BAR)).div_ceil(u128::from(most)) as usize);
        writeln!(f, "  {range:>11} {count:>7} {bar}")?;
    }
    Ok(())
}
