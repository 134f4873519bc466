//! `nudge data merge`: several labelers' rankings of the same screens become one ranking each.

use super::check_free;
use crate::args::Merge;
use crate::disk::write_atomic;
use crate::input::Records;
use crate::report::{self, times};
use anyhow::Result;
use nudge_data::write_jsonl;
use nudge_session::merge::{MergeReport, MergedScreen, merge};

/// Screens that are listed for people; all of them are in the JSON object.
const LISTED: usize = 10;

/// Merges into `--out`.
pub fn run(arguments: &Merge) -> Result<()> {
    check_free(&arguments.out, arguments.force, &arguments.rankings)?;
    let rankings = Records::own(&arguments.rankings, nudge_data::rankings_from)?;
    let (merged, found) = merge(rankings.all)?;
    write_atomic(&arguments.out, write_jsonl(&merged).as_bytes())?;
    report::result(arguments.json, &found, || {
        format!("{}\nmerge: {} -> {}", text(&found), times(found.records, "record", "records"), arguments.out.display())
    })
}

fn text(found: &MergeReport) -> String {
    let mut lines = vec![format!(
        "{} by {}: {}",
        times(found.rankings, "ranking", "rankings"),
        times(found.labelers.len(), "labeler", "labelers"),
        found.labelers.join(", ")
    )];
    let dropped = [
        (found.duplicates, "copies of a ranking by the same labeler, dropped"),
        (found.repeats, "rankings of a screen shown again, dropped (they measure agreement)"),
        (found.second_thoughts, "other rankings of a screen by the same labeler, dropped: the first counts"),
    ];
    lines.extend(dropped.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
    if !found.without_preference.is_empty() {
        let count = times(found.without_preference.len(), "screen", "screens");
        lines.push(format!("{count} left out, the votes leave no preference: {}", found.without_preference.join(", ")));
    }
    let mut screens: Vec<&MergedScreen> = found.screens.iter().filter(|screen| screen.agreement < Some(1.0)).collect();
    screens.sort_by(|one, other| one.agreement.unwrap_or(1.0).total_cmp(&other.agreement.unwrap_or(1.0)));
    if !screens.is_empty() {
        lines.push(format!(
            "labelers differ on {} of {} that several ranked; most on",
            screens.len(),
            times(found.screens.len(), "screen", "screens")
        ));
    }
    lines.extend(screens.iter().take(LISTED).map(|screen| differing(screen)));
    lines.join("\n")
}

fn differing(screen: &MergedScreen) -> String {
    let agreement = match screen.agreement {
        Some(agreement) => format!("{:>3.0} % of {} agree", 100.0 * agreement, times(screen.pairs, "pair", "pairs")),
        None => "every pair is tied".into(),
    };
    format!("  {:<20} {agreement} ({})", screen.id, screen.labelers.join(", "))
}
