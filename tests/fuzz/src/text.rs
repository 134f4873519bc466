//! Plain text: no character other than white space is lost, whatever is cut.

use super::{read, without_mark};
use nudge_data::Layout;

/// Reads it.
pub fn target(content: &[u8]) {
    let Some(found) = read(content, Layout::Text) else { return };
    let Ok(text) = std::str::from_utf8(without_mark(content)) else {
        assert!(found.iter().any(|found| found.value.is_err()), "bytes that are no text are named");
        return;
    };
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    let expected: String = text.split("<|endoftext|>").map(bare).collect();
    let texts = found.iter().map(|found| found.value.as_ref().expect("is text")["text"].as_str().expect("is a string"));
    assert_eq!(texts.map(bare).collect::<String>(), expected);
}
