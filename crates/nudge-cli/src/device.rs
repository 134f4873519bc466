//! Where tensors live. The only place of the program that names a backend.
//!
//! The CPU is always there; `wgpu` and `cuda` are compiled in by the features of the same names.

use anyhow::{Result, bail};
use burn::tensor::Device;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum DeviceChoice {
    /// CUDA, else any GPU, else the CPU: the first that is compiled in and can be opened.
    Auto,
    /// The CPU.
    Cpu,
    /// Any GPU through Vulkan, Metal or DX12.
    Wgpu,
    /// An NVIDIA GPU.
    Cuda,
}

impl DeviceChoice {
    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        }
    }
}

/// A device and its name.
pub struct OpenDevice {
    /// Where tensors live.
    pub device: Device,
    /// `cpu`, `wgpu` or `cuda`.
    pub name: &'static str,
}

/// Opens the device that was asked for.
pub fn open(choice: DeviceChoice) -> Result<OpenDevice> {
    match choice {
        DeviceChoice::Cpu => Ok(cpu()),
        DeviceChoice::Wgpu => gpu("wgpu", wgpu()),
        DeviceChoice::Cuda => gpu("cuda", cuda()),
        DeviceChoice::Auto => {
            let found = [("cuda", cuda()), ("wgpu", wgpu())];
            let opened = found.into_iter().find_map(|(name, device)| Some(OpenDevice { device: device.ok()?, name }));
            Ok(opened.unwrap_or_else(cpu))
        }
    }
}

/// Why a GPU cannot be used.
enum Absent {
    NotCompiled,
    #[allow(dead_code, reason = "only built with a GPU feature")]
    NoAdapter,
}

fn cpu() -> OpenDevice {
    OpenDevice { device: Device::flex(), name: "cpu" }
}

fn gpu(name: &'static str, device: Result<Device, Absent>) -> Result<OpenDevice> {
    match device {
        Ok(device) => Ok(OpenDevice { device, name }),
        Err(Absent::NotCompiled) => bail!(
            "this program was built without {name}. Build it with `cargo build --release -p nudge-cli --features {name}`, or use --device cpu"
        ),
        Err(Absent::NoAdapter) => bail!("no {name} device can be opened. Check the driver, or use --device cpu"),
    }
}

#[cfg(feature = "wgpu")]
fn wgpu() -> Result<Device, Absent> {
    first(burn::tensor::DeviceType::Wgpu)
}

#[cfg(not(feature = "wgpu"))]
fn wgpu() -> Result<Device, Absent> {
    Err(Absent::NotCompiled)
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<Device, Absent> {
    first(burn::tensor::DeviceType::Cuda)
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<Device, Absent> {
    Err(Absent::NotCompiled)
}

/// The first device of a kind that can be opened. Backends panic where a driver is missing.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn first(kind: burn::tensor::DeviceType) -> Result<Device, Absent> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let found = std::panic::catch_unwind(|| {
        let device = Device::enumerate(kind).into_iter().next()?;
        device.identity();
        Some(device)
    });
    std::panic::set_hook(hook);
    found.ok().flatten().ok_or(Absent::NoAdapter)
}
