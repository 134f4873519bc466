//! What a comparison ends with: who won, what the rules say of it, some completions side by side, and which was whose.

use crate::args::Compare;
use crate::command::rank::ME;
use crate::disk::write_atomic;
use crate::failure::tell;
use crate::files::read_text;
use crate::picture::Page;
use crate::printable::printable_line;
use crate::provenance::RunRecord;
use crate::report::{self, Aside, one_line};
use crate::terminal::stderr_width;
use crate::usage::given;
use crate::verdicts::{Verdicts, given_of, judge_tie, run_of};
use anyhow::Result;
use nudge_data::{Prompt, read_jsonl};
use nudge_session::verdict::{Evidence, Finding, JudgedPair};
use nudge_session::{Verdict, Winner};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use textwrap::wrap;

/// Pairs that are shown as they are.
const SHOWN: usize = 3;
/// Columns of a line, its label left out.
const WIDTH: usize = 66;
/// Columns of a label.
const INDENT: usize = 11;
/// Lines of a text that are shown.
const LINES: usize = 6;

/// A comparison that is over.
pub struct Ending<'a> {
    /// What was asked for.
    pub arguments: &'a Compare,
    /// Who won.
    pub verdict: Verdict,
    /// What was compared.
    pub pairs: Vec<JudgedPair>,
    /// Of each pair the order in which it was shown, where somebody judged blind.
    pub shown: Vec<Vec<usize>>,
}

/// What stands beside the pairs: who won, and what the rules say of it.
#[derive(Serialize, Deserialize)]
pub struct Outcome {
    /// Who won.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What the rules say.
    #[serde(flatten)]
    pub verdicts: Verdicts,
}

impl Outcome {
    /// Its file, by that of the pairs.
    pub fn path(pairs: &Path) -> PathBuf {
        pairs.with_extension("verdict.json")
    }
}

/// A line of the file of pairs.
#[derive(Deserialize)]
struct Line {
    prompt: Prompt,
    a: String,
    b: String,
    preference: Option<Winner>,
}

/// The pairs of a file.
pub fn pairs_of(path: &Path) -> Result<Vec<JudgedPair>> {
    let lines: Vec<Line> = read_jsonl(&path.display().to_string(), &read_text(path)?)?;
    let pair = |Line { prompt, a, b, preference }| JudgedPair { prompt: Prompt::to_string(&prompt), a, b, preference };
    Ok(lines.into_iter().map(pair).collect())
}

impl<'a> Ending<'a> {
    /// Judges it, and writes that beside the pairs: before they are whole, so that nobody finds the one without the other.
    pub fn judged(self) -> Result<Judged<'a>> {
        let Self { arguments, verdict, pairs, shown } = self;
        let trained = run_of(&arguments.a);
        let evidence = Evidence {
            task: "compare".into(),
            method: trained.as_ref().map(|run| run.command.replace('-', "_")),
            options: trained.as_ref().map(RunRecord::values).unwrap_or_default(),
            judge: arguments.reward.as_ref().map(|judge| judge_tie(&arguments.a, judge)),
            comparison: Some(verdict.clone()),
            pairs,
            ..Evidence::default()
        };
        let training = trained.as_ref().map(given_of).unwrap_or_default();
        let verdicts = Verdicts::with_training(&evidence, &given(), &training, None);
        let outcome = Outcome { verdict, verdicts };
        if let Some(path) = &arguments.pairs {
            let text = format!("{}\n", serde_json::to_string_pretty(&outcome)?);
            write_atomic(&Outcome::path(path), text.as_bytes())?;
        }
        Ok(Judged { arguments, outcome, pairs: evidence.pairs, shown })
    }
}

/// A comparison that is judged by the rules.
pub struct Judged<'a> {
    arguments: &'a Compare,
    outcome: Outcome,
    pairs: Vec<JudgedPair>,
    shown: Vec<Vec<usize>>,
}

impl Judged<'_> {
    /// What the rules say of it.
    pub fn findings(&self) -> &[Finding] {
        &self.outcome.verdicts.findings
    }

    /// Prints it.
    pub fn tell(self) -> Result<()> {
        let Self { arguments, outcome, pairs, shown } = self;
        let as_json = arguments.common.json;
        if !as_json {
            tell(&examples(&pairs));
            if arguments.labeler.as_deref() == Some(ME) {
                tell(&which_was_which(&pairs, &shown));
            }
        }
        if !Aside::is_on() {
            outcome.verdicts.tell();
        }
        if let Some(path) = &arguments.report {
            let mut page = Page::new(&format!("{} against {}", arguments.a, arguments.b));
            page.verdict(&outcome.verdict, &outcome.verdicts);
            page.pairs(&pairs);
            page.write(path)?;
        }
        report::result(as_json, &outcome, || match Aside::is_on() {
            // The larger command says who won, at its end.
            true => report::answers(&outcome.verdict),
            false => report::comparison(&outcome.verdict),
        })
    }
}

/// Some pairs, the ones of the first prompts.
pub fn examples(pairs: &[JudgedPair]) -> String {
    let mut prompts: Vec<&str> = vec![];
    let mut text = String::new();
    for pair in pairs {
        if prompts.len() == SHOWN || prompts.contains(&pair.prompt.as_str()) {
            continue;
        }
        prompts.push(&pair.prompt);
        let won = |side: Winner| if pair.preference == Some(side) { "*" } else { " " };
        text += &block("prompt", &pair.prompt);
        text += &block(&format!("a {}", won(Winner::A)), &pair.a);
        text += &format!("{}\n", block(&format!("b {}", won(Winner::B)), &pair.b));
    }
    format!("{text}  (* was preferred)")
}

/// A text behind its label, in its own lines, of which a long text shows only the first.
fn block(label: &str, text: &str) -> String {
    let width = stderr_width().map_or(WIDTH, |width| width.min(WIDTH + INDENT)).saturating_sub(INDENT).max(20);
    let wrapped = |line| wrap(&printable_line(line), width).into_iter().map(Cow::into_owned).collect::<Vec<_>>();
    let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).flat_map(wrapped).collect();
    let shown = match lines.len() {
        0 => "(empty)".into(),
        count => lines[..count.min(LINES)].join(&format!("\n{:INDENT$}", "")),
    };
    let more = if lines.len() > LINES { " ..." } else { "" };
    format!("\n{:INDENT$}{shown}{more}", format!("  {label}"))
}

/// Which model stood where on each screen, and what was preferred.
fn which_was_which(pairs: &[JudgedPair], shown: &[Vec<usize>]) -> String {
    let name = |side: usize| if side == 0 { "a" } else { "b" };
    let lines: Vec<String> = pairs.iter().map(|pair| one_line(&pair.prompt, usize::MAX)).collect();
    let shared = shared_words(&lines);
    let line = |((pair, shown), prompt): ((&JudgedPair, &Vec<usize>), &String)| {
        let [first, second] = shown[..] else { return None };
        let preferred = match pair.preference? {
            Winner::A => "a",
            Winner::B => "b",
            Winner::Tie => "tie",
        };
        let (first, second) = (name(first), name(second));
        let (dots, rest) = if shared > 0 { ("... ", &prompt[shared..]) } else { ("", prompt.as_str()) };
        let prompt = format!("{dots}{}", one_line(rest, 44 - dots.len()));
        Some(format!("\n  1 was {first}, 2 was {second}; you: {preferred:<3}  {prompt}"))
    };
    let told: String = pairs.iter().zip(shown).zip(&lines).filter_map(line).collect();
    format!("\nWhich was which{told}")
}

/// Bytes of the words that all of several different prompts begin with: an instruction, say, above different letters.
fn shared_words(prompts: &[String]) -> usize {
    let Some((first, others)) = prompts.split_first() else { return 0 };
    let same = |other: &String| first.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let shared = others.iter().filter(|other| *other != first).map(same).min().unwrap_or(0);
    // Back to where a word begins, which is the boundary of a character.
    first.as_bytes()[..shared].iter().rposition(|byte| *byte == b' ').map_or(0, |space| space + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_that_begin_alike_are_told_apart_by_what_follows() {
        let pair = |asked: &str| JudgedPair {
            prompt: format!("Answer this customer's letter kindly and in no more than three sentences.\n\n{asked}"),
            a: String::new(),
            b: String::new(),
            preference: Some(Winner::A),
        };
        let told = which_was_which(
            &[pair("The lamp is late."), pair("The chair is \u{e9}br\u{e9}ch\u{e9}.")],
            &[vec![0, 1], vec![1, 0]],
        );
        assert!(told.contains("2 was b; you: a    ... lamp is late."), "{told}");
        assert!(told.contains("1 was b, 2 was a; you: a    ... chair is"), "{told}");
        assert_eq!(shared_words(&["a b c".into(), "a b c".into()]), 0);
        assert_eq!(shared_words(&["one".into(), "other".into()]), 0);
    }
}
