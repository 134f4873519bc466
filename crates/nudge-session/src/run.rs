//! A stage being pulled. Ask for the next event to go on, stop asking to pause, drop it to cancel; between two
//! events a checkpoint can be taken.
//!
//! Deliberately absent: time, threads, callbacks. The shell owns the loop.

use crate::SessionError;
use crate::protocol::{Event, Files};
use crate::stage::{
    best_of::BestOf, calibrate::Calibrate, compare::Compare, dpo::Dpo, eval::Eval, grpo::Grpo, kto::Kto, orpo::Orpo,
    ppo::Ppo, pretrain::Pretrain, rank::Rank, reinforce::Reinforce, reward::Reward, rloo::Rloo, sample::Sample,
    score::Score, sft::Sft,
};

/// A stage being pulled.
pub struct Run {
    work: Work,
    position: Position,
}

#[derive(Clone, Copy, PartialEq)]
enum Position {
    Ready,
    Running,
    Ended,
}

macro_rules! stages {
    ($($name:ident($stage:ty)),* $(,)?) => {
        /// The stages a run can be in. A run of one stage stays in it.
        #[allow(missing_docs)]
        pub enum Work { $($name(Box<$stage>)),* }

        $(impl From<$stage> for Run {
            fn from(stage: $stage) -> Self {
                Self { work: Work::$name(Box::new(stage)), position: Position::Ready }
            }
        })*

        impl Work {
            fn started(&self) -> Event {
                match self { $(Work::$name(stage) => stage.started()),* }
            }

            async fn next(&mut self) -> Result<Option<Event>, SessionError> {
                match self { $(Work::$name(stage) => stage.next().await),* }
            }

            async fn save(&self) -> Result<Files, SessionError> {
                match self { $(Work::$name(stage) => stage.save().await),* }
            }

            fn finished(&self) -> Event {
                match self { $(Work::$name(stage) => stage.finished()),* }
            }
        }
    };
}

stages! {
    Pretrain(Pretrain),
    Sft(Sft),
    Sample(Sample),
    Rank(Rank),
    Reward(Reward),
    Ppo(Ppo),
    Grpo(Grpo),
    Rloo(Rloo),
    Reinforce(Reinforce),
    Dpo(Dpo),
    Kto(Kto),
    Orpo(Orpo),
    BestOf(BestOf),
    Compare(Compare),
    Score(Score),
    Calibrate(Calibrate),
    Eval(Eval),
}

impl Run {
    /// The next event: `Started` first, `Finished` last, then nothing. An error ends the run.
    pub async fn next(&mut self) -> Result<Option<Event>, SessionError> {
        match self.position {
            Position::Ended => Ok(None),
            Position::Ready => {
                self.position = Position::Running;
                Ok(Some(self.work.started()))
            }
            Position::Running => match self.work.next().await {
                Ok(Some(event)) => Ok(Some(event)),
                Ok(None) => {
                    self.position = Position::Ended;
                    Ok(Some(self.work.finished()))
                }
                Err(error) => {
                    self.position = Position::Ended;
                    Err(error)
                }
            },
        }
    }

    /// A checkpoint of the run as it stands. Give it to `Session::start` with the same command to go on from here.
    pub async fn save(&mut self) -> Result<Files, SessionError> {
        self.work.save().await
    }
}
