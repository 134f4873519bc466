//! Does this device compute what it should? Every check is one number with a limit; all together take seconds.
//!
//! A GPU program that fails validation may be skipped in silence and leave zeros behind; a wrong kernel trains
//! something else and says nothing. This finds it before a person's time is spent. Yardsticks:
//! - `operations`: single operations against the same in `f64` on the host;
//! - `kernels`, `packed`: every fused operation against the same composed of single ones on the CPU;
//! - `training`, `forward`: a small decoder against the same decoder on the CPU;
//! - both: identities that hold on any device, such as the first ratio of PPO, which is exactly 1.

mod forward;
mod kernels;
mod operations;
mod packed;
mod report;
mod subject;
mod training;

pub use report::{Check, Report};

use crate::SessionError;
use burn::tensor::Device;

/// All checks of `device`; `cpu` is the device to compare with.
///
/// # Errors
/// If a device gives no numbers back. Wrong numbers are no error: they fail their check.
pub async fn run(device: &Device, cpu: &Device) -> Result<Report, SessionError> {
    let mut checks = operations::checks(device).await?;
    checks.extend(kernels::checks(device, cpu).await?);
    checks.extend(packed::checks(device, cpu).await?);
    checks.extend(training::step_checks(device, cpu).await?);
    checks.extend(training::learning_rate_zero_checks(device).await?);
    checks.extend(forward::checks(device, cpu).await?);
    Ok(Report::new(checks))
}

/// The checks of one training step and of sampling alone, for a shell that chooses a device and must not keep a person
/// waiting: they run every kernel of a training stage and of a rollout once.
///
/// # Errors
/// As [`run`].
pub async fn quick(device: &Device, cpu: &Device) -> Result<Report, SessionError> {
    let mut checks = training::step_checks(device, cpu).await?;
    checks.extend(forward::sampling_checks(device).await?);
    Ok(Report::new(checks))
}
