//! Plain text corpora: one file of records, each ended by `<|endoftext|>`.
//!
//! It lacks sentence splitting, language detection and fuzzy matching: a corpus is taken as it is,
//! save for exact repeats.

use std::collections::HashSet;

use crate::tokenizer::END_OF_TEXT;

/// The records of a corpus, in order: separated by `<|endoftext|>`, trimmed, empty ones dropped.
pub fn split_records(text: &str) -> Vec<&str> {
    text.trim_start_matches('\u{feff}').split(END_OF_TEXT).map(str::trim).filter(|record| !record.is_empty()).collect()
}

/// The records without repeats, in order, the first of each kept.
///
/// Two records are repeats of each other if they differ in whitespace alone.
pub fn deduplicate(records: Vec<&str>) -> Vec<&str> {
    let mut seen = HashSet::new();
    records.into_iter().filter(|record| seen.insert(normalize_whitespace(record))).collect()
}

fn normalize_whitespace(record: &str) -> String {
    record.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn records_are_split_trimmed_and_never_empty() {
        let text = "\u{feff}One day.\r\n<|endoftext|>\n\n<|endoftext|>  Two.\n Three.<|endoftext|>";
        assert_eq!(split_records(text), ["One day.", "Two.\n Three."]);
        assert!(split_records(" \n").is_empty());
    }

    #[test]
    fn repeats_that_differ_in_whitespace_go() {
        assert_eq!(deduplicate(vec!["a  b", "c", "a\nb", "A b", "c"]), ["a  b", "c", "A b"]);
    }

    proptest! {
        #[test]
        fn joined_records_split_again(records in prop::collection::vec("[a-z]{1,9}( [a-z]{1,9}){0,3}", 0..9)) {
            let text = records.join(END_OF_TEXT);
            prop_assert_eq!(split_records(&text), records);
        }
    }
}
