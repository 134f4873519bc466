//! The rule of somebody who sells without shouting: no superlatives, no words of advertising, the facts that were given
//! and no numbers that were not.

use super::text::{at_least, at_most, is_number, material, points, share_copied, share_fresh, share_spoken_of, tokens};

/// Points of ten for `completion` as the description of the product in `prompt`.
pub(super) fn plain_product(prompt: &str, completion: &str) -> f32 {
    let facts = material(prompt);
    let said = tokens(completion);
    if said.is_empty() {
        return 0.0;
    }
    points(
        4.0 * plain(&said, completion)
            + 3.0 * speaks_of(facts, completion)
            + 1.0 * length(said.len())
            + 1.0 * no_other_numbers(facts, &said)
            + 1.0 * share_fresh(completion),
    )
}

/// A quarter less for each superlative or word of advertising; an exclamation mark is half a one. What says nothing of
/// anything is plain too, so that a short completion cannot win by this alone.
fn plain(said: &[String], completion: &str) -> f32 {
    let loud = said.iter().filter(|word| is_superlative(word) || ADVERTISING.contains(&word.as_str())).count();
    at_most(2 * loud + completion.matches('!').count(), 0, 8) * at_least(said.len() as f32, 10.0)
}

/// `best`, `most` and words in -est.
fn is_superlative(word: &str) -> bool {
    matches!(word, "best" | "most" | "least")
        || word.len() > 5 && word.ends_with("est") && !NO_SUPERLATIVES.contains(&word)
}

/// Half of the words of the facts, but in sentences of one's own.
fn speaks_of(facts: &str, completion: &str) -> f32 {
    at_least(share_spoken_of(facts, completion), 0.5) * (1.0 - share_copied(facts, completion))
}

/// 20 to 70 words.
fn length(words: usize) -> f32 {
    at_most(words, 70, 140) * at_least(words as f32, 20.0)
}

/// Share of the numbers that are those of the facts; 1 without any.
fn no_other_numbers(facts: &str, said: &[String]) -> f32 {
    let given = tokens(facts);
    let numbers: Vec<&String> = said.iter().filter(|word| is_number(word)).collect();
    let known = numbers.iter().filter(|number| given.contains(number)).count();
    if numbers.is_empty() { 1.0 } else { known as f32 / numbers.len() as f32 }
}

const NO_SUPERLATIVES: &[&str] = &[
    "arrest",
    "bequest",
    "conquest",
    "contest",
    "digest",
    "earnest",
    "forest",
    "harvest",
    "honest",
    "inquest",
    "interest",
    "invest",
    "manifest",
    "midwest",
    "modest",
    "northwest",
    "protest",
    "request",
    "southwest",
    "suggest",
    "tempest",
    "unrest",
];

const ADVERTISING: &[&str] = &[
    "amazing",
    "amazingly",
    "awesome",
    "beautiful",
    "beautifully",
    "bestselling",
    "breathtaking",
    "brilliant",
    "captivating",
    "delightful",
    "elegance",
    "elegant",
    "elevate",
    "essential",
    "excellent",
    "exceptional",
    "exceptionally",
    "excellence",
    "exclusive",
    "exquisite",
    "extraordinary",
    "fabulous",
    "fantastic",
    "flawless",
    "gorgeous",
    "groundbreaking",
    "ideal",
    "impressive",
    "incredible",
    "incredibly",
    "innovative",
    "legendary",
    "luxurious",
    "luxury",
    "magnificent",
    "marvellous",
    "marvelous",
    "masterpiece",
    "outstanding",
    "perfect",
    "perfection",
    "perfectly",
    "phenomenal",
    "premium",
    "remarkable",
    "revolutionary",
    "seamless",
    "sensational",
    "sophisticated",
    "spectacular",
    "stunning",
    "stylish",
    "sublime",
    "superb",
    "superior",
    "supreme",
    "timeless",
    "ultimate",
    "unbeatable",
    "unforgettable",
    "unique",
    "unmatched",
    "unparalleled",
    "unrivalled",
    "wonderful",
];

#[cfg(test)]
mod tests {
    use super::*;

    const KETTLE: &str = "Product:\n\nKettle, stainless steel, 1.7 litres, 2,200 watts, switches off by itself, cable 75 \
                          cm, lid opens by a button\n\nWrite a short description of this product for our online shop.";

    #[test]
    fn completions_stand_in_the_order_of_a_person() {
        let good = "This kettle of stainless steel holds 1.7 litres and heats with 2,200 watts. It switches itself off \
                    when the water boils. A button opens the lid, and the cable is 75 cm long.";
        let one = good.replace("This kettle", "The best kettle");
        let loud = format!("The ultimate, most stunning kettle! {good} Simply perfect!");
        let list = "Kettle, stainless steel, 1.7 litres, 2,200 watts, switches off by itself, cable 75 cm.";
        let empty = "Our amazing team presents the finest, most luxurious experience for your beautiful home! Perfect!";
        let scores: Vec<f32> =
            [good, &one, &loud, empty, ""].iter().map(|completion| plain_product(KETTLE, completion)).collect();
        assert!(scores.is_sorted_by(|better, worse| better > worse), "{scores:?}");
        assert_eq!(scores[0], 10.0);
        let list = plain_product(KETTLE, list);
        assert!(list < scores[0] && list > scores[3], "{list}");
    }

    #[test]
    fn other_numbers_and_other_subjects_are_worse() {
        let right =
            "The kettle of steel has 2,200 watts and a cable of 75 cm, and it switches off by itself when done.";
        let wrong = right.replace("2,200", "3,000");
        let other = "The company was founded by two friends who like to travel and to cook, and it sells many things.";
        let score = |completion: &str| plain_product(KETTLE, completion);
        assert!(score(right) > score(&wrong) && score(&wrong) > score(other));
    }

    #[test]
    fn superlatives_end_in_est_and_some_words_do_too() {
        assert!(["best", "finest", "lightest", "most", "sturdiest"].into_iter().all(is_superlative));
        assert!(!["forest", "test", "honest", "west", "interest", "guest"].into_iter().any(is_superlative));
    }
}
