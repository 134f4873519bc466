//! What of a text may reach a terminal. Models, records and the names in them come from strangers: a control character
//! would move the cursor or rename the window, and a mark of direction would show words in another order than they have.
//!
//! [`crate::report`] and [`crate::failure`] apply it to everything that they print.

use std::borrow::Cow;

/// What stands for a character that is not printed.
const REPLACEMENT: &str = "\u{fffd}";

/// Whether a terminal would obey the character rather than print it. Line breaks and tabs are for the caller to judge.
fn steers(character: char) -> bool {
    let turns = |character: char| matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() && !"\n\t".contains(character) || turns(character)
}

/// The text without what would steer a terminal. Lines and tabs stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    match text.contains(steers) {
        true => text.replace("\r\n", "\n").replace(steers, REPLACEMENT).into(),
        false => text.into(),
    }
}

/// The same in one line.
pub fn printable_line(text: &str) -> String {
    printable(text).replace(['\n', '\t'], " ")
}

/// The same of JSON, which keeps every character as an escape. JSON has such characters only within strings.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    if !json.contains(steers) {
        return json.into();
    }
    let escaped = |character: char| match steers(character) {
        true => format!("\\u{:04x}", u32::from(character)),
        false => character.to_string(),
    };
    json.chars().map(escaped).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_replaced() {
        assert_eq!(
            printable("\u{1b}]0;x\u{7} a\u{202e}b\u{9b}2J\u{7f}"),
            "\u{fffd}]0;x\u{fffd} a\u{fffd}b\u{fffd}2J\u{fffd}"
        );
        assert_eq!(printable("\u{2066}a\u{2069}"), "\u{fffd}a\u{fffd}");
        assert_eq!(printable("a\tb\r\nc\rd"), "a\tb\nc\u{fffd}d");
        assert_eq!(printable("日本語 \u{5e9}\u{5dc} é"), "日本語 \u{5e9}\u{5dc} é");
        assert_eq!(printable_line("a\tb\nc"), "a b c");
    }

    #[test]
    fn json_keeps_what_it_says() {
        let value = serde_json::json!({ "a\u{202e}": "\u{1b}[2J\u{7f}\u{9b}é" });
        let text = value.to_string();
        let printed = printable_json(&text);
        assert!(!printed.contains(steers), "{printed}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), value);
    }
}
