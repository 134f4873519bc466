//! The rows of a measurement: which are asked for, which are there already, and where each goes as it comes.
//!
//! Rows do not depend on each other. A command measures those that it lacks, one after the other, and keeps them in `--out`,
//! a line each. Or it prints a command for each row (`--rows`), which measures that one on whatever machine and prints its
//! line (`--lines`); from such lines (`--from`) comes the table that a single run would have made. A line says what it was
//! measured with, so that nothing is put together that does not belong together.

use crate::args::Measurements;
use crate::disk::{Appended, write_atomic};
use crate::failure::tell;
use crate::files::read_text;
use crate::provenance::hash_of;
use crate::report;
use crate::runner::quoted;
use anyhow::{Context, Result, bail};
use nudge_data::read_jsonl_checked;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Of the lines. What a line holds, or what is measured, has changed: this is one more.
const VERSION: u32 = 1;
/// Flags that say which rows are asked for, or what becomes of them: the command of a row has its own.
const OWN: [&str; 8] = ["rows", "lines", "from", "seeds", "first-seed", "out", "resume", "report"];

/// A row that can be measured by itself.
pub struct Row {
    /// Unlike any other's.
    pub name: String,
    /// Flags that ask for it alone, in the place of those that asked for more.
    pub flags: Vec<(&'static str, String)>,
}

impl Row {
    /// A row at a seed.
    pub fn at(seed: u64, name: &str, flags: &[(&'static str, &str)]) -> Self {
        let seeds = [("first-seed", seed.to_string()), ("seeds", "1".to_string())];
        let flags = flags.iter().map(|(flag, value)| (*flag, (*value).to_string())).chain(seeds);
        Self { name: format!("{name} at seed {seed}"), flags: flags.collect() }
    }

    /// Its command.
    fn command(&self, words: &[String]) -> Vec<String> {
        let replaced = |flag: &str| OWN.contains(&flag) || self.flags.iter().any(|(own, _)| *own == flag);
        let own = self.flags.iter().flat_map(|(flag, value)| [format!("--{flag}"), value.clone()]);
        without(words, replaced).into_iter().chain(own).chain(["--lines".to_string()]).collect()
    }
}

/// Words of a command line but for some flags and what stands behind them.
fn without(words: &[String], flag: impl Fn(&str) -> bool) -> Vec<String> {
    let mut leaves_out = false;
    let keeps = |word: &&String| {
        if let Some(name) = word.strip_prefix("--") {
            leaves_out = flag(name.split('=').next().unwrap_or(name)) || name == "json";
        }
        !leaves_out
    };
    words.iter().filter(keeps).cloned().collect()
}

/// A row as it is kept.
#[derive(Serialize, Deserialize)]
struct Line<M> {
    version: u32,
    /// What was measured.
    lab: String,
    /// A hash of everything that it depends on beside the row.
    options: String,
    row: String,
    #[serde(flatten)]
    measurement: M,
}

/// The rows that are asked for, and what is known of them.
pub struct Sheet<'a, M> {
    flags: &'a Measurements,
    lab: &'static str,
    options: String,
    wanted: Vec<Row>,
    /// By the names of their rows.
    found: BTreeMap<String, M>,
}

impl<'a, M: Serialize + DeserializeOwned> Sheet<'a, M> {
    /// The rows of a lab. `options` is everything that they depend on beside what their names say. Nothing where only their
    /// commands were asked for.
    ///
    /// # Errors
    /// If a file is there that was not to be gone on with, or holds rows that do not belong here; of `--from`, if a row is
    /// missing or twice.
    pub fn open(
        lab: &'static str,
        flags: &'a Measurements,
        as_json: bool,
        options: &impl Serialize,
        mut wanted: Vec<Row>,
    ) -> Result<Option<Self>> {
        let mut names = BTreeSet::new();
        wanted.retain(|row| names.insert(row.name.clone()));
        if flags.rows {
            wanted.iter().try_for_each(|row| print_command(row, as_json))?;
            return Ok(None);
        }
        let options = hash_of(serde_json::to_string(options)?.as_bytes()).chars().take(16).collect();
        let mut sheet = Self { flags, lab, options, wanted, found: BTreeMap::new() };
        for path in &flags.from {
            sheet.read(path, &read_text(path)?)?;
        }
        match flags.from.is_empty() {
            true => sheet.go_on()?,
            false => sheet.refuse_missing()?,
        }
        Ok(Some(sheet))
    }

    /// What an earlier run kept. A file that is there is not written to without being asked.
    fn go_on(&mut self) -> Result<()> {
        let Some(path) = self.flags.out.as_deref().filter(|path| path.exists()) else { return Ok(()) };
        if !self.flags.resume {
            bail!("{} exists; go on with --resume, or choose another --out", path.display());
        }
        let text = read_text(path)?;
        // A line that was cut off when the run was stopped is measured again.
        let whole: String = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).collect();
        self.read(path, &whole)?;
        if whole.len() < text.len() { write_atomic(path, whole.as_bytes()) } else { Ok(()) }
    }

    fn read(&mut self, path: &Path, text: &str) -> Result<()> {
        let file = path.display().to_string();
        let lines: Vec<Map<String, Value>> = read_jsonl_checked(&file, text, |line| self.belongs(line))?;
        let mut others = 0;
        for (number, line) in lines.into_iter().enumerate() {
            let line: Line<M> = serde_json::from_value(line.into())
                .with_context(|| format!("{file}, row {}: not a row of nudge lab {}", number + 1, self.lab))?;
            if !self.wanted.iter().any(|row| row.name == line.row) {
                others += 1;
                continue;
            }
            let Entry::Vacant(place) = self.found.entry(line.row.clone()) else {
                bail!("{file}: the row `{}` is there twice; leave out the file or the line that repeats it", line.row);
            };
            place.insert(line.measurement);
        }
        if others > 0 {
            let others = report::times(others, "row", "rows");
            tell(&format!("{file}: {others} not asked for and left aside"));
        }
        Ok(())
    }

    /// Whether a line may stand beside those of this command.
    fn belongs(&self, line: &Map<String, Value>) -> Result<(), String> {
        let again = "measure it again, or give the rows of one command alone";
        if line.get("version") != Some(&VERSION.into()) {
            let version = line.get("version").map_or("none".into(), Value::to_string);
            return Err(format!("a row of version {version}, and this nudge reads version {VERSION}; {again}"));
        }
        if line.get("lab") != Some(&self.lab.into()) {
            return Err(format!("not a row of nudge lab {}; {again}", self.lab));
        }
        if line.get("options") != Some(&self.options.as_str().into()) {
            return Err(format!("a row of other options, models or data than this command's; {again}"));
        }
        Ok(())
    }

    fn refuse_missing(&self) -> Result<()> {
        let missing: Vec<&Row> = self.wanted.iter().filter(|row| self.lacks(&row.name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = missing.iter().map(|row| row.name.as_str()).collect();
        bail!(
            "{} of {} rows are missing: {}; --rows in the place of --from prints the command of each",
            missing.len(),
            self.wanted.len(),
            names.join(", ")
        )
    }

    /// Whether a row is still to be measured.
    pub fn lacks(&self, name: &str) -> bool {
        !self.found.contains_key(name)
    }

    /// Whether any is.
    pub fn is_whole(&self) -> bool {
        self.wanted.iter().all(|row| !self.lacks(&row.name))
    }

    /// A row was measured: it is on the disk, or printed, when this ends.
    pub fn add(&mut self, name: &str, measurement: M) -> Result<()> {
        let (lab, options) = (self.lab.to_string(), self.options.clone());
        let line = serde_json::to_string(&Line { version: VERSION, lab, options, row: name.into(), measurement })?;
        if let Some(path) = &self.flags.out {
            let mut file = Appended::open(path)?;
            file.add(format!("{line}\n").as_bytes())?;
            file.sync()?;
        }
        if self.flags.lines {
            report::print(&format!("{line}\n"))?;
        }
        // What is read back may differ in its last digit from what was written; so it does nowhere.
        let Line { row, measurement, .. } = serde_json::from_str(&line)?;
        self.found.insert(row, measurement);
        Ok(())
    }

    /// All rows in the order in which they were asked for; nothing where they were printed as lines.
    pub fn rows(mut self) -> Option<Vec<M>> {
        let rows = self.wanted.iter().filter_map(|row| self.found.remove(&row.name)).collect();
        (!self.flags.lines).then_some(rows)
    }
}

/// The command of a row, as a shell or as a program reads it.
fn print_command(row: &Row, as_json: bool) -> Result<()> {
    let mut words: Vec<String> = std::env::args().collect();
    if let Some(program) = words.first_mut() {
        *program = "nudge".into();
    }
    let command = row.command(&words);
    if as_json {
        return report::json(&json!({ "version": VERSION, "row": row.name, "command": command }));
    }
    report::print(&format!("{}\n", command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::PathBuf;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Number {
        number: f64,
    }

    fn wanted() -> Vec<Row> {
        (1..=3).map(|seed| Row::at(seed, "it", &[])).collect()
    }

    fn flags(out: Option<PathBuf>, resume: bool, from: Vec<PathBuf>) -> Measurements {
        Measurements { seeds: 3, first_seed: 1, out, resume, rows: false, lines: false, from }
    }

    fn open<'a>(flags: &'a Measurements, options: &Value) -> Result<Sheet<'a, Number>> {
        Ok(Sheet::open("it", flags, false, options, wanted())?.expect("no commands were asked for"))
    }

    #[test]
    fn what_was_kept_is_not_measured_again_and_what_was_cut_off_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        let (fresh, resumed) = (flags(Some(path.clone()), false, vec![]), flags(Some(path.clone()), true, vec![]));
        let mut sheet = open(&fresh, &json!(1)).unwrap();
        // In whatever order they come.
        sheet.add("it at seed 3", Number { number: 0.1 }).unwrap();
        sheet.add("it at seed 1", Number { number: 1.0 }).unwrap();
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + "{\"ver").unwrap();
        assert!(open(&fresh, &json!(1)).err().unwrap().to_string().contains("--resume"));
        let mut sheet = open(&resumed, &json!(1)).unwrap();
        assert!(sheet.lacks("it at seed 2") && !sheet.lacks("it at seed 3"));
        sheet.add("it at seed 2", Number { number: 2.0 }).unwrap();
        assert_eq!(sheet.rows().unwrap().iter().map(|row| row.number).collect::<Vec<_>>(), [1.0, 2.0, 0.1]);
        assert!(format!("{:#}", open(&resumed, &json!(2)).err().unwrap()).contains("line 1: a row of other options"));
    }

    #[test]
    fn rows_from_elsewhere_are_whole_and_of_one_kind() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let options = json!(1);
        for seed in 1..=3 {
            let kept = flags(Some(place(&format!("{seed}.jsonl"))), false, vec![]);
            let mut sheet = open(&kept, &options).unwrap();
            sheet.add(&format!("it at seed {seed}"), Number { number: seed as f64 }).unwrap();
        }
        let from = |names: &[&str]| flags(None, false, names.iter().map(|name| place(name)).collect());
        let whole = from(&["3.jsonl", "1.jsonl", "2.jsonl"]);
        assert_eq!(open(&whole, &options).unwrap().rows().unwrap().len(), 3);
        let refused = |flags: &Measurements, part: &str| {
            let error = format!("{:#}", open(flags, &options).err().unwrap());
            assert!(error.contains(part), "{part} is not in {error}");
        };
        refused(&from(&["3.jsonl", "1.jsonl"]), "1 of 3 rows are missing: it at seed 2");
        refused(&from(&["3.jsonl", "1.jsonl", "2.jsonl", "1.jsonl"]), "`it at seed 1` is there twice");
        let text = std::fs::read_to_string(place("2.jsonl")).unwrap();
        for (from_text, to, part) in [
            ("\"version\":1", "\"version\":9", "line 1: a row of version 9"),
            ("\"lab\":\"it\"", "\"lab\":\"that\"", "not a row of nudge lab it"),
            ("\"number\"", "\"name\"", "not a row of nudge lab it"),
        ] {
            std::fs::write(place("2.jsonl"), text.replace(from_text, to)).unwrap();
            refused(&whole, part);
        }
    }

    #[test]
    fn the_command_of_a_row_asks_for_it_alone() {
        let words =
            "nudge lab shapes --model x/y --only 1 2 --seeds=5 --quick --rows --report r.html --json --device cpu";
        let words: Vec<String> = words.split(' ').map(String::from).collect();
        let command = Row::at(3, "2", &[("only", "2")]).command(&words);
        let expected = "nudge lab shapes --model x/y --quick --device cpu --only 2 --first-seed 3 --seeds 1 --lines";
        assert_eq!(command.join(" "), expected);
    }
}
