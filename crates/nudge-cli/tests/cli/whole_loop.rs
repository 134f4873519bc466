//! The loop at test size, command after command, each on the files of the one before; and what these files promise
//! to other programs: field names, order, numbers that belong together.

use crate::support::{Place, example, files, keys, stories};
use serde_json::Value;

const SHAPE: &str = "--vocab-size 300 --hidden-size 16 --num-hidden-layers 1 --num-attention-heads 2 \
    --intermediate-size 32 --max-position-embeddings 256 --context 32 --batch-size 8 --epochs 0.5";
const MODEL: [&str; 5] =
    ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];

/// The steps of a log, which must be 1, 2, 3, ... with every metric of `metrics` in the last.
fn steps(place: &Place, log: &str, metrics: &[&str]) -> u64 {
    let lines = place.records(log);
    for (index, line) in lines.iter().enumerate() {
        assert_eq!(line["step"], index + 1, "{log}");
        assert!(line["seconds"].is_number(), "{log}: {line}");
    }
    let last = lines.last().expect("a step was logged");
    for name in metrics {
        assert!(last[name].is_number(), "{log} has no {name}: {last}");
    }
    lines.len() as u64
}

/// A training command's summary and folder.
fn trained(place: &Place, words: &str, out: &str, metrics: &[&str]) {
    let summary = place.done(&format!("{words} --out {out}"));
    assert_eq!(summary["out"], out);
    assert_eq!(summary["command"], words.split_whitespace().next().expect("a command"));
    assert_eq!(summary["steps"], steps(place, &format!("{out}/log.jsonl"), metrics));
    for name in metrics {
        assert!(summary[name].is_number(), "{words}: no {name} in {summary}");
    }
    let record: Value = serde_json::from_str(&place.read(&format!("{out}/run.json"))).expect("JSON");
    assert_eq!(record["command"], summary["command"]);
    let own = record["options"].as_object().expect("options");
    assert!(own["seed"]["value"] == 1 && own.values().all(|option| option["from"].is_string()), "{record}");
    let mut expected: Vec<&str> = MODEL.into_iter().chain(["log.jsonl", "run.json", "README.md"]).collect();
    expected.sort_unstable();
    let found = files(&place.path(out));
    assert_eq!(found.keys().map(|path| path.to_str().expect("UTF-8")).collect::<Vec<_>>(), expected, "{out}");
}

#[test]
fn from_stories_to_a_comparison() {
    let place = Place::new();
    place.write("stories.txt", &stories(60));
    place.write("demonstrations.jsonl", &example("demonstrations.train.jsonl", 60));

    trained(
        &place,
        &format!("pretrain --text stories.txt {SHAPE}"),
        "own-base",
        &["loss", "learning_rate", "grad_norm"],
    );
    let words = "sft --model own-base --data demonstrations.jsonl --stories stories.txt --mined 40 --epochs 1";
    trained(&place, words, "own-sft", &["loss", "eval_loss"]);

    let summary = place.done("sample --model own-sft --prompts prompts.jsonl --k 3 --max-new-tokens 12 --out c.jsonl");
    assert_eq!(summary["records"], 10);
    sampled(&place);
    place.done("rank --candidates c.jsonl --labeler shorter --out r.jsonl");
    ranked(&place);
    trained(
        &place,
        "reward --model own-sft --comparisons r.jsonl --epochs 2",
        "own-reward",
        &["loss", "accuracy", "margin", "eval_accuracy"],
    );
    let ppo = "ppo --policy own-sft --reward own-reward --prompts prompts.jsonl --episodes 32 --batch-size 8 \
        --max-new-tokens 12 --gold-labeler shorter";
    let metrics = [
        "objective/kl",
        "objective/scores",
        "objective/rlhf_reward",
        "objective/entropy",
        "objective/gold_score",
        "policy/clipfrac_avg",
        "loss/value_avg",
        "val/ratio",
        "episode",
        "eps",
    ];
    trained(&place, ppo, "own-tuned", &metrics);
    assert_eq!(place.records("own-tuned/log.jsonl")[0]["val/first_ratio"], 1.0);

    let metrics = [
        "loss",
        "rewards/chosen",
        "rewards/rejected",
        "rewards/accuracies",
        "rewards/margins",
        "logps/chosen",
        "logps/rejected",
        "learning_rate",
        "grad_norm",
        "epoch",
        "tokens_per_second",
        "eval_rewards/accuracies",
        "eval_rewards/accuracies_low",
        "eval_rewards/accuracies_high",
        "eval_pairs",
    ];
    trained(&place, "dpo --policy own-sft --comparisons r.jsonl --epochs 2", "own-dpo", &metrics);
    let first = place.records("own-dpo/log.jsonl")[0]["loss"].as_f64().expect("a number");
    assert!((first - std::f64::consts::LN_2).abs() < 1e-5, "DPO starts at {first}");
    let dpo = "compare --a own-dpo --b own-tuned --prompts prompts.jsonl --max-new-tokens 12 --labeler shorter";
    counted(&place.done(dpo), 10);

    let rewards = ["rewards/chosen", "rewards/rejected", "rewards/margins"];
    let kto = [rewards.as_slice(), &["loss", "kl", "eval_rewards/accuracies"]].concat();
    trained(&place, "kto --policy own-sft --comparisons r.jsonl --epochs 2", "own-kto", &kto);
    let orpo = [rewards.as_slice(), &["loss", "nll_loss", "log_odds_ratio", "rewards/accuracies"]].concat();
    trained(&place, "orpo --policy own-sft --comparisons r.jsonl --epochs 2", "own-orpo", &orpo);
    for method in ["grpo --k 4", "rloo --k 2", "reinforce"] {
        let words = format!(
            "{method} --policy own-sft --reward own-reward own-reward --ensemble min --prompts prompts.jsonl \
             --episodes 16 --batch-size 8 --max-new-tokens 12"
        );
        let out = format!("own-{}", method.split(' ').next().expect("a name"));
        let metrics = ["reward", "reward_std", "objective/kl", "objective/kl_coef", "completions/clipped_ratio"];
        trained(&place, &words, &out, &metrics);
    }
    let best = "best-of --n 4 --policy own-sft --reward own-reward --prompts prompts.jsonl --max-new-tokens 12 \
        --gold-labeler shorter --out best.jsonl";
    let best = place.done(best);
    let estimate = |n: usize| best[format!("best_of_{n}/score")].as_f64().expect("a number");
    assert!(estimate(1) < estimate(2) && estimate(2) < estimate(4), "{best}");
    for record in place.records("best.jsonl") {
        let scores: Vec<f64> = record["scores"].as_array().expect("scores").iter().flat_map(Value::as_f64).collect();
        assert_eq!(scores.len(), 4);
        assert!(scores.iter().all(|score| *score <= record["score"].as_f64().expect("a score")), "{record}");
    }
    let trusted = place.done("calibrate --reward own-reward --comparisons r.jsonl");
    let bins = trusted["bins"].as_array().expect("bins").iter().map(|bin| bin["pairs"].as_u64().expect("a count"));
    assert_eq!(Some(bins.sum()), trusted["overall"]["pairs"].as_u64());
    // The best of four beats a fifth in four of five pairs; of 200 pairs that is 160, give or take 6.
    let best_of = "compare --a own-sft --b own-sft --prompts prompts.jsonl --max-new-tokens 12 --best-of 4 \
        --best-of-reward own-reward --reward own-reward --pairs-per-prompt 20";
    let verdict = place.done(best_of);
    assert!((0.68..0.92).contains(&verdict["win_rate"].as_f64().expect("a number")), "{verdict}");

    let compare = "compare --a own-tuned --b own-sft --prompts prompts.jsonl --max-new-tokens 12 --pairs-per-prompt 2";
    let rule = place.done(&format!("{compare} --labeler shorter --pairs pairs.jsonl"));
    assert_eq!((&rule["judge"], &rule["simulated"]), (&"simulated:shorter".into(), &true.into()));
    counted(&rule, 20);
    let preferred = |who: &str| place.records("pairs.jsonl").iter().filter(|pair| pair["preference"] == who).count();
    assert_eq!((&rule["wins"], &rule["losses"]), (&preferred("a").into(), &preferred("b").into()));
    counted(&place.done(&format!("{compare} --reward own-reward")), 20);

    place.done("score --reward own-reward --data c.jsonl --out scored.jsonl");
    scored(&place, "c.jsonl", "scored.jsonl");
}

/// Candidates: four fields, three completions of four fields, the prompts in order.
fn sampled(place: &Place) {
    let (prompts, records) = (place.records("prompts.jsonl"), place.records("c.jsonl"));
    assert_eq!(records.len(), prompts.len());
    for (record, prompt) in records.iter().zip(&prompts) {
        assert_eq!(keys(record), ["completions", "id", "prompt"]);
        assert_eq!(record["prompt"], prompt["prompt"]);
        let completions = record["completions"].as_array().expect("completions");
        assert_eq!(completions.len(), 3);
        for completion in completions {
            assert_eq!(keys(completion), ["finish", "logprob", "seed", "text"]);
            assert!(completion["logprob"].as_f64().expect("a number") < 0.0);
            assert!(["eos", "length"].contains(&completion["finish"].as_str().expect("a word")));
        }
    }
    let mut seeds: Vec<u64> =
        records.iter().flat_map(|record| record["completions"].as_array().expect("completions")).map(seed).collect();
    seeds.sort_unstable();
    assert_eq!(seeds, (1..=30).collect::<Vec<u64>>(), "every completion has a seed of its own");
}

fn seed(completion: &Value) -> u64 {
    completion["seed"].as_u64().expect("a seed")
}

/// Rankings: the candidates untouched, every completion once, the shorter before the longer, marked as simulated.
fn ranked(place: &Place) {
    for (ranking, candidates) in place.records("r.jsonl").iter().zip(place.records("c.jsonl")) {
        assert_eq!(keys(ranking), ["completions", "id", "labeler", "prompt", "ranking", "seconds"]);
        for field in keys(&candidates) {
            assert_eq!(ranking[field], candidates[field]);
        }
        assert_eq!(ranking["labeler"], "simulated:shorter");
        assert!(ranking["seconds"].is_number());
        let words = |index: &Value| {
            let text = &ranking["completions"][index.as_u64().expect("an index") as usize]["text"];
            let words =
                text.as_str().expect("a text").split(|letter: char| !(letter.is_alphabetic() || letter == '\''));
            match words.filter(|word| word.contains(char::is_alphabetic)).count() {
                0 => 100, // An empty completion is the worst.
                words => words,
            }
        };
        let groups: Vec<Vec<usize>> = ranking["ranking"]
            .as_array()
            .expect("groups")
            .iter()
            .map(|group| group.as_array().expect("indices").iter().map(words).collect())
            .collect();
        assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), 3);
        assert!(groups.iter().all(|group| group.iter().all(|words| *words == group[0])), "{ranking}");
        assert!(groups.windows(2).all(|pair| pair[0][0] < pair[1][0]), "{ranking}");
    }
}

/// A verdict: counts, ties as halves, an interval around the rate.
fn counted(verdict: &Value, pairs: u64) {
    let number = |name: &str| verdict[name].as_f64().unwrap_or_else(|| panic!("no {name} in {verdict}"));
    assert_eq!(number("wins") + number("ties") + number("losses"), pairs as f64);
    assert!((number("win_rate") - (number("wins") + number("ties") / 2.0) / pairs as f64).abs() < 1e-9);
    assert!(number("low") <= number("win_rate") && number("win_rate") <= number("high"));
    assert_eq!(verdict["simulated"], true, "a rule and a model are no person");
}

/// Scores: the input record as it was, and one number a completion.
fn scored(place: &Place, input: &str, output: &str) {
    let (inputs, outputs) = (place.records(input), place.records(output));
    assert_eq!(inputs.len(), outputs.len());
    for (record, mut scored) in inputs.into_iter().zip(outputs) {
        let scores = scored.as_object_mut().expect("an object").remove("scores").expect("scores");
        assert_eq!(scores.as_array().expect("a list").len(), record["completions"].as_array().expect("a list").len());
        assert!(scores.as_array().expect("a list").iter().all(Value::is_number));
        assert_eq!(scored, record);
    }
}

#[test]
fn a_model_against_itself_ties_everywhere() {
    let place = Place::new();
    let verdict = place.done("compare --a sft --b sft --prompts prompts.jsonl --labeler happier --max-new-tokens 12");
    assert_eq!((&verdict["ties"], &verdict["win_rate"]), (&10.into(), &0.5.into()));
    let ended = place.run("compare --a sft --b sft --prompts prompts.jsonl --labeler happier --max-new-tokens 12");
    assert!(ended.out.contains("SIMULATED"), "{}", ended.out);
    assert!(!ended.err.contains('\u{1b}'), "no bar where nobody looks: {}", ended.err);
}

#[test]
fn an_evaluation_covers_the_whole_file() {
    let place = Place::new();
    let records = ["Once there was a dog.", "Ö is one character.", "The end"];
    place.write("text.txt", &records.join("\n<|endoftext|>\n"));
    let whole = place.done("eval --model base --text text.txt");
    assert_eq!(whole["chars"], records.iter().map(|record| record.chars().count()).sum::<usize>());
    let number = |value: &Value, name: &str| value[name].as_f64().expect("a number");
    let nats = |value: &Value| number(value, "nats_per_token") * number(value, "tokens");
    assert!((nats(&whole) - number(&whole, "nats_per_char") * number(&whole, "chars")).abs() < 1e-3 * nats(&whole));
    // Each record stands on its own: the parts add up to the whole.
    let mut sum = (0.0, 0.0);
    for record in records {
        place.write("part.txt", record);
        let part = place.done("eval --model base --text part.txt");
        sum = (sum.0 + nats(&part), sum.1 + number(&part, "tokens"));
    }
    assert_eq!(sum.1, number(&whole, "tokens"));
    assert!((sum.0 - nats(&whole)).abs() < 1e-3 * sum.0, "{} and {}", sum.0, nats(&whole));
}

#[test]
fn every_form_of_comparison_teaches_and_is_scored() {
    let place = Place::new();
    let pairs: String = (0..6)
        .map(|i| format!("{{\"prompt\":\"Say {i}.\",\"chosen\":\"Good {i}.\",\"rejected\":\"Bad.\",\"note\":{i}}}\n"))
        .collect();
    place.write("pairs.jsonl", &pairs);
    place.write("pack.jsonl", &example("packs/dialogue.jsonl", 6));
    place.done("reward --model sft --comparisons pairs.jsonl pack.jsonl --epochs 1 --out reward");
    place.done("dpo --policy sft --comparisons pairs.jsonl pack.jsonl --epochs 1 --out tuned");
    place.done("score --reward reward --data pairs.jsonl --out scored.jsonl");
    for (index, record) in place.records("scored.jsonl").iter().enumerate() {
        assert_eq!(keys(record), ["chosen", "note", "prompt", "rejected", "scores"]);
        assert_eq!((record["scores"].as_array().expect("a list").len(), &record["note"]), (2, &index.into()));
    }
    place.write("completions.jsonl", "{\"prompt\":\"Hi\",\"completions\":[\"Hello.\",\"Bye.\",\"Oh.\"]}\n");
    place.done("score --reward reward --data completions.jsonl --out completions.scored.jsonl");
    scored(&place, "completions.jsonl", "completions.scored.jsonl");
}

#[test]
fn the_demo_ends_in_a_report() {
    let place = Place::new();
    let report = place.done("demo --model sft --base base --labeler shorter --quick --out demo");
    assert_eq!((&report["simulated"], &report["labeler"]["name"]), (&true.into(), &"shorter".into()));
    let held_out = example("prompts.jsonl", usize::MAX).lines().filter(|line| line.contains("\"heldout\"")).count();
    counted(&report["verdict"], held_out as u64);
    for side in ["tuned", "sft"] {
        assert!(report[side]["nats_per_char"].is_number() && report[side]["mean_words"].is_number(), "{report}");
    }
    assert_eq!(place.records("demo/candidates.jsonl").len(), 30);
    let saved: Value = serde_json::from_str(&place.read("demo/report.json")).expect("JSON");
    assert_eq!(saved, report);
    // What it leaves can be used.
    place.done("score --reward demo/reward --data demo/candidates.jsonl --out scored.jsonl");
    place.done("eval --model demo/tuned --text prompts.jsonl");
    place.refused("demo --model sft --base base --out demo", &["demo is not empty", "--force"]);
}
