//! Every format's reader on any records: each record is accounted for once, whatever is understood can be inspected and
//! written, and what a stage is given it can read.

use super::options;
use nudge_data::format::{Inspection, Wanted, Writer, native_records, read};
use nudge_data::{Format, Found, Layout, Source, comparisons_from, demonstrations_from, prompts_from};

/// Reads it.
pub fn target(content: &[u8]) {
    let Ok(source) = Source::open("fuzz", content, options(Layout::Jsonl)) else { return };
    let found: Vec<Found> = source.collect();
    for format in Format::ALL {
        let mut records = 0;
        let mut inspection = Inspection::new(format, "jsonl");
        let mut writers = Writer::FORMATS.map(|to| Writer::new(to).expect("can be written"));
        for one in read(format, found.iter().cloned()) {
            records += one.records;
            inspection.add(&one);
            if let Ok(entry) = &one.result {
                writers.iter_mut().for_each(|writer| drop(writer.write(entry)));
            }
        }
        assert_eq!(records, found.len() as u64, "{format}: every record is accounted for once");
        let _ = inspection.finish().to_string();
        for wanted in [Wanted::Demonstrations, Wanted::Comparisons, Wanted::Prompts] {
            for (_, record) in native_records(wanted, read(format, found.iter().cloned())) {
                let Ok(record) = record else { continue };
                let line = serde_json::to_string(&record).expect("a record is plain JSON");
                let understood = match wanted {
                    Wanted::Demonstrations => demonstrations_from("line", &line).map(drop),
                    Wanted::Comparisons => comparisons_from("line", &line).map(drop),
                    _ => prompts_from("line", &line).map(drop),
                };
                assert_eq!(understood, Ok(()), "{format}: {line}");
            }
        }
    }
}
