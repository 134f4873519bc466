//! One file a command. Each reads its files, starts one run of the session, and reports.

mod agreement;
pub mod bench;
mod best_of;
mod calibrate;
mod chat;
mod compare;
mod data;
mod demo;
mod demo_report;
mod eval;
mod export;
mod hand_over;
mod inspect;
mod job;
pub mod lab;
mod manual;
mod mined;
mod outputs;
mod own_completions;
mod rank;
mod sample;
mod score;
mod self_check;
mod show;
mod side_by_side;
mod teach;
mod train;
mod tune;
mod tuning_loop;

use crate::args::{Arguments, Command};
use crate::device::{self, DeviceChoice};
use crate::failure::{tell, tell_once};
use crate::memory;
use crate::model_files::read_model;
use crate::provenance::{begin_hash, by_model};
use crate::report;
use crate::runner::{Listen, drive};
use crate::usage::given;
use anyhow::{Context, Result};
use nudge_data::{CandidatesRecord, Prompt};
use nudge_session::options::SampleOptions;
use nudge_session::{self as session, Event, Files, Session, SessionError};
use serde_json::{Map, Value};
use std::time::Instant;

/// Does what the command line asks for.
pub fn run(arguments: Arguments) -> Result<()> {
    outputs::keep_inputs(&given())?;
    let _locks = outputs::hold(&arguments.command)?;
    match arguments.command {
        Command::Teach(arguments) => teach::run(&arguments),
        Command::Pretrain(arguments) => train::pretrain(&arguments),
        Command::Sft(arguments) => train::sft(&arguments),
        Command::Reward(arguments) => train::reward(&arguments),
        Command::Agreement(arguments) => agreement::run(&arguments),
        Command::Data(arguments) => data::run(&arguments),
        Command::Calibrate(arguments) => calibrate::run(&arguments),
        Command::Tune(arguments) => tune::run(&arguments),
        Command::BestOf(arguments) => best_of::run(&arguments),
        Command::Sample(arguments) => sample::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::Rank(arguments) => rank::run(&arguments),
        Command::Score(arguments) => score::run(&arguments),
        Command::Compare(arguments) => compare::run(&arguments),
        Command::Report(arguments) => side_by_side::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::HandOver(arguments) => hand_over::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Chat(arguments) => chat::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Lab(arguments) => lab::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::SelfCheck(arguments) => self_check::run(&arguments),
        Command::Completions(arguments) => manual::completions(&arguments),
        Command::Man(arguments) => manual::man(&arguments),
        Command::Licences => manual::licences(),
    }
}

/// A session on a device.
pub struct Workplace {
    /// The session.
    pub session: Session,
    /// `cpu`, `wgpu` or `cuda`.
    pub device: &'static str,
}

impl Workplace {
    /// Opens the device and says which one on standard error.
    pub fn open(choice: DeviceChoice) -> Result<Self> {
        let opened = device::open(choice)?;
        tell_once(&format!("device: {}", opened.name));
        let mut session = Session::new(opened.device);
        // What a GPU has free, no driver tells through burn.
        if opened.name == "cpu" {
            session.limit_memory(memory::available_bytes());
        }
        Ok(Self { session, device: opened.name })
    }

    /// Loads the model that `name` stands for, under that name.
    pub fn load(&mut self, name: &str) -> Result<()> {
        let files = read_model(name)?;
        if given().flags.contains_key("out") {
            // The record of the run will say it.
            begin_hash(name, &files);
        }
        let info = self.session.put_model(name, files).map_err(|error| match error {
            // What is wrong with a tokenizer does not say whose it is; the other errors do.
            SessionError::Data(error) => anyhow::Error::from(error).context(format!("model `{name}`")),
            other => other.into(),
        })?;
        tell_once(&format!("model {name}: {}, {} parameters", info.kind, report::count(info.parameters)));
        if let Some(note) = info.note {
            tell_once(&format!("model {name}: {note}"));
        }
        Ok(())
    }

    /// Options with what they are where they are left to the model called `name`, which may learn from its own completions
    /// (`explores`).
    pub fn settled(&self, mut options: Map<String, Value>, name: &str, explores: bool) -> Result<Map<String, Value>> {
        for (option, sourced) in options.iter_mut().filter(|(_, sourced)| sourced["value"].is_null()) {
            if let Some(value) = self.session.decided_by_model(name, option, explores)? {
                *sourced = by_model(value);
            }
        }
        Ok(options)
    }

    /// Runs a command to its end, in memory; `label` names it beside its progress and its time.
    pub fn pull(&self, label: &str, command: session::Command) -> Result<Vec<Event>> {
        let clock = Instant::now();
        let mut events = Vec::new();
        let mut listen = Listen(|event| {
            events.push(event);
            Ok(())
        });
        drive(self.session.start(command, None)?, label, &mut listen)?;
        tell(&format!("{label}: {}", report::duration(clock.elapsed().as_secs_f64())));
        Ok(events)
    }

    /// Completions of prompts, in memory, as records that can be ranked.
    pub fn candidates(
        &self,
        label: &str,
        model: &str,
        prompts: Vec<Prompt>,
        options: SampleOptions,
    ) -> Result<Vec<CandidatesRecord>> {
        let events = self.pull(label, session::Command::Sample { model: model.into(), prompts, options })?;
        let candidates = events.into_iter().filter_map(|event| match event {
            Event::Candidates { id, prompt, completions, .. } => {
                Some(CandidatesRecord { id, prompt, completions, extra: Default::default() })
            }
            _ => None,
        });
        Ok(candidates.collect())
    }

    /// Keeps the model that a stage ended with under `name`, in the place of another of that name.
    pub fn keep(&mut self, name: &str, events: &[Event]) -> Result<&Files> {
        let model = events.iter().find_map(|event| match event {
            Event::Model { files, .. } => Some(files.clone()),
            _ => None,
        });
        self.session.put_model(name, model.context("the stage ended without a model")?)?;
        self.session.model_files(name).context("the session lost a model")
    }
}
