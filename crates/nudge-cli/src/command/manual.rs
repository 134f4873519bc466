//! `nudge completions` and `nudge man`: what a shell completes and a manual shows, made of the command line itself; and
//! `nudge licences`.

use crate::args::{Completions, Man};
use crate::disk::write_atomic;
use crate::failure::tell;
use crate::help;
use crate::report;
use anyhow::Result;
use clap::Command;

/// Prints the completions of a shell.
pub fn completions(arguments: &Completions) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut help::command(), "nudge", &mut script);
    report::print_raw(&String::from_utf8_lossy(&script))
}

/// Writes a page for the program and one for each command.
pub fn man(arguments: &Man) -> Result<()> {
    let mut command = help::command();
    command.build();
    let mut pages = vec![("nudge".to_string(), command.clone())];
    pages.extend(command.get_subcommands().map(|sub| (format!("nudge-{}", sub.get_name()), sub.clone())));
    for (name, command) in &pages {
        let mut page = Vec::new();
        clap_mangen::Man::new(named(command, name)).render(&mut page)?;
        write_atomic(&arguments.dir.join(format!("{name}.1")), &page)?;
    }
    tell(&format!("wrote {} pages into {}", pages.len(), arguments.dir.display()));
    Ok(())
}

/// Prints the licences of what the program is built from, which the build script collects.
pub fn licences() -> Result<()> {
    report::line(include_str!(concat!(env!("OUT_DIR"), "/licences.txt")).trim_end())
}

/// A command as the page of this name shows it.
fn named(command: &Command, name: &str) -> Command {
    command.clone().name(name.to_string()).disable_help_subcommand(true)
}
