//! Tests that need tensors, or more than one module.
//!
//! One binary, because linking is the slow part. Reading a tensor back is fine here: these run on the
//! CPU device.

mod choice;
mod common;
mod dpo;
mod golden;
mod gradients;
mod host_properties;
mod kl;
mod losses;
mod masks;
mod policy;
mod preferences;
mod properties;
mod restated;
