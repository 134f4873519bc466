//! Flags that are more than one number: `off`, a choice, or a choice with its number.

use serde_json::Value;

/// `off`, `replace:SCORE`, `subtract:PENALTY`.
pub fn missing_eos(text: &str) -> Result<Value, String> {
    match text.split_once(':') {
        None if text == "off" => Ok("off".into()),
        Some((rule @ ("replace" | "subtract"), score)) => Ok(serde_json::json!({ rule: number(score)? })),
        _ => Err("give off, replace:SCORE or subtract:PENALTY".into()),
    }
}

/// `off`, or a number.
pub fn optional_number(text: &str) -> Result<Value, String> {
    match text {
        "off" => Ok(Value::Null),
        _ => number(text).map(Value::from).map_err(|error| format!("{error}; give a number or off")),
    }
}

/// `constant`, `linear`, `cosine:FLOOR`.
pub fn lr_decay(text: &str) -> Result<Value, String> {
    match text.split_once(':') {
        None if ["constant", "linear"].contains(&text) => Ok(text.into()),
        Some(("cosine", floor)) => Ok(serde_json::json!({ "cosine": number(floor)? })),
        _ => Err("give constant, linear or cosine:FLOOR".into()),
    }
}

/// `mean`, `min`, `mean_minus_variance:FACTOR`.
pub fn ensemble(text: &str) -> Result<Value, String> {
    match text.split_once(':') {
        None if ["mean", "min"].contains(&text) => Ok(text.into()),
        Some((rule @ "mean_minus_variance", factor)) => Ok(serde_json::json!({ rule: number(factor)? })),
        _ => Err("give mean, min or mean_minus_variance:FACTOR".into()),
    }
}

fn number(text: &str) -> Result<f32, String> {
    text.parse::<f32>().map_err(|_| format!("`{text}` is no number"))
}

/// `off`, `TARGET:HORIZON`.
pub fn adaptive_kl(text: &str) -> Result<Value, String> {
    match text.split_once(':') {
        None if text == "off" => Ok(Value::Null),
        Some((target, horizon)) => Ok(serde_json::json!({ "target": number(target)?, "horizon": number(horizon)? })),
        None => Err("give off or TARGET:HORIZON, such as 6:10000".into()),
    }
}
