//! Files that people published, where the folder of data is; elsewhere these tests say that they skip.

use std::io::Write;

use super::super::{Inspection, Report, detect};
use super::*;
use crate::source::{Source, SourceOptions};

/// The report of a file of the folder, detected.
fn report(path: &str) -> Option<Report> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    #[expect(clippy::disallowed_methods, reason = "a test may read files")]
    let Ok(bytes) = std::fs::read(folder.join(path)) else {
        writeln!(std::io::stderr(), "skipped: {path} is not there").ok();
        return None;
    };
    let source = Source::open(path, bytes.as_slice(), SourceOptions::default()).expect("opens");
    let layout = source.layout().name();
    let detected = detect(path, source, None).expect("is told");
    let mut inspection = Inspection::new(detected.format, layout);
    read(detected.format, detected.found).for_each(|read| inspection.add(&read));
    Some(inspection.finish())
}

#[test]
fn published_files_are_understood() {
    // The drops are pairs of two equal completions, counted in the files with another tool.
    let cases = [
        ("instructions/alpaca_format.json", "alpaca", "demonstration", 1100, 0),
        ("instructions/fables.jsonl", "prompt-completion", "demonstration", 2997, 0),
        ("instructions/fairytale_questions.jsonl", "question-answer", "demonstration", 10_580, 0),
        ("preferences/polite_rude.json", "alpaca", "pair", 1100, 6),
        ("preferences/sense_making.jsonl", "preference", "pair", 5000, 2),
    ];
    for (path, format, kind, records, dropped) in cases {
        let Some(report) = report(path) else { continue };
        assert_eq!(report.format, format, "{path}");
        assert_eq!(
            (report.records, report.dropped_count),
            (records - dropped, dropped),
            "{path}: {:?}",
            report.dropped
        );
        assert_eq!(report.entries[kind], records - dropped, "{path}");
        assert!(report.dropped.iter().all(|dropped| dropped.reason.contains("the same text")), "{:?}", report.dropped);
    }
}

#[test]
fn the_published_trees_hold_212_rankings() {
    let Some(report) = report("preferences/oasst_trees.jsonl") else { return };
    assert_eq!((report.format.as_str(), report.records), ("oasst-trees", 100));
    assert_eq!(report.entries["ranking"], 212, "{:?}", report.dropped);
    let sizes: Vec<(usize, u64)> = report.answers_per_ranking.into_iter().collect();
    assert_eq!(sizes, [(2, 57), (3, 117), (4, 27), (5, 3), (6, 6), (8, 1), (9, 1)]);
}
