//! `nudge show`: a person writes the answers that they would send. These examples teach more in a minute than rankings.
//!
//! Every answer is on the disk before the next prompt is shown, and an answer that was not finished is kept as a draft.

use super::rank::for_terminal;
use crate::args::Show;
use crate::disk::{Lock, beside, rename, write_atomic};
use crate::failure::{Interrupted, tell};
use crate::files::read_text;
use crate::input;
use crate::interrupt;
use crate::record_file::already_finished;
use crate::report::{self, times};
use crate::runner::resume_command;
use crate::written::{Pen, draft_of};
use anyhow::{Result, bail};
use nudge_data::{DemonstrationRecord, Prompt, demonstrations_from, write_jsonl};
use nudge_session::workflow::check_examples;
use std::io::{BufRead, stdin};
use std::path::{Path, PathBuf};

const HELP: &str = "Write the answer that you would send. A handful teaches the model what you want; it can be skipped, but rankings of \
    a model that cannot do the task yet teach little.";

/// What somebody wants to do with a prompt.
enum Choice {
    Write,
    Skip,
    Enough,
}

/// Asks for examples into `--out`.
pub fn run(arguments: &Show) -> Result<()> {
    let out = &arguments.output.out;
    let prompts = input::prompts(&arguments.prompts, &Default::default())?.all;
    if prompts.is_empty() {
        bail!("{} holds no prompts", arguments.prompts.display());
    }
    let _lock = Lock::file(out)?;
    let partial = beside(out, ".partial");
    if out.exists() && arguments.output.resume {
        already_finished(out);
        return Ok(());
    }
    if out.exists() && !arguments.output.force {
        bail!("{} exists; choose another --out, or replace it with --force", out.display());
    }
    let mut kept = Kept::open(partial, arguments.output.force)?;
    ask(&prompts[..prompts.len().min(arguments.count)], &mut kept, &draft_of(out))?;
    check_examples(&kept.examples, &[])?.iter().for_each(|note| tell(note));
    rename(&kept.path, out)?;
    let summary =
        serde_json::json!({ "command": "show", "out": out.display().to_string(), "records": kept.examples.len() });
    report::result(arguments.json, &summary, || {
        format!("show: {} -> {}", times(kept.examples.len(), "example", "examples"), out.display())
    })
}

/// What was written so far, on the disk.
struct Kept {
    path: PathBuf,
    examples: Vec<DemonstrationRecord>,
}

impl Kept {
    fn open(path: PathBuf, anew: bool) -> Result<Self> {
        let text = if path.exists() && !anew { read_text(&path)? } else { String::new() };
        let kept = Self { examples: demonstrations_from(&path.display().to_string(), &text)?, path };
        kept.write()?;
        Ok(kept)
    }

    fn has(&self, prompt: &Prompt) -> bool {
        self.examples.iter().any(|example| example.prompt == *prompt)
    }

    fn add(&mut self, prompt: &Prompt, completion: String) -> Result<()> {
        let prompt = prompt.clone();
        self.examples.push(DemonstrationRecord {
            prompt,
            completion,
            task: None,
            split: None,
            extra: Default::default(),
        });
        self.write()
    }

    fn write(&self) -> Result<()> {
        write_atomic(&self.path, write_jsonl(&self.examples).as_bytes())
    }
}

/// Shows the prompts one by one until they are through or the person has enough.
fn ask(prompts: &[Prompt], kept: &mut Kept, draft: &Path) -> Result<()> {
    tell(HELP);
    let pen = Pen::find();
    for (index, prompt) in prompts.iter().enumerate().filter(|(_, prompt)| !prompt.to_string().is_empty()) {
        if kept.has(prompt) {
            continue;
        }
        let text = for_terminal(&prompt.to_string());
        let written = kept.examples.len();
        tell(&format!(
            "\n[{} of {}, {} so far]\n\n{text}\n",
            index + 1,
            prompts.len(),
            times(written, "example", "examples")
        ));
        match choose()? {
            Choice::Enough => break,
            Choice::Skip => continue,
            Choice::Write => {}
        }
        match pen.write(&text, "", draft) {
            Ok(Some(answer)) => kept.add(prompt, answer)?,
            Ok(None) => tell("Nothing was written; the prompt is skipped."),
            Err(error) => bail!("{error:#}. Go on with:\n  {}", resume_command()),
        }
        if interrupt::requested() {
            return Err(Interrupted { go_on: Some(resume_command()) }.into());
        }
    }
    Ok(())
}

fn choose() -> Result<Choice> {
    loop {
        tell("enter writes your answer, s skips this prompt, q is enough:");
        let mut line = String::new();
        if interrupt::while_waiting(|| stdin().lock().read_line(&mut line))? == 0 {
            return Ok(Choice::Enough);
        }
        match line.trim() {
            "" => return Ok(Choice::Write),
            "s" => return Ok(Choice::Skip),
            "q" => return Ok(Choice::Enough),
            other => tell(&format!("`{other}` is none of enter, s and q.")),
        }
    }
}
