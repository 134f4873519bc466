//! Where sentences end, in stories with dialogue.
//!
//! It lacks any language but English, and nested quotes.

use super::lexicon::{Kind, is_a};

const TITLES: [&str; 5] = ["Mr.", "Mrs.", "Ms.", "Dr.", "St."];

/// The sentences of a text, trimmed. A closing quote, and a `he said` or `Tom said` after it, belong to the sentence;
/// line breaks end one.
pub fn sentences(text: &str) -> Vec<&str> {
    text.lines().flat_map(line_sentences).filter(|sentence| !sentence.is_empty()).collect()
}

fn line_sentences(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut quoted, mut ended, mut spoken) = (0, false, false, false);
    for (index, character) in line.char_indices() {
        if character == '"' {
            quoted = !quoted;
        }
        if character.is_whitespace() && ended && !quoted && !goes_on(&line[start..index], &line[index..], spoken) {
            found.push(line[start..index].trim());
            start = index;
        }
        let closes = character == '"' && !quoted;
        spoken = closes && ended;
        ended = matches!(character, '.' | '!' | '?') || (ended && (closes || character == ')'));
    }
    found.push(line[start..].trim());
    found
}

/// Whether the sentence that seems to end at `before` goes on in `after`; `spoken` if a quote has just closed, whose
/// speaker follows only if none went before it.
fn goes_on(before: &str, after: &str, spoken: bool) -> bool {
    let after = after.trim_start();
    let speaker = |word: &str| is_a(Kind::Speaking, &word.trim_end_matches([',', '.', ':']).to_lowercase());
    after.starts_with(char::is_lowercase)
        || (spoken && before.trim_start().starts_with('"') && after.split_whitespace().take(3).any(speaker))
        || TITLES.iter().any(|title| before.ends_with(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stay_whole_and_with_their_speaker() {
        let found = sentences("He said, \"Stop! Go away.\" Then he ran.\nThe end");
        assert_eq!(found, ["He said, \"Stop! Go away.\"", "Then he ran.", "The end"]);
        assert_eq!(sentences("\"Look at me!\" he said. A dog came."), ["\"Look at me!\" he said.", "A dog came."]);
        assert_eq!(sentences("\"Look!\" Tom said. He ran."), ["\"Look!\" Tom said.", "He ran."]);
        assert_eq!(sentences("Tom said, \"Look!\" His mom said no."), ["Tom said, \"Look!\"", "His mom said no."]);
        assert_eq!(sentences("\"Look!\" A dog came. It sat"), ["\"Look!\"", "A dog came.", "It sat"]);
    }

    #[test]
    fn titles_end_nothing() {
        assert_eq!(
            sentences("Mr. Fox met Mrs. Hen. They sat!  They ate?"),
            ["Mr. Fox met Mrs. Hen.", "They sat!", "They ate?"]
        );
        assert!(sentences(" \n\n").is_empty());
    }
}
