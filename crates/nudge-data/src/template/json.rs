//! The filter `tojson` as transformers defines it: Python's `json.dumps` without escapes for HTML.
//!
//! It differs from the engine's own in spaces, in escapes and in the order of keys, which is that of insertion.

use std::fmt::Write;

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, Value};

use super::limits::{check_size, check_width};

struct Style {
    ensure_ascii: bool,
    indent: Option<usize>,
    between_items: String,
    after_key: String,
    sort_keys: bool,
}

/// `tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
pub(super) fn tojson(value: &Value, ensure_ascii: Option<bool>, kwargs: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = kwargs.get("indent")?;
    check_width(indent.unwrap_or(0))?;
    let separators: Option<Vec<String>> = kwargs.get("separators")?;
    let (between_items, after_key) = match separators.as_deref() {
        Some([items, key]) => (items.clone(), key.clone()),
        Some(_) => return Err(Error::new(ErrorKind::InvalidOperation, "`separators` must be two texts")),
        None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
        None => (", ".to_owned(), ": ".to_owned()),
    };
    let named: Option<bool> = kwargs.get("ensure_ascii")?;
    let style = Style {
        ensure_ascii: ensure_ascii.or(named).unwrap_or(false),
        indent,
        between_items,
        after_key,
        sort_keys: kwargs.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
    };
    kwargs.assert_all_used()?;
    let mut out = String::new();
    style.value(value, 0, &mut out)?;
    Ok(Value::from(out))
}

impl Style {
    fn value(&self, value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
        check_size(out.len())?;
        match (value.kind(), value.as_str()) {
            (_, Some(text)) => self.text(text, out),
            (ValueKind::None, _) => out.push_str("null"),
            (ValueKind::Bool, _) => out.push_str(if value.is_true() { "true" } else { "false" }),
            (ValueKind::Number, _) => write!(out, "{value}").map_err(|_| ErrorKind::WriteFailure)?,
            (ValueKind::Seq | ValueKind::Iterable, _) => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.items(['[', ']'], &items, depth, out, |item, out| self.value(item, depth + 1, out))?;
            }
            (ValueKind::Map, _) => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sort_keys {
                    keys.sort();
                }
                self.items(['{', '}'], &keys, depth, out, |key, out| {
                    self.text(&key.to_string(), out);
                    out.push_str(&self.after_key);
                    self.value(&value.get_item(key)?, depth + 1, out)
                })?;
            }
            (kind, _) => {
                let reason = format!("a value of kind {kind} can not be written as JSON");
                return Err(Error::new(ErrorKind::InvalidOperation, reason));
            }
        }
        Ok(())
    }

    fn items(
        &self,
        [open, close]: [char; 2],
        items: &[Value],
        depth: usize,
        out: &mut String,
        write: impl Fn(&Value, &mut String) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let new_line = |depth: usize, out: &mut String| {
            if let Some(indent) = self.indent {
                out.push('\n');
                out.push_str(&" ".repeat(indent * depth));
            }
        };
        out.push(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push_str(&self.between_items);
            }
            new_line(depth + 1, out);
            write(item, out)?;
        }
        if !items.is_empty() {
            new_line(depth, out);
        }
        out.push(close);
        Ok(())
    }

    fn text(&self, text: &str, out: &mut String) {
        out.push('"');
        for character in text.chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                _ if character < ' ' || self.ensure_ascii && !matches!(character, ' '..='~') => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                _ => out.push(character),
            }
        }
        out.push('"');
    }
}
