//! Measurements of the methods: a table that can be stopped and resumed, logs that become a frontier, labelers that are
//! compared.

use crate::support::{Place, example, stories};
use serde_json::Value;

const METHODS: &str =
    "lab methods --model sft --labelers shorter --seeds 1 --quick --methods dpo rounds rloo best-of --out rows.jsonl";

/// Rows without the time.
fn timeless(place: &Place) -> Vec<Value> {
    let mut rows = place.records("rows.jsonl");
    rows.iter_mut().for_each(|row| drop(row.as_object_mut().expect("an object").remove("seconds")));
    rows
}

#[test]
fn methods_from_the_same_rankings() {
    let place = Place::new();
    let found = place.done(&format!("{METHODS} --report methods.html"));
    let report = place.read("methods.html");
    assert!(report.contains("SIMULATED") && report.contains("<td>best-of</td>"), "{report}");
    // An interval a method, and the sentence that explains them.
    assert!(report.matches("<svg").count() == 4 && report.contains("50 % is a coin"), "{report}");
    assert_eq!(found["simulated"], true);
    let rows = timeless(&place);
    let methods: Vec<&str> = rows.iter().filter_map(|row| row["method"].as_str()).collect();
    assert_eq!(methods, ["dpo", "rounds", "rloo", "best-of"]);
    let accuracies: Vec<&Value> = rows.iter().map(|row| &row["reward_accuracy"]).collect();
    assert!(accuracies.iter().all(|accuracy| **accuracy == *accuracies[0]), "all start from one reward model");
    assert_eq!(found["summary"].as_array().map(Vec::len), Some(4));
    for row in &rows {
        let of = |name: &str| row[name].as_f64().expect("a number");
        assert!(of("low") < of("win_rate") && of("win_rate") < of("high"), "{row}");
        // An estimate from few completions may fall a little below 0.
        assert!(of("kl") > -0.5 && (row["method"] != "best-of" || of("kl") > 1.2), "{row}");
    }
    place.refused(METHODS, &["rows.jsonl exists", "--resume"]);

    // What was cut off is measured again, and comes out the same.
    let text = place.read("rows.jsonl");
    let cut: String = text.split_inclusive('\n').take(1).collect::<String>() + "{\"labeler\":\"sho";
    place.write("rows.jsonl", &cut);
    place.done(&format!("{METHODS} --resume"));
    assert_eq!(timeless(&place), rows);
}

#[test]
fn a_frontier_from_logs() {
    let place = Place::new();
    place.write("pack.jsonl", &example("packs/short_and_clear.jsonl", 24));
    place.write("prompts.jsonl", &example("prompts.jsonl", 16));
    place.done("reward --model sft --comparisons pack.jsonl --epochs 2 --out reward");
    place.done(
        "rloo --policy sft --reward reward --prompts prompts.jsonl --episodes 160 --batch-size 16 --k 4 \
         --max-new-tokens 12 --learning-rate 1e-3 --gold-labeler shorter --out tuned",
    );
    place.done(
        "best-of --policy sft --reward reward --prompts prompts.jsonl --n 8 --max-new-tokens 12 --out best.jsonl \
         --log best.log.jsonl",
    );
    let found = place.done("lab frontier --log tuned/log.jsonl best.log.jsonl --report frontier.html");
    let report = place.read("frontier.html");
    assert_eq!(report.matches("proxy reward over sqrt(KL)</figcaption>").count(), 2, "{report}");
    assert_eq!(report.matches("gold reward over sqrt(KL)</figcaption>").count(), 1, "{report}");
    let [tuned, best] = found.as_array().expect("one object a log").as_slice() else { panic!("{found}") };
    assert_eq!((&tuned["curve"], &best["curve"]), (&"rl".into(), &"best_of_n".into()));
    assert_eq!(tuned["points"].as_array().map(Vec::len), Some(10));
    assert!(tuned["gold"]["alpha"].is_number() && best["gold"].is_null(), "{found}");
    assert!(best["proxy"]["alpha"].as_f64() > Some(0.0), "the best of more completions scores more: {best}");
    place.refused("lab frontier --log pack.jsonl", &["pack.jsonl", "objective/kl"]);
}

#[test]
fn labelers_who_rank_the_same_screen() {
    let place = Place::new();
    place.write("prompts.jsonl", &example("prompts.jsonl", 8));
    place.done("sample --model sft --prompts prompts.jsonl --k 3 --max-new-tokens 12 --out candidates.jsonl");
    for labeler in ["shorter", "no_repetition"] {
        place.done(&format!("rank --candidates candidates.jsonl --labeler {labeler} --out {labeler}.jsonl"));
    }
    let found = place.done("agreement --rankings shorter.jsonl shorter.jsonl no_repetition.jsonl");
    assert_eq!(found["rankings"], 24);
    let [own] = found["with_themselves"].as_array().expect("a list").as_slice() else { panic!("{found}") };
    assert_eq!((&own["screens"], &own["agreement"]), (&8.into(), &1.0.into()), "a rule never changes its mind");
    let [both] = found["with_each_other"].as_array().expect("a list").as_slice() else { panic!("{found}") };
    assert_eq!(both["screens"], 16);
    place.refused("agreement --rankings shorter.jsonl", &["none of the 8 rankings", "rank some screens twice"]);
}

#[test]
fn preferences_that_can_be_learnt() {
    let place = Place::new();
    place.write("pack.jsonl", &example("packs/dialogue.jsonl", 24));
    let words = "lab preferences --model sft --comparisons pack.jsonl --seeds 2 --epochs 1 --report learnt.html";
    let found = place.done(words);
    let learners: Vec<&str> = found["rows"]
        .as_array()
        .expect("a row a seed and learner")
        .iter()
        .filter_map(|row| row["learner"].as_str())
        .collect();
    assert_eq!(learners.len(), 4, "{found}");
    let report = place.read("learnt.html");
    for part in ["<td>pack.jsonl</td>", "<td>bag-of-words</td>", "<td>reward-model</td>", "50 % is chance", "<svg"] {
        assert!(report.contains(part), "{part} is not in {report}");
    }
    assert!(!report.contains("<script"), "{report}");
}

#[test]
fn instructions_that_are_answered() {
    let place = Place::new();
    let stories = stories(40);
    let middle = stories.match_indices("<|endoftext|>\n").nth(24).expect("more stories").0;
    let (some, others) = stories.split_at(middle + "<|endoftext|>\n".len());
    place.write("stories.txt", some);
    place.write("others.txt", others);
    let words = "lab instruct --model base --stories stories.txt --held-out-stories others.txt --seeds 1 --epochs 1 \
        --cap 10 --questions 4 --report answered.html";
    let found = place.done(words);
    let rows = found["summary"].as_array().expect("a row a task");
    assert!(!rows.is_empty(), "{found}");
    let report = place.read("answered.html");
    let tasks = rows.iter().map(|row| format!("<td>{}</td>", row["task"].as_str().expect("a name")));
    for part in tasks.chain(["<th>cluster</th>".into(), "counts as answered".into()]) {
        assert!(report.contains(&part), "{part} is not in {report}");
    }
    assert!(!report.contains("<script"), "{report}");
}

const SHAPES: &str = "lab shapes --model sft --quick --only 5 11 --seeds 2";

#[test]
fn rows_measured_one_by_one_make_the_table_of_a_single_run() {
    let place = Place::new();
    let single = place.run(&format!("{SHAPES} --json --report single.html"));
    assert_eq!((single.code, single.out.lines().count()), (Some(0), 2), "{}", single.err);
    let listed = place.run(&format!("{SHAPES} --rows"));
    let commands: Vec<&str> = listed.out.lines().collect();
    assert_eq!(commands.len(), 4, "{}", listed.out);
    // The last comes first, in files of their own.
    let mut files = Vec::new();
    for (number, command) in commands.iter().enumerate().rev() {
        let row = place.run(command.strip_prefix("nudge ").expect("a command line"));
        assert_eq!((row.code, row.out.lines().count()), (Some(0), 1), "{command}: {}", row.err);
        files.push(format!("{number}.jsonl"));
        place.write(&files[files.len() - 1], &row.out);
    }
    let from = |files: &[String]| format!("{SHAPES} --from {}", files.join(" "));
    let merged = place.run(&format!("{} --json --report merged.html", from(&files)));
    assert_eq!((merged.code, &merged.out), (Some(0), &single.out), "{}", merged.err);
    assert_eq!(place.read("merged.html"), place.read("single.html"));

    let listed = place.run(&format!("{SHAPES} --rows --json"));
    let first: Value = serde_json::from_str(listed.out.lines().next().expect("a row")).expect("JSON");
    assert_eq!((&first["version"], &first["row"]), (&1.into(), &"shape 5 at seed 1".into()));
    assert_eq!(first["command"].as_array().map(|words| words.len()), Some(commands[0].split(' ').count()));

    // What does not belong together.
    place.refused(&from(&files[1..]), &["1 of 4 rows are missing: shape 11 at seed 2", "--rows"]);
    let twice = [&files[..], &files[..1]].concat();
    place.refused(&from(&twice), &["3.jsonl", "`shape 11 at seed 2` is there twice"]);
    place.refused(&from(&files).replace(" --quick", ""), &["3.jsonl, line 1", "other options", "measure it again"]);
    place.refused(&from(&files).replace("--model sft", "--model base"), &["3.jsonl, line 1", "other options"]);
    place.write("old.jsonl", &place.read("0.jsonl").replace("\"version\":1", "\"version\":0"));
    place.refused(&from(&["old.jsonl".into()]), &["old.jsonl, line 1", "version 0", "version 1"]);
}

#[test]
fn shapes_are_gone_on_with_and_a_shape_that_does_not_hold_is_shown_as_such() {
    let place = Place::new();
    let words = format!("{SHAPES} --out rows.jsonl");
    let first = place.run(&words.replace("--only 5 11", "--only 11"));
    assert_eq!(first.code, Some(0), "{}", first.err);
    let all = place.run(&format!("{words} --resume --report shapes.html"));
    assert_eq!(all.code, Some(0), "{}", all.err);
    assert!(!all.err.contains("shape 11 at seed") && all.err.contains("shape 5 at seed 2"), "{}", all.err);
    let rows: Vec<String> = place.records("rows.jsonl").iter().map(|row| row["row"].to_string()).collect();
    assert_eq!(rows.len(), 4, "{rows:?}");
    // A model of this size shows nothing of the kind.
    assert!(all.out.contains("an ensemble's minimum: DOES NOT HOLD"), "{}", all.out);
    let report = place.read("shapes.html");
    assert!(
        report.contains("an ensemble's minimum: does not hold") && report.contains("0 of 2 shapes hold"),
        "{report}"
    );
    assert!(report.contains("<polygon") && report.contains("minimum of three</text>"), "{report}");

    // Numbers that lie above what was set beforehand.
    let lifted = |line: &str| {
        let mut row: Value = serde_json::from_str(line).expect("a row");
        if row["shape"] == 11 {
            row["value"] = 1.0.into();
        }
        format!("{row}\n")
    };
    let lines: String = place.read("rows.jsonl").lines().map(lifted).collect();
    place.write("lifted.jsonl", &lines);
    let found = place.run(&format!("{SHAPES} --from lifted.jsonl --report lifted.html"));
    assert!(found.out.contains("an ensemble's minimum: holds"), "{}{}", found.out, found.err);
    assert!(place.read("lifted.html").contains("an ensemble's minimum: holds"));
}
