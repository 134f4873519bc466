//! Judging a completion by rule, from the completion alone.
//!
//! A task says what can be checked about its completions; a record carries the rule with its words filled in, so that
//! whoever samples a completion can judge it without the story it came from. It lacks taste: a completion that passes
//! may still be dull.

use serde::{Deserialize, Serialize};

use crate::story::sentences::sentences;

/// What a completion must be. Every condition that is set must hold; none are set by default.
///
/// Words are compared without case, punctuation and articles; where a completion must contain a word, its plural in -s
/// will do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Check {
    /// The model ended the completion by its end token.
    #[serde(skip_serializing_if = "is_default")]
    pub ends: bool,
    /// All of these words or phrases occur.
    #[serde(skip_serializing_if = "is_default")]
    pub contains: Vec<String>,
    /// At least one of these occurs.
    #[serde(skip_serializing_if = "is_default")]
    pub contains_one_of: Vec<String>,
    /// The completion is one of these.
    #[serde(skip_serializing_if = "is_default")]
    pub equals: Vec<String>,
    /// The completion starts with this.
    #[serde(skip_serializing_if = "is_default")]
    pub starts_with: Option<String>,
    /// The completion is a single sentence.
    #[serde(skip_serializing_if = "is_default")]
    pub one_sentence: bool,
    /// The fewest words, split at spaces.
    #[serde(skip_serializing_if = "is_default")]
    pub at_least_words: Option<usize>,
    /// The most words, split at spaces.
    #[serde(skip_serializing_if = "is_default")]
    pub at_most_words: Option<usize>,
    /// Somebody speaks, between quotes that close.
    #[serde(skip_serializing_if = "is_default")]
    pub has_dialogue: bool,
    /// The completion is a list of so many different items, separated by commas, `and` or line breaks.
    #[serde(skip_serializing_if = "is_default")]
    pub list_of: Option<usize>,
    /// The completion is a list of exactly these, in any order.
    #[serde(skip_serializing_if = "is_default")]
    pub items: Vec<String>,
    /// Every item of the list is one of these.
    #[serde(skip_serializing_if = "is_default")]
    pub items_from: Vec<String>,
}

impl Check {
    /// Whether the completion is what was asked for; `ended` says whether the model gave its end token.
    pub fn passes(&self, completion: &str, ended: bool) -> bool {
        self.failures(completion, ended).is_empty()
    }

    /// The conditions that do not hold, by the names they have in a task's file.
    pub fn failures(&self, completion: &str, ended: bool) -> Vec<&'static str> {
        let failed = |&(name, wanted, holds): &(&'static str, bool, bool)| (wanted && !holds).then_some(name);
        self.conditions(completion, ended).iter().filter_map(failed).collect()
    }

    /// Name, whether it is set, and whether the completion meets it.
    fn conditions(&self, completion: &str, ended: bool) -> [(&'static str, bool, bool); 12] {
        let words = normalised(completion);
        let count = completion.split_whitespace().count();
        let items = listed(completion);
        let has = |phrase: &String| contains(&words, &normalised(phrase));
        let same = |text: &String| words == normalised(text);
        let start = self.starts_with.as_deref().map(normalised).unwrap_or_default();
        let set = |of: &[Vec<String>]| of.iter().cloned().collect::<std::collections::BTreeSet<_>>();
        let given = |list: &[String]| list.iter().map(|item| normalised(item)).collect::<Vec<_>>();
        let from = given(&self.items_from);
        [
            ("ends", self.ends, ended),
            ("contains", !self.contains.is_empty(), self.contains.iter().all(has)),
            ("contains_one_of", !self.contains_one_of.is_empty(), self.contains_one_of.iter().any(has)),
            ("equals", !self.equals.is_empty(), self.equals.iter().any(same)),
            ("starts_with", self.starts_with.is_some(), words.starts_with(&start)),
            ("one_sentence", self.one_sentence, sentences(completion).len() == 1),
            ("at_least_words", self.at_least_words.is_some(), self.at_least_words.is_some_and(|least| count >= least)),
            ("at_most_words", self.at_most_words.is_some(), self.at_most_words.is_some_and(|most| count <= most)),
            ("has_dialogue", self.has_dialogue, has_dialogue(completion)),
            ("list_of", self.list_of.is_some(), self.list_of == Some(items.len()) && set(&items).len() == items.len()),
            ("items", !self.items.is_empty(), set(&items) == set(&given(&self.items))),
            (
                "items_from",
                !from.is_empty(),
                items.iter().all(|item| from.iter().any(|known| known.len() == item.len() && contains(item, known))),
            ),
        ]
    }

    /// The same rule with every text replaced by what `fill` makes of it; one text may become several or none.
    pub(crate) fn map(&self, fill: impl Fn(&str) -> Vec<String>) -> Self {
        let all = |texts: &[String]| texts.iter().flat_map(|text| fill(text)).collect();
        Self {
            contains: all(&self.contains),
            contains_one_of: all(&self.contains_one_of),
            equals: all(&self.equals),
            starts_with: self.starts_with.as_deref().map(|text| fill(text).join(" ")),
            items: all(&self.items),
            items_from: all(&self.items_from),
            ..self.clone()
        }
    }

    /// Every text of the rule.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &String> {
        let lists = [&self.contains, &self.contains_one_of, &self.equals, &self.items, &self.items_from];
        lists.into_iter().flatten().chain(&self.starts_with)
    }
}

/// Words in lower case, without punctuation, articles and possessive endings.
fn normalised(text: &str) -> Vec<String> {
    let mut words = crate::story::lower_words(&text.replace(['’', '‘'], "'"));
    words.retain(|word| !matches!(word.as_str(), "a" | "an" | "the" | ""));
    words
}

/// Whether `phrase` stands in `words`, its last word perhaps in the plural.
fn contains(words: &[String], phrase: &[String]) -> bool {
    let Some((last, before)) = phrase.split_last() else { return true };
    let plural =
        |word: &String| word == last || word.strip_prefix(last.as_str()).is_some_and(|end| matches!(end, "s" | "es"));
    words.windows(phrase.len()).any(|window| window.starts_with(before) && window.last().is_some_and(plural))
}

fn has_dialogue(completion: &str) -> bool {
    let straight = completion.replace(['“', '”'], "\"");
    let parts: Vec<&str> = straight.split('"').collect();
    // Odd parts stand between quotes; the last part stands behind the last quote, so it never does.
    parts[..parts.len() - 1].iter().skip(1).step_by(2).any(|part| part.contains(char::is_alphabetic))
}

/// The items of a list, bullets and numbers taken off.
fn listed(completion: &str) -> Vec<Vec<String>> {
    let items = completion.split([',', '\n', ';']).flat_map(|part| part.split(" and "));
    let items = items.map(|item| {
        let mut words = normalised(item);
        words.retain(|word| !word.bytes().all(|byte| byte.is_ascii_digit()) && word != "and");
        words
    });
    items.filter(|words| !words.is_empty()).collect()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
