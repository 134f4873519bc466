//! The README.md of a saved model or adapter: a model card in the hub's layout, made of its `run.json`.
//!
//! It holds nothing that another run with the same data and options would not write again: no dates, no durations. The
//! licence is left out, because Nudge does not know it.

use crate::provenance::{DataFile, Results, RunRecord};
use crate::{builtin, hub};
use nudge_session::verdict::{Finding, Level};
use serde_json::Value;
use std::path::Path;

/// The card's file.
pub const CARD: &str = "README.md";

/// What was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// An adapter on a base.
    Adapter,
    /// All weights.
    Model,
}

/// Numbers that say how good it is, as far as a run has them: name in the log and in words.
const RESULTS: [(&str, &str); 9] = [
    ("loss", "loss, last step"),
    ("eval_loss", "loss on what was set aside"),
    ("accuracy", "accuracy, last step"),
    ("eval_accuracy", "accuracy on pairs set aside"),
    ("rewards/margins", "margin of rewards, last step"),
    ("eval_rewards/accuracies", "accuracy on pairs set aside"),
    ("objective/scores", "score by the reward model, last step"),
    ("objective/gold_score", "score by the labeler's own rule, last step"),
    ("objective/kl", "KL to where it started, nats a completion, last step"),
];

/// The card of what `run` made, in a folder of this `name`. `more` stands behind the results: a comparison, say.
pub fn card(run: &RunRecord, saved: Saved, name: &str, more: &str) -> String {
    let base = run.models.iter().find(|model| model.flag != "reward" || run.command == "reward");
    let base_name = base.map(|base| hub_name(&base.name));
    let reward = run.command == "reward";
    let library = if saved == Saved::Adapter { "peft" } else { "transformers" };
    let task = if reward { "text-classification" } else { "text-generation" };
    let mut head = String::from("---\n");
    if let Some(base) = &base_name {
        head += &format!("base_model: {base}\n");
    }
    head += &format!("library_name: {library}\npipeline_tag: {task}\ntags:\n- nudge\n- {}\n---\n", run.command);
    let what = match (reward, saved) {
        (true, _) => "A reward model: it gives a completion of a prompt one number, higher for what is preferred",
        (false, Saved::Adapter) => "An adapter (LoRA) for a language model",
        (false, Saved::Model) => "A language model",
    };
    let from = base.map_or(String::new(), |base| {
        format!(" It was trained from `{}` (SHA-256 of its weights `{}`).", hub_name(&base.name), base.sha256)
    });
    let parts = [
        head,
        format!("# {name}\n\n{what}, made by `nudge {}`.{from}\n", run.command),
        data(&run.data),
        others(run),
        method(run),
        run.results.as_ref().map_or(String::new(), results),
        more.to_string(),
        usage(run, saved, base_name.as_deref().unwrap_or("BASE")),
        format!(
            "## Made with\n\nNudge {} (commit {}), on the {}. `run.json` beside this file says everything that is needed \
             to make it again:\n\n```sh\nnudge {} --config run.json --out again\n```\n",
            text(&run.nudge["version"]),
            text(&run.nudge["commit"]),
            if run.device == "cpu" { "CPU" } else { run.device.as_str() },
            run.command
        ),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A name without the folders of somebody's machine; a built-in model's as it is, and a hub's own.
fn hub_name(name: &str) -> String {
    let base = name.split('+').next().unwrap_or(name);
    if let Some(repo) = base.strip_prefix(hub::PREFIX).and_then(hub::repo_of) {
        return repo;
    }
    match base.starts_with(builtin::PREFIX) {
        true => base.replace(':', "-"),
        false => Path::new(base).file_name().map_or(base.into(), |file| file.to_string_lossy().into_owned()),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("unknown")
}

fn data(files: &[DataFile]) -> String {
    if files.is_empty() {
        return String::new();
    }
    let row = |file: &DataFile| {
        let name =
            Path::new(&file.path).file_name().map_or(file.path.clone(), |name| name.to_string_lossy().into_owned());
        let records = file.records.map_or("-".into(), |records| records.to_string());
        format!("| {} | `{name}` | {records} | `{}` |\n", file.flag, file.sha256)
    };
    let rows: String = files.iter().map(row).collect();
    format!("## Data\n\n| for | file | records | SHA-256 |\n|---|---|---|---|\n{rows}")
}

/// The models beside the one that was trained.
fn others(run: &RunRecord) -> String {
    if run.command == "reward" {
        return String::new();
    }
    let row = |model: &crate::provenance::ModelFile| {
        format!("- reward model `{}` (SHA-256 `{}`)\n", hub_name(&model.name), model.sha256)
    };
    let rows: String = run.models.iter().filter(|model| model.flag == "reward").map(row).collect();
    if rows.is_empty() { rows } else { format!("Trained against:\n\n{rows}") }
}

fn method(run: &RunRecord) -> String {
    let row = |(name, option): (&String, &Value)| {
        format!("| `{name}` | {} | {} |\n", cell(&option["value"]), text(&option["from"]))
    };
    let set = |(_, option): &(&String, &Value)| option["from"] != "default";
    let (chosen, default): (Vec<_>, Vec<_>) = run.options.iter().partition(set);
    let rows: String = chosen.into_iter().chain(default).map(row).collect();
    format!("## Options\n\n| option | value | from |\n|---|---|---|\n{rows}")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

fn results(results: &Results) -> String {
    let row = |(name, words): &(&str, &str)| {
        let value = results.metrics.get(*name)?;
        let end = |end: &str| results.metrics.get(&format!("{name}{end}"));
        let interval = match (end("_low"), end("_high")) {
            (Some(low), Some(high)) => format!("{low:.3} to {high:.3}"),
            _ => "-".into(),
        };
        Some(format!("| {words} | {value:.3} | {interval} |\n"))
    };
    let rows: String = RESULTS.iter().filter_map(row).collect();
    let verdict = verdict(&results.findings);
    format!("## Results\n\nAfter {} steps:\n\n| | | 95 % interval |\n|---|---|---|\n{rows}{verdict}", results.steps)
}

/// A verdict as a list.
pub fn verdict(findings: &[Finding]) -> String {
    let row = |finding: &Finding| {
        let weight = match finding.level {
            Level::Good => "",
            Level::Note => "Note: ",
            Level::Warning => "**Suspicious:** ",
            Level::Bad => "**Spoiled:** ",
        };
        format!("- {weight}{}\n", finding.sentence)
    };
    let rows: String = findings.iter().map(row).collect();
    if rows.is_empty() { rows } else { format!("\n{rows}") }
}

fn usage(run: &RunRecord, saved: Saved, base: &str) -> String {
    if run.command == "reward" {
        return match saved {
            Saved::Adapter => format!(
                "## Use\n\n```python\nfrom peft import PeftModel\nfrom transformers import AutoModelForSequenceClassification, AutoTokenizer\n\n\
                 base = AutoModelForSequenceClassification.from_pretrained(\"{base}\", num_labels=1)\n\
                 model = PeftModel.from_pretrained(base, \".\")\ntokenizer = AutoTokenizer.from_pretrained(\".\")\n```\n"
            ),
            Saved::Model => {
                "## Use\n\n```python\nfrom transformers import AutoModelForSequenceClassification, AutoTokenizer\n\n\
                 model = AutoModelForSequenceClassification.from_pretrained(\".\")\n\
                 tokenizer = AutoTokenizer.from_pretrained(\".\")\n```\n"
                    .into()
            }
        };
    }
    let python = match saved {
        Saved::Adapter => format!(
            "from peft import PeftModel\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n\n\
             model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(\"{base}\"), \".\")\n"
        ),
        Saved::Model => "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n\
             model = AutoModelForCausalLM.from_pretrained(\".\")\n"
            .into(),
    };
    let (export, run_it) = match saved {
        Saved::Adapter => (
            format!("nudge export --model {base}+. --to gguf-adapter --out exported"),
            format!("llama-cli -m {base} --lora exported/adapter.gguf"),
        ),
        Saved::Model => {
            ("nudge export --model . --to gguf --out exported".into(), "llama-cli -m exported/model.gguf".into())
        }
    };
    format!(
        "## Use\n\nIn transformers, from this folder:\n\n```python\n{python}tokenizer = AutoTokenizer.from_pretrained(\".\")\n\
         text = tokenizer.apply_chat_template([{{\"role\": \"user\", \"content\": \"...\"}}], tokenize=False, add_generation_prompt=True)\n\
         print(tokenizer.decode(model.generate(**tokenizer(text, return_tensors=\"pt\"), max_new_tokens=128)[0]))\n```\n\n\
         In llama.cpp and Ollama:\n\n```sh\n{export}\n{run_it}\nollama create mine -f exported/Modelfile\n```\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provenance::ModelFile;
    use nudge_session::Metrics;
    use serde_json::json;

    fn run(command: &str) -> RunRecord {
        let model = |flag: &str, name: &str| ModelFile { flag: flag.into(), name: name.into(), sha256: "ab".into() };
        RunRecord {
            command: command.into(),
            options: json!({ "seed": { "value": 1, "from": "default" }, "epochs": { "value": 2.0, "from": "flag" } })
                .as_object()
                .unwrap()
                .clone(),
            data: vec![DataFile {
                flag: "comparisons".into(),
                path: "a/b.jsonl".into(),
                records: Some(3),
                bytes: 9,
                sha256: "cd".into(),
            }],
            models: vec![model("reward", "x/judge"), model("policy", "/home/me/base.gguf+old")],
            results: Some(Results {
                steps: 4,
                metrics: Metrics::from([
                    ("eval_accuracy".into(), 0.75),
                    ("eval_accuracy_low".into(), 0.5),
                    ("eval_accuracy_high".into(), 0.9),
                ]),
                findings: vec![],
            }),
            ..RunRecord::default()
        }
    }

    #[test]
    fn a_card_says_what_it_is_made_of_and_nothing_of_the_machine() {
        let card = card(&run("dpo"), Saved::Adapter, "mine", "");
        for part in [
            "---\nbase_model: base.gguf\nlibrary_name: peft\n",
            "| comparisons | `b.jsonl` | 3 | `cd` |",
            "reward model `judge`",
            "| `epochs` | 2.0 | flag |\n| `seed`",
            "| 0.750 | 0.500 to 0.900 |",
            "PeftModel",
            "ollama create",
            "nudge dpo --config run.json",
        ] {
            assert!(card.contains(part), "{part} is not in {card}");
        }
        assert!(!card.contains("/home") && !card.to_lowercase().contains("licen"), "{card}");
    }

    #[test]
    fn a_reward_model_is_no_language_model() {
        let card = card(&run("reward"), Saved::Model, "mine", "");
        assert!(card.contains("text-classification") && card.contains("AutoModelForSequenceClassification"), "{card}");
        assert!(!card.contains("ollama") && card.contains("base_model: judge"), "{card}");
    }
}
