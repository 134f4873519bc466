//! `nudge`, the native shell: flags and files in, the session's stages in between, files and numbers out.
//!
//! Map: [`args`], [`flags`], [`usage`] and [`options`] read the command line and TOML files; [`command`] holds one file a command;
//! [`runner`] pulls a stage; [`training_folder`] and [`record_file`] keep what it makes and what lets it go on, by [`disk`], which alone writes;
//! [`provenance`] and [`model_card`] say what made it, [`verdicts`] what it is worth, [`picture`] shows it; [`printable`] keeps
//! strangers' texts from steering a terminal;
//! [`machine`] arranges threads and memory; [`device`] is the only place that names a backend.

mod args;
mod builtin;
mod command;
mod device;
mod disk;
mod failure;
mod files;
mod flags;
mod help;
mod hub;
mod input;
mod interrupt;
mod live_records;
mod log;
mod machine;
mod memory;
mod model_card;
mod model_files;
mod options;
mod picture;
mod printable;
mod progress;
mod provenance;
mod record_file;
mod report;
mod runner;
mod svg;
mod table;
mod terminal;
mod training_folder;
mod usage;
mod verdicts;
mod version;
mod written;

use std::process::ExitCode;

fn main() -> ExitCode {
    machine::prepare();
    let arguments = usage::parse();
    interrupt::listen();
    match command::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::exit_code(&error),
    }
}
