//! `nudge data`: files of other tools looked at, converted, mixed; and trained on as they are.

use crate::support::Place;
use serde_json::{Value, json};

const STORY: &str = "Once there was a boy named Tom. Tom had a red ball. Tom ran to the park with his ball. \
    \"Look at me!\" Tom said. A dog came and took the ball. Tom was sad. Then the dog came back. Tom was happy.\n<|endoftext|>\n";

/// Alpaca records, the last one without a completion.
fn alpaca() -> String {
    let record = |index: usize| {
        let output = if index == 12 { String::new() } else { format!("The cat has {index} hats.") };
        json!({ "instruction": format!("Tell me about cat {index}."), "input": "", "output": output })
    };
    serde_json::to_string_pretty(&(1..=12).map(record).collect::<Vec<_>>()).expect("plain JSON")
}

fn ranking(id: &str, groups: Value) -> Value {
    let completions = json!([{ "text": "Good." }, { "text": "Fair." }, { "text": "Bad." }]);
    json!({ "id": id, "prompt": format!("Question {id}?"), "completions": completions, "ranking": groups })
}

#[test]
fn inspect_says_what_was_understood_and_what_was_not() {
    let place = Place::new();
    place.write("alpaca.json", &alpaca());
    let report = place.done("data inspect alpaca.json");
    assert_eq!(
        (&report["format"], &report["records"], &report["comparisons"]),
        (&json!("alpaca"), &json!(11), &json!(0))
    );
    assert_eq!(report["dropped"].as_array().expect("a list").len(), 1);
    assert!(report["dropped"][0]["reason"].as_str().expect("a reason").contains("empty"), "{report}");
    // The twelfth record of five lines, behind the bracket.
    assert_eq!(report["dropped"][0]["line"], json!(57));
    place.refused("data inspect alpaca.json --strict", &["alpaca.json, line 57", "empty"]);
    let ended = place.run("data inspect alpaca.json --format alpacca");
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("no format \"alpacca\"") && ended.err.contains("sharegpt"), "{}", ended.err);
    place.refused("data inspect nothing.json", &["nothing.json", "Check the path"]);
    let text = place.run("data inspect alpaca.json").out;
    assert!(text.contains("alpaca") && text.contains("11"), "{text}");
}

#[test]
fn convert_goes_there_and_back() {
    let place = Place::new();
    let records = [ranking("1", json!([[0], [1, 2]])), ranking("2", json!([[2], [1], [0]]))];
    place.write("rankings.jsonl", &records.map(|record| format!("{record}\n")).concat());
    let done = place.done("data convert --to preference rankings.jsonl pairs.jsonl.gz");
    assert_eq!((&done["records"], &done["written"], &done["dropped_count"]), (&json!(2), &json!(5), &json!(0)));
    place.done("data convert --to ranking pairs.jsonl.gz back.json");
    let back: Vec<Value> = serde_json::from_str(&place.read("back.json")).expect("an array");
    let order = |record: &Value| -> Vec<Vec<String>> {
        let text =
            |index: &Value| record["completions"][index.as_u64().expect("an index") as usize]["text"].to_string();
        let group = |group: &Value| {
            let mut texts: Vec<String> = group.as_array().expect("a group").iter().map(text).collect();
            texts.sort();
            texts
        };
        record["ranking"].as_array().expect("groups").iter().map(group).collect()
    };
    assert_eq!(back.iter().map(order).collect::<Vec<_>>(), records_of(&place).iter().map(order).collect::<Vec<_>>());
    place.refused("data convert --to preference rankings.jsonl back.json", &["back.json exists", "--force"]);
    place.refused("data convert --to oasst-trees rankings.jsonl x.jsonl", &["can be read but not written"]);
    place.refused("data convert --to ranking rankings.jsonl rankings.jsonl --force", &["is what the command reads"]);
    assert!(!place.path("x.jsonl").exists() && !place.path("x.jsonl.tmp").exists());
}

fn records_of(place: &Place) -> Vec<Value> {
    place.records("rankings.jsonl")
}

#[test]
fn a_bad_record_is_named_and_a_strict_conversion_leaves_nothing() {
    let place = Place::new();
    place.write("alpaca.json", &alpaca());
    let ended = place.run("data convert --to prompt-completion alpaca.json out.jsonl");
    assert!(
        ended.err.contains("alpaca.json, line 57") && ended.out.contains("1 dropped"),
        "{}{}",
        ended.err,
        ended.out
    );
    assert_eq!(place.records("out.jsonl").len(), 11);
    place.refused(
        "data convert --to prompt-completion alpaca.json strict.jsonl --strict",
        &["alpaca.json, line 57", "empty"],
    );
    assert!(!place.path("strict.jsonl").exists() && !place.path("strict.jsonl.tmp").exists());
}

#[test]
fn a_mixture_has_a_cap_and_leaves_clusters_out() {
    let place = Place::new();
    place.write("alpaca.json", &alpaca().replace("\"output\": \"\"", "\"output\": \"None.\""));
    place.write("stories.txt", &STORY.repeat(12));
    place.write(
        "own.toml",
        "cluster = \"capitals\"\n[[task]]\nname = \"capital\"\ndescription = \"Capitals.\"\nfields = [\"country\", \"city\"]\n\
         completion = \"{city}.\"\nprompts = [\"What is the capital of {country}?\"]\n",
    );
    place.write("cities.csv", "country,city\nFrance,Paris\nItaly,Rome\n");
    let words =
        "data mix --data alpaca.json --stories stories.txt --tasks own.toml --records cities.csv --cap 5 --seed 3";
    let report = place.done(&format!("{words} --out mixture.jsonl"));
    let share = |report: &Value, task: &str| -> Option<Value> {
        let tasks = report["tasks"].as_array().expect("tasks");
        tasks.iter().find(|share| share["task"] == task).cloned()
    };
    assert_eq!(share(&report, "alpaca").expect("a task")["drawn"], json!(5));
    assert_eq!(share(&report, "capital").expect("a task")["drawn"], json!(2));
    assert!(share(&report, "who").is_some(), "{report}");
    let records = place.records("mixture.jsonl");
    assert_eq!(json!(records.len()), report["records"]);
    assert!(records.iter().any(|record| record["prompt"] == "What is the capital of Italy?"));
    let report = place.done(&format!("{words} --without reading --out rest.jsonl --held-out reading.jsonl"));
    assert!(share(&report, "who").is_none());
    assert!(place.records("reading.jsonl").iter().all(|record| record["cluster"] == "reading"));
    let report = place.done(&format!("{words} --without who --out others.jsonl"));
    assert!(share(&report, "who").is_none() && share(&report, "capital").is_some(), "{report}");
    place.refused(&format!("{words} --without raeding --out x.jsonl"), &["no demonstration", "`raeding`"]);
    place.refused(&format!("{words} --out rest.jsonl"), &["rest.jsonl exists", "--force"]);
}

#[test]
fn stages_read_the_files_of_others() {
    let place = Place::new();
    place.write("alpaca.json", &alpaca());
    place.refused("sft --model base --data alpaca.json --out out", &["alpaca.json, line 57", "empty"]);
    let ended = place.run("sft --model base --data alpaca.json --skip-bad --epochs 1 --out out");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("1 record left out"), "{}", ended.err);
    place.refused("reward --model sft --comparisons prompts.jsonl --out reward", &["holds no comparisons", "prompts"]);
    let completion = |text: &str| json!([{ "role": "assistant", "content": text }]);
    let talk = json!([
        { "role": "user", "content": "Hi." },
        { "role": "assistant", "content": "Hello." },
        { "role": "user", "content": "Tell me about a cat." },
    ]);
    let pair = |index: usize| json!({ "prompt": talk, "chosen": completion(&format!("It has {index} hats.")), "rejected": completion("No.") });
    place.write("pairs.jsonl", &(0..8).map(|index| format!("{}\n", pair(index))).collect::<String>());
    place.done("reward --model sft --comparisons pairs.jsonl --epochs 1 --out reward");
    place.done("ppo --policy sft --reward reward --prompts pairs.jsonl --episodes 8 --batch-size 8 --max-new-tokens 8 --out ppo");
    let unpaired = |index: usize| json!({ "prompt": format!("Cat {index}?"), "completion": "It has a hat.", "label": index.is_multiple_of(2) });
    place.write("unpaired.jsonl", &(0..8).map(|index| format!("{}\n", unpaired(index))).collect::<String>());
    place.done("kto --policy sft --comparisons unpaired.jsonl --epochs 1 --held-out 0 --out kto");
}
