//! What the machine has: the one place in the page that names backends, the CPU (flex) and WebGPU.

use crate::thrown::Thrown;
use burn::tensor::Device;
use js_sys::Reflect;

/// Launches that go to the GPU in one submission: a training step of the built-in model takes four.
const LAUNCHES_A_SUBMIT: usize = 64;

/// Opens the device called `cpu` or `webgpu`. The message of a failure is for people.
pub async fn open(name: &str) -> Result<Device, Thrown> {
    match name {
        "cpu" => Ok(Device::flex()),
        "webgpu" => {
            Device::wgpu_options().tasks_max(LAUNCHES_A_SUBMIT).init_async().await.map_err(|error| {
                Thrown::device(format!("WebGPU could not be opened: {error}. The CPU will do the work"))
            })
        }
        other => Err(Thrown::mistake(format!("no device is called `{other}`; choose `cpu` or `webgpu`"))),
    }
}

/// Gigabytes of memory that the machine has, as far as the browser says: 8 at most, and some say nothing.
pub fn memory() -> Option<f64> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    Reflect::get(&navigator, &"deviceMemory".into()).ok()?.as_f64()
}

/// For the page.
pub fn describe(name: &str) -> &'static str {
    match name {
        "webgpu" => "WebGPU",
        _ => "CPU (WebAssembly SIMD)",
    }
}
