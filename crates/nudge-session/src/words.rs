//! The words that a small model's corpus has. A model of a few million parameters invents words ("toolible"); an answer
//! that holds one is not worth ranking while another can be drawn.

use std::collections::BTreeSet;

/// File of a model folder: the words, one a line, in lower case.
pub const WORDS: &str = "words.txt";

/// Words in lower case. A possessive `'s` belongs to no word.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words(BTreeSet<Box<str>>);

impl Words {
    /// Of a list, one a line, or of any text.
    pub fn of(text: &str) -> Self {
        Self(words_of(text).map(String::into_boxed_str).collect())
    }

    /// Whether a word in lower case is among them.
    pub fn has(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    /// The words of `text` that are not among these, each as often as it stands there.
    pub fn unknown<'a>(&'a self, text: &'a str) -> impl Iterator<Item = String> + 'a {
        words_of(text).filter(|word| !self.has(word))
    }
}

/// Runs of letters and apostrophes, without quotation marks around them.
fn words_of(text: &str) -> impl Iterator<Item = String> + '_ {
    let pieces = text.split(|letter: char| !letter.is_alphabetic() && !is_apostrophe(letter));
    let words = pieces.map(|piece| piece.trim_matches(is_apostrophe).replace('’', "'").to_lowercase());
    words.map(|word| word.strip_suffix("'s").unwrap_or(&word).to_string()).filter(|word| !word.is_empty())
}

fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '’')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_in_any_case_and_as_possessives() {
        let words = Words::of("cat\nsaw\ndon't\nthe\n");
        let unknown = |text: &str| words.unknown(text).collect::<Vec<_>>();
        assert!(unknown("The cat's \"saw\" 12 'Don’t' CAT!").is_empty());
        assert_eq!(unknown("The restactor saw the cat\u{2014}toolible."), ["restactor", "toolible"]);
        assert!(unknown("").is_empty());
    }
}
