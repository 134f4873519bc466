//! What the training stages are given.

use super::super::{Reason, Wanted, entries_for, native_records};
use super::*;
use crate::jsonl::read_jsonl;
use crate::rankings::{PreferenceRecord, comparisons_from};
use crate::records::{
    DemonstrationRecord, PromptRecord, TextRecord, UnpairedRecord, demonstrations_from, prompts_from,
};

const ALL: [Wanted; 5] = [Wanted::Demonstrations, Wanted::Comparisons, Wanted::Prompts, Wanted::Unpaired, Wanted::Text];

/// The records as they are written, each with the line that it came from.
fn lines(wanted: Wanted, format: Format, values: Vec<Value>) -> Vec<(u64, Result<String, Reason>)> {
    native_records(wanted, read(format, found(values))).map(|(line, record)| (line, record.map(written))).collect()
}

fn written(record: Entry) -> String {
    serde_json::to_string(&record).expect("a record is plain JSON")
}

/// Reads the text as the stage does, and counts its records.
fn stage_reads(wanted: Wanted, text: &str) -> usize {
    match wanted {
        Wanted::Demonstrations => demonstrations_from("x", text).expect("reads").len(),
        Wanted::Comparisons => comparisons_from("x", text).expect("reads").len(),
        Wanted::Prompts => prompts_from("x", text).expect("reads").len(),
        Wanted::Unpaired => read_jsonl::<UnpairedRecord>("x", text).expect("reads").len(),
        Wanted::Text => read_jsonl::<TextRecord>("x", text).expect("reads").len(),
    }
}

#[test]
fn every_format_gives_what_it_says_and_nothing_else() {
    for (format, value) in fixtures() {
        // One question by itself gives nothing; the tree of the other fixture stands for both.
        let format_read = if format == Format::OasstMessages { continue } else { format };
        for wanted in ALL {
            let lines = lines(wanted, format_read, vec![value.clone()]);
            let good: Vec<&String> = lines.iter().filter_map(|(_, line)| line.as_ref().ok()).collect();
            // Alpaca may hold pairs, Tldr ratings: the format gives more than this record.
            if good.is_empty() {
                let pairs_only_sometimes = format == Format::Alpaca
                    || (format, wanted) == (Format::Unpaired, Wanted::Demonstrations)
                    || (format, wanted) == (Format::OpenWebUi, Wanted::Comparisons);
                assert!(!format.gives(wanted) || pairs_only_sometimes, "{format} {}", wanted.name());
                assert_eq!(lines.len(), 1, "a drop says why");
            } else {
                assert!(format.gives(wanted), "{format} {}", wanted.name());
                let text = good.iter().map(|line| format!("{line}\n")).collect::<String>();
                assert_eq!(stage_reads(wanted, &text), good.len());
            }
        }
    }
}

#[test]
fn a_file_without_what_is_wanted_is_told_what_it_is_good_for() {
    let message = Format::Prompt.require("p.jsonl", Wanted::Demonstrations).expect_err("is refused");
    assert!(
        message.starts_with("p.jsonl is prompt")
            && message.contains("no demonstrations")
            && message.ends_with("used for prompts"),
        "{message}"
    );
    assert_eq!(Format::OasstTrees.require("o", Wanted::Comparisons), Ok(()));
    assert_eq!(Format::Preference.require("o", Wanted::Prompts), Ok(()));
    let message = Format::Text.require("t.txt", Wanted::Comparisons).expect_err("is refused");
    assert!(message.ends_with("used for texts to continue"), "{message}");
}

#[test]
fn every_turn_of_a_conversation_is_a_demonstration_of_its_line() {
    let talk = json!({ "messages": [
        { "role": "assistant", "content": "Welcome" },
        { "role": "user", "content": "a" }, { "role": "assistant", "content": "b" },
        { "role": "user", "content": "c" }, { "role": "assistant", "content": "d" },
    ], "task": "talk" });
    let mut native =
        native_records(Wanted::Demonstrations, read(Format::Conversation, found(vec![json!({}), talk.clone()])));
    let records: Vec<(u64, Result<Entry, Reason>)> = native.by_ref().collect();
    assert_eq!(records.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 2, 2]);
    assert!(records[0].1.as_ref().expect_err("is a drop").to_string().contains("`messages` is missing"));
    let last = DemonstrationRecord::try_from(records[2].1.clone().expect("is a record")).expect("is a demonstration");
    assert_eq!((last.completion.as_str(), last.prompt.messages().len()), ("d", 4));
    assert_eq!(last.task.as_deref(), Some("talk"));
    assert!(native.notes()[0].contains("nothing to answer before"), "{:?}", native.notes());
    let whole: Vec<_> = entries_for(Wanted::Demonstrations, read(Format::Conversation, found(vec![talk]))).collect();
    assert!(matches!(whole[0], (1, Ok(Entry::Conversation(_)))));
}

#[test]
fn rankings_stay_whole_for_comparisons_and_tied_ones_are_named() {
    let ranked =
        |ranking: Value| json!({ "id": "r", "prompt": "p", "completions": ["a", "b", "c"], "ranking": ranking });
    let values = vec![ranked(json!([[2], [0, 1]])), ranked(json!([[0, 1, 2]]))];
    let records: Vec<_> = native_records(Wanted::Comparisons, read(Format::Ranking, found(values))).collect();
    let first = PreferenceRecord::try_from(records[0].1.clone().expect("is a record")).expect("is a preference");
    assert_eq!(first.comparison().expect("compares").expect("is no repeat").pairs, [(2, 0), (2, 1)]);
    assert_eq!(records[1].1, Err(Reason::TiesEverything));
    let refused = PromptRecord::try_from(records[0].1.clone().expect("is a record")).expect_err("is a ranking");
    assert_eq!(refused.to_string(), "a ranking can not become a prompt");
}

#[test]
fn of_rankings_the_edits_are_imitated_and_the_best_where_there_is_none() {
    let ranked = |prompt: &str, edit: Value| json!({ "id": "r", "prompt": prompt, "completions": ["a", "b"], "ranking": [[1], [0]], "edit": edit });
    let completions = |values: Vec<Value>| {
        let mut native = native_records(Wanted::Demonstrations, read(Format::Ranking, found(values)));
        let record = |(_, entry): (u64, Result<Entry, Reason>)| DemonstrationRecord::try_from(entry.expect("is whole"));
        let completions: Vec<String> = native.by_ref().map(|found| record(found).expect("is one").completion).collect();
        (completions, native.notes().join(" "))
    };
    let (best, _) = completions(vec![ranked("p", Value::Null), ranked("q", Value::Null)]);
    assert_eq!(best, ["b", "b"]);
    let (edits, notes) =
        completions(vec![ranked("p", Value::Null), ranked("q", json!({ "of": 1, "text": "b, mended" }))]);
    assert_eq!(edits, ["b, mended"]);
    assert!(notes.contains("edited answers taken: 1; rankings without an edit left out: 1"), "{notes}");
    let pair = |rejected: &str| json!({ "prompt": "p", "chosen": "c", "rejected": rejected, "edited": true });
    let pairs = native_records(Wanted::Demonstrations, read(Format::Preference, found(vec![pair("a"), pair("b")])));
    assert_eq!(pairs.count(), 1, "one edit that was written as pairs");
}

#[test]
fn an_edit_that_is_none_is_named() {
    for (edit, part) in [
        (json!("better"), "`edit` is no object such as"),
        (json!({ "text": "" }), "its edit is empty"),
        (json!({ "text": "a" }), "the same text as completion 0"),
        (json!({ "of": 2, "text": "c" }), "there are 2, counted from 0"),
    ] {
        let value = json!({ "id": "r", "prompt": "p", "completions": ["a", "b"], "ranking": [[1], [0]], "edit": edit });
        let mut records = native_records(Wanted::Comparisons, read(Format::Ranking, found(vec![value])));
        let reason = records.next().expect("is one").1.expect_err("is refused").to_string();
        assert!(reason.contains(part), "{reason}");
    }
}

#[test]
fn fields_of_the_user_never_change_what_a_line_is() {
    let pair = json!({
        "prompt": "p", "chosen": "a", "rejected": "b", "ranking": 3, "margin": "0.5", "task": 7, "split": [1],
        "completion": "c",
    });
    let text = lines(Wanted::Comparisons, Format::Preference, vec![pair.clone()])[0].1.clone().expect("is a line");
    assert_eq!(comparisons_from("x", &text).expect("reads")[0].margin, Some(0.5));
    let text = lines(Wanted::Demonstrations, Format::Preference, vec![pair])[0].1.clone().expect("is a line");
    let demonstration = &demonstrations_from("x", &text).expect("reads")[0];
    assert_eq!((demonstration.task.as_deref(), demonstration.completion.as_str()), (Some("7"), "a"));
}

#[test]
fn a_prompt_answered_several_times_in_a_row_is_asked_once() {
    let pair = |prompt: &str, chosen: &str| json!({ "prompt": prompt, "chosen": chosen, "rejected": "z" });
    let values = vec![pair("p", "a"), pair("p", "b"), pair("q", "a"), pair("p", "c")];
    let mut native = native_records(Wanted::Prompts, read(Format::Preference, found(values)));
    let lines: Vec<u64> = native.by_ref().map(|(line, record)| record.map(|_| line).expect("is a record")).collect();
    assert_eq!(lines, [1, 3, 4]);
    assert_eq!(native.notes().len(), 2, "{:?}", native.notes());
    let asked_twice = vec![json!({ "prompt": "p" }), json!({ "prompt": "p" })];
    assert_eq!(lines_of(asked_twice), 2, "a list of prompts is taken as it is");
}

fn lines_of(prompts: Vec<Value>) -> usize {
    lines(Wanted::Prompts, Format::Prompt, prompts).len()
}
