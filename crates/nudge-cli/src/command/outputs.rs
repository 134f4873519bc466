//! What a command writes and nothing else locks: held from before it reads anything until it ends, so that a second
//! process is refused and not mixed in.
//!
//! Runs, records, sittings and workflows hold their own (`--out` of training, `sample`, `rank`, `teach`, ...), as they
//! go on where a process was cut off.

use crate::args::{Command, Data, DataCommand, Lab, LabCommand};
use crate::disk::{Lock, create_folder};
use crate::provenance::Given;
use anyhow::{Result, bail};
use same_file::is_same_file;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Something that a command writes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Written<'a> {
    /// A file, or a folder that must not be there yet.
    New(&'a Path),
    /// A folder whose files are written one by one.
    Folder(&'a Path),
}

/// Flags that name what is written.
const OUTPUTS: [&str; 4] = ["out", "pairs", "report", "log"];

/// Refuses a command that would replace what it reads: --force is for what was made before.
///
/// # Errors
/// Names both flags.
pub fn keep_inputs(given: &Given) -> Result<()> {
    if !given.flags.contains_key("force") {
        return Ok(());
    }
    for flag in OUTPUTS {
        let others = given.flags.iter().filter(|(other, _)| *other != flag);
        for (other, path) in others.flat_map(|(other, paths)| paths.iter().map(move |path| (other, path))) {
            let out = given.flags.get(flag).and_then(|paths| paths.first());
            if out.is_some_and(|out| is_same(Path::new(out), Path::new(path))) {
                bail!("--{flag} would replace {path}, which --{other} names; choose another --{flag}");
            }
        }
    }
    Ok(())
}

/// Whether two paths lead to one file or folder that is there.
pub fn is_same(one: &Path, other: &Path) -> bool {
    is_same_file(one, other).unwrap_or(false)
}

/// Holds what the command writes as long as the locks live.
///
/// # Errors
/// If another process writes to it, by its number and command; if nothing can be written there.
pub fn hold(command: &Command) -> Result<Vec<Lock>> {
    let written: BTreeSet<Written> = written(command).into_iter().collect();
    let lock = |written| match written {
        Written::New(path) => {
            path.parent().map_or(Ok(()), create_folder)?;
            Lock::file(path)
        }
        Written::Folder(folder) => {
            create_folder(folder)?;
            Lock::folder(folder)
        }
    };
    written.into_iter().map(lock).collect()
}

fn written(command: &Command) -> Vec<Written<'_>> {
    use Written::{Folder, New};
    match command {
        Command::Teach(arguments) => file(&arguments.report),
        Command::Compare(arguments) => file(&arguments.report),
        Command::Calibrate(arguments) => file(&arguments.report),
        Command::Bench(arguments) => file(&arguments.report),
        Command::Demo(arguments) => {
            let mut all = file(&arguments.report);
            all.extend(arguments.out.as_deref().map(Folder));
            all
        }
        Command::Export(arguments) => vec![New(&arguments.out)],
        Command::HandOver(arguments) => vec![New(&arguments.out)],
        Command::Report(arguments) => vec![New(&arguments.out)],
        Command::Man(arguments) => vec![Folder(&arguments.dir)],
        Command::Data(Data { command, .. }) => by_data(command),
        Command::Lab(Lab { command, .. }) => by_lab(command),
        Command::Pretrain(_) | Command::Sft(_) | Command::Reward(_) | Command::Tune(_) => vec![],
        Command::Sample(_) | Command::Show(_) | Command::Rank(_) | Command::BestOf(_) | Command::Score(_) => vec![],
        Command::Agreement(_) | Command::Eval(_) | Command::Inspect(_) | Command::Chat(_) => vec![],
        Command::SelfCheck(_) | Command::Completions(_) | Command::Licences => vec![],
    }
}

fn file(path: &Option<PathBuf>) -> Vec<Written<'_>> {
    path.as_deref().map(Written::New).into_iter().collect()
}

fn by_data(command: &DataCommand) -> Vec<Written<'_>> {
    let files: Vec<&Path> = match command {
        DataCommand::Inspect(_) => vec![],
        DataCommand::Convert(arguments) => vec![&arguments.out],
        DataCommand::Mix(arguments) => {
            std::iter::once(&arguments.out).chain(&arguments.held_out).map(PathBuf::as_path).collect()
        }
        DataCommand::Split(arguments) => vec![&arguments.train, &arguments.test],
        DataCommand::Merge(arguments) => vec![&arguments.out],
    };
    files.into_iter().map(Written::New).collect()
}

fn by_lab(command: &LabCommand) -> Vec<Written<'_>> {
    let (measurements, report) = match command {
        LabCommand::Methods(arguments) => (Some(&arguments.measurements), &arguments.report),
        LabCommand::Shapes(arguments) => (Some(&arguments.measurements), &arguments.report),
        LabCommand::Instruct(arguments) => (Some(&arguments.measurements), &arguments.report),
        LabCommand::Preferences(arguments) => (Some(&arguments.measurements), &arguments.report),
        LabCommand::Frontier(arguments) => (None, &arguments.report),
        LabCommand::Oracle(arguments) => (None, &arguments.report),
    };
    let kept = measurements.and_then(|measurements| measurements.out.as_deref());
    kept.into_iter().chain(report.as_deref()).map(Written::New).collect()
}
