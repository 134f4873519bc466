//! Simulated labelers: rules over text that rank completions in a person's place, for demos, tests and measurements.
//!
//! Each rule gives a completion a number; completions are ranked by it, equal numbers tie. Every place that shows a
//! simulated ranking says so. Deliberately absent: people, models, any rule that looks at the prompt.

use crate::SessionError;
use nudge_data::RankingRecord;
use serde::Serialize;

/// What a shell shows of a labeler.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LabelerInfo {
    /// Its name in commands.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// The rule, in words.
    pub rule: String,
}

/// A rule over text.
#[derive(Clone, Copy)]
pub struct Labeler {
    /// Its name in commands.
    pub name: &'static str,
    title: &'static str,
    rule: &'static str,
    score: fn(&str) -> f32,
}

const ALL: [Labeler; 5] = [
    Labeler {
        name: "happier",
        title: "Happier",
        rule: "Counts happy words (happy, smile, laugh, love, fun, hug, ...) and subtracts sad ones (sad, cry, afraid, hurt, ...). More is better.",
        score: happiness,
    },
    Labeler {
        name: "shorter",
        title: "Shorter",
        rule: "Fewer words are better, counted up to 99. An answer without any word counts as 100.",
        score: brevity,
    },
    Labeler {
        name: "mentions_an_animal",
        title: "Mentions an animal",
        rule: "Counts the different animals that are named, up to two. More is better.",
        score: animals,
    },
    Labeler {
        name: "more_dialogue",
        title: "More dialogue",
        rule: "Counts the words between double quotes, up to 40. More is better.",
        score: dialogue,
    },
    Labeler {
        name: "no_repetition",
        title: "No repetition",
        rule: "Counts words that were said before in the same answer, up to 99. Fewer is better. An answer of fewer than five words counts as 100.",
        score: freshness,
    },
];

/// All simulated labelers.
pub fn all() -> &'static [Labeler] {
    &ALL
}

impl Labeler {
    /// The labeler called `name`; underscores, hyphens, spaces and capitals do not matter.
    pub fn find(name: &str) -> Result<Self, SessionError> {
        let wanted = name.to_lowercase().replace([' ', '-'], "_");
        ALL.iter().find(|labeler| labeler.name == wanted).copied().ok_or_else(|| SessionError::UnknownLabeler {
            name: name.into(),
            known: ALL.map(|labeler| labeler.name).join(", "),
        })
    }

    /// What a shell shows.
    pub fn info(&self) -> LabelerInfo {
        LabelerInfo { name: self.name.into(), title: self.title.into(), rule: self.rule.into() }
    }

    /// The rule's number for a completion; more is better.
    pub fn score(&self, completion: &str) -> f32 {
        (self.score)(completion)
    }

    /// Groups of indices into `completions`, best first, equal scores tied.
    pub fn rank(&self, completions: &[&str]) -> Vec<Vec<usize>> {
        let scores: Vec<f32> = completions.iter().map(|completion| self.score(completion)).collect();
        let mut order: Vec<usize> = (0..completions.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for index in order {
            match groups.last_mut() {
                Some(group) if scores[group[0]] == scores[index] => group.push(index),
                _ => groups.push(vec![index]),
            }
        }
        groups
    }

    /// A candidates or ranking record, ranked, with `labeler` set to `simulated:<name>`.
    pub fn label(&self, mut record: RankingRecord) -> RankingRecord {
        let texts: Vec<&str> = record.completions.iter().map(|completion| completion.text.as_str()).collect();
        record.ranking = self.rank(&texts);
        record.labeler = Some(format!("simulated:{}", self.name));
        record
    }
}

/// Lower-case words of letters and apostrophes.
fn words(text: &str) -> Vec<String> {
    text.split(|character: char| !(character.is_alphabetic() || character == '\''))
        .map(|word| word.trim_matches('\'').to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

const HAPPY: &[&str] = &[
    "happy",
    "happily",
    "glad",
    "smile",
    "smiles",
    "smiled",
    "smiling",
    "laugh",
    "laughs",
    "laughed",
    "laughing",
    "giggle",
    "giggled",
    "love",
    "loves",
    "loved",
    "fun",
    "joy",
    "joyful",
    "proud",
    "excited",
    "hug",
    "hugs",
    "hugged",
    "friend",
    "friends",
    "nice",
    "kind",
    "safe",
    "cheered",
    "danced",
    "wonderful",
    "great",
    "thank",
    "thanked",
    "best",
    "enjoyed",
    "yummy",
];

const SAD: &[&str] = &[
    "sad", "sadly", "cry", "cries", "cried", "crying", "tears", "afraid", "scared", "hurt", "angry", "mad", "mean",
    "lost", "alone", "lonely", "broke", "broken", "died", "dead", "sorry", "worried", "bad", "upset", "fell", "ruined",
    "missed", "pain", "sick", "dark",
];

/// Happy words minus sad words.
fn happiness(text: &str) -> f32 {
    let words = words(text);
    let count = |list: &[&str]| words.iter().filter(|word| list.contains(&word.as_str())).count() as f32;
    count(HAPPY) - count(SAD)
}

/// The negative number of words. Nothing is the worst, but not by so much that it drowns a mean over completions.
fn brevity(text: &str) -> f32 {
    match words(text).len() {
        0 => -100.0,
        count => -(count.min(99) as f32),
    }
}

const ANIMALS: &[&str] = &[
    "animal",
    "ant",
    "bear",
    "bee",
    "bird",
    "bug",
    "bunny",
    "butterfly",
    "camel",
    "cat",
    "chick",
    "chicken",
    "cow",
    "crab",
    "deer",
    "dinosaur",
    "dog",
    "dolphin",
    "donkey",
    "dragon",
    "duck",
    "elephant",
    "fish",
    "fly",
    "fox",
    "frog",
    "giraffe",
    "goat",
    "hen",
    "hippo",
    "horse",
    "kitten",
    "kitty",
    "lamb",
    "lion",
    "lizard",
    "monkey",
    "mouse",
    "owl",
    "panda",
    "parrot",
    "penguin",
    "pig",
    "pony",
    "puppy",
    "rabbit",
    "shark",
    "sheep",
    "snail",
    "snake",
    "spider",
    "squirrel",
    "swan",
    "tiger",
    "turtle",
    "whale",
    "wolf",
    "worm",
    "zebra",
];

/// Different animals named, at most two.
fn animals(text: &str) -> f32 {
    let words = words(text);
    let named = |animal: &&&str| {
        words.iter().any(|word| {
            let word = word.trim_end_matches("'s");
            word == **animal || word.strip_suffix('s') == Some(**animal) || word.strip_suffix("es") == Some(**animal)
        })
    };
    // "fly" is far more often what a bird does than an insect.
    ANIMALS.iter().filter(|animal| **animal != "fly").filter(named).count().min(2) as f32
}

/// Words between double quotes, at most 40. An unclosed quote counts to the end.
fn dialogue(text: &str) -> f32 {
    let spoken: usize = text.split('"').skip(1).step_by(2).map(|speech| words(speech).len()).sum();
    spoken.min(40) as f32
}

/// The negative number of words that were said before in the same completion.
fn freshness(text: &str) -> f32 {
    let words = words(text);
    if words.len() < 5 {
        return -100.0;
    }
    let mut said = std::collections::HashSet::new();
    -(words.iter().filter(|word| !said.insert(*word)).count().min(99) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(name: &str, completions: &[&str]) -> Vec<usize> {
        Labeler::find(name).unwrap().rank(completions).remove(0)
    }

    #[test]
    fn each_rule_prefers_what_it_says() {
        assert_eq!(best("happier", &["Tom was sad and cried.", "Tom smiled. He was happy."]), [1]);
        assert_eq!(best("shorter", &["A dog ran far away.", "A dog ran.", ""]), [1]);
        assert_eq!(
            best("mentions an animal", &["The boy ran.", "The puppies' mom saw a dog.", "A cat and a dog."]),
            [2]
        );
        assert_eq!(best("more-dialogue", &["He said yes.", "He said, \"Yes, I will.\""]), [1]);
        assert_eq!(
            best("no_repetition", &["He ran and he ran and he ran and he ran.", "He ran home to eat a red apple."]),
            [1]
        );
    }

    #[test]
    fn plurals_and_possessives_are_the_animal() {
        for text in ["two foxes", "the cat's tail", "Dogs bark"] {
            assert_eq!(animals(text), 1.0, "{text}");
        }
        assert_eq!(animals("They fly over caterpillars and category"), 0.0);
    }

    #[test]
    fn equal_scores_tie_and_every_completion_is_ranked_once() {
        let ranking = Labeler::find("shorter").unwrap().rank(&["a b", "c", "d e", "f g h"]);
        assert_eq!(ranking, vec![vec![1], vec![0, 2], vec![3]]);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = Labeler::find("nicer").err().unwrap().to_string();
        assert!(error.contains("nicer") && error.contains("happier") && error.contains("no_repetition"));
    }
}
