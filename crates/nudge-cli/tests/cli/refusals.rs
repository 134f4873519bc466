//! Options and rankings that make no sense, and outputs that are taken: refused in words, and nothing that was there is
//! touched.

use crate::support::{Place, stories};
use serde_json::json;

/// One ranking record of three completions.
fn ranking(ranking: serde_json::Value) -> String {
    let completions = [json!({ "text": "a" }), json!({ "text": "b" }), json!({ "text": "c" })];
    format!("{}\n", json!({ "id": "r", "prompt": "p", "completions": completions, "ranking": ranking }))
}

#[test]
fn rankings_that_do_not_order_their_completions() {
    let place = Place::with_reward_model();
    let good = ranking(json!([[0], [1, 2]]));
    for (wrong, parts) in [
        (json!([[0], [1], [1], [2]]), ["line 2", "completion 1 twice"]),
        (json!([[0], [2]]), ["line 2", "leaves out completion 1"]),
        (json!([[0], [1], [2], [3]]), ["line 2", "names completion 3"]),
        (json!([]), ["line 2", "leaves out completion 0"]),
    ] {
        place.write("rankings.jsonl", &format!("{good}{}", ranking(wrong)));
        for stage in ["reward --model", "dpo --policy", "kto --policy", "orpo --policy"] {
            place.refused(&format!("{stage} sft --comparisons rankings.jsonl --out out"), &parts);
        }
    }
    place.write("rankings.jsonl", &ranking(json!([[0, 1, 2]])).repeat(2));
    for stage in ["reward --model", "dpo --policy", "kto --policy", "orpo --policy"] {
        place.refused(
            &format!("{stage} sft --comparisons rankings.jsonl --out out"),
            &["all 2 rankings tie everything", "Rank some completions above others"],
        );
    }
    // Beside others, a ranking that ties everything is left out, and that is said.
    place.write("rankings.jsonl", &format!("{good}{}{good}", ranking(json!([[0, 1, 2]]))));
    let ended = place.run("reward --model sft --comparisons rankings.jsonl --epochs 1 --out out");
    assert!(ended.code == Some(0) && ended.err.contains("1 of 3 rankings tie everything"), "{}", ended.err);
}

#[test]
fn one_completion_cannot_be_ranked() {
    let place = Place::with_reward_model();
    place.refused("sample --model sft --prompts prompts.jsonl --k 0 --out out", &["k is 0", "1 or more"]);
    for (flag, option) in [("--k", "k is"), ("--draws", "draws is")] {
        let words = format!("sample --model sft --prompts prompts.jsonl {flag} 1000000000 --out out");
        place.refused(&words, &[option, "1000000000", "at most 65536"]);
    }
    let words = "best-of --policy sft --reward reward --prompts prompts.jsonl --n 1000000000 --out out";
    place.refused(words, &["n is 1000000000", "at most 65536"]);
    place.done("sample --model sft --prompts prompts.jsonl --k 1 --max-new-tokens 8 --out one.jsonl");
    for labeler in ["", "--labeler happier"] {
        let words = format!("rank --candidates one.jsonl --out out {labeler}");
        place.refused(&words, &["one.jsonl, line 1", "two or more", "--k 2"]);
    }
}

#[test]
fn nobody_is_called_so() {
    let place = Place::with_reward_model();
    for words in [
        "rank --candidates candidates.jsonl --labeler nobody --out out",
        "compare --a sft --b sft --prompts prompts.jsonl --labeler nobody",
        "ppo --policy sft --reward reward --prompts prompts.jsonl --gold-labeler nobody --out out",
        "demo --labeler nobody --out out",
    ] {
        place.refused(words, &["`nobody`", "happier", "no_repetition"]);
    }
}

#[test]
fn options_outside_their_range() {
    let place = Place::with_reward_model();
    place.write("data.jsonl", "{\"prompt\":\"a\",\"completion\":\"b\"}\n");
    place.write("wrong.toml", "learning_rat = 0.1\n");
    place.write("text.toml", "epochs = \"many\"\n");
    place.write("table.toml", "episodes = 64\n[ppo]\nkl_coef = 0.1\n");
    place.write("preset.toml", "preset = \"best\"\n");
    for (words, parts) in [
        ("sft --model base --data data.jsonl --epochs 0 --out out", ["epochs is 0", "more than 0"]),
        ("sft --model base --data data.jsonl --held-out 1 --out out", ["held_out is 1", "less than 1"]),
        ("sft --model base --data data.jsonl --config wrong.toml --out out", ["wrong.toml", "`learning_rat`"]),
        ("sft --model base --data data.jsonl --config text.toml --out out", ["text.toml", "\"many\""]),
        ("sample --model sft --prompts prompts.jsonl --temperature=-1 --out out", ["temperature is -1", "0 or more"]),
        (
            "sample --model sft --prompts prompts.jsonl --top-p 1.2 --out out",
            ["top_p is 1.2", "more than 0 and at most 1"],
        ),
        (
            "sample --model sft --prompts prompts.jsonl --max-new-tokens 900 --out out",
            ["max_new_tokens is 900", "less than the model's context"],
        ),
        ("pretrain --text prompts.jsonl --vocab-size 100 --out out", ["100 tokens is too small", "ask for at least"]),
        (
            "ppo --policy sft --reward reward --prompts prompts.jsonl --batch-size 1 --out out",
            ["batch_size is 1", "2 or"],
        ),
        (
            "ppo --policy sft --reward reward --prompts prompts.jsonl --episodes 0 --out out",
            ["episodes is 0", "1 or more"],
        ),
        (
            "ppo --policy sft --reward reward --prompts prompts.jsonl --config table.toml --out out",
            ["table.toml", "no table [ppo] any more; its keys stand at the top"],
        ),
        (
            "ppo --policy sft --reward reward --prompts prompts.jsonl --config preset.toml --out out",
            ["preset.toml", "preset is best, but must be one of lm-human-preferences, stiennon, instructgpt"],
        ),
        ("dpo --policy sft --comparisons pack.jsonl --beta 0 --out out", ["beta is 0", "more than 0"]),
        (
            "dpo --policy sft --comparisons pack.jsonl --label-smoothing 0.5 --out out",
            ["label_smoothing is 0.5", "less than 0.5"],
        ),
        (
            "dpo --policy sft --comparisons pack.jsonl --loss hinge --label-smoothing 0.1 --out out",
            ["label_smoothing is 0.1", "0 unless loss is sigmoid or robust"],
        ),
        ("kto --policy sft --comparisons pack.jsonl --batch-size 1 --out out", ["batch_size is 1", "2 or more"]),
        (
            "kto --policy sft --comparisons pack.jsonl --desirable-weight=-1 --out out",
            ["desirable_weight", "0 or more"],
        ),
        ("orpo --policy sft --comparisons pack.jsonl --beta=-0.1 --out out", ["beta is -0.1", "more than 0"]),
        (
            "ppo --policy sft --reward reward --prompts prompts.jsonl --num-mini-batches 5 --out out",
            ["num_mini_batches is 5", "a divisor of batch_size"],
        ),
        (
            "ppo --policy sft --reward reward --prompts prompts.jsonl --preset instructgpt --out out",
            ["ptx_coef is 27.8", "--pretraining-text"],
        ),
        (
            "ppo --policy sft --reward reward --prompts prompts.jsonl --ema-decay 1 --out out",
            ["ema_decay is 1", "less than 1"],
        ),
        ("grpo --policy sft --reward reward --prompts prompts.jsonl --k 1 --out out", ["k is 1", "2 or more"]),
        ("rloo --policy sft --reward reward --prompts prompts.jsonl --k 1 --out out", ["k is 1", "2 or more"]),
        (
            "grpo --policy sft --reward reward --prompts prompts.jsonl --k 7 --out out",
            ["batch_size is 64", "a multiple of k"],
        ),
        (
            "reward --model sft --comparisons pack.jsonl --loss best_of_k --margin 1 --out out",
            ["margin is 1", "0 unless loss is bradley_terry"],
        ),
        (
            "compare --a sft --b sft --prompts prompts.jsonl --labeler happier --best-of 4",
            ["best_of is 4", "best_of_reward"],
        ),
        ("best-of --policy sft --reward reward --prompts prompts.jsonl --n 0 --out out", ["n is 0", "1 or more"]),
        ("eval --model sft --text prompts.jsonl --device cuda", ["without cuda", "--device cpu"]),
    ] {
        place.refused(words, &parts);
    }
    for words in [
        "train",
        "sample --model sft",
        "sft --model base --out out",
        "ppo --preset best",
        "dpo --preset trl",
        "ppo --num-ppo-epochs 4",
        "sample --k many",
        "sample --temperature nan",
    ] {
        let ended = place.run(words);
        assert!(ended.code == Some(2) && ended.err.contains("--help"), "nudge {words}: {:?} {}", ended.code, ended.err);
    }
}

#[test]
fn outputs_that_are_taken() {
    let place = Place::with_reward_model();
    place.write("stories.txt", &stories(10));
    place.write("data.jsonl", "{\"prompt\":\"a\",\"completion\":\"b\"}\n");
    std::fs::create_dir(place.path("notes")).expect("a new folder");
    place.write("notes/mine.txt", "mine");
    let compare = "compare --a sft --b sft --prompts prompts.jsonl --labeler happier";
    for (words, parts) in [
        ("pretrain --text stories.txt --out sft".to_string(), ["sft holds a finished model", "--force"]),
        ("sft --model base --data data.jsonl --out notes".into(), ["notes is not empty", "--force"]),
        ("sft --model base --data data.jsonl --out data.jsonl".into(), ["data.jsonl is a file", "folder"]),
        ("sft --model base --data data.jsonl --out data.jsonl/out".into(), ["data.jsonl/out", "choose another place"]),
        ("sft --model base --data data.jsonl --log data.jsonl --out out".into(), ["data.jsonl exists", "--log"]),
        ("reward --model sft --comparisons pack.jsonl --out reward".into(), ["reward holds", "--out"]),
        ("dpo --policy sft --comparisons pack.jsonl --out sft".into(), ["sft holds", "--out"]),
        ("ppo --policy sft --reward reward --prompts prompts.jsonl --out sft".into(), ["sft holds", "--out"]),
        ("sample --model sft --prompts prompts.jsonl --out prompts.jsonl".into(), ["prompts.jsonl exists", "--force"]),
        ("sample --model sft --prompts prompts.jsonl --out no/such/out".into(), ["no/such/out", "Check the path"]),
        ("sample --model sft --prompts prompts.jsonl --out notes".into(), ["notes exists", "--force"]),
        ("rank --candidates candidates.jsonl --out pack.jsonl".into(), ["pack.jsonl exists", "--force"]),
        (
            "rank --candidates candidates.jsonl --labeler happier --out pack.jsonl".into(),
            ["pack.jsonl exists", "--force"],
        ),
        ("score --reward reward --data candidates.jsonl --out candidates.jsonl".into(), ["exists", "--force"]),
        (format!("{compare} --pairs pack.jsonl"), ["pack.jsonl exists", "--force"]),
        (format!("{compare} --log pack.jsonl"), ["pack.jsonl exists", "--log"]),
        ("eval --model sft --text stories.txt --log pack.jsonl".into(), ["pack.jsonl exists", "--log"]),
        ("demo --out notes".into(), ["notes is not empty", "--force"]),
    ] {
        place.refused(&words, &parts);
    }
}

#[test]
fn stories_without_demonstrations() {
    let place = Place::with_reward_model();
    place.write("short.txt", "Too short.\n<|endoftext|>\nThis too.\n");
    place.refused("sft --model base --stories short.txt --out out", &["short.txt", "seven sentences"]);
    place.refused("sft --model base --stories absent.txt --out out", &["absent.txt", "Check the path"]);
    assert_eq!(place.run("sft --model base --data pack.jsonl --mined 10 --out out").code, Some(2));
    // Enough of them are enough: nothing has to be written by hand.
    place.write("stories.txt", &stories(20));
    let ended = place.run("sft --model base --stories stories.txt --mined 20 --epochs 1 --out out");
    assert!(ended.code == Some(0) && ended.err.contains("0 written, 20 mined"), "{}", ended.err);
    let without = |names: &str| format!("sft --model base --stories stories.txt --without {names} --out left");
    place.refused(&without("raeding"), &["`raeding` of --without", "stories.txt"]);
    let all = "stories continuation reading editing lists turned_around";
    place.refused(&without(all), &["--without leaves no demonstration"]);
}
