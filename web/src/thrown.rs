//! Errors as JavaScript throws them: a message for people, and a `kind` for whoever has to decide what to do.
//!
//! A panic is none of these: it ends the module, and JavaScript sees a `WebAssembly.RuntimeError`.

use js_sys::{Error, Reflect};
use nudge_data::DataError;
use nudge_session::SessionError;
use std::fmt::Display;
use wasm_bindgen::JsValue;

/// Becomes an `Error` with `kind` and, where one record or prompt is at fault, its `index`, counted from 1.
pub struct Thrown {
    kind: &'static str,
    index: Option<usize>,
    message: String,
}

impl Thrown {
    fn of(kind: &'static str, message: impl Display) -> Self {
        Self { kind, index: None, message: message.to_string() }
    }

    /// The caller passed something that no page should.
    pub fn mistake(message: impl Display) -> Self {
        Self::of("mistake", message)
    }

    /// A file or record cannot be used.
    pub fn data(message: impl Display) -> Self {
        Self::of("data", message)
    }

    /// A model cannot be taken in.
    pub fn model(message: impl Display) -> Self {
        Self::of("model", message)
    }

    /// An option cannot have a value.
    pub fn option(message: impl Display) -> Self {
        Self::of("option", message)
    }

    /// The device cannot be used, now or any more.
    pub fn device(message: impl Display) -> Self {
        Self::of("device", message)
    }
}

impl From<DataError> for Thrown {
    fn from(error: DataError) -> Self {
        Self::data(error)
    }
}

impl From<SessionError> for Thrown {
    fn from(error: SessionError) -> Self {
        let message = error.to_string();
        let (kind, index) = match error {
            SessionError::Data(_) => ("data", None),
            SessionError::Record { index, .. } => ("record", Some(index)),
            SessionError::Prompt { index, .. } => ("prompt", Some(index)),
            SessionError::Model { .. }
            | SessionError::MissingFile { .. }
            | SessionError::UnknownModel(_)
            | SessionError::NoBase { .. }
            | SessionError::WrongKind { .. }
            | SessionError::TokenizerMismatch { .. }
            | SessionError::DifferentTokenizers { .. }
            | SessionError::NotFinite { .. } => ("model", None),
            SessionError::UnknownLabeler { .. } => ("labeler", None),
            SessionError::Option { .. } => ("option", None),
            SessionError::Nothing(_) => ("nothing", None),
            SessionError::Checkpoint(_) | SessionError::CheckpointVersion { .. } => ("checkpoint", None),
            SessionError::Diverged { .. } | SessionError::DivergedWeights { .. } => ("diverged", None),
            SessionError::Memory { .. } => ("memory", None),
            SessionError::Device(_) => ("device", None),
        };
        Self { kind, index, message }
    }
}

impl From<Thrown> for JsValue {
    fn from(Thrown { kind, index, message }: Thrown) -> Self {
        let error = Error::new(&message);
        let set = |name: &str, value: JsValue| Reflect::set(&error, &name.into(), &value);
        // Setting a property of a fresh error cannot fail.
        set("kind", kind.into()).ok();
        if let Some(index) = index {
            set("index", JsValue::from_f64(index as f64)).ok();
        }
        error.into()
    }
}
