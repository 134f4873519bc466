//! The bench behind `?bench`: the session's phases on a device of the page.
//!
//! Launches and submits are counted by the caller, who can see the browser's GPU calls.

use crate::border::from_js;
use crate::device;
use crate::thrown::Thrown;
use js_sys::{Array, Function, WebAssembly::Memory};
use nudge_session::SessionError;
use nudge_session::bench::{self, BenchOptions, Ceilings, Measurement, Meter, Phase, Size};
use serde::Deserialize;
use wasm_bindgen::prelude::*;

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    device: String,
    size: String,
    phase: String,
    repeats: usize,
    warm_up: usize,
    prompts: usize,
}

/// Counts through the caller: `counts()` gives `[launches, submits]`.
struct PageMeter {
    counts: Function,
}

impl PageMeter {
    fn count(&self, index: u32) -> Option<u64> {
        let counts: Array = self.counts.call0(&JsValue::NULL).ok()?.dyn_into().ok()?;
        counts.get(index).as_f64().map(|count| count as u64)
    }
}

impl Meter for PageMeter {
    fn launches(&self) -> Option<u64> {
        self.count(0)
    }

    fn submits(&self) -> Option<u64> {
        self.count(1)
    }

    /// WebAssembly's memory only grows: its size is the peak since the page was opened.
    fn reset_peak(&mut self) {}

    fn peak_bytes(&self) -> Option<u64> {
        let memory: Memory = wasm_bindgen::memory().dyn_into().ok()?;
        let buffer: js_sys::ArrayBuffer = memory.buffer().dyn_into().ok()?;
        Some(u64::from(buffer.byte_length()))
    }
}

/// Measures one phase at one size. Gives its rows.
pub async fn measure(request: JsValue, counts: Function) -> Result<Vec<Measurement>, Thrown> {
    let request: Request = from_js(request)?;
    let size = Size::ALL.into_iter().find(|size| size.name() == request.size);
    let phase = Phase::ALL.into_iter().find(|phase| phase.name() == request.phase);
    let (Some(size), Some(phase)) = (size, phase) else {
        let (phase, size) = (request.phase, request.size);
        return Err(Thrown::mistake(format!("there is no phase `{phase}` at a size `{size}`")));
    };
    let opened = device::open(&request.device).await?;
    // A browser without a GPU emulates one, a thousand times slower.
    let ceilings = Ceilings::measure(&opened, true).await?;
    let options = BenchOptions {
        phases: vec![phase],
        repeats: request.repeats,
        warm_up: request.warm_up,
        prompts: request.prompts,
        seed: 1,
    };
    let mut rows = Vec::new();
    let tell = |row| {
        rows.push(row);
        Ok::<_, SessionError>(())
    };
    let device = (request.device.as_str(), &opened);
    bench::run(size, &options, device, &ceilings, &mut PageMeter { counts }, tell).await?;
    Ok(rows)
}
