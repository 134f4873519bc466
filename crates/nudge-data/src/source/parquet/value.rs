//! From the decoder's rows to JSON values.
//!
//! Lists and structs become JSON lists and objects, maps become objects, dates and decimals become strings.
//!
//! It lacks binary values that hold no text.

use ::parquet::record::{Field, Row};
use serde_json::{Map, Value};

pub(super) fn object(row: Row) -> Result<Value, String> {
    let fields = row.into_columns().into_iter();
    fields
        .map(|(name, field)| Ok((name.clone(), value(field).map_err(|reason| format!("column {name:?}: {reason}"))?)))
        .collect::<Result<Map<_, _>, _>>()
        .map(Value::Object)
}

fn value(field: Field) -> Result<Value, String> {
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(value) => value.into(),
        Field::Byte(value) => value.into(),
        Field::Short(value) => value.into(),
        Field::Int(value) => value.into(),
        Field::Long(value) => value.into(),
        Field::UByte(value) => value.into(),
        Field::UShort(value) => value.into(),
        Field::UInt(value) => value.into(),
        Field::ULong(value) => value.into(),
        Field::Float16(value) => number(value.to_f64())?,
        Field::Float(value) => number(value.into())?,
        Field::Double(value) => number(value)?,
        Field::Str(value) => value.into(),
        Field::Bytes(bytes) => match bytes.as_utf8() {
            Ok(text) => text.into(),
            Err(_) => {
                return Err("the value is binary and no UTF-8 text; drop the column or write it as text".to_owned());
            }
        },
        Field::Group(row) => object(row)?,
        Field::ListInternal(list) => list.elements().iter().cloned().map(value).collect::<Result<_, _>>()?,
        Field::MapInternal(map) => Value::Object(
            map.entries()
                .iter()
                .map(|(key, field)| Ok((name(key.clone())?, value(field.clone())?)))
                .collect::<Result<_, String>>()?,
        ),
        // Dates, times and decimals as the decoder writes them: 2024-05-01, 2024-05-01 12:00:00.000 +00:00, 1.50.
        other => other.to_string().into(),
    })
}

/// A map's key as an object's.
fn name(key: Field) -> Result<String, String> {
    Ok(match value(key)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

fn number(value: f64) -> Result<Value, String> {
    serde_json::Number::from_f64(value)
        .map(Value::Number)
        .ok_or_else(|| format!("the value is {value}, which JSON has no number for; replace it by null"))
}

/// The bytes of a value's text, nearly, so that what comes out of a file can be held against what went in.
pub(super) fn length(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len() as u64 + 2,
        Value::Array(values) => 2 + values.iter().map(|value| length(value) + 1).sum::<u64>(),
        Value::Object(values) => {
            2 + values.iter().map(|(key, value)| key.len() as u64 + length(value) + 4).sum::<u64>()
        }
    }
}
