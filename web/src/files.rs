//! Model files across the border: a plain object of byte arrays on one side, a map on the other. Those of a large model
//! come in piece by piece, so that they are in memory once.

use crate::thrown::Thrown;
use js_sys::{Object, Reflect, Uint8Array};
use nudge_session::Files;
use std::collections::BTreeMap;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

/// Files on their way in.
#[wasm_bindgen]
#[derive(Default)]
pub struct IncomingFiles {
    files: BTreeMap<String, Vec<u8>>,
}

#[wasm_bindgen]
impl IncomingFiles {
    /// None yet.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a file and makes room for `bytes` of it, its size as far as that is known.
    pub fn begin(&mut self, name: String, bytes: f64) -> Result<(), Thrown> {
        let mut file = Vec::new();
        let room = file.try_reserve_exact(bytes as usize);
        room.map_err(|_| {
            Thrown::model(format!("{name} ({:.0} MB) does not fit into the memory of a tab", bytes / 1e6))
        })?;
        self.files.insert(name, file);
        Ok(())
    }

    /// The next piece of a file that has begun.
    pub fn append(&mut self, name: &str, piece: &Uint8Array) -> Result<(), Thrown> {
        let file = self.files.get_mut(name).ok_or_else(|| Thrown::mistake(format!("{name} has not begun")))?;
        let (before, more) = (file.len(), piece.length() as usize);
        let room = file.try_reserve(more);
        room.map_err(|_| Thrown::model(format!("{name} does not fit into the memory of a tab")))?;
        file.resize(before + more, 0);
        piece.copy_to(&mut file[before..]);
        Ok(())
    }
}

impl From<IncomingFiles> for Files {
    fn from(IncomingFiles { files }: IncomingFiles) -> Self {
        files.into_iter().map(|(name, bytes)| (name, bytes.into())).collect()
    }
}

/// `Record<string, Uint8Array>` to a map.
pub fn from_js(object: &JsValue) -> Result<Files, Thrown> {
    let object: &Object = object.dyn_ref().ok_or_else(|| Thrown::mistake("files must be an object of byte arrays"))?;
    let mut files = Files::new();
    for name in Object::keys(object) {
        let value = Reflect::get(object, &name).map_err(|_| Thrown::mistake("a file could not be read"))?;
        let bytes: Uint8Array = value.dyn_into().map_err(|_| Thrown::mistake("a file is not a byte array"))?;
        files.insert(name.as_string().unwrap_or_default(), bytes.to_vec().into());
    }
    Ok(files)
}

/// A map to `Record<string, Uint8Array>`.
pub fn to_js(files: &Files) -> Result<JsValue, Thrown> {
    let object = Object::new();
    for (name, bytes) in files {
        let array = Uint8Array::from(&bytes[..]);
        Reflect::set(&object, &name.as_str().into(), &array)
            .map_err(|_| Thrown::mistake("a file could not be copied"))?;
    }
    Ok(object.into())
}
