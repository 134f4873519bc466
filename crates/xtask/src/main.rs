//! `cargo xtask`: builds, serves and tests Nudge with nothing but Rust and npm.
//!
//! Eight commands, each a module that reads on its own: [`wasm`], [`page`], [`licences`], [`download`] and [`served`]
//! build, [`serve`] serves, [`test`] tests, asks for known faults ([`audit`]) and packages the crates ([`packages`]),
//! [`reference`] recomputes the numbers that tests compare with, [`models`] fetches the model to measure with, [`fuzz`]
//! tries the readers, [`bench`] measures speed beside other programs, [`screenshots`] takes the README's pictures. What a
//! step needs and the machine lacks is fetched where that is possible ([`toolchain`], [`browsers`], [`python`]) and named
//! plainly where it is not.
//!
//! Deliberately absent: releases, deployment, anything that cargo or npm already does in one command.

mod audit;
mod bench;
mod browsers;
mod compress;
mod download;
mod fuzz;
mod headers;
mod licences;
mod models;
mod packages;
mod page;
mod process;
mod python;
mod reference;
mod screenshots;
mod serve;
mod served;
mod test;
mod toolchain;
mod unfused;
mod wasm;
mod workspace;
mod wrapper;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Build, serve and test Nudge.")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build the page into www/dist; with the model that `cargo xtask models` fetched, if it is there.
    Build(BuildOptions),
    /// Build the page and serve it on this machine; with the model that `cargo xtask models` fetched, if it is there.
    Serve {
        #[command(flatten)]
        build: BuildOptions,
        /// The first port to try.
        #[arg(long, default_value_t = 8000)]
        port: u16,
    },
    /// Run every check: format, lints, Rust tests, page, browser tests.
    Test {
        /// Only what needs neither WebAssembly nor npm.
        #[arg(long)]
        quick: bool,
        /// Only tests whose name contains this; lints are left out.
        filter: Option<String>,
    },
    /// Recompute the reference numbers of the tests with PyTorch, transformers and TRL (installs 6 GB of Python packages).
    Reference {
        /// Only these topics, named as in tests/reference/topics.
        topics: Vec<String>,
    },
    /// Fetch SmolLM2-135M-Instruct, the model to measure with (98 MB), into $NUDGE_MODELS or ~/.cache/nudge/models.
    Models {
        /// Make a Hugging Face folder in f16 and a file of Q8_0 blocks of it too (installs 6 GB of Python packages).
        #[arg(long)]
        derived: bool,
    },
    /// Try each reader of strangers' files on changed inputs.
    Fuzz {
        /// How long each reader is tried.
        minutes: f64,
        /// Only readers whose name contains this.
        filter: Option<String>,
    },
    /// Build the page and take its pictures anew, into www/screenshots: every step, and a film (needs libwebp's programs).
    Screenshots,
    /// Measure `nudge bench`, beside PyTorch, transformers and TRL or in the browser, and print the ratios.
    Bench(bench::Options),
}

#[derive(clap::Args)]
struct BuildOptions {
    /// Keep function names and source maps, so that a stack trace in the browser can be read.
    #[arg(long)]
    debug_page: bool,
}

fn main() -> ExitCode {
    if let Some(compiled) = wrapper::compile() {
        return exit_code(compiled);
    }
    exit_code(run(&Arguments::parse().task).map(|()| ExitCode::SUCCESS))
}

fn exit_code(result: Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(task: &Task) -> Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Build(options) => build(&workspace, options),
        Task::Serve { build: options, port } => {
            build(&workspace, options)?;
            serve::serve(&workspace.dist(), *port)
        }
        Task::Test { quick, filter } => test::test(&workspace, *quick, filter.as_deref()),
        Task::Reference { topics } => reference::reference(&workspace, topics),
        Task::Models { derived } => models::models(&workspace, *derived),
        Task::Fuzz { minutes, filter } => fuzz::fuzz(&workspace, *minutes, filter.as_deref()),
        Task::Screenshots => {
            build(&workspace, &BuildOptions { debug_page: false })?;
            screenshots::screenshots(&workspace)
        }
        Task::Bench(options) => bench::bench(&workspace, options),
    }
}

/// Rust to WebAssembly, then the page around it, then what travels of both. A page for debugging does not travel.
fn build(workspace: &Workspace, options: &BuildOptions) -> Result<()> {
    wasm::build(workspace, options.debug_page)?;
    page::build(workspace, options.debug_page)?;
    licences::put(workspace)?;
    if !options.debug_page {
        download::compress(workspace)?;
    }
    served::put(workspace)
}
