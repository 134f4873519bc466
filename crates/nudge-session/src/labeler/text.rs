//! What rules see of a text: its words, its content words, how much of one text another one speaks of.
//!
//! English, by simple means that a reader can follow: a list of common words that say nothing, endings cut off, words
//! compared letter by letter. Deliberately absent: synonyms, numbers in words, other languages.

use std::collections::{BTreeSet, HashSet};

/// Lower-case words of letters and apostrophes.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(|character: char| !(character.is_alphabetic() || character == '\''))
        .map(|word| word.trim_matches('\'').to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// Lower-case words and numbers in order; what stands inside a number (`1,000`, `9:14`, `1.7`) belongs to it, except
/// its commas.
pub(super) fn tokens(text: &str) -> Vec<String> {
    text.split(|character: char| character.is_whitespace() || matches!(character, '-' | '–' | '—' | '/'))
        .map(|word| word.trim_matches(|character: char| !character.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().replace(',', "").replace('’', "'"))
        .collect()
}

/// Whether a token is a number, with or without a unit behind it.
pub(super) fn is_number(token: &str) -> bool {
    token.starts_with(|character: char| character.is_ascii_digit())
}

/// The part of a prompt that is worked on: its longest paragraph. What stands around it is the task.
pub(super) fn material(prompt: &str) -> &str {
    prompt.split("\n\n").max_by_key(|paragraph| paragraph.len()).unwrap_or_default().trim()
}

/// The words that say what a text is about, each once, without their endings. Numbers are among them.
pub(crate) fn content_words(text: &str) -> BTreeSet<String> {
    let says_something = |token: &&String| {
        is_number(token) || (token.chars().count() > 2 && COMMON.binary_search(&token.as_str()).is_err())
    };
    tokens(text).iter().filter(says_something).map(|token| stem(token)).collect()
}

/// Share of the content words of `material` that `completion` has too; 1 where there are none.
pub(super) fn share_spoken_of(material: &str, completion: &str) -> f32 {
    let (asked, said) = (content_words(material), content_words(completion));
    share(asked.intersection(&said).count(), asked.len(), 1.0)
}

/// Share of the content words of `completion` that stand in `material`; 0 where there are none.
pub(super) fn share_from(material: &str, completion: &str) -> f32 {
    let (given, said) = (content_words(material), content_words(completion));
    share(said.intersection(&given).count(), said.len(), 0.0)
}

/// Share of the words of `completion` that are copied: they stand in a run of six words of `material`.
pub(super) fn share_copied(material: &str, completion: &str) -> f32 {
    const RUN: usize = 6;
    let (given, said) = (tokens(material), tokens(completion));
    let runs: HashSet<&[String]> = given.windows(RUN).collect();
    let mut copied = vec![false; said.len()];
    for (start, run) in said.windows(RUN).enumerate() {
        if runs.contains(run) {
            copied[start..start + RUN].fill(true);
        }
    }
    share(copied.iter().filter(|copied| **copied).count(), said.len(), 0.0)
}

/// Share of the runs of three words that were not there before; 1 for a text that never repeats itself.
pub(super) fn share_fresh(completion: &str) -> f32 {
    let said = tokens(completion);
    let mut seen = HashSet::new();
    share(said.windows(3).filter(|run| seen.insert(*run)).count(), said.len().saturating_sub(2), 1.0)
}

/// 1 up to `enough`, then falling in a line to 0 at `too_many`.
pub(super) fn at_most(count: usize, enough: usize, too_many: usize) -> f32 {
    ((too_many as f32 - count as f32) / (too_many - enough) as f32).clamp(0.0, 1.0)
}

/// 0 at nothing, rising in a line to 1 at `enough`.
pub(super) fn at_least(amount: f32, enough: f32) -> f32 {
    (amount / enough).clamp(0.0, 1.0)
}

/// Points to a tenth: nobody tells completions apart more finely, so that close ones tie.
pub(super) fn points(sum: f32) -> f32 {
    (sum * 10.0).round() / 10.0
}

fn share(part: usize, whole: usize, of_nothing: f32) -> f32 {
    if whole == 0 { of_nothing } else { part as f32 / whole as f32 }
}

/// The word without the ending of its number, tense or owner, so that "arrives", "arrived" and "arriving" are one.
fn stem(token: &str) -> String {
    let word = token.strip_suffix("'s").unwrap_or(token);
    if is_number(word) {
        return word.to_owned();
    }
    let long_enough = |rest: &&str| rest.chars().count() > 2;
    let ending = |ending: &str| word.strip_suffix(ending).filter(long_enough);
    let ending_of_verb = ["ing", "ed", "es"].into_iter().find_map(ending);
    let plural = || if word.ends_with("ss") { None } else { ending("s") };
    let rest = ending_of_verb.or_else(plural).or_else(|| ending("e")).unwrap_or(word);
    let rest = rest.strip_suffix('i').or_else(|| rest.strip_suffix('y')).filter(long_enough).unwrap_or(rest);
    // "stopped" and "stop".
    let doubled =
        rest.len() > 3 && rest.is_ascii() && rest.as_bytes()[rest.len() - 1] == rest.as_bytes()[rest.len() - 2];
    if doubled { rest[..rest.len() - 1].to_owned() } else { rest.to_owned() }
}

/// Words that say nothing of what a text is about, in the order of the alphabet.
const COMMON: &[&str] = &[
    "about",
    "above",
    "after",
    "again",
    "all",
    "almost",
    "already",
    "also",
    "although",
    "always",
    "and",
    "another",
    "any",
    "anybody",
    "anyone",
    "anything",
    "are",
    "around",
    "ask",
    "asked",
    "back",
    "because",
    "been",
    "before",
    "being",
    "below",
    "best",
    "between",
    "both",
    "but",
    "bye",
    "call",
    "came",
    "can",
    "can't",
    "cannot",
    "cheers",
    "come",
    "comes",
    "could",
    "couldn't",
    "day",
    "dear",
    "did",
    "didn't",
    "does",
    "doesn't",
    "doing",
    "don't",
    "done",
    "down",
    "during",
    "each",
    "either",
    "else",
    "enough",
    "even",
    "ever",
    "every",
    "everybody",
    "everyone",
    "everything",
    "few",
    "find",
    "first",
    "for",
    "from",
    "further",
    "gave",
    "get",
    "gets",
    "getting",
    "give",
    "given",
    "giving",
    "glad",
    "goes",
    "going",
    "good",
    "got",
    "greetings",
    "had",
    "has",
    "have",
    "haven't",
    "having",
    "hello",
    "help",
    "her",
    "here",
    "hers",
    "him",
    "his",
    "hope",
    "how",
    "however",
    "i'd",
    "i'll",
    "i'm",
    "i've",
    "inside",
    "into",
    "isn't",
    "it's",
    "its",
    "itself",
    "just",
    "keep",
    "kind",
    "kindly",
    "knew",
    "know",
    "known",
    "last",
    "later",
    "least",
    "left",
    "less",
    "let",
    "like",
    "likes",
    "little",
    "long",
    "look",
    "looks",
    "lot",
    "lots",
    "made",
    "make",
    "makes",
    "many",
    "may",
    "maybe",
    "mere",
    "might",
    "mine",
    "more",
    "most",
    "mr",
    "mrs",
    "much",
    "must",
    "myself",
    "need",
    "needs",
    "never",
    "new",
    "next",
    "nobody",
    "none",
    "nor",
    "not",
    "nothing",
    "now",
    "off",
    "often",
    "once",
    "one",
    "ones",
    "only",
    "onto",
    "other",
    "others",
    "our",
    "ours",
    "out",
    "outside",
    "over",
    "own",
    "per",
    "perhaps",
    "please",
    "put",
    "quite",
    "rather",
    "really",
    "regards",
    "right",
    "said",
    "same",
    "say",
    "says",
    "see",
    "seem",
    "seems",
    "seen",
    "several",
    "shall",
    "she",
    "should",
    "since",
    "some",
    "somebody",
    "someone",
    "something",
    "soon",
    "still",
    "such",
    "sure",
    "take",
    "taken",
    "takes",
    "tell",
    "than",
    "thank",
    "thanks",
    "that",
    "that's",
    "the",
    "their",
    "them",
    "themselves",
    "then",
    "there",
    "there's",
    "these",
    "they",
    "they're",
    "thing",
    "things",
    "this",
    "those",
    "though",
    "through",
    "till",
    "time",
    "times",
    "told",
    "too",
    "took",
    "toward",
    "try",
    "two",
    "under",
    "unless",
    "until",
    "upon",
    "use",
    "used",
    "uses",
    "using",
    "very",
    "want",
    "wanted",
    "wants",
    "was",
    "wasn't",
    "way",
    "we'll",
    "we're",
    "we've",
    "well",
    "went",
    "were",
    "weren't",
    "what",
    "whatever",
    "when",
    "whenever",
    "where",
    "whether",
    "which",
    "while",
    "who",
    "whole",
    "whom",
    "whose",
    "why",
    "will",
    "wish",
    "wishes",
    "with",
    "within",
    "without",
    "won't",
    "would",
    "wouldn't",
    "write",
    "wrote",
    "yes",
    "yet",
    "you",
    "you'd",
    "you'll",
    "you're",
    "you've",
    "your",
    "yours",
    "yourself",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_words_can_be_searched() {
        assert!(COMMON.is_sorted());
    }

    #[test]
    fn endings_do_not_matter() {
        for forms in [
            &["arrive", "arrives", "arrived", "arriving"][..],
            &["stop", "stopped"],
            &["berry", "berries"],
            &["Jo's", "jo"],
        ] {
            let stems: BTreeSet<String> = forms.iter().map(|form| stem(&form.to_lowercase())).collect();
            assert_eq!(stems.len(), 1, "{stems:?}");
        }
        assert_ne!(stem("glass"), stem("glad"));
    }

    #[test]
    fn numbers_are_whole_words() {
        assert_eq!(
            tokens("It is 1.7 litres, 2,200 watts -- until 9:14."),
            ["it", "is", "1.7", "litres", "2200", "watts", "until", "9:14"]
        );
    }

    #[test]
    fn the_longest_paragraph_is_worked_on() {
        assert_eq!(material("Notes:\n\n one thing\nand another \n\nPut this shortly."), "one thing\nand another");
        assert_eq!(material("Say hello."), "Say hello.");
        assert_eq!(material(""), "");
    }

    #[test]
    fn shares_of_words() {
        let asked = "My kettle arrived with a crack.";
        assert_eq!(share_spoken_of(asked, "Your kettle has arrived cracked?"), 1.0);
        assert_eq!(share_spoken_of(asked, "We wish you a nice day."), 0.0);
        assert_eq!(share_spoken_of("and so on", "nothing"), 1.0);
        assert_eq!(share_from(asked, "A kettle, a dragon."), 0.5);
        assert_eq!(share_from(asked, ""), 0.0);
    }

    #[test]
    fn copies_and_repetition_are_seen() {
        let given = "one two three four five six seven";
        assert_eq!(share_copied(given, "zero one two three four five six"), 6.0 / 7.0);
        assert_eq!(share_copied(given, "one two three four five and six"), 0.0);
        assert_eq!(share_fresh("round and round and round and round"), 0.4);
        assert_eq!((share_fresh(""), share_fresh("a b c d")), (1.0, 1.0));
    }
}
