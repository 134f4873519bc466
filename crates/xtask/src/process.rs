//! Running other programs: each is echoed, its output streams through, its failure names the command line.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Runs a program to its end with its output on the terminal.
pub fn run(command: &mut Command) -> Result<()> {
    announce(command);
    let status = command.status().with_context(|| format!("cannot start `{}`", line(command)))?;
    ensure!(status.success(), "`{}` failed ({status})", line(command));
    Ok(())
}

/// As [`run`], but ends the program when `limit` has passed. For downloads, which may hang on a machine without network.
pub fn run_within(command: &mut Command, limit: Duration) -> Result<()> {
    announce(command);
    let mut child = command.spawn().with_context(|| format!("cannot start `{}`", line(command)))?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "`{}` failed ({status})", line(command));
            return Ok(());
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            bail!("`{}` took longer than {} s", line(command), limit.as_secs());
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// Runs a program to its end and hands on each line that it prints, as it comes; what it complains of is on the terminal.
///
/// A line that is refused does not end the program: its error comes after the last line, before the program's own.
pub fn run_lines(command: &mut Command, mut take: impl FnMut(&str) -> Result<()>) -> Result<()> {
    announce(command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start `{}`", line(command)))?;
    let mut refused = Ok(());
    if let Some(output) = child.stdout.take() {
        for text in BufReader::new(output).lines() {
            refused = refused.and(text.map_err(Into::into).and_then(|text| take(&text)));
        }
    }
    let status = child.wait()?;
    refused?;
    ensure!(status.success(), "`{}` failed ({status})", line(command));
    Ok(())
}

/// What a program prints, without the surrounding white space.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::null()).output().with_context(|| format!("cannot start `{}`", line(command)))?;
    ensure!(output.status.success(), "`{}` failed ({})", line(command), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The first program of one of these names on the `PATH`.
pub fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .map(|program| program.with_extension(env::consts::EXE_EXTENSION))
        .find(|program| program.is_file())
}

/// Whether this user may install Debian packages: root, on a system with `apt-get`.
pub fn can_install_packages() -> bool {
    find_program(&["apt-get"]).is_some() && output(Command::new("id").arg("-u")).is_ok_and(|user| user == "0")
}

/// Installs Debian packages. Refuses to remove any that is there.
pub fn install_packages(packages: &[&str]) -> Result<()> {
    println!("Installing the Debian packages {}.", packages.join(", "));
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet=2");
        command
    };
    run_within(apt().arg("update"), Duration::from_secs(180))?;
    run_within(
        apt().args(["install", "--yes", "--no-remove", "--no-install-recommends"]).args(packages),
        Duration::from_secs(900),
    )
}

fn announce(command: &Command) {
    println!("$ {}", line(command));
}

/// The command line as one would type it, with the folder it runs in.
fn line(command: &Command) -> String {
    let words: Vec<_> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(OsStr::to_string_lossy).collect();
    let folder = command.get_current_dir().and_then(Path::file_name);
    match folder {
        Some(folder) => format!("{} (in {})", words.join(" "), folder.to_string_lossy()),
        None => words.join(" "),
    }
}
