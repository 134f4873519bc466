//! Prompts without fields, where prompts are wanted: a plain text with one a line, or texts by themselves, as in a JSON
//! list of strings. Everything else stays what it is.

use crate::source::{Found, Layout};
use serde_json::{Value, json};

/// The records of a file in this layout, each plain text as `{"prompt": ...}`.
pub fn plain_prompts(layout: Layout, found: impl Iterator<Item = Found>) -> impl Iterator<Item = Found> {
    found.flat_map(move |found| match (layout, &found.value) {
        (Layout::Text, Ok(value)) => lines(found.line, value["text"].as_str().unwrap_or_default()),
        (_, Ok(Value::String(text))) => vec![prompt(found.line, text)],
        _ => vec![found],
    })
}

/// A prompt for each line that says something; the first has the number `first`.
fn lines(first: u64, text: &str) -> Vec<Found> {
    let used = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    used.map(|(index, line)| prompt(first + index as u64, line.trim())).collect()
}

fn prompt(line: u64, text: &str) -> Found {
    Found { line, value: Ok(json!({ "prompt": text })) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::detect;
    use crate::source::{Source, SourceOptions};

    fn prompts(name: &str, text: &str) -> Vec<(u64, Value)> {
        let source = Source::open(name, text.as_bytes(), SourceOptions::default()).unwrap();
        let found = plain_prompts(source.layout(), source);
        found.map(|found| (found.line, found.value.unwrap())).collect()
    }

    #[test]
    fn a_misspelt_field_is_named() {
        let refusal = |text: &str| {
            let source = Source::open("p.jsonl", text.as_bytes(), SourceOptions::default()).unwrap();
            detect("p.jsonl", source, None).map(|found| found.format).unwrap_err()
        };
        for (field, meant) in [("promt", "prompt"), ("Prompt", "prompt"), ("chosne", "chosen"), ("labels", "label")] {
            let message = refusal(&json!({ field: "x" }).to_string());
            assert!(
                message.contains(&format!("Is `{field}` meant to be `{meant}`? The formats are text, ")),
                "{message}"
            );
        }
        assert!(!refusal(r#"{"mail": "x"}"#).contains("meant"), "nothing is near it");
    }

    #[test]
    fn lines_and_strings_are_prompts_and_records_stay() {
        let expected = [(1, json!({"prompt": "Tell me."})), (3, json!({"prompt": "And then?"}))];
        assert_eq!(prompts("p.txt", "Tell me.\n\n  And then?\r\n"), expected);
        assert_eq!(prompts("p", "Tell me.\n \nAnd then?"), expected);
        assert_eq!(prompts("p.json", "[\"Tell me.\",\n\n\"And then?\"]"), expected);
        assert_eq!(prompts("p.jsonl", "\"Tell me.\"\n\n\"And then?\"\n"), expected);
        assert_eq!(prompts("p.jsonl", "{\"text\": \"a\\nb\"}\n"), [(1, json!({"text": "a\nb"}))]);
    }
}
