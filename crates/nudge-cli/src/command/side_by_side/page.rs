//! The report as a page: pictures, what the runs ended with, what differs, what their models wrote, their cards.

use super::group::Group;
use super::{Run, tables};
use crate::picture::Page;
use crate::report;
use crate::svg::Chart;

const PICTURES: &str = "A line is a run, or the mean of runs that differ in their seed alone, in a band from the lowest to the \
     highest of them. Over sqrt(KL), the distance from where tuning started, every run has its own line; a point with its \
     95 % interval is a comparison on prompts of its own.";

/// The page.
pub fn of(groups: &[Group], pictures: &[Chart]) -> Page {
    let runs: usize = groups.iter().map(|group| group.runs.len()).sum();
    let mut page = Page::new(&format!("{} side by side", report::times(runs, "run", "runs")));
    page.table(&tables::ended(groups));
    page.heading("Pictures");
    page.text(PICTURES);
    pictures.iter().for_each(|picture| page.chart(picture));
    page.heading("What differs");
    match tables::differing(groups) {
        Some(table) => page.table(&table),
        None => page.text("Nothing but the seeds."),
    }
    groups.iter().flat_map(|group| &group.runs).for_each(|run| verdicts(&mut page, run));
    page.heading("Model cards");
    for run in groups.iter().flat_map(|group| &group.runs) {
        match &run.card {
            Some(card) => page.folded(&run.name, card),
            None => page.text(&format!("{} has none: it has not ended.", run.name)),
        }
    }
    page
}

/// What the rules said when it ended, and who won where its model was compared.
fn verdicts(page: &mut Page, run: &Run) {
    let findings = run.record.results.as_ref().map_or(&[][..], |results| &results.findings);
    if !findings.is_empty() || !run.compared.is_empty() {
        page.heading(&run.name);
        page.findings(findings);
    }
    for compared in &run.compared {
        let found = &compared.outcome.verdict;
        page.text(&format!("Compared with {}: {}", compared.with, report::win_rate(found)));
        page.interval(found.win_rate, found.low, found.high);
        page.findings(&compared.outcome.verdicts.findings);
        if !compared.pairs.is_empty() {
            page.side_by_side(&compared.pairs);
        }
    }
}
