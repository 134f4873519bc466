//! Tests that need tensors, or more than one module.
//!
//! One binary, because linking is the slow part. Reading a tensor back is fine here: these run on the
//! CPU device.

mod common;
mod golden;
mod gradients;
mod host_properties;
mod losses;
mod masks;
mod properties;
