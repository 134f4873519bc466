//! The steps of a workflow as command lines, which anybody could type one after the other.

use super::needs_reward;
use super::workflow::Workflow;
use crate::args::Teach;
use crate::command::rank::ME;
use nudge_session::method::Method;
use std::path::{Path, PathBuf};

/// Tokens of a completion, at most. A real model's answers of 80, as `sample` has it, are mostly cut off; those of a story
/// model end long before.
const MAX_NEW_TOKENS: usize = 160;

/// What the steps follow from.
pub struct Steps<'a> {
    /// What was asked for.
    pub arguments: &'a Teach,
    /// Where it goes.
    pub workflow: &'a Workflow,
    /// How it is tuned.
    pub method: &'a Method,
}

/// A step.
pub struct Step {
    /// What it does.
    pub title: &'static str,
    /// Its command line.
    pub words: Vec<String>,
    /// The command line that makes what it reads, at the same time.
    pub beside: Option<Vec<String>>,
}

impl Steps<'_> {
    /// The steps, in order.
    pub fn all(&self) -> Vec<Step> {
        let step = |(title, words)| Step { title, words, beside: None };
        let mut all = Vec::new();
        if self.workflow.examples > 0 {
            all.push(step(("show what you want: answers that you would send", self.show())));
        }
        if self.workflow.has_examples() {
            all.push(step(("imitate the examples", self.sft())));
        }
        if !self.ranks() {
            all.push(step(("compare before and after", self.compare())));
            return all;
        }
        if self.is_person() {
            let beside = Some(self.sample());
            all.push(Step { title: "rank completions while the next are sampled", words: self.rank(), beside });
        } else {
            all.push(step(("sample completions", self.sample())));
            all.push(step(("rank them", self.rank())));
        }
        if needs_reward(self.method) {
            all.push(step(("train a reward model", self.reward())));
        }
        all.push(step(("tune", self.tune())));
        all.push(step(("compare before and after", self.compare())));
        // A person has judged enough.
        if self.workflow.has_examples() && !self.is_person() {
            all.push(step(("compare with what the examples alone taught", self.compare_with_examples())));
        }
        all
    }

    /// Whether anything is ranked.
    fn ranks(&self) -> bool {
        self.arguments.rankings > 0
    }

    /// Whether the step of these words has left what it writes: a person may stop in the middle.
    pub fn done(&self, words: &[String]) -> bool {
        let written = words.iter().zip(&words[1..]).find(|(flag, _)| *flag == "--out" || *flag == "--pairs");
        written.is_none_or(|(_, path)| Path::new(path).exists())
    }

    /// The model whose completions are ranked, and which is tuned.
    fn before(&self) -> String {
        match self.workflow.has_examples() {
            true => text(&self.workflow.run("sft")),
            false => self.arguments.model.clone(),
        }
    }

    /// The folder of the model that the workflow ends with.
    pub fn tuned(&self) -> PathBuf {
        match self.ranks() {
            true => self.workflow.run(self.command_of_method()),
            false => self.workflow.run("sft"),
        }
    }

    /// Where the comparison with what the examples alone taught is kept, if there is one.
    pub fn added(&self) -> PathBuf {
        self.workflow.file("judgements.of_tuning.jsonl")
    }

    fn command_of_method(&self) -> &'static str {
        match self.method.info().name {
            "online_dpo" => "online-dpo",
            name => name,
        }
    }

    fn show(&self) -> Vec<String> {
        let prompts = self.workflow.file("prompts.jsonl");
        let words = [pair("--prompts", &text(&prompts)), pair("--count", &self.workflow.examples.to_string())].concat();
        let out = self.workflow.file("demonstrations.jsonl");
        [vec!["nudge".into(), "show".into()], words, pair("--out", &text(&out)), vec!["--resume".into()]].concat()
    }

    fn sft(&self) -> Vec<String> {
        let data = self.workflow.file("demonstrations.jsonl");
        let words = [pair("--model", &self.arguments.model), pair("--data", &text(&data))].concat();
        self.command("sft", words, ("--out", self.workflow.run("sft")))
    }

    fn sample(&self) -> Vec<String> {
        let prompts = self.workflow.to_rank();
        let words = [
            pair("--model", &self.before()),
            pair("--prompts", &text(&prompts)),
            pair("--k", &self.arguments.completions.to_string()),
            self.longest(),
            // A person waits for the first prompt's completions alone.
            if self.is_person() { pair("--batch-size", &self.arguments.completions.to_string()) } else { vec![] },
        ];
        self.command("sample", words.concat(), ("--out", self.workflow.file("candidates.jsonl")))
    }

    fn rank(&self) -> Vec<String> {
        let candidates = self.workflow.file("candidates.jsonl");
        let words = [pair("--candidates", &text(&candidates)), self.judge()].concat();
        self.command("rank", words, ("--out", self.workflow.file("rankings.jsonl")))
    }

    fn reward(&self) -> Vec<String> {
        let words = [pair("--model", &self.before()), pair("--comparisons", &self.rankings())].concat();
        self.command("reward", words, ("--out", self.workflow.run("reward")))
    }

    fn tune(&self) -> Vec<String> {
        let mut words = pair("--policy", &self.before());
        if needs_reward(self.method) {
            words.extend(pair("--reward", &text(&self.workflow.run("reward"))));
            words.extend(pair("--prompts", &text(&self.workflow.file("prompts.jsonl"))));
            words.extend(self.longest());
        } else {
            words.extend(pair("--comparisons", &self.rankings()));
        }
        match &self.arguments.options {
            Some(options) => words.extend(pair("--config", &text(options))),
            // Rankings are few, and the comparison is on prompts that were held out before: all of them teach.
            None if !needs_reward(self.method) => words.extend(pair("--held-out", "0")),
            None => {}
        }
        self.command(self.command_of_method(), words, ("--out", self.tuned()))
    }

    /// Against the untouched start: what the examples and the tuning did together.
    fn compare(&self) -> Vec<String> {
        self.compared(&self.arguments.model, self.workflow.file("judgements.jsonl"))
    }

    fn compare_with_examples(&self) -> Vec<String> {
        self.compared(&self.before(), self.added())
    }

    fn compared(&self, before: &str, pairs: PathBuf) -> Vec<String> {
        let words = [
            pair("--a", &text(&self.tuned())),
            pair("--b", before),
            pair("--prompts", &text(&self.workflow.file("held_out.jsonl"))),
            self.longest(),
            self.judge(),
        ];
        self.command("compare", words.concat(), ("--pairs", pairs))
    }

    fn rankings(&self) -> String {
        text(&self.workflow.file("rankings.jsonl"))
    }

    /// Whether a person ranks and judges.
    fn is_person(&self) -> bool {
        self.arguments.judge_command.is_none() && self.arguments.labeler == ME
    }

    /// Who ranks and judges.
    fn judge(&self) -> Vec<String> {
        let mut words = match &self.arguments.judge_command {
            Some(command) => pair("--judge-command", command),
            None => pair("--labeler", &self.arguments.labeler),
        };
        if self.arguments.plain && self.is_person() {
            words.push("--plain".into());
        }
        words
    }

    fn longest(&self) -> Vec<String> {
        pair("--max-new-tokens", &self.arguments.max_new_tokens.unwrap_or(MAX_NEW_TOKENS).to_string())
    }

    fn command(&self, name: &str, words: Vec<String>, (flag, out): (&str, PathBuf)) -> Vec<String> {
        let arguments = self.arguments;
        let mut all = vec!["nudge".to_string(), name.into()];
        all.extend(words);
        all.extend([flag.to_string(), text(&out), "--resume".into()]);
        // What a person ranks is kept at once, and ranking asks for no device unless a reward model does.
        all.extend(pair("--checkpoint-seconds", &arguments.checkpoint_seconds.to_string()));
        all.extend(pair("--device", arguments.common.device.name()));
        all.extend(pair("--seed", &arguments.seed.to_string()));
        all
    }
}

fn pair(flag: &str, value: &str) -> Vec<String> {
    vec![flag.into(), value.into()]
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
