//! How fast a device multiplies matrices and copies memory at best, by the same libraries that the models run on.

use crate::SessionError;
use crate::platform::Stopwatch;
use crate::readback::read;
use burn::tensor::{Device, Tensor};
use nudge_kernels::linear;
use serde::Serialize;

/// Rows and columns of the matrix product.
const SIDE: usize = 1024;
/// Numbers of the copy: 64 MiB, more than the caches of a desktop processor.
const COPIED: usize = 16 << 20;
/// Times each is tried; the fastest counts.
const TRIES: usize = 5;

/// The ceilings of a device.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Ceilings {
    /// Billions of floating-point operations a second in a product of two square matrices.
    pub gflops: f64,
    /// Billions of bytes read and written a second by a copy.
    pub gb_per_s: f64,
}

impl Ceilings {
    /// Measures them; `small` is for devices so slow that the full size would take minutes.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn measure(device: &Device, small: bool) -> Result<Self, SessionError> {
        let shrink = if small { 4 } else { 1 };
        let (side, copied) = (SIDE / shrink, COPIED / (shrink * shrink));
        let (mut product, mut copy) = (f64::INFINITY, f64::INFINITY);
        let matrix = || Tensor::<2>::ones([side, side], device);
        let (left, right) = (matrix().unsqueeze(), matrix());
        let long = Tensor::<1>::ones([copied], device);
        for _ in 0..TRIES {
            let clock = Stopwatch::start();
            read(linear(left.clone(), right.clone()).slice([0..1, 0..1, 0..1])).await?;
            product = product.min(clock.seconds());
            let clock = Stopwatch::start();
            read(long.clone().add_scalar(1.0).narrow(0, 0, 1)).await?;
            copy = copy.min(clock.seconds());
        }
        let operations = 2.0 * (side as f64).powi(3);
        let bytes = 2.0 * 4.0 * copied as f64;
        Ok(Self { gflops: 1e-9 * operations / product, gb_per_s: 1e-9 * bytes / copy })
    }
}
