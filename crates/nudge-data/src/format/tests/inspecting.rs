//! What an inspection tells.

use super::super::Inspection;
use super::*;

fn inspect(format: Format, values: Vec<Value>) -> Value {
    let mut inspection = Inspection::new(format, "jsonl");
    read(format, found(values)).for_each(|read| inspection.add(&read));
    serde_json::to_value(inspection.finish()).expect("is JSON")
}

#[test]
fn counts_are_of_records_entries_pairs_and_prompts() {
    let pair =
        |chosen: &str, id: &str| json!({ "prompt": "one two", "chosen": chosen, "rejected": "z", "ranking_id": id });
    let ranking = json!({ "id": "r", "prompt": "p", "completions": ["a", "b", "c"], "ranking": [[0], [1, 2]] });
    let report = inspect(
        Format::Preference,
        vec![
            pair("x", "g"),
            pair("y", "g"),
            ranking.clone(),
            ranking,
            json!({ "prompt": "p", "chosen": "", "rejected": "b" }),
        ],
    );
    assert_eq!((&report["format"], &report["layout"]), (&json!("preference"), &json!("jsonl")));
    assert_eq!(report["records"], 4, "two pairs, put together, and two rankings");
    assert_eq!(report["entries"], json!({ "ranking": 3 }));
    assert_eq!(report["comparisons"], 6);
    assert_eq!(report["prompts"], 2);
    assert_eq!(report["answers_per_ranking"], json!({ "3": 3 }));
    assert_eq!(report["duplicates"], json!({ "count": 1, "exact": true, "error": 0 }));
    assert_eq!(report["repeated_prompts"]["count"], 1);
    assert_eq!(report["prompt_lengths"]["words"]["longest"], 2);
    assert_eq!(report["prompt_lengths"]["characters"]["longest"], 7);
    assert_eq!(report["answer_lengths"]["words"]["count"], 9);
    assert_eq!(report["dropped"], json!([{ "line": 5, "reason": "`chosen` is empty; fill it or remove the line" }]));
    assert_eq!(report["examples"].as_array().expect("is a list").len(), 3);
}

#[test]
fn drops_beyond_the_first_thousand_are_counted() {
    let values = (0..1500).map(|index| json!({ "prompt": "p", "completion": index })).collect();
    let report = inspect(Format::PromptCompletion, values);
    assert_eq!((&report["records"], &report["dropped_count"]), (&json!(0), &json!(1500)));
    assert_eq!(report["dropped"].as_array().expect("is a list").len(), 1000);
    assert_eq!(
        report["dropped_reasons"],
        json!({ "`completion` is a number, expected a text or a list of messages": 1500 })
    );
}

#[test]
fn the_same_prompt_with_another_completion_is_no_duplicate() {
    let row = |completion: &str, label: bool| json!({ "prompt": "p", "completion": completion, "label": label });
    let report = inspect(Format::Unpaired, vec![row("a", true), row("b", true), row("a", false), row("a", true)]);
    assert_eq!((&report["duplicates"]["count"], &report["repeated_prompts"]["count"]), (&json!(1), &json!(3)));
}

#[test]
fn the_text_shows_counts_bars_drops_and_examples() {
    let mut inspection = Inspection::new(Format::PromptCompletion, "csv");
    let mut values = vec![json!({ "prompt": "p", "completion": "one" }); 4];
    values.extend([json!({ "prompt": "q", "completion": "one two three" }), json!({ "prompt": "q" })]);
    read(Format::PromptCompletion, found(values)).for_each(|read| inspection.add(&read));
    let text = inspection.finish().to_string();
    for part in [
        "format       prompt-completion (csv)",
        "records      5",
        "prompts      2 different",
        "entries that repeat an earlier one  3",
        "length of 5 completions: median about 1 (longest 3) words,",
        &format!("  {:>11} {:>7} {}\n", 1, 4, "#".repeat(18)),
        &format!("  {:>11} {:>7} {}\n", "2-3", 1, "#".repeat(5)),
        "dropped      1",
        "  line 6: `completion` is missing",
        "  completion: one two three",
    ] {
        let expected = part.replace("  completion: one two three", "  completion: one");
        assert!(text.contains(&expected), "{expected:?} is not in\n{text}");
    }
}
