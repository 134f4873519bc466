//! The template engine as Hugging Face's templates expect it: Jinja2 with the settings and names of transformers.
//!
//! The source of truth is `_compile_jinja_template` in transformers (`utils/chat_template_utils.py`). Where minijinja
//! follows Rust (whitespace, JSON), Python is followed here.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{StringInput, ValueKind, from_args};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat;

use super::json::tojson;
use super::rewrite::{SLICE, with_limits};
use super::{TEMPLATE_NAME, limits};

/// Compiles a template.
pub(super) fn compile(source: &str) -> Result<Environment<'static>, String> {
    let message = |error: Error| error.to_string();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(message)?;
    let mut environment = Environment::new();
    environment.set_unknown_method_callback(method);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function(SLICE, slice);
    environment.add_filter("tojson", tojson);
    environment.add_filter("trim", |text: StringInput<'_>, of: Option<&str>| strip(text.as_str(), of).to_owned());
    environment.add_test("iterable", |value: &Value| value.kind() == ValueKind::Iterable || is_sequence(value));
    environment.add_test("sequence", is_sequence);
    limits::install(&mut environment);
    let source = with_limits(&without_generation_tags(&one_kind_of_line_end(source)), &syntax)?;
    environment.set_syntax(syntax);
    environment.add_template_owned(TEMPLATE_NAME, source).map_err(message)?;
    Ok(environment)
}

/// Jinja2 reads every kind of line end as `\n`, and drops one at the end of the file.
fn one_kind_of_line_end(source: &str) -> String {
    source.replace("\r\n", "\n").replace('\r', "\n")
}

/// `{% generation %}` marks what the assistant says, for transformers' own masks. Here masks come from elsewhere
/// ([`super::rendering`]), so the tags become a scope without names, which leaves blanks and names as they would be.
fn without_generation_tags(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("{%") {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        // Behind the opening mark: `{%}` opens a tag and does not end it.
        let inside = tag[2..].split_once("%}").map_or("", |(inside, _)| inside);
        let name = inside.trim_matches(['-', '+']).trim();
        let replacement = match name {
            "generation" => "with",
            "endgeneration" => "endwith",
            _ => {
                out.push_str("{%");
                rest = &tag[2..];
                continue;
            }
        };
        out.push_str("{%");
        out.push_str(&inside.replace(name, replacement));
        rest = &tag[2 + inside.len()..];
    }
    out.push_str(rest);
    out
}

/// Jinja2 asks for a length and items, which texts, mappings and undefined values have too, and `none` has not.
fn is_sequence(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::String | ValueKind::Undefined)
}

/// Lets a template refuse a conversation.
fn raise_exception(message: String) -> Result<String, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// Python's methods on values. What differs from minijinja's, or may grow without measure, is done here.
fn method(state: &mut State, value: &Value, name: &str, arguments: &[Value]) -> Result<Value, Error> {
    let Some(text) = value.as_str() else {
        return pycompat::unknown_method_callback(state, value, name, arguments);
    };
    match name {
        "strip" | "lstrip" | "rstrip" => {
            let (of,): (Option<&str>,) = from_args(arguments)?;
            Ok(Value::from(match name {
                "strip" => strip(text, of),
                "lstrip" => lstrip(text, of),
                _ => rstrip(text, of),
            }))
        }
        "replace" => {
            let (old, new, count): (&str, &str, Option<i64>) = from_args(arguments)?;
            limits::replace(text, old, new, count)
        }
        "join" => {
            let (items,): (&Value,) = from_args(arguments)?;
            limits::join_with(text, items)
        }
        "format" => {
            limits::check_fields(text)?;
            pycompat::unknown_method_callback(state, value, name, arguments)
        }
        "removeprefix" | "removesuffix" => {
            let (part,): (&str,) = from_args(arguments)?;
            let rest = if name == "removeprefix" { text.strip_prefix(part) } else { text.strip_suffix(part) };
            Ok(Value::from(rest.unwrap_or(text)))
        }
        _ => pycompat::unknown_method_callback(state, value, name, arguments),
    }
}

/// Python's `value[start:stop:step]`.
fn slice(value: &Value, start: Option<i64>, stop: Option<i64>, step: Option<i64>) -> Result<Value, Error> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Error::new(ErrorKind::InvalidOperation, "a slice has a step of 0"));
    }
    if let Some(text) = value.as_str() {
        let characters: Vec<char> = text.chars().collect();
        return Ok(Value::from(
            places(characters.len(), start, stop, step).map(|at| characters[at]).collect::<String>(),
        ));
    }
    if !matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable) {
        let reason = format!("a value of kind {} has no slices", value.kind());
        return Err(Error::new(ErrorKind::InvalidOperation, reason));
    }
    let items: Vec<Value> = value.try_iter()?.collect();
    Ok(Value::from(places(items.len(), start, stop, step).map(|at| items[at].clone()).collect::<Vec<_>>()))
}

/// The places that a slice takes, as `slice.indices` has them.
fn places(len: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> impl Iterator<Item = usize> {
    let len = len as i64;
    let (lower, upper) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let place = |at: i64| if at < 0 { at.saturating_add(len).max(lower) } else { at.min(upper) };
    let start = start.map_or(if step > 0 { lower } else { upper }, place);
    let stop = stop.map_or(if step > 0 { upper } else { lower }, place);
    std::iter::successors(Some(start), move |at| at.checked_add(step))
        .take_while(move |&at| if step > 0 { at < stop } else { at > stop })
        .map(|at| at as usize)
}

/// Python counts four control characters as whitespace that Unicode does not.
pub(super) fn is_blank(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

fn strip<'t>(text: &'t str, of: Option<&str>) -> &'t str {
    lstrip(rstrip(text, of), of)
}

fn lstrip<'t>(text: &'t str, of: Option<&str>) -> &'t str {
    match of {
        Some(of) => text.trim_start_matches(|character| of.contains(character)),
        None => text.trim_start_matches(is_blank),
    }
}

fn rstrip<'t>(text: &'t str, of: Option<&str>) -> &'t str {
    match of {
        Some(of) => text.trim_end_matches(|character| of.contains(character)),
        None => text.trim_end_matches(is_blank),
    }
}
