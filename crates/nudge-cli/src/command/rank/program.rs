//! A program that judges in a person's place (`--judge-command`): one JSON object a line in, one a line out.
//!
//! In: `{"id", "prompt", "completions": [text, ...]}`, the completions in an order that the seed has shuffled, so that
//! their place says nothing. Out: `{"scores": [number, ...]}`, higher is better, or `{"ranking": [[best, ...], ...]}`
//! of indices. The program is started once and sees its input closed when nothing is left to judge.

use super::End;
use super::attention::Attention;
use super::desk::{Desk, Next, Verdict};
use super::schedule::Screen;
use crate::interrupt;
use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

/// How often to look whether a signal asks to stop.
const LOOK: Duration = Duration::from_millis(100);
/// Characters of a reply that are quoted.
const QUOTED: usize = 80;
/// The longest reply, in bytes: a ranking of thousands.
const LONGEST_REPLY: usize = 1 << 20;
/// Replies that are read before they are asked for.
const READ_AHEAD: usize = 16;
/// How long a judge that has closed its output is given to end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A judge's reply.
#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Reply {
    Scores { scores: Vec<f64> },
    Ranking { ranking: Vec<Vec<usize>> },
}

/// A running judge.
struct Program<'a> {
    name: &'a str,
    child: Child,
    /// Lines to its standard input; a thread writes them, as a program that does not read would stop us.
    asks: Sender<String>,
    /// Lines of its standard output; [`TooLong`] ends them.
    replies: Receiver<Result<String, TooLong>>,
    patience: Duration,
}

/// A line goes on for more than [`LONGEST_REPLY`].
struct TooLong;

/// Lets the program decide until nothing is open.
pub fn run(desk: &mut Desk, command: &str, patience: Duration) -> Result<End> {
    let mut program = Program::start(command, patience)?;
    loop {
        let place = match desk.next()? {
            Next::Screen(place) => place,
            Next::NotYet if interrupt::requested() => return Ok(End::Interrupted),
            Next::NotYet => {
                desk.wait(LOOK)?;
                continue;
            }
            Next::Nothing => return Ok(End::Complete),
        };
        let Some(groups) = program.judge(desk.screen(place))? else { return Ok(End::Interrupted) };
        desk.decide(place, &Verdict::Ranked(groups), vec![], &Attention::none())?;
    }
}

impl<'a> Program<'a> {
    fn start(name: &'a str, patience: Duration) -> Result<Self> {
        let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut command = Command::new(shell);
        command.args([flag, name]).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Whatever it starts ends with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().with_context(|| format!("cannot start the judge `{name}`"))?;
        let (asks, to_write) = mpsc::channel::<String>();
        let (to_read, replies) = mpsc::sync_channel(READ_AHEAD);
        if let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) {
            thread::spawn(move || to_write.iter().try_for_each(|line| input.write_all(line.as_bytes())));
            thread::spawn(move || read_lines(output, &to_read));
        }
        Ok(Self { name, child, asks, replies, patience })
    }

    /// Groups of places on the screen, best first; nothing where a signal asks to stop.
    fn judge(&mut self, screen: &Screen) -> Result<Option<Vec<Vec<usize>>>> {
        let candidates = &screen.candidates;
        let texts: Vec<&str> = screen.shown.iter().map(|index| candidates.completions[*index].text.as_str()).collect();
        let ask = json!({ "id": screen.id(), "prompt": candidates.prompt, "completions": texts });
        // Where it has died, reading says so.
        let _ = self.asks.send(format!("{ask}\n"));
        let Some(line) = self.reply(&screen.id())? else { return Ok(None) };
        let groups = groups_of(&line, texts.len());
        groups.map(Some).map_err(|reason| anyhow!("the judge `{}` on `{}`: {reason}", self.name, screen.id()))
    }

    fn reply(&mut self, id: &str) -> Result<Option<String>> {
        let asked = Instant::now();
        loop {
            match self.replies.recv_timeout(LOOK) {
                Ok(Ok(line)) if line.trim().is_empty() => {}
                Ok(Ok(line)) => return Ok(Some(line)),
                Ok(Err(TooLong)) => bail!(
                    "the judge `{}` replied to `{id}` with a line of more than {} MiB; one line of JSON is wanted",
                    self.name,
                    LONGEST_REPLY >> 20
                ),
                Err(_) if interrupt::requested() => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.end();
                    bail!("the judge `{}` ended ({status}) before it had judged `{id}`", self.name)
                }
                Err(RecvTimeoutError::Timeout) if asked.elapsed() > self.patience => bail!(
                    "the judge `{}` gave no reply to `{id}` in {} s; one line of JSON for each line it reads is \
                     wanted, flushed at once (--judge-timeout waits longer)",
                    self.name,
                    self.patience.as_secs()
                ),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// How it ended, once its output is closed.
    fn end(&mut self) -> String {
        let asked = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status.to_string(),
                Ok(None) if asked.elapsed() < LAST_WORDS => thread::sleep(LOOK),
                Ok(None) => return "it closed its output and goes on".into(),
                Err(error) => return error.to_string(),
            }
        }
    }
}

/// Sends line by line, until nobody listens or one is too long.
fn read_lines(output: ChildStdout, to_read: &SyncSender<Result<String, TooLong>>) {
    let mut output = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        let read = output.by_ref().take(LONGEST_REPLY as u64 + 1).read_until(b'\n', &mut line);
        let reply = match read {
            Ok(0) | Err(_) => return,
            Ok(length) if length > LONGEST_REPLY => Err(TooLong),
            Ok(_) => Ok(String::from_utf8_lossy(&line).into_owned()),
        };
        let is_last = reply.is_err();
        if to_read.send(reply).is_err() || is_last {
            return;
        }
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The groups of a reply about `count` completions.
fn groups_of(line: &str, count: usize) -> Result<Vec<Vec<usize>>, String> {
    let quoted: String = line.chars().take(QUOTED).collect();
    let wrong = |what: String| format!("{what}; it replied: {quoted}");
    let form = format!("a reply is {{\"scores\": [{count} numbers]}} or {{\"ranking\": [[best], ..., [worst]]}}");
    let groups = match serde_json::from_str(line) {
        Ok(Reply::Ranking { ranking }) => ranking,
        Ok(Reply::Scores { scores }) if scores.len() == count => by_score(&scores),
        Ok(Reply::Scores { scores }) => return Err(wrong(format!("{} scores for {count} completions", scores.len()))),
        Err(_) => return Err(wrong(form)),
    };
    let mut places: Vec<usize> = groups.iter().flatten().copied().collect();
    places.sort_unstable();
    let whole = places.iter().copied().eq(0..count) && groups.iter().all(|group| !group.is_empty());
    if whole { Ok(groups) } else { Err(wrong(format!("a ranking names each of 0 to {} once", count - 1))) }
}

/// Best first, equal scores tied.
fn by_score(scores: &[f64]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let same = |a: &usize, b: &usize| scores[*a] == scores[*b];
    order.chunk_by(same).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_scores_or_rankings() {
        assert_eq!(groups_of(r#"{"scores": [1, 3.5, 1]}"#, 3), Ok(vec![vec![1], vec![0, 2]]));
        assert_eq!(groups_of(r#"{"ranking": [[2], [0, 1]]}"#, 3), Ok(vec![vec![2], vec![0, 1]]));
    }

    #[test]
    fn nonsense_is_named() {
        for (line, part) in [
            (r#"{"scores": [1, 2]}"#, "2 scores for 3 completions"),
            (r#"{"ranking": [[0], [1]]}"#, "each of 0 to 2 once"),
            (r#"{"ranking": [[0, 1, 2, 2]]}"#, "each of 0 to 2 once"),
            (r#"{"ranking": [[0, 1, 2], []]}"#, "each of 0 to 2 once"),
            (r#"{"winner": "a"}"#, "it replied: {\"winner\""),
            ("I prefer the first.", "a reply is {\"scores\": [3 numbers]}"),
        ] {
            let error = groups_of(line, 3).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
