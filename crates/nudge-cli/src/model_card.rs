//! The README.md of a saved model or adapter: a model card in the hub's layout, made of its `run.json`.
//!
//! It holds nothing that another run with the same data and options would not write again: no dates, no durations. The
//! licence is left out, because Nudge does not know it.

use crate::args::Form;
use crate::printable::printable_line;
use crate::provenance::{DataFile, Results, RunRecord};
use crate::runner::quoted;
use crate::{builtin, hub};
use nudge_session::folder::{ADAPTER_CONFIG, adapter_base};
use nudge_session::verdict::{Finding, Level};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The card's file.
pub const CARD: &str = "README.md";

/// What was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// An adapter, and the base that it names.
    Adapter { base: Option<String> },
    /// All weights.
    Model,
}

impl Saved {
    /// What has this `adapter_config.json`, or none.
    pub fn with(adapter_config: Option<&[u8]>) -> Self {
        adapter_config.map_or(Self::Model, |config| Self::Adapter { base: adapter_base(config).ok().flatten() })
    }

    /// What lies in a folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self::with(fs::read(folder.join(ADAPTER_CONFIG)).ok().as_deref())
    }
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
pub fn card(run: &RunRecord, saved: &Saved, name: &str, more: &str) -> String {
    let base = run.models.iter().find(|model| model.flag != "reward" || run.command == "reward");
    let base_name = match saved {
        // What was trained on may have been an adapter itself.
        Saved::Adapter { base: Some(name) } => Some(hub_name(name)),
        _ => base.map(|base| hub_name(&base.name)),
    };
    let reward = run.command == "reward";
    let is_adapter = matches!(saved, Saved::Adapter { .. });
    let library = if is_adapter { "peft" } else { "transformers" };
    let task = if reward { "text-classification" } else { "text-generation" };
    let mut head = String::from("---\n");
    if let Some(base) = &base_name {
        head += &format!("base_model: {}\n", yaml(base));
    }
    head += &format!("library_name: {library}\npipeline_tag: {task}\ntags:\n- nudge\n- {}\n---\n", yaml(&run.command));
    let what = match (reward, is_adapter) {
        (true, _) => "A reward model: it gives a completion of a prompt one number, higher for what is preferred",
        (false, true) => "An adapter (LoRA) for a language model",
        (false, false) => "A language model",
    };
    let from = base.map_or(String::new(), |base| {
        format!(" It was trained from {} (SHA-256 of its weights {}).", code(&hub_name(&base.name)), code(&base.sha256))
    });
    let parts = [
        head,
        format!("# {}\n\n{what}, made by {}.{from}\n", plain(name), code(&format!("nudge {}", run.command))),
        data(&run.data),
        others(run),
        method(run),
        run.results.as_ref().map_or(String::new(), results),
        more.to_string(),
        usage(run, saved),
        format!(
            "## Made with\n\nNudge {} (commit {}), on the {}. `run.json` beside this file says everything that is needed \
             to make it again:\n\n```sh\nnudge {} --config run.json --out again\n```\n",
            text(&run.nudge["version"]),
            text(&run.nudge["commit"]),
            if run.device == "cpu" { "CPU" } else { run.device.as_str() },
            quoted(&run.command)
        ),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The card of a folder of this `name` that `nudge export` made of `model`: what `run` made, where that is known, and what
/// can be typed there.
pub fn exported(model: &str, run: Option<&RunRecord>, form: Form, base: Option<&str>, name: &str) -> String {
    let is_reward = run.is_some_and(|run| run.command == "reward");
    let base = base.map(|base| Base::of(Some(base)));
    let note = base.as_ref().map_or(String::new(), |base| base.note.clone());
    let (what, usage) = match form {
        Form::Gguf => (
            "A language model as a GGUF",
            "```sh\nllama-cli -m model.gguf\nollama create mine -f Modelfile\n```\n".to_string(),
        ),
        Form::Merged => ("A model with all its weights", format!("```python\n{}```\n", python(is_reward, None))),
        Form::Peft => ("An adapter (LoRA)", format!("{note}```python\n{}```\n", python(is_reward, base.as_ref()))),
        Form::GgufAdapter => {
            let on = base.as_ref().filter(|base| base.is_gguf).map_or("base.gguf", |base| base.model.as_str());
            let note = if on == "base.gguf" { "" } else { note.as_str() };
            let commands = format!("llama-cli -m {on} --lora adapter.gguf\nollama create mine -f Modelfile\n");
            ("An adapter (LoRA) for llama.cpp and Ollama", format!("{note}```sh\n{commands}```\n"))
        }
    };
    let parts = [
        format!("# {}\n\n{what}, written by `nudge export` from {}.\n", plain(name), code(&hub_name(model))),
        run.map_or(String::new(), |run| data(&run.data)),
        run.map_or(String::new(), others),
        run.map_or(String::new(), method),
        run.and_then(|run| run.results.as_ref()).map_or(String::new(), results),
        format!("## Use\n\nFrom this folder:\n\n{usage}"),
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
        format!("| {} | {} | {records} | {} |\n", plain(&file.flag), code(&name), code(&file.sha256))
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
        format!("- reward model {} (SHA-256 {})\n", code(&hub_name(&model.name)), code(&model.sha256))
    };
    let rows: String = run.models.iter().filter(|model| model.flag == "reward").map(row).collect();
    if rows.is_empty() { rows } else { format!("Trained against:\n\n{rows}") }
}

fn method(run: &RunRecord) -> String {
    let row = |(name, option): (&String, &Value)| {
        format!("| {} | {} | {} |\n", code(name), cell(&option["value"]), text(&option["from"]))
    };
    let set = |(_, option): &(&String, &Value)| option["from"] != "default";
    let (chosen, default): (Vec<_>, Vec<_>) = run.options.iter().partition(set);
    let rows: String = chosen.into_iter().chain(default).map(row).collect();
    format!("## Options\n\n| option | value | from |\n|---|---|---|\n{rows}")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => plain(text),
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

/// What somebody types who has the folder of the card, and is in it.
fn usage(run: &RunRecord, saved: &Saved) -> String {
    let base = match saved {
        Saved::Model => None,
        Saved::Adapter { base } => Some(Base::of(base.as_deref())),
    };
    let note = base.as_ref().map_or(String::new(), |base| base.note.clone());
    let python = python(run.command == "reward", base.as_ref());
    if run.command == "reward" {
        return format!("## Use\n\n{note}```python\n{python}```\n");
    }
    let commands = match &base {
        None => "nudge export --model . --to gguf --out exported\nllama-cli -m exported/model.gguf\n".into(),
        Some(Base { model, is_gguf: true, .. }) => format!(
            "nudge export --model {model}+. --to gguf-adapter --out exported\n\
             llama-cli -m {model} --lora exported/adapter.gguf\n"
        ),
        Some(Base { model, .. }) => {
            format!("nudge export --model {model}+. --to gguf --out exported\nllama-cli -m exported/model.gguf\n")
        }
    };
    format!(
        "## Use\n\n{note}In transformers, from this folder:\n\n```python\n{python}\
         text = tokenizer.apply_chat_template([{{\"role\": \"user\", \"content\": \"...\"}}], tokenize=False, add_generation_prompt=True)\n\
         print(tokenizer.decode(model.generate(**tokenizer(text, return_tensors=\"pt\"), max_new_tokens=128)[0]))\n```\n\n\
         In llama.cpp and Ollama:\n\n```sh\n{commands}ollama create mine -f exported/Modelfile\n```\n"
    )
}

/// How the card speaks of the model under an adapter.
struct Base {
    /// In a command of Nudge: a name that holds everywhere, or BASE.
    model: String,
    /// Where transformers can open it: in quotes.
    python: Option<String>,
    is_gguf: bool,
    /// What BASE stands for.
    note: String,
}

impl Base {
    fn of(name: Option<&str>) -> Self {
        let name = name.unwrap_or("the base model");
        let is_gguf = name.ends_with(".gguf");
        if let Some(repo) = name.strip_prefix(hub::PREFIX).and_then(hub::repo_of) {
            // Of a file in a repository transformers would have to be told more.
            let python = (!is_gguf).then(|| json_text(&repo));
            return Self { model: quoted(name), python, is_gguf: false, note: String::new() };
        }
        if name.starts_with(builtin::PREFIX) {
            return Self { model: quoted(name), python: None, is_gguf: false, note: String::new() };
        }
        let note = format!("`BASE` is where you have {}.\n\n", code(&hub_name(name)));
        let python = (!is_gguf).then(|| "\"BASE\"".into());
        Self { model: "BASE".into(), python, is_gguf, note }
    }
}

/// Opens model and tokenizer.
fn python(is_reward: bool, base: Option<&Base>) -> String {
    let (class, arguments) = match is_reward {
        true => ("AutoModelForSequenceClassification", ", num_labels=1"),
        false => ("AutoModelForCausalLM", ""),
    };
    let import = format!("from transformers import {class}, AutoTokenizer\n\n");
    let tokenizer = "tokenizer = AutoTokenizer.from_pretrained(\".\")\n";
    match base {
        None => format!("{import}model = {class}.from_pretrained(\".\")\n{tokenizer}"),
        Some(Base { python: Some(base), .. }) => format!(
            "from peft import PeftModel\n{import}base = {class}.from_pretrained({base}{arguments})\n\
             model = PeftModel.from_pretrained(base, \".\")\n{tokenizer}"
        ),
        // What transformers cannot open is merged with the adapter first.
        Some(Base { model, .. }) => format!(
            "# First: nudge export --model {model}+. --to merged --out merged\n\
             {import}model = {class}.from_pretrained(\"merged\")\n{tokenizer}"
        ),
    }
}

/// A name that a stranger chose, as code in a line or in the cell of a table.
fn code(name: &str) -> String {
    format!("`{}`", printable_line(name).replace('`', "'").replace('|', "\\|"))
}

/// The same as text.
fn plain(name: &str) -> String {
    let marks = |character: char| "\\`*[]<>#|!".contains(character);
    let escaped = |character: char| if marks(character) { format!("\\{character}") } else { character.to_string() };
    printable_line(name).chars().map(escaped).collect()
}

/// The same as a value of YAML, which reads the strings of JSON.
fn yaml(name: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./".contains(character);
    if !name.is_empty() && name.chars().all(is_plain) { name.into() } else { json_text(name) }
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(printable_line(text)).to_string()
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
        let saved = Saved::Adapter { base: Some("/home/me/base.gguf".into()) };
        let card = card(&run("dpo"), &saved, "mine", "");
        for part in [
            "---\nbase_model: base.gguf\nlibrary_name: peft\n",
            "| comparisons | `b.jsonl` | 3 | `cd` |",
            "reward model `judge`",
            "| `epochs` | 2.0 | flag |\n| `seed`",
            "| 0.750 | 0.500 to 0.900 |",
            "`BASE` is where you have `base.gguf`.",
            "# First: nudge export --model BASE+. --to merged --out merged",
            "from_pretrained(\"merged\")",
            "llama-cli -m BASE --lora exported/adapter.gguf",
            "ollama create",
            "nudge dpo --config run.json",
        ] {
            assert!(card.contains(part), "{part} is not in {card}");
        }
        assert!(!card.contains("/home") && !card.to_lowercase().contains("licen"), "{card}");
    }

    #[test]
    fn an_adapter_is_opened_on_its_base_wherever_that_is() {
        let card = |base: &str| card(&run("dpo"), &Saved::Adapter { base: Some(base.into()) }, "mine", "");
        let on_hub = card("hub:a/b");
        assert!(on_hub.contains("base = AutoModelForCausalLM.from_pretrained(\"a/b\")"), "{on_hub}");
        assert!(on_hub.contains("base_model: a/b\n") && on_hub.contains("--model hub:a/b+. --to gguf "), "{on_hub}");
        let in_folder = card("../models/sft");
        assert!(in_folder.contains("`BASE` is where you have `sft`.") && in_folder.contains("pretrained(\"BASE\")"));
        let built_in = card("builtin:sft");
        assert!(built_in.contains("--model builtin:sft+. --to merged") && !built_in.contains("BASE"), "{built_in}");
    }

    #[test]
    fn names_of_strangers_write_nothing_else_into_a_card() {
        let mut run = run("dpo");
        run.models[1].name = "x\nlicense: mit`|".into();
        run.data[0].path = "a`b|c\n# Heading".into();
        let card = card(&run, &Saved::Adapter { base: Some("m\n---\n\u{1b}[2J`".into()) }, "n\n# x <b>", "");
        assert!(card.starts_with("---\nbase_model: \"m --- \u{fffd}[2J`\"\nlibrary_name"), "{card}");
        for part in ["\n# n \\# x \\<b\\>\n", "| `a'b\\|c # Heading` |", "trained from `x license: mit'\\|`"] {
            assert!(card.contains(part), "{part} is not in {card}");
        }
        assert!(!card.contains("\n# Heading") && !card.contains("\nlicense"), "{card}");
    }

    #[test]
    fn a_reward_model_is_no_language_model() {
        let card = card(&run("reward"), &Saved::Model, "mine", "");
        assert!(card.contains("text-classification") && card.contains("AutoModelForSequenceClassification"), "{card}");
        assert!(!card.contains("ollama") && card.contains("base_model: judge"), "{card}");
    }
}
