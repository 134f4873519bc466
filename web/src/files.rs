//! Model files across the border: a plain object of byte arrays on one side, a map on the other.

use crate::thrown::Thrown;
use js_sys::{Object, Reflect, Uint8Array};
use nudge_session::Files;
use wasm_bindgen::{JsCast, JsValue};

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
