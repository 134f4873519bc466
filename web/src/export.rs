//! A model of the session as the files of another program.

use crate::thrown::Thrown;
use nudge_model::container::Encoding;
use nudge_session::Files;
use nudge_session::export::{to_gguf, to_gguf_adapter, to_peft};
use nudge_session::folder::{ADAPTER_CONFIG, Folder};
use serde_json::{Map, Value};

/// PEFT's key for the name of the base.
const BASE: &str = "base_model_name_or_path";

/// `peft`, `gguf-adapter`, or `gguf` with the adapter worked into the base. In the session a base has a place's name; what
/// goes out names it `base`.
pub fn export(folder: &Folder, form: &str, base: &str) -> Result<Files, Thrown> {
    let files = match form {
        "peft" => to_peft(folder).map(|files| naming(files, base)),
        "gguf-adapter" => to_gguf_adapter(folder, "adapter.gguf", base),
        // Half of what f16 takes, and next to no loss.
        "gguf" => to_gguf(folder, "model.gguf", Encoding::Q8_0),
        other => return Err(Thrown::mistake(format!("no form is `{other}`"))),
    };
    files.map_err(Thrown::from)
}

fn naming(mut files: Files, base: &str) -> Files {
    let config = files.get(ADAPTER_CONFIG).and_then(|bytes| serde_json::from_slice::<Map<String, Value>>(bytes).ok());
    if let Some(mut config) = config {
        config.insert(BASE.into(), base.into());
        files.insert(ADAPTER_CONFIG.into(), serde_json::to_vec_pretty(&config).unwrap_or_default().into());
    }
    files
}
