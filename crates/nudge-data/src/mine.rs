//! Demonstrations mined from raw stories by rule, so that any story text teaches what an instruction asks for.
//!
//! Four kinds of task, in many wordings: a story about a thing it mentions, a continuation, what happens next, and
//! a happy ending. The answer is always the story's own text, cut at a sentence. FLAN (Wei et al. 2021, section 2.1)
//! does the same to data sets: one source, several templates. It lacks any judgement of quality.

use crate::records::DemonstrationRecord;
use crate::rng::Rng;
use crate::text::split_records;

/// Answers end at the first sentence that reaches this many words.
const ANSWER_WORDS: usize = 30;
/// And never grow longer than this.
const MOST_WORDS: usize = 60;

const ABOUT: [&str; 10] = [
    "Tell me a story about {}.",
    "Write a short story about {}.",
    "Can you tell me a story with {}?",
    "I want to hear a story about {}.",
    "Make up a story about {}.",
    "Please write a little story about {}.",
    "Start a story about {}.",
    "Tell a tale about {}.",
    "Write about {}.",
    "Give me a short tale about {}.",
];
const CONTINUE: [&str; 5] = [
    "Continue this story: {}",
    "Continue the story: {}",
    "Go on with this story: {}",
    "Please finish this story: {}",
    "Tell me more: {}",
];
const NEXT: [&str; 5] = [
    "What happens next? {}",
    "{} What happens next?",
    "{} What did they do then?",
    "And then what? {}",
    "{} Tell me what comes next.",
];
const HAPPY_ENDING: [&str; 5] = [
    "Write a happy ending: {}",
    "Give this story a happy ending: {}",
    "How does this story end well? {}",
    "End this story in a happy way: {}",
    "{} Please write a happy ending.",
];

/// Things that a small story is about.
const THINGS: &[&str] = &[
    "apple",
    "baby",
    "ball",
    "balloon",
    "bear",
    "bed",
    "bee",
    "bike",
    "bird",
    "boat",
    "book",
    "box",
    "boy",
    "bunny",
    "butterfly",
    "cake",
    "car",
    "castle",
    "cat",
    "chair",
    "clock",
    "clown",
    "cookie",
    "cow",
    "cup",
    "dog",
    "doll",
    "dragon",
    "dress",
    "duck",
    "elephant",
    "farm",
    "fish",
    "flower",
    "fox",
    "frog",
    "garden",
    "girl",
    "hat",
    "horse",
    "house",
    "jar",
    "kite",
    "kitten",
    "lake",
    "lamp",
    "lion",
    "monkey",
    "mouse",
    "owl",
    "park",
    "pencil",
    "pig",
    "plane",
    "pond",
    "princess",
    "puppy",
    "puzzle",
    "rabbit",
    "rainbow",
    "ring",
    "robot",
    "rock",
    "seed",
    "shell",
    "ship",
    "shoe",
    "snowman",
    "spider",
    "spoon",
    "squirrel",
    "star",
    "stick",
    "sweater",
    "teddy",
    "tiger",
    "tower",
    "toy",
    "train",
    "tree",
    "truck",
    "turtle",
    "umbrella",
    "van",
    "wagon",
    "whale",
    "wolf",
    "zoo",
];

const HAPPY: [&str; 8] = ["happy", "smiled", "laughed", "hugged", "proud", "friends", "fun", "loved"];

/// One demonstration of each kind that a story allows, stories and wordings drawn by `seed`.
///
/// `text` holds records that end with `<|endoftext|>`. `limit` is the number of demonstrations wanted; fewer come
/// if the text has no more.
pub fn mine_demonstrations(text: &str, limit: usize, seed: u64) -> Vec<DemonstrationRecord> {
    let mut rng = Rng::new(seed);
    let mut stories = split_records(text);
    rng.shuffle(&mut stories);
    let mut mined = Vec::new();
    for story in stories {
        let sentences = sentences(story);
        mined.extend(about(&sentences, &mut rng));
        mined.extend(passage(&sentences, &mut rng));
        mined.extend(ending(&sentences, &mut rng));
        if mined.len() >= limit {
            break;
        }
    }
    mined.truncate(limit);
    mined
}

/// A story about a thing that its first sentences mention.
fn about(sentences: &[&str], rng: &mut Rng) -> Option<DemonstrationRecord> {
    let opening = sentences.get(..3)?.join(" ").to_lowercase();
    let words: Vec<&str> = opening.split(|c: char| !c.is_alphabetic()).collect();
    let mut named: Vec<&str> = THINGS.iter().copied().filter(|thing| words.contains(thing)).collect();
    rng.shuffle(&mut named);
    let thing = named.first()?;
    let article = if thing.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    record("story_about", &ABOUT, &format!("{article} {thing}"), &answer(sentences)?, rng)
}

/// Some sentences of the story, to be continued by the ones after them.
fn passage(sentences: &[&str], rng: &mut Rng) -> Option<DemonstrationRecord> {
    let start = rng.below(sentences.len().checked_sub(6)?.max(1));
    let shown = sentences.get(start..start + 2)?.join(" ");
    let answer = answer(&sentences[start + 2..])?;
    match start {
        0 => record("continue", &CONTINUE, &shown, &answer, rng),
        _ => record("what_next", &NEXT, &shown, &answer, rng),
    }
}

/// The last sentences of a story that ends well.
fn ending(sentences: &[&str], rng: &mut Rng) -> Option<DemonstrationRecord> {
    let (before, last) = sentences.split_at(sentences.len().checked_sub(3)?);
    let shown = before.get(before.len().checked_sub(2)?..)?.join(" ");
    let answer = last.join(" ");
    let lower = answer.to_lowercase();
    HAPPY.iter().any(|word| lower.contains(word)).then_some(())?;
    (word_count(&answer) <= MOST_WORDS).then_some(())?;
    record("happy_ending", &HAPPY_ENDING, &shown, &answer, rng)
}

fn record(task: &str, templates: &[&str], slot: &str, answer: &str, rng: &mut Rng) -> Option<DemonstrationRecord> {
    // A prompt longer than this is not one that a person types.
    (word_count(slot) <= 45).then(|| DemonstrationRecord {
        prompt: templates[rng.below(templates.len())].replace("{}", slot).into(),
        completion: answer.to_string(),
        task: Some(task.to_string()),
        split: Some("train".to_string()),
        extra: Default::default(),
    })
}

/// Whole sentences from the start until there are enough words.
fn answer(sentences: &[&str]) -> Option<String> {
    let mut answer = String::new();
    for sentence in sentences {
        if !answer.is_empty() {
            answer.push(' ');
        }
        answer.push_str(sentence);
        if word_count(&answer) >= ANSWER_WORDS {
            break;
        }
    }
    let balanced = answer.matches('"').count().is_multiple_of(2);
    ((8..=MOST_WORDS).contains(&word_count(&answer)) && balanced).then_some(answer)
}

fn word_count(text: &str) -> usize {
    text.split_whitespace().count()
}

/// Sentences of a story. A closing quote and a lower-case "he said" belong to the sentence; line breaks end one.
fn sentences(story: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    for paragraph in story.lines() {
        let mut start = 0;
        let mut quoted = false;
        let mut ended = false;
        for (index, character) in paragraph.char_indices() {
            if character == '"' {
                quoted = !quoted;
            }
            let goes_on = || paragraph[index..].trim_start().starts_with(char::is_lowercase);
            if character.is_whitespace() && ended && !quoted && !goes_on() {
                sentences.push(paragraph[start..index].trim());
                start = index;
            }
            ended = matches!(character, '.' | '!' | '?') || (ended && character == '"');
        }
        sentences.push(paragraph[start..].trim());
    }
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORY: &str = "Once there was a boy named Tom. He had a red ball. Tom ran to the park with his ball. \
        \"Look at me!\" he said. A dog came and took the ball far away from him. Tom was sad and sat down. \
        His mom saw him and gave him a hug. Then the dog came back. Tom and the dog were happy.\n<|endoftext|>";

    #[test]
    fn sentences_keep_their_quotes() {
        let found = sentences("He said, \"Stop! Go away.\" Then he ran.\nThe end");
        assert_eq!(found, ["He said, \"Stop! Go away.\"", "Then he ran.", "The end"]);
        assert_eq!(sentences("\"Look at me!\" he said. A dog came."), ["\"Look at me!\" he said.", "A dog came."]);
    }

    #[test]
    fn answers_are_the_storys_own_words() {
        let text = STORY.repeat(20);
        let mined = mine_demonstrations(&text, 60, 1);
        let flat = STORY.replace('\n', " ");
        let kinds: std::collections::BTreeSet<_> = mined.iter().filter_map(|record| record.task.clone()).collect();
        assert!(kinds.len() >= 3, "{kinds:?}");
        for record in &mined {
            assert!(flat.contains(&record.completion), "{}", record.completion);
            assert!(!record.prompt.to_string().contains("{}"));
        }
        assert_eq!(mined, mine_demonstrations(&text, 60, 1));
        assert_ne!(mined, mine_demonstrations(&text, 60, 2));
    }

    #[test]
    fn a_text_without_stories_gives_nothing() {
        assert!(mine_demonstrations("", 10, 1).is_empty());
        assert!(mine_demonstrations("Too short.", 10, 1).is_empty());
    }
}
