//! What the stages that learn from their own answers have in common (PPO, GRPO, RLOO, REINFORCE).
//!
//! - [`prompts`]: which prompts a step answers, and the answers;
//! - [`scores`]: reward models, one or several, and the scale of their scores;
//! - [`experience`]: a rollout, scored, with log-probabilities of the training forward;
//! - [`minibatch`]: some of its rows as tensors;
//! - [`actor`]: the policy being trained, its reference, and the loss around a method's surrogate;
//! - [`pretraining`]: the text of PPO-ptx;
//! - [`learning`]: means of what the updates of a step measured.
//!
//! Deliberately absent: advantages and surrogates, which make the difference between the methods.

pub mod actor;
pub mod experience;
pub mod learning;
pub mod minibatch;
pub mod pretraining;
pub mod prompts;
pub mod scores;
