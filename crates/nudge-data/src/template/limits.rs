//! What a rendering may use: instructions, bytes and nesting.
//!
//! Templates come with models from anywhere. A template that never ends or that doubles a text is stopped by one of the
//! limits here; each is far above what a conversation that fits in a context needs. Work that one instruction can hide
//! (a long repetition, a wide field) is refused where it is asked for.

use minijinja::formatting::{FormatStyle, format};
use minijinja::value::{Kwargs, Rest, StringInput, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, Value, filters};

use super::rewrite::{BOUNDED, STORED};

/// The longest rendering, in bytes.
pub(crate) const MAX_OUTPUT: usize = 10_000_000;
/// The largest value: bytes of text plus [`ITEM_SIZE`] an item.
const MAX_SIZE: usize = MAX_OUTPUT;
/// What a value takes besides its text.
const ITEM_SIZE: usize = 32;
/// All that is printed, counting what macros and blocks capture each time that it is passed on.
const MAX_PRINTED: usize = 3 * MAX_OUTPUT;
/// All that is looked at or made, counted like sizes.
const MAX_WORK: usize = 1_000_000_000;
/// The instructions of the engine. One message costs real templates about a hundred.
const MAX_INSTRUCTIONS: u64 = 5_000_000;
/// How deep macros may call and values may nest.
const MAX_DEPTH: usize = 50;
/// The widest indentation and field.
const MAX_WIDTH: usize = 999;

/// What is said of a template that uses them up.
pub(super) const OUT_OF_INSTRUCTIONS: &str = "it does not come to an end: it was stopped after 5,000,000 instructions";

/// What one rendering has used so far.
#[derive(Default)]
struct Used {
    work: usize,
    printed: usize,
}

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.set_fuel(Some(MAX_INSTRUCTIONS));
    environment.set_recursion_limit(MAX_DEPTH);
    environment.set_formatter(print);
    environment.add_function(BOUNDED, bounded);
    environment.add_function(STORED, stored);
    environment.add_filter("replace", replace);
    environment.add_filter("join", join);
    environment.add_filter("indent", indent);
    environment.add_filter("format", format_fields);
    // They take a number of items to make, and no chat template uses them.
    environment.remove_filter("batch");
    environment.remove_filter("slice");
    environment.remove_global("debug");
}

pub(super) fn exceeded(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}

/// The value itself, once it is known to be small enough. What is made on demand is made here, so that nothing endless
/// and no chain of such values comes about.
fn bounded(state: &mut State, value: Value) -> Result<Value, Error> {
    let items = count(&value)?;
    let used = state.get_or_insert_extension(Used::default());
    used.work += value.as_str().map_or(0, str::len) + items * ITEM_SIZE;
    if used.work > MAX_WORK {
        return Err(exceeded("it does not come to an end: it was stopped after it had worked through 1 GB"));
    }
    if value.kind() == ValueKind::Iterable {
        return Ok(Value::from(value.try_iter()?.collect::<Vec<_>>()));
    }
    Ok(value)
}

/// The value itself, to be kept in a namespace. A namespace in it would be the way to a value that holds itself, on
/// which the engine recurses without end; no other values can be changed.
fn stored(state: &mut State, value: Value) -> Result<Value, Error> {
    let value = bounded(state, value)?;
    match holds_scopes(&value)? {
        true => Err(exceeded("a namespace is kept in a namespace, which chat templates do not need")),
        false => Ok(value),
    }
}

/// True if a namespace or a loop is in it. Call [`measure`] first, which bounds the depth.
fn holds_scopes(value: &Value) -> Result<bool, Error> {
    if value
        .as_object()
        .is_some_and(|object| ["::Namespace", "::Loop"].iter().any(|name| object.type_name().contains(name)))
    {
        return Ok(true);
    }
    let is_map = match value.kind() {
        ValueKind::Map => true,
        ValueKind::Seq | ValueKind::Iterable => false,
        _ => return Ok(false),
    };
    for item in value.try_iter()? {
        if holds_scopes(&item)? || is_map && holds_scopes(&value.get_item(&item)?)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How many values it consists of.
fn count(value: &Value) -> Result<usize, Error> {
    let (mut size, mut items) = (0, 0);
    measure(value, 0, &mut size, &mut items)?;
    Ok(items)
}

fn measure(value: &Value, depth: usize, size: &mut usize, items: &mut usize) -> Result<(), Error> {
    *items += 1;
    *size += ITEM_SIZE + value.as_str().map_or(0, str::len);
    if *size > MAX_SIZE {
        return Err(exceeded(format!("a value grew beyond {MAX_SIZE} bytes")));
    }
    if depth > MAX_DEPTH {
        return Err(exceeded(format!("values are nested more than {MAX_DEPTH} deep")));
    }
    let is_map = match value.kind() {
        ValueKind::Map => true,
        ValueKind::Seq | ValueKind::Iterable => false,
        _ => return Ok(()),
    };
    for item in value.try_iter()? {
        measure(&item, depth + 1, size, items)?;
        if is_map {
            measure(&value.get_item(&item)?, depth + 1, size, items)?;
        }
    }
    Ok(())
}

/// Prints a value as Python does.
fn print(output: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    count(value)?;
    let text = match (value.kind(), value.as_str()) {
        (_, Some(text)) => text.to_owned(),
        (ValueKind::Undefined, _) => return Ok(()),
        (ValueKind::None, _) => "None".to_owned(),
        (ValueKind::Bool, _) => if value.is_true() { "True" } else { "False" }.to_owned(),
        _ => value.to_string(),
    };
    let used = state.get_or_insert_extension(Used::default());
    used.printed += text.len();
    if used.printed > MAX_PRINTED {
        return Err(exceeded(format!("it prints more than {MAX_OUTPUT} bytes")));
    }
    output.write_str(&text).map_err(|error| exceeded(error.to_string()))
}

/// Python's `str.replace`, as the filter `replace` too.
pub(super) fn replace(text: &str, old: &str, new: &str, count: Option<i64>) -> Result<Value, Error> {
    let found = text.matches(old).count();
    let times = count.and_then(|count| usize::try_from(count).ok()).map_or(found, |count| count.min(found));
    check_size(text.len().saturating_add(times.saturating_mul(new.len())))?;
    Ok(Value::from(text.replacen(old, new, times)))
}

fn join(
    state: &mut State,
    items: &Value,
    between: Option<StringInput<'_>>,
    attribute: Option<&str>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    if let Ok(iter) = items.try_iter() {
        let between = between.as_ref().map_or(0, |between| between.as_str().len());
        check_joined(iter, between.max(kwargs.peek::<&str>("d").map_or(0, str::len)))?;
    }
    filters::join(state, items, between, attribute, kwargs)
}

/// Python's `str.join`.
pub(super) fn join_with(between: &str, items: &Value) -> Result<Value, Error> {
    check_joined(items.try_iter()?, between.len())?;
    let items: Vec<String> = items.try_iter()?.map(|item| item.to_string()).collect();
    Ok(Value::from(items.join(between)))
}

fn check_joined(items: impl Iterator<Item = Value>, between: usize) -> Result<(), Error> {
    let mut length = 0_usize;
    for item in items {
        length = length.saturating_add(between).saturating_add(item.as_str().map_or(0, str::len));
        check_size(length)?;
    }
    Ok(())
}

fn indent(
    text: StringInput<'_>,
    width: Option<usize>,
    first: Option<bool>,
    blank: Option<bool>,
    kwargs: Kwargs,
) -> Result<Value, Error> {
    let widest = width.unwrap_or(0).max(kwargs.peek::<usize>("width").unwrap_or(0));
    check_width(widest)?;
    let lines = text.as_str().matches('\n').count() + 1;
    check_size(text.as_str().len().saturating_add(widest.saturating_mul(lines)))?;
    filters::indent(text, width, first, blank, kwargs)
}

/// Python's `pattern % arguments`, as a filter.
fn format_fields(pattern: &str, arguments: Rest<Value>) -> Result<Value, Error> {
    check_fields(pattern)?;
    format(FormatStyle::Printf, pattern, &arguments).map(Value::from)
}

/// Refuses patterns whose fields are wider than any text, or as wide as an argument says.
pub(super) fn check_fields(pattern: &str) -> Result<(), Error> {
    let wide = pattern.split(|character: char| !character.is_ascii_digit()).any(|digits| digits.len() > 3);
    if wide || pattern.contains('*') {
        return Err(exceeded(format!("a pattern asks for a field wider than {MAX_WIDTH}, or one of variable width")));
    }
    Ok(())
}

pub(super) fn check_width(width: usize) -> Result<(), Error> {
    if width > MAX_WIDTH {
        return Err(exceeded(format!("it indents by {width} and the limit is {MAX_WIDTH}")));
    }
    Ok(())
}

pub(super) fn check_size(size: usize) -> Result<(), Error> {
    if size > MAX_SIZE {
        return Err(exceeded(format!("a value grew beyond {MAX_SIZE} bytes")));
    }
    Ok(())
}
