//! Values across the border: serde on one side, plain JavaScript objects on the other.
//!
//! Maps become objects and nothing becomes `null`, as in JSON. JavaScript has no whole numbers beyond 2^53, which an
//! identifier in somebody's file may be: such a value goes by way of JSON, whose numbers JavaScript rounds.

use crate::thrown::Thrown;
use js_sys::JSON;
use serde::{Serialize, de::DeserializeOwned};
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;

/// To JavaScript.
pub fn to_js(value: &(impl Serialize + ?Sized)) -> Result<JsValue, Thrown> {
    value.serialize(&Serializer::json_compatible()).or_else(|_| {
        let json = serde_json::to_string(value).map_err(Thrown::mistake)?;
        JSON::parse(&json).map_err(|_| Thrown::mistake("a value has no form in JavaScript"))
    })
}

/// From JavaScript. The error says what is wrong with the value.
pub fn from_js<T: DeserializeOwned>(value: JsValue) -> Result<T, Thrown> {
    serde_wasm_bindgen::from_value(value.clone()).or_else(|_| {
        let json = JSON::stringify(&value).map_err(|_| Thrown::mistake("the value has no form in JSON"))?;
        serde_json::from_str(&String::from(json)).map_err(Thrown::mistake)
    })
}
