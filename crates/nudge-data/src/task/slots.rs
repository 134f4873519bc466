//! Wordings with slots: `Tell me a story about {a_thing}.`
//!
//! A slot is a field's name between braces. A name that begins with a capital renders the field with one, for the
//! start of a sentence. A list renders as `one, two and three`. It lacks escapes, defaults and expressions: text that
//! needs a brace puts it into a field.

use std::collections::BTreeMap;

/// What a slot is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// One text.
    Text(String),
    /// Several, such as the names in a story.
    List(Vec<String>),
}

/// Fields by name.
pub type Fields = BTreeMap<String, Field>;

impl Field {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::List(items) => match items.split_last() {
                Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
                _ => items.concat(),
            },
        }
    }
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Field {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<String>> for Field {
    fn from(items: Vec<String>) -> Self {
        Self::List(items)
    }
}

/// The fields that a wording names, in lower case.
///
/// # Errors
///
/// What is wrong with its braces.
pub fn slots(wording: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    walk(wording, |_| (), |name| found.push(field_name(name)))?;
    Ok(found)
}

/// The wording with its slots filled; a slot without a field stays empty, which [`slots`] rules out beforehand.
pub fn fill(wording: &str, fields: &Fields) -> String {
    let filled = std::cell::RefCell::new(String::new());
    let slot = |name: &str| {
        let text = fields.get(&field_name(name)).map(Field::text).unwrap_or_default();
        let capital = name.starts_with(char::is_uppercase);
        filled.borrow_mut().push_str(&if capital { capitalised(&text) } else { text });
    };
    match walk(wording, |text| filled.borrow_mut().push_str(text), slot) {
        Ok(()) => filled.into_inner(),
        Err(_) => wording.to_owned(),
    }
}

/// As [`fill`], but a wording that is one slot of a list gives its items.
pub fn fill_each(wording: &str, fields: &Fields) -> Vec<String> {
    let alone = wording.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    match alone.and_then(|name| fields.get(name)) {
        Some(Field::List(items)) => items.clone(),
        _ => vec![fill(wording, fields)],
    }
}

fn walk(wording: &str, mut text: impl FnMut(&str), mut slot: impl FnMut(&str)) -> Result<(), String> {
    let mut rest = wording;
    while let Some(start) = rest.find(['{', '}']) {
        text(&rest[..start]);
        let end = rest[start..].find('}').filter(|end| *end > 0).map(|end| start + end);
        let name = end.map(|end| &rest[start + 1..end]).filter(|name| is_name(name));
        let (Some(end), Some(name)) = (end, name) else {
            return Err(format!("{wording:?} has a brace that belongs to no slot; write slots as {{field}}"));
        };
        slot(name);
        rest = &rest[end + 1..];
    }
    text(rest);
    Ok(())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn field_name(slot: &str) -> String {
    let mut name = slot.to_owned();
    name[..1].make_ascii_lowercase();
    name
}

/// The text with its first letter as a capital.
pub fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        let names = vec!["Tom".to_owned(), "Lily".to_owned(), "Sam".to_owned()];
        [("thing", "dog {x}".into()), ("names", names.into())].map(|(name, field)| (name.to_owned(), field)).into()
    }

    #[test]
    fn slots_are_filled() {
        assert_eq!(fill("A {thing}. {Thing}! {names}?", &fields()), "A dog {x}. Dog {x}! Tom, Lily and Sam?");
        assert_eq!(fill_each("{names}", &fields()), ["Tom", "Lily", "Sam"]);
        assert_eq!(fill_each("{thing}s", &fields()), ["dog {x}s"]);
        assert_eq!(fill_each("plain", &fields()), ["plain"]);
        assert_eq!(slots("{Thing} and {names}").expect("reads"), ["thing", "names"]);
        assert_eq!(Field::List(vec!["Tom".into(), "Lily".into()]).text(), "Tom and Lily");
        assert_eq!(capitalised("été") + &capitalised(""), "Été");
    }

    #[test]
    fn stray_braces_are_refused() {
        for wrong in ["{", "}", "a {b", "a } b", "{}", "{a b}", "{é}", "{{a}}"] {
            assert!(slots(wrong).is_err(), "{wrong}");
        }
    }
}
