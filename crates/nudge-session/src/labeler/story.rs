//! Rules for the built-in story model: they look at the completion alone.

use super::text::words;

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
pub(super) fn happiness(text: &str) -> f32 {
    let words = words(text);
    let count = |list: &[&str]| words.iter().filter(|word| list.contains(&word.as_str())).count() as f32;
    count(HAPPY) - count(SAD)
}

/// The negative number of words. Nothing is the worst, but not by so much that it drowns a mean over completions.
pub(super) fn brevity(text: &str) -> f32 {
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
pub(super) fn animals(text: &str) -> f32 {
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
pub(super) fn dialogue(text: &str) -> f32 {
    let spoken: usize = text.split('"').skip(1).step_by(2).map(|speech| words(speech).len()).sum();
    spoken.min(40) as f32
}

/// The negative number of words that were said before in the same completion.
pub(super) fn freshness(text: &str) -> f32 {
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

    #[test]
    fn plurals_and_possessives_are_the_animal() {
        for text in ["two foxes", "the cat's tail", "Dogs bark"] {
            assert_eq!(animals(text), 1.0, "{text}");
        }
        assert_eq!(animals("They fly over caterpillars and category"), 0.0);
    }
}
