//! Raw text made regular before it is read: straight quotes, mended encodings, one story at a time.
//!
//! It lacks spelling and capitals: what is wrong there stays wrong.

use std::borrow::Cow;

/// What UTF-8 quotes and dashes look like after they were read as Windows-1252 and lost their last byte, or not;
/// longer ones first.
const MENDED: [(&str, &str); 12] = [
    ("â€œ", "\""),
    ("â€™", "'"),
    ("â€˜", "'"),
    ("â€“", "-"),
    ("â€”", "-"),
    ("â€¦", "..."),
    ("â€", "\""),
    ("“", "\""),
    ("”", "\""),
    ("’", "'"),
    ("‘", "'"),
    ("…", "..."),
];

/// Openings that no story has but at its start.
const OPENINGS: [&str; 6] =
    ["Once upon a time", "Once there was", "Once there were", "Once there lived", "There once was", "There was once"];

/// The text with straight quotes.
pub fn straighten(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut text = text.to_owned();
    for (wrong, right) in MENDED {
        if text.contains(wrong) {
            text = text.replace(wrong, right);
        }
    }
    Cow::Owned(text)
}

/// The stories of a record: excerpts often hold several without a mark between them.
///
/// A line with one of the usual openings starts a story. Where paragraphs stand apart by blank lines, so does a line
/// that follows another directly.
pub fn stories(record: &str) -> Vec<Vec<&str>> {
    let blank_lines = record.trim().lines().any(|line| line.trim().is_empty());
    let mut stories: Vec<Vec<&str>> = vec![Vec::new()];
    let mut after_blank = true;
    for line in record.lines().map(str::trim) {
        if line.is_empty() {
            after_blank = true;
            continue;
        }
        let opens = OPENINGS.iter().any(|opening| line.starts_with(opening));
        let story = stories.last_mut().filter(|story| !opens && (after_blank || !blank_lines) || story.is_empty());
        match story {
            Some(story) => story.push(line),
            None => stories.push(vec![line]),
        }
        after_blank = false;
    }
    stories.retain(|story| !story.is_empty());
    stories
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_straight_whatever_they_were() {
        assert_eq!(straighten("“Don’t!” â€œNo,â€ it couldnâ€™t"), "\"Don't!\" \"No,\" it couldn't");
        assert!(matches!(straighten("\"plain\""), Cow::Borrowed(_)));
    }

    #[test]
    fn joined_stories_are_taken_apart() {
        assert_eq!(
            stories("Tom ran.\nHe fell.\nOnce upon a time, a dog sat.\nIt slept."),
            [vec!["Tom ran.", "He fell."], vec!["Once upon a time, a dog sat.", "It slept."]]
        );
        assert_eq!(
            stories("Tom ran.\n\nHe fell.\nSam is a boy.\n\nHe sat."),
            [vec!["Tom ran.", "He fell."], vec!["Sam is a boy.", "He sat."]]
        );
        assert_eq!(stories("\n\nTom ran."), [vec!["Tom ran."]]);
        assert!(stories(" \n").is_empty());
    }
}
