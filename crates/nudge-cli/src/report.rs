//! What a command prints when it is done: lines for people, or one JSON object for machines.

use crate::failure::tell;
use crate::printable::{printable, printable_json, printable_line};
use crate::terminal;
use anyhow::{Context, Result};
use nudge_session::Verdict;
use nudge_session::protocol::{CompletionStatistics, Usable, UsableShare};
use serde::Serialize;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Prints to standard output what a terminal can be trusted with. An error, a closed pipe among them, goes up and not
/// into a panic.
pub fn print(text: &str) -> Result<()> {
    print_raw(&printable(text))
}

/// Prints a text of this program as it is, colours and all.
pub fn print_raw(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.context("cannot write to standard output")
}

/// A line for people.
pub fn line(text: &str) -> Result<()> {
    print(&format!("{}\n", terminal::folded(&printable(text), terminal::stdout_width())))
}

/// One object for machines.
pub fn json(value: &impl Serialize) -> Result<()> {
    print_raw(&format!("{}\n", printable_json(&serde_json::to_string(value)?)))
}

/// While it lives, commands are steps of a larger one: their results are for reading along, on standard error.
pub struct Aside(());

static ASIDE: AtomicBool = AtomicBool::new(false);

impl Aside {
    /// From now on.
    pub fn begin() -> Self {
        ASIDE.store(true, Ordering::Relaxed);
        Self(())
    }

    /// Whether one lives.
    pub fn is_on() -> bool {
        ASIDE.load(Ordering::Relaxed)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        ASIDE.store(false, Ordering::Relaxed);
    }
}

/// `what` as JSON where `--json` asks for it, else as the line that `text` makes.
pub fn result(as_json: bool, what: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
    if Aside::is_on() {
        tell(&text());
        return Ok(());
    }
    if as_json { json(what) } else { line(&text()) }
}

/// A share with its interval.
pub fn percent(share: f64, low: f64, high: f64) -> String {
    format!("{:.1} % (95 % interval {:.1} to {:.1} %)", 100.0 * share, 100.0 * low, 100.0 * high)
}

/// A comparison: how many answers are usable, where the judge said so, and who won.
pub fn verdict(verdict: &Verdict) -> String {
    usable(verdict).into_iter().chain([win_rate(verdict)]).collect::<Vec<_>>().join("\n")
}

/// How many answers of the two models the judge would use.
pub fn usable(verdict: &Verdict) -> Option<String> {
    let Usable { a, b } = verdict.usable.as_ref()?;
    let share = |UsableShare { yes, of, low, high }: &UsableShare| {
        format!("{yes} of {of}, {}", percent(*yes as f64 / (*of).max(1) as f64, *low, *high))
    };
    Some(format!("usable: {}; before: {}", share(a), share(b)))
}

/// Who won, in one line.
pub fn win_rate(verdict: &Verdict) -> String {
    format!(
        "{}, {}, {}: win rate {}{}; judge: {}{}",
        times(verdict.wins, "win", "wins"),
        times(verdict.ties, "tie", "ties"),
        times(verdict.losses, "loss", "losses"),
        percent(verdict.win_rate, verdict.low, verdict.high),
        verdict.kl.map_or(String::new(), |kl| format!("; KL {kl:.2} nats a completion")),
        verdict.judge,
        if verdict.simulated { " (SIMULATED: not a person)" } else { "" }
    )
}

/// A comparison with what the completions are like.
pub fn comparison(found: &Verdict) -> String {
    format!("{}\n{}", verdict(found), answers(found)).trim_end().into()
}

/// What the completions of a comparison are like, a line a model.
pub fn answers(found: &Verdict) -> String {
    let line = |name: &str, completions: &Option<CompletionStatistics>| {
        completions.as_ref().map_or(String::new(), |completions| {
            format!(
                "  {name}: {:.1} tokens a completion, {:.0} % ended, distinct-1 {:.3}, distinct-2 {:.3}\n",
                completions.mean_length,
                100.0 * completions.eos_rate,
                completions.distinct_1,
                completions.distinct_2
            )
        })
    };
    let explanation = if found.a.is_some() || found.b.is_some() {
        "  ended: by their end token; distinct: share of the tokens, and of the pairs of them, that are different ones"
    } else {
        ""
    };
    line("a", &found.a) + &line("b", &found.b) + explanation
}

/// A text in one line of at most `width` columns, cut off with dots.
pub fn one_line(text: &str, width: usize) -> String {
    let line = printable_line(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    match line.chars().count() {
        0 => "(empty)".into(),
        length if length <= width => line,
        _ => format!("{} ...", line.chars().take(width.saturating_sub(4)).collect::<String>().trim_end()),
    }
}

/// 1 win, 2 wins.
pub fn times(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// 2.2 M, 135 M, 900.
pub fn count(number: usize) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{:.0} K", number as f64 / 1e3),
        1_000_000..100_000_000 => format!("{:.1} M", number as f64 / 1e6),
        _ => format!("{:.0} M", number as f64 / 1e6),
    }
}

/// 3.2 s, 4 min 10 s.
pub fn duration(seconds: f64) -> String {
    match seconds {
        ..100.0 => format!("{seconds:.1} s"),
        _ => format!("{:.0} min {:.0} s", (seconds / 60.0).floor(), seconds % 60.0),
    }
}
