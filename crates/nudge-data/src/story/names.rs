//! Who is named in a story: precision over recall.
//!
//! A name is a capitalised word of the list of given names, or one that stands after `named` or `called` or `name
//! was`. A capitalised word that is neither makes its sentence doubtful, so that rules which must know everybody pass
//! it over. It lacks surnames and names of two words.

use std::collections::BTreeSet;

use super::lexicon::{Kind, is_a};

/// A word as it is written, without a possessive ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written<'a> {
    /// The word.
    pub text: &'a str,
    /// Whether it stands where every word has a capital: after a sentence's end or an opening quote.
    pub first: bool,
}

/// The words of a text, apostrophes kept inside them, possessive `'s` taken off.
pub fn written_words(text: &str) -> Vec<Written<'_>> {
    let mut words = Vec::new();
    let mut first = true;
    let mut rest = text;
    while let Some(start) = rest.find(char::is_alphanumeric) {
        first |= rest[..start].contains(['.', '!', '?', '"', ':', '(', '\n']);
        let word = &rest[start..];
        let end = word.find(|c: char| !c.is_alphanumeric() && c != '\'').unwrap_or(word.len());
        let text = word[..end].trim_end_matches('\'');
        let bare = text.strip_suffix("'s").filter(|bare| bare.starts_with(char::is_uppercase)).unwrap_or(text);
        words.push(Written { text: bare, first });
        first = false;
        rest = &word[end..];
    }
    words
}

/// The names that a story tells.
pub fn names(sentences: &[&str]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for sentence in sentences {
        let words = written_words(sentence);
        for (index, word) in words.iter().enumerate() {
            if capitalised(word.text) && (is_a(Kind::Name, word.text) || introduced(&words[..index], word)) {
                names.insert(word.text.to_owned());
            }
        }
    }
    names
}

/// Whether a sentence may name somebody whom `names` does not know.
pub fn doubtful(sentence: &str, names: &BTreeSet<String>) -> bool {
    let words = written_words(sentence);
    let unknown = |word: &Written| {
        let lower = word.text.to_lowercase();
        let known = names.contains(word.text) || is_a(Kind::Title, word.text) || word.text.starts_with("I'");
        capitalised(word.text) && !known && !(word.first && is_a(Kind::Starter, &lower))
    };
    // Where capitals were lost, a name may be in lower case.
    let lost =
        |word: &Written| !capitalised(word.text) && is_a(Kind::Name, &crate::task::slots::capitalised(word.text));
    let introduced =
        words.windows(2).any(|pair| matches!(pair[0].text, "named" | "called") && !capitalised(pair[1].text));
    introduced || words.iter().any(|word| unknown(word) || lost(word))
}

fn introduced(before: &[Written], word: &Written) -> bool {
    let last = |back: usize| before.len().checked_sub(back).map_or("", |index| before[index].text);
    let introduces = matches!(last(1), "named") || (last(2) == "name" && matches!(last(1), "was" | "is"));
    introduces && !word.first && !is_a(Kind::Title, word.text) && word.text.len() > 1
}

fn capitalised(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_or_introduced() {
        let found = names(&["Once there was a bear named Kroll.", "His friend's name was Zip.", "Lily's ball, Mom."]);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["Kroll", "Lily", "Zip"]);
        assert!(names(&["They went to Paris.", "Suddenly it rained.", "a dog named The"]).is_empty());
    }

    #[test]
    fn whoever_may_be_a_stranger_makes_a_sentence_doubtful() {
        let names = BTreeSet::from(["Lily".to_owned()]);
        for sure in ["Lily's mom said, \"I'm here. Come!\"", "The dog ran.", "Then Mom smiled.", "I'd go, Lily."] {
            assert!(!doubtful(sure, &names), "{sure}");
        }
        for unsure in ["Pandy ran.", "She saw Pandy.", "\"Pandy!\" said Lily.", "A dog named zip sat.", "She saw lily."]
        {
            assert!(doubtful(unsure, &names), "{unsure}");
        }
    }

    #[test]
    fn words_know_where_a_capital_means_nothing() {
        let words = written_words("Tom's dog said, \"Don't!\" Then 'No.'");
        let shown: Vec<_> = words.iter().map(|word| (word.text, word.first)).collect();
        let expected = [("Tom", true), ("dog", false), ("said", false), ("Don't", true), ("Then", true), ("No", false)];
        assert_eq!(shown, expected);
    }
}
